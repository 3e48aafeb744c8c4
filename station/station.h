/* SPDX-License-Identifier: Apache-2.0
 * The station: one process, one tree, one engine thread that owns it. This struct is what everything hangs on;
 * there are no globals. Fields are grouped by the thread that may use them. */
#ifndef BELFRY_STATION_H
#define BELFRY_STATION_H

#include "station/base/clock.h"
#include "station/base/secret.h"
#include "station/password.h"
#include "station/sheet/sheet.h"
#include "station/store/store.h"
#include "station/tree/tree.h"
#include "station/value/zone.h"

#ifndef BELFRY_VERSION
#define BELFRY_VERSION "0.1.0"
#endif

/* Watches the running tree: for the event stream. Engine thread; callbacks must not change the tree. */
struct observer {
	struct observer *next;
	void (*value)(struct observer *o, struct component *c, const struct slot *slot);
	void (*component)(struct observer *o, struct component *c,
	                  const char *what); /* "added", "removed", "changed", "moved" */
	/* Anything else that clients see: kind "alarm", "mail", "incoming", "transcript", "allowedHost", "job"; data is borrowed.
	 * NULL while nobody looks. */
	void (*event)(struct observer *o, const char *kind, const json_t *data);
};

struct alarm_support;

struct station {
	/* Set before the threads start, constant from then on. */
	const struct type *const *types;
	char *directory; /* data directory, owned */
	char id[37];     /* UUID of the station */
	struct keyring *keyring;
	bool demo;

	/* Engine thread. */
	uv_loop_t loop;
	struct clock clock;
	struct tree tree;
	struct store *store;   /* owned; NULL only while starting */
	struct store *history; /* owned; NULL: no samples are kept, and history_fault says why */
	char history_fault[200];
	struct observer *observers;
	struct alarm_support *alarms; /* borrowed; who keeps alarms, see alarm_support.h; NULL: nobody */
	struct sheet_queue *sheet;    /* owned */
	struct versions *versions;    /* owned; what is known of the versions that are kept */
	struct password_pool passwords;
	int64_t epoch, audit_next, sequence_next;
	bool restored;      /* the database is older than the last start: an old copy was put back (epoch.h) */
	struct zone *zones; /* owned; time zones read so far */
	uv_timer_t tick;    /* drives the clock's heap */
	uv_prepare_t prepare;
	uv_poll_t wall_poll; /* hears when somebody sets the wall clock */
	int wall_fd;         /* owned; a timerfd, -1: none */
	pthread_t thread;    /* the engine's own, for the assertion */
	bool running, stopping;

	/* Any thread may post. */
	struct loop_mailbox inbox; /* the engine's */
	struct net net;            /* mail dialogues */
};

/* Sets up an empty station. virtual_clock: for tests. The store is borrowed until station_finish closes it. */
int station_init(struct station *s, const struct type *const *types, const char *directory, bool virtual_clock,
                 struct err *e);
/* Reads the tree from the store (or makes the shipped tree when the store is empty); then the tree may be started. */
int station_load(struct station *s, struct err *e);
/* Starts all components; runs the loop until station_stop. */
int station_run(struct station *s);
/* Tests: starts components, and turns the loop until nothing is left to do at this instant. */
void station_start(struct station *s);
void station_turn(struct station *s);
/* Any thread, and async-signal-safe through uv: asks the loop to end. */
void station_stop(struct station *s);
void station_finish(struct station *s);

/* Runs fn on the engine thread soon. Any thread. */
void station_post(struct station *s, struct message *m);
/* Debug builds: aborts when called on another thread than the engine's. */
void station_assert_engine(const struct station *s);
int64_t station_now(const struct station *s); /* wall microseconds */
/* Has o, borrowed, hear of everything from now on; and ends that, harmlessly when it does not. */
void station_observe(struct station *s, struct observer *o);
void station_unobserve(struct station *s, struct observer *o);
/* Tells observers. data is borrowed. station_observed: whether anybody would hear it, for who would have to make it first. */
bool station_observed(const struct station *s);
void station_event(struct station *s, const char *kind, const json_t *data);
/* The station's next sequence number, for records that a supervisor collects (station id, epoch, sequence). */
int64_t station_sequence(struct station *s);

/* Component JSON as REST gives it; depth 0: values and a list of children. New reference. */
json_t *component_to_json(const struct component *c, int depth);
/* The same with depth 0, but at most `most` children are listed; childCount tells how many there are. */
json_t *component_to_json_briefly(const struct component *c, uint32_t most);
/* A page of c's children, in their order: {items, total, offset, next?}. match: only those whose name holds that text,
 * whatever its case; NULL: all. at: the page that begins with the child of that name, or NULL. Items have `values` when
 * with_values. New reference. */
struct children_question {
	const char *match, *at;
	int64_t offset, limit;
	bool with_values;
};
json_t *component_children_to_json(const struct component *c, const struct children_question *q);
json_t *type_to_json(const struct type *t);

/* The tree that ships; types.c knows it. Called when the store is empty: adds components to the empty tree below root. */
void station_ship(struct station *s);

#endif
