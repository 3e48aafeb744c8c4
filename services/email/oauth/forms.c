/* SPDX-License-Identifier: Apache-2.0
 * What goes to a token endpoint. Secrets are opened into locked memory here, and wiped with the form. Engine thread. */
#include <string.h>

#include "services/email/oauth/oauth_inside.h"
#include "station/base/must.h"

void form_add(struct oauth_form *f, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	must(f->count < FORM_PAIRS);
	f->pairs[f->count++] = (struct form_pair){ name, value };
}

static void keep(struct oauth_form *f, char *secret)
{
	must(f->secret_count < FORM_SECRETS);
	f->secrets[f->secret_count++] = secret;
}

void form_add_secret(struct oauth_form *f, const char *name, char *secret)
{
	keep(f, secret);
	form_add(f, name, secret);
}

int form_add_sealed(struct oauth_form *f, const char *name, const struct keyring *k, const char *sealed, struct err *e)
{
	char *plain = secret_open(k, sealed ? sealed : "", e);
	if (!plain)
		return e->code;
	form_add_secret(f, name, plain);
	return 0;
}

int form_add_client(struct oauth_form *f, const struct oauth_authenticator *a, const struct secret *clientSecret,
                    struct err *e)
{
	const struct keyring *k = a->c.station->keyring;
	bool has = clientSecret && clientSecret->sealed && *clientSecret->sealed;
	if (!has || a->metadata.secret_in_form) {
		form_add(f, "client_id", a->clientId);
		return has ? form_add_sealed(f, "client_secret", k, clientSecret->sealed, e) : 0;
	}
	char *plain = secret_open(k, clientSecret->sealed, e);
	if (!plain)
		return e->code;
	f->authorization = https_basic(a->clientId, plain);
	secret_wipe(&plain);
	return 0;
}

void form_finish(struct oauth_form *f)
{
	for (size_t i = 0; i < f->secret_count; i++)
		secret_wipe(&f->secrets[i]);
	secret_wipe(&f->authorization);
	*f = (struct oauth_form){ .count = 0 };
}
