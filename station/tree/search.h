/* SPDX-License-Identifier: Apache-2.0
 * Searching the tree: by words in names, display names, paths, types and text values, all of which must be found; and by
 * type:, status: and tag:. A search goes on over many turns of the loop, a millisecond or two each, so that a
 * million components never hold up the engine. Engine thread. */
#ifndef BELFRY_SEARCH_H
#define BELFRY_SEARCH_H

#include "station/station.h"

enum { SEARCH_WORDS_MAX = 12 };
struct search_question {
	const char *text;           /* "boiler temp type:control:NumericPoint status:alarm"; borrowed for the call; at most
	                   * SEARCH_WORDS_MAX words */
	const char *tag, *category; /* only with this tag, in this category; NULL: any. Borrowed for the call */
	const char *type;           /* only of this type or built on it; NULL: any. Borrowed for the call */
	uint64_t after;             /* handle: only components made after it; the cursor */
	int64_t limit;              /* at least 1 */
};
/* {items: [{path, ord, handle, name, displayName, type, status, matched}], next?}, taken by the callee: oldest component
 * first, so that pages are stable while the tree changes. */
typedef void search_done(void *context, json_t *result);
void search_start(struct station *s, const struct search_question *q, search_done *done, void *context);

#endif
