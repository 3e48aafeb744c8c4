/* SPDX-License-Identifier: Apache-2.0
 * What the station answers to an answer: see confirmation.h. */
#include "services/email/ack/confirmation.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "services/email/content/alarm_view.h"
#include "services/email/content/render.h"
#include "station/alarm/alarm_support.h"
#include "station/base/must.h"
#include "station/tree/format.h"

/* --- whom ----------------------------------------------------------------------------------------------------------- */

bool ack_people_has(const struct ack_people *p, const char *address)
{
	for (size_t i = 0; i < p->count; i++)
		if (strcasecmp(p->addresses[i], address) == 0)
			return true;
	return false;
}

static void add_person(struct ack_people *p, const char *address)
{
	if (p->count < SMTP_RECIPIENTS_MAX && !ack_people_has(p, address))
		p->addresses[p->count++] = must_strdup(address);
}

static void add_row(void *context, const struct ack_row *row)
{
	for (uint32_t i = 0; i < row->addresses.count; i++)
		add_person(context, row->addresses.items[i].text);
}

void ack_people_of(const struct ack_case *c, struct ack_people *people)
{
	add_person(people, c->sender);
	if (c->refusal == ACK_DONE && c->answer.verb != ANSWER_STATUS)
		ack_book_of_alarm(c->book, c->row->alarm, add_row, people);
}

void ack_people_finish(struct ack_people *p)
{
	for (size_t i = 0; i < p->count; i++)
		free(p->addresses[i]);
	p->count = 0;
}

/* --- what --------------------------------------------------------------------------------------------------------------- */

static char *sentence(const struct language *l, enum phrase p, const char *first, const char *second, const char *third)
{
	const char *const arguments[] = { first, second, third };
	return language_say(l, p, arguments, 3);
}

/* Owned: what was done. */
static char *tell_done(const struct ack_case *c, size_t beside, const struct preferences *p, const char *source)
{
	static const enum phrase done[] = { [ANSWER_ACK] = PHRASE_DID_ACK,         [ANSWER_SNOOZE] = PHRASE_DID_SNOOZE,
		                                [ANSWER_SHELVE] = PHRASE_DID_SHELVE,   [ANSWER_UNSHELVE] = PHRASE_DID_UNSHELVE,
		                                [ANSWER_COMMENT] = PHRASE_DID_COMMENT, [ANSWER_STATUS] = PHRASE_STATUS_IS };
	struct value view;
	alarm_view_take(&c->alarm, &view);
	const struct alarm_speech speech = alarm_speech_init(&view, p->language, p->zone, p->units, c->settings->now);
	enum phrase phrase = c->answer.verb == ANSWER_ACK && beside ? PHRASE_DID_ACK_MANY : done[c->answer.verb];
	char *second = c->answer.verb == ANSWER_STATUS ? alarm_say(&speech, "%sourceState%")
	    : c->answer.verb == ANSWER_ACK             ? must_format("%zu", beside)
	                                               : language_instant(p->language, p->zone, c->answer.until),
	     *third = alarm_say(&speech, "%ackState%");
	char *text = sentence(p->language, phrase, source, second, third);
	free(second);
	free(third);
	value_clear(&view);
	return text;
}

/* Owned: this mail has been answered already. What counts for who writes now is what became of the alarm. */
static char *tell_used(const struct ack_case *c, const struct preferences *p, const char *source)
{
	struct station *s = c->settings->station;
	struct value alarm = VALUE_NULL;
	if (!s->alarms || !s->alarms->desk->look(s, c->row->alarm, &alarm))
		return sentence(p->language, PHRASE_WAS_CLEARED, source, "", "");
	int64_t acked = ack_alarm_number(&alarm, "ackTime");
	char *user = format_expand("%user%", &alarm), *when = language_instant(p->language, p->zone, acked);
	char *text = sentence(p->language, acked == ABSTIME_NULL ? PHRASE_TOO_OLD : PHRASE_WAS_ACKED, source, user, when);
	free(user);
	free(when);
	value_clear(&alarm);
	return text;
}

/* Owned: the words that the station knows, below why it has not understood. */
static char *tell_words(const struct preferences *p, const char *source)
{
	char *why = sentence(p->language, PHRASE_NOT_UNDERSTOOD, source, "", ""),
	     *text = must_format("%s\n\n%s", why, p->language->phrases[PHRASE_HOW_TO_ANSWER]);
	free(why);
	return text;
}

/* Owned: that, or why nothing was done. */
static char *tell_outcome(const struct ack_case *c, const struct ack_outcome *o, const struct preferences *p,
                          const char *source)
{
	static const enum phrase refused[ACK_REFUSALS] = {
		[ACK_EXPIRED] = PHRASE_TOO_OLD, [ACK_ENDED] = PHRASE_WAS_CLEARED,       [ACK_RIGHTS] = PHRASE_NO_PERMISSION,
		[ACK_TIME] = PHRASE_BAD_TIME,   [ACK_LIFE_SAFETY] = PHRASE_LIFE_SAFETY,
	};
	if (c->refusal == ACK_USED)
		return tell_used(c, p, source);
	if (c->refusal == ACK_WORDS)
		return tell_words(p, source);
	if (c->refusal != ACK_DONE)
		return sentence(p->language, refused[c->refusal], source, "", "");
	if (o->code != 0)
		return sentence(p->language, PHRASE_FAILED, source, o->err.text, "");
	return tell_done(c, o->beside, p, source);
}

/* Owned: the name of the source; NULL: the alarm is no longer open, and nobody remembers. */
static char *source_of(const struct ack_case *c)
{
	struct station *s = c->settings->station;
	struct value looked = VALUE_NULL;
	if (c->alarm.kind != V_STRUCT && s->alarms)
		s->alarms->desk->look(s, c->row->alarm, &looked);
	const struct value *alarm = looked.kind == V_STRUCT ? &looked : &c->alarm;
	char *name = alarm->kind == V_STRUCT ? format_expand("%alarmData.sourceName%", alarm) : NULL;
	value_clear(&looked);
	return name;
}

/* Owned. Without a name, that of the answer, which goes to nobody but who wrote it. */
static char *subject_of(const struct ack_case *c, const struct language *l, const char *source)
{
	if (!source)
		return must_strdup(c->mail->subject);
	char *about = sentence(l, PHRASE_SUBJECT, source, "", ""), *subject = must_format("Re: %s", about);
	free(about);
	return subject;
}

void confirmation_add(const struct ack_case *c, const struct ack_outcome *o, const struct ack_people *people,
                      struct store_tx *tx)
{
	struct station *s = c->settings->station;
	struct component *recipient = station_by_path(s, c->row->recipient);
	struct draft_recipient to[SMTP_RECIPIENTS_MAX];
	struct preferences p;
	recipient_preferences(s, recipient ? recipient->handle : 0, &p);
	bool acted = c->refusal == ACK_DONE && o->code == 0 && c->answer.verb != ANSWER_STATUS;
	char *source = source_of(c), *what = tell_outcome(c, o, &p, source ? source : c->mail->subject),
	     *when = language_instant(p.language, p.zone, c->settings->now),
	     *who = acted ? sentence(p.language, PHRASE_BY_MAIL, c->actor.user, c->sender, when) : must_strdup(""),
	     *subject = subject_of(c, p.language, source), *body = must_format("%s\n%s\n", what, who);
	for (size_t i = 0; i < people->count; i++)
		to[i] = (struct draft_recipient){ "", people->addresses[i], i == 0 ? FIELD_TO : FIELD_BCC };
	const struct draft d = { .kind = MAIL_CONFIRMATION,
		                     .subject = subject,
		                     .body = body,
		                     .alarm = c->row->alarm,
		                     .recipient = c->row->recipient,
		                     .priority = 255,
		                     .to = to,
		                     .count = acted ? people->count : 1 };
	outbox_add(s, *p.account ? account_by_name(s, p.account) : account_first(s), p.account, tx, &d, NULL);
	char *const texts[] = { source, what, when, who, subject, body };
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		free(texts[i]);
}
