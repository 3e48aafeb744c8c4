/* SPDX-License-Identifier: Apache-2.0
 * What a schedule will do, stretch by stretch: what the browser draws and what integrators read. `in` is left out: nobody
 * knows what it will be. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "services/schedule/schedule_inside.h"
#include "station/base/must.h"

enum { STRETCHES_MOST = 2000, DAYS_MOST = 400 };

static json_t *time_json(int64_t instant)
{
	char text[ABSTIME_TEXT_MAX];
	return json_string(abstime_print(instant * SECOND_US, text));
}

static const char *const source_names[] = { "default", "week", "special", "notEffective" };

static json_t *stretch_json(const struct component *c, const struct stretch *s)
{
	char date[16], from[DAYTIME_TEXT_MAX], to[DAYTIME_TEXT_MAX];
	char *source = stretch_source(c, s), *text = point_text(c, s->value);
	json_t *value = value_to_json(point_out_slot(c), s->value);
	json_t *local = json_pack("{s:s, s:s, s:s}", "date", date_print(s->day, date), "start",
	                          daytime_print(s->start, from), "finish", daytime_print(s->finish, to));
	json_t *json =
	    json_pack("{s:o, s:o, s:o, s:s*, s:s, s:s*, s:o}", "start", time_json(s->from), "finish", time_json(s->until),
	              "value", value, "text", text, "kind", source_names[s->source], "source", source, "local", local);
	must(json != NULL);
	free(source);
	free(text);
	return json;
}

/* Within one day, what is the same is one stretch: two blocks that touch, or what a stronger event only repeats. */
static void append(json_t *items, const struct component *c, struct stretch *open, const struct stretch *s)
{
	if (open->value && open->day == s->day && open->until == s->from && stretch_same(open, s)) {
		open->until = s->until;
		open->finish = s->finish;
		return;
	}
	if (open->value)
		json_array_append_new(items, stretch_json(c, open));
	*open = *s;
}

json_t *schedule_preview(struct component *c, int64_t start, int64_t end, struct err *e)
{
	const int64_t first = day_of(1970, 1, 2) * DAY_SECONDS, last = day_of(ZONE_LAST_YEAR, 1, 1) * DAY_SECONDS;
	start /= SECOND_US;
	end /= SECOND_US;
	if (start >= end || start < first || end > last) {
		err_set(e, E_INVALID, "end", "A preview goes from start to a later end, between 1970 and %d.", ZONE_LAST_YEAR);
		return NULL;
	}
	struct plan *plan = plan_make(c, NULL, NULL);
	struct plan_walk w;
	struct stretch open = { 0 };
	json_t *items = json_array();
	int64_t stop = start + DAYS_MOST * DAY_SECONDS;
	plan_walk(&w, plan, start);
	while (w.now.from < end && w.now.from < stop && json_array_size(items) < STRETCHES_MOST) {
		append(items, c, &open, &w.now);
		plan_step(&w);
	}
	json_array_append_new(items, stretch_json(c, &open));
	const char *zone = schedule_state(c)->timeZone;
	json_t *json = json_pack("{s:s, s:o, s:o, s:o}", "timeZone", zone ? zone : "", "offset",
	                         json_integer(zone_offset(plan->zone, start)), "items", items, "next",
	                         w.now.from < end ? time_json(w.now.from) : json_null());
	must(json != NULL);
	plan_free(&plan);
	return json;
}
