/* SPDX-License-Identifier: Apache-2.0
 * Math and logic for control: Niagara's kitControl. Each is a point whose out follows from its inputs, so links, alarm and
 * history extensions work on it as on any point. kit.c: functions of the inputs alone, one row each. kit_timed.c: those that
 * remember or wait. loop_point.c: the PID loop. Engine thread. */
#ifndef BELFRY_KIT_H
#define BELFRY_KIT_H

#include "station/control/point.h"

/* All functions of kit.c, by their names in the tree; the rows are there. */
#define KIT_FUNCTIONS(X)                                                                                               \
	X(Add)                                                                                                             \
	X(Subtract)                                                                                                        \
	X(Multiply)                                                                                                        \
	X(Divide)                                                                                                          \
	X(Average)                                                                                                         \
	X(Minimum)                                                                                                         \
	X(Maximum)                                                                                                         \
	X(Modulus)                                                                                                         \
	X(Power)                                                                                                           \
	X(Negative)                                                                                                        \
	X(AbsValue)                                                                                                        \
	X(SquareRoot)                                                                                                      \
	X(And)                                                                                                             \
	X(Or)                                                                                                              \
	X(Xor)                                                                                                             \
	X(Not)                                                                                                             \
	X(Equal)                                                                                                           \
	X(NotEqual)                                                                                                        \
	X(GreaterThan)                                                                                                     \
	X(GreaterThanEqual)                                                                                                \
	X(LessThan)                                                                                                        \
	X(LessThanEqual)                                                                                                   \
	X(NumericSwitch)                                                                                                   \
	X(BooleanSwitch)                                                                                                   \
	X(EnumSwitch)                                                                                                      \
	X(StringSwitch)                                                                                                    \
	X(NumericSelect)                                                                                                   \
	X(BooleanSelect)                                                                                                   \
	X(EnumSelect)                                                                                                      \
	X(StringSelect)

#define KIT_NUMBER(name) KIT_##name,
enum kit_function { KIT_FUNCTIONS(KIT_NUMBER) KIT_COUNT };
extern const struct type kit_types[KIT_COUNT];

/* kit_timed.c */
extern const struct type kit_boolean_delay, kit_numeric_delay, kit_numeric_latch, kit_boolean_latch, kit_enum_latch,
    kit_string_latch, kit_counter, kit_one_shot;
/* loop_point.c */
extern const struct type kit_loop_point;

/* Sets out of a kit point to *v (taken); a number that is none becomes 0 with status fault. */
void kit_publish(struct component *c, struct value *v);

#endif
