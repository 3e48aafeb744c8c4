/* SPDX-License-Identifier: Apache-2.0
 * email:OAuthEmailClientSecretAuthenticator: the station asks on its own, with a secret (RFC 6749 section 4.4). Engine thread. */
#include "services/email/oauth/oauth_inside.h"

struct client_secret {
	struct oauth_authenticator base;
	struct secret clientSecret;
	struct abstime clientSecretExpires;
};

static const struct client_secret *of(const struct oauth_authenticator *a)
{
	return (const struct client_secret *)a;
}

static int missing(const struct oauth_authenticator *a, struct err *e)
{
	if (*a->authServerMetadataEndpoint && *a->clientId && of(a)->clientSecret.sealed && *of(a)->clientSecret.sealed)
		return 0;
	return err_set(e, E_INVALID, NULL, "Fill in authServerMetadataEndpoint, clientId and clientSecret.");
}

static int ask(struct oauth_authenticator *a, struct oauth_form *f, struct err *e)
{
	form_add(f, "grant_type", "client_credentials");
	form_add(f, "scope", a->scope);
	return form_add_client(f, a, &of(a)->clientSecret, e);
}

static int64_t client_ends(const struct oauth_authenticator *a)
{
	return of(a)->clientSecretExpires.us;
}

static const struct oauth_flow flow = { OAUTH_LOGIN, false, missing, ask, client_ends, NULL, NULL, NULL };

static const struct slot slots[] = {
	SLOT(struct client_secret, clientSecret, SECRET, .facets = FACETS(.maxLength = 2000),
	     .doc = "Proves to the authorization server that this station asks; written only, never shown."),
	SLOT(struct client_secret, clientSecretExpires, ABSTIME, .dflt = "null",
	     .doc =
	         "When that secret ends, as the authorization server's page tells: an alarm comes expiryWarning before."),
	SLOT_END,
};
const struct type email_oauth_client_secret = {
	.name = "email:OAuthEmailClientSecretAuthenticator",
	.doc = "OAuth 2 with a client secret: the station gets its tokens on its own.",
	.size = sizeof(struct client_secret),
	.base = &email_oauth_authenticator,
	.traits = &flow,
	.slots = slots,
};
