/* SPDX-License-Identifier: Apache-2.0
 * Time zones: local time of any IANA zone, read from the system's own tz database (TZif, RFC 8536). localtime_r knows
 * one zone for the whole process; a station has schedules in several. Zones are constant once read; engine thread for
 * zone_find, any thread for the rest. Times are whole seconds: instants since 1970 UTC, local times as if UTC. */
#ifndef BELFRY_ZONE_H
#define BELFRY_ZONE_H

#include <stddef.h>
#include <stdint.h>

#include "station/base/err.h"

struct station;

#define DAY_SECONDS INT64_C(86400)
#define ZONE_NAME_MAX 64

struct zone {
	struct zone *next; /* among the station's */
	char name[ZONE_NAME_MAX];
	int64_t *at;     /* owned; instants at which the offset changes, ascending, up to ZONE_LAST_YEAR */
	int32_t *offset; /* owned; from at[i] on: seconds east of Greenwich */
	size_t count;
	int32_t first; /* before at[0] */
};
#define ZONE_LAST_YEAR 2199

/* The zone of that name ("Europe/Berlin"), "" for the station's own (TZ or /etc/localtime, as the process found it).
 * Borrowed; kept until the station ends. NULL and a sentence when there is none. */
const struct zone *zone_find(struct station *s, const char *name, struct err *e);
/* Can a zone be called so, and is it on this system? 0 or a sentence. */
int zone_check(struct station *s, const char *name, struct err *e);
void zones_free(struct zone **zones);

/* Reads a TZif file or a POSIX rule text ("CET-1CEST,M3.5.0,M10.5.0/3") into an empty zone. 0 or a code. */
int zone_read(struct zone *z, const unsigned char *bytes, size_t length, struct err *e);
int zone_read_rule(struct zone *z, const char *rule, struct err *e);
void zone_finish(struct zone *z);

/* Seconds east of Greenwich at an instant. */
int32_t zone_offset(const struct zone *z, int64_t instant);
/* Local time at an instant. */
int64_t zone_local(const struct zone *z, int64_t instant);
/* The first instant at which the local clock shows `local` or later: a time that a spring day leaves out is the jump
 * itself, of one that an autumn day repeats it is the first. */
int64_t zone_instant(const struct zone *z, int64_t local);

/* Days since 1970-01-01 of the proleptic Gregorian calendar, and back. Month 1..12, day 1..31. */
int64_t day_of(int64_t year, int month, int day);
void day_split(int64_t number, int64_t *year, int *month, int *day);
int days_in_month(int64_t year, int month);
/* 0 Sunday .. 6 Saturday. */
int day_weekday(int64_t number);
/* The day that a local time falls on. */
int64_t day_containing(int64_t local);

#endif
