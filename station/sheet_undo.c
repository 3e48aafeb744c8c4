/* SPDX-License-Identifier: Apache-2.0
 * Undo, redo and restore: the delta of a version (or of all above one) is turned round and becomes changes of a batch,
 * which then goes the way of every batch: permissions, rules, one transaction. It is loaded when the batch is first in
 * the queue, so that nothing can come between. See sheet.h, version.h. Engine thread. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "station/batch_plan.h"
#include "station/must.h"
#include "station/version.h"

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
	                      json_pack("{s:I, s:s, s:s, s:s}", "version", (json_int_t)r->number, "timestamp",
	                                abstime_print(r->timestamp.us, time), "summary", plain_summary(r->summary),
	                                "reason", r->reason));
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

/* --- the delta turned into changes ------------------------------------------------------------------------------ */

/* In the rows, `before` is what is expected now and `after` what shall be. */
struct reverting {
	struct batch *batch;
	struct delta *delta;
	struct delta now;         /* rows as they are, in `before` */
	uint64_t handle;          /* whose rows are being read */
	struct handle_map made;   /* components that come back: the pointer, until they stand below another or are added */
	struct handle_map leaves; /* components that go: 1 */
	bool forced;              /* what has changed since is overwritten */
};

static void conflict(struct reverting *r, uint64_t handle, const char *format, const char *what)
{
	const struct component *live = station_by_handle(r->batch->station, handle);
	const struct delta_place *place = delta_place(r->delta, handle);
	char *path = live ? component_path(live) : must_strdup(place ? place->path : "");
	char *sentence = must_format(format, what);
	report_error(&r->batch->report, E_CONFLICT, NULL, "%s: %s", path, sentence);
	free(sentence);
	free(path);
}

static void keep_now(void *context, const struct record_kind *kind, const char *name, const char *state)
{
	struct reverting *r = context;
	delta_set(&r->now, kind, r->handle, name, state, NULL);
}

/* The rows of every live component that the delta speaks of. */
static void read_now(struct reverting *r)
{
	struct handle_map met = { 0 };
	for (size_t i = 0; i < r->delta->count; i++) {
		r->handle = r->delta->rows[i].handle;
		struct component *live = station_by_handle(r->batch->station, r->handle);
		if (!live || handle_map_get(&met, r->handle))
			continue;
		handle_map_put(&met, r->handle, 1);
		delta_rows_of(live, keep_now, r);
	}
	handle_map_finish(&met);
}

static const char *now_of(const struct reverting *r, const struct delta_row *row)
{
	const struct delta_row *now = delta_find(&r->now, row->kind, row->handle, row->name);
	return now ? now->before : NULL;
}

/* Slots that nobody may set are the component's own business; they need not be as they were. */
static bool own_business(const struct reverting *r, const struct delta_row *row)
{
	const struct component *live = station_by_handle(r->batch->station, row->handle);
	const struct slot *slot = live && row->kind == &slot_kind ? component_slot(live, row->name) : NULL;
	return slot && (slot->flags & SLOT_READONLY);
}

static bool column_differs(const char *a, const char *b, const char *column)
{
	bool number = strcmp(column, "parent") == 0 || strcmp(column, "position") == 0;
	char *x = number ? NULL : delta_text(&component_kind, a, column),
	     *y = number ? NULL : delta_text(&component_kind, b, column);
	bool differs = number ? delta_integer(&component_kind, a, column) != delta_integer(&component_kind, b, column)
	                      : strcmp(x, y) != 0;
	free(x);
	free(y);
	return differs;
}

/* Of a component that stays, only what that batch changed must be as it left it. */
static void check_component(struct reverting *r, const struct delta_row *row, const char *now)
{
	static const struct {
		const char *column, *sentence;
	} columns[] = { { "parent", "it was moved by another since." },
		            { "name", "it was renamed by another since." },
		            { "displayName", "its display name was changed by another since." },
		            { "position", "its place among the others was changed by another since." } };
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		if (column_differs(row->before, row->after, columns[i].column) &&
		    column_differs(row->before, now, columns[i].column)) {
			conflict(r, row->handle, "%s", columns[i].sentence);
			return;
		}
}

static void check_row(struct reverting *r, const struct delta_row *row)
{
	const char *now = now_of(r, row);
	if (own_business(r, row))
		return;
	if (row->kind == &component_kind) {
		if (!now != !row->before)
			conflict(r, row->handle, "%s", now ? "it is there already." : "it was removed by another since.");
		else if (now && row->after)
			check_component(r, row, now);
		else if (now && column_differs(row->before, now, "displayName"))
			conflict(r, row->handle, "%s", "its display name was changed by another since.");
	} else if (!delta_same(row->kind, now, row->before)) {
		conflict(r, row->handle,
		         row->kind == &slot_kind ? "\"%s\" was changed by another since; it is no longer as that batch left it."
		                                 : "its link \"%s\" was changed by another since.",
		         row->name);
	}
}

/* What goes must not take along what others have built on it since. */
static void check_leaving(struct reverting *r, const struct delta_row *row)
{
	struct component *c = station_by_handle(r->batch->station, row->handle);
	for (struct component *child = c ? c->first : NULL; child; child = child->next) {
		const struct delta_row *own = delta_find(r->delta, &component_kind, child->handle, "");
		if (!own)
			conflict(r, row->handle, "\"%s\" was added below it by another since.", child->name);
	}
	for (struct link *l = c ? links_from(c) : NULL; l; l = link_next_from(l))
		if (!delta_find(r->delta, &link_kind, l->target->handle, l->name))
			conflict(r, row->handle, "it was linked to \"%s\" by another since.", l->target->name);
}

static void check_rows(struct reverting *r)
{
	for (size_t i = 0; i < r->delta->count; i++) {
		check_row(r, &r->delta->rows[i]);
		if (handle_map_get(&r->leaves, r->delta->rows[i].handle) && r->delta->rows[i].kind == &component_kind)
			check_leaving(r, &r->delta->rows[i]);
	}
	for (size_t i = 0; i < r->now.count; i++) {
		const struct delta_row *now = &r->now.rows[i];
		if (handle_map_get(&r->leaves, now->handle) && !own_business(r, now) &&
		    !delta_find(r->delta, now->kind, now->handle, now->name))
			conflict(r, now->handle, "\"%s\" was changed by another since.", now->name);
	}
}

static struct component *made(const struct reverting *r, uint64_t handle)
{
	return (struct component *)(uintptr_t)handle_map_get(&r->made, handle);
}

/* The component itself, with its handle, in no tree yet. */
static void make(struct reverting *r, const struct delta_row *row)
{
	char *name = delta_text(row->kind, row->after, "name"), *type_name = delta_text(row->kind, row->after, "type"),
	     *display = delta_text(row->kind, row->after, "displayName");
	const struct type *type = type_find(r->batch->station->types, type_name);
	if (!type) {
		conflict(r, row->handle, "its type %s is no longer known.", type_name);
	} else {
		struct component *c = component_create(r->batch->station, type, name, row->handle);
		c->revision = (uint32_t)delta_integer(row->kind, row->after, "revision") + 1; /* no old ETag must fit */
		component_set_position(c, delta_integer(row->kind, row->after, "position"));
		if (*display)
			component_set_display_name(c, display);
		handle_map_put(&r->made, row->handle, (uintptr_t)c);
	}
	free(name);
	free(type_name);
	free(display);
}

static void give_value(struct reverting *r, struct component *c, const struct delta_row *row)
{
	const struct slot *slot = component_slot(c, row->name);
	struct err e = { 0 };
	struct value v;
	if (!slot || slot->kind == V_COMPONENT) {
		if (row->after)
			conflict(r, row->handle, "it has no property \"%s\".", row->name);
		return;
	}
	char *text = row->after ? delta_text(row->kind, row->after, "value") : NULL;
	if (!text)
		v = value_default(slot);
	else if (value_parse(slot, text, &v, &e) != 0)
		report_error(&r->batch->report, E_CONFLICT, NULL, "%s: %s", c->name, e.text);
	if (e.code == 0 && made(r, c->handle)) {
		slot_write(slot, c, &v);
	} else if (e.code == 0) {
		batch_set(r->batch, c->handle, row->name, &v);
		value_clear(&v);
	}
	free(text);
}

struct standing {
	struct component *component;
	uint64_t parent;
};

static int by_position(const void *a, const void *b)
{
	const struct standing *x = a, *y = b;
	int64_t p = component_position(x->component), q = component_position(y->component);
	return (p > q) - (p < q);
}

/* A child that its type has gained since is made anew. */
static void complete(struct component *c)
{
	const struct slot *slot;
	for (struct slot_walk w = slot_walk(c->type); (slot = slot_next(&w));)
		if (slot->kind == V_COMPONENT && !component_child(c, slot->name))
			tree_attach(c, component_create(c->station, type_find(c->station->types, slot->dflt), slot->name, 0));
}

static void add_top(struct reverting *r, struct component *c, uint64_t parent)
{
	struct batch *b = r->batch;
	struct err e = { 0 };
	struct component *above = station_by_handle(b->station, parent),
	                 *old = above ? component_child(above, c->name) : NULL;
	if (!above) {
		conflict(r, c->handle, "%s", "what it stood below is gone.");
		component_destroy(&c);
		return;
	}
	bool replaces = old && (old->flags & COMPONENT_FROZEN) && handle_map_get(&r->leaves, old->handle);
	if (replaces) {
		c->flags |= COMPONENT_FROZEN;
		handle_map_put(&b->removed, old->handle, 1);
	}
	batch_take_added(b, c, parent, replaces ? old->handle : 0);
	handle_map_put(&b->sorted, parent, 1);
	if (!replaces)
		batch_change(b, CHANGE_ADD, c->handle)->parent = parent;
	else if (sheet_may_set(batch_who(b), above, component_slot(above, c->name), &e) != 0)
		batch_fail(b, NULL, &e);
	else
		batch_shadow(b, above)->rest = true;
}

/* Puts what comes back together, siblings in their order, and hands the tops to the batch. */
static void join(struct reverting *r)
{
	struct standing *order = must_alloc((r->made.count + 1) * sizeof *order);
	size_t n = 0;
	for (size_t i = 0; i < r->delta->count; i++) {
		const struct delta_row *row = &r->delta->rows[i];
		struct component *c = row->kind == &component_kind ? made(r, row->handle) : NULL;
		if (c)
			order[n++] = (struct standing){ c, (uint64_t)delta_integer(row->kind, row->after, "parent") };
	}
	qsort(order, n, sizeof *order, by_position);
	for (size_t i = 0; i < n; i++)
		if (made(r, order[i].parent))
			tree_attach(made(r, order[i].parent), order[i].component);
	for (size_t i = 0; i < n; i++)
		complete(order[i].component);
	for (size_t i = 0; i < n; i++)
		if (!made(r, order[i].parent))
			add_top(r, order[i].component, order[i].parent);
	free(order);
}

/* Only what differs; what that batch did not change stays as it is now. */
static void move_back(struct reverting *r, const struct delta_row *row)
{
	struct batch *b = r->batch;
	struct component *c = station_by_handle(b->station, row->handle);
	if (!c)
		return;
	bool named = column_differs(row->before, row->after, "name"),
	     moved = column_differs(row->before, row->after, "parent"),
	     ordered = column_differs(row->before, row->after, "position");
	if (named || moved || ordered) {
		struct change *change = batch_change(b, CHANGE_MOVE, row->handle);
		change->name = named ? delta_text(row->kind, row->after, "name") : NULL;
		change->parent = moved ? (uint64_t)delta_integer(row->kind, row->after, "parent") : 0;
		change->position = ordered || moved ? delta_integer(row->kind, row->after, "position") : 0;
	}
	if (column_differs(row->before, row->after, "displayName")) {
		char *text = delta_text(row->kind, row->after, "displayName");
		batch_display_name(b, row->handle, text);
		free(text);
	}
}

static void revert_component(struct reverting *r, const struct delta_row *row)
{
	const struct component *live = station_by_handle(r->batch->station, row->handle);
	if (row->before && row->after)
		move_back(r, row);
	else if (row->before && live && live->parent && !handle_map_get(&r->leaves, live->parent->handle) &&
	         !handle_map_get(&r->batch->removed, live->handle))
		batch_remove(r->batch, row->handle);
}

static void revert_link(struct reverting *r, const struct delta_row *row)
{
	struct component *live = station_by_handle(r->batch->station, row->handle);
	if (handle_map_get(&r->leaves, row->handle))
		return;
	if (live && link_find(live, row->name))
		batch_unlink(r->batch, row->handle, row->name);
	if (!row->after)
		return;
	struct change *c = batch_change(r->batch, CHANGE_LINK, row->handle);
	c->name = must_strdup(row->name);
	c->source_handle = (uint64_t)delta_integer(row->kind, row->after, "source");
	c->sourceSlot = delta_text(row->kind, row->after, "sourceSlot");
	c->targetSlot = delta_text(row->kind, row->after, "targetSlot");
}

static void revert_slot(struct reverting *r, const struct delta_row *row)
{
	struct component *c = station_by_handle(r->batch->station, row->handle);
	if (c && !handle_map_get(&r->leaves, row->handle))
		give_value(r, c, row);
}

static void revert_rows(struct reverting *r)
{
	for (size_t i = 0; i < r->delta->count; i++) {
		const struct delta_row *row = &r->delta->rows[i];
		if (row->kind == &component_kind)
			revert_component(r, row);
		else if (row->kind == &link_kind)
			revert_link(r, row);
		else if (!made(r, row->handle))
			revert_slot(r, row);
	}
}

static void make_all(struct reverting *r)
{
	for (size_t i = 0; i < r->delta->count; i++) {
		const struct delta_row *row = &r->delta->rows[i];
		if (row->kind == &component_kind && !row->before && !station_by_handle(r->batch->station, row->handle))
			make(r, row);
	}
	for (size_t i = 0; i < r->delta->count; i++) {
		const struct delta_row *row = &r->delta->rows[i];
		struct component *c = row->kind == &slot_kind && row->after ? made(r, row->handle) : NULL;
		if (c)
			give_value(r, c, row);
	}
	join(r);
}

static void revert(struct batch *b, struct delta *d)
{
	struct reverting r = { .batch = b, .delta = d, .forced = b->revert == REVERT_RESTORE };
	delta_invert(d);
	for (size_t i = 0; i < d->count; i++)
		if (d->rows[i].kind == &component_kind && d->rows[i].before && !d->rows[i].after)
			handle_map_put(&r.leaves, d->rows[i].handle, 1);
	if (!r.forced) {
		read_now(&r);
		check_rows(&r);
	}
	if (!b->report.errors) {
		make_all(&r);
		revert_rows(&r);
	}
	delta_finish(&r.now);
	handle_map_finish(&r.made);
	handle_map_finish(&r.leaves);
}

/* --- loading ---------------------------------------------------------------------------------------------------- */

static void loaded(void *context, int code, const struct err *e, struct delta *d)
{
	struct batch *b = context;
	if (code != 0)
		report_error(&b->report, E_CONFLICT, NULL, "%s", e->text);
	else
		revert(b, d);
	batch_prepared(b);
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
		version_load(b->station, b->of, b->of, loaded, b);
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
		version_load(b->station, b->of + 1, 0, loaded, b);
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
