/* SPDX-License-Identifier: Apache-2.0
 * How components are found: by handle through pages of pointers (handles are given out in order), by parent and name
 * through a hash table of handles. Kept outside of the components and compact: about fifteen bytes for each.
 * tree.c alone changes it. Engine thread. */
#ifndef BELFRY_TREE_INDEX_H
#define BELFRY_TREE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct component;
struct handle_page;

struct tree_index {
	struct handle_page **pages; /* owned; NULL where no component lives */
	size_t page_count;
	uint32_t *names; /* owned; handles, open addressing; 0: empty, UINT32_MAX: was one */
	size_t name_room, name_used;
	size_t count; /* components */
};

void index_init(struct tree_index *x);
void index_finish(struct tree_index *x);
/* Makes room at once for that many components. */
void index_reserve(struct tree_index *x, size_t count);
/* Adds c under its handle and, below a parent, its name. The handle is at most HANDLE_MAX. */
void index_add(struct tree_index *x, struct component *c);
/* False when c was in no index: it stood below something that was never attached. */
bool index_remove(struct tree_index *x, struct component *c);
/* Borrowed; NULL when there is none. */
struct component *index_by_handle(const struct tree_index *x, uint64_t handle);
/* The component with the least handle above that one; NULL when there is none. */
struct component *index_after(const struct tree_index *x, uint64_t handle);
struct component *index_by_name(const struct tree_index *x, const struct component *parent, const char *name,
                                size_t length);

/* Handles are never used again. Four thousand million: one made every second for 136 years. */
#define HANDLE_MAX (UINT64_C(0xFFFFFFFF) - 1)

#endif
