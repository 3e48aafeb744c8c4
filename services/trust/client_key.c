/* SPDX-License-Identifier: Apache-2.0
 * The station as the one that is asked who it is: which key a session shows, what the peer says that it would accept, which
 * keys of the store would do, and what a refusal means. See trust.h. */
#include <stdlib.h>
#include <string.h>

#include "services/trust/key_pair.h"
#include "services/trust/key_store.h"
#include "services/trust/snapshot.h"
#include "station/base/must.h"

/* --- in the handshake ------------------------------------------------------------------------------------------------- */

/* The names that came with the peer's question (RFC 8446 4.2.4), one a line. Some but not all of them would mislead. */
static void name_authorities(const struct gnutls_cert_retr_st *info, struct trust_verdict *v)
{
	size_t length = 0;
	*v->authorities = '\0';
	for (unsigned i = 0; i < info->nreqs; i++) {
		gnutls_datum_t name;
		if (gnutls_x509_rdn_get2(&info->req_ca_rdn[i], &name, 0) != 0)
			continue;
		char *clean = certificate_clean_text(name.data, name.size, sizeof v->authorities);
		int n = snprintf(v->authorities + length, sizeof v->authorities - length, "%s\n", clean);
		length += (size_t)n;
		free(clean);
		gnutls_free(name.data);
		if (length >= sizeof v->authorities) {
			*v->authorities = '\0';
			return;
		}
	}
}

int trust_show_key(gnutls_session_t session, const struct gnutls_cert_retr_st *info, gnutls_pcert_st **certificates,
                   unsigned *count, gnutls_ocsp_data_st **ocsp, unsigned *ocsp_count, gnutls_privkey_t *key,
                   unsigned *flags)
{
	(void)ocsp, (void)ocsp_count, (void)flags; /* without flags GnuTLS frees nothing of ours */
	struct trust_verdict *v = gnutls_session_get_ptr(session);
	must(v);
	v->asked = true;
	name_authorities(info, v);
	*count = 0;
	if (!v->key)
		return 0;
	trust_key_chain(v->key, count);
	*certificates = trust_key_certificates(v->key);
	*key = trust_key_private(v->key);
	return 0;
}

/* --- what would do ---------------------------------------------------------------------------------------------------- */

static bool names(const char *authorities, const char *name)
{
	size_t length = strlen(name);
	for (const char *line = authorities; *line; line += strcspn(line, "\n") + 1)
		if (strcspn(line, "\n") == length && strncmp(line, name, length) == 0)
			return true;
	return false;
}

/* Has one of them signed it, or what it leads to? Without any names whoever signed it will do, but not itself. */
static bool accepted(const gnutls_x509_crt_t *chain, unsigned count, const char *authorities)
{
	bool found = !*authorities && !certificate_is_self_signed(chain[0]);
	for (unsigned i = 0; i < count && !found; i++) {
		gnutls_datum_t name;
		if (gnutls_x509_crt_get_issuer_dn3(chain[i], &name, 0) != 0)
			continue;
		char *clean = certificate_clean_text(name.data, name.size, TRUST_AUTHORITIES_MAX);
		found = names(authorities, clean);
		free(clean);
		gnutls_free(name.data);
	}
	return found;
}

static bool may_be_shown(const struct key_entry *k, const char *authorities, int64_t now)
{
	unsigned count;
	gnutls_x509_crt_t *chain = certificates_parse(k->chain, strlen(k->chain), CHAIN_MAX, &count, NULL);
	bool may = chain && key_usage_allows(chain[0], USAGE_CLIENT) && now >= certificate_not_before(chain[0]) &&
	    now < certificate_not_after(chain[0]) && accepted(chain, count, authorities);
	if (chain)
		certificates_free(chain, count);
	return may;
}

json_t *trust_client_keys(struct station *s, const char *authorities)
{
	struct trust_service *t = trust_service_of(s);
	json_t *aliases = json_array();
	for (size_t i = 0; t && i < t->keys.count; i++) {
		const struct key_entry *k = records_at(&t->keys, i);
		if (may_be_shown(k, authorities, station_now(s)))
			json_array_append_new(aliases, json_string(k->alias));
	}
	return aliases;
}

/* --- a refusal -------------------------------------------------------------------------------------------------------- */

int trust_key_error(const struct trust_verdict *v, gnutls_alert_description_t alert, struct err *e)
{
	const char *name = gnutls_alert_get_strname(alert);
	if (!v->key)
		return err_set(e, E_TLS, NULL,
		               "%.200s:%d wants a certificate of this station (alert %s). Make or import one in the User Key "
		               "Store, and choose it as clientCertificate.",
		               v->host, v->port, name ? name : "unknown");
	return err_set(
	    e, E_TLS, NULL,
	    "%.200s:%d does not accept the certificate \"%.100s\" of this station (alert %s). Is it signed by an "
	    "authority that the server knows, and still valid?",
	    v->host, v->port, trust_key_alias(v->key), name ? name : "unknown");
}
