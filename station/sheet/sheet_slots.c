/* SPDX-License-Identifier: Apache-2.0
 * A component's own slots in a plan: a merge patch by name over the definitions that it has by then, or all of them. Part of
 * sheet_plan.c, see batch.h. A renamed slot keeps its value, and its links follow. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/link/link.h"
#include "station/sheet/batch_plan.h"
#include "station/tree/category.h"
#include "station/tree/own_slots.h"

/* A value to be set when the definitions stand. */
struct held {
	char *name; /* owned */
	struct value value;
	const struct slot *row; /* of value */
	const json_t *json;     /* borrowed; NULL: value */
};
struct editing {
	struct batch *batch;
	struct component *component, *next;
	json_t *list;      /* owned; the definitions as they become */
	struct held *held; /* owned */
	size_t held_count;
};

/* Index in the list + 1; 0: it is not there. */
static size_t index_of(const json_t *list, const char *name)
{
	size_t i;
	json_t *definition;
	json_array_foreach((json_t *)(uintptr_t)list, i, definition)
	{
		const char *own = json_string_value(json_object_get(definition, "name"));
		if (own && strcmp(own, name) == 0)
			return i + 1;
	}
	return 0;
}

static bool fail(const struct editing *e, const char *at, const char *sentence)
{
	report_error(&e->batch->report, E_INVALID, at, "%s", sentence);
	return false;
}

/* --- one definition ----------------------------------------------------------------------------------------------- */

/* Members of the patch over those of the definition; null takes one away; facets are merged one by one. */
static void merge(json_t *definition, const json_t *patch)
{
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)patch, name, value)
	{
		json_t *old = json_object_get(definition, name);
		if (strcmp(name, "value") == 0)
			continue;
		if (json_is_null(value))
			json_object_del(definition, name);
		else if (strcmp(name, "facets") == 0 && json_is_object(value) && json_is_object(old))
			merge(old, value);
		else
			json_object_set_new(definition, name, json_deep_copy(value));
	}
}

/* Another kind has other facets and members. */
static void forget_kind(json_t *definition)
{
	static const char *const of_the_kind[] = { "facets", "members", "element" };
	for (size_t i = 0; i < ARRAY_SIZE(of_the_kind); i++)
		json_object_del(definition, of_the_kind[i]);
}

static bool is_other(const json_t *definition, const json_t *patch, const char *part)
{
	const json_t *old = json_object_get(definition, part), *new = json_object_get(patch, part);
	return old && new && !json_equal(old, new);
}

static struct held *hold(struct editing *e, const char *name)
{
	e->held = must_realloc(e->held, (e->held_count + 1) * sizeof *e->held);
	e->held[e->held_count] = (struct held){ .name = must_strdup(name), .value = VALUE_NULL };
	return &e->held[e->held_count++];
}

/* May the slot take this name? What it is called elsewhere is checked with the definition. */
static bool may_rename(const struct editing *e, const char *from, const char *to, const char *at)
{
	if (!own_slot_row(e->next, from))
		return fail(e, at, "Only a property that was added to this component can be renamed.");
	if (index_of(e->list, to))
		return fail(e, at, "There is a property of this name here already.");
	return true;
}

static void keep_value(struct editing *e, const char *from, const char *to)
{
	struct held *h = hold(e, to);
	h->row = own_slot_row(e->next, from);
	slot_read(h->row, e->next, &h->value);
}

static void patch_one(struct editing *e, const char *name, const json_t *patch, const char *at)
{
	size_t index = index_of(e->list, name);
	if (json_is_null(patch)) {
		if (index)
			json_array_remove(e->list, index - 1);
		else
			fail(e, at, "This component has nothing of its own of this name that could be taken away.");
		return;
	}
	if (!json_is_object(patch)) {
		fail(e, at, "An object is expected here; null takes away what the component has of its own.");
		return;
	}
	json_t *definition = index ? json_deep_copy(json_array_get(e->list, index - 1)) : json_pack("{s:s}", "name", name);
	if (is_other(definition, patch, "kind") || is_other(definition, patch, "element"))
		forget_kind(definition);
	merge(definition, patch);
	const char *to = json_string_value(json_object_get(definition, "name"));
	bool renamed = to && strcmp(to, name) != 0;
	if ((!renamed || may_rename(e, name, to, at)) &&
	    detail_check(e->component->type, definition, at, &e->batch->report)) {
		json_t *kept = detail_canonical(definition);
		if (renamed)
			keep_value(e, name, to);
		if (json_object_get(patch, "value"))
			hold(e, to)->json = json_object_get(patch, "value");
		if (json_object_size(kept) == 1) { /* nothing but the name: as the type has it */
			if (index)
				json_array_remove(e->list, index - 1);
			json_decref(kept);
		} else if (index) {
			json_array_set_new(e->list, index - 1, kept);
		} else {
			json_array_append_new(e->list, kept);
		}
	}
	json_decref(definition);
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static void edit(struct editing *e, const json_t *patch)
{
	const char *name;
	json_t *entry;
	json_object_foreach((json_t *)(uintptr_t)patch, name, entry)
	{
		char at[140];
		snprintf(at, sizeof at, "slots/%.120s", name);
		patch_one(e, name, entry, at);
	}
}

static void replace(struct editing *e, const json_t *list)
{
	size_t i;
	json_t *definition;
	json_array_clear(e->list);
	json_array_foreach((json_t *)(uintptr_t)list, i, definition)
	{
		char at[40];
		snprintf(at, sizeof at, "slots/%zu", i);
		if (!detail_check(e->component->type, definition, at, &e->batch->report))
			continue;
		if (index_of(e->list, json_string_value(json_object_get(definition, "name"))))
			fail(e, at, "There is a property of this name here already.");
		else
			json_array_append_new(e->list, detail_canonical(definition));
	}
}

static void set_definitions(struct editing *e)
{
	const struct slot *slot = slots_find(component_extra_slots, "slots");
	char *text = json_array_size(e->list) ? json_dumps(e->list, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17))
	                                      : must_strdup("");
	must(text != NULL);
	struct value v = value_string(text);
	free(text);
	if (json_array_size(e->list) > OWN_SLOTS_MAX || value_check(slot, &v, "slots", &e->batch->report) != 0) {
		report_error(&e->batch->report, E_INVALID, "slots", "These are too many; at most %d are allowed.",
		             OWN_SLOTS_MAX);
		value_clear(&v);
		return;
	}
	batch_plan_set(e->batch, e->component, slot, &v);
}

static void set_held(struct editing *e, struct held *h)
{
	const struct slot *row = component_slot(e->next, h->name);
	if (h->json) {
		char outer[sizeof e->batch->report.prefix];
		snprintf(outer, sizeof outer, "%s", e->batch->report.prefix);
		snprintf(e->batch->report.prefix, sizeof e->batch->report.prefix, "%.140s/slots", outer);
		batch_plan_value(e->batch, e->component, h->name, h->json, true);
		snprintf(e->batch->report.prefix, sizeof e->batch->report.prefix, "%s", outer);
	} else if (row && row->kind == h->value.kind) {
		struct value v = own_value_fit(h->row, &h->value, row);
		batch_plan_set(e->batch, e->component, row, &v);
	}
}

void batch_plan_slots(struct batch *b, struct component *c, const json_t *json)
{
	struct err err = { 0 };
	struct editing e = { .batch = b, .component = c, .next = batch_shadow(b, c)->next };
	size_t before = b->report.errors;
	if (sheet_may_configure(planned_by(b), &err) != 0) {
		batch_fail(b, "slots", &err);
		return;
	}
	e.list = own_slots_to_json(e.next);
	if (json_is_array(json) || json_is_null(json))
		replace(&e, json);
	else if (json_is_object(json))
		edit(&e, json);
	else
		fail(&e, "slots", "An object of names and what they are is expected here.");
	if (b->report.errors == before)
		set_definitions(&e);
	for (size_t i = 0; i < e.held_count; i++) {
		if (b->report.errors == before)
			set_held(&e, &e.held[i]);
		value_clear(&e.held[i].value);
		free(e.held[i].name);
	}
	free(e.held);
	json_decref(e.list);
}

/* --- links follow ------------------------------------------------------------------------------------------------- */

struct following {
	struct batch *batch;
	struct handle_map at;   /* of slots that get another name or go, by handle_map_key: the change, index + 1 */
	struct handle_map seen; /* of links that were looked at, by target and name: 1 */
};

static bool leaves(const char *slot, const json_t *entry)
{
	const char *to = json_string_value(json_object_get(entry, "name"));
	return json_is_null(entry) || (to && strcmp(to, slot) != 0);
}

/* What the batch makes of a slot's name, which a later patch may change again; NULL: the slot goes. */
static const char *name_after(const struct following *f, uint64_t component, const char *slot)
{
	uint64_t last = 0, at;
	while ((at = handle_map_get(&f->at, handle_map_key(component, slot))) > last) {
		const json_t *entry = json_object_get(f->batch->changes[at - 1].json, slot);
		if (json_is_null(entry))
			return NULL;
		slot = json_string_value(json_object_get(entry, "name"));
		last = at;
	}
	return slot;
}

/* A link that is made anew under other names is switched by that, if the batch switches it too. */
static void switch_with(struct batch *b, struct change *link)
{
	for (size_t i = 0; i < b->count; i++) {
		struct change *change = &b->changes[i];
		if (change->what != CHANGE_LINK_ENABLE || change->component != link->component ||
		    strcmp(change->name, link->name) != 0)
			continue;
		link->disabled = change->disabled;
		change->what = CHANGE_NOTHING;
	}
}

/* The link goes with its slot, or is made anew under the new names of both of its ends. */
static void follow_link(struct following *f, const struct link *l)
{
	struct batch *b = f->batch;
	uint64_t key = handle_map_key(l->target->handle, l->name);
	const char *from = name_after(f, l->source, l->sourceSlot), *to = name_after(f, l->target->handle, l->targetSlot);
	if (handle_map_get(&f->seen, key))
		return;
	handle_map_put(&f->seen, key, 1);
	struct change *gone = batch_change(b, CHANGE_UNLINK, l->target->handle);
	gone->name = must_strdup(l->name);
	gone->follows = true;
	if (!from || !to)
		return;
	struct change *c = batch_change(b, CHANGE_LINK, l->target->handle);
	c->name = must_strdup(l->name);
	c->source_handle = l->source;
	c->sourceSlot = must_strdup(from);
	c->targetSlot = must_strdup(to);
	c->disabled = !l->enabled;
	c->follows = true;
	switch_with(b, c);
}

static void follow_slot(struct following *f, const struct component *c, const char *slot)
{
	for (const struct link *l = c->extra ? c->extra->links : NULL; l; l = l->next)
		if (strcmp(l->targetSlot, slot) == 0)
			follow_link(f, l);
	for (const struct link *l = links_from(c); l; l = link_next_from(l))
		if (strcmp(l->sourceSlot, slot) == 0)
			follow_link(f, l);
}

/* What the patch number i of the batch does to slots that are there: notes it, or lets the links follow. */
static void follow_patch(struct following *f, size_t i, bool note)
{
	uint64_t component = f->batch->changes[i].component;
	const struct component *c = station_by_handle(f->batch->station, component);
	json_t *entry, *patch = f->batch->changes[i].json;
	const char *slot;
	json_object_foreach(patch, slot, entry)
	{
		if (!leaves(slot, entry))
			continue;
		if (note)
			handle_map_put(&f->at, handle_map_key(component, slot), i + 1);
		else if (c && own_slot_row(c, slot))
			follow_slot(f, c, slot);
	}
}

void batch_follow_slots(struct batch *b)
{
	struct following f = { .batch = b };
	size_t n = b->count;
	for (size_t i = 0; i < n; i++) /* a link that goes anyway does not follow */
		if (b->changes[i].what == CHANGE_UNLINK)
			handle_map_put(&f.seen, handle_map_key(b->changes[i].component, b->changes[i].name), 1);
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < n; i++)
			if (b->changes[i].what == CHANGE_SLOTS && json_is_object(b->changes[i].json)) {
				batch_at(b, b->changes[i].prefix);
				follow_patch(&f, i, pass == 0);
			}
	handle_map_finish(&f.at);
	handle_map_finish(&f.seen);
}

static void unlink_gone(struct batch *b, const struct link *l)
{
	if (place_removed(b, l->target) || handle_map_get(&b->unlinked, handle_map_key(l->target->handle, l->name)))
		return;
	struct change *c = batch_change(b, CHANGE_UNLINK, l->target->handle);
	c->name = must_strdup(l->name);
	c->follows = true;
	plan_unlink(b, l->target, c);
}

static void unlink_all_gone(struct batch *b, const struct component *live, const char *slot)
{
	for (const struct link *l = live->extra ? live->extra->links : NULL; l; l = l->next)
		if (strcmp(l->targetSlot, slot) == 0)
			unlink_gone(b, l);
	for (const struct link *l = links_from(live); l; l = link_next_from(l))
		if (strcmp(l->sourceSlot, slot) == 0)
			unlink_gone(b, l);
}

void batch_unlink_gone(struct batch *b)
{
	for (size_t i = 0; i < b->shadow_count; i++) {
		const struct shadow *s = &b->shadows[i]; /* they may move when a link is taken away */
		const struct component *live = s->live, *next = s->next;
		if (s->fresh || !next || !live->extra || !shadow_defines(s))
			continue;
		const struct slot *slot;
		for (struct slot_walk w = { .own = live->extra->own }; (slot = slot_next(&w));)
			if (!own_slot_row(next, slot->name))
				unlink_all_gone(b, live, slot->name);
	}
}

/* --- what is kept as JSON ----------------------------------------------------------------------------------------- */

void batch_plan_extra(struct batch *b, struct component *c, const struct slot *slot, const json_t *json)
{
	if (strcmp(slot->name, "slots") == 0) {
		batch_plan_slots(b, c, json);
		return;
	}
	bool list = strcmp(slot->name, "categories") == 0;
	char *text = list            ? categories_text(json)
	    : json_object_size(json) ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS)
	                             : must_strdup("");
	must(text != NULL);
	struct value v = value_string(text);
	free(text);
	if (!json_is_null(json) && !(list ? json_is_array(json) : json_is_object(json))) {
		report_error(&b->report, E_INVALID, slot->name,
		             list ? "A list of names is expected here." : "An object of tags is expected here.");
		value_clear(&v);
	} else if (value_check(slot, &v, slot->name, &b->report) == 0) {
		batch_plan_set(b, c, slot, &v);
	} else {
		value_clear(&v);
	}
}
