/* SPDX-License-Identifier: Apache-2.0
 * Acknowledging and noting: what people do with alarms. Each alarm of a request is a transaction of its own (record,
 * audit, the mails of the acknowledgement); they go to disk together, and the request is answered after the last.
 * Nobody is told of an acknowledgement that is not on disk. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "services/alarm/alarm_inside.h"
#include "station/audit.h"
#include "station/must.h"

/* One request over several alarms. */
struct request {
	struct station *station;
	struct actor actor;
	char *note; /* owned */
	bool acknowledge;
	int *codes; /* owned */
	size_t count, left;
	alarm_results *done;
	void *context;
};
/* One of them, while it is looked up and written. */
struct step {
	struct request *request;
	size_t index;
	char uuid[37];
	int64_t now;
};

/* One of the holds on the request is given back; the last one answers. */
static void let_go(struct request *q)
{
	if (--q->left)
		return;
	q->done(q->context, q->codes, q->count);
	free(q->codes);
	free(q->note);
	free(q);
}

static void end_step(struct step *step, int code)
{
	step->request->codes[step->index] = code;
	let_go(step->request);
	free(step);
}

/* The disk has refused: the alarm waits for its acknowledgement as before. */
static void take_back(struct alarm_service *service, struct open_alarm *alarm, const struct step *step)
{
	struct alarm_record *r = &alarm->record;
	if (step->request->acknowledge) {
		r->ackState = ALARM_UNACKED;
		r->ackTime.us = ABSTIME_NULL;
		alarm_set_text(&r->user, "");
	}
	for (uint32_t i = r->notes.count; *step->request->note && i-- > 0;) {
		const struct value *row = r->notes.items[i].list.items;
		if (row[0].integer != step->now || strcmp(row[2].text, step->request->note) != 0)
			continue;
		value_clear(&r->notes.items[i]);
		memmove(&r->notes.items[i], &r->notes.items[i + 1], (--r->notes.count - i) * sizeof(struct value));
		break;
	}
	alarm_update(service, alarm, step->now);
}

static void step_written(void *context, int code, const struct err *e)
{
	(void)e;
	struct step *step = context;
	struct station *s = step->request->station;
	struct alarm_service *service = alarm_service_of(s);
	struct open_alarm *alarm = service ? open_alarms_find(&service->open, step->uuid) : NULL;
	if (alarm && code != 0)
		take_back(service, alarm, step);
	if (alarm)
		alarm_ext_show(station_by_handle(s, alarm->source));
	end_step(step, code);
}

static void change(struct step *step, struct alarm_service *service, struct open_alarm *alarm)
{
	struct request *q = step->request;
	struct alarm_record *r = &alarm->record;
	struct store_tx *tx = store_tx_new();
	step->now = station_now(q->station);
	if (*q->note)
		alarm_note(r, step->now, q->actor.user, q->note);
	if (q->acknowledge) {
		r->ackState = ALARM_ACKED;
		r->ackTime.us = step->now;
		alarm_set_text(&r->user, q->actor.user);
		alarm_ext_acked(station_by_handle(q->station, alarm->source), r, tx);
	}
	alarm_update(service, alarm, step->now);
	audit_write(q->station, tx, &q->actor, q->acknowledge ? "acknowledged" : "noted", r->uuid, NULL, NULL, q->note,
	            NULL);
	if (q->acknowledge)
		alarm_route(service, r, tx);
	alarm_commit(service, tx, alarm, step_written, step);
}

/* Cleared alarms are not in memory: a note brings one back until it is written. */
static void looked_up(void *context, int code, const struct err *e, struct store_rows *rows)
{
	(void)e;
	struct step *step = context;
	struct alarm_service *service = alarm_service_of(step->request->station);
	if (code == 0 && (!service || rows->count == 0))
		code = E_NOT_FOUND;
	if (code == 0 && step->request->acknowledge)
		code = E_CONFLICT;
	if (code != 0) {
		end_step(step, code);
		return;
	}
	struct open_alarm *alarm = open_alarms_find(&service->open, step->uuid); /* another request may have come first */
	struct alarm_record *r = store_row(rows, 0);
	if (!alarm) {
		alarm = open_alarms_add(&service->open, r, (uint64_t)r->sourceHandle);
		memset(r, 0, sizeof *r); /* taken */
	}
	change(step, service, alarm);
}

/* 0: it is under way and will end by itself; or the code that ends it here. */
static int start_step(struct request *q, size_t index, const char *uuid)
{
	struct alarm_service *service = alarm_service_of(q->station);
	struct open_alarm *alarm = service ? open_alarms_find(&service->open, uuid) : NULL;
	if (q->actor.role < ROLE_OPERATOR)
		return E_FORBIDDEN;
	if (!service || strlen(uuid) != 36)
		return E_NOT_FOUND;
	if (alarm && q->acknowledge && alarm->record.ackState == ALARM_ACKED)
		return E_CONFLICT;
	struct step *step = must_alloc(sizeof *step);
	*step = (struct step){ .request = q, .index = index };
	snprintf(step->uuid, sizeof step->uuid, "%s", uuid);
	if (alarm) {
		change(step, service, alarm);
		return 0;
	}
	struct store_query query = { .kind = &alarm_kind, .limit = 1 };
	store_where_add(&query, "uuid", STORE_EQ, value_string(uuid));
	store_ask(q->station->store, &query, looked_up, step);
	return 0;
}

static void start_request(struct station *s, const struct actor *actor, bool acknowledge, const char *const *uuids,
                          size_t count, const char *note, alarm_results *done, void *context)
{
	struct request *q = must_alloc(sizeof *q);
	*q = (struct request){
		.station = s, .actor = *actor, .acknowledge = acknowledge, .count = count, .done = done, .context = context
	};
	q->note = must_strdup(note);
	q->codes = must_alloc((count + 1) * sizeof(int));
	q->left = count + 1; /* and a hold of its own, so that it cannot end while it starts */
	for (size_t i = 0; i < count; i++)
		if ((q->codes[i] = start_step(q, i, uuids[i])) != 0)
			q->left--;
	let_go(q);
}

void alarm_acknowledge(struct station *s, const struct actor *actor, const char *const *uuids, size_t count,
                       const char *note, alarm_results *done, void *context)
{
	start_request(s, actor, true, uuids, count, note, done, context);
}

void alarm_add_note(struct station *s, const struct actor *actor, const char *const *uuids, size_t count,
                    const char *note, alarm_results *done, void *context)
{
	start_request(s, actor, false, uuids, count, note, done, context);
}
