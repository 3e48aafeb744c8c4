/* SPDX-License-Identifier: Apache-2.0
 * The words ca, server, client and email, and what they are in a certificate (RFC 5280 4.2.1). */
#include <string.h>

#include "services/trust/key_pair.h"

static const struct {
	unsigned bits, bits_rsa, bits_ec; /* key usage of every key, and more of some */
	const char *purpose;              /* extended key usage; NULL: none */
} usages[] = {
	[USAGE_CA] = { GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN, 0, 0, NULL },
	[USAGE_SERVER] = { GNUTLS_KEY_DIGITAL_SIGNATURE, GNUTLS_KEY_KEY_ENCIPHERMENT, 0, GNUTLS_KP_TLS_WWW_SERVER },
	[USAGE_CLIENT] = { GNUTLS_KEY_DIGITAL_SIGNATURE, 0, 0, GNUTLS_KP_TLS_WWW_CLIENT },
	[USAGE_EMAIL] = { GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_NON_REPUDIATION, GNUTLS_KEY_KEY_ENCIPHERMENT,
	                  GNUTLS_KEY_KEY_AGREEMENT, GNUTLS_KP_EMAIL_PROTECTION },
};

int key_usage_set(gnutls_x509_crt_t crt, const struct key_request *r)
{
	unsigned bits = usages[r->usage].bits;
	bits |= r->keyAlgorithm == KEY_RSA ? usages[r->usage].bits_rsa : 0;
	bits |= r->keyAlgorithm == KEY_EC ? usages[r->usage].bits_ec : 0;
	int rc = gnutls_x509_crt_set_basic_constraints(crt, r->usage == USAGE_CA, -1);
	if (rc == 0)
		rc = gnutls_x509_crt_set_key_usage(crt, bits);
	if (rc == 0 && usages[r->usage].purpose)
		rc = gnutls_x509_crt_set_key_purpose_oid(crt, usages[r->usage].purpose, 0);
	return rc;
}

static bool has_purpose(gnutls_x509_crt_t crt, const char *wanted)
{
	char oid[128];
	unsigned critical;
	for (unsigned i = 0; i < 32; i++) {
		size_t size = sizeof oid;
		int rc = gnutls_x509_crt_get_key_purpose_oid(crt, i, oid, &size, &critical);
		if (rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			return i == 0; /* one without any list is for everything */
		if (rc == 0 && (strcmp(oid, wanted) == 0 || strcmp(oid, GNUTLS_KP_ANY) == 0))
			return true;
	}
	return false;
}

bool key_usage_allows(gnutls_x509_crt_t crt, enum key_usage_of usage)
{
	bool ca = certificate_is_ca(crt);
	return usage == USAGE_CA ? ca : !ca && has_purpose(crt, usages[usage].purpose);
}

json_t *key_usage_json(gnutls_x509_crt_t crt)
{
	json_t *list = json_array();
	for (const struct tag *t = key_usage_range; t->name; t++)
		if (key_usage_allows(crt, (enum key_usage_of)t->ordinal))
			json_array_append_new(list, json_string(t->name));
	return list;
}
