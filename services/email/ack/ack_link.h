/* SPDX-License-Identifier: Apache-2.0
 * The link in an alarm mail: /ack#TOKEN. Looking changes nothing, so a scanner that follows links does nothing; only the page's
 * button acknowledges, and without login only where the EmailAlarmAcknowledger's linkWithoutLogin allows it and the mail went
 * to one person. For web/. Engine thread. */
#ifndef BELFRY_EMAIL_ACK_LINK_H
#define BELFRY_EMAIL_ACK_LINK_H

#include "station/station.h"

/* What the page shows: {uuid, source, sourceState, ackState, timestamp, text, loginNeeded}; new reference. NULL: e says why
 * (E_NOT_FOUND for anything that is no good token: expired, used, ended, unknown; E_TOO_MANY). from: the peer's address. */
json_t *ack_link_look(struct station *s, const char *token, const char *from, struct err *e);
/* Acknowledges; done comes when it is on disk, or at once with a code. */
void ack_link_use(struct station *s, const char *token, const char *from, store_done *done, void *context);

#endif
