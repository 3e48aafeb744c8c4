/* SPDX-License-Identifier: Apache-2.0
 * A directory for one test. */
#ifndef BELFRY_TESTS_SCRATCH_H
#define BELFRY_TESTS_SCRATCH_H

#include <stdio.h>
#include <stdlib.h>

#include "station/base/must.h"

enum { SCRATCH_SIZE = 64 }; /* of its path */

static inline void scratch_make(char directory[SCRATCH_SIZE])
{
	snprintf(directory, SCRATCH_SIZE, "/tmp/belfry-test-XXXXXX");
	must(mkdtemp(directory) != NULL);
}

/* Removes it with all that is in it. */
static inline void scratch_remove(const char *directory)
{
	char command[SCRATCH_SIZE + 16];
	snprintf(command, sizeof command, "rm -rf '%s'", directory);
	must(system(command) == 0); /* lint: allow system, in a test, on a path of our own */
}

#endif
