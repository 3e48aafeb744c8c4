/* SPDX-License-Identifier: Apache-2.0
 * How the delta of a version becomes changes of a batch that take it back: shared by sheet_undo.c (what is taken back, and
 * loading it), revert_check.c (has somebody changed the same since?) and revert_make.c (the changes). Nobody else includes
 * this. Engine thread. */
#ifndef BELFRY_REVERT_H
#define BELFRY_REVERT_H

#include "station/sheet/batch_plan.h"
#include "station/sheet/version.h"

/* In the rows, `before` is what is expected now and `after` what shall be. */
struct reverting {
	struct batch *batch;
	struct delta delta;
	struct delta now;         /* rows as they are, in `before` */
	uint64_t handle;          /* whose rows are being read */
	struct handle_map made;   /* components that come back: the pointer, until they stand below another or are added */
	struct handle_map leaves; /* components that go: 1 */
	struct handle_map suspects; /* components whose values in memory are not as expected: 1 */
	size_t asked;               /* cells of suspects that have been asked for */
	struct store_query query;   /* on its way */
};

/* A sentence about a component; what fills the %s of format. */
void revert_conflict(struct reverting *r, uint64_t handle, const char *format, const char *what);
/* Does a column of two states of a component differ? */
bool revert_differs(const char *a, const char *b, const char *column);

/* Reads the rows of all that is concerned from memory, and finds suspects: links and drivers change values in memory
 * only, and those are no reason to refuse. What the store says of a suspect then replaces what memory says. */
void revert_read(struct reverting *r);
void revert_learn(struct reverting *r, const struct store_rows *rows);
/* Reports what others have changed since. */
void revert_check(struct reverting *r);
/* Makes the changes. */
void revert_make(struct reverting *r);

#endif
