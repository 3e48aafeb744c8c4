/* SPDX-License-Identifier: Apache-2.0
 * The tree: making, placing, finding and removing components: see tree.h. Children are found by a hash over
 * (parent, name), components by a hash over their handle; both chains run through the component itself. */
#include "station/tree.h"

#include <stdlib.h>
#include <string.h>

#include "station/link.h"
#include "station/must.h"
#include "station/station.h"

enum { FIRST_BUCKETS = 256 };

static size_t name_hash(const struct component *parent, const char *name, size_t length)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ (parent->handle * UINT64_C(0x9E3779B97F4A7C15));
	for (size_t i = 0; i < length; i++)
		h = (h ^ (unsigned char)name[i]) * UINT64_C(0x100000001b3);
	return (size_t)(h ^ (h >> 29));
}

static size_t handle_hash(uint64_t handle)
{
	return (size_t)((handle * UINT64_C(0x9E3779B97F4A7C15)) >> 20);
}

void tree_init(struct tree *t)
{
	*t = (struct tree){ .next_handle = 1, .buckets = FIRST_BUCKETS, .link_buckets = FIRST_BUCKETS };
	t->by_name = must_alloc(t->buckets * sizeof *t->by_name);
	t->by_handle = must_alloc(t->buckets * sizeof *t->by_handle);
	t->by_source = must_alloc(t->link_buckets * sizeof *t->by_source);
}

void tree_finish(struct tree *t)
{
	component_destroy(&t->root);
	free(t->by_name);
	free(t->by_handle);
	free(t->by_source);
	*t = (struct tree){ 0 };
}

/* --- the two indexes -------------------------------------------------------------------------------------------- */

static void index_add(struct tree *t, struct component *c)
{
	size_t h = handle_hash(c->handle) & (t->buckets - 1);
	c->by_handle = t->by_handle[h];
	t->by_handle[h] = c;
	if (!c->parent)
		return;
	size_t n = name_hash(c->parent, c->name, strlen(c->name)) & (t->buckets - 1);
	c->by_name = t->by_name[n];
	t->by_name[n] = c;
}

static void index_grow(struct tree *t)
{
	if (t->count < t->buckets)
		return;
	free(t->by_name);
	free(t->by_handle);
	t->buckets *= 4;
	t->by_name = must_alloc(t->buckets * sizeof *t->by_name);
	t->by_handle = must_alloc(t->buckets * sizeof *t->by_handle);
	for (struct component *c = t->root; c; c = tree_next(c, t->root))
		index_add(t, c);
}

/* False when c was in no index: it stood below something that was never attached. */
static bool index_remove(struct tree *t, struct component *c)
{
	struct component **p = &t->by_handle[handle_hash(c->handle) & (t->buckets - 1)];
	while (*p && *p != c)
		p = &(*p)->by_handle;
	if (!*p)
		return false;
	*p = c->by_handle;
	if (!c->parent)
		return true;
	p = &t->by_name[name_hash(c->parent, c->name, strlen(c->name)) & (t->buckets - 1)];
	while (*p && *p != c)
		p = &(*p)->by_name;
	if (*p)
		*p = c->by_name;
	return true;
}

static struct component *find_child(const struct component *parent, const char *name, size_t length)
{
	struct tree *t = &parent->station->tree;
	struct component *c = t->by_name[name_hash(parent, name, length) & (t->buckets - 1)];
	while (c && !(c->parent == parent && strncmp(c->name, name, length) == 0 && c->name[length] == '\0'))
		c = c->by_name;
	return c;
}

struct component *component_child(const struct component *parent, const char *name)
{
	/* A component that is being made stands in no index yet. */
	if (!station_by_handle(parent->station, parent->handle)) {
		struct component *c = parent->first;
		while (c && strcmp(c->name, name) != 0)
			c = c->next;
		return c;
	}
	return find_child(parent, name, strlen(name));
}

struct component *station_by_handle(struct station *s, uint64_t handle)
{
	struct component *c = s->tree.by_handle[handle_hash(handle) & (s->tree.buckets - 1)];
	while (c && c->handle != handle)
		c = c->by_handle;
	return c;
}

struct component *station_by_path(struct station *s, const char *path)
{
	struct component *c = s->tree.root;
	while (c && *path) {
		path += strspn(path, "/");
		size_t n = strcspn(path, "/");
		if (n == 0)
			break;
		c = find_child(c, path, n);
		path += n;
	}
	return c;
}

struct component *tree_next(struct component *d, const struct component *top)
{
	if (d->first)
		return d->first;
	while (d != top && !d->next)
		d = d->parent;
	return d == top ? NULL : d->next;
}

struct component *station_service(struct station *s, const struct type *type)
{
	struct component *services = station_by_path(s, "/Services");
	for (struct component *c = services ? services->first : NULL; c; c = c->next)
		if (component_is(c, type))
			return c;
	for (struct component *c = services; c; c = tree_next(c, services))
		if (component_is(c, type))
			return c;
	return NULL;
}

/* --- life ------------------------------------------------------------------------------------------------------- */

static void init_slots(struct component *c, const struct type *type)
{
	if (type->base)
		init_slots(c, type->base);
	slots_init(type->slots, c);
	if (type->init)
		type->init(c);
}

static void append(struct component *parent, struct component *c)
{
	c->parent = parent;
	c->next = NULL;
	if (parent->last)
		parent->last->next = c;
	else
		parent->first = c;
	parent->last = c;
}

/* A frozen child's pointer in its parent: the field of the V_COMPONENT slot with its name. */
static struct component **frozen_field(struct component *parent, const char *name)
{
	const struct slot *slot = type_slot(parent->type, name);
	if (!slot || slot->kind != V_COMPONENT)
		return NULL;
	return (struct component **)(void *)((char *)parent + slot->offset);
}

static void create_frozen(struct component *c)
{
	const struct slot *slot;
	for (struct slot_walk w = slot_walk(c->type); (slot = slot_next(&w));) {
		if (slot->kind != V_COMPONENT)
			continue;
		const struct type *type = type_find(c->station->types, slot->dflt);
		must(type != NULL);
		struct component *child = component_create(c->station, type, slot->name, 0);
		child->flags |= COMPONENT_FROZEN;
		append(c, child);
		*frozen_field(c, slot->name) = child;
	}
}

struct component *component_create(struct station *s, const struct type *type, const char *name, uint64_t handle)
{
	struct component *c = must_alloc(type->size);
	c->magic = COMPONENT_MAGIC;
	c->station = s;
	c->type = type;
	c->name = must_strdup(name);
	c->handle = handle ? handle : s->tree.next_handle++;
	if (handle >= s->tree.next_handle)
		s->tree.next_handle = handle + 1;
	init_slots(c, type);
	if (!handle) /* one that is loaded gets its frozen children from the store */
		create_frozen(c);
	return c;
}

static void finish_slots(struct component *c)
{
	for (const struct type *t = c->type; t; t = t->base) {
		if (t->fini)
			t->fini(c);
		slots_finish(t->slots, c);
	}
}

static void destroy_one(struct component *c)
{
	while (c->extra && c->extra->links)
		link_remove(c, c->extra->links);
	finish_slots(c);
	if (c->extra)
		free(c->extra->displayName);
	free(c->extra);
	free(c->name);
	c->magic = 0;
	free(c);
}

void component_destroy(struct component **top)
{
	/* Deep trees must not need deep stacks: walk down to a leaf, free it, go back to its parent. */
	struct component *c = *top;
	*top = NULL;
	while (c) {
		if (c->first) {
			c = c->first;
			continue;
		}
		struct component *parent = c->parent, *next = c->next;
		if (parent)
			parent->first = next;
		destroy_one(c);
		c = next ? next : parent;
	}
}

void tree_attach(struct component *parent, struct component *c)
{
	struct station *s = c->station;
	struct tree *t = &s->tree;
	if (!parent) {
		must(!t->root);
		t->root = c;
	} else {
		append(parent, c);
		struct component **field = frozen_field(parent, c->name);
		if (field) {
			*field = c;
			c->flags |= COMPONENT_FROZEN;
		}
		if (station_by_handle(s, parent->handle) != parent)
			return; /* indexed together with its parent, later */
	}
	for (struct component *d = c; d; d = tree_next(d, c)) {
		index_add(t, d);
		t->count++;
	}
	index_grow(t);
}

/* Out of its place, into no place: links and indexes are left to the caller. */
static void unlink_from_parent(struct component *c)
{
	struct component **p = &c->parent->first, *before = NULL;
	for (; *p != c; p = &(*p)->next)
		before = *p;
	*p = c->next;
	if (c->parent->last == c)
		c->parent->last = before;
	c->parent = c->next = NULL;
}

void tree_detach(struct component *c)
{
	struct station *s = c->station;
	for (struct component *d = c; d; d = tree_next(d, c)) {
		for (struct link *l = links_from(d); l; l = links_from(d))
			link_remove(l->target, l);
		if (index_remove(&s->tree, d))
			s->tree.count--;
	}
	struct component *parent = c->parent;
	if (!parent) {
		s->tree.root = NULL;
		return;
	}
	struct component **field = frozen_field(parent, c->name);
	if (field && *field == c)
		*field = NULL;
	unlink_from_parent(c);
}

void tree_rename(struct component *c, const char *name)
{
	bool indexed = index_remove(&c->station->tree, c);
	free(c->name);
	c->name = must_strdup(name);
	if (indexed)
		index_add(&c->station->tree, c);
}

void tree_move(struct component *c, struct component *parent)
{
	struct tree *t = &c->station->tree;
	index_remove(t, c); /* its children are found by its handle, which stays */
	unlink_from_parent(c);
	append(parent, c);
	index_add(t, c);
}

static void call_started(struct component *c, const struct type *type)
{
	if (type->base)
		call_started(c, type->base);
	if (type->started)
		type->started(c);
}

void tree_start(struct component *c)
{
	for (struct component *child = c->first, *next; child; child = next) {
		next = child->next;
		tree_start(child);
	}
	if (c->flags & COMPONENT_RUNNING)
		return;
	c->flags |= COMPONENT_RUNNING;
	call_started(c, c->type);
}

void tree_stop(struct component *c)
{
	if (c->flags & COMPONENT_RUNNING) {
		for (const struct type *t = c->type; t; t = t->base)
			if (t->stopped)
				t->stopped(c);
		c->flags &= (uint16_t)~COMPONENT_RUNNING;
	}
	for (struct component *child = c->first; child; child = child->next)
		tree_stop(child);
}
