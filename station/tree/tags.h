/* SPDX-License-Identifier: Apache-2.0
 * Tags: what a component is, in the words of Project Haystack (site, equip, point, temp, sensor, unit ...). They are kept
 * as one JSON object in the slot `tags` (component_extra), names as Niagara writes them: "hs:site". A marker is true.
 * Any thread; merging and reading on the engine's. */
#ifndef BELFRY_TAGS_H
#define BELFRY_TAGS_H

#include "station/tree/component.h"

enum tag_kind { TAG_MARKER, TAG_STR, TAG_NUMBER, TAG_REF, TAG_BOOL };
/* The tags that we know: names without "hs:", each with its kind and a sentence. Ends with name NULL. */
struct tag_def {
	const char *name;
	enum tag_kind kind;
	const char *doc;
};
extern const struct tag_def tag_defs[];
/* [{name, kind, doc}]. New reference. */
json_t *tag_defs_to_json(void);

/* The tags of c as an object; NULL: it has none. New reference. */
json_t *tags_of(const struct component *c);
/* Has c that tag? The prefix "hs:" may be left out. */
bool tags_have(const struct component *c, const char *name);
/* What the slot holds when patch (a JSON merge patch; null takes a tag away) is laid over c's tags; c may be NULL. Names
 * without a prefix get "hs:". Owned text, "" when no tag is left. */
char *tags_merge(const struct component *c, const json_t *patch);
/* Is that text what the slot may hold? Errors and warnings (an unknown tag) go to the report, at "tags/NAME". */
void tags_check(const char *text, struct report *report);

#endif
