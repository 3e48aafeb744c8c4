/* SPDX-License-Identifier: Apache-2.0
 * Logging in: throttle, password, session; and the first start, when the one-time link makes the first administrator.
 * Every failure gives the same sentence after the same work, so that nobody learns which names exist. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "services/user/user_inside.h"
#include "station/base/must.h"
#include "station/sheet/audit.h"

struct attempt {
	struct station *station;
	char name[NAME_MAX_LENGTH + 1], from[64], agent[400];
	int64_t user;           /* 0: there is none of that name */
	char stamp[STAMP_TEXT]; /* of the password that is being checked */
	bool session;           /* one is to be made */
	user_done *done;
	void *context;
};

static void refuse(user_done *done, void *context, int code, const char *text)
{
	struct err e;
	err_set(&e, code, NULL, "%s", text);
	done(context, code, &e, NULL);
}

static const char wrong[] = "User name or password is wrong.";

static void audit_failure(const struct attempt *a, struct user_service *service)
{
	struct actor actor = { .via = "login" };
	snprintf(actor.user, sizeof actor.user, "%s", a->name);
	snprintf(actor.from, sizeof actor.from, "%s", a->from);
	int64_t wait = throttle_wait(service, a->name, a->from);
	char detail[64] = "";
	if (wait > 0)
		snprintf(detail, sizeof detail, "{\"lockedOutForSeconds\":%lld}", (long long)(wait / SECOND_US));
	struct store_tx *tx = store_tx_new();
	audit_write(a->station, tx, &actor, "loginFailed", a->name, NULL, NULL, NULL, detail);
	store_commit(a->station->store, tx, NULL, NULL);
}

static void verified(void *context, bool ok, const char *hash)
{
	(void)hash;
	struct attempt *a = context;
	struct user_service *service = user_service_of(a->station);
	const struct user *u = user_by_handle(a->station, a->user);
	if (a->station->stopping || !service) {
		refuse(a->done, a->context, E_BUSY, "The station is ending; try again when it is back.");
	} else if (!ok || !u || !user_may_act(u)) {
		audit_failure(a, service);
		refuse(a->done, a->context, E_UNAUTHORIZED, wrong);
	} else {
		throttle_succeeded(service, a->name, a->from);
		if (!a->session)
			a->done(a->context, 0, NULL, NULL);
		else
			session_make(service, u, a->stamp, a->from, a->agent, a->done, a->context);
	}
	free(a);
}

/* Checks the password of an attempt that may go on. */
static void verify(struct user_service *service, struct attempt *a, const char *password)
{
	const struct user *u = user_find(a->station, a->name);
	char *hash = NULL;
	if (u) {
		a->user = (int64_t)u->c.handle;
		user_stamp(u, a->stamp);
		hash = secret_open(a->station->keyring, u->password.sealed, NULL);
	}
	int rc = password_verify(a->station, password, hash, verified, a);
	secret_wipe(&hash);
	if (rc == 0)
		return;
	throttle_undo(service, a->name, a->from);
	refuse(a->done, a->context, rc, "Too many people are logging in at this moment; try again.");
	free(a);
}

/* agent NULL: no session is to be made. */
static void attempt(struct station *s, const char *name, const char *password, const char *from, const char *agent,
                    user_done *done, void *context)
{
	struct user_service *service = user_service_of(s);
	if (!service || strlen(name) > NAME_MAX_LENGTH || strlen(password) > PASSWORD_MAX) {
		refuse(done, context, E_UNAUTHORIZED, wrong);
		return;
	}
	int64_t wait = throttle_begin(service, name, from);
	if (wait > 0) {
		struct err e;
		err_set(&e, E_TOO_MANY, NULL, "Too many bad logins. Wait %lld seconds and try again.",
		        (long long)(wait / SECOND_US) + 1);
		done(context, e.code, &e, NULL);
		return;
	}
	struct attempt *a = must_alloc(sizeof *a);
	*a = (struct attempt){ .station = s, .session = agent != NULL, .done = done, .context = context };
	snprintf(a->name, sizeof a->name, "%s", name);
	snprintf(a->from, sizeof a->from, "%s", from);
	snprintf(a->agent, sizeof a->agent, "%.390s", agent ? agent : "");
	verify(service, a, password);
}

void user_log_in(struct station *s, const char *name, const char *password, const char *from, const char *agent,
                 user_done *done, void *context)
{
	attempt(s, name, password, from, agent ? agent : "", done, context);
}

void user_check_password(struct station *s, const struct actor *actor, const char *password, user_done *done,
                         void *context)
{
	attempt(s, actor->user, password, actor->from, NULL, done, context);
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
	char name[NAME_MAX_LENGTH + 1], from[64], agent[400];
	user_done *done;
	void *context;
};

static void first_user_made(void *context, int code, const struct err *e, const char *text)
{
	(void)text;
	struct setup *setup = context;
	struct user_service *service = user_service_of(setup->station);
	const struct user *u = user_find(setup->station, setup->name);
	must(service != NULL);
	service->setting_up = false;
	if (code != 0 || !u) {
		setup->done(setup->context, code ? code : E_INTERNAL, e, NULL);
	} else {
		char stamp[STAMP_TEXT];
		explicit_bzero(service->setup_hash, sizeof service->setup_hash);
		user_stamp(u, stamp);
		session_make(service, u, stamp, setup->from, setup->agent, setup->done, setup->context);
	}
	free(setup);
}

static int may_set_up(struct user_service *service, const char *token, struct err *e)
{
	char hash[HASH_TEXT];
	secret_hash(token, hash);
	if (!service || user_any(service->c.station) || service->setting_up)
		return err_set(e, E_CONFLICT, NULL,
		               "The station is set up already. Log in, or use belfry user passwd on the machine.");
	if (!*service->setup_hash || sodium_memcmp(hash, service->setup_hash, HASH_TEXT) != 0)
		return err_set(e, E_FORBIDDEN, "token",
		               "This is not the setup link that the station has printed last. Copy it whole.");
	if (clock_mono(&service->c.station->clock) > service->setup_until)
		return err_set(e, E_FORBIDDEN, "token",
		               "The setup link has run out after an hour. Restart the station for a new one.");
	return 0;
}

void user_set_up(struct station *s, const struct first_user *first, const char *from, const char *agent,
                 user_done *done, void *context)
{
	struct user_service *service = user_service_of(s);
	struct err e = { 0 };
	if (may_set_up(service, first->token, &e) != 0) {
		done(context, e.code, &e, NULL);
		return;
	}
	struct actor actor = { .role = ROLE_ADMIN, .via = "setup" };
	snprintf(actor.user, sizeof actor.user, "%.*s", NAME_MAX_LENGTH, first->name);
	snprintf(actor.from, sizeof actor.from, "%s", from);
	struct setup *setup = must_alloc(sizeof *setup);
	*setup = (struct setup){ .station = s, .done = done, .context = context };
	snprintf(setup->name, sizeof setup->name, "%.*s", NAME_MAX_LENGTH, first->name);
	snprintf(setup->from, sizeof setup->from, "%s", from);
	snprintf(setup->agent, sizeof setup->agent, "%.390s", agent ? agent : "");
	service->setting_up = true; /* of two at once, one wins */
	user_add(s, &actor, first->name, "admin", first->email, first->password, first_user_made, setup);
}
