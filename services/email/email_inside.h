/* SPDX-License-Identifier: Apache-2.0
 * The inside of the mail service, shared by its files: the outgoing account's fields, the ledger, the sender that talks to
 * the net thread. Engine thread, except where said. */
#ifndef BELFRY_EMAIL_INSIDE_H
#define BELFRY_EMAIL_INSIDE_H

#include "services/email/account.h"
#include "services/email/authenticator.h"
#include "services/email/email.h"
#include "services/email/outbox.h"
#include "services/email/reader/reader.h"
#include "station/alarm_support.h"

struct mailbox_value {
	char *name, *address;
};

enum { ADDRESS_SIZE = 256 }; /* of an address with its NUL */

enum account_transport { TRANSPORT_SMTP, TRANSPORT_MAILDIR };
struct outgoing_account {
	struct email_account account;
	struct reltime retryInterval;
	bool persistent, allowDisabledQueueing;
	struct abstime lastDiscard;
	char *lastDiscardCause;
	int transport;
	char *from, *signingKey;
	struct alarm_source_info alarmSourceInfo;
	struct mailbox_value replyTo;
	int64_t maxPersistedEmailSize, queueSize, maxQueueSize, maxConnections, numberSent, maxSendablePerDay,
	    numberDiscarded;
	/* Not slots. */
	struct outbox outbox;
	struct trust_key *signer; /* signingKey's, when it has been taken out of the store */
};

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
struct sender *sender_open(const struct outgoing_account *a, int connection);
void sender_configure(struct sender *s, const struct outgoing_account *a);
void sender_send(struct sender *s, struct smtp_message *m); /* takes m */
void sender_settle(struct sender *s);                       /* s may be NULL */
/* Lets go; open_connections tells when the answer to a final dot is there, or three seconds are over. */
void sender_end(struct sender **s);

/* protection.c: S/MIME. The last step of building m for o, whose mail says in `security` what was done. What is known of
 * the key is forgotten when the store or the sheet has changed. The rules are warnings. */
void protection_apply(struct outgoing_account *a, struct outgoing *o, const char *sender, struct smtp_message *m);
void protection_forget(struct outgoing_account *a);
void protection_check(const struct outgoing_account *next, const struct outgoing_account *current,
                      struct report *report);

/* maildir.c: the other transport. Calls outbox_done when the file is on disk. Takes m. */
void maildir_deliver(struct outgoing_account *a, struct smtp_message *m);

#endif
