/* SPDX-License-Identifier: Apache-2.0
 * A set of IMAP UIDs, as ranges; its text is RFC 3501's sequence-set ("1:500,703"). Pure; any thread.
 * It remembers which mails of a mailbox were looked at. When a hostile mailbox makes it ragged, the oldest ranges are
 * forgotten: such mails are looked at again, none is missed. */
#ifndef BELFRY_EMAIL_UID_SET_H
#define BELFRY_EMAIL_UID_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { UID_RANGES_MAX = 64 /* its text stays below 1500 bytes: it goes into a command line */ };
struct uid_range {
	uint32_t low, high; /* both in it; low <= high */
};
/* Ascending, apart from each other. Zero is the empty set; it owns nothing. */
struct uid_set {
	struct uid_range ranges[UID_RANGES_MAX];
	size_t count;
};

/* Is this UID in it? */
bool uid_set_has(const struct uid_set *s, uint32_t uid);
/* Adds all UIDs from low to high; nothing when there are none. */
void uid_set_add(struct uid_set *s, uint32_t low, uint32_t high);
/* Is everything from 1 up to and with this UID in it? */
bool uid_set_covers(const struct uid_set *s, uint32_t uid);
uint32_t uid_set_highest(const struct uid_set *s); /* 0: empty */
char *uid_set_print(const struct uid_set *s);      /* owned; "" when empty */
/* False, and the empty set, when the text is none. */
bool uid_set_parse(struct uid_set *s, const char *text);

#endif
