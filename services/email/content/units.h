/* SPDX-License-Identifier: Apache-2.0
 * Units of measurement for readers of mails: values with a unit are turned into the metric or the English one and written
 * with the decimal mark of a language. Names are the symbols of Niagara's and Haystack's units. Pure: any thread. */
#ifndef BELFRY_UNITS_H
#define BELFRY_UNITS_H

#include <stdbool.h>

#include "services/email/language/language.h"

enum unit_system { UNITS_AS_CONFIGURED, UNITS_METRIC, UNITS_ENGLISH };

/* A measured value as points write it: "21.5 °C", "12", "-3.25 bananas". */
struct measure {
	double number;
	int decimals;
	const char *unit; /* borrowed: the rest of the text, or a name in our table; "" when there is none */
};
/* false: the text is something else. */
bool measure_read(const char *text, struct measure *out);
/* To the system, when the unit has a counterpart there. difference: a span such as a deadband, which has no zero. */
void measure_convert(struct measure *m, enum unit_system system, bool difference);
/* Owned. */
char *measure_write(const struct measure *m, const struct language *l);

/* Owned: a sentence in which the numbers that stand before an unmistakable unit are converted and written so. */
char *units_in_text(const char *text, enum unit_system system, const struct language *l);

#endif
