/* SPDX-License-Identifier: Apache-2.0
 * Forms of text: what a string slot holds, where that is more than words. A form is a facet, so that the sheet, the types
 * that REST tells, and every check know of the same rule. Any thread. */
#ifndef BELFRY_TEXT_FORM_H
#define BELFRY_TEXT_FORM_H

#include <stdbool.h>

#include "station/base/err.h"

enum text_form {
	FORM_ANY,
	FORM_TIME_OF_DAY,  /* "08:30"; see daytime.h */
	FORM_DATE_PATTERN, /* "*-12-24" */
	FORM_HOST_NAME,    /* name or address of a machine; empty: none */
	FORM_WEB_ADDRESS,  /* "https://station.example:8443"; empty: none */
	FORM_MAIL_ADDRESS, /* RFC 5321 Mailbox, as far as mail_address_ok() goes; empty: none */
	FORMS
};
const char *text_form_name(enum text_form form); /* "timeOfDay", as GET /types tells it; NULL for any */
/* 0, or E_INVALID with a sentence that says how it is written. */
int text_form_check(enum text_form form, const char *text, struct err *e);

/* Is the text valid UTF-8? */
bool text_is_utf8(const char *text);
/* Is this text fit for an envelope and a header? One @ with something on both sides, at most 254 bytes, valid UTF-8, no
 * spaces, control characters, quotes or brackets. */
bool mail_address_ok(const char *address);

#endif
