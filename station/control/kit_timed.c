/* SPDX-License-Identifier: Apache-2.0
 * Logic that remembers or waits: delays, latches, a counter, a pulse. See kit.h. Timers run on the station's clock. What
 * a counter has counted is kept on disk once a minute, so a power cut loses the last minute's counts at most. */
#include <math.h>
#include <stdlib.h>

#include "station/base/must.h"
#include "station/control/kit.h"
#include "station/control/writable.h"
#include "station/station.h"
#include "station/store/persist.h"

#define LONGEST (366.0 * 86400 * SECOND_US)
#define SPAN(T, f, ...) SLOT(T, f, RELTIME, .facets = FACETS(.min = 0, .max = LONGEST), __VA_ARGS__)
#define KIT_TYPE(n, text, T, point, rows, ...)                                                                         \
	{                                                                                                                  \
		.name = "kitControl:" n, .doc = text, .size = sizeof(T), .base = &(point), .slots = rows,                      \
		.flags = TYPE_CONTAINER, __VA_ARGS__                                                                           \
	}

static bool is_true(struct status_boolean b)
{
	return b.value && !(b.status & STATUS_INVALID_MASK);
}

static struct clock *clock_of(const struct component *c)
{
	return &c->station->clock;
}

/* --- a boolean that follows late ------------------------------------------------------------------------------------ */

struct boolean_delay {
	struct boolean_point p;
	struct status_boolean in;
	struct reltime onDelay, offDelay;
	struct timer timer;
};

static void delay_over(struct timer *t)
{
	struct boolean_delay *d = container_of(t, struct boolean_delay, timer);
	struct value v = { .kind = V_STATUS_BOOLEAN, .boolean = d->in.value, .status = d->in.status };
	kit_publish(&d->p.p.c, &v);
}

/* A value that does not last as long as its delay never comes out; a status goes through at once. */
static void delay_look(struct component *c)
{
	struct boolean_delay *d = (struct boolean_delay *)(void *)c;
	bool same = d->in.value == d->p.out.value || (d->in.status & STATUS_NULL) || (d->p.out.status & STATUS_NULL);
	int64_t wait = d->in.value ? d->onDelay.us : d->offDelay.us;
	if (same || wait == 0) {
		timer_stop(clock_of(c), &d->timer);
		delay_over(&d->timer);
	} else if (d->timer.index == 0) {
		timer_start(clock_of(c), &d->timer, wait);
	}
}

static void delay_changed(struct component *c, const struct slot *slot);
static void delay_init(struct component *c)
{
	((struct boolean_delay *)(void *)c)->timer.fire = delay_over;
}

static void delay_stopped(struct component *c)
{
	timer_stop(clock_of(c), &((struct boolean_delay *)(void *)c)->timer);
}

static const struct slot delay_slots[] = {
	SLOT(struct boolean_delay, in, STATUS_BOOLEAN, .dflt = "false {null}", .doc = "The value that out follows."),
	SPAN(struct boolean_delay, onDelay, .doc = "How long in must be true before out is."),
	SPAN(struct boolean_delay, offDelay, .doc = "How long in must be false before out is."),
	SLOT_END,
};
static void delay_changed(struct component *c, const struct slot *slot)
{
	if (slot == &delay_slots[0])
		delay_look(c);
}
const struct type kit_boolean_delay = KIT_TYPE(
    "BooleanDelay", "Follows its input when that has lasted for a while.", struct boolean_delay, control_boolean_point,
    delay_slots, .init = delay_init, .started = delay_look, .stopped = delay_stopped, .changed = delay_changed);

/* --- a number that follows slowly ------------------------------------------------------------------------------------ */

struct numeric_delay {
	struct numeric_point p;
	struct status_numeric in;
	struct reltime updateTime;
	double maxStepSize;
	struct timer timer;
};

static void ramp_step(struct numeric_delay *d)
{
	struct component *c = &d->p.p.c;
	struct value v = { .kind = V_STATUS_NUMERIC, .real = d->in.value, .status = d->in.status };
	double way = d->in.value - d->p.out.value;
	bool begins = (d->p.out.status & STATUS_NULL) || (d->in.status & STATUS_INVALID_MASK) || d->maxStepSize <= 0;
	if (!begins && fabs(way) > d->maxStepSize) {
		v.real = d->p.out.value + copysign(d->maxStepSize, way);
		timer_start(clock_of(c), &d->timer, d->updateTime.us);
	}
	kit_publish(c, &v);
}

static void ramp_fire(struct timer *t)
{
	ramp_step(container_of(t, struct numeric_delay, timer));
}

static void ramp_look(struct component *c)
{
	struct numeric_delay *d = (struct numeric_delay *)(void *)c;
	if (d->timer.index == 0)
		ramp_step(d);
}

static void ramp_init(struct component *c)
{
	((struct numeric_delay *)(void *)c)->timer.fire = ramp_fire;
}

static void ramp_stopped(struct component *c)
{
	timer_stop(clock_of(c), &((struct numeric_delay *)(void *)c)->timer);
}

static const struct slot ramp_slots[] = {
	SLOT(struct numeric_delay, in, STATUS_NUMERIC, .dflt = "0 {null}", .doc = "The value that out follows."),
	SLOT(struct numeric_delay, updateTime, RELTIME, .dflt = "1s", .facets = FACETS(.min = 100000, .max = LONGEST),
	     .doc = "How often out makes a step."),
	SLOT(struct numeric_delay, maxStepSize, REAL, .dflt = "1", .facets = FACETS(.min = 0, .max = INFINITY),
	     .doc = "The largest step of out; 0: out follows at once."),
	SLOT_END,
};
static void ramp_changed(struct component *c, const struct slot *slot)
{
	if (slot == &ramp_slots[0])
		ramp_look(c);
}
const struct type kit_numeric_delay = KIT_TYPE(
    "NumericDelay", "Follows its input in steps of a greatest size.", struct numeric_delay, control_numeric_point,
    ramp_slots, .init = ramp_init, .started = ramp_look, .stopped = ramp_stopped, .changed = ramp_changed);

/* --- latches --------------------------------------------------------------------------------------------------------- */

/* What every latch has behind its input; the row of `in` comes first in each table. */
struct latch {
	struct status_boolean clock;
	bool was;
};

/* How a latch of one kind is laid out. */
struct latch_traits {
	size_t latch;
};

static struct latch *latch_of(struct component *c)
{
	const struct latch_traits *t = c->type->traits;
	return (struct latch *)(void *)((char *)c + t->latch);
}

static void latch_take(struct component *c)
{
	struct value v;
	slot_read(&c->type->slots[0], c, &v);
	kit_publish(c, &v);
}

static void latch_changed(struct component *c, const struct slot *slot)
{
	struct latch *l = latch_of(c);
	if (slot != &c->type->slots[1])
		return;
	bool now = is_true(l->clock), rises = now && !l->was;
	l->was = now;
	if (rises)
		latch_take(c);
}

static void latch_started(struct component *c)
{
	latch_of(c)->was = is_true(latch_of(c)->clock);
}

static int run_latch(struct component *c, struct invocation *inv)
{
	(void)inv;
	latch_take(c);
	return 0;
}

static const struct action latch_actions[] = {
	{ "latch", "Takes the input now.", SLOT_OPERATOR, NULL, run_latch },
	{ 0 },
};

#define LATCH(what, Name, K, empty)                                                                                    \
	struct what##_latch {                                                                                              \
		struct what##_point p;                                                                                         \
		struct status_##what in;                                                                                       \
		struct latch l;                                                                                                \
	};                                                                                                                 \
	static const struct slot what##_latch_slots[] = {                                                                  \
		SLOT(struct what##_latch, in, K, .dflt = empty, .doc = "The value that is taken."),                            \
		SLOT_AT(struct what##_latch, l.clock, "clock", STATUS_BOOLEAN, .dflt = "false {null}",                         \
		        .doc = "When it becomes true, out takes the input and keeps it."),                                     \
		SLOT_END,                                                                                                      \
	};                                                                                                                 \
	const struct type kit_##what##_latch =                                                                             \
	    KIT_TYPE(Name, "Takes its input when the clock rises, and keeps it.", struct what##_latch,                     \
	             control_##what##_point, what##_latch_slots, .actions = latch_actions, .started = latch_started,       \
	             .changed = latch_changed, .traits = &(const struct latch_traits){ offsetof(struct what##_latch, l) })
LATCH(numeric, "NumericLatch", STATUS_NUMERIC, "0 {null}");
LATCH(boolean, "BooleanLatch", STATUS_BOOLEAN, "false {null}");
LATCH(enum, "EnumLatch", STATUS_ENUM, "0 {null}");
LATCH(string, "StringLatch", STATUS_STRING, " {null}");

/* --- a counter ------------------------------------------------------------------------------------------------------- */

enum { SAVE_US = 60000000 };

struct counter {
	struct numeric_point p;
	struct status_boolean countUp, countDown;
	double countIncrement, presetValue, count;
	bool was_up, was_down;
	struct timer save;
};

static const struct slot counter_slots[] = {
	SLOT(struct counter, countUp, STATUS_BOOLEAN, .dflt = "false {null}",
	     .doc = "Each time it becomes true, out rises."),
	SLOT(struct counter, countDown, STATUS_BOOLEAN, .dflt = "false {null}",
	     .doc = "Each time it becomes true, out falls."),
	SLOT(struct counter, countIncrement, REAL, .dflt = "1", .doc = "By how much."),
	SLOT(struct counter, presetValue, REAL, .doc = "Where the action preset puts the count."),
	SLOT(struct counter, count, REAL, .flags = SLOT_READONLY | SLOT_HIDDEN, .doc = "The count, as it is kept on disk."),
	SLOT_END,
};

static void counter_save(struct timer *t)
{
	struct counter *n = container_of(t, struct counter, save);
	struct store_tx *tx = store_tx_new();
	persist_slot(tx, n->p.p.c.handle, &counter_slots[4], n);
	store_commit(n->p.p.c.station->store, tx, NULL, NULL);
}

static void counter_show(struct counter *n)
{
	struct value v = { .kind = V_STATUS_NUMERIC, .real = n->count };
	kit_publish(&n->p.p.c, &v);
}

static void counter_set(struct counter *n, double count)
{
	if (!isfinite(count))
		return;
	n->count = count;
	if (n->save.index == 0)
		timer_start(clock_of(&n->p.p.c), &n->save, SAVE_US);
	counter_show(n);
}

static void counter_changed(struct component *c, const struct slot *slot)
{
	struct counter *n = (struct counter *)(void *)c;
	bool up = is_true(n->countUp), down = is_true(n->countDown);
	if (slot == &counter_slots[0] && up && !n->was_up)
		counter_set(n, n->count + n->countIncrement);
	if (slot == &counter_slots[1] && down && !n->was_down)
		counter_set(n, n->count - n->countIncrement);
	n->was_up = up;
	n->was_down = down;
}

static void counter_started(struct component *c)
{
	struct counter *n = (struct counter *)(void *)c;
	n->was_up = is_true(n->countUp);
	n->was_down = is_true(n->countDown);
	counter_show(n);
}

static void counter_init(struct component *c)
{
	((struct counter *)(void *)c)->save.fire = counter_save;
}

static void counter_stopped(struct component *c)
{
	timer_stop(clock_of(c), &((struct counter *)(void *)c)->save);
}

static int run_clear(struct component *c, struct invocation *inv)
{
	(void)inv;
	counter_set((struct counter *)(void *)c, 0);
	return 0;
}

static int run_preset(struct component *c, struct invocation *inv)
{
	(void)inv;
	struct counter *n = (struct counter *)(void *)c;
	counter_set(n, n->presetValue);
	return 0;
}

static const struct action counter_actions[] = {
	{ "clear", "Puts the count to 0.", SLOT_OPERATOR | SLOT_CONFIRM, NULL, run_clear },
	{ "preset", "Puts the count to presetValue.", SLOT_OPERATOR, NULL, run_preset },
	{ 0 },
};
const struct type kit_counter =
    KIT_TYPE("Counter", "Counts how often its inputs become true.", struct counter, control_numeric_point,
             counter_slots, .actions = counter_actions, .init = counter_init, .started = counter_started,
             .stopped = counter_stopped, .changed = counter_changed);

/* --- a pulse --------------------------------------------------------------------------------------------------------- */

struct one_shot {
	struct boolean_point p;
	struct status_boolean in;
	struct reltime time;
	bool was;
	struct timer timer;
};

static const struct slot one_shot_slots[] = {
	SLOT(struct one_shot, in, STATUS_BOOLEAN, .dflt = "false {null}", .doc = "When it becomes true, the pulse begins."),
	SLOT(struct one_shot, time, RELTIME, .dflt = "1s", .facets = FACETS(.min = 100000, .max = LONGEST),
	     .doc = "How long out is true."),
	SLOT_END,
};

static void pulse(struct one_shot *o, bool on)
{
	struct value v = { .kind = V_STATUS_BOOLEAN, .boolean = on };
	kit_publish(&o->p.p.c, &v);
}

static void pulse_over(struct timer *t)
{
	pulse(container_of(t, struct one_shot, timer), false);
}

static void one_shot_changed(struct component *c, const struct slot *slot)
{
	struct one_shot *o = (struct one_shot *)(void *)c;
	bool now = is_true(o->in), rises = now && !o->was;
	o->was = now;
	if (slot != &one_shot_slots[0] || !rises)
		return;
	timer_start(clock_of(c), &o->timer, o->time.us);
	pulse(o, true);
}

static void one_shot_started(struct component *c)
{
	struct one_shot *o = (struct one_shot *)(void *)c;
	o->was = is_true(o->in);
	pulse(o, false);
}

static void one_shot_init(struct component *c)
{
	((struct one_shot *)(void *)c)->timer.fire = pulse_over;
}

static void one_shot_stopped(struct component *c)
{
	timer_stop(clock_of(c), &((struct one_shot *)(void *)c)->timer);
}

const struct type kit_one_shot =
    KIT_TYPE("OneShot", "A pulse of a set length when its input becomes true.", struct one_shot, control_boolean_point,
             one_shot_slots, .init = one_shot_init, .started = one_shot_started, .stopped = one_shot_stopped,
             .changed = one_shot_changed);
