/* SPDX-License-Identifier: Apache-2.0
 * Histories: what points were, kept in history.db beside the station. Extensions below points make samples (at an interval,
 * or at each change of value); the HistoryService gathers them and writes them once a second. A power cut or a kill loses
 * that second at most. Engine thread; reading happens on the store's thread. */
#ifndef BELFRY_HISTORY_H
#define BELFRY_HISTORY_H

#include "station/tree/component.h"

/* Types, all in history_ext.c but the service. */
extern const struct type history_service, history_ext;
enum { HISTORY_EXTS = 8 };
extern const struct type history_ext_types[HISTORY_EXTS];

struct station;
struct zone;

/* All histories: a list of {id, source, valueKind, units, count, last, capacity, ...}; NULL: there is no service. New
 * reference. */
json_t *histories_json(struct station *s);

enum history_form { HISTORY_JSON, HISTORY_CSV };
struct history_question {
	const char *id;              /* borrowed for the call */
	int64_t start, end;          /* microseconds; end is not included */
	int64_t after, after_number; /* of a cursor: the last sample that is known; after ABSTIME_NULL: none */
	int64_t limit;               /* samples or buckets, at least 1 */
	const char *rollup;          /* "PT15M", "1h", "P1D", "P1M"; NULL: the samples themselves. Borrowed for the call */
	const struct zone *zone;     /* days and months of a rollup begin in it */
	enum history_form form;
};
/* The answer: JSON {id, items[], next?} (taken by the callee), or CSV text (owned by the callee); both NULL with a code
 * and a sentence. */
typedef void history_answer(void *context, int code, const struct err *e, json_t *json, char *csv);
/* Reads on the store's thread. answer is called later; at once only when the question is wrong. */
void history_read(struct station *s, const struct history_question *q, history_answer *answer, void *context);

#endif
