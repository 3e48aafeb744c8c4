/* SPDX-License-Identifier: Apache-2.0
 * Links: they live on the target and lead property to property, property to action, or topic to action.
 * Alarm classes reach their recipients by links. Engine thread. */
#ifndef BELFRY_LINK_H
#define BELFRY_LINK_H

#include "station/tree.h"

struct link {
	char *name;                    /* owned; unique on the target */
	uint64_t source;               /* handle */
	char *sourceSlot, *targetSlot; /* owned */
	bool enabled;
	struct component *target;    /* borrowed */
	struct link *next;           /* on the target */
	struct link *next_by_source; /* hash chain of the tree */
};

/* May this link be? Slots must exist, kinds must convert, no loop may arise. 0 or E_INVALID with a sentence. */
int link_check(struct component *source, const char *sourceSlot, struct component *target, const char *targetSlot,
               struct err *e);
/* The same without looking for loops: for whoever changes several links and looks for them by the whole. */
int link_fits(struct component *source, const char *sourceSlot, struct component *target, const char *targetSlot,
              struct err *e);
/* Makes a link (not durable: the sheet's business). name NULL: a free one is chosen. Returns the link, owned by target. */
struct link *link_add(struct component *target, const char *name, uint64_t source, const char *sourceSlot,
                      const char *targetSlot);
void link_remove(struct component *target, struct link *link);
struct link *link_find(const struct component *target, const char *name);
/* First link that leads away from c; `for (l = links_from(c); l; l = link_next_from(l))`. */
struct link *links_from(const struct component *c);
struct link *link_next_from(const struct link *l);
/* Carries the value of c's slot along its property links. */
void links_carry(struct component *c, const struct slot *slot);

#endif
