/* SPDX-License-Identifier: Apache-2.0
 * A request on the engine thread: who asks and may they, what handlers read of it, and the answers: JSON, problem
 * details (RFC 9457), 304. An answer is bytes; the web thread sends them. */
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "services/user/user.h"
#include "station/base/must.h"
#include "web/session_cookie.h"
#include "web/stream.h"

/* --- life ---------------------------------------------------------------------------------------------------------- */

struct request *request_new(struct web *w, const char *target)
{
	size_t length = strlen(target); /* bounded by the connection's pool */
	struct request *r = malloc(sizeof *r + 3 * length + 2 * QUERY_MAX + PARAMS_MAX + 16);
	must(r != NULL);
	memset(r, 0, offsetof(struct request, segments));
	atomic_init(&r->refs, 1);
	atomic_init(&r->state, REQUEST_WEB);
	r->web = w;
	r->station = w->station;
	r->line = target;
	r->raw = memcpy(r->text, target, length + 1);
	r->params_text = r->text + 2 * length + QUERY_MAX * 2 + 8;
	return r;
}

void reply_clear(struct reply *reply)
{
	for (size_t i = 0; i < reply->header_count; i++) {
		free(reply->headers[i].name);
		free(reply->headers[i].value);
	}
	free(reply->bytes);
	if (reply->stream)
		stream_discard(&reply->stream);
	*reply = (struct reply){ 0 };
}

void request_drop(struct request *r)
{
	if (atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) > 1)
		return;
	reply_clear(&r->reply);
	json_decref(r->json);
	if (r->body) {
		explicit_bzero(r->body, r->body_length); /* may be a password */
		free(r->body);
	}
	if (r->kept_text)
		explicit_bzero(r->kept_text, r->kept_size);
	free(r->kept_text);
	free(r);
}

static void flush_replies(struct web *w)
{
	struct request_batch *b = w->replies;
	w->replies = NULL;
	if (!b)
		return;
	b->message.run = exchange_replied;
	net_post(&w->thread, &b->message);
}

/* The answer stands in r->reply: back to the web thread, unless that has given up waiting. Who is not abandoned knows
 * that the web server is there. */
static void finish(struct request *r)
{
	int expected = REQUEST_ENGINE;
	if (!atomic_compare_exchange_strong(&r->state, &expected, REQUEST_REPLIED)) {
		request_drop(r);
		return;
	}
	batch_append(&r->web->replies, r); /* with the engine's reference */
	if (!r->web->replying)
		flush_replies(r->web);
}

/* --- who, and may they --------------------------------------------------------------------------------------------- */

/* A change that a browser makes on behalf of another site carries no value that only our pages can read. */
static const char *forged(const struct request *r)
{
	const char *site = r->kept[KEPT_FETCH_SITE], *origin = r->kept[KEPT_ORIGIN], *host = r->kept[KEPT_HOST];
	if (!r->changing)
		return NULL;
	if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
		return "The request comes from another site.";
	if (origin && (strncmp(origin, "https://", 8) != 0 || !host || strcmp(origin + 8, host) != 0))
		return "The request comes from another origin.";
	if (!r->cookie || (r->route->flags & ROUTE_NO_CSRF))
		return NULL;
	const char *csrf = r->kept[KEPT_CSRF];
	size_t length = strlen(r->csrf);
	if (!csrf || strlen(csrf) != length || sodium_memcmp(csrf, r->csrf, length) != 0)
		return "The header X-Belfry-Csrf is missing or wrong; GET /api/v1/session tells its value.";
	return NULL;
}

static int resolve(struct request *r)
{
	const char *csrf = "";
	const struct actor peer = r->actor;
	int rc = E_UNAUTHORIZED;
	if (r->token)
		rc = user_resolve_token(r->station, r->token, &r->actor);
	else if (r->cookie)
		rc = user_resolve_session(r->station, r->cookie, &r->actor, &csrf);
	memcpy(r->actor.from, peer.from, sizeof peer.from);
	memcpy(r->actor.host, peer.host, sizeof peer.host);
	if (rc == 0)
		snprintf(r->csrf, sizeof r->csrf, "%s", csrf);
	return rc;
}

static void run(struct request *r)
{
	static const char *const names[] = { "nobody", "a viewer", "an operator", "an administrator" };
	bool open = r->route->flags & ROUTE_OPEN;
	if (!open && resolve(r) != 0) {
		request_reply_code(r, E_UNAUTHORIZED, "%s",
		                   r->token || r->cookie ? "This login is over; log in again." : err_text(E_UNAUTHORIZED));
		return;
	}
	const char *wrong = forged(r);
	if (wrong)
		request_reply_code(r, E_FORBIDDEN, "%s", wrong);
	else if (!open && r->actor.role < r->route->role)
		request_reply_code(r, E_FORBIDDEN, "This needs %s; you are %s.", names[r->route->role], names[r->actor.role]);
	else
		r->route->handle(r);
}

void requests_run(struct message *m)
{
	struct request_batch *b = container_of(m, struct request_batch, message);
	struct web *w = NULL;
	for (struct request *r = b->first, *next; r; r = next) {
		next = r->next;
		if (atomic_load(&r->state) != REQUEST_ENGINE) {
			request_drop(r); /* abandoned; the web server may be gone */
			continue;
		}
		w = r->web;
		w->replying = true;
		run(r);
	}
	if (w) {
		w->replying = false;
		flush_replies(w);
	}
	free(b);
}

/* --- what handlers read -------------------------------------------------------------------------------------------- */

struct station *request_station(const struct request *r)
{
	return r->station;
}

const struct actor *request_actor(const struct request *r)
{
	return &r->actor;
}

const char *request_cookie(const struct request *r)
{
	return r->token ? NULL : r->cookie;
}

const char *request_csrf(const struct request *r)
{
	return r->csrf;
}

const char *request_param(const struct request *r, const char *name)
{
	for (size_t i = 0; i < r->param_count; i++)
		if (strcmp(r->params[i].name, name) == 0)
			return r->params[i].value;
	return NULL;
}

const char *request_query(const struct request *r, const char *name)
{
	for (size_t i = 0; i < r->query_count; i++)
		if (strcmp(r->query[i].name, name) == 0)
			return r->query[i].value;
	return NULL;
}

bool request_query_integer(struct request *r, const char *name, int64_t dflt, int64_t min, int64_t max, int64_t *out)
{
	const char *text = request_query(r, name);
	char *end = NULL;
	*out = text ? strtoll(text, &end, 10) : dflt;
	if (!text || (end != text && *end == '\0' && *out >= min && *out <= max))
		return true;
	request_reply_code(r, E_BAD_REQUEST, "%s must be a whole number from %" PRId64 " to %" PRId64 ".", name, min, max);
	return false;
}

const char *request_header(const struct request *r, const char *name)
{
	static const struct {
		const char *name;
		enum kept_header which;
	} shown[] = {
		{ "If-Match", KEPT_IF_MATCH },
		{ "Last-Event-ID", KEPT_LAST_EVENT_ID },
		{ "User-Agent", KEPT_USER_AGENT },
		{ "Content-Type", KEPT_CONTENT_TYPE },
		{ "Host", KEPT_HOST },
	};
	for (size_t i = 0; i < ARRAY_SIZE(shown); i++)
		if (strcmp(shown[i].name, name) == 0)
			return r->kept[shown[i].which];
	return NULL;
}

const json_t *request_body(const struct request *r)
{
	return r->json;
}

const char *request_bytes(const struct request *r, size_t *length)
{
	*length = r->body_length;
	return r->body ? r->body : "";
}

const char *request_string(struct request *r, const char *member)
{
	const char *text = json_string_value(json_object_get(r->json, member));
	if (text)
		return text;
	struct report report;
	report_init(&report, "");
	report_error(&report, E_BAD_REQUEST, member, "%s is missing, or is not a text.", member);
	request_reply_report(r, E_BAD_REQUEST, &report);
	report_finish(&report);
	return NULL;
}

bool request_optional(struct request *r, const char *member, const char **out)
{
	const json_t *given = json_object_get(request_body(r), member);
	*out = json_is_string(given) ? json_string_value(given) : "";
	if (!given || json_is_string(given) || json_is_null(given))
		return true;
	request_reply_code(r, E_BAD_REQUEST, "%s must be a string.", member);
	return false;
}

/* --- answers ------------------------------------------------------------------------------------------------------- */

void request_reply_header(struct request *r, const char *name, const char *value)
{
	must(r->reply.header_count < REPLY_HEADERS_MAX);
	r->reply.headers[r->reply.header_count].name = must_strdup(name);
	r->reply.headers[r->reply.header_count++].value = must_strdup(value);
}

bool etag_listed(const char *list, const char *etag)
{
	size_t length = strlen(etag);
	if (!list)
		return false;
	if (strcmp(list, "*") == 0)
		return true;
	for (const char *p = list; (p = strstr(p, etag)); p++) /* an ETag brings its own quotes */
		if ((p == list || p[-1] == ' ' || p[-1] == ',' || p[-1] == '/') &&
		    (p[length] == '\0' || p[length] == ',' || p[length] == ' '))
			return true;
	return false;
}

/* Has the client this very state already? */
static bool unchanged(const struct request *r, int http)
{
	for (size_t i = 0; i < r->reply.header_count && http == 200 && !r->changing; i++)
		if (strcmp(r->reply.headers[i].name, "ETag") == 0)
			return etag_listed(r->kept[KEPT_IF_NONE_MATCH], r->reply.headers[i].value);
	return false;
}

/* No 304 here: a component's ETag names its configuration, and live values move without it. */
void request_reply_json(struct request *r, int http, json_t *json)
{
	char *text = json ? json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	json_decref(json);
	if (!text) {
		request_reply_code(r, E_INTERNAL, "The answer could not be written as JSON.");
		return;
	}
	r->reply.http = http;
	r->reply.content_type = "application/json";
	r->reply.bytes = text;
	r->reply.length = strlen(text);
	finish(r);
}

void request_reply_text(struct request *r, int http, const char *content_type, const char *text)
{
	if (unchanged(r, http)) {
		request_reply_empty(r, 304);
		return;
	}
	r->reply.http = http;
	r->reply.content_type = content_type;
	r->reply.bytes = must_strdup(text);
	r->reply.length = strlen(text);
	finish(r);
}

void request_reply_empty(struct request *r, int http)
{
	r->reply.http = http;
	finish(r);
}

void request_reply_page(struct request *r, json_t *items, const int64_t *next)
{
	json_t *json = json_pack("{s:o}", "items", items);
	char cursor[24];
	if (next) {
		snprintf(cursor, sizeof cursor, "%lld", (long long)*next);
		json_object_set_new(json, "next", json_string(cursor));
	}
	request_reply_json(r, 200, json);
}

void request_reply_rows(struct request *r, int code, const struct err *e, const struct store_rows *rows,
                        row_to_json *to_json, size_t number)
{
	if (code != 0) {
		request_reply_error(r, e);
		return;
	}
	json_t *items = json_array();
	for (size_t i = 0; i < rows->count; i++)
		json_array_append_new(items, to_json(request_station(r), store_row(rows, i)));
	const char *last = rows->more ? store_row(rows, rows->count - 1) : NULL;
	request_reply_page(r, items, last ? (const int64_t *)(const void *)(last + number) : NULL);
}

void request_reply_created(struct request *r, const char *collection, const char *name, json_t *json)
{
	char location[512], *end = location + snprintf(location, sizeof location, "/api/v1%s/", collection);
	for (const char *p = name; p && *p && end < location + sizeof location - 4; p++)
		end += snprintf(end, 4, isalnum((unsigned char)*p) || strchr("-._~", *p) ? "%c" : "%%%02X", (unsigned char)*p);
	request_reply_header(r, "Location", location);
	request_reply_json(r, 201, json);
}

void request_reply_stream(struct request *r, struct stream *stream)
{
	r->reply.http = 200;
	r->reply.content_type = "text/event-stream";
	r->reply.stream = stream;
	finish(r);
}

static json_t *findings(const struct report *report, bool warnings)
{
	json_t *list = json_array();
	for (size_t i = 0; i < report->count; i++)
		if (report->items[i].warning == warnings)
			json_array_append_new(
			    list, json_pack("{s:s, s:s}", "pointer", report->items[i].pointer, "detail", report->items[i].detail));
	return list;
}

char *problem_text(int code, const char *detail, const struct report *report, bool setup)
{
	char type[64];
	snprintf(type, sizeof type, "urn:belfry:error:%s", err_name(code));
	json_t *json = json_pack("{s:s, s:s, s:i}", "type", type, "title", err_text(code), "status", err_http(code));
	json_t *sentence = json_string(detail); /* NULL when it is not UTF-8 */
	json_object_set_new(json, "detail", sentence ? sentence : json_string(err_text(code)));
	if (report)
		json_object_set_new(json, "errors", findings(report, false));
	if (setup)
		json_object_set_new(json, "setup", json_true());
	char *text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	must(text != NULL);
	return text;
}

static void reply_problem(struct request *r, int code, const char *detail, const struct report *report)
{
	bool setup = code == E_UNAUTHORIZED && !user_any(r->station);
	r->reply.http = err_http(code);
	r->reply.content_type = "application/problem+json";
	free(r->reply.bytes);
	r->reply.bytes = problem_text(code, *detail ? detail : err_text(code), report, setup);
	r->reply.length = strlen(r->reply.bytes);
	if (code == E_UNAUTHORIZED)
		request_reply_header(r, "WWW-Authenticate", "Bearer");
	if (r->reply.http == 503 || r->reply.http == 429)
		request_reply_header(r, "Retry-After", "5");
	finish(r);
}

void request_reply_error(struct request *r, const struct err *e)
{
	int code = e && e->code ? e->code : E_INTERNAL;
	const char *text = e && *e->text ? e->text : err_text(code);
	if (!e || !*e->slot) {
		reply_problem(r, code, text, NULL);
		return;
	}
	struct report report;
	report_init(&report, "");
	report_error(&report, code, e->slot, "%s", text);
	reply_problem(r, code, text, &report);
	report_finish(&report);
}

void request_reply_code(struct request *r, int code, const char *format, ...)
{
	char text[512];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	reply_problem(r, code, text, NULL);
}

void request_reply_report(struct request *r, int code, const struct report *report)
{
	struct err first = { 0 };
	report_first(report, &first);
	reply_problem(r, code, *first.text ? first.text : err_text(code), report);
}
