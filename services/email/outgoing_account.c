/* SPDX-License-Identifier: Apache-2.0
 * email:OutgoingAccount: the table, the rules over several slots, and what the account shows of itself. Names, order and
 * meaning are Niagara's; where it differs, the difference is in the row's doc. Engine thread. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "services/email/email_inside.h"
#include "station/log.h"
#include "station/must.h"

static struct outgoing_account *account_of(struct component *c)
{
	return COMPONENT_AS(c, &email_outgoing_account, struct outgoing_account);
}

/* --- ports -------------------------------------------------------------------------------------------------------------- */

static int usual_port(bool ssl, bool starttls)
{
	return ssl ? 465 : starttls ? 587 : 25;
}

int account_effective_port(const struct outgoing_account *a)
{
	return a->port >= 0 ? (int)a->port : usual_port(a->useSsl, a->useStartTls);
}

/* --- rules -------------------------------------------------------------------------------------------------------------- */

static const char *mode_name(const struct outgoing_account *a)
{
	return a->useSsl ? "useSsl" : a->useStartTls ? "useStartTls" : "no encryption";
}

static void check_port(const struct outgoing_account *a, struct report *report)
{
	static const int ports[] = { 25, 465, 587 };
	int usual = usual_port(a->useSsl, a->useStartTls);
	if (a->port == 0)
		report_error(report, E_INVALID, "port", "Port 0 does not exist; -1 means the usual one, %d.", usual);
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
		if (a->port == ports[i] && ports[i] != usual && !(a->useStartTls && a->port == 25))
			report_warning(report, "port", "Port %lld is unusual for %s; the usual one is %d.", (long long)a->port,
			               mode_name(a), usual);
}

static void check_host(const struct outgoing_account *a, struct report *report)
{
	for (const char *p = a->hostname; *p; p++) {
		if ((unsigned char)*p > ' ' && !strchr("/@<>\"'\\,;()", *p) && (unsigned char)*p != 0x7f)
			continue;
		report_error(
		    report, E_INVALID, "hostname",
		    "A host name or address is expected, without spaces, protocol or port: for example smtp.example.com.");
		return;
	}
}

static void check_address(const char *slot, const char *address, struct report *report)
{
	if (*address && !smtp_address_ok(address))
		report_error(report, E_INVALID, slot, "\"%.60s\" is not a mail address such as station@example.com.", address);
}

/* A login that would not be sent, or none at all where one is usual. */
static void check_login(const struct outgoing_account *a, const struct component *current, struct report *report)
{
	const struct component *login = current ? component_child(current, "emailAuthenticator") : NULL;
	if (!login || !component_is(login, &email_basic_authenticator) || a->transport != TRANSPORT_SMTP)
		return;
	const struct basic_authenticator *basic = (const struct basic_authenticator *)login;
	if (*basic->account && !a->useSsl && !a->useStartTls && !a->allowClearTextCredentials)
		report_warning(report, "allowClearTextCredentials",
		               "Without encryption the login is not sent, and so no mail, unless this is set.");
}

static void check(const struct component *next, const struct component *current, struct report *report)
{
	const struct outgoing_account *a = (const struct outgoing_account *)next;
	if (a->useSsl && a->useStartTls) {
		static const char both[] = "Use Ssl and Use Start Tls exclude each other: choose Use Ssl (usual port 465), or "
		                           "Use Start Tls (usual port 587).";
		report_error(report, E_INVALID, "useSsl", both);
		report_error(report, E_INVALID, "useStartTls", both);
	}
	check_host(a, report);
	check_port(a, report);
	check_address("from", a->from, report);
	check_address("replyTo/address", a->replyTo.address, report);
	check_login(a, current, report);
	if (!a->useSsl && !a->useStartTls && a->transport == TRANSPORT_SMTP)
		report_warning(report, "useSsl",
		               "Mail is sent without encryption: anybody on the way can read it. Use Use Ssl or Use Start Tls "
		               "if the server can.");
	if (a->allowClearTextCredentials)
		report_warning(report, "allowClearTextCredentials", "Account and password may be sent without encryption.");
	if (a->tlsMinProtocol < TLS_V1_2)
		report_warning(report, "tlsMinProtocol",
		               "TLS before 1.2 is broken; use it only as long as an old server forces you.");
}

/* --- what it shows -------------------------------------------------------------------------------------------------------- */

static void set(struct outgoing_account *a, const char *name, struct value v)
{
	component_set(&a->c, type_slot(a->c.type, name), &v);
}

static void show_status(struct outgoing_account *a)
{
	uint16_t bits = a->enabled ? STATUS_OK : STATUS_DISABLED;
	if (a->failing)
		bits |= STATUS_DOWN;
	component_set_status(&a->c, bits);
}

void account_succeeded(struct outgoing_account *a)
{
	set(a, "lastPollSuccess", value_abstime(station_now(a->c.station)));
	a->failing = false;
	show_status(a);
}

void account_failed(struct outgoing_account *a, const char *cause)
{
	set(a, "lastPollFailure", value_abstime(station_now(a->c.station)));
	set(a, "lastPollFailureCause", value_string(cause));
	a->failing = true;
	show_status(a);
}

void account_show_queue(struct outgoing_account *a, int64_t more)
{
	int64_t n = a->queueSize + more;
	if (a->queueSize < a->maxQueueSize && n >= a->maxQueueSize)
		log_warn("account %s: %lld mails wait (maxQueueSize); nothing is discarded", a->c.name, (long long)n);
	set(a, "queueSize", value_integer(n));
}

void account_sent(struct outgoing_account *a, int64_t n)
{
	set(a, "numberSent", value_integer(a->numberSent + n));
}

void account_sender_address(const struct outgoing_account *a, char *out, size_t size)
{
	const struct component *login = a->emailAuthenticator;
	const char *account =
	    component_is(login, &email_basic_authenticator) ? ((const struct basic_authenticator *)login)->account : "";
	char host[200] = "";
	if (gethostname(host, sizeof host - 1) != 0)
		*host = '\0';
	snprintf(out, size, "belfry@%s", *host ? host : "localhost");
	if (smtp_address_ok(a->from))
		snprintf(out, size, "%s", a->from);
	else if (smtp_address_ok(account))
		snprintf(out, size, "%s", account);
	else if (smtp_address_ok(a->replyTo.address))
		snprintf(out, size, "%s", a->replyTo.address);
	else if (!smtp_address_ok(out))
		snprintf(out, size, "belfry@localhost");
}

/* --- the transcript --------------------------------------------------------------------------------------------------------- */

void account_transcribe(struct outgoing_account *a, enum smtp_direction direction, const char *text)
{
	if (!a->transcript)
		a->transcript = must_alloc(TRANSCRIPT_LINES * sizeof *a->transcript);
	struct transcript_line *line = &a->transcript[a->transcript_next];
	a->transcript_next = (a->transcript_next + 1) % TRANSCRIPT_LINES;
	if (a->transcript_count < TRANSCRIPT_LINES)
		a->transcript_count++;
	free(line->text);
	*line = (struct transcript_line){ station_now(a->c.station), direction, must_strdup(text) };
	json_t *json = email_transcript_line(a->c.name, line);
	station_event(a->c.station, "transcript", json);
	json_decref(json);
}

json_t *email_transcript_line(const char *account, const struct transcript_line *line)
{
	static const char *const directions[] = { "sent", "received", "note" };
	char time[ABSTIME_TEXT_MAX];
	return json_pack("{s:s, s:s, s:s, s:s}", "account", account, "time", abstime_print(line->time, time), "direction",
	                 directions[line->direction], "text", line->text);
}

json_t *email_transcript(struct station *s, const char *name)
{
	struct outgoing_account *a = account_by_name(s, name);
	if (!a)
		return NULL;
	json_t *items = json_array();
	for (size_t i = 0; i < a->transcript_count; i++) {
		size_t at = (a->transcript_next + TRANSCRIPT_LINES - a->transcript_count + i) % TRANSCRIPT_LINES;
		json_array_append_new(items, email_transcript_line(name, &a->transcript[at]));
	}
	return items;
}

/* --- actions ------------------------------------------------------------------------------------------------------------------ */

struct testing {
	struct invocation *inv;
	char id[37];
};

static void test_queued(void *context, int code, const struct err *e)
{
	struct testing *t = context;
	if (code != 0)
		t->inv->err = *e;
	else
		t->inv->result = value_string(t->id);
	invocation_done(t->inv, code);
	free(t);
}

static int send_test(struct component *c, struct invocation *inv)
{
	struct outgoing_account *a = account_of(c);
	const char *address = inv->arg->text;
	if (!smtp_address_ok(address))
		return err_set(&inv->err, E_INVALID, "address", "\"%.60s\" is not a mail address such as anna@example.com.",
		               address);
	char time[ABSTIME_TEXT_MAX], label[256];
	abstime_print(station_now(c->station), time);
	char *body = must_format("This is a test mail of the station's account \"%s\".\nIt was asked for at %s.\n",
	                         component_display_name(c, label, sizeof label), time);
	struct draft_recipient to = { "", address, FIELD_TO };
	struct draft d = { .kind = MAIL_TEST,
		               .subject = "Belfry test mail",
		               .body = body,
		               .alarm = "",
		               .recipient = "",
		               .priority = 255,
		               .to = &to,
		               .count = 1 };
	struct testing *t = must_alloc(sizeof *t);
	struct store_tx *tx = store_tx_new();
	t->inv = inv;
	outbox_add(c->station, a, NULL, tx, &d, t->id);
	free(body);
	outbox_retry_now(a); /* somebody is watching: no waiting time */
	store_commit(c->station->store, tx, test_queued, t);
	return 1;
}

static int reset_number_sent(struct component *c, struct invocation *inv)
{
	(void)inv;
	set(account_of(c), "numberSent", value_integer(0));
	return 0;
}

/* --- life ------------------------------------------------------------------------------------------------------------------------ */

static void timer_fired(struct timer *t)
{
	outbox_pump(container_of(t, struct outgoing_account, timer));
}

static void init(struct component *c)
{
	struct outgoing_account *a = (struct outgoing_account *)c;
	a->timer.fire = timer_fired;
	a->ready_tail = &a->ready;
}

static void show_port(struct outgoing_account *a)
{
	set(a, "effectivePort", value_integer(account_effective_port(a)));
}

static void started(struct component *c)
{
	struct outgoing_account *a = account_of(c);
	show_port(a);
	show_status(a);
	outbox_start(a);
}

static void stopped(struct component *c)
{
	outbox_stop(account_of(c));
}

static void fini(struct component *c)
{
	struct outgoing_account *a = (struct outgoing_account *)c;
	outbox_free(a);
	for (size_t i = 0; a->transcript && i < TRANSCRIPT_LINES; i++)
		free(a->transcript[i].text);
	free(a->transcript);
}

static void changed(struct component *c, const struct slot *slot)
{
	struct outgoing_account *a = account_of(c);
	if (slot->flags & SLOT_READONLY)
		return;
	show_port(a);
	show_status(a);
	outbox_reconfigure(a);
}

static int below_service(const struct component *parent, struct err *e)
{
	if (component_is(parent, &email_service))
		return 0;
	return err_set(e, E_INVALID, "parent", "A mail account stands below the EmailService.");
}

/* --- the table -------------------------------------------------------------------------------------------------------------------- */

static const struct tag transports[] = {
	{ TRANSPORT_SMTP, "Smtp", "To a mail server (RFC 5321)." },
	{ TRANSPORT_MAILDIR, "Maildir", "Into a folder of the data directory: for trying things out without a server." },
	{ 0, NULL, NULL },
};
static const struct slot mailbox_members[] = {
	SLOT(struct mailbox_value, name, STRING, .facets = FACETS(.maxLength = 200), .doc = "Name."),
	SLOT(struct mailbox_value, address, STRING, .facets = FACETS(.maxLength = 254), .doc = "Mail address."),
	SLOT_END,
};
#define T struct outgoing_account
#define SHOWN SLOT_READONLY | SLOT_TRANSIENT
static const struct slot slots[] = {
	SLOT(T, hostname, STRING, .flags = SLOT_SUMMARY, .facets = FACETS(.maxLength = 253),
	     .doc = "Name or address of the mail server."),
	SLOT(T, port, INTEGER, .dflt = "-1", .facets = FACETS(.min = -1, .max = 65535),
	     .doc = "Port of the mail server; -1 means the one that the TLS mode implies."),
	SLOT(T, effectivePort, INTEGER, .flags = SHOWN, .doc = "The port that is used."),
	SLOT_COMPONENT(T, emailAuthenticator, &email_authenticator, .dflt = "email:BasicEmailClientAuthenticator",
	               .doc = "How the account logs in."),
	SLOT(T, pollrate, RELTIME, .dflt = "1m", .facets = FACETS(.min = 1e6, .max = 86400e6),
	     .doc = "Kept for Niagara's sake: mail is sent at once, not at a poll."),
	SLOT(T, enabled, BOOLEAN, .dflt = "true", .doc = "Whether mail is sent. While it is not, mail waits in the queue."),
	SLOT_AT(struct component, status, "status", STATUS, .flags = SHOWN | SLOT_SUMMARY,
	        .doc = "{down} when the last attempt to reach the server failed."),
	SLOT(T, lastPollSuccess, ABSTIME, .flags = SHOWN,
	     .doc = "When the server was last reached and accepted the login."),
	SLOT(T, lastPollFailure, ABSTIME, .flags = SHOWN, .doc = "When that last failed."),
	SLOT(T, lastPollFailureCause, STRING, .flags = SHOWN, .facets = FACETS(.maxLength = 2000),
	     .doc = "Why, and what to do."),
	SLOT(T, debug, BOOLEAN, .doc = "Keep the dialogue with the server in the transcript. Passwords are never in it."),
	SLOT(T, useSsl, BOOLEAN, .dflt = "true", .doc = "TLS from the first byte (usual port 465). Excludes useStartTls."),
	SLOT(T, useStartTls, BOOLEAN,
	     .doc = "TLS by STARTTLS (usual port 587). A server that does not offer it gets nothing. Excludes useSsl."),
	SLOT(T, tlsMinProtocol, ENUM, .dflt = "tlsV1_2", .facets = FACETS(.range = tls_version_range),
	     .doc = "The oldest TLS version that is accepted."),
	SLOT(T, transport, ENUM, .dflt = "Smtp", .facets = FACETS(.range = transports), .doc = "How mail leaves."),
	SLOT(T, connectionTimeout, RELTIME, .dflt = "10s", .facets = FACETS(.min = 1e6, .max = 600e6),
	     .doc = "For connecting and the TLS handshake. Answers may take as long as RFC 5321 allows: slow is not dead."),
	SLOT(T, from, STRING, .facets = FACETS(.maxLength = 254),
	     .doc = "Sender's address; empty: the account if that is an address, else the address of replyTo, else belfry@ "
	            "this machine."),
	SLOT_STRUCT(T, replyTo, mailbox_members, .doc = "Where answers go; empty: to the sender."),
	SLOT(T, persistent, BOOLEAN, .dflt = "true", .flags = SHOWN, .doc = "Always: the queue is on disk."),
	SLOT(T, maxPersistedEmailSize, INTEGER, .dflt = "25000", .flags = SHOWN, .facets = FACETS(.units = "KB"),
	     .doc = "Kept for Niagara's sake: alarm mails are small, and all are on disk."),
	SLOT(T, allowDisabledQueueing, BOOLEAN, .dflt = "true", .flags = SHOWN,
	     .doc = "Always: mail waits while the account is disabled."),
	SLOT(T, queueSize, INTEGER, .flags = SHOWN | SLOT_SUMMARY, .doc = "Mails that wait."),
	SLOT(T, maxQueueSize, INTEGER, .dflt = "100", .facets = FACETS(.min = 1, .max = 1000000),
	     .doc = "From here on a long queue is worth a look. Nothing is ever discarded."),
	SLOT(T, numberSent, INTEGER, .flags = SHOWN,
	     .doc = "Mails sent since the station started, or since resetNumberSent."),
	SLOT(T, maxSendablePerDay, INTEGER, .facets = FACETS(.min = 0, .max = 10000000),
	     .doc = "Beyond it mail waits until the next day (UTC). 0: no limit."),
	SLOT(T, numberDiscarded, INTEGER, .flags = SHOWN, .doc = "Always 0: nothing is ever discarded."),
	SLOT(T, lastDiscard, ABSTIME, .flags = SHOWN, .doc = "Never."),
	SLOT(T, lastDiscardCause, STRING, .flags = SHOWN, .doc = "None."),
	SLOT(T, allowClearTextCredentials, BOOLEAN, .doc = "Send account and password also without encryption."),
	SLOT(T, retryInterval, RELTIME, .dflt = "30s", .facets = FACETS(.min = 1e6, .max = 3600e6),
	     .doc = "First waiting time after a server has refused for now; doubles up to 30 minutes."),
	SLOT_END,
};
#undef T

static const struct slot test_arg = {
	.name = "address", .kind = V_STRING, .facets = FACETS(.maxLength = 254), .doc = "Where the test mail goes."
};
static const struct action actions[] = {
	{ "sendTest", "Sends a test mail and answers its id; its fate is in the ledger.", SLOT_OPERATOR, &test_arg,
	  send_test },
	{ "resetNumberSent", "Sets numberSent to 0.", 0, NULL, reset_number_sent },
	{ NULL, NULL, 0, NULL, NULL },
};

const struct type email_outgoing_account = {
	.name = "email:OutgoingAccount",
	.doc = "An account through which mail is sent.",
	.size = sizeof(struct outgoing_account),
	.base = &baja_component,
	.slots = slots,
	.actions = actions,
	.parent_ok = below_service,
	.check = check,
	.changed = changed,
	.init = init,
	.fini = fini,
	.started = started,
	.stopped = stopped,
};
