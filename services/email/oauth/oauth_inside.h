/* SPDX-License-Identifier: Apache-2.0
 * The inside of oauth/: the base of all OAuth authenticators, what a type on it says of itself (struct oauth_flow), and the
 * errands to an authorization server. Engine thread. */
#ifndef BELFRY_OAUTH_INSIDE_H
#define BELFRY_OAUTH_INSIDE_H

#include "services/email/account/authenticator.h"
#include "services/email/oauth/grant.h"
#include "services/email/oauth/metadata.h"
#include "services/email/oauth/oauth.h"
#include "station/alarm/alarm_support.h"

struct oauth_authenticator;

/* --- forms.c: what is sent ---------------------------------------------------------------------------------------- */

enum { FORM_PAIRS = 16, FORM_SECRETS = 4 };
struct oauth_form {
	struct form_pair pairs[FORM_PAIRS + 1];
	size_t count;
	char *secrets[FORM_SECRETS]; /* opened, locked; owned */
	size_t secret_count;
	char *authorization; /* locked; owned */
};
/* Both texts are borrowed; an empty value is left out. */
void form_add(struct oauth_form *f, const char *name, const char *value);
/* Takes a secret of secret_lock. */
void form_add_secret(struct oauth_form *f, const char *name, char *secret);
/* Opens a sealed one. 0 or a code. */
int form_add_sealed(struct oauth_form *f, const char *name, const struct keyring *k, const char *sealed, struct err *e);
/* Says who asks: client_id alone, or with the secret where the server wants it. 0 or a code. */
int form_add_client(struct oauth_form *f, const struct oauth_authenticator *a, const struct secret *clientSecret,
                    struct err *e);
void form_finish(struct oauth_form *f);

/* --- errand.c: one way to the server and back --------------------------------------------------------------------- */

/* e->code 0: it has worked. */
typedef void errand_ended(struct oauth_authenticator *a, const struct err *e);
typedef void errand_answered(struct oauth_authenticator *a, const struct https_answer *answer, const char *asked);
struct errand {
	struct oauth_authenticator *owner;
	struct https_call *call; /* NULL: at rest */
	char *asked;             /* the form that was sent, locked; owned */
	int place;               /* of the metadata document */
	struct timer soon;       /* nothing ends inline */
	errand_ended *ended;
	errand_answered *answered;
};
/* Reads the metadata document, unless it is known. Whoever waits is called later, never inline. */
void errand_discover(struct errand *r, errand_ended *ended);
/* Posts a form; finishes it. */
void errand_post(struct errand *r, const char *url, struct oauth_form *f, errand_answered *answered);
void errand_cancel(struct errand *r);
void errand_init(struct errand *r, struct oauth_authenticator *owner);

/* --- the base ----------------------------------------------------------------------------------------------------- */

/* The traits of a type on email:OAuthEmailClientAuthenticator. */
struct oauth_flow {
	struct authenticator_traits login; /* first: what accounts look at */
	bool person;                       /* the grant is a person's: without it there is nothing to ask with */
	/* What must be filled in before anything is asked; 0, or E_INVALID with a sentence. */
	int (*missing)(const struct oauth_authenticator *a, struct err *e);
	/* Fills the form that gets a token. 0 or a code. */
	int (*ask)(struct oauth_authenticator *a, struct oauth_form *f, struct err *e);
	/* When what the client identifies itself with ends; ABSTIME_NULL: not known. NULL: it does not. */
	int64_t (*client_ends)(const struct oauth_authenticator *a);
	/* An authorization that is under way is given up, because the sheet or the station says so. May be NULL. */
	void (*give_up)(struct oauth_authenticator *a, const char *why);
	/* Borrowed: what a client of a person's grant proves itself with. May be NULL. */
	const struct secret *(*client_secret)(const struct oauth_authenticator *a);
	/* The grant is on disk, or e says why not. May be NULL. */
	void (*kept)(struct oauth_authenticator *a, const struct err *e);
};

struct oauth_authenticator {
	struct component c;
	char *authServerMetadataEndpoint, *account, *clientId, *scope;
	int mechanism;
	struct reltime expiryWarning;
	char *faultCause;
	struct abstime tokenExpires, grantExpires;
	struct alarm_source_info alarmSourceInfo;
	/* Not slots. */
	struct grant grant;
	struct oauth_metadata metadata; /* of the endpoint; issuer NULL: not read yet */
	int64_t clock_offset;           /* the server's clock minus ours, microseconds */
	char *access;                   /* sealed; NULL: none */
	struct oauth_grant kept;        /* a person's grant; refreshToken NULL: none */
	struct errand renewal, authorization;
	struct timer timer, watch; /* the grant's next step; a look at what ends */
	int64_t given;             /* monotonic: when the token came */
	bool running;
};
struct oauth_authenticator *oauth_of(struct component *c);
const struct oauth_flow *oauth_flow(const struct oauth_authenticator *a);
/* Goes on with whatever the grant needs now. */
void oauth_go_on(struct oauth_authenticator *a);
/* A person has given a new grant: it takes the place of the old one once it is on disk. t is used up. user: who. */
void oauth_authorized(struct oauth_authenticator *a, struct token_answer *t, const char *user);
/* A person's grant is forgotten here. */
void oauth_disconnected(struct oauth_authenticator *a);
/* What is wrong, as faultCause and {fault} or {down}; NULL: all is well. */
void oauth_show(struct oauth_authenticator *a, const char *cause, uint16_t bits);
/* For the tables of the types on it. */
void oauth_check(const struct component *next, const struct component *current, struct report *report);
int oauth_login(struct component *c, struct sasl_login *login, struct err *e);
const char *oauth_account(const struct component *c);
void oauth_refused(struct component *c);
#define OAUTH_LOGIN                                                                                                    \
	{                                                                                                                  \
		oauth_login, oauth_account, oauth_refused                                                                      \
	}
/* presets.c: "disconnect" and "usePreset", which all have. */
extern const struct action oauth_actions[];

/* --- grant_record.c ----------------------------------------------------------------------------------------------- */

/* Reads the row of a, if there is one that fits its server and client. done is called later. */
void grant_record_load(struct oauth_authenticator *a);
/* Writes a->kept; then grant_saved(). */
void grant_record_save(struct oauth_authenticator *a);
/* Empties a->kept, in memory only. */
void grant_record_forget(struct oauth_authenticator *a);
/* Deletes the row and forgets a->kept. */
void grant_record_remove(struct oauth_authenticator *a);

/* --- watch.c: alarms about what ends ------------------------------------------------------------------------------ */

/* Looks at what ends soon, and at the grant itself. */
void oauth_watch(struct oauth_authenticator *a);

#endif
