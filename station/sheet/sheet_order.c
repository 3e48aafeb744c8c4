/* SPDX-License-Identifier: Apache-2.0
 * The order's part of a plan: which position the children of a parent get, judged when everything else was planned. Part
 * of sheet_plan.c, see batch_plan.h. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/sheet/batch_plan.h"

/* The children of one parent while they are put in order. */
struct ordering {
	uint64_t parent;
	uint64_t *handles;  /* owned; in their new order */
	int64_t *positions; /* owned; of each */
	size_t count;
};
struct orderings {
	struct ordering *items; /* owned */
	size_t count;
	struct handle_map at, arrivals; /* parent -> index + 1 of its ordering; of the first place below it */
};

static int64_t position_of(struct batch *b, uint64_t handle)
{
	const struct place *p = place_of(b, handle);
	return p && p->position ? p->position : component_position(batch_component(b, handle));
}

struct numbered {
	uint64_t handle;
	int64_t position;
};

static int by_position(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;
	return x->position != y->position ? (x->position > y->position) - (x->position < y->position)
	                                  : (x->handle > y->handle) - (x->handle < y->handle);
}

static size_t collect_children(struct batch *b, const struct orderings *o, uint64_t parent, struct numbered *out)
{
	size_t n = 0;
	const struct component *above = batch_component(b, parent);
	for (const struct component *c = above->first; c; c = c->next) {
		if (out && !handle_map_get(&b->removed, c->handle) && !place_of(b, c->handle))
			out[n] = (struct numbered){ c->handle, component_position(c) };
		n += !handle_map_get(&b->removed, c->handle) && !place_of(b, c->handle);
	}
	const struct place *p = NULL;
	for (size_t at = (size_t)handle_map_get(&o->arrivals, parent); at; at = p->next_arrival, n++) {
		must(b->places != NULL);
		p = &b->places[at - 1];
		if (out)
			out[n] = (struct numbered){ p->handle, position_of(b, p->handle) };
	}
	return n;
}

static struct ordering *ordering_of(struct batch *b, struct orderings *o, uint64_t parent)
{
	uint64_t at = handle_map_get(&o->at, parent);
	if (at)
		return &o->items[at - 1];
	size_t n = collect_children(b, o, parent, NULL);
	struct numbered *children = must_alloc((n + 1) * sizeof *children);
	collect_children(b, o, parent, children);
	qsort(children, n, sizeof *children, by_position);
	o->items = must_realloc(o->items, (o->count + 1) * sizeof *o->items);
	struct ordering *it = &o->items[o->count++];
	handle_map_put(&o->at, parent, o->count);
	*it = (struct ordering){ .parent = parent, .count = n };
	it->handles = must_alloc((n + 1) * sizeof *it->handles);
	it->positions = must_alloc((n + 1) * sizeof *it->positions);
	for (size_t i = 0; i < n; i++)
		it->handles[i] = children[i].handle;
	free(children);
	return it;
}

static void order_names(struct batch *b, struct ordering *it, const json_t *names)
{
	struct handle_map taken = { 0 };
	uint64_t *order = must_alloc((it->count + 1) * sizeof *order);
	size_t n = 0, i;
	json_t *name;
	json_array_foreach((json_t *)(uintptr_t)names, i, name)
	{
		const char *text = json_string_value(name);
		uint64_t handle = text ? place_child(b, it->parent, text, false) : 0;
		char slot[32];
		snprintf(slot, sizeof slot, "order/%zu", i);
		if (!handle || handle_map_get(&taken, handle)) {
			report_error(&b->report, E_INVALID, slot,
			             handle ? "\"%.60s\" stands here twice." : "There is no child \"%.60s\".", text ? text : "");
			continue;
		}
		handle_map_put(&taken, handle, 1);
		order[n++] = handle;
	}
	for (i = 0; i < it->count; i++)
		if (!handle_map_get(&taken, it->handles[i]))
			order[n++] = it->handles[i];
	if (n == it->count)
		memcpy(it->handles, order, n * sizeof *order);
	free(order);
	handle_map_finish(&taken);
}

static size_t index_in(const struct ordering *it, uint64_t handle)
{
	size_t i = 0;
	while (i < it->count && it->handles[i] != handle)
		i++;
	return i;
}

static void order_before(struct batch *b, struct ordering *it, uint64_t handle, const char *name)
{
	uint64_t other = *name ? place_child(b, it->parent, name, false) : 0;
	size_t from = index_in(it, handle);
	if ((*name && !other) || from == it->count) {
		report_error(&b->report, E_INVALID, "before", "There is no child \"%.60s\" to stand in front of.", name);
		return;
	}
	if (other == handle)
		return;
	memmove(&it->handles[from], &it->handles[from + 1], (it->count - from - 1) * sizeof *it->handles);
	it->count--;
	size_t to = other ? index_in(it, other) : it->count;
	memmove(&it->handles[to + 1], &it->handles[to], (it->count - to) * sizeof *it->handles);
	it->handles[to] = handle;
	it->count++;
}

static void give_position(struct batch *b, const struct ordering *it, size_t i, int64_t position)
{
	struct component *c = batch_component(b, it->handles[i]);
	it->positions[i] = position;
	if (batch_added(b, c->handle)) {
		component_set_position(c, position);
		return;
	}
	if (!place_of(b, c->handle))
		place_claim(b, c->handle, it->parent, c->name, false);
	place_make(b, c->handle)->position = position;
	batch_row(b, c)->rest = true;
}

/* Marks those that may keep their positions: a longest rising row of them, found by patience sorting. */
static void mark_rising(const struct ordering *it, bool *stays)
{
	size_t *ends = must_alloc((it->count + 1) * sizeof *ends), *before = must_alloc((it->count + 1) * sizeof *before);
	size_t length = 0; /* ends[k]: index + 1 of the least last one of a row of k + 1; before: the one in front of it */
	for (size_t i = 0; i < it->count; i++) {
		size_t low = 0, high = length;
		while (low < high) {
			size_t mid = (low + high) / 2;
			if (it->positions[ends[mid] - 1] < it->positions[i])
				low = mid + 1;
			else
				high = mid;
		}
		before[i] = low ? ends[low - 1] : 0;
		ends[low] = i + 1;
		length += low == length;
	}
	for (size_t at = length ? ends[length - 1] : 0; at; at = before[at - 1])
		stays[at - 1] = true;
	free(ends);
	free(before);
}

/* Positions for those from first on that stand between two that stay. False: there is no room. */
static bool fit(struct batch *b, const struct ordering *it, size_t first, size_t end)
{
	int64_t room = position_of_number(1), below = first ? it->positions[first - 1] : 0;
	if (first && end < it->count)
		room = (it->positions[end] - below) / (int64_t)(end - first + 1);
	if (room < 2)
		return false;
	for (size_t i = first; i < end; i++) {
		int64_t position = end == it->count ? place_last(b)
		    : first                         ? below + room * (int64_t)(i - first + 1)
		                                    : it->positions[end] - room * (int64_t)(end - i);
		give_position(b, it, i, position ? position : 1);
	}
	return true;
}

/* As few as possible get new positions, so that one that is moved among many is one row to write. */
static void number(struct batch *b, const struct ordering *it)
{
	bool *stays = must_alloc(it->count + 1), any = false, fits = true;
	for (size_t i = 0; i < it->count; i++)
		it->positions[i] = position_of(b, it->handles[i]);
	mark_rising(it, stays);
	for (size_t first = 0, end; first < it->count; first = end) {
		for (end = first; end < it->count && !stays[end];)
			end++;
		fits = fits && (first == end || fit(b, it, first, end));
		any = any || first < end;
		end += end < it->count;
	}
	for (size_t i = 0; !fits && i < it->count; i++)
		give_position(b, it, i, place_last(b));
	free(stays);
	if (any) {
		handle_map_put(&b->sorted, it->parent, 1);
		batch_note(b, "reordered", batch_component(b, it->parent), NULL, NULL, NULL);
	}
}

static void order_one(struct batch *b, struct orderings *o, const struct change *change)
{
	struct err e = { 0 };
	batch_point(b, change->prefix);
	uint64_t parent = change->parent ? change->parent : place_parent(b, change->component);
	const struct component *above = parent ? batch_component(b, parent) : NULL;
	if (sheet_may_configure(planned_by(b), &e) != 0)
		batch_fail(b, NULL, &e);
	else if (!above)
		report_error(&b->report, E_NOT_FOUND, NULL, "The component is gone, or has no siblings.");
	else if (place_removed(b, above))
		report_error(&b->report, E_CONFLICT, NULL, "%s is removed by the same batch.", above->name);
	else if (change->json)
		order_names(b, ordering_of(b, o, parent), change->json);
	else
		order_before(b, ordering_of(b, o, parent), change->component, change->name);
}

void plan_order(struct batch *b)
{
	struct orderings o = { 0 };
	for (size_t i = 0; i < b->place_count; i++) {
		struct place *p = &b->places[i];
		p->next_arrival = (size_t)handle_map_get(&o.arrivals, p->parent);
		handle_map_put(&o.arrivals, p->parent, i + 1);
	}
	for (size_t i = 0; i < b->count; i++)
		if (b->changes[i].what == CHANGE_ORDER)
			order_one(b, &o, &b->changes[i]);
	for (size_t i = 0; i < o.count; i++) {
		if (!b->report.errors)
			number(b, &o.items[i]);
		free(o.items[i].handles);
		free(o.items[i].positions);
	}
	free(o.items);
	handle_map_finish(&o.at);
	handle_map_finish(&o.arrivals);
}
