/* SPDX-License-Identifier: Apache-2.0
 * What a format over an alarm may name: %alarmData.sourceName%, %timestamp%... Who writes such texts (an extension, an alarm
 * class, a recipient of mails) has them checked here when they are saved; who sends them expands them over a struct value
 * with these members. Services do not include each other, so their common words stand here. Constant: any thread. */
#ifndef BELFRY_ALARM_TOKENS_H
#define BELFRY_ALARM_TOKENS_H

#include "station/sheet/sheet.h"

/* The members; alarmData is a list of {name, value} and takes any name. */
extern const struct slot alarm_tokens[];
/* Entries of alarmData: the subject and text of mails about this alarm, as formats; who has none leaves them out. */
#define ALARM_MAIL_SUBJECT "mailSubject"
#define ALARM_MAIL_BODY "mailBody"

/* For a type's check: adds an error that names the wrong token, and a warning at a key of alarmData that nearly is one of those
 * that sources give (another key may come from metadata, and is taken). */
void alarm_tokens_check(const char *slot, const char *format, struct report *report);

#endif
