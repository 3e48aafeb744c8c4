/* SPDX-License-Identifier: Apache-2.0
 * What texts may name of an alarm: see alarm_tokens.h. */
#include "station/alarm/alarm_tokens.h"

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

void alarm_tokens_check(const char *slot, const char *format, struct report *report)
{
	struct err e = { 0 };
	if (format_check(format, alarm_tokens, &e) != 0)
		report_error(report, E_INVALID, slot, "%s", e.text);
}
