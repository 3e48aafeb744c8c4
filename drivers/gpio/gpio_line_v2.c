/* SPDX-License-Identifier: Apache-2.0
 * gpio_line.h on libgpiod 2.x, which has no line objects: a line is a request for one offset. Engine thread. */
#include "drivers/gpio/gpio_line.h"

#include <dirent.h>
#include <errno.h>
#include <gpiod.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"

#define CONSUMER "belfry"

struct gpio_chip {
	struct gpiod_chip *chip;
};
struct gpio_line {
	struct gpiod_line_request *request;
	struct gpiod_edge_event_buffer *events;
	unsigned offset;
	bool output;
};
enum { EVENTS = 16 };

/* --- chips ------------------------------------------------------------------------------------------------------ */

/* The chip at path, if it has this label. *denied: it may not be opened. */
static struct gpiod_chip *open_if_labelled(const char *path, const char *label, bool *denied)
{
	struct gpiod_chip *chip = gpiod_chip_open(path);
	if (!chip) {
		*denied = *denied || errno == EACCES || errno == EPERM;
		return NULL;
	}
	struct gpiod_chip_info *info = gpiod_chip_get_info(chip);
	bool same = info && strcmp(gpiod_chip_info_get_label(info), label) == 0;
	gpiod_chip_info_free(info);
	if (!same)
		gpiod_chip_close(chip);
	return same ? chip : NULL;
}

static struct gpiod_chip *find_chip(const char *label, bool *denied)
{
	DIR *dev = opendir("/dev");
	struct gpiod_chip *chip = NULL;
	for (const struct dirent *d; dev && !chip && (d = readdir(dev));) {
		char path[300];
		snprintf(path, sizeof path, "/dev/%s", d->d_name);
		if (strncmp(d->d_name, "gpiochip", 8) == 0 && gpiod_is_gpiochip_device(path))
			chip = open_if_labelled(path, label, denied);
	}
	if (dev)
		closedir(dev);
	return chip;
}

struct gpio_chip *gpio_chip_open(const char *label, struct err *e)
{
	bool denied = false;
	struct gpiod_chip *chip = find_chip(label, &denied);
	if (chip) {
		struct gpio_chip *c = must_alloc(sizeof *c);
		c->chip = chip;
		return c;
	}
	if (denied)
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
		gpiod_chip_close((*c)->chip);
	free(*c);
	*c = NULL;
}

bool gpio_chip_alive(struct gpio_chip *c)
{
	struct gpiod_chip_info *info = gpiod_chip_get_info(c->chip);
	gpiod_chip_info_free(info);
	return info != NULL;
}

/* --- taking a line ---------------------------------------------------------------------------------------------- */

static struct gpiod_line_settings *settings_of(const struct gpio_request *r)
{
	static const enum gpiod_line_bias biases[] = {
		[GPIO_BIAS_AS_IS] = GPIOD_LINE_BIAS_AS_IS,
		[GPIO_BIAS_DISABLED] = GPIOD_LINE_BIAS_DISABLED,
		[GPIO_BIAS_PULL_UP] = GPIOD_LINE_BIAS_PULL_UP,
		[GPIO_BIAS_PULL_DOWN] = GPIOD_LINE_BIAS_PULL_DOWN,
	};
	struct gpiod_line_settings *s = gpiod_line_settings_new();
	must(s != NULL);
	gpiod_line_settings_set_active_low(s, r->activeLow);
	gpiod_line_settings_set_direction(s, r->output ? GPIOD_LINE_DIRECTION_OUTPUT : GPIOD_LINE_DIRECTION_INPUT);
	if (r->output) {
		gpiod_line_settings_set_output_value(s, r->initial ? GPIOD_LINE_VALUE_ACTIVE : GPIOD_LINE_VALUE_INACTIVE);
	} else {
		gpiod_line_settings_set_edge_detection(s, GPIOD_LINE_EDGE_BOTH);
		gpiod_line_settings_set_bias(s, biases[r->bias]);
	}
	return s;
}

static struct gpiod_line_request *request_line(struct gpiod_chip *chip, unsigned offset, const struct gpio_request *r)
{
	struct gpiod_line_settings *settings = settings_of(r);
	struct gpiod_line_config *lines = gpiod_line_config_new();
	struct gpiod_request_config *config = gpiod_request_config_new();
	must(lines && config);
	gpiod_request_config_set_consumer(config, CONSUMER);
	struct gpiod_line_request *request = NULL;
	if (gpiod_line_config_add_line_settings(lines, &offset, 1, settings) == 0)
		request = gpiod_chip_request_lines(chip, config, lines);
	int error = errno;
	gpiod_request_config_free(config);
	gpiod_line_config_free(lines);
	gpiod_line_settings_free(settings);
	errno = error;
	return request;
}

static void refused(struct gpiod_chip *chip, unsigned offset, const char *name, int error, struct err *e)
{
	struct gpiod_line_info *info = gpiod_chip_get_line_info(chip, offset);
	const char *consumer = info ? gpiod_line_info_get_consumer(info) : NULL;
	if (error == EBUSY)
		err_set(e, E_CONFLICT, "line",
		        "The line %.60s is used by another program (%.60s); end that, or choose another line.", name,
		        consumer ? consumer : "unnamed");
	else
		err_set(e, E_DRIVER, "line", "The line %.60s cannot be used: %s.", name, strerror(error));
	gpiod_line_info_free(info);
}

struct gpio_line *gpio_line_open(struct gpio_chip *c, const struct gpio_request *r, struct err *e)
{
	int offset = gpiod_chip_get_line_offset_from_name(c->chip, r->name);
	if (offset < 0) {
		err_set(e, E_NOT_FOUND, "line", "The chip has no line named \"%.60s\"; gpioinfo lists them.", r->name);
		return NULL;
	}
	struct gpiod_line_request *request = request_line(c->chip, (unsigned)offset, r);
	if (!request) {
		refused(c->chip, (unsigned)offset, r->name, errno, e);
		return NULL;
	}
	struct gpio_line *l = must_alloc(sizeof *l);
	*l = (struct gpio_line){ request, gpiod_edge_event_buffer_new(EVENTS), (unsigned)offset, r->output };
	must(l->events != NULL);
	return l;
}

void gpio_line_close(struct gpio_line **l)
{
	if (*l) {
		gpiod_line_request_release((*l)->request);
		gpiod_edge_event_buffer_free((*l)->events);
	}
	free(*l);
	*l = NULL;
}

/* --- using it --------------------------------------------------------------------------------------------------- */

int gpio_line_fd(const struct gpio_line *l)
{
	return l->output ? -1 : gpiod_line_request_get_fd(l->request);
}

int gpio_line_drain(struct gpio_line *l)
{
	struct pollfd ready = { .fd = gpio_line_fd(l), .events = POLLIN };
	while (poll(&ready, 1, 0) > 0) {
		if (!(ready.revents & POLLIN) || (ready.revents & (POLLERR | POLLHUP)) ||
		    gpiod_line_request_read_edge_events(l->request, l->events, EVENTS) <= 0)
			return E_DRIVER;
	}
	return 0;
}

int gpio_line_get(struct gpio_line *l)
{
	enum gpiod_line_value value = gpiod_line_request_get_value(l->request, l->offset);
	return value == GPIOD_LINE_VALUE_ERROR ? E_DRIVER : value == GPIOD_LINE_VALUE_ACTIVE;
}

int gpio_line_set(struct gpio_line *l, bool value)
{
	enum gpiod_line_value v = value ? GPIOD_LINE_VALUE_ACTIVE : GPIOD_LINE_VALUE_INACTIVE;
	return gpiod_line_request_set_value(l->request, l->offset, v) == 0 ? 0 : E_DRIVER;
}
