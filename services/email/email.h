/* SPDX-License-Identifier: Apache-2.0
 * Mail: the types of the EmailService and the ledger's records. A mail is one message; it has one delivery for each
 * address, and each try leaves an attempt. A delivery only moves forward: queued, deferred, then accepted, refused,
 * cancelled, or digested: its mail was summed up in another one. Nothing is ever discarded. Engine thread. */
#ifndef BELFRY_EMAIL_H
#define BELFRY_EMAIL_H

#include "station/station.h"

extern const struct type email_service, email_account_type, email_outgoing_account, email_recipient, email_acknowledger;
extern const struct type email_incoming_account, email_loop_test;
extern const struct type email_authenticator, email_basic_authenticator, email_no_authenticator,
    email_certificate_authenticator;

enum mail_state {
	MAIL_QUEUED,
	MAIL_DEFERRED,
	MAIL_ACCEPTED,
	MAIL_PARTIAL,
	MAIL_REFUSED,
	MAIL_CANCELLED,
	MAIL_DIGESTED,
	MAIL_BOUNCED
};
enum mail_encryption { ENCRYPTION_NONE, ENCRYPTION_PREFER, ENCRYPTION_REQUIRE };
extern const struct tag mail_encryption_range[];
enum mail_kind_of { MAIL_ALARM, MAIL_TEST, MAIL_MESSAGE, MAIL_DIGEST, MAIL_CONFIRMATION, MAIL_PROBE };
enum mail_field { FIELD_TO, FIELD_CC, FIELD_BCC };

struct mail_record {
	char *id; /* UUID */
	int64_t sequence;
	char *account; /* name of the outgoing account that it goes through, and of the one that it was meant for */
	char *firstAccount;
	int kind, state;
	bool open; /* a delivery is still to be made */
	struct abstime created;
	char *subject, *body, *from, *replyTo, *messageId;
	char *alarm;  /* uuid, or empty */
	char *digest; /* id of the mail that this one was summed up in, or empty */
	int64_t priority;
	char *security;         /* what S/MIME did, a sentence */
	int encryption;         /* enum mail_encryption: what it should do */
	struct secret ackToken; /* what an answer brings back; sealed, in the message only; see ack/acknowledger.h */
	int64_t recipient;      /* handle of the EmailRecipient whose words it is in; 0: none */
	/* The alarm at its transition, as JSON (content/alarm_view.h); of a probe, the Authentication-Results that it bears;
	 * empty: only subject and body. */
	char *data;
};
struct delivery_record {
	char *mail, *address;   /* together the key */
	char *name, *recipient; /* display name; path of the EmailRecipient */
	char *alarm, *account;
	int field, state;
	bool open;
	int64_t attempts;
	struct abstime nextAttempt, time;
	int64_t replyCode;
	char *enhancedStatus, *replyText, *queueId, *tlsVersion, *cipher, *fingerprint;
};
struct attempt_record {
	int64_t sequence;
	char *mail, *address, *account;
	struct abstime time;
	char *stage, *outcome;
	int64_t replyCode;
	char *enhancedStatus, *replyText, *queueId, *tlsVersion, *cipher, *fingerprint;
};
extern const struct record_kind mail_kind, delivery_kind, attempt_kind;

/* As REST gives it. New reference. deliveries: rows of delivery_kind of this mail; borrowed. What is open says what it
 * waits for (`waitsFor`, a sentence) and when it goes on (`nextAttempt`). */
json_t *mail_to_json(struct station *s, const struct mail_record *m, const struct delivery_record *deliveries,
                     size_t count, bool whole);

/* The transcript of an account, oldest first: [{time, direction, text}]; NULL when there is no such account. */
json_t *email_transcript(struct station *s, const char *account);
/* The same as a text, for people; owned. */
char *email_transcript_text(struct station *s, const char *account);
/* Who cannot be reached, and why: [{severity: "error" or "warning", path, text}]. New reference. */
json_t *email_reachability(struct station *s);
/* The last diagnosis of an account: {job, state: "running", "healthy" or "ill", lines, findings, advice}, or state "none";
 * NULL when there is no such account. New reference. */
json_t *email_diagnosis(struct station *s, const char *account);

/* Sends a mail of the ledger again, to the addresses that did not get it; as a new message with its own id. done gets the
 * new mail's id. */
typedef void mail_queued(void *context, int code, const struct err *e, const char *id);
void email_resend(struct station *s, const struct actor *actor, const char *id, mail_queued *done, void *context);

/* What came of a mail that came in. Of several who hear of it, the one with the highest is believed. */
enum incoming_outcome {
	INCOMING_NOT_OURS,
	INCOMING_UNREADABLE,
	INCOMING_AUTOMATIC,
	INCOMING_REFUSED,
	INCOMING_REPEATED,
	INCOMING_PROBE,
	INCOMING_BOUNCE,
	INCOMING_ACTED
};
/* A mail that was looked at: a row of the list of incoming mails, and what is remembered of a mailbox. */
struct incoming_record {
	int64_t account; /* handle */
	char *uid;       /* see struct retrieved; with account the key */
	int64_t sequence;
	char *messageId, *hash;
	struct abstime time;
	char *from, *subject; /* cut, and without tokens; a stranger's words all the same */
	int outcome;
	char *reason;       /* a sentence */
	char *alarm, *mail; /* uuid; id in the ledger, of the mail that a report is about; or empty */
	int disposition;
	bool ours;
	bool open;    /* it tells a poll what was looked at, or what the server has still to do */
	bool settled; /* the server has done what the disposition says */
};
extern const struct record_kind incoming_kind;
/* As REST gives it. New reference. */
json_t *incoming_to_json(struct station *s, const struct incoming_record *r);

/* For whoever is linked to the topic `received` of an incoming account, while it is fired: what came of the mail. What is ours
 * is marked or deleted on the server as deliveryPolicy says, once the transaction of the topic is on disk; others are left
 * alone. All borrowed. */
struct incoming_verdict {
	enum incoming_outcome outcome;
	bool ours;
	const char *reason; /* a sentence */
	const char *alarm;  /* uuid; NULL: it is about none */
	const char *mail;   /* id in the ledger; NULL: it is about none */
};
void incoming_judged(struct station *s, const struct incoming_verdict *v);

#endif
