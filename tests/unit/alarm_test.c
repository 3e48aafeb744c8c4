/* SPDX-License-Identifier: Apache-2.0
 * Alarm extensions: the state machine as tables of values and times. What becomes of the records: alarm_record_test.c. */

#include "tests/unit/alarm_world.h"

static const char *const cold = "{\"highLimit\":8,\"lowLimit\":-2,\"deadband\":1,\"toNormalText\":\"fine "
                                "again\",\"highLimitText\":\"%parent.displayName% too warm\"}";

static void limits_and_deadband(void **state)
{
	static const struct {
		double value;
		const char *state;
	} steps[] = {
		{ 4, "normal" },    { 8, "normal" },    { 8.1, "highLimit" }, { 7.5, "highLimit" },
		{ 7, "highLimit" }, { 6.9, "normal" },  { -2.1, "lowLimit" }, { -1, "lowLimit" },
		{ -0.9, "normal" }, { 9, "highLimit" }, { -3, "lowLimit" },   { 0, "normal" },
	};
	(void)state;
	struct fixture f;
	make_point(&f, "control:NumericPoint", "alarm:OutOfRangeAlarmExt", cold);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		numeric_point_feed(f.point, steps[i].value, 0);
		assert_string_equal(state_of(&f), steps[i].state);
	}
	struct answer a;
	read_alarms(&f, &a);
	assert_int_equal(a.count, 4);
	free_answer(&a);
	world_end(&f.w);
}

static void time_delays_need_the_condition_to_hold(void **state)
{
	(void)state;
	struct fixture f;
	make_point(&f, "control:NumericPoint", "alarm:OutOfRangeAlarmExt",
	           "{\"highLimit\":8,\"timeDelay\":\"10s\",\"timeDelayToNormal\":\"5s\"}");
	numeric_point_feed(f.point, 9, 0);
	advance(&f, 9 * SECOND_US);
	assert_string_equal(state_of(&f), "normal");
	numeric_point_feed(f.point, 7, 0); /* it did not hold */
	numeric_point_feed(f.point, 9, 0);
	advance(&f, 9 * SECOND_US);
	assert_string_equal(state_of(&f), "normal");
	advance(&f, 2 * SECOND_US);
	assert_string_equal(state_of(&f), "highLimit");
	numeric_point_feed(f.point, 7, 0);
	advance(&f, 4 * SECOND_US);
	assert_string_equal(state_of(&f), "highLimit");
	advance(&f, 2 * SECOND_US);
	assert_string_equal(state_of(&f), "normal");
	world_end(&f.w);
}

static void bad_values_neither_raise_nor_clear(void **state)
{
	(void)state;
	struct fixture f;
	make_point(&f, "control:NumericPoint", "alarm:OutOfRangeAlarmExt", cold);
	numeric_point_feed(f.point, 50, STATUS_DOWN);
	assert_string_equal(state_of(&f), "normal");
	numeric_point_feed(f.point, 50, 0);
	assert_string_equal(state_of(&f), "highLimit");
	numeric_point_feed(f.point, 4, STATUS_STALE);
	assert_string_equal(state_of(&f), "highLimit");
	numeric_point_feed(f.point, 4, 0);
	assert_string_equal(state_of(&f), "normal");
	world_end(&f.w);
}

static void a_record_lives_through_its_states(void **state)
{
	(void)state;
	struct fixture f;
	make_point(&f, "control:NumericPoint", "alarm:OutOfRangeAlarmExt", cold);
	numeric_point_feed(f.point, 12.5, 0);
	struct value out;
	point_out(f.point, &out);
	assert_int_equal(out.status, STATUS_ALARM | STATUS_UNACKED_ALARM);
	struct answer a, ack = { 0 };
	read_alarms(&f, &a);
	assert_int_equal(a.count, 1);
	assert_string_equal(a.rows[0].msgText, "Cold Room too warm");
	assert_int_equal(a.rows[0].sourceState, ALARM_HIGH_LIMIT);
	assert_int_equal(a.rows[0].ackState, ALARM_UNACKED);
	assert_string_equal(a.rows[0].source.items[0].text, "station:|slot:/Drivers/ColdRoom/Alarm");
	const char *uuid = a.rows[0].uuid;
	alarm_order(&f.w.station, &(struct alarm_order){ .verb = ALARM_ACKNOWLEDGE, .actor = &admin, .note = "seen" },
	            (const char *const[]){ uuid, "nonsense" }, 2, keep_codes, &ack);
	turn_until(&f.w, &ack.done);
	assert_int_equal(ack.codes[0], 0);
	assert_int_equal(ack.codes[1], E_NOT_FOUND);
	point_out(f.point, &out);
	assert_int_equal(out.status, STATUS_ALARM);
	numeric_point_feed(f.point, 4, 0);
	struct answer after;
	read_alarms(&f, &after);
	assert_int_equal(after.count, 1);
	assert_string_equal(after.rows[0].uuid, uuid);
	assert_string_equal(after.rows[0].user, "ada");
	assert_true(after.rows[0].cleared);
	assert_string_equal(after.rows[0].msgText, "fine again");
	assert_int_equal(after.rows[0].alarmTransition, ALARM_HIGH_LIMIT);
	assert_int_equal(after.rows[0].notes.count, 1);
	point_out(f.point, &out);
	assert_int_equal(out.status, 0);
	free_answer(&a);
	free_answer(&after);
	world_end(&f.w);
}

/* A restart neither repeats nor forgets an open alarm. */
static void open_alarms_survive_a_restart(void **state)
{
	(void)state;
	struct fixture f;
	make_point(&f, "control:NumericPoint", "alarm:OutOfRangeAlarmExt", cold);
	numeric_point_feed(f.point, 12.5, 0);
	world_restart(&f.w, station_types);
	f.point = station_by_path(&f.w.station, "/Drivers/ColdRoom");
	f.ext = station_by_path(&f.w.station, "/Drivers/ColdRoom/Alarm");
	assert_string_equal(state_of(&f), "highLimit");
	numeric_point_feed(f.point, 12, 0);
	struct answer a;
	read_alarms(&f, &a);
	assert_int_equal(a.count, 1);
	free_answer(&a);
	numeric_point_feed(f.point, 4, 0);
	read_alarms(&f, &a);
	assert_int_equal(a.count, 1);
	assert_int_equal(a.rows[0].sourceState, ALARM_NORMAL);
	assert_false(a.rows[0].cleared);
	free_answer(&a);
	world_end(&f.w);
}

/* Seconds to wait, value, status; then the state that must be. */
struct moment {
	int wait;
	double value;
	uint16_t status;
	const char *state;
};

static void play(const char *ext_values, const struct moment *moments, size_t count, size_t alarms)
{
	struct fixture f;
	make_point(&f, "control:NumericPoint", "alarm:OutOfRangeAlarmExt", ext_values);
	for (size_t i = 0; i < count; i++) {
		numeric_point_feed(f.point, moments[i].value, moments[i].status);
		if (moments[i].wait)
			advance(&f, moments[i].wait * SECOND_US);
		if (strcmp(state_of(&f), moments[i].state) != 0)
			fail_msg("step %zu of %s: %s instead of %s", i, ext_values, state_of(&f), moments[i].state);
	}
	struct answer a;
	read_alarms(&f, &a);
	assert_int_equal(a.count, alarms);
	free_answer(&a);
	world_end(&f.w);
}

static void the_state_machine_by_tables(void **state)
{
	(void)state;
	static const struct moment faults[] = {
		/* faults are delayed neither in nor out */
		{ 0, 200, 0, "fault" }, { 0, 50, 0, "normal" },     { 5, 120, 0, "normal" },   { 6, 120, 0, "highLimit" },
		{ 0, 200, 0, "fault" }, { 0, 120, 0, "highLimit" }, { 0, 50, 0, "highLimit" }, { 11, 50, 0, "normal" },
	};
	play("{\"highLimit\":100,\"timeDelay\":\"10s\",\"timeDelayToNormal\":\"10s\",\"faultAlgorithm\":{\"highLimit\":150,"
	     "\"limitEnable\":{\"high\":true}}}",
	     faults, ARRAY_SIZE(faults), 4);
	static const struct moment bad[] = {
		/* a value that is no good breaks the delay, in and out */
		{ 9, 120, 0, "normal" },
		{ 0, 120, STATUS_DOWN, "normal" },
		{ 9, 120, 0, "normal" },
		{ 2, 120, 0, "highLimit" },
		{ 99, 50, STATUS_STALE, "highLimit" },
		{ 99, 50, STATUS_NULL, "highLimit" },
		{ 99, 50, STATUS_DISABLED, "highLimit" },
		{ 99, 50, STATUS_FAULT, "highLimit" },
		{ 0, 50, STATUS_OVERRIDDEN, "normal" },
	};
	play("{\"highLimit\":100,\"timeDelay\":\"10s\"}", bad, ARRAY_SIZE(bad), 1);
	static const struct moment half[] = { { 0, 120, 0, "normal" }, { 0, -5, 0, "lowLimit" }, { 0, 120, 0, "normal" } };
	play("{\"highLimit\":100,\"limitEnable\":{\"high\":false}}", half, ARRAY_SIZE(half), 1);
	static const struct moment quiet[] = {
		{ 0, 120, 0, "highLimit" }, { 0, 50, 0, "normal" }, { 0, 200, 0, "fault" }, { 0, 50, 0, "normal" }
	};
	play("{\"highLimit\":100,\"alarmEnable\":{\"toOffnormal\":false},\"faultAlgorithm\":{\"highLimit\":150,"
	     "\"limitEnable\":{\"high\":true}}}",
	     quiet, ARRAY_SIZE(quiet), 1);
	static const struct moment edge[] = { { 0, 100, 0, "normal" },
		                                  { 0, 100.0001, 0, "highLimit" },
		                                  { 0, 100, 0, "normal" } };
	play("{\"highLimit\":100}", edge, ARRAY_SIZE(edge), 1);
}

static void rules_over_limits_are_checked(void **state)
{
	(void)state;
	static const struct {
		const char *values, *pointer;
	} wrong[] = {
		{ "{\"highLimit\":1,\"lowLimit\":2}", "/values/lowLimit" },
		{ "{\"highLimit\":2,\"lowLimit\":1,\"deadband\":5}", "/values/deadband" },
		{ "{\"deadband\":-1}", "/values/deadband" },
		{ "{\"highLimitText\":\"%parent.nonsense(\"}", "/values/highLimitText" },
		{ "{\"sourceName\":\"%\"}", "/values/sourceName" },
		{ "{\"timeDelay\":-1}", "/values/timeDelay" },
		{ "{\"faultAlgorithm\":{\"highLimit\":1,\"lowLimit\":2,\"limitEnable\":{\"low\":true,\"high\":true}}}",
		  "/values/faultAlgorithm/lowLimit" },
	};
	struct fixture f;
	make_point(&f, "control:NumericPoint", "alarm:OutOfRangeAlarmExt", "{}");
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct ended end;
		struct batch *b = batch_new(&f.w.station, &admin);
		json_t *values = json_loads(wrong[i].values, 0, NULL);
		batch_set_json(b, f.ext->handle, values, "/values");
		json_decref(values);
		if (submit(&f.w, b, &end) == 0)
			fail_msg("%s was taken", wrong[i].values);
		assert_string_equal(end.pointers[0], wrong[i].pointer);
	}
	world_end(&f.w);
}

static void booleans_inhibit_and_enable(void **state)
{
	(void)state;
	struct fixture f;
	struct ended end;
	make_point(&f, "control:BooleanPoint", "alarm:BooleanChangeOfStateAlarmExt",
	           "{\"inhibitTime\":\"10s\",\"alarmInhibit\":true}");
	boolean_point_feed(f.point, true, 0);
	assert_string_equal(state_of(&f), "normal");
	struct batch *b = batch_new(&f.w.station, &admin);
	json_t *values = json_pack("{s:b}", "alarmInhibit", false);
	batch_set_json(b, f.ext->handle, values, "/values");
	json_decref(values);
	assert_int_equal(submit(&f.w, b, &end), 0);
	assert_string_equal(state_of(&f), "normal");
	advance(&f, 11 * SECOND_US);
	assert_string_equal(state_of(&f), "offnormal");
	boolean_point_feed(f.point, false, 0);
	assert_string_equal(state_of(&f), "normal");
	world_end(&f.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits_and_deadband),
		cmocka_unit_test(time_delays_need_the_condition_to_hold),
		cmocka_unit_test(bad_values_neither_raise_nor_clear),
		cmocka_unit_test(a_record_lives_through_its_states),
		cmocka_unit_test(open_alarms_survive_a_restart),
		cmocka_unit_test(booleans_inhibit_and_enable),
		cmocka_unit_test(the_state_machine_by_tables),
		cmocka_unit_test(rules_over_limits_are_checked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
