/* SPDX-License-Identifier: Apache-2.0
 * Writable points: sixteen inputs, in1 the strongest. `out` is the strongest input whose status is good, or else the
 * fallback. in1 is the emergency level and in8 the operator's override; both, and the fallback, are commanded by
 * actions that answer once the command is on disk, so that a restart does not undo them. The kinds of points differ in
 * one table row. Engine thread. */
#include "station/control/writable.h"

#include <stdlib.h>
#include <string.h>

#include "station/base/log.h"
#include "station/base/must.h"
#include "station/station.h"

#define LEVELS 16
enum level { LEVEL_EMERGENCY = 1, LEVEL_OVERRIDE = 8, LEVEL_FALLBACK = LEVELS + 1 };

/* What every writable has beside its inputs. */
struct writable {
	struct reltime maxOverrideDuration;
	struct abstime overrideExpiration;
	int activeLevel;
	uint16_t device;         /* status bits of the proxy */
	struct timer expiry;     /* of the override */
	struct component *point; /* borrowed: the component that this lies in */
};
struct numeric_writable {
	struct numeric_point p;
	struct status_numeric in[LEVELS], fallback;
	struct writable w;
};
struct boolean_writable {
	struct boolean_point p;
	struct status_boolean in[LEVELS], fallback;
	struct writable w;
};
struct enum_writable {
	struct enum_point p;
	struct status_enum in[LEVELS], fallback;
	struct writable w;
};
struct string_writable {
	struct string_point p;
	struct status_string in[LEVELS], fallback;
	struct writable w;
};

static const struct tag level_range[] = {
	{ 1, "in1", "emergency" },
	{ 2, "in2", "" },
	{ 3, "in3", "" },
	{ 4, "in4", "" },
	{ 5, "in5", "" },
	{ 6, "in6", "" },
	{ 7, "in7", "" },
	{ 8, "in8", "override by an operator" },
	{ 9, "in9", "" },
	{ 10, "in10", "" },
	{ 11, "in11", "" },
	{ 12, "in12", "" },
	{ 13, "in13", "" },
	{ 14, "in14", "" },
	{ 15, "in15", "" },
	{ 16, "in16", "" },
	{ LEVEL_FALLBACK, "fallback", "no input is good" },
	{ 0, NULL, NULL },
};

#define IN(T, K, n, empty, text) SLOT_AT(T, in[(n)-1], "in" #n, K, .dflt = empty, .doc = text)
#define PLAIN "An input for links and programs; a lower number is stronger."
/* The rows of a writable: T its struct, K the kind of its values, the text of a null value and of the first fallback. */
#define WRITABLE_SLOTS(T, K, empty, first)                                                                             \
	IN(T, K, 1, empty, "Emergency level: wins over all others; set by emergencyOverride."), IN(T, K, 2, empty, PLAIN), \
	    IN(T, K, 3, empty, PLAIN), IN(T, K, 4, empty, PLAIN), IN(T, K, 5, empty, PLAIN), IN(T, K, 6, empty, PLAIN),    \
	    IN(T, K, 7, empty, PLAIN), IN(T, K, 8, empty, "The operator's level; set by override, given back by auto."),   \
	    IN(T, K, 9, empty, PLAIN), IN(T, K, 10, empty, PLAIN), IN(T, K, 11, empty, PLAIN), IN(T, K, 12, empty, PLAIN), \
	    IN(T, K, 13, empty, PLAIN), IN(T, K, 14, empty, PLAIN), IN(T, K, 15, empty, PLAIN),                            \
	    IN(T, K, 16, empty, PLAIN),                                                                                    \
	    SLOT(T, fallback, K, .dflt = first, .doc = "The value while no input is good; the action set writes it."),     \
	    SLOT_AT(T, w.overrideExpiration, "overrideExpiration", ABSTIME, .dflt = "null", .flags = SLOT_READONLY,        \
	            .doc = "When the operator's override ends by itself; null: when auto is invoked."),                    \
	    SLOT_AT(T, w.activeLevel, "activeLevel", ENUM, .dflt = "fallback", .facets = FACETS(.range = level_range),     \
	            .flags = SLOT_READONLY | SLOT_TRANSIENT | SLOT_SUMMARY, .doc = "The input that decides at present."),  \
	    SLOT_AT(T, w.maxOverrideDuration, "maxOverrideDuration", RELTIME,                                              \
	            .facets = FACETS(.min = 0, .max = 366.0 * 86400 * SECOND_US),                                          \
	            .doc = "The longest override that an operator may ask for; 0: any, also without an end.")
enum writable_row { ROW_FALLBACK = LEVELS, ROW_EXPIRATION, ROW_ACTIVE, ROW_LONGEST };

static const struct slot numeric_slots[] = {
	WRITABLE_SLOTS(struct numeric_writable, STATUS_NUMERIC, "0 {null}", "0"),
	SLOT_END,
};
static const struct slot boolean_slots[] = {
	WRITABLE_SLOTS(struct boolean_writable, STATUS_BOOLEAN, "false {null}", "false"),
	SLOT_END,
};
static const struct slot enum_slots[] = {
	WRITABLE_SLOTS(struct enum_writable, STATUS_ENUM, "0 {null}", "0"),
	SLOT_END,
};
static const struct slot string_slots[] = {
	WRITABLE_SLOTS(struct string_writable, STATUS_STRING, " {null}", ""),
	SLOT_END,
};

static const struct kind_of_writable {
	const struct type *type;
	const struct slot *rows;
	size_t state; /* where struct writable lies */
} kinds[] = {
	{ &control_numeric_writable, numeric_slots, offsetof(struct numeric_writable, w) },
	{ &control_boolean_writable, boolean_slots, offsetof(struct boolean_writable, w) },
	{ &control_enum_writable, enum_slots, offsetof(struct enum_writable, w) },
	{ &control_string_writable, string_slots, offsetof(struct string_writable, w) },
};

static const struct kind_of_writable *kind_of(const struct component *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (component_is(c, kinds[i].type))
			return &kinds[i];
	return NULL;
}

static struct writable *state_of(struct component *c)
{
	return (struct writable *)(void *)((char *)c + kind_of(c)->state);
}

/* --- out -------------------------------------------------------------------------------------------------------- */

static void set_active_level(struct component *c, enum level level)
{
	struct value v = { .kind = V_ENUM, .ordinal = (int)level };
	component_set(c, &kind_of(c)->rows[ROW_ACTIVE], &v);
}

/* The strongest good input, or the fallback, goes to out. */
static void compute(struct component *c)
{
	const struct slot *rows = kind_of(c)->rows;
	struct value v = VALUE_NULL;
	enum level level = LEVEL_EMERGENCY;
	for (; level < LEVEL_FALLBACK; level++) {
		slot_read(&rows[level - 1], c, &v);
		if (!(v.status & STATUS_INVALID_MASK))
			break;
		value_clear(&v);
	}
	if (level == LEVEL_FALLBACK)
		slot_read(&rows[ROW_FALLBACK], c, &v);
	v.status &= STATUS_INVALID_MASK; /* only a fallback has some */
	if (level == LEVEL_EMERGENCY || level == LEVEL_OVERRIDE)
		v.status |= STATUS_OVERRIDDEN;
	v.status |= state_of(c)->device;
	set_active_level(c, level);
	point_publish(c, &v);
	value_clear(&v);
}

bool writable_device_status(struct component *point, uint16_t status)
{
	if (!kind_of(point))
		return false;
	state_of(point)->device = status;
	compute(point);
	return true;
}

/* --- commands --------------------------------------------------------------------------------------------------- */

/* A command belongs to the station once the role of the user was checked for the action; the name stays in the audit. */
static struct actor commander(const struct invocation *inv)
{
	struct actor actor = { .role = ROLE_ADMIN };
	if (inv && inv->actor)
		actor = *inv->actor;
	actor.role = ROLE_ADMIN;
	return actor;
}

static void command_saved(void *context, int code, const struct report *report, uint64_t added)
{
	(void)added;
	struct invocation *inv = context;
	if (code != 0 && report_first(report, &inv->err) == 0)
		err_set(&inv->err, code, NULL, "%s", err_text(code));
	invocation_done(inv, code);
}

static void command_ended(void *context, int code, const struct report *report, uint64_t added)
{
	(void)context, (void)report, (void)added;
	if (code != 0)
		log_error("point: a command of the station itself was not saved: %s", err_text(code));
}

/* Whoever waits (inv->done) hears when it is on disk; the station's own calls go on at once. */
static int submit(struct batch *b, struct invocation *inv)
{
	if (inv && inv->done) {
		batch_submit(b, command_saved, inv);
		return 1;
	}
	batch_submit(b, command_ended, NULL);
	return 0;
}

static void set_expiration(struct batch *b, struct component *c, int64_t when)
{
	struct value v = value_abstime(when);
	batch_set(b, c->handle, kind_of(c)->rows[ROW_EXPIRATION].name, &v);
}

/* Links may bring anything: only a value of the point's own kind, and within its limits, is commanded. */
static int check_command(struct component *c, const struct slot *slot, const struct value *v, struct err *e)
{
	static const enum kind plain[] = { [V_STATUS_BOOLEAN] = V_BOOLEAN,
		                               [V_STATUS_NUMERIC] = V_REAL,
		                               [V_STATUS_ENUM] = V_ENUM,
		                               [V_STATUS_STRING] = V_STRING };
	if (v->kind != slot->kind && v->kind != plain[slot->kind])
		return err_set(e, E_INVALID, "value", "A %s is no value for this point.", kind_name(v->kind));
	struct row_room room;
	struct report report;
	report_init(&report, "");
	int rc = value_check(component_row(c, slot, &room), v, "value", &report);
	report_first(&report, e);
	report_finish(&report);
	row_room_finish(&room);
	return rc;
}

/* Writes value to a row: an input, or the fallback. v NULL: the input is given back. */
static int command(struct component *c, size_t row, const struct value *v, int64_t expiration, struct invocation *inv)
{
	const struct slot *slot = &kind_of(c)->rows[row];
	struct value next = value_default(slot);
	if (v) {
		if (check_command(c, slot, v, &inv->err) != 0)
			return inv->err.code;
		value_clear(&next);
		value_copy(&next, v);
		next.kind = slot->kind; /* a plain value and its status value share their layout */
		next.status = STATUS_OK;
	}
	struct actor actor = commander(inv);
	struct batch *b = batch_new(c->station, &actor);
	batch_no_version(b);
	batch_set(b, c->handle, slot->name, &next);
	if (row == LEVEL_OVERRIDE - 1)
		set_expiration(b, c, expiration);
	value_clear(&next);
	return submit(b, inv);
}

static int run_set(struct component *c, struct invocation *inv)
{
	return command(c, ROW_FALLBACK, inv->arg, 0, inv);
}

static int run_override(struct component *c, struct invocation *inv)
{
	const struct value *value = &inv->arg->list.items[0];
	int64_t duration = inv->arg->list.items[1].integer, longest = state_of(c)->maxOverrideDuration.us;
	if (longest > 0 && (duration == 0 || duration > longest)) {
		char text[RELTIME_TEXT_MAX];
		return err_set(&inv->err, E_INVALID, "duration", "An override of this point lasts %s at most.",
		               reltime_print(longest, text));
	}
	int64_t end = duration > 0 ? station_now(c->station) + duration : ABSTIME_NULL;
	return command(c, LEVEL_OVERRIDE - 1, value, end, inv);
}

static int run_auto(struct component *c, struct invocation *inv)
{
	return command(c, LEVEL_OVERRIDE - 1, NULL, ABSTIME_NULL, inv);
}

static int run_emergency_override(struct component *c, struct invocation *inv)
{
	return command(c, LEVEL_EMERGENCY - 1, inv->arg, 0, inv);
}

static int run_emergency_auto(struct component *c, struct invocation *inv)
{
	return command(c, LEVEL_EMERGENCY - 1, NULL, 0, inv);
}

#define DURATION                                                                                                       \
	MEMBER("duration", RELTIME, .facets = FACETS(.min = 0, .max = 366.0 * 86400 * SECOND_US),                          \
	       .doc = "How long; 0: until auto is invoked.")
/* The arguments of a kind's actions: the plain value, and the value with a duration. */
#define ARGUMENTS(kind, K)                                                                                             \
	static const struct slot kind##_value =                                                                            \
	    MEMBER("value", K, .flags = SLOT_REQUIRED, .doc = "The value that is commanded.");                             \
	static const struct slot kind##_override_members[] = {                                                             \
		MEMBER("value", K, .flags = SLOT_REQUIRED, .doc = "The value that is commanded."),                             \
		DURATION,                                                                                                      \
		SLOT_END,                                                                                                      \
	};                                                                                                                 \
	static const struct slot kind##_override = MEMBER("override", STRUCT, .members = kind##_override_members,          \
	                                                  .flags = SLOT_REQUIRED, .doc = "The value, and for how long.")
ARGUMENTS(numeric, REAL);
ARGUMENTS(boolean, BOOLEAN);
ARGUMENTS(enum, ENUM);
ARGUMENTS(string, STRING);

#define WRITABLE_ACTIONS(plain, override_)                                                                             \
	{                                                                                                                  \
		{ "set", "Writes the fallback: the value while no input is good.", SLOT_OPERATOR, &plain, run_set },           \
		    { "override", "Takes the point by hand at level 8, for a while or until auto.", SLOT_OPERATOR, &override_, \
			  run_override },                                                                                          \
		    { "auto", "Gives the operator's override back.", SLOT_OPERATOR, NULL, run_auto },                          \
		    { "emergencyOverride", "Takes the point by hand at level 1, above everything.", SLOT_CONFIRM, &plain,      \
			  run_emergency_override },                                                                                \
		    { "emergencyAuto", "Gives the emergency override back.", SLOT_CONFIRM, NULL, run_emergency_auto }, { 0 },  \
	}
static const struct action numeric_actions[] = WRITABLE_ACTIONS(numeric_value, numeric_override);
static const struct action boolean_actions[] = WRITABLE_ACTIONS(boolean_value, boolean_override);
static const struct action enum_actions[] = WRITABLE_ACTIONS(enum_value, enum_override);
static const struct action string_actions[] = WRITABLE_ACTIONS(string_value, string_override);

/* --- life ------------------------------------------------------------------------------------------------------- */

struct expiry {
	struct station *station;
	uint64_t point;
};

/* The override has run out. Should the disk refuse, the point is given back all the same: hands off counts more. */
static void expired_saved(void *context, int code, const struct report *report, uint64_t added)
{
	(void)report, (void)added;
	struct expiry *x = context;
	struct component *c = station_by_handle(x->station, x->point);
	free(x);
	if (code == 0 || !c)
		return;
	log_error("point %s: the end of the override could not be saved: %s", c->name, err_text(code));
	const struct slot *row = &kind_of(c)->rows[LEVEL_OVERRIDE - 1];
	struct value v = value_default(row);
	component_set(c, row, &v);
}

static void expire(struct timer *t)
{
	struct component *c = container_of(t, struct writable, expiry)->point;
	struct actor actor = commander(NULL);
	struct batch *b = batch_new(c->station, &actor);
	batch_no_version(b);
	struct value empty = value_default(&kind_of(c)->rows[LEVEL_OVERRIDE - 1]);
	batch_set(b, c->handle, kind_of(c)->rows[LEVEL_OVERRIDE - 1].name, &empty);
	set_expiration(b, c, ABSTIME_NULL);
	value_clear(&empty);
	struct expiry *context = must_alloc(sizeof *context);
	*context = (struct expiry){ c->station, c->handle };
	batch_submit(b, expired_saved, context);
}

static void arm_expiry(struct component *c)
{
	struct writable *w = state_of(c);
	timer_stop(&c->station->clock, &w->expiry);
	if (w->overrideExpiration.us == ABSTIME_NULL)
		return;
	int64_t left = w->overrideExpiration.us - station_now(c->station);
	timer_start(&c->station->clock, &w->expiry, left > 0 ? left : 0);
}

static void init(struct component *c)
{
	struct writable *w = state_of(c);
	w->point = c;
	w->expiry.fire = expire;
}

static void started(struct component *c)
{
	compute(c);
	arm_expiry(c);
}

static void stopped(struct component *c)
{
	timer_stop(&c->station->clock, &state_of(c)->expiry);
}

static void changed(struct component *c, const struct slot *slot)
{
	const struct slot *rows = kind_of(c)->rows;
	if (slot >= rows && slot <= &rows[ROW_FALLBACK])
		compute(c);
	else if (slot == &rows[ROW_EXPIRATION] && (c->flags & COMPONENT_RUNNING))
		arm_expiry(c);
}

#define WRITABLE_TYPE(n, text, T, b, s, a)                                                                             \
	{                                                                                                                  \
		.name = n, .doc = text, .size = sizeof(T), .base = b, .slots = s, .actions = a, .flags = TYPE_CONTAINER,       \
		.init = init, .started = started, .stopped = stopped, .changed = changed,                                      \
	}
const struct type control_numeric_writable =
    WRITABLE_TYPE("control:NumericWritable", "A number that can be commanded, such as a setpoint.",
                  struct numeric_writable, &control_numeric_point, numeric_slots, numeric_actions);
const struct type control_boolean_writable =
    WRITABLE_TYPE("control:BooleanWritable", "A two-state value that can be commanded, such as a fan.",
                  struct boolean_writable, &control_boolean_point, boolean_slots, boolean_actions);
const struct type control_enum_writable =
    WRITABLE_TYPE("control:EnumWritable", "One of several named states that can be commanded, such as a mode.",
                  struct enum_writable, &control_enum_point, enum_slots, enum_actions);
const struct type control_string_writable =
    WRITABLE_TYPE("control:StringWritable", "A text that can be commanded, such as a sign's.", struct string_writable,
                  &control_string_point, string_slots, string_actions);
