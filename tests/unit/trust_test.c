/* SPDX-License-Identifier: Apache-2.0
 * Trust inside the handshake: every fault ends it before a byte of the client's is sent, and is named; exemptions hold for
 * one key of one name:port. */
#include "tests/unit/world.h"

#include <signal.h>
#include <sys/resource.h>

#include "tests/unit/pki.h"

#define NO_BUNDLE "/nonexistent/bundle.pem"
#define DAY_US (86400 * SECOND_US)
/* GnuTLS enlarges its list of names one by one: with AddressSanitizer ten thousand take a minute. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { MANY = 1000 };
#define LAST_OF_MANY "h999.test"
#else
enum { MANY = 10000 };
#define LAST_OF_MANY "h9999.test"
#endif

static struct pki {
	struct pair root, other_root, intermediate, good, by_intermediate, wrong_name, by_address, expired, future, self,
	    self_same_key, self_new_key, unknown, client_only, weak, all_wrong, fake_ca, by_fake_ca, only_cn, sha1,
	    narrow_ca, by_narrow_ca, short_ca, below_short_ca, by_below_short_ca, many, old_ca, by_old_ca, address_as_name,
	    middle_star, version1, excluding_ca, by_excluding_ca, wide_ca, by_wide_ca, cross_root, ten_thousand,
	    many_constraints_ca, by_many_constraints_ca, by_deep_ca, deep[100];
} pki;

static int make_pki(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN); /* whose certificate is refused may still be sending it */
	pki.root = pair_make((struct wish){ .cn = "Test Root", .ca = true });
	pki.other_root = pair_make((struct wish){ .cn = "Other Root", .ca = true });
	pki.intermediate = pair_make((struct wish){ .cn = "Test Intermediate", .ca = true, .issuer = &pki.root });
	pki.good = pair_make((struct wish){ .cn = "mail", .names = { "mail.test", "*.wild.test" }, .issuer = &pki.root });
	pki.by_intermediate =
	    pair_make((struct wish){ .cn = "mail", .names = { "mail.test" }, .issuer = &pki.intermediate });
	pki.wrong_name =
	    pair_make((struct wish){ .cn = "x", .names = { "other.test", "ip:10.0.0.1" }, .issuer = &pki.root });
	pki.by_address = pair_make((struct wish){ .cn = "x", .names = { "ip:127.0.0.1", "ip:::1" }, .issuer = &pki.root });
	pki.expired =
	    pair_make((struct wish){ .cn = "x", .names = { "mail.test" }, .issuer = &pki.root, .from = -20, .until = -2 });
	pki.future =
	    pair_make((struct wish){ .cn = "x", .names = { "mail.test" }, .issuer = &pki.root, .from = 2, .until = 20 });
	pki.self = pair_make((struct wish){ .cn = "mail.test", .names = { "mail.test" } });
	pki.self_same_key =
	    pair_make((struct wish){ .cn = "mail.test renewed", .names = { "mail.test" }, .key_of = &pki.self });
	pki.self_new_key = pair_make((struct wish){ .cn = "mail.test", .names = { "mail.test" } });
	pki.unknown = pair_make((struct wish){ .cn = "x", .names = { "mail.test" }, .issuer = &pki.other_root });
	pki.client_only =
	    pair_make((struct wish){ .cn = "x", .names = { "mail.test" }, .issuer = &pki.root, .client_only = true });
	pki.weak = pair_make((struct wish){ .cn = "x", .names = { "mail.test" }, .issuer = &pki.root, .rsa1024 = true });
	pki.all_wrong = pair_make(
	    (struct wish){ .cn = "x", .names = { "other.test" }, .issuer = &pki.other_root, .from = -20, .until = -2 });
	pki.fake_ca = pair_make((struct wish){ .cn = "No CA", .issuer = &pki.root });
	pki.by_fake_ca = pair_make((struct wish){ .cn = "x", .names = { "mail.test" }, .issuer = &pki.fake_ca });
	pki.only_cn = pair_make((struct wish){ .cn = "mail.test", .issuer = &pki.root });
	pki.sha1 = pair_make((struct wish){ .cn = "x", .names = { "mail.test" }, .issuer = &pki.root, .sha1 = true });
	pki.narrow_ca =
	    pair_make((struct wish){ .cn = "Narrow", .ca = true, .issuer = &pki.root, .permitted = "example.test" });
	pki.by_narrow_ca = pair_make((struct wish){ .cn = "x", .names = { "MAIL.test" }, .issuer = &pki.narrow_ca });
	pki.short_ca = pair_make((struct wish){ .cn = "Short", .ca = true, .issuer = &pki.root, .no_path = true });
	pki.below_short_ca = pair_make((struct wish){ .cn = "Below Short", .ca = true, .issuer = &pki.short_ca });
	pki.by_below_short_ca =
	    pair_make((struct wish){ .cn = "x", .names = { "mail.test" }, .issuer = &pki.below_short_ca });
	pki.many = pair_make((struct wish){ .cn = "x", .issuer = &pki.root, .many = 300 });
	pki.old_ca = pair_make((struct wish){ .cn = "Old CA", .ca = true, .issuer = &pki.root, .from = -20, .until = -2 });
	pki.by_old_ca = pair_make((struct wish){ .cn = "x", .names = { "mail.test" }, .issuer = &pki.old_ca });
	pki.address_as_name = pair_make((struct wish){ .cn = "x", .names = { "127.0.0.1" }, .issuer = &pki.root });
	pki.middle_star = pair_make((struct wish){ .cn = "x", .names = { "mail.*.test" }, .issuer = &pki.root });
	pki.excluding_ca =
	    pair_make((struct wish){ .cn = "Excluding", .ca = true, .issuer = &pki.root, .excluded = "mail.test" });
	pki.by_excluding_ca = pair_make((struct wish){ .cn = "x", .names = { "mail.test" }, .issuer = &pki.excluding_ca });
	pki.wide_ca = pair_make((struct wish){ .cn = "Wide", .ca = true, .issuer = &pki.root, .permitted = "test" });
	pki.by_wide_ca = pair_make((struct wish){ .cn = "x", .names = { "mail.test" }, .issuer = &pki.wide_ca });
	/* The root's own key and name once more, signed by one that has expired: a chain of old clients' sake. */
	pki.cross_root =
	    pair_make((struct wish){ .cn = "Test Root", .ca = true, .issuer = &pki.old_ca, .key_of = &pki.root });
	pki.ten_thousand = pair_make((struct wish){ .cn = "x", .issuer = &pki.root, .many = MANY });
	pki.many_constraints_ca = pair_make((struct wish){
	    .cn = "Many constraints", .ca = true, .issuer = &pki.root, .constraints = (1 << 20) / MANY + 10 });
	pki.by_many_constraints_ca =
	    pair_make((struct wish){ .cn = "x", .issuer = &pki.many_constraints_ca, .many = MANY });
	pairs_make_chain(pki.deep, ARRAY_SIZE(pki.deep), &pki.root);
	pki.by_deep_ca = pair_make((struct wish){ .cn = "x", .names = { "mail.test" }, .issuer = &pki.deep[0] });
	pki.version1 = pair_make((struct wish){ .cn = "mail.test", .issuer = &pki.root, .version1 = true });
	return 0;
}

static int free_pki(void **state)
{
	(void)state;
	pairs_free((struct pair *)&pki, sizeof pki / sizeof(struct pair));
	return 0;
}

static struct trust_snapshot *with_roots(const char *pem)
{
	return snapshot_new(anchors_new(NO_BUNDLE, pem), NULL, 0);
}

static struct trust_snapshot *with_exemption(const char *host, const struct pair *p, int64_t expires)
{
	struct exemption *x = must_alloc(sizeof *x);
	snprintf(x->host, sizeof x->host, "%s", host);
	certificate_spki(p->crt, x->spki);
	snprintf(x->approver, sizeof x->approver, "anna");
	x->expires = expires;
	return snapshot_new(anchors_new(NO_BUNDLE, pki.root.pem), x, 1);
}

static int64_t real_now(void)
{
	return (int64_t)time(NULL) * SECOND_US;
}

/* --- handshakes --------------------------------------------------------------------------------------------------- */

static void faults_are_named(void **state)
{
	(void)state;
	static const struct {
		const struct pair *leaf, *above[2];
		const char *host, *says[4];
	} tests[] = {
		{ &pki.good, { NULL }, "mail.test", { NULL } },
		{ &pki.good, { NULL }, "MAIL.test.", { NULL } },
		{ &pki.good, { NULL }, "a.wild.test", { NULL } },
		{ &pki.good, { NULL }, "a.b.wild.test", { "not to a.b.wild.test" } },
		{ &pki.by_intermediate, { &pki.intermediate }, "mail.test", { NULL } },
		{ &pki.by_intermediate,
		  { NULL },
		  "mail.test",
		  { "issued by \"Test Intermediate\"", "neither trust store", "Import its CA certificate" } },
		{ &pki.by_address, { NULL }, "127.0.0.1", { NULL } },
		{ &pki.by_address, { NULL }, "::1", { NULL } },
		{ &pki.by_address, { NULL }, "[::1]", { NULL } },
		{ &pki.by_address, { NULL }, "127.0.0.2", { "127.0.0.1, ::1", "not to 127.0.0.2" } },
		{ &pki.good, { NULL }, "127.0.0.1", { "not to 127.0.0.1" } },
		{ &pki.wrong_name,
		  { NULL },
		  "mail.test",
		  { "made out to other.test, 10.0.0.1, not to mail.test", "Allowed Hosts" } },
		{ &pki.expired, { NULL }, "mail.test", { "expired on 20" } },
		{ &pki.future, { NULL }, "mail.test", { "is valid only from 20", "clock says" } },
		{ &pki.self, { NULL }, "mail.test", { "self-signed", "approve it" } },
		{ &pki.unknown, { NULL }, "mail.test", { "issued by \"Other Root\", which is in neither trust store" } },
		{ &pki.unknown,
		  { &pki.other_root },
		  "mail.test",
		  { "issued by \"Other Root\", which is in neither trust store" } },
		{ &pki.client_only, { NULL }, "mail.test", { "not meant for servers" } },
		{ &pki.weak, { NULL }, "mail.test", { "too weak" } },
		{ &pki.by_fake_ca, { &pki.fake_ca }, "mail.test", { "no CA" } },
		{ &pki.all_wrong,
		  { NULL },
		  "mail.test",
		  { "\"Other Root\"", "expired on", "made out to other.test, not to mail.test", "Import its CA" } },
		{ &pki.only_cn, { NULL }, "mail.test", { NULL } }, /* old private CAs: no alternative name at all */
		{ &pki.only_cn, { NULL }, "other.test", { "made out to mail.test, not to other.test" } },
		{ &pki.sha1, { NULL }, "mail.test", { "too weak" } },
		{ &pki.by_narrow_ca, { &pki.narrow_ca }, "mail.test", { "breaks the constraints" } },
		{ &pki.by_below_short_ca, { &pki.below_short_ca, &pki.short_ca }, "mail.test", { "breaks the constraints" } },
		{ &pki.address_as_name, { NULL }, "127.0.0.1", { "not to 127.0.0.1" } },
		{ &pki.middle_star, { NULL }, "mail.a.test", { "not to mail.a.test" } },
		{ &pki.version1, { NULL }, "mail.test", { NULL } }, /* a leaf may be as old as that; a CA may not */
		{ &pki.many, { NULL }, "h299.test", { NULL } },
		{ &pki.many, { NULL }, "mail.test", { "h0.test, h1.test, h2.test and many more" } },
		{ &pki.by_old_ca, { &pki.old_ca }, "mail.test", { "depends on a CA certificate that has expired" } },
		{ &pki.good,
		  { &pki.cross_root, &pki.old_ca },
		  "mail.test",
		  { NULL } }, /* there is a second path, a valid one */
		{ &pki.by_excluding_ca, { &pki.excluding_ca }, "mail.test", { "breaks the constraints" } },
		{ &pki.by_wide_ca, { &pki.wide_ca }, "mail.test", { NULL } },
		{ &pki.ten_thousand, { NULL }, LAST_OF_MANY, { NULL } },
		{ &pki.ten_thousand, { NULL }, "mail.test", { "h0.test, h1.test, h2.test and many more" } },
		{ &pki.by_many_constraints_ca,
		  { &pki.many_constraints_ca },
		  LAST_OF_MANY,
		  { "breaks the constraints" } }, /* GnuTLS compares so many and no more */
	};
	struct trust_snapshot *t = with_roots(pki.root.pem);
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
		struct trust_verdict v = { 0 };
		struct err e = { 0 };
		struct tls_server s = { .chain = { tests[i].leaf, tests[i].above[0], tests[i].above[1] } };
		int rc = handshake(t, &s, tests[i].host, 465, TLS_V1_2, &v, &e);
		assert_true(v.seen);
		assert_non_null(v.chain_pem);
		if ((rc == 0) != (tests[i].says[0] == NULL) || v.trusted != (rc == 0))
			fail_msg("%zu: %s: %d %s", i, tests[i].host, rc, e.text);
		assert_int_equal(s.received, rc == 0 ? 1 : 0);
		assert_int_equal(rc, rc == 0 ? 0 : E_UNTRUSTED);
		for (size_t k = 0; k < 4 && tests[i].says[k]; k++)
			if (!strstr(e.text, tests[i].says[k]))
				fail_msg("\"%s\" does not say \"%s\"", e.text, tests[i].says[k]);
		trust_verdict_clear(&v);
	}
	trust_release(&t);
}

/* What is too much is refused before it has cost much. A certificate of 1 MB: tests/system/smtp_matrix.test.mjs. */
static void a_chain_of_a_hundred_is_refused(void **state)
{
	(void)state;
	struct trust_snapshot *t = with_roots(pki.root.pem);
	struct trust_verdict v = { 0 };
	struct err e = { 0 };
	struct rusage before, after;
	struct tls_server s = { .chain = { &pki.by_deep_ca }, .deep = pki.deep, .deep_count = ARRAY_SIZE(pki.deep) };
	getrusage(RUSAGE_SELF, &before);
	assert_int_equal(handshake(t, &s, "mail.test", 465, TLS_V1_2, &v, &e), E_UNTRUSTED);
	getrusage(RUSAGE_SELF, &after);
	assert_true(after.ru_maxrss - before.ru_maxrss < 64 * 1024); /* KiB */
	assert_non_null(strstr(e.text, "came with 101 certificates, of which at most 16 are looked at"));
	assert_int_equal(s.received, 0);
	assert_true(strlen(v.chain_pem) <= CHAIN_PEM_MAX);
	trust_verdict_clear(&v);
	trust_release(&t);
}

static void exemptions_hold_for_one_key_of_one_host(void **state)
{
	(void)state;
	int64_t past = real_now() - DAY_US, future = real_now() + DAY_US;
	const struct {
		const char *row;
		int64_t expires;
		const struct pair *leaf;
		const char *host;
		int port;
		const char *says;
	} tests[] = {
		{ "mail.test:465", ABSTIME_NULL, &pki.self, "mail.test", 465, NULL },
		{ "mail.test:465", future, &pki.self, "mail.test", 465, NULL },
		{ "mail.test:465", ABSTIME_NULL, &pki.self_same_key, "mail.test", 465, NULL },
		{ "mail.test:465", ABSTIME_NULL, &pki.self_new_key, "mail.test", 465,
		  "another key than the one that anna approved" },
		{ "mail.test:465", ABSTIME_NULL, &pki.self, "mail.test", 587, "self-signed" },
		{ "mail.test:465", ABSTIME_NULL, &pki.self, "127.0.0.1", 465, "self-signed" },
		{ "mail.test:465", past, &pki.self, "mail.test", 465, "approved only until" },
		{ "127.0.0.1:465", ABSTIME_NULL, &pki.self, "127.0.0.1", 465, NULL },
		{ "[::1]:465", ABSTIME_NULL, &pki.self, "::1", 465, NULL },
		{ "mail.test:465", ABSTIME_NULL, &pki.good, "mail.test", 465,
		  NULL }, /* trusted by its root, whatever was approved */
	};
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
		struct trust_verdict v = { 0 };
		struct err e = { 0 };
		struct tls_server s = { .chain = { tests[i].leaf } };
		struct trust_snapshot *t = with_exemption(tests[i].row, &pki.self, tests[i].expires);
		int rc = handshake(t, &s, tests[i].host, tests[i].port, TLS_V1_2, &v, &e);
		trust_release(&t); /* the verdict holds its own reference */
		if ((rc == 0) != (tests[i].says == NULL))
			fail_msg("%zu: %s: %d %s", i, tests[i].host, rc, e.text);
		if (tests[i].says && !strstr(e.text, tests[i].says))
			fail_msg("\"%s\" does not say \"%s\"", e.text, tests[i].says);
		assert_int_equal(v.exempted, rc == 0 && tests[i].leaf != &pki.good);
		trust_verdict_clear(&v);
	}
}

static void versions_below_the_minimum_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *server;
		enum tls_version least;
		bool works;
	} tests[] = {
		{ "NORMAL:-VERS-ALL:+VERS-TLS1.3", TLS_V1_3, true },  { "NORMAL:-VERS-ALL:+VERS-TLS1.2", TLS_V1_2, true },
		{ "NORMAL:-VERS-ALL:+VERS-TLS1.2", TLS_V1_3, false }, { "NORMAL:-VERS-ALL:+VERS-TLS1.1", TLS_V1_2, false },
		{ "NORMAL:-VERS-ALL:+VERS-TLS1.1", TLS_V1_1, true },  { "NORMAL:-VERS-ALL:+VERS-TLS1.0", TLS_V1_1, false },
		{ "NORMAL:-VERS-ALL:+VERS-TLS1.0", TLS_V1_0, true },
	};
	struct trust_snapshot *t = with_roots(pki.root.pem);
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
		struct trust_verdict v = { 0 };
		struct err e = { 0 };
		struct tls_server s = { .chain = { &pki.good }, .priority = tests[i].server };
		int rc = handshake(t, &s, "mail.test", 465, tests[i].least, &v, &e);
		if ((rc == 0) != tests[i].works)
			fail_msg("%zu: %s: %d %s", i, tests[i].server, rc, e.text);
		if (!tests[i].works && (rc != E_TLS || !strstr(e.text, "lower tlsMinProtocol")))
			fail_msg("%zu: %d %s", i, rc, e.text);
		trust_verdict_clear(&v);
	}
	trust_release(&t);
}

static void a_plain_greeting_is_explained(void **state)
{
	(void)state;
	struct trust_verdict v = { 0 };
	struct err e = { 0 };
	struct tls_server s = { .greeting = "220 mail.test ESMTP\r\n" };
	struct trust_snapshot *t = with_roots("");
	assert_int_equal(handshake(t, &s, "mail.test", 587, TLS_V1_2, &v, &e), E_TLS);
	assert_non_null(strstr(e.text, "useStartTls"));
	assert_false(v.seen);
	trust_verdict_clear(&v);
	trust_release(&t);
}

static void imported_leaf_trusts_itself_only(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct trust_verdict v = { 0 };
	struct trust_snapshot *t = with_roots(pki.self.pem);
	struct tls_server s = { .chain = { &pki.self } };
	assert_int_equal(handshake(t, &s, "mail.test", 465, TLS_V1_2, &v, &e), 0);
	trust_verdict_clear(&v);
	struct pair signed_by_leaf = pair_make((struct wish){ .cn = "x", .names = { "mail.test" }, .issuer = &pki.self });
	struct tls_server bad = { .chain = { &signed_by_leaf } };
	assert_int_equal(handshake(t, &bad, "mail.test", 465, TLS_V1_2, &v, &e), E_UNTRUSTED);
	trust_verdict_clear(&v);
	trust_release(&t);
	t = with_roots(pki.intermediate.pem); /* a CA below a root that is not known here */
	struct tls_server below = { .chain = { &pki.by_intermediate } };
	assert_int_equal(handshake(t, &below, "mail.test", 465, TLS_V1_2, &v, &e), 0);
	trust_verdict_clear(&v);
	trust_release(&t);
	pair_free(&signed_by_leaf);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_named),
		cmocka_unit_test(a_chain_of_a_hundred_is_refused),
		cmocka_unit_test(exemptions_hold_for_one_key_of_one_host),
		cmocka_unit_test(versions_below_the_minimum_are_refused),
		cmocka_unit_test(a_plain_greeting_is_explained),
		cmocka_unit_test(imported_leaf_trusts_itself_only),
	};
	return cmocka_run_group_tests(tests, make_pki, free_pki);
}
