/* SPDX-License-Identifier: Apache-2.0
 * A station for unit tests: real engine, real SQLite in a temporary directory, a clock that the test sets.
 * TURN_UNTIL() and turn_until() wait for an event by turning the loop; they fail the test after WORLD_PATIENCE seconds,
 * which a busy machine may need. */
#ifndef BELFRY_TESTS_WORLD_H
#define BELFRY_TESTS_WORLD_H

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <sodium.h>

#include "db/sqlite/sqlite.h"
#include "station/base/must.h"
#include "station/station.h"
#include "tests/unit/scratch.h"

struct world {
	struct station station;
	char directory[SCRATCH_SIZE];
};

static inline void world_open(struct world *w, const struct type *const *types)
{
	struct err e = { 0 };
	if (station_init(&w->station, types, w->directory, true, &e) != 0 ||
	    !(w->station.keyring = keyring_open(w->directory, &e)) ||
	    sqlite_open(w->directory, &w->station.inbox.mailbox, &w->station.store, &e) != 0 ||
	    sqlite_open_history(w->directory, &w->station.inbox.mailbox, &w->station.history, &e) != 0 ||
	    station_load(&w->station, &e) != 0)
		fail_msg("%s", e.text);
	station_start(&w->station);
}

static inline void world_make(struct world *w, const struct type *const *types)
{
	must(sodium_init() >= 0);
	scratch_make(w->directory);
	world_open(w, types);
}

/* Ends the station and starts it again on the same data: what a restart keeps. */
static inline void world_restart(struct world *w, const struct type *const *types)
{
	station_finish(&w->station);
	world_open(w, types);
}

static inline void world_end(struct world *w)
{
	station_finish(&w->station);
	scratch_remove(w->directory);
}

/* Set-up and tear-down of tests that want a whole station of all types. */
static inline int station_setup(void **state)
{
	struct world *w = must_alloc(sizeof *w);
	world_make(w, station_types);
	*state = w;
	return 0;
}

static inline int station_teardown(void **state)
{
	world_end(*state);
	free(*state);
	return 0;
}
#define IN_STATION(test) cmocka_unit_test_setup_teardown(test, station_setup, station_teardown)

/* Makes a component and starts it; sets a property from its text. Nothing is written to the disk. */
static inline struct component *make_component(struct world *w, struct component *parent, const char *type,
                                               const char *name)
{
	struct component *c = component_create(&w->station, type_find(w->station.types, type), name, 0);
	tree_attach(parent, c);
	tree_start(c);
	return c;
}

static inline void set_slot(struct component *c, const char *name, const char *text)
{
	const struct slot *slot = component_slot(c, name);
	struct value v;
	struct err e = { 0 };
	if (!slot || value_parse(slot, text, &v, &e) != 0)
		fail_msg("%s: %s", name, e.text);
	component_set(c, slot, &v);
}

enum {
	WORLD_PATIENCE = 100, /* seconds */
	WORLD_GLANCE = 5,     /* milliseconds: how soon what another thread did without a word to the engine is seen */
};

/* Sleeps until something waits for the engine: turning on would take a processor from the threads that are waited for. */
static inline void world_wait(struct world *w, const struct timespec *began, const char *what)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec - began->tv_sec > WORLD_PATIENCE)
		fail_msg("in %d seconds it did not come to %s", WORLD_PATIENCE, what);
	poll(&(struct pollfd){ .fd = uv_backend_fd(&w->station.loop), .events = POLLIN }, 1, WORLD_GLANCE);
}

/* Turns the loop until the condition holds. */
#define TURN_UNTIL(w, condition)                                                                                       \
	do {                                                                                                               \
		struct timespec began_;                                                                                        \
		clock_gettime(CLOCK_MONOTONIC, &began_);                                                                       \
		for (bool turned_ = false; !(condition); turned_ = true) {                                                     \
			if (turned_)                                                                                               \
				world_wait((w), &began_, #condition);                                                                  \
			station_turn(&(w)->station);                                                                               \
		}                                                                                                              \
	} while (0)

static inline void turn_until(struct world *w, const bool *flag)
{
	TURN_UNTIL(w, *flag);
}

/* How many rows on disk a query finds; its limit does not matter. */
struct counted {
	bool done;
	int64_t total;
};

static inline void keep_total(void *context, int code, const struct err *e, struct store_rows *rows)
{
	(void)e;
	assert_int_equal(code, 0);
	*(struct counted *)context = (struct counted){ true, rows->total };
}

static inline int64_t count_rows(struct world *w, struct store_query q)
{
	struct counted c = { .done = false };
	q.limit = 1;
	q.count_only = true;
	store_ask(w->station.store, &q, keep_total, &c);
	turn_until(w, &c.done);
	return c.total;
}

/* The end of a batch, kept. */
struct ended {
	bool done;
	int code;
	uint64_t added;
	size_t errors, warnings;
	char pointers[8][96], details[8][256];
};

static inline void keep_end(void *context, int code, const struct report *report, uint64_t added)
{
	struct ended *end = context;
	*end = (struct ended){ .done = true, .code = code, .added = added };
	for (size_t i = 0; i < report->count && i < 8; i++) {
		snprintf(end->pointers[i], sizeof end->pointers[i], "%s", report->items[i].pointer);
		snprintf(end->details[i], sizeof end->details[i], "%s", report->items[i].detail);
	}
	end->errors = report->errors;
	end->warnings = report->count - report->errors;
}

static inline int submit(struct world *w, struct batch *b, struct ended *end)
{
	*end = (struct ended){ 0 };
	batch_submit(b, keep_end, end);
	turn_until(w, &end->done);
	return end->code;
}

#endif
