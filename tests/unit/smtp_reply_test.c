/* SPDX-License-Identifier: Apache-2.0
 * Replies and capabilities of mail servers, as they should be and as they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "services/email/wire/smtp.h"
#include "station/base/must.h"

static int take(struct smtp_reply *r, const char *line)
{
	struct err e = { 0 };
	return smtp_reply_take(r, line, strlen(line), &e);
}

static void test_single_and_multi_line(void **state)
{
	(void)state;
	struct smtp_reply r = { 0 };
	assert_int_equal(take(&r, "220 mail.test ESMTP"), 0);
	assert_true(r.whole);
	assert_int_equal(r.code, 220);
	assert_string_equal(r.text, "mail.test ESMTP");
	assert_int_equal(take(&r, "550-5.1.1 no such"), 0);
	assert_false(r.whole);
	assert_int_equal(take(&r, "550 5.1.1 user here"), 0);
	assert_true(r.whole);
	assert_string_equal(r.enhanced, "5.1.1");
	assert_string_equal(r.text, "no such user here");
	assert_int_equal(take(&r, "250"), 0);
	assert_true(r.whole);
	assert_string_equal(r.text, "");
	assert_string_equal(r.enhanced, "");
}

static void test_what_is_no_reply(void **state)
{
	(void)state;
	static const char *const lines[] = { "",      "25",    "2500 ok", "abc",   "HTTP/1.1 400 Bad Request",
		                                 "199 x", "650 x", "260 x",   "25 ok", "\x16\x03\x01" };
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct smtp_reply r = { 0 };
		assert_int_equal(take(&r, lines[i]), E_PROTOCOL);
	}
	struct smtp_reply r = { 0 };
	struct err e = { 0 };
	assert_int_equal(smtp_reply_take(&r, "250 a\0b", 7, &e), E_PROTOCOL);
}

static void test_code_changes_and_endless_replies(void **state)
{
	(void)state;
	struct smtp_reply r = { 0 };
	assert_int_equal(take(&r, "250-one"), 0);
	assert_int_equal(take(&r, "550 two"), E_PROTOCOL);
	r = (struct smtp_reply){ 0 };
	int rc = 0, lines = 0;
	while (rc == 0 && lines < 100000) {
		rc = take(&r, "250-again and again");
		lines++;
	}
	assert_int_equal(rc, E_PROTOCOL);
	assert_int_equal(lines, SMTP_REPLY_LINES_MAX + 1);
	assert_true(strlen(r.text) < SMTP_TEXT_MAX);
}

static void test_text_can_be_shown(void **state)
{
	(void)state;
	struct smtp_reply r = { 0 };
	assert_int_equal(take(&r, "550 a\x1b[31mred\x07 \xff\xc3\xa4 \xc2\x85 \xed\xa0\x80"), 0);
	assert_string_equal(r.text, "a [31mred  ?\xc3\xa4   ???");
	char line[3000] = "550 ";
	memset(line + 4, 'x', sizeof line - 5);
	line[sizeof line - 1] = '\0';
	assert_int_equal(take(&r, line), 0);
	assert_int_equal(strlen(r.text), SMTP_TEXT_MAX - 1);
}

static void test_enhanced_codes(void **state)
{
	(void)state;
	static const struct {
		const char *line, *enhanced, *text;
	} rows[] = {
		{ "250 2.0.0 Ok", "2.0.0", "Ok" },      { "550 5.7.100 x", "5.7.100", "x" },
		{ "550 4.1.1 x", "", "4.1.1 x" },       { "550 5.1 x", "", "5.1 x" },
		{ "550 5.1.1", "5.1.1", "" },           { "550 5.1.1.1 x", "", "5.1.1.1 x" },
		{ "550 5.1234.1 x", "", "5.1234.1 x" }, { "550 5..1 x", "", "5..1 x" },
		{ "550 5.1.1x", "", "5.1.1x" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct smtp_reply r = { 0 };
		assert_int_equal(take(&r, rows[i].line), 0);
		assert_string_equal(r.enhanced, rows[i].enhanced);
		assert_string_equal(r.text, rows[i].text);
	}
}

static void test_queue_ids(void **state)
{
	(void)state;
	static const struct {
		const char *text, *id;
	} rows[] = {
		{ "Ok: queued as 4F2A31C0", "4F2A31C0" },
		{ "OK id=1sXyZ-0001Ab-2C", "1sXyZ-0001Ab-2C" },
		{ "<x@y> [InternalId=1234, Hostname=h] Queued mail for delivery", "1234" },
		{ "48bKxy001 Message accepted for delivery", "48bKxy001" },
		{ "Ok", "" },
		{ "Thank you.", "" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char id[64];
		smtp_queue_id(rows[i].text, id, sizeof id);
		assert_string_equal(id, rows[i].id);
	}
}

static void test_capabilities(void **state)
{
	(void)state;
	struct smtp_capabilities c = { 0 };
	static const char *const lines[] = { "PIPELINING", "size 1000", "AUTH CRAM-MD5 Plain", "AUTH=LOGIN", "STARTTLSX",
		                                 "8bitmime",   "",          "AUTHX PLAIN" };
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		smtp_capability(&c, lines[i]);
	assert_true(c.pipelining && c.auth &&
	            c.mechanisms.known == (1u << SASL_CRAM_MD5 | 1u << SASL_PLAIN | 1u << SASL_LOGIN) && c.eight_bit_mime &&
	            c.has_size);
	assert_false(c.starttls || c.smtp_utf8);
	assert_int_equal(c.size, 1000);
	assert_string_equal(c.mechanisms.names, "CRAM-MD5 Plain LOGIN");
	smtp_capability(&c, "SIZE 99999999999999999999999");
	assert_int_equal(c.size, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_single_and_multi_line),
		cmocka_unit_test(test_what_is_no_reply),
		cmocka_unit_test(test_code_changes_and_endless_replies),
		cmocka_unit_test(test_text_can_be_shown),
		cmocka_unit_test(test_enhanced_codes),
		cmocka_unit_test(test_queue_ids),
		cmocka_unit_test(test_capabilities),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
