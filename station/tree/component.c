/* SPDX-License-Identifier: Apache-2.0
 * Components: names, paths, values, status, actions: see component.h. Engine thread. */
#include "station/tree/component.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/log.h"
#include "station/base/must.h"
#include "station/link/link.h"
#include "station/station.h"
#include "station/tree/category.h"
#include "station/tree/own_slots.h"
#include "station/tree/tags.h"

static const struct slot no_slots[] = { SLOT_END };

static void check(const struct component *next, const struct component *current, struct report *report)
{
	if (!next->extra)
		return;
	const char *old = current && current != next && current->extra ? current->extra->categories : NULL;
	tags_check(next->extra->tags, report);
	if (!old || !next->extra->categories || strcmp(old, next->extra->categories) != 0)
		categories_check(next, next->extra->categories, report);
	own_slots_check_values(next, report);
}

const struct type baja_component = {
	.name = "baja:Component",
	.doc = "The base of all components.",
	.size = sizeof(struct component),
	.flags = TYPE_ABSTRACT,
	.slots = no_slots,
	.check = check,
};

const struct type baja_folder = {
	.name = "baja:Folder",
	.doc = "A place for other components.",
	.size = sizeof(struct component),
	.base = &baja_component,
	.flags = TYPE_CONTAINER,
	.slots = no_slots,
};

struct component *component_as(struct component *c, const struct type *type)
{
	must(c && c->magic == COMPONENT_MAGIC && type_is(c->type, type));
	return c;
}

const struct component *component_as_const(const struct component *c, const struct type *type)
{
	must(c && c->magic == COMPONENT_MAGIC && type_is(c->type, type));
	return c;
}

bool component_is(const struct component *c, const struct type *type)
{
	return c && type_is(c->type, type);
}

/* --- names ------------------------------------------------------------------------------------------------------ */

int name_check(const char *name, struct err *e)
{
	size_t n = strlen(name);
	if (n == 0 || n > NAME_MAX_LENGTH)
		return err_set(e, E_INVALID, "name", "A name has 1 to %d characters.", NAME_MAX_LENGTH);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)name[i];
		if (isalpha(c) || (i > 0 && (isdigit(c) || c == '_')))
			continue;
		if (c == '$' && isxdigit((unsigned char)name[i + 1]) && isxdigit((unsigned char)name[i + 2])) {
			i += 2;
			continue;
		}
		return err_set(
		    e, E_INVALID, "name",
		    "The name \"%.60s\" is not legal: it must start with a letter and go on with letters, digits or _; "
		    "write anything else as $xx.",
		    name);
	}
	return 0;
}

char *name_escape(const char *text)
{
	if (name_check(text, NULL) == 0)
		return must_strdup(text);
	char *name = must_alloc(3 * strlen(text) + 2), *p = name;
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		bool plain = *c < 0x80 && (isalpha(*c) || (p > name && (isdigit(*c) || *c == '_')));
		if (plain)
			*p++ = (char)*c;
		else
			p += snprintf(p, 4, "$%02x", *c);
	}
	return name;
}

static int hex_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : (c | 32) - 'a' + 10;
}

const char *component_display_name(const struct component *c, char *buf, size_t size)
{
	if (c->extra && c->extra->displayName) {
		snprintf(buf, size, "%s", c->extra->displayName);
		return buf;
	}
	if (!strchr(c->name, '$'))
		return display_name(c->name, buf, size);
	size_t n = 0;
	for (const char *p = c->name; *p && n + 1 < size; p++) {
		if (*p == '$' && isxdigit((unsigned char)p[1]) && isxdigit((unsigned char)p[2])) {
			buf[n++] = (char)(hex_digit(p[1]) << 4 | hex_digit(p[2]));
			p += 2;
		} else {
			buf[n++] = *p;
		}
	}
	buf[n] = '\0';
	return buf;
}

void component_set_display_name(struct component *c, const char *text)
{
	if (!c->extra)
		c->extra = must_alloc(sizeof *c->extra);
	free(c->extra->displayName);
	c->extra->displayName = *text ? must_strdup(text) : NULL;
}

int64_t component_position(const struct component *c)
{
	return c->extra && c->extra->position ? c->extra->position : position_of_number(c->handle);
}

void component_set_position(struct component *c, int64_t position)
{
	if (position == component_position(c))
		return;
	if (!c->extra)
		c->extra = must_alloc(sizeof *c->extra);
	c->extra->position = position == position_of_number(c->handle) ? 0 : position;
}

/* --- places ----------------------------------------------------------------------------------------------------- */

uint32_t component_child_count(const struct component *parent)
{
	uint32_t n = 0;
	for (const struct component *c = parent->first; c; c = c->next)
		n++;
	return n;
}

static char *path_with_prefix(const struct component *c, const char *prefix)
{
	size_t length = strlen(prefix);
	for (const struct component *p = c; p->parent; p = p->parent)
		length += strlen(p->name) + 1;
	char *text = must_alloc(length + 2), *end = text + length;
	*end = '\0';
	if (!c->parent) /* the root is "/" */
		*end = '/';
	for (const struct component *p = c; p->parent; p = p->parent) {
		size_t n = strlen(p->name);
		end -= n;
		memcpy(end, p->name, n);
		*--end = '/';
	}
	memcpy(text, prefix, strlen(prefix));
	return text;
}

char *component_path(const struct component *c)
{
	return path_with_prefix(c, "");
}

char *component_ord(const struct component *c)
{
	return path_with_prefix(c, "station:|slot:");
}

/* --- values ----------------------------------------------------------------------------------------------------- */

const struct slot component_extra_slots[] = {
	{ .name = "wsAnnotation",
	  .doc = "Where its box stands on the wire sheet: x,y; empty: where there is room.",
	  .kind = V_STRING,
	  .flags = SLOT_HIDDEN | SLOT_EXTRA,
	  .offset = offsetof(struct component_extra, wsAnnotation),
	  .facets = FACETS(.maxLength = 40) },
	{ .name = "tags",
	  .doc = "What it is, in the words of Project Haystack: a JSON object.",
	  .kind = V_STRING,
	  .flags = SLOT_HIDDEN | SLOT_EXTRA | SLOT_JSON,
	  .offset = offsetof(struct component_extra, tags),
	  .facets = FACETS(.maxLength = 8000) },
	{ .name = "categories",
	  .doc = "The categories it belongs to, a JSON list; empty: those of what it stands in.",
	  .kind = V_STRING,
	  .flags = SLOT_HIDDEN | SLOT_EXTRA | SLOT_JSON,
	  .offset = offsetof(struct component_extra, categories),
	  .facets = FACETS(.maxLength = 8000) },
	{ .name = "slots",
	  .doc = "Properties of its own, and what it has otherwise than its type: a JSON list.",
	  .kind = V_STRING,
	  .flags = SLOT_HIDDEN | SLOT_EXTRA | SLOT_JSON,
	  .offset = offsetof(struct component_extra, slots),
	  .facets = FACETS(.maxLength = 1 << 17) },
	SLOT_END,
};

static char **extra_field(struct component_extra *extra, const struct slot *slot)
{
	return (char **)(void *)((char *)extra + slot->offset);
}

void extra_copy(struct component_extra *to, const struct component_extra *from)
{
	*to = *from;
	for (const struct slot *slot = component_extra_slots; slot->name; slot++) {
		char **text = extra_field(to, slot);
		*text = *text ? must_strdup(*text) : NULL;
	}
	to->own = own_slots_copy(from->own);
	to->covered = NULL;
}

void extra_finish(struct component_extra *extra)
{
	for (const struct slot *slot = component_extra_slots; slot->name; slot++)
		free(*extra_field(extra, slot));
	own_slots_free(extra->own);
}

const struct slot *component_slot(const struct component *c, const char *name)
{
	const struct slot *slot = type_slot(c->type, name);
	if (!slot)
		slot = own_slot_row(c, name);
	return slot ? slot : slots_find(component_extra_slots, name);
}

struct slot_walk component_walk(const struct component *c)
{
	struct slot_walk w = slot_walk(c->type);
	w.own = c->extra ? c->extra->own : NULL;
	return w;
}

unsigned component_flags_of(const struct component *c, const char *name, unsigned flags)
{
	const struct slot_detail *d = own_detail(c, name);
	return d ? detail_lay_flags(d, flags) : flags;
}

const char *component_slot_label(const struct component *c, const char *name, char *buf, size_t size)
{
	const struct slot_detail *d = own_detail(c, name);
	if (!d || !d->displayName)
		return display_name(name, buf, size);
	snprintf(buf, size, "%s", d->displayName);
	return buf;
}

static bool own_facets(const struct component *c, const struct slot *slot, struct row_room *room)
{
	for (const struct type *t = c->type; t; t = t->base)
		if (t->facets)
			return t->facets(c, slot, room);
	return false;
}

/* An action's argument that is a struct: its members are looked at one by one. */
static bool own_members(const struct component *c, const struct slot *slot, struct row_room *room)
{
	bool own = false;
	uint32_t count = slot->kind == V_STRUCT && slot->offset == 0 ? slots_count(slot->members) : 0;
	for (uint32_t i = 0; i < count && count < ARRAY_SIZE(room->members); i++) {
		room->members[i] = slot->members[i];
		if (own_facets(c, &slot->members[i], room)) {
			room->members[i].facets = &room->facets;
			own = true;
		}
	}
	return own;
}

/* What the component itself gives is laid over what its type gives it. */
static bool detailed_facets(const struct component *c, const struct slot *slot, bool own, struct row_room *room)
{
	const struct slot_detail *d = own_detail(c, slot->name);
	if (!d || !(d->given & ~(unsigned)GIVEN_FLAGS) || type_slot(c->type, slot->name) != slot)
		return false;
	if (!own)
		room->facets = slot->facets ? *slot->facets : (struct facets){ 0 };
	detail_lay_facets(d, &room->facets);
	return true;
}

const struct slot *component_row(const struct component *c, const struct slot *slot, struct row_room *room)
{
	*room = (struct row_room){ .slot = *slot };
	if (slot->flags & SLOT_DYNAMIC)
		return slot;
	if (own_members(c, slot, room)) {
		room->slot.members = room->members;
		return &room->slot;
	}
	bool own = own_facets(c, slot, room);
	if (!detailed_facets(c, slot, own, room) && !own)
		return slot;
	room->slot.facets = &room->facets;
	return &room->slot;
}

void row_room_finish(struct row_room *room)
{
	free(room->tags);
	room->tags = NULL;
}

int component_get(const struct component *c, const char *name, struct value *out, struct err *e)
{
	const struct slot *slot = component_slot(c, name);
	*out = VALUE_NULL;
	if (!slot)
		return err_set(e, E_NOT_FOUND, name, "%s has no property \"%.60s\".", c->type->name, name);
	if (slot->kind != V_COMPONENT)
		slot_read(slot, c, out);
	return 0;
}

static void call_changed(struct component *c, const struct type *type, const struct slot *slot)
{
	if (type->base)
		call_changed(c, type->base, slot);
	if (type->changed)
		type->changed(c, slot);
}

static void call_parent_changed(struct component *c, const struct slot *slot)
{
	for (const struct type *t = c->type; t; t = t->base) {
		if (t->parent_changed) {
			t->parent_changed(c, slot);
			return;
		}
	}
}

void component_touched(struct component *c, const struct slot *slot)
{
	struct station *s = c->station;
	station_assert_engine(s);
	if (!(c->flags & COMPONENT_RUNNING))
		return;
	links_hold(s);
	call_changed(c, c->type, slot);
	for (struct component *child = c->first, *next; child; child = next) {
		next = child->next;
		call_parent_changed(child, slot);
	}
	links_queue(c, slot);
	for (struct observer *o = s->observers; o; o = o->next)
		if (o->value)
			o->value(o, c, slot);
	links_release(s);
}

void component_set(struct component *c, const struct slot *slot, struct value *v)
{
	if (slot_equals(slot, c, v)) {
		value_clear(v);
		return;
	}
	slot_write(slot, c, v);
	component_touched(c, slot);
}

void component_set_status(struct component *c, uint16_t bits)
{
	if (c->status.bits == bits)
		return;
	c->status.bits = bits;
	const struct slot *slot = type_slot(c->type, "status");
	if (slot) {
		component_touched(c, slot);
		return;
	}
	for (struct observer *o = c->station->observers; o && (c->flags & COMPONENT_RUNNING); o = o->next)
		if (o->component)
			o->component(o, c, "status");
}

/* --- actions and topics ----------------------------------------------------------------------------------------- */

int component_invoke(struct component *c, const char *name, struct invocation *inv)
{
	station_assert_engine(c->station);
	const struct action *action = type_action(c->type, name);
	if (!action)
		return err_set(&inv->err, E_NOT_FOUND, name, "%s has no action \"%.60s\".", c->type->name, name);
	static const struct value nothing = { .kind = V_NULL };
	if (!inv->arg)
		inv->arg = &nothing;
	struct station *s = c->station;
	uint64_t handle = c->handle;
	const struct value *arg = inv->arg;
	struct store_tx *tx = inv->tx;
	links_hold(s);
	int rc = action->run(c, inv); /* c may be gone afterwards */
	if (rc >= 0 && s->tree.link_count > 0 && station_by_handle(s, handle) == c)
		links_fire(c, action->name, arg, tx);
	links_release(s);
	return rc;
}

void invocation_done(struct invocation *inv, int code)
{
	if (inv->done)
		inv->done(inv, code);
}

void topic_fire(struct component *c, const char *topic, const struct value *arg, struct store_tx *tx)
{
	must(type_topic(c->type, topic) != NULL);
	links_fire(c, topic, arg, tx);
}
