/* SPDX-License-Identifier: Apache-2.0
 * The inside of a batch, shared by sheet.c (what users call, the queue), sheet_plan.c (validation into a plan and a
 * transaction) and sheet_apply.c (the plan carried out). Nobody else includes this. Engine thread. */
#ifndef BELFRY_BATCH_H
#define BELFRY_BATCH_H

#include "station/sheet.h"
#include "station/station.h"

enum change_what {
	CHANGE_SET,
	CHANGE_SET_JSON,
	CHANGE_DISPLAY_NAME,
	CHANGE_ADD,
	CHANGE_REMOVE,
	CHANGE_MOVE,
	CHANGE_LINK,
	CHANGE_UNLINK,
	CHANGE_REVISION
};

/* One change as it was asked for. */
struct change {
	enum change_what what;
	uint64_t component;                     /* the one concerned; of ADD: the new one */
	uint64_t parent;                        /* ADD, MOVE */
	char *name;                             /* owned; slot, new name, link name, display name */
	char *source, *sourceSlot, *targetSlot; /* owned; LINK */
	uint64_t source_handle;                 /* LINK, once planned */
	struct value value;                     /* SET */
	json_t *json;                           /* owned; SET_JSON, ADD */
	char *prefix;                           /* owned; JSON pointer in front of slot names */
	char *hash;            /* owned; SET_JSON, ADD: of the plain password in json; "": hashing failed */
	bool weak;             /* the password was shorter than advised */
	uint32_t revision;     /* REVISION */
	struct component *old; /* ADD of a frozen child of another type: the one it replaces; borrowed */
};

/* A component as it will be: a copy with the new values, which the rules look at. */
struct shadow {
	uint64_t handle;
	struct component *live;       /* borrowed; for a new component: the component itself, next == live */
	struct component *next;       /* owned unless new */
	bool fresh;                   /* being added */
	bool rest;                    /* only its row changes (display name, place) */
	const struct slot *slots[96]; /* which slots have changed */
	size_t count;
	char *displayName; /* owned; NULL: unchanged */
};

struct batch {
	struct station *station;
	struct actor actor;
	bool by_user;           /* permissions and audit apply */
	bool no_version;        /* leaves no version */
	char *reason;           /* owned; NULL: none was given */
	struct change *changes; /* owned */
	size_t count, capacity;
	struct component **added; /* owned array; components owned until applied */
	uint64_t *added_parent;   /* owned array: handle of each one's parent */
	size_t added_count;
	struct shadow *shadows; /* owned */
	size_t shadow_count;
	struct report report;
	struct store_tx *tx;
	struct change *hashing; /* whose password is being hashed; borrowed */
	json_t *audit;          /* array of {operation, target, slot?, oldValue?, value?} */
	batch_done *done;
	void *context;
	struct batch *next; /* in the queue */
	int code;
};

struct sheet_queue {
	struct station *station;
	struct batch *head, **tail;
	bool busy; /* head is on its way to the disk */
	bool posted;
	struct message message;
};

/* Appends a change to the batch; the caller fills in the rest. Owned by the batch. */
struct change *batch_change(struct batch *b, enum change_what what, uint64_t component);
/* The component that this batch adds under that handle; NULL when it adds none. Not while it is applied. */
struct component *batch_added(const struct batch *b, uint64_t handle);
/* The component with that handle: in the tree or being added. */
struct component *batch_component(struct batch *b, uint64_t handle);
/* Validates everything into shadows, report and transaction. Nothing in the tree changes. */
void batch_plan(struct batch *b);
/* Carries out a plan that is on disk. Cannot fail. */
void batch_apply(struct batch *b);
void shadow_finish(struct shadow *s);
/* Notes a change for the audit trail; texts may be NULL. A secret is noted without its value. */
void batch_note(struct batch *b, const char *operation, const struct component *c, const char *slot, const char *old,
                const char *new);
void batch_note_value(struct batch *b, const struct component *c, const struct slot *slot, const struct value *old,
                      const struct value *new);
/* Adds the one record of what was noted to the transaction. */
void batch_write_audit(struct batch *b);

/* Adds the version that the batch makes, if it makes one, to the transaction. The tree is still as before. */
void batch_write_version(struct batch *b);

/* sheet_password.c. Starts hashing what must be hashed before the batch can be planned; false: there is nothing (left).
 * When it has ended, the batch joins the queue. */
bool batch_hash(struct batch *b);
/* The hash for this property, for the plan: 0 and *out (owned), or a code, reported. */
int batch_take_hash(struct batch *b, const struct component *c, const struct slot *slot, const json_t *json,
                    struct value *out);
/* sheet.c. Puts a submitted batch into the queue. */
void batch_enqueue(struct batch *b);

#endif
