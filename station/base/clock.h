/* SPDX-License-Identifier: Apache-2.0
 * The clock that a test can set, and the model's timers on it: a heap of their own, so that a year of schedules runs
 * in milliseconds. Timers run on monotonic time; wall time only labels records. Engine thread, except clock_wall. */
#ifndef BELFRY_CLOCK_H
#define BELFRY_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Hears when the wall clock was set. Timers do not care; who computes local time does. */
struct clock_watch {
	struct clock_watch *next, **prev; /* prev NULL: not watching */
	void (*jumped)(struct clock_watch *w);
};
struct clock {
	bool virtual_;       /* a test's clock: stands still until clock_advance */
	int64_t mono, wall;  /* of the virtual clock, microseconds */
	struct timer **heap; /* owned array of borrowed timers, earliest first */
	size_t count, capacity;
	struct clock_watch *watches; /* borrowed */
};
struct timer {
	int64_t due;  /* monotonic microseconds */
	size_t index; /* in the heap, plus one; 0: not running */
	void (*fire)(struct timer *t);
};

void clock_init(struct clock *c, bool virtual_);
void clock_finish(struct clock *c);
int64_t clock_mono(const struct clock *c); /* microseconds */
int64_t clock_wall(const struct clock *c); /* microseconds since 1970, UTC */
/* Starts t, or moves it, to fire once after delay microseconds; never inline. */
void timer_start(struct clock *c, struct timer *t, int64_t delay);
void timer_stop(struct clock *c, struct timer *t);
/* Microseconds until the earliest timer; -1 when there is none. */
int64_t clock_next(const struct clock *c);
/* Fires what is due, at most `most` timers; returns how many. */
int clock_run(struct clock *c, int most);
/* Virtual clock only: goes on by us, firing on the way. */
void clock_advance(struct clock *c, int64_t us);

/* Starts (or starts again) and ends watching. */
void clock_watch_start(struct clock *c, struct clock_watch *w);
/* Harmless when it is not watching. */
void clock_watch_stop(struct clock_watch *w);
/* The wall clock was set, forth or back: tells the watches. */
void clock_jumped(struct clock *c);
/* Virtual clock only: somebody sets the wall clock. */
void clock_set_wall(struct clock *c, int64_t us);

#endif
