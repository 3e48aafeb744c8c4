/* SPDX-License-Identifier: Apache-2.0
 * /types: the slot tables, complete enough that a client draws any sheet from them. Types are constant: so is the
 * answer. Engine thread. */
#include "web/request.h"

static void list_types(struct request *r)
{
	json_t *items = json_array();
	for (const struct type *const *t = request_station(r)->types; *t; t++)
		json_array_append_new(items, type_to_json(*t));
	request_reply_json(r, 200, json_pack("{s:o}", "items", items));
}

static void get_type(struct request *r)
{
	const struct type *t = type_find(request_station(r)->types, request_param(r, "name"));
	if (t)
		request_reply_json(r, 200, type_to_json(t));
	else
		request_reply_code(r, E_NOT_FOUND, "There is no type \"%.80s\".", request_param(r, "name"));
}

const struct route type_routes[] = {
	{ .method = "GET", .pattern = "/types", .role = ROLE_VIEWER, .handle = list_types, .doc = "All types with their slots, actions and topics.",
	  .answer = "{\"type\":\"object\",\"properties\":{\"items\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/Type\"}}}}" },
	{ .method = "GET", .pattern = "/types/{name}", .role = ROLE_VIEWER, .handle = get_type, .doc = "One type.",
	  .answer = "{\"$ref\":\"#/components/schemas/Type\"}" },
	{ .method = NULL },
};
