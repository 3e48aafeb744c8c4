/* SPDX-License-Identifier: Apache-2.0
 * The inside of web/: the thread, its sockets and what is constant while it runs. Only web/ includes this. Everything
 * here is the web thread's, unless it says otherwise. */
#ifndef BELFRY_WEB_SERVER_H
#define BELFRY_WEB_SERVER_H

#include "web/exchange.h"
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
};

struct web_options {
	const char *listen, *www;
	const struct route *const *tables; /* ends with NULL */
	struct shown *shown;               /* taken; NULL: the station's own certificate */
	unsigned connections;              /* 0: CONNECTIONS_MAX */
};

/* One socket. Web thread. */
struct connection {
	struct web *web;
	struct connection *next, *prev;
	struct MHD_Connection *mhd;
	struct request *request; /* borrowed; NULL between requests */
	struct shown *shown;     /* one reference; NULL: the daemon's own */
	uint64_t deadline;       /* loop time; 0: none */
	int fd;
	bool young; /* has made no request yet */
	char from[64];
};

struct shown;
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
	struct shown *shown; /* what new connections are shown; one reference, NULL: the daemon's own */
	unsigned connection_limit, stream_count;
	unsigned young;                 /* connections without a first request */
	size_t bodies;                  /* bytes of bodies being received */
	struct request_batch *requests; /* to the engine, gathered in one turn */
	struct router *router;          /* constant once started */
	struct pages *pages;            /* constant once started */
	struct events *events;          /* the engine's half of the event streams */
	struct streams *streams;        /* the web thread's half */
	struct request_batch *replies;  /* engine thread: to the web thread, gathered while a batch runs */
	bool replying;                  /* engine thread: a batch runs */
	char *openapi, *types;          /* owned by the engine, made at first use */
	char address[300];
	int port;
};

/* server.c. server_start, server_stop: as web_start, web_stop, with what tests want to choose. Engine thread. */
int server_start(struct station *s, const struct web_options *o, struct web **out, struct err *e);
void server_stop(struct web **w);
void connection_deadline(struct connection *c, uint64_t milliseconds /* 0: none */);
void connection_grown(struct connection *c); /* its first request is here */
/* Turns libmicrohttpd before the loop sleeps again. Web thread. */
static inline void web_wake(struct web *w)
{
	w->busy = true;
}

/* shown.c: the certificate that a connection is shown. Counted: it lives as long as connections that were. */
struct trust_key;
struct shown *shown_new(struct trust_key *k, struct err *e); /* any thread; k borrowed; NULL and a sentence */
void shown_release(struct shown **shown);                    /* web thread, unless nobody else has it; NULL is fine */
void shown_to(struct connection *c);                         /* of a connection that opens: what the server shows now */
void shown_change(struct web *w, struct shown *shown /* taken */); /* engine thread; connections that are there go on */

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
