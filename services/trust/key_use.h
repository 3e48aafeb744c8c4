/* SPDX-License-Identifier: Apache-2.0
 * Who uses the keys of the User Key Store: properties of other services whose facets say that they name one. So a key that is
 * in use is not removed, warns before it ends, and is not renewed by what its user cannot show. Engine thread. */
#ifndef BELFRY_TRUST_KEY_USE_H
#define BELFRY_TRUST_KEY_USE_H

#include "services/trust/trust_service.h"

/* Does the property name a key (NAMES_KEY, NAMES_SERVER_KEY)? */
bool slot_names_key(const struct slot *slot);
/* A property below /Services; both borrowed, until the engine's next message. */
struct key_use {
	struct component *component;
	const struct slot *slot;
};
/* The first that names this key; false: there is none. facet: only those with that one, NULL: any. */
bool key_use_find(const struct trust_service *t, const char *alias, const char *facet, struct key_use *out);
/* "/Services/WebService (httpsCert)", owned. */
char *key_use_print(const struct key_use *use);

#endif
