/* SPDX-License-Identifier: Apache-2.0
 * /components, /batch, /audit: the tree over REST. Every change is a batch of the sheet; the answer comes when it is on
 * disk. Engine thread. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/sheet/audit.h"
#include "station/tree/ord.h"
#include "web/api_inside.h"
#include "web/schema.h"

struct component *request_component(struct request *r)
{
	const char *path = request_param(r, "path");
	struct component *c = station_by_path(request_station(r), path ? path : "");
	if (!c)
		request_reply_code(r, E_NOT_FOUND, "There is no component at %.200s.", path);
	return c;
}

static void set_etag(struct request *r, const struct component *c)
{
	char etag[64];
	snprintf(etag, sizeof etag, "\"%" PRIx64 "-%u\"", c->handle, c->revision);
	request_reply_header(r, "ETag", etag);
}

void reply_location(struct request *r, const struct component *c, const char *inside, const char *name)
{
	char *path = component_path(c), *location = must_format("/api/v1/components%s%s%s", path, inside, name);
	request_reply_header(r, "Location", location);
	free(location);
	free(path);
}

json_t *warnings_json(const struct report *report)
{
	json_t *array = json_array();
	for (size_t i = 0; i < report->count; i++)
		if (report->items[i].warning)
			json_array_append_new(
			    array, json_pack("{s:s, s:s}", "pointer", report->items[i].pointer, "detail", report->items[i].detail));
	return array;
}

static void reply_component(struct request *r, int http, const struct component *c, const struct report *report)
{
	json_t *json = component_to_json(c, 0);
	if (report)
		json_object_set_new(json, "warnings", warnings_json(report));
	set_etag(r, c);
	request_reply_json(r, http, json);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static void get_component(struct request *r)
{
	int64_t depth, most;
	struct component *c = request_component(r);
	if (!c || !request_query_integer(r, "depth", 0, 0, 16, &depth) ||
	    !request_query_integer(r, "children", UINT32_MAX, 0, UINT32_MAX, &most))
		return;
	set_etag(r, c);
	request_reply_json(r, 200, depth ? component_to_json(c, (int)depth) : component_to_json_briefly(c, (uint32_t)most));
}

enum { CHILDREN_MAX = 1000, CHILDREN_WITH_VALUES_MAX = 100 };

static void list_children(struct request *r)
{
	struct component *c = request_component(r);
	const char *values = request_query(r, "values");
	struct children_question q = { .match = request_query(r, "match"), .at = request_query(r, "at") };
	q.with_values = values && strcmp(values, "true") == 0;
	int64_t most = q.with_values ? CHILDREN_WITH_VALUES_MAX : CHILDREN_MAX;
	if (c && request_query_integer(r, "offset", 0, 0, INT64_MAX, &q.offset) &&
	    request_query_integer(r, "limit", 100, 1, most, &q.limit))
		request_reply_json(r, 200, component_children_to_json(c, &q));
}

/* --- one change --------------------------------------------------------------------------------------------------- */

/* What a batch's end needs to answer. */
struct pending {
	struct request *request;
	uint64_t component;
	int http;
};

static void answered(void *context, int code, const struct report *report, uint64_t added)
{
	struct pending *p = context;
	struct request *r = p->request;
	struct component *c = station_by_handle(request_station(r), added ? added : p->component);
	if (code != 0) {
		request_reply_report(r, code, report);
	} else if (p->http == 204 || !c) {
		request_reply_empty(r, 204);
	} else {
		if (p->http == 201)
			reply_location(r, c, "", "");
		reply_component(r, p->http, c, report);
	}
	free(p);
}

void batch_answer(struct request *r, struct batch *b, uint64_t component, int http)
{
	struct pending *p = must_alloc(sizeof *p);
	*p = (struct pending){ r, component, http };
	batch_submit(b, answered, p);
}

static struct batch *new_batch(struct request *r)
{
	return batch_new(request_station(r), request_actor(r));
}

/* If-Match: "HANDLE-REVISION" or *. Answers 412 itself when it is of another component or malformed. */
static bool if_match(struct request *r, struct batch *b, const struct component *c)
{
	const char *header = request_header(r, "If-Match");
	uint64_t handle;
	unsigned revision;
	if (!header || strcmp(header, "*") == 0)
		return true;
	if (sscanf(header, "\"%" SCNx64 "-%u\"", &handle, &revision) != 2 || handle != c->handle) {
		batch_free(&b);
		request_reply_code(r, E_STALE, "The component has changed since you read it; read it again.");
		return false;
	}
	batch_if_revision(b, c->handle, revision);
	return true;
}

uint64_t batch_place(struct batch *b, struct station *s, const char *text)
{
	const char *slot = strstr(text, "slot:/");
	if (*text == '\0' || *text == '/' || slot)
		return batch_find(b, slot ? slot + strlen("slot:") : text);
	const struct component *c = ord_resolve(s, NULL, text, NULL);
	return c ? c->handle : 0;
}

void batch_patch(struct batch *b, uint64_t handle, const json_t *body, const char *prefix)
{
	const json_t *values = json_object_get(body, "values"), *name = json_object_get(body, "displayName");
	if (values)
		batch_set_json(b, handle, values, prefix);
	if (json_is_string(name) || json_is_null(name))
		batch_display_name(b, handle, json_is_string(name) ? json_string_value(name) : "");
	batch_beside(b, handle, body);
}

void batch_beside(struct batch *b, uint64_t handle, const json_t *body)
{
	const json_t *tags = json_object_get(body, "tags"), *slots = json_object_get(body, "slots"),
	             *categories = json_object_get(body, "categories");
	if (json_is_object(tags))
		batch_tags(b, handle, tags);
	if (slots)
		batch_slots(b, handle, slots);
	if (categories)
		batch_categories(b, handle, categories);
}

static bool object_body(struct request *r)
{
	if (json_is_object(request_body(r)))
		return true;
	request_reply_code(r, E_BAD_REQUEST, "The body must be a JSON object.");
	return false;
}

/* A property beside "values" instead of inside would be ignored in silence: says so instead. */
static bool patch_body(struct request *r)
{
	static const char *const members[] = { "values", "displayName", "tags", "slots", "categories" };
	struct report report;
	const char *name;
	json_t *value;
	if (!object_body(r))
		return false;
	report_init(&report, "");
	json_object_foreach((json_t *)(uintptr_t)request_body(r), name, value)
	{
		size_t i = 0;
		while (i < ARRAY_SIZE(members) && strcmp(members[i], name) != 0)
			i++;
		if (i == ARRAY_SIZE(members))
			report_error(
			    &report, E_INVALID, name,
			    "A patch has the members values, displayName, tags, slots and categories; properties stand in values.");
		else if (strcmp(name, "slots") == 0 && !json_is_object(value))
			report_error(&report, E_INVALID, name, "An object of names and what they are is expected here.");
		else if (strcmp(name, "tags") == 0 && !json_is_object(value))
			report_error(&report, E_INVALID, name, "An object of tags is expected here; null takes a tag away.");
		else if (strcmp(name, "displayName") == 0 && !json_is_string(value) && !json_is_null(value))
			report_error(&report, E_INVALID, name, "A text is expected here, or null for the name's own.");
	}
	int code = report_first(&report, NULL);
	if (code != 0)
		request_reply_report(r, code, &report);
	report_finish(&report);
	return code == 0;
}

static void patch_component(struct request *r)
{
	struct component *c = request_component(r);
	if (!c || !patch_body(r))
		return;
	struct batch *b = new_batch(r);
	if (!if_match(r, b, c))
		return;
	batch_patch(b, c->handle, request_body(r), "/values");
	batch_answer(r, b, c->handle, 200);
}

static void add_child(struct request *r)
{
	struct component *c = request_component(r);
	const char *name = c ? request_string(r, "name") : NULL, *type = name ? request_string(r, "type") : NULL;
	if (!type)
		return;
	struct batch *b = new_batch(r);
	uint64_t handle = batch_add(b, c->handle, name, type, json_object_get(request_body(r), "values"), "/values");
	const char *display = json_string_value(json_object_get(request_body(r), "displayName"));
	if (handle && display)
		batch_display_name(b, handle, display);
	if (handle)
		batch_beside(b, handle, request_body(r));
	batch_answer(r, b, handle, 201);
}

static void delete_component(struct request *r)
{
	struct component *c = request_component(r);
	if (!c)
		return;
	struct batch *b = new_batch(r);
	if (!if_match(r, b, c))
		return;
	batch_remove(b, c->handle);
	batch_answer(r, b, 0, 204);
}

static void move_component(struct request *r)
{
	struct component *c = request_component(r);
	if (!c || !object_body(r))
		return;
	const char *parent = json_string_value(json_object_get(request_body(r), "parent"));
	const char *name = json_string_value(json_object_get(request_body(r), "name"));
	struct batch *b = new_batch(r);
	uint64_t to = parent ? batch_place(b, request_station(r), parent) : 0;
	if (parent && !to) {
		batch_free(&b);
		request_reply_code(r, E_INVALID, "There is no component at %.200s to move to.", parent);
		return;
	}
	const char *before = json_string_value(json_object_get(request_body(r), "before"));
	batch_move(b, c->handle, to, name);
	if (before)
		batch_before(b, c->handle, before);
	batch_answer(r, b, c->handle, 200);
}

static void reorder_children(struct request *r)
{
	struct component *c = request_component(r);
	if (!c || !object_body(r))
		return;
	const json_t *order = json_object_get(request_body(r), "order");
	if (!json_is_array(order)) {
		request_reply_code(r, E_BAD_REQUEST,
		                   "The body must have the names of the children in their new order, as \"order\".");
		return;
	}
	struct batch *b = new_batch(r);
	batch_order(b, c->handle, order);
	batch_answer(r, b, c->handle, 200);
}

/* --- actions ------------------------------------------------------------------------------------------------------ */

struct invoking {
	struct invocation inv;
	struct request *request;
	struct actor actor; /* an action may end after the request's own is gone */
};

json_t *result_json(const struct value *v)
{
	static const struct facets none = { 0 };
	struct slot row = { .name = "result", .kind = v->kind, .facets = &none };
	if (v->kind == V_STRUCT)
		row.members = v->list.members;
	if (v->kind == V_LIST && v->list.count) {
		row.element = v->list.items[0].kind;
		row.members = row.element == V_STRUCT ? v->list.items[0].list.members : NULL;
	}
	return v->kind == V_NULL ? json_null() : value_to_json(&row, v);
}

static void invoked(struct invocation *inv, int code)
{
	struct invoking *i = container_of(inv, struct invoking, inv);
	if (code != 0)
		request_reply_error(i->request, &inv->err);
	else
		request_reply_json(i->request, 200, json_pack("{s:o}", "result", result_json(&inv->result)));
	value_clear(&inv->result);
	free(i);
}

static void invoke_action(struct request *r)
{
	struct component *c = request_component(r);
	if (!c)
		return;
	struct invoking *i = must_alloc(sizeof *i);
	i->request = r;
	i->actor = *request_actor(r);
	i->inv.done = invoked;
	struct report report;
	report_init(&report, "");
	int rc = sheet_invoke(c, request_param(r, "name"), request_body(r), &i->actor, &i->inv, &report);
	if (rc < 0 && report.errors) {
		request_reply_report(r, rc, &report);
		free(i);
	} else if (rc <= 0) {
		invoked(&i->inv, rc);
	}
	report_finish(&report);
}

/* --- audit -------------------------------------------------------------------------------------------------------- */

static json_t *audit_json(struct station *s, const void *row)
{
	(void)s;
	return record_to_json(&audit_kind, row);
}

static void audit_rows(void *context, int code, const struct err *e, struct store_rows *rows)
{
	request_reply_rows(context, code, e, rows, audit_json, offsetof(struct audit_record, id));
}

static void list_audit(struct request *r)
{
	int64_t limit, cursor;
	if (!request_query_integer(r, "limit", 100, 1, 1000, &limit) ||
	    !request_query_integer(r, "cursor", INT64_MAX, 0, INT64_MAX, &cursor))
		return;
	struct store_query q = { .kind = &audit_kind, .order = "id", .descending = true, .limit = limit };
	store_where_add(&q, "id", STORE_LT, value_integer(cursor));
	if (request_query(r, "user"))
		store_where_add(&q, "user", STORE_EQ, value_string(request_query(r, "user")));
	store_ask(request_station(r)->store, &q, audit_rows, r);
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

#define COMPONENT "{\"$ref\":\"#/components/schemas/Component\"}"
#define BESIDE                                                                                                         \
	"\"tags\":{\"type\":\"object\"},\"slots\":{\"type\":\"object\"},"                                                  \
	"\"categories\":{\"type\":[\"array\",\"null\"],\"items\":{\"type\":\"string\"}}"
const struct route component_routes[] = {
	{ .method = "GET",
	  .pattern = "/components/{path...}",
	  .role = ROLE_VIEWER,
	  .handle = get_component,
	  .query = "depth,children",
	  .doc =
	      "A component with its values and children (at most as many as the parameter children says); without a path "
	      "the root.",
	  .answer = COMPONENT },
	{ .method = "GET",
	  .pattern = "/components/{path...}/children",
	  .role = ROLE_VIEWER,
	  .handle = list_children,
	  .query = "offset,limit,match,at,values",
	  .doc =
	      "A page of the children in their order; match: only those whose name holds this text; at: the page with the "
	      "child of this name; values=true: with their properties.",
	  .answer =
	      OBJECT("\"items\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}},\"total\":{\"type\":\"integer\"}") },
	{ .method = "PATCH",
	  .pattern = "/components/{path...}",
	  .role = ROLE_VIEWER,
	  .handle = patch_component,
	  .doc =
	      "Changes properties: a merge patch. All or nothing; answers when it is on disk. slots adds, changes, renames "
	      "and "
	      "removes properties of this component alone, {name: {kind, value, facets, flags, displayName, name} or "
	      "null}, "
	      "and gives flags, facets and display names to those of its type; categories: null takes those of the parent.",
	  .body = OBJECT("\"values\":{\"type\":\"object\"}," BESIDE "," TEXT("displayName")),
	  .answer = COMPONENT },
	{ .method = "DELETE",
	  .pattern = "/components/{path...}",
	  .role = ROLE_ADMIN,
	  .handle = delete_component,
	  .doc = "Removes a component with all below." },
	{ .method = "POST",
	  .pattern = "/components/{path...}/children",
	  .role = ROLE_ADMIN,
	  .handle = add_child,
	  .doc = "Adds a component.",
	  .body = OBJECT(TEXT("name") "," TEXT("type") "," TEXT("displayName") ",\"values\":{\"type\":\"object\"}," BESIDE),
	  .answer = COMPONENT },
	{ .method = "POST",
	  .pattern = "/components/{path...}/move",
	  .role = ROLE_ADMIN,
	  .handle = move_component,
	  .doc = "Moves or renames a component; before names the sibling in front of which it shall stand, \"\" for last.",
	  .body = OBJECT(TEXT("parent") "," TEXT("name") "," TEXT("before")),
	  .answer = COMPONENT },
	{ .method = "POST",
	  .pattern = "/components/{path...}/reorder",
	  .role = ROLE_ADMIN,
	  .handle = reorder_children,
	  .doc = "Puts the children in order: those named first, the others behind them as they are.",
	  .body = OBJECT("\"order\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"),
	  .answer = COMPONENT },
	{ .method = "POST",
	  .pattern = "/components/{path...}/actions/{name}",
	  .role = ROLE_VIEWER,
	  .handle = invoke_action,
	  .doc = "Invokes an action; the body is its argument as a JSON value.",
	  .body = "{}",
	  .answer = OBJECT("\"result\":{}") },
	{ .method = "GET",
	  .pattern = "/audit",
	  .role = ROLE_ADMIN,
	  .handle = list_audit,
	  .query = "user,limit,cursor",
	  .doc = "The audit trail, newest first.",
	  .answer = OBJECT("\"items\":{\"type\":\"array\"}," TEXT("next")) },
	{ .method = NULL },
};
