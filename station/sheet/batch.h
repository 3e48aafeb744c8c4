/* SPDX-License-Identifier: Apache-2.0
 * The inside of a batch, shared by sheet.c (what users call, the queue), sheet_copy.c and sheet_undo.c (changes made of
 * what is there, or was), sheet_plan.c, sheet_place.c and sheet_link.c (validation into a plan and a transaction) and
 * sheet_apply.c (the plan carried out). Nobody else includes this. Engine thread. */
#ifndef BELFRY_BATCH_H
#define BELFRY_BATCH_H

#include "station/base/handle_map.h"
#include "station/sheet/sheet.h"
#include "station/station.h"

enum revert { REVERT_NONE, REVERT_UNDO, REVERT_REDO, REVERT_RESTORE };
enum change_what {
	CHANGE_SET,
	CHANGE_SET_JSON,
	CHANGE_TAGS,
	CHANGE_SLOTS,
	CHANGE_SET_OWN,
	CHANGE_DISPLAY_NAME,
	CHANGE_ADD,
	CHANGE_REMOVE,
	CHANGE_MOVE,
	CHANGE_ORDER,
	CHANGE_LINK,
	CHANGE_UNLINK,
	CHANGE_LINK_ENABLE,
	CHANGE_REVISION,
	CHANGE_NOTHING /* one that followed another and has become needless */
};

/* One change as it was asked for. */
struct change {
	enum change_what what;
	uint64_t component;                     /* the one concerned; of ADD: the new one; 0 of ORDER: see json */
	uint64_t parent;                        /* ADD, MOVE, ORDER; 0 of MOVE: stays; of ORDER: that of component */
	char *name;                             /* owned; slot, new name, link name, display name, ORDER: before whom */
	char *source, *sourceSlot, *targetSlot; /* owned; LINK; source of SET, SET_OWN: the value as text */
	uint64_t source_handle;                 /* LINK, once planned */
	struct value value;                     /* SET */
	json_t *json;      /* owned; SET_JSON, ADD; TAGS, SLOTS: the patch, or all; ORDER: the names of the children */
	char *prefix;      /* owned; JSON pointer in front of slot names */
	char *hash;        /* owned; SET_JSON, ADD: of the plain password in json; "": hashing failed */
	bool weak;         /* the password was shorter than advised */
	bool disabled;     /* LINK, LINK_ENABLE */
	bool follows;      /* LINK, UNLINK: comes with another change; nothing is said when it is needless by then */
	uint32_t revision; /* REVISION */
	int64_t position;  /* MOVE: 0: stays, or last below another parent */
};

/* The top of a subtree that comes into the tree. */
struct added {
	struct component *component; /* owned until applied */
	uint64_t handle, parent;
	uint64_t replaces; /* the frozen child that leaves for this one, 0: none */
};

/* A component as it will be: a copy with the new values, which the rules look at. */
struct shadow {
	uint64_t handle;
	struct component *live;    /* borrowed; for a new component: the component itself, next == live */
	struct component *next;    /* owned unless new; NULL: no values change */
	bool fresh;                /* being added */
	bool rest;                 /* its row changes in other ways (display name, place, links) */
	const struct slot **slots; /* owned; which slots have changed */
	char *displayName;         /* owned; NULL: unchanged */
	uint32_t count, capacity;
};

struct batch {
	struct station *station;
	struct actor actor;
	bool by_user;                /* permissions and audit apply */
	bool no_version;             /* leaves no version */
	bool restoring;              /* gives back what was: handles, positions, services */
	bool configures;             /* see batch_configures */
	bool numbers_taken;          /* the next handle must be stored */
	bool dry_run;                /* ends before it is written */
	char *reason;                /* owned; NULL: none was given */
	enum revert revert;          /* what it makes its changes of when its turn comes */
	int64_t of;                  /* the version that is undone, redone, restored */
	char *summary;               /* owned; NULL: made of the delta */
	const char *kind;            /* of the version; NULL: by revert */
	struct version_brief *brief; /* borrowed, may be NULL: filled before the end is told */
	json_t **diff;               /* the same */
	struct change *changes;      /* owned */
	size_t count, capacity;
	char *pointer;       /* owned; where the changes that are being collected stand in the request; NULL: "" */
	struct added *added; /* owned */
	size_t added_count, added_capacity;
	struct shadow *shadows; /* owned */
	size_t shadow_count, shadow_capacity;
	struct place *places; /* owned */
	size_t place_count, place_capacity;
	struct claim *claims; /* owned */
	size_t claim_count, claim_capacity;
	/* Found by handle: components being added (the pointer), shadows, places, first change with a pointer (index + 1);
	 * tops being removed; parents whose children are put in order (1). Found by handle_map_key: claims; names of links
	 * that are added and removed, by their target; free numbers for names. */
	struct handle_map fresh, shadow_at, place_at, pointer_at, removed, sorted, claim_at, linked, unlinked, numbers;
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
	bool closed; /* nothing is begun any more */
	struct message message;
};

/* Appends a change to the batch; the caller fills in the rest. Owned by the batch. */
struct change *batch_change(struct batch *b, enum change_what what, uint64_t component);
/* The component that this batch adds under that handle; NULL when it adds none. Not while it is applied. */
struct component *batch_added(const struct batch *b, uint64_t handle);
/* Takes c with all below as a top that comes under parent; replaces: see struct added. */
void batch_take_added(struct batch *b, struct component *c, uint64_t parent, uint64_t replaces);
/* The component with that handle: in the tree or being added. */
struct component *batch_component(const struct batch *b, uint64_t handle);
/* Validates everything into shadows, report and transaction. Nothing in the tree changes. */
void batch_plan(struct batch *b);
/* Carries out a plan that is on disk. Cannot fail. */
void batch_apply(struct batch *b);
void shadow_finish(struct shadow *s);
/* A name below a parent that an added or moved component takes; see sheet_place.c. */
void place_claim(struct batch *b, uint64_t handle, uint64_t parent, const char *name, bool fresh);
/* Does the type stand below such a parent? 0, or a code and its sentence. */
int place_allows(const struct type *type, const struct component *parent, struct err *e);
/* The child of that name when the batch is applied, 0 when there is none; added_only: among what it adds. */
uint64_t place_child(struct batch *b, uint64_t parent, const char *name, bool added_only);
/* Errors from now on point there; NULL: "". */
void batch_point(struct batch *b, const char *pointer);

/* sheet_password.c. Starts hashing what must be hashed before the batch can be planned; false: there is nothing (left).
 * When it has ended, the batch joins the queue. */
bool batch_hash(struct batch *b);
/* sheet_undo.c. Makes the changes of an undo, redo or restore; calls batch_prepared (sheet.c), maybe later. */
void batch_prepare(struct batch *b);
void batch_prepared(struct batch *b);
/* sheet.c. Puts a submitted batch into the queue. */
void batch_enqueue(struct batch *b);

#endif
