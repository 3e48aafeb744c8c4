/* SPDX-License-Identifier: Apache-2.0
 * A line: one connection to a peer that speaks in lines, non-blocking on a libuv loop. Looks the name up, tries every
 * address, secures the connection at once or later (STARTTLS), cuts what comes into lines, and ends whatever takes
 * longer than its deadline. It knows nothing of SMTP, IMAP or POP3. All calls and callbacks on the loop's thread. */
#ifndef BELFRY_EMAIL_LINE_H
#define BELFRY_EMAIL_LINE_H

#include <uv.h>

#include "services/trust/trust.h"

enum {
	LINE_LENGTH_MAX = 8192, /* bytes of one line from the peer; RFC 5321 4.5.3.1.5 allows 512, RFC 9051 4 wants 8000 */
	LINE_PEER_MAX = 272,    /* "name:port" */
	LINE_ADDRESSES_MAX = 8  /* so many addresses of a name are tried */
};

/* Who says a line of a transcript: we, the peer, or the program about the connection. */
enum line_direction { LINE_SENT, LINE_RECEIVED, LINE_NOTE };

/* Where to, and how. Borrowed until line_open returns, except trust and key, of which the line keeps a reference. */
struct line_target {
	const char *host; /* name or address, at most 255 bytes */
	int port;
	bool tls; /* secure it before the first byte */
	enum tls_version least;
	struct trust_snapshot *trust; /* may be NULL when the line is never to be secured */
	struct trust_key *key;        /* shown when the server asks who we are; NULL: none */
	int64_t timeout;              /* microseconds for looking up, connecting and each handshake */
};

struct line;
/* None is called from within line_open. After `failed` only line_close may be called. Any may call line_close. */
struct line_events {
	void (*ready)(struct line *l, void *context); /* connected, secured: at first, and again after line_secure */
	void (*received)(struct line *l, void *context, const char *text, size_t length); /* one line, without its end */
	/* What is no whole line: of line_take and line_split. NULL when neither is used. */
	void (*bytes)(struct line *l, void *context, const char *data, size_t length);
	/* Over: refused, cut, late, not trusted. at_rest: the peer has simply closed, between two lines. */
	void (*failed)(struct line *l, void *context, const struct err *e, bool at_rest);
};

/* Starts to connect; the caller owns the line until line_close. */
struct line *line_open(uv_loop_t *loop, const struct line_target *target, const struct line_events *events,
                       void *context);
/* Ends it, without another callback; *l may be NULL, and is NULL afterwards. What was written and not flushed is lost. */
void line_close(struct line **l);
/* Waits for the bytes that are still to be sent, at most two seconds, then closes. Takes *l; no more callbacks. */
void line_finish(struct line **l);

/* Adds bytes to what will be sent; line_flush starts to send. */
void line_write(struct line *l, const char *bytes, size_t length);
void line_flush(struct line *l);
/* Has everything been handed to the system? */
bool line_drained(const struct line *l);
/* The next so many bytes are no lines (an IMAP literal): they go to `bytes`, in pieces as they come; behind them lines
 * follow again. From within `received`. */
void line_take(struct line *l, size_t length);
/* Are lines longer than LINE_LENGTH_MAX welcome now? Then all of such a line but its last piece goes to `bytes`. */
void line_split(struct line *l, bool on);
/* Has the peer sent something beyond the line that `received` looks at now? Then it speaks out of turn. */
bool line_more_waits(struct line *l);
/* Starts TLS on the open connection. Nothing may wait to be read: the caller has asked line_more_waits. */
void line_secure(struct line *l);
/* The peer must answer within so many microseconds, or `failed` says that it did not `what` ("answer to EHLO").
 * what is static text; 0 for us: no limit. */
void line_expect(struct line *l, int64_t us, const char *what);

/* What the connection is. */
bool line_is_secure(const struct line *l);
const char *line_peer(const struct line *l); /* "mail.example:587" */
/* Our own address as RFC 5321 4.1.3 writes it: "[192.0.2.7]", "[IPv6:...]". buf holds at least 64 bytes. */
const char *line_own_literal(const struct line *l, char *buf, size_t size);
/* What was negotiated; empty texts without TLS. The verdict is borrowed, valid until line_close. */
const char *line_tls_version(const struct line *l);
const char *line_cipher(const struct line *l);
const struct trust_verdict *line_verdict(const struct line *l);

#endif
