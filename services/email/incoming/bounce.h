/* SPDX-License-Identifier: Apache-2.0
 * Bounces (RFC 3464): a server that had taken a mail reports later that it could not be delivered. Engine thread. */
#ifndef BELFRY_EMAIL_BOUNCE_H
#define BELFRY_EMAIL_BOUNCE_H

#include "services/email/reader/parsed_mail.h"
#include "station/station.h"

/* A report, and what the ledger has of the mail that it is about. */
struct bounce;
void bounce_free(struct bounce **b);
/* known gets it, owned; NULL: the ledger has no such mail, or (code) it could not be asked. Called once, also at once. */
typedef void bounce_known(void *context, int code, const struct err *e, struct bounce *b);
void bounce_look_up(struct station *s, const struct parsed_mail *report, bounce_known *known, void *context);
/* Adds to tx what the report changes: each address that failed becomes "bounced" in the ledger, its EmailRecipient shows
 * which one and why, and its bounceRecipient is mailed instead while the alarm is open and nobody has acknowledged it.
 * False: there is no such address. Takes b. */
bool bounce_take_in(struct bounce *b, struct store_tx *tx);
/* The alarm that the mail tells of, or ""; borrowed. */
const char *bounce_alarm(const struct bounce *b);

#endif
