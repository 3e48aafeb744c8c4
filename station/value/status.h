/* SPDX-License-Identifier: Apache-2.0
 * Status bits of values and components, in Niagara's order of colour: the first one set decides the colour. */
#ifndef BELFRY_STATUS_H
#define BELFRY_STATUS_H

#include <stddef.h>
#include <stdint.h>

enum status_bit {
	STATUS_OK = 0,
	STATUS_DISABLED = 1 << 0,
	STATUS_FAULT = 1 << 1,
	STATUS_DOWN = 1 << 2,
	STATUS_ALARM = 1 << 3,
	STATUS_STALE = 1 << 4,
	STATUS_OVERRIDDEN = 1 << 5,
	STATUS_NULL = 1 << 6,
	STATUS_UNACKED_ALARM = 1 << 7,
	STATUS_ALL = (1 << 8) - 1,
};
/* Bits under which a value is no good measurement: alarms and logic leave it alone. */
#define STATUS_INVALID_MASK (STATUS_DISABLED | STATUS_FAULT | STATUS_DOWN | STATUS_STALE | STATUS_NULL)

struct status {
	uint16_t bits;
};

#define STATUS_TEXT_MAX 96
/* "{ok}", "{down,alarm}". Returns text, which holds at least STATUS_TEXT_MAX bytes. */
char *status_print(uint16_t bits, char *text);
/* The reverse; 0 or E_INVALID. Accepts with or without braces. */
int status_parse(const char *text, uint16_t *bits);

#endif
