/* SPDX-License-Identifier: Apache-2.0
 * The inside of the SMTP client, shared by smtp.c (connection, queue of commands, failure), smtp_session.c (greeting to
 * login) and smtp_transaction.c (envelopes and content). Nobody else includes this. Loop's thread. */
#ifndef BELFRY_EMAIL_SMTP_INSIDE_H
#define BELFRY_EMAIL_SMTP_INSIDE_H

#include "services/email/wire/line.h"
#include "services/email/wire/smtp.h"

enum smtp_verb {
	VERB_GREETING,
	VERB_EHLO,
	VERB_HELO,
	VERB_STARTTLS,
	VERB_AUTH,
	VERB_MAIL,
	VERB_RCPT,
	VERB_DATA,
	VERB_DOT,
	VERB_RSET,
	VERB_COUNT
};

/* A command that is to be sent, or that has been sent and waits for its answer. Its text is made when it is sent. */
struct smtp_command {
	struct smtp_command *next;
	enum smtp_verb verb;
	struct smtp_message *message; /* borrowed; NULL outside of transactions */
	size_t index;                 /* RCPT: which recipient */
	bool sent, watched;           /* its deadline runs */
};

struct smtp {
	uv_loop_t *loop;
	const struct smtp_events *events;
	void *context;
	struct smtp_config *config; /* owned; NULL at first */
	struct line *line;          /* owned; NULL: no connection */
	enum { SMTP_OFF, SMTP_OPENING, SMTP_READY } state;
	enum smtp_stage stage; /* of the session, for failures */
	bool stale;            /* the configuration is newer than the connection */
	bool ending;
	int served; /* messages done on this connection */
	bool quiet; /* no answer yet since the connection was idle */
	int unsettled;
	uv_timer_t timer; /* idle; or patience, when ending */

	struct smtp_command *commands, **last_command; /* owned, in order */
	struct smtp_message *first, **last_message;    /* owned, in order */
	struct smtp_reply reply;
	struct smtp_capabilities can;
	struct sasl *sasl;           /* owned; the login under way */
	char answer[SMTP_PRINT_MAX]; /* of smtp_answer */
};

/* smtp.c */
void smtp_queue(struct smtp *s, enum smtp_verb verb, struct smtp_message *m, size_t index);
/* Takes the commands of m that were not sent yet out of the queue. */
void smtp_unqueue(struct smtp *s, const struct smtp_message *m);
/* Sends what may be sent, watches the clock. Every callback ends with it. */
void smtp_advance(struct smtp *s);
void smtp_fail(struct smtp *s, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Leaves the connection, without blaming anybody, and goes on with a new one. */
void smtp_restart(struct smtp *s, const char *why);
void smtp_said(struct smtp *s, enum line_direction direction, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Writes a command line; shown is what the transcript gets (NULL: the line itself). */
void smtp_write(struct smtp *s, const char *text, const char *shown);
/* The reply as sentences quote it: "550 5.1.1 no such user". */
const char *smtp_answer(struct smtp *s);
bool smtp_pipelines(const struct smtp *s);

/* smtp_session.c */
void smtp_session_begin(struct smtp *s);                        /* connected, or secured */
void smtp_session_command(struct smtp *s, enum smtp_verb verb); /* writes it */
void smtp_session_reply(struct smtp *s, enum smtp_verb verb);   /* s->reply is whole */
void smtp_session_line(struct smtp *s, const char *line);       /* a line of the answer to EHLO */
/* Takes password or token out of what a server says. */
void smtp_scrub(struct smtp *s, char *text);

/* smtp_transaction.c */
void smtp_transaction_begin(struct smtp *s, struct smtp_message *m);
void smtp_transaction_command(struct smtp *s, const struct smtp_command *c);
void smtp_transaction_reply(struct smtp *s, const struct smtp_command *c);
void smtp_transaction_content(struct smtp *s, struct smtp_message *m);
/* Outcomes are final: gives m back. */
void smtp_message_done(struct smtp *s, struct smtp_message *m);
/* Puts a message back to the start, for another connection. */
void smtp_message_reset(struct smtp_message *m);

#endif
