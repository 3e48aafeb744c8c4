/* SPDX-License-Identifier: Apache-2.0
 * Deltas for people: a sentence, and a diff as JSON. See delta.h. Engine thread. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/sheet/delta.h"
#include "station/station.h"
#include "station/tree/own_slots.h"

static const char *path_of(const struct delta *d, uint64_t handle)
{
	const struct delta_place *p = delta_place(d, handle);
	return p ? p->path : "";
}

static bool same_column(const struct delta_row *r, const char *column)
{
	if (strcmp(column, "parent") == 0 || strcmp(column, "position") == 0)
		return delta_integer(r->kind, r->before, column) == delta_integer(r->kind, r->after, column);
	char *before = delta_text(r->kind, r->before, column), *after = delta_text(r->kind, r->after, column);
	bool same = strcmp(before, after) == 0;
	free(before);
	free(after);
	return same;
}

/* What happened to the component itself: in the words of a diff. NULL: only its values or links have changed. */
static const char *what_happened(const struct delta_row *r)
{
	if (!r || r->kind != &component_kind)
		return NULL;
	if (!r->before)
		return "added";
	if (!r->after)
		return "removed";
	return same_column(r, "parent") && same_column(r, "name") ? NULL : "moved";
}

/* "/A/b": where a component that was moved had stood. Owned. */
static char *old_path(const struct delta *d, const struct delta_row *r)
{
	uint64_t parent = (uint64_t)delta_integer(r->kind, r->before, "parent");
	char *name = delta_text(r->kind, r->before, "name");
	const char *above = path_of(d, parent);
	char *path = must_format("%s/%s", strcmp(above, "/") == 0 ? "" : above, name);
	free(name);
	return path;
}

/* --- the sentence ----------------------------------------------------------------------------------------------- */

/* Counts of one kind of thing, and the first that was met. */
struct tally {
	size_t count, components; /* all; tops of subtrees, or different components */
	const struct delta_row *first;
	uint64_t last; /* handle met last */
};
struct tallies {
	struct tally added, removed, moved, named, ordered, properties, linked, unlinked, switched;
};

static void count(struct tally *t, const struct delta_row *r, bool component)
{
	if (!t->first)
		t->first = r;
	t->count++;
	t->components += component;
	t->last = r->handle;
}

/* Is r the top of what is added or removed? */
static bool is_top(const struct delta *d, const struct delta_row *r)
{
	const char *state = r->before ? r->before : r->after;
	uint64_t parent = (uint64_t)delta_integer(r->kind, state, "parent");
	const struct delta_row *above = delta_find(d, &component_kind, parent, "");
	return !above || (r->before ? above->after != NULL : above->before != NULL);
}

static void count_component(struct tallies *t, const struct delta *d, const struct delta_row *r)
{
	const char *what = what_happened(r);
	if (what && *what == 'a')
		count(&t->added, r, is_top(d, r));
	else if (what && *what == 'r')
		count(&t->removed, r, is_top(d, r));
	else if (what)
		count(&t->moved, r, true);
	if (r->before && r->after && !same_column(r, "displayName"))
		count(&t->named, r, true);
	if (r->before && r->after && !what && !same_column(r, "position"))
		count(&t->ordered, r, true);
}

static void count_rows(struct tallies *t, const struct delta *d)
{
	for (size_t i = 0; i < d->count; i++) {
		const struct delta_row *r = &d->rows[i], *own = delta_find(d, &component_kind, r->handle, "");
		const char *what = what_happened(own);
		if (r->kind == &component_kind)
			count_component(t, d, r);
		else if (what && *what != 'm') /* goes without saying */
			continue;
		else if (r->kind == &slot_kind)
			count(&t->properties, r, r->handle != t->properties.last);
		else
			count(r->before && r->after ? &t->switched : r->after ? &t->linked : &t->unlinked, r, true);
	}
}

static void part(FILE *out, const char **between, const char *verb)
{
	if (*between)
		fprintf(out, "%s%c%s", *between, *verb | 0x20, verb + 1);
	else
		fputs(verb, out);
	*between = "; ";
}

static void tell_subtrees(FILE *out, const char **between, const struct delta *d, const char *verb,
                          const struct tally *t)
{
	if (!t->count)
		return;
	part(out, between, verb);
	if (t->components == 1 && t->count == 1)
		fprintf(out, " %s", path_of(d, t->first->handle));
	else if (t->components == 1)
		fprintf(out, " %s (%zu components)", path_of(d, t->first->handle), t->count);
	else
		fprintf(out, " %s and %zu more (%zu components)", path_of(d, t->first->handle), t->components - 1, t->count);
}

static void tell_moved(FILE *out, const char **between, const struct delta *d, const struct tally *t)
{
	if (!t->count)
		return;
	bool renamed = same_column(t->first, "parent");
	part(out, between, renamed ? "Renamed" : "Moved");
	char *from = old_path(d, t->first);
	const char *to = path_of(d, t->first->handle);
	if (t->count == 1)
		fprintf(out, " %s to %s", from, renamed ? strrchr(to, '/') + 1 : to);
	else
		fprintf(out, " %s and %zu more", from, t->count - 1);
	free(from);
}

/* "port, hostname and 3 more of /A/b" */
static void tell_properties(FILE *out, const char **between, const struct delta *d, const struct tally *t)
{
	if (!t->count)
		return;
	part(out, between, "Changed");
	if (t->components > 1) {
		fprintf(out, " %s of %s and %zu more (%zu properties)", t->first->name, path_of(d, t->first->handle),
		        t->components - 1, t->count);
		return;
	}
	size_t named = 0;
	for (const struct delta_row *r = t->first; r < d->rows + d->count && named < 3; r++)
		if (r->kind == &slot_kind && r->handle == t->first->handle)
			fprintf(out, "%s%s", named++ ? ", " : " ", r->name);
	if (t->count > named)
		fprintf(out, " and %zu more", t->count - named);
	fprintf(out, " of %s", path_of(d, t->first->handle));
}

static void tell_others(FILE *out, const char **between, const struct delta *d, const char *verb, const struct tally *t)
{
	if (!t->count)
		return;
	part(out, between, verb);
	if (t->count == 1)
		fprintf(out, " %s", path_of(d, t->first->handle));
	else
		fprintf(out, " %s and %zu more", path_of(d, t->first->handle), t->count - 1);
}

static void tell_ordered(FILE *out, const char **between, const struct delta *d, const struct tally *t)
{
	if (!t->count)
		return;
	const char *path = path_of(d, t->first->handle), *slash = strrchr(path, '/');
	part(out, between, "Reordered");
	fprintf(out, " the children of %.*s", slash > path ? (int)(slash - path) : 1, path);
}

char *delta_summary(const struct delta *d)
{
	struct tallies t = { 0 };
	char *text = NULL;
	size_t size;
	count_rows(&t, d);
	FILE *out = open_memstream(&text, &size);
	must(out != NULL);
	const char *between = NULL;
	tell_subtrees(out, &between, d, "Removed", &t.removed);
	tell_subtrees(out, &between, d, "Added", &t.added);
	tell_moved(out, &between, d, &t.moved);
	tell_properties(out, &between, d, &t.properties);
	tell_others(out, &between, d, "Gave a display name to", &t.named);
	tell_others(out, &between, d, "Linked to", &t.linked);
	tell_others(out, &between, d, "Removed a link into", &t.unlinked);
	tell_others(out, &between, d, "Changed a link of", &t.switched);
	tell_ordered(out, &between, d, &t.ordered);
	fputs(between ? "." : "Changed nothing.", out);
	must(fclose(out) == 0);
	return text;
}

/* --- the diff --------------------------------------------------------------------------------------------------- */

static bool is_sealed(const char *text)
{
	return strncmp(text, "v1:", 3) == 0;
}

/* A slot that the type does not have: of component_extra, dynamic, or gone from the program. */
static json_t *unknown_json(const char *name, const char *text)
{
	const struct slot *extra = slots_find(component_extra_slots, name);
	json_t *json = extra && (extra->flags & SLOT_JSON) ? json_loads(text, 0, NULL) : NULL;
	if (json)
		return json;
	return is_sealed(text) ? json_pack("{s:b}", "set", 1) : json_string(text);
}

/* The row of a dynamic slot by the definitions as they were. */
static const struct slot *row_by(struct station *s, const struct type *type, const char *definitions, const char *name)
{
	json_t *list = json_loads(definitions, 0, NULL), *definition;
	const struct slot *row = NULL;
	struct report report;
	size_t i;
	report_init(&report, "");
	json_array_foreach(list, i, definition)
	{
		const char *own = json_string_value(json_object_get(definition, "name"));
		if (own && strcmp(own, name) == 0 && detail_check(type, definition, "", &report))
			row = &detail_of(&s->tree.details, definition)->row;
	}
	report_finish(&report);
	json_decref(list);
	return row;
}

/* The same, before or after the change; where that did not touch the definitions, as the component has it now. NULL: it has
 * none, or is gone. */
static const struct slot *own_row(struct station *s, const struct delta *d, const struct type *type,
                                  const struct delta_row *r, const char *state)
{
	const struct delta_row *slots = delta_find(d, &slot_kind, r->handle, "slots");
	const char *beside = !slots ? NULL : state == r->before ? slots->before : slots->after;
	const struct component *c = station_by_handle(s, r->handle);
	if (!beside)
		return c ? own_slot_row(c, r->name) : NULL;
	char *text = delta_text(slots->kind, beside, "value");
	const struct slot *row = row_by(s, type, text, r->name);
	free(text);
	return row;
}

/* The value in a slot's row as REST shows it. Without a row it is the default; NULL when that is not known either. */
static json_t *slot_json(struct station *s, const struct delta *d, const struct delta_row *r, const char *state)
{
	const struct delta_place *place = delta_place(d, r->handle);
	const struct type *type = place ? type_find(s->types, place->type) : NULL;
	const struct slot *slot = type ? type_slot(type, r->name) : NULL;
	char *text = state ? delta_text(r->kind, state, "value") : NULL;
	bool own = !slot && text && !is_sealed(text); /* a secret that is a text now stays one */
	struct value v = VALUE_NULL;
	json_t *json = NULL;
	if (own && type)
		slot = own_row(s, d, type, r, state);
	if (slot && slot->kind != V_COMPONENT) {
		if (!text)
			v = value_default(slot);
		if (!text || value_parse(slot, text, &v, NULL) == 0)
			json = value_to_json(slot, &v);
		value_clear(&v);
	}
	if (!json && text && (own || !slot))
		json = unknown_json(r->name, text);
	free(text);
	return json;
}

static void describe_slot(struct station *s, const struct delta *d, const struct delta_row *r, json_t *item)
{
	const char *what = json_string_value(json_object_get(item, "what"));
	json_t *properties = json_object_get(item, "properties"), *property = json_pack("{s:s}", "name", r->name);
	json_t *old = *what == 'a' ? NULL : slot_json(s, d, r, r->before);
	json_t *new = *what == 'r' ? NULL : slot_json(s, d, r, r->after);
	if (old)
		json_object_set_new(property, "old", old);
	if (new)
		json_object_set_new(property, "new", new);
	json_array_append_new(properties, property);
}

static json_t *link_json(const struct delta *d, const char *state)
{
	if (!state)
		return json_null();
	char *from = delta_text(&link_kind, state, "sourceSlot"), *to = delta_text(&link_kind, state, "targetSlot");
	const char *source = path_of(d, (uint64_t)delta_integer(&link_kind, state, "source"));
	json_t *json = json_pack("{s:s, s:s, s:s}", "source", source, "sourceSlot", from, "targetSlot", to);
	if (!delta_integer(&link_kind, state, "enabled"))
		json_object_set_new(json, "enabled", json_false());
	free(from);
	free(to);
	return json;
}

static void describe_component(const struct delta *d, const struct delta_row *r, json_t *item)
{
	if (!r->before || !r->after)
		return;
	if (strcmp(json_string_value(json_object_get(item, "what")), "moved") == 0) {
		char *from = old_path(d, r);
		json_object_set_new(item, "oldPath", json_string(from));
		free(from);
	}
	if (!same_column(r, "displayName")) {
		char *old = delta_text(r->kind, r->before, "displayName"), *new = delta_text(r->kind, r->after, "displayName");
		json_object_set_new(item, "displayName", json_pack("{s:s, s:s}", "old", old, "new", new));
		free(old);
		free(new);
	}
	if (!same_column(r, "position"))
		json_object_set_new(item, "position", json_true());
}

static json_t *new_item(const struct delta *d, uint64_t handle)
{
	const struct delta_place *place = delta_place(d, handle);
	const char *what = what_happened(delta_find(d, &component_kind, handle, ""));
	char text[20];
	snprintf(text, sizeof text, "%" PRIx64, handle);
	return json_pack("{s:s, s:s, s:s, s:s, s:[], s:[]}", "path", place ? place->path : "", "type",
	                 place ? place->type : "", "handle", text, "what", what ? what : "changed", "properties", "links");
}

json_t *delta_to_json(struct station *s, const struct delta *d, size_t limit)
{
	json_t *items = json_array();
	struct handle_map at = { 0 };
	for (size_t i = 0; i < d->count; i++) {
		const struct delta_row *r = &d->rows[i];
		uint64_t index = handle_map_get(&at, r->handle);
		if (!index && json_array_size(items) == limit)
			continue;
		if (!index) {
			json_array_append_new(items, new_item(d, r->handle));
			index = json_array_size(items);
			handle_map_put(&at, r->handle, index);
		}
		json_t *item = json_array_get(items, (size_t)index - 1);
		if (r->kind == &component_kind)
			describe_component(d, r, item);
		else if (r->kind == &slot_kind)
			describe_slot(s, d, r, item);
		else
			json_array_append_new(json_object_get(item, "links"),
			                      json_pack("{s:s, s:o, s:o}", "name", r->name, "old", link_json(d, r->before), "new",
			                                link_json(d, r->after)));
	}
	handle_map_finish(&at);
	return items;
}
