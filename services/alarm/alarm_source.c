/* SPDX-License-Identifier: Apache-2.0
 * Alarms that components raise about themselves (station/alarm/alarm_support.h): one open alarm for each condition of a source.
 * The condition's name stands in alarmData, so that it is found again after a restart. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "services/alarm/alarm_order.h"
#include "station/base/must.h"
#include "station/tree/format.h"

static const char condition_key[] = "condition";

/* The open alarm of that condition (NULL: any) that is not normal; NULL when there is none. */
static struct open_alarm *find(const struct alarm_service *service, const struct component *source,
                               const char *condition)
{
	struct open_alarm *alarm = open_alarms_of(&service->open, source->handle);
	while (alarm && condition && strcmp(alarm_data_get(&alarm->record, condition_key), condition) != 0)
		alarm = open_alarms_older(alarm);
	return alarm;
}

static char *expanded(const char *format, const struct component *c, const char *otherwise)
{
	return *format ? format_expand_component(format, c) : must_strdup(otherwise);
}

static void add(struct alarm_record *r, const char *name, char *text)
{
	alarm_data_set(r, name, text);
	free(text);
}

static void describe(struct alarm_record *r, const struct source_alarm *a)
{
	char *ord = component_ord(a->source);
	record_init(&alarm_kind, r);
	r->sourceState = ALARM_OFFNORMAL;
	r->source.items = must_alloc(sizeof(struct value));
	r->source.items[0] = value_string(ord);
	r->source.count = 1;
	r->msgText = expanded(a->info->toOffnormalText, a->source, a->text);
	alarm_data_set(r, condition_key, a->condition);
	add(r, "sourceName", expanded(a->info->sourceName, a->source, a->source->name));
	alarm_data_set(r, "fromState", alarm_state_range[ALARM_NORMAL].name);
	alarm_data_set(r, "toState", alarm_state_range[ALARM_OFFNORMAL].name);
	alarm_data_set(r, "cause", a->text);
	alarm_data_set(r, "hyperlinkOrd", *a->info->hyperlinkOrd ? a->info->hyperlinkOrd : ord);
	if (*a->info->alarmInstructions)
		alarm_data_set(r, "instructions", a->info->alarmInstructions);
	alarm_data_set(r, "msgText", r->msgText);
	free(ord);
}

static struct alarm_service *service_of(const struct alarm_support *support)
{
	return container_of(support, struct alarm_service, support);
}

static void offnormal(struct alarm_support *support, const struct source_alarm *a)
{
	struct alarm_service *service = service_of(support);
	struct alarm_record r;
	if (find(service, a->source, a->condition))
		return;
	describe(&r, a);
	alarm_raise(service, a->source, a->info->alarmClass, &r);
}

static void normal(struct alarm_support *support, const struct source_alarm *a)
{
	struct alarm_service *service = service_of(support);
	struct open_alarm *alarm = find(service, a->source, a->condition);
	if (!alarm)
		return;
	char *text = expanded(a->info->toNormalText, a->source, a->text);
	alarm_end(service, a->source, alarm, text, false);
	free(text);
}

static bool in_alarm(const struct alarm_support *support, const struct component *source, const char *condition)
{
	return find(service_of(support), source, condition) != NULL;
}

void alarm_source_serve(struct alarm_service *service)
{
	service->support = (struct alarm_support){ offnormal, normal, in_alarm, &alarm_desk };
	service->c.station->alarms = &service->support;
}
