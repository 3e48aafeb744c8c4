/* SPDX-License-Identifier: Apache-2.0
 * Writing audit records: see audit.h. Engine thread. */
#include "station/sheet/audit.h"

#include "station/base/must.h"
#include "station/station.h"

static const struct slot audit_slots[] = {
	SLOT(struct audit_record, id, INTEGER, .flags = SLOT_REQUIRED, .doc = "Sequence number."),
	SLOT(struct audit_record, timestamp, ABSTIME, .flags = SLOT_INDEX, .doc = "When it happened."),
	SLOT(struct audit_record, operation, STRING, .doc = "What was done."),
	SLOT(struct audit_record, target, STRING, .flags = SLOT_INDEX,
	     .doc = "Path of the component, or the name of what was changed."),
	SLOT(struct audit_record, slot, STRING, .doc = "The property or action."),
	SLOT(struct audit_record, oldValue, STRING, .facets = FACETS(.maxLength = 1 << 20), .doc = "Value before."),
	SLOT(struct audit_record, value, STRING, .facets = FACETS(.maxLength = 1 << 20), .doc = "Value after."),
	SLOT(struct audit_record, user, STRING, .flags = SLOT_INDEX, .doc = "Who."),
	SLOT(struct audit_record, origin, STRING, .doc = "By what way and from which address."),
	SLOT(struct audit_record, detail, STRING, .facets = FACETS(.maxLength = 1 << 20),
	     .doc = "All changes of a batch of several, as JSON."),
	SLOT_END,
};
const struct record_kind audit_kind = { "audit", "The audit trail.", sizeof(struct audit_record), audit_slots, false };

static char *text_or_empty(const char *text)
{
	return (char *)(uintptr_t)(text ? text : "");
}

void audit_write(struct station *s, struct store_tx *tx, const struct actor *actor, const char *operation,
                 const char *target, const char *slot, const char *oldValue, const char *value, const char *detail)
{
	char origin[sizeof actor->via + sizeof actor->from + 2] = "";
	if (actor)
		snprintf(origin, sizeof origin, "%s %s", actor->via, actor->from);
	struct audit_record r = {
		.id = ++s->audit_next,
		.timestamp = { station_now(s) },
		.operation = text_or_empty(operation),
		.target = text_or_empty(target),
		.slot = text_or_empty(slot),
		.oldValue = text_or_empty(oldValue),
		.value = text_or_empty(value),
		.user = text_or_empty(actor ? actor->user : NULL),
		.origin = origin,
		.detail = text_or_empty(detail),
	};
	store_tx_put(tx, &audit_kind, &r);
}
