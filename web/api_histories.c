/* SPDX-License-Identifier: Apache-2.0
 * Histories over REST: which there are, and their samples or buckets as JSON or CSV. Engine thread. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/history/history.h"
#include "station/base/must.h"
#include "station/value/zone.h"
#include "web/request.h"
#include "web/schema.h"

enum { LIMIT_JSON = 100000, LIMIT_CSV = 500000, LIMIT_DEFAULT = 10000 };

static void list(struct request *r)
{
	json_t *items = histories_json(request_station(r));
	if (!items)
		request_reply_code(r, E_NOT_FOUND, "This station has no HistoryService.");
	else
		request_reply_page(r, items, NULL);
}

/* A time of the query; answers 400 itself. */
static bool query_time(struct request *r, const char *name, int64_t dflt, int64_t *out)
{
	const char *text = request_query(r, name);
	*out = dflt;
	if (!text || (abstime_parse(text, out) == 0 && *out != ABSTIME_NULL))
		return true;
	request_reply_code(r, E_BAD_REQUEST, "%s must be a time such as 2026-11-20T12:00:00Z.", name);
	return false;
}

static bool query_cursor(struct request *r, struct history_question *q)
{
	const char *text = request_query(r, "cursor");
	int used = 0;
	q->after = ABSTIME_NULL;
	if (!text || (sscanf(text, "%" SCNd64 ".%" SCNd64 "%n", &q->after, &q->after_number, &used) == 2 && !text[used]))
		return true;
	request_reply_code(r, E_BAD_REQUEST, "cursor must be the \"next\" of an earlier answer.");
	return false;
}

static void answered(void *context, int code, const struct err *e, json_t *json, char *csv)
{
	struct request *r = context;
	if (code != 0) {
		request_reply_error(r, e);
	} else if (json) {
		request_reply_json(r, 200, json);
	} else {
		request_reply_header(r, "Content-Disposition", "attachment" /* the page or the client knows its name */);
		request_reply_text(r, 200, "text/csv; charset=utf-8", csv);
	}
	free(csv);
}

static void read_one(struct request *r)
{
	struct station *s = request_station(r);
	const char *id = request_param(r, "id"), *form = request_query(r, "format"), *zone = request_query(r, "timeZone");
	struct history_question q = { .id = id ? id + (*id == '/') : "", .rollup = request_query(r, "rollup") };
	struct err e = { 0 };
	if (form && strcmp(form, "csv") != 0 && strcmp(form, "json") != 0) {
		request_reply_code(r, E_BAD_REQUEST, "format must be json or csv.");
		return;
	}
	q.form = form && strcmp(form, "csv") == 0 ? HISTORY_CSV : HISTORY_JSON;
	q.zone = zone_find(s, zone ? zone : "", &e);
	if (!q.zone) {
		request_reply_code(r, E_BAD_REQUEST, "%s", e.text);
		return;
	}
	int64_t most = q.form == HISTORY_CSV ? LIMIT_CSV : LIMIT_JSON, dflt = q.form == HISTORY_CSV ? most : LIMIT_DEFAULT;
	if (query_time(r, "start", 0, &q.start) && query_time(r, "end", INT64_MAX, &q.end) && query_cursor(r, &q) &&
	    request_query_integer(r, "limit", dflt, 1, most, &q.limit))
		history_read(s, &q, answered, r);
}

const struct route history_routes[] = {
	{ .method = "GET",
	  .pattern = "/histories",
	  .role = ROLE_VIEWER,
	  .handle = list,
	  .doc = "The histories that there are.",
	  .answer = ITEMS },
	{ .method = "GET",
	  .pattern = "/histories/{id...}",
	  .role = ROLE_VIEWER,
	  .handle = read_one,
	  .query = "start,end,rollup,timeZone,format,limit,cursor",
	  .doc = "Samples of a history, oldest first; with rollup (PT15M, 1h, P1D, P1M) buckets with avg, min, max, sum, "
	         "first, "
	         "last, count. Days and months are those of timeZone. format is json or csv.",
	  .answer = ITEMS },
	{ .method = NULL },
};
