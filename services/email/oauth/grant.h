/* SPDX-License-Identifier: Apache-2.0
 * When to do what about a token: a pure machine on monotonic time, so that a wall clock that is set does no harm. Whoever
 * owns it asks grant_next() after each event, does that one thing, and tells how it ended. Any thread. */
#ifndef BELFRY_OAUTH_GRANT_H
#define BELFRY_OAUTH_GRANT_H

#include "services/email/oauth/token.h"

enum grant_need {
	NEED_NOTHING, /* something is under way, or a person is needed */
	NEED_METADATA,
	NEED_TOKEN,
	NEED_SAVE, /* the refresh token that came last is to be made durable; the one before it is kept until then */
	NEED_TIME  /* ask again at grant.wake */
};
struct grant {
	bool able;                             /* there is something to get a token with */
	bool metadata;                         /* the server's addresses are known */
	bool busy;                             /* what was needed is being done */
	bool stopped;                          /* only a person can go on: authorize again */
	bool unsaved;                          /* a refresh token is not on disk yet */
	int64_t expires, refresh, wake, retry; /* monotonic microseconds; 0: no token; no waiting */
	int failures;                          /* in a row */
};

/* Forgets everything. able: see above. */
void grant_reset(struct grant *g, bool able);
/* Marks g busy unless it is NEED_NOTHING or NEED_TIME. */
enum grant_need grant_next(struct grant *g, int64_t now);
/* May the token be used now? A little less than its lifetime: it has a way to go. */
bool grant_valid(const struct grant *g, int64_t now);

/* How it ended. dice: at random, 0 to 1, so that stations do not all ask at the same time. */
void grant_discovered(struct grant *g);
/* A token for that long. rotated: a new refresh token came with it. */
void grant_given(struct grant *g, int64_t now, int64_t lifetime, bool rotated, double dice);
/* person: the grant was a person's, who can give it anew; else what has ended is asked for again. */
void grant_failed(struct grant *g, int64_t now, enum token_outcome outcome, bool person, double dice);
void grant_saved(struct grant *g, int64_t now, bool on_disk);

/* Polling for a device code's grant (RFC 8628 section 3.5). */
struct device_poll {
	int64_t interval, next, deadline; /* the last two monotonic; 0: not polling */
};
void device_poll_begin(struct device_poll *p, int64_t now, int64_t interval, int64_t lifetime);
/* An answer came: true when it goes on, at p->next. */
bool device_poll_again(struct device_poll *p, int64_t now, enum token_outcome outcome);

#endif
