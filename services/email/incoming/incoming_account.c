/* SPDX-License-Identifier: Apache-2.0
 * email:IncomingAccount: what it has beside any account: when it polls, what it reads, what becomes of a mail on the server.
 * Names and meaning are Niagara's; where it differs, the difference is in the row's doc. Engine thread. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "services/email/account/authenticator.h"
#include "services/email/incoming/incoming.h"
#include "station/base/log.h"
#include "station/base/must.h"

enum { FLOOD_POLLS = 3 /* so many in a row that have not read all are a flood, and worth an alarm */ };

struct incoming_account *incoming_of(struct component *c)
{
	return component_is(c, &email_incoming_account) ? (struct incoming_account *)c : NULL;
}

static struct incoming_account *self(struct component *c)
{
	return COMPONENT_AS(c, &email_incoming_account, struct incoming_account);
}

static struct station *station_of(const struct incoming_account *a)
{
	return a->account.c.station;
}

/* --- what becomes of a mail ----------------------------------------------------------------------------------------- */

enum disposition incoming_disposition(const struct incoming_account *a)
{
	static const enum disposition dispositions[] = {
		[POLICY_DELETE] = DELETE, [POLICY_MARK_AS_READ] = MARK_SEEN, [POLICY_MARK_AS_UNREAD] = MARK_UNSEEN
	};
	return a->store == RETRIEVAL_POP3 && a->deliveryPolicy != POLICY_DELETE ? LEAVE_ALONE
	                                                                        : dispositions[a->deliveryPolicy];
}

void incoming_judged(struct station *s, const struct incoming_verdict *v)
{
	struct component *service = station_service(s, &email_service);
	for (struct component *c = service ? service->first : NULL; c; c = c->next)
		if (incoming_of(c) && incoming_of(c)->receiving)
			incoming_row_judge(incoming_of(c)->receiving, v);
}

/* --- polling -------------------------------------------------------------------------------------------------------- */

static void later(struct incoming_account *a, int64_t us)
{
	timer_start(&station_of(a)->clock, &a->timer, us);
}

/* Whoever has asked hears of it. */
static void answer_check(struct incoming_account *a, const struct err *e, int64_t fetched)
{
	struct invocation *inv = a->check;
	a->check = NULL;
	if (!inv)
		return;
	if (e)
		inv->err = *e;
	else
		inv->result = value_integer(fetched);
	invocation_done(inv, e ? e->code : 0);
}

static void failed(struct incoming_account *a, const struct err *e)
{
	a->polling = false;
	account_failed(&a->account, e->text);
	answer_check(a, e, 0);
	later(a, a->account.pollrate.us);
}

static bool in_use(const struct incoming_account *a)
{
	return a->account.enabled && *a->account.hostname;
}

static int not_in_use(const struct incoming_account *a, struct err *e)
{
	return err_set(e, E_CONFLICT, a->account.enabled ? "hostname" : "enabled",
	               "The account is not in use: it needs a hostname, and must be enabled.");
}

static bool may_poll(const struct incoming_account *a)
{
	return in_use(a) && a->receiver && a->book.loaded && !a->polling;
}

static void poll(struct incoming_account *a)
{
	struct err e = { 0 };
	if (!may_poll(a))
		return;
	int rc = account_ready(&a->account, &e);
	if (rc == AUTHENTICATOR_WAIT) /* it tells when it has a login */
		return;
	if (rc != 0) {
		failed(a, &e);
		return;
	}
	char *mailbox = must_format("%s %s %s:%d", a->store == RETRIEVAL_IMAP ? "imap" : "pop3",
	                            authenticator_account(a->account.emailAuthenticator), a->account.hostname,
	                            account_effective_port(&a->account));
	mailbox_book_is(a, mailbox);
	free(mailbox);
	if (a->stale)
		receiver_configure(a->receiver, a);
	a->stale = a->check_late = false;
	a->polling = true;
	receiver_poll(a->receiver, mailbox_book_memory(a));
}

static void show_flood(struct incoming_account *a, bool left)
{
	a->floods = left ? a->floods + 1 : 0;
	account_set(&a->account, "underFlood", value_boolean(left));
	if (a->floods == FLOOD_POLLS)
		account_offnormal(
		    &a->account, "underFlood",
		    "The mailbox is under flood: more mail comes in than a poll may read, so answers to alarms may be "
		    "read late. Look into the mailbox, and have the provider filter it.");
	else if (!left && account_in_alarm(&a->account, "underFlood"))
		account_normal(&a->account, "underFlood", "All mail in the mailbox has been looked at.");
}

void incoming_polled(struct incoming_account *a, const struct retrieval_summary *s)
{
	mailbox_book_polled(a, s);
	if (a->stale) /* a poll with the new settings is on its way */
		return;
	a->polling = false;
	if (*s->trouble)
		account_failed(&a->account, s->trouble);
	else
		account_succeeded(&a->account);
	show_flood(a, s->left);
	if (a->check_late) {
		a->check_fetched = s->fetched;
		later(a, 0);
	} else {
		answer_check(a, NULL, a->check_fetched + s->fetched);
		later(a, s->left && !*s->trouble ? SECOND_US : a->account.pollrate.us);
	}
}

void incoming_down(struct incoming_account *a, const struct err *e)
{
	if (a->stale)
		return;
	if (e->code == E_AUTH)
		authenticator_refused(a->account.emailAuthenticator);
	failed(a, e);
}

void incoming_give_up(struct incoming_account *a, const struct err *e)
{
	a->stale = true; /* the connection goes with its settings */
	failed(a, e);
}

/* New settings, another login, other trust: at once. */
static void reconfigure(struct email_account *account)
{
	struct incoming_account *a = (struct incoming_account *)account;
	if (!a->receiver)
		return;
	a->stale = true;
	a->polling = false;
	if (!in_use(a)) {
		struct err e;
		not_in_use(a, &e);
		receiver_configure(a->receiver, a); /* leaves an idle connection */
		answer_check(a, &e, 0);
	}
	later(a, 0);
}

static const struct account_protocol *protocol(const struct email_account *account)
{
	return ((const struct incoming_account *)account)->store == RETRIEVAL_IMAP ? &account_imap : &account_pop3;
}

static const struct account_traits traits = { protocol, reconfigure };

/* --- actions -------------------------------------------------------------------------------------------------------- */

static int check_now(struct component *c, struct invocation *inv)
{
	struct incoming_account *a = self(c);
	if (a->check)
		return err_set(&inv->err, E_BUSY, NULL, "The mailbox is being looked at already.");
	if (!in_use(a))
		return not_in_use(a, &inv->err);
	a->check = inv;
	a->check_late = a->polling;
	a->check_fetched = 0;
	if (!a->polling)
		later(a, 0);
	return 1;
}

/* --- life ----------------------------------------------------------------------------------------------------------- */

static void timer_fired(struct timer *t)
{
	poll(container_of(t, struct incoming_account, timer));
}

static void init(struct component *c)
{
	struct incoming_account *a = (struct incoming_account *)c;
	a->timer.fire = timer_fired;
	record_init(&mailbox_kind, &a->book.mailbox);
}

static void started(struct component *c)
{
	struct incoming_account *a = self(c);
	a->receiver = receiver_open(a);
	a->stale = true;
	mailbox_book_load(a, poll);
}

static void stopped(struct component *c)
{
	struct incoming_account *a = self(c);
	struct err e;
	err_set(&e, E_BUSY, NULL, "The account is being removed, or the station ends.");
	timer_stop(&station_of(a)->clock, &a->timer);
	answer_check(a, &e, 0);
	receiver_end(&a->receiver);
	a->polling = false;
	mailbox_book_free(&a->book);
	record_init(&mailbox_kind, &a->book.mailbox);
}

static void fini(struct component *c)
{
	mailbox_book_free(&((struct incoming_account *)c)->book);
}

static void check(const struct component *next, const struct component *current, struct report *report)
{
	const struct incoming_account *a = (const struct incoming_account *)next;
	(void)current;
	if (a->store == RETRIEVAL_POP3 && a->deliveryPolicy != POLICY_DELETE)
		report_warning(report, "deliveryPolicy",
		               "POP3 has no marks: a mail that was handled stays in the mailbox as it is, and is remembered.");
	if (a->deliveryPolicy == POLICY_DELETE)
		report_warning(report, "deliveryPolicy", "Answers are deleted from the mailbox once they have been handled.");
}

/* --- the table ------------------------------------------------------------------------------------------------------ */

static const struct tag stores[] = { { RETRIEVAL_IMAP, "Imap",
	                                   "IMAP (RFC 3501): folders and marks; tells of new mail at once." },
	                                 { RETRIEVAL_POP3, "Pop3", "POP3 (RFC 1939): one mailbox without marks." },
	                                 { 0, NULL, NULL } };
static const struct tag policies[] = {
	{ POLICY_DELETE, "delete", "It is deleted." },
	{ POLICY_MARK_AS_READ, "markAsRead", "It is marked as read (IMAP)." },
	{ POLICY_MARK_AS_UNREAD, "markAsUnread", "It is marked as unread (IMAP), so that people see it as new." },
	{ 0, NULL, NULL },
};
static const struct tag choices[] = { { 0, "unread", "Only what nobody has read yet (IMAP)." },
	                                  { 1, "all", "All that was not looked at before." },
	                                  { 0, NULL, NULL } };
#define T struct incoming_account
#define SHOWN SLOT_READONLY | SLOT_TRANSIENT
static const struct slot slots[] = {
	SLOT(T, store, ENUM, .dflt = "Imap", .facets = FACETS(.range = stores), .doc = "How the mailbox is read."),
	SLOT(T, deliveryPolicy, ENUM, .dflt = "markAsRead", .facets = FACETS(.range = policies),
	     .doc = "What becomes of a mail that was handled. Unlike Niagara, which deletes all mail by default, mails "
	            "that are "
	            "not the station's are never touched."),
	SLOT(T, emailToRead, ENUM, .dflt = "unread", .facets = FACETS(.range = choices),
	     .doc = "Which mails are looked at; each only once."),
	SLOT(T, incomingEmailSizeLimit, INTEGER, .dflt = "256",
	     .facets = FACETS(.units = "KB", .min = 1, .max = MAIL_KB_MAX),
	     .doc =
	         "Of larger mails only the first 64 KB are read: what people write stands at the beginning, unless their "
	         "mail program puts attachments in front of it."),
	SLOT(T, sizeLimitPerPoll, INTEGER, .dflt = "10240", .facets = FACETS(.units = "KB", .min = 1, .max = 1000000),
	     .doc =
	         "So much is read at once, newest first; the rest a second later. Also, at most 200 mails, for at most 30 "
	         "seconds."),
	SLOT(T, ignoreAttachments, BOOLEAN, .doc = "Read no more than the first 64 KB of any mail."),
	SLOT(T, idle, BOOLEAN, .dflt = "true",
	     .doc = "Stay connected and be told of new mail at once (IMAP IDLE), where the server can; else it is asked at "
	            "each "
	            "pollrate."),
	SLOT(T, underFlood, BOOLEAN, .flags = SHOWN, .doc = "Whether more mail waits than one poll may read."),
	SLOT(T, lastReceived, ABSTIME, .flags = SHOWN, .doc = "When a mail was last read."),
	SLOT(T, numberReceived, INTEGER, .flags = SHOWN | SLOT_SUMMARY, .doc = "Mails read since the station started."),
	SLOT(T, numberHandled, INTEGER, .flags = SHOWN,
	     .doc = "Of those: that somebody in the station has taken as theirs."),
	SLOT(T, numberUnreadable, INTEGER, .flags = SHOWN,
	     .doc = "Of those: that broke a limit and were left alone; the log says which."),
	SLOT_END,
};
#undef T
static const struct action actions[] = {
	{ "checkNow", "Looks into the mailbox now; answers how many mails were read.", SLOT_OPERATOR, NULL, check_now },
	{ NULL, NULL, 0, NULL, NULL },
};
static const struct topic topics[] = {
	{ "received", "A mail has come in; linked to the action received of an EmailAlarmAcknowledger." },
	{ NULL, NULL },
};

const struct type email_incoming_account = {
	.name = "email:IncomingAccount",
	.doc = "An account from which mail is read.",
	.size = sizeof(struct incoming_account),
	.base = &email_account_type,
	.slots = slots,
	.actions = actions,
	.topics = topics,
	.traits = &traits,
	.check = check,
	.init = init,
	.fini = fini,
	.started = started,
	.stopped = stopped,
};
