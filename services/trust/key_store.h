/* SPDX-License-Identifier: Apache-2.0
 * The User Key Store: the station's own certificates with their private keys, which are sealed, and leave encrypted only.
 * "default" is the certificate for HTTPS that the station made for itself; it is shown here and kept in files. Engine
 * thread; what takes long runs on the thread pool, and every answer comes later. */
#ifndef BELFRY_TRUST_KEY_STORE_H
#define BELFRY_TRUST_KEY_STORE_H

#include "services/trust/key_pair.h"
#include "services/trust/trust_service.h"

#define DEFAULT_ALIAS "default"

/* New references; NULL when there is no such alias. A row is a certificate's, with the whole `chain` as PEM, `usage`,
 * `usedBy` (a property that names it, or null), `creator`, `created`. */
json_t *key_store_list(struct trust_service *t);
json_t *key_store_row(struct trust_service *t, const char *alias);
const struct key_entry *key_store_find(struct trust_service *t, const char *alias, struct err *e); /* not of default */

/* Would browsers and programs take it from a server: valid now, made for servers, an algorithm that all of them know? 0, or
 * E_INVALID and a sentence. chain: PEM, the leaf first. */
int server_key_check(const char *chain, int64_t now, struct err *e);

/* Makes a key. r is taken over (and zeroed). The answer is the row. E_CONFLICT when the alias is in use. */
void key_store_generate(struct trust_service *t, const struct actor *actor, struct key_request *r, trust_done *done,
                        void *context);
/* Imports PEM or PKCS#12 (copied). alias "": the one whose key was signed, or from the subject. A certificate without a
 * key renews the entry of its key. The answer is the row, with `warnings`. */
void key_store_import(struct trust_service *t, const struct actor *actor, const char *alias, const void *bytes,
                      size_t length, const char *password, trust_done *done, void *context);
/* The answer is a JSON string: PEM of a certificate request; the chain with the key in that format, encrypted under the
 * password ("": the one that was given when it was made). */
void key_store_csr(struct trust_service *t, const struct actor *actor, const char *alias, trust_done *done,
                   void *context);
void key_store_export(struct trust_service *t, const struct actor *actor, const char *alias, enum key_format format,
                      const char *password, trust_done *done, void *context);
void key_store_remove(struct trust_service *t, const struct actor *actor, const char *alias, trust_done *done,
                      void *context);

#endif
