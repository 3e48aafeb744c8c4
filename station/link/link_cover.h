/* SPDX-License-Identifier: Apache-2.0
 * What a property has by itself while a link feeds it: the value that is stored, and that it has again when no link feeds it
 * any more. What links bring is in memory only, so whoever reads a component to store, copy or compare it asks here. A link
 * covers the slot it leads to from the first value that it brings. Engine thread. */
#ifndef BELFRY_LINK_COVER_H
#define BELFRY_LINK_COVER_H

#include "station/link/link.h"

/* Before l writes into the property that it leads to. */
void link_cover(struct link *l);
/* l goes or is switched off: its slot gets back what it has by itself when the wave is released, if no other feeds it then. */
void link_leave(struct link *l);
/* Gives the slots that links have left their own values back; part of links_release. */
void links_uncover(struct station *s);

/* slot_read, but for what links have brought. Owned. */
void slot_stored(const struct slot *slot, const struct component *c, struct value *out);
/* A batch has written v into the slot: that is what it has by itself now. v is borrowed. */
void slot_store(const struct slot *slot, struct component *c, const struct value *v);
/* Writes into copy, a copy of c, what covered slots have by themselves. */
void cover_lift(const struct component *c, struct component *copy);
/* The rows of c have changed: covered slots that are gone are forgotten, the others fitted. */
void cover_refresh(struct component *c);
void cover_finish(struct component_extra *extra);
void bare_finish(struct wave *w);

#endif
