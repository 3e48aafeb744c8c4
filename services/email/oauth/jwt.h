/* SPDX-License-Identifier: Apache-2.0
 * A signed JWT (RFC 7519, RFC 7515) that proves who asks for a token: RFC 7523. Pure. Any thread. */
#ifndef BELFRY_OAUTH_JWT_H
#define BELFRY_OAUTH_JWT_H

#include <gnutls/abstract.h>
#include <jansson.h>

#include "station/base/err.h"

/* The compact form, in locked memory (owned, secret_wipe): RS256, ES256, ES384, ES512 or EdDSA, as the key is. The header has
 * the certificate's thumbprints (x5t, x5t#S256), by which Microsoft and others find it. claims is borrowed. NULL, and a
 * sentence, when the key cannot sign that. */
char *jwt_sign(const json_t *claims, gnutls_privkey_t key, gnutls_x509_crt_t certificate, struct err *e);

#endif
