/* SPDX-License-Identifier: Apache-2.0
 * The inside of the mail service, shared by its files: the outgoing account's fields, the ledger, the sender that talks to
 * the net thread. Engine thread, except where said. */
#ifndef BELFRY_EMAIL_INSIDE_H
#define BELFRY_EMAIL_INSIDE_H

#include "services/email/account/account.h"
#include "services/email/account/authenticator.h"
#include "services/email/email.h"
#include "services/email/language/language.h"
#include "services/email/outbox/outbox.h"
#include "services/email/reader/reader.h"
#include "station/alarm/alarm_support.h"

struct mailbox_value {
	char *name, *address;
};

enum { ADDRESS_SIZE = 256 }; /* of an address with its NUL */

enum account_transport { TRANSPORT_SMTP, TRANSPORT_MAILDIR };
struct outgoing_account {
	struct email_account account;
	struct reltime retryInterval, failoverDelay;
	bool persistent, allowDisabledQueueing;
	struct abstime lastDiscard;
	char *lastDiscardCause;
	int transport, circuitBreaker;
	char *from, *signingKey, *fallbackAccount;
	struct mailbox_value replyTo;
	int64_t maxPersistedEmailSize, queueSize, maxQueueSize, maxConnections, numberSent, maxSendablePerDay,
	    maxSendablePerMinute, lifeSafetyPriority, numberDiscarded;
	struct {
		int64_t today, lastMinute;
		struct abstime last;
	} sent;
	/* Not slots. */
	struct outbox outbox;
	struct trust_key *signer; /* signingKey's, when it has been taken out of the store */
};

/* ledger.c: results become rows. Commits, then calls outbox_written; a failure of the connection is only noted. */
void ledger_record(struct outgoing_account *a, struct outgoing *o, const struct smtp_message *m);
void ledger_record_failure(struct outgoing_account *a, const struct outgoing *o, const struct err *e,
                           enum smtp_stage stage, int code);
/* Closes every open delivery of o with that state and a sentence, and o itself; adds the rows to tx. */
void ledger_close(struct station *s, struct store_tx *tx, struct outgoing *o, enum mail_state state, const char *text);
/* o goes through the account `to` from now on; text says why. Adds the rows to tx. */
void ledger_reroute(struct outgoing_account *a, struct outgoing *o, const char *to, const char *text,
                    struct store_tx *tx);
/* The state of a mail as a whole. */
enum mail_state ledger_state(const struct delivery_record *deliveries, size_t count);
void ledger_tell(struct station *s, const struct outgoing *o);
void ledger_set_text(char **field, const char *text);

/* email_service.c: who reads the mails that come in; NULL while the service does not run. */
struct reader *email_reader(struct station *s);
/* The tokens that are out; NULL without EmailService. */
struct ack_book;
struct ack_book *email_ack_book(struct station *s);

/* ledger_trim.c: keeps what went out, and what came in, within capacity (mails) and days (0: no limit), which are borrowed. */
enum ledger { LEDGER_OUTGOING, LEDGER_INCOMING, LEDGERS };
struct ledger_trim {
	struct station *station;
	enum ledger ledger;
	const int64_t *capacity, *days;
	struct timer timer;
	bool busy;
};
void ledger_trim_start(struct ledger_trim *t, struct station *s, enum ledger ledger, const int64_t *capacity,
                       const int64_t *days);
void ledger_trim_now(struct ledger_trim *t);
void ledger_trim_stop(struct ledger_trim *t);
/* email_service.c: the service's own; NULL while it does not run. */
struct ledger_trim *ledger_trim_of(struct station *s, enum ledger ledger);

/* email_service.c: the language of those who have chosen none. */
const struct language *email_language(struct station *s);

/* account helpers */
struct outgoing_account *account_first(struct station *s);
struct outgoing_account *account_by_name(struct station *s, const char *name);
void account_sender_address(const struct outgoing_account *a, char *out, size_t size);
void account_show_queue(struct outgoing_account *a, int64_t more);
/* n mails were accepted: counts them, in memory and in tx. */
void account_sent(struct outgoing_account *a, int64_t n, struct store_tx *tx);

/* outbox_caps.c. May this mail leave now? If not, it is held back, and the outbox is pumped when the cap frees. */
bool caps_let(struct outgoing_account *a, const struct outgoing *o);
void caps_count(struct outgoing_account *a);   /* a mail was handed over */
void caps_uncount(struct outgoing_account *a); /* and the server did not take it */
void caps_persist(struct outgoing_account *a, struct store_tx *tx);
void caps_load(struct outgoing_account *a);   /* at start */
void caps_settle(struct outgoing_account *a); /* ends the alarm, in its time */
/* outbox_digest.c: sums up mails that were held back in one; false: there are no two that could be. */
bool digest_held(struct outgoing_account *a);
/* outbox_clear.c: the action clearQueue. */
int outbox_clear(struct outgoing_account *a, struct invocation *inv);
/* outbox_explain.c: adds to the JSON of an open delivery what it waits for, and when it goes on. */
void outbox_explain(struct station *s, const struct mail_record *m, const struct delivery_record *d, json_t *json);

/* outbox_failover.c: the account is down (where the dialogue ended) or works; looks what is to be done, true: a connection
 * is to be tried without a mail; that connection is logged in, true: the account works. */
void failover_start(struct outgoing_account *a);
void failover_down(struct outgoing_account *a, enum smtp_stage stage);
void failover_works(struct outgoing_account *a);
bool failover_look(struct outgoing_account *a);
bool failover_ready(struct outgoing_account *a);
/* The account for an alarm's mail: a, or when the alarm tells that a is down and nothing stands in for it, another one.
 * source: the ords of the alarm's source as text. */
struct outgoing_account *failover_route(struct outgoing_account *a, const char *source);
/* check_around of the type: no chain of fallback accounts runs in a circle. */
void failover_check(const struct component *c, const struct batch *b, struct report *report);

/* outgoing_actions.c. An action that ends with its transaction (taken) and answers a mail's id, or nothing. */
extern const struct action outgoing_actions[];
int action_commit(struct station *s, struct store_tx *tx, struct invocation *inv, const char *id);

/* sender.c: the SMTP client, seen from the engine. */
struct sender *sender_open(const struct outgoing_account *a, int connection);
void sender_configure(struct sender *s, const struct outgoing_account *a);
void sender_send(struct sender *s, struct smtp_message *m); /* takes m */
void sender_connect(struct sender *s);                      /* without a mail: outbox_ready or outbox_down */
void sender_settle(struct sender *s);                       /* s may be NULL */
/* Lets go; open_connections tells when the answer to a final dot is there, or three seconds are over. */
void sender_end(struct sender **s);

/* protection.c: S/MIME. The last step of building m for o, whose mail says in `security` what was done. 0, or a code and a
 * sentence: the mail must not go, because it is to be encrypted and cannot be; then protection_refuse takes m, and tells
 * the outbox later. What is known of the key is forgotten when the store or the sheet has changed. The rules are
 * warnings. */
int protection_apply(struct outgoing_account *a, struct outgoing *o, const char *sender, struct smtp_message *m,
                     struct err *e);
void protection_refuse(struct outgoing_account *a, struct smtp_message *m, const struct err *e);
void protection_forget(struct outgoing_account *a);
void protection_check(const struct outgoing_account *next, const struct outgoing_account *current,
                      struct report *report);

/* maildir.c: the other transport. Calls outbox_done when the file is on disk. Takes m. */
void maildir_deliver(struct outgoing_account *a, struct smtp_message *m);

#endif
