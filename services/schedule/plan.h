/* SPDX-License-Identifier: Apache-2.0
 * The plan: what a schedule's properties mean, without the tree and without a clock. Made once when they change; then it
 * answers which value is in effect at an instant, why, and until when. Pure: any thread may ask a plan of its own.
 *
 * An entry holds from the first instant at which the local clock shows `start` or later until the first at which it
 * shows `finish` or later. So a start that a spring day leaves out is the jump itself, one that an autumn day repeats
 * happens once, and an entry across the jump is as much shorter or longer as the day is. */
#ifndef BELFRY_PLAN_H
#define BELFRY_PLAN_H

#include "station/value/daytime.h"
#include "station/value/value.h"
#include "station/value/zone.h"

#define SPECIALS_MOST 50

enum when { WHEN_DATE, WHEN_DATE_RANGE, WHEN_WEEK_AND_DAY, WHEN_REFERENCE };
enum month { MONTH_ANY = 0, MONTH_ODD = 13, MONTH_EVEN = 14 };                                      /* else 1..12 */
enum week { WEEK_ANY = 0, WEEK_FIFTH = 5 /* 29 to 31 */, WEEK_LAST = 6 /* the last seven days */ }; /* else 1..4 */
enum { WEEKDAY_ANY = 7 }; /* else 0 Sunday .. 6 */

/* A set of days. */
struct day_rule {
	enum when when;
	struct date_pattern start, end;
	int8_t month, week, weekday;
	const struct day_rule *calendar; /* WHEN_REFERENCE; owned: calendar_count rules, any of which counts */
	size_t calendar_count;
};
struct entry {
	int32_t start, finish; /* seconds of local time after midnight, start < finish <= 86400 */
	struct value value;    /* owned; a status value */
};
struct entries {
	struct entry *items; /* owned; by start, not overlapping */
	size_t count;
};
struct special {
	char *name; /* owned */
	struct day_rule days;
	struct entries entries;
};
struct plan {
	const struct zone *zone; /* borrowed */
	struct date_pattern from, until;
	struct entries week[7];   /* by weekday, 0 Sunday */
	struct special *specials; /* owned; the first is the strongest */
	size_t special_count;
	struct value dflt; /* owned */
};
void plan_free(struct plan **plan);

/* Does that day (since 1970) belong to it? */
bool day_rule_matches(const struct day_rule *rule, int64_t day);
/* Has the last day of the rule passed? Rules that come again every year never do. */
bool day_rule_expired(const struct day_rule *rule, int64_t today);

enum source { SOURCE_DEFAULT, SOURCE_WEEK, SOURCE_SPECIAL, SOURCE_NOT_EFFECTIVE };
/* One stretch of time with one value from one source, within one local day. */
struct stretch {
	int64_t day;               /* since 1970, local */
	int32_t start, finish;     /* local seconds of that day */
	int64_t from, until;       /* instants, seconds since 1970 UTC; from < until */
	const struct value *value; /* borrowed from the plan */
	enum source source;
	const struct special *special; /* SOURCE_SPECIAL */
};
/* Walks stretches onwards in time: plan_walk, then plan_step as long as it is wanted. */
struct plan_walk {
	const struct plan *plan;
	int64_t day;
	int32_t second;                     /* where on that day to go on */
	uint16_t cursor[SPECIALS_MOST + 1]; /* of each event of the day: its next entry */
	struct stretch now;
};
/* The stretch that holds at that instant is in w->now. */
void plan_walk(struct plan_walk *w, const struct plan *plan, int64_t instant);
void plan_step(struct plan_walk *w);
bool stretch_same(const struct stretch *a, const struct stretch *b);

#endif
