/* SPDX-License-Identifier: Apache-2.0
 * Trends: reading, the line of blocks. See trend.h; the picture is drawn in trend_picture.c. */
#include "services/email/content/trend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"

void trend_finish(struct trend *t)
{
	free(t->points);
	free(t->unit);
	*t = (struct trend){ 0 };
}

static bool number_in(const json_t *item, const char *name, double *out)
{
	const json_t *number = json_object_get(item, name);
	*out = json_number_value(number);
	return json_is_number(number) && isfinite(*out);
}

void trend_read(struct trend *t, const json_t *history)
{
	const json_t *items = json_object_get(history, "items"), *item;
	size_t i, size = json_array_size(items);
	t->points = must_realloc(t->points, (t->count + size + 1) * sizeof *t->points);
	json_array_foreach((json_t *)(uintptr_t)items, i, item)
	{
		struct trend_point p;
		const char *time = json_string_value(json_object_get(item, "timestamp"));
		bool there = time && abstime_parse(time, &p.at) == 0 && number_in(item, "min", &p.low) &&
		    number_in(item, "avg", &p.mean) && number_in(item, "max", &p.high);
		if (there)
			t->points[t->count++] = p;
	}
}

static double converted(double number, const char *unit, enum unit_system system)
{
	struct measure m = { .number = number, .unit = unit };
	measure_convert(&m, system, false);
	return m.number;
}

void trend_convert(struct trend *t, enum unit_system system)
{
	if (!t->unit)
		return;
	for (size_t i = 0; i < t->count; i++) {
		struct trend_point *p = &t->points[i];
		p->low = converted(p->low, t->unit, system);
		p->mean = converted(p->mean, t->unit, system);
		p->high = converted(p->high, t->unit, system);
	}
	t->high_limit = converted(t->high_limit, t->unit, system);
	t->low_limit = converted(t->low_limit, t->unit, system);
	struct measure m = { .unit = t->unit };
	measure_convert(&m, system, false);
	char *unit = must_strndup(m.unit, strcspn(m.unit, "|"));
	free(t->unit);
	t->unit = unit;
}

enum { BLOCKS = 8, CELLS = 24 };

/* The mean of the points in a cell; what has none goes on as it was. */
static void cells_of(const struct trend *t, double cells[CELLS])
{
	double sum[CELLS] = { 0 }, width = (double)(t->end - t->start) / CELLS;
	int count[CELLS] = { 0 };
	for (size_t i = 0; i < t->count; i++) {
		int cell = (int)((double)(t->points[i].at - t->start) / width);
		cell = cell < 0 ? 0 : cell >= CELLS ? CELLS - 1 : cell;
		sum[cell] += t->points[i].mean;
		count[cell]++;
	}
	for (int i = 0; i < CELLS; i++)
		cells[i] = count[i] ? sum[i] / count[i] : i ? cells[i - 1] : NAN;
}

char *trend_sparkline(const struct trend *t)
{
	static const char *const blocks[BLOCKS] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	double cells[CELLS], low = INFINITY, high = -INFINITY;
	if (t->count < 2 || t->end <= t->start)
		return NULL;
	cells_of(t, cells);
	for (int i = 0; i < CELLS; i++) {
		low = cells[i] < low ? cells[i] : low;
		high = cells[i] > high ? cells[i] : high;
	}
	char *line = must_alloc(CELLS * 3 + 1), *to = line;
	for (int i = 0; i < CELLS; i++) {
		int level = high > low ? (int)((cells[i] - low) / (high - low) * (BLOCKS - 1) + 0.5) : BLOCKS / 2;
		if (isfinite(cells[i]))
			to = stpcpy(to, blocks[level]);
		else if (to != line)
			*to++ = ' ';
	}
	return line;
}
