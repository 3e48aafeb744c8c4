/* SPDX-License-Identifier: Apache-2.0
 * Text form of values: defaults in slot tables, the store, the command line. Every value prints to what parses to it;
 * structs and lists are JSON. Any thread. */
#include "station/value/value.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "station/base/must.h"
#include "station/type/slot.h"

/* --- times ------------------------------------------------------------------------------------------------------ */

char *abstime_print(int64_t us, char *buf)
{
	if (us == ABSTIME_NULL) {
		snprintf(buf, ABSTIME_TEXT_MAX, "null");
		return buf;
	}
	int64_t seconds = us / SECOND_US, rest = us % SECOND_US;
	if (rest < 0) {
		rest += SECOND_US;
		seconds--;
	}
	time_t t = (time_t)seconds;
	struct tm tm;
	char date[24];
	if (!gmtime_r(&t, &tm) || strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		snprintf(date, sizeof date, "1970-01-01T00:00:00");
	snprintf(buf, ABSTIME_TEXT_MAX, "%s.%06dZ", date, (int)rest);
	return buf;
}

/* Digits after the point, as microseconds; *end behind them. */
static int64_t parse_fraction(const char *p, const char **end)
{
	int64_t us = 0, unit = SECOND_US / 10;
	for (; *p >= '0' && *p <= '9'; p++, unit /= 10)
		us += (*p - '0') * unit;
	*end = p;
	return us;
}

int abstime_parse(const char *text, int64_t *us)
{
	if (*text == '\0' || strcmp(text, "null") == 0) {
		*us = ABSTIME_NULL;
		return 0;
	}
	struct tm tm = { 0 };
	int hours = 0, minutes = 0;
	const char *p = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!p)
		return E_INVALID;
	int64_t fraction = *p == '.' ? parse_fraction(p + 1, &p) : 0;
	int64_t offset = 0;
	if (*p == '+' || *p == '-') {
		int used = 0;
		if (sscanf(p + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 || p[1 + used] != '\0')
			return E_INVALID;
		offset = (hours * 60 + minutes) * 60 * (*p == '-' ? -1 : 1);
	} else if (strcmp(p, "Z") != 0 && strcmp(p, "z") != 0) {
		return E_INVALID;
	}
	*us = ((int64_t)timegm(&tm) - offset) * SECOND_US + fraction;
	return 0;
}

static const struct unit {
	const char *name;
	int64_t us;
} units[] = {
	{ "d", 86400 * SECOND_US }, { "h", 3600 * SECOND_US }, { "ms", 1000 },     { "us", 1 },
	{ "min", 60 * SECOND_US },  { "m", 60 * SECOND_US },   { "s", SECOND_US },
};

char *reltime_print(int64_t us, char *buf)
{
	static const char *const order[] = { "d", "h", "m", "s", "ms", "us" };
	static const int64_t sizes[] = { 86400 * SECOND_US, 3600 * SECOND_US, 60 * SECOND_US, SECOND_US, 1000, 1 };
	char *p = buf, *end = buf + RELTIME_TEXT_MAX;
	uint64_t left = us < 0 ? -(uint64_t)us : (uint64_t)us;
	if (us < 0)
		*p++ = '-';
	char *start = p;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint64_t n = left / (uint64_t)sizes[i];
		left %= (uint64_t)sizes[i];
		if (n)
			p += snprintf(p, (size_t)(end - p), "%s%llu%s", p > start ? " " : "", (unsigned long long)n, order[i]);
	}
	if (p == start)
		snprintf(p, (size_t)(end - p), "0s");
	return buf;
}

static const struct unit *unit_at(const char *p, size_t *length)
{
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		size_t n = strlen(units[i].name);
		if (strncasecmp(p, units[i].name, n) == 0 &&
		    !((p[n] | 32) >= 'a' && (p[n] | 32) <= 'z' && p[n] != 'T' && n < 2)) {
			*length = n;
			return &units[i];
		}
	}
	return NULL;
}

int reltime_parse(const char *text, int64_t *us)
{
	double total = 0;
	const char *p = text + strspn(text, " ");
	bool negative = *p == '-';
	p += *p == '-' || *p == '+';
	bool iso = *p == 'P';
	p += iso;
	bool any = false;
	while (*p) {
		p += strspn(p, iso ? "T" : " ");
		if (!*p)
			break;
		char *end;
		errno = 0;
		double n = strtod(p, &end);
		if (end == p || errno || !isfinite(n) || n < 0)
			return E_INVALID;
		p = end + strspn(end, iso ? "" : " ");
		size_t length = 0;
		const struct unit *unit = unit_at(p, &length);
		if (!unit) /* a bare number is microseconds, as in JSON */
			return *p == '\0' && !any && !iso ? (*us = (int64_t)(negative ? -n : n), 0) : E_INVALID;
		total += n * (double)unit->us;
		p += length;
		any = true;
	}
	if (!any || total > 9e18)
		return E_INVALID;
	*us = (int64_t)(negative ? -total : total);
	return 0;
}

/* --- parsing ---------------------------------------------------------------------------------------------------- */

static int refuse(const struct slot *slot, struct err *e, const char *what, const char *text)
{
	return err_set(e, E_INVALID, slot->name, "\"%.60s\" is not %s.", text, what);
}

static int parse_boolean(const struct slot *slot, const char *text, bool *b, struct err *e)
{
	if (strcmp(text, "true") == 0)
		*b = true;
	else if (*text == '\0' || strcmp(text, "false") == 0)
		*b = false;
	else
		return refuse(slot, e, "true or false", text);
	return 0;
}

static int parse_integer(const struct slot *slot, const char *text, int64_t *i, struct err *e)
{
	char *end;
	errno = 0;
	long long n = strtoll(*text ? text : "0", &end, 10);
	if (errno || *end)
		return refuse(slot, e, "a whole number", text);
	*i = n;
	return 0;
}

static int parse_real(const struct slot *slot, const char *text, double *r, struct err *e)
{
	char *end;
	errno = 0;
	double n = strtod(*text ? text : "0", &end);
	if (*end || (errno == ERANGE && isinf(n)))
		return refuse(slot, e, "a number", text);
	*r = n;
	return 0;
}

static int parse_ordinal(const struct slot *slot, const char *text, int *ordinal, struct err *e)
{
	int64_t i = 0;
	if (parse_integer(slot, text, &i, e) != 0 || i < INT_MIN || i > INT_MAX)
		return refuse(slot, e, "the number of a value of the range", text);
	*ordinal = (int)i;
	return 0;
}

static int parse_enum(const struct slot *slot, const char *text, int *ordinal, struct err *e)
{
	const struct tag *range = slot->facets ? slot->facets->range : NULL;
	if (!range) /* the instance has one; the store keeps ordinals */
		return parse_ordinal(slot, text, ordinal, e);
	for (const struct tag *t = range; t->name; t++) {
		if (*text == '\0' || strcmp(t->name, text) == 0) { /* no default given: the first tag */
			*ordinal = t->ordinal;
			return 0;
		}
	}
	char known[160] = "";
	for (const struct tag *t = range; t->name && strlen(known) < 120; t++)
		snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", *known ? ", " : "", t->name);
	return err_set(e, E_INVALID, slot->name, "\"%.60s\" is not one of: %s.", text, known);
}

/* "{fault}" or "21.5 {fault}": a status value's text has its status behind the value. */
static int split_status(char *text, uint16_t *status)
{
	size_t n = strlen(text);
	char *brace = n && text[n - 1] == '}' ? strrchr(text, '{') : NULL;
	if (!brace)
		return 0;
	if (status_parse(brace, status) != 0)
		return E_INVALID;
	while (brace > text && brace[-1] == ' ')
		brace--;
	*brace = '\0';
	return 0;
}

static int parse_status_value(const struct slot *slot, const char *text, struct value *out, struct err *e)
{
	char *copy = must_strdup(text);
	int rc = split_status(copy, &out->status);
	if (rc != 0)
		refuse(slot, e, "a value with status", text);
	else if (out->kind == V_STATUS_BOOLEAN)
		rc = parse_boolean(slot, copy, &out->boolean, e);
	else if (out->kind == V_STATUS_NUMERIC)
		rc = parse_real(slot, copy, &out->real, e);
	else if (out->kind == V_STATUS_ENUM)
		rc = parse_enum(slot, copy, &out->ordinal, e);
	else
		out->text = must_strdup(copy);
	free(copy);
	return rc;
}

static int parse_json(const struct slot *slot, const char *text, struct value *out, struct err *e)
{
	json_error_t je;
	const char *empty = slot->kind == V_LIST ? "[]" : "{}";
	json_t *json = json_loads(*text ? text : empty, JSON_REJECT_DUPLICATES, &je);
	if (!json)
		return err_set(e, E_INVALID, slot->name, "This is not JSON: %s.", je.text);
	struct report report;
	report_init(&report, "");
	int rc = value_from_json(slot, json, NULL, slot->name, out, &report);
	if (rc != 0)
		report_first(&report, e);
	report_finish(&report);
	json_decref(json);
	return rc;
}

static int parse_kind(const struct slot *slot, const char *text, struct value *out, struct err *e)
{
	out->kind = slot->kind;
	switch (slot->kind) {
	case V_BOOLEAN:
		return parse_boolean(slot, text, &out->boolean, e);
	case V_INTEGER:
		return parse_integer(slot, text, &out->integer, e);
	case V_REAL:
		return parse_real(slot, text, &out->real, e);
	case V_ENUM:
		return parse_enum(slot, text, &out->ordinal, e);
	case V_ABSTIME:
		return abstime_parse(text, &out->integer) == 0 ? 0
		                                               : refuse(slot, e, "a time such as 2026-01-31T12:00:00Z", text);
	case V_RELTIME:
		return *text == '\0' || reltime_parse(text, &out->integer) == 0
		    ? 0
		    : refuse(slot, e, "a duration such as 1m 30s", text);
	case V_STATUS:
		return status_parse(text, &out->status) == 0 ? 0 : refuse(slot, e, "a status such as {ok}", text);
	case V_STRING:
	case V_ORD:
	case V_SECRET:
		out->text = must_strdup(text);
		return 0;
	case V_STATUS_BOOLEAN:
	case V_STATUS_NUMERIC:
	case V_STATUS_ENUM:
	case V_STATUS_STRING:
		return parse_status_value(slot, text, out, e);
	case V_LIST:
	case V_STRUCT:
		return parse_json(slot, text, out, e);
	default:
		return err_set(e, E_INTERNAL, slot->name, "A %s has no text form.", kind_name(slot->kind));
	}
}

int value_parse(const struct slot *slot, const char *text, struct value *out, struct err *e)
{
	*out = VALUE_NULL;
	int rc = parse_kind(slot, text, out, e);
	if (rc == 0 && slot->kind != V_STRUCT && slot->kind != V_LIST) { /* those were checked item by item */
		struct report report;
		report_init(&report, "");
		rc = value_check(slot, out, slot->name, &report);
		if (rc != 0)
			report_first(&report, e);
		report_finish(&report);
	}
	if (rc != 0) {
		if (out->kind == V_STRING || out->kind == V_ORD || out->kind == V_SECRET || out->kind == V_STATUS_STRING)
			free(out->text);
		*out = VALUE_NULL;
	}
	return rc;
}

/* --- printing --------------------------------------------------------------------------------------------------- */

static char *print_real(double r)
{
	char text[40];
	snprintf(text, sizeof text, "%.15g", r);
	if (strtod(text, NULL) != r)
		snprintf(text, sizeof text, "%.17g", r);
	return must_strdup(text);
}

static char *print_tag(const struct slot *slot, int ordinal)
{
	const struct tag *range = slot->facets ? slot->facets->range : NULL;
	for (const struct tag *t = range; t && t->name; t++)
		if (t->ordinal == ordinal)
			return must_strdup(t->name);
	return must_format("%d", ordinal);
}

static char *print_plain(const struct slot *slot, const struct value *v)
{
	char buf[STATUS_TEXT_MAX];
	switch (v->kind) {
	case V_BOOLEAN:
	case V_STATUS_BOOLEAN:
		return must_strdup(v->boolean ? "true" : "false");
	case V_INTEGER:
		return must_format("%lld", (long long)v->integer);
	case V_REAL:
	case V_STATUS_NUMERIC:
		return print_real(v->real);
	case V_ENUM:
	case V_STATUS_ENUM:
		return print_tag(slot, v->ordinal);
	case V_ABSTIME:
		return must_strdup(abstime_print(v->integer, buf));
	case V_RELTIME:
		return must_strdup(reltime_print(v->integer, buf));
	case V_STATUS:
		return must_strdup(status_print(v->status, buf));
	case V_STRING:
	case V_ORD:
	case V_SECRET:
	case V_STATUS_STRING:
		return must_strdup(v->text);
	default:
		return must_strdup("");
	}
}

char *value_print(const struct slot *slot, const struct value *v)
{
	if (v->kind == V_LIST || v->kind == V_STRUCT) {
		json_t *json = value_to_json(slot, v);
		char *text = json_dumps(json, JSON_COMPACT);
		json_decref(json);
		must(text != NULL);
		return text;
	}
	char *plain = print_plain(slot, v);
	bool status_value = v->kind >= V_STATUS_BOOLEAN && v->kind <= V_STATUS_STRING;
	if (!status_value || (v->status == 0 && v->kind != V_STATUS_STRING))
		return plain;
	char bits[STATUS_TEXT_MAX];
	char *text = must_format("%s %s", plain, status_print(v->status, bits));
	free(plain);
	return text;
}
