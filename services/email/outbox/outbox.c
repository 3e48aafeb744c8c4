/* SPDX-License-Identifier: Apache-2.0
 * The outbox of an account: what may go now, over which connection, what waits, and what an answer means. Failures of the
 * connection, the login or the sender are the account's and cost a mail nothing; failures of an address are that
 * address's. See outbox.h. */
#include "services/email/outbox/outbox.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "services/email/content/message.h"
#include "services/email/content/render.h"
#include "services/email/email_inside.h"
#include "services/email/language/language.h"
#include "station/base/log.h"
#include "station/base/must.h"

#define DEFER_CAP_US (1800 * SECOND_US)
#define CONNECT_CAP_US (60 * SECOND_US) /* a server that is back is noticed within a minute */
#define LOGIN_CAP_US (900 * SECOND_US)  /* a wrong password is not tried so often that the server locks the account */

static struct clock *clock_of(const struct outgoing_account *a)
{
	return &a->account.c.station->clock;
}

static int64_t now_of(const struct outgoing_account *a)
{
	return clock_mono(clock_of(a));
}

void outbox_pump_at(struct outgoing_account *a, int64_t when)
{
	struct timer *timer = &a->outbox.timer;
	int64_t now = now_of(a);
	if (!timer->index || timer->due > when)
		timer_start(clock_of(a), timer, when > now ? when - now : 0);
}

/* --- what waits ---------------------------------------------------------------------------------------------------- */

static struct outgoing *take_flying(struct outbox *b, int64_t id)
{
	struct outgoing **p = &b->flying, *o;
	while ((o = *p) && o->mail.sequence != id)
		p = &o->next;
	must(o);
	*p = o->next;
	return o;
}

static void put_flying(struct outbox *b, struct outgoing *o)
{
	o->next = b->flying;
	b->flying = o;
}

/* What has waited long enough may go. */
static void wake_waiting(struct outgoing_account *a)
{
	struct mail_heap *waiting = &a->outbox.waiting;
	const struct outgoing *o;
	while ((o = mail_heap_first(waiting)) && o->due <= now_of(a))
		mail_heap_push(&a->outbox.ready, mail_heap_pop(waiting));
	if (o)
		outbox_pump_at(a, o->due);
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

void outbox_place(struct outgoing_account *a, struct outgoing *o)
{
	o->due = due_of(a, o);
	mail_heap_push(o->due > now_of(a) ? &a->outbox.waiting : &a->outbox.ready, o);
}

void outbox_enqueue(struct outgoing_account *a, struct outgoing *o)
{
	outbox_place(a, o);
	account_show_queue(a, 1);
	outbox_pump(a);
}

void outbox_free(struct outgoing_account *a)
{
	struct outbox *b = &a->outbox;
	protection_forget(a);
	mail_heap_free(&b->ready);
	mail_heap_free(&b->waiting);
	for (struct outgoing *o = b->flying, *next; o; o = next) {
		next = o->next;
		outgoing_free(o);
	}
	b->flying = NULL;
	free(b->caps.times);
	b->caps = (struct send_caps){ .times = NULL };
}

/* --- sending ------------------------------------------------------------------------------------------------------- */

/* The message for those recipients that are still open. Its sender is what the account says now: whoever has put right
 * a wrong one wants the mails that wait to go. */
static struct smtp_message *make_message(struct outgoing_account *a, struct outgoing *o, const char *sender)
{
	size_t open = 0;
	for (size_t i = 0; i < o->count; i++)
		open += o->deliveries[i].open;
	ledger_set_text(&o->mail.from, sender);
	ledger_set_text(&o->mail.replyTo, a->replyTo.address);
	struct smtp_message *m = smtp_message_new(sender, open);
	m->id = o->mail.sequence;
	snprintf(m->envelope_id, sizeof m->envelope_id, "%s", o->mail.id);
	for (size_t i = 0, n = 0; i < o->count; i++)
		if (o->deliveries[i].open)
			m->recipients[n++].address = message_envelope_address(o->deliveries[i].address);
	return m;
}

/* --- connections --------------------------------------------------------------------------------------------------- */

static struct connection *connection_at(struct outgoing_account *a, int index)
{
	must(index >= 0 && index < CONNECTIONS_MAX);
	return &a->outbox.connections[index];
}

static int connections_of(const struct outgoing_account *a)
{
	return a->transport == TRANSPORT_SMTP ? (int)a->maxConnections : 1;
}

/* The one that may take a mail, and how soon it would get to it. The first ones are used most, so that the others close
 * when they are not needed. While the account fails, one connection at a time tries. */
static struct connection *free_connection(struct outgoing_account *a)
{
	struct connection *best = NULL;
	int64_t now = now_of(a);
	for (int i = 0; i < connections_of(a); i++) {
		struct connection *c = connection_at(a, i);
		if (a->account.failing && c->in_flight > 0)
			return NULL;
		if (c->returning || c->in_flight >= CONNECTION_WINDOW)
			continue;
		if (now < c->retry_at) {
			outbox_pump_at(a, c->retry_at);
			continue;
		}
		/* idle and known, then busy, then new */
		int rank = c->sender ? c->in_flight : CONNECTION_WINDOW;
		int best_rank = !best ? CONNECTION_WINDOW + 1 : best->sender ? best->in_flight : CONNECTION_WINDOW;
		if (rank < best_rank)
			best = c;
	}
	return best;
}

static bool may_connect(struct outgoing_account *a)
{
	if (now_of(a) < a->outbox.retry_at) {
		outbox_pump_at(a, a->outbox.retry_at);
		return false;
	}
	struct err e = { 0 };
	int rc = account_ready(&a->account, &e); /* it calls again when there is a login */
	if (rc < 0)
		account_failed(&a->account, e.text);
	return rc == 0;
}

static void tell_settings(struct outgoing_account *a, struct connection *c)
{
	sender_configure(c->sender, a);
	c->changed = false;
}

/* Open connections must not go on under old settings. */
static void tell_all(struct outgoing_account *a)
{
	for (int i = 0; i < CONNECTIONS_MAX; i++) {
		struct connection *c = connection_at(a, i);
		if (c->sender && c->changed)
			tell_settings(a, c);
	}
}

static void open_sender(struct outgoing_account *a, struct connection *c)
{
	c->sender = sender_open(a, (int)(c - a->outbox.connections));
	a->outbox.open_connections++;
	tell_settings(a, c);
}

/* It was not even tried. */
static void give_back(struct outgoing_account *a, struct connection *c, struct smtp_message *m)
{
	mail_heap_push(&a->outbox.ready, take_flying(&a->outbox, m->id));
	c->in_flight--;
	caps_uncount(a);
	smtp_message_free(&m);
	outbox_pump(a);
}

static struct outgoing *flying_with(const struct outbox *b, int64_t id)
{
	struct outgoing *o = b->flying;
	while (o && o->mail.sequence != id)
		o = o->next;
	must(o);
	return o;
}

/* The message is made; meanwhile the account may have begun to end, or its connection may have failed. */
static void rendered(struct outgoing_account *a, struct smtp_message *m)
{
	struct outgoing *o = flying_with(&a->outbox, m->id);
	struct connection *c = connection_at(a, o->carrier);
	a->outbox.rendering--;
	if (a->outbox.stopping || c->returning || now_of(a) < c->retry_at) {
		give_back(a, c, m);
		return;
	}
	struct err e = { 0 };
	if (protection_apply(a, o, m->sender, m, &e) != 0) { /* it must not go */
		protection_refuse(a, m, &e);
		return;
	}
	if (a->transport == TRANSPORT_MAILDIR) {
		maildir_deliver(a, m);
		return;
	}
	if (!c->sender)
		open_sender(a, c);
	m->tag = 1; /* its outcome is to be settled with the sender */
	sender_send(c->sender, m);
}

/* Is the server back? Asked without a mail, since all have gone another way. */
static void try_connection(struct outgoing_account *a)
{
	struct connection *c = connection_at(a, 0);
	if (!may_connect(a)) {
		failover_down(a, a->outbox.failover.failed_stage);
		return;
	}
	if (!c->sender)
		open_sender(a, c);
	sender_connect(c->sender);
}

static void hand_over(struct outgoing_account *a, struct connection *c, struct outgoing *o)
{
	char sender[ADDRESS_SIZE];
	account_sender_address(a, sender, sizeof sender);
	struct smtp_message *m = make_message(a, o, sender);
	o->carrier = (int)(c - a->outbox.connections);
	put_flying(&a->outbox, o);
	c->in_flight++;
	a->outbox.rendering++;
	caps_count(a);
	message_render(a, o, sender, m, rendered);
}

void outbox_pump(struct outgoing_account *a)
{
	struct connection *c;
	const struct outgoing *o;
	if (!(a->account.c.flags & COMPONENT_RUNNING) || a->outbox.stopping || a->outbox.loading)
		return;
	tell_all(a);
	if (!a->account.enabled)
		return;
	wake_waiting(a);
	if (failover_look(a))
		try_connection(a);
	caps_settle(a);
	if (!mail_heap_first(&a->outbox.ready) || !may_connect(a))
		return;
	while ((o = mail_heap_first(&a->outbox.ready)) && (c = free_connection(a)) && caps_let(a, o))
		hand_over(a, c, mail_heap_pop(&a->outbox.ready));
}

static void forget_failures(struct outgoing_account *a)
{
	a->outbox.retry_at = a->outbox.failures = 0;
	for (int i = 0; i < CONNECTIONS_MAX; i++)
		a->outbox.connections[i].retry_at = a->outbox.connections[i].failures = 0;
}

void outbox_retry_now(struct outgoing_account *a)
{
	forget_failures(a);
	outbox_pump(a);
}

/* By the timer: several settings that change together make one new connection. */
void outbox_reconfigure(struct outgoing_account *a)
{
	protection_forget(a);
	forget_failures(a);
	for (int i = 0; i < CONNECTIONS_MAX; i++)
		a->outbox.connections[i].changed = true;
	if ((a->account.c.flags & COMPONENT_RUNNING) && !a->outbox.stopping)
		outbox_pump_at(a, now_of(a));
}

/* --- results ------------------------------------------------------------------------------------------------------- */

static bool undecided(const struct smtp_message *m)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->recipients[i].outcome != SMTP_PENDING)
			return false;
	return true;
}

/* Does the server have it for anybody, or may it? */
static bool taken(const struct smtp_message *m)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->recipients[i].outcome == SMTP_ACCEPTED || m->recipients[i].outcome == SMTP_UNKNOWN)
			return true;
	return false;
}

static bool interrupted(const struct smtp_message *m)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->recipients[i].outcome == SMTP_PENDING || m->recipients[i].outcome == SMTP_UNKNOWN)
			return true;
	return false;
}

static void connection_works(struct outgoing_account *a, struct connection *c)
{
	c->good = true;
	c->failures = 0;
	a->outbox.failures = 0;
	account_succeeded(&a->account);
	failover_works(a);
}

void outbox_ready(struct outgoing_account *a, int connection)
{
	if (failover_ready(a))
		connection_works(a, connection_at(a, connection));
	outbox_pump(a);
}

void outbox_done(struct outgoing_account *a, struct smtp_message *m)
{
	struct outbox *b = &a->outbox;
	struct outgoing *o = take_flying(b, m->id);
	struct connection *c = connection_at(a, o->carrier);
	c->in_flight--;
	c->returning |= interrupted(m); /* nothing new before the account has heard why */
	if (!taken(m))
		caps_uncount(a);
	if (undecided(m)) {
		mail_heap_push(&b->ready, o);
		if (m->tag)
			sender_settle(c->sender);
		return;
	}
	if (!interrupted(m) && (m->tag || a->transport == TRANSPORT_MAILDIR)) /* else nobody was asked */
		connection_works(a, c);
	o->settles = m->tag != 0;
	put_flying(b, o); /* until its outcome is on disk */
	b->writing++;
	ledger_record(a, o, m);
	outbox_pump(a);
}

void outbox_written(struct outgoing_account *a, int64_t id)
{
	struct outgoing *o = take_flying(&a->outbox, id);
	a->outbox.writing--;
	if (o->settles)
		sender_settle(connection_at(a, o->carrier)->sender);
	ledger_tell(a->account.c.station, o);
	if (o->mail.open) {
		outbox_place(a, o);
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

static bool another_works(const struct outgoing_account *a, const struct connection *c)
{
	for (int i = 0; i < connections_of(a); i++)
		if (&a->outbox.connections[i] != c && a->outbox.connections[i].good)
			return true;
	return false;
}

/* No connection works. A new failure is written next to the mail that wanted to go; the same again is not, or an outage
 * of days would fill the ledger. Several connections that fail together are one failure. */
static void account_down(struct outgoing_account *a, const struct smtp_failure *f)
{
	struct outbox *b = &a->outbox;
	const struct err *e = &f->err;
	failover_down(a, f->stage);
	if (now_of(a) < b->retry_at)
		return;
	if (mail_heap_first(&b->ready) && (b->failures == 0 || strcmp(a->account.lastPollFailureCause, e->text) != 0))
		ledger_record_failure(a, mail_heap_first(&b->ready), e, f->stage, f->code);
	int64_t cap = e->code == E_AUTH ? LOGIN_CAP_US : CONNECT_CAP_US;
	b->retry_at = now_of(a) + doubled(a->retryInterval.us / 3, b->failures++, cap);
	log_warn("account %s: %s (%s)", a->account.c.name, e->text, smtp_stage_name(f->stage));
	account_failed(&a->account, e->text);
}

void outbox_down(struct outgoing_account *a, int connection, const struct smtp_failure *f, bool current)
{
	struct connection *c = connection_at(a, connection);
	c->returning = c->good = false;
	current = current && !c->changed; /* else it is soon told the new settings, and tried with them */
	if (current && f->err.code == E_AUTH)
		authenticator_refused(a->account.emailAuthenticator);
	if (current && another_works(a, c)) { /* the server takes fewer connections than it might */
		c->retry_at = now_of(a) + doubled(a->retryInterval.us / 3, c->failures++, CONNECT_CAP_US);
		log_info("account %s, one of its connections: %s", a->account.c.name, f->err.text);
	} else if (current) {
		account_down(a, f);
	}
	outbox_pump(a);
}

/* --- life ---------------------------------------------------------------------------------------------------------- */

void outbox_start(struct outgoing_account *a)
{
	memset(a->outbox.connections, 0, sizeof a->outbox.connections);
	a->outbox.stopping = false;
	caps_load(a);
	failover_start(a);
	if (a->account.c.station->store)
		outbox_load(a);
}

void outbox_stop(struct outgoing_account *a)
{
	a->outbox.stopping = true;
	timer_stop(clock_of(a), &a->outbox.timer);
	for (int i = 0; i < CONNECTIONS_MAX; i++)
		sender_end(&a->outbox.connections[i].sender);
}

bool outbox_at_rest(const struct outgoing_account *a)
{
	return a->outbox.open_connections == 0 && a->outbox.rendering == 0 && a->outbox.writing == 0;
}
