/* SPDX-License-Identifier: Apache-2.0
 * The ScheduleService: knows the running schedules, so that a calendar that changes, comes, goes or moves is looked at
 * again by those who refer to it. Without the service schedules run all the same, but notice that only when they
 * themselves change, or at a restart. Engine thread. */
#include <string.h>

#include "services/schedule/schedule_inside.h"
#include "station/base/must.h"

struct service {
	struct component c;
	int64_t scheduleCount;
	/* No slots. */
	struct schedule *schedules; /* borrowed */
	struct timer again;
	struct observer observer;
};

static struct service *service_of(struct station *s)
{
	struct component *c = station_service(s, &schedule_service);
	return c ? (struct service *)(void *)c : NULL;
}

static const struct slot service_slots[] = {
	SLOT(struct service, scheduleCount, INTEGER, .flags = SLOT_READONLY | SLOT_TRANSIENT | SLOT_SUMMARY,
	     .doc = "How many schedules and calendars the station has."),
	SLOT_END,
};

static void count(struct service *service, int64_t change)
{
	struct value v = value_integer(service->scheduleCount + change);
	component_set(&service->c, &service_slots[0], &v);
}

void schedule_register(struct schedule *s)
{
	struct service *service = service_of(s->c->station);
	if (!service || s->prev)
		return;
	s->next = service->schedules;
	if (s->next)
		s->next->prev = &s->next;
	s->prev = &service->schedules;
	service->schedules = s;
	count(service, 1);
}

void schedule_forget(struct schedule *s)
{
	struct service *service = service_of(s->c->station);
	if (!s->prev)
		return;
	*s->prev = s->next;
	if (s->next)
		s->next->prev = s->prev;
	s->prev = NULL;
	if (service)
		count(service, -1);
}

static void look_again(struct timer *t)
{
	struct service *service = container_of(t, struct service, again);
	for (struct schedule *s = service->schedules; s; s = s->next)
		if (s->refers)
			schedule_refresh(s);
}

void schedules_look_again(struct station *s)
{
	struct service *service = service_of(s);
	if (service && (service->c.flags & COMPONENT_RUNNING) && !s->stopping)
		timer_start(&s->clock, &service->again, 0);
}

/* What stands above a calendar may be renamed or moved: then its ord leads elsewhere. */
static void component_happened(struct observer *o, struct component *c, const char *what)
{
	if (strcmp(what, "moved") == 0)
		schedules_look_again(c->station);
	(void)o;
}

static void init(struct component *c)
{
	struct service *service = (struct service *)(void *)c;
	service->again.fire = look_again;
	service->observer.component = component_happened;
}

/* Schedules that ran before there was a service. */
static void started(struct component *c)
{
	struct service *service = (struct service *)(void *)c;
	station_observe(c->station, &service->observer);
	for (struct component *d = c->station->tree.root; d; d = tree_next(d, c->station->tree.root))
		if (schedule_is(d) && (d->flags & COMPONENT_RUNNING))
			schedule_register(schedule_state(d));
}

static void stopped(struct component *c)
{
	struct service *service = (struct service *)(void *)c;
	timer_stop(&c->station->clock, &service->again);
	station_unobserve(c->station, &service->observer);
}

/* Nobody may be left in a list that is gone. */
static void fini(struct component *c)
{
	struct service *service = (struct service *)(void *)c;
	while (service->schedules) {
		struct schedule *s = service->schedules;
		service->schedules = s->next;
		s->prev = NULL;
		s->next = NULL;
		if (service->schedules)
			service->schedules->prev = &service->schedules;
	}
}

const struct type schedule_service = {
	.name = "schedule:ScheduleService",
	.doc = "Schedules and calendars, and where new ones may stand.",
	.size = sizeof(struct service),
	.base = &baja_component,
	.slots = service_slots,
	.flags = TYPE_CONTAINER | TYPE_SINGLETON,
	.init = init,
	.fini = fini,
	.started = started,
	.stopped = stopped,
};
