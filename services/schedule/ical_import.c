/* SPDX-License-Identifier: Apache-2.0
 * A calendar from a file and to a file. Reading is libuv's pool's business, because a rule of a stranger may take long to
 * work out; the engine then changes the calendar in one batch. */
#include <stdlib.h>
#include <string.h>

#include "services/schedule/ical.h"
#include "services/schedule/schedule_inside.h"
#include "station/base/must.h"

enum { EVENTS_MOST = 1000, YEARS_AHEAD = 9 };

struct import {
	struct ical_import i;
	uv_work_t work;
	char *text; /* owned */
	size_t length;
	struct ical_reading reading;
	int code;
	struct err err;
	json_t *answer; /* owned */
};

static void finish(struct import *x, int code, const struct err *e)
{
	x->i.done(x->i.context, code, e, x->answer);
	json_decref(x->reading.items);
	json_decref(x->reading.notes);
	json_decref(x->answer);
	free(x->text);
	free(x);
}

/* What makes two events the same. */
static char *key_of(const json_t *event)
{
	static const char *const members[] = { "name", "type", "start", "end", "month", "week", "weekday" };
	char *key = must_strdup("");
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		const char *text = json_string_value(json_object_get(event, members[i]));
		char *longer = must_format("%s%s\n", key, text && strcmp(text, "any") != 0 ? text : "");
		free(key);
		key = longer;
	}
	return key;
}

/* Appends the events of `from` that are not among `seen` yet; returns how many. */
static int64_t merge(json_t *to, json_t *seen, json_t *from)
{
	int64_t added = 0;
	size_t i;
	json_t *event;
	json_array_foreach(from, i, event)
	{
		char *key = key_of(event);
		if (!json_object_get(seen, key)) {
			json_object_set_new(seen, key, json_true());
			json_array_append(to, event);
			added++;
		}
		free(key);
	}
	return added;
}

static void saved(void *context, int code, const struct report *report, uint64_t added)
{
	(void)added;
	struct import *x = context;
	struct err e = { 0 };
	if (code != 0 && report_first(report, &e) == 0)
		err_set(&e, code, NULL, "%s", err_text(code));
	finish(x, code, &e);
}

/* Engine thread: the file has been read. */
static void apply(struct import *x)
{
	struct component *c = station_by_handle(x->i.station, x->i.calendar);
	if (!c || !component_is(c, &schedule_calendar)) {
		finish(x, err_set(&x->err, E_NOT_FOUND, NULL, "The calendar is gone."), &x->err);
		return;
	}
	const struct slot *row = schedule_row(c, "events");
	struct value now;
	slot_read(row, c, &now);
	json_t *old = value_to_json(row, &now), *all = json_array(), *seen = json_object();
	value_clear(&now);
	int64_t before = x->i.replace ? 0 : merge(all, seen, old);
	int64_t added = merge(all, seen, x->reading.items);
	x->answer =
	    json_pack("{s:I, s:I, s:I, s:I, s:b, s:O, s:O}", "added", (json_int_t)added, "kept", (json_int_t)before,
	              "removed", (json_int_t)json_array_size(old) - before, "total", (json_int_t)json_array_size(all),
	              "dryRun", x->i.dry, "items", x->reading.items, "notes", x->reading.notes);
	must(x->answer != NULL);
	if (json_array_size(all) > EVENTS_MOST) {
		finish(
		    x,
		    err_set(&x->err, E_INVALID, NULL,
		            "The calendar would have %zu events; %d are allowed. Import fewer years, or replace what is there.",
		            json_array_size(all), EVENTS_MOST),
		    &x->err);
	} else if (x->i.dry) {
		finish(x, 0, NULL);
	} else {
		json_t *values = json_pack("{s:O}", "events", all);
		struct batch *b = batch_new(x->i.station, &x->i.actor);
		batch_set_json(b, c->handle, values, "/values");
		json_decref(values);
		batch_submit(b, saved, x);
	}
	json_decref(old);
	json_decref(all);
	json_decref(seen);
}

static void read_file(uv_work_t *work)
{
	struct import *x = container_of(work, struct import, work);
	x->code = ical_read(&x->reading, x->text, x->length, &x->err);
}

static void read_ended(uv_work_t *work, int status)
{
	(void)status;
	struct import *x = container_of(work, struct import, work);
	if (x->code != 0)
		finish(x, x->code, &x->err);
	else
		apply(x);
}

void ical_import(const struct ical_import *i, const char *text, size_t length)
{
	int64_t year;
	int month, day;
	struct import *x = must_alloc(sizeof *x);
	must(length <= ICAL_MOST);
	x->i = *i;
	x->length = length;
	x->text = must_alloc(length + 1);
	memcpy(x->text, text, length);
	day_split(day_containing(station_now(i->station) / SECOND_US), &year, &month, &day);
	x->reading.first = i->first ? i->first : (int)year;
	x->reading.last = i->last ? i->last : x->reading.first + YEARS_AHEAD;
	must(uv_queue_work(&i->station->loop, &x->work, read_file, read_ended) == 0);
}
