/* SPDX-License-Identifier: Apache-2.0
 * Conversion of units by one table: see units.h. */
#include "services/email/content/units.h"

#include <ctype.h>
#include <glib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"

/* english = metric * factor + offset. The first of the names with | between them is the one that is written. */
static const struct pair {
	const char *metric, *english;
	double factor, offset;
	bool plain; /* it cannot be mistaken for a word or another thing in a sentence */
} pairs[] = {
	{ "°C|degC|celsius", "°F|degF|fahrenheit", 1.8, 32, true },
	{ "Δ°C", "Δ°F", 1.8, 0, true },
	{ "kPa", "psi", 0.14503773773, 0, true },
	{ "bar", "psi", 14.503773773, 0, true },
	{ "Pa", "inH₂O|inH2O|in/wc|inWC", 0.00401463076, 0, true },
	{ "hPa|mbar", "inHg", 0.02952998, 0, true },
	{ "L/s|l/s", "gpm|gal/min", 15.850323141, 0, true },
	{ "L/min|l/min", "gpm|gal/min", 0.26417205236, 0, true },
	{ "m³/h|m3/h|cmh", "cfm|ft³/min", 0.58857777, 0, true },
	{ "m³/s|m3/s", "cfm|ft³/min", 2118.8799727, 0, true },
	{ "m/s", "ft/min|fpm", 196.8503937, 0, true },
	{ "km/h", "mph", 0.62137119224, 0, true },
	{ "kJ/kg", "Btu/lb|BTU/lb", 0.42992261, 0, true },
	{ "kg/h", "lb/h", 2.2046226218, 0, true },
	{ "m²|m2", "ft²|ft2", 10.763910417, 0, true },
	{ "m³|m3", "ft³|ft3", 35.314666721, 0, true },
	{ "lx|lux", "fc", 0.09290304, 0, false },
	{ "m", "ft", 3.280839895, 0, false },
	{ "mm", "in", 0.03937007874, 0, false },
	{ "cm", "in", 0.3937007874, 0, false },
	{ "L|l", "gal", 0.26417205236, 0, false },
	{ "kg", "lb|lbs", 2.2046226218, 0, false },
	{ "kJ", "Btu|BTU", 0.94781712, 0, false },
};

/* Does text begin with one of the names, and end with it there? Its length, else 0. */
static size_t named(const char *text, const char *names)
{
	size_t best = 0;
	for (const char *n = names; *n;) {
		size_t length = strcspn(n, "|");
		unsigned char next = strncmp(text, n, length) == 0 ? (unsigned char)text[length] : 'x';
		bool ends = !isalnum(next) && next != '/' && next != 0xC2 && next != '_'; /* C2: ², ³ */
		if (length > best && ends)
			best = length;
		n += length + (n[length] == '|');
	}
	return best;
}

struct found {
	const struct pair *pair;
	bool metric;
	size_t length;
};

static struct found find_unit(const char *text)
{
	struct found best = { 0 };
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		size_t metric = named(text, pairs[i].metric), english = named(text, pairs[i].english);
		if (metric > best.length)
			best = (struct found){ &pairs[i], true, metric };
		if (english > best.length)
			best = (struct found){ &pairs[i], false, english };
	}
	return best;
}

/* A number in front of text: its length, else 0. No exponents, no signs but a minus. */
static size_t read_number(const char *text, double *number, int *decimals)
{
	size_t n = text[0] == '-', digits = strspn(text + n, "0123456789");
	if (digits == 0 || digits > 15)
		return 0;
	n += digits;
	*decimals = 0;
	if (text[n] == '.' && isdigit((unsigned char)text[n + 1])) {
		*decimals = (int)strspn(text + n + 1, "0123456789");
		n += 1 + (size_t)*decimals;
	}
	*number = strtod(text, NULL);
	return *decimals > 15 ? 0 : n;
}

static size_t space(const char *text)
{
	return *text == ' ' ? 1 : strncmp(text, "\u00a0", 2) == 0 ? 2 : 0;
}

bool measure_read(const char *text, struct measure *out)
{
	size_t n = read_number(text, &out->number, &out->decimals), gap = n ? space(text + n) : 0;
	if (n == 0 || (text[n] && !gap))
		return false;
	out->unit = text + n + gap;
	return true;
}

/* As many decimals as say the same: 250 Pa is 1.00 inH2O, 2.5 m/s are 492 ft/min. */
static int decimals_after(int decimals, double factor)
{
	int n = decimals - (int)floor(log10(factor) + 0.5);
	return n < 0 ? 0 : n > 9 ? 9 : n;
}

static const char *first_name(const char *names, char *room, size_t size)
{
	snprintf(room, size, "%.*s", (int)strcspn(names, "|"), names);
	return room;
}

/* Where to: NULL when it is there already, or has no counterpart. */
static const struct pair *pair_for(const struct found *f, enum unit_system system)
{
	bool there = system == UNITS_AS_CONFIGURED || f->metric == (system == UNITS_METRIC);
	return there ? NULL : f->pair;
}

static double turned(const struct pair *p, bool to_english, double number, bool difference)
{
	double offset = difference ? 0 : p->offset;
	return to_english ? number * p->factor + offset : (number - offset) / p->factor;
}

void measure_convert(struct measure *m, enum unit_system system, bool difference)
{
	struct found f = find_unit(m->unit);
	const struct pair *p = f.length == strlen(m->unit) ? pair_for(&f, system) : NULL;
	if (!p)
		return;
	m->number = turned(p, f.metric, m->number, difference);
	m->decimals = decimals_after(m->decimals, f.metric ? p->factor : 1 / p->factor);
	m->unit = f.metric ? p->english : p->metric;
}

char *measure_write(const struct measure *m, const struct language *l)
{
	char unit[64], *number = language_number(l, m->number, m->decimals);
	first_name(m->unit, unit, sizeof unit);
	char *text = must_format("%s%s%s", number, *unit ? " " : "", unit);
	free(number);
	return text;
}

/* The measure that stands at text, in a sentence; its length there, else 0. */
static size_t measure_at(const char *text, struct measure *m, char *unit, size_t size)
{
	size_t n = read_number(text, &m->number, &m->decimals), gap = n ? space(text + n) : 0;
	struct found f = n ? find_unit(text + n + gap) : (struct found){ 0 };
	if (f.length == 0 || !f.pair->plain || f.length >= size)
		return 0;
	memcpy(unit, text + n + gap, f.length);
	unit[f.length] = '\0';
	m->unit = unit;
	return n + gap + f.length;
}

char *units_in_text(const char *text, enum unit_system system, const struct language *l)
{
	GString *out = g_string_new(NULL);
	for (const char *p = text; *p;) {
		struct measure m;
		char unit[32];
		bool within = p > text && (isalnum((unsigned char)p[-1]) || strchr(".,-", p[-1]));
		size_t n = within ? 0 : measure_at(p, &m, unit, sizeof unit);
		if (n == 0) {
			g_string_append_c(out, *p++);
			continue;
		}
		measure_convert(&m, system, false);
		char *written = measure_write(&m, l);
		g_string_append(out, written);
		free(written);
		p += n;
	}
	char *result = must_strdup(out->str);
	g_string_free(out, TRUE);
	return result;
}
