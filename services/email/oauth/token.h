/* SPDX-License-Identifier: Apache-2.0
 * Answers of the token endpoint (RFC 6749 section 5, RFC 8628 section 3.5) and of the device authorization endpoint
 * (RFC 8628 section 3.2), read and judged. Pure. Any thread. */
#ifndef BELFRY_OAUTH_TOKEN_H
#define BELFRY_OAUTH_TOKEN_H

#include "services/email/oauth/https.h"

/* What an answer means for whoever asked. */
enum token_outcome {
	TOKEN_GRANTED,
	TOKEN_PENDING,   /* the person has not decided yet: ask again (device code) */
	TOKEN_SLOW_DOWN, /* the same, and ask 5 s less often from now on */
	TOKEN_ENDED,     /* the grant is over: authorize again */
	TOKEN_DENIED,    /* the person said no */
	TOKEN_REFUSED,   /* what was asked is wrong: client, secret, scope. Asking again does not help */
	TOKEN_FAILED,    /* no usable answer: network, server, clock. Ask again later */
};
struct token_answer {
	enum token_outcome outcome;
	struct err err;                     /* why, in a sentence; without anything secret */
	char *access_token, *refresh_token; /* locked memory, owned; refresh_token NULL: the one there is stays */
	int64_t lifetime;                   /* of the access token, microseconds */
	int64_t grant_lifetime;             /* of the refresh token, when the server says; else 0 */
};
/* Judges an answer. form is what was sent (borrowed, may be NULL): words of the server that repeat a part of it are left
 * out of the sentence. *t is finished by token_finish. */
void token_judge(const struct https_answer *a, const char *form, struct token_answer *t);
void token_finish(struct token_answer *t);

struct device_answer {
	char *device_code; /* locked memory, owned */
	char user_code[40];
	char *verification, *verification_whole; /* owned; the second has the code in it, "" without */
	int64_t lifetime, interval;              /* microseconds */
};
/* 0, or a code with a sentence; *d holds nothing then. */
int device_judge(const struct https_answer *a, struct device_answer *d, struct err *e);
void device_finish(struct device_answer *d);

#endif
