/* SPDX-License-Identifier: Apache-2.0
 * Validation of a batch: every change is checked against the tree as it is and as the batch leaves it; all that is wrong
 * goes into the report at once. What is right becomes shadows (components as they will be) and writes of one
 * transaction. Nothing in the tree changes here. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "station/audit.h"
#include "station/batch.h"
#include "station/link.h"
#include "station/must.h"
#include "station/ord.h"
#include "station/persist.h"

static void prefix(struct batch *b, const char *text)
{
	snprintf(b->report.prefix, sizeof b->report.prefix, "%s", text ? text : "");
}

static void fail(struct batch *b, const char *slot, const struct err *e)
{
	report_error(&b->report, e->code, slot ? slot : e->slot, "%s", e->text);
}

static const struct actor *who(const struct batch *b)
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
	return next;
}

void shadow_finish(struct shadow *s)
{
	free(s->displayName);
	if (s->fresh || !s->next)
		return;
	for (const struct type *t = s->next->type; t; t = t->base)
		if (t->size > sizeof(struct component))
			image_release(t, s->next);
	free(s->next);
}

static bool is_added(const struct batch *b, uint64_t handle)
{
	return batch_added(b, handle) != NULL;
}

static struct shadow *shadow_of(struct batch *b, struct component *c)
{
	for (size_t i = 0; i < b->shadow_count; i++)
		if (b->shadows[i].handle == c->handle)
			return &b->shadows[i];
	b->shadows = must_realloc(b->shadows, (b->shadow_count + 1) * sizeof *b->shadows);
	struct shadow *s = &b->shadows[b->shadow_count++];
	bool fresh = is_added(b, c->handle);
	*s = (struct shadow){ .handle = c->handle, .live = c, .fresh = fresh, .next = fresh ? c : copy_of(c) };
	return s;
}

static void mark(struct shadow *s, const struct slot *slot)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->slots[i] == slot)
			return;
	must(s->count < ARRAY_SIZE(s->slots));
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

static void set_value(struct batch *b, struct component *c, const struct slot *slot, struct value *v)
{
	struct shadow *s = shadow_of(b, c);
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

static void plan_json(struct batch *b, struct component *c, const json_t *values, const char *pointer);

/* A frozen child of another type: at once when the parent is new itself (nothing is stored yet), else with the batch. */
static struct component *replace_frozen(struct batch *b, struct component *c, struct component *old,
                                        const struct type *type)
{
	struct component *fresh = component_create(b->station, type, old->name, 0);
	fresh->flags |= COMPONENT_FROZEN;
	if (is_added(b, c->handle)) {
		tree_detach(old);
		component_destroy(&old);
		tree_attach(c, fresh);
		return fresh;
	}
	b->added = must_realloc(b->added, (b->added_count + 1) * sizeof *b->added);
	b->added_parent = must_realloc(b->added_parent, (b->added_count + 1) * sizeof *b->added_parent);
	b->added_parent[b->added_count] = c->handle;
	b->added[b->added_count++] = fresh;
	shadow_of(b, c)->rest = true;
	batch_note(b, "changed", c, old->name, old->type->name, type->name);
	return fresh;
}

static struct component *frozen_child(const struct batch *b, const struct component *c, const char *name)
{
	for (size_t i = 0; i < b->added_count; i++) /* replaced already by this batch */
		if (b->added_parent[i] == c->handle && strcmp(b->added[i]->name, name) == 0)
			return b->added[i];
	return component_child(c, name);
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
	char pointer[160], outer[160];
	snprintf(outer, sizeof outer, "%s", b->report.prefix);
	snprintf(pointer, sizeof pointer, "%.100s/%s", outer, slot->name);
	if (type != child->type)
		child = replace_frozen(b, c, child, type);
	const json_t *nested = json_object_get(json, "values");
	json_t *values = json_copy((json_t *)(uintptr_t)(nested ? nested : json));
	if (!nested)
		json_object_del(values, "type");
	plan_json(b, child, values, pointer);
	prefix(b, outer);
	json_decref(values);
}

static void set_one(struct batch *b, struct component *c, const char *name, const json_t *json)
{
	const struct slot *slot = type_slot(c->type, name);
	struct err e = { 0 };
	if (!slot) {
		report_error(&b->report, E_INVALID, name, "%s has no property \"%.60s\".", c->type->name, name);
		return;
	}
	if (slot->flags & SLOT_READONLY) {
		report_error(&b->report, E_INVALID, name, "\"%s\" is read-only.", name);
		return;
	}
	if (sheet_may_set(who(b), c, slot, &e) != 0) {
		fail(b, name, &e);
		return;
	}
	if (slot->kind == V_COMPONENT) {
		set_frozen(b, c, slot, json);
		return;
	}
	if (slot->kind == V_SECRET && json_is_object(json)) /* {"set": true} read and sent back: unchanged */
		return;
	struct value current, v;
	slot_read(slot, shadow_of(b, c)->next, &current);
	bool hashed = slot->flags & SLOT_HASHED;
	if ((hashed ? batch_take_hash(b, c, slot, json, &v)
	            : value_from_json(slot, json, &current, name, &v, &b->report)) == 0) {
		seal(b, &v);
		set_value(b, c, slot, &v);
	}
	value_clear(&current);
}

static void plan_json(struct batch *b, struct component *c, const json_t *values, const char *pointer)
{
	prefix(b, pointer);
	if (!json_is_object(values)) {
		report_error(&b->report, E_INVALID, NULL, "An object of property names and values is expected here.");
		return;
	}
	const char *name;
	json_t *json;
	json_object_foreach((json_t *)(uintptr_t)values, name, json) set_one(b, c, name, json);
}

static void plan_set(struct batch *b, struct component *c, struct change *change)
{
	const struct slot *slot = type_slot(c->type, change->name);
	struct err e = { 0 };
	if (!slot || slot->kind == V_COMPONENT || slot->kind != change->value.kind) {
		report_error(&b->report, E_INVALID, change->name, "%s has no such property.", c->type->name);
		return;
	}
	if (sheet_may_set(who(b), c, slot, &e) != 0) {
		fail(b, change->name, &e);
		return;
	}
	if (value_check(slot, &change->value, change->name, &b->report) == 0)
		set_value(b, c, slot, &change->value);
}

/* --- add, remove, move ------------------------------------------------------------------------------------------ */

static bool being_removed(const struct batch *b, const struct component *c)
{
	for (size_t i = 0; i < b->count; i++)
		for (const struct component *p = c; b->changes[i].what == CHANGE_REMOVE && p; p = p->parent)
			if (p->handle == b->changes[i].component)
				return true;
	return false;
}

/* Does another child of parent have that name once the batch is applied? */
static bool name_taken(struct batch *b, struct component *parent, const char *name, uint64_t except)
{
	struct component *c = component_child(parent, name);
	if (c && c->handle != except && !being_removed(b, c))
		return true;
	for (size_t i = 0; i < b->added_count; i++)
		if (b->added_parent[i] == parent->handle && b->added[i]->handle != except &&
		    strcmp(b->added[i]->name, name) == 0)
			return true;
	return false;
}

static bool container(const struct type *type)
{
	for (; type; type = type->base)
		if (type->flags & TYPE_CONTAINER)
			return true;
	return false;
}

static int parent_allows(const struct type *type, const struct component *parent, struct err *e)
{
	for (const struct type *t = type; t; t = t->base)
		if (t->parent_ok)
			return t->parent_ok(parent, e);
	return 0;
}

static bool place_ok(struct batch *b, const struct type *type, struct component *parent, const char *name,
                     uint64_t self)
{
	struct err e = { 0 };
	if (!container(parent->type))
		report_error(&b->report, E_INVALID, "parent", "A %s takes no further components below it.", parent->type->name);
	else if (parent_allows(type, parent, &e) != 0)
		report_error(&b->report, e.code, "parent", "%s", e.text);
	else if (name_taken(b, parent, name, self))
		report_error(&b->report, E_CONFLICT, "name", "There is a component named \"%s\" here already.", name);
	else
		return true;
	return false;
}

static void plan_add(struct batch *b, struct component *c, const struct change *change)
{
	struct err e = { 0 };
	struct component *parent = batch_component(b, change->parent);
	prefix(b, change->prefix);
	size_t n = strlen(b->report.prefix);
	if (n >= 7 && strcmp(b->report.prefix + n - 7, "/values") == 0)
		b->report.prefix[n - 7] = '\0';
	if (!parent || being_removed(b, parent)) {
		report_error(&b->report, E_NOT_FOUND, "parent", "The component to add to is gone.");
		return;
	}
	if (sheet_may_configure(who(b), &e) != 0) {
		fail(b, NULL, &e);
		return;
	}
	if (!place_ok(b, c->type, parent, c->name, c->handle))
		return;
	const struct type *single = c->type;
	while (single && !(single->flags & TYPE_SINGLETON))
		single = single->base;
	if (single && station_service(b->station, single)) {
		report_error(&b->report, E_CONFLICT, "type", "The station has its %s already; there can be only one.",
		             single->name);
		return;
	}
	shadow_of(b, c);
	char *path = component_path(parent);
	if (b->by_user) {
		char *target = must_format("%s/%s", strcmp(path, "/") == 0 ? "" : path, c->name);
		json_array_append_new(
		    b->audit, json_pack("{s:s, s:s, s:s}", "operation", "added", "target", target, "value", c->type->name));
		free(target);
	}
	free(path);
	if (change->json)
		plan_json(b, c, change->json, change->prefix);
}

static void plan_remove(struct batch *b, struct component *c)
{
	struct err e = { 0 };
	if (sheet_may_configure(who(b), &e) != 0)
		fail(b, NULL, &e);
	else if (!c->parent || (c->flags & COMPONENT_FROZEN))
		report_error(&b->report, E_CONFLICT, NULL, "%s belongs to its parent and cannot be removed.", c->name);
	else if (c->type->flags & TYPE_SINGLETON)
		report_error(&b->report, E_CONFLICT, NULL,
		             "%s is a service of the station and cannot be removed; it can be disabled.", c->name);
	else {
		persist_remove(b->tx, c);
		batch_note(b, "removed", c, NULL, c->type->name, NULL);
	}
}

static void plan_move(struct batch *b, struct component *c, const struct change *change)
{
	struct err e = { 0 };
	struct component *parent = change->parent ? batch_component(b, change->parent) : c->parent;
	const char *name = change->name ? change->name : c->name;
	if (sheet_may_configure(who(b), &e) != 0 || name_check(name, &e) != 0) {
		fail(b, NULL, &e);
		return;
	}
	if (!c->parent || (c->flags & COMPONENT_FROZEN) || !parent || is_added(b, c->handle)) {
		report_error(&b->report, E_CONFLICT, NULL, "%s cannot be moved or renamed.", c->name);
		return;
	}
	for (struct component *p = parent; p; p = p->parent)
		if (p == c) {
			report_error(&b->report, E_INVALID, "parent", "A component cannot be moved below itself.");
			return;
		}
	if (parent != c->parent || strcmp(name, c->name) != 0) {
		if (!place_ok(b, c->type, parent, name, c->handle))
			return;
		batch_note(b, parent == c->parent ? "renamed" : "moved", c, NULL, c->name, name);
		shadow_of(b, c)->rest = true;
	}
}

/* --- links ------------------------------------------------------------------------------------------------------ */

static void plan_link(struct batch *b, struct component *target, struct change *change)
{
	struct err e = { 0 };
	struct component *source = ord_resolve(b->station, target, change->source, &e);
	if (!source) {
		uint64_t handle = batch_find(b, change->source);
		source = handle ? batch_component(b, handle) : NULL;
	}
	if (!source) {
		report_error(&b->report, E_INVALID, "source", "%s", e.text);
		return;
	}
	if (sheet_may_configure(who(b), &e) != 0 ||
	    link_check(source, change->sourceSlot, target, change->targetSlot, &e) != 0) {
		fail(b, NULL, &e);
		return;
	}
	if (*change->name && (name_check(change->name, &e) != 0 || link_find(target, change->name))) {
		report_error(&b->report, E_CONFLICT, "name", "The link name \"%.60s\" is not legal or taken.", change->name);
		return;
	}
	for (unsigned i = 0; *change->name == '\0'; i++) {
		char name[24];
		snprintf(name, sizeof name, i ? "link%u" : "link", i);
		if (!link_find(target, name)) {
			free(change->name);
			change->name = must_strdup(name);
		}
	}
	change->source_handle = source->handle;
	persist_link(b->tx, target, change->name, source->handle, change->sourceSlot, change->targetSlot);
	batch_note(b, "linked", target, change->targetSlot, NULL, change->source);
}

static void plan_unlink(struct batch *b, struct component *target, const struct change *change)
{
	struct err e = { 0 };
	if (sheet_may_configure(who(b), &e) != 0)
		fail(b, NULL, &e);
	else if (!link_find(target, change->name))
		report_error(&b->report, E_NOT_FOUND, NULL, "%s has no link named \"%.60s\".", target->name, change->name);
	else {
		persist_unlink(b->tx, target, change->name);
		batch_note(b, "unlinked", target, NULL, change->name, NULL);
	}
}

static void plan_display_name(struct batch *b, struct component *c, const struct change *change)
{
	struct err e = { 0 };
	static const struct facets limits = { .maxLength = 200 };
	static const struct slot row = { .name = "displayName", .kind = V_STRING, .facets = &limits };
	struct value v = value_string(change->name);
	const char *old = c->extra && c->extra->displayName ? c->extra->displayName : "";
	prefix(b, "");
	if (sheet_may_configure(who(b), &e) != 0)
		fail(b, "displayName", &e);
	else if (value_check(&row, &v, "displayName", &b->report) == 0 && strcmp(old, change->name) != 0) {
		struct shadow *s = shadow_of(b, c);
		if (s->fresh) {
			component_set_display_name(c, change->name);
			value_clear(&v);
			return;
		}
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
	if (change->prefix)
		prefix(b, change->prefix);
	if (!c) {
		report_error(&b->report, E_NOT_FOUND, NULL, "The component is gone.");
		return;
	}
	switch (change->what) {
	case CHANGE_SET:
		plan_set(b, c, change);
		break;
	case CHANGE_SET_JSON:
		plan_json(b, c, change->json, change->prefix);
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
	case CHANGE_LINK:
		plan_link(b, c, change);
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
static const char *prefix_of(const struct batch *b, uint64_t handle)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->changes[i].component == handle && b->changes[i].prefix)
			return b->changes[i].prefix;
	return "/values";
}

static void persist_shadow(struct batch *b, const struct shadow *s)
{
	if (s->fresh || (s->count == 0 && !s->rest))
		return;
	const struct component *parent = s->live->parent;
	const char *name = s->live->name;
	for (size_t i = 0; i < b->count; i++) {
		const struct change *change = &b->changes[i];
		if (change->what == CHANGE_MOVE && change->component == s->handle) {
			parent = change->parent ? batch_component(b, change->parent) : parent;
			name = change->name ? change->name : name;
		}
	}
	const char *displayName = s->displayName ? s->displayName : s->live->extra ? s->live->extra->displayName : NULL;
	persist_component(b->tx, s->live, parent, name, displayName, s->live->revision + 1);
	for (size_t i = 0; i < s->count; i++)
		if (!(s->slots[i]->flags & SLOT_TRANSIENT))
			persist_slot(b->tx, s->handle, s->slots[i], s->next);
}

static void persist_added(struct batch *b)
{
	for (size_t i = 0; i < b->added_count; i++) {
		struct component *parent = batch_component(b, b->added_parent[i]);
		struct component *old = component_child(parent, b->added[i]->name);
		if (old && (old->flags & COMPONENT_FROZEN) && !is_added(b, old->handle))
			persist_remove(b->tx, old);
		persist_subtree(b->tx, b->added[i], parent);
	}
	if (b->added_count)
		persist_next_handle(b->tx, b->station);
}

void batch_plan(struct batch *b)
{
	for (size_t i = 0; i < b->count; i++)
		plan_change(b, i);
	for (size_t i = 0; i < b->shadow_count; i++) {
		prefix(b, prefix_of(b, b->shadows[i].handle));
		check_shadow(b, &b->shadows[i]);
	}
	if (b->report.errors)
		return;
	for (size_t i = 0; i < b->shadow_count; i++)
		persist_shadow(b, &b->shadows[i]);
	persist_added(b);
	batch_write_audit(b);
	batch_write_version(b);
}
