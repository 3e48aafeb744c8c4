/* SPDX-License-Identifier: Apache-2.0
 * gpio_line.h on libgpiod 1.6: one request and one descriptor for each line. Engine thread. */
#include "drivers/gpio/gpio_line.h"

#include <errno.h>
#include <gpiod.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"

#define CONSUMER "belfry"

/* A chip of libgpiod, which is what the handle is; lines live as long as it does. */
static struct gpiod_chip *inner(struct gpio_chip *c)
{
	return (struct gpiod_chip *)(void *)c;
}

static struct gpiod_line *line_of(const struct gpio_line *l)
{
	return (struct gpiod_line *)(uintptr_t)l;
}

struct gpio_chip *gpio_chip_open(const char *label, struct err *e)
{
	errno = 0;
	struct gpiod_chip *chip = gpiod_chip_open_by_label(label);
	if (chip)
		return (struct gpio_chip *)(void *)chip;
	if (errno == EACCES || errno == EPERM)
		err_set(e, E_DRIVER, "label",
		        "The station may not open the GPIO chips of this machine; add its user to the group gpio.");
	else
		err_set(e, E_NETWORK, "label",
		        "There is no GPIO chip with the label \"%.60s\" on this machine; gpiodetect lists them.", label);
	return NULL;
}

void gpio_chip_close(struct gpio_chip **c)
{
	if (*c)
		gpiod_chip_close(inner(*c));
	*c = NULL;
}

bool gpio_chip_alive(struct gpio_chip *c)
{
	struct gpiod_line *first = gpiod_chip_get_line(inner(c), 0);
	return first && gpiod_line_update(first) == 0;
}

static struct gpiod_line_request_config config_of(const struct gpio_request *r)
{
	static const int biases[] = {
		[GPIO_BIAS_AS_IS] = 0,
		[GPIO_BIAS_DISABLED] = GPIOD_LINE_REQUEST_FLAG_BIAS_DISABLE,
		[GPIO_BIAS_PULL_UP] = GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_UP,
		[GPIO_BIAS_PULL_DOWN] = GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_DOWN,
	};
	return (struct gpiod_line_request_config){
		.consumer = CONSUMER,
		.request_type = r->output ? GPIOD_LINE_REQUEST_DIRECTION_OUTPUT : GPIOD_LINE_REQUEST_EVENT_BOTH_EDGES,
		.flags = (r->output ? 0 : biases[r->bias]) | (r->activeLow ? GPIOD_LINE_REQUEST_FLAG_ACTIVE_LOW : 0),
	};
}

static void refused(struct gpiod_line *line, const char *name, int error, struct err *e)
{
	const char *consumer = gpiod_line_consumer(line);
	if (error == EBUSY)
		err_set(e, E_CONFLICT, "line",
		        "The line %.60s is used by another program (%.60s); end that, or choose another line.", name,
		        consumer ? consumer : "unnamed");
	else
		err_set(e, E_DRIVER, "line", "The line %.60s cannot be used: %s.", name, strerror(error));
}

struct gpio_line *gpio_line_open(struct gpio_chip *c, const struct gpio_request *r, struct err *e)
{
	struct gpiod_line *line = gpiod_chip_find_line(inner(c), r->name);
	if (!line) {
		err_set(e, E_NOT_FOUND, "line", "The chip has no line named \"%.60s\"; gpioinfo lists them.", r->name);
		return NULL;
	}
	struct gpiod_line_request_config config = config_of(r);
	if (gpiod_line_request(line, &config, r->initial) != 0) {
		refused(line, r->name, errno, e);
		return NULL;
	}
	return (struct gpio_line *)(void *)line;
}

void gpio_line_close(struct gpio_line **l)
{
	if (*l)
		gpiod_line_release(line_of(*l));
	*l = NULL;
}

int gpio_line_fd(const struct gpio_line *l)
{
	return gpiod_line_event_get_fd(line_of(l));
}

int gpio_line_drain(struct gpio_line *l)
{
	struct gpiod_line_event events[16];
	struct pollfd ready = { .fd = gpio_line_fd(l), .events = POLLIN };
	while (poll(&ready, 1, 0) > 0) {
		if (!(ready.revents & POLLIN) || (ready.revents & (POLLERR | POLLHUP)) ||
		    gpiod_line_event_read_multiple(line_of(l), events, ARRAY_SIZE(events)) <= 0)
			return E_DRIVER;
	}
	return 0;
}

int gpio_line_get(struct gpio_line *l)
{
	int value = gpiod_line_get_value(line_of(l));
	return value < 0 ? E_DRIVER : value;
}

int gpio_line_set(struct gpio_line *l, bool value)
{
	return gpiod_line_set_value(line_of(l), value) == 0 ? 0 : E_DRIVER;
}
