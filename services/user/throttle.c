/* SPDX-License-Identifier: Apache-2.0
 * Slows down guessing without ever locking everybody out. Attempts are counted three times: of a user from an address
 * (few, then growing delays), of a user from anywhere (for many addresses), and of an address (for many users). Who has
 * logged in from an address before is not kept out by what others do from elsewhere. Engine thread. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "services/user/user_inside.h"
#include "station/base/must.h"

enum { THROTTLES_MAX = 2000, ADDRESS_TEXT = 64 };
enum by { BY_PAIR, BY_USER, BY_ADDRESS, BY_COUNT };

struct throttle {
	enum by by;
	char user[NAME_MAX_LENGTH + 1], from[ADDRESS_TEXT]; /* empty: any */
	int64_t failures;
	int64_t last, until; /* monotonic: of the last attempt; before until, nobody is even asked */
	bool known;          /* this user has logged in from here */
	struct throttle *next;
};

/* An IPv6 peer owns at least a /64: that is the address. */
static void normalize(const char *from, char out[ADDRESS_TEXT])
{
	struct in6_addr a;
	snprintf(out, ADDRESS_TEXT, "%s", from);
	if (!strchr(from, ':') || inet_pton(AF_INET6, from, &a) != 1 || IN6_IS_ADDR_V4MAPPED(&a))
		return;
	memset(&a.s6_addr[8], 0, 8);
	must(inet_ntop(AF_INET6, &a, out, ADDRESS_TEXT) != NULL);
}

static struct throttle *find(struct user_service *service, enum by by, const char *user, const char *from)
{
	struct throttle *t = service->throttles;
	while (t &&
	       (t->by != by || (by != BY_ADDRESS && strcmp(t->user, user) != 0) ||
	        (by != BY_USER && strcmp(t->from, from) != 0)))
		t = t->next;
	return t;
}

/* Attempts that are free, and the longest wait then. */
static void limits(const struct user_service *service, enum by by, int64_t *attempts, int64_t *longest)
{
	const int64_t minute = 60 * SECOND_US, period = service->lockOutPeriod.us;
	*attempts = by == BY_PAIR ? service->maxBadLogins : by == BY_USER ? 2 * service->maxBadLogins : 60;
	*longest = by == BY_PAIR ? 15 * minute : by == BY_USER ? minute : period;
	if (*longest < period)
		*longest = period;
}

/* Forgets what has run out, so that names made up by an attacker do not pile up. */
static void forget_old(struct user_service *service, int64_t now)
{
	size_t count = 0;
	for (struct throttle **p = &service->throttles; *p;) {
		struct throttle *t = *p;
		int64_t over = (t->until > t->last ? t->until : t->last) + service->lockOutWindow.us;
		if ((now > over && !t->known) || ++count > THROTTLES_MAX) {
			*p = t->next;
			free(t);
		} else {
			if (now > over)
				t->failures = 0;
			p = &t->next;
		}
	}
}

static struct throttle *obtain(struct user_service *service, enum by by, const char *user, const char *from)
{
	struct throttle *t = find(service, by, user, from);
	if (t)
		return t;
	t = must_alloc(sizeof *t);
	t->by = by;
	snprintf(t->user, sizeof t->user, "%s", by == BY_ADDRESS ? "" : user);
	snprintf(t->from, sizeof t->from, "%s", by == BY_USER ? "" : from);
	t->next = service->throttles;
	service->throttles = t;
	return t;
}

static void count(struct user_service *service, struct throttle *t, int64_t now)
{
	int64_t attempts, longest, delay = service->lockOutPeriod.us;
	limits(service, t->by, &attempts, &longest);
	t->last = now;
	if (++t->failures < attempts)
		return;
	for (int64_t over = t->failures - attempts; over > 0 && delay < longest; over--)
		delay *= 2;
	t->until = now + (delay < longest ? delay : longest);
}

int64_t throttle_wait(struct user_service *service, const char *user, const char *address)
{
	char from[ADDRESS_TEXT];
	int64_t now = clock_mono(&service->c.station->clock), wait = 0;
	normalize(address, from);
	const struct throttle *pair = find(service, BY_PAIR, user, from);
	for (enum by by = BY_PAIR; service->lockOutEnabled && by < BY_COUNT; by++) {
		const struct throttle *t = find(service, by, user, from);
		bool exempt = by == BY_USER && pair && pair->known;
		if (t && !exempt && t->until - now > wait)
			wait = t->until - now;
	}
	return wait;
}

int64_t throttle_begin(struct user_service *service, const char *user, const char *address)
{
	char from[ADDRESS_TEXT];
	int64_t now = clock_mono(&service->c.station->clock);
	normalize(address, from);
	forget_old(service, now);
	int64_t wait = throttle_wait(service, user, from);
	for (enum by by = BY_PAIR; wait == 0 && by < BY_COUNT; by++)
		count(service, obtain(service, by, user, from), now);
	return wait;
}

void throttle_undo(struct user_service *service, const char *user, const char *address)
{
	char from[ADDRESS_TEXT];
	normalize(address, from);
	for (enum by by = BY_PAIR; by < BY_COUNT; by++) {
		struct throttle *t = find(service, by, user, from);
		if (!t)
			continue;
		t->failures -= t->failures > 0;
		t->until = 0;
	}
}

void throttle_succeeded(struct user_service *service, const char *user, const char *address)
{
	char from[ADDRESS_TEXT];
	normalize(address, from);
	throttle_undo(service, user, from);
	struct throttle *pair = obtain(service, BY_PAIR, user, from);
	pair->failures = 0;
	pair->known = true;
}

void throttle_clear(struct user_service *service, const char *user)
{
	for (struct throttle *t = service->throttles; t; t = t->next) {
		if (t->by == BY_ADDRESS || strcmp(t->user, user) != 0)
			continue;
		t->failures = 0;
		t->until = 0;
	}
}

void throttles_free(struct user_service *service)
{
	for (struct throttle *t = service->throttles, *next; t; t = next) {
		next = t->next;
		free(t);
	}
	service->throttles = NULL;
}
