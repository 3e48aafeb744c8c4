/* SPDX-License-Identifier: Apache-2.0
 * What texts may name of an alarm: see alarm_tokens.h. */
#include "station/alarm/alarm_tokens.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "station/base/must.h"
#include "station/tree/format.h"

#define LONG .facets = FACETS(.maxLength = 1 << 20)
static const struct slot entry_members[] = {
	MEMBER("name", STRING, LONG, .doc = "Key."),
	MEMBER("value", STRING, LONG, .doc = "Value."),
	SLOT_END,
};
const struct slot alarm_tokens[] = {
	MEMBER("timestamp", ABSTIME, .doc = "When the alarm was raised."),
	MEMBER("uuid", STRING, .doc = "Identity of the alarm."),
	MEMBER("sourceState", STRING, .doc = "State of the source at the transition."),
	MEMBER("ackState", STRING, .doc = "Whether it had been acknowledged."),
	MEMBER("ackRequired", BOOLEAN, .doc = "Whether somebody must acknowledge it."),
	MEMBER("source", STRING, LONG, .doc = "Ord of the source."),
	MEMBER("alarmClass", STRING, .doc = "Name of the alarm class."),
	MEMBER("priority", INTEGER, .doc = "1 to 255; 1 is the highest."),
	MEMBER("normalTime", ABSTIME, .doc = "When the source became normal again."),
	MEMBER("ackTime", ABSTIME, .doc = "When it was acknowledged."),
	MEMBER("user", STRING, LONG, .doc = "Who acknowledged it."),
	MEMBER("alarmTransition", STRING, .doc = "The first transition."),
	MEMBER("lastUpdate", ABSTIME, .doc = "When the alarm last changed."),
	MEMBER("msgText", STRING, LONG, .doc = "The message text."),
	{ .name = "alarmData",
	  .kind = V_LIST,
	  .element = V_STRUCT,
	  .members = entry_members,
	  .facets = FACETS(.maxLength = 10000),
	  .doc = "What else is known." },
	SLOT_END,
};

/* --- what sources put into alarmData -------------------------------------------------------------------------------- */

/* Beside what the metadata of an extension brings, which may have any name. */
static const char *const data_names[] = { "sourceName",   "msgText",      "presentValue", "alarmValue",
	                                      "highLimit",    "lowLimit",     "deadband",     "fromState",
	                                      "toState",      "status",       "cause",        "condition",
	                                      "instructions", "hyperlinkOrd", "soundFile",    "icon" };

/* Alike but for case and for one letter that is wrong, missing or too many. */
static bool resembles(const char *text, const char *name)
{
	while (*text && tolower((unsigned char)*text) == tolower((unsigned char)*name))
		text++, name++;
	return (*text && strcasecmp(text + 1, name) == 0) || (*name && strcasecmp(text, name + 1) == 0) ||
	    (*text && *name && strcasecmp(text + 1, name + 1) == 0) || strcasecmp(text, name) == 0;
}

/* The name that was meant in place of this one; NULL: it is one, or resembles none. */
static const char *meant_by(const char *key)
{
	const char *near = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(data_names); i++) {
		if (strcmp(key, data_names[i]) == 0)
			return NULL;
		if (!near && resembles(key, data_names[i]))
			near = data_names[i];
	}
	return near;
}

/* length: of a token between its percent signs. */
static void check_data(const char *slot, const char *token, size_t length, struct report *report)
{
	static const char data[] = "alarmData.";
	char key[160];
	if (length < sizeof data || strncmp(token, data, sizeof data - 1) != 0)
		return;
	snprintf(key, sizeof key, "%.*s", (int)(length - sizeof data + 1), token + sizeof data - 1);
	key[strcspn(key, ".")] = '\0'; /* .substring(from,to) may follow */
	const char *meant = meant_by(key);
	if (meant)
		report_warning(report, slot,
		               "No alarm has \"%%alarmData.%s%%\", unless the metadata of its source does. Is "
		               "\"%%alarmData.%s%%\" meant?",
		               key, meant);
}

void alarm_tokens_check(const char *slot, const char *format, struct report *report)
{
	struct err e = { 0 };
	if (format_check(format, alarm_tokens, &e) != 0) {
		report_error(report, E_INVALID, slot, "%s", e.text);
		return;
	}
	for (const char *open = strchr(format, '%'), *end; open && (end = strchr(open + 1, '%'));
	     open = strchr(end + 1, '%'))
		check_data(slot, open + 1, (size_t)(end - open - 1), report);
}
