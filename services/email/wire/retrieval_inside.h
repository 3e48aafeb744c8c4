/* SPDX-License-Identifier: Apache-2.0
 * The inside of mail retrieval, shared by retrieval.c (connection, budget, failure), imap*.c and pop3*.c (the
 * dialogues). Nobody else includes this. Loop's thread. */
#ifndef BELFRY_EMAIL_RETRIEVAL_INSIDE_H
#define BELFRY_EMAIL_RETRIEVAL_INSIDE_H

#include "services/email/wire/retrieval.h"

enum { CANDIDATES_MAX = 1000 };
/* A mail that is to be fetched. */
struct candidate {
	uint32_t number; /* IMAP: its UID; POP3: its number in this session */
	uint64_t size;
	bool promising; /* its header says that it answers something: it goes first */
	bool sized;
};

/* One dialogue's own part. All are called with the connection open. */
struct dialogue {
	size_t state_size;
	void (*begin)(struct retrieval *r, bool secured_later);
	void (*line)(struct retrieval *r, const char *text, size_t length);
	void (*bytes)(struct retrieval *r, const char *data, size_t length);
	void (*poll)(struct retrieval *r); /* connected and at rest: looks again */
	void (*fetch)(struct retrieval *r, const struct candidate *c, int64_t most); /* 0: whole */
	void (*settle)(struct retrieval *r, enum disposition d);
	void (*finish)(struct retrieval *r); /* all was looked at */
	bool (*at_rest)(const struct retrieval *r);
	void (*leave)(struct retrieval *r); /* writes the farewell */
	void (*reset)(struct retrieval *r); /* frees what belongs to one connection */
};
extern const struct dialogue imap_dialogue, pop3_dialogue;

/* Bytes that grow, up to a limit that the caller keeps. */
struct gathered {
	char *data; /* owned; NUL-terminated once there are any */
	size_t length, size;
};
void gathered_add(struct gathered *g, const char *data, size_t length);
void gathered_free(struct gathered *g);

struct retrieval {
	uv_loop_t *loop;
	const struct retrieval_events *events;
	void *context;
	struct retrieval_config *config; /* owned; NULL at first */
	const struct dialogue *dialogue;
	struct line *line; /* owned; NULL: no connection */
	enum retrieval_stage stage;
	bool polling; /* `polled` or `down` is owed */
	bool waiting; /* for retrieval_settle of: */
	char waited[UIDL_SIZE + 8];
	bool rested;                     /* this connection has been at rest: that it dies is nobody's failure */
	bool no_idle;                    /* IDLE does not work at this server */
	struct retrieval_memory *memory; /* owned */
	struct sasl *sasl;               /* owned; the login that is under way */
	uv_timer_t timer;                /* IDLE is to be renewed */

	struct candidate candidates[CANDIDATES_MAX];
	size_t candidate_count, candidate_next;
	const struct candidate *current; /* being fetched or waited for */
	struct retrieval_summary summary;
	char trouble[400];
	int64_t began; /* monotonic microseconds */
	int64_t bytes; /* fetched in this poll */
	void *state;   /* owned; the dialogue's own, of its state_size */
};

/* retrieval.c */
void retrieval_fail(struct retrieval *r, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
void retrieval_said(struct retrieval *r, enum line_direction direction, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Writes a command line and sends it; shown is what the transcript gets (NULL: the line itself). */
void retrieval_write(struct retrieval *r, const char *text, const char *shown);
/* The peer has so long for what is static text ("answer to SELECT"); more: for so many bytes of content. */
void retrieval_expect(struct retrieval *r, const char *what, int64_t bytes);
/* A server that did not do what was asked, though the poll goes on; the first such sentence of a poll is kept. */
void retrieval_trouble(struct retrieval *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Logged in, and the mailbox is open. */
void retrieval_begin_poll(struct retrieval *r);
/* Fetches the next candidate, or ends the poll. */
void retrieval_next(struct retrieval *r);
/* Is there room for so many more mails in this poll? */
bool retrieval_room(const struct retrieval *r);
bool retrieval_candidate(struct retrieval *r, struct candidate c); /* false: no room */
/* A candidate has been fetched; uid and content are taken. */
void retrieval_deliver(struct retrieval *r, char *uid, struct gathered *content, bool partial);
/* The poll is over: tells it, and stays (at rest) or goes. */
void retrieval_done(struct retrieval *r, bool stay);
/* The farewell is written: sends it and closes. */
void retrieval_leave(struct retrieval *r);
/* Does a header answer another mail, or report on one? Such mails are fetched first. */
bool retrieval_promises(const char *header, size_t length);
/* Could anything be sent as a login here? Else it has failed, with a sentence. */
bool retrieval_may_log_in(struct retrieval *r);
/* Begins the exchange with the best of what is offered; false: it has failed. */
bool retrieval_choose(struct retrieval *r, const struct sasl_offer *offer);
/* The next response (secret_wipe); to a challenge, or (NULL) what goes along with the command, of at most room bytes, or
 * NULL for nothing. False: it has failed. */
bool retrieval_response(struct retrieval *r, const char *challenge, size_t room, char **response);
/* The server has accepted; false: it should not have, and the connection has failed. */
bool retrieval_accepted(struct retrieval *r);
void retrieval_refused(struct retrieval *r, const char *text, size_t length);
/* The password in locked memory (secret_wipe), for logins without SASL; NULL: it has failed. */
char *retrieval_password(struct retrieval *r);
/* "verb secret" in locked memory (secret_wipe). */
char *retrieval_secret_line(const char *verb, const char *secret);

/* What the peer said, as sentences quote it; buf holds 300 bytes. Returns buf. */
const char *retrieval_quote(const struct retrieval *r, const char *text, size_t length, char *buf);

#endif
