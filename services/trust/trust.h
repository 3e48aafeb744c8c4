/* SPDX-License-Identifier: Apache-2.0
 * Trust, for whoever opens TLS to a peer. A connection is trusted when its chain leads to a root of the System or User
 * Trust Store and the name matches, or when its host:port has an approved Allowed Hosts row for exactly that public key.
 * Anything else fails closed inside the handshake, before a credential is sent, and leaves an unapproved row.
 *
 * The engine thread owns the stores; a snapshot of them (immutable, counted) goes with each job to the net thread. */
#ifndef BELFRY_TRUST_H
#define BELFRY_TRUST_H

#include <gnutls/abstract.h>

#include "station/station.h"

extern const struct type trust_service;

struct trust_snapshot;
/* The present state; a reference that trust_release gives back. Engine thread. Cheap: rebuilt only on change. */
struct trust_snapshot *trust_snapshot(struct station *s);
struct trust_snapshot *trust_retain(struct trust_snapshot *t); /* any thread */
void trust_release(struct trust_snapshot **t);                 /* any thread; NULL is fine */

/* A key of the User Key Store in use: its certificate chain and its private key, as they were when it was taken. */
struct trust_key;
/* A reference that trust_key_release gives back; NULL with a sentence when there is no such key. Engine thread. */
struct trust_key *trust_key_get(struct station *s, const char *alias, struct err *e);
/* Is there such a key? 0 or a code and a sentence. Engine thread; cheap. */
int trust_key_check(struct station *s, const char *alias, struct err *e);
/* Somebody chooses what a server of ours shows (a property of NAMES_SERVER_KEY). All borrowed. */
struct server_key_choice {
	const char *slot, *alias, *before; /* before: what it has shown until now */
	const char *host;                  /* under which name or address that person has come; "": none */
};
/* Adds to the report: an error when the key is not there, cannot be used, is not valid now or no server's; warnings when the
 * certificate does not name the host, ends soon, or is trusted less than the one before. Engine thread. */
void trust_server_key_check(struct station *s, const struct server_key_choice *c, struct report *report);
struct trust_key *trust_key_retain(struct trust_key *k); /* any thread, as all that follow */
void trust_key_release(struct trust_key **k);            /* NULL is fine */
const char *trust_key_alias(const struct trust_key *k);
/* Borrowed, the leaf first; the same as a handshake sends it; and the key, good for signing on any thread. */
const gnutls_x509_crt_t *trust_key_chain(const struct trust_key *k, unsigned *count);
gnutls_pcert_st *trust_key_certificates(const struct trust_key *k);
gnutls_privkey_t trust_key_private(const struct trust_key *k);

/* PEM of the certificate with which mails to this address are encrypted; borrowed, until the engine's next message. NULL
 * and a sentence when there is none, or when it has expired. Engine thread. */
const char *trust_recipient_certificate(struct station *s, const char *address, struct err *e);

enum tls_version { TLS_V1_0, TLS_V1_1, TLS_V1_2, TLS_V1_3 };
extern const struct tag tls_version_range[]; /* tlsV1_0 ... tlsV1_3, for the property tlsMinProtocol */

#define TRUST_AUTHORITIES_MAX 1000
/* What the verify callback found. Owned by the caller, who keeps it until the session has ended. */
struct trust_verdict {
	bool seen;              /* a certificate was looked at */
	bool trusted, exempted; /* exempted: by an approved Allowed Hosts row */
	bool unknown_issuer;    /* not trusted: no root of either trust store has issued it */
	bool other_name;        /* not trusted, and all that is wrong is that it is made out to another name */
	char reason[400];       /* in plain words, when not trusted: what is wrong and what to do */
	char fingerprint[65];   /* SHA-256 of the certificate, hex */
	char spki[65];          /* SHA-256 of the public key, hex */
	char *chain_pem;        /* owned: the chain as sent, at most 64 KiB; NULL without */
	const struct trust_key
	    *key;   /* borrowed: shown when the peer asks who we are; set before trust_prepare, NULL: none */
	bool asked; /* the peer has asked who we are */
	/* Whose certificates it says that it accepts: names (RFC 4514), one a line; "": anybody's, or very many. */
	char authorities[TRUST_AUTHORITIES_MAX];
	/* set by trust_prepare */
	const struct trust_snapshot *snapshot; /* one reference, held until trust_verdict_clear */
	char host[256];
	int port;
};
/* Readies a client session: credentials, priority with the least version, SNI, and the verify callback, which writes to
 * *v. *v starts as zeroes or as left by trust_verdict_clear. Uses the session's pointer (gnutls_session_set_ptr). The
 * session must not be resumed from another one: GnuTLS verifies nothing then. Any thread. 0 or a code. */
int trust_prepare(struct trust_snapshot *t, gnutls_session_t session, const char *host, int port,
                  enum tls_version least, struct trust_verdict *v, struct err *e);
/* The same question about a session that another library has opened (libcurl), asked when its handshake has ended and
 * before anything is sent. *v as above. Any thread. 0, or E_UNTRUSTED with the reason. */
int trust_judge(struct trust_snapshot *t, gnutls_session_t session, const char *host, int port, struct trust_verdict *v,
                struct err *e);
/* After gnutls_deinit of its session. */
void trust_verdict_clear(struct trust_verdict *v);
/* A sentence for a failed handshake: protocol version, alert, end of connection. */
void trust_handshake_error(gnutls_session_t session, int gnutls_code, const struct trust_verdict *v,
                           enum tls_version least, struct err *e);
/* The same for an alert that ends a session after the handshake, as TLS 1.3 does when the peer had asked for a certificate
 * of ours (v->asked). Returns E_TLS. */
int trust_key_error(const struct trust_verdict *v, gnutls_alert_description_t alert, struct err *e);
/* Aliases of the User Key Store that a peer may be shown when it asks: for clients, valid now, signed by one of its authorities
 * (as in a verdict). New reference. Engine thread. */
json_t *trust_client_keys(struct station *s, const char *authorities);
/* A peer was refused: makes or renews its Allowed Hosts row (unapproved; a changed key voids the approval and keeps the
 * old one beside the new). Engine thread. */
void trust_refused(struct station *s, const struct trust_verdict *v);

/* The station's own certificate for HTTPS: DIR/tls/default.{pem,key}, EC P-256, self-signed with the names and addresses
 * of the machine, made when absent. PEM texts, owned. Before the threads start. */
int trust_server_certificate(const char *directory, char **certificate_pem, char **key_pem, struct err *e);

#endif
