/* SPDX-License-Identifier: Apache-2.0
 * Bearer tokens of programs: "belfry_" and 256 random bits, shown once; the station keeps the hash. A token has the
 * rights of its user, at any moment, and may end by itself. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "services/user/user_inside.h"
#include "station/base/must.h"
#include "station/sheet/audit.h"

#define TOKEN_PREFIX "belfry_"
enum { TOKENS_MAX = 1000, LABEL_MAX = 100, DAYS_MAX = 36500 };

static const struct slot token_slots[] = {
	SLOT(struct token_record, hash, STRING, .flags = SLOT_REQUIRED, .doc = "BLAKE2b of the token."),
	SLOT(struct token_record, user, INTEGER, .doc = "Whose rights it has: the handle of the user."),
	SLOT(struct token_record, name, STRING, .doc = "What it is for."),
	SLOT(struct token_record, created, ABSTIME, .doc = "When it was made."),
	SLOT(struct token_record, expires, ABSTIME, .doc = "When it ends; null: never."),
	SLOT(struct token_record, lastUsed, ABSTIME, .doc = "When it was last used, to the minute; null: never."),
	SLOT_END,
};
const struct record_kind token_kind = { "token", "Bearer tokens of programs.", sizeof(struct token_record), token_slots,
	                                    false };

static struct token_record *append(struct user_service *service)
{
	service->tokens = must_realloc(service->tokens, (service->token_count + 1) * sizeof *service->tokens);
	return &service->tokens[service->token_count++];
}

static void drop(struct user_service *service, size_t i)
{
	record_finish(&token_kind, &service->tokens[i]);
	service->tokens[i] = service->tokens[--service->token_count];
}

static bool over(const struct token_record *t, int64_t now)
{
	return t->expires.us != ABSTIME_NULL && now > t->expires.us;
}

/* --- using --------------------------------------------------------------------------------------------------------- */

static void touch(struct station *s, struct token_record *t)
{
	int64_t now = station_now(s);
	if (t->lastUsed.us != ABSTIME_NULL && now - t->lastUsed.us < TOUCH_US)
		return;
	t->lastUsed.us = now;
	struct store_tx *tx = store_tx_new();
	store_tx_put(tx, &token_kind, t);
	store_commit(s->store, tx, NULL, NULL);
}

int user_resolve_token(struct station *s, const char *token, struct actor *out)
{
	struct user_service *service = user_service_of(s);
	char hash[HASH_TEXT];
	if (!service || strncmp(token, TOKEN_PREFIX, strlen(TOKEN_PREFIX)) != 0)
		return E_UNAUTHORIZED;
	secret_hash(token, hash);
	for (size_t i = 0; i < service->token_count; i++) {
		struct token_record *t = &service->tokens[i];
		if (strcmp(t->hash, hash) != 0)
			continue;
		const struct user *u = user_by_handle(s, t->user);
		if (over(t, station_now(s)) || !u || !user_may_act(u))
			return E_UNAUTHORIZED;
		touch(s, t);
		user_fill_actor(u, "token", out);
		return 0;
	}
	return E_UNAUTHORIZED;
}

/* --- making and ending ----------------------------------------------------------------------------------------------- */

struct making {
	struct station *station;
	struct token_record record;
	char *token; /* owned, wiped */
	user_done *done;
	void *context;
};

static void token_made(void *context, int code, const struct err *e)
{
	struct making *m = context;
	struct user_service *service = user_service_of(m->station);
	if (code == 0 && service)
		*append(service) = m->record;
	else
		record_finish(&token_kind, &m->record);
	m->done(m->context, code, e, code == 0 ? m->token : NULL);
	explicit_bzero(m->token, strlen(m->token));
	free(m->token);
	free(m);
}

static int check(struct station *s, const char *user, const char *label, int days, struct err *e)
{
	const struct user_service *service = user_service_of(s);
	if (!service || !user_find(s, user))
		return err_set(e, E_NOT_FOUND, "user", "There is no user named \"%.60s\".", user);
	if (*label == '\0' || strlen(label) > LABEL_MAX)
		return err_set(e, E_INVALID, "name", "A token needs a label of 1 to %d characters that says what it is for.",
		               LABEL_MAX);
	if (days < 0 || days > DAYS_MAX)
		return err_set(e, E_INVALID, "days", "A token ends after 1 to %d days, or never (0).", DAYS_MAX);
	if (service->token_count >= TOKENS_MAX)
		return err_set(e, E_CONFLICT, NULL, "There are %d tokens; delete those that nobody uses.", TOKENS_MAX);
	return 0;
}

void user_token_add(struct station *s, const struct actor *actor, const char *user, const char *label, int days,
                    user_done *done, void *context)
{
	struct err e = { 0 };
	if (check(s, user, label, days, &e) != 0) {
		done(context, e.code, &e, NULL);
		return;
	}
	struct making *m = must_alloc(sizeof *m);
	char hash[HASH_TEXT], *random = secret_random_hex(32);
	*m = (struct making){
		.station = s, .token = must_format(TOKEN_PREFIX "%s", random), .done = done, .context = context
	};
	explicit_bzero(random, strlen(random));
	free(random);
	secret_hash(m->token, hash);
	int64_t now = station_now(s);
	m->record = (struct token_record){ .hash = must_strdup(hash),
		                               .user = (int64_t)user_find(s, user)->c.handle,
		                               .name = must_strdup(label),
		                               .created = { now },
		                               .lastUsed = { ABSTIME_NULL },
		                               .expires = { days ? now + days * 86400 * SECOND_US : ABSTIME_NULL } };
	struct store_tx *tx = store_tx_new();
	store_tx_put(tx, &token_kind, &m->record);
	audit_write(s, tx, actor, "tokenAdded", user, NULL, NULL, label, NULL);
	store_commit(s->store, tx, token_made, m);
}

void user_token_end(struct station *s, const struct actor *actor, const char *id, user_done *done, void *context)
{
	struct user_service *service = user_service_of(s);
	for (size_t i = 0; service && i < service->token_count && strlen(id) == ID_TEXT - 1; i++) {
		struct token_record *t = &service->tokens[i];
		const struct user *u = user_by_handle(s, t->user);
		if (strncmp(t->hash, id, ID_TEXT - 1) != 0 || !u ||
		    (actor->role != ROLE_ADMIN && strcmp(actor->user, u->c.name) != 0))
			continue;
		struct store_tx *tx = store_tx_new();
		store_tx_delete(tx, &token_kind, t);
		audit_write(s, tx, actor, "tokenRemoved", u->c.name, NULL, t->name, NULL, NULL);
		drop(service, i);
		store_commit(s->store, tx, ending_done, ending_new(done, context));
		return;
	}
	struct err e;
	err_set(&e, E_NOT_FOUND, NULL, "There is no such token of yours.");
	done(context, e.code, &e, NULL);
}

void tokens_end_of(struct user_service *service, const struct user *u, struct store_tx *tx)
{
	for (size_t i = service->token_count; i-- > 0;) {
		if (service->tokens[i].user != (int64_t)u->c.handle)
			continue;
		store_tx_delete(tx, &token_kind, &service->tokens[i]);
		drop(service, i);
	}
}

/* --- for people ------------------------------------------------------------------------------------------------------ */

static json_t *time_json(int64_t us)
{
	char text[ABSTIME_TEXT_MAX];
	return us == ABSTIME_NULL ? json_null() : json_string(abstime_print(us, text));
}

static json_t *token_json(const struct token_record *t, const struct user *u)
{
	return json_pack("{s:s%, s:s, s:s, s:o, s:o, s:o}", "id", t->hash, (size_t)ID_TEXT - 1, "user", u->c.name, "name",
	                 t->name, "created", time_json(t->created.us), "expires", time_json(t->expires.us), "lastUsed",
	                 time_json(t->lastUsed.us));
}

json_t *user_tokens_json(struct station *s, const struct actor *actor)
{
	struct user_service *service = user_service_of(s);
	json_t *items = json_array();
	for (size_t i = 0; service && i < service->token_count; i++) {
		const struct user *u = user_by_handle(s, service->tokens[i].user);
		if (u && (actor->role == ROLE_ADMIN || strcmp(actor->user, u->c.name) == 0))
			json_array_append_new(items, token_json(&service->tokens[i], u));
	}
	return items;
}

json_t *user_token_json(struct station *s, const char *token)
{
	struct user_service *service = user_service_of(s);
	char hash[HASH_TEXT];
	secret_hash(token, hash);
	for (size_t i = 0; service && i < service->token_count; i++) {
		const struct user *u = user_by_handle(s, service->tokens[i].user);
		if (u && strcmp(service->tokens[i].hash, hash) == 0)
			return token_json(&service->tokens[i], u);
	}
	return json_object();
}

/* --- life ---------------------------------------------------------------------------------------------------------- */

static int load(void *context, void *record)
{
	struct token_record *t = append(context);
	*t = (struct token_record){ 0 };
	record_copy(&token_kind, t, record);
	return 0;
}

int tokens_load(struct user_service *service, struct err *e)
{
	struct store *store = service->c.station->store;
	return store->impl->scan(store, &token_kind, load, service, e);
}

void tokens_free(struct user_service *service)
{
	while (service->token_count)
		drop(service, 0);
	free(service->tokens);
}
