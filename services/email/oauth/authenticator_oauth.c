/* SPDX-License-Identifier: Apache-2.0
 * The base of all OAuth authenticators: gets a token, keeps it sealed, renews it ahead of its end, and says what is wrong in
 * a sentence. What is asked with, the types on it know (struct oauth_flow). Engine thread. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "services/email/email.h"
#include "services/email/oauth/oauth_inside.h"
#include "station/alarm/alarm_class_name.h"
#include "station/base/log.h"
#include "station/base/must.h"

#define ANEW_AT_MOST (60 * SECOND_US) /* a token that a mail server refuses is asked for anew no more often */

struct oauth_authenticator *oauth_of(struct component *c)
{
	return COMPONENT_AS(c, &email_oauth_authenticator, struct oauth_authenticator);
}

const struct oauth_flow *oauth_flow(const struct oauth_authenticator *a)
{
	return a->c.type->traits;
}

static int64_t now_of(const struct oauth_authenticator *a)
{
	return clock_mono(&a->c.station->clock);
}

static double dice(void)
{
	return randombytes_uniform(1000) / 1000.0;
}

/* --- what it shows ------------------------------------------------------------------------------------------------ */

static void set(struct oauth_authenticator *a, const char *slot, struct value v)
{
	component_set(&a->c, type_slot(a->c.type, slot), &v);
}

void oauth_show(struct oauth_authenticator *a, const char *cause, uint16_t bits)
{
	set(a, "faultCause", value_string(cause ? cause : ""));
	component_set_status(&a->c, bits);
	authenticator_explained(&a->c);
	oauth_watch(a);
}

static void show_times(struct oauth_authenticator *a, int64_t token_lifetime)
{
	set(a, "tokenExpires", value_abstime(token_lifetime ? station_now(a->c.station) + token_lifetime : ABSTIME_NULL));
	set(a, "grantExpires", value_abstime(a->kept.refreshToken.sealed ? a->kept.expires.us : ABSTIME_NULL));
}

static void drop_token(struct oauth_authenticator *a)
{
	free(a->access);
	a->access = NULL;
	show_times(a, 0);
}

/* --- tokens ------------------------------------------------------------------------------------------------------- */

/* Microsoft's refresh tokens die of 90 days without use; others say how long, or nothing. */
static int64_t grant_end(const struct oauth_authenticator *a, const struct token_answer *t)
{
	int64_t now = station_now(a->c.station);
	if (t->grant_lifetime)
		return now + t->grant_lifetime;
	return strstr(a->metadata.issuer, "://login.microsoftonline.") ? now + 90 * 86400 * SECOND_US : ABSTIME_NULL;
}

static char *sealed(const struct oauth_authenticator *a, const char *plain)
{
	return secret_seal(a->c.station->keyring, plain, strlen(plain));
}

/* Texts of a record that have their default point at the table's: they are written through their slot. */
static void keep(struct oauth_grant *k, const char *slot, struct value v)
{
	slot_write(slots_find(oauth_grant_kind.slots, slot), k, &v);
}

/* A rotated refresh token is in memory now and on disk next; until then the row has the one before it. */
static void keep_refresh(struct oauth_authenticator *a, const struct token_answer *t)
{
	if (t->refresh_token)
		keep(&a->kept, "refreshToken", (struct value){ .kind = V_SECRET, .text = sealed(a, t->refresh_token) });
	a->kept.refreshed.us = station_now(a->c.station);
	a->kept.expires.us = grant_end(a, t);
}

static void adopt(struct oauth_authenticator *a, const struct token_answer *t)
{
	free(a->access);
	a->access = sealed(a, t->access_token);
	if (oauth_flow(a)->person)
		keep_refresh(a, t);
	a->given = now_of(a);
	grant_given(&a->grant, a->given, t->lifetime, oauth_flow(a)->person, dice());
	show_times(a, t->lifetime);
	oauth_show(a, NULL, STATUS_OK);
	authenticator_changed(&a->c);
}

static void failed(struct oauth_authenticator *a, enum token_outcome outcome, const struct err *e)
{
	bool was_valid = grant_valid(&a->grant, now_of(a));
	grant_failed(&a->grant, now_of(a), outcome, oauth_flow(a)->person, dice());
	log_warn("%s of %s: %s", a->c.name, a->c.parent ? a->c.parent->name : "", e->text);
	if (a->grant.expires == 0)
		drop_token(a);
	oauth_show(a, e->text, outcome == TOKEN_FAILED ? (was_valid ? STATUS_OK : STATUS_DOWN) : STATUS_FAULT);
	authenticator_changed(&a->c);
}

static void token_came(struct oauth_authenticator *a, const struct https_answer *answer, const char *asked)
{
	struct token_answer t;
	token_judge(answer, asked, &t);
	if (t.outcome == TOKEN_GRANTED)
		adopt(a, &t);
	else
		failed(a, t.outcome, &t.err);
	token_finish(&t);
	oauth_go_on(a);
}

static void discovered(struct oauth_authenticator *a, const struct err *e)
{
	if (e->code == 0)
		grant_discovered(&a->grant);
	else
		failed(a, TOKEN_FAILED, e);
	oauth_go_on(a);
}

static void ask_token(struct oauth_authenticator *a)
{
	struct oauth_form f = { .count = 0 };
	struct err e = { 0 };
	if (oauth_flow(a)->ask(a, &f, &e) == 0) {
		errand_post(&a->renewal, a->metadata.token_endpoint, &f, token_came);
		return;
	}
	form_finish(&f);
	failed(a, TOKEN_REFUSED, &e);
	oauth_go_on(a);
}

void oauth_go_on(struct oauth_authenticator *a)
{
	int64_t now = now_of(a);
	if (!a->running)
		return;
	switch (grant_next(&a->grant, now)) {
	case NEED_METADATA:
		errand_discover(&a->renewal, discovered);
		break;
	case NEED_TOKEN:
		ask_token(a);
		break;
	case NEED_SAVE:
		grant_record_save(a);
		break;
	case NEED_TIME:
		timer_start(&a->c.station->clock, &a->timer, a->grant.wake - now);
		break;
	case NEED_NOTHING:
		break;
	}
}

static void due(struct timer *t)
{
	struct oauth_authenticator *a = container_of(t, struct oauth_authenticator, timer);
	if (a->grant.expires && !grant_valid(&a->grant, now_of(a))) {
		drop_token(a);
		authenticator_changed(&a->c);
	}
	oauth_go_on(a);
}

void oauth_authorized(struct oauth_authenticator *a, struct token_answer *t, const char *user)
{
	struct oauth_grant *k = &a->kept;
	errand_cancel(&a->renewal);
	grant_record_forget(a);
	keep(k, "endpoint", value_string(a->authServerMetadataEndpoint));
	keep(k, "clientId", value_string(a->clientId));
	keep(k, "user", value_string(user));
	k->authenticator = (int64_t)a->c.handle;
	k->granted.us = station_now(a->c.station);
	grant_reset(&a->grant, t->refresh_token != NULL);
	grant_discovered(&a->grant);
	adopt(a, t);
	if (!t->refresh_token) { /* it works for an hour, and then a person is needed again: better said now */
		a->grant.unsaved = false;
		oauth_show(a,
		           "The authorization server gave no refresh token, so the permission ends with the first token. Add "
		           "offline_access to scope, if the server knows it, and authorize again.",
		           STATUS_FAULT);
	}
	token_finish(t);
	oauth_go_on(a);
}

void oauth_disconnected(struct oauth_authenticator *a)
{
	grant_reset(&a->grant, false);
	drop_token(a);
	oauth_show(a, "Nobody has authorized this station yet. Invoke Authorize.", STATUS_FAULT);
	authenticator_changed(&a->c);
}

/* --- what accounts ask -------------------------------------------------------------------------------------------- */

int oauth_login(struct component *c, struct sasl_login *login, struct err *e)
{
	struct oauth_authenticator *a = oauth_of(c);
	if (a->access && grant_valid(&a->grant, now_of(a))) {
		*login = (struct sasl_login){ .kind = SASL_BEARER,
			                          .user = must_strdup(a->account),
			                          .secret = must_strdup(a->access),
			                          .mechanism = (enum sasl_mechanism)a->mechanism };
		return 0;
	}
	if (a->grant.able && !a->grant.stopped && a->grant.failures == 0)
		return AUTHENTICATOR_WAIT;
	return err_set(e, a->c.status.bits & STATUS_DOWN ? E_NETWORK : E_AUTH, "emailAuthenticator",
	               "There is no access token: %s", *a->faultCause ? a->faultCause : "the authenticator does not run.");
}

const char *oauth_account(const struct component *c)
{
	return ((const struct oauth_authenticator *)c)->account;
}

void oauth_refused(struct component *c)
{
	struct oauth_authenticator *a = oauth_of(c);
	if (!a->access || a->grant.busy || now_of(a) - a->given < ANEW_AT_MOST)
		return;
	a->grant.expires = a->grant.refresh = 0;
	drop_token(a);
	oauth_go_on(a);
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static void halt(struct oauth_authenticator *a, const char *why)
{
	errand_cancel(&a->renewal);
	errand_cancel(&a->authorization);
	if (oauth_flow(a)->give_up)
		oauth_flow(a)->give_up(a, why);
	timer_stop(&a->c.station->clock, &a->timer);
	grant_reset(&a->grant, false);
	metadata_finish(&a->metadata);
	free(a->access);
	a->access = NULL;
}

/* With what the sheet says now. */
static void begin(struct oauth_authenticator *a)
{
	struct err e = { 0 };
	show_times(a, 0);
	if (oauth_flow(a)->missing(a, &e) != 0) {
		oauth_show(a, e.text, STATUS_FAULT);
		return;
	}
	if (oauth_flow(a)->person) {
		oauth_show(a, "Nobody has authorized this station yet. Invoke Authorize.", STATUS_FAULT);
		grant_record_load(a);
		return;
	}
	grant_reset(&a->grant, true);
	oauth_show(a, NULL, STATUS_OK);
	oauth_go_on(a);
}

static void look(struct timer *t)
{
	struct oauth_authenticator *a = container_of(t, struct oauth_authenticator, watch);
	oauth_watch(a);
	timer_start(&a->c.station->clock, &a->watch, 3600 * SECOND_US);
}

static void init(struct component *c)
{
	struct oauth_authenticator *a = oauth_of(c);
	record_init(&oauth_grant_kind, &a->kept);
	errand_init(&a->renewal, a);
	errand_init(&a->authorization, a);
	a->timer.fire = due;
	a->watch.fire = look;
}

static void fini(struct component *c)
{
	struct oauth_authenticator *a = oauth_of(c);
	record_finish(&oauth_grant_kind, &a->kept);
	metadata_finish(&a->metadata);
	free(a->access);
}

static void started(struct component *c)
{
	struct oauth_authenticator *a = oauth_of(c);
	a->running = true;
	begin(a);
	timer_start(&c->station->clock, &a->watch, 3600 * SECOND_US);
}

static void stopped(struct component *c)
{
	struct oauth_authenticator *a = oauth_of(c);
	a->running = false;
	halt(a, "The authenticator has been stopped.");
	timer_stop(&c->station->clock, &a->watch);
}

static void changed(struct component *c, const struct slot *slot)
{
	struct oauth_authenticator *a = oauth_of(c);
	static const char *const quiet[] = { "expiryWarning", "alarmSourceInfo", "account", "mechanism",
		                                 "clientSecretExpires" };
	if (!a->running || (slot->flags & SLOT_READONLY))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(quiet); i++)
		if (strcmp(slot->name, quiet[i]) == 0) {
			oauth_watch(a);
			return;
		}
	halt(a, "The properties have changed meanwhile. Authorize again.");
	begin(a);
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

void oauth_check(const struct component *next, const struct component *current, struct report *report)
{
	const struct oauth_authenticator *a = (const struct oauth_authenticator *)next;
	struct err e;
	alarm_source_info_check(&a->alarmSourceInfo, report);
	alarm_class_name_check(next, current, "alarmSourceInfo/alarmClass", a->alarmSourceInfo.alarmClass, report);
	if (!*a->authServerMetadataEndpoint)
		return;
	if (https_url_check(a->authServerMetadataEndpoint, NULL, NULL, &e) != 0)
		report_error(report, E_INVALID, "authServerMetadataEndpoint", "%s", e.text);
	else if (strchr(a->authServerMetadataEndpoint, '?') || strstr(a->authServerMetadataEndpoint, "/.well-known/"))
		report_error(report, E_INVALID, "authServerMetadataEndpoint",
		             "The address stands without a question mark, and without /.well-known/: that is added by itself.");
}

static const struct tag mechanisms[] = {
	{ SASL_AUTO, "auto", "The best of what the server offers." },
	{ SASL_XOAUTH2, "xoauth2", "XOAUTH2: Microsoft and Google." },
	{ SASL_OAUTHBEARER, "oauthbearer", "OAUTHBEARER (RFC 7628)." },
	{ 0, NULL, NULL },
};

#define SHOWN (SLOT_READONLY | SLOT_TRANSIENT)
#define T struct oauth_authenticator
static const struct slot slots[] = {
	SLOT_AT(
	    struct component, status, "status", STATUS, .flags = SHOWN | SLOT_SUMMARY,
	    .doc =
	        "Whether there is a token: ok, down while the authorization server fails, fault when a person is needed."),
	SLOT(T, faultCause, STRING, .flags = SHOWN, .doc = "What is wrong, and what to do."),
	SLOT(T, authServerMetadataEndpoint, STRING, .facets = FACETS(.maxLength = 1000),
	     .doc = "Address of the authorization server, by which it calls itself, without "
	            "/.well-known/openid-configuration."),
	SLOT(T, account, STRING, .facets = FACETS(.maxLength = 254), .flags = SLOT_SUMMARY,
	     .doc = "Mailbox that is used: the mail address, as a rule."),
	SLOT(T, clientId, STRING, .facets = FACETS(.maxLength = 500),
	     .doc = "What the authorization server calls this station: application (client) id."),
	SLOT(T, scope, STRING, .facets = FACETS(.maxLength = 1000),
	     .doc = "What is asked for, in the server's words, with spaces between."),
	SLOT(T, mechanism, ENUM, .facets = FACETS(.range = mechanisms),
	     .doc = "How the token is shown to the mail server."),
	SLOT(T, expiryWarning, RELTIME, .dflt = "336h", .facets = FACETS(.min = 0, .max = 366.0 * 86400e6),
	     .doc = "So long before grant or client secret end, an alarm tells."),
	SLOT(T, tokenExpires, ABSTIME, .dflt = "null", .flags = SHOWN,
	     .doc = "When the present access token ends; it is renewed before."),
	SLOT(T, grantExpires, ABSTIME, .dflt = "null", .flags = SHOWN,
	     .doc = "When the permission ends unless it is used or renewed, as far as that is known."),
	SLOT_ALARM_SOURCE_INFO(T),
	SLOT_END,
};
#undef T

const struct type email_oauth_authenticator = {
	.name = "email:OAuthEmailClientAuthenticator",
	.doc = "Logs in with a token of an authorization server (OAuth 2).",
	.size = sizeof(struct oauth_authenticator),
	.base = &email_authenticator,
	.flags = TYPE_ABSTRACT,
	.slots = slots,
	.actions = oauth_actions,
	.check = oauth_check,
	.changed = changed,
	.init = init,
	.fini = fini,
	.started = started,
	.stopped = stopped,
};
