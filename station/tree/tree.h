/* SPDX-License-Identifier: Apache-2.0
 * The tree itself: making, placing, finding and removing components in memory. Engine thread. Nothing here writes
 * the disk or asks for permission: users' changes come through the sheet, which calls this once they are durable. */
#ifndef BELFRY_TREE_H
#define BELFRY_TREE_H

#include "station/tree/component.h"
#include "station/tree/pool.h"
#include "station/tree/tree_index.h"
#include "station/type/image.h"
#include "station/type/slot_detail.h"

/* Values on their way along links: see link_wave.c. */
struct wave {
	struct link *head, *tail; /* to be carried, in the order in which their sources changed */
	struct link *now;         /* being carried; NULL: the change comes from outside */
	struct bare *bare;        /* owned; slots that links have left: link_cover.h */
	struct firing *firing;    /* events being passed on, innermost first; on the stack */
	uint32_t number;
	int held;
	size_t cut; /* links that were cut because of a loop */
};
struct tree {
	struct component *root;
	uint64_t next_handle;
	struct tree_index index;
	struct pool pool;            /* the components' memory */
	struct image_table images;   /* what new components of each type start as */
	struct slot_details details; /* slots that single components have beyond their types */
	struct wave wave;
	size_t link_count;
};

void tree_init(struct tree *t);
void tree_finish(struct tree *t);

/* A component with defaults and its frozen children, in no tree yet. handle 0: the next free one. Owned by the caller
 * until it is attached. */
struct component *component_create(struct station *s, const struct type *type, const char *name, uint64_t handle);
/* Frees a detached component with all below; *c may be NULL, and is NULL afterwards. */
void component_destroy(struct component **c);
/* Places c as the last child; takes it. The name must be free. parent NULL: c becomes the root. A parent that is in no
 * tree yet is fine: both are indexed when the parent is attached. */
void tree_attach(struct component *parent, struct component *c);
/* Takes c out of the tree; the caller owns it. Links from it die. */
void tree_detach(struct component *c);
/* Moves c below another parent, keeping handle and links. */
void tree_move(struct component *c, struct component *parent);
void tree_rename(struct component *c, const char *name);
/* Puts the children of parent in the order of their positions. */
void tree_sort(struct component *parent);
/* Puts those children that carry that flag in front of the others, so that many can be taken out quickly. */
void tree_front(struct component *parent, uint16_t flag);

/* Runs started() over c and below, children first; and stopped(), parent first. */
void tree_start(struct component *c);
void tree_stop(struct component *c);

/* Borrowed; NULL when there is none, or no longer. */
struct component *station_by_handle(struct station *s, uint64_t handle);
/* Path such as "/Services/EmailService" or "" for the root; NULL when there is none. */
struct component *station_by_path(struct station *s, const char *path);
/* The first component of exactly or below that type, for singletons (services): NULL when there is none. */
struct component *station_service(struct station *s, const struct type *type);
/* All components at or below c, parent before child: `for (d = c; d; d = tree_next(d, c))`. */
struct component *tree_next(struct component *d, const struct component *top);
/* The same, leaving out what stands below d. */
struct component *tree_skip(struct component *d, const struct component *top);

#endif
