/* SPDX-License-Identifier: Apache-2.0
 * email:OAuthAuthorizationCodeAuthenticator: a person permits it in the browser (RFC 6749 section 4.1) with proof of key
 * exchange (RFC 7636). The action authorize answers the address to go to; the browser comes back to the station's page
 * /oauth/callback, which hands over what it brought. Engine thread. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "services/email/email.h"
#include "services/email/oauth/person.h"
#include "station/base/must.h"

#define PATIENCE (15 * 60 * SECOND_US) /* of an authorization that was begun */

struct authorization_code {
	struct oauth_person person;
	char *redirectUri;
	/* Not slots. */
	struct invocation *asked; /* authorize, until the server's addresses are known */
	char *state;              /* owned; NULL: nobody is expected */
	char *verifier;           /* locked */
	char *redirect;           /* owned */
	int64_t until;            /* monotonic */
	oauth_connected *done;    /* who waits for the tokens */
	void *context;
};

static struct authorization_code *of(const struct oauth_authenticator *a)
{
	return (struct authorization_code *)(uintptr_t)a;
}

static void forget(struct authorization_code *x)
{
	free(x->state);
	free(x->redirect);
	secret_wipe(&x->verifier);
	x->state = x->redirect = NULL;
}

/* --- the address to go to ----------------------------------------------------------------------------------------- */

/* The challenge of a verifier: RFC 7636 section 4.2, S256. */
static void challenge_of(const char *verifier, char out[64])
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	crypto_hash_sha256(hash, (const unsigned char *)verifier, strlen(verifier));
	sodium_bin2base64(out, 64, hash, sizeof hash, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

/* Owned. access_type is Google's word for offline access; others do not know it and leave it out (RFC 6749 section 3.1). */
static char *address_of(const struct authorization_code *x)
{
	const struct oauth_authenticator *a = &x->person.base;
	char challenge[64];
	challenge_of(x->verifier, challenge);
	const struct form_pair pairs[] = { { "response_type", "code" },
		                               { "client_id", a->clientId },
		                               { "redirect_uri", x->redirect },
		                               { "scope", *a->scope ? a->scope : NULL },
		                               { "state", x->state },
		                               { "code_challenge", challenge },
		                               { "code_challenge_method", "S256" },
		                               { "prompt", "consent" },
		                               { "access_type", "offline" },
		                               { "login_hint", *a->account ? a->account : NULL },
		                               { NULL, NULL } };
	char *query = https_form(pairs);
	char *url = must_format("%s%c%s", a->metadata.authorization_endpoint,
	                        strchr(a->metadata.authorization_endpoint, '?') ? '&' : '?', query);
	secret_wipe(&query);
	return url;
}

static void end_asking(struct authorization_code *x, const struct err *e)
{
	struct invocation *inv = x->asked;
	x->asked = NULL;
	if (!inv)
		return;
	inv->err = *e;
	if (e->code == 0) {
		char *url = address_of(x);
		inv->result = value_string(url);
		free(url);
	}
	invocation_done(inv, e->code);
}

static void ready(struct oauth_authenticator *a, const struct err *e)
{
	struct authorization_code *x = of(a);
	struct err why = *e;
	if (why.code == 0 && !a->metadata.authorization_endpoint)
		err_set(&why, E_UNSUPPORTED, NULL,
		        "This authorization server has no page for people. Use another authenticator.");
	if (why.code != 0)
		forget(x);
	end_asking(x, &why);
}

static int authorize(struct component *c, struct invocation *inv)
{
	struct oauth_authenticator *a = oauth_of(c);
	struct authorization_code *x = of(a);
	const char *redirect = *x->redirectUri ? x->redirectUri : inv->arg->text;
	const struct err replaced = { .code = E_CONFLICT, .text = "Another authorization has been begun." };
	if (!a->running || oauth_flow(a)->missing(a, &inv->err) != 0)
		return inv->err.code ? inv->err.code : err_set(&inv->err, E_BUSY, NULL, "The authenticator does not run.");
	if (strncmp(redirect, "https://", 8) != 0 && strncmp(redirect, "http://127.0.0.1", 16) != 0 &&
	    strncmp(redirect, "http://localhost", 16) != 0)
		return err_set(
		    &inv->err, E_INVALID, "redirectUri",
		    "Give the address of this station's page /oauth/callback, as the browser reaches it and as it is "
		    "registered at the authorization server.");
	end_asking(x, &replaced);
	forget(x);
	x->redirect = must_strdup(redirect);
	x->state = secret_random_hex(24);
	char *random = secret_random_hex(32); /* 64 characters: RFC 7636 section 4.1 wants 43 to 128 */
	x->verifier = secret_lock(random, strlen(random));
	sodium_memzero(random, strlen(random));
	free(random);
	x->until = clock_mono(&c->station->clock) + PATIENCE;
	snprintf(x->person.user, sizeof x->person.user, "%s", inv->actor ? inv->actor->user : "");
	x->asked = inv;
	errand_discover(&a->authorization, ready);
	return 1;
}

/* --- the browser is back ------------------------------------------------------------------------------------------ */

static void tell_done(struct authorization_code *x, const struct err *e)
{
	oauth_connected *done = x->done;
	x->done = NULL;
	if (!done)
		return;
	char *path = component_path(&x->person.base.c);
	done(x->context, e->code, e, path);
	free(path);
}

static void exchanged(struct oauth_authenticator *a, const struct https_answer *answer, const char *asked)
{
	struct authorization_code *x = of(a);
	struct token_answer t;
	token_judge(answer, asked, &t);
	struct err e = t.err;
	bool lasts = t.outcome == TOKEN_GRANTED && t.refresh_token;
	if (t.outcome == TOKEN_GRANTED)
		oauth_authorized(a, &t, x->person.user);
	else if (e.code == 0)
		err_set(&e, E_AUTH, NULL, "The authorization server gave no tokens.");
	token_finish(&t);
	if (!lasts) /* else it is told when it is on disk */
		tell_done(x, &e);
}

static void kept(struct oauth_authenticator *a, const struct err *e)
{
	tell_done(of(a), e);
}

/* The code becomes tokens: RFC 6749 section 4.1.3. */
static void exchange(struct authorization_code *x, const char *code)
{
	struct oauth_authenticator *a = &x->person.base;
	struct oauth_form f = { .count = 0 };
	struct err e = { 0 };
	form_add(&f, "grant_type", "authorization_code");
	form_add(&f, "code", code);
	form_add(&f, "redirect_uri", x->redirect);
	form_add(&f, "code_verifier", x->verifier);
	if (form_add_client(&f, a, &x->person.clientSecret, &e) == 0) {
		errand_post(&a->authorization, a->metadata.token_endpoint, &f, exchanged);
	} else {
		form_finish(&f);
		tell_done(x, &e);
	}
	forget(x); /* a code is good for one try */
}

static struct authorization_code *expecting(struct station *s, const char *state)
{
	struct component *service = station_service(s, &email_service);
	for (struct component *c = service ? service->first : NULL; c; c = c->next) {
		struct component *login = component_child(c, "emailAuthenticator");
		if (!component_is(login, &email_oauth_authorization_code))
			continue;
		struct authorization_code *x = of(oauth_of(login));
		if (x->state && strlen(state) == strlen(x->state) && sodium_memcmp(state, x->state, strlen(state)) == 0)
			return clock_mono(&s->clock) < x->until ? x : NULL;
	}
	return NULL;
}

static int judge(const struct authorization_code *x, const struct oauth_redirect *r, struct err *e)
{
	const struct oauth_metadata *m = &x->person.base.metadata;
	bool named = *r->issuer || m->names_issuer;
	if (named && strcmp(r->issuer, m->issuer) != 0)
		return err_set(e, E_AUTH, NULL,
		               "The answer comes from another authorization server than was asked. Authorize again.");
	if (*r->error)
		return err_set(e, E_AUTH, NULL, "The authorization server says %.60s%s%.200s. Authorize again.", r->error,
		               *r->error_description ? ": " : "", r->error_description);
	return *r->code ? 0 : err_set(e, E_BAD_REQUEST, NULL, "There is no code in what the browser brought back.");
}

void oauth_redirected(struct station *s, const struct oauth_redirect *r, oauth_connected *done, void *context)
{
	struct authorization_code *x = expecting(s, r->state);
	struct err e = { 0 };
	if (!x) {
		err_set(
		    &e, E_NOT_FOUND, NULL,
		    "Nobody here waits for this answer: it was used already, or more than 15 minutes have passed. Authorize "
		    "again.");
		done(context, e.code, &e, NULL);
		return;
	}
	if (judge(x, r, &e) != 0) {
		forget(x);
		done(context, e.code, &e, NULL);
		return;
	}
	x->done = done;
	x->context = context;
	exchange(x, r->code);
}

/* --- the type ----------------------------------------------------------------------------------------------------- */

static void give_up(struct oauth_authenticator *a, const char *why)
{
	struct authorization_code *x = of(a);
	struct err e;
	err_set(&e, E_CONFLICT, NULL, "%s", why);
	end_asking(x, &e);
	tell_done(x, &e);
	forget(x);
}

static const struct oauth_flow flow = { OAUTH_PERSON, .give_up = give_up, .kept = kept };

static const struct slot slots[] = {
	OAUTH_PERSON_SLOTS,
	SLOT(struct authorization_code, redirectUri, STRING, .facets = FACETS(.maxLength = 1000),
	     .doc =
	         "Where the browser comes back to, as registered at the authorization server; empty: this station's page "
	         "/oauth/callback. With http://localhost the address is copied from the browser by hand."),
	SLOT_END,
};
static const struct slot redirect_arg = {
	.name = "redirectUri",
	.kind = V_STRING,
	.facets = FACETS(.maxLength = 1000),
	.doc = "Address of this station's page /oauth/callback as the browser sees it; the property redirectUri goes first."
};
static const struct action actions[] = {
	{ "authorize", "Answers the address where a person permits the use of the mailbox.", 0, &redirect_arg, authorize },
	{ NULL, NULL, 0, NULL, NULL },
};
const struct type email_oauth_authorization_code = {
	.name = "email:OAuthAuthorizationCodeAuthenticator",
	.doc = "OAuth 2 with the browser: a person permits it once, then the station renews its tokens.",
	.size = sizeof(struct authorization_code),
	.base = &email_oauth_authenticator,
	.traits = &flow,
	.slots = slots,
	.actions = actions,
};
