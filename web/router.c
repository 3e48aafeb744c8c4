/* SPDX-License-Identifier: Apache-2.0
 * From path to handler: matching patterns (web thread), then rights and the call itself (engine thread). */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "services/user/user.h"
#include "station/must.h"
#include "web/server.h"

#define PREFIX "/api/v1"

const struct route *const route_tables[] = {
	session_routes, component_routes, type_routes, alarm_routes, mail_routes, certificate_routes, event_routes, health_routes, NULL,
};

/* --- matching ----------------------------------------------------------------------------------------------------- */

static void keep(struct request *r, const char *name, size_t name_length, const char *value, size_t value_length)
{
	if (r->parameters == SEGMENTS)
		return;
	r->names[r->parameters] = must_strndup(name, name_length);
	r->values[r->parameters++] = percent_decode(value, value_length, false);
}

static void drop_parameters(struct request *r)
{
	for (size_t i = 0; i < r->parameters; i++) {
		free(r->names[i]);
		free(r->values[i]);
	}
	r->parameters = 0;
}

static size_t segment(const char *p)
{
	return strcspn(p, "/");
}

/* Matches what is left of a pattern against what is left of the path, both at a '/' or at their end. */
static bool match(struct request *r, const char *pattern, const char *path)
{
	while (*pattern) {
		if (*pattern != '/')
			return false;
		pattern++;
		size_t n = segment(pattern);
		if (*pattern == '{' && n > 5 && memcmp(pattern + n - 4, "...}", 4) == 0) {
			/* Takes the shortest run of segments after which the rest of the pattern matches. */
			for (const char *end = path;; end += 1 + segment(end + 1)) {
				size_t before = r->parameters;
				keep(r, pattern + 1, n - 5, path, (size_t)(end - path));
				if (match(r, pattern + n, end))
					return true;
				while (r->parameters > before) {
					r->parameters--;
					free(r->names[r->parameters]);
					free(r->values[r->parameters]);
				}
				if (*end == '\0')
					return false;
			}
		}
		if (*path != '/')
			return false;
		path++;
		size_t m = segment(path);
		if (*pattern == '{')
			keep(r, pattern + 1, n - 2, path, m);
		else if (m != n || memcmp(pattern, path, n) != 0)
			return false;
		if (*pattern == '{' && m == 0)
			return false;
		pattern += n;
		path += m;
	}
	return *path == '\0' || strcmp(path, "/") == 0;
}

static const char *below_prefix(const struct route *route, const char *path)
{
	if (route->flags & ROUTE_BARE)
		return path;
	return strncmp(path, PREFIX, strlen(PREFIX)) == 0 ? path + strlen(PREFIX) : NULL;
}

static void split_query(struct request *r, const char *query)
{
	while (query && *query && r->query_count < ARRAY_SIZE(r->query_names)) {
		size_t n = strcspn(query, "&"), k = strcspn(query, "=&");
		r->query_names[r->query_count] = percent_decode(query, k, true);
		r->query_values[r->query_count++] = percent_decode(query + k + (k < n), n - k - (k < n), true);
		query += n + (query[n] == '&');
	}
}

/* Of the routes that match, the one with the longest fixed text wins: /mail/transcript before /mail/{id}. */
static size_t fixed_text(const char *pattern)
{
	size_t n = 0;
	bool in = false;
	for (; *pattern; pattern++) {
		in = *pattern == '{' || (in && *pattern != '}');
		n += !in;
	}
	return n;
}

void router_find(struct request *r, const char *method)
{
	const char *query = strchr(r->uri, '?');
	char *path = must_strndup(r->uri, query ? (size_t)(query - r->uri) : strlen(r->uri));
	const char *want = strcmp(method, "HEAD") == 0 ? "GET" : method;
	char allow[64] = "";
	size_t best = 0;
	for (const struct route *const *t = route_tables; *t; t++) {
		for (const struct route *route = *t; route->method; route++) {
			const char *rest = below_prefix(route, path);
			bool fits = rest && match(r, route->pattern, rest);
			drop_parameters(r);
			if (!fits)
				continue;
			if (strcmp(route->method, want) != 0) {
				size_t n = strlen(allow);
				if (n + strlen(route->method) + 3 < sizeof allow && !strstr(allow, route->method))
					snprintf(allow + n, sizeof allow - n, "%s%s", n ? ", " : "", route->method);
			} else if (!r->route || fixed_text(route->pattern) > best) {
				r->route = route;
				best = fixed_text(route->pattern);
			}
		}
	}
	if (r->route) {
		match(r, r->route->pattern, below_prefix(r->route, path));
		split_query(r, query ? query + 1 : NULL);
		r->limit = r->route->flags & ROUTE_LOGIN ? BODY_LOGIN : r->route->flags & ROUTE_LARGE ? BODY_LARGE : BODY_NORMAL;
	} else if (*allow) {
		request_reply_header(r, "Allow", allow);
		err_set(&r->refused, E_METHOD, NULL, "%s is not possible here; %s is.", method, allow);
	} else {
		err_set(&r->refused, E_NOT_FOUND, NULL, "There is nothing at this address.");
	}
	r->path = path;
}

/* --- rights ------------------------------------------------------------------------------------------------------- */

static bool changes(const struct request *r)
{
	return strcmp(r->route->method, "GET") != 0;
}

/* Who is it? A bearer token wins over a cookie. */
static int identify(struct request *r, struct err *e)
{
	struct station *s = r->web->station;
	const char *authorization = request_header(r, "Authorization"), *cookie = request_cookie(r), *csrf = NULL;
	int rc = E_UNAUTHORIZED;
	if (authorization && strncasecmp(authorization, "Bearer ", 7) == 0)
		rc = user_resolve_token(s, authorization + 7, &r->actor);
	else if (cookie)
		rc = user_resolve_session(s, cookie, &r->actor, &csrf);
	if (csrf)
		r->csrf = r->csrf_copy = must_strdup(csrf);
	snprintf(r->actor.from, sizeof r->actor.from, "%s", r->address);
	return rc == 0 ? 0 : err_set(e, E_UNAUTHORIZED, NULL, "Log in first: POST /api/v1/session, or send a bearer token.");
}

static int check_csrf(const struct request *r, struct err *e)
{
	const char *sent = request_header(r, "X-Belfry-Csrf");
	if (!r->csrf || !changes(r) || (sent && strcmp(sent, r->csrf) == 0))
		return 0;
	return err_set(e, E_FORBIDDEN, NULL, "The header X-Belfry-Csrf is missing or wrong; take its value from GET /api/v1/session.");
}

static int authorize(struct request *r, struct err *e)
{
	if (r->route->flags & ROUTE_OPEN)
		return 0;
	int rc = identify(r, e);
	if (rc == 0)
		rc = check_csrf(r, e);
	if (rc == 0 && r->actor.role < r->route->role)
		rc = err_set(e, E_FORBIDDEN, NULL, "Your role does not allow this; ask an administrator.");
	return rc;
}

void router_dispatch(struct message *m)
{
	struct request *r = container_of(m, struct request, message);
	struct err e = { 0 };
	snprintf(r->actor.from, sizeof r->actor.from, "%s", r->address);
	if (authorize(r, &e) == 0) {
		r->route->handle(r);
		return;
	}
	unsigned status;
	struct MHD_Response *response = response_problem(&e, e.code == E_UNAUTHORIZED && !user_any(r->web->station), &status);
	if (e.code == E_UNAUTHORIZED)
		request_reply_header(r, "WWW-Authenticate", "Bearer");
	request_answer(r, status, response);
}
