/* SPDX-License-Identifier: Apache-2.0
 * Reading a pair that somebody gave: see key_pair.h. What comes may be made to hurt: a password that is to be hashed two
 * thousand million times, a key of a hundred thousand bits. So everything is looked at before it is computed with. */
#include <stdlib.h>
#include <string.h>

#include <gnutls/crypto.h>
#include <gnutls/pkcs12.h>

#include "services/trust/key_pair.h"
#include "station/base/must.h"

enum {
	ITERATIONS_MAX = 1000000, /* of a password's hash: a second of a small machine */
	HASHES_MAX = 8,           /* so many passwords are hashed in one import */
	BAGS_MAX = 32,            /* of a PKCS#12 file, and elements of each */
	RSA_MIN = 2048,
	RSA_MAX = 8192
};
static const char too_dear[] = "Its password is hashed more often than the station does (%u times; at most %d). "
                               "Export it anew with usual settings.";

struct reader {
	const char *password;
	int hashes;           /* passwords hashed so far */
	struct key_pair *out; /* certificates in whatever order, until the end */
	struct err *e;
};

static int refuse(struct reader *r, const char *text)
{
	return err_set(r->e, E_INVALID, "pem", "%s", text);
}

static int wrong_password(struct reader *r)
{
	return err_set(r->e, E_INVALID, "password", "%s",
	               *r->password ? "This is not the password that it was encrypted with."
	                            : "It is encrypted: the password that it was encrypted with is needed.");
}

static int check_iterations(struct reader *r, unsigned iterations)
{
	if (iterations > ITERATIONS_MAX)
		return err_set(r->e, E_INVALID, "pem", too_dear, iterations, ITERATIONS_MAX);
	return ++r->hashes > HASHES_MAX ? refuse(r, "It has too many encrypted parts.") : 0;
}

/* --- parts -------------------------------------------------------------------------------------------------------- */

static int add_certificate(struct reader *r, const gnutls_datum_t *der)
{
	gnutls_x509_crt_t crt;
	struct key_pair *p = r->out;
	if (p->count == CHAIN_MAX)
		return err_set(r->e, E_TOO_LARGE, "pem", "It holds more than %d certificates.", CHAIN_MAX);
	must(gnutls_x509_crt_init(&crt) == 0);
	int rc = gnutls_x509_crt_import(crt, der, GNUTLS_X509_FMT_DER);
	if (rc != 0) {
		gnutls_x509_crt_deinit(crt);
		return err_set(r->e, E_INVALID, "pem", "A certificate in it cannot be read: %s", gnutls_strerror(rc));
	}
	p->chain = gnutls_realloc(p->chain, (p->count + 1) * sizeof *p->chain);
	must(p->chain);
	p->chain[p->count++] = crt;
	return 0;
}

/* Is it a key that the station computes with? */
static int check_key(struct reader *r)
{
	unsigned bits = 0;
	int algorithm = gnutls_x509_privkey_get_pk_algorithm2(r->out->key, &bits);
	switch (algorithm) {
	case GNUTLS_PK_RSA:
		return bits >= RSA_MIN && bits <= RSA_MAX
		    ? 0
		    : err_set(r->e, E_INVALID, "pem", "The RSA key has %u bits; %d to %d are taken.", bits, RSA_MIN, RSA_MAX);
	case GNUTLS_PK_ECDSA:
	case GNUTLS_PK_EDDSA_ED25519:
	case GNUTLS_PK_EDDSA_ED448:
		return 0;
	default:
		return refuse(r, "The private key is of a kind that is not used here; take RSA, EC or Ed25519.");
	}
}

/* A private key: bare, or encrypted as PKCS#8 tells. */
static int add_key(struct reader *r, const gnutls_datum_t *data, gnutls_x509_crt_fmt_t format)
{
	unsigned schema, cipher, salt_size = 0, iterations = 0;
	if (r->out->key)
		return refuse(r, "It holds more than one private key.");
	int rc = gnutls_pkcs8_info(data, format, &schema, &cipher, NULL, &salt_size, &iterations, NULL);
	bool encrypted = rc == 0 || rc == GNUTLS_E_SHORT_MEMORY_BUFFER;
	if (rc == GNUTLS_E_UNKNOWN_CIPHER_TYPE)
		return refuse(r, "The private key is encrypted in a way that is not known here; use PBES2 with AES.");
	if (encrypted && check_iterations(r, iterations) != 0)
		return r->e->code;
	must(gnutls_x509_privkey_init(&r->out->key) == 0);
	rc = gnutls_x509_privkey_import2(r->out->key, data, format, encrypted ? r->password : NULL, 0);
	if (rc == GNUTLS_E_DECRYPTION_FAILED || (encrypted && rc != 0))
		return wrong_password(r);
	if (rc != 0)
		return err_set(r->e, E_INVALID, "pem", "The private key cannot be read: %s", gnutls_strerror(rc));
	return check_key(r);
}

/* --- PKCS#12 ------------------------------------------------------------------------------------------------------ */

static int read_element(struct reader *r, gnutls_pkcs12_bag_t bag, unsigned i)
{
	gnutls_datum_t data;
	if (gnutls_pkcs12_bag_get_data(bag, i, &data) != 0)
		return refuse(r, "It is damaged.");
	switch ((int)gnutls_pkcs12_bag_get_type(bag, i)) {
	case GNUTLS_BAG_CERTIFICATE:
		return add_certificate(r, &data);
	case GNUTLS_BAG_PKCS8_KEY:
	case GNUTLS_BAG_PKCS8_ENCRYPTED_KEY:
		return add_key(r, &data, GNUTLS_X509_FMT_DER);
	default:
		return 0; /* revocation lists and secrets of others */
	}
}

static int open_bag(struct reader *r, gnutls_pkcs12_bag_t bag)
{
	unsigned schema, cipher, salt_size = 0, iterations = 0;
	if (gnutls_pkcs12_bag_get_type(bag, 0) != GNUTLS_BAG_ENCRYPTED)
		return 0;
	int rc = gnutls_pkcs12_bag_enc_info(bag, &schema, &cipher, NULL, &salt_size, &iterations, NULL);
	if (rc != 0 && rc != GNUTLS_E_SHORT_MEMORY_BUFFER)
		return refuse(r, "It is encrypted in a way that is not known here.");
	if (check_iterations(r, iterations) != 0)
		return r->e->code;
	return gnutls_pkcs12_bag_decrypt(bag, r->password) == 0 ? 0 : wrong_password(r);
}

static int read_bag(struct reader *r, gnutls_pkcs12_bag_t bag)
{
	if (open_bag(r, bag) != 0)
		return r->e->code;
	int count = gnutls_pkcs12_bag_get_count(bag);
	for (int i = 0; i < count && i < BAGS_MAX; i++)
		if (read_element(r, bag, (unsigned)i) != 0)
			return r->e->code;
	return 0;
}

static int read_bags(struct reader *r, gnutls_pkcs12_t file)
{
	for (int i = 0; i < BAGS_MAX; i++) {
		gnutls_pkcs12_bag_t bag;
		must(gnutls_pkcs12_bag_init(&bag) == 0);
		int rc = gnutls_pkcs12_get_bag(file, i, bag);
		if (rc == 0)
			rc = read_bag(r, bag);
		else
			rc = rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE ? 1 : refuse(r, "It is damaged.");
		gnutls_pkcs12_bag_deinit(bag);
		if (rc != 0)
			return rc > 0 ? 0 : rc;
	}
	return 0;
}

/* The whole is sealed by a hash under the password. */
static int check_seal(struct reader *r, gnutls_pkcs12_t file)
{
	unsigned mac, salt_size = 0, iterations = 0;
	int rc = gnutls_pkcs12_mac_info(file, &mac, NULL, &salt_size, &iterations, NULL);
	if (rc != 0 && rc != GNUTLS_E_SHORT_MEMORY_BUFFER)
		return refuse(r, "It is sealed in a way that is not known here.");
	if (check_iterations(r, iterations) != 0)
		return r->e->code;
	return gnutls_pkcs12_verify_mac(file, r->password) == 0 ? 0 : wrong_password(r);
}

static int read_pkcs12(struct reader *r, const gnutls_datum_t *data)
{
	gnutls_pkcs12_t file;
	must(gnutls_pkcs12_init(&file) == 0);
	int rc = gnutls_pkcs12_import(file, data, GNUTLS_X509_FMT_DER, 0) == 0
	    ? check_seal(r, file)
	    : refuse(r, "This is neither PEM text nor a PKCS#12 file.");
	if (rc == 0)
		rc = read_bags(r, file);
	gnutls_pkcs12_deinit(file);
	return rc;
}

/* --- PEM ---------------------------------------------------------------------------------------------------------- */

/* The private key in the text: from its own BEGIN to its END. */
static int read_pem_key(struct reader *r, const char *text, size_t length)
{
	const char *label = memmem(text, length, "PRIVATE KEY-----", 16), *begin = label, *end = text + length;
	if (!label)
		return 0;
	while (begin > text && strncmp(begin, "-----BEGIN ", 11) != 0)
		begin--;
	const char *last = memmem(label + 16, (size_t)(end - label - 16), "PRIVATE KEY-----", 16);
	if (!last || strncmp(begin, "-----BEGIN ", 11) != 0)
		return refuse(r, "The private key is not whole. Was the text copied up to its END line?");
	end = last + 16;
	if (memmem(end, (size_t)(text + length - end), "PRIVATE KEY-----", 16))
		return refuse(r, "It holds more than one private key.");
	if (memmem(begin, (size_t)(end - begin), "DEK-Info:", 9))
		return refuse(r,
		              "The private key is encrypted in the old form of OpenSSL; convert it with openssl pkcs8 -topk8.");
	gnutls_datum_t data = { (unsigned char *)(uintptr_t)begin, (unsigned)(end - begin) };
	return add_key(r, &data, GNUTLS_X509_FMT_PEM);
}

static int read_pem(struct reader *r, const char *text, size_t length)
{
	struct key_pair *p = r->out;
	if (memmem(text, length, "-----BEGIN CERT", 15) || !memmem(text, length, "PRIVATE KEY-----", 16)) {
		p->chain = certificates_parse(text, length, CHAIN_MAX, &p->count, r->e);
		if (!p->chain)
			return r->e->code;
	}
	return read_pem_key(r, text, length);
}

/* --- order -------------------------------------------------------------------------------------------------------- */

static void swap(struct key_pair *p, unsigned a, unsigned b)
{
	gnutls_x509_crt_t crt = p->chain[a];
	p->chain[a] = p->chain[b];
	p->chain[b] = crt;
}

static bool belongs(gnutls_x509_privkey_t key, gnutls_x509_crt_t crt)
{
	unsigned char of_certificate[64], of_key[64];
	size_t a = sizeof of_certificate, b = sizeof of_key;
	return gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, of_certificate, &a) == 0 &&
	    gnutls_x509_privkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, of_key, &b) == 0 && a == b &&
	    memcmp(of_certificate, of_key, a) == 0;
}

/* Puts what signed a certificate behind it; what has no place in the chain is left out. */
static void order_chain(struct key_pair *p)
{
	unsigned placed = 1;
	while (placed < p->count && !certificate_is_self_signed(p->chain[placed - 1])) {
		unsigned i = placed;
		while (i < p->count && !gnutls_x509_crt_check_issuer(p->chain[placed - 1], p->chain[i]))
			i++;
		if (i == p->count)
			break;
		swap(p, placed++, i);
	}
	while (p->count > placed)
		gnutls_x509_crt_deinit(p->chain[--p->count]);
}

static int find_leaf(struct reader *r)
{
	struct key_pair *p = r->out;
	unsigned leaf = 0;
	if (p->count == 0)
		return refuse(r, "There is no certificate with the private key. Give both, in one text or file.");
	while (p->key && leaf < p->count && !belongs(p->key, p->chain[leaf]))
		leaf++;
	if (leaf == p->count)
		return refuse(r, "The private key belongs to none of the certificates.");
	swap(p, 0, leaf);
	order_chain(p);
	return 0;
}

int key_pair_read(const void *bytes, size_t length, const char *password, struct key_pair *out, struct err *e)
{
	struct reader r = { .password = password, .out = out, .e = e };
	gnutls_datum_t data = { (unsigned char *)(uintptr_t)bytes, (unsigned)length };
	*out = (struct key_pair){ 0 };
	int rc;
	if (length > KEY_BYTES_MAX)
		rc = err_set(e, E_TOO_LARGE, "pem", "It has %zu bytes; at most %d are taken.", length, KEY_BYTES_MAX);
	else if (length > 0 && ((const unsigned char *)bytes)[0] == 0x30) /* a SEQUENCE: no text begins so but "0" */
		rc = read_pkcs12(&r, &data);
	else
		rc = read_pem(&r, bytes, length);
	if (rc == 0)
		rc = find_leaf(&r);
	if (rc != 0)
		key_pair_clear(out);
	return rc;
}
