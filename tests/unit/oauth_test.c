/* SPDX-License-Identifier: Apache-2.0
 * What authorization servers say, right and wrong: metadata documents, tokens, errors, device codes. */
#include "tests/unit/world.h"

#include "services/email/oauth/grant.h"
#include "services/email/oauth/jwt.h"
#include "services/email/oauth/metadata.h"
#include "tests/unit/pki.h"

#include <gnutls/crypto.h>

#define ENDPOINT "https://login.test/tenant"

/* --- metadata ----------------------------------------------------------------------------------------------------- */

static void places_of_the_document(void **state)
{
	static const char *const places[][3] = {
		{ "https://a.test", "https://a.test/.well-known/openid-configuration",
		  "https://a.test/.well-known/oauth-authorization-server" },
		{ "https://a.test/", "https://a.test/.well-known/openid-configuration",
		  "https://a.test/.well-known/oauth-authorization-server" },
		{ "https://a.test:8/t/v2.0", "https://a.test:8/t/v2.0/.well-known/openid-configuration",
		  "https://a.test:8/.well-known/oauth-authorization-server/t/v2.0" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		for (int which = 0; which < METADATA_PLACES; which++) {
			char *place = metadata_place(places[i][0], which);
			assert_string_equal(place, places[i][which + 1]);
			free(place);
		}
	assert_null(metadata_place("https://a.test", METADATA_PLACES));
}

static void a_document_is_read(void **state)
{
	static const char text[] =
	    "{\"issuer\":\"https://login.test/tenant/\",\"token_endpoint\":\"https://login.test/token\","
	    "\"device_authorization_endpoint\":\"https://login.test/device\","
	    "\"token_endpoint_auth_methods_supported\":[1,\"client_secret_post\"],"
	    "\"authorization_response_iss_parameter_supported\":true}";
	struct oauth_metadata m;
	struct err e;
	(void)state;
	assert_int_equal(metadata_parse(text, strlen(text), ENDPOINT, &m, &e), 0);
	assert_string_equal(m.issuer, "https://login.test/tenant/");
	assert_string_equal(m.token_endpoint, "https://login.test/token");
	assert_string_equal(m.device_authorization_endpoint, "https://login.test/device");
	assert_null(m.authorization_endpoint);
	assert_true(m.secret_in_form);
	assert_true(m.names_issuer);
	metadata_finish(&m);
}

static void wrong_documents_are_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} wrong[] = {
		{ "", "no metadata document" },
		{ "<html>Welcome</html>", "no metadata document" },
		{ "[]", "no metadata document" },
		{ "{\"issuer\":7}", "no metadata document" },
		{ "{\"issuer\":\"https://evil.test\",\"token_endpoint\":\"https://login.test/token\"}", "calls itself" },
		{ "{\"issuer\":\"https://login.test/tenant2\",\"token_endpoint\":\"https://login.test/token\"}",
		  "calls itself" },
		{ "{\"issuer\":\"https://login.microsoftonline.com/x\",\"token_endpoint\":\"https://login.test/token\"}",
		  "calls itself" },
		{ "{\"issuer\":\"" ENDPOINT "\"}", "token_endpoint" },
		{ "{\"issuer\":\"" ENDPOINT "\",\"token_endpoint\":\"http://login.test/token\"}", "not asked" },
		{ "{\"issuer\":\"" ENDPOINT
		  "\",\"token_endpoint\":\"https://login.test/t\",\"revocation_endpoint\":\"ldap://x\"}",
		  "not asked" },
	};
	struct oauth_metadata m;
	struct err e;
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(metadata_parse(wrong[i].text, strlen(wrong[i].text), ENDPOINT, &m, &e), E_PROTOCOL);
		assert_non_null(strstr(e.text, wrong[i].why));
		assert_null(m.issuer);
	}
}

static void microsoft_names_tenants_by_number(void **state)
{
	static const char text[] = "{\"issuer\":\"https://login.microsoftonline.com/0f1e/v2.0\","
	                           "\"token_endpoint\":\"https://login.microsoftonline.com/0f1e/oauth2/v2.0/token\"}";
	struct oauth_metadata m;
	struct err e;
	(void)state;
	assert_int_equal(metadata_parse(text, strlen(text), "https://login.microsoftonline.com/plant.example/v2.0", &m, &e),
	                 0);
	metadata_finish(&m);
}

/* --- tokens ------------------------------------------------------------------------------------------------------- */

static struct token_answer judged(int status, const char *body, const char *form)
{
	struct https_answer a = { .status = status, .type = "application/json", .body = body, .length = strlen(body) };
	struct token_answer t;
	token_judge(&a, form, &t);
	return t;
}

static void tokens_are_taken(void **state)
{
	struct token_answer t = judged(200,
	                               "{\"access_token\":\"abc\",\"token_type\":\"bearer\",\"expires_in\":\"120\","
	                               "\"refresh_token\":\"r1\",\"refresh_token_expires_in\":86400}",
	                               NULL);
	(void)state;
	assert_int_equal(t.outcome, TOKEN_GRANTED);
	assert_string_equal(t.access_token, "abc");
	assert_string_equal(t.refresh_token, "r1");
	assert_int_equal(t.lifetime, 120 * SECOND_US);
	assert_int_equal(t.grant_lifetime, 86400 * SECOND_US);
	token_finish(&t);
	t = judged(200, "{\"access_token\":\"abc\",\"token_type\":\"Bearer\"}", NULL);
	assert_int_equal(t.lifetime, 3600 * SECOND_US);
	assert_null(t.refresh_token);
	token_finish(&t);
}

static void outcomes(void **state)
{
	static const struct {
		int status;
		const char *body;
		enum token_outcome outcome;
		const char *why;
	} rows[] = {
		{ 200, "<html>Please log in</html>", TOKEN_FAILED, "proxy or a login" },
		{ 200, "", TOKEN_FAILED, "proxy or a login" },
		{ 200, "{}", TOKEN_FAILED, "no usable token" },
		{ 200, "{\"access_token\":\"a\\u0001b\",\"token_type\":\"Bearer\"}", TOKEN_FAILED, "no usable token" },
		{ 200, "{\"access_token\":\"a\\r\\nRCPT\",\"token_type\":\"Bearer\"}", TOKEN_FAILED, "no usable token" },
		{ 200, "{\"access_token\":\"abc\",\"token_type\":\"mac\"}", TOKEN_FAILED, "bearer" },
		{ 200, "{\"access_token\":[],\"token_type\":\"Bearer\"}", TOKEN_FAILED, "no usable token" },
		{ 200, "{\"error\":\"invalid_grant\"}", TOKEN_ENDED, "Authorize again" },
		{ 400, "{\"error\":\"invalid_grant\",\"error_description\":\"gone\\n\\u0007\"}", TOKEN_ENDED, "gone" },
		{ 400, "{\"error\":\"authorization_pending\"}", TOKEN_PENDING, "code" },
		{ 400, "{\"error\":\"slow_down\"}", TOKEN_SLOW_DOWN, "code" },
		{ 400, "{\"error\":\"expired_token\"}", TOKEN_ENDED, "in time" },
		{ 400, "{\"error\":\"access_denied\"}", TOKEN_DENIED, "denied" },
		{ 401, "{\"error\":\"invalid_client\"}", TOKEN_REFUSED, "clientId" },
		{ 400, "{\"error\":\"invalid_scope\"}", TOKEN_REFUSED, "scope" },
		{ 400, "{\"error\":\"something_new\"}", TOKEN_FAILED, "something_new" },
		{ 429, "{\"error\":\"invalid_grant\"}", TOKEN_FAILED, "429" },
		{ 503, "{\"error\":\"invalid_client\"}", TOKEN_FAILED, "503" },
		{ 302, "{}", TOKEN_FAILED, "302" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct token_answer t = judged(rows[i].status, rows[i].body, NULL);
		assert_int_equal(t.outcome, rows[i].outcome);
		assert_non_null(strstr(t.err.text, rows[i].why));
		for (const char *p = t.err.text; *p; p++)
			assert_true((unsigned char)*p >= ' ');
		token_finish(&t);
	}
}

static void a_server_that_repeats_a_secret_is_not_quoted(void **state)
{
	struct token_answer t =
	    judged(400, "{\"error\":\"invalid_grant\",\"error_description\":\"no token 'verysecrettoken1' here\"}",
	           "grant_type=refresh_token&refresh_token=verysecrettoken1");
	(void)state;
	assert_int_equal(t.outcome, TOKEN_ENDED);
	assert_null(strstr(t.err.text, "verysecret"));
	token_finish(&t);
}

/* --- device codes ------------------------------------------------------------------------------------------------- */

static void device_codes(void **state)
{
	static const char good[] = "{\"device_code\":\"d\",\"user_code\":\"WDJB-MJHT\",\"verification_uri\":\"https://"
	                           "login.test/device\",\"expires_in\":900}";
	static const char *const bad[] = {
		"", "{}", "{\"device_code\":\"d\",\"user_code\":\"W\",\"verification_uri\":\"javascript:alert(1)\"}",
		"{\"error\":\"invalid_client\"}"
	};
	struct https_answer a = { .status = 200, .body = good, .length = strlen(good) };
	struct device_answer d;
	struct err e;
	(void)state;
	assert_int_equal(device_judge(&a, &d, &e), 0);
	assert_string_equal(d.user_code, "WDJB-MJHT");
	assert_int_equal(d.interval, 5 * SECOND_US);
	assert_int_equal(d.lifetime, 900 * SECOND_US);
	device_finish(&d);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		a.body = bad[i];
		a.length = strlen(bad[i]);
		assert_int_not_equal(device_judge(&a, &d, &e), 0);
		assert_null(d.device_code);
	}
}

/* --- the grant, in virtual time ----------------------------------------------------------------------------------- */

#define MINUTE (60 * SECOND_US)

/* A grant that has a token for an hour, given at time 0. */
static struct grant held(void)
{
	struct grant g;
	grant_reset(&g, true);
	assert_int_equal(grant_next(&g, 0), NEED_METADATA);
	assert_int_equal(grant_next(&g, 0), NEED_NOTHING); /* under way */
	grant_discovered(&g);
	assert_int_equal(grant_next(&g, 0), NEED_TOKEN);
	grant_given(&g, 0, 60 * MINUTE, false, 0.5);
	return g;
}

static void a_token_is_renewed_ahead_of_its_end(void **state)
{
	(void)state;
	struct grant g = held();
	assert_int_equal(grant_next(&g, MINUTE), NEED_TIME);
	assert_true(g.wake > 45 * MINUTE && g.wake < 57 * MINUTE);
	assert_true(grant_valid(&g, g.wake));
	assert_int_equal(grant_next(&g, g.wake), NEED_TOKEN);
	assert_false(grant_valid(&g, 60 * MINUTE));
	for (int64_t lifetime = SECOND_US; lifetime < 100 * MINUTE; lifetime += 7 * SECOND_US)
		for (int dice = 0; dice <= 1; dice++) {
			grant_given(&g, 0, lifetime, false, dice);
			assert_true(g.refresh > 0 && g.refresh <= g.expires && g.expires < lifetime);
		}
}

static void a_failed_renewal_is_tried_again_and_the_token_serves_on(void **state)
{
	(void)state;
	struct grant g = held();
	int64_t now = g.refresh, last = 0;
	for (int i = 0; i < 12; i++) {
		assert_int_equal(grant_next(&g, now), NEED_TOKEN);
		grant_failed(&g, now, TOKEN_FAILED, true, 0);
		assert_int_equal(grant_next(&g, now), NEED_TIME);
		assert_true(g.wake - now >= last && g.wake - now <= 5 * MINUTE);
		last = g.wake - now;
		now = g.wake;
	}
	assert_int_equal(last, 5 * MINUTE);
	assert_true(grant_valid(&g, 59 * MINUTE));
}

static void an_ended_grant_waits_for_its_person(void **state)
{
	(void)state;
	struct grant g = held();
	assert_int_equal(grant_next(&g, g.refresh), NEED_TOKEN);
	grant_failed(&g, g.refresh, TOKEN_ENDED, true, 0);
	assert_int_equal(grant_next(&g, INT64_MAX / 2), NEED_NOTHING);
	assert_false(grant_valid(&g, g.refresh));
	g = held(); /* a client that asks on its own goes on asking, slowly */
	grant_failed(&g, 0, TOKEN_ENDED, false, 0);
	assert_int_equal(grant_next(&g, 0), NEED_TIME);
	assert_int_equal(g.wake, 15 * MINUTE);
}

static void a_rotated_token_is_saved_before_anything_else(void **state)
{
	(void)state;
	struct grant g = held();
	grant_given(&g, 0, MINUTE, true, 0);
	assert_int_equal(grant_next(&g, 0), NEED_SAVE);
	grant_saved(&g, 0, false); /* the disk refuses: the token is used, and writing is tried again */
	assert_true(grant_valid(&g, 0));
	assert_int_equal(grant_next(&g, 0), NEED_TIME);
	assert_int_equal(grant_next(&g, g.wake), NEED_SAVE);
	grant_saved(&g, g.wake, true);
	assert_int_not_equal(grant_next(&g, 0), NEED_SAVE);
}

static void a_device_code_is_polled_as_the_server_wishes(void **state)
{
	(void)state;
	struct device_poll p;
	device_poll_begin(&p, 0, 5 * SECOND_US, 10 * MINUTE);
	assert_int_equal(p.next, 5 * SECOND_US);
	assert_true(device_poll_again(&p, p.next, TOKEN_PENDING));
	assert_int_equal(p.next, 10 * SECOND_US);
	assert_true(device_poll_again(&p, p.next, TOKEN_SLOW_DOWN));
	assert_int_equal(p.next, 20 * SECOND_US);
	assert_true(device_poll_again(&p, p.next, TOKEN_PENDING)); /* slower from now on */
	assert_int_equal(p.next, 30 * SECOND_US);
	assert_true(device_poll_again(&p, p.next, TOKEN_FAILED));
	assert_false(device_poll_again(&p, 10 * MINUTE, TOKEN_PENDING));
	device_poll_begin(&p, 0, SECOND_US, MINUTE);
	assert_false(device_poll_again(&p, SECOND_US, TOKEN_DENIED));
}

/* --- assertions --------------------------------------------------------------------------------------------------- */

/* Verifies a JWT with the certificate's key, as the server does; ECDSA back into DER. */
static void verify(const char *jwt, gnutls_x509_crt_t certificate, gnutls_sign_algorithm_t algorithm, bool pair)
{
	unsigned char raw[600];
	size_t length;
	const char *dot = strrchr(jwt, '.');
	assert_int_equal(sodium_base642bin(raw, sizeof raw, dot + 1, strlen(dot + 1), NULL, &length, NULL,
	                                   sodium_base64_VARIANT_URLSAFE_NO_PADDING),
	                 0);
	gnutls_datum_t data = { (unsigned char *)(uintptr_t)jwt, (unsigned)(dot - jwt) },
	               signature = { raw, (unsigned)length };
	if (pair) {
		gnutls_datum_t r = { raw, (unsigned)length / 2 }, s = { raw + length / 2, (unsigned)length / 2 };
		assert_int_equal(length, 64);
		must(gnutls_encode_rs_value(&signature, &r, &s) == 0);
	}
	gnutls_pubkey_t key;
	must(gnutls_pubkey_init(&key) == 0 && gnutls_pubkey_import_x509(key, certificate, 0) == 0);
	assert_true(gnutls_pubkey_verify_data2(key, algorithm, 0, &data, &signature) >= 0);
	gnutls_pubkey_deinit(key);
	if (pair)
		gnutls_free(signature.data);
}

static void assertions_are_signed(void **state)
{
	(void)state;
	struct pair p = pair_make((struct wish){ .cn = "station" });
	gnutls_privkey_t key;
	must(gnutls_privkey_init(&key) == 0 && gnutls_privkey_import_x509(key, p.key, 0) == 0);
	for (int i = 0; i < 40; i++) { /* numbers with leading zeros come along */
		json_t *claims = json_pack("{s:s, s:i}", "iss", "belfry", "jti", i);
		struct err e;
		char *jwt = jwt_sign(claims, key, p.crt, &e);
		assert_non_null(jwt);
		verify(jwt, p.crt, GNUTLS_SIGN_ECDSA_SHA256, true);
		secret_wipe(&jwt);
		json_decref(claims);
	}
	gnutls_privkey_deinit(key);
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_of_the_document),
		cmocka_unit_test(a_document_is_read),
		cmocka_unit_test(wrong_documents_are_refused),
		cmocka_unit_test(microsoft_names_tenants_by_number),
		cmocka_unit_test(tokens_are_taken),
		cmocka_unit_test(outcomes),
		cmocka_unit_test(a_server_that_repeats_a_secret_is_not_quoted),
		cmocka_unit_test(device_codes),
		cmocka_unit_test(a_token_is_renewed_ahead_of_its_end),
		cmocka_unit_test(a_failed_renewal_is_tried_again_and_the_token_serves_on),
		cmocka_unit_test(an_ended_grant_waits_for_its_person),
		cmocka_unit_test(a_rotated_token_is_saved_before_anything_else),
		cmocka_unit_test(a_device_code_is_polled_as_the_server_wishes),
		cmocka_unit_test(assertions_are_signed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
