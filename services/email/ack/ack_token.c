/* SPDX-License-Identifier: Apache-2.0
 * Tokens: see ack_token.h. */
#include "services/email/ack/ack_token.h"

#include <ctype.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "station/base/must.h"

static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567"; /* RFC 4648 6, in lower case */
enum { BYTES = ACK_NONCE + ACK_MAC };

int64_t ack_key_number(int64_t now)
{
	return now / 1000000 / (86400 * ACK_KEY_DAYS);
}

static void encode(const unsigned char bytes[BYTES], char *out)
{
	unsigned bits = 0, count = 0;
	for (size_t i = 0; i < BYTES; i++) {
		bits = bits << 8 | bytes[i];
		for (count += 8; count >= 5; count -= 5)
			*out++ = base32[bits >> (count - 5) & 31];
	}
	*out++ = base32[bits << (5 - count) & 31];
	*out = '\0';
}

static int digit_of(char c)
{
	const char *at = c ? strchr(base32, tolower((unsigned char)c)) : NULL;
	return at ? (int)(at - base32) : -1;
}

static bool decode(const char *text, unsigned char bytes[BYTES])
{
	unsigned bits = 0, count = 0;
	size_t n = 0;
	for (size_t i = 0; i < ACK_TOKEN_LENGTH - 2; i++) {
		int digit = digit_of(text[i]);
		if (digit < 0)
			return false;
		bits = bits << 5 | (unsigned)digit;
		count += 5;
		if (count >= 8 && n < BYTES) {
			count -= 8;
			bytes[n++] = (unsigned char)(bits >> count);
		}
	}
	return n == BYTES && (bits & ((1u << count) - 1)) == 0;
}

static void mac_of(const unsigned char key[ACK_KEY], const struct ack_binding *b, const unsigned char nonce[ACK_NONCE],
                   unsigned char mac[ACK_MAC])
{
	unsigned char whole[crypto_auth_hmacsha256_BYTES];
	char numbers[64];
	crypto_auth_hmacsha256_state state;
	snprintf(numbers, sizeof numbers, "%" PRId64 " %" PRId64, b->sequence, b->expires);
	const char *const parts[] = { "ack1", b->station, b->alarm, b->recipient, numbers };
	crypto_auth_hmacsha256_init(&state, key, ACK_KEY);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) /* each with its NUL, so that none can run into the next */
		crypto_auth_hmacsha256_update(&state, (const unsigned char *)parts[i], strlen(parts[i]) + 1);
	crypto_auth_hmacsha256_update(&state, nonce, ACK_NONCE);
	crypto_auth_hmacsha256_final(&state, whole);
	memcpy(mac, whole, ACK_MAC);
}

void ack_token_make(const unsigned char key[ACK_KEY], int64_t key_number, const struct ack_binding *b,
                    const unsigned char nonce[ACK_NONCE], char out[ACK_TOKEN_LENGTH + 1])
{
	unsigned char bytes[BYTES];
	memcpy(bytes, nonce, ACK_NONCE);
	mac_of(key, b, nonce, bytes + ACK_NONCE);
	out[0] = 'a';
	out[1] = base32[key_number % 32];
	encode(bytes, out + 2);
}

bool ack_token_read(const char *text, struct ack_token *out)
{
	unsigned char bytes[BYTES];
	if (tolower((unsigned char)text[0]) != 'a' || (out->digit = digit_of(text[1])) < 0 || !decode(text + 2, bytes) ||
	    isalnum((unsigned char)text[ACK_TOKEN_LENGTH]))
		return false;
	memcpy(out->nonce, bytes, ACK_NONCE);
	memcpy(out->mac, bytes + ACK_NONCE, ACK_MAC);
	return true;
}

const char *ack_token_find(const char *text, struct ack_token *out)
{
	for (const char *p = text; *p; p++) {
		if (!isalnum((unsigned char)*p))
			continue;
		if (ack_token_read(p, out))
			return p;
		while (isalnum((unsigned char)p[1])) /* the rest of this word is none either */
			p++;
	}
	return NULL;
}

char *ack_token_hide(const char *text)
{
	static const char mark[] = "…";
	char *out = must_strdup(text), *to = out; /* what is left out is longer than the mark */
	for (const char *p = text; *p;) {
		size_t word = 0;
		while (isalnum((unsigned char)p[word]))
			word++;
		bool hidden = word >= ACK_TOKEN_LENGTH;
		size_t taken = word ? word : 1, n = hidden ? strlen(mark) : taken;
		memcpy(to, hidden ? mark : p, n);
		to += n;
		p += taken;
	}
	*to = '\0';
	return out;
}

bool ack_token_verify(const unsigned char key[ACK_KEY], const struct ack_binding *b, const struct ack_token *t)
{
	unsigned char mac[ACK_MAC];
	mac_of(key, b, t->nonce, mac);
	return sodium_memcmp(mac, t->mac, ACK_MAC) == 0;
}

void ack_nonce_hash(const unsigned char nonce[ACK_NONCE], char out[ACK_HASH_TEXT])
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	crypto_hash_sha256(hash, nonce, ACK_NONCE);
	sodium_bin2hex(out, ACK_HASH_TEXT, hash, sizeof hash);
}
