/* SPDX-License-Identifier: Apache-2.0
 * Caps hold back and discard nothing; what was held back becomes one digest; clearing the queue keeps everything in the
 * ledger; counters survive a restart. */
#include "tests/unit/mail_world.h"

struct capped {
	struct mail_world m;
	struct sink sink;
};

static int setup(void **state)
{
	struct capped *x = must_alloc(sizeof *x);
	sink_start(&x->sink);
	mail_world_make(&x->m, &x->sink);
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct capped *x = *state;
	world_end(&x->m.w);
	sink_stop(&x->sink);
	sink_end(&x->sink);
	free(x);
	return 0;
}

static void send_many(struct capped *x, int count, int64_t priority)
{
	char subject[40];
	for (int i = 0; i < count; i++) {
		snprintf(subject, sizeof subject, "notice %d", i);
		send_mail(&x->m, x->m.account, subject, priority, NULL);
	}
}

/* Ten mails a minute: of thirty the rest goes as one digest when the minute is over; life safety passes. */
static void what_a_cap_holds_back_becomes_one_digest(void **state)
{
	struct capped *x = *state;
	struct mail_world *m = &x->m;
	char fire[37];
	configure(m, &m->account->account.c, "{\"maxSendablePerMinute\":10,\"enabled\":false}");
	send_many(x, 30, 200);
	TURN_UNTIL(&m->w, m->account->queueSize == 30);
	configure(m, &m->account->account.c, "{\"enabled\":true}");
	TURN_UNTIL(&m->w, m->account->queueSize == 20);
	assert_int_equal(m->account->numberSent, 10);
	assert_true(account_in_alarm(&m->account->account, "maxSendablePerMinute"));
	assert_true(m->account->account.c.status.bits & STATUS_ALARM);

	send_mail(m, m->account, "fire", 1, fire);
	TURN_UNTIL(&m->w, m->account->numberSent == 11);
	assert_int_equal(sink_place(&x->sink, "fire"), 10);

	go_on(m, 61);
	TURN_UNTIL(&m->w, m->account->queueSize == 0);
	assert_int_equal(sink_count(&x->sink), 12);
	assert_int_equal(sink_place(&x->sink, "20 alarms in one mail"), 11);
	assert_int_equal(count_mails(m, MAIL_DIGESTED), 20);
	struct mail_record single = read_mail(m, "subject", "notice 29");
	struct mail_record digest = read_mail(m, "id", single.digest);
	assert_int_equal(digest.kind, MAIL_DIGEST);
	assert_int_equal(digest.state, MAIL_ACCEPTED);
	assert_non_null(strstr(digest.body, "notice 29"));
	assert_non_null(strstr(digest.body, "notice 10"));
	assert_null(strstr(digest.body, "notice 9\n"));
	record_finish(&mail_kind, &single);
	record_finish(&mail_kind, &digest);

	assert_true(account_in_alarm(&m->account->account, "maxSendablePerMinute"));
	go_on(m, 61);
	assert_false(account_in_alarm(&m->account->account, "maxSendablePerMinute"));
}

/* As they are when it goes, not when it was made: here the server was away in between. */
static void a_digest_is_in_its_readers_language_and_time_zone(void **state)
{
	struct capped *x = *state;
	struct mail_world *m = &x->m;
	struct component *reader = station_by_path(&m->w.station, "/Services/EmailService/EmailRecipient");
	configure(m, reader, "{\"language\":\"de\",\"timeZone\":\"Asia/Kolkata\"}");
	configure(m, &m->account->account.c, "{\"maxSendablePerMinute\":1,\"enabled\":false}");
	m->reader = reader->handle;
	send_many(x, 3, 200);
	TURN_UNTIL(&m->w, m->account->queueSize == 3);
	configure(m, &m->account->account.c, "{\"enabled\":true}");
	TURN_UNTIL(&m->w, m->account->queueSize == 2);
	sink_stop(&x->sink);
	go_on(m, 61);
	TURN_UNTIL(&m->w, m->account->queueSize == 1);
	struct mail_record digest = read_mail(m, "subject", "2 Alarme in einer Mail");
	assert_non_null(strstr(digest.body, "Diese Alarme wurden"));
	assert_non_null(strstr(digest.body, "(UTC+5:30)  [200]  notice 1\n"));
	record_finish(&mail_kind, &digest);
	configure(m, reader, "{\"language\":\"fr\",\"timeZone\":\"Asia/Tokyo\"}");
	sink_start(&x->sink);
	for (int i = 0; i < 100 && m->account->queueSize; i++)
		endure(m, m->account, 60, 60);
	assert_true(sink_place(&x->sink, "2 alarmes en un message") > 0);
	digest = read_mail(m, "subject", "2 alarmes en un message");
	assert_non_null(strstr(digest.body, "(UTC+9)  [200]  notice 1\n"));
	record_finish(&mail_kind, &digest);
}

static void what_the_server_refused_does_not_count(void **state)
{
	struct capped *x = *state;
	struct mail_world *m = &x->m;
	configure(m, &m->account->account.c, "{\"maxSendablePerDay\":2}");
	for (int i = 0; i < 3; i++)
		send_mail(m, m->account, "unwanted", 200, NULL);
	TURN_UNTIL(&m->w, count_mails(m, MAIL_REFUSED) == 3);
	assert_int_equal(m->account->sent.today, 0);
	send_many(x, 2, 200);
	TURN_UNTIL(&m->w, m->account->numberSent == 2);
	assert_int_equal(m->account->sent.today, 2);
}

static void the_day_s_count_survives_a_restart_and_ends_at_midnight(void **state)
{
	struct capped *x = *state;
	struct mail_world *m = &x->m;
	configure(m, &m->account->account.c, "{\"maxSendablePerDay\":3}");
	send_many(x, 3, 200);
	TURN_UNTIL(&m->w, m->account->numberSent == 3);
	mail_world_restart(m);
	assert_int_equal(m->account->numberSent, 3);
	assert_int_equal(m->account->sent.today, 3);
	send_many(x, 1, 200);
	TURN_UNTIL(&m->w, m->account->outbox.caps.holding);
	assert_int_equal(sink_count(&x->sink), 3);
	go_on(m, 86400);
	TURN_UNTIL(&m->w, m->account->queueSize == 0);
	assert_int_equal(m->account->numberSent, 4); /* a single mail needs no digest */
	assert_int_equal(m->account->sent.today, 1);
}

static void mails_to_other_people_are_not_mixed(void **state)
{
	struct capped *x = *state;
	struct mail_world *m = &x->m;
	struct draft_recipient carol = { "Carol", "carol@x.test", FIELD_TO };
	struct draft d = { .kind = MAIL_ALARM,
		               .subject = "for carol",
		               .body = "-",
		               .alarm = "",
		               .recipient = "",
		               .priority = 200,
		               .to = &carol,
		               .count = 1 };
	configure(m, &m->account->account.c, "{\"maxSendablePerMinute\":1,\"enabled\":false}");
	send_many(x, 3, 200);
	struct store_tx *tx = store_tx_new();
	outbox_add(&m->w.station, m->account, NULL, tx, &d, NULL);
	store_commit(m->w.station.store, tx, NULL, NULL);
	TURN_UNTIL(&m->w, m->account->queueSize == 4);
	configure(m, &m->account->account.c, "{\"enabled\":true}");
	TURN_UNTIL(&m->w, m->account->numberSent == 1);
	for (int i = 2; i <= 3; i++) {
		go_on(m, 61);
		TURN_UNTIL(&m->w, m->account->numberSent == i);
	}
	TURN_UNTIL(&m->w, m->account->queueSize == 0);
	assert_true(sink_place(&x->sink, "2 alarms in one mail") > 0);
	assert_true(sink_place(&x->sink, "for carol") > 0);
}

static void a_cleared_queue_stays_in_the_ledger(void **state)
{
	struct capped *x = *state;
	struct mail_world *m = &x->m;
	configure(m, &m->account->account.c, "{\"enabled\":false,\"maxQueueSize\":200}");
	send_many(x, 250, 200);
	TURN_UNTIL(&m->w, m->account->queueSize == 250);
	assert_true(account_in_alarm(&m->account->account, "maxQueueSize"));
	assert_int_equal(invoke(m, &m->account->account.c, "clearQueue"), 250);
	assert_int_equal(m->account->queueSize, 0);
	assert_false(account_in_alarm(&m->account->account, "maxQueueSize"));
	assert_int_equal(count_mails(m, MAIL_CANCELLED), 250);
	mail_world_restart(m);
	configure(m, &m->account->account.c, "{\"enabled\":true}");
	send_mail(m, m->account, "later", 200, NULL);
	TURN_UNTIL(&m->w, m->account->numberSent == 1);
	assert_int_equal(sink_count(&x->sink), 1);
	invoke(m, &m->account->account.c, "resetNumberSent");
	mail_world_restart(m);
	assert_int_equal(m->account->numberSent, 0);
}

static void the_ledger_keeps_to_its_capacity(void **state)
{
	struct capped *x = *state;
	struct mail_world *m = &x->m;
	struct component *service = station_service(&m->w.station, &email_service);
	configure(m, &m->account->account.c, "{\"enabled\":false}");
	send_many(x, 150, 200);
	TURN_UNTIL(&m->w, m->account->queueSize == 150);
	configure(m, service, "{\"ledgerCapacity\":100}");
	go_on(m, 1);
	assert_int_equal(count_mails(m, MAIL_QUEUED), 150); /* what is to be sent never goes */
	invoke(m, &m->account->account.c, "clearQueue");
	for (int i = 0; i < 5; i++) { /* rounds of fifty */
		go_on(m, 601);
		count_mails(m, MAIL_CANCELLED);
	}
	TURN_UNTIL(&m->w, count_mails(m, MAIL_CANCELLED) == 100);
	struct mail_record newest = read_mail(m, "subject", "notice 149");
	record_finish(&mail_kind, &newest);
}

static void put_incoming(struct mail_world *m, int first, int count, bool open)
{
	struct store_tx *tx = store_tx_new();
	struct incoming_record r;
	for (int i = first; i < first + count; i++) {
		char uid[16];
		record_init(&incoming_kind, &r);
		snprintf(uid, sizeof uid, "1:%d", i);
		ledger_set_text(&r.uid, uid);
		r.sequence = i;
		r.open = open;
		store_tx_put(tx, &incoming_kind, &r);
		record_finish(&incoming_kind, &r);
	}
	store_commit(m->w.station.store, tx, NULL, NULL);
}

struct oldest {
	bool done;
	size_t left;
	int64_t sequence;
};

static void oldest_read(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct oldest *o = context;
	(void)e;
	assert_int_equal(code, 0);
	o->left = rows->count;
	o->sequence = rows->count ? ((const struct incoming_record *)store_row(rows, 0))->sequence : 0;
	o->done = true;
}

/* Of those that are closed. */
static struct oldest oldest_incoming(struct mail_world *m)
{
	struct oldest o = { .done = false };
	struct store_query q = { .kind = &incoming_kind, .order = "sequence", .limit = 1000 };
	store_where_add(&q, "open", STORE_EQ, value_boolean(false));
	store_ask(m->w.station.store, &q, oldest_read, &o);
	turn_until(&m->w, &o.done);
	return o;
}

/* The oldest go, but not those that a poll must know. */
static void the_list_of_incoming_mails_keeps_to_its_capacity(void **state)
{
	struct capped *x = *state;
	struct mail_world *m = &x->m;
	put_incoming(m, 1, 20, true);
	put_incoming(m, 21, 120, false);
	configure(m, station_service(&m->w.station, &email_service), "{\"incomingCapacity\":100}");
	for (int i = 0; i < 3; i++) { /* rounds of fifty */
		go_on(m, 601);
		oldest_incoming(m);
	}
	TURN_UNTIL(&m->w, oldest_incoming(m).left == 80);
	assert_int_equal(oldest_incoming(m).sequence, 61);
}

#define CAPPED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CAPPED(what_a_cap_holds_back_becomes_one_digest),
		CAPPED(a_digest_is_in_its_readers_language_and_time_zone),
		CAPPED(what_the_server_refused_does_not_count),
		CAPPED(the_day_s_count_survives_a_restart_and_ends_at_midnight),
		CAPPED(mails_to_other_people_are_not_mixed),
		CAPPED(a_cleared_queue_stays_in_the_ledger),
		CAPPED(the_ledger_keeps_to_its_capacity),
		CAPPED(the_list_of_incoming_mails_keeps_to_its_capacity),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
