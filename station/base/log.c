/* SPDX-License-Identifier: Apache-2.0
 * The log: see log.h. One write a line, so that lines of several threads never mix. */
#include "station/base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const names[] = { "error", "warn", "info", "debug" };
static _Atomic int threshold = LOG_LEVEL_INFO; /* set once at start; the log's only state */

void log_set_level(enum log_level level)
{
	atomic_store(&threshold, (int)level);
}

int log_level_parse(const char *text, enum log_level *level)
{
	for (int i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++) {
		if (strcmp(names[i], text) == 0) {
			*level = (enum log_level)i;
			return 0;
		}
	}
	return -1;
}

/* One event stays one line: control characters would let a peer forge further lines. */
static void sanitize(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p; p++)
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
}

static void log_line(enum log_level level, const char *format, va_list ap)
{
	if ((int)level > atomic_load(&threshold))
		return;
	char text[1024], line[1152], stamp[32];
	vsnprintf(text, sizeof text, format, ap);
	sanitize(text);
	struct timespec now;
	struct tm tm;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);
	int n = snprintf(line, sizeof line, "%s.%03ldZ %s %s\n", stamp, now.tv_nsec / 1000000, names[level], text);
	ssize_t written = write(STDERR_FILENO, line, (size_t)n);
	(void)written; /* a log that cannot be written has nobody to tell */
}

#define LOG_FUNCTION(name, level)                                                                                      \
	void name(const char *format, ...)                                                                                 \
	{                                                                                                                  \
		va_list ap;                                                                                                    \
		va_start(ap, format);                                                                                          \
		log_line(level, format, ap);                                                                                   \
		va_end(ap);                                                                                                    \
	}
LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warn, LOG_LEVEL_WARN)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
