/* SPDX-License-Identifier: Apache-2.0
 * Alarm classes: how urgent an alarm is, whether it must be acknowledged, and, by the links that leave the topic
 * `alarm`, who is told. Engine thread. */
#include <string.h>

#include "services/alarm/alarm_inside.h"

static const struct slot flag_members[] = {
	SLOT(struct transition_flags, toOffnormal, BOOLEAN, .dflt = "true", .doc = "The source has become offnormal."),
	SLOT(struct transition_flags, toFault, BOOLEAN, .dflt = "true", .doc = "The source has become faulty."),
	SLOT(struct transition_flags, toNormal, BOOLEAN, .dflt = "true", .doc = "The source has become normal."),
	SLOT(struct transition_flags, toAlert, BOOLEAN, .dflt = "false", .doc = "The source has raised an alert."),
	SLOT_END,
};
#define PRIORITY(f, d)                                                                                                 \
	SLOT(struct transition_numbers, f, INTEGER, .dflt = "255", .facets = FACETS(.min = 1, .max = 255), .doc = d)
static const struct slot priority_members[] = {
	PRIORITY(toOffnormal, "Priority of alarms that become offnormal; 1 is the highest."),
	PRIORITY(toFault, "Priority of faults."),
	PRIORITY(toNormal, "Priority of returns to normal."),
	PRIORITY(toAlert, "Priority of alerts."),
	SLOT_END,
};

#define COUNTER(f, d)                                                                                                  \
	SLOT(struct alarm_class, f, INTEGER, .flags = SLOT_READONLY | SLOT_TRANSIENT | SLOT_SUMMARY, .doc = d)
static const struct slot slots[] = {
	SLOT_STRUCT(struct alarm_class, ackRequired, flag_members, .doc = "Which transitions somebody must acknowledge."),
	SLOT_STRUCT(struct alarm_class, priority, priority_members, .doc = "Priority of each transition."),
	COUNTER(totalAlarmCount, "Alarms raised since the station started."),
	COUNTER(openAlarmCount, "Alarms that are not both normal and acknowledged."),
	COUNTER(inAlarmCount, "Alarms whose source is not normal now."),
	COUNTER(unackedAlarmCount, "Alarms that wait for an acknowledgement."),
	SLOT(struct alarm_class, timeOfLastAlarm, ABSTIME, .flags = SLOT_READONLY | SLOT_TRANSIENT,
	     .doc = "When the last alarm was raised."),
	SLOT(struct alarm_class, mailSubject, STRING, .facets = FACETS(.format = true, .maxLength = 1000),
	     .doc = "Subject of mails about alarms of this class, as a format over the alarm, unless the source has one of "
	            "its own; empty: the recipient's."),
	SLOT(struct alarm_class, mailBody, STRING, .facets = FACETS(.format = true, .multiLine = true, .maxLength = 16000),
	     .doc =
	         "Text of mails about alarms of this class, as a format over the alarm, unless the source has one of its "
	         "own; empty: the recipient's."),
	SLOT_END,
};
static const struct topic topics[] = {
	{ "alarm", "Fired for each transition and acknowledgement of an alarm of this class, with the record." },
	{ NULL, NULL },
};

static int below_alarms(const struct component *parent, struct err *e)
{
	if (component_is(parent, &alarm_service_type) || component_is(parent, &alarm_class_folder_type))
		return 0;
	return err_set(e, E_INVALID, "parent",
	               "An alarm class stands below the AlarmService or a folder of alarm classes.");
}

static void check(const struct component *next, const struct component *current, struct report *report)
{
	const struct alarm_class *class = (const struct alarm_class *)next;
	(void)current;
	alarm_tokens_check("mailSubject", class->mailSubject, report);
	alarm_tokens_check("mailBody", class->mailBody, report);
}

const struct type alarm_class_type = {
	.name = "alarm:AlarmClass",
	.doc = "A group of alarms that are treated alike: priority, acknowledgement, recipients (by links from its topic "
	       "alarm).",
	.size = sizeof(struct alarm_class),
	.base = &baja_component,
	.slots = slots,
	.topics = topics,
	.check = check,
	.parent_ok = below_alarms,
};

static const struct slot no_slots[] = { SLOT_END };
const struct type alarm_class_folder_type = {
	.name = "alarm:AlarmClassFolder",
	.doc = "A folder of alarm classes.",
	.size = sizeof(struct component),
	.base = &baja_component,
	.flags = TYPE_CONTAINER,
	.slots = no_slots,
	.parent_ok = below_alarms,
};

struct alarm_class *alarm_class_find(struct alarm_service *service, const char *name)
{
	for (struct component *c = &service->c; c; c = tree_next(c, &service->c))
		if (component_is(c, &alarm_class_type) && strcmp(c->name, name) == 0)
			return COMPONENT_AS(c, &alarm_class_type, struct alarm_class);
	return NULL;
}
