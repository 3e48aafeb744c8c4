/* SPDX-License-Identifier: Apache-2.0
 * The GPIO driver: contacts and relays on the GPIO chips of the machine. Types for types.c; the rest is what
 * gpio_network.c and gpio_point.c ask of each other. Engine thread: edges arrive on the engine's own loop. */
#ifndef BELFRY_GPIO_H
#define BELFRY_GPIO_H

#include "drivers/driver.h"
#include "drivers/gpio/gpio_line.h"
#include "station/station.h"

extern const struct type gpio_network, gpio_chip_type, gpio_point;

/* The open chip of a device; NULL while it is not there. */
struct gpio_chip *gpio_chip_of(struct component *chip);
/* A line of the chip failed in use: the chip is looked at again soon (never inline). */
void gpio_chip_suspect(struct component *chip);

/* The chip has come: the point takes its line; and the chip is about to go, with the reason for the user. */
void gpio_point_open(struct component *point);
void gpio_point_close(struct component *point, uint16_t status, const char *cause);
/* Takes the line if it could not be taken before. */
void gpio_point_retry(struct component *point);

#endif
