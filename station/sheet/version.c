/* SPDX-License-Identifier: Apache-2.0
 * Version records: writing, keeping within bounds, reading back: see version.h. Engine thread. */
#include "station/sheet/version.h"

#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/station.h"

static const struct slot version_slots[] = {
	SLOT(struct version_record, number, INTEGER, .flags = SLOT_REQUIRED, .doc = "Increasing from 1."),
	SLOT(struct version_record, timestamp, ABSTIME, .doc = "When it was made."),
	SLOT(struct version_record, user, STRING, .flags = SLOT_INDEX, .doc = "Who made it."),
	SLOT(struct version_record, via, STRING, .doc = "By what way: session, token, cli."),
	SLOT(struct version_record, kind, STRING, .doc = "change, undo, redo, restore or import."),
	SLOT(struct version_record, of, INTEGER, .doc = "The version that was taken back or restored; 0: none."),
	SLOT(struct version_record, reason, STRING, .doc = "Why, in the words of the user."),
	SLOT(struct version_record, summary, STRING, .doc = "What was done, in a sentence."),
	SLOT(struct version_record, rows, INTEGER, .doc = "Number of rows that it changed."),
	SLOT(struct version_record, size, INTEGER, .doc = "Bytes that are kept of it; 0: it was too large."),
	SLOT_END,
};
const struct record_kind version_kind = { "version", "Versions of the configuration.", sizeof(struct version_record),
	                                      version_slots, false };

static const struct slot delta_slots[] = {
	SLOT(struct delta_record, version, INTEGER, .flags = SLOT_REQUIRED, .doc = "The version it belongs to."),
	SLOT(struct delta_record, part, INTEGER, .flags = SLOT_REQUIRED, .doc = "From 0."),
	SLOT(struct delta_record, rows, STRING, .facets = FACETS(.maxLength = 1 << 30),
	     .doc = "Rows before and after, as JSON; secrets are sealed."),
	SLOT_END,
};
const struct record_kind delta_kind = { "delta", "What versions have changed.", sizeof(struct delta_record),
	                                    delta_slots, false };

struct kept {
	int64_t number, size;
	bool whole; /* its delta is there */
};
struct versions {
	struct kept *kept; /* owned; oldest first, from `first` */
	size_t first, count, capacity;
	int64_t size;      /* of all kept deltas */
	struct kept next;  /* on its way to the disk */
	size_t next_first; /* what is kept when it is there */
};

static void append(struct versions *v, struct kept k)
{
	if (v->count == v->capacity) {
		if (v->first)
			memmove(v->kept, v->kept + v->first, (v->count - v->first) * sizeof *v->kept);
		v->count -= v->first;
		v->first = 0;
		if (2 * v->count >= v->capacity) {
			v->capacity = v->capacity ? 2 * v->capacity : 64;
			v->kept = must_realloc(v->kept, v->capacity * sizeof *v->kept);
		}
	}
	v->kept[v->count++] = k;
	v->size += k.size;
}

static int found(void *context, void *record)
{
	const struct version_record *r = record;
	append(context, (struct kept){ r->number, r->size, r->size > 0 || r->rows == 0 });
	return 0;
}

int versions_open(struct station *s, struct err *e)
{
	s->versions = must_alloc(sizeof *s->versions);
	return s->store->impl->scan(s->store, &version_kind, found, s->versions, e);
}

void versions_close(struct versions **v)
{
	if (*v)
		free((*v)->kept);
	free(*v);
	*v = NULL;
}

int64_t version_newest(const struct station *s)
{
	const struct versions *v = s->versions;
	return v->count > v->first ? v->kept[v->count - 1].number : 0;
}

/* --- writing ---------------------------------------------------------------------------------------------------- */

/* Only what is on disk counts. One batch at a time is on its way. */
static void written(void *context, int code, const struct err *e)
{
	(void)e;
	struct versions *v = context;
	if (code != 0)
		return;
	for (; v->first < v->next_first; v->first++)
		v->size -= v->kept[v->first].size;
	append(v, v->next);
}

static void drop_oldest(struct versions *v, struct store_tx *tx, int64_t size)
{
	int64_t total = v->size + size;
	v->next_first = v->first;
	while (v->next_first < v->count && (v->count - v->next_first >= VERSIONS_KEPT || total > DELTA_SIZE_MAX)) {
		const struct kept *k = &v->kept[v->next_first++];
		struct version_record record = { .number = k->number };
		struct value number = value_integer(k->number);
		store_tx_delete(tx, &version_kind, &record);
		store_tx_delete_where(tx, &delta_kind, "version", &number);
		total -= k->size;
	}
}

/* The delta in parts; its size, or 0 and nothing written when it is too large to be kept. */
static int64_t write_delta(struct store_tx *tx, int64_t number, const struct delta *d)
{
	struct delta_record record = { .version = number };
	struct store_tx *parts = store_tx_new();
	int64_t size = 0;
	size_t row = 0, place = 0;
	while (d->count <= DELTA_ROWS_MAX && size <= DELTA_SIZE_MAX && (record.rows = delta_write_part(d, &row, &place))) {
		size += (int64_t)strlen(record.rows);
		store_tx_put(parts, &delta_kind, &record);
		free(record.rows);
		record.part++;
	}
	if (size > DELTA_SIZE_MAX)
		size = 0;
	if (size)
		store_tx_append(tx, parts);
	store_tx_free(&parts);
	return size;
}

int64_t version_write(struct station *s, struct store_tx *tx, const struct actor *actor, const char *kind, int64_t of,
                      const char *reason, const char *summary, const struct delta *d)
{
	struct versions *v = s->versions;
	struct version_record record = {
		.number = version_newest(s) + 1,
		.timestamp = { station_now(s) },
		.user = (char *)(uintptr_t)actor->user,
		.via = (char *)(uintptr_t)actor->via,
		.kind = (char *)(uintptr_t)kind,
		.of = of,
		.reason = (char *)(uintptr_t)(reason ? reason : ""),
		.summary = (char *)(uintptr_t)summary,
		.rows = (int64_t)(d ? d->count : tx->count),
	};
	record.size = d ? write_delta(tx, record.number, d) : 0;
	drop_oldest(v, tx, record.size);
	store_tx_put(tx, &version_kind, &record);
	v->next = (struct kept){ record.number, record.size, record.size > 0 || record.rows == 0 };
	store_tx_hook(tx, written, v);
	return record.number;
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

struct reading {
	struct delta delta;
	delta_answer *answer;
	void *context;
};

static void parts_read(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct reading *r = context;
	struct err own = { 0 };
	for (size_t i = 0; code == 0 && i < rows->count; i++) {
		const struct delta_record *part = store_row(rows, i);
		code = delta_read_part(&r->delta, part->rows, &own);
		e = &own;
	}
	delta_compact(&r->delta);
	r->answer(r->context, code, e, &r->delta);
	delta_finish(&r->delta);
	free(r);
}

struct refusal {
	struct message message;
	struct reading *reading;
	struct err err;
};

static void refused(struct message *m)
{
	struct refusal *f = container_of(m, struct refusal, message);
	f->reading->answer(f->reading->context, f->err.code, &f->err, &f->reading->delta);
	free(f->reading);
	free(f);
}

/* Is every version of that range kept? Numbers may have gaps, but not below the oldest. */
static int all_kept(const struct versions *v, int64_t first, int64_t last, struct err *e)
{
	if (first > last)
		return 0;
	if (v->count == v->first || v->kept[v->first].number > first || v->kept[v->count - 1].number < last)
		return err_set(e, E_NOT_FOUND, NULL, "There is no version %lld, or it is no longer kept.",
		               (long long)(last < first ? last : first));
	for (size_t i = v->first; i < v->count; i++)
		if (v->kept[i].number >= first && v->kept[i].number <= last && !v->kept[i].whole)
			return err_set(e, E_NOT_FOUND, NULL,
			               "Version %lld changed too much to be kept: it cannot be shown, undone or gone back behind.",
			               (long long)v->kept[i].number);
	return 0;
}

void version_load(struct station *s, int64_t first, int64_t last, delta_answer *answer, void *context)
{
	struct reading *r = must_alloc(sizeof *r);
	*r = (struct reading){ .answer = answer, .context = context };
	struct refusal *f = must_alloc(sizeof *f);
	*f = (struct refusal){ .message = { .run = refused }, .reading = r };
	if (last == 0)
		last = version_newest(s);
	if (all_kept(s->versions, first, last, &f->err) != 0) {
		station_post(s, &f->message);
		return;
	}
	free(f);
	struct store_query q = { .kind = &delta_kind, .limit = INT32_MAX };
	store_where_add(&q, "version", STORE_GE, value_integer(first));
	store_where_add(&q, "version", STORE_LE, value_integer(last));
	store_ask(s->store, &q, parts_read, r);
}
