/* SPDX-License-Identifier: Apache-2.0
 * The seam between accounts and the ways in which they log in. Every type that is built on
 * email:EmailClientAuthenticator has an authenticator_traits; an account asks through the functions here and never looks
 * at the type. Engine thread. */
#ifndef BELFRY_EMAIL_AUTHENTICATOR_H
#define BELFRY_EMAIL_AUTHENTICATOR_H

#include "services/email/wire/sasl.h"
#include "station/tree/component.h"

struct authenticator_traits {
	/* Fills *login, which is empty and becomes the caller's (sasl_login_clear), with what to use now. 0; AUTHENTICATOR_WAIT
	 * when that is being fetched, and authenticator_changed will be called; or a code and a sentence why there is none. */
	int (*login)(struct component *c, struct sasl_login *login, struct err *e);
	/* The name at the server, borrowed; "" when there is none. c may be a proposed copy. */
	const char *(*account)(const struct component *c);
	/* A server did not accept this login; what was fetched may be fetched anew. NULL: nothing to do. */
	void (*refused)(struct component *c);
};
enum { AUTHENTICATOR_WAIT = 1 };

/* See above; when there is no login now, *login says SASL_MISSING, which no dialogue takes for none. */
int authenticator_login(struct component *c, struct sasl_login *login, struct err *e);
/* Could one log in now? As authenticator_login, without the login. */
int authenticator_ready(struct component *c, struct err *e);
const char *authenticator_account(const struct component *c);
void authenticator_refused(struct component *c);
/* For authenticators: the login, or the reason why there is none, is another one now. The account connects anew. Called
 * by itself for a slot that a user changes. */
void authenticator_changed(struct component *c);
/* For authenticators: the reason why there is no login is another one now; the account shows it, and connections stay. */
void authenticator_explained(struct component *c);

#endif
