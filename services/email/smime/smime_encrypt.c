/* SPDX-License-Identifier: Apache-2.0
 * Encrypting a message: see smime.h. GnuTLS makes no EnvelopedData, so this is OpenSSL's: RSA recipients by key transport,
 * EC ones by key agreement (RFC 5652 6.2). */
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "services/email/smime/smime_inside.h"
#include "station/base/must.h"

static STACK_OF(X509) * read_certificates(const char *const *certificates, size_t count, struct err *e)
{
	STACK_OF(X509) *list = sk_X509_new_null();
	must(list);
	for (size_t i = 0; i < count; i++) {
		BIO *pem = BIO_new_mem_buf(certificates[i], -1);
		X509 *x = PEM_read_bio_X509(pem, NULL, NULL, NULL);
		BIO_free(pem);
		if (!x || sk_X509_push(list, x) <= 0) {
			X509_free(x);
			sk_X509_pop_free(list, X509_free);
			err_set(e, E_INVALID, NULL, "The certificate of a recipient cannot be read.");
			return NULL;
		}
	}
	return list;
}

/* What OpenSSL has to say, as one sentence; its queue is empty afterwards. */
static int refuse(struct err *e)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());
	ERR_clear_error();
	return err_set(e, E_INTERNAL, NULL, "The mail could not be encrypted: %s.", reason ? reason : "unknown error");
}

static char *envelop(const struct smime_text *entity, STACK_OF(X509) * recipients, struct err *e)
{
	unsigned char *der = NULL;
	BIO *in = BIO_new_mem_buf(entity->bytes, (int)entity->length);
	CMS_ContentInfo *cms = CMS_encrypt(recipients, in, EVP_aes_256_cbc(), CMS_BINARY);
	int length = cms ? i2d_CMS_ContentInfo(cms, &der) : -1;
	char *text = length > 0 ? smime_base64(der, (size_t)length) : NULL;
	if (!text)
		refuse(e);
	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	return text;
}

int smime_encrypt(struct smime_text *message, const char *const *certificates, size_t count, struct err *e)
{
	STACK_OF(X509) *recipients = read_certificates(certificates, count, e);
	if (!recipients)
		return e->code;
	struct smime_parts p;
	smime_take_apart(message, &p);
	char *text = envelop(&p.entity, recipients, e);
	sk_X509_pop_free(recipients, X509_free);
	if (text) {
		struct smime_text rest = { 0 };
		rest.bytes =
		    must_format("Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=\"smime.p7m\"\r\n"
		                "Content-Transfer-Encoding: base64\r\n"
		                "Content-Disposition: attachment; filename=\"smime.p7m\"\r\n\r\n%s",
		                text);
		rest.length = strlen(rest.bytes);
		smime_put_together(message, &p, &rest);
	}
	smime_parts_clear(&p);
	int rc = text ? 0 : e->code;
	free(text);
	return rc;
}
