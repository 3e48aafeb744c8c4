/* SPDX-License-Identifier: Apache-2.0
 * A row of the list of incoming mails: its table, what it says of a mail, and as JSON. A stranger has written the subject and
 * perhaps the sender: both are cut, and no token that lets somebody acknowledge an alarm is kept. See incoming.h. Engine
 * thread. */
#include <stdlib.h>
#include <string.h>

#include "services/email/ack/ack_token.h"
#include "services/email/incoming/incoming.h"
#include "services/email/reader/parsed_mail.h"
#include "station/base/must.h"

enum { FROM_MAX = ADDRESS_SIZE, SUBJECT_MAX = 400, REASON_MAX = 400 }; /* bytes */

static const struct tag outcomes[] = {
	{ INCOMING_NOT_OURS, "notOurs", "It answers no mail of the station: left alone." },
	{ INCOMING_UNREADABLE, "unreadable", "It broke a limit: left alone." },
	{ INCOMING_AUTOMATIC, "automatic", "No person wrote it: an auto-reply, a report, a list." },
	{ INCOMING_REFUSED, "refused", "An answer to an alarm mail that did nothing." },
	{ INCOMING_REPEATED, "repeated", "The same mail was acted upon before." },
	{ INCOMING_PROBE, "probe", "The station had sent it to itself." },
	{ INCOMING_BOUNCE, "bounce", "A report about a mail of the ledger." },
	{ INCOMING_ACTED, "acted", "An answer to an alarm mail: what it says is done." },
	{ 0, NULL, NULL },
};
static const struct tag dispositions[] = { { LEAVE_ALONE, "leave", "Nothing is done on the server." },
	                                       { MARK_SEEN, "markAsRead", "It is marked as read." },
	                                       { MARK_UNSEEN, "markAsUnread", "It is marked as unread." },
	                                       { DELETE, "delete", "It is deleted." },
	                                       { 0, NULL, NULL } };
#define T struct incoming_record
static const struct slot slots[] = {
	SLOT(T, account, INTEGER, .flags = SLOT_REQUIRED, .doc = "Handle of the IncomingAccount."),
	SLOT(T, uid, STRING, .flags = SLOT_REQUIRED, .doc = "UIDVALIDITY:UID of IMAP, or UIDL of POP3."),
	SLOT(T, sequence, INTEGER, .flags = SLOT_INDEX, .doc = "Number in the station's sequence."),
	SLOT(T, messageId, STRING, .facets = FACETS(.maxLength = 2100), .doc = "Its Message-ID."),
	SLOT(T, hash, STRING, .flags = SLOT_INDEX, .doc = "SHA-256 of its body."),
	SLOT(T, time, ABSTIME, .doc = "When it was read."),
	SLOT(T, from, STRING, .doc = "Address that it says it is from."),
	SLOT(T, subject, STRING, .doc = "Subject; tokens are left out."),
	SLOT(T, outcome, ENUM, .facets = FACETS(.range = outcomes), .doc = "What came of it."),
	SLOT(T, reason, STRING, .doc = "Why, in a sentence."),
	SLOT(T, alarm, STRING, .doc = "The alarm that it is about, or empty."),
	SLOT(T, mail, STRING, .doc = "The mail of the ledger that it reports on, or empty."),
	SLOT(T, disposition, ENUM, .facets = FACETS(.range = dispositions), .doc = "What is done with it on the server."),
	SLOT(T, ours, BOOLEAN, .doc = "Whether somebody in the station took it as theirs."),
	SLOT(T, open, BOOLEAN, .doc = "Whether a poll needs to know it."),
	SLOT(T, settled, BOOLEAN, .doc = "Whether the server has done what it should."),
	SLOT_END,
};
#undef T
const struct record_kind incoming_kind = { "incoming", "Mails that came in.", sizeof(struct incoming_record), slots,
	                                       false };

/* --- what it says --------------------------------------------------------------------------------------------------- */

/* At most so many bytes of a text, whole characters, without what could be a token. */
static void set_cut(char **field, const char *text, size_t most)
{
	char *shown = ack_token_hide(text);
	size_t n = strlen(shown);
	if (n > most) {
		for (n = most; n > 0 && (shown[n] & 0xC0) == 0x80; n--)
			;
		shown[n] = '\0';
	}
	parsed_mail_set(field, shown);
	free(shown);
}

void incoming_row_describe(struct incoming_record *r, const struct parsed_mail *m)
{
	set_cut(&r->from, m->from.count ? m->from.items[0].text : "", FROM_MAX);
	set_cut(&r->subject, m->subject, SUBJECT_MAX);
}

void incoming_row_judge(struct incoming_record *r, const struct incoming_verdict *v)
{
	r->ours = r->ours || v->ours;
	if (*r->reason && r->outcome > (int)v->outcome)
		return;
	r->outcome = (int)v->outcome;
	set_cut(&r->reason, v->reason, REASON_MAX);
	parsed_mail_set(&r->alarm, v->alarm ? v->alarm : "");
	parsed_mail_set(&r->mail, v->mail ? v->mail : "");
}

/* --- as JSON ---------------------------------------------------------------------------------------------------------- */

json_t *incoming_to_json(struct station *s, const struct incoming_record *r)
{
	static const char *const ours_alone[] = { "uid", "messageId", "hash", "ours", "open", "settled" };
	json_t *json = record_to_json(&incoming_kind, r);
	const struct component *account = station_by_handle(s, (uint64_t)r->account);
	for (size_t i = 0; i < ARRAY_SIZE(ours_alone); i++)
		json_object_del(json, ours_alone[i]);
	must(json_object_set_new(json, "account", json_string(account ? account->name : "")) == 0);
	return json;
}
