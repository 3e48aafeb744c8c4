/* SPDX-License-Identifier: Apache-2.0
 * The inside of the alarm service, shared by its files only: the open alarms in memory, what an extension asks of the
 * service, and what the service asks of a class. Engine thread. */
#ifndef BELFRY_ALARM_INSIDE_H
#define BELFRY_ALARM_INSIDE_H

#include "services/alarm/alarm.h"

enum transition { TO_OFFNORMAL, TO_FAULT, TO_NORMAL, TO_ALERT, TRANSITIONS };
struct transition_flags { bool toOffnormal, toFault, toNormal, toAlert; };
struct transition_numbers { int64_t toOffnormal, toFault, toNormal, toAlert; };

/* An open alarm. Owned by the service until it is cleared. */
struct open_alarm {
	struct alarm_record record;
	uint64_t source;            /* handle of the extension; 0 when it is gone */
	int writes;                 /* transactions on their way that carry it */
	bool dirty;                 /* the disk has refused it: it is written again */
	struct open_alarm *next;
};

struct alarm_class {
	struct component c;
	struct transition_flags ackRequired;
	struct transition_numbers priority;
	int64_t totalAlarmCount, openAlarmCount, inAlarmCount, unackedAlarmCount;
	struct abstime timeOfLastAlarm;
};

struct alarm_service {
	struct component c;
	bool enabled;
	char *faultCause, *defaultAlarmClass;
	int64_t capacity, totalAlarmCount, openAlarmCount, inAlarmCount, unackedAlarmCount;
	bool loaded;
	struct open_alarm *open;    /* owned; newest first */
	struct timer retry;         /* writes dirty records again */
	int64_t since_trim;
};

/* An extension's times of one kind of transition. */
struct transition_times { struct abstime alarmTime, ackTime, normalTime; int64_t count; };

struct alarm_ext;
/* What differs between kinds of extensions. */
struct alarm_algorithm {
	/* The state that the value asks for now; the present one matters for deadbands. */
	enum alarm_state (*evaluate)(const struct alarm_ext *x, const struct value *out, enum alarm_state now);
	/* Adds what explains the alarm (limits) to alarmData. */
	void (*describe)(const struct alarm_ext *x, struct alarm_record *r);
	/* A text for this state that overrides toOffnormalText; NULL or empty: none. */
	const char *(*text)(const struct alarm_ext *x, enum alarm_state state);
};

struct alarm_ext {
	struct component c;
	struct status_boolean alarmInhibit;
	struct reltime inhibitTime, timeDelay, timeDelayToNormal;
	int alarmState;             /* enum alarm_state */
	struct { bool toOffnormal, toFault; } alarmEnable;
	struct transition_times toOffnormalTimes, toFaultTimes;
	char *sourceName, *toOffnormalText, *toFaultText, *toNormalText, *hyperlinkOrd, *alarmInstructions, *alarmClass;
	struct list metaData;
	const struct alarm_algorithm *algorithm; /* set by the type's init */
	struct timer delay;         /* a transition that waits */
	int pending;                /* the state it waits for; -1: none */
	int64_t inhibited_until;    /* monotonic */
};

struct alarm_service *alarm_service_of(struct station *s); /* loaded; NULL when the station has none */
struct alarm_class *alarm_class_find(struct alarm_service *service, const char *name);
/* The newest open alarm of an extension; NULL when there is none. */
struct open_alarm *alarm_open_of(struct alarm_service *service, uint64_t source);
bool alarm_unacked_of(const struct alarm_service *service, uint64_t source);
/* A new alarm: takes *record's content (uuid, source state, texts, data filled), gives it class, priority and times,
 * stores it and tells recipients, in one transaction. */
void alarm_raise(struct alarm_service *service, struct alarm_ext *x, struct alarm_record *record);
/* The condition of an open alarm has ended. */
void alarm_return_to_normal(struct alarm_service *service, struct alarm_ext *x, struct open_alarm *alarm, const char *text);
/* Deletes the oldest cleared records while there are more than the service's capacity. */
void alarm_trim(struct alarm_service *service);
/* The extension's view of its point: bits alarm and unackedAlarm, over all extensions of the point. */
void alarm_ext_show(struct component *ext);
/* The extension's times as slots in the store. */
void alarm_ext_persist_times(struct store_tx *tx, const struct alarm_ext *x);
void alarm_ext_acked(struct component *ext, int64_t when);

#endif
