/* SPDX-License-Identifier: Apache-2.0
 * The words of an answer: which line a person has written above (or below) what is quoted, and what it asks for, in any of
 * the languages. The whole line must be that: "I cannot ack" is no ack. Pure: any thread. */
#ifndef BELFRY_EMAIL_ANSWER_H
#define BELFRY_EMAIL_ANSWER_H

#include "services/email/language/language.h"

struct mail_answer {
	enum answer_word verb; /* ANSWER_ACK to ANSWER_STATUS */
	int64_t until;         /* SNOOZE, SHELVE: microseconds since 1970; ABSTIME_NULL: it says none */
	char *comment;         /* owned; ANSWER_COMMENT: the text behind the word */
};
enum answer_fault { ANSWER_UNDERSTOOD, ANSWER_NO_WORD, ANSWER_NO_TIME, ANSWER_NO_COMMENT };

/* Owned: the first line that is not empty, not quoted, announces no quote and is no salutation above an answer; NULL when
 * there is none. */
char *answer_line(const char *text);
/* What it asks for. l: the language that is tried first for times such as "until Monday"; all are understood. now:
 * microseconds since 1970; zone: in which times of day are meant. A fault leaves nothing in *out. */
enum answer_fault answer_read(const char *line, const struct zone *zone, int64_t now, struct mail_answer *out);

#endif
