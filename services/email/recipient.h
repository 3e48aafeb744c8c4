/* SPDX-License-Identifier: Apache-2.0
 * What the rest of the mail service asks an EmailRecipient: whose mail came back, who is told instead, who cannot be written
 * to. Engine thread. */
#ifndef BELFRY_EMAIL_RECIPIENT_H
#define BELFRY_EMAIL_RECIPIENT_H

#include "services/email/email.h"
#include "station/store/store.h"
#include "station/tree/component.h"

/* A mail to this address of the recipient's has come back, for that cause (what the last server said; "": nothing): shown
 * until clearBounce, and persisted in tx. */
void recipient_bounced(struct component *c, const char *address, const char *cause, struct store_tx *tx);
/* Those whose mail came back, as long as they are written to; the texts are borrowed. */
void recipient_each_bounce(const struct component *c,
                           void (*visit)(void *context, const char *address, const char *cause), void *context);
/* The name of the one beside it who is told instead, borrowed; "": nobody. */
const char *recipient_after_bounce(const struct component *c);
/* Has it people who must get mails encrypted, and cannot? Who and why, as sentences. */
bool recipient_unencryptable(const struct component *c, char *out, size_t size);

#endif
