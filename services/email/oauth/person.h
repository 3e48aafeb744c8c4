/* SPDX-License-Identifier: Apache-2.0
 * What all grants have in common that a person gives: the client's secret, and the form that renews them. Engine thread. */
#ifndef BELFRY_OAUTH_PERSON_H
#define BELFRY_OAUTH_PERSON_H

#include "services/email/oauth/oauth_inside.h"

/* The first member of the types whose grant is a person's; their tables begin with OAUTH_PERSON_SLOTS. */
struct oauth_person {
	struct oauth_authenticator base;
	struct secret clientSecret;
	struct abstime clientSecretExpires;
	char user[NAME_MAX_LENGTH + 1]; /* no slot: who has begun to authorize */
};
/* What struct oauth_flow asks for, with its returns; a is the base of a struct oauth_person. */
int person_missing(const struct oauth_authenticator *a, struct err *e);
int person_ask(struct oauth_authenticator *a, struct oauth_form *f, struct err *e);
int64_t person_client_ends(const struct oauth_authenticator *a);
const struct secret *person_client_secret(const struct oauth_authenticator *a);
/* The beginning of their struct oauth_flow. */
#define OAUTH_PERSON                                                                                                   \
	.login = OAUTH_LOGIN, .person = true, .missing = person_missing, .ask = person_ask,                                \
	.client_ends = person_client_ends, .client_secret = person_client_secret
#define OAUTH_PERSON_SLOTS                                                                                             \
	SLOT(struct oauth_person, clientSecret, SECRET, .facets = FACETS(.maxLength = 2000),                               \
	     .doc = "Secret of this client, when the authorization server gave one; written only, never shown."),          \
	    SLOT(struct oauth_person, clientSecretExpires, ABSTIME, .dflt = "null",                                        \
	         .doc = "When that secret ends: an alarm comes expiryWarning before.")

#endif
