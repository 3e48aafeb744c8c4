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
int user_resolve_token(struct station *s, const char *token, struct actor *out);
/* Is the session still good? Does not count as a use. */
bool user_session_lives(struct station *s, const char *cookie);

/* The end of a request: text is what is handed out once (cookie, token), or NULL; borrowed. */
typedef void user_done(void *context, int code, const struct err *e, const char *text);

/* Log in: checks the password, makes a session, gives its cookie value as text. Throttled per user and address; unknown
 * users cost the same as known ones. from is the peer's address, agent what the browser calls itself (or NULL). */
void user_log_in(struct station *s, const char *name, const char *password, const char *from, const char *agent,
                 user_done *done, void *context);
/* Is it really them? Checks the actor's own password, throttled as a login is; text is NULL. */
void user_check_password(struct station *s, const struct actor *actor, const char *password, user_done *done,
                         void *context);
/* Did this session begin within the last five minutes? */
bool user_session_is_fresh(struct station *s, const char *cookie);
void user_log_out(struct station *s, const char *cookie, const struct actor *actor, user_done *done, void *context);

/* Makes a user (E_CONFLICT when the name is taken), gives a user another password (all its sessions end), through the
 * sheet, as the actor. role is "admin", "operator" or "viewer"; the password as station/password.h wants it. */
void user_add(struct station *s, const struct actor *actor, const char *name, const char *role, const char *email,
              const char *password, user_done *done, void *context);
void user_set_password(struct station *s, const struct actor *actor, const char *name, const char *password,
                       user_done *done, void *context);
/* Makes a bearer token for a user; expires in days, 0: never. text is the token. */
void user_token_add(struct station *s, const struct actor *actor, const char *user, const char *label, int days,
                    user_done *done, void *context);

/* First start. user_any: is there a user? user_setup_link: owned "https://ADDRESS/setup#TOKEN" when there is none, else
 * NULL; the token is good once, for an hour. user_set_up makes the first administrator with it and logs in (text: cookie). */
struct first_user {
	const char *token, *name, *password, *email;
};
bool user_any(struct station *s);
char *user_setup_link(struct station *s, const char *address);
void user_set_up(struct station *s, const struct first_user *first, const char *from, const char *agent,
                 user_done *done, void *context);

/* Who am I, as REST gives it: {user, permissions, csrf, station}. New reference. */
json_t *user_session_json(struct station *s, const struct actor *actor, const char *csrf);
/* Sessions and tokens of the actor, an administrator's of everybody: lists of objects, new references; cookie marks the
 * actor's own session (NULL: none). user_token_json: the row of a token just made. */
json_t *user_sessions_json(struct station *s, const struct actor *actor, const char *cookie);
json_t *user_tokens_json(struct station *s, const struct actor *actor);
json_t *user_token_json(struct station *s, const char *token);
/* Ends one by the id of its row; E_NOT_FOUND when the actor may not see it. */
void user_session_end(struct station *s, const struct actor *actor, const char *id, user_done *done, void *context);
void user_token_end(struct station *s, const struct actor *actor, const char *id, user_done *done, void *context);

#endif
