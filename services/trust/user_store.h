/* SPDX-License-Identifier: Apache-2.0
 * The User Trust Store: certificates that people imported, public part only. Engine thread. */
#ifndef BELFRY_TRUST_USER_STORE_H
#define BELFRY_TRUST_USER_STORE_H

#include "services/trust/key_request.h"
#include "services/trust/trust_service.h"

#define IMPORT_MAX 200 /* certificates in one PEM */

/* New references; NULL when there is no such alias. */
json_t *user_store_list(struct trust_service *t);
json_t *user_store_row(struct trust_service *t, const char *alias);
/* Imports every certificate of a PEM text (copied). alias NULL: made from the subject. The answer is the row of the first
 * one, with `items` (all rows that were stored) and `warnings`. Ends with E_INVALID for what is no certificate or holds
 * a private key, E_CONFLICT for what is there already. */
void user_store_import(struct trust_service *t, const struct actor *actor, const char *alias, const char *pem,
                       size_t length, trust_done *done, void *context);
void user_store_remove(struct trust_service *t, const struct actor *actor, const char *alias, trust_done *done,
                       void *context);
/* An alias out of a certificate's name: "Test_Root"; owned. */
char *alias_from(gnutls_x509_crt_t crt);

#endif
