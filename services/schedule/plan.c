/* SPDX-License-Identifier: Apache-2.0
 * Which value holds when: see plan.h. A day is walked from stretch to stretch; at each second the strongest event that
 * has an entry there wins: special events in their order, then the week, then the default. */
#include "services/schedule/plan.h"

#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"

/* --- days --------------------------------------------------------------------------------------------------------- */

/* As one number that grows with the date; without the year when any will do. */
static int64_t date_key(int64_t year, int month, int day)
{
	return (year * 16 + month) * 64 + day;
}

static bool in_range(const struct date_pattern *start, const struct date_pattern *end, int64_t year, int month, int day)
{
	bool yearly = start->year == DATE_ANY && end->year == DATE_ANY;
	int64_t key = date_key(yearly ? 0 : year, month, day);
	int64_t low = date_pattern_empty(start) ? INT64_MIN : date_key(yearly ? 0 : start->year, start->month, start->day);
	int64_t high = date_pattern_empty(end) ? INT64_MAX : date_key(yearly ? 0 : end->year, end->month, end->day);
	if (yearly && low > high) /* over New Year */
		return key >= low || key <= high;
	return key >= low && key <= high;
}

static bool week_matches(int week, int day, int last)
{
	if (week == WEEK_ANY)
		return true;
	return week == WEEK_LAST ? day > last - 7 : (day - 1) / 7 == week - 1;
}

static bool matches(const struct day_rule *r, int64_t number, int64_t year, int month, int day)
{
	switch (r->when) {
	case WHEN_DATE:
		return date_pattern_matches(&r->start, year, month, day);
	case WHEN_DATE_RANGE:
		return in_range(&r->start, &r->end, year, month, day);
	case WHEN_WEEK_AND_DAY:
		if (r->month != MONTH_ANY && r->month != month && r->month != (month % 2 ? MONTH_ODD : MONTH_EVEN))
			return false;
		return week_matches(r->week, day, days_in_month(year, month)) &&
		    (r->weekday == WEEKDAY_ANY || r->weekday == day_weekday(number));
	case WHEN_REFERENCE:
		for (size_t i = 0; i < r->calendar_count; i++)
			if (r->calendar[i].when != WHEN_REFERENCE && matches(&r->calendar[i], number, year, month, day))
				return true;
		break;
	}
	return false;
}

bool day_rule_matches(const struct day_rule *rule, int64_t number)
{
	int64_t year;
	int month, day;
	day_split(number, &year, &month, &day);
	return matches(rule, number, year, month, day);
}

bool day_rule_expired(const struct day_rule *rule, int64_t today)
{
	int64_t last;
	if (rule->when == WHEN_DATE)
		return date_pattern_single(&rule->start, &last) && last < today;
	return rule->when == WHEN_DATE_RANGE && date_pattern_single(&rule->end, &last) && last < today;
}

/* --- one day ------------------------------------------------------------------------------------------------------ */

/* Event i of a day: the special events, then the weekday's. */
static const struct entries *event(const struct plan *p, int64_t day, size_t i)
{
	if (i == p->special_count)
		return &p->week[day_weekday(day)];
	return &p->specials[i].entries;
}

enum { NOT_TODAY = UINT16_MAX };

static void begin_day(struct plan_walk *w, int64_t day)
{
	const struct plan *p = w->plan;
	int64_t year;
	int month, mday;
	w->day = day;
	w->second = 0;
	day_split(day, &year, &month, &mday);
	bool effective = in_range(&p->from, &p->until, year, month, mday);
	for (size_t i = 0; i < p->special_count; i++)
		w->cursor[i] = effective && matches(&p->specials[i].days, day, year, month, mday) ? 0 : NOT_TODAY;
	w->cursor[p->special_count] = effective ? 0 : NOT_TODAY;
	w->now = (struct stretch){ .source = effective ? SOURCE_DEFAULT : SOURCE_NOT_EFFECTIVE };
}

/* The stretch that begins at w->second, in local time. False: the day is over. */
static bool next_local(struct plan_walk *w, struct stretch *s)
{
	const struct plan *p = w->plan;
	bool effective = w->cursor[p->special_count] != NOT_TODAY;
	if (w->second >= DAY_SECONDS)
		return false;
	*s = (struct stretch){ .day = w->day,
		                   .start = w->second,
		                   .finish = DAY_SECONDS,
		                   .value = &p->dflt,
		                   .source = effective ? SOURCE_DEFAULT : SOURCE_NOT_EFFECTIVE };
	for (size_t i = 0; i <= p->special_count; i++) {
		if (w->cursor[i] == NOT_TODAY)
			continue;
		const struct entries *list = event(p, w->day, i);
		while (w->cursor[i] < list->count && list->items[w->cursor[i]].finish <= w->second)
			w->cursor[i]++;
		if (w->cursor[i] == list->count)
			continue;
		const struct entry *e = &list->items[w->cursor[i]];
		if (e->start > w->second) { /* it ends whatever weaker holds until then */
			if (e->start < s->finish)
				s->finish = e->start;
			continue;
		}
		s->value = &e->value;
		s->source = i < p->special_count ? SOURCE_SPECIAL : SOURCE_WEEK;
		s->special = i < p->special_count ? &p->specials[i] : NULL;
		if (e->finish < s->finish)
			s->finish = e->finish;
		break;
	}
	w->second = s->finish;
	return true;
}

/* Sets the instants; false: the local clock jumps over it. */
static bool place(const struct plan *p, struct stretch *s)
{
	s->from = zone_instant(p->zone, s->day * DAY_SECONDS + s->start);
	s->until = zone_instant(p->zone, s->day * DAY_SECONDS + s->finish);
	return s->from < s->until;
}

void plan_step(struct plan_walk *w)
{
	struct stretch s;
	do {
		while (!next_local(w, &s))
			begin_day(w, w->day + 1);
	} while (!place(w->plan, &s));
	w->now = s;
}

void plan_walk(struct plan_walk *w, const struct plan *plan, int64_t instant)
{
	must(plan->special_count <= SPECIALS_MOST);
	w->plan = plan;
	int64_t day = day_containing(zone_local(plan->zone, instant));
	while (zone_instant(plan->zone, day * DAY_SECONDS) > instant)
		day--;
	while (zone_instant(plan->zone, (day + 1) * DAY_SECONDS) <= instant)
		day++;
	begin_day(w, day);
	do
		plan_step(w);
	while (w->now.until <= instant);
}

bool stretch_same(const struct stretch *a, const struct stretch *b)
{
	return a->source == b->source && a->special == b->special && value_equal(a->value, b->value);
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static void entries_free(struct entries *list)
{
	for (size_t i = 0; i < list->count; i++)
		value_clear(&list->items[i].value);
	free(list->items);
}

void plan_free(struct plan **plan)
{
	struct plan *p = *plan;
	*plan = NULL;
	if (!p)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(p->week); i++)
		entries_free(&p->week[i]);
	for (size_t i = 0; i < p->special_count; i++) {
		free(p->specials[i].name);
		free((void *)(uintptr_t)p->specials[i].days.calendar);
		entries_free(&p->specials[i].entries);
	}
	free(p->specials);
	value_clear(&p->dflt);
	free(p);
}
