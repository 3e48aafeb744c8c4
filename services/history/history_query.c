/* SPDX-License-Identifier: Apache-2.0
 * The hidden action `query` of history extensions: how other services, which know the tree and not us, read a history.
 * Takes a span, a rollup ("" for the samples themselves) and the form; answers text, JSON or CSV, as REST has it. Engine
 * thread. */
#include <stdlib.h>

#include "services/history/history_inside.h"
#include "station/base/must.h"

enum { QUERY_MOST = 100000 }; /* samples or buckets in one answer */
enum { ARG_START, ARG_END, ARG_ROLLUP, ARG_CSV };
static const struct slot members[] = {
	[ARG_START] = MEMBER("start", ABSTIME, .doc = "From."),
	[ARG_END] = MEMBER("end", ABSTIME, .doc = "Until, not included."),
	[ARG_ROLLUP] = MEMBER("rollup", STRING, .facets = FACETS(.maxLength = 20),
	                      .doc = "Length of a bucket, such as 5m; empty: the samples themselves."),
	[ARG_CSV] = MEMBER("csv", BOOLEAN, .doc = "CSV instead of JSON."),
	SLOT_END,
};
const struct slot history_query_arg = {
	.name = "query", .kind = V_STRUCT, .members = members, .doc = "What is asked."
};

/* One query. A question that is wrong is answered before history_read returns. */
struct query {
	struct invocation *inv;
	bool waits; /* history_query has returned */
	bool answered;
	int code;
};

static void answered(void *context, int code, const struct err *e, json_t *json, char *csv)
{
	struct query *q = context;
	char *text = json ? json_dumps(json, JSON_COMPACT) : csv;
	if (code == 0)
		q->inv->result = value_string(text ? text : "");
	else
		q->inv->err = *e;
	json_decref(json);
	free(text);
	q->answered = true;
	q->code = code;
	if (!q->waits)
		return;
	invocation_done(q->inv, code);
	free(q);
}

int history_query(struct component *c, struct invocation *inv)
{
	struct value id;
	const struct value *v = inv->arg->kind == V_STRUCT ? inv->arg->list.items : NULL;
	if (!v || v[ARG_START].integer == ABSTIME_NULL || v[ARG_END].integer == ABSTIME_NULL)
		return err_set(&inv->err, E_INVALID, "start", "A query needs the times start and end.");
	int rc = component_get(c, "historyId", &id, &inv->err);
	if (rc != 0)
		return rc;
	struct history_question q = { .id = id.text,
		                          .start = v[ARG_START].integer,
		                          .end = v[ARG_END].integer,
		                          .after = ABSTIME_NULL,
		                          .limit = QUERY_MOST,
		                          .rollup = *v[ARG_ROLLUP].text ? v[ARG_ROLLUP].text : NULL,
		                          .zone = zone_find(c->station, "", NULL),
		                          .form = v[ARG_CSV].boolean ? HISTORY_CSV : HISTORY_JSON };
	struct query *query = must_alloc(sizeof *query);
	query->inv = inv;
	history_read(c->station, &q, answered, query);
	value_clear(&id);
	rc = query->answered ? query->code : 1;
	query->waits = true;
	if (query->answered)
		free(query);
	return rc;
}
