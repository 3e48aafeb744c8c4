/* SPDX-License-Identifier: Apache-2.0
 * The audit trail: one record for each change that a person or program made. Written in the transaction of the change
 * itself. Engine thread. */
#ifndef BELFRY_AUDIT_H
#define BELFRY_AUDIT_H

#include "station/sheet/sheet.h"

struct audit_record {
	int64_t id; /* sequence */
	struct abstime timestamp;
	/* "changed", "added", "removed", "renamed", "moved", "linked", "invoked", "login", "loginFailed", ... */
	char *operation;
	char *target;                  /* path or name */
	char *slot, *oldValue, *value; /* never a secret */
	char *user, *origin;           /* origin: "session 192.0.2.7" */
	char *detail;                  /* JSON text: all changes of a batch of several */
};
extern const struct record_kind audit_kind;
/* Adds a record to tx. Texts may be NULL. */
void audit_write(struct station *s, struct store_tx *tx, const struct actor *actor, const char *operation,
                 const char *target, const char *slot, const char *oldValue, const char *value, const char *detail);

#endif
