/* SPDX-License-Identifier: Apache-2.0
 * Tokens that are out: see ack_book.h. */
#include "services/email/ack/ack_book.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/log.h"
#include "station/base/must.h"

enum { BUCKETS = 1024, PRUNE_EVERY = 256 };

struct entry {
	struct entry *next; /* in its bucket */
	struct ack_row row;
};
struct ack_book {
	struct station *station;
	struct entry *buckets[BUCKETS]; /* owned; by the row's hash */
	int64_t newest;                 /* time of issue: the clock was there once */
	int since_prune;
};

#define T struct ack_row
static const struct slot slots[] = {
	SLOT(T, hash, STRING, .flags = SLOT_REQUIRED, .doc = "SHA-256 of the token's nonce."),
	SLOT(T, keyNumber, INTEGER, .doc = "Which key its HMAC was made with."),
	SLOT(T, alarm, STRING, .doc = "The alarm that it speaks for."),
	SLOT(T, sequence, INTEGER, .doc = "Which occurrence."),
	SLOT(T, mail, STRING, .doc = "The mail that carries it."),
	SLOT(T, recipient, STRING, .doc = "Path of the EmailRecipient."),
	{ .name = "addresses",
	  .offset = offsetof(T, addresses),
	  .kind = V_LIST,
	  .element = V_STRING,
	  .doc = "Who may answer." },
	SLOT(T, issued, ABSTIME, .doc = "When it was made."),
	SLOT(T, expires, ABSTIME, .doc = "Until when it is good."),
	SLOT(T, used, ABSTIME, .doc = "When it was used; null: not yet."),
	SLOT(T, result, STRING, .doc = "What came of it."),
	{ .name = "answers",
	  .offset = offsetof(T, answers),
	  .kind = V_LIST,
	  .element = V_STRING,
	  .doc = "Message-IDs of answers that did not use it up." },
	SLOT_END,
};
#undef T
const struct record_kind ack_token_kind = { "ack_token", "Tokens of alarm mails that may be answered.",
	                                        sizeof(struct ack_row), slots, false };

static struct entry **bucket_of(struct ack_book *book, const char *hash)
{
	char head[9] = "";
	memcpy(head, hash, strnlen(hash, 8));
	return &book->buckets[strtoul(head, NULL, 16) % BUCKETS];
}

/* Takes row's content. */
static struct ack_row *add(struct ack_book *book, const struct ack_row *row)
{
	struct entry **bucket = bucket_of(book, row->hash), *e = must_alloc(sizeof *e);
	*e = (struct entry){ *bucket, *row };
	*bucket = e;
	if (row->issued.us > book->newest)
		book->newest = row->issued.us;
	return &e->row;
}

static int load_one(void *context, void *record)
{
	struct ack_row copy;
	record_copy(&ack_token_kind, &copy, record);
	add(context, &copy);
	return 0;
}

/* An older database does not know what was used since: what it has is good for nothing. */
static int void_one(void *context, void *record)
{
	store_tx_delete(context, &ack_token_kind, record);
	return 0;
}

static int load(struct ack_book *book, struct err *e)
{
	struct station *s = book->station;
	if (!s->store)
		return 0;
	if (!s->restored)
		return s->store->impl->scan(s->store, &ack_token_kind, load_one, book, e);
	struct store_tx *tx = store_tx_new();
	int rc = s->store->impl->scan(s->store, &ack_token_kind, void_one, tx, e);
	store_commit(s->store, tx, NULL, NULL);
	return rc;
}

struct ack_book *ack_book_new(struct station *s)
{
	struct ack_book *book = must_alloc(sizeof *book);
	struct err e = { 0 };
	book->station = s;
	book->newest = INT64_MIN;
	if (load(book, &e) != 0)
		log_error("tokens of mails that are out could not be read; answers to them are refused: %s", e.text);
	return book;
}

/* Lets go of what is good until then at the most; on disk as well when there is a transaction. */
static void drop(struct ack_book *book, int64_t until, struct store_tx *tx)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct entry **p = &book->buckets[i], *e; (e = *p);) {
			if (e->row.expires.us > until) {
				p = &e->next;
				continue;
			}
			if (tx)
				store_tx_delete(tx, &ack_token_kind, &e->row);
			*p = e->next;
			record_finish(&ack_token_kind, &e->row);
			free(e);
		}
}

void ack_book_free(struct ack_book **bookp)
{
	if (*bookp)
		drop(*bookp, INT64_MAX, NULL);
	free(*bookp);
	*bookp = NULL;
}

static struct ack_row *find_hash(struct ack_book *book, const char *hash)
{
	for (struct entry *e = *bucket_of(book, hash); e; e = e->next)
		if (strcmp(e->row.hash, hash) == 0)
			return &e->row;
	return NULL;
}

/* --- making and finding ----------------------------------------------------------------------------------------------- */

static struct ack_binding binding_of(const struct ack_book *book, const struct ack_row *row)
{
	return (struct ack_binding){ .station = book->station->id,
		                         .alarm = row->alarm,
		                         .sequence = row->sequence,
		                         .recipient = row->mail,
		                         .expires = row->expires.us };
}

void ack_book_issue(struct ack_book *book, struct store_tx *tx, struct ack_row *row, char token[ACK_TOKEN_LENGTH + 1])
{
	unsigned char nonce[ACK_NONCE], key[ACK_KEY];
	char hash[ACK_HASH_TEXT];
	if (++book->since_prune >= PRUNE_EVERY)
		ack_book_prune(book);
	randombytes_buf(nonce, sizeof nonce);
	ack_nonce_hash(nonce, hash);
	row->hash = must_strdup(hash);
	row->issued.us = station_now(book->station);
	row->used.us = ABSTIME_NULL;
	row->result = must_strdup("");
	row->keyNumber = ack_key_number(row->issued.us);
	const struct ack_binding binding = binding_of(book, row);
	secret_derive(book->station->keyring, "acktoken", (uint64_t)row->keyNumber, key);
	ack_token_make(key, row->keyNumber, &binding, nonce, token);
	explicit_bzero(key, sizeof key);
	store_tx_put(tx, &ack_token_kind, add(book, row));
}

struct ack_row *ack_book_find(struct ack_book *book, const struct ack_token *t)
{
	char hash[ACK_HASH_TEXT];
	unsigned char key[ACK_KEY];
	ack_nonce_hash(t->nonce, hash);
	struct ack_row *row = find_hash(book, hash);
	if (!row || row->keyNumber % 32 != t->digit)
		return NULL;
	const struct ack_binding binding = binding_of(book, row);
	secret_derive(book->station->keyring, "acktoken", (uint64_t)row->keyNumber, key);
	bool right = ack_token_verify(key, &binding, t);
	explicit_bzero(key, sizeof key);
	return right ? row : NULL;
}

/* --- using --------------------------------------------------------------------------------------------------------------- */

struct use {
	struct ack_book *book;
	char hash[ACK_HASH_TEXT];
};

static void used(void *context, int code, const struct err *e)
{
	struct use *u = context;
	struct ack_row *row = code != 0 ? find_hash(u->book, u->hash) : NULL;
	(void)e;
	if (row)
		row->used.us = ABSTIME_NULL; /* the disk does not know: it may be used again */
	free(u);
}

void ack_book_use(struct ack_book *book, struct store_tx *tx, struct ack_row *row, const char *result)
{
	struct use *u = must_alloc(sizeof *u);
	u->book = book;
	snprintf(u->hash, sizeof u->hash, "%s", row->hash);
	row->used.us = station_now(book->station);
	parsed_mail_set(&row->result, result);
	store_tx_put(tx, &ack_token_kind, row);
	store_tx_hook(tx, used, u);
}

void ack_book_answered(struct ack_book *book, struct store_tx *tx, struct ack_row *row, const char *message_id)
{
	(void)book;
	parsed_mail_add(&row->answers, message_id);
	store_tx_put(tx, &ack_token_kind, row);
}

bool ack_book_has_answer(const struct ack_row *row, const char *message_id)
{
	for (uint32_t i = 0; i < row->answers.count; i++)
		if (strcmp(row->answers.items[i].text, message_id) == 0)
			return true;
	return row->answers.count >= MAIL_LIST_MAX; /* full: so many answers to one mail are no conversation */
}

int64_t ack_book_now(const struct ack_book *book)
{
	int64_t now = station_now(book->station);
	return now > book->newest ? now : book->newest;
}

void ack_book_prune(struct ack_book *book)
{
	struct store_tx *tx = store_tx_new();
	book->since_prune = 0;
	drop(book, ack_book_now(book), tx);
	if (store_tx_empty(tx))
		store_tx_free(&tx);
	else
		store_commit(book->station->store, tx, NULL, NULL);
}

void ack_book_of_alarm(struct ack_book *book, const char *alarm,
                       void (*visit)(void *context, const struct ack_row *row), void *context)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (const struct entry *e = book->buckets[i]; e; e = e->next)
			if (strcmp(e->row.alarm, alarm) == 0)
				visit(context, &e->row);
}

/* --- the token of a mail ---------------------------------------------------------------------------------------------------- */

/* Looks at one text; the first token that is ours counts, another one is several. */
static void look(struct ack_book *book, const char *text, struct ack_row **found, bool *several)
{
	struct ack_token t;
	for (const char *p = text; (p = ack_token_find(p, &t)); p += ACK_TOKEN_LENGTH) {
		struct ack_row *row = ack_book_find(book, &t);
		if (row && *found && row != *found)
			*several = true;
		if (row && !*found)
			*found = row;
	}
}

/* The mail that is answered names itself in the address, in In-Reply-To and in the quoted text; References name the older
 * ones of the conversation as well, so they count only when nothing else does, from the newest. */
struct ack_row *ack_book_token_of(struct ack_book *book, const struct parsed_mail *m, bool *several)
{
	struct ack_row *found = NULL;
	*several = false;
	for (uint32_t i = 0; i < m->to.count; i++)
		look(book, m->to.items[i].text, &found, several);
	look(book, m->inReplyTo, &found, several);
	look(book, m->reportedId, &found, several); /* of a bounce */
	if (!found)
		look(book, m->text, &found, several);
	for (uint32_t i = m->references.count; !found && i-- > 0;)
		look(book, m->references.items[i].text, &found, several);
	return found;
}
