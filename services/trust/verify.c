/* SPDX-License-Identifier: Apache-2.0
 * Verification of a peer inside the handshake: GnuTLS verifies nothing unless told, so every session is told here, and
 * what is not trusted ends before a credential is sent. All faults of a certificate are named at once, and what to do. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "services/trust/snapshot.h"
#include "station/base/must.h"

const struct tag tls_version_range[] = {
	{ TLS_V1_0, "tlsV1_0", "TLS 1.0 and newer: broken, only for servers that cannot be replaced." },
	{ TLS_V1_1, "tlsV1_1", "TLS 1.1 and newer: broken, only for servers that cannot be replaced." },
	{ TLS_V1_2, "tlsV1_2", "TLS 1.2 and newer." },
	{ TLS_V1_3, "tlsV1_3", "TLS 1.3 only." },
	{ 0, NULL, NULL },
};

static int64_t wall_now(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * SECOND_US + ts.tv_nsec / 1000;
}

/* --- the sentence ------------------------------------------------------------------------------------------------- */

struct sentence {
	char text[272]; /* leaves room for the advice in a verdict's reason */
	size_t length;
	unsigned clauses;
};

/* Adds a clause, unless there would be no room left for the advice. */
static void clause(struct sentence *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void clause(struct sentence *s, const char *format, ...)
{
	char text[300];
	va_list ap;
	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	if (s->length + strlen(text) + sizeof "; it " > sizeof s->text)
		return;
	s->length +=
	    (size_t)snprintf(s->text + s->length, sizeof s->text - s->length, "%s%s", s->clauses ? "; it " : " ", text);
	s->clauses++;
}

/* What GnuTLS found in the chain; name, time and issuer have clauses of their own. */
static const struct {
	unsigned bit;
	const char *text;
} chain_faults[] = {
	{ GNUTLS_CERT_SIGNER_NOT_CA, "was signed by a certificate that is no CA" },
	{ GNUTLS_CERT_SIGNER_CONSTRAINTS_FAILURE, "breaks the constraints that its issuer sets" },
	{ GNUTLS_CERT_PURPOSE_MISMATCH, "is not meant for servers" },
	{ GNUTLS_CERT_INSECURE_ALGORITHM, "uses a key or signature that is too weak today" },
	{ GNUTLS_CERT_SIGNATURE_FAILURE, "has a wrong signature" },
	{ GNUTLS_CERT_REVOKED, "was revoked" },
	{ GNUTLS_CERT_MISSING_OCSP_STATUS, "needs a stapled OCSP answer that the server does not send" },
	{ GNUTLS_CERT_INVALID_OCSP_STATUS, "came with a wrong OCSP answer" },
	{ GNUTLS_CERT_REVOCATION_DATA_SUPERSEDED, "came with an OCSP answer that is too old" },
	{ GNUTLS_CERT_UNKNOWN_CRIT_EXTENSIONS, "has a critical extension that is not known here" },
};
#define CHAIN_BITS_OF_NAME (GNUTLS_CERT_INVALID | GNUTLS_CERT_UNEXPECTED_OWNER)
#define CHAIN_BITS_NAMED_ELSEWHERE                                                                                     \
	(CHAIN_BITS_OF_NAME | GNUTLS_CERT_SIGNER_NOT_FOUND | GNUTLS_CERT_EXPIRED | GNUTLS_CERT_NOT_ACTIVATED)

/* What the peer showed. */
struct peer {
	gnutls_x509_crt_t chain[CHAIN_MAX];
	unsigned count, sent; /* sent: as many as there were */
	unsigned status;      /* all bits of GnuTLS */
	bool name_ok;
};

static void say_issuer(struct sentence *s, const struct peer *p)
{
	gnutls_x509_crt_t leaf = p->chain[0], top = p->chain[p->count - 1];
	if (!(p->status & GNUTLS_CERT_SIGNER_NOT_FOUND))
		return;
	if (certificate_is_self_signed(leaf)) {
		clause(s, "is self-signed and not in the User Trust Store");
		return;
	}
	char *issuer = certificate_name(top, !certificate_is_self_signed(top));
	clause(s, "was issued by \"%s\", which is in neither trust store", issuer);
	free(issuer);
}

static void say_time(struct sentence *s, const struct peer *p)
{
	char day[24], today[24];
	int64_t now = wall_now(), from = certificate_not_before(p->chain[0]), until = certificate_not_after(p->chain[0]);
	if (now > until)
		clause(s, "expired on %s", certificate_date(until, day));
	else if (p->status & GNUTLS_CERT_EXPIRED)
		clause(s, "depends on a CA certificate that has expired");
	if (now < from)
		clause(s, "is valid only from %s (this station's clock says %s)", certificate_date(from, day),
		       certificate_date(now, today));
	else if (p->status & GNUTLS_CERT_NOT_ACTIVATED)
		clause(s, "depends on a CA certificate that is not valid yet");
}

static void say_name(struct sentence *s, const struct peer *p, const char *host)
{
	if (p->name_ok)
		return;
	char *names = certificate_hosts(p->chain[0]);
	clause(s, "is made out to %s, not to %.80s", *names ? names : "nobody", host);
	free(names);
}

static void say_chain(struct sentence *s, const struct peer *p)
{
	if (p->sent > CHAIN_MAX)
		clause(s, "came with %u certificates, of which at most %d are looked at", p->sent, CHAIN_MAX);
	unsigned rest = p->status & ~(unsigned)CHAIN_BITS_NAMED_ELSEWHERE;
	for (size_t i = 0; i < ARRAY_SIZE(chain_faults); i++) {
		if (rest & chain_faults[i].bit)
			clause(s, "%s", chain_faults[i].text);
		rest &= ~chain_faults[i].bit;
	}
	if (rest || (s->clauses == 0 && p->status))
		clause(s, "cannot be verified (GnuTLS status 0x%x)", p->status);
}

/* What an approval that does not count any more has to do with it. */
static void say_exemption(struct sentence *s, const struct exemption *x, const char *spki)
{
	char day[24];
	if (x && strcmp(x->spki, spki) != 0)
		clause(s, "has another key than the one that %s approved, so the approval is void",
		       *x->approver ? x->approver : "somebody");
	else if (x && !x->voided)
		clause(s, "was approved only until %s", certificate_date(x->expires, day));
}

static const char *advice(const struct peer *p, const struct exemption *x, const char *spki)
{
	if (x && strcmp(x->spki, spki) != 0)
		return "Compare the old and the new certificate under Allowed Hosts before you approve it again.";
	if ((p->status & GNUTLS_CERT_SIGNER_NOT_FOUND) && !certificate_is_self_signed(p->chain[0]))
		return "Import its CA certificate under Certificates, or look at the certificate under Allowed Hosts and "
		       "approve it.";
	if (p->status & GNUTLS_CERT_SIGNER_NOT_FOUND)
		return "Look at the certificate under Allowed Hosts and approve it, or import it under Certificates.";
	return "Have the server's certificate put right, or look at it under Allowed Hosts and approve it.";
}

static void write_reason(struct trust_verdict *v, const struct peer *p, const struct exemption *x, const char *host_key)
{
	struct sentence s = { .clauses = 0 };
	s.length = (size_t)snprintf(s.text, sizeof s.text, "The certificate of %.120s", host_key);
	say_exemption(&s, x, v->spki);
	say_issuer(&s, p);
	say_time(&s, p);
	say_name(&s, p, v->host);
	say_chain(&s, p);
	snprintf(v->reason, sizeof v->reason, "%s. %s", s.text, advice(p, x, v->spki));
}

/* --- the callback ------------------------------------------------------------------------------------------------- */

static void import_chain(gnutls_session_t session, struct peer *p)
{
	const gnutls_datum_t *list = gnutls_certificate_get_peers(session, &p->sent);
	for (unsigned i = 0; list && i < p->sent && i < CHAIN_MAX; i++) {
		gnutls_x509_crt_t crt;
		if (gnutls_x509_crt_init(&crt) != 0)
			return;
		if (gnutls_x509_crt_import(crt, &list[i], GNUTLS_X509_FMT_DER) != 0) {
			gnutls_x509_crt_deinit(crt);
			return;
		}
		p->chain[p->count++] = crt;
	}
}

/* As many certificates as fit, the leaf first. */
static char *chain_text(const struct peer *p)
{
	char *text = must_strdup("");
	for (unsigned i = 0; i < p->count; i++) {
		char *pem = certificate_pem(p->chain[i]);
		if (strlen(text) + strlen(pem) <= CHAIN_PEM_MAX) {
			char *longer = must_format("%s%s", text, pem);
			free(text);
			text = longer;
		}
		free(pem);
	}
	return text;
}

static bool exempted(const struct exemption *x, const char *spki)
{
	return x && !x->voided && *spki && strcmp(x->spki, spki) == 0 &&
	    (x->expires == ABSTIME_NULL || wall_now() < x->expires);
}

/* What GnuTLS says of the chain: against the credential of the session when that is ours, else against our roots. */
static int verify_chain(gnutls_session_t session, bool ours, struct trust_verdict *v, struct peer *p)
{
	unsigned char address[16];
	gnutls_typed_vdata_st identity[2];
	gnutls_x509_trust_list_t roots = NULL;
	peer_identity(v->host, address, identity);
	if (ours)
		return gnutls_certificate_verify_peers(session, identity, ARRAY_SIZE(identity), &p->status);
	gnutls_certificate_get_trust_list(anchors_credentials(v->snapshot->anchors), &roots);
	return gnutls_x509_trust_list_verify_crt2(roots, p->chain, p->count, identity, ARRAY_SIZE(identity),
	                                          GNUTLS_PROFILE_TO_VFLAGS(GNUTLS_PROFILE_MEDIUM), &p->status, NULL);
}

static void judge(gnutls_session_t session, bool ours, struct trust_verdict *v, struct peer *p)
{
	char host_key[HOST_KEY_MAX];
	int rc = verify_chain(session, ours, v, p);
	if (rc < 0)
		p->status |= GNUTLS_CERT_INVALID;
	p->name_ok = gnutls_x509_crt_check_hostname(p->chain[0], v->host) != 0;
	host_key_make(v->host, v->port, host_key);
	const struct exemption *x = snapshot_exemption(v->snapshot, host_key);
	bool verified = rc == 0 && p->status == 0 && p->name_ok;
	v->exempted = !verified && exempted(x, v->spki);
	v->trusted = verified || v->exempted;
	v->unknown_issuer = !v->trusted && (p->status & GNUTLS_CERT_SIGNER_NOT_FOUND);
	v->other_name = !v->trusted && !p->name_ok && (p->status & ~(unsigned)CHAIN_BITS_OF_NAME) == 0;
	if (!v->trusted)
		write_reason(v, p, x, host_key);
}

static bool examine(gnutls_session_t session, bool ours, struct trust_verdict *v)
{
	struct peer p = { .count = 0 };
	v->trusted = v->exempted = false;
	import_chain(session, &p);
	if (p.count == 0) {
		snprintf(v->reason, sizeof v->reason,
		         "%.200s:%d sent no certificate that can be read. Have the server's certificate put right.", v->host,
		         v->port);
		return false;
	}
	v->seen = true;
	certificate_fingerprint(p.chain[0], v->fingerprint);
	certificate_spki(p.chain[0], v->spki);
	free(v->chain_pem);
	v->chain_pem = chain_text(&p);
	judge(session, ours, v, &p);
	for (unsigned i = 0; i < p.count; i++)
		gnutls_x509_crt_deinit(p.chain[i]);
	return v->trusted;
}

static int verify(gnutls_session_t session)
{
	struct trust_verdict *v = gnutls_session_get_ptr(session);
	must(v && v->snapshot);
	return examine(session, true, v) ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
}

/* --- the door ----------------------------------------------------------------------------------------------------- */

static bool is_address(const char *host)
{
	unsigned char address[16];
	return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

/* Whom the verdict will be about. */
static void verdict_begin(struct trust_snapshot *t, const char *host, int port, struct trust_verdict *v)
{
	char key[HOST_KEY_MAX], name[HOST_KEY_MAX];
	host_key_make(host, port, key);
	host_key_name(key, name);
	const struct trust_key *own = v->key;
	trust_verdict_clear(v);
	v->key = own;
	snprintf(v->host, sizeof v->host, "%.255s", name);
	v->port = port;
	v->snapshot = trust_retain(t);
}

int trust_prepare(struct trust_snapshot *t, gnutls_session_t session, const char *host, int port,
                  enum tls_version least, struct trust_verdict *v, struct err *e)
{
	verdict_begin(t, host, port, v);
	int rc = gnutls_priority_set(session, anchors_priority(t->anchors, least));
	if (rc == 0)
		rc = gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, anchors_credentials(t->anchors));
	if (rc == 0 && !is_address(v->host)) /* SNI carries names only (RFC 6066 section 3) */
		rc = gnutls_server_name_set(session, GNUTLS_NAME_DNS, v->host, strlen(v->host));
	if (rc != 0)
		return err_set(e, E_TLS, NULL, "A TLS session to %.200s:%d could not be prepared: %s.", v->host, port,
		               gnutls_strerror(rc));
	gnutls_session_set_ptr(session, v);
	gnutls_session_set_verify_function(session, verify);
	return 0;
}

int trust_judge(struct trust_snapshot *t, gnutls_session_t session, const char *host, int port, struct trust_verdict *v,
                struct err *e)
{
	verdict_begin(t, host, port, v);
	return examine(session, false, v) ? 0 : err_set(e, E_UNTRUSTED, NULL, "%s", v->reason);
}

void trust_verdict_clear(struct trust_verdict *v)
{
	struct trust_snapshot *t = (struct trust_snapshot *)(uintptr_t)v->snapshot;
	trust_release(&t);
	free(v->chain_pem);
	*v = (struct trust_verdict){ .port = 0 };
}

/* --- failed handshakes -------------------------------------------------------------------------------------------- */

static const char *version_text(enum tls_version v)
{
	static const char *const texts[] = { "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3" };
	return texts[v];
}

static int alert_error(gnutls_session_t session, const char *key, const struct trust_verdict *v, enum tls_version least,
                       struct err *e)
{
	gnutls_alert_description_t alert = gnutls_alert_get(session);
	const char *name = gnutls_alert_get_strname(alert);
	if (v->asked && alert != GNUTLS_A_PROTOCOL_VERSION)
		return trust_key_error(v, alert, e);
	if (alert == GNUTLS_A_PROTOCOL_VERSION)
		return err_set(e, E_TLS, NULL,
		               "%s does not offer %s or newer. Update the server, or lower tlsMinProtocol if you must.", key,
		               version_text(least));
	if (alert == GNUTLS_A_HANDSHAKE_FAILURE || alert == GNUTLS_A_INSUFFICIENT_SECURITY)
		return err_set(e, E_TLS, NULL,
		               "%s and this station have no TLS version and cipher in common (at least %s is asked for). "
		               "Update the server, or lower tlsMinProtocol if you must.",
		               key, version_text(least));
	return err_set(e, E_TLS, NULL, "%s ended the TLS handshake with the alert %s.", key, name ? name : "unknown");
}

void trust_handshake_error(gnutls_session_t session, int gnutls_code, const struct trust_verdict *v,
                           enum tls_version least, struct err *e)
{
	char key[HOST_KEY_MAX];
	host_key_make(v->host, v->port, key);
	if (!v->trusted && *v->reason) {
		err_set(e, E_UNTRUSTED, NULL, "%s", v->reason);
		return;
	}
	switch (gnutls_code) {
	case GNUTLS_E_FATAL_ALERT_RECEIVED:
	case GNUTLS_E_WARNING_ALERT_RECEIVED:
		alert_error(session, key, v, least, e);
		return;
	case GNUTLS_E_UNSUPPORTED_VERSION_PACKET:
	case GNUTLS_E_UNKNOWN_CIPHER_SUITE:
	case GNUTLS_E_NO_CIPHER_SUITES:
		err_set(e, E_TLS, NULL,
		        "%s does not offer %s or newer. Update the server, or lower tlsMinProtocol if you must.", key,
		        version_text(least));
		return;
	case GNUTLS_E_UNEXPECTED_PACKET_LENGTH:
	case GNUTLS_E_RECORD_OVERFLOW:
	case GNUTLS_E_UNEXPECTED_PACKET:
		err_set(e, E_TLS, NULL,
		        "%s does not speak TLS at once. Is this a port for STARTTLS (587, 143, 110)? Then set useStartTls "
		        "and clear useSsl, or use the port for implicit TLS (465, 993, 995).",
		        key);
		return;
	case GNUTLS_E_HANDSHAKE_TOO_LARGE:
		err_set(e, E_TLS, NULL,
		        "%s sent a certificate that is larger than what is taken (128 KiB). Have the server's certificate put "
		        "right.",
		        key);
		return;
	case GNUTLS_E_PREMATURE_TERMINATION:
	case GNUTLS_E_PULL_ERROR:
	case GNUTLS_E_PUSH_ERROR:
	case GNUTLS_E_SESSION_EOF:
		err_set(e, E_TLS, NULL,
		        "%s closed the connection during the TLS handshake. Are port and TLS mode the ones of this server?",
		        key);
		return;
	case GNUTLS_E_DH_PRIME_UNACCEPTABLE:
		err_set(e, E_TLS, NULL, "%s uses Diffie-Hellman parameters that are too small to be safe. Update the server.",
		        key);
		return;
	default:
		err_set(e, E_TLS, NULL, "The TLS handshake with %s failed: %s", key, gnutls_strerror(gnutls_code));
	}
}
