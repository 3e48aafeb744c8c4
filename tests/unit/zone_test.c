/* SPDX-License-Identifier: Apache-2.0
 * Time zones: our reader against the C library's own localtime_r, hour by hour; local times that a day leaves out or
 * repeats; broken files. */
#include "tests/unit/zone_file.h"

static const char *const names[] = {
	"Europe/Berlin", "America/New_York",  "Australia/Lord_Howe", "Europe/Dublin",    "Africa/Casablanca",
	"Pacific/Apia",  "America/Sao_Paulo", "Asia/Kathmandu",      "America/Nuuk",     "Asia/Gaza",
	"Africa/Cairo",  "Etc/GMT+5",         "Pacific/Chatham",     "America/St_Johns",
};

static void compare(const struct zone *z, const char *name, int64_t t)
{
	struct tm tm;
	time_t when = (time_t)t;
	must(localtime_r(&when, &tm) != NULL);
	if (zone_offset(z, t) != (int32_t)tm.tm_gmtoff)
		fail_msg("%s at %lld: %d, the C library has %ld", name, (long long)t, zone_offset(z, t), tm.tm_gmtoff);
}

static void agrees_with_the_c_library(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct zone z;
		read_zone(&z, names[i]);
		must(setenv("TZ", names[i], 1) == 0);
		tzset();
		for (int64_t t = 0; t < INT64_C(4102444800); t += 6 * 3600 + 1801) /* 1970 to 2100 */
			compare(&z, names[i], t);
		for (size_t k = 0; k < z.count; k++) /* and to the second */
			if (z.at[k] > 0 && z.at[k] < INT64_C(4102444800)) {
				compare(&z, names[i], z.at[k] - 1);
				compare(&z, names[i], z.at[k]);
			}
		zone_finish(&z);
	}
	unsetenv("TZ");
	tzset();
}

/* The definition itself: the first second at which the clock shows that time or later. */
static void first_instant_of_a_local_time(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct zone z;
		read_zone(&z, names[i]);
		for (size_t k = 0; k < z.count; k++) {
			if (z.at[k] < 0 || z.at[k] > INT64_C(4102444800))
				continue;
			for (int64_t d = -4 * 3600; d < 4 * 3600; d += 907) {
				int64_t local = z.at[k] + z.first + d, t = zone_instant(&z, local);
				assert_true(zone_local(&z, t) >= local);
				assert_true(zone_local(&z, t - 1) < local);
				for (int64_t before = t - 3 * 3600; before < t; before += 61)
					assert_true(zone_local(&z, before) < local);
			}
		}
		zone_finish(&z);
	}
}

static void days(void **state)
{
	(void)state;
	int64_t year;
	int month, day;
	for (int64_t n = -200000; n < 200000; n += 13) {
		day_split(n, &year, &month, &day);
		assert_int_equal(day_of(year, month, day), n);
	}
	assert_int_equal(day_of(2026, 11, 21), 20778);
	assert_int_equal(day_weekday(day_of(2026, 11, 21)), 6);
	assert_int_equal(days_in_month(2028, 2), 29);
	assert_int_equal(day_containing(-1), -1);
}

static void rules(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct zone z = { 0 };
	assert_int_equal(zone_read_rule(&z, "CET-1CEST,M3.5.0,M10.5.0/3", &e), 0);
	assert_int_equal(zone_offset(&z, INT64_C(1782000000)), 7200); /* June 2026 */
	zone_finish(&z);
	const char *const broken[] = { "",
		                           "X",
		                           "CET",
		                           "CET-1CEST",
		                           "CET-1CEST,M13.5.0,M10.5.0",
		                           "CET-1CEST,M3.5.0,",
		                           "CET-1CEST,M3.5.0,M10.5.0/3junk",
		                           "<CET-1" };
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		z = (struct zone){ 0 };
		assert_int_equal(zone_read_rule(&z, broken[i], &e), E_INVALID);
	}
}

/* Every byte changed, every length: an error or a zone, never a crash (run with the sanitizers). */
static void broken_files(void **state)
{
	(void)state;
	size_t length;
	struct err e = { 0 };
	unsigned char *bytes = (unsigned char *)file_read("/usr/share/zoneinfo/Australia/Lord_Howe", 1 << 20, &length, &e);
	assert_non_null(bytes);
	for (size_t i = 0; i < length; i++) {
		unsigned char *part = must_alloc(i + 1);
		memcpy(part, bytes, i);
		struct zone z = { 0 };
		zone_read(&z, part, i, &e);
		zone_finish(&z);
		free(part);
		for (unsigned flip = 1; flip < 256; flip *= 4) {
			bytes[i] ^= (unsigned char)flip;
			struct zone w = { 0 };
			if (zone_read(&w, bytes, length, &e) == 0)
				zone_instant(&w, INT64_C(1790000000));
			zone_finish(&w);
			bytes[i] ^= (unsigned char)flip;
		}
	}
	free(bytes);
}

static void names_are_checked(void **state)
{
	(void)state;
	struct world w;
	struct err e = { 0 };
	world_make(&w, (const struct type *const[]){ &baja_component, &baja_folder, NULL });
	assert_non_null(zone_find(&w.station, "Europe/Berlin", &e));
	assert_ptr_equal(zone_find(&w.station, "Europe/Berlin", &e), zone_find(&w.station, "Europe/Berlin", &e));
	assert_non_null(zone_find(&w.station, "", &e));
	assert_int_equal(zone_offset(zone_find(&w.station, "UTC", &e), 0), 0);
	const char *const wrong[] = {
		"Europe/Nowhere", "../../../etc/passwd", "/etc/localtime", "Europe", "Eur ope", "%s"
	};
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(zone_check(&w.station, wrong[i], &e), E_INVALID);
		assert_non_null(strstr(e.text, wrong[i]));
	}
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_c_library),
		cmocka_unit_test(first_instant_of_a_local_time),
		cmocka_unit_test(days),
		cmocka_unit_test(rules),
		cmocka_unit_test(broken_files),
		cmocka_unit_test(names_are_checked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
