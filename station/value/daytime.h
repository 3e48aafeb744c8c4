/* SPDX-License-Identifier: Apache-2.0
 * Texts for times of day ("08:30", "23:59:30", "24:00") and for patterns of dates ("2026-12-24", "*-12-24",
 * "*-*-last"), which schedules and calendars are written in. Any thread. */
#ifndef BELFRY_DAYTIME_H
#define BELFRY_DAYTIME_H

#include <stdbool.h>
#include <stdint.h>

/* "HH:MM" or "HH:MM:SS", up to "24:00": seconds after midnight. */
int daytime_parse(const char *text, int32_t *seconds);
#define DAYTIME_TEXT_MAX 12
char *daytime_print(int32_t seconds, char *buf);

/* A day, with `*` for any year, month or day, and `last` for the last day of a month. "" is an open end. */
struct date_pattern {
	int16_t year;      /* DATE_ANY or 1970..2199 */
	int8_t month, day; /* DATE_ANY, 1..; day DATE_LAST */
};
enum { DATE_ANY = -1, DATE_LAST = 32 };
int date_pattern_parse(const char *text, struct date_pattern *out);
bool date_pattern_empty(const struct date_pattern *p);
/* Is it one single day? Then *number is its day since 1970. */
bool date_pattern_single(const struct date_pattern *p, int64_t *number);
bool date_pattern_matches(const struct date_pattern *p, int64_t year, int month, int day);
/* "2026-12-24"; buf at least 16 bytes. */
char *date_print(int64_t day_number, char *buf);

#endif
