/* SPDX-License-Identifier: Apache-2.0
 * The mail doctor: examinations of scripted servers in three protocols end at the right step, and the advice fits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "services/email/doctor/advice.h"
#include "station/base/must.h"
#include "tests/unit/peer.h"
#include "tests/unit/scratch.h"

#define EHLO "<EHLO station.test\n>250-mail.test\n>250-PIPELINING\n"

struct row {
	const char *name;
	const struct exam_dialogue *dialogue;
	const char *script;
	enum sasl_kind login;
	enum sasl_mechanism mechanism;
	const char *recipient, *content;
	enum exam_step step;
	int code;
	const char *advice;  /* begins the first advice; NULL: there is none */
	const char *changes; /* of it, as JSON; NULL: none */
};

static const struct row rows[] = {
	{ .name = "the bulletin's server: relaying denied",
	  .dialogue = &exam_smtp,
	  .script = ">220 mail.test ESMTP\n" EHLO ">250-AUTH LOGIN PLAIN\n>250 HELP\n<MAIL FROM:<station@mail.test>\n"
	            ">250 Ok\n<RCPT TO:<bob@mail.test>\n>550 5.7.1 Recipient address rejected: Relaying Denied\n",
	  .recipient = "bob@mail.test",
	  .step = EXAM_RCPT,
	  .code = E_REFUSED,
	  .advice =
	      "The server wants authentication: \"550 5.7.1 Recipient address rejected: Relaying Denied\". It offers the "
	      "login mechanisms LOGIN PLAIN.",
	  .changes = "{\"emailAuthenticator\":{\"type\":\"email:BasicEmailClientAuthenticator\"}}" },
	{ .name = "relaying denied where nobody can log in",
	  .dialogue = &exam_smtp,
	  .script = ">220 mail.test ESMTP\n" EHLO ">250 HELP\n<MAIL FROM:<station@mail.test>\n"
	            ">250 Ok\n<RCPT TO:<bob@mail.test>\n>554 5.7.1 Relay access denied\n",
	  .recipient = "bob@mail.test",
	  .step = EXAM_RCPT,
	  .code = E_REFUSED,
	  .advice = "The server wants authentication: \"554 5.7.1 Relay access denied\". It offers no login on this port. "
	            "Ask its administrator" },
	{ .name = "a relay that takes no login",
	  .dialogue = &exam_smtp,
	  .script = ">220 mail.test ESMTP\n" EHLO ">250 HELP\n",
	  .login = SASL_PASSWORD,
	  .step = EXAM_AUTH,
	  .code = E_AUTH,
	  .advice = "The server offers no login on this port. It may take mail without one",
	  .changes = "{\"emailAuthenticator\":{\"type\":\"email:NoAuthEmailClientAuthenticator\"}}" },
	{ .name = "login and test mail",
	  .dialogue = &exam_smtp,
	  .script = ">220 mail.test ESMTP\n" EHLO ">250 AUTH PLAIN\n<AUTH PLAIN AGFubmEAc2VjcmV0\n>235 Welcome\n"
	            "<MAIL FROM:\n>250 Ok\n<RCPT TO:\n>250 Ok\n<DATA\n>354 Go\n.\n>250 Ok: queued as 42\n<QUIT\n",
	  .login = SASL_PASSWORD,
	  .recipient = "bob@mail.test",
	  .content = "Subject: x\r\n\r\n.dot\r\n",
	  .step = EXAM_QUIT },
	{ .name = "login refused in clear, STARTTLS offered",
	  .dialogue = &exam_smtp,
	  .script = ">220-mail.test\n>220 ESMTP\n" EHLO ">250-STARTTLS\n>250 AUTH PLAIN\n<AUTH PLAIN \n>535 5.7.8 No\n",
	  .login = SASL_PASSWORD,
	  .step = EXAM_AUTH,
	  .code = E_AUTH,
	  .advice = "The server offers STARTTLS",
	  .changes = "{\"useSsl\":false,\"useStartTls\":true}" },
	{ .name = "a mechanism that is not offered",
	  .dialogue = &exam_smtp,
	  .script = ">220 mail.test\n" EHLO ">250 AUTH PLAIN\n",
	  .login = SASL_PASSWORD,
	  .mechanism = SASL_CRAM_MD5,
	  .step = EXAM_AUTH,
	  .code = E_AUTH,
	  .advice = "Let the station choose",
	  .changes = "{\"emailAuthenticator\":{\"mechanism\":\"auto\"}}" },
	{ .name = "closed at once", .dialogue = &exam_smtp, .script = "", .step = EXAM_GREETING, .code = E_NETWORK },
	{ .name = "a web server",
	  .dialogue = &exam_smtp,
	  .script = ">HTTP/1.1 400 Bad\n",
	  .step = EXAM_GREETING,
	  .code = E_REFUSED,
	  .advice = "Port " },
	{ .name = "IMAP",
	  .dialogue = &exam_imap,
	  .script =
	      ">* OK ready\n<x CAPABILITY\n>* CAPABILITY IMAP4rev1 AUTH=PLAIN IDLE\n>x OK done\n<x AUTHENTICATE PLAIN\n"
	      ">+ \n<AGFubmEAc2VjcmV0\n>x OK in\n<x LOGOUT\n",
	  .login = SASL_PASSWORD,
	  .step = EXAM_QUIT },
	{ .name = "IMAP that is logged in before it is encrypted",
	  .dialogue = &exam_imap,
	  .script = ">* PREAUTH welcome\n",
	  .step = EXAM_GREETING,
	  .code = E_REFUSED },
	{ .name = "POP3",
	  .dialogue = &exam_pop3,
	  .script = ">+OK ready\n<CAPA\n>+OK list\n>TOP\n>SASL PLAIN\n>STLS\n>.\n<AUTH PLAIN\n>+ \n<AGFubmEAc2VjcmV0\n"
	            ">-ERR [AUTH] no\n",
	  .login = SASL_PASSWORD,
	  .step = EXAM_AUTH,
	  .code = E_AUTH,
	  .advice = "The server offers STARTTLS",
	  .changes = "{\"useSsl\":false,\"useStartTls\":true}" },
};

#define CLIENT "clientCertificate"

struct patient {
	char *dialogue;
	struct exam_report report;
	bool done;
};

static void said(void *context, enum line_direction direction, const char *text)
{
	struct patient *p = context;
	char *longer = must_format("%s%c%s\n", p->dialogue, "><-"[direction], text);
	free(p->dialogue);
	p->dialogue = longer;
}

static void done(void *context, struct exam_report *report)
{
	struct patient *p = context;
	p->report = *report;
	p->done = true;
}

static struct exam_target target_of(const struct row *row, int port, const struct keyring *keyring)
{
	struct exam_target t = { .dialogue = row->dialogue,
		                     .server = { .host = "127.0.0.1",
		                                 .port = port,
		                                 .timeout = 30 * SECOND_US,
		                                 .keyring = keyring,
		                                 .allow_clear_text = true },
		                     .name = "station.test",
		                     .sender = "station@mail.test",
		                     .content = row->content ? must_strdup(row->content) : NULL };
	snprintf(t.recipient, sizeof t.recipient, "%s", row->recipient ? row->recipient : "");
	t.server.login.kind = row->login;
	t.server.login.mechanism = row->mechanism;
	if (row->login == SASL_PASSWORD) {
		t.server.login.user = must_strdup("anna");
		t.server.login.secret = secret_seal(keyring, "secret", 6);
	}
	return t;
}

/* The first advice begins so and changes that; NULL: there is none, it changes nothing. Returns how many there are. */
static size_t check_advice(const char *name, const struct advice_case *c, const char *beginning, const char *changes)
{
	json_t *advice = advice_give(c), *first = json_array_get(advice, 0), *given = json_object_get(first, "changes"),
	       *expected = changes ? json_loads(changes, 0, NULL) : NULL;
	const char *text = first ? json_string_value(json_object_get(first, "text")) : "";
	size_t count = json_array_size(advice);
	if (!beginning != !first || (beginning && strncmp(text, beginning, strlen(beginning)) != 0))
		fail_msg("%s: advises \"%s\"", name, text);
	if (expected ? !json_equal(given, expected) : given != NULL)
		fail_msg("%s: other changes", name);
	json_decref(expected);
	json_decref(advice);
	return count;
}

/* There is no other advice. */
static void advises(const struct advice_case *c, const char *beginning, const char *changes)
{
	assert_int_equal(check_advice(beginning, c, beginning, changes), 1);
}

static void examine(const struct row *row, const struct keyring *keyring)
{
	struct peer peer = { .scripts = { row->script } };
	struct patient p = { .dialogue = must_strdup("") };
	static const struct exam_events events = { said, done };
	uv_loop_t loop;
	must(uv_loop_init(&loop) == 0);
	peer_start(&peer);
	struct exam_target t = target_of(row, peer.port, keyring);
	exam_start(&loop, &t, &events, &p);
	must(uv_run(&loop, UV_RUN_DEFAULT) == 0 && uv_loop_close(&loop) == 0);
	peer_stop(&peer);
	assert_true(p.done);
	if (p.report.step != row->step || p.report.err.code != row->code || *peer.wrong)
		fail_msg("%s: step %s, code %d (%s); %s\n%s", row->name, exam_step_name(p.report.step), p.report.err.code,
		         p.report.err.text, peer.wrong, p.dialogue);
	assert_null(strstr(p.dialogue, "secret"));
	assert_null(strstr(p.dialogue, "AGFubmEAc2VjcmV0"));
	struct advice_case c = {
		.own = &p.report, .login = row->login, .fixed_mechanism = row->mechanism != SASL_AUTO, .client_certificate = ""
	};
	check_advice(row->name, &c, row->advice, row->changes);
	json_t *findings = advice_findings(&c);
	assert_int_equal(json_is_true(json_object_get(json_array_get(findings, json_array_size(findings) - 1), "ok")),
	                 row->code == 0);
	json_decref(findings);
	exam_report_clear(&p.report);
	free(p.dialogue);
}

static void every_server_gets_its_diagnosis(void **state)
{
	(void)state;
	char directory[SCRATCH_SIZE];
	struct err e = { 0 };
	must(sodium_init() >= 0);
	scratch_make(directory);
	struct keyring *keyring = keyring_open(directory, &e);
	assert_non_null(keyring);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		examine(&rows[i], keyring);
	keyring_close(&keyring);
	scratch_remove(directory);
}

/* The account asks for TLS from the first byte; the server has STARTTLS only. */
static void another_way_is_advised(void **state)
{
	(void)state;
	struct exam_report own = { .dialogue = &exam_smtp,
		                       .port = 465,
		                       .security = SECURITY_TLS,
		                       .err = { .code = E_NETWORK } },
	                   others[] = {
		                   { .dialogue = &exam_smtp, .port = 25, .security = SECURITY_NONE, .step = EXAM_QUIT },
		                   { .dialogue = &exam_smtp,
		                     .port = 587,
		                     .security = SECURITY_STARTTLS,
		                     .step = EXAM_QUIT,
		                     .offers.login = { 1u << SASL_PLAIN, "PLAIN" } },
	                   };
	struct advice_case c = { &own, others, 2, SASL_PASSWORD, false, "", NULL, NULL };
	check_advice("encrypted", &c, "", "{\"useSsl\":false,\"useStartTls\":true,\"port\":587}");
	c.count = 1; /* only the clear one is left: it is named, but nothing is lowered by a click */
	advises(&c, "", NULL);
}

/* Port 25 lets nobody log in; 587 does. What has no login itself is told of no other way than to go without. */
static void where_one_logs_in_is_advised(void **state)
{
	(void)state;
	struct exam_report own = { .dialogue = &exam_smtp,
		                       .port = 25,
		                       .security = SECURITY_STARTTLS,
		                       .secure = true,
		                       .step = EXAM_RCPT,
		                       .reply = "550 Relaying denied",
		                       .err = { .code = E_REFUSED } },
	                   others[] = {
		                   { .dialogue = &exam_smtp, .port = 465, .security = SECURITY_TLS, .step = EXAM_QUIT },
		                   { .dialogue = &exam_smtp,
		                     .port = 587,
		                     .security = SECURITY_STARTTLS,
		                     .step = EXAM_QUIT,
		                     .offers.login = { 1u << SASL_PLAIN, "PLAIN" } },
	                   };
	struct advice_case c = { &own, others, 2, SASL_NOBODY, false, "", NULL, NULL };
	advises(
	    &c,
	    "The server wants authentication: \"550 Relaying denied\". It offers no login on this port, but on port 587.",
	    "{\"useSsl\":false,\"useStartTls\":true,\"port\":587,"
	    "\"emailAuthenticator\":{\"type\":\"email:BasicEmailClientAuthenticator\"}}");
	own.step = EXAM_AUTH;
	own.err.code = E_AUTH;
	c.login = SASL_PASSWORD;
	advises(&c, "The server answers on port 587", "{\"useSsl\":false,\"useStartTls\":true,\"port\":587}");
	c.count = 1;
	own.held_back = true;
	own.secure = false;
	own.security = SECURITY_NONE;
	others[0] = (struct exam_report){ .dialogue = &exam_smtp, .security = SECURITY_NONE, .step = EXAM_QUIT };
	advises(&c, "The server offers no encryption. Ask", NULL);
	own.held_back = false;
	advises(&c, "The server offers no login on this port. It may take mail without one",
	        "{\"emailAuthenticator\":{\"type\":\"email:NoAuthEmailClientAuthenticator\"}}");
}

/* Each fault of a certificate has a remedy of its own; a name that it brings along is never entered by a click. */
static void what_is_wrong_with_the_certificate_is_mended(void **state)
{
	(void)state;
	struct exam_report own = { .dialogue = &exam_imap,
		                       .security = SECURITY_TLS,
		                       .err = { .code = E_UNTRUSTED },
		                       .verdict = { .seen = true, .unknown_issuer = true } };
	struct advice_case c = { .own = &own, .client_certificate = "" };
	advises(&c, "Import the CA of the server under Certificates, User Trust Store. Or look", NULL);
	own.verdict.unknown_issuer = false;
	own.verdict.other_name = true;
	advises(&c, "Enter as hostname the name that the certificate is made out to", NULL);
	own.verdict.other_name = false;
	advises(&c, "Have the server's administrator renew the certificate. Until then, look", NULL);
}

/* A server that asks who the station is: what it says, which key is chosen and whether it is there, and what is offered. */
static void a_certificate_of_the_station_is_advised(void **state)
{
	(void)state;
	static const struct {
		const char *name, *chosen, *problem, *keys, *authorities, *reply;
		int code;
		enum exam_step step;
		const char *finding, *advice, *changes; /* the last finding; of the first advice; NULL: none */
	} cases[] = {
		{ "none is chosen", "", NULL, "[\"plant\"]", "CN=Plant CA\n", "", E_TLS, EXAM_GREETING, CLIENT,
		  "The server wants a certificate of this station. Show it \"plant\"", "{\"clientCertificate\":\"plant\"}" },
		{ "there is none", "", NULL, "[]", "CN=Plant CA\nCN=Root\n", "", E_TLS, EXAM_GREETING, CLIENT,
		  "The server wants a certificate of this station. Under Certificates, User Key Store, make a key", NULL },
		{ "another one", "old", NULL, "[\"old\",\"plant\"]", "", "", E_TLS, EXAM_CONNECT, CLIENT,
		  "The server does not accept the certificate that is chosen. Show it \"plant\"",
		  "{\"clientCertificate\":\"plant\"}" },
		{ "in words", "old", NULL, "[]", "", "530 5.7.0 Client certificate not trusted", E_REFUSED, EXAM_MAIL, CLIENT,
		  "The server does not accept the certificate that is chosen. Under Certificates, User Key Store, renew it",
		  NULL },
		{ "gone", "old", "The User Key Store holds no key \"old\".", "[\"plant\"]", "", "", E_TLS, EXAM_GREETING,
		  CLIENT, "The certificate that is chosen is gone. Show it \"plant\"", "{\"clientCertificate\":\"plant\"}" },
		{ "none for EXTERNAL", "", "The login is by certificate, and none is chosen: set Client Certificate.",
		  "[\"plant\"]", "", "", E_AUTH, EXAM_AUTH, "login",
		  "The login is by certificate, and none is chosen. Show it \"plant\"", "{\"clientCertificate\":\"plant\"}" },
		{ "another refusal", "old", NULL, "[]", "", "550 5.7.1 Relaying denied", E_REFUSED, EXAM_RCPT, "recipient",
		  "The server wants authentication", NULL },
		{ "healthy", "", NULL, "[\"plant\"]", "", "", 0, EXAM_QUIT, CLIENT, NULL, NULL },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct exam_report own = { .dialogue = &exam_smtp,
			                       .security = SECURITY_TLS,
			                       .step = cases[i].step,
			                       .err = { .code = cases[i].code },
			                       .verdict = { .seen = true, .trusted = true, .asked = true } };
		snprintf(own.reply, sizeof own.reply, "%s", cases[i].reply);
		snprintf(own.verdict.authorities, sizeof own.verdict.authorities, "%s", cases[i].authorities);
		json_t *keys = json_loads(cases[i].keys, 0, NULL);
		struct advice_case c = {
			.own = &own, .client_certificate = cases[i].chosen, .key_problem = cases[i].problem, .keys = keys
		};
		json_t *findings = advice_findings(&c), *last = json_array_get(findings, json_array_size(findings) - 1);
		if (strcmp(json_string_value(json_object_get(last, "step")), cases[i].finding) != 0)
			fail_msg("%s: finds %s", cases[i].name, json_string_value(json_object_get(last, "step")));
		check_advice(cases[i].name, &c, cases[i].advice, cases[i].changes);
		json_decref(keys);
		json_decref(findings);
	}
}

/* The certificate is gone, and nobody asks for one. */
static void a_certificate_that_nobody_asks_for_is_let_go(void **state)
{
	(void)state;
	struct exam_report own = { .dialogue = &exam_smtp, .security = SECURITY_TLS, .step = EXAM_QUIT };
	struct advice_case c = { .own = &own, .client_certificate = "old", .key_problem = "It is gone." };
	json_t *advice = advice_give(&c), *last = json_array_get(advice, json_array_size(advice) - 1),
	       *none = json_pack("{s:s}", "clientCertificate", "");
	assert_true(json_equal(json_object_get(last, "changes"), none));
	json_decref(none);
	json_decref(advice);
}

static void offers_are_read(void **state)
{
	(void)state;
	struct exam_offers o = { .starttls = false };
	exam_take_offer(&exam_smtp, &o, "250-AUTH=LOGIN");
	exam_take_offer(&exam_smtp, &o, "250-AUTH PLAIN CRAM-MD5");
	exam_take_offer(&exam_smtp, &o, "250 STARTTLSX");
	assert_false(o.starttls);
	assert_int_equal(o.login.known, 1u << SASL_LOGIN | 1u << SASL_PLAIN | 1u << SASL_CRAM_MD5);
	o = (struct exam_offers){ .starttls = false };
	exam_take_offer(&exam_imap, &o, "* CAPABILITY IMAP4rev1 STARTTLS  AUTH=XOAUTH2 AUTH=");
	assert_true(o.starttls);
	assert_int_equal(o.login.known, 1u << SASL_XOAUTH2);
	for (int i = 0; i < 500; i++) /* bounded, whatever comes */
		exam_take_offer(&exam_pop3, &o, "XVERYLONGCAPABILITY of a server that does not know when to stop");
	assert_true(strlen(o.all) < sizeof o.all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_server_gets_its_diagnosis),
		cmocka_unit_test(another_way_is_advised),
		cmocka_unit_test(where_one_logs_in_is_advised),
		cmocka_unit_test(what_is_wrong_with_the_certificate_is_mended),
		cmocka_unit_test(a_certificate_of_the_station_is_advised),
		cmocka_unit_test(a_certificate_that_nobody_asks_for_is_let_go),
		cmocka_unit_test(offers_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
