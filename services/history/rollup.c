/* SPDX-License-Identifier: Apache-2.0
 * Buckets of time: see rollup.h. */
#include "services/history/rollup.h"

#include <stdio.h>
#include <string.h>

#include "station/value/value.h"

int rollup_parse(const char *text, const struct zone *zone, struct rollup *out, struct err *e)
{
	int number, used = 0;
	char unit;
	*out = (struct rollup){ .zone = zone };
	if (sscanf(text, "P%4d%c%n", &number, &unit, &used) == 2 && text[used] == '\0' && number > 0 &&
	    strchr("MYW", unit)) {
		if (unit == 'W')
			out->seconds = number * 7 * DAY_SECONDS;
		else
			out->months = number * (unit == 'Y' ? 12 : 1);
		return 0;
	}
	int64_t us = 0;
	if (reltime_parse(text, &us) != 0 || us < SECOND_US || us > 3660 * DAY_SECONDS * SECOND_US || us % SECOND_US)
		return err_set(e, E_INVALID, "rollup", "\"%.40s\" is no length of a bucket; write PT15M, 1h, P1D, P1W or P1M.",
		               text);
	out->seconds = us / SECOND_US;
	return 0;
}

static int64_t month_start(const struct rollup *r, int64_t month)
{
	return zone_instant(r->zone, day_of(month / 12, (int)(month % 12) + 1, 1) * DAY_SECONDS);
}

/* Months since the year 0, at the beginning of the bucket. */
static int64_t month_of(const struct rollup *r, int64_t instant)
{
	int64_t year;
	int month, day;
	day_split(day_containing(zone_local(r->zone, instant)), &year, &month, &day);
	int64_t number = year * 12 + month - 1;
	return number - number % r->months;
}

/* Weeks begin on Monday; 1970-01-01 was a Thursday. */
static int64_t local_start(const struct rollup *r, int64_t local)
{
	int64_t shift = r->seconds % (7 * DAY_SECONDS) == 0 ? 3 * DAY_SECONDS : 0, at = local + shift,
	        rest = at % r->seconds;
	return at - (rest < 0 ? rest + r->seconds : rest) - shift;
}

int64_t rollup_start(const struct rollup *r, int64_t instant)
{
	if (r->months)
		return month_start(r, month_of(r, instant));
	int64_t offset = zone_offset(r->zone, instant), local = local_start(r, instant + offset);
	/* Up to an hour each bucket lies on one side of a change of the clock; the hour that comes twice is two buckets. */
	return r->seconds <= 3600 ? local - offset : zone_instant(r->zone, local);
}

int64_t rollup_next(const struct rollup *r, int64_t start)
{
	if (r->months)
		return month_start(r, month_of(r, start) + r->months);
	if (r->seconds <= 3600)
		return start + r->seconds;
	return zone_instant(r->zone, local_start(r, zone_local(r->zone, start)) + r->seconds);
}
