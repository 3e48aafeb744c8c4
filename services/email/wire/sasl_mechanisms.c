/* SPDX-License-Identifier: Apache-2.0
 * What each mechanism says, but SCRAM, which is in sasl_scram.c; and the table of them all. */
#include <gnutls/crypto.h>
#include <jansson.h>
#include <stdio.h>

#include "services/email/wire/sasl_inside.h"
#include "station/base/must.h"

int sasl_escape_name(const char *name, char *out, size_t size)
{
	size_t at = 0;
	for (; *name; name++) {
		const char *text = *name == ',' ? "=2C" : *name == '=' ? "=3D" : (char[]){ *name, '\0' };
		size_t n = strlen(text);
		if (at + n >= size)
			return -1;
		memcpy(out + at, text, n);
		at += n;
	}
	out[at] = '\0';
	return 0;
}

static int plain(struct sasl *s, const char *secret, const struct part *challenge, char **bytes, size_t *length,
                 struct err *e)
{
	(void)challenge;
	(void)e;
	*bytes = sasl_join((struct part[]){ { "", 1 }, PART(s->user), { "", 1 }, PART(secret) }, 4, length);
	return 0;
}

static int login(struct sasl *s, const char *secret, const struct part *challenge, char **bytes, size_t *length,
                 struct err *e)
{
	(void)challenge;
	(void)e;
	*bytes = sasl_join((struct part[]){ PART(s->step == 0 ? s->user : secret) }, 1, length);
	return 0;
}

static int cram_md5(struct sasl *s, const char *secret, const struct part *challenge, char **bytes, size_t *length,
                    struct err *e)
{
	unsigned char digest[16];
	char hex[2 * sizeof digest + 1];
	if (challenge->length == 0)
		return err_set(e, E_PROTOCOL, NULL, "sent no challenge for CRAM-MD5.");
	if (gnutls_hmac_fast(GNUTLS_MAC_MD5, secret, strlen(secret), challenge->bytes, challenge->length, digest) != 0)
		return err_set(
		    e, E_AUTH, NULL,
		    "wants CRAM-MD5, but this machine's cryptographic policy forbids MD5. Choose another mechanism.");
	for (size_t i = 0; i < sizeof digest; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	*bytes = sasl_join((struct part[]){ PART(s->user), PART(" "), PART(hex) }, 3, length);
	return 0;
}

/* --- OAuth --------------------------------------------------------------------------------------------------------- */

static void add_reason(struct sasl *s, const char *label, const char *text)
{
	size_t at = strlen(s->reason);
	for (const char *p = label; *p && at + 1 < sizeof s->reason; p++)
		s->reason[at++] = *p;
	for (; *text && at + 1 < sizeof s->reason; text++)
		s->reason[at++] = *text > ' ' && *text < 0x7f ? *text : ' ';
	s->reason[at] = '\0';
}

/* The server has refused the token and tells why as JSON (RFC 7628 3.2.2); it waits for an answer before it says so. */
static void keep_reason(struct sasl *s, const struct part *challenge)
{
	json_t *json = json_loadb(challenge->bytes, challenge->length, JSON_REJECT_DUPLICATES, NULL);
	const char *status = json_string_value(json_object_get(json, "status"));
	const char *scope = json_string_value(json_object_get(json, "scope"));
	add_reason(s, "", status ? status : "refused");
	if (scope)
		add_reason(s, "; scope ", scope);
	json_decref(json);
}

static int xoauth2(struct sasl *s, const char *secret, const struct part *challenge, char **bytes, size_t *length,
                   struct err *e)
{
	(void)e;
	if (s->step > 0) {
		keep_reason(s, challenge);
		*bytes = sasl_join(NULL, 0, length);
		return 0;
	}
	*bytes = sasl_join(
	    (struct part[]){ PART("user="), PART(s->user), PART("\1auth=Bearer "), PART(secret), PART("\1\1") }, 5, length);
	return 0;
}

static int oauthbearer(struct sasl *s, const char *secret, const struct part *challenge, char **bytes, size_t *length,
                       struct err *e)
{
	char name[800], port[16];
	if (s->step > 0) {
		keep_reason(s, challenge);
		*bytes = sasl_join((struct part[]){ PART("\1") }, 1, length);
		return 0;
	}
	if (sasl_escape_name(s->user, name, sizeof name) != 0)
		return err_set(e, E_AUTH, NULL, "cannot be given so long a user name.");
	snprintf(port, sizeof port, "%d", s->port);
	*bytes =
	    sasl_join((struct part[]){ PART(*name ? "n,a=" : "n,"), PART(name), PART(",\1host="), PART(s->host),
	                               PART("\1port="), PART(port), PART("\1auth=Bearer "), PART(secret), PART("\1\1") },
	              9, length);
	return 0;
}

/* The connection's certificate says who we are; the name, who we want to be taken for. */
static int external(struct sasl *s, const char *secret, const struct part *challenge, char **bytes, size_t *length,
                    struct err *e)
{
	(void)secret;
	(void)challenge;
	(void)e;
	*bytes = sasl_join((struct part[]){ PART(s->user) }, 1, length);
	return 0;
}

/* name, client first, prompts, mutual, least, steps, respond */
const struct sasl_kind_of sasl_mechanisms[SASL_MECHANISMS] = {
	[SASL_PLAIN] = { "PLAIN", true, false, false, 1, 1, plain },
	[SASL_LOGIN] = { "LOGIN", false, true, false, 2, 2, login },
	[SASL_CRAM_MD5] = { "CRAM-MD5", false, false, false, 1, 1, cram_md5 },
	[SASL_SCRAM_SHA_256] = { "SCRAM-SHA-256", true, false, true, 2, 3, sasl_scram_respond },
	[SASL_XOAUTH2] = { "XOAUTH2", true, false, false, 1, 2, xoauth2 },
	[SASL_OAUTHBEARER] = { "OAUTHBEARER", true, false, false, 1, 2, oauthbearer },
	[SASL_EXTERNAL] = { "EXTERNAL", true, false, false, 1, 1, external },
};
