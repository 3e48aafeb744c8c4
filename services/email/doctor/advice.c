/* SPDX-License-Identifier: Apache-2.0
 * The rules of the mail doctor, one function each, tried in order. See advice.h. */
#include "services/email/doctor/advice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"

/* --- what was found ---------------------------------------------------------------------------------------------------- */

#define CLIENT_CERTIFICATE "clientCertificate" /* the step beside those of an examination, and the property */

static void find(json_t *findings, const char *step, bool ok, const char *text)
{
	json_array_append_new(findings, json_pack("{s:s, s:b, s:s}", "step", step, "ok", ok, "text", text));
}

/* Is it over our certificate that the server ended it? It says so by an alert, or in words. */
static bool certificate_refused(const struct exam_report *r)
{
	return r->err.code != 0 && r->verdict.asked && r->verdict.trusted &&
	    (r->err.code == E_TLS || strcasestr(r->reply, "certificate"));
}

static void find_client_certificate(const struct advice_case *c, json_t *findings)
{
	char text[400];
	if (c->key_problem) {
		find(findings, CLIENT_CERTIFICATE, false, c->key_problem);
	} else if (c->own->verdict.asked && !certificate_refused(c->own)) {
		if (*c->client_certificate)
			snprintf(text, sizeof text, "The server asked for a certificate of this station, and was shown \"%.120s\".",
			         c->client_certificate);
		else
			snprintf(text, sizeof text,
			         "The server asked for a certificate of this station. None is chosen, and it went on without.");
		find(findings, CLIENT_CERTIFICATE, true, text);
	}
}

/* A step that succeeded, as a sentence; false when there is nothing to say of it. */
static bool describe(const struct exam_report *r, enum exam_step step, char *out, size_t size)
{
	const char *offered = *r->offers.login.names ? r->offers.login.names : "none";
	switch (step) {
	case EXAM_CONNECT:
		snprintf(out, size, "Port %d answers%s%s%s.", r->port, r->security == SECURITY_TLS ? ", encrypted by " : "",
		         r->security == SECURITY_TLS ? r->tls_version : "",
		         r->security == SECURITY_TLS ? " with a certificate that is trusted" : "");
		return true;
	case EXAM_GREETING:
		snprintf(out, size, "It speaks %s.", r->dialogue->name);
		return true;
	case EXAM_OFFERS:
		snprintf(out, size, "It offers: %s. Login mechanisms: %s.", *r->offers.all ? r->offers.all : "nothing",
		         offered);
		return true;
	case EXAM_STARTTLS:
		snprintf(out, size, "STARTTLS encrypted the connection by %s with a certificate that is trusted.",
		         r->tls_version);
		return r->secure && r->security == SECURITY_STARTTLS;
	case EXAM_AUTH:
		snprintf(out, size, "The login was accepted.");
		return r->logged_in;
	case EXAM_RCPT:
		snprintf(out, size, "The server would take mail from this sender to this recipient.");
		return true;
	case EXAM_CONTENT:
		snprintf(out, size, "The test mail was taken: %s", r->reply);
		return true;
	default:
		return false;
	}
}

json_t *advice_findings(const struct advice_case *c)
{
	const struct exam_report *r = c->own;
	json_t *findings = json_array();
	char text[1400];
	for (enum exam_step step = EXAM_CONNECT; step < EXAM_QUIT; step++) {
		if ((r->taken & 1u << step) && describe(r, step, text, sizeof text))
			find(findings, exam_step_name(step), true, text);
		if (step == (r->security == SECURITY_STARTTLS ? EXAM_STARTTLS : EXAM_CONNECT))
			find_client_certificate(c, findings);
	}
	if (r->err.code != 0)
		find(findings, certificate_refused(r) ? CLIENT_CERTIFICATE : exam_step_name(r->step), false, r->err.text);
	return findings;
}

/* --- what would mend it -------------------------------------------------------------------------------------------------- */

static void advise(json_t *advice, const char *text, json_t *changes)
{
	json_t *row = json_pack("{s:s}", "text", text);
	if (changes)
		json_object_set_new(row, "changes", changes);
	json_array_append_new(advice, row);
}

static bool wants_login(const struct advice_case *c)
{
	return c->login != SASL_NOBODY;
}

/* Reached, apart from its certificate perhaps, which has a rule of its own. */
static bool works(const struct exam_report *r)
{
	return r->err.code == 0 || (r->verdict.seen && !r->verdict.trusted);
}

/* The better of two ways: encrypted before clear, with a login where one is wanted, TLS from the first byte. */
static int merit(const struct advice_case *c, const struct exam_report *r)
{
	bool unseen = r->err.code != 0; /* stopped at the certificate: what it offers is not known */
	return (r->security != SECURITY_NONE) * 8 + (unseen || !wants_login(c) || r->offers.login.known != 0) * 4 +
	    (r->err.code == 0) * 2 + (r->security == SECURITY_TLS);
}

static const struct exam_report *best_other(const struct advice_case *c)
{
	const struct exam_report *best = NULL;
	for (size_t i = 0; i < c->count; i++)
		if (works(&c->others[i]) && (!best || merit(c, &c->others[i]) > merit(c, best)))
			best = &c->others[i];
	return best;
}

/* Where one logs in, encrypted; NULL: nowhere that was looked at. */
static const struct exam_report *way_with_login(const struct advice_case *c)
{
	const struct exam_report *best = NULL;
	for (size_t i = 0; i < c->count; i++) {
		const struct exam_report *r = &c->others[i];
		if (works(r) && r->offers.login.known && r->security != SECURITY_NONE &&
		    (!best || merit(c, r) > merit(c, best)))
			best = r;
	}
	return best;
}

static json_t *changes_to(const struct exam_report *r)
{
	return json_pack("{s:b, s:b, s:i}", "useSsl", r->security == SECURITY_TLS, "useStartTls",
	                 r->security == SECURITY_STARTTLS, "port", r->port);
}

static void rule_other_way(const struct advice_case *c, json_t *advice)
{
	static const char *const modes[] = { "without encryption", "with STARTTLS", "with TLS from the first byte" };
	const struct exam_report *own = c->own, *r = best_other(c);
	bool no_login = own->step == EXAM_AUTH && own->offers.login.known == 0;
	bool no_better = no_login && r && r->offers.login.known == 0;
	bool unencrypted = own->security != SECURITY_NONE && r && r->security == SECURITY_NONE;
	char text[500];
	if (!r || own->step > EXAM_AUTH || (own->step > EXAM_STARTTLS && !no_login && own->security != SECURITY_NONE) ||
	    unencrypted || no_better || (own->verdict.seen && !own->verdict.trusted))
		return;
	snprintf(text, sizeof text, "The server answers on port %d %s%s%s. Use that.", r->port, modes[r->security],
	         *r->offers.login.names ? " and offers the login mechanisms " : "", r->offers.login.names);
	advise(advice, text, changes_to(r));
}

/* What greets in another tongue says itself which one. */
static void rule_other_protocol(const struct advice_case *c, json_t *advice)
{
	static const struct {
		const char *greeting, *name, *store; /* store: of an incoming account; NULL: it cannot be read that way */
	} tongues[] = {
		{ "+OK", "POP3", "Pop3" }, { "-ERR", "POP3", "Pop3" }, { "* OK", "IMAP", "Imap" }, { "* BYE", "IMAP", "Imap" },
		{ "220", "SMTP", NULL },   { "554", "SMTP", NULL },    { "HTTP/", "HTTP", NULL },
	};
	const struct exam_report *own = c->own;
	char text[300];
	for (size_t i = 0; own->step == EXAM_GREETING && i < ARRAY_SIZE(tongues); i++) {
		bool incoming = strcmp(own->dialogue->name, "SMTP") != 0;
		if (strncmp(own->reply, tongues[i].greeting, strlen(tongues[i].greeting)) != 0 ||
		    strcmp(own->dialogue->name, tongues[i].name) == 0)
			continue;
		snprintf(text, sizeof text, "Port %d speaks %s, not %s. Check hostname and port%s.", own->port, tongues[i].name,
		         own->dialogue->name, incoming && tongues[i].store ? ", or read the mailbox that way" : "");
		advise(advice, text, incoming && tongues[i].store ? json_pack("{s:s}", "store", tongues[i].store) : NULL);
		return;
	}
}

static void rule_only_clear(const struct advice_case *c, json_t *advice)
{
	const struct exam_report *own = c->own, *r = best_other(c);
	bool other_is_clear = r && r->security == SECURITY_NONE;
	if (other_is_clear && own->security != SECURITY_NONE && own->step <= EXAM_STARTTLS)
		advise(advice,
		       "The server answers only without encryption. Everybody on the way could read mails and change them: ask "
		       "its administrator for TLS, and use it unencrypted only inside a network that you trust.",
		       NULL);
	else if ((!r || other_is_clear) && own->held_back && !own->clear.starttls)
		advise(advice,
		       "The server offers no encryption. Ask its administrator for TLS. Only inside a network that you trust, "
		       "allowClearTextCredentials may let account and password go as they are.",
		       NULL);
}

/* A name from a certificate is never entered by a click: whoever stands in the way could have named himself. */
static void rule_certificate(const struct advice_case *c, json_t *advice)
{
	const struct trust_verdict *v = &c->own->verdict;
	if (!v->seen || v->trusted)
		return;
	char *text = must_format(
	    "%s look at the certificate under Certificates, Allowed Hosts, and approve it if its fingerprint is the one "
	    "that the server's administrator tells you.",
	    v->unknown_issuer   ? "Import the CA of the server under Certificates, User Trust Store. Or"
	        : v->other_name ? "Enter as hostname the name that the certificate is made out to, if the server's "
	                          "administrator says that it is this server's. Or"
	                        : "Have the server's administrator renew the certificate. Until then,");
	advise(advice, text, NULL);
	free(text);
}

/* "Plant Issuing CA, Root CA"; owned. */
static char *list_authorities(const struct exam_report *r)
{
	char *text = must_strdup(r->verdict.authorities);
	size_t length = strlen(text);
	if (length)
		text[length - 1] = '\0';
	for (char *p = text; (p = strchr(p, '\n'));)
		*p = ';';
	return text;
}

/* What would be shown in place of what is chosen now; false: there is nothing. */
static bool offer_keys(const struct advice_case *c, const char *why, json_t *advice)
{
	enum { OFFERS_MAX = 3 };
	char text[400];
	size_t offered = 0, count = json_array_size(c->keys);
	for (size_t i = 0; i < count && offered < OFFERS_MAX; i++) {
		const char *alias = json_string_value(json_array_get(c->keys, i));
		if (strcmp(alias, c->client_certificate) == 0)
			continue;
		snprintf(text, sizeof text, "%s Show it \"%.120s\" of the User Key Store%s.", why, alias,
		         *c->own->verdict.authorities ? ", which an authority that it names has signed" : "");
		advise(advice, text, json_pack("{s:s}", CLIENT_CERTIFICATE, alias));
		offered++;
	}
	return offered > 0;
}

static void rule_client_certificate(const struct advice_case *c, json_t *advice)
{
	bool refused = certificate_refused(c->own), chosen = *c->client_certificate;
	const char *why = c->key_problem && chosen ? "The certificate that is chosen is gone."
	    : c->key_problem                       ? "The login is by certificate, and none is chosen."
	    : chosen                               ? "The server does not accept the certificate that is chosen."
	                                           : "The server wants a certificate of this station.";
	char text[TRUST_AUTHORITIES_MAX + 500], *authorities = list_authorities(c->own);
	if ((refused || c->key_problem) && !offer_keys(c, why, advice)) {
		snprintf(
		    text, sizeof text,
		    "%s Under Certificates, User Key Store, %s a key for clients, have its request signed by an authority that "
		    "the server knows%s%s%s, import what comes back, and choose it here.",
		    why, chosen && !c->key_problem ? "renew it or make" : "make", *authorities ? " (" : "", authorities,
		    *authorities ? ")" : "");
		advise(advice, text, NULL);
	}
	if (c->key_problem && !refused && !c->own->verdict.asked && c->login != SASL_CERTIFICATE)
		advise(advice, "The server asked for no certificate: none needs to be chosen.",
		       json_pack("{s:s}", CLIENT_CERTIFICATE, ""));
	free(authorities);
}

/* The bulletin's case: "550 Relaying denied" means that the server wants to know who sends. */
static void rule_wants_authentication(const struct advice_case *c, json_t *advice)
{
	const struct exam_report *own = c->own, *r = way_with_login(c);
	char text[700];
	if (wants_login(c) || (own->step != EXAM_MAIL && own->step != EXAM_RCPT) || certificate_refused(own))
		return;
	json_t *basic = json_pack("{s:{s:s}}", "emailAuthenticator", "type", "email:BasicEmailClientAuthenticator");
	size_t n = (size_t)snprintf(text, sizeof text, "The server wants authentication: \"%.200s\". ", own->reply);
	const char *enter = "Choose the Basic authenticator and enter account and password.";
	if (own->offers.login.known) {
		snprintf(text + n, sizeof text - n, "It offers the login mechanisms %s. %s", own->offers.login.names, enter);
	} else if (r) {
		json_object_update_new(basic, changes_to(r));
		snprintf(text + n, sizeof text - n, "It offers no login on this port, but on port %d. %s", r->port, enter);
	} else {
		json_decref(basic);
		basic = NULL;
		snprintf(text + n, sizeof text - n,
		         "It offers no login on this port. Ask its administrator for the port where one logs in (587, as a "
		         "rule), or to take mail from the address of this station.");
	}
	advise(advice, text, basic);
}

/* A relay inside a plant asks nobody who he is. */
static void rule_no_login(const struct advice_case *c, json_t *advice)
{
	const struct exam_report *own = c->own;
	bool sends = own->dialogue->commands[EXAM_MAIL] != NULL;
	if (own->step == EXAM_AUTH && own->offers.login.known == 0 && own->err.code != 0 && sends &&
	    json_array_size(advice) == 0)
		advise(advice,
		       "The server offers no login on this port. It may take mail without one, as relays inside a plant do: "
		       "choose No Auth, and examine again with a test address. Else ask its administrator for the port where "
		       "one logs in (587, as a rule).",
		       json_pack("{s:{s:s}}", "emailAuthenticator", "type", "email:NoAuthEmailClientAuthenticator"));
}

static void rule_mechanism(const struct advice_case *c, json_t *advice)
{
	if (c->own->step == EXAM_AUTH && c->fixed_mechanism && c->own->offers.login.known != 0)
		advise(advice, "Let the station choose the best login mechanism that the server offers.",
		       json_pack("{s:{s:s}}", "emailAuthenticator", "mechanism", "auto"));
}

static void rule_login_refused(const struct advice_case *c, json_t *advice)
{
	const struct exam_report *own = c->own;
	if (own->step != EXAM_AUTH || own->offers.login.known == 0 || own->logged_in || own->err.code != E_AUTH ||
	    certificate_refused(own) || c->key_problem)
		return;
	if (!own->secure && own->clear.starttls && json_array_size(advice) == 0)
		advise(advice, "The server offers STARTTLS: with it, the login is encrypted.",
		       json_pack("{s:b, s:b}", "useSsl", 0, "useStartTls", 1));
	else if (own->secure && c->login == SASL_BEARER)
		advise(advice,
		       "The provider does not take the access token. Authorize the station again, and check that the "
		       "scope covers this protocol.",
		       NULL);
	else if (own->secure)
		advise(
		    advice,
		    "Check account and password. Many providers want the whole mail address as account, and an app password or "
		    "OAuth in place of the person's own password.",
		    NULL);
}

json_t *advice_give(const struct advice_case *c)
{
	static void (*const rules[])(const struct advice_case *, json_t *) = {
		rule_client_certificate, rule_wants_authentication, rule_certificate, rule_other_protocol,
		rule_other_way,          rule_only_clear,           rule_no_login,    rule_mechanism,
		rule_login_refused,
	};
	json_t *advice = json_array();
	bool ill = c->own->err.code != 0 || c->key_problem;
	for (size_t i = 0; ill && i < ARRAY_SIZE(rules); i++)
		rules[i](c, advice);
	return advice;
}
