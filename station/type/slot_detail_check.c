/* SPDX-License-Identifier: Apache-2.0
 * Is that a definition of a slot which a component may have? All that is wrong with it is told at once, at its place, in
 * the members of a struct too. Which facets there are is in slot_detail.c. Any thread. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/tree/component.h"
#include "station/type/slot_detail_inside.h"

/* Kinds without parts; a list may be of those without a status. */
#define STATUS_KINDS                                                                                                   \
	(KIND_BIT(V_STATUS_BOOLEAN) | KIND_BIT(V_STATUS_NUMERIC) | KIND_BIT(V_STATUS_ENUM) | KIND_BIT(V_STATUS_STRING))
#define PLAIN_KINDS                                                                                                    \
	(KIND_BIT(V_BOOLEAN) | KIND_BIT(V_INTEGER) | KIND_BIT(V_REAL) | KIND_BIT(V_STRING) | KIND_BIT(V_ENUM) |            \
	 KIND_BIT(V_ABSTIME) | KIND_BIT(V_RELTIME) | KIND_BIT(V_ORD))
enum { MEMBERS_MAX = 50, DEPTH_MAX = 4 };

/* One definition being checked. */
struct checking {
	const struct type *type;
	const struct slot *slot;     /* of the type; NULL: a dynamic slot, or an action */
	const struct action *action; /* of the type */
	enum kind kind;              /* V_NULL of an action */
	enum kind items;             /* of a list; else V_KINDS */
	int depth;                   /* 0: a slot of the component; else a member of a struct */
	const char *path;
	struct report *report;
};

static bool wrong(const struct checking *c, const char *member, const char *sentence)
{
	char *at = must_format("%s/%s", c->path, member);
	report_error(c->report, E_INVALID, at, "%s", sentence);
	free(at);
	return false;
}

/* Names and numbers are each used once. */
static bool good_range(const json_t *range)
{
	size_t n = json_array_size(range);
	for (size_t i = 0; i < n; i++) {
		const json_t *tag = json_array_get(range, i);
		const char *name = detail_tag_name(tag);
		json_int_t ordinal = detail_tag_ordinal(tag, i);
		if (!name || !*name || strlen(name) > 64 || strpbrk(name, "{}") || ordinal < INT32_MIN || ordinal > INT32_MAX)
			return false;
		for (size_t k = 0; k < i; k++)
			if (strcmp(detail_tag_name(json_array_get(range, k)), name) == 0 ||
			    detail_tag_ordinal(json_array_get(range, k), k) == ordinal)
				return false;
	}
	return n >= 1 && n <= 1000;
}

static const struct detail_facet *facet_named(const char *name)
{
	const struct detail_facet *f = detail_facets;
	while (f->name && strcmp(f->name, name) != 0)
		f++;
	return f->name ? f : NULL;
}

static bool good_facet(const struct detail_facet *f, enum kind kind, const json_t *value)
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
		return json_is_integer(value) && n >= 1 && n <= (kind == V_LIST ? 1000 : STRING_MAX_DEFAULT);
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

static bool has_facet(const struct checking *c, const struct detail_facet *f)
{
	if (c->slot && f->given >= GIVEN_RANGE)
		return false;
	if (c->kind == V_LIST && f->given == GIVEN_RANGE)
		return c->items == V_ENUM;
	return (f->kinds & KIND_BIT(c->kind)) != 0;
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
		const struct detail_facet *f = facet_named(name);
		snprintf(at, sizeof at, "facets/%.60s", name);
		if (!f || !has_facet(c, f))
			good = wrong(c, at, "A slot of this kind has no such facet here.");
		else if (!good_facet(f, c->kind, value))
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

static bool check_name(const struct checking *c, const char *name)
{
	struct err e = { 0 };
	if (name_check(name, &e) != 0)
		return wrong(c, "name", e.text);
	if (c->depth == 0 && (slots_find(component_extra_slots, name) || type_topic(c->type, name)))
		return wrong(c, "name", "This name has a meaning already.");
	return true;
}

/* Only a dynamic slot says of which kind it is. */
static bool check_kind(struct checking *c, const json_t *definition)
{
	const json_t *kind = json_object_get(definition, "kind"), *element = json_object_get(definition, "element");
	unsigned allowed = PLAIN_KINDS | STATUS_KINDS | KIND_BIT(V_LIST) | KIND_BIT(V_STRUCT);
	if (c->depth == 0)
		allowed |= KIND_BIT(V_SECRET);
	c->kind = detail_kind(json_string_value(kind));
	c->items = element ? detail_kind(json_string_value(element)) : V_KINDS;
	if (c->kind == V_KINDS || !(KIND_BIT(c->kind) & allowed))
		return wrong(c, "kind",
		             !kind ? c->depth ? "Say of which kind this member is."
		                              : "There is no such property here; to add one, say of which kind it is."
		                 : c->depth
		                 ? "A member may be of any kind that a property has, but secret."
		                 : "The kinds are boolean, integer, real, string, enum, abstime, reltime, ord, secret, "
		                   "statusBoolean, statusNumeric, statusEnum, statusString, list and struct.");
	bool good =
	    c->kind == V_LIST ? c->items != V_KINDS && (KIND_BIT(c->items) & (PLAIN_KINDS | KIND_BIT(V_STRUCT))) : !element;
	if (!good)
		return wrong(c, "element",
		             "A list, and nothing else, has items: of kind boolean, integer, real, string, enum, abstime, "
		             "reltime, ord or struct.");
	if (((KIND_BIT(c->kind) & KINDS_ENUM) || c->items == V_ENUM) &&
	    !json_object_get(json_object_get(definition, "facets"), "range"))
		return wrong(c, "facets/range", "An enum needs its range: a list of names.");
	return true;
}

static bool check_definition(struct checking *c, const json_t *definition);

static bool check_member(const struct checking *c, const json_t *members, size_t i)
{
	char at[200];
	const json_t *member = json_array_get(members, i);
	const char *name = detail_tag_name(member);
	struct checking inner = { .type = c->type, .depth = c->depth + 1, .path = at, .report = c->report };
	snprintf(at, sizeof at, "%.150s/members/%zu", c->path, i);
	for (size_t k = 0; name && k < i; k++) {
		const char *other = detail_tag_name(json_array_get(members, k));
		if (other && strcmp(other, name) == 0)
			return wrong(&inner, "name", "There is another member of this name.");
	}
	return check_definition(&inner, member);
}

/* Structs and lists of them have members, and nothing else has. */
static bool check_members(const struct checking *c, const json_t *definition)
{
	const json_t *members = json_object_get(definition, "members");
	bool structs = c->kind == V_STRUCT || (c->kind == V_LIST && c->items == V_STRUCT), good = true;
	size_t n = json_array_size(members);
	if (!structs)
		return members ? wrong(c, "members", "Only a struct, or a list of structs, has members.") : true;
	if (c->depth >= DEPTH_MAX)
		return wrong(c, "kind", "Structs stand in structs to a depth of 4.");
	if (!json_is_array(members) || n < 1 || n > MEMBERS_MAX)
		return wrong(c, "members", "A struct needs its members: a list of 1 to 50, each with name and kind.");
	for (size_t i = 0; i < n; i++)
		good = check_member(c, members, i) && good;
	return good;
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

/* What a definition may say; in a member of a struct only the first ones. */
static const char *const parts[] = { "name", "kind", "element", "members", "facets", "doc", "displayName", "flags" };
enum { PARTS_OF_A_MEMBER = 6 };

static bool check_parts(const struct checking *c, const json_t *definition)
{
	const char *part;
	json_t *value;
	bool good = true;
	json_object_foreach((json_t *)(uintptr_t)definition, part, value)
	{
		size_t i = 0, n = c->depth ? PARTS_OF_A_MEMBER : ARRAY_SIZE(parts);
		while (i < n && strcmp(parts[i], part) != 0)
			i++;
		if (i == n)
			good = wrong(c, part,
			             c->depth ? "A member of a struct has a name, kind, element, members, facets and doc."
			                      : "A slot has the members name, kind, element, members, displayName, doc, flags, "
			                        "facets and value.");
	}
	return good;
}

static bool check_text(const struct checking *c, const json_t *definition, const char *part, size_t most,
                       const char *sentence)
{
	const json_t *text = json_object_get(definition, part);
	return !text || (json_is_string(text) && json_string_length(text) <= most) ? true : wrong(c, part, sentence);
}

/* A slot of the type has its kind, members and doc. */
static bool check_frozen(const struct checking *c, const json_t *definition)
{
	static const char *const fixed[] = { "kind", "element", "members", "doc" };
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		if (json_object_get(definition, fixed[i]))
			return wrong(c, fixed[i], "This is a slot of the type, which says that.");
	return true;
}

static bool check_definition(struct checking *c, const json_t *definition)
{
	const char *name = json_string_value(json_object_get(definition, "name"));
	const json_t *flags = json_object_get(definition, "flags"), *given = json_object_get(definition, "facets");
	if (!name)
		return wrong(c, "name", "A text is expected here.");
	c->slot = c->depth ? NULL : type_slot(c->type, name);
	c->action = c->slot || c->depth ? NULL : type_action(c->type, name);
	c->kind = c->slot ? c->slot->kind : V_NULL;
	c->items = V_KINDS;
	bool good = c->slot || c->action ? check_frozen(c, definition)
	                                 : check_name(c, name) && check_kind(c, definition) && check_members(c, definition);
	good = check_parts(c, definition) && good;
	good = check_text(c, definition, "displayName", 200, "A text of at most 200 bytes is expected here.") && good;
	good = check_text(c, definition, "doc", 500, "A text of at most 500 bytes is expected here.") && good;
	if (flags)
		good = check_flags(c, flags) && good;
	return good && given ? check_facets(c, given) : good;
}

bool detail_check(const struct type *type, const json_t *definition, const char *path, struct report *report)
{
	struct checking c = { .type = type, .path = path, .report = report };
	return check_definition(&c, definition);
}
