/* SPDX-License-Identifier: Apache-2.0
 * Orders over several alarms, as the browser gives them: each alarm is a transaction of its own (record, audit, the mails
 * that follow); they go to disk together, and the request is answered after the last. Nobody is told of anything that is
 * not on disk. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "services/alarm/alarm_order.h"
#include "station/base/must.h"

/* One request. */
struct request {
	struct alarm_order order;
	struct station *station;
	struct actor actor;
	char *note; /* owned */
	int *codes; /* owned */
	size_t count, left;
	alarm_results *done;
	void *context;
};
/* One of its alarms, while it is looked up and written. */
struct step {
	struct request *request;
	size_t index;
	char uuid[37];
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

static void step_written(void *context, int code, const struct err *e)
{
	(void)e;
	end_step(context, code);
}

static void give(struct step *step, struct alarm_service *service, struct open_alarm *alarm)
{
	struct store_tx *tx = store_tx_new();
	alarm_order_give(service, alarm, &step->request->order, tx, step_written, step);
	store_commit(step->request->station->store, tx, NULL, NULL);
}

/* Cleared alarms are not in memory: a note brings one back until it is written. */
static void looked_up(void *context, int code, const struct err *e, struct store_rows *rows)
{
	(void)e;
	struct step *step = context;
	struct alarm_service *service = alarm_service_of(step->request->station);
	if (code == 0 && (!service || rows->count == 0))
		code = E_NOT_FOUND;
	if (code == 0 && alarm_order_needs_open(&step->request->order))
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
	give(step, service, alarm);
}

/* 0: it is under way and will end by itself; or the code that ends it here. */
static int start_step(struct request *q, size_t index, const char *uuid)
{
	struct alarm_service *service = alarm_service_of(q->station);
	struct open_alarm *alarm = service ? open_alarms_find(&service->open, uuid) : NULL;
	if (!service)
		return E_NOT_FOUND;
	int rc = alarm_order_check(service, alarm ? &alarm->record : NULL, &q->order, NULL);
	if (rc != 0)
		return rc;
	if (strlen(uuid) != 36)
		return E_NOT_FOUND;
	struct step *step = must_alloc(sizeof *step);
	*step = (struct step){ .request = q, .index = index };
	snprintf(step->uuid, sizeof step->uuid, "%s", uuid);
	if (alarm) {
		give(step, service, alarm);
		return 0;
	}
	struct store_query query = { .kind = &alarm_kind, .limit = 1 };
	store_where_add(&query, "uuid", STORE_EQ, value_string(uuid));
	store_ask(q->station->store, &query, looked_up, step);
	return 0;
}

void alarm_order(struct station *s, const struct alarm_order *order, const char *const *uuids, size_t count,
                 alarm_results *done, void *context)
{
	struct request *q = must_alloc(sizeof *q);
	*q = (struct request){
		.order = *order, .station = s, .actor = *order->actor, .count = count, .done = done, .context = context
	};
	q->note = must_strdup(order->note ? order->note : "");
	q->order.note = q->note;
	q->order.actor = &q->actor;
	q->codes = must_alloc((count + 1) * sizeof(int));
	q->left = count + 1; /* and a hold of its own, so that it cannot end while it starts */
	for (size_t i = 0; i < count; i++)
		if ((q->codes[i] = start_step(q, i, uuids[i])) != 0)
			q->left--;
	let_go(q);
}
