/* SPDX-License-Identifier: Apache-2.0
 * The open alarms in memory, by uuid and by source, and how many there are. Inside of the alarm service. Engine thread. */
#ifndef BELFRY_OPEN_ALARMS_H
#define BELFRY_OPEN_ALARMS_H

#include "services/alarm/alarm.h"

struct alarm_counts {
	int64_t open, in_alarm, unacked;
};

/* An open alarm. Owned by the service until it is cleared and the disk has it so. */
struct open_alarm {
	struct alarm_record record;
	uint64_t source;             /* handle of the extension; 0 when nobody knows */
	int writes;                  /* transactions on their way that carry it */
	uint32_t version;            /* counts changes of the record */
	bool dirty;                  /* the disk has refused it: it is written again */
	struct alarm_counts counted; /* what it adds to the counters now */
	struct open_alarm *next_uuid, *next_source;
};
struct class_counts {
	struct class_counts *next;
	char name[NAME_MAX_LENGTH + 1];
	struct alarm_counts counts;
};

/* All of them: open_alarms.c. */
struct open_alarms {
	struct open_alarm **uuids, **sources; /* owned hash tables of `buckets` (a power of two, or 0) */
	size_t buckets, count, dirty;
	struct alarm_counts counts;
	struct class_counts *classes; /* owned */
};
/* Takes record's content; its uuid is not there yet. Counts nothing. */
struct open_alarm *open_alarms_add(struct open_alarms *all, const struct alarm_record *record, uint64_t source);
void open_alarms_remove(struct open_alarms *all, struct open_alarm *a); /* frees it */
void open_alarms_finish(struct open_alarms *all);
struct open_alarm *open_alarms_find(const struct open_alarms *all, const char *uuid);
/* The newest one of a source that is not normal; NULL when there is none. And: does one wait for acknowledgement? */
struct open_alarm *open_alarms_of(const struct open_alarms *all, uint64_t source);
/* The next older one of the same source that is not normal. */
struct open_alarm *open_alarms_older(const struct open_alarm *a);
bool open_alarms_unacked(const struct open_alarms *all, uint64_t source);
/* Walks those of a source, the newest first; from NULL. */
struct open_alarm *open_alarms_same(const struct open_alarms *all, uint64_t source, const struct open_alarm *after);
/* Walks all, in no order; from NULL. */
struct open_alarm *open_alarms_next(const struct open_alarms *all, const struct open_alarm *a);
/* Brings the counters up to date with one record; and the counters of a class. */
void open_alarms_count(struct open_alarms *all, struct open_alarm *a);
struct alarm_counts *open_alarms_counts(struct open_alarms *all, const char *alarmClass);

#endif
