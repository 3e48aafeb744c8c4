/* SPDX-License-Identifier: Apache-2.0
 * The tree: making, placing, finding and removing components: see tree.h. */
#include "station/tree/tree.h"

#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/link/link_cover.h"
#include "station/station.h"

void tree_init(struct tree *t)
{
	*t = (struct tree){ .next_handle = 1 };
	index_init(&t->index);
}

void tree_finish(struct tree *t)
{
	component_destroy(&t->root);
	bare_finish(&t->wave);
	images_finish(&t->images);
	details_finish(&t->details);
	index_finish(&t->index);
	pool_finish(&t->pool);
	*t = (struct tree){ 0 };
}

/* --- finding ---------------------------------------------------------------------------------------------------- */

struct component *component_child(const struct component *parent, const char *name)
{
	/* A component that is being made stands in no index yet. */
	if (index_by_handle(&parent->station->tree.index, parent->handle) != parent) {
		struct component *c = parent->first;
		while (c && strcmp(c->name, name) != 0)
			c = c->next;
		return c;
	}
	return index_by_name(&parent->station->tree.index, parent, name, strlen(name));
}

struct component *station_by_handle(struct station *s, uint64_t handle)
{
	return index_by_handle(&s->tree.index, handle);
}

struct component *station_by_path(struct station *s, const char *path)
{
	struct component *c = s->tree.root;
	while (c && *path) {
		path += strspn(path, "/");
		size_t n = strcspn(path, "/");
		if (n == 0)
			break;
		c = index_by_name(&s->tree.index, c, path, n);
		path += n;
	}
	return c;
}

struct component *tree_next(struct component *d, const struct component *top)
{
	return d->first ? d->first : tree_skip(d, top);
}

struct component *tree_skip(struct component *d, const struct component *top)
{
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

static void call_init(struct component *c, const struct type *type)
{
	if (type->base)
		call_init(c, type->base);
	if (type->init)
		type->init(c);
}

/* The name of a type's first component is mostly the type's own: "OutOfRangeAlarmExt" then costs nothing. */
static const char *name_of_type(const struct type *type, const char *name)
{
	const char *own = strchr(type->name, ':') + 1;
	return strcmp(own, name) == 0 ? own : NULL;
}

/* Memory with all slots at their defaults, and the name behind them. */
static struct component *allocate(struct station *s, const struct type *type, const char *name)
{
	const char *shared = name_of_type(type, name);
	size_t length = strlen(name);
	uint16_t cell;
	struct component *c = pool_alloc(&s->tree.pool, type->size + (shared ? 0 : length + 1), &cell);
	image_copy(&s->tree.images, type, c);
	char *own = (char *)c + type->size;
	c->name = shared ? shared : own;
	if (!shared)
		memcpy(own, name, length + 1);
	c->cell = cell;
	return c;
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
	struct component *c = allocate(s, type, name);
	c->magic = COMPONENT_MAGIC;
	c->station = s;
	c->type = type;
	c->handle = handle ? handle : s->tree.next_handle++;
	if (handle >= s->tree.next_handle)
		s->tree.next_handle = handle + 1;
	call_init(c, type);
	if (!handle) /* one that is loaded gets its frozen children from the store */
		create_frozen(c);
	return c;
}

static void finish_slots(struct component *c)
{
	for (const struct type *t = c->type; t; t = t->base) {
		if (t->fini)
			t->fini(c);
		image_release(t, c);
	}
}

static void destroy_one(struct component *c)
{
	while (c->extra && c->extra->links)
		link_remove(c, c->extra->links);
	for (struct link *l = links_from(c); l; l = links_from(c))
		link_remove(l->target, l);
	finish_slots(c);
	if (c->extra) {
		free(c->extra->displayName);
		cover_finish(c->extra);
		extra_finish(c->extra);
	}
	free(c->extra);
	if (c->flags & COMPONENT_OWN_NAME)
		free((char *)(uintptr_t)c->name);
	c->magic = 0;
	pool_free(&c->station->tree.pool, c, c->cell);
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
	for (struct component *d = c; d; d = tree_next(d, c))
		index_add(&t->index, d);
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
		index_remove(&s->tree.index, d);
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
	struct tree_index *x = &c->station->tree.index;
	bool indexed = index_remove(x, c);
	const char *old = c->name;
	c->name = must_strdup(name);
	if (c->flags & COMPONENT_OWN_NAME)
		free((char *)(uintptr_t)old);
	c->flags |= COMPONENT_OWN_NAME;
	if (indexed)
		index_add(x, c);
}

void tree_move(struct component *c, struct component *parent)
{
	struct tree_index *x = &c->station->tree.index;
	index_remove(x, c); /* its children are found by its handle, which stays */
	unlink_from_parent(c);
	append(parent, c);
	index_add(x, c);
}

static int by_position(const void *a, const void *b)
{
	struct component *const *x = a, *const *y = b;
	int64_t p = component_position(*x), q = component_position(*y);
	return p != q ? (p > q) - (p < q) : ((*x)->handle > (*y)->handle) - ((*x)->handle < (*y)->handle);
}

static void rechain(struct component *parent, struct component **children, size_t n)
{
	parent->first = parent->last = NULL;
	for (size_t i = 0; i < n; i++)
		append(parent, children[i]);
}

void tree_sort(struct component *parent)
{
	size_t n = 0;
	struct component **children = must_alloc((component_child_count(parent) + 1) * sizeof *children);
	for (struct component *c = parent->first; c; c = c->next)
		children[n++] = c;
	qsort(children, n, sizeof(struct component *), by_position);
	rechain(parent, children, n);
	free(children);
}

void tree_front(struct component *parent, uint16_t flag)
{
	size_t n = 0;
	struct component **children = must_alloc((component_child_count(parent) + 1) * sizeof *children);
	for (struct component *c = parent->first; c; c = c->next)
		if (c->flags & flag)
			children[n++] = c;
	for (struct component *c = parent->first; c; c = c->next)
		if (!(c->flags & flag))
			children[n++] = c;
	rechain(parent, children, n);
	free(children);
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
