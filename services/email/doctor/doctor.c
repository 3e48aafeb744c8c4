/* SPDX-License-Identifier: Apache-2.0
 * A diagnosis from the engine's side: which examinations, and what they come to. The examinations themselves run on the
 * net thread; orders go there and events come back, as with a sender. See doctor.h. */
#include "services/email/doctor/doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/email/account/authenticator.h"
#include "services/email/content/message.h"
#include "services/email/doctor/advice.h"
#include "services/email/email_inside.h"
#include "station/base/must.h"
#include "station/base/secret.h"

enum { OTHERS_MAX = 6, PROBES = 1 + OTHERS_MAX, LINES_MAX = 500 };
#define OTHER_TIMEOUT_US (5 * SECOND_US) /* another port is only looked at */

struct diagnosis;
struct probe {
	struct diagnosis *diagnosis;
	struct exam_target target; /* until it starts */
	struct examination *exam;  /* net thread; NULL: not running */
	struct exam_report report; /* engine, when it is done */
};
struct diagnosis {
	struct station *station;
	uint64_t account;
	char job[37];
	struct exam_target other; /* what the other ways begin with: no login; owned */
	const struct account_protocol *protocol;
	enum sasl_kind login;
	bool fixed_mechanism;
	char client_certificate[130], key_problem[400]; /* see advice.h; "": none */
	struct probe probes[PROBES];                    /* the first with the settings that were asked for */
	size_t count, pending;                          /* engine */
	bool cancelled;                                 /* engine */
};

/* --- what people see ----------------------------------------------------------------------------------------------------- */

static struct email_account *account_now(const struct diagnosis *d)
{
	struct component *c = station_by_handle(d->station, d->account);
	return c ? account_of(c) : NULL;
}

static void tell(const struct diagnosis *d, json_t *event)
{
	struct email_account *a = account_now(d);
	json_object_set_new(event, "job", json_string(d->job));
	json_object_set_new(event, "account", json_string(a ? a->c.name : ""));
	station_event(d->station, "job", event);
	json_decref(event);
}

static void add_line(struct diagnosis *d, enum line_direction direction, const char *text)
{
	static const char *const directions[] = { "sent", "received", "note" };
	struct email_account *a = account_now(d);
	char time[ABSTIME_TEXT_MAX];
	if (!a || !a->diagnosis || d->cancelled)
		return;
	json_t *line = json_pack("{s:s, s:s, s:s}", "time", abstime_print(station_now(d->station), time), "direction",
	                         directions[direction], "text", text),
	       *lines = json_object_get(a->diagnosis, "lines");
	if (json_array_size(lines) < LINES_MAX)
		json_array_append(lines, line);
	tell(d, json_pack("{s:s, s:o}", "state", "running", "line", line));
}

json_t *email_diagnosis(struct station *s, const char *name)
{
	const struct email_account *a = account_find(s, name);
	return a ? a->diagnosis ? json_deep_copy(a->diagnosis) : json_pack("{s:s}", "state", "none") : NULL;
}

/* --- between the threads ------------------------------------------------------------------------------------------------- */

enum note_what { NOTE_START, NOTE_CANCEL, NOTE_SAID, NOTE_DONE, NOTE_CANCELLED };
struct note {
	struct message message;
	struct diagnosis *diagnosis;
	struct probe *probe;
	enum note_what what;
	enum line_direction direction;
	char *text;                /* SAID; owned */
	struct exam_report report; /* DONE; owned */
};
static void run_on_net(struct message *m);
static void run_on_engine(struct message *m);

static struct note *new_note(struct diagnosis *d, struct probe *p, enum note_what what)
{
	struct note *n = must_alloc(sizeof *n);
	bool to_net = what == NOTE_START || what == NOTE_CANCEL;
	*n = (struct note){ .message.run = to_net ? run_on_net : run_on_engine, .diagnosis = d, .probe = p, .what = what };
	return n;
}

static void said(void *context, enum line_direction direction, const char *text)
{
	struct probe *p = context;
	if (p != p->diagnosis->probes) /* of the others only what they come to is told */
		return;
	struct note *n = new_note(p->diagnosis, p, NOTE_SAID);
	n->direction = direction;
	n->text = must_strdup(text);
	station_post(p->diagnosis->station, &n->message);
}

static void done(void *context, struct exam_report *report)
{
	struct probe *p = context;
	struct note *n = new_note(p->diagnosis, p, NOTE_DONE);
	p->exam = NULL;
	n->report = *report;
	station_post(p->diagnosis->station, &n->message);
}

static const struct exam_events exam_events = { said, done };

static void run_on_net(struct message *m)
{
	struct note *n = container_of(m, struct note, message);
	struct diagnosis *d = n->diagnosis;
	if (n->what == NOTE_START) {
		n->probe->exam = exam_start(&d->station->net.loop, &n->probe->target, &exam_events, n->probe);
	} else {
		for (size_t i = 0; i < PROBES; i++)
			exam_cancel(&d->probes[i].exam);
		station_post(d->station, &new_note(d, NULL, NOTE_CANCELLED)->message);
	}
	free(n);
}

static void start(struct diagnosis *d, struct probe *p)
{
	p->diagnosis = d;
	d->pending++;
	net_post(&d->station->net, &new_note(d, p, NOTE_START)->message);
}

/* --- the other ways ------------------------------------------------------------------------------------------------------ */

static bool tried(const struct diagnosis *d, int port, enum mail_security security)
{
	for (size_t i = 0; i < d->count; i++)
		if (d->probes[i].report.port == port && d->probes[i].report.security == security)
			return true;
	return d->count == PROBES;
}

static void try_other(struct diagnosis *d, int port, enum mail_security security)
{
	if (tried(d, port, security))
		return;
	struct probe *p = &d->probes[d->count++];
	p->target = d->other;
	p->target.server = mail_server_without_login(&d->other.server);
	p->target.server.port = p->report.port = port;
	p->target.server.security = p->report.security = security;
	start(d, p);
}

/* Every mode at its usual port; then the others at the port that was asked for. */
static void try_others(struct diagnosis *d)
{
	int own = d->probes[0].report.port;
	for (int pass = 0; pass < 2; pass++)
		for (enum mail_security s = SECURITY_COUNT; s-- > SECURITY_NONE;)
			try_other(d, pass == 0 ? d->protocol->ports[s] : own, s);
}

/* --- the end ------------------------------------------------------------------------------------------------------------- */

static void diagnosis_free(struct diagnosis *d)
{
	for (size_t i = 0; i < PROBES; i++) {
		exam_target_clear(&d->probes[i].target);
		exam_report_clear(&d->probes[i].report);
	}
	exam_target_clear(&d->other);
	free(d);
}

static void conclude(struct diagnosis *d)
{
	struct email_account *a = account_now(d);
	struct exam_report others[OTHERS_MAX];
	for (size_t i = 1; i < d->count; i++)
		others[i - 1] = d->probes[i].report;
	const struct exam_report *own = &d->probes[0].report;
	json_t *keys = trust_client_keys(d->station, own->verdict.authorities);
	struct advice_case c = { own,
		                     others,
		                     d->count - 1,
		                     d->login,
		                     d->fixed_mechanism,
		                     d->client_certificate,
		                     *d->key_problem ? d->key_problem : NULL,
		                     keys };
	json_t *findings = advice_findings(&c), *advice = advice_give(&c);
	const char *state = own->err.code == 0 && !c.key_problem ? "healthy" : "ill";
	if (a && a->diagnosis) {
		json_object_set_new(a->diagnosis, "state", json_string(state));
		json_object_set(a->diagnosis, "findings", findings);
		json_object_set(a->diagnosis, "advice", advice);
		a->doctor = NULL;
	}
	tell(d, json_pack("{s:s, s:o, s:o}", "state", state, "findings", findings, "advice", advice));
	json_decref(keys);
	diagnosis_free(d);
}

static bool others_may_help(const struct exam_report *r)
{
	bool no_login = (r->step == EXAM_AUTH && (r->offers.login.known == 0 || !r->secure)) ||
	    ((r->step == EXAM_MAIL || r->step == EXAM_RCPT) && r->offers.login.known == 0);
	return r->err.code != 0 && (r->step <= EXAM_STARTTLS || no_login) && !r->verdict.asked &&
	    !(r->verdict.seen && !r->verdict.trusted);
}

static void examined(struct diagnosis *d, struct probe *p, struct exam_report *report)
{
	p->report = *report;
	*report = (struct exam_report){ .dialogue = NULL };
	d->pending--;
	if (p == d->probes) {
		if (p->report.verdict.seen && !p->report.verdict.trusted)
			trust_refused(d->station, &p->report.verdict);
		if (!d->cancelled && others_may_help(&p->report)) {
			add_line(d, LINE_NOTE, "Looking at the other usual ports and TLS modes, without a login.");
			try_others(d);
		}
	} else {
		char text[600];
		static const char *const modes[] = { "without encryption", "with STARTTLS", "with TLS" };
		snprintf(text, sizeof text, "Port %d %s: %s", p->report.port, modes[p->report.security],
		         p->report.err.code == 0 ? "answers." : p->report.err.text);
		add_line(d, LINE_NOTE, text);
	}
	if (d->pending == 0 && !d->cancelled)
		conclude(d);
}

static void run_on_engine(struct message *m)
{
	struct note *n = container_of(m, struct note, message);
	if (n->what == NOTE_SAID)
		add_line(n->diagnosis, n->direction, n->text);
	else if (n->what == NOTE_DONE)
		examined(n->diagnosis, n->probe, &n->report);
	else
		diagnosis_free(n->diagnosis);
	exam_report_clear(&n->report);
	free(n->text);
	free(n);
}

void doctor_stop(struct email_account *a)
{
	struct diagnosis *d = a->doctor;
	a->doctor = NULL;
	if (!d)
		return;
	d->cancelled = true;
	net_post(&d->station->net, &new_note(d, NULL, NOTE_CANCEL)->message);
}

/* --- the action ---------------------------------------------------------------------------------------------------------- */

enum { AS_CONFIGURED = -2, PORT_USUAL = -1 };
static const struct tag modes[] = {
	{ 0, "asConfigured", "As the sheet says." },
	{ 1, "none", "No encryption." },
	{ 2, "startTls", "TLS by STARTTLS." },
	{ 3, "ssl", "TLS from the first byte." },
	{ 0, NULL, NULL },
};
static const struct slot members[] = {
	MEMBER("hostname", STRING, .facets = FACETS(.maxLength = 253, .form = FORM_HOST_NAME),
	       .doc = "Name or address of the server; empty: as the sheet says."),
	MEMBER("port", INTEGER, .dflt = "-2", .facets = FACETS(.min = AS_CONFIGURED, .max = 65535),
	       .doc = "Port; -1: the usual one, -2: as the sheet says."),
	MEMBER("security", ENUM, .facets = FACETS(.range = modes), .doc = "How the connection is secured."),
	MEMBER("account", STRING, .facets = FACETS(.maxLength = 254),
	       .doc = "User name; empty: the sheet's authenticator."),
	MEMBER("password", SECRET, .facets = FACETS(.maxLength = 1000), .doc = "Password of that account."),
	MEMBER("testAddress", STRING, .facets = FACETS(.maxLength = 254, .form = FORM_MAIL_ADDRESS),
	       .doc = "Where a test mail goes; empty: none is sent."),
	SLOT_END,
};
enum { ARG_HOST, ARG_PORT, ARG_SECURITY, ARG_ACCOUNT, ARG_PASSWORD, ARG_TEST };
const struct slot doctor_argument = {
	.name = "settings", .kind = V_STRUCT, .members = members, .doc = "What to try in place of what the sheet says."
};

static const struct exam_dialogue *dialogue_of(const struct account_protocol *p)
{
	return p == &account_smtp ? &exam_smtp : p == &account_imap ? &exam_imap : p == &account_pop3 ? &exam_pop3 : NULL;
}

static bool by_certificate(const struct email_account *a)
{
	return component_is(a->emailAuthenticator, &email_certificate_authenticator);
}

/* The server as the sheet has it, or with the login that was given. */
static int fill_server(const struct email_account *a, const struct value *arg, struct mail_server *out, struct err *e)
{
	const char *user = arg[ARG_ACCOUNT].text, *password = arg[ARG_PASSWORD].text;
	int rc = account_server(a, out, e);
	if (*user) {
		sasl_login_clear(&out->login);
		out->login = (struct sasl_login){ .kind = SASL_PASSWORD,
			                              .user = must_strdup(user),
			                              .secret = secret_seal(out->keyring, password ? password : "",
			                                                    password ? strlen(password) : 0) };
		return 0;
	}
	if (rc < 0 && by_certificate(a)) { /* none is chosen, or it is in clear: an examination shows what would work */
		sasl_login_clear(&out->login);
		out->login = (struct sasl_login){ .kind = SASL_CERTIFICATE,
			                              .user = must_strdup(authenticator_account(a->emailAuthenticator)) };
		return 0;
	}
	return rc == AUTHENTICATOR_WAIT
	    ? err_set(e, E_CONFLICT, NULL, "The access token is being fetched; try again in a moment.")
	    : rc;
}

static void fill_mail(struct email_account *a, const char *to, struct exam_target *t)
{
	struct outgoing_account *o = (struct outgoing_account *)a;
	size_t length;
	char id[80], uuid[37];
	if (t->dialogue != &exam_smtp || !*to)
		return;
	account_sender_address(o, t->sender, sizeof t->sender);
	snprintf(t->recipient, sizeof t->recipient, "%s", to);
	uuid_make(uuid);
	snprintf(id, sizeof id, "%s@belfry", uuid);
	struct message_address person = { "", to };
	struct message_parts parts = { .from = { "", t->sender },
		                           .reply_to = { "", "" },
		                           .to = &person,
		                           .to_count = 1,
		                           .subject = "Belfry test mail",
		                           .body = "This is a test mail of the station's mail doctor.\n",
		                           .message_id = id,
		                           .date = station_now(a->c.station) };
	t->content = message_build(&parts, &length);
}

static int fill_target(struct email_account *a, const struct value *arg, struct exam_target *t, struct err *e)
{
	const struct account_protocol *protocol = account_protocol_of(a);
	int64_t mode = arg[ARG_SECURITY].integer;
	*t = (struct exam_target){ .dialogue = dialogue_of(protocol) };
	if (!t->dialogue)
		return err_set(e, E_CONFLICT, "transport", "This account talks to no server, so there is nothing to examine.");
	int rc = fill_server(a, arg, &t->server, e);
	if (*arg[ARG_HOST].text)
		snprintf(t->server.host, sizeof t->server.host, "%s", arg[ARG_HOST].text);
	if (!*t->server.host)
		rc = err_set(e, E_INVALID, "hostname", "No hostname is set: enter the name or the address of the mail server.");
	if (mode)
		t->server.security = (enum mail_security)(mode - 1);
	int64_t port = arg[ARG_PORT].integer == AS_CONFIGURED ? a->port : arg[ARG_PORT].integer;
	t->server.port = port > 0 ? (int)port : protocol->ports[t->server.security];
	account_own_name(t->name, sizeof t->name);
	if (rc < 0)
		exam_target_clear(t);
	else
		fill_mail(a, arg[ARG_TEST].text, t);
	return rc;
}

/* Which certificate of ours is shown, or why it cannot be. */
static void note_key(struct diagnosis *d, const struct email_account *a)
{
	struct err e = { 0 };
	snprintf(d->client_certificate, sizeof d->client_certificate, "%s", a->clientCertificate);
	bool missing =
	    d->login == SASL_CERTIFICATE && !*a->clientCertificate && authenticator_ready(a->emailAuthenticator, &e) != 0;
	if (missing || (*a->clientCertificate && trust_key_check(a->c.station, a->clientCertificate, &e) != 0))
		snprintf(d->key_problem, sizeof d->key_problem, "%s", e.text);
}

int doctor_diagnose(struct component *c, struct invocation *inv)
{
	struct email_account *a = account_of(c);
	struct exam_target target;
	if (a->doctor)
		return err_set(&inv->err, E_CONFLICT, NULL, "A diagnosis of this account is running; wait for its end.");
	int rc = fill_target(a, inv->arg->list.items, &target, &inv->err);
	if (rc < 0)
		return rc;
	struct diagnosis *d = must_alloc(sizeof *d);
	*d = (struct diagnosis){ .station = c->station,
		                     .account = c->handle,
		                     .protocol = account_protocol_of(a),
		                     .login = target.server.login.kind,
		                     .fixed_mechanism = target.server.login.mechanism != SASL_AUTO,
		                     .other = { .dialogue = target.dialogue,
		                                .server = mail_server_without_login(&target.server) },
		                     .count = 1 };
	d->other.server.timeout = OTHER_TIMEOUT_US;
	snprintf(d->other.name, sizeof d->other.name, "%s", target.name);
	uuid_make(d->job);
	note_key(d, a);
	d->probes[0].target = target;
	d->probes[0].report.port = target.server.port;
	d->probes[0].report.security = target.server.security;
	json_decref(a->diagnosis);
	a->diagnosis =
	    json_pack("{s:s, s:s, s:[], s:[], s:[]}", "job", d->job, "state", "running", "lines", "findings", "advice");
	a->doctor = d;
	start(d, &d->probes[0]);
	inv->result = value_string(d->job);
	return 0;
}
