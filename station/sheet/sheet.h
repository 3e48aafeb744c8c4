/* SPDX-License-Identifier: Apache-2.0
 * The sheet: the one way by which users change the tree. A batch is a set of changes over one or several components.
 * It is validated whole (permissions, kinds, ranges, rules over several slots: all errors at once, with their paths),
 * written in one transaction with one audit record, and applied all or nothing. REST, import, undo and the command
 * line go through it. Engine thread.
 *
 * Batches are taken one after the other: validate, write, apply, answer. What is in memory is therefore always what
 * is on disk, and there is nothing to roll back when the disk refuses. */
#ifndef BELFRY_SHEET_H
#define BELFRY_SHEET_H

#include "station/store/store.h"
#include "station/tree/tree.h"

enum role { ROLE_NONE, ROLE_VIEWER, ROLE_OPERATOR, ROLE_ADMIN };
/* Who acts. Plain data. */
struct actor {
	char user[NAME_MAX_LENGTH + 1]; /* "" for the station itself */
	enum role role;
	char from[64]; /* address of the peer, "unix" or "" */
	char via[16];  /* "session", "token", "cli", "mail" */
	/* Name or address under which that peer has reached the station, without port; "": none. */
	char host[254];
};

struct batch;
struct sheet_queue;
struct sheet_queue *sheet_queue_new(struct station *s);
/* The store is about to go: nothing is written any more. What waits is freed with the queue, unanswered. */
void sheet_queue_close(struct sheet_queue *q);
void sheet_queue_free(struct sheet_queue **q);
/* Ends a batch: code 0 when it is on disk and applied. The report holds errors and warnings, and is the caller's to read
 * until it returns. added: handle of the component that the last add made, 0 without. */
typedef void batch_done(void *context, int code, const struct report *report, uint64_t added);

struct batch *batch_new(struct station *s, const struct actor *actor);
/* JSON pointer of what is collected from now on ("/3"; NULL: ""), and where a caller's own errors may go before that
 * batch is submitted: with errors it is refused, but everything else is still validated. */
void batch_at(struct batch *b, const char *pointer);
struct report *batch_report(struct batch *b);
/* The changes; each gives its errors to the report when the batch is validated. prefix is the JSON pointer that stands in
 * front ("/values", "/3/values"). JSON is borrowed and copied. */
void batch_set_json(struct batch *b, uint64_t component, const json_t *values, const char *prefix);
void batch_set(struct batch *b, uint64_t component, const char *slot, const struct value *v);
/* A merge patch of its tags, laid over those that it has when the batch is validated; see tags.h. */
void batch_tags(struct batch *b, uint64_t component, const json_t *patch);
/* Adds, changes, renames and removes its dynamic slots, and what it has otherwise than its type: a merge patch by name,
 * {"setpoint": {"kind": "real", "value": 21, ...}, "old": {"name": "new"}, "gone": null}; see sheet_slots.c. */
void batch_slots(struct batch *b, uint64_t component, const json_t *patch);
/* The whole of them, as own_slots_to_json gives it. */
void batch_slots_all(struct batch *b, uint64_t component, const json_t *list);
/* The categories it belongs to: a list of names; null or NULL: those of what it stands in. See category.h. */
void batch_categories(struct batch *b, uint64_t component, const json_t *names);
void batch_display_name(struct batch *b, uint64_t component, const char *text);
/* Returns the new component's handle, which later changes of the same batch may use; 0 when the type or parent is wrong.
 * A name that is not legal is escaped (name_escape), here and in batch_copy and batch_move. */
uint64_t batch_add(struct batch *b, uint64_t parent, const char *name, const char *type, const json_t *values,
                   const char *prefix);
/* A copy of what is there, or is added (as the batch has made it so far), with all below it: values, display names, links
 * from inside (into the copy) and from outside. name NULL: a free one is chosen. values: set on the copy, may be NULL. Returns its handle, or 0. */
uint64_t batch_copy(struct batch *b, uint64_t source, uint64_t parent, const char *name, const json_t *values,
                    const char *prefix);
void batch_remove(struct batch *b, uint64_t component);
void batch_move(struct batch *b, uint64_t component, uint64_t parent /* 0: stays */,
                const char *name /* NULL: stays */);
/* Order among siblings. The children named come first, in that order; the others stay as they are behind them. */
void batch_order(struct batch *b, uint64_t parent, const json_t *names);
/* Places a component in front of the sibling of that name; "": last. Together with a move: where it comes to. */
void batch_before(struct batch *b, uint64_t component, const char *before);
void batch_link(struct batch *b, uint64_t target, const char *name, const char *source_ord, const char *sourceSlot,
                const char *targetSlot);
void batch_link_off(struct batch *b); /* the link that was collected last comes switched off */
void batch_unlink(struct batch *b, uint64_t target, const char *name);
void batch_link_enable(struct batch *b, uint64_t target, const char *name, bool enabled);
/* Only if the component still has this revision, else E_STALE. */
void batch_if_revision(struct batch *b, uint64_t component, uint32_t revision);
/* The handle behind a path, among what is there and what this batch adds; 0 when there is none. */
uint64_t batch_find(struct batch *b, const char *path);
/* Why, in the user's words: kept with the version that the batch makes. */
void batch_reason(struct batch *b, const char *text);
/* A command (set, override) is no configuration: it is audited but makes no version. */
void batch_no_version(struct batch *b);
/* The changes are those that take back the newest batch of the same user that can be undone (or redone), or everything
 * since that version. Refused with E_CONFLICT and a sentence when others have changed the same since; a restore
 * overwrites. See version.h. */
void batch_undo(struct batch *b);
void batch_redo(struct batch *b);
void batch_restore(struct batch *b, int64_t version);
/* The version that the batch made, or would make: *out is filled before the end is told; number 0: none. */
struct version_brief {
	int64_t number;
	char summary[400];
};
void batch_tell_version(struct batch *b, struct version_brief *out);
/* What the batch changes, as delta_to_json: *out gets a new reference before the end is told (NULL: nothing changes). */
void batch_tell_diff(struct batch *b, json_t **out);
/* Validates everything and ends; nothing is written or applied. */
void batch_dry_run(struct batch *b);
/* What the version is called: "import"; static text. */
void batch_kind(struct batch *b, const char *kind);
/* What is collected was configured before: it may set what only was made read-only by a detail (own_slots.h). */
void batch_configures(struct batch *b);
/* Further writes for the same transaction (an alarm's, a user's). */
struct store_tx *batch_tx(struct batch *b);
/* Takes b. done is called later from the engine's loop, never inline. */
void batch_submit(struct batch *b, batch_done *done, void *context);
void batch_free(struct batch **b); /* of one that was not submitted */

/* Invokes an action for a user: checks role and argument, writes the audit record, runs it. The answer of action.run. */
int sheet_invoke(struct component *c, const char *action, const json_t *arg, const struct actor *actor,
                 struct invocation *inv, struct report *report);
/* What sheet_invoke checks before it runs an action: *out is the argument (owned). 0, or a code with e or report filled. */
int sheet_check_action(const struct component *c, const char *name, const json_t *arg, const struct actor *actor,
                       struct value *out, struct err *e, struct report *report);
/* May this actor do that? 0 or E_FORBIDDEN with a sentence. */
int sheet_may_set(const struct actor *actor, const struct component *c, const struct slot *slot, struct err *e);
int sheet_may_invoke(const struct actor *actor, const struct component *c, const struct action *action, struct err *e);
int sheet_may_configure(const struct actor *actor, struct err *e); /* add, remove, move, link: admin */

#endif
