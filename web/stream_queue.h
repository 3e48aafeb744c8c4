/* SPDX-License-Identifier: Apache-2.0
 * What waits for one client of the event stream. Of each value only the newest waits, in one cell that all clients share,
 * so a client that reads slowly costs a few bytes for each slot it watches and never misses the newest. Other events
 * (alarms, mails) wait one by one; who has too many of them is told to read everything again (`lost`).
 * Web thread. Only web/stream*.c include this. */
#ifndef BELFRY_WEB_STREAM_QUEUE_H
#define BELFRY_WEB_STREAM_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cell;
struct event;

enum queue_limit {
	QUEUE_EVENTS = 256, /* events, but for values, that wait for one client */
	QUEUE_BYTES = 262144,
};

/* The newest values that somebody still waits for; and who is who among the clients. */
struct cells {
	struct cell **buckets; /* owned */
	size_t room, count;
	uint64_t *clients; /* owned; bits: numbers in use */
	size_t words;
};
void cells_init(struct cells *all);
void cells_finish(struct cells *all); /* every queue has ended */

/* An event, or a value's cell. */
struct waiting {
	struct event *event; /* counted; NULL: a cell */
	struct cell *cell;   /* counted by its bit */
	uint64_t id;         /* of the event that was the newest when it was put here */
};
struct queue {
	struct cells *cells;
	size_t client;         /* its number in cells */
	struct waiting *items; /* owned; a ring of room entries */
	size_t room, head, count;
	size_t events, bytes; /* waiting events that are no values */
	struct event *begun;  /* counted; its first `sent` bytes are gone */
	size_t sent;
	bool lost;
};
void queue_init(struct queue *q, struct cells *cells);
void queue_finish(struct queue *q);
bool queue_empty(const struct queue *q);
/* Adds an event; takes a reference of its own. */
void queue_put(struct queue *q, struct event *e);
/* Copies what fits of what waits; returns the bytes. */
size_t queue_read(struct queue *q, char *to, size_t room);

/* Events are counted; stream.c makes them. */
void event_drop(struct event *e);

#endif
