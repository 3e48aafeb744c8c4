/* SPDX-License-Identifier: Apache-2.0
 * The tree's records, and reading them back at start: see persist.h. Engine thread. */
#include "station/store/persist.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/log.h"
#include "station/base/must.h"
#include "station/link/link_cover.h"
#include "station/station.h"

static const struct slot component_slots[] = {
	SLOT(struct component_row, handle, INTEGER, .flags = SLOT_REQUIRED,
	     .doc = "The component's number, never used again."),
	SLOT(struct component_row, parent, INTEGER, .doc = "Handle of the parent, 0 for the root."),
	SLOT(struct component_row, position, INTEGER, .doc = "Order among the parent's children."),
	SLOT(struct component_row, name, STRING, .doc = "Name below the parent."),
	SLOT(struct component_row, type, STRING, .doc = "Name of the type."),
	SLOT(struct component_row, displayName, STRING, .doc = "Display name, or empty."),
	SLOT(struct component_row, revision, INTEGER, .doc = "Number of committed changes."),
	SLOT_END,
};
const struct record_kind component_kind = { "component", "Components of the tree.", sizeof(struct component_row),
	                                        component_slots, false };

static const struct slot slot_slots[] = {
	SLOT(struct slot_row, handle, INTEGER, .flags = SLOT_REQUIRED, .doc = "Handle of the component."),
	SLOT(struct slot_row, slot, STRING, .flags = SLOT_REQUIRED, .doc = "Name of the slot."),
	SLOT(struct slot_row, value, STRING, .facets = FACETS(.maxLength = 1 << 24), .doc = "The value as text."),
	SLOT_END,
};
const struct record_kind slot_kind = { "slot", "Slots that differ from their default.", sizeof(struct slot_row),
	                                   slot_slots, false };

static const struct slot link_slots[] = {
	SLOT(struct link_row, target, INTEGER, .flags = SLOT_REQUIRED,
	     .doc = "Handle of the component the link leads into."),
	SLOT(struct link_row, name, STRING, .flags = SLOT_REQUIRED, .doc = "Name of the link on its target."),
	SLOT(struct link_row, source, INTEGER, .flags = SLOT_INDEX, .doc = "Handle of the component it comes from."),
	SLOT(struct link_row, sourceSlot, STRING, .doc = "Property, action or topic it comes from."),
	SLOT(struct link_row, targetSlot, STRING, .doc = "Property, action or topic it leads to."),
	SLOT(struct link_row, enabled, BOOLEAN, .dflt = "true", .doc = "Off: it carries nothing."),
	SLOT_END,
};
const struct record_kind link_kind = { "link", "Links between components.", sizeof(struct link_row), link_slots,
	                                   false };

static const struct slot meta_slots[] = {
	SLOT(struct meta_row, name, STRING, .flags = SLOT_REQUIRED, .doc = "What it is."),
	SLOT(struct meta_row, value, STRING, .doc = "Its value."),
	SLOT_END,
};
const struct record_kind meta_kind = { "meta", "Facts about the station itself.", sizeof(struct meta_row), meta_slots,
	                                   false };

/* --- writing ---------------------------------------------------------------------------------------------------- */

void persist_component(struct store_tx *tx, const struct component *c, const struct component *parent, const char *name,
                       int64_t position, const char *displayName, uint32_t revision)
{
	struct component_row row = {
		.handle = (int64_t)c->handle,
		.parent = parent ? (int64_t)parent->handle : 0,
		.position = position,
		.name = (char *)(uintptr_t)name,
		.type = (char *)(uintptr_t)c->type->name,
		.displayName = (char *)(uintptr_t)(displayName ? displayName : ""),
		.revision = revision,
	};
	store_tx_put(tx, &component_kind, &row);
}

void persist_slot(struct store_tx *tx, uint64_t handle, const struct slot *slot, const void *c)
{
	struct value v, dflt = value_default(slot);
	slot_stored(slot, c, &v);
	struct slot_row row = { .handle = (int64_t)handle, .slot = (char *)(uintptr_t)slot->name };
	if (value_equal(&v, &dflt)) {
		store_tx_delete(tx, &slot_kind, &row);
	} else {
		row.value = value_print(slot, &v);
		store_tx_put(tx, &slot_kind, &row);
		free(row.value);
	}
	value_clear(&v);
	value_clear(&dflt);
}

void persist_unset(struct store_tx *tx, uint64_t handle, const char *slot)
{
	struct slot_row row = { .handle = (int64_t)handle, .slot = (char *)(uintptr_t)slot };
	store_tx_delete(tx, &slot_kind, &row);
}

void persist_link(struct store_tx *tx, const struct component *target, const char *name, uint64_t source,
                  const char *sourceSlot, const char *targetSlot, bool enabled)
{
	struct link_row row = { (int64_t)target->handle,       (char *)(uintptr_t)name,       (int64_t)source,
		                    (char *)(uintptr_t)sourceSlot, (char *)(uintptr_t)targetSlot, enabled };
	store_tx_put(tx, &link_kind, &row);
}

void persist_unlink(struct store_tx *tx, const struct component *target, const char *name)
{
	struct link_row row = { .target = (int64_t)target->handle, .name = (char *)(uintptr_t)name };
	store_tx_delete(tx, &link_kind, &row);
}

/* Does the slot have another value by itself? Without links into c no copy is made. */
static bool slot_differs(const struct slot *slot, const struct component *c, const struct value *dflt)
{
	struct value v;
	if (!c->extra || !c->extra->covered)
		return !slot_equals(slot, c, dflt);
	slot_stored(slot, c, &v);
	bool differs = !value_equal(&v, dflt);
	value_clear(&v);
	return differs;
}

static void persist_slots(struct store_tx *tx, const struct component *c)
{
	const struct slot *slot;
	for (struct slot_walk w = component_walk(c); (slot = slot_next(&w));) {
		if (slot->kind == V_COMPONENT || (slot->flags & SLOT_TRANSIENT))
			continue;
		struct value dflt = value_default(slot);
		if (slot_differs(slot, c, &dflt))
			persist_slot(tx, c->handle, slot, c);
		value_clear(&dflt);
	}
}

static void persist_extra(struct store_tx *tx, const struct component *c)
{
	for (const struct slot *slot = component_extra_slots; c->extra && slot->name; slot++) {
		static const struct value none = { .kind = V_STRING, .text = (char *)(uintptr_t) "" };
		if (!slot_equals(slot, c, &none))
			persist_slot(tx, c->handle, slot, c);
	}
}

static void persist_one(struct store_tx *tx, const struct component *c, const struct component *parent)
{
	const char *displayName = c->extra ? c->extra->displayName : NULL;
	persist_component(tx, c, parent, c->name, component_position(c), displayName, c->revision);
	persist_slots(tx, c);
	persist_extra(tx, c);
	for (const struct link *l = c->extra ? c->extra->links : NULL; l; l = l->next)
		persist_link(tx, c, l->name, l->source, l->sourceSlot, l->targetSlot, l->enabled);
}

void persist_alone(struct store_tx *tx, const struct component *c)
{
	persist_one(tx, c, c->parent);
}

void persist_subtree(struct store_tx *tx, const struct component *c, const struct component *parent)
{
	persist_one(tx, c, parent);
	for (const struct component *child = c->first; child; child = child->next)
		persist_subtree(tx, child, c);
}

void persist_remove_alone(struct store_tx *tx, const struct component *c)
{
	struct component_row row = { .handle = (int64_t)c->handle };
	struct value handle = value_integer((int64_t)c->handle);
	store_tx_delete(tx, &component_kind, &row);
	store_tx_delete_where(tx, &slot_kind, "handle", &handle);
	store_tx_delete_where(tx, &link_kind, "target", &handle);
	store_tx_delete_where(tx, &link_kind, "source", &handle);
}

void persist_meta(struct store_tx *tx, const char *name, const char *value)
{
	store_tx_put(tx, &meta_kind, &(struct meta_row){ (char *)(uintptr_t)name, (char *)(uintptr_t)value });
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

struct loaded {
	struct component *component;
	uint64_t handle, parent;
	bool hosts; /* its type has children of its own */
};
/* A value whose slot is not known yet. */
struct waiting {
	struct waiting *next;
	struct component *component;
	char *slot, *value; /* owned */
};
struct loading {
	struct station *station;
	struct loaded *items; /* owned; in handle order */
	size_t count, capacity;
	size_t at;               /* slots come in handle order too */
	struct waiting *waiting; /* owned */
	const struct type *type; /* of the last component: mostly the next one's too */
	bool hosts;              /* that type has slots that are components */
	int64_t position;        /* the last one */
	bool moved;              /* positions do not rise with the handles */
	struct err *err;
};

static bool has_component_slots(const struct type *type)
{
	const struct slot *slot;
	for (struct slot_walk w = slot_walk(type); (slot = slot_next(&w));)
		if (slot->kind == V_COMPONENT)
			return true;
	return false;
}

static void make_room(struct loading *l)
{
	size_t capacity = l->capacity ? 2 * l->capacity : 1024, size = capacity * sizeof *l->items;
	struct loaded *items = size < HUGE_PAGE ? must_alloc(size) : must_alloc_huge(size);
	if (l->count)
		memcpy(items, l->items, l->count * sizeof *items);
	free(l->items);
	l->items = items;
	l->capacity = capacity;
}

static int load_component(void *context, void *record)
{
	struct loading *l = context;
	struct component_row *row = record;
	if (!l->type || strcmp(l->type->name, row->type) != 0) {
		l->type = type_find(l->station->types, row->type);
		l->hosts = l->type && has_component_slots(l->type);
	}
	const struct type *type = l->type;
	if (!type)
		return err_set(l->err, E_INTERNAL, NULL,
		               "The data directory holds a component of type %s, which this program does not know. "
		               "Start the version of belfry that wrote it.",
		               row->type);
	if (l->count == l->capacity)
		make_room(l);
	struct component *c = component_create(l->station, type, row->name, (uint64_t)row->handle);
	c->revision = (uint32_t)row->revision;
	component_set_position(c, row->position);
	if (*row->displayName)
		component_set_display_name(c, row->displayName);
	l->moved |= row->position < l->position;
	l->position = row->position;
	l->items[l->count++] = (struct loaded){ c, c->handle, (uint64_t)row->parent, l->hosts };
	return 0;
}

static struct component *loaded_by_handle(const struct loading *l, uint64_t handle)
{
	size_t low = 0, high = l->count;
	while (low < high) {
		size_t mid = (low + high) / 2;
		if (l->items[mid].handle < handle)
			low = mid + 1;
		else
			high = mid;
	}
	return low < l->count && l->items[low].handle == handle ? l->items[low].component : NULL;
}

/* slot is the component's slot of that name, or NULL. */
static void set_loaded(struct component *c, const struct slot *slot, const char *name, const char *text)
{
	struct value v;
	struct err e = { 0 };
	if (!slot || slot->kind == V_COMPONENT)
		log_warn("component %" PRIx64 " (%s): the stored slot %s is not known; it is kept on disk", c->handle,
		         c->type->name, name);
	else if (value_parse(slot, text, &v, &e) != 0)
		log_warn("component %" PRIx64 " (%s): the stored %s is not valid and its default is used: %s", c->handle,
		         c->type->name, name, e.text);
	else
		slot_write(slot, c, &v);
}

/* Slots come by name, so the value of a dynamic one may come before the definition. */
static void wait(struct loading *l, struct component *c, const struct slot_row *row)
{
	struct waiting *w = must_alloc(sizeof *w);
	*w = (struct waiting){ l->waiting, c, must_strdup(row->slot), must_strdup(row->value) };
	l->waiting = w;
}

static void set_waiting(struct loading *l)
{
	for (struct waiting *w = l->waiting, *next; w; w = next) {
		next = w->next;
		set_loaded(w->component, component_slot(w->component, w->slot), w->slot, w->value);
		free(w->slot);
		free(w->value);
		free(w);
	}
	l->waiting = NULL;
}

static int load_slot(void *context, void *record)
{
	struct loading *l = context;
	struct slot_row *row = record;
	while (l->at < l->count && l->items[l->at].handle < (uint64_t)row->handle)
		l->at++;
	if (l->at == l->count || l->items[l->at].handle != (uint64_t)row->handle)
		return 0;
	struct component *c = l->items[l->at].component;
	const struct slot *slot = component_slot(c, row->slot);
	if (slot)
		set_loaded(c, slot, row->slot, row->value);
	else
		wait(l, c, row);
	return 0;
}

static int load_link(void *context, void *record)
{
	struct loading *l = context;
	struct link_row *row = record;
	struct component *target = loaded_by_handle(l, (uint64_t)row->target);
	struct component *source = loaded_by_handle(l, (uint64_t)row->source);
	if (target && source)
		link_join(target, row->name, source, row->sourceSlot, row->targetSlot)->enabled = row->enabled;
	return 0;
}

static int by_position(const void *a, const void *b)
{
	const struct loaded *x = a, *y = b;
	int64_t p = component_position(x->component), q = component_position(y->component);
	return p != q ? (p > q) - (p < q) : (x->handle > y->handle) - (x->handle < y->handle);
}

/* A copy by position; owned. */
static struct loaded *sorted(const struct loading *l)
{
	struct loaded *order = must_alloc((l->count + 1) * sizeof *order);
	memcpy(order, l->items, l->count * sizeof *order);
	qsort(order, l->count, sizeof *order, by_position);
	return order;
}

/* Joins children to parents. Whose parent is gone is destroyed with a word in the log: that cannot come from us. */
static void join(struct loading *l)
{
	struct loaded *moved = l->moved ? sorted(l) : NULL;
	const struct loaded *order = moved ? moved : l->items;
	struct component *root = NULL;
	index_reserve(&l->station->tree.index, l->count);
	for (size_t i = 0; i < l->count; i++) {
		struct component *c = order[i].component;
		must(c);
		struct component *parent = order[i].parent ? loaded_by_handle(l, order[i].parent) : NULL;
		if (parent)
			tree_attach(parent, c);
		else if (order[i].parent == 0 && !root)
			root = c;
		else
			log_error("component %" PRIx64 " (%s) has no parent and is left out", c->handle, c->name);
	}
	if (root)
		tree_attach(NULL, root);
	free(moved);
}

/* A type that got a new frozen child since the tree was stored finds it made with its defaults. */
static void complete_frozen(struct loading *l, struct store_tx *tx)
{
	for (size_t i = 0; i < l->count; i++) {
		struct component *c = l->items[i].component;
		const struct slot *slot;
		if (!l->items[i].hosts)
			continue;
		for (struct slot_walk w = slot_walk(c->type); (slot = slot_next(&w));) {
			if (slot->kind != V_COMPONENT || *(struct component **)(void *)((char *)c + slot->offset))
				continue;
			struct component *child =
			    component_create(l->station, type_find(l->station->types, slot->dflt), slot->name, 0);
			tree_attach(c, child);
			persist_subtree(tx, child, c);
		}
	}
}

static int load_meta(void *context, void *record)
{
	struct station *s = ((struct loading *)context)->station;
	const struct meta_row *row = record;
	if (strcmp(row->name, "nextHandle") == 0)
		s->tree.next_handle = strtoull(row->value, NULL, 16);
	else if (strcmp(row->name, "stationId") == 0)
		snprintf(s->id, sizeof s->id, "%s", row->value);
	return 0;
}

void persist_next_handle(struct store_tx *tx, const struct station *s)
{
	char text[20];
	snprintf(text, sizeof text, "%" PRIx64, s->tree.next_handle);
	persist_meta(tx, "nextHandle", text);
}

int persist_load(struct station *s, struct store_tx *tx, struct err *e)
{
	struct loading l = { .station = s, .err = e };
	struct store *store = s->store;
	int rc = store->impl->scan(store, &meta_kind, load_meta, &l, e);
	if (rc == 0)
		rc = store->impl->scan(store, &component_kind, load_component, &l, e);
	if (rc == 0)
		rc = store->impl->scan(store, &slot_kind, load_slot, &l, e);
	set_waiting(&l);
	if (rc == 0)
		rc = store->impl->scan(store, &link_kind, load_link, &l, e);
	if (rc == 0 && l.count > 0) {
		join(&l);
		complete_frozen(&l, tx);
	} else if (rc != 0) {
		for (size_t i = 0; i < l.count; i++)
			component_destroy(&l.items[i].component);
	}
	free(l.items);
	return rc;
}
