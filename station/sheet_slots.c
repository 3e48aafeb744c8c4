/* SPDX-License-Identifier: Apache-2.0
 * A component's own slots in a plan: a merge patch by name over the definitions that it has by then, or all of them. Part of
 * sheet_plan.c, see batch.h. A renamed slot keeps its value; its links follow (batch_slots). Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "station/batch_plan.h"
#include "station/category.h"
#include "station/must.h"
#include "station/own_slots.h"

/* A value to be set when the definitions stand. */
struct held {
	char *name; /* owned */
	struct value value;
	const json_t *json; /* borrowed; NULL: value */
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

/* Another kind has other facets. */
static void forget_kind(json_t *definition, const json_t *kind)
{
	const json_t *old = json_object_get(definition, "kind");
	if (!kind || !old || json_equal(kind, old))
		return;
	json_object_del(definition, "facets");
	json_object_del(definition, "element");
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
	struct value v;
	slot_read(own_slot_row(e->next, from), e->next, &v);
	hold(e, to)->value = v;
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
	forget_kind(definition, json_object_get(patch, "kind"));
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
		batch_plan_set(e->batch, e->component, row, &h->value);
	}
}

void batch_plan_slots(struct batch *b, struct component *c, const json_t *json)
{
	struct err err = { 0 };
	struct editing e = { .batch = b, .component = c, .next = batch_shadow(b, c)->next };
	size_t before = b->report.errors;
	if (sheet_may_configure(batch_who(b), &err) != 0) {
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
