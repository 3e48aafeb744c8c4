/* SPDX-License-Identifier: Apache-2.0
 * From a schedule's properties to its plan, and what can be wrong with them. The same walk checks a proposed schedule
 * (with a report) and makes the plan of a running one (without). Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "services/schedule/schedule_inside.h"
#include "station/base/must.h"
#include "station/tree/ord.h"

/* What a walk carries along. */
struct making {
	const struct component *c;
	struct report *report; /* NULL: nobody listens */
	char **missing;
	const struct numeric_facets *limits; /* NULL: no numbers, or no limits */
	const struct list *tags;             /* the range of an enum; NULL: no enum */
};

static const char *const weekdays[] = { "sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday" };

static const char *text_of(const char *text)
{
	return text ? text : "";
}

#define COMPLAIN(m, path, ...)                                                                                         \
	do {                                                                                                               \
		if ((m)->report)                                                                                               \
			report_error((m)->report, E_INVALID, path, __VA_ARGS__);                                                   \
	} while (0)

/* --- entries ------------------------------------------------------------------------------------------------------ */

static int by_start(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	return (x->start > y->start) - (x->start < y->start);
}

static bool within_limits(struct making *m, const struct value *v, const char *path)
{
	const struct numeric_facets *f = m->limits;
	if (!f || (v->status & STATUS_NULL) || (v->real >= f->min && v->real <= f->max))
		return true;
	COMPLAIN(m, path, "%g is outside of this schedule's range, %g to %g.", v->real, f->min, f->max);
	return false;
}

/* A tag's name becomes its number. */
static bool take_tag(struct making *m, const struct value *text, const char *path, struct value *out)
{
	*out = (struct value){ .kind = V_STATUS_ENUM, .status = text->status };
	for (uint32_t i = 0; i < m->tags->count; i++) {
		const struct value *tag = m->tags->items[i].list.items;
		if (strcmp(tag[1].text, text->text) == 0) {
			out->ordinal = (int)tag[0].integer;
			return true;
		}
	}
	if (text->status & STATUS_NULL)
		return true;
	COMPLAIN(m, path, "\"%.60s\" is not in the range of this schedule's facets.", text->text);
	return false;
}

static bool make_entry(struct making *m, const struct value *item, const char *path, struct entry *e)
{
	char inner[160];
	const struct value *members = item->list.items;
	*e = (struct entry){ 0 };
	snprintf(inner, sizeof inner, "%s/finish", path);
	if (daytime_parse(members[ENTRY_START].text, &e->start) != 0 ||
	    daytime_parse(members[ENTRY_FINISH].text, &e->finish) != 0)
		return false; /* the value's own check has said so */
	if (e->finish == 0) {
		COMPLAIN(m, inner, "Write 24:00 for the end of the day.");
		return false;
	}
	if (e->finish <= e->start) {
		COMPLAIN(m, inner, "The block ends at %s, before it starts; split a block that goes on after midnight.",
		         members[ENTRY_FINISH].text);
		return false;
	}
	snprintf(inner, sizeof inner, "%s/value", path);
	if (m->tags)
		return take_tag(m, &members[ENTRY_VALUE], inner, &e->value);
	if (!within_limits(m, &members[ENTRY_VALUE], inner))
		return false;
	value_copy(&e->value, &members[ENTRY_VALUE]);
	return true;
}

static void make_entries(struct making *m, const struct list *list, const char *path, struct entries *out)
{
	char inner[120], from[DAYTIME_TEXT_MAX], to[DAYTIME_TEXT_MAX];
	out->items = must_alloc((list->count + 1) * sizeof *out->items);
	for (uint32_t i = 0; i < list->count; i++) {
		struct entry e;
		snprintf(inner, sizeof inner, "%s/%u", path, i);
		if (!make_entry(m, &list->items[i], inner, &e))
			continue;
		for (size_t k = 0; k < out->count; k++) {
			const struct entry *other = &out->items[k];
			if (e.start < other->finish && other->start < e.finish) {
				COMPLAIN(m, inner, "The block overlaps with the one from %s to %s.", daytime_print(other->start, from),
				         daytime_print(other->finish, to));
				e.finish = 0;
				break;
			}
		}
		if (e.finish == 0)
			value_clear(&e.value);
		else
			out->items[out->count++] = e;
	}
	qsort(out->items, out->count, sizeof *out->items, by_start);
}

/* --- days --------------------------------------------------------------------------------------------------------- */

static bool exact(const struct date_pattern *p)
{
	return p->month != DATE_ANY && p->day != DATE_ANY && p->day != DATE_LAST;
}

static bool make_range(struct making *m, const struct date_pattern *start, const struct date_pattern *end,
                       const char *path)
{
	char inner[120];
	snprintf(inner, sizeof inner, "%s/end", path);
	bool open = date_pattern_empty(start) || date_pattern_empty(end);
	if ((!date_pattern_empty(start) && !exact(start)) || (!date_pattern_empty(end) && !exact(end)))
		COMPLAIN(m, inner, "A range goes from one date to another; only the year may be *.");
	else if (open && (start->year == DATE_ANY || end->year == DATE_ANY))
		COMPLAIN(m, inner, "A range with an open end needs a year.");
	else if (!open && (start->year == DATE_ANY) != (end->year == DATE_ANY))
		COMPLAIN(m, inner, "Both dates of a range have a year, or neither.");
	else if (!open && start->year != DATE_ANY &&
	         day_of(start->year, start->month, start->day) > day_of(end->year, end->month, end->day))
		COMPLAIN(m, inner, "The range ends before it starts.");
	else
		return true;
	return false;
}

static bool make_days(struct making *m, const struct value *members, const char *path, struct day_rule *r)
{
	char inner[120];
	*r = (struct day_rule){ .when = (enum when)members[EVENT_TYPE].ordinal,
		                    .month = (int8_t)members[EVENT_MONTH].ordinal,
		                    .week = (int8_t)members[EVENT_WEEK].ordinal,
		                    .weekday = (int8_t)members[EVENT_WEEKDAY].ordinal };
	if (date_pattern_parse(members[EVENT_START].text, &r->start) != 0 ||
	    date_pattern_parse(members[EVENT_END].text, &r->end) != 0)
		return false;
	if (r->when == WHEN_DATE && date_pattern_empty(&r->start)) {
		snprintf(inner, sizeof inner, "%s/start", path);
		COMPLAIN(m, inner, "An event of the type date needs its date here.");
		return false;
	}
	if (r->when == WHEN_DATE_RANGE)
		return make_range(m, &r->start, &r->end, path);
	return true;
}

/* The days of a calendar that an event refers to. */
static void take_calendar(struct making *m, const char *ord, const char *path, struct day_rule *r)
{
	struct err e = { 0 };
	struct component *calendar = *ord ? ord_resolve(m->c->station, (struct component *)(uintptr_t)m->c, ord, &e) : NULL;
	if (!component_is(calendar, &schedule_calendar)) {
		char inner[120];
		snprintf(inner, sizeof inner, "%s/reference", path);
		if (m->report)
			report_warning(m->report, inner,
			               "There is no calendar at \"%.100s\": the event has no days until there is one.", ord);
		if (m->missing && !*m->missing)
			*m->missing = must_format("There is no calendar at \"%.100s\".", ord);
		return;
	}
	const struct list *events = &schedule_state(calendar)->events;
	struct day_rule *rules = must_alloc((events->count + 1) * sizeof *rules);
	struct making silent = { .c = calendar };
	for (uint32_t i = 0; i < events->count; i++)
		if (make_days(&silent, events->items[i].list.items, "", &rules[r->calendar_count]))
			r->calendar_count++;
	r->calendar = rules;
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static void make_special(struct making *m, const struct value *item, const char *path, struct plan *p)
{
	const struct value *members = item->list.items;
	struct special s = { 0 };
	char inner[128];
	if (!make_days(m, members, path, &s.days))
		return;
	if (s.days.when == WHEN_REFERENCE)
		take_calendar(m, members[EVENT_REFERENCE].text, path, &s.days);
	snprintf(inner, sizeof inner, "%s/entries", path);
	make_entries(m, &(struct list){ members[EVENT_ENTRIES].list.items, members[EVENT_ENTRIES].list.count }, inner,
	             &s.entries);
	s.name = must_strdup(members[EVENT_NAME].text);
	p->specials[p->special_count++] = s;
}

/* A calendar's events are one special event whose days are all of theirs: there may be many. */
static void make_calendar(struct making *m, const struct schedule *s, struct plan *p)
{
	char path[96];
	struct special all = { .name = must_strdup(""), .days = { .when = WHEN_REFERENCE } };
	struct day_rule *rules = must_alloc((s->events.count + 1) * sizeof *rules);
	for (uint32_t i = 0; i < s->events.count; i++) {
		snprintf(path, sizeof path, "events/%u", i);
		if (make_days(m, s->events.items[i].list.items, path, &rules[all.days.calendar_count]))
			all.days.calendar_count++;
	}
	all.days.calendar = rules;
	all.entries.items = must_alloc(sizeof *all.entries.items);
	all.entries.items[all.entries.count++] =
	    (struct entry){ 0, DAY_SECONDS, { .kind = V_STATUS_BOOLEAN, .boolean = true } };
	p->specials[p->special_count++] = all;
	p->dflt = (struct value){ .kind = V_STATUS_BOOLEAN };
}

static void make_week(struct making *m, const struct schedule *s, struct plan *p)
{
	char path[96];
	for (size_t i = 0; i < ARRAY_SIZE(weekdays); i++) {
		snprintf(path, sizeof path, "weeklySchedule/%s", weekdays[i]);
		make_entries(m, &s->weeklySchedule.day[i], path, &p->week[i]);
	}
	for (uint32_t i = 0; i < s->events.count && p->special_count < SPECIALS_MOST; i++) {
		snprintf(path, sizeof path, "specialEvents/%u", i);
		make_special(m, &s->events.items[i], path, p);
	}
	if (date_pattern_parse(text_of(s->effective.start), &p->from) == 0 &&
	    date_pattern_parse(text_of(s->effective.end), &p->until) == 0)
		make_range(m, &p->from, &p->until, "effective");
	slot_read(schedule_row(m->c, "defaultOutput"), m->c, &p->dflt);
	within_limits(m, &p->dflt, "defaultOutput");
}

struct plan *plan_make(const struct component *c, struct report *report, char **missing)
{
	struct making m = { .c = c, .report = report, .missing = missing };
	const struct schedule *s = schedule_state(c);
	struct plan *p = must_alloc(sizeof *p);
	struct err e = { 0 };
	if (component_is(c, &control_numeric_point)) {
		const struct numeric_point *point = (const void *)c;
		m.limits = point->rare->facets.min < point->rare->facets.max ? &point->rare->facets : NULL;
	}
	if (component_is(c, &control_enum_point))
		m.tags = &((const struct enum_point *)(const void *)c)->facets.range;
	p->specials = must_alloc(SPECIALS_MOST * sizeof *p->specials);
	p->zone = zone_find(c->station, text_of(s->timeZone), &e);
	if (!p->zone) {
		COMPLAIN(&m, "timeZone", "%s", e.text);
		p->zone = zone_find(c->station, "UTC", NULL);
	}
	if (schedule_kind(c)->calendar)
		make_calendar(&m, s, p);
	else
		make_week(&m, s, p);
	return p;
}

bool event_days(const struct component *c, const struct value *item, const char *path, struct report *report,
                struct day_rule *out)
{
	struct making m = { .c = c, .report = report };
	return make_days(&m, item->list.items, path, out);
}

/* --- words -------------------------------------------------------------------------------------------------------- */

/* What the calendar calls that day. */
static const char *event_of(const struct component *calendar, int64_t day)
{
	const struct list *events = &schedule_state(calendar)->events;
	struct making silent = { .c = calendar };
	struct day_rule rule;
	for (uint32_t i = 0; i < events->count; i++) {
		const struct value *members = events->items[i].list.items;
		if (make_days(&silent, members, "", &rule) && day_rule_matches(&rule, day))
			return members[EVENT_NAME].text;
	}
	return "";
}

char *stretch_source(const struct component *c, const struct stretch *s)
{
	char label[32];
	bool calendar = schedule_kind(c)->calendar;
	switch (s->source) {
	case SOURCE_SPECIAL:
		return calendar ? must_format("Event: %s", event_of(c, s->day))
		                : must_format("Special event: %s", s->special->name);
	case SOURCE_WEEK:
		return must_format("Week: %s", display_name(weekdays[day_weekday(s->day)], label, sizeof label));
	case SOURCE_NOT_EFFECTIVE:
		return must_strdup("Not effective: default output");
	case SOURCE_DEFAULT:
		break;
	}
	return must_strdup(calendar ? "No event" : "Default output");
}
