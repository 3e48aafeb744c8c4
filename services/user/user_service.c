/* SPDX-License-Identifier: Apache-2.0
 * The types baja:UserService and baja:User, and how users come into being: from the command line, by the one-time setup
 * link, or as components with the action setPassword. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "services/user/user_inside.h"
#include "station/audit.h"
#include "station/must.h"

static const struct tag role_range[] = {
	{ ROLE_VIEWER, "viewer", "Sees everything but secrets." },
	{ ROLE_OPERATOR, "operator", "Also acknowledges alarms and changes what operators may." },
	{ ROLE_ADMIN, "admin", "May do everything." },
	{ 0, NULL, NULL },
};

struct user_service *user_service_of(struct station *s)
{
	struct component *c = station_service(s, &user_service_type);
	return c ? COMPONENT_AS(c, &user_service_type, struct user_service) : NULL;
}

struct user *user_find(struct station *s, const char *name)
{
	struct user_service *service = user_service_of(s);
	struct component *c = service ? component_child(&service->c, name) : NULL;
	return component_is(c, &user_type) ? COMPONENT_AS(c, &user_type, struct user) : NULL;
}

bool user_may_act(const struct user *u)
{
	return u->enabled && (u->expiration.us == ABSTIME_NULL || station_now(u->c.station) < u->expiration.us);
}

void user_fill_actor(const struct user *u, const char *via, struct actor *out)
{
	*out = (struct actor){ .role = (enum role)u->role };
	snprintf(out->user, sizeof out->user, "%s", u->c.name);
	snprintf(out->via, sizeof out->via, "%s", via);
}

bool user_any(struct station *s)
{
	struct user_service *service = user_service_of(s);
	for (struct component *c = service ? service->c.first : NULL; c; c = c->next)
		if (component_is(c, &user_type) && *COMPONENT_AS(c, &user_type, struct user)->passwordHash.sealed)
			return true;
	return false;
}

/* --- making users and passwords ----------------------------------------------------------------------------------- */

/* A request that needs a hash first and a batch then. */
struct change {
	struct station *station;
	struct actor actor;
	uint64_t user;                        /* 0: to be made */
	char name[NAME_MAX_LENGTH + 1], role[16], email[256];
	user_done *done;
	void *context;
};

static void fail(user_done *done, void *context, const struct err *e)
{
	done(context, e->code, e, NULL);
}

static void batch_ended(void *context, int code, const struct report *report, uint64_t added)
{
	(void)added;
	struct change *c = context;
	struct err e = { 0 };
	if (code != 0)
		report_first(report, &e);
	c->done(c->context, code, &e, NULL);
	free(c);
}

static uint64_t add_user(struct batch *b, struct user_service *service, const struct change *c)
{
	json_t *values = json_pack("{s:s, s:s}", "role", c->role, "email", c->email);
	uint64_t user = values ? batch_add(b, service->c.handle, c->name, user_type.name, values, "/values") : 0;
	json_decref(values);
	return user;
}

static void password_ready(void *context, bool ok, const char *hash)
{
	struct change *c = context;
	struct user_service *service = user_service_of(c->station);
	if (!ok || !service) {
		struct err e;
		err_set(&e, E_BUSY, NULL, "The password could not be hashed: not enough memory. Try again.");
		fail(c->done, c->context, &e);
		free(c);
		return;
	}
	/* The batch is the station's own as far as slots go: nobody else may write a hash. The audit names the actor. */
	struct batch *b = batch_new(c->station, NULL);
	struct value v = { .kind = V_SECRET, .text = must_strdup(hash) };
	uint64_t user = c->user ? c->user : add_user(b, service, c);
	batch_set(b, user, "passwordHash", &v);
	value_clear(&v);
	audit_write(c->station, batch_tx(b), &c->actor, c->user ? "passwordChanged" : "userAdded", c->name, NULL, NULL,
	            c->user ? NULL : c->role, NULL);
	if (c->user)
		sessions_end_of(service, c->name, batch_tx(b));
	batch_submit(b, batch_ended, c);
}

void user_add(struct station *s, const struct actor *actor, const char *name, const char *role, const char *email,
              const char *password, user_done *done, void *context)
{
	struct err e = { 0 };
	bool known = strcmp(role, "admin") == 0 || strcmp(role, "operator") == 0 || strcmp(role, "viewer") == 0;
	if (!user_service_of(s))
		err_set(&e, E_INTERNAL, NULL, "The station has no UserService.");
	else if (name_check(name, &e) == 0 && user_find(s, name))
		err_set(&e, E_CONFLICT, "username", "There is a user named \"%.60s\" already.", name);
	else if (!e.code && !known)
		err_set(&e, E_INVALID, "role", "The role is admin, operator or viewer.");
	else if (!e.code && strlen(email) > 254)
		err_set(&e, E_INVALID, "email", "An address has at most 254 characters.");
	else if (!e.code)
		password_check(password, &e);
	if (e.code) {
		fail(done, context, &e);
		return;
	}
	struct change *c = must_alloc(sizeof *c);
	*c = (struct change){ .station = s, .actor = *actor, .done = done, .context = context };
	snprintf(c->name, sizeof c->name, "%s", name);
	snprintf(c->role, sizeof c->role, "%s", role);
	snprintf(c->email, sizeof c->email, "%s", email);
	password_make(user_service_of(s), password, password_ready, c);
}

void user_set_password(struct station *s, const struct actor *actor, const char *name, const char *password, user_done *done, void *context)
{
	struct err e = { 0 };
	const struct user *u = user_find(s, name);
	if (!u)
		err_set(&e, E_NOT_FOUND, "name", "There is no user named \"%.60s\".", name);
	else
		password_check(password, &e);
	if (e.code) {
		fail(done, context, &e);
		return;
	}
	struct change *c = must_alloc(sizeof *c);
	*c = (struct change){ .station = s, .actor = *actor, .user = u->c.handle, .done = done, .context = context };
	snprintf(c->name, sizeof c->name, "%s", name);
	password_make(user_service_of(s), password, password_ready, c);
}

/* --- the first administrator --------------------------------------------------------------------------------------- */

char *user_setup_link(struct station *s, const char *address)
{
	struct user_service *service = user_service_of(s);
	if (!service || user_any(s))
		return NULL;
	char *token = secret_random_hex(20);
	secret_hash(token, service->setup_hash);
	service->setup_until = clock_mono(&s->clock) + 3600 * SECOND_US;
	char *link = must_format("https://%s/setup#%s", address, token);
	explicit_bzero(token, strlen(token));
	free(token);
	return link;
}

/* Setup is: make the user, then log in. */
struct setup {
	struct station *station;
	char name[NAME_MAX_LENGTH + 1], from[64];
	user_done *done;
	void *context;
};

static void first_user_made(void *context, int code, const struct err *e, const char *text)
{
	(void)text;
	struct setup *setup = context;
	struct user_service *service = user_service_of(setup->station);
	const struct user *u = user_find(setup->station, setup->name);
	if (code != 0 || !u) {
		setup->done(setup->context, code ? code : E_INTERNAL, e, NULL);
	} else {
		explicit_bzero(service->setup_hash, sizeof service->setup_hash);
		session_make(service, u, setup->from, "", setup->done, setup->context);
	}
	free(setup);
}

void user_set_up(struct station *s, const char *token, const char *name, const char *password, const char *email, const char *from,
                 user_done *done, void *context)
{
	struct user_service *service = user_service_of(s);
	struct err e = { 0 };
	char hash[HASH_TEXT];
	secret_hash(token, hash);
	if (!service || user_any(s))
		err_set(&e, E_CONFLICT, NULL, "The station is set up already. Log in, or use belfry user passwd on the machine.");
	else if (!*service->setup_hash || sodium_memcmp(hash, service->setup_hash, HASH_TEXT) != 0)
		err_set(&e, E_FORBIDDEN, "token", "This is not the setup link that the station has printed last. Copy it whole.");
	else if (clock_mono(&s->clock) > service->setup_until)
		err_set(&e, E_FORBIDDEN, "token", "The setup link has run out after an hour. Restart the station for a new one.");
	if (e.code) {
		fail(done, context, &e);
		return;
	}
	struct actor actor = { .role = ROLE_ADMIN, .via = "setup" };
	snprintf(actor.user, sizeof actor.user, "%s", name);
	snprintf(actor.from, sizeof actor.from, "%s", from);
	struct setup *setup = must_alloc(sizeof *setup);
	*setup = (struct setup){ .station = s, .done = done, .context = context };
	snprintf(setup->name, sizeof setup->name, "%s", name);
	snprintf(setup->from, sizeof setup->from, "%s", from);
	user_add(s, &actor, name, "admin", email, password, first_user_made, setup);
}

json_t *user_session_json(struct station *s, const struct actor *actor, const char *csrf)
{
	const struct user *u = user_find(s, actor->user);
	json_t *user = json_pack("{s:s, s:s, s:s, s:s}", "name", actor->user, "fullName", u ? u->fullName : "", "role",
	                         role_range[actor->role - ROLE_VIEWER].name, "email", u ? u->email : "");
	return json_pack("{s:o, s:{s:b, s:b, s:b}, s:s, s:{s:s, s:s}}", "user", user, "permissions", "read", true, "operate",
	                 actor->role >= ROLE_OPERATOR, "configure", actor->role == ROLE_ADMIN, "csrf", csrf ? csrf : "", "station", "id", s->id,
	                 "name", s->tree.root->extra && s->tree.root->extra->displayName ? s->tree.root->extra->displayName : s->tree.root->name);
}

/* --- types ---------------------------------------------------------------------------------------------------------- */

static void service_started(struct component *c)
{
	struct user_service *service = COMPONENT_AS(c, &user_service_type, struct user_service);
	if (!service->loaded && c->station->store)
		sessions_load(service);
	service->loaded = true;
}

static void service_fini(struct component *c)
{
	struct user_service *service = COMPONENT_AS(c, &user_service_type, struct user_service);
	sessions_free(service);
	for (struct throttle *t = service->throttles, *next; t; t = next) {
		next = t->next;
		free(t);
	}
}

#define SPAN(f, d, low, high, ...) \
	SLOT(struct user_service, f, RELTIME, .dflt = d, .facets = FACETS(.min = low * 1e6, .max = high * 1e6), __VA_ARGS__)
static const struct slot service_slots[] = {
	SLOT(struct user_service, lockOutEnabled, BOOLEAN, .dflt = "true", .doc = "Slow down who keeps giving wrong passwords. Never locks others out."),
	SPAN(lockOutPeriod, "10s", 1, 3600, .doc = "First waiting time after too many bad logins; each further one doubles it, up to 15 minutes."),
	SLOT(struct user_service, maxBadLogins, INTEGER, .dflt = "5", .facets = FACETS(.min = 1, .max = 10), .doc = "Bad logins before waiting begins."),
	SPAN(lockOutWindow, "30s", 1, 86400, .doc = "How long after the waiting time bad logins are remembered."),
	SPAN(defaultAutoLogoffPeriod, "15m", 120, 14400, .doc = "A session ends after so long without use."),
	SPAN(absoluteLogoff, "12h", 900, 604800, .doc = "A session ends after so long in any case."),
	SLOT_END,
};

const struct type user_service_type = {
	.name = "baja:UserService",
	.doc = "The users of the station, and the rules for logging in.",
	.size = sizeof(struct user_service),
	.base = &baja_component,
	.flags = TYPE_SINGLETON | TYPE_CONTAINER,
	.slots = service_slots,
	.started = service_started,
	.fini = service_fini,
};

static int below_service(const struct component *parent, struct err *e)
{
	if (component_is(parent, &user_service_type))
		return 0;
	return err_set(e, E_INVALID, "parent", "A user stands below the UserService.");
}

/* Who was disabled, or has another role, logs in again. */
static void user_changed(struct component *c, const struct slot *slot)
{
	struct user_service *service = user_service_of(c->station);
	if (!service || (strcmp(slot->name, "enabled") != 0 && strcmp(slot->name, "role") != 0))
		return;
	struct store_tx *tx = store_tx_new();
	sessions_end_of(service, c->name, tx);
	store_commit(c->station->store, tx, NULL, NULL);
}

static void user_stopped(struct component *c)
{
	struct user_service *service = user_service_of(c->station);
	if (!service || c->station->stopping)
		return;
	struct store_tx *tx = store_tx_new(); /* the user is being removed */
	sessions_end_of(service, c->name, tx);
	tokens_end_of(service, c->name, tx);
	store_commit(c->station->store, tx, NULL, NULL);
}

static void action_done(void *context, int code, const struct err *e, const char *text)
{
	(void)text;
	struct invocation *inv = context;
	if (code != 0)
		inv->err = *e;
	invocation_done(inv, code);
}

static int set_password(struct component *c, struct invocation *inv)
{
	struct actor station = { .role = ROLE_ADMIN };
	user_set_password(c->station, inv->actor ? inv->actor : &station, c->name, inv->arg->text, action_done, inv);
	return 1;
}

static const struct slot password_arg = { .name = "password", .kind = V_SECRET, .doc = "The new password, at least 8 characters." };
static const struct action user_actions[] = {
	{ "setPassword", "Gives the user a new password; all sessions of the user end.", 0, &password_arg, set_password },
	{ NULL, NULL, 0, NULL, NULL },
};
static const struct slot user_slots[] = {
	SLOT(struct user, fullName, STRING, .facets = FACETS(.maxLength = 200), .flags = SLOT_SUMMARY, .doc = "Name of the person."),
	SLOT(struct user, enabled, BOOLEAN, .dflt = "true", .doc = "Whether the user may log in."),
	SLOT(struct user, expiration, ABSTIME, .doc = "When the user ends; null: never."),
	SLOT(struct user, email, STRING, .facets = FACETS(.maxLength = 254), .flags = SLOT_SUMMARY, .doc = "Mail address."),
	SLOT(struct user, role, ENUM, .dflt = "viewer", .facets = FACETS(.range = role_range), .flags = SLOT_SUMMARY, .doc = "What the user may do."),
	SLOT(struct user, passwordHash, SECRET, .flags = SLOT_READONLY | SLOT_HIDDEN, .doc = "argon2id hash of the password; set by the action setPassword."),
	SLOT_END,
};

const struct type user_type = {
	.name = "baja:User",
	.doc = "A person or program that may log in.",
	.size = sizeof(struct user),
	.base = &baja_component,
	.slots = user_slots,
	.actions = user_actions,
	.parent_ok = below_service,
	.changed = user_changed,
	.stopped = user_stopped,
};
