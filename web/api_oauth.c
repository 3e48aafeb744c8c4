/* SPDX-License-Identifier: Apache-2.0
 * /oauth/callback: what the browser has brought back from an authorization server, handed over by the page of that name.
 * Engine thread. */
#include "services/email/oauth/oauth.h"
#include "web/request.h"

/* A member of the body that is a text; "" without. */
static const char *text(const json_t *body, const char *name)
{
	const char *value = json_string_value(json_object_get(body, name));
	return value ? value : "";
}

static void connected(void *context, int code, const struct err *e, const char *path)
{
	struct request *r = context;
	if (code != 0)
		request_reply_error(r, e);
	else
		request_reply_json(r, 200, json_pack("{s:s}", "path", path));
}

static void callback(struct request *r)
{
	const json_t *body = request_body(r);
	if (!request_string(r, "state"))
		return;
	struct oauth_redirect redirect = { text(body, "state"), text(body, "code"), text(body, "iss"), text(body, "error"),
		                               text(body, "error_description") };
	oauth_redirected(request_station(r), &redirect, connected, r);
}

#define TEXT "{\"type\":\"string\"}"
const struct route oauth_routes[] = {
	{ .method = "POST",
	  .pattern = "/oauth/callback",
	  .role = ROLE_ADMIN,
	  .handle = callback,
	  .doc = "Ends an authorization with what the authorization server has sent along with the browser; answers which "
	         "authenticator is connected now.",
	  .body = "{\"type\":\"object\",\"required\":[\"state\"],\"properties\":{\"state\":" TEXT ",\"code\":" TEXT
	          ",\"iss\":" TEXT ",\"error\":" TEXT ",\"error_description\":" TEXT "}}",
	  .answer = "{\"type\":\"object\",\"properties\":{\"path\":" TEXT "}}" },
	{ .method = NULL },
};
