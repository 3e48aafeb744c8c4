/* SPDX-License-Identifier: Apache-2.0
 * POST /batch: several operations on the tree, all or nothing. Changes are one batch of the sheet. Actions are checked
 * with the changes, and run one after the other when those are on disk. Engine thread. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "web/api_inside.h"

enum { OPERATIONS_MAX = 10000, REPEATED_MAX = 16 << 20 /* bytes of values for several paths */ };

/* A batch on its way: first the sheet, then action after action. */
struct run {
	struct invocation inv;
	struct request *request;
	struct actor actor;
	const json_t *operations; /* borrowed from the request, which lives until it is answered */
	json_t *results;          /* owned; one for each operation */
	json_t *warnings;         /* owned */
	json_t *diff;             /* owned; what a dry run would change */
	struct version_brief version;
	bool dry;          /* nothing is written, no action runs */
	uint64_t *targets; /* owned; handles of the components */
	size_t next;       /* operation */
	bool inside;       /* run_on is on the stack: an action that ends at once only returns */
};

/* One operation while the batch is being built. */
struct operation {
	struct batch *batch;
	struct station *station;
	const struct actor *actor;
	const json_t *json;
	uint64_t component;
	char *values;          /* owned; the pointer to its values */
	json_t *result;        /* borrowed */
	struct report *report; /* of the batch; borrowed */
	size_t *repeated;      /* bytes of values that operations with several paths have brought; borrowed */
};

static const char *member(const json_t *op, const char *name)
{
	return json_string_value(json_object_get(op, name));
}

static bool needs(const struct operation *o, const char *name)
{
	if (member(o->json, name))
		return true;
	report_error(o->report, E_INVALID, name, "A text is needed here.");
	return false;
}

/* --- the operations -------------------------------------------------------------------------------------------------- */

static void patch(struct operation *o)
{
	batch_patch(o->batch, o->component, o->json, o->values);
}

static void keep_handle(struct operation *o, uint64_t handle)
{
	char text[20];
	snprintf(text, sizeof text, "%" PRIx64, handle);
	json_object_set_new(o->result, "handle", json_string(text));
	if (handle && member(o->json, "displayName"))
		batch_display_name(o->batch, handle, member(o->json, "displayName"));
	if (handle && member(o->json, "before"))
		batch_before(o->batch, handle, member(o->json, "before"));
	if (handle)
		batch_beside(o->batch, handle, o->json);
}

static void add(struct operation *o)
{
	if (!needs(o, "name") | !needs(o, "type"))
		return;
	keep_handle(o,
	            batch_add(o->batch, o->component, member(o->json, "name"), member(o->json, "type"),
	                      json_object_get(o->json, "values"), o->values));
}

/* The component named by a member; 0 when it is absent, or reported. */
static uint64_t place(struct operation *o, const char *name)
{
	const char *text = member(o->json, name);
	uint64_t handle = text ? batch_place(o->batch, o->station, text) : 0;
	if (text && !handle)
		report_error(o->report, E_INVALID, name, "There is no component at %.200s.", text);
	return handle;
}

static void copy(struct operation *o)
{
	const struct component *c = station_by_handle(o->station, o->component);
	uint64_t parent = place(o, "parent");
	if (member(o->json, "parent") ? parent == 0 : !c || !c->parent) {
		if (!member(o->json, "parent"))
			report_error(o->report, E_INVALID, "parent", "Say below which component the copy shall stand.");
		return;
	}
	keep_handle(o,
	            batch_copy(o->batch, o->component, parent ? parent : c->parent->handle, member(o->json, "name"),
	                       json_object_get(o->json, "values"), o->values));
}

static void remove_(struct operation *o)
{
	batch_remove(o->batch, o->component);
}

static void move(struct operation *o)
{
	uint64_t parent = place(o, "parent");
	if (member(o->json, "parent") && !parent)
		return;
	batch_move(o->batch, o->component, parent, member(o->json, "name"));
	if (member(o->json, "before"))
		batch_before(o->batch, o->component, member(o->json, "before"));
}

/* With "order": of the children of path. With "before": of path among its siblings. */
static void reorder(struct operation *o)
{
	const json_t *order = json_object_get(o->json, "order");
	if (json_is_array(order))
		batch_order(o->batch, o->component, order);
	else if (member(o->json, "before"))
		batch_before(o->batch, o->component, member(o->json, "before"));
	else
		report_error(o->report, E_INVALID, "order",
		             "Give the names of the children as \"order\", or as \"before\" the sibling to stand in front of.");
}

static void link_(struct operation *o)
{
	if (!needs(o, "source") | !needs(o, "sourceSlot") | !needs(o, "targetSlot"))
		return;
	batch_link(o->batch, o->component, member(o->json, "name"), member(o->json, "source"),
	           member(o->json, "sourceSlot"), member(o->json, "targetSlot"));
}

static void unlink_(struct operation *o)
{
	if (needs(o, "name"))
		batch_unlink(o->batch, o->component, member(o->json, "name"));
}

/* Only the checks: it runs when the changes are on disk. */
static void invoke(struct operation *o)
{
	const struct component *c = station_by_handle(o->station, o->component);
	struct err e = { 0 };
	struct value v;
	if (!needs(o, "action"))
		return;
	if (!c) {
		report_error(o->report, E_INVALID, "path",
		             "A component that this batch adds has no actions yet; invoke it in the next request.");
		return;
	}
	char outer[sizeof o->report->prefix];
	size_t before = o->report->errors, n = strlen(o->report->prefix);
	memcpy(outer, o->report->prefix, sizeof outer);
	snprintf(o->report->prefix + n, sizeof outer - n, "/argument");
	int rc = sheet_check_action(c, member(o->json, "action"), json_object_get(o->json, "argument"), o->actor, &v, &e,
	                            o->report);
	memcpy(o->report->prefix, outer, sizeof outer);
	if (rc != 0 && o->report->errors == before)
		report_error(o->report, rc, "action", "%s", e.text);
	value_clear(&v);
}

static const struct {
	const char *name;
	void (*run)(struct operation *o);
	bool many; /* may say "paths" instead of "path" */
} operations[] = {
	{ "patch", patch, true },     { "add", add, false },       { "remove", remove_, true },
	{ "move", move, true },       { "copy", copy, true },      { "link", link_, false },
	{ "unlink", unlink_, false }, { "invoke", invoke, false }, { "reorder", reorder, false },
};

/* The operation on one component; slot: where its path stands. */
static void plan_path(struct operation *o, void (*run)(struct operation *o), const char *path, const char *slot)
{
	o->component = path ? batch_place(o->batch, o->station, path) : 0;
	if (o->component)
		run(o);
	else
		report_error(o->report, E_INVALID, slot, path ? "There is no component at %.200s." : "A text is needed here.",
		             path);
}

static void plan_operation(struct operation *o)
{
	const char *what = member(o->json, "op");
	const json_t *paths = json_object_get(o->json, "paths");
	size_t at = 0;
	while (at < ARRAY_SIZE(operations) && (!what || strcmp(operations[at].name, what) != 0))
		at++;
	if (at == ARRAY_SIZE(operations)) {
		report_error(o->report, E_INVALID, "op",
		             "The operations are patch, add, remove, move, copy, reorder, link, unlink and invoke.");
		return;
	}
	if (!operations[at].many || !json_is_array(paths)) {
		plan_path(o, operations[at].run, member(o->json, "path"), "path");
		return;
	}
	size_t n = json_array_size(paths), each = json_dumpb(json_object_get(o->json, "values"), NULL, 0, 0);
	*o->repeated += n * each;
	if (n > OPERATIONS_MAX || *o->repeated > REPEATED_MAX) {
		report_error(o->report, E_INVALID, "paths", "These are too many at once; send them in several batches.");
		return;
	}
	for (size_t i = 0; i < n; i++) {
		char slot[32];
		snprintf(slot, sizeof slot, "paths/%zu", i);
		plan_path(o, operations[at].run, json_string_value(json_array_get(paths, i)), slot);
	}
}

/* --- carrying out ---------------------------------------------------------------------------------------------------- */

static void run_free(struct run *run)
{
	json_decref(run->results);
	json_decref(run->warnings);
	json_decref(run->diff);
	free(run->targets);
	free(run);
}

static void run_on(struct run *run);

static void keep_result(struct run *run, int code)
{
	json_t *result = json_array_get(run->results, run->next);
	if (code == 0)
		json_object_set_new(result, "result", result_json(&run->inv.result));
	else
		json_object_set_new(result, "error", json_string(*run->inv.err.text ? run->inv.err.text : err_text(code)));
	value_clear(&run->inv.result);
	run->next++;
}

static void invoked(struct invocation *inv, int code)
{
	struct run *run = container_of(inv, struct run, inv);
	keep_result(run, code);
	if (!run->inside)
		run_on(run);
}

/* Runs the action at next; true when it will end later. */
static bool run_action(struct run *run, const json_t *op)
{
	struct component *c = station_by_handle(request_station(run->request), run->targets[run->next]);
	struct report report;
	report_init(&report, "");
	run->inv = (struct invocation){ .done = invoked };
	size_t before = run->next;
	int rc = c ? sheet_invoke(c, member(op, "action"), json_object_get(op, "argument"), &run->actor, &run->inv, &report)
	           : err_set(&run->inv.err, E_NOT_FOUND, NULL, "The component is gone.");
	if (rc < 0)
		report_first(&report, &run->inv.err);
	report_finish(&report);
	if (rc <= 0)
		keep_result(run, rc);
	return run->next == before;
}

static void run_on(struct run *run)
{
	run->inside = true;
	while (!run->dry && run->next < json_array_size(run->operations)) {
		const json_t *op = json_array_get(run->operations, run->next);
		if (strcmp(member(op, "op"), "invoke") != 0) {
			run->next++;
		} else if (run_action(run, op)) {
			run->inside = false;
			return;
		}
	}
	struct request *r = run->request;
	json_t *answer = json_pack("{s:O, s:O}", "results", run->results, "warnings", run->warnings);
	if (run->dry)
		json_object_set_new(answer, "changes", run->diff ? json_incref(run->diff) : json_array());
	if (run->version.number) {
		json_object_set_new(answer, "version", json_integer(run->version.number));
		json_object_set_new(answer, "summary", json_string(run->version.summary));
	}
	run_free(run); /* before the answer: the body then belongs to the web thread alone */
	request_reply_json(r, 200, answer);
}

static void changed(void *context, int code, const struct report *report, uint64_t added)
{
	(void)added;
	struct run *run = context;
	if (code != 0) {
		struct request *r = run->request;
		run_free(run);
		request_reply_report(r, code, report);
		return;
	}
	run->warnings = warnings_json(report);
	run_on(run);
}

static void run_batch(struct request *r)
{
	const json_t *body = request_body(r), *list = json_is_object(body) ? json_object_get(body, "operations") : body;
	if (!json_is_array(list) || json_array_size(list) > OPERATIONS_MAX) {
		request_reply_code(r, E_BAD_REQUEST, "The body must be a list of at most %d operations.", OPERATIONS_MAX);
		return;
	}
	struct run *run = must_alloc(sizeof *run);
	*run = (struct run){ .request = r, .actor = *request_actor(r), .operations = list, .results = json_array() };
	run->targets = must_alloc((json_array_size(list) + 1) * sizeof *run->targets);
	struct batch *b = batch_new(request_station(r), &run->actor);
	size_t repeated = 0;
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct operation o = { .batch = b,
			                   .station = request_station(r),
			                   .actor = &run->actor,
			                   .json = json_array_get(list, i),
			                   .report = batch_report(b),
			                   .repeated = &repeated };
		char pointer[40];
		snprintf(pointer, sizeof pointer, "%s/%zu", json_is_object(body) ? "/operations" : "", i);
		batch_at(b, pointer);
		o.values = must_format("%s/values", pointer);
		o.result = json_object();
		json_array_append_new(run->results, o.result);
		plan_operation(&o);
		run->targets[i] = o.component;
		free(o.values);
	}
	const char *reason = json_is_object(body) ? member(body, "reason") : NULL;
	if (reason)
		batch_reason(b, reason);
	batch_tell_version(b, &run->version);
	const char *dry = request_query(r, "dryRun");
	run->dry = dry && strcmp(dry, "true") == 0;
	if (run->dry) {
		batch_dry_run(b);
		batch_tell_diff(b, &run->diff);
	}
	batch_submit(b, changed, run);
}

#define ANY_LIST(name) "\"" name "\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}}"
const struct route batch_routes[] = {
	{ .method = "POST",
	  .pattern = "/batch",
	  .role = ROLE_OPERATOR,
	  .flags = ROUTE_LARGE,
	  .handle = run_batch,
	  .query = "dryRun",
	  .doc =
	      "Several operations: patch, add, remove, move, copy, reorder, link, unlink, all or nothing; and invoke, "
	      "which is checked with them and runs when they are on disk. A list, or an object with operations and a "
	      "reason, which the version keeps. Paths are those before the batch, or of what it adds; patch, remove, move "
	      "and copy also take several, as paths. With dryRun=true it says what would change.",
	  .body = "{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"op\"],"
	          "\"properties\":{\"op\":{\"type\":\"string\"},\"path\":{\"type\":\"string\"},"
	          "\"paths\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}}}",
	  .answer = "{\"type\":\"object\",\"properties\":{" ANY_LIST("results") "," ANY_LIST("warnings") "," ANY_LIST(
	      "changes") ",\"version\":{\"type\":\"integer\"},\"summary\":{\"type\":\"string\"}}}" },
	{ .method = NULL },
};
