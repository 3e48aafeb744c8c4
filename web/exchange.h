/* SPDX-License-Identifier: Apache-2.0
 * A request from its first line to the end of its answer: what web/ knows of it beyond request.h. Only web/ includes
 * this. While the engine works on a request it has two owners, so it is counted: the connection (web thread) and
 * whoever is to answer (engine thread). Its state says who may touch it; docs/internals/web.md draws the way. */
#ifndef BELFRY_WEB_EXCHANGE_H
#define BELFRY_WEB_EXCHANGE_H

#include <microhttpd.h>
#include <stdatomic.h>

#include "web/request.h"

struct connection;
struct page;
struct stream;
struct web;

enum exchange_limit {
	BODY_LOGIN = 4096,
	BODY_NORMAL = 65536,
	BODY_LARGE = 1048576,
	BODIES_MAX = 16777216, /* all bodies being received, together */
	BODY_CONFIG = 8388608,
	JSON_DEPTH = 32,
	JSON_VALUES = 50000,
	JSON_CONFIG_DEPTH = 256,
	JSON_CONFIG_VALUES = 1000000,
	SEGMENTS_MAX = 48,
	PARAMS_MAX = 4,
	QUERY_MAX = 16,
	REPLY_HEADERS_MAX = 8,
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
	struct request *next; /* in a batch on its way */
	atomic_int refs, state;
	struct web *web;
	struct station *station;
	/* Web thread. */
	struct connection *connection;
	const char *line; /* the target where MHD has it: only to see that the header is in one piece */
	bool begun, stream;
	int refusal; /* found while the body came in: the code to answer with */
	const struct page *page;
	/* Filled before the engine gets it. */
	const char *method; /* static text */
	bool head, changing;
	const struct route *route;
	char *raw, *path, *params_text; /* into text: the target as sent, decoded, and room for the parameters */
	size_t segment_count, param_count, query_count;
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
	/* Filled as far as the counts say; not cleared. */
	struct segment segments[SEGMENTS_MAX];
	struct {
		const char *name, *value;
	} params[PARAMS_MAX], query[QUERY_MAX];
	char text[];
};

/* exchange.c: libmicrohttpd's callbacks for one request. Web thread. */
void *exchange_line(void *web, const char *target, struct MHD_Connection *mhd);
enum MHD_Result exchange_handle(void *web, struct MHD_Connection *mhd, const char *url, const char *method,
                                const char *version, const char *data, size_t *size, void **request);
void exchange_completed(void *web, struct MHD_Connection *mhd, void **request, enum MHD_RequestTerminationCode how);
/* Requests and answers travel in batches: one wakeup for all that one turn of a thread has produced. */
struct request_batch {
	struct message message;
	struct request *first, **last;
};
void batch_append(struct request_batch **b, struct request *r); /* makes the batch when there is none */
/* The engine's answers have come. Runs as a batch's message. */
void exchange_replied(struct message *m);
/* Web thread: what a turn has dispatched goes to the engine. */
void exchange_flush(struct web *w);
/* The engine is too slow, or the station ends: answers without it. */
void exchange_abandon(struct request *r);

/* request.c */
struct request *request_new(struct web *w, const char *target);
void request_drop(struct request *r);
/* Engine thread: who is it, may they; then the route's handler. Runs as a batch's message. */
void requests_run(struct message *m);
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
int gate_json(const char *text, size_t length, bool config, struct err *e);

#endif
