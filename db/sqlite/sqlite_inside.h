/* SPDX-License-Identifier: Apache-2.0
 * The inside of the SQLite store, shared by its files: sqlite.c (opening, the thread, group commit), schema.c (tables and
 * their versions), statement.c (SQL made from record tables). Store thread, or the starting thread before there is one. */
#ifndef BELFRY_DB_SQLITE_INSIDE_H
#define BELFRY_DB_SQLITE_INSIDE_H

#include <sqlite3.h>

#include "station/store/store.h"

enum { STATEMENTS_MAX = 128 };

/* A prepared statement, found again by what it is for. */
struct statement {
	const struct record_kind *kind;
	int what;         /* WRITE_..., or -1 for a query */
	char *sql;        /* owned; the key of a query */
	const char *slot; /* of WRITE_DELETE_WHERE */
	sqlite3_stmt *stmt;
};

struct sqlite_db {
	sqlite3 *db;
	struct statement statements[STATEMENTS_MAX];
	size_t statement_count;
};

/* A sentence for what SQLite said last. Returns a code. */
int db_error(struct sqlite_db *d, struct err *e);
int db_exec(struct sqlite_db *d, const char *sql, struct err *e);
void db_finish_statements(struct sqlite_db *d);

/* The schemas of the program's databases: texts of SQL, the first is number 1; NULL-terminated. */
extern const char *const schema_station[], *const schema_history[];
/* Makes or migrates the tables. */
int schema_migrate(struct sqlite_db *d, const char *const *files, struct err *e);
/* Are the pages sound? 0 or a sentence. */
int schema_check_pages(struct sqlite_db *d, struct err *e);
int schema_newest(const char *const *files);

/* Carries out one write; the rows of a query; all rows in key order. */
int db_write(struct sqlite_db *d, const struct store_write *w, struct err *e);
int db_query(struct sqlite_db *d, const struct store_query *q, struct store_rows *rows, struct err *e);
/* The rows of a query, each visited; what visit answers other than 0 ends it and is the answer. */
int db_walk(struct sqlite_db *d, const struct store_query *q, int (*visit)(void *, void *), void *context,
            struct err *e);
int db_scan(struct sqlite_db *d, const struct record_kind *k, int (*visit)(void *, void *), void *context,
            struct err *e);

#endif
