/* SPDX-License-Identifier: Apache-2.0
 * email:OAuthEmailClientCertificateAuthenticator: the station asks on its own and signs what it says with a key of the User
 * Key Store (RFC 7523): as its proof of itself (section 2.2), or as the grant itself (section 2.1). Engine thread. */
#include <stdlib.h>

#include "services/email/oauth/jwt.h"
#include "services/email/oauth/oauth_inside.h"
#include "services/trust/trust.h"
#include "station/base/must.h"

#define ASSERTION_SECONDS 300

struct client_certificate {
	struct oauth_authenticator base;
	char *clientCertificate;
	struct secret privateKeyPassword;
	bool useJWTBearerAssertion;
};

static const struct client_certificate *of(const struct oauth_authenticator *a)
{
	return (const struct client_certificate *)a;
}

static int missing(const struct oauth_authenticator *a, struct err *e)
{
	if (!*a->authServerMetadataEndpoint || !*a->clientId || !*of(a)->clientCertificate)
		return err_set(e, E_INVALID, NULL, "Fill in authServerMetadataEndpoint, clientId and clientCertificate.");
	struct trust_key *key = trust_key_get(a->c.station, of(a)->clientCertificate, e);
	int rc = key ? 0 : e->code;
	trust_key_release(&key);
	return rc;
}

/* RFC 7523 section 3. The server's clock counts. */
static json_t *claims_of(const struct oauth_authenticator *a)
{
	char id[37];
	bool grant = of(a)->useJWTBearerAssertion;
	json_int_t now = (json_int_t)((station_now(a->c.station) + a->clock_offset) / SECOND_US);
	uuid_make(id);
	json_t *claims = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "iss", a->clientId, "sub",
	                           grant && *a->account ? a->account : a->clientId, "aud", a->metadata.token_endpoint,
	                           "jti", id, "iat", now, "nbf", now - 30, "exp", now + ASSERTION_SECONDS);
	if (grant && *a->scope) /* where Google looks for it */
		json_object_set_new(claims, "scope", json_string(a->scope));
	return claims;
}

static char *assertion(const struct oauth_authenticator *a, struct err *e)
{
	struct trust_key *key = trust_key_get(a->c.station, of(a)->clientCertificate, e);
	unsigned count = 0;
	if (!key)
		return NULL;
	json_t *claims = claims_of(a);
	const gnutls_x509_crt_t *chain = trust_key_chain(key, &count);
	char *jwt = jwt_sign(claims, trust_key_private(key), count ? chain[0] : NULL, e);
	json_decref(claims);
	trust_key_release(&key);
	return jwt;
}

static int ask(struct oauth_authenticator *a, struct oauth_form *f, struct err *e)
{
	char *jwt = assertion(a, e);
	if (!jwt)
		return e->code;
	form_add(f, "scope", a->scope);
	if (of(a)->useJWTBearerAssertion) {
		form_add(f, "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
		form_add_secret(f, "assertion", jwt);
		return 0;
	}
	form_add(f, "grant_type", "client_credentials");
	form_add(f, "client_id", a->clientId);
	form_add(f, "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
	form_add_secret(f, "client_assertion", jwt);
	return 0;
}

static int64_t client_ends(const struct oauth_authenticator *a)
{
	struct err e;
	struct trust_key *key = trust_key_get(a->c.station, of(a)->clientCertificate, &e);
	unsigned count = 0;
	const gnutls_x509_crt_t *chain = key ? trust_key_chain(key, &count) : NULL;
	int64_t end = count ? (int64_t)gnutls_x509_crt_get_expiration_time(chain[0]) * SECOND_US : ABSTIME_NULL;
	trust_key_release(&key);
	return end;
}

static const struct oauth_flow flow = { OAUTH_LOGIN, false, missing, ask, client_ends, NULL, NULL, NULL };

static const struct slot slots[] = {
	SLOT(struct client_certificate, clientCertificate, STRING, .facets = FACETS(.maxLength = 120, .names = NAMES_KEY),
	     .doc = "Alias of a certificate in the User Key Store, whose public part the authorization server knows."),
	SLOT(struct client_certificate, privateKeyPassword, SECRET, .facets = FACETS(.maxLength = 1000),
	     .doc = "Kept for Niagara's sake: keys in the store are sealed by the station and need no password."),
	SLOT(struct client_certificate, useJWTBearerAssertion, BOOLEAN,
	     .doc =
	         "The signed statement is the grant itself (JWT bearer, as for Google's service accounts) instead of the "
	         "proof of a client-credentials grant."),
	SLOT_END,
};
const struct type email_oauth_client_certificate = {
	.name = "email:OAuthEmailClientCertificateAuthenticator",
	.doc = "OAuth 2 with a certificate: the station gets its tokens on its own and signs for them.",
	.size = sizeof(struct client_certificate),
	.base = &email_oauth_authenticator,
	.traits = &flow,
	.slots = slots,
};
