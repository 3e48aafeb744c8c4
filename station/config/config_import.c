/* SPDX-License-Identifier: Apache-2.0
 * Text into changes of a batch: see config.h. The text is compared with the tree by name and type; links come last, when
 * everything stands that they may lead from. The sheet then validates all of it, so nothing here decides what is legal. */
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/config/config.h"
#include "station/config/config_inside.h"
#include "station/station.h"
#include "station/type/slot_detail.h"

/* A component with links, once the batch has been built. */
struct wiring {
	uint64_t target;
	const json_t *links; /* borrowed from the text; NULL: none */
	char *pointer;       /* owned */
};
/* A secret that a reference has found, to be set when the slots stand that a text may define itself. */
struct found {
	struct found *next;
	uint64_t handle;
	char *name, *at; /* owned; the slot, the pointer */
	struct value sealed;
};
struct import {
	struct batch *batch;
	struct station *station;
	const json_t *secrets;
	struct wiring *wirings; /* owned */
	size_t count, capacity;
	struct found *found; /* owned */
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

/* --- slots that the text defines itself ------------------------------------------------------------------------- */

/* The row of a dynamic slot as the text defines it, NULL: it does not, or not rightly, which the sheet tells. Borrowed. */
static const struct slot *defined_row(struct import *im, const json_t *node, const char *name)
{
	const struct type *type = type_find(im->station->types, text_of(node, "type"));
	const struct slot *row = NULL;
	size_t i;
	json_t *definition;
	json_array_foreach(json_object_get(json_object_get(node, "values"), "slots"), i, definition)
	{
		struct report report;
		if (!type || !text_of(definition, "name") || strcmp(text_of(definition, "name"), name) != 0)
			continue;
		report_init(&report, "");
		if (detail_check(type, definition, "", &report)) {
			json_t *canonical = detail_canonical(definition);
			row = &detail_of(&im->station->tree.details, canonical)->row;
			json_decref(canonical);
		}
		report_finish(&report);
	}
	return row && row->flags & SLOT_DYNAMIC ? row : NULL;
}

/* The slot that a value of the text is for. */
static const struct slot *slot_of(struct import *im, const json_t *node, const char *name)
{
	const struct type *type = type_find(im->station->types, text_of(node, "type"));
	const struct slot *slot = type ? type_slot(type, name) : NULL;
	if (!slot)
		slot = defined_row(im, node, name);
	return slot ? slot : slots_find(component_extra_slots, name);
}

/* --- secrets ---------------------------------------------------------------------------------------------------- */

/* The sealed text that a reference leads to in this station, if it can stand in such a slot (a hash of a password is no
 * sealed password); NULL: there is none. Owned. */
static char *sealed_at(struct import *im, const char *reference, const struct slot *wanted)
{
	const char *slash = strrchr(reference, '/');
	if (!slash)
		return NULL;
	char *path = must_strndup(reference, (size_t)(slash - reference));
	const struct component *c = station_by_path(im->station, path);
	const struct slot *slot = c ? component_slot(c, slash + 1) : NULL;
	struct value v = VALUE_NULL;
	free(path);
	if (slot && slot->kind == V_SECRET && (slot->flags & SLOT_HASHED) == (wanted->flags & SLOT_HASHED))
		slot_read(slot, c, &v);
	char *sealed = v.kind == V_SECRET && *v.text ? must_strdup(v.text) : NULL;
	value_clear(&v);
	return sealed;
}

static void set_later(struct import *im, uint64_t handle, const struct slot *slot, char *sealed, const char *at)
{
	struct found *f = must_alloc(sizeof *f);
	*f = (struct found){
		im->found, handle, must_strdup(slot->name), must_strdup(at), { .kind = V_SECRET, .text = sealed }
	};
	im->found = f;
}

static void set_found(struct import *im)
{
	for (struct found *f = im->found, *next; f; f = next) {
		next = f->next;
		batch_at(im->batch, f->at);
		batch_set(im->batch, f->handle, f->name, &f->sealed);
		value_clear(&f->sealed);
		free(f->name);
		free(f->at);
		free(f);
	}
	im->found = NULL;
}

/* A reference becomes the plain text that was given for it (into values), the sealed one that stands there (into the
 * batch, later), or an error. handle 0: of a component that the batch makes later, which takes plain texts only. */
static void take_secret(struct import *im, uint64_t handle, const struct slot *slot, const char *reference,
                        json_t *values, const char *at)
{
	const char *plain = text_of(im->secrets, reference);
	char *sealed = plain || !handle ? NULL : sealed_at(im, reference, slot);
	if (plain)
		json_object_set_new(values, slot->name, json_string(plain));
	else if (sealed)
		set_later(im, handle, slot, sealed, at);
	else
		wrong(im, at, slot->name, "This station has no secret at %.200s: give it with the import.", reference);
}

/* The values of a node but for its references; those are taken on the way. live: NULL when it is new. New reference. */
static json_t *without_secrets(struct import *im, uint64_t handle, const struct component *live, const json_t *node,
                               const char *pointer)
{
	json_t *plain = json_object();
	char *at = must_format("%s/values", pointer);
	const char *name;
	json_t *value;
	json_object_foreach(json_object_get(node, "values"), name, value)
	{
		const char *reference = json_is_object(value) && json_object_size(value) == 1 ? text_of(value, "secret") : NULL;
		const struct slot *slot = slot_of(im, node, name);
		bool own = slot && (slot->flags & SLOT_DYNAMIC); /* may get another kind by the same text */
		json_t *now = live && slot && !own && config_holds(slot) ? config_value(live, slot) : NULL;
		if (now && json_equal(now, value)) {
			/* as it is, secret or not */
		} else if (reference && slot && slot->kind == V_SECRET) {
			take_secret(im, handle, slot, reference, plain, at);
		} else { /* a reference in any other slot is an error like another: the sheet tells it */
			json_object_set(plain, name, value);
		}
		json_decref(now);
	}
	free(at);
	return plain;
}

/* --- components that are there ---------------------------------------------------------------------------------- */

/* Will a link of the text feed this slot? */
static bool will_be_linked(const json_t *node, const char *slot)
{
	size_t i;
	json_t *link;
	json_array_foreach(json_object_get(node, "links"), i, link)
	{
		const char *target = text_of(link, "targetSlot");
		if (target && strcmp(target, slot) == 0 && !json_is_false(json_object_get(link, "enabled")))
			return true;
	}
	return false;
}

static void set_default(const struct slot *slot, json_t *changes)
{
	struct value dflt = value_default(slot);
	json_object_set_new(changes, slot->name, value_to_json(slot, &dflt));
	value_clear(&dflt);
}

/* A dynamic slot that stays gets the first value of what the text makes of it, which may be another than it had. */
static void add_own_default(struct import *im, const struct slot *slot, const json_t *now, const json_t *node,
                            json_t *changes)
{
	const struct slot *row = defined_row(im, node, slot->name);
	if (row && row->kind == slot->kind && (now || row != slot))
		set_default(row, changes);
}

static void add_default(struct import *im, const struct component *c, const struct slot *slot, const json_t *node,
                        json_t *changes)
{
	if (!config_holds(slot) || slot->kind == V_SECRET || json_object_get(json_object_get(node, "values"), slot->name) ||
	    will_be_linked(node, slot->name))
		return;
	json_t *now = config_value(c, slot);
	if (slot->flags & SLOT_DYNAMIC)
		add_own_default(im, slot, now, node, changes);
	else if (now && (slot->flags & SLOT_JSON))
		json_object_set_new(changes, slot->name, json_null());
	else if (now)
		set_default(slot, changes);
	json_decref(now);
}

/* What the text no longer names goes back to its default. A secret stays: a text without it may be of another hand. */
static void add_defaults(struct import *im, const struct component *c, const json_t *node, json_t *changes)
{
	const struct slot *slot;
	for (struct slot_walk w = component_walk(c); (slot = slot_next(&w));)
		add_default(im, c, slot, node, changes);
	for (slot = component_extra_slots; slot->name; slot++)
		add_default(im, c, slot, node, changes);
}

static void change_values(struct import *im, const struct component *c, const json_t *node, const char *pointer)
{
	char *at = must_format("%s/values", pointer);
	json_t *changes = without_secrets(im, c->handle, c, node, pointer);
	add_defaults(im, c, node, changes);
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

/* Services are the station's, users are people: neither goes because a text does not name them, or what they are in. */
static bool stays(const struct component *c)
{
	for (const struct component *d = c; d; d = tree_next((struct component *)(uintptr_t)d, c)) {
		for (const struct type *t = d->type; t; t = t->base)
			if (t->flags & TYPE_SINGLETON)
				return true;
		if (strcmp(d->type->name, "baja:User") == 0)
			return true;
	}
	return c->flags & COMPONENT_FROZEN;
}

/* {name: index} of the children in the text; the second of a name is told and is not in it. New reference. */
static json_t *index_of(struct import *im, const json_t *children, const char *pointer)
{
	json_t *index = json_object(), *child;
	size_t i;
	json_array_foreach((json_t *)(uintptr_t)children, i, child)
	{
		const char *name = text_of(child, "name");
		char *at = must_format("%s/children/%zu", pointer, i);
		if (name && json_object_get(index, name))
			wrong(im, at, "name", "There is another component named \"%.80s\" in this list.", name);
		else if (name)
			json_object_set_new(index, name, json_integer((json_int_t)i));
		free(at);
	}
	return index;
}

static bool is_second(const json_t *index, const json_t *child, size_t i)
{
	const char *name = text_of(child, "name");
	return name && json_integer_value(json_object_get(index, name)) != (json_int_t)i;
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

static json_t *names_of(struct import *im, const struct component *parent, const json_t *children, const json_t *index)
{
	json_t *names = json_array();
	size_t i;
	json_t *child;
	json_array_foreach((json_t *)(uintptr_t)children, i, child)
	{
		const char *name = text_of(child, "name");
		if (name && !is_second(index, child, i) && there_will_be(im, parent, name))
			json_array_append(names, json_object_get(child, "name"));
	}
	return names;
}

static void import_node(struct import *im, struct component *c, const json_t *node, const char *pointer);
static void add_node(struct import *im, uint64_t parent, const char *path, const json_t *node, const char *pointer);

static bool is_node(struct import *im, const json_t *node, const char *pointer)
{
	return config_is_component(im->batch, node, pointer);
}

/* A frozen child of another type: its parent's slot is set, which makes a new one. */
static void replace_frozen(struct import *im, uint64_t parent, const json_t *node, const char *pointer)
{
	json_t *values = without_secrets(im, 0, NULL, node, pointer);
	json_object_set(values, "type", json_object_get(node, "type"));
	json_t *patch = json_pack("{s:o}", text_of(node, "name"), values);
	batch_set_json(im->batch, parent, patch, pointer);
	json_decref(patch);
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
		replace_frozen(im, parent->handle, node, pointer);
	} else if (child && stays(child)) {
		wrong(im, pointer, "type", "This is a service or a user, or holds some, and stays a %.80s.", child->type->name);
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
	json_t *index = index_of(im, children, pointer);
	for (struct component *child = c->first; child; child = child->next)
		if (!json_object_get(index, child->name) && !stays(child)) {
			batch_at(im->batch, pointer);
			batch_remove(im->batch, child->handle);
		}
	bool ordered = order_differs(c, children);
	for (size_t i = 0; i < json_array_size(children); i++) {
		char *at = must_format("%s/children/%zu", pointer, i);
		if (!is_second(index, json_array_get(children, i), i))
			import_child(im, c, json_array_get(children, i), at);
		free(at);
	}
	if (ordered && json_array_size(children)) {
		json_t *names = names_of(im, c, children, index);
		batch_at(im->batch, pointer);
		batch_order(im->batch, c->handle, names);
		json_decref(names);
	}
	json_decref(index);
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
		json_t *values = without_secrets(im, handle, NULL, node, pointer);
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
	json_t *child, *index = index_of(im, json_object_get(node, "children"), pointer);
	json_array_foreach(json_object_get(node, "children"), i, child)
	{
		char *at = must_format("%s/children/%zu", pointer, i);
		if (!is_second(index, child, i) && is_node(im, child, at)) {
			const struct slot *slot = frozen_slot(im, node, text_of(child, "name"));
			if (!slot)
				add_node(im, handle, path, child, at);
			else if (strcmp(slot->dflt, text_of(child, "type")) == 0)
				add_frozen(im, path, child, at);
			else
				replace_frozen(im, handle, child, at);
		}
		free(at);
	}
	json_decref(index);
}

static void add_node(struct import *im, uint64_t parent, const char *path, const json_t *node, const char *pointer)
{
	char *at = must_format("%s/values", pointer);
	const char *name = text_of(node, "name"), *display = text_of(node, "displayName");
	batch_at(im->batch, pointer);
	uint64_t handle = batch_add(im->batch, parent, name, text_of(node, "type"), NULL, at);
	if (handle) {
		char *own = must_format("%s/%s", strcmp(path, "/") == 0 ? "" : path, name);
		json_t *values = without_secrets(im, handle, NULL, node, pointer);
		batch_at(im->batch, pointer);
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

/* The same link, switched on or off; one without a name in the text may have any. */
static bool is_same(const json_t *wanted, const json_t *now)
{
	static const char *const members[] = { "name", "source", "sourceSlot", "targetSlot" };
	for (size_t i = text_of(wanted, "name") ? 0 : 1; i < ARRAY_SIZE(members); i++)
		if (!json_equal(json_object_get(wanted, members[i]), json_object_get(now, members[i])))
			return false;
	return true;
}

static const json_t *link_among(const json_t *wanted, const json_t *links)
{
	size_t i;
	json_t *link;
	json_array_foreach((json_t *)(uintptr_t)links, i, link) if (is_same(wanted, link)) return link;
	return NULL;
}

static bool is_wanted(const json_t *now, const json_t *links)
{
	size_t i;
	json_t *link;
	json_array_foreach((json_t *)(uintptr_t)links, i, link) if (is_same(link, now)) return true;
	return false;
}

static void wire_one(struct import *im, const struct wiring *w, const json_t *link, const json_t *now)
{
	const json_t *there = link_among(link, now);
	bool off = json_is_false(json_object_get(link, "enabled"));
	if (!there) {
		batch_link(im->batch, w->target, text_of(link, "name"), text_of(link, "source"), text_of(link, "sourceSlot"),
		           text_of(link, "targetSlot"));
		if (off)
			batch_link_off(im->batch);
	} else if (off != json_is_false(json_object_get(there, "enabled"))) {
		batch_link_enable(im->batch, w->target, text_of(there, "name"), !off);
	}
}

static void wire(struct import *im, const struct wiring *w)
{
	const struct component *c = station_by_handle(im->station, w->target);
	json_t *now = c ? config_links(c) : json_array(), *link;
	size_t i;
	batch_at(im->batch, w->pointer);
	json_array_foreach(now, i, link) if (!is_wanted(link, w->links))
	    batch_unlink(im->batch, w->target, text_of(link, "name"));
	json_array_foreach((json_t *)(uintptr_t)w->links, i, link)
	{
		char *at = must_format("%s/links/%zu", w->pointer, i);
		if (config_is_link(im->batch, link, at)) {
			batch_at(im->batch, at);
			wire_one(im, w, link, now);
		}
		free(at);
	}
	json_decref(now);
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
	if (!path)
		return err_set(e, E_INVALID, "path", "The path of the component that this configuration is of is missing.");
	struct component *top = station_by_path(s, path);
	if (!top)
		return err_set(e, E_INVALID, "path", "There is no component at %.200s.", path);
	struct import im = { .batch = b, .station = s, .secrets = secrets };
	batch_configures(b);
	config_whole(b, config);
	if (!is_node(&im, root, "/root")) {
		/* told */
	} else if (strcmp(text_of(root, "type"), top->type->name) != 0) {
		wrong(&im, "/root", "type", "The component at this path is of another type than %.80s.", text_of(root, "type"));
	} else if (strcmp(text_of(root, "name"), top->name) != 0) {
		wrong(&im, "/root", "name", "The component at this path is not named %.80s.", text_of(root, "name"));
	} else {
		import_node(&im, top, root, "/root");
	}
	set_found(&im);
	for (size_t i = 0; i < im.count; i++) {
		wire(&im, &im.wirings[i]);
		free(im.wirings[i].pointer);
	}
	free(im.wirings);
	batch_at(b, NULL);
	return 0;
}
