/* SPDX-License-Identifier: Apache-2.0
 * Times of day and patterns of dates as text: see daytime.h. Any thread. */
#include "station/value/daytime.h"

#include <stdio.h>
#include <string.h>

#include "station/value/zone.h"

/* Exactly two digits. */
static bool two_digits(const char *p, int *out)
{
	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
		return false;
	*out = (p[0] - '0') * 10 + (p[1] - '0');
	return true;
}

int daytime_parse(const char *text, int32_t *seconds)
{
	size_t n = strlen(text);
	int hours, minutes, rest = 0;
	if ((n != 5 && n != 8) || text[2] != ':' || !two_digits(text, &hours) || !two_digits(text + 3, &minutes) ||
	    (n == 8 && (text[5] != ':' || !two_digits(text + 6, &rest))))
		return E_INVALID;
	*seconds = hours * 3600 + minutes * 60 + rest;
	return minutes < 60 && rest < 60 && *seconds <= DAY_SECONDS ? 0 : E_INVALID;
}

char *daytime_print(int32_t seconds, char *buf)
{
	int hours = seconds / 3600, minutes = seconds / 60 % 60, rest = seconds % 60;
	if (rest)
		snprintf(buf, DAYTIME_TEXT_MAX, "%02d:%02d:%02d", hours % 100, minutes, rest);
	else
		snprintf(buf, DAYTIME_TEXT_MAX, "%02d:%02d", hours % 100, minutes);
	return buf;
}

int date_pattern_parse(const char *text, struct date_pattern *out)
{
	*out = (struct date_pattern){ DATE_ANY, DATE_ANY, DATE_ANY };
	if (*text == '\0') {
		out->year = 0; /* open */
		return 0;
	}
	const char *p = text;
	int a, b;
	if (*p == '*') {
		p++;
	} else {
		if (strlen(p) < 4 || !two_digits(p, &a) || !two_digits(p + 2, &b))
			return E_INVALID;
		out->year = (int16_t)(a * 100 + b);
		if (out->year < 1970 || out->year > ZONE_LAST_YEAR)
			return E_INVALID;
		p += 4;
	}
	if (*p++ != '-')
		return E_INVALID;
	if (*p == '*') {
		p++;
	} else {
		if (!two_digits(p, &a) || a < 1 || a > 12)
			return E_INVALID;
		out->month = (int8_t)a;
		p += 2;
	}
	if (*p++ != '-')
		return E_INVALID;
	if (strcmp(p, "*") == 0)
		return 0;
	if (strcmp(p, "last") == 0) {
		out->day = DATE_LAST;
		return 0;
	}
	if (strlen(p) != 2 || !two_digits(p, &a) || a < 1)
		return E_INVALID;
	out->day = (int8_t)a;
	int most = out->month == DATE_ANY ? 31 : days_in_month(out->year == DATE_ANY ? 2000 : out->year, out->month);
	return a <= most ? 0 : E_INVALID;
}

bool date_pattern_empty(const struct date_pattern *p)
{
	return p->year == 0;
}

bool date_pattern_single(const struct date_pattern *p, int64_t *number)
{
	if (p->year <= 0 || p->month == DATE_ANY || p->day == DATE_ANY)
		return false;
	*number = day_of(p->year, p->month, p->day == DATE_LAST ? days_in_month(p->year, p->month) : p->day);
	return true;
}

bool date_pattern_matches(const struct date_pattern *p, int64_t year, int month, int day)
{
	if ((p->year != DATE_ANY && p->year != year) || (p->month != DATE_ANY && p->month != month))
		return false;
	return p->day == DATE_ANY || day == (p->day == DATE_LAST ? days_in_month(year, month) : p->day);
}

char *date_print(int64_t day_number, char *buf)
{
	int64_t year;
	int month, day;
	day_split(day_number, &year, &month, &day);
	snprintf(buf, 16, "%04d-%02d-%02d", (int)(year % 10000), month, day);
	return buf;
}
