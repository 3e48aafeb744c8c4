/* SPDX-License-Identifier: Apache-2.0
 * Reading histories: samples or buckets, as JSON or CSV (RFC 4180). The rows are visited on the store's thread, where the
 * answer is built too, so that a year of minutes costs the engine nothing. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "services/history/history_inside.h"
#include "services/history/rollup.h"
#include "station/base/must.h"

/* One question on its way. */
struct reading {
	/* Set before the walk. */
	int64_t id, limit, after, after_number, end;
	enum value_kind kind;
	enum history_form form;
	bool rolls;
	struct rollup rollup;
	struct tag *tags; /* owned with their names; of an enum */
	char *name;       /* owned */
	history_answer *answer;
	void *context;
	/* The store's thread. */
	json_t *items; /* owned */
	FILE *file;    /* onto csv */
	char *csv;     /* owned */
	size_t size;
	int64_t count;
	struct bucket bucket;
	bool any, held_on;
	int64_t held_since;
	char next[48];
};

/* --- samples -------------------------------------------------------------------------------------------------------- */

static const char *tag_of(const struct reading *r, int ordinal)
{
	for (const struct tag *t = r->tags; t && t->name; t++)
		if (t->ordinal == ordinal)
			return t->name;
	return NULL;
}

static json_t *value_json(const struct reading *r, const struct sample_record *s)
{
	const char *tag = r->kind == VALUE_ENUM ? tag_of(r, (int)s->value) : NULL;
	if (tag)
		return json_string(tag);
	switch (r->kind) {
	case VALUE_BOOLEAN:
		return json_boolean(s->value > 0 || s->value < 0);
	case VALUE_ENUM:
		return json_integer((json_int_t)s->value);
	case VALUE_STRING:
		return json_string(s->text);
	default:
		return json_real(s->value);
	}
}

static json_t *flags_json(int64_t flags)
{
	static const char *const names[] = { "start", "outOfOrder", "hidden", "modified", "interpolated" };
	json_t *array = json_array();
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (flags >> i & 1)
			json_array_append_new(array, json_string(names[i]));
	return array;
}

/* A text that a spreadsheet would take for a formula gets a mark in front. */
static void csv_text(FILE *f, const char *text)
{
	fputc('"', f);
	if (*text && strchr("=+-@\t\r", *text))
		fputc('\'', f);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', f);
		fputc(*text, f);
	}
	fputc('"', f);
}

static void csv_sample(const struct reading *r, const struct sample_record *s)
{
	char time[ABSTIME_TEXT_MAX], status[STATUS_TEXT_MAX];
	const char *tag = r->kind == VALUE_ENUM ? tag_of(r, (int)s->value) : NULL;
	fprintf(r->file, "%s,", abstime_print(s->timestamp.us, time));
	if (r->kind == VALUE_STRING || tag)
		csv_text(r->file, tag ? tag : s->text);
	else if (r->kind == VALUE_BOOLEAN)
		fputs(s->value > 0 || s->value < 0 ? "true" : "false", r->file);
	else
		fprintf(r->file, "%.15g", s->value);
	fprintf(r->file, ",\"%s\",%" PRId64 "\r\n", status_print((uint16_t)s->status, status), s->trendFlags);
}

static void put_sample(struct reading *r, const struct sample_record *s)
{
	char text[STATUS_TEXT_MAX];
	if (r->form == HISTORY_CSV) {
		csv_sample(r, s);
		return;
	}
	json_t *value = value_json(r, s);
	json_t *json = json_pack("{s:s, s:o}", "timestamp", abstime_print(s->timestamp.us, text), "value",
	                         value ? value : json_null());
	json_object_set_new(json, "status", json_string(status_print((uint16_t)s->status, text)));
	json_object_set_new(json, "trendFlags", flags_json(s->trendFlags));
	json_array_append_new(r->items, json);
}

/* --- buckets -------------------------------------------------------------------------------------------------------- */

static void put_bucket(struct reading *r, const struct bucket *b)
{
	char start[ABSTIME_TEXT_MAX], end[ABSTIME_TEXT_MAX];
	abstime_print(b->start, start);
	abstime_print(b->end, end);
	double mean = b->count ? b->sum / (double)b->count : 0;
	r->count++;
	if (r->form == HISTORY_CSV) {
		fprintf(r->file, "%s,%s,%" PRId64, start, end, b->count);
		if (b->count)
			fprintf(r->file, ",%.15g,%.15g,%.15g,%.15g,%.15g,%.15g", mean, b->min, b->max, b->sum, b->first, b->last);
		else
			fputs(",,,,,,", r->file);
		fprintf(r->file, ",%.6f\r\n", (double)b->on / (double)SECOND_US);
		return;
	}
	json_t *json = json_pack("{s:s, s:s, s:I}", "timestamp", start, "end", end, "count", (json_int_t)b->count);
	const struct {
		const char *name;
		double value;
	} functions[] = { { "avg", mean },   { "min", b->min },     { "max", b->max },
		              { "sum", b->sum }, { "first", b->first }, { "last", b->last } };
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
		json_object_set_new(json, functions[i].name, b->count ? json_real(functions[i].value) : json_null());
	if (r->kind == VALUE_BOOLEAN)
		json_object_set_new(json, "timeOn", json_integer(b->on));
	json_array_append_new(r->items, json);
}

static void open_bucket(struct reading *r, int64_t us)
{
	int64_t start = rollup_start(&r->rollup, us / SECOND_US);
	r->bucket = (struct bucket){ .start = start * SECOND_US, .end = rollup_next(&r->rollup, start) * SECOND_US };
}

/* What was true goes on being true until `until`. */
static void hold(struct reading *r, int64_t until)
{
	if (r->kind == VALUE_BOOLEAN && r->held_on && until > r->held_since)
		r->bucket.on += until - r->held_since;
	r->held_since = until;
}

/* Buckets up to the one that `us` lies in; those without a sample are told only of booleans, which go on meanwhile. */
static bool advance(struct reading *r, int64_t us)
{
	while (us >= r->bucket.end && r->count < r->limit) {
		hold(r, r->bucket.end);
		put_bucket(r, &r->bucket);
		open_bucket(r, r->kind == VALUE_BOOLEAN ? r->bucket.end : us);
	}
	return r->count < r->limit;
}

static int add_to_bucket(struct reading *r, const struct sample_record *s)
{
	int64_t us = s->timestamp.us;
	if (!r->any) {
		open_bucket(r, us);
		r->held_since = us;
		r->any = true;
	} else if (!advance(r, us)) {
		snprintf(r->next, sizeof r->next, "%" PRId64 ".0", r->bucket.start);
		return 1;
	}
	hold(r, us);
	bool good = !(s->status & STATUS_INVALID_MASK);
	r->held_on = good && (s->value > 0 || s->value < 0);
	if (!good)
		return 0;
	struct bucket *b = &r->bucket;
	b->min = b->count && b->min < s->value ? b->min : s->value;
	b->max = b->count && b->max > s->value ? b->max : s->value;
	b->first = b->count ? b->first : s->value;
	b->last = s->value;
	b->sum += s->value;
	b->count++;
	return 0;
}

/* --- the walk ------------------------------------------------------------------------------------------------------- */

static int visit(void *context, const void *record)
{
	struct reading *r = context;
	const struct sample_record *s = record;
	if (s->timestamp.us == r->after && s->sequence <= r->after_number)
		return 0;
	if (r->rolls)
		return add_to_bucket(r, s);
	if (r->count == r->limit)
		return 1;
	put_sample(r, s);
	snprintf(r->next, sizeof r->next, "%" PRId64 ".%" PRId64, s->timestamp.us, s->sequence);
	r->count++;
	return 0;
}

static void reading_free(struct reading *r)
{
	for (struct tag *t = r->tags; t && t->name; t++)
		free((char *)(uintptr_t)t->name);
	free(r->tags);
	free(r->name);
	json_decref(r->items);
	free(r);
}

static void walked(void *context, int code, const struct err *e)
{
	struct reading *r = context;
	if (code == 0 && r->rolls && r->any && r->count < r->limit) {
		hold(r, r->end < r->bucket.end ? r->end : r->bucket.end);
		put_bucket(r, &r->bucket);
		*r->next = '\0';
	}
	if (r->file)
		fclose(r->file);
	json_t *json = NULL;
	if (code == 0 && r->form == HISTORY_JSON) {
		json = json_pack("{s:s, s:O}", "id", r->name, "items", r->items);
		if (*r->next && r->count >= r->limit)
			json_object_set_new(json, "next", json_string(r->next));
	}
	char *csv = code == 0 ? r->csv : NULL;
	if (code != 0)
		free(r->csv);
	r->answer(r->context, code, e, json, csv);
	reading_free(r);
}

/* The names of an enum's values, as the point has them now. */
static struct tag *copy_tags(struct station *s, const struct history *h)
{
	const struct component *ext = station_by_handle(s, (uint64_t)h->record.ext);
	if (h->record.valueKind != VALUE_ENUM || !ext || !component_is(ext->parent, &control_enum_point))
		return NULL;
	struct row_room room;
	const struct slot *row = component_row(ext->parent, point_out_slot(ext->parent), &room);
	size_t count = 0;
	for (const struct tag *t = row->facets->range; t && t->name; t++)
		count++;
	struct tag *tags = must_alloc((count + 1) * sizeof *tags);
	for (size_t i = 0; i < count; i++)
		tags[i] =
		    (struct tag){ .ordinal = row->facets->range[i].ordinal, .name = must_strdup(row->facets->range[i].name) };
	row_room_finish(&room);
	return tags;
}

static void open_csv(struct reading *r)
{
	r->file = open_memstream(&r->csv, &r->size);
	must(r->file != NULL);
	fputs(r->rolls ? "timestamp,end,count,avg,min,max,sum,first,last,secondsOn\r\n"
	               : "timestamp,value,status,trendFlags\r\n",
	      r->file);
}

void history_read(struct station *s, const struct history_question *q, history_answer *answer, void *context)
{
	struct history_service *service = history_service_of(s);
	struct history *h = service ? history_find(service, q->id) : NULL;
	struct err e = { 0 };
	struct reading *r = must_alloc(sizeof *r);
	*r = (struct reading){ .limit = q->limit,
		                   .after = q->after,
		                   .after_number = q->after_number,
		                   .form = q->form,
		                   .answer = answer,
		                   .context = context,
		                   .items = json_array() };
	if (!h)
		err_set(&e, E_NOT_FOUND, NULL, "There is no history \"%.100s\".", q->id);
	else if (!s->history)
		err_set(&e, E_STORAGE, NULL, "%s", history_service_trouble(service));
	else if (q->rollup && h->record.valueKind == VALUE_STRING)
		err_set(&e, E_INVALID, "rollup", "Texts cannot be rolled up.");
	else if (q->rollup)
		rollup_parse(q->rollup, q->zone, &r->rollup, &e);
	if (e.code != 0 || !h) {
		answer(context, e.code, &e, NULL, NULL);
		reading_free(r);
		return;
	}
	int64_t now = station_now(s);
	r->rolls = q->rollup != NULL;
	r->kind = (enum value_kind)h->record.valueKind;
	r->end = q->end < now ? q->end : now;
	r->name = must_strdup(h->record.name);
	r->tags = copy_tags(s, h);
	if (q->form == HISTORY_CSV)
		open_csv(r);
	struct store_query query = { .kind = &sample_kind, .limit = INT64_MAX - 1 };
	store_where_add(&query, "history", STORE_EQ, value_integer(h->record.id));
	store_where_add(&query, "timestamp", STORE_GE, value_abstime(q->after != ABSTIME_NULL ? q->after : q->start));
	store_where_add(&query, "timestamp", STORE_LT, value_abstime(q->end));
	store_walk(s->history, &query, visit, walked, r);
}
