/* SPDX-License-Identifier: Apache-2.0
 * The token that an alarm mail carries and an answer brings back: "a", a digit of the key's number, 42 characters of
 * base32 in lower case (nonce of 80 bits, HMAC-SHA-256 cut to 128 bits); 44 in all, so that it fits behind the + of an
 * address. The HMAC binds station, alarm, occurrence, recipient, verbs and expiry. It is the row in the store that decides
 * (ack_book.h); the HMAC makes rubbish cheap to refuse, and of the row alone no token can be made. Pure: any thread. */
#ifndef BELFRY_EMAIL_ACK_TOKEN_H
#define BELFRY_EMAIL_ACK_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ACK_NONCE = 10,
	ACK_MAC = 16,
	ACK_KEY = 32,
	ACK_TOKEN_LENGTH = 44,
	ACK_HASH_TEXT = 65, /* SHA-256 of the nonce as hex, with its NUL */
	ACK_KEY_DAYS = 90   /* a key is used for new tokens for so long */
};

/* What a token speaks for. All borrowed. */
struct ack_binding {
	const char *station, *alarm; /* ids */
	int64_t sequence;            /* the occurrence */
	const char *recipient;       /* the mail that went to them */
	int64_t expires;             /* microseconds since 1970 */
};
/* A token taken apart; nothing is verified yet. */
struct ack_token {
	int digit; /* of the key's number: modulo 32 */
	unsigned char nonce[ACK_NONCE], mac[ACK_MAC];
};

/* The number of the key for tokens made at that time (microseconds since 1970). */
int64_t ack_key_number(int64_t now);
/* Writes the token and its NUL. */
void ack_token_make(const unsigned char key[ACK_KEY], int64_t key_number, const struct ack_binding *b,
                    const unsigned char nonce[ACK_NONCE], char out[ACK_TOKEN_LENGTH + 1]);
/* Is there a token at the beginning of text, and does it end there? Upper case is taken too. */
bool ack_token_read(const char *text, struct ack_token *out);
/* The first token anywhere in text that begins behind the start or a character that no token has; NULL: none. */
const char *ack_token_find(const char *text, struct ack_token *out);
/* Owned: text with "…" in place of each word that is long enough to hold a token, for whoever shows a stranger's text. */
char *ack_token_hide(const char *text);
/* Constant time. */
bool ack_token_verify(const unsigned char key[ACK_KEY], const struct ack_binding *b, const struct ack_token *t);
void ack_nonce_hash(const unsigned char nonce[ACK_NONCE], char out[ACK_HASH_TEXT]);

#endif
