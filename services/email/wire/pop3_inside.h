/* SPDX-License-Identifier: Apache-2.0
 * The inside of the POP3 dialogue, shared by pop3.c (replies, up to the login) and pop3_poll.c (the mailbox). Nobody else
 * includes this. Loop's thread.
 */
#ifndef BELFRY_EMAIL_POP3_INSIDE_H
#define BELFRY_EMAIL_POP3_INSIDE_H

#include "services/email/wire/pop3_reply.h"
#include "services/email/wire/retrieval_inside.h"

enum pop3_command {
	POP3_GREETING,
	POP3_CAPA,
	POP3_STLS,
	POP3_AUTH,
	POP3_USER,
	POP3_PASS,
	POP3_APOP,
	POP3_STAT,
	POP3_UIDL,
	POP3_LIST,
	POP3_DUE,
	POP3_RETR,
	POP3_DELE,
	POP3_QUIT,
	POP3_COMMANDS
};
struct pop3_mail {
	char *uidl; /* owned; NULL: it has no name, or none that can be used */
	uint64_t size;
};
struct pop3 {
	enum pop3_command command; /* what waits for its answer */
	bool listing;              /* lines up to a lone dot come */
	bool continued;            /* the line began in `bytes` */
	char stamp[256];
	struct pop3_capabilities can;
	struct pop3_mail *mails; /* owned; mail n is at n - 1 */
	uint32_t count;
	struct gathered mail; /* the one that is fetched */
	size_t most;          /* so much of it is kept */
	uint64_t dropped;     /* so much was not */
	size_t due;           /* next of memory->due */
	char **deleted;       /* owned: names of what QUIT will delete */
	size_t deleted_count;
	char **gone; /* owned array of borrowed names */
};
static inline struct pop3 *pop3_of(const struct retrieval *r)
{
	return r->state;
}

/* pop3.c */
void pop3_send(struct retrieval *r, enum pop3_command command, const char *text, const char *shown);
/* pop3_poll.c: logged in; an answer, a line of a listing and its end, of that part of the dialogue. */
void pop3_open(struct retrieval *r);
void pop3_poll_reply(struct retrieval *r, bool ok, const char *text, size_t length);
void pop3_poll_line(struct retrieval *r, const char *text, size_t length);
void pop3_poll_end(struct retrieval *r);
void pop3_poll_bytes(struct retrieval *r, const char *data, size_t length);
void pop3_poll_reset(struct pop3 *p);
void pop3_fetch(struct retrieval *r, const struct candidate *c, int64_t most);
void pop3_settle(struct retrieval *r, enum disposition d);
void pop3_finish(struct retrieval *r);

#endif
