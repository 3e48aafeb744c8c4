/* SPDX-License-Identifier: Apache-2.0
 * Control points: the priority array, commands that survive a restart, statuses, extensions. */
#include "tests/unit/world.h"

#include "station/control/point.h"
#include "station/link/link.h"

/* An extension that counts what it sees of its point. */
struct spy {
	struct component c;
	int seen;
};
static void spy_sees(struct component *c, const struct slot *slot)
{
	if (slot == point_out_slot(c->parent))
		((struct spy *)(void *)c)->seen++;
}
static const struct type test_spy = {
	.name = "test:Spy",
	.doc = "A spy.",
	.size = sizeof(struct spy),
	.base = &control_extension,
	.slots = (const struct slot[]){ SLOT_END },
	.parent_changed = spy_sees,
};
static const struct type test_proxy = {
	.name = "test:Proxy",
	.doc = "A proxy.",
	.size = sizeof(struct proxy_ext),
	.base = &control_proxy_ext,
	.slots = (const struct slot[]){ SLOT_END },
};
static const struct type *const types[] = {
	&baja_component,
	&baja_folder,
	&control_point,
	&control_numeric_point,
	&control_numeric_writable,
	&control_boolean_point,
	&control_boolean_writable,
	&control_enum_point,
	&control_enum_writable,
	&control_string_point,
	&control_string_writable,
	&control_extension,
	&control_proxy_ext,
	&test_spy,
	&test_proxy,
	NULL,
};
static const struct actor admin = { .user = "ada", .role = ROLE_ADMIN, .via = "session" };
static const struct actor operator_ = { .user = "otto", .role = ROLE_OPERATOR, .via = "session" };

static int add(struct world *w, const char *parent, const char *name, const char *type, struct ended *end)
{
	struct batch *b = batch_new(&w->station, &admin);
	batch_add(b, station_by_path(&w->station, parent)->handle, name, type, NULL, "/values");
	return submit(w, b, end);
}

static struct component *add_point(struct world *w, const char *type)
{
	struct ended end;
	assert_int_equal(add(w, "/Drivers", "P", type, &end), 0);
	return station_by_path(&w->station, "/Drivers/P");
}

static void set_values(struct world *w, struct component *c, const char *text)
{
	struct ended end;
	json_t *values = json_loads(text, 0, NULL);
	struct batch *b = batch_new(&w->station, &admin);
	batch_set_json(b, c->handle, values, "/values");
	json_decref(values);
	if (submit(w, b, &end) != 0)
		fail_msg("%s: %s", end.pointers[0], end.details[0]);
}

struct call {
	bool done;
	int code;
};
static void call_done(struct invocation *inv, int code)
{
	*(struct call *)inv->context = (struct call){ true, code };
}

/* Invokes as a user does, and waits for the durable answer. */
static int invoke(struct world *w, struct component *c, const struct actor *who, const char *action, const char *arg,
                  struct err *e)
{
	struct call call = { 0 };
	struct invocation inv = { .done = call_done, .context = &call };
	struct report report;
	report_init(&report, "");
	json_t *json = arg ? json_loads(arg, JSON_DECODE_ANY, NULL) : NULL;
	int rc = sheet_invoke(c, action, json, who, &inv, &report);
	json_decref(json);
	if (rc < 0 && report.errors)
		report_first(&report, &inv.err);
	report_finish(&report);
	if (rc == 1) {
		turn_until(w, &call.done);
		rc = call.code;
	}
	if (e)
		*e = inv.err;
	return rc;
}

/* "21.5 {ok}" */
static void assert_out(struct component *c, const char *expected)
{
	struct value v;
	point_out(c, &v);
	char *text = value_print(point_out_slot(c), &v);
	assert_string_equal(text, expected);
	free(text);
	value_clear(&v);
}

static void test_types_are_sound(void **state)
{
	(void)state;
	struct err e = { 0 };
	if (types_check(types, &e) != 0)
		fail_msg("%s", e.text);
}

static void test_strongest_good_input_wins(void **state)
{
	struct world *w = *state;
	struct component *p = add_point(w, "control:NumericWritable");
	assert_out(p, "0");
	set_values(w, p, "{\"fallback\": {\"value\": 5}}");
	assert_out(p, "5");
	set_values(w, p, "{\"in16\": {\"value\": 16, \"status\": \"{ok}\"}}");
	assert_out(p, "16");
	set_values(w, p, "{\"in2\": {\"value\": 2, \"status\": \"{ok}\"}}");
	assert_out(p, "2");
	set_values(w, p, "{\"in2\": {\"value\": 2, \"status\": \"{down}\"}}");
	assert_out(p, "16");
	set_values(w, p, "{\"in16\": {\"value\": 16, \"status\": \"{null}\"}}");
	assert_out(p, "5");
}

static void test_commands_and_roles(void **state)
{
	struct world *w = *state;
	struct component *p = add_point(w, "control:BooleanWritable");
	struct err e;
	assert_int_equal(invoke(w, p, &operator_, "set", "true", &e), 0);
	assert_out(p, "true");
	assert_int_equal(invoke(w, p, &operator_, "override", "{\"value\": false}", &e), 0);
	assert_out(p, "false {overridden}");
	assert_int_equal(invoke(w, p, &operator_, "override", "{\"duration\": \"1h\"}", &e), E_INVALID);
	assert_int_equal(invoke(w, p, &operator_, "set", NULL, &e), E_INVALID);
	assert_out(p, "false {overridden}");
	assert_int_equal(invoke(w, p, &operator_, "emergencyOverride", "true", &e), E_FORBIDDEN);
	assert_int_equal(invoke(w, p, &admin, "emergencyOverride", "true", &e), 0);
	assert_out(p, "true {overridden}");
	world_restart(w, types);
	p = station_by_path(&w->station, "/Drivers/P");
	assert_out(p, "true {overridden}");
	assert_int_equal(invoke(w, p, &admin, "emergencyAuto", NULL, &e), 0);
	assert_out(p, "false {overridden}");
	assert_int_equal(invoke(w, p, &operator_, "auto", NULL, &e), 0);
	assert_out(p, "true");
}

static void advance_until_out(struct world *w, struct component *p, int64_t us, const char *expected)
{
	clock_advance(&w->station.clock, us);
	TURN_UNTIL(w, !(p->status.bits & STATUS_OVERRIDDEN));
	assert_out(p, expected);
}

static void test_override_ends_by_itself(void **state)
{
	struct world *w = *state;
	struct component *p = add_point(w, "control:NumericWritable");
	assert_int_equal(invoke(w, p, &operator_, "override", "{\"value\": 7, \"duration\": \"10m\"}", NULL), 0);
	clock_advance(&w->station.clock, 599 * SECOND_US);
	station_turn(&w->station);
	assert_out(p, "7 {overridden}");
	advance_until_out(w, p, 2 * SECOND_US, "0");
	struct value v;
	assert_int_equal(component_get(p, "overrideExpiration", &v, NULL), 0);
	assert_true(v.integer == ABSTIME_NULL);
}

static void test_range_of_facets(void **state)
{
	struct world *w = *state;
	struct component *p = add_point(w, "control:NumericWritable");
	set_values(w, p, "{\"facets\": {\"min\": 20, \"max\": 80, \"units\": \"°C\", \"precision\": 1}}");
	struct err e;
	assert_int_equal(invoke(w, p, &operator_, "set", "81", &e), E_INVALID);
	assert_non_null(strstr(e.text, "between 20 and 80"));
	assert_int_equal(invoke(w, p, &operator_, "set", "55.55", &e), 0);
	struct value v;
	point_out(p, &v);
	char *text = point_text(p, &v);
	assert_string_equal(text, "55.5 °C");
	free(text);
}

static void test_feed_keeps_alarm_bits(void **state)
{
	struct world *w = *state;
	struct component *p = add_point(w, "control:NumericPoint");
	assert_out(p, "0 {null}");
	numeric_point_feed(p, 3, STATUS_OK);
	point_set_status_bits(p, STATUS_ALARM | STATUS_UNACKED_ALARM, STATUS_ALARM);
	numeric_point_feed(p, 4, STATUS_OK);
	assert_out(p, "4 {alarm}");
	assert_int_equal(p->status.bits, STATUS_ALARM);
	point_feed_status(p, STATUS_DOWN);
	assert_out(p, "4 {down,alarm}");
	numeric_point_feed(p, 0.0 / 0.0, STATUS_OK);
	assert_out(p, "0 {fault,alarm}");
}

static void test_device_status_of_a_writable(void **state)
{
	struct world *w = *state;
	struct component *p = add_point(w, "control:BooleanWritable");
	assert_int_equal(invoke(w, p, &admin, "set", "true", NULL), 0);
	boolean_point_feed(p, false, STATUS_DOWN);
	assert_out(p, "true {down}");
	point_feed_status(p, STATUS_OK);
	assert_out(p, "true");
}

static void test_extensions(void **state)
{
	struct world *w = *state;
	struct ended end;
	struct component *p = add_point(w, "control:NumericPoint");
	assert_int_equal(add(w, "/Drivers", "Spy", "test:Spy", &end), E_INVALID);
	assert_non_null(strstr(end.details[0], "below a control point"));
	assert_int_equal(add(w, "/Drivers/P", "Spy", "test:Spy", &end), 0);
	assert_int_equal(add(w, "/Drivers/P", "proxyExt", "test:Proxy", &end), 0);
	assert_int_not_equal(add(w, "/Drivers/P", "second", "test:Proxy", &end), 0);
	struct spy *spy = (struct spy *)(void *)component_child(p, "Spy");
	numeric_point_feed(p, 1, STATUS_OK);
	numeric_point_feed(p, 1, STATUS_OK);
	numeric_point_feed(p, 2, STATUS_OK);
	assert_int_equal(spy->seen, 2);
}

/* What REST shows of a property. */
static void assert_json(struct component *c, const char *slot, const char *expected)
{
	json_t *json = component_to_json(c, 0), *want = json_loads(expected, JSON_DECODE_ANY, NULL);
	json_t *value = json_object_get(json_object_get(json, "values"), slot);
	if (!json_equal(value, want))
		fail_msg("%s is %s", slot, json_dumps(value, JSON_ENCODE_ANY));
	json_decref(want);
	json_decref(json);
}

#define RANGE "{\"range\": [{\"ordinal\": 0, \"tag\": \"off\"}, {\"ordinal\": 5, \"tag\": \"auto\"}]}"
static void test_enum_has_its_own_range(void **state)
{
	struct world *w = *state;
	struct component *p = add_point(w, "control:EnumWritable");
	struct err e;
	struct ended end;
	set_values(w, p, "{\"fallback\": \"auto\", \"facets\": " RANGE "}"); /* in whatever order they stand */
	assert_out(p, "5");
	assert_json(p, "out", "{\"value\": \"auto\", \"status\": \"{ok}\"}");
	assert_int_equal(invoke(w, p, &operator_, "set", "\"manual\"", &e), E_INVALID);
	assert_non_null(strstr(e.text, "off, auto"));
	assert_int_equal(invoke(w, p, &operator_, "set", "7", &e), E_INVALID);
	assert_int_equal(invoke(w, p, &operator_, "override", "{\"value\": \"off\", \"duration\": \"1h\"}", &e), 0);
	assert_json(p, "out", "{\"value\": \"off\", \"status\": \"{overridden}\"}");
	assert_int_equal(invoke(w, p, &operator_, "auto", NULL, &e), 0);
	assert_out(p, "5");
	struct batch *b = batch_new(&w->station, &admin);
	json_t *twice = json_loads("{\"facets\": {\"range\": [{\"ordinal\": 1, \"tag\": \"a\"}, {\"ordinal\": 1, \"tag\": "
	                           "\"b\"}]}}",
	                           0, NULL);
	batch_set_json(b, p->handle, twice, "/values");
	json_decref(twice);
	assert_int_equal(submit(w, b, &end), E_INVALID);
	assert_string_equal(end.pointers[0], "/values/facets/range/1");
	world_restart(w, types);
	p = station_by_path(&w->station, "/Drivers/P");
	assert_json(p, "fallback", "{\"value\": \"auto\", \"status\": \"{ok}\"}");
}

static void test_string_is_commanded(void **state)
{
	struct world *w = *state;
	struct component *p = add_point(w, "control:StringWritable");
	struct err e;
	set_values(w, p, "{\"fallback\": \"closed\"}");
	assert_out(p, "closed {ok}");
	assert_int_equal(invoke(w, p, &operator_, "override", "{\"value\": \"fire drill\"}", &e), 0);
	assert_out(p, "fire drill {overridden}");
	char *text = point_text(p, &(struct value){ .kind = V_STRING, .text = (char *)(uintptr_t) "x" });
	assert_string_equal(text, "x");
	free(text);
}

static void test_longest_override(void **state)
{
	struct world *w = *state;
	struct component *p = add_point(w, "control:BooleanWritable");
	struct err e;
	set_values(w, p, "{\"maxOverrideDuration\": \"1h\"}");
	assert_int_equal(invoke(w, p, &operator_, "override", "{\"value\": true}", &e), E_INVALID);
	assert_non_null(strstr(e.text, "1h"));
	assert_int_equal(invoke(w, p, &operator_, "override", "{\"value\": true, \"duration\": \"2h\"}", &e), E_INVALID);
	assert_int_equal(invoke(w, p, &operator_, "override", "{\"value\": true, \"duration\": \"30m\"}", &e), 0);
	assert_out(p, "true {overridden}");
}

static int setup(void **state)
{
	struct world *w = must_alloc(sizeof *w);
	world_make(w, types);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	world_end(*state);
	free(*state);
	return 0;
}

#define WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types_are_sound),
		WORLD(test_strongest_good_input_wins),
		WORLD(test_commands_and_roles),
		WORLD(test_override_ends_by_itself),
		WORLD(test_range_of_facets),
		WORLD(test_feed_keeps_alarm_bits),
		WORLD(test_device_status_of_a_writable),
		WORLD(test_extensions),
		WORLD(test_enum_has_its_own_range),
		WORLD(test_string_is_commanded),
		WORLD(test_longest_override),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
