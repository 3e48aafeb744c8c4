/* SPDX-License-Identifier: Apache-2.0
 * Alarms that a component raises about itself: one for each condition, durable, found again after a restart, ended when
 * the condition ends or the component goes. */
#include "tests/unit/alarm_world.h"

#include "station/alarm/alarm_support.h"

struct speaking {
	struct fixture f;
	struct component *source;
	struct alarm_source_info info;
};

static void find_source(struct speaking *s)
{
	s->source = station_by_path(&s->f.w.station, "/Drivers/ColdRoom");
	assert_non_null(s->source);
}

static void begin(struct speaking *s)
{
	*s = (struct speaking){ 0 };
	make_point(&s->f, "control:NumericWritable", "alarm:OutOfRangeAlarmExt", "{}");
	slots_init(alarm_source_info_members, &s->info);
	find_source(s);
}

static void end(struct speaking *s)
{
	slots_finish(alarm_source_info_members, &s->info);
	world_end(&s->f.w);
}

static struct source_alarm about(struct speaking *s, const char *condition, const char *text)
{
	return (struct source_alarm){ s->source, &s->info, condition, text };
}

static void offnormal(struct speaking *s, const char *condition, const char *text)
{
	struct source_alarm a = about(s, condition, text);
	alarm_support_offnormal(&s->f.w.station, &a);
}

static void normal(struct speaking *s, const char *condition, const char *text)
{
	struct source_alarm a = about(s, condition, text);
	alarm_support_normal(&s->f.w.station, &a);
}

static bool in_alarm(struct speaking *s, const char *condition)
{
	return alarm_support_in_alarm(&s->f.w.station, s->source, condition);
}

static void a_condition_raises_one_alarm_and_ends_it(void **state)
{
	struct speaking s;
	struct answer a;
	(void)state;
	begin(&s);
	normal(&s, "disk", "Nothing was wrong."); /* harmless */
	offnormal(&s, "disk", "The disk is full: make room.");
	offnormal(&s, "disk", "The disk is still full.");
	offnormal(&s, "fan", "The fan stands still.");
	assert_true(in_alarm(&s, "disk") && in_alarm(&s, "fan") && in_alarm(&s, NULL));
	read_alarms(&s.f, &a);
	assert_int_equal(a.count, 2);
	assert_string_equal(a.rows[1].msgText, "The disk is full: make room.");
	assert_string_equal(alarm_data_get(&a.rows[1], "sourceName"), "Cold Room");
	assert_string_equal(alarm_data_get(&a.rows[1], "condition"), "disk");
	assert_string_equal(alarm_data_get(&a.rows[1], "hyperlinkOrd"), "station:|slot:/Drivers/ColdRoom");
	assert_int_equal(a.rows[1].sourceState, ALARM_OFFNORMAL);
	free_answer(&a);

	normal(&s, "disk", "There is room again.");
	assert_false(in_alarm(&s, "disk"));
	assert_true(in_alarm(&s, "fan"));
	read_alarms(&s.f, &a);
	assert_int_equal(a.rows[1].sourceState, ALARM_NORMAL);
	assert_string_equal(a.rows[1].msgText, "There is room again.");
	free_answer(&a);
	end(&s);
}

static void it_is_found_again_after_a_restart(void **state)
{
	struct speaking s;
	struct answer a;
	(void)state;
	begin(&s);
	offnormal(&s, "disk", "The disk is full.");
	read_alarms(&s.f, &a);
	free_answer(&a);
	world_restart(&s.f.w, station_types);
	find_source(&s);
	assert_true(in_alarm(&s, "disk"));
	offnormal(&s, "disk", "The disk is full.");
	read_alarms(&s.f, &a);
	assert_int_equal(a.count, 1);
	free_answer(&a);
	end(&s);
}

static void an_acknowledgement_and_a_removal_do_as_with_points(void **state)
{
	struct speaking s;
	struct answer a, acked = { 0 };
	struct ended ended;
	(void)state;
	begin(&s);
	offnormal(&s, "disk", "The disk is full.");
	read_alarms(&s.f, &a);
	const char *uuid = a.rows[0].uuid;
	alarm_order(&s.f.w.station, &(struct alarm_order){ .verb = ALARM_ACKNOWLEDGE, .actor = &admin, .note = "" }, &uuid,
	            1, keep_codes, &acked);
	turn_until(&s.f.w, &acked.done);
	assert_int_equal(acked.codes[0], 0);
	free_answer(&a);
	struct batch *b = batch_new(&s.f.w.station, &admin);
	batch_remove(b, s.source->handle);
	assert_int_equal(submit(&s.f.w, b, &ended), 0);
	advance(&s.f, 1);
	read_alarms(&s.f, &a);
	assert_true(a.rows[0].cleared);
	free_answer(&a);
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_condition_raises_one_alarm_and_ends_it),
		cmocka_unit_test(it_is_found_again_after_a_restart),
		cmocka_unit_test(an_acknowledgement_and_a_removal_do_as_with_points),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
