/* SPDX-License-Identifier: Apache-2.0
 * Printing and parsing status bits: see status.h. Any thread. */
#include "station/value/status.h"

#include <string.h>

#include "station/base/err.h"
#include "station/base/must.h"

static const struct {
	uint16_t bit;
	const char *name;
} bits_table[] = {
	{ STATUS_DISABLED, "disabled" }, { STATUS_FAULT, "fault" },
	{ STATUS_DOWN, "down" },         { STATUS_ALARM, "alarm" },
	{ STATUS_STALE, "stale" },       { STATUS_OVERRIDDEN, "overridden" },
	{ STATUS_NULL, "null" },         { STATUS_UNACKED_ALARM, "unackedAlarm" },
};

char *status_print(uint16_t bits, char *text)
{
	char *p = text;
	*p++ = '{';
	for (size_t i = 0; i < ARRAY_SIZE(bits_table); i++) {
		if (!(bits & bits_table[i].bit))
			continue;
		if (p > text + 1)
			*p++ = ',';
		p = stpcpy(p, bits_table[i].name);
	}
	if (p == text + 1)
		p = stpcpy(p, "ok");
	stpcpy(p, "}");
	return text;
}

int status_parse(const char *text, uint16_t *bits)
{
	uint16_t found = 0;
	const char *p = text + (*text == '{');
	while (*p && *p != '}') {
		size_t n = strcspn(p, ",}");
		size_t i = 0;
		while (i < ARRAY_SIZE(bits_table) &&
		       !(strlen(bits_table[i].name) == n && memcmp(bits_table[i].name, p, n) == 0))
			i++;
		if (i < ARRAY_SIZE(bits_table))
			found = (uint16_t)(found | bits_table[i].bit);
		else if (!(n == 2 && memcmp(p, "ok", 2) == 0))
			return E_INVALID;
		p += n + (p[n] == ',');
	}
	*bits = found;
	return 0;
}
