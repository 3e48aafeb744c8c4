/* SPDX-License-Identifier: Apache-2.0
 * What somebody counts on and ends soon is an alarm in time, and the alarm ends when it is renewed, removed or not used any
 * more: keys in use, the certificate for HTTPS, approvals, certificates of recipients. On a clock that the test sets. */
#include "tests/unit/world.h"

#include "services/trust/key_store.h"
#include "services/trust/recipient_store.h"
#include "tests/unit/pki.h"

#define ACCOUNT "/Services/EmailService/OutgoingAccount"
enum { HOUR = 3600, DAY = 86400 };
static const struct actor ada = { .user = "ada", .role = ROLE_ADMIN, .via = "session" };

static struct trust_service *service(struct world *w)
{
	struct trust_service *t = trust_service_of(&w->station);
	assert_non_null(t);
	return t;
}

static void go_on(struct world *w, int64_t seconds)
{
	clock_advance(&w->station.clock, seconds * SECOND_US);
	station_turn(&w->station);
}

static bool in_alarm(struct world *w, const char *condition)
{
	return alarm_support_in_alarm(&w->station, &service(w)->c, condition);
}

/* Changes a property as a person does. */
static void configure(struct world *w, const char *path, const char *values)
{
	struct ended end;
	json_t *json = json_loads(values, 0, NULL);
	struct batch *b = batch_new(&w->station, &ada);
	batch_set_json(b, station_by_path(&w->station, path)->handle, json, "/values");
	json_decref(json);
	if (submit(w, b, &end) != 0)
		fail_msg("%s: %s", end.pointers[0], end.details[0]);
	go_on(w, 0);
}

/* Days of virtual time would read /proc every five seconds of them. */
static int setup(void **state)
{
	int rc = station_setup(state);
	configure(*state, "/Services/PlatformService", "{\"updateInterval\":\"1h\"}");
	return rc;
}

static void ended(void *context, int code, const struct err *e, const json_t *answer)
{
	(void)answer;
	if (code != 0)
		fail_msg("%s", e->text);
	*(bool *)context = true;
}

static void add_key_for(struct world *w, const char *alias, int days, const char *usage)
{
	struct key_request r = { 0 };
	struct report report = { 0 };
	bool done = false;
	json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:i}", "alias", alias, "commonName", alias, "usage", usage,
	                         "keyAlgorithm", "EC", "days", days);
	assert_int_equal(key_request_read(&r, json, &report), 0);
	json_decref(json);
	report_finish(&report);
	key_store_generate(service(w), &ada, &r, ended, &done);
	turn_until(w, &done);
	go_on(w, 0);
}

static void add_key(struct world *w, const char *alias, int days)
{
	add_key_for(w, alias, days, "client");
}

struct removal {
	bool done;
	int code;
};

static void removed(void *context, int code, const struct err *e, const json_t *answer)
{
	(void)e, (void)answer;
	*(struct removal *)context = (struct removal){ true, code };
}

static int remove_key(struct world *w, const char *alias)
{
	struct removal r = { 0 };
	key_store_remove(service(w), &ada, alias, removed, &r);
	turn_until(w, &r.done);
	go_on(w, 0);
	return r.code;
}

static void a_key_in_use_warns_before_it_ends(void **state)
{
	struct world *w = *state;
	add_key(w, "plant", 30);
	add_key(w, "next", 300);
	add_key(w, "unused", 30);
	configure(w, ACCOUNT, "{\"clientCertificate\":\"plant\"}");
	go_on(w, 15 * DAY);
	assert_false(in_alarm(w, NULL));
	go_on(w, DAY + HOUR);
	assert_true(in_alarm(w, "key:plant"));
	assert_false(in_alarm(w, "key:unused"));
	int64_t wall = station_now(&w->station);
	world_restart(w, station_types);
	w->station.clock.wall = wall;
	go_on(w, 0);
	assert_true(in_alarm(w, "key:plant"));
	configure(w, ACCOUNT, "{\"clientCertificate\":\"next\"}");
	assert_false(in_alarm(w, NULL));
}

/* Whatever brings or takes a use of it is seen at once: a property, an authenticator, an account that comes or goes. */
static void a_change_of_use_is_seen_at_once(void **state)
{
	static const char other[] = "{\"emailAuthenticator\":{\"type\":\"email:NoAuthEmailClientAuthenticator\"}}",
	                  oauth[] = "{\"emailAuthenticator\":{\"type\":\"email:OAuthEmailClientCertificateAuthenticator\","
	                            "\"clientCertificate\":\"plant\"}}";
	struct world *w = *state;
	add_key(w, "plant", 5);
	assert_false(in_alarm(w, NULL));
	configure(w, ACCOUNT, oauth);
	assert_true(in_alarm(w, "key:plant"));
	configure(w, ACCOUNT, other);
	assert_false(in_alarm(w, NULL));
	struct batch *b = batch_new(&w->station, &ada);
	struct component *service = station_by_path(&w->station, "/Services/EmailService");
	json_t *values = json_pack("{s:s}", "signingKey", "plant");
	struct ended end;
	uint64_t added = batch_add(b, service->handle, "Second", "email:OutgoingAccount", values, "/values");
	json_decref(values);
	assert_int_equal(submit(w, b, &end), 0);
	go_on(w, 0);
	assert_true(in_alarm(w, "key:plant"));
	b = batch_new(&w->station, &ada);
	batch_remove(b, added);
	assert_int_equal(submit(w, b, &end), 0);
	go_on(w, 0);
	assert_false(in_alarm(w, NULL));
}

static void a_key_in_use_is_not_removed(void **state)
{
	struct world *w = *state;
	add_key(w, "plant", 5);
	configure(w, ACCOUNT, "{\"signingKey\":\"plant\"}");
	assert_int_equal(remove_key(w, "plant"), E_CONFLICT);
	assert_true(in_alarm(w, "key:plant"));
	configure(w, ACCOUNT, "{\"signingKey\":\"\"}");
	assert_false(in_alarm(w, NULL));
	assert_int_equal(remove_key(w, "plant"), 0);
}

/* The station's own certificate counts as long as it is the one for HTTPS. */
static void the_certificate_for_https_is_the_one_that_is_chosen(void **state)
{
	struct world *w = *state;
	struct trust_service *t = service(w);
	w->station.clock.wall = (int64_t)time(NULL) * SECOND_US; /* as the certificates are */
	struct pair soon = pair_make((struct wish){ .cn = "x", .from = -1, .until = 5 });
	t->own_certificate = must_strdup(soon.pem);
	add_key_for(w, "web", 200, "server");
	assert_true(in_alarm(w, "https"));
	configure(w, "/Services/WebService", "{\"httpsCert\":\"web\"}");
	assert_false(in_alarm(w, "https"));
	go_on(w, 190 * DAY);
	assert_true(in_alarm(w, "key:web"));
	pair_free(&soon);
}

static void the_time_is_the_person_s_choice(void **state)
{
	struct world *w = *state;
	add_key(w, "plant", 30);
	configure(w, ACCOUNT, "{\"clientCertificate\":\"plant\"}");
	configure(w, "/Services/TrustService", "{\"expiryWarning\":\"744h\"}");
	assert_true(in_alarm(w, "key:plant"));
	configure(w, "/Services/TrustService", "{\"expiryWarning\":\"24h\"}");
	assert_false(in_alarm(w, "key:plant"));
	go_on(w, 29 * DAY + HOUR);
	assert_true(in_alarm(w, "key:plant"));
	configure(w, "/Services/TrustService", "{\"expiryWarning\":0}");
	assert_false(in_alarm(w, "key:plant"));
	go_on(w, DAY);
	assert_true(in_alarm(w, "key:plant")); /* it has ended */
}

static void the_other_stores_warn_too(void **state)
{
	struct world *w = *state;
	struct trust_service *t = service(w);
	char host[] = "mail.test:465", none[] = "", address[] = "bob@mail.test";
	w->station.clock.wall = (int64_t)time(NULL) * SECOND_US; /* as the certificates are */
	struct pair soon = pair_make((struct wish){ .cn = "x", .from = -1, .until = 5 });
	struct allowed_host approval = { .host = host,
		                             .approved = true,
		                             .expires.us = station_now(&w->station) + 40 * DAY * SECOND_US };
	struct recipient_certificate bob = { address, soon.pem, none, none, { ABSTIME_NULL } };
	records_put(&t->hosts, &approval);
	records_put(&t->recipients, &bob);
	free(t->own_certificate);
	t->own_certificate = must_strdup(soon.pem);
	trust_service_changed(t, false);
	go_on(w, 0);
	assert_true(in_alarm(w, "https"));
	assert_true(in_alarm(w, "recipient:bob@mail.test"));
	assert_false(in_alarm(w, "host:mail.test:465"));
	go_on(w, 27 * DAY);
	assert_true(in_alarm(w, "host:mail.test:465"));
	((struct allowed_host *)records_find(&t->hosts, host))->approved = false;
	records_remove(&t->recipients, address);
	trust_service_changed(t, false);
	go_on(w, 0);
	assert_false(in_alarm(w, "host:mail.test:465"));
	assert_false(in_alarm(w, "recipient:bob@mail.test"));
	assert_true(in_alarm(w, "https"));
	pair_free(&soon);
}

/* More rows than are looked at in one go. */
static void a_round_goes_over_all(void **state)
{
	struct world *w = *state;
	struct trust_service *t = service(w);
	char host[40], condition[50];
	for (int i = 0; i < 100; i++) {
		snprintf(host, sizeof host, "h%d.test:465", i);
		struct allowed_host approval = { .host = host, .approved = true, .expires.us = station_now(&w->station) };
		records_put(&t->hosts, &approval);
	}
	trust_service_changed(t, false);
	for (int i = 0; i < 20; i++)
		go_on(w, 1);
	for (int i = 0; i < 100; i++) {
		snprintf(condition, sizeof condition, "host:h%d.test:465", i);
		assert_true(in_alarm(w, condition));
	}
}

#define WATCHED(test) cmocka_unit_test_setup_teardown(test, setup, station_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WATCHED(a_key_in_use_warns_before_it_ends),
		WATCHED(a_change_of_use_is_seen_at_once),
		WATCHED(a_key_in_use_is_not_removed),
		WATCHED(the_certificate_for_https_is_the_one_that_is_chosen),
		WATCHED(the_time_is_the_person_s_choice),
		WATCHED(the_other_stores_warn_too),
		WATCHED(a_round_goes_over_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
