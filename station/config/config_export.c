/* SPDX-License-Identifier: Apache-2.0
 * The tree as text: see config.h. */
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/config/config.h"
#include "station/config/config_inside.h"
#include "station/link/link_cover.h"
#include "station/station.h"

bool config_is_linked(const struct component *c, const char *slot)
{
	for (const struct link *l = c->extra ? c->extra->links : NULL; l; l = l->next)
		if (l->enabled && strcmp(l->targetSlot, slot) == 0)
			return true;
	return false;
}

bool config_holds(const struct slot *slot)
{
	bool own_business = slot->flags & SLOT_READONLY && !(slot->flags & SLOT_DYNAMIC);
	return slot->kind != V_COMPONENT && !own_business && !(slot->flags & SLOT_TRANSIENT);
}

json_t *config_value(const struct component *c, const struct slot *slot)
{
	struct value v, dflt = value_default(slot);
	struct row_room room;
	slot_stored(slot, c, &v);
	json_t *json = NULL;
	if (value_equal(&v, &dflt)) {
		/* as the type has it: not written */
	} else if (slot->flags & SLOT_JSON) {
		json = json_loads(v.text, 0, NULL);
	} else if (slot->kind == V_SECRET) {
		char *path = component_path(c), *reference = must_format("%s/%s", path, slot->name);
		json = json_pack("{s:s}", "secret", reference);
		free(reference);
		free(path);
	} else {
		json = value_to_json(component_row(c, slot, &room), &v);
		row_room_finish(&room);
	}
	value_clear(&v);
	value_clear(&dflt);
	return json;
}

static json_t *values_of(const struct component *c)
{
	json_t *values = json_object();
	const struct slot *slot;
	for (struct slot_walk w = component_walk(c); (slot = slot_next(&w));) {
		json_t *json = config_holds(slot) && !config_is_linked(c, slot->name) ? config_value(c, slot) : NULL;
		if (json)
			json_object_set_new(values, slot->name, json);
	}
	for (slot = component_extra_slots; slot->name; slot++) {
		json_t *json = config_value(c, slot);
		if (json)
			json_object_set_new(values, slot->name, json);
	}
	return values;
}

static json_t *link_of(const struct link *l, struct station *s)
{
	const struct component *source = station_by_handle(s, l->source);
	char *path = source ? component_path(source) : must_strdup("");
	json_t *json = json_pack("{s:s, s:s, s:s, s:s}", "name", l->name, "source", path, "sourceSlot", l->sourceSlot,
	                         "targetSlot", l->targetSlot);
	if (!l->enabled)
		json_object_set_new(json, "enabled", json_false());
	free(path);
	return json;
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const struct link *const *)a)->name, (*(const struct link *const *)b)->name);
}

/* By name: the order in which links were made says nothing, and a restart does not keep it. */
json_t *config_links(const struct component *c)
{
	json_t *json = json_array();
	size_t n = 0, i = 0;
	for (const struct link *l = c->extra ? c->extra->links : NULL; l; l = l->next)
		n++;
	const struct link **links = must_alloc((n + 1) * sizeof *links);
	for (const struct link *l = n ? c->extra->links : NULL; l; l = l->next)
		links[i++] = l;
	qsort(links, n, sizeof *links, by_name);
	for (i = 0; i < n; i++)
		json_array_append_new(json, link_of(links[i], c->station));
	free(links);
	return json;
}

static void put(json_t *node, const char *name, json_t *part)
{
	if (json_object_size(part) || json_array_size(part))
		json_object_set_new(node, name, part);
	else
		json_decref(part);
}

static json_t *node_of(const struct component *c)
{
	json_t *node = json_pack("{s:s, s:s}", "name", c->name, "type", c->type->name), *children = json_array();
	if (c->extra && c->extra->displayName)
		json_object_set_new(node, "displayName", json_string(c->extra->displayName));
	for (const struct component *child = c->first; child; child = child->next)
		json_array_append_new(children, node_of(child));
	put(node, "values", values_of(c));
	put(node, "links", config_links(c));
	put(node, "children", children);
	return node;
}

json_t *config_export(struct station *s, const struct component *top)
{
	station_assert_engine(s);
	char *path = component_path(top);
	json_t *config = json_pack("{s:i, s:s, s:o}", "belfry", CONFIG_FORMAT, "path", path, "root", node_of(top));
	free(path);
	return config;
}

char *config_print(const json_t *config)
{
	char *text = json_dumps(config, JSON_INDENT(1) | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
	must(text != NULL);
	char *lines = must_format("%s\n", text);
	free(text);
	return lines;
}
