/* SPDX-License-Identifier: Apache-2.0
 * An incoming mail does what it asks for exactly once: whatever is cut, however often the station restarts, and when the
 * mailbox is numbered anew. What nobody claims is left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "services/email/email_inside.h"
#include "services/email/reader/reader.h"
#include "station/base/must.h"
#include "station/link/link.h"
#include "tests/unit/peer.h"
#include "tests/unit/world.h"

struct claimer {
	struct component c;
	bool claims;
	int64_t heard;
};

static int received(struct component *c, struct invocation *inv)
{
	struct claimer *claimer = (struct claimer *)c;
	must(inv->tx && inv->arg->kind == V_STRUCT);
	claimer->heard++;
	if (claimer->claims)
		incoming_judged(
		    c->station,
		    &(struct incoming_verdict){ .outcome = INCOMING_ACTED, .ours = true, .reason = "It was heard." });
	return 0;
}

static const struct slot claimer_slots[] = {
	SLOT(struct claimer, claims, BOOLEAN, .dflt = "true", .doc = "Whether mails are its own."),
	SLOT(struct claimer, heard, INTEGER, .doc = "How many mails it was told of."),
	SLOT_END,
};
static const struct slot mail_members[] = { MEMBER("subject", STRING, .doc = "Its subject."), SLOT_END };
static const struct slot received_arg = {
	.name = "mail", .kind = V_STRUCT, .members = mail_members, .doc = "The mail."
};
static const struct action claimer_actions[] = {
	{ "received", "Hears of a mail.", SLOT_HIDDEN, &received_arg, received }, { NULL, NULL, 0, NULL, NULL }
};
static const struct type claimer_type = { .name = "test:Claimer",
	                                      .doc = "Hears of mails.",
	                                      .size = sizeof(struct claimer),
	                                      .base = &baja_component,
	                                      .slots = claimer_slots,
	                                      .actions = claimer_actions };

static void on_disk(void *context, int code, const struct err *e)
{
	(void)e;
	assert_int_equal(code, 0);
	*(bool *)context = true;
}

static const struct type *types[200];

static const struct type *const *all_types(void)
{
	size_t n = 0;
	for (; station_types[n]; n++)
		types[n] = station_types[n];
	must(n + 2 <= ARRAY_SIZE(types));
	types[n] = &claimer_type;
	return types;
}

/* --- a mailbox ------------------------------------------------------------------------------------------------------ */

#define OPEN(validity, next)                                                                                           \
	">* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hi\n<#AUTHENTICATE PLAIN AGFsaWNlAA==\n># OK [CAPABILITY "        \
	"IMAP4rev1] in\n<#SELECT INBOX\n>* 1 EXISTS\n>* OK [UIDVALIDITY " validity "] x\n>* OK [UIDNEXT " next             \
	"] x\n># OK [READ-WRITE] done\n"
#define FIND(uid)                                                                                                      \
	"<#UID SEARCH\n>* SEARCH " uid "\n># OK\n<#UID FETCH " uid " (UID FLAGS\n>* 1 FETCH (UID " uid                     \
	" RFC822.SIZE 82 BODY[HEADER.FIELDS (REFERENCES)]<0> {0}\n>)\n># OK\n"
#define MAIL(uid)                                                                                                      \
	"<#UID FETCH " uid " (UID BODY.PEEK[]\n>* 1 FETCH (UID " uid                                                       \
	" BODY[]<0> {82}\n>From: bob@mail.test\n>Message-ID: <one@mail.test>\n>Subject: answer\n>\n>ack, please\n>)\n># "  \
	"OK\n"
#define MARK(uid) "<#UID STORE " uid " +FLAGS.SILENT (\\Seen)\n"
#define LEAVE "<#LOGOUT\n>* BYE\ngone\n"

static struct claimer *set_up(struct world *w, const struct peer *p)
{
	struct component *account = station_by_path(&w->station, "/Services/EmailService/IncomingAccount");
	struct component *claimer = make_component(w, station_by_path(&w->station, ""), "test:Claimer", "Claimer");
	char port[16];
	snprintf(port, sizeof port, "%d", p->port);
	must(link_add(claimer, NULL, account->handle, "received", "received") != NULL);
	set_slot(component_child(account, "emailAuthenticator"), "account", "alice");
	set_slot(account, "useSsl", "false");
	set_slot(account, "allowClearTextCredentials", "true");
	set_slot(account, "idle", "false");
	set_slot(account, "pollrate", "1h");
	set_slot(account, "port", port);
	set_slot(account, "hostname", "127.0.0.1");
	return (struct claimer *)claimer;
}

struct checked {
	struct invocation inv;
	bool done;
	int code;
};

static void checked(struct invocation *inv, int code)
{
	struct checked *c = inv->context;
	c->code = code;
	c->done = true;
}

static void ask(struct world *w, struct checked *c)
{
	struct component *account = station_by_path(&w->station, "/Services/EmailService/IncomingAccount");
	*c = (struct checked){ .inv = { .arg = &VALUE_NULL, .done = checked, .context = c } };
	must(component_invoke(account, "checkNow", &c->inv) == 1);
}

/* Waits for the end of a poll that begins from now on. Returns its code. */
static int check_now(struct world *w)
{
	struct checked c;
	ask(w, &c);
	turn_until(w, &c.done);
	value_clear(&c.inv.result);
	return c.code;
}

static void script_went_well(struct peer *p)
{
	peer_stop(p);
	if (*p->wrong)
		fail_msg("%s", p->wrong);
}

/* The line is cut between the commit and the mark; then the station restarts; then the mailbox is numbered anew. */
static void test_exactly_once(void **state)
{
	struct peer p = { .scripts = {
		                  OPEN("7", "5") FIND("4") MAIL("4") MARK("4") "cut\n",
		                  OPEN("7", "5")
		                      MARK("4") "># NO not now\n<#UID SEARCH 1:1 UNSEEN NOT UID 4\n>* SEARCH\n># OK\n" LEAVE,
		                  OPEN("7", "5") MARK("4") "># OK\n" LEAVE, OPEN("7", "5") LEAVE,
		                  OPEN("8", "2") FIND("1") MAIL("1") MARK("1") "># OK\n" LEAVE } };
	struct world w;
	(void)state;
	world_make(&w, all_types());
	peer_start(&p);
	struct claimer *claimer = set_up(&w, &p);
	assert_int_equal(check_now(&w), E_NETWORK);
	assert_int_equal(claimer->heard, 1);
	assert_int_equal(check_now(&w), 0); /* the server does not mark it: it stays due */
	assert_int_equal(claimer->heard, 1);
	world_restart(&w, all_types());
	claimer = set_up(&w, &p);
	assert_int_equal(check_now(&w), 0);
	assert_int_equal(check_now(&w), 0);
	assert_int_equal(check_now(&w), 0);
	assert_int_equal(claimer->heard, 0); /* of this run: what has other numbers is known by its content */
	world_end(&w);
	script_went_well(&p);
}

/* Nobody claims it: no mark, and not told of twice. */
static void test_not_ours(void **state)
{
	struct peer p = { .scripts = { OPEN("7", "5") FIND("4") MAIL("4") LEAVE, OPEN("7", "5") LEAVE } };
	struct world w;
	(void)state;
	world_make(&w, all_types());
	peer_start(&p);
	struct claimer *claimer = set_up(&w, &p);
	claimer->claims = false;
	assert_int_equal(check_now(&w), 0);
	assert_int_equal(check_now(&w), 0);
	assert_int_equal(claimer->heard, 1);
	world_end(&w);
	script_went_well(&p);
}

#define READ_AND_MARK OPEN("7", "5") FIND("4") MAIL("4") MARK("4") "># OK\n" LEAVE
#define EMPTY_AFTER_GO OPEN("7", "4") "<#UID SEARCH\n>* SEARCH\ngo\n># OK\n" LEAVE

static struct component *poll_half_done(struct world *w, struct peer *p)
{
	world_make(w, all_types());
	peer_start(p);
	set_up(w, p);
	TURN_UNTIL(w, peer_has_heard(p, "SEARCH"));
	station_turn(&w->station);
	return station_by_path(&w->station, "/Services/EmailService/IncomingAccount");
}

/* A mail that comes when a poll has found nothing is found by whoever asks while that poll still goes on. */
static void test_a_check_looks_again(void **state)
{
	struct peer p = { .scripts = { EMPTY_AFTER_GO, READ_AND_MARK } };
	struct world w;
	struct checked c;
	(void)state;
	poll_half_done(&w, &p);
	ask(&w, &c);
	peer_go(&p);
	turn_until(&w, &c.done);
	assert_int_equal(c.code, 0);
	assert_int_equal(c.inv.result.integer, 1);
	world_end(&w);
	script_went_well(&p);
}

/* What the poll that was under way has read counts too. */
static void test_a_check_counts_what_is_read_meanwhile(void **state)
{
	struct peer p = { .scripts = { OPEN("7", "5") FIND("4") MAIL("4") MARK("4") "go\n># OK\n" LEAVE,
		                           OPEN("7", "5") LEAVE } };
	struct world w;
	struct checked c;
	(void)state;
	poll_half_done(&w, &p);
	TURN_UNTIL(&w, peer_has_heard(&p, "STORE"));
	ask(&w, &c);
	peer_go(&p);
	turn_until(&w, &c.done);
	assert_int_equal(c.inv.result.integer, 1);
	world_end(&w);
	script_went_well(&p);
}

/* Whoever has asked is not left waiting by an account that is taken out of use. */
static void test_a_check_ends_with_the_use_of_the_account(void **state)
{
	struct peer p = { .scripts = { EMPTY_AFTER_GO } };
	struct world w;
	struct checked c;
	(void)state;
	struct component *account = poll_half_done(&w, &p);
	ask(&w, &c);
	set_slot(account, "enabled", "false");
	turn_until(&w, &c.done);
	assert_int_equal(c.code, E_CONFLICT);
	peer_go(&p);
	world_end(&w);
	peer_stop(&p);
}

/* The end of a poll is in the engine's inbox when the settings change: it does not put off the poll with the new ones. */
static void test_new_settings_are_used_at_once(void **state)
{
	struct peer p = { .scripts = { EMPTY_AFTER_GO, READ_AND_MARK, OPEN("7", "5") LEAVE } };
	struct world w;
	struct timespec began;
	(void)state;
	struct component *account = poll_half_done(&w, &p);
	peer_go(&p);
	clock_gettime(CLOCK_MONOTONIC, &began);
	while (!peer_has_heard(&p, "LOGOUT") || !mailbox_waits(&w.station.inbox.mailbox))
		world_wait(&w, &began, "the end of the poll");
	set_slot(account, "pollrate", "2h");
	TURN_UNTIL(&w, peer_has_heard(&p, "STORE"));
	assert_int_equal(check_now(&w), 0);
	world_end(&w);
	script_went_well(&p);
}

/* --- a report ------------------------------------------------------------------------------------------------------- */

static const char reported[] = "01234567-89ab-cdef-0123-456789abcdef";

/* The ledger has a mail that a server has taken. */
static void add_accepted_mail(struct world *w)
{
	struct mail_record m;
	struct delivery_record d;
	struct store_tx *tx = store_tx_new();
	bool done = false;
	record_init(&mail_kind, &m);
	record_init(&delivery_kind, &d);
	ledger_set_text(&m.id, reported);
	m.state = MAIL_ACCEPTED;
	ledger_set_text(&d.mail, reported);
	ledger_set_text(&d.address, "bob@mail.test");
	d.state = MAIL_ACCEPTED;
	store_tx_put(tx, &mail_kind, &m);
	store_tx_put(tx, &delivery_kind, &d);
	store_commit(w->station.store, tx, on_disk, &done);
	turn_until(w, &done);
	record_finish(&mail_kind, &m);
	record_finish(&delivery_kind, &d);
}

struct looked {
	bool done;
	int state;
};

static void look(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct looked *l = context;
	(void)e;
	assert_int_equal(code, 0);
	assert_int_equal(rows->count, 1);
	l->state = ((const struct delivery_record *)store_row(rows, 0))->state;
	l->done = true;
}

static int delivery_state(struct world *w)
{
	struct looked l = { .done = false };
	struct store_query q = { .kind = &delivery_kind, .limit = 1 };
	store_where_add(&q, "mail", STORE_EQ, value_string(reported));
	store_ask(w->station.store, &q, look, &l);
	turn_until(w, &l.done);
	return l.state;
}

/* What it says is on disk before the server is asked to mark it: a kill in between loses nothing. It needs nobody who is
 * linked, and nobody who answers alarms. */
static void test_a_report_is_taken_in_before_it_is_marked(void **state)
{
	static const char text[] = /* as many bytes as the lines have with > and LF in place of CR LF */
	    ">Content-Type: multipart/report; boundary=r\n>\n>--r\n>Content-Type: message/delivery-status\n>\n"
	    ">Reporting-MTA: dns; mx\n>\n>Final-Recipient: rfc822; bob@mail.test\n>Action: failed\n>Status: 5.2.2\n>\n"
	    ">--r\n>Content-Type: text/rfc822-headers\n>\n>Message-ID: <01234567-89ab-cdef-0123-456789abcdef@mail.test>\n"
	    ">--r--\n";
	char *script = must_format(OPEN("7", "5") FIND("4") "<#UID FETCH 4 (UID BODY.PEEK[]\n>* 1 FETCH (UID 4 BODY[]<0> "
	                                                    "{%zu}\n%s>)\n># OK\n" MARK("4") "go\n># OK\n" LEAVE,
	                           strlen(text), text);
	struct peer p = { .scripts = { script, OPEN("7", "5") LEAVE } };
	struct world w;
	(void)state;
	world_make(&w, all_types());
	add_accepted_mail(&w);
	set_slot(station_by_path(&w.station, "/Services/EmailService/EmailAlarmAcknowledger"), "enabled", "false");
	peer_start(&p);
	struct claimer *claimer = set_up(&w, &p);
	claimer->claims = false;
	TURN_UNTIL(&w, peer_has_heard(&p, "STORE"));
	assert_int_equal(delivery_state(&w), MAIL_BOUNCED);
	peer_go(&p);
	assert_int_equal(check_now(&w), 0);
	world_end(&w);
	script_went_well(&p);
	free(script);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_exactly_once),
		                                cmocka_unit_test(test_not_ours),
		                                cmocka_unit_test(test_a_check_looks_again),
		                                cmocka_unit_test(test_a_check_counts_what_is_read_meanwhile),
		                                cmocka_unit_test(test_a_check_ends_with_the_use_of_the_account),
		                                cmocka_unit_test(test_new_settings_are_used_at_once),
		                                cmocka_unit_test(test_a_report_is_taken_in_before_it_is_marked) };
	if (argc == 2 && strcmp(argv[1], READER_ARGUMENT) == 0)
		reader_child();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
