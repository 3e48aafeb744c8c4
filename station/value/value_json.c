/* SPDX-License-Identifier: Apache-2.0
 * JSON form of values, as REST, the sheet and the store's structs have it: see value.h. Any thread. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/type/slot.h"
#include "station/value/value.h"

/* --- out -------------------------------------------------------------------------------------------------------- */

static json_t *real_to_json(double r)
{
	if (isnan(r))
		return json_null();
	if (isinf(r))
		return json_string(r > 0 ? "+inf" : "-inf");
	return json_real(r);
}

static json_t *tag_to_json(const struct slot *slot, int ordinal)
{
	const struct tag *range = slot->facets ? slot->facets->range : NULL;
	for (const struct tag *t = range; t && t->name; t++)
		if (t->ordinal == ordinal)
			return json_string(t->name);
	return json_integer(ordinal);
}

static json_t *struct_to_json(const struct slot *members, const struct value *v)
{
	json_t *object = json_object();
	for (uint32_t i = 0; i < v->list.count && members[i].name; i++)
		json_object_set_new(object, members[i].name, value_to_json(&members[i], &v->list.items[i]));
	return object;
}

static json_t *list_to_json(const struct slot *slot, const struct value *v)
{
	json_t *array = json_array();
	struct slot item = { .name = slot->name, .kind = slot->element, .members = slot->members, .facets = slot->facets };
	for (uint32_t i = 0; i < v->list.count; i++)
		json_array_append_new(array, value_to_json(&item, &v->list.items[i]));
	return array;
}

static json_t *plain_to_json(const struct slot *slot, const struct value *v)
{
	char buf[STATUS_TEXT_MAX];
	switch (v->kind) {
	case V_BOOLEAN:
	case V_STATUS_BOOLEAN:
		return json_boolean(v->boolean);
	case V_INTEGER:
	case V_RELTIME:
		return json_integer(v->integer);
	case V_REAL:
	case V_STATUS_NUMERIC:
		return real_to_json(v->real);
	case V_ENUM:
	case V_STATUS_ENUM:
		return tag_to_json(slot, v->ordinal);
	case V_ABSTIME:
		return v->integer == ABSTIME_NULL ? json_null() : json_string(abstime_print(v->integer, buf));
	case V_STATUS:
		return json_string(status_print(v->status, buf));
	case V_STRING:
	case V_ORD:
	case V_STATUS_STRING:
		return json_string(v->text);
	case V_SECRET:
		return json_pack("{s:b}", "set", *v->text != '\0');
	case V_LIST:
		return list_to_json(slot, v);
	case V_STRUCT:
		return struct_to_json(slot->members ? slot->members : v->list.members, v);
	default:
		return json_null();
	}
}

json_t *value_to_json(const struct slot *slot, const struct value *v)
{
	json_t *plain = plain_to_json(slot, v);
	if (!plain) /* text that came from outside and is no UTF-8 */
		plain = json_string("\xEF\xBF\xBD");
	if (v->kind < V_STATUS_BOOLEAN || v->kind > V_STATUS_STRING)
		return plain;
	char bits[STATUS_TEXT_MAX];
	return json_pack("{s:o, s:s}", "value", plain, "status", status_print(v->status, bits));
}

/* --- in --------------------------------------------------------------------------------------------------------- */

static int refuse(struct report *report, const char *path, const char *expected)
{
	report_error(report, E_INVALID, path, "%s is expected here.", expected);
	return E_INVALID;
}

/* Kinds whose text form is also their JSON form. */
static int from_text(const struct slot *slot, const json_t *json, const char *path, const char *expected,
                     struct value *out, struct report *report)
{
	struct err e = { 0 };
	const char *text = json_is_null(json) ? "" : json_string_value(json);
	if (!text)
		return refuse(report, path, expected);
	if (value_parse(slot, text, out, &e) != 0) {
		report_error(report, e.code, path, "%s", e.text);
		return e.code;
	}
	return 0;
}

static int string_from_json(const json_t *json, const char *path, struct value *out, struct report *report)
{
	if (!json_is_string(json))
		return refuse(report, path, "A text");
	if (strlen(json_string_value(json)) != json_string_length(json)) {
		report_error(report, E_INVALID, path, "The text holds a NUL character, which is not allowed.");
		return E_INVALID;
	}
	out->text = must_strdup(json_string_value(json));
	return 0;
}

static int real_from_json(const json_t *json, const char *path, struct value *out, struct report *report)
{
	const char *text = json_string_value(json);
	if (text && (strcmp(text, "+inf") == 0 || strcmp(text, "-inf") == 0))
		out->real = *text == '+' ? INFINITY : -INFINITY;
	else if (json_is_number(json))
		out->real = json_number_value(json);
	else if (json_is_null(json))
		out->real = NAN;
	else
		return refuse(report, path, "A number");
	return 0;
}

static int integer_from_json(const json_t *json, const char *path, struct value *out, struct report *report)
{
	double r = json_is_real(json) ? json_real_value(json) : 0.5;
	if (json_is_integer(json))
		out->integer = json_integer_value(json);
	else if (r == floor(r) && fabs(r) < 9e15) /* 5.0 is a whole number */
		out->integer = (int64_t)r;
	else
		return refuse(report, path, "A whole number");
	return 0;
}

static int struct_from_json(const struct slot *slot, const json_t *json, const struct value *current, const char *path,
                            struct value *out, struct report *report)
{
	if (!json_is_object(json))
		return refuse(report, path, "An object");
	const struct slot *members = slot->members;
	uint32_t count = slots_count(members);
	out->list.items = must_alloc(count * sizeof(struct value));
	out->list.count = count;
	out->list.members = members;
	size_t before = report->errors;
	const char *key;
	json_t *item;
	char inner[192];
	json_object_foreach((json_t *)(uintptr_t)json, key, item)
	{
		snprintf(inner, sizeof inner, "%s/%s", path, key);
		if (!slots_find(members, key))
			report_error(report, E_INVALID, inner, "There is no member \"%.60s\" here.", key);
	}
	for (uint32_t i = 0; i < count; i++) {
		const struct value *old =
		    current && current->kind == V_STRUCT && i < current->list.count ? &current->list.items[i] : NULL;
		const json_t *given = json_object_get(json, members[i].name);
		snprintf(inner, sizeof inner, "%s/%s", path, members[i].name);
		if (given)
			value_from_json(&members[i], given, old, inner, &out->list.items[i], report);
		else if (old)
			value_copy(&out->list.items[i], old);
		else if (members[i].flags & SLOT_REQUIRED)
			report_error(report, E_INVALID, inner, "\"%s\" is missing: %s", members[i].name, members[i].doc);
		else
			out->list.items[i] = value_default(&members[i]);
	}
	return report->errors > before ? E_INVALID : 0;
}

static int list_from_json(const struct slot *slot, const json_t *json, const char *path, struct value *out,
                          struct report *report)
{
	if (!json_is_array(json))
		return refuse(report, path, "A list");
	size_t count = json_array_size(json), before = report->errors;
	uint32_t most = slot->facets && slot->facets->maxLength ? slot->facets->maxLength : 1000;
	if (count > most) {
		report_error(report, E_INVALID, path, "The list has %zu items; at most %u are allowed.", count, most);
		return E_INVALID;
	}
	out->list.items = must_alloc(count * sizeof(struct value));
	out->list.count = (uint32_t)count;
	struct slot item = { .name = slot->name, .kind = slot->element, .members = slot->members, .facets = slot->facets };
	if (slot->element != V_ENUM)
		item.facets = NULL;
	for (size_t i = 0; i < count; i++) {
		char inner[160];
		snprintf(inner, sizeof inner, "%s/%zu", path, i);
		value_from_json(&item, json_array_get(json, i), NULL, inner, &out->list.items[i], report);
	}
	return report->errors > before ? E_INVALID : 0;
}

/* {"value": 21.5, "status": "{ok}"}, or the bare value. null means a null status. */
static int status_value_from_json(const struct slot *slot, const json_t *json, const char *path, struct value *out,
                                  struct report *report)
{
	static const enum kind plain[] = {
		[V_STATUS_BOOLEAN] = V_BOOLEAN,
		[V_STATUS_NUMERIC] = V_REAL,
		[V_STATUS_ENUM] = V_ENUM,
		[V_STATUS_STRING] = V_STRING,
	};
	const json_t *status = json_is_object(json) ? json_object_get(json, "status") : NULL;
	const json_t *inner = json_is_object(json) ? json_object_get(json, "value") : json;
	uint16_t bits = 0;
	if (status && (!json_is_string(status) || status_parse(json_string_value(status), &bits) != 0))
		return refuse(report, path, "A status such as \"{ok}\"");
	struct slot row = { .name = slot->name, .kind = plain[slot->kind], .facets = slot->facets };
	struct value v = VALUE_NULL;
	if (json_is_null(inner) || !inner) {
		bits |= STATUS_NULL;
		v = row.kind == V_ENUM && !row.facets
		    ? VALUE_NULL
		    : value_default(&(struct slot){
		          .name = slot->name, .kind = row.kind, .facets = row.kind == V_ENUM ? row.facets : NULL });
	} else if (value_from_json(&row, inner, NULL, path, &v, report) != 0) {
		return E_INVALID;
	}
	*out = v; /* the union's member is the same */
	out->kind = slot->kind;
	out->status = bits;
	return 0;
}

static int reltime_from_json(const struct slot *slot, const json_t *json, const char *path, struct value *out,
                             struct report *report)
{
	if (json_is_number(json))
		return integer_from_json(json, path, out, report);
	return from_text(slot, json, path, "A number of microseconds, or a text such as \"1m 30s\",", out, report);
}

/* A value of the range by its number. */
static int enum_from_number(const struct slot *slot, const json_t *json, const char *path, struct value *out,
                            struct report *report)
{
	const struct tag *range = slot->facets ? slot->facets->range : NULL;
	json_int_t number = json_integer_value(json);
	bool known = !range && number >= INT_MIN && number <= INT_MAX;
	for (const struct tag *t = range; t && t->name; t++)
		known |= t->ordinal == number;
	out->ordinal = known ? (int)number : 0;
	return known ? 0 : refuse(report, path, "One of the names or numbers of the range");
}

static int convert(const struct slot *slot, const json_t *json, const struct value *current, const char *path,
                   struct value *out, struct report *report)
{
	switch (slot->kind) {
	case V_BOOLEAN:
		out->boolean = json_is_true(json);
		return json_is_boolean(json) ? 0 : refuse(report, path, "true or false");
	case V_INTEGER:
		return integer_from_json(json, path, out, report);
	case V_REAL:
		return real_from_json(json, path, out, report);
	case V_STRING:
	case V_ORD:
	case V_SECRET:
		return string_from_json(json, path, out, report);
	case V_ENUM:
		if (json_is_integer(json))
			return enum_from_number(slot, json, path, out, report);
		return json_is_null(json) ? refuse(report, path, "One of the names of the range")
		                          : from_text(slot, json, path, "One of the names of the range", out, report);
	case V_ABSTIME:
		if (json_is_integer(json)) {
			out->integer = json_integer_value(json);
			return 0;
		}
		return from_text(slot, json, path, "A time such as \"2026-01-31T12:00:00Z\", or null,", out, report);
	case V_RELTIME:
		return reltime_from_json(slot, json, path, out, report);
	case V_STATUS:
		return from_text(slot, json, path, "A status such as \"{ok}\"", out, report);
	case V_STATUS_BOOLEAN:
	case V_STATUS_NUMERIC:
	case V_STATUS_ENUM:
	case V_STATUS_STRING:
		return status_value_from_json(slot, json, path, out, report);
	case V_LIST:
		return list_from_json(slot, json, path, out, report);
	case V_STRUCT:
		return struct_from_json(slot, json, current, path, out, report);
	default:
		return refuse(report, path, "Nothing");
	}
}

int value_from_json(const struct slot *slot, const json_t *json, const struct value *current, const char *path,
                    struct value *out, struct report *report)
{
	*out = (struct value){ .kind = slot->kind };
	int rc = convert(slot, json, current, path, out, report);
	if (rc == 0 && slot->kind != V_STRUCT && slot->kind != V_LIST) /* those were checked item by item */
		rc = value_check(slot, out, path, report);
	if (rc != 0) {
		bool text =
		    out->kind == V_STRING || out->kind == V_ORD || out->kind == V_SECRET || out->kind == V_STATUS_STRING;
		if (!text || out->text)
			value_clear(out);
		*out = VALUE_NULL;
	}
	return rc;
}
