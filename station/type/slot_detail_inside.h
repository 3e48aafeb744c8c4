/* SPDX-License-Identifier: Apache-2.0
 * What slot_detail.c (definitions to rows) and slot_detail_check.c (is it one?) share: the table of facets, and how the
 * members of a definition are read. Nobody else includes this. Any thread. */
#ifndef BELFRY_SLOT_DETAIL_INSIDE_H
#define BELFRY_SLOT_DETAIL_INSIDE_H

#include "station/type/slot_detail.h"

#define KIND_BIT(kind) (1U << (kind))
#define KINDS_ENUM (KIND_BIT(V_ENUM) | KIND_BIT(V_STATUS_ENUM))

/* A facet that a definition may give. */
struct detail_facet {
	const char *name;
	unsigned given, kinds; /* enum detail_given; KIND_BIT of the kinds of slots that have it */
	json_type type;
	const char *wanted; /* the sentence when it is something else */
};
extern const struct detail_facet detail_facets[]; /* ends with name NULL */

/* V_KINDS: there is no such kind, or name is NULL. */
enum kind detail_kind(const char *name);
/* A tag of a range: a name, or {name, ordinal}; without an ordinal it is the tag's place in the list. */
const char *detail_tag_name(const json_t *tag);
json_int_t detail_tag_ordinal(const json_t *tag, size_t index);

#endif
