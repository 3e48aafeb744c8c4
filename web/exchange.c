/* SPDX-License-Identifier: Apache-2.0
 * One request from its first line to the end of its answer, as libmicrohttpd's callbacks tell it: gate, route, body,
 * JSON, over to the engine and back. Web thread. An error before a body queues the answer at the first call, which
 * also ends the connection: the body is never read, nor taken for a request. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "station/base/must.h"
#include "web/session_cookie.h"
#include "web/stream.h"

static struct connection *connection_of(struct MHD_Connection *mhd)
{
	return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

void *exchange_line(void *web, const char *target, struct MHD_Connection *mhd)
{
	struct request *r = request_new(web, target ? target : "");
	r->connection = connection_of(mhd);
	r->connection->request = r;
	connection_grown(r->connection);
	return r;
}

/* --- answers ------------------------------------------------------------------------------------------------------- */

static void add(struct MHD_Response *response, const char *name, const char *value)
{
	must(MHD_add_response_header(response, name, value) == MHD_YES);
}

static enum MHD_Result queue(struct request *r, struct MHD_Connection *mhd, int http, struct MHD_Response *response)
{
	enum MHD_Result rc = MHD_queue_response(mhd, (unsigned)http, response);
	MHD_destroy_response(response);
	connection_deadline(r->connection, DEADLINE_SEND);
	return rc;
}

static struct MHD_Response *response_of(char **bytes, size_t length)
{
	if (!*bytes)
		return MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT);
	struct MHD_Response *response = MHD_create_response_from_buffer(length, *bytes, MHD_RESPMEM_MUST_FREE);
	*bytes = NULL;
	return response;
}

static enum MHD_Result send_reply(struct request *r, struct MHD_Connection *mhd)
{
	struct reply *reply = &r->reply;
	bool stream = reply->stream != NULL, tagged = false;
	struct MHD_Response *response = stream ? stream_response(reply->stream) : response_of(&reply->bytes, reply->length);
	must(response != NULL);
	reply->stream = NULL;
	for (size_t i = 0; i < reply->header_count; i++) {
		add(response, reply->headers[i].name, reply->headers[i].value);
		tagged = tagged || strcmp(reply->headers[i].name, "ETag") == 0;
	}
	if (reply->content_type)
		add(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->content_type);
	add(response, MHD_HTTP_HEADER_CACHE_CONTROL, tagged ? "private, no-cache" : "no-store");
	if (reply->close)
		add(response, MHD_HTTP_HEADER_CONNECTION, "close");
	harden_response(response);
	enum MHD_Result rc = queue(r, mhd, reply->http, response);
	if (stream)
		connection_deadline(r->connection, 0); /* stream.c watches whether the client reads */
	return rc;
}

static void set_problem(struct request *r, int code, const char *detail)
{
	r->reply.http = err_http(code);
	r->reply.content_type = "application/problem+json";
	r->reply.bytes = problem_text(code, detail, NULL, false);
	r->reply.length = strlen(r->reply.bytes);
	if (r->reply.http == 503)
		request_reply_header(r, MHD_HTTP_HEADER_RETRY_AFTER, "30");
}

/* The engine may still write r->reply: this answer is made beside it. */
static enum MHD_Result send_abandoned(struct request *r, struct MHD_Connection *mhd)
{
	char *text = problem_text(
	    E_BUSY, r->web->stopping ? "The station is ending." : "The station's engine did not answer in time.", NULL,
	    false);
	struct MHD_Response *response = response_of(&text, strlen(text));
	add(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/problem+json");
	add(response, MHD_HTTP_HEADER_CONNECTION, "close");
	return queue(r, mhd, err_http(E_BUSY), response);
}

/* --- the header has come ------------------------------------------------------------------------------------------- */

/* Cuts cookie and token out of their headers, in the request's own copy. */
static void find_credentials(struct request *r)
{
	static const char name[] = SESSION_COOKIE "=";
	const char *authorization = r->kept[KEPT_AUTHORIZATION], *cookies = r->kept[KEPT_COOKIE];
	if (authorization)
		r->token = strncasecmp(authorization, "Bearer ", 7) == 0 ? authorization + 7 : "";
	for (const char *p = cookies; p && (p = strstr(p, name)); p++) {
		if (p != cookies && p[-1] != ' ' && p[-1] != ';')
			continue;
		char *value = r->kept_text + (p - r->kept_text) + strlen(name);
		value[strcspn(value, "; ")] = '\0';
		r->cookie = value;
		return;
	}
}

static bool has_type(const struct request *r, const char *type)
{
	const char *given = r->kept[KEPT_CONTENT_TYPE];
	size_t length = strlen(type);
	return given && strncasecmp(given, type, length) == 0 &&
	    (given[length] == '\0' || given[length] == ';' || given[length] == ' ');
}

static bool is_json(const struct request *r)
{
	return has_type(r, "application/json") || has_type(r, "application/merge-patch+json");
}

static size_t body_limit(const struct route *route)
{
	static const struct {
		unsigned flag;
		size_t limit;
	} limits[] = { { ROUTE_LOGIN, BODY_LOGIN }, { ROUTE_CONFIG, BODY_CONFIG }, { ROUTE_LARGE, BODY_LARGE } };
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		if (route->flags & limits[i].flag)
			return limits[i].limit;
	return BODY_NORMAL;
}

/* The size the client announces; all digits, says the gate. */
static int announce_body(struct request *r, struct err *e)
{
	const char *length = r->kept[KEPT_CONTENT_LENGTH];
	uint64_t size = length ? strtoull(length, NULL, 10) : 0;
	if (size == 0 || !r->route)
		return 0;
	size_t limit = body_limit(r->route);
	if (size > limit)
		return err_set(e, E_TOO_LARGE, NULL, "The body may have %zu bytes here.", limit);
	bool pem = (r->route->flags & ROUTE_LARGE) &&
	    (has_type(r, "application/x-pem-file") || has_type(r, "application/pem-certificate-chain") ||
	     has_type(r, "application/pkcs12") || has_type(r, "application/x-pkcs12"));
	bool calendar = r->route->flags & ROUTE_CALENDAR;
	if (calendar ? !has_type(r, "text/calendar") : !is_json(r) && !pem)
		return err_set(e, E_MEDIA_TYPE, NULL, "Send the body as %s.", calendar ? "text/calendar" : "application/json");
	r->body_size = (size_t)size;
	return 0;
}

static bool below_api(const struct request *r)
{
	return r->segment_count > 0 && r->segments[0].length == 3 && memcmp(r->segments[0].text, "api", 3) == 0;
}

static int find_target(struct request *r, struct err *e)
{
	char allow[80];
	int rc = router_match(r->web->router, r, allow, sizeof allow);
	if (rc == E_NOT_FOUND && !below_api(r)) {
		r->page = pages_find(r->web->pages, r->path);
		rc = !r->page ? E_NOT_FOUND : strcmp(r->method, "GET") == 0 || r->head ? 0 : E_METHOD;
		snprintf(allow, sizeof allow, "GET, HEAD");
	}
	if (rc == E_METHOD)
		request_reply_header(r, MHD_HTTP_HEADER_ALLOW, allow);
	return rc == 0 ? 0 : err_set(e, rc, NULL, "%s", err_text(rc));
}

static int admit_stream(struct request *r, struct err *e)
{
	struct web *w = r->web;
	if (!r->route || !(r->route->flags & ROUTE_STREAM) || r->head)
		return 0;
	if (w->stream_count >= w->connection_limit / 2)
		return err_set(e, E_BUSY, NULL, "There are %u event streams open, which is the limit.", w->stream_count);
	w->stream_count++;
	r->stream = true;
	return 0;
}

static enum MHD_Result begin(struct request *r, struct MHD_Connection *mhd, const char *method, const char *version)
{
	struct err e = { 0 };
	int rc = gate_header(r, mhd, method, version, &e);
	if (rc == 0)
		rc = gate_target(r, &e);
	bool ambiguous = rc != 0;
	if (rc == 0) {
		find_credentials(r);
		rc = find_target(r, &e);
	}
	if (rc == 0)
		rc = announce_body(r, &e);
	if (rc == 0)
		rc = admit_stream(r, &e);
	connection_deadline(r->connection, r->body_size ? DEADLINE_BODY : 0);
	if (rc == 0)
		return MHD_YES;
	set_problem(r, rc, e.text);
	const char *length = r->kept[KEPT_CONTENT_LENGTH];
	if (!ambiguous && (!length || strspn(length, "0") == strlen(length)))
		return MHD_YES; /* nothing follows: answered at the second call, the connection stays */
	r->reply.close = true;
	return send_reply(r, mhd);
}

/* --- the body ------------------------------------------------------------------------------------------------------ */

static void take_body(struct request *r, const char *data, size_t size)
{
	struct web *w = r->web;
	if (w->bodies + size > BODIES_MAX || r->body_length + size > r->body_size)
		r->refusal = E_BUSY;
	if (r->refusal)
		return;
	if (!r->body)
		r->body = must_alloc(r->body_size + 1);
	memcpy(r->body + r->body_length, data, size);
	r->body_length += size;
	w->bodies += size;
}

static int parse_body(struct request *r, struct err *e)
{
	if (r->refusal)
		return err_set(e, r->refusal, NULL, "The station is receiving too much at once; try again.");
	if (r->body_length == 0 || !is_json(r))
		return 0;
	int rc = gate_json(r->body, r->body_length, (r->route->flags & ROUTE_CONFIG) != 0, e);
	if (rc != 0)
		return rc;
	json_error_t error;
	r->json = json_loadb(r->body, r->body_length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	return r->json ? 0
	               : err_set(e, E_BAD_REQUEST, NULL, "The body is not JSON: line %d, column %d: %.150s.", error.line,
	                         error.column, error.text);
}

/* --- over to the engine and back ----------------------------------------------------------------------------------- */

void batch_append(struct request_batch **b, struct request *r)
{
	if (!*b) {
		*b = must_alloc(sizeof **b);
		(*b)->last = &(*b)->first;
	}
	r->next = NULL;
	*(*b)->last = r;
	(*b)->last = &r->next;
}

/* Out of a Host header that the gate has passed: "plant.test:8443", "[::1]". */
static void take_host(const char *header, char *out, size_t size)
{
	bool bracket = header[0] == '[';
	snprintf(out, size, "%.*s", (int)strcspn(header + bracket, bracket ? "]" : ":"), header + bracket);
}

static enum MHD_Result dispatch(struct request *r, struct MHD_Connection *mhd)
{
	snprintf(r->actor.from, sizeof r->actor.from, "%s", r->connection->from);
	if (r->kept[KEPT_HOST])
		take_host(r->kept[KEPT_HOST], r->actor.host, sizeof r->actor.host);
	atomic_fetch_add(&r->refs, 1);
	atomic_store(&r->state, REQUEST_ENGINE);
	MHD_suspend_connection(mhd);
	connection_deadline(r->connection, r->route->flags & ROUTE_BARE ? DEADLINE_READY : DEADLINE_ENGINE);
	batch_append(&r->web->requests, r);
	return MHD_YES;
}

void exchange_flush(struct web *w)
{
	struct request_batch *b = w->requests;
	w->requests = NULL;
	if (!b)
		return;
	b->message.run = requests_run;
	station_post(w->station, &b->message);
}

void exchange_replied(struct message *m)
{
	struct request_batch *b = container_of(m, struct request_batch, message);
	for (struct request *r = b->first, *next; r; r = next) {
		next = r->next;
		if (r->reply.stream)
			stream_begin(r->reply.stream, r->connection);
		MHD_resume_connection(r->connection->mhd);
		web_wake(r->web);
		request_drop(r);
	}
	free(b);
}

void exchange_abandon(struct request *r)
{
	int expected = REQUEST_ENGINE;
	if (!atomic_compare_exchange_strong(&r->state, &expected, REQUEST_ABANDONED))
		return; /* the answer is on its way */
	MHD_resume_connection(r->connection->mhd);
	web_wake(r->web);
}

static enum MHD_Result complete(struct request *r, struct MHD_Connection *mhd)
{
	struct err e = { 0 };
	if (r->reply.http)
		return send_reply(r, mhd);
	if (r->page) {
		connection_deadline(r->connection, DEADLINE_SEND);
		return page_send(r->page, mhd, r->kept[KEPT_IF_NONE_MATCH]);
	}
	int rc = parse_body(r, &e);
	if (rc == 0 && r->web->stopping)
		rc = err_set(&e, E_BUSY, NULL, "The station is ending.");
	if (rc == 0)
		return dispatch(r, mhd);
	set_problem(r, rc, e.text);
	return send_reply(r, mhd);
}

/* --- libmicrohttpd's callbacks ------------------------------------------------------------------------------------- */

enum MHD_Result exchange_handle(void *web, struct MHD_Connection *mhd, const char *url, const char *method,
                                const char *version, const char *data, size_t *size, void **request)
{
	(void)web;
	(void)url;
	struct request *r = *request;
	if (!r->begun) {
		r->begun = true;
		return begin(r, mhd, method, version);
	}
	if (*size) {
		take_body(r, data, *size);
		*size = 0;
		return MHD_YES;
	}
	switch (atomic_load(&r->state)) {
	case REQUEST_WEB:
		return complete(r, mhd);
	case REQUEST_REPLIED:
		return send_reply(r, mhd);
	case REQUEST_ABANDONED:
		return send_abandoned(r, mhd);
	default:
		return MHD_NO;
	}
}

void exchange_completed(void *web, struct MHD_Connection *mhd, void **request, enum MHD_RequestTerminationCode how)
{
	(void)how;
	(void)mhd;
	struct web *w = web;
	struct request *r = *request;
	if (!r)
		return;
	*request = NULL;
	r->connection->request = NULL;
	connection_deadline(r->connection, DEADLINE_NEXT);
	w->bodies -= r->refusal ? 0 : r->body_length;
	w->stream_count -= r->stream;
	request_drop(r);
}
