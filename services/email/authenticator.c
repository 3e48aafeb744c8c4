/* SPDX-License-Identifier: Apache-2.0
 * How an account logs in: the types that its property emailAuthenticator may have. Engine thread. */
#include "services/email/email_inside.h"

static const struct slot no_slots[] = { SLOT_END };

static void changed(struct component *c, const struct slot *slot)
{
	(void)slot;
	struct email_account *account = account_of(c->parent);
	if (account) /* another login: a new connection */
		account_reconfigure(account);
}

const struct type email_authenticator = {
	.name = "email:EmailClientAuthenticator",
	.doc = "How an account logs in at its server.",
	.size = sizeof(struct component),
	.base = &baja_component,
	.flags = TYPE_ABSTRACT,
	.slots = no_slots,
	.changed = changed,
};

static const struct tag mechanisms[] = {
	{ SMTP_AUTO, "auto", "The best of what the server offers." },
	{ SMTP_PLAIN, "plain", "PLAIN (RFC 4616)." },
	{ SMTP_LOGIN, "login", "LOGIN, for old servers." },
	{ 0, NULL, NULL },
};
static const struct slot basic_slots[] = {
	SLOT(struct basic_authenticator, account, STRING, .facets = FACETS(.maxLength = 254), .flags = SLOT_SUMMARY,
	     .doc = "User name at the server; empty: no login."),
	SLOT(struct basic_authenticator, password, SECRET, .facets = FACETS(.maxLength = 1000),
	     .doc = "Password at the server; written only, never shown."),
	SLOT(struct basic_authenticator, mechanism, ENUM, .facets = FACETS(.range = mechanisms),
	     .doc = "How the password is sent; always inside TLS unless allowed otherwise."),
	SLOT_END,
};
const struct type email_basic_authenticator = {
	.name = "email:BasicEmailClientAuthenticator",
	.doc = "Logs in with account and password.",
	.size = sizeof(struct basic_authenticator),
	.base = &email_authenticator,
	.slots = basic_slots,
};

const struct type email_no_authenticator = {
	.name = "email:NoAuthEmailClientAuthenticator",
	.doc = "No login: for a relay that trusts this machine's address.",
	.size = sizeof(struct component),
	.base = &email_authenticator,
	.slots = no_slots,
};
