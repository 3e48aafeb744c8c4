/* SPDX-License-Identifier: Apache-2.0
 * Records: what a service keeps in the store beside the tree (alarms, mails, deliveries, sessions, certificates).
 * A record kind is a C struct and a slot table over it, as a type is; JSON, checks, SQL and queries follow from it.
 * The struct has no header of its own: slots point into it directly. */
#ifndef BELFRY_RECORD_H
#define BELFRY_RECORD_H

#include "station/type/slot.h"

struct record_kind {
	const char *table; /* "alarm": also the table's name in schema/NNN.sql, whose columns are the slots' names */
	const char *doc;
	size_t size;
	const struct slot *slots; /* SLOT_REQUIRED marks the key: one INTEGER or STRING slot, or several */
	bool history;             /* kept in history.db */
};

/* Defaults in zeroed memory; frees the fields; deep copy. */
void record_init(const struct record_kind *k, void *record);
void record_finish(const struct record_kind *k, void *record);
void record_copy(const struct record_kind *k, void *to, const void *from);
/* As a V_STRUCT value with k->slots as members (owned), and as a JSON object (new reference). */
void record_to_value(const struct record_kind *k, const void *record, struct value *out);
json_t *record_to_json(const struct record_kind *k, const void *record);

#endif
