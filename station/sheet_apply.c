/* SPDX-License-Identifier: Apache-2.0
 * Carrying out a batch that is on disk: places what was added, moves values from shadows into components, and tells
 * everybody afterwards, when the whole batch stands. Cannot fail. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "station/batch.h"
#include "station/link.h"
#include "station/must.h"

static void tell(struct station *s, struct component *c, const char *what)
{
	for (struct observer *o = s->observers; o; o = o->next)
		if (o->component)
			o->component(o, c, what);
}

static void remove_component(struct component *c)
{
	tell(c->station, c, "removed");
	tree_stop(c);
	tree_detach(c);
	component_destroy(&c);
}

static void place_added(struct batch *b, size_t i)
{
	struct component *c = b->added[i], *parent = station_by_handle(b->station, b->added_parent[i]);
	struct component *old = component_child(parent, c->name);
	if (old) /* a frozen child of another type */
		remove_component(old);
	b->added[i] = NULL;
	tree_attach(parent, c);
}

static void apply_values(struct shadow *s)
{
	if (s->fresh || (s->count == 0 && !s->rest))
		return;
	for (size_t i = 0; i < s->count; i++) {
		struct value v;
		slot_read(s->slots[i], s->next, &v);
		slot_write(s->slots[i], s->live, &v);
	}
	s->live->revision++;
	if (s->displayName)
		component_set_display_name(s->live, s->displayName);
}

static void apply_change(struct batch *b, const struct change *change)
{
	struct component *c = station_by_handle(b->station, change->component);
	if (!c)
		return;
	if (change->what == CHANGE_REMOVE) {
		remove_component(c);
	} else if (change->what == CHANGE_MOVE) {
		struct component *parent = change->parent ? station_by_handle(b->station, change->parent) : c->parent;
		if (change->name)
			tree_rename(c, change->name);
		if (parent != c->parent)
			tree_move(c, parent);
		tell(b->station, c, "moved");
	} else if (change->what == CHANGE_LINK) {
		link_add(c, change->name, change->source_handle, change->sourceSlot, change->targetSlot);
		c->revision++;
		tell(b->station, c, "changed");
	} else if (change->what == CHANGE_UNLINK) {
		link_remove(c, link_find(c, change->name));
		c->revision++;
		tell(b->station, c, "changed");
	}
}

/* After everything stands: rules of behaviour may look at the whole. A component may go while others are told. */
static void tell_changes(struct batch *b)
{
	for (size_t i = 0; i < b->shadow_count; i++) {
		const struct shadow *s = &b->shadows[i];
		struct component *c = station_by_handle(b->station, s->handle);
		for (size_t k = 0; c && !s->fresh && k < s->count; k++) {
			component_touched(c, s->slots[k]);
			c = station_by_handle(b->station, s->handle);
		}
		if (c && !s->fresh && (s->count || s->rest))
			tell(b->station, c, "changed");
	}
}

void batch_apply(struct batch *b)
{
	uint64_t *handles = must_alloc((b->added_count + 1) * sizeof *handles);
	for (size_t i = 0; i < b->added_count; i++)
		handles[i] = b->added[i]->handle;
	for (size_t i = 0; i < b->added_count; i++)
		place_added(b, i);
	for (size_t i = 0; i < b->shadow_count; i++)
		apply_values(&b->shadows[i]);
	for (size_t i = 0; i < b->count; i++)
		apply_change(b, &b->changes[i]);
	for (size_t i = 0; i < b->added_count; i++) {
		struct component *c = station_by_handle(b->station, handles[i]);
		if (!c)
			continue;
		if (c->parent->flags & COMPONENT_RUNNING)
			tree_start(c);
		tell(b->station, c, "added");
	}
	tell_changes(b);
	free(handles);
}
