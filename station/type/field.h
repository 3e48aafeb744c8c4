/* SPDX-License-Identifier: Apache-2.0
 * The C types of the fields that slots stand for, and the kind that each of them has. Types only: reading and writing is
 * in slot.h. */
#ifndef BELFRY_FIELD_H
#define BELFRY_FIELD_H

#include <stdbool.h>
#include <stdint.h>

#include "station/value/status.h"

struct component;
struct value;

/* C types of the fields behind slots. bool, int64_t, double, char * and int (an enum's tag) stand for themselves. */
struct abstime {
	int64_t us;
};
struct reltime {
	int64_t us;
};
struct ord {
	char *text;
};
struct secret {
	char *sealed;
};
struct status_boolean {
	bool value;
	uint16_t status;
};
struct status_numeric {
	double value;
	uint16_t status;
};
struct status_enum {
	int value;
	uint16_t status;
};
struct status_string {
	char *value;
	uint16_t status;
};
struct list {
	struct value *items;
	uint32_t count;
};

/* Slots that few components change stand in a block beside the component, which all components of the type share until
 * one of them gets its own; it begins with this. */
struct rare {
	uint32_t size;
	bool shared;
};

/* The kind of a field, from its C type. */
#define KIND_OF(lvalue)                                                                                                \
	_Generic((lvalue), bool: V_BOOLEAN, int64_t: V_INTEGER, double: V_REAL, char *: V_STRING, int: V_ENUM, \
	         struct abstime: V_ABSTIME, struct reltime: V_RELTIME, struct ord: V_ORD, struct secret: V_SECRET, \
	         struct status: V_STATUS, struct status_boolean: V_STATUS_BOOLEAN, struct status_numeric: V_STATUS_NUMERIC, \
	         struct status_enum: V_STATUS_ENUM, struct status_string: V_STATUS_STRING, struct list: V_LIST, \
	         struct component *: V_COMPONENT)

#endif
