/* SPDX-License-Identifier: Apache-2.0
 * The system's time zones, by name. */
#ifndef BELFRY_TESTS_ZONE_FILE_H
#define BELFRY_TESTS_ZONE_FILE_H

#include "tests/unit/world.h"

#include "station/base/file.h"

static inline void read_zone(struct zone *z, const char *name)
{
	char path[128];
	size_t length;
	struct err e = { 0 };
	*z = (struct zone){ 0 };
	snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
	char *bytes = file_read(path, 1 << 20, &length, &e);
	if (!bytes || zone_read(z, (unsigned char *)bytes, length, &e) != 0)
		fail_msg("%s: %s", name, e.text);
	free(bytes);
}

#endif
