/* SPDX-License-Identifier: Apache-2.0
 * Versions: each applied batch of a user leaves a numbered record (who, when, by what way, why, one sentence) and its
 * delta, in its own transaction. Undo, redo and restore are batches too and leave versions of their own: history only
 * grows, until its bounds. Commands to points (set, override) are no configuration and leave none. Engine thread. */
#ifndef BELFRY_VERSION_H
#define BELFRY_VERSION_H

#include "station/sheet/delta.h"
#include "station/sheet/sheet.h"

/* How much is kept: the oldest go, in the transaction of a new one. A single delta above DELTA_ROWS_MAX rows or
 * DELTA_SIZE_MAX bytes is not kept: that batch cannot be undone, nor anything before it restored. */
enum { VERSIONS_KEPT = 1000, UNDO_DEPTH = 50, DELTA_ROWS_MAX = 400000, DIFF_ITEMS_MAX = 1000 };
#define DELTA_SIZE_MAX ((int64_t)64 << 20)

/* Table "version". Query it with store_ask; number descending is newest first. */
struct version_record {
	int64_t number; /* key; from 1, increasing, may have gaps */
	struct abstime timestamp;
	char *user, *via; /* as in struct actor */
	char *kind;       /* "change", "undo", "redo", "restore", "import" */
	int64_t of;       /* the version that an undo took back, the undo that a redo took back, the one restored; else 0 */
	char *reason;     /* as the user gave it; may be empty */
	char *summary;    /* one sentence, see delta_summary */
	int64_t rows;     /* of the delta */
	int64_t size;     /* its bytes; 0: it was too large to be kept */
};
/* Table "delta": the delta of a version in parts, see delta_write_part. */
struct delta_record {
	int64_t version, part;
	char *rows;
};
extern const struct record_kind version_kind, delta_kind;

/* What the station knows of its versions while it runs. */
struct versions;
/* Reads what there is. 0 or a code. */
int versions_open(struct station *s, struct err *e);
void versions_close(struct versions **v);
/* The number of the newest version, 0 when there is none. */
int64_t version_newest(const struct station *s);

/* The composed delta of the versions first to last (last 0: the newest), places and rows as on the way forward. Loads
 * from the store; answer is called later with a delta that it may take (leave it zeroed) or with E_NOT_FOUND and a
 * sentence when one of them is not kept. */
typedef void delta_answer(void *context, int code, const struct err *e, struct delta *d);
void version_load(struct station *s, int64_t first, int64_t last, delta_answer *answer, void *context);

/* What a user can undo and redo, newest first: {undo: [{version, of, timestamp, summary, reason}], redo: [...]}, from the
 * rows that undo_query gives. New reference. */
struct store_query undo_query(const char *user);
json_t *undo_stacks(const struct store_rows *rows);

/* Adds the record of a batch with this delta (NULL: it is too large) to its transaction. Returns its number. */
int64_t version_write(struct station *s, struct store_tx *tx, const struct actor *actor, const char *kind, int64_t of,
                      const char *reason, const char *summary, const struct delta *d);

#endif
