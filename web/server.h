/* SPDX-License-Identifier: Apache-2.0
 * The inside of the web server, shared by its core files: server.c (libmicrohttpd, connections, deadlines), gate.c (what
 * a strict parser refuses), request.c (bodies and answers), router.c (routes and rights), static.c, events.c.
 * Fields are grouped by the thread that may use them. */
#ifndef BELFRY_SERVER_H
#define BELFRY_SERVER_H

#include <microhttpd.h>

#include "web/request.h"
#include "web/session_cookie.h"
#include "web/web.h"

enum {
	BODY_LOGIN = 4096, BODY_NORMAL = 65536, BODY_LARGE = 1 << 20,
	JSON_DEPTH = 32,
	CONNECTIONS = 1000, CONNECTIONS_PER_ADDRESS = 400, STREAMS = CONNECTIONS / 2,
	SECONDS_HEADERS = 15, SECONDS_BODY = 30, SECONDS_IDLE = 75, /* absolute; the handshake counts as headers */
	SEGMENTS = 32,
};

/* A connection, for its deadline. */
struct peer {
	struct peer *next;
	int fd;
	int64_t deadline;          /* monotonic microseconds; 0: none, the station itself is busy with it */
};

struct request {
	struct message message;    /* to the engine */
	struct web *web;
	struct MHD_Connection *connection;
	struct peer *peer;
	/* Filled by the web thread, read by the engine. */
	char *uri;                 /* owned; as the client sent it */
	char *path, *query;        /* owned; path decoded, query raw */
	const char *method;        /* borrowed from the route or a constant */
	bool head;                 /* HEAD: GET without the body */
	const struct route *route;
	char *names[SEGMENTS], *values[SEGMENTS]; /* owned; path parameters */
	size_t parameters;
	char *query_names[16], *query_values[16]; /* owned */
	size_t query_count;
	char *bytes;               /* owned; body */
	size_t length, limit;
	json_t *body;              /* owned */
	struct err refused;        /* what the web thread found wrong: answered without the engine */
	bool seen, posted, too_large, close;
	char address[64];
	/* Filled by the engine. */
	struct actor actor;
	const char *csrf;
	char *csrf_copy;           /* owned */
	struct MHD_Response *response; /* owned until queued */
	struct header { char *name, *value; struct header *next; } *headers; /* owned */
	unsigned status;
	bool answered;
	struct request *before, *after; /* all requests at the engine; web->lock */
};

/* A file of the page. */
struct asset { char *path, *type, *bytes, etag[40]; size_t length; };

struct web {
	/* Constant while the daemon runs. */
	struct station *station;
	struct MHD_Daemon *daemon;
	char address[128];
	struct asset *assets;      /* owned */
	size_t asset_count;
	char *openapi;             /* owned; made at first use by the engine */

	/* Any thread, under lock. */
	pthread_mutex_t lock;
	struct peer *peers;        /* owned */
	struct request *requests;  /* at the engine */
	bool reaping;              /* the reaper's timer runs or is on its way */

	/* Engine thread. */
	struct timer reaper, heartbeat;
	struct observer observer;
	struct stream *streams;    /* owned */
	int stream_count;
	struct event_ring *ring;   /* owned */
};

/* gate.c. Web thread. 0, or a code: the connection is answered with 400 and closed. */
int gate_check(struct MHD_Connection *connection, const char *uri, const char *method, const char *version, struct err *e);

/* router.c. Web thread: finds the route of a request; fills parameters; refused when there is none. */
void router_find(struct request *r, const char *method);
/* Engine thread: rights, then the handler. */
void router_dispatch(struct message *m);
/* All route tables, ending with NULL. */
extern const struct route *const route_tables[];

/* request.c */
struct request *request_new(struct web *w, const char *uri);
void request_free(struct request *r);
/* Web thread: takes body bytes; parses the whole when it has ended. */
void request_take(struct request *r, const char *bytes, size_t length);
void request_parse(struct request *r);
/* Adds the headers that every answer carries. */
void response_protect(struct MHD_Response *response, bool api);
struct MHD_Response *response_problem(const struct err *e, bool setup, unsigned *status);
/* Engine thread: gives a ready response to the web thread. Takes it. */
void request_answer(struct request *r, unsigned status, struct MHD_Response *response);
char *percent_decode(const char *text, size_t length, bool plus);

/* static.c */
int assets_load(struct web *w, const char *directory, struct err *e);
void assets_free(struct web *w);
enum MHD_Result asset_answer(struct web *w, struct MHD_Connection *connection, const char *path, bool get);

/* events.c. Engine thread. */
void events_start(struct web *w);
void events_stop(struct web *w);

/* openapi.c. Engine thread. Owned text. */
char *openapi_text(struct station *s);

#endif
