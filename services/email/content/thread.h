/* SPDX-License-Identifier: Apache-2.0
 * The conversation of an alarm: which mail began it, for those who get the next one. A Message-ID carries the mail's token
 * (ack/acknowledger.h), so one is named only in a mail whose readers have all got it already. Engine thread. */
#ifndef BELFRY_THREAD_H
#define BELFRY_THREAD_H

#include "services/email/email_inside.h"

/* Owned by the callee: the Message-ID without <>; NULL: this mail begins the conversation. Called once, later. */
typedef void thread_known(void *context, char *message_id);
/* Asks the ledger. o is read during the call only. */
void thread_ask(struct station *s, const struct outgoing *o, thread_known *done, void *context);

#endif
