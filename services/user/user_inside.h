/* SPDX-License-Identifier: Apache-2.0
 * The inside of the user service, shared by its files: user_service.c (types, adding users), session.c (sessions and
 * tokens), password.c (hashing off the engine, throttling), log_in.c. Engine thread. */
#ifndef BELFRY_USER_INSIDE_H
#define BELFRY_USER_INSIDE_H

#include <sodium.h>

#include "services/user/user.h"

enum { HASH_TEXT = 2 * 32 + 1 }; /* BLAKE2b-256 as hex */

struct session_record {
	char *hash, *user, *csrf, *address, *agent;
	struct abstime created, lastUsed;
};
struct token_record {
	char *hash, *user, *name;
	struct abstime created, expires;
};
extern const struct record_kind session_kind, token_kind;

/* Failures of one name or address. */
struct throttle {
	char key[160];
	int failures;
	int64_t until;              /* monotonic: before it, nobody is even asked */
	struct throttle *next;
};

struct user_service {
	struct component c;
	bool lockOutEnabled;
	int64_t maxBadLogins;
	struct reltime lockOutPeriod, lockOutWindow, defaultAutoLogoffPeriod, absoluteLogoff;
	/* not slots */
	struct session_record *sessions; /* owned array */
	size_t session_count;
	struct token_record *tokens;     /* owned array */
	size_t token_count;
	struct throttle *throttles;      /* owned */
	char setup_hash[HASH_TEXT];      /* of the one-time link; empty: none */
	int64_t setup_until;             /* monotonic */
	int hashing;                     /* password hashes being computed */
	struct hash_job *waiting;        /* those that wait for their turn */
	bool loaded;
};

struct user {
	struct component c;
	char *fullName, *email;
	struct secret passwordHash;      /* an argon2id hash, which is no sealed secret, but as little shown */
	bool enabled;
	struct abstime expiration;
	int role;                        /* enum role */
};

/* The service, and a user by name; NULL when the station has none. Borrowed. */
struct user_service *user_service_of(struct station *s);
struct user *user_find(struct station *s, const char *name);
/* May this user act now? Enabled and not expired. */
bool user_may_act(const struct user *u);
/* Fills the actor that u is. */
void user_fill_actor(const struct user *u, const char *via, struct actor *out);

/* BLAKE2b-256 of a secret text, as hex. */
void secret_hash(const char *text, char out[HASH_TEXT]);

/* Makes or checks an argon2id hash on libuv's pool, at most two at once. done runs on the engine thread; hash is borrowed,
 * NULL when a check failed. */
typedef void hashed(void *context, bool ok, const char *hash);
void password_make(struct user_service *service, const char *password, hashed *done, void *context);
void password_verify(struct user_service *service, const char *password, const char *hash, hashed *done, void *context);
/* 0 or a sentence on what a password must be. */
int password_check(const char *password, struct err *e);

/* Microseconds that this key must wait; 0: none. A failure is counted; a success forgives. */
int64_t throttle_wait(struct user_service *service, const char *key);
void throttle_failed(struct user_service *service, const char *key);
void throttle_forgive(struct user_service *service, const char *key);

/* A new session: durable before done is called with the cookie value. */
void session_make(struct user_service *service, const struct user *u, const char *from, const char *agent, user_done *done, void *context);
/* Ends the sessions of a user (all, or all but keep's hash): after a change of password or role. */
void sessions_end_of(struct user_service *service, const char *user, struct store_tx *tx);
void tokens_end_of(struct user_service *service, const char *user, struct store_tx *tx);
void sessions_load(struct user_service *service);
void sessions_free(struct user_service *service);

#endif
