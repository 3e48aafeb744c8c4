/* SPDX-License-Identifier: Apache-2.0
 * The order of things: metadata, token, and before anything else what is not on disk yet. See grant.h. */
#include "services/email/oauth/grant.h"

#define MINUTE_US (60 * SECOND_US)
#define IN_USE (30 * SECOND_US) /* so long before its end a token is not used any more, unless it lives shorter */
#define RETRY_FIRST (5 * SECOND_US)
#define RETRY_MOST (5 * MINUTE_US)
#define RETRY_REFUSED (15 * MINUTE_US) /* somebody may mend it at the server */
#define SLOWER (5 * SECOND_US)

void grant_reset(struct grant *g, bool able)
{
	*g = (struct grant){ .able = able };
}

static enum grant_need begin(struct grant *g, enum grant_need need)
{
	g->busy = true;
	return need;
}

static enum grant_need wait_until(struct grant *g, int64_t time)
{
	g->wake = time;
	return NEED_TIME;
}

enum grant_need grant_next(struct grant *g, int64_t now)
{
	if (g->busy || !g->able)
		return NEED_NOTHING;
	if (g->unsaved)
		return now >= g->retry ? begin(g, NEED_SAVE) : wait_until(g, g->retry);
	if (g->stopped)
		return NEED_NOTHING;
	if (now < g->retry)
		return wait_until(g, g->retry);
	if (g->expires && now < g->refresh)
		return wait_until(g, g->refresh);
	return begin(g, g->metadata ? NEED_TOKEN : NEED_METADATA);
}

bool grant_valid(const struct grant *g, int64_t now)
{
	return g->expires && now < g->expires;
}

void grant_discovered(struct grant *g)
{
	g->busy = false;
	g->metadata = true;
}

void grant_given(struct grant *g, int64_t now, int64_t lifetime, bool rotated, double dice)
{
	int64_t usable = lifetime - (lifetime > 4 * IN_USE ? IN_USE : lifetime / 4);
	int64_t ahead = usable / 5 < 10 * MINUTE_US ? usable / 5 : 10 * MINUTE_US;
	g->busy = false;
	g->failures = 0;
	g->retry = 0;
	g->unsaved = g->unsaved || rotated;
	g->expires = now + usable;
	g->refresh = g->expires - ahead / 2 - (int64_t)((double)ahead / 2 * dice);
}

void grant_failed(struct grant *g, int64_t now, enum token_outcome outcome, bool person, double dice)
{
	int doublings = g->failures < 8 ? g->failures : 8;
	int64_t pause = RETRY_FIRST << doublings;
	if (pause > RETRY_MOST)
		pause = RETRY_MOST;
	if (outcome != TOKEN_FAILED)
		pause = RETRY_REFUSED;
	g->busy = false;
	g->failures++;
	g->retry = now + pause - (int64_t)((double)pause / 4 * dice);
	g->stopped = person && (outcome == TOKEN_ENDED || outcome == TOKEN_DENIED);
	if (outcome == TOKEN_ENDED)
		g->expires = 0;
}

void grant_saved(struct grant *g, int64_t now, bool on_disk)
{
	g->busy = false;
	g->unsaved = !on_disk;
	g->retry = on_disk ? 0 : now + RETRY_FIRST;
}

/* --- device codes ------------------------------------------------------------------------------------------------- */

void device_poll_begin(struct device_poll *p, int64_t now, int64_t interval, int64_t lifetime)
{
	*p = (struct device_poll){ .interval = interval, .next = now + interval, .deadline = now + lifetime };
}

bool device_poll_again(struct device_poll *p, int64_t now, enum token_outcome outcome)
{
	if (outcome == TOKEN_SLOW_DOWN)
		p->interval += SLOWER;
	bool on = (outcome == TOKEN_PENDING || outcome == TOKEN_SLOW_DOWN || outcome == TOKEN_FAILED) && now < p->deadline;
	p->next = now + p->interval;
	if (!on)
		*p = (struct device_poll){ .interval = 0 };
	return on;
}
