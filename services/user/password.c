/* SPDX-License-Identifier: Apache-2.0
 * Password hashing (argon2id, 19 MiB, two passes: OWASP's figures) on libuv's pool, at most two at once so that a flood
 * of logins cannot eat the memory; and the throttle that slows guessing without ever locking everybody out. */
#include <stdlib.h>
#include <string.h>

#include "services/user/user_inside.h"
#include "station/must.h"

enum { MEMORY = 19456 * 1024, PASSES = 2, AT_ONCE = 2 };

struct hash_job {
	uv_work_t work;
	struct user_service *service;
	struct hash_job *next;
	char *password;                         /* owned, wiped */
	char hash[crypto_pwhash_STRBYTES];      /* in for a check, out for a new one */
	bool check, ok;
	hashed *done;
	void *context;
};

static void compute(uv_work_t *work)
{
	struct hash_job *j = container_of(work, struct hash_job, work);
	size_t n = strlen(j->password);
	j->ok = j->check ? crypto_pwhash_str_verify(j->hash, j->password, n) == 0
	                 : crypto_pwhash_str_alg(j->hash, j->password, n, PASSES, MEMORY, crypto_pwhash_ALG_ARGON2ID13) == 0;
	explicit_bzero(j->password, n);
}

static void start(struct hash_job *j);

static void computed(uv_work_t *work, int status)
{
	struct hash_job *j = container_of(work, struct hash_job, work);
	struct user_service *service = j->service;
	service->hashing--;
	j->done(j->context, status == 0 && j->ok, j->hash);
	free(j->password);
	free(j);
	if (service->waiting) {
		struct hash_job *next = service->waiting;
		service->waiting = next->next;
		start(next);
	}
}

static void start(struct hash_job *j)
{
	j->service->hashing++;
	must(uv_queue_work(&j->service->c.station->loop, &j->work, compute, computed) == 0);
}

static void submit(struct user_service *service, const char *password, const char *hash, hashed *done, void *context)
{
	struct hash_job *j = must_alloc(sizeof *j);
	j->service = service;
	j->password = must_strndup(password, PASSWORD_MAX);
	j->check = hash != NULL;
	j->done = done;
	j->context = context;
	if (hash)
		snprintf(j->hash, sizeof j->hash, "%s", hash);
	if (service->hashing < AT_ONCE) {
		start(j);
		return;
	}
	struct hash_job **p = &service->waiting;
	while (*p)
		p = &(*p)->next;
	*p = j;
}

void password_make(struct user_service *service, const char *password, hashed *done, void *context)
{
	submit(service, password, NULL, done, context);
}

/* The hash of nobody's password, so that an unknown name takes as long as a known one. */
static const char nobody[] =
	"$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$Xb0c2wqxV8rJ4QyNn0nXvG0cM1gPj3y9D0m3bPz0h4o";

void password_verify(struct user_service *service, const char *password, const char *hash, hashed *done, void *context)
{
	submit(service, password, hash && *hash ? hash : nobody, done, context);
}

int password_check(const char *password, struct err *e)
{
	size_t n = strlen(password);
	if (n < PASSWORD_MIN)
		return err_set(e, E_INVALID, "password", "A password needs at least %d characters; %d or more are advised.", PASSWORD_MIN, PASSWORD_ADVISED);
	if (n > PASSWORD_MAX)
		return err_set(e, E_INVALID, "password", "A password has at most %d bytes.", PASSWORD_MAX);
	return 0;
}

/* --- throttling --------------------------------------------------------------------------------------------------- */

enum { THROTTLES_MAX = 1000 };
#define LONGEST_US (15 * 60 * SECOND_US)

static struct throttle *find(struct user_service *service, const char *key)
{
	struct throttle *t = service->throttles;
	while (t && strcmp(t->key, key) != 0)
		t = t->next;
	return t;
}

int64_t throttle_wait(struct user_service *service, const char *key)
{
	const struct throttle *t = service->lockOutEnabled ? find(service, key) : NULL;
	int64_t left = t ? t->until - clock_mono(&service->c.station->clock) : 0;
	return left > 0 ? left : 0;
}

/* Forgets what has run out, so that names made up by an attacker do not pile up. */
static void forget_old(struct user_service *service, int64_t now)
{
	size_t count = 0;
	for (struct throttle **p = &service->throttles; *p;) {
		struct throttle *t = *p;
		if (now > t->until + service->lockOutWindow.us || ++count > THROTTLES_MAX) {
			*p = t->next;
			free(t);
		} else {
			p = &t->next;
		}
	}
}

void throttle_failed(struct user_service *service, const char *key)
{
	int64_t now = clock_mono(&service->c.station->clock);
	forget_old(service, now);
	struct throttle *t = find(service, key);
	if (!t) {
		t = must_alloc(sizeof *t);
		snprintf(t->key, sizeof t->key, "%s", key);
		t->next = service->throttles;
		service->throttles = t;
	}
	t->failures++;
	t->until = now;
	int64_t delay = service->lockOutPeriod.us;
	for (int64_t over = t->failures - service->maxBadLogins; over > 0 && delay < LONGEST_US; over--)
		delay *= 2;
	if (t->failures >= service->maxBadLogins)
		t->until = now + (delay < LONGEST_US ? delay : LONGEST_US);
}

void throttle_forgive(struct user_service *service, const char *key)
{
	for (struct throttle **p = &service->throttles; *p; p = &(*p)->next) {
		if (strcmp((*p)->key, key) != 0)
			continue;
		struct throttle *t = *p;
		*p = t->next;
		free(t);
		return;
	}
}
