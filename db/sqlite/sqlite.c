/* SPDX-License-Identifier: Apache-2.0
 * The SQLite store's life and its thread: takes what waits in the mailbox and writes it in one go (group commit). Each
 * transaction has a savepoint of its own, so that one that fails fails alone; a COMMIT that fails fails them all.
 * Queries are answered between commits, and the WAL is checkpointed there, never inside a COMMIT: SQLite's own automatic
 * checkpoint drops the error of a failed fsync. An I/O error is latched: no later success can be believed. */
#include "db/sqlite/sqlite.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "db/sqlite/sqlite_inside.h"
#include "station/base/log.h"
#include "station/base/must.h"

enum {
	GROUP_ROWS = 2000,       /* a commit takes no more rows than that, so that nobody waits long */
	CHECKPOINT_PAGES = 1000, /* the WAL is checkpointed from that size on when nobody waits, */
	CHECKPOINT_LATEST = 3000 /* and from this one on in any case: 12 MB */
};

struct job {
	struct message message;
	struct sqlite_store *store;
	enum { JOB_COMMIT, JOB_QUERY, JOB_WALK, JOB_HOLD, JOB_CLOSE } what;
	struct store_tx *tx;      /* owned */
	struct store_query query; /* values owned */
	struct store_rows rows;   /* owned */
	store_done *done;
	store_answer *answer;
	store_visit *visit;
	void *context;
	int code;
	struct err err;
	struct job *next; /* in the group */
};
/* Jobs in the order they came. */
struct jobs {
	struct job *first, **last;
	size_t rows;
};

/* The files that there are. */
struct database {
	const char *file, *thread;
	const char *synchronous; /* FULL: a commit is on the platter; NORMAL: a power cut may take the last second */
	const char *const *schema;
};
static const struct database station_db = { "station.db", "belfry-store", "PRAGMA synchronous = FULL", schema_station };
static const struct database history_db = { "history.db", "belfry-history", "PRAGMA synchronous = NORMAL",
	                                        schema_history };

struct sqlite_store {
	struct store base;
	const struct database *database;
	struct sqlite_db d; /* store thread; the engine's while that holds it, and before the thread runs */
	int wal_pages;      /* as d */
	struct mailbox inbox;
	pthread_cond_t waits; /* with inbox.lock */
	pthread_t thread;
	bool threaded; /* engine thread */
	pthread_mutex_t lock;
	struct store_figures figures; /* under lock */
	pthread_cond_t hold_changed;  /* with lock */
	bool held, released;          /* under lock */
};

static struct sqlite_store *sqlite_of(struct store *s)
{
	return container_of(s, struct sqlite_store, base);
}

/* --- answering ---------------------------------------------------------------------------------------------------- */

static void deliver_commit(struct job *j)
{
	struct store_tx *tx = j->tx;
	store_done *done = j->done;
	void *context = j->context;
	int code = j->code;
	struct err e = j->err;
	free(j);
	store_tx_end(tx, code, &e);
	if (done)
		done(context, code, &e);
}

static void deliver_answer(struct job *j)
{
	if (j->what == JOB_WALK)
		j->done(j->context, j->code, &j->err);
	else
		j->answer(j->context, j->code, &j->err, &j->rows);
	store_rows_clear(&j->rows);
	for (size_t i = 0; i < j->query.where_count; i++)
		value_clear(&j->query.where[i].value);
	free(j);
}

/* Runs on the engine thread: the completion. */
static void deliver(struct message *m)
{
	struct job *j = container_of(m, struct job, message);
	if (j->what == JOB_COMMIT)
		deliver_commit(j);
	else
		deliver_answer(j);
}

static void finish(struct job *j)
{
	j->message.run = deliver;
	mailbox_post(j->store->base.engine, &j->message);
}

/* One waking for a whole group. */
static void finish_all(struct sqlite_store *s, struct jobs *group)
{
	struct message *chain = NULL, **tail = &chain;
	for (struct job *j = group->first; j; j = j->next) {
		j->message.run = deliver;
		*tail = &j->message;
		tail = &j->message.next;
	}
	*tail = NULL;
	mailbox_post_all(s->base.engine, chain);
}

/* --- faults ------------------------------------------------------------------------------------------------------- */

/* Is that error one after which page cache and disk may differ? A full disk is none: SQLite has been told before it
 * counted on anything. But a failed fsync is one whatever its reason. */
static bool is_final(sqlite3 *db)
{
	int error = sqlite3_extended_errcode(db), number = sqlite3_system_errno(db);
	if ((error & 0xff) == SQLITE_CORRUPT || error == SQLITE_NOTADB || error == SQLITE_IOERR_FSYNC ||
	    error == SQLITE_IOERR_DIR_FSYNC)
		return true;
	return (error & 0xff) == SQLITE_IOERR && error != SQLITE_IOERR_NOMEM && number != ENOSPC && number != EDQUOT;
}

static void latch(struct sqlite_store *s, const struct err *e)
{
	if (!is_final(s->d.db))
		return;
	log_error("storage fault: %s", e->text);
	sqlite3_db_config(s->d.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
	                  NULL); /* the WAL stays as it is, for the next start */
	pthread_mutex_lock(&s->lock);
	s->figures.fault = true;
	snprintf(s->figures.fault_text, sizeof s->figures.fault_text, "%.190s", e->text);
	pthread_mutex_unlock(&s->lock);
}

/* 0, or the latched fault. */
static int fault(struct sqlite_store *s, struct err *e)
{
	pthread_mutex_lock(&s->lock);
	int rc = 0;
	if (s->figures.fault)
		rc = err_set(
		    e, E_STORAGE, NULL,
		    "The disk has failed (%.150s). Nothing is written any more; look at the disk and restart the station.",
		    s->figures.fault_text);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

/* One transaction inside the group's. */
static int write_transaction(struct sqlite_store *s, const struct store_tx *tx, struct err *e)
{
	int rc = db_exec(&s->d, "SAVEPOINT one", e);
	for (const struct store_write *w = tx->first; w && rc == 0; w = w->next)
		rc = db_write(&s->d, w, e);
	if (rc == 0)
		rc = db_exec(&s->d, "RELEASE one", e);
	if (rc == 0)
		return 0;
	latch(s, e);
	if (!sqlite3_get_autocommit(s->d.db)) { /* some errors have rolled everything back already */
		db_exec(&s->d, "ROLLBACK TO one", NULL);
		db_exec(&s->d, "RELEASE one", NULL);
	}
	return rc;
}

/* Writes all, each with its own code; an answer other than 0 holds for all of them. */
static int write_group(struct sqlite_store *s, struct job *group, struct err *e)
{
	int rc = fault(s, e);
	if (rc == 0)
		rc = db_exec(&s->d, "BEGIN IMMEDIATE", e);
	if (rc != 0)
		return rc;
	for (struct job *j = group; j && rc == 0; j = j->next) {
		j->code = write_transaction(s, j->tx, &j->err);
		if (j->code != 0 && sqlite3_get_autocommit(s->d.db)) {
			*e = j->err; /* the whole group is gone */
			return j->code;
		}
		if (j->code != 0)
			rc = fault(s, e);
	}
	if (rc == 0 && (rc = db_exec(&s->d, "COMMIT", e)) != 0)
		latch(s, e);
	if (rc != 0 && !sqlite3_get_autocommit(s->d.db))
		db_exec(&s->d, "ROLLBACK", NULL);
	return rc;
}

/* Writes a group of transactions and answers them all. */
static void commit_group(struct sqlite_store *s, struct jobs *group)
{
	struct err e = { 0 };
	int64_t transactions = 0, failures = 0;
	int rc = write_group(s, group->first, &e);
	for (struct job *j = group->first; j; j = j->next, transactions++) {
		if (rc != 0) {
			j->code = rc;
			j->err = e;
		}
		failures += j->code != 0;
	}
	pthread_mutex_lock(&s->lock);
	s->figures.commits += rc == 0;
	s->figures.transactions += transactions;
	s->figures.rows += (int64_t)group->rows;
	s->figures.failures += failures;
	pthread_mutex_unlock(&s->lock);
	finish_all(s, group);
	*group = (struct jobs){ .last = &group->first };
}

static int wal_grown(void *context, sqlite3 *db, const char *name, int pages)
{
	(void)db, (void)name;
	((struct sqlite_store *)context)->wal_pages = pages;
	return SQLITE_OK;
}

/* Copies the WAL into the database, so that the next writer starts it anew. */
static void checkpoint(struct sqlite_store *s)
{
	struct err e;
	if (fault(s, &e) != 0)
		return;
	if (sqlite3_wal_checkpoint_v2(s->d.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) != SQLITE_OK) {
		db_error(&s->d, &e);
		log_error("the log of the database could not be written into it: %s", e.text);
		latch(s, &e);
	}
	s->wal_pages = 0;
}

/* --- the store thread --------------------------------------------------------------------------------------------- */

static int visit_row(void *context, void *record)
{
	struct job *j = context;
	return j->visit(j->context, record);
}

static void answer_walk(struct sqlite_store *s, struct job *j)
{
	int rc = db_walk(&s->d, &j->query, visit_row, j, &j->err);
	j->code = rc < 0 ? rc : 0; /* ended by its visitor: no error */
	finish(j);
}

static void answer_query(struct sqlite_store *s, struct job *j)
{
	j->code = db_query(&s->d, &j->query, &j->rows, &j->err);
	finish(j);
}

/* Lends the database to the engine, which waits for that, until it gives it back. */
static void lend(struct sqlite_store *s)
{
	pthread_mutex_lock(&s->lock);
	s->held = true;
	pthread_cond_broadcast(&s->hold_changed);
	while (!s->released)
		pthread_cond_wait(&s->hold_changed, &s->lock);
	s->held = s->released = false;
	pthread_cond_broadcast(&s->hold_changed);
	pthread_mutex_unlock(&s->lock);
}

static void append(struct jobs *list, struct job *j)
{
	j->next = NULL;
	*list->last = j;
	list->last = &j->next;
	list->rows += j->tx ? j->tx->count : 0;
}

/* Takes a chain of messages: first all that is to be written, then what is asked, so that a question never splits a
 * group. false: the store is to close. */
static bool work(struct sqlite_store *s, struct message *chain)
{
	struct jobs group = { .last = &group.first }, asked = { .last = &asked.first };
	bool open = true;
	for (struct message *m = chain, *next; m; m = next) {
		next = m->next;
		struct job *j = container_of(m, struct job, message);
		append(j->what == JOB_COMMIT ? &group : &asked, j);
		if (group.rows >= GROUP_ROWS)
			commit_group(s, &group);
	}
	if (group.first)
		commit_group(s, &group);
	for (struct job *j = asked.first, *next; j; j = next) {
		next = j->next;
		if (j->what == JOB_QUERY)
			answer_query(s, j);
		else if (j->what == JOB_WALK)
			answer_walk(s, j);
		else if (j->what == JOB_HOLD)
			lend(s);
		else
			open = false;
	}
	return open;
}

static void *store_main(void *context)
{
	struct sqlite_store *s = context;
	bool open = true;
	while (open) {
		if (s->wal_pages >= CHECKPOINT_LATEST || (s->wal_pages >= CHECKPOINT_PAGES && !mailbox_waits(&s->inbox)))
			checkpoint(s);
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

static void start_thread(struct sqlite_store *s)
{
	sigset_t all, old; /* signals are the engine's business */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	must(pthread_create(&s->thread, NULL, store_main, s) == 0);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_setname_np(s->thread, s->database->thread);
	s->threaded = true;
}

/* The thread begins with the first request: until then the starting thread uses the connection itself. */
static void post(struct sqlite_store *s, struct job *j)
{
	j->store = s;
	if (!s->threaded)
		start_thread(s);
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

static void sqlite_walk(struct store *store, struct store_query *q, store_visit *visit, store_done *done, void *context)
{
	struct job *j = must_alloc(sizeof *j);
	*j = (struct job){ .what = JOB_WALK, .query = *q, .visit = visit, .done = done, .context = context };
	post(sqlite_of(store), j);
}

/* Between hold and release the calling thread has the connection, after all that was asked before. */
static void hold(struct sqlite_store *s, struct job *j)
{
	if (!s->threaded)
		return;
	*j = (struct job){ .what = JOB_HOLD };
	post(s, j);
	pthread_mutex_lock(&s->lock);
	while (!s->held)
		pthread_cond_wait(&s->hold_changed, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

static void release(struct sqlite_store *s)
{
	if (!s->threaded)
		return;
	pthread_mutex_lock(&s->lock);
	s->released = true;
	pthread_cond_broadcast(&s->hold_changed);
	while (s->held) /* it has taken notice: the next hold waits for its own turn */
		pthread_cond_wait(&s->hold_changed, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

static int sqlite_scan(struct store *store, const struct record_kind *k, int (*visit)(void *, void *), void *context,
                       struct err *e)
{
	struct job j;
	hold(sqlite_of(store), &j);
	int rc = db_scan(&sqlite_of(store)->d, k, visit, context, e);
	release(sqlite_of(store));
	return rc;
}

static int sqlite_commit_now(struct store *store, struct store_tx *tx, struct err *e)
{
	struct sqlite_store *s = sqlite_of(store);
	struct job j, one = { .what = JOB_COMMIT, .tx = tx };
	struct err whole = { 0 };
	hold(s, &j);
	int rc = write_group(s, &one, &whole);
	release(s);
	const struct err *cause = rc != 0 ? &whole : &one.err;
	if (rc == 0)
		rc = one.code;
	if (rc != 0 && e)
		*e = *cause;
	store_tx_end(tx, rc, cause);
	return rc;
}

static void sqlite_figures(struct store *store, struct store_figures *out)
{
	struct sqlite_store *s = sqlite_of(store);
	pthread_mutex_lock(&s->lock);
	*out = s->figures;
	pthread_mutex_unlock(&s->lock);
	out->schema = schema_newest(sqlite_of(store)->database->schema);
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
	pthread_cond_destroy(&s->hold_changed);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static const struct store_impl impl = {
	.commit = sqlite_commit,
	.query = sqlite_query,
	.walk = sqlite_walk,
	.scan = sqlite_scan,
	.commit_now = sqlite_commit_now,
	.figures = sqlite_figures,
	.close = sqlite_close_store,
};

/* --- opening ------------------------------------------------------------------------------------------------------ */

/* Exclusive before WAL: then there is no shared memory, and no second program can write, read or checkpoint. Debian 12's
 * SQLite has the WAL-reset bug, which needs two connections. */
static int configure(struct sqlite_store *s, struct err *e)
{
	const char *const pragmas[] = {
		"PRAGMA locking_mode = EXCLUSIVE",
		"PRAGMA journal_mode = WAL",
		s->database->synchronous,
		"PRAGMA secure_delete = ON",
		"PRAGMA trusted_schema = OFF",
		"PRAGMA temp_store = MEMORY",
		"PRAGMA cell_size_check = ON",
		"PRAGMA cache_size = -8192", /* KiB, as far as it is used; 2 MB were read again and again in a burst of alarms */
		"BEGIN EXCLUSIVE",
		"COMMIT",
		"PRAGMA journal_size_limit = 16777216",
	};
	sqlite3 *db = s->d.db;
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL); /* a wrong column name is an error, not a text */
	sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	sqlite3_extended_result_codes(db, 0);
	int rc = 0;
	for (size_t i = 0; i < ARRAY_SIZE(pragmas) && rc == 0; i++)
		rc = db_exec(&s->d, pragmas[i], e);
	sqlite3_wal_hook(db, wal_grown, s);
	return rc;
}

/* A log beside the database means that the last run did not end in order: then the pages are looked at. */
static bool ended_badly(const char *path)
{
	struct stat st;
	char *wal = must_format("%s-wal", path);
	bool there = stat(wal, &st) == 0 && st.st_size > 0;
	free(wal);
	return there;
}

static struct sqlite_store *new_store(const struct database *database, struct mailbox *engine)
{
	struct sqlite_store *s = must_alloc(sizeof *s);
	s->base = (struct store){ .impl = &impl, .engine = engine };
	s->database = database;
	mailbox_init(&s->inbox, wake);
	pthread_cond_init(&s->waits, NULL);
	pthread_cond_init(&s->hold_changed, NULL);
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

static int open_database(const struct database *database, const char *directory, struct mailbox *engine,
                         struct store **out, struct err *e)
{
	struct sqlite_store *s = new_store(database, engine);
	char *path = must_format("%s/%s", directory, database->file);
	bool look = ended_badly(path);
	mode_t old = umask(077);
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	int rc = sqlite3_open_v2(path, &s->d.db, flags, NULL) == SQLITE_OK ? 0 : db_error(&s->d, e);
	if (rc == 0)
		rc = configure(s, e);
	if (rc == 0 && look)
		rc = schema_check_pages(&s->d, e);
	if (rc == 0)
		rc = schema_migrate(&s->d, database->schema, e);
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

int sqlite_open(const char *directory, struct mailbox *engine, struct store **out, struct err *e)
{
	return open_database(&station_db, directory, engine, out, e);
}

int sqlite_open_history(const char *directory, struct mailbox *engine, struct store **out, struct err *e)
{
	return open_database(&history_db, directory, engine, out, e);
}
