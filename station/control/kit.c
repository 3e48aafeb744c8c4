/* SPDX-License-Identifier: Apache-2.0
 * Functions of the inputs alone, one row each: see kit.h. The rules are the same for all. An input that is null is skipped;
 * without any that counts, out is null. The status bits of the inputs that counted go to out as far as propagateFlags
 * says. A result that is no number (a division by zero) is 0 with status fault. */
#include "station/control/kit.h"

#include <math.h>
#include <stdlib.h>

#include "station/base/must.h"
#include "station/control/writable.h"

enum { INPUTS_MAX = 5 };

/* What a type is about: the inputs are the first rows of its table. */
struct kit {
	unsigned inputs;
	/* Sets out's value from the inputs, and clears the bit in `used` of each that does not count. False: out is null. */
	bool (*run)(const struct kit *k, const struct value *in, unsigned *used, struct value *out);
	union {
		double (*two)(double a, double b);
		double (*one)(double a);
		bool (*test)(double a, double b);
		bool (*logic)(bool a, bool b);
	};
};

void kit_publish(struct component *c, struct value *v)
{
	if (v->kind == V_STATUS_NUMERIC && !isfinite(v->real)) {
		v->real = 0;
		v->status |= STATUS_FAULT;
	}
	point_publish(c, v);
}

/* --- the ways to run ----------------------------------------------------------------------------------------------- */

static bool counts(unsigned used, unsigned i)
{
	return (used >> i & 1) != 0;
}

/* inA, then each further one with what there is: sums, differences, the least. */
static bool fold(const struct kit *k, const struct value *in, unsigned *used, struct value *out)
{
	bool any = false;
	for (unsigned i = 0; i < k->inputs; i++) {
		if (!counts(*used, i))
			continue;
		out->real = any ? k->two(out->real, in[i].real) : in[i].real;
		any = true;
	}
	return any;
}

static bool average(const struct kit *k, const struct value *in, unsigned *used, struct value *out)
{
	bool any = fold(k, in, used, out);
	if (any)
		out->real /= __builtin_popcount(*used);
	return any;
}

/* Functions that need both. */
static bool both(const struct kit *k, const struct value *in, unsigned *used, struct value *out)
{
	if (*used != 3)
		return false;
	out->real = k->two(in[0].real, in[1].real);
	return true;
}

static bool single(const struct kit *k, const struct value *in, unsigned *used, struct value *out)
{
	if (!*used)
		return false;
	out->real = k->one(in[0].real);
	return true;
}

static bool test(const struct kit *k, const struct value *in, unsigned *used, struct value *out)
{
	if (*used != 3)
		return false;
	out->boolean = k->test(in[0].real, in[1].real);
	return true;
}

static bool logic(const struct kit *k, const struct value *in, unsigned *used, struct value *out)
{
	bool any = false;
	for (unsigned i = 0; i < k->inputs; i++) {
		if (!counts(*used, i))
			continue;
		out->boolean = any ? k->logic(out->boolean, in[i].boolean) : in[i].boolean;
		any = true;
	}
	return any;
}

static bool not(const struct kit *k, const struct value *in, unsigned *used, struct value *out)
{
	(void)k;
	out->boolean = !in[0].boolean;
	return *used != 0;
}

/* The chosen input alone counts, with the input that chooses (the first). */
static bool choose(const struct value *in, unsigned chosen, unsigned *used, struct value *out)
{
	bool good = counts(*used, 0) && counts(*used, chosen);
	*used = good ? 1U | 1U << chosen : 0;
	if (!good)
		return false;
	value_clear(out);
	value_copy(out, &in[chosen]);
	out->status = STATUS_OK;
	return true;
}

static bool switch_(const struct kit *k, const struct value *in, unsigned *used, struct value *out)
{
	(void)k;
	return choose(in, in[0].boolean ? 1 : 2, used, out);
}

/* select is 1 for inA, 2 for inB ...; anything else chooses none. */
static bool select_(const struct kit *k, const struct value *in, unsigned *used, struct value *out)
{
	double n = counts(*used, 0) ? in[0].real : 0;
	if (!(n >= 1 && n < k->inputs)) {
		*used = 0;
		return false;
	}
	return choose(in, (unsigned)n, used, out);
}

static double add(double a, double b)
{
	return a + b;
}

static double subtract(double a, double b)
{
	return a - b;
}

static double multiply(double a, double b)
{
	return a * b;
}

static double divide(double a, double b)
{
	return a / b;
}

static double negative(double a)
{
	return -a;
}

static bool equal(double a, double b)
{
	return !(a < b) && !(a > b);
}

static bool not_equal(double a, double b)
{
	return !equal(a, b);
}

static bool greater(double a, double b)
{
	return a > b;
}

static bool greater_equal(double a, double b)
{
	return a >= b;
}

static bool less(double a, double b)
{
	return a < b;
}

static bool less_equal(double a, double b)
{
	return a <= b;
}

static bool and (bool a, bool b)
{
	return a && b;
}

static bool or (bool a, bool b)
{
	return a || b;
}

static bool xor
    (bool a, bool b) { return a != b; }

    /* --- from the inputs to out ---------------------------------------------------------------------------------------- */

    static const struct slot *inputs_of(const struct component *c, const struct kit **kit)
{
	*kit = c->type->traits;
	return c->type->slots;
}

static uint16_t propagated(const struct component *c)
{
	const struct kit *k;
	const struct slot *rows = inputs_of(c, &k);
	struct value flags;
	slot_read(&rows[k->inputs], c, &flags);
	return flags.status;
}

static void compute(struct component *c)
{
	const struct kit *k;
	const struct slot *rows = inputs_of(c, &k);
	struct value in[INPUTS_MAX], out = value_default(point_out_slot(c));
	unsigned used = 0;
	uint16_t bits = 0;
	for (unsigned i = 0; i < k->inputs; i++) {
		slot_read(&rows[i], c, &in[i]);
		if (!(in[i].status & STATUS_NULL))
			used |= 1U << i;
	}
	out.status = STATUS_OK;
	if (!k->run(k, in, &used, &out))
		out.status = STATUS_NULL;
	for (unsigned i = 0; i < k->inputs; i++) {
		if (counts(used, i))
			bits |= in[i].status;
		value_clear(&in[i]);
	}
	out.status |= bits & propagated(c);
	kit_publish(c, &out);
}

static void changed(struct component *c, const struct slot *slot)
{
	const struct kit *k;
	const struct slot *rows = inputs_of(c, &k);
	if (slot >= rows && slot <= &rows[k->inputs])
		compute(c);
}

/* The facets are those of out. Only where a value of the same kind is passed through do the inputs wear them. */
static bool facets(const struct component *c, const struct slot *slot, struct row_room *room)
{
	const struct kit *k;
	const struct slot *rows = inputs_of(c, &k), *out = point_out_slot(c);
	bool passes = (k->run == switch_ || k->run == select_) && slot != rows;
	return (slot == out || passes) && c->type->base->facets && c->type->base->facets(c, slot, room);
}

/* --- the tables ---------------------------------------------------------------------------------------------------- */

#define FLAGS(T)                                                                                                       \
	SLOT(T, propagateFlags, STATUS, .dflt = "{disabled,fault,down,stale}",                                             \
	     .doc = "Which status bits of the inputs that count go to out.")
#define INPUT(T, K, i, n, empty)                                                                                       \
	SLOT_AT(T, in[i], n, K, .dflt = empty, .doc = "Input; while it is null, it is skipped.")
#define NO_NUMBER "0 {null}"
#define NO_BOOLEAN "false {null}"
#define NO_ENUM "0 {null}"
#define NO_TEXT " {null}"

struct numeric_kit {
	struct numeric_point p;
	struct status_numeric in[4];
	struct status propagateFlags;
};
struct boolean_kit {
	struct boolean_point p;
	struct status_boolean in[4];
	struct status propagateFlags;
};
struct test_kit {
	struct boolean_point p;
	struct status_numeric in[2];
	struct status propagateFlags;
};
#define NUMBER_INPUT(i, n) INPUT(struct numeric_kit, STATUS_NUMERIC, i, n, NO_NUMBER)
static const struct slot four_numbers[] = {
	NUMBER_INPUT(0, "inA"), NUMBER_INPUT(1, "inB"),    NUMBER_INPUT(2, "inC"),
	NUMBER_INPUT(3, "inD"), FLAGS(struct numeric_kit), SLOT_END,
};
static const struct slot two_numbers[] = {
	NUMBER_INPUT(0, "inA"),
	NUMBER_INPUT(1, "inB"),
	FLAGS(struct numeric_kit),
	SLOT_END,
};
static const struct slot one_number[] = { NUMBER_INPUT(0, "in"), FLAGS(struct numeric_kit), SLOT_END };
#define BOOLEAN_INPUT(i, n) INPUT(struct boolean_kit, STATUS_BOOLEAN, i, n, NO_BOOLEAN)
static const struct slot four_booleans[] = {
	BOOLEAN_INPUT(0, "inA"), BOOLEAN_INPUT(1, "inB"),   BOOLEAN_INPUT(2, "inC"),
	BOOLEAN_INPUT(3, "inD"), FLAGS(struct boolean_kit), SLOT_END,
};
static const struct slot one_boolean[] = { BOOLEAN_INPUT(0, "in"), FLAGS(struct boolean_kit), SLOT_END };
static const struct slot tested_numbers[] = {
	INPUT(struct test_kit, STATUS_NUMERIC, 0, "inA", NO_NUMBER),
	INPUT(struct test_kit, STATUS_NUMERIC, 1, "inB", NO_NUMBER),
	FLAGS(struct test_kit),
	SLOT_END,
};

/* Choosing among values of one kind: by a boolean, or by a number. */
#define CHOICES(what, K, empty)                                                                                        \
	struct what##_switch {                                                                                             \
		struct what##_point p;                                                                                         \
		struct status_boolean inSwitch;                                                                                \
		struct status_##what in[2];                                                                                    \
		struct status propagateFlags;                                                                                  \
	};                                                                                                                 \
	static const struct slot what##_switch_slots[] = {                                                                 \
		SLOT(struct what##_switch, inSwitch, STATUS_BOOLEAN, .dflt = NO_BOOLEAN, .doc = "Chooses: true or false."),    \
		SLOT_AT(struct what##_switch, in[0], "inTrue", K, .dflt = empty,                                               \
		        .doc = "Goes to out while inSwitch is true."),                                                         \
		SLOT_AT(struct what##_switch, in[1], "inFalse", K, .dflt = empty,                                              \
		        .doc = "Goes to out while inSwitch is false."),                                                        \
		FLAGS(struct what##_switch),                                                                                   \
		SLOT_END,                                                                                                      \
	};                                                                                                                 \
	struct what##_select {                                                                                             \
		struct what##_point p;                                                                                         \
		struct status_numeric select;                                                                                  \
		struct status_##what in[4];                                                                                    \
		struct status propagateFlags;                                                                                  \
	};                                                                                                                 \
	static const struct slot what##_select_slots[] = {                                                                 \
		SLOT(struct what##_select, select, STATUS_NUMERIC, .dflt = NO_NUMBER,                                          \
		     .doc = "Chooses: 1 for inA, 2 for inB, 3 for inC, 4 for inD."),                                           \
		INPUT(struct what##_select, K, 0, "inA", empty),                                                               \
		INPUT(struct what##_select, K, 1, "inB", empty),                                                               \
		INPUT(struct what##_select, K, 2, "inC", empty),                                                               \
		INPUT(struct what##_select, K, 3, "inD", empty),                                                               \
		FLAGS(struct what##_select),                                                                                   \
		SLOT_END,                                                                                                      \
	}
CHOICES(numeric, STATUS_NUMERIC, NO_NUMBER);
CHOICES(boolean, STATUS_BOOLEAN, NO_BOOLEAN);
CHOICES(enum, STATUS_ENUM, NO_ENUM);
CHOICES(string, STATUS_STRING, NO_TEXT);

/* A row: what it is, its struct and inputs, and its function (inputs, way to run, the function itself). */
#define KIT(n, text, T, point, rows, ...)                                                                              \
	[KIT_##n] = {                                                                                                      \
		.name = "kitControl:" #n,                                                                                      \
		.doc = text,                                                                                                   \
		.size = sizeof(T),                                                                                             \
		.base = &(point),                                                                                              \
		.slots = rows,                                                                                                 \
		.flags = TYPE_CONTAINER,                                                                                       \
		.traits = &(const struct kit){ __VA_ARGS__ },                                                                  \
		.facets = facets,                                                                                              \
		.started = compute,                                                                                            \
		.changed = changed,                                                                                            \
	}
#define MATH(n, text, rows, ...) KIT(n, text, struct numeric_kit, control_numeric_point, rows, __VA_ARGS__)
#define LOGIC(n, text, rows, ...) KIT(n, text, struct boolean_kit, control_boolean_point, rows, __VA_ARGS__)
#define TEST(n, text, f) KIT(n, text, struct test_kit, control_boolean_point, tested_numbers, 2, test, .test = f)
#define CHOICE(n, text, what, how, count)                                                                              \
	KIT(n, text, struct what##_##how, control_##what##_point, what##_##how##_slots, count, how##_, .two = NULL)

/* clang-format off */
const struct type kit_types[KIT_COUNT] = {
	MATH(Add, "inA + inB + inC + inD.", four_numbers, 4, fold, .two = add),
	MATH(Subtract, "inA - inB - inC - inD.", four_numbers, 4, fold, .two = subtract),
	MATH(Multiply, "inA x inB x inC x inD.", four_numbers, 4, fold, .two = multiply),
	MATH(Divide, "inA / inB / inC / inD; a division by zero is a fault.", four_numbers, 4, fold, .two = divide),
	MATH(Average, "The mean of the inputs that are not null.", four_numbers, 4, average, .two = add),
	MATH(Minimum, "The least of the inputs.", four_numbers, 4, fold, .two = fmin),
	MATH(Maximum, "The greatest of the inputs.", four_numbers, 4, fold, .two = fmax),
	MATH(Modulus, "What is left of inA after a division by inB; it has the sign of inA.", two_numbers, 2, both, .two = fmod),
	MATH(Power, "inA to the power of inB.", two_numbers, 2, both, .two = pow),
	MATH(Negative, "The input with the other sign.", one_number, 1, single, .one = negative),
	MATH(AbsValue, "The input without its sign.", one_number, 1, single, .one = fabs),
	MATH(SquareRoot, "The square root of the input; of a negative one: a fault.", one_number, 1, single, .one = sqrt),
	LOGIC(And, "True while all inputs are true.", four_booleans, 4, logic, .logic = and),
	LOGIC(Or, "True while any input is true.", four_booleans, 4, logic, .logic = or),
	LOGIC(Xor, "True while an odd number of inputs is true.", four_booleans, 4, logic, .logic = xor),
	LOGIC(Not, "True while the input is false.", one_boolean, 1, not, .two = NULL),
	TEST(Equal, "True while inA equals inB.", equal),
	TEST(NotEqual, "True while inA differs from inB.", not_equal),
	TEST(GreaterThan, "True while inA is greater than inB.", greater),
	TEST(GreaterThanEqual, "True while inA is greater than inB or equal.", greater_equal),
	TEST(LessThan, "True while inA is less than inB.", less),
	TEST(LessThanEqual, "True while inA is less than inB or equal.", less_equal),
	CHOICE(NumericSwitch, "One of two numbers, by a boolean.", numeric, switch, 3),
	CHOICE(BooleanSwitch, "One of two booleans, by a boolean.", boolean, switch, 3),
	CHOICE(EnumSwitch, "One of two states, by a boolean.", enum, switch, 3),
	CHOICE(StringSwitch, "One of two texts, by a boolean.", string, switch, 3),
	CHOICE(NumericSelect, "One of four numbers, by a number.", numeric, select, 5),
	CHOICE(BooleanSelect, "One of four booleans, by a number.", boolean, select, 5),
	CHOICE(EnumSelect, "One of four states, by a number.", enum, select, 5),
	CHOICE(StringSelect, "One of four texts, by a number.", string, select, 5),
};
/* clang-format on */
