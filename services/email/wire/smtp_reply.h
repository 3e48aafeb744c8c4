/* SPDX-License-Identifier: Apache-2.0
 * Replies of an SMTP server (RFC 5321 4.2), taken line by line, and what EHLO offers. Pure functions over bounded
 * buffers: any thread; the fuzzer drives them too. */
#ifndef BELFRY_EMAIL_SMTP_REPLY_H
#define BELFRY_EMAIL_SMTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "services/email/wire/sasl.h"
#include "station/base/err.h"

enum {
	SMTP_TEXT_MAX = 512,         /* bytes of a reply's text that are kept */
	SMTP_REPLY_LINES_MAX = 1100, /* of one reply */
	SMTP_ENHANCED_MAX = 12       /* "5.7.100" (RFC 3463) */
};

struct smtp_reply {
	int code;   /* 220 */
	bool whole; /* the last line is there */
	int lines;
	char enhanced[SMTP_ENHANCED_MAX]; /* of the first line that has one; may be empty */
	char text[SMTP_TEXT_MAX]; /* all lines without codes, joined by a space; valid UTF-8, no control characters */
};

/* Takes one line without its end. The reply starts afresh when it was whole (or zero). 0, or E_PROTOCOL with a sentence
 * that begins "answered" and wants the peer's name in front. */
int smtp_reply_take(struct smtp_reply *r, const char *line, size_t length, struct err *e);
/* "550 5.1.1 no such user", for sentences; returns buf. */
#define SMTP_PRINT_MAX 300
const char *smtp_reply_print(const struct smtp_reply *r, char buf[SMTP_PRINT_MAX]);
/* The name under which the server has queued a message, from the text of its 250; "" when it tells none. */
void smtp_queue_id(const char *text, char *id, size_t size);

struct smtp_capabilities {
	bool starttls, pipelining, eight_bit_mime, smtp_utf8, dsn;
	bool auth, has_size;
	int64_t size; /* 0: no fixed limit (RFC 1870) */
	struct sasl_offer mechanisms;
};
/* Takes what stands behind the code on one line of the answer to EHLO; the first line is no capability. */
void smtp_capability(struct smtp_capabilities *c, const char *text);

#endif
