/* SPDX-License-Identifier: Apache-2.0
 * Control points that are read: `out` with its facets, how a driver's reading comes in, and what extensions share.
 * The writable ones are in writable.c. One table says which row is `out` for each kind of point; the rest works on
 * values and does not care what kind it is. Engine thread. */
#include "station/control/point.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/control/writable.h"

/* Alarm bits belong to the alarm extensions: a new reading leaves them alone. */
#define ALARM_BITS (STATUS_ALARM | STATUS_UNACKED_ALARM)

static const struct slot numeric_facet_members[] = {
	SLOT(struct numeric_facets, units, STRING, .facets = FACETS(.maxLength = 32), .doc = "Unit, such as °C or kPa."),
	SLOT(struct numeric_facets, precision, INTEGER, .dflt = "2", .facets = FACETS(.min = 0, .max = 9),
	     .doc = "Decimals shown."),
	SLOT(struct numeric_facets, min, REAL, .doc = "Least value that makes sense; no limits unless it is below max."),
	SLOT(struct numeric_facets, max, REAL, .doc = "Greatest value that makes sense; no limits unless it is above min."),
	SLOT_END,
};
static const struct slot numeric_slots[] = {
	SLOT_STRUCT(struct numeric_rare, facets, numeric_facet_members, .rare = offsetof(struct numeric_point, rare),
	            .doc = "How the value is shown, and its limits."),
	SLOT(struct numeric_point, out, STATUS_NUMERIC, .dflt = "0 {null}",
	     .flags = SLOT_READONLY | SLOT_TRANSIENT | SLOT_SUMMARY, .doc = "The value of the point and its status."),
	SLOT_END,
};
static const struct slot tag_members[] = {
	MEMBER("ordinal", INTEGER, .facets = FACETS(.min = INT_MIN, .max = INT_MAX), .doc = "Number of the value."),
	MEMBER("tag", STRING, .flags = SLOT_REQUIRED, .facets = FACETS(.maxLength = 64), .doc = "Name of the value."),
	SLOT_END,
};
static const struct slot enum_facet_members[] = {
	SLOT_LIST(struct enum_facets, range, tag_members, .facets = FACETS(.maxLength = 1000),
	          .doc = "The values that there are, with their names."),
	SLOT_END,
};
static const struct slot enum_slots[] = {
	SLOT_STRUCT(struct enum_point, facets, enum_facet_members, .doc = "The names of the values."),
	SLOT(struct enum_point, out, STATUS_ENUM, .dflt = "0 {null}",
	     .flags = SLOT_READONLY | SLOT_TRANSIENT | SLOT_SUMMARY, .doc = "The value of the point and its status."),
	SLOT_END,
};
static const struct slot string_slots[] = {
	SLOT(struct string_point, out, STATUS_STRING, .dflt = " {null}",
	     .flags = SLOT_READONLY | SLOT_TRANSIENT | SLOT_SUMMARY, .doc = "The value of the point and its status."),
	SLOT_END,
};
static const struct slot boolean_facet_members[] = {
	SLOT(struct boolean_facets, trueText, STRING, .dflt = "true", .facets = FACETS(.maxLength = 64),
	     .doc = "What is shown for true, such as On or Open."),
	SLOT(struct boolean_facets, falseText, STRING, .dflt = "false", .facets = FACETS(.maxLength = 64),
	     .doc = "What is shown for false, such as Off or Closed."),
	SLOT_END,
};
static const struct slot boolean_slots[] = {
	SLOT_STRUCT(struct boolean_point, facets, boolean_facet_members, .doc = "The words for true and false."),
	SLOT(struct boolean_point, out, STATUS_BOOLEAN, .dflt = "false {null}",
	     .flags = SLOT_READONLY | SLOT_TRANSIENT | SLOT_SUMMARY, .doc = "The value of the point and its status."),
	SLOT_END,
};

static const struct {
	const struct type *type;
	const struct slot *out;
} kinds[] = {
	{ &control_numeric_point, &numeric_slots[1] },
	{ &control_boolean_point, &boolean_slots[1] },
	{ &control_enum_point, &enum_slots[1] },
	{ &control_string_point, &string_slots[0] },
};

const struct slot *point_out_slot(const struct component *point)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (component_is(point, kinds[i].type))
			return kinds[i].out;
	must(!"a component that is no control point");
	return NULL;
}

void point_out(const struct component *point, struct value *out)
{
	slot_read(point_out_slot(point), point, out);
}

void point_publish(struct component *point, struct value *v)
{
	struct value old;
	point_out(point, &old);
	v->status = (uint16_t)((v->status & ~ALARM_BITS) | (old.status & ALARM_BITS));
	value_clear(&old);
	component_set(point, point_out_slot(point), v);
}

void point_set_status_bits(struct component *point, uint16_t mask, uint16_t bits)
{
	struct value v;
	point_out(point, &v);
	v.status = (uint16_t)((v.status & ~mask) | (bits & mask));
	component_set(point, point_out_slot(point), &v);
}

/* A writable point makes its value itself; of the device it only takes whether it can be reached. */
static void feed(struct component *point, struct value v)
{
	if (!writable_device_status(point, v.status))
		point_publish(point, &v);
	value_clear(&v);
}

void numeric_point_feed(struct component *point, double value, uint16_t status)
{
	must(component_is(point, &control_numeric_point));
	if (!isfinite(value)) { /* no driver may spread a NaN through links and limits */
		value = 0;
		status |= STATUS_FAULT;
	}
	feed(point, (struct value){ .kind = V_STATUS_NUMERIC, .real = value, .status = status });
}

void boolean_point_feed(struct component *point, bool value, uint16_t status)
{
	must(component_is(point, &control_boolean_point));
	feed(point, (struct value){ .kind = V_STATUS_BOOLEAN, .boolean = value, .status = status });
}

void enum_point_feed(struct component *point, int ordinal, uint16_t status)
{
	must(component_is(point, &control_enum_point));
	feed(point, (struct value){ .kind = V_STATUS_ENUM, .ordinal = ordinal, .status = status });
}

void string_point_feed(struct component *point, const char *text, uint16_t status)
{
	must(component_is(point, &control_string_point));
	feed(point, (struct value){ .kind = V_STATUS_STRING, .text = must_strdup(text), .status = status });
}

void point_feed_status(struct component *point, uint16_t status)
{
	struct value v;
	point_out(point, &v);
	v.status = status;
	feed(point, v);
}

/* --- facets ------------------------------------------------------------------------------------------------------ */

/* Status values of the point's own kind wear its facets, and the arguments of its actions; a row with facets of its own, or
 * a plain property, does not. */
static bool wears(const struct slot *slot, enum kind plain, enum kind with_status)
{
	return !slot->facets && (slot->kind == with_status || (slot->kind == plain && slot->offset == 0));
}

static bool numeric_facets(const struct component *c, const struct slot *slot, struct row_room *room)
{
	const struct numeric_facets *f = &((const struct numeric_point *)(const void *)c)->rare->facets;
	if (!wears(slot, V_REAL, V_STATUS_NUMERIC))
		return false;
	room->facets = (struct facets){ .units = f->units, .precision = (int)f->precision, .min = f->min, .max = f->max };
	return true;
}

static bool boolean_facets(const struct component *c, const struct slot *slot, struct row_room *room)
{
	const struct boolean_facets *f = &((const struct boolean_point *)(const void *)c)->facets;
	if (!wears(slot, V_BOOLEAN, V_STATUS_BOOLEAN))
		return false;
	room->facets = (struct facets){ .trueText = f->trueText, .falseText = f->falseText };
	return true;
}

static bool enum_facets(const struct component *c, const struct slot *slot, struct row_room *room)
{
	const struct list *range = &((const struct enum_point *)(const void *)c)->facets.range;
	if (!wears(slot, V_ENUM, V_STATUS_ENUM))
		return false;
	if (range->count && !room->tags) {
		room->tags = must_alloc((range->count + 1) * sizeof *room->tags);
		for (uint32_t i = 0; i < range->count; i++) {
			const struct value *tag = range->items[i].list.items;
			room->tags[i] = (struct tag){ .ordinal = (int)tag[0].integer, .name = tag[1].text };
		}
	}
	room->facets = (struct facets){ .range = room->tags };
	return true;
}

char *point_text(const struct component *point, const struct value *v)
{
	struct row_room room;
	const struct slot *row = component_row(point, point_out_slot(point), &room);
	const struct facets *f = row->facets ? row->facets : &(const struct facets){ 0 };
	char *text;
	if (v->kind == V_REAL || v->kind == V_STATUS_NUMERIC)
		text =
		    must_format("%.*f%s%s", f->precision, v->real, f->units && *f->units ? " " : "", f->units ? f->units : "");
	else if ((v->kind == V_BOOLEAN || v->kind == V_STATUS_BOOLEAN) && f->trueText)
		text = must_strdup(v->boolean ? f->trueText : f->falseText);
	else if (v->kind == V_ENUM || v->kind == V_STATUS_ENUM)
		text = value_print(row, &(struct value){ .kind = V_ENUM, .ordinal = v->ordinal });
	else
		text = must_strdup(v->kind == V_STRING || v->kind == V_STATUS_STRING ? v->text : "-");
	row_room_finish(&room);
	return text;
}

/* The point's own status is that of its value: the navigation shows it beside the name. */
static void changed(struct component *c, const struct slot *slot)
{
	const struct slot *out = point_out_slot(c);
	if (slot != out)
		return;
	struct value v;
	slot_read(out, c, &v);
	component_set_status(c, v.status);
	value_clear(&v);
}

static void numeric_check(const struct component *next, const struct component *current, struct report *report)
{
	(void)current;
	const struct numeric_point *p = (const void *)next;
	if (p->rare->facets.min > p->rare->facets.max)
		report_error(report, E_INVALID, "facets/min", "The least value is above the greatest.");
}

/* Names and numbers of a range are unique, so that a value can be told by either. */
static void enum_check(const struct component *next, const struct component *current, struct report *report)
{
	(void)current;
	const struct list *range = &((const struct enum_point *)(const void *)next)->facets.range;
	for (uint32_t i = 0; i < range->count; i++) {
		const struct value *tag = range->items[i].list.items;
		char path[40];
		for (uint32_t k = 0; k < i; k++) {
			const struct value *other = range->items[k].list.items;
			snprintf(path, sizeof path, "facets/range/%u", i);
			if (tag[0].integer == other[0].integer)
				report_error(report, E_INVALID, path, "The number %lld stands twice in the range.",
				             (long long)tag[0].integer);
			else if (strcmp(tag[1].text, other[1].text) == 0)
				report_error(report, E_INVALID, path, "The name \"%.60s\" stands twice in the range.", tag[1].text);
		}
	}
}

const struct type control_point = {
	.name = "control:ControlPoint",
	.doc = "A value of the building with its status; the base of all points.",
	.size = sizeof(struct point),
	.base = &baja_component,
	.slots = (const struct slot[]){ SLOT_END },
	.flags = TYPE_ABSTRACT | TYPE_CONTAINER,
	.changed = changed,
};
const struct type control_numeric_point = {
	.name = "control:NumericPoint",
	.doc = "A number that is read, such as a temperature.",
	.size = sizeof(struct numeric_point),
	.base = &control_point,
	.slots = numeric_slots,
	.rare = RARE(struct numeric_point, struct numeric_rare),
	.facets = numeric_facets,
	.check = numeric_check,
	.flags = TYPE_CONTAINER,
};
const struct type control_boolean_point = {
	.name = "control:BooleanPoint",
	.doc = "A two-state value that is read, such as a door contact.",
	.size = sizeof(struct boolean_point),
	.base = &control_point,
	.slots = boolean_slots,
	.facets = boolean_facets,
	.flags = TYPE_CONTAINER,
};

const struct type control_enum_point = {
	.name = "control:EnumPoint",
	.doc = "One of several named states that is read, such as off, auto, manual.",
	.size = sizeof(struct enum_point),
	.base = &control_point,
	.slots = enum_slots,
	.facets = enum_facets,
	.check = enum_check,
	.flags = TYPE_CONTAINER,
};
const struct type control_string_point = {
	.name = "control:StringPoint",
	.doc = "A text that is read, such as the message of a controller.",
	.size = sizeof(struct string_point),
	.base = &control_point,
	.slots = string_slots,
	.flags = TYPE_CONTAINER,
};

/* --- extensions ------------------------------------------------------------------------------------------------- */

static int extension_parent_ok(const struct component *parent, struct err *e)
{
	if (component_is(parent, &control_point))
		return 0;
	return err_set(e, E_INVALID, NULL, "An extension stands below a control point, and %s is none.", parent->name);
}

static int proxy_parent_ok(const struct component *parent, struct err *e)
{
	int rc = extension_parent_ok(parent, e);
	for (const struct type *t = parent->type; rc == 0 && t; t = t->base)
		if (t->flags & TYPE_COMPUTED)
			return err_set(e, E_INVALID, NULL, "%s makes its value itself and takes none from a device.", parent->name);
	for (const struct component *c = parent->first; rc == 0 && c; c = c->next)
		if (component_is(c, &control_proxy_ext))
			return err_set(e, E_CONFLICT, NULL, "The point has a proxy already: %s.", c->name);
	return rc;
}

static const struct slot proxy_slots[] = {
	SLOT_AT(struct proxy_ext, c.status, "status", STATUS, .flags = SLOT_READONLY | SLOT_TRANSIENT | SLOT_SUMMARY,
	        .doc = "Whether the value on the device can be read or written."),
	SLOT(struct proxy_ext, faultCause, STRING, .flags = SLOT_READONLY | SLOT_TRANSIENT,
	     .doc = "Why the status is not ok, and what to do about it."),
	SLOT(struct proxy_ext, enabled, BOOLEAN, .dflt = "true",
	     .doc = "Off: the point is disabled and the device left alone."),
	SLOT_END,
};

const struct type control_extension = {
	.name = "control:PointExtension",
	.doc = "Something that works on the value of the point above it.",
	.size = sizeof(struct component),
	.base = &baja_component,
	.slots = (const struct slot[]){ SLOT_END },
	.flags = TYPE_ABSTRACT,
	.parent_ok = extension_parent_ok,
};
const struct type control_proxy_ext = {
	.name = "control:ProxyExt",
	.doc = "Connects a point to a value on a device.",
	.size = sizeof(struct proxy_ext),
	.base = &control_extension,
	.flags = TYPE_ABSTRACT,
	.slots = proxy_slots,
	.parent_ok = proxy_parent_ok,
};
