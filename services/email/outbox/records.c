/* SPDX-License-Identifier: Apache-2.0
 * The ledger's records: tables and JSON. See email.h. Engine thread. */
#include <string.h>

#include "services/email/email_inside.h"
#include "station/base/must.h"

static const struct tag state_range[] = {
	{ MAIL_QUEUED, "queued", "Waits for its first attempt." },
	{ MAIL_DEFERRED, "deferred", "The server refused for now; it is tried again." },
	{ MAIL_ACCEPTED, "accepted", "The server has taken it." },
	{ MAIL_PARTIAL, "partial", "Some addresses have it, others were refused for good." },
	{ MAIL_REFUSED, "refused", "Refused for good." },
	{ MAIL_CANCELLED, "cancelled", "Cancelled by a person." },
	{ MAIL_DIGESTED, "digested", "Held back by a cap, and summed up in another mail." },
	{ MAIL_BOUNCED, "bounced", "The server had taken it, and a report said later that it could not be delivered." },
	{ 0, NULL, NULL },
};
static const struct tag kind_range[] = { { MAIL_ALARM, "alarm", "An alarm mail." },
	                                     { MAIL_TEST, "test", "A test mail." },
	                                     { MAIL_MESSAGE, "message", "A mail that a person wrote." },
	                                     { MAIL_DIGEST, "digest", "A list of alarms that were held back." },
	                                     { MAIL_CONFIRMATION, "confirmation", "What came of an answer." },
	                                     { MAIL_PROBE, "probe", "The station to itself: does it arrive, and how?" },
	                                     { 0, NULL, NULL } };
static const struct tag field_range[] = {
	{ FIELD_TO, "to", "To" }, { FIELD_CC, "cc", "Cc" }, { FIELD_BCC, "bcc", "Bcc" }, { 0, NULL, NULL }
};

#define LONG_TEXT .facets = FACETS(.maxLength = 1 << 20)
const struct tag mail_encryption_range[] = {
	{ ENCRYPTION_NONE, "none", "Mails are not encrypted." },
	{ ENCRYPTION_PREFER, "prefer", "Who has a certificate in the station gets the mail encrypted, others as it is." },
	{ ENCRYPTION_REQUIRE, "require", "Who has no certificate in the station gets no mail; the ledger says so." },
	{ 0, NULL, NULL },
};
static const struct slot mail_slots[] = {
	SLOT(struct mail_record, id, STRING, .flags = SLOT_REQUIRED, .doc = "Identity of the mail."),
	SLOT(struct mail_record, sequence, INTEGER, .flags = SLOT_INDEX, .doc = "Number in the station's sequence."),
	SLOT(struct mail_record, account, STRING, .flags = SLOT_INDEX, .doc = "Account it goes through."),
	SLOT(struct mail_record, firstAccount, STRING, .doc = "Account it was meant for."),
	SLOT(struct mail_record, kind, ENUM, .facets = FACETS(.range = kind_range), .doc = "What it is about."),
	SLOT(struct mail_record, state, ENUM, .flags = SLOT_INDEX, .facets = FACETS(.range = state_range),
	     .doc = "State of the whole."),
	SLOT(struct mail_record, open, BOOLEAN, .flags = SLOT_INDEX, .doc = "Whether a delivery is still to be made."),
	SLOT(struct mail_record, created, ABSTIME, .doc = "When it was queued."),
	SLOT(struct mail_record, subject, STRING, LONG_TEXT, .doc = "Subject."),
	SLOT(struct mail_record, body, STRING, LONG_TEXT, .doc = "Text."),
	SLOT(struct mail_record, from, STRING, .doc = "Sender."),
	SLOT(struct mail_record, replyTo, STRING, .doc = "Where answers go."),
	SLOT(struct mail_record, messageId, STRING, .doc = "Message-ID; the same for every attempt."),
	SLOT(struct mail_record, alarm, STRING, .flags = SLOT_INDEX, .doc = "The alarm it tells of."),
	SLOT(struct mail_record, priority, INTEGER, .doc = "Priority of the alarm."),
	SLOT(struct mail_record, encryption, ENUM, .facets = FACETS(.range = mail_encryption_range),
	     .doc = "Whether it is to be encrypted."),
	SLOT(struct mail_record, security, STRING, .doc = "Whether it is signed, or why not; empty: it was not to be."),
	SLOT(struct mail_record, digest, STRING, .flags = SLOT_INDEX, .doc = "The mail that it was summed up in."),
	SLOT(struct mail_record, ackToken, SECRET, .doc = "What an answer brings back."),
	SLOT(struct mail_record, recipient, INTEGER, .doc = "Handle of the EmailRecipient."),
	SLOT(struct mail_record, data, STRING, LONG_TEXT,
	     .doc = "The alarm at its transition; words are made of it. Of a probe, a field that it bears."),
	SLOT_END,
};
const struct record_kind mail_kind = { "mail", "Mails of the ledger.", sizeof(struct mail_record), mail_slots, false };

#define REPLY_ROWS(T)                                                                                                  \
	SLOT(T, replyCode, INTEGER, .doc = "The server's reply code; 0: it gave none."),                                   \
	    SLOT(T, enhancedStatus, STRING, .doc = "Its enhanced status code (RFC 3463)."),                                \
	    SLOT(T, replyText, STRING, .doc = "What it said."), SLOT(T, queueId, STRING, .doc = "Its queue id."),          \
	    SLOT(T, tlsVersion, STRING, .doc = "TLS version of the connection."),                                          \
	    SLOT(T, cipher, STRING, .doc = "Cipher of the connection."),                                                   \
	    SLOT(T, fingerprint, STRING, .doc = "SHA-256 of the server's certificate.")
static const struct slot delivery_slots[] = {
	SLOT(struct delivery_record, mail, STRING, .flags = SLOT_REQUIRED, .doc = "The mail."),
	SLOT(struct delivery_record, address, STRING, .flags = SLOT_REQUIRED, .doc = "Address of the person."),
	SLOT(struct delivery_record, name, STRING, .doc = "Name of the person."),
	SLOT(struct delivery_record, recipient, STRING, .doc = "Path of the EmailRecipient."),
	SLOT(struct delivery_record, alarm, STRING, .flags = SLOT_INDEX, .doc = "The alarm it tells of."),
	SLOT(struct delivery_record, account, STRING, .doc = "Account it goes through."),
	SLOT(struct delivery_record, field, ENUM, .facets = FACETS(.range = field_range),
	     .doc = "Where the address stands."),
	SLOT(struct delivery_record, state, ENUM, .facets = FACETS(.range = state_range), .doc = "State of this delivery."),
	SLOT(struct delivery_record, open, BOOLEAN, .flags = SLOT_INDEX, .doc = "Whether it is still to be made."),
	SLOT(struct delivery_record, attempts, INTEGER, .doc = "How often it was tried."),
	SLOT(struct delivery_record, nextAttempt, ABSTIME, .doc = "When it is tried again."),
	SLOT(struct delivery_record, time, ABSTIME, .doc = "When the last answer came."),
	REPLY_ROWS(struct delivery_record),
	SLOT_END,
};
const struct record_kind delivery_kind = { "delivery", "A mail to one address.", sizeof(struct delivery_record),
	                                       delivery_slots, false };

static const struct slot attempt_slots[] = {
	SLOT(struct attempt_record, sequence, INTEGER, .flags = SLOT_REQUIRED, .doc = "Number in the station's sequence."),
	SLOT(struct attempt_record, mail, STRING, .flags = SLOT_INDEX, .doc = "The mail."),
	SLOT(struct attempt_record, address, STRING, .doc = "The address."),
	SLOT(struct attempt_record, account, STRING, .doc = "The account that tried."),
	SLOT(struct attempt_record, time, ABSTIME, .doc = "When."),
	SLOT(struct attempt_record, stage, STRING, .doc = "Where in the dialogue it was decided."),
	SLOT(struct attempt_record, outcome, STRING,
	     .doc = "accepted, deferred, refused, failed (the connection), cancelled or rerouted."),
	REPLY_ROWS(struct attempt_record),
	SLOT_END,
};
const struct record_kind attempt_kind = { "attempt", "Every attempt at a delivery.", sizeof(struct attempt_record),
	                                      attempt_slots, false };

json_t *mail_to_json(struct station *s, const struct mail_record *m, const struct delivery_record *deliveries,
                     size_t count, bool whole)
{
	json_t *json = record_to_json(&mail_kind, m), *array = json_array();
	for (size_t i = 0; i < count; i++) {
		json_t *d = record_to_json(&delivery_kind, &deliveries[i]);
		json_object_del(d, "mail");
		if (deliveries[i].open)
			outbox_explain(s, m, &deliveries[i], d);
		json_array_append_new(array, d);
	}
	if (!whole)
		json_object_del(json, "body");
	json_object_del(json, "recipient"); /* ours alone */
	json_object_del(json, "data");
	json_object_set_new(json, "deliveries", array);
	return json;
}
