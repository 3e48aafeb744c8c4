/* SPDX-License-Identifier: Apache-2.0
 * The inside of the mail service, shared by its files: the account's fields, the outbox in memory, the sender that talks
 * to the net thread. Engine thread, except where said. */
#ifndef BELFRY_EMAIL_INSIDE_H
#define BELFRY_EMAIL_INSIDE_H

#include "services/email/email.h"
#include "services/email/wire/smtp.h"

struct mailbox_value { char *name, *address; };

/* A mail in the outbox: its records, and when it may go. */
struct outgoing {
	struct mail_record mail;
	struct delivery_record *deliveries; /* owned */
	size_t count;
	uint64_t id;               /* sequence; names the message to the net thread */
	int64_t due;               /* monotonic microseconds */
	bool in_flight;
	struct outgoing *next;
};

enum account_transport { TRANSPORT_SMTP, TRANSPORT_MAILDIR };
enum { TRANSCRIPT_LINES = 2000 };
struct transcript_line { int64_t time; char direction; char *text; };

struct outgoing_account {
	struct component c;
	char *hostname;
	int64_t port, effectivePort;
	struct component *emailAuthenticator;
	struct reltime pollrate, connectionTimeout, retryInterval;
	bool enabled, debug, useSsl, useStartTls, persistent, allowClearTextCredentials;
	struct abstime lastPollSuccess, lastPollFailure;
	char *lastPollFailureCause;
	int tlsMinProtocol, transport;
	char *from;
	struct mailbox_value replyTo;
	int64_t queueSize, maxQueueSize, numberSent, maxSendablePerDay;
	/* not slots */
	struct outgoing *queue;            /* owned; oldest first */
	struct sender *sender;             /* the connection, NULL when there is none */
	bool sender_ready, reused;
	uint64_t generation;               /* of senders: older ones' events are ignored */
	int in_flight, failures;
	int64_t retry_at;                  /* monotonic: no connection before */
	int64_t day, sent_today;           /* for maxSendablePerDay */
	struct timer timer;
	struct transcript_line *transcript; /* owned ring */
	size_t transcript_next, transcript_count;
};
struct basic_authenticator { struct component c; char *account; struct secret password; int mechanism; };

/* outbox.c */
/* A mail to make: texts are borrowed. */
struct draft_recipient { const char *name, *address; enum mail_field field; };
struct draft {
	enum mail_kind_of kind;
	const char *subject, *body, *alarm, *recipient;
	int64_t priority;
	const struct draft_recipient *to;
	size_t count;
};
/* Adds the mail's rows to tx and its hook, which sends once they are on disk (and, when the disk refuses, from memory).
 * account NULL: it is kept for the account of that name, or the first one there will be. id (37 bytes) may be NULL. */
void outbox_add(struct station *s, struct outgoing_account *account, const char *account_name, struct store_tx *tx, const struct draft *d, char *id);
/* Reads what is open for this account from the store; then sends. */
void outbox_load(struct outgoing_account *a);
/* Does what can be done now. */
void outbox_pump(struct outgoing_account *a);
/* Forgets waiting times: something has changed that may make it work. */
void outbox_retry_now(struct outgoing_account *a);
void outbox_stop(struct outgoing_account *a);
void outbox_free(struct outgoing_account *a);
void outgoing_free(struct outgoing *o);
/* Microseconds until the next attempt after so many. */
int64_t outbox_deferral(const struct outgoing_account *a, int64_t attempts);
/* ledger.c: results become rows. m is borrowed. Commits, then calls outbox_written. */
void ledger_record(struct outgoing_account *a, struct outgoing *o, const struct smtp_message *m, const struct smtp_facts *facts);
void outbox_written(struct station *s, uint64_t account, uint64_t id);
void ledger_tell(struct station *s, const struct outgoing *o);
enum mail_state ledger_state(const struct outgoing *o);

/* account helpers */
struct outgoing_account *account_first(struct station *s);
struct outgoing_account *account_by_name(struct station *s, const char *name);
int account_effective_port(const struct outgoing_account *a);
void account_sender_address(const struct outgoing_account *a, char *out, size_t size);
json_t *email_transcript_line(const char *account, const struct transcript_line *line);
void account_transcribe(struct outgoing_account *a, char direction, const char *text);
void account_succeeded(struct outgoing_account *a);
void account_failed(struct outgoing_account *a, const char *cause);
void account_show_queue(struct outgoing_account *a);
void account_sent(struct outgoing_account *a, int64_t n);

/* sender.c: the connection, seen from the engine. */
struct sender *sender_open(struct outgoing_account *a);
void sender_send(struct sender *s, struct smtp_message *m); /* takes m */
void sender_release(struct sender *s, uint64_t id);
/* The engine lets go: in_order says QUIT, else closes at once. */
void sender_close(struct sender **s, bool in_order);
/* What the sender tells; called by sender.c. */
void outbox_sender_ready(struct outgoing_account *a);
void outbox_finished(struct outgoing_account *a, struct smtp_message *m, const struct smtp_facts *facts);
void outbox_sender_ended(struct outgoing_account *a, const char *stage, const struct err *e);

/* maildir.c: the other transport. Calls outbox_finished when the file is on disk. */
void maildir_deliver(struct outgoing_account *a, struct smtp_message *m);

#endif
