/* SPDX-License-Identifier: Apache-2.0
 * What the certificate of a server must be like so that browsers and programs take it, and what a person should know who
 * chooses one: see key_store.h and trust.h. */
#include <stdlib.h>
#include <string.h>

#include "services/trust/key_store.h"
#include "station/base/must.h"

/* --- what is refused ------------------------------------------------------------------------------------------------ */

/* Key exchange with forward secrecy signs. Without a key usage everything is allowed (RFC 5280 4.2.1.3). */
static bool may_sign(gnutls_x509_crt_t crt)
{
	unsigned usage, critical;
	return gnutls_x509_crt_get_key_usage(crt, &usage, &critical) != 0 || (usage & GNUTLS_KEY_DIGITAL_SIGNATURE);
}

/* Of the store's algorithms browsers know neither Ed25519 nor the curve P-521. */
static bool known_by_browsers(gnutls_x509_crt_t crt)
{
	unsigned bits = 0;
	int algorithm = gnutls_x509_crt_get_pk_algorithm(crt, &bits);
	return algorithm == GNUTLS_PK_RSA || (algorithm == GNUTLS_PK_ECDSA && bits <= 384);
}

static int judge(gnutls_x509_crt_t crt, int64_t now, struct err *e)
{
	char day[24];
	if (now >= certificate_not_after(crt))
		return err_set(e, E_INVALID, NULL, "The certificate has expired on %s. Renew it, or choose another.",
		               certificate_date(certificate_not_after(crt), day));
	if (now < certificate_not_before(crt))
		return err_set(e, E_INVALID, NULL, "The certificate is not valid before %s.",
		               certificate_date(certificate_not_before(crt), day));
	if (!key_usage_allows(crt, USAGE_SERVER) || !may_sign(crt))
		return err_set(e, E_INVALID, NULL, "The certificate is not made for servers. Take one with the usage server.");
	if (!known_by_browsers(crt))
		return err_set(e, E_INVALID, NULL,
		               "Browsers do not know the algorithm of this key. Take RSA, or EC with 256 or 384 bits.");
	return 0;
}

int server_key_check(const char *chain, int64_t now, struct err *e)
{
	unsigned count;
	gnutls_x509_crt_t *list = certificates_parse(chain, strlen(chain), CHAIN_MAX, &count, e);
	int code = list ? judge(list[0], now, e) : e->code;
	if (list)
		certificates_free(list, count);
	return code;
}

/* --- what a person should know -------------------------------------------------------------------------------------- */

/* The present one, PEM; borrowed; NULL: there is none. */
static const char *chain_of(struct trust_service *t, const char *alias)
{
	const struct key_entry *k = records_find(&t->keys, alias);
	return k ? k->chain : strcmp(alias, DEFAULT_ALIAS) == 0 ? trust_own_certificate(t) : NULL;
}

static bool is_self_signed(const char *chain)
{
	unsigned count;
	gnutls_x509_crt_t *list = chain ? certificates_parse(chain, strlen(chain), CHAIN_MAX, &count, NULL) : NULL;
	bool self = list && certificate_is_self_signed(list[0]);
	if (list)
		certificates_free(list, count);
	return self;
}

static void warn_of_names(gnutls_x509_crt_t crt, const struct server_key_choice *c, struct report *report)
{
	if (!*c->host || gnutls_x509_crt_check_hostname(crt, c->host))
		return;
	char *hosts = certificate_hosts(crt);
	report_warning(
	    report, c->slot,
	    "You have come here as %.100s, and the certificate is for %.150s: browsers will warn whoever comes so.",
	    c->host, *hosts ? hosts : "no host at all");
	free(hosts);
}

static void warn(struct trust_service *t, gnutls_x509_crt_t crt, const struct server_key_choice *c,
                 struct report *report)
{
	char day[24];
	const char *before = chain_of(t, c->before);
	warn_of_names(crt, c, report);
	if (certificate_not_after(crt) - station_now(t->c.station) <= t->expiryWarning.us)
		report_warning(report, c->slot, "The certificate ends on %s: renew it before.",
		               certificate_date(certificate_not_after(crt), day));
	if (certificate_is_self_signed(crt) && before && !is_self_signed(before))
		report_warning(report, c->slot,
		               "This certificate is signed by itself only. A browser that trusted the one before lets nobody "
		               "pass to one that it does not trust (HSTS): have it trust this one first.");
}

/* Can it be shown, and would it be taken? The station's own always. */
static int check(struct trust_service *t, const char *alias, struct err *e)
{
	if (strcmp(alias, DEFAULT_ALIAS) == 0)
		return 0;
	struct trust_key *key = trust_key_get(t->c.station, alias, e);
	const char *chain = key ? chain_of(t, alias) : NULL;
	int code = chain ? server_key_check(chain, station_now(t->c.station), e) : e->code;
	trust_key_release(&key);
	return code;
}

void trust_server_key_check(struct station *s, const struct server_key_choice *c, struct report *report)
{
	struct err e = { 0 };
	struct trust_service *t = trust_service_of(s);
	if (!t)
		return;
	if (check(t, c->alias, &e) != 0) {
		report_error(report, E_INVALID, c->slot, "%s Browsers still see the one before.", e.text);
		return;
	}
	unsigned count;
	const char *chain = chain_of(t, c->alias);
	gnutls_x509_crt_t *list = chain ? certificates_parse(chain, strlen(chain), CHAIN_MAX, &count, NULL) : NULL;
	if (!list)
		return;
	warn(t, list[0], c, report);
	certificates_free(list, count);
}
