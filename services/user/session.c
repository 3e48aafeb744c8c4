/* SPDX-License-Identifier: Apache-2.0
 * Sessions and tokens: random values that only their holder knows; the station keeps their hash. Both are in memory for
 * each request and in the store for a restart. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "services/user/user_inside.h"
#include "station/audit.h"
#include "station/log.h"
#include "station/must.h"

#define TOKEN_PREFIX "belfry_"
enum { SESSIONS_MAX = 1000, TOUCH_US = 60000000 };

static const struct slot session_slots[] = {
	SLOT(struct session_record, hash, STRING, .flags = SLOT_REQUIRED, .doc = "BLAKE2b of the cookie's value."),
	SLOT(struct session_record, user, STRING, .doc = "Whose session."),
	SLOT(struct session_record, csrf, STRING, .doc = "Value of the header that changes must carry."),
	SLOT(struct session_record, address, STRING, .doc = "Where the login came from."),
	SLOT(struct session_record, agent, STRING, .facets = FACETS(.maxLength = 400), .doc = "The browser, as it names itself."),
	SLOT(struct session_record, created, ABSTIME, .doc = "When the session began."),
	SLOT(struct session_record, lastUsed, ABSTIME, .doc = "When it was last used, to the minute."),
	SLOT_END,
};
const struct record_kind session_kind = { "session", "Sessions of people.", sizeof(struct session_record), session_slots, false };

static const struct slot token_slots[] = {
	SLOT(struct token_record, hash, STRING, .flags = SLOT_REQUIRED, .doc = "BLAKE2b of the token."),
	SLOT(struct token_record, user, STRING, .doc = "Whose rights it has."),
	SLOT(struct token_record, name, STRING, .doc = "What it is for."),
	SLOT(struct token_record, created, ABSTIME, .doc = "When it was made."),
	SLOT(struct token_record, expires, ABSTIME, .doc = "When it ends; null: never."),
	SLOT_END,
};
const struct record_kind token_kind = { "token", "Bearer tokens of programs.", sizeof(struct token_record), token_slots, false };

void secret_hash(const char *text, char out[HASH_TEXT])
{
	unsigned char hash[crypto_generichash_BYTES];
	crypto_generichash(hash, sizeof hash, (const unsigned char *)text, strlen(text), NULL, 0);
	sodium_bin2hex(out, HASH_TEXT, hash, sizeof hash);
}

/* --- sessions ------------------------------------------------------------------------------------------------------ */

static void remove_session(struct user_service *service, size_t i)
{
	record_finish(&session_kind, &service->sessions[i]);
	service->sessions[i] = service->sessions[--service->session_count];
}

static bool session_over(const struct user_service *service, const struct session_record *r, int64_t now)
{
	return now - r->lastUsed.us > service->defaultAutoLogoffPeriod.us || now - r->created.us > service->absoluteLogoff.us ||
	       r->created.us > now + TOUCH_US; /* a clock set back does not make a session live longer */
}

static void forget_session(struct user_service *service, size_t i)
{
	struct store_tx *tx = store_tx_new();
	store_tx_delete(tx, &session_kind, &service->sessions[i]);
	store_commit(service->c.station->store, tx, NULL, NULL);
	remove_session(service, i);
}

static size_t find_session(const struct user_service *service, const char *cookie)
{
	char hash[HASH_TEXT];
	secret_hash(cookie, hash);
	size_t i = 0;
	while (i < service->session_count && strcmp(service->sessions[i].hash, hash) != 0)
		i++;
	return i;
}

/* The disk hears of a use once a minute: a session survives a restart, and a reader costs no write. */
static void touch(struct user_service *service, struct session_record *r, int64_t now)
{
	if (now - r->lastUsed.us < TOUCH_US)
		return;
	r->lastUsed.us = now;
	struct store_tx *tx = store_tx_new();
	store_tx_put(tx, &session_kind, r);
	store_commit(service->c.station->store, tx, NULL, NULL);
}

int user_resolve_session(struct station *s, const char *cookie, struct actor *out, const char **csrf)
{
	struct user_service *service = user_service_of(s);
	if (!service)
		return E_UNAUTHORIZED;
	size_t i = find_session(service, cookie);
	if (i == service->session_count)
		return E_UNAUTHORIZED;
	struct session_record *r = &service->sessions[i];
	const struct user *u = user_find(s, r->user);
	int64_t now = station_now(s);
	if (session_over(service, r, now) || !u || !user_may_act(u)) {
		forget_session(service, i);
		return E_UNAUTHORIZED;
	}
	touch(service, r, now);
	user_fill_actor(u, "session", out);
	*csrf = r->csrf;
	return 0;
}

bool user_session_lives(struct station *s, const char *cookie)
{
	struct user_service *service = user_service_of(s);
	size_t i = service ? find_session(service, cookie) : 0;
	return service && i < service->session_count && !session_over(service, &service->sessions[i], station_now(s));
}

/* A session on its way to the disk. */
struct making {
	struct station *station;
	struct session_record record;
	char *cookie;          /* owned, wiped */
	user_done *done;
	void *context;
};

static void session_made(void *context, int code, const struct err *e)
{
	struct making *m = context;
	struct user_service *service = user_service_of(m->station);
	if (code == 0 && service) {
		service->sessions = must_realloc(service->sessions, (service->session_count + 1) * sizeof *service->sessions);
		service->sessions[service->session_count++] = m->record;
	} else {
		record_finish(&session_kind, &m->record);
	}
	m->done(m->context, code, e, code == 0 ? m->cookie : NULL);
	explicit_bzero(m->cookie, strlen(m->cookie));
	free(m->cookie);
	free(m);
}

void session_make(struct user_service *service, const struct user *u, const char *from, const char *agent, user_done *done, void *context)
{
	struct station *s = service->c.station;
	struct making *m = must_alloc(sizeof *m);
	char hash[HASH_TEXT];
	if (service->session_count >= SESSIONS_MAX)
		forget_session(service, 0);
	*m = (struct making){ .station = s, .cookie = secret_random_hex(32), .done = done, .context = context };
	secret_hash(m->cookie, hash);
	int64_t now = station_now(s);
	m->record = (struct session_record){ .hash = must_strdup(hash), .user = must_strdup(u->c.name), .csrf = secret_random_hex(16),
		                                 .address = must_strdup(from), .agent = must_strndup(agent ? agent : "", 400),
		                                 .created = { now }, .lastUsed = { now } };
	struct store_tx *tx = store_tx_new();
	struct actor actor;
	user_fill_actor(u, "session", &actor);
	snprintf(actor.from, sizeof actor.from, "%s", from);
	store_tx_put(tx, &session_kind, &m->record);
	audit_write(s, tx, &actor, "login", u->c.name, NULL, NULL, NULL, NULL);
	store_commit(s->store, tx, session_made, m);
}

/* Ends a log-out: answers when the session is gone from the disk. */
struct ending {
	user_done *done;
	void *context;
};

static void session_ended(void *context, int code, const struct err *e)
{
	struct ending *end = context;
	end->done(end->context, code, e, NULL);
	free(end);
}

void user_log_out(struct station *s, const char *cookie, const struct actor *actor, user_done *done, void *context)
{
	struct user_service *service = user_service_of(s);
	struct ending *end = must_alloc(sizeof *end);
	*end = (struct ending){ done, context };
	struct store_tx *tx = store_tx_new();
	size_t i = service ? find_session(service, cookie) : 0;
	if (service && i < service->session_count) {
		store_tx_delete(tx, &session_kind, &service->sessions[i]);
		remove_session(service, i);
	}
	audit_write(s, tx, actor, "logout", actor->user, NULL, NULL, NULL, NULL);
	store_commit(s->store, tx, session_ended, end);
}

void sessions_end_of(struct user_service *service, const char *user, struct store_tx *tx)
{
	for (size_t i = service->session_count; i-- > 0;) {
		if (strcmp(service->sessions[i].user, user) != 0)
			continue;
		store_tx_delete(tx, &session_kind, &service->sessions[i]);
		remove_session(service, i);
	}
}

/* --- tokens -------------------------------------------------------------------------------------------------------- */

int user_resolve_token(struct station *s, const char *token, struct actor *out)
{
	struct user_service *service = user_service_of(s);
	if (!service || strncmp(token, TOKEN_PREFIX, strlen(TOKEN_PREFIX)) != 0)
		return E_UNAUTHORIZED;
	char hash[HASH_TEXT];
	secret_hash(token, hash);
	for (size_t i = 0; i < service->token_count; i++) {
		const struct token_record *t = &service->tokens[i];
		if (strcmp(t->hash, hash) != 0)
			continue;
		const struct user *u = user_find(s, t->user);
		bool over = t->expires.us != ABSTIME_NULL && station_now(s) > t->expires.us;
		if (over || !u || !user_may_act(u))
			return E_UNAUTHORIZED;
		user_fill_actor(u, "token", out);
		return 0;
	}
	return E_UNAUTHORIZED;
}

struct token_making {
	struct station *station;
	struct token_record record;
	char *token;           /* owned, wiped */
	user_done *done;
	void *context;
};

static void token_made(void *context, int code, const struct err *e)
{
	struct token_making *m = context;
	struct user_service *service = user_service_of(m->station);
	if (code == 0 && service) {
		service->tokens = must_realloc(service->tokens, (service->token_count + 1) * sizeof *service->tokens);
		service->tokens[service->token_count++] = m->record;
	} else {
		record_finish(&token_kind, &m->record);
	}
	m->done(m->context, code, e, code == 0 ? m->token : NULL);
	explicit_bzero(m->token, strlen(m->token));
	free(m->token);
	free(m);
}

void user_token_add(struct station *s, const struct actor *actor, const char *user, const char *label, int days, user_done *done, void *context)
{
	struct err e = { 0 };
	if (!user_find(s, user) || !user_service_of(s))
		err_set(&e, E_NOT_FOUND, "user", "There is no user named \"%.60s\".", user);
	else if (*label == '\0' || strlen(label) > 100)
		err_set(&e, E_INVALID, "name", "A token needs a label of 1 to 100 characters that says what it is for.");
	else if (days < 0 || days > 36500)
		err_set(&e, E_INVALID, "expires", "A token ends after 1 to 36500 days, or never (0).");
	if (e.code) {
		done(context, e.code, &e, NULL);
		return;
	}
	struct token_making *m = must_alloc(sizeof *m);
	char hash[HASH_TEXT], *random = secret_random_hex(32);
	*m = (struct token_making){ .station = s, .token = must_format(TOKEN_PREFIX "%s", random), .done = done, .context = context };
	explicit_bzero(random, strlen(random));
	free(random);
	secret_hash(m->token, hash);
	int64_t now = station_now(s);
	m->record = (struct token_record){ .hash = must_strdup(hash), .user = must_strdup(user), .name = must_strdup(label), .created = { now },
		                               .expires = { days ? now + days * 86400 * SECOND_US : ABSTIME_NULL } };
	struct store_tx *tx = store_tx_new();
	store_tx_put(tx, &token_kind, &m->record);
	audit_write(s, tx, actor, "tokenAdded", user, NULL, NULL, label, NULL);
	store_commit(s->store, tx, token_made, m);
}

void tokens_end_of(struct user_service *service, const char *user, struct store_tx *tx)
{
	for (size_t i = service->token_count; i-- > 0;) {
		if (strcmp(service->tokens[i].user, user) != 0)
			continue;
		store_tx_delete(tx, &token_kind, &service->tokens[i]);
		record_finish(&token_kind, &service->tokens[i]);
		service->tokens[i] = service->tokens[--service->token_count];
	}
}

/* --- life ---------------------------------------------------------------------------------------------------------- */

static int load_session(void *context, void *record)
{
	struct user_service *service = context;
	service->sessions = must_realloc(service->sessions, (service->session_count + 1) * sizeof *service->sessions);
	record_copy(&session_kind, &service->sessions[service->session_count++], record);
	return 0;
}

static int load_token(void *context, void *record)
{
	struct user_service *service = context;
	service->tokens = must_realloc(service->tokens, (service->token_count + 1) * sizeof *service->tokens);
	record_copy(&token_kind, &service->tokens[service->token_count++], record);
	return 0;
}

void sessions_load(struct user_service *service)
{
	struct store *store = service->c.station->store;
	struct err e = { 0 };
	if (store->impl->scan(store, &session_kind, load_session, service, &e) != 0 ||
	    store->impl->scan(store, &token_kind, load_token, service, &e) != 0)
		log_error("sessions and tokens could not be read: %s", e.text);
}

void sessions_free(struct user_service *service)
{
	while (service->session_count)
		remove_session(service, 0);
	free(service->sessions);
	while (service->token_count)
		record_finish(&token_kind, &service->tokens[--service->token_count]);
	free(service->tokens);
}
