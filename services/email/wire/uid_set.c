/* SPDX-License-Identifier: Apache-2.0
 * Ranges of UIDs: see uid_set.h. */
#include "services/email/wire/uid_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"

bool uid_set_has(const struct uid_set *s, uint32_t uid)
{
	for (size_t i = 0; i < s->count; i++)
		if (uid >= s->ranges[i].low && uid <= s->ranges[i].high)
			return true;
	return false;
}

bool uid_set_covers(const struct uid_set *s, uint32_t uid)
{
	return uid == 0 || (s->count > 0 && s->ranges[0].low == 1 && s->ranges[0].high >= uid);
}

uint32_t uid_set_highest(const struct uid_set *s)
{
	return s->count > 0 ? s->ranges[s->count - 1].high : 0;
}

static void insert(struct uid_set *s, size_t at, struct uid_range r)
{
	if (s->count == UID_RANGES_MAX && at == 0)
		return; /* older than all that can be remembered */
	if (s->count == UID_RANGES_MAX) {
		memmove(s->ranges, s->ranges + 1, (s->count - 1) * sizeof r);
		s->count--;
		at--;
	}
	memmove(s->ranges + at + 1, s->ranges + at, (s->count - at) * sizeof r);
	s->ranges[at] = r;
	s->count++;
}

/* Do the two touch, so that they are one? */
static bool meets(struct uid_range a, struct uid_range b)
{
	return (uint64_t)a.low <= (uint64_t)b.high + 1 && (uint64_t)b.low <= (uint64_t)a.high + 1;
}

void uid_set_add(struct uid_set *s, uint32_t low, uint32_t high)
{
	struct uid_range r = { low, high };
	size_t first = 0, last;
	if (low == 0 || low > high)
		return;
	while (first < s->count && s->ranges[first].high < low && !meets(s->ranges[first], r))
		first++;
	for (last = first; last < s->count && meets(s->ranges[last], r); last++) {
		if (s->ranges[last].low < r.low)
			r.low = s->ranges[last].low;
		if (s->ranges[last].high > r.high)
			r.high = s->ranges[last].high;
	}
	if (last == first) {
		insert(s, first, r);
		return;
	}
	s->ranges[first] = r;
	memmove(s->ranges + first + 1, s->ranges + last, (s->count - last) * sizeof r);
	s->count -= last - first - 1;
}

char *uid_set_print(const struct uid_set *s)
{
	size_t size = s->count * 22 + 1, at = 0;
	char *text = must_alloc(size);
	for (size_t i = 0; i < s->count; i++) {
		const struct uid_range *r = &s->ranges[i];
		const char *comma = i > 0 ? "," : "";
		int n = r->low == r->high ? snprintf(text + at, size - at, "%s%u", comma, r->low)
		                          : snprintf(text + at, size - at, "%s%u:%u", comma, r->low, r->high);
		at += (size_t)n;
	}
	return text;
}

/* A UID at *p, which moves behind it; 0 when there is none. */
static uint32_t read_uid(const char **p)
{
	uint64_t n = 0;
	for (; **p >= '0' && **p <= '9'; (*p)++) {
		n = n * 10 + (uint64_t)(**p - '0');
		if (n > UINT32_MAX)
			return 0;
	}
	return (uint32_t)n;
}

bool uid_set_parse(struct uid_set *s, const char *text)
{
	*s = (struct uid_set){ .count = 0 };
	for (const char *p = text; *p;) {
		uint32_t low = read_uid(&p), high = low;
		if (*p == ':') {
			p++;
			high = read_uid(&p);
		}
		bool more = *p == ',';
		if (low == 0 || high < low || (*p && !more)) {
			*s = (struct uid_set){ .count = 0 };
			return false;
		}
		uid_set_add(s, low, high);
		p += more;
	}
	return true;
}
