/* SPDX-License-Identifier: Apache-2.0
 * A private key with the chain of its certificate, outside of any store: made, read from what somebody gave, written for
 * somebody else. Blocks for as long as cryptography takes (seconds for RSA 4096), so it belongs on the thread pool. Any
 * thread; a pair is its owner's alone. Errors are sentences for the user. */
#ifndef BELFRY_TRUST_KEY_PAIR_H
#define BELFRY_TRUST_KEY_PAIR_H

#include <gnutls/abstract.h>

#include "services/trust/certificate.h"
#include "services/trust/key_request.h"
#include "station/base/secret.h"

struct key_pair {
	gnutls_x509_privkey_t key; /* owned; NULL: a certificate alone */
	gnutls_x509_crt_t *chain;  /* owned, the leaf first */
	unsigned count;
};
/* Frees what it holds and empties it. */
void key_pair_clear(struct key_pair *p);

/* key_make.c: a new key and a self-signed certificate for it, valid from now (microseconds). */
int key_pair_make(const struct key_request *r, int64_t now, struct key_pair *out, struct err *e);

/* key_read.c: from PEM text (certificates, a private key or an encrypted one) or from PKCS#12. Hostile input is bounded:
 * its size, its iterations, its certificates, the size of its key. password may be "". The key belongs to the leaf. */
#define KEY_BYTES_MAX 65536
int key_pair_read(const void *bytes, size_t length, const char *password, struct key_pair *out, struct err *e);

/* key_write.c. All results are owned text. */
char *key_pair_chain_pem(const struct key_pair *p);
/* The key, sealed for the store; and a pair out of what the store holds. */
char *key_pair_seal(const struct key_pair *p, const struct keyring *keyring);
int key_pair_open(const char *chain_pem, const char *sealed, const struct keyring *keyring, struct key_pair *out,
                  struct err *e);
/* A certificate request (PKCS#10) with the names and usages of the leaf. NULL and a sentence. */
char *key_pair_csr(const struct key_pair *p, struct err *e);
/* Chain and key for somebody else, the key encrypted under the password (PBES2 with AES-256): PEM (PKCS#8), or a PKCS#12 file
 * (RFC 7292) in base64, where the certificates are encrypted too. name: what programs call it. NULL and a sentence. */
enum key_format { KEY_PEM, KEY_PKCS12 };
char *key_pair_export(const struct key_pair *p, enum key_format format, const char *name, const char *password,
                      struct err *e);

/* key_usage.c: what a certificate made for a usage allows, and what a certificate is for, as a list of the range's words. */
int key_usage_set(gnutls_x509_crt_t crt, const struct key_request *r);
bool key_usage_allows(gnutls_x509_crt_t crt, enum key_usage_of usage);
json_t *key_usage_json(gnutls_x509_crt_t crt);

#endif
