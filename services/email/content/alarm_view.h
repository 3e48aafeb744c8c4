/* SPDX-License-Identifier: Apache-2.0
 * An alarm as mails know it: a struct value whose members are the tokens of formats, kept with the mail as JSON, so that
 * the words are chosen when it is sent. Services know each other by names only: this one reads the members that the
 * topic of an alarm class gives. Engine thread. */
#ifndef BELFRY_ALARM_VIEW_H
#define BELFRY_ALARM_VIEW_H

#include "services/email/content/units.h"
#include "station/alarm/alarm_tokens.h"
#include "station/tree/format.h"

/* What a topic gave, with alarm_tokens as members; owned. Members that it lacks are empty. */
void alarm_view_take(const struct value *alarm, struct value *view);
/* Owned JSON text; and back: 0 or a sentence. */
char *alarm_view_print(const struct value *view);
int alarm_view_parse(const char *json, struct value *view, struct err *e);

/* Owned: a member's plain text ("uuid", "alarmData.alarmValue"); "" when there is none. */
char *alarm_member(const struct value *view, const char *path);
bool alarm_member_is(const struct value *view, const char *path, const char *text);
/* A member's time in microseconds since 1970, or ABSTIME_NULL. */
int64_t alarm_moment(const struct value *view, const char *name);
/* Is it the alarm as it was when it was raised? */
bool alarm_is_new(const struct value *view);

/* How a reader wants it. */
struct alarm_speech {
	struct format_voice voice; /* set by alarm_speech_init */
	const struct language *language;
	const struct zone *zone;
	enum unit_system units;
	const struct value *view; /* borrowed */
};
struct alarm_speech alarm_speech_init(const struct value *view, const struct language *l, const struct zone *zone,
                                      enum unit_system units, int64_t now);
/* Owned: a format, in the reader's words. */
char *alarm_say(const struct alarm_speech *s, const char *format);

#endif
