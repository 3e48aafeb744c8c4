/* SPDX-License-Identifier: Apache-2.0
 * PlatformService: the machine's figures arrive at points with units, and keep arriving. */
#include "tests/unit/world.h"

#include "services/platform/platform.h"
#include "station/control/point.h"

static const struct type *const types[] = {
	&baja_component, &baja_folder, &control_point, &control_numeric_point, &platform_service, NULL,
};

static struct numeric_point *point(struct world *w, const char *name)
{
	char path[96];
	snprintf(path, sizeof path, "/Services/PlatformService/%s", name);
	struct component *c = station_by_path(&w->station, path);
	assert_non_null(c);
	return COMPONENT_AS(c, &control_numeric_point, struct numeric_point);
}

static void check_figures(struct world *w)
{
	station_turn(&w->station);
	assert_true(point(w, "memoryTotal")->out.value > 16);
	assert_int_equal(point(w, "memoryTotal")->out.status, STATUS_OK);
	assert_true(point(w, "memoryAvailable")->out.value < point(w, "memoryTotal")->out.value);
	assert_true(point(w, "diskTotal")->out.value >= point(w, "diskFree")->out.value);
	assert_true(point(w, "uptime")->out.value > 0);
	assert_int_equal(point(w, "load1")->out.status, STATUS_OK);
	assert_string_equal(point(w, "diskFree")->rare->facets.units, "MB");
}

static void test_figures(void **state)
{
	(void)state;
	struct world w;
	world_make(&w, types);
	check_figures(&w);
	assert_int_equal(point(&w, "cpuUsage")->out.status & STATUS_STALE, STATUS_STALE); /* needs two looks */
	struct value v;
	assert_int_equal(component_get(station_by_path(&w.station, "/Services/PlatformService"), "kernel", &v, NULL), 0);
	assert_true(strlen(v.text) > 0);
	value_clear(&v);
	volatile double work = 0;
	for (int i = 0; i < 30000000; i++) /* a tick of processor time must pass */
		work = work + 1;
	clock_advance(&w.station.clock, 6 * SECOND_US);
	assert_int_equal(point(&w, "cpuUsage")->out.status, STATUS_OK);
	world_restart(&w, types);
	check_figures(&w);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_figures) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
