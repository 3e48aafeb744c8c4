/* SPDX-License-Identifier: Apache-2.0
 * The grants of persons on disk: one row each, replaced in one transaction, so that at any instant either the old refresh
 * token or the new one is there. A row outlives its authenticator until the next start: undoing a removal finds it again.
 * Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "services/email/oauth/oauth_inside.h"
#include "station/base/log.h"
#include "station/base/must.h"

static const struct slot slots[] = {
	SLOT(struct oauth_grant, authenticator, INTEGER, .flags = SLOT_REQUIRED, .doc = "Handle of the authenticator."),
	SLOT(struct oauth_grant, endpoint, STRING, .doc = "Authorization server that gave it."),
	SLOT(struct oauth_grant, clientId, STRING, .doc = "Client that it was given to."),
	SLOT(struct oauth_grant, refreshToken, SECRET, .facets = FACETS(.maxLength = SECRET_MAX),
	     .doc = "Renews the access."),
	SLOT(struct oauth_grant, granted, ABSTIME, .dflt = "null", .doc = "When a person permitted it."),
	SLOT(struct oauth_grant, refreshed, ABSTIME, .dflt = "null", .doc = "When it was used last."),
	SLOT(struct oauth_grant, expires, ABSTIME, .dflt = "null", .doc = "When it ends, as far as that is known."),
	SLOT(struct oauth_grant, user, STRING, .doc = "Who authorized it here."),
	SLOT_END,
};
const struct record_kind oauth_grant_kind = { "oauth_grant", "Grants of persons for mail accounts.",
	                                          sizeof(struct oauth_grant), slots, false };

/* An authenticator, seen from a completion: it may be gone by then. */
struct pending {
	struct station *station;
	uint64_t handle;
};

static struct pending *pending_new(const struct oauth_authenticator *a)
{
	struct pending *p = must_alloc(sizeof *p);
	*p = (struct pending){ a->c.station, a->c.handle };
	return p;
}

/* Frees p; NULL when the authenticator is gone or does not run. */
static struct oauth_authenticator *pending_end(struct pending *p)
{
	struct component *c = station_by_handle(p->station, p->handle);
	free(p);
	struct oauth_authenticator *a = component_is(c, &email_oauth_authenticator) ? oauth_of(c) : NULL;
	return a && a->running ? a : NULL;
}

void grant_record_forget(struct oauth_authenticator *a)
{
	record_finish(&oauth_grant_kind, &a->kept);
	a->kept = (struct oauth_grant){ .authenticator = 0 };
	record_init(&oauth_grant_kind, &a->kept);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* The same server and client as the sheet names: a refresh token is shown to nobody else. */
static bool fits(const struct oauth_authenticator *a, const struct oauth_grant *row)
{
	return strcmp(row->endpoint, a->authServerMetadataEndpoint) == 0 && strcmp(row->clientId, a->clientId) == 0 &&
	    row->refreshToken.sealed && *row->refreshToken.sealed;
}

static void loaded(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct oauth_authenticator *a = pending_end(context);
	if (!a || a->grant.able) /* somebody has authorized meanwhile */
		return;
	if (code != 0) {
		oauth_show(a, e->text, STATUS_FAULT);
		return;
	}
	if (rows->count == 0 || !fits(a, store_row(rows, 0)))
		return;
	record_finish(&oauth_grant_kind, &a->kept);
	record_copy(&oauth_grant_kind, &a->kept, store_row(rows, 0));
	grant_reset(&a->grant, true);
	oauth_show(a, NULL, STATUS_OK);
	oauth_go_on(a);
}

void grant_record_load(struct oauth_authenticator *a)
{
	struct store_query q = { .kind = &oauth_grant_kind, .limit = 1 };
	store_where_add(&q, "authenticator", STORE_EQ, value_integer((int64_t)a->c.handle));
	store_ask(a->c.station->store, &q, loaded, pending_new(a));
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static void saved(void *context, int code, const struct err *e)
{
	struct oauth_authenticator *a = pending_end(context);
	if (code != 0)
		log_error("a refresh token could not be written to disk; it is tried again: %s", e->text);
	if (!a)
		return;
	if (oauth_flow(a)->kept)
		oauth_flow(a)->kept(a, e);
	grant_saved(&a->grant, clock_mono(&a->c.station->clock), code == 0);
	oauth_go_on(a);
}

void grant_record_save(struct oauth_authenticator *a)
{
	struct store_tx *tx = store_tx_new();
	store_tx_put(tx, &oauth_grant_kind, &a->kept);
	store_commit(a->c.station->store, tx, saved, pending_new(a));
}

void grant_record_remove(struct oauth_authenticator *a)
{
	struct store_tx *tx = store_tx_new();
	struct oauth_grant key = { .authenticator = (int64_t)a->c.handle };
	store_tx_delete(tx, &oauth_grant_kind, &key);
	store_commit(a->c.station->store, tx, NULL, NULL);
	grant_record_forget(a);
}
