/* SPDX-License-Identifier: Apache-2.0
 * A station that hears answers to its alarm mails: one alarm is out, its mail has gone to Anna and Bert, and letters are
 * given to its acknowledger as an incoming account would. */
#ifndef BELFRY_TESTS_HEARING_H
#define BELFRY_TESTS_HEARING_H

#include <gmime/gmime.h>

#include "services/email/ack/ack_checks.h"
#include "services/email/ack/acknowledger.h"
#include "services/email/email_inside.h"
#include "services/email/reader/parsed_mail.h"
#include "station/alarm/alarm_support.h"
#include "station/control/point.h"
#include "station/sheet/audit.h"
#include "station/tree/format.h"
#include "tests/unit/alarm_world.h"

#define ANNA "anna@example.com"
#define VOUCHED                                                                                                        \
	"Received: from mail.example.com by mx.station.example with ESMTPS id 1; Fri, 27 Nov 2026 14:00:00 +0000\n"        \
	"Authentication-Results: mx.station.example; dkim=pass header.d=example.com; dmarc=pass header.from=example.com\n"

struct hearing {
	struct fixture f;
	struct component *acknowledger, *recipient, *user;
	int mails;     /* sent to it: makes Message-IDs */
	char uuid[37]; /* of the alarm */
	char token[ACK_TOKEN_LENGTH + 1];
	char *id; /* Message-ID of the alarm mail on the wire */
};

static inline void give_people(struct hearing *h)
{
	struct station *s = &h->f.w.station;
	struct ended end;
	struct batch *b = batch_new(s, &admin);
	json_t *recipient = json_pack("{s:[{s:s, s:s}, {s:s, s:s}]}", "to", "name", "Anna", "address", ANNA, "name", "Bert",
	                              "address", "bert@example.com");
	json_t *user = json_pack("{s:s, s:s}", "role", "operator", "email", "Anna@Example.com");
	json_t *ack = json_pack("{s:s}", "authServId", "mx.station.example");
	batch_set_json(b, h->recipient->handle, recipient, "");
	batch_set_json(b, h->acknowledger->handle, ack, "");
	uint64_t handle = batch_add(b, station_by_path(s, "/Services/UserService")->handle, "anna", "baja:User", user, "");
	json_decref(recipient);
	json_decref(user);
	json_decref(ack);
	if (submit(&h->f.w, b, &end) != 0)
		fail_msg("%s: %s", end.pointers[0], end.details[0]);
	h->user = station_by_handle(s, handle);
}

/* The provider has been seen to remove forged Authentication-Results. */
static inline void prove(struct hearing *h)
{
	char mailbox[ADDRESS_SIZE];
	account_sender_address(account_first(&h->f.w.station), mailbox, sizeof mailbox);
	char *probed = must_format("mx.station.example at %s", mailbox);
	set_slot(h->acknowledger, "probed", probed);
	set_slot(h->acknowledger, "probeResult", "removed");
	free(probed);
}

static inline void settle(struct hearing *h)
{
	for (int i = 0; i < 20; i++)
		station_turn(&h->f.w.station);
}

struct rows {
	bool done;
	size_t count;
	struct mail_record mail; /* the newest */
	char audit[400], reason[40];
};

static inline void keep_mails(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct rows *r = context;
	assert_int_equal(code, 0);
	(void)e;
	r->count = rows->count;
	if (rows->count)
		record_copy(&mail_kind, &r->mail, store_row(rows, 0));
	r->done = true;
}

/* Mails in the ledger, of a kind. The newest is in r->mail when there is one. */
static inline void read_mails(struct hearing *h, int kind, struct rows *r)
{
	*r = (struct rows){ 0 };
	struct store_query q = { .kind = &mail_kind, .order = "sequence", .descending = true, .limit = 500 };
	store_where_add(&q, "kind", STORE_EQ, (struct value){ .kind = V_ENUM, .ordinal = kind });
	store_ask(h->f.w.station.store, &q, keep_mails, r);
	turn_until(&h->f.w, &r->done);
}

static inline void keep_audit(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct rows *r = context;
	assert_int_equal(code, 0);
	(void)e;
	r->count = rows->count;
	if (rows->count) {
		const struct audit_record *a = store_row(rows, 0);
		snprintf(r->audit, sizeof r->audit, "%s", a->detail);
		snprintf(r->reason, sizeof r->reason, "%s", a->value);
	}
	r->done = true;
}

static inline void read_refusals(struct hearing *h, struct rows *r)
{
	*r = (struct rows){ 0 };
	struct store_query q = { .kind = &audit_kind, .order = "id", .descending = true, .limit = 500 };
	store_where_add(&q, "operation", STORE_EQ, value_string("ackRefused"));
	store_ask(h->f.w.station.store, &q, keep_audit, r);
	turn_until(&h->f.w, &r->done);
}

static inline void set_point(struct hearing *h, double value)
{
	numeric_point_feed(h->f.point, value, 0);
	settle(h);
}

/* A new alarm; its mail's token and Message-ID. */
static inline void raise_alarm(struct hearing *h)
{
	struct rows r;
	struct station *s = &h->f.w.station;
	set_point(h, 4);
	advance(&h->f, 60 * SECOND_US);
	set_point(h, 50);
	read_mails(h, MAIL_ALARM, &r);
	assert_true(r.count > 0);
	ack_token_of_mail(s, &r.mail, h->token);
	assert_int_equal(strlen(h->token), ACK_TOKEN_LENGTH);
	snprintf(h->uuid, sizeof h->uuid, "%s", r.mail.alarm);
	free(h->id);
	h->id = ack_message_id(&r.mail, h->token);
	assert_null(strstr(r.mail.messageId, h->token)); /* the ledger shows none */
	assert_null(strstr(r.mail.ackToken.sealed, h->token));
	record_finish(&mail_kind, &r.mail);
}

static inline void open_hearing(struct hearing *h)
{
	*h = (struct hearing){ 0 };
	make_point(&h->f, "control:NumericPoint", "alarm:OutOfRangeAlarmExt",
	           "{\"highLimit\":8,\"lowLimit\":2,\"limitEnable\":{\"low\":true,\"high\":true}}");
	h->recipient = station_by_path(&h->f.w.station, "/Services/EmailService/EmailRecipient");
	h->acknowledger = station_by_path(&h->f.w.station, "/Services/EmailService/EmailAlarmAcknowledger");
	assert_non_null(h->acknowledger);
	give_people(h);
	prove(h);
	raise_alarm(h);
}

static inline void close_hearing(struct hearing *h)
{
	free(h->id);
	world_end(&h->f.w);
}

/* Gives the acknowledger a mail, as an incoming account would. */
static inline void hear(struct hearing *h, const char *text)
{
	struct parsed_mail m = { 0 };
	struct err e = { 0 };
	struct value v;
	if (mail_parse(text, strlen(text), &m, &e) != 0)
		fail_msg("%s", e.text);
	record_to_value(&parsed_mail_kind, &m, &v);
	struct invocation inv = { .arg = &v };
	assert_int_equal(component_invoke(h->acknowledger, "received", &inv), 0);
	value_clear(&v);
	record_finish(&parsed_mail_kind, &m);
	settle(h);
}

static inline bool is_acked(struct hearing *h)
{
	struct value record;
	if (!h->f.w.station.alarms->desk->look(&h->f.w.station, h->uuid, &record))
		return true;
	char *ack = format_expand("%ackState%", &record);
	bool acked = strcmp(ack, "acked") == 0;
	free(ack);
	value_clear(&record);
	return acked;
}

/* --- letters ---------------------------------------------------------------------------------------------------------- */

enum { LETTER_PARTS = 8, LETTER_TWICE = 100 };
/* Parts of an answer; NULL gives what an honest one has. Borrowed. */
struct letter {
	const char *from, *vouched, *fields, *reply, *text;
	int order; /* of the header: 0 as usual, up to 31 others; LETTER_TWICE: each field twice */
};

/* The parts of the header, in an order: steps that have no divisor in common with their number reach each of them once. */
static inline char *order_parts(char *const *parts, int order)
{
	static const int steps[] = { 1, 3, 5, 7 };
	GString *head = g_string_new(NULL);
	for (int i = 0; i < LETTER_PARTS * (order == LETTER_TWICE ? 2 : 1); i++)
		g_string_append(head, parts[(i * steps[order / LETTER_PARTS % 4] + order) % LETTER_PARTS]);
	return g_string_free(head, FALSE);
}

/* Owned by GLib. */
static inline char *write_letter(struct hearing *h, const struct letter *l)
{
	char *honest = g_strdup_printf("<%s>", h->id);
	const char *reply = l->reply ? l->reply : honest;
	char *const parts[LETTER_PARTS] = {
		g_strdup(l->vouched ? l->vouched : VOUCHED),
		g_strdup_printf("From: %s\n", l->from ? l->from : "Anna <" ANNA ">"),
		g_strdup("To: alarms@station.example\n"),
		g_strdup("Subject: Re: Alarm\n"),
		*reply ? g_strdup_printf("In-Reply-To: %s\n", reply) : g_strdup(""),
		g_strdup_printf("Message-ID: <m%d@example.com>\n", ++h->mails),
		g_strdup("Date: Fri, 27 Nov 2026 15:00:00 +0100\n"),
		g_strdup(l->fields ? l->fields : ""),
	};
	char *head = order_parts(parts, l->order);
	char *text = g_strdup_printf("%s\n%s\n", head, l->text ? l->text : "ACK\n");
	for (int i = 0; i < LETTER_PARTS; i++)
		g_free(parts[i]);
	g_free(head);
	g_free(honest);
	return text;
}

static inline void send_letter(struct hearing *h, const struct letter *l)
{
	char *text = write_letter(h, l);
	hear(h, text);
	g_free(text);
}

#endif
