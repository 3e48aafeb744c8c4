/* SPDX-License-Identifier: Apache-2.0
 * Secrets: sealed with libsodium's secretbox under the station's key (a file of mode 0600, or a systemd credential).
 * A sealed secret is text ("v1:" and base64) and may be stored; opened ones live in locked memory, for as short as
 * possible. Any thread, once the key is loaded. */
#ifndef BELFRY_SECRET_H
#define BELFRY_SECRET_H

#include <stddef.h>
#include <stdint.h>

#include "station/base/err.h"

#define SECRET_MAX 65536 /* bytes of a plain secret; callers bound what comes from outside */

struct keyring; /* holds the key in locked memory that is left out of core dumps */

/* Loads DIR/key ($CREDENTIALS_DIRECTORY/key first), making it at first start. NULL and a sentence in e. */
struct keyring *keyring_open(const char *directory, struct err *e);
void keyring_close(struct keyring **k);
/* Owned sealed text. An empty plain text seals to "". */
char *secret_seal(const struct keyring *k, const char *plain, size_t length);
/* Owned plain text, NUL-terminated, to be given back by secret_wipe. NULL when it was sealed under another key. */
char *secret_open(const struct keyring *k, const char *sealed, struct err *e);
/* The same for a secret that is no password and leaves the station at once (a token that a mail carries): into out, with its NUL,
 * to be wiped by the caller. Guard pages are dear where there are many. "" and E_INTERNAL when it was sealed under another
 * key, or does not fit. */
int secret_read(const struct keyring *k, const char *sealed, char *out, size_t size, struct err *e);
/* A copy of a plain secret in locked memory, owned, given back by secret_wipe. */
char *secret_lock(const char *plain, size_t length);
/* Locked memory for size bytes and a NUL, all zero, to be filled; owned, given back by secret_wipe. */
char *secret_room(size_t size);
/* Overwrites and frees what secret_open or secret_lock returned (never memory of malloc: this one has guard pages).
 * *text may be NULL and is NULL afterwards. */
void secret_wipe(char **text);
/* A key of its own for one purpose (exactly eight characters) and number, made of the station's key. */
void secret_derive(const struct keyring *k, const char purpose[9], uint64_t number, unsigned char out[32]);
/* size random bytes as lower-case hex (owned), for tokens and ids. */
char *secret_random_hex(size_t size);
/* A UUID of version 7 (RFC 9562 5.7), 36 characters and NUL: the time in milliseconds, then 74 random bits. Rows that are
 * made together so lie together in the store. Anybody may know when it was made; nobody can guess it. */
void uuid_make(char out[37]);

#endif
