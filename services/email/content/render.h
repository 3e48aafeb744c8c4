/* SPDX-License-Identifier: Apache-2.0
 * Making the message of a mail when it is about to be sent: its words from the alarm it keeps, in the reader's language,
 * time zone and units; the picture of the point's trend; the thread it belongs to. What others have to say (a history, the
 * ledger) is waited for for a second at most. Engine thread; the work itself is done on the net thread. */
#ifndef BELFRY_RENDER_H
#define BELFRY_RENDER_H

#include "services/email/content/letter.h"
#include "services/email/email_inside.h"

/* How a recipient wants to be written to. */
struct preferences {
	const struct language *language;
	const struct zone *zone;
	enum unit_system units;
	bool html, trend, csv;
	const char *subject, *body; /* formats, borrowed from the component; NULL: the language's own words */
	const char *account;        /* name of the outgoing account, borrowed; "": the first one */
};
/* recipient.c: those of the EmailRecipient with that handle; false: it is gone, and *out has the station's language and
 * time zone. */
bool recipient_preferences(struct station *s, uint64_t handle, struct preferences *out);

/* letter_write.c: the words of an alarm, into an empty letter; no trend yet. view: of alarm_view.h. */
void letter_write(struct station *s, const struct preferences *p, const struct value *view, struct letter *letter);
/* What all letters have: language, parts, who sends it; and how a state of an alarm looks. */
void letter_begin(struct station *s, const struct preferences *p, struct letter *letter);
enum letter_tone letter_tone_of(const char *state);

/* Mails in one digest; more make another one, so that none keeps the engine for long. */
enum { DIGEST_MAX = 200 };
/* letter_digest.c: what a digest keeps of the mails that it sums up, as JSON for its mail record (owned); and its words, into
 * an empty letter: 0, or a code when such a text cannot be read. */
char *digest_keep(struct outgoing *const *mails, size_t count);
int letter_digest(struct station *s, const struct preferences *p, const char *data, struct letter *letter);

/* m has its content, or, when the account is gone, is to be freed. Called once, perhaps at once. */
typedef void message_rendered(struct outgoing_account *a, struct smtp_message *m);
/* Fills m->content with what o says now; its mail's subject and body become what was said. o is read during the call
 * only. Takes m until done has it. */
void message_render(struct outgoing_account *a, struct outgoing *o, const char *sender, struct smtp_message *m,
                    message_rendered *done);

#endif
