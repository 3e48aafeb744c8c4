/* SPDX-License-Identifier: Apache-2.0
 * The inside of the user service, shared by its files: user_service.c (types, adding users), session.c, token.c,
 * throttle.c, log_in.c (log in, first start). Engine thread. */
#ifndef BELFRY_USER_INSIDE_H
#define BELFRY_USER_INSIDE_H

#include <sodium.h>

#include "services/user/user.h"

enum { HASH_TEXT = 2 * 32 + 1, STAMP_TEXT = 2 * 16 + 1, ID_TEXT = 16 + 1 };
enum { TOUCH_US = 60000000 }; /* the disk hears of a use once a minute */

/* Whoever a session or token belongs to is kept as the handle of the user, which survives renaming and is never reused. */
struct session_record {
	char *hash, *stamp, *csrf, *address, *agent;
	int64_t user;
	struct abstime created, lastUsed;
	int64_t stored; /* lastUsed on the disk; no slot */
};
struct token_record {
	char *hash, *name;
	int64_t user;
	struct abstime created, expires, lastUsed;
};
extern const struct record_kind session_kind, token_kind;

struct user_service {
	struct component c;
	bool lockOutEnabled;
	int64_t maxBadLogins;
	struct reltime lockOutPeriod, lockOutWindow, defaultAutoLogoffPeriod, absoluteLogoff;
	/* not slots */
	struct session_record *sessions; /* owned array */
	size_t session_count;
	struct token_record *tokens; /* owned array */
	size_t token_count;
	struct throttle *throttles; /* owned */
	char setup_hash[HASH_TEXT]; /* of the one-time link; empty: none */
	int64_t setup_until;        /* monotonic */
	bool setting_up, loaded;
};

struct user {
	struct component c;
	char *fullName, *email;
	struct secret password; /* sealed argon2id hash */
	bool enabled;
	struct abstime expiration;
	int role; /* enum role */
};

/* The service, and a user by name; NULL when the station has none. Borrowed. */
struct user_service *user_service_of(struct station *s);
struct user *user_find(struct station *s, const char *name);
struct user *user_by_handle(struct station *s, int64_t handle);
/* May this user act now? Enabled and not expired. */
bool user_may_act(const struct user *u);
/* Fills the actor that u is. */
void user_fill_actor(const struct user *u, const char *via, struct actor *out);
/* What a session was opened with: changes with the password, the role and the user. */
void user_stamp(const struct user *u, char out[STAMP_TEXT]);

/* BLAKE2b-256 of a secret text, as hex. */
void secret_hash(const char *text, char out[HASH_TEXT]);

/* throttle.c. An attempt to log in counts as failed from its beginning, so that a hundred at once are no way round.
 * throttle_begin: microseconds to wait, then nothing was counted; 0: go on. throttle_succeeded forgives it;
 * throttle_undo takes an attempt back that was never decided. throttle_wait: what the next attempt would have to wait. */
int64_t throttle_begin(struct user_service *service, const char *user, const char *from);
int64_t throttle_wait(struct user_service *service, const char *user, const char *from);
void throttle_succeeded(struct user_service *service, const char *user, const char *from);
void throttle_undo(struct user_service *service, const char *user, const char *from);
/* Forgets all that was counted against a user. */
void throttle_clear(struct user_service *service, const char *user);
void throttles_free(struct user_service *service);

/* session.c. A new session: durable before done is called with the cookie value. stamp: what was proved. */
void session_make(struct user_service *service, const struct user *u, const char *stamp, const char *from,
                  const char *agent, user_done *done, void *context);
/* Ends the sessions of a user: after a change of password or role. */
void sessions_end_of(struct user_service *service, const struct user *u, struct store_tx *tx);
int sessions_load(struct user_service *service, struct err *e);
void sessions_free(struct user_service *service);

/* token.c */
void tokens_end_of(struct user_service *service, const struct user *u, struct store_tx *tx);
int tokens_load(struct user_service *service, struct err *e);
void tokens_free(struct user_service *service);

/* What a transaction's end does with a user_done: `store_commit(store, tx, ending_done, ending_new(done, context))`. */
struct ending;
struct ending *ending_new(user_done *done, void *context);
void ending_done(void *ending, int code, const struct err *e);

#endif
