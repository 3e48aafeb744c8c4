/* SPDX-License-Identifier: Apache-2.0
 * Alarms: the record of one alarm through its life, and what others (web/) may ask of the AlarmService.
 * One record an alarm, updated through transitions, acknowledgement and notes; open until it is normal and acknowledged
 * (facts: Niagara's alarm model; states after ISA-18.2). Engine thread. */
#ifndef BELFRY_ALARM_H
#define BELFRY_ALARM_H

#include "station/alarm/alarm_desk.h"
#include "station/control/point.h"
#include "station/station.h"

extern const struct type alarm_service_type, alarm_class_type, alarm_class_folder_type;
extern const struct type alarm_source_ext_type, alarm_out_of_range_ext_type, alarm_boolean_change_of_state_ext_type;

enum alarm_state { ALARM_NORMAL, ALARM_OFFNORMAL, ALARM_FAULT, ALARM_ALERT, ALARM_HIGH_LIMIT, ALARM_LOW_LIMIT };
enum alarm_ack { ALARM_ACKED, ALARM_UNACKED };
extern const struct tag alarm_state_range[], alarm_ack_range[];

struct alarm_record {
	char *uuid;
	int64_t sequence;          /* of the station: newest is highest */
	struct abstime timestamp;  /* when it was raised */
	int sourceState, ackState; /* enum alarm_state, enum alarm_ack */
	bool ackRequired, cleared; /* cleared: normal and acknowledged */
	struct list source;        /* ords of the extension */
	int64_t sourceHandle;
	char *alarmClass;
	int64_t priority; /* 1 to 255, 1 is highest */
	struct abstime normalTime, ackTime;
	char *user;            /* who acknowledged */
	struct list alarmData; /* {name, value}: an open dictionary */
	int alarmTransition;   /* the first transition; never changes */
	struct abstime lastUpdate;
	char *msgText;
	struct list notes;           /* {time, user, text} */
	struct abstime shelvedUntil; /* nobody is told of it until then; ABSTIME_NULL: not shelved */
};
extern const struct record_kind alarm_kind;

/* As REST gives it: alarmData an object, deliveries and trace as arrays (empty when NULL; taken). New reference. */
json_t *alarm_to_json(const struct alarm_record *r, json_t *deliveries, json_t *trace);
/* An entry of alarmData, borrowed, "" when there is none; and sets or replaces one. */
const char *alarm_data_get(const struct alarm_record *r, const char *name);
void alarm_data_set(struct alarm_record *r, const char *name, const char *value);

/* Which alarms to list; all that are given must hold. */
struct alarm_filter {
	const char *uuid, *alarmClass; /* NULL: any */
	const char *source;            /* part of an ord of the source, upper and lower case alike; NULL: any */
	bool open, cleared;            /* both or neither: any */
	int64_t since;                 /* raised then or later; ABSTIME_NULL: any */
	int64_t before;                /* sequence below this: the cursor; 0: from the newest */
	int64_t limit;                 /* at least 1 */
};
/* Answers with alarm records, newest first: what is on disk, and what the disk has refused so far. Never inline. */
void alarm_list(struct station *s, const struct alarm_filter *filter, store_answer *answer, void *context);

/* What happened to each uuid of a request; code 0 when it is on disk. */
typedef void alarm_results(void *context, const int *codes, size_t count);
/* An order (see station/alarm/alarm_desk.h; its uuid is not read) over several alarms, with one audit record each. Answers once
 * all are on disk. What is so already answers E_CONFLICT, unknown ones E_NOT_FOUND, too little right E_FORBIDDEN. Notes
 * reach cleared alarms as well. */
void alarm_order(struct station *s, const struct alarm_order *order, const char *const *uuids, size_t count,
                 alarm_results *done, void *context);

#endif
