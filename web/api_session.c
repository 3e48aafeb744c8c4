/* SPDX-License-Identifier: Apache-2.0
 * /session and /setup: logging in and out, who am I, the first administrator. Engine thread. */
#include <string.h>

#include "services/user/user.h"
#include "web/request.h"
#include "web/session_cookie.h"

static const char *from(const struct request *r)
{
	return request_actor(r)->from;
}

static void set_cookie(struct request *r, const char *cookie)
{
	char header[256];
	if (cookie)
		snprintf(header, sizeof header, SESSION_COOKIE "=%s; Path=/; Secure; HttpOnly; SameSite=Strict", cookie);
	else
		snprintf(header, sizeof header, SESSION_COOKIE "=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0");
	request_reply_header(r, "Set-Cookie", header);
	explicit_bzero(header, sizeof header);
}

/* The session is on disk: tells who it is, with the cookie. */
static void logged_in(void *context, int code, const struct err *e, const char *cookie)
{
	struct request *r = context;
	struct actor actor;
	const char *csrf;
	if (code != 0) {
		request_reply_error(r, e);
	} else if (user_resolve_session(request_station(r), cookie, &actor, &csrf) != 0) {
		request_reply_code(r, E_INTERNAL, "The new session was not found.");
	} else {
		set_cookie(r, cookie);
		request_reply_json(r, 200, user_session_json(request_station(r), &actor, csrf));
	}
}

static void log_in(struct request *r)
{
	const char *name = request_string(r, "username"), *password = name ? request_string(r, "password") : NULL;
	if (!password)
		return;
	user_log_in(request_station(r), name, password, from(r), request_header(r, "User-Agent"), logged_in, r);
}

static void who_am_i(struct request *r)
{
	request_reply_json(r, 200, user_session_json(request_station(r), request_actor(r), request_csrf(r)));
}

static void logged_out(void *context, int code, const struct err *e, const char *text)
{
	(void)text;
	struct request *r = context;
	set_cookie(r, NULL);
	if (code != 0)
		request_reply_error(r, e);
	else
		request_reply_empty(r, 204);
}

static void log_out(struct request *r)
{
	const char *cookie = request_cookie(r);
	if (!cookie) {
		request_reply_code(r, E_BAD_REQUEST, "There is no session to end: this request came with a token.");
		return;
	}
	user_log_out(request_station(r), cookie, request_actor(r), logged_out, r);
}

static void set_up(struct request *r)
{
	const char *token = request_string(r, "token"), *name = token ? request_string(r, "username") : NULL;
	const char *password = name ? request_string(r, "password") : NULL;
	const char *email = json_string_value(json_object_get(request_body(r), "email"));
	if (!password)
		return;
	user_set_up(request_station(r), token, name, password, email ? email : "", from(r), logged_in, r);
}

#define SESSION_SCHEMA "{\"$ref\":\"#/components/schemas/Session\"}"
const struct route session_routes[] = {
	{ .method = "POST", .pattern = "/session", .flags = ROUTE_OPEN | ROUTE_NO_CSRF | ROUTE_LOGIN, .handle = log_in,
	  .doc = "Logs in: sets the session cookie and answers who you are, with the CSRF value that changes must carry.",
	  .body = "{\"type\":\"object\",\"required\":[\"username\",\"password\"],\"properties\":{\"username\":{\"type\":\"string\"},"
	          "\"password\":{\"type\":\"string\"},\"code\":{\"type\":\"string\"}}}",
	  .answer = SESSION_SCHEMA },
	{ .method = "GET", .pattern = "/session", .role = ROLE_VIEWER, .handle = who_am_i, .doc = "Who am I, what may I do.", .answer = SESSION_SCHEMA },
	{ .method = "DELETE", .pattern = "/session", .role = ROLE_VIEWER, .handle = log_out, .doc = "Logs out." },
	{ .method = "POST", .pattern = "/setup", .flags = ROUTE_OPEN | ROUTE_NO_CSRF | ROUTE_LOGIN, .handle = set_up,
	  .doc = "First start: makes the first administrator with the token of the one-time link, and logs in.",
	  .body = "{\"type\":\"object\",\"required\":[\"token\",\"username\",\"password\"],\"properties\":{\"token\":{\"type\":\"string\"},"
	          "\"username\":{\"type\":\"string\"},\"password\":{\"type\":\"string\"},\"email\":{\"type\":\"string\"}}}",
	  .answer = SESSION_SCHEMA },
	{ .method = NULL },
};
