/* SPDX-License-Identifier: Apache-2.0
 * The AlarmService: keeps open alarms in memory and all in the store, raises them and ends them.
 * A transition, its record and the mails it causes are one transaction: the class's topic is fired with that transaction
 * in hand. What the disk refuses stays in memory, is shown as a fault and written again. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "services/alarm/alarm_order.h"
#include "station/base/log.h"
#include "station/base/must.h"

enum { RETRY_US = 2000000, RETRY_AT_ONCE = 500, TRIM_EVERY = 256 };

/* --- showing ------------------------------------------------------------------------------------------------------ */

static void set_counter(struct component *c, const char *name, int64_t n)
{
	struct value v = value_integer(n);
	component_set(c, type_slot(c->type, name), &v);
}

static void show_counts(struct component *c, const struct alarm_counts *n)
{
	set_counter(c, "openAlarmCount", n->open);
	set_counter(c, "inAlarmCount", n->in_alarm);
	set_counter(c, "unackedAlarmCount", n->unacked);
}

static void set_fault(struct alarm_service *service, const char *cause)
{
	struct value v = value_string(cause);
	component_set(&service->c, type_slot(service->c.type, "faultCause"), &v);
	component_set_status(&service->c, *cause ? STATUS_FAULT : service->enabled ? STATUS_OK : STATUS_DISABLED);
}

void alarm_update(struct alarm_service *service, struct open_alarm *alarm, int64_t now)
{
	struct alarm_record *r = &alarm->record;
	alarm->version++;
	r->lastUpdate.us = now;
	bool normal = r->sourceState == ALARM_NORMAL || r->alarmTransition == ALARM_ALERT;
	r->cleared = normal && r->ackState == ALARM_ACKED && !alarm_shelved(r);
	open_alarms_count(&service->open, alarm);
	struct alarm_class *class = alarm_class_find(service, r->alarmClass);
	show_counts(&service->c, &service->open.counts);
	if (class)
		show_counts(&class->c, open_alarms_counts(&service->open, r->alarmClass));
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

/* The context of one commit: which alarm it carried, and what observers hear when it has ended. */
struct commit {
	struct station *station;
	char uuid[37];
	uint32_t version;
	json_t *event; /* owned; NULL when nobody listens */
	store_done *done;
	void *context;
};

static void set_dirty(struct alarm_service *service, struct open_alarm *alarm, bool dirty)
{
	service->open.dirty += (size_t)dirty - (size_t)alarm->dirty;
	alarm->dirty = dirty;
}

/* What the disk refuses stays here and is shown; it is written again until the disk takes it. */
static void refused(struct alarm_service *service, struct open_alarm *alarm, const struct err *e)
{
	if (service->open.dirty == 0)
		log_error("an alarm could not be written and is kept in memory: %s", e->text);
	set_dirty(service, alarm, true);
	set_fault(service, e->text);
	timer_start(&service->c.station->clock, &service->retry, RETRY_US);
}

static void accepted(struct alarm_service *service, struct open_alarm *alarm, uint32_t version)
{
	if (alarm->version == version) /* otherwise something was taken back meanwhile, and the disk does not know */
		set_dirty(service, alarm, false);
	if (alarm->record.cleared && alarm->writes == 0 && !alarm->dirty)
		open_alarms_remove(&service->open, alarm);
	if (*service->faultCause && service->open.dirty == 0)
		set_fault(service, "");
}

static void written(void *context, int code, const struct err *e)
{
	struct commit *commit = context;
	struct alarm_service *service = alarm_service_of(commit->station);
	struct open_alarm *alarm = service ? open_alarms_find(&service->open, commit->uuid) : NULL;
	if (commit->done)
		commit->done(commit->context, code, e);
	if (alarm) {
		alarm->writes--;
		if (code == 0)
			accepted(service, alarm, commit->version);
		else
			refused(service, alarm, e);
	}
	if (commit->event)
		station_event(commit->station, "alarm", commit->event);
	json_decref(commit->event);
	free(commit);
}

void alarm_join(struct alarm_service *service, struct store_tx *tx, struct open_alarm *alarm, store_done *done,
                void *context)
{
	struct commit *c = must_alloc(sizeof *c);
	*c = (struct commit){ .station = service->c.station, .version = alarm->version, .done = done, .context = context };
	snprintf(c->uuid, sizeof c->uuid, "%s", alarm->record.uuid);
	if (station_observed(c->station))
		c->event = alarm_to_json(&alarm->record, NULL, NULL);
	alarm->writes++;
	store_tx_put(tx, &alarm_kind, &alarm->record);
	store_tx_hook(tx, written, c);
}

void alarm_commit(struct alarm_service *service, struct store_tx *tx, struct open_alarm *alarm, store_done *done,
                  void *context)
{
	alarm_join(service, tx, alarm, done, context);
	store_commit(service->c.station->store, tx, NULL, NULL);
}

/* Recipients are not told again: their own rows are theirs to keep (docs/internals/alarm.md). */
static void retry(struct timer *t)
{
	struct alarm_service *service = container_of(t, struct alarm_service, retry);
	int count = 0;
	for (struct open_alarm *a = NULL; count < RETRY_AT_ONCE && (a = open_alarms_next(&service->open, a));) {
		if (!a->dirty || a->writes)
			continue;
		alarm_commit(service, store_tx_new(), a, NULL, NULL);
		count++;
	}
	if (service->open.dirty)
		timer_start(&service->c.station->clock, &service->retry, RETRY_US);
}

void alarm_route(struct alarm_service *service, const struct alarm_record *r, struct store_tx *tx)
{
	struct alarm_class *class = service->enabled ? alarm_class_find(service, r->alarmClass) : NULL;
	if (!class || alarm_shelved(r))
		return;
	struct value v;
	record_to_value(&alarm_kind, r, &v);
	topic_fire(&class->c, "alarm", &v, tx);
	value_clear(&v);
}

/* --- transitions -------------------------------------------------------------------------------------------------- */

static enum transition transition_of(int state)
{
	return state == ALARM_NORMAL ? TO_NORMAL
	    : state == ALARM_FAULT   ? TO_FAULT
	    : state == ALARM_ALERT   ? TO_ALERT
	                             : TO_OFFNORMAL;
}

static bool flag_of(const struct transition_flags *f, enum transition t)
{
	const bool flags[TRANSITIONS] = { f->toOffnormal, f->toFault, f->toNormal, f->toAlert };
	return flags[t];
}

static int64_t number_of(const struct transition_numbers *n, enum transition t)
{
	const int64_t numbers[TRANSITIONS] = { n->toOffnormal, n->toFault, n->toNormal, n->toAlert };
	return numbers[t];
}

/* The class an alarm asks for, or the default one: no alarm is lost to a wrong name. */
static struct alarm_class *class_for(struct alarm_service *service, const char *name)
{
	struct alarm_class *class = *name ? alarm_class_find(service, name) : NULL;
	return class ? class : alarm_class_find(service, service->defaultAlarmClass);
}

/* A source without a text of its own for its mails has its class's. */
static void inherit_text(struct alarm_record *r, const char *name, const char *text)
{
	if (*text && !*alarm_data_get(r, name))
		alarm_data_set(r, name, text);
}

/* What the service knows of a new alarm: identity, class, priority, times. */
static void complete(struct alarm_service *service, const struct component *source, struct alarm_class *class,
                     struct alarm_record *r, int64_t now)
{
	enum transition to = transition_of(r->sourceState);
	char uuid[37];
	uuid_make(uuid);
	alarm_set_text(&r->uuid, uuid);
	r->sequence = station_sequence(service->c.station);
	r->sourceHandle = (int64_t)source->handle;
	r->timestamp.us = now;
	r->alarmTransition = r->sourceState;
	alarm_set_text(&r->alarmClass, class ? class->c.name : service->defaultAlarmClass);
	r->ackRequired = !class || flag_of(&class->ackRequired, to);
	r->ackState = r->ackRequired ? ALARM_UNACKED : ALARM_ACKED;
	r->priority = class ? number_of(&class->priority, to) : 255;
	inherit_text(r, ALARM_MAIL_SUBJECT, class ? class->mailSubject : "");
	inherit_text(r, ALARM_MAIL_BODY, class ? class->mailBody : "");
	alarm_shelf_inherit(service, r);
}

void alarm_raise(struct alarm_service *service, struct component *source, const char *alarmClass,
                 struct alarm_record *record)
{
	int64_t now = station_now(service->c.station);
	struct alarm_class *class = class_for(service, alarmClass);
	complete(service, source, class, record, now);
	struct open_alarm *alarm = open_alarms_add(&service->open, record, source->handle);
	if (class) {
		struct value v = value_abstime(now);
		component_set(&class->c, type_slot(class->c.type, "timeOfLastAlarm"), &v);
		set_counter(&class->c, "totalAlarmCount", class->totalAlarmCount + 1);
	}
	set_counter(&service->c, "totalAlarmCount", service->totalAlarmCount + 1);
	alarm_update(service, alarm, now);
	struct store_tx *tx = store_tx_new();
	alarm_ext_persist_times(tx, source);
	alarm_route(service, &alarm->record, tx);
	alarm_commit(service, tx, alarm, NULL, NULL);
	if (++service->since_trim % TRIM_EVERY == 0)
		alarm_trim(service);
}

void alarm_set_text(char **field, const char *text)
{
	static const struct slot row = { .name = "text", .kind = V_STRING };
	struct value v = value_string(text);
	slot_write(&row, field, &v); /* knows the shared empty text */
}

void alarm_end(struct alarm_service *service, struct component *source, struct open_alarm *alarm, const char *text,
               bool replaced)
{
	struct alarm_record *r = &alarm->record;
	int64_t now = station_now(service->c.station);
	struct alarm_class *class = alarm_class_find(service, r->alarmClass);
	r->sourceState = ALARM_NORMAL;
	r->normalTime.us = now;
	if (*text) {
		alarm_set_text(&r->msgText, text);
		alarm_data_set(r, "msgText", text);
	}
	alarm_data_set(r, "toState", alarm_state_range[ALARM_NORMAL].name);
	if (!r->ackRequired && class && class->ackRequired.toNormal && !replaced) {
		r->ackRequired = true; /* the alarm itself needed none, its end does */
		r->ackState = ALARM_UNACKED;
	}
	alarm_update(service, alarm, now);
	struct store_tx *tx = store_tx_new();
	alarm_ext_persist_times(tx, source);
	if (!replaced)
		alarm_route(service, r, tx);
	alarm_commit(service, tx, alarm, NULL, NULL);
}

/* An alarm whose source is gone would never become normal. */
static void sweep(struct timer *t)
{
	struct alarm_service *service = container_of(t, struct alarm_service, sweep);
	struct station *s = service->c.station;
	for (struct open_alarm *a = NULL; (a = open_alarms_next(&service->open, a));) {
		if (a->record.sourceState == ALARM_NORMAL || station_by_handle(s, a->source))
			continue;
		alarm_note(&a->record, station_now(s), "station", "The source of this alarm has been removed.");
		alarm_end(service, NULL, a, "", false);
	}
}

void alarm_sweep(struct alarm_service *service)
{
	if (service->c.flags & COMPONENT_RUNNING)
		timer_start(&service->c.station->clock, &service->sweep, 0);
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static int load_one(void *context, void *record)
{
	struct alarm_service *service = context;
	struct alarm_record *r = record;
	if (r->cleared)
		return 0;
	struct alarm_record copy;
	record_copy(&alarm_kind, &copy, r);
	open_alarms_count(&service->open, open_alarms_add(&service->open, &copy, (uint64_t)r->sourceHandle));
	return 0;
}

/* An extension may start before the service: whoever comes first loads. */
static void load(struct alarm_service *service)
{
	struct err e = { 0 };
	struct store *store = service->c.station->store;
	service->loaded = true;
	if (store && store->impl->scan(store, &alarm_kind, load_one, service, &e) != 0) {
		log_error("open alarms could not be read: %s", e.text);
		set_fault(service, e.text);
	}
}

struct alarm_service *alarm_service_of(struct station *s)
{
	struct component *c = station_service(s, &alarm_service_type);
	struct alarm_service *service = c ? COMPONENT_AS(c, &alarm_service_type, struct alarm_service) : NULL;
	if (service && !service->loaded)
		load(service);
	return service;
}

static void started(struct component *c)
{
	struct alarm_service *service = COMPONENT_AS(c, &alarm_service_type, struct alarm_service);
	alarm_service_of(c->station);
	component_set_status(c, *service->faultCause ? STATUS_FAULT : service->enabled ? STATUS_OK : STATUS_DISABLED);
	show_counts(c, &service->open.counts);
	for (struct component *d = c; d; d = tree_next(d, c))
		if (component_is(d, &alarm_class_type))
			show_counts(d, open_alarms_counts(&service->open, d->name));
	timer_start(&c->station->clock, &service->sweep, 0);
	alarm_source_serve(service);
	if (c->station->store)
		alarm_trim(service);
}

static void stopped(struct component *c)
{
	struct alarm_service *service = COMPONENT_AS(c, &alarm_service_type, struct alarm_service);
	c->station->alarms = NULL;
	timer_stop(&c->station->clock, &service->retry);
	timer_stop(&c->station->clock, &service->sweep);
	timer_stop(&c->station->clock, &service->shelf);
}

static void init(struct component *c)
{
	struct alarm_service *service = (struct alarm_service *)c;
	service->retry.fire = retry;
	service->sweep.fire = sweep;
	alarm_shelf_init(service);
}

static void fini(struct component *c)
{
	open_alarms_finish(&((struct alarm_service *)c)->open);
}

static void changed(struct component *c, const struct slot *slot)
{
	struct alarm_service *service = COMPONENT_AS(c, &alarm_service_type, struct alarm_service);
	if (!(c->flags & COMPONENT_RUNNING))
		return;
	if (strcmp(slot->name, "enabled") == 0)
		component_set_status(c, *service->faultCause ? STATUS_FAULT : service->enabled ? STATUS_OK : STATUS_DISABLED);
	if (strcmp(slot->name, "capacity") == 0)
		alarm_trim(service);
}

static bool class_named(const struct component *service, const char *name)
{
	struct alarm_service *live = alarm_service_of(service->station);
	return live && alarm_class_find(live, name);
}

static void check(const struct component *next, const struct component *current, struct report *report)
{
	const struct alarm_service *service = (const struct alarm_service *)next;
	if (current && *service->defaultAlarmClass && !class_named(current, service->defaultAlarmClass))
		report_warning(report, "defaultAlarmClass",
		               "There is no alarm class \"%s\" yet; alarms that name no class reach nobody.",
		               service->defaultAlarmClass);
}

#define COUNTER(f, d)                                                                                                  \
	SLOT(struct alarm_service, f, INTEGER, .flags = SLOT_READONLY | SLOT_TRANSIENT | SLOT_SUMMARY, .doc = d)
static const struct slot slots[] = {
	SLOT_AT(struct component, status, "status", STATUS, .flags = SLOT_READONLY | SLOT_TRANSIENT | SLOT_SUMMARY,
	        .doc = "State of the service."),
	SLOT(struct alarm_service, faultCause, STRING, .flags = SLOT_READONLY | SLOT_TRANSIENT,
	     .doc = "Why the service is in fault."),
	SLOT(struct alarm_service, enabled, BOOLEAN, .dflt = "true",
	     .doc = "Whether recipients are told. Alarms are recorded in any case."),
	SLOT(struct alarm_service, defaultAlarmClass, STRING, .dflt = "defaultAlarmClass",
	     .doc = "Class of alarms that name none, or one that does not exist."),
	SLOT(struct alarm_service, capacity, INTEGER, .dflt = "100000",
	     .facets = FACETS(.min = 100, .max = 10000000, .units = "records"),
	     .doc = "How many alarm records are kept. Beyond it the oldest cleared ones go; open ones never do."),
	SLOT(struct alarm_service, maxShelvingTime, RELTIME, .dflt = "7d", .facets = FACETS(.min = 60e6, .max = 2592000e6),
	     .doc = "For how long an alarm may be shelved at most."),
	COUNTER(totalAlarmCount, "Alarms raised since the station started."),
	COUNTER(openAlarmCount, "Alarms that are not both normal and acknowledged."),
	COUNTER(inAlarmCount, "Alarms whose source is not normal now."),
	COUNTER(unackedAlarmCount, "Alarms that wait for an acknowledgement."),
	SLOT_END,
};

const struct type alarm_service_type = {
	.name = "alarm:AlarmService",
	.doc = "Records alarms and tells recipients through alarm classes.",
	.size = sizeof(struct alarm_service),
	.base = &baja_component,
	.flags = TYPE_SINGLETON | TYPE_CONTAINER,
	.slots = slots,
	.check = check,
	.changed = changed,
	.started = started,
	.stopped = stopped,
	.init = init,
	.fini = fini,
};
