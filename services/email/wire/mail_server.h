/* SPDX-License-Identifier: Apache-2.0
 * A mail server: where it is, how the connection is secured and how one logs in; what SMTP, IMAP and POP3 have in common.
 * Plain data: made on one thread, used on another. */
#ifndef BELFRY_EMAIL_MAIL_SERVER_H
#define BELFRY_EMAIL_MAIL_SERVER_H

#include "services/email/wire/line.h"
#include "services/email/wire/sasl.h"

/* What the user chose; never guessed, never lowered. */
enum mail_security { SECURITY_NONE, SECURITY_STARTTLS, SECURITY_TLS, SECURITY_COUNT };

struct mail_server {
	char host[256];
	int port;
	enum mail_security security;
	enum tls_version least;
	struct trust_snapshot *trust;  /* one reference; may be NULL with SECURITY_NONE */
	struct trust_key *key;         /* one reference: the client certificate; NULL: none */
	struct sasl_login login;       /* owned; its secret is opened only for the moment it is sent */
	const struct keyring *keyring; /* borrowed, outlives the client */
	bool allow_clear_text;         /* send the login without encryption */
	int64_t timeout;               /* microseconds: name, connection, each handshake, greeting */
};
/* Gives back what it holds. */
void mail_server_clear(struct mail_server *s);
/* The same server for somebody who does not log in, with references of its own. */
struct mail_server mail_server_without_login(const struct mail_server *s);

/* line_open to this server. Loop's thread. */
struct line *mail_server_connect(const struct mail_server *s, uv_loop_t *loop, const struct line_events *events,
                                 void *context);

#endif
