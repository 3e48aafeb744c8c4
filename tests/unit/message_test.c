/* SPDX-License-Identifier: Apache-2.0
 * What the message builder makes of hostile and of foreign texts: its lines are looked at byte by byte, and its headers
 * are decoded by GMime's own parser. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <gmime/gmime.h>

#include "services/email/content/message.h"
#include "station/base/must.h"

static const struct message_address bob = { "Bob", "bob@mail.test" };

static char *build(const char *subject, const char *body, const struct message_address *to, size_t *length)
{
	struct message_parts p = { .from = { "", "station@mail.test" },
		                       .reply_to = { "", "" },
		                       .to = to,
		                       .to_count = 1,
		                       .subject = subject,
		                       .body = body,
		                       .message_id = "0123@mail.test",
		                       .date = INT64_C(1700000000000000) };
	return message_build(&p, length);
}

static int count_headers(const char *text, const char *name)
{
	int n = 0;
	size_t length = strlen(name);
	for (const char *p = text; p && strncmp(p, "\r\n", 2) != 0; p = strchr(p, '\n'), p = p ? p + 1 : NULL)
		n += strncasecmp(p, name, length) == 0 && p[length] == ':';
	return n;
}

/* What holds for every message. */
static void well_formed(const char *text, size_t length)
{
	static const char *const once[] = { "From",       "To",           "Subject",        "Date",
		                                "Message-Id", "MIME-Version", "Auto-Submitted", "Content-Type" };
	assert_int_equal(strlen(text), length);
	size_t line = 0;
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		assert_true(c < 0x7f && (c >= ' ' || c == '\t' || c == '\r' || c == '\n'));
		assert_true(c != '\n' || (i > 0 && text[i - 1] == '\r'));
		assert_true(c != '\r' || text[i + 1] == '\n');
		line = c == '\n' ? 0 : line + 1;
		assert_true(line <= 200);
	}
	assert_string_equal(text + length - 2, "\r\n");
	for (size_t i = 0; i < ARRAY_SIZE(once); i++)
		if (count_headers(text, once[i]) != 1)
			fail_msg("%d headers %s in\n%s", count_headers(text, once[i]), once[i], text);
	assert_int_equal(count_headers(text, "Bcc") + count_headers(text, "X-Injected") + count_headers(text, "Sender"), 0);
}

static GMimeMessage *parse(const char *text, size_t length)
{
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer(text, length);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
	g_object_unref(parser);
	g_object_unref(stream);
	return message;
}

static void test_subjects(void **state)
{
	(void)state;
	static const struct {
		const char *given, *read;
	} rows[] = {
		{ "Alarm From Boiler 1", NULL },
		{ "Boiler\r\nBcc: thief@evil.test\r\nX-Injected: yes", "Boiler  Bcc: thief@evil.test  X-Injected: yes" },
		{ "Boiler\nBcc: thief@evil.test", "Boiler Bcc: thief@evil.test" },
		{ "Boiler\rBcc: thief@evil.test", "Boiler Bcc: thief@evil.test" },
		{ "Boiler\r\n\r\nDear user", "Boiler    Dear user" },
		{ "Boiler \"A\" <x@evil.test> \\ (b), c; d: %e", NULL },
		{ "K\u00e4lteraum 3 \u2013 T\u00fcr \u201eS\u00fcd\u201c \u2744 \u6e29\u5ea6 \U0001F6AA", NULL },
		{ "=?utf-8?Q?Bcc:_thief=40evil.test?= =?x", NULL },
		{ "a\x1b[31mred\x07\xc2\x85z", "a [31mred   z" },
		{ "broken \xff\xfe utf-8", "broken \uFFFD\uFFFD utf-8" },
		{ "", NULL },
		{ " ", NULL },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t length;
		char *text = build(rows[i].given, "x", &bob, &length);
		GMimeMessage *m = parse(text, length);
		well_formed(text, length);
		const char *subject = g_mime_message_get_subject(m), *expected = rows[i].read ? rows[i].read : rows[i].given;
		if (strcmp(subject ? subject : "", expected) != 0 && strspn(expected, " ") != strlen(expected))
			fail_msg("\"%s\" became \"%s\"", expected, subject);
		g_object_unref(m);
		free(text);
	}
}

static void test_long_subjects(void **state)
{
	(void)state;
	char *words = must_alloc(20001), *solid = must_alloc(20001);
	for (size_t i = 0; i < 10000; i++)
		words[i] = i % 7 == 6 ? ' ' : 'w';
	for (size_t i = 0; i < 20000; i += 2)
		memcpy(solid + i, "\xc3\xa4", 2);
	const char *texts[] = { words, solid };
	for (size_t i = 0; i < 2; i++) {
		size_t length;
		char *text = build(texts[i], texts[i], &bob, &length);
		well_formed(text, length);
		GMimeMessage *m = parse(text, length);
		assert_int_equal(g_utf8_strlen(g_mime_message_get_subject(m), -1), 300);
		g_object_unref(m);
		free(text);
	}
	free(words);
	free(solid);
}

static void test_bodies(void **state)
{
	(void)state;
	static const struct {
		const char *given, *read;
	} rows[] = {
		{ ".first\n..second\n.\n...\nlast", NULL },
		{ "one\r\ntwo\rthree\n", "one\ntwo\nthree\n" },
		{ "T\u00fcr \u2744\ntrailing space \nFrom here\n", NULL },
		{ "bell\x07 escape\x1b tab\t.", "bell  escape  tab\t." },
		{ "", NULL },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t length;
		char *text = build("x", rows[i].given, &bob, &length);
		well_formed(text, length);
		GMimeMessage *m = parse(text, length);
		char *body = g_mime_text_part_get_text(GMIME_TEXT_PART(g_mime_message_get_mime_part(m)));
		const char *expected = rows[i].read ? rows[i].read : rows[i].given;
		char *lines = must_strdup(body ? body : ""), *to = lines;
		for (const char *p = lines; *p; p++)
			if (*p != '\r')
				*to++ = *p;
		*to = '\0';
		if (strncmp(lines, expected, strlen(expected)) != 0 || strlen(lines) > strlen(expected) + 1)
			fail_msg("\"%s\" became \"%s\" in\n%s", expected, lines, text);
		free(lines);
		g_free(body);
		g_object_unref(m);
		free(text);
	}
}

static void test_addresses(void **state)
{
	(void)state;
	static const struct {
		struct message_address given;
		const char *header;
	} rows[] = {
		{ { "Anna Berg", "anna@mail.test" }, "To: Anna Berg <anna@mail.test>" },
		{ { "", "anna@mail.test" }, "To: anna@mail.test" },
		{ { "Berg, Anna \"AB\"", "anna@mail.test" }, "To: \"Berg, Anna \\\"AB\\\"\" <anna@mail.test>" },
		{ { "x\r\nBcc: thief@evil.test", "anna@mail.test" }, "Bcc: thief@evil.test\" <anna@mail.test>" },
		{ { "J\u00f6rg", "joerg@m\u00fcnchen.example" }, "To: =?utf-8?B?SsO2cmc=?= <joerg@xn--mnchen-3ya.example>" },
		{ { "J\u00f6rg", "j\u00f6rg@mail.test" }, "To: =?utf-8?B?" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t length;
		char *text = build("x", "x", &rows[i].given, &length);
		well_formed(text, length);
		if (!strstr(text, rows[i].header))
			fail_msg("no %s in\n%s", rows[i].header, text);
		free(text);
	}
	char *envelope = message_envelope_address("j\u00f6rg@m\u00fcnchen.example");
	assert_string_equal(envelope, "j\u00f6rg@xn--mnchen-3ya.example");
	free(envelope);
}

static void test_identity_and_date(void **state)
{
	(void)state;
	size_t length, again;
	char *text = build("x", "y", &bob, &length), *same = build("x", "y", &bob, &again);
	assert_string_equal(text, same);
	assert_non_null(strstr(text, "Message-Id: <0123@mail.test>\r\n"));
	assert_non_null(strstr(text, "2023 "));
	assert_non_null(strstr(text, "Auto-Submitted: auto-generated\r\n"));
	free(text);
	free(same);
}

int main(void)
{
	g_mime_init();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_subjects),  cmocka_unit_test(test_long_subjects),     cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_addresses), cmocka_unit_test(test_identity_and_date),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
