/* SPDX-License-Identifier: Apache-2.0
 * Has somebody changed the same since? See revert.h. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/sheet/revert.h"

void revert_conflict(struct reverting *r, uint64_t handle, const char *format, const char *what)
{
	const struct component *live = station_by_handle(r->batch->station, handle);
	const struct delta_place *place = delta_place(&r->delta, handle);
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
static void read_memory(struct reverting *r)
{
	struct handle_map met = { 0 };
	for (size_t i = 0; i < r->delta.count; i++) {
		r->handle = r->delta.rows[i].handle;
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
	return slot && (slot->flags & (SLOT_READONLY | SLOT_DYNAMIC)) == SLOT_READONLY;
}

bool revert_differs(const char *a, const char *b, const char *column)
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
		if (revert_differs(row->before, row->after, columns[i].column) &&
		    revert_differs(row->before, now, columns[i].column)) {
			revert_conflict(r, row->handle, "%s", columns[i].sentence);
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
			revert_conflict(r, row->handle, "%s", now ? "it is there already." : "it was removed by another since.");
		else if (now && row->after)
			check_component(r, row, now);
		else if (now && revert_differs(row->before, now, "displayName"))
			revert_conflict(r, row->handle, "%s", "its display name was changed by another since.");
	} else if (!delta_same(row->kind, now, row->before)) {
		revert_conflict(r, row->handle,
		                row->kind == &slot_kind
		                    ? "\"%s\" was changed by another since; it is no longer as that batch left it."
		                    : "its link \"%s\" was changed by another since.",
		                row->name);
	}
}

/* What goes must not take along what others have built on it since. */
static void check_leaving(struct reverting *r, const struct delta_row *row)
{
	struct component *c = station_by_handle(r->batch->station, row->handle);
	for (struct component *child = c ? c->first : NULL; child; child = child->next) {
		const struct delta_row *own = delta_find(&r->delta, &component_kind, child->handle, "");
		if (!own)
			revert_conflict(r, row->handle, "\"%s\" was added below it by another since.", child->name);
	}
	for (struct link *l = c ? links_from(c) : NULL; l; l = link_next_from(l))
		if (!delta_find(&r->delta, &link_kind, l->target->handle, l->name))
			revert_conflict(r, row->handle, "it was linked to \"%s\" by another since.", l->target->name);
}

void revert_check(struct reverting *r)
{
	for (size_t i = 0; i < r->delta.count; i++) {
		check_row(r, &r->delta.rows[i]);
		if (handle_map_get(&r->leaves, r->delta.rows[i].handle) && r->delta.rows[i].kind == &component_kind)
			check_leaving(r, &r->delta.rows[i]);
	}
	for (size_t i = 0; i < r->now.count; i++) {
		const struct delta_row *now = &r->now.rows[i];
		if (now->before && handle_map_get(&r->leaves, now->handle) && !own_business(r, now) &&
		    !delta_find(&r->delta, now->kind, now->handle, now->name))
			revert_conflict(r, now->handle, "\"%s\" was changed by another since.", now->name);
	}
}

/* --- memory and store -------------------------------------------------------------------------------------------- */

void revert_read(struct reverting *r)
{
	read_memory(r);
	for (size_t i = 0; i < r->delta.count; i++) {
		const struct delta_row *row = &r->delta.rows[i];
		if (row->kind == &slot_kind && !own_business(r, row) && !delta_same(row->kind, now_of(r, row), row->before))
			handle_map_put(&r->suspects, row->handle, 1);
	}
	for (size_t i = 0; i < r->now.count; i++) {
		const struct delta_row *now = &r->now.rows[i];
		if (now->kind == &slot_kind && handle_map_get(&r->leaves, now->handle) &&
		    !delta_find(&r->delta, now->kind, now->handle, now->name))
			handle_map_put(&r->suspects, now->handle, 1);
	}
}

static bool was_asked(const struct reverting *r, uint64_t handle)
{
	for (size_t i = 0; i < r->query.where_count; i++)
		if ((uint64_t)r->query.where[i].value.integer == handle)
			return true;
	return false;
}

void revert_learn(struct reverting *r, const struct store_rows *rows)
{
	for (size_t i = 0; i < r->now.count; i++) {
		struct delta_row *now = &r->now.rows[i];
		if (now->kind == &slot_kind && was_asked(r, now->handle)) {
			free(now->before);
			now->before = NULL;
		}
	}
	for (size_t i = 0; i < rows->count; i++) {
		const struct slot_row *row = store_row(rows, i);
		char *state = delta_state(&slot_kind, row);
		delta_set(&r->now, &slot_kind, (uint64_t)row->handle, row->slot, state, NULL);
		free(state);
	}
}
