/* SPDX-License-Identifier: Apache-2.0
 * Header, claims and signature, each base64url without padding, joined by dots. GnuTLS signs; JOSE wants ECDSA signatures as
 * two numbers of fixed length (RFC 7518 section 3.4) where X.509 has DER. See jwt.h. */
#include "services/email/oauth/jwt.h"

#include <gnutls/crypto.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/base/secret.h"

static const struct algorithm {
	gnutls_pk_algorithm_t key;
	unsigned bits; /* of the key; 0: any */
	gnutls_sign_algorithm_t sign;
	const char *name;
	unsigned number; /* bytes of each of the two numbers of an ECDSA signature; 0: taken as it is */
} algorithms[] = {
	{ GNUTLS_PK_RSA, 0, GNUTLS_SIGN_RSA_SHA256, "RS256", 0 },
	{ GNUTLS_PK_ECDSA, 256, GNUTLS_SIGN_ECDSA_SHA256, "ES256", 32 },
	{ GNUTLS_PK_ECDSA, 384, GNUTLS_SIGN_ECDSA_SHA384, "ES384", 48 },
	{ GNUTLS_PK_ECDSA, 521, GNUTLS_SIGN_ECDSA_SHA512, "ES512", 66 },
	{ GNUTLS_PK_EDDSA_ED25519, 0, GNUTLS_SIGN_EDDSA_ED25519, "EdDSA", 0 },
};

static const struct algorithm *algorithm_of(gnutls_privkey_t key)
{
	unsigned bits = 0;
	int kind = gnutls_privkey_get_pk_algorithm(key, &bits);
	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++)
		if ((int)algorithms[i].key == kind && (algorithms[i].bits == 0 || algorithms[i].bits == bits))
			return &algorithms[i];
	return NULL;
}

/* base64url without padding, owned. */
static char *base64url(const void *bytes, size_t length)
{
	size_t size = sodium_base64_ENCODED_LEN(length, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	char *text = must_alloc(size);
	return sodium_bin2base64(text, size, bytes, length, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

static char *encoded(const json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
	must(text);
	char *encoding = base64url(text, strlen(text));
	free(text);
	return encoding;
}

/* --- header ------------------------------------------------------------------------------------------------------- */

static void add_thumbprint(json_t *header, const char *name, gnutls_x509_crt_t certificate,
                           gnutls_digest_algorithm_t hash)
{
	unsigned char digest[64];
	size_t size = sizeof digest;
	if (gnutls_x509_crt_get_fingerprint(certificate, hash, digest, &size) != 0)
		return;
	char *text = base64url(digest, size);
	json_object_set_new(header, name, json_string(text));
	free(text);
}

static char *header_of(const struct algorithm *a, gnutls_x509_crt_t certificate)
{
	json_t *header = json_pack("{s:s, s:s}", "alg", a->name, "typ", "JWT");
	add_thumbprint(header, "x5t", certificate, GNUTLS_DIG_SHA1);
	add_thumbprint(header, "x5t#S256", certificate, GNUTLS_DIG_SHA256);
	char *text = encoded(header);
	json_decref(header);
	return text;
}

/* --- signature ---------------------------------------------------------------------------------------------------- */

/* A number of DER, which may have a zero in front or lack leading zeros, as exactly so many bytes. */
static void place_number(const gnutls_datum_t *from, unsigned char *to, unsigned size)
{
	unsigned skip = from->size > size ? from->size - size : 0, length = from->size - skip;
	memset(to, 0, size);
	memcpy(to + size - length, from->data + skip, length);
}

/* The signature as JOSE has it, owned; NULL when it is malformed. */
static char *signature_text(const struct algorithm *a, const gnutls_datum_t *signature)
{
	gnutls_datum_t r = { NULL, 0 }, s = { NULL, 0 };
	unsigned char pair[2 * 66];
	if (a->number == 0)
		return base64url(signature->data, signature->size);
	if (gnutls_decode_rs_value(signature, &r, &s) != 0)
		return NULL;
	place_number(&r, pair, a->number);
	place_number(&s, pair + a->number, a->number);
	gnutls_free(r.data);
	gnutls_free(s.data);
	return base64url(pair, (size_t)2 * a->number);
}

char *jwt_sign(const json_t *claims, gnutls_privkey_t key, gnutls_x509_crt_t certificate, struct err *e)
{
	const struct algorithm *a = algorithm_of(key);
	if (!a) {
		err_set(e, E_INVALID, "clientCertificate",
		        "This key cannot sign for an authorization server; use RSA, EC P-256 or Ed25519.");
		return NULL;
	}
	char *header = header_of(a, certificate), *payload = encoded(claims), *signature = NULL, *jwt = NULL;
	char *input = must_format("%s.%s", header, payload);
	gnutls_datum_t data = { (unsigned char *)input, (unsigned)strlen(input) }, raw = { NULL, 0 };
	int rc = gnutls_privkey_sign_data2(key, a->sign, 0, &data, &raw);
	if (rc == 0 && (signature = signature_text(a, &raw))) {
		size_t length = strlen(input) + 1 + strlen(signature);
		jwt = secret_room(length);
		snprintf(jwt, length + 1, "%s.%s", input, signature);
	} else {
		err_set(e, E_INTERNAL, "clientCertificate", "The key could not sign: %s.", gnutls_strerror(rc));
	}
	gnutls_free(raw.data);
	free(signature);
	free(input);
	free(payload);
	free(header);
	return jwt;
}
