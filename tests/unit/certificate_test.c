/* SPDX-License-Identifier: Apache-2.0
 * Certificates as rows: what they say, with texts from strangers made harmless; and the station's own for HTTPS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "station/base/file.h"
#include "tests/unit/pki.h"
#include "tests/unit/scratch.h"

static char directory[SCRATCH_SIZE];

static int make_directory(void **state)
{
	(void)state;
	scratch_make(directory);
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	scratch_remove(directory);
	return 0;
}

static void rows_say_what_certificates_say(void **state)
{
	(void)state;
	struct pair root = pair_make((struct wish){ .cn = "Test Root", .ca = true });
	struct pair leaf =
	    pair_make((struct wish){ .cn = "mail", .names = { "mail.test", "ip:127.0.0.1" }, .issuer = &root });
	json_t *json = certificate_to_json(leaf.crt, "mine", (int64_t)time(NULL) * SECOND_US);
	const char *alias, *subject, *issuer, *algorithm, *reason, *name, *address, *use, *purpose, *sha256, *spki;
	int version, size, self, ca, valid;
	assert_int_equal(json_unpack(json, "{s:s,s:s,s:s,s:s,s:s,s:[s,s],s:[s,s],s:[s],s:{s:s},s:s,s:i,s:i,s:b,s:b,s:b}",
	                             "alias", &alias, "subject", &subject, "issuer", &issuer, "keyAlgorithm", &algorithm,
	                             "reason", &reason, "sans", &name, &address, "keyUsage", &use, &use, "extendedKeyUsage",
	                             &purpose, "fingerprints", "sha256", &sha256, "spki", &spki, "version", &version,
	                             "keySize", &size, "selfSigned", &self, "ca", &ca, "valid", &valid),
	                 0);
	assert_string_equal(alias, "mine");
	assert_string_equal(subject, "CN=mail");
	assert_string_equal(issuer, "CN=Test Root");
	assert_string_equal(algorithm, "EC");
	assert_string_equal(name, "mail.test");
	assert_string_equal(address, "127.0.0.1");
	assert_string_equal(purpose, "serverAuth");
	assert_int_equal(strlen(sha256), 64);
	assert_int_equal(strlen(spki), 64);
	assert_int_equal(version, 3);
	assert_int_equal(size, 256);
	assert_true(!self && !ca && valid && !*reason);
	json_decref(json);
	json = certificate_to_json(root.crt, "r", (int64_t)time(NULL) * SECOND_US + 800 * INT64_C(86400) * SECOND_US);
	assert_true(json_is_true(json_object_get(json, "selfSigned")) && json_is_true(json_object_get(json, "ca")));
	assert_true(json_is_false(json_object_get(json, "valid")));
	assert_non_null(strstr(json_string_value(json_object_get(json, "reason")), "expired on"));
	json_decref(json);
	pair_free(&leaf);
	pair_free(&root);
}

static void names_of_strangers_are_harmless(void **state)
{
	(void)state;
	static const struct {
		const char *in;
		size_t length;
		const char *out;
	} tests[] = {
		{ "grün", 5, "grün" },
		{ "a\r\nb", 4, "a??b" },
		{ "a\0b", 3, "a?b" },
		{ "\xff\xfe", 2, "??" },
		{ "\xc3", 1, "?" },
		{ "\xe2\x80\xae"
		  "x",
		  4, "???x" },
		{ "\xed\xa0\x80", 3, "???" },
		{ "0123456789abcdef", 16, "0123456789" },
		{ "123456789\xc3\xbc", 11, "123456789" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
		char *clean = certificate_clean_text(tests[i].in, tests[i].length, 10);
		assert_string_equal(clean, tests[i].out);
		free(clean);
	}
	struct pair evil = pair_make((struct wish){ .cn = "<script>\x01\"; drop", .names = { "a\r\nb" } });
	json_t *json = certificate_to_json(evil.crt, "x", 0);
	char *text = json_dumps(json, 0), *name = certificate_name(evil.crt, false);
	assert_non_null(text);
	assert_null(strchr(name, '\x01'));
	assert_int_equal(json_array_size(json_object_get(json, "sans")), 1);
	free(name);
	free(text);
	json_decref(json);
	pair_free(&evil);
}

static void many_names_are_bounded(void **state)
{
	(void)state;
	struct pair p = pair_make((struct wish){ .cn = "many", .names = { "a.test", "b.test", "c.test", "d.test" } });
	char *hosts = certificate_hosts(p.crt);
	assert_string_equal(hosts, "a.test, b.test, c.test and 1 more");
	free(hosts);
	pair_free(&p);
}

static void own_certificate_is_made_once(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct stat st;
	char *certificate, *key, *again, *again_key, *path = must_format("%s/tls/default.key", directory);
	assert_int_equal(trust_server_certificate(directory, &certificate, &key, &e), 0);
	assert_int_equal(trust_server_certificate(directory, &again, &again_key, &e), 0);
	assert_string_equal(certificate, again);
	assert_string_equal(key, again_key);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	unsigned count;
	gnutls_x509_crt_t *list = certificates_parse(certificate, strlen(certificate), 1, &count, &e);
	assert_non_null(list);
	assert_true(gnutls_x509_crt_check_hostname(list[0], "localhost") &&
	            gnutls_x509_crt_check_hostname(list[0], "127.0.0.1") && gnutls_x509_crt_check_hostname(list[0], "::1"));
	int64_t days = (certificate_not_after(list[0]) / SECOND_US - time(NULL)) / 86400;
	assert_in_range(days, 728, 730);
	certificates_free(list, count);
	struct pair other = pair_make((struct wish){ .cn = "other" });
	gnutls_datum_t text;
	assert_int_equal(gnutls_x509_privkey_export2(other.key, GNUTLS_X509_FMT_PEM, &text), 0);
	assert_int_equal(file_write(path, text.data, text.size, 0600, FILE_REPLACE, &e), 0);
	free(again);
	free(again_key);
	assert_int_equal(trust_server_certificate(directory, &again, &again_key, &e), E_INVALID);
	assert_null(again);
	assert_non_null(strstr(e.text, "does not belong to"));
	gnutls_free(text.data);
	pair_free(&other);
	free(certificate);
	free(key);
	free(path);
}

static void https_works_with_it(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct trust_verdict v = { 0 };
	char *certificate, *key;
	assert_int_equal(trust_server_certificate(directory, &certificate, &key, &e), 0);
	struct pair p = { .pem = certificate };
	gnutls_datum_t crt_text = { (unsigned char *)certificate, (unsigned)strlen(certificate) },
	               key_text = { (unsigned char *)key, (unsigned)strlen(key) };
	assert_int_equal(gnutls_x509_crt_init(&p.crt) | gnutls_x509_crt_import(p.crt, &crt_text, GNUTLS_X509_FMT_PEM), 0);
	assert_int_equal(
	    gnutls_x509_privkey_init(&p.key) | gnutls_x509_privkey_import(p.key, &key_text, GNUTLS_X509_FMT_PEM), 0);
	struct trust_snapshot *t = snapshot_new(anchors_new("/nonexistent", certificate), NULL, 0);
	struct tls_server s = { .chain = { &p } };
	assert_int_equal(handshake(t, &s, "localhost", 443, TLS_V1_2, &v, &e), 0);
	trust_verdict_clear(&v);
	trust_release(&t);
	free(key);
	pair_free(&p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_say_what_certificates_say),
		cmocka_unit_test(names_of_strangers_are_harmless),
		cmocka_unit_test(many_names_are_bounded),
		cmocka_unit_test_setup_teardown(own_certificate_is_made_once, make_directory, remove_directory),
		cmocka_unit_test_setup_teardown(https_works_with_it, make_directory, remove_directory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
