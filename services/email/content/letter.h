/* SPDX-License-Identifier: Apache-2.0
 * A letter: all that one mail says, in its reader's words, as plain data. It is written on the engine thread, where the
 * tree is, and made into a message on the net thread: the picture, the HTML part and the MIME entity cost milliseconds. */
#ifndef BELFRY_LETTER_H
#define BELFRY_LETTER_H

#include "services/email/content/trend.h"
#include "services/email/language/language.h"

/* Where an answer finds its way back: filled by who lets mails be answered. Owned texts; NULL: there is none. */
struct answer_ways {
	char *reply_to; /* address instead of the account's replyTo */
	char *footer;   /* last line of the text: words and a token */
	char *url;      /* behind the button Acknowledge */
};

enum letter_tone { TONE_ALARM, TONE_FAULT, TONE_ALERT, TONE_NORMAL };
struct letter_row {
	char *label, *value; /* owned */
};
enum { LETTER_ROWS = 8 };
/* One alarm of a digest; owned texts, "" where nothing is known. */
struct letter_alarm {
	char *time, *source, *state, *priority, *text;
	enum letter_tone tone; /* of the state */
};
struct letter {
	const struct language *language; /* constant */
	bool html;                       /* an HTML part beside the text */
	char *subject, *text;            /* owned */
	char *state, *source;            /* owned; of an alarm, else NULL */
	enum letter_tone tone;
	struct letter_row rows[LETTER_ROWS];
	size_t row_count;            /* 0: the text is the recipient's own, and the HTML part shows it */
	struct letter_alarm *alarms; /* owned: a digest's */
	size_t alarm_count;
	char *sent_by; /* owned; the last line, or NULL */
	struct answer_ways answer;
	struct trend trend;
	char *csv, *csv_name; /* owned; NULL: no attachment */
};
void letter_finish(struct letter *l);

/* The text part in full: with sparkline and footer. Owned. */
char *letter_text(const struct letter *l);
/* The HTML part, everything escaped; picture_id: of the picture's part, NULL when there is none. Owned. */
char *letter_html(const struct letter *l, const char *picture_id);

#endif
