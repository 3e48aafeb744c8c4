/* SPDX-License-Identifier: Apache-2.0
 * How the tree lies in the store: one record a component, one for each slot that differs from its default, one for each
 * link. Slots are stored as text under their name, so that a migration by name is possible. Engine thread. */
#ifndef BELFRY_PERSIST_H
#define BELFRY_PERSIST_H

#include "station/link/link.h"
#include "station/store/store.h"

struct component_row {
	int64_t handle, parent, position;
	char *name, *type, *displayName;
	int64_t revision;
};
struct slot_row {
	int64_t handle;
	char *slot, *value;
};
struct link_row {
	int64_t target;
	char *name;
	int64_t source;
	char *sourceSlot, *targetSlot;
	bool enabled;
};
struct meta_row {
	char *name, *value;
};
extern const struct record_kind component_kind, slot_kind, link_kind, meta_kind;

/* Adds the writes to tx. persist_component: with all that is given (it may be ahead of memory). */
void persist_component(struct store_tx *tx, const struct component *c, const struct component *parent, const char *name,
                       int64_t position, const char *displayName, uint32_t revision);
/* base: the component or its shadow with the proposed values. */
void persist_slot(struct store_tx *tx, uint64_t handle, const struct slot *slot, const void *c);
/* Takes the row away: the slot is no more, or has its default. */
void persist_unset(struct store_tx *tx, uint64_t handle, const char *slot);
void persist_link(struct store_tx *tx, const struct component *target, const char *name, uint64_t source,
                  const char *sourceSlot, const char *targetSlot, bool enabled);
void persist_unlink(struct store_tx *tx, const struct component *target, const char *name);
/* All rows of one component that is in the tree, as they are: without what stands below it. */
void persist_alone(struct store_tx *tx, const struct component *c);
/* A detached new component with all below it, under parent. */
void persist_subtree(struct store_tx *tx, const struct component *c, const struct component *parent);
/* Deletes c (not what stands below it) and every link from or to it. */
void persist_remove_alone(struct store_tx *tx, const struct component *c);
void persist_meta(struct store_tx *tx, const char *name, const char *value);

/* Handles are never used again, not even that of a component removed last: keeps the next one. */
void persist_next_handle(struct store_tx *tx, const struct station *s);

/* Reads the station's id and the whole tree into s (which has none yet). 0 with s->tree.root NULL: the store is empty.
 * What the types have gained since (new frozen children) is made, and written to tx. */
int persist_load(struct station *s, struct store_tx *tx, struct err *e);

#endif
