/* SPDX-License-Identifier: Apache-2.0
 * Which certificate a connection is shown: the station's own, which libmicrohttpd holds, or one of the User Key Store. It
 * changes between two connections: each has the credentials that were there when it came, until it ends. */
#include <stdlib.h>

#include <gnutls/abstract.h>

#include "services/trust/trust.h"
#include "station/base/must.h"
#include "web/server.h"

struct shown {
	unsigned references; /* the web thread's, once it is there */
	gnutls_certificate_credentials_t credentials;
};

/* GnuTLS keeps copies of what it is given here, and looks whether key and certificate belong together. */
static int take_key(gnutls_certificate_credentials_t credentials, struct trust_key *k)
{
	unsigned count;
	gnutls_x509_privkey_t key;
	const gnutls_x509_crt_t *chain = trust_key_chain(k, &count);
	int rc = gnutls_privkey_export_x509(trust_key_private(k), &key);
	if (rc != 0)
		return rc;
	rc = gnutls_certificate_set_x509_key(credentials, (gnutls_x509_crt_t *)(uintptr_t)chain, (int)count, key);
	gnutls_x509_privkey_deinit(key);
	return rc < 0 ? rc : 0;
}

struct shown *shown_new(struct trust_key *k, struct err *e)
{
	struct shown *shown = must_alloc(sizeof *shown);
	shown->references = 1;
	must(gnutls_certificate_allocate_credentials(&shown->credentials) == 0);
	int rc = take_key(shown->credentials, k);
	if (rc == 0)
		return shown;
	err_set(e, E_INTERNAL, NULL, "The key \"%.100s\" cannot be shown: %s", trust_key_alias(k), gnutls_strerror(rc));
	shown_release(&shown);
	return NULL;
}

void shown_release(struct shown **pointer)
{
	struct shown *shown = *pointer;
	*pointer = NULL;
	if (!shown || --shown->references > 0)
		return;
	gnutls_certificate_free_credentials(shown->credentials);
	free(shown);
}

void shown_to(struct connection *c)
{
	c->shown = c->web->shown;
	if (!c->shown)
		return;
	c->shown->references++;
	gnutls_session_t session = MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session;
	must(session && gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, c->shown->credentials) == 0);
}

/* --- from the engine ------------------------------------------------------------------------------------------------ */

struct change {
	struct message message;
	struct web *web;
	struct shown *shown;
};

static void change(struct message *m)
{
	struct change *c = container_of(m, struct change, message);
	shown_release(&c->web->shown);
	c->web->shown = c->shown;
	free(c);
}

void shown_change(struct web *w, struct shown *shown)
{
	struct change *c = must_alloc(sizeof *c);
	*c = (struct change){ .message.run = change, .web = w, .shown = shown };
	net_post(&w->thread, &c->message);
}
