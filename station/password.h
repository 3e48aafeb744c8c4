/* SPDX-License-Identifier: Apache-2.0
 * Passwords of people: kept only as argon2id hashes (19 MiB, two passes: OWASP's figures). Hashing takes some 50 ms of a
 * processor, so it runs on libuv's pool, at most two at once: a flood of logins eats neither memory nor the engine.
 * A slot flagged SLOT_HASHED is written like any secret; the sheet hashes it through here. Engine thread. */
#ifndef BELFRY_PASSWORD_H
#define BELFRY_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

#include "station/base/err.h"

struct station;
struct password_job;

enum { PASSWORD_MIN = 8 /* characters */, PASSWORD_ADVISED = 12, PASSWORD_MAX = 256 /* bytes */ };

struct password_pool {
	int running; /* hashes being computed */
	size_t waiting;
	struct password_job *first; /* owned; those that wait for their turn */
	bool closing;
};

/* ok: the password is right, or the new hash was made (hash, borrowed text of crypto_pwhash_str). Always from the engine's
 * loop, never inline. */
typedef void password_done(void *context, bool ok, const char *hash);

/* 0 or E_INVALID with a sentence on what a password must be. */
int password_check(const char *password, struct err *e);
/* Characters of UTF-8 text. */
size_t password_length(const char *password);

/* Makes a hash; checks a password against one (NULL or "": nobody's, which takes as long and is never right).
 * 0, or E_BUSY when too many wait already; then done is not called. The password is copied, and the copy wiped. */
int password_make(struct station *s, const char *password, password_done *done, void *context);
int password_verify(struct station *s, const char *password, const char *hash, password_done *done, void *context);
/* The station ends: what waits fails, what runs is waited for. */
void password_pool_finish(struct station *s);

#endif
