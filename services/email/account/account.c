/* SPDX-License-Identifier: Apache-2.0
 * email:EmailAccount: the slots that outgoing and incoming accounts share, their rules, the usual ports, and what an
 * account shows of itself. Names, order and meaning are Niagara's. See account.h. */
#include "services/email/account/account.h"

#include <string.h>
#include <unistd.h>

#include "services/email/ack/acknowledger.h"
#include "services/email/doctor/doctor.h"
#include "services/email/email_inside.h"
#include "station/alarm/alarm_class_name.h"
#include "station/base/log.h"
#include "station/base/must.h"

struct email_account *account_of(struct component *c)
{
	return component_is(c, &email_account_type) ? (struct email_account *)c : NULL;
}

struct email_account *account_find(struct station *s, const char *name)
{
	struct component *service = station_service(s, &email_service);
	return service && *name ? account_of(component_child(service, name)) : NULL;
}

static const struct account_traits *traits(const struct email_account *a)
{
	return a->c.type->traits;
}

void account_reconfigure(struct email_account *a)
{
	traits(a)->reconfigure(a);
	account_show_fault(a);
	ack_accounts_changed(a->c.station);
}

/* --- ports and security --------------------------------------------------------------------------------------------- */

const struct account_protocol account_smtp = { "SMTP", { 25, 587, 465 } };
const struct account_protocol account_imap = { "IMAP", { 143, 143, 993 } };
const struct account_protocol account_pop3 = { "POP3", { 110, 110, 995 } };

/* Ports that mean something; SMTP with STARTTLS is common on 25 as well. */
static const struct {
	int port;
	unsigned securities; /* bits 1 << enum mail_security that it suits */
	const struct account_protocol *protocol;
} known_ports[] = {
	{ 25, 1 << SECURITY_NONE | 1 << SECURITY_STARTTLS, &account_smtp },
	{ 587, 1 << SECURITY_STARTTLS, &account_smtp },
	{ 465, 1 << SECURITY_TLS, &account_smtp },
	{ 143, 1 << SECURITY_NONE | 1 << SECURITY_STARTTLS, &account_imap },
	{ 993, 1 << SECURITY_TLS, &account_imap },
	{ 110, 1 << SECURITY_NONE | 1 << SECURITY_STARTTLS, &account_pop3 },
	{ 995, 1 << SECURITY_TLS, &account_pop3 },
};

enum mail_security account_security(const struct email_account *a)
{
	return a->useSsl ? SECURITY_TLS : a->useStartTls ? SECURITY_STARTTLS : SECURITY_NONE;
}

static int usual_port(const struct email_account *a)
{
	const struct account_protocol *protocol = traits(a)->protocol(a);
	return protocol ? protocol->ports[account_security(a)] : 0;
}

const struct account_protocol *account_protocol_of(const struct email_account *a)
{
	return traits(a)->protocol(a);
}

int account_effective_port(const struct email_account *a)
{
	return a->port > 0 ? (int)a->port : usual_port(a);
}

/* --- rules ---------------------------------------------------------------------------------------------------------- */

static void check_port(const struct email_account *a, const struct account_protocol *protocol, struct report *report)
{
	static const char *const names[] = { "no encryption", "useStartTls", "useSsl" };
	enum mail_security security = account_security(a);
	for (size_t i = 0; protocol && i < ARRAY_SIZE(known_ports); i++)
		if (a->port == known_ports[i].port &&
		    (known_ports[i].protocol != protocol || !(known_ports[i].securities & 1u << security)))
			report_warning(report, "port", "Port %lld is unusual for %s with %s; the usual one is %d.",
			               (long long)a->port, protocol->name, names[security], usual_port(a));
}

/* A login that would not be sent. */
static void check_login(const struct email_account *a, const struct component *current, struct report *report)
{
	const struct component *login = current ? component_child(current, "emailAuthenticator") : NULL;
	if (login && *authenticator_account(login) && account_security(a) == SECURITY_NONE && !a->allowClearTextCredentials)
		report_warning(report, "allowClearTextCredentials",
		               "Without encryption the login is not sent, and so no mail moves, unless this is set.");
}

/* A warning only: the key may be deleted at any time, and what is imported later makes it right. */
static void check_certificate(const struct email_account *a, const struct component *current, struct report *report)
{
	struct err e = { 0 };
	if (*a->clientCertificate && current && current->station &&
	    trust_key_check(current->station, a->clientCertificate, &e) != 0)
		report_warning(report, "clientCertificate", "%s", e.text);
	if (*a->clientCertificate && account_security(a) == SECURITY_NONE)
		report_warning(report, "clientCertificate",
		               "A certificate is only shown inside TLS: set useSsl or useStartTls.");
}

static void check(const struct component *next, const struct component *current, struct report *report)
{
	static const char both[] = "Use Ssl and Use Start Tls exclude each other: with Use Ssl the connection is encrypted "
	                           "from the first byte (usual port %d), with Use Start Tls it becomes so (usual port %d).";
	const struct email_account *a = (const struct email_account *)next;
	const struct account_protocol *protocol = traits(a)->protocol(a), *shown = protocol ? protocol : &account_smtp;
	for (int i = 0; i < 2 && a->useSsl && a->useStartTls; i++)
		report_error(report, E_INVALID, i ? "useStartTls" : "useSsl", both, shown->ports[SECURITY_TLS],
		             shown->ports[SECURITY_STARTTLS]);
	check_port(a, protocol, report);
	check_certificate(a, current, report);
	alarm_source_info_check(&a->alarmSourceInfo, report);
	alarm_class_name_check(next, current, "alarmSourceInfo/alarmClass", a->alarmSourceInfo.alarmClass, report);
	if (protocol)
		check_login(a, current, report);
	if (account_security(a) == SECURITY_NONE && protocol)
		report_warning(report, "useSsl",
		               "Mail travels without encryption: anybody on the way can read it. Set useSsl or useStartTls to "
		               "true if the server can do it.");
	if (a->allowClearTextCredentials)
		report_warning(report, "allowClearTextCredentials", "Account and password may be sent without encryption.");
	if (a->tlsMinProtocol < TLS_V1_2)
		report_warning(report, "tlsMinProtocol",
		               "TLS before 1.2 is broken; use it only as long as an old server forces you.");
}

/* --- what a connection needs ---------------------------------------------------------------------------------------- */

int account_ready(const struct email_account *a, struct err *e)
{
	if (!account_protocol_of(a))
		return 0;
	if (!*a->hostname)
		return err_set(e, E_CONFLICT, "hostname",
		               "No hostname is set: enter the name or the address of the mail server.");
	if (*a->clientCertificate && trust_key_check(a->c.station, a->clientCertificate, e) != 0)
		return err_wrap(e, "Client Certificate");
	return authenticator_ready(a->emailAuthenticator, e);
}

/* A reference to the key of clientCertificate; NULL: none is chosen. */
static struct trust_key *client_key(const struct email_account *a)
{
	struct err e = { 0 };
	struct trust_key *key = *a->clientCertificate ? trust_key_get(a->c.station, a->clientCertificate, &e) : NULL;
	if (!key && *a->clientCertificate)
		log_warn("%s: %s", a->c.name, e.text); /* the server will ask for it, and say so */
	return key;
}

int account_server(const struct email_account *a, struct mail_server *out, struct err *e)
{
	*out = (struct mail_server){
		.port = account_effective_port(a),
		.security = account_security(a),
		.least = (enum tls_version)a->tlsMinProtocol,
		.trust = trust_snapshot(a->c.station),
		.key = client_key(a),
		.keyring = a->c.station->keyring,
		.allow_clear_text = a->allowClearTextCredentials,
		.timeout = a->connectionTimeout.us,
	};
	snprintf(out->host, sizeof out->host, "%s", a->hostname);
	return authenticator_login(a->emailAuthenticator, &out->login, e);
}

/* --- what it shows -------------------------------------------------------------------------------------------------- */

void account_set(struct email_account *a, const char *slot, struct value v)
{
	component_set(&a->c, type_slot(a->c.type, slot), &v);
}

bool account_in_alarm(const struct email_account *a, const char *condition)
{
	return alarm_support_in_alarm(a->c.station, &a->c, condition);
}

static void show_status(struct email_account *a)
{
	uint16_t bits = a->fault_bits | (a->enabled ? STATUS_OK : STATUS_DISABLED);
	if (a->failing)
		bits |= STATUS_DOWN;
	if (account_in_alarm(a, NULL))
		bits |= STATUS_ALARM;
	component_set_status(&a->c, bits);
}

void account_show_fault(struct email_account *a)
{
	struct err e = { 0 };
	bool able = !a->enabled || account_ready(a, &e) >= 0;
	a->fault_bits = able ? STATUS_OK : e.code == E_NETWORK ? STATUS_DOWN : STATUS_FAULT;
	account_set(a, "faultCause", value_string(able ? "" : e.text));
	show_status(a);
}

void account_succeeded(struct email_account *a)
{
	account_set(a, "lastPollSuccess", value_abstime(station_now(a->c.station)));
	a->failing = false;
	show_status(a);
}

void account_failed(struct email_account *a, const char *cause)
{
	account_set(a, "lastPollFailure", value_abstime(station_now(a->c.station)));
	account_set(a, "lastPollFailureCause", value_string(cause));
	a->failing = true;
	show_status(a);
}

void account_offnormal(struct email_account *a, const char *condition, const char *text)
{
	const struct source_alarm alarm = { &a->c, &a->alarmSourceInfo, condition, text };
	alarm_support_offnormal(a->c.station, &alarm);
	show_status(a);
}

void account_normal(struct email_account *a, const char *condition, const char *text)
{
	const struct source_alarm alarm = { &a->c, &a->alarmSourceInfo, condition, text };
	alarm_support_normal(a->c.station, &alarm);
	show_status(a);
}

void account_transcribe(struct email_account *a, enum line_direction direction, const char *text)
{
	transcript_add(&a->transcript, &a->c, direction, text);
}

char *email_transcript_text(struct station *s, const char *name)
{
	const struct email_account *a = account_find(s, name);
	return a ? transcript_to_text(&a->transcript) : NULL;
}

json_t *email_transcript(struct station *s, const char *name)
{
	const struct email_account *a = account_find(s, name);
	return a ? transcript_to_json(&a->transcript, name) : NULL;
}

void account_own_name(char *name, size_t size)
{
	if (gethostname(name, size - 1) != 0)
		*name = '\0';
	name[size - 1] = '\0';
	size_t n = strlen(name);
	bool ok = strchr(name, '.') && *name != '-' && *name != '.' && n > 0 && name[n - 1] != '.' && !strstr(name, "..");
	if (!ok || strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") != n)
		*name = '\0';
}

/* --- life ----------------------------------------------------------------------------------------------------------- */

static void show_port(struct email_account *a)
{
	account_set(a, "effectivePort", value_integer(account_effective_port(a)));
}

static void started(struct component *c)
{
	struct email_account *a = account_of(c);
	transcript_start(&a->transcript, c);
	show_port(a);
	account_show_fault(a);
}

static void changed(struct component *c, const struct slot *slot)
{
	struct email_account *a = account_of(c);
	if (slot->flags & SLOT_READONLY)
		return;
	show_port(a);
	account_reconfigure(a);
}

static void stopped(struct component *c)
{
	struct email_account *a = account_of(c);
	doctor_stop(a);
	transcript_stop(&a->transcript, !c->station->stopping);
}

static void fini(struct component *c)
{
	struct email_account *a = (struct email_account *)c;
	transcript_free(&a->transcript);
	json_decref(a->diagnosis);
}

static int below_service(const struct component *parent, struct err *e)
{
	if (component_is(parent, &email_service))
		return 0;
	return err_set(e, E_INVALID, "parent", "A mail account stands below the EmailService.");
}

/* --- the table ------------------------------------------------------------------------------------------------------ */

#define T struct email_account
#define SHOWN SLOT_READONLY | SLOT_TRANSIENT
static const struct slot slots[] = {
	SLOT(T, hostname, STRING, .flags = SLOT_SUMMARY, .facets = FACETS(.maxLength = 253, .form = FORM_HOST_NAME),
	     .doc = "Name or address of the mail server."),
	SLOT(T, port, INTEGER, .dflt = "-1", .facets = FACETS(.min = -1, .max = 65535),
	     .doc = "Port of the mail server; -1 or 0 means the one that protocol and TLS mode imply."),
	SLOT(T, effectivePort, INTEGER, .flags = SHOWN, .doc = "The port that is used."),
	SLOT_COMPONENT(T, emailAuthenticator, &email_authenticator, .dflt = "email:BasicEmailClientAuthenticator",
	               .doc = "How the account logs in."),
	SLOT(T, pollrate, RELTIME, .dflt = "1m", .facets = FACETS(.min = 1e6, .max = 86400e6),
	     .doc =
	         "How often a mailbox is looked at that cannot tell of new mail by itself. What goes out is sent at once, "
	         "not at a poll."),
	SLOT(T, enabled, BOOLEAN, .dflt = "true",
	     .doc = "Whether the account is used. While it is not, outgoing mail waits in the queue."),
	SLOT_AT(struct component, status, "status", STATUS, .flags = SHOWN | SLOT_SUMMARY,
	        .doc = "{fault} while it cannot connect or log in as it is set up, {down} when the last attempt to reach "
	               "the server failed, {alarm} while it tells of something."),
	SLOT(T, faultCause, STRING, .flags = SHOWN, .facets = FACETS(.maxLength = 2000),
	     .doc = "What keeps it from connecting, and what to do. Mail waits until it is mended."),
	SLOT(T, lastPollSuccess, ABSTIME, .flags = SHOWN,
	     .doc = "When the server was last reached and accepted the login."),
	SLOT(T, lastPollFailure, ABSTIME, .flags = SHOWN, .doc = "When that last failed."),
	SLOT(T, lastPollFailureCause, STRING, .flags = SHOWN, .facets = FACETS(.maxLength = 2000),
	     .doc = "Why, and what to do."),
	SLOT(T, debug, BOOLEAN, .doc = "Keep the dialogue with the server in the transcript. Passwords are never in it."),
	SLOT(T, useSsl, BOOLEAN, .dflt = "true",
	     .doc =
	         "TLS from the first byte (usual ports: 465 for SMTP, 993 for IMAP, 995 for POP3). Excludes useStartTls."),
	SLOT(T, useStartTls, BOOLEAN,
	     .doc =
	         "TLS by STARTTLS (usual ports: 587 for SMTP, 143 for IMAP, 110 for POP3). A server that does not offer it "
	         "gets nothing. Excludes useSsl."),
	SLOT(T, tlsMinProtocol, ENUM, .dflt = "tlsV1_2", .facets = FACETS(.range = tls_version_range),
	     .doc = "The oldest TLS version that is accepted."),
	SLOT(T, clientCertificate, STRING, .facets = FACETS(.maxLength = 120, .names = NAMES_KEY),
	     .doc = "Alias of the key in the User Key Store that is shown to a server that asks who we are; empty: none."),
	SLOT(
	    T, connectionTimeout, RELTIME, .dflt = "10s", .facets = FACETS(.min = 1e6, .max = 600e6),
	    .doc =
	        "For connecting and the TLS handshake. Answers may take as long as the protocol allows: slow is not dead."),
	SLOT(T, allowClearTextCredentials, BOOLEAN, .doc = "Send account and password also without encryption."),
	SLOT_ALARM_SOURCE_INFO(T),
	SLOT_END,
};

static const struct action actions[] = {
	{ "diagnose",
	  "Examines the server step by step, with these settings or with others, and says what would mend it. Answers the "
	  "job; "
	  "its progress comes as events.",
	  SLOT_HIDDEN, &doctor_argument, doctor_diagnose },
	{ NULL, NULL, 0, NULL, NULL },
};

const struct type email_account_type = {
	.name = "email:EmailAccount",
	.doc = "An account at a mail server.",
	.size = sizeof(struct email_account),
	.base = &baja_component,
	.flags = TYPE_ABSTRACT,
	.slots = slots,
	.actions = actions,
	.parent_ok = below_service,
	.check = check,
	.changed = changed,
	.fini = fini,
	.started = started,
	.stopped = stopped,
};
