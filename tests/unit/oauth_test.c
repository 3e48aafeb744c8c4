/* SPDX-License-Identifier: Apache-2.0
 * What authorization servers say, right and wrong: metadata documents, tokens, errors, device codes. */
#include "tests/unit/world.h"

#include "services/email/oauth/metadata.h"
#include "services/email/oauth/token.h"

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
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
