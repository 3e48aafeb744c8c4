/* SPDX-License-Identifier: Apache-2.0
 * The inside of the mail service, shared by its files: the account's fields, the outbox in memory, the sender that talks
 * to the net thread. Engine thread, except where said. */
#ifndef BELFRY_EMAIL_INSIDE_H
#define BELFRY_EMAIL_INSIDE_H

#include "services/email/account.h"
#include "services/email/authenticator.h"
#include "services/email/email.h"
#include "services/email/reader/reader.h"
#include "services/email/wire/smtp.h"

struct mailbox_value {
	char *name, *address;
};

enum { ADDRESS_SIZE = 256 }; /* of an address with its NUL */

/* A mail in the outbox: its records, and when it may go. */
struct outgoing {
	struct outgoing *next;
	struct mail_record mail;            /* its sequence names it to the net thread */
	struct delivery_record *deliveries; /* owned */
	size_t count;
	int64_t due;  /* monotonic microseconds */
	bool settles; /* its outcome is being written, and the sender waits for that */
};

enum account_transport { TRANSPORT_SMTP, TRANSPORT_MAILDIR };
struct outgoing_account {
	struct email_account account;
	struct reltime retryInterval;
	bool persistent, allowDisabledQueueing;
	struct abstime lastDiscard;
	char *lastDiscardCause;
	int transport;
	char *from;
	struct mailbox_value replyTo;
	int64_t maxPersistedEmailSize, queueSize, maxQueueSize, numberSent, maxSendablePerDay, numberDiscarded;
	/* Not slots. The mails, owned, in three lists: */
	struct outgoing *ready, **ready_tail; /* may go, oldest first */
	struct outgoing *waiting;             /* not before their time */
	struct outgoing *flying;              /* given to the transport, or their outcome is being written */
	int in_flight, writing;               /* of those: given, being written */
	struct sender *sender;                /* NULL: the account does not run */
	bool changed, used;                   /* the sender does not know what the sheet says now; it has had work */
	bool returning;                       /* mails have come back, and why is about to be heard */
	bool stopping, ended;
	int64_t failures;        /* of the connection, in a row */
	int64_t retry_at;        /* monotonic: no connection before */
	int64_t day, sent_today; /* for maxSendablePerDay */
	struct timer timer;
};

/* outbox_store.c: a mail to make; texts are borrowed. */
struct draft_recipient {
	const char *name, *address;
	enum mail_field field;
};
struct draft {
	enum mail_kind_of kind;
	const char *subject, *body, *alarm, *recipient;
	int64_t priority;
	const struct draft_recipient *to;
	size_t count;
};
/* Adds the mail's rows to tx and its hook, which sends once they are on disk (and, when the disk refuses, from memory).
 * account NULL: it is kept for the account of that name, or the first one there will be. id (37 bytes) may be NULL. */
void outbox_add(struct station *s, struct outgoing_account *account, const char *account_name, struct store_tx *tx,
                const struct draft *d, char *id);
/* Reads what is open for this account from the store; then sends. */
void outbox_load(struct outgoing_account *a);
/* The account has another name: so have the rows of its mails. */
void outbox_renamed(struct outgoing_account *a);
void outgoing_free(struct outgoing *o);

/* outbox.c */
void outbox_start(struct outgoing_account *a);
/* Takes o. */
void outbox_enqueue(struct outgoing_account *a, struct outgoing *o);
/* Does what can be done now. */
void outbox_pump(struct outgoing_account *a);
/* Forgets waiting times: something has changed that may make it work. */
void outbox_retry_now(struct outgoing_account *a);
/* The sheet, the login or what is trusted has changed: a new connection, at once. */
void outbox_reconfigure(struct outgoing_account *a);
/* Begins nothing new; at rest when what was on its way is on disk. */
void outbox_stop(struct outgoing_account *a);
bool outbox_at_rest(const struct outgoing_account *a);
void outbox_free(struct outgoing_account *a);
/* Microseconds until the next attempt after so many. */
int64_t outbox_deferral(const struct outgoing_account *a, int64_t attempts);
/* What transports and ledger tell. A message has its outcomes (borrowed); the connection is over (current: the one that
 * the sheet describes now); a mail's outcomes are on disk. */
void outbox_done(struct outgoing_account *a, struct smtp_message *m);
void outbox_down(struct outgoing_account *a, const struct err *e, enum smtp_stage stage, int code, bool current);
void outbox_written(struct outgoing_account *a, int64_t id);

/* ledger.c: results become rows. Commits, then calls outbox_written; a failure of the connection is only noted. */
void ledger_record(struct outgoing_account *a, struct outgoing *o, const struct smtp_message *m);
void ledger_record_failure(struct outgoing_account *a, const struct outgoing *o, const struct err *e,
                           enum smtp_stage stage, int code);
void ledger_tell(struct station *s, const struct outgoing *o);
void ledger_set_text(char **field, const char *text);

/* email_service.c: who reads the mails that come in; NULL while the service does not run. */
struct reader *email_reader(struct station *s);

/* account helpers */
struct outgoing_account *account_first(struct station *s);
struct outgoing_account *account_by_name(struct station *s, const char *name);
void account_sender_address(const struct outgoing_account *a, char *out, size_t size);
void account_show_queue(struct outgoing_account *a, int64_t more);
void account_sent(struct outgoing_account *a, int64_t n);

/* sender.c: the SMTP client, seen from the engine. */
struct sender *sender_open(const struct outgoing_account *a);
void sender_configure(struct sender *s, const struct outgoing_account *a);
void sender_send(struct sender *s, struct smtp_message *m); /* takes m */
void sender_settle(struct sender *s);                       /* s may be NULL */
/* Lets go; a->ended becomes true when the answer to a final dot is there, or after three seconds. */
void sender_end(struct sender **s);

/* maildir.c: the other transport. Calls outbox_done when the file is on disk. Takes m. */
void maildir_deliver(struct outgoing_account *a, struct smtp_message *m);

#endif
