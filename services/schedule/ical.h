/* SPDX-License-Identifier: Apache-2.0
 * Reading iCalendar files of strangers (RFC 5545) through libical, into events of a calendar. Everything is bounded: size,
 * nesting, events, occurrences, time. What cannot be used is left out with a sentence and its line. Any thread. */
#ifndef BELFRY_ICAL_H
#define BELFRY_ICAL_H

#include <jansson.h>
#include <stdint.h>

#include "station/base/err.h"

enum { ICAL_EVENTS_MOST = 2000, ICAL_DAYS_MOST = 1000, ICAL_NOTES_MOST = 100, ICAL_SECONDS_MOST = 2 };

struct ical_reading {
	int first, last; /* years in which what comes again is written out */
	json_t *items;   /* owned; events as the slot `events` has them */
	json_t *notes;   /* owned; [{line, detail}] */
};
/* 0, or E_INVALID when it is no iCalendar file at all, with a sentence. The caller gives items and notes back. */
int ical_read(struct ical_reading *r, const char *text, size_t length, struct err *e);

#endif
