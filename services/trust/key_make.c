/* SPDX-License-Identifier: Apache-2.0
 * Making a key and a self-signed certificate for it: see key_pair.h. To be signed by somebody else, it is a certificate
 * request that is taken out of it afterwards. */
#include <arpa/inet.h>
#include <string.h>

#include <gnutls/crypto.h>

#include "services/trust/key_pair.h"
#include "station/base/must.h"

static const struct {
	gnutls_pk_algorithm_t algorithm;
	gnutls_digest_algorithm_t digest; /* Ed25519 has one of its own */
} algorithms[] = {
	[KEY_RSA] = { GNUTLS_PK_RSA, GNUTLS_DIG_SHA256 },
	[KEY_EC] = { GNUTLS_PK_ECDSA, GNUTLS_DIG_SHA256 },
	[KEY_ED25519] = { GNUTLS_PK_EDDSA_ED25519, GNUTLS_DIG_SHA512 },
};

static unsigned bits_of(const struct key_request *r)
{
	switch (r->keyAlgorithm == KEY_EC ? r->keySize : 0) {
	case 256:
		return GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1);
	case 384:
		return GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP384R1);
	case 521:
		return GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP521R1);
	default:
		return (unsigned)r->keySize;
	}
}

static int set_subject(gnutls_x509_crt_t crt, const struct key_request *r)
{
	const struct {
		const char *oid, *text;
	} parts[] = {
		{ GNUTLS_OID_X520_COUNTRY_NAME, r->country },
		{ GNUTLS_OID_X520_STATE_OR_PROVINCE_NAME, r->state },
		{ GNUTLS_OID_X520_LOCALITY_NAME, r->locality },
		{ GNUTLS_OID_X520_ORGANIZATION_NAME, r->organization },
		{ GNUTLS_OID_X520_ORGANIZATIONAL_UNIT_NAME, r->organizationalUnit },
		{ GNUTLS_OID_X520_COMMON_NAME, r->commonName },
	};
	int rc = 0;
	for (size_t i = 0; i < ARRAY_SIZE(parts) && rc == 0; i++)
		if (*parts[i].text)
			rc = gnutls_x509_crt_set_dn_by_oid(crt, parts[i].oid, 0, parts[i].text, (unsigned)strlen(parts[i].text));
	return rc;
}

/* What kind of name a text is shows in it. */
static int add_name(gnutls_x509_crt_t crt, const char *text)
{
	unsigned char address[16];
	for (int family = AF_INET;; family = AF_INET6) {
		if (inet_pton(family, text, address) == 1)
			return gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, address, family == AF_INET ? 4 : 16,
			                                            GNUTLS_FSAN_APPEND);
		if (family == AF_INET6)
			break;
	}
	gnutls_x509_subject_alt_name_t kind = strstr(text, "://") ? GNUTLS_SAN_URI
	    : strchr(text, '@')                                   ? GNUTLS_SAN_RFC822NAME
	                                                          : GNUTLS_SAN_DNSNAME;
	return gnutls_x509_crt_set_subject_alt_name(crt, kind, text, (unsigned)strlen(text), GNUTLS_FSAN_APPEND);
}

/* Clients look for a server's name among the alternative names only (RFC 6125), so its common name goes there too. */
static int add_names(gnutls_x509_crt_t crt, const struct key_request *r)
{
	int rc = 0;
	bool said = r->usage != USAGE_SERVER || strchr(r->commonName, ' ');
	for (uint32_t i = 0; i < r->sans.count && rc == 0; i++) {
		said = said || strcmp(r->sans.items[i].text, r->commonName) == 0;
		rc = add_name(crt, r->sans.items[i].text);
	}
	if (rc == 0 && !said)
		rc = add_name(crt, r->commonName);
	if (rc == 0 && *r->email)
		rc = add_name(crt, r->email);
	return rc;
}

static int set_validity(gnutls_x509_crt_t crt, const struct key_request *r, int64_t now)
{
	unsigned char serial[16];
	time_t from = (time_t)(now / SECOND_US);
	int rc = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof serial);
	serial[0] = (unsigned char)((serial[0] & 0x7f) | 0x01); /* positive and not zero, RFC 5280 4.1.2.2 */
	if (rc == 0)
		rc = gnutls_x509_crt_set_serial(crt, serial, sizeof serial);
	if (rc == 0)
		rc = gnutls_x509_crt_set_activation_time(crt, from - 3600); /* for peers whose clock is a little behind */
	if (rc == 0)
		rc = gnutls_x509_crt_set_expiration_time(crt, from + r->days * 86400);
	return rc;
}

static int sign(const struct key_request *r, int64_t now, struct key_pair *p)
{
	gnutls_x509_crt_t crt = p->chain[0];
	unsigned char id[64];
	size_t size = sizeof id;
	int rc = gnutls_x509_crt_set_version(crt, 3);
	if (rc == 0)
		rc = set_subject(crt, r);
	if (rc == 0)
		rc = gnutls_x509_crt_set_key(crt, p->key);
	if (rc == 0)
		rc = set_validity(crt, r, now);
	if (rc == 0)
		rc = key_usage_set(crt, r);
	if (rc == 0)
		rc = add_names(crt, r);
	if (rc == 0)
		rc = gnutls_x509_crt_get_key_id(crt, 0, id, &size);
	if (rc == 0)
		rc = gnutls_x509_crt_set_subject_key_id(crt, id, size);
	return rc ? rc : gnutls_x509_crt_sign2(crt, crt, p->key, algorithms[r->keyAlgorithm].digest, 0);
}

/* GnuTLS compares and prints only what it has parsed. */
static int read_again(struct key_pair *p)
{
	gnutls_datum_t der = { 0 };
	int rc = gnutls_x509_crt_export2(p->chain[0], GNUTLS_X509_FMT_DER, &der);
	if (rc != 0)
		return rc;
	gnutls_x509_crt_deinit(p->chain[0]);
	must(gnutls_x509_crt_init(&p->chain[0]) == 0);
	rc = gnutls_x509_crt_import(p->chain[0], &der, GNUTLS_X509_FMT_DER);
	gnutls_free(der.data);
	return rc;
}

int key_pair_make(const struct key_request *r, int64_t now, struct key_pair *out, struct err *e)
{
	*out = (struct key_pair){ .chain = gnutls_malloc(sizeof *out->chain), .count = 1 };
	must(out->chain && gnutls_x509_privkey_init(&out->key) == 0 && gnutls_x509_crt_init(&out->chain[0]) == 0);
	int rc = gnutls_x509_privkey_generate(out->key, algorithms[r->keyAlgorithm].algorithm, bits_of(r), 0);
	if (rc == 0)
		rc = sign(r, now, out);
	if (rc == 0)
		rc = read_again(out);
	if (rc == 0)
		return 0;
	key_pair_clear(out);
	return err_set(e, E_INVALID, NULL, "The certificate could not be made: %s", gnutls_strerror(rc));
}
