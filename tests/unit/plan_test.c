/* SPDX-License-Identifier: Apache-2.0
 * Schedules through the year, in zones with all kinds of summer time, against an independent reference: a walk minute
 * by minute with the C library's localtime_r, which knows nothing of instants, stretches or TZif files. */
#include "tests/unit/zone_file.h"

#include "services/schedule/plan.h"

static struct value number(int n)
{
	return (struct value){ .kind = V_STATUS_NUMERIC, .real = n };
}

static struct plan *empty_plan(const struct zone *z)
{
	struct plan *p = must_alloc(sizeof *p);
	p->zone = z;
	p->specials = must_alloc(SPECIALS_MOST * sizeof *p->specials);
	p->dflt = number(-1);
	return p;
}

static void add(struct entries *list, int start_minute, int finish_minute, int value)
{
	list->items = must_realloc(list->items, (list->count + 1) * sizeof *list->items);
	list->items[list->count++] = (struct entry){ start_minute * 60, finish_minute * 60, number(value) };
}

/* Small numbers that look random, the same in every run. */
static unsigned roll(unsigned *seed, unsigned most)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 16) % most;
}

static void random_entries(struct entries *list, unsigned *seed)
{
	int minute = 0;
	while (list->count < 6) {
		int start = minute + (int)roll(seed, 200), finish = start + 1 + (int)roll(seed, 300);
		if (start >= 1440)
			break;
		if (finish > 1440 || roll(seed, 4) == 0)
			finish = finish > 1440 ? 1440 : finish;
		add(list, start, finish, (int)roll(seed, 5));
		minute = finish;
	}
}

static struct plan *random_plan(const struct zone *z, unsigned seed)
{
	struct plan *p = empty_plan(z);
	for (int i = 0; i < 7; i++)
		random_entries(&p->week[i], &seed);
	for (int i = 0; i < 12; i++) {
		struct special s = { .name = must_format("special %d", i) };
		s.days.when = (enum when)roll(&seed, 3);
		int16_t year = roll(&seed, 2) ? DATE_ANY : 2026;
		s.days.start = (struct date_pattern){ year, (int8_t)(1 + roll(&seed, 12)), (int8_t)(1 + roll(&seed, 28)) };
		s.days.end = (struct date_pattern){ year, (int8_t)(1 + roll(&seed, 12)), (int8_t)(1 + roll(&seed, 28)) };
		s.days.month = (int8_t)roll(&seed, 15);
		s.days.week = (int8_t)roll(&seed, 7);
		s.days.weekday = (int8_t)roll(&seed, 8);
		random_entries(&s.entries, &seed);
		p->specials[p->special_count++] = s;
	}
	return p;
}

/* --- the reference -------------------------------------------------------------------------------------------------- */

/* The rules in the words of the guide, on a struct tm. */
static bool applies(const struct day_rule *r, const struct tm *day)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int year = day->tm_year + 1900, month = day->tm_mon + 1, d = day->tm_mday;
	int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	int length = lengths[month - 1] + (month == 2 && leap);
	if (r->when == WHEN_DATE)
		return (r->start.year == DATE_ANY || r->start.year == year) && r->start.month == month && r->start.day == d;
	if (r->when == WHEN_DATE_RANGE) {
		int here = month * 100 + d, low = r->start.month * 100 + r->start.day, high = r->end.month * 100 + r->end.day;
		if (r->start.year != DATE_ANY)
			return year == r->start.year && here >= low && here <= high;
		return low <= high ? here >= low && here <= high : here >= low || here <= high;
	}
	bool month_fits =
	    r->month == 0 || r->month == month || (r->month == 13 && month % 2) || (r->month == 14 && !(month % 2));
	bool week_fits = r->week == 0 || (r->week == 6 ? d + 7 > length : (d + 6) / 7 == r->week);
	return month_fits && week_fits && (r->weekday == 7 || r->weekday == day->tm_wday);
}

static double entry_value(const struct entries *list, int seconds, bool *found)
{
	for (size_t i = 0; i < list->count; i++)
		if (seconds >= list->items[i].start && seconds < list->items[i].finish) {
			*found = true;
			return list->items[i].value.real;
		}
	*found = false;
	return 0;
}

static double reference(const struct plan *p, const struct tm *latest)
{
	int seconds = latest->tm_hour * 3600 + latest->tm_min * 60 + latest->tm_sec;
	bool found = false;
	double v = 0;
	for (size_t i = 0; i < p->special_count && !found; i++)
		if (applies(&p->specials[i].days, latest))
			v = entry_value(&p->specials[i].entries, seconds, &found);
	if (!found)
		v = entry_value(&p->week[latest->tm_wday], seconds, &found);
	return found ? v : p->dflt.real;
}

static long long key(const struct tm *t)
{
	return ((((t->tm_year * 12LL + t->tm_mon) * 31 + t->tm_mday) * 24 + t->tm_hour) * 60 + t->tm_min) * 60 + t->tm_sec;
}

/* A year, minute by minute. What is repeated in autumn has happened: the latest local time so far counts. */
static void compare_year(const struct plan *p, const char *name)
{
	const int64_t begin = INT64_C(1767139200), end = begin + 367 * DAY_SECONDS; /* 2025-12-31 on */
	struct tm latest = { 0 };
	struct plan_walk w;
	for (int64_t t = begin - 2 * DAY_SECONDS; t < end; t += 60) {
		struct tm tm;
		time_t when = (time_t)t;
		must(localtime_r(&when, &tm) != NULL);
		if (key(&tm) > key(&latest))
			latest = tm;
		if (t < begin)
			continue;
		if (t == begin)
			plan_walk(&w, p, t);
		while (w.now.until <= t)
			plan_step(&w);
		if (w.now.value->real != reference(p, &latest))
			fail_msg("%s at %lld (%02d:%02d local): %g, the reference says %g", name, (long long)t, tm.tm_hour,
			         tm.tm_min, w.now.value->real, reference(p, &latest));
		if (t % 7 == 0) { /* from the middle it is the same as from the beginning */
			struct plan_walk fresh;
			plan_walk(&fresh, p, t);
			assert_true(fresh.now.from <= t && t < fresh.now.until);
			assert_true(value_equal(fresh.now.value, w.now.value));
		}
	}
}

/* There is no thread here for ThreadSanitizer to watch. */
#ifdef __SANITIZE_THREAD__
enum { YEARS_OF_ZONES = 1 };
#else
enum { YEARS_OF_ZONES = 8 };
#endif

static void a_year_minute_by_minute(void **state)
{
	(void)state;
	static const char *const names[] = {
		"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC",
		"Africa/Cairo",  "America/Havana",   "America/Nuuk",        "Pacific/Chatham"
	};
	for (size_t i = 0; i < YEARS_OF_ZONES; i++) {
		struct zone z;
		read_zone(&z, names[i]);
		must(setenv("TZ", names[i], 1) == 0);
		tzset();
		for (unsigned seed = 1; seed <= 2; seed++) {
			struct plan *p = random_plan(&z, seed + 10 * (unsigned)i);
			compare_year(p, names[i]);
			plan_free(&p);
		}
		zone_finish(&z);
	}
	unsetenv("TZ");
	tzset();
}

/* --- the two days of the year ----------------------------------------------------------------------------------------- */

/* The instants at which value 1 begins and ends on that day; 0, 0: never. */
static void times_on(const char *zone, int month, int day, int start, int finish, int64_t *from, int64_t *until)
{
	struct zone z;
	read_zone(&z, zone);
	struct plan *p = empty_plan(&z);
	for (int i = 0; i < 7; i++)
		add(&p->week[i], start, finish, 1);
	int64_t number = day_of(2026, month, day);
	struct plan_walk w;
	*from = *until = 0;
	for (plan_walk(&w, p, zone_instant(&z, number * DAY_SECONDS)); w.now.day == number; plan_step(&w))
		if (w.now.value->real == 1) {
			*from = w.now.from;
			*until = w.now.until;
		}
	plan_free(&p);
	zone_finish(&z);
}

static int64_t utc(int month, int day, int hour, int minute)
{
	return day_of(2026, month, day) * DAY_SECONDS + hour * 3600 + minute * 60;
}

static void spring_and_autumn(void **state)
{
	(void)state;
	static const struct {
		const char *zone;
		int month, day, start, finish;
		int64_t from[3], length; /* UTC day, hour, minute; seconds */
	} cases[] = {
		/* 02:00 becomes 03:00: 02:30 is the jump, 01:00 UTC. */
		{ "Europe/Berlin", 3, 29, 150, 300, { 29, 1, 0 }, 2 * 3600 },
		{ "Europe/Berlin", 3, 29, 60, 240, { 29, 0, 0 }, 2 * 3600 },
		{ "Europe/Berlin", 3, 29, 130, 170, { 0 }, 0 },
		/* 03:00 becomes 02:00: 02:30 is the first one, in summer time, 00:30 UTC. */
		{ "Europe/Berlin", 10, 25, 150, 300, { 25, 0, 30 }, 3 * 3600 + 1800 },
		{ "Europe/Berlin", 10, 25, 135, 165, { 25, 0, 15 }, 1800 },
		{ "Europe/Berlin", 10, 25, 60, 240, { 24, 23, 0 }, 4 * 3600 },
		{ "America/New_York", 3, 8, 150, 300, { 8, 7, 0 }, 2 * 3600 },
		{ "America/New_York", 11, 1, 90, 180, { 1, 5, 30 }, 2 * 3600 + 1800 },
		/* Half an hour: 02:00 becomes 02:30 in October and 01:30 in April. */
		{ "Australia/Lord_Howe", 10, 4, 135, 240, { 3, 15, 30 }, 90 * 60 },
		{ "Australia/Lord_Howe", 4, 5, 105, 240, { 4, 14, 45 }, 135 * 60 + 1800 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t from, until;
		times_on(cases[i].zone, cases[i].month, cases[i].day, cases[i].start, cases[i].finish, &from, &until);
		assert_int_equal(until - from, cases[i].length);
		if (cases[i].length)
			assert_int_equal(from,
			                 utc(cases[i].month, (int)cases[i].from[0], (int)cases[i].from[1], (int)cases[i].from[2]));
	}
}

static void effective_days(void **state)
{
	(void)state;
	struct zone z = { 0 };
	struct plan *p = empty_plan(&z);
	for (int i = 0; i < 7; i++)
		add(&p->week[i], 0, 1440, 1);
	assert_int_equal(date_pattern_parse("2026-05-01", &p->from), 0);
	assert_int_equal(date_pattern_parse("2026-09-30", &p->until), 0);
	struct plan_walk w;
	plan_walk(&w, p, utc(4, 30, 12, 0));
	assert_int_equal(w.now.source, SOURCE_NOT_EFFECTIVE);
	plan_step(&w);
	assert_int_equal(w.now.from, utc(5, 1, 0, 0));
	assert_int_equal(w.now.source, SOURCE_WEEK);
	plan_walk(&w, p, utc(9, 30, 23, 59));
	assert_int_equal(w.now.source, SOURCE_WEEK);
	plan_step(&w);
	assert_int_equal(w.now.source, SOURCE_NOT_EFFECTIVE);
	plan_free(&p);
}

static void texts(void **state)
{
	(void)state;
	static const char *const good_times[] = { "00:00", "08:30", "23:59:59", "24:00" };
	static const char *const bad_times[] = { "",      "8:30",   "24:01", "12:60",   "12:00:60",
		                                     "12-00", "12:00 ", "aa:bb", "24:00:01" };
	static const char *const good_dates[] = { "",         "2026-12-24", "*-12-24",   "*-*-last",
		                                      "2026-*-*", "*-02-29",    "2028-02-29" };
	static const char *const bad_dates[] = { "2026",        "2026-13-01", "2026-02-29", "*-02-30",    "2026-1-1",
		                                     "-",           "*",          "*-*",        "1969-01-01", "2200-01-01",
		                                     "2026-12-24x", "*-*-00",     "last-01-01" };
	int32_t seconds;
	struct date_pattern date;
	char buf[DAYTIME_TEXT_MAX];
	for (size_t i = 0; i < ARRAY_SIZE(good_times); i++) {
		assert_int_equal(daytime_parse(good_times[i], &seconds), 0);
		assert_string_equal(daytime_print(seconds, buf), good_times[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad_times); i++)
		assert_int_equal(daytime_parse(bad_times[i], &seconds), E_INVALID);
	for (size_t i = 0; i < ARRAY_SIZE(good_dates); i++)
		assert_int_equal(date_pattern_parse(good_dates[i], &date), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad_dates); i++)
		assert_int_equal(date_pattern_parse(bad_dates[i], &date), E_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_year_minute_by_minute),
		cmocka_unit_test(spring_and_autumn),
		cmocka_unit_test(effective_days),
		cmocka_unit_test(texts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
