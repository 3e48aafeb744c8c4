/* SPDX-License-Identifier: Apache-2.0
 * The tokens that are out: one row for each alarm mail that may be answered, in the store and, until it expires, in memory.
 * The row is the authority; it is found by the hash of the token's nonce, so that whoever reads the database can make no
 * token of it. A used row stays until it expires. Owned by the EmailService: email_ack_book(). Engine thread. */
#ifndef BELFRY_EMAIL_ACK_BOOK_H
#define BELFRY_EMAIL_ACK_BOOK_H

#include "services/email/ack/ack_token.h"
#include "services/email/reader/parsed_mail.h"
#include "station/station.h"

struct ack_row {
	char *hash;
	int64_t keyNumber;
	char *alarm;                          /* uuid */
	int64_t sequence;                     /* of the alarm: which occurrence */
	char *mail;                           /* id of the mail that carries it */
	char *recipient;                      /* path of the EmailRecipient */
	struct list addresses;                /* who may answer */
	struct abstime issued, expires, used; /* used: ABSTIME_NULL as long as nobody has */
	char *result;                         /* what came of it: "ack by anna" */
	struct list answers;                  /* Message-IDs of answers that did not use it up */
};
extern const struct record_kind ack_token_kind;

struct ack_book *ack_book_new(struct station *s);
void ack_book_free(struct ack_book **book);

/* A new token for a mail. row: alarm, sequence, mail, recipient, addresses and expires are filled; its content is taken.
 * Adds the row to tx. Writes the token. */
void ack_book_issue(struct ack_book *book, struct store_tx *tx, struct ack_row *row, char token[ACK_TOKEN_LENGTH + 1]);
/* The row of a token whose HMAC is right; NULL: it is none of ours. Borrowed until the book is used again. */
struct ack_row *ack_book_find(struct ack_book *book, const struct ack_token *t);
/* Marks it used, in memory and in tx; taken back when tx fails. */
void ack_book_use(struct ack_book *book, struct store_tx *tx, struct ack_row *row, const char *result);
/* Notes an answer that leaves it good, so that the same mail is not heard twice; and asks whether it was noted. */
void ack_book_answered(struct ack_book *book, struct store_tx *tx, struct ack_row *row, const char *message_id);
bool ack_book_has_answer(const struct ack_row *row, const char *message_id);
/* The time that counts for expiry: the clock, or the newest row when the clock was set back. */
int64_t ack_book_now(const struct ack_book *book);
/* Forgets what has expired, also in the store. */
void ack_book_prune(struct ack_book *book);
/* Calls visit for each row of that alarm. */
void ack_book_of_alarm(struct ack_book *book, const char *alarm,
                       void (*visit)(void *context, const struct ack_row *row), void *context);

/* The token of a mail: in the address behind the +, in In-Reply-To, in References, in the text. *several: there are different
 * ones that are all ours. NULL: none is ours. */
struct ack_row *ack_book_token_of(struct ack_book *book, const struct parsed_mail *m, bool *several);

#endif
