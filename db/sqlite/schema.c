/* SPDX-License-Identifier: Apache-2.0
 * The tables and their versions. db/schema/NNN.sql stand in the binary in order; PRAGMA user_version says how many have
 * been applied. A newer database than the program is refused. Store thread or start. */
#include "db/sqlite/sqlite_inside.h"
#include "station/must.h"

#define SCHEMA_FILE(n) \
	__asm__(".section .rodata\n.balign 1\nbelfry_schema_" #n ":\n.incbin \"db/schema/" #n ".sql\"\n.byte 0\n.previous"); \
	extern const char belfry_schema_##n[]
SCHEMA_FILE(001);

static const char *const files[] = { belfry_schema_001 };

int schema_newest(void)
{
	return (int)ARRAY_SIZE(files);
}

static int version(struct sqlite_db *d, int *out, struct err *e)
{
	sqlite3_stmt *stmt;
	if (sqlite3_prepare_v2(d->db, "PRAGMA user_version", -1, &stmt, NULL) != SQLITE_OK)
		return db_error(d, e);
	int rc = sqlite3_step(stmt) == SQLITE_ROW ? 0 : db_error(d, e);
	*out = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	return rc;
}

static int apply(struct sqlite_db *d, int number, struct err *e)
{
	char set[48];
	snprintf(set, sizeof set, "PRAGMA user_version = %d", number);
	int rc = db_exec(d, "BEGIN IMMEDIATE", e);
	if (rc == 0)
		rc = db_exec(d, files[number - 1], e);
	if (rc == 0)
		rc = db_exec(d, set, e);
	if (rc == 0)
		rc = db_exec(d, "COMMIT", e);
	if (rc != 0) {
		err_wrap(e, "schema %03d", number);
		db_exec(d, "ROLLBACK", NULL);
	}
	return rc;
}

int schema_prepare(struct sqlite_db *d, struct err *e)
{
	int have = 0;
	int rc = version(d, &have, e);
	if (rc == 0 && have > schema_newest())
		return err_set(e, E_STORAGE, NULL,
		               "The database was written by a newer belfry (schema %d; this program knows %d). Install that version again, "
		               "or restore a backup made with this one.", have, schema_newest());
	for (int n = have + 1; rc == 0 && n <= schema_newest(); n++)
		rc = apply(d, n, e);
	return rc;
}
