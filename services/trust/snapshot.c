/* SPDX-License-Identifier: Apache-2.0
 * Counted, immutable trust: see snapshot.h. The credential is filled lazily under a lock, so that neither the engine nor
 * the start of the station waits for the 140 roots of the system bundle. */
#include "services/trust/snapshot.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/log.h"
#include "station/base/must.h"

/* TLS 1.2 and newer with forward secrecy and AEAD; the older two only for who asks for them (tlsMinProtocol), with what
 * their time had. %PROFILE_MEDIUM refuses RSA keys below 2048 bits. */
static const char *const priorities[] = {
	[TLS_V1_0] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:+VERS-TLS1.1:+VERS-TLS1.0:+SHA1:%PROFILE_LOW",
	[TLS_V1_1] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:+VERS-TLS1.1:+SHA1:%PROFILE_LOW",
	[TLS_V1_2] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%PROFILE_MEDIUM",
	[TLS_V1_3] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:%PROFILE_MEDIUM",
};

struct trust_anchors {
	atomic_uint references;
	char *bundle, *user_pem;
	pthread_mutex_t lock;
	bool loaded; /* under lock; what follows is constant once it is set */
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priority[ARRAY_SIZE(priorities)];
	int system_count;
};

struct trust_anchors *anchors_new(const char *bundle, const char *user_pem)
{
	struct trust_anchors *a = must_alloc(sizeof *a);
	atomic_init(&a->references, 1);
	a->bundle = must_strdup(bundle);
	a->user_pem = must_strdup(user_pem);
	must(pthread_mutex_init(&a->lock, NULL) == 0);
	return a;
}

struct trust_anchors *anchors_retain(struct trust_anchors *a)
{
	atomic_fetch_add(&a->references, 1);
	return a;
}

void anchors_release(struct trust_anchors **pointer)
{
	struct trust_anchors *a = *pointer;
	*pointer = NULL;
	if (!a || atomic_fetch_sub(&a->references, 1) > 1)
		return;
	if (a->loaded) {
		gnutls_certificate_free_credentials(a->credentials);
		for (size_t i = 0; i < ARRAY_SIZE(priorities); i++)
			gnutls_priority_deinit(a->priority[i]);
	}
	pthread_mutex_destroy(&a->lock);
	free(a->bundle);
	free(a->user_pem);
	free(a);
}

static void load(struct trust_anchors *a)
{
	must(gnutls_certificate_allocate_credentials(&a->credentials) == 0);
	int n = gnutls_certificate_set_x509_trust_file(a->credentials, a->bundle, GNUTLS_X509_FMT_PEM);
	if (n <= 0)
		log_warn("the System Trust Store %s could not be read: %s", a->bundle,
		         n < 0 ? gnutls_strerror(n) : "it is empty");
	a->system_count = n > 0 ? n : 0;
	gnutls_datum_t pem = { (unsigned char *)a->user_pem, (unsigned)strlen(a->user_pem) };
	if (pem.size > 0 && (n = gnutls_certificate_set_x509_trust_mem(a->credentials, &pem, GNUTLS_X509_FMT_PEM)) < 0)
		log_error("the User Trust Store could not be used: %s", gnutls_strerror(n));
	gnutls_certificate_set_retrieve_function3(a->credentials, trust_show_key);
	for (size_t i = 0; i < ARRAY_SIZE(priorities); i++)
		must(gnutls_priority_init(&a->priority[i], priorities[i], NULL) == 0);
	a->loaded = true;
}

static void make_ready(struct trust_anchors *a)
{
	pthread_mutex_lock(&a->lock);
	if (!a->loaded)
		load(a);
	pthread_mutex_unlock(&a->lock);
}

gnutls_certificate_credentials_t anchors_credentials(struct trust_anchors *a)
{
	make_ready(a);
	return a->credentials;
}

gnutls_priority_t anchors_priority(struct trust_anchors *a, enum tls_version least)
{
	make_ready(a);
	return a->priority[least];
}

int anchors_system_count(struct trust_anchors *a)
{
	make_ready(a);
	return a->system_count;
}

struct trust_snapshot *snapshot_new(struct trust_anchors *anchors, struct exemption *exemptions, size_t count)
{
	struct trust_snapshot *t = must_alloc(sizeof *t);
	atomic_init(&t->references, 1);
	t->anchors = anchors;
	t->exemptions = exemptions;
	t->count = count;
	return t;
}

struct trust_snapshot *trust_retain(struct trust_snapshot *t)
{
	atomic_fetch_add(&t->references, 1);
	return t;
}

void trust_release(struct trust_snapshot **pointer)
{
	struct trust_snapshot *t = *pointer;
	*pointer = NULL;
	if (!t || atomic_fetch_sub(&t->references, 1) > 1)
		return;
	anchors_release(&t->anchors);
	free(t->exemptions);
	free(t);
}

const struct exemption *snapshot_exemption(const struct trust_snapshot *t, const char *host_key)
{
	for (size_t i = 0; i < t->count; i++)
		if (strcmp(t->exemptions[i].host, host_key) == 0)
			return &t->exemptions[i];
	return NULL;
}

/* --- names of peers ----------------------------------------------------------------------------------------------- */

/* The address without brackets, or the name in lower case without the dot that may end it. */
static void plain_name(const char *host, char *out, size_t size)
{
	size_t length = strlen(host);
	if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
		host++;
		length -= 2;
	} else if (length > 1 && host[length - 1] == '.') {
		length--;
	}
	length = length < size - 1 ? length : size - 1;
	for (size_t i = 0; i < length; i++)
		out[i] = (char)tolower((unsigned char)host[i]);
	out[length] = '\0';
}

void host_key_make(const char *host, int port, char out[HOST_KEY_MAX])
{
	char name[256];
	plain_name(host, name, sizeof name);
	snprintf(out, HOST_KEY_MAX, strchr(name, ':') ? "[%s]:%d" : "%s:%d", name, port);
}

void host_key_name(const char *host_key, char out[HOST_KEY_MAX])
{
	char host[HOST_KEY_MAX];
	const char *colon = strrchr(host_key, ':');
	snprintf(host, sizeof host, "%.*s", colon ? (int)(colon - host_key) : (int)strlen(host_key), host_key);
	plain_name(host, out, HOST_KEY_MAX);
}

void peer_identity(const char *host, unsigned char address[16], gnutls_typed_vdata_st data[2])
{
	data[0] = (gnutls_typed_vdata_st){ .type = GNUTLS_DT_DNS_HOSTNAME, .data = (unsigned char *)(uintptr_t)host };
	if (inet_pton(AF_INET, host, address) == 1)
		data[0] = (gnutls_typed_vdata_st){ .type = GNUTLS_DT_IP_ADDRESS, .data = address, .size = 4 };
	else if (inet_pton(AF_INET6, host, address) == 1)
		data[0] = (gnutls_typed_vdata_st){ .type = GNUTLS_DT_IP_ADDRESS, .data = address, .size = 16 };
	data[1] = (gnutls_typed_vdata_st){ .type = GNUTLS_DT_KEY_PURPOSE_OID,
		                               .data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_SERVER };
}

bool snapshot_verifies(struct trust_snapshot *t, const char *host, const char *chain_pem)
{
	unsigned count = 0, status = ~0u;
	gnutls_x509_crt_t *chain = certificates_parse(chain_pem, strlen(chain_pem), CHAIN_MAX, &count, NULL);
	gnutls_x509_trust_list_t roots = NULL;
	gnutls_certificate_get_trust_list(anchors_credentials(t->anchors), &roots);
	unsigned char address[16];
	gnutls_typed_vdata_st identity[2];
	peer_identity(host, address, identity);
	int rc = chain && roots
	    ? gnutls_x509_trust_list_verify_crt2(roots, chain, count, identity, 2,
	                                         GNUTLS_PROFILE_TO_VFLAGS(GNUTLS_PROFILE_MEDIUM), &status, NULL)
	    : -1;
	if (chain)
		certificates_free(chain, count);
	return rc == 0 && status == 0;
}
