/* SPDX-License-Identifier: Apache-2.0
 * Reading the tz database: see zone.h. A TZif file holds the offset changes of the past and a rule for the future; the
 * rule is unrolled here, so that every question is a search in one table. The file is the system's, yet every count in
 * it is checked: a broken one is an error, not a crash. */
#include "station/value/zone.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "station/base/file.h"
#include "station/base/must.h"
#include "station/station.h"

enum { FILE_MOST = 256 * 1024, CHANGES_MOST = 4000, WEEK_LAST = 5 };
#define DATABASE "/usr/share/zoneinfo/"

/* --- days ------------------------------------------------------------------------------------------------------- */

/* Howard Hinnant's days_from_civil: years start in March, so that the leap day is the last. */
int64_t day_of(int64_t year, int month, int day)
{
	year -= month <= 2;
	int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void day_split(int64_t number, int64_t *year, int *month, int *day)
{
	int64_t z = number + 719468, era = (z >= 0 ? z : z - 146096) / 146097, of_era = z - era * 146097;
	int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * y + y / 4 - y / 100), shifted = (5 * of_year + 2) / 153;
	*day = (int)(of_year - (153 * shifted + 2) / 5 + 1);
	*month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
	*year = y + era * 400 + (*month <= 2);
}

int days_in_month(int64_t year, int month)
{
	int64_t next = month == 12 ? day_of(year + 1, 1, 1) : day_of(year, month + 1, 1);
	return (int)(next - day_of(year, month, 1));
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

int day_weekday(int64_t number)
{
	return (int)(((number + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
}

int64_t day_containing(int64_t local)
{
	return floor_div(local, DAY_SECONDS);
}

/* --- the rule for the future, as in POSIX TZ ---------------------------------------------------------------------- */

struct change_rule {
	char kind; /* 'M' month, week, weekday; 'J' day 1..365 without 29 February; '0' day 0..365 */
	int month, week, day;
	int32_t time; /* seconds after local midnight, may be negative or beyond a day */
};
struct rule {
	int32_t standard, summer; /* seconds east */
	bool has_summer;
	struct change_rule start, end;
};

static bool skip_name(const char **p)
{
	if (**p == '<') {
		const char *end = strchr(*p, '>');
		*p = end ? end + 1 : *p;
		return end != NULL;
	}
	const char *start = *p;
	while (isalpha((unsigned char)**p))
		(*p)++;
	return *p - start >= 3;
}

static bool read_number(const char **p, int most, int *out)
{
	int n = 0, digits = 0;
	for (; isdigit((unsigned char)**p) && digits < 4; (*p)++, digits++)
		n = n * 10 + (**p - '0');
	*out = n;
	return digits > 0 && n <= most;
}

/* "[+-]hh[:mm[:ss]]" */
static bool read_time(const char **p, int32_t *seconds)
{
	int sign = **p == '-' ? -1 : 1, hours, minutes = 0, rest = 0;
	*p += **p == '-' || **p == '+';
	if (!read_number(p, 167, &hours))
		return false;
	if (**p == ':' && ((*p)++, !read_number(p, 59, &minutes)))
		return false;
	if (**p == ':' && ((*p)++, !read_number(p, 59, &rest)))
		return false;
	*seconds = sign * (hours * 3600 + minutes * 60 + rest);
	return true;
}

static bool read_change(const char **p, struct change_rule *r)
{
	*r = (struct change_rule){ .kind = '0', .time = 2 * 3600 };
	if (*(*p)++ != ',')
		return false;
	bool ok;
	if (**p == 'M') {
		r->kind = *(*p)++;
		ok = read_number(p, 12, &r->month) && r->month >= 1 && *(*p)++ == '.' && read_number(p, WEEK_LAST, &r->week) &&
		    r->week >= 1 && *(*p)++ == '.' && read_number(p, 6, &r->day);
	} else {
		if (**p == 'J')
			r->kind = *(*p)++;
		ok = read_number(p, 365, &r->day);
	}
	if (ok && **p == '/' && ((*p)++, true))
		ok = read_time(p, &r->time);
	return ok;
}

static bool read_rule(const char *p, struct rule *r)
{
	*r = (struct rule){ 0 };
	int32_t west;
	if (!skip_name(&p) || !read_time(&p, &west))
		return false;
	r->standard = -west;
	if (*p == '\0')
		return true;
	if (!skip_name(&p))
		return false;
	r->has_summer = true;
	r->summer = r->standard + 3600;
	if (*p && *p != ',') {
		if (!read_time(&p, &west))
			return false;
		r->summer = -west;
	}
	return read_change(&p, &r->start) && read_change(&p, &r->end) && *p == '\0';
}

/* Local time, in the offset before it, at which a rule changes the clock that year. */
static int64_t change_in(const struct change_rule *r, int64_t year)
{
	int64_t day;
	if (r->kind == 'M') {
		int64_t first = day_of(year, r->month, 1);
		day = first + (r->day - day_weekday(first) + 7) % 7 + (int64_t)7 * (r->week - 1);
		if (day >= first + days_in_month(year, r->month))
			day -= 7;
	} else {
		bool leap = r->kind == 'J' && r->day > 59 && days_in_month(year, 2) == 29;
		day = day_of(year, 1, 1) + r->day - (r->kind == 'J') + leap;
	}
	return day * DAY_SECONDS + r->time;
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

static void add_change(struct zone *z, int64_t at, int32_t offset)
{
	int32_t last = z->count ? z->offset[z->count - 1] : z->first;
	if (offset == last || (z->count && at <= z->at[z->count - 1]))
		return;
	if (z->count % 64 == 0) {
		z->at = must_realloc(z->at, (z->count + 64) * sizeof *z->at);
		z->offset = must_realloc(z->offset, (z->count + 64) * sizeof *z->offset);
	}
	z->at[z->count] = at;
	z->offset[z->count++] = offset;
}

static void unroll(struct zone *z, const struct rule *r)
{
	if (!r->has_summer) {
		add_change(z, z->count ? z->at[z->count - 1] + 1 : INT64_MIN / 2, r->standard);
		return;
	}
	int64_t year = 1970;
	int month, day;
	if (z->count)
		day_split(day_containing(z->at[z->count - 1]), &year, &month, &day);
	for (; year <= ZONE_LAST_YEAR; year++) {
		int64_t start = change_in(&r->start, year) - r->standard, end = change_in(&r->end, year) - r->summer;
		bool north = start < end;
		add_change(z, north ? start : end, north ? r->summer : r->standard);
		add_change(z, north ? end : start, north ? r->standard : r->summer);
	}
}

int zone_read_rule(struct zone *z, const char *text, struct err *e)
{
	struct rule rule;
	if (!read_rule(text, &rule))
		return err_set(e, E_INVALID, "timeZone", "\"%.60s\" is no rule of a time zone.", text);
	z->first = rule.standard;
	unroll(z, &rule);
	return 0;
}

/* --- the file ----------------------------------------------------------------------------------------------------- */

static int64_t big_endian(const unsigned char *p, int size)
{
	uint64_t n = (p[0] & 0x80) ? UINT64_MAX : 0;
	for (int i = 0; i < size; i++)
		n = n << 8 | p[i];
	return (int64_t)n;
}

struct block {
	int64_t isut, isstd, leap, times, types, chars; /* the counts of a header, in its order */
	const unsigned char *data;
	size_t size;
};

/* A header and where its data ends; width: bytes of a time. */
static bool read_block(const unsigned char *p, const unsigned char *end, int width, struct block *b)
{
	if (end - p < 44 || memcmp(p, "TZif", 4) != 0)
		return false;
	int64_t *counts[] = { &b->isut, &b->isstd, &b->leap, &b->times, &b->types, &b->chars };
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		*counts[i] = big_endian(p + 20 + 4 * i, 4);
		if (*counts[i] < 0 || *counts[i] > FILE_MOST)
			return false;
	}
	b->data = p + 44;
	b->size = (size_t)(b->times * (width + 1) + b->types * 6 + b->chars + b->leap * (width + 4) + b->isstd + b->isut);
	return b->types >= 1 && b->types <= 256 && b->times <= CHANGES_MOST && b->size <= (size_t)(end - b->data);
}

static bool read_changes(struct zone *z, const struct block *b, int width)
{
	const unsigned char *index = b->data + b->times * width, *types = index + b->times;
	z->first = (int32_t)big_endian(types, 4);
	for (int64_t i = 0; i < b->times; i++) {
		if (index[i] >= b->types)
			return false;
		int64_t offset = big_endian(types + 6 * index[i], 4);
		if (offset < -26 * 3600 || offset > 26 * 3600)
			return false;
		add_change(z, big_endian(b->data + i * width, width), (int32_t)offset);
	}
	return true;
}

static int refuse(struct zone *z, struct err *e, const char *why)
{
	zone_finish(z);
	return err_set(e, E_INVALID, "timeZone", "The time zone's file cannot be used: %s.", why);
}

int zone_read(struct zone *z, const unsigned char *bytes, size_t length, struct err *e)
{
	const unsigned char *end = bytes + length;
	struct block b;
	int width = 4;
	if (!read_block(bytes, end, width, &b))
		return refuse(z, e, "it is no TZif file");
	if (bytes[4] >= '2') { /* the same again with 64-bit times, and the rule behind it */
		width = 8;
		if (!read_block(b.data + b.size, end, width, &b))
			return refuse(z, e, "its second part is damaged");
	}
	if (b.leap > 0)
		return refuse(z, e, "it counts leap seconds");
	if (!read_changes(z, &b, width))
		return refuse(z, e, "its table is damaged");
	const unsigned char *foot = b.data + b.size, *stop = NULL;
	if (width == 8 && foot < end && *foot == '\n')
		stop = memchr(foot + 1, '\n', (size_t)(end - foot - 1));
	if (stop && stop > foot + 1) {
		char text[128];
		struct rule rule;
		snprintf(text, sizeof text, "%.*s", (int)(stop - foot - 1), (const char *)foot + 1);
		if (!read_rule(text, &rule))
			return refuse(z, e, "its rule for the future is damaged");
		unroll(z, &rule);
	}
	return 0;
}

void zone_finish(struct zone *z)
{
	free(z->at);
	free(z->offset);
	z->at = NULL;
	z->offset = NULL;
	z->count = 0;
}

/* --- finding ------------------------------------------------------------------------------------------------------ */

/* Part of a path: what could lead out of the database is refused. */
static bool name_is_legal(const char *name)
{
	size_t n = strlen(name);
	if (n == 0 || n >= ZONE_NAME_MAX || *name == '/' || strstr(name, ".."))
		return false;
	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("/_+-", *p))
			return false;
	return true;
}

static int read_file(struct zone *z, const char *path, struct err *e)
{
	size_t length;
	char *bytes = file_read(path, FILE_MOST, &length, e);
	if (!bytes)
		return E_NOT_FOUND;
	int rc = zone_read(z, (const unsigned char *)bytes, length, e);
	free(bytes);
	return rc;
}

static int read_named(struct zone *z, const char *name, struct err *e)
{
	char path[sizeof DATABASE + ZONE_NAME_MAX];
	if (strcmp(name, "UTC") == 0)
		return 0; /* no table: always 0 */
	snprintf(path, sizeof path, DATABASE "%s", name);
	if (name_is_legal(name) && read_file(z, path, NULL) == 0)
		return 0;
	return err_set(
	    e, E_INVALID, "timeZone",
	    "This system knows no time zone \"%.60s\"; write a name such as Europe/Berlin, or leave it empty for "
	    "the station's own.",
	    name);
}

/* As the C library does it: TZ when it is set (a name, a path or a rule), else /etc/localtime, else UTC. */
static int read_own(struct zone *z)
{
	const char *tz = getenv("TZ");
	if (!tz || !*tz)
		return access("/etc/localtime", R_OK) == 0 ? read_file(z, "/etc/localtime", NULL) : 0;
	tz += *tz == ':';
	if (*tz == '/')
		return read_file(z, tz, NULL);
	if (read_named(z, tz, NULL) == 0)
		return 0;
	return zone_read_rule(z, tz, NULL);
}

const struct zone *zone_find(struct station *s, const char *name, struct err *e)
{
	station_assert_engine(s);
	for (struct zone *z = s->zones; z; z = z->next)
		if (strcmp(z->name, name) == 0)
			return z;
	struct zone *z = must_alloc(sizeof *z);
	int rc = *name ? read_named(z, name, e) : read_own(z);
	if (rc != 0 && *name) {
		zone_finish(z);
		free(z);
		return NULL;
	}
	snprintf(z->name, sizeof z->name, "%s", name);
	z->next = s->zones;
	s->zones = z;
	return z;
}

int zone_check(struct station *s, const char *name, struct err *e)
{
	return zone_find(s, name, e) ? 0 : E_INVALID;
}

void zones_free(struct zone **zones)
{
	for (struct zone *z; (z = *zones);) {
		*zones = z->next;
		zone_finish(z);
		free(z);
	}
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

/* How many changes lie at or before an instant. */
static size_t changes_until(const struct zone *z, int64_t instant)
{
	size_t low = 0, high = z->count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (z->at[middle] <= instant)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int32_t zone_offset(const struct zone *z, int64_t instant)
{
	size_t n = changes_until(z, instant);
	return n ? z->offset[n - 1] : z->first;
}

int64_t zone_local(const struct zone *z, int64_t instant)
{
	return instant + zone_offset(z, instant);
}

int64_t zone_instant(const struct zone *z, int64_t local)
{
	/* Nowhere is the clock more than 26 hours off: before this, every local time is earlier than the one asked for. */
	int64_t from = local - 26 * 3600;
	for (size_t n = changes_until(z, from);; n++) {
		int32_t offset = n ? z->offset[n - 1] : z->first;
		int64_t instant = local - offset;
		if (n > 0 && instant < z->at[n - 1])
			instant = z->at[n - 1]; /* the clock jumped over it */
		if (n == z->count || instant < z->at[n])
			return instant;
	}
}
