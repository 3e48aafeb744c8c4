/* SPDX-License-Identifier: Apache-2.0
 * What is stored in history.db: histories and their samples. Constant tables. */
#include "services/history/history_inside.h"

const struct tag value_kind_range[] = {
	{ VALUE_NUMERIC, "numeric", NULL },
	{ VALUE_BOOLEAN, "boolean", NULL },
	{ VALUE_ENUM, "enum", NULL },
	{ VALUE_STRING, "string", NULL },
	{ 0, NULL, NULL },
};

static const struct slot history_slots[] = {
	SLOT(struct history_record, id, INTEGER, .flags = SLOT_REQUIRED, .doc = "Number in the store."),
	SLOT(struct history_record, name, STRING, .doc = "Its name, by which it is read."),
	SLOT(struct history_record, source, STRING, .doc = "The point whose values it keeps."),
	SLOT(struct history_record, ext, INTEGER, .doc = "Handle of the extension that feeds it."),
	SLOT(struct history_record, valueKind, ENUM, .facets = FACETS(.range = value_kind_range),
	     .doc = "What its values are."),
	SLOT(struct history_record, units, STRING, .doc = "Unit of its values."),
	SLOT(struct history_record, created, ABSTIME, .doc = "When it began."),
	SLOT(struct history_record, count, INTEGER, .doc = "How many samples it has."),
	SLOT(struct history_record, last, ABSTIME, .doc = "Time of the newest sample."),
	SLOT_END,
};
const struct record_kind history_kind = { "history", "Histories.", sizeof(struct history_record), history_slots, true };

static const struct slot sample_slots[] = {
	SLOT(struct sample_record, history, INTEGER, .flags = SLOT_REQUIRED, .doc = "The history it belongs to."),
	SLOT(struct sample_record, timestamp, ABSTIME, .flags = SLOT_REQUIRED, .doc = "When."),
	SLOT(struct sample_record, sequence, INTEGER, .flags = SLOT_REQUIRED, .doc = "The station's number of it."),
	SLOT(struct sample_record, value, REAL, .doc = "The value, as a number."),
	SLOT(struct sample_record, text, STRING, .doc = "The value, of a string."),
	SLOT(struct sample_record, status, INTEGER, .doc = "Status bits."),
	SLOT(struct sample_record, trendFlags, INTEGER, .doc = "Niagara's trend flags."),
	SLOT_END,
};
const struct record_kind sample_kind = { "sample", "Samples.", sizeof(struct sample_record), sample_slots, true };
