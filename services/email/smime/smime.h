/* SPDX-License-Identifier: Apache-2.0
 * S/MIME (RFC 8551): the last step of building a message. A finished message (headers, an empty line, body; CR LF) is
 * signed, encrypted, or both: its content headers go with its body into what is protected; From, Subject and all others
 * stay outside. The body must be 7-bit, as message_build makes it, so that no server on the way changes what was signed.
 * Private keys stay in GnuTLS; what only needs certificates of others (EnvelopedData) is OpenSSL's. Any thread; a
 * signature takes some 0.2 ms with EC keys, and 1 to 8 ms with RSA. */
#ifndef BELFRY_EMAIL_SMIME_H
#define BELFRY_EMAIL_SMIME_H

#include "services/trust/trust.h"

struct smime_text {
	char *bytes; /* owned */
	size_t length;
};

/* Can mails of this sender be signed with this key, now (microseconds)? 0; or E_INVALID and a sentence: expired, not valid
 * yet, not for mail, made out to other addresses, of a kind that mail programs do not read. */
int smime_check_signer(const struct trust_key *key, const char *sender, int64_t now, struct err *e);
/* multipart/signed with a detached signature (SHA-256) and the chain. Replaces *message; it is untouched after an error. */
int smime_sign(struct smime_text *message, const struct trust_key *key, struct err *e);
/* application/pkcs7-mime, EnvelopedData under AES-256-CBC, for each of these certificates (PEM, one each; borrowed).
 * Replaces *message; it is untouched after an error. */
int smime_encrypt(struct smime_text *message, const char *const *certificates, size_t count, struct err *e);

#endif
