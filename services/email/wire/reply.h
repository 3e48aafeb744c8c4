/* SPDX-License-Identifier: Apache-2.0
 * SMTP replies (RFC 5321 4.2): lines of "CODE-text" that end with "CODE text". A pure parser, fed line by line, bounded
 * in every direction. Any thread. */
#ifndef BELFRY_EMAIL_REPLY_H
#define BELFRY_EMAIL_REPLY_H

#include <stdbool.h>
#include <stddef.h>

enum { REPLY_LINES_MAX = 200, REPLY_TEXT_MAX = 8192 };

struct smtp_reply {
	int code;                    /* 200 to 559 */
	char enhanced[12];           /* "5.1.1" (RFC 3463), or empty */
	char text[REPLY_TEXT_MAX];   /* all lines without codes, joined by '\n' */
	size_t length;
	int lines;
};

/* Takes a line without its end. 1: the reply is whole; 0: more lines follow; -1: this is no reply. Starts anew after 1. */
int reply_take(struct smtp_reply *r, const char *line, size_t length);
/* The queue id that servers put into their answer to the final dot: "queued as 4F3A2"; empty when there is none. */
void reply_queue_id(const struct smtp_reply *r, char *out, size_t size);
/* Does an EHLO answer offer this keyword? *arguments (may be NULL) points at what follows, up to the line's end. */
bool reply_offers(const struct smtp_reply *r, const char *keyword, const char **arguments);
/* Is a word among the arguments of a line: "PLAIN" in "LOGIN PLAIN XOAUTH2\nSIZE"? */
bool reply_has_word(const char *arguments, const char *word);

#endif
