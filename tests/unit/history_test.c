/* SPDX-License-Identifier: Apache-2.0
 * Histories on the test's clock: samples at an interval and at changes, what is kept, how they are read and rolled up over
 * the days on which the clock changes, what a restart and a clock that is set back leave. */
#include <math.h>

#include "services/history/history.h"
#include "services/history/rollup.h"
#include "station/control/point.h"
#include "tests/unit/world.h"

struct read {
	bool done;
	int code;
	json_t *json; /* owned */
	char *csv;    /* owned */
};

static void keep_read(void *context, int code, const struct err *e, json_t *json, char *csv)
{
	(void)e;
	*(struct read *)context = (struct read){ true, code, json, csv };
}

static struct component *point(struct world *w, const char *type)
{
	return make_component(w, w->station.tree.root, type, "Point");
}

static int64_t wall(const char *text)
{
	int64_t us;
	assert_int_equal(abstime_parse(text, &us), 0);
	return us;
}

static void set_wall(struct world *w, const char *text)
{
	w->station.clock.wall = wall(text);
}

static void advance(struct world *w, int64_t seconds)
{
	clock_advance(&w->station.clock, seconds * SECOND_US);
	station_turn(&w->station);
}

/* Until all samples are on disk: what is on its way, and what waits for that. */
static void settle(struct world *w)
{
	struct store *store = w->station.history;
	for (int round = 0; round < 3; round++) {
		advance(w, 2);
		assert_int_equal(store->impl->commit_now(store, store_tx_new(), NULL), 0);
		station_turn(&w->station);
	}
}

static struct read ask(struct world *w, struct history_question q)
{
	struct read r = { 0 };
	settle(w);
	q.id = q.id ? q.id : "Point";
	q.limit = q.limit ? q.limit : 100000;
	q.end = q.end ? q.end : INT64_MAX;
	q.after = q.after ? q.after : ABSTIME_NULL;
	q.zone = q.zone ? q.zone : zone_find(&w->station, "UTC", NULL);
	history_read(&w->station, &q, keep_read, &r);
	turn_until(w, &r.done);
	return r;
}

static json_t *items(struct read *r)
{
	assert_int_equal(r->code, 0);
	return json_object_get(r->json, "items");
}

static const char *text_at(json_t *array, size_t i, const char *member)
{
	return json_string_value(json_object_get(json_array_get(array, i), member));
}

static double number_at(json_t *array, size_t i, const char *member)
{
	return json_number_value(json_object_get(json_array_get(array, i), member));
}

static void test_interval_is_aligned(void **state)
{
	struct world *w = *state;
	set_wall(w, "2026-11-21T10:07:31Z");
	struct component *p = point(w, "control:NumericPoint");
	numeric_point_feed(p, 20, STATUS_OK);
	make_component(w, p, "history:NumericIntervalHistoryExt", "History");
	for (int minute = 0; minute < 60; minute++) {
		numeric_point_feed(p, 20 + minute, STATUS_OK);
		advance(w, 60);
	}
	struct read r = ask(w, (struct history_question){ .start = 0 });
	assert_int_equal(json_array_size(items(&r)), 4);
	static const char *const times[] = { "10:15", "10:30", "10:45", "11:00" };
	for (size_t i = 0; i < 4; i++)
		assert_non_null(strstr(text_at(items(&r), i, "timestamp"), times[i]));
	assert_true(number_at(items(&r), 0, "value") == 27);
	json_decref(r.json);
}

static void test_changes_and_tolerance(void **state)
{
	struct world *w = *state;
	struct component *p = point(w, "control:NumericPoint");
	struct component *x = make_component(w, p, "history:NumericCovHistoryExt", "History");
	set_slot(x, "changeTolerance", "0.5");
	static const double values[] = { 20, 20.3, 20.6, 20.8, 21.2, 21.2 };
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		numeric_point_feed(p, values[i], STATUS_OK);
		advance(w, 10);
	}
	point_feed_status(p, STATUS_DOWN);
	struct read r = ask(w, (struct history_question){ .start = 0 });
	assert_int_equal(json_array_size(items(&r)), 4);
	assert_true(number_at(items(&r), 1, "value") == 20.6);
	assert_true(number_at(items(&r), 2, "value") == 21.2);
	assert_string_equal(text_at(items(&r), 3, "status"), "{down}");
	json_decref(r.json);
}

/* A thousand changes in a second: the first, and the last. */
static void test_storm_is_thinned(void **state)
{
	struct world *w = *state;
	struct component *p = point(w, "control:NumericPoint");
	make_component(w, p, "history:NumericCovHistoryExt", "History");
	for (int i = 1; i <= 1000; i++)
		numeric_point_feed(p, i, STATUS_OK);
	struct read r = ask(w, (struct history_question){ .start = 0 });
	assert_int_equal(json_array_size(items(&r)), 2);
	assert_true(number_at(items(&r), 1, "value") == 1000);
	json_decref(r.json);
}

static void test_capacity(void **state)
{
	struct world *w = *state;
	struct component *p = point(w, "control:NumericPoint");
	struct component *x = make_component(w, p, "history:NumericCovHistoryExt", "History");
	set_slot(x, "historyConfig", "{\"capacity\": 50, \"fullPolicy\": \"roll\"}");
	for (int i = 1; i <= 400; i++) {
		numeric_point_feed(p, i, STATUS_OK);
		advance(w, 2);
		if (i % 20 == 0)
			settle(w);
	}
	struct read r = ask(w, (struct history_question){ .start = 0 });
	size_t count = json_array_size(items(&r));
	assert_int_equal(count, 50);
	assert_true(number_at(items(&r), count - 1, "value") == 400);
	json_decref(r.json);
	set_slot(x, "historyConfig", "{\"capacity\": 50, \"fullPolicy\": \"stop\"}");
	numeric_point_feed(p, 1000, STATUS_OK);
	advance(w, 2);
	assert_true(x->status.bits & STATUS_FAULT);
	r = ask(w, (struct history_question){ .start = 0 });
	assert_int_equal(json_array_size(items(&r)), count);
	json_decref(r.json);
}

/* Less room than there are records, nobody adds one: the oldest go. Deleted is deleted, also what is not on disk yet. */
static void test_less_room_and_none(void **state)
{
	struct world *w = *state;
	struct component *p = point(w, "control:NumericPoint");
	struct component *x = make_component(w, p, "history:NumericCovHistoryExt", "History");
	for (int i = 1; i <= 40; i++) {
		numeric_point_feed(p, i, STATUS_OK);
		advance(w, 2);
	}
	settle(w);
	set_slot(x, "historyConfig", "{\"capacity\": 10, \"fullPolicy\": \"roll\"}");
	advance(w, 2);
	settle(w);
	struct read r = ask(w, (struct history_question){ .start = 0 });
	assert_int_equal(json_array_size(items(&r)), 10);
	assert_true(number_at(items(&r), 0, "value") == 31);
	json_decref(r.json);
	numeric_point_feed(p, 50, STATUS_OK);
	assert_int_equal(component_invoke(x, "deleteHistory", &(struct invocation){ 0 }), 0);
	advance(w, 2);
	settle(w);
	r = ask(w, (struct history_question){ .start = 0 });
	assert_int_equal(json_array_size(items(&r)), 0);
	json_decref(r.json);
}

static void test_clock_set_back(void **state)
{
	struct world *w = *state;
	set_wall(w, "2026-11-21T10:00:30Z");
	struct component *p = point(w, "control:NumericPoint");
	numeric_point_feed(p, 1, STATUS_OK);
	struct component *x = make_component(w, p, "history:NumericIntervalHistoryExt", "History");
	set_slot(x, "interval", "15m");
	advance(w, 3600);
	set_wall(w, "2026-11-21T10:01:00Z"); /* an hour back */
	advance(w, 3600);
	struct read r = ask(w, (struct history_question){ .start = 0 });
	size_t count = json_array_size(items(&r)), flagged = 0;
	assert_in_range(count, 8, 9);
	for (size_t i = 0; i < count; i++)
		flagged += json_array_size(json_object_get(json_array_get(items(&r), i), "trendFlags")) > 0;
	assert_in_range(flagged, 4, 6); /* the start, and what has been before */
	json_decref(r.json);
	set_wall(w, "2026-11-21T18:00:00Z"); /* forth: a gap stays */
	advance(w, 1800);
	r = ask(w, (struct history_question){ .start = wall("2026-11-21T11:30:00Z") });
	assert_in_range(json_array_size(items(&r)), 1, 3);
	assert_non_null(strstr(text_at(items(&r), 0, "timestamp"), "T18:"));
	json_decref(r.json);
}

/* Every hour of a year, in a zone with summer time: days have 23, 24 and 25 hours. */
static void test_days_of_a_zone(void **state)
{
	struct world *w = *state;
	static const struct {
		const char *zone, *spring, *autumn;
	} zones[] = {
		{ "Europe/Berlin", "2026-03-28T23:00:00", "2026-10-24T22:00:00" },
		{ "America/New_York", "2026-03-08T05:00:00", "2026-11-01T04:00:00" },
	};
	for (size_t z = 0; z < ARRAY_SIZE(zones); z++) {
		const struct zone *zone = zone_find(&w->station, zones[z].zone, NULL);
		struct rollup day, month, hour;
		assert_int_equal(rollup_parse("P1D", zone, &day, NULL), 0);
		assert_int_equal(rollup_parse("P1M", zone, &month, NULL), 0);
		assert_int_equal(rollup_parse("1h", zone, &hour, NULL), 0);
		int64_t start = rollup_start(&day, wall("2026-01-01T12:00:00Z") / SECOND_US), at = start;
		int lengths[26] = { 0 };
		for (int i = 0; i < 365; i++) {
			int64_t next = rollup_next(&day, at);
			assert_int_equal(rollup_start(&day, at), at);
			assert_int_equal(rollup_start(&day, next - 1), at);
			assert_in_range((next - at) / 3600, 23, 25);
			lengths[(next - at) / 3600]++;
			at = next;
		}
		assert_int_equal(lengths[23], 1);
		assert_int_equal(lengths[25], 1);
		int64_t months = rollup_start(&month, start);
		assert_int_equal(months, start);
		for (int i = 0; i < 12; i++)
			months = rollup_next(&month, months);
		assert_int_equal(months, at);
		for (int64_t t = start; t < at; t += 3600) { /* the hour that comes twice is two buckets */
			assert_int_equal(rollup_start(&hour, t), t);
			assert_int_equal(rollup_next(&hour, t), t + 3600);
		}
	}
}

static void test_rollup_functions(void **state)
{
	struct world *w = *state;
	set_wall(w, "2026-11-21T10:00:00Z");
	struct component *p = point(w, "control:NumericPoint");
	struct component *x = make_component(w, p, "history:NumericIntervalHistoryExt", "History");
	set_slot(x, "interval", "1m");
	double sum = 0;
	for (int i = 1; i <= 180; i++) {
		numeric_point_feed(p, i, i % 60 == 30 ? STATUS_FAULT : STATUS_OK);
		sum += i > 60 && i <= 119 && i % 60 != 30 ? i : 0;
		advance(w, 60);
	}
	struct read r = ask(w, (struct history_question){ .rollup = "1h" });
	json_t *hour = json_array_get(items(&r), 1);
	assert_non_null(strstr(json_string_value(json_object_get(hour, "timestamp")), "T11:00"));
	assert_int_equal(json_integer_value(json_object_get(hour, "count")), 59); /* one was faulty */
	assert_true(json_number_value(json_object_get(hour, "max")) == 119);
	assert_true(json_number_value(json_object_get(hour, "first")) == 60);
	assert_true(fabs(json_number_value(json_object_get(hour, "sum")) - sum - 60) < 1e-9);
	json_decref(r.json);
	r = ask(w, (struct history_question){ .rollup = "1h", .form = HISTORY_CSV });
	assert_non_null(strstr(r.csv, "timestamp,end,count,avg"));
	free(r.csv);
}

/* A switch that is on across empty buckets counts in them too. */
static void test_time_on(void **state)
{
	struct world *w = *state;
	set_wall(w, "2026-11-21T10:00:00Z");
	struct component *p = point(w, "control:BooleanPoint");
	make_component(w, p, "history:BooleanCovHistoryExt", "History");
	boolean_point_feed(p, false, STATUS_OK);
	advance(w, 1800);
	boolean_point_feed(p, true, STATUS_OK);
	advance(w, 7200 + 900);
	boolean_point_feed(p, false, STATUS_OK);
	struct read r = ask(w, (struct history_question){ .rollup = "1h" });
	static const double seconds[] = { 1800, 3600, 2700 };
	assert_int_equal(json_array_size(items(&r)), 3);
	for (size_t i = 0; i < 3; i++)
		assert_true(number_at(items(&r), i, "timeOn") == seconds[i] * 1e6);
	json_decref(r.json);
}

static void test_pages_and_restart(void **state)
{
	struct world *w = *state;
	struct component *p = point(w, "control:StringPoint");
	make_component(w, p, "history:StringCovHistoryExt", "History");
	for (int i = 0; i < 10; i++) {
		char text[24];
		snprintf(text, sizeof text, "=%d,\"x\"", i);
		string_point_feed(p, text, STATUS_OK);
		advance(w, 5);
	}
	struct history_question q = { .limit = 4, .after = ABSTIME_NULL };
	size_t total = 0;
	for (int page = 0; page < 3; page++) {
		struct read r = ask(w, q);
		total += json_array_size(items(&r));
		const char *next = json_string_value(json_object_get(r.json, "next"));
		if (next)
			assert_int_equal(sscanf(next, "%ld.%ld", &q.after, &q.after_number), 2);
		json_decref(r.json);
	}
	assert_int_equal(total, 10);
	struct read r = ask(w, (struct history_question){ .form = HISTORY_CSV });
	assert_non_null(strstr(r.csv, ",\"'=3,\"\"x\"\"\","));
	free(r.csv);
	world_restart(w, station_types);
	r = ask(w, (struct history_question){ .start = 0 });
	assert_int_equal(json_array_size(items(&r)), 10);
	json_decref(r.json);
}

static void test_names_are_unique(void **state)
{
	struct world *w = *state;
	for (int i = 0; i < 3; i++) {
		char name[24];
		snprintf(name, sizeof name, "Device%d", i);
		struct component *device = make_component(w, w->station.tree.root, "baja:Folder", name);
		struct component *p = make_component(w, device, "control:NumericPoint", "Temperature");
		struct component *x = make_component(w, p, "history:NumericCovHistoryExt", "History");
		struct value v;
		component_get(x, "historyId", &v, NULL);
		assert_string_equal(v.text, i == 0 ? "Temperature" : i == 1 ? "Temperature1" : "Temperature2");
		value_clear(&v);
	}
	json_t *all = histories_json(&w->station);
	assert_int_equal(json_array_size(all), 3);
	json_decref(all);
	struct read r = ask(w, (struct history_question){ .id = "nothing" });
	assert_int_equal(r.code, E_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_STATION(test_interval_is_aligned),
		IN_STATION(test_changes_and_tolerance),
		IN_STATION(test_storm_is_thinned),
		IN_STATION(test_capacity),
		IN_STATION(test_less_room_and_none),
		IN_STATION(test_clock_set_back),
		IN_STATION(test_days_of_a_zone),
		IN_STATION(test_rollup_functions),
		IN_STATION(test_time_on),
		IN_STATION(test_pages_and_restart),
		IN_STATION(test_names_are_unique),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
