/* SPDX-License-Identifier: Apache-2.0
 * The least that one durable alarm mail costs: one transaction of SQLite (WAL, FULL: one fsync) and one bare SMTP
 * transaction on a connection that is already open, pipelined, 2 KB.
 * bare_mail DIR PORT COUNT: prints the microseconds of each, one a line. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static int dial(const char *port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	struct sockaddr_in address = { .sin_family = AF_INET,
		                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		                           .sin_port = htons((uint16_t)strtoul(port, NULL, 10)) };
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
		fail("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;
}

/* Reads until so many final lines ("250 ...") have come. */
static void replies(int fd, int count)
{
	static char line[4096];
	static size_t length;
	while (count > 0) {
		char *end = memchr(line, '\n', length);
		if (!end) {
			ssize_t n = read(fd, line + length, sizeof line - length);
			if (n <= 0)
				fail("read");
			length += (size_t)n;
			continue;
		}
		if (line[3] == ' ')
			count--;
		size_t used = (size_t)(end + 1 - line);
		memmove(line, end + 1, length - used);
		length -= used;
	}
}

static void say(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		fail("write");
}

static void run_sql(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
		fprintf(stderr, "bare_mail: %s\n", sqlite3_errmsg(db));
		exit(EXIT_FAILURE);
	}
}

int main(int argc, char **argv)
{
	sqlite3 *db;
	char message[2200] = "";
	if (argc != 4 || chdir(argv[1]) != 0 || sqlite3_open("bare.db", &db) != SQLITE_OK) {
		fprintf(stderr, "usage: bare_mail DIR PORT COUNT\n");
		return 2;
	}
	run_sql(db,
	        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA locking_mode=EXCLUSIVE; CREATE TABLE t (a BLOB)");
	memset(message, 'x', 2048);
	for (size_t i = 76; i < 2048; i += 78)
		message[i] = '\r', message[i + 1] = '\n';
	memcpy(message + 2046, "\r\n.\r\n", 6);
	int fd = dial(argv[2]);
	replies(fd, 1);
	say(fd, "EHLO bare.test\r\n");
	replies(fd, 1);
	for (long i = strtol(argv[3], NULL, 10); i > 0; i--) {
		double start = now();
		run_sql(db, "INSERT INTO t VALUES (randomblob(2000))");
		say(fd, "MAIL FROM:<a@bare.test>\r\nRCPT TO:<b@bare.test>\r\nDATA\r\n");
		replies(fd, 3);
		say(fd, message);
		replies(fd, 1);
		printf("%.1f\n", now() - start);
	}
	sqlite3_close(db);
	return EXIT_SUCCESS;
}
