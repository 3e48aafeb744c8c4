/* SPDX-License-Identifier: Apache-2.0
 * What signing (smime.c) and encrypting (smime_encrypt.c) share: taking a message apart, and base64 in lines. */
#ifndef BELFRY_EMAIL_SMIME_INSIDE_H
#define BELFRY_EMAIL_SMIME_INSIDE_H

#include "services/email/smime/smime.h"

/* A message in two: owned texts. */
struct smime_parts {
	char *outside;            /* headers that stay, without the empty line */
	struct smime_text entity; /* content headers, empty line, body */
};
void smime_take_apart(const struct smime_text *message, struct smime_parts *out);
void smime_parts_clear(struct smime_parts *p);
/* Base64 in lines of 64 characters that end with CR LF; owned. */
char *smime_base64(const void *bytes, size_t length);
/* The message becomes `outside` and what follows (taken). */
void smime_put_together(struct smime_text *message, const struct smime_parts *p, struct smime_text *rest);

#endif
