/* SPDX-License-Identifier: Apache-2.0
 * The web thread's half of the event streams: see stream.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "station/base/must.h"
#include "web/stream.h"

struct streams {
	struct stream *first;
	struct cells cells;
	uv_timer_t heartbeat;
	struct event *ring[RING_EVENTS]; /* oldest at ring[head % RING_EVENTS] */
	size_t head, count, bytes;
	uint64_t forgotten; /* id of the newest event that has left the ring */
};

/* --- reading ------------------------------------------------------------------------------------------------------- */

static int compare_handles(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static bool wants(const struct stream *s, const struct event *e)
{
	if (e->role > s->role)
		return false;
	return e->handle == 0 || (s->count && bsearch(&e->handle, s->handles, s->count, sizeof e->handle, compare_handles));
}

static void wake(struct stream *s)
{
	if (!s->suspended)
		return;
	s->suspended = false;
	s->moved = uv_now(&s->web->thread.loop);
	MHD_resume_connection(s->connection->mhd);
	web_wake(s->web);
}

static void enqueue(struct stream *s, struct event *e)
{
	queue_put(&s->queue, e);
	wake(s);
}

static size_t copy(char *to, size_t room, const char *text)
{
	size_t length = strlen(text);
	if (length > room)
		return 0;
	memcpy(to, text, length);
	return length;
}

/* The first thing a client hears: from which event on it can come back, even if none follows. */
static size_t greet(const struct stream *s, char *to, size_t room)
{
	char text[96];
	snprintf(text, sizeof text, "retry: 2000\nid: %" PRIu64 "\nevent: hello\ndata: {}\n\n", s->last);
	return copy(to, room, text);
}

ssize_t stream_read(void *context, uint64_t position, char *to, size_t room)
{
	struct stream *s = context;
	size_t n = 0;
	if (s->ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	s->moved = uv_now(&s->web->thread.loop);
	if (position == 0)
		n = greet(s, to, room);
	if (s->queue.lost && !s->queue.begun) {
		size_t told = copy(to + n, room - n, "event: reset\ndata: {}\n\n");
		s->queue.lost = told == 0;
		n += told;
	}
	n += queue_read(&s->queue, to + n, room - n);
	if (n == 0 && s->beat)
		n = copy(to, room, ":\n\n");
	s->beat = false;
	if (n == 0) {
		s->suspended = true;
		MHD_suspend_connection(s->connection->mhd);
	}
	return (ssize_t)n;
}

/* Keeps proxies and browsers from closing, finds clients that are gone, and ends those that do not read. */
static void beat(uv_timer_t *timer)
{
	struct streams *all = container_of(timer, struct streams, heartbeat);
	uint64_t now = uv_now(timer->loop);
	if (!all->first)
		uv_timer_stop(timer);
	for (struct stream *s = all->first; s; s = s->next) {
		if (s->suspended) {
			s->beat = true;
			wake(s);
		} else if (now - s->moved > DEADLINE_SEND) {
			shutdown(s->connection->fd, SHUT_RDWR);
			web_wake(s->web);
		}
	}
}

/* --- a client that goes -------------------------------------------------------------------------------------------- */

/* libmicrohttpd does not watch a suspended connection; this does. */
struct hangup {
	uv_poll_t poll;
	struct stream *stream;
};

static void hung_up(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	struct stream *s = container_of(poll, struct hangup, poll)->stream;
	uv_poll_stop(poll);
	s->ended = true;
	wake(s);
}

static void hangup_watch(struct stream *s)
{
	struct hangup *h = must_alloc(sizeof *h);
	h->stream = s;
	if (uv_poll_init(&s->web->thread.loop, &h->poll, s->connection->fd) != 0) {
		free(h); /* then the heartbeat finds out */
		return;
	}
	uv_poll_start(&h->poll, UV_DISCONNECT, hung_up);
	s->hangup = h;
}

static void hangup_closed(uv_handle_t *handle)
{
	free(container_of((uv_poll_t *)handle, struct hangup, poll));
}

/* --- life of a stream ---------------------------------------------------------------------------------------------- */

/* What the client has missed; or, when that is not known any more, that it has. */
static void replay(struct streams *all, struct stream *s)
{
	uint64_t newest = all->count ? all->ring[(all->head + all->count - 1) % RING_EVENTS]->id : all->forgotten;
	uint64_t known = s->floor > all->forgotten ? s->floor : all->forgotten;
	if (s->last < known || s->last > (newest > known ? newest : known)) {
		s->queue.lost = true;
		s->last = newest > known ? newest : known;
		return;
	}
	for (size_t i = 0; i < all->count; i++) {
		struct event *e = all->ring[(all->head + i) % RING_EVENTS];
		if (e->id > s->last && wants(s, e))
			enqueue(s, e);
	}
}

void stream_begin(struct stream *s, struct connection *c)
{
	struct streams *all = s->web->streams;
	s->connection = c;
	s->moved = uv_now(&s->web->thread.loop);
	queue_init(&s->queue, &all->cells);
	s->next = all->first;
	if (s->next)
		s->next->prev = s;
	all->first = s;
	s->listed = true;
	if (!uv_is_active((uv_handle_t *)&all->heartbeat))
		uv_timer_start(&all->heartbeat, beat, HEARTBEAT, HEARTBEAT);
	s->ended = s->web->stopping;
	hangup_watch(s);
	if (s->resumed)
		replay(all, s);
}

void stream_discard(struct stream **stream)
{
	struct stream *s = *stream;
	*stream = NULL;
	if (s->listed) {
		if (s->next)
			s->next->prev = s->prev;
		if (s->prev)
			s->prev->next = s->next;
		else
			s->web->streams->first = s->next;
	}
	if (s->hangup)
		uv_close((uv_handle_t *)&s->hangup->poll, hangup_closed);
	queue_finish(&s->queue);
	if (s->subscription)
		events_unsubscribe(s->station, s->subscription);
	free(s->handles);
	free(s);
}

static void free_stream(void *context)
{
	struct stream *s = context;
	stream_discard(&s);
}

struct MHD_Response *stream_response(struct stream *s)
{
	return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1024, stream_read, s, free_stream);
}

void stream_expire(struct message *m)
{
	struct stream_end *end = container_of(m, struct stream_end, message);
	for (struct stream *s = end->web->streams->first; s; s = s->next) {
		if (s->subscription == end->subscription) {
			s->ended = true;
			wake(s);
		}
	}
	free(end);
}

/* --- all streams --------------------------------------------------------------------------------------------------- */

static void forget_oldest(struct streams *all)
{
	struct event *e = all->ring[all->head % RING_EVENTS];
	all->forgotten = e->id;
	all->bytes -= e->length;
	all->head++;
	all->count--;
	event_drop(e);
}

void stream_deliver(struct message *m)
{
	struct event *e = container_of(m, struct event, message);
	struct streams *all = e->web->streams;
	if (all->count == RING_EVENTS)
		forget_oldest(all);
	e->refs = 1;
	all->ring[(all->head + all->count++) % RING_EVENTS] = e;
	all->bytes += e->length;
	while (all->bytes > RING_BYTES && all->count > 1)
		forget_oldest(all);
	for (struct stream *s = all->first; s; s = s->next)
		if (wants(s, e))
			enqueue(s, e);
}

void streams_open(struct web *w)
{
	w->streams = must_alloc(sizeof *w->streams);
	cells_init(&w->streams->cells);
	must(uv_timer_init(&w->thread.loop, &w->streams->heartbeat) == 0);
}

void streams_end(struct web *w)
{
	for (struct stream *s = w->streams->first; s; s = s->next) {
		s->ended = true;
		wake(s);
	}
}

static void closed(uv_handle_t *handle)
{
	free(container_of((uv_timer_t *)handle, struct streams, heartbeat));
}

void streams_close(struct web *w)
{
	must(w->streams->first == NULL);
	while (w->streams->count)
		forget_oldest(w->streams);
	cells_finish(&w->streams->cells);
	uv_close((uv_handle_t *)&w->streams->heartbeat, closed);
	w->streams = NULL;
}
