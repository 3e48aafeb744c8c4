/* SPDX-License-Identifier: Apache-2.0
 * Definitions of slots, from JSON to rows: see slot_detail.h. One table says which facets there are and for which kinds;
 * checking, keeping and laying over all go by it. */
#include "station/slot_detail.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "station/component.h"
#include "station/must.h"

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

#define BIT(kind) (1U << (kind))
#define NUMBERS (BIT(V_INTEGER) | BIT(V_REAL) | BIT(V_STATUS_NUMERIC))
#define TEXTS (BIT(V_STRING) | BIT(V_STATUS_STRING))
#define BOOLEANS (BIT(V_BOOLEAN) | BIT(V_STATUS_BOOLEAN))
#define ENUMS (BIT(V_ENUM) | BIT(V_STATUS_ENUM))
#define SIMPLE (NUMBERS | TEXTS | BOOLEANS | ENUMS | BIT(V_ABSTIME) | BIT(V_RELTIME) | BIT(V_ORD))
#define ITEMS (BIT(V_BOOLEAN) | BIT(V_INTEGER) | BIT(V_REAL) | BIT(V_STRING) | BIT(V_ORD))

static const struct facet {
	const char *name;
	unsigned given, kinds;
	json_type type;
	const char *wanted;
} facets[] = {
	{ "units", GIVEN_UNITS, NUMBERS, JSON_STRING, "A text of at most 32 bytes is expected here, such as °C." },
	{ "precision", GIVEN_PRECISION, BIT(V_REAL) | BIT(V_STATUS_NUMERIC), JSON_INTEGER,
	  "A number of decimals from 0 to 9 is expected here." },
	{ "min", GIVEN_MIN, NUMBERS | BIT(V_RELTIME), JSON_REAL, "A number is expected here." },
	{ "max", GIVEN_MAX, NUMBERS | BIT(V_RELTIME), JSON_REAL, "A number is expected here." },
	{ "trueText", GIVEN_TRUE_TEXT, BOOLEANS, JSON_STRING, "A text of at most 64 bytes is expected here." },
	{ "falseText", GIVEN_FALSE_TEXT, BOOLEANS, JSON_STRING, "A text of at most 64 bytes is expected here." },
	{ "multiLine", GIVEN_MULTI_LINE, TEXTS, JSON_TRUE, "true or false is expected here." },
	{ "maxLength", GIVEN_MAX_LENGTH, TEXTS, JSON_INTEGER, "A number of bytes from 1 to 16384 is expected here." },
	{ "range", GIVEN_RANGE, ENUMS, JSON_ARRAY, "A list of 1 to 1000 names, or of {name, ordinal}, is expected here." },
};

static const struct facet *facet_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(facets); i++)
		if (strcmp(facets[i].name, name) == 0)
			return &facets[i];
	return NULL;
}

static enum kind kind_named(const char *name)
{
	for (int i = 0; name && i < V_KINDS; i++)
		if (strcmp(kind_name((enum kind)i), name) == 0)
			return (enum kind)i;
	return V_KINDS;
}

/* --- checking ----------------------------------------------------------------------------------------------------- */

/* One definition being checked. */
struct checking {
	const struct type *type;
	const struct slot *slot;     /* of the type; NULL: a dynamic slot, or an action */
	const struct action *action; /* of the type */
	enum kind kind;              /* V_NULL of an action */
	const char *path;
	struct report *report;
};

static bool wrong(const struct checking *c, const char *member, const char *sentence)
{
	char at[200];
	snprintf(at, sizeof at, "%s/%s", c->path, member);
	report_error(c->report, E_INVALID, at, "%s", sentence);
	return false;
}

static const char *tag_name(const json_t *tag)
{
	return json_string_value(json_is_object(tag) ? json_object_get(tag, "name") : tag);
}

static json_int_t tag_ordinal(const json_t *tag, size_t index)
{
	const json_t *ordinal = json_is_object(tag) ? json_object_get(tag, "ordinal") : NULL;
	return ordinal ? json_integer_value(ordinal) : (json_int_t)index;
}

/* Names and numbers are each used once. */
static bool good_range(const json_t *range)
{
	size_t n = json_array_size(range);
	for (size_t i = 0; i < n; i++) {
		const json_t *tag = json_array_get(range, i);
		const char *name = tag_name(tag);
		json_int_t ordinal = tag_ordinal(tag, i);
		if (!name || !*name || strlen(name) > 64 || strpbrk(name, "{}") || ordinal < INT32_MIN || ordinal > INT32_MAX)
			return false;
		for (size_t k = 0; k < i; k++)
			if (strcmp(tag_name(json_array_get(range, k)), name) == 0 ||
			    tag_ordinal(json_array_get(range, k), k) == ordinal)
				return false;
	}
	return n >= 1 && n <= 1000;
}

static bool good_facet(const struct facet *f, const json_t *value)
{
	size_t length = json_string_length(value);
	json_int_t n = json_integer_value(value);
	switch (f->given) {
	case GIVEN_MIN:
	case GIVEN_MAX:
		return json_is_number(value) && fabs(json_number_value(value)) < 1e300;
	case GIVEN_MULTI_LINE:
		return json_is_boolean(value);
	case GIVEN_RANGE:
		return json_is_array(value) && good_range(value);
	case GIVEN_PRECISION:
		return json_is_integer(value) && n >= 0 && n <= 9;
	case GIVEN_MAX_LENGTH:
		return json_is_integer(value) && n >= 1 && n <= STRING_MAX_DEFAULT;
	default:
		return json_is_string(value) && length <= (f->given == GIVEN_UNITS ? 32 : 64) &&
		    strlen(json_string_value(value)) == length;
	}
}

/* The limits of a type's slot hold, whatever a component says: its code counts on them. */
static bool check_limits(const struct checking *c, const json_t *given)
{
	const json_t *low = json_object_get(given, "min"), *high = json_object_get(given, "max");
	const struct facets *f = c->slot && c->slot->facets ? c->slot->facets : NULL;
	bool bounded = f && f->min < f->max;
	double min = bounded ? f->min : -INFINITY, max = bounded ? f->max : INFINITY;
	double least = low ? json_number_value(low) : min, most = high ? json_number_value(high) : max;
	if (low && (least < min || least >= most))
		return wrong(c, "facets/min", "The least value must be below the greatest, and within what the type allows.");
	if (high && (most > max || least >= most))
		return wrong(c, "facets/max", "The greatest value must be above the least, and within what the type allows.");
	if (c->kind == V_INTEGER && least > -9e15 && most < 9e15 && ceil(least) > floor(most))
		return wrong(c, "facets/min", "There is no whole number between these limits.");
	return true;
}

static bool check_facets(const struct checking *c, const json_t *given)
{
	const char *name;
	json_t *value;
	char at[100];
	bool good = true;
	if (!json_is_object(given))
		return wrong(c, "facets", "An object of facets is expected here.");
	json_object_foreach((json_t *)(uintptr_t)given, name, value)
	{
		const struct facet *f = facet_named(name);
		snprintf(at, sizeof at, "facets/%.60s", name);
		if (!f || !(f->kinds & BIT(c->kind)) || (c->slot && f->given >= GIVEN_RANGE))
			good = wrong(c, at, "A slot of this kind has no such facet here.");
		else if (!good_facet(f, value))
			good = wrong(c, at, f->wanted);
	}
	return good && check_limits(c, given);
}

static bool check_flags(const struct checking *c, const json_t *given)
{
	unsigned allowed = c->action ? SLOT_HIDDEN | SLOT_OPERATOR | SLOT_CONFIRM
	    : c->slot                ? DETAIL_FLAGS
	                             : DETAIL_FLAGS | SLOT_TRANSIENT;
	size_t i;
	json_t *flag;
	if (!json_is_array(given))
		return wrong(c, "flags", "A list of flags is expected here.");
	json_array_foreach((json_t *)(uintptr_t)given, i, flag)
	{
		const char *name = json_string_value(flag);
		if (!name || !(slot_flag_named(name) & allowed))
			return wrong(c, "flags",
			             c->action     ? "The flags of an action are hidden, operator and confirmRequired."
			                 : c->slot ? "The flags that can be set here are readonly, hidden, summary and operator."
			                           : "The flags are readonly, transient, hidden, summary and operator.");
	}
	return true;
}

/* Only a dynamic slot says of which kind it is. */
static bool check_kind(struct checking *c, const json_t *definition)
{
	const char *name = json_string_value(json_object_get(definition, "name"));
	const json_t *kind = json_object_get(definition, "kind"), *element = json_object_get(definition, "element");
	struct err e = { 0 };
	if (c->slot || c->action)
		return !kind && !element
		    ? true
		    : wrong(c, kind ? "kind" : "element", "This is a slot of the type, which has its kind.");
	if (name_check(name, &e) != 0)
		return wrong(c, "name", e.text);
	if (slots_find(component_extra_slots, name) || type_topic(c->type, name))
		return wrong(c, "name", "This name has a meaning already.");
	c->kind = kind_named(json_string_value(kind));
	if (c->kind == V_KINDS || !(BIT(c->kind) & (SIMPLE | BIT(V_LIST))))
		return wrong(c, "kind",
		             kind ? "The kinds are boolean, integer, real, string, enum, abstime, reltime, ord, statusBoolean, "
		                    "statusNumeric, statusEnum, statusString and list."
		                  : "There is no such property here; to add one, say of which kind it is.");
	enum kind items = element ? kind_named(json_string_value(element)) : V_KINDS;
	bool good = c->kind == V_LIST ? items != V_KINDS && (BIT(items) & ITEMS) : !element;
	if (!good)
		return wrong(c, "element",
		             "A list, and nothing else, has items of kind boolean, integer, real, string or ord.");
	if ((BIT(c->kind) & ENUMS) && !json_object_get(json_object_get(definition, "facets"), "range"))
		return wrong(c, "facets/range", "An enum needs its range: a list of names.");
	return true;
}

bool detail_check(const struct type *type, const json_t *definition, const char *path, struct report *report)
{
	static const char *const members[] = { "name", "kind", "element", "displayName", "flags", "facets" };
	const char *name = json_string_value(json_object_get(definition, "name")), *member;
	struct checking c = { .type = type, .path = path, .report = report };
	const json_t *display = json_object_get(definition, "displayName"), *flags = json_object_get(definition, "flags"),
	             *given = json_object_get(definition, "facets");
	json_t *value;
	if (!name)
		return wrong(&c, "name", "A text is expected here.");
	c.slot = type_slot(type, name);
	c.action = c.slot ? NULL : type_action(type, name);
	c.kind = c.slot ? c.slot->kind : V_NULL;
	bool good = check_kind(&c, definition);
	json_object_foreach((json_t *)(uintptr_t)definition, member, value)
	{
		size_t i = 0;
		while (i < ARRAY_SIZE(members) && strcmp(members[i], member) != 0)
			i++;
		if (i == ARRAY_SIZE(members))
			good =
			    wrong(&c, member, "A slot has the members name, kind, element, displayName, flags, facets and value.");
	}
	if (display && (!json_is_string(display) || json_string_length(display) > 200))
		good = wrong(&c, "displayName", "A text of at most 200 bytes is expected here.");
	if (flags)
		good = check_flags(&c, flags) && good;
	return good && given ? check_facets(&c, given) : good;
}

/* --- keeping ------------------------------------------------------------------------------------------------------ */

static json_t *canonical_range(const json_t *range)
{
	json_t *tags = json_array(), *tag;
	size_t i;
	json_array_foreach((json_t *)(uintptr_t)range, i, tag)
	    json_array_append_new(tags, json_pack("{s:s, s:I}", "name", tag_name(tag), "ordinal", tag_ordinal(tag, i)));
	return tags;
}

json_t *detail_canonical(const json_t *definition)
{
	json_t *canonical = json_object(), *given = json_object_get(definition, "facets"), *kept = json_object();
	static const char *const plain[] = { "name", "kind", "element" };
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		json_object_set(canonical, plain[i], json_object_get(definition, plain[i]));
	if (json_string_length(json_object_get(definition, "displayName")))
		json_object_set(canonical, "displayName", json_object_get(definition, "displayName"));
	unsigned flags = 0;
	size_t i;
	json_t *flag;
	json_array_foreach(json_object_get(definition, "flags"), i, flag) flags |= slot_flag_named(json_string_value(flag));
	/* That a type's slot has none of its flags is worth saying, that a dynamic one has none is not. */
	if (json_object_get(definition, "flags") && (flags || !json_object_get(definition, "kind")))
		json_object_set_new(canonical, "flags", slot_flags_to_json(flags));
	for (i = 0; i < ARRAY_SIZE(facets); i++) {
		json_t *value = json_object_get(given, facets[i].name);
		if (value && facets[i].given == GIVEN_RANGE)
			json_object_set_new(kept, "range", canonical_range(value));
		else if (value && facets[i].type == JSON_REAL)
			json_object_set_new(kept, facets[i].name, json_real(json_number_value(value)));
		else if (value)
			json_object_set(kept, facets[i].name, value);
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
	    (struct tag){ (int)tag_ordinal(tag, i), tag_name(tag), NULL };
	return tags;
}

static void take_facets(struct slot_detail *d, const json_t *given)
{
	for (size_t i = 0; i < ARRAY_SIZE(facets); i++)
		if (json_object_get(given, facets[i].name))
			d->given |= facets[i].given;
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

static struct slot_detail *make(const json_t *definition, char *text)
{
	struct slot_detail *d = must_alloc(sizeof *d);
	d->text = text;
	d->json = json_deep_copy(definition);
	must(d->json != NULL);
	const json_t *kind = json_object_get(d->json, "kind"), *element = json_object_get(d->json, "element");
	d->displayName = json_string_value(json_object_get(d->json, "displayName"));
	d->given = json_object_get(d->json, "flags") ? GIVEN_FLAGS : 0;
	take_facets(d, json_object_get(d->json, "facets"));
	d->row = (struct slot){
		.name = json_string_value(json_object_get(d->json, "name")),
		.doc = "A property of this component alone.",
		.kind = kind ? kind_named(json_string_value(kind)) : V_NULL,
		.element = element ? kind_named(json_string_value(element)) : V_NULL,
		.flags = flags_of(json_object_get(d->json, "flags")) | (kind ? SLOT_DYNAMIC : 0),
		.facets = &d->facets,
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
	struct slot_detail *first = (struct slot_detail *)(uintptr_t)handle_map_get(&all->by_text, key), *d = first;
	while (d && strcmp(d->text, text) != 0)
		d = d->next;
	if (d) {
		free(text);
		return d;
	}
	d = make(definition, text);
	d->next = first;
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
