/* SPDX-License-Identifier: Apache-2.0
 * History extensions: they stand below a point and make samples of its out, at an interval or at each change of value.
 * Eight types from one table: two ways, four kinds of values. Times are UTC; an interval's samples lie on the whole multiples
 * of the interval in the station's local time (on the quarters of an hour, at midnight). When the clock is set back, samples
 * go on in the order of their arrival and those whose time has been already are flagged outOfOrder; when it is set forth,
 * a gap stays. Engine thread. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "services/history/history_inside.h"
#include "station/base/must.h"
#include "station/tree/format.h"
#include "station/value/zone.h"

enum full_policy { FULL_ROLL, FULL_STOP };

struct history_config {
	int64_t capacity;
	int fullPolicy;
};
struct history_ext {
	struct component c;
	bool enabled;
	char *faultCause, *historyName, *historyId;
	struct history_config historyConfig;
	struct abstime lastTimestamp;
	int64_t recordCount;
	/* No slots. */
	struct history *history; /* borrowed; NULL: none */
	struct timer timer;
	bool begun;
};
struct interval_ext {
	struct history_ext x;
	struct reltime interval;
};
struct cov_ext {
	struct history_ext x;
	struct reltime minimumInterval;
	double changeTolerance;
	struct value last; /* owned */
	int64_t last_time; /* monotonic */
};

/* What a type is about. */
struct way {
	enum value_kind kind;
	bool cov;
};

static struct history_ext *ext_of(struct component *c)
{
	return (struct history_ext *)(void *)c;
}

static const struct way *way_of(const struct history_ext *x)
{
	return x->c.type->traits;
}

static const struct tag full_policies[] = {
	{ FULL_ROLL, "roll", "The oldest records go." },
	{ FULL_STOP, "stop", "Nothing more is recorded." },
	{ 0, NULL, NULL },
};
static const struct slot config_members[] = {
	SLOT(struct history_config, capacity, INTEGER, .dflt = "50000", .facets = FACETS(.min = 1, .max = 10e6),
	     .doc = "How many records are kept."),
	SLOT(struct history_config, fullPolicy, ENUM, .facets = FACETS(.range = full_policies),
	     .doc = "What happens when there are that many."),
	SLOT_END,
};
#define SHOWN (SLOT_READONLY | SLOT_TRANSIENT)
static const struct slot slots[] = {
	SLOT_AT(struct history_ext, c.status, "status", STATUS, .flags = SHOWN | SLOT_SUMMARY,
	        .doc = "Whether samples are being recorded."),
	SLOT(struct history_ext, faultCause, STRING, .flags = SHOWN, .doc = "Why they are not, and what to do about it."),
	SLOT(struct history_ext, enabled, BOOLEAN, .dflt = "true", .doc = "Off: nothing is recorded."),
	SLOT(struct history_ext, historyName, STRING, .dflt = "%parent.name%",
	     .facets = FACETS(.format = true, .maxLength = 200),
	     .doc = "Name of the history, as a format over this extension."),
	SLOT(struct history_ext, historyId, STRING, .flags = SHOWN | SLOT_SUMMARY,
	     .doc = "The name that the history has: GET /histories/ID. It is unique."),
	SLOT_STRUCT(struct history_ext, historyConfig, config_members, .doc = "How much is kept."),
	SLOT(struct history_ext, lastTimestamp, ABSTIME, .flags = SHOWN, .doc = "Time of the newest record."),
	SLOT(struct history_ext, recordCount, INTEGER, .flags = SHOWN, .doc = "How many records there are."),
	SLOT_END,
};
enum row { ROW_FAULT = 1, ROW_ID = 4, ROW_LAST = 6, ROW_COUNT };

/* --- showing -------------------------------------------------------------------------------------------------------- */

static void show(struct history_ext *x, enum row row, struct value v)
{
	component_set(&x->c, &slots[row], &v);
}

static void set_state(struct history_ext *x, uint16_t status, const char *cause)
{
	show(x, ROW_FAULT, value_string(cause));
	component_set_status(&x->c, status);
}

/* --- samples -------------------------------------------------------------------------------------------------------- */

static double number_of(const struct value *v)
{
	switch (v->kind) {
	case V_STATUS_NUMERIC:
		return v->real;
	case V_STATUS_BOOLEAN:
		return v->boolean;
	case V_STATUS_ENUM:
		return v->ordinal;
	default:
		return 0;
	}
}

static void sample(struct history_ext *x, const struct value *out, int64_t time)
{
	struct history_service *service = history_service_of(x->c.station);
	if (!service || !x->history || !x->enabled)
		return;
	struct sample_record r = {
		.timestamp = { time },
		.value = number_of(out),
		.text = out->kind == V_STATUS_STRING ? out->text : NULL,
		.status = out->status,
		.trendFlags = x->begun ? 0 : TREND_START,
	};
	const char *trouble = history_service_trouble(service);
	if (!history_append(service, x->history, r)) {
		set_state(x, STATUS_FAULT, "The history is full and its fullPolicy is stop.");
		return;
	}
	x->begun = true;
	show(x, ROW_LAST, value_abstime(time));
	show(x, ROW_COUNT, value_integer(x->history->record.count));
	set_state(x, trouble ? STATUS_FAULT : STATUS_OK, trouble ? trouble : "");
}

/* --- at an interval ------------------------------------------------------------------------------------------------- */

static int64_t local_offset(const struct history_ext *x, int64_t now)
{
	const struct zone *z = zone_find(x->c.station, "", NULL);
	return z ? zone_offset(z, now / SECOND_US) * SECOND_US : 0;
}

/* The first multiple of the interval after now. */
static int64_t next_multiple(const struct history_ext *x, int64_t now, int64_t interval)
{
	int64_t offset = local_offset(x, now), local = now + offset;
	return local - local % interval + interval - offset;
}

static void arm(struct history_ext *x)
{
	const struct interval_ext *i = container_of(x, const struct interval_ext, x);
	int64_t now = station_now(x->c.station);
	timer_start(&x->c.station->clock, &x->timer, next_multiple(x, now, i->interval.us) - now);
}

static void interval_over(struct history_ext *x)
{
	const struct interval_ext *i = container_of(x, const struct interval_ext, x);
	int64_t now = station_now(x->c.station), due = next_multiple(x, now - SECOND_US, i->interval.us);
	struct value out;
	point_out(x->c.parent, &out);
	/* A moment late is not late; and a timer may fire a moment before the wall clock shows the time. */
	bool whole = llabs(now - due) <= SECOND_US;
	sample(x, &out, whole ? due : now);
	value_clear(&out);
	timer_start(&x->c.station->clock, &x->timer, next_multiple(x, whole ? due : now, i->interval.us) - now);
}

/* --- at a change ---------------------------------------------------------------------------------------------------- */

static bool changed_enough(const struct cov_ext *c, const struct value *out)
{
	if (c->last.kind == V_NULL || c->last.status != out->status)
		return true;
	if (out->kind == V_STATUS_STRING)
		return strcmp(out->text, c->last.text) != 0;
	double distance = fabs(number_of(out) - number_of(&c->last));
	return distance > 0 && distance >= c->changeTolerance;
}

/* A storm of changes is thinned to one for each minimumInterval; the last of them is always kept. */
static void look(struct history_ext *x)
{
	struct cov_ext *c = container_of(x, struct cov_ext, x);
	struct clock *clock = &x->c.station->clock;
	struct value out;
	point_out(x->c.parent, &out);
	int64_t left = c->last_time + c->minimumInterval.us - clock_mono(clock);
	bool first = c->last.kind == V_NULL;
	if (first && (out.status & STATUS_NULL)) {
		value_clear(&out); /* a start without a value is no change */
		return;
	}
	if (!changed_enough(c, &out)) {
		value_clear(&out);
	} else if (!first && left > 0) {
		if (x->timer.index == 0)
			timer_start(clock, &x->timer, left);
		value_clear(&out);
	} else {
		sample(x, &out, station_now(x->c.station));
		value_clear(&c->last);
		c->last = out;
		c->last_time = clock_mono(clock);
	}
}

/* --- life ----------------------------------------------------------------------------------------------------------- */

static void fire(struct timer *t)
{
	struct history_ext *x = container_of(t, struct history_ext, timer);
	if (way_of(x)->cov)
		look(x);
	else
		interval_over(x);
}

static char *units_of(const struct history_ext *x)
{
	struct row_room room;
	const struct slot *row = component_row(x->c.parent, point_out_slot(x->c.parent), &room);
	char *units = must_strdup(row->facets && row->facets->units ? row->facets->units : "");
	row_room_finish(&room);
	return units;
}

static void attach_history(struct history_ext *x)
{
	struct history_service *service = history_service_of(x->c.station);
	if (!service) {
		set_state(x, STATUS_FAULT, "This station has no HistoryService.");
		return;
	}
	char *name = format_expand_component(x->historyName, &x->c), *source = component_ord(x->c.parent);
	char *units = units_of(x);
	x->history = history_register(service, x->c.handle, name, source, way_of(x)->kind, units);
	x->history->capacity = x->historyConfig.capacity;
	x->history->stops = x->historyConfig.fullPolicy == FULL_STOP;
	show(x, ROW_ID, value_string(x->history->record.name));
	show(x, ROW_COUNT, value_integer(x->history->record.count));
	show(x, ROW_LAST, value_abstime(x->history->record.last.us));
	free(units);
	free(source);
	free(name);
}

static void begin(struct history_ext *x)
{
	timer_stop(&x->c.station->clock, &x->timer);
	x->begun = false;
	if (!x->enabled) {
		set_state(x, STATUS_DISABLED, "");
		return;
	}
	attach_history(x);
	if (!x->history)
		return;
	const char *trouble = history_service_trouble(history_service_of(x->c.station));
	set_state(x, trouble ? STATUS_FAULT : STATUS_OK, trouble ? trouble : "");
	if (way_of(x)->cov)
		look(x);
	else
		arm(x);
}

static void init(struct component *c)
{
	ext_of(c)->timer.fire = fire;
}

static void started(struct component *c)
{
	begin(ext_of(c));
}

static void stopped(struct component *c)
{
	timer_stop(&c->station->clock, &ext_of(c)->timer);
}

static void cov_fini(struct component *c)
{
	value_clear(&container_of(ext_of(c), struct cov_ext, x)->last);
}

static void changed(struct component *c, const struct slot *slot)
{
	if (!(slot->flags & SLOT_READONLY) && (c->flags & COMPONENT_RUNNING))
		begin(ext_of(c));
}

static void parent_changed(struct component *c, const struct slot *slot)
{
	struct history_ext *x = ext_of(c);
	if (way_of(x)->cov && slot == point_out_slot(c->parent) && (c->flags & COMPONENT_RUNNING) && x->history)
		look(x);
}

static void check(const struct component *next, const struct component *current, struct report *report)
{
	(void)current;
	const struct history_ext *x = (const struct history_ext *)(const void *)next;
	struct err e = { 0 };
	if (format_check_component(x->historyName, &e) != 0)
		report_error(report, E_INVALID, "historyName", "%s", e.text);
}

static int run_delete(struct component *c, struct invocation *inv)
{
	(void)inv;
	struct history_ext *x = ext_of(c);
	struct history_service *service = history_service_of(c->station);
	if (!service || !x->history)
		return 0;
	history_delete_samples(service, x->history);
	begin(x);
	return 0;
}

static int run_update_id(struct component *c, struct invocation *inv)
{
	(void)inv;
	begin(ext_of(c));
	return 0;
}

static const struct action actions[] = {
	{ "updateHistoryId", "Gives the history the name that historyName says now.", 0, NULL, run_update_id },
	{ "deleteHistory", "Deletes all records of the history.", SLOT_CONFIRM, NULL, run_delete },
	{ "query", "Answers the samples of a span, for other services.", SLOT_HIDDEN, &history_query_arg, history_query },
	{ 0 },
};

/* --- the types ------------------------------------------------------------------------------------------------------ */

const struct type history_ext = {
	.name = "history:HistoryExt",
	.doc = "The base of all history extensions: records the value of the point it stands below.",
	.size = sizeof(struct history_ext),
	.base = &control_extension,
	.flags = TYPE_ABSTRACT,
	.slots = slots,
	.actions = actions,
	.check = check,
	.init = init,
	.started = started,
	.stopped = stopped,
	.changed = changed,
	.parent_changed = parent_changed,
};

static const struct slot interval_slots[] = {
	SLOT(struct interval_ext, interval, RELTIME, .dflt = "15m", .flags = SLOT_SUMMARY,
	     .facets = FACETS(.min = 1e6, .max = 86400e6), .doc = "How often the value is recorded."),
	SLOT_END,
};
#define THIN                                                                                                           \
	SLOT(struct cov_ext, minimumInterval, RELTIME, .dflt = "1s", .facets = FACETS(.min = 0, .max = 3600e6),            \
	     .doc = "At most one record in this time; the last value of a storm is always kept.")
static const struct slot cov_slots[] = { THIN, SLOT_END };
static const struct slot numeric_cov_slots[] = {
	THIN,
	SLOT(struct cov_ext, changeTolerance, REAL, .facets = FACETS(.min = 0, .max = INFINITY), .flags = SLOT_SUMMARY,
	     .doc = "How much the value must change to be recorded; 0: any change."),
	SLOT_END,
};

static int below(const struct component *parent, const struct type *type, const char *what, struct err *e)
{
	if (component_is(parent, type))
		return 0;
	return err_set(e, E_INVALID, "parent", "This history extension stands below a %s point.", what);
}

static int below_numeric(const struct component *parent, struct err *e)
{
	return below(parent, &control_numeric_point, "numeric", e);
}

static int below_boolean(const struct component *parent, struct err *e)
{
	return below(parent, &control_boolean_point, "boolean", e);
}

static int below_enum(const struct component *parent, struct err *e)
{
	return below(parent, &control_enum_point, "enum", e);
}

static int below_string(const struct component *parent, struct err *e)
{
	return below(parent, &control_string_point, "string", e);
}

#define INTERVAL(Kind, number, where)                                                                                  \
	{                                                                                                                  \
		.name = "history:" Kind "IntervalHistoryExt", .doc = "Records the value of its point at an interval.",         \
		.size = sizeof(struct interval_ext), .base = &history_ext, .slots = interval_slots, .parent_ok = where,        \
		.traits = &(const struct way){ number, false },                                                                \
	}
#define COV(Kind, number, where, rows)                                                                                 \
	{                                                                                                                  \
		.name = "history:" Kind "CovHistoryExt", .doc = "Records the value of its point each time it changes.",        \
		.size = sizeof(struct cov_ext), .base = &history_ext, .slots = rows, .parent_ok = where, .fini = cov_fini,     \
		.traits = &(const struct way){ number, true },                                                                 \
	}
const struct type history_ext_types[HISTORY_EXTS] = {
	INTERVAL("Numeric", VALUE_NUMERIC, below_numeric), COV("Numeric", VALUE_NUMERIC, below_numeric, numeric_cov_slots),
	INTERVAL("Boolean", VALUE_BOOLEAN, below_boolean), COV("Boolean", VALUE_BOOLEAN, below_boolean, cov_slots),
	INTERVAL("Enum", VALUE_ENUM, below_enum),          COV("Enum", VALUE_ENUM, below_enum, cov_slots),
	INTERVAL("String", VALUE_STRING, below_string),    COV("String", VALUE_STRING, below_string, cov_slots),
};
