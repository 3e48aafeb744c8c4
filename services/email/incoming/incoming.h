/* SPDX-License-Identifier: Apache-2.0
 * Incoming mail: the account, what is remembered of its mailbox, and the way of one mail from the server through the
 * reader and the topic `received` into one transaction. Exactly once: what a mail causes and the row that says so are one
 * transaction; only then is the mail marked or deleted. Engine thread, except where said. */
#ifndef BELFRY_EMAIL_INCOMING_H
#define BELFRY_EMAIL_INCOMING_H

#include "services/email/email_inside.h"
#include "services/email/wire/retrieval.h"

/* Of IMAP, what was looked at is in seen; of POP3, in the rows of mails that are open. */
struct mailbox_record {
	int64_t account; /* the key */
	char *mailbox;   /* whose it is: another server or user is another mailbox */
	int64_t uidValidity;
	char *seen;
};
extern const struct record_kind mailbox_kind;

/* What is remembered of one mailbox; mirrors its row, and those of its mails that are open. */
struct mailbox_book {
	bool loaded;
	struct mailbox_record mailbox;
	struct incoming_record *mails; /* owned; sorted by uid */
	size_t count;
};

enum delivery_policy { POLICY_DELETE, POLICY_MARK_AS_READ, POLICY_MARK_AS_UNREAD };
struct incoming_account {
	struct email_account account;
	int store, deliveryPolicy, emailToRead;
	int64_t incomingEmailSizeLimit, sizeLimitPerPoll;
	bool ignoreAttachments, idle, underFlood;
	int64_t numberReceived, numberHandled, numberUnreadable;
	struct abstime lastReceived;
	/* Not slots. */
	struct mailbox_book book;
	struct receiver *receiver; /* NULL: the account does not run */
	struct timer timer;
	struct invocation *check;          /* waits for the end of a poll that began after it */
	bool check_late;                   /* it came during a poll, which may have missed a mail: the next one answers */
	int64_t check_fetched;             /* what the one under way has read */
	bool polling, stale;               /* stale: the receiver does not know what the sheet says now */
	struct incoming_record *receiving; /* borrowed: the mail that the topic is fired about; NULL: none */
	int floods;                        /* polls in a row that have not read all */
};

/* incoming_account.c: a poll has ended (e NULL: well); the disposition of a mail that is ours. */
struct incoming_account *incoming_of(struct component *c); /* NULL when it is none */
void incoming_polled(struct incoming_account *a, const struct retrieval_summary *s);
void incoming_down(struct incoming_account *a, const struct err *e);
enum disposition incoming_disposition(const struct incoming_account *a);
/* The poll cannot go on: it is given up and said why; the next one begins anew. */
void incoming_give_up(struct incoming_account *a, const struct err *e);

/* incoming_book.c */
void mailbox_book_load(struct incoming_account *a, void (*done)(struct incoming_account *a));
void mailbox_book_free(struct mailbox_book *b);
/* Is it still the mailbox of that name? If not, what was remembered is forgotten. */
void mailbox_book_is(struct incoming_account *a, const char *mailbox);
/* For a poll; owned. */
struct retrieval_memory *mailbox_book_memory(const struct incoming_account *a);
/* A mail was looked at: adds its row to tx; and, when that is on disk, to memory. */
void mailbox_book_note(const struct incoming_account *a, const struct incoming_record *r, struct store_tx *tx);
void mailbox_book_noted(struct incoming_account *a, const struct incoming_record *r);
void mailbox_book_confirmed(struct incoming_account *a, const char *uid);
void mailbox_book_polled(struct incoming_account *a, const struct retrieval_summary *s);

/* incoming_mail.c: takes m; settles it, or gives the poll up. */
void incoming_mail(struct incoming_account *a, struct retrieved *m);

/* incoming_row.c: what the list says of a mail: whose and about what; what came of it. Strangers' words are cut, and what could
 * be a token is left out. */
struct parsed_mail;
void incoming_row_describe(struct incoming_record *r, const struct parsed_mail *m);
void incoming_row_judge(struct incoming_record *r, const struct incoming_verdict *v);

/* receiver.c: the retrieval, seen from the engine. */
struct receiver *receiver_open(const struct incoming_account *a);
void receiver_configure(struct receiver *r, const struct incoming_account *a);
void receiver_poll(struct receiver *r, struct retrieval_memory *memory); /* takes memory */
void receiver_settle(struct receiver *r, const char *uid, enum disposition d);
void receiver_end(struct receiver **r);

#endif
