/* SPDX-License-Identifier: Apache-2.0
 * Shelved alarms (ISA-18.2): recorded and shown, but nobody is told of them, for a time that somebody has set. When it is
 * over the alarm is as new: unacknowledged again and told, if its source is still not normal. New alarms of a source that
 * is shelved are shelved with it. Engine thread. */
#include "services/alarm/alarm_order.h"
#include "station/base/must.h"

/* The clock may be set: the end is looked at again at least so often while something is shelved. */
enum { LOOK_AT_LEAST_US = 60000000 };

bool alarm_shelved(const struct alarm_record *r)
{
	return r->shelvedUntil.us != ABSTIME_NULL;
}

void alarm_shelf_look(struct alarm_service *service)
{
	int64_t now = station_now(service->c.station), next = INT64_MAX;
	for (const struct open_alarm *a = NULL; (a = open_alarms_next(&service->open, a));)
		if (alarm_shelved(&a->record) && a->record.shelvedUntil.us - now < next)
			next = a->record.shelvedUntil.us - now;
	if (next == INT64_MAX)
		timer_stop(&service->c.station->clock, &service->shelf);
	else
		timer_start(&service->c.station->clock, &service->shelf,
		            next < 0                      ? 0
		                : next < LOOK_AT_LEAST_US ? next
		                                          : LOOK_AT_LEAST_US);
}

void alarm_shelf_inherit(struct alarm_service *service, struct alarm_record *r)
{
	int64_t now = station_now(service->c.station);
	uint64_t source = (uint64_t)r->sourceHandle;
	for (const struct open_alarm *a = NULL; source && (a = open_alarms_same(&service->open, source, a));)
		if (alarm_shelved(&a->record) && a->record.shelvedUntil.us > now)
			r->shelvedUntil = a->record.shelvedUntil;
}

static void end_shelving(struct alarm_service *service, struct open_alarm *alarm, int64_t now)
{
	struct alarm_record *r = &alarm->record;
	bool again = r->sourceState != ALARM_NORMAL;
	r->shelvedUntil.us = ABSTIME_NULL;
	if (again && r->ackRequired && r->ackState == ALARM_ACKED) {
		r->ackState = ALARM_UNACKED;
		r->ackTime.us = ABSTIME_NULL;
		alarm_set_text(&r->user, "");
	}
	alarm_note(r, now, "station", "The time for which this alarm was shelved is over.");
	alarm_update(service, alarm, now);
	struct store_tx *tx = store_tx_new();
	if (again)
		alarm_route(service, r, tx);
	alarm_commit(service, tx, alarm, NULL, NULL);
	alarm_ext_show(station_by_handle(service->c.station, alarm->source));
}

static void look(struct timer *t)
{
	struct alarm_service *service = container_of(t, struct alarm_service, shelf);
	int64_t now = station_now(service->c.station);
	for (struct open_alarm *a = NULL; (a = open_alarms_next(&service->open, a));)
		if (alarm_shelved(&a->record) && a->record.shelvedUntil.us <= now)
			end_shelving(service, a, now);
	alarm_shelf_look(service);
}

void alarm_shelf_init(struct alarm_service *service)
{
	service->shelf.fire = look;
}
