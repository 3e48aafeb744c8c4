/* SPDX-License-Identifier: Apache-2.0
 * What a mail says of an alarm, in its reader's words: see render.h. Whoever wrote a text of his own is first heard: the
 * alarm's extension (mailSubject, mailBody), then its class, the recipient, the language. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "services/email/content/alarm_view.h"
#include "services/email/content/render.h"
#include "station/base/must.h"

/* The lines that a mail has unless somebody wrote another text. */
static const struct {
	enum phrase label;
	const char *format;
	const char *unless_empty; /* a member; NULL: always there */
} lines[] = {
	{ PHRASE_SOURCE, "%alarmData.sourceName%", NULL },
	{ PHRASE_TIMESTAMP, "%timestamp%", NULL },
	{ PHRASE_NORMAL, "%normalTime%", "normalTime" },
	{ PHRASE_STATE, "%sourceState% / %ackState%", NULL },
	{ PHRASE_PRIORITY, "%priority%", NULL },
	{ PHRASE_ALARM_CLASS, "%alarmClass%", NULL },
	{ PHRASE_TEXT, "%alarmData.msgText%", NULL },
	{ PHRASE_INSTRUCTIONS, "%alarmData.instructions%", "alarmData.instructions" },
};
_Static_assert(ARRAY_SIZE(lines) <= LETTER_ROWS, "a letter has room for all lines");

static bool shown(const char *member, const struct value *view)
{
	char *text = member ? alarm_member(view, member) : NULL;
	bool there = !member || (*text && strcmp(text, "null") != 0);
	free(text);
	return there;
}

/* The language's own text: labels and values, as rows and as lines. */
static void write_rows(const struct alarm_speech *s, struct letter *l)
{
	char *text = must_strdup("");
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		if (!shown(lines[i].unless_empty, s->view))
			continue;
		struct letter_row *row = &l->rows[l->row_count++];
		*row = (struct letter_row){ must_strdup(s->language->phrases[lines[i].label]), alarm_say(s, lines[i].format) };
		char *line = language_say(s->language, PHRASE_ROW, (const char *const[]){ row->label, row->value }, 2);
		char *longer = must_format("%s%s\n", text, line);
		free(text);
		free(line);
		text = longer;
	}
	l->text = text;
}

static void write_subject(const struct alarm_speech *s, const char *format, struct letter *l)
{
	l->subject = format ? alarm_say(s, format)
	                    : language_say(s->language, PHRASE_SUBJECT, (const char *const[]){ l->source }, 1);
}

enum letter_tone letter_tone_of(const char *state)
{
	return strcmp(state, "normal") == 0 ? TONE_NORMAL
	    : strcmp(state, "fault") == 0   ? TONE_FAULT
	    : strcmp(state, "alert") == 0   ? TONE_ALERT
	                                    : TONE_ALARM;
}

static const char *own_or(const char *own, const char *other)
{
	return *own ? own : other;
}

void letter_begin(struct station *s, const struct preferences *p, struct letter *letter)
{
	char name[256];
	component_display_name(s->tree.root, name, sizeof name);
	letter->language = p->language;
	letter->html = p->html;
	letter->sent_by = language_say(p->language, PHRASE_SENT_BY, (const char *const[]){ name }, 1);
}

void letter_write(struct station *s, const struct preferences *p, const struct value *view, struct letter *letter)
{
	struct alarm_speech speech = alarm_speech_init(view, p->language, p->zone, p->units, station_now(s));
	char *state = alarm_member(view, "sourceState"), *subject = alarm_member(view, "alarmData." ALARM_MAIL_SUBJECT),
	     *body = alarm_member(view, "alarmData." ALARM_MAIL_BODY);
	const char *body_format = own_or(body, p->body);
	letter_begin(s, p, letter);
	letter->tone = letter_tone_of(state);
	letter->state = alarm_say(&speech, "%sourceState%");
	letter->source = alarm_say(&speech, "%alarmData.sourceName%");
	write_subject(&speech, own_or(subject, p->subject), letter);
	if (body_format)
		letter->text = alarm_say(&speech, body_format);
	else
		write_rows(&speech, letter);
	free(state);
	free(subject);
	free(body);
}
