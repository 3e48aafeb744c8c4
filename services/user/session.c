/* SPDX-License-Identifier: Apache-2.0
 * Sessions: a random cookie that only the browser knows; the station keeps its hash, in memory for each request and in
 * the store for a restart. A session carries a stamp of the password and role it was opened with: when either changes,
 * the session is dead, whatever happens to its record. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "services/user/user_inside.h"
#include "station/base/must.h"
#include "station/sheet/audit.h"

enum { SESSIONS_MAX = 1000 };

static const struct slot session_slots[] = {
	SLOT(struct session_record, hash, STRING, .flags = SLOT_REQUIRED, .doc = "BLAKE2b of the cookie's value."),
	SLOT(struct session_record, user, INTEGER, .doc = "Whose session: the handle of the user."),
	SLOT(struct session_record, stamp, STRING, .doc = "Hash of the password and role that opened it."),
	SLOT(struct session_record, csrf, STRING, .doc = "Value of the header that changes must carry."),
	SLOT(struct session_record, address, STRING, .doc = "Where the login came from."),
	SLOT(struct session_record, agent, STRING, .facets = FACETS(.maxLength = 400),
	     .doc = "The browser, as it names itself."),
	SLOT(struct session_record, created, ABSTIME, .doc = "When the session began."),
	SLOT(struct session_record, lastUsed, ABSTIME, .doc = "When it was last used, to the minute."),
	SLOT_END,
};
const struct record_kind session_kind = { "session", "Sessions of people.", sizeof(struct session_record),
	                                      session_slots, false };

void secret_hash(const char *text, char out[HASH_TEXT])
{
	unsigned char hash[crypto_generichash_BYTES];
	crypto_generichash(hash, sizeof hash, (const unsigned char *)text, strlen(text), NULL, 0);
	sodium_bin2hex(out, HASH_TEXT, hash, sizeof hash);
}

/* --- the list ------------------------------------------------------------------------------------------------------ */

static struct session_record *append(struct user_service *service)
{
	service->sessions = must_realloc(service->sessions, (service->session_count + 1) * sizeof *service->sessions);
	return &service->sessions[service->session_count++];
}

static void drop(struct user_service *service, size_t i)
{
	record_finish(&session_kind, &service->sessions[i]);
	service->sessions[i] = service->sessions[--service->session_count];
}

static size_t find(const struct user_service *service, const char *cookie)
{
	char hash[HASH_TEXT];
	size_t i = 0;
	secret_hash(cookie, hash);
	while (i < service->session_count && strcmp(service->sessions[i].hash, hash) != 0)
		i++;
	return i;
}

/* The user of a session that is good; NULL when it is over. */
static const struct user *holder(const struct user_service *service, const struct session_record *r)
{
	struct station *s = service->c.station;
	const struct user *u = user_by_handle(s, r->user);
	int64_t now = station_now(s);
	char stamp[STAMP_TEXT];
	if (!u || !user_may_act(u))
		return NULL;
	user_stamp(u, stamp);
	bool over = now - r->lastUsed.us > service->defaultAutoLogoffPeriod.us ||
	    now - r->created.us > service->absoluteLogoff.us ||
	    r->created.us > now + TOUCH_US; /* a clock set back does not make a session live longer */
	return over || strcmp(stamp, r->stamp) != 0 ? NULL : u;
}

/* Ends what is over; and when there are too many, the one used longest ago. */
static void prune(struct user_service *service, struct store_tx *tx)
{
	size_t oldest = 0;
	for (size_t i = service->session_count; i-- > 0;) {
		if (holder(service, &service->sessions[i]))
			continue;
		store_tx_delete(tx, &session_kind, &service->sessions[i]);
		drop(service, i);
	}
	for (size_t i = 1; i < service->session_count; i++)
		if (service->sessions[i].lastUsed.us < service->sessions[oldest].lastUsed.us)
			oldest = i;
	if (service->session_count < SESSIONS_MAX)
		return;
	store_tx_delete(tx, &session_kind, &service->sessions[oldest]);
	drop(service, oldest);
}

void sessions_end_of(struct user_service *service, const struct user *u, struct store_tx *tx)
{
	for (size_t i = service->session_count; i-- > 0;) {
		if (service->sessions[i].user != (int64_t)u->c.handle)
			continue;
		store_tx_delete(tx, &session_kind, &service->sessions[i]);
		drop(service, i);
	}
}

/* --- using --------------------------------------------------------------------------------------------------------- */

/* A reader costs no write: the disk hears of it once a minute, so that a session survives a restart. */
static void touch(struct user_service *service, struct session_record *r)
{
	r->lastUsed.us = station_now(service->c.station);
	if (r->lastUsed.us - r->stored < TOUCH_US)
		return;
	r->stored = r->lastUsed.us;
	struct store_tx *tx = store_tx_new();
	store_tx_put(tx, &session_kind, r);
	store_commit(service->c.station->store, tx, NULL, NULL);
}

int user_resolve_session(struct station *s, const char *cookie, struct actor *out, const char **csrf)
{
	struct user_service *service = user_service_of(s);
	size_t i = service ? find(service, cookie) : 0;
	if (!service || i == service->session_count)
		return E_UNAUTHORIZED;
	struct session_record *r = &service->sessions[i];
	const struct user *u = holder(service, r);
	if (!u) {
		struct store_tx *tx = store_tx_new();
		store_tx_delete(tx, &session_kind, r);
		store_commit(s->store, tx, NULL, NULL);
		drop(service, i);
		return E_UNAUTHORIZED;
	}
	touch(service, r);
	user_fill_actor(u, "session", out);
	*csrf = r->csrf;
	return 0;
}

bool user_session_is_fresh(struct station *s, const char *cookie)
{
	struct user_service *service = user_service_of(s);
	size_t i = service && cookie ? find(service, cookie) : 0;
	return service && cookie && i < service->session_count &&
	    station_now(s) - service->sessions[i].created.us < 5 * 60 * SECOND_US;
}

bool user_session_lives(struct station *s, const char *cookie)
{
	struct user_service *service = user_service_of(s);
	size_t i = service ? find(service, cookie) : 0;
	return service && i < service->session_count && holder(service, &service->sessions[i]);
}

/* --- beginning and ending -------------------------------------------------------------------------------------------- */

/* A session on its way to the disk. */
struct making {
	struct station *station;
	struct session_record record;
	char *cookie; /* owned, wiped */
	user_done *done;
	void *context;
};

static void session_made(void *context, int code, const struct err *e)
{
	struct making *m = context;
	struct user_service *service = user_service_of(m->station);
	if (code == 0 && service)
		*append(service) = m->record;
	else
		record_finish(&session_kind, &m->record);
	m->done(m->context, code, e, code == 0 ? m->cookie : NULL);
	explicit_bzero(m->cookie, strlen(m->cookie));
	free(m->cookie);
	free(m);
}

void session_make(struct user_service *service, const struct user *u, const char *stamp, const char *from,
                  const char *agent, user_done *done, void *context)
{
	struct station *s = service->c.station;
	struct making *m = must_alloc(sizeof *m);
	char hash[HASH_TEXT];
	*m = (struct making){ .station = s, .cookie = secret_random_hex(32), .done = done, .context = context };
	secret_hash(m->cookie, hash);
	int64_t now = station_now(s);
	m->record = (struct session_record){ .hash = must_strdup(hash),
		                                 .user = (int64_t)u->c.handle,
		                                 .stamp = must_strdup(stamp),
		                                 .csrf = secret_random_hex(16),
		                                 .address = must_strdup(from),
		                                 .agent = must_strndup(agent ? agent : "", 390),
		                                 .created = { now },
		                                 .lastUsed = { now },
		                                 .stored = now };
	struct store_tx *tx = store_tx_new();
	struct actor actor;
	user_fill_actor(u, "session", &actor);
	snprintf(actor.from, sizeof actor.from, "%s", from);
	prune(service, tx);
	store_tx_put(tx, &session_kind, &m->record);
	audit_write(s, tx, &actor, "login", u->c.name, NULL, NULL, NULL, NULL);
	store_commit(s->store, tx, session_made, m);
}

void user_log_out(struct station *s, const char *cookie, const struct actor *actor, user_done *done, void *context)
{
	struct user_service *service = user_service_of(s);
	struct store_tx *tx = store_tx_new();
	size_t i = service ? find(service, cookie) : 0;
	if (service && i < service->session_count) {
		store_tx_delete(tx, &session_kind, &service->sessions[i]);
		drop(service, i);
		audit_write(s, tx, actor, "logout", actor->user, NULL, NULL, NULL, NULL);
	}
	store_commit(s->store, tx, ending_done, ending_new(done, context));
}

/* --- for people ------------------------------------------------------------------------------------------------------ */

json_t *user_sessions_json(struct station *s, const struct actor *actor, const char *cookie)
{
	struct user_service *service = user_service_of(s);
	json_t *items = json_array();
	char own[HASH_TEXT];
	secret_hash(cookie ? cookie : "", own);
	for (size_t i = 0; service && i < service->session_count; i++) {
		const struct session_record *r = &service->sessions[i];
		const struct user *u = holder(service, r);
		char created[ABSTIME_TEXT_MAX], used[ABSTIME_TEXT_MAX];
		if (!u || (actor->role != ROLE_ADMIN && strcmp(actor->user, u->c.name) != 0))
			continue;
		json_array_append_new(items,
		                      json_pack("{s:s%, s:s, s:s, s:s, s:s, s:s, s:b}", "id", r->hash, (size_t)ID_TEXT - 1,
		                                "user", u->c.name, "address", r->address, "agent", r->agent, "created",
		                                abstime_print(r->created.us, created), "lastUsed",
		                                abstime_print(r->lastUsed.us, used), "current", strcmp(r->hash, own) == 0));
	}
	return items;
}

void user_session_end(struct station *s, const struct actor *actor, const char *id, user_done *done, void *context)
{
	struct user_service *service = user_service_of(s);
	for (size_t i = 0; service && i < service->session_count && strlen(id) == ID_TEXT - 1; i++) {
		struct session_record *r = &service->sessions[i];
		const struct user *u = user_by_handle(s, r->user);
		if (strncmp(r->hash, id, ID_TEXT - 1) != 0 || !u ||
		    (actor->role != ROLE_ADMIN && strcmp(actor->user, u->c.name) != 0))
			continue;
		struct store_tx *tx = store_tx_new();
		store_tx_delete(tx, &session_kind, r);
		audit_write(s, tx, actor, "sessionEnded", u->c.name, NULL, NULL, NULL, NULL);
		drop(service, i);
		store_commit(s->store, tx, ending_done, ending_new(done, context));
		return;
	}
	struct err e;
	err_set(&e, E_NOT_FOUND, NULL, "There is no such session of yours.");
	done(context, e.code, &e, NULL);
}

/* --- life ---------------------------------------------------------------------------------------------------------- */

static int load(void *context, void *record)
{
	struct session_record *r = append(context);
	*r = (struct session_record){ 0 };
	record_copy(&session_kind, r, record);
	r->stored = r->lastUsed.us;
	return 0;
}

/* An older database has sessions that have been ended since: none counts. */
static int void_one(void *context, void *record)
{
	store_tx_delete(context, &session_kind, record);
	return 0;
}

int sessions_load(struct user_service *service, struct err *e)
{
	struct store *store = service->c.station->store;
	if (!service->c.station->restored)
		return store->impl->scan(store, &session_kind, load, service, e);
	struct store_tx *tx = store_tx_new();
	int rc = store->impl->scan(store, &session_kind, void_one, tx, e);
	store_commit(store, tx, NULL, NULL);
	return rc;
}

void sessions_free(struct user_service *service)
{
	while (service->session_count)
		drop(service, 0);
	free(service->sessions);
}
