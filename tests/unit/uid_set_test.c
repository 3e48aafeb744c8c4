/* SPDX-License-Identifier: Apache-2.0
 * Sets of UIDs: ranges that grow together, their text, and what is forgotten when there are too many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "services/email/wire/uid_set.h"
#include "station/base/must.h"

static void assert_text(const struct uid_set *s, const char *text)
{
	char *printed = uid_set_print(s);
	assert_string_equal(printed, text);
	free(printed);
}

static void test_ranges_grow_together(void **state)
{
	static const struct {
		uint32_t low, high;
		const char *after;
	} steps[] = {
		{ 5, 5, "5" },
		{ 7, 9, "5,7:9" },
		{ 6, 6, "5:9" },
		{ 1, 2, "1:2,5:9" },
		{ 20, 30, "1:2,5:9,20:30" },
		{ 4, 25, "1:2,4:30" },
		{ 0, 3, "1:2,4:30" }, /* 0 is no UID */
		{ 9, 8, "1:2,4:30" },
		{ UINT32_MAX, UINT32_MAX, "1:2,4:30,4294967295" },
		{ 3, UINT32_MAX - 1, "1:4294967295" },
		{ 100, 200, "1:4294967295" },
	};
	struct uid_set s = { .count = 0 };
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		uid_set_add(&s, steps[i].low, steps[i].high);
		assert_text(&s, steps[i].after);
	}
}

static void test_questions(void **state)
{
	struct uid_set s;
	(void)state;
	assert_true(uid_set_parse(&s, "1:500,703"));
	assert_true(uid_set_has(&s, 1) && uid_set_has(&s, 500) && uid_set_has(&s, 703));
	assert_false(uid_set_has(&s, 501) || uid_set_has(&s, 0) || uid_set_has(&s, 704));
	assert_true(uid_set_covers(&s, 500) && uid_set_covers(&s, 0));
	assert_false(uid_set_covers(&s, 501));
	assert_int_equal(uid_set_highest(&s), 703);
	assert_true(uid_set_parse(&s, ""));
	assert_int_equal(uid_set_highest(&s), 0);
	assert_false(uid_set_covers(&s, 1));
}

static void test_what_is_no_set(void **state)
{
	static const char *const wrong[] = { "0", "x", "1,x", "5:3", "1:", ":5", "4294967296", "1;2", "1 2", "-1", "1:*" };
	struct uid_set s;
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		if (uid_set_parse(&s, wrong[i]))
			fail_msg("\"%s\" was taken", wrong[i]);
		assert_int_equal(s.count, 0);
	}
}

/* A ragged set forgets its oldest UIDs: they are looked at again. It never claims what was not looked at. */
static void test_a_ragged_set_forgets_the_oldest(void **state)
{
	struct uid_set s = { .count = 0 };
	(void)state;
	for (uint32_t uid = 2; uid <= 2000; uid += 2)
		uid_set_add(&s, uid, uid);
	assert_int_equal(s.count, UID_RANGES_MAX);
	assert_true(uid_set_has(&s, 2000) && uid_set_has(&s, 2000 - 2 * (UID_RANGES_MAX - 1)));
	assert_false(uid_set_has(&s, 2) || uid_set_has(&s, 1999));
	uid_set_add(&s, 1, 1); /* older than all: no room */
	assert_false(uid_set_has(&s, 1));
	uid_set_add(&s, 1999, 1999);
	assert_true(uid_set_has(&s, 1999));
	for (uint32_t uid = 1; uid < 2000; uid += 2)
		assert_true(uid == 1999 || !uid_set_has(&s, uid));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges_grow_together),
		cmocka_unit_test(test_questions),
		cmocka_unit_test(test_what_is_no_set),
		cmocka_unit_test(test_a_ragged_set_forgets_the_oldest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
