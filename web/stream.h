/* SPDX-License-Identifier: Apache-2.0
 * Server-Sent Events. events.c (engine thread) watches the tree for what somebody wants to see and makes each event's
 * text once; stream.c (web thread) keeps the last ones for Last-Event-ID and hands them to the clients that want them.
 * What waits for a client is in its queue (stream_queue.h). Only web/ includes this. */
#ifndef BELFRY_WEB_STREAM_H
#define BELFRY_WEB_STREAM_H

#include "web/server.h"
#include "web/stream_queue.h"

enum stream_limit {
	STREAM_ORDS = 1000, /* components that one client may watch */
	RING_EVENTS = 1024, /* kept for Last-Event-ID */
	RING_BYTES = 1048576,
	HEARTBEAT = 15000, /* ms */
};

/* One event, made by the engine, then the web thread's alone. */
struct event {
	struct message message;
	struct web *web;
	uint64_t id;
	uint64_t handle;          /* of a value: whose; 0 for events that all clients of its role get */
	enum role role;           /* the least one that may see it */
	const struct slot *slot;  /* of a value: which; only compared */
	int refs;                 /* web thread */
	size_t length, id_length; /* of the text; of its first line, the id */
	char text[];              /* as it goes over the wire */
};

/* What a client watches and where it left off; made by the engine, then the web thread's. */
struct subscription;
struct hangup;
struct stream {
	struct stream *next, *prev;
	struct web *web;
	struct station *station;
	struct subscription *subscription; /* the engine's; goes back to it at the end; NULL: none (tests) */
	struct connection *connection;
	struct hangup *hangup; /* sees the client go; owned */
	enum role role;        /* of who watches */
	uint64_t *handles;     /* owned, sorted */
	size_t count;
	uint64_t floor, last; /* ids: nothing is known at or before floor; the client has seen last, or begins there */
	bool resumed;         /* the client sent Last-Event-ID */
	bool listed, suspended, beat, ended;
	struct queue queue;
	uint64_t moved; /* loop time when the client last took something */
};

/* events.c, engine thread */
struct events *events_new(struct web *w);
void events_close(struct events **events); /* streams that still live keep it until they end */
void events_unsubscribe(struct station *s, struct subscription *subscription); /* any thread */

/* stream.c, web thread */
void streams_open(struct web *w);
void streams_end(struct web *w);                           /* every stream ends at its next turn */
void streams_close(struct web *w);                         /* once no stream is left */
void stream_begin(struct stream *s, struct connection *c); /* from now on events gather */
void stream_deliver(struct message *m);                    /* an event's message */
struct stream_end {
	struct message message;
	struct web *web;
	struct subscription *subscription;
};
void stream_expire(struct message *m);                  /* a stream_end: its login is over */
struct MHD_Response *stream_response(struct stream *s); /* takes s */
/* libmicrohttpd asks for bytes: as much as fits; suspends the connection when there is nothing to say. */
ssize_t stream_read(void *stream, uint64_t position, char *to, size_t room);
void stream_discard(struct stream **s); /* also on the engine thread, for one that never began */

#endif
