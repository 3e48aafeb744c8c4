/* SPDX-License-Identifier: Apache-2.0
 * One GPIO line below a boolean point. An input reports edges to the engine's loop; after each burst the level itself
 * is read, because the kernel may have dropped edges, and it counts once it has been quiet for the debounce time. An
 * output follows the point. Engine thread. */
#include <stdlib.h>

#include "drivers/gpio/gpio.h"
#include "station/base/must.h"

/* The loop's handle outlives the point by one turn of the loop, so it is not part of it. */
struct watch {
	uv_poll_t poll;
	struct component *point; /* borrowed */
};
struct line_proxy {
	struct proxy_ext p;
	char *line;
	int direction, bias;
	bool activeLow, initial;
	struct reltime debounce;
	struct gpio_line *open; /* owned; NULL while there is none */
	struct watch *watch;    /* owned by the loop once it is closed */
	struct timer settle;    /* runs while an input is not quiet */
	struct timer again;     /* a setting was changed: take the line anew */
};
enum direction { INPUT, OUTPUT };

static struct line_proxy *proxy_as(struct component *c)
{
	return COMPONENT_AS(c, &gpio_point, struct line_proxy);
}

static struct component *chip_above(struct component *c)
{
	return driver_above(c, &gpio_chip_type);
}

static struct clock *clock_of(struct line_proxy *p)
{
	return &p->p.c.station->clock;
}

static void give_back(struct line_proxy *p);

/* Gone, or only odd: the chip finds out which, and takes the line again if it can. */
static void failed_in_use(struct line_proxy *p)
{
	struct component *chip = chip_above(&p->p.c);
	give_back(p);
	proxy_fail(&p->p.c, STATUS_DOWN, "The line no longer answers; it is taken again as soon as it does.");
	if (chip)
		gpio_chip_suspect(chip);
}

/* --- inputs ----------------------------------------------------------------------------------------------------- */

static void take_level(struct line_proxy *p)
{
	int level = gpio_line_get(p->open);
	if (level < 0)
		failed_in_use(p);
	else
		boolean_point_feed(p->p.c.parent, level != 0, STATUS_OK);
}

static void settled(struct timer *t)
{
	struct line_proxy *p = container_of(t, struct line_proxy, settle);
	if (p->open)
		take_level(p);
}

static void edge(uv_poll_t *handle, int status, int events)
{
	(void)events;
	struct watch *w = container_of(handle, struct watch, poll);
	struct line_proxy *p = proxy_as(w->point);
	if (status < 0 || gpio_line_drain(p->open) != 0) {
		failed_in_use(p);
	} else if (p->debounce.us > 0) {
		timer_start(clock_of(p), &p->settle, p->debounce.us);
	} else {
		take_level(p);
	}
}

static void watch_closed(uv_handle_t *handle)
{
	free(container_of((uv_poll_t *)(void *)handle, struct watch, poll));
}

static void stop_watching(struct line_proxy *p)
{
	if (!p->watch)
		return;
	uv_poll_stop(&p->watch->poll);
	uv_close((uv_handle_t *)&p->watch->poll, watch_closed);
	p->watch = NULL;
}

static int start_watching(struct line_proxy *p, struct err *e)
{
	struct watch *w = must_alloc(sizeof *w);
	w->point = &p->p.c;
	int rc = uv_poll_init(&p->p.c.station->loop, &w->poll, gpio_line_fd(p->open));
	if (rc != 0) {
		free(w);
		return err_set(e, E_DRIVER, NULL, "Edges of the line %.60s cannot be watched: %s.", p->line, uv_strerror(rc));
	}
	p->watch = w;
	uv_poll_start(&w->poll, UV_READABLE | UV_DISCONNECT, edge);
	return 0;
}

/* --- outputs ---------------------------------------------------------------------------------------------------- */

static const struct boolean_point *point_above(const struct line_proxy *p)
{
	return (const void *)component_as_const(p->p.c.parent, &control_boolean_point);
}

/* A point without value (null) leaves the relay as it is. */
static void follow(struct line_proxy *p)
{
	const struct boolean_point *point = point_above(p);
	if (!p->open || p->direction != OUTPUT || (point->out.status & STATUS_NULL))
		return;
	if (gpio_line_set(p->open, point->out.value) != 0)
		failed_in_use(p);
}

/* --- taking and giving back ------------------------------------------------------------------------------------- */

static int check_settings(struct line_proxy *p, struct err *e)
{
	bool writable = component_is(p->p.c.parent, &control_boolean_writable);
	if (!*p->line)
		return err_set(e, E_INVALID, "line", "The name of the line is missing; gpioinfo lists those of the chip.");
	if (p->direction == OUTPUT && !writable)
		return err_set(e, E_INVALID, "direction",
		               "An output belongs below a BooleanWritable, which has a value to write.");
	if (p->direction == INPUT && writable)
		return err_set(e, E_INVALID, "direction",
		               "An input belongs below a BooleanPoint: what is read cannot be commanded.");
	return 0;
}

static int take_line(struct line_proxy *p, struct gpio_chip *chip, struct err *e)
{
	const struct boolean_point *point = point_above(p);
	struct gpio_request request = {
		.name = p->line,
		.output = p->direction == OUTPUT,
		.activeLow = p->activeLow,
		.initial = (point->out.status & STATUS_NULL) ? p->initial : point->out.value,
		.bias = (enum gpio_bias)p->bias,
	};
	int rc = check_settings(p, e);
	if (rc != 0)
		return rc;
	p->open = gpio_line_open(chip, &request, e);
	if (!p->open)
		return e->code;
	return request.output ? 0 : start_watching(p, e);
}

static void give_back(struct line_proxy *p)
{
	timer_stop(clock_of(p), &p->settle);
	stop_watching(p);
	gpio_line_close(&p->open);
}

void gpio_point_open(struct component *c)
{
	struct line_proxy *p = proxy_as(c);
	struct component *chip = chip_above(c);
	struct err e = { 0 };
	give_back(p);
	if (!driver_enabled(c)) {
		proxy_fail(c, STATUS_DISABLED, "");
	} else if (!chip) {
		proxy_fail(c, STATUS_FAULT, "The point stands below no GpioChip.");
	} else if (!gpio_chip_of(chip)) {
		return; /* the chip tells when it comes */
	} else if (take_line(p, gpio_chip_of(chip), &e) != 0) {
		give_back(p);
		proxy_fail(c, STATUS_FAULT, e.text);
	} else {
		proxy_ok(c);
		if (p->direction == INPUT) {
			take_level(p);
			return;
		}
		point_feed_status(c->parent, STATUS_OK);
		follow(p);
	}
}

void gpio_point_close(struct component *c, uint16_t status, const char *cause)
{
	give_back(proxy_as(c));
	proxy_fail(c, status, cause);
}

void gpio_point_retry(struct component *c)
{
	if (!proxy_as(c)->open) /* another program may have let go of the line */
		gpio_point_open(c);
}

/* --- type ------------------------------------------------------------------------------------------------------- */

static void take_again(struct timer *t)
{
	gpio_point_open(&container_of(t, struct line_proxy, again)->p.c);
}

static void init(struct component *c)
{
	struct line_proxy *p = (struct line_proxy *)(void *)c;
	p->settle.fire = settled;
	p->again.fire = take_again;
}

static void started(struct component *c)
{
	timer_start(&c->station->clock, &proxy_as(c)->again, 0);
}

static void stopped(struct component *c)
{
	struct line_proxy *p = proxy_as(c);
	timer_stop(clock_of(p), &p->again);
	give_back(p);
}

static const struct tag direction_range[] = {
	{ INPUT, "input", "The point shows the line." },
	{ OUTPUT, "output", "The line follows the point." },
	{ 0, NULL, NULL },
};
static const struct tag bias_range[] = {
	{ GPIO_BIAS_AS_IS, "asIs", "Leave the resistor as it is." },
	{ GPIO_BIAS_DISABLED, "disabled", "No resistor." },
	{ GPIO_BIAS_PULL_UP, "pullUp", "A resistor to the supply." },
	{ GPIO_BIAS_PULL_DOWN, "pullDown", "A resistor to ground." },
	{ 0, NULL, NULL },
};
static const struct slot slots[] = {
	SLOT(struct line_proxy, line, STRING, .flags = SLOT_SUMMARY, .facets = FACETS(.maxLength = 64),
	     .doc = "Name of the line, as gpioinfo shows it."),
	SLOT(struct line_proxy, direction, ENUM, .facets = FACETS(.range = direction_range),
	     .doc = "Whether the line is read or written."),
	SLOT(struct line_proxy, activeLow, BOOLEAN, .doc = "The point is true while the line is low."),
	SLOT(struct line_proxy, bias, ENUM, .facets = FACETS(.range = bias_range), .doc = "The resistor of an input."),
	SLOT(struct line_proxy, debounce, RELTIME, .dflt = "20ms", .facets = FACETS(.min = 0, .max = 60.0 * SECOND_US),
	     .doc = "An input counts once it has been quiet for this long; 0: at once."),
	SLOT(struct line_proxy, initial, BOOLEAN, .doc = "The level of an output until its point has a value."),
	SLOT_END,
};

static void changed(struct component *c, const struct slot *slot)
{
	bool ours = slots_find(slots, slot->name) == slot && slot->offset != offsetof(struct line_proxy, debounce);
	if (ours || slot->offset == offsetof(struct proxy_ext, enabled))
		timer_start(&c->station->clock, &proxy_as(c)->again, 0);
}

static void parent_changed(struct component *c, const struct slot *slot)
{
	if (slot == point_out_slot(c->parent))
		follow(proxy_as(c));
}

static int parent_ok(const struct component *parent, struct err *e)
{
	if (component_is(parent, &control_boolean_point))
		return control_proxy_ext.parent_ok(parent, e);
	return err_set(e, E_INVALID, NULL,
	               "A GPIO line is on or off: it belongs below a BooleanPoint or a BooleanWritable.");
}

const struct type gpio_point = {
	.name = "gpio:GpioPoint",
	.doc = "Connects a boolean point to a GPIO line.",
	.size = sizeof(struct line_proxy),
	.base = &control_proxy_ext,
	.slots = slots,
	.init = init,
	.started = started,
	.stopped = stopped,
	.changed = changed,
	.parent_changed = parent_changed,
	.parent_ok = parent_ok,
};
