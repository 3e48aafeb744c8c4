/* SPDX-License-Identifier: Apache-2.0
 * Text into changes of a batch: see config.h. The text is compared with the tree by name and type; links come last, when
 * everything stands that they may lead from. The sheet then validates all of it, so nothing here decides what is legal. */
#include <stdlib.h>
#include <string.h>

#include "station/config.h"
#include "station/config_inside.h"
#include "station/must.h"
#include "station/station.h"

/* A component with links, once the batch has been built. */
struct wiring {
	uint64_t target;
	const json_t *links; /* borrowed from the text; NULL: none */
	char *pointer;       /* owned */
};
struct import {
	struct batch *batch;
	struct station *station;
	const json_t *secrets;
	struct wiring *wirings; /* owned */
	size_t count, capacity;
};

static const char *text_of(const json_t *node, const char *member)
{
	return json_string_value(json_object_get(node, member));
}

static void wrong(struct import *im, const char *pointer, const char *member, const char *format, const char *text)
{
	batch_at(im->batch, pointer);
	report_error(batch_report(im->batch), E_INVALID, member, format,
	             text); /* NOLINT(clang-diagnostic-format-nonliteral) */
}

static void wire_later(struct import *im, uint64_t target, const json_t *links, const char *pointer)
{
	if (im->count == im->capacity) {
		im->capacity = im->capacity ? 2 * im->capacity : 64;
		im->wirings = must_realloc(im->wirings, im->capacity * sizeof *im->wirings);
	}
	im->wirings[im->count++] = (struct wiring){ target, links, must_strdup(pointer) };
}

/* --- secrets ---------------------------------------------------------------------------------------------------- */

/* The sealed text that a reference leads to in this station; NULL: none is set there. Owned. */
static char *sealed_at(struct import *im, const char *reference)
{
	const char *slash = strrchr(reference, '/');
	if (!slash)
		return NULL;
	char *path = must_strndup(reference, (size_t)(slash - reference));
	const struct component *c = station_by_path(im->station, path);
	const struct slot *slot = c ? component_slot(c, slash + 1) : NULL;
	struct value v = VALUE_NULL;
	free(path);
	if (slot && slot->kind == V_SECRET)
		slot_read(slot, c, &v);
	char *sealed = v.kind == V_SECRET && *v.text ? must_strdup(v.text) : NULL;
	value_clear(&v);
	return sealed;
}

/* A reference becomes the plain text that was given for it (into values), the sealed one that stands there (into the
 * batch), or an error. */
static void take_secret(struct import *im, uint64_t handle, const char *slot, const char *reference, json_t *values,
                        const char *pointer)
{
	const char *plain = text_of(im->secrets, reference);
	char *sealed = plain ? NULL : sealed_at(im, reference), *at = must_format("%s/values", pointer);
	if (plain) {
		json_object_set_new(values, slot, json_string(plain));
	} else if (sealed) {
		struct value v = { .kind = V_SECRET, .text = sealed };
		batch_set(im->batch, handle, slot, &v);
	} else {
		wrong(im, at, slot, "This station has no secret at %.200s: give it with the import.", reference);
	}
	if (sealed)
		explicit_bzero(sealed, strlen(sealed));
	free(sealed);
	free(at);
}

/* The values of a node but for its references; those are taken on the way. New reference. */
static json_t *without_secrets(struct import *im, uint64_t handle, const struct component *live, const json_t *values,
                               const char *pointer)
{
	json_t *plain = json_object();
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)values, name, value)
	{
		const char *reference = json_is_object(value) && json_object_size(value) == 1 ? text_of(value, "secret") : NULL;
		json_t *now = NULL;
		const struct slot *slot = live ? component_slot(live, name) : NULL;
		if (slot && config_holds(slot))
			now = config_value(live, slot);
		if (now && json_equal(now, value)) {
			/* as it is, secret or not */
		} else if (reference) {
			take_secret(im, handle, name, reference, plain, pointer);
		} else {
			json_object_set(plain, name, value);
		}
		json_decref(now);
	}
	return plain;
}

/* --- components that are there ---------------------------------------------------------------------------------- */

static void add_default(const struct component *c, const struct slot *slot, const json_t *wanted, json_t *changes)
{
	if (!config_holds(slot) || slot->kind == V_SECRET || json_object_get(wanted, slot->name) ||
	    config_is_linked(c, slot->name))
		return;
	json_t *now = config_value(c, slot);
	if (now) {
		struct value dflt = value_default(slot);
		json_object_set_new(changes, slot->name, value_to_json(slot, &dflt));
		value_clear(&dflt);
	}
	json_decref(now);
}

/* What the text no longer names goes back to its default. A secret stays: a text without it may be of another hand. */
static void add_defaults(const struct component *c, const json_t *wanted, json_t *changes)
{
	const struct slot *slot;
	for (struct slot_walk w = slot_walk(c->type); (slot = slot_next(&w));)
		add_default(c, slot, wanted, changes);
	for (slot = component_extra_slots; slot->name; slot++)
		add_default(c, slot, wanted, changes);
}

static void change_values(struct import *im, const struct component *c, const json_t *node, const char *pointer)
{
	const json_t *wanted = json_object_get(node, "values");
	char *at = must_format("%s/values", pointer);
	if (wanted && !json_is_object(wanted)) {
		wrong(im, pointer, "values", "An object of property names and values is expected here%s.", "");
		free(at);
		return;
	}
	json_t *changes = without_secrets(im, c->handle, c, wanted, pointer);
	add_defaults(c, wanted, changes);
	batch_at(im->batch, pointer);
	if (json_object_size(changes))
		batch_set_json(im->batch, c->handle, changes, at);
	const char *display = text_of(node, "displayName"),
	           *now = c->extra && c->extra->displayName ? c->extra->displayName : "";
	if (strcmp(display ? display : "", now) != 0)
		batch_display_name(im->batch, c->handle, display ? display : "");
	json_decref(changes);
	free(at);
}

/* Services are the station's, users are people: neither goes because a text does not name them. */
static bool stays(const struct component *c)
{
	for (const struct type *t = c->type; t; t = t->base)
		if (t->flags & TYPE_SINGLETON)
			return true;
	return (c->flags & COMPONENT_FROZEN) || strcmp(c->type->name, "baja:User") == 0;
}

static const json_t *child_named(const json_t *node, const char *name)
{
	size_t i;
	json_t *child;
	json_array_foreach(json_object_get(node, "children"), i,
	                   child) if (text_of(child, "name") && strcmp(text_of(child, "name"), name) == 0) return child;
	return NULL;
}

static bool order_differs(const struct component *c, const json_t *children)
{
	size_t i = 0;
	for (const struct component *child = c->first; child; child = child->next, i++) {
		const char *name = text_of(json_array_get(children, i), "name");
		if (!name || strcmp(name, child->name) != 0)
			return true;
	}
	return i != json_array_size(children);
}

/* Only of those that came to be: whoever could not is told of already. */
static bool there_will_be(struct import *im, const struct component *parent, const char *name)
{
	char *path = component_path(parent), *own = must_format("%s/%s", parent->parent ? path : "", name);
	bool there = batch_find(im->batch, own) != 0;
	free(own);
	free(path);
	return there;
}

static json_t *names_of(struct import *im, const struct component *parent, const json_t *children)
{
	json_t *names = json_array();
	size_t i;
	json_t *child;
	json_array_foreach((json_t *)(uintptr_t)children, i, child)
	{
		const char *name = text_of(child, "name");
		if (name && there_will_be(im, parent, name))
			json_array_append(names, json_object_get(child, "name"));
	}
	return names;
}

static void import_node(struct import *im, struct component *c, const json_t *node, const char *pointer);
static void add_node(struct import *im, uint64_t parent, const char *path, const json_t *node, const char *pointer);

static bool is_node(struct import *im, const json_t *node, const char *pointer)
{
	if (text_of(node, "name") && text_of(node, "type"))
		return true;
	wrong(im, pointer, NULL, "A component with \"name\" and \"type\" is expected here%s.", "");
	return false;
}

static void import_child(struct import *im, struct component *parent, const json_t *node, const char *pointer)
{
	if (!is_node(im, node, pointer))
		return;
	struct component *child = component_child(parent, text_of(node, "name"));
	char *path = component_path(parent);
	if (child && strcmp(child->type->name, text_of(node, "type")) == 0) {
		import_node(im, child, node, pointer);
	} else if (child && (child->flags & COMPONENT_FROZEN)) {
		json_t *values =
		    json_object_get(node, "values") ? json_deep_copy(json_object_get(node, "values")) : json_object();
		json_object_set(values, "type", json_object_get(node, "type"));
		json_t *patch = json_pack("{s:o}", child->name, values);
		batch_set_json(im->batch, parent->handle, patch, pointer);
		json_decref(patch);
	} else {
		if (child)
			batch_remove(im->batch, child->handle);
		add_node(im, parent->handle, path, node, pointer);
	}
	free(path);
}

static void import_children(struct import *im, struct component *c, const json_t *node, const char *pointer)
{
	const json_t *children = json_object_get(node, "children");
	if (children && !json_is_array(children)) {
		wrong(im, pointer, "children", "A list of components is expected here%s.", "");
		return;
	}
	for (struct component *child = c->first; child; child = child->next)
		if (!child_named(node, child->name) && !stays(child))
			batch_remove(im->batch, child->handle);
	bool ordered = order_differs(c, children);
	for (size_t i = 0; i < json_array_size(children); i++) {
		char *at = must_format("%s/children/%zu", pointer, i);
		import_child(im, c, json_array_get(children, i), at);
		free(at);
	}
	if (ordered && json_array_size(children)) {
		json_t *names = names_of(im, c, children);
		batch_at(im->batch, pointer);
		batch_order(im->batch, c->handle, names);
		json_decref(names);
	}
}

static void import_node(struct import *im, struct component *c, const json_t *node, const char *pointer)
{
	change_values(im, c, node, pointer);
	import_children(im, c, node, pointer);
	wire_later(im, c->handle, json_object_get(node, "links"), pointer);
}

/* --- components that are new ------------------------------------------------------------------------------------ */

/* The frozen child of a component that is being added: it is there already, with its defaults. */
static void add_frozen(struct import *im, const char *path, const json_t *node, const char *pointer)
{
	char *own = must_format("%s/%s", strcmp(path, "/") == 0 ? "" : path, text_of(node, "name"));
	uint64_t handle = batch_find(im->batch, own);
	if (handle) {
		char *at = must_format("%s/values", pointer);
		json_t *values = without_secrets(im, handle, NULL, json_object_get(node, "values"), pointer);
		batch_set_json(im->batch, handle, values, at);
		wire_later(im, handle, json_object_get(node, "links"), pointer);
		json_decref(values);
		free(at);
	}
	free(own);
}

static const struct slot *frozen_slot(struct import *im, const json_t *parent, const char *name)
{
	const struct type *type = type_find(im->station->types, text_of(parent, "type"));
	const struct slot *slot = type ? type_slot(type, name) : NULL;
	return slot && slot->kind == V_COMPONENT ? slot : NULL;
}

static void add_children(struct import *im, uint64_t handle, const char *path, const json_t *node, const char *pointer)
{
	size_t i;
	json_t *child;
	json_array_foreach(json_object_get(node, "children"), i, child)
	{
		char *at = must_format("%s/children/%zu", pointer, i);
		const struct slot *slot = is_node(im, child, at) ? frozen_slot(im, node, text_of(child, "name")) : NULL;
		if (!slot && text_of(child, "name")) {
			add_node(im, handle, path, child, at);
		} else if (slot && strcmp(slot->dflt, text_of(child, "type")) == 0) {
			add_frozen(im, path, child, at);
		} else if (slot) {
			json_t *values =
			    json_object_get(child, "values") ? json_deep_copy(json_object_get(child, "values")) : json_object();
			json_object_set(values, "type", json_object_get(child, "type"));
			json_t *patch = json_pack("{s:o}", slot->name, values);
			batch_set_json(im->batch, handle, patch, at);
			json_decref(patch);
		}
		free(at);
	}
}

static void add_node(struct import *im, uint64_t parent, const char *path, const json_t *node, const char *pointer)
{
	char *at = must_format("%s/values", pointer);
	const char *name = text_of(node, "name"), *display = text_of(node, "displayName");
	batch_at(im->batch, pointer);
	uint64_t handle = batch_add(im->batch, parent, name, text_of(node, "type"), NULL, at);
	if (handle) {
		char *own = must_format("%s/%s", strcmp(path, "/") == 0 ? "" : path, name);
		json_t *values = without_secrets(im, handle, NULL, json_object_get(node, "values"), pointer);
		if (json_object_size(values))
			batch_set_json(im->batch, handle, values, at);
		if (display)
			batch_display_name(im->batch, handle, display);
		add_children(im, handle, own, node, pointer);
		wire_later(im, handle, json_object_get(node, "links"), pointer);
		json_decref(values);
		free(own);
	}
	free(at);
}

/* --- links ------------------------------------------------------------------------------------------------------ */

static bool link_wanted(const json_t *links, const json_t *link)
{
	size_t i;
	json_t *other;
	json_array_foreach((json_t *)(uintptr_t)links, i, other) if (json_equal(link, other)) return true;
	return false;
}

static bool link_there(struct import *im, const struct component *c, const json_t *wanted)
{
	for (const struct link *l = c && c->extra ? c->extra->links : NULL; l; l = l->next) {
		json_t *link = config_link(l, im->station);
		bool same = json_equal(link, wanted);
		json_decref(link);
		if (same)
			return true;
	}
	return false;
}

static void unlink_others(struct import *im, const struct component *c, const json_t *links)
{
	for (const struct link *l = c && c->extra ? c->extra->links : NULL; l; l = l->next) {
		json_t *link = config_link(l, im->station);
		if (!link_wanted(links, link))
			batch_unlink(im->batch, c->handle, l->name);
		json_decref(link);
	}
}

static void wire(struct import *im, const struct wiring *w)
{
	struct component *c = station_by_handle(im->station, w->target);
	unlink_others(im, c, w->links);
	for (size_t i = 0; i < json_array_size(w->links); i++) {
		const json_t *link = json_array_get(w->links, i);
		if (link_there(im, c, link))
			continue;
		char *at = must_format("%s/links/%zu", w->pointer, i);
		batch_at(im->batch, at);
		if (text_of(link, "source") && text_of(link, "sourceSlot") && text_of(link, "targetSlot"))
			batch_link(im->batch, w->target, text_of(link, "name"), text_of(link, "source"),
			           text_of(link, "sourceSlot"), text_of(link, "targetSlot"));
		else
			wrong(im, at, NULL, "A link with source, sourceSlot and targetSlot is expected here%s.", "");
		free(at);
	}
}

/* --- the whole -------------------------------------------------------------------------------------------------- */

int config_import(struct batch *b, struct station *s, const json_t *config, const json_t *secrets, struct err *e)
{
	const json_t *format = json_object_get(config, "belfry"), *root = json_object_get(config, "root");
	const char *path = text_of(config, "path");
	if (!json_is_integer(format) || !json_is_object(root))
		return err_set(e, E_INVALID, NULL,
		               "This is no configuration of a station: \"belfry\" and \"root\" are missing.");
	if (json_integer_value(format) != CONFIG_FORMAT)
		return err_set(e, E_INVALID, "belfry", "This configuration has format %lld; this station reads format %d.",
		               (long long)json_integer_value(format), CONFIG_FORMAT);
	struct component *top = station_by_path(s, path ? path : "/");
	if (!top)
		return err_set(e, E_INVALID, "path", "There is no component at %.200s.", path);
	struct import im = { .batch = b, .station = s, .secrets = secrets };
	if (is_node(&im, root, "/root") && strcmp(text_of(root, "type"), top->type->name) != 0)
		wrong(&im, "/root", "type", "The component at this path is of another type than %.80s.", text_of(root, "type"));
	else if (text_of(root, "name"))
		import_node(&im, top, root, "/root");
	for (size_t i = 0; i < im.count; i++) {
		wire(&im, &im.wirings[i]);
		free(im.wirings[i].pointer);
	}
	free(im.wirings);
	batch_at(b, NULL);
	return 0;
}
