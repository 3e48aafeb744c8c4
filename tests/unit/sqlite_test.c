/* SPDX-License-Identifier: Apache-2.0
 * The SQLite store: groups, failures of one and of all, disks that fill up and disks that fail, what is refused at
 * opening, and migration. */
#include "tests/unit/store_bench.h"

#include <sys/stat.h>

#include "db/sqlite/sqlite_inside.h"
#include "station/store/persist.h"

static struct store_tx *put(const char *name, const char *value)
{
	struct store_tx *tx = store_tx_new();
	store_tx_put(tx, &meta_kind, &(struct meta_row){ (char *)(uintptr_t)name, (char *)(uintptr_t)value });
	return tx;
}

static int write_one(struct bench *b, const char *name, const char *value)
{
	int before = b->done;
	store_commit(b->store, put(name, value), keep, b);
	wait_for(b, &b->done, before + 1);
	return b->last_code;
}

static int count_row(void *context, void *record)
{
	(void)record;
	++*(int *)context;
	return 0;
}

static int rows_in(struct bench *b)
{
	int count = 0;
	struct err e = { 0 };
	if (b->store->impl->scan(b->store, &meta_kind, count_row, &count, &e) != 0)
		fail_msg("%s", e.text);
	return count;
}

/* A table with a text where the file wants a number: STRICT refuses it. */
struct wrong_row {
	int64_t handle, parent, position;
	char *name, *type, *displayName, *revision;
};
static const struct slot wrong_slots[] = {
	SLOT(struct wrong_row, handle, INTEGER, .flags = SLOT_REQUIRED),
	SLOT(struct wrong_row, parent, INTEGER),
	SLOT(struct wrong_row, position, INTEGER),
	SLOT(struct wrong_row, name, STRING),
	SLOT(struct wrong_row, type, STRING),
	SLOT(struct wrong_row, displayName, STRING),
	SLOT(struct wrong_row, revision, STRING),
	SLOT_END,
};
static const struct record_kind wrong_kind = { "component", "A record that its table refuses.",
	                                           sizeof(struct wrong_row), wrong_slots, false };

/* --- groups --------------------------------------------------------------------------------------------------------- */

static void what_waits_together_goes_together(void **state)
{
	(void)state;
	struct bench *b = bench_begin();
	write_one(b, "first", "1");
	struct store_figures before, after;
	atomic_store(&b->disk.stop_syncs, true);
	b->done = 0;
	store_commit(b->store, put("a", "1"), keep, b);
	while (sem_wait(&b->disk.stopped) != 0)
		; /* the store thread stands in the sync of that one */
	b->store->impl->figures(b->store, &before);
	for (int i = 0; i < 100; i++) {
		char name[16];
		snprintf(name, sizeof name, "n%d", i);
		store_commit(b->store, put(name, "x"), keep, b);
	}
	int syncs = atomic_load(&b->disk.syncs);
	sem_post(&b->disk.go_on);
	wait_for(b, &b->done, 101);
	b->store->impl->figures(b->store, &after);
	assert_int_equal(after.commits - before.commits, 2); /* the one that was under way, and a hundred in one */
	assert_int_equal(atomic_load(&b->disk.syncs) - syncs, 1);
	assert_int_equal(after.transactions - before.transactions, 101);
	assert_int_equal(b->failed, 0);
	assert_int_equal(rows_in(b), 102);
	bench_end(b);
}

static void one_that_fails_fails_alone(void **state)
{
	(void)state;
	struct bench *b = bench_begin();
	atomic_store(&b->disk.stop_syncs, true);
	store_commit(b->store, put("first", "1"), keep, b);
	while (sem_wait(&b->disk.stopped) != 0)
		;
	store_commit(b->store, put("a", "1"), keep, b);
	struct bench bad = { .done = 0 };
	struct store_tx *tx = put("never", "1"); /* it goes with the bad record */
	char empty[] = "", text[] = "many";
	store_tx_put(tx, &wrong_kind, &(struct wrong_row){ 7, 1, 1, empty, empty, empty, text });
	store_commit(b->store, tx, keep, &bad);
	store_commit(b->store, put("b", "1"), keep, b);
	sem_post(&b->disk.go_on);
	wait_for(b, &b->done, 3);
	assert_int_equal(bad.done, 1);
	assert_int_equal(bad.last_code, E_INTERNAL);
	assert_int_equal(b->failed, 0);
	assert_int_equal(rows_in(b), 3);
	struct store_figures f;
	b->store->impl->figures(b->store, &f);
	assert_false(f.fault);
	assert_int_equal(f.failures, 1);
	bench_end(b);
}

/* --- disks ---------------------------------------------------------------------------------------------------------- */

static void a_full_disk_fails_all_and_recovers(void **state)
{
	(void)state;
	struct bench *b = bench_begin();
	assert_int_equal(write_one(b, "kept", "1"), 0);
	atomic_store(&b->disk.write_code, SQLITE_FULL);
	b->done = 0;
	for (int i = 0; i < 5; i++)
		store_commit(b->store, put("lost", "1"), keep, b);
	wait_for(b, &b->done, 5);
	assert_int_equal(b->failed, 5);
	assert_int_equal(b->last_code, E_STORAGE);
	assert_non_null(strstr(b->last_text, "disk is full"));
	struct store_figures f;
	b->store->impl->figures(b->store, &f);
	assert_false(f.fault);
	atomic_store(&b->disk.write_code, 0);
	assert_int_equal(write_one(b, "again", "1"), 0);
	assert_int_equal(rows_in(b), 2);
	bench_end(b);
}

static void fault_is_latched(struct bench *b)
{
	struct store_figures f;
	b->store->impl->figures(b->store, &f);
	assert_true(f.fault);
	assert_true(*f.fault_text);
	assert_int_equal(write_one(b, "later", "1"), E_STORAGE); /* the disk is well again, but nobody can know */
	assert_non_null(strstr(b->last_text, "restart the station"));
}

static void a_failed_sync_is_never_taken_for_success(void **state)
{
	(void)state;
	struct bench *b = bench_begin();
	assert_int_equal(write_one(b, "kept", "1"), 0);
	atomic_store(&b->disk.sync_fails, 1);
	assert_int_equal(write_one(b, "lost", "1"), E_STORAGE);
	fault_is_latched(b);
	assert_int_equal(rows_in(b), 1); /* what was there can still be read */
	bench_close(b);
	bench_open(b); /* a restart: the log is read again */
	assert_in_range(rows_in(b), 1, 2);
	assert_int_equal(write_one(b, "after", "1"), 0);
	bench_end(b);
}

static void a_failed_write_is_latched(void **state)
{
	(void)state;
	struct bench *b = bench_begin();
	atomic_store(&b->disk.write_code, SQLITE_IOERR_WRITE);
	assert_int_equal(write_one(b, "lost", "1"), E_STORAGE);
	atomic_store(&b->disk.write_code, 0);
	fault_is_latched(b);
	bench_end(b);
}

static void write_megabytes(struct bench *b, int count)
{
	char *big = must_alloc(100001), name[16];
	memset(big, 'x', 100000);
	for (int i = 0; i < 10 * count; i++) {
		snprintf(name, sizeof name, "big%d", i);
		if (write_one(b, name, big) != 0)
			break;
	}
	free(big);
}

static void the_log_is_bounded(void **state)
{
	(void)state;
	struct bench *b = bench_begin();
	write_megabytes(b, 20); /* more than the log may have */
	assert_int_equal(b->failed, 0);
	char *wal = bench_path(b, "station.db-wal");
	struct stat st;
	assert_int_equal(stat(wal, &st), 0);
	assert_true(st.st_size < 16 << 20);
	assert_int_equal(st.st_mode & 0777, 0600);
	free(wal);
	bench_end(b);
}

/* SQLite's own automatic checkpoint would swallow this. */
static void a_failed_checkpoint_is_latched(void **state)
{
	(void)state;
	struct bench *b = bench_begin();
	atomic_store(&b->disk.database_only, true);
	atomic_store(&b->disk.sync_fails, 1);
	write_megabytes(b, 20);
	int answered = b->done - b->failed;
	assert_in_range(answered, 1, 199); /* 40 when nobody waits, 120 at the latest */
	assert_int_equal(b->last_code, E_STORAGE);
	fault_is_latched(b);
	bench_close(b);
	bench_open(b);
	assert_int_equal(rows_in(b), answered); /* nothing that was answered is lost: the log has it */
	bench_end(b);
}

/* --- opening -------------------------------------------------------------------------------------------------------- */

static void refuses_to_open(struct bench *b, const char *sentence)
{
	struct store *second = NULL;
	struct err e = { 0 };
	assert_int_equal(sqlite_open(b->directory, &b->engine, &second, &e), E_STORAGE);
	assert_null(second);
	if (!strstr(e.text, sentence))
		fail_msg("\"%s\" says nothing of \"%s\"", e.text, sentence);
}

/* Runs SQL on the closed database, as another program would. */
static void tamper(struct bench *b, const char *sql)
{
	sqlite3 *db;
	char *path = bench_path(b, "station.db");
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, b->disk.real->zName), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	free(path);
}

static void nobody_else_gets_in(void **state)
{
	(void)state;
	struct bench *b = bench_begin();
	write_one(b, "kept", "1");
	refuses_to_open(b, "Another program has the database open");
	sqlite3 *db;
	char *path = bench_path(b, "station.db");
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, b->disk.real->zName), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "SELECT * FROM meta", NULL, NULL, NULL), SQLITE_BUSY);
	sqlite3_close(db);
	free(path);
	assert_int_equal(write_one(b, "more", "1"), 0);
	bench_end(b);
}

static void strange_databases_are_refused_with_a_sentence(void **state)
{
	(void)state;
	struct bench *b = bench_begin();
	b->store->impl->close(b->store);
	tamper(b, "PRAGMA user_version = 99");
	refuses_to_open(b, "newer belfry (schema 99");
	tamper(b, "PRAGMA user_version = 0");
	refuses_to_open(b, "another program");
	char *path = bench_path(b, "station.db");
	FILE *f = fopen(path, "w");
	must(f != NULL);
	for (int i = 0; i < 1000; i++)
		fputs("this is no database ", f);
	fclose(f);
	refuses_to_open(b, "damaged");
	unlink(path);
	free(path);
	struct err e = { 0 };
	assert_int_equal(sqlite_open(b->directory, &b->engine, &b->store, &e), 0);
	bench_end(b);
}

static void damage_is_seen_after_a_bad_end(void **state)
{
	(void)state;
	struct bench *b = bench_begin();
	write_megabytes(b, 3);
	b->store->impl->close(b->store);
	char *path = bench_path(b, "station.db"), *wal = bench_path(b, "station.db-wal");
	FILE *f = fopen(path, "r+");
	must(f != NULL && fseek(f, 0, SEEK_END) == 0);
	long pages = ftell(f) / 4096;
	for (long page = 2; page < pages; page += 3) { /* page 1 stays: it is the schema's */
		fseek(f, page * 4096, SEEK_SET);
		for (int i = 0; i < 4096; i++)
			fputc(0xff, f);
	}
	fclose(f);
	f = fopen(wal, "w"); /* as a kill leaves it; its content is no log and is ignored */
	must(f != NULL);
	fputs("x", f);
	fclose(f);
	refuses_to_open(b, "damaged");
	unlink(path);
	unlink(wal);
	free(path);
	free(wal);
	struct err e = { 0 };
	assert_int_equal(sqlite_open(b->directory, &b->engine, &b->store, &e), 0);
	bench_end(b);
}

static void a_migration_keeps_a_copy_and_is_all_or_nothing(void **state)
{
	(void)state;
	static const char *const one[] = { "CREATE TABLE a (x TEXT PRIMARY KEY) STRICT; INSERT INTO a VALUES ('old');",
		                               NULL };
	static const char *const broken[] = { "", "ALTER TABLE a RENAME COLUMN x TO y", "no sql", NULL };
	static const char *const three[] = { "", "ALTER TABLE a RENAME COLUMN x TO y", "CREATE TABLE b (z TEXT) STRICT",
		                                 NULL };
	struct bench *b = bench_begin();
	char *path = bench_path(b, "other.db"), *copy = bench_path(b, "other.db.schema-1");
	struct sqlite_db d = { 0 };
	struct err e = { 0 };
	assert_int_equal(sqlite3_open(path, &d.db), SQLITE_OK);
	assert_int_equal(schema_migrate(&d, one, &e), 0);
	assert_int_not_equal(schema_migrate(&d, broken, &e), 0);
	assert_non_null(strstr(e.text, "schema 003"));
	assert_int_equal(db_exec(&d, "SELECT x FROM a", &e), 0); /* as it was */
	assert_int_equal(schema_migrate(&d, three, &e), 0);
	assert_int_equal(db_exec(&d, "SELECT y, z FROM a LEFT JOIN b", &e), 0);
	assert_int_equal(schema_migrate(&d, three, &e), 0);
	sqlite3_close(d.db);
	assert_int_equal(sqlite3_open(copy, &d.db), SQLITE_OK);
	assert_int_equal(db_exec(&d, "SELECT x FROM a", &e), 0);
	sqlite3_close(d.db);
	free(path);
	free(copy);
	bench_end(b);
}

/* --- what waits ----------------------------------------------------------------------------------------------------- */

static void closing_writes_what_waits(void **state)
{
	(void)state;
	struct bench *b = bench_begin();
	for (int i = 0; i < 50; i++) {
		char name[16];
		snprintf(name, sizeof name, "n%d", i);
		store_commit(b->store, put(name, "x"), keep, b);
	}
	bench_close(b);
	assert_int_equal(b->done, 50);
	assert_int_equal(b->failed, 0);
	bench_open(b);
	assert_int_equal(rows_in(b), 50);
	struct err e = { 0 };
	assert_int_equal(b->store->impl->commit_now(b->store, put("now", "1"), &e), 0);
	store_commit(b->store, put("thread", "1"), keep, b);
	assert_int_equal(b->store->impl->commit_now(b->store, put("now2", "1"), &e), 0); /* beside the thread */
	assert_int_equal(rows_in(b), 53);
	bench_end(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_waits_together_goes_together),
		cmocka_unit_test(one_that_fails_fails_alone),
		cmocka_unit_test(a_full_disk_fails_all_and_recovers),
		cmocka_unit_test(a_failed_sync_is_never_taken_for_success),
		cmocka_unit_test(a_failed_write_is_latched),
		cmocka_unit_test(the_log_is_bounded),
		cmocka_unit_test(a_failed_checkpoint_is_latched),
		cmocka_unit_test(nobody_else_gets_in),
		cmocka_unit_test(strange_databases_are_refused_with_a_sentence),
		cmocka_unit_test(damage_is_seen_after_a_bad_end),
		cmocka_unit_test(a_migration_keeps_a_copy_and_is_all_or_nothing),
		cmocka_unit_test(closing_writes_what_waits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
