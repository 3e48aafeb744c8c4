/* SPDX-License-Identifier: Apache-2.0
 * Demo network, device and proxy: one timer on the network moves all points below along their curves. Values depend
 * on the seed, the point's path and the time since the network started, and on nothing else. Engine thread. */
#include <math.h>
#include <stdlib.h>

#include "drivers/demo/demo.h"
#include "drivers/driver.h"
#include "station/base/must.h"

struct demo_network {
	struct network n;
	int64_t seed;
	struct reltime updateInterval;
	struct timer tick;
	int64_t start; /* monotonic */
};
struct demo_proxy {
	struct proxy_ext p;
	int waveform;
	double offset, amplitude, noise, phase, duty;
	struct reltime period;
};

/* --- curves ----------------------------------------------------------------------------------------------------- */

/* Bits of x well mixed (the finalizer of splitmix64): noise without a state that would have to be kept. */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

/* Between -1 and 1. */
static double noise_at(int64_t t, uint64_t seed)
{
	return (double)(mix(seed ^ mix((uint64_t)t)) >> 11) / (double)(UINT64_C(1) << 52) - 1;
}

/* x: where in the period, 0 to 1. */
static double shape(const struct curve *c, double x)
{
	switch (c->waveform) {
	case WAVE_SINE:
		return sin(2 * M_PI * x);
	case WAVE_SQUARE:
		return x < c->duty ? 1 : 0;
	case WAVE_TRIANGLE:
		return x < 0.5 ? 4 * x - 1 : 3 - 4 * x;
	case WAVE_SAWTOOTH:
		return 2 * x - 1;
	case WAVE_EXCURSION:
		return x < c->duty ? sin(M_PI * x / c->duty) : 0;
	case WAVE_CONSTANT:
		break;
	}
	return 0;
}

double curve_at(const struct curve *c, int64_t t, uint64_t seed)
{
	double x = (double)(t % c->period) / (double)c->period + c->phase;
	return c->offset + c->amplitude * shape(c, x - floor(x)) + c->noise * noise_at(t, seed);
}

/* --- proxy ------------------------------------------------------------------------------------------------------ */

static const struct tag waveform_range[] = {
	{ WAVE_CONSTANT, "constant", "The offset alone." },
	{ WAVE_SINE, "sine", "Up and down smoothly, around the offset." },
	{ WAVE_SQUARE, "square", "Offset plus amplitude while the duty lasts, then the offset." },
	{ WAVE_TRIANGLE, "triangle", "Up and down in straight lines, around the offset." },
	{ WAVE_SAWTOOTH, "sawtooth", "Up in a straight line, then at once back." },
	{ WAVE_EXCURSION, "excursion", "The offset, but one arc up to the amplitude while the duty lasts." },
	{ 0, NULL, NULL },
};
static const struct slot proxy_slots[] = {
	SLOT(struct demo_proxy, waveform, ENUM, .dflt = "sine", .facets = FACETS(.range = waveform_range),
	     .doc = "The curve that the value follows. A two-state point is true above one half."),
	SLOT(struct demo_proxy, offset, REAL, .doc = "The value around which, or from which, the curve moves."),
	SLOT(struct demo_proxy, amplitude, REAL, .dflt = "1", .doc = "How far the curve goes from the offset."),
	SLOT(struct demo_proxy, period, RELTIME, .dflt = "1m",
	     .facets = FACETS(.min = 0.1 * SECOND_US, .max = 31.0 * 86400 * SECOND_US),
	     .doc = "Time after which the curve repeats."),
	SLOT(struct demo_proxy, phase, REAL, .facets = FACETS(.min = 0, .max = 1, .precision = 2),
	     .doc = "Where in the period the curve starts."),
	SLOT(struct demo_proxy, duty, REAL, .dflt = "0.5", .facets = FACETS(.min = 0.001, .max = 1, .precision = 2),
	     .doc = "Part of the period that a square or an excursion lasts."),
	SLOT(struct demo_proxy, noise, REAL, .doc = "Random share of each value, at most this far up or down."),
	SLOT_END,
};

static struct demo_network *network_of(struct component *proxy)
{
	struct component *n = driver_above(proxy, &demo_network);
	return n ? COMPONENT_AS(n, &demo_network, struct demo_network) : NULL;
}

/* Points differ in their noise by their path, which a restart does not change. */
static uint64_t seed_of(const struct demo_network *n, const struct component *point)
{
	uint64_t hash = (uint64_t)n->seed;
	for (const struct component *c = point; c && c != &n->n.c; c = c->parent)
		for (const char *p = c->name; *p; p++)
			hash = (hash ^ (unsigned char)*p) * 0x100000001b3u;
	return hash;
}

static void update(struct demo_network *n, struct component *c)
{
	struct demo_proxy *p = COMPONENT_AS(c, &demo_proxy_ext, struct demo_proxy);
	if (!driver_enabled(c)) {
		proxy_fail(c, STATUS_DISABLED, "");
		return;
	}
	const struct curve curve = {
		.waveform = (enum waveform)p->waveform,
		.offset = p->offset,
		.amplitude = p->amplitude,
		.noise = p->noise,
		.phase = p->phase,
		.duty = p->duty,
		.period = p->period.us,
	};
	double value = curve_at(&curve, clock_mono(&c->station->clock) - n->start, seed_of(n, c->parent));
	if (c->status.bits != STATUS_OK)
		proxy_ok(c);
	if (component_is(c->parent, &control_numeric_point))
		numeric_point_feed(c->parent, value, STATUS_OK);
	else
		boolean_point_feed(c->parent, value > 0.5, STATUS_OK);
}

static void proxy_changed(struct component *c, const struct slot *slot)
{
	struct demo_network *n = network_of(c);
	if (n && slots_find(proxy_slots, slot->name) && (c->flags & COMPONENT_RUNNING))
		update(n, c);
}

const struct type demo_proxy_ext = {
	.name = "demo:DemoProxyExt",
	.doc = "Lets the point follow a curve.",
	.size = sizeof(struct demo_proxy),
	.base = &control_proxy_ext,
	.slots = proxy_slots,
	.changed = proxy_changed,
};

/* --- network and device ----------------------------------------------------------------------------------------- */

static void tick(struct timer *t)
{
	struct demo_network *n = container_of(t, struct demo_network, tick);
	for (struct component *c = &n->n.c; c; c = tree_next(c, &n->n.c)) {
		if (component_is(c, &demo_proxy_ext))
			update(n, c);
		else if (component_is(c, &demo_device) && driver_enabled(c))
			device_ok(c);
		else if (component_is(c, &demo_device))
			device_fail(c, STATUS_DISABLED, "");
	}
	component_set_status(&n->n.c, n->n.enabled ? STATUS_OK : STATUS_DISABLED);
	timer_start(&n->n.c.station->clock, t, n->updateInterval.us);
}

static void init(struct component *c)
{
	((struct demo_network *)(void *)c)->tick.fire = tick;
}

static void started(struct component *c)
{
	struct demo_network *n = COMPONENT_AS(c, &demo_network, struct demo_network);
	n->start = clock_mono(&c->station->clock);
	timer_start(&c->station->clock, &n->tick, 0);
}

static void stopped(struct component *c)
{
	timer_stop(&c->station->clock, &COMPONENT_AS(c, &demo_network, struct demo_network)->tick);
}

static const struct slot network_slots[] = {
	SLOT(struct demo_network, seed, INTEGER, .dflt = "1", .doc = "The same seed gives the same noise."),
	SLOT(struct demo_network, updateInterval, RELTIME, .dflt = "1s",
	     .facets = FACETS(.min = 0.1 * SECOND_US, .max = 3600.0 * SECOND_US), .doc = "Time between two values."),
	SLOT_END,
};
const struct type demo_network = {
	.name = "demo:DemoNetwork",
	.doc = "A field bus without wires: its points follow curves.",
	.size = sizeof(struct demo_network),
	.base = &driver_network,
	.slots = network_slots,
	.flags = TYPE_CONTAINER,
	.init = init,
	.started = started,
	.stopped = stopped,
};
const struct type demo_device = {
	.name = "demo:DemoDevice",
	.doc = "A device of the demo network, such as a boiler.",
	.size = sizeof(struct device),
	.base = &driver_device,
	.slots = (const struct slot[]){ SLOT_END },
	.flags = TYPE_CONTAINER,
};
