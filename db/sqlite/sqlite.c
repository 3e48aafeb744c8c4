/* SPDX-License-Identifier: Apache-2.0
 * The SQLite store's life and its thread: takes what waits in the mailbox and writes it in one go (group commit). Each
 * transaction has a savepoint of its own, so that one that fails fails alone; a COMMIT that fails fails them all.
 * Queries are answered between commits. An I/O error is latched: after a failed fsync no later success can be believed. */
#include "db/sqlite/sqlite.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "db/sqlite/sqlite_inside.h"
#include "station/log.h"
#include "station/must.h"

enum { GROUP_ROWS = 2000 }; /* a commit takes no more rows than that, so that nobody waits long */

struct job {
	struct message message;
	struct sqlite_store *store;
	enum { JOB_COMMIT, JOB_QUERY, JOB_SCAN, JOB_CLOSE } what;
	struct store_tx *tx;          /* owned */
	struct store_query query;     /* values owned */
	struct store_rows rows;       /* owned */
	store_done *done;
	store_answer *answer;
	void *context;
	int code;
	struct err err;
	struct job *next;             /* in the group */
};

struct sqlite_store {
	struct store base;
	struct sqlite_db d;           /* store thread; before it runs, the starting thread */
	struct mailbox inbox;
	pthread_cond_t waits;         /* with inbox.lock */
	pthread_t thread;
	bool threaded;                /* engine thread */
	pthread_mutex_t figures_lock;
	struct store_figures figures; /* under figures_lock */
};

static struct sqlite_store *sqlite_of(struct store *s)
{
	return container_of(s, struct sqlite_store, base);
}

/* --- the store thread --------------------------------------------------------------------------------------------- */

/* Runs on the engine thread: the completion. */
static void deliver(struct message *m)
{
	struct job *j = container_of(m, struct job, message);
	if (j->what == JOB_COMMIT) {
		struct store_tx *tx = j->tx;
		store_done *done = j->done;
		void *context = j->context;
		int code = j->code;
		struct err e = j->err;
		free(j);
		store_tx_end(tx, code, &e);
		if (done)
			done(context, code, &e);
		return;
	}
	j->answer(j->context, j->code, &j->err, &j->rows);
	store_rows_clear(&j->rows);
	for (size_t i = 0; i < j->query.where_count; i++)
		value_clear(&j->query.where[i].value);
	free(j);
}

static void finish(struct job *j)
{
	j->message.run = deliver;
	mailbox_post(j->store->base.engine, &j->message);
}

static void count(struct sqlite_store *s, int64_t commits, int64_t transactions, int64_t rows, int64_t failures)
{
	pthread_mutex_lock(&s->figures_lock);
	s->figures.commits += commits;
	s->figures.transactions += transactions;
	s->figures.rows += rows;
	s->figures.failures += failures;
	pthread_mutex_unlock(&s->figures_lock);
}

/* After an I/O error the page cache and the disk may differ: whatever SQLite says later proves nothing. */
static void latch(struct sqlite_store *s, const struct err *e)
{
	if ((sqlite3_errcode(s->d.db) & 0xff) != SQLITE_IOERR && sqlite3_errcode(s->d.db) != SQLITE_CORRUPT)
		return;
	log_error("storage fault: %s", e->text);
	pthread_mutex_lock(&s->figures_lock);
	s->figures.fault = true;
	snprintf(s->figures.fault_text, sizeof s->figures.fault_text, "%.190s", e->text);
	pthread_mutex_unlock(&s->figures_lock);
}

static bool faulty(struct sqlite_store *s, struct err *e)
{
	pthread_mutex_lock(&s->figures_lock);
	bool fault = s->figures.fault;
	if (fault)
		err_set(e, E_STORAGE, NULL, "The disk has failed (%.150s). Nothing is written any more; look at the disk and restart the station.",
		        s->figures.fault_text);
	pthread_mutex_unlock(&s->figures_lock);
	return fault;
}

/* One transaction inside the group's. */
static int write_transaction(struct sqlite_store *s, const struct store_tx *tx, struct err *e)
{
	int rc = db_exec(&s->d, "SAVEPOINT one", e);
	for (const struct store_write *w = tx->first; w && rc == 0; w = w->next)
		rc = db_write(&s->d, w, e);
	if (rc == 0)
		return db_exec(&s->d, "RELEASE one", e);
	latch(s, e);
	if (!sqlite3_get_autocommit(s->d.db)) { /* some errors have rolled everything back already */
		db_exec(&s->d, "ROLLBACK TO one", NULL);
		db_exec(&s->d, "RELEASE one", NULL);
	}
	return rc;
}

/* Writes a group of transactions and answers them all. */
static void commit_group(struct sqlite_store *s, struct job *group)
{
	struct err e = { 0 };
	int64_t rows = 0, transactions = 0, failures = 0;
	int rc = faulty(s, &e) ? e.code : db_exec(&s->d, "BEGIN IMMEDIATE", &e);
	for (struct job *j = group; j && rc == 0; j = j->next) {
		j->code = write_transaction(s, j->tx, &j->err);
		rows += (int64_t)j->tx->count;
		transactions++;
		if (j->code != 0 && sqlite3_get_autocommit(s->d.db)) {
			rc = j->code; /* the whole group is gone */
			e = j->err;
		}
	}
	if (rc == 0 && (rc = db_exec(&s->d, "COMMIT", &e)) != 0) {
		latch(s, &e);
		db_exec(&s->d, "ROLLBACK", NULL);
	}
	for (struct job *j = group, *next; j; j = next) {
		next = j->next;
		if (rc != 0) {
			j->code = rc;
			j->err = e;
		}
		failures += j->code != 0;
		finish(j);
	}
	count(s, 1, transactions, rows, failures);
}

static void do_scan(struct sqlite_store *s, struct job *j);

static void answer_query(struct sqlite_store *s, struct job *j)
{
	j->code = db_query(&s->d, &j->query, &j->rows, &j->err);
	finish(j);
}

/* Takes a chain of messages in order; neighbours that are commits go together. false: the store is to close. */
static bool work(struct sqlite_store *s, struct message *chain)
{
	struct job *group = NULL, **tail = &group;
	size_t rows = 0;
	bool open = true;
	for (struct message *m = chain, *next; m; m = next) {
		next = m->next;
		struct job *j = container_of(m, struct job, message);
		int what = j->what; /* j is the engine's as soon as its group is answered */
		if (what == JOB_COMMIT) {
			j->next = NULL;
			*tail = j;
			tail = &j->next;
			rows += j->tx->count;
		}
		bool last = !next || what != JOB_COMMIT || rows >= GROUP_ROWS;
		if (last && group) {
			commit_group(s, group);
			group = NULL;
			tail = &group;
			rows = 0;
		}
		if (what == JOB_QUERY)
			answer_query(s, j);
		if (what == JOB_SCAN)
			do_scan(s, j);
		if (what == JOB_CLOSE)
			open = false;
	}
	return open;
}

static void *store_main(void *context)
{
	struct sqlite_store *s = context;
	bool open = true;
	while (open) {
		pthread_mutex_lock(&s->inbox.lock);
		while (!s->inbox.head)
			pthread_cond_wait(&s->waits, &s->inbox.lock);
		pthread_mutex_unlock(&s->inbox.lock);
		open = work(s, mailbox_take(&s->inbox));
	}
	return NULL;
}

static void wake(struct mailbox *mb)
{
	pthread_cond_signal(&container_of(mb, struct sqlite_store, inbox)->waits);
}

/* The thread begins with the first request: until then the starting thread uses the connection itself. */
static void post(struct sqlite_store *s, struct job *j)
{
	j->store = s;
	if (!s->threaded) {
		must(pthread_create(&s->thread, NULL, store_main, s) == 0);
		pthread_setname_np(s->thread, "belfry-store");
		s->threaded = true;
	}
	mailbox_post(&s->inbox, &j->message);
}

/* --- the vtable --------------------------------------------------------------------------------------------------- */

static void sqlite_commit(struct store *store, struct store_tx *tx, store_done *done, void *context)
{
	struct job *j = must_alloc(sizeof *j);
	*j = (struct job){ .what = JOB_COMMIT, .tx = tx, .done = done, .context = context };
	post(sqlite_of(store), j);
}

static void sqlite_query(struct store *store, struct store_query *q, store_answer *answer, void *context)
{
	struct job *j = must_alloc(sizeof *j);
	*j = (struct job){ .what = JOB_QUERY, .query = *q, .answer = answer, .context = context };
	post(sqlite_of(store), j);
}

/* A scan on the store thread: visit runs there while the engine waits here, so nothing is shared at one time. */
struct scan {
	struct job job;
	const struct record_kind *kind;
	int (*visit)(void *, void *);
	void *context;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool over;
};

static void do_scan(struct sqlite_store *s, struct job *j)
{
	struct scan *scan = container_of(j, struct scan, job);
	j->code = db_scan(&s->d, scan->kind, scan->visit, scan->context, &j->err);
	pthread_mutex_lock(&scan->lock);
	scan->over = true;
	pthread_cond_signal(&scan->ended);
	pthread_mutex_unlock(&scan->lock);
}

static int sqlite_scan(struct store *store, const struct record_kind *k, int (*visit)(void *, void *), void *context, struct err *e)
{
	struct sqlite_store *s = sqlite_of(store);
	if (!s->threaded)
		return db_scan(&s->d, k, visit, context, e);
	struct scan scan = { .job.what = JOB_SCAN, .kind = k, .visit = visit, .context = context };
	pthread_mutex_init(&scan.lock, NULL);
	pthread_cond_init(&scan.ended, NULL);
	post(s, &scan.job);
	pthread_mutex_lock(&scan.lock);
	while (!scan.over)
		pthread_cond_wait(&scan.ended, &scan.lock);
	pthread_mutex_unlock(&scan.lock);
	pthread_cond_destroy(&scan.ended);
	pthread_mutex_destroy(&scan.lock);
	if (scan.job.code != 0 && e)
		*e = scan.job.err;
	return scan.job.code;
}

static int sqlite_commit_now(struct store *store, struct store_tx *tx, struct err *e)
{
	struct sqlite_store *s = sqlite_of(store);
	must(!s->threaded);
	int rc = db_exec(&s->d, "BEGIN IMMEDIATE", e);
	if (rc == 0)
		rc = write_transaction(s, tx, e);
	if (rc == 0)
		rc = db_exec(&s->d, "COMMIT", e);
	if (rc != 0 && !sqlite3_get_autocommit(s->d.db))
		db_exec(&s->d, "ROLLBACK", NULL);
	store_tx_end(tx, rc, e);
	return rc;
}

static void sqlite_figures(struct store *store, struct store_figures *out)
{
	struct sqlite_store *s = sqlite_of(store);
	pthread_mutex_lock(&s->figures_lock);
	*out = s->figures;
	pthread_mutex_unlock(&s->figures_lock);
	out->schema = schema_newest();
}

static void sqlite_close_store(struct store *store)
{
	struct sqlite_store *s = sqlite_of(store);
	struct job last = { .what = JOB_CLOSE };
	if (s->threaded) {
		post(s, &last);
		pthread_join(s->thread, NULL);
	}
	db_finish_statements(&s->d);
	if (sqlite3_close(s->d.db) != SQLITE_OK)
		log_error("the database did not close: %s", sqlite3_errmsg(s->d.db));
	mailbox_finish(&s->inbox);
	pthread_cond_destroy(&s->waits);
	pthread_mutex_destroy(&s->figures_lock);
	free(s);
}

static const struct store_impl impl = {
	.commit = sqlite_commit,
	.query = sqlite_query,
	.scan = sqlite_scan,
	.commit_now = sqlite_commit_now,
	.figures = sqlite_figures,
	.close = sqlite_close_store,
};

/* Exclusive before WAL: then there is no shared memory, and no second program can write, read or checkpoint. Debian 12's
 * SQLite has the WAL-reset bug, which needs two connections. */
static int configure(struct sqlite_db *d, struct err *e)
{
	static const char *const pragmas[] = {
		"PRAGMA locking_mode = EXCLUSIVE", "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA secure_delete = ON",
		"PRAGMA trusted_schema = OFF",     "PRAGMA temp_store = MEMORY", "BEGIN EXCLUSIVE",           "COMMIT",
	};
	sqlite3_db_config(d->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_extended_result_codes(d->db, 0);
	int rc = 0;
	for (size_t i = 0; i < ARRAY_SIZE(pragmas) && rc == 0; i++)
		rc = db_exec(d, pragmas[i], e);
	return rc;
}

int sqlite_open(const char *directory, struct mailbox *engine, struct store **out, struct err *e)
{
	struct sqlite_store *s = must_alloc(sizeof *s);
	s->base = (struct store){ .impl = &impl, .engine = engine };
	mailbox_init(&s->inbox, wake);
	pthread_cond_init(&s->waits, NULL);
	pthread_mutex_init(&s->figures_lock, NULL);
	char *path = must_format("%s/station.db", directory);
	mode_t old = umask(077);
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	int rc = sqlite3_open_v2(path, &s->d.db, flags, NULL) == SQLITE_OK ? 0 : db_error(&s->d, e);
	if (rc == 0)
		rc = configure(&s->d, e);
	if (rc == 0)
		rc = schema_prepare(&s->d, e);
	umask(old);
	if (rc != 0) {
		err_wrap(e, "%s", path);
		s->base.impl->close(&s->base);
	} else {
		*out = &s->base;
	}
	free(path);
	return rc;
}
