/* SPDX-License-Identifier: Apache-2.0
 * Definitions of slots, from JSON to rows: see slot_detail.h. One table says which facets there are and for which kinds;
 * checking (slot_detail_check.c), keeping and laying over all go by it. */
#include "station/type/slot_detail.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/type/slot_detail_inside.h"

/* --- the tables --------------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	unsigned flag;
} flag_names[] = {
	{ "readonly", SLOT_READONLY }, { "transient", SLOT_TRANSIENT }, { "hidden", SLOT_HIDDEN },
	{ "summary", SLOT_SUMMARY },   { "operator", SLOT_OPERATOR },   { "confirmRequired", SLOT_CONFIRM },
	{ "secret", SLOT_SECRET },     { "required", SLOT_REQUIRED },
};

unsigned slot_flag_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(flag_names); i++)
		if (strcmp(flag_names[i].name, name) == 0)
			return flag_names[i].flag;
	return 0;
}

json_t *slot_flags_to_json(unsigned flags)
{
	json_t *array = json_array();
	for (size_t i = 0; i < ARRAY_SIZE(flag_names); i++)
		if (flags & flag_names[i].flag)
			json_array_append_new(array, json_string(flag_names[i].name));
	return array;
}

#define NUMBERS (KIND_BIT(V_INTEGER) | KIND_BIT(V_REAL) | KIND_BIT(V_STATUS_NUMERIC))
#define TEXTS (KIND_BIT(V_STRING) | KIND_BIT(V_STATUS_STRING))
#define BOOLEANS (KIND_BIT(V_BOOLEAN) | KIND_BIT(V_STATUS_BOOLEAN))

const struct detail_facet detail_facets[] = {
	{ "units", GIVEN_UNITS, NUMBERS, JSON_STRING, "A text of at most 32 bytes is expected here, such as °C." },
	{ "precision", GIVEN_PRECISION, KIND_BIT(V_REAL) | KIND_BIT(V_STATUS_NUMERIC), JSON_INTEGER,
	  "A number of decimals from 0 to 9 is expected here." },
	{ "min", GIVEN_MIN, NUMBERS | KIND_BIT(V_RELTIME), JSON_REAL, "A number is expected here." },
	{ "max", GIVEN_MAX, NUMBERS | KIND_BIT(V_RELTIME), JSON_REAL, "A number is expected here." },
	{ "trueText", GIVEN_TRUE_TEXT, BOOLEANS, JSON_STRING, "A text of at most 64 bytes is expected here." },
	{ "falseText", GIVEN_FALSE_TEXT, BOOLEANS, JSON_STRING, "A text of at most 64 bytes is expected here." },
	{ "multiLine", GIVEN_MULTI_LINE, TEXTS, JSON_TRUE, "true or false is expected here." },
	{ "maxLength", GIVEN_MAX_LENGTH, TEXTS | KIND_BIT(V_LIST), JSON_INTEGER,
	  "A number is expected here: of bytes from 1 to 16384, of a list's items from 1 to 1000." },
	{ "range", GIVEN_RANGE, KINDS_ENUM | KIND_BIT(V_LIST), JSON_ARRAY,
	  "A list of 1 to 1000 names, or of {name, ordinal}, is expected here." },
	{ .name = NULL },
};

enum kind detail_kind(const char *name)
{
	for (int i = 0; name && i < V_KINDS; i++)
		if (strcmp(kind_name((enum kind)i), name) == 0)
			return (enum kind)i;
	return V_KINDS;
}

const char *detail_tag_name(const json_t *tag)
{
	return json_string_value(json_is_object(tag) ? json_object_get(tag, "name") : tag);
}

json_int_t detail_tag_ordinal(const json_t *tag, size_t index)
{
	const json_t *ordinal = json_is_object(tag) ? json_object_get(tag, "ordinal") : NULL;
	return ordinal ? json_integer_value(ordinal) : (json_int_t)index;
}

/* --- keeping ------------------------------------------------------------------------------------------------------ */

static json_t *canonical_range(const json_t *range)
{
	json_t *tags = json_array(), *tag;
	size_t i;
	json_array_foreach((json_t *)(uintptr_t)range, i, tag) json_array_append_new(
	    tags, json_pack("{s:s, s:I}", "name", detail_tag_name(tag), "ordinal", detail_tag_ordinal(tag, i)));
	return tags;
}

static json_t *canonical_members(const json_t *members)
{
	json_t *list = json_array(), *member;
	size_t i;
	json_array_foreach((json_t *)(uintptr_t)members, i, member) json_array_append_new(list, detail_canonical(member));
	return list;
}

json_t *detail_canonical(const json_t *definition)
{
	json_t *canonical = json_object(), *given = json_object_get(definition, "facets"), *kept = json_object();
	static const char *const plain[] = { "name", "kind", "element", "displayName", "doc" };
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		if (json_string_length(json_object_get(definition, plain[i])))
			json_object_set(canonical, plain[i], json_object_get(definition, plain[i]));
	if (json_object_get(definition, "members"))
		json_object_set_new(canonical, "members", canonical_members(json_object_get(definition, "members")));
	unsigned flags = 0;
	size_t i;
	json_t *flag;
	json_array_foreach(json_object_get(definition, "flags"), i, flag) flags |= slot_flag_named(json_string_value(flag));
	/* That a type's slot has none of its flags is worth saying, that a dynamic one has none is not. */
	if (json_object_get(definition, "flags") && (flags || !json_object_get(definition, "kind")))
		json_object_set_new(canonical, "flags", slot_flags_to_json(flags));
	for (const struct detail_facet *f = detail_facets; f->name; f++) {
		json_t *value = json_object_get(given, f->name);
		if (value && f->given == GIVEN_RANGE)
			json_object_set_new(kept, "range", canonical_range(value));
		else if (value && f->type == JSON_REAL)
			json_object_set_new(kept, f->name, json_real(json_number_value(value)));
		else if (value)
			json_object_set(kept, f->name, value);
	}
	if (json_object_size(kept))
		json_object_set(canonical, "facets", kept);
	json_decref(kept);
	return canonical;
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static struct tag *make_tags(const json_t *range)
{
	size_t i;
	json_t *tag;
	struct tag *tags = must_alloc((json_array_size(range) + 1) * sizeof *tags);
	json_array_foreach((json_t *)(uintptr_t)range, i, tag) tags[i] =
	    (struct tag){ (int)detail_tag_ordinal(tag, i), detail_tag_name(tag), NULL };
	return tags;
}

static void take_facets(struct slot_detail *d, const json_t *given)
{
	for (const struct detail_facet *f = detail_facets; f->name; f++)
		if (json_object_get(given, f->name))
			d->given |= f->given;
	d->facets = (struct facets){
		.units = json_string_value(json_object_get(given, "units")),
		.precision = (int)json_integer_value(json_object_get(given, "precision")),
		.trueText = json_string_value(json_object_get(given, "trueText")),
		.falseText = json_string_value(json_object_get(given, "falseText")),
		.multiLine = json_is_true(json_object_get(given, "multiLine")),
		.maxLength = (uint32_t)json_integer_value(json_object_get(given, "maxLength")),
	};
	if (d->given & (GIVEN_MIN | GIVEN_MAX)) {
		d->facets.min = d->given & GIVEN_MIN ? json_number_value(json_object_get(given, "min")) : -INFINITY;
		d->facets.max = d->given & GIVEN_MAX ? json_number_value(json_object_get(given, "max")) : INFINITY;
	}
	if (d->given & GIVEN_RANGE) {
		d->tags = make_tags(json_object_get(given, "range"));
		d->facets.range = d->tags;
	}
}

/* What a dynamic slot has at first: no value where there can be none, else the one nearest to 0. Owned. */
static char *first_value(const struct slot_detail *d)
{
	const struct facets *f = &d->facets;
	double nearest = f->min < f->max && f->min > 0 ? f->min : f->min < f->max && f->max < 0 ? f->max : 0;
	struct value v = { .kind = d->row.kind };
	switch (d->row.kind) {
	case V_STATUS_NUMERIC:
		return must_strdup("0 {null}");
	case V_STATUS_BOOLEAN:
		return must_strdup("false {null}");
	case V_STATUS_STRING:
		return must_strdup(" {null}");
	case V_STATUS_ENUM:
		return must_format("%s {null}", d->tags[0].name);
	case V_REAL:
		v.real = nearest;
		return value_print(&d->row, &v);
	case V_INTEGER:
	case V_RELTIME:
		v.integer = (int64_t)(nearest > 0 ? ceil(nearest) : floor(nearest));
		return value_print(&d->row, &v);
	case V_ENUM:
		return must_strdup(d->tags[0].name);
	default:
		return must_strdup("");
	}
}

static unsigned flags_of(const json_t *json)
{
	unsigned flags = 0;
	size_t i;
	json_t *flag;
	json_array_foreach((json_t *)(uintptr_t)json, i, flag) flags |= slot_flag_named(json_string_value(flag));
	return flags;
}

/* The table of members is a detail without a name of its own, so that equal structs of all slots have one table, and values
 * of one fit the other. */
static const struct slot *members_of(struct slot_details *all, json_t *members)
{
	json_t *definition = json_pack("{s:O}", "members", members);
	const struct slot_detail *d = detail_of(all, definition);
	json_decref(definition);
	return d->members;
}

static struct slot *make_members(struct slot_details *all, const json_t *members)
{
	size_t i;
	json_t *member;
	struct slot *rows = must_alloc((json_array_size(members) + 1) * sizeof *rows);
	json_array_foreach((json_t *)(uintptr_t)members, i, member)
	{
		rows[i] = detail_of(all, member)->row;
		rows[i].flags = 0;
	}
	return rows;
}

static struct slot_detail *make(struct slot_details *all, const json_t *definition, char *text)
{
	struct slot_detail *d = must_alloc(sizeof *d);
	d->text = text;
	d->json = json_deep_copy(definition);
	must(d->json != NULL);
	const json_t *kind = json_object_get(d->json, "kind"), *element = json_object_get(d->json, "element");
	const char *doc = json_string_value(json_object_get(d->json, "doc"));
	json_t *members = json_object_get(d->json, "members");
	if (members && !kind) {
		d->members = make_members(all, members);
		return d;
	}
	d->displayName = json_string_value(json_object_get(d->json, "displayName"));
	d->given = json_object_get(d->json, "flags") ? GIVEN_FLAGS : 0;
	take_facets(d, json_object_get(d->json, "facets"));
	d->row = (struct slot){
		.name = json_string_value(json_object_get(d->json, "name")),
		.doc = doc ? doc : "A property of this component alone.",
		.kind = kind ? detail_kind(json_string_value(kind)) : V_NULL,
		.element = element ? detail_kind(json_string_value(element)) : V_NULL,
		.flags = flags_of(json_object_get(d->json, "flags")) | (kind ? SLOT_DYNAMIC : 0),
		.facets = &d->facets,
		.members = members ? members_of(all, members) : NULL,
	};
	if (kind) {
		d->dflt = first_value(d);
		d->row.dflt = d->dflt;
	}
	return d;
}

const struct slot_detail *detail_of(struct slot_details *all, const json_t *definition)
{
	char *text = json_dumps(definition, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
	must(text != NULL);
	uint64_t key = handle_map_key(0, text);
	struct slot_detail *d = (struct slot_detail *)(uintptr_t)handle_map_get(&all->by_text, key);
	while (d && strcmp(d->text, text) != 0)
		d = d->next;
	if (d) {
		free(text);
		return d;
	}
	d = make(all, definition, text); /* its members come before it */
	d->next = (struct slot_detail *)(uintptr_t)handle_map_get(&all->by_text, key);
	handle_map_put(&all->by_text, key, (uintptr_t)d);
	return d;
}

void details_finish(struct slot_details *all)
{
	for (size_t i = 0; i < all->by_text.size; i++)
		for (struct slot_detail *d = (struct slot_detail *)(uintptr_t)all->by_text.items[i], *next; d; d = next) {
			next = d->next;
			json_decref(d->json);
			free(d->tags);
			free(d->members);
			free(d->text);
			free(d->dflt);
			free(d);
		}
	handle_map_finish(&all->by_text);
}

/* --- laying over -------------------------------------------------------------------------------------------------- */

void detail_lay_facets(const struct slot_detail *d, struct facets *f)
{
	bool bounded = f->min < f->max;
	if (d->given & GIVEN_UNITS)
		f->units = d->facets.units;
	if (d->given & GIVEN_PRECISION)
		f->precision = d->facets.precision;
	if (d->given & GIVEN_TRUE_TEXT)
		f->trueText = d->facets.trueText;
	if (d->given & GIVEN_FALSE_TEXT)
		f->falseText = d->facets.falseText;
	if (d->given & GIVEN_MULTI_LINE)
		f->multiLine = d->facets.multiLine;
	if (!(d->given & (GIVEN_MIN | GIVEN_MAX)))
		return;
	f->min = d->given & GIVEN_MIN ? d->facets.min : bounded ? f->min : -INFINITY;
	f->max = d->given & GIVEN_MAX ? d->facets.max : bounded ? f->max : INFINITY;
}

unsigned detail_lay_flags(const struct slot_detail *d, unsigned flags)
{
	const unsigned free_ones = SLOT_HIDDEN | SLOT_SUMMARY | SLOT_OPERATOR | SLOT_CONFIRM;
	return d->given & GIVEN_FLAGS ? (flags & ~free_ones) | d->row.flags : flags;
}
