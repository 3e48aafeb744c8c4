/* SPDX-License-Identifier: Apache-2.0
 * From the greeting to the login: TLS modes, trust, AUTH, and every way in which a server, or somebody in between, may
 * try to get a password or a mail that it should not have. */
#include <sys/stat.h>

#include "services/email/wire/line_inside.h"
#include "services/email/wire/smtp_inside.h"
#include "tests/unit/dialogue.h"
#include "tests/unit/dialogue_fixture.h"

static struct smtp_config *login(const struct fixture *f, const struct peer *p, enum mail_security security,
                                 enum sasl_mechanism mechanism)
{
	struct smtp_config *c = config_for(p);
	c->server.security = security;
	c->server.trust = trust_retain(f->trust);
	c->server.login = (struct sasl_login){ .kind = SASL_PASSWORD,
		                                   .user = must_strdup("alice"),
		                                   .secret = secret_seal(f->keyring, SECRET, strlen(SECRET)),
		                                   .mechanism = mechanism };
	c->server.keyring = f->keyring;
	return c;
}

#define AUTH_EHLO ">250-mail.test\n>250-PIPELINING\n>250 AUTH PLAIN LOGIN\n"
#define STARTTLS_EHLO ">250-mail.test\n>250-STARTTLS\n>250-PIPELINING\n>250 AUTH PLAIN LOGIN\n"
#define MAIL_TAKEN ENVELOPE TAKEN ".\n>250 ok\ngone\n"

static void no_secret(const struct client *c)
{
	assert_null(strstr(c->transcript, SECRET));
	assert_null(strstr(c->transcript, PLAIN_SECRET));
	assert_null(strstr(c->transcript, B64_SECRET));
	assert_null(strstr(c->failure.err.text, SECRET));
}

/* --- what works ---------------------------------------------------------------------------------------------------- */

static void delivers(struct fixture *f, enum mail_security security, enum sasl_mechanism mechanism, const char *script)
{
	struct peer p = { .scripts = { script }, .certificate = &f->good };
	struct client c;
	peer_start(&p);
	struct smtp_config *config = login(f, &p, security, mechanism);
	config->server.allow_clear_text = security == SECURITY_NONE;
	client_open(&c, config);
	smtp_send(c.smtp, mail_to_bob());
	client_until(&c, 'd', 1);
	if (c.done[0]->recipients[0].outcome != SMTP_ACCEPTED)
		fail_msg("%s\n%s", c.failure.err.text, c.transcript);
	no_secret(&c);
	assert_int_equal(strncmp(c.done[0]->tls_version, "TLS", 3) == 0, security != SECURITY_NONE);
	assert_int_equal(strlen(c.done[0]->fingerprint) == 64, security != SECURITY_NONE);
	assert_int_equal(strlen(c.done[0]->cipher) > 5, security != SECURITY_NONE);
	finish(&c, &p);
}

static void test_modes_and_mechanisms(void **state)
{
	struct fixture *f = *state;
	delivers(f, SECURITY_NONE, SASL_AUTO, GREETING AUTH_EHLO "<AUTH PLAIN " PLAIN_SECRET "\n>235 ok\n" MAIL_TAKEN);
	delivers(f, SECURITY_NONE, SASL_LOGIN,
	         GREETING AUTH_EHLO "<AUTH LOGIN\n>334 VXNlcm5hbWU6\n<" B64_ALICE "\n>334 UGFzc3dvcmQ6\n<" B64_SECRET
	                            "\n>235 ok\n" MAIL_TAKEN);
	delivers(f, SECURITY_NONE, SASL_AUTO,
	         GREETING ">250-mail.test\n>250-PIPELINING\n>250 AUTH=LOGIN\n<AUTH LOGIN\n>334 x\n<" B64_ALICE
	                  "\n>334 x\n<" B64_SECRET "\n>235 ok\n" MAIL_TAKEN);
	delivers(f, SECURITY_TLS, SASL_PLAIN,
	         "tls\n" GREETING AUTH_EHLO "<AUTH PLAIN " PLAIN_SECRET "\n>235 ok\n" MAIL_TAKEN);
	delivers(f, SECURITY_STARTTLS, SASL_AUTO,
	         GREETING STARTTLS_EHLO "<STARTTLS\n>220 go\ntls\n<EHLO station.test\n" AUTH_EHLO
	                                "<AUTH PLAIN\n>235 ok\n" MAIL_TAKEN);
}

/* A token that the server refuses: it tells why inside a challenge, and waits for an empty line (Google's XOAUTH2). */
static void test_refused_token(void **state)
{
	struct fixture *f = *state;
	struct peer p = { .scripts = { "tls\n" GREETING ">250-mail.test\n>250 AUTH XOAUTH2 PLAIN\n<AUTH XOAUTH2 dXNlcj\n"
		                           /* {"status":"401","scope":"https://mail.test/"} */
		                           ">334 eyJzdGF0dXMiOiI0MDEiLCJzY29wZSI6Imh0dHBzOi8vbWFpbC50ZXN0LyJ9\n<\n"
		                           ">535 5.7.8 not accepted\ngone\n" },
		              .certificate = &f->good };
	struct client c;
	peer_start(&p);
	struct smtp_config *config = login(f, &p, SECURITY_TLS, SASL_AUTO);
	config->server.login.kind = SASL_BEARER;
	client_open(&c, config);
	smtp_send(c.smtp, mail_to_bob());
	client_until(&c, 'f', 1);
	assert_int_equal(c.failure.err.code, E_AUTH);
	assert_non_null(strstr(c.failure.err.text, "535 5.7.8 not accepted (the token: 401; scope https://mail.test/)"));
	no_secret(&c);
	finish(&c, &p);
}

/* What was offered in clear counts no more once the connection is secured. */
static void test_capabilities_are_forgotten(void **state)
{
	struct fixture *f = *state;
	struct peer p = { .scripts = { GREETING STARTTLS_EHLO
		                           "<STARTTLS\n>220 go\ntls\n<EHLO station.test\n>250 mail.test\ngone\n" },
		              .certificate = &f->good };
	struct client c;
	peer_start(&p);
	client_open(&c, login(f, &p, SECURITY_STARTTLS, SASL_AUTO));
	smtp_send(c.smtp, mail_to_bob());
	client_until(&c, 'f', 1);
	assert_non_null(strstr(c.failure.err.text, "offers no login"));
	finish(&c, &p);
}

/* --- what fails closed --------------------------------------------------------------------------------------------- */

static const struct {
	enum mail_security security;
	enum sasl_mechanism mechanism;
	const char *script;
	int code;
	enum smtp_stage stage;
	const char *words;
} closed[] = {
	{ SECURITY_STARTTLS, SASL_AUTO, GREETING AUTH_EHLO "gone\n", E_TLS, STAGE_EHLO, "does not offer STARTTLS" },
	{ SECURITY_STARTTLS, SASL_AUTO, GREETING STARTTLS_EHLO "<STARTTLS\n>454 4.7.0 not now\ngone\n", E_TLS,
	  STAGE_STARTTLS, "refused STARTTLS" },
	{ SECURITY_STARTTLS, SASL_AUTO,
	  GREETING STARTTLS_EHLO "<STARTTLS\n>220 go\n>250-mail.test\n>250 AUTH PLAIN LOGIN\n>235 2.7.0 ok\ngone\n",
	  E_PROTOCOL, STAGE_STARTTLS, "injected" },
	{ SECURITY_STARTTLS, SASL_AUTO,
	  GREETING STARTTLS_EHLO "<STARTTLS\n>220 go\ngo\n>rubbish that is no TLS at all\ngone\n", E_TLS, STAGE_STARTTLS,
	  "" },
	{ SECURITY_STARTTLS, SASL_AUTO, GREETING ">502 what?\ngone\n", E_PROTOCOL, STAGE_EHLO, "does not know EHLO" },
	{ SECURITY_TLS, SASL_AUTO, ">220 mail.test ESMTP\ngone\n", E_TLS, STAGE_CONNECT, "STARTTLS" },
	{ SECURITY_TLS, SASL_AUTO, "tls\n" GREETING ">250 mail.test\ngone\n", E_AUTH, STAGE_EHLO, "offers no login" },
	{ SECURITY_TLS, SASL_AUTO, "tls\n" GREETING ">250-mail.test\n>250 AUTH GSSAPI NTLM\ngone\n", E_AUTH, STAGE_EHLO,
	  "GSSAPI NTLM, but not SCRAM-SHA-256" },
	{ SECURITY_TLS, SASL_PLAIN, "tls\n" GREETING ">250-mail.test\n>250 AUTH LOGIN\ngone\n", E_AUTH, STAGE_EHLO,
	  "not PLAIN" },
	{ SECURITY_NONE, SASL_AUTO, GREETING AUTH_EHLO "gone\n", E_AUTH, STAGE_EHLO, "without TLS" },
	{ SECURITY_TLS, SASL_AUTO,
	  "tls\n" GREETING AUTH_EHLO "<AUTH PLAIN\n>535 5.7.8 no: " SECRET " " B64_SECRET "\ngone\n", E_AUTH, STAGE_AUTH,
	  "refused the login of \"alice\"" },
	{ SECURITY_TLS, SASL_AUTO, "tls\n" GREETING AUTH_EHLO "<AUTH PLAIN\n>454 4.7.0 later\ngone\n", E_AUTH, STAGE_AUTH,
	  "cannot check" },
	{ SECURITY_TLS, SASL_AUTO, "tls\n" GREETING AUTH_EHLO "<AUTH PLAIN\n>421 4.7.0 bye\ngone\n", E_AUTH, STAGE_AUTH,
	  "cannot check" },
	{ SECURITY_TLS, SASL_LOGIN, "tls\n" GREETING AUTH_EHLO "<AUTH LOGIN\n>235 2.7.0 ok\ngone\n", E_PROTOCOL, STAGE_AUTH,
	  "before it was sent" },
	{ SECURITY_TLS, SASL_LOGIN, "tls\n" GREETING AUTH_EHLO "<AUTH LOGIN\n>334 x\n<\n>334 x\n<\n>334 x\ngone\n",
	  E_PROTOCOL, STAGE_AUTH, "asks for more" },
	{ SECURITY_TLS, SASL_PLAIN, "tls\n" GREETING AUTH_EHLO "<AUTH PLAIN\n>334 x\ngone\n", E_PROTOCOL, STAGE_AUTH,
	  "asks for more" },
};

static void test_fails_closed(void **state)
{
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_SIZE(closed); i++) {
		struct peer p = { .scripts = { closed[i].script }, .certificate = &f->good };
		struct client c;
		peer_start(&p);
		client_open(&c, login(f, &p, closed[i].security, closed[i].mechanism));
		peer_go(&p);
		smtp_send(c.smtp, mail_to_bob());
		client_until(&c, 'f', 1);
		if (c.failure.err.code != closed[i].code || c.failure.stage != closed[i].stage ||
		    !strstr(c.failure.err.text, closed[i].words))
			fail_msg("%s\n%s at %s: %s", closed[i].script, err_name(c.failure.err.code),
			         smtp_stage_name(c.failure.stage), c.failure.err.text);
		assert_int_equal(c.done[0]->recipients[0].outcome, SMTP_PENDING);
		assert_int_equal(c.ready_count, 0);
		no_secret(&c);
		finish(&c, &p);
	}
}

/* --- trust --------------------------------------------------------------------------------------------------------- */

static void refused_certificate(struct fixture *f, const struct pair *certificate, enum mail_security security)
{
	const char *script =
	    security == SECURITY_TLS ? "tls\ngone\n" : GREETING STARTTLS_EHLO "<STARTTLS\n>220 go\ntls\ngone\n";
	struct peer p = { .scripts = { script }, .certificate = certificate };
	struct client c;
	peer_start(&p);
	client_open(&c, login(f, &p, security, SASL_AUTO));
	smtp_send(c.smtp, mail_to_bob());
	client_until(&c, 'f', 1);
	assert_int_equal(c.failure.err.code, E_UNTRUSTED);
	assert_true(c.untrusted);
	assert_int_equal(c.done[0]->recipients[0].outcome, SMTP_PENDING);
	client_close(&c);
	assert_null(strstr(p.heard, "AUTH"));
	assert_null(strstr(p.heard, "MAIL"));
	peer_stop(&p);
}

static void test_untrusted_certificates(void **state)
{
	struct fixture *f = *state;
	for (enum mail_security s = SECURITY_STARTTLS; s <= SECURITY_TLS; s++) {
		refused_certificate(f, &f->self, s);
		refused_certificate(f, &f->other, s);
	}
}

static void test_old_tls_is_refused(void **state)
{
	struct fixture *f = *state;
	struct peer p = { .scripts = { "tls\ngone\n" },
		              .certificate = &f->good,
		              .priority = "NORMAL:-VERS-ALL:+VERS-TLS1.1:+SHA1:%COMPAT" };
	struct client c;
	peer_start(&p);
	client_open(&c, login(f, &p, SECURITY_TLS, SASL_AUTO));
	smtp_send(c.smtp, mail_to_bob());
	client_until(&c, 'f', 1);
	assert_int_equal(c.failure.err.code, E_TLS);
	assert_non_null(strstr(c.failure.err.text, "TLS 1.2"));
	client_close(&c);
	peer_stop(&p);
}

static void silent_handshake(struct fixture *f, enum mail_security security, const char *script)
{
	struct peer p = { .scripts = { script }, .certificate = &f->good };
	struct client c;
	peer_start(&p);
	struct smtp_config *config = login(f, &p, security, SASL_AUTO);
	config->server.timeout = SECOND_US;
	client_open(&c, config);
	smtp_send(c.smtp, mail_to_bob());
	smtp_send(c.smtp, mail_to_bob()); /* more mail does not prolong it */
	client_until(&c, 'f', 1);
	assert_int_equal(c.failure.err.code, E_TIMEOUT);
	assert_non_null(strstr(c.failure.err.text, "handshake"));
	finish(&c, &p);
}

static void test_silent_handshake_has_a_deadline(void **state)
{
	silent_handshake(*state, SECURITY_TLS, "gone\n");
	silent_handshake(*state, SECURITY_STARTTLS, GREETING STARTTLS_EHLO "<STARTTLS\n>220 go\ngone\n");
}

/* --- 35 and 33: what a server may send without end, inside TLS and on the way there ---------------------------------- */

#define ONLY_1_2 "NORMAL:-VERS-ALL:+VERS-TLS1.2"
#define ONLY_1_3 "NORMAL:-VERS-ALL:+VERS-TLS1.3"

/* Ends as it should, without a byte of the login; then the server is good, and the mail that came back arrives. */
static void ends_and_goes_on(struct fixture *f, struct peer *p, enum mail_security security, const char *flood,
                             int code, const char *words)
{
	static const char good[] = "tls\n" GREETING AUTH_EHLO "<AUTH PLAIN\n>235 ok\n" MAIL_TAKEN;
	static const char upgrade[] = GREETING STARTTLS_EHLO "<STARTTLS\n>220 go\n";
	char *bad = must_format("%s%s", security == SECURITY_TLS ? "" : upgrade, flood);
	char *next = security == SECURITY_TLS
	    ? must_strdup(good)
	    : must_format("%stls\n<EHLO station.test\n%s<AUTH PLAIN\n>235 ok\n%s", upgrade, AUTH_EHLO, MAIL_TAKEN);
	struct client c;
	p->scripts[0] = bad;
	p->scripts[1] = next;
	peer_start(p);
	struct smtp_config *config = login(f, p, security, SASL_AUTO);
	if (code == E_TIMEOUT)
		config->command_timeout = SECOND_US / 2;
	client_open(&c, config);
	smtp_send(c.smtp, mail_to_bob());
	client_until(&c, 'f', 1);
	if (c.failure.err.code != code || !strstr(c.failure.err.text, words))
		fail_msg("%s: %s, %s", flood, err_name(c.failure.err.code), c.failure.err.text);
	assert_int_equal(c.done[0]->recipients[0].outcome, SMTP_PENDING);
	assert_int_equal(c.ready_count, 0);
	smtp_configure(c.smtp, login(f, p, security, SASL_AUTO));
	smtp_send(c.smtp, mail_to_bob());
	client_until(&c, 'd', 2);
	assert_int_equal(c.done[1]->recipients[0].outcome, SMTP_ACCEPTED);
	no_secret(&c);
	client_close(&c);
	peer_stop(p);
	/* A certificate that was refused is no handshake as written, and a busy machine may be late before the flood. */
	if (*p->wrong && !p->then && code != E_TIMEOUT)
		fail_msg("%s: %s", flood, p->wrong);
	free(bad);
	free(next);
}

static void test_floods(void **state)
{
	static const struct {
		const char *script, *priority;
		int code;
		const char *words;
	} floods[] = {
		{ "tls\nflood keyUpdate\n", ONLY_1_3, E_TLS, "broke" },
		{ "tls\nflood renegotiation\n", ONLY_1_2, E_TLS, "broke" },
		{ "tls\nflood warning\n", ONLY_1_2, E_TLS, "broke" },
		{ "tls\nflood warning\n", ONLY_1_3, E_TLS, "broke" },
		{ "flood empty\n", ONLY_1_3, E_TIMEOUT, "in time" },
		{ "flood ticket\n", ONLY_1_3, E_TIMEOUT, "in time" },
		{ "flood alerts\n", NULL, E_TLS, "alert" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(floods); i++)
		for (enum mail_security s = SECURITY_STARTTLS; s <= SECURITY_TLS; s++) {
			struct fixture *f = *state;
			struct peer p = { .certificate = &f->good, .priority = floods[i].priority };
			/* What ends by a deadline comes in place of the answer to EHLO, so that the handshake has all its time. */
			const char *before = floods[i].code != E_TIMEOUT ? ""
			    : s == SECURITY_TLS                          ? "tls\n" GREETING
			                                                 : "tls\n<EHLO station.test\n";
			char *script = must_format("%s%s", before, floods[i].script);
			ends_and_goes_on(f, &p, s, script, floods[i].code, floods[i].words);
			free(script);
		}
}

static void test_a_chain_of_a_hundred(void **state)
{
	struct fixture *f = *state;
	static struct pair deep[100];
	pairs_make_chain(deep, ARRAY_SIZE(deep), &f->ca);
	struct pair below = pair_make((struct wish){ .cn = "below", .names = { "ip:127.0.0.1" }, .issuer = &deep[0] });
	for (enum mail_security s = SECURITY_STARTTLS; s <= SECURITY_TLS; s++) {
		struct peer p = { .certificate = &below, .above = deep, .above_count = ARRAY_SIZE(deep), .then = &f->good };
		ends_and_goes_on(f, &p, s, "tls\ngone\n", E_UNTRUSTED, "came with 101 certificates");
	}
	pair_free(&below);
	for (size_t i = 0; i < ARRAY_SIZE(deep); i++)
		pair_free(&deep[i]);
}

/* --- 55 and 60: slow is not dead, and who stops reading is ----------------------------------------------------------- */

/* Turns the loop until the transcript has that. */
static void until_said(struct client *c, const char *text)
{
	c->late = false;
	uv_timer_start(&c->limit, client_late, 60000, 0);
	while (!strstr(c->transcript, text) && !c->late)
		uv_run(&c->loop, UV_RUN_ONCE);
	uv_timer_stop(&c->limit);
	assert_false(c->late);
}

/* A server that is good up to the login, and then says that; the client has this mail. */
static void open_in(struct fixture *f, struct client *c, struct peer *p, enum mail_security security,
                    const char *script, struct smtp_message *m)
{
	static const char login_and[] = "<AUTH PLAIN\n>235 ok\n";
	p->certificate = &f->good;
	p->scripts[0] = security == SECURITY_STARTTLS
	    ? must_format(GREETING STARTTLS_EHLO "<STARTTLS\n>220 go\ntls\n<EHLO station.test\n>250-mail.test\n>250 AUTH "
	                                         "PLAIN\n%s%s",
	                  login_and, script)
	    : must_format("%s" GREETING ">250-mail.test\n>250 AUTH PLAIN\n%s%s", security == SECURITY_TLS ? "tls\n" : "",
	                  login_and, script);
	peer_start(p);
	struct smtp_config *config = login(f, p, security, SASL_AUTO);
	config->server.allow_clear_text = security == SECURITY_NONE;
	client_open(c, config);
	smtp_send(c->smtp, m);
}

static void close_in(struct client *c, struct peer *p)
{
	char *script = (char *)p->scripts[0];
	finish(c, p);
	free(script);
}

static int64_t minutes_left(const struct client *c)
{
	return (int64_t)uv_timer_get_due_in(&c->smtp->line->deadline) / 60000;
}

/* 46 seconds before the answer to RCPT, nine minutes behind the dot: legal (RFC 5321 4.5.3.2), so the deadline that runs
 * must be later than that. Nobody waits for it. */
static void test_slow_is_not_dead(void **state)
{
	for (enum mail_security s = SECURITY_NONE; s <= SECURITY_TLS; s++) {
		struct peer p = { .certificate = NULL };
		struct client c;
		open_in(*state, &c, &p, s, "<MAIL\n>250 ok\n<RCPT\ngo\n>250 ok\n<DATA\n>354 go\n.\ngo\n>250 ok\ngone\n",
		        mail_to_bob());
		until_said(&c, ">RCPT");
		assert_true(minutes_left(&c) >= 4);
		peer_go(&p);
		until_said(&c, ">(20 bytes of mail)");
		assert_true(minutes_left(&c) >= 9);
		peer_go(&p);
		client_until(&c, 'd', 1);
		assert_int_equal(c.done[0]->recipients[0].outcome, SMTP_ACCEPTED);
		close_in(&c, &p);
	}
}

static struct smtp_message *mail_of_5_MB(void)
{
	enum { SIZE = 5 << 20 };
	char *content = must_alloc(SIZE + 3);
	memset(content, 'x', SIZE);
	for (size_t i = 70; i < SIZE; i += 72)
		memcpy(content + i, "\r\n", 2);
	memcpy(content + SIZE, "\r\n", 3);
	struct smtp_message *m = mail_to((const char *const[]){ "bob@mail.test", NULL }, content);
	free(content);
	return m;
}

/* A server that reads no more in the middle of 5 MB: the deadline runs, by the size of the mail. */
static void test_server_that_stops_reading(void **state)
{
	for (enum mail_security s = SECURITY_NONE; s <= SECURITY_TLS; s++) {
		struct peer p = { .certificate = NULL };
		struct client c;
		open_in(*state, &c, &p, s, "<MAIL\n>250 ok\n<RCPT\n>250 ok\n<DATA\n>354 go\ngo\ncut\n", mail_of_5_MB());
		until_said(&c, "bytes of mail)");
		assert_false(line_drained(c.smtp->line));
		assert_true(minutes_left(&c) >= 10 && minutes_left(&c) < 120);
		peer_go(&p);
		client_until(&c, 'f', 1);
		assert_int_equal(c.done[0]->recipients[0].outcome, SMTP_PENDING); /* it cannot have the mail */
		close_in(&c, &p);
	}
}

/* A name and password that do not fit on the AUTH line go as the answer to 334. */
static void test_long_password(void **state)
{
	struct fixture *f = *state;
	struct peer p = { .scripts = { "tls\n" GREETING AUTH_EHLO
		                           "<AUTH PLAIN\n>334 \n<AGFsaWNlAHBw\n>235 ok\n" MAIL_TAKEN },
		              .certificate = &f->good };
	struct client c;
	char password[1000];
	memset(password, 'p', sizeof password);
	peer_start(&p);
	struct smtp_config *config = login(f, &p, SECURITY_TLS, SASL_AUTO);
	free(config->server.login.secret);
	config->server.login.secret = secret_seal(f->keyring, password, sizeof password);
	client_open(&c, config);
	smtp_send(c.smtp, mail_to_bob());
	client_until(&c, 'd', 1);
	assert_int_equal(c.done[0]->recipients[0].outcome, SMTP_ACCEPTED);
	assert_null(strstr(c.transcript, "cHBwcHBw"));
	finish(&c, &p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modes_and_mechanisms),
		cmocka_unit_test(test_refused_token),
		cmocka_unit_test(test_capabilities_are_forgotten),
		cmocka_unit_test(test_fails_closed),
		cmocka_unit_test(test_untrusted_certificates),
		cmocka_unit_test(test_old_tls_is_refused),
		cmocka_unit_test(test_silent_handshake_has_a_deadline),
		cmocka_unit_test(test_floods),
		cmocka_unit_test(test_a_chain_of_a_hundred),
		cmocka_unit_test(test_slow_is_not_dead),
		cmocka_unit_test(test_server_that_stops_reading),
		cmocka_unit_test(test_long_password),
	};
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
