/* SPDX-License-Identifier: Apache-2.0
 * The SMTP dialogue (RFC 5321, pipelined after RFC 2920): one connection that carries message after message. Rules from
 * measurement: the TLS mode is never guessed or lowered, credentials go only where they may, one refused recipient never
 * stops the others, and the end of message N+1 is withheld until the fate of message N is on disk (smtp_release).
 * Net thread. */
#ifndef BELFRY_EMAIL_SMTP_H
#define BELFRY_EMAIL_SMTP_H

#include "services/email/wire/line.h"
#include "services/email/wire/reply.h"

enum smtp_mode { SMTP_NONE, SMTP_STARTTLS, SMTP_TLS };
enum smtp_mechanism { SMTP_AUTH_AUTO, SMTP_AUTH_PLAIN, SMTP_AUTH_LOGIN };

/* What a connection needs. Texts are owned by the dialogue once it begins; password is wiped. */
struct smtp_config {
	char *host;
	int port;
	enum smtp_mode mode;
	enum tls_version least;
	struct trust_snapshot *trust;  /* a reference */
	char *greeting_name;           /* our name in EHLO */
	bool authenticate;
	char *account, *password;
	enum smtp_mechanism mechanism;
	bool allow_clear;              /* credentials without TLS */
	int64_t connect_timeout;       /* milliseconds: for TCP and for the handshake */
};

enum smtp_outcome { SMTP_UNSENT, SMTP_ACCEPTED, SMTP_DEFERRED, SMTP_REFUSED };
struct smtp_recipient {
	char *address;                 /* owned */
	enum smtp_outcome outcome;
	char stage[8];                 /* "MAIL", "RCPT", "DATA", "." where it was decided */
	int code;
	char enhanced[12], text[512];
};
/* A message on its way. Owned by the dialogue until finished(). */
struct smtp_message {
	struct smtp_message *next;
	uint64_t id;
	char *sender;                  /* owned; envelope */
	struct smtp_recipient *recipients; /* owned */
	size_t count;
	char *data;                    /* owned: CR LF lines, not dot-stuffed */
	size_t length;
	bool utf8;                     /* an address is not ASCII: needs SMTPUTF8 (RFC 6531) */
	char queue_id[64];
	/* the dialogue's own */
	bool sender_ok, data_ok, dotted;
	size_t accepted;
};

/* What the connection is, for the ledger. */
struct smtp_facts { char tls_version[12], cipher[64], fingerprint[65]; };

struct smtp;
/* All mandatory. Net thread. */
struct smtp_events {
	void (*ready)(struct smtp *s);                                   /* logged in: messages may go */
	void (*finished)(struct smtp *s, struct smtp_message *m);        /* each recipient has its outcome; takes m */
	/* The connection is over. stage: what was being done. Messages not finished come back by finished() before, with
	 * recipients SMTP_UNSENT, or SMTP_DEFERRED when nobody knows (cut behind the dot). e is NULL for an orderly end. */
	void (*ended)(struct smtp *s, const char *stage, const struct err *e);
	void (*transcript)(struct smtp *s, char direction, const char *text); /* '>' sent, '<' received, '-' note; redacted */
	void (*freed)(struct smtp *s);                                   /* the last call */
};

enum smtp_step { STEP_CONNECT, STEP_GREETING, STEP_EHLO, STEP_HELO, STEP_STARTTLS, STEP_TLS, STEP_EHLO_TLS, STEP_AUTH, STEP_IDLE, STEP_MAIL, STEP_QUIT };
enum { EXPECTED_MAX = 512 };

struct smtp {
	struct line line;
	const struct smtp_events *events;
	struct smtp_config config;
	struct smtp_facts facts;
	enum smtp_step step;
	struct smtp_reply reply;
	bool pipelining, utf8, eightbit, authenticating, released, over;
	uint64_t gate;                 /* id of the message whose result must be on disk before the next one ends */
	int auth_step;
	enum smtp_mechanism chosen;
	uint64_t size_limit;           /* 0: none announced */
	struct smtp_message *queue, **tail; /* first: the one in the dialogue */
	struct smtp_message *envelope; /* the last one whose MAIL..DATA were sent; NULL: none under way */
	/* Replies that are still to come, in order. */
	struct { char what; uint16_t index; struct smtp_message *message; } expected[EXPECTED_MAX];
	size_t expected_first, expected_count;
};

/* Begins; takes config's content. s is freed by the caller in freed(). */
void smtp_begin(struct smtp *s, uv_loop_t *loop, const struct smtp_events *events, struct smtp_config *config);
/* Queues a message; takes it. */
void smtp_send(struct smtp *s, struct smtp_message *m);
/* The result of a finished message is on disk: the next one's end may go. Every finished message is released. */
void smtp_release(struct smtp *s, uint64_t id);
/* QUIT when idle, else closes. */
void smtp_end(struct smtp *s);
void smtp_message_free(struct smtp_message **m);
/* How many recipients a message may have. */
enum { SMTP_RECIPIENTS_MAX = 100 };
/* Is this text fit for an envelope? No controls, spaces, <>; one @. */
bool smtp_address_ok(const char *address);

#endif
