/* SPDX-License-Identifier: Apache-2.0
 * Whatever a server says during a login. The first byte chooses the mechanism, each line is a challenge: as it is, or, with
 * the byte's highest bit, as base64 of it. A server that has not proven itself is never believed. */
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "services/email/wire/sasl.h"
#include "station/base/must.h"

static char *challenge_of(const char *at, size_t length, bool encode)
{
	if (!encode)
		return must_strndup(at, length);
	size_t size = sodium_base64_encoded_len(length, sodium_base64_VARIANT_ORIGINAL);
	return sodium_bin2base64(must_alloc(size), size, (const unsigned char *)at, length, sodium_base64_VARIANT_ORIGINAL);
}

static void converse(struct sasl *s, const char *at, const char *end, bool encode)
{
	struct err e;
	char *said = NULL;
	must(sasl_start(s, 500, &said, &e) == 0);
	secret_wipe(&said);
	for (int rc = 0; at < end && rc == 0;) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t length = (size_t)((stop ? stop : end) - at);
		char *challenge = challenge_of(at, length, encode);
		rc = sasl_step(s, challenge, &said, &e);
		must((rc == 0) == (said != NULL));
		must(rc != 0 ||
		     strspn(said, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") == strlen(said));
		must(strlen(sasl_reason(s)) < 200);
		secret_wipe(&said);
		free(challenge);
		at += length + 1;
	}
	/* Without the password nobody can make the signature that this nonce asks for. */
	must(sasl_accepted(s, &e) != 0 || strcmp(sasl_exchange_name(s), "SCRAM-SHA-256") != 0);
}

static void choose(const char *text, size_t length)
{
	struct sasl_offer offer = { .known = 0 };
	struct sasl_login login = { .kind = SASL_PASSWORD };
	enum sasl_mechanism m;
	struct err e;
	sasl_offer_add(&offer, text, length);
	must(strlen(offer.names) < sizeof offer.names);
	must(sasl_choose(&login, &offer, true, &m, &e) != 0 || offer.known & 1u << m);
}

int sasl_fuzz(const uint8_t *data, size_t size);
int sasl_fuzz(const uint8_t *data, size_t size)
{
	if (size == 0 || sodium_init() < 0)
		return 0;
	const char *text = (const char *)data + 1, *end = (const char *)data + size;
	enum sasl_mechanism m = (enum sasl_mechanism)(1 + (data[0] & 0x7f) % (SASL_MECHANISMS - 1));
	char user[] = "tim, =?";
	struct sasl_login login = { .kind = SASL_PASSWORD, .user = user };
	struct sasl *s = sasl_new(
	    m, &login, NULL, &(struct sasl_place){ .host = "mail.test", .port = 465, .nonce = "rOprNGfwEbeRWgbNEkqO" });
	choose(text, (size_t)(end - text));
	converse(s, text, end, data[0] & 0x80);
	sasl_free(&s);
	return 0;
}
