/* SPDX-License-Identifier: Apache-2.0
 * Reads what a certificate says (RFC 5280) into a row, from which JSON follows by the table below. */
#include "services/trust/certificate.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gnutls/crypto.h>

#include "station/base/must.h"

#define NAME_BYTES_MAX 1024
#define SANS_MAX 100

static const struct slot fingerprint_slots[] = {
	SLOT(struct certificate_fingerprints, sha1, STRING,
	     .doc = "SHA-1 of the certificate, hexadecimal; only for comparing with older tools."),
	SLOT(struct certificate_fingerprints, sha256, STRING, .doc = "SHA-256 of the certificate, hexadecimal."),
	SLOT_END,
};
static const struct slot row_slots[] = {
	SLOT(struct certificate_row, alias, STRING, .flags = SLOT_REQUIRED, .doc = "Name within its store."),
	SLOT(struct certificate_row, subject, STRING, .doc = "Distinguished name of the owner."),
	SLOT(struct certificate_row, issuer, STRING, .doc = "Distinguished name of who signed it."),
	SLOT(struct certificate_row, serial, STRING, .doc = "Serial number, hexadecimal."),
	SLOT(struct certificate_row, version, INTEGER, .doc = "X.509 version."),
	SLOT(struct certificate_row, notBefore, ABSTIME, .doc = "Valid from."),
	SLOT(struct certificate_row, notAfter, ABSTIME, .doc = "Valid until."),
	SLOT(struct certificate_row, keyAlgorithm, STRING, .doc = "Algorithm of the public key: RSA, EC, Ed25519."),
	SLOT(struct certificate_row, keySize, INTEGER, .doc = "Size of the public key in bits."),
	SLOT(struct certificate_row, signatureAlgorithm, STRING, .doc = "Algorithm of the issuer's signature."),
	SLOT(struct certificate_row, selfSigned, BOOLEAN, .doc = "Subject and issuer are the same."),
	SLOT(struct certificate_row, ca, BOOLEAN, .doc = "It may sign other certificates."),
	SLOT(struct certificate_row, keyUsage, LIST, .element = V_STRING, .doc = "What the key may be used for."),
	SLOT(struct certificate_row, extendedKeyUsage, LIST, .element = V_STRING,
	     .doc = "What the certificate is made for."),
	SLOT(struct certificate_row, sans, LIST, .element = V_STRING, .doc = "Names and addresses that it is made out to."),
	SLOT_STRUCT(struct certificate_row, fingerprints, fingerprint_slots,
	            .doc = "Hashes to compare with what the owner says."),
	SLOT(struct certificate_row, spki, STRING, .doc = "SHA-256 of the public key, hexadecimal."),
	SLOT(struct certificate_row, valid, BOOLEAN, .doc = "Within its time of validity."),
	SLOT(struct certificate_row, reason, STRING, .doc = "Why it is not valid."),
	SLOT(struct certificate_row, pem, STRING, .facets = FACETS(.maxLength = CHAIN_PEM_MAX),
	     .doc = "The certificate as PEM text."),
	SLOT_END,
};
const struct record_kind certificate_row_kind = { "certificateRow", "A certificate, explained.",
	                                              sizeof(struct certificate_row), row_slots, false };

/* --- texts -------------------------------------------------------------------------------------------------------- */

static size_t utf8_width(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first < 0xe0)
		return 2;
	if (first >= 0xe0 && first < 0xf0)
		return 3;
	return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

/* Overlong forms, surrogates and what lies behind U+10FFFF (RFC 3629 section 4). */
static bool utf8_bad(const unsigned char *p)
{
	return (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
	    (p[0] == 0xf4 && p[1] > 0x8f);
}

/* C1 controls, and U+2028 to U+202E, U+2066 to U+2069, which break lines or turn the direction of text around: with them
 * a name can look like another. */
static bool utf8_tricky(const unsigned char *p)
{
	if (p[0] == 0xe2 && p[1] == 0x80)
		return p[2] >= 0xa8 && p[2] <= 0xae;
	if (p[0] == 0xe2 && p[1] == 0x81)
		return p[2] >= 0xa6 && p[2] <= 0xa9;
	return p[0] == 0xc2 && p[1] < 0xa0;
}

/* Length of the harmless UTF-8 sequence at p, 0 when it is none. */
static size_t utf8_length(const unsigned char *p, size_t left)
{
	size_t n = utf8_width(p[0]);
	if (n == 0 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n > 1 && (utf8_bad(p) || utf8_tricky(p)) ? 0 : n;
}

char *certificate_clean_text(const void *bytes, size_t length, size_t max)
{
	const unsigned char *p = bytes, *end = p + length;
	char *text = must_alloc(max + 1), *out = text;
	while (p < end) {
		size_t n = utf8_length(p, (size_t)(end - p));
		bool plain = n > 1 || (n == 1 && *p >= 0x20 && *p != 0x7f);
		size_t width = plain ? n : 1;
		if ((size_t)(out - text) + width > max)
			break;
		if (plain)
			memcpy(out, p, n);
		else
			*out = '?';
		out += width;
		p += n ? n : 1;
	}
	return text;
}

static char *hex_text(const unsigned char *bytes, size_t size)
{
	char *text = must_alloc(2 * size + 1);
	for (size_t i = 0; i < size; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return text;
}

char *certificate_date(int64_t us, char *buf)
{
	time_t seconds = (time_t)(us / SECOND_US);
	struct tm tm;
	if (us == ABSTIME_NULL || !gmtime_r(&seconds, &tm) || strftime(buf, 24, "%Y-%m-%d", &tm) == 0)
		memcpy(buf, "an unknown day", sizeof "an unknown day");
	return buf;
}

static void add_text(struct list *list, char *taken)
{
	list->items = must_realloc(list->items, (list->count + 1) * sizeof *list->items);
	list->items[list->count++] = (struct value){ .kind = V_STRING, .text = taken };
}

/* --- single facts ------------------------------------------------------------------------------------------------- */

static char *distinguished_name(gnutls_x509_crt_t crt, bool issuer)
{
	gnutls_datum_t dn = { 0 };
	int rc = issuer ? gnutls_x509_crt_get_issuer_dn3(crt, &dn, 0) : gnutls_x509_crt_get_dn3(crt, &dn, 0);
	char *text = rc == 0 ? certificate_clean_text(dn.data, dn.size, NAME_BYTES_MAX) : must_strdup("");
	gnutls_free(dn.data);
	return text;
}

static char *name_part(gnutls_x509_crt_t crt, bool issuer, const char *oid)
{
	char part[256];
	size_t size = sizeof part;
	int rc = issuer ? gnutls_x509_crt_get_issuer_dn_by_oid(crt, oid, 0, 0, part, &size)
	                : gnutls_x509_crt_get_dn_by_oid(crt, oid, 0, 0, part, &size);
	return rc == 0 && size > 0 ? certificate_clean_text(part, size, 64) : NULL;
}

char *certificate_name(gnutls_x509_crt_t crt, bool issuer)
{
	static const char *const oids[] = { GNUTLS_OID_X520_COMMON_NAME, GNUTLS_OID_X520_ORGANIZATIONAL_UNIT_NAME,
		                                GNUTLS_OID_X520_ORGANIZATION_NAME };
	for (size_t i = 0; i < ARRAY_SIZE(oids); i++) {
		char *part = name_part(crt, issuer, oids[i]);
		if (part)
			return part;
	}
	char *dn = distinguished_name(crt, issuer), *cut = certificate_clean_text(dn, strlen(dn), 64);
	free(dn);
	return cut;
}

static void hash(gnutls_x509_crt_t crt, gnutls_digest_algorithm_t algorithm, char *out, size_t room)
{
	unsigned char digest[64];
	size_t size = sizeof digest;
	*out = '\0';
	if (gnutls_x509_crt_get_fingerprint(crt, algorithm, digest, &size) == 0)
		for (size_t i = 0; i < size && 2 * i + 2 < room; i++)
			snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

void certificate_fingerprint(gnutls_x509_crt_t crt, char out[FINGERPRINT_HEX])
{
	hash(crt, GNUTLS_DIG_SHA256, out, FINGERPRINT_HEX);
}

void certificate_spki(gnutls_x509_crt_t crt, char out[FINGERPRINT_HEX])
{
	unsigned char digest[32];
	size_t size = sizeof digest;
	*out = '\0';
	if (gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, digest, &size) == 0)
		for (size_t i = 0; i < size; i++)
			snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

bool certificate_is_ca(gnutls_x509_crt_t crt)
{
	unsigned critical;
	return gnutls_x509_crt_get_ca_status(crt, &critical) > 0;
}

bool certificate_is_self_signed(gnutls_x509_crt_t crt)
{
	return gnutls_x509_crt_check_issuer(crt, crt) != 0;
}

int64_t certificate_not_before(gnutls_x509_crt_t crt)
{
	time_t t = gnutls_x509_crt_get_activation_time(crt);
	return t == (time_t)-1 ? ABSTIME_NULL : (int64_t)t * SECOND_US;
}

int64_t certificate_not_after(gnutls_x509_crt_t crt)
{
	time_t t = gnutls_x509_crt_get_expiration_time(crt);
	return t == (time_t)-1 ? ABSTIME_NULL : (int64_t)t * SECOND_US;
}

char *certificate_pem(gnutls_x509_crt_t crt)
{
	gnutls_datum_t pem = { 0 };
	if (gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem) != 0)
		return must_strdup("");
	char *text = must_strndup((const char *)pem.data, pem.size);
	gnutls_free(pem.data);
	return text;
}

static char *serial_text(gnutls_x509_crt_t crt)
{
	unsigned char serial[64];
	size_t size = sizeof serial;
	return gnutls_x509_crt_get_serial(crt, serial, &size) == 0 ? hex_text(serial, size) : must_strdup("");
}

static const char *key_algorithm(gnutls_x509_crt_t crt, unsigned *bits)
{
	int algorithm = gnutls_x509_crt_get_pk_algorithm(crt, bits);
	switch (algorithm) {
	case GNUTLS_PK_ECDSA:
		return "EC";
	case GNUTLS_PK_EDDSA_ED25519:
		return "Ed25519";
	case GNUTLS_PK_EDDSA_ED448:
		return "Ed448";
	default:
		return algorithm < 0 ? "unknown" : gnutls_pk_algorithm_get_name((gnutls_pk_algorithm_t)algorithm);
	}
}

static const char *signature_algorithm(gnutls_x509_crt_t crt)
{
	int algorithm = gnutls_x509_crt_get_signature_algorithm(crt);
	const char *name = algorithm < 0 ? NULL : gnutls_sign_get_name((gnutls_sign_algorithm_t)algorithm);
	return name ? name : "unknown";
}

/* --- usages and names --------------------------------------------------------------------------------------------- */

static void read_key_usage(gnutls_x509_crt_t crt, struct list *out)
{
	static const struct {
		unsigned bit;
		const char *name;
	} usages[] = {
		{ GNUTLS_KEY_DIGITAL_SIGNATURE, "digitalSignature" },
		{ GNUTLS_KEY_NON_REPUDIATION, "nonRepudiation" },
		{ GNUTLS_KEY_KEY_ENCIPHERMENT, "keyEncipherment" },
		{ GNUTLS_KEY_DATA_ENCIPHERMENT, "dataEncipherment" },
		{ GNUTLS_KEY_KEY_AGREEMENT, "keyAgreement" },
		{ GNUTLS_KEY_KEY_CERT_SIGN, "keyCertSign" },
		{ GNUTLS_KEY_CRL_SIGN, "cRLSign" },
		{ GNUTLS_KEY_ENCIPHER_ONLY, "encipherOnly" },
		{ GNUTLS_KEY_DECIPHER_ONLY, "decipherOnly" },
	};
	unsigned usage = 0, critical;
	if (gnutls_x509_crt_get_key_usage(crt, &usage, &critical) < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(usages); i++)
		if (usage & usages[i].bit)
			add_text(out, must_strdup(usages[i].name));
}

static const char *purpose_name(const char *oid)
{
	static const struct {
		const char *oid, *name;
	} purposes[] = {
		{ GNUTLS_KP_TLS_WWW_SERVER, "serverAuth" },  { GNUTLS_KP_TLS_WWW_CLIENT, "clientAuth" },
		{ GNUTLS_KP_CODE_SIGNING, "codeSigning" },   { GNUTLS_KP_EMAIL_PROTECTION, "emailProtection" },
		{ GNUTLS_KP_TIME_STAMPING, "timeStamping" }, { GNUTLS_KP_OCSP_SIGNING, "OCSPSigning" },
		{ GNUTLS_KP_ANY, "anyExtendedKeyUsage" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(purposes); i++)
		if (strcmp(oid, purposes[i].oid) == 0)
			return purposes[i].name;
	return oid;
}

static void read_purposes(gnutls_x509_crt_t crt, struct list *out)
{
	for (unsigned i = 0; i < SANS_MAX; i++) {
		char oid[128];
		size_t size = sizeof oid;
		unsigned critical;
		if (gnutls_x509_crt_get_key_purpose_oid(crt, i, oid, &size, &critical) < 0)
			return;
		add_text(out, certificate_clean_text(purpose_name(oid), strlen(purpose_name(oid)), sizeof oid));
	}
}

/* The i-th alternative name as text; NULL behind the last; "" for a kind without a text form. */
static char *alternative_name(gnutls_x509_crt_t crt, unsigned i)
{
	char name[512], address[INET6_ADDRSTRLEN];
	size_t size = sizeof name;
	unsigned critical;
	int kind = gnutls_x509_crt_get_subject_alt_name(crt, i, name, &size, &critical);
	if (kind == GNUTLS_E_SHORT_MEMORY_BUFFER)
		return must_strdup("");
	if (kind < 0)
		return NULL;
	if (kind == GNUTLS_SAN_IPADDRESS && (size == 4 || size == 16))
		return must_strdup(inet_ntop(size == 4 ? AF_INET : AF_INET6, name, address, sizeof address) ? address : "");
	if (kind == GNUTLS_SAN_DNSNAME || kind == GNUTLS_SAN_RFC822NAME || kind == GNUTLS_SAN_URI)
		return certificate_clean_text(name, size, sizeof name);
	return must_strdup("");
}

static void read_names(gnutls_x509_crt_t crt, struct list *out)
{
	char *name;
	for (unsigned i = 0; out->count < SANS_MAX && (name = alternative_name(crt, i)); i++) {
		if (*name)
			add_text(out, name);
		else
			free(name);
	}
}

static void free_texts(struct list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		value_clear(&list->items[i]);
	free(list->items);
}

char *certificate_hosts(gnutls_x509_crt_t crt)
{
	struct list names = { 0 };
	read_names(crt, &names);
	if (names.count == 0) /* without alternative names the common name counts (RFC 6125 6.4.4) */
		add_text(&names, certificate_name(crt, false));
	char *text = must_strdup("");
	for (uint32_t i = 0; i < names.count && i < 3; i++) {
		char *longer = must_format("%s%s%.40s", text, i ? ", " : "", names.items[i].text);
		free(text);
		text = longer;
	}
	if (names.count > 3) {
		char *longer = names.count < SANS_MAX ? must_format("%s and %u more", text, names.count - 3)
		                                      : must_format("%s and many more", text);
		free(text);
		text = longer;
	}
	free_texts(&names);
	char *clean = certificate_clean_text(text, strlen(text), 160); /* %.40s may have cut a character */
	free(text);
	return clean;
}

/* --- the row ------------------------------------------------------------------------------------------------------ */

static void read_validity(gnutls_x509_crt_t crt, int64_t now, struct certificate_row *row)
{
	char day[24];
	row->notBefore.us = certificate_not_before(crt);
	row->notAfter.us = certificate_not_after(crt);
	row->valid = true;
	if (row->notAfter.us != ABSTIME_NULL && now > row->notAfter.us)
		row->reason = must_format("It expired on %s.", certificate_date(row->notAfter.us, day));
	else if (row->notBefore.us != ABSTIME_NULL && now < row->notBefore.us)
		row->reason = must_format("It is not valid before %s.", certificate_date(row->notBefore.us, day));
	else
		return;
	row->valid = false;
}

void certificate_describe(gnutls_x509_crt_t crt, const char *alias, int64_t now, struct certificate_row *row)
{
	char sha1[41], sha256[FINGERPRINT_HEX], spki[FINGERPRINT_HEX];
	unsigned bits = 0;
	record_init(&certificate_row_kind, row);
	row->alias = must_strdup(alias);
	row->subject = distinguished_name(crt, false);
	row->issuer = distinguished_name(crt, true);
	row->serial = serial_text(crt);
	row->version = gnutls_x509_crt_get_version(crt);
	row->keyAlgorithm = must_strdup(key_algorithm(crt, &bits));
	row->keySize = bits;
	row->signatureAlgorithm = must_strdup(signature_algorithm(crt));
	row->selfSigned = certificate_is_self_signed(crt);
	row->ca = certificate_is_ca(crt);
	read_key_usage(crt, &row->keyUsage);
	read_purposes(crt, &row->extendedKeyUsage);
	read_names(crt, &row->sans);
	hash(crt, GNUTLS_DIG_SHA1, sha1, sizeof sha1);
	certificate_fingerprint(crt, sha256);
	certificate_spki(crt, spki);
	row->fingerprints.sha1 = must_strdup(sha1);
	row->fingerprints.sha256 = must_strdup(sha256);
	row->spki = must_strdup(spki);
	row->pem = certificate_pem(crt);
	read_validity(crt, now, row);
}

json_t *certificate_to_json(gnutls_x509_crt_t crt, const char *alias, int64_t now)
{
	struct certificate_row row;
	certificate_describe(crt, alias, now, &row);
	json_t *json = record_to_json(&certificate_row_kind, &row);
	record_finish(&certificate_row_kind, &row);
	return json;
}

/* --- PEM ---------------------------------------------------------------------------------------------------------- */

gnutls_x509_crt_t *certificates_parse(const char *pem, size_t length, unsigned max, unsigned *count, struct err *e)
{
	gnutls_x509_crt_t *list = NULL;
	gnutls_datum_t data = { (unsigned char *)(uintptr_t)pem, (unsigned)length };
	*count = 0;
	if (length == 0 || !memmem(pem, length, "-----BEGIN ", 11)) {
		err_set(e, E_INVALID, "pem",
		        "There is no certificate in this text. A PEM certificate starts with -----BEGIN CERTIFICATE-----.");
		return NULL;
	}
	int rc = gnutls_x509_crt_list_import2(&list, count, &data, GNUTLS_X509_FMT_PEM, 0);
	if (rc < 0) {
		*count = 0;
		err_set(e, E_INVALID, "pem",
		        "The certificate cannot be read (%s). Was the text copied whole, from -----BEGIN CERTIFICATE----- "
		        "to -----END CERTIFICATE-----?",
		        gnutls_strerror(rc));
		return NULL;
	}
	if (*count > max) {
		err_set(e, E_TOO_LARGE, "pem", "This text holds %u certificates; at most %u are taken at once.", *count, max);
		certificates_free(list, *count);
		*count = 0;
		return NULL;
	}
	return list;
}

void certificates_free(gnutls_x509_crt_t *list, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		gnutls_x509_crt_deinit(list[i]);
	gnutls_free(list);
}
