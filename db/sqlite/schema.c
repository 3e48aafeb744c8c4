/* SPDX-License-Identifier: Apache-2.0
 * The tables and their versions. db/schema/NNN.sql stand in the binary in order; PRAGMA user_version says how many have
 * been applied. A newer database than the program is refused. Store thread or start. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/sqlite/sqlite_inside.h"
#include "station/base/must.h"

#define SCHEMA_FILE(n)                                                                                                 \
	__asm__(".section .rodata\n.balign 1\nbelfry_schema_" #n ":\n.incbin \"db/schema/" #n                              \
	        ".sql\"\n.byte 0\n.previous");                                                                             \
	extern const char belfry_schema_##n[]
SCHEMA_FILE(001);
SCHEMA_FILE(history_001);

const char *const schema_station[] = { belfry_schema_001, NULL };
const char *const schema_history[] = { belfry_schema_history_001, NULL };

int schema_newest(const char *const *files)
{
	int n = 0;
	while (files[n])
		n++;
	return n;
}

/* One number or text that a pragma answers with; text may be NULL. */
static int ask(struct sqlite_db *d, const char *pragma, int *number, char *text, size_t size, struct err *e)
{
	sqlite3_stmt *stmt;
	if (sqlite3_prepare_v2(d->db, pragma, -1, &stmt, NULL) != SQLITE_OK)
		return db_error(d, e);
	int rc = sqlite3_step(stmt) == SQLITE_ROW ? 0 : db_error(d, e);
	if (rc == 0 && number)
		*number = sqlite3_column_int(stmt, 0);
	if (rc == 0 && text)
		snprintf(text, size, "%s", (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	return rc;
}

int schema_check_pages(struct sqlite_db *d, struct err *e)
{
	char text[200] = "";
	int rc = ask(d, "PRAGMA quick_check(1)", NULL, text, sizeof text, e);
	if (rc == 0 && strcmp(text, "ok") != 0)
		rc = err_set(e, E_STORAGE, NULL, "The database is damaged (%s). Restore a backup.", text);
	return rc;
}

/* Keeps the database as it was, beside it: station.db.schema-1. One that is there already is older and stays. */
static int keep_copy(struct sqlite_db *d, int have, struct err *e)
{
	char *path = must_format("%s.schema-%d", sqlite3_db_filename(d->db, "main"), have);
	sqlite3_stmt *stmt = NULL;
	int rc = access(path, F_OK) == 0 ? 1 : 0;
	if (rc == 0 &&
	    (sqlite3_prepare_v2(d->db, "VACUUM INTO ?", -1, &stmt, NULL) != SQLITE_OK ||
	     sqlite3_bind_text(stmt, 1, path, -1, SQLITE_STATIC) != SQLITE_OK || sqlite3_step(stmt) != SQLITE_DONE)) {
		rc = db_error(d, e);
		unlink(path);
	}
	sqlite3_finalize(stmt);
	free(path);
	return rc < 0 ? rc : 0;
}

static int apply(struct sqlite_db *d, const char *const *files, int have, struct err *e)
{
	char set[48];
	int n = have, rc = db_exec(d, "BEGIN IMMEDIATE", e);
	for (; files[n] && rc == 0; n++)
		rc = db_exec(d, files[n], e);
	snprintf(set, sizeof set, "PRAGMA user_version = %d", n);
	if (rc == 0)
		rc = db_exec(d, set, e);
	if (rc == 0)
		rc = db_exec(d, "COMMIT", e);
	if (rc != 0) {
		err_wrap(e, "schema %03d", n);
		db_exec(d, "ROLLBACK", NULL);
	}
	return rc;
}

int schema_migrate(struct sqlite_db *d, const char *const *files, struct err *e)
{
	int have = 0, tables = 0, newest_number = schema_newest(files);
	int rc = ask(d, "PRAGMA user_version", &have, NULL, 0, e);
	if (rc == 0)
		rc = ask(d, "SELECT count(*) FROM sqlite_schema", &tables, NULL, 0, e);
	if (rc != 0)
		return rc;
	if (have > newest_number)
		return err_set(e, E_STORAGE, NULL,
		               "The database was written by a newer belfry (schema %d; this program knows %d). Install that "
		               "version again, "
		               "or restore a backup made with this one.",
		               have, newest_number);
	if (have == 0 && tables > 0)
		return err_set(e, E_STORAGE, NULL, "This is a database of another program. Name an empty data directory.");
	if (have == newest_number)
		return 0;
	if (have > 0)
		rc = keep_copy(d, have, e);
	return rc != 0 ? rc : apply(d, files, have, e);
}
