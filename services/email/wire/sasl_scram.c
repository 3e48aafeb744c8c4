/* SPDX-License-Identifier: Apache-2.0
 * SCRAM-SHA-256 (RFC 5802, 7677), without channel binding: neither side shows the password to the other, and the server
 * proves that it knows it. */
#include <gnutls/crypto.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "services/email/wire/sasl_inside.h"
#include "station/base/must.h"

enum {
	DIGEST = 32,
	ITERATIONS_MIN = 4096,  /* RFC 7677 4 */
	ITERATIONS_MAX = 200000 /* a tenth of a second; the net thread waits for it */
};

/* What is derived from the password; in locked memory, wiped as a whole. */
struct keys {
	unsigned char salted[DIGEST], client[DIGEST], stored[DIGEST], signature[DIGEST], server[DIGEST];
};

/* The server's first message, in its parts. Borrowed. */
struct challenge {
	const char *nonce;
	char salt[1024];
	size_t salt_length;
	unsigned iterations;
};

/* --- messages ------------------------------------------------------------------------------------------------------ */

static int client_first(struct sasl *s, char **bytes, size_t *length, struct err *e)
{
	char name[500];
	if (sasl_escape_name(s->user, name, sizeof name) != 0)
		return err_set(e, E_AUTH, NULL, "cannot be given so long a user name.");
	snprintf(s->first, sizeof s->first, "n=%s,r=%s", name, s->nonce);
	*bytes = sasl_join((struct part[]){ PART("n,,"), PART(s->first) }, 2, length);
	return 0;
}

/* Cuts "X=value" off the front of *text; NULL when it does not stand there. */
static char *attribute(char **text, char letter)
{
	char *at = *text;
	if (at[0] != letter || at[1] != '=')
		return NULL;
	char *end = at + strcspn(at, ",");
	*text = end + (*end == ',');
	*end = '\0';
	return at + 2;
}

static int bad_message(struct err *e)
{
	return err_set(e, E_PROTOCOL, NULL, "does not speak SCRAM-SHA-256 as RFC 5802 says; the login was left.");
}

static int parse_first(const struct sasl *s, char *text, struct challenge *c, struct err *e)
{
	char *nonce = attribute(&text, 'r'), *salt = attribute(&text, 's'), *count = attribute(&text, 'i'), *end;
	if (!nonce || !salt || !count || strncmp(nonce, s->nonce, strlen(s->nonce)) != 0 ||
	    strlen(nonce) == strlen(s->nonce) ||
	    sasl_unbase64(salt, strlen(salt), c->salt, sizeof c->salt, &c->salt_length) != 0)
		return bad_message(e);
	unsigned long n = strtoul(count, &end, 10);
	if (*end || *count < '0' || *count > '9' || n > ITERATIONS_MAX)
		return err_set(e, E_PROTOCOL, NULL,
		               "wants the password hashed %.20s times for SCRAM-SHA-256; at most %d are done.", count,
		               ITERATIONS_MAX);
	if (n < ITERATIONS_MIN)
		return err_set(e, E_PROTOCOL, NULL,
		               "wants the password hashed only %lu times for SCRAM-SHA-256, which would make it easy to guess; "
		               "at least %d are asked for (RFC 7677).",
		               n, ITERATIONS_MIN);
	c->nonce = nonce;
	c->iterations = (unsigned)n;
	return 0;
}

/* --- keys ---------------------------------------------------------------------------------------------------------- */

static int hmac(const unsigned char *key, const char *text, size_t length, unsigned char *out)
{
	return gnutls_hmac_fast(GNUTLS_MAC_SHA256, key, DIGEST, text, length, out);
}

/* The password as both sides must have it (RFC 8265, which SASLprep has become); as it is when it has no such form. */
static int salt_password(const char *secret, const struct challenge *c, unsigned char out[DIGEST])
{
	gnutls_datum_t prepared = { NULL, 0 }, salt = { (unsigned char *)(uintptr_t)c->salt, (unsigned)c->salt_length };
	gnutls_datum_t raw = { (unsigned char *)(uintptr_t)secret, (unsigned)strlen(secret) };
	bool normal = gnutls_utf8_password_normalize(raw.data, raw.size, &prepared, 0) == 0;
	int rc = gnutls_pbkdf2(GNUTLS_MAC_SHA256, normal ? &prepared : &raw, &salt, c->iterations, out, DIGEST);
	if (normal) {
		gnutls_memset(prepared.data, 0, prepared.size);
		gnutls_free(prepared.data);
	}
	return rc;
}

/* All that follows from password, salt and what was said; the client's proof ends up in k->client. */
static int derive(struct sasl *s, const char *secret, const struct challenge *c, const char *said, struct keys *k)
{
	size_t length = strlen(said);
	if (salt_password(secret, c, k->salted) != 0 || hmac(k->salted, "Client Key", 10, k->client) != 0 ||
	    gnutls_hash_fast(GNUTLS_DIG_SHA256, k->client, DIGEST, k->stored) != 0 ||
	    hmac(k->stored, said, length, k->signature) != 0 || hmac(k->salted, "Server Key", 10, k->server) != 0 ||
	    hmac(k->server, said, length, s->server_signature) != 0)
		return -1;
	for (size_t i = 0; i < DIGEST; i++)
		k->client[i] ^= k->signature[i];
	return 0;
}

static int client_final(struct sasl *s, const char *secret, const struct part *challenge, char **bytes, size_t *length,
                        struct err *e)
{
	struct challenge c = { .nonce = "" };
	char *text = must_strndup(challenge->bytes, challenge->length);
	int rc = strlen(text) == challenge->length ? parse_first(s, text, &c, e) : bad_message(e);
	if (rc == 0) {
		char *memory = sasl_locked(sizeof(struct keys));
		struct keys *k = (struct keys *)(void *)memory;
		/* The auth message of RFC 5802 3; "biws" is "n,," in base64. */
		char *said = must_format("%s,%.*s,c=biws,r=%s", s->first, (int)challenge->length, challenge->bytes, c.nonce);
		if (derive(s, secret, &c, said, k) != 0) {
			rc = err_set(e, E_AUTH, NULL, "wants SCRAM-SHA-256, which this machine's cryptographic policy forbids.");
		} else {
			char *proof = sasl_base64((const char *)k->client, DIGEST);
			*bytes =
			    sasl_join((struct part[]){ PART("c=biws,r="), PART(c.nonce), PART(",p="), PART(proof) }, 4, length);
			secret_wipe(&proof);
		}
		free(said);
		secret_wipe(&memory);
	}
	free(text);
	return rc;
}

static int server_final(struct sasl *s, const struct part *challenge, char **bytes, size_t *length, struct err *e)
{
	char *text = must_strndup(challenge->bytes, challenge->length), *rest = text, signature[DIGEST + 1];
	size_t n = 0;
	const char *v = attribute(&rest, 'v');
	if (v && sasl_unbase64(v, strlen(v), signature, sizeof signature, &n) == 0 && n == DIGEST)
		s->proven = sodium_memcmp(signature, s->server_signature, DIGEST) == 0;
	bool refused = strncmp(text, "e=", 2) == 0;
	free(text);
	if (!s->proven && !refused)
		return err_set(e, E_AUTH, NULL,
		               "could not prove that it knows the password; it may be another server than it says.");
	*bytes = sasl_join(NULL, 0, length);
	return 0;
}

int sasl_scram_respond(struct sasl *s, const char *secret, const struct part *challenge, char **bytes, size_t *length,
                       struct err *e)
{
	if (s->step == 0)
		return client_first(s, bytes, length, e);
	if (s->step == 1)
		return client_final(s, secret, challenge, bytes, length, e);
	return server_final(s, challenge, bytes, length, e);
}
