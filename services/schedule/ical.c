/* SPDX-License-Identifier: Apache-2.0
 * Reading iCalendar: see ical.h. The file is cut into its events here, line by line, and libical sees one event at a
 * time: so each complaint has a line, one bad event spoils no other, and nothing can nest without end. */
#include "services/schedule/ical.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libical/ical.h>

#include "station/base/must.h"
#include "station/value/daytime.h"
#include "station/value/zone.h"

enum { EVENT_BYTES_MOST = 65536, NAME_MOST = 120, DEPTH_MOST = 4, EXDATES_MOST = 400, SPAN_MOST = 366 };

/* One event while it is read. */
struct reading {
	struct ical_reading *r;
	int64_t deadline; /* monotonic seconds */
	size_t events;
	int line; /* where the event begins */
	char name[NAME_MOST + 1];
	int64_t day, span; /* its first day, and how many */
	int64_t exdates[EXDATES_MOST];
	size_t exdate_count;
};

static int64_t seconds_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static void note(struct reading *x, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void note(struct reading *x, int line, const char *format, ...)
{
	char text[300];
	va_list args;
	if (json_array_size(x->r->notes) >= ICAL_NOTES_MOST)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	json_t *detail = json_string(text);
	if (!detail) /* cut within a character */
		detail = json_string("The event cannot be used.");
	json_array_append_new(x->r->notes, json_pack("{s:i, s:o}", "line", line, "detail", detail));
}

/* --- what was found ------------------------------------------------------------------------------------------------- */

static bool add_event(struct reading *x, const char *type, const char *start, const char *end)
{
	if (json_array_size(x->r->items) >= ICAL_DAYS_MOST) {
		note(x, x->line, "The file has more than %d days; the rest is left out. Import fewer years.", ICAL_DAYS_MOST);
		return false;
	}
	json_t *item = json_pack("{s:s, s:s, s:s, s:s}", "name", x->name, "type", type, "start", start, "end", end);
	must(item != NULL);
	json_array_append_new(x->r->items, item);
	return true;
}

static bool add_days(struct reading *x, int64_t day)
{
	char start[16], end[16];
	date_print(day, start);
	date_print(day + x->span - 1, end);
	return x->span == 1 ? add_event(x, "date", start, "") : add_event(x, "dateRange", start, end);
}

/* Every year on the same date: no need to write the years out. */
static void add_yearly(struct reading *x)
{
	char start[16], end[16];
	date_print(x->day, start);
	date_print(x->day + x->span - 1, end);
	start[3] = end[3] = '*';
	if (x->span == 1)
		add_event(x, "date", start + 3, "");
	else
		add_event(x, "dateRange", start + 3, end + 3);
}

static bool in_years(const struct reading *x, int64_t day)
{
	return day + x->span > day_of(x->r->first, 1, 1) && day < day_of(x->r->last + 1, 1, 1);
}

/* --- dates ------------------------------------------------------------------------------------------------------------ */

static bool day_from(const struct icaltimetype *t, int64_t *day)
{
	if (t->year < 1900 || t->year > ZONE_LAST_YEAR || t->month < 1 || t->month > 12 || t->day < 1 ||
	    t->day > days_in_month(t->year, t->month))
		return false;
	*day = day_of(t->year, t->month, t->day);
	return true;
}

static bool midnight(const struct icaltimetype *t)
{
	return t->is_date || (t->hour == 0 && t->minute == 0 && t->second == 0);
}

/* How many days the event lasts; 0: that makes no sense or has a time of day, and a note was made. */
static int64_t span_of(struct reading *x, icalcomponent *event)
{
	icalproperty *end = icalcomponent_get_first_property(event, ICAL_DTEND_PROPERTY);
	icalproperty *duration = icalcomponent_get_first_property(event, ICAL_DURATION_PROPERTY);
	int64_t last, span = 1;
	if (end) {
		struct icaltimetype t = icalproperty_get_dtend(end);
		if (!midnight(&t)) {
			note(x, x->line, "\"%s\" ends at a time of day; only whole days can be used.", x->name);
			return 0;
		}
		span = day_from(&t, &last) ? last - x->day : 0;
		if (span == 0 && t.is_date) /* seen in the wild: the end is the day itself */
			span = 1;
	} else if (duration) {
		struct icaldurationtype d = icalproperty_get_duration(duration);
		bool whole = !d.is_neg && d.minutes == 0 && d.seconds == 0 && d.hours % 24 == 0;
		span = whole ? (int64_t)d.weeks * 7 + d.days + d.hours / 24 : 0;
	}
	if (span < 1 || span > SPAN_MOST) {
		note(x, x->line, "\"%s\" does not last whole days, from one to %d.", x->name, SPAN_MOST);
		return 0;
	}
	return span;
}

static bool take_start(struct reading *x, icalcomponent *event)
{
	icalproperty *start = icalcomponent_get_first_property(event, ICAL_DTSTART_PROPERTY);
	struct icaltimetype t = start ? icalproperty_get_dtstart(start) : icaltime_null_time();
	if (!start || !day_from(&t, &x->day))
		note(x, x->line, "\"%s\" has no date that can be used.", x->name);
	else if (!midnight(&t))
		note(x, x->line, "\"%s\" starts at a time of day; only whole days can be used.", x->name);
	else
		return (x->span = span_of(x, event)) > 0;
	return false;
}

static void take_exdates(struct reading *x, icalcomponent *event)
{
	x->exdate_count = 0;
	for (icalproperty *p = icalcomponent_get_first_property(event, ICAL_EXDATE_PROPERTY); p;
	     p = icalcomponent_get_next_property(event, ICAL_EXDATE_PROPERTY)) {
		struct icaltimetype t = icalproperty_get_exdate(p);
		if (x->exdate_count == EXDATES_MOST) {
			note(x, x->line, "\"%s\" has more than %d exceptions; the rest is not looked at.", x->name, EXDATES_MOST);
			return;
		}
		if (day_from(&t, &x->exdates[x->exdate_count]))
			x->exdate_count++;
	}
}

static bool excepted(const struct reading *x, int64_t day)
{
	for (size_t i = 0; i < x->exdate_count; i++)
		if (x->exdates[i] == day)
			return true;
	return false;
}

/* --- what comes again ------------------------------------------------------------------------------------------------- */

#define GIVEN(list) ((list)[0] != ICAL_RECURRENCE_ARRAY_MAX)

/* FREQ=YEARLY alone, or with the month and day that the start has anyway. */
static bool is_plain_yearly(const struct reading *x, const struct icalrecurrencetype *rule)
{
	int64_t year;
	int month, day;
	day_split(x->day, &year, &month, &day);
	bool same_month =
	    !GIVEN(rule->by_month) || (rule->by_month[0] == month && rule->by_month[1] == ICAL_RECURRENCE_ARRAY_MAX);
	bool same_day = !GIVEN(rule->by_month_day) ||
	    (rule->by_month_day[0] == day && rule->by_month_day[1] == ICAL_RECURRENCE_ARRAY_MAX);
	return rule->freq == ICAL_YEARLY_RECURRENCE && rule->interval == 1 && rule->count == 0 &&
	    icaltime_is_null_time(rule->until) && !GIVEN(rule->by_day) && !GIVEN(rule->by_year_day) &&
	    !GIVEN(rule->by_week_no) && !GIVEN(rule->by_set_pos) && same_month && same_day && x->exdate_count == 0 &&
	    x->span < 300 && year <= x->r->first;
}

static bool usable_rule(struct reading *x, const struct icalrecurrencetype *rule)
{
	if (rule->freq < ICAL_DAILY_RECURRENCE || rule->freq > ICAL_YEARLY_RECURRENCE || GIVEN(rule->by_hour) ||
	    GIVEN(rule->by_minute) || GIVEN(rule->by_second))
		note(x, x->line, "\"%s\" comes again by the hour or less; only whole days can be used.", x->name);
	else if (rule->rscale || rule->interval < 1 || rule->interval > 1000)
		note(x, x->line, "\"%s\" comes again by a rule that is not understood here.", x->name);
	else
		return true;
	return false;
}

static void expand(struct reading *x, struct icalrecurrencetype *rule)
{
	int64_t year, day;
	int month, mday;
	day_split(x->day, &year, &month, &mday);
	struct icaltimetype start = icaltime_null_time(), t; /* null_date has hours of -1, which libical then counts */
	start.is_date = 1;
	start.year = (int)year;
	start.month = month;
	start.day = mday;
	icalrecur_iterator *it = icalrecur_iterator_new(*rule, start);
	size_t found = 0;
	while (it && !icaltime_is_null_time(t = icalrecur_iterator_next(it)) && day_from(&t, &day) &&
	       t.year <= x->r->last) {
		if (seconds_now() > x->deadline)
			break;
		found++;
		if (in_years(x, day) && !excepted(x, day) && !add_days(x, day))
			break;
	}
	if (it)
		icalrecur_iterator_free(it);
	if (found == 0)
		note(x, x->line, "\"%s\" comes again by a rule that never comes true up to %d.", x->name, x->r->last);
}

/* RDATE: more days than the rule tells. */
static void take_rdates(struct reading *x, icalcomponent *event)
{
	for (icalproperty *p = icalcomponent_get_first_property(event, ICAL_RDATE_PROPERTY); p;
	     p = icalcomponent_get_next_property(event, ICAL_RDATE_PROPERTY)) {
		struct icaldatetimeperiodtype when = icalproperty_get_rdate(p);
		int64_t day;
		if (day_from(&when.time, &day) && in_years(x, day) && !excepted(x, day) && day != x->day && !add_days(x, day))
			return;
	}
}

static void take_days(struct reading *x, icalcomponent *event)
{
	icalproperty *rule = icalcomponent_get_first_property(event, ICAL_RRULE_PROPERTY);
	take_exdates(x, event);
	if (!rule) {
		/* A single day counts whatever the years are. */
		if (!excepted(x, x->day) && x->day >= 0)
			add_days(x, x->day);
		take_rdates(x, event);
		return;
	}
	for (; rule; rule = icalcomponent_get_next_property(event, ICAL_RRULE_PROPERTY)) {
		struct icalrecurrencetype recur = icalproperty_get_rrule(rule);
		if (!usable_rule(x, &recur))
			continue;
		if (is_plain_yearly(x, &recur))
			add_yearly(x);
		else
			expand(x, &recur);
	}
	take_rdates(x, event);
}

/* --- one event ---------------------------------------------------------------------------------------------------------- */

static bool is_utf8(const char *text, size_t length)
{
	json_t *probe = json_stringn(text, length);
	json_decref(probe);
	return probe != NULL;
}

/* One line of plain text, cut at a character. */
static void take_name(struct reading *x, icalcomponent *event)
{
	const char *summary = icalcomponent_get_summary(event);
	size_t n = 0;
	for (const char *p = summary ? summary : ""; *p && n < NAME_MOST; p++) {
		bool space = (unsigned char)*p <= ' ' || *p == 0x7f;
		if (!space || (n > 0 && x->name[n - 1] != ' '))
			x->name[n++] = space ? ' ' : *p;
	}
	while (n > 0 && x->name[n - 1] == ' ')
		n--;
	x->name[n] = '\0';
	while (n > 0 && !is_utf8(x->name, n)) /* cut within a character */
		x->name[--n] = '\0';
	if (n == 0)
		snprintf(x->name, sizeof x->name, "Event");
}

static bool usable(struct reading *x, icalcomponent *event)
{
	icalproperty *wrong = icalcomponent_get_first_property(event, ICAL_XLICERROR_PROPERTY);
	if (wrong) {
		const char *why = icalproperty_get_xlicerror(wrong);
		note(x, x->line, "\"%s\" cannot be read: %.120s.", x->name, why ? why : "it is malformed");
		return false;
	}
	if (icalcomponent_get_status(event) == ICAL_STATUS_CANCELLED) {
		note(x, x->line, "\"%s\" is cancelled and left out.", x->name);
		return false;
	}
	if (icalcomponent_get_first_property(event, ICAL_RECURRENCEID_PROPERTY)) {
		note(x, x->line, "\"%s\" moves one day of another event, which is not done here: check that day.", x->name);
		return false;
	}
	return true;
}

static void take_event(struct reading *x, const char *text, size_t length)
{
	char *copy = must_strndup(text, length);
	icalcomponent *event = icalparser_parse_string(copy);
	free(copy);
	if (!event || icalcomponent_isa(event) != ICAL_VEVENT_COMPONENT) {
		note(x, x->line, "An event that cannot be read begins here.");
	} else {
		take_name(x, event);
		if (usable(x, event) && take_start(x, event))
			take_days(x, event);
	}
	if (event)
		icalcomponent_free(event);
}

/* --- the file --------------------------------------------------------------------------------------------------------- */

struct line {
	const char *text, *next;
	size_t length;
};

static bool next_line(const char *p, const char *end, struct line *l)
{
	if (p >= end)
		return false;
	const char *stop = memchr(p, '\n', (size_t)(end - p));
	*l = (struct line){ p, stop ? stop + 1 : end, (size_t)((stop ? stop : end) - p) };
	while (l->length > 0 && (p[l->length - 1] == '\r' || p[l->length - 1] == ' '))
		l->length--;
	return true;
}

static bool says(const struct line *l, const char *what)
{
	return l->length == strlen(what) && strncasecmp(l->text, what, l->length) == 0;
}

static bool starts(const struct line *l, const char *what)
{
	return l->length >= strlen(what) && strncasecmp(l->text, what, strlen(what)) == 0;
}

static int check_file(const char *text, size_t length, struct err *e)
{
	const char *p = text, *end = text + length;
	struct line l;
	if (!is_utf8(text, length) || memchr(text, '\0', length))
		return err_set(e, E_INVALID, NULL, "The file is no UTF-8 text, as an iCalendar file (.ics) must be.");
	if (strncmp(p, "\xEF\xBB\xBF", length < 3 ? length : 3) == 0)
		p += 3;
	while (next_line(p, end, &l) && l.length == 0)
		p = l.next;
	if (p >= end || !says(&l, "BEGIN:VCALENDAR"))
		return err_set(e, E_INVALID, NULL, "This is no iCalendar file: it does not begin with BEGIN:VCALENDAR.");
	return 0;
}

/* Cuts the file into its events. */
static void walk(struct reading *x, const char *text, size_t length)
{
	const char *end = text + length, *begin = NULL;
	int number = 0, depth = 0;
	struct line l;
	for (const char *p = text; next_line(p, end, &l); p = l.next) {
		number++;
		if (says(&l, "BEGIN:VEVENT")) {
			if (begin)
				note(x, x->line, "The event that begins here does not end before the next.");
			begin = l.text;
			x->line = number;
			depth = 0;
		} else if (begin && starts(&l, "BEGIN:") && ++depth > DEPTH_MOST) {
			note(x, x->line, "The event that begins here has too many parts inside of parts.");
			begin = NULL;
		} else if (begin && says(&l, "END:VEVENT")) {
			if (++x->events > ICAL_EVENTS_MOST || seconds_now() > x->deadline) {
				note(x, x->line, "The file is too large or takes too long to work out; the rest is left out.");
				return;
			}
			if (json_array_size(x->r->items) >= ICAL_DAYS_MOST) /* said already */
				return;
			if (l.next - begin > EVENT_BYTES_MOST)
				note(x, x->line, "The event that begins here is too long.");
			else
				take_event(x, begin, (size_t)(l.next - begin));
			begin = NULL;
		} else if (begin && starts(&l, "END:") && --depth < 0) { /* libical would complain on standard error */
			note(x, x->line, "The event that begins here ends a part that it does not begin.");
			begin = NULL;
		}
	}
	if (begin)
		note(x, x->line, "The file ends within the event that begins here.");
}

int ical_read(struct ical_reading *r, const char *text, size_t length, struct err *e)
{
	struct reading *x = must_alloc(sizeof *x);
	*x = (struct reading){ .r = r, .deadline = seconds_now() + ICAL_SECONDS_MOST };
	r->items = json_array();
	r->notes = json_array();
	int rc = check_file(text, length, e);
	if (rc == 0) {
		icalerror_set_errors_are_fatal(0);
		walk(x, text, length);
		if (x->events == 0)
			note(x, 1, "There is no event in the file.");
	}
	free(x);
	return rc;
}
