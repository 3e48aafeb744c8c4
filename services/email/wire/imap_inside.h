/* SPDX-License-Identifier: Apache-2.0
 * The inside of the IMAP dialogue, shared by imap.c (responses, up to the login), imap_poll.c (the mailbox) and imap_idle.c.
 * Nobody else includes this. Loop's thread.
 */
#ifndef BELFRY_EMAIL_IMAP_INSIDE_H
#define BELFRY_EMAIL_IMAP_INSIDE_H

#include "services/email/wire/imap_token.h"
#include "services/email/wire/retrieval_inside.h"

enum imap_command {
	IMAP_AT_REST,
	IMAP_GREETING,
	IMAP_CAPABILITY,
	IMAP_STARTTLS,
	IMAP_AUTHENTICATE,
	IMAP_LOGIN,
	IMAP_SELECT,
	IMAP_DUE,
	IMAP_DUE_EXPUNGE,
	IMAP_SEARCH,
	IMAP_PROBE,
	IMAP_HEADERS,
	IMAP_FETCH,
	IMAP_STORE,
	IMAP_EXPUNGE,
	IMAP_IDLE,
	IMAP_COMMANDS
};
struct imap {
	enum imap_command command; /* what waits for its answer */
	char tag[16];
	int lines;                /* of the answer so far */
	struct gathered response; /* joined lines and literals */
	struct imap_capabilities can;
	bool can_known, logged_in;
	uint32_t exists, uid_next, uid_validity;
	bool read_only, opened; /* opened: just now */
	size_t due;             /* next of memory->due */
	uint32_t low, high;     /* the window of sequence numbers that is looked through */
	int windows;            /* so many were */
	uint32_t *found;        /* owned: UIDs of a SEARCH */
	size_t found_count;
	size_t asked;          /* so many candidates' headers were asked for */
	struct gathered body;  /* of the mail being fetched */
	uint64_t limit;        /* so much of it was asked for */
	bool has_body, missed; /* missed: a mail could not be fetched; it is tried again in the next poll */
	enum disposition disposition;
	bool idling, leaving; /* IDLE: the server has sent +; DONE was sent */
	bool news;            /* EXISTS came while idling */
};
static inline struct imap *imap_of(const struct retrieval *r)
{
	return r->state;
}

/* imap.c: sends a command; format is what stands behind the tag. shown: what the transcript gets, or NULL. */
void imap_send(struct retrieval *r, enum imap_command command, const char *text, const char *shown);
/* imap_poll.c: the mailbox is to be opened; an answer of that part of the dialogue. */
void imap_select(struct retrieval *r);
void imap_poll_data(struct retrieval *r, struct imap_response *p);
void imap_poll_done(struct retrieval *r, const struct imap_response *p);
/* imap_idle.c */
void imap_rest(struct retrieval *r);
void imap_idle_continue(struct retrieval *r);
void imap_idle_data(struct retrieval *r);
void imap_idle_done(struct retrieval *r, const struct imap_response *p);
void imap_look_again(struct retrieval *r);
void imap_search(struct retrieval *r); /* a poll on the open mailbox */
void imap_fetch(struct retrieval *r, const struct candidate *c, int64_t most);
void imap_settle(struct retrieval *r, enum disposition d);
void imap_finish(struct retrieval *r);

#endif
