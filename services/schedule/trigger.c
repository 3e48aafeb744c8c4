/* SPDX-License-Identifier: Apache-2.0
 * TriggerSchedule: fires its topic `trigger` at times of day, on some days or on all; links lead from it to actions. The
 * rules of local time are those of the other schedules; two times that a spring day makes one fire once. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "services/schedule/schedule_inside.h"
#include "station/base/log.h"
#include "station/base/must.h"

struct trigger {
	struct component c;
	struct list days, times;
	char *timeZone;
	bool enabled;
	struct reltime scanLimit;
	struct abstime lastTrigger, nextTrigger;
	/* No slots. */
	struct timer timer;
	struct clock_watch watch;
};
enum time_member { TIME_TIME, TIME_UNTIL, TIME_EVERY };

static const struct slot time_members[] = {
	MEMBER("time", STRING, .dflt = "00:00", .facets = FACETS(.form = FORM_TIME_OF_DAY, .maxLength = 8),
	       .doc = "Local time of day, such as 06:00."),
	MEMBER("until", STRING, .dflt = "24:00", .facets = FACETS(.form = FORM_TIME_OF_DAY, .maxLength = 8),
	       .doc = "With every: it is repeated before this time."),
	MEMBER("every", RELTIME, .facets = FACETS(.min = 0, .max = 86400.0 * SECOND_US),
	       .doc = "0: once; otherwise the time between two, at least one minute."),
	SLOT_END,
};
static const struct slot slots[] = {
	SLOT_LIST(struct trigger, times, time_members, .facets = FACETS(.maxLength = 24),
	          .doc = "When on those days it fires."),
	SLOT_LIST(struct trigger, days, calendar_event_members, .facets = FACETS(.maxLength = 100),
	          .doc = "On which days; none here: every day."),
	SLOT(struct trigger, enabled, BOOLEAN, .dflt = "true", .doc = "Off: it does not fire."),
	SLOT(struct trigger, timeZone, STRING, .facets = FACETS(.maxLength = 63, .names = NAMES_TIME_ZONE),
	     .doc = "Whose local time counts, such as Europe/Berlin; empty: the station's own."),
	SLOT(struct trigger, scanLimit, RELTIME, .dflt = "90d",
	     .facets = FACETS(.min = 86400.0 * SECOND_US, .max = 366 * 86400.0 * SECOND_US),
	     .doc = "How far ahead the next time is looked for."),
	SLOT(struct trigger, lastTrigger, ABSTIME, .dflt = "null", .flags = SLOT_READONLY | SLOT_TRANSIENT | SLOT_SUMMARY,
	     .doc = "When it fired last; null: not since the station has started."),
	SLOT(struct trigger, nextTrigger, ABSTIME, .dflt = "null", .flags = SLOT_READONLY | SLOT_TRANSIENT | SLOT_SUMMARY,
	     .doc = "When it fires next; null: not within the scan limit."),
	SLOT_END,
};
static const struct topic topics[] = {
	{ "trigger", "Fired at each time; its argument is the time." },
	{ 0 },
};

static struct trigger *trigger_of(const struct component *c)
{
	return (struct trigger *)(void *)(uintptr_t)c;
}

static const struct zone *zone_of(const struct trigger *t)
{
	const struct zone *z = zone_find(t->c.station, t->timeZone ? t->timeZone : "", NULL);
	return z ? z : zone_find(t->c.station, "UTC", NULL);
}

/* --- when ----------------------------------------------------------------------------------------------------------- */

static bool on_day(const struct trigger *t, int64_t day)
{
	struct day_rule rule;
	for (uint32_t i = 0; i < t->days.count; i++)
		if (event_days(&t->c, &t->days.items[i], "", NULL, &rule) && day_rule_matches(&rule, day))
			return true;
	return t->days.count == 0;
}

/* The first instant of one row on that day that is later than `after`; INT64_MAX: none. */
static int64_t time_on(const struct zone *z, const struct value *item, int64_t day, int64_t after)
{
	const struct value *m = item->list.items;
	int32_t first, until;
	int64_t every = m[TIME_EVERY].integer / SECOND_US;
	if (daytime_parse(m[TIME_TIME].text, &first) != 0 || daytime_parse(m[TIME_UNTIL].text, &until) != 0)
		return INT64_MAX;
	if (every == 0)
		until = first + 1;
	for (int64_t second = first; second < until; second += every ? every : DAY_SECONDS) {
		int64_t instant = zone_instant(z, day * DAY_SECONDS + second);
		if (instant > after)
			return instant;
	}
	return INT64_MAX;
}

/* INT64_MAX: not within the scan limit. */
static int64_t next_after(const struct trigger *t, int64_t after)
{
	const struct zone *z = zone_of(t);
	int64_t day = day_containing(zone_local(z, after)) - 1, last = day + 2 + t->scanLimit.us / SECOND_US / DAY_SECONDS;
	int64_t best = INT64_MAX;
	/* Yesterday may still have something to give: the clock can be set back over midnight. */
	for (int found = 0; day <= last && found < 2; day++) {
		if (!on_day(t, day))
			continue;
		for (uint32_t i = 0; i < t->times.count; i++) {
			int64_t at = time_on(z, &t->times.items[i], day, after);
			best = at < best ? at : best;
		}
		found += best != INT64_MAX;
	}
	return best;
}

static void arm(struct trigger *t)
{
	struct station *s = t->c.station;
	int64_t now = station_now(s), next = t->enabled ? next_after(t, now / SECOND_US) : INT64_MAX;
	struct value v = value_abstime(next == INT64_MAX ? ABSTIME_NULL : next * SECOND_US);
	component_set(&t->c, component_slot(&t->c, "nextTrigger"), &v);
	/* In a day it looks again: the scan limit has moved on. */
	int64_t wake = next == INT64_MAX ? now + DAY_SECONDS * SECOND_US : next * SECOND_US;
	timer_start(&s->clock, &t->timer, wake - now);
}

/* --- firing ------------------------------------------------------------------------------------------------------------ */

static void committed(void *context, int code, const struct err *e)
{
	(void)context;
	if (code != 0)
		log_error("schedule: what a trigger caused was not saved: %s", e ? e->text : err_text(code));
}

static void fire(struct trigger *t, int64_t when)
{
	struct store_tx *tx = store_tx_new();
	struct value arg = value_abstime(when), last = value_abstime(when);
	component_set(&t->c, component_slot(&t->c, "lastTrigger"), &last);
	topic_fire(&t->c, "trigger", &arg, tx);
	if (store_tx_empty(tx))
		store_tx_free(&tx);
	else
		store_commit(t->c.station->store, tx, committed, NULL);
}

static void fired(struct timer *timer)
{
	struct trigger *t = container_of(timer, struct trigger, timer);
	int64_t due = t->nextTrigger.us;
	if (due != ABSTIME_NULL && station_now(t->c.station) >= due)
		fire(t, due);
	arm(t);
}

static void jumped(struct clock_watch *w)
{
	arm(container_of(w, struct trigger, watch));
}

/* --- life -------------------------------------------------------------------------------------------------------------- */

static void check(const struct component *next, const struct component *current, struct report *report)
{
	(void)current;
	const struct trigger *t = trigger_of(next);
	struct err e = { 0 };
	struct day_rule rule;
	char path[60];
	if (zone_check(next->station, t->timeZone ? t->timeZone : "", &e) != 0)
		report_error(report, E_INVALID, "timeZone", "%s", e.text);
	for (uint32_t i = 0; i < t->days.count; i++) {
		snprintf(path, sizeof path, "days/%u", i);
		event_days(next, &t->days.items[i], path, report, &rule);
	}
	for (uint32_t i = 0; i < t->times.count; i++) {
		int64_t every = t->times.items[i].list.items[TIME_EVERY].integer;
		snprintf(path, sizeof path, "times/%u/every", i);
		if (every != 0 && every < 60 * SECOND_US)
			report_error(report, E_INVALID, path, "Once a minute is the most; 0 stands for once.");
	}
}

static void init(struct component *c)
{
	trigger_of(c)->timer.fire = fired;
	trigger_of(c)->watch.jumped = jumped;
}

static void started(struct component *c)
{
	clock_watch_start(&c->station->clock, &trigger_of(c)->watch);
	arm(trigger_of(c));
}

static void stopped(struct component *c)
{
	clock_watch_stop(&trigger_of(c)->watch);
	timer_stop(&c->station->clock, &trigger_of(c)->timer);
}

static void changed(struct component *c, const struct slot *slot)
{
	if (slots_find(slots, slot->name) && !(slot->flags & SLOT_TRANSIENT))
		arm(trigger_of(c));
}

const struct type schedule_trigger = {
	.name = "schedule:TriggerSchedule",
	.doc = "Fires a topic at times of day; links lead from it to actions.",
	.size = sizeof(struct trigger),
	.base = &baja_component,
	.slots = slots,
	.topics = topics,
	.check = check,
	.init = init,
	.started = started,
	.stopped = stopped,
	.changed = changed,
};
