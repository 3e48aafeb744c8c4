/* SPDX-License-Identifier: Apache-2.0
 * kitControl:LoopPoint, the PID loop. Each executeTime: out = P (e + I/60 S + D de/dt) + bias, with e the distance of the
 * controlled variable from the setpoint (negative for direct action), S the sum of e over time in seconds, and de/dt a
 * second's change. The sum stands still while out is at a limit and would go further (anti-windup), and starts such that
 * out does not jump when the loop is enabled (bumpless). */
#include <math.h>

#include "station/base/must.h"
#include "station/control/kit.h"
#include "station/control/writable.h"
#include "station/station.h"

enum loop_action { LOOP_DIRECT, LOOP_REVERSE };
enum disable_action { DISABLE_MAXIMUM, DISABLE_MINIMUM, DISABLE_HOLD, DISABLE_ZERO };

struct loop_point {
	struct numeric_point p;
	struct status_numeric setpoint, controlledVariable;
	struct status_boolean loopEnable;
	double proportionalConstant, integralConstant, derivativeConstant, bias, maximumOutput, minimumOutput;
	struct reltime executeTime;
	int loopAction, disableAction;
	double sum, before; /* of the error; the error at the last step */
	bool active;
	struct timer timer;
};

static const struct tag loop_actions[] = {
	{ LOOP_DIRECT, "direct", "Out rises when the controlled variable is above the setpoint: cooling." },
	{ LOOP_REVERSE, "reverse", "Out rises when the controlled variable is below the setpoint: heating." },
	{ 0, NULL, NULL },
};
static const struct tag disable_actions[] = {
	{ DISABLE_ZERO, "zero", "Out is 0." },
	{ DISABLE_MINIMUM, "minValue", "Out is minimumOutput." },
	{ DISABLE_MAXIMUM, "maxValue", "Out is maximumOutput." },
	{ DISABLE_HOLD, "hold", "Out stays as it was." },
	{ 0, NULL, NULL },
};

static double limited(const struct loop_point *l, double x)
{
	return fmin(fmax(x, l->minimumOutput), l->maximumOutput);
}

static double error_of(const struct loop_point *l)
{
	double e = l->setpoint.value - l->controlledVariable.value;
	return l->loopAction == LOOP_DIRECT ? -e : e;
}

/* The sum that makes out what it is now; a loop without integral has none. */
static void begin(struct loop_point *l)
{
	l->before = error_of(l);
	l->sum = 0;
	double gain = l->proportionalConstant * l->integralConstant / 60;
	bool known = !(l->p.out.status & STATUS_INVALID_MASK);
	if (fabs(gain) > 0 && known)
		l->sum = (limited(l, l->p.out.value) - l->bias - l->proportionalConstant * l->before) / gain;
	l->active = true;
}

static double step(struct loop_point *l)
{
	double seconds = (double)l->executeTime.us / (double)SECOND_US, e = error_of(l);
	double sum = l->sum + e * seconds, change = (e - l->before) / seconds;
	double p = l->proportionalConstant;
	double wanted = p * (e + l->integralConstant / 60 * sum + l->derivativeConstant * change) + l->bias;
	double out = limited(l, wanted);
	bool further = (wanted > out && p * e > 0) || (wanted < out && p * e < 0);
	if (!further)
		l->sum = sum;
	l->before = e;
	return out;
}

static double at_rest(const struct loop_point *l)
{
	const double values[] = { [DISABLE_MAXIMUM] = l->maximumOutput,
		                      [DISABLE_MINIMUM] = l->minimumOutput,
		                      [DISABLE_HOLD] = l->p.out.value,
		                      [DISABLE_ZERO] = 0 };
	return values[l->disableAction];
}

static bool may_run(const struct loop_point *l)
{
	bool off = !l->loopEnable.value && !(l->loopEnable.status & STATUS_NULL);
	return !off && !((l->setpoint.status | l->controlledVariable.status) & STATUS_INVALID_MASK);
}

static void execute(struct timer *t)
{
	struct loop_point *l = container_of(t, struct loop_point, timer);
	struct component *c = &l->p.p.c;
	struct value v = { .kind = V_STATUS_NUMERIC };
	timer_start(&c->station->clock, t, l->executeTime.us);
	if (may_run(l)) {
		if (!l->active)
			begin(l);
		v.real = step(l);
	} else {
		l->active = false;
		v.real = at_rest(l);
		v.status = (l->setpoint.status | l->controlledVariable.status) & (STATUS_FAULT | STATUS_DOWN | STATUS_STALE);
	}
	kit_publish(c, &v);
}

static int run_reset(struct component *c, struct invocation *inv)
{
	(void)inv;
	struct loop_point *l = (struct loop_point *)(void *)c;
	l->sum = 0;
	l->before = error_of(l);
	return 0;
}

static void check(const struct component *next, const struct component *current, struct report *report)
{
	(void)current;
	const struct loop_point *l = (const struct loop_point *)(const void *)next;
	if (l->minimumOutput >= l->maximumOutput)
		report_error(report, E_INVALID, "minimumOutput", "The least output must lie below the greatest.");
}

/* Setpoint and variable are of another quantity than the output. */
static bool facets(const struct component *c, const struct slot *slot, struct row_room *room)
{
	return slot == point_out_slot(c) && control_numeric_point.facets(c, slot, room);
}

static void init(struct component *c)
{
	((struct loop_point *)(void *)c)->timer.fire = execute;
}

static void started(struct component *c)
{
	execute(&((struct loop_point *)(void *)c)->timer);
}

static void stopped(struct component *c)
{
	timer_stop(&c->station->clock, &((struct loop_point *)(void *)c)->timer);
}

#define NUMBER(f, ...) SLOT(struct loop_point, f, REAL, __VA_ARGS__)
static const struct slot slots[] = {
	SLOT(struct loop_point, loopEnable, STATUS_BOOLEAN, .dflt = "true",
	     .doc = "False: out is what disableAction says."),
	SLOT(struct loop_point, setpoint, STATUS_NUMERIC, .dflt = "0 {null}", .doc = "What the variable shall be."),
	SLOT(struct loop_point, controlledVariable, STATUS_NUMERIC, .dflt = "0 {null}",
	     .doc = "What it is. While it or the setpoint has no good value, the loop rests."),
	SLOT(struct loop_point, executeTime, RELTIME, .dflt = "1s", .facets = FACETS(.min = 100000, .max = 3600e6),
	     .doc = "How often out is calculated."),
	SLOT(struct loop_point, loopAction, ENUM, .dflt = "reverse", .facets = FACETS(.range = loop_actions),
	     .doc = "Which way out moves."),
	SLOT(struct loop_point, disableAction, ENUM, .dflt = "zero", .facets = FACETS(.range = disable_actions),
	     .doc = "What out is while the loop rests."),
	NUMBER(proportionalConstant, .dflt = "1", .doc = "Gain: output for each unit of distance from the setpoint."),
	NUMBER(integralConstant, .facets = FACETS(.min = 0, .max = INFINITY),
	       .doc = "Repeats a minute: how fast a lasting distance adds up; 0: no integral part."),
	NUMBER(derivativeConstant, .facets = FACETS(.min = 0, .max = INFINITY),
	       .doc = "Seconds: how far the present change is looked ahead; 0: no derivative part."),
	NUMBER(bias, .doc = "Added to out: the output at the setpoint of a loop without integral part."),
	NUMBER(maximumOutput, .dflt = "100", .doc = "The greatest output."),
	NUMBER(minimumOutput, .doc = "The least output."),
	SLOT_END,
};
static const struct action actions[] = {
	{ "resetIntegral", "Forgets what has added up.", 0, NULL, run_reset },
	{ 0 },
};
const struct type kit_loop_point = {
	.name = "kitControl:LoopPoint",
	.doc = "A PID loop: moves its output so that the controlled variable comes to the setpoint.",
	.size = sizeof(struct loop_point),
	.base = &control_numeric_point,
	.slots = slots,
	.actions = actions,
	.flags = TYPE_CONTAINER,
	.facets = facets,
	.check = check,
	.init = init,
	.started = started,
	.stopped = stopped,
};
