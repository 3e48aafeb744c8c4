/* SPDX-License-Identifier: Apache-2.0
 * SASL (RFC 4422) for SMTP, IMAP and POP3: which mechanism, and what it says. Pure: no connection, no clock; the dialogue
 * carries the base64 texts. Whatever holds a secret lies in locked memory and is wiped. Any thread.
 *
 * PLAIN (RFC 4616), LOGIN (draft-murchison-sasl-login), CRAM-MD5 (RFC 2195), SCRAM-SHA-256 (RFC 5802, 7677), XOAUTH2
 * (Google's), OAUTHBEARER (RFC 7628), EXTERNAL (RFC 4422 A). */
#ifndef BELFRY_EMAIL_SASL_H
#define BELFRY_EMAIL_SASL_H

#include <stdbool.h>

#include "station/base/secret.h"

enum sasl_mechanism {
	SASL_AUTO, /* the best one that is offered */
	SASL_SCRAM_SHA_256,
	SASL_CRAM_MD5,
	SASL_PLAIN,
	SASL_LOGIN,
	SASL_OAUTHBEARER,
	SASL_XOAUTH2,
	SASL_EXTERNAL,
	SASL_MECHANISMS
};
const char *sasl_name(enum sasl_mechanism m); /* "SCRAM-SHA-256" */

/* --- who logs in --------------------------------------------------------------------------------------------------- */

enum sasl_kind {
	SASL_NOBODY,      /* no login */
	SASL_PASSWORD,    /* user and password */
	SASL_BEARER,      /* user and an OAuth access token */
	SASL_CERTIFICATE, /* the client certificate of the TLS connection; user may be empty */
	SASL_MISSING      /* a login is wanted and is not there (yet): nothing may be sent */
};
struct sasl_login {
	enum sasl_kind kind;
	char *user;                    /* owned; NULL or "": none */
	char *secret;                  /* owned; password or token, sealed; NULL: empty */
	enum sasl_mechanism mechanism; /* SASL_AUTO or the only one that may be used */
};
/* Frees what it holds; it says SASL_NOBODY afterwards. */
void sasl_login_clear(struct sasl_login *login);
/* Takes the secret, also as base64 and as PLAIN sends it, out of what a server says before it is shown to anybody. */
void sasl_scrub(const struct sasl_login *login, const struct keyring *keyring, char *text);

/* --- which mechanism ----------------------------------------------------------------------------------------------- */

struct sasl_offer {
	unsigned known;  /* bits 1 << enum sasl_mechanism */
	char names[160]; /* as offered, for sentences; what is no legal name is left out */
};
/* Adds one name of the server's list. */
void sasl_offer_add(struct sasl_offer *o, const char *name, size_t length);
/* The fixed mechanism, or the best: inside TLS SCRAM-SHA-256, PLAIN, LOGIN, CRAM-MD5; in clear those that do not show the
 * password first. 0 and *m; or E_AUTH and a sentence that begins "offers" and wants the peer's name in front. */
int sasl_choose(const struct sasl_login *login, const struct sasl_offer *offer, bool secure, enum sasl_mechanism *m,
                struct err *e);

/* --- what it says -------------------------------------------------------------------------------------------------- */

enum { SASL_CHALLENGE_MAX = 4096 /* bytes of base64 that are looked at */ };
struct sasl_place {
	const char *host; /* of the server, for OAUTHBEARER; copied */
	int port;
	const char *nonce; /* of SCRAM, printable, for tests; NULL: random */
};
struct sasl;
/* login and keyring are borrowed until sasl_free. */
struct sasl *sasl_new(enum sasl_mechanism m, const struct sasl_login *login, const struct keyring *keyring,
                      const struct sasl_place *place);
void sasl_free(struct sasl **s);
const char *sasl_exchange_name(const struct sasl *s); /* of its mechanism */
/* What may stand behind the mechanism's name in the command that begins the exchange, when it has at most room bytes
 * (room 0: nothing may): base64, "=" for an empty one; NULL: nothing, the server asks first. Owned (secret_wipe).
 * 0, or a code and a sentence that begins with a verb and wants the peer's name in front: the exchange is to be left. */
int sasl_start(struct sasl *s, size_t room, char **initial, struct err *e);
/* The answer to a challenge (base64 as it came, any text), as base64 without line end, owned (secret_wipe).
 * 0, or a code and a sentence as above. */
int sasl_step(struct sasl *s, const char *challenge, char **response, struct err *e);
/* The server says that the login is accepted. Is it over, and has a server that must prove itself done so? 0, or a code
 * and a sentence as above. */
int sasl_accepted(const struct sasl *s, struct err *e);
/* Why the server has refused, when the mechanism told it (OAuth's JSON), as "invalid_token; scope x"; "" otherwise. */
const char *sasl_reason(const struct sasl *s);

#endif
