/* SPDX-License-Identifier: Apache-2.0
 * The station's own certificate for HTTPS, made at first start: self-signed, EC P-256, two years, for the names and
 * addresses that the machine has then. The key is written first: a crash in between makes both anew. */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>

#include "services/trust/certificate.h"
#include "services/trust/trust.h"
#include "station/base/file.h"
#include "station/base/log.h"
#include "station/base/must.h"

#define PEM_FILE_MAX 65536
#define ADDRESSES_MAX 32
#define LIFETIME (INT64_C(2) * 365 * 86400) /* seconds */

/* --- making ------------------------------------------------------------------------------------------------------- */

static void host_name(char out[65])
{
	char name[256] = "";
	if (gethostname(name, sizeof name - 1) != 0 || !*name)
		memcpy(name, "belfry", sizeof "belfry");
	snprintf(out, 65, "%.64s", name); /* ub-common-name, RFC 5280 appendix A */
}

static int add_address(gnutls_x509_crt_t crt, const void *bytes, unsigned size)
{
	return gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, bytes, size, GNUTLS_FSAN_APPEND);
}

static void add_interface_addresses(gnutls_x509_crt_t crt)
{
	struct ifaddrs *all = NULL;
	if (getifaddrs(&all) != 0)
		return;
	int left = ADDRESSES_MAX;
	for (const struct ifaddrs *i = all; i && left > 0; i = i->ifa_next) {
		if (!i->ifa_addr || (i->ifa_flags & IFF_LOOPBACK))
			continue;
		const struct in6_addr *six = &((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr;
		if (i->ifa_addr->sa_family == AF_INET &&
		    add_address(crt, &((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr, 4) == 0)
			left--;
		else if (i->ifa_addr->sa_family == AF_INET6 && !IN6_IS_ADDR_LINKLOCAL(six) && add_address(crt, six, 16) == 0)
			left--;
	}
	freeifaddrs(all);
}

static int add_names(gnutls_x509_crt_t crt, const char *name)
{
	static const unsigned char four[4] = { 127, 0, 0, 1 };
	int rc =
	    gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, name, (unsigned)strlen(name), GNUTLS_FSAN_APPEND);
	if (rc == 0 && strcmp(name, "localhost") != 0)
		rc = gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, "localhost", 9, GNUTLS_FSAN_APPEND);
	if (rc == 0)
		rc = add_address(crt, four, sizeof four);
	if (rc == 0)
		rc = add_address(crt, &in6addr_loopback, sizeof in6addr_loopback);
	add_interface_addresses(crt);
	return rc;
}

static int add_validity(gnutls_x509_crt_t crt)
{
	unsigned char serial[16];
	time_t now = time(NULL);
	int rc = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof serial);
	serial[0] = (unsigned char)((serial[0] & 0x7f) | 0x01); /* positive and not zero, RFC 5280 4.1.2.2 */
	if (rc == 0)
		rc = gnutls_x509_crt_set_serial(crt, serial, sizeof serial);
	if (rc == 0)
		rc = gnutls_x509_crt_set_activation_time(crt, now - 86400); /* for browsers whose clock is a little behind */
	if (rc == 0)
		rc = gnutls_x509_crt_set_expiration_time(crt, now + LIFETIME);
	return rc;
}

static int sign(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key)
{
	char name[65];
	unsigned char id[64];
	size_t size = sizeof id;
	host_name(name);
	int rc = gnutls_x509_crt_set_version(crt, 3);
	if (rc == 0)
		rc = gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned)strlen(name));
	if (rc == 0)
		rc = gnutls_x509_crt_set_key(crt, key);
	if (rc == 0)
		rc = add_validity(crt);
	if (rc == 0)
		rc = add_names(crt, name);
	if (rc == 0)
		rc = gnutls_x509_crt_set_basic_constraints(crt, 0, -1);
	if (rc == 0)
		rc = gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE);
	if (rc == 0)
		rc = gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0);
	if (rc == 0 && gnutls_x509_crt_get_key_id(crt, 0, id, &size) == 0)
		rc = gnutls_x509_crt_set_subject_key_id(crt, id, size);
	return rc ? rc : gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
}

static int generate(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, gnutls_datum_t *certificate_text,
                    gnutls_datum_t *key_text)
{
	int rc = gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	if (rc == 0)
		rc = sign(crt, key);
	if (rc == 0)
		rc = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, certificate_text);
	if (rc == 0)
		rc = gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, key_text);
	return rc;
}

static int make(const char *certificate_path, const char *key_path, struct err *e)
{
	gnutls_x509_crt_t crt;
	gnutls_x509_privkey_t key;
	gnutls_datum_t certificate_text = { 0 }, key_text = { 0 };
	must(gnutls_x509_crt_init(&crt) == 0 && gnutls_x509_privkey_init(&key) == 0);
	int rc = generate(crt, key, &certificate_text, &key_text);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
	if (rc != 0)
		rc = err_set(e, E_INTERNAL, NULL, "The certificate for HTTPS could not be made: %s.", gnutls_strerror(rc));
	else if ((rc = file_write(key_path, key_text.data, key_text.size, 0600, FILE_REPLACE, e)) == 0)
		rc = file_write(certificate_path, certificate_text.data, certificate_text.size, 0644, FILE_REPLACE, e);
	if (key_text.data)
		gnutls_memset(key_text.data, 0, key_text.size);
	gnutls_free(key_text.data);
	gnutls_free(certificate_text.data);
	return rc;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static int key_matches(gnutls_x509_crt_t crt, const char *key_pem, bool *matches)
{
	unsigned char of_certificate[64], of_key[64];
	size_t a = sizeof of_certificate, b = sizeof of_key;
	gnutls_x509_privkey_t key;
	gnutls_datum_t data = { (unsigned char *)(uintptr_t)key_pem, (unsigned)strlen(key_pem) };
	must(gnutls_x509_privkey_init(&key) == 0);
	int rc = gnutls_x509_privkey_import2(key, &data, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (rc == 0)
		rc = gnutls_x509_crt_get_key_id(crt, 0, of_certificate, &a);
	if (rc == 0)
		rc = gnutls_x509_privkey_get_key_id(key, 0, of_key, &b);
	gnutls_x509_privkey_deinit(key);
	*matches = rc == 0 && a == b && memcmp(of_certificate, of_key, a) == 0;
	return rc;
}

static int check(const char *certificate_path, const char *certificate_text, const char *key_path, const char *key_pem,
                 struct err *e)
{
	unsigned count;
	char day[24];
	struct err inner = { 0 };
	gnutls_x509_crt_t *list = certificates_parse(certificate_text, strlen(certificate_text), CHAIN_MAX, &count, &inner);
	if (!list)
		return err_set(e, E_INVALID, NULL, "%s: %s Remove it with its key, and the station makes new ones.",
		               certificate_path, inner.text);
	bool matches;
	int rc = key_matches(list[0], key_pem, &matches);
	int64_t until = certificate_not_after(list[0]);
	certificates_free(list, count);
	if (!matches)
		return err_set(e, E_INVALID, NULL, "%s does not belong to %s%s%s. Remove both, and the station makes new ones.",
		               key_path, certificate_path, rc ? ": " : "", rc ? gnutls_strerror(rc) : "");
	if ((int64_t)time(NULL) * SECOND_US > until)
		log_warn("the certificate for HTTPS, %s, expired on %s; remove it with its key, and the station makes new ones",
		         certificate_path, certificate_date(until, day));
	return 0;
}

static int provide(const char *directory, const char *certificate_path, const char *key_path, struct err *e)
{
	if (mkdir(directory, 0700) != 0 && errno != EEXIST)
		return err_set(e, E_STORAGE, NULL, "%s could not be made: %s.", directory, strerror(errno));
	if (access(certificate_path, F_OK) == 0 && access(key_path, F_OK) == 0)
		return 0;
	log_info("making a certificate for HTTPS: %s", certificate_path);
	return make(certificate_path, key_path, e);
}

int trust_server_certificate(const char *directory, char **certificate_text, char **key_pem, struct err *e)
{
	char *folder = must_format("%s/tls", directory), *certificate_path = must_format("%s/default.pem", folder),
	     *key_path = must_format("%s/default.key", folder);
	*certificate_text = *key_pem = NULL;
	struct err local = { 0 };
	struct err *error = e ? e : &local;
	int rc = provide(folder, certificate_path, key_path, error);
	if (rc == 0 &&
	    (!(*certificate_text = file_read(certificate_path, PEM_FILE_MAX, NULL, error)) ||
	     !(*key_pem = file_read(key_path, PEM_FILE_MAX, NULL, error))))
		rc = error->code;
	if (*certificate_text && *key_pem)
		rc = check(certificate_path, *certificate_text, key_path, *key_pem, error);
	if (rc != 0) {
		free(*certificate_text);
		free(*key_pem);
		*certificate_text = *key_pem = NULL;
	}
	free(folder);
	free(certificate_path);
	free(key_path);
	return rc;
}
