/* SPDX-License-Identifier: Apache-2.0
 * The ledger: what the server said about each recipient becomes a delivery and an attempt, in one transaction; only when
 * that is on disk may the connection end the next message. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "services/email/email_inside.h"
#include "station/base/log.h"
#include "station/base/must.h"

void ledger_set_text(char **field, const char *text)
{
	static const struct slot row = { .name = "text", .kind = V_STRING };
	struct value v = value_string(text);
	slot_write(&row, field, &v);
}

static const char *outcome_name(enum smtp_outcome outcome)
{
	static const char *const names[] = { "failed", "accepted", "deferred", "refused", "unknown" };
	return names[outcome];
}

static void write_attempt(struct outgoing_account *a, struct store_tx *tx, const struct delivery_record *d,
                          const struct smtp_recipient *r)
{
	struct attempt_record attempt = {
		.sequence = station_sequence(a->account.c.station),
		.mail = d->mail,
		.address = d->address,
		.account = d->account,
		.time = d->time,
		.stage = (char *)(uintptr_t)smtp_stage_name(r->stage),
		.outcome = (char *)(uintptr_t)outcome_name(r->outcome),
		.replyCode = d->replyCode,
		.enhancedStatus = d->enhancedStatus,
		.replyText = d->replyText,
		.queueId = d->queueId,
		.tlsVersion = d->tlsVersion,
		.cipher = d->cipher,
		.fingerprint = d->fingerprint,
	};
	store_tx_put(tx, &attempt_kind, &attempt);
}

/* When a deferred delivery is tried again. A server that only takes so many recipients at a time (452, RFC 5321
 * 4.5.3.1.10) gets the rest at once; what was cut behind the dot goes with the next connection. */
static int64_t next_attempt(const struct outgoing_account *a, const struct delivery_record *d,
                            const struct smtp_recipient *r, bool some_taken)
{
	if (r->outcome == SMTP_UNKNOWN || (r->code == 452 && r->stage == STAGE_RCPT && some_taken))
		return d->time.us;
	return d->time.us + outbox_deferral(a, d->attempts);
}

/* One recipient's fate. A delivery only moves forward. */
static void update(struct outgoing_account *a, struct delivery_record *d, const struct smtp_recipient *r,
                   const struct smtp_message *m, bool some_taken)
{
	d->state = r->outcome == SMTP_ACCEPTED ? MAIL_ACCEPTED : r->outcome == SMTP_REFUSED ? MAIL_REFUSED : MAIL_DEFERRED;
	d->open = d->state == MAIL_DEFERRED;
	d->attempts++;
	d->time.us = m->answered ? m->answered : station_now(a->account.c.station);
	d->nextAttempt.us = d->open ? next_attempt(a, d, r, some_taken) : ABSTIME_NULL;
	d->replyCode = r->code;
	ledger_set_text(&d->enhancedStatus, r->enhanced);
	ledger_set_text(&d->replyText, r->text);
	ledger_set_text(&d->queueId, r->outcome == SMTP_ACCEPTED ? m->queue_id : "");
	ledger_set_text(&d->tlsVersion, m->tls_version);
	ledger_set_text(&d->cipher, m->cipher);
	ledger_set_text(&d->fingerprint, m->fingerprint);
}

/* What is still to come counts first; then whether all fared alike. */
enum mail_state ledger_state(const struct delivery_record *deliveries, size_t count)
{
	static const enum mail_state order[] = { MAIL_DEFERRED, MAIL_QUEUED,    MAIL_PARTIAL,  MAIL_ACCEPTED,
		                                     MAIL_REFUSED,  MAIL_CANCELLED, MAIL_DIGESTED, MAIL_BOUNCED };
	bool there[MAIL_BOUNCED + 1] = { false };
	for (size_t i = 0; i < count; i++)
		there[deliveries[i].state] = true;
	there[MAIL_PARTIAL] = there[MAIL_ACCEPTED] && (there[MAIL_REFUSED] || there[MAIL_CANCELLED] || there[MAIL_BOUNCED]);
	size_t i = 0;
	while (i + 1 < ARRAY_SIZE(order) && !there[order[i]])
		i++;
	return order[i];
}

struct writing {
	struct station *station;
	uint64_t account;
	int64_t mail;
};

static void written(void *context, int code, const struct err *e)
{
	struct writing *w = context;
	struct component *c = station_by_handle(w->station, w->account);
	if (code != 0) /* memory knows it; at worst it goes again after a restart, with the same Message-ID */
		log_error("the ledger could not be written: %s", e->text);
	if (component_is(c, &email_outgoing_account))
		outbox_written(COMPONENT_AS(c, &email_outgoing_account, struct outgoing_account), w->mail);
	free(w);
}

/* The delivery that goes to an envelope's address; the n-th that was open is the n-th recipient. */
static struct delivery_record *nth_open(struct outgoing *o, size_t n)
{
	for (size_t i = 0; i < o->count; i++)
		if (o->deliveries[i].open && n-- == 0)
			return &o->deliveries[i];
	must(!"more recipients than deliveries");
	return NULL;
}

void ledger_record(struct outgoing_account *a, struct outgoing *o, const struct smtp_message *m)
{
	struct station *s = a->account.c.station;
	struct store_tx *tx = store_tx_new();
	struct delivery_record *deliveries[SMTP_RECIPIENTS_MAX];
	bool some_accepted = false;
	must(m->count <= SMTP_RECIPIENTS_MAX);
	for (size_t i = 0; i < m->count; i++) {
		deliveries[i] = nth_open(o, i);
		some_accepted |= m->recipients[i].outcome == SMTP_ACCEPTED;
	}
	for (size_t i = 0; i < m->count; i++) {
		if (m->recipients[i].outcome == SMTP_PENDING)
			continue;
		update(a, deliveries[i], &m->recipients[i], m, some_accepted);
		store_tx_put(tx, &delivery_kind, deliveries[i]);
		write_attempt(a, tx, deliveries[i], &m->recipients[i]);
	}
	o->mail.open = false;
	for (size_t i = 0; i < o->count; i++)
		o->mail.open |= o->deliveries[i].open;
	o->mail.state = (int)ledger_state(o->deliveries, o->count);
	store_tx_put(tx, &mail_kind, &o->mail);
	struct writing *w = must_alloc(sizeof *w);
	*w = (struct writing){ s, a->account.c.handle, o->mail.sequence };
	if (some_accepted)
		account_sent(a, 1, tx);
	store_commit(s->store, tx, written, w);
}

/* An attempt that no server has answered. */
static void note_attempt(struct station *s, struct store_tx *tx, const struct outgoing *o, const char *stage,
                         const char *outcome, int code, const char *text)
{
	char *const none = (char *)(uintptr_t) "";
	struct attempt_record attempt = {
		.sequence = station_sequence(s),
		.mail = o->mail.id,
		.address = none,
		.account = o->mail.account,
		.time.us = station_now(s),
		.stage = (char *)(uintptr_t)stage,
		.outcome = (char *)(uintptr_t)outcome,
		.replyCode = code,
		.replyText = (char *)(uintptr_t)text,
		.enhancedStatus = none,
		.queueId = none,
		.tlsVersion = none,
		.cipher = none,
		.fingerprint = none,
	};
	store_tx_put(tx, &attempt_kind, &attempt);
}

void ledger_record_failure(struct outgoing_account *a, const struct outgoing *o, const struct err *e,
                           enum smtp_stage stage, int code)
{
	struct store_tx *tx = store_tx_new();
	note_attempt(a->account.c.station, tx, o, smtp_stage_name(stage), outcome_name(SMTP_PENDING), code, e->text);
	store_commit(a->account.c.station->store, tx, NULL, NULL);
}

void ledger_close(struct station *s, struct store_tx *tx, struct outgoing *o, enum mail_state state, const char *text)
{
	for (size_t i = 0; i < o->count; i++) {
		struct delivery_record *d = &o->deliveries[i];
		if (!d->open)
			continue;
		d->open = false;
		d->state = (int)state;
		d->time.us = station_now(s);
		d->nextAttempt.us = ABSTIME_NULL;
		ledger_set_text(&d->replyText, text);
		store_tx_put(tx, &delivery_kind, d);
	}
	o->mail.open = false;
	o->mail.state = (int)ledger_state(o->deliveries, o->count);
	store_tx_put(tx, &mail_kind, &o->mail);
	if (state == MAIL_CANCELLED)
		note_attempt(s, tx, o, "queue", "cancelled", 0, text);
}

void ledger_reroute(struct outgoing_account *a, struct outgoing *o, const char *to, const char *text,
                    struct store_tx *tx)
{
	note_attempt(a->account.c.station, tx, o, "queue", "rerouted", 0, text);
	ledger_set_text(&o->mail.account, to);
	store_tx_put(tx, &mail_kind, &o->mail);
	for (size_t i = 0; i < o->count; i++) {
		ledger_set_text(&o->deliveries[i].account, to);
		store_tx_put(tx, &delivery_kind, &o->deliveries[i]);
	}
}

void ledger_tell(struct station *s, const struct outgoing *o)
{
	if (!station_observed(s))
		return;
	json_t *json = mail_to_json(s, &o->mail, o->deliveries, o->count, false);
	station_event(s, "mail", json);
	json_decref(json);
}
