/* SPDX-License-Identifier: Apache-2.0
 * /ack: the page that the link in an alarm mail opens. The token travels in bodies only, never in an address that a log or a
 * link scanner sees. Engine thread. */
#include "services/email/ack/ack_link.h"
#include "web/request.h"
#include "web/schema.h"

static void look(struct request *r)
{
	const char *token = request_string(r, "token");
	struct err e = { 0 };
	json_t *json = token ? ack_link_look(request_station(r), token, request_actor(r)->from, &e) : NULL;
	if (json)
		request_reply_json(r, 200, json);
	else if (token)
		request_reply_error(r, &e);
}

static void acknowledged(void *context, int code, const struct err *e)
{
	if (code == 0)
		request_reply_empty(context, 204);
	else
		request_reply_error(context, e);
}

static void acknowledge(struct request *r)
{
	const char *token = request_string(r, "token");
	if (token)
		ack_link_use(request_station(r), token, request_actor(r)->from, acknowledged, r);
}

/* clang-format off */
#define TOKEN "{\"type\":\"object\",\"required\":[\"token\"],\"properties\":{\"token\":{\"type\":\"string\"}}}"
/* clang-format on */

const struct route ack_routes[] = {
	{ .method = "POST",
	  .pattern = "/ack/look",
	  .flags = ROUTE_OPEN | ROUTE_NO_CSRF | ROUTE_LOGIN,
	  .handle = look,
	  .doc = "The alarm that the link in a mail is about. Changes nothing.",
	  .body = TOKEN,
	  .answer =
	      "{\"type\":\"object\",\"properties\":{" TEXT("uuid") "," TEXT("source") "," TEXT("sourceState") "," TEXT(
	          "ackState") "," TEXT("timestamp") "," TEXT("text") ",\"loginNeeded\":{\"type\":\"boolean\"}}}" },
	{ .method = "POST",
	  .pattern = "/ack",
	  .flags = ROUTE_OPEN | ROUTE_NO_CSRF | ROUTE_LOGIN,
	  .handle = acknowledge,
	  .doc = "Acknowledges with the token of a mail, where the station allows that without login.",
	  .body = TOKEN },
	{ 0 },
};
