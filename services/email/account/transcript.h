/* SPDX-License-Identifier: Apache-2.0
 * The transcript of an account: the last lines of its dialogue with the server, oldest overwritten first, in memory and
 * as a ring on disk. What reaches it is free of secrets already. Engine thread. */
#ifndef BELFRY_EMAIL_TRANSCRIPT_H
#define BELFRY_EMAIL_TRANSCRIPT_H

#include "services/email/wire/line.h"
#include "station/station.h"

enum { TRANSCRIPT_LINES = 2000 };
struct transcript_line {
	int64_t time; /* wall clock, microseconds */
	enum line_direction direction;
	char *text; /* owned */
};
struct transcript {
	struct transcript_line *lines; /* owned ring; NULL until there is one */
	size_t next, count;
	struct transcript_file *file; /* owned; NULL: memory only */
};

/* The account starts: reads what an earlier run has left. It stops; removed: what is on disk goes, too. */
void transcript_start(struct transcript *t, const struct component *account);
void transcript_stop(struct transcript *t, bool removed);
/* Adds a copy of text, and tells the clients that watch: event "transcript". */
void transcript_add(struct transcript *t, const struct component *account, enum line_direction direction,
                    const char *text);
/* [{account, time, direction, text}], oldest first; new reference. */
json_t *transcript_to_json(const struct transcript *t, const char *account);
/* The same as a text to read and to keep: each line with its time and who says it; the lines of one reply stand
 * together. Owned. */
char *transcript_to_text(const struct transcript *t);
void transcript_free(struct transcript *t);

#endif
