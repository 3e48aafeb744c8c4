/* SPDX-License-Identifier: Apache-2.0
 * One connection that speaks in lines: name lookup, TCP, TLS, bounded buffers, one absolute deadline at a time. SMTP (and
 * later IMAP and POP3) are dialogues on top of it. Net thread; nothing here blocks. */
#ifndef BELFRY_EMAIL_LINE_H
#define BELFRY_EMAIL_LINE_H

#include <uv.h>

#include "services/trust/trust.h"

enum { LINE_LIMIT = 4096, LINE_BUFFER = 16384 }; /* a longer line is a protocol error (RFC 5321 4.5.3.1.5: 512) */

struct line;
/* All mandatory. Called on the net thread; any may close the line. */
struct line_events {
	void (*connected)(struct line *l);                       /* TCP stands */
	void (*secured)(struct line *l);                         /* TLS stands, the peer is trusted */
	void (*received)(struct line *l, const char *text, size_t length); /* a line without CR LF; text is NUL-terminated */
	void (*failed)(struct line *l, const struct err *e);     /* once; the line is closed already */
	void (*closed)(struct line *l);                          /* the last call: its memory may go */
};

struct line {
	const struct line_events *events;
	uv_loop_t *loop;
	uv_getaddrinfo_t lookup;
	uv_timer_t timer;
	uv_poll_t poll;
	struct addrinfo *addresses, *next_address; /* owned */
	char host[256];
	int port, fd, connect_error;
	int handles;             /* libuv handles that still have to close */
	gnutls_session_t tls;
	struct trust_verdict verdict;
	enum tls_version least;
	enum { LINE_CLOSED, LINE_LOOKUP, LINE_CONNECTING, LINE_PLAIN, LINE_HANDSHAKE, LINE_SECURE, LINE_CLOSING } state;
	bool polling, looking_up;
	int held;                /* line_hold() */
	char in[LINE_BUFFER];
	size_t in_length;
	char *out;               /* owned; what the socket has not taken yet */
	size_t out_length, out_sent, out_capacity;
	const char *waiting_for; /* for the sentence of a deadline */
};

/* Begins: name lookup, then each address in turn. timeout in milliseconds for all of it. */
void line_open(struct line *l, uv_loop_t *loop, const struct line_events *events, const char *host, int port, int64_t timeout);
/* Begins the TLS handshake. What the peer has sent before it is an injection and fails the line (RFC 3207 5). */
void line_secure(struct line *l, struct trust_snapshot *trust, enum tls_version least, int64_t timeout);
/* Sends; never blocks. */
void line_send(struct line *l, const char *bytes, size_t length);
/* Between these, what is sent is collected and leaves in one flight. They nest. */
void line_hold(struct line *l);
void line_go(struct line *l);
/* From now on, failed() after timeout milliseconds unless set anew; what names the thing waited for. 0: no deadline. */
void line_deadline(struct line *l, int64_t timeout, const char *what);
/* Fails the line with a sentence of the dialogue's own. */
void line_fail(struct line *l, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Closes; closed() comes later. */
void line_close(struct line *l);
/* Is there input that no received() has seen? */
bool line_has_input(const struct line *l);

#endif
