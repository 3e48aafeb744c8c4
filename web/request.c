/* SPDX-License-Identifier: Apache-2.0
 * A request's body and its answers: see request.h. The web thread fills it, the engine answers it; in between it is
 * handed over whole, so nothing in it needs a lock. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <stdarg.h>

#include "station/must.h"
#include "web/server.h"

static const char csp[] =
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; worker-src 'self'; "
	"font-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "
	"require-trusted-types-for 'script'; trusted-types belfry";

void response_protect(struct MHD_Response *response, bool api)
{
	MHD_add_response_header(response, "Content-Security-Policy", csp);
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
	MHD_add_response_header(response, "Cross-Origin-Opener-Policy", "same-origin");
	MHD_add_response_header(response, "Cross-Origin-Resource-Policy", "same-origin");
	MHD_add_response_header(response, "Strict-Transport-Security", "max-age=31536000");
	if (api)
		MHD_add_response_header(response, "Cache-Control", "no-store");
}

/* --- life --------------------------------------------------------------------------------------------------------- */

struct request *request_new(struct web *w, const char *uri)
{
	struct request *r = must_alloc(sizeof *r);
	r->web = w;
	r->uri = must_strdup(uri);
	return r;
}

void request_free(struct request *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->parameters; i++) {
		free(r->names[i]);
		free(r->values[i]);
	}
	for (size_t i = 0; i < r->query_count; i++) {
		free(r->query_names[i]);
		free(r->query_values[i]);
	}
	for (struct header *h = r->headers, *next; h; h = next) {
		next = h->next;
		free(h->name);
		explicit_bzero(h->value, strlen(h->value)); /* it may be a cookie */
		free(h->value);
		free(h);
	}
	if (r->bytes)
		explicit_bzero(r->bytes, r->length); /* it may be a password */
	free(r->bytes);
	json_decref(r->body);
	if (r->response)
		MHD_destroy_response(r->response);
	free(r->csrf_copy);
	free(r->uri);
	free(r->path);
	free(r->query);
	free(r);
}

static int hex(char c)
{
	return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

char *percent_decode(const char *text, size_t length, bool plus)
{
	char *out = must_alloc(length + 1), *p = out;
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '%' && i + 2 < length) {
			*p++ = (char)(hex(text[i + 1]) << 4 | hex(text[i + 2]));
			i += 2;
		} else {
			*p++ = plus && text[i] == '+' ? ' ' : text[i];
		}
	}
	return out;
}

/* --- the body ----------------------------------------------------------------------------------------------------- */

void request_take(struct request *r, const char *bytes, size_t length)
{
	if (r->too_large || r->length + length > r->limit) {
		r->too_large = true; /* the rest is read and dropped, so that the client can read the answer */
		return;
	}
	r->bytes = must_realloc(r->bytes, r->length + length + 1);
	memcpy(r->bytes + r->length, bytes, length);
	r->length += length;
	r->bytes[r->length] = '\0';
}

static bool too_deep(const char *bytes, size_t length)
{
	int depth = 0;
	bool text = false;
	for (size_t i = 0; i < length; i++) {
		char c = bytes[i];
		if (text && c == '\\')
			i++;
		else if (c == '"')
			text = !text;
		else if (!text && (c == '{' || c == '[') && ++depth > JSON_DEPTH)
			return true;
		else if (!text && (c == '}' || c == ']'))
			depth--;
	}
	return false;
}

void request_parse(struct request *r)
{
	if (r->too_large) {
		err_set(&r->refused, E_TOO_LARGE, NULL, "The body is larger than the %zu bytes that are accepted here.", r->limit);
		return;
	}
	const char *type = request_header(r, "Content-Type");
	if (r->length == 0 || (type && strncasecmp(type, "application/x-pem-file", 22) == 0))
		return;
	if (!type || (strncasecmp(type, "application/json", 16) != 0 && strncasecmp(type, "application/merge-patch+json", 28) != 0)) {
		err_set(&r->refused, E_MEDIA_TYPE, NULL, "Send the body as application/json.");
		return;
	}
	json_error_t je;
	if (too_deep(r->bytes, r->length))
		err_set(&r->refused, E_BAD_REQUEST, NULL, "The JSON is nested deeper than %d levels.", JSON_DEPTH);
	else if (!(r->body = json_loadb(r->bytes, r->length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &je)))
		err_set(&r->refused, E_BAD_REQUEST, NULL, "The body is not valid JSON: %s (line %d, column %d).", je.text, je.line, je.column);
}

/* --- what a handler may ask ---------------------------------------------------------------------------------------- */

struct station *request_station(const struct request *r)
{
	return r->web->station;
}

const struct actor *request_actor(const struct request *r)
{
	return &r->actor;
}

const char *request_param(const struct request *r, const char *name)
{
	for (size_t i = 0; i < r->parameters; i++)
		if (strcmp(r->names[i], name) == 0)
			return r->values[i];
	return NULL;
}

const char *request_query(const struct request *r, const char *name)
{
	for (size_t i = 0; i < r->query_count; i++)
		if (strcmp(r->query_names[i], name) == 0)
			return r->query_values[i];
	return NULL;
}

bool request_query_integer(struct request *r, const char *name, int64_t dflt, int64_t min, int64_t max, int64_t *out)
{
	const char *text = request_query(r, name);
	char *end = NULL;
	*out = text ? strtoll(text, &end, 10) : dflt;
	if (!text || (*text && !*end && *out >= min && *out <= max))
		return true;
	request_reply_code(r, E_BAD_REQUEST, "The query parameter %s must be a whole number between %lld and %lld.", name, (long long)min, (long long)max);
	return false;
}

const char *request_header(const struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

const json_t *request_body(const struct request *r)
{
	return r->body;
}

const char *request_bytes(const struct request *r, size_t *length)
{
	*length = r->length;
	return r->bytes ? r->bytes : "";
}

const char *request_string(struct request *r, const char *member)
{
	const char *text = json_string_value(json_object_get(r->body, member));
	if (text)
		return text;
	struct report report;
	report_init(&report, "");
	report_error(&report, E_BAD_REQUEST, member, "A text is needed here.");
	request_reply_report(r, E_BAD_REQUEST, &report);
	report_finish(&report);
	return NULL;
}

const char *request_cookie(const struct request *r)
{
	return MHD_lookup_connection_value(r->connection, MHD_COOKIE_KIND, SESSION_COOKIE);
}

const char *request_csrf(const struct request *r)
{
	return r->csrf ? r->csrf : "";
}

/* --- answers ------------------------------------------------------------------------------------------------------- */

void request_reply_header(struct request *r, const char *name, const char *value)
{
	struct header *h = must_alloc(sizeof *h);
	*h = (struct header){ must_strdup(name), must_strdup(value), r->headers };
	r->headers = h;
}

static void leave_engine(struct request *r)
{
	pthread_mutex_lock(&r->web->lock);
	if (r->before)
		r->before->after = r->after;
	else
		r->web->requests = r->after;
	if (r->after)
		r->after->before = r->before;
	pthread_mutex_unlock(&r->web->lock);
}

void request_answer(struct request *r, unsigned status, struct MHD_Response *response)
{
	must(!r->answered);
	for (struct header *h = r->headers; h; h = h->next)
		MHD_add_response_header(response, h->name, h->value);
	r->response = response;
	r->status = status;
	r->answered = true;
	leave_engine(r);
	MHD_resume_connection(r->connection); /* from here on it is the web thread's */
}

static struct MHD_Response *text_response(const char *type, char *text)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
	must(response != NULL);
	MHD_add_response_header(response, "Content-Type", type);
	response_protect(response, true);
	return response;
}

void request_reply_json(struct request *r, int http, json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	if (!text) {
		request_reply_code(r, E_INTERNAL, "The answer could not be written as JSON.");
		return;
	}
	request_answer(r, (unsigned)http, text_response("application/json", text));
}

void request_reply_text(struct request *r, int http, const char *content_type, const char *text)
{
	request_answer(r, (unsigned)http, text_response(content_type, must_strdup(text)));
}

void request_reply_empty(struct request *r, int http)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(0, (void *)(uintptr_t)"", MHD_RESPMEM_PERSISTENT);
	must(response != NULL);
	response_protect(response, true);
	request_answer(r, (unsigned)http, response);
}

static json_t *problem(int code, const char *detail)
{
	char type[64];
	snprintf(type, sizeof type, "urn:belfry:error:%s", err_name(code));
	json_t *text = json_string(detail);
	return json_pack("{s:s, s:s, s:i, s:o}", "type", type, "title", err_text(code), "status", err_http(code), "detail",
	                 text ? text : json_string(err_text(code)));
}

static struct MHD_Response *problem_response(json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	must(text != NULL);
	return text_response("application/problem+json", text);
}

struct MHD_Response *response_problem(const struct err *e, bool setup, unsigned *status)
{
	json_t *json = problem(e->code, *e->text ? e->text : err_text(e->code));
	if (*e->slot) {
		char pointer[80];
		snprintf(pointer, sizeof pointer, "/%s", e->slot);
		json_object_set_new(json, "errors", json_pack("[{s:s, s:s}]", "pointer", pointer, "detail", e->text));
	}
	if (setup)
		json_object_set_new(json, "setup", json_true());
	*status = (unsigned)err_http(e->code);
	return problem_response(json);
}

void request_reply_error(struct request *r, const struct err *e)
{
	unsigned status;
	struct MHD_Response *response = response_problem(e, false, &status);
	if (e->code == E_TOO_MANY)
		request_reply_header(r, "Retry-After", "10");
	request_answer(r, status, response);
}

void request_reply_code(struct request *r, int code, const char *format, ...)
{
	struct err e = { .code = code };
	va_list ap;
	va_start(ap, format);
	vsnprintf(e.text, sizeof e.text, format, ap);
	va_end(ap);
	request_reply_error(r, &e);
}

void request_reply_report(struct request *r, int code, const struct report *report)
{
	struct err first = { .code = code };
	report_first(report, &first);
	json_t *json = problem(code, *first.text ? first.text : err_text(code)), *errors = json_array();
	for (size_t i = 0; i < report->count; i++)
		if (!report->items[i].warning)
			json_array_append_new(errors, json_pack("{s:s, s:s}", "pointer", report->items[i].pointer, "detail", report->items[i].detail));
	json_object_set_new(json, "errors", errors);
	request_answer(r, (unsigned)err_http(code), problem_response(json));
}
