/* SPDX-License-Identifier: Apache-2.0
 * One request to an authorization server, over HTTPS alone, by libcurl on the net thread. Trust is decided by the same code
 * as for mail (services/trust/trust.h): after the handshake and before a byte of the request is sent; a refused certificate
 * leaves its Allowed Hosts row. Redirects are not followed, proxies of the environment are not used, cookies are not kept,
 * link-local addresses (a cloud's metadata service) are not spoken to, and no connection outlives its answer. */
#ifndef BELFRY_OAUTH_HTTPS_H
#define BELFRY_OAUTH_HTTPS_H

#include "station/station.h"

#define HTTPS_ANSWER_MAX 65536 /* bytes of a body; a longer answer is refused */
#define HTTPS_DEADLINE (30 * SECOND_US)

struct https_request {
	const char *url;     /* https://; copied */
	char *form;          /* a body to POST, application/x-www-form-urlencoded, from secret_lock; taken. NULL: GET */
	char *authorization; /* value of that header, from secret_lock; taken. NULL: none */
	int64_t deadline;    /* microseconds for everything, lookup included; 0: HTTPS_DEADLINE */
};
struct https_answer {
	struct err err;   /* code not 0: there is no answer, and why */
	int status;       /* of HTTP */
	char type[80];    /* media type, without parameters, lower case */
	const char *body; /* locked memory, ends with NUL; borrowed until the callback returns */
	size_t length;
	int64_t date; /* the server's clock, wall microseconds; ABSTIME_NULL: it did not say */
};
struct https_call;
/* On the engine thread, once, never inline. */
typedef void https_done(void *context, const struct https_answer *a);

/* Engine thread. */
struct https_call *https_start(struct station *s, struct https_request *r, https_done *done, void *context);
/* The answer is not wanted any more: done is not called. *c may be NULL, and is NULL afterwards. Engine thread. */
void https_cancel(struct https_call **c);

/* Is this an address that may be asked: https, a host, no user, query or fragment? 0, or E_INVALID with a sentence. host
 * (256 bytes) and port may be NULL. Any thread. */
int https_url_check(const char *url, char *host, int *port, struct err *e);

/* A form: pairs that end with name NULL, percent-encoded, in locked memory (owned, secret_wipe). A pair without value is
 * left out. Any thread. */
struct form_pair {
	const char *name, *value;
};
char *https_form(const struct form_pair *pairs);
/* "Basic ..." of RFC 6749 section 2.3.1: both parts are form-encoded first. Locked memory, owned. */
char *https_basic(const char *user, const char *password);

#endif
