/* SPDX-License-Identifier: Apache-2.0
 * /types: the slot tables, complete enough that a client draws any sheet from them. Types are constant while the station
 * runs, so a client that has the answer already hears 304. Engine thread. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "web/server.h"

/* Answers with an ETag over the bytes; who has them hears 304. */
static void reply_constant(struct request *r, const char *text)
{
	unsigned char hash[16];
	char hex[2 * sizeof hash + 1], etag[sizeof hex + 2];
	crypto_generichash(hash, sizeof hash, (const unsigned char *)text, strlen(text), NULL, 0);
	sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
	snprintf(etag, sizeof etag, "\"%s\"", hex);
	request_reply_header(r, "ETag", etag);
	request_reply_text(r, 200, "application/json", text);
}

/* Takes json; owned text. */
static char *text_of(json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	must(text != NULL);
	return text;
}

static char *all_types(const struct type *const *types)
{
	json_t *items = json_array();
	for (const struct type *const *t = types; *t; t++)
		json_array_append_new(items, type_to_json(*t));
	return text_of(json_pack("{s:o}", "items", items));
}

static void list_types(struct request *r)
{
	if (!r->web->types) /* making it takes longer than the engine likes to spend on one message */
		r->web->types = all_types(request_station(r)->types);
	reply_constant(r, r->web->types);
}

static void get_type(struct request *r)
{
	const struct type *t = type_find(request_station(r)->types, request_param(r, "name"));
	if (!t) {
		request_reply_code(r, E_NOT_FOUND, "There is no type \"%.80s\".", request_param(r, "name"));
		return;
	}
	char *text = text_of(type_to_json(t));
	reply_constant(r, text);
	free(text);
}

const struct route type_routes[] = {
	{ .method = "GET",
	  .pattern = "/types",
	  .role = ROLE_VIEWER,
	  .handle = list_types,
	  .doc = "All types with their slots, actions and topics.",
	  .answer = "{\"type\":\"object\",\"properties\":{\"items\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/"
	            "schemas/Type\"}}}}" },
	{ .method = "GET",
	  .pattern = "/types/{name}",
	  .role = ROLE_VIEWER,
	  .handle = get_type,
	  .doc = "One type.",
	  .answer = "{\"$ref\":\"#/components/schemas/Type\"}" },
	{ .method = NULL },
};
