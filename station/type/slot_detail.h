/* SPDX-License-Identifier: Apache-2.0
 * What one component has of slots beyond its type: properties of its own (Niagara's dynamic slots), and flags, facets and
 * display names that it gives to slots and actions of its type. Each is a definition, a JSON object:
 *   {"name": "setpoint", "kind": "real", "facets": {"units": "°C"}, "flags": ["operator"], "displayName": "Set point"}
 *   {"name": "limit", "kind": "struct", "members": [{"name": "low", "kind": "real"}, {"name": "high", "kind": "real"}]}
 *   {"name": "port", "displayName": "Mail port"}                      of the type: no kind
 * It has the form that GET /types gives its rows. A list has an element kind, structs and lists of them have members.
 * Equal definitions of all components are one row here, which lives as long as the station: links, observers and batches
 * may keep pointers to it. A definition that nobody has any more costs a few hundred bytes until the restart.
 * What a component does with them is in own_slots.h. Engine thread. */
#ifndef BELFRY_SLOT_DETAIL_H
#define BELFRY_SLOT_DETAIL_H

#include "station/base/handle_map.h"
#include "station/type/type.h"

enum detail_given {
	GIVEN_FLAGS = 1 << 0,
	GIVEN_UNITS = 1 << 1,
	GIVEN_PRECISION = 1 << 2,
	GIVEN_MIN = 1 << 3,
	GIVEN_MAX = 1 << 4,
	GIVEN_TRUE_TEXT = 1 << 5,
	GIVEN_FALSE_TEXT = 1 << 6,
	GIVEN_MULTI_LINE = 1 << 7,
	GIVEN_RANGE = 1 << 8,
	GIVEN_MAX_LENGTH = 1 << 9,
};
struct slot_detail {
	struct slot
	    row; /* of a dynamic slot (SLOT_DYNAMIC): all of it; else name, the flags, and the facets that are given */
	struct facets facets;
	struct tag *tags;        /* owned; the range in facets */
	struct slot *members;    /* owned; only of the detail that stands for a table of members: see slot_detail.c */
	unsigned given;          /* enum detail_given */
	const char *displayName; /* NULL: made from the name */
	char *text;              /* owned; the definition as it is kept */
	char *dflt;              /* owned; row.dflt */
	json_t *json;            /* owned; the same, from which names and texts are borrowed */
	struct slot_detail *next;
};
/* All that there are. Zeroed memory is empty. */
struct slot_details {
	struct handle_map by_text;
};

/* The flags that people may set on a slot; what a type's slot has of them is its default. */
#define DETAIL_FLAGS (SLOT_READONLY | SLOT_HIDDEN | SLOT_SUMMARY | SLOT_OPERATOR)

/* Is that a definition which a component of this type may have? What is wrong goes to the report, at path. */
bool detail_check(const struct type *type, const json_t *definition, const char *path, struct report *report);
/* The definition as it is kept: members in their order, flags by the table, a range with its numbers. It has passed
 * detail_check. New reference. */
json_t *detail_canonical(const json_t *definition);
/* The row of a definition that is canonical and checked; made when it is new. Borrowed. */
const struct slot_detail *detail_of(struct slot_details *all, const json_t *definition);
void details_finish(struct slot_details *all);

/* Lays what a detail of a type's slot gives over its facets and flags. */
void detail_lay_facets(const struct slot_detail *d, struct facets *facets);
unsigned detail_lay_flags(const struct slot_detail *d, unsigned flags);
/* A flag by the name that people read, 0: none; and the other way round, for every bit. */
unsigned slot_flag_named(const char *name);
/* The names of the flags: ["readonly", "summary"]. New reference. */
json_t *slot_flags_to_json(unsigned flags);

#endif
