/* SPDX-License-Identifier: Apache-2.0
 * What only the session routes need of a request: the cookie's name, its value, and the CSRF value of the session.
 * Engine thread. */
#ifndef BELFRY_SESSION_COOKIE_H
#define BELFRY_SESSION_COOKIE_H

#include "web/request.h"

#define SESSION_COOKIE "__Host-belfry"

/* The session cookie's value (borrowed), NULL when the request came with a token. */
const char *request_cookie(const struct request *r);
/* The CSRF value of the session; "" with a token. */
const char *request_csrf(const struct request *r);

#endif
