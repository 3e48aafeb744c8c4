/* SPDX-License-Identifier: Apache-2.0
 * One order on one open alarm: may it be, what it changes, its audit record, who is told; and how it is taken back when the
 * disk refuses. Also the AlarmService's desk, through which other services give orders (station/alarm/alarm_desk.h).
 * Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "services/alarm/alarm_order.h"
#include "station/base/must.h"
#include "station/sheet/audit.h"

/* --- what each verb needs and does ------------------------------------------------------------------------------------- */

static bool shelved(const struct alarm_record *r)
{
	return r->shelvedUntil.us != ABSTIME_NULL;
}

static bool acked(const struct alarm_record *r)
{
	return r->ackState == ALARM_ACKED;
}

static bool not_shelved(const struct alarm_record *r)
{
	return !shelved(r);
}

static void acknowledge(struct alarm_record *r, const struct alarm_order *o, int64_t now)
{
	r->ackState = ALARM_ACKED;
	r->ackTime.us = now;
	alarm_set_text(&r->user, o->actor->user);
}

static void shelve(struct alarm_record *r, const struct alarm_order *o, int64_t now)
{
	(void)now;
	r->shelvedUntil.us = o->until;
}

static void unshelve(struct alarm_record *r, const struct alarm_order *o, int64_t now)
{
	(void)o;
	(void)now;
	r->shelvedUntil.us = ABSTIME_NULL;
}

/* Over, whatever the source says: its next transition makes a new alarm. */
static void clear(struct alarm_record *r, const struct alarm_order *o, int64_t now)
{
	if (!acked(r))
		acknowledge(r, o, now);
	if (r->sourceState != ALARM_NORMAL)
		r->normalTime.us = now;
	r->sourceState = ALARM_NORMAL;
	r->shelvedUntil.us = ABSTIME_NULL;
}

static const struct {
	const char *done; /* for the audit trail */
	enum role least;
	bool (*so_already)(const struct alarm_record *r);
	const char *conflict;
	void (*apply)(struct alarm_record *r, const struct alarm_order *o, int64_t now);
	bool told; /* recipients hear of it */
} verbs[ALARM_VERBS] = {
	[ALARM_ACKNOWLEDGE] = { "acknowledged", ROLE_OPERATOR, acked, "This alarm is acknowledged already.", acknowledge,
	                        true },
	[ALARM_NOTE] = { "noted", ROLE_OPERATOR, NULL, NULL, NULL, false },
	[ALARM_SHELVE] = { "shelved", ROLE_OPERATOR, NULL, NULL, shelve, false },
	[ALARM_UNSHELVE] = { "unshelved", ROLE_OPERATOR, not_shelved, "This alarm is not shelved.", unshelve, false },
	[ALARM_CLEAR] = { "cleared", ROLE_ADMIN, NULL, NULL, clear, true },
};

int alarm_order_check(struct alarm_service *service, const struct alarm_record *r, const struct alarm_order *o,
                      struct err *e)
{
	int64_t now = station_now(service->c.station);
	if (o->actor->role < verbs[o->verb].least)
		return err_set(e, E_FORBIDDEN, NULL, "%s", err_text(E_FORBIDDEN));
	if (r && verbs[o->verb].so_already && verbs[o->verb].so_already(r))
		return err_set(e, E_CONFLICT, NULL, "%s", verbs[o->verb].conflict);
	if (o->verb == ALARM_NOTE && !*o->note)
		return err_set(e, E_INVALID, "note", "A note needs a text.");
	if (o->verb == ALARM_SHELVE && (o->until <= now || o->until > now + service->maxShelvingTime.us)) {
		char most[RELTIME_TEXT_MAX];
		return err_set(e, E_INVALID, "until", "An alarm is shelved until a time in the future, at most %s from now.",
		               reltime_print(service->maxShelvingTime.us, most));
	}
	return 0;
}

bool alarm_order_needs_open(const struct alarm_order *o)
{
	return o->verb != ALARM_NOTE;
}

/* --- giving it, and taking it back ------------------------------------------------------------------------------------------ */

/* An order whose transaction is on its way; what was before. */
struct given {
	struct station *station;
	enum alarm_verb verb;
	char uuid[37];
	int64_t now;
	char *note, *user; /* owned */
	int ackState, sourceState;
	struct abstime ackTime, normalTime, shelvedUntil;
	store_done *done;
	void *context;
};

static void drop_note(struct alarm_record *r, const struct given *g)
{
	for (uint32_t i = r->notes.count; *g->note && i-- > 0;) {
		const struct value *row = r->notes.items[i].list.items;
		if (row[0].integer != g->now || strcmp(row[2].text, g->note) != 0)
			continue;
		value_clear(&r->notes.items[i]);
		memmove(&r->notes.items[i], &r->notes.items[i + 1], (--r->notes.count - i) * sizeof(struct value));
		return;
	}
}

/* The disk has refused. The alarm may have moved on meanwhile: only what this order did is undone. */
static void take_back(struct alarm_service *service, struct open_alarm *alarm, const struct given *g)
{
	struct alarm_record *r = &alarm->record;
	if ((g->verb == ALARM_ACKNOWLEDGE || g->verb == ALARM_CLEAR) && r->ackTime.us == g->now) {
		r->ackState = g->ackState;
		r->ackTime = g->ackTime;
		alarm_set_text(&r->user, g->user);
	}
	if (g->verb == ALARM_CLEAR && r->normalTime.us == g->now) {
		r->sourceState = g->sourceState;
		r->normalTime = g->normalTime;
	}
	if (g->verb == ALARM_SHELVE || g->verb == ALARM_UNSHELVE || g->verb == ALARM_CLEAR)
		r->shelvedUntil = g->shelvedUntil;
	drop_note(r, g);
	alarm_update(service, alarm, g->now);
}

static void written(void *context, int code, const struct err *e)
{
	struct given *g = context;
	struct alarm_service *service = alarm_service_of(g->station);
	struct open_alarm *alarm = service ? open_alarms_find(&service->open, g->uuid) : NULL;
	if (alarm && code != 0)
		take_back(service, alarm, g);
	if (alarm)
		alarm_ext_show(station_by_handle(g->station, alarm->source));
	if (service && (g->verb == ALARM_SHELVE || g->verb == ALARM_UNSHELVE || g->verb == ALARM_CLEAR))
		alarm_shelf_look(service);
	if (g->done)
		g->done(g->context, code, e);
	free(g->note);
	free(g->user);
	free(g);
}

void alarm_order_give(struct alarm_service *service, struct open_alarm *alarm, const struct alarm_order *o,
                      struct store_tx *tx, store_done *done, void *context)
{
	struct alarm_record *r = &alarm->record;
	struct given *g = must_alloc(sizeof *g);
	struct station *s = service->c.station;
	*g = (struct given){ .station = s,
		                 .verb = o->verb,
		                 .now = station_now(s),
		                 .ackState = r->ackState,
		                 .sourceState = r->sourceState,
		                 .ackTime = r->ackTime,
		                 .normalTime = r->normalTime,
		                 .shelvedUntil = r->shelvedUntil,
		                 .done = done,
		                 .context = context };
	snprintf(g->uuid, sizeof g->uuid, "%s", r->uuid);
	g->note = must_strdup(o->note);
	g->user = must_strdup(r->user);
	if (*o->note)
		alarm_note(r, g->now, o->actor->user, o->note);
	if (verbs[o->verb].apply)
		verbs[o->verb].apply(r, o, g->now);
	if (r->ackTime.us == g->now)
		alarm_ext_acked(station_by_handle(s, alarm->source), r, tx);
	alarm_update(service, alarm, g->now);
	char until[ABSTIME_TEXT_MAX];
	audit_write(s, tx, o->actor, verbs[o->verb].done, r->uuid, NULL, NULL,
	            o->verb == ALARM_SHELVE ? abstime_print(o->until, until) : o->note, NULL);
	if (verbs[o->verb].told)
		alarm_route(service, r, tx);
	alarm_join(service, tx, alarm, written, g);
}

/* --- the desk -------------------------------------------------------------------------------------------------------------- */

static int desk_order(struct station *s, const struct alarm_order *o, struct store_tx *tx, struct err *e)
{
	struct alarm_service *service = alarm_service_of(s);
	struct open_alarm *alarm = service ? open_alarms_find(&service->open, o->uuid) : NULL;
	if (!alarm)
		return err_set(e, E_NOT_FOUND, NULL, "This alarm has ended.");
	int rc = alarm_order_check(service, &alarm->record, o, e);
	if (rc == 0)
		alarm_order_give(service, alarm, o, tx, NULL, NULL);
	return rc;
}

static bool desk_look(struct station *s, const char *uuid, struct value *record)
{
	struct alarm_service *service = alarm_service_of(s);
	const struct open_alarm *alarm = service ? open_alarms_find(&service->open, uuid) : NULL;
	if (alarm && !alarm->record.cleared)
		record_to_value(&alarm_kind, &alarm->record, record);
	return alarm && !alarm->record.cleared;
}

static size_t desk_unacked_beside(struct station *s, const char *uuid, char (*uuids)[37], size_t most)
{
	struct alarm_service *service = alarm_service_of(s);
	const struct open_alarm *this = service ? open_alarms_find(&service->open, uuid) : NULL;
	size_t count = 0;
	for (const struct open_alarm *a = NULL; this && count < most && (a = open_alarms_next(&service->open, a));)
		if (a != this && a->source == this->source && a->record.ackState == ALARM_UNACKED)
			snprintf(uuids[count++], 37, "%s", a->record.uuid);
	return count;
}

const struct alarm_desk alarm_desk = { desk_order, desk_look, desk_unacked_beside };
