/* SPDX-License-Identifier: Apache-2.0
 * Signing a message: see smime.h. */
#include "services/email/smime/smime.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <gnutls/pkcs7.h>
#include <sodium.h>

#include "services/email/smime/smime_inside.h"
#include "station/base/must.h"
#include "station/base/secret.h"

/* --- apart and together -------------------------------------------------------------------------------------------- */

static void add(struct smime_text *t, const char *bytes, size_t length)
{
	t->bytes = must_realloc(t->bytes, t->length + length + 1);
	memcpy(t->bytes + t->length, bytes, length);
	t->length += length;
	t->bytes[t->length] = '\0';
}

/* The end of the header field at p: behind its last folded line (RFC 5322 2.2.3). */
static const char *field_end(const char *p, const char *end)
{
	do {
		const char *line = memchr(p, '\n', (size_t)(end - p));
		p = line ? line + 1 : end;
	} while (p < end && (*p == ' ' || *p == '\t'));
	return p;
}

void smime_take_apart(const struct smime_text *message, struct smime_parts *out)
{
	const char *p = message->bytes, *end = p + message->length;
	struct smime_text outside = { 0 };
	*out = (struct smime_parts){ 0 };
	add(&outside, "", 0);
	while (p < end && *p != '\r' && *p != '\n') {
		const char *next = field_end(p, end);
		if (strncasecmp(p, "Content-", 8) == 0)
			add(&out->entity, p, (size_t)(next - p));
		else if (strncasecmp(p, "MIME-Version:", 13) != 0) /* said again outside */
			add(&outside, p, (size_t)(next - p));
		p = next;
	}
	add(&out->entity, p, (size_t)(end - p)); /* the empty line, and the body */
	out->outside = outside.bytes;
}

void smime_parts_clear(struct smime_parts *p)
{
	free(p->outside);
	free(p->entity.bytes);
	*p = (struct smime_parts){ 0 };
}

void smime_put_together(struct smime_text *message, const struct smime_parts *p, struct smime_text *rest)
{
	free(message->bytes);
	*message = (struct smime_text){ 0 };
	add(message, p->outside, strlen(p->outside));
	add(message, "MIME-Version: 1.0\r\n", 19);
	add(message, rest->bytes, rest->length);
	free(rest->bytes);
	*rest = (struct smime_text){ 0 };
}

char *smime_base64(const void *bytes, size_t length)
{
	enum { LINE = 48 /* bytes, 64 characters */ };
	struct smime_text out = { 0 };
	char line[sodium_base64_ENCODED_LEN(LINE, sodium_base64_VARIANT_ORIGINAL)];
	for (size_t at = 0; at < length; at += LINE) {
		size_t n = length - at < LINE ? length - at : LINE;
		sodium_bin2base64(line, sizeof line, (const unsigned char *)bytes + at, n, sodium_base64_VARIANT_ORIGINAL);
		add(&out, line, strlen(line));
		add(&out, "\r\n", 2);
	}
	return out.bytes ? out.bytes : must_strdup("");
}

/* --- the signer ---------------------------------------------------------------------------------------------------- */

/* 1: the certificate names this address; 0: it names others; -1: it names none. */
static int names_address(gnutls_x509_crt_t crt, const char *address)
{
	int found = -1;
	for (unsigned i = 0; i < 100; i++) {
		char name[512];
		size_t size = sizeof name - 1;
		int kind = gnutls_x509_crt_get_subject_alt_name(crt, i, name, &size, NULL);
		if (kind == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			break;
		if (kind != GNUTLS_SAN_RFC822NAME)
			continue;
		name[size] = '\0';
		if (strcasecmp(name, address) == 0)
			return 1;
		found = 0;
	}
	return found;
}

static bool is_for_mail(gnutls_x509_crt_t crt)
{
	char oid[128];
	unsigned critical;
	for (unsigned i = 0; i < 32; i++) {
		size_t size = sizeof oid;
		int rc = gnutls_x509_crt_get_key_purpose_oid(crt, i, oid, &size, &critical);
		if (rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			return i == 0;
		if (rc == 0 && (strcmp(oid, GNUTLS_KP_EMAIL_PROTECTION) == 0 || strcmp(oid, GNUTLS_KP_ANY) == 0))
			return true;
	}
	return false;
}

int smime_check_signer(const struct trust_key *key, const char *sender, int64_t now, struct err *e)
{
	unsigned count;
	gnutls_x509_crt_t crt = trust_key_chain(key, &count)[0];
	time_t at = (time_t)(now / 1000000);
	const char *alias = trust_key_alias(key);
	int algorithm = gnutls_x509_crt_get_pk_algorithm(crt, NULL);
	if (at > gnutls_x509_crt_get_expiration_time(crt))
		return err_set(e, E_INVALID, "signingKey", "The certificate of the key \"%.100s\" has expired.", alias);
	if (at < gnutls_x509_crt_get_activation_time(crt))
		return err_set(e, E_INVALID, "signingKey", "The certificate of the key \"%.100s\" is not valid yet.", alias);
	if (algorithm != GNUTLS_PK_RSA && algorithm != GNUTLS_PK_ECDSA)
		return err_set(e, E_INVALID, "signingKey", "Mail programs do not read keys as \"%.100s\"; take RSA or EC.",
		               alias);
	if (!is_for_mail(crt))
		return err_set(e, E_INVALID, "signingKey", "The certificate of the key \"%.100s\" is not made for mail.",
		               alias);
	if (names_address(crt, sender) == 0)
		return err_set(e, E_INVALID, "signingKey",
		               "The certificate of the key \"%.100s\" is made out to other addresses than %.200s.", alias,
		               sender);
	return 0;
}

/* --- signing ------------------------------------------------------------------------------------------------------- */

static int make_signature(gnutls_pkcs7_t pkcs7, const struct trust_key *key, const gnutls_datum_t *data,
                          gnutls_datum_t *der)
{
	unsigned count;
	const gnutls_x509_crt_t *chain = trust_key_chain(key, &count);
	int rc = gnutls_pkcs7_sign(pkcs7, chain[0], trust_key_private(key), data, NULL, NULL, GNUTLS_DIG_SHA256,
	                           GNUTLS_PKCS7_INCLUDE_TIME | GNUTLS_PKCS7_INCLUDE_CERT);
	for (unsigned i = 1; i < count && rc == 0; i++)
		rc = gnutls_pkcs7_set_crt(pkcs7, chain[i]);
	return rc ? rc : gnutls_pkcs7_export2(pkcs7, GNUTLS_X509_FMT_DER, der);
}

static char *signature_of(const struct smime_text *entity, const struct trust_key *key, struct err *e)
{
	gnutls_pkcs7_t pkcs7;
	gnutls_datum_t data = { (unsigned char *)entity->bytes, (unsigned)entity->length }, der = { 0 };
	must(gnutls_pkcs7_init(&pkcs7) == 0);
	int rc = make_signature(pkcs7, key, &data, &der);
	char *text = rc == 0 ? smime_base64(der.data, der.size) : NULL;
	gnutls_free(der.data);
	gnutls_pkcs7_deinit(pkcs7);
	if (rc != 0)
		err_set(e, E_INTERNAL, "signingKey", "The mail could not be signed with \"%.100s\": %s", trust_key_alias(key),
		        gnutls_strerror(rc));
	return text;
}

int smime_sign(struct smime_text *message, const struct trust_key *key, struct err *e)
{
	struct smime_parts p;
	smime_take_apart(message, &p);
	char *signature = signature_of(&p.entity, key, e), *boundary = secret_random_hex(16);
	if (signature) {
		struct smime_text rest = { 0 };
		char *head = must_format("Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\";\r\n"
		                         " micalg=sha-256; boundary=\"=_%s\"\r\n\r\n"
		                         "This is a signed message.\r\n\r\n--=_%s\r\n",
		                         boundary, boundary);
		/* The line break in front of a boundary belongs to it (RFC 2046 5.1.1), not to what is signed. */
		char *tail = must_format("\r\n--=_%s\r\nContent-Type: application/pkcs7-signature; name=\"smime.p7s\"\r\n"
		                         "Content-Transfer-Encoding: base64\r\n"
		                         "Content-Disposition: attachment; filename=\"smime.p7s\"\r\n\r\n%s\r\n--=_%s--\r\n",
		                         boundary, signature, boundary);
		add(&rest, head, strlen(head));
		add(&rest, p.entity.bytes, p.entity.length);
		add(&rest, tail, strlen(tail));
		smime_put_together(message, &p, &rest);
		free(head);
		free(tail);
	}
	smime_parts_clear(&p);
	free(boundary);
	int rc = signature ? 0 : e->code;
	free(signature);
	return rc;
}
