/* SPDX-License-Identifier: Apache-2.0
 * Name lookup that a caller can turn away from. getaddrinfo blocks for as long as the resolver likes, and cannot be
 * cancelled; so it runs on a detached thread of its own, never joined, and whoever has lost interest just says so. */
#ifndef BELFRY_EMAIL_LOOKUP_H
#define BELFRY_EMAIL_LOOKUP_H

#include <netdb.h>
#include <uv.h>

struct lookup;
/* On the loop's thread: code 0 and the addresses (taken, freeaddrinfo), or a code of getaddrinfo. */
typedef void lookup_done(void *context, int code, struct addrinfo *addresses);

/* Starts; never answers inline. An address written as digits needs no thread. */
struct lookup *lookup_start(uv_loop_t *loop, const char *host, int port, lookup_done *done, void *context);
/* No answer will come any more; *l may be NULL, and is NULL afterwards. Not needed after the answer. */
void lookup_cancel(struct lookup **l);

#endif
