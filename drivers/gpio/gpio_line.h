/* SPDX-License-Identifier: Apache-2.0
 * What the driver needs of libgpiod, in one form for its two generations: gpio_line_v1.c speaks to 1.6 (Debian 12),
 * gpio_line_v2.c to 2.x; the Makefile takes the one that is installed. Chips are found by label and lines by name,
 * since numbers change when a chip is plugged again. A unit test puts its own chip behind these functions.
 * Nothing here blocks. Engine thread. */
#ifndef BELFRY_GPIO_LINE_H
#define BELFRY_GPIO_LINE_H

#include "station/base/err.h"

struct gpio_chip;
struct gpio_line;

enum gpio_bias { GPIO_BIAS_AS_IS, GPIO_BIAS_DISABLED, GPIO_BIAS_PULL_UP, GPIO_BIAS_PULL_DOWN };
struct gpio_request {
	const char *name; /* of the line */
	bool output, activeLow;
	bool initial;        /* level of an output, before active low */
	enum gpio_bias bias; /* of an input */
};

/* NULL and E_NETWORK (no such chip) or E_DRIVER with a sentence in e. Owned by the caller. */
struct gpio_chip *gpio_chip_open(const char *label, struct err *e);
/* Lines are released first. *c may be NULL, and is NULL afterwards. */
void gpio_chip_close(struct gpio_chip **c);

/* False once it was pulled out. */
bool gpio_chip_alive(struct gpio_chip *c);

/* Takes a line for this program, with both edges when it is an input. NULL and E_NOT_FOUND, E_CONFLICT (used by
 * another) or E_DRIVER with a sentence. Owned; released before its chip is closed. */
struct gpio_line *gpio_line_open(struct gpio_chip *c, const struct gpio_request *r, struct err *e);
void gpio_line_close(struct gpio_line **l);
/* Becomes readable when an edge waits; -1 for an output. */
int gpio_line_fd(const struct gpio_line *l);
/* Takes the edges that wait: 0, or E_DRIVER when the line is gone. The kernel keeps few of them and drops others, so the
 * level is read again afterwards. */
int gpio_line_drain(struct gpio_line *l);
/* 0 or 1, active low considered; E_DRIVER when the line is gone. */
int gpio_line_get(struct gpio_line *l);
/* 0 or E_DRIVER. */
int gpio_line_set(struct gpio_line *l, bool value);

#endif
