/* SPDX-License-Identifier: Apache-2.0
 * The GPIO driver over a chip of this test's own: it defines the functions of gpio_line.h, so that the linker does not
 * take those of libgpiod. Debounce with a virtual clock, levels read after bursts, removal, lines in use, outputs. */
#include "tests/unit/world.h"

#include <fcntl.h>
#include <unistd.h>

#include "drivers/gpio/gpio.h"

/* --- the fake chip ---------------------------------------------------------------------------------------------- */

#define LINES 4
static struct fake {
	bool present, busy[LINES], taken[LINES];
	bool level[LINES]; /* physical */
	struct gpio_request request[LINES];
	int pipes[LINES][2];
	int opens, drains;
} fake;
static const char *const names[LINES] = { "DI0", "DI1", "DO0", "DO1" };

static size_t index_of(const struct gpio_line *l)
{
	return (size_t)((const char *)l - (const char *)names);
}

struct gpio_chip *gpio_chip_open(const char *label, struct err *e)
{
	if (fake.present && strcmp(label, "plant") == 0) {
		fake.opens++;
		return (struct gpio_chip *)&fake;
	}
	err_set(e, E_NETWORK, "label", "There is no chip %s.", label);
	return NULL;
}

void gpio_chip_close(struct gpio_chip **c)
{
	for (int i = 0; *c && i < LINES; i++)
		must(!fake.taken[i]); /* lines go first */
	*c = NULL;
}

bool gpio_chip_alive(struct gpio_chip *c)
{
	must(c == (struct gpio_chip *)&fake);
	return fake.present;
}

struct gpio_line *gpio_line_open(struct gpio_chip *c, const struct gpio_request *r, struct err *e)
{
	must(c == (struct gpio_chip *)&fake);
	for (size_t i = 0; i < LINES; i++) {
		if (strcmp(r->name, names[i]) != 0)
			continue;
		if (fake.busy[i]) {
			err_set(e, E_CONFLICT, "line", "The line %s is used by another program.", r->name);
			return NULL;
		}
		must(!fake.taken[i]);
		fake.taken[i] = true;
		fake.request[i] = *r;
		if (r->output)
			fake.level[i] = r->initial != r->activeLow;
		else
			must(pipe2(fake.pipes[i], O_NONBLOCK | O_CLOEXEC) == 0);
		return (struct gpio_line *)((char *)(uintptr_t)names + i);
	}
	err_set(e, E_NOT_FOUND, "line", "There is no line %s.", r->name);
	return NULL;
}

void gpio_line_close(struct gpio_line **l)
{
	if (*l) {
		size_t i = index_of(*l);
		fake.taken[i] = false;
		if (!fake.request[i].output) {
			close(fake.pipes[i][0]);
			close(fake.pipes[i][1]);
		}
	}
	*l = NULL;
}

int gpio_line_fd(const struct gpio_line *l)
{
	return fake.pipes[index_of(l)][0];
}

int gpio_line_drain(struct gpio_line *l)
{
	char buf[64];
	fake.drains++;
	while (read(fake.pipes[index_of(l)][0], buf, sizeof buf) > 0)
		;
	return fake.present ? 0 : E_DRIVER;
}

int gpio_line_get(struct gpio_line *l)
{
	size_t i = index_of(l);
	return !fake.present ? E_DRIVER : fake.level[i] != fake.request[i].activeLow;
}

int gpio_line_set(struct gpio_line *l, bool value)
{
	size_t i = index_of(l);
	if (!fake.present)
		return E_DRIVER;
	fake.level[i] = value != fake.request[i].activeLow;
	return 0;
}

static void edge(struct world *w, int line, bool level)
{
	fake.level[line] = level;
	must(write(fake.pipes[line][1], "e", 1) == 1);
	station_turn(&w->station);
}

/* --- the station ------------------------------------------------------------------------------------------------ */

static const struct type *const types[] = {
	&baja_component,
	&baja_folder,
	&control_point,
	&control_boolean_point,
	&control_boolean_writable,
	&control_extension,
	&control_proxy_ext,
	&driver_network,
	&driver_device,
	&gpio_network,
	&gpio_chip_type,
	&gpio_point,
	NULL,
};
static const struct actor admin = { .user = "ada", .role = ROLE_ADMIN, .via = "session" };
#define CHIP "/Drivers/GpioNetwork/Chip"

static void add(struct world *w, const char *parent, const char *name, const char *type, const char *values)
{
	struct ended end;
	json_t *json = json_loads(values, 0, NULL);
	assert_non_null(json);
	struct batch *b = batch_new(&w->station, &admin);
	batch_add(b, station_by_path(&w->station, parent)->handle, name, type, json, "/values");
	json_decref(json);
	if (submit(w, b, &end) != 0)
		fail_msg("%s %s", end.pointers[0], end.details[0]);
	station_turn(&w->station);
}

static void set(struct world *w, const char *path, const char *values)
{
	struct ended end;
	json_t *json = json_loads(values, 0, NULL);
	assert_non_null(json);
	struct batch *b = batch_new(&w->station, &admin);
	batch_set_json(b, station_by_path(&w->station, path)->handle, json, "/values");
	json_decref(json);
	if (submit(w, b, &end) != 0)
		fail_msg("%s %s", end.pointers[0], end.details[0]);
	station_turn(&w->station);
}

static const struct status_boolean *out(struct world *w, const char *path)
{
	struct component *c = station_by_path(&w->station, path);
	assert_non_null(c);
	return &COMPONENT_AS(c, &control_boolean_point, struct boolean_point)->out;
}

static void assert_cause(struct world *w, const char *path, const char *part)
{
	struct value v;
	assert_int_equal(component_get(station_by_path(&w->station, path), "faultCause", &v, NULL), 0);
	if (!strstr(v.text, part))
		fail_msg("\"%s\" does not say \"%s\"", v.text, part);
	value_clear(&v);
}

static void wait_for(struct world *w, int64_t us)
{
	clock_advance(&w->station.clock, us);
	station_turn(&w->station);
}

static int setup(void **state)
{
	struct world *w = must_alloc(sizeof *w);
	fake = (struct fake){ .present = true };
	world_make(w, types);
	if (!station_by_path(&w->station, "/Drivers/GpioNetwork"))
		add(w, "/Drivers", "GpioNetwork", "gpio:GpioNetwork", "{}");
	add(w, "/Drivers/GpioNetwork", "Chip", "gpio:GpioChip", "{\"label\": \"plant\"}");
	add(w, CHIP, "Door", "control:BooleanPoint", "{}");
	add(w, CHIP "/Door", "proxyExt", "gpio:GpioPoint",
	    "{\"line\": \"DI0\", \"debounce\": \"50ms\", \"bias\": \"pullUp\"}");
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	world_end(*state);
	for (int i = 0; i < LINES; i++)
		assert_false(fake.taken[i]);
	free(*state);
	return 0;
}

static void test_input_is_taken(void **state)
{
	struct world *w = *state;
	assert_true(fake.taken[0]);
	assert_int_equal(fake.request[0].bias, GPIO_BIAS_PULL_UP);
	assert_int_equal(out(w, CHIP "/Door")->status, STATUS_OK);
	assert_false(out(w, CHIP "/Door")->value);
	assert_int_equal(station_by_path(&w->station, CHIP)->status.bits, STATUS_OK);
}

static void test_debounce(void **state)
{
	struct world *w = *state;
	for (int i = 0; i < 7; i++) { /* bounces for 70 ms, and ends high */
		edge(w, 0, i % 2 == 0);
		wait_for(w, 10000);
		assert_false(out(w, CHIP "/Door")->value);
	}
	wait_for(w, 39000);
	assert_false(out(w, CHIP "/Door")->value);
	wait_for(w, 2000);
	assert_true(out(w, CHIP "/Door")->value);
	edge(w, 0, false); /* a spike: too short to count */
	edge(w, 0, true);
	wait_for(w, 60000);
	assert_true(out(w, CHIP "/Door")->value);
}

static void test_without_debounce(void **state)
{
	struct world *w = *state;
	set(w, CHIP "/Door/proxyExt", "{\"debounce\": 0, \"activeLow\": true}");
	assert_true(out(w, CHIP "/Door")->value);
	edge(w, 0, true);
	assert_false(out(w, CHIP "/Door")->value);
}

static void test_removal_and_return(void **state)
{
	struct world *w = *state;
	fake.present = false;
	edge(w, 0, true); /* the descriptor becomes readable, and reading fails */
	assert_int_equal(out(w, CHIP "/Door")->status, STATUS_DOWN);
	wait_for(w, SECOND_US);
	assert_int_equal(station_by_path(&w->station, CHIP)->status.bits, STATUS_DOWN);
	assert_cause(w, CHIP, "There is no chip");
	assert_false(fake.taken[0]);
	int opens = fake.opens;
	fake.present = true;
	wait_for(w, 6 * SECOND_US);
	assert_int_equal(fake.opens, opens + 1);
	assert_int_equal(out(w, CHIP "/Door")->status, STATUS_OK);
	assert_true(out(w, CHIP "/Door")->value);
	assert_cause(w, CHIP, "");
}

static void test_removal_is_seen_without_edges(void **state)
{
	struct world *w = *state;
	fake.present = false;
	wait_for(w, 6 * SECOND_US);
	assert_int_equal(out(w, CHIP "/Door")->status, STATUS_DOWN);
}

static void test_line_in_use(void **state)
{
	struct world *w = *state;
	fake.busy[1] = true;
	add(w, CHIP, "Window", "control:BooleanPoint", "{}");
	add(w, CHIP "/Window", "proxyExt", "gpio:GpioPoint", "{\"line\": \"DI1\"}");
	assert_int_equal(out(w, CHIP "/Window")->status, STATUS_FAULT);
	assert_cause(w, CHIP "/Window/proxyExt", "another program");
	assert_int_equal(station_by_path(&w->station, CHIP)->status.bits, STATUS_OK);
	fake.busy[1] = false;
	wait_for(w, 6 * SECOND_US);
	assert_int_equal(out(w, CHIP "/Window")->status, STATUS_OK);
	set(w, CHIP "/Window/proxyExt", "{\"line\": \"DI9\"}");
	assert_int_equal(out(w, CHIP "/Window")->status, STATUS_FAULT);
	assert_cause(w, CHIP "/Window/proxyExt", "DI9");
}

static void test_output_follows(void **state)
{
	struct world *w = *state;
	add(w, CHIP, "Fan", "control:BooleanWritable", "{}");
	add(w, CHIP "/Fan", "proxyExt", "gpio:GpioPoint", "{\"line\": \"DO0\", \"direction\": \"output\"}");
	assert_true(fake.taken[2]);
	assert_false(fake.level[2]);
	set(w, CHIP "/Fan", "{\"in10\": {\"value\": true, \"status\": \"{ok}\"}}");
	assert_true(fake.level[2]);
	set(w, CHIP "/Fan/proxyExt", "{\"activeLow\": true}");
	assert_false(fake.level[2]);
	fake.present = false;
	set(w, CHIP "/Fan", "{\"in10\": {\"value\": false, \"status\": \"{ok}\"}}");
	assert_int_equal(out(w, CHIP "/Fan")->status, STATUS_DOWN);
	fake.present = true;
	wait_for(w, 6 * SECOND_US);
	assert_int_equal(out(w, CHIP "/Fan")->status, STATUS_OK);
	assert_true(fake.level[2]); /* false, active low */
}

static void test_wrong_places(void **state)
{
	struct world *w = *state;
	add(w, CHIP, "Lamp", "control:BooleanPoint", "{}");
	add(w, CHIP "/Lamp", "proxyExt", "gpio:GpioPoint", "{\"line\": \"DO1\", \"direction\": \"output\"}");
	assert_cause(w, CHIP "/Lamp/proxyExt", "BooleanWritable");
	add(w, CHIP, "Switch", "control:BooleanWritable", "{}");
	add(w, CHIP "/Switch", "proxyExt", "gpio:GpioPoint", "{\"line\": \"DI1\"}");
	assert_cause(w, CHIP "/Switch/proxyExt", "BooleanPoint");
	assert_false(fake.taken[1]);
	assert_false(fake.taken[3]);
}

static void test_disable_and_remove(void **state)
{
	struct world *w = *state;
	set(w, "/Drivers/GpioNetwork", "{\"enabled\": false}");
	assert_false(fake.taken[0]);
	assert_int_equal(out(w, CHIP "/Door")->status, STATUS_DISABLED);
	set(w, "/Drivers/GpioNetwork", "{\"enabled\": true}");
	assert_int_equal(out(w, CHIP "/Door")->status, STATUS_OK);
	set(w, CHIP "/Door/proxyExt", "{\"enabled\": false}");
	assert_int_equal(out(w, CHIP "/Door")->status, STATUS_DISABLED);
	assert_false(fake.taken[0]);
	set(w, CHIP "/Door/proxyExt", "{\"enabled\": true}");
	assert_true(fake.taken[0]);
	struct ended end;
	struct batch *b = batch_new(&w->station, &admin);
	batch_remove(b, station_by_path(&w->station, CHIP)->handle);
	assert_int_equal(submit(w, b, &end), 0);
	assert_false(fake.taken[0]);
	wait_for(w, 20 * SECOND_US);
}

#define WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD(test_input_is_taken),
		WORLD(test_debounce),
		WORLD(test_without_debounce),
		WORLD(test_removal_and_return),
		WORLD(test_removal_is_seen_without_edges),
		WORLD(test_line_in_use),
		WORLD(test_output_follows),
		WORLD(test_wrong_places),
		WORLD(test_disable_and_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
