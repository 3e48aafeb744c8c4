/* SPDX-License-Identifier: Apache-2.0
 * Versions of the configuration: listing, reading, restoring; undo and redo. What they do is the sheet's
 * (station/sheet/version.h). Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/sheet/version.h"
#include "web/api_inside.h"
#include "web/schema.h"

/* --- reading ------------------------------------------------------------------------------------------------------ */

static json_t *version_json(struct station *s, const void *row)
{
	const struct version_record *v = row;
	(void)s;
	char time[ABSTIME_TEXT_MAX];
	json_t *json =
	    json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:b}", "version", (json_int_t)v->number, "timestamp",
	              abstime_print(v->timestamp.us, time), "user", v->user, "via", v->via, "kind", v->kind, "reason",
	              v->reason, "summary", v->summary, "rows", (json_int_t)v->rows, "kept", v->rows == 0 || v->size > 0);
	if (v->of)
		json_object_set_new(json, "of", json_integer(v->of));
	return json;
}

static void versions_listed(void *context, int code, const struct err *e, struct store_rows *rows)
{
	request_reply_rows(context, code, e, rows, version_json, offsetof(struct version_record, number));
}

static void list_versions(struct request *r)
{
	int64_t limit, cursor;
	if (!request_query_integer(r, "limit", 100, 1, 1000, &limit) ||
	    !request_query_integer(r, "cursor", INT64_MAX, 0, INT64_MAX, &cursor))
		return;
	struct store_query q = { .kind = &version_kind, .order = "number", .descending = true, .limit = limit };
	store_where_add(&q, "number", STORE_LT, value_integer(cursor));
	if (request_query(r, "user"))
		store_where_add(&q, "user", STORE_EQ, value_string(request_query(r, "user")));
	store_ask(request_station(r)->store, &q, versions_listed, r);
}

/* The number in the path; answers 404 itself when it is none. */
static bool number_in_path(struct request *r, int64_t *out)
{
	char *end;
	const char *text = request_param(r, "number");
	*out = strtoll(text, &end, 10);
	if (*text >= '0' && *text <= '9' && *end == '\0')
		return true;
	request_reply_code(r, E_NOT_FOUND, "There is no version \"%.40s\".", text);
	return false;
}

struct reading {
	struct request *request;
	json_t *version; /* owned */
};

static void delta_read(void *context, int code, const struct err *e, struct delta *d)
{
	struct reading *reading = context;
	struct request *r = reading->request;
	json_t *json = reading->version;
	free(reading);
	if (code != 0) {
		json_decref(json);
		request_reply_error(r, e);
		return;
	}
	json_t *changes = delta_to_json(request_station(r), d, DIFF_ITEMS_MAX);
	json_object_set_new(json, "truncated", json_boolean(json_array_size(changes) == DIFF_ITEMS_MAX));
	json_object_set_new(json, "changes", changes);
	request_reply_json(r, 200, json);
}

static void version_read(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct request *r = context;
	if (code != 0) {
		request_reply_error(r, e);
		return;
	}
	if (rows->count == 0) {
		request_reply_code(r, E_NOT_FOUND, "There is no such version, or it is no longer kept.");
		return;
	}
	const struct version_record *v = store_row(rows, 0);
	struct reading *reading = must_alloc(sizeof *reading);
	*reading = (struct reading){ r, version_json(request_station(r), v) };
	version_load(request_station(r), v->number, v->number, delta_read, reading);
}

static void get_version(struct request *r)
{
	int64_t number;
	if (!number_in_path(r, &number))
		return;
	struct store_query q = { .kind = &version_kind, .limit = 1 };
	store_where_add(&q, "number", STORE_EQ, value_integer(number));
	store_ask(request_station(r)->store, &q, version_read, r);
}

static void stacks_read(void *context, int code, const struct err *e, struct store_rows *rows)
{
	if (code != 0)
		request_reply_error(context, e);
	else
		request_reply_json(context, 200, undo_stacks(rows));
}

static void get_undo(struct request *r)
{
	struct store_query q = undo_query(request_actor(r)->user);
	store_ask(request_station(r)->store, &q, stacks_read, r);
}

/* --- changing ----------------------------------------------------------------------------------------------------- */

struct reverting {
	struct request *request;
	struct version_brief brief;
	json_t *diff; /* owned */
	bool dry;
};

static void reverted(void *context, int code, const struct report *report, uint64_t added)
{
	(void)added;
	struct reverting *v = context;
	struct request *r = v->request;
	if (code != 0) {
		json_decref(v->diff);
		request_reply_report(r, code, report);
	} else if (v->dry) {
		request_reply_json(r, 200,
		                   json_pack("{s:o, s:o, s:s}", "changes", v->diff ? v->diff : json_array(), "warnings",
		                             warnings_json(report), "summary", v->brief.summary));
	} else {
		request_reply_json(r, 200,
		                   json_pack("{s:I, s:s, s:o}", "version", (json_int_t)v->brief.number, "summary",
		                             v->brief.summary, "warnings", warnings_json(report)));
	}
	free(v);
}

static void submit(struct request *r, struct batch *b, bool dry)
{
	struct reverting *v = must_alloc(sizeof *v);
	v->request = r;
	v->dry = dry;
	const char *reason = json_string_value(json_object_get(request_body(r), "reason"));
	if (reason)
		batch_reason(b, reason);
	batch_tell_version(b, &v->brief);
	if (dry) {
		batch_dry_run(b);
		batch_tell_diff(b, &v->diff);
	}
	batch_submit(b, reverted, v);
}

static void undo(struct request *r)
{
	struct batch *b = batch_new(request_station(r), request_actor(r));
	batch_undo(b);
	submit(r, b, false);
}

static void redo(struct request *r)
{
	struct batch *b = batch_new(request_station(r), request_actor(r));
	batch_redo(b);
	submit(r, b, false);
}

static void restore(struct request *r)
{
	int64_t number;
	if (!number_in_path(r, &number))
		return;
	const char *dry = request_query(r, "dryRun");
	struct batch *b = batch_new(request_station(r), request_actor(r));
	batch_restore(b, number);
	submit(r, b, dry && strcmp(dry, "true") == 0);
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

#define NUMBER(name) "\"" name "\":{\"type\":\"integer\"}"
#define LIST(name) "\"" name "\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}}"
#define VERSION                                                                                                        \
	NUMBER("version")                                                                                                  \
	"," TEXT("timestamp") "," TEXT("user") "," TEXT("via") "," TEXT("kind") "," TEXT("reason") "," TEXT(               \
	    "summary") "," NUMBER("rows") "," NUMBER("of") ",\"kept\":{\"type\":\"boolean\"}"
#define DONE OBJECT(NUMBER("version") "," TEXT("summary") "," LIST("warnings") "," LIST("changes"))
const struct route version_routes[] = {
	{ .method = "GET",
	  .pattern = "/undo",
	  .role = ROLE_VIEWER,
	  .handle = get_undo,
	  .doc = "What the caller can undo and redo, newest first.",
	  .answer = OBJECT(LIST("undo") "," LIST("redo")) },
	{ .method = "POST",
	  .pattern = "/undo",
	  .role = ROLE_OPERATOR,
	  .handle = undo,
	  .doc = "Takes back the caller's newest batch. Refused with 409 when others have changed the same since.",
	  .body = OBJECT(TEXT("reason")),
	  .answer = DONE },
	{ .method = "POST",
	  .pattern = "/redo",
	  .role = ROLE_OPERATOR,
	  .handle = redo,
	  .doc = "Does again what was undone last.",
	  .body = OBJECT(TEXT("reason")),
	  .answer = DONE },
	{ .method = "GET",
	  .pattern = "/versions",
	  .role = ROLE_VIEWER,
	  .handle = list_versions,
	  .query = "user,limit,cursor",
	  .doc = "Versions of the configuration, newest first: one for each batch of a user.",
	  .answer = OBJECT("\"items\":{\"type\":\"array\",\"items\":" OBJECT(VERSION) "}," TEXT("next")) },
	{ .method = "GET",
	  .pattern = "/versions/{number}",
	  .role = ROLE_VIEWER,
	  .handle = get_version,
	  .doc = "A version with what it has changed.",
	  .answer = OBJECT(VERSION "," LIST("changes") ",\"truncated\":{\"type\":\"boolean\"}") },
	{ .method = "POST",
	  .pattern = "/versions/{number}/restore",
	  .role = ROLE_ADMIN,
	  .handle = restore,
	  .query = "dryRun",
	  .doc = "Makes the configuration what it was as of that version; with dryRun=true says what would change.",
	  .body = OBJECT(TEXT("reason")),
	  .answer = DONE },
	{ .method = NULL },
};
