/* SPDX-License-Identifier: Apache-2.0
 * An SMTP client (RFC 5321) over one connection at a time, opened when there is mail and kept for the next one.
 * Pipelined (RFC 2920): MAIL, RCPT and DATA go in one flight, the next envelope behind the final dot. The TLS mode is
 * what the user chose, never lowered; whatever lacks ends the connection with a sentence before a credential is sent.
 * All calls and callbacks on the loop's thread. */
#ifndef BELFRY_EMAIL_SMTP_H
#define BELFRY_EMAIL_SMTP_H

#include <uv.h>

#include "services/email/wire/mail_server.h"
#include "services/email/wire/smtp_reply.h"

/* Who to talk to and how. Owned texts; freed by smtp_config_free. */
struct smtp_config {
	struct mail_server server; /* owned */
	char helo[256];            /* our name; "": the address of our end */
	int64_t command_timeout;   /* for each answer; 0: 5 minutes (RFC 5321 4.5.3.2) */
	int64_t content_timeout;   /* after the final dot; 0: 10 minutes */
	int64_t idle_timeout;      /* an unused connection is closed after that; 0: a minute */
	bool dialogue;             /* tell `said` each line, not only what happens to the connection */
};
void smtp_config_free(struct smtp_config **c);

enum smtp_stage {
	STAGE_CONNECT,
	STAGE_GREETING,
	STAGE_EHLO,
	STAGE_STARTTLS,
	STAGE_AUTH,
	STAGE_MAIL,
	STAGE_RCPT,
	STAGE_DATA,
	STAGE_CONTENT
};
const char *smtp_stage_name(enum smtp_stage stage); /* "connect", "rcpt" */

enum smtp_outcome {
	SMTP_PENDING, /* nothing was decided: the connection failed before */
	SMTP_ACCEPTED,
	SMTP_DEFERRED, /* 4xx: for now */
	SMTP_REFUSED,  /* 5xx: for good */
	SMTP_UNKNOWN   /* the connection was cut behind the final dot: perhaps accepted, perhaps not */
};
struct smtp_recipient {
	char *address; /* owned; no CR, LF, NUL, <, > (must) */
	enum smtp_outcome outcome;
	enum smtp_stage stage; /* where it was decided */
	int code;              /* of the server's reply; 0: decided here */
	char enhanced[SMTP_ENHANCED_MAX];
	char text[SMTP_TEXT_MAX];
	bool taken; /* RCPT was accepted */
};
enum smtp_phase { PHASE_WAITING, PHASE_ENVELOPE, PHASE_GO, PHASE_SENT, PHASE_DONE };
/* One message to several recipients, and what became of it. */
struct smtp_message {
	struct smtp_message *next;
	int64_t id, tag;      /* the sender's own */
	char envelope_id[40]; /* what a delivery status notification is to quote (RFC 3461 4.4); may be empty */
	char *sender;         /* owned; as an address above */
	struct smtp_recipient *recipients; /* owned */
	size_t count;
	char *content; /* owned; every line ends with CRLF, dots not doubled, no NUL */
	size_t length;

	char queue_id[64], server[272], tls_version[16], cipher[64], fingerprint[65];
	int64_t answered; /* wall clock of the last reply, microseconds */
	enum smtp_phase phase;
	bool failed, drop; /* MAIL was refused; the transaction is to be left with a lone dot */
};
struct smtp_message *smtp_message_new(const char *sender, size_t recipients);
void smtp_message_free(struct smtp_message **m);

enum { SMTP_RECIPIENTS_MAX = 100 }; /* of one message: what every server takes (RFC 5321 4.5.3.1.8) */

/* Why a connection is over. */
struct smtp_failure {
	struct err err; /* E_NETWORK, E_TIMEOUT, E_PROTOCOL, E_TLS, E_UNTRUSTED, E_AUTH, E_REFUSED (sender), E_DEFERRED */
	enum smtp_stage stage;
	int code;                            /* the server's reply, 0 without */
	const struct trust_verdict *verdict; /* borrowed during the call; set when a certificate was refused */
};

/* smtp_send may be called from within all of them, smtp_free only from `ended`. */
struct smtp_events {
	void (*ready)(void *context); /* logged in */
	/* A message with its outcomes, the callee's again. Each asks for one smtp_settle. */
	void (*done)(void *context, struct smtp_message *m);
	/* The connection failed; all messages have come back through `done` before. */
	void (*down)(void *context, const struct smtp_failure *f);
	void (*said)(void *context, enum line_direction direction, const char *text); /* for the transcript; no secrets */
	void (*ended)(void *context);                                                 /* after smtp_end */
};

struct smtp;
struct smtp *smtp_new(uv_loop_t *loop, const struct smtp_events *events, void *context);
/* Takes config. An open connection is left as soon as the message on its way is done. */
void smtp_configure(struct smtp *s, struct smtp_config *config);
/* Takes m until `done`. */
void smtp_send(struct smtp *s, struct smtp_message *m);
/* Connects and logs in without a message, when there is no connection; then `ready`, or `down`. */
void smtp_connect(struct smtp *s);
/* The outcome of one message is on disk. No content leaves before all earlier outcomes are: so that a crash can repeat
 * one message at most. */
void smtp_settle(struct smtp *s);
/* Begins nothing new; waits at most patience microseconds for the answer to a final dot; then `ended`. */
void smtp_end(struct smtp *s, int64_t patience);
/* After `ended`, or when there is nothing to wait for: frees it, without callbacks; messages are freed. */
void smtp_free(struct smtp **s);

#endif
