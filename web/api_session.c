/* SPDX-License-Identifier: Apache-2.0
 * /session, /sessions, /tokens and /setup: logging in and out, who am I, where else am I logged in, tokens for programs,
 * the first administrator. Engine thread. */
#include <string.h>

#include "services/user/user.h"
#include "web/request.h"
#include "web/schema.h"
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

/* --- logging in and out ------------------------------------------------------------------------------------------------ */

static void replaced(void *context, int code, const struct err *e, const char *text)
{
	(void)context, (void)code, (void)e, (void)text;
}

/* Who logs in again has no use for the session of before. */
static void end_old_session(struct request *r)
{
	const char *old = request_cookie(r), *csrf;
	struct actor actor;
	if (!old || user_resolve_session(request_station(r), old, &actor, &csrf) != 0)
		return;
	snprintf(actor.from, sizeof actor.from, "%s", from(r));
	user_log_out(request_station(r), old, &actor, replaced, NULL);
}

/* The session is on disk: tells who it is, with the cookie. */
static void logged_in(void *context, int code, const struct err *e, const char *cookie)
{
	struct request *r = context;
	struct actor actor;
	const char *csrf;
	if (code != 0) {
		request_reply_error(r, e);
		return;
	}
	end_old_session(r);
	if (user_resolve_session(request_station(r), cookie, &actor, &csrf) != 0) {
		request_reply_code(r, E_UNAUTHORIZED, "The user has changed in this very moment; log in again.");
		return;
	}
	set_cookie(r, cookie);
	request_reply_json(r, 200, user_session_json(request_station(r), &actor, csrf));
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

/* 204, or the error. */
static void ended(void *context, int code, const struct err *e, const char *text)
{
	(void)text;
	struct request *r = context;
	if (code != 0)
		request_reply_error(r, e);
	else
		request_reply_empty(r, 204);
}

static void log_out(struct request *r)
{
	const char *cookie = request_cookie(r);
	if (!cookie || strcmp(request_actor(r)->via, "session") != 0) {
		request_reply_code(r, E_BAD_REQUEST, "There is no session to end: this request came with a token.");
		return;
	}
	set_cookie(r, NULL);
	user_log_out(request_station(r), cookie, request_actor(r), ended, r);
}

/* The sheet speaks of the user's "name"; the request had "username". */
static void set_up_ended(void *context, int code, const struct err *e, const char *cookie)
{
	struct err renamed;
	if (code != 0 && strcmp(e->slot, "name") == 0) {
		err_set(&renamed, e->code, "username", "%s", e->text);
		e = &renamed;
	}
	logged_in(context, code, e, cookie);
}

static void set_up(struct request *r)
{
	struct first_user first = { .token = request_string(r, "token") };
	first.name = first.token ? request_string(r, "username") : NULL;
	first.password = first.name ? request_string(r, "password") : NULL;
	first.email = json_string_value(json_object_get(request_body(r), "email"));
	if (!first.password)
		return;
	if (!first.email)
		first.email = "";
	user_set_up(request_station(r), &first, from(r), request_header(r, "User-Agent"), set_up_ended, r);
}

/* --- sessions and tokens ------------------------------------------------------------------------------------------------ */

static void list_sessions(struct request *r)
{
	const char *own = strcmp(request_actor(r)->via, "session") == 0 ? request_cookie(r) : NULL;
	request_reply_json(r, 200,
	                   json_pack("{s:o}", "items", user_sessions_json(request_station(r), request_actor(r), own)));
}

static void end_session(struct request *r)
{
	user_session_end(request_station(r), request_actor(r), request_param(r, "id"), ended, r);
}

static void list_tokens(struct request *r)
{
	request_reply_page(r, user_tokens_json(request_station(r), request_actor(r)), NULL);
}

static void token_made(void *context, int code, const struct err *e, const char *token)
{
	struct request *r = context;
	if (code != 0) {
		request_reply_error(r, e);
		return;
	}
	json_t *row = user_token_json(request_station(r), token);
	json_object_set_new(row, "token", json_string(token));
	request_reply_json(r, 201, row);
}

static void add_token(struct request *r)
{
	const char *label = request_string(r, "name");
	if (!label)
		return;
	const json_t *days = json_object_get(request_body(r), "days");
	json_int_t n = json_integer_value(days);
	if (strcmp(request_actor(r)->via, "session") != 0)
		request_reply_code(r, E_FORBIDDEN,
		                   "A token cannot make further tokens; log in with a password, or use belfry token add.");
	else if (days && !json_is_integer(days))
		request_reply_code(r, E_BAD_REQUEST, "days must be a whole number.");
	else
		user_token_add(request_station(r), request_actor(r), request_actor(r)->user, label,
		               n < 0 || n > 1000000 ? -1 : (int)n, token_made, r);
}

static void end_token(struct request *r)
{
	user_token_end(request_station(r), request_actor(r), request_param(r, "id"), ended, r);
}

/* --- the table ------------------------------------------------------------------------------------------------------- */

#define SESSION_SCHEMA "{\"$ref\":\"#/components/schemas/Session\"}"
#define TIME(name) "\"" name "\":{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}"
#define LIST(properties)                                                                                               \
	"{\"type\":\"object\",\"properties\":{\"items\":{\"type\":\"array\",\"items\":{\"type\":\"object\","               \
	"\"properties\":{" properties "}}}}}"
#define TOKEN_ROW                                                                                                      \
	TEXT("id") "," TEXT("user") "," TEXT("name") "," TIME("created") "," TIME("expires") "," TIME("lastUsed")
const struct route session_routes[] = {
	{ .method = "POST",
	  .pattern = "/session",
	  .flags = ROUTE_OPEN | ROUTE_NO_CSRF | ROUTE_LOGIN,
	  .handle = log_in,
	  .doc = "Logs in: sets the session cookie and answers who you are, with the CSRF value that changes must carry.",
	  .body = "{\"type\":\"object\",\"required\":[\"username\",\"password\"],\"properties\":{" TEXT(
	      "username") "," TEXT("password") "," TEXT("code") "}}",
	  .answer = SESSION_SCHEMA },
	{ .method = "GET",
	  .pattern = "/session",
	  .role = ROLE_VIEWER,
	  .handle = who_am_i,
	  .doc = "Who am I, what may I do.",
	  .answer = SESSION_SCHEMA },
	{ .method = "DELETE", .pattern = "/session", .role = ROLE_VIEWER, .handle = log_out, .doc = "Logs out." },
	{ .method = "POST",
	  .pattern = "/setup",
	  .flags = ROUTE_OPEN | ROUTE_NO_CSRF | ROUTE_LOGIN,
	  .handle = set_up,
	  .doc = "First start: makes the first administrator with the token of the one-time link, and logs in.",
	  .body = "{\"type\":\"object\",\"required\":[\"token\",\"username\",\"password\"],\"properties\":{" TEXT(
	      "token") "," TEXT("username") "," TEXT("password") "," TEXT("email") "}}",
	  .answer = SESSION_SCHEMA },
	{ .method = "GET",
	  .pattern = "/sessions",
	  .role = ROLE_VIEWER,
	  .handle = list_sessions,
	  .doc = "Where you are logged in; an administrator sees everybody.",
	  .answer = LIST(TEXT("id") "," TEXT("user") "," TEXT("address") "," TEXT("agent") "," TIME("created") "," TIME(
	      "lastUsed") ",\"current\":{\"type\":\"boolean\"}") },
	{ .method = "DELETE",
	  .pattern = "/sessions/{id}",
	  .role = ROLE_VIEWER,
	  .handle = end_session,
	  .doc = "Ends a session of yours; an administrator any." },
	{ .method = "GET",
	  .pattern = "/tokens",
	  .role = ROLE_VIEWER,
	  .handle = list_tokens,
	  .doc = "Your tokens; an administrator sees everybody's.",
	  .answer = LIST(TOKEN_ROW) },
	{ .method = "POST",
	  .pattern = "/tokens",
	  .role = ROLE_VIEWER,
	  .handle = add_token,
	  .doc = "Makes a bearer token with your rights; the answer shows it once. days: when it ends, 0 or absent: never.",
	  .body = "{\"type\":\"object\",\"required\":[\"name\"],\"properties\":{" TEXT(
	      "name") ",\"days\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":36500}}}",
	  .answer = "{\"type\":\"object\",\"properties\":{" TOKEN_ROW "," TEXT("token") "}}" },
	{ .method = "DELETE",
	  .pattern = "/tokens/{id}",
	  .role = ROLE_VIEWER,
	  .handle = end_token,
	  .doc = "Ends a token of yours; an administrator any." },
	{ .method = NULL },
};
