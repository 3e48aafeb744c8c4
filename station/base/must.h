/* SPDX-License-Identifier: Apache-2.0
 * Assertions that stay in every build, and allocation that cannot fail.
 * must() is for what cannot happen: it logs the place and aborts, and systemd restarts the station.
 * What can happen (bad input, a full disk, a dead peer) is an error value instead: see err.h. */
#ifndef BELFRY_MUST_H
#define BELFRY_MUST_H

#include <stddef.h>

#define must(x) ((x) ? (void)0 : must_failed(#x, __FILE__, __LINE__))

/* Prints the failed expression with its place to standard error and aborts. Any thread. */
_Noreturn void must_failed(const char *expression, const char *file, int line);

/* Small, fixed-size memory of our own making; aborts when there is none. Zeroed. The caller owns it
 * and gives it back with free(). A size that comes from outside is bounded first. Any thread. */
void *must_alloc(size_t size) __attribute__((malloc));
/* The same for megabytes that are used at random: on huge pages where the system has them, which spares most faults and
 * misses. All of it is resident. */
void *must_alloc_huge(size_t size) __attribute__((malloc));
enum { HUGE_PAGE = 2 * 1024 * 1024 };
void *must_realloc(void *old, size_t size);
char *must_strdup(const char *text) __attribute__((malloc));
char *must_strndup(const char *text, size_t length) __attribute__((malloc));
/* printf into owned memory. */
char *must_format(const char *format, ...) __attribute__((format(printf, 1, 2), malloc));

/* The struct that a member pointer lies in. */
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
