/* SPDX-License-Identifier: Apache-2.0
 * Links and wire sheets over REST: the links into and out of a component, and a folder's children with all links among
 * them, as the wire sheet draws them. Changes are batches. Engine thread. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/link/link.h"
#include "station/tree/ord.h"
#include "web/api_inside.h"
#include "web/schema.h"

static void put(json_t *object, const char *name, json_t *value)
{
	must(json_object_set_new(object, name, value) == 0);
}

static void put_end(json_t *json, const char *ord_name, const char *handle_name, const struct component *c)
{
	char handle[20], *ord = component_ord(c);
	snprintf(handle, sizeof handle, "%" PRIx64, c->handle);
	put(json, ord_name, json_string(ord));
	put(json, handle_name, json_string(handle));
	free(ord);
}

/* What happens to the value on the way; null when it stays as it is. */
static json_t *conversion_json(const struct link *l)
{
	if (!l->conversion || l->from->row->kind == l->row->kind)
		return json_null();
	json_t *json = json_pack("{s:s, s:s}", "from", kind_name(l->from->row->kind), "to", kind_name(l->row->kind));
	if (conversion_loss(l->conversion))
		put(json, "loss", json_string(conversion_loss(l->conversion)));
	return json;
}

static json_t *link_to_json(const struct link *l)
{
	char why[512];
	const char *trouble = link_trouble(l, why, sizeof why);
	json_t *json = json_pack("{s:s, s:s, s:s, s:b, s:b}", "name", l->name, "sourceSlot", l->sourceSlot, "targetSlot",
	                         l->targetSlot, "enabled", l->enabled, "valid", trouble == NULL);
	put_end(json, "source", "sourceHandle", l->from->component);
	put_end(json, "target", "targetHandle", l->target);
	put(json, "conversion", conversion_json(l));
	if (trouble)
		put(json, "reason", json_string(trouble));
	return json;
}

/* --- the links of a component ------------------------------------------------------------------------------------- */

static void links_in(json_t *items, const struct component *c)
{
	for (const struct link *l = c->extra ? c->extra->links : NULL; l; l = l->next)
		json_array_append_new(items, link_to_json(l));
}

/* Without those to children of `but`. */
static void links_out(json_t *items, const struct component *c, const struct component *but)
{
	for (const struct link *l = links_from(c); l; l = link_next_from(l))
		if (!but || l->target->parent != but)
			json_array_append_new(items, link_to_json(l));
}

static void list_links(struct request *r)
{
	struct component *c = request_component(r);
	const char *direction = request_query(r, "direction");
	if (!c)
		return;
	bool in = !direction || strcmp(direction, "in") == 0, out = direction && strcmp(direction, "out") == 0,
	     both = direction && strcmp(direction, "both") == 0;
	if (!in && !out && !both) {
		request_reply_code(r, E_BAD_REQUEST, "direction is in, out or both.");
		return;
	}
	json_t *items = json_array();
	if (in || both)
		links_in(items, c);
	if (out || both)
		links_out(items, c, NULL);
	request_reply_page(r, items, NULL);
}

/* --- changes ------------------------------------------------------------------------------------------------------ */

struct linking {
	struct request *request;
	uint64_t target;
	char *name; /* owned; NULL: the newest */
	int http;
};

static void linked(void *context, int code, const struct report *report, uint64_t added)
{
	(void)added;
	struct linking *p = context;
	struct component *c = station_by_handle(request_station(p->request), p->target);
	const struct link *l = c && c->extra ? c->extra->links : NULL;
	while (l && (p->name ? strcmp(l->name, p->name) != 0 : l->next != NULL))
		l = l->next;
	if (code != 0) {
		request_reply_report(p->request, code, report);
	} else if (l) {
		if (p->http == 201)
			reply_location(p->request, c, "/links/", l->name);
		request_reply_json(p->request, p->http, link_to_json(l));
	} else {
		request_reply_empty(p->request, 204);
	}
	free(p->name);
	free(p);
}

static void submit(struct request *r, struct batch *b, const struct component *c, const char *name, int http)
{
	struct linking *p = must_alloc(sizeof *p);
	*p = (struct linking){ r, c->handle, name ? must_strdup(name) : NULL, http };
	batch_submit(b, linked, p);
}

static void add_link(struct request *r)
{
	struct component *c = request_component(r);
	const char *source = c ? request_string(r, "source") : NULL,
	           *from = source ? request_string(r, "sourceSlot") : NULL;
	const char *to = from ? request_string(r, "targetSlot") : NULL;
	if (!to)
		return;
	struct batch *b = batch_new(request_station(r), request_actor(r));
	batch_link(b, c->handle, json_string_value(json_object_get(request_body(r), "name")), source, from, to);
	submit(r, b, c, NULL, 201);
}

static void patch_link(struct request *r)
{
	struct component *c = request_component(r);
	const json_t *enabled = c ? json_object_get(request_body(r), "enabled") : NULL;
	if (!c)
		return;
	if (!json_is_boolean(enabled)) {
		request_reply_code(r, E_BAD_REQUEST, "The body must be an object with the member enabled, true or false.");
		return;
	}
	struct batch *b = batch_new(request_station(r), request_actor(r));
	batch_link_enable(b, c->handle, request_param(r, "name"), json_is_true(enabled));
	submit(r, b, c, request_param(r, "name"), 200);
}

static void delete_link(struct request *r)
{
	struct component *c = request_component(r);
	if (!c)
		return;
	struct batch *b = batch_new(request_station(r), request_actor(r));
	batch_unlink(b, c->handle, request_param(r, "name"));
	batch_answer(r, b, 0, 204);
}

/* --- the wire sheet ----------------------------------------------------------------------------------------------- */

enum { BOXES_MAX = 1000 };

static json_t *box_to_json(const struct component *c)
{
	json_t *json = component_to_json(c, 0);
	const char *at = c->extra && c->extra->wsAnnotation ? c->extra->wsAnnotation : "";
	int x, y;
	if (sscanf(at, "%d,%d", &x, &y) == 2)
		put(json, "position", json_pack("{s:i, s:i}", "x", x, "y", y));
	return json;
}

static void get_wiresheet(struct request *r)
{
	struct component *c = request_component(r);
	if (!c)
		return;
	json_t *items = json_array(), *links = json_array();
	const struct component *child = c->first;
	for (size_t n = 0; child && n < BOXES_MAX; child = child->next, n++) {
		json_array_append_new(items, box_to_json(child));
		links_in(links, child);
		links_out(links, child, c);
	}
	request_reply_json(r, 200, json_pack("{s:o, s:o, s:b}", "items", items, "links", links, "more", child != NULL));
}

/* One end of a link that is being drawn; the other is every slot of the sheet. */
struct drawing {
	struct component *component;
	const char *slot;
	bool forward; /* that end is the source */
	json_t *items;
};

static void try_slot(struct drawing *d, struct component *c, const char *slot)
{
	struct err e = { 0 };
	char handle[20];
	int rc =
	    d->forward ? link_check(d->component, d->slot, c, slot, &e) : link_check(c, slot, d->component, d->slot, &e);
	snprintf(handle, sizeof handle, "%" PRIx64, c->handle);
	json_t *json = json_pack("{s:s, s:s, s:b}", "handle", handle, "slot", slot, "legal", rc == 0);
	if (rc != 0)
		put(json, "reason", json_string(e.text));
	json_array_append_new(d->items, json);
}

static void try_component(struct drawing *d, struct component *c)
{
	const struct slot *slot;
	for (struct slot_walk w = component_walk(c); (slot = slot_next(&w));)
		if (slot->kind != V_COMPONENT && slot->kind != V_SECRET &&
		    !(component_flags_of(c, slot->name, slot->flags) & SLOT_HIDDEN))
			try_slot(d, c, slot->name);
	for (const struct type *t = c->type; t; t = t->base) {
		for (const struct action *a = t->actions; a && a->name; a++)
			try_slot(d, c, a->name);
		for (const struct topic *topic = t->topics; topic && topic->name; topic++)
			try_slot(d, c, topic->name);
	}
}

static void get_ends(struct request *r)
{
	struct component *c = request_component(r);
	const char *source = request_query(r, "source"), *target = request_query(r, "target"),
	           *slot = request_query(r, "slot");
	struct err e = { 0 };
	if (!c)
		return;
	if (!slot || !source == !target) {
		request_reply_code(r, E_BAD_REQUEST, "Name one end of the link: source or target, and its slot.");
		return;
	}
	struct drawing d = { .slot = slot, .forward = source != NULL, .items = json_array() };
	d.component = ord_resolve(request_station(r), NULL, source ? source : target, &e);
	if (!d.component) {
		json_decref(d.items);
		request_reply_error(r, &e);
		return;
	}
	size_t n = 0;
	for (struct component *child = c->first; child && n < BOXES_MAX; child = child->next, n++)
		try_component(&d, child);
	request_reply_page(r, d.items, NULL);
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

#define FLAG(name) "\"" name "\":{\"type\":\"boolean\"}"
#define LIST(name) "\"" name "\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}}"
#define LINK                                                                                                           \
	OBJECT(                                                                                                            \
	    TEXT("name") "," TEXT("source") "," TEXT("sourceHandle") "," TEXT("sourceSlot") "," TEXT("target") "," TEXT(   \
	        "targetHandle") "," TEXT("targetSlot") "," FLAG("enabled") "," FLAG("valid") "," TEXT("reason"))
const struct route link_routes[] = {
	{ .method = "GET",
	  .pattern = "/components/{path...}/links",
	  .role = ROLE_VIEWER,
	  .handle = list_links,
	  .query = "direction",
	  .doc = "Links into a component; direction out: those that leave it, both: all.",
	  .answer = OBJECT(LIST("items")) },
	{ .method = "POST",
	  .pattern = "/components/{path...}/links",
	  .role = ROLE_ADMIN,
	  .handle = add_link,
	  .doc = "Adds a link into a component. It carries its value at once.",
	  .body = OBJECT(TEXT("source") "," TEXT("sourceSlot") "," TEXT("targetSlot") "," TEXT("name")),
	  .answer = LINK },
	{ .method = "PATCH",
	  .pattern = "/components/{path...}/links/{name}",
	  .role = ROLE_ADMIN,
	  .handle = patch_link,
	  .doc = "Switches a link on or off.",
	  .body = OBJECT(FLAG("enabled")),
	  .answer = LINK },
	{ .method = "DELETE",
	  .pattern = "/components/{path...}/links/{name}",
	  .role = ROLE_ADMIN,
	  .handle = delete_link,
	  .doc = "Removes a link." },
	{ .method = "GET",
	  .pattern = "/components/{path...}/wiresheet",
	  .role = ROLE_VIEWER,
	  .handle = get_wiresheet,
	  .doc =
	      "The children of a component with their places on the wire sheet, and all links among them and to outside.",
	  .answer = OBJECT(LIST("items") "," LIST("links") "," FLAG("more")) },
	{ .method = "GET",
	  .pattern = "/components/{path...}/wiresheet/ends",
	  .role = ROLE_VIEWER,
	  .handle = get_ends,
	  .query = "source,target,slot",
	  .doc = "Where a link from this source and slot may lead on the wire sheet, or from where it may come to this "
	         "target; "
	         "and why not.",
	  .answer = OBJECT(LIST("items")) },
	{ .method = NULL },
};
