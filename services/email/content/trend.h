/* SPDX-License-Identifier: Apache-2.0
 * The way of a point before an alarm: read from its history, drawn as a picture, as a line of block characters. Any
 * thread, one trend at a time. */
#ifndef BELFRY_TREND_H
#define BELFRY_TREND_H

#include <jansson.h>

#include "services/email/content/units.h"

struct trend_point {
	int64_t at; /* microseconds */
	double low, mean, high;
};
struct trend {
	struct trend_point *points; /* owned, by time */
	size_t count;
	int64_t start, end;           /* microseconds */
	int64_t alarm, normal;        /* marks; ABSTIME_NULL: none */
	double high_limit, low_limit; /* NAN: none */
	char *unit;                   /* owned; may be NULL */
	bool steps;                   /* a boolean */
	const struct language *language;
	const struct zone *zone; /* both constant */
};
void trend_finish(struct trend *t);

/* Adds the buckets of a history's answer ({items: [{timestamp, min, avg, max}]}) to t; what is no number is left out. */
void trend_read(struct trend *t, const json_t *history);
/* Everything into other units. */
void trend_convert(struct trend *t, enum unit_system system);

/* A PNG image on nothing (transparent), for white pages and dark ones, owned; NULL when there are not two points, or cairo
 * refuses. */
enum { TREND_WIDTH = 608, TREND_HEIGHT = 280 }; /* of the picture on the page; it has twice as many pixels */
unsigned char *trend_picture(const struct trend *t, size_t *size);
/* "▁▂▅█", owned; NULL when there are not two points. */
char *trend_sparkline(const struct trend *t);

#endif
