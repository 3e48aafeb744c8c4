/* SPDX-License-Identifier: Apache-2.0
 * Schedules in a station: out on time through a year, the wall clock set back and forth, calendars that are referred to,
 * the input, what is refused, what a restart keeps. */
#include "tests/unit/world.h"

#include "services/schedule/schedule.h"
#include "station/link/link.h"

static const struct type *const types[] = {
	&baja_component,
	&baja_folder,
	&control_point,
	&control_numeric_point,
	&control_boolean_point,
	&control_extension,
	&control_boolean_writable,
	&control_numeric_writable,
	&schedule_service,
	&schedule_boolean,
	&schedule_numeric,
	&control_enum_point,
	&control_string_point,
	&schedule_enum,
	&schedule_string,
	&schedule_calendar,
	&schedule_trigger,
	NULL,
};
static const struct actor admin = { .user = "ada", .role = ROLE_ADMIN, .via = "session" };

static struct component *add(struct world *w, const char *name, const char *type, const char *values)
{
	struct ended end;
	json_error_t je;
	json_t *json = values ? json_loads(values, 0, &je) : NULL;
	must(!values || json);
	struct batch *b = batch_new(&w->station, &admin);
	batch_add(b, station_by_path(&w->station, "/Services/ScheduleService")->handle, name, type, json, "/values");
	json_decref(json);
	if (submit(w, b, &end) != 0)
		fail_msg("%s: %s", end.pointers[0], end.details[0]);
	return station_by_handle(&w->station, end.added);
}

static int patch(struct world *w, struct component *c, const char *values, struct ended *end)
{
	json_error_t je;
	json_t *json = json_loads(values, 0, &je);
	must(json != NULL);
	struct batch *b = batch_new(&w->station, &admin);
	batch_set_json(b, c->handle, json, "/values");
	json_decref(json);
	return submit(w, b, end);
}

static struct value get(struct component *c, const char *slot)
{
	struct value v;
	struct err e = { 0 };
	assert_int_equal(component_get(c, slot, &v, &e), 0);
	return v;
}

static void assert_text(struct component *c, const char *slot, const char *text)
{
	struct value v = get(c, slot);
	char *printed = value_print(component_slot(c, slot), &v);
	assert_string_equal(printed, text);
	free(printed);
	value_clear(&v);
}

static void set_time(struct world *w, int year, int month, int day, int hour, int minute)
{
	clock_set_wall(&w->station.clock, (day_of(year, month, day) * DAY_SECONDS + hour * 3600 + minute * 60) * SECOND_US);
	station_turn(&w->station);
}

#define HOUR (3600 * SECOND_US)
#define OFFICE                                                                                                         \
	"{\"timeZone\":\"Europe/Berlin\",\"defaultOutput\":false,\"weeklySchedule\":{"                                     \
	"\"monday\":[{\"start\":\"08:00\",\"finish\":\"18:00\",\"value\":true}],"                                          \
	"\"tuesday\":[{\"start\":\"13:00\",\"finish\":\"18:00\",\"value\":true},"                                          \
	"{\"start\":\"08:00\",\"finish\":\"12:00:30\",\"value\":true}]}}"

static void follows_the_week(void **state)
{
	(void)state;
	struct world w;
	world_make(&w, types);
	set_time(&w, 2026, 11, 23, 6, 59); /* Monday, 07:59 in Berlin */
	struct component *c = add(&w, "Office", "schedule:BooleanSchedule", OFFICE);
	assert_text(c, "out", "false");
	assert_text(c, "outSource", "Default output");
	assert_text(c, "nextTime", "2026-11-23T07:00:00.000000Z");
	assert_text(c, "nextValue", "true");
	clock_advance(&w.station.clock, 60 * SECOND_US - 1);
	assert_text(c, "out", "false");
	clock_advance(&w.station.clock, 1); /* to the microsecond */
	assert_text(c, "out", "true");
	assert_text(c, "outSource", "Week: Monday");
	assert_text(c, "nextTime", "2026-11-23T17:00:00.000000Z");
	clock_advance(&w.station.clock, 10 * HOUR);
	assert_text(c, "out", "false");
	clock_advance(&w.station.clock, 18 * HOUR + 30 * SECOND_US);
	assert_text(c, "out", "false"); /* Tuesday 12:00:30 */
	assert_text(c, "nextTime", "2026-11-24T12:00:00.000000Z");
	world_restart(&w, types);
	c = station_by_path(&w.station, "/Services/ScheduleService/Office");
	clock_set_wall(&w.station.clock, day_of(2026, 11, 24) * DAY_SECONDS * SECOND_US + 13 * HOUR);
	assert_text(c, "out", "true");
	assert_text(c, "nextTime", "2026-11-24T17:00:00.000000Z");
	world_end(&w);
}

static void wall_clock_is_set(void **state)
{
	(void)state;
	struct world w;
	world_make(&w, types);
	set_time(&w, 2026, 11, 23, 6, 30);
	struct component *c = add(&w, "Office", "schedule:BooleanSchedule", OFFICE);
	set_time(&w, 2026, 11, 23, 7, 30); /* forth by an hour: 08:30 */
	assert_text(c, "out", "true");
	set_time(&w, 2026, 11, 23, 6, 30); /* and back */
	assert_text(c, "out", "false");
	assert_text(c, "nextTime", "2026-11-23T07:00:00.000000Z");
	clock_advance(&w.station.clock, HOUR / 2);
	assert_text(c, "out", "true");
	set_time(&w, 2026, 11, 23, 6, 0);
	assert_text(c, "out", "false");
	clock_advance(&w.station.clock, HOUR);
	assert_text(c, "out", "true");
	world_end(&w);
}

/* A calendar that is renamed, and named so again: who refers to it by its path hears of both. */
static void a_calendar_is_renamed(void **state)
{
	(void)state;
	struct world w;
	struct ended end;
	world_make(&w, types);
	set_time(&w, 2026, 12, 25, 12, 0);
	struct component *holidays =
	    add(&w, "Holidays", "schedule:CalendarSchedule",
	        "{\"timeZone\":\"UTC\",\"events\":[{\"name\":\"Christmas\",\"start\":\"*-12-25\"}]}");
	struct component *c =
	    add(&w, "Sign", "schedule:BooleanSchedule",
	        "{\"timeZone\":\"UTC\",\"defaultOutput\":false,\"specialEvents\":[{\"name\":\"Closed\",\"type\":"
	        "\"reference\",\"reference\":\"slot:../Holidays\",\"entries\":[{\"value\":true}]}]}");
	assert_text(c, "out", "true");
	const char *const names[] = { "Feasts", "Holidays" };
	const char *const outs[] = { "false", "true" };
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct batch *b = batch_new(&w.station, &admin);
		batch_move(b, holidays->handle, 0, names[i]);
		assert_int_equal(submit(&w, b, &end), 0);
		station_turn(&w.station);
		assert_text(c, "out", outs[i]);
	}
	world_end(&w);
}

/* Counts changes of out. */
struct counter {
	struct observer observer;
	struct component *c;
	int changes;
	int64_t on;
	int64_t since;
};
static void count(struct observer *o, struct component *c, const struct slot *slot)
{
	struct counter *n = (struct counter *)(void *)o;
	if (c != n->c || strcmp(slot->name, "out") != 0)
		return;
	n->changes++;
	struct value v = get(c, "out");
	if (v.boolean)
		n->since = station_now(c->station);
	else if (n->since)
		n->on += station_now(c->station) - n->since;
}

static void a_year_in_milliseconds(void **state)
{
	(void)state;
	struct world w;
	struct timespec from, to;
	world_make(&w, types);
	set_time(&w, 2026, 1, 1, 0, 0);
	struct component *c = add(&w, "Office", "schedule:BooleanSchedule",
	                          "{\"timeZone\":\"Europe/Berlin\",\"defaultOutput\":false,\"weeklySchedule\":{"
	                          "\"sunday\":[{\"start\":\"01:00\",\"finish\":\"04:00\"}],"
	                          "\"monday\":[{\"start\":\"08:00\",\"finish\":\"18:00\"}]}}");
	struct counter n = { .observer = { .value = count }, .c = c };
	n.observer.next = w.station.observers;
	w.station.observers = &n.observer;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	clock_advance(&w.station.clock, 364 * 24 * HOUR);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	assert_int_equal(n.changes, 4 * 52);
	/* 52 Sundays of 3 hours, one of them 2, one 4; 52 Mondays of 10. */
	assert_int_equal(n.on, 52 * 13 * HOUR);
	long ms = (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000;
	if (ms > 2000)
		fail_msg("a year took %ld ms", ms);
	w.station.observers = n.observer.next;
	world_end(&w);
}

static void exceptions_and_calendars(void **state)
{
	(void)state;
	struct world w;
	struct ended end;
	world_make(&w, types);
	set_time(&w, 2026, 12, 23, 12, 0); /* Wednesday */
	struct component *holidays =
	    add(&w, "Holidays", "schedule:CalendarSchedule",
	        "{\"timeZone\":\"UTC\",\"events\":[{\"name\":\"Christmas\",\"type\":\"dateRange\",\"start\":\"*-12-25\","
	        "\"end\":\"*-12-26\"}]}");
	struct component *c = add(&w, "Heating", "schedule:NumericSchedule",
	                          "{\"timeZone\":\"UTC\",\"defaultOutput\":16,\"weeklySchedule\":{"
	                          "\"wednesday\":[{\"start\":\"00:00\",\"finish\":\"24:00\",\"value\":21}],"
	                          "\"thursday\":[{\"start\":\"00:00\",\"finish\":\"24:00\",\"value\":21}],"
	                          "\"friday\":[{\"start\":\"06:00\",\"finish\":\"20:00\",\"value\":21}]},"
	                          "\"specialEvents\":["
	                          "{\"name\":\"Party\",\"type\":\"date\",\"start\":\"2026-12-24\",\"entries\":["
	                          "{\"start\":\"18:00\",\"finish\":\"23:00\",\"value\":23}]},"
	                          "{\"name\":\"Closed\",\"type\":\"reference\","
	                          "\"reference\":\"station:|slot:/Services/ScheduleService/Holidays\","
	                          "\"entries\":[{\"start\":\"00:00\",\"finish\":\"24:00\",\"value\":12}]}]}");
	assert_text(holidays, "out", "false");
	assert_text(holidays, "nextTime", "2026-12-25T00:00:00.000000Z");
	assert_text(c, "out", "21");
	assert_text(c, "nextTime", "2026-12-24T18:00:00.000000Z"); /* midnight changes nothing */
	assert_text(c, "nextValue", "23");
	clock_advance(&w.station.clock, 30 * HOUR);
	assert_text(c, "out", "23");
	assert_text(c, "outSource", "Special event: Party");
	clock_advance(&w.station.clock, 6 * HOUR);
	assert_text(c, "out", "12");
	assert_text(c, "outSource", "Special event: Closed");
	assert_text(holidays, "out", "true");
	assert_text(holidays, "outSource", "Event: Christmas");
	station_turn(&w.station); /* the party has passed and is removed at midnight */
	struct value v = get(c, "specialEvents");
	bool gone = v.list.count == 1;
	value_clear(&v);
	for (time_t end_of_patience = time(NULL) + 10; !gone && time(NULL) < end_of_patience;) {
		station_turn(&w.station);
		v = get(c, "specialEvents");
		gone = v.list.count == 1;
		value_clear(&v);
	}
	assert_true(gone);
	/* The calendar changes: who refers to it looks again. */
	assert_int_equal(patch(&w, holidays, "{\"events\":[]}", &end), 0);
	station_turn(&w.station);
	assert_text(c, "out", "16");
	assert_text(c, "faultCause", "");
	/* It goes: the schedule says so and goes on. */
	struct batch *b = batch_new(&w.station, &admin);
	batch_remove(b, holidays->handle);
	assert_int_equal(submit(&w, b, &end), 0);
	station_turn(&w.station);
	assert_text(c, "out", "16");
	v = get(c, "faultCause");
	assert_non_null(strstr(v.text, "no calendar"));
	value_clear(&v);
	world_end(&w);
}

static void input_wins(void **state)
{
	(void)state;
	struct world w;
	world_make(&w, types);
	set_time(&w, 2026, 11, 23, 12, 0);
	struct component *c = add(&w, "Office", "schedule:BooleanSchedule", OFFICE);
	struct component *switch_ =
	    add(&w, "Switch", "control:BooleanWritable", "{\"fallback\":{\"value\":false,\"status\":\"{null}\"}}");
	struct component *fan = add(&w, "Fan", "control:BooleanWritable", NULL);
	link_add(c, "in", switch_->handle, "out", "in");
	link_add(fan, "in10", c->handle, "out", "in10");
	links_carry(c, point_out_slot(c));
	assert_text(fan, "out", "true");
	struct value v = { .kind = V_STATUS_BOOLEAN, .boolean = false };
	component_set(switch_, component_slot(switch_, "in5"), &v);
	assert_text(c, "out", "false");
	assert_text(c, "outSource", "Input");
	assert_text(fan, "out", "false");
	assert_text(c, "nextTime", "2026-11-23T17:00:00.000000Z");
	v = (struct value){ .kind = V_STATUS_BOOLEAN, .status = STATUS_NULL };
	component_set(switch_, component_slot(switch_, "in5"), &v);
	assert_text(fan, "out", "true");
	world_end(&w);
}

static void refused(void **state)
{
	(void)state;
	static const struct {
		const char *values, *pointer;
	} cases[] = {
		{ "{\"timeZone\":\"Europe/Nowhere\"}", "/values/timeZone" },
		{ "{\"weeklySchedule\":{\"monday\":[{\"start\":\"8:00\",\"finish\":\"18:00\"}]}}",
		  "/values/weeklySchedule/monday/0/start" },
		{ "{\"weeklySchedule\":{\"monday\":[{\"start\":\"18:00\",\"finish\":\"08:00\"}]}}",
		  "/values/weeklySchedule/monday/0/finish" },
		{ "{\"weeklySchedule\":{\"monday\":[{\"start\":\"18:00\",\"finish\":\"00:00\"}]}}",
		  "/values/weeklySchedule/monday/0/finish" },
		{ "{\"weeklySchedule\":{\"friday\":[{\"start\":\"08:00\",\"finish\":\"12:00\",\"value\":9},"
		  "{\"start\":\"11:59\",\"finish\":\"13:00\",\"value\":9}]}}",
		  "/values/weeklySchedule/friday/1" },
		{ "{\"weeklySchedule\":{\"friday\":[{\"start\":\"08:00\",\"finish\":\"12:00\",\"value\":99}]}}",
		  "/values/weeklySchedule/friday/0/value" },
		{ "{\"defaultOutput\":99}", "/values/defaultOutput" },
		{ "{\"specialEvents\":[{\"name\":\"x\"}]}", "/values/specialEvents/0/start" },
		{ "{\"specialEvents\":[{\"start\":\"2026-02-30\"}]}", "/values/specialEvents/0/start" },
		{ "{\"specialEvents\":[{\"type\":\"dateRange\",\"start\":\"2026-05-02\",\"end\":\"2026-05-01\"}]}",
		  "/values/specialEvents/0/end" },
		{ "{\"specialEvents\":[{\"type\":\"dateRange\",\"start\":\"*-05-02\",\"end\":\"2026-05-01\"}]}",
		  "/values/specialEvents/0/end" },
		{ "{\"effective\":{\"start\":\"2026-05-02\",\"end\":\"2026-05-01\"}}", "/values/effective/end" },
		{ "{\"scanLimit\":\"1h\"}", "/values/scanLimit" },
	};
	struct world w;
	struct ended end;
	world_make(&w, types);
	struct component *c =
	    add(&w, "S", "schedule:NumericSchedule", "{\"facets\":{\"min\":5,\"max\":30},\"defaultOutput\":20}");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(patch(&w, c, cases[i].values, &end), E_INVALID);
		assert_string_equal(end.pointers[0], cases[i].pointer);
		assert_text(c, "out", "20");
	}
	assert_int_equal(
	    patch(&w, c, "{\"specialEvents\":[{\"type\":\"reference\",\"reference\":\"slot:/Nowhere\"}]}", &end), 0);
	assert_int_equal(end.warnings, 1);
	assert_string_equal(end.pointers[0], "/values/specialEvents/0/reference");
	world_end(&w);
}

static void takes_no_proxy(void **state)
{
	(void)state;
	struct world w;
	struct err e = { 0 };
	world_make(&w, types);
	struct component *c = add(&w, "S", "schedule:NumericSchedule", NULL);
	assert_int_equal(control_proxy_ext.parent_ok(c, &e), E_INVALID);
	assert_int_equal(control_extension.parent_ok(c, &e), 0);
	world_end(&w);
}

static void triggers(void **state)
{
	(void)state;
	struct world w;
	struct ended end;
	world_make(&w, types);
	set_time(&w, 2026, 10, 24, 23, 0); /* 25 October, 01:00 in Berlin: the night with 25 hours */
	struct component *target = add(&w, "Fan", "control:BooleanWritable", NULL);
	struct component *c = add(&w, "T", "schedule:TriggerSchedule",
	                          "{\"timeZone\":\"Europe/Berlin\",\"times\":[{\"time\":\"02:30\"},"
	                          "{\"time\":\"08:00\",\"until\":\"09:00\",\"every\":\"20min\"}]}");
	link_add(target, "t", c->handle, "trigger", "emergencyAuto");
	static const char *const times[] = { "2026-10-25T00:30", "2026-10-25T07:00", "2026-10-25T07:20", "2026-10-25T07:40",
		                                 "2026-10-26T01:30" };
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		char text[40];
		snprintf(text, sizeof text, "%s:00.000000Z", times[i]);
		assert_text(c, "nextTrigger", text);
		struct value next = get(c, "nextTrigger");
		clock_advance(&w.station.clock, next.integer - station_now(&w.station) - 1);
		struct value last = get(c, "lastTrigger");
		assert_true(last.integer < next.integer);
		clock_advance(&w.station.clock, 1);
		assert_text(c, "lastTrigger", text);
	}
	assert_int_equal(
	    patch(&w, c, "{\"days\":[{\"type\":\"weekAndDay\",\"weekday\":\"sunday\",\"week\":\"first\"}]}", &end), 0);
	assert_text(c, "nextTrigger", "2026-11-01T01:30:00.000000Z");
	assert_int_equal(patch(&w, c, "{\"times\":[{\"every\":\"1s\"}]}", &end), E_INVALID);
	assert_string_equal(end.pointers[0], "/values/times/0/every");
	assert_int_equal(patch(&w, c, "{\"enabled\":false}", &end), 0);
	assert_text(c, "nextTrigger", "null");
	world_end(&w);
}

static void null_is_no_command(void **state)
{
	(void)state;
	struct world w;
	world_make(&w, types);
	set_time(&w, 2026, 11, 23, 12, 0);
	struct component *c = add(&w, "S", "schedule:NumericSchedule",
	                          "{\"timeZone\":\"UTC\",\"weeklySchedule\":{\"monday\":[{\"start\":\"13:00\",\"finish\":"
	                          "\"14:00\",\"value\":7}]}}");
	assert_text(c, "out", "0 {null}");
	assert_int_equal(c->status.bits, STATUS_NULL);
	clock_advance(&w.station.clock, HOUR);
	assert_text(c, "out", "7");
	clock_advance(&w.station.clock, HOUR);
	assert_text(c, "out", "0 {null}");
	world_end(&w);
}

static void tags_and_texts(void **state)
{
	(void)state;
	struct world w;
	struct ended end;
	world_make(&w, types);
	set_time(&w, 2026, 11, 23, 12, 0);
	struct component *c =
	    add(&w, "Mode", "schedule:EnumSchedule",
	        "{\"timeZone\":\"UTC\",\"facets\":{\"range\":[{\"ordinal\":3,\"tag\":\"night\"},{\"ordinal\":7,"
	        "\"tag\":\"day\"}]},\"weeklySchedule\":{\"monday\":[{\"start\":\"13:00\",\"finish\":"
	        "\"14:00\",\"value\":\"day\"}]}}");
	assert_int_equal(patch(&w, c, "{\"defaultOutput\":\"night\"}", &end), 0);
	struct value v = get(c, "out");
	assert_int_equal(v.ordinal, 3);
	clock_advance(&w.station.clock, HOUR);
	v = get(c, "out");
	assert_int_equal(v.ordinal, 7);
	assert_int_equal(patch(&w, c, "{\"weeklySchedule\":{\"monday\":[{\"value\":\"noon\"}]}}", &end), E_INVALID);
	assert_string_equal(end.pointers[0], "/values/weeklySchedule/monday/0/value");
	c = add(
	    &w, "Sign", "schedule:StringSchedule",
	    "{\"timeZone\":\"UTC\",\"defaultOutput\":\"closed\",\"weeklySchedule\":{\"monday\":[{\"value\":\"open\"}]}}");
	assert_text(c, "out", "open {ok}");
	clock_advance(&w.station.clock, 12 * HOUR);
	assert_text(c, "out", "closed {ok}");
	world_end(&w);
}

static void preview(void **state)
{
	(void)state;
	struct world w;
	struct err e = { 0 };
	world_make(&w, types);
	struct component *c = add(&w, "Office", "schedule:BooleanSchedule", OFFICE);
	int64_t monday = day_of(2026, 11, 23) * DAY_SECONDS * SECOND_US - HOUR; /* midnight in Berlin */
	json_t *json = schedule_preview(c, monday, monday + 48 * HOUR, &e), *items = json_object_get(json, "items");
	assert_int_equal(json_array_size(items), 8);
	json_t *office = json_array_get(items, 1);
	assert_string_equal(json_string_value(json_object_get(office, "start")), "2026-11-23T07:00:00.000000Z");
	assert_string_equal(json_string_value(json_object_get(office, "source")), "Week: Monday");
	assert_string_equal(json_string_value(json_object_get(json_object_get(office, "local"), "finish")), "18:00");
	assert_true(json_is_null(json_object_get(json, "next")));
	json_decref(json);
	json = schedule_preview(c, monday, monday + 5000 * 24 * HOUR, &e);
	assert_true(json_is_string(json_object_get(json, "next")));
	json_decref(json);
	assert_null(schedule_preview(c, monday, monday, &e));
	assert_null(schedule_preview(c, INT64_MIN, INT64_MAX, &e));
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_the_week),
		cmocka_unit_test(wall_clock_is_set),
		cmocka_unit_test(a_year_in_milliseconds),
		cmocka_unit_test(exceptions_and_calendars),
		cmocka_unit_test(input_wins),
		cmocka_unit_test(a_calendar_is_renamed),
		cmocka_unit_test(refused),
		cmocka_unit_test(null_is_no_command),
		cmocka_unit_test(takes_no_proxy),
		cmocka_unit_test(triggers),
		cmocka_unit_test(tags_and_texts),
		cmocka_unit_test(preview),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
