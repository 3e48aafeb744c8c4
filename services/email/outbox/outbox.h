/* SPDX-License-Identifier: Apache-2.0
 * The outbox of an outgoing account: the mails that wait, in the order in which they may go, the connections that carry
 * them, and what holds them back. All of it is on disk; this is its mirror. Engine thread. */
#ifndef BELFRY_EMAIL_OUTBOX_H
#define BELFRY_EMAIL_OUTBOX_H

#include "services/email/account/account.h"
#include "services/email/wire/smtp.h"

struct outgoing_account;

/* A mail: its records, and when it may go. */
struct outgoing {
	struct outgoing *next;
	struct mail_record mail;            /* its sequence names it to the net thread */
	struct delivery_record *deliveries; /* owned */
	size_t count;
	struct value view;     /* owned: the alarm of mail.data, while the mail is fresh; V_NULL: to be parsed */
	int64_t due;           /* monotonic microseconds */
	int carrier;           /* which connection it was given to */
	bool settles, leaving; /* its outcome is being written, and the connection waits for that */
};
void outgoing_free(struct outgoing *o);

/* outbox_queue.c: a heap of owned mails, the first one by `before` on top. */
struct mail_heap {
	struct outgoing **items;
	size_t count, capacity;
	bool (*before)(const struct outgoing *a, const struct outgoing *b);
};
bool mail_more_urgent(const struct outgoing *a, const struct outgoing *b); /* alarm priority, then age */
bool mail_due_earlier(const struct outgoing *a, const struct outgoing *b);
void mail_heap_push(struct mail_heap *h, struct outgoing *o);
struct outgoing *mail_heap_first(const struct mail_heap *h); /* borrowed; NULL: none */
struct outgoing *mail_heap_pop(struct mail_heap *h);         /* NULL: none */
void mail_heap_free(struct mail_heap *h);

enum {
	CONNECTIONS_MAX = 16,
	CONNECTION_WINDOW = 2 /* one message in the dialogue, the next one's envelope behind its dot */
};
/* One connection to the server, as the engine sees it. */
struct connection {
	struct sender *sender; /* NULL: not needed yet */
	int in_flight;         /* mails given to it */
	bool changed,
	    returning; /* it does not know what the sheet says now; mails have come back, and why is about to be heard */
	bool good;     /* it answered last, while others may have failed */
	int64_t failures, retry_at; /* in a row; monotonic: not before */
};

/* outbox_caps.c: what counts against maxSendablePerDay and maxSendablePerMinute, and whether they hold mails back. */
struct send_caps {
	int64_t day;    /* the local day that `sent` counts */
	int64_t *times; /* owned ring: monotonic times of the last maxSendablePerMinute mails, the oldest one next */
	size_t size, next;
	int64_t held_at, frees_at; /* monotonic: when a mail was held back last, and when that ends */
	bool holding, digesting;   /* mails are held back; a digest of them is being written */
};
/* outbox_failover.c */
enum circuit_breaker { CIRCUIT_CLOSED, CIRCUIT_OPEN, CIRCUIT_HALF_OPEN };
struct failover {
	bool failing;           /* since failing_since (monotonic) no connection works */
	bool moving;            /* mails go to another account: that is being written */
	bool probing, on_trial; /* a connection is tried without a mail; the next mail is the trial */
	int64_t failing_since;
	enum smtp_stage failed_stage;
};

struct outbox {
	struct mail_heap ready;   /* may go now */
	struct mail_heap waiting; /* not before their time */
	struct outgoing *flying;  /* owned: given to the transport, or their outcome is being written */
	int rendering;            /* of those: their message is being made */
	int writing;              /* transactions that have yet to end */
	struct connection connections[CONNECTIONS_MAX];
	int open_connections; /* senders that have yet to end */
	bool loading, stopping;
	int64_t failures, retry_at; /* of the account: no connection works; monotonic: none before */
	struct send_caps caps;
	struct failover failover;
	struct timer timer;
};

/* A mail to make; texts are borrowed. */
struct draft_recipient {
	const char *name, *address;
	enum mail_field field;
};
struct draft {
	enum mail_kind_of kind;
	const char *subject, *body, *alarm, *recipient;
	const char *data;          /* of the mail record; NULL: subject and body are all there is */
	const struct value *view;  /* the alarm that data is the text of; NULL: it is none */
	uint64_t recipient_handle; /* 0: no EmailRecipient */
	int64_t priority;
	enum mail_encryption encryption;
	const struct draft_recipient *to;
	size_t count;
	int64_t answers; /* the alarm's sequence: the mail may be answered; 0: it may not */
};

/* outbox_store.c. Adds the mail's rows to tx and its hook, which sends once they are on disk (and, when the disk refuses,
 * from memory). account NULL: it is kept for the account of that name, or the first one there will be. id (37 bytes) may
 * be NULL. */
void outbox_add(struct station *s, struct outgoing_account *account, const char *account_name, struct store_tx *tx,
                const struct draft *d, char *id);
/* Reads what is open for this account from the store; then sends. */
void outbox_load(struct outgoing_account *a);
/* That mail, while it waits or is on its way; borrowed; NULL: it is done with. */
struct outgoing *outbox_find(struct station *s, const struct mail_record *m);
/* The account has another name: so have the rows of its mails. */
void outbox_renamed(struct outgoing_account *a);

/* outbox.c */
void outbox_start(struct outgoing_account *a);
/* Takes o. */
void outbox_enqueue(struct outgoing_account *a, struct outgoing *o);
/* Back among those that wait, not counted anew. Takes o. */
void outbox_place(struct outgoing_account *a, struct outgoing *o);
/* Does what can be done now; and does so at that monotonic time. */
void outbox_pump(struct outgoing_account *a);
void outbox_pump_at(struct outgoing_account *a, int64_t when);
/* Forgets waiting times: something has changed that may make it work. */
void outbox_retry_now(struct outgoing_account *a);
/* The sheet, the login or what is trusted has changed: new connections, at once. */
void outbox_reconfigure(struct outgoing_account *a);
/* Begins nothing new; at rest when what was on its way is on disk. */
void outbox_stop(struct outgoing_account *a);
bool outbox_at_rest(const struct outgoing_account *a);
void outbox_free(struct outgoing_account *a);
/* Microseconds until the next attempt after so many. */
int64_t outbox_deferral(const struct outgoing_account *a, int64_t attempts);
/* What transports and ledger tell. A message has its outcomes (borrowed); a connection is over (current: one of the
 * latest settings that it was told); a mail's outcomes are on disk. */
void outbox_done(struct outgoing_account *a, struct smtp_message *m);
void outbox_down(struct outgoing_account *a, int connection, const struct smtp_failure *f, bool current);
void outbox_ready(struct outgoing_account *a, int connection);
void outbox_written(struct outgoing_account *a, int64_t id);

#endif
