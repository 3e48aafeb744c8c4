/* SPDX-License-Identifier: Apache-2.0
 * Logging in: throttle, password, session. Every failure gives the same sentence after the same work, so that nobody
 * learns which names exist. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "services/user/user_inside.h"
#include "station/audit.h"
#include "station/log.h"
#include "station/must.h"

struct attempt {
	struct station *station;
	char name[NAME_MAX_LENGTH + 1], from[64], agent[400];
	user_done *done;
	void *context;
};

static void key_of(const char *kind, const char *who, char *out, size_t size)
{
	snprintf(out, size, "%s:%s", kind, who);
}

static void failed(struct attempt *a, struct user_service *service)
{
	char key[160];
	key_of("name", a->name, key, sizeof key);
	throttle_failed(service, key);
	key_of("from", a->from, key, sizeof key);
	throttle_failed(service, key);
	struct actor actor = { .via = "login" };
	snprintf(actor.user, sizeof actor.user, "%s", a->name);
	snprintf(actor.from, sizeof actor.from, "%s", a->from);
	struct store_tx *tx = store_tx_new();
	audit_write(a->station, tx, &actor, "loginFailed", a->name, NULL, NULL, NULL, NULL);
	store_commit(a->station->store, tx, NULL, NULL);
	struct err e;
	err_set(&e, E_UNAUTHORIZED, NULL, "User name or password is wrong.");
	a->done(a->context, e.code, &e, NULL);
	free(a);
}

static void verified(void *context, bool ok, const char *hash)
{
	(void)hash;
	struct attempt *a = context;
	struct user_service *service = user_service_of(a->station);
	struct user *u = user_find(a->station, a->name);
	must(service != NULL);
	if (!ok || !u || !user_may_act(u)) {
		failed(a, service);
		return;
	}
	char key[160];
	key_of("name", a->name, key, sizeof key);
	throttle_forgive(service, key);
	key_of("from", a->from, key, sizeof key);
	throttle_forgive(service, key);
	session_make(service, u, a->from, a->agent, a->done, a->context);
	free(a);
}

void user_log_in(struct station *s, const char *name, const char *password, const char *from, const char *agent, user_done *done, void *context)
{
	struct user_service *service = user_service_of(s);
	struct err e = { 0 };
	char by_name[160], by_address[160];
	key_of("name", name, by_name, sizeof by_name);
	key_of("from", from, by_address, sizeof by_address);
	int64_t wait = service ? throttle_wait(service, by_name) : 0, other = service ? throttle_wait(service, by_address) : 0;
	wait = wait > other ? wait : other;
	if (!service)
		err_set(&e, E_INTERNAL, NULL, "The station has no UserService.");
	else if (strlen(name) > NAME_MAX_LENGTH || strlen(password) > PASSWORD_MAX)
		err_set(&e, E_UNAUTHORIZED, NULL, "User name or password is wrong.");
	else if (wait > 0)
		err_set(&e, E_TOO_MANY, NULL, "Too many bad logins. Wait %lld seconds and try again.", (long long)(wait / SECOND_US + 1));
	if (e.code) {
		done(context, e.code, &e, NULL);
		return;
	}
	struct attempt *a = must_alloc(sizeof *a);
	*a = (struct attempt){ .station = s, .done = done, .context = context };
	snprintf(a->name, sizeof a->name, "%s", name);
	snprintf(a->from, sizeof a->from, "%s", from);
	snprintf(a->agent, sizeof a->agent, "%.390s", agent ? agent : "");
	const struct user *u = user_find(s, name);
	password_verify(service, password, u ? u->passwordHash.sealed : NULL, verified, a);
}
