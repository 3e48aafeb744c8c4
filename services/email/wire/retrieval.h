/* SPDX-License-Identifier: Apache-2.0
 * Fetching mail from a mailbox (INBOX) by IMAP (RFC 3501) or POP3 (RFC 1939), one connection at a time. A poll looks at
 * what was not looked at before, newest first and within a budget, and hands over one mail after the other; each is
 * fetched without a trace on the server, and only the caller's answer says whether it is marked or deleted there. The TLS
 * mode is what the user chose, never lowered. All calls and callbacks on the loop's thread. */
#ifndef BELFRY_EMAIL_RETRIEVAL_H
#define BELFRY_EMAIL_RETRIEVAL_H

#include "services/email/wire/mail_server.h"
#include "services/email/wire/uid_set.h"

enum retrieval_protocol { RETRIEVAL_IMAP, RETRIEVAL_POP3 };

/* Who to talk to and how. Owned texts; freed by retrieval_config_free. */
struct retrieval_config {
	enum retrieval_protocol protocol;
	struct mail_server server; /* owned */
	bool idle;                 /* stay connected and be told of new mail, where the server can (RFC 2177) */
	bool unread_only;          /* IMAP: pass by what is \Seen already */
	bool beginning_only;       /* fetch no more than BEGINNING_SIZE of each mail */
	int64_t size_limit;        /* bytes; of larger mails only the beginning is fetched */
	int64_t poll_bytes;        /* so many at most in one poll, but always one mail */
	int64_t poll_messages;     /* so many at most in one poll; 0: 200 */
	int64_t poll_time;         /* microseconds in which a poll may begin with another mail; 0: 30 s */
	int64_t command_timeout;   /* for each answer; 0: one minute. A mail may take a second for each 1000 bytes more */
	int64_t idle_limit;        /* IDLE is renewed after that; 0: 28 minutes (RFC 2177: before 29) */
	bool dialogue;             /* tell `said` each line, not only what happens to the connection */
};
void retrieval_config_free(struct retrieval_config **c);

enum { BEGINNING_SIZE = 65536 };
#define UIDL_SIZE 72

/* What is to become of a mail on the server. */
enum disposition { LEAVE_ALONE, MARK_SEEN, MARK_UNSEEN, DELETE };

/* What is known of the mailbox from earlier polls. Texts are owned; freed by retrieval_memory_free. */
struct retrieval_due { /* handled, but the server has not confirmed it */
	char *uid;
	enum disposition disposition;
};
struct retrieval_memory {
	uint32_t uid_validity; /* IMAP; 0: never seen */
	struct uid_set seen;   /* IMAP: what was looked at under this UIDVALIDITY */
	char **uidls;          /* POP3: what was looked at, in strcmp's order */
	size_t uidl_count;
	struct retrieval_due *due;
	size_t due_count;
};
void retrieval_memory_free(struct retrieval_memory **m);

/* A mail. Owned by the callee. */
struct retrieved {
	char *uid;     /* IMAP: "UIDVALIDITY:UID"; POP3: the UIDL, and "#2" behind the second of the same */
	int64_t size;  /* as the server says */
	bool partial;  /* only its beginning is here */
	char *content; /* as it lies on the server; NUL-terminated, may hold more NULs */
	size_t length;
};
void retrieved_free(struct retrieved **m);

/* What a poll came to. Borrowed during the call. */
struct retrieval_summary {
	uint32_t uid_validity;      /* IMAP */
	const struct uid_set *seen; /* IMAP: to be remembered */
	char *const *gone;          /* POP3: what was remembered and is not on the server any more */
	size_t gone_count;
	int64_t fetched;
	bool left;           /* the budget was used up before all was looked at */
	const char *trouble; /* a sentence, or "": read, but something could not be done on the server */
};

enum retrieval_stage {
	RETRIEVAL_CONNECT,
	RETRIEVAL_GREETING,
	RETRIEVAL_CAPABILITY,
	RETRIEVAL_SECURE,
	RETRIEVAL_LOGIN,
	RETRIEVAL_SELECT,
	RETRIEVAL_LIST,
	RETRIEVAL_FETCH,
	RETRIEVAL_STORE,
	RETRIEVAL_IDLE
};
const char *retrieval_stage_name(enum retrieval_stage stage); /* "connect", "fetch" */

/* Why a connection is over. */
struct retrieval_failure {
	struct err err; /* E_NETWORK, E_TIMEOUT, E_PROTOCOL, E_TLS, E_UNTRUSTED, E_AUTH, E_REFUSED, E_DEFERRED */
	enum retrieval_stage stage;
	const struct trust_verdict *verdict; /* borrowed during the call; set when a certificate was refused */
};

/* retrieval_settle may be called from within `mail`; retrieval_free from within none. */
struct retrieval_events {
	/* A mail, the callee's; nothing goes on before its retrieval_settle. */
	void (*mail)(void *context, struct retrieved *m);
	/* The server has done what the disposition of this mail asked for; for POP3 when the session has ended well. */
	void (*confirmed)(void *context, const char *uid);
	/* A poll has ended, one asked for or one that the server's news began. */
	void (*polled)(void *context, const struct retrieval_summary *s);
	/* The connection failed, and the poll with it. */
	void (*down)(void *context, const struct retrieval_failure *f);
	void (*said)(void *context, enum line_direction direction, const char *text); /* for the transcript; no secrets */
};

struct retrieval;
struct retrieval *retrieval_new(uv_loop_t *loop, const struct retrieval_events *events, void *context);
/* Takes config. An open connection is left; a poll under way ends without another word. */
void retrieval_configure(struct retrieval *r, struct retrieval_config *config);
/* Looks at the mailbox now, on a new connection or the open one. Takes memory. Nothing when a poll is under way. */
void retrieval_poll(struct retrieval *r, struct retrieval_memory *memory);
/* The answer to `mail`; without effect when the connection was lost meanwhile and the mail of this uid is not waited for. */
void retrieval_settle(struct retrieval *r, const char *uid, enum disposition d);
/* Leaves politely if it can be done at once, and frees; no more callbacks. */
void retrieval_free(struct retrieval **r);

#endif
