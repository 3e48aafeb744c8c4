/* SPDX-License-Identifier: Apache-2.0
 * The way from a component that has something to say about itself to whoever keeps alarms. See alarm_support.h. */
#include "station/alarm/alarm_support.h"

#include "station/base/log.h"
#include "station/station.h"
#include "station/tree/format.h"

void alarm_support_offnormal(struct station *s, const struct source_alarm *a)
{
	if (s->alarms)
		s->alarms->offnormal(s->alarms, a);
	else
		log_warn("%s: %s", a->source->name, a->text);
}

void alarm_support_normal(struct station *s, const struct source_alarm *a)
{
	if (s->alarms)
		s->alarms->normal(s->alarms, a);
}

bool alarm_support_in_alarm(const struct station *s, const struct component *source, const char *condition)
{
	return s->alarms && s->alarms->in_alarm(s->alarms, source, condition);
}

void alarm_source_info_check(const struct alarm_source_info *info, struct report *report)
{
	const struct {
		const char *slot, *format;
	} formats[] = { { "alarmSourceInfo/sourceName", info->sourceName },
		            { "alarmSourceInfo/toOffnormalText", info->toOffnormalText },
		            { "alarmSourceInfo/toNormalText", info->toNormalText } };
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		struct err e = { 0 };
		if (format_check_component(formats[i].format, &e) != 0)
			report_error(report, E_INVALID, formats[i].slot, "%s", e.text);
	}
}

#define T struct alarm_source_info
const struct slot alarm_source_info_members[] = {
	SLOT(T, alarmClass, STRING, .dflt = "defaultAlarmClass",
	     .facets = FACETS(.maxLength = NAME_MAX_LENGTH, .names = "alarm:AlarmClass"),
	     .doc = "Name of the alarm class."),
	SLOT(T, sourceName, STRING, .dflt = "%displayName%", .facets = FACETS(.format = true, .maxLength = 1000),
	     .doc = "Name of the source in the alarm, as a format over this component."),
	SLOT(T, toOffnormalText, STRING, .facets = FACETS(.format = true, .maxLength = 1000),
	     .doc = "Message text of the alarm; empty: what has happened, in a sentence."),
	SLOT(T, toNormalText, STRING, .facets = FACETS(.format = true, .maxLength = 1000),
	     .doc = "Message text when all is well again."),
	SLOT(T, hyperlinkOrd, STRING, .doc = "Where the alarm console leads to; empty: this component."),
	SLOT(T, alarmInstructions, STRING, .facets = FACETS(.multiLine = true), .doc = "What to do when it happens."),
	SLOT_END,
};
#undef T
