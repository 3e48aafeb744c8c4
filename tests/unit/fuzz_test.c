/* SPDX-License-Identifier: Apache-2.0
 * The corpora that fuzzing has left, once through each target: what was found once is not to come back. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "station/base/must.h"
#include "tests/fuzz/driver.h"

typedef int target(const uint8_t *data, size_t size);
#define DECLARE(name) extern target name##_fuzz;
FUZZ_TARGETS(DECLARE)

#include "tests/fuzz/imap_fuzz.c"
#include "tests/fuzz/pop3_fuzz.c"
#include "tests/fuzz/reader_fuzz.c"
#include "tests/fuzz/sasl_fuzz.c"
#include "tests/fuzz/smtp_reply_fuzz.c"

static void replay_file(target *run, const char *path)
{
	static uint8_t bytes[1 << 16];
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	size_t n = fread(bytes, 1, sizeof bytes, file);
	fclose(file);
	uint8_t *exact = must_alloc(n ? n : 1);
	memcpy(exact, bytes, n);
	run(exact, n);
	free(exact);
}

static void replay(target *run, const char *name)
{
	char path[600];
	int count = 0;
	snprintf(path, sizeof path, "tests/fuzz/corpus/%s", name);
	DIR *directory = opendir(path);
	assert_non_null(directory);
	for (struct dirent *entry; (entry = readdir(directory));) {
		if (*entry->d_name == '.')
			continue;
		snprintf(path, sizeof path, "tests/fuzz/corpus/%s/%s", name, entry->d_name);
		replay_file(run, path);
		count++;
	}
	closedir(directory);
	assert_true(count > 3);
}

#define REPLAY(name)                                                                                                   \
	static void test_##name(void **state)                                                                              \
	{                                                                                                                  \
		(void)state;                                                                                                   \
		replay(name##_fuzz, #name);                                                                                    \
	}
FUZZ_TARGETS(REPLAY)

#define LISTED(name) cmocka_unit_test(test_##name),
int main(void)
{
	const struct CMUnitTest tests[] = { FUZZ_TARGETS(LISTED) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
