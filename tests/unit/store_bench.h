/* SPDX-License-Identifier: Apache-2.0
 * A SQLite store on a directory and a disk of its own, and the mailbox that its answers come to; no station. */
#ifndef BELFRY_TESTS_STORE_BENCH_H
#define BELFRY_TESTS_STORE_BENCH_H

#include <errno.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "db/sqlite/sqlite.h"
#include "station/base/must.h"
#include "tests/unit/faulty_disk.h"
#include "tests/unit/scratch.h"

struct bench {
	char directory[SCRATCH_SIZE];
	struct faulty_disk disk;
	struct mailbox engine;
	sem_t mail; /* counts what has been posted to it */
	struct store *store;
	int done, failed, last_code;
	char last_text[400];
};

static inline void wake(struct mailbox *engine)
{
	sem_post(&container_of(engine, struct bench, engine)->mail);
}

static inline void bench_open(struct bench *b)
{
	struct err e = { 0 };
	mailbox_init(&b->engine, wake);
	sem_init(&b->mail, 0, 0);
	if (sqlite_open(b->directory, &b->engine, &b->store, &e) != 0)
		fail_msg("%s", e.text);
}

static inline void bench_close(struct bench *b)
{
	b->store->impl->close(b->store);
	mailbox_run(&b->engine);
	mailbox_finish(&b->engine);
	sem_destroy(&b->mail);
}

static inline struct bench *bench_begin(void)
{
	struct bench *b = must_alloc(sizeof *b);
	scratch_make(b->directory);
	faulty_disk_begin(&b->disk);
	bench_open(b);
	return b;
}

static inline void bench_end(struct bench *b)
{
	bench_close(b);
	faulty_disk_end(&b->disk);
	scratch_remove(b->directory);
	free(b);
}

static inline char *bench_path(const struct bench *b, const char *name)
{
	return must_format("%s/%s", b->directory, name);
}

static inline void keep(void *context, int code, const struct err *e)
{
	struct bench *b = context;
	b->done++;
	b->failed += code != 0;
	b->last_code = code;
	snprintf(b->last_text, sizeof b->last_text, "%s", e->text);
}

/* Takes what has come in until `count` are done. */
static inline void wait_for(struct bench *b, const int *counter, int count)
{
	struct timespec patience;
	clock_gettime(CLOCK_REALTIME, &patience);
	patience.tv_sec += 90;
	while (mailbox_run(&b->engine), *counter < count)
		if (sem_timedwait(&b->mail, &patience) != 0 && errno == ETIMEDOUT)
			fail_msg("%d of %d answers after 90 seconds", *counter, count);
}

#endif
