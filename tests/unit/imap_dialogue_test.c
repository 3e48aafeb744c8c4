/* SPDX-License-Identifier: Apache-2.0
 * Polls by IMAP against scripted peers: which mails are fetched and in which order, what is remembered, what is done on
 * the server and what is left alone, IDLE. */
#include "tests/unit/mailbox_client.h"

#define CAPABLE "IMAP4rev1 SASL-IR AUTH=PLAIN IDLE UIDPLUS"
#define OPEN                                                                                                           \
	">* OK [CAPABILITY " CAPABLE "] ready\n<#AUTHENTICATE PLAIN " PLAIN_SECRET "\n># OK [CAPABILITY " CAPABLE          \
	"] welcome\n"
#define SELECT(exists, next)                                                                                           \
	"<#SELECT INBOX\n>* " exists " EXISTS\n>* OK [UIDVALIDITY 7] ok\n>* OK [UIDNEXT " next                             \
	"] next\n># OK [READ-WRITE] done\n"
#define ROW(uid, size, header)                                                                                         \
	">* 1 FETCH (UID " uid " FLAGS () RFC822.SIZE " size " BODY[HEADER.FIELDS (REFERENCES)]<0> " header ")\n"
#define NO_HEADER "{2}\n>\n>"
#define BODY(uid)                                                                                                      \
	"<#UID FETCH " uid " (UID BODY.PEEK[]\n>* 1 FETCH (UID " uid " BODY[]<0> {9}\n=S: x\n>\n>\n=x\n>)\n># OK\n"
#define LOGOUT "<#LOGOUT\n>* BYE\ngone\n"

static void start_in(struct client *c, const struct fixture *f, struct peer *p, enum mail_security security,
                     struct retrieval_config **config)
{
	peer_start(p);
	*config = config_for(f, p, RETRIEVAL_IMAP, security);
	client_open(c, *config);
}

static void start(struct client *c, const struct fixture *f, struct peer *p, struct retrieval_config **config)
{
	start_in(c, f, p, SECURITY_NONE, config);
}

/* The peer's two scripts, as they go with that security. */
static void finish_in(struct client *c, struct peer *p, char *const scripts[2])
{
	finish(c, p);
	free(scripts[0]);
	free(scripts[1]);
}

static void assert_mails(const struct client *c, const char *uids)
{
	char *all = must_strdup("");
	for (int i = 0; i < c->mail_count; i++)
		client_add(&all, c->mails[i]->uid);
	assert_string_equal(all, uids);
	free(all);
}

/* Newest first; what answers a mail before that; the whole mailbox is covered afterwards. */
static void test_order_and_memory(void **state)
{
	struct peer p = { .scripts = { OPEN SELECT(
		                  "3", "40") "<#UID SEARCH 1:3 UNSEEN NOT UID 1:9\n>* SEARCH 12 30 21\n># OK\n"
		                             "<#UID FETCH 30,21,12 (\n" ROW("12", "9", "{22}\n>In-Reply-To: <a@b>\n>\n>")
		                                 ROW("21", "9", NO_HEADER) ROW("30", "9", NO_HEADER) "># OK\n" BODY("12")
		                                     BODY("30") BODY("21") LOGOUT } };
	struct client c;
	struct retrieval_config *config;
	start(&c, *state, &p, &config);
	retrieval_poll(c.retrieval, memory_of(7, "1:9"));
	client_until(&c, 'e', 1);
	assert_mails(&c, "7:12 7:30 7:21");
	assert_string_equal(c.seen, "1:39");
	assert_string_equal(c.confirmed, "");
	assert_int_equal(c.summary.fetched, 3);
	assert_false(c.summary.left);
	finish(&c, &p);
}

/* All is known: not even a search. */
static void test_nothing_new(void **state)
{
	struct peer p = { .scripts = { OPEN SELECT("3", "40") LOGOUT, OPEN SELECT("0", "1") LOGOUT } };
	struct client c;
	struct retrieval_config *config;
	start(&c, *state, &p, &config);
	retrieval_poll(c.retrieval, memory_of(7, "1:39"));
	client_until(&c, 'e', 1);
	assert_string_equal(c.seen, "1:39");
	retrieval_poll(c.retrieval, memory_of(7, NULL));
	client_until(&c, 'e', 2);
	assert_string_equal(c.seen, "");
	finish(&c, &p);
}

/* A budget of two: the newest two now, and the gap below them is remembered. */
static void test_budget(void **state)
{
	struct peer p = {
		.scripts = { OPEN SELECT("4", "5") "<#UID SEARCH 1:4 UNSEEN\n>* SEARCH 1 2 3 4\n># OK\n<#UID FETCH 4,3 (\n" ROW(
		                 "3", "9", NO_HEADER) ROW("4", "9", NO_HEADER) "># OK\n" BODY("4") BODY("3") LOGOUT,
		             OPEN SELECT("4", "5") "<#UID SEARCH 1:4 UNSEEN NOT UID 3:4\n>* SEARCH 1 2\n># OK\n<#UID "
		                                   "FETCH 2,1 (\n" ROW("1", "9", NO_HEADER)
		                                       ROW("2", "9", NO_HEADER) "># OK\n" BODY("2") BODY("1") LOGOUT }
	};
	struct client c;
	struct retrieval_config *config;
	start(&c, *state, &p, &config);
	config->poll_messages = 2;
	retrieval_poll(c.retrieval, memory_of(7, NULL));
	client_until(&c, 'e', 1);
	assert_true(c.summary.left);
	assert_string_equal(c.seen, "3:4");
	retrieval_poll(c.retrieval, memory_of(7, c.seen));
	client_until(&c, 'e', 2);
	assert_false(c.summary.left);
	assert_mails(&c, "7:4 7:3 7:2 7:1");
	assert_string_equal(c.seen, "1:4");
	finish(&c, &p);
}

/* One mail may be larger than a poll should be; then the poll ends. */
static void test_bytes_budget(void **state)
{
	struct peer p = {
		.scripts = { OPEN SELECT("2", "3") "<#UID SEARCH 1:2 UNSEEN\n>* SEARCH 1 2\n># OK\n<#UID FETCH 2,1 (\n" ROW(
		    "1", "9", NO_HEADER) ROW("2", "9", NO_HEADER) "># OK\n" BODY("2") LOGOUT }
	};
	struct client c;
	struct retrieval_config *config;
	start(&c, *state, &p, &config);
	config->poll_bytes = 15;
	retrieval_poll(c.retrieval, memory_of(7, NULL));
	client_until(&c, 'e', 1);
	assert_true(c.summary.left);
	assert_mails(&c, "7:2");
	assert_string_equal(c.seen, "2");
	finish(&c, &p);
}

/* A large mailbox is searched in windows from its newest end, and no further than to what is known. */
static void test_windows(void **state)
{
	struct peer p = { .scripts = { OPEN SELECT(
		                  "1200",
		                  "9000") "<#UID SEARCH 701:1200 UNSEEN NOT UID 1:5000\n>* SEARCH\n># OK\n"
		                          "<#UID SEARCH 701:701 NOT UID 1:5000\n>* SEARCH 8000\n># OK\n"
		                          "<#UID SEARCH 201:700 UNSEEN NOT UID 1:5000\n>* SEARCH 5001\n># OK\n"
		                          "<#UID SEARCH 201:201 NOT UID 1:5000\n>* SEARCH\n># OK\n<#UID FETCH 5001 (\n" ROW(
		                              "5001", "9", NO_HEADER) "># OK\n" BODY("5001") LOGOUT } };
	struct client c;
	struct retrieval_config *config;
	start(&c, *state, &p, &config);
	retrieval_poll(c.retrieval, memory_of(7, "1:5000"));
	client_until(&c, 'e', 1);
	assert_mails(&c, "7:5001");
	assert_string_equal(c.seen, "1:8999");
	finish(&c, &p);
}

/* Of a mail above the limit, and of any when attachments are passed by, only the beginning is asked for. */
static void test_beginnings(void **state)
{
	struct peer p = {
		.scripts = { OPEN SELECT("2", "3") "<#UID SEARCH 1:2\n>* SEARCH 1 2\n># OK\n<#UID FETCH 2,1 (\n" ROW(
		    "1", "9", NO_HEADER) ROW("2", "2000000", NO_HEADER) "># OK\n<#UID FETCH 2 (UID BODY.PEEK[]<0.65536>)\n>* 2 "
		                                                        "FETCH (UID 2 BODY[]<0> {65536}\nr65536 "
		                                                        "a\n>)\n># OK\n" BODY("1") LOGOUT }
	};
	struct client c;
	struct retrieval_config *config;
	start(&c, *state, &p, &config);
	config->unread_only = false;
	retrieval_poll(c.retrieval, memory_of(7, NULL));
	client_until(&c, 'e', 1);
	assert_mails(&c, "7:2 7:1");
	assert_true(c.mails[0]->partial && c.mails[0]->length == 65536 && c.mails[0]->size == 2000000);
	assert_true(!c.mails[1]->partial && c.mails[1]->length == 9);
	finish(&c, &p);
}

/* --- what is done on the server ------------------------------------------------------------------------------------- */

#define ONE                                                                                                            \
	OPEN SELECT("1", "5") "<#UID SEARCH 1:1 UNSEEN\n>* SEARCH 4\n># OK\n<#UID FETCH 4 (\n" ROW(                        \
	    "4", "9", NO_HEADER) "># OK\n" BODY("4")
#define ONE_WITHOUT_UIDPLUS                                                                                            \
	">* OK [CAPABILITY IMAP4rev1 AUTH=LOGIN] ready\n<#AUTHENTICATE LOGIN\n>+ VXNlcm5hbWU6\n<" B64_ALICE                \
	"\n>+ UGFzc3dvcmQ6\n<" B64_SECRET "\n># OK\n<#CAPABILITY\n>* CAPABILITY IMAP4rev1\n># OK\n" SELECT(                \
	    "1", "5") "<#UID SEARCH 1:1 UNSEEN\n>* SEARCH 4\n># OK\n<#UID FETCH 4 (\n" ROW("4", "9",                       \
	                                                                                   NO_HEADER) "># OK\n" BODY("4")

static void test_dispositions(void **state)
{
	static const struct {
		enum disposition d;
		const char *script, *confirmed;
	} rows[] = {
		{ LEAVE_ALONE, ONE LOGOUT, "" },
		{ MARK_SEEN, ONE "<#UID STORE 4 +FLAGS.SILENT (\\Seen)\n># OK\n" LOGOUT, "7:4" },
		{ MARK_UNSEEN, ONE "<#UID STORE 4 -FLAGS.SILENT (\\Seen)\n># OK\n" LOGOUT, "7:4" },
		{ DELETE, ONE "<#UID STORE 4 +FLAGS.SILENT (\\Deleted)\n># OK\n<#UID EXPUNGE 4\n>* 1 EXPUNGE\n># OK\n" LOGOUT,
		  "7:4" },
		/* without UIDPLUS nothing is expunged: it would be others' mail, too */
		{ DELETE, ONE_WITHOUT_UIDPLUS "<#UID STORE 4 +FLAGS.SILENT (\\Deleted)\n># OK\n" LOGOUT, "7:4" },
		{ DELETE, ONE "<#UID STORE 4\n># OK\n<#UID EXPUNGE 4\n># NO not allowed\n" LOGOUT, "" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct peer p = { .scripts = { rows[i].script } };
		struct client c;
		struct retrieval_config *config;
		start(&c, *state, &p, &config);
		c.disposition = rows[i].d;
		retrieval_poll(c.retrieval, memory_of(7, NULL));
		client_until(&c, 'e', 1);
		assert_int_equal(c.polled_count, 1);
		assert_string_equal(c.confirmed, rows[i].confirmed);
		assert_string_equal(c.seen, "1:4");
		no_secret_shown(&c);
		finish(&c, &p);
	}
}

/* What an earlier poll handled and could not mark is marked now; not fetched again. */
static void test_what_is_due(void **state)
{
	struct peer p = { .scripts = { OPEN SELECT(
		                  "1", "5") "<#UID STORE 4 +FLAGS.SILENT (\\Deleted)\n># OK\n<#UID EXPUNGE 4\n># OK\n"
		                            "<#UID STORE 3 +FLAGS.SILENT (\\Seen)\n># NO\n" LOGOUT } };
	struct client c;
	struct retrieval_config *config;
	struct retrieval_memory *m = memory_of(7, "1:4");
	memory_due(m, "6:4", DELETE); /* of another UIDVALIDITY: not that mail */
	memory_due(m, "7:4", DELETE);
	memory_due(m, "7:3", MARK_SEEN);
	start(&c, *state, &p, &config);
	retrieval_poll(c.retrieval, m);
	client_until(&c, 'e', 1);
	assert_string_equal(c.confirmed, "6:4 7:4");
	assert_non_null(strstr(c.trouble, "did not mark"));
	finish(&c, &p);
}

/* --- IDLE ----------------------------------------------------------------------------------------------------------- */

#define QUIET OPEN SELECT("1", "5")

/* News wakes it; a poll asked for goes over the same connection; it is renewed. */
static void test_idle(void **state)
{
	struct peer p = { .scripts = { QUIET
		                           "<#IDLE\n>+ idling\ngo\n>* 2 EXISTS\n<DONE\n># OK\n<#UID SEARCH 1:2 UNSEEN NOT UID "
		                           "1:4\n>* SEARCH 5\n># OK\n<#UID FETCH 5 (\n" ROW("5", "9", NO_HEADER) "># OK\n" BODY(
		                               "5") "<#IDLE\n>+\n<DONE\n># OK\n<#UID SEARCH 1:2 UNSEEN NOT UID 1:5\n>* "
		                                    "SEARCH\n># OK\n<#IDLE\n>+\n<DONE\n<#LOGOUT\n>* BYE\ngone\n" } };
	struct client c;
	struct retrieval_config *config;
	start(&c, *state, &p, &config);
	config->idle = true;
	retrieval_poll(c.retrieval, memory_of(7, "1:4"));
	client_until(&c, 'e', 1);
	client_until_said(&c, "+ idling");
	peer_go(&p);
	client_until(&c, 'e', 2);
	assert_mails(&c, "7:5");
	assert_string_equal(c.seen, "1:5");
	client_until_said(&c, "<+\n");
	retrieval_poll(c.retrieval, memory_of(7, "1:5"));
	client_until(&c, 'e', 3);
	int before = 0;
	for (const char *at = c.transcript; (at = strstr(at, "IDLE\n<+")); at++)
		before++;
	while (before < 3) {
		uv_run(&c.loop, UV_RUN_ONCE);
		before = 0;
		for (const char *at = c.transcript; (at = strstr(at, "IDLE\n<+")); at++)
			before++;
	}
	assert_int_equal(c.down_count, 0);
	finish(&c, &p);
}

static void test_idle_is_renewed(void **state)
{
	struct peer p = { .scripts = { QUIET
		                           "<#IDLE\n>+\n<DONE\n># OK\n<#IDLE\n>+ again\n<DONE\n># OK\n<#IDLE\n>+\ngone\n" } };
	struct client c;
	struct retrieval_config *config;
	start(&c, *state, &p, &config);
	config->idle = true;
	config->idle_limit = SECOND_US / 20;
	retrieval_poll(c.retrieval, memory_of(7, "1:4"));
	client_until_said(&c, "+ again");
	assert_int_equal(c.polled_count, 1);
	client_close(&c);
	peer_stop(&p);
}

/* The client is polled all the same, and says why. */
static void idles_in_vain(const struct fixture *f, const char *script, const char *said, enum mail_security security)
{
	bool silent = strstr(said, "no answer"), cannot = silent || strstr(said, "polled instead");
	char *const scripts[2] = { script_in(security, RETRIEVAL_IMAP, script),
		                       script_in(security, RETRIEVAL_IMAP,
		                                 cannot ? QUIET LOGOUT : QUIET "<#IDLE\n>+\ngone\n") };
	struct peer p = { .scripts = { scripts[0], scripts[1] }, .certificate = &f->good };
	struct client c;
	struct retrieval_config *config;
	start_in(&c, f, &p, security, &config);
	config->idle = true;
	config->command_timeout = silent ? SECOND_US : 30 * SECOND_US;
	retrieval_poll(c.retrieval, memory_of(7, "1:4"));
	client_until(&c, 'e', 1);
	client_until_said(&c, said);
	assert_int_equal(c.down_count, 0);
	retrieval_poll(c.retrieval, memory_of(7, "1:4"));
	client_until(&c, 'e', 2);
	assert_int_equal(c.polled_count, 2);
	finish_in(&c, &p, scripts);
}

/* 28, 30: a server that cannot is polled; one that says BYE or dies while idle is nobody's failure. */
static void test_idle_that_does_not_work(void **state)
{
	static const struct {
		const char *script, *said;
	} rows[] = {
		{ QUIET "<#IDLE\n># BAD what is that\n<#LOGOUT\ngone\n", "is polled instead" },
		{ QUIET "<#IDLE\ngone\n", "gave no answer to IDLE" },
		{ QUIET "<#IDLE\n>+\n>* BYE shutting down\ngone\n", "ends the connection: shutting down" },
		{ QUIET "<#IDLE\n>+\ncut\n", "the connection" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows) * SECURITY_COUNT; i++)
		idles_in_vain(*state, rows[i / SECURITY_COUNT].script, rows[i / SECURITY_COUNT].said,
		              (enum mail_security)(i % SECURITY_COUNT));
}

/* 29: an idle connection that is silently dead: the next poll finds out, and goes over a new one. */
static void test_idle_that_is_dead(void **state)
{
	const struct fixture *f = *state;
	for (enum mail_security s = SECURITY_NONE; s < SECURITY_COUNT; s++) {
		char *const scripts[2] = { script_in(s, RETRIEVAL_IMAP, QUIET "<#IDLE\n>+\n<DONE\ngone\n"),
			                       script_in(s, RETRIEVAL_IMAP, QUIET "<#IDLE\n>+\ngone\n") };
		struct peer p = { .scripts = { scripts[0], scripts[1] }, .certificate = &f->good };
		struct client c;
		struct retrieval_config *config;
		start_in(&c, f, &p, s, &config);
		config->idle = true;
		config->command_timeout = SECOND_US;
		retrieval_poll(c.retrieval, memory_of(7, "1:4"));
		client_until(&c, 'e', 1);
		client_until_said(&c, "<+");
		retrieval_poll(c.retrieval, memory_of(7, "1:4"));
		client_until(&c, 'e', 2);
		assert_int_equal(c.polled_count, 2);
		assert_int_equal(c.down_count, 0);
		finish_in(&c, &p, scripts);
	}
}

/* The connection dies while a mail is being handled: the late answer does no harm to the next connection's mail. */
static void test_a_late_answer(void **state)
{
	struct peer p = { .scripts = { OPEN SELECT("1", "5") "<#UID SEARCH 1:1\n>* SEARCH 4\n># OK\n<#UID FETCH 4 (\n" ROW(
		                               "4", "9", NO_HEADER) "># OK\n" BODY("4") "go\ncut\n",
		                           OPEN SELECT("2", "6") "<#UID SEARCH 1:2\n>* SEARCH 5\n># OK\n<#UID FETCH 5 (\n" ROW(
		                               "5", "9", NO_HEADER) "># OK\n" BODY("5") LOGOUT } };
	struct client c;
	struct retrieval_config *config;
	start(&c, *state, &p, &config);
	c.hold = true;
	retrieval_poll(c.retrieval, memory_of(7, NULL));
	client_until(&c, 'm', 1);
	peer_go(&p);
	client_until(&c, 'f', 1);
	retrieval_settle(c.retrieval, "7:4", DELETE);
	retrieval_poll(c.retrieval, memory_of(7, NULL));
	client_until(&c, 'm', 2);
	retrieval_settle(c.retrieval, "7:4", DELETE);
	retrieval_settle(c.retrieval, "7:5", LEAVE_ALONE);
	client_until(&c, 'p', 1);
	assert_string_equal(c.confirmed, "");
	finish(&c, &p);
}

/* LOGIN, for servers without SASL, with what needs a backslash. */
static void test_login_without_sasl(void **state)
{
	const struct fixture *f = *state;
	struct peer p = { .scripts = { ">* OK [CAPABILITY IMAP4rev1] hi\n<#LOGIN \"al\\\"ice\" \"" SECRET
		                           "\"\n># NO " SECRET " is wrong\ngone\n" } };
	struct client c;
	struct retrieval_config *config;
	start(&c, f, &p, &config);
	free(config->server.login.user);
	config->server.login.user = must_strdup("al\"ice");
	retrieval_poll(c.retrieval, memory_of(7, NULL));
	client_until(&c, 'f', 1);
	assert_int_equal(c.failure.err.code, E_AUTH);
	no_secret_shown(&c);
	finish(&c, &p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_and_memory),
		cmocka_unit_test(test_nothing_new),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_bytes_budget),
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_beginnings),
		cmocka_unit_test(test_dispositions),
		cmocka_unit_test(test_what_is_due),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_idle_is_renewed),
		cmocka_unit_test(test_idle_that_does_not_work),
		cmocka_unit_test(test_idle_that_is_dead),
		cmocka_unit_test(test_a_late_answer),
		cmocka_unit_test(test_login_without_sasl),
	};
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
