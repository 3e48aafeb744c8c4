/* SPDX-License-Identifier: Apache-2.0
 * The structure's part of a plan: what is added, removed and moved. Names, parents and removals are judged
 * by the tree as the whole batch leaves it, so that two names can be swapped and what is moved out of a folder survives
 * its removal. Part of sheet_plan.c, see batch.h. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/sheet/batch_plan.h"
#include "station/store/persist.h"

/* --- places ----------------------------------------------------------------------------------------------------- */

const struct place *place_of(const struct batch *b, uint64_t handle)
{
	uint64_t at = handle_map_get(&b->place_at, handle);
	return at ? &b->places[at - 1] : NULL;
}

struct place *place_make(struct batch *b, uint64_t handle)
{
	uint64_t at = handle_map_get(&b->place_at, handle);
	if (at)
		return &b->places[at - 1];
	if (b->place_count == b->place_capacity) {
		b->place_capacity = b->place_capacity ? 2 * b->place_capacity : 8;
		b->places = must_realloc(b->places, b->place_capacity * sizeof *b->places);
	}
	must(b->places != NULL);
	b->places[b->place_count] = (struct place){ .handle = handle };
	handle_map_put(&b->place_at, handle, ++b->place_count);
	return &b->places[b->place_count - 1];
}

void place_claim(struct batch *b, uint64_t handle, uint64_t parent, const char *name, bool fresh)
{
	struct place *p = place_make(b, handle);
	p->parent = parent;
	p->name = name;
	p->fresh = fresh;
	if (b->claim_count == b->claim_capacity) {
		b->claim_capacity = b->claim_capacity ? 2 * b->claim_capacity : 8;
		b->claims = must_realloc(b->claims, b->claim_capacity * sizeof *b->claims);
	}
	uint64_t key = handle_map_key(parent, name);
	b->claims[b->claim_count] = (struct claim){ (size_t)(p - b->places), (size_t)handle_map_get(&b->claim_at, key) };
	handle_map_put(&b->claim_at, key, ++b->claim_count);
}

void place_exchange(struct batch *b, uint64_t handle, struct component *c)
{
	struct place *p = place_make(b, handle);
	p->handle = c->handle;
	p->name = c->name;
	handle_map_put(&b->place_at, c->handle, (uint64_t)(p - b->places) + 1);
}

/* The next place with that name below that parent, from claim index + 1 on; moves *at behind it. */
static const struct place *claimed(const struct batch *b, uint64_t parent, const char *name, size_t *at)
{
	while (*at) {
		const struct claim *claim = &b->claims[*at - 1];
		const struct place *p = &b->places[claim->place];
		*at = claim->next;
		if (p->parent == parent && strcmp(p->name, name) == 0)
			return p;
	}
	return NULL;
}

/* A child that is there already and stays where it is under its name. */
static struct component *staying_child(struct batch *b, uint64_t parent, const char *name)
{
	struct component *above = batch_component(b, parent), *c = above ? component_child(above, name) : NULL;
	return c && !handle_map_get(&b->removed, c->handle) && !place_of(b, c->handle) ? c : NULL;
}

uint64_t place_child(struct batch *b, uint64_t parent, const char *name, bool added_only)
{
	size_t at = (size_t)handle_map_get(&b->claim_at, handle_map_key(parent, name));
	const struct place *p;
	while ((p = claimed(b, parent, name, &at)))
		if (p->fresh || !added_only)
			return p->handle;
	struct component *c = added_only ? NULL : staying_child(b, parent, name);
	return c ? c->handle : 0;
}

static bool name_taken(struct batch *b, uint64_t parent, const char *name, uint64_t self)
{
	size_t at = (size_t)handle_map_get(&b->claim_at, handle_map_key(parent, name));
	const struct place *p;
	while ((p = claimed(b, parent, name, &at)))
		if (p->handle != self)
			return true;
	const struct component *c = staying_child(b, parent, name);
	return c && c->handle != self;
}

uint64_t place_parent(const struct batch *b, uint64_t handle)
{
	const struct place *p = place_of(b, handle);
	if (p)
		return p->parent;
	const struct component *c = batch_component(b, handle);
	return c && c->parent ? c->parent->handle : 0;
}

char *place_path(const struct batch *b, const struct component *c)
{
	uint64_t above = batch_added(b, c->handle) ? place_parent(b, c->handle) : 0;
	const struct component *parent = above ? batch_component(b, above) : NULL;
	if (!parent)
		return component_path(c);
	char *outer = place_path(b, parent), *path = must_format("%s/%s", strcmp(outer, "/") == 0 ? "" : outer, c->name);
	free(outer);
	return path;
}

/* Is `above` the component itself or among those that it will stand below? Moves may close a circle: then it is, too.
 * Brent's way of finding circles: the teleporting turtle. */
static bool stands_below(const struct batch *b, uint64_t handle,
                         bool (*is)(const struct batch *b, uint64_t handle, uint64_t wanted), uint64_t wanted,
                         bool circle)
{
	uint64_t turtle = 0;
	for (size_t steps = 0, power = 1; handle; handle = place_parent(b, handle)) {
		if (is(b, handle, wanted))
			return true;
		if (handle == turtle)
			return circle;
		if (++steps == power) {
			turtle = handle;
			power *= 2;
			steps = 0;
		}
	}
	return false;
}

static bool is_removed(const struct batch *b, uint64_t handle, uint64_t wanted)
{
	(void)wanted;
	return handle_map_get(&b->removed, handle) != 0;
}

static bool is_itself(const struct batch *b, uint64_t handle, uint64_t wanted)
{
	(void)b;
	return handle == wanted;
}

bool place_removed(const struct batch *b, const struct component *c)
{
	return b->removed.count && stands_below(b, c->handle, is_removed, 0, false);
}

void place_begin(struct batch *b)
{
	for (size_t i = 0; i < b->count; i++) {
		const struct change *change = &b->changes[i];
		struct component *c = batch_component(b, change->component);
		if ((change->what == CHANGE_SET_JSON || change->what == CHANGE_ADD) && change->prefix &&
		    !handle_map_get(&b->pointer_at, change->component))
			handle_map_put(&b->pointer_at, change->component, i + 1);
		if (c && change->what == CHANGE_REMOVE && !batch_added(b, c->handle))
			handle_map_put(&b->removed, c->handle, 1);
		if (!c || change->what != CHANGE_MOVE || batch_added(b, c->handle) || !c->parent)
			continue;
		const struct place *p = place_of(b, c->handle);
		uint64_t parent = change->parent ? change->parent : p ? p->parent : c->parent->handle;
		const char *name = change->name ? change->name : p ? p->name : c->name;
		place_claim(b, c->handle, parent, name, false);
		if (change->position)
			place_make(b, c->handle)->position = change->position;
	}
}

/* --- rules ------------------------------------------------------------------------------------------------------ */

static bool container(const struct type *type)
{
	for (; type; type = type->base)
		if (type->flags & TYPE_CONTAINER)
			return true;
	return false;
}

int place_allows(const struct type *type, const struct component *parent, struct err *e)
{
	for (const struct type *t = type; t; t = t->base)
		if (t->parent_ok)
			return t->parent_ok(parent, e);
	return 0;
}

static bool place_ok(struct batch *b, const struct component *c, struct component *parent, const char *name)
{
	struct err e = { 0 };
	if (place_removed(b, parent))
		report_error(&b->report, E_CONFLICT, "parent", "%s is removed by the same batch; nothing can come below it.",
		             parent->name);
	else if (!container(parent->type))
		report_error(&b->report, E_INVALID, "parent", "A %s takes no further components below it.", parent->type->name);
	else if (place_allows(c->type, parent, &e) != 0)
		report_error(&b->report, e.code, "parent", "%s", e.text);
	else if (name_taken(b, parent->handle, name, c->handle))
		report_error(&b->report, E_CONFLICT, "name", "There is a component named \"%s\" here already.", name);
	else
		return true;
	return false;
}

static const struct type *singleton_of(const struct type *type)
{
	while (type && !(type->flags & TYPE_SINGLETON))
		type = type->base;
	return type;
}

static bool second_of_its_kind(struct batch *b, const struct component *c)
{
	const struct type *single = singleton_of(c->type);
	if (!single)
		return false;
	bool second = station_service(b->station, single) != NULL;
	for (size_t i = 0; i < b->added_count && !second; i++)
		second = b->added[i].component != c && component_is(b->added[i].component, single);
	if (second)
		report_error(&b->report, E_CONFLICT, "type", "The station has its %s already; there can be only one.",
		             single->name);
	return second;
}

/* --- add, remove, move ------------------------------------------------------------------------------------------ */

void plan_add(struct batch *b, struct component *c, const struct change *change)
{
	struct err e = { 0 };
	struct component *parent = batch_component(b, change->parent);
	size_t n = strlen(b->report.prefix);
	if (n >= 7 && strcmp(b->report.prefix + n - 7, "/values") == 0)
		b->report.prefix[n - 7] = '\0';
	if (!parent)
		report_error(&b->report, E_NOT_FOUND, "parent", "The component to add to is gone.");
	else if (sheet_may_configure(planned_by(b), &e) != 0)
		batch_fail(b, NULL, &e);
	else if (place_ok(b, c, parent, c->name) && !second_of_its_kind(b, c)) {
		batch_shadow(b, c);
		batch_note(b, "added", c, NULL, NULL, c->type->name);
		if (change->json)
			batch_plan_json(b, c, change->json, change->prefix);
	}
}

/* The first service among c and what goes with it, NULL: none. What the batch moves out does not go. */
static const struct component *service_in(const struct batch *b, struct component *c)
{
	for (struct component *d = c; d;) {
		bool leaves = d != c && place_of(b, d->handle) && !place_removed(b, d);
		if (!leaves && singleton_of(d->type))
			return d;
		d = leaves ? tree_skip(d, c) : tree_next(d, c);
	}
	return NULL;
}

void plan_remove(struct batch *b, struct component *c)
{
	struct err e = { 0 };
	const struct component *service = NULL;
	if (sheet_may_configure(planned_by(b), &e) != 0)
		batch_fail(b, NULL, &e);
	else if (batch_added(b, c->handle))
		report_error(&b->report, E_CONFLICT, NULL, "%s is added by the same batch; leave both out.", c->name);
	else if (!c->parent || (c->flags & COMPONENT_FROZEN))
		report_error(&b->report, E_CONFLICT, NULL, "%s belongs to its parent and cannot be removed.", c->name);
	else if (place_of(b, c->handle))
		report_error(&b->report, E_CONFLICT, NULL, "%s is moved by the same batch and cannot be removed by it.",
		             c->name);
	else if (!b->restoring && (service = service_in(b, c)))
		report_error(&b->report, E_CONFLICT, NULL,
		             "%s is a service of the station and cannot be removed; it can be disabled.", service->name);
	else if (!place_removed(b, c->parent))
		batch_note(b, "removed", c, NULL, c->type->name, NULL);
}

/* Behind all that are there: a number that no component will have. */
int64_t place_last(struct batch *b)
{
	b->numbers_taken = true;
	return position_of_number(b->station->tree.next_handle++);
}

/* A component that several changes move is judged by where it ends. */
void plan_move(struct batch *b, struct component *c, const struct change *change)
{
	struct err e = { 0 };
	const struct place *p = place_of(b, c->handle);
	struct component *parent = p ? batch_component(b, p->parent) : NULL;
	bool stays = parent && parent == c->parent && strcmp(p->name, c->name) == 0;
	if (sheet_may_configure(planned_by(b), &e) != 0 || (change->name && name_check(change->name, &e) != 0)) {
		batch_fail(b, NULL, &e);
		return;
	}
	if (batch_added(b, c->handle)) {
		report_error(&b->report, E_CONFLICT, NULL, "%s is added by the same batch: add it where it shall stand.",
		             c->name);
		return;
	}
	if (!c->parent || ((c->flags & COMPONENT_FROZEN) && !stays) || !parent) {
		report_error(&b->report, E_CONFLICT, NULL, "%s cannot be moved or renamed.", c->name);
		return;
	}
	if (stays && place_removed(b, c)) {
		report_error(&b->report, E_CONFLICT, NULL, "%s is removed by the same batch and cannot be changed by it.",
		             c->name);
		return;
	}
	if (stands_below(b, parent->handle, is_itself, c->handle, true)) {
		report_error(&b->report, E_INVALID, "parent", "A component cannot be moved below itself.");
		return;
	}
	if (change->position) {
		handle_map_put(&b->sorted, parent->handle, 1);
		batch_row(b, c)->rest = true;
	}
	if (stays || !place_ok(b, c, parent, p->name))
		return;
	if (parent != c->parent && !p->position) { /* a new number: behind all that are there */
		place_make(b, c->handle)->position = place_last(b);
	}
	batch_note(b, parent == c->parent ? "renamed" : "moved", c, NULL, c->name, p->name);
	batch_row(b, c)->rest = true;
}

/* --- writing ---------------------------------------------------------------------------------------------------- */

/* All of it but what is moved out. */
static void write_removed(struct batch *b, struct component *top)
{
	for (struct component *d = top; d;) {
		bool leaves = d != top && place_of(b, d->handle) && !place_removed(b, d);
		if (!leaves)
			persist_remove_alone(b->tx, d);
		d = leaves ? tree_skip(d, top) : tree_next(d, top);
	}
}

void place_write(struct batch *b)
{
	for (size_t i = 0; i < b->count; i++) {
		struct component *c = station_by_handle(b->station, b->changes[i].component);
		if (c && b->changes[i].what == CHANGE_REMOVE && !(c->parent && place_removed(b, c->parent)))
			write_removed(b, c);
	}
	for (size_t i = 0; i < b->added_count; i++) {
		const struct added *a = &b->added[i];
		struct component *old = a->replaces ? station_by_handle(b->station, a->replaces) : NULL;
		if (old)
			write_removed(b, old);
	}
}
