/* SPDX-License-Identifier: Apache-2.0
 * Links: they live on the target and lead property to property, property to action, action to action or topic, topic to
 * action or topic. link.c: making and checking them. link_wave.c: how values and events travel. Engine thread. */
#ifndef BELFRY_LINK_H
#define BELFRY_LINK_H

#include "station/link/link_convert.h"
#include "station/tree/tree.h"

/* All links that leave one slot of a component: found in one step when it changes. */
struct link_source {
	struct link_source *next; /* of the same component */
	struct component *component;
	char *name;             /* owned; of the slot */
	const struct slot *row; /* borrowed; NULL: an action or a topic */
	struct link *first, *last;
};
struct link {
	char *name;               /* owned; unique on the target */
	char *targetSlot;         /* owned */
	uint64_t source;          /* handle */
	const char *sourceSlot;   /* borrowed from `from` */
	struct link_source *from; /* where it hangs on the other side */
	struct component *target; /* borrowed */
	struct link *next;        /* on the target */
	struct link *next_from, *prev_from;
	struct link *next_queued, *cause; /* of the wave: see link_wave.c */
	const struct slot *row; /* borrowed; the property it leads to, or the argument of the action; NULL: none */
	const struct conversion *conversion; /* NULL: what comes is passed as it is */
	char *fault;                         /* owned; why nothing is carried, a sentence; NULL: it works */
	uint32_t wave;
	uint16_t rounds;
	uint8_t leads; /* enum link_leads */
	bool enabled;  /* a person's choice, stored */
	bool queued;
	bool covers; /* has brought its slot a value: link_cover.h */
	bool cut;    /* closed a loop while running: carries nothing until links change */
};
enum link_leads { LEADS_NOWHERE, LEADS_TO_PROPERTY, LEADS_TO_ACTION, LEADS_TO_TOPIC };

/* May this link be? Slots must exist, kinds must convert, no loop of properties may arise. 0 or E_INVALID with a
 * sentence, which names the whole loop. */
int link_check(struct component *source, const char *sourceSlot, struct component *target, const char *targetSlot,
               struct err *e);
/* The same without looking for loops: for whoever changes several links and looks for them by the whole. */
int link_fits(struct component *source, const char *sourceSlot, struct component *target, const char *targetSlot,
              struct err *e);
/* Makes a link (not durable: the sheet's business; it carries nothing yet: link_carry). name NULL: a free one is chosen.
 * Returns the link, owned by target; NULL when there is no component with the handle source. */
struct link *link_add(struct component *target, const char *name, uint64_t source, const char *sourceSlot,
                      const char *targetSlot);
/* The same, for components that are not in the tree yet. */
struct link *link_join(struct component *target, const char *name, struct component *source, const char *sourceSlot,
                       const char *targetSlot);
void link_remove(struct component *target, struct link *link);
struct link *link_find(const struct component *target, const char *name);
/* First link that leads away from c; `for (l = links_from(c); l; l = link_next_from(l))`. */
struct link *links_from(const struct component *c);
struct link *link_next_from(const struct link *l);
/* Is there an enabled link into that slot? Borrowed; NULL: none. */
const struct link *link_into(const struct component *c, const char *slot);
/* The rows of c's slots have changed (a dynamic slot came or went): links from and to them look again. */
void links_refresh(struct component *c);
/* Why the link carries nothing, a sentence in buf; NULL when nothing is wrong. */
const char *link_trouble(const struct link *l, char *buf, size_t size);

/* link_wave.c. A slot has changed: its links are queued, and carried when the outermost change has ended. */
void links_queue(struct component *c, const struct slot *slot);
/* Between these two, changes only queue; the last release carries everything in one pass. */
void links_hold(struct station *s);
void links_release(struct station *s);
/* Carries the value of c's slot along its links; the value of one link, if it leads to a property. */
void links_carry(struct component *c, const struct slot *slot);
void link_carry(struct link *l);
/* At start: every property link once. */
void links_settle(struct station *s);
/* Links were changed: those cut because of a loop are tried again. */
void links_mend(struct station *s);
/* An action has run or a topic is fired: invokes what is linked to it, with the same argument and transaction. */
struct store_tx;
void links_fire(struct component *c, const char *name, const struct value *arg, struct store_tx *tx);
/* link_remove tells the wave. */
void wave_forget(struct tree *t, struct link *l);

#endif
