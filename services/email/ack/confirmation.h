/* SPDX-License-Identifier: Apache-2.0
 * The mail that confirms an answer. Who answered hears what came of it; when something was done, all who have got the alarm
 * hear of it as well, so that the owner of an address that somebody else uses learns of it. One mail in all: who gets it is
 * not mailed of the acknowledgement a second time (routeAcks). Engine thread. */
#ifndef BELFRY_EMAIL_CONFIRMATION_H
#define BELFRY_EMAIL_CONFIRMATION_H

#include "services/email/ack/ack_checks.h"
#include "services/email/email_inside.h"

/* Whom it goes to: the sender first. */
struct ack_people {
	char *addresses[SMTP_RECIPIENTS_MAX]; /* owned */
	size_t count;
};
/* What came of it. */
struct ack_outcome {
	int code;      /* of the alarm desk */
	size_t beside; /* alarms of the same source that were acknowledged with it */
	struct err err;
};

/* Into an empty *people; c is vouched. */
void ack_people_of(const struct ack_case *c, struct ack_people *people);
void ack_people_finish(struct ack_people *people);
bool ack_people_has(const struct ack_people *p, const char *address);
/* Adds the mail to tx. */
void confirmation_add(const struct ack_case *c, const struct ack_outcome *o, const struct ack_people *people,
                      struct store_tx *tx);

#endif
