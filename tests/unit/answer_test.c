/* SPDX-License-Identifier: Apache-2.0
 * What an answer to an alarm mail is made of: the token, the line that a person wrote, and what the provider says of the
 * sender. */
#include <gmime/gmime.h>

#include "services/email/ack/ack_token.h"
#include "services/email/ack/answer.h"
#include "services/email/ack/authenticity.h"
#include "services/email/reader/parsed_mail.h"
#include "tests/unit/world.h"

static void a_token_binds_what_it_speaks_for(void **state)
{
	(void)state;
	const unsigned char key[ACK_KEY] = "0123456789abcdef0123456789abcde", other[ACK_KEY] = "x";
	const unsigned char nonce[ACK_NONCE] = "123456789";
	const struct ack_binding right = { "station", "alarm", 7, "mail", 1000 };
	const struct ack_binding wrong[] = { { "statio", "nalarm", 7, "mail", 1000 },
		                                 { "station", "alarn", 7, "mail", 1000 },
		                                 { "station", "alarm", 8, "mail", 1000 },
		                                 { "station", "alarm", 7, "mai", 1000 },
		                                 { "station", "alarm", 7, "mail", 1001 } };
	char text[ACK_TOKEN_LENGTH + 1];
	struct ack_token t;
	ack_token_make(key, 33, &right, nonce, text);
	assert_int_equal(strlen(text), ACK_TOKEN_LENGTH);
	assert_int_equal(text[1], 'b'); /* 33 modulo 32 */
	assert_true(ack_token_read(text, &t));
	assert_int_equal(t.digit, 1);
	assert_memory_equal(t.nonce, nonce, ACK_NONCE);
	assert_true(ack_token_verify(key, &right, &t));
	assert_false(ack_token_verify(other, &right, &t));
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_false(ack_token_verify(key, &wrong[i], &t));
	for (int i = 2; i < ACK_TOKEN_LENGTH - 1; i++) {
		char changed[ACK_TOKEN_LENGTH + 1];
		memcpy(changed, text, sizeof changed);
		changed[i] = changed[i] == 'a' ? 'b' : 'a';
		assert_false(ack_token_read(changed, &t) && ack_token_verify(key, &right, &t));
	}
	for (char *p = text; *p; p++) /* some systems change case */
		*p = (char)g_ascii_toupper(*p);
	assert_true(ack_token_read(text, &t) && ack_token_verify(key, &right, &t));
	char *inside = g_strdup_printf("see <alarms+%s@x> and x%s", text, text);
	const char *found = ack_token_find(inside, &t);
	assert_ptr_equal(found, strstr(inside, text));
	assert_null(ack_token_find(found + ACK_TOKEN_LENGTH, &t));
	assert_false(ack_token_read("a", &t));
	char *shown = ack_token_hide(inside);
	assert_string_equal(shown, "see <alarms+…@x> and …"); /* also where it is a part of a word */
	free(shown);
	g_free(inside);
}

static void words_are_whole_lines(void **state)
{
	struct world *w = *state;
	struct err e = { 0 };
	const struct zone *zone = zone_find(&w->station, "Europe/Berlin", &e);
	const int64_t now = 1795788000 * SECOND_US; /* Friday 27 November 2026, 15:00 there */
	static const struct {
		const char *line;
		int fault, verb;
		int64_t after; /* seconds from now */
	} cases[] = {
		{ "ack", ANSWER_UNDERSTOOD, ANSWER_ACK, 0 },
		{ "ACK!", ANSWER_UNDERSTOOD, ANSWER_ACK, 0 },
		{ "I cannot ack", ANSWER_NO_WORD, 0, 0 },
		{ "ack not", ANSWER_NO_WORD, 0, 0 },
		{ "do not ack", ANSWER_NO_WORD, 0, 0 },
		{ "acknowledgement", ANSWER_NO_WORD, 0, 0 },
		{ "", ANSWER_NO_WORD, 0, 0 },
		{ "snooze 2h", ANSWER_UNDERSTOOD, ANSWER_SNOOZE, 7200 },
		{ "Snooze for 90 minutes.", ANSWER_UNDERSTOOD, ANSWER_SNOOZE, 5400 },
		{ "snooze 1h 30m", ANSWER_UNDERSTOOD, ANSWER_SNOOZE, 5400 },
		{ "snooze", ANSWER_UNDERSTOOD, ANSWER_SNOOZE, 0 },
		{ "snooze a while", ANSWER_NO_TIME, 0, 0 },
		{ "shelve until 18:00", ANSWER_UNDERSTOOD, ANSWER_SHELVE, 3 * 3600 },
		{ "shelve until 6 pm", ANSWER_UNDERSTOOD, ANSWER_SHELVE, 3 * 3600 },
		{ "shelve until 14:00", ANSWER_UNDERSTOOD, ANSWER_SHELVE, 23 * 3600 },
		{ "shelve until tomorrow 8:00", ANSWER_UNDERSTOOD, ANSWER_SHELVE, 17 * 3600 },
		{ "shelve until Monday 7:30", ANSWER_UNDERSTOOD, ANSWER_SHELVE, 64 * 3600 + 1800 },
		{ "shelve until 25:00", ANSWER_NO_TIME, 0, 0 },
		{ "shelve until 18:00 or so", ANSWER_NO_TIME, 0, 0 },
		{ "zur\xC3\xBC"
		  "ckstellen bis 18 Uhr",
		  ANSWER_UNDERSTOOD, ANSWER_SHELVE, 3 * 3600 },
		{ "stumm 2 Stunden", ANSWER_UNDERSTOOD, ANSWER_SNOOZE, 7200 },
		{ "suspendre jusqu'\xC3\xA0 demain 8h00", ANSWER_UNDERSTOOD, ANSWER_SHELVE, 17 * 3600 },
		{ "silenciar 2 horas", ANSWER_UNDERSTOOD, ANSWER_SNOOZE, 7200 },
		{ "\xE9\x9D\x99\xE9\x9F\xB3 2\xE5\xB0\x8F\xE6\x97\xB6", ANSWER_UNDERSTOOD, ANSWER_SNOOZE, 7200 },
		{ "comment: the door was Open", ANSWER_UNDERSTOOD, ANSWER_COMMENT, 0 },
		{ "comment", ANSWER_NO_COMMENT, 0, 0 },
		{ "status?", ANSWER_NO_WORD, 0, 0 },
		{ "Status", ANSWER_UNDERSTOOD, ANSWER_STATUS, 0 },
	};
	assert_non_null(zone);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mail_answer a;
		int fault = answer_read(cases[i].line, zone, now, &a);
		int64_t until = cases[i].after ? now + cases[i].after * SECOND_US : ABSTIME_NULL;
		if (fault != cases[i].fault || (fault == 0 && ((int)a.verb != cases[i].verb || a.until != until)))
			fail_msg("\"%s\": fault %d, verb %d, %lld s", cases[i].line, fault, a.verb,
			         (long long)((a.until - now) / SECOND_US));
		if (fault == 0 && a.verb == ANSWER_COMMENT)
			assert_string_equal(a.comment, "the door was Open");
		free(a.comment);
	}
}

static void the_line_is_what_a_person_wrote(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "ACK\nOn 1 May Ann wrote:\n> x\n", "ACK" },
		{ "\n\n  ack \r\n\n> x\n", "ack" },
		{ "On 1 May\nAnn <a@b>\nwrote:\n> x\n> y\n\nack\n", "ack" },
		{ "On 1 May Ann wrote:\n\n> x\n", NULL },
		{ "> ack\n", NULL },
		{ "-----Original Message-----\nack\n", NULL },
		{ "From: x\nack\n", NULL },
		{ "-- \nack\n", NULL },
		{ "", NULL },
		{ "I am away. Reply ACK\nack\n", "I am away. Reply ACK" },
		{ "Guten Morgen,\n\nquittieren\n\nGru\xC3\x9F\nAnna", "quittieren" },
		{ "Hello,\nack\n", "ack" },
		{ "\xE4\xBD\xA0\xE5\xA5\xBD\xEF\xBC\x8C\n\xE7\xA1\xAE\xE8\xAE\xA4\n", "\xE7\xA1\xAE\xE8\xAE\xA4" },
		{ "Hello,\nthe pump is off\nack\n", "Hello," },
		{ "I shall not do what you ask, never,\nack\n", "I shall not do what you ask, never," },
		{ "ack,\nstatus\n", "ack," },
		{ "Hello,\n", "Hello," },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *line = answer_line(cases[i][0]);
		if (cases[i][1])
			assert_string_equal(line, cases[i][1]);
		else
			assert_null(line);
		free(line);
	}
}

static void authentication_results_count_only_from_the_provider(void **state)
{
	(void)state;
#define AR "Authentication-Results: mx.station.example; "
	static const struct {
		const char *lines[4];
		enum authenticity expected;
	} cases[] = {
		{ { AR "dmarc=pass header.from=example.com" }, AUTHENTIC },
		{ { AR "dmarc=pass (p=NONE dis=NONE) header.from=Example.com" }, AUTHENTIC },
		{ { AR "dkim=pass header.d=example.com" }, AUTHENTIC },
		{ { AR "spf=pass smtp.mailfrom=example.com; dkim=pass (2048-bit key) header.i=@example.com" }, AUTHENTIC },
		{ { AR "spf=pass smtp.mailfrom=example.com" }, AUTHENTIC_NOT },
		{ { AR "dkim=pass header.d=evil.example" }, AUTHENTIC_NOT },
		{ { AR "dkim=pass header.d=com" }, AUTHENTIC_NOT },
		{ { AR "dkim=pass header.d=notexample.com" }, AUTHENTIC_NOT },
		{ { AR "dmarc=pass header.from=evil.example" }, AUTHENTIC_NOT },
		{ { AR "dmarc=fail header.from=example.com" }, AUTHENTIC_NOT },
		{ { AR "dmarc=fail (dmarc=pass) header.from=example.com" }, AUTHENTIC_NOT },
		{ { AR "dkim=fail reason=\"; dmarc=pass\"" }, AUTHENTIC_NOT },
		{ { AR "dmarc=passed" }, AUTHENTIC_NOT },
		{ { AR "none" }, AUTHENTIC_NOT },
		{ { AR "dmarc=fail", AR "dmarc=pass" }, AUTHENTIC_NOT }, /* the topmost one */
		{ { "Authentication-Results: other.example; dmarc=pass" }, AUTHENTIC_UNKNOWN },
		{ { "Authentication-Results: mx.station.example.evil.example; dmarc=pass" }, AUTHENTIC_UNKNOWN },
		{ { "Received: from x by mx.station.example with ESMTP", AR "dmarc=pass" }, AUTHENTIC },
		{ { "Received: by 2002:a05:7300 with SMTP id 1", "Received: from x by mx2.station.example", AR "dmarc=pass" },
		  AUTHENTIC },
		{ { "Received: from x by mail.evil.example with ESMTP", AR "dmarc=pass" }, AUTHENTIC_UNKNOWN },
		{ { "Received: from x by mx.station.example", "Received: from y by evil.example", AR "dmarc=pass" },
		  AUTHENTIC_UNKNOWN },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct list trace = { 0 };
		for (size_t j = 0; j < 4 && cases[i].lines[j]; j++)
			parsed_mail_add(&trace, cases[i].lines[j]);
		if (authenticity_judge(&trace, "mx.station.example", "example.com") != cases[i].expected)
			fail_msg("%s", cases[i].lines[0]);
		assert_int_equal(authenticity_judge(&trace, "", "example.com"), AUTHENTIC_UNKNOWN);
		for (uint32_t j = 0; j < trace.count; j++)
			value_clear(&trace.items[j]);
		free(trace.items);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_binds_what_it_speaks_for),
		IN_STATION(words_are_whole_lines),
		cmocka_unit_test(the_line_is_what_a_person_wrote),
		cmocka_unit_test(authentication_results_count_only_from_the_provider),
	};
	return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
