/* SPDX-License-Identifier: Apache-2.0
 * Values: the small tagged union that slots hold, that actions take and that go over the wire.
 * This is the one place that parses, prints, compares and converts them to JSON. A value owns what it
 * points to. Plain data: any thread may work on a value of its own. */
#ifndef BELFRY_VALUE_H
#define BELFRY_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "station/base/err.h"
#include "station/value/status.h"

struct slot;
struct facets;

enum kind {
	V_NULL,
	V_BOOLEAN,
	V_INTEGER,
	V_REAL,
	V_STRING,
	V_ENUM,
	V_ABSTIME, /* microseconds since 1970, UTC; ABSTIME_NULL is "never". JSON: RFC 3339 text or null */
	V_RELTIME, /* microseconds. JSON: a number of microseconds; text such as "10s", "1h 30m", "PT10S" is read too */
	V_ORD,
	V_SECRET,         /* always sealed in memory; JSON out is {"set": true} */
	V_STATUS,         /* status bits. JSON: "{down,alarm}" */
	V_STATUS_BOOLEAN, /* value and status travel together. JSON: {"value": true, "status": "{ok}"} */
	V_STATUS_NUMERIC,
	V_STATUS_ENUM,
	V_STATUS_STRING,
	V_LIST,      /* items of one kind */
	V_STRUCT,    /* a fixed set of members, described by a slot table. JSON: an object */
	V_COMPONENT, /* only in slot tables: a frozen child. JSON: {"type": ..., its properties} */
	V_KINDS
};

#define ABSTIME_NULL INT64_MIN

struct value {
	enum kind kind;
	uint16_t status; /* V_STATUS and the status values */
	union {
		bool boolean;
		int64_t integer; /* V_INTEGER, V_ABSTIME, V_RELTIME */
		double real;     /* V_REAL, V_STATUS_NUMERIC */
		int ordinal;     /* V_ENUM, V_STATUS_ENUM: the tag's number */
		char *text;      /* owned; V_STRING, V_ORD, V_STATUS_STRING; V_SECRET: the sealed form. Never NULL */
		struct {
			struct value *items; /* owned */
			uint32_t count;
			const struct slot *members; /* borrowed, static: V_STRUCT's member table; count rows */
		} list;                         /* V_LIST, V_STRUCT */
	};
};

#define VALUE_NULL ((struct value){ .kind = V_NULL })

/* Constructors; text is copied. */
struct value value_boolean(bool b);
struct value value_integer(int64_t i);
struct value value_real(double r);
struct value value_string(const char *text);
struct value value_abstime(int64_t us);

/* Frees what v owns and leaves V_NULL. */
void value_clear(struct value *v);
/* A deep copy into *to (which must hold nothing). */
void value_copy(struct value *to, const struct value *from);
bool value_equal(const struct value *a, const struct value *b);
const char *kind_name(enum kind kind); /* "boolean", "integer", "statusNumeric": Niagara's words in camelCase */

/* Text form <-> value, as in defaults, the command line and the store. slot gives kind, facets, members.
 * value_parse checks facets (range, length); errors name the slot. A secret's plain text is not accepted here:
 * see secret.h. */
int value_parse(const struct slot *slot, const char *text, struct value *out, struct err *e);
/* Owned text; every value prints to what parses to it. */
char *value_print(const struct slot *slot, const struct value *v);

/* JSON <-> value, for REST. A new reference; a secret gives {"set": bool}.
 * facets may override the slot's (a point's own units and range) or be NULL. */
json_t *value_to_json(const struct slot *slot, const struct value *v);
/* All that is wrong goes into report at path (a slot name, "limitEnable/low"); 0 or the first code.
 * An object given for a struct may be partial: what is missing is taken from *current (NULL: from defaults).
 * A secret may be a plain string: it becomes V_SECRET with plain text in it, which the sheet seals at once. */
int value_from_json(const struct slot *slot, const json_t *json, const struct value *current, const char *path,
                    struct value *out, struct report *report);
/* Range, precision and length checks of a value already of the right kind. 0 or a code. */
int value_check(const struct slot *slot, const struct value *v, const char *path, struct report *report);

/* The default of a slot, parsed from its table row. Aborts on a wrong row: the start-up self-check sees them all. */
struct value value_default(const struct slot *slot);

/* RFC 3339 with microseconds, "2026-11-20T22:36:00.123456Z"; buf holds at least ABSTIME_TEXT_MAX bytes. "null" for ABSTIME_NULL. */
#define ABSTIME_TEXT_MAX 40
char *abstime_print(int64_t us, char *buf);
int abstime_parse(const char *text, int64_t *us);
/* "1h 30m", "10s", "250ms"; buf holds at least RELTIME_TEXT_MAX bytes. Parses also PT1H30M and +00000h 00m 10s. */
#define RELTIME_TEXT_MAX 64
char *reltime_print(int64_t us, char *buf);
int reltime_parse(const char *text, int64_t *us);
#define SECOND_US INT64_C(1000000)

#endif
