/* SPDX-License-Identifier: Apache-2.0
 * Allowed Hosts: peers whose certificate was refused, with the certificate to look at, and who approved which key of
 * them, why and until when. An approval holds for one name:port and one public key. Engine thread. */
#ifndef BELFRY_TRUST_ALLOWED_HOST_H
#define BELFRY_TRUST_ALLOWED_HOST_H

#include "services/trust/trust_service.h"

#define APPROVAL_REASON_MAX 1000

/* A row as JSON (new reference), without `needed`; NULL when there is none. */
json_t *allowed_host_row(struct trust_service *t, const char *host);
json_t *allowed_host_list(struct trust_service *t);
/* Sets `needed` in such a row: false when the chain would be trusted without the approval by now. Any thread; the row is
 * the caller's alone. */
void allowed_host_judge(json_t *row, struct trust_snapshot *snapshot);

/* Approves the key that the row shows. reason is required; expires in microseconds, ABSTIME_NULL: never. spki: what the
 * user looked at, so that a key that changed meanwhile is not approved by accident (E_CONFLICT); NULL: not said. */
void allowed_host_approve(struct trust_service *t, const struct actor *actor, const char *host, const char *reason,
                          int64_t expires, const char *spki, trust_done *done, void *context);
void allowed_host_unapprove(struct trust_service *t, const struct actor *actor, const char *host, trust_done *done,
                            void *context);
void allowed_host_remove(struct trust_service *t, const struct actor *actor, const char *host, trust_done *done,
                         void *context);

#endif
