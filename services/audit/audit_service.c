/* SPDX-License-Identifier: Apache-2.0
 * The audit trail as a service of the tree. The records themselves are written by whoever changes something, in the
 * transaction of the change (station/sheet/audit.h); this component shows that it is so. Engine thread. */
#include "services/audit/audit_service.h"

static const struct slot slots[] = {
	SLOT_AT(struct component, status, "status", STATUS, .flags = SLOT_READONLY | SLOT_TRANSIENT | SLOT_SUMMARY,
	        .doc = "Whether the audit trail is being written."),
	SLOT_END,
};

const struct type audit_service = {
	.name = "audit:AuditService",
	.doc = "Keeps who changed what, when and from where. Read it with GET /audit.",
	.size = sizeof(struct component),
	.base = &baja_component,
	.flags = TYPE_SINGLETON,
	.slots = slots,
};
