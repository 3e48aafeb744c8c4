/* SPDX-License-Identifier: Apache-2.0
 * Writing a pair: for the store (sealed), for an authority (PKCS#10), for somebody else (encrypted): see key_pair.h.
 * Unencrypted key text exists here only, for as short as possible. */
#include <stdlib.h>
#include <string.h>

#include <gnutls/crypto.h>
#include <gnutls/pkcs12.h>

#include "services/trust/key_pair.h"
#include "station/base/must.h"

void key_pair_clear(struct key_pair *p)
{
	if (p->key)
		gnutls_x509_privkey_deinit(p->key);
	if (p->chain)
		certificates_free(p->chain, p->count);
	*p = (struct key_pair){ 0 };
}

char *key_pair_chain_pem(const struct key_pair *p)
{
	char *text = must_strdup("");
	for (unsigned i = 0; i < p->count; i++) {
		char *pem = certificate_pem(p->chain[i]), *longer = must_format("%s%s", text, pem);
		free(text);
		free(pem);
		text = longer;
	}
	return text;
}

/* --- sealed ------------------------------------------------------------------------------------------------------- */

char *key_pair_seal(const struct key_pair *p, const struct keyring *keyring)
{
	gnutls_datum_t pem = { 0 };
	int rc = gnutls_x509_privkey_export2_pkcs8(p->key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &pem);
	must(rc == 0);
	char *sealed = secret_seal(keyring, (const char *)pem.data, pem.size);
	gnutls_memset(pem.data, 0, pem.size);
	gnutls_free(pem.data);
	return sealed;
}

int key_pair_open(const char *chain_pem, const char *sealed, const struct keyring *keyring, struct key_pair *out,
                  struct err *e)
{
	*out = (struct key_pair){ 0 };
	char *pem = secret_open(keyring, sealed, e);
	if (!pem)
		return e->code;
	gnutls_datum_t data = { (unsigned char *)pem, (unsigned)strlen(pem) };
	must(gnutls_x509_privkey_init(&out->key) == 0);
	int rc = gnutls_x509_privkey_import2(out->key, &data, GNUTLS_X509_FMT_PEM, NULL, 0);
	secret_wipe(&pem);
	if (rc != 0)
		rc = err_set(e, E_INTERNAL, NULL, "The private key cannot be read: %s", gnutls_strerror(rc));
	else if (!(out->chain = certificates_parse(chain_pem, strlen(chain_pem), CHAIN_MAX, &out->count, e)))
		rc = e->code;
	if (rc != 0)
		key_pair_clear(out);
	return rc;
}

/* --- a certificate request ---------------------------------------------------------------------------------------- */

static int copy_names(gnutls_x509_crq_t request, gnutls_x509_crt_t crt)
{
	for (unsigned i = 0;; i++) {
		char name[512];
		size_t size = sizeof name;
		int kind = gnutls_x509_crt_get_subject_alt_name(crt, i, name, &size, NULL);
		if (kind == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			return 0;
		if (kind < 0)
			return kind;
		int rc = gnutls_x509_crq_set_subject_alt_name(request, (gnutls_x509_subject_alt_name_t)kind, name,
		                                              (unsigned)size, GNUTLS_FSAN_APPEND);
		if (rc != 0)
			return rc;
	}
}

static int copy_usages(gnutls_x509_crq_t request, gnutls_x509_crt_t crt)
{
	char oid[128];
	unsigned bits = 0, critical;
	int rc = gnutls_x509_crq_set_basic_constraints(request, certificate_is_ca(crt), -1);
	if (rc == 0 && gnutls_x509_crt_get_key_usage(crt, &bits, &critical) >= 0)
		rc = gnutls_x509_crq_set_key_usage(request, bits);
	for (unsigned i = 0; rc == 0 && i < 32; i++) {
		size_t size = sizeof oid;
		if (gnutls_x509_crt_get_key_purpose_oid(crt, i, oid, &size, &critical) != 0)
			break;
		rc = gnutls_x509_crq_set_key_purpose_oid(request, oid, 0);
	}
	return rc;
}

static int copy_subject(gnutls_x509_crq_t request, gnutls_x509_crt_t crt)
{
	const char *where;
	gnutls_datum_t dn = { 0 };
	int rc = gnutls_x509_crt_get_dn3(crt, &dn, 0);
	if (rc == 0)
		rc = gnutls_x509_crq_set_dn(request, (const char *)dn.data, &where);
	gnutls_free(dn.data);
	return rc;
}

static int sign_request(gnutls_x509_crq_t request, const struct key_pair *p)
{
	gnutls_digest_algorithm_t digest =
	    gnutls_x509_privkey_get_pk_algorithm(p->key) == GNUTLS_PK_EDDSA_ED25519 ? GNUTLS_DIG_SHA512 : GNUTLS_DIG_SHA256;
	return gnutls_x509_crq_sign2(request, p->key, digest, 0);
}

/* Text of GnuTLS as ours; rc: what the call that made it said. */
static char *take_text(int rc, gnutls_datum_t *text, const char *what, struct err *e)
{
	char *own = rc == 0 ? must_strndup((const char *)text->data, text->size) : NULL;
	gnutls_free(text->data);
	text->data = NULL;
	if (!own)
		err_set(e, E_INTERNAL, NULL, "%s could not be made: %s", what, gnutls_strerror(rc));
	return own;
}

char *key_pair_csr(const struct key_pair *p, struct err *e)
{
	gnutls_x509_crq_t request;
	gnutls_datum_t pem = { 0 };
	must(gnutls_x509_crq_init(&request) == 0);
	int rc = gnutls_x509_crq_set_version(request, 1);
	if (rc == 0)
		rc = copy_subject(request, p->chain[0]);
	if (rc == 0)
		rc = gnutls_x509_crq_set_key(request, p->key);
	if (rc == 0)
		rc = copy_names(request, p->chain[0]);
	if (rc == 0)
		rc = copy_usages(request, p->chain[0]);
	if (rc == 0)
		rc = sign_request(request, p);
	if (rc == 0)
		rc = gnutls_x509_crq_export2(request, GNUTLS_X509_FMT_PEM, &pem);
	gnutls_x509_crq_deinit(request);
	return take_text(rc, &pem, "The certificate request", e);
}

/* --- an export ---------------------------------------------------------------------------------------------------- */

static char *export_pem(const struct key_pair *p, const char *password, struct err *e)
{
	gnutls_datum_t pem = { 0 };
	int rc = gnutls_x509_privkey_export2_pkcs8(p->key, GNUTLS_X509_FMT_PEM, password, GNUTLS_PKCS_PBES2_AES_256, &pem);
	char *key = take_text(rc, &pem, "The export", e);
	if (!key)
		return NULL;
	char *chain = key_pair_chain_pem(p), *text = must_format("%s%s", chain, key);
	free(chain);
	free(key);
	return text;
}

/* The chain, the leaf with the id by which programs find its key. */
static int fill_certificates(gnutls_pkcs12_bag_t bag, const struct key_pair *p, const char *name,
                             const gnutls_datum_t *id)
{
	int rc = 0;
	for (unsigned i = 0; i < p->count && rc >= 0; i++)
		rc = gnutls_pkcs12_bag_set_crt(bag, p->chain[i]);
	if (rc >= 0)
		rc = gnutls_pkcs12_bag_set_key_id(bag, 0, id);
	return rc < 0 ? rc : gnutls_pkcs12_bag_set_friendly_name(bag, 0, name);
}

static int fill_key(gnutls_pkcs12_bag_t bag, const struct key_pair *p, const char *name, const char *password,
                    const gnutls_datum_t *id)
{
	gnutls_datum_t der = { 0 };
	int rc = gnutls_x509_privkey_export2_pkcs8(p->key, GNUTLS_X509_FMT_DER, password, GNUTLS_PKCS_PBES2_AES_256, &der);
	if (rc >= 0)
		rc = gnutls_pkcs12_bag_set_data(bag, GNUTLS_BAG_PKCS8_ENCRYPTED_KEY, &der);
	gnutls_free(der.data);
	if (rc >= 0)
		rc = gnutls_pkcs12_bag_set_key_id(bag, 0, id);
	return rc < 0 ? rc : gnutls_pkcs12_bag_set_friendly_name(bag, 0, name);
}

static int fill_file(gnutls_pkcs12_t file, gnutls_pkcs12_bag_t certificates, gnutls_pkcs12_bag_t key,
                     const struct key_pair *p, const char *name, const char *password)
{
	unsigned char bytes[64];
	size_t size = sizeof bytes;
	int rc = gnutls_x509_crt_get_key_id(p->chain[0], 0, bytes, &size);
	const gnutls_datum_t id = { bytes, (unsigned)size };
	if (rc >= 0)
		rc = fill_certificates(certificates, p, name, &id);
	if (rc >= 0)
		rc = gnutls_pkcs12_bag_encrypt(certificates, password, GNUTLS_PKCS_PBES2_AES_256);
	if (rc >= 0)
		rc = fill_key(key, p, name, password, &id);
	if (rc >= 0)
		rc = gnutls_pkcs12_set_bag(file, certificates);
	if (rc >= 0)
		rc = gnutls_pkcs12_set_bag(file, key);
	return rc < 0 ? rc : gnutls_pkcs12_generate_mac2(file, GNUTLS_MAC_SHA256, password);
}

static char *export_pkcs12(const struct key_pair *p, const char *name, const char *password, struct err *e)
{
	gnutls_pkcs12_t file;
	gnutls_pkcs12_bag_t certificates, key;
	gnutls_datum_t der = { 0 }, text = { 0 };
	must(gnutls_pkcs12_init(&file) == 0 && gnutls_pkcs12_bag_init(&certificates) == 0 &&
	     gnutls_pkcs12_bag_init(&key) == 0);
	int rc = fill_file(file, certificates, key, p, name, password);
	if (rc >= 0)
		rc = gnutls_pkcs12_export2(file, GNUTLS_X509_FMT_DER, &der);
	if (rc >= 0)
		rc = gnutls_base64_encode2(&der, &text);
	gnutls_free(der.data);
	gnutls_pkcs12_bag_deinit(certificates);
	gnutls_pkcs12_bag_deinit(key);
	gnutls_pkcs12_deinit(file);
	return take_text(rc < 0 ? rc : 0, &text, "The export", e);
}

char *key_pair_export(const struct key_pair *p, enum key_format format, const char *name, const char *password,
                      struct err *e)
{
	return format == KEY_PKCS12 ? export_pkcs12(p, name, password, e) : export_pem(p, password, e);
}
