/* SPDX-License-Identifier: Apache-2.0
 * Schedules: points whose value follows the week, exceptions and calendars, in the local time of any zone. Their `out`
 * is a control point's, so links, histories and alarm extensions work with it. Engine thread. */
#ifndef BELFRY_SCHEDULE_H
#define BELFRY_SCHEDULE_H

#include "station/control/point.h"
#include "station/station.h"

extern const struct type schedule_service, schedule_boolean, schedule_numeric, schedule_enum, schedule_string,
    schedule_calendar, schedule_trigger;

/* Is it one of the above with `out`? */
bool schedule_is(const struct component *c);

/* What will be in effect from start to end (microseconds), stretch by stretch with its source. At most 400 days and 2000
 * stretches; "next" says where to go on. A new reference; NULL and a sentence when the times make no sense. */
json_t *schedule_preview(struct component *c, int64_t start, int64_t end, struct err *e);

/* --- iCalendar (RFC 5545), of a CalendarSchedule --- */

#define ICAL_MOST (1024 * 1024)
struct ical_import {
	struct station *station;
	struct actor actor;
	uint64_t calendar; /* handle */
	bool replace;      /* what the calendar has goes; otherwise the file's events are added */
	bool dry;          /* only say what would be */
	int first, last;   /* years for which events that come again are written out; 0: this year and nine more */
	/* json: {added, kept, items: [event], notes: [{line, detail}]}, borrowed; code and e when nothing was changed. */
	void (*done)(void *context, int code, const struct err *e, const json_t *json);
	void *context;
};
/* Reads text (copied) on another thread, then changes the calendar in one batch. done is called later, once. */
void ical_import(const struct ical_import *i, const char *text, size_t length);
/* The calendar as a file; owned. */
char *ical_export(const struct component *calendar);

#endif
