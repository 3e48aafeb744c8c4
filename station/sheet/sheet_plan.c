/* SPDX-License-Identifier: Apache-2.0
 * Validation of a batch: every change is checked against the tree as it is and as the batch leaves it; all that is wrong
 * goes into the report at once. What is right becomes shadows (components as they will be) and writes of one
 * transaction. Nothing in the tree changes here. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/link/link_cover.h"
#include "station/sheet/batch_plan.h"
#include "station/store/persist.h"
#include "station/tree/tags.h"

void batch_fail(struct batch *b, const char *slot, const struct err *e)
{
	report_error(&b->report, e->code, slot ? slot : e->slot, "%s", e->text);
}

const struct actor *planned_by(const struct batch *b)
{
	return b->by_user ? &b->actor : NULL;
}

/* --- shadows ---------------------------------------------------------------------------------------------------- */

/* A copy of the live component's slots; what is no slot stays zero, so rules look at slots only. */
static struct component *copy_of(const struct component *live)
{
	struct component *next = must_alloc(live->type->size);
	image_copy(&live->station->tree.images, live->type, next);
	memcpy(next, live, sizeof *next);
	const struct slot *slot;
	for (struct slot_walk w = slot_walk(live->type); (slot = slot_next(&w));) {
		char *to = (char *)next + slot->offset;
		if (slot->kind == V_COMPONENT) {
			memcpy(to, (const char *)live + slot->offset, sizeof(struct component *));
			continue;
		}
		if (!slot->rare && slot->offset < sizeof *next) /* a field of the component itself, copied already */
			continue;
		struct value v;
		slot_read(slot, live, &v);
		slot_write(slot, next, &v);
	}
	if (live->extra) {
		next->extra = must_alloc(sizeof *next->extra);
		extra_copy(next->extra, live->extra);
		cover_lift(live, next);
	}
	return next;
}

void shadow_finish(struct shadow *s)
{
	free(s->displayName);
	free(s->slots);
	if (s->fresh || !s->next)
		return;
	for (const struct type *t = s->next->type; t; t = t->base)
		if (t->size > sizeof(struct component))
			image_release(t, s->next);
	if (s->next->extra)
		extra_finish(s->next->extra);
	free(s->next->extra);
	free(s->next);
}

struct shadow *batch_row(struct batch *b, struct component *c)
{
	uint64_t at = handle_map_get(&b->shadow_at, c->handle);
	if (at)
		return &b->shadows[at - 1];
	if (b->shadow_count == b->shadow_capacity) {
		b->shadow_capacity = b->shadow_capacity ? 2 * b->shadow_capacity : 8;
		b->shadows = must_realloc(b->shadows, b->shadow_capacity * sizeof *b->shadows);
	}
	struct shadow *s = &b->shadows[b->shadow_count++];
	bool fresh = batch_added(b, c->handle) != NULL;
	*s = (struct shadow){ .handle = c->handle, .live = c, .fresh = fresh, .next = fresh ? c : NULL };
	handle_map_put(&b->shadow_at, c->handle, b->shadow_count);
	return s;
}

struct shadow *batch_shadow(struct batch *b, struct component *c)
{
	struct shadow *s = batch_row(b, c);
	if (!s->next)
		s->next = copy_of(c);
	return s;
}

struct component *batch_seen(const struct batch *b, struct component *c)
{
	uint64_t at = handle_map_get(&b->shadow_at, c->handle);
	struct component *next = at ? b->shadows[at - 1].next : NULL;
	return next ? next : c;
}

bool shadow_defines(const struct shadow *s)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (s->slots[i] == slots_find(component_extra_slots, "slots"))
			return true;
	return false;
}

static void mark(struct shadow *s, const struct slot *slot)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (s->slots[i] == slot)
			return;
	if (s->count == s->capacity) {
		s->capacity = s->capacity ? 2 * s->capacity : 4;
		s->slots = must_realloc(s->slots, s->capacity * sizeof *s->slots);
	}
	s->slots[s->count++] = slot;
}

/* --- set -------------------------------------------------------------------------------------------------------- */

/* A secret comes in plain and is sealed before anything else sees it. */
static void seal(struct batch *b, struct value *v)
{
	if (v->kind != V_SECRET || *v->text == '\0')
		return;
	struct value sealed = { .kind = V_SECRET, .text = secret_seal(b->station->keyring, v->text, strlen(v->text)) };
	value_clear(v); /* overwrites the plain text */
	*v = sealed;
}

void batch_plan_set(struct batch *b, struct component *c, const struct slot *slot, struct value *v)
{
	struct shadow *s = batch_shadow(b, c);
	struct value old;
	slot_read(slot, s->next, &old);
	if (value_equal(&old, v)) {
		value_clear(v);
	} else {
		if (!s->fresh)
			batch_note_value(b, c, slot, &old, v);
		slot_write(slot, s->next, v);
		mark(s, slot);
	}
	value_clear(&old);
}

void batch_exchange_added(struct batch *b, struct component *old, struct component *fresh)
{
	struct component *parent = old->parent;
	for (struct component *d = old; d; d = tree_next(d, old)) {
		uint64_t shadow = handle_map_get(&b->shadow_at, d->handle);
		if (shadow)
			b->shadows[shadow - 1].next = NULL;                 /* nothing is left to look at */
		handle_map_put(&b->fresh, d->handle, (uintptr_t)fresh); /* whoever asks for it gets the new one */
	}
	for (struct component *d = fresh; d; d = tree_next(d, fresh))
		handle_map_put(&b->fresh, d->handle, (uintptr_t)d);
	if (parent) {
		tree_detach(old);
		tree_attach(parent, fresh);
		tree_sort(parent);
	}
	for (size_t i = 0; i < b->added_count && !parent; i++) {
		struct added *a = &b->added[i];
		if (a->component != old)
			continue;
		a->component = fresh;
		a->handle = fresh->handle;
		place_exchange(b, old->handle, fresh);
	}
	component_destroy(&old);
}

/* A frozen child of another type: at once when the parent is new itself (nothing is stored yet), else with the batch. */
static struct component *replace_frozen(struct batch *b, struct component *c, struct component *old,
                                        const struct type *type)
{
	struct component *fresh = component_create(b->station, type, old->name, 0);
	fresh->flags |= COMPONENT_FROZEN;
	component_set_position(fresh, component_position(old));
	if (batch_added(b, old->handle)) {
		batch_exchange_added(b, old, fresh);
		return fresh;
	}
	batch_take_added(b, fresh, c->handle, old->handle);
	handle_map_put(&b->removed, old->handle, 1);
	handle_map_put(&b->sorted, c->handle, 1);
	batch_shadow(b, c)->rest = true;
	batch_note(b, "changed", c, old->name, old->type->name, type->name);
	return fresh;
}

static struct component *frozen_child(struct batch *b, const struct component *c, const char *name)
{
	uint64_t added = place_child(b, c->handle, name, true); /* replaced already by this batch */
	return added ? batch_added(b, added) : component_child(c, name);
}

/* {"type": "email:Basic...", "account": ...} on a frozen child: another type replaces it, the rest is set on it.
 * The properties may also stand under "values". */
static void set_frozen(struct batch *b, struct component *c, const struct slot *slot, const json_t *json)
{
	struct component *child = frozen_child(b, c, slot->name);
	if (!json_is_object(json) || !child) {
		report_error(&b->report, E_INVALID, slot->name, "An object with \"type\" and properties is expected here.");
		return;
	}
	const char *name = json_string_value(json_object_get(json, "type"));
	const struct type *type = name ? type_find(b->station->types, name) : child->type;
	if (!type || !type_is(type, slot->type) || (type->flags & TYPE_ABSTRACT)) {
		report_error(&b->report, E_INVALID, slot->name, "\"%.80s\" is no %s; GET /types lists those there are.", name,
		             slot->type->name);
		return;
	}
	struct err e = { 0 };
	if (type != child->type && place_allows(type, c, &e) != 0) {
		report_error(&b->report, e.code, slot->name, "%s", e.text);
		return;
	}
	char pointer[160], outer[160];
	snprintf(outer, sizeof outer, "%s", b->report.prefix);
	snprintf(pointer, sizeof pointer, "%.100s/%s", outer, slot->name);
	if (type != child->type)
		child = replace_frozen(b, c, child, type);
	const json_t *nested = json_object_get(json, "values");
	json_t *values = json_copy((json_t *)(uintptr_t)(nested ? nested : json));
	if (!nested)
		json_object_del(values, "type");
	batch_plan_json(b, child, values, pointer);
	batch_point(b, outer);
	json_decref(values);
}

/* A type's own read-only slots are the component's business; what a detail made read-only was configured once. */
static bool may_be_set(const struct batch *b, const struct component *c, const struct slot *slot, bool forced)
{
	if (slot->flags & SLOT_READONLY && !(slot->flags & SLOT_DYNAMIC))
		return false;
	return forced || b->configures || !(component_flags_of(c, slot->name, slot->flags) & SLOT_READONLY);
}

/* The slot when it may be set, else NULL, and told why. */
static const struct slot *settable(struct batch *b, const struct component *next, const char *name, bool forced)
{
	const struct slot *slot = component_slot(next, name);
	struct err e = { 0 };
	if (!slot)
		report_error(&b->report, E_INVALID, name, "%s has no property \"%.60s\".", next->type->name, name);
	else if ((slot->flags & SLOT_JSON) && !b->configures)
		report_error(&b->report, E_INVALID, name, "\"%s\" stand beside the values, not among them.", name);
	else if (!may_be_set(b, next, slot, forced))
		report_error(&b->report, E_INVALID, name, "\"%s\" is read-only.", name);
	else if (sheet_may_set(planned_by(b), next, slot, &e) != 0)
		batch_fail(b, name, &e);
	else
		return slot;
	return NULL;
}

void batch_plan_value(struct batch *b, struct component *c, const char *name, const json_t *json, bool forced)
{
	const struct component *next = batch_shadow(b, c)->next;
	const struct slot *slot = settable(b, next, name, forced);
	if (!slot)
		return;
	if (slot->kind == V_COMPONENT) {
		set_frozen(b, c, slot, json);
		return;
	}
	if (slot->flags & SLOT_JSON) {
		batch_plan_extra(b, c, slot, json);
		return;
	}
	if (slot->kind == V_SECRET && json_is_object(json)) /* {"set": true} read and sent back: unchanged */
		return;
	struct value current, v;
	struct row_room room;
	slot_read(slot, next, &current);
	bool hashed = slot->flags & SLOT_HASHED;
	if ((hashed ? batch_take_hash(b, c, slot, json, &v)
	            : value_from_json(component_row(next, slot, &room), json, &current, name, &v, &b->report)) == 0) {
		seal(b, &v);
		batch_plan_set(b, c, slot, &v);
		const struct link *l = batch_added(b, c->handle) ? NULL : link_into(c, slot->name);
		if (l)
			report_warning(&b->report, name, "The link \"%s\" leads here and will overwrite this value.", l->name);
	}
	if (!hashed)
		row_room_finish(&room);
	value_clear(&current);
}

void batch_plan_json(struct batch *b, struct component *c, const json_t *values, const char *pointer)
{
	batch_point(b, pointer);
	if (!json_is_object(values)) {
		report_error(&b->report, E_INVALID, NULL, "An object of property names and values is expected here.");
		return;
	}
	/* What other values are judged by: the slots that there are, and the limits of a point. */
	static const char *const first[] = { "slots", "facets" };
	for (size_t i = 0; i < ARRAY_SIZE(first); i++)
		if (json_object_get(values, first[i]))
			batch_plan_value(b, c, first[i], json_object_get(values, first[i]), false);
	const char *name;
	json_t *json;
	json_object_foreach((json_t *)(uintptr_t)values, name,
	                    json) if (strcmp(name, first[0]) != 0 && strcmp(name, first[1]) != 0)
	    batch_plan_value(b, c, name, json, false);
}

static void plan_set(struct batch *b, struct component *c, struct change *change)
{
	const struct slot *slot = component_slot(batch_seen(b, c), change->name);
	struct err e = { 0 };
	if (slot && change->source && value_parse(slot, change->source, &change->value, &e) != 0) {
		batch_fail(b, change->name, &e);
		return;
	}
	if (!slot || slot->kind == V_COMPONENT || slot->kind != change->value.kind) {
		report_error(&b->report, E_INVALID, change->name, "%s has no such property.", c->type->name);
		return;
	}
	if (sheet_may_set(planned_by(b), c, slot, &e) != 0) {
		batch_fail(b, change->name, &e);
		return;
	}
	if (value_check(slot, &change->value, change->name, &b->report) == 0)
		batch_plan_set(b, c, slot, &change->value);
}

/* The value of a dynamic slot as text, NULL: its default. One that the batch takes away needs none. */
static void plan_set_own(struct batch *b, struct component *c, struct change *change)
{
	const struct slot *slot = component_slot(batch_seen(b, c), change->name);
	if (!slot && !change->source)
		return;
	if (slot && !change->source)
		change->source = must_strdup(slot->dflt);
	plan_set(b, c, change);
}

/* Laid over what the batch has made of them so far: what others wrote while it waited is kept. */
static void plan_tags(struct batch *b, struct component *c, struct change *change)
{
	char *text = tags_merge(batch_shadow(b, c)->next, change->json);
	change->name = must_strdup("tags");
	change->value = value_string(text);
	free(text);
	plan_set(b, c, change);
}

/* --- the rest ---------------------------------------------------------------------------------------------------- */

static void plan_display_name(struct batch *b, struct component *c, const struct change *change)
{
	struct err e = { 0 };
	static const struct facets limits = { .maxLength = 200 };
	static const struct slot row = { .name = "displayName", .kind = V_STRING, .facets = &limits };
	struct value v = value_string(change->name);
	const char *old = c->extra && c->extra->displayName ? c->extra->displayName : "";
	if (sheet_may_configure(planned_by(b), &e) != 0)
		batch_fail(b, "displayName", &e);
	else if (value_check(&row, &v, "displayName", &b->report) == 0 && strcmp(old, change->name) != 0) {
		if (batch_added(b, c->handle)) {
			component_set_display_name(c, change->name);
			value_clear(&v);
			return;
		}
		struct shadow *s = batch_row(b, c);
		free(s->displayName);
		s->displayName = must_strdup(change->name);
		s->rest = true;
		batch_note(b, "changed", c, "displayName", old, change->name);
	}
	value_clear(&v);
}

/* --- the whole -------------------------------------------------------------------------------------------------- */

static void plan_change(struct batch *b, size_t index)
{
	struct change *change = &b->changes[index];
	struct component *c = batch_component(b, change->component);
	batch_point(b, change->prefix);
	if (change->what == CHANGE_ORDER)
		return; /* when everything stands */
	if (change->follows && (!c || place_removed(b, c)))
		change->what = CHANGE_NOTHING;
	if (change->what == CHANGE_NOTHING)
		return;
	if (!c) {
		report_error(&b->report, E_NOT_FOUND, NULL, "The component is gone.");
		return;
	}
	bool placed = change->what == CHANGE_REMOVE || change->what == CHANGE_MOVE || change->what == CHANGE_ADD;
	if (!placed && change->what != CHANGE_REVISION && place_removed(b, c)) {
		report_error(&b->report, E_CONFLICT, NULL, "%s is removed by the same batch and cannot be changed by it.",
		             c->name);
		return;
	}
	switch (change->what) {
	case CHANGE_SET:
		plan_set(b, c, change);
		break;
	case CHANGE_SET_JSON:
		batch_plan_json(b, c, change->json, change->prefix);
		break;
	case CHANGE_TAGS:
		plan_tags(b, c, change);
		break;
	case CHANGE_SET_OWN:
		plan_set_own(b, c, change);
		break;
	case CHANGE_SLOTS:
		batch_plan_slots(b, c, change->json);
		break;
	case CHANGE_DISPLAY_NAME:
		plan_display_name(b, c, change);
		break;
	case CHANGE_ADD:
		plan_add(b, c, change);
		break;
	case CHANGE_REMOVE:
		plan_remove(b, c);
		break;
	case CHANGE_MOVE:
		plan_move(b, c, change);
		break;
	case CHANGE_ORDER:
	case CHANGE_NOTHING:
		break;
	case CHANGE_LINK:
		plan_link(b, c, change);
		break;
	case CHANGE_LINK_ENABLE:
		plan_link_enable(b, c, change);
		break;
	case CHANGE_UNLINK:
		plan_unlink(b, c, change);
		break;
	case CHANGE_REVISION:
		if (c->revision != change->revision)
			report_error(&b->report, E_STALE, NULL,
			             "%s has changed since you read it (revision %u, now %u); read it again.", c->name,
			             change->revision, c->revision);
		break;
	}
}

static void check_shadow(struct batch *b, const struct shadow *s)
{
	for (const struct type *t = s->next->type; t; t = t->base)
		if (t->check)
			t->check(s->next, s->fresh ? NULL : s->live, &b->report);
}

/* The rules speak of slots; their pointers begin where the values of that component stood in the request. */
static const char *pointer_of(const struct batch *b, uint64_t handle)
{
	uint64_t at = handle_map_get(&b->pointer_at, handle);
	return at ? b->changes[at - 1].prefix : "/values";
}

const struct component *planned(const struct batch *b, const struct component *c)
{
	uint64_t shadow = handle_map_get(&b->shadow_at, c->handle);
	const struct component *next = shadow ? b->shadows[shadow - 1].next : NULL;
	return place_removed(b, c) ? NULL : next ? next : c;
}

static void check_around(struct batch *b, const struct component *c)
{
	for (const struct type *t = c->type; t; t = t->base)
		if (t->check_around)
			t->check_around(c, b, &b->report);
}

static void check_removed(struct batch *b)
{
	for (size_t i = 0; i < b->count; i++) {
		struct component *top = station_by_handle(b->station, b->changes[i].component);
		if (!top || b->changes[i].what != CHANGE_REMOVE)
			continue;
		batch_point(b, b->changes[i].prefix);
		for (struct component *c = top; c; c = tree_next(c, top))
			check_around(b, c);
	}
}

static void check_shadows(struct batch *b)
{
	for (size_t i = 0; i < b->shadow_count; i++) {
		const struct shadow *s = &b->shadows[i];
		batch_point(b, pointer_of(b, s->handle));
		if (!s->fresh && place_removed(b, s->live)) /* a frozen child that was changed, then replaced */
			report_error(&b->report, E_CONFLICT, NULL, "%s is replaced by the same batch and cannot be changed by it.",
			             s->live->name);
		else if (s->next)
			check_shadow(b, s);
		if (!s->fresh && s->next)
			check_around(b, s->live);
	}
}

/* Definitions have changed: the values of slots that went go, the others may differ from a new default. */
static void persist_own(struct batch *b, struct shadow *s)
{
	const struct slot *slot;
	if (!shadow_defines(s))
		return;
	struct slot_walk old = { .own = s->live->extra ? s->live->extra->own : NULL },
	                 now = { .own = s->next->extra ? s->next->extra->own : NULL };
	while ((slot = slot_next(&old)))
		persist_unset(b->tx, s->handle, slot->name);
	while ((slot = slot_next(&now))) {
		if (!(slot->flags & SLOT_TRANSIENT))
			persist_slot(b->tx, s->handle, slot, s->next);
		mark(s, slot); /* links and observers look again */
	}
}

static void persist_shadow(struct batch *b, struct shadow *s)
{
	if (s->fresh || (s->count == 0 && !s->rest))
		return;
	const struct place *p = place_of(b, s->handle);
	const struct component *parent = p ? batch_component(b, p->parent) : s->live->parent;
	const char *displayName = s->displayName ? s->displayName : s->live->extra ? s->live->extra->displayName : NULL;
	persist_component(b->tx, s->live, parent, p ? p->name : s->live->name,
	                  p && p->position ? p->position : component_position(s->live), displayName, s->live->revision + 1);
	for (uint32_t i = 0; i < s->count; i++)
		if (!(s->slots[i]->flags & SLOT_TRANSIENT))
			persist_slot(b->tx, s->handle, s->slots[i], s->next);
	persist_own(b, s);
}

static void write_plan(struct batch *b)
{
	place_write(b);
	for (size_t i = 0; i < b->shadow_count; i++)
		persist_shadow(b, &b->shadows[i]);
	for (size_t i = 0; i < b->added_count; i++)
		persist_subtree(b->tx, b->added[i].component, batch_component(b, b->added[i].parent));
	link_write(b);
	if (b->added_count || b->numbers_taken)
		persist_next_handle(b->tx, b->station);
	batch_write_audit(b);
	batch_write_version(b);
}

void batch_plan(struct batch *b)
{
	place_begin(b);
	batch_follow_slots(b);
	for (size_t i = 0; i < b->count; i++) /* whose slots the others may speak of */
		if (b->changes[i].what == CHANGE_SLOTS)
			plan_change(b, i);
	for (size_t i = 0; i < b->count; i++)
		if (b->changes[i].what != CHANGE_SLOTS)
			plan_change(b, i);
	batch_unlink_gone(b);
	plan_order(b);
	link_loops(b);
	check_shadows(b);
	check_removed(b);
	if (!b->report.errors)
		write_plan(b);
}
