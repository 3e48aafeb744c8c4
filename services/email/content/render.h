/* SPDX-License-Identifier: Apache-2.0
 * Making the message of a mail when it is about to be sent: its words from the alarm it keeps, in the reader's language,
 * time zone and units; the picture of the point's trend; the thread it belongs to. What others have to say (a history, the
 * ledger) is waited for for a second at most. Engine thread; the work itself is done on libuv's pool. */
#ifndef BELFRY_RENDER_H
#define BELFRY_RENDER_H

#include "services/email/email_inside.h"

/* How a recipient wants to be written to; texts are borrowed from the component. */
struct preferences {
	int language; /* of language_range */
	const char *timeZone;
	int units; /* enum unit_system */
	bool htmlEnabled, trendPicture, attachCsv;
	const char *subject, *body; /* formats; the default one stands for the language's own */
};
/* recipient.c: those of the EmailRecipient with that handle; false: there is none any more. */
bool recipient_preferences(struct station *s, uint64_t handle, struct preferences *out);

/* The finished message (taken by the callee), with CR LF, not dot-stuffed. Called once, later, on the engine thread. */
typedef void message_rendered(void *context, char *content, size_t length);
/* Renders what o says now; its mail's subject and body become what was rendered. o is read during the call only. */
void message_render(struct outgoing_account *a, struct outgoing *o, message_rendered *done, void *context);

/* The subject and text of an alarm's mail as they are now (owned), for the ledger. view: of alarm_view.h. */
void message_words(struct station *s, const struct preferences *p, const struct value *view, char **subject,
                   char **body);

#endif
