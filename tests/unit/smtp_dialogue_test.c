/* SPDX-License-Identifier: Apache-2.0
 * Mail transactions against scripted servers: pipelining, one fate a recipient, reuse of connections, and servers that
 * refuse, cut and lie at every place. */
#include "tests/unit/dialogue.h"

static const char *const three[] = { "reject@mail.test", "defer@mail.test", "bob@mail.test", NULL };

static void open_against(struct client *c, struct peer *p)
{
	peer_start(p);
	client_open(c, config_for(p));
}

static void test_one_mail_in_one_flight(void **state)
{
	(void)state;
	struct peer p = { .scripts = { GREETING PLAIN_EHLO ENVELOPE TAKEN ".\n>250 2.0.0 Ok: queued as ABC123\ngone\n" } };
	struct client c;
	open_against(&c, &p);
	smtp_send(c.smtp,
	          mail_to((const char *const[]){ "bob@mail.test", NULL }, "Subject: x\r\n\r\n.dot\r\n..\r\n.\r\nend\r\n"));
	client_until(&c, 'd', 1);
	const struct smtp_message *m = c.done[0];
	assert_int_equal(m->recipients[0].outcome, SMTP_ACCEPTED);
	assert_int_equal(m->recipients[0].code, 250);
	assert_string_equal(m->recipients[0].enhanced, "2.0.0");
	assert_string_equal(m->queue_id, "ABC123");
	assert_true(m->answered > 0);
	assert_non_null(strstr(p.heard, "\r\n\r\n..dot\r\n...\r\n..\r\nend\r\n.\r\n"));
	finish(&c, &p);
}

static void test_without_pipelining(void **state)
{
	(void)state;
	struct peer
	    p = { .scripts = {
		          GREETING
		          ">250 mail.test\n<MAIL\n>250 ok\n<RCPT TO:<reject\n>550 5.1.1 no\n<RCPT TO:<defer\n>451 4.7.1 later\n"
		          "<RCPT TO:<bob\n>250 ok\n<DATA\n>354 go\n.\n>250 ok\n<MAIL\n>250 ok\n<RCPT\n>550 no\n<RSET\n>250 "
		          "ok\ngone\n" } };
	struct client c;
	open_against(&c, &p);
	smtp_send(c.smtp, mail_to(three, "x\r\n"));
	smtp_send(c.smtp, mail_to_bob());
	client_until(&c, 'd', 2);
	assert_int_equal(c.done[0]->recipients[0].outcome, SMTP_REFUSED);
	assert_string_equal(c.done[0]->recipients[0].enhanced, "5.1.1");
	assert_int_equal(c.done[0]->recipients[1].outcome, SMTP_DEFERRED);
	assert_string_equal(c.done[0]->recipients[1].text, "later");
	assert_int_equal(c.done[0]->recipients[2].outcome, SMTP_ACCEPTED);
	assert_int_equal(c.done[1]->recipients[0].outcome, SMTP_REFUSED);
	finish(&c, &p);
}

static void test_each_recipient_its_own_fate(void **state)
{
	(void)state;
	struct peer p = {
		.scripts = { GREETING PLAIN_EHLO
		             "<MAIL\n<RCPT\n<RCPT\n<RCPT\n<DATA\n>250 ok\n>550 5.1.1 no\n>451 4.7.1 later\n>250 ok\n>354 go\n"
		             ".\n>250 ok\n"
		             "gone\n" }
	};
	struct client c;
	open_against(&c, &p);
	smtp_send(c.smtp, mail_to(three, "x\r\n"));
	client_until(&c, 'd', 1);
	assert_int_equal(c.done[0]->recipients[0].outcome, SMTP_REFUSED);
	assert_int_equal(c.done[0]->recipients[1].outcome, SMTP_DEFERRED);
	assert_int_equal(c.done[0]->recipients[2].outcome, SMTP_ACCEPTED);
	assert_int_equal(c.done[0]->recipients[1].stage, STAGE_RCPT);
	finish(&c, &p);
}

/* The next envelope leaves behind the dot, but no content before the first outcome is settled. */
static void test_chained_and_withheld(void **state)
{
	(void)state;
	struct peer p = { .scripts = { GREETING PLAIN_EHLO ENVELOPE TAKEN ".\n" ENVELOPE ">250 ok: queued as 1\n" TAKEN
		                                                              "<Subject\n.\n>250 ok: queued as 2\ngone\n" } };
	struct client c;
	open_against(&c, &p);
	c.hold = true;
	smtp_send(c.smtp, mail_to_bob());
	smtp_send(c.smtp, mail_to_bob());
	client_until(&c, 'd', 1);
	for (int i = 0; i < 20; i++) {
		uv_run(&c.loop, UV_RUN_NOWAIT);
		uv_sleep(2);
	}
	const char *sent = strstr(c.transcript, ">(20 bytes of mail)");
	assert_non_null(sent);
	assert_null(strstr(sent + 1, ">(20 bytes of mail)"));
	assert_non_null(strstr(sent, ">DATA"));
	smtp_settle(c.smtp);
	client_until(&c, 'd', 2);
	assert_string_equal(c.done[1]->queue_id, "2");
	finish(&c, &p);
}

static void test_all_refused_and_still_354(void **state)
{
	(void)state;
	struct peer p = { .scripts = { GREETING PLAIN_EHLO ENVELOPE
		                           ">250 ok\n>550 no\n>354 go\n<.\n>554 no valid recipients\n" ENVELOPE
		                           ">250 ok\n>550 no\n>554 no valid recipients\n<RSET\n>250 ok\n" ENVELOPE TAKEN
		                           ".\n>250 ok\ngone\n" } };
	struct client c;
	open_against(&c, &p);
	for (int i = 0; i < 3; i++)
		smtp_send(c.smtp, mail_to_bob());
	client_until(&c, 'd', 3);
	assert_int_equal(c.done[0]->recipients[0].outcome, SMTP_REFUSED);
	assert_int_equal(c.done[0]->recipients[0].stage, STAGE_RCPT);
	assert_int_equal(c.done[1]->recipients[0].outcome, SMTP_REFUSED);
	assert_int_equal(c.done[2]->recipients[0].outcome, SMTP_ACCEPTED);
	finish(&c, &p);
}

static void test_refused_for_now_at_mail_and_data_and_dot(void **state)
{
	(void)state;
	struct peer p = { .scripts = { GREETING PLAIN_EHLO ENVELOPE
		                           ">452 4.3.1 full\n>503 first MAIL\n>503 first MAIL\n" ENVELOPE
		                           ">250 ok\n>250 ok\n>451 4.3.0 not now\n<RSET\n>250 ok\n" ENVELOPE TAKEN
		                           ".\n>554 5.7.1 spam\ngone\n" } };
	struct client c;
	open_against(&c, &p);
	for (int i = 0; i < 3; i++)
		smtp_send(c.smtp, mail_to_bob());
	client_until(&c, 'd', 3);
	static const struct {
		enum smtp_outcome outcome;
		enum smtp_stage stage;
		int code;
	} expected[] = { { SMTP_DEFERRED, STAGE_MAIL, 452 },
		             { SMTP_DEFERRED, STAGE_DATA, 451 },
		             { SMTP_REFUSED, STAGE_CONTENT, 554 } };
	for (int i = 0; i < 3; i++) {
		assert_int_equal(c.done[i]->recipients[0].outcome, expected[i].outcome);
		assert_int_equal(c.done[i]->recipients[0].stage, expected[i].stage);
		assert_int_equal(c.done[i]->recipients[0].code, expected[i].code);
	}
	finish(&c, &p);
}

/* What one script makes of one mail: the outcome, and the failure of the connection, if there is one. */
static const struct {
	const char *script;
	enum smtp_outcome outcome;
	int failure; /* 0: none */
	enum smtp_stage stage;
	const char *words; /* in the sentence */
} misbehaviours[] = {
	{ "\n", SMTP_PENDING, E_NETWORK, STAGE_GREETING, "closed the connection" },
	{ ">554 no service\ngone\n", SMTP_PENDING, E_REFUSED, STAGE_GREETING, "554 no service" },
	{ ">421 busy\ngone\n", SMTP_PENDING, E_DEFERRED, STAGE_GREETING, "421" },
	{ ">HTTP/1.1 400 Bad Request\ngone\n", SMTP_PENDING, E_PROTOCOL, STAGE_GREETING, "no SMTP" },
	{ ">2500 hello\ngone\n", SMTP_PENDING, E_PROTOCOL, STAGE_GREETING, "no SMTP" },
	{ ">220 hi\n>250 and so\ngone\n", SMTP_PENDING, E_PROTOCOL, STAGE_EHLO, "before it was asked" },
	{ GREETING ">250-a\n>500 b\ngone\n", SMTP_PENDING, E_PROTOCOL, STAGE_EHLO, "same reply" },
	{ GREETING ">421 closing\ngone\n", SMTP_PENDING, E_DEFERRED, STAGE_EHLO, "421" },
	{ GREETING
	  ">502 what?\n<HELO station.test\n>250 ok\n<MAIL\n>250 ok\n<RCPT\n>250 ok\n<DATA\n>354 go\n.\n>250 ok\ngone\n",
	  SMTP_ACCEPTED, 0, 0, "" },
	{ GREETING PLAIN_EHLO ENVELOPE ">530 5.7.0 Authentication required\n>503 x\n>503 x\ngone\n", SMTP_PENDING, E_AUTH,
	  STAGE_MAIL, "wants a login" },
	{ GREETING PLAIN_EHLO ENVELOPE ">550 5.7.1 not you\n>503 x\n>503 x\ngone\n", SMTP_PENDING, E_REFUSED, STAGE_MAIL,
	  "refuses the sender" },
	{ GREETING PLAIN_EHLO ENVELOPE ">552 5.3.4 too big\n>503 x\n>503 x\ngone\n", SMTP_REFUSED, 0, 0, "" },
	{ GREETING PLAIN_EHLO ENVELOPE ">421 bye\ngone\n", SMTP_PENDING, E_DEFERRED, STAGE_MAIL, "421" },
	{ GREETING PLAIN_EHLO ENVELOPE ">250 ok\n>251 will forward\n>354 go\n.\n>250 ok\ngone\n", SMTP_ACCEPTED, 0, 0, "" },
	{ GREETING PLAIN_EHLO ENVELOPE ">250 ok\n>551 not here\n>554 none\n<RSET\n>250 ok\ngone\n", SMTP_REFUSED, 0, 0,
	  "" },
	{ GREETING PLAIN_EHLO ENVELOPE ">250 ok\n>250 ok\n>250 instead of 354\ngone\n", SMTP_PENDING, E_PROTOCOL,
	  STAGE_DATA, "instead of 354" },
	{ GREETING PLAIN_EHLO ENVELOPE ">250 ok\n>250 ok\n>354 go\n>250 and done\ngone\n", SMTP_PENDING, E_PROTOCOL,
	  STAGE_DATA, "before it was asked" },
	{ GREETING PLAIN_EHLO ENVELOPE "cut\n", SMTP_PENDING, E_NETWORK, STAGE_MAIL, "" },
	{ GREETING PLAIN_EHLO ENVELOPE TAKEN "<Subject\ncut\n", SMTP_UNKNOWN, E_NETWORK, STAGE_CONTENT, "" },
	{ GREETING PLAIN_EHLO ENVELOPE TAKEN ".\ncut\n", SMTP_UNKNOWN, E_NETWORK, STAGE_CONTENT, "" },
	{ GREETING PLAIN_EHLO ENVELOPE TAKEN ".\n>421 4.3.2 shutting down\ngone\n", SMTP_DEFERRED, E_DEFERRED,
	  STAGE_CONTENT, "421" },
	{ GREETING PLAIN_EHLO ENVELOPE TAKEN ".\n>250 ok\ncut\n", SMTP_ACCEPTED, 0, 0, "" },
	{ GREETING PLAIN_EHLO ENVELOPE TAKEN ".\n>354 more\ngone\n", SMTP_UNKNOWN, E_PROTOCOL, STAGE_CONTENT, "" },
};

static void test_misbehaviour(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(misbehaviours); i++) {
		struct peer p = { .scripts = { misbehaviours[i].script } };
		struct client c;
		open_against(&c, &p);
		smtp_send(c.smtp, mail_to_bob());
		client_until(&c, 'd', 1);
		if (misbehaviours[i].failure)
			client_until(&c, 'f', 1);
		if (c.done[0]->recipients[0].outcome != misbehaviours[i].outcome ||
		    (misbehaviours[i].failure ? c.failure.err.code : 0) != misbehaviours[i].failure ||
		    (misbehaviours[i].failure &&
		     (c.failure.stage != misbehaviours[i].stage || !strstr(c.failure.err.text, misbehaviours[i].words))))
			fail_msg("%s\noutcome %d, failure %d at %s: %s", misbehaviours[i].script, c.done[0]->recipients[0].outcome,
			         c.failure.err.code, smtp_stage_name(c.failure.stage), c.failure.err.text);
		finish(&c, &p);
	}
}

static void test_reused_connection_that_has_died(void **state)
{
	(void)state;
	struct peer p = { .scripts = { GREETING PLAIN_EHLO ENVELOPE TAKEN ".\n>250 ok\n<MAIL\ncut\n",
		                           GREETING PLAIN_EHLO ENVELOPE TAKEN ".\n>250 ok\ngone\n" } };
	struct client c;
	open_against(&c, &p);
	smtp_send(c.smtp, mail_to_bob());
	client_until(&c, 'd', 1);
	smtp_send(c.smtp, mail_to_bob());
	client_until(&c, 'd', 2);
	assert_int_equal(c.done[1]->recipients[0].outcome, SMTP_ACCEPTED);
	assert_int_equal(c.down_count, 0);
	assert_int_equal(c.ready_count, 2);
	finish(&c, &p);
}

static void test_server_that_takes_so_many_and_no_more(void **state)
{
	(void)state;
	struct peer p = { .scripts = { GREETING PLAIN_EHLO ENVELOPE TAKEN ".\n" ENVELOPE
		                                                              ">250 ok\n>421 4.7.0 too many messages\ngone\n",
		                           GREETING PLAIN_EHLO ENVELOPE TAKEN ".\n>250 ok\ngone\n" } };
	struct client c;
	open_against(&c, &p);
	smtp_send(c.smtp, mail_to_bob());
	smtp_send(c.smtp, mail_to_bob());
	client_until(&c, 'd', 2);
	assert_int_equal(c.done[1]->recipients[0].outcome, SMTP_ACCEPTED);
	assert_int_equal(c.down_count, 0);
	finish(&c, &p);
}

static void test_cut_behind_the_dot_gives_both_back(void **state)
{
	(void)state;
	struct peer p = { .scripts = { GREETING PLAIN_EHLO ENVELOPE TAKEN ".\n" ENVELOPE "cut\n" } };
	struct client c;
	open_against(&c, &p);
	smtp_send(c.smtp, mail_to_bob());
	smtp_send(c.smtp, mail_to_bob());
	client_until(&c, 'f', 1);
	assert_int_equal(c.done_count, 2);
	assert_int_equal(c.done[0]->recipients[0].outcome, SMTP_UNKNOWN);
	assert_int_equal(c.done[1]->recipients[0].outcome, SMTP_PENDING);
	finish(&c, &p);
}

static void test_size_and_utf8(void **state)
{
	(void)state;
	static const char *const mixed[] = { "j\xc3\xb6rg@mail.test", "bob@mail.test", NULL };
	struct peer p = { .scripts = { GREETING ">250-mail.test\n>250-SIZE 30\n>250 PIPELINING\n<MAIL "
		                                    "FROM:<station@mail.test> SIZE=20\n<RCPT TO:<bob@mail.test>\n<DATA\n" TAKEN
		                                    ".\n>250 ok\ngone\n" } };
	struct client c;
	open_against(&c, &p);
	smtp_send(c.smtp, mail_to(mixed, "This mail is longer than thirty bytes.\r\n"));
	smtp_send(c.smtp, mail_to(mixed, "Subject: x\r\n\r\nText\r\n"));
	client_until(&c, 'd', 2);
	assert_string_equal(c.done[0]->recipients[1].enhanced, "5.3.4");
	assert_int_equal(c.done[0]->recipients[1].outcome, SMTP_REFUSED);
	assert_string_equal(c.done[1]->recipients[0].enhanced, "5.6.7");
	assert_int_equal(c.done[1]->recipients[1].outcome, SMTP_ACCEPTED);
	finish(&c, &p);

	struct peer q = { .scripts = { GREETING ">250-mail.test\n>250-8BITMIME\n>250-PIPELINING\n>250 SMTPUTF8\n"
		                                    "<MAIL FROM:<station@mail.test> BODY=8BITMIME SMTPUTF8\n<RCPT "
		                                    "TO:<j\xc3\xb6rg@mail.test>\n<RCPT\n<DATA\n"
		                                    ">250 ok\n" TAKEN ".\n>250 ok\ngone\n" } };
	open_against(&c, &q);
	smtp_send(c.smtp, mail_to(mixed, "x\r\n"));
	client_until(&c, 'd', 1);
	assert_int_equal(c.done[0]->recipients[0].outcome, SMTP_ACCEPTED);
	finish(&c, &q);
}

static void test_deadlines(void **state)
{
	(void)state;
	static const char *const scripts[] = { "gone\n", GREETING "gone\n", GREETING PLAIN_EHLO ENVELOPE "gone\n",
		                                   GREETING PLAIN_EHLO ENVELOPE TAKEN ".\ngone\n" };
	static const char *const words[] = { "no greeting in time", "no answer to EHLO", "no answer to MAIL",
		                                 "no answer to the mail" };
	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		struct peer p = { .scripts = { scripts[i] } };
		struct client c;
		peer_start(&p);
		struct smtp_config *config = config_for(&p);
		if (i == 0)
			config->server.timeout = SECOND_US / 10;
		else if (i == 3)
			config->content_timeout = SECOND_US / 10;
		else
			config->command_timeout = SECOND_US; /* what comes before it is answered in time by a busy machine, too */
		client_open(&c, config);
		smtp_send(c.smtp, mail_to_bob());
		client_until(&c, 'f', 1);
		assert_int_equal(c.failure.err.code, E_TIMEOUT);
		assert_non_null(strstr(c.failure.err.text, words[i]));
		assert_int_equal(c.done[0]->recipients[0].outcome, i == 3 ? SMTP_UNKNOWN : SMTP_PENDING);
		finish(&c, &p);
	}
}

/* Nobody answers the SYN: a listener whose queue is full. */
static void test_black_hole(void **state)
{
	(void)state;
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof a;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fill[4];
	must(bind(listener, (struct sockaddr *)&a, size) == 0 && listen(listener, 0) == 0);
	must(getsockname(listener, (struct sockaddr *)&a, &size) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(fill); i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		connect(fill[i], (struct sockaddr *)&a, size);
	}
	struct peer p = { .port = ntohs(a.sin_port) };
	struct client c;
	struct smtp_config *config = config_for(&p);
	config->server.timeout = 300000;
	client_open(&c, config);
	smtp_send(c.smtp, mail_to_bob());
	smtp_send(c.smtp, mail_to_bob()); /* more mail does not prolong it */
	client_until(&c, 'f', 1);
	assert_int_equal(c.failure.stage, STAGE_CONNECT);
	assert_int_equal(c.failure.err.code, E_TIMEOUT);
	assert_int_equal(c.done_count, 2);
	client_close(&c);
	for (size_t i = 0; i < ARRAY_SIZE(fill); i++)
		close(fill[i]);
	close(listener);
}

static void test_idle_connection_says_goodbye(void **state)
{
	(void)state;
	struct peer p = { .scripts = { GREETING PLAIN_EHLO ENVELOPE TAKEN ".\n>250 ok\n<QUIT\n>221 bye\n" } };
	struct client c;
	peer_start(&p);
	struct smtp_config *config = config_for(&p);
	config->idle_timeout = 20000;
	client_open(&c, config);
	smtp_send(c.smtp, mail_to_bob());
	client_until(&c, 'd', 1);
	for (int i = 0; i < 200 && !strstr(c.transcript, "QUIT"); i++)
		uv_run(&c.loop, UV_RUN_ONCE);
	assert_int_equal(c.down_count, 0);
	finish(&c, &p);
}

static void test_refused_connection_and_unknown_name(void **state)
{
	(void)state;
	struct peer p = { .scripts = { NULL } };
	peer_start(&p);
	int port = p.port;
	peer_stop(&p);
	p.port = port;
	for (int i = 0; i < 2; i++) {
		struct client c;
		struct smtp_config *config = config_for(&p);
		if (i)
			snprintf(config->server.host, sizeof config->server.host, "nobody.invalid");
		client_open(&c, config);
		smtp_send(c.smtp, mail_to_bob());
		client_until(&c, 'f', 1);
		assert_int_equal(c.failure.stage, STAGE_CONNECT);
		assert_non_null(strstr(c.failure.err.text, i ? "nobody.invalid" : "refused the connection"));
		client_close(&c);
	}
}

/* New settings: what is on its way is finished, the rest goes to the new server. */
static void test_configuration_changes_under_way(void **state)
{
	(void)state;
	struct peer p = { .scripts = { GREETING PLAIN_EHLO ENVELOPE TAKEN ".\n>250 ok\n<QUIT\n" } };
	struct peer q = { .scripts = { GREETING PLAIN_EHLO ENVELOPE TAKEN ".\n>250 ok\ngone\n" } };
	struct client c;
	peer_start(&q);
	open_against(&c, &p);
	smtp_send(c.smtp, mail_to_bob());
	client_until(&c, 'r', 1);
	smtp_configure(c.smtp, config_for(&q));
	smtp_send(c.smtp, mail_to_bob());
	client_until(&c, 'd', 2);
	assert_int_equal(c.done[1]->recipients[0].outcome, SMTP_ACCEPTED);
	assert_int_equal(c.down_count, 0);
	client_close(&c);
	peer_stop(&p);
	peer_stop(&q);
	assert_string_equal(p.wrong, "");
	assert_string_equal(q.wrong, "");
}

static void test_ending_waits_for_the_dot(void **state)
{
	(void)state;
	struct peer p = { .scripts = { GREETING PLAIN_EHLO ENVELOPE TAKEN
		                           ".\n<MAIL\n<RCPT TO:<late\n<DATA\ngo\n>250 ok\ngone\n" } };
	struct client c;
	open_against(&c, &p);
	smtp_send(c.smtp, mail_to_bob());
	smtp_send(c.smtp, mail_to((const char *const[]){ "late@mail.test", NULL }, "x\r\n"));
	client_until(&c, 'r', 1);
	while (!strstr(c.transcript, "bytes of mail"))
		uv_run(&c.loop, UV_RUN_ONCE);
	smtp_end(c.smtp, 5 * SECOND_US);
	peer_go(&p);
	while (!c.ended)
		uv_run(&c.loop, UV_RUN_ONCE);
	assert_int_equal(c.done_count, 1);
	assert_int_equal(c.done[0]->recipients[0].outcome, SMTP_ACCEPTED);
	client_close(&c);
	peer_stop(&p);
}

/* A server that reads nothing, and five megabytes for it: the content goes as the socket takes it. */
static void test_large_content(void **state)
{
	(void)state;
	struct peer p = { .scripts = { GREETING PLAIN_EHLO ENVELOPE TAKEN "go\n.\n>250 ok\ngone\n" } };
	struct client c;
	size_t size = 5000000;
	char *content = must_alloc(size + 1);
	for (size_t i = 0; i < size; i++)
		content[i] = i % 64 == 62 ? '\r' : i % 64 == 63 ? '\n' : 'a';
	open_against(&c, &p);
	smtp_send(c.smtp, mail_to((const char *const[]){ "bob@mail.test", NULL }, content));
	client_until(&c, 'r', 1);
	while (!strstr(c.transcript, "bytes of mail"))
		uv_run(&c.loop, UV_RUN_ONCE);
	peer_go(&p);
	client_until(&c, 'd', 1);
	assert_int_equal(c.done[0]->recipients[0].outcome, SMTP_ACCEPTED);
	free(content);
	finish(&c, &p);
}

int main(void)
{
	must(sodium_init() >= 0);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_mail_in_one_flight),
		cmocka_unit_test(test_without_pipelining),
		cmocka_unit_test(test_each_recipient_its_own_fate),
		cmocka_unit_test(test_chained_and_withheld),
		cmocka_unit_test(test_all_refused_and_still_354),
		cmocka_unit_test(test_refused_for_now_at_mail_and_data_and_dot),
		cmocka_unit_test(test_misbehaviour),
		cmocka_unit_test(test_reused_connection_that_has_died),
		cmocka_unit_test(test_server_that_takes_so_many_and_no_more),
		cmocka_unit_test(test_cut_behind_the_dot_gives_both_back),
		cmocka_unit_test(test_size_and_utf8),
		cmocka_unit_test(test_deadlines),
		cmocka_unit_test(test_black_hole),
		cmocka_unit_test(test_idle_connection_says_goodbye),
		cmocka_unit_test(test_refused_connection_and_unknown_name),
		cmocka_unit_test(test_configuration_changes_under_way),
		cmocka_unit_test(test_ending_waits_for_the_dot),
		cmocka_unit_test(test_large_content),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
