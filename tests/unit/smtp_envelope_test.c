/* SPDX-License-Identifier: Apache-2.0
 * MAIL and RCPT with what the server offers, and the recipients it cannot serve. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "services/email/wire/smtp_envelope.h"
#include "station/base/must.h"

static struct smtp_message *message(const char *sender, const char *to, const char *content)
{
	struct smtp_message *m = smtp_message_new(sender, 2);
	m->recipients[0].address = must_strdup(to);
	m->recipients[1].address = must_strdup("bob@mail.test");
	m->content = must_strdup(content);
	m->length = strlen(content);
	snprintf(m->envelope_id, sizeof m->envelope_id, "a+b=1");
	return m;
}

#define PLAIN "Subject: x\r\n\r\nText\r\n"
#define EIGHT "Subject: x\r\n\r\nT\xC3\xA4xt\r\n"
#define GREEK "\xCE\xB1\xCE\xB2@mail.test"

static const struct {
	const char *offered; /* words of the answer to EHLO */
	const char *sender, *to, *content;
	const char *mail, *rcpt;
	const char *first, *second; /* enhanced codes of those refused here, "" for none */
} rows[] = {
	{ "", "s@x.test", "anna@mail.test", PLAIN, "MAIL FROM:<s@x.test>", "RCPT TO:<anna@mail.test>", "", "" },
	{ "SIZE 1000|8BITMIME|SMTPUTF8", "s@x.test", "anna@mail.test", PLAIN, "MAIL FROM:<s@x.test> SIZE=20",
	  "RCPT TO:<anna@mail.test>", "", "" },
	{ "DSN", "s@x.test", "a+b=c@mail.test", PLAIN, "MAIL FROM:<s@x.test> RET=HDRS ENVID=a+2Bb+3D1",
	  "RCPT TO:<a+b=c@mail.test> NOTIFY=FAILURE,DELAY ORCPT=rfc822;a+2Bb+3Dc@mail.test", "", "" },
	{ "8BITMIME|SMTPUTF8|DSN", "s@x.test", GREEK, PLAIN,
	  "MAIL FROM:<s@x.test> BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+2Bb+3D1",
	  "RCPT TO:<" GREEK "> NOTIFY=FAILURE,DELAY ORCPT=utf-8;" GREEK, "", "" },
	{ "SMTPUTF8|DSN", "s@x.test", "\xCE\xB1+\\@mail.test", PLAIN,
	  "MAIL FROM:<s@x.test> SMTPUTF8 RET=HDRS ENVID=a+2Bb+3D1",
	  "RCPT TO:<\xCE\xB1+\\@mail.test> NOTIFY=FAILURE,DELAY ORCPT=utf-8;\xCE\xB1\\x{2B}\\x{5C}@mail.test", "", "" },
	{ "8BITMIME", "s@x.test", GREEK, PLAIN, "MAIL FROM:<s@x.test>", NULL, "5.6.7", "" },
	{ "8BITMIME", GREEK, "anna@mail.test", PLAIN, NULL, NULL, "5.6.7", "5.6.7" },
	{ "8BITMIME", "s@x.test", "anna@mail.test", EIGHT, "MAIL FROM:<s@x.test> BODY=8BITMIME", NULL, "", "" },
	{ "", "s@x.test", "anna@mail.test", EIGHT, NULL, NULL, "5.6.3", "5.6.3" },
	{ "SIZE 19", "s@x.test", "anna@mail.test", PLAIN, NULL, NULL, "5.3.4", "5.3.4" },
	{ "SIZE 20", "s@x.test", "anna@mail.test", PLAIN, "MAIL FROM:<s@x.test> SIZE=20", NULL, "", "" },
	{ "SIZE", "s@x.test", "anna@mail.test", PLAIN, "MAIL FROM:<s@x.test> SIZE=20", NULL, "", "" },
	{ "SIZE 0", "s@x.test", "anna@mail.test", PLAIN, "MAIL FROM:<s@x.test> SIZE=20", NULL, "", "" },
};

static struct smtp_capabilities offered(const char *words)
{
	struct smtp_capabilities can = { .auth = false };
	char *copy = must_strdup(words), *rest = copy;
	for (char *word; (word = strsep(&rest, "|"));)
		smtp_capability(&can, word);
	free(copy);
	return can;
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char line[SMTP_ENVELOPE_MAX];
		struct smtp_capabilities can = offered(rows[i].offered);
		struct smtp_message *m = message(rows[i].sender, rows[i].to, rows[i].content);
		smtp_refuse_impossible(m, &can);
		assert_string_equal(m->recipients[0].enhanced, rows[i].first);
		assert_string_equal(m->recipients[1].enhanced, rows[i].second);
		for (size_t k = 0; k < 2; k++) {
			assert_int_equal(m->recipients[k].outcome, *m->recipients[k].enhanced ? SMTP_REFUSED : SMTP_PENDING);
			assert_int_equal(*m->recipients[k].enhanced != '\0', strlen(m->recipients[k].text) > 30);
		}
		if (rows[i].mail)
			assert_string_equal(smtp_mail_line(line, m, &can), rows[i].mail);
		if (rows[i].rcpt)
			assert_string_equal(smtp_rcpt_line(line, rows[i].to, &can), rows[i].rcpt);
		smtp_message_free(&m);
	}
}

/* The longest address there is, all of it to be escaped. */
static void test_longest(void **state)
{
	(void)state;
	struct smtp_capabilities can = { .dsn = true };
	char line[SMTP_ENVELOPE_MAX], address[255];
	memset(address, '+', sizeof address - 1);
	address[120] = '@';
	address[254] = '\0';
	assert_true(strlen(smtp_rcpt_line(line, address, &can)) > 254 + 3 * 253);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_longest) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
