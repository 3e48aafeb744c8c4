/* SPDX-License-Identifier: Apache-2.0
 * GET /events: Server-Sent Events. The engine writes into each stream's bounded buffer, the web thread empties it; a
 * stream that has nothing to send is suspended. Who reads too slowly loses its buffer and is told to read anew (event
 * reset), so memory is bounded. Events that matter beyond their moment are kept in a ring for Last-Event-ID. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "services/user/user.h"
#include "station/must.h"
#include "station/ord.h"
#include "web/server.h"

enum { BUFFER_MAX = 256 << 10, RING = 512, ORDS_MAX = 500, HEARTBEAT_US = 15000000 };

struct stream {
	struct stream *next;          /* engine */
	struct web *web;
	struct MHD_Connection *connection;
	uint64_t watched[ORDS_MAX];   /* engine: handles */
	size_t watched_count;
	char *cookie;                 /* owned; to notice a log-out; NULL with a token */
	/* Both threads, under lock. */
	pthread_mutex_t lock;
	char *buffer;                 /* owned */
	size_t length, capacity;
	bool suspended, ended, lost;
	int holders;                  /* engine's list and the response */
};

struct kept { int64_t id; char *text; };
struct event_ring {
	struct kept kept[RING];
	int64_t next_id;
	int64_t first_id;             /* of this life of the station */
};

/* --- a stream's buffer --------------------------------------------------------------------------------------------- */

static void stream_release(struct stream *s)
{
	pthread_mutex_lock(&s->lock);
	bool last = --s->holders == 0;
	pthread_mutex_unlock(&s->lock);
	if (!last)
		return;
	pthread_mutex_destroy(&s->lock);
	if (s->cookie)
		explicit_bzero(s->cookie, strlen(s->cookie));
	free(s->cookie);
	free(s->buffer);
	free(s);
}

static void append(struct stream *s, const char *text, size_t n)
{
	if (s->length + n > s->capacity) {
		s->capacity = 2 * (s->length + n);
		s->buffer = must_realloc(s->buffer, s->capacity);
	}
	memcpy(s->buffer + s->length, text, n);
	s->length += n;
}

/* Engine: adds an event, and wakes the connection. */
static void stream_send(struct stream *s, const char *text)
{
	static const char reset[] = "event: reset\ndata: {}\n\n";
	pthread_mutex_lock(&s->lock);
	size_t n = strlen(text);
	if (s->length + n > BUFFER_MAX) {
		s->length = 0;
		append(s, reset, sizeof reset - 1);
	} else {
		append(s, text, n);
	}
	bool wake = s->suspended;
	s->suspended = false;
	if (wake)
		MHD_resume_connection(s->connection);
	pthread_mutex_unlock(&s->lock);
}

/* Web thread: the response asks for bytes. */
static ssize_t stream_read(void *context, uint64_t position, char *out, size_t most)
{
	(void)position;
	struct stream *s = context;
	pthread_mutex_lock(&s->lock);
	ssize_t n = (ssize_t)(s->length < most ? s->length : most);
	if (n > 0) {
		memcpy(out, s->buffer, (size_t)n);
		s->length -= (size_t)n;
		memmove(s->buffer, s->buffer + n, s->length);
	} else if (s->ended) {
		n = MHD_CONTENT_READER_END_OF_STREAM;
	} else {
		s->suspended = true;
		MHD_suspend_connection(s->connection);
	}
	pthread_mutex_unlock(&s->lock);
	return n;
}

/* Web thread: the response is over. The engine forgets the stream at its next look. */
static void stream_closed(void *context)
{
	struct stream *s = context;
	pthread_mutex_lock(&s->lock);
	s->lost = true;
	s->suspended = false;
	pthread_mutex_unlock(&s->lock);
	stream_release(s);
}

static void stream_end(struct stream *s)
{
	pthread_mutex_lock(&s->lock);
	s->ended = true;
	bool wake = s->suspended;
	s->suspended = false;
	if (wake)
		MHD_resume_connection(s->connection);
	pthread_mutex_unlock(&s->lock);
}

/* --- events --------------------------------------------------------------------------------------------------------- */

static char *event_text(int64_t id, const char *kind, const json_t *data)
{
	char *json = json_dumps(data, JSON_COMPACT);
	char *text = must_format("id: %" PRId64 "\nevent: %s\ndata: %s\n\n", id, kind, json ? json : "{}");
	free(json);
	return text;
}

/* Forgets the streams whose connection has gone. */
static void sweep(struct web *w)
{
	for (struct stream **p = &w->streams; *p;) {
		struct stream *s = *p;
		pthread_mutex_lock(&s->lock);
		bool gone = s->lost;
		pthread_mutex_unlock(&s->lock);
		if (!gone) {
			p = &s->next;
			continue;
		}
		*p = s->next;
		w->stream_count--;
		stream_release(s);
	}
}

static void broadcast(struct web *w, const char *kind, const json_t *data)
{
	struct event_ring *ring = w->ring;
	int64_t id = ring->next_id++;
	struct kept *kept = &ring->kept[id % RING];
	free(kept->text);
	*kept = (struct kept){ id, event_text(id, kind, data) };
	sweep(w);
	for (struct stream *s = w->streams; s; s = s->next)
		stream_send(s, kept->text);
}

static bool watches(const struct stream *s, uint64_t handle)
{
	for (size_t i = 0; i < s->watched_count; i++)
		if (s->watched[i] == handle)
			return true;
	return false;
}

static struct web *web_of(struct observer *o)
{
	return container_of(o, struct web, observer);
}

static void value_changed(struct observer *o, struct component *c, const struct slot *slot)
{
	struct web *w = web_of(o);
	char *text = NULL;
	if (slot->flags & SLOT_HIDDEN)
		return;
	for (struct stream *s = w->streams; s; s = s->next) {
		if (!watches(s, c->handle))
			continue;
		if (!text) {
			struct value v;
			char handle[20], *ord = component_ord(c);
			snprintf(handle, sizeof handle, "%" PRIx64, c->handle);
			slot_read(slot, c, &v);
			json_t *data = json_pack("{s:s, s:s, s:s, s:o}", "ord", ord, "handle", handle, "slot", slot->name, "value", value_to_json(slot, &v));
			text = event_text(w->ring->next_id++, "value", data);
			json_decref(data);
			value_clear(&v);
			free(ord);
		}
		stream_send(s, text);
	}
	free(text);
}

static void component_changed(struct observer *o, struct component *c, const char *what)
{
	struct web *w = web_of(o);
	char handle[20], status[STATUS_TEXT_MAX], *ord = component_ord(c);
	snprintf(handle, sizeof handle, "%" PRIx64, c->handle);
	json_t *data = json_pack("{s:s, s:s, s:s, s:i, s:s}", "ord", ord, "handle", handle, "what", what, "revision", (int)c->revision, "status",
	                         status_print(c->status.bits, status));
	broadcast(w, "component", data);
	json_decref(data);
	free(ord);
}

static void event_happened(struct observer *o, const char *kind, const json_t *data)
{
	broadcast(web_of(o), kind, data);
}

/* --- the route ------------------------------------------------------------------------------------------------------ */

static void watch_ords(struct stream *s, const char *ords)
{
	char *copy = must_strdup(ords), *state = NULL;
	for (char *ord = strtok_r(copy, ",", &state); ord && s->watched_count < ORDS_MAX; ord = strtok_r(NULL, ",", &state)) {
		struct component *c = ord_resolve(s->web->station, NULL, ord, NULL);
		if (c)
			s->watched[s->watched_count++] = c->handle;
	}
	free(copy);
}

/* What a client has missed since the event it names. */
static void replay(struct stream *s, const struct event_ring *ring, const char *last)
{
	int64_t after = strtoll(last, NULL, 10);
	if (after >= ring->next_id || after < ring->first_id - 1 || ring->next_id - after > RING) {
		stream_send(s, "event: reset\ndata: {}\n\n");
		return;
	}
	for (int64_t id = after + 1; id < ring->next_id; id++)
		if (ring->kept[id % RING].id == id && ring->kept[id % RING].text)
			stream_send(s, ring->kept[id % RING].text);
}

static void open_stream(struct request *r)
{
	struct web *w = r->web;
	sweep(w);
	if (w->stream_count >= STREAMS) {
		request_reply_header(r, "Retry-After", "30");
		request_reply_code(r, E_BUSY, "Too many event streams are open; close some browser tabs.");
		return;
	}
	struct stream *s = must_alloc(sizeof *s);
	s->web = w;
	s->connection = r->connection;
	s->holders = 2;
	pthread_mutex_init(&s->lock, NULL);
	if (r->csrf && request_cookie(r))
		s->cookie = must_strdup(request_cookie(r));
	char hello[96];
	snprintf(hello, sizeof hello, "retry: 2000\nid: %" PRId64 "\nevent: hello\ndata: {}\n\n", w->ring->next_id - 1);
	stream_send(s, hello);
	if (request_query(r, "ords"))
		watch_ords(s, request_query(r, "ords"));
	if (request_header(r, "Last-Event-ID"))
		replay(s, w->ring, request_header(r, "Last-Event-ID"));
	s->next = w->streams;
	w->streams = s;
	if (w->stream_count++ == 0)
		timer_start(&w->station->clock, &w->heartbeat, HEARTBEAT_US);
	struct MHD_Response *response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16384, stream_read, s, stream_closed);
	must(response != NULL);
	MHD_add_response_header(response, "Content-Type", "text/event-stream");
	response_protect(response, true);
	request_answer(r, 200, response);
}

/* Keeps proxies and clients from giving up, finds dead connections, and ends the streams of ended sessions. */
static void beat(struct timer *t)
{
	struct web *w = container_of(t, struct web, heartbeat);
	sweep(w);
	for (struct stream *s = w->streams; s; s = s->next) {
		if (s->cookie && !user_session_lives(w->station, s->cookie))
			stream_end(s);
		else
			stream_send(s, ": still here\n\n");
	}
	if (w->stream_count > 0)
		timer_start(&w->station->clock, t, HEARTBEAT_US);
}

void events_start(struct web *w)
{
	w->ring = must_alloc(sizeof *w->ring);
	w->ring->next_id = w->ring->first_id = station_now(w->station) / 1000; /* grows over restarts */
	w->heartbeat.fire = beat;
	w->observer = (struct observer){ .value = value_changed, .component = component_changed, .event = event_happened, .next = w->station->observers };
	w->station->observers = &w->observer;
}

void events_stop(struct web *w)
{
	struct observer **p = &w->station->observers;
	while (*p && *p != &w->observer)
		p = &(*p)->next;
	if (*p)
		*p = w->observer.next;
	timer_stop(&w->station->clock, &w->heartbeat);
	for (struct stream *s = w->streams, *next; s; s = next) {
		next = s->next;
		stream_end(s);
		stream_release(s);
	}
	w->streams = NULL;
	for (size_t i = 0; i < RING; i++)
		free(w->ring->kept[i].text);
	free(w->ring);
	w->ring = NULL;
}

const struct route event_routes[] = {
	{ .method = "GET", .pattern = "/events", .role = ROLE_VIEWER, .flags = ROUTE_STREAM, .handle = open_stream, .query = "ords",
	  .doc = "Server-Sent Events: alarm, mail, allowedHost, component, transcript, job; and value for the components named in ords.", .answer = "{}" },
	{ .method = NULL },
};
