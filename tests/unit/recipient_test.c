/* SPDX-License-Identifier: Apache-2.0
 * When an EmailRecipient mails an alarm: days, hours in the station's time zone, transitions, acknowledgements. And what of a
 * removed account is forgotten. */
#include "tests/unit/mail_world.h"

#include "services/email/content/alarm_view.h"
#include "services/email/incoming/incoming.h"
#include "services/email/oauth/oauth.h"

struct desk {
	struct mail_world m;
	struct sink sink;
	struct component *recipient;
};

static int setup(void **state)
{
	struct desk *x = must_alloc(sizeof *x);
	sink_start(&x->sink);
	mail_world_make(&x->m, &x->sink);
	x->recipient = station_by_path(&x->m.w.station, "/Services/EmailService/EmailRecipient");
	configure(&x->m, x->recipient, "{\"to\":[{\"name\":\"Bob\",\"address\":\"bob@x.test\"}]}");
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct desk *x = *state;
	world_end(&x->m.w);
	sink_stop(&x->sink);
	sink_end(&x->sink);
	free(x);
	return 0;
}

/* Invokes routeAlarm as the link from an alarm class does; true: a mail has come of it. */
static bool route(struct desk *x, const char *state, bool acknowledged)
{
	struct value view;
	struct err e = { 0 };
	struct mail_world *m = &x->m;
	char json[400], *ack = acknowledged ? "\"2026-11-27T16:00:00.000000Z\"" : "null";
	snprintf(json, sizeof json,
	         "{\"sourceState\":\"%s\",\"uuid\":\"u\",\"priority\":1,\"ackTime\":%s,"
	         "\"lastUpdate\":\"2026-11-27T16:00:00.000000Z\",\"alarmData\":[]}",
	         state, ack);
	if (alarm_view_parse(json, &view, &e) != 0)
		fail_msg("%s", e.text);
	int64_t before = m->account->numberSent;
	struct invocation inv = { .arg = &view };
	assert_int_equal(component_invoke(x->recipient, "routeAlarm", &inv), 0);
	value_clear(&view);
	send_mail(m, m->account, "a mail behind it", 200, NULL);
	int64_t more = 0;
	TURN_UNTIL(&m->w, (more = m->account->numberSent - before) > 0 && m->account->queueSize == 0);
	return more == 2;
}

static void hours_and_days_are_the_station_s(void **state)
{
	struct desk *x = *state;
	struct clock *clock = &x->m.w.station.clock;
#define ALL "\"daysOfWeek\":{\"saturday\":true,\"sunday\":true}"
#define WEEKDAYS "\"daysOfWeek\":{\"saturday\":false,\"sunday\":false}"
	static const struct {
		const char *values;
		int day, hour; /* of November 2026, in the station's time; the 27th is a Friday */
		bool mailed;
	} cases[] = {
		{ "{\"timeRange\":{\"start\":0,\"end\":0}," ALL "}", 28, 3, true },
		{ "{\"timeRange\":{\"start\":0,\"end\":0}," WEEKDAYS "}", 27, 23, true },
		{ "{\"timeRange\":{\"start\":0,\"end\":0}," WEEKDAYS "}", 28, 0, false },
		{ "{\"timeRange\":{\"start\":\"8h\",\"end\":\"17h\"}," WEEKDAYS "}", 27, 8, true },
		{ "{\"timeRange\":{\"start\":\"8h\",\"end\":\"17h\"}," WEEKDAYS "}", 27, 7, false },
		{ "{\"timeRange\":{\"start\":\"8h\",\"end\":\"17h\"}," WEEKDAYS "}", 27, 17, false },
		{ "{\"timeRange\":{\"start\":\"22h\",\"end\":\"6h\"}," WEEKDAYS "}", 27, 23, true },
		{ "{\"timeRange\":{\"start\":\"22h\",\"end\":\"6h\"}," WEEKDAYS "}", 28, 5, true }, /* Friday's shift */
		{ "{\"timeRange\":{\"start\":\"22h\",\"end\":\"6h\"}," WEEKDAYS "}", 28, 22, false },
		{ "{\"timeRange\":{\"start\":\"22h\",\"end\":\"6h\"}," WEEKDAYS "}", 23, 5, false }, /* Sunday's shift */
		{ "{\"timeRange\":{\"start\":\"22h\",\"end\":\"6h\"}," ALL "}", 26, 12, false },
	};
	const struct zone *zone = zone_find(&x->m.w.station, "", NULL);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t local = day_of(2026, 11, cases[i].day) * DAY_SECONDS + cases[i].hour * 3600;
		clock_set_wall(clock, zone_instant(zone, local) * SECOND_US);
		configure(&x->m, x->recipient, cases[i].values);
		if (route(x, "offnormal", false) != cases[i].mailed)
			fail_msg("%s on %d November at %d:00", cases[i].values, cases[i].day, cases[i].hour);
	}
}

static void transitions_and_acknowledgements_as_chosen(void **state)
{
	struct desk *x = *state;
	static const struct {
		const char *slot, *source;
	} cases[] = { { "toOffnormal", "highLimit" },
		          { "toOffnormal", "offnormal" },
		          { "toFault", "fault" },
		          { "toNormal", "normal" },
		          { "toAlert", "alert" } };
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (int on = 0; on < 2; on++) {
			char values[80];
			snprintf(values, sizeof values, "{\"transitions\":{\"%s\":%s}}", cases[i].slot, on ? "true" : "false");
			configure(&x->m, x->recipient, values);
			assert_int_equal(route(x, cases[i].source, false), on);
		}
	configure(&x->m, x->recipient, "{\"transitions\":{\"toOffnormal\":false}}");
	assert_true(route(x, "offnormal", true));
	configure(&x->m, x->recipient, "{\"routeAcks\":false,\"transitions\":{\"toOffnormal\":true}}");
	assert_false(route(x, "offnormal", true));
}

/* --- what outlives an account until the next start --------------------------------------------------------------------- */

static int64_t rows_of(struct desk *x, const struct record_kind *kind, uint64_t account)
{
	struct store_query q = { .kind = kind };
	store_where_add(&q, kind == &oauth_grant_kind ? "authenticator" : "account", STORE_EQ,
	                value_integer((int64_t)account));
	return count_rows(&x->m.w, q);
}

static void add_rows(struct desk *x, uint64_t account)
{
	struct store_tx *tx = store_tx_new();
	struct mailbox_record mailbox;
	struct incoming_record mail;
	struct oauth_grant grant;
	record_init(&oauth_grant_kind, &grant);
	record_init(&mailbox_kind, &mailbox);
	record_init(&incoming_kind, &mail);
	mailbox.account = mail.account = grant.authenticator = (int64_t)account;
	ledger_set_text(&mail.uid, "1:1");
	mail.time.us = station_now(&x->m.w.station);
	store_tx_put(tx, &mailbox_kind, &mailbox);
	store_tx_put(tx, &incoming_kind, &mail);
	store_tx_put(tx, &oauth_grant_kind, &grant);
	store_commit(x->m.w.station.store, tx, NULL, NULL);
	record_finish(&mailbox_kind, &mailbox);
	record_finish(&incoming_kind, &mail);
	record_finish(&oauth_grant_kind, &grant);
}

static void what_was_read_is_forgotten_with_its_account(void **state)
{
	struct desk *x = *state;
	struct component *account = station_by_path(&x->m.w.station, "/Services/EmailService/IncomingAccount");
	uint64_t there = account->handle, gone = 999999;
	add_rows(x, there);
	add_rows(x, gone);
	assert_int_equal(rows_of(x, &mailbox_kind, gone), 1);
	assert_int_equal(rows_of(x, &incoming_kind, gone), 1);
	assert_int_equal(rows_of(x, &oauth_grant_kind, gone), 1);
	mail_world_restart(&x->m);
	TURN_UNTIL(&x->m.w, rows_of(x, &mailbox_kind, gone) == 0 && rows_of(x, &oauth_grant_kind, gone) == 0);
	assert_int_equal(rows_of(x, &oauth_grant_kind, there), 1);
	assert_int_equal(rows_of(x, &incoming_kind, gone), 0);
	assert_int_equal(rows_of(x, &mailbox_kind, there), 1);
	assert_int_equal(rows_of(x, &incoming_kind, there), 1);
}

#define DESK(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DESK(hours_and_days_are_the_station_s),
		DESK(transitions_and_acknowledgements_as_chosen),
		DESK(what_was_read_is_forgotten_with_its_account),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
