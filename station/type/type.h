/* SPDX-License-Identifier: Apache-2.0
 * A type is a table of slots plus behaviour. To add a feature is to write a type and name it in types.c.
 * Types are constant; the registry (owned by the station) only finds them by name. */
#ifndef BELFRY_TYPE_H
#define BELFRY_TYPE_H

#include "station/type/slot.h"

enum type_flags {
	TYPE_ABSTRACT = 1 << 0,  /* base of others; none can be made */
	TYPE_CONTAINER = 1 << 1, /* takes any child that allows this parent (folders, services) */
	TYPE_SINGLETON = 1 << 2, /* a service: at most one in the station, cannot be removed */
	TYPE_COMPUTED = 1 << 3,  /* a point that makes its value itself: takes no proxy */
};

/* Where a row is put together that an instance has otherwise than its type: see component_row. */
struct row_room {
	struct slot slot, members[8];
	struct facets facets;
	struct tag *tags; /* owned; the range in facets */
};

struct actor;
struct batch;
/* A live component as the batch leaves it: with its new values (a copy: only slots are filled in), itself when nothing
 * changes, NULL when it is removed. While check_around runs. */
const struct component *planned(const struct batch *b, const struct component *c);
/* Who makes the changes; NULL: the station itself. */
const struct actor *planned_by(const struct batch *b);

/* All functions run on the engine thread; each may be NULL; the base type's run first (stopped, fini: last). */
struct type {
	const char *name; /* "email:OutgoingAccount" */
	const char *doc;
	size_t size; /* of the C struct, whose first member is struct component */
	const struct type *base;
	unsigned flags;
	const struct slot *slots;
	struct {
		size_t at, size; /* of the pointer to the rare block, and of that; size 0: this type has none */
	} rare;
	const struct action *actions;
	const struct topic *topics;
	const void *traits; /* what the base type asks of the types built on it (an alarm algorithm), or NULL */
	/* This instance's own facets for one of its slots or an action's argument (a point's units, limits, range), into room;
	 * false: those of the table hold. c may be a proposed copy. */
	bool (*facets)(const struct component *c, const struct slot *slot, struct row_room *room);
	/* May a child of this type stand below parent? A sentence in e when not. Asked of the child's type. */
	int (*parent_ok)(const struct component *parent, struct err *e);
	/* Rules over several slots, on the proposed whole (a copy with the new values), before commit; no effects.
	 * current is the live component (NULL when it is being added): for rules over neighbours and children. */
	void (*check)(const struct component *next, const struct component *current, struct report *report);
	/* The same for a component that is there already and is changed or removed, over its neighbours as they will be: see
	 * planned. For rules such as "one of us must stay". */
	void (*check_around)(const struct component *c, const struct batch *b, struct report *report);
	/* After a slot has a new value: once for each slot. Sources: sheet, links, drivers. */
	void (*changed)(struct component *c, const struct slot *slot);
	/* A slot of the parent has changed: how extensions below a point see its value. */
	void (*parent_changed)(struct component *c, const struct slot *slot);
	/* Fields that are not slots: set up when the memory is zero, and given back. */
	void (*init)(struct component *c);
	void (*fini)(struct component *c);
	/* The component is in the running tree, children first started; and it is about to leave it. */
	void (*started)(struct component *c);
	void (*stopped)(struct component *c);
};

/* The rare block of a type: struct R behind the member `rare` of T. */
#define RARE(T, R)                                                                                                     \
	{                                                                                                                  \
		offsetof(T, rare), sizeof(R)                                                                                   \
	}

/* Is type base, or built on it? */
bool type_is(const struct type *type, const struct type *base);
/* Slot, action, topic by name, in the type and its bases; NULL when there is none. */
const struct slot *type_slot(const struct type *type, const char *name);
const struct action *type_action(const struct type *type, const char *name);
const struct topic *type_topic(const struct type *type, const char *name);

/* Walks all slots of a type, the base's first:
 *   for (struct slot_walk w = slot_walk(type); (slot = slot_next(&w)); ) */
struct own_slots;
struct slot_walk {
	const struct type *chain[8];
	int depth;
	const struct slot *next;
	const struct own_slots *own; /* of a component: served last; see component_walk */
	uint32_t at;
};
struct slot_walk slot_walk(const struct type *type);
const struct slot *slot_next(struct slot_walk *w);

/* types.c: all types of the station, ending with NULL. The only file beside main.c that names everybody. */
extern const struct type *const station_types[];
const struct type *type_find(const struct type *const *types, const char *name);
/* The start-up self-check: every row has a doc and a kind, every default, minimum and maximum of every type passes
 * its own parser, names are legal and unique. 0, or a code and the type and slot in e. */
int types_check(const struct type *const *types, struct err *e);

#endif
