/* SPDX-License-Identifier: Apache-2.0
 * The AlarmService: keeps open alarms in memory and all in the store, raises them, returns them to normal, acknowledges.
 * A transition, its record and the mails it causes are one transaction: the class's topic is fired with that transaction
 * in hand. What the disk refuses stays in memory, is shown as a fault and written again. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "services/alarm/alarm_inside.h"
#include "station/audit.h"
#include "station/log.h"
#include "station/must.h"
#include "station/ord.h"

enum { RETRY_US = 5000000, TRIM_EVERY = 256 };

/* --- telling ------------------------------------------------------------------------------------------------------ */

static void set_counter(struct component *c, const char *name, int64_t n)
{
	struct value v = value_integer(n);
	component_set(c, type_slot(c->type, name), &v);
}

struct counts { int64_t open, in_alarm, unacked; };

static void count_one(struct counts *n, const struct alarm_record *r)
{
	n->open++;
	n->in_alarm += r->sourceState != ALARM_NORMAL;
	n->unacked += r->ackState == ALARM_UNACKED;
}

static void show_counts(struct component *c, const struct counts *n)
{
	set_counter(c, "openAlarmCount", n->open);
	set_counter(c, "inAlarmCount", n->in_alarm);
	set_counter(c, "unackedAlarmCount", n->unacked);
}

static void recount(struct alarm_service *service, const char *class_name)
{
	struct alarm_class *class = alarm_class_find(service, class_name);
	struct counts all = { 0 }, mine = { 0 };
	for (const struct open_alarm *a = service->open; a; a = a->next) {
		count_one(&all, &a->record);
		if (strcmp(a->record.alarmClass, class_name) == 0)
			count_one(&mine, &a->record);
	}
	show_counts(&service->c, &all);
	if (class)
		show_counts(&class->c, &mine);
}

static void tell(struct alarm_service *service, const struct alarm_record *r)
{
	json_t *json = alarm_to_json(r, NULL, NULL);
	station_event(service->c.station, "alarm", json);
	json_decref(json);
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static void set_fault(struct alarm_service *service, const char *cause)
{
	struct value v = value_string(cause);
	component_set(&service->c, type_slot(service->c.type, "faultCause"), &v);
	component_set_status(&service->c, *cause ? STATUS_FAULT : service->enabled ? STATUS_OK : STATUS_DISABLED);
}

static struct open_alarm *find_open(struct alarm_service *service, const char *uuid)
{
	struct open_alarm *a = service->open;
	while (a && strcmp(a->record.uuid, uuid) != 0)
		a = a->next;
	return a;
}

static void drop_if_cleared(struct alarm_service *service, struct open_alarm *alarm)
{
	if (!alarm->record.cleared || alarm->dirty || alarm->writes)
		return;
	struct open_alarm **p = &service->open;
	while (*p != alarm)
		p = &(*p)->next;
	*p = alarm->next;
	record_finish(&alarm_kind, &alarm->record);
	free(alarm);
}

/* The context of one commit: which alarm it carried. */
struct commit {
	struct station *station;
	char uuid[37];
};

static void written(void *context, int code, const struct err *e)
{
	struct commit *commit = context;
	struct alarm_service *service = alarm_service_of(commit->station);
	struct open_alarm *alarm = service ? find_open(service, commit->uuid) : NULL;
	if (alarm)
		alarm->writes--;
	if (alarm && code == 0) {
		alarm->dirty = false;
		drop_if_cleared(service, alarm);
		if (*service->faultCause)
			set_fault(service, "");
	} else if (alarm) {
		log_error("alarm %s could not be written: %s", commit->uuid, e->text);
		alarm->dirty = true;
		set_fault(service, e->text);
		timer_start(&commit->station->clock, &service->retry, RETRY_US);
	}
	free(commit);
}

static void commit(struct alarm_service *service, struct store_tx *tx, struct open_alarm *alarm)
{
	struct commit *c = must_alloc(sizeof *c);
	c->station = service->c.station;
	snprintf(c->uuid, sizeof c->uuid, "%s", alarm->record.uuid);
	alarm->writes++;
	store_commit(c->station->store, tx, written, c);
}

static void retry(struct timer *t)
{
	struct alarm_service *service = container_of(t, struct alarm_service, retry);
	for (struct open_alarm *a = service->open; a; a = a->next) {
		if (!a->dirty)
			continue;
		struct store_tx *tx = store_tx_new();
		store_tx_put(tx, &alarm_kind, &a->record);
		commit(service, tx, a);
	}
}

/* Tells the recipients that the class is linked to; they add their mails to tx. */
static void route(struct alarm_service *service, const struct alarm_record *r, struct store_tx *tx)
{
	struct alarm_class *class = alarm_class_find(service, r->alarmClass);
	if (!class)
		return;
	struct value v;
	record_to_value(&alarm_kind, r, &v);
	topic_fire(&class->c, "alarm", &v, tx);
	value_clear(&v);
}

static void update(struct alarm_record *r, int64_t now)
{
	r->lastUpdate.us = now;
	bool normal = r->sourceState == ALARM_NORMAL || r->alarmTransition == ALARM_ALERT;
	r->cleared = normal && r->ackState == ALARM_ACKED;
}

/* --- transitions -------------------------------------------------------------------------------------------------- */

static enum transition transition_of(int state)
{
	return state == ALARM_NORMAL ? TO_NORMAL : state == ALARM_FAULT ? TO_FAULT : state == ALARM_ALERT ? TO_ALERT : TO_OFFNORMAL;
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

void alarm_raise(struct alarm_service *service, struct alarm_ext *x, struct alarm_record *record)
{
	struct station *s = service->c.station;
	int64_t now = station_now(s);
	struct alarm_class *class = class_for(service, x->alarmClass);
	struct open_alarm *alarm = must_alloc(sizeof *alarm);
	struct alarm_record *r = &alarm->record;
	*r = *record;
	char uuid[37];
	uuid_make(uuid);
	r->uuid = must_strdup(uuid);
	r->sequence = station_sequence(s);
	r->timestamp.us = now;
	r->alarmTransition = r->sourceState;
	r->alarmClass = must_strdup(class ? class->c.name : service->defaultAlarmClass);
	r->ackRequired = !class || flag_of(&class->ackRequired, transition_of(r->sourceState));
	r->ackState = r->ackRequired ? ALARM_UNACKED : ALARM_ACKED;
	r->priority = class ? number_of(&class->priority, transition_of(r->sourceState)) : 255;
	update(r, now);
	alarm->source = x->c.handle;
	alarm->next = service->open;
	service->open = alarm;

	struct store_tx *tx = store_tx_new();
	store_tx_put(tx, &alarm_kind, r);
	alarm_ext_persist_times(tx, x);
	if (service->enabled)
		route(service, r, tx);
	commit(service, tx, alarm);
	if (class) {
		class->timeOfLastAlarm.us = now;
		set_counter(&class->c, "totalAlarmCount", class->totalAlarmCount + 1);
	}
	set_counter(&service->c, "totalAlarmCount", service->totalAlarmCount + 1);
	recount(service, r->alarmClass);
	tell(service, r);
	if (++service->since_trim % TRIM_EVERY == 0)
		alarm_trim(service);
}

static void set_text(char **field, const char *text)
{
	static const struct slot row = { .name = "text", .kind = V_STRING };
	struct value v = value_string(text);
	slot_write(&row, field, &v); /* knows the shared empty text */
}

void alarm_return_to_normal(struct alarm_service *service, struct alarm_ext *x, struct open_alarm *alarm, const char *text)
{
	struct alarm_record *r = &alarm->record;
	int64_t now = station_now(service->c.station);
	struct alarm_class *class = alarm_class_find(service, r->alarmClass);
	r->sourceState = ALARM_NORMAL;
	r->normalTime.us = now;
	if (*text)
		set_text(&r->msgText, text);
	if (!r->ackRequired && class && class->ackRequired.toNormal) {
		r->ackRequired = true; /* the alarm itself needed none, its end does */
		r->ackState = ALARM_UNACKED;
	}
	update(r, now);
	struct store_tx *tx = store_tx_new();
	store_tx_put(tx, &alarm_kind, r);
	alarm_ext_persist_times(tx, x);
	if (service->enabled)
		route(service, r, tx);
	commit(service, tx, alarm);
	recount(service, r->alarmClass);
	tell(service, r);
}

struct open_alarm *alarm_open_of(struct alarm_service *service, uint64_t source)
{
	struct open_alarm *a = service->open;
	while (a && (a->source != source || a->record.sourceState == ALARM_NORMAL))
		a = a->next;
	return a;
}

bool alarm_unacked_of(const struct alarm_service *service, uint64_t source)
{
	for (const struct open_alarm *a = service->open; a; a = a->next)
		if (a->source == source && a->record.ackState == ALARM_UNACKED)
			return true;
	return false;
}

/* --- acknowledging ------------------------------------------------------------------------------------------------ */

/* One request over several alarms: answered when the last of them is on disk. */
struct request {
	struct station *station;
	struct actor actor;
	char *note;              /* owned */
	bool acknowledge;
	int *codes;              /* owned */
	size_t count, left;
	alarm_results *done;
	void *context;
};
/* One of them, while it is being written. */
struct step {
	struct request *request;
	size_t index;
	char uuid[37];
	struct alarm_record before; /* to put back when the disk refuses */
};

static void one_done(struct request *q, size_t index, int code)
{
	q->codes[index] = code;
	if (--q->left)
		return;
	q->done(q->context, q->codes, q->count);
	free(q->codes);
	free(q->note);
	free(q);
}

static void add_note(struct alarm_record *r, int64_t now, const char *user, const char *text)
{
	static const char *const names[] = { "time", "user", "text" };
	const struct slot *notes = slots_find(alarm_kind.slots, "notes");
	must(strcmp(notes->members[2].name, names[2]) == 0);
	struct value *row = must_alloc(3 * sizeof *row);
	row[0] = value_abstime(now);
	row[1] = value_string(user);
	row[2] = value_string(text);
	r->notes.items = must_realloc(r->notes.items, (r->notes.count + 1) * sizeof(struct value));
	r->notes.items[r->notes.count++] = (struct value){ .kind = V_STRUCT, .list = { .items = row, .count = 3, .members = notes->members } };
}

static void step_done(void *context, int code, const struct err *e)
{
	(void)e;
	struct step *step = context;
	struct request *q = step->request;
	struct alarm_service *service = alarm_service_of(q->station);
	struct open_alarm *alarm = service ? find_open(service, step->uuid) : NULL;
	if (alarm)
		alarm->writes--;
	if (alarm && code != 0) { /* nobody is told of an acknowledgement that is not on disk */
		record_finish(&alarm_kind, &alarm->record);
		alarm->record = step->before;
	} else {
		record_finish(&alarm_kind, &step->before);
	}
	if (alarm && code == 0) {
		char class_name[NAME_MAX_LENGTH + 1];
		snprintf(class_name, sizeof class_name, "%s", alarm->record.alarmClass);
		struct component *ext = station_by_handle(q->station, alarm->source);
		int64_t when = alarm->record.ackTime.us;
		tell(service, &alarm->record);
		drop_if_cleared(service, alarm);
		recount(service, class_name);
		if (ext && q->acknowledge)
			alarm_ext_acked(ext, when);
		if (ext)
			alarm_ext_show(ext);
	}
	one_done(q, step->index, code);
	free(step);
}

static int change(struct request *q, struct open_alarm *alarm, int64_t now)
{
	struct alarm_record *r = &alarm->record;
	if (q->acknowledge && r->ackState == ALARM_ACKED)
		return E_CONFLICT;
	if (q->acknowledge) {
		r->ackState = ALARM_ACKED;
		r->ackTime.us = now;
		set_text(&r->user, q->actor.user);
	}
	if (*q->note)
		add_note(r, now, q->actor.user, q->note);
	update(r, now);
	return 0;
}

static void start_step(struct request *q, size_t index, const char *uuid)
{
	struct alarm_service *service = alarm_service_of(q->station);
	struct open_alarm *alarm = service ? find_open(service, uuid) : NULL;
	if (!alarm) {
		one_done(q, index, E_NOT_FOUND);
		return;
	}
	struct step *step = must_alloc(sizeof *step);
	step->request = q;
	step->index = index;
	snprintf(step->uuid, sizeof step->uuid, "%s", uuid);
	record_copy(&alarm_kind, &step->before, &alarm->record);
	int rc = change(q, alarm, station_now(q->station));
	if (rc != 0) {
		record_finish(&alarm_kind, &step->before);
		free(step);
		one_done(q, index, rc);
		return;
	}
	struct store_tx *tx = store_tx_new();
	store_tx_put(tx, &alarm_kind, &alarm->record);
	audit_write(q->station, tx, &q->actor, q->acknowledge ? "acknowledged" : "noted", uuid, NULL, NULL, q->note, NULL);
	if (q->acknowledge && service->enabled)
		route(service, &alarm->record, tx);
	alarm->writes++;
	store_commit(q->station->store, tx, step_done, step);
}

static void start_request(struct station *s, const struct actor *actor, bool acknowledge, const char *const *uuids, size_t count,
                          const char *note, alarm_results *done, void *context)
{
	struct request *q = must_alloc(sizeof *q);
	*q = (struct request){ .station = s, .actor = *actor, .note = must_strdup(note), .acknowledge = acknowledge,
		                   .codes = must_alloc((count + 1) * sizeof(int)), .count = count, .left = count + 1, .done = done, .context = context };
	for (size_t i = 0; i < count; i++)
		start_step(q, i, uuids[i]);
	one_done(q, count, 0); /* the request's own hold, so that it cannot end while it starts */
}

void alarm_acknowledge(struct station *s, const struct actor *actor, const char *const *uuids, size_t count, const char *note,
                       alarm_results *done, void *context)
{
	start_request(s, actor, true, uuids, count, note, done, context);
}

void alarm_add_note(struct station *s, const struct actor *actor, const char *const *uuids, size_t count, const char *note,
                    alarm_results *done, void *context)
{
	start_request(s, actor, false, uuids, count, note, done, context);
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static int load_one(void *context, void *record)
{
	struct alarm_service *service = context;
	struct alarm_record *r = record;
	if (r->cleared)
		return 0;
	struct open_alarm *alarm = must_alloc(sizeof *alarm);
	record_copy(&alarm_kind, &alarm->record, r);
	struct component *ext = r->source.count ? ord_resolve(service->c.station, NULL, r->source.items[0].text, NULL) : NULL;
	alarm->source = ext ? ext->handle : 0;
	struct open_alarm **p = &service->open; /* newest first */
	while (*p && (*p)->record.sequence > r->sequence)
		p = &(*p)->next;
	alarm->next = *p;
	*p = alarm;
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
	service->retry.fire = retry;
	alarm_service_of(c->station);
	component_set_status(c, *service->faultCause ? STATUS_FAULT : service->enabled ? STATUS_OK : STATUS_DISABLED);
	for (struct component *child = c->first; child; child = child->next)
		if (component_is(child, &alarm_class_type))
			recount(service, child->name);
}

static void stopped(struct component *c)
{
	timer_stop(&c->station->clock, &COMPONENT_AS(c, &alarm_service_type, struct alarm_service)->retry);
}

static void fini(struct component *c)
{
	struct alarm_service *service = COMPONENT_AS(c, &alarm_service_type, struct alarm_service);
	for (struct open_alarm *a = service->open, *next; a; a = next) {
		next = a->next;
		record_finish(&alarm_kind, &a->record);
		free(a);
	}
	service->open = NULL;
}

static void changed(struct component *c, const struct slot *slot)
{
	struct alarm_service *service = COMPONENT_AS(c, &alarm_service_type, struct alarm_service);
	if (strcmp(slot->name, "enabled") == 0)
		set_fault(service, service->faultCause);
}

static void check(const struct component *next, const struct component *current, struct report *report)
{
	const struct alarm_service *service = (const struct alarm_service *)next;
	if (current && *service->defaultAlarmClass && !component_child(current, service->defaultAlarmClass))
		report_warning(report, "defaultAlarmClass", "There is no alarm class \"%s\" yet; alarms that name no class reach nobody.",
		               service->defaultAlarmClass);
}

#define COUNTER(f, d) SLOT(struct alarm_service, f, INTEGER, .flags = SLOT_READONLY | SLOT_TRANSIENT | SLOT_SUMMARY, .doc = d)
static const struct slot slots[] = {
	SLOT_AT(struct component, status, "status", STATUS, .flags = SLOT_READONLY | SLOT_TRANSIENT | SLOT_SUMMARY, .doc = "State of the service."),
	SLOT(struct alarm_service, faultCause, STRING, .flags = SLOT_READONLY | SLOT_TRANSIENT, .doc = "Why the service is in fault."),
	SLOT(struct alarm_service, enabled, BOOLEAN, .dflt = "true", .doc = "Whether recipients are told. Alarms are recorded in any case."),
	SLOT(struct alarm_service, defaultAlarmClass, STRING, .dflt = "defaultAlarmClass", .doc = "Class of alarms that name none, or one that does not exist."),
	SLOT(struct alarm_service, capacity, INTEGER, .dflt = "100000", .facets = FACETS(.min = 100, .max = 10000000, .units = "records"),
	     .doc = "How many alarm records are kept. Beyond it the oldest cleared ones go; open ones never do."),
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
	.fini = fini,
};
