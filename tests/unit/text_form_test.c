/* SPDX-License-Identifier: Apache-2.0
 * Forms of text: what each takes, what it refuses, and that a refusal says what is expected. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "station/value/text_form.h"

static const struct {
	enum text_form form;
	const char *good[8], *bad[16];
} forms[] = {
	{ FORM_TIME_OF_DAY, { "08:30", "24:00", "23:59:30" }, { "", "8:30", "24:01", "08:60", "noon" } },
	{ FORM_DATE_PATTERN, { "", "2026-12-24", "*-12-24", "*-*-last" }, { "2026-02-30", "24.12.", "*-13-*" } },
	{ FORM_HOST_NAME,
	  { "", "smtp.example.com", "127.0.0.1", "::1", "m\xc3\xbcnchen.example" },
	  { "https://mail.example", "two words", "a@b", "mail\r\nQUIT", "mail\xc2\x85", "<mail>" } },
	{ FORM_MAIL_ADDRESS,
	  { "", "a@b", "anna.berg+x@mail.example", "j\xc3\xb6rg@example.org" },
	  { "a", "@b", "a@", "a@b@c", "a b@c", "a@b\r\nRCPT TO:<x@y>", "<a@b>", "a@b>", "\"a\"@b", "a@b,c@d", "a@\xff",
	    "a\x7f@b", "a\xc2\x80@b", "a@[127.0.0.1]" } },
};

static void each_form_knows_its_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		struct err e = { 0 };
		for (size_t k = 0; forms[i].good[k]; k++)
			assert_int_equal(text_form_check(forms[i].form, forms[i].good[k], &e), 0);
		for (size_t k = 0; forms[i].bad[k]; k++) {
			assert_int_equal(text_form_check(forms[i].form, forms[i].bad[k], &e), E_INVALID);
			assert_non_null(strstr(e.text, "\" is n"));
		}
	}
}

static void any_text_will_do_without_a_form(void **state)
{
	(void)state;
	struct err e = { 0 };
	assert_int_equal(text_form_check(FORM_ANY, "whatever \r\n", &e), 0);
	assert_null(text_form_name(FORM_ANY));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_form_knows_its_texts),
		cmocka_unit_test(any_text_will_do_without_a_form),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
