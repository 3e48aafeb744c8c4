/* SPDX-License-Identifier: Apache-2.0
 * kitControl against a plain reference: random inputs (also null and faulty) for every function, delays, latches, counters
 * and the PID loop on the test's clock. */
#include <math.h>

#include "station/control/kit.h"
#include "tests/unit/world.h"

static struct component *make(struct world *w, const char *type)
{
	const struct type *t = type_find(w->station.types, type);
	must(t != NULL);
	struct component *c = component_create(&w->station, t, "Kit", 0);
	tree_attach(w->station.tree.root, c);
	tree_start(c);
	return c;
}

static void drop(struct component *c)
{
	tree_stop(c);
	tree_detach(c);
	component_destroy(&c);
}

static void assert_out(struct component *c, const char *expected)
{
	struct value v;
	point_out(c, &v);
	char *text = value_print(point_out_slot(c), &v);
	if (strcmp(text, expected) != 0)
		fail_msg("%s: out is %s, not %s", c->type->name, text, expected);
	free(text);
	value_clear(&v);
}

/* --- functions ------------------------------------------------------------------------------------------------------ */

struct number {
	double value;
	uint16_t status;
};

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* The reference: the same words, written for one case each. False: null. */
static bool expected(const char *name, const struct number *in, unsigned count, double *out, uint16_t *bits)
{
	unsigned good = 0;
	bool all = true;
	double sum = 0, product = 1, least = INFINITY, greatest = -INFINITY, first = 0, rest = 0, divided = 0;
	for (unsigned i = 0; i < count; i++) {
		if (in[i].status & STATUS_NULL) {
			all = false;
			continue;
		}
		double x = in[i].value;
		divided = good ? divided / x : x;
		first = good ? first : x;
		rest += good ? x : 0;
		good++;
		sum += x;
		product *= x;
		least = x < least ? x : least;
		greatest = x > greatest ? x : greatest;
		*bits |= in[i].status;
	}
	double a = in[0].value, b = in[1].value;
	const struct {
		const char *name;
		bool needs_all;
		double value;
	} rows[] = {
		{ "Add", false, sum },
		{ "Subtract", false, first - rest },
		{ "Multiply", false, product },
		{ "Divide", false, divided },
		{ "Average", false, sum / good },
		{ "Minimum", false, least },
		{ "Maximum", false, greatest },
		{ "Modulus", true, fmod(a, b) },
		{ "Power", true, pow(a, b) },
		{ "Negative", true, 0 - a },
		{ "AbsValue", true, a < 0 ? -a : a },
		{ "SquareRoot", true, sqrt(a) },
		{ "Equal", true, a == b },
		{ "NotEqual", true, a != b },
		{ "GreaterThan", true, a > b },
		{ "GreaterThanEqual", true, a >= b },
		{ "LessThan", true, a < b },
		{ "LessThanEqual", true, a <= b },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(name, rows[i].name) == 0) {
			*out = rows[i].value;
			return good > 0 && (all || !rows[i].needs_all);
		}
	fail_msg("no reference for %s", name);
	return false;
}

static void check_function(struct world *w, const char *name, unsigned count)
{
	static const char *const inputs[] = { "inA", "inB", "inC", "inD" };
	char type[64], text[64];
	uint32_t seed = 7;
	snprintf(type, sizeof type, "kitControl:%s", name);
	struct component *c = make(w, type);
	for (int round = 0; round < 200; round++) {
		struct number in[4] = { { 0, 0 } };
		for (unsigned i = 0; i < count; i++) {
			uint32_t r = next_random(&seed);
			in[i] = (struct number){ (double)(r % 9) - 4, r % 5 == 0 ? STATUS_NULL : r % 7 == 0 ? STATUS_FAULT : 0 };
			char bits[STATUS_TEXT_MAX];
			snprintf(text, sizeof text, "%g %s", in[i].value, status_print(in[i].status, bits));
			set_slot(c, count == 1 ? "in" : inputs[i], text);
		}
		double value = 0;
		uint16_t bits = 0;
		bool any = expected(name, in, count, &value, &bits);
		struct value v;
		point_out(c, &v);
		if (!any) {
			assert_true(v.status & STATUS_NULL);
			continue;
		}
		if (!isfinite(value)) {
			bits |= STATUS_FAULT;
			value = 0;
		}
		double got = v.kind == V_STATUS_BOOLEAN ? v.boolean : v.real;
		if (fabs(got - value) > 1e-9 || v.status != bits)
			fail_msg("%s(%g, %g, %g, %g) is %g (%x), not %g (%x)", name, in[0].value, in[1].value, in[2].value,
			         in[3].value, got, v.status, value, bits);
	}
	drop(c);
}

static void test_functions(void **state)
{
	static const struct {
		const char *name;
		unsigned count;
	} rows[] = {
		{ "Add", 4 },           { "Subtract", 4 },         { "Multiply", 4 },    { "Divide", 4 },
		{ "Average", 4 },       { "Minimum", 4 },          { "Maximum", 4 },     { "Modulus", 2 },
		{ "Power", 2 },         { "Negative", 1 },         { "AbsValue", 1 },    { "SquareRoot", 1 },
		{ "Equal", 2 },         { "NotEqual", 2 },         { "GreaterThan", 2 }, { "LessThan", 2 },
		{ "LessThanEqual", 2 }, { "GreaterThanEqual", 2 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_function(*state, rows[i].name, rows[i].count);
}

static void test_logic(void **state)
{
	static const struct {
		const char *type;
		int lowest; /* of how many true inputs on out is true */
		int odd;
	} rows[] = { { "kitControl:And", 4, 0 }, { "kitControl:Or", 1, 0 }, { "kitControl:Xor", 0, 1 } };
	for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
		struct component *c = make(*state, rows[k].type);
		for (int bits = 0; bits < 16; bits++) {
			static const char *const inputs[] = { "inA", "inB", "inC", "inD" };
			for (int i = 0; i < 4; i++)
				set_slot(c, inputs[i], bits >> i & 1 ? "true" : "false");
			int ones = __builtin_popcount((unsigned)bits);
			bool out = rows[k].odd ? ones % 2 == 1 : ones >= rows[k].lowest;
			assert_out(c, out ? "true" : "false");
		}
		drop(c);
	}
	struct component *c = make(*state, "kitControl:Not");
	assert_out(c, "true {null}");
	set_slot(c, "in", "true");
	assert_out(c, "false");
	drop(c);
}

static void test_choices(void **state)
{
	struct component *c = make(*state, "kitControl:StringSwitch");
	set_slot(c, "inTrue", "day");
	set_slot(c, "inFalse", "night {stale}");
	assert_out(c, " {null}");
	set_slot(c, "inSwitch", "true");
	assert_out(c, "day {ok}");
	set_slot(c, "inSwitch", "false");
	assert_out(c, "night {stale}");
	drop(c);
	c = make(*state, "kitControl:NumericSelect");
	set_slot(c, "inA", "10");
	set_slot(c, "inD", "40");
	set_slot(c, "select", "4");
	assert_out(c, "40");
	set_slot(c, "select", "2");
	assert_out(c, "0 {null}");
	set_slot(c, "select", "-1");
	assert_out(c, "0 {null}");
	drop(c);
}

/* --- time and memory ------------------------------------------------------------------------------------------------ */

static void advance(struct world *w, int64_t seconds)
{
	clock_advance(&w->station.clock, seconds * SECOND_US);
}

static void test_delays(void **state)
{
	struct world *w = *state;
	struct component *c = make(w, "kitControl:BooleanDelay");
	set_slot(c, "in", "false");
	set_slot(c, "onDelay", "10s");
	set_slot(c, "in", "true");
	advance(w, 9);
	assert_out(c, "false");
	set_slot(c, "in", "false"); /* too short */
	set_slot(c, "in", "true");
	advance(w, 9);
	assert_out(c, "false");
	advance(w, 1);
	assert_out(c, "true");
	set_slot(c, "in", "false");
	assert_out(c, "false");
	drop(c);
	c = make(w, "kitControl:NumericDelay");
	set_slot(c, "in", "0");
	set_slot(c, "maxStepSize", "4");
	set_slot(c, "in", "10");
	assert_out(c, "4");
	advance(w, 1);
	assert_out(c, "8");
	advance(w, 5);
	assert_out(c, "10");
	drop(c);
	c = make(w, "kitControl:OneShot");
	set_slot(c, "time", "3s");
	set_slot(c, "in", "true");
	advance(w, 2);
	assert_out(c, "true");
	advance(w, 1);
	assert_out(c, "false");
	drop(c);
}

static void test_latches_and_counter(void **state)
{
	struct world *w = *state;
	struct component *c = make(w, "kitControl:NumericLatch");
	set_slot(c, "in", "7");
	assert_out(c, "0 {null}");
	set_slot(c, "clock", "true");
	set_slot(c, "in", "8");
	assert_out(c, "7");
	set_slot(c, "clock", "false");
	assert_out(c, "7");
	struct invocation inv = { .arg = NULL };
	assert_int_equal(component_invoke(c, "latch", &inv), 0);
	assert_out(c, "8");
	drop(c);
	c = make(w, "kitControl:Counter");
	for (int i = 0; i < 5; i++) {
		set_slot(c, "countUp", "true");
		set_slot(c, "countUp", "false");
	}
	set_slot(c, "countDown", "true");
	assert_out(c, "4");
	set_slot(c, "countDown", "true {fault}");
	set_slot(c, "countDown", "true"); /* a bad moment is no second count of a falling edge, but of a rising one */
	assert_out(c, "3");
	assert_int_equal(component_invoke(c, "clear", &inv), 0);
	assert_out(c, "0");
	drop(c);
}

/* A room: first order, dead simple, solved beside the loop with the loop's own output. */
static void test_loop(void **state)
{
	struct world *w = *state;
	struct component *c = make(w, "kitControl:LoopPoint");
	char text[40];
	double room = 15;
	assert_out(c, "0");
	set_slot(c, "proportionalConstant", "10");
	set_slot(c, "integralConstant", "0.1");
	set_slot(c, "setpoint", "21");
	for (int second = 0; second < 7200; second++) {
		struct value v;
		snprintf(text, sizeof text, "%.9f", room);
		set_slot(c, "controlledVariable", text);
		advance(w, 1);
		point_out(c, &v);
		assert_true(v.real >= 0 && v.real <= 100);
		room += (5 + v.real * 0.25 - room) / 600; /* at 64 % it is 21 degrees */
		assert_true(room < 21.7);                 /* no windup: it hardly overshoots */
	}
	assert_true(fabs(room - 21) < 0.01);
	struct value held;
	point_out(c, &held);
	assert_true(fabs(held.real - 64) < 0.5);
	set_slot(c, "disableAction", "hold");
	set_slot(c, "loopEnable", "false");
	advance(w, 5);
	set_slot(c, "loopEnable", "true"); /* bumpless */
	advance(w, 1);
	struct value again;
	point_out(c, &again);
	assert_true(fabs(again.real - held.real) < 1);
	set_slot(c, "controlledVariable", "0 {down}");
	set_slot(c, "disableAction", "minValue");
	advance(w, 1);
	assert_out(c, "0 {down}");
	drop(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_STATION(test_functions),           IN_STATION(test_logic), IN_STATION(test_choices), IN_STATION(test_delays),
		IN_STATION(test_latches_and_counter), IN_STATION(test_loop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
