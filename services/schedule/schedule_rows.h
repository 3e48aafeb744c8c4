/* SPDX-License-Identifier: Apache-2.0
 * Between rows.c (the tables) and schedule.c (the behaviour): the C structs that the rows point into. Engine thread. */
#ifndef BELFRY_SCHEDULE_ROWS_H
#define BELFRY_SCHEDULE_ROWS_H

#include "services/schedule/schedule_inside.h"

struct boolean_schedule { /* a calendar too */
	struct boolean_point p;
	struct status_boolean in, nextValue, defaultOutput;
	struct schedule s;
};
struct numeric_schedule {
	struct numeric_point p;
	struct status_numeric in, nextValue, defaultOutput;
	struct schedule s;
};
struct enum_schedule {
	struct enum_point p;
	struct status_enum in, nextValue, defaultOutput;
	struct schedule s;
};
struct string_schedule {
	struct string_point p;
	struct status_string in, nextValue, defaultOutput;
	struct schedule s;
};
extern const struct kind_of_schedule schedule_kinds[]; /* ends with type NULL */

/* What every type's row of behaviour points at. */
void schedule_init(struct component *c);
/* Frees the plan. */
void schedule_fini(struct component *c);
/* All that is wrong with a proposed schedule goes to the report. */
void schedule_check(const struct component *next, const struct component *current, struct report *report);
/* From now on out follows the plan. */
void schedule_started(struct component *c);
/* The timer and the watch end. */
void schedule_stopped(struct component *c);
/* A new plan when a property of the schedule has changed. */
void schedule_changed(struct component *c, const struct slot *slot);

#endif
