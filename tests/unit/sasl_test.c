/* SPDX-License-Identifier: Apache-2.0
 * SASL: the vectors of the RFCs byte by byte, what is chosen, and what a lying server gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>
#include <unistd.h>

#include "services/email/wire/sasl.h"
#include "station/base/must.h"
#include "tests/unit/scratch.h"

struct fixture {
	char directory[SCRATCH_SIZE];
	struct keyring *keyring;
};

static int group_setup(void **state)
{
	struct fixture *f = must_alloc(sizeof *f);
	struct err e = { 0 };
	must(sodium_init() >= 0);
	scratch_make(f->directory);
	f->keyring = keyring_open(f->directory, &e);
	must(f->keyring != NULL);
	*state = f;
	return 0;
}

static int group_teardown(void **state)
{
	struct fixture *f = *state;
	keyring_close(&f->keyring);
	scratch_remove(f->directory);
	free(f);
	return 0;
}

/* --- exchanges ----------------------------------------------------------------------------------------------------- */

struct exchange {
	struct sasl_login login;
	struct sasl *sasl;
	struct err err;
};

static void begin(struct exchange *x, const struct fixture *f, enum sasl_mechanism m, const char *user,
                  const char *secret, const char *nonce)
{
	*x = (struct exchange){ .login = { .kind = SASL_PASSWORD,
		                               .user = must_strdup(user),
		                               .secret = secret_seal(f->keyring, secret, strlen(secret)) } };
	x->sasl = sasl_new(m, &x->login, f->keyring,
	                   &(struct sasl_place){ .host = "server.example.com", .port = 143, .nonce = nonce });
}

static void end(struct exchange *x)
{
	sasl_free(&x->sasl);
	sasl_login_clear(&x->login);
}

static char *encoded(const char *text, size_t length)
{
	size_t size = sodium_base64_encoded_len(length, sodium_base64_VARIANT_ORIGINAL);
	return sodium_bin2base64(must_alloc(size), size, (const unsigned char *)text, length,
	                         sodium_base64_VARIANT_ORIGINAL);
}

/* What we say to this challenge (plain text; NULL: at the start), decoded, is exactly that. */
static void says_bytes(struct exchange *x, const char *challenge, const char *expected, size_t length)
{
	char *text = challenge ? encoded(challenge, strlen(challenge)) : NULL, *said = NULL;
	char *want = encoded(expected, length);
	int rc = challenge ? sasl_step(x->sasl, text, &said, &x->err) : sasl_start(x->sasl, 4000, &said, &x->err);
	if (rc != 0)
		fail_msg("%s", x->err.text);
	assert_non_null(said);
	assert_string_equal(said, length == 0 && !challenge ? "=" : want);
	secret_wipe(&said);
	free(want);
	free(text);
}

static void says(struct exchange *x, const char *challenge, const char *expected)
{
	says_bytes(x, challenge, expected, strlen(expected));
}

static void breaks_off(struct exchange *x, const char *challenge, int code, const char *words)
{
	char *text = encoded(challenge, strlen(challenge)), *said = NULL;
	assert_int_equal(sasl_step(x->sasl, text, &said, &x->err), code);
	assert_null(said);
	if (!strstr(x->err.text, words))
		fail_msg("\"%s\" is not in: %s", words, x->err.text);
	free(text);
}

/* --- the vectors of the RFCs --------------------------------------------------------------------------------------- */

static void test_plain(void **state)
{
	struct exchange x;
	begin(&x, *state, SASL_PLAIN, "tim", "tanstaaftanstaaf", NULL); /* RFC 4616 4 */
	assert_int_equal(sasl_accepted(x.sasl, &x.err), E_PROTOCOL);
	says_bytes(&x, NULL, "\0tim\0tanstaaftanstaaf", 21);
	assert_int_equal(sasl_accepted(x.sasl, &x.err), 0);
	breaks_off(&x, "more", E_PROTOCOL, "asks for more");
	end(&x);
}

static void test_login(void **state)
{
	struct exchange x;
	char *said = NULL;
	begin(&x, *state, SASL_LOGIN, "tim", "tanstaaf", NULL);
	assert_int_equal(sasl_start(x.sasl, 4000, &said, &x.err), 0);
	assert_null(said);
	says(&x, "Username:", "tim");
	assert_int_equal(sasl_accepted(x.sasl, &x.err), E_PROTOCOL);
	assert_int_equal(sasl_step(x.sasl, "not base64 at all!", &said, &x.err), 0); /* a prompt is for people */
	assert_string_equal(said, "dGFuc3RhYWY=");
	secret_wipe(&said);
	assert_int_equal(sasl_accepted(x.sasl, &x.err), 0);
	end(&x);
}

static void test_cram_md5(void **state)
{
	struct exchange x;
	char *said = NULL;
	begin(&x, *state, SASL_CRAM_MD5, "tim", "tanstaaftanstaaf", NULL); /* RFC 2195 2 */
	assert_int_equal(sasl_start(x.sasl, 4000, &said, &x.err), 0);
	assert_null(said);
	says(&x, "<1896.697170952@postoffice.reston.mci.net>", "tim b913a602c7eda7a495b4e6e7334d3890");
	end(&x);
	begin(&x, *state, SASL_CRAM_MD5, "tim", "x", NULL);
	breaks_off(&x, "", E_PROTOCOL, "no challenge");
	assert_int_equal(sasl_step(x.sasl, "%%%", &said, &x.err), E_PROTOCOL);
	assert_non_null(strstr(x.err.text, "no base64"));
	end(&x);
}

#define NONCE "rOprNGfwEbeRWgbNEkqO"
#define SERVER_FIRST "r=" NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
#define SERVER_FINAL "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

static void scram_to_final(struct exchange *x, const struct fixture *f)
{
	begin(x, f, SASL_SCRAM_SHA_256, "user", "pencil", NONCE); /* RFC 7677 3 */
	says(x, NULL, "n,,n=user,r=" NONCE);
	says(x, SERVER_FIRST,
	     "c=biws,r=" NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
}

static void test_scram(void **state)
{
	struct exchange x;
	scram_to_final(&x, *state);
	assert_int_equal(sasl_accepted(x.sasl, &x.err), E_AUTH); /* the server has not proven itself */
	says(&x, SERVER_FINAL, "");
	assert_int_equal(sasl_accepted(x.sasl, &x.err), 0);
	end(&x);
}

static void test_scram_server_that_lies(void **state)
{
	static const struct {
		const char *first, *words;
		int code;
	} rows[] = {
		{ "", "RFC 5802", E_PROTOCOL },
		{ "r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "RFC 5802", E_PROTOCOL },
		{ "r=" NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "RFC 5802", E_PROTOCOL },
		{ "m=x,r=" NONCE "y,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "RFC 5802", E_PROTOCOL },
		{ "r=" NONCE "y,s=%%,i=4096", "RFC 5802", E_PROTOCOL },
		{ "r=" NONCE "y,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1", "only 1 times", E_PROTOCOL },
		{ "r=" NONCE "y,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=-5", "at most", E_PROTOCOL },
		{ "r=" NONCE "y,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=", "at most", E_PROTOCOL },
		{ "r=" NONCE "y,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4294967296000", "at most", E_PROTOCOL },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct exchange x;
		begin(&x, *state, SASL_SCRAM_SHA_256, "user", "pencil", NONCE);
		says(&x, NULL, "n,,n=user,r=" NONCE);
		breaks_off(&x, rows[i].first, rows[i].code, rows[i].words);
		end(&x);
	}
	struct exchange x;
	scram_to_final(&x, *state);
	breaks_off(&x, "v=AAAATRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", E_AUTH, "could not prove");
	end(&x);
	scram_to_final(&x, *state);
	says(&x, "e=invalid-proof", ""); /* the refusal follows */
	assert_int_equal(sasl_accepted(x.sasl, &x.err), E_AUTH);
	end(&x);
}

/* Names are escaped, passwords prepared: U+00AA becomes "a", as in RFC 4013 3. */
static void test_scram_names_and_passwords(void **state)
{
	struct exchange x, y;
	begin(&x, *state, SASL_SCRAM_SHA_256, "a=b,c", "I\xC2\xADX", NONCE);
	says(&x, NULL, "n,,n=a=3Db=2Cc,r=" NONCE);
	end(&x);
	char *first = NULL, *second = NULL, *challenge = encoded(SERVER_FIRST, strlen(SERVER_FIRST));
	begin(&x, *state, SASL_SCRAM_SHA_256, "u", "p\xC3\xA4ss", NONCE);
	begin(&y, *state, SASL_SCRAM_SHA_256, "u", "pa\xCC\x88ss", NONCE); /* the same, decomposed */
	says(&x, NULL, "n,,n=u,r=" NONCE);
	says(&y, NULL, "n,,n=u,r=" NONCE);
	assert_int_equal(sasl_step(x.sasl, challenge, &first, &x.err), 0);
	assert_int_equal(sasl_step(y.sasl, challenge, &second, &y.err), 0);
	assert_string_equal(first, second);
	secret_wipe(&first);
	secret_wipe(&second);
	free(challenge);
	end(&x);
	end(&y);
}

static void test_oauth(void **state)
{
	struct exchange x;
	begin(&x, *state, SASL_OAUTHBEARER, "user@example.com", "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==", NULL);
	says(&x, NULL, /* RFC 7628 4.1 */
	     "n,a=user@example.com,\1host=server.example.com\1port=143\1"
	     "auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\1\1");
	assert_int_equal(sasl_accepted(x.sasl, &x.err), 0);
	says(&x, "{\"status\":\"invalid_token\",\"scope\":\"example_scope\",\"openid-configuration\":\"https://x\"}", "\1");
	assert_string_equal(sasl_reason(x.sasl), "invalid_token; scope example_scope");
	assert_int_equal(sasl_accepted(x.sasl, &x.err), E_PROTOCOL);
	breaks_off(&x, "again", E_PROTOCOL, "asks for more");
	end(&x);
	begin(&x, *state, SASL_XOAUTH2, "someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg", NULL);
	says(&x, NULL, "user=someuser@example.com\1auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\1\1");
	says(&x, "{\"status\":\"401\",\"schemes\":\"bearer mac\",\"scope\":\"https://mail.google.com/\"}\n", "");
	assert_string_equal(sasl_reason(x.sasl), "401; scope https://mail.google.com/");
	end(&x);
	begin(&x, *state, SASL_XOAUTH2, "u", "t", NULL);
	says(&x, NULL, "user=u\1auth=Bearer t\1\1");
	says(&x, "no JSON", "");
	assert_string_equal(sasl_reason(x.sasl), "refused");
	end(&x);
}

static void test_external(void **state)
{
	struct exchange x;
	begin(&x, *state, SASL_EXTERNAL, "", "", NULL);
	says(&x, NULL, "");
	end(&x);
	begin(&x, *state, SASL_EXTERNAL, "fred@example.com", "", NULL); /* RFC 4422 A */
	says(&x, NULL, "fred@example.com");
	assert_int_equal(sasl_accepted(x.sasl, &x.err), 0);
	end(&x);
}

/* What does not fit on the first line comes as the answer to the empty challenge. */
static void test_no_room(void **state)
{
	struct exchange x;
	char *said = NULL;
	begin(&x, *state, SASL_PLAIN, "tim", "tanstaaftanstaaf", NULL);
	assert_int_equal(sasl_start(x.sasl, 10, &said, &x.err), 0);
	assert_null(said);
	assert_int_equal(sasl_accepted(x.sasl, &x.err), E_PROTOCOL);
	says_bytes(&x, "", "\0tim\0tanstaaftanstaaf", 21);
	end(&x);
}

static void test_sealed_under_another_key(void **state)
{
	struct exchange x;
	char *said = NULL;
	begin(&x, *state, SASL_PLAIN, "tim", "tanstaaf", NULL);
	free(x.login.secret);
	x.login.secret = must_strdup("v1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	assert_int_equal(sasl_start(x.sasl, 4000, &said, &x.err), E_AUTH);
	assert_non_null(strstr(x.err.text, "Enter it again"));
	end(&x);
}

/* --- choosing ------------------------------------------------------------------------------------------------------ */

static void offer(struct sasl_offer *o, const char *names)
{
	*o = (struct sasl_offer){ .known = 0 };
	for (const char *at = names; *at;) {
		size_t n = strcspn(at, " ");
		sasl_offer_add(o, at, n);
		at += n;
		at += strspn(at, " ");
	}
}

static void test_choice(void **state)
{
	static const struct {
		enum sasl_kind kind;
		enum sasl_mechanism fixed;
		bool secure;
		const char *offered;
		enum sasl_mechanism chosen; /* SASL_AUTO: none, and words are in the sentence */
		const char *words;
	} rows[] = {
		{ SASL_PASSWORD, SASL_AUTO, true, "PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256", SASL_SCRAM_SHA_256, NULL },
		{ SASL_PASSWORD, SASL_AUTO, true, "CRAM-MD5 LOGIN plain", SASL_PLAIN, NULL },
		{ SASL_PASSWORD, SASL_AUTO, true, "CRAM-MD5 LOGIN", SASL_LOGIN, NULL },
		{ SASL_PASSWORD, SASL_AUTO, true, "CRAM-MD5", SASL_CRAM_MD5, NULL },
		{ SASL_PASSWORD, SASL_AUTO, false, "PLAIN LOGIN CRAM-MD5", SASL_CRAM_MD5, NULL },
		{ SASL_PASSWORD, SASL_AUTO, false, "PLAIN LOGIN", SASL_PLAIN, NULL },
		{ SASL_PASSWORD, SASL_CRAM_MD5, true, "PLAIN CRAM-MD5", SASL_CRAM_MD5, NULL },
		{ SASL_PASSWORD, SASL_SCRAM_SHA_256, true, "PLAIN LOGIN", SASL_AUTO, "PLAIN LOGIN, but not SCRAM-SHA-256" },
		{ SASL_PASSWORD, SASL_AUTO, true, "XOAUTH2 GSSAPI", SASL_AUTO, "XOAUTH2 GSSAPI, but not SCRAM" },
		{ SASL_PASSWORD, SASL_AUTO, true, "PLAIN\x01 PLAINX", SASL_AUTO, "mechanisms PLAINX, but not" },
		{ SASL_PASSWORD, SASL_AUTO, true, "", SASL_AUTO, "(none)" },
		{ SASL_BEARER, SASL_AUTO, true, "PLAIN XOAUTH2 OAUTHBEARER", SASL_OAUTHBEARER, NULL },
		{ SASL_BEARER, SASL_AUTO, true, "LOGIN XOAUTH2", SASL_XOAUTH2, NULL },
		{ SASL_BEARER, SASL_AUTO, true, "PLAIN LOGIN", SASL_AUTO, "OAuth token" },
		{ SASL_CERTIFICATE, SASL_AUTO, true, "PLAIN EXTERNAL", SASL_EXTERNAL, NULL },
		{ SASL_CERTIFICATE, SASL_AUTO, false, "PLAIN EXTERNAL", SASL_AUTO, "client certificate" },
		{ SASL_MISSING, SASL_AUTO, true, "PLAIN LOGIN XOAUTH2", SASL_AUTO, "not there yet" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sasl_login login = { .kind = rows[i].kind, .mechanism = rows[i].fixed };
		struct sasl_offer offered;
		enum sasl_mechanism m = SASL_AUTO;
		struct err e = { 0 };
		offer(&offered, rows[i].offered);
		int rc = sasl_choose(&login, &offered, rows[i].secure, &m, &e);
		if (rows[i].chosen != SASL_AUTO ? rc != 0 || m != rows[i].chosen
		                                : rc != E_AUTH || !strstr(e.text, rows[i].words))
			fail_msg("row %zu (%s): %s, %s", i, rows[i].offered, sasl_name(m), e.text);
	}
}

static void test_scrub(void **state)
{
	struct exchange x;
	begin(&x, *state, SASL_PLAIN, "tim", "tanstaaf", NULL);
	char text[] = "no tanstaaf, dGFuc3RhYWY=, AHRpbQB0YW5zdGFhZg== tim";
	sasl_scrub(&x.login, ((const struct fixture *)*state)->keyring, text);
	assert_string_equal(text, "no ********, ************, ******************** tim");
	end(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),    cmocka_unit_test(test_login),
		cmocka_unit_test(test_cram_md5), cmocka_unit_test(test_scram),
		cmocka_unit_test(test_oauth),    cmocka_unit_test(test_scram_server_that_lies),
		cmocka_unit_test(test_external), cmocka_unit_test(test_scram_names_and_passwords),
		cmocka_unit_test(test_no_room),  cmocka_unit_test(test_sealed_under_another_key),
		cmocka_unit_test(test_choice),   cmocka_unit_test(test_scrub),
	};
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
