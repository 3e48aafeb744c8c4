/* SPDX-License-Identifier: Apache-2.0
 * GPIO network and chips. A chip is found by its label; while it is away it is looked for every retryInterval, and
 * while it is there its lines are asked at the same pace, since only inputs report by themselves that it was pulled.
 * Engine thread. */
#include "drivers/gpio/gpio.h"
#include "station/base/must.h"

struct network_of_chips {
	struct network n;
	struct reltime retryInterval;
};
struct chip_device {
	struct device d;
	char *label;
	struct gpio_chip *chip; /* owned; NULL while away */
	struct timer look;
};

/* Between a failure and the look at its cause: a line that fails again and again must not keep the engine busy. */
#define SUSPECT_DELAY (SECOND_US / 10)

static struct chip_device *chip_as(struct component *c)
{
	return COMPONENT_AS(c, &gpio_chip_type, struct chip_device);
}

struct gpio_chip *gpio_chip_of(struct component *chip)
{
	return chip_as(chip)->chip;
}

void gpio_chip_suspect(struct component *chip)
{
	timer_start(&chip->station->clock, &chip_as(chip)->look, SUSPECT_DELAY);
}

static int64_t retry_interval(struct component *chip)
{
	struct component *n = driver_above(chip, &gpio_network);
	return n ? COMPONENT_AS(n, &gpio_network, struct network_of_chips)->retryInterval.us : 5 * SECOND_US;
}

/* --- coming and going ------------------------------------------------------------------------------------------- */

static void release(struct chip_device *d, uint16_t status, const char *cause)
{
	for (struct component *c = &d->d.c; c; c = tree_next(c, &d->d.c))
		if (component_is(c, &gpio_point))
			gpio_point_close(c, status, cause);
	gpio_chip_close(&d->chip);
}

static void lose(struct chip_device *d, uint16_t status, const char *cause)
{
	release(d, status, cause);
	device_fail(&d->d.c, status, cause);
}

static void for_points(struct chip_device *d, void (*act)(struct component *))
{
	for (struct component *c = &d->d.c; c; c = tree_next(c, &d->d.c))
		if (component_is(c, &gpio_point))
			act(c);
}

static void seek(struct chip_device *d)
{
	struct err e = { 0 };
	d->chip = gpio_chip_open(d->label, &e);
	if (!d->chip) {
		lose(d, e.code == E_NETWORK ? STATUS_DOWN : STATUS_FAULT, e.text);
		return;
	}
	device_ok(&d->d.c);
	for_points(d, gpio_point_open);
}

static void look(struct timer *t)
{
	struct chip_device *d = container_of(t, struct chip_device, look);
	if (!driver_enabled(&d->d.c)) {
		lose(d, STATUS_DISABLED, "");
		return;
	}
	timer_start(&d->d.c.station->clock, t, retry_interval(&d->d.c));
	if (!*d->label) {
		lose(d, STATUS_FAULT, "The label of the chip is missing; gpiodetect lists those of this machine.");
		return;
	}
	if (d->chip && !gpio_chip_alive(d->chip))
		lose(d, STATUS_DOWN, "The chip was removed; it is used again as soon as it is back.");
	if (d->chip)
		for_points(d, gpio_point_retry);
	else
		seek(d);
}

/* --- types ------------------------------------------------------------------------------------------------------ */

static void chip_init(struct component *c)
{
	((struct chip_device *)(void *)c)->look.fire = look;
}

static void look_now(struct chip_device *d)
{
	timer_start(&d->d.c.station->clock, &d->look, 0);
}

static void chip_started(struct component *c)
{
	look_now(chip_as(c));
}

static void chip_stopped(struct component *c)
{
	struct chip_device *d = chip_as(c);
	timer_stop(&c->station->clock, &d->look);
	release(d, STATUS_STALE, "");
}

static void chip_changed(struct component *c, const struct slot *slot)
{
	struct chip_device *d = chip_as(c);
	if (slot->offset == offsetof(struct chip_device, label)) {
		release(d, STATUS_STALE, "");
		look_now(d);
	} else if (slot->offset == offsetof(struct device, enabled)) {
		look_now(d);
	}
}

static void network_changed(struct component *c, const struct slot *slot)
{
	if (slot->offset != offsetof(struct network, enabled))
		return;
	component_set_status(c, COMPONENT_AS(c, &gpio_network, struct network)->enabled ? STATUS_OK : STATUS_DISABLED);
	for (struct component *d = c; d; d = tree_next(d, c))
		if (component_is(d, &gpio_chip_type))
			look_now(chip_as(d));
}

static const struct slot network_slots[] = {
	SLOT(struct network_of_chips, retryInterval, RELTIME, .dflt = "5s",
	     .facets = FACETS(.min = 0.1 * SECOND_US, .max = 3600.0 * SECOND_US),
	     .doc = "How often a chip that is away is looked for, and one that is there is asked."),
	SLOT_END,
};
static const struct slot chip_slots[] = {
	SLOT(struct chip_device, label, STRING, .flags = SLOT_SUMMARY, .facets = FACETS(.maxLength = 64),
	     .doc = "Label of the chip, as gpiodetect shows it in brackets."),
	SLOT_END,
};
const struct type gpio_network = {
	.name = "gpio:GpioNetwork",
	.doc = "The GPIO chips of this machine.",
	.size = sizeof(struct network_of_chips),
	.base = &driver_network,
	.slots = network_slots,
	.flags = TYPE_CONTAINER,
	.changed = network_changed,
};
const struct type gpio_chip_type = {
	.name = "gpio:GpioChip",
	.doc = "A GPIO chip, found by its label.",
	.size = sizeof(struct chip_device),
	.base = &driver_device,
	.slots = chip_slots,
	.flags = TYPE_CONTAINER,
	.init = chip_init,
	.started = chip_started,
	.stopped = chip_stopped,
	.changed = chip_changed,
};
