/* SPDX-License-Identifier: Apache-2.0
 * The outbox of an account against a real server: order, several connections. */
#include "tests/unit/mail_world.h"

enum { NOTICES = 1000 };

/* A thousand maintenance notices wait; then a life-safety alarm comes. */
static void a_life_safety_alarm_overtakes_a_thousand_notices(void **state)
{
	struct sink sink = { 0 };
	struct mail_world m;
	char subject[40];
	(void)state;
	sink_start(&sink);
	mail_world_make(&m, &sink);
	configure(&m, &m.account->account.c, "{\"enabled\":false,\"maxConnections\":1,\"maxQueueSize\":5000}");
	for (int i = 0; i < NOTICES; i++) {
		snprintf(subject, sizeof subject, "notice %d", i);
		send_mail(&m, m.account, subject, 200, NULL);
	}
	send_mail(&m, m.account, "fire", 1, NULL);
	TURN_UNTIL(&m.w, m.account->queueSize == NOTICES + 1);
	configure(&m, &m.account->account.c, "{\"enabled\":true}");
	TURN_UNTIL(&m.w, sink_count(&sink) > 20); /* the others would go on like that */
	assert_int_equal(sink_place(&sink, "fire"), 0);
	for (int i = 0; i < 20; i++) {
		snprintf(subject, sizeof subject, "notice %d", i);
		assert_int_equal(sink_place(&sink, subject), i + 1);
	}
	world_end(&m.w);
	sink_stop(&sink);
	sink_end(&sink);
}

static void the_queue_is_shared_by_as_many_connections_as_are_allowed(void **state)
{
	struct sink sink = { 0 };
	struct mail_world m;
	char subject[40];
	(void)state;
	sink_start(&sink);
	mail_world_make(&m, &sink);
	configure(&m, &m.account->account.c, "{\"enabled\":false,\"maxConnections\":4}");
	for (int i = 0; i < 100; i++) {
		snprintf(subject, sizeof subject, "mail %d", i);
		send_mail(&m, m.account, subject, 200, NULL);
	}
	TURN_UNTIL(&m.w, m.account->queueSize == 100);
	configure(&m, &m.account->account.c, "{\"enabled\":true}");
	TURN_UNTIL(&m.w, m.account->queueSize == 0);
	assert_int_equal(sink_count(&sink), 100);
	assert_int_equal(sink_most(&sink), 4);
	assert_int_equal(m.account->numberSent, 100);
	char *transcript = transcript_to_text(&m.account->account.transcript); /* which tells them apart */
	assert_non_null(strstr(transcript, "[4] connecting to 127.0.0.1"));
	assert_null(strstr(transcript, "[1]"));
	free(transcript);
	world_end(&m.w);
	sink_stop(&sink);
	sink_end(&sink);
}

static void one_mail_opens_one_connection(void **state)
{
	struct sink sink = { 0 };
	struct mail_world m;
	(void)state;
	sink_start(&sink);
	mail_world_make(&m, &sink);
	configure(&m, &m.account->account.c, "{\"maxConnections\":16}");
	for (size_t i = 1; i <= 3; i++) {
		send_mail(&m, m.account, "single", 200, NULL);
		TURN_UNTIL(&m.w, m.account->numberSent == (int64_t)i);
	}
	assert_int_equal(sink_most(&sink), 1);
	world_end(&m.w);
	sink_stop(&sink);
	sink_end(&sink);
}

/* A connection that fails when the sheet has just changed says nothing about what the sheet says now. */
static void old_settings_do_not_put_off_the_new_ones(void **state)
{
	struct sink sink = { 0 };
	struct mail_world m;
	struct smtp_failure f = { .stage = STAGE_CONNECT };
	(void)state;
	err_set(&f.err, E_NETWORK, NULL, "It is away.");
	sink_start(&sink);
	mail_world_make(&m, &sink);
	send_mail(&m, m.account, "single", 200, NULL);
	TURN_UNTIL(&m.w, m.account->numberSent == 1);
	outbox_reconfigure(m.account);
	outbox_down(m.account, 0, &f, true);
	assert_false(m.account->account.failing);
	send_mail(&m, m.account, "another", 200, NULL);
	TURN_UNTIL(&m.w, m.account->numberSent == 2);
	outbox_down(m.account, 0, &f, true);
	assert_true(m.account->account.failing);
	world_end(&m.w);
	sink_stop(&sink);
	sink_end(&sink);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_life_safety_alarm_overtakes_a_thousand_notices),
		cmocka_unit_test(the_queue_is_shared_by_as_many_connections_as_are_allowed),
		cmocka_unit_test(one_mail_opens_one_connection),
		cmocka_unit_test(old_settings_do_not_put_off_the_new_ones),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
