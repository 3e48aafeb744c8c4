/* SPDX-License-Identifier: Apache-2.0
 * The changes that take a delta back: components come back with their handles, others go, move, get their values and links
 * again. See revert.h. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/sheet/revert.h"
#include "station/tree/own_slots.h"

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
		revert_conflict(r, row->handle, "its type %s is no longer known.", type_name);
	} else {
		struct component *c = component_create(r->batch->station, type, name, row->handle);
		/* Later than any it had, so that no old ETag fits: each version since may have counted one. */
		c->revision =
		    (uint32_t)(delta_integer(row->kind, row->after, "revision") + version_newest(r->batch->station) + 1);
		component_set_position(c, delta_integer(row->kind, row->after, "position"));
		if (*display)
			component_set_display_name(c, display);
		handle_map_put(&r->made, row->handle, (uintptr_t)c);
	}
	free(name);
	free(type_name);
	free(display);
}

/* A dynamic slot now, or by the definitions that come back: its text is read when those stand. */
static bool is_own(const struct reverting *r, const struct component *c, const char *name)
{
	return own_slot_row(c, name) || (!component_slot(c, name) && delta_find(&r->delta, &slot_kind, c->handle, "slots"));
}

static void give_own(struct reverting *r, const struct delta_row *row)
{
	struct change *change = batch_change(r->batch, CHANGE_SET_OWN, row->handle);
	change->name = must_strdup(row->name);
	change->source = row->after ? delta_text(row->kind, row->after, "value") : NULL;
}

static void give_definitions(struct reverting *r, const struct delta_row *row)
{
	char *text = row->after ? delta_text(row->kind, row->after, "value") : must_strdup("[]");
	json_t *list = json_loads(text, 0, NULL);
	batch_slots_all(r->batch, row->handle, list);
	json_decref(list);
	free(text);
}

static void give_value(struct reverting *r, struct component *c, const struct delta_row *row)
{
	const struct slot *slot = component_slot(c, row->name);
	struct err e = { 0 };
	struct value v;
	if (!made(r, c->handle) && is_own(r, c, row->name)) {
		give_own(r, row);
		return;
	}
	if (!slot || slot->kind == V_COMPONENT) {
		if (row->after)
			revert_conflict(r, row->handle, "it has no property \"%s\".", row->name);
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
		revert_conflict(r, c->handle, "%s", "what it stood below is gone.");
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
	else if (sheet_may_set(planned_by(b), above, component_slot(above, c->name), &e) != 0)
		batch_fail(b, NULL, &e);
	else
		batch_shadow(b, above)->rest = true;
}

/* Puts what comes back together, siblings in their order, and hands the tops to the batch. */
static void join(struct reverting *r)
{
	struct standing *order = must_alloc((r->made.count + 1) * sizeof *order);
	size_t n = 0;
	for (size_t i = 0; i < r->delta.count; i++) {
		const struct delta_row *row = &r->delta.rows[i];
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
	bool named = revert_differs(row->before, row->after, "name"),
	     moved = revert_differs(row->before, row->after, "parent"),
	     ordered = revert_differs(row->before, row->after, "position");
	if (named || moved || ordered) {
		struct change *change = batch_change(b, CHANGE_MOVE, row->handle);
		change->name = named ? delta_text(row->kind, row->after, "name") : NULL;
		change->parent = moved ? (uint64_t)delta_integer(row->kind, row->after, "parent") : 0;
		change->position = ordered || moved ? delta_integer(row->kind, row->after, "position") : 0;
	}
	if (revert_differs(row->before, row->after, "displayName")) {
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
	c->disabled = delta_integer(row->kind, row->after, "enabled") == 0;
}

static void revert_slot(struct reverting *r, const struct delta_row *row)
{
	struct component *c = station_by_handle(r->batch->station, row->handle);
	if (!c || handle_map_get(&r->leaves, row->handle))
		return;
	if (strcmp(row->name, "slots") == 0)
		give_definitions(r, row);
	else
		give_value(r, c, row);
}

static void revert_rows(struct reverting *r)
{
	for (size_t i = 0; i < r->delta.count; i++) {
		const struct delta_row *row = &r->delta.rows[i];
		if (row->kind == &component_kind)
			revert_component(r, row);
		else if (row->kind == &link_kind)
			revert_link(r, row);
		else if (!made(r, row->handle))
			revert_slot(r, row);
	}
}

/* Values of components that come back: definitions of their own slots before the values of these. */
static void give_made(struct reverting *r, bool definitions)
{
	for (size_t i = 0; i < r->delta.count; i++) {
		const struct delta_row *row = &r->delta.rows[i];
		struct component *c = row->kind == &slot_kind && row->after ? made(r, row->handle) : NULL;
		if (c && (strcmp(row->name, "slots") == 0) == definitions)
			give_value(r, c, row);
	}
}

void revert_make(struct reverting *r)
{
	for (size_t i = 0; i < r->delta.count; i++) {
		const struct delta_row *row = &r->delta.rows[i];
		if (row->kind == &component_kind && !row->before && !station_by_handle(r->batch->station, row->handle))
			make(r, row);
	}
	give_made(r, true);
	give_made(r, false);
	join(r);
	revert_rows(r);
}
