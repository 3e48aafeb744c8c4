/* SPDX-License-Identifier: Apache-2.0
 * Mails that come back: from a report's bytes to the ledger, the EmailRecipient, whoever stands in, and the audit of who
 * can be reached. */
#include "services/email/incoming/bounce.h"
#include "tests/unit/hearing.h"

struct delivery {
	bool done;
	struct delivery_record row; /* owned */
};

static void keep_delivery(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct delivery *d = context;
	(void)e;
	assert_int_equal(code, 0);
	assert_int_equal(rows->count, 1);
	record_copy(&delivery_kind, &d->row, store_row(rows, 0));
	d->done = true;
}

static void read_delivery(struct hearing *h, const char *mail, const char *address, struct delivery *d)
{
	*d = (struct delivery){ 0 };
	struct store_query q = { .kind = &delivery_kind, .limit = 1 };
	store_where_add(&q, "mail", STORE_EQ, value_string(mail));
	store_where_add(&q, "address", STORE_EQ, value_string(address));
	store_ask(h->f.w.station.store, &q, keep_delivery, d);
	turn_until(&h->f.w, &d->done);
}

static void mark_done(void *context, int code, const struct err *e)
{
	(void)e;
	assert_int_equal(code, 0);
	*(bool *)context = true;
}

static int mail_state(struct hearing *h, const char *id)
{
	struct rows r = { 0 };
	struct store_query q = { .kind = &mail_kind, .limit = 1 };
	store_where_add(&q, "id", STORE_EQ, value_string(id));
	store_ask(h->f.w.station.store, &q, keep_mails, &r);
	turn_until(&h->f.w, &r.done);
	int state = r.mail.state;
	record_finish(&mail_kind, &r.mail);
	return state;
}

/* The server has taken it. */
static void accept_delivery(struct hearing *h, const char *mail, const char *address)
{
	struct delivery d;
	struct store_tx *tx = store_tx_new();
	bool done = false;
	read_delivery(h, mail, address, &d);
	d.row.state = MAIL_ACCEPTED;
	store_tx_put(tx, &delivery_kind, &d.row);
	store_commit(h->f.w.station.store, tx, mark_done, &done);
	turn_until(&h->f.w, &done);
	record_finish(&delivery_kind, &d.row);
}

struct taking_in {
	bool done;
	struct bounce *bounce;
};

static void keep_bounce(void *context, int code, const struct err *e, struct bounce *b)
{
	struct taking_in *t = context;
	(void)e;
	assert_int_equal(code, 0);
	t->bounce = b;
	t->done = true;
}

/* Takes a report in, as an incoming account does, and has the acknowledger hear of it too. */
static void take_in(struct hearing *h, const char *text)
{
	struct parsed_mail m = { 0 };
	struct err e = { 0 };
	struct taking_in t = { .done = false };
	struct store_tx *tx = store_tx_new();
	bool written = false;
	hear(h, text);
	assert_int_equal(mail_parse(text, strlen(text), &m, &e), 0);
	bounce_look_up(&h->f.w.station, &m, keep_bounce, &t);
	turn_until(&h->f.w, &t.done);
	assert_non_null(t.bounce);
	bounce_take_in(t.bounce, tx);
	store_commit(h->f.w.station.store, tx, mark_done, &written);
	turn_until(&h->f.w, &written);
	record_finish(&parsed_mail_kind, &m);
}

/* Does the audit say so of anything? */
static bool audited(struct hearing *h, const char *text)
{
	json_t *items = email_reachability(&h->f.w.station), *item;
	size_t i;
	bool found = false;
	json_array_foreach(items, i, item) found |= strstr(json_string_value(json_object_get(item, "text")), text) != NULL;
	json_decref(items);
	return found;
}

/* Somebody says that this address is mended; "": all. Returns a code. */
static int clear_bounce(struct hearing *h, const char *address)
{
	struct value arg = value_string(address);
	struct invocation inv = { .arg = &arg };
	int rc = component_invoke(h->recipient, "clearBounce", &inv);
	value_clear(&arg);
	return rc;
}

/* A report (RFC 3464) about the alarm mail, with these fields of its recipients. Owned by GLib. */
static char *report_about(const struct hearing *h, const char *recipients)
{
	return g_strdup_printf("From: MAILER-DAEMON@mx.example\nReturn-Path: <>\nMessage-ID: <b@mx>\n"
	                       "Content-Type: multipart/report; boundary=r\n\n--r\n"
	                       "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\n%s"
	                       "--r\nContent-Type: text/rfc822-headers\n\nMessage-ID: <%s>\n--r--\n",
	                       recipients, h->id);
}

static void a_bounce_marks_and_tells_the_next(void **state)
{
	(void)state;
	struct hearing h;
	struct rows before, after;
	struct delivery d;
	open_hearing(&h);
	struct station *s = &h.f.w.station;
	struct component *next =
	    make_component(&h.f.w, station_by_path(s, "/Services/EmailService"), "email:EmailRecipient", "Next");
	set_slot(next, "to", "[{\"name\":\"Carl\",\"address\":\"carl@example.com\"}]");
	set_slot(h.recipient, "bounceRecipient", "Next");
	read_mails(&h, MAIL_ALARM, &before);
	accept_delivery(&h, before.mail.id, ANNA);
	accept_delivery(&h, before.mail.id, "bert@example.com");
	char *report = report_about(&h,
	                            "Final-Recipient: rfc822; " ANNA "\nAction: failed\nStatus: 5.2.2\n"
	                            "Diagnostic-Code: smtp; 552 mailbox full\n\n"
	                            "Final-Recipient: rfc822; bert@example.com\nAction: delayed\nStatus: 4.0.0\n");
	take_in(&h, report);
	read_delivery(&h, before.mail.id, ANNA, &d);
	assert_int_equal(d.row.state, MAIL_BOUNCED);
	assert_string_equal(d.row.enhancedStatus, "5.2.2");
	assert_int_equal(d.row.replyCode, 0); /* not the 250 that took it */
	record_finish(&delivery_kind, &d.row);
	read_delivery(&h, before.mail.id, "bert@example.com", &d);
	assert_int_equal(d.row.state, MAIL_ACCEPTED); /* "delayed" is no end */
	assert_int_equal(mail_state(&h, before.mail.id), MAIL_PARTIAL);
	record_finish(&delivery_kind, &d.row);
	read_mails(&h, MAIL_ALARM, &after);
	assert_int_equal(after.count, before.count + 1);
	take_in(&h, report); /* again: it moves forward only */
	struct rows third;
	read_mails(&h, MAIL_ALARM, &third);
	assert_int_equal(third.count, after.count);
	assert_true(audited(&h, "Mail to " ANNA " came back: \"552 mailbox full\". Correct"));
	assert_false(audited(&h, "it hears of no alarm")); /* Next stands in */
	record_finish(&mail_kind, &third.mail);
	memcpy(strstr(report, "delayed"), "failed ", 7);
	take_in(&h, report); /* the other one as well: Next knows already */
	read_mails(&h, MAIL_ALARM, &third);
	assert_int_equal(third.count, after.count);
	assert_true(audited(&h, "Mail to bert@example.com came back"));
	assert_true(audited(&h, "Mail to " ANNA " came back: \"552 mailbox full\". Correct"));
	assert_int_equal(clear_bounce(&h, "nobody@example.com"), E_NOT_FOUND);
	assert_int_equal(clear_bounce(&h, ANNA), 0);
	assert_false(audited(&h, "Mail to " ANNA));
	assert_true(audited(&h, "Mail to bert@example.com came back"));
	assert_int_equal(clear_bounce(&h, ""), 0);
	assert_false(audited(&h, "came back"));
	assert_false(is_acked(&h));
	record_finish(&mail_kind, &before.mail);
	record_finish(&mail_kind, &after.mail);
	record_finish(&mail_kind, &third.mail);
	g_free(report);
	close_hearing(&h);
}

/* A server further on reports under an address that only it knows; which one we had asked for stands beside it. */
static void a_bounce_behind_a_forwarder_is_ours(void **state)
{
	(void)state;
	struct hearing h;
	struct rows before;
	struct delivery d;
	open_hearing(&h);
	read_mails(&h, MAIL_ALARM, &before);
	accept_delivery(&h, before.mail.id, ANNA);
	char *report = report_about(&h,
	                            "Original-Recipient: rfc822; " ANNA "\nFinal-Recipient: rfc822; a.b@inside.example\n"
	                            "Action: failed\nStatus: 5.1.1\n");
	take_in(&h, report);
	read_delivery(&h, before.mail.id, ANNA, &d);
	assert_int_equal(d.row.state, MAIL_BOUNCED);
	record_finish(&delivery_kind, &d.row);
	record_finish(&mail_kind, &before.mail);
	g_free(report);
	close_hearing(&h);
}

int main(void)
{
	g_mime_init();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bounce_marks_and_tells_the_next),
		cmocka_unit_test(a_bounce_behind_a_forwarder_is_ours),
	};
	return cmocka_run_group_tests_name("bounce", tests, NULL, NULL);
}
