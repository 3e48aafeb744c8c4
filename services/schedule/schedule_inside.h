/* SPDX-License-Identifier: Apache-2.0
 * The inside of the schedules: the C struct, the kinds, and what the files here ask of each other. Engine thread. */
#ifndef BELFRY_SCHEDULE_INSIDE_H
#define BELFRY_SCHEDULE_INSIDE_H

#include "services/schedule/plan.h"
#include "services/schedule/schedule.h"
#include "station/station.h"

struct weekly {
	struct list day[7]; /* 0 Sunday */
};
struct effective {
	char *start, *end;
};
/* What every schedule has beside its values. */
struct schedule {
	struct weekly weeklySchedule;
	struct list events; /* specialEvents of a schedule, events of a calendar */
	struct effective effective;
	char *timeZone, *outSource, *faultCause;
	bool cleanupExpiredEvents;
	struct reltime scanLimit;
	struct abstime nextTime;
	/* No slots. */
	struct component *c; /* borrowed: the component that this lies in */
	struct plan *plan;   /* owned */
	struct timer timer;
	struct clock_watch watch;
	struct schedule *next, **prev; /* among the service's */
	bool refers;                   /* to a calendar */
	bool cleaning;                 /* a batch that removes what has expired is under way */
	int64_t day;                   /* local, of the last evaluation */
};

/* What the kinds differ in: one row each. */
struct kind_of_schedule {
	const struct type *type;
	const struct slot *rows;
	size_t state; /* where struct schedule lies */
	bool calendar;
};
const struct kind_of_schedule *schedule_kind(const struct component *c); /* NULL: no schedule */
struct schedule *schedule_state(const struct component *c);
const struct slot *schedule_row(const struct component *c, const char *name);

/* Members of an event in the list: what an item's values are. A calendar's events end with the weekday. */
enum event_member {
	EVENT_NAME,
	EVENT_TYPE,
	EVENT_START,
	EVENT_END,
	EVENT_MONTH,
	EVENT_WEEK,
	EVENT_WEEKDAY,
	EVENT_REFERENCE,
	EVENT_ENTRIES
};
extern const struct slot calendar_event_members[];
enum entry_member { ENTRY_START, ENTRY_FINISH, ENTRY_VALUE };

/* Makes the plan of a component or of its shadow; what is wrong goes to the report and is left out. report may be NULL.
 * missing (may be NULL): owned text, the first calendar that is not there. */
struct plan *plan_make(const struct component *c, struct report *report, char **missing);
/* The days of one event of a calendar's kind; false: they make no sense, which goes to the report (may be NULL) at path. */
bool event_days(const struct component *c, const struct value *item, const char *path, struct report *report,
                struct day_rule *out);
/* "Special event: Christmas"; owned. */
char *stretch_source(const struct component *c, const struct stretch *s);

/* A calendar, or where one stands, has changed: those who refer to one look again, soon. */
void schedules_look_again(struct station *s);
void schedule_refresh(struct schedule *s);
void schedule_register(struct schedule *s);
void schedule_forget(struct schedule *s);

#endif
