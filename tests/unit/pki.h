/* SPDX-License-Identifier: Apache-2.0
 * Certificates for tests, made on the spot with GnuTLS, and TLS handshakes over a socket pair against a server thread
 * that uses them. */
#ifndef BELFRY_TESTS_PKI_H
#define BELFRY_TESTS_PKI_H

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "services/trust/snapshot.h"
#include "station/base/must.h"

struct pair {
	gnutls_x509_crt_t crt;
	gnutls_x509_privkey_t key;
	char *pem;
};

/* What a certificate shall be. Days count from now. */
struct wish {
	const char *cn;
	const char *names[4];      /* DNS names, or "ip:127.0.0.1" */
	const struct pair *issuer; /* NULL: self-signed */
	const struct pair *key_of; /* takes its key; NULL: a new one */
	bool ca;
	int from, until; /* days; 0, 0: yesterday to in a year */
	bool rsa1024, client_only, sha1;
	const char *permitted, *excluded; /* a CA's name constraints: only names below this domain, none below that one */
	bool no_path;                     /* a CA that may sign no further CA */
	int many;                         /* so many names instead: h0.test and so on */
	int constraints;                  /* a CA that excludes so many domains: x0.test and so on */
	bool version1;                    /* as of 1988: without any extension */
};

static inline void add_name(gnutls_x509_crt_t crt, const char *name)
{
	unsigned char address[16];
	if (strncmp(name, "ip:", 3) != 0)
		must(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, name, (unsigned)strlen(name),
		                                          GNUTLS_FSAN_APPEND) == 0);
	else if (inet_pton(AF_INET, name + 3, address) == 1)
		must(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, address, 4, GNUTLS_FSAN_APPEND) == 0);
	else if (inet_pton(AF_INET6, name + 3, address) == 1)
		must(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, address, 16, GNUTLS_FSAN_APPEND) == 0);
}

/* subjectAltName as DER, since GnuTLS takes minutes to add ten thousand names one by one. */
static inline void add_many_names(gnutls_x509_crt_t crt, int count)
{
	unsigned char *der = must_alloc((size_t)count * 16 + 8);
	size_t length = 5;
	for (int i = 0; i < count; i++) {
		int n = snprintf((char *)der + length + 2, 14, "h%d.test", i);
		der[length] = 0x82; /* dNSName */
		der[length + 1] = (unsigned char)n;
		length += (size_t)n + 2;
	}
	size_t inside = length - 5;
	const unsigned char head[] = { 0x30, 0x83, (unsigned char)(inside >> 16), (unsigned char)(inside >> 8),
		                           (unsigned char)inside }; /* SEQUENCE; GnuTLS minds no zero in front of a length */
	memcpy(der, head, sizeof head);
	must(gnutls_x509_crt_set_extension_by_oid(crt, "2.5.29.17", der, length, 0) == 0);
	free(der);
}

static inline void add_constraint(gnutls_x509_name_constraints_t nc, const char *domain, bool permitted)
{
	gnutls_datum_t name = { (unsigned char *)(uintptr_t)domain, (unsigned)strlen(domain) };
	must((permitted ? gnutls_x509_name_constraints_add_permitted(nc, GNUTLS_SAN_DNSNAME, &name)
	                : gnutls_x509_name_constraints_add_excluded(nc, GNUTLS_SAN_DNSNAME, &name)) == 0);
}

static inline void add_constraints(gnutls_x509_crt_t crt, const struct wish *w)
{
	gnutls_x509_name_constraints_t nc;
	char domain[32];
	must(gnutls_x509_name_constraints_init(&nc) == 0);
	if (w->permitted)
		add_constraint(nc, w->permitted, true);
	if (w->excluded)
		add_constraint(nc, w->excluded, false);
	for (int i = 0; i < w->constraints; i++) {
		snprintf(domain, sizeof domain, "x%d.test", i);
		add_constraint(nc, domain, false);
	}
	must(gnutls_x509_crt_set_name_constraints(crt, nc, 1) == 0);
	gnutls_x509_name_constraints_deinit(nc);
}

static inline void add_extras(gnutls_x509_crt_t crt, const struct wish *w)
{
	if (w->many)
		add_many_names(crt, w->many);
	if (w->permitted || w->excluded || w->constraints)
		add_constraints(crt, w);
}

static inline void add_extensions(gnutls_x509_crt_t crt, const struct wish *w)
{
	must(gnutls_x509_crt_set_basic_constraints(crt, w->ca, w->no_path ? 0 : -1) == 0);
	add_extras(crt, w);
	must(gnutls_x509_crt_set_key_usage(
	         crt, w->ca ? GNUTLS_KEY_KEY_CERT_SIGN : GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_KEY_ENCIPHERMENT) == 0);
	if (!w->ca)
		must(gnutls_x509_crt_set_key_purpose_oid(
		         crt, w->client_only ? GNUTLS_KP_TLS_WWW_CLIENT : GNUTLS_KP_TLS_WWW_SERVER, 0) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(w->names) && w->names[i]; i++)
		add_name(crt, w->names[i]);
}

static inline void make_key(struct pair *p, const struct wish *w)
{
	must(gnutls_x509_privkey_init(&p->key) == 0);
	if (w->key_of)
		must(gnutls_x509_privkey_cpy(p->key, w->key_of->key) == 0);
	else if (w->rsa1024)
		must(gnutls_x509_privkey_generate(p->key, GNUTLS_PK_RSA, 1024, 0) == 0);
	else
		must(gnutls_x509_privkey_generate(p->key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1),
		                                  0) == 0);
}

static inline struct pair pair_make(struct wish w)
{
	struct pair p;
	time_t now = time(NULL);
	unsigned char serial[8];
	make_key(&p, &w);
	must(gnutls_x509_crt_init(&p.crt) == 0 && gnutls_x509_crt_set_version(p.crt, w.version1 ? 1 : 3) == 0);
	for (size_t i = 0; i < sizeof serial; i++)
		serial[i] = (unsigned char)((uintptr_t)p.key >> (i % 4 * 8)) | 1;
	serial[0] &= 0x7f;
	must(gnutls_x509_crt_set_serial(p.crt, serial, sizeof serial) == 0);
	must(gnutls_x509_crt_set_dn_by_oid(p.crt, GNUTLS_OID_X520_COMMON_NAME, 0, w.cn, (unsigned)strlen(w.cn)) == 0);
	must(gnutls_x509_crt_set_activation_time(p.crt, now + 86400 * (w.from || w.until ? w.from : -1)) == 0);
	must(gnutls_x509_crt_set_expiration_time(p.crt, now + 86400 * (w.from || w.until ? w.until : 365)) == 0);
	if (!w.version1)
		add_extensions(p.crt, &w);
	must(gnutls_x509_crt_set_key(p.crt, p.key) == 0);
	must(gnutls_x509_crt_sign2(p.crt, w.issuer ? w.issuer->crt : p.crt, w.issuer ? w.issuer->key : p.key,
	                           w.sha1 ? GNUTLS_DIG_SHA1 : GNUTLS_DIG_SHA256, 0) == 0);
	p.pem = certificate_pem(p.crt);
	gnutls_x509_crt_deinit(p.crt); /* read again: GnuTLS compares names only of certificates that it has parsed */
	gnutls_datum_t pem = { (unsigned char *)p.pem, (unsigned)strlen(p.pem) };
	must(gnutls_x509_crt_init(&p.crt) == 0 && gnutls_x509_crt_import(p.crt, &pem, GNUTLS_X509_FMT_PEM) == 0);
	return p;
}

static inline void pair_free(struct pair *p)
{
	gnutls_x509_crt_deinit(p->crt);
	gnutls_x509_privkey_deinit(p->key);
	free(p->pem);
}

static inline void pairs_free(struct pair *pairs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		pair_free(&pairs[i]);
}

/* So many CAs, each of the one before it, the first of root; chain[0] is the last. */
static inline void pairs_make_chain(struct pair *chain, int count, const struct pair *root)
{
	for (int i = count - 1; i >= 0; i--)
		chain[i] =
		    pair_make((struct wish){ .cn = "Deep CA", .ca = true, .issuer = i == count - 1 ? root : &chain[i + 1] });
}

/* A server's credentials: a leaf, and what it sends above it. */
static inline gnutls_certificate_credentials_t pair_credentials(const struct pair *leaf, const struct pair *above,
                                                                int count)
{
	gnutls_certificate_credentials_t credentials;
	gnutls_x509_crt_t *chain = must_alloc(((size_t)count + 1) * sizeof *chain);
	chain[0] = leaf->crt;
	for (int i = 0; i < count; i++)
		chain[i + 1] = above[i].crt;
	must(gnutls_certificate_allocate_credentials(&credentials) == 0);
	must(gnutls_certificate_set_x509_key(credentials, chain, count + 1, leaf->key) == 0);
	free(chain);
	return credentials;
}

/* --- a server for one handshake ----------------------------------------------------------------------------------- */

struct tls_server {
	int fd;
	const struct pair *chain[3]; /* the leaf first */
	const struct pair *deep;     /* instead of what is above the leaf; so many of them */
	int deep_count;
	const char *priority;
	const char *greeting; /* sent in the clear instead of a handshake */
	int result;
	ssize_t received; /* bytes that came after the handshake */
};

static inline void *tls_serve(void *argument)
{
	struct tls_server *s = argument;
	gnutls_certificate_credentials_t credentials;
	gnutls_session_t session;
	struct pair above[2];
	int count = 0;
	char byte;
	if (s->greeting) {
		must(write(s->fd, s->greeting, strlen(s->greeting)) > 0);
		while (read(s->fd, &byte, 1) > 0)
			;
		close(s->fd);
		return NULL;
	}
	while (count < 2 && s->chain[count + 1]) {
		above[count] = *s->chain[count + 1];
		count++;
	}
	credentials = pair_credentials(s->chain[0], s->deep ? s->deep : above, s->deep ? s->deep_count : count);
	must(gnutls_init(&session, GNUTLS_SERVER) == 0);
	must(gnutls_priority_set_direct(session, s->priority, NULL) == 0);
	gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
	gnutls_transport_set_int(session, s->fd);
	do
		s->result = gnutls_handshake(session);
	while (s->result < 0 && !gnutls_error_is_fatal(s->result));
	if (s->result == 0)
		s->received = gnutls_record_recv(session, &byte, 1);
	else
		gnutls_alert_send_appropriate(session, s->result);
	gnutls_deinit(session);
	gnutls_certificate_free_credentials(credentials);
	close(s->fd);
	return NULL;
}

/* One client handshake under *t. 0, or the code with the sentence in e. *v is the caller's to clear. */
static inline int handshake(struct trust_snapshot *t, struct tls_server *s, const char *host, int port,
                            enum tls_version least, struct trust_verdict *v, struct err *e)
{
	int fds[2];
	pthread_t thread;
	gnutls_session_t session;
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	s->fd = fds[1];
	if (!s->priority)
		s->priority = "NORMAL:+VERS-TLS1.2:%COMPAT";
	must(pthread_create(&thread, NULL, tls_serve, s) == 0);
	must(gnutls_init(&session, GNUTLS_CLIENT) == 0);
	must(trust_prepare(t, session, host, port, least, v, e) == 0);
	gnutls_transport_set_int(session, fds[0]);
	int rc;
	do
		rc = gnutls_handshake(session);
	while (rc < 0 && !gnutls_error_is_fatal(rc));
	if (rc != 0) {
		trust_handshake_error(session, rc, v, least, e);
		gnutls_alert_send_appropriate(session, rc);
	} else {
		gnutls_record_send(session, "!", 1);
	}
	gnutls_deinit(session);
	close(fds[0]);
	must(pthread_join(thread, NULL) == 0);
	return rc == 0 ? 0 : e->code;
}

#endif
