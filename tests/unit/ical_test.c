/* SPDX-License-Identifier: Apache-2.0
 * iCalendar files: holidays as programs write them, what is left out and why, and a corpus of broken files that must do
 * no harm (run with the sanitizers). */
#include "tests/unit/world.h"

#include "services/schedule/ical.h"
#include "services/schedule/schedule.h"

#define HEAD "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\n"
#define TAIL "END:VCALENDAR\r\n"
#define EVENT(lines) HEAD "BEGIN:VEVENT\r\nUID:a@b\r\nDTSTAMP:20260101T000000Z\r\n" lines "END:VEVENT\r\n" TAIL

static struct ical_reading read_text(const char *text)
{
	struct ical_reading r = { .first = 2026, .last = 2028 };
	struct err e = { 0 };
	if (ical_read(&r, text, strlen(text), &e) != 0)
		fail_msg("%s", e.text);
	return r;
}

static void done(struct ical_reading *r)
{
	json_decref(r->items);
	json_decref(r->notes);
}

/* "Christmas 2026-12-25; ..." */
static void assert_events(const char *text, const char *expected)
{
	struct ical_reading r = read_text(text);
	char found[2000] = "";
	size_t i;
	json_t *event;
	json_array_foreach(r.items, i, event)
	{
		const char *end = json_string_value(json_object_get(event, "end"));
		snprintf(found + strlen(found), sizeof found - strlen(found), "%s%s %s%s%s", i ? "; " : "",
		         json_string_value(json_object_get(event, "name")), json_string_value(json_object_get(event, "start")),
		         *end ? ".." : "", end);
	}
	if (strcmp(found, expected) != 0)
		fail_msg("found \"%s\", expected \"%s\"", found, expected);
	done(&r);
}

static void assert_note(const char *text, int line, const char *part)
{
	struct ical_reading r = read_text(text);
	json_t *first = json_array_get(r.notes, 0);
	if (!first || json_integer_value(json_object_get(first, "line")) != line ||
	    !strstr(json_string_value(json_object_get(first, "detail")), part))
		fail_msg("noted %s, expected \"%s\" at line %d", first ? json_dumps(first, 0) : "nothing", part, line);
	done(&r);
}

static void whole_days(void **state)
{
	(void)state;
	assert_events(EVENT("DTSTART;VALUE=DATE:20261225\r\nDTEND;VALUE=DATE:20261226\r\nSUMMARY:Christmas Day\r\n"),
	              "Christmas Day 2026-12-25");
	assert_events(EVENT("DTSTART;VALUE=DATE:20261224\r\nDTEND;VALUE=DATE:20270102\r\nSUMMARY:Closed\\, all of us\r\n"),
	              "Closed, all of us 2026-12-24..2027-01-01");
	assert_events(EVENT("DTSTART;VALUE=DATE:20261224\r\nDURATION:P2D\r\nSUMMARY:Two\r\n"),
	              "Two 2026-12-24..2026-12-25");
	assert_events(EVENT("DTSTART:20261224T000000\r\nDTEND:20261225T000000\r\nSUMMARY:Midnight\r\n"),
	              "Midnight 2026-12-24");
	assert_events(EVENT("DTSTART;VALUE=DATE:20261224\r\n"), "Event 2026-12-24");
	assert_events(EVENT("DTSTART;VALUE=DATE:20261224\r\nSUMMARY:Folded\r\n  line and \r\n more\r\n"),
	              "Folded line and more 2026-12-24");
	/* Line ends of Unix, a mark of byte order, lower case. */
	assert_events(
	    "\xEF\xBB\xBF"
	    "begin:vcalendar\nbegin:vevent\ndtstart;value=date:20261224\nsummary:low\nend:vevent\nend:vcalendar\n",
	    "low 2026-12-24");
}

static void what_comes_again(void **state)
{
	(void)state;
	assert_events(EVENT("DTSTART;VALUE=DATE:20001225\r\nSUMMARY:Xmas\r\nRRULE:FREQ=YEARLY\r\n"), "Xmas *-12-25");
	assert_events(
	    EVENT("DTSTART;VALUE=DATE:20201231\r\nDTEND;VALUE=DATE:20210103\r\nSUMMARY:NY\r\nRRULE:FREQ=YEARLY\r\n"),
	    "NY *-12-31..*-01-02");
	assert_events(EVENT("DTSTART;VALUE=DATE:20270501\r\nSUMMARY:May\r\nRRULE:FREQ=YEARLY\r\n"),
	              "May 2027-05-01; May 2028-05-01");
	assert_events(EVENT("DTSTART;VALUE=DATE:20200501\r\nSUMMARY:May\r\nRRULE:FREQ=YEARLY\r\n"
	                    "EXDATE;VALUE=DATE:20270501\r\n"),
	              "May 2026-05-01; May 2028-05-01");
	assert_events(
	    EVENT("DTSTART;VALUE=DATE:20200525\r\nSUMMARY:Memorial\r\nRRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO\r\n"),
	    "Memorial 2026-05-25; Memorial 2027-05-31; Memorial 2028-05-29");
	assert_events(EVENT("DTSTART;VALUE=DATE:20260105\r\nSUMMARY:W\r\nRRULE:FREQ=WEEKLY;COUNT=3\r\n"),
	              "W 2026-01-05; W 2026-01-12; W 2026-01-19");
	assert_events(EVENT("DTSTART;VALUE=DATE:20260105\r\nSUMMARY:D\r\nRRULE:FREQ=DAILY;UNTIL=20260107\r\n"),
	              "D 2026-01-05; D 2026-01-06; D 2026-01-07");
	assert_events(EVENT("DTSTART;VALUE=DATE:20260105\r\nSUMMARY:R\r\nRDATE;VALUE=DATE:20260203,20260304\r\n"),
	              "R 2026-01-05; R 2026-02-03; R 2026-03-04");
}

static void left_out_with_a_sentence(void **state)
{
	(void)state;
	assert_note(EVENT("DTSTART:20261224T180000Z\r\nSUMMARY:Party\r\n"), 4, "\"Party\" starts at a time of day");
	assert_note(EVENT("SUMMARY:Never\r\n"), 4, "has no date");
	assert_note(EVENT("DTSTART;VALUE=DATE:20261345\r\nSUMMARY:Odd\r\n"), 4, "\"Odd\"");
	assert_note(EVENT("DTSTART;VALUE=DATE:20261224\r\nDTEND;VALUE=DATE:20261220\r\nSUMMARY:Back\r\n"), 4, "whole days");
	assert_note(EVENT("DTSTART;VALUE=DATE:20261224\r\nSUMMARY:Off\r\nSTATUS:CANCELLED\r\n"), 4, "cancelled");
	assert_note(EVENT("DTSTART;VALUE=DATE:20261224\r\nSUMMARY:S\r\nRRULE:FREQ=SECONDLY\r\n"), 4, "by the hour");
	assert_note(EVENT("DTSTART;VALUE=DATE:20261224\r\nSUMMARY:S\r\nRRULE:FREQ=SOMETIMES\r\n"), 4, "\"S\"");
	assert_note(EVENT("DTSTART;VALUE=DATE:20260101\r\nSUMMARY:N\r\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30\r\n"), 4,
	            "never comes true");
	assert_note(HEAD TAIL, 1, "no event");
	assert_note(HEAD "BEGIN:VEVENT\r\nSUMMARY:x\r\n", 4, "ends within");
}

static void no_calendar_at_all(void **state)
{
	(void)state;
	static const char *const files[] = { "", "hello", "<html>", "BEGIN:VCARD\r\nEND:VCARD\r\n", "\xff\xfe", "\n\n\n" };
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct ical_reading r = { .first = 2026, .last = 2027 };
		struct err e = { 0 };
		assert_int_equal(ical_read(&r, files[i], strlen(files[i]), &e), E_INVALID);
		assert_true(strlen(e.text) > 20);
		done(&r);
	}
}

static void repeat(char *to, size_t size, const char *head, const char *part, const char *tail)
{
	size_t n = (size_t)snprintf(to, size, "%s", head), each = strlen(part), rest = strlen(tail);
	while (n + each + rest + 1 < size) {
		memcpy(to + n, part, each);
		n += each;
	}
	memcpy(to + n, tail, rest + 1);
}

/* Sizes, nesting and rules that are meant to hurt. */
static void hostile_files(void **state)
{
	(void)state;
	enum { SIZE = 1 << 20 };
	static const struct {
		const char *head, *part, *tail;
	} files[] = {
		{ HEAD, "BEGIN:VEVENT\r\n", TAIL },
		{ HEAD "BEGIN:VEVENT\r\n", "BEGIN:VALARM\r\n", "END:VEVENT\r\n" TAIL },
		{ HEAD "BEGIN:VEVENT\r\n", "BEGIN:X\r\nEND:X\r\n", "END:VEVENT\r\n" TAIL },
		{ HEAD "BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20260101\r\nSUMMARY:", "x", "\r\nEND:VEVENT\r\n" TAIL },
		{ HEAD "BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20260101\r\nEXDATE:", "20260101,", "\r\nEND:VEVENT\r\n" TAIL },
		{ HEAD, "BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:19000101\r\nRRULE:FREQ=DAILY\r\nEND:VEVENT\r\n", TAIL },
		{ HEAD,
		  "BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:19000101\r\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30\r\nEND:VEVENT\r\n",
		  TAIL },
		{ HEAD, "\r\n ", TAIL },
		{ HEAD "BEGIN:VEVENT\r\nSUMMARY;X=", "\"", "\r\nEND:VEVENT\r\n" TAIL },
		{ HEAD "BEGIN:VEVENT\r\nRRULE:FREQ=YEARLY", ";BYMONTH=1", "\r\nEND:VEVENT\r\n" TAIL },
	};
	char *text = must_alloc(SIZE);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct timespec from, to;
		repeat(text, SIZE, files[i].head, files[i].part, files[i].tail);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
		struct ical_reading r = { .first = 2026, .last = 2060 };
		struct err e = { 0 };
		ical_read(&r, text, strlen(text), &e);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
		assert_true(json_array_size(r.items) <= ICAL_DAYS_MOST);
		assert_true(json_array_size(r.notes) <= ICAL_NOTES_MOST);
		if (to.tv_sec - from.tv_sec > 2 * ICAL_SECONDS_MOST)
			fail_msg("file %zu took %ld s of the processor", i, to.tv_sec - from.tv_sec);
		done(&r);
	}
	free(text);
}

/* Every byte of a good file changed in turn, and every length of it. */
static void broken_files(void **state)
{
	(void)state;
	const char *good = EVENT("DTSTART;VALUE=DATE:20200525\r\nDTEND;VALUE=DATE:20200526\r\nSUMMARY:Day \\, \xC3\xA9\r\n"
	                         "RRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO;UNTIL=20300101\r\nEXDATE;VALUE=DATE:20270531\r\n"
	                         "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-P1D\r\nEND:VALARM\r\n");
	size_t length = strlen(good);
	static const char replacements[] = { 0, '\n', ':', ';', '=', ',', '"', '9', '-', 'Z', (char)0xff, (char)0xc3 };
	for (size_t i = 0; i < length; i++) {
		for (size_t k = 0; k < sizeof replacements; k++) {
			struct ical_reading r = { .first = 2026, .last = 2028 };
			struct err e = { 0 };
			char *text = must_strdup(good);
			text[i] = replacements[k];
			ical_read(&r, text, length, &e);
			free(text);
			done(&r);
		}
		struct ical_reading r = { .first = 2026, .last = 2028 };
		struct err e = { 0 };
		char *part = must_strndup(good, i);
		ical_read(&r, part, i, &e);
		free(part);
		done(&r);
	}
}

/* --- into a calendar and out again ------------------------------------------------------------------------------------- */

struct imported {
	bool done;
	int code;
	json_t *json;
	char text[400];
};
static void keep(void *context, int code, const struct err *e, const json_t *json)
{
	struct imported *x = context;
	*x = (struct imported){ .done = true, .code = code, .json = json_deep_copy(json) };
	if (e)
		snprintf(x->text, sizeof x->text, "%s", e->text);
}

static const struct type *const types[] = {
	&baja_component,   &baja_folder,      &control_point,     &control_boolean_point, &schedule_service,
	&schedule_boolean, &schedule_numeric, &schedule_calendar, &control_numeric_point, NULL
};

static int64_t import(struct world *w, uint64_t calendar, const char *text, bool replace, bool dry, const char *member)
{
	struct imported x = { 0 };
	const struct ical_import i = { .station = &w->station,
		                           .actor = { .user = "ada", .role = ROLE_ADMIN, .via = "session" },
		                           .calendar = calendar,
		                           .replace = replace,
		                           .dry = dry,
		                           .first = 2026,
		                           .last = 2028,
		                           .done = keep,
		                           .context = &x };
	ical_import(&i, text, strlen(text));
	turn_until(w, &x.done);
	if (x.code != 0)
		fail_msg("%s", x.text);
	int64_t n = json_integer_value(json_object_get(x.json, member));
	json_decref(x.json);
	return n;
}

static void into_a_calendar_and_out(void **state)
{
	(void)state;
	struct world w;
	world_make(&w, types);
	clock_set_wall(&w.station.clock, day_of(2026, 5, 25) * DAY_SECONDS * SECOND_US);
	struct component *c = component_create(&w.station, &schedule_calendar, "Holidays", 0);
	struct value zone = value_string("UTC");
	slot_write(component_slot(c, "timeZone"), c, &zone);
	tree_attach(station_by_path(&w.station, "/Services/ScheduleService"), c);
	tree_start(c);
	const char *memorial =
	    EVENT("DTSTART;VALUE=DATE:20200525\r\nSUMMARY:Memorial; Day\r\nRRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO\r\n");
	const char *xmas = EVENT("DTSTART;VALUE=DATE:20001225\r\nSUMMARY:Xmas\r\nRRULE:FREQ=YEARLY\r\n");
	assert_int_equal(import(&w, c->handle, memorial, false, true, "added"), 3);
	struct value out;
	point_out(c, &out);
	assert_false(out.boolean); /* a dry run */
	assert_int_equal(import(&w, c->handle, memorial, false, false, "total"), 3);
	point_out(c, &out);
	assert_true(out.boolean);
	assert_int_equal(import(&w, c->handle, memorial, false, false, "added"), 0); /* the same again */
	assert_int_equal(import(&w, c->handle, xmas, false, false, "total"), 4);
	char *text = ical_export(c);
	assert_non_null(strstr(text, "SUMMARY:Memorial\\; Day\r\n"));
	assert_int_equal(import(&w, c->handle, text, false, true, "added"), 0); /* what goes out comes in as the same */
	assert_int_equal(import(&w, c->handle, text, false, true, "kept"), 4);
	free(text);
	assert_int_equal(import(&w, c->handle, xmas, true, false, "removed"), 4);
	point_out(c, &out);
	assert_false(out.boolean);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_days),
		cmocka_unit_test(what_comes_again),
		cmocka_unit_test(left_out_with_a_sentence),
		cmocka_unit_test(no_calendar_at_all),
		cmocka_unit_test(hostile_files),
		cmocka_unit_test(broken_files),
		cmocka_unit_test(into_a_calendar_and_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
