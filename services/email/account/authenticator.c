/* SPDX-License-Identifier: Apache-2.0
 * How an account logs in: the abstract type of the property emailAuthenticator, and the ways that need nobody else: with a
 * password, and not at all. See authenticator.h. Engine thread. */
#include "services/email/account/authenticator.h"

#include "services/email/email_inside.h"
#include "station/base/must.h"

/* --- the seam ------------------------------------------------------------------------------------------------------ */

static const struct authenticator_traits *traits(const struct component *c)
{
	return c->type->traits;
}

int authenticator_login(struct component *c, struct sasl_login *login, struct err *e)
{
	*login = (struct sasl_login){ .kind = SASL_NOBODY };
	int rc = traits(c)->login(c, login, e);
	if (rc != 0) {
		sasl_login_clear(login);
		login->kind = SASL_MISSING;
	}
	return rc;
}

int authenticator_ready(struct component *c, struct err *e)
{
	struct sasl_login login;
	int rc = authenticator_login(c, &login, e);
	sasl_login_clear(&login);
	return rc;
}

const char *authenticator_account(const struct component *c)
{
	return traits(c)->account(c);
}

void authenticator_refused(struct component *c)
{
	if (traits(c)->refused)
		traits(c)->refused(c);
}

void authenticator_changed(struct component *c)
{
	struct email_account *account = account_of(c->parent);
	if (account)
		account_reconfigure(account);
}

void authenticator_explained(struct component *c)
{
	struct email_account *account = account_of(c->parent);
	if (account)
		account_show_fault(account);
}

static void changed(struct component *c, const struct slot *slot)
{
	if (!(slot->flags & SLOT_READONLY))
		authenticator_changed(c);
}

/* It takes the place of another one. (An account that starts asks by itself.) */
static void started(struct component *c)
{
	if (c->parent->flags & COMPONENT_RUNNING)
		authenticator_changed(c);
}

static const struct slot no_slots[] = { SLOT_END };

const struct type email_authenticator = {
	.name = "email:EmailClientAuthenticator",
	.doc = "How an account logs in at its server.",
	.size = sizeof(struct component),
	.base = &baja_component,
	.flags = TYPE_ABSTRACT,
	.slots = no_slots,
	.changed = changed,
	.started = started,
};

/* --- with a password ----------------------------------------------------------------------------------------------- */

struct basic_authenticator {
	struct component c;
	char *account;
	struct secret password;
	int mechanism;
};

static int basic_login(struct component *c, struct sasl_login *login, struct err *e)
{
	const struct basic_authenticator *basic = COMPONENT_AS(c, &email_basic_authenticator, struct basic_authenticator);
	(void)e;
	if (!*basic->account)
		return 0;
	*login = (struct sasl_login){ .kind = SASL_PASSWORD,
		                          .user = must_strdup(basic->account),
		                          .secret = must_strdup(basic->password.sealed ? basic->password.sealed : ""),
		                          .mechanism = (enum sasl_mechanism)basic->mechanism };
	return 0;
}

static const char *basic_account(const struct component *c)
{
	return ((const struct basic_authenticator *)c)->account;
}

static const struct authenticator_traits basic_traits = { basic_login, basic_account, NULL };

static const struct tag mechanisms[] = {
	{ SASL_AUTO, "auto", "The best of what the server offers." },
	{ SASL_SCRAM_SHA_256, "scramSha256",
	  "SCRAM-SHA-256 (RFC 7677): the password itself is not sent, and the server proves that it knows it." },
	{ SASL_CRAM_MD5, "cramMd5", "CRAM-MD5 (RFC 2195): the password itself is not sent." },
	{ SASL_PLAIN, "plain", "PLAIN (RFC 4616)." },
	{ SASL_LOGIN, "login", "LOGIN, for old servers." },
	{ 0, NULL, NULL },
};
static const struct slot basic_slots[] = {
	SLOT(struct basic_authenticator, account, STRING, .facets = FACETS(.maxLength = 254), .flags = SLOT_SUMMARY,
	     .doc = "User name at the server; empty: no login."),
	SLOT(struct basic_authenticator, password, SECRET, .facets = FACETS(.maxLength = 1000),
	     .doc = "Password at the server; written only, never shown."),
	SLOT(struct basic_authenticator, mechanism, ENUM, .facets = FACETS(.range = mechanisms),
	     .doc =
	         "How the account proves that it knows the password; always inside TLS unless allowed otherwise. A fixed "
	         "mechanism is never replaced by a weaker one."),
	SLOT_END,
};

static void check_basic(const struct component *next, const struct component *current, struct report *report)
{
	const struct basic_authenticator *basic = (const struct basic_authenticator *)next;
	(void)current;
	if (!*basic->account && basic->password.sealed && *basic->password.sealed)
		report_warning(report, "account", "Without an account the password is not used: nobody logs in.");
}

const struct type email_basic_authenticator = {
	.name = "email:BasicEmailClientAuthenticator",
	.doc = "Logs in with account and password.",
	.size = sizeof(struct basic_authenticator),
	.base = &email_authenticator,
	.traits = &basic_traits,
	.slots = basic_slots,
	.check = check_basic,
};

/* --- not at all ---------------------------------------------------------------------------------------------------- */

static int no_login(struct component *c, struct sasl_login *login, struct err *e)
{
	(void)c;
	(void)login;
	(void)e;
	return 0;
}

static const char *no_account(const struct component *c)
{
	(void)c;
	return "";
}

static const struct authenticator_traits no_traits = { no_login, no_account, NULL };

static int for_outgoing(const struct component *parent, struct err *e)
{
	if (!component_is(parent, &email_incoming_account))
		return 0;
	return err_set(e, E_INVALID, NULL, "A mailbox is read with a login: choose an authenticator that has an account.");
}

const struct type email_no_authenticator = {
	.name = "email:NoAuthEmailClientAuthenticator",
	.doc = "No login: for a relay that trusts this machine's address.",
	.size = sizeof(struct component),
	.base = &email_authenticator,
	.traits = &no_traits,
	.slots = no_slots,
	.parent_ok = for_outgoing,
};
