/* SPDX-License-Identifier: Apache-2.0
 * Every language says everything, and no word of an answer means two things. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "services/email/language/language.h"
#include "station/base/must.h"
#include "station/type/slot.h"
#include "station/value/value.h"

static void test_there(void **state)
{
	(void)state;
	static const char *const codes[] = { "de", "en", "es", "fr", "zh" };
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		assert_non_null(language_find(codes[i]));
	assert_null(language_find("tlh"));
	assert_string_equal(language_range[0].name, "station");
	assert_null(language_called(language_range[0].ordinal));
	for (size_t i = 0; languages[i]; i++) {
		assert_string_equal(language_range[i + 1].name, languages[i]->code);
		assert_string_equal(language_called(language_range[i + 1].ordinal), languages[i]->name);
	}
}

/* The arguments that a phrase uses, as bits. */
static unsigned arguments(const char *phrase)
{
	unsigned bits = 0;
	for (const char *p = phrase; (p = strchr(p, '{')) != NULL; p++)
		bits |= 1u << (p[1] - '0');
	return bits;
}

static void test_complete(void **state)
{
	(void)state;
	const struct language *en = language_english();
	for (size_t i = 0; languages[i]; i++) {
		const struct language *l = languages[i];
		assert_true(*l->name && *l->decimal && *l->date_time && *l->date && *l->time);
		for (int p = 0; p < PHRASES; p++) {
			if (!l->phrases[p] || !*l->phrases[p])
				fail_msg("%s lacks phrase %d, in English \"%s\"", l->code, p, en->phrases[p]);
			if (arguments(l->phrases[p]) != arguments(en->phrases[p]))
				fail_msg("%s: \"%s\" has other arguments than \"%s\"", l->code, l->phrases[p], en->phrases[p]);
		}
		for (int day = 0; day < 7; day++)
			assert_non_null(l->weekdays[day]);
		for (int month = 0; month < 12; month++)
			assert_non_null(l->months[month]);
	}
}

/* Every synonym is found again as what it means, whoever reads it: nobody tells in which language he answers. */
static void test_words(void **state)
{
	(void)state;
	for (size_t i = 0; languages[i]; i++) {
		const struct language *l = languages[i];
		for (int w = 0; w < ANSWERS; w++) {
			assert_non_null(l->answers[w]);
			char *words = must_strdup(l->answers[w]), *rest = words, *word;
			while ((word = strsep(&rest, "|"))) {
				size_t own, any;
				char *folded = language_fold(word);
				if (strcmp(folded, word) != 0 || !*word)
					fail_msg("%s: \"%s\" is not folded", l->code, word);
				if (language_word(l, word, &own) != w || own != strlen(word))
					fail_msg("%s: \"%s\" is ambiguous within the language", l->code, word);
				if (language_word(NULL, word, &any) != w || any != strlen(word))
					fail_msg("%s: \"%s\" means something else in another language", l->code, word);
				free(folded);
			}
			free(words);
		}
		for (int day = 0; day < 7; day++) {
			size_t length;
			char *folded = language_fold(l->weekdays[day]);
			assert_int_equal(language_weekday(NULL, folded, &length), day);
			assert_int_equal(length, strlen(folded));
			free(folded);
		}
	}
}

static void test_reading(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int word;
		size_t length;
	} rows[] = {
		{ "  ACK\u00a0please ", ANSWER_ACK, 3 },
		{ "ACK please", ANSWER_ACK, 3 },
		{ "acknowledging", -1, 0 },
		{ "Best\u00e4tigt!", ANSWER_ACK, 10 },
		{ "Besta\u0308tigt.", ANSWER_ACK, 10 },
		{ "OKAY", ANSWER_ACK, 4 },
		{ "okra", -1, 0 },
		{ "\u786e\u8ba4\u6536\u5230", ANSWER_ACK, 6 },
		{ "Jusqu\u2019\u00c0 18:00", ANSWER_UNTIL, 10 },
		{ "h30", ANSWER_HOURS, 1 },
		{ "\u5c0f\u65f6", ANSWER_HOURS, 6 },
		{ "bis zum 3.", ANSWER_UNTIL, 7 },
		{ "", -1, 0 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t length;
		char *folded = language_fold(rows[i].text);
		int word = language_word(NULL, folded, &length);
		if (word != rows[i].word || length != rows[i].length)
			fail_msg("\"%s\": %d, %zu", folded, word, length);
		free(folded);
	}
	size_t length;
	assert_int_equal(language_weekday(NULL, "fri 8:00", &length), 5);
	assert_int_equal(length, 3);
	assert_int_equal(language_weekday(language_find("de"), "mi", &length), -1);
}

static void said(char *text, const char *expected)
{
	assert_string_equal(text, expected);
	free(text);
}

static void test_writing(void **state)
{
	(void)state;
	const struct language *de = language_find("de"), *en = language_english();
	struct zone berlin = { 0 };
	struct err e;
	assert_int_equal(zone_read_rule(&berlin, "CET-1CEST,M3.5.0,M10.5.0/3", &e), 0);
	int64_t us = INT64_C(1795795503) * SECOND_US;
	said(language_instant(de, &berlin, us), "27.11.2026, 17:05:03 (UTC+1)");
	said(language_instant(en, &berlin, us), "27 November 2026, 17:05:03 (UTC+1)");
	said(language_date(language_find("zh"), "%Y年%m月%d日 %A", us / SECOND_US), "2026年11月27日 星期五");
	said(language_number(de, -1234.56, 1), "-1234,6");
	said(language_number(en, 0.5, 2), "0.50");
	const char *const two[] = { "Kessel {1}", "12:00" };
	said(language_say(en, PHRASE_DID_SHELVE, two, 2), "The alarm of Kessel {1} is shelved until 12:00.");
	assert_string_equal(language_phrase(de, "highLimit"), "Oberer Grenzwert");
	assert_null(language_phrase(de, "no such"));
	zone_finish(&berlin);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there),   cmocka_unit_test(test_complete), cmocka_unit_test(test_words),
		cmocka_unit_test(test_reading), cmocka_unit_test(test_writing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
