/* SPDX-License-Identifier: Apache-2.0
 * The queue of one client: see stream_queue.h. A cell knows by one bit for each client who waits for it. */
#include "web/stream_queue.h"

#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "web/stream.h"

enum { FIRST_ROOM = 16, FIRST_CELLS = 256, WORD = 64 };

struct cell {
	struct cell *next; /* in the bucket */
	uint64_t handle;
	const struct slot *slot;
	struct event *newest; /* counted */
	size_t waiting;       /* bits set */
	size_t words;
	uint64_t *clients; /* owned; who waits for it */
};

void event_drop(struct event *e)
{
	if (--e->refs == 0)
		free(e);
}

static struct event *event_hold(struct event *e)
{
	must(e->refs > 0); /* somebody has it already */
	e->refs++;
	return e;
}

/* --- clients' numbers ---------------------------------------------------------------------------------------------- */

void cells_init(struct cells *all)
{
	*all = (struct cells){ .room = FIRST_CELLS };
	all->buckets = must_alloc(all->room * sizeof(struct cell *));
}

void cells_finish(struct cells *all)
{
	must(all->count == 0);
	free(all->buckets);
	free(all->clients);
	*all = (struct cells){ 0 };
}

static size_t client_take(struct cells *all)
{
	for (size_t i = 0; i < all->words; i++)
		if (~all->clients[i]) {
			size_t bit = (size_t)__builtin_ctzll(~all->clients[i]);
			all->clients[i] |= UINT64_C(1) << bit;
			return i * WORD + bit;
		}
	all->clients = must_realloc(all->clients, (all->words + 1) * sizeof *all->clients);
	all->clients[all->words] = 1;
	return all->words++ * WORD;
}

/* --- cells --------------------------------------------------------------------------------------------------------- */

static struct cell **bucket_of(const struct cells *all, uint64_t handle, const struct slot *slot)
{
	uint64_t h = (handle ^ (uintptr_t)slot) * UINT64_C(0x9E3779B97F4A7C15);
	return &all->buckets[h >> 32 & (all->room - 1)];
}

static void cells_grow(struct cells *all)
{
	struct cells old = *all;
	all->room *= 2;
	all->buckets = must_alloc(all->room * sizeof(struct cell *));
	for (size_t i = 0; i < old.room; i++)
		for (struct cell *c = old.buckets[i], *next; c; c = next) {
			next = c->next;
			struct cell **bucket = bucket_of(all, c->handle, c->slot);
			c->next = *bucket;
			*bucket = c;
		}
	free(old.buckets);
}

/* The cell of e's value, with e as its newest. */
static struct cell *cell_for(struct cells *all, struct event *e)
{
	struct cell **bucket = bucket_of(all, e->handle, e->slot), *c = *bucket;
	while (c && (c->handle != e->handle || c->slot != e->slot))
		c = c->next;
	if (!c) {
		c = must_alloc(sizeof *c);
		*c = (struct cell){ .next = *bucket, .handle = e->handle, .slot = e->slot };
		*bucket = c;
		if (++all->count > all->room)
			cells_grow(all);
	}
	if (!c->newest || c->newest->id < e->id) { /* one that comes back is told of older ones too */
		event_hold(e);
		if (c->newest)
			event_drop(c->newest);
		c->newest = e;
	}
	return c;
}

/* False: the client waits for it already. */
static bool cell_join(struct cell *c, size_t client)
{
	size_t word = client / WORD;
	if (word >= c->words) {
		c->clients = must_realloc(c->clients, (word + 1) * sizeof *c->clients);
		memset(c->clients + c->words, 0, (word + 1 - c->words) * sizeof *c->clients);
		c->words = word + 1;
	}
	uint64_t bit = UINT64_C(1) << client % WORD;
	if (c->clients[word] & bit)
		return false;
	c->clients[word] |= bit;
	c->waiting++;
	return true;
}

static void cell_leave(struct cells *all, struct cell *c, size_t client)
{
	c->clients[client / WORD] &= ~(UINT64_C(1) << client % WORD);
	if (--c->waiting > 0)
		return;
	struct cell **p = bucket_of(all, c->handle, c->slot);
	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	all->count--;
	event_drop(c->newest);
	free(c->clients);
	free(c);
}

/* --- the queue ----------------------------------------------------------------------------------------------------- */

void queue_init(struct queue *q, struct cells *cells)
{
	*q = (struct queue){ .cells = cells, .client = client_take(cells) };
}

static struct waiting *first_of(const struct queue *q)
{
	return &q->items[q->head];
}

static void drop_first(struct queue *q)
{
	struct waiting *w = first_of(q);
	if (w->event) {
		q->events--;
		q->bytes -= w->event->length;
		event_drop(w->event);
	} else {
		cell_leave(q->cells, w->cell, q->client);
	}
	q->head = (q->head + 1) % q->room;
	q->count--;
}

static void drop_all(struct queue *q)
{
	while (q->count)
		drop_first(q);
}

void queue_finish(struct queue *q)
{
	drop_all(q);
	if (q->begun)
		event_drop(q->begun);
	free(q->items);
	if (q->cells)
		q->cells->clients[q->client / WORD] &= ~(UINT64_C(1) << q->client % WORD);
	*q = (struct queue){ 0 };
}

bool queue_empty(const struct queue *q)
{
	return q->count == 0 && !q->begun && !q->lost;
}

static void append(struct queue *q, struct waiting w)
{
	if (q->count == q->room) {
		size_t room = q->room ? 2 * q->room : FIRST_ROOM;
		struct waiting *items = must_alloc(room * sizeof *items);
		for (size_t i = 0; i < q->count; i++)
			items[i] = q->items[(q->head + i) % q->room];
		free(q->items);
		q->items = items;
		q->room = room;
		q->head = 0;
	}
	q->items[(q->head + q->count++) % q->room] = w;
}

void queue_put(struct queue *q, struct event *e)
{
	if (e->handle) {
		struct cell *cell = cell_for(q->cells, e);
		if (cell_join(cell, q->client))
			append(q, (struct waiting){ .cell = cell, .id = e->id });
		return;
	}
	if (q->events == QUEUE_EVENTS || q->bytes + e->length > QUEUE_BYTES) {
		drop_all(q);
		q->lost = true;
	}
	append(q, (struct waiting){ .event = event_hold(e), .id = e->id });
	q->events++;
	q->bytes += e->length;
}

/* The next event is begun. A value that is newer than its place goes without its id: events with lower ids still wait, and
 * a client that comes back with that id would miss them. */
static void begin_next(struct queue *q)
{
	const struct waiting *w = first_of(q);
	q->begun = event_hold(w->event ? w->event : w->cell->newest);
	q->sent = w->id == q->begun->id ? 0 : q->begun->id_length;
	drop_first(q);
}

size_t queue_read(struct queue *q, char *to, size_t room)
{
	size_t n = 0;
	while (n < room && (q->begun || q->count)) {
		if (!q->begun)
			begin_next(q);
		size_t left = q->begun->length - q->sent, part = left < room - n ? left : room - n;
		memcpy(to + n, q->begun->text + q->sent, part);
		n += part;
		q->sent += part;
		if (part < left)
			break;
		event_drop(q->begun);
		q->begun = NULL;
	}
	return n;
}
