/* SPDX-License-Identifier: Apache-2.0
 * The outbox of an account: what waits, when it may go, and handing it to the transport. All of it is on disk; memory is
 * its mirror. Failures of the connection are the account's and cost a mail nothing; failures of an address are that
 * address's. Engine thread. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "services/email/email_inside.h"
#include "services/email/message.h"
#include "station/log.h"
#include "station/must.h"

enum { WINDOW = 2 }; /* one message in the dialogue, the next one behind it */
#define RETRY_FIRST_US (2 * SECOND_US)
#define RETRY_CAP_US (30 * SECOND_US)
#define DEFER_CAP_US (1800 * SECOND_US)

static struct clock *clock_of(const struct outgoing_account *a)
{
	return &a->c.station->clock;
}

static int64_t now_of(const struct outgoing_account *a)
{
	return clock_mono(clock_of(a));
}

void outgoing_free(struct outgoing *o)
{
	record_finish(&mail_kind, &o->mail);
	for (size_t i = 0; i < o->count; i++)
		record_finish(&delivery_kind, &o->deliveries[i]);
	free(o->deliveries);
	free(o);
}

/* --- new mail ------------------------------------------------------------------------------------------------------- */

static void fill_deliveries(struct outgoing *o, const struct draft *d, struct store_tx *tx)
{
	o->deliveries = must_alloc(d->count * sizeof *o->deliveries);
	for (size_t i = 0; i < d->count; i++) {
		bool twice = false; /* one address is one delivery, however often it stands there */
		for (size_t k = 0; k < o->count; k++)
			twice |= strcasecmp(o->deliveries[k].address, d->to[i].address) == 0;
		if (twice)
			continue;
		struct delivery_record *r = &o->deliveries[o->count++];
		record_init(&delivery_kind, r);
		r->mail = must_strdup(o->mail.id);
		r->address = must_strdup(d->to[i].address);
		r->name = must_strdup(d->to[i].name);
		r->recipient = must_strdup(d->recipient);
		r->alarm = must_strdup(d->alarm);
		r->account = must_strdup(o->mail.account);
		r->field = (int)d->to[i].field;
		r->open = true;
		store_tx_put(tx, &delivery_kind, r);
	}
}

/* The hook of the transaction that carries a new mail. */
struct arriving {
	struct station *station;
	struct outgoing *mail;
};

static void enqueue(struct outgoing_account *a, struct outgoing *o)
{
	struct outgoing **p = &a->queue;
	while (*p && (*p)->id < o->id)
		p = &(*p)->next;
	if (*p && (*p)->id == o->id) { /* read from the store meanwhile */
		outgoing_free(o);
		return;
	}
	o->next = *p;
	*p = o;
	account_show_queue(a);
}

static void arrived(void *context, int code, const struct err *e)
{
	struct arriving *x = context;
	struct outgoing_account *a = account_by_name(x->station, x->mail->mail.account);
	if (code != 0) /* an alarm is mailed from memory rather than not at all */
		log_error("mail %s could not be written and is sent from memory: %s", x->mail->mail.id, e->text);
	ledger_tell(x->station, x->mail);
	if (a) {
		enqueue(a, x->mail);
		outbox_pump(a);
	} else {
		log_warn("mail %s waits: there is no account \"%s\"", x->mail->mail.id, x->mail->mail.account);
		outgoing_free(x->mail); /* it is on disk; an account of that name will find it */
	}
	free(x);
}

static const char *domain_of(const char *address)
{
	const char *at = strrchr(address, '@');
	return at && at[1] ? at + 1 : "belfry.invalid";
}

void outbox_add(struct station *s, struct outgoing_account *a, const char *account_name, struct store_tx *tx, const struct draft *d, char *id)
{
	struct outgoing *o = must_alloc(sizeof *o);
	struct mail_record *m = &o->mail;
	char uuid[37], from[256] = "";
	uuid_make(uuid);
	if (a)
		account_sender_address(a, from, sizeof from);
	record_init(&mail_kind, m);
	o->id = (uint64_t)station_sequence(s);
	m->id = must_strdup(uuid);
	m->sequence = (int64_t)o->id;
	m->account = must_strdup(a ? a->c.name : account_name);
	m->kind = (int)d->kind;
	m->open = true;
	m->created.us = station_now(s);
	m->subject = must_strdup(d->subject);
	m->body = must_strdup(d->body);
	m->from = must_strdup(from);
	m->replyTo = must_strdup(a ? a->replyTo.address : "");
	m->messageId = must_format("%s@%s", uuid, domain_of(from));
	m->alarm = must_strdup(d->alarm);
	m->priority = d->priority;
	store_tx_put(tx, &mail_kind, m);
	fill_deliveries(o, d, tx);
	struct arriving *x = must_alloc(sizeof *x);
	*x = (struct arriving){ s, o };
	store_tx_hook(tx, arrived, x);
	if (id)
		memcpy(id, uuid, sizeof uuid);
}

/* --- what the store has ------------------------------------------------------------------------------------------------ */

struct loading {
	struct station *station;
	uint64_t account;
	struct outgoing *mails; /* owned until enqueued */
};

static void deliveries_read(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct loading *l = context;
	struct component *c = station_by_handle(l->station, l->account);
	struct outgoing_account *a = c ? COMPONENT_AS(c, &email_outgoing_account, struct outgoing_account) : NULL;
	if (code != 0)
		log_error("the outbox could not be read: %s", e->text);
	for (struct outgoing *o = l->mails, *next; o; o = next) {
		next = o->next;
		for (size_t i = 0; i < rows->count; i++) {
			const struct delivery_record *r = store_row(rows, i);
			if (strcmp(r->mail, o->mail.id) != 0)
				continue;
			o->deliveries = must_realloc(o->deliveries, (o->count + 1) * sizeof *o->deliveries);
			record_copy(&delivery_kind, &o->deliveries[o->count++], r);
			int64_t wait = r->open && r->nextAttempt.us != ABSTIME_NULL ? r->nextAttempt.us - station_now(l->station) : 0;
			if (wait > 0 && wait < DEFER_CAP_US && a)
				o->due = now_of(a) + wait;
		}
		if (a && o->count)
			enqueue(a, o);
		else
			outgoing_free(o);
	}
	free(l);
	if (a)
		outbox_pump(a);
}

static void mails_read(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct loading *l = context;
	struct outgoing **tail = &l->mails;
	if (code != 0)
		log_error("the outbox could not be read: %s", e->text);
	for (size_t i = 0; i < rows->count; i++) {
		struct outgoing *o = must_alloc(sizeof *o);
		record_copy(&mail_kind, &o->mail, store_row(rows, i));
		o->id = (uint64_t)o->mail.sequence;
		*tail = o;
		tail = &o->next;
	}
	if (!l->mails) {
		free(l);
		return;
	}
	struct store_query q = { .kind = &delivery_kind, .limit = INT32_MAX };
	store_where_add(&q, "account", STORE_EQ, value_string(l->mails->mail.account));
	store_where_add(&q, "open", STORE_EQ, value_boolean(true));
	store_ask(l->station->store, &q, deliveries_read, l);
}

void outbox_load(struct outgoing_account *a)
{
	struct loading *l = must_alloc(sizeof *l);
	l->station = a->c.station;
	l->account = a->c.handle;
	struct store_query q = { .kind = &mail_kind, .order = "sequence", .limit = INT32_MAX };
	store_where_add(&q, "account", STORE_EQ, value_string(a->c.name));
	store_where_add(&q, "open", STORE_EQ, value_boolean(true));
	store_ask(a->c.station->store, &q, mails_read, l);
}

/* --- sending ---------------------------------------------------------------------------------------------------------- */

static bool ascii(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

/* The addresses that stand in a header; Bcc stands in none. */
static size_t header_addresses(const struct outgoing *o, enum mail_field field, struct message_address *out)
{
	size_t n = 0;
	for (size_t i = 0; i < o->count; i++)
		if (o->deliveries[i].field == (int)field)
			out[n++] = (struct message_address){ o->deliveries[i].name, o->deliveries[i].address };
	return n;
}

/* The message for those recipients that are still open. */
static struct smtp_message *make_message(struct outgoing_account *a, const struct outgoing *o)
{
	struct smtp_message *m = must_alloc(sizeof *m);
	struct message_address to[SMTP_RECIPIENTS_MAX], cc[SMTP_RECIPIENTS_MAX];
	char from[256];
	account_sender_address(a, from, sizeof from);
	const char *sender = *o->mail.from ? o->mail.from : from;
	struct message_parts parts = { .from = { "", sender }, .reply_to = { a->replyTo.name, o->mail.replyTo }, .to = to, .cc = cc,
		                           .to_count = header_addresses(o, FIELD_TO, to), .cc_count = header_addresses(o, FIELD_CC, cc),
		                           .subject = o->mail.subject, .body = o->mail.body, .message_id = o->mail.messageId, .date = o->mail.created.us };
	m->id = o->id;
	m->sender = must_strdup(sender);
	m->data = message_build(&parts, &m->length);
	m->recipients = must_alloc(o->count * sizeof *m->recipients);
	m->utf8 = !ascii(sender);
	for (size_t i = 0; i < o->count; i++) {
		if (!o->deliveries[i].open)
			continue;
		m->recipients[m->count++].address = must_strdup(o->deliveries[i].address);
		m->utf8 |= !ascii(o->deliveries[i].address);
	}
	return m;
}

static bool cap_reached(struct outgoing_account *a)
{
	int64_t day = station_now(a->c.station) / (86400 * SECOND_US);
	if (day != a->day) {
		a->day = day;
		a->sent_today = 0;
	}
	return a->maxSendablePerDay > 0 && a->sent_today >= a->maxSendablePerDay;
}

static void hand_over(struct outgoing_account *a, struct outgoing *o)
{
	struct smtp_message *m = make_message(a, o);
	o->in_flight = true;
	a->in_flight++;
	a->sent_today++;
	if (a->transport == TRANSPORT_MAILDIR)
		maildir_deliver(a, m);
	else
		sender_send(a->sender, m);
}

/* Sets the timer for what must wait. */
static void wait_until(struct outgoing_account *a, int64_t when)
{
	int64_t now = now_of(a);
	if (!a->timer.index || a->timer.due > when)
		timer_start(clock_of(a), &a->timer, when > now ? when - now : 0);
}

static bool connected(struct outgoing_account *a)
{
	if (a->transport == TRANSPORT_MAILDIR)
		return true;
	if (a->sender)
		return a->sender_ready;
	if (*a->hostname == '\0') {
		account_failed(a, "No host name is set: enter the name or address of the mail server.");
		return false;
	}
	if (now_of(a) < a->retry_at) {
		wait_until(a, a->retry_at);
		return false;
	}
	a->sender_ready = a->reused = false;
	a->sender = sender_open(a);
	return false;
}

void outbox_pump(struct outgoing_account *a)
{
	if (!a->enabled || !(a->c.flags & COMPONENT_RUNNING))
		return;
	int64_t now = now_of(a);
	for (struct outgoing *o = a->queue; o && a->in_flight < WINDOW; o = o->next) {
		if (o->in_flight)
			continue;
		if (o->due > now) {
			wait_until(a, o->due);
			continue;
		}
		if (cap_reached(a)) {
			account_failed(a, "The daily limit (maxSendablePerDay) is reached; the rest waits until tomorrow (UTC).");
			wait_until(a, now + 60 * SECOND_US);
			return;
		}
		if (!connected(a))
			return;
		hand_over(a, o);
	}
}

void outbox_retry_now(struct outgoing_account *a)
{
	a->retry_at = 0;
	a->failures = 0;
	outbox_pump(a);
}

/* --- results ----------------------------------------------------------------------------------------------------------- */

void outbox_sender_ready(struct outgoing_account *a)
{
	a->sender_ready = true;
	a->failures = 0;
	account_succeeded(a);
	outbox_pump(a);
}

static struct outgoing *find(struct outgoing_account *a, uint64_t id)
{
	struct outgoing *o = a->queue;
	while (o && o->id != id)
		o = o->next;
	return o;
}

static bool anything_decided(const struct smtp_message *m)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->recipients[i].outcome != SMTP_UNSENT)
			return true;
	return false;
}

void outbox_finished(struct outgoing_account *a, struct smtp_message *m, const struct smtp_facts *facts)
{
	struct outgoing *o = find(a, m->id);
	a->reused = true;
	if (o && !anything_decided(m)) { /* it comes back as it went: nothing to write */
		o->in_flight = false;
		a->in_flight--;
		a->sent_today--;
	} else if (o) {
		ledger_record(a, o, m, facts);
	}
	smtp_message_free(&m);
}

static int64_t jittered(int64_t us)
{
	char uuid[37];
	uuid_make(uuid);
	return us / 5 * 4 + us / 5 * 2 * (int64_t)(strtoul(uuid, NULL, 16) & 0xffff) / 0xffff;
}

/* 30 s, 1 min, 2 min ... 30 min, with jitter. */
int64_t outbox_deferral(const struct outgoing_account *a, int64_t attempts)
{
	int64_t us = a->retryInterval.us;
	while (--attempts > 0 && us < DEFER_CAP_US)
		us *= 2;
	return jittered(us < DEFER_CAP_US ? us : DEFER_CAP_US);
}

static void drop(struct outgoing_account *a, struct outgoing *o)
{
	struct outgoing **p = &a->queue;
	while (*p != o)
		p = &(*p)->next;
	*p = o->next;
	outgoing_free(o);
}

/* The ledger's transaction has ended: what is decided leaves, and the connection may go on. */
void outbox_written(struct station *s, uint64_t account, uint64_t id)
{
	struct component *c = station_by_handle(s, account);
	struct outgoing_account *a = c ? COMPONENT_AS(c, &email_outgoing_account, struct outgoing_account) : NULL;
	struct outgoing *o = a ? find(a, id) : NULL;
	if (!o)
		return;
	ledger_tell(s, o);
	o->in_flight = false;
	a->in_flight--;
	if (!o->mail.open)
		drop(a, o);
	if (a->sender)
		sender_release(a->sender, id);
	account_show_queue(a);
	outbox_pump(a);
}

void outbox_sender_ended(struct outgoing_account *a, const char *stage, const struct err *e)
{
	bool was_used = a->sender_ready && a->reused;
	sender_close(&a->sender, false);
	a->sender_ready = false;
	if (e && was_used && (e->code == E_NETWORK || e->code == E_TIMEOUT) && a->failures == 0) {
		a->failures = 1; /* an idle connection that the server has dropped is no failure: once more, at once */
		outbox_pump(a);
		return;
	}
	if (e) {
		int64_t wait = RETRY_FIRST_US;
		for (int i = 0; i < a->failures && wait < RETRY_CAP_US; i++)
			wait *= 2;
		a->failures++;
		a->retry_at = now_of(a) + jittered(wait < RETRY_CAP_US ? wait : RETRY_CAP_US);
		log_warn("account %s: %s (%s)", a->c.name, e->text, stage);
		account_failed(a, e->text);
	}
	outbox_pump(a);
}

void outbox_stop(struct outgoing_account *a)
{
	sender_close(&a->sender, false);
	a->sender_ready = false;
	timer_stop(clock_of(a), &a->timer);
}

void outbox_free(struct outgoing_account *a)
{
	for (struct outgoing *o = a->queue, *next; o; o = next) {
		next = o->next;
		outgoing_free(o);
	}
	a->queue = NULL;
}
