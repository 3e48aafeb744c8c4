/* SPDX-License-Identifier: Apache-2.0
 * The demo driver: curves, the same values from the same seed, the building, its excursion and its doors. */
#include "tests/unit/world.h"

#include <math.h>

#include "drivers/demo/demo.h"
#include "drivers/driver.h"

#define COLD_ROOM "/Drivers/DemoNetwork/ColdRoom/Temperature"

static void test_curves(void **state)
{
	(void)state;
	struct curve c = { .waveform = WAVE_SINE, .offset = 10, .amplitude = 2, .period = 100, .duty = 0.5 };
	assert_true(fabs(curve_at(&c, 0, 1) - 10) < 1e-9);
	assert_true(fabs(curve_at(&c, 25, 1) - 12) < 1e-9);
	assert_true(fabs(curve_at(&c, 175, 1) - 8) < 1e-9);
	c.waveform = WAVE_TRIANGLE;
	assert_true(fabs(curve_at(&c, 50, 1) - 12) < 1e-9);
	c.waveform = WAVE_SAWTOOTH;
	assert_true(fabs(curve_at(&c, 75, 1) - 11) < 1e-9);
	c.waveform = WAVE_SQUARE;
	assert_true(fabs(curve_at(&c, 49, 1) - 12) < 1e-9);
	assert_true(fabs(curve_at(&c, 51, 1) - 10) < 1e-9);
	c.waveform = WAVE_EXCURSION;
	assert_true(fabs(curve_at(&c, 25, 1) - 12) < 1e-9);
	assert_true(fabs(curve_at(&c, 80, 1) - 10) < 1e-9);
	c.noise = 1;
	assert_true(curve_at(&c, 80, 1) == curve_at(&c, 80, 1));
	assert_true(curve_at(&c, 80, 1) != curve_at(&c, 80, 2));
	for (int64_t t = 50; t < 100; t++)
		assert_true(fabs(curve_at(&c, t, 7) - 10) <= 1);
}

/* A station as the program makes it: loaded, the building added, then started. */
static void open_demo(struct world *w)
{
	struct err e = { 0 };
	if (station_init(&w->station, station_types, w->directory, true, &e) != 0 ||
	    !(w->station.keyring = keyring_open(w->directory, &e)) ||
	    sqlite_open(w->directory, &w->station.inbox.mailbox, &w->station.store, &e) != 0 ||
	    station_load(&w->station, &e) != 0)
		fail_msg("%s", e.text);
	demo_ship(&w->station);
	station_start(&w->station);
	station_turn(&w->station);
}

static double cold_room(struct world *w)
{
	struct component *c = station_by_path(&w->station, COLD_ROOM);
	assert_non_null(c);
	return COMPONENT_AS(c, &control_numeric_point, struct numeric_point)->out.value;
}

static void test_building(void **state)
{
	(void)state;
	struct world w;
	must(sodium_init() >= 0);
	scratch_make(w.directory);
	open_demo(&w);
	assert_true(cold_room(&w) < -19);
	double seen[3];
	int at = 0, warm_from = 0, warm_to = 0, alarm_from = 0;
	for (int second = 1; second <= 120; second++) {
		clock_advance(&w.station.clock, SECOND_US);
		double t = cold_room(&w);
		if (second == 10 || second == 20 || second == 30)
			seen[at++] = t;
		if (t > -15 && !warm_from)
			warm_from = second;
		if (!alarm_from && (station_by_path(&w.station, COLD_ROOM)->status.bits & STATUS_ALARM))
			alarm_from = second;
		if (t < -15.5 && warm_from && !warm_to)
			warm_to = second;
	}
	assert_in_range(warm_from, 10, 40);
	assert_in_range(alarm_from, warm_from + 5, 59); /* within the first minute */
	assert_false(station_by_path(&w.station, COLD_ROOM)->status.bits & STATUS_ALARM);
	assert_in_range(warm_to, 60, 100);
	struct component *fan = station_by_path(&w.station, "/Drivers/DemoNetwork/AirHandlingUnit/Fan");
	/* New Year's Day is a holiday: the occupancy schedule keeps the fan off. */
	assert_false(COMPONENT_AS(fan, &control_boolean_point, struct boolean_point)->out.value);
	assert_int_equal(fan->status.bits, STATUS_OK);
	uint64_t handle = fan->handle;

	/* Its alarm extension is there, with its limits. */
	struct component *alarm = station_by_path(&w.station, COLD_ROOM "/TooWarm");
	assert_non_null(alarm);
	struct value limit;
	assert_int_equal(component_get(alarm, "highLimit", &limit, NULL), 0);
	assert_true(limit.real == -15);

	/* After a restart: the same building, the same values. */
	station_finish(&w.station);
	open_demo(&w);
	assert_true(station_by_path(&w.station, "/Drivers/DemoNetwork/AirHandlingUnit/Fan")->handle == handle);
	for (int i = 0; i < 3; i++) {
		clock_advance(&w.station.clock, 10 * SECOND_US);
		assert_true(cold_room(&w) == seen[i]);
	}
	world_end(&w);
}

static void test_disabled(void **state)
{
	(void)state;
	struct world w;
	struct ended end;
	must(sodium_init() >= 0);
	scratch_make(w.directory);
	open_demo(&w);
	static const struct actor admin = { .user = "ada", .role = ROLE_ADMIN, .via = "session" };
	struct batch *b = batch_new(&w.station, &admin);
	struct value off = value_boolean(false);
	batch_set(b, station_by_path(&w.station, "/Drivers/DemoNetwork/ColdRoom")->handle, "enabled", &off);
	assert_int_equal(submit(&w, b, &end), 0);
	clock_advance(&w.station.clock, 2 * SECOND_US);
	assert_int_equal(station_by_path(&w.station, COLD_ROOM)->status.bits, STATUS_DISABLED);
	assert_int_equal(station_by_path(&w.station, "/Drivers/DemoNetwork/Boiler/FlowTemperature")->status.bits,
	                 STATUS_OK);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_curves),
		cmocka_unit_test(test_building),
		cmocka_unit_test(test_disabled),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
