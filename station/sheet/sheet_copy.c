/* SPDX-License-Identifier: Apache-2.0
 * Copying a component with all below it into a batch: the copy is made when it is asked for, so that later changes may
 * speak of it, and then goes the way of every addition. Live values, what components set themselves, and handles are not
 * copied; secrets are, sealed. Of what the batch adds itself, the copy is as the batch has made it so far. See sheet.h. Engine
 * thread. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/link/link_cover.h"
#include "station/sheet/batch.h"
#include "station/tree/ord.h"

enum { COPIES_MAX = 200000 }; /* components that one batch may add by copying */

struct copying {
	struct batch *batch;
	struct handle_map copies; /* handle of the original -> handle of the copy */
	size_t count;
};

static void copy_values(const struct component *from, struct component *to)
{
	const struct slot *slot;
	for (slot = component_extra_slots; slot->name; slot++) { /* first: among them are the definitions of others */
		struct value v;
		slot_read(slot, from, &v);
		slot_write(slot, to, &v);
	}
	for (struct slot_walk w = component_walk(from); (slot = slot_next(&w));) {
		struct value v;
		bool own_business = slot->flags & SLOT_READONLY && !(slot->flags & SLOT_DYNAMIC);
		if (slot->kind == V_COMPONENT || own_business || (slot->flags & SLOT_TRANSIENT))
			continue;
		slot_stored(slot, from, &v);
		if (slot_equals(slot, to, &v))
			value_clear(&v);
		else
			slot_write(slot, to, &v);
	}
	if (from->extra && from->extra->displayName)
		component_set_display_name(to, from->extra->displayName);
}

static struct component *copy_one(struct copying *k, const struct component *from, struct component *parent,
                                  const char *name)
{
	struct component *to = parent && (from->flags & COMPONENT_FROZEN) ? component_child(parent, name) : NULL;
	if (to && to->type != from->type) {
		tree_detach(to);
		component_destroy(&to);
	}
	if (!to) {
		to = component_create(k->batch->station, from->type, name, 0);
		if (parent)
			tree_attach(parent, to);
	}
	handle_map_put(&k->copies, from->handle, to->handle);
	copy_values(from, to);
	return to;
}

static int by_number(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

/* The copies stand in the order of their originals. */
static void keep_order(struct component *parent, struct component *const *children, size_t n)
{
	int64_t *positions = must_alloc((n + 1) * sizeof *positions);
	for (size_t i = 0; i < n; i++)
		positions[i] = component_position(children[i]);
	qsort(positions, n, sizeof *positions, by_number);
	for (size_t i = 0; i < n; i++)
		component_set_position(children[i], positions[i]);
	tree_sort(parent);
	free(positions);
}

static void copy_added(struct copying *k, const struct component *from, struct component *to);

static void copy_below(struct copying *k, const struct component *from, struct component *to)
{
	size_t n = 0;
	struct component **children = must_alloc((component_child_count(from) + 1) * sizeof *children);
	for (const struct component *c = from->first; c; c = c->next) {
		children[n] = copy_one(k, c, to, c->name);
		copy_below(k, c, children[n++]);
	}
	if (n > 1)
		keep_order(to, children, n);
	free(children);
	copy_added(k, from, to);
}

/* What the batch adds below a component that it adds itself is in no tree yet. */
static void copy_added(struct copying *k, const struct component *from, struct component *to)
{
	const struct batch *b = k->batch;
	size_t n = batch_added(b, from->handle) ? b->added_count : 0;
	for (size_t i = 0; i < n; i++) {
		const struct component *c = b->added[i].component;
		if (b->added[i].parent == from->handle)
			copy_below(k, c, copy_one(k, c, to, c->name));
	}
}

/* Links into the copies: from inside they lead inside, from elsewhere they come from there again. */
static void copy_links(struct copying *k, struct component *top)
{
	for (struct component *c = top; c; c = tree_next(c, top))
		for (const struct link *l = c->extra ? c->extra->links : NULL; l; l = l->next) {
			uint64_t inside = handle_map_get(&k->copies, l->source);
			struct change *change = batch_change(k->batch, CHANGE_LINK, handle_map_get(&k->copies, c->handle));
			change->name = must_strdup(l->name);
			change->source_handle = inside ? inside : l->source;
			change->sourceSlot = must_strdup(l->sourceSlot);
			change->targetSlot = must_strdup(l->targetSlot);
			change->disabled = !l->enabled;
		}
}

/* The source of a link that is asked for, when it is copied too: its copy; else 0. */
static uint64_t copied_source(const struct copying *k, const struct change *link)
{
	uint64_t source = link->source_handle;
	if (!source) {
		struct component *target = batch_component(k->batch, link->component), *there;
		there = target ? ord_resolve(k->batch->station, target, link->source, NULL) : NULL;
		source = there ? there->handle : batch_find(k->batch, link->source);
	}
	return handle_map_get(&k->copies, source);
}

/* What the batch was asked to do to a component that it adds goes for the copy too: its values are set and its links made
 * when the batch is planned. */
static void repeat(const struct copying *k, size_t i)
{
	const struct change *from = &k->batch->changes[i];
	enum change_what what = from->what == CHANGE_ADD ? CHANGE_SET_JSON : from->what;
	if (what == CHANGE_SET_JSON && !from->json)
		return;
	uint64_t source = what == CHANGE_LINK ? copied_source(k, from) : 0;
	struct change *to = batch_change(k->batch, what, handle_map_get(&k->copies, from->component));
	from = &k->batch->changes[i]; /* they may have moved */
	free(to->prefix);
	to->prefix = from->prefix ? must_strdup(from->prefix) : NULL;
	to->name = from->name && what != CHANGE_SET_JSON ? must_strdup(from->name) : NULL;
	to->source = from->source && !source ? must_strdup(from->source) : NULL;
	to->sourceSlot = from->sourceSlot ? must_strdup(from->sourceSlot) : NULL;
	to->targetSlot = from->targetSlot ? must_strdup(from->targetSlot) : NULL;
	to->source_handle = source ? source : from->source_handle;
	to->disabled = from->disabled;
	to->json = json_deep_copy(from->json);
	value_copy(&to->value, &from->value);
}

static void repeat_changes(const struct copying *k)
{
	static const bool goes_along[] = {
		[CHANGE_SET] = true,          [CHANGE_SET_JSON] = true, [CHANGE_TAGS] = true, [CHANGE_SLOTS] = true,
		[CHANGE_DISPLAY_NAME] = true, [CHANGE_ADD] = true,      [CHANGE_LINK] = true, [CHANGE_NOTHING] = false
	};
	size_t n = k->batch->count;
	for (size_t i = 0; i < n; i++) {
		uint64_t handle = k->batch->changes[i].component;
		if (goes_along[k->batch->changes[i].what] && handle_map_get(&k->copies, handle) &&
		    batch_added(k->batch, handle))
			repeat(k, i);
	}
}

/* As Niagara does: its own name when that is free, else the next number behind it: Fan, Fan1, Fan2. Owned. */
static char *free_name(struct batch *b, uint64_t parent, const char *name)
{
	if (!place_child(b, parent, name, false))
		return must_strdup(name);
	size_t n = strlen(name);
	while (n > 1 && isdigit((unsigned char)name[n - 1]))
		n--;
	if (n > NAME_MAX_LENGTH - 20)
		n = NAME_MAX_LENGTH - 20;
	char *stem = must_strndup(name, n), *text = NULL;
	uint64_t key = handle_map_key(parent, stem), i = handle_map_get(&b->numbers, key);
	do {
		free(text);
		text = must_format("%s%llu", stem, (unsigned long long)++i);
	} while (place_child(b, parent, text, false));
	handle_map_put(&b->numbers, key, i);
	free(stem);
	return text;
}

/* 0 when that subtree may be copied. */
static int may_copy(struct batch *b, struct component *top, struct err *e)
{
	size_t n = b->fresh.count;
	for (struct component *c = top; c; c = tree_next(c, top), n++)
		for (const struct type *t = c->type; t; t = t->base)
			if (t->flags & TYPE_SINGLETON)
				return err_set(e, E_CONFLICT, NULL, "%s is a service of the station; there can be only one.", c->name);
	if ((!top->parent && !batch_added(b, top->handle)) || (top->flags & COMPONENT_FROZEN))
		return err_set(e, E_CONFLICT, NULL, "%s belongs to its parent and cannot be copied alone.", top->name);
	if (n > COPIES_MAX)
		return err_set(e, E_INVALID, NULL, "At most %d components can be added at once.", COPIES_MAX);
	return 0;
}

uint64_t batch_copy(struct batch *b, uint64_t source, uint64_t parent, const char *name, const json_t *values,
                    const char *prefix)
{
	struct component *from = batch_component(b, source), *above = batch_component(b, parent);
	struct err e = { 0 };
	char *own = name ? name_escape(name) : NULL;
	if (!from || !above || may_copy(b, from, &e) != 0 || (own && name_check(own, &e) != 0)) {
		free(own);
		report_error(&b->report, e.code ? e.code : E_NOT_FOUND, e.slot, "%s",
		             e.code ? e.text : "The component is gone.");
		return 0;
	}
	struct copying k = { .batch = b };
	own = own ? own : free_name(b, parent, from->name);
	struct component *to = copy_one(&k, from, NULL, own);
	copy_below(&k, from, to);
	batch_take_added(b, to, parent, 0);
	if (batch_added(b, source))
		repeat_changes(&k);
	struct change *change = batch_change(b, CHANGE_ADD, to->handle);
	change->parent = parent;
	change->json = values ? json_deep_copy(values) : NULL;
	free(change->prefix);
	change->prefix = must_strdup(prefix);
	copy_links(&k, from);
	handle_map_finish(&k.copies);
	free(own);
	return to->handle;
}
