/* SPDX-License-Identifier: Apache-2.0
 * The table of conversions: see link_convert.h. Numbers of times are milliseconds, as in Niagara. What cannot be read or
 * lies outside of the target's range is not carried. Engine thread. */
#include "station/link/link_convert.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"

/* Kinds without their status. */
enum base {
	B_NONE,
	B_BOOLEAN,
	B_INTEGER,
	B_REAL,
	B_STRING,
	B_ENUM,
	B_ABSTIME,
	B_RELTIME,
	B_ORD,
	B_STATUS,
	B_LIST,
	B_STRUCT,
	B_COUNT
};
static const struct {
	enum base base;
	enum kind plain;
} bases[V_KINDS] = {
	[V_NULL] = { B_NONE, V_NULL },
	[V_BOOLEAN] = { B_BOOLEAN, V_BOOLEAN },
	[V_INTEGER] = { B_INTEGER, V_INTEGER },
	[V_REAL] = { B_REAL, V_REAL },
	[V_STRING] = { B_STRING, V_STRING },
	[V_ENUM] = { B_ENUM, V_ENUM },
	[V_ABSTIME] = { B_ABSTIME, V_ABSTIME },
	[V_RELTIME] = { B_RELTIME, V_RELTIME },
	[V_ORD] = { B_ORD, V_ORD },
	[V_SECRET] = { B_NONE, V_SECRET }, /* secrets stay where they are */
	[V_STATUS] = { B_STATUS, V_STATUS },
	[V_STATUS_BOOLEAN] = { B_BOOLEAN, V_BOOLEAN },
	[V_STATUS_NUMERIC] = { B_REAL, V_REAL },
	[V_STATUS_ENUM] = { B_ENUM, V_ENUM },
	[V_STATUS_STRING] = { B_STRING, V_STRING },
	[V_LIST] = { B_LIST, V_LIST },
	[V_STRUCT] = { B_STRUCT, V_STRUCT },
	[V_COMPONENT] = { B_NONE, V_COMPONENT },
};

struct conversion {
	/* Fills the value part of *out, whose kind and status stand. False: way->why. */
	bool (*run)(struct crossing *way, const struct value *v, struct value *out);
	const char *loss;
};

static bool has_status(enum kind kind)
{
	return kind >= V_STATUS_BOOLEAN && kind <= V_STATUS_STRING;
}

static bool no(struct crossing *way, const char *why)
{
	way->why = why;
	return false;
}

/* --- the ways ----------------------------------------------------------------------------------------------------- */

#define MS INT64_C(1000) /* microseconds */

static double number_of(const struct value *v)
{
	switch (bases[v->kind].base) {
	case B_BOOLEAN:
		return v->boolean;
	case B_REAL:
		return v->real;
	case B_ENUM:
		return v->ordinal;
	case B_ABSTIME:
	case B_RELTIME:
		return (double)v->integer / (double)MS;
	case B_STATUS:
		return v->status;
	default:
		return (double)v->integer;
	}
}

static bool same(struct crossing *way, const struct value *v, struct value *out)
{
	(void)way;
	struct value copy;
	value_copy(&copy, v);
	enum kind kind = out->kind;
	uint16_t status = kind == V_STATUS ? v->status : out->status;
	*out = copy;
	out->kind = kind;
	out->status = status;
	return true;
}

static bool to_boolean(struct crossing *way, const struct value *v, struct value *out)
{
	(void)way;
	out->boolean = number_of(v) != 0;
	return true;
}

static bool to_real(struct crossing *way, const struct value *v, struct value *out)
{
	if (v->kind == V_ABSTIME && v->integer == ABSTIME_NULL)
		return no(way, "There is no time yet.");
	out->real = number_of(v);
	return true;
}

static bool whole(struct crossing *way, double n, double scale, int64_t *out)
{
	n *= scale;
	if (!(n > -9.2e18 && n < 9.2e18)) /* neither NaN nor beyond 64 bits */
		return no(way, "The number is too large for the target.");
	*out = (int64_t)n;
	return true;
}

static bool to_integer(struct crossing *way, const struct value *v, struct value *out)
{
	if (v->kind == V_ABSTIME && v->integer == ABSTIME_NULL)
		return no(way, "There is no time yet.");
	if (v->kind == V_ABSTIME || v->kind == V_RELTIME)
		out->integer = v->integer / MS;
	else
		return whole(way, number_of(v), 1, &out->integer);
	return true;
}

static bool to_time(struct crossing *way, const struct value *v, struct value *out)
{
	return whole(way, number_of(v), (double)MS, &out->integer);
}

static bool to_enum(struct crossing *way, const struct value *v, struct value *out)
{
	double n = number_of(v);
	if (!(n >= INT32_MIN && n <= INT32_MAX))
		return no(way, "The number is too large for an enum.");
	out->ordinal = (int)n;
	return true;
}

/* The row of a slot with the component's own facets, and its kind without the status. */
static struct slot plain_row(const struct component *c, const struct slot *slot, struct row_room *room)
{
	*room = (struct row_room){ .tags = NULL };
	struct slot row = c ? *component_row(c, slot, room) : *slot;
	row.kind = bases[slot->kind].plain;
	return row;
}

static bool to_text(struct crossing *way, const struct value *v, struct value *out)
{
	struct row_room room;
	struct slot row = plain_row(way->source, way->from, &room);
	struct value plain = *v; /* borrowed */
	plain.kind = row.kind;
	out->text = value_print(&row, &plain);
	row_room_finish(&room);
	return true;
}

static bool from_text(struct crossing *way, const struct value *v, struct value *out)
{
	struct row_room room;
	struct slot row = plain_row(way->target, way->to, &room);
	struct facets facets = { .range = row.facets ? row.facets->range : NULL };
	struct value parsed = VALUE_NULL;
	row.facets = row.kind == V_ENUM ? &facets : NULL; /* ranges are looked at later, for all kinds alike */
	bool ok = *v->text && value_parse(&row, v->text, &parsed, NULL) == 0;
	row_room_finish(&room);
	if (!ok)
		return no(way, "The text cannot be read as a value of the target.");
	uint16_t status = row.kind == V_STATUS ? parsed.status : out->status;
	parsed.kind = out->kind;
	*out = parsed;
	out->status = status;
	return true;
}

/* --- the table ------------------------------------------------------------------------------------------------------ */

#define NONZERO "Anything but 0 becomes true."
#define FRACTION "The fraction is cut off."
#define LARGE "Beyond 2^53 the last digits are lost."
#define BELOW_MS "What is less than a millisecond is lost."
#define READ NULL

/* From (rows) to (columns). What is not here has no way. */
static const struct conversion table[B_COUNT][B_COUNT] = {
	[B_BOOLEAN] = {
		[B_BOOLEAN] = { same, NULL },
		[B_INTEGER] = { to_integer, NULL },
		[B_REAL] = { to_real, NULL },
		[B_STRING] = { to_text, NULL },
		[B_ENUM] = { to_enum, NULL },
	},
	[B_INTEGER] = {
		[B_BOOLEAN] = { to_boolean, NONZERO },
		[B_INTEGER] = { same, NULL },
		[B_REAL] = { to_real, LARGE },
		[B_STRING] = { to_text, NULL },
		[B_ENUM] = { to_enum, NULL },
		[B_ABSTIME] = { to_time, NULL },
		[B_RELTIME] = { to_time, NULL },
	},
	[B_REAL] = {
		[B_BOOLEAN] = { to_boolean, NONZERO },
		[B_INTEGER] = { to_integer, FRACTION },
		[B_REAL] = { same, NULL },
		[B_STRING] = { to_text, NULL },
		[B_ENUM] = { to_enum, FRACTION },
		[B_ABSTIME] = { to_time, BELOW_MS },
		[B_RELTIME] = { to_time, BELOW_MS },
	},
	[B_STRING] = {
		[B_BOOLEAN] = { from_text, READ },
		[B_INTEGER] = { from_text, READ },
		[B_REAL] = { from_text, READ },
		[B_STRING] = { same, NULL },
		[B_ENUM] = { from_text, READ },
		[B_ABSTIME] = { from_text, READ },
		[B_RELTIME] = { from_text, READ },
		[B_ORD] = { from_text, READ },
		[B_STATUS] = { from_text, READ },
	},
	[B_ENUM] = {
		[B_BOOLEAN] = { to_boolean, NONZERO },
		[B_INTEGER] = { to_integer, NULL },
		[B_REAL] = { to_real, NULL },
		[B_STRING] = { to_text, NULL },
		[B_ENUM] = { same, "The number stays, the name may be another." },
	},
	[B_ABSTIME] = {
		[B_INTEGER] = { to_integer, BELOW_MS },
		[B_REAL] = { to_real, BELOW_MS },
		[B_STRING] = { to_text, NULL },
		[B_ABSTIME] = { same, NULL },
	},
	[B_RELTIME] = {
		[B_INTEGER] = { to_integer, BELOW_MS },
		[B_REAL] = { to_real, NULL },
		[B_STRING] = { to_text, NULL },
		[B_RELTIME] = { same, NULL },
	},
	[B_ORD] = {
		[B_STRING] = { to_text, NULL },
		[B_ORD] = { same, NULL },
	},
	[B_STATUS] = {
		[B_INTEGER] = { to_integer, NULL },
		[B_STRING] = { to_text, NULL },
		[B_STATUS] = { same, NULL },
	},
	[B_LIST] = {
		[B_STRING] = { to_text, NULL },
		[B_LIST] = { same, NULL },
	},
	[B_STRUCT] = {
		[B_STRING] = { to_text, NULL },
		[B_STRUCT] = { same, NULL },
	},
};

const struct conversion *conversion_find(const struct slot *from, const struct slot *to)
{
	if (from->kind == to->kind && (from->members != to->members || from->element != to->element))
		return NULL;
	const struct conversion *c = &table[bases[from->kind].base][bases[to->kind].base];
	return c->run ? c : NULL;
}

const char *conversion_loss(const struct conversion *conversion)
{
	return conversion->loss;
}

/* --- carrying ----------------------------------------------------------------------------------------------------- */

static bool in_range(const struct tag *range, int ordinal)
{
	while (range->name && range->ordinal != ordinal)
		range++;
	return range->name != NULL;
}

/* The rules of the type's own table hold for links too: what they keep out would break the component. The facets that a
 * point shows are for people and bind no link, as in Niagara. */
static bool within(struct crossing *way, const struct value *out)
{
	const struct facets *f = way->to->facets;
	enum base base = bases[out->kind].base;
	if (!f || (out->status & STATUS_NULL))
		return true;
	if (base == B_REAL || base == B_INTEGER || base == B_RELTIME) {
		double n = base == B_REAL ? out->real : (double)out->integer;
		return !(f->min < f->max) || (n >= f->min && n <= f->max) ||
		    no(way, "The value lies outside of the target's range.");
	}
	if (base == B_ENUM)
		return !f->range || in_range(f->range, out->ordinal) || no(way, "The target has no such state.");
	for (uint32_t i = 0; base == B_LIST && f->range && i < out->list.count; i++)
		if (!in_range(f->range, out->list.items[i].ordinal))
			return no(way, "The target has no such state.");
	if (base != B_STRING && base != B_ORD && base != B_LIST)
		return true;
	struct report report;
	report_init(&report, "");
	int rc = value_check(way->to, out, way->to->name, &report);
	report_finish(&report);
	return rc == 0 ||
	    no(way, base == B_LIST ? "The list is too long for the target." : "The text is not legal for the target.");
}

enum converted convert(const struct conversion *conversion, struct crossing *way, const struct value *v,
                       struct value *out)
{
	bool from = has_status(v->kind), to = has_status(way->to->kind);
	*out = (struct value){ .kind = way->to->kind, .status = from && to ? v->status : 0 };
	if (from && !to && (v->status & STATUS_NULL)) {
		*out = VALUE_NULL;
		return NO_VALUE;
	}
	if (!conversion->run(way, v, out)) {
		*out = VALUE_NULL;
		return NOT_CONVERTED;
	}
	if (within(way, out))
		return CONVERTED;
	value_clear(out);
	return NOT_CONVERTED;
}
