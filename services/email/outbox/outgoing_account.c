/* SPDX-License-Identifier: Apache-2.0
 * email:OutgoingAccount: what it has beside any account: the sender, the queue's limits and counters, its actions. Names
 * and meaning are Niagara's; where it differs, the difference is in the row's doc. Engine thread. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "services/email/email_inside.h"
#include "station/base/must.h"
#include "station/store/persist.h"

static struct outgoing_account *outgoing_of(struct component *c)
{
	return COMPONENT_AS(c, &email_outgoing_account, struct outgoing_account);
}

/* --- rules -------------------------------------------------------------------------------------------------------------- */

static void check(const struct component *next, const struct component *current, struct report *report)
{
	const struct outgoing_account *a = (const struct outgoing_account *)next;
	if (current && current->station && *a->fallbackAccount && !account_by_name(current->station, a->fallbackAccount))
		report_warning(report, "fallbackAccount", "There is no outgoing account \"%.60s\" yet; nothing stands in.",
		               a->fallbackAccount);
	if (current && current->station)
		protection_check(a, (const struct outgoing_account *)current, report);
}

/* --- what it shows -------------------------------------------------------------------------------------------------------- */

/* A long queue is an alarm, until three quarters of it are left. */
void account_show_queue(struct outgoing_account *a, int64_t more)
{
	static const char condition[] = "maxQueueSize";
	int64_t before = a->queueSize, n = before + more, calm = a->maxQueueSize * 3 / 4;
	account_set(&a->account, "queueSize", value_integer(n));
	if (n >= a->maxQueueSize && before < a->maxQueueSize) {
		char *text =
		    must_format("%lld mails wait (maxQueueSize). None is discarded; look at lastPollFailureCause and at "
		                "the caps, or clear the queue.",
		                (long long)n);
		account_offnormal(&a->account, condition, text);
		free(text);
	} else if (n <= calm && (before > calm || more == 0)) {
		account_normal(&a->account, condition, "The queue is short again.");
	}
}

void account_sent(struct outgoing_account *a, int64_t n, struct store_tx *tx)
{
	account_set(&a->account, "numberSent", value_integer(a->numberSent + n));
	persist_slot(tx, a->account.c.handle, type_slot(a->account.c.type, "numberSent"), a);
	caps_persist(a, tx);
}

void account_sender_address(const struct outgoing_account *a, char *out, size_t size)
{
	const char *said[] = { a->from, authenticator_account(a->account.emailAuthenticator), a->replyTo.address };
	char host[200] = "";
	for (size_t i = 0; i < ARRAY_SIZE(said); i++) {
		if (mail_address_ok(said[i])) {
			snprintf(out, size, "%s", said[i]);
			return;
		}
	}
	if (gethostname(host, sizeof host - 1) == 0)
		snprintf(out, size, "belfry@%s", host);
	if (!*host || !mail_address_ok(out))
		snprintf(out, size, "belfry@localhost");
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
static const struct tag circuit_states[] = {
	{ CIRCUIT_CLOSED, "closed", "The account sends." },
	{ CIRCUIT_OPEN, "open", "It has been down for failoverDelay: its mails go another way, or wait." },
	{ CIRCUIT_HALF_OPEN, "halfOpen", "It is being tried." },
	{ 0, NULL, NULL },
};
#define SENT(f, K, d)                                                                                                  \
	{                                                                                                                  \
		.name = #f, .kind = V_##K,                                                                                     \
		.offset = offsetof(struct outgoing_account, sent.f) - offsetof(struct outgoing_account, sent), .doc = d        \
	}
static const struct slot sent_members[] = {
	SENT(today, INTEGER, "Mails sent since midnight."),
	SENT(lastMinute, INTEGER, "Mails sent in the minute before the last one."),
	SENT(last, ABSTIME, "When the last one was sent."),
	SLOT_END,
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
	SLOT(T, signingKey, STRING, .facets = FACETS(.maxLength = 120, .names = NAMES_KEY),
	     .doc =
	         "Alias of the key in the User Key Store that signs the mails (S/MIME); empty: none. A key that is missing "
	         "or expired holds no mail back: it goes without a signature, with an alarm."),
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
	SLOT(T, numberSent, INTEGER, .flags = SLOT_READONLY, .doc = "Mails sent since resetNumberSent."),
	SLOT_STRUCT(T, sent, sent_members, .flags = SLOT_READONLY,
	            .doc = "What counts against maxSendablePerDay and maxSendablePerMinute; kept over restarts."),
	SLOT(T, maxSendablePerDay, INTEGER, .facets = FACETS(.min = 0, .max = 10000000),
	     .doc =
	         "As many as the provider takes from one midnight to the next. What is beyond waits, and is summed up in a "
	         "digest. 0: no limit."),
	SLOT(T, maxSendablePerMinute, INTEGER, .facets = FACETS(.min = 0, .max = 10000),
	     .doc =
	         "As many as the provider takes in any minute. What is beyond waits, and is summed up in a digest. 0: no "
	         "limit."),
	SLOT(T, lifeSafetyPriority, INTEGER, .dflt = "31", .facets = FACETS(.min = 0, .max = 255),
	     .doc = "Mails of alarms of this priority and more urgent ones (lower numbers) pass the caps. 0 to 31 is life "
	            "safety in ASHRAE 135."),
	SLOT(
	    T, fallbackAccount, STRING, .facets = FACETS(.maxLength = NAME_MAX_LENGTH, .names = "email:OutgoingAccount"),
	    .doc =
	        "Name of the outgoing account that stands in when this one is down; empty: none. That one may have another "
	        "behind it."),
	SLOT(T, failoverDelay, RELTIME, .dflt = "2m", .facets = FACETS(.min = 0, .max = 86400e6),
	     .doc = "How long the account must be down before that is an alarm and its mails go through fallbackAccount."),
	SLOT(T, circuitBreaker, ENUM, .flags = SHOWN, .facets = FACETS(.range = circuit_states),
	     .doc = "Whether mails go to the server."),
	SLOT(T, numberDiscarded, INTEGER, .flags = SHOWN, .doc = "Always 0: nothing is ever discarded."),
	SLOT(T, lastDiscard, ABSTIME, .flags = SHOWN, .doc = "Never."),
	SLOT(T, lastDiscardCause, STRING, .flags = SHOWN, .doc = "None."),
	SLOT(T, retryInterval, RELTIME, .dflt = "30s", .facets = FACETS(.min = 1e6, .max = 3600e6),
	     .doc = "First waiting time after a server has refused for now; doubles up to 30 minutes."),
	SLOT_END,
};
#undef T

const struct type email_outgoing_account = {
	.name = "email:OutgoingAccount",
	.doc = "An account through which mail is sent.",
	.size = sizeof(struct outgoing_account),
	.base = &email_account_type,
	.slots = slots,
	.actions = outgoing_actions,
	.check = check,
	.check_around = failover_check,
	.traits = &traits,
	.init = init,
	.fini = fini,
	.started = started,
	.stopped = stopped,
};
