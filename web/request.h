/* SPDX-License-Identifier: Apache-2.0
 * A request as a route's handler sees it. The web thread reads and bounds it, parses the JSON, suspends the connection
 * and posts it to the engine; the handler runs on the engine thread, answers now or later with exactly one
 * request_reply_*(), and must not use the request afterwards. */
#ifndef BELFRY_REQUEST_H
#define BELFRY_REQUEST_H

#include "station/station.h"

enum route_flags {
	ROUTE_OPEN = 1 << 0,    /* no login needed */
	ROUTE_NO_CSRF = 1 << 1, /* a change without session: login, setup */
	ROUTE_STREAM = 1 << 2,  /* the event stream */
	ROUTE_BARE = 1 << 3,    /* also outside /api/v1; answered within two seconds */
	ROUTE_LARGE = 1 << 4,   /* body up to 1 MiB (import of certificates, batches) instead of 64 KiB */
	ROUTE_CONFIG = 1 << 8,  /* body up to 8 MiB, JSON as deep as a tree */
	ROUTE_LOGIN = 1 << 5,   /* body up to 4 KiB */
	ROUTE_CALENDAR = 1 << 6 /* the body (POST) or the answer (GET) is text/calendar, not JSON */
};

struct request;
/* One row per call; the OpenAPI document is made from these and from the type tables. */
struct route {
	const char *method; /* "GET" */
	/* Below /api/v1: "/components/{path...}/actions/{name}"; {x...} takes any number of segments, also none. */
	const char *pattern;
	enum role role; /* the least that may call it; finer checks are the sheet's */
	unsigned flags;
	void (*handle)(struct request *r);
	const char *doc;    /* one sentence */
	const char *body;   /* JSON Schema text of the body, NULL: none */
	const char *answer; /* JSON Schema text of the success answer, NULL: no content */
	const char *query;  /* "state,class,limit": names of query parameters; NULL: none */
};

/* Both borrowed. The actor is who has logged in, with role and address; never NULL. */
struct station *request_station(const struct request *r);
const struct actor *request_actor(const struct request *r);
/* A path parameter by the name in the pattern, percent-decoded; for {path...} with '/' between: "/Services/EmailService". */
const char *request_param(const struct request *r, const char *name);
/* A query parameter, decoded; NULL when it is absent. */
const char *request_query(const struct request *r, const char *name);
/* An integer query parameter within bounds; answers 400 itself and returns false when it is malformed. */
bool request_query_integer(struct request *r, const char *name, int64_t dflt, int64_t min, int64_t max, int64_t *out);
/* A request header among those kept: If-Match, Last-Event-ID, User-Agent, Content-Type; NULL when absent. */
const char *request_header(const struct request *r, const char *name);
/* The body as JSON (borrowed), NULL when there was none; and the raw bytes (for application/x-pem-file). */
const json_t *request_body(const struct request *r);
const char *request_bytes(const struct request *r, size_t *length);
/* A string member of an object body; answers 400 itself and returns NULL when it is missing or no string. */
const char *request_string(struct request *r, const char *member);
/* The same for one that may be left out or null: ""; answers 400 itself and returns false when it is something else. */
bool request_optional(struct request *r, const char *member, const char **out);

/* The answers. json is taken. */
void request_reply_header(struct request *r, const char *name, const char *value); /* before the reply; copied */
void request_reply_json(struct request *r, int http, json_t *json);
void request_reply_text(struct request *r, int http, const char *content_type, const char *text);
void request_reply_empty(struct request *r, int http);
/* {items, next?}. items is taken; next is where the next page begins, NULL after the last one. */
void request_reply_page(struct request *r, json_t *items, const int64_t *next);
/* The same, or the error, of what a store has answered. to_json: a row as a new reference; number: where a row keeps the
 * number that orders them (offsetof, an int64_t). */
typedef json_t *row_to_json(struct station *s, const void *row);
void request_reply_rows(struct request *r, int code, const struct err *e, const struct store_rows *rows,
                        row_to_json *to_json, size_t number);
/* 201 with a Location: the collection's path and the name, percent-encoded. */
void request_reply_created(struct request *r, const char *collection, const char *name, json_t *json);
/* RFC 9457 problem details: from one error (with a pointer when it names a slot), or from a validation. */
void request_reply_error(struct request *r, const struct err *e);
void request_reply_code(struct request *r, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
void request_reply_report(struct request *r, int code, const struct report *report);

/* The tables of the api_*.c files; each ends with method NULL. */
/* a line each, so that additions do not meet */
/* clang-format off */
extern const struct route
	session_routes[],
	component_routes[],
	batch_routes[],
	link_routes[],
	version_routes[],
	type_routes[],
	ack_routes[], alarm_routes[],
	mail_routes[],
	oauth_routes[],
	schedule_routes[],
	certificate_routes[],
	key_routes[],
	event_routes[], history_routes[], config_routes[], search_routes[],
	health_routes[];
/* clang-format on */

#endif
