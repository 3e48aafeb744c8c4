/* SPDX-License-Identifier: Apache-2.0
 * Choosing a mechanism, and carrying an exchange: see sasl.h. The mechanisms are in sasl_mechanisms.c. */
#include "services/email/wire/sasl.h"

#include <ctype.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "services/email/wire/sasl_inside.h"
#include "station/base/must.h"

/* --- who logs in --------------------------------------------------------------------------------------------------- */

void sasl_login_clear(struct sasl_login *login)
{
	free(login->user);
	free(login->secret);
	*login = (struct sasl_login){ .kind = SASL_NOBODY };
}

char *sasl_open_secret(const struct sasl_login *login, const struct keyring *keyring, struct err *e)
{
	if (!login->secret || !*login->secret)
		return secret_lock("", 0);
	return secret_open(keyring, login->secret, e);
}

static void blot_out(char *text, const char *secret)
{
	size_t n = strlen(secret);
	for (char *at; n >= 3 && (at = strstr(text, secret));)
		memset(at, '*', n);
}

void sasl_scrub(const struct sasl_login *login, const struct keyring *keyring, char *text)
{
	char *secret = login->kind == SASL_NOBODY ? NULL : sasl_open_secret(login, keyring, NULL);
	if (!secret)
		return;
	const char *user = login->user ? login->user : "";
	size_t length;
	char *joined = sasl_join((struct part[]){ { "", 1 }, PART(user), { "", 1 }, PART(secret) }, 4, &length);
	char *encoded = sasl_base64(secret, strlen(secret)), *plain = sasl_base64(joined, length);
	blot_out(text, secret);
	blot_out(text, encoded);
	blot_out(text, plain);
	secret_wipe(&plain);
	secret_wipe(&encoded);
	secret_wipe(&joined);
	secret_wipe(&secret);
}

/* --- which mechanism ----------------------------------------------------------------------------------------------- */

const char *sasl_name(enum sasl_mechanism m)
{
	static const char *const names[SASL_MECHANISMS] = { "any",   "SCRAM-SHA-256", "CRAM-MD5", "PLAIN",
		                                                "LOGIN", "OAUTHBEARER",   "XOAUTH2",  "EXTERNAL" };
	return names[m];
}

void sasl_offer_add(struct sasl_offer *o, const char *name, size_t length)
{
	size_t at = strlen(o->names);
	bool legal = length > 0 && length <= 20; /* RFC 4422 3.1 */
	for (size_t i = 0; i < length && legal; i++)
		legal = isalnum((unsigned char)name[i]) || strchr("-_", name[i]);
	if (!legal)
		return;
	for (enum sasl_mechanism m = SASL_AUTO + 1; m < SASL_MECHANISMS; m++)
		if (strlen(sasl_name(m)) == length && strncasecmp(sasl_name(m), name, length) == 0)
			o->known |= 1u << m;
	if (at + length + 2 < sizeof o->names)
		snprintf(o->names + at, sizeof o->names - at, "%s%.*s", at ? " " : "", (int)length, name);
}

/* The best first. A password that a verified server gets inside TLS is safer than a server that must keep it readable,
 * as CRAM-MD5 wants; in clear it is the other way round. */
static const enum sasl_mechanism best[][2][5] = {
	[SASL_NOBODY] = { { SASL_AUTO }, { SASL_AUTO } },
	[SASL_PASSWORD] = { { SASL_SCRAM_SHA_256, SASL_CRAM_MD5, SASL_PLAIN, SASL_LOGIN },
	                    { SASL_SCRAM_SHA_256, SASL_PLAIN, SASL_LOGIN, SASL_CRAM_MD5 } },
	[SASL_BEARER] = { { SASL_OAUTHBEARER, SASL_XOAUTH2 }, { SASL_OAUTHBEARER, SASL_XOAUTH2 } },
	[SASL_CERTIFICATE] = { { SASL_AUTO }, { SASL_EXTERNAL } },
	[SASL_MISSING] = { { SASL_AUTO }, { SASL_AUTO } },
};

int sasl_choose(const struct sasl_login *login, const struct sasl_offer *offer, bool secure, enum sasl_mechanism *m,
                struct err *e)
{
	const enum sasl_mechanism *order = best[login->kind][secure];
	const char *names = *offer->names ? offer->names : "(none)";
	if (login->kind == SASL_MISSING)
		return err_set(e, E_AUTH, NULL, "was left again: the login is not there yet.");
	if (login->mechanism != SASL_AUTO && !(offer->known & 1u << login->mechanism))
		return err_set(e, E_AUTH, NULL, "offers the login mechanisms %s, but not %s, which the authenticator asks for.",
		               names, sasl_name(login->mechanism));
	*m = login->mechanism;
	for (; *m == SASL_AUTO && *order != SASL_AUTO; order++)
		if (offer->known & 1u << *order)
			*m = *order;
	if (*m != SASL_AUTO)
		return 0;
	static const char *const wanted[] = { "none", "SCRAM-SHA-256, PLAIN, LOGIN or CRAM-MD5, which a password needs",
		                                  "OAUTHBEARER or XOAUTH2, which an OAuth token needs",
		                                  "EXTERNAL, which a client certificate needs (and TLS)" };
	return err_set(e, E_AUTH, NULL, "offers the login mechanisms %s, but not %s.", names, wanted[login->kind]);
}

/* --- bytes in locked memory ---------------------------------------------------------------------------------------- */

char *sasl_locked(size_t length)
{
	char *blank = must_alloc(length + 1);
	memset(blank, ' ', length);
	char *bytes = secret_lock(blank, length);
	free(blank);
	return bytes;
}

char *sasl_join(const struct part *parts, size_t count, size_t *length)
{
	*length = 0;
	for (size_t i = 0; i < count; i++)
		*length += parts[i].length;
	char *bytes = sasl_locked(*length);
	for (size_t i = 0, at = 0; i < count; at += parts[i++].length)
		memcpy(bytes + at, parts[i].bytes, parts[i].length);
	return bytes;
}

char *sasl_base64(const char *bytes, size_t length)
{
	size_t size = sodium_base64_encoded_len(length, sodium_base64_VARIANT_ORIGINAL);
	char *text = sasl_locked(size - 1);
	return sodium_bin2base64(text, size, (const unsigned char *)bytes, length, sodium_base64_VARIANT_ORIGINAL);
}

int sasl_unbase64(const char *text, size_t text_length, char *bytes, size_t size, size_t *length)
{
	const char *end = text + text_length, *stop;
	if (sodium_base642bin((unsigned char *)bytes, size - 1, text, text_length, NULL, length, &stop,
	                      sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    stop != end)
		return -1;
	bytes[*length] = '\0';
	return 0;
}

/* --- the exchange -------------------------------------------------------------------------------------------------- */

struct sasl *sasl_new(enum sasl_mechanism m, const struct sasl_login *login, const struct keyring *keyring,
                      const struct sasl_place *place)
{
	must(m > SASL_AUTO && m < SASL_MECHANISMS);
	struct sasl *s = must_alloc(sizeof *s);
	*s = (struct sasl){ .mechanism = &sasl_mechanisms[m],
		                .login = login,
		                .user = login->user ? login->user : "",
		                .keyring = keyring,
		                .port = place->port };
	snprintf(s->host, sizeof s->host, "%s", place->host);
	unsigned char random[18];
	randombytes_buf(random, sizeof random);
	sodium_bin2base64(s->nonce, sizeof s->nonce, random, sizeof random, sodium_base64_VARIANT_ORIGINAL);
	if (place->nonce)
		snprintf(s->nonce, sizeof s->nonce, "%s", place->nonce);
	return s;
}

void sasl_free(struct sasl **sp)
{
	struct sasl *s = *sp;
	*sp = NULL;
	if (!s)
		return;
	sodium_memzero(s, sizeof *s);
	free(s);
}

const char *sasl_exchange_name(const struct sasl *s)
{
	return s->mechanism->name;
}

/* What the mechanism says now, as base64. */
static int respond(struct sasl *s, const char *challenge, size_t length, char **response, struct err *e)
{
	size_t n = 0;
	char *secret = sasl_open_secret(s->login, s->keyring, e), *bytes = NULL;
	if (!secret)
		return err_set(
		    e, E_AUTH, NULL,
		    "cannot be given the stored password or token: it was sealed under another key. Enter it again.");
	int rc = s->mechanism->respond(s, secret, &(struct part){ challenge, length }, &bytes, &n, e);
	secret_wipe(&secret);
	if (rc == 0)
		*response = sasl_base64(bytes, n);
	secret_wipe(&bytes);
	return rc;
}

int sasl_start(struct sasl *s, size_t room, char **initial, struct err *e)
{
	*initial = NULL;
	if (!s->mechanism->client_first || room == 0)
		return 0;
	char *text = NULL;
	int rc = respond(s, "", 0, &text, e);
	if (!text)
		return rc;
	if (strlen(text) <= room) {
		s->step = 1;
		*initial = *text ? secret_lock(text, strlen(text)) : secret_lock("=", 1); /* RFC 4954 4, 4959 3, 5034 4 */
	} /* else it comes as the answer to the first challenge, which is empty */
	secret_wipe(&text);
	return rc;
}

int sasl_step(struct sasl *s, const char *challenge, char **response, struct err *e)
{
	char bytes[SASL_CHALLENGE_MAX];
	size_t length, n = strnlen(challenge, SASL_CHALLENGE_MAX);
	bool first = s->step == 0 && s->mechanism->client_first;
	*response = NULL;
	if (s->step >= s->mechanism->steps)
		return err_set(e, E_PROTOCOL, NULL, "asks for more during the login than %s has to say.", s->mechanism->name);
	/* LOGIN's challenges are prompts for people, and the first one of a mechanism whose client speaks first is empty:
	 * servers put anything there. */
	if (first || s->mechanism->prompts)
		length = 0;
	else if (n == SASL_CHALLENGE_MAX || sasl_unbase64(challenge, n, bytes, sizeof bytes, &length) != 0)
		return err_set(e, E_PROTOCOL, NULL, "sent a challenge during the login that is no base64.");
	int rc = respond(s, bytes, length, response, e);
	if (rc == 0)
		s->step++;
	return rc;
}

int sasl_accepted(const struct sasl *s, struct err *e)
{
	if (s->step < s->mechanism->least)
		return err_set(e, E_PROTOCOL, NULL, "accepted the login before it was sent; such a server cannot be trusted.");
	if (*s->reason)
		return err_set(e, E_PROTOCOL, NULL,
		               "accepted the login after it had refused it (%s); such a server cannot be trusted.", s->reason);
	if (s->mechanism->mutual && !s->proven)
		return err_set(e, E_AUTH, NULL,
		               "accepted the login without proving that it knows the password (%s); it may be another server "
		               "than it says.",
		               s->mechanism->name);
	return 0;
}

const char *sasl_reason(const struct sasl *s)
{
	return s->reason;
}
