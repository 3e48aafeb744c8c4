/* SPDX-License-Identifier: Apache-2.0
 * The log: one event, one line on standard error, control characters escaped. Never a secret. Any thread. */
#ifndef BELFRY_LOG_H
#define BELFRY_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Set once, before threads start. */
void log_set_level(enum log_level level);
int log_level_parse(const char *text, enum log_level *level);
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
