/* SPDX-License-Identifier: Apache-2.0
 * A component: type, name, handle, parent, ordered children, the C fields behind its type's slots.
 * Only the engine thread may touch one. Others keep its handle, which is never used again after its death,
 * and ask station_by_handle(): a component that is gone fails softly. */
#ifndef BELFRY_COMPONENT_H
#define BELFRY_COMPONENT_H

#include "station/type/type.h"

struct station;
struct link;

#define COMPONENT_MAGIC 0xBE1F0001u /* the first member; anything else is no component */
#define NAME_MAX_LENGTH 120

/* What few components have: kept apart so that the many stay small. */
struct component_extra {
	char *displayName;           /* owned; NULL: made from the name */
	struct link *links;          /* owned; links into this component */
	struct link_source *sources; /* owned; slots that links leave */
	char *wsAnnotation;          /* owned; "x,y" on the wire sheet; NULL: it has no place of its own */
	char *tags;                  /* owned; JSON, see tags.h; NULL: none */
	char *categories;            /* owned; JSON, see category.h; NULL: those of the parent */
	char *slots;                 /* owned; JSON, see slot_detail.h; NULL: only those of the type */
	struct own_slots *own;       /* owned; what is in slots, and the values */
	struct covered *covered;     /* owned; what slots that links feed have by themselves: link_cover.h */
	int64_t position;            /* order among its siblings, when it is not that of the handles; 0: it is */
};

struct component {
	unsigned magic;
	uint32_t revision; /* counts committed changes; the ETag */
	const struct type *type;
	const char *name; /* set by tree.c: lies behind the component's own memory, in its type's name, or is owned */
	struct component *parent, *first, *last, *next;
	struct station *station;       /* borrowed */
	struct component_extra *extra; /* owned; may be NULL */
	uint64_t handle;
	struct status status;
	uint16_t flags; /* enum component_flags */
	uint16_t cell;  /* size of its memory, of pool.h */
};
enum component_flags {
	COMPONENT_RUNNING = 1 << 0,
	COMPONENT_FROZEN = 1 << 1,   /* the child of a V_COMPONENT slot */
	COMPONENT_OWN_NAME = 1 << 2, /* name has memory of its own: it was renamed */
	COMPONENT_LEAVING = 1 << 3,  /* about to be taken out with others */
};

/* The base of all types. */
extern const struct type baja_component;
/* A place for others: "baja:Folder". */
extern const struct type baja_folder;

/* c as a T *, checked: aborts when c is not of type t. `struct point *p = COMPONENT_AS(c, &control_point, struct point);` */
#define COMPONENT_AS(c, t, T) ((T *)component_as((c), (t)))
struct component *component_as(struct component *c, const struct type *type);
const struct component *component_as_const(const struct component *c, const struct type *type);
bool component_is(const struct component *c, const struct type *type);

/* Names: a letter, then letters, digits, '_'; anything else is escaped as $xx (UTF-8 byte by byte).
 * name_check: 0 or E_INVALID with a sentence; e may be NULL. name_escape: what a person typed, as a name: the text itself
 * when it is one already ("Boiler$20room"), else with all that is not legal escaped; owned. It may be too long, or empty. */
int name_check(const char *name, struct err *e);
char *name_escape(const char *text);
/* What the user reads: the display name given, or the name unescaped and spaced. buf at least 256 bytes. Returns it. */
const char *component_display_name(const struct component *c, char *buf, size_t size);

/* Gives c a name to be read; "": its own again. No disk is written. */
void component_set_display_name(struct component *c, const char *text);

/* Where c stands among its siblings: children are in the order of these numbers, never 0. Newer handles give greater
 * ones, so a new child stands last, with room between any two for one that is moved there. Setting moves nothing: see
 * tree_sort. */
static inline int64_t position_of_number(uint64_t handle)
{
	return (int64_t)(handle << 16);
}
int64_t component_position(const struct component *c);
void component_set_position(struct component *c, int64_t position);

/* The child of that name; NULL when there is none. */
struct component *component_child(const struct component *parent, const char *name);
/* How many children there are; walks them. */
uint32_t component_child_count(const struct component *parent);
/* "/Services/EmailService", owned. */
char *component_path(const struct component *c);
/* "station:|slot:/Services/EmailService", owned. */
char *component_ord(const struct component *c);

/* Slots that any component may have and few do: texts in component_extra. Ends with name NULL. */
extern const struct slot component_extra_slots[];
/* A copy whose slots are its own and whose rest is borrowed; and freeing what the slots own. */
void extra_copy(struct component_extra *to, const struct component_extra *from);
void extra_finish(struct component_extra *extra);
/* The row of a component's slot by name, frozen or dynamic, borrowed; NULL when there is none. Ask this, not type_slot,
 * whenever a component is at hand. */
const struct slot *component_slot(const struct component *c, const char *name);
/* All slots of c: those of its type and its dynamic ones. Walked as slot_walk. */
struct slot_walk component_walk(const struct component *c);
/* The row as c has it: with its own units, limits or range when its type or c itself says so, else slot itself. For
 * everything that reads or writes values for people. room must live as long as the row is used; row_room_finish ends it. */
const struct slot *component_row(const struct component *c, const struct slot *slot, struct row_room *room);
void row_room_finish(struct row_room *room);
/* The flags of a slot or an action of that name as c has them; those of its type are given. */
unsigned component_flags_of(const struct component *c, const char *name, unsigned flags);
/* What people read for a slot or an action. buf at least 256 bytes. Returns it. */
const char *component_slot_label(const struct component *c, const char *name, char *buf, size_t size);
/* The value of a slot, owned by the caller; a V_COMPONENT slot gives V_NULL (walk to the child instead). */
int component_get(const struct component *c, const char *slot, struct value *out, struct err *e);
/* Sets a slot at run time: for drivers, links and the component itself. Not for user's input, which goes through the
 * sheet. Writes no disk: what must survive goes through a batch. Takes *v. Calls changed, children's parent_changed,
 * links and observers when the value is different. */
void component_set(struct component *c, const struct slot *slot, struct value *v);
/* The C field was changed by its owner: tells the others (links, extensions, observers). */
void component_touched(struct component *c, const struct slot *slot);
/* Sets the component's own status bits, and tells observers when they are new. */
void component_set_status(struct component *c, uint16_t bits);

/* Invoking an action. One struct for the whole way: REST -> sheet -> action, or topic -> link -> action. */
struct actor;
struct store_tx;
struct invocation {
	const struct actor *actor; /* who; NULL: the station itself (a link, a timer) */
	const struct value *arg;   /* V_NULL when there is none */
	struct store_tx *tx;       /* what must become durable together with the cause; NULL: nobody collects */
	struct value result;       /* owned */
	struct err err;
	void (*done)(struct invocation *inv,
	             int code); /* called once if run returned 1; may be NULL for the station's own */
	void *context;          /* of done */
};
/* Runs an action by name; the answer of struct action.run. No permission check: the sheet does that (sheet_invoke). */
int component_invoke(struct component *c, const char *action, struct invocation *inv);
void invocation_done(struct invocation *inv, int code);
/* Fires a topic: every link from it invokes its target's action with arg, in the same transaction. */
void topic_fire(struct component *c, const char *topic, const struct value *arg, struct store_tx *tx);

#endif
