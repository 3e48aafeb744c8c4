/* SPDX-License-Identifier: Apache-2.0
 * How SMTP, IMAP and POP3 say the few things that an examination asks: a table of commands, what an answer's line means,
 * and what a server offers. Pure: any thread. */
#ifndef BELFRY_EMAIL_EXAM_DIALOGUE_H
#define BELFRY_EMAIL_EXAM_DIALOGUE_H

#include "services/email/wire/sasl.h"

/* The steps, in their order. */
enum exam_step {
	EXAM_CONNECT, /* name, connection, TLS from the first byte */
	EXAM_GREETING,
	EXAM_OFFERS,
	EXAM_STARTTLS, /* up to the encrypted connection */
	EXAM_AUTH,
	EXAM_MAIL, /* SMTP only, from here on */
	EXAM_RCPT,
	EXAM_DATA,
	EXAM_CONTENT,
	EXAM_QUIT,
	EXAM_STEPS
};
const char *exam_step_name(enum exam_step step); /* "connect", as REST gives it */

enum exam_answer { EXAM_MORE, EXAM_YES, EXAM_NO, EXAM_CHALLENGE };

struct exam_dialogue {
	const char *name;                 /* "SMTP" */
	const char *commands[EXAM_STEPS]; /* a format with at most one %s; NULL: the protocol has no such step */
	const char *starttls;             /* the capability that offers it */
	const char *mechanisms;           /* what stands before login mechanisms: "AUTH", "SASL", "AUTH=" */
	size_t initial_room;              /* for an initial response behind AUTH; 0: the server asks first */
	enum exam_answer (*answer)(enum exam_step step, const char *line);
	/* What a line of the answer to EXAM_OFFERS tells, without the protocol's own marks; NULL: nothing. */
	const char *(*offer)(const char *line);
};
extern const struct exam_dialogue exam_smtp, exam_imap, exam_pop3;

struct exam_offers {
	bool starttls;
	struct sasl_offer login;
	char all[1024]; /* every capability, comma between; for people */
};
/* Adds what one line of the answer to EXAM_OFFERS tells. */
void exam_take_offer(const struct exam_dialogue *d, struct exam_offers *o, const char *line);

#endif
