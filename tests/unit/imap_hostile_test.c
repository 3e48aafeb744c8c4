/* SPDX-License-Identifier: Apache-2.0
 * Forty ways in which an IMAP server may misbehave, each with its end: over TLS from the first byte and over STARTTLS.
 * Whatever it does, no password is sent before the encryption, nothing hangs, and the next poll is a new beginning. */
#include "tests/unit/mailbox_client.h"

#define CAPABLE "IMAP4rev1 SASL-IR AUTH=PLAIN IDLE UIDPLUS"
#define GREETING ">* OK [CAPABILITY " CAPABLE "] ready\n"
#define LOGIN "<#AUTHENTICATE PLAIN " PLAIN_SECRET "\n># OK [CAPABILITY " CAPABLE "] welcome\n"
#define SELECT                                                                                                         \
	"<#SELECT INBOX\n>* 1 EXISTS\n>* OK [UIDVALIDITY 7] ok\n>* OK [UIDNEXT 12] next\n># OK [READ-WRITE] done\n"
#define SEARCH "<#UID SEARCH 1:1 UNSEEN\n>* SEARCH 11\n># OK found\n"
#define HEADERS                                                                                                        \
	"<#UID FETCH 11 (UID FLAGS RFC822.SIZE BODY.PEEK[HEADER.FIELDS\n>* 1 FETCH (UID 11 FLAGS () RFC822.SIZE 20 "       \
	"BODY[HEADER.FIELDS (IN-REPLY-TO REFERENCES CONTENT-TYPE)]<0> {2}\n>\n>)\n># OK\n"
#define ASKED "<#UID FETCH 11 (UID BODY.PEEK[]<0.1000000>)\n"
#define BODY "{20}\n>Subject: x\n>\n>Text\n"
#define FETCH ASKED ">* 1 FETCH (UID 11 BODY[]<0> " BODY ">)\n># OK\n"
#define STORE "<#UID STORE 11 +FLAGS.SILENT (\\Seen)\n># OK\n"
#define LOGOUT "<#LOGOUT\n>* BYE see you\n># OK\ngone\n"

/* Where the row's own script begins: what stands before it goes as it should. */
enum start { AT_GREETING, AT_STARTTLS, AT_LOGIN, AT_SELECT, AT_SEARCH, AT_FETCH, AT_STORE };
static const char *const before[] = {
	[AT_LOGIN] = "",
	[AT_SELECT] = LOGIN,
	[AT_SEARCH] = LOGIN SELECT,
	[AT_FETCH] = LOGIN SELECT SEARCH HEADERS,
	[AT_STORE] = LOGIN SELECT SEARCH HEADERS FETCH,
};

struct row {
	int number;
	const char *what;
	/* the expected end */
	bool polled;       /* else the account is down */
	int code;          /* of the failure */
	const char *words; /* in the failure, or in the trouble of the poll; NULL: none */
	int mails;
	/* how it comes to that */
	enum start start;
	const char *script;
};

static const struct row rows[] = {
	{ 1, "PREAUTH", false, E_PROTOCOL, "PREAUTH", 0, AT_GREETING, ">* PREAUTH [CAPABILITY IMAP4rev1] hi\ngone\n" },
	{ 2, "BYE at once", false, E_DEFERRED, "does not serve this station now: too many", 0, AT_GREETING,
	  ">* BYE too many\ngone\n" },
	{ 3, "rubbish", false, E_PROTOCOL, "which is no IMAP", 0, AT_GREETING, ">220 mail.test ESMTP\ngone\n" },
	{ 3, "an HTTP server", false, E_PROTOCOL, "which is no IMAP", 0, AT_GREETING, ">HTTP/1.1 400 Bad Request\ngone\n" },
	{ 4, "endless untagged", false, E_PROTOCOL, "sends without end", 0, AT_SELECT,
	  "<#SELECT INBOX\nx21000 * OK still here\ngone\n" },
	{ 5, "literal {4294967295}", false, E_PROTOCOL, "more text than was asked for", 0, AT_FETCH,
	  ASKED ">* 1 FETCH (UID 11 BODY[] {4294967295}\ngone\n" },
	{ 5, "literal beyond all numbers", false, E_PROTOCOL, "more text than was asked for", 0, AT_FETCH,
	  ASKED ">* 1 FETCH (UID 11 BODY[] {99999999999999999999}\ngone\n" },
	{ 6, "literal cut", false, E_NETWORK, "the connection", 0, AT_FETCH,
	  ASKED ">* 1 FETCH (UID 11 BODY[] {1000}\n>Subject: x\n" },
	{ 7, "literal dripped", false, E_TIMEOUT, "gave no mail in time", 0, AT_FETCH,
	  ASKED ">* 1 FETCH (UID 11 BODY[] {1000}\n=S\n=u\n=b\ngone\n" },
	{ 8, "no AUTH after TLS", false, E_AUTH, "allows no login here", 0, AT_STARTTLS,
	  "tls\n<#CAPABILITY\n>* CAPABILITY IMAP4rev1 LOGINDISABLED\n># OK\ngone\n" },
	{ 9, "data injected behind STARTTLS", false, E_PROTOCOL, "injected", 0, AT_STARTTLS,
	  ">* CAPABILITY IMAP4rev1 AUTH=PLAIN\ngone\n" },
	{ 10, "LOGINDISABLED", false, E_AUTH, "LOGINDISABLED", 0, AT_GREETING,
	  ">* OK [CAPABILITY IMAP4rev1 LOGINDISABLED STARTTLS] hi\ngone\n" },
	{ 12, "foreign tag", false, E_PROTOCOL, "a command that was not given", 0, AT_SELECT,
	  "<#SELECT INBOX\n>A001 OK done\ngone\n" },
	{ 13, "tag repeated", false, E_PROTOCOL, "a command that was not given", 0, AT_SELECT,
	  SELECT "># OK again\ngone\n" },
	{ 14, "ALERT with controls and HTML", false, E_AUTH, "<b>call</b>  us", 0, AT_LOGIN,
	  "<#AUTHENTICATE PLAIN\n># NO [ALERT] <b>call</b>\x1b\x07us\ngone\n" },
	{ 15, "REFERRAL", false, E_AUTH, "refused the login", 0, AT_LOGIN,
	  "<#AUTHENTICATE PLAIN\n># NO [REFERRAL IMAP://user;AUTH=*@other.example/] go there\ngone\n" },
	{ 16, "UIDVALIDITY changed", true, 0, NULL, 1, AT_SELECT,
	  "<#SELECT INBOX\n>* 1 EXISTS\n>* OK [UIDVALIDITY 8] ok\n>* OK [UIDNEXT 12] next\n># OK [READ-WRITE] "
	  "done\n" SEARCH HEADERS FETCH STORE LOGOUT },
	{ 16, "UIDVALIDITY missing", false, E_PROTOCOL, "UIDVALIDITY", 0, AT_SELECT,
	  "<#SELECT INBOX\n>* 1 EXISTS\n># OK done\ngone\n" },
	{ 17, "UIDNEXT went back", true, 0, NULL, 1, AT_SELECT,
	  "<#SELECT INBOX\n>* 1 EXISTS\n>* OK [UIDVALIDITY 7] ok\n>* OK [UIDNEXT 5] next\n># OK [READ-WRITE] "
	  "done\n" SEARCH HEADERS FETCH STORE LOGOUT },
	{ 18, "EXISTS jumps", true, 0, NULL, 1, AT_FETCH,
	  ">* 4000000000 EXISTS\n>* 3 EXISTS\n" FETCH ">* 9 EXISTS\n" STORE LOGOUT },
	{ 19, "EXPUNGE in FETCH", true, 0, NULL, 1, AT_FETCH,
	  ASKED ">* 1 EXPUNGE\n>* 5 EXPUNGE\n>* 1 FETCH (UID 11 BODY[] " BODY ">)\n># OK\n" STORE LOGOUT },
	{ 20, "FETCH unasked", true, 0, NULL, 1, AT_FETCH,
	  ASKED
	  ">* 7 FETCH (UID 99 FLAGS (\\Seen))\n>* 8 FETCH (UID 98 BODY[] {3}\n=abc\n>)\n>* 1 FETCH (UID 11 BODY[] " BODY
	  ">)\n># OK\n" STORE LOGOUT },
	{ 21, "FETCH without BODY", true, 0, "has not given mail 11", 0, AT_FETCH,
	  ASKED ">* 1 FETCH (UID 11)\n># OK\n" LOGOUT },
	{ 22, "BODY NIL", true, 0, "has not given mail 11", 0, AT_FETCH,
	  ASKED ">* 1 FETCH (UID 11 BODY[] NIL)\n># OK\n" LOGOUT },
	{ 23, "10,000 brackets", false, E_PROTOCOL, "more than 8192 bytes", 0, AT_FETCH,
	  ASKED "=* 1 FETCH (X \nr10000 (\ngone\n" },
	{ 23, "brackets in a line", false, E_PROTOCOL, "in a way that IMAP does not know", 0, AT_FETCH,
	  ASKED "=* 1 FETCH (X \nr8000 (\n>)\ngone\n" },
	{ 24, "open quote", false, E_PROTOCOL, "in a way that IMAP does not know", 0, AT_FETCH,
	  ASKED ">* 1 FETCH (UID 11 BODY[] \"Subject: x)\ngone\n" },
	{ 25, "8-bit", true, 0, NULL, 1, AT_FETCH,
	  ASKED
	  ">* 1 FETCH (X \"\xff\xfe\" Y\xe4 \xf6 UID 11 BODY[] {6}\n=\xff\xfe\xc3\n>x\n>)\n># OK \xff\n" STORE LOGOUT },
	{ 26, "10,000 flags", false, E_PROTOCOL, "more than 8192 bytes", 0, AT_SEARCH,
	  SEARCH "<#UID FETCH 11\n=* 1 FETCH (UID 11 FLAGS (\nr10000 \\Flag \n>))\ngone\n" },
	{ 27, "100,000 mails, more hits than asked for", false, E_PROTOCOL, "more mails than it was asked for", 0,
	  AT_SELECT,
	  "<#SELECT INBOX\n>* 100000 EXISTS\n>* OK [UIDVALIDITY 7] ok\n># OK done\n<#UID SEARCH 99501:100000 UNSEEN\n"
	  "=* SEARCH\nr600  4000000000\n>\ngone\n" },
	{ 31, "READ-ONLY", true, 0, "for reading only", 1, AT_SELECT,
	  "<#SELECT INBOX\n>* 1 EXISTS\n>* OK [UIDVALIDITY 7] ok\n># OK [READ-ONLY] done\n" SEARCH HEADERS FETCH LOGOUT },
	{ 32, "STORE NO", true, 0, "did not mark a mail that was handled; it is tried again: no right", 1, AT_STORE,
	  "<#UID STORE 11\n># NO no right\n" LOGOUT },
	{ 33, "OVERQUOTA", true, 0, "quota is full", 1, AT_STORE,
	  "<#UID STORE 11\n># NO [OVERQUOTA] quota is full\n" LOGOUT },
	{ 34, "error challenge", false, E_PROTOCOL, "asks for more", 0, AT_LOGIN,
	  "<#AUTHENTICATE PLAIN\n>+ eyJzdGF0dXMiOiI0MDEifQ==\ngone\n" },
	{ 35, "login expires in the session", false, E_PROTOCOL, "does not search", 0, AT_SEARCH,
	  "<#UID SEARCH\n># NO [EXPIRED] log in again\ngone\n" },
	{ 35, "BYE in the session", false, E_DEFERRED, "ends the connection: token expired", 0, AT_SEARCH,
	  "<#UID SEARCH\n>* BYE token expired\ngone\n" },
	{ 36, "folder missing", false, E_REFUSED, "does not open the mailbox INBOX: no such mailbox", 0, AT_SELECT,
	  "<#SELECT INBOX\n># NO no such mailbox\ngone\n" },
	{ 37, "unknown capabilities and data", true, 0, NULL, 1, AT_LOGIN,
	  "<#AUTHENTICATE PLAIN\n>* CAPABILITY IMAP4rev1 X-NEW=(1) \"quoted\" UIDPLUS\n>* XDATA (1 {3}\n=abc\n>)\n># OK "
	  "in\n" SELECT SEARCH HEADERS FETCH STORE LOGOUT },
	{ 38, "bare LF", true, 0, NULL, 1, AT_FETCH,
	  "<#UID FETCH 11\n>* 1 FETCH (UID 11 BODY[] {4}\n=a\r\rb\n>)\n># OK\n" STORE LOGOUT },
	{ 39, "greeting dripped", false, E_TIMEOUT, "gave no greeting in time", 0, AT_GREETING, "=* \n=O\ngone\n" },
	{ 40, "closed in mid-tag", false, E_NETWORK, "the connection", 0, AT_SEARCH, "<#UID SEARCH\n=b12\n" },
	{ 40, "cut", false, E_NETWORK, "the connection", 0, AT_SEARCH, "<#UID SEARCH\ncut\n" },
};

/* --- each of them --------------------------------------------------------------------------------------------------- */

static char *script_of(const struct row *row, enum mail_security security)
{
	const char *open = security == SECURITY_TLS
	    ? "tls\n" GREETING
	    : ">* OK ready\n<#CAPABILITY\n>* CAPABILITY " CAPABLE
	      " STARTTLS\n># OK\n<#STARTTLS\n># OK go\ntls\n<#CAPABILITY\n>* CAPABILITY " CAPABLE "\n># OK\n";
	if (row->start == AT_STARTTLS)
		return must_format(">* OK ready\n<#CAPABILITY\n>* CAPABILITY " CAPABLE
		                   " STARTTLS\n># OK\n<#STARTTLS\n># OK go\n%s",
		                   row->script);
	if (row->start == AT_GREETING)
		return must_format("%s%s", security == SECURITY_TLS ? "tls\n" : "", row->script);
	return must_format("%s%s%s", open, before[row->start], row->script);
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
	return c->mail_count == row->mails ? NULL : "mails";
}

static void run_row(const struct fixture *f, const struct row *row, enum mail_security security)
{
	char *script = script_of(row, security);
	struct peer p = { .scripts = { script, "" }, .certificate = &f->good };
	struct client c;
	peer_start(&p);
	struct retrieval_config *config = config_for(f, &p, RETRIEVAL_IMAP, security);
	if (row->code == E_TIMEOUT)
		config->command_timeout = config->server.timeout = SECOND_US; /* what comes before is in time */
	config->dialogue = row->number != 4; /* so many lines that the test would be busy with them */
	client_open(&c, config);
	c.disposition = MARK_SEEN;
	retrieval_poll(c.retrieval, memory_of(7, row->number == 16 || row->number == 17 ? "1:10" : NULL));
	client_until(&c, 'e', 1);
	const char *wrong = wrong_end(row, &c);
	if (wrong)
		fail_msg("%d %s: not the expected %s: %s / %s\n%s", row->number, row->what, wrong, c.failure.err.text,
		         c.trouble, c.transcript);
	no_secret_shown(&c);
	if (row->start < AT_LOGIN) { /* byte for byte: nothing of the login has left */
		assert_null(strstr(p.heard, PLAIN_SECRET));
		assert_null(strstr(p.heard, "alice"));
		assert_null(strstr(p.heard, "LOGIN"));
	}
	client_close(&c);
	peer_stop(&p);
	if (*p.wrong)
		fail_msg("%d %s: %s", row->number, row->what, p.wrong);
	free(script);
}

static void run_all(const struct fixture *f, enum mail_security security)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool starttls_only = rows[i].start == AT_STARTTLS;
		bool tls_only = rows[i].number == 10 || rows[i].number == 39;
		if (!(starttls_only && security == SECURITY_TLS) && !(tls_only && security == SECURITY_STARTTLS))
			run_row(f, &rows[i], security);
	}
}

static void test_over_tls(void **state)
{
	run_all(*state, SECURITY_TLS);
}

static void test_over_starttls(void **state)
{
	run_all(*state, SECURITY_STARTTLS);
}

/* 11 and what else may go wrong before anything is encrypted: no byte of the login leaves. */
static void test_nothing_leaves_in_clear(void **state)
{
	static const struct {
		const char *script, *words;
	} closed[] = {
		{ ">* OK hi\n<#CAPABILITY\n>* CAPABILITY IMAP4rev1 AUTH=PLAIN\n># OK\ngone\n", "does not offer STARTTLS" },
		{ ">* OK hi\n<#CAPABILITY\n>* CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN\n># OK\n<#STARTTLS\n># NO not "
		  "now\ngone\n",
		  "refused STARTTLS" },
		{ ">* OK hi\n<#CAPABILITY\n>* CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN\n># OK\n<#STARTTLS\n># BAD what\ngone\n",
		  "refused STARTTLS" },
		{ ">* OK hi\n<#CAPABILITY\n># OK no list\ngone\n", "does not tell what it can" },
		{ ">* OK hi\n<#CAPABILITY\n>* CAPABILITY IMAP2\n># OK\ngone\n", "does not speak IMAP4rev1" },
		{ ">* OK hi\n<#CAPABILITY\n>* CAPABILITY IMAP4rev1 STARTTLS\n># OK\n<#STARTTLS\n># OK\n>rubbish that is no "
		  "TLS\ngone\n",
		  "behind its answer" },
		{ ">* OK hi\n<#CAPABILITY\n>+ go on\ngone\n", "asks for more" },
		{ "=\x15\x03\x01\n>\ngone\n", "TLS" },
	};
	const struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_SIZE(closed); i++) {
		struct peer p = { .scripts = { closed[i].script }, .certificate = &f->good };
		struct client c;
		peer_start(&p);
		client_open(&c, config_for(f, &p, RETRIEVAL_IMAP, SECURITY_STARTTLS));
		retrieval_poll(c.retrieval, memory_of(0, NULL));
		client_until(&c, 'f', 1);
		if (!strstr(c.failure.err.text, closed[i].words))
			fail_msg("%zu: %s", i, c.failure.err.text);
		assert_null(strstr(p.heard, "alice"));
		assert_null(strstr(p.heard, "AUTHENTICATE"));
		assert_null(strstr(p.heard, "LOGIN"));
		finish(&c, &p);
	}
}

static void test_an_untrusted_server_gets_nothing(void **state)
{
	const struct fixture *f = *state;
	struct peer p = { .scripts = { "tls\ngone\n" }, .certificate = &f->other };
	struct client c;
	peer_start(&p);
	client_open(&c, config_for(f, &p, RETRIEVAL_IMAP, SECURITY_TLS));
	retrieval_poll(c.retrieval, memory_of(0, NULL));
	client_until(&c, 'f', 1);
	assert_int_equal(c.failure.err.code, E_UNTRUSTED);
	assert_non_null(c.failure.verdict);
	assert_int_equal(strlen(p.heard), 0);
	client_close(&c);
	peer_stop(&p);
}

/* Down after one, well after the next: the failure leaves nothing behind. */
static void test_the_next_poll_is_good_again(void **state)
{
	const struct fixture *f = *state;
	struct peer p = { .scripts = { "tls\n" GREETING LOGIN "<#SELECT INBOX\n=* 1 EXI\ncut\n",
		                           "tls\n" GREETING LOGIN SELECT SEARCH HEADERS FETCH STORE LOGOUT },
		              .certificate = &f->good };
	struct client c;
	peer_start(&p);
	client_open(&c, config_for(f, &p, RETRIEVAL_IMAP, SECURITY_TLS));
	c.disposition = MARK_SEEN;
	retrieval_poll(c.retrieval, memory_of(7, NULL));
	client_until(&c, 'f', 1);
	retrieval_poll(c.retrieval, memory_of(7, NULL));
	client_until(&c, 'p', 1);
	assert_int_equal(c.mail_count, 1);
	assert_string_equal(c.mails[0]->content, "Subject: x\r\n\r\nText\r\n");
	finish(&c, &p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_over_tls),
		cmocka_unit_test(test_over_starttls),
		cmocka_unit_test(test_nothing_leaves_in_clear),
		cmocka_unit_test(test_an_untrusted_server_gets_nothing),
		cmocka_unit_test(test_the_next_poll_is_good_again),
	};
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
