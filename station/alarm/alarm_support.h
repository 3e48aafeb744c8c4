/* SPDX-License-Identifier: Apache-2.0
 * Alarms that a component raises about itself rather than about a point: an account that is down, a grant that is about to
 * expire, a disk that is full. After Niagara's BAlarmSupport and AlarmSourceInfo: the component carries a
 * struct alarm_source_info and says when a condition begins and ends; who keeps alarms (the AlarmService) hears of it
 * here, since services never include each other. Engine thread. */
#ifndef BELFRY_ALARM_SUPPORT_H
#define BELFRY_ALARM_SUPPORT_H

#include "station/alarm/alarm_desk.h"
#include "station/tree/component.h"

/* What such an alarm says beside the condition's own sentence. */
struct alarm_source_info {
	char *alarmClass, *sourceName, *toOffnormalText, *toNormalText, *hyperlinkOrd, *alarmInstructions;
};
extern const struct slot alarm_source_info_members[];
/* The row of a type whose struct T has the member `struct alarm_source_info alarmSourceInfo`. */
#define SLOT_ALARM_SOURCE_INFO(T)                                                                                      \
	SLOT_STRUCT(T, alarmSourceInfo, alarm_source_info_members,                                                         \
	            .doc = "How alarms about this component are named and which alarm class they belong to.")
/* For the type's check: refuses wrong formats in slot alarmSourceInfo. */
void alarm_source_info_check(const struct alarm_source_info *info, struct report *report);

/* A condition of a component. All borrowed for the call. */
struct source_alarm {
	struct component *source;
	const struct alarm_source_info *info;
	const char *condition; /* its name, stable and unique within the source: "circuitBreaker"; kept as alarmData */
	const char *text;      /* a sentence: what has happened, and what to do; or why all is well again; may be empty */
};
/* Raises the alarm of this condition, unless it is open: then nothing happens. It is durable, and its mails are on their
 * way, soon after. Without an AlarmService the sentence goes to the log. */
void alarm_support_offnormal(struct station *s, const struct source_alarm *a);
/* Ends it; harmless when it is not open. */
void alarm_support_normal(struct station *s, const struct source_alarm *a);
/* Is an alarm of the source not normal? condition NULL: any. Remembered over restarts. */
bool alarm_support_in_alarm(const struct station *s, const struct component *source, const char *condition);

/* Who keeps alarms sets station.alarms to its own while it runs. All mandatory. */
struct alarm_support {
	void (*offnormal)(struct alarm_support *support, const struct source_alarm *a);
	void (*normal)(struct alarm_support *support, const struct source_alarm *a);
	bool (*in_alarm)(const struct alarm_support *support, const struct component *source, const char *condition);
	const struct alarm_desk *desk; /* see alarm_desk.h */
};

#endif
