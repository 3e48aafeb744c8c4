/* SPDX-License-Identifier: Apache-2.0
 * The HTTPS client: trust decided before a byte is sent, refused certificates as rows, bounds, deadlines, cancelling. */
#include "tests/unit/world.h"

#include "services/email/oauth/https.h"
#include "services/trust/allowed_host.h"
#include "services/trust/user_store.h"
#include "tests/unit/peer.h"

static struct {
	struct pair root, server, other, self;
} pki;

static int make_pki(void **state)
{
	(void)state;
	pki.root = pair_make((struct wish){ .cn = "Plant Root", .ca = true });
	pki.server = pair_make((struct wish){ .cn = "idp", .names = { "localhost", "ip:127.0.0.1" }, .issuer = &pki.root });
	pki.other = pair_make((struct wish){ .cn = "idp", .names = { "elsewhere.test" }, .issuer = &pki.root });
	pki.self = pair_make((struct wish){ .cn = "idp", .names = { "localhost", "ip:127.0.0.1" } });
	return 0;
}

static int free_pki(void **state)
{
	(void)state;
	pairs_free((struct pair *)&pki, sizeof pki / sizeof(struct pair));
	return 0;
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

struct answer {
	bool there;
	struct https_answer a;
	char body[256];
};

static void keep(void *context, const struct https_answer *a)
{
	struct answer *answer = context;
	answer->there = true;
	answer->a = *a;
	snprintf(answer->body, sizeof answer->body, "%s", a->body);
}

static struct answer ask(struct world *w, int port, const char *path, char *form, int64_t deadline)
{
	struct answer answer = { .there = false };
	char url[100];
	snprintf(url, sizeof url, "https://127.0.0.1:%d%s", port, path);
	struct https_request r = { .url = url, .form = form, .deadline = deadline };
	https_start(&w->station, &r, keep, &answer);
	turn_until(w, &answer.there);
	return answer;
}

struct changed {
	bool done;
	int code;
};

static void change_done(void *context, int code, const struct err *e, const json_t *answer)
{
	(void)e, (void)answer;
	*(struct changed *)context = (struct changed){ true, code };
}

static const struct actor admin = { .user = "admin", .role = ROLE_ADMIN, .via = "session" };

static void trust_root(struct world *w)
{
	struct changed end = { .done = false };
	user_store_import(trust_service_of(&w->station), &admin, "root", pki.root.pem, strlen(pki.root.pem), change_done,
	                  &end);
	turn_until(w, &end.done);
	assert_int_equal(end.code, 0);
}

/* An answer without end mark in it, and the wait for the client to have seen enough. */
#define SAY(length, body)                                                                                              \
	"<\n>HTTP/1.1 200 OK\n>Content-Type: application/JSON; charset=utf-8\n>Date: Fri, 27 Nov 2026 16:00:00 GMT\n>"     \
	"Content-Length: " length "\n>\n>" body "\ngone"

static void a_trusted_server_answers(void **state)
{
	struct world *w = *state;
	struct peer peer = { .certificate = &pki.server,
		                 .scripts = { "tls\n" SAY("4", "{}"), "tls\n<POST /token HTTP/1.1\n" SAY("4", "{}") } };
	trust_root(w);
	peer_start(&peer);
	struct answer a = ask(w, peer.port, "/x", NULL, 0);
	assert_int_equal(a.a.err.code, 0);
	assert_int_equal(a.a.status, 200);
	assert_string_equal(a.a.type, "application/json");
	assert_string_equal(a.body, "{}\r\n");
	assert_int_equal(a.a.date, INT64_C(1795795200) * SECOND_US);
	a = ask(w, peer.port, "/token", secret_lock("a=b", 3), 0);
	assert_int_equal(a.a.err.code, 0);
	assert_string_equal(peer.wrong, "");
	peer_stop(&peer);
}

/* What the allowed-hosts row of the only refused peer says. */
static json_t *only_row(struct world *w)
{
	json_t *list = NULL;
	TURN_UNTIL(w, (json_decref(list), json_array_size(list = allowed_host_list(trust_service_of(&w->station)))));
	json_t *row = json_incref(json_array_get(list, 0));
	json_decref(list);
	return row;
}

static void refused(struct world *w, const struct pair *certificate, const char *why)
{
	struct peer peer = { .certificate = certificate, .scripts = { "tls\ngone" } };
	peer_start(&peer);
	struct answer a = ask(w, peer.port, "/token", secret_lock("client_secret=hidden", 20), 0);
	assert_int_equal(a.a.err.code, E_UNTRUSTED);
	assert_non_null(strstr(a.a.err.text, why));
	json_t *row = only_row(w);
	assert_false(json_boolean_value(json_object_get(row, "approved")));
	json_decref(row);
	shutdown(peer.listener, SHUT_RDWR);
	must(pthread_join(peer.thread, NULL) == 0);
	assert_int_equal(peer.heard_length, 0); /* not a byte of the request */
	close(peer.listener);
	free(peer.heard);
	sem_destroy(&peer.go);
}

static void a_server_of_an_unknown_ca_hears_nothing(void **state)
{
	refused(*state, &pki.server, "neither trust store");
}

static void a_server_of_another_name_hears_nothing(void **state)
{
	trust_root(*state);
	refused(*state, &pki.other, "elsewhere.test");
}

static void an_approved_key_is_trusted_and_another_is_not(void **state)
{
	struct world *w = *state;
	struct peer peer = { .certificate = &pki.self, .scripts = { "tls\ngone", "tls\n" SAY("4", "{}") } };
	peer_start(&peer);
	assert_int_equal(ask(w, peer.port, "/x", NULL, 0).a.err.code, E_UNTRUSTED);
	json_t *row = only_row(w);
	struct changed end = { .done = false };
	allowed_host_approve(trust_service_of(&w->station), &admin, json_string_value(json_object_get(row, "host")),
	                     "Looked at it.", ABSTIME_NULL, NULL, change_done, &end);
	turn_until(w, &end.done);
	assert_int_equal(end.code, 0);
	json_decref(row);
	assert_int_equal(ask(w, peer.port, "/x", NULL, 0).a.err.code, 0);
	peer_stop(&peer);
}

/* --- bounds ------------------------------------------------------------------------------------------------------- */

static void a_huge_answer_is_refused(void **state)
{
	struct world *w = *state;
	char *script = must_alloc(200000), *at = script;
	at += snprintf(at, 100, "tls\n<\n>HTTP/1.1 200 OK\n>\n");
	for (int i = 0; i < 6; i++) /* a TLS record each */
		at += snprintf(at, 13000, "-\n>%012000d\n", 0);
	snprintf(at, 20, "gone");
	struct peer peer = { .certificate = &pki.server, .scripts = { script } };
	trust_root(w);
	peer_start(&peer);
	struct answer a = ask(w, peer.port, "/x", NULL, 0);
	assert_int_equal(a.a.err.code, E_PROTOCOL);
	assert_non_null(strstr(a.a.err.text, "64 KiB"));
	peer_stop(&peer);
	free(script);
}

static void a_silent_server_meets_the_deadline(void **state)
{
	struct world *w = *state;
	struct peer peer = { .certificate = &pki.server, .scripts = { "tls\n<GET\ngone" } };
	trust_root(w);
	peer_start(&peer);
	struct answer a = ask(w, peer.port, "/x", NULL, SECOND_US);
	assert_int_equal(a.a.err.code, E_TIMEOUT);
	peer_stop(&peer);
}

static void a_redirect_is_not_followed(void **state)
{
	struct world *w = *state;
	struct peer peer = { .certificate = &pki.server,
		                 .scripts = {
		                     "tls\n<\n>HTTP/1.1 307 Away\n>Location: https://127.0.0.1:1/\n>Content-Length: 0\n>" } };
	trust_root(w);
	peer_start(&peer);
	assert_int_equal(ask(w, peer.port, "/x", NULL, 0).a.status, 307);
	peer_stop(&peer);
}

static void nobody_listens(void **state)
{
	struct world *w = *state;
	struct peer peer = { .certificate = &pki.server };
	peer_start(&peer);
	peer_stop(&peer);
	assert_int_equal(ask(w, peer.port, "/x", NULL, 0).a.err.code, E_NETWORK);
}

static void a_cancelled_call_is_silent(void **state)
{
	struct world *w = *state;
	struct peer peer = { .certificate = &pki.server, .scripts = { "tls\n<GET\ngone" } };
	struct answer answer = { .there = false };
	char url[100];
	peer_start(&peer);
	snprintf(url, sizeof url, "https://127.0.0.1:%d/x", peer.port);
	struct https_request r = { .url = url };
	struct https_call *call = https_start(&w->station, &r, keep, &answer);
	https_cancel(&call);
	assert_null(call);
	https_cancel(&call);
	assert_int_equal(ask(w, 1, "/x", NULL, 0).a.err.code, E_NETWORK); /* what came before it has ended */
	assert_false(answer.there);
	peer_stop(&peer);
}

static void wrong_addresses_are_refused(void **state)
{
	static const char *const wrong[] = { "",
		                                 "x",
		                                 "http://a.test",
		                                 "https://",
		                                 "https://u:p@a.test/",
		                                 "https://a.test/#x",
		                                 "file:///etc/passwd",
		                                 "https://a.test:99999/" };
	struct err e;
	char host[256];
	int port;
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(https_url_check(wrong[i], host, &port, &e), E_INVALID);
	assert_int_equal(https_url_check("https://[::1]:8443/x?y=1", host, &port, &e), 0);
	assert_string_equal(host, "::1");
	assert_int_equal(port, 8443);
	assert_int_equal(https_url_check("https://login.test", host, &port, &e), 0);
	assert_int_equal(port, 443);
}

static void link_local_is_not_spoken_to(void **state)
{
	struct world *w = *state;
	struct answer answer = { .there = false };
	struct https_request r = { .url = "https://169.254.169.254/latest" };
	https_start(&w->station, &r, keep, &answer);
	turn_until(w, &answer.there);
	assert_int_equal(answer.a.err.code, E_NETWORK);
	assert_non_null(strstr(answer.a.err.text, "link-local"));
}

static void forms_and_logins_are_encoded(void **state)
{
	(void)state;
	char *form =
	    https_form((struct form_pair[]){ { "grant_type", "a b&c" }, { "scope", NULL }, { "p", "ä=" }, { NULL, NULL } });
	assert_string_equal(form, "grant_type=a%20b%26c&p=%C3%A4%3D");
	secret_wipe(&form);
	char *basic = https_basic("id:1", "s e");
	assert_string_equal(basic, "Basic aWQlM0ExOnMlMjBl");
	secret_wipe(&basic);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_STATION(a_trusted_server_answers),
		IN_STATION(a_server_of_an_unknown_ca_hears_nothing),
		IN_STATION(a_server_of_another_name_hears_nothing),
		IN_STATION(an_approved_key_is_trusted_and_another_is_not),
		IN_STATION(a_huge_answer_is_refused),
		IN_STATION(a_silent_server_meets_the_deadline),
		IN_STATION(a_redirect_is_not_followed),
		IN_STATION(nobody_listens),
		IN_STATION(a_cancelled_call_is_silent),
		cmocka_unit_test(wrong_addresses_are_refused),
		IN_STATION(link_local_is_not_spoken_to),
		cmocka_unit_test(forms_and_logins_are_encoded),
	};
	return cmocka_run_group_tests(tests, make_pki, free_pki);
}
