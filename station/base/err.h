/* SPDX-License-Identifier: Apache-2.0
 * Errors are values. A function that can fail returns 0 or a negative enum err_code and fills a
 * struct err: the code, the slot it concerns, and a sentence that a user can act on: what was wrong,
 * where, what to do. A whole validation collects into a struct report instead. Any thread. */
#ifndef BELFRY_ERR_H
#define BELFRY_ERR_H

#include <stdbool.h>
#include <stddef.h>

enum err_code {
	E_NONE = 0,
#define ERR(name, http, scope, retry, text) E_##name##_ROW,
#include "err.def"
#undef ERR
	E_COUNT,
#define ERR(name, http, scope, retry, text) E_##name = -E_##name##_ROW,
#include "err.def"
#undef ERR
};
enum err_scope { SCOPE_VALUE, SCOPE_COMPONENT, SCOPE_SERVICE, SCOPE_STATION };
enum err_retry { RETRY_NEVER, RETRY_LATER, RETRY_NOW };

struct err {
	int code;       /* 0 or E_... */
	char slot[64];  /* the property concerned, or empty */
	char text[400]; /* the sentence; longer ones are cut at a character boundary */
};

/* Fills *e (which may be NULL) and returns code, so that `return err_set(e, E_INVALID, "port", "...")` reads well.
 * slot may be NULL. */
int err_set(struct err *e, int code, const char *slot, const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Puts "what: " in front of the sentence while the error climbs; returns e's code. */
int err_wrap(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Properties of a code, from err.def. */
int err_http(int code);
enum err_scope err_scope(int code);
enum err_retry err_retry(int code);
const char *err_name(int code); /* "INVALID" */
const char *err_text(int code); /* the default sentence */

/* What a validation found: all errors and warnings at once, each with a JSON pointer into what was sent. */
struct finding {
	bool warning;
	int code;
	char *pointer; /* owned, "/values/port" */
	char *detail;  /* owned, the sentence */
};
struct report {
	struct finding *items; /* owned */
	size_t count, errors;
	char prefix[160]; /* stands before the slot name in each pointer: "/values" */
};
void report_init(struct report *r, const char *prefix);
void report_finish(struct report *r);
/* Adds a finding at prefix/slot. slot may itself contain '/', for members of a struct. */
void report_error(struct report *r, int code, const char *slot, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void report_warning(struct report *r, const char *slot, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The first error as an err (for callers that can show only one); returns its code, 0 when there is none. */
int report_first(const struct report *r, struct err *e);

#endif
