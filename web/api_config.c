/* SPDX-License-Identifier: Apache-2.0
 * The configuration as text over REST: GET /config, POST /config. What it holds and means is station/config/config.h's.
 * Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/config/config.h"
#include "web/api_inside.h"

static void get_config(struct request *r)
{
	struct station *s = request_station(r);
	const char *path = request_query(r, "path");
	const struct component *top = station_by_path(s, path ? path : "/");
	if (!top) {
		request_reply_code(r, E_NOT_FOUND, "There is no component at %.200s.", path);
		return;
	}
	json_t *config = config_export(s, top);
	char *text = config_print(config);
	request_reply_header(r, "Content-Disposition", "attachment; filename=\"belfry-config.json\"");
	request_reply_text(r, 200, "application/json", text);
	free(text);
	json_decref(config);
}

struct importing {
	struct request *request;
	json_t *diff; /* owned */
	struct version_brief brief;
	bool dry;
};

static void imported(void *context, int code, const struct report *report, uint64_t added)
{
	(void)added;
	struct importing *im = context;
	if (code != 0) {
		json_decref(im->diff);
		request_reply_report(im->request, code, report);
	} else {
		json_t *json =
		    json_pack("{s:b, s:o, s:o, s:s}", "dryRun", im->dry, "changes", im->diff ? im->diff : json_array(),
		              "warnings", warnings_json(report), "summary", im->brief.summary);
		json_object_set_new(json, "version",
		                    im->dry || !im->brief.number ? json_null() : json_integer(im->brief.number));
		request_reply_json(im->request, 200, json);
	}
	free(im);
}

/* The body is a configuration, or {config, secrets?, reason?}. */
static void post_config(struct request *r)
{
	const json_t *body = request_body(r), *inner = json_object_get(body, "config"), *config = inner ? inner : body;
	const char *dry = request_query(r, "dryRun"), *reason = json_string_value(json_object_get(body, "reason"));
	struct batch *b = batch_new(request_station(r), request_actor(r));
	struct err e = { 0 };
	if (config_import(b, request_station(r), config, inner ? json_object_get(body, "secrets") : NULL, &e) != 0) {
		batch_free(&b);
		request_reply_error(r, &e);
		return;
	}
	struct importing *im = must_alloc(sizeof *im);
	*im = (struct importing){ .request = r, .dry = dry && strcmp(dry, "true") == 0 };
	batch_kind(b, "import");
	batch_reason(b, inner && reason ? reason : request_query(r, "reason") ? request_query(r, "reason") : "");
	batch_tell_diff(b, &im->diff);
	batch_tell_version(b, &im->brief);
	if (im->dry)
		batch_dry_run(b);
	batch_submit(b, imported, im);
}

const struct route config_routes[] = {
	{ .method = "GET",
	  .pattern = "/config",
	  .role = ROLE_ADMIN,
	  .handle = get_config,
	  .query = "path",
	  .doc = "The configuration as text: deterministic, without live values; secrets stand in it as references.",
	  .answer = "{\"type\":\"object\"}" },
	{ .method = "POST",
	  .pattern = "/config",
	  .role = ROLE_ADMIN,
	  .flags = ROUTE_CONFIG,
	  .handle = post_config,
	  .query = "dryRun,reason",
	  .doc =
	      "Makes the station what this configuration says, all or nothing; with dryRun=true only says what would "
	      "change. The body is what GET gives, or {config, secrets, reason}: secrets maps references to plain texts.",
	  .body = "{\"type\":\"object\"}",
	  .answer =
	      "{\"type\":\"object\",\"properties\":{\"dryRun\":{\"type\":\"boolean\"},\"changes\":{\"type\":\"array\","
	      "\"items\":{\"type\":\"object\"}},\"version\":{\"type\":[\"integer\",\"null\"]}}}" },
	{ .method = NULL },
};
