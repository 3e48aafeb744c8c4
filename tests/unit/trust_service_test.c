/* SPDX-License-Identifier: Apache-2.0
 * The service behind the handshake: rows of refused hosts, approvals, the User Trust Store, all of it across restarts. */
#include "tests/unit/world.h"

#include <signal.h>

#include "services/trust/allowed_host.h"
#include "services/trust/inquiry.h"
#include "services/trust/user_store.h"
#include "tests/unit/pki.h"

#define DAY_US (86400 * SECOND_US)

static struct pki {
	struct pair root, other_root, intermediate, expired, self, self_new_key, unknown;
} pki;

static int make_pki(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN); /* whose certificate is refused may still be sending it */
	pki.root = pair_make((struct wish){ .cn = "Test Root", .ca = true });
	pki.other_root = pair_make((struct wish){ .cn = "Other Root", .ca = true });
	pki.intermediate = pair_make((struct wish){ .cn = "Test Intermediate", .ca = true, .issuer = &pki.root });
	pki.expired =
	    pair_make((struct wish){ .cn = "x", .names = { "mail.test" }, .issuer = &pki.root, .from = -20, .until = -2 });
	pki.self = pair_make((struct wish){ .cn = "mail.test", .names = { "mail.test" } });
	pki.self_new_key = pair_make((struct wish){ .cn = "mail.test", .names = { "mail.test" } });
	pki.unknown = pair_make((struct wish){ .cn = "x", .names = { "mail.test" }, .issuer = &pki.other_root });
	return 0;
}

static int free_pki(void **state)
{
	(void)state;
	pairs_free((struct pair *)&pki, sizeof pki / sizeof(struct pair));
	return 0;
}

static int64_t real_now(void)
{
	return (int64_t)time(NULL) * SECOND_US;
}

static const struct type *const types[] = { &baja_component, &baja_folder, &trust_service, NULL };
static struct world w;
static const struct actor anna = { .user = "anna", .role = ROLE_ADMIN, .from = "192.0.2.7", .via = "session" };

static int make_world(void **state)
{
	(void)state;
	memset(&w, 0, sizeof w);
	world_make(&w, types);
	w.station.clock.wall = real_now();
	return 0;
}

static int end_world(void **state)
{
	(void)state;
	world_end(&w);
	return 0;
}

static struct trust_service *service(void)
{
	struct trust_service *t = trust_service_of(&w.station);
	assert_non_null(t);
	return t;
}

struct outcome {
	bool done;
	int code;
	struct err err;
	json_t *answer;
};

static void keep(void *context, int code, const struct err *e, const json_t *answer)
{
	struct outcome *o = context;
	o->done = true;
	o->code = code;
	o->err = *e;
	o->answer = json_deep_copy(answer);
}

/* Waits for the outcome; 0 or its code. */
static int end_of(struct outcome *o)
{
	turn_until(&w, &o->done);
	return o->code;
}

static void forget(struct outcome *o)
{
	json_decref(o->answer);
	*o = (struct outcome){ 0 };
}

static const char *text_of(const json_t *row, const char *member)
{
	const char *text = json_string_value(json_object_get(row, member));
	return text ? text : "(none)";
}

static void import_pem(const char *alias, const char *pem, struct outcome *o)
{
	forget(o);
	user_store_import(service(), &anna, alias, pem, strlen(pem), keep, o);
	end_of(o);
}

/* One attempt, as the mail engine makes it: handshake, and the refusal told to the engine. */
static int attempt(const struct pair *leaf, struct err *e)
{
	struct trust_snapshot *t = trust_snapshot(&w.station);
	struct trust_verdict v = { 0 };
	struct tls_server s = { .chain = { leaf } };
	int rc = handshake(t, &s, "mail.test", 465, TLS_V1_2, &v, e);
	if (rc == E_UNTRUSTED)
		trust_refused(&w.station, &v);
	trust_verdict_clear(&v);
	trust_release(&t);
	return rc;
}

static bool idle(void)
{
	return !service()->first;
}

static void settle(void)
{
	TURN_UNTIL(&w, idle());
}

static void look(struct outcome *o)
{
	forget(o);
	inquire_hosts(service(), "mail.test:465", keep, o);
	end_of(o);
}

static void refused_approved_changed_approved(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct outcome o = { 0 };
	assert_int_equal(attempt(&pki.self, &e), E_UNTRUSTED);
	settle();
	world_restart(&w, types);
	w.station.clock.wall = real_now();
	look(&o);
	assert_int_equal(o.code, 0);
	assert_true(json_is_false(json_object_get(o.answer, "approved")));
	assert_true(json_is_null(json_object_get(o.answer, "previous")));
	assert_true(json_is_true(json_object_get(o.answer, "needed")));
	assert_string_equal(text_of(o.answer, "cause"), e.text);
	assert_string_equal(text_of(json_object_get(o.answer, "certificate"), "subject"), "CN=mail.test");
	char *old_spki = must_strdup(text_of(o.answer, "spki"));

	int64_t generation = service()->generation;
	forget(&o);
	allowed_host_approve(service(), &anna, "mail.test:465", "It is ours.", ABSTIME_NULL, old_spki, keep, &o);
	assert_int_equal(end_of(&o), 0);
	assert_string_equal(text_of(o.answer, "approver"), "anna");
	assert_string_equal(text_of(o.answer, "reason"), "It is ours.");
	assert_true(service()->generation > generation);
	assert_int_equal(attempt(&pki.self, &e), 0);
	world_restart(&w, types);
	w.station.clock.wall = real_now();
	assert_int_equal(attempt(&pki.self, &e), 0);

	assert_int_equal(attempt(&pki.self_new_key, &e), E_UNTRUSTED);
	settle();
	look(&o);
	assert_true(json_is_false(json_object_get(o.answer, "approved")));
	assert_string_equal(text_of(json_object_get(o.answer, "previous"), "spki"), old_spki);
	assert_string_equal(text_of(json_object_get(o.answer, "previous"), "approver"), "anna");
	assert_string_not_equal(text_of(o.answer, "spki"), old_spki);
	assert_int_equal(attempt(&pki.self_new_key, &e), E_UNTRUSTED); /* and it keeps saying so */
	assert_non_null(strstr(e.text, "another key than the one that anna approved"));
	assert_int_equal(attempt(&pki.self, &e), E_UNTRUSTED); /* the old key does not count any more either */
	settle();

	forget(&o); /* what the user looked at is not what is there */
	assert_int_equal(attempt(&pki.self_new_key, &e), E_UNTRUSTED);
	settle();
	allowed_host_approve(service(), &anna, "mail.test:465", "Renewed.", ABSTIME_NULL, old_spki, keep, &o);
	assert_int_equal(end_of(&o), E_CONFLICT);
	forget(&o);
	allowed_host_approve(service(), &anna, "mail.test:465", "Renewed.", ABSTIME_NULL, NULL, keep, &o);
	assert_int_equal(end_of(&o), 0);
	assert_int_equal(attempt(&pki.self_new_key, &e), 0);
	assert_true(json_is_null(json_object_get(o.answer, "previous")));

	forget(&o);
	allowed_host_unapprove(service(), &anna, "mail.test:465", keep, &o);
	assert_int_equal(end_of(&o), 0);
	assert_int_equal(attempt(&pki.self_new_key, &e), E_UNTRUSTED);
	settle();
	forget(&o);
	allowed_host_remove(service(), &anna, "mail.test:465", keep, &o);
	assert_int_equal(end_of(&o), 0);
	assert_int_equal(service()->hosts.count, 0);
	forget(&o);
	free(old_spki);
}

static void approval_wants_a_reason_and_may_end(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct outcome o = { 0 };
	attempt(&pki.self, &e);
	settle();
	allowed_host_approve(service(), &anna, "mail.test:465", " \n", ABSTIME_NULL, NULL, keep, &o);
	assert_int_equal(end_of(&o), E_INVALID);
	assert_string_equal(o.err.slot, "reason");
	forget(&o);
	allowed_host_approve(service(), &anna, "mail.test:465", "x", real_now() - DAY_US, NULL, keep, &o);
	assert_int_equal(end_of(&o), E_INVALID);
	assert_string_equal(o.err.slot, "expires");
	forget(&o);
	allowed_host_approve(service(), &anna, "other.test:465", "x", ABSTIME_NULL, NULL, keep, &o);
	assert_int_equal(end_of(&o), E_NOT_FOUND);
	forget(&o);
	w.station.clock.wall = real_now() - 2 * DAY_US; /* approved two days ago, for one day */
	allowed_host_approve(service(), &anna, "mail.test:465", "x", real_now() - DAY_US, NULL, keep, &o);
	assert_int_equal(end_of(&o), 0);
	w.station.clock.wall = real_now();
	assert_int_equal(attempt(&pki.self, &e), E_UNTRUSTED);
	assert_non_null(strstr(e.text, "approved only until"));
	settle();
	look(&o);
	assert_true(json_is_false(json_object_get(o.answer, "approved")));
	assert_true(json_is_null(json_object_get(o.answer, "previous")));
	forget(&o);
}

static void imported_root_makes_it_trusted_and_the_exemption_superfluous(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct outcome o = { 0 };
	assert_int_equal(attempt(&pki.unknown, &e), E_UNTRUSTED);
	settle();
	import_pem(NULL, pki.other_root.pem, &o);
	assert_int_equal(o.code, 0);
	assert_string_equal(text_of(o.answer, "alias"), "Other_Root");
	assert_int_equal(json_array_size(json_object_get(o.answer, "items")), 1);
	assert_int_equal(json_array_size(json_object_get(o.answer, "warnings")), 0);
	assert_int_equal(attempt(&pki.unknown, &e), 0);
	look(&o);
	assert_true(json_is_false(json_object_get(o.answer, "needed")));
	world_restart(&w, types);
	w.station.clock.wall = real_now();
	assert_int_equal(attempt(&pki.unknown, &e), 0);
	forget(&o);
	user_store_remove(service(), &anna, "Other_Root", keep, &o);
	assert_int_equal(end_of(&o), 0);
	assert_int_equal(attempt(&pki.unknown, &e), E_UNTRUSTED);
	settle();
	forget(&o);
	user_store_remove(service(), &anna, "Other_Root", keep, &o);
	assert_int_equal(end_of(&o), E_NOT_FOUND);
	forget(&o);
}

static void imports_are_checked(void **state)
{
	(void)state;
	struct outcome o = { 0 };
	gnutls_datum_t key;
	assert_int_equal(gnutls_x509_privkey_export2(pki.self.key, GNUTLS_X509_FMT_PEM, &key), 0);
	char *with_key = must_format("%s%.*s", pki.root.pem, (int)key.size, key.data),
	     *two = must_format("%s\nnoise\n%s", pki.root.pem, pki.other_root.pem);
	gnutls_free(key.data);
	import_pem(NULL, with_key, &o);
	assert_int_equal(o.code, E_INVALID);
	assert_non_null(strstr(o.err.text, "private key. Nothing was stored"));
	import_pem(NULL, "", &o);
	assert_int_equal(o.code, E_INVALID);
	import_pem(NULL, "hello", &o);
	assert_int_equal(o.code, E_INVALID);
	import_pem(NULL, "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", &o);
	assert_int_equal(o.code, E_INVALID);
	import_pem("a/b", pki.root.pem, &o);
	assert_int_equal(o.code, E_INVALID);
	assert_string_equal(o.err.slot, "alias");
	assert_int_equal(service()->certificates.count, 0);

	import_pem(NULL, two, &o);
	assert_int_equal(o.code, 0);
	assert_int_equal(json_array_size(json_object_get(o.answer, "items")), 2);
	import_pem(NULL, pki.root.pem, &o);
	assert_int_equal(o.code, E_CONFLICT);
	assert_non_null(strstr(o.err.text, "\"Test_Root\""));
	import_pem("Test_Root", pki.intermediate.pem, &o); /* the same alias updates */
	assert_int_equal(o.code, 0);
	assert_int_equal(service()->certificates.count, 2);
	import_pem("mine", pki.self.pem, &o);
	assert_int_equal(o.code, 0);
	assert_non_null(strstr(text_of(json_array_get(json_object_get(o.answer, "warnings"), 0), "detail"), "not a CA"));
	import_pem("old", pki.expired.pem, &o);
	assert_int_equal(o.code, 0);
	assert_non_null(strstr(text_of(json_array_get(json_object_get(o.answer, "warnings"), 0), "detail"), "expired on"));
	assert_int_equal(service()->userCertificates, 4);
	json_t *row = user_store_row(service(), "old");
	assert_true(json_is_false(json_object_get(row, "valid")));
	json_decref(row);
	forget(&o);
	free(with_key);
	free(two);
}

static void the_system_store_is_listed(void **state)
{
	(void)state;
	struct outcome o = { 0 };
	inquire_system(service(), NULL, keep, &o);
	assert_int_equal(end_of(&o), 0);
	assert_true(json_array_size(o.answer) > 50);
	char *alias = must_strdup(text_of(json_array_get(o.answer, 7), "alias")),
	     *fingerprint = must_strdup(text_of(json_array_get(o.answer, 7), "spki"));
	forget(&o);
	inquire_system(service(), alias, keep, &o);
	assert_int_equal(end_of(&o), 0);
	assert_string_equal(text_of(o.answer, "spki"), fingerprint);
	forget(&o);
	inquire_system(service(), "nobody", keep, &o);
	assert_int_equal(end_of(&o), E_NOT_FOUND);
	forget(&o);
	free(alias);
	free(fingerprint);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, make_world, end_world)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		IN_WORLD(refused_approved_changed_approved),
		IN_WORLD(approval_wants_a_reason_and_may_end),
		IN_WORLD(imported_root_makes_it_trusted_and_the_exemption_superfluous),
		IN_WORLD(imports_are_checked),
		IN_WORLD(the_system_store_is_listed),
	};
	return cmocka_run_group_tests(tests, make_pki, free_pki);
}
