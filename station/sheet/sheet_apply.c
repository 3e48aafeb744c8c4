/* SPDX-License-Identifier: Apache-2.0
 * Carrying out a batch that is on disk: places what was added, moves values from shadows into components, and tells
 * everybody afterwards, when the whole batch stands. Cannot fail. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/link/link_cover.h"
#include "station/sheet/batch_plan.h"

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

static void place_added(struct batch *b, struct added *a)
{
	struct component *old = a->replaces ? station_by_handle(b->station, a->replaces) : NULL;
	if (old)
		remove_component(old);
	tree_attach(station_by_handle(b->station, a->parent), a->component);
	a->component = NULL; /* the tree's now */
}

static void move_placed(struct batch *b, const struct place *p)
{
	struct component *c = station_by_handle(b->station, p->handle);
	if (p->fresh || !c) /* one that stays may have been replaced */
		return;
	if (strcmp(c->name, p->name) != 0)
		tree_rename(c, p->name);
	if (c->parent->handle != p->parent)
		tree_move(c, station_by_handle(b->station, p->parent));
	if (p->position)
		component_set_position(c, p->position);
}

/* Taken out in the order in which they stand, so that nobody is looked for among many siblings. */
static void remove_all(struct batch *b)
{
	for (size_t i = 0; i < b->count; i++) {
		struct component *c = station_by_handle(b->station, b->changes[i].component);
		if (c && b->changes[i].what == CHANGE_REMOVE)
			c->flags |= COMPONENT_LEAVING;
	}
	for (size_t i = 0; i < b->count; i++) {
		struct component *c = station_by_handle(b->station, b->changes[i].component);
		if (!c || b->changes[i].what != CHANGE_REMOVE)
			continue;
		struct component *parent = c->parent;
		tree_front(parent, COMPONENT_LEAVING);
		while (parent->first && (parent->first->flags & COMPONENT_LEAVING))
			remove_component(parent->first);
	}
}

static void sort_children(struct batch *b)
{
	for (size_t i = 0; i < b->sorted.size; i++) {
		struct component *c = b->sorted.items[i] ? station_by_handle(b->station, b->sorted.keys[i]) : NULL;
		if (c)
			tree_sort(c);
	}
}

static void apply_values(struct shadow *s)
{
	if (s->fresh || (s->count == 0 && !s->rest))
		return;
	for (uint32_t i = 0; i < s->count; i++) {
		struct value v;
		slot_read(s->slots[i], s->next, &v);
		slot_store(s->slots[i], s->live, &v);
		slot_write(s->slots[i], s->live, &v);
	}
	s->live->revision++;
	if (shadow_defines(s))
		links_refresh(s->live);
	if (s->displayName)
		component_set_display_name(s->live, s->displayName);
}

static void add_link(struct component *c, const struct change *change)
{
	struct link *l = link_add(c, change->name, change->source_handle, change->sourceSlot, change->targetSlot);
	if (l)
		l->enabled = !change->disabled;
}

static void enable_link(struct station *s, const struct change *change)
{
	struct component *c = station_by_handle(s, change->component);
	struct link *l = c ? link_find(c, change->name) : NULL;
	if (l && change->disabled)
		link_leave(l);
	if (l)
		l->enabled = !change->disabled;
}

static void apply_links(struct batch *b)
{
	for (size_t i = 0; i < b->count; i++) {
		const struct change *change = &b->changes[i];
		struct component *c = change->what == CHANGE_UNLINK ? station_by_handle(b->station, change->component) : NULL;
		struct link *l = c ? link_find(c, change->name) : NULL;
		if (l) /* else it died with what it came from */
			link_remove(c, l);
	}
	for (size_t i = 0; i < b->count; i++) {
		const struct change *change = &b->changes[i];
		struct component *c = change->what == CHANGE_LINK ? station_by_handle(b->station, change->component) : NULL;
		if (c)
			add_link(c, change);
	}
	for (size_t i = 0; i < b->count; i++)
		if (b->changes[i].what == CHANGE_LINK_ENABLE)
			enable_link(b->station, &b->changes[i]);
}

/* Where slots were defined anew, what links bring comes again. */
static void carry_into_defined(struct batch *b)
{
	for (size_t i = 0; i < b->shadow_count; i++) {
		const struct shadow *s = &b->shadows[i];
		struct component *c = s->fresh || !shadow_defines(s) ? NULL : station_by_handle(b->station, s->handle);
		for (struct link *l = c && c->extra ? c->extra->links : NULL; l; l = l->next)
			if (l->enabled)
				link_carry(l);
	}
}

/* Values travel when everything stands and has started. A link that is new carries its value at once. */
static void carry_new_links(struct batch *b)
{
	bool any = false;
	for (size_t i = 0; i < b->count; i++) {
		const struct change *change = &b->changes[i];
		bool link = change->what == CHANGE_LINK || change->what == CHANGE_LINK_ENABLE;
		struct component *c = link ? station_by_handle(b->station, change->component) : NULL;
		struct link *l = c ? link_find(c, change->name) : NULL;
		if (l)
			link_carry(l);
		any = any || link || change->what == CHANGE_UNLINK || change->what == CHANGE_REMOVE;
	}
	if (any)
		links_mend(b->station);
}

/* After everything stands: rules of behaviour may look at the whole. A component may go while others are told. */
static void tell_changes(struct batch *b)
{
	for (size_t i = 0; i < b->shadow_count; i++) {
		const struct shadow *s = &b->shadows[i];
		struct component *c = station_by_handle(b->station, s->handle);
		for (uint32_t k = 0; c && !s->fresh && k < s->count; k++) {
			component_touched(c, s->slots[k]);
			c = station_by_handle(b->station, s->handle);
		}
		if (c && !s->fresh && (s->count || s->rest))
			tell(b->station, c, place_of(b, s->handle) ? "moved" : "changed");
	}
	for (size_t i = 0; i < b->sorted.size; i++) {
		struct component *c = b->sorted.items[i] ? station_by_handle(b->station, b->sorted.keys[i]) : NULL;
		if (c)
			tell(b->station, c, "changed");
	}
}

static void start_added(struct batch *b)
{
	for (size_t i = 0; i < b->added_count; i++) {
		struct component *c = station_by_handle(b->station, b->added[i].handle);
		if (!c)
			continue;
		if (c->parent->flags & COMPONENT_RUNNING)
			tree_start(c);
		tell(b->station, c, "added");
	}
}

void batch_apply(struct batch *b)
{
	links_hold(b->station);
	for (size_t i = 0; i < b->added_count; i++)
		place_added(b, &b->added[i]);
	for (size_t i = 0; i < b->place_count; i++)
		move_placed(b, &b->places[i]);
	remove_all(b);
	sort_children(b);
	for (size_t i = 0; i < b->shadow_count; i++)
		apply_values(&b->shadows[i]);
	apply_links(b);
	start_added(b);
	carry_new_links(b);
	carry_into_defined(b);
	tell_changes(b);
	links_release(b->station);
}
