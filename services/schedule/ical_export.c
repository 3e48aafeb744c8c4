/* SPDX-License-Identifier: Apache-2.0
 * A calendar as an iCalendar file (RFC 5545), which other programs and our own import read. Engine thread. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "services/schedule/schedule_inside.h"
#include "station/base/must.h"

enum { FOLD_AT = 73, BASE_YEAR = 2000 /* a leap year: 29 February can begin there */ };

/* Lines end with CRLF and are folded at 75 octets, never within a character (section 3.1). */
static void put(FILE *f, const char *line)
{
	size_t column = 0;
	for (const char *p = line; *p; p++) {
		bool begins = ((unsigned char)*p & 0xC0) != 0x80;
		if (column >= FOLD_AT - 3 && begins) {
			fputs("\r\n ", f);
			column = 1;
		}
		fputc(*p, f);
		column++;
	}
	fputs("\r\n", f);
}

/* A text value: what would end it is escaped (section 3.3.11). */
static char *escape(const char *text)
{
	char *out = must_alloc(2 * strlen(text) + 1), *to = out;
	for (const char *p = text; *p; p++) {
		bool special = *p == '\\' || *p == ';' || *p == ',' || *p == '\n';
		if (special)
			*to++ = '\\';
		if (*p == '\n')
			*to++ = 'n';
		else if ((unsigned char)*p >= ' ')
			*to++ = *p;
	}
	return out;
}

static char *compact(int64_t day_number, char *buf)
{
	int64_t year;
	int month, day;
	day_split(day_number, &year, &month, &day);
	snprintf(buf, 12, "%04d%02d%02d", (int)(year % 10000), month, day);
	return buf;
}

static void months(const struct day_rule *r, char *out, size_t size)
{
	*out = '\0';
	if (r->month == MONTH_ODD || r->month == MONTH_EVEN)
		snprintf(out, size, ";BYMONTH=%s", r->month == MONTH_ODD ? "1,3,5,7,9,11" : "2,4,6,8,10,12");
	else if (r->month != MONTH_ANY)
		snprintf(out, size, ";BYMONTH=%d", r->month);
}

/* FREQ=DAILY with parts that only let some days through says exactly what our patterns say. */
static void rule_of(const struct day_rule *r, char *out, size_t size)
{
	static const char *const days[] = { "SU", "MO", "TU", "WE", "TH", "FR", "SA" };
	static const char *const weeks[] = {
		"",         "1,2,3,4,5,6,7",       "8,9,10,11,12,13,14", "15,16,17,18,19,20,21", "22,23,24,25,26,27,28",
		"29,30,31", "-7,-6,-5,-4,-3,-2,-1"
	};
	char month[48] = "", mday[64] = "", weekday[16] = "", until[32] = "";
	if (r->when == WHEN_WEEK_AND_DAY) {
		months(r, month, sizeof month);
		if (r->week != WEEK_ANY)
			snprintf(mday, sizeof mday, ";BYMONTHDAY=%s", weeks[r->week]);
		if (r->weekday != WEEKDAY_ANY)
			snprintf(weekday, sizeof weekday, ";BYDAY=%s", days[r->weekday]);
	} else {
		if (r->start.month != DATE_ANY)
			snprintf(month, sizeof month, ";BYMONTH=%d", r->start.month);
		if (r->start.day != DATE_ANY)
			snprintf(mday, sizeof mday, ";BYMONTHDAY=%d", r->start.day == DATE_LAST ? -1 : r->start.day);
		if (r->start.year != DATE_ANY)
			snprintf(until, sizeof until, ";UNTIL=%04d1231", r->start.year);
	}
	bool yearly = *month && *mday && !*until && !*weekday && r->when == WHEN_DATE && r->start.day != DATE_LAST;
	snprintf(out, size, yearly ? "RRULE:FREQ=YEARLY" : "RRULE:FREQ=DAILY%s%s%s%s", month, mday, weekday, until);
}

/* The first day of the rule, its span, and its RRULE ("" for a single occurrence). False: it never comes true. */
static bool describe(const struct day_rule *r, int64_t *first, int64_t *span, char *rule, size_t size)
{
	*span = 1;
	*rule = '\0';
	if (r->when == WHEN_DATE_RANGE) {
		bool yearly = r->start.year == DATE_ANY;
		int from = yearly ? BASE_YEAR : r->start.year, to = yearly ? BASE_YEAR : r->end.year;
		*first = date_pattern_empty(&r->start) ? 0 : day_of(from, r->start.month, r->start.day);
		int64_t end =
		    date_pattern_empty(&r->end) ? day_of(ZONE_LAST_YEAR, 12, 31) : day_of(to, r->end.month, r->end.day);
		if (yearly && end < *first)
			end = day_of(BASE_YEAR + 1, r->end.month, r->end.day);
		*span = end - *first + 1;
		if (yearly)
			snprintf(rule, size, "RRULE:FREQ=YEARLY");
		return *span > 0;
	}
	if (r->when == WHEN_DATE && date_pattern_single(&r->start, first))
		return true;
	int64_t begin = day_of(r->when == WHEN_DATE && r->start.year != DATE_ANY ? r->start.year : BASE_YEAR, 1, 1);
	for (*first = begin; *first < begin + 9 * 366; ++*first)
		if (day_rule_matches(r, *first)) {
			rule_of(r, rule, size);
			return true;
		}
	return false;
}

static void put_event(FILE *f, const struct component *c, uint32_t index, const struct value *item, const char *stamp)
{
	const struct value *m = item->list.items;
	char line[512], from[12], to[12], rule[200];
	int64_t first, span;
	struct day_rule r = { .when = (enum when)m[EVENT_TYPE].ordinal,
		                  .month = (int8_t)m[EVENT_MONTH].ordinal,
		                  .week = (int8_t)m[EVENT_WEEK].ordinal,
		                  .weekday = (int8_t)m[EVENT_WEEKDAY].ordinal };
	if (date_pattern_parse(m[EVENT_START].text, &r.start) != 0 || date_pattern_parse(m[EVENT_END].text, &r.end) != 0 ||
	    !describe(&r, &first, &span, rule, sizeof rule))
		return;
	char *name = escape(m[EVENT_NAME].text);
	put(f, "BEGIN:VEVENT");
	snprintf(line, sizeof line, "UID:%" PRIx64 "-%u@%s", c->handle, index, c->station->id);
	put(f, line);
	put(f, stamp);
	snprintf(line, sizeof line, "DTSTART;VALUE=DATE:%s", compact(first, from));
	put(f, line);
	snprintf(line, sizeof line, "DTEND;VALUE=DATE:%s", compact(first + span, to));
	put(f, line);
	if (*rule)
		put(f, rule);
	snprintf(line, sizeof line, "SUMMARY:%s", name);
	put(f, line);
	put(f, "END:VEVENT");
	free(name);
}

char *ical_export(const struct component *calendar)
{
	char *text = NULL, stamp[40];
	size_t length;
	FILE *f = open_memstream(&text, &length);
	must(f != NULL);
	time_t now = (time_t)(station_now(calendar->station) / SECOND_US);
	struct tm tm;
	must(gmtime_r(&now, &tm) != NULL && strftime(stamp, sizeof stamp, "DTSTAMP:%Y%m%dT%H%M%SZ", &tm) > 0);
	put(f, "BEGIN:VCALENDAR");
	put(f, "VERSION:2.0");
	put(f, "PRODID:-//Belfry//Belfry " BELFRY_VERSION "//EN");
	const struct list *events = &schedule_state(calendar)->events;
	for (uint32_t i = 0; i < events->count; i++)
		put_event(f, calendar, i, &events->items[i], stamp);
	put(f, "END:VCALENDAR");
	must(fclose(f) == 0);
	return text;
}
