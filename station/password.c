/* SPDX-License-Identifier: Apache-2.0
 * Hashing passwords on libuv's pool, first come, first served: see password.h. */
#include "station/password.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/station.h"

enum { MEMORY = 19456 * 1024, PASSES = 2, AT_ONCE = 2, WAITING_MAX = 100 };

struct password_job {
	uv_work_t work;
	struct station *station;
	struct password_job *next;
	char *password;                    /* owned, wiped */
	char hash[crypto_pwhash_STRBYTES]; /* in for a check, out for a new one */
	bool check, ok;
	password_done *done;
	void *context;
};

size_t password_length(const char *password)
{
	size_t n = 0;
	for (; *password; password++)
		n += ((unsigned char)*password & 0xC0) != 0x80;
	return n;
}

int password_check(const char *password, struct err *e)
{
	if (password_length(password) < PASSWORD_MIN)
		return err_set(e, E_INVALID, "password", "A password needs at least %d characters; %d or more are advised.",
		               PASSWORD_MIN, PASSWORD_ADVISED);
	if (strlen(password) > PASSWORD_MAX)
		return err_set(e, E_INVALID, "password", "A password has at most %d bytes.", PASSWORD_MAX);
	return 0;
}

/* On a thread of the pool. */
static void compute(uv_work_t *work)
{
	struct password_job *j = container_of(work, struct password_job, work);
	size_t n = strlen(j->password);
	if (j->check)
		j->ok = crypto_pwhash_str_verify(j->hash, j->password, n) == 0;
	else
		j->ok = crypto_pwhash_str_alg(j->hash, j->password, n, PASSES, MEMORY, crypto_pwhash_ALG_ARGON2ID13) == 0;
}

static void finish(struct password_job *j, bool ok)
{
	j->done(j->context, ok, j->hash);
	explicit_bzero(j->password, strlen(j->password));
	free(j->password);
	free(j);
}

static void start_next(struct password_pool *pool);

static void computed(uv_work_t *work, int status)
{
	struct password_job *j = container_of(work, struct password_job, work);
	struct password_pool *pool = &j->station->passwords;
	pool->running--;
	finish(j, status == 0 && j->ok);
	start_next(pool);
}

static void start_next(struct password_pool *pool)
{
	while (pool->first && pool->running < AT_ONCE && !pool->closing) {
		struct password_job *j = pool->first;
		pool->first = j->next;
		pool->waiting--;
		pool->running++;
		must(uv_queue_work(&j->station->loop, &j->work, compute, computed) == 0);
	}
}

static int submit(struct station *s, const char *password, const char *hash, password_done *done, void *context)
{
	struct password_pool *pool = &s->passwords;
	station_assert_engine(s);
	if (pool->waiting >= WAITING_MAX || pool->closing)
		return E_BUSY;
	struct password_job *j = must_alloc(sizeof *j);
	j->station = s;
	j->password = must_strndup(password, PASSWORD_MAX);
	j->check = hash != NULL;
	j->done = done;
	j->context = context;
	if (hash)
		snprintf(j->hash, sizeof j->hash, "%s", hash);
	struct password_job **p = &pool->first;
	while (*p)
		p = &(*p)->next;
	*p = j;
	pool->waiting++;
	start_next(pool);
	return 0;
}

int password_make(struct station *s, const char *password, password_done *done, void *context)
{
	return submit(s, password, NULL, done, context);
}

/* The hash of nobody's password, so that an unknown name takes as long as a known one. */
static const char nobody[] =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$Xb0c2wqxV8rJ4QyNn0nXvG0cM1gPj3y9D0m3bPz0h4o";

int password_verify(struct station *s, const char *password, const char *hash, password_done *done, void *context)
{
	return submit(s, password, hash && *hash ? hash : nobody, done, context);
}

void password_pool_finish(struct station *s)
{
	struct password_pool *pool = &s->passwords;
	pool->closing = true;
	while (pool->first) {
		struct password_job *j = pool->first;
		pool->first = j->next;
		pool->waiting--;
		finish(j, false);
	}
	while (pool->running)
		uv_run(&s->loop, UV_RUN_ONCE);
}
