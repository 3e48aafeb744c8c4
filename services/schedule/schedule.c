/* SPDX-License-Identifier: Apache-2.0
 * A running schedule: keeps its plan, shows the value of now, and sleeps until that changes. It looks again at each
 * local midnight, and at once when somebody sets the wall clock. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "services/schedule/schedule_rows.h"
#include "station/base/log.h"
#include "station/base/must.h"

/* --- who is what ---------------------------------------------------------------------------------------------------- */

const struct kind_of_schedule *schedule_kind(const struct component *c)
{
	for (const struct kind_of_schedule *k = schedule_kinds; k->type; k++)
		if (component_is(c, k->type))
			return k;
	return NULL;
}

bool schedule_is(const struct component *c)
{
	return schedule_kind(c) != NULL;
}

struct schedule *schedule_state(const struct component *c)
{
	return (struct schedule *)(void *)((char *)(uintptr_t)c + schedule_kind(c)->state);
}

const struct slot *schedule_row(const struct component *c, const char *name)
{
	return slots_find(schedule_kind(c)->rows, name);
}

/* --- showing ---------------------------------------------------------------------------------------------------------- */

static void show(struct component *c, const char *name, struct value v)
{
	component_set(c, schedule_row(c, name), &v);
}

/* Alarm bits belong to the alarm extensions. */
static void publish(struct component *c, struct value *v)
{
	enum { ALARM_BITS = STATUS_ALARM | STATUS_UNACKED_ALARM };
	struct value old;
	point_out(c, &old);
	v->status = (uint16_t)((v->status & ~ALARM_BITS) | (old.status & ALARM_BITS));
	value_clear(&old);
	uint16_t status = v->status;
	component_set(c, point_out_slot(c), v);
	component_set_status(c, status);
}

/* The input wins while it is good; else what is scheduled. */
static void show_out(struct component *c, const struct stretch *now)
{
	struct value v;
	slot_read(schedule_row(c, "in"), c, &v);
	if (!(v.status & STATUS_INVALID_MASK)) {
		show(c, "outSource", value_string("Input"));
		publish(c, &v);
		return;
	}
	value_clear(&v);
	value_copy(&v, now->value);
	show(c, "outSource", (struct value){ .kind = V_STRING, .text = stretch_source(c, now) });
	publish(c, &v);
}

static void show_next(struct component *c, const struct stretch *next)
{
	struct value v;
	if (next)
		value_copy(&v, next->value);
	else
		v = value_default(schedule_row(c, "nextValue"));
	show(c, "nextValue", v);
	show(c, "nextTime", value_abstime(next ? next->from * SECOND_US : ABSTIME_NULL));
}

/* --- cleaning up ------------------------------------------------------------------------------------------------------ */

struct cleaning {
	struct station *station;
	uint64_t schedule;
};

static void cleaned(void *context, int code, const struct report *report, uint64_t added)
{
	(void)report, (void)added;
	struct cleaning *x = context;
	struct component *c = station_by_handle(x->station, x->schedule);
	if (c)
		schedule_state(c)->cleaning = false;
	if (c && code != 0)
		log_warn("schedule %s: events that have passed could not be removed: %s", c->name, err_text(code));
	free(x);
}

static bool item_expired(const struct value *item, int64_t today)
{
	const struct value *m = item->list.items;
	struct day_rule rule = { .when = (enum when)m[EVENT_TYPE].ordinal };
	return date_pattern_parse(m[EVENT_START].text, &rule.start) == 0 &&
	    date_pattern_parse(m[EVENT_END].text, &rule.end) == 0 && day_rule_expired(&rule, today);
}

static void clean_up(struct component *c, int64_t today)
{
	struct schedule *s = schedule_state(c);
	struct value kept = { .kind = V_LIST };
	kept.list.items = must_alloc((s->events.count + 1) * sizeof *kept.list.items);
	for (uint32_t i = 0; i < s->events.count; i++)
		if (!item_expired(&s->events.items[i], today))
			value_copy(&kept.list.items[kept.list.count++], &s->events.items[i]);
	if (kept.list.count < s->events.count && !s->cleaning) {
		static const struct actor station = { .role = ROLE_ADMIN };
		struct batch *b = batch_new(c->station, &station);
		struct cleaning *x = must_alloc(sizeof *x);
		*x = (struct cleaning){ c->station, c->handle };
		s->cleaning = true;
		batch_set(b, c->handle, schedule_kind(c)->calendar ? "events" : "specialEvents", &kept);
		batch_submit(b, cleaned, x);
	}
	value_clear(&kept);
}

/* --- now ---------------------------------------------------------------------------------------------------------------- */

static int64_t floor_seconds(int64_t us)
{
	return us / SECOND_US - (us % SECOND_US < 0);
}

/* The first stretch with another value than now's, within the scan limit. Sets *wake: when there is something to do. */
static bool look_ahead(const struct schedule *s, struct plan_walk *w, const struct stretch *now, int64_t *wake)
{
	int64_t last = now->day + s->scanLimit.us / SECOND_US / DAY_SECONDS;
	*wake = 0;
	do {
		plan_step(w);
		if (!*wake && (w->now.day != now->day || !stretch_same(&w->now, now)))
			*wake = w->now.from;
		if (!value_equal(w->now.value, now->value))
			return true;
	} while (w->now.day <= last);
	return false;
}

static void evaluate(struct schedule *s)
{
	struct component *c = s->c;
	struct plan_walk w;
	int64_t us = station_now(c->station), wake;
	plan_walk(&w, s->plan, floor_seconds(us));
	struct stretch now = w.now;
	bool next_day = s->day && now.day == s->day + 1;
	s->day = now.day;
	bool found = look_ahead(s, &w, &now, &wake);
	timer_start(&c->station->clock, &s->timer, wake * SECOND_US - us);
	show_next(c, found ? &w.now : NULL);
	show_out(c, &now);
	if (next_day && s->cleanupExpiredEvents) /* not when the clock was set: it may be wrong */
		clean_up(c, now.day);
}

static void fired(struct timer *t)
{
	evaluate(container_of(t, struct schedule, timer));
}

static void jumped(struct clock_watch *w)
{
	evaluate(container_of(w, struct schedule, watch));
}

static bool has_references(const struct schedule *s)
{
	for (uint32_t i = 0; i < s->events.count; i++)
		if (s->events.items[i].list.items[EVENT_TYPE].ordinal == WHEN_REFERENCE)
			return true;
	return false;
}

void schedule_refresh(struct schedule *s)
{
	char *missing = NULL;
	plan_free(&s->plan);
	s->plan = plan_make(s->c, NULL, &missing);
	s->refers = has_references(s);
	show(s->c, "faultCause", value_string(missing));
	free(missing);
	evaluate(s);
}

/* --- life ----------------------------------------------------------------------------------------------------------------- */

void schedule_init(struct component *c)
{
	struct schedule *s = schedule_state(c);
	s->c = c;
	s->timer.fire = fired;
	s->watch.jumped = jumped;
}

void schedule_fini(struct component *c)
{
	plan_free(&schedule_state(c)->plan);
}

void schedule_check(const struct component *next, const struct component *current, struct report *report)
{
	(void)current;
	struct plan *plan = plan_make(next, report, NULL);
	plan_free(&plan);
}

void schedule_started(struct component *c)
{
	struct schedule *s = schedule_state(c);
	schedule_register(s);
	clock_watch_start(&c->station->clock, &s->watch);
	s->day = 0;
	schedule_refresh(s);
	if (schedule_kind(c)->calendar)
		schedules_look_again(c->station);
}

void schedule_stopped(struct component *c)
{
	struct schedule *s = schedule_state(c);
	schedule_forget(s);
	clock_watch_stop(&s->watch);
	timer_stop(&c->station->clock, &s->timer);
	if (schedule_kind(c)->calendar)
		schedules_look_again(c->station);
}

void schedule_changed(struct component *c, const struct slot *slot)
{
	struct schedule *s = schedule_state(c);
	bool mine = slots_find(schedule_kind(c)->rows, slot->name) || strcmp(slot->name, "facets") == 0;
	if (!mine || (slot->flags & SLOT_TRANSIENT) || !s->plan)
		return;
	if (strcmp(slot->name, "in") == 0) {
		evaluate(s);
		return;
	}
	schedule_refresh(s);
	if (schedule_kind(c)->calendar)
		schedules_look_again(c->station);
}
