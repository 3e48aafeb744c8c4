/* SPDX-License-Identifier: Apache-2.0
 * Bounces: see bounce.h. The Message-ID of the mail that failed is ours and cannot be guessed, so whoever knows it has got
 * the mail, or has tried to deliver it. */
#include "services/email/incoming/bounce.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "services/email/email_inside.h"
#include "services/email/recipient.h"
#include "station/alarm/alarm_support.h"
#include "station/base/log.h"
#include "station/base/must.h"
#include "station/sheet/audit.h"
#include "station/tree/format.h"

struct bounce {
	struct station *station;
	struct parsed_mail report;    /* owned, as are all: */
	struct store_rows deliveries; /* of the mail */
	struct store_rows mail;       /* one row */
	json_t *event;                /* what observers hear when it is on disk */
	/* While it is looked up. */
	bounce_known *known;
	void *context;
};

/* Only forward: what was refused or cancelled stays so. */
static bool failed(const struct value *row, const struct delivery_record *d)
{
	const struct value *members = row->list.items;
	bool about = strcasecmp(members[REPORT_FINAL_RECIPIENT].text, d->address) == 0 ||
	    strcasecmp(members[REPORT_ORIGINAL_RECIPIENT].text, d->address) == 0;
	return about && strcasecmp(members[REPORT_ACTION].text, "failed") == 0 && d->state == MAIL_ACCEPTED;
}

static void write_rows(struct bounce *b, struct delivery_record *d, const struct value *row, struct store_tx *tx)
{
	struct station *s = b->station;
	const struct value *members = row->list.items;
	struct attempt_record attempt;
	d->state = MAIL_BOUNCED;
	d->replyCode = 0; /* the one that stands there took the mail */
	d->time.us = station_now(s);
	ledger_set_text(&d->enhancedStatus, members[REPORT_STATUS].text);
	ledger_set_text(&d->replyText, members[REPORT_DIAGNOSTIC].text);
	record_init(&attempt_kind, &attempt);
	attempt.sequence = station_sequence(s);
	attempt.time = d->time;
	ledger_set_text(&attempt.mail, d->mail);
	ledger_set_text(&attempt.address, d->address);
	ledger_set_text(&attempt.stage, "report");
	ledger_set_text(&attempt.outcome, "bounced");
	ledger_set_text(&attempt.enhancedStatus, d->enhancedStatus);
	ledger_set_text(&attempt.replyText, d->replyText);
	store_tx_put(tx, &delivery_kind, d);
	store_tx_put(tx, &attempt_kind, &attempt);
	audit_write(s, tx, NULL, "bounced", d->address, NULL, NULL, d->replyText, d->mail);
	record_finish(&attempt_kind, &attempt);
}

/* Whoever is to be told instead, as long as it matters. */
static void escalate(struct station *s, const struct component *recipient, const char *alarm, struct store_tx *tx)
{
	const char *name = recipient_after_bounce(recipient);
	struct component *next = *name ? component_child(recipient->parent, name) : NULL;
	struct value record;
	if (!next || next == recipient || !component_is(next, &email_recipient) || !s->alarms ||
	    !s->alarms->desk->look(s, alarm, &record))
		return;
	char *ack = format_expand("%ackState%", &record);
	struct invocation inv = { .arg = &record, .tx = tx };
	if (strcmp(ack, "unacked") == 0 && component_invoke(next, "routeAlarm", &inv) != 0)
		log_warn("%s could not be told instead: %s", next->name, inv.err.text);
	free(ack);
	value_clear(&inv.result);
	value_clear(&record);
}

/* Has somebody been told already in place of the people of this recipient? One mail about one alarm is enough. */
static bool escalated(const struct bounce *b, const struct delivery_record *d)
{
	const struct delivery_record *rows = b->deliveries.rows;
	for (size_t i = 0; i < b->deliveries.count; i++)
		if (&rows[i] != d && rows[i].state == MAIL_BOUNCED && strcmp(rows[i].recipient, d->recipient) == 0)
			return true;
	return false;
}

/* True: the report is about this delivery, and has changed it. */
static bool take_in(struct bounce *b, struct delivery_record *d, struct store_tx *tx)
{
	bool changed = false;
	for (uint32_t i = 0; i < b->report.reports.count; i++) {
		const struct value *row = &b->report.reports.items[i];
		if (!failed(row, d))
			continue;
		struct component *recipient = station_by_path(b->station, d->recipient);
		write_rows(b, d, row, tx);
		changed = true;
		if (!component_is(recipient, &email_recipient))
			continue;
		recipient_bounced(recipient, d->address, row->list.items[REPORT_DIAGNOSTIC].text, tx);
		if (!escalated(b, d))
			escalate(b->station, recipient, d->alarm, tx);
	}
	return changed;
}

void bounce_free(struct bounce **pb)
{
	struct bounce *b = *pb;
	*pb = NULL;
	if (!b)
		return;
	record_finish(&parsed_mail_kind, &b->report);
	store_rows_clear(&b->deliveries);
	store_rows_clear(&b->mail);
	json_decref(b->event);
	free(b);
}

static void written(void *context, int code, const struct err *e)
{
	struct bounce *b = context;
	(void)e; /* whoever commits says it */
	if (code == 0)
		station_event(b->station, "mail", b->event);
	bounce_free(&b);
}

/* The mail as a whole, also where it still waits to go to others. */
static void write_mail(struct bounce *b, struct mail_record *m, struct store_tx *tx)
{
	struct delivery_record *deliveries = b->deliveries.rows;
	struct outgoing *waiting = outbox_find(b->station, m);
	m->state = (int)ledger_state(deliveries, b->deliveries.count);
	for (size_t i = 0; waiting && i < waiting->count; i++)
		for (size_t k = 0; k < b->deliveries.count; k++)
			if (deliveries[k].state == MAIL_BOUNCED &&
			    strcmp(deliveries[k].address, waiting->deliveries[i].address) == 0)
				waiting->deliveries[i].state = MAIL_BOUNCED;
	store_tx_put(tx, &mail_kind, m);
	b->event = mail_to_json(b->station, m, deliveries, b->deliveries.count, false);
}

const char *bounce_alarm(const struct bounce *b)
{
	return ((const struct mail_record *)b->mail.rows)->alarm;
}

bool bounce_take_in(struct bounce *b, struct store_tx *tx)
{
	bool changed = false;
	for (size_t i = 0; i < b->deliveries.count; i++)
		changed |= take_in(b, store_row(&b->deliveries, i), tx);
	if (!changed) {
		bounce_free(&b);
		return false;
	}
	write_mail(b, store_row(&b->mail, 0), tx);
	store_tx_hook(tx, written, b);
	return true;
}

/* --- looking up ---------------------------------------------------------------------------------------------------- */

/* Nothing is known of it, or nobody can tell. */
static void give_up(struct bounce *b, int code, const struct err *e)
{
	bounce_known *known = b->known;
	void *context = b->context;
	bounce_free(&b);
	known(context, code, e, NULL);
}

static void mail_known(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct bounce *b = context;
	if (code != 0 || rows->count == 0) {
		give_up(b, code, e);
		return;
	}
	b->mail = *rows;
	*rows = (struct store_rows){ 0 };
	b->known(b->context, 0, NULL, b);
}

static void deliveries_known(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct bounce *b = context;
	struct store_query q = { .kind = &mail_kind, .limit = 1 };
	if (code != 0 || rows->count == 0) {
		give_up(b, code, e);
		return;
	}
	b->deliveries = *rows;
	*rows = (struct store_rows){ 0 };
	store_where_add(&q, "id", STORE_EQ, value_string(((const struct delivery_record *)b->deliveries.rows)->mail));
	store_ask(b->station->store, &q, mail_known, b);
}

/* Our Message-IDs begin with the id of the mail. */
void bounce_look_up(struct station *s, const struct parsed_mail *report, bounce_known *known, void *context)
{
	char id[37] = "";
	snprintf(id, sizeof id, "%s", report->reportedId);
	if (strlen(id) != 36 || report->reports.count == 0) {
		known(context, 0, NULL, NULL);
		return;
	}
	struct bounce *b = must_alloc(sizeof *b);
	*b = (struct bounce){ .station = s, .known = known, .context = context };
	record_copy(&parsed_mail_kind, &b->report, report);
	struct store_query q = { .kind = &delivery_kind, .limit = SMTP_RECIPIENTS_MAX };
	store_where_add(&q, "mail", STORE_EQ, value_string(id));
	store_ask(s->store, &q, deliveries_known, b);
}
