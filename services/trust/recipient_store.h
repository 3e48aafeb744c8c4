/* SPDX-License-Identifier: Apache-2.0
 * Certificates of people whom mails are encrypted for (S/MIME), by mail address. Public parts only; a row makes nobody
 * trusted. Engine thread. */
#ifndef BELFRY_TRUST_RECIPIENT_STORE_H
#define BELFRY_TRUST_RECIPIENT_STORE_H

#include "services/trust/trust_service.h"

/* New references; NULL when there is no such address. */
json_t *recipient_store_list(struct trust_service *t);
json_t *recipient_store_row(struct trust_service *t, const char *address);
/* Imports the first certificate of a PEM text (copied). address "": all that the certificate is made out to, a row each.
 * Replaces what an address has. The answer is the first row, with `items` and `warnings`. */
void recipient_store_import(struct trust_service *t, const struct actor *actor, const char *address, const char *pem,
                            size_t length, trust_done *done, void *context);
void recipient_store_remove(struct trust_service *t, const struct actor *actor, const char *address, trust_done *done,
                            void *context);

#endif
