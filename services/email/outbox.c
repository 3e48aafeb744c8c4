/* SPDX-License-Identifier: Apache-2.0
 * The outbox of an account: what may go now, what waits, what is on its way, and what an answer means. All of it is on
 * disk; memory is its mirror. Failures of the connection, the login or the sender are the account's and cost a mail
 * nothing; failures of an address are that address's. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "services/email/email_inside.h"
#include "services/email/message.h"
#include "station/log.h"
#include "station/must.h"

enum { WINDOW = 2 }; /* one message in the dialogue, the next one's envelope behind its dot */
#define DEFER_CAP_US (1800 * SECOND_US)
#define CONNECT_CAP_US (60 * SECOND_US) /* a server that is back is noticed within a minute */
#define LOGIN_CAP_US (900 * SECOND_US)  /* a wrong password is not tried so often that the server locks the account */
#define DAY_US (86400 * SECOND_US)

static struct clock *clock_of(const struct outgoing_account *a)
{
	return &a->account.c.station->clock;
}

static int64_t now_of(const struct outgoing_account *a)
{
	return clock_mono(clock_of(a));
}

/* --- the three lists ----------------------------------------------------------------------------------------------- */

static void append_ready(struct outgoing_account *a, struct outgoing *o)
{
	o->next = NULL;
	*a->ready_tail = o;
	a->ready_tail = &o->next;
}

/* Back to where it came from: among the first, in order. */
static void return_ready(struct outgoing_account *a, struct outgoing *o)
{
	struct outgoing **p = &a->ready;
	while (*p && (*p)->mail.sequence < o->mail.sequence)
		p = &(*p)->next;
	o->next = *p;
	*p = o;
	if (!o->next)
		a->ready_tail = &o->next;
}

static struct outgoing *take_ready(struct outgoing_account *a)
{
	struct outgoing *o = a->ready;
	a->ready = o->next;
	if (!a->ready)
		a->ready_tail = &a->ready;
	return o;
}

static struct outgoing *take_flying(struct outgoing_account *a, int64_t id)
{
	struct outgoing **p = &a->flying, *o;
	while ((o = *p) && o->mail.sequence != id)
		p = &o->next;
	if (o)
		*p = o->next;
	return o;
}

static void set_timer(struct outgoing_account *a, int64_t when)
{
	int64_t now = now_of(a);
	if (!a->timer.index || a->timer.due > when)
		timer_start(clock_of(a), &a->timer, when > now ? when - now : 0);
}

static void make_wait(struct outgoing_account *a, struct outgoing *o)
{
	o->next = a->waiting;
	a->waiting = o;
	set_timer(a, o->due);
}

/* What has waited long enough may go. */
static void wake_waiting(struct outgoing_account *a)
{
	int64_t now = now_of(a);
	for (struct outgoing **p = &a->waiting, *o; (o = *p);) {
		if (o->due > now) {
			set_timer(a, o->due);
			p = &o->next;
			continue;
		}
		*p = o->next;
		append_ready(a, o);
	}
}

/* When the first of its open deliveries may be tried, on the monotonic clock: a clock set back must not stall it. */
static int64_t due_of(const struct outgoing_account *a, const struct outgoing *o)
{
	int64_t wall = station_now(a->account.c.station), wait = DEFER_CAP_US + DEFER_CAP_US / 5;
	for (size_t i = 0; i < o->count; i++) {
		const struct delivery_record *d = &o->deliveries[i];
		int64_t left = d->nextAttempt.us == ABSTIME_NULL ? 0 : d->nextAttempt.us - wall;
		if (d->open && left < wait)
			wait = left;
	}
	return now_of(a) + (wait > 0 ? wait : 0);
}

static void place(struct outgoing_account *a, struct outgoing *o)
{
	o->due = due_of(a, o);
	if (o->due > now_of(a))
		make_wait(a, o);
	else
		append_ready(a, o);
}

void outbox_enqueue(struct outgoing_account *a, struct outgoing *o)
{
	place(a, o);
	account_show_queue(a, 1);
	outbox_pump(a);
}

static void free_list(struct outgoing *o)
{
	for (struct outgoing *next; o; o = next) {
		next = o->next;
		outgoing_free(o);
	}
}

void outbox_free(struct outgoing_account *a)
{
	free_list(a->ready);
	free_list(a->waiting);
	free_list(a->flying);
	a->ready = a->waiting = a->flying = NULL;
	a->ready_tail = &a->ready;
}

/* --- sending ------------------------------------------------------------------------------------------------------- */

/* The addresses that stand in a header; Bcc stands in none. */
static size_t header_addresses(const struct outgoing *o, enum mail_field field, struct message_address *out)
{
	size_t n = 0;
	for (size_t i = 0; i < o->count && n < SMTP_RECIPIENTS_MAX; i++)
		if (o->deliveries[i].field == (int)field)
			out[n++] = (struct message_address){ o->deliveries[i].name, o->deliveries[i].address };
	return n;
}

static char *build(const struct outgoing_account *a, const struct outgoing *o, const char *sender, size_t *length)
{
	struct message_address to[SMTP_RECIPIENTS_MAX], cc[SMTP_RECIPIENTS_MAX];
	struct message_parts parts = { .from = { "", sender },
		                           .reply_to = { a->replyTo.name, a->replyTo.address },
		                           .to = to,
		                           .cc = cc,
		                           .to_count = header_addresses(o, FIELD_TO, to),
		                           .cc_count = header_addresses(o, FIELD_CC, cc),
		                           .subject = o->mail.subject,
		                           .body = o->mail.body,
		                           .message_id = o->mail.messageId,
		                           .date = o->mail.created.us };
	return message_build(&parts, length);
}

/* The message for those recipients that are still open. Its sender is what the account says now: whoever has put right
 * a wrong one wants the mails that wait to go. */
static struct smtp_message *make_message(struct outgoing_account *a, struct outgoing *o)
{
	char sender[ADDRESS_SIZE];
	size_t open = 0;
	for (size_t i = 0; i < o->count; i++)
		open += o->deliveries[i].open;
	account_sender_address(a, sender, sizeof sender);
	ledger_set_text(&o->mail.from, sender);
	ledger_set_text(&o->mail.replyTo, a->replyTo.address);
	struct smtp_message *m = smtp_message_new(sender, open);
	m->id = o->mail.sequence;
	snprintf(m->envelope_id, sizeof m->envelope_id, "%s", o->mail.id);
	m->content = build(a, o, sender, &m->length);
	for (size_t i = 0, n = 0; i < o->count; i++)
		if (o->deliveries[i].open)
			m->recipients[n++].address = message_envelope_address(o->deliveries[i].address);
	return m;
}

static bool cap_reached(struct outgoing_account *a)
{
	int64_t now = station_now(a->account.c.station), day = now / DAY_US;
	if (day != a->day) {
		a->day = day;
		a->sent_today = 0;
	}
	if (a->maxSendablePerDay == 0 || a->sent_today < a->maxSendablePerDay)
		return false;
	account_failed(&a->account, "The daily limit (maxSendablePerDay) is reached; the rest waits until tomorrow (UTC).");
	set_timer(a, now_of(a) + DAY_US - now % DAY_US);
	return true;
}

static bool may_connect(struct outgoing_account *a)
{
	if (a->transport == TRANSPORT_MAILDIR && now_of(a) >= a->retry_at)
		return true;
	if (a->transport == TRANSPORT_SMTP && !*a->account.hostname) {
		account_failed(&a->account, "No hostname is set: enter the name or the address of the mail server.");
		return false;
	}
	if (now_of(a) < a->retry_at) {
		set_timer(a, a->retry_at);
		return false;
	}
	struct err e = { 0 };
	int rc = authenticator_ready(a->account.emailAuthenticator, &e); /* it calls again when there is a login */
	if (rc < 0)
		account_failed(&a->account, e.text);
	return rc == 0;
}

static void tell_settings(struct outgoing_account *a)
{
	sender_configure(a->sender, a);
	a->changed = false;
}

static void hand_over(struct outgoing_account *a, struct outgoing *o)
{
	struct smtp_message *m = make_message(a, o);
	o->next = a->flying;
	a->flying = o;
	a->in_flight++;
	a->sent_today++;
	if (a->transport == TRANSPORT_MAILDIR) {
		maildir_deliver(a, m);
		return;
	}
	if (a->changed)
		tell_settings(a);
	a->used = true;
	m->tag = 1; /* its outcome is to be settled with the sender */
	sender_send(a->sender, m);
}

void outbox_pump(struct outgoing_account *a)
{
	if (!(a->account.c.flags & COMPONENT_RUNNING) || a->stopping)
		return;
	if (a->changed && a->used) /* an open connection must not go on under the old settings */
		tell_settings(a);
	if (!a->account.enabled || a->returning)
		return;
	wake_waiting(a);
	while (a->ready && a->in_flight < WINDOW && may_connect(a) && !cap_reached(a))
		hand_over(a, take_ready(a));
}

void outbox_retry_now(struct outgoing_account *a)
{
	a->retry_at = 0;
	a->failures = 0;
	outbox_pump(a);
}

/* By the timer: several settings that change together make one new connection. */
void outbox_reconfigure(struct outgoing_account *a)
{
	a->changed = true;
	a->retry_at = 0;
	a->failures = 0;
	if (a->sender)
		set_timer(a, now_of(a));
}

/* --- results ------------------------------------------------------------------------------------------------------- */

static bool undecided(const struct smtp_message *m)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->recipients[i].outcome != SMTP_PENDING)
			return false;
	return true;
}

static bool interrupted(const struct smtp_message *m)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->recipients[i].outcome == SMTP_PENDING || m->recipients[i].outcome == SMTP_UNKNOWN)
			return true;
	return false;
}

void outbox_done(struct outgoing_account *a, struct smtp_message *m)
{
	struct outgoing *o = take_flying(a, m->id);
	must(o);
	a->in_flight--;
	a->returning |= interrupted(m); /* nothing new before the account has heard why */
	if (undecided(m)) {
		a->sent_today--;
		return_ready(a, o);
		if (m->tag)
			sender_settle(a->sender);
		return;
	}
	if (!interrupted(m)) {
		a->failures = 0;
		account_succeeded(&a->account);
	}
	o->settles = m->tag != 0;
	o->next = a->flying; /* until its outcome is on disk */
	a->flying = o;
	a->writing++;
	ledger_record(a, o, m);
	outbox_pump(a);
}

void outbox_written(struct outgoing_account *a, int64_t id)
{
	struct outgoing *o = take_flying(a, id);
	must(o);
	a->writing--;
	if (o->settles)
		sender_settle(a->sender);
	ledger_tell(a->account.c.station, o);
	if (o->mail.open) {
		place(a, o);
	} else {
		outgoing_free(o);
		account_show_queue(a, -1);
	}
	outbox_pump(a);
}

/* Between 0.8 and 1.2 of it, so that many stations do not come at the same moment. */
static int64_t jittered(int64_t us)
{
	uint32_t random = (uint32_t)uv_hrtime() * 2654435761u >> 16;
	return us / 5 * 4 + us / 5 * 2 * (int64_t)random / 0xffff;
}

static int64_t doubled(int64_t first, int64_t times, int64_t cap)
{
	while (times-- > 0 && first < cap)
		first *= 2;
	return jittered(first < cap ? first : cap);
}

int64_t outbox_deferral(const struct outgoing_account *a, int64_t attempts)
{
	return doubled(a->retryInterval.us, attempts - 1, DEFER_CAP_US);
}

/* The connection is over. A new failure is written next to the mail that wanted to go; the same again is not, or an
 * outage of days would fill the ledger. */
void outbox_down(struct outgoing_account *a, const struct err *e, enum smtp_stage stage, int code, bool current)
{
	a->returning = false;
	if (current) {
		int64_t first = a->retryInterval.us / 3, cap = e->code == E_AUTH ? LOGIN_CAP_US : CONNECT_CAP_US;
		if (a->ready && (a->failures == 0 || strcmp(a->account.lastPollFailureCause, e->text) != 0))
			ledger_record_failure(a, a->ready, e, stage, code);
		a->retry_at = now_of(a) + doubled(first, a->failures++, cap);
		if (e->code == E_AUTH)
			authenticator_refused(a->account.emailAuthenticator);
		log_warn("account %s: %s (%s)", a->account.c.name, e->text, smtp_stage_name(stage));
		account_failed(&a->account, e->text);
	}
	outbox_pump(a);
}

void outbox_start(struct outgoing_account *a)
{
	a->ready_tail = &a->ready;
	a->stopping = a->returning = a->used = a->ended = false;
	a->changed = true;
	a->sender = sender_open(a);
	if (a->account.c.station->store)
		outbox_load(a);
}

void outbox_stop(struct outgoing_account *a)
{
	a->stopping = true;
	timer_stop(clock_of(a), &a->timer);
	if (a->sender)
		sender_end(&a->sender);
	else
		a->ended = true;
}

bool outbox_at_rest(const struct outgoing_account *a)
{
	return a->ended && a->writing == 0;
}
