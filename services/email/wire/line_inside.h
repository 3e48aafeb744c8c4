/* SPDX-License-Identifier: Apache-2.0
 * The inside of a line, shared by line.c (life, bytes, lines), line_connect.c (name, addresses, socket) and line_tls.c
 * (handshake, records). Nobody else includes this. Loop's thread. */
#ifndef BELFRY_EMAIL_LINE_INSIDE_H
#define BELFRY_EMAIL_LINE_INSIDE_H

#include "services/email/wire/line.h"
#include "services/email/wire/lookup.h"

enum line_state { LINE_LOOKUP, LINE_CONNECT, LINE_HANDSHAKE, LINE_OPEN, LINE_FINISH, LINE_DEAD };

/* Bytes from head to tail of an owned array. */
struct bytes {
	char *data;
	size_t head, tail, size;
};

/* A socket with its poll handle, which outlives the line by one turn of the loop. */
struct line_socket {
	uv_poll_t poll;
	int fd;
	struct line *line; /* NULL: given up */
	int events;        /* what is polled for */
};

struct line {
	uv_loop_t *loop;
	const struct line_events *events;
	void *context;
	enum line_state state;
	bool closed; /* no callbacks any more */
	char host[256], peer[LINE_PEER_MAX];
	int port;
	bool tls_at_once;
	enum tls_version least;
	struct trust_snapshot *trust; /* one reference */
	struct trust_key *key;        /* one reference; NULL: none */
	int64_t timeout;

	struct lookup *lookup;
	struct addrinfo *addresses, *next; /* owned; borrowed into it */
	int left;                          /* addresses not tried yet */
	struct err last_error;             /* of the address tried last */
	struct line_socket *socket;

	gnutls_session_t session;
	struct trust_verdict verdict;
	int interruptions; /* of the records by the peer */
	char tls_version[16], cipher[64];

	struct bytes in, out;
	size_t taking; /* so many bytes are no lines */
	bool split;    /* long lines come in pieces */
	bool sending;  /* GnuTLS holds a record that is half sent */
	bool broken;   /* sending has failed: said by the next turn, never inline */
	uv_timer_t deadline;
	int64_t due; /* uv_hrtime microseconds; 0: none */
	const char *waited_for;
};

/* Appends a copy; the array grows. */
void bytes_add(struct bytes *b, const char *data, size_t length);

/* line.c */
void line_arm(struct line *l, int64_t us);  /* the deadline */
void line_poll(struct line *l, int events); /* UV_READABLE, UV_WRITABLE */
/* Says `failed` once and ends the connection. */
void line_fail(struct line *l, const struct err *e, bool at_rest);
void line_opened(struct line *l); /* says `ready` */
void line_polled(uv_poll_t *poll, int status, int events);

/* line_connect.c */
void line_look_up(struct line *l);
void line_connected(struct line *l); /* the socket has become writable, or has failed */
void line_drop_socket(struct line *l);
void line_connect_late(struct line *l); /* this address has had its time */

/* line_tls.c */
void line_handshake(struct line *l); /* starts or goes on */
/* As recv and send: a count, 0 for the end, or -1 with errno EAGAIN or anything else (sentence in e). */
ssize_t line_receive(struct line *l, char *buf, size_t size, struct err *e);
ssize_t line_send(struct line *l, const char *data, size_t length, struct err *e);
void line_end_tls(struct line *l);

#endif
