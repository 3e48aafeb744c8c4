/* SPDX-License-Identifier: Apache-2.0
 * Reading alarms: lists and single records from the store, with what the disk has refused laid over them from memory, so
 * that a full disk hides no alarm; and the trimming of the oldest cleared records. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "services/alarm/alarm_inside.h"
#include "station/base/must.h"

enum { TRIM_AT_ONCE = 500 }; /* records deleted in one transaction: the engine is not held up */

/* --- lists -------------------------------------------------------------------------------------------------------- */

struct listing {
	struct station *station;
	struct alarm_filter filter;
	char *uuid, *alarmClass, *source; /* owned copies of the filter's texts; NULL: any */
	store_answer *answer;
	void *context;
};

static struct store_query query_of(const struct listing *l)
{
	struct store_query q = { .kind = &alarm_kind, .order = "sequence", .descending = true, .limit = l->filter.limit };
	if (l->uuid)
		store_where_add(&q, "uuid", STORE_EQ, value_string(l->uuid));
	if (l->filter.open != l->filter.cleared)
		store_where_add(&q, "cleared", STORE_EQ, value_boolean(l->filter.cleared));
	if (l->alarmClass)
		store_where_add(&q, "alarmClass", STORE_EQ, value_string(l->alarmClass));
	if (l->source)
		store_where_add(&q, "source", STORE_LIKE, value_string(l->source));
	if (l->filter.since != ABSTIME_NULL)
		store_where_add(&q, "timestamp", STORE_GE, value_abstime(l->filter.since));
	if (l->filter.before > 0)
		store_where_add(&q, "sequence", STORE_LT, value_integer(l->filter.before));
	return q;
}

static bool names_source(const struct alarm_record *r, const char *text)
{
	for (uint32_t i = 0; i < r->source.count; i++)
		if (strcasestr(r->source.items[i].text, text))
			return true;
	return false;
}

static bool matches(const struct listing *l, const struct alarm_record *r)
{
	const struct alarm_filter *f = &l->filter;
	return (!l->uuid || strcmp(l->uuid, r->uuid) == 0) && (f->open == f->cleared || f->cleared == r->cleared) &&
	    (!l->alarmClass || strcmp(l->alarmClass, r->alarmClass) == 0) && (!l->source || names_source(r, l->source)) &&
	    (f->since == ABSTIME_NULL || r->timestamp.us >= f->since) && (f->before <= 0 || r->sequence < f->before);
}

/* Puts a record that is newer in memory in its place; rows are in descending order of sequence. */
static void lay_over(const struct listing *l, struct store_rows *rows, const struct alarm_record *r)
{
	size_t i = 0;
	while (i < rows->count && ((struct alarm_record *)store_row(rows, i))->sequence > r->sequence)
		i++;
	bool there = i < rows->count && ((struct alarm_record *)store_row(rows, i))->sequence == r->sequence;
	if (there) {
		record_finish(&alarm_kind, store_row(rows, i));
	} else {
		if (rows->more && i == rows->count)
			return; /* it lies on a later page */
		rows->kind = &alarm_kind;
		rows->rows = must_realloc(rows->rows, (rows->count + 1) * alarm_kind.size);
		memmove(store_row(rows, i + 1), store_row(rows, i), (rows->count - i) * alarm_kind.size);
		rows->count++;
	}
	record_copy(&alarm_kind, store_row(rows, i), r);
	if ((int64_t)rows->count > l->filter.limit) {
		record_finish(&alarm_kind, store_row(rows, --rows->count));
		rows->more = true;
	}
}

static void listed(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct listing *l = context;
	struct alarm_service *service = alarm_service_of(l->station);
	if (code == 0 && service && service->open.dirty)
		for (struct open_alarm *a = NULL; (a = open_alarms_next(&service->open, a));)
			if (a->dirty && matches(l, &a->record))
				lay_over(l, rows, &a->record);
	l->answer(l->context, code, e, rows);
	free(l->uuid);
	free(l->alarmClass);
	free(l->source);
	free(l);
}

void alarm_list(struct station *s, const struct alarm_filter *filter, store_answer *answer, void *context)
{
	struct listing *l = must_alloc(sizeof *l);
	*l = (struct listing){ .station = s, .filter = *filter, .answer = answer, .context = context };
	l->uuid = filter->uuid ? must_strdup(filter->uuid) : NULL;
	l->alarmClass = filter->alarmClass ? must_strdup(filter->alarmClass) : NULL;
	l->source = filter->source ? must_strdup(filter->source) : NULL;
	struct store_query q = query_of(l);
	store_ask(s->store, &q, listed, l);
}

/* --- keeping within capacity -------------------------------------------------------------------------------------- */

static void trimmed(void *context, int code, const struct err *e)
{
	(void)e;
	struct station *s = context;
	struct alarm_service *service = alarm_service_of(s);
	if (code == 0 && service)
		alarm_trim(service); /* until it fits */
}

static void rows_answer(void *context, int code, const struct err *e, struct store_rows *rows)
{
	(void)e;
	struct station *s = context;
	if (code != 0 || rows->count == 0)
		return;
	struct store_tx *tx = store_tx_new();
	for (size_t i = 0; i < rows->count; i++)
		store_tx_delete(tx, &alarm_kind, store_row(rows, i));
	store_commit(s->store, tx, trimmed, s);
}

static void count_answer(void *context, int code, const struct err *e, struct store_rows *rows)
{
	(void)e;
	struct station *s = context;
	struct alarm_service *service = alarm_service_of(s);
	if (code != 0 || !service || rows->total <= service->capacity)
		return;
	int64_t surplus = rows->total - service->capacity;
	struct store_query q = { .kind = &alarm_kind,
		                     .order = "sequence",
		                     .limit = surplus < TRIM_AT_ONCE ? surplus : TRIM_AT_ONCE };
	store_where_add(&q, "cleared", STORE_EQ, value_boolean(true)); /* an open alarm is never trimmed */
	store_ask(s->store, &q, rows_answer, s);
}

void alarm_trim(struct alarm_service *service)
{
	struct store_query q = { .kind = &alarm_kind, .limit = 1, .count_only = true };
	store_ask(service->c.station->store, &q, count_answer, service->c.station);
}
