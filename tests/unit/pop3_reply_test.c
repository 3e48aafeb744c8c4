/* SPDX-License-Identifier: Apache-2.0
 * What POP3 servers say, and what a hostile one may say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "services/email/wire/pop3_reply.h"
#include "station/base/must.h"

static void test_statuses(void **state)
{
	static const struct {
		const char *line;
		enum pop3_status status;
		const char *text;
	} rows[] = {
		{ "+OK", POP3_OK, "" },
		{ "+OK ready", POP3_OK, "ready" },
		{ "+ok ready", POP3_OK, "ready" },
		{ "-ERR [AUTH] no", POP3_ERR, "[AUTH] no" },
		{ "-err", POP3_ERR, "" },
		{ "+ ", POP3_CONTINUE, "" },
		{ "+ PDE4", POP3_CONTINUE, "PDE4" },
		{ "+OKAY", POP3_WRONG, NULL },
		{ "-ERROR", POP3_WRONG, NULL },
		{ "", POP3_WRONG, NULL },
		{ "* OK imap", POP3_WRONG, NULL },
		{ "220 smtp", POP3_WRONG, NULL },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *text;
		enum pop3_status status = pop3_status(rows[i].line, strlen(rows[i].line), &text);
		if (status != rows[i].status || (rows[i].text && strcmp(text, rows[i].text) != 0))
			fail_msg("%s: %d \"%s\"", rows[i].line, (int)status, text);
	}
	const char *text;
	assert_int_equal(pop3_status("+OK a\0b", 7, &text), POP3_WRONG);
}

static void test_pairs(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		uint32_t number;
		uint64_t octets;
	} rows[] = {
		{ "2 320", true, 2, 320 },
		{ "0 0", true, 0, 0 },
		{ "2 320 more", true, 2, 320 },
		{ "2", false, 0, 0 },
		{ "", false, 0, 0 },
		{ "-1 320", false, 0, 0 },
		{ "2 -320", false, 0, 0 },
		{ "18446744073709551616 1", false, 0, 0 },
		{ "1 18446744073709551616", false, 0, 0 },
		{ "1000001 1", false, 0, 0 },
		{ "2x 320", false, 0, 0 },
		{ "x", false, 0, 0 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t number = 0;
		uint64_t octets = 0;
		bool ok = pop3_pair(rows[i].text, strlen(rows[i].text), &number, &octets);
		if (ok != rows[i].ok || (ok && (number != rows[i].number || octets != rows[i].octets)))
			fail_msg("\"%s\": %d %u %llu", rows[i].text, ok, number, (unsigned long long)octets);
	}
}

static void test_uidls(void **state)
{
	char uidl[POP3_UIDL_SIZE], row[300];
	uint32_t n;
	(void)state;
	assert_true(pop3_uidl("3 whqtswO00WBw418f9t5JxYwZ", 26, &n, uidl));
	assert_int_equal(n, 3);
	assert_string_equal(uidl, "whqtswO00WBw418f9t5JxYwZ");
	static const char *const wrong[] = { "3", "3 ", "x y", "0 a", "3 a b", "3 a\tb", "3 \x7f", "3 \xc3\xa4", "-3 a" };
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		if (pop3_uidl(wrong[i], strlen(wrong[i]), &n, uidl))
			fail_msg("\"%s\" was taken", wrong[i]);
	snprintf(row, sizeof row, "3 %0*d", 70, 7);
	assert_true(pop3_uidl(row, strlen(row), &n, uidl));
	snprintf(row, sizeof row, "3 %0*d", 71, 7);
	assert_false(pop3_uidl(row, strlen(row), &n, uidl));
}

static void test_stamps(void **state)
{
	static const struct {
		const char *greeting, *stamp;
	} rows[] = {
		{ "POP3 ready <1896.697170952@dbc.mtview.ca.us>", "<1896.697170952@dbc.mtview.ca.us>" },
		{ "<a@b> and <c@d>", "<a@b>" },
		{ "no stamp", NULL },
		{ "<no at>", NULL },
		{ "<a b@c>", NULL },
		{ "<@>", NULL },
		{ "<a@b", NULL },
		{ "> <", NULL },
	};
	char stamp[64];
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool found = pop3_stamp(rows[i].greeting, strlen(rows[i].greeting), stamp, sizeof stamp);
		if (found != (rows[i].stamp != NULL) || (found && strcmp(stamp, rows[i].stamp) != 0))
			fail_msg("\"%s\": %d", rows[i].greeting, found);
	}
	char tiny[5];
	assert_false(pop3_stamp("<a@b>", 5, tiny, sizeof tiny));
}

static void test_capabilities_and_codes(void **state)
{
	static const char *const lines[] = { "TOP", "uidl", "SASL PLAIN XOAUTH2", "STLSX", "IMPLEMENTATION x" };
	struct pop3_capabilities c = { .stls = false };
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		pop3_capability(&c, lines[i], strlen(lines[i]));
	assert_true(c.top && c.uidl && c.sasl && !c.stls && !c.user);
	assert_string_equal(c.mechanisms.names, "PLAIN XOAUTH2");
	assert_true(pop3_code_is("[IN-USE] locked", 15, "IN-USE"));
	assert_true(pop3_code_is("[SYS/TEMP] later", 16, "SYS"));
	assert_false(pop3_code_is("[AUTHX] no", 10, "AUTH"));
	assert_false(pop3_code_is("[AUTH", 5, "AUTH"));
	assert_true(pop3_is_end(".", 1));
	assert_false(pop3_is_end("..", 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_statuses),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_uidls),
		cmocka_unit_test(test_stamps),
		cmocka_unit_test(test_capabilities_and_codes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
