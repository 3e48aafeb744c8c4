/* SPDX-License-Identifier: Apache-2.0
 * Undo, redo and restore: the delta of a version (or of all above one) is turned round and becomes changes of a batch,
 * which then goes the way of every batch: permissions, rules, one transaction. It is loaded when the batch is first in
 * the queue, so that nothing can come between. See sheet.h, version.h. Engine thread. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/sheet/revert.h"

/* --- who can undo what ------------------------------------------------------------------------------------------ */

static const char *plain_summary(const char *summary)
{
	static const char *const prefixes[] = { "Undone: ", "Redone: " };
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (strncmp(summary, prefixes[i], strlen(prefixes[i])) == 0)
			return summary + strlen(prefixes[i]);
	return summary;
}

static void push(json_t *stack, const struct version_record *r)
{
	char time[ABSTIME_TEXT_MAX];
	json_array_insert_new(stack, 0,
	                      json_pack("{s:I, s:I, s:s, s:s, s:s}", "version", (json_int_t)r->number, "of",
	                                (json_int_t)r->of, "timestamp", abstime_print(r->timestamp.us, time), "summary",
	                                plain_summary(r->summary), "reason", r->reason));
}

static void take_out(json_t *stack, int64_t version)
{
	size_t i = 0;
	while (i < json_array_size(stack) &&
	       json_integer_value(json_object_get(json_array_get(stack, i), "version")) != version)
		i++;
	if (i < json_array_size(stack))
		json_array_remove(stack, i);
}

json_t *undo_stacks(const struct store_rows *rows)
{
	json_t *undo = json_array(), *redo = json_array();
	for (size_t i = 0; i < rows->count; i++) {
		const struct version_record *r = store_row(rows, i);
		if (strcmp(r->kind, "undo") == 0) {
			take_out(undo, r->of);
			push(redo, r);
			continue;
		}
		if (strcmp(r->kind, "redo") == 0)
			take_out(redo, r->of);
		else
			json_array_clear(redo);
		push(undo, r);
		if (json_array_size(undo) > UNDO_DEPTH)
			json_array_remove(undo, UNDO_DEPTH);
	}
	return json_pack("{s:o, s:o}", "undo", undo, "redo", redo);
}

struct store_query undo_query(const char *user)
{
	struct store_query q = { .kind = &version_kind, .order = "number", .limit = VERSIONS_KEPT };
	store_where_add(&q, "user", STORE_EQ, value_string(user));
	return q;
}

/* --- taking back ------------------------------------------------------------------------------------------------ */

static struct reverting *reverting_new(struct batch *b)
{
	struct reverting *r = must_alloc(sizeof *r);
	r->batch = b;
	return r;
}

static void finish(struct reverting *r)
{
	struct batch *b = r->batch;
	if (!b->report.errors)
		revert_make(r);
	delta_finish(&r->delta);
	delta_finish(&r->now);
	handle_map_finish(&r->made);
	handle_map_finish(&r->leaves);
	handle_map_finish(&r->suspects);
	free(r);
	batch_prepared(b);
}

static void ask_store(struct reverting *r);

static void answered(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct reverting *r = context;
	if (code == 0)
		revert_learn(r, rows);
	else
		report_error(&r->batch->report, code, NULL, "%s", e->text);
	ask_store(r);
}

/* Some suspects at a time. */
static void ask_store(struct reverting *r)
{
	r->query = (struct store_query){ .kind = &slot_kind, .limit = INT32_MAX };
	for (; r->asked < r->suspects.size && r->query.where_count < ARRAY_SIZE(r->query.where); r->asked++)
		if (r->suspects.items[r->asked])
			store_where_add(&r->query, "handle", STORE_EQ, value_integer((int64_t)r->suspects.keys[r->asked]));
	if (r->query.where_count && !r->batch->report.errors) {
		struct store_query q = r->query;
		store_ask(r->batch->station->store, &q, answered, r);
		return;
	}
	revert_check(r);
	finish(r);
}

static void loaded(void *context, int code, const struct err *e, struct delta *d)
{
	struct reverting *r = context;
	if (code != 0) {
		report_error(&r->batch->report, E_CONFLICT, NULL, "%s", e->text);
		finish(r);
		return;
	}
	r->delta = *d;
	*d = (struct delta){ 0 };
	if (r->batch->revert != REVERT_REDO)
		delta_invert(&r->delta);
	for (size_t i = 0; i < r->delta.count; i++) {
		const struct delta_row *row = &r->delta.rows[i];
		if (row->kind == &component_kind && row->before && !row->after)
			handle_map_put(&r->leaves, row->handle, 1);
	}
	if (r->batch->revert == REVERT_RESTORE) {
		finish(r); /* overwrites */
		return;
	}
	revert_read(r);
	ask_store(r);
}

static void chosen(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct batch *b = context;
	bool undo = b->revert == REVERT_UNDO;
	json_t *stacks = code == 0 ? undo_stacks(rows) : NULL;
	const json_t *item = json_array_get(json_object_get(stacks, undo ? "undo" : "redo"), 0);
	b->of = json_integer_value(json_object_get(item, "version"));
	if (code != 0) {
		report_error(&b->report, code, NULL, "%s", e->text);
		batch_prepared(b);
	} else if (!item) {
		report_error(&b->report, E_CONFLICT, NULL, undo ? "There is nothing to undo." : "There is nothing to redo.");
		batch_prepared(b);
	} else {
		b->summary =
		    must_format("%s: %s", undo ? "Undone" : "Redone", json_string_value(json_object_get(item, "summary")));
		/* What is done again is what was done, not the undo undone: a link may have carried other values since. */
		int64_t version = undo ? b->of : json_integer_value(json_object_get(item, "of"));
		version_load(b->station, version, version, loaded, reverting_new(b));
	}
	json_decref(stacks);
}

void batch_prepare(struct batch *b)
{
	if (b->revert != REVERT_RESTORE) {
		struct store_query q = undo_query(b->actor.user);
		store_ask(b->station->store, &q, chosen, b);
	} else if (b->of >= version_newest(b->station)) {
		report_error(&b->report, E_CONFLICT, NULL,
		             b->of == version_newest(b->station) ? "This is the newest version: nothing has changed since."
		                                                 : "There is no such version.");
		batch_prepared(b);
	} else {
		version_load(b->station, b->of + 1, 0, loaded, reverting_new(b));
	}
}

static void revert_later(struct batch *b, enum revert how)
{
	b->revert = how;
	b->restoring = true;
}

void batch_undo(struct batch *b)
{
	revert_later(b, REVERT_UNDO);
}

void batch_redo(struct batch *b)
{
	revert_later(b, REVERT_REDO);
}

void batch_restore(struct batch *b, int64_t version)
{
	b->of = version;
	revert_later(b, REVERT_RESTORE);
}
