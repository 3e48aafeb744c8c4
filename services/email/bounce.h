/* SPDX-License-Identifier: Apache-2.0
 * Bounces (RFC 3464): a server that had taken a mail reports later that it could not be delivered. Engine thread. */
#ifndef BELFRY_EMAIL_BOUNCE_H
#define BELFRY_EMAIL_BOUNCE_H

#include "services/email/reader/parsed_mail.h"
#include "station/station.h"

/* Takes in a report: each address that failed becomes "bounced" in the ledger, its EmailRecipient shows which one and why, and
 * its bounceRecipient is mailed instead while the alarm is open and nobody has acknowledged it; all in one transaction, soon.
 * A report about a mail that the ledger does not have is left alone. */
void bounce_received(struct station *s, const struct parsed_mail *report);

#endif
