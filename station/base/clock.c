/* SPDX-License-Identifier: Apache-2.0
 * The clock and its heap of timers: see clock.h. A binary heap ordered by due time; each timer knows its place,
 * so that stopping one costs no search. Engine thread. */
#include "station/base/clock.h"

#include <stdlib.h>
#include <time.h>

#include "station/base/must.h"

static int64_t read_clock(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void clock_init(struct clock *c, bool virtual_)
{
	*c = (struct clock){ .virtual_ = virtual_ };
	if (virtual_)
		c->wall = INT64_C(1767225600000000); /* 2026-01-01, so that records look real */
}

void clock_finish(struct clock *c)
{
	for (size_t i = 0; i < c->count; i++)
		c->heap[i]->index = 0;
	free(c->heap);
	while (c->watches)
		clock_watch_stop(c->watches);
	*c = (struct clock){ 0 };
}

int64_t clock_mono(const struct clock *c)
{
	return c->virtual_ ? c->mono : read_clock(CLOCK_MONOTONIC);
}

int64_t clock_wall(const struct clock *c)
{
	return c->virtual_ ? c->wall : read_clock(CLOCK_REALTIME);
}

static void place(struct clock *c, struct timer *t, size_t i)
{
	c->heap[i] = t;
	t->index = i + 1;
}

static void sift_up(struct clock *c, size_t i)
{
	struct timer *t = c->heap[i];
	while (i > 0 && c->heap[(i - 1) / 2]->due > t->due) {
		place(c, c->heap[(i - 1) / 2], i);
		i = (i - 1) / 2;
	}
	place(c, t, i);
}

static void sift_down(struct clock *c, size_t i)
{
	struct timer *t = c->heap[i];
	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= c->count)
			break;
		if (child + 1 < c->count && c->heap[child + 1]->due < c->heap[child]->due)
			child++;
		if (c->heap[child]->due >= t->due)
			break;
		place(c, c->heap[child], i);
		i = child;
	}
	place(c, t, i);
}

void timer_start(struct clock *c, struct timer *t, int64_t delay)
{
	timer_stop(c, t);
	t->due = clock_mono(c) + (delay > 0 ? delay : 0);
	if (c->count == c->capacity) {
		c->capacity = c->capacity ? 2 * c->capacity : 16;
		c->heap = must_realloc(c->heap, c->capacity * sizeof(struct timer *));
	}
	place(c, t, c->count++);
	sift_up(c, t->index - 1);
}

void timer_stop(struct clock *c, struct timer *t)
{
	if (!t->index)
		return;
	size_t i = t->index - 1;
	must(i < c->count && c->heap[i] == t);
	t->index = 0;
	struct timer *last = c->heap[--c->count];
	if (last == t)
		return;
	place(c, last, i);
	sift_up(c, i);
	sift_down(c, last->index - 1);
}

int64_t clock_next(const struct clock *c)
{
	if (c->count == 0)
		return -1;
	int64_t left = c->heap[0]->due - clock_mono(c);
	return left > 0 ? left : 0;
}

int clock_run(struct clock *c, int most)
{
	int fired = 0;
	int64_t now = clock_mono(c);
	while (fired < most && c->count > 0 && c->heap[0]->due <= now) {
		struct timer *t = c->heap[0];
		timer_stop(c, t);
		t->fire(t);
		fired++;
	}
	return fired;
}

void clock_advance(struct clock *c, int64_t us)
{
	must(c->virtual_);
	int64_t end = c->mono + us;
	while (c->count > 0 && c->heap[0]->due <= end) {
		int64_t step = c->heap[0]->due - c->mono;
		if (step > 0) {
			c->mono += step;
			c->wall += step;
		}
		clock_run(c, 1);
	}
	c->wall += end - c->mono;
	c->mono = end;
}

/* --- the wall clock was set --------------------------------------------------------------------------------------- */

void clock_watch_start(struct clock *c, struct clock_watch *w)
{
	clock_watch_stop(w);
	w->next = c->watches;
	if (w->next)
		w->next->prev = &w->next;
	w->prev = &c->watches;
	c->watches = w;
}

void clock_watch_stop(struct clock_watch *w)
{
	if (!w->prev)
		return;
	*w->prev = w->next;
	if (w->next)
		w->next->prev = w->prev;
	w->next = NULL;
	w->prev = NULL;
}

void clock_jumped(struct clock *c)
{
	for (struct clock_watch *w = c->watches, *next; w; w = next) {
		next = w->next;
		w->jumped(w);
	}
}

void clock_set_wall(struct clock *c, int64_t us)
{
	must(c->virtual_);
	c->wall = us;
	clock_jumped(c);
}
