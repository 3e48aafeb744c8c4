/* SPDX-License-Identifier: Apache-2.0
 * POP3 against scripted peers: twenty-five ways in which a server may misbehave, each with its end, over TLS from the
 * first byte and over STLS; which mails are fetched, what is deleted, and when that counts. */
#include "tests/unit/mailbox_client.h"

#define CAPA "<CAPA\n>+OK\n>TOP\n>UIDL\n>USER\n>SASL PLAIN\n>.\n"
#define GREETING ">+OK ready\n" CAPA
#define LOGIN "<AUTH PLAIN\n>+ \n<" PLAIN_SECRET "\n>+OK in\n"
#define LIST1 "<STAT\n>+OK 1 20\n<UIDL\n>+OK\n>1 aaa\n>.\n<LIST\n>+OK\n>1 20\n>.\n"
#define MAIL1 "<TOP 1 \n>+OK\n>Subject: x\n>\n>Text\n>.\n"
#define DELE1 "<DELE 1\n>+OK\n"
#define QUIT "<QUIT\n>+OK bye\ngone\n"

enum start { AT_GREETING, AT_STLS, AT_LOGIN, AT_LIST, AT_RETR, AT_DELE };
static const char *const before[] = {
	[AT_LOGIN] = "", [AT_LIST] = LOGIN, [AT_RETR] = LOGIN LIST1, [AT_DELE] = LOGIN LIST1 MAIL1
};

struct row {
	int number;
	const char *what;
	/* the expected end */
	bool polled;       /* else the account is down */
	int code;          /* of the failure */
	const char *words; /* in the failure, or in the trouble of the poll; NULL: none */
	int mails;
	const char *confirmed; /* what counts as deleted */
	/* how it comes to that */
	enum start start;
	const char *script;
};

static const struct row rows[] = {
	{ 1, "-ERR as greeting", false, E_DEFERRED, "does not serve this station now: too busy", 0, "", AT_GREETING,
	  ">-ERR too busy\ngone\n" },
	{ 4, "STLS -ERR", false, E_TLS, "refused STLS", 0, "", AT_STLS, ">-ERR not now\ngone\n" },
	{ 5, "text behind STLS", false, E_PROTOCOL, "injected", 0, "", AT_STLS, ">+OK go\n>+OK you are in\ngone\n" },
	{ 5, "no AUTH after TLS but USER", true, 0, NULL, 1, "aaa", AT_STLS,
	  ">+OK go\ntls\n<CAPA\n>+OK\n>USER\n>UIDL\n>.\n<USER alice\n>+OK\n<PASS " SECRET "\n>+OK\n" LIST1
	  "<RETR 1\n>+OK\n>Subject: x\n>\n>Text\n>.\n" DELE1 QUIT }, /* nor TOP */
	{ 7, "PASS -ERR", false, E_AUTH, "refused the login of \"alice\": [AUTH] no", 0, "", AT_LOGIN,
	  "<AUTH PLAIN\n>+ \n<" PLAIN_SECRET "\n>-ERR [AUTH] no\ngone\n" },
	{ 8, "IN-USE", false, E_DEFERRED, "is open elsewhere", 0, "", AT_LOGIN,
	  "<AUTH PLAIN\n>+ \n<" PLAIN_SECRET "\n>-ERR [IN-USE] locked\ngone\n" },
	{ 9, "SYS/TEMP", false, E_DEFERRED, "now: [SYS/TEMP] disk", 0, "", AT_LOGIN,
	  "<AUTH PLAIN\n>+ \n<" PLAIN_SECRET "\n>-ERR [SYS/TEMP] disk\ngone\n" },
	{ 10, "AUTH refused at once", false, E_AUTH, "refused the login", 0, "", AT_LOGIN,
	  "<AUTH PLAIN\n>-ERR no\ngone\n" },
	{ 10, "AUTH accepted unsent", false, E_PROTOCOL, "before it was sent", 0, "", AT_LOGIN,
	  "<AUTH PLAIN\n>+OK in\ngone\n" },
	{ 11, "STAT 2^64", false, E_PROTOCOL, "how many mails", 0, "", AT_LIST,
	  "<STAT\n>+OK 18446744073709551616 1\ngone\n" },
	{ 11, "STAT negative", false, E_PROTOCOL, "how many mails", 0, "", AT_LIST, "<STAT\n>+OK -1 1\ngone\n" },
	{ 11, "STAT of a million", false, E_PROTOCOL, "more than 100000 mails", 0, "", AT_LIST,
	  "<STAT\n>+OK 999999 1\ngone\n" },
	{ 12, "LIST and STAT differ", true, 0, NULL, 1, "aaa", AT_LIST,
	  "<STAT\n>+OK 1 20\n<UIDL\n>+OK\n>1 aaa\n>2 bbb\n>3 ccc\n>.\n<LIST\n>+OK\n>1 20\n>2 30\n>7 70\n>.\n" MAIL1 DELE1
	      QUIT },
	{ 13, "no UIDL", false, E_PROTOCOL, "no names (UIDL)", 0, "", AT_LIST,
	  "<STAT\n>+OK 1 20\n<UIDL\n>-ERR what\ngone\n" },
	{ 14, "the same UIDL twice", true, 0, NULL, 2, "aaa#2 aaa", AT_LIST,
	  "<STAT\n>+OK 2 40\n<UIDL\n>+OK\n>1 aaa\n>2 aaa\n>.\n<LIST\n>+OK\n>1 20\n>2 20\n>.\n"
	  "<TOP 2 \n>+OK\n>b\n>.\n<DELE 2\n>+OK\n<TOP 1 \n>+OK\n>a\n>.\n<DELE 1\n>+OK\n" QUIT },
	{ 15, "UIDL of 200 bytes", true, 0, "no name that can be used", 0, "", AT_LIST,
	  "<STAT\n>+OK 1 20\n<UIDL\n>+OK\n=1 \nr200 a\n>\n>.\n<LIST\n>+OK\n>1 20\n>.\n" QUIT },
	{ 15, "UIDL with controls", true, 0, "no name that can be used", 0, "", AT_LIST,
	  "<STAT\n>+OK 1 20\n<UIDL\n>+OK\n>1 a\x1b[1m\n>.\n<LIST\n>+OK\n>1 20\n>.\n" QUIT },
	{ 16, "no final dot", false, E_TIMEOUT, "gave no mail in time", 0, "", AT_RETR,
	  "<TOP 1 \n>+OK\n>Subject: x\n>\n>Text\ngone\n" },
	{ 17, "dots", true, 0, NULL, 1, "aaa", AT_RETR, "<TOP 1 \n>+OK\n>..\n>..x\n>.y\n>\n>.\n" DELE1 QUIT },
	{ 18, "endless RETR", false, E_PROTOCOL, "without end", 0, "", AT_RETR,
	  "<TOP 1 \n>+OK\nr3000 "
	  "0123456789abcdef"
	  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	  "\ngone\n" },
	{ 18, "a line of 40,000 bytes", true, 0, NULL, 1, "aaa", AT_RETR, "<TOP 1 \n>+OK\nr40000 .\n>\n>.\n" DELE1 QUIT },
	{ 19, "RETR -ERR for one", true, 0, "has not given a mail", 1, "aaa", AT_LIST,
	  "<STAT\n>+OK 2 40\n<UIDL\n>+OK\n>1 aaa\n>2 bbb\n>.\n<LIST\n>+OK\n>1 20\n>2 20\n>.\n<TOP 2 \n>-ERR lost\n" MAIL1
	      DELE1 QUIT },
	{ 20, "DELE -ERR", true, 0, "did not delete", 1, "", AT_DELE, "<DELE 1\n>-ERR no\n" QUIT },
	{ 21, "QUIT -ERR", true, 0, "has not deleted what was handled", 1, "", AT_DELE,
	  DELE1 "<QUIT\n>-ERR [SYS/PERM] not deleted\ngone\n" },
	{ 22, "cut before QUIT", false, E_NETWORK, "the connection", 1, "", AT_DELE, DELE1 "cut\n" },
	{ 24, "LF only", true, 0, NULL, 1, "aaa", AT_RETR, "<TOP 1 \n=+OK\n>\n=a\n>\n>.\n" DELE1 QUIT },
	{ 25, "drip", false, E_TIMEOUT, "gave no answer to STAT in time", 0, "", AT_LIST, "<STAT\n=+\n=O\ngone\n" },
	{ 0, "not POP3", false, E_PROTOCOL, "which is no POP3", 0, "", AT_GREETING, ">* OK IMAP4rev1\ngone\n" },
	{ 0, "an answer unasked", false, E_PROTOCOL, "which is no POP3", 0, "", AT_LIST, "<STAT\n>1 2 3\ngone\n" },
};

static char *script_of(const struct row *row, enum mail_security security)
{
	static const char stls[] = ">+OK ready\n<CAPA\n>+OK\n>STLS\n>UIDL\n>.\n<STLS\n";
	if (row->start == AT_STLS)
		return must_format("%s%s", stls, row->script);
	if (row->start == AT_GREETING)
		return must_format("%s%s", security == SECURITY_TLS ? "tls\n" : "", row->script);
	return must_format("%s%s%s%s", security == SECURITY_TLS ? "tls\n" GREETING : stls,
	                   security == SECURITY_TLS ? "" : ">+OK go\ntls\n" CAPA, before[row->start], row->script);
}

/* What is not as the row says; NULL: all is. */
static const char *wrong_end(const struct row *row, const struct client *c)
{
	const char *text = row->polled ? c->trouble : c->failure.err.text;
	if ((c->polled_count == 1) != row->polled)
		return "polled or down";
	if (!row->polled && c->failure.err.code != row->code)
		return "code";
	if (row->words ? !strstr(text, row->words) : row->polled && *text)
		return "words";
	if (strcmp(c->confirmed, row->confirmed) != 0)
		return "confirmed";
	return c->mail_count == row->mails ? NULL : "mails";
}

static void run_row(const struct fixture *f, const struct row *row, enum mail_security security)
{
	char *script = script_of(row, security);
	struct peer p = { .scripts = { script }, .certificate = &f->good };
	struct client c;
	peer_start(&p);
	struct retrieval_config *config = config_for(f, &p, RETRIEVAL_POP3, security);
	config->size_limit = 70000;
	if (row->code == E_TIMEOUT)
		config->command_timeout = SECOND_US; /* what comes before is in time */
	client_open(&c, config);
	c.disposition = DELETE;
	retrieval_poll(c.retrieval, memory_of(0, NULL));
	client_until(&c, 'e', 1);
	const char *wrong = wrong_end(row, &c);
	if (wrong)
		fail_msg("%d %s: not the expected %s: %s / %s / %s\n%s", row->number, row->what, wrong, c.failure.err.text,
		         c.trouble, c.confirmed, c.transcript);
	no_secret_shown(&c);
	if (row->start < AT_LOGIN && !row->polled) {
		assert_null(strstr(p.heard, PLAIN_SECRET));
		assert_null(strstr(p.heard, "alice"));
		assert_null(strstr(p.heard, "AUTH"));
	}
	client_close(&c);
	peer_stop(&p);
	if (*p.wrong && row->number != 18) /* the endless one is left while it still speaks */
		fail_msg("%d %s: %s", row->number, row->what, p.wrong);
	free(script);
}

static void test_over_tls(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].start != AT_STLS)
			run_row(*state, &rows[i], SECURITY_TLS);
}

static void test_over_stls(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		run_row(*state, &rows[i], SECURITY_STARTTLS);
}

/* --- login without SASL, inside TLS and in clear when that was allowed -------------------------------------------------------------- */

static void logs_in(const struct fixture *f, const char *plain, enum mail_security security, bool polled,
                    const char *words)
{
	char *script = script_in(security, RETRIEVAL_POP3, plain);
	struct peer p = { .scripts = { script }, .certificate = &f->good };
	struct client c;
	peer_start(&p);
	client_open(&c, config_for(f, &p, RETRIEVAL_POP3, security));
	retrieval_poll(c.retrieval, memory_of(0, NULL));
	client_until(&c, 'e', 1);
	if ((c.polled_count == 1) != polled || (words && !strstr(c.failure.err.text, words)))
		fail_msg("%s: %s\n%s", plain, c.failure.err.text, c.transcript);
	no_secret_shown(&c);
	finish(&c, &p);
	free(script);
}

static void test_logins(void **state)
{
	static const struct {
		const char *script;
		bool polled;
		const char *words;
	} logins[] = {
		/* 2, 6: no APOP offered, no CAPA known */
		{ ">+OK ready\n<CAPA\n>-ERR what\n<USER alice\n>+OK\n<PASS " SECRET "\n>+OK\n<STAT\n>+OK 0 0\n<UIDL\n>+OK\n>.\n"
		  "<LIST\n>+OK\n>.\n" QUIT,
		  true, NULL },
		/* APOP: md5 of <1@x>Sesam-7391; inside TLS it is not needed */
		{ ">+OK ready <1@x>\n<CAPA\n>-ERR what\n<APOP alice ffe2e86e8e84037defad3dbe97f7e3a7\n>+OK\n<STAT\n>+OK 0 "
		  "0\n<UIDL\n>+OK\n>.\n<LIST\n>+OK\n>.\n" QUIT,
		  true, NULL },
		/* 3: malformed stamps are no stamps */
		{ ">+OK ready <1 @x>\n<CAPA\n>-ERR what\n<USER alice\n>-ERR [AUTH] go away\ngone\n", false,
		  "refused the login" },
		{ ">+OK ready\n<CAPA\n>+OK\n>SASL GSSAPI\n>.\ngone\n", false, "GSSAPI" },
		{ ">+OK ready\n<CAPA\n>-ERR\n<USER alice\n>+OK\n<PASS " SECRET "\n>-ERR " SECRET " is wrong\ngone\n", false,
		  "********** is wrong" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(logins) * SECURITY_COUNT; i++)
		if (i % SECURITY_COUNT == SECURITY_NONE || !strstr(logins[i / SECURITY_COUNT].script, "<APOP"))
			logs_in(*state, logins[i / SECURITY_COUNT].script, (enum mail_security)(i % SECURITY_COUNT),
			        logins[i / SECURITY_COUNT].polled, logins[i / SECURITY_COUNT].words);
}

/* 6: without CAPA, STLS is tried; and in clear nothing of the login leaves. */
static void test_nothing_leaves_in_clear(void **state)
{
	static const struct {
		enum mail_security security;
		const char *script, *words;
	} closed[] = {
		{ SECURITY_STARTTLS, ">+OK ready <1@x>\n<CAPA\n>-ERR what\n<STLS\n>-ERR what\ngone\n", "refused STLS" },
		{ SECURITY_STARTTLS, ">+OK ready <1@x>\n<CAPA\n>+OK\n>USER\n>SASL PLAIN\n>.\ngone\n", "does not offer STLS" },
		{ SECURITY_NONE, ">+OK ready <1@x>\n<CAPA\n>+OK\n>USER\n>SASL PLAIN\n>.\ngone\n", "was not sent: without TLS" },
		{ SECURITY_STARTTLS, "=\x16\x03\x01\n>\ngone\n", "TLS" },
	};
	const struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_SIZE(closed); i++) {
		struct peer p = { .scripts = { closed[i].script } };
		struct client c;
		peer_start(&p);
		struct retrieval_config *config = config_for(f, &p, RETRIEVAL_POP3, closed[i].security);
		config->server.allow_clear_text = false;
		client_open(&c, config);
		retrieval_poll(c.retrieval, memory_of(0, NULL));
		client_until(&c, 'f', 1);
		if (!strstr(c.failure.err.text, closed[i].words))
			fail_msg("%zu: %s", i, c.failure.err.text);
		assert_null(strstr(p.heard, "alice"));
		assert_null(strstr(p.heard, "USER"));
		assert_null(strstr(p.heard, "APOP"));
		finish(&c, &p);
	}
}

/* --- what is fetched and deleted ------------------------------------------------------------------------------------- */

/* 23: numbers are this session's own. What is known is passed by, what is due is deleted, what is gone is told. */
static void renumbered(const struct fixture *f, enum mail_security security)
{
	char *script = script_in(security, RETRIEVAL_POP3,
	                         GREETING LOGIN
	                         "<STAT\n>+OK 3 60\n<UIDL\n>+OK\n>1 ccc\n>2 aaa\n>3 new\n>.\n<LIST\n>+OK\n>1 20\n>2 20\n>3 "
	                         "20\n>.\n<DELE 2\n>+OK\n<TOP 3 \n>+OK\n>.\n" QUIT);
	struct peer p = { .scripts = { script }, .certificate = &f->good };
	struct client c;
	peer_start(&p);
	client_open(&c, config_for(f, &p, RETRIEVAL_POP3, security));
	struct retrieval_memory *m = memory_of(0, NULL);
	memory_uidl(m, "aaa");
	memory_uidl(m, "bbb");
	memory_uidl(m, "ccc");
	memory_due(m, "aaa", DELETE);
	memory_due(m, "bbb", DELETE);
	retrieval_poll(c.retrieval, m);
	client_until(&c, 'e', 1);
	assert_int_equal(c.mail_count, 1);
	assert_string_equal(c.mails[0]->uid, "new");
	assert_int_equal(c.mails[0]->length, 0);
	assert_string_equal(c.gone, "bbb");
	assert_string_equal(c.confirmed, "bbb aaa"); /* bbb is not there; aaa went with QUIT */
	finish(&c, &p);
	free(script);
}

static void test_renumbered(void **state)
{
	for (enum mail_security s = SECURITY_NONE; s < SECURITY_COUNT; s++)
		renumbered(*state, s);
}

/* POP3 has no marks: nothing is done on the server, and that is all that was asked for. */
static void test_what_pop3_cannot_do(void **state)
{
	struct peer p = { .scripts = { GREETING LOGIN LIST1 MAIL1 QUIT } };
	struct client c;
	peer_start(&p);
	client_open(&c, config_for(*state, &p, RETRIEVAL_POP3, SECURITY_NONE));
	c.disposition = MARK_SEEN;
	retrieval_poll(c.retrieval, memory_of(0, NULL));
	client_until(&c, 'e', 1);
	assert_string_equal(c.confirmed, "aaa");
	assert_string_equal(c.mails[0]->content, "Subject: x\r\n\r\nText\r\n");
	finish(&c, &p);
}

static void test_beginnings_and_budget(void **state)
{
	struct peer p = { .scripts = { GREETING LOGIN
		                           "<STAT\n>+OK 3 60\n<UIDL\n>+OK\n>1 a\n>2 b\n>3 c\n>.\n<LIST\n>+OK\n>1 20\n>2 20\n>3 "
		                           "2000000\n>.\n<TOP 3 1000\n>+OK\n>x\n>.\n<TOP 2 \n>+OK\n>y\n>.\n" QUIT } };
	struct client c;
	peer_start(&p);
	struct retrieval_config *config = config_for(*state, &p, RETRIEVAL_POP3, SECURITY_NONE);
	config->poll_messages = 2;
	client_open(&c, config);
	retrieval_poll(c.retrieval, memory_of(0, NULL));
	client_until(&c, 'e', 1);
	assert_int_equal(c.mail_count, 2);
	assert_true(c.mails[0]->partial && !c.mails[1]->partial);
	assert_true(c.summary.left);
	finish(&c, &p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_over_tls),
		cmocka_unit_test(test_over_stls),
		cmocka_unit_test(test_logins),
		cmocka_unit_test(test_nothing_leaves_in_clear),
		cmocka_unit_test(test_renumbered),
		cmocka_unit_test(test_what_pop3_cannot_do),
		cmocka_unit_test(test_beginnings_and_budget),
	};
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
