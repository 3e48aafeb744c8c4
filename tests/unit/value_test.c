/* SPDX-License-Identifier: Apache-2.0
 * Values: every kind parses, prints and converts to what it was; bad input is refused with a sentence. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "station/type/slot.h"

static const struct tag colours[] = { { 0, "red", "Stop." }, { 5, "green", "Go." }, { 0 } };
static const struct slot pair[] = { MEMBER("low", BOOLEAN, .doc = "d", .dflt = "true"),
	                                MEMBER("high", INTEGER, .doc = "d"), SLOT_END };
static const struct slot row_boolean = { .name = "b", .kind = V_BOOLEAN };
static const struct slot row_integer = { .name = "i", .kind = V_INTEGER, .facets = FACETS(.min = -1, .max = 65535) };
static const struct slot row_real = { .name = "r", .kind = V_REAL };
static const struct slot row_string = { .name = "s", .kind = V_STRING, .facets = FACETS(.maxLength = 10) };
static const struct slot row_enum = { .name = "e", .kind = V_ENUM, .facets = FACETS(.range = colours) };
static const struct slot row_abstime = { .name = "t", .kind = V_ABSTIME };
static const struct slot row_reltime = { .name = "d", .kind = V_RELTIME };
static const struct slot row_numeric = { .name = "n", .kind = V_STATUS_NUMERIC };
static const struct slot row_struct = { .name = "p", .kind = V_STRUCT, .members = pair };
static const struct slot row_list = { .name = "l", .kind = V_LIST, .element = V_STRUCT, .members = pair };

static void text_round_trips(void **state)
{
	static const struct {
		const struct slot *slot;
		const char *in, *out;
	} tests[] = {
		{ &row_boolean, "true", "true" },
		{ &row_boolean, "", "false" },
		{ &row_integer, "465", "465" },
		{ &row_integer, "-1", "-1" },
		{ &row_real, "21.1", "21.1" },
		{ &row_real, "1e300", "1e+300" },
		{ &row_string, "grün", "grün" },
		{ &row_enum, "green", "green" },
		{ &row_enum, "", "red" },
		{ &row_abstime, "2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000000Z" },
		{ &row_abstime, "2026-01-31T12:00:00.5+01:00", "2026-01-31T11:00:00.500000Z" },
		{ &row_abstime, "null", "null" },
		{ &row_abstime, "1960-02-29T23:59:59.999999Z", "1960-02-29T23:59:59.999999Z" },
		{ &row_reltime, "1h 30m", "1h 30m" },
		{ &row_reltime, "PT1H30M", "1h 30m" },
		{ &row_reltime, "+00000h 00m 10s", "10s" },
		{ &row_reltime, "250ms", "250ms" },
		{ &row_reltime, "1500000", "1s 500ms" },
		{ &row_reltime, "-2min", "-2m" },
		{ &row_reltime, "0", "0s" },
		{ &row_numeric, "21.5 {fault}", "21.5 {fault}" },
		{ &row_numeric, "21.5", "21.5" },
		{ &row_struct, "{\"high\":3}", "{\"low\":true,\"high\":3}" },
		{ &row_list, "[{\"low\":false}]", "[{\"low\":false,\"high\":0}]" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
		struct value v, again;
		struct err e = { 0 };
		if (value_parse(tests[i].slot, tests[i].in, &v, &e) != 0)
			fail_msg("%s: %s", tests[i].in, e.text);
		char *printed = value_print(tests[i].slot, &v);
		assert_string_equal(printed, tests[i].out);
		assert_int_equal(value_parse(tests[i].slot, printed, &again, &e), 0);
		assert_true(value_equal(&v, &again));
		free(printed);
		value_clear(&v);
		value_clear(&again);
	}
}

static void bad_text_is_refused(void **state)
{
	static const struct {
		const struct slot *slot;
		const char *in;
	} tests[] = {
		{ &row_boolean, "yes" },       { &row_integer, "65536" },
		{ &row_integer, "4x" },        { &row_integer, "99999999999999999999" },
		{ &row_real, "1,5" },          { &row_string, "eleven chars" },
		{ &row_string, "\xff" },       { &row_enum, "blue" },
		{ &row_abstime, "yesterday" }, { &row_abstime, "2026-01-31T12:00:00" },
		{ &row_reltime, "soon" },      { &row_reltime, "1h x" },
		{ &row_numeric, "1 {bogus}" }, { &row_struct, "{\"medium\":1}" },
		{ &row_struct, "[" },          { &row_list, "{}" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
		struct value v;
		struct err e = { 0 };
		int rc = value_parse(tests[i].slot, tests[i].in, &v, &e);
		if (rc != E_INVALID || !*e.text)
			fail_msg("%s was not refused with a sentence", tests[i].in);
		assert_int_equal(v.kind, V_NULL);
	}
}

static void json_round_trips(void **state)
{
	static const struct {
		const struct slot *slot;
		const char *in, *out;
	} tests[] = {
		{ &row_boolean, "true", "true" },
		{ &row_integer, "465", "465" },
		{ &row_integer, "5.0", "5" },
		{ &row_real, "21.5", "21.5" },
		{ &row_real, "\"+inf\"", "\"+inf\"" },
		{ &row_enum, "\"green\"", "\"green\"" },
		{ &row_abstime, "null", "null" },
		{ &row_reltime, "1500000", "1500000" },
		{ &row_reltime, "\"10s\"", "10000000" },
		{ &row_numeric, "{\"value\":1.5,\"status\":\"{fault}\"}", "{\"value\": 1.5, \"status\": \"{fault}\"}" },
		{ &row_struct, "{\"high\":7}", "{\"low\": true, \"high\": 7}" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
		struct value v;
		struct report report;
		report_init(&report, "/values");
		json_t *in = json_loads(tests[i].in, JSON_DECODE_ANY, NULL);
		assert_int_equal(value_from_json(tests[i].slot, in, NULL, tests[i].slot->name, &v, &report), 0);
		json_t *out = value_to_json(tests[i].slot, &v);
		char *text = json_dumps(out, JSON_ENCODE_ANY);
		assert_string_equal(text, tests[i].out);
		free(text);
		json_decref(in);
		json_decref(out);
		value_clear(&v);
		report_finish(&report);
	}
}

/* All errors of a struct at once, each with its pointer; a partial object keeps what is there. */
static void struct_errors_have_pointers(void **state)
{
	(void)state;
	struct report report;
	report_init(&report, "/values");
	json_t *in = json_pack("{s:s, s:s, s:i}", "low", "x", "high", "y", "other", 1);
	struct value v, current;
	assert_int_equal(value_from_json(&row_struct, in, NULL, "p", &v, &report), E_INVALID);
	assert_int_equal(report.errors, 3);
	assert_string_equal(report.items[0].pointer, "/values/p/other");
	assert_string_equal(report.items[1].pointer, "/values/p/low");
	json_decref(in);
	report_finish(&report);

	report_init(&report, "/values");
	value_parse(&row_struct, "{\"low\":false,\"high\":9}", &current, NULL);
	in = json_pack("{s:i}", "high", 4);
	assert_int_equal(value_from_json(&row_struct, in, &current, "p", &v, &report), 0);
	assert_false(v.list.items[0].boolean);
	assert_int_equal(v.list.items[1].integer, 4);
	json_decref(in);
	value_clear(&v);
	value_clear(&current);
	report_finish(&report);
}

static void a_secret_is_never_shown(void **state)
{
	(void)state;
	static const struct slot row = { .name = "password", .kind = V_SECRET };
	struct value v = { .kind = V_SECRET, .text = strdup("v1:abcd") };
	json_t *json = value_to_json(&row, &v);
	char *text = json_dumps(json, 0);
	assert_string_equal(text, "{\"set\": true}");
	free(text);
	json_decref(json);
	value_clear(&v);
}

static void display_names(void **state)
{
	static const struct {
		const char *in, *out;
	} tests[] = {
		{ "useStartTls", "Use Start Tls" },  { "port", "Port" },  { "lastPollFailureCause", "Last Poll Failure Cause" },
		{ "toOffnormal", "To Offnormal" },   { "in16", "In 16" }, { "tlsV1_2", "TLS 1.2" },
		{ "EmailService", "Email Service" },
	};
	(void)state;
	char buf[128];
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
		assert_string_equal(display_name(tests[i].in, buf, sizeof buf), tests[i].out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_round_trips),        cmocka_unit_test(bad_text_is_refused),
		cmocka_unit_test(json_round_trips),        cmocka_unit_test(struct_errors_have_pointers),
		cmocka_unit_test(a_secret_is_never_shown), cmocka_unit_test(display_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
