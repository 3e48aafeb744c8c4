/* SPDX-License-Identifier: Apache-2.0
 * A component's own slots in memory: see own_slots.h. */
#include "station/tree/own_slots.h"

#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/station.h"

static struct own_slots *own_of(const struct component *c)
{
	return c->extra ? c->extra->own : NULL;
}

static struct own_slot *find(const struct component *c, const char *name)
{
	struct own_slots *own = own_of(c);
	for (uint32_t i = 0; own && i < own->count; i++)
		if (strcmp(own->items[i].detail->row.name, name) == 0)
			return &own->items[i];
	return NULL;
}

/* --- life --------------------------------------------------------------------------------------------------------- */

void own_slots_free(struct own_slots *own)
{
	for (uint32_t i = 0; own && i < own->count; i++)
		value_clear(&own->items[i].value);
	free(own);
}

struct own_slots *own_slots_copy(const struct own_slots *from)
{
	if (!from)
		return NULL;
	struct own_slots *own = must_alloc(sizeof *own + from->count * sizeof own->items[0]);
	own->count = from->count;
	for (uint32_t i = 0; i < from->count; i++) {
		own->items[i].detail = from->items[i].detail;
		value_copy(&own->items[i].value, &from->items[i].value);
	}
	return own;
}

static struct value fit_members(const struct slot *from, const struct value *v, const struct slot *to)
{
	uint32_t count = slots_count(to->members), had = slots_count(from->members);
	struct value out = { .kind = V_STRUCT, .list = { .count = count, .members = to->members } };
	out.list.items = must_alloc(count * sizeof *out.list.items);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t k = 0;
		while (k < had && strcmp(from->members[k].name, to->members[i].name) != 0)
			k++;
		out.list.items[i] = k < had ? own_value_fit(&from->members[k], &v->list.items[k], &to->members[i])
		                            : value_default(&to->members[i]);
	}
	return out;
}

static struct value fit_items(const struct slot *from, const struct value *v, const struct slot *to)
{
	struct value out = { .kind = V_LIST, .list = { .count = v->list.count } };
	out.list.items = must_alloc(v->list.count * sizeof *out.list.items);
	for (uint32_t i = 0; i < v->list.count; i++)
		out.list.items[i] = fit_members(from, &v->list.items[i], to);
	return out;
}

struct value own_value_fit(const struct slot *from, const struct value *v, const struct slot *to)
{
	struct value out;
	if (from->kind != to->kind || from->element != to->element)
		return value_default(to);
	if (from->members != to->members)
		return to->kind == V_LIST ? fit_items(from, v, to) : fit_members(from, v, to);
	value_copy(&out, v);
	return out;
}

/* The value that the slot had, as far as it is still of the same kind. */
static struct value kept_value(struct component *c, const struct slot *row)
{
	const struct own_slot *old = find(c, row->name);
	return old && old->value.kind == row->kind ? own_value_fit(&old->detail->row, &old->value, row)
	                                           : value_default(row);
}

void own_slots_read(struct component *c)
{
	json_t *list = c->extra->slots ? json_loads(c->extra->slots, 0, NULL) : NULL, *definition;
	struct own_slots *own = must_alloc(sizeof *own + json_array_size(list) * sizeof own->items[0]);
	struct report report;
	size_t i;
	report_init(&report, "");
	json_array_foreach(list, i, definition)
	{
		if (!detail_check(c->type, definition, "", &report))
			continue;
		struct own_slot *slot = &own->items[own->count++];
		slot->detail = detail_of(&c->station->tree.details, definition);
		if (slot->detail->row.flags & SLOT_DYNAMIC)
			slot->value = kept_value(c, &slot->detail->row);
	}
	report_finish(&report);
	json_decref(list);
	own_slots_free(c->extra->own);
	c->extra->own = own;
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

const struct slot_detail *own_detail(const struct component *c, const char *name)
{
	const struct own_slot *slot = own_of(c) ? find(c, name) : NULL;
	return slot ? slot->detail : NULL;
}

const struct slot *own_slot_row(const struct component *c, const char *name)
{
	const struct slot_detail *d = own_detail(c, name);
	return d && (d->row.flags & SLOT_DYNAMIC) ? &d->row : NULL;
}

void own_slot_get(const struct component *c, const struct slot *row, struct value *out)
{
	const struct own_slot *slot = find(c, row->name);
	if (slot)
		*out = own_value_fit(&slot->detail->row, &slot->value, row);
	else
		*out = value_default(row);
}

void own_slot_put(struct component *c, const struct slot *row, struct value *v)
{
	struct own_slot *slot = find(c, row->name);
	if (slot) {
		value_clear(&slot->value);
		slot->value = own_value_fit(row, v, &slot->detail->row);
	}
	value_clear(v);
}

const struct slot *own_slots_next(const struct own_slots *own, uint32_t *at)
{
	while (own && *at < own->count) {
		const struct slot *row = &own->items[(*at)++].detail->row;
		if (row->flags & SLOT_DYNAMIC)
			return row;
	}
	return NULL;
}

json_t *own_slots_to_json(const struct component *c)
{
	json_t *list = c->extra && c->extra->slots ? json_loads(c->extra->slots, 0, NULL) : NULL;
	return list ? list : json_array();
}

/* --- checking ----------------------------------------------------------------------------------------------------- */

static bool in_range(const struct slot *row, const struct value *v)
{
	const struct tag *tag = row->facets ? row->facets->range : NULL;
	if (v->kind == V_LIST || v->kind == V_STRUCT) {
		struct slot item = { .kind = row->element, .members = row->members, .facets = row->facets };
		for (uint32_t i = 0; i < v->list.count; i++)
			if (!in_range(v->kind == V_LIST ? &item : &row->members[i], &v->list.items[i]))
				return false;
		return true;
	}
	if ((v->kind != V_ENUM && v->kind != V_STATUS_ENUM) || !tag || (v->status & STATUS_NULL))
		return true;
	while (tag->name && tag->ordinal != v->ordinal)
		tag++;
	return tag->name != NULL;
}

static void check_value(const struct component *c, const struct slot *slot, struct report *report)
{
	struct row_room room;
	struct value v;
	slot_read(slot, c, &v);
	const struct slot *row = component_row(c, slot, &room);
	if (!in_range(row, &v))
		report_error(report, E_INVALID, slot->name, "The value that it has is not in the range: choose another.");
	else
		value_check(row, &v, slot->name, report);
	row_room_finish(&room);
	value_clear(&v);
}

void own_slots_check_values(const struct component *c, struct report *report)
{
	const struct own_slots *own = own_of(c);
	for (uint32_t i = 0; own && i < own->count; i++) {
		const struct slot *slot = component_slot(c, own->items[i].detail->row.name);
		if (slot && slot->kind != V_COMPONENT)
			check_value(c, slot, report);
	}
}
