/* SPDX-License-Identifier: Apache-2.0
 * X.509 certificates as rows that people and programs can read. Works on bytes from strangers: every text is made valid
 * UTF-8 without control characters and is bounded. Plain data, any thread. */
#ifndef BELFRY_TRUST_CERTIFICATE_H
#define BELFRY_TRUST_CERTIFICATE_H

#include <gnutls/x509.h>

#include "station/store/record.h"

#define CHAIN_PEM_MAX 65536 /* bytes kept of a chain */
#define CHAIN_MAX 16        /* certificates looked at in a chain */
#define FINGERPRINT_HEX 65  /* SHA-256 in hexadecimal, with NUL */

/* One row; its JSON is record_to_json(&certificate_row_kind, row). */
struct certificate_row {
	char *alias, *subject, *issuer, *serial;
	int64_t version;
	struct abstime notBefore, notAfter;
	char *keyAlgorithm;
	int64_t keySize; /* bits */
	char *signatureAlgorithm;
	bool selfSigned, ca;
	struct list keyUsage, extendedKeyUsage, sans;
	struct certificate_fingerprints {
		char *sha1, *sha256;
	} fingerprints;
	char *spki;
	bool valid;
	char *reason;
	char *pem;
};
extern const struct record_kind certificate_row_kind; /* of no table */

/* Fills *row, which the caller gives back with record_finish(). now: microseconds, for `valid`. */
void certificate_describe(gnutls_x509_crt_t crt, const char *alias, int64_t now, struct certificate_row *row);
json_t *certificate_to_json(gnutls_x509_crt_t crt, const char *alias, int64_t now);

/* The common name, or what else names the subject (issuer) best; owned, at most 64 characters. */
char *certificate_name(gnutls_x509_crt_t crt, bool issuer);
/* The names and addresses that it is made out to, as a list for a sentence: "a.test, b.test and 3 more"; owned. */
char *certificate_hosts(gnutls_x509_crt_t crt);
void certificate_fingerprint(gnutls_x509_crt_t crt, char out[FINGERPRINT_HEX]);
void certificate_spki(gnutls_x509_crt_t crt, char out[FINGERPRINT_HEX]);
bool certificate_is_ca(gnutls_x509_crt_t crt);
bool certificate_is_self_signed(gnutls_x509_crt_t crt);
int64_t certificate_not_before(gnutls_x509_crt_t crt); /* microseconds */
int64_t certificate_not_after(gnutls_x509_crt_t crt);
char *certificate_pem(gnutls_x509_crt_t crt); /* owned; "" when it cannot be written */

/* Certificates out of PEM text: owned array of *count, given back by certificates_free. NULL and a sentence when there is
 * none, more than max, or one that cannot be read. */
gnutls_x509_crt_t *certificates_parse(const char *pem, size_t length, unsigned max, unsigned *count, struct err *e);
void certificates_free(gnutls_x509_crt_t *list, unsigned count);

/* "2026-11-20", for sentences; buf holds at least 24 bytes. */
char *certificate_date(int64_t us, char *buf);
/* A copy with broken UTF-8 and control characters replaced by '?', cut at max bytes; owned. */
char *certificate_clean_text(const void *bytes, size_t length, size_t max);

#endif
