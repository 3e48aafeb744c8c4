/* SPDX-License-Identifier: Apache-2.0
 * Rolling samples up into buckets of time: pure, any thread. Days and months are those of a time zone, so a day has 23, 24
 * or 25 hours. */
#ifndef BELFRY_ROLLUP_H
#define BELFRY_ROLLUP_H

#include <stdbool.h>
#include <stdint.h>

#include "station/base/err.h"
#include "station/value/zone.h"

struct rollup {
	const struct zone *zone; /* borrowed; constant */
	int64_t seconds;         /* of a bucket; 0: months of them */
	int months;
};
/* "PT15M", "1h", "P1D", "1d", "P1W", "P1M", "P1Y". 0 or E_INVALID with a sentence. */
int rollup_parse(const char *text, const struct zone *zone, struct rollup *out, struct err *e);
/* The bucket that an instant (seconds) lies in: where it begins; and where the next one does. */
int64_t rollup_start(const struct rollup *r, int64_t instant);
int64_t rollup_next(const struct rollup *r, int64_t start);

/* What is known of a bucket. Values with a status that makes them no measurement do not count. */
struct bucket {
	int64_t start, end; /* microseconds */
	int64_t count;
	double sum, min, max, first, last;
	int64_t on; /* microseconds that a boolean was true */
};

#endif
