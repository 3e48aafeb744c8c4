/* SPDX-License-Identifier: Apache-2.0
 * People and programs: users, their sessions and tokens. Cookies and tokens are random, kept only as hashes; passwords
 * only as argon2id hashes, computed off the engine thread. Everything here is called on the engine thread. */
#ifndef BELFRY_USER_H
#define BELFRY_USER_H

#include "station/station.h"

extern const struct type user_service_type, user_type;

/* Resolves a cookie value or a bearer token. 0 fills *out (role, user, via; not from) and, for a session, *csrf (borrowed,
 * until the engine's next message); else E_UNAUTHORIZED. A session's idle time starts anew. */
int user_resolve_session(struct station *s, const char *cookie, struct actor *out, const char **csrf);
/* Is the session still good? Does not count as a use. */
bool user_session_lives(struct station *s, const char *cookie);
int user_resolve_token(struct station *s, const char *token, struct actor *out);

/* The end of a request: text is what is handed out once (cookie, token), or NULL; borrowed. */
typedef void user_done(void *context, int code, const struct err *e, const char *text);

/* Log in: checks the password, makes a session, gives its cookie value as text. Throttled per user and address; unknown
 * users cost the same as known ones. from is the peer's address. */
void user_log_in(struct station *s, const char *name, const char *password, const char *from, const char *agent, user_done *done, void *context);
void user_log_out(struct station *s, const char *cookie, const struct actor *actor, user_done *done, void *context);

/* Makes a user (E_CONFLICT when the name is taken), gives a user another password (all its sessions end). role is
 * "admin", "operator" or "viewer". The password has PASSWORD_MIN to PASSWORD_MAX bytes. */
enum { PASSWORD_MIN = 8, PASSWORD_ADVISED = 12, PASSWORD_MAX = 256 };
void user_add(struct station *s, const struct actor *actor, const char *name, const char *role, const char *email,
              const char *password, user_done *done, void *context);
void user_set_password(struct station *s, const struct actor *actor, const char *name, const char *password, user_done *done, void *context);
/* Makes a bearer token for a user; expires in days, 0: never. text is the token. */
void user_token_add(struct station *s, const struct actor *actor, const char *user, const char *label, int days, user_done *done, void *context);

/* First start. user_any: is there a user? user_setup_link: owned "https://ADDRESS/setup#TOKEN" when there is none, else
 * NULL; the token is good once, for an hour. user_set_up makes the first administrator with it and logs in (text: cookie). */
bool user_any(struct station *s);
char *user_setup_link(struct station *s, const char *address);
void user_set_up(struct station *s, const char *token, const char *name, const char *password, const char *email, const char *from,
                 user_done *done, void *context);

/* Who am I, as REST gives it: {user, permissions, csrf, station}. New reference. */
json_t *user_session_json(struct station *s, const struct actor *actor, const char *csrf);

#endif
