/* SPDX-License-Identifier: Apache-2.0
 * Assertions and allocation that cannot fail: see must.h. Any thread. */
#include "station/base/must.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

_Noreturn void must_failed(const char *expression, const char *file, int line)
{
	fprintf(stderr, "belfry: cannot happen: %s at %s:%d\n", expression, file, line);
	abort();
}

void *must_alloc(size_t size)
{
	void *p = calloc(1, size ? size : 1);
	must(p != NULL);
	return p;
}

void *must_alloc_huge(size_t size)
{
	void *p = NULL;
	must(posix_memalign(&p, HUGE_PAGE, size) == 0);
	madvise(p, size, MADV_HUGEPAGE); /* a wish: where it is not heard, the pages are small */
	return memset(p, 0, size);
}

void *must_realloc(void *old, size_t size)
{
	void *p = realloc(old, size ? size : 1);
	must(p != NULL);
	return p;
}

char *must_strdup(const char *text)
{
	char *p = strdup(text);
	must(p != NULL);
	return p;
}

char *must_strndup(const char *text, size_t length)
{
	char *p = strndup(text, length);
	must(p != NULL);
	return p;
}

char *must_format(const char *format, ...)
{
	char *text = NULL;
	va_list ap;
	va_start(ap, format);
	int n = vasprintf(&text, format, ap);
	va_end(ap);
	must(n >= 0);
	return text;
}
