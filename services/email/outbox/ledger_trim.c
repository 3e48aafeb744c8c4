/* SPDX-License-Identifier: Apache-2.0
 * The ledger does not grow without limit: beyond ledgerCapacity mails, and after ledgerDays, the oldest mails that are
 * closed go, with their deliveries and attempts; of incoming mails beyond incomingCapacity. What is open (still to be
 * delivered, or known to a mailbox) never goes. In the background, a few at a time. Engine thread. */
#include <stdlib.h>

#include "services/email/email_inside.h"
#include "station/base/log.h"
#include "station/base/must.h"

enum { TRIM_AT_ONCE = 50 };
#define TRIM_EVERY_US (600 * SECOND_US)
#define TRIM_NEXT_US (SECOND_US / 10)
#define DAY_US (86400 * SECOND_US)

static void delete_mail(struct store_tx *tx, const void *row)
{
	struct value id = value_string(((const struct mail_record *)row)->id);
	store_tx_delete_where(tx, &attempt_kind, "mail", &id);
	store_tx_delete_where(tx, &delivery_kind, "mail", &id);
	store_tx_delete(tx, &mail_kind, row);
	value_clear(&id);
}

static void delete_incoming(struct store_tx *tx, const void *row)
{
	store_tx_delete(tx, &incoming_kind, row);
}

/* Both have columns `open` and `sequence`. */
static const struct {
	const struct record_kind *kind;
	size_t time; /* where in the record */
	void (*delete)(struct store_tx *tx, const void *row);
} ledgers[LEDGERS] = {
	[LEDGER_OUTGOING] = { &mail_kind, offsetof(struct mail_record, created), delete_mail },
	[LEDGER_INCOMING] = { &incoming_kind, offsetof(struct incoming_record, time), delete_incoming },
};

/* One round: how many are too many, which ones, away with them. */
struct trimming {
	struct station *station;
	enum ledger ledger;
	int64_t excess;
};

static void come_again(struct ledger_trim *t, int64_t after)
{
	t->busy = false;
	timer_start(&t->station->clock, &t->timer, after);
}

static struct ledger_trim *trim_of(const struct trimming *x)
{
	return ledger_trim_of(x->station, x->ledger);
}

static void trim_end(struct trimming *x, int code, const struct err *e, bool more)
{
	struct ledger_trim *t = trim_of(x);
	if (code != 0)
		log_warn("the ledger could not be trimmed: %s", e->text);
	if (t)
		come_again(t, more && code == 0 ? TRIM_NEXT_US : TRIM_EVERY_US);
	free(x);
}

static void deleted(void *context, int code, const struct err *e)
{
	trim_end(context, code, e, true);
}

static void oldest_read(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct trimming *x = context;
	const struct ledger_trim *t = trim_of(x);
	struct store_tx *tx = store_tx_new();
	int64_t since = t && *t->days > 0 ? station_now(x->station) - *t->days * DAY_US : ABSTIME_NULL;
	for (size_t i = 0; code == 0 && t && i < rows->count; i++) {
		const char *row = store_row(rows, i);
		int64_t time = ((const struct abstime *)(const void *)(row + ledgers[x->ledger].time))->us;
		if ((int64_t)i >= x->excess && (since == ABSTIME_NULL || time >= since))
			break;
		ledgers[x->ledger].delete(tx, row);
	}
	if (store_tx_empty(tx)) {
		store_tx_free(&tx);
		trim_end(x, code, e, false);
	} else {
		store_commit(x->station->store, tx, deleted, x);
	}
}

static void counted(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct trimming *x = context;
	const struct ledger_trim *t = trim_of(x);
	if (code != 0 || !t) {
		trim_end(x, code, e, false);
		return;
	}
	x->excess = rows->total - *t->capacity;
	struct store_query q = { .kind = ledgers[x->ledger].kind, .order = "sequence", .limit = TRIM_AT_ONCE };
	store_where_add(&q, "open", STORE_EQ, value_boolean(false));
	store_ask(x->station->store, &q, oldest_read, x);
}

static void begin(struct timer *timer)
{
	struct ledger_trim *t = container_of(timer, struct ledger_trim, timer);
	if (t->busy)
		return;
	struct trimming *x = must_alloc(sizeof *x);
	struct store_query q = { .kind = ledgers[t->ledger].kind, .limit = 1, .count_only = true };
	x->station = t->station;
	x->ledger = t->ledger;
	t->busy = true;
	store_ask(t->station->store, &q, counted, x);
}

void ledger_trim_start(struct ledger_trim *t, struct station *s, enum ledger ledger, const int64_t *capacity,
                       const int64_t *days)
{
	*t =
	    (struct ledger_trim){ .station = s, .ledger = ledger, .capacity = capacity, .days = days, .timer.fire = begin };
	if (s->store)
		timer_start(&s->clock, &t->timer, 0);
}

void ledger_trim_now(struct ledger_trim *t)
{
	if (t->station && t->station->store && !t->busy)
		timer_start(&t->station->clock, &t->timer, 0);
}

void ledger_trim_stop(struct ledger_trim *t)
{
	if (t->station)
		timer_stop(&t->station->clock, &t->timer);
}
