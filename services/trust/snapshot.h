/* SPDX-License-Identifier: Apache-2.0
 * What a verification needs, frozen: the roots of both trust stores and the exemptions of Allowed Hosts. A snapshot is
 * immutable and counted, so that the net thread verifies without locks while the engine changes the stores. Roots are
 * kept apart from exemptions: approving a host does not read the system bundle (10 ms) again. */
#ifndef BELFRY_TRUST_SNAPSHOT_H
#define BELFRY_TRUST_SNAPSHOT_H

#include <gnutls/gnutls.h>
#include <stdatomic.h>

#include "services/trust/certificate.h"
#include "services/trust/trust.h"

#define SYSTEM_BUNDLE "/etc/ssl/certs/ca-certificates.crt"
#define HOST_KEY_MAX 272 /* "name:port" */

/* The roots, with the one credential that all client sessions share. Read at first use, on the thread that needs it. */
struct trust_anchors;
struct trust_anchors *anchors_new(const char *bundle, const char *user_pem); /* texts copied */
struct trust_anchors *anchors_retain(struct trust_anchors *a);
void anchors_release(struct trust_anchors **a);
/* Never NULL. Any thread; the first call takes about 10 ms. */
gnutls_certificate_credentials_t anchors_credentials(struct trust_anchors *a);
gnutls_priority_t anchors_priority(struct trust_anchors *a, enum tls_version least);
int anchors_system_count(struct trust_anchors *a); /* roots read from the bundle; 0: it could not be read */

/* Plain data: an approval in force, or one that a change of key has made void (kept, so that the sentence can say so). */
struct exemption {
	char host[HOST_KEY_MAX]; /* "name:port" */
	char spki[FINGERPRINT_HEX];
	char approver[NAME_MAX_LENGTH + 1];
	int64_t expires; /* microseconds; ABSTIME_NULL: never */
	bool voided;
};
struct trust_snapshot {
	atomic_uint references;
	struct trust_anchors *anchors; /* one reference */
	struct exemption *exemptions;  /* owned */
	size_t count;
};
/* Takes one reference of anchors and the array. */
struct trust_snapshot *snapshot_new(struct trust_anchors *anchors, struct exemption *exemptions, size_t count);
const struct exemption *snapshot_exemption(const struct trust_snapshot *t, const char *host_key);
/* Would this chain (PEM, leaf first) be trusted for host without an exemption? Any thread. */
bool snapshot_verifies(struct trust_snapshot *t, const char *host, const char *chain_pem);

/* GnuTLS asks for the certificate that a session shows: the key of its verdict, or none (verify.c). */
int trust_show_key(gnutls_session_t session, const struct gnutls_cert_retr_st *info, gnutls_pcert_st **certificates,
                   unsigned *count, gnutls_ocsp_data_st **ocsp, unsigned *ocsp_count, gnutls_privkey_t *key,
                   unsigned *flags);

/* "name:port", lower case; an IPv6 address in brackets. */
void host_key_make(const char *host, int port, char out[HOST_KEY_MAX]);
/* The name in it, without brackets. */
void host_key_name(const char *host_key, char out[HOST_KEY_MAX]);
/* Fills the verification data for GnuTLS: the name or the address, and the purpose. data: 2 elements; address: 16 bytes. */
void peer_identity(const char *host, unsigned char address[16], gnutls_typed_vdata_st data[2]);

#endif
