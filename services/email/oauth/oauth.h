/* SPDX-License-Identifier: Apache-2.0
 * OAuth 2 for mail accounts: authenticators that log in with a bearer token which they get, keep fresh and renew by
 * themselves. Four ways to a token: a client secret or a certificate (the station asks on its own), the browser or a device
 * code (a person permits it once, with the action authorize). Engine thread. */
#ifndef BELFRY_OAUTH_H
#define BELFRY_OAUTH_H

#include "station/station.h"

/* The abstract base, and the four ways. */
extern const struct type email_oauth_authenticator, email_oauth_client_secret, email_oauth_client_certificate,
    email_oauth_authorization_code, email_oauth_device_code;

/* What a person has permitted, and the proof of it: one row for each authenticator (by handle) that has a grant. It stands
 * beside the tree, so that neither versions nor copies nor the configuration text carry it. */
struct oauth_grant {
	int64_t authenticator;
	char *endpoint, *clientId;  /* authServerMetadataEndpoint that gave it, and to whom; of no use anywhere else */
	struct secret refreshToken; /* sealed */
	struct abstime granted, refreshed, expires;
	char *user; /* who authorized it here */
};
extern const struct record_kind oauth_grant_kind;

/* What the browser brings back to the page /oauth/callback (RFC 6749 section 4.1.2; iss: RFC 9207). All borrowed; "" what
 * was not there. */
struct oauth_redirect {
	const char *state, *code, *issuer, *error, *error_description;
};
/* Ends the authorization that has this state: exchanges the code for tokens. done: code 0 and the path of the authenticator
 * when it is connected. Later, or inline when it fails at once. */
typedef void oauth_connected(void *context, int code, const struct err *e, const char *path);
void oauth_redirected(struct station *s, const struct oauth_redirect *r, oauth_connected *done, void *context);

#endif
