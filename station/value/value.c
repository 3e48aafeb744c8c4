/* SPDX-License-Identifier: Apache-2.0
 * Life and comparison of values: see value.h. Text is in value_text.c, JSON in value_json.c. Any thread. */
#include "station/value/value.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/type/slot.h"

static const char *const kind_names[V_KINDS] = {
	[V_NULL] = "null",
	[V_BOOLEAN] = "boolean",
	[V_INTEGER] = "integer",
	[V_REAL] = "real",
	[V_STRING] = "string",
	[V_ENUM] = "enum",
	[V_ABSTIME] = "abstime",
	[V_RELTIME] = "reltime",
	[V_ORD] = "ord",
	[V_SECRET] = "secret",
	[V_STATUS] = "status",
	[V_STATUS_BOOLEAN] = "statusBoolean",
	[V_STATUS_NUMERIC] = "statusNumeric",
	[V_STATUS_ENUM] = "statusEnum",
	[V_STATUS_STRING] = "statusString",
	[V_LIST] = "list",
	[V_STRUCT] = "struct",
	[V_COMPONENT] = "component",
};

const char *kind_name(enum kind kind)
{
	must(kind < V_KINDS);
	return kind_names[kind];
}

struct value value_boolean(bool b)
{
	return (struct value){ .kind = V_BOOLEAN, .boolean = b };
}

struct value value_integer(int64_t i)
{
	return (struct value){ .kind = V_INTEGER, .integer = i };
}

struct value value_real(double r)
{
	return (struct value){ .kind = V_REAL, .real = r };
}

struct value value_string(const char *text)
{
	return (struct value){ .kind = V_STRING, .text = must_strdup(text ? text : "") };
}

struct value value_abstime(int64_t us)
{
	return (struct value){ .kind = V_ABSTIME, .integer = us };
}

static bool holds_text(enum kind kind)
{
	return kind == V_STRING || kind == V_ORD || kind == V_SECRET || kind == V_STATUS_STRING;
}

void value_clear(struct value *v)
{
	if (holds_text(v->kind)) {
		if (v->kind == V_SECRET && v->text)
			explicit_bzero(v->text, strlen(v->text));
		free(v->text);
	} else if (v->kind == V_LIST || v->kind == V_STRUCT) {
		for (uint32_t i = 0; i < v->list.count; i++)
			value_clear(&v->list.items[i]);
		free(v->list.items);
	}
	*v = VALUE_NULL;
}

void value_copy(struct value *to, const struct value *from)
{
	*to = *from;
	if (holds_text(from->kind)) {
		to->text = must_strdup(from->text);
	} else if (from->kind == V_LIST || from->kind == V_STRUCT) {
		to->list.items = must_alloc(from->list.count * sizeof(struct value));
		for (uint32_t i = 0; i < from->list.count; i++)
			value_copy(&to->list.items[i], &from->list.items[i]);
	}
}

static bool list_equal(const struct value *a, const struct value *b)
{
	if (a->list.count != b->list.count)
		return false;
	for (uint32_t i = 0; i < a->list.count; i++)
		if (!value_equal(&a->list.items[i], &b->list.items[i]))
			return false;
	return true;
}

bool value_equal(const struct value *a, const struct value *b)
{
	if (a->kind != b->kind || a->status != b->status)
		return false;
	switch (a->kind) {
	case V_BOOLEAN:
	case V_STATUS_BOOLEAN:
		return a->boolean == b->boolean;
	case V_INTEGER:
	case V_ABSTIME:
	case V_RELTIME:
		return a->integer == b->integer;
	case V_REAL:
	case V_STATUS_NUMERIC:
		return a->real == b->real || (isnan(a->real) && isnan(b->real));
	case V_ENUM:
	case V_STATUS_ENUM:
		return a->ordinal == b->ordinal;
	case V_STRING:
	case V_ORD:
	case V_SECRET:
	case V_STATUS_STRING:
		return strcmp(a->text, b->text) == 0;
	case V_LIST:
	case V_STRUCT:
		return list_equal(a, b);
	case V_NULL:
	case V_STATUS:
	case V_COMPONENT:
	case V_KINDS:
		break;
	}
	return true;
}

struct value value_default(const struct slot *slot)
{
	struct value v = VALUE_NULL;
	struct err e = { 0 };
	if (value_parse(slot, slot->dflt ? slot->dflt : "", &v, &e) != 0)
		must(!"a default in a slot table that its own parser refuses");
	return v;
}

/* --- range and length ------------------------------------------------------------------------------------------- */

static void check_number(double x, const struct slot *slot, const char *path, struct report *report)
{
	const struct facets *f = slot->facets;
	char low[RELTIME_TEXT_MAX], high[RELTIME_TEXT_MAX];
	if (!f || !(f->min < f->max) || (x >= f->min && x <= f->max))
		return;
	if (slot->kind == V_RELTIME) {
		reltime_print((int64_t)f->min, low);
		if (isinf(f->max))
			report_error(report, E_INVALID, path, "This time must be at least %s.", low);
		else
			report_error(report, E_INVALID, path, "This time must lie between %s and %s.", low,
			             reltime_print((int64_t)f->max, high));
		return;
	}
	const char *units = f->units ? f->units : "", *space = f->units ? " " : "";
	if (isinf(f->max))
		report_error(report, E_INVALID, path, "The value must be at least %g%s%s.", f->min, space, units);
	else if (isinf(f->min))
		report_error(report, E_INVALID, path, "The value must be at most %g%s%s.", f->max, space, units);
	else
		report_error(report, E_INVALID, path, "The value must lie between %g and %g%s%s.", f->min, f->max, space,
		             units);
}

static void check_text(const struct value *v, const struct slot *slot, const char *path, struct report *report)
{
	uint32_t most = slot->facets && slot->facets->maxLength ? slot->facets->maxLength : STRING_MAX_DEFAULT;
	size_t n = strlen(v->text);
	if (n > most)
		report_error(report, E_INVALID, path, "The text is %zu bytes long; at most %u are allowed.", n, most);
	else if (!text_is_utf8(v->text))
		report_error(report, E_INVALID, path, "The text is not valid UTF-8.");
	struct err e = { 0 };
	if (slot->facets && slot->facets->form && text_form_check(slot->facets->form, v->text, &e) != 0)
		report_error(report, E_INVALID, path, "%s", e.text);
}

static void check_members(const struct value *v, const struct slot *members, const char *path, struct report *report)
{
	for (uint32_t i = 0; i < v->list.count && members[i].name; i++) {
		char inner[192];
		snprintf(inner, sizeof inner, "%s/%s", path, members[i].name);
		value_check(&members[i], &v->list.items[i], inner, report);
	}
}

static void check_items(const struct value *v, const struct slot *slot, const char *path, struct report *report)
{
	uint32_t most = slot->facets && slot->facets->maxLength ? slot->facets->maxLength : 1000;
	if (v->list.count > most) {
		report_error(report, E_INVALID, path, "The list has %u items; at most %u are allowed.", v->list.count, most);
		return;
	}
	struct slot item = { .name = slot->name, .kind = slot->element, .members = slot->members };
	for (uint32_t i = 0; i < v->list.count; i++) {
		char inner[160];
		snprintf(inner, sizeof inner, "%s/%u", path, i);
		value_check(&item, &v->list.items[i], inner, report);
	}
}

int value_check(const struct slot *slot, const struct value *v, const char *path, struct report *report)
{
	size_t before = report->errors;
	switch (v->kind) {
	case V_INTEGER:
	case V_RELTIME:
		check_number((double)v->integer, slot, path, report);
		break;
	case V_REAL:
	case V_STATUS_NUMERIC:
		if (v->status & STATUS_NULL) /* no value at all */
			break;
		check_number(v->real, slot, path, report);
		break;
	case V_STRING:
	case V_STATUS_STRING:
	case V_ORD:
		check_text(v, slot, path, report);
		break;
	case V_STRUCT:
		check_members(v, slot->members, path, report);
		break;
	case V_LIST:
		check_items(v, slot, path, report);
		break;
	default:
		break;
	}
	return report->errors > before ? E_INVALID : 0;
}
