/* SPDX-License-Identifier: Apache-2.0
 * What the parts of a plan share: sheet_plan.c (values, the whole), sheet_place.c (structure), sheet_link.c,
 * sheet_password.c and batch_audit.c. Nobody else includes this. Engine thread. */
#ifndef BELFRY_BATCH_PLAN_H
#define BELFRY_BATCH_PLAN_H

#include "station/sheet/batch.h"

/* Where a component will stand, of those that the batch adds or moves. */
struct place {
	uint64_t handle, parent;
	const char *name;    /* borrowed from the change or the component */
	int64_t position;    /* 0: as it is */
	size_t next_arrival; /* index + 1 of the next one below the same parent */
	bool fresh;          /* an added one */
};
struct claim {          /* a name below a parent that a place has, or had before it was changed again */
	size_t place, next; /* next of the same key: index + 1 */
};

/* Its place when the batch moves or adds it, else NULL. */
const struct place *place_of(const struct batch *b, uint64_t handle);

/* An error at a slot, NULL: the one it names. */
void batch_fail(struct batch *b, const char *slot, const struct err *e);
/* The shadow of a component, made when it is needed; batch_row: for what changes its row only, without values. */
struct shadow *batch_shadow(struct batch *b, struct component *c);
struct shadow *batch_row(struct batch *b, struct component *c);
/* Do its own slots change, and not only their values? */
bool shadow_defines(const struct shadow *s);
/* Puts fresh in the place of old, which this batch adds itself; takes both. */
void batch_exchange_added(struct batch *b, struct component *old, struct component *fresh);
/* Values as JSON, at that pointer of the request. */
void batch_plan_json(struct batch *b, struct component *c, const json_t *values, const char *pointer);

/* sheet_place.c: adding, removing, moving, ordering; all against the tree as the batch will leave it.
 * place_begin: before any change is planned; plan_order: when all others were. */
void place_begin(struct batch *b);
void plan_add(struct batch *b, struct component *c, const struct change *change);
void plan_remove(struct batch *b, struct component *c);
void plan_move(struct batch *b, struct component *c, const struct change *change);
/* A place to write into, made when there is none; the parent that a component will have, 0 without; a position behind
 * all that are there. */
struct place *place_make(struct batch *b, uint64_t handle);
uint64_t place_parent(const struct batch *b, uint64_t handle);
/* The path of c; when it is added, that which it will have: what it comes below may be added too. Owned. */
char *place_path(const struct batch *b, const struct component *c);
int64_t place_last(struct batch *b);
/* sheet_order.c */
void plan_order(struct batch *b);
/* Is c removed, or something that it stands below? */
bool place_removed(const struct batch *b, const struct component *c);
/* What was to come under that handle is now this component. */
void place_exchange(struct batch *b, uint64_t handle, struct component *c);
/* Writes the removals. */
void place_write(struct batch *b);

/* sheet_link.c: links that come and go. */
void plan_link(struct batch *b, struct component *target, struct change *change);
void plan_unlink(struct batch *b, struct component *target, const struct change *change);
void plan_link_enable(struct batch *b, struct component *target, const struct change *change);
void link_loops(struct batch *b);
void link_write(struct batch *b);

/* sheet_slots.c: a component's own slots, from a patch (an object) or all of them (a list); and what of component_extra is
 * kept as JSON, as the configuration's text has it. */
void batch_plan_slots(struct batch *b, struct component *c, const json_t *json);
/* Adds what follows from patches of slots: links that enter or leave a renamed slot go to its new name, those of a removed
 * one go. When the batch is planned, so that links which others made while it waited follow too. */
void batch_follow_slots(struct batch *b);
/* When all else is planned: takes away the links of slots that have gone in any other way, as by an import. */
void batch_unlink_gone(struct batch *b);
void batch_plan_extra(struct batch *b, struct component *c, const struct slot *slot, const json_t *json);
/* One value from JSON. forced: also one that is read-only by a detail of the component. */
void batch_plan_value(struct batch *b, struct component *c, const char *name, const json_t *json, bool forced);
/* Sets what the batch makes of a slot; takes *v. */
void batch_plan_set(struct batch *b, struct component *c, const struct slot *slot, struct value *v);
/* The component as the batch has made it so far: to look at its slots, not at its neighbours. */
struct component *batch_seen(const struct batch *b, struct component *c);

/* The hash for this property, for the plan: 0 and *out (owned), or a code, reported. */
int batch_take_hash(struct batch *b, const struct component *c, const struct slot *slot, const json_t *json,
                    struct value *out);

/* Notes a change for the audit trail; texts may be NULL. A secret is noted without its value. */
void batch_note(struct batch *b, const char *operation, const struct component *c, const char *slot, const char *old,
                const char *new);
void batch_note_value(struct batch *b, const struct component *c, const struct slot *slot, const struct value *old,
                      const struct value *new);
/* Adds the one record of what was noted to the transaction. */
void batch_write_audit(struct batch *b);
/* Adds the version that the batch makes, if it makes one, to the transaction. The tree is still as before. */
void batch_write_version(struct batch *b);

#endif
