/* SPDX-License-Identifier: Apache-2.0
 * Components and types as JSON: what REST, the browser and the OpenAPI document show. Everything is read from the slot
 * tables. Engine thread for components, any for types. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/link/link.h"
#include "station/station.h"
#include "station/tree/category.h"
#include "station/tree/own_slots.h"
#include "station/tree/tags.h"

static json_t *rows_to_json(const struct slot *table);

static void set(json_t *object, const char *name, json_t *value)
{
	must(json_object_set_new(object, name, value) == 0);
}

static json_t *flags_to_json(unsigned flags, enum kind kind)
{
	return slot_flags_to_json(kind == V_SECRET ? flags | SLOT_SECRET : flags);
}

static json_t *range_to_json(const struct facets *f)
{
	char label[128];
	json_t *array = json_array();
	for (const struct tag *t = f->range; t->name; t++) {
		const char *called = f->called ? f->called(t->ordinal) : NULL;
		json_t *tag = json_pack("{s:s, s:s, s:i}", "name", t->name, "displayName",
		                        called ? called : display_name(t->name, label, sizeof label), "ordinal", t->ordinal);
		if (t->doc)
			set(tag, "doc", json_string(t->doc));
		json_array_append_new(array, tag);
	}
	return array;
}

static json_t *facets_to_json(const struct facets *f)
{
	json_t *object = json_object();
	if (!f)
		return object;
	if (f->units)
		set(object, "units", json_string(f->units));
	if (f->min < f->max && isfinite(f->min))
		set(object, "min", json_real(f->min));
	if (f->min < f->max && isfinite(f->max))
		set(object, "max", json_real(f->max));
	if (f->precision)
		set(object, "precision", json_integer(f->precision));
	if (f->range)
		set(object, "range", range_to_json(f));
	if (f->trueText)
		set(object, "trueText", json_string(f->trueText));
	if (f->falseText)
		set(object, "falseText", json_string(f->falseText));
	if (f->multiLine)
		set(object, "multiLine", json_true());
	if (f->format)
		set(object, "format", json_true());
	if (f->form)
		set(object, "form", json_string(text_form_name(f->form)));
	if (f->names)
		set(object, "names", json_string(f->names));
	if (f->maxLength)
		set(object, "maxLength", json_integer(f->maxLength));
	return object;
}

static json_t *row_to_json(const struct slot *slot)
{
	char label[128];
	json_t *row = json_pack("{s:s, s:s, s:s, s:o, s:o, s:s}", "name", slot->name, "displayName",
	                        display_name(slot->name, label, sizeof label), "kind", kind_name(slot->kind), "flags",
	                        flags_to_json(slot->flags, slot->kind), "facets", facets_to_json(slot->facets), "doc",
	                        slot->doc ? slot->doc : "");
	if (slot->kind == V_COMPONENT) {
		set(row, "type", json_string(slot->type->name));
		set(row, "default", json_pack("{s:s}", "type", slot->dflt));
		return row;
	}
	if (!(slot->flags & SLOT_REQUIRED)) {
		struct value dflt = value_default(slot);
		set(row, "default", value_to_json(slot, &dflt));
		value_clear(&dflt);
	}
	if (slot->kind == V_LIST)
		set(row, "element", json_string(kind_name(slot->element)));
	if (slot->members)
		set(row, "members", rows_to_json(slot->members));
	return row;
}

static json_t *rows_to_json(const struct slot *table)
{
	json_t *array = json_array();
	for (const struct slot *slot = table; slot && slot->name; slot++)
		json_array_append_new(array, row_to_json(slot));
	return array;
}

static void actions_to_json(const struct type *t, json_t *array)
{
	char label[128];
	if (!t)
		return;
	actions_to_json(t->base, array);
	for (const struct action *a = t->actions; a && a->name; a++) {
		json_t *row = json_pack("{s:s, s:s, s:o, s:s}", "name", a->name, "displayName",
		                        display_name(a->name, label, sizeof label), "flags", flags_to_json(a->flags, V_NULL),
		                        "doc", a->doc);
		if (a->arg)
			set(row, "arg", row_to_json(a->arg));
		json_array_append_new(array, row);
	}
}

static void topics_to_json(const struct type *t, json_t *array)
{
	char label[128];
	if (!t)
		return;
	topics_to_json(t->base, array);
	for (const struct topic *topic = t->topics; topic && topic->name; topic++)
		json_array_append_new(array,
		                      json_pack("{s:s, s:s, s:s}", "name", topic->name, "displayName",
		                                display_name(topic->name, label, sizeof label), "doc", topic->doc));
}

static bool container(const struct type *type)
{
	for (; type; type = type->base)
		if (type->flags & TYPE_CONTAINER)
			return true;
	return false;
}

json_t *type_to_json(const struct type *t)
{
	json_t *slots = json_array(), *actions = json_array(), *topics = json_array();
	const struct slot *slot;
	for (struct slot_walk w = slot_walk(t); (slot = slot_next(&w));)
		json_array_append_new(slots, row_to_json(slot));
	actions_to_json(t, actions);
	topics_to_json(t, topics);
	json_t *type = json_pack("{s:s, s:s, s:o, s:b, s:b, s:b, s:o, s:o, s:o}", "name", t->name, "doc", t->doc, "base",
	                         t->base ? json_string(t->base->name) : json_null(), "abstract",
	                         (t->flags & TYPE_ABSTRACT) != 0, "container", container(t), "singleton",
	                         (t->flags & TYPE_SINGLETON) != 0, "slots", slots, "actions", actions, "topics", topics);
	must(type != NULL);
	return type;
}

/* --- components ------------------------------------------------------------------------------------------------- */

static json_t *values_to_json(const struct component *c)
{
	json_t *values = json_object();
	const struct slot *slot;
	for (struct slot_walk w = component_walk(c); (slot = slot_next(&w));) {
		struct value v;
		if (slot->kind == V_COMPONENT) {
			const struct component *child = component_child(c, slot->name);
			json_t *inner = child ? values_to_json(child) : json_null();
			if (child)
				set(inner, "type", json_string(child->type->name));
			set(values, slot->name, inner);
			continue;
		}
		struct row_room room;
		slot_read(slot, c, &v);
		set(values, slot->name, value_to_json(component_row(c, slot, &room), &v));
		row_room_finish(&room);
		value_clear(&v);
	}
	return values;
}

static json_t *head_to_json(const struct component *c)
{
	char handle[20], label[256], status[STATUS_TEXT_MAX];
	snprintf(handle, sizeof handle, "%" PRIx64, c->handle);
	json_t *display = json_string(component_display_name(c, label, sizeof label));
	if (!display)
		display = json_string(c->name);
	return json_pack("{s:s, s:s, s:o, s:s, s:s}", "name", c->name, "handle", handle, "displayName", display, "type",
	                 c->type->name, "status", status_print(c->status.bits, status));
}

static json_t *own_rows(const struct component *c);

/* A child as its parent lists it; that it is frozen and has slots of its own is told only where it is so. */
static json_t *child_to_json(const struct component *child)
{
	json_t *head = head_to_json(child);
	set(head, "hasChildren", json_boolean(child->first != NULL));
	if (child->flags & COMPONENT_FROZEN)
		set(head, "frozen", json_true());
	if (child->extra && child->extra->own && child->extra->own->count)
		set(head, "slots", own_rows(child));
	return head;
}

static json_t *children_to_json(const struct component *c, int depth, uint32_t most)
{
	json_t *array = json_array();
	for (const struct component *child = c->first; child && most > 0; child = child->next, most--)
		json_array_append_new(array, depth > 0 ? component_to_json(child, depth - 1) : child_to_json(child));
	return array;
}

static bool holds(const struct component *c, const char *match)
{
	char label[256];
	return !match || strcasestr(component_display_name(c, label, sizeof label), match) || strcasestr(c->name, match);
}

json_t *component_children_to_json(const struct component *c, const struct children_question *q)
{
	json_t *items = json_array();
	int64_t total = 0, offset = q->offset, at = -1;
	for (const struct component *child = c->first; child && q->at && at < 0; child = child->next)
		if (holds(child, q->match) && strcmp(child->name, q->at) == 0)
			at = total;
		else
			total += holds(child, q->match);
	if (at >= 0)
		offset = at / q->limit * q->limit;
	total = 0;
	for (const struct component *child = c->first; child; child = child->next) {
		if (!holds(child, q->match))
			continue;
		if (total >= offset && total < offset + q->limit) {
			json_t *json = child_to_json(child);
			if (q->with_values)
				set(json, "values", values_to_json(child));
			json_array_append_new(items, json);
		}
		total++;
	}
	json_t *json =
	    json_pack("{s:o, s:I, s:I}", "items", items, "total", (json_int_t)total, "offset", (json_int_t)offset);
	if (offset + q->limit < total)
		set(json, "next", json_sprintf("%lld", (long long)offset + (long long)q->limit));
	return json;
}

/* What a component's own detail of a slot or action says; NULL: it has none, and the type's holds. */
static json_t *detail_to_json(const struct component *c, const char *name, unsigned flags)
{
	char label[256];
	if (!own_detail(c, name))
		return NULL;
	return json_pack("{s:s, s:s, s:o, s:b}", "name", name, "displayName",
	                 component_slot_label(c, name, label, sizeof label), "flags",
	                 slot_flags_to_json(component_flags_of(c, name, flags)), "own", 1);
}

/* A dynamic slot, whole; one of the type that this instance has otherwise, with facets, flags or a name of its own. NULL:
 * it is as the type has it. */
static json_t *own_row(const struct component *c, const struct slot *slot)
{
	struct row_room room;
	if (slot->kind == V_COMPONENT)
		return detail_to_json(c, slot->name, slot->flags);
	if (slot->flags & SLOT_DYNAMIC) {
		char label[256];
		json_t *json = row_to_json(slot);
		set(json, "displayName", json_string(component_slot_label(c, slot->name, label, sizeof label)));
		set(json, "dynamic", json_true());
		return json;
	}
	const struct slot *row = component_row(c, slot, &room);
	json_t *json = detail_to_json(c, slot->name, slot->flags | (slot->kind == V_SECRET ? SLOT_SECRET : 0));
	if (row != slot && !json)
		json = json_pack("{s:s}", "name", slot->name);
	if (json && row != slot)
		set(json, "facets", facets_to_json(row->facets));
	row_room_finish(&room);
	return json;
}

static json_t *own_rows(const struct component *c)
{
	json_t *array = json_array();
	const struct slot *slot;
	for (struct slot_walk w = component_walk(c); (slot = slot_next(&w));) {
		json_t *json = own_row(c, slot);
		if (json)
			json_array_append_new(array, json);
	}
	for (const struct type *t = c->type; t && c->extra && c->extra->own; t = t->base)
		for (const struct action *a = t->actions; a && a->name; a++) {
			json_t *json = detail_to_json(c, a->name, a->flags);
			if (json)
				json_array_append_new(array, json);
		}
	return array;
}

static json_t *action_names(const struct component *c)
{
	json_t *names = json_array();
	for (const struct type *t = c->type; t; t = t->base)
		for (const struct action *a = t->actions; a && a->name; a++)
			if (!(component_flags_of(c, a->name, a->flags) & SLOT_HIDDEN))
				json_array_append_new(names, json_string(a->name));
	return names;
}

/* The categories, and the path of the component that names them. */
static void set_categories(json_t *json, const struct component *c)
{
	const struct component *from;
	set(json, "categories", categories_of(c, &from));
	if (from) {
		char *path = component_path(from);
		set(json, "categoriesFrom", json_string(path));
		free(path);
	}
}

/* The slots that links feed: what a person sets there will be overwritten. */
static json_t *linked_slots(const struct component *c)
{
	json_t *array = json_array();
	for (const struct link *l = c->extra->links; l; l = l->next)
		if (l->enabled && l->leads == LEADS_TO_PROPERTY && link_into(c, l->targetSlot) == l)
			json_array_append_new(array, json_string(l->targetSlot));
	return array;
}

static json_t *whole_to_json(const struct component *c, int depth, uint32_t most)
{
	station_assert_engine(c->station);
	json_t *json = head_to_json(c);
	char *path = component_path(c), *ord = component_ord(c);
	set(json, "path", json_string(path));
	set(json, "ord", json_string(ord));
	set(json, "revision", json_integer(c->revision));
	set(json, "values", values_to_json(c));
	set(json, "slots", own_rows(c));
	set(json, "actions", action_names(c));
	set(json, "hasChildren", json_boolean(c->first != NULL));
	set(json, "frozen", json_boolean((c->flags & COMPONENT_FROZEN) != 0));
	set(json, "childCount", json_integer(component_child_count(c)));
	set(json, "children", children_to_json(c, depth, most));
	if (c->extra && c->extra->links)
		set(json, "linked", linked_slots(c));
	json_t *tags = tags_of(c);
	set(json, "tags", tags ? tags : json_object());
	set_categories(json, c);
	free(path);
	free(ord);
	return json;
}

json_t *component_to_json(const struct component *c, int depth)
{
	return whole_to_json(c, depth, UINT32_MAX);
}

json_t *component_to_json_briefly(const struct component *c, uint32_t most)
{
	return whole_to_json(c, 0, most);
}
