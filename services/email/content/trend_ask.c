/* SPDX-License-Identifier: Apache-2.0
 * Asking for a trend: see trend_ask.h. First the day in pieces of five minutes, for the picture; then, on wish, the
 * samples themselves as CSV, or minutes of them when there are very many. */
#include "services/email/content/trend_ask.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "services/email/content/alarm_view.h"
#include "station/base/must.h"
#include "station/tree/ord.h"

#define DAY_US (86400 * SECOND_US)
enum { CSV_SAMPLES = 20000 }; /* about a megabyte */

struct asking {
	struct station *station;
	uint64_t history; /* handle of the extension */
	bool wants_csv;
	enum unit_system units;
	struct trend trend;
	struct trend_point last; /* the alarm's own value: the history may not have it yet */
	struct value arg;        /* owned; of inv */
	struct invocation inv;
	trend_asked *done;
	void *context;
};

/* --- whom, and what for ------------------------------------------------------------------------------------------------- */

/* The history extension beside the alarm extension; NULL: there is none. */
static struct component *history_beside(struct station *s, const struct value *view)
{
	char *ord = alarm_member(view, "source");
	struct component *source = *ord ? ord_resolve(s, NULL, ord, NULL) : NULL, *found = NULL;
	for (struct component *c = source && source->parent ? source->parent->first : NULL; c && !found; c = c->next)
		if ((c->flags & COMPONENT_RUNNING) && type_action(c->type, "query") && !(c->status.bits & STATUS_DISABLED))
			found = c;
	free(ord);
	return found;
}

/* A limit, unless the extension does not watch it now; NAN: none. */
static double limit_of(struct station *s, const struct value *view, const char *path, const char *which)
{
	char *text = alarm_member(view, path), *ord = alarm_member(view, "source");
	struct component *ext = ord_resolve(s, NULL, ord, NULL);
	struct value enabled = VALUE_NULL;
	struct measure m;
	double limit = measure_read(text, &m) ? m.number : NAN;
	if (ext && component_get(ext, "limitEnable", &enabled, NULL) == 0 && enabled.kind == V_STRUCT) {
		const struct slot *member = slots_find(enabled.list.members, which);
		if (member && !enabled.list.items[member - enabled.list.members].boolean)
			limit = NAN;
	}
	value_clear(&enabled);
	free(text);
	free(ord);
	return limit;
}

/* A day that ends now, or half a day behind the transition that the mail tells of. */
static void set_window(struct trend *t, const struct value *view, int64_t now)
{
	int64_t told = alarm_moment(view, "lastUpdate");
	t->end = told != ABSTIME_NULL && told + DAY_US / 2 < now ? told + DAY_US / 2 : now;
	t->start = t->end - DAY_US;
	t->alarm = alarm_moment(view, "timestamp");
	t->normal = alarm_moment(view, "normalTime");
}

static void describe(struct asking *a, const struct preferences *p, const struct value *view)
{
	char *value = alarm_member(view, "alarmData.alarmValue");
	struct trend *t = &a->trend;
	struct measure m;
	bool measured = measure_read(value, &m);
	double number = measured ? m.number : strcmp(value, "true") == 0;
	t->language = p->language;
	t->zone = p->zone;
	t->steps = !measured;
	t->unit = measured && *m.unit ? must_strdup(m.unit) : NULL;
	t->high_limit = limit_of(a->station, view, "alarmData.highLimit", "high");
	t->low_limit = limit_of(a->station, view, "alarmData.lowLimit", "low");
	set_window(t, view, station_now(a->station));
	a->last = (struct trend_point){ t->alarm, number, number, number };
	free(value);
}

/* --- asking ------------------------------------------------------------------------------------------------------------- */

static void set_member(struct value *arg, const char *name, struct value v)
{
	const struct slot *slot = slots_find(arg->list.members, name);
	if (!slot) {
		value_clear(&v);
		return;
	}
	value_clear(&arg->list.items[slot - arg->list.members]);
	arg->list.items[slot - arg->list.members] = v;
}

static void answered(struct invocation *inv, int code);

static void ask(struct asking *a, const char *rollup, bool csv)
{
	struct component *history = station_by_handle(a->station, a->history);
	const struct action *action = history ? type_action(history->type, "query") : NULL;
	value_clear(&a->arg);
	value_clear(&a->inv.result);
	a->inv = (struct invocation){ .arg = &a->arg, .done = answered, .context = a };
	if (!action || !action->arg || !action->arg->members) {
		answered(&a->inv, E_NOT_FOUND);
		return;
	}
	uint32_t count = slots_count(action->arg->members);
	a->arg = (struct value){ .kind = V_STRUCT,
		                     .list = { must_alloc(count * sizeof(struct value)), count, action->arg->members } };
	for (uint32_t i = 0; i < count; i++)
		a->arg.list.items[i] = value_default(&action->arg->members[i]);
	set_member(&a->arg, "start", value_abstime(a->trend.start));
	set_member(&a->arg, "end", value_abstime(a->trend.end));
	set_member(&a->arg, "rollup", value_string(rollup));
	set_member(&a->arg, "csv", value_boolean(csv));
	int rc = component_invoke(history, "query", &a->inv);
	if (rc != 1)
		answered(&a->inv, rc);
}

static void finish(struct asking *a, char *csv)
{
	struct trend *t = &a->trend;
	bool newer = t->points && t->count && a->last.at > t->points[t->count - 1].at && a->last.at < t->end;
	if (newer) /* trend_read left room for it */
		t->points[t->count++] = a->last;
	trend_convert(t, a->units);
	a->done(a->context, t, csv);
	trend_finish(t);
	value_clear(&a->arg);
	value_clear(&a->inv.result);
	free(a);
}

static int64_t samples_in(const json_t *answer)
{
	int64_t samples = 0;
	size_t i;
	json_t *item, *items = json_object_get(answer, "items");
	json_array_foreach(items, i, item) samples += json_integer_value(json_object_get(item, "count"));
	return samples;
}

static void answered(struct invocation *inv, int code)
{
	struct asking *a = inv->context;
	const char *text = code == 0 && inv->result.kind == V_STRING ? inv->result.text : NULL;
	if (a->trend.points || !text) {
		finish(a, text ? must_strdup(text) : NULL);
		return;
	}
	json_t *answer = json_loads(text, 0, NULL);
	int64_t samples = samples_in(answer);
	trend_read(&a->trend, answer);
	json_decref(answer);
	if (a->wants_csv && samples)
		ask(a, samples > CSV_SAMPLES ? "1m" : "", true);
	else
		finish(a, NULL);
}

bool trend_ask(struct station *s, const struct preferences *p, const struct value *view, trend_asked *done,
               void *context)
{
	struct component *history = history_beside(s, view);
	if (!history || !((p->trend && p->html) || p->csv))
		return false;
	struct asking *a = must_alloc(sizeof *a);
	*a = (struct asking){ .station = s,
		                  .history = history->handle,
		                  .wants_csv = p->csv,
		                  .units = p->units,
		                  .done = done,
		                  .context = context };
	describe(a, p, view);
	ask(a, "5m", false);
	return true;
}
