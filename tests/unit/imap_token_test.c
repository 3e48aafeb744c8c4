/* SPDX-License-Identifier: Apache-2.0
 * IMAP responses cut into tokens: what servers say, and what a hostile one may say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "services/email/wire/imap_token.h"
#include "station/base/must.h"

static struct imap_response read_text(const char *text)
{
	struct imap_response r;
	if (!imap_response_read(text, strlen(text), &r))
		fail_msg("not taken: %s", text);
	return r;
}

static void assert_token(const struct imap_token *t, const char *text)
{
	char *copy = must_strndup(t->text, t->length);
	assert_string_equal(copy, text);
	free(copy);
}

static void test_statuses(void **state)
{
	uint32_t n;
	(void)state;
	struct imap_response r = read_text("* OK [UIDVALIDITY 3857529045] UIDs valid");
	assert_int_equal(r.sort, IMAP_UNTAGGED);
	assert_int_equal(r.status, IMAP_OK);
	assert_true(imap_code_number(&r.code, "UIDVALIDITY", &n));
	assert_true(n == 3857529045);
	assert_token(&r.text, "UIDs valid");
	r = read_text("a7f3 NO [AUTHENTICATIONFAILED] wrong {5}");
	assert_int_equal(r.sort, IMAP_TAGGED);
	assert_int_equal(r.status, IMAP_NO);
	assert_token(&r.tag, "a7f3");
	assert_true(imap_code_is(&r.code, "authenticationfailed"));
	assert_token(&r.text, "wrong {5}");
	r = read_text("* BYE");
	assert_int_equal(r.status, IMAP_BYE);
	assert_int_equal(r.text.length, 0);
	r = read_text("* PREAUTH welcome");
	assert_int_equal(r.status, IMAP_PREAUTH);
	r = read_text("+ idling");
	assert_int_equal(r.sort, IMAP_CONTINUE);
	assert_token(&r.text, "idling");
	r = read_text("+");
	assert_int_equal(r.text.length, 0);
	r = read_text("* OK [broken code without an end");
	assert_int_equal(r.code.length, 0);
}

static void test_data(void **state)
{
	(void)state;
	struct imap_response r = read_text("* 23 EXISTS");
	assert_true(r.numbered && r.number == 23 && imap_is(&r.name, "exists"));
	r = read_text("* SEARCH 2 84 882");
	assert_true(!r.numbered && imap_is(&r.name, "SEARCH"));
	uint32_t n, sum = 0;
	for (struct imap_token t; (t = imap_next(&r.rest)).kind == IMAP_ATOM;) {
		assert_true(imap_number(&t, &n));
		sum += n;
	}
	assert_int_equal(sum, 968);
}

static void test_what_is_no_response(void **state)
{
	static const char *const wrong[] = {
		"",           " ",   "*", "HTTP/1.1 400 Bad Request", "220 mail.test ESMTP", "* 5", "(", "\"", "* (",
		"a1 FETCH 3", "{3}", "a1"
	};
	struct imap_response r;
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		if (imap_response_read(wrong[i], strlen(wrong[i]), &r))
			fail_msg("\"%s\" was taken", wrong[i]);
}

static void test_literals_are_seen(void **state)
{
	static const struct {
		const char *line;
		int64_t bytes; /* -1: none, -2: broken */
	} rows[] = {
		{ "* 1 FETCH (UID 7 BODY[] {342}", 342 },
		{ "* 1 FETCH (UID 7 BODY[] {0}", 0 },
		{ "* 1 FETCH (ENVELOPE (\"a {9}\" {12}", 12 },
		{ "* 1 FETCH (ENVELOPE \"an open quote {5}", -1 },
		{ "* OK look {5}", -1 },
		{ "* bye {5}", -1 },
		{ "+ {5}", -1 },
		{ "a1 OK done {5}", -1 },
		{ "* 1 FETCH (UID 7 BODY[] {4294967295}", 4294967295 },
		{ "* 1 FETCH (UID 7 BODY[] {99999999999999999999}", -2 },
		{ "* 1 FETCH (UID 7 BODY[] {-1}", -2 },
		{ "* 1 FETCH (UID 7 BODY[] {}", -2 },
		{ "* 1 FETCH (UID 7 BODY[] {3+}", -2 },
		{ "}", -1 },
		{ "", -1 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t bytes = 0;
		bool broken;
		bool found = imap_literal(rows[i].line, strlen(rows[i].line), true, &bytes, &broken);
		int64_t seen = found ? (int64_t)bytes : broken ? -2 : -1;
		if (seen != rows[i].bytes)
			fail_msg("%s: %lld", rows[i].line, (long long)seen);
	}
}

static bool fetch(const char *text, struct imap_fetch *f)
{
	struct imap_response r;
	return imap_response_read(text, strlen(text), &r) && r.numbered && imap_is(&r.name, "FETCH") &&
	    imap_fetch_read(r.rest, f);
}

static void test_fetch(void **state)
{
	struct imap_fetch f;
	(void)state;
	assert_true(fetch("* 12 FETCH (FLAGS (\\Seen $Junk) UID 4827 RFC822.SIZE 44827)", &f));
	assert_true(f.seen && !f.deleted && f.uid == 4827 && f.size == 44827 && !f.has_body);
	assert_true(fetch("* 1 FETCH (UID 3 BODY[HEADER.FIELDS (IN-REPLY-TO \"REFERENCES\")]<0> {4}\r\na: b)", &f));
	assert_token(&f.body, "a: b");
	assert_true(fetch("* 1 FETCH (BODY[] \"short \\\"mail\\\"\" UID 3)", &f));
	assert_token(&f.body, "short \\\"mail\\\"");
	assert_true(fetch("* 1 FETCH (BODY[] NIL UID 3)", &f));
	assert_true(f.has_body && f.body.length == 0);
	/* the mail may say what it likes: its length alone counts */
	assert_true(fetch("* 1 FETCH (BODY[] {22}\r\n)\r\nb004 OK done\r\n* SEA UID 3)", &f));
	assert_token(&f.body, ")\r\nb004 OK done\r\n* SEA");
	assert_true(f.uid == 3);
	/* unknown items are skipped */
	assert_true(fetch("* 1 FETCH (MODSEQ (12) ENVELOPE (NIL \"a\" ((\"b\" NIL) {3}\r\n(((  )) X NIL UID 9)", &f));
	assert_true(f.uid == 9 && !f.has_body);
}

static void test_broken_fetches(void **state)
{
	static const char *const wrong[] = {
		"* 1 FETCH",
		"* 1 FETCH (",
		"* 1 FETCH ()x",
		"* 1 FETCH (UID)",
		"* 1 FETCH (UID 0)",
		"* 1 FETCH (UID 4294967296)",
		"* 1 FETCH (UID -4)",
		"* 1 FETCH (FLAGS \\Seen)",
		"* 1 FETCH (FLAGS (\\Seen",
		"* 1 FETCH (FLAGS ((\\Seen)))",
		"* 1 FETCH (BODY[] {5}\r\nab)",
		"* 1 FETCH (BODY[] {5}ab)",
		"* 1 FETCH (BODY[] \"open)",
		"* 1 FETCH (BODY[] \"open\\",
		"* 1 FETCH (BODY[ )",
		"* 1 FETCH (BODY[] (1 2))",
		"* 1 FETCH (UID 3) more",
		"* 1 FETCH (X (((((((((((((((((((((((((((((((((1)))))))))))))))))))))))))))))))))",
	};
	struct imap_fetch f;
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		if (fetch(wrong[i], &f))
			fail_msg("\"%s\" was taken", wrong[i]);
}

static void test_ten_thousand_brackets(void **state)
{
	char *text = must_alloc(30001);
	struct imap_fetch f;
	(void)state;
	memcpy(text, "* 1 FETCH (X ", 13);
	memset(text + 13, '(', 10000);
	assert_false(fetch(text, &f));
	memset(text + 13, '[', 10000);
	assert_false(fetch(text, &f));
	for (size_t i = 0; i < 15000; i++)
		memcpy(text + 13 + (i % 9000) * 2, "()", 2);
	assert_false(fetch(text, &f));
	free(text);
}

static void test_capabilities(void **state)
{
	struct imap_response r = read_text("* CAPABILITY IMAP4rev1 sasl-ir IDLE AUTH=PLAIN AUTH=XOAUTH2 STARTTLSX X{");
	struct imap_capabilities c = { .idle = false };
	(void)state;
	for (struct imap_token t; (t = imap_next(&r.rest)).kind == IMAP_ATOM;)
		imap_capability(&c, &t);
	assert_true(c.imap4rev1 && c.sasl_ir && c.idle && !c.starttls && !c.uidplus && !c.login_disabled);
	assert_string_equal(c.mechanisms.names, "PLAIN XOAUTH2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_statuses),
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_what_is_no_response),
		cmocka_unit_test(test_literals_are_seen),
		cmocka_unit_test(test_fetch),
		cmocka_unit_test(test_broken_fetches),
		cmocka_unit_test(test_ten_thousand_brackets),
		cmocka_unit_test(test_capabilities),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
