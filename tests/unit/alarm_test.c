/* SPDX-License-Identifier: Apache-2.0
 * Alarms: the extensions' state machine as tables of values and times, and the record through its life. */
#include "tests/unit/world.h"

#include "services/alarm/alarm.h"

#define HOUR_US (3600 * SECOND_US)

static const struct actor admin = { .user = "ada", .role = ROLE_ADMIN, .via = "session" };

struct fixture {
	struct world w;
	struct component *point, *ext;
};

static void make_point(struct fixture *f, const char *point_type, const char *ext_type, const char *ext_values)
{
	struct ended end;
	world_make(&f->w, station_types);
	struct batch *b = batch_new(&f->w.station, &admin);
	uint64_t point = batch_add(b, station_by_path(&f->w.station, "/Drivers")->handle, "ColdRoom", point_type, NULL, "");
	json_t *values = json_loads(ext_values, 0, NULL);
	assert_non_null(values);
	uint64_t ext = batch_add(b, point, "Alarm", ext_type, values, "/values");
	json_decref(values);
	if (submit(&f->w, b, &end) != 0)
		fail_msg("%s: %s", end.pointers[0], end.details[0]);
	f->point = station_by_handle(&f->w.station, point);
	f->ext = station_by_handle(&f->w.station, ext);
}

static const char *state_of(const struct fixture *f)
{
	struct value v;
	component_get(f->ext, "alarmState", &v, NULL);
	return alarm_state_range[v.ordinal].name;
}

static void advance(struct fixture *f, int64_t us)
{
	clock_advance(&f->w.station.clock, us);
	station_turn(&f->w.station);
}

struct answer {
	bool done;
	size_t count;
	struct alarm_record rows[8];
	bool more;
	int codes[8];
};

static void keep_rows(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct answer *a = context;
	assert_int_equal(code, 0);
	(void)e;
	for (size_t i = 0; i < rows->count && i < 8; i++)
		record_copy(&alarm_kind, &a->rows[i], store_row(rows, i));
	a->count = rows->count;
	a->more = rows->more;
	a->done = true;
}

/* What the disk has, newest first. */
static void read_alarms(struct fixture *f, struct answer *a)
{
	*a = (struct answer){ 0 };
	struct store_query q = { .kind = &alarm_kind, .order = "sequence", .descending = true, .limit = 8 };
	store_ask(f->w.station.store, &q, keep_rows, a);
	turn_until(&f->w, &a->done);
}

static void free_answer(struct answer *a)
{
	for (size_t i = 0; i < a->count && i < 8; i++)
		record_finish(&alarm_kind, &a->rows[i]);
}

static void keep_codes(void *context, const int *codes, size_t count)
{
	struct answer *a = context;
	memcpy(a->codes, codes, count * sizeof *codes);
	a->done = true;
}

static const char *const cold = "{\"highLimit\":8,\"lowLimit\":-2,\"deadband\":1,\"toNormalText\":\"fine again\",\"highLimitText\":\"%parent.displayName% too warm\"}";

static void limits_and_deadband(void **state)
{
	static const struct { double value; const char *state; } steps[] = {
		{ 4, "normal" }, { 8, "normal" }, { 8.1, "highLimit" }, { 7.5, "highLimit" }, { 7, "highLimit" }, { 6.9, "normal" },
		{ -2.1, "lowLimit" }, { -1, "lowLimit" }, { -0.9, "normal" }, { 9, "highLimit" }, { -3, "lowLimit" }, { 0, "normal" },
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
	make_point(&f, "control:NumericPoint", "alarm:OutOfRangeAlarmExt", "{\"highLimit\":8,\"timeDelay\":\"10s\",\"timeDelayToNormal\":\"5s\"}");
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
	alarm_acknowledge(&f.w.station, &admin, (const char *const[]){ uuid, "nonsense" }, 2, "seen", keep_codes, &ack);
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

static void booleans_inhibit_and_enable(void **state)
{
	(void)state;
	struct fixture f;
	struct ended end;
	make_point(&f, "control:BooleanPoint", "alarm:BooleanChangeOfStateAlarmExt", "{\"inhibitTime\":\"10s\",\"alarmInhibit\":true}");
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
		cmocka_unit_test(limits_and_deadband), cmocka_unit_test(time_delays_need_the_condition_to_hold),
		cmocka_unit_test(bad_values_neither_raise_nor_clear), cmocka_unit_test(a_record_lives_through_its_states),
		cmocka_unit_test(open_alarms_survive_a_restart), cmocka_unit_test(booleans_inhibit_and_enable),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
