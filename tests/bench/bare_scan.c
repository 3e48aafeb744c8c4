/* SPDX-License-Identifier: Apache-2.0
 * The least that reading a station's configuration costs: every column of every component, slot and link, once.
 * bare_scan STATION.DB: prints the milliseconds and the rows. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Returns the rows; adds up what it touches so that nothing is left out. */
static long scan(sqlite3 *db, const char *sql, long *touched)
{
	sqlite3_stmt *statement;
	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) {
		fprintf(stderr, "bare_scan: %s\n", sqlite3_errmsg(db));
		exit(EXIT_FAILURE);
	}
	long rows = 0;
	while (sqlite3_step(statement) == SQLITE_ROW) {
		rows++;
		for (int i = 0; i < sqlite3_column_count(statement); i++) {
			const unsigned char *text = sqlite3_column_text(statement, i);
			*touched += text ? text[0] : 0;
		}
	}
	sqlite3_finalize(statement);
	return rows;
}

int main(int argc, char **argv)
{
	sqlite3 *db;
	if (argc != 2 || sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) {
		fprintf(stderr, "usage: bare_scan STATION.DB\n");
		return 2;
	}
	long touched = 0;
	double start = now();
	long rows = scan(db, "SELECT * FROM component ORDER BY handle", &touched);
	rows += scan(db, "SELECT * FROM slot ORDER BY handle", &touched);
	rows += scan(db, "SELECT * FROM link ORDER BY target", &touched);
	printf("%.3f %ld %ld\n", now() - start, rows, touched);
	sqlite3_close(db);
	return EXIT_SUCCESS;
}
