/* SPDX-License-Identifier: Apache-2.0
 * The ledger: what the server said about each recipient becomes a delivery and an attempt, in one transaction; only when
 * that is on disk may the connection end the next message. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "services/email/email_inside.h"
#include "station/log.h"
#include "station/must.h"

static void set_text(char **field, const char *text)
{
	static const struct slot row = { .name = "text", .kind = V_STRING };
	struct value v = value_string(text);
	slot_write(&row, field, &v);
}

static const char *outcome_name(enum smtp_outcome outcome)
{
	return outcome == SMTP_ACCEPTED ? "accepted" : outcome == SMTP_REFUSED ? "refused" : "deferred";
}

static void write_attempt(struct outgoing_account *a, struct store_tx *tx, const struct delivery_record *d, const struct smtp_recipient *r)
{
	struct attempt_record attempt = {
		.sequence = station_sequence(a->c.station), .mail = d->mail, .address = d->address, .time = d->time, .stage = (char *)(uintptr_t)r->stage,
		.outcome = (char *)(uintptr_t)outcome_name(r->outcome), .replyCode = d->replyCode, .enhancedStatus = d->enhancedStatus,
		.replyText = d->replyText, .queueId = d->queueId, .tlsVersion = d->tlsVersion, .cipher = d->cipher, .fingerprint = d->fingerprint,
	};
	store_tx_put(tx, &attempt_kind, &attempt);
}

/* One recipient's fate. A delivery only moves forward. */
static void update(struct outgoing_account *a, struct delivery_record *d, const struct smtp_recipient *r, const struct smtp_message *m,
                   const struct smtp_facts *facts)
{
	d->state = r->outcome == SMTP_ACCEPTED ? MAIL_ACCEPTED : r->outcome == SMTP_REFUSED ? MAIL_REFUSED : MAIL_DEFERRED;
	d->open = d->state == MAIL_DEFERRED;
	d->attempts++;
	d->time.us = station_now(a->c.station);
	d->nextAttempt.us = d->open ? d->time.us + outbox_deferral(a, d->attempts) : ABSTIME_NULL;
	d->replyCode = r->code;
	set_text(&d->enhancedStatus, r->enhanced);
	set_text(&d->replyText, r->text);
	set_text(&d->queueId, r->outcome == SMTP_ACCEPTED ? m->queue_id : "");
	set_text(&d->tlsVersion, facts->tls_version);
	set_text(&d->cipher, facts->cipher);
	set_text(&d->fingerprint, facts->fingerprint);
}

enum mail_state ledger_state(const struct outgoing *o)
{
	bool accepted = false, refused = false, deferred = false, queued = false;
	for (size_t i = 0; i < o->count; i++) {
		accepted |= o->deliveries[i].state == MAIL_ACCEPTED;
		refused |= o->deliveries[i].state == MAIL_REFUSED;
		deferred |= o->deliveries[i].state == MAIL_DEFERRED;
		queued |= o->deliveries[i].state == MAIL_QUEUED;
	}
	if (deferred || queued)
		return deferred ? MAIL_DEFERRED : MAIL_QUEUED;
	return accepted && refused ? MAIL_PARTIAL : accepted ? MAIL_ACCEPTED : MAIL_REFUSED;
}

struct writing {
	struct station *station;
	uint64_t account, mail;
};

static void written(void *context, int code, const struct err *e)
{
	struct writing *w = context;
	if (code != 0) /* the mail is out; at worst it goes again after a restart, with the same Message-ID */
		log_error("the ledger could not be written: %s", e->text);
	outbox_written(w->station, w->account, w->mail);
	free(w);
}

static struct delivery_record *delivery_to(struct outgoing *o, const char *address)
{
	for (size_t i = 0; i < o->count; i++)
		if (strcmp(o->deliveries[i].address, address) == 0)
			return &o->deliveries[i];
	return NULL;
}

void ledger_record(struct outgoing_account *a, struct outgoing *o, const struct smtp_message *m, const struct smtp_facts *facts)
{
	struct station *s = a->c.station;
	struct store_tx *tx = store_tx_new();
	int64_t accepted = 0, next = INT64_MAX;
	for (size_t i = 0; i < m->count; i++) {
		struct delivery_record *d = delivery_to(o, m->recipients[i].address);
		if (!d || m->recipients[i].outcome == SMTP_UNSENT)
			continue;
		update(a, d, &m->recipients[i], m, facts);
		store_tx_put(tx, &delivery_kind, d);
		write_attempt(a, tx, d, &m->recipients[i]);
		accepted += d->state == MAIL_ACCEPTED;
	}
	o->mail.open = false;
	for (size_t i = 0; i < o->count; i++) {
		o->mail.open |= o->deliveries[i].open;
		if (o->deliveries[i].open && o->deliveries[i].nextAttempt.us < next)
			next = o->deliveries[i].nextAttempt.us;
	}
	o->mail.state = (int)ledger_state(o);
	o->due = o->mail.open && next > 0 && next != INT64_MAX ? clock_mono(&s->clock) + next - station_now(s) : 0;
	store_tx_put(tx, &mail_kind, &o->mail);
	struct writing *w = must_alloc(sizeof *w);
	*w = (struct writing){ s, a->c.handle, o->id };
	if (accepted)
		account_sent(a, 1);
	store_commit(s->store, tx, written, w);
}

void ledger_tell(struct station *s, const struct outgoing *o)
{
	json_t *json = mail_to_json(&o->mail, o->deliveries, o->count, false);
	station_event(s, "mail", json);
	json_decref(json);
}
