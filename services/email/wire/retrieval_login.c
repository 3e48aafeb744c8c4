/* SPDX-License-Identifier: Apache-2.0
 * The login of a mail retrieval, as far as it is the same for IMAP and POP3: may it be sent, by which mechanism, what is
 * said, what a refusal means. See retrieval_inside.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/email/wire/retrieval_inside.h"
#include "station/base/must.h"

static const char *user(const struct retrieval *r)
{
	return r->config->server.login.user ? r->config->server.login.user : "";
}

bool retrieval_may_log_in(struct retrieval *r)
{
	const struct sasl_login *login = &r->config->server.login;
	bool nameless = !*user(r) && login->kind != SASL_CERTIFICATE;
	if (!line_is_secure(r->line) && !r->config->server.allow_clear_text)
		retrieval_fail(r, E_AUTH,
		               "The login to %s was not sent: without TLS, anybody on the way could read it. Set useSsl or "
		               "useStartTls (or allowClearTextCredentials, if you must).",
		               line_peer(r->line));
	else if (login->kind == SASL_NOBODY || login->kind == SASL_MISSING || nameless)
		retrieval_fail(r, E_AUTH,
		               "No login is set: a mailbox is only opened for an account. Enter it in emailAuthenticator.");
	return r->line != NULL;
}

bool retrieval_choose(struct retrieval *r, const struct sasl_offer *offer)
{
	struct err e = { 0 };
	struct sasl_place place = { .host = r->config->server.host, .port = r->config->server.port };
	enum sasl_mechanism mechanism;
	if (sasl_choose(&r->config->server.login, offer, line_is_secure(r->line), &mechanism, &e) != 0) {
		retrieval_fail(r, e.code, "%s %s", line_peer(r->line), e.text);
		return false;
	}
	sasl_free(&r->sasl);
	r->sasl = sasl_new(mechanism, &r->config->server.login, r->config->server.keyring, &place);
	return true;
}

bool retrieval_response(struct retrieval *r, const char *challenge, size_t room, char **response)
{
	struct err e = { 0 };
	int rc = challenge ? sasl_step(r->sasl, challenge, response, &e) : sasl_start(r->sasl, room, response, &e);
	if (rc != 0)
		retrieval_fail(r, e.code, "%s %s", line_peer(r->line), e.text);
	return rc == 0;
}

bool retrieval_accepted(struct retrieval *r)
{
	struct err e = { 0 };
	if (r->sasl && sasl_accepted(r->sasl, &e) != 0) {
		retrieval_fail(r, e.code, "%s %s", line_peer(r->line), e.text);
		return false;
	}
	sasl_free(&r->sasl);
	return true;
}

void retrieval_refused(struct retrieval *r, const char *text, size_t length)
{
	char words[300];
	const char *reason = r->sasl ? sasl_reason(r->sasl) : "";
	retrieval_quote(r, text, length, words);
	retrieval_fail(r, E_AUTH, "%s refused the login of \"%s\": %s%s%s", line_peer(r->line), user(r), words,
	               *reason ? " / " : "", reason);
}

char *retrieval_password(struct retrieval *r)
{
	struct err e = { 0 };
	const char *sealed = r->config->server.login.secret;
	char *password = sealed && *sealed ? secret_open(r->config->server.keyring, sealed, &e) : secret_lock("", 0);
	if (!password)
		retrieval_fail(r, E_AUTH, "The stored password cannot be opened: %s Enter it again.", e.text);
	return password;
}

char *retrieval_secret_line(const char *verb, const char *secret)
{
	size_t length = strlen(verb) + strlen(secret) + 1;
	char *blank = must_alloc(length + 1);
	memset(blank, ' ', length);
	char *text = secret_lock(blank, length);
	free(blank);
	snprintf(text, length + 1, "%s %s", verb, secret);
	return text;
}
