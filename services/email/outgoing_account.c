/* SPDX-License-Identifier: Apache-2.0
 * email:OutgoingAccount: what it has beside any account: the sender, the queue's limits and counters, its actions. Names
 * and meaning are Niagara's; where it differs, the difference is in the row's doc. Engine thread. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "services/email/email_inside.h"
#include "station/log.h"
#include "station/must.h"

static struct outgoing_account *outgoing_of(struct component *c)
{
	return COMPONENT_AS(c, &email_outgoing_account, struct outgoing_account);
}

/* --- what it shows -------------------------------------------------------------------------------------------------------- */

void account_show_queue(struct outgoing_account *a, int64_t more)
{
	int64_t n = a->queueSize + more;
	if (a->queueSize < a->maxQueueSize && n >= a->maxQueueSize)
		log_warn("account %s: %lld mails wait (maxQueueSize); nothing is discarded", a->account.c.name, (long long)n);
	account_set(&a->account, "queueSize", value_integer(n));
}

void account_sent(struct outgoing_account *a, int64_t n)
{
	account_set(&a->account, "numberSent", value_integer(a->numberSent + n));
}

void account_sender_address(const struct outgoing_account *a, char *out, size_t size)
{
	const char *account = authenticator_account(a->account.emailAuthenticator);
	char host[200] = "";
	if (gethostname(host, sizeof host - 1) != 0)
		*host = '\0';
	snprintf(out, size, "belfry@%s", *host ? host : "localhost");
	if (mail_address_ok(a->from))
		snprintf(out, size, "%s", a->from);
	else if (mail_address_ok(account))
		snprintf(out, size, "%s", account);
	else if (mail_address_ok(a->replyTo.address))
		snprintf(out, size, "%s", a->replyTo.address);
	else if (!mail_address_ok(out))
		snprintf(out, size, "belfry@localhost");
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
	struct outgoing_account *a = outgoing_of(c);
	const char *address = inv->arg->text;
	if (!mail_address_ok(address))
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
	account_set(account_of(c), "numberSent", value_integer(0));
	return 0;
}

/* --- life ------------------------------------------------------------------------------------------------------------------------ */

static void timer_fired(struct timer *t)
{
	outbox_pump(container_of(t, struct outgoing_account, outbox.timer));
}

static void init(struct component *c)
{
	struct outgoing_account *a = (struct outgoing_account *)c;
	a->outbox.timer.fire = timer_fired;
	a->outbox.ready.before = mail_more_urgent;
	a->outbox.waiting.before = mail_due_earlier;
}

static void started(struct component *c)
{
	outbox_start(outgoing_of(c));
}

static void stopped(struct component *c)
{
	outbox_stop(outgoing_of(c));
}

static void fini(struct component *c)
{
	outbox_free((struct outgoing_account *)c);
}

static const struct account_protocol *protocol(const struct email_account *a)
{
	return ((const struct outgoing_account *)a)->transport == TRANSPORT_SMTP ? &account_smtp : NULL;
}

static void reconfigure(struct email_account *a)
{
	outbox_reconfigure(outgoing_of(&a->c));
}
static const struct account_traits traits = { protocol, reconfigure };

/* --- the table -------------------------------------------------------------------------------------------------------------------- */

static const struct tag transports[] = {
	{ TRANSPORT_SMTP, "Smtp", "To a mail server (RFC 5321)." },
	{ TRANSPORT_MAILDIR, "Maildir", "Into a folder of the data directory: for trying things out without a server." },
	{ 0, NULL, NULL },
};
static const struct slot mailbox_members[] = {
	SLOT(struct mailbox_value, name, STRING, .facets = FACETS(.maxLength = 200), .doc = "Name."),
	SLOT(struct mailbox_value, address, STRING, .facets = FACETS(.maxLength = 254, .form = FORM_MAIL_ADDRESS),
	     .doc = "Mail address."),
	SLOT_END,
};
#define T struct outgoing_account
#define SHOWN SLOT_READONLY | SLOT_TRANSIENT
static const struct slot slots[] = {
	SLOT(T, transport, ENUM, .dflt = "Smtp", .facets = FACETS(.range = transports), .doc = "How mail leaves."),
	SLOT(T, from, STRING, .facets = FACETS(.maxLength = 254, .form = FORM_MAIL_ADDRESS),
	     .doc = "Sender's address; empty: the account if that is an address, else the address of replyTo, else belfry@ "
	            "this machine."),
	SLOT(T, signingKey, STRING, .facets = FACETS(.maxLength = 120),
	     .doc =
	         "Alias of the key in the User Key Store that signs the mails (S/MIME); empty: none. A key that is missing "
	         "or expired holds no mail back: it goes without a signature, with an alarm."),
	SLOT_ALARM_SOURCE_INFO(T),
	SLOT_STRUCT(T, replyTo, mailbox_members, .doc = "Where answers go; empty: to the sender."),
	SLOT(T, persistent, BOOLEAN, .dflt = "true", .flags = SHOWN, .doc = "Always: the queue is on disk."),
	SLOT(T, maxPersistedEmailSize, INTEGER, .dflt = "25000", .flags = SHOWN, .facets = FACETS(.units = "KB"),
	     .doc = "Kept for Niagara's sake: alarm mails are small, and all are on disk."),
	SLOT(T, allowDisabledQueueing, BOOLEAN, .dflt = "true", .flags = SHOWN,
	     .doc = "Always: mail waits while the account is disabled."),
	SLOT(T, queueSize, INTEGER, .flags = SHOWN | SLOT_SUMMARY, .doc = "Mails that wait."),
	SLOT(T, maxQueueSize, INTEGER, .dflt = "100", .facets = FACETS(.min = 1, .max = 1000000),
	     .doc = "From here on a long queue is worth a look. Nothing is ever discarded."),
	SLOT(T, maxConnections, INTEGER, .dflt = "2", .facets = FACETS(.min = 1, .max = CONNECTIONS_MAX),
	     .doc = "How many connections to the server there may be at once. They are opened as the queue grows; a server "
	            "that takes fewer is served with fewer."),
	SLOT(T, numberSent, INTEGER, .flags = SHOWN,
	     .doc = "Mails sent since the station started, or since resetNumberSent."),
	SLOT(T, maxSendablePerDay, INTEGER, .facets = FACETS(.min = 0, .max = 10000000),
	     .doc = "Beyond it mail waits until the next day (UTC). 0: no limit."),
	SLOT(T, numberDiscarded, INTEGER, .flags = SHOWN, .doc = "Always 0: nothing is ever discarded."),
	SLOT(T, lastDiscard, ABSTIME, .flags = SHOWN, .doc = "Never."),
	SLOT(T, lastDiscardCause, STRING, .flags = SHOWN, .doc = "None."),
	SLOT(T, retryInterval, RELTIME, .dflt = "30s", .facets = FACETS(.min = 1e6, .max = 3600e6),
	     .doc = "First waiting time after a server has refused for now; doubles up to 30 minutes."),
	SLOT_END,
};
#undef T

static const struct slot test_arg = { .name = "address",
	                                  .kind = V_STRING,
	                                  .facets = FACETS(.maxLength = 254, .form = FORM_MAIL_ADDRESS),
	                                  .doc = "Where the test mail goes." };
static const struct action actions[] = {
	{ "sendTest", "Sends a test mail and answers its id; its fate is in the ledger.", SLOT_OPERATOR, &test_arg,
	  send_test },
	{ "resetNumberSent", "Sets numberSent to 0.", 0, NULL, reset_number_sent },
	{ NULL, NULL, 0, NULL, NULL },
};

static void check(const struct component *next, const struct component *current, struct report *report)
{
	const struct outgoing_account *a = (const struct outgoing_account *)next;
	alarm_source_info_check(&a->alarmSourceInfo, report);
	if (current && current->station)
		protection_check(a, (const struct outgoing_account *)current, report);
}

const struct type email_outgoing_account = {
	.name = "email:OutgoingAccount",
	.doc = "An account through which mail is sent.",
	.size = sizeof(struct outgoing_account),
	.base = &email_account_type,
	.slots = slots,
	.actions = actions,
	.traits = &traits,
	.check = check,
	.init = init,
	.fini = fini,
	.started = started,
	.stopped = stopped,
};
