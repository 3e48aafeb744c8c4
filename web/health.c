/* SPDX-License-Identifier: Apache-2.0
 * /healthz and /readyz for whoever watches the watcher, and /openapi.json. Engine thread: an engine that hangs is neither
 * healthy nor ready, and the web thread says so by itself after two seconds. */
#include "web/server.h"

static void healthz(struct request *r)
{
	request_reply_json(r, 200, json_pack("{s:s}", "status", "ok"));
}

static void readyz(struct request *r)
{
	struct store_figures figures;
	struct store *store = request_station(r)->store;
	store->impl->figures(store, &figures);
	if (figures.fault)
		request_reply_json(r, 503, json_pack("{s:s, s:[s]}", "status", "fault", "reasons", figures.fault_text));
	else
		request_reply_json(r, 200, json_pack("{s:s, s:[]}", "status", "ready", "reasons"));
}

static void openapi(struct request *r)
{
	if (!r->web->openapi)
		r->web->openapi = openapi_text(r->web);
	request_reply_text(r, 200, "application/json", r->web->openapi);
}

#define STATUS "{\"type\":\"object\",\"properties\":{\"status\":{\"type\":\"string\"}}}"
const struct route health_routes[] = {
	{ .method = "GET",
	  .pattern = "/healthz",
	  .flags = ROUTE_OPEN | ROUTE_BARE,
	  .handle = healthz,
	  .doc = "The engine turns.",
	  .answer = STATUS },
	{ .method = "GET",
	  .pattern = "/readyz",
	  .flags = ROUTE_OPEN | ROUTE_BARE,
	  .handle = readyz,
	  .doc = "The station can do its work: 503 with reasons when not.",
	  .answer = STATUS },
	{ .method = "GET",
	  .pattern = "/openapi.json",
	  .flags = ROUTE_OPEN | ROUTE_BARE,
	  .handle = openapi,
	  .doc = "This description.",
	  .answer = "{\"type\":\"object\"}" },
	{ .method = NULL },
};
