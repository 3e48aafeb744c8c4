/* SPDX-License-Identifier: Apache-2.0
 * What mails say: formats over an alarm, units, trends, and the two parts of a letter. */
#include <glib.h>
#include <math.h>

#include "tests/unit/world.h"

#include "services/email/content/alarm_view.h"
#include "services/email/content/render.h"

/* An alarm as the topic of a class gives it, as JSON of its tokens. */
static void read_view(struct value *view)
{
	struct err e = { 0 };
	static const char json[] =
	    "{\"timestamp\":\"2026-11-27T16:05:03.000000Z\",\"uuid\":\"u-1\",\"sourceState\":\"highLimit\","
	    "\"ackState\":\"acked\",\"ackRequired\":true,\"source\":\"station:|slot:/Boiler\",\"alarmClass\":\"heating\","
	    "\"priority\":10,\"normalTime\":null,\"ackTime\":\"2026-11-27T16:30:00.000000Z\",\"user\":\"anna\","
	    "\"alarmTransition\":\"highLimit\",\"lastUpdate\":\"2026-11-27T16:30:00.000000Z\","
	    "\"msgText\":\"highLimit: 31.5 °C\",\"alarmData\":[{\"name\":\"sourceName\",\"value\":\"Kessel 1\"},"
	    "{\"name\":\"alarmValue\",\"value\":\"31.5 °C\"},{\"name\":\"deadband\",\"value\":\"2.0 °C\"},"
	    "{\"name\":\"msgText\",\"value\":\"highLimit: 31.5 °C\"}]}";
	if (alarm_view_parse(json, view, &e) != 0)
		fail_msg("%s", e.text);
}

static void formats_say_an_alarm_in_the_reader_s_words(void **state)
{
	struct world *w = *state;
	static const struct {
		const char *language;
		enum unit_system units;
		const char *format, *said;
	} cases[] = {
		{ "en", UNITS_AS_CONFIGURED, "%alarmData.sourceName% is %sourceState%", "Kessel 1 is High limit" },
		{ "de", UNITS_AS_CONFIGURED, "%msgText%", "Oberer Grenzwert: 31,5 °C" },
		{ "en", UNITS_ENGLISH, "%alarmData.alarmValue% %alarmData.deadband%", "88.7 °F 3.6 °F" },
		{ "en", UNITS_ENGLISH, "%msgText%", "High limit: 88.7 °F" },
		{ "en", UNITS_METRIC, "%alarmData.alarmValue%", "31.5 °C" },
		{ "en", UNITS_AS_CONFIGURED, "%user()% or %user%", "anna or anna" },
		{ "en", UNITS_AS_CONFIGURED, "%timestamp%", "27 November 2026, 17:05:03 (UTC+1)" },
		{ "en", UNITS_AS_CONFIGURED, "%normalTime% %alarmData.none%", "- -" },
		{ "fr", UNITS_AS_CONFIGURED, "%lexicon(email:fault)% %lexicon(x:y)%", "Défaut y" },
		{ "en", UNITS_AS_CONFIGURED, "%priority% %ackRequired% 100 %%", "10 true 100 %" },
		{ "en", UNITS_AS_CONFIGURED, "%alarmData.sourceName.substring(0,6)%%uuid.substring(-1)%", "Kessel1" },
		{ "en", UNITS_AS_CONFIGURED, "%time()%", "27 November 2026, 18:00:00 (UTC+1)" },
	};
	const struct zone *zone = zone_find(&w->station, "Europe/Berlin", NULL);
	const int64_t now = 1795798800 * SECOND_US; /* 17:00 UTC on that day */
	struct value view;
	read_view(&view);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct alarm_speech s =
		    alarm_speech_init(&view, language_find(cases[i].language), zone, cases[i].units, now);
		char *said = alarm_say(&s, cases[i].format);
		if (strcmp(said, cases[i].said) != 0)
			fail_msg("%s: \"%s\", not \"%s\"", cases[i].format, said, cases[i].said);
		free(said);
	}
	value_clear(&view);
}

static void nobody_has_acknowledged(void **state)
{
	struct world *w = *state;
	struct value view;
	read_view(&view);
	struct value *user = &view.list.items[slots_find(alarm_tokens, "user") - alarm_tokens];
	value_clear(user);
	*user = value_string("");
	const struct alarm_speech s =
	    alarm_speech_init(&view, language_english(), zone_find(&w->station, "", NULL), UNITS_AS_CONFIGURED, 0);
	char *said = alarm_say(&s, "%user()%%user%");
	assert_string_equal(said, "--");
	free(said);
	value_clear(&view);
}

/* --- units ---------------------------------------------------------------------------------------------------------- */

static void units_turn_into_the_reader_s(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum unit_system system;
		bool difference;
		const char *written; /* NULL: it is no measure */
	} cases[] = {
		{ "21.5 °C", UNITS_ENGLISH, false, "70.7 °F" },
		{ "21.5 °C", UNITS_METRIC, false, "21.5 °C" },
		{ "70.7 °F", UNITS_METRIC, false, "21.5 °C" },
		{ "-40 °C", UNITS_ENGLISH, false, "-40 °F" },
		{ "2.0 °C", UNITS_ENGLISH, true, "3.6 °F" },
		{ "250 Pa", UNITS_ENGLISH, false, "1.00 inH₂O" },
		{ "12", UNITS_ENGLISH, false, "12" },
		{ "3 bananas", UNITS_ENGLISH, false, "3 bananas" },
		{ "true", UNITS_ENGLISH, false, NULL },
		{ "1e5 °C", UNITS_ENGLISH, false, NULL },
		{ "", UNITS_ENGLISH, false, NULL },
		{ "5 l/s", UNITS_ENGLISH, false, "79 gpm" },
		{ "5 °C", UNITS_AS_CONFIGURED, false, "5 °C" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct measure m;
		bool is = measure_read(cases[i].text, &m);
		assert_int_equal(is, cases[i].written != NULL);
		if (!is)
			continue;
		measure_convert(&m, cases[i].system, cases[i].difference);
		char *written = measure_write(&m, language_english());
		if (strcmp(written, cases[i].written) != 0)
			fail_msg("%s: %s, not %s", cases[i].text, written, cases[i].written);
		free(written);
	}
}

static void units_in_a_sentence_are_only_unmistakable_ones(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "above 30.0 °C, now 31.5 °C", "above 86.0 °F, now 88.7 °F" },
		{ "gate 7 m open", "gate 7 m open" },
		{ "version 1.5 °C-fix", "version 34.7 °F-fix" },
		{ "10.1.2.3 °C", "10.1.2.3 °C" },
		{ "", "" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *text = units_in_text(cases[i][0], UNITS_ENGLISH, language_english());
		assert_string_equal(text, cases[i][1]);
		free(text);
	}
}

/* --- trends --------------------------------------------------------------------------------------------------------- */

/* A day with a bucket each hour, rising; one that is no number. */
static struct trend rising(struct station *s)
{
	struct trend t = { .start = 1795737600 * SECOND_US,
		               .alarm = ABSTIME_NULL,
		               .normal = ABSTIME_NULL,
		               .high_limit = 30,
		               .low_limit = NAN,
		               .unit = must_strdup("°C"),
		               .language = language_english(),
		               .zone = zone_find(s, "Europe/Berlin", NULL) };
	json_t *items = json_array();
	t.end = t.start + DAY_SECONDS * SECOND_US;
	for (int hour = 0; hour < 24; hour++) {
		char time[ABSTIME_TEXT_MAX];
		abstime_print(t.start + hour * 3600 * SECOND_US, time);
		json_array_append_new(items,
		                      json_pack("{s:s, s:f, s:f, s:f}", "timestamp", time, "min", hour - 0.5, "avg",
		                                (double)hour, "max", hour + 0.5));
	}
	json_array_append_new(items, json_pack("{s:s, s:n}", "timestamp", "2026-11-27T16:00:00Z", "avg"));
	json_t *history = json_pack("{s:o}", "items", items);
	trend_read(&t, history);
	json_decref(history);
	return t;
}

static void a_trend_is_read_converted_and_drawn(void **state)
{
	struct world *w = *state;
	struct trend t = rising(&w->station);
	size_t size = 0;
	assert_int_equal(t.count, 24);
	char *line = trend_sparkline(&t);
	assert_string_equal(line, "▁▁▂▂▂▃▃▃▃▄▄▄▅▅▅▆▆▆▆▇▇▇██");
	free(line);
	trend_convert(&t, UNITS_ENGLISH);
	assert_string_equal(t.unit, "°F");
	assert_float_equal(t.points[10].mean, 50, 1e-9);
	assert_float_equal(t.high_limit, 86, 1e-9);
	assert_true(isnan(t.low_limit));
	unsigned char *png = trend_picture(&t, &size);
	assert_non_null(png);
	assert_memory_equal(png, "\x89PNG\r\n\x1a\n", 8);
	assert_true(png[18] * 256 + png[19] == 2 * TREND_WIDTH && png[22] * 256 + png[23] == 2 * TREND_HEIGHT);
	free(png);
	t.count = 1; /* of one point there is nothing to see */
	assert_null(trend_picture(&t, &size));
	assert_null(trend_sparkline(&t));
	trend_finish(&t);
}

/* Values that say nothing of a scale: flat, huge, tiny, boolean, limits far away. */
static void a_picture_comes_of_any_values(void **state)
{
	struct world *w = *state;
	static const double values[][2] = { { 5, 5 }, { 0, 0 }, { -1e300, 1e300 }, { 1e-300, 2e-300 }, { 0, 1 } };
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		struct trend t = rising(&w->station);
		size_t size = 0;
		for (size_t k = 0; k < t.count; k++)
			t.points[k].low = t.points[k].mean = t.points[k].high = values[i][k % 2];
		t.steps = i == ARRAY_SIZE(values) - 1;
		t.high_limit = i % 2 ? 1e12 : NAN;
		t.alarm = t.start + 3600 * SECOND_US;
		unsigned char *png = trend_picture(&t, &size);
		assert_true(png && size > 1000);
		free(png);
		trend_finish(&t);
	}
}

/* --- the letter ------------------------------------------------------------------------------------------------------- */

static void a_letter_escapes_everything_and_says_all_in_both_parts(void **state)
{
	struct world *w = *state;
	struct letter l = { .language = language_english(),
		                .html = true,
		                .subject = must_strdup("</title><b>&\""),
		                .text = must_strdup("Source: <script>alert(1)</script>"),
		                .state = must_strdup("High <limit>"),
		                .source = must_strdup("\"><img src=x>"),
		                .row_count = 1,
		                .sent_by = must_strdup("Sent by <me>"),
		                .answer = { .footer = must_strdup("Answer\n[token]"),
		                            .url = must_strdup("https://s.test/ack#a\"onmouseover=x") },
		                .trend = rising(&w->station) };
	l.rows[0] = (struct letter_row){ must_strdup("Source"), must_strdup("<script>\nline 2") };
	char *html = letter_html(&l, "trend@belfry"), *text = letter_text(&l);
	static const char *const never[] = { "<script", "<b>", "<img src=x", "\"onmouseover", "<me>", "</title><b" };
	static const char *const there[] = { "<html lang=\"en\">",
		                                 "High &lt;limit&gt;",
		                                 "<br>\r\n<bdi>line 2</bdi>",
		                                 "cid:trend@belfry",
		                                 "[token]",
		                                 "Sent by &lt;me&gt;",
		                                 "https://s.test/ack#a&quot;",
		                                 "▁▁▂",
		                                 "Acknowledge" };
	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		if (strstr(html, never[i]))
			fail_msg("%s in %s", never[i], html);
	for (size_t i = 0; i < ARRAY_SIZE(there); i++)
		if (!strstr(html, there[i]))
			fail_msg("no %s in %s", there[i], html);
	assert_string_equal(text,
	                    "Source: <script>alert(1)</script>\nTrend: ▁▁▂▂▂▃▃▃▃▄▄▄▅▅▅▆▆▆▆▇▇▇██\n\n-- \n"
	                    "Acknowledge: https://s.test/ack#a\"onmouseover=x\nAnswer\n[token]\nSent by <me>\n");
	free(html);
	free(text);
	letter_finish(&l);
}

/* A digest of an alarm and of a mail that keeps none: each a row of a table, in the reader's words and units. */
static void a_digest_is_a_table_of_alarms(void **state)
{
	struct world *w = *state;
	struct value view;
	read_view(&view);
	char *data = alarm_view_print(&view), none[] = "", plain[] = "<b>note</b>", *kept;
	struct outgoing alarm = { .mail = { .data = data, .priority = 10 } },
	                other = { .mail = { .data = none, .subject = plain, .priority = 200 } };
	struct outgoing *const mails[] = { &alarm, &other };
	const struct preferences german = { .language = language_find("de"),
		                                .zone = zone_find(&w->station, "Asia/Kolkata", NULL),
		                                .units = UNITS_ENGLISH,
		                                .html = true };
	struct letter l = { .language = NULL };
	kept = digest_keep(mails, 2);
	assert_int_equal(letter_digest(&w->station, &german, kept, &l), 0);
	assert_string_equal(l.subject, "2 Alarme in einer Mail");
	assert_non_null(strstr(l.text,
	                       "27.11.2026, 21:35:03 (UTC+5:30)  [10]  Oberer Grenzwert  Kessel 1\n"
	                       "    Oberer Grenzwert: 88,7 °F\n"));
	assert_non_null(strstr(l.text, "[200]  <b>note</b>\n"));
	char *html = letter_html(&l, NULL);
	static const char *const there[] = { "<html lang=\"de\">",
		                                 "<th scope=\"col\"",
		                                 "Priorität",
		                                 "Oberer Grenzwert",
		                                 "Kessel 1",
		                                 "88,7 °F",
		                                 "&lt;b&gt;note&lt;/b&gt;",
		                                 "Diese Alarme wurden",
		                                 "21:35:03 (UTC+5:30)" };
	for (size_t i = 0; i < ARRAY_SIZE(there); i++)
		if (!strstr(html, there[i]))
			fail_msg("no %s in %s", there[i], html);
	assert_null(strstr(html, "<b>note"));
	letter_finish(&l);
	assert_int_not_equal(letter_digest(&w->station, &german, "[{]", &l), 0);
	free(html);
	free(kept);
	free(data);
	value_clear(&view);
}

/* Texts of any length are cut, between characters, so that what a digest keeps is bounded. */
static void what_a_digest_keeps_is_bounded(void **state)
{
	struct world *w = *state;
	char *subject = must_alloc(3 * 20000 + 1), none[] = "", *kept;
	for (int i = 0; i < 20000; i++)
		memcpy(subject + 3 * i, "中", 3);
	subject[3 * 20000] = '\0';
	struct outgoing mail = { .mail = { .data = none, .subject = subject, .priority = 200 } };
	struct outgoing *mails[DIGEST_MAX];
	for (size_t i = 0; i < DIGEST_MAX; i++)
		mails[i] = &mail;
	struct letter l = { .language = NULL };
	const struct preferences p = { .language = language_english(), .zone = zone_find(&w->station, "", NULL) };
	kept = digest_keep(mails, DIGEST_MAX);
	assert_true(strlen(kept) < 1 << 20);
	assert_int_equal(letter_digest(&w->station, &p, kept, &l), 0);
	assert_true(g_utf8_validate(l.text, -1, NULL));
	assert_int_equal(l.alarm_count, DIGEST_MAX);
	letter_finish(&l);
	free(kept);
	free(subject);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_STATION(formats_say_an_alarm_in_the_reader_s_words),
		IN_STATION(nobody_has_acknowledged),
		cmocka_unit_test(units_turn_into_the_reader_s),
		cmocka_unit_test(units_in_a_sentence_are_only_unmistakable_ones),
		IN_STATION(a_trend_is_read_converted_and_drawn),
		IN_STATION(a_picture_comes_of_any_values),
		IN_STATION(a_letter_escapes_everything_and_says_all_in_both_parts),
		IN_STATION(a_digest_is_a_table_of_alarms),
		IN_STATION(what_a_digest_keeps_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
