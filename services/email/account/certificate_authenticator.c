/* SPDX-License-Identifier: Apache-2.0
 * Logging in by the client certificate of the account: SASL EXTERNAL (RFC 4422 appendix A). The certificate itself is
 * chosen on the account, because it belongs to the connection: it is shown in the TLS handshake, before any login. */
#include "services/email/account/authenticator.h"
#include "services/email/email_inside.h"
#include "station/base/must.h"

struct certificate_authenticator {
	struct component c;
	char *account;
};

static const struct certificate_authenticator *of(const struct component *c)
{
	return (const struct certificate_authenticator *)c;
}

static int login(struct component *c, struct sasl_login *login, struct err *e)
{
	const struct email_account *a = account_of(c->parent);
	if (!a || !*a->clientCertificate)
		return err_set(e, E_INVALID, NULL,
		               "The login is by certificate, and none is chosen: set Client Certificate to a key of the User "
		               "Key Store.");
	if (account_security(a) == SECURITY_NONE)
		return err_set(e, E_INVALID, NULL, "A login by certificate needs TLS: set Use Ssl or Use Start Tls.");
	*login = (struct sasl_login){ .kind = SASL_CERTIFICATE, .user = must_strdup(of(c)->account) };
	return 0;
}

static const char *account(const struct component *c)
{
	return of(c)->account;
}

static const struct authenticator_traits traits = { login, account, NULL };
static const struct slot slots[] = {
	SLOT(struct certificate_authenticator, account, STRING, .facets = FACETS(.maxLength = 254), .flags = SLOT_SUMMARY,
	     .doc = "User name at the server; empty: the one that the server reads out of the certificate."),
	SLOT_END,
};
const struct type email_certificate_authenticator = {
	.name = "email:CertificateEmailClientAuthenticator",
	.doc = "Logs in with the client certificate of the account (SASL EXTERNAL).",
	.size = sizeof(struct certificate_authenticator),
	.base = &email_authenticator,
	.traits = &traits,
	.slots = slots,
};
