/* SPDX-License-Identifier: Apache-2.0
 * The inside of web/: what a request goes through between the socket and the engine. Only web/ includes this.
 *
 * A request has two owners while the engine works on it, so it is counted: the connection (web thread) and whoever is
 * to answer (engine thread). Its state says who may touch it; docs/internals/web.md draws the way. */
#ifndef BELFRY_WEB_SERVER_H
#define BELFRY_WEB_SERVER_H

#include <microhttpd.h>
#include <stdatomic.h>

#include "web/request.h"
#include "web/web.h"

/* Absolute limits in milliseconds. Nothing here is an idle time: a byte now and then buys nobody more time. */
enum web_deadline {
	DEADLINE_HEADERS = 10000, /* connect, handshake and the first request's header */
	DEADLINE_BODY = 30000,
	DEADLINE_NEXT = 60000,    /* the next request of a kept connection */
	DEADLINE_SEND = 60000,    /* an answer; and a stream whose client has stopped reading */
	DEADLINE_ENGINE = 120000, /* a handler's answer */
	DEADLINE_READY = 2000,    /* the same for /readyz */
};
enum web_limit {
	CONNECTIONS_MAX = 2048,
	CONNECTIONS_PER_ADDRESS = 1024,
	POOL_SIZE = 32768, /* of a connection: bounds its header */
	BODY_LOGIN = 4096,
	BODY_NORMAL = 65536,
	BODY_LARGE = 1048576,
	BODIES_MAX = 16777216, /* all bodies being received, together */
	JSON_DEPTH = 32,
	JSON_VALUES = 50000,
	SEGMENTS_MAX = 48,
	PARAMS_MAX = 4,
	QUERY_MAX = 16,
	REPLY_HEADERS_MAX = 8,
};

struct web_options {
	const char *listen, *www;
	const struct route *const *tables; /* ends with NULL */
	unsigned connections;              /* 0: CONNECTIONS_MAX */
};

/* Headers that are kept beyond the first look; each may come once. */
enum kept_header {
	KEPT_HOST,
	KEPT_CONTENT_LENGTH,
	KEPT_CONTENT_TYPE,
	KEPT_COOKIE,
	KEPT_AUTHORIZATION,
	KEPT_CSRF,
	KEPT_ORIGIN,
	KEPT_FETCH_SITE,
	KEPT_IF_MATCH,
	KEPT_IF_NONE_MATCH,
	KEPT_LAST_EVENT_ID,
	KEPT_USER_AGENT,
	KEPT_COUNT
};

enum request_state {
	REQUEST_WEB,       /* the web thread's */
	REQUEST_ENGINE,    /* suspended; the engine thread's */
	REQUEST_REPLIED,   /* answered; the web thread's again */
	REQUEST_ABANDONED, /* too late: the web thread has gone on, the answer will be thrown away */
};

struct segment {
	const char *text;
	size_t length;
};
struct stream;
struct page;

struct reply {
	int http;
	const char *content_type; /* static text */
	char *bytes;              /* owned, malloc */
	size_t length;
	struct {
		char *name, *value;
	} headers[REPLY_HEADERS_MAX]; /* owned */
	size_t header_count;
	struct stream *stream; /* instead of bytes; owned until it is sent */
	bool close;            /* the connection ends with this answer */
};

struct request {
	struct message message;
	atomic_int refs, state;
	struct web *web;
	struct station *station;
	/* Web thread. */
	struct connection *connection;
	const char *line; /* the target where MHD has it: only to see that the header is in one piece */
	bool begun, stream, refused;
	int refusal; /* found while the body came in: the code to answer with */
	const struct page *page;
	/* Filled before the engine gets it. */
	const char *method; /* static text */
	bool head, changing;
	const struct route *route;
	char *raw, *path, *params_text; /* into text: the target as sent, decoded, and room for the parameters */
	struct segment segments[SEGMENTS_MAX];
	size_t segment_count;
	struct {
		const char *name, *value;
	} params[PARAMS_MAX], query[QUERY_MAX];
	size_t param_count, query_count;
	char *kept_text; /* owned; kept[] points into it */
	size_t kept_size;
	const char *kept[KEPT_COUNT];
	const char *cookie, *token; /* into kept_text; the session cookie's value, the bearer token */
	char *body;                 /* owned */
	size_t body_length, body_size;
	json_t *json; /* owned */
	/* Engine thread. */
	struct actor actor;
	char csrf[80];
	struct reply reply;
	char text[];
};

/* One socket. Web thread. */
struct connection {
	struct web *web;
	struct connection *next, *prev;
	struct MHD_Connection *mhd;
	struct request *request; /* borrowed; NULL between requests */
	uint64_t deadline;       /* loop time; 0: none */
	int fd;
	bool young; /* has made no request yet */
	char from[64];
};

struct router;
struct pages;
struct events;
struct streams;
struct web {
	struct station *station;
	struct net thread; /* the web thread: its loop turns libmicrohttpd */
	struct MHD_Daemon *daemon;
	uv_poll_t poll; /* on libmicrohttpd's epoll descriptor */
	uv_prepare_t prepare;
	uv_timer_t soon, reaper;
	bool busy;       /* libmicrohttpd has something to do before the loop may sleep */
	unsigned rounds; /* turns since a descriptor was last ready */
	bool stopping;
	struct connection *connections;
	unsigned connection_limit, stream_count;
	unsigned young;          /* connections without a first request */
	size_t bodies;           /* bytes of bodies being received */
	struct router *router;   /* constant once started */
	struct pages *pages;     /* constant once started */
	struct events *events;   /* the engine's half of the event streams */
	struct streams *streams; /* the web thread's half */
	char *openapi;           /* owned by the engine, made at first use */
	char address[300];
	int port;
	char fingerprint[65];
};

/* server.c. server_start: as web_start, with what tests want to choose. Engine thread. */
int server_start(struct station *s, const struct web_options *o, struct web **out, struct err *e);
void connection_deadline(struct connection *c, uint64_t milliseconds /* 0: none */);
void connection_grown(struct connection *c); /* its first request is here */
/* Turns libmicrohttpd before the loop sleeps again. Web thread. */
static inline void web_wake(struct web *w)
{
	w->busy = true;
}

/* exchange.c: libmicrohttpd's callbacks for one request. Web thread. */
void *exchange_line(void *web, const char *target, struct MHD_Connection *mhd);
enum MHD_Result exchange_handle(void *web, struct MHD_Connection *mhd, const char *url, const char *method,
                                const char *version, const char *data, size_t *size, void **request);
void exchange_completed(void *web, struct MHD_Connection *mhd, void **request, enum MHD_RequestTerminationCode how);
/* The engine's answer has come. Runs as the request's message. */
void exchange_replied(struct message *m);
/* The engine is too slow, or the station ends: answers without it. */
void exchange_abandon(struct request *r);

/* request.c */
struct request *request_new(struct web *w, const char *target);
void request_drop(struct request *r);
/* Engine thread: who is it, may they; then the route's handler. Runs as the request's message. */
void request_run(struct message *m);
/* The problem details of a code as JSON text, owned. */
char *problem_text(int code, const char *detail, const struct report *report, bool setup);
void request_reply_stream(struct request *r, struct stream *stream);
void reply_clear(struct reply *reply);
/* RFC 9110 13.1.2: is this ETag in the list of an If-None-Match? */
bool etag_listed(const char *list, const char *etag);

/* gate.c: refuses what two parsers could read in two ways. 0 or a code with a sentence. */
int gate_header(struct request *r, struct MHD_Connection *mhd, const char *method, const char *version, struct err *e);
/* Decodes and splits the target into path, segments and query. */
int gate_target(struct request *r, struct err *e);
bool gate_host(const char *host);
/* Depth and number of values of a JSON text, before it is parsed: 0 or E_BAD_REQUEST. */
int gate_json(const char *text, size_t length, struct err *e);

/* router.c: constant once made. */
struct router *router_new(const struct route *const *tables);
void router_free(struct router **router);
/* Sets r->route and the parameters. 0, E_NOT_FOUND, or E_METHOD with the methods there are in allow. */
int router_match(const struct router *router, struct request *r, char *allow, size_t size);
/* The i-th route, NULL behind the last. */
const struct route *router_route(const struct router *router, size_t i);

/* static.c: the user interface. Constant once read. */
int pages_load(const char *directory, struct pages **out, struct err *e);
void pages_free(struct pages **pages);
/* The page at a decoded path: the index for what only the browser knows, NULL for a missing file. Web thread. */
const struct page *pages_find(const struct pages *pages, const char *path);
/* Queues it, or 304 when the browser has it. */
enum MHD_Result page_send(const struct page *page, struct MHD_Connection *mhd, const char *if_none_match);
/* The content security policy and its companions for an API answer. */
void harden_response(struct MHD_Response *response);

/* openapi.c. Engine thread. Owned text. */
char *openapi_text(struct web *w);

#endif
