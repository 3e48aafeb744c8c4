/* SPDX-License-Identifier: Apache-2.0
 * A delta: what a batch changes, as rows of the tree's records (component, slot, link; see persist.h), each as it was
 * before and as it is after. From it follow the version record, its readable diff, undo, redo and restore.
 * Engine thread. */
#ifndef BELFRY_DELTA_H
#define BELFRY_DELTA_H

#include "station/base/handle_map.h"
#include "station/store/persist.h"

/* One row. Texts are the row's other columns as a JSON array in the order of its table; equal texts are equal rows. */
struct delta_row {
	const struct record_kind *kind; /* &component_kind, &slot_kind or &link_kind */
	uint64_t handle;                /* of the component it belongs to; of a link: its target */
	char *name;                     /* owned; of the slot or link, "" of a component */
	char *before, *after;           /* owned; NULL: there is no such row */
};
/* Where a component that the rows speak of stood after the batch (a removed one: before), so that a diff can be read when
 * it is long gone. */
struct delta_place {
	uint64_t handle;
	char *path, *type; /* owned */
};
struct delta {
	struct delta_row *rows;     /* owned */
	struct delta_place *places; /* owned */
	size_t count, capacity, place_count, place_capacity;
	size_t *buckets; /* owned; hash of rows: index + 1 */
	size_t bucket_count;
	struct handle_map at; /* handle -> index of its place + 1 */
};

void delta_finish(struct delta *d);
/* What the writes of tx will change in the tree, which is still as before. Linear. *d is empty before. */
void delta_build(struct delta *d, struct station *s, const struct store_tx *tx);
/* The row, NULL when the delta has none. */
struct delta_row *delta_find(const struct delta *d, const struct record_kind *kind, uint64_t handle, const char *name);
/* Makes or replaces a row; the states are copied. */
void delta_set(struct delta *d, const struct record_kind *kind, uint64_t handle, const char *name, const char *before,
               const char *after);
const struct delta_place *delta_place(const struct delta *d, uint64_t handle);
/* Are two states of a row the same? Either may be NULL. A component's revision does not count. */
bool delta_same(const struct record_kind *kind, const char *a, const char *b);
/* One column of a state: as a number (0 when there is none), or text (owned, "" when there is none). */
int64_t delta_integer(const struct record_kind *kind, const char *state, const char *column);
char *delta_text(const struct record_kind *kind, const char *state, const char *column);
/* The state that a record of one of these kinds stands for; owned. */
char *delta_state(const struct record_kind *kind, const void *record);
/* The state of all rows that a live component has, as they lie in the store: one call for each. */
void delta_rows_of(struct component *c,
                   void (*visit)(void *context, const struct record_kind *kind, const char *name, const char *state),
                   void *context);

/* Text in parts of moderate size, each a JSON array: for the store. */
char *delta_write_part(const struct delta *d, size_t *next, size_t *next_place); /* owned; NULL: there is no more */
/* Reads a part behind what is there: rows that are there already get its `after`: so deltas are composed, oldest first. */
int delta_read_part(struct delta *d, const char *text, struct err *e);
/* Swaps before and after. */
void delta_invert(struct delta *d);
/* Leaves out the rows in which nothing has changed in the end. */
void delta_compact(struct delta *d);

/* One sentence: "Changed port of /Services/EmailService/OutgoingAccount." Owned. */
char *delta_summary(const struct delta *d);
/* What a person reads: [{path, oldPath?, type, handle, what: "added|removed|changed|moved", displayName?: {old, new},
 * position?, properties: [{name, old, new}], links: [{name, old, new}]}]; at most limit items; old and new are JSON as
 * REST shows it (secrets {"set": bool}), absent for a default. New reference. */
json_t *delta_to_json(struct station *s, const struct delta *d, size_t limit);

#endif
