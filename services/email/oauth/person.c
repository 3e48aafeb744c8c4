/* SPDX-License-Identifier: Apache-2.0
 * See person.h. */
#include "services/email/oauth/person.h"

static const struct oauth_person *of(const struct oauth_authenticator *a)
{
	return (const struct oauth_person *)a;
}

int person_missing(const struct oauth_authenticator *a, struct err *e)
{
	if (*a->authServerMetadataEndpoint && *a->clientId)
		return 0;
	return err_set(e, E_INVALID, NULL, "Fill in authServerMetadataEndpoint and clientId, then authorize.");
}

/* RFC 6749 section 6. */
int person_ask(struct oauth_authenticator *a, struct oauth_form *f, struct err *e)
{
	form_add(f, "grant_type", "refresh_token");
	form_add(f, "scope", a->scope);
	int rc = form_add_client(f, a, &of(a)->clientSecret, e);
	return rc != 0 ? rc : form_add_sealed(f, "refresh_token", a->c.station->keyring, a->kept.refreshToken.sealed, e);
}

int64_t person_client_ends(const struct oauth_authenticator *a)
{
	return of(a)->clientSecretExpires.us;
}

const struct secret *person_client_secret(const struct oauth_authenticator *a)
{
	return &of(a)->clientSecret;
}
