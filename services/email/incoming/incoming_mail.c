/* SPDX-License-Identifier: Apache-2.0
 * The way of one mail: read by the reader's child, looked up (was it handled before, under another number? is it a
 * report about a mail of the ledger?), handed to whoever is linked to the topic `received`, written in one transaction with
 * what it caused, and only then settled with the server. See incoming.h. Engine thread. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "services/email/incoming/bounce.h"
#include "services/email/incoming/incoming.h"
#include "station/base/log.h"
#include "station/base/must.h"

struct handling {
	struct station *station;
	uint64_t account;
	struct receiver *receiver; /* only to compare: the poll that brought it still goes on */
	struct incoming_record record;
	struct parsed_mail mail;
};

static struct incoming_account *account_handling(const struct handling *h)
{
	struct incoming_account *a = incoming_of(station_by_handle(h->station, h->account));
	return a && a->receiver && (a->account.c.flags & COMPONENT_RUNNING) ? a : NULL;
}

static void finish(struct handling *h)
{
	record_finish(&incoming_kind, &h->record);
	record_finish(&parsed_mail_kind, &h->mail);
	free(h);
}

static void set_text(char **field, const char *text)
{
	parsed_mail_set(field, text);
}

/* SHA-256 of what stands behind the header, as hex: the same mail under another number has the same. */
static void hash_body(const struct retrieved *m, char hex[65])
{
	unsigned char digest[crypto_hash_sha256_BYTES];
	const char *body = memmem(m->content, m->length, "\r\n\r\n", 4);
	size_t left = body ? m->length - (size_t)(body - m->content) : m->length;
	crypto_hash_sha256(digest, (const unsigned char *)(body ? body : m->content), left);
	sodium_bin2hex(hex, 65, digest, sizeof digest);
}

static void set(struct incoming_account *a, const char *slot, int64_t value)
{
	account_set(&a->account, slot, value_integer(value));
}

/* --- the end -------------------------------------------------------------------------------------------------------- */

static void tell(const struct handling *h)
{
	if (!station_observed(h->station))
		return;
	json_t *event = incoming_to_json(h->station, &h->record);
	station_event(h->station, "incoming", event);
	json_decref(event);
}

static void written(void *context, int code, const struct err *e)
{
	struct handling *h = context;
	struct incoming_account *a = account_handling(h);
	if (a && code != 0) { /* nothing has happened, and the mail will be read again */
		incoming_give_up(a, e);
	} else if (a) {
		tell(h);
		mailbox_book_noted(a, &h->record);
		receiver_settle(a->receiver, h->record.uid, (enum disposition)h->record.disposition);
	}
	finish(h);
}

/* Writes what the mail has caused, with its own row. Takes tx and h. */
static void commit(struct incoming_account *a, struct handling *h, struct store_tx *tx)
{
	h->record.open = a->store == RETRIEVAL_POP3 || !h->record.settled;
	mailbox_book_note(a, &h->record, tx);
	store_commit(h->station->store, tx, written, h);
}

static void is_ours(struct incoming_account *a, struct handling *h)
{
	h->record.ours = true;
	h->record.disposition = (int)incoming_disposition(a);
	h->record.settled = h->record.disposition == LEAVE_ALONE;
}

/* --- looked up ------------------------------------------------------------------------------------------------------ */

static const struct incoming_verdict unheard = {
	.outcome = INCOMING_NOT_OURS,
	.reason = "Nobody listens: no enabled EmailAlarmAcknowledger is linked to this account's topic received.",
};

/* Takes bounce. */
static void take_in(struct handling *h, struct bounce *bounce, struct store_tx *tx)
{
	char mail[37];
	char *alarm = must_strdup(bounce_alarm(bounce));
	snprintf(mail, sizeof mail, "%s", h->mail.reportedId);
	bool failed = bounce_take_in(bounce, tx);
	incoming_row_judge(&h->record,
	                   &(struct incoming_verdict){ .outcome = INCOMING_BOUNCE,
	                                               .ours = true,
	                                               .reason = failed
	                                                   ? "The mail could not be delivered."
	                                                   : "It changes nothing of what is known of the mail.",
	                                               .alarm = alarm,
	                                               .mail = mail });
	free(alarm);
}

/* bounce: taken; NULL: it is none of ours. */
static void fire(struct incoming_account *a, struct handling *h, struct bounce *bounce)
{
	struct store_tx *tx = store_tx_new();
	struct value arg;
	record_to_value(&parsed_mail_kind, &h->mail, &arg);
	a->receiving = &h->record;
	topic_fire(&a->account.c, "received", &arg, tx);
	a->receiving = NULL;
	value_clear(&arg);
	if (bounce)
		take_in(h, bounce, tx);
	if (!*h->record.reason)
		incoming_row_judge(&h->record, &unheard);
	if (h->record.ours) {
		is_ours(a, h);
		set(a, "numberHandled", a->numberHandled + 1);
	}
	commit(a, h, tx);
}

static void report_known(void *context, int code, const struct err *e, struct bounce *bounce)
{
	struct handling *h = context;
	struct incoming_account *a = account_handling(h);
	if (a && code == 0) {
		fire(a, h, bounce);
		return;
	}
	if (a)
		incoming_give_up(a, e);
	bounce_free(&bounce);
	finish(h);
}

/* The same row, or the same mail in another one. */
static void known_before(struct handling *h, const struct incoming_record *before)
{
	struct incoming_record *r = &h->record;
	bool same = before->account == r->account && strcmp(before->uid, r->uid) == 0;
	incoming_row_judge(
	    r,
	    &(struct incoming_verdict){
	        .outcome = same ? (enum incoming_outcome)before->outcome : INCOMING_REPEATED,
	        .reason = same ? before->reason : "It was acted upon before, when it had another number in the mailbox.",
	        .alarm = before->alarm,
	        .mail = before->mail });
}

static void looked_up(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct handling *h = context;
	struct incoming_account *a = account_handling(h);
	if (!a) {
		finish(h);
	} else if (code != 0) {
		incoming_give_up(a, e);
		finish(h);
	} else if (rows->count > 0) { /* it has done all it can: under another number, or before a crash */
		known_before(h, store_row(rows, 0));
		is_ours(a, h);
		commit(a, h, store_tx_new());
	} else if (h->mail.report) {
		bounce_look_up(h->station, &h->mail, report_known, h);
	} else {
		fire(a, h, NULL);
	}
}

static void look_up(struct handling *h)
{
	struct store_query q = { .kind = &incoming_kind, .limit = 1 };
	store_where_add(&q, "hash", STORE_EQ, value_string(h->record.hash));
	store_where_add(&q, "messageId", STORE_EQ, value_string(h->record.messageId));
	store_where_add(&q, "ours", STORE_EQ, value_boolean(true));
	store_ask(h->station->store, &q, looked_up, h);
}

/* --- read ----------------------------------------------------------------------------------------------------------- */

static void parsed(void *context, const struct parsed_mail *mail, const struct err *e)
{
	struct handling *h = context;
	struct incoming_account *a = account_handling(h);
	if (!a) {
		finish(h);
	} else if (mail) {
		record_finish(&parsed_mail_kind, &h->mail);
		record_copy(&parsed_mail_kind, &h->mail, mail);
		set_text(&h->record.messageId, mail->messageId);
		incoming_row_describe(&h->record, mail);
		look_up(h);
	} else if (e->code == E_BUSY) { /* it may be read another time */
		incoming_give_up(a, e);
		finish(h);
	} else {
		log_warn("account %s: mail %s is left alone: %s", a->account.c.name, h->record.uid, e->text);
		set(a, "numberUnreadable", a->numberUnreadable + 1);
		incoming_row_judge(&h->record, &(struct incoming_verdict){ .outcome = INCOMING_UNREADABLE, .reason = e->text });
		commit(a, h, store_tx_new());
	}
}

void incoming_mail(struct incoming_account *a, struct retrieved *m)
{
	struct station *s = a->account.c.station;
	struct reader *reader = email_reader(s);
	char hash[65];
	struct handling *h = must_alloc(sizeof *h);
	h->station = s;
	h->account = a->account.c.handle;
	record_init(&incoming_kind, &h->record);
	record_init(&parsed_mail_kind, &h->mail);
	hash_body(m, hash);
	set_text(&h->record.uid, m->uid);
	set_text(&h->record.hash, hash);
	h->record.account = (int64_t)a->account.c.handle;
	h->record.time.us = station_now(s);
	h->record.sequence = station_sequence(s);
	h->record.disposition = LEAVE_ALONE;
	h->record.settled = true;
	set(a, "numberReceived", a->numberReceived + 1);
	account_set(&a->account, "lastReceived", value_abstime(station_now(s)));
	if (reader) {
		reader_parse(reader, m->content, m->length, parsed, h);
		m->content = NULL;
	} else {
		finish(h);
	}
	retrieved_free(&m);
}
