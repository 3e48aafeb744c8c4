/* SPDX-License-Identifier: Apache-2.0
 * The key file, sealing and opening, and small files that are there whole or not at all. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "station/base/file.h"
#include "station/base/must.h"
#include "station/base/secret.h"
#include "tests/unit/scratch.h"

static char directory[SCRATCH_SIZE];

static char *path_of(const char *name)
{
	return must_format("%s/%s", directory, name);
}

static int make_directory(void **state)
{
	(void)state;
	unsetenv("CREDENTIALS_DIRECTORY");
	scratch_make(directory);
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	scratch_remove(directory);
	return 0;
}

static void seals_and_opens(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct keyring *k = keyring_open(directory, &e);
	assert_non_null(k);
	char *one = secret_seal(k, "geheim", 6), *two = secret_seal(k, "geheim", 6), *empty = secret_seal(k, "", 0);
	assert_memory_equal(one, "v1:", 3);
	assert_string_not_equal(one, two); /* a nonce of its own each time */
	assert_null(strstr(one, "geheim"));
	assert_string_equal(empty, "");
	char *plain = secret_open(k, one, &e), *nothing = secret_open(k, "", &e);
	assert_string_equal(plain, "geheim");
	assert_string_equal(nothing, "");
	secret_wipe(&plain);
	secret_wipe(&nothing);
	assert_null(plain);
	one[10] = one[10] == 'A' ? 'B' : 'A';
	assert_null(secret_open(k, one, &e));
	assert_non_null(strstr(e.text, "another key"));
	assert_null(secret_open(k, "hello", &e));
	assert_null(secret_open(k, "v1:", &e));
	assert_null(secret_open(k, "v1:%%%", &e));
	free(one);
	free(two);
	free(empty);
	keyring_close(&k);
}

static void short_secrets_are_read_into_a_buffer(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct keyring *k = keyring_open(directory, &e);
	char *sealed = secret_seal(k, "token", 5), out[6];
	assert_int_equal(secret_read(k, sealed, out, sizeof out, &e), 0);
	assert_string_equal(out, "token");
	assert_int_equal(secret_read(k, sealed, out, 5, &e), E_INTERNAL); /* no room for its NUL */
	assert_string_equal(out, "");
	assert_int_equal(secret_read(k, "v1:", out, sizeof out, &e), E_INTERNAL);
	assert_int_equal(secret_read(k, "", out, sizeof out, &e), 0);
	sealed[10] = sealed[10] == 'A' ? 'B' : 'A';
	assert_int_equal(secret_read(k, sealed, out, sizeof out, &e), E_INTERNAL);
	assert_string_equal(out, "");
	free(sealed);
	keyring_close(&k);
}

static void key_file_is_kept_and_private(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct stat st;
	struct keyring *k = keyring_open(directory, &e);
	char *sealed = secret_seal(k, "x", 1), *path = path_of("key");
	keyring_close(&k);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, 65);
	k = keyring_open(directory, &e);
	char *plain = secret_open(k, sealed, &e);
	assert_string_equal(plain, "x");
	secret_wipe(&plain);
	keyring_close(&k);
	assert_int_equal(chmod(path, 0644), 0);
	assert_null(keyring_open(directory, &e));
	assert_int_equal(e.code, E_FORBIDDEN);
	assert_non_null(strstr(e.text, "chmod 600"));
	free(sealed);
	free(path);
}

static void bad_key_files_are_refused(void **state)
{
	(void)state;
	static const char *const texts[] = { "", "zz", "00", "\n",
		                                 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef00" };
	char *path = path_of("key");
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct err e = { 0 };
		assert_int_equal(file_write(path, texts[i], strlen(texts[i]), 0600, FILE_REPLACE, &e), 0);
		assert_null(keyring_open(directory, &e));
		assert_int_equal(e.code, E_INVALID);
	}
	free(path);
}

static void credential_comes_first(void **state)
{
	(void)state;
	struct err e = { 0 };
	char *folder = path_of("credentials"), *path = path_of("credentials/key"), *own = path_of("key");
	static const char key[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(file_write(path, key, strlen(key), 0440, FILE_NEW, &e), 0);
	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	struct keyring *k = keyring_open(directory, &e);
	assert_non_null(k);
	assert_int_equal(access(own, F_OK), -1); /* no second key beside it */
	keyring_close(&k);
	unsetenv("CREDENTIALS_DIRECTORY");
	free(folder);
	free(path);
	free(own);
}

static void files_are_whole_or_absent(void **state)
{
	(void)state;
	struct err e = { 0 };
	size_t length;
	char *path = path_of("file"), *away = path_of("none/file");
	assert_int_equal(file_write(path, "one", 3, 0600, FILE_NEW, &e), 0);
	assert_int_equal(file_write(path, "two", 3, 0600, FILE_NEW, &e), E_CONFLICT);
	char *text = file_read(path, 3, &length, &e);
	assert_string_equal(text, "one");
	assert_int_equal(length, 3);
	free(text);
	assert_int_equal(file_write(path, "three", 5, 0640, FILE_REPLACE, &e), 0);
	assert_null(file_read(path, 4, NULL, &e));
	assert_int_equal(e.code, E_TOO_LARGE);
	assert_int_equal(file_write(away, "x", 1, 0600, FILE_REPLACE, &e), E_STORAGE);
	assert_null(file_read(away, 4, NULL, &e));
	assert_int_equal(e.code, E_NOT_FOUND);
	free(path);
	free(away);
}

static void random_texts(void **state)
{
	(void)state;
	char a[37], b[37];
	uuid_make(a);
	uuid_make(b);
	assert_int_equal(strlen(a), 36);
	assert_int_equal(a[14], '7');
	assert_non_null(strchr("89ab", a[19]));
	assert_memory_equal(a, b, 10); /* of the same seconds: they lie together */
	assert_string_not_equal(a, b);
	char *hex = secret_random_hex(32);
	assert_int_equal(strspn(hex, "0123456789abcdef"), 64);
	free(hex);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(seals_and_opens, make_directory, remove_directory),
		cmocka_unit_test_setup_teardown(short_secrets_are_read_into_a_buffer, make_directory, remove_directory),
		cmocka_unit_test_setup_teardown(key_file_is_kept_and_private, make_directory, remove_directory),
		cmocka_unit_test_setup_teardown(bad_key_files_are_refused, make_directory, remove_directory),
		cmocka_unit_test_setup_teardown(credential_comes_first, make_directory, remove_directory),
		cmocka_unit_test_setup_teardown(files_are_whole_or_absent, make_directory, remove_directory),
		cmocka_unit_test(random_texts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
