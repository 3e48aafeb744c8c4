/* SPDX-License-Identifier: Apache-2.0
 * Values under links: see link_cover.h. */
#include "station/link/link_cover.h"

#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/station.h"
#include "station/tree/own_slots.h"

struct covered {
	struct covered *next; /* of the same component */
	const struct slot *row;
	struct value value; /* owned; V_NULL: the default */
};
/* A slot that a link has left, until the wave is released. */
struct bare {
	struct bare *next;
	uint64_t component;
	char *slot; /* owned */
};

static struct covered *find(const struct component *c, const char *slot)
{
	struct covered *v = c->extra ? c->extra->covered : NULL;
	while (v && strcmp(v->row->name, slot) != 0)
		v = v->next;
	return v;
}

/* Most slots that links feed have their default otherwise. Takes *v. */
static void keep(struct covered *c, struct value *v)
{
	struct value dflt = value_default(c->row);
	value_clear(&c->value);
	if (value_equal(v, &dflt))
		value_clear(v);
	else
		c->value = *v;
	*v = VALUE_NULL;
	value_clear(&dflt);
}

static void read_kept(const struct covered *v, const struct slot *row, struct value *out)
{
	*out = v->value.kind == V_NULL ? value_default(row) : own_value_fit(v->row, &v->value, row);
}

void link_cover(struct link *l)
{
	struct component *c = l->target;
	struct value own;
	if (l->covers)
		return;
	l->covers = true;
	if (find(c, l->targetSlot))
		return;
	struct covered *v = must_alloc(sizeof *v);
	*v = (struct covered){ .next = c->extra->covered, .row = l->row };
	slot_read(l->row, c, &own);
	keep(v, &own);
	c->extra->covered = v;
}

void link_leave(struct link *l)
{
	struct wave *w = &l->target->station->tree.wave;
	if (!l->covers)
		return;
	l->covers = false;
	struct bare *b = must_alloc(sizeof *b);
	*b = (struct bare){ w->bare, l->target->handle, must_strdup(l->targetSlot) };
	w->bare = b;
}

static void free_covered(struct covered **at)
{
	struct covered *v = *at;
	*at = v->next;
	value_clear(&v->value);
	free(v);
}

static void uncover(struct component *c, const char *slot)
{
	struct covered *v = find(c, slot), **at = &c->extra->covered;
	const struct slot *row = component_slot(c, slot);
	struct value own;
	if (!v || link_into(c, slot))
		return;
	while (*at != v)
		at = &(*at)->next;
	if (row)
		read_kept(v, row, &own);
	free_covered(at);
	if (row)
		component_set(c, row, &own);
}

void links_uncover(struct station *s)
{
	struct wave *w = &s->tree.wave;
	while (w->bare) {
		struct bare *b = w->bare;
		struct component *c = station_by_handle(s, b->component);
		w->bare = b->next;
		if (c && c->extra)
			uncover(c, b->slot);
		free(b->slot);
		free(b);
	}
}

void slot_stored(const struct slot *slot, const struct component *c, struct value *out)
{
	const struct covered *v = find(c, slot->name);
	if (v)
		read_kept(v, slot, out);
	else
		slot_read(slot, c, out);
}

void slot_store(const struct slot *slot, struct component *c, const struct value *v)
{
	struct covered *own = find(c, slot->name);
	struct value copy;
	if (!own)
		return;
	own->row = slot;
	value_copy(&copy, v);
	keep(own, &copy);
}

void cover_lift(const struct component *c, struct component *copy)
{
	for (const struct covered *v = c->extra ? c->extra->covered : NULL; v; v = v->next) {
		struct value own;
		read_kept(v, v->row, &own);
		slot_write(v->row, copy, &own);
	}
}

void cover_refresh(struct component *c)
{
	for (struct covered **at = &c->extra->covered; *at;) {
		struct covered *v = *at;
		const struct slot *row = component_slot(c, v->row->name);
		if (!row) {
			free_covered(at);
			continue;
		}
		if (row != v->row && v->value.kind != V_NULL) {
			struct value fitted = own_value_fit(v->row, &v->value, row);
			value_clear(&v->value);
			v->value = fitted;
		}
		v->row = row;
		at = &v->next;
	}
}

void cover_finish(struct component_extra *extra)
{
	while (extra->covered)
		free_covered(&extra->covered);
}

void bare_finish(struct wave *w)
{
	for (struct bare *b = w->bare, *next; b; b = next) {
		next = b->next;
		free(b->slot);
		free(b);
	}
	w->bare = NULL;
}
