/* SPDX-License-Identifier: Apache-2.0
 * The slots of one component beyond its type: which details it has (slot_detail.h), and the values of its dynamic slots.
 * The definitions are kept as a JSON list in the slot `slots` (component_extra); values lie in rows like any other.
 * Only sheet_slots.c changes them for people. Engine thread. */
#ifndef BELFRY_OWN_SLOTS_H
#define BELFRY_OWN_SLOTS_H

#include "station/tree/component.h"
#include "station/type/slot_detail.h"

enum { OWN_SLOTS_MAX = 250 };

struct own_slot {
	const struct slot_detail *detail;
	struct value value; /* owned; of a dynamic slot */
};
struct own_slots {
	uint32_t count;
	struct own_slot items[];
};

/* The text in extra->slots has changed: makes extra->own of it. Values of dynamic slots whose name and kind stay are kept.
 * What is not (or no longer) right for the type is left out. */
void own_slots_read(struct component *c);
/* A value of row from as row to has it: members of a struct that stay, by name and kind, keep their values; what does not fit
 * is the default. Owned. */
struct value own_value_fit(const struct slot *from, const struct value *v, const struct slot *to);
/* A copy of from's own slots with their values; from may have none. */
struct own_slots *own_slots_copy(const struct own_slots *from);
void own_slots_free(struct own_slots *own);

/* What c says of a slot or action of that name; NULL: nothing. */
const struct slot_detail *own_detail(const struct component *c, const char *name);
/* The row of a dynamic slot; NULL: there is none. */
const struct slot *own_slot_row(const struct component *c, const char *name);
/* Reading and writing the value of a dynamic slot: see slot_read and slot_write. One that c does not have reads as its
 * default, and is not written. */
void own_slot_get(const struct component *c, const struct slot *row, struct value *out);
void own_slot_put(struct component *c, const struct slot *row, struct value *v);

/* The next dynamic slot from *at on, which moves behind it; NULL: there is no more. own may be NULL. */
const struct slot *own_slots_next(const struct own_slots *own, uint32_t *at);
/* The definitions that c has, a list. New reference. */
json_t *own_slots_to_json(const struct component *c);
/* Do the values of all slots that c speaks of fit their rows? What does not goes to the report, at the slot's name. */
void own_slots_check_values(const struct component *c, struct report *report);

#endif
