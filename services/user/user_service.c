/* SPDX-License-Identifier: Apache-2.0
 * The types baja:UserService and baja:User, and how users come into being: as components through the sheet, whoever
 * asks for it (browser, command line, first start). Engine thread. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "services/user/user_inside.h"
#include "station/base/log.h"
#include "station/base/must.h"

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

static struct user *as_user(struct component *c)
{
	return c && component_is(c, &user_type) ? COMPONENT_AS(c, &user_type, struct user) : NULL;
}

struct user *user_find(struct station *s, const char *name)
{
	struct user_service *service = user_service_of(s);
	return service ? as_user(component_child(&service->c, name)) : NULL;
}

struct user *user_by_handle(struct station *s, int64_t handle)
{
	return handle ? as_user(station_by_handle(s, (uint64_t)handle)) : NULL;
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

void user_stamp(const struct user *u, char out[STAMP_TEXT])
{
	unsigned char hash[(STAMP_TEXT - 1) / 2];
	char *text = must_format("%llu %d %s", (unsigned long long)u->c.handle, u->role, u->password.sealed);
	crypto_generichash(hash, sizeof hash, (const unsigned char *)text, strlen(text), NULL, 0);
	sodium_bin2hex(out, STAMP_TEXT, hash, sizeof hash);
	free(text);
}

bool user_any(struct station *s)
{
	struct user_service *service = user_service_of(s);
	for (struct component *c = service ? service->c.first : NULL; c; c = c->next) {
		const struct user *u = as_user(c);
		if (u && *u->password.sealed)
			return true;
	}
	return false;
}

json_t *user_session_json(struct station *s, const struct actor *actor, const char *csrf)
{
	char label[256];
	const struct user *u = user_find(s, actor->user);
	json_t *user = json_pack("{s:s, s:s, s:s, s:s}", "name", actor->user, "fullName", u ? u->fullName : "", "role",
	                         role_range[actor->role - ROLE_VIEWER].name, "email", u ? u->email : "");
	json_t *station = json_pack("{s:s, s:s, s:s}", "id", s->id, "name",
	                            component_display_name(s->tree.root, label, sizeof label), "version", BELFRY_VERSION);
	return json_pack("{s:o, s:{s:b, s:b, s:b}, s:s, s:o}", "user", user, "permissions", "read", true, "operate",
	                 actor->role >= ROLE_OPERATOR, "configure", actor->role == ROLE_ADMIN, "csrf", csrf ? csrf : "",
	                 "station", station);
}

/* --- endings --------------------------------------------------------------------------------------------------------- */

struct ending {
	user_done *done;
	void *context;
};

struct ending *ending_new(user_done *done, void *context)
{
	struct ending *end = must_alloc(sizeof *end);
	*end = (struct ending){ done, context };
	return end;
}

void ending_done(void *ending, int code, const struct err *e)
{
	struct ending *end = ending;
	end->done(end->context, code, e, NULL);
	free(end);
}

static void batch_ended(void *context, int code, const struct report *report, uint64_t added)
{
	(void)added;
	struct err e = { 0 };
	if (code != 0)
		report_first(report, &e);
	ending_done(context, code, &e);
}

/* --- making users and passwords ----------------------------------------------------------------------------------- */

/* Gives back JSON of our own that holds a plain password. */
static void wipe(json_t *values)
{
	const char *password = json_string_value(json_object_get(values, "password"));
	if (password)
		explicit_bzero((char *)(uintptr_t)password, strlen(password));
	json_decref(values);
}

static void refuse(const struct err *e, user_done *done, void *context)
{
	done(context, e->code, e, NULL);
}

void user_add(struct station *s, const struct actor *actor, const char *name, const char *role, const char *email,
              const char *password, user_done *done, void *context)
{
	struct user_service *service = user_service_of(s);
	json_t *values = json_pack("{s:s, s:s, s:s}", "role", role, "email", email, "password", password);
	struct err e;
	if (!service || !values) {
		err_set(&e, E_INVALID, NULL, "Name, address and password of a user must be UTF-8 text.");
		refuse(&e, done, context);
	} else if (name_check(name, &e) != 0) { /* it is typed at the login: nothing is escaped */
		refuse(&e, done, context);
	} else if (user_find(s, name)) {
		err_set(&e, E_CONFLICT, "name", "There is a user named \"%.60s\" already.", name);
		refuse(&e, done, context);
	} else {
		struct batch *b = batch_new(s, actor);
		batch_add(b, service->c.handle, name, user_type.name, values, "/values");
		batch_submit(b, batch_ended, ending_new(done, context));
	}
	wipe(values);
}

void user_set_password(struct station *s, const struct actor *actor, const char *name, const char *password,
                       user_done *done, void *context)
{
	const struct user *u = user_find(s, name);
	json_t *values = json_pack("{s:s}", "password", password);
	struct err e;
	if (!u) {
		err_set(&e, E_NOT_FOUND, "name", "There is no user named \"%.60s\".", name);
		refuse(&e, done, context);
	} else if (!values) {
		err_set(&e, E_INVALID, "password", "A password must be UTF-8 text.");
		refuse(&e, done, context);
	} else {
		struct batch *b = batch_new(s, actor);
		batch_set_json(b, u->c.handle, values, "/values");
		batch_submit(b, batch_ended, ending_new(done, context));
	}
	wipe(values);
}

/* --- baja:UserService ------------------------------------------------------------------------------------------------ */

static void service_started(struct component *c)
{
	struct user_service *service = COMPONENT_AS(c, &user_service_type, struct user_service);
	struct err e = { 0 };
	if (!service->loaded && (sessions_load(service, &e) != 0 || tokens_load(service, &e) != 0))
		log_error("sessions and tokens could not be read: %s", e.text);
	service->loaded = true;
}

static void service_fini(struct component *c)
{
	struct user_service *service = COMPONENT_AS(c, &user_service_type, struct user_service);
	sessions_free(service);
	tokens_free(service);
	throttles_free(service);
}

static const struct slot resolved_members[] = {
	MEMBER("user", STRING, .doc = "Name of the user."),
	MEMBER("role", INTEGER, .doc = "What the user may do now, as a number of the range of role."),
	SLOT_END,
};

/* Mail has no sessions: an answer to an alarm mail is the user's whose address it comes from. Two users with one address are
 * nobody. */
static int resolve_address(struct component *c, struct invocation *inv)
{
	const struct user *found = NULL;
	for (struct component *child = c->first; child; child = child->next) {
		const struct user *u = as_user(child);
		if (!u || !*u->email || strcasecmp(u->email, inv->arg->text) != 0)
			continue;
		if (found)
			return err_set(&inv->err, E_CONFLICT, NULL, "Several users have this address.");
		found = u;
	}
	if (!found || !user_may_act(found))
		return err_set(&inv->err, E_NOT_FOUND, NULL, "No user who may act now has this address.");
	inv->result = (struct value){
		.kind = V_STRUCT,
		.list = { .items = must_alloc(2 * sizeof(struct value)), .count = 2, .members = resolved_members }
	};
	inv->result.list.items[0] = value_string(found->c.name);
	inv->result.list.items[1] = value_integer(found->role);
	return 0;
}

static const struct slot address_arg = {
	.name = "address", .kind = V_STRING, .flags = SLOT_REQUIRED, .doc = "A mail address."
};
static const struct action service_actions[] = {
	{ "resolveAddress",
	  "Which user has this mail address and may act now: {user, role}. For services that hear by mail.", SLOT_HIDDEN,
	  &address_arg, resolve_address },
	{ NULL, NULL, 0, NULL, NULL },
};

#define SPAN(f, d, low, high, ...)                                                                                     \
	SLOT(struct user_service, f, RELTIME, .dflt = d, .facets = FACETS(.min = low * 1e6, .max = high * 1e6), __VA_ARGS__)
static const struct slot service_slots[] = {
	SLOT(struct user_service, lockOutEnabled, BOOLEAN, .dflt = "true",
	     .doc = "Slow down who keeps giving wrong passwords. Never locks others out."),
	SPAN(lockOutPeriod, "10s", 1, 3600,
	     .doc = "First waiting time after too many bad logins; each further one doubles it, up to 15 minutes."),
	SLOT(struct user_service, maxBadLogins, INTEGER, .dflt = "5", .facets = FACETS(.min = 1, .max = 10),
	     .doc = "Bad logins before waiting begins."),
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
	.actions = service_actions,
	.started = service_started,
	.fini = service_fini,
};

/* --- baja:User ------------------------------------------------------------------------------------------------------- */

static int below_service(const struct component *parent, struct err *e)
{
	if (component_is(parent, &user_service_type))
		return 0;
	return err_set(e, E_INVALID, "parent", "A user stands below the UserService.");
}

static bool administers(const struct user *u)
{
	return u->role == ROLE_ADMIN && user_may_act(u);
}

/* Will another one administer when the batch is applied? */
static bool other_administrator(const struct component *except, const struct batch *b)
{
	for (struct component *c = except->parent->first; c; c = c->next) {
		const struct user *u = as_user(c) && c != except ? (const struct user *)planned(b, c) : NULL;
		if (u && administers(u) && *u->password.sealed)
			return true;
	}
	return false;
}

/* Somebody must be able to put things right again. */
static void user_check_around(const struct component *c, const struct batch *b, struct report *report)
{
	const struct user *u = (const struct user *)c, *n = (const struct user *)planned(b, c);
	if (!administers(u) || (n && administers(n)) || other_administrator(c, b))
		return;
	const char *slot = !n ? NULL : n->role != ROLE_ADMIN ? "role" : !n->enabled ? "enabled" : "expiration";
	report_error(report, E_CONFLICT, slot, "%s is the last administrator; make another one first.", c->name);
}

/* The stamp kills the sessions of a user with another password or role; this is for the list, and for the disabled. */
static void user_changed(struct component *c, const struct slot *slot)
{
	struct user_service *service = user_service_of(c->station);
	bool ends =
	    strcmp(slot->name, "password") == 0 || strcmp(slot->name, "role") == 0 || strcmp(slot->name, "enabled") == 0;
	if (!service || !ends)
		return;
	struct store_tx *tx = store_tx_new();
	sessions_end_of(service, COMPONENT_AS(c, &user_type, struct user), tx);
	store_commit(c->station->store, tx, NULL, NULL);
}

static void user_stopped(struct component *c)
{
	struct user_service *service = user_service_of(c->station);
	if (!service || c->station->stopping)
		return;
	struct store_tx *tx = store_tx_new(); /* the user is being removed */
	sessions_end_of(service, COMPONENT_AS(c, &user_type, struct user), tx);
	tokens_end_of(service, COMPONENT_AS(c, &user_type, struct user), tx);
	store_commit(c->station->store, tx, NULL, NULL);
}

static void password_set(void *context, int code, const struct err *e, const char *text)
{
	(void)text;
	struct invocation *inv = context;
	if (code != 0)
		inv->err = *e;
	invocation_done(inv, code);
}

static int set_password(struct component *c, struct invocation *inv)
{
	static const struct actor station = { .role = ROLE_ADMIN, .via = "link" };
	user_set_password(c->station, inv->actor ? inv->actor : &station, c->name, inv->arg->text, password_set, inv);
	return 1;
}

static int clear_lock_out(struct component *c, struct invocation *inv)
{
	(void)inv;
	struct user_service *service = user_service_of(c->station);
	if (service)
		throttle_clear(service, c->name);
	return 0;
}

static const struct slot password_arg = {
	.name = "password", .kind = V_SECRET, .flags = SLOT_REQUIRED, .doc = "The new password, at least 8 characters."
};
static const struct action user_actions[] = {
	{ "setPassword", "Gives the user a new password; all sessions of the user end.", 0, &password_arg, set_password },
	{ "clearLockOut", "Forgets the bad logins of the user, so that nobody has to wait.", 0, NULL, clear_lock_out },
	{ NULL, NULL, 0, NULL, NULL },
};
static const struct slot user_slots[] = {
	SLOT(struct user, fullName, STRING, .facets = FACETS(.maxLength = 200), .flags = SLOT_SUMMARY,
	     .doc = "Name of the person."),
	SLOT(struct user, enabled, BOOLEAN, .dflt = "true", .doc = "Whether the user may log in."),
	SLOT(struct user, expiration, ABSTIME, .doc = "When the user ends; null: never."),
	SLOT(struct user, email, STRING, .facets = FACETS(.maxLength = 254, .form = FORM_MAIL_ADDRESS),
	     .flags = SLOT_SUMMARY, .doc = "Mail address."),
	SLOT(struct user, role, ENUM, .dflt = "viewer", .facets = FACETS(.range = role_range), .flags = SLOT_SUMMARY,
	     .doc = "What the user may do."),
	SLOT(struct user, password, SECRET, .flags = SLOT_HASHED,
	     .doc = "At least 8 characters, 12 or more are advised. A new one ends all sessions of the user."),
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
	.check_around = user_check_around,
	.changed = user_changed,
	.stopped = user_stopped,
};
