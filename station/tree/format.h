/* SPDX-License-Identifier: Apache-2.0
 * BFormat: "%alarmData.sourceName%", "%parent.displayName%", "%%" for a percent sign; the functions time(), user(),
 * lexicon(module:key), decodeFromString(type.value), and .substring(from,to) behind any name.
 * A format is checked when it is saved, so that a wrong name is an error on the sheet, not in the delivered mail. */
#ifndef BELFRY_FORMAT_H
#define BELFRY_FORMAT_H

#include "station/tree/component.h"

/* Checks a format against the members of a struct (an alarm record's table); members that are open dictionaries
 * (V_LIST of name/value, such as alarmData) take any key. 0 or E_INVALID with a sentence that names the token. */
int format_check(const char *format, const struct slot *members, struct err *e);
/* Owned text. A token without value gives "-". data: a V_STRUCT with its member table. */
char *format_expand(const char *format, const struct value *data);
/* How values are written and words looked up while a format is expanded. Members may be NULL. */
struct format_voice {
	/* Owned text of a value, found at path ("alarmData.highLimit"); NULL: the plain one. */
	char *(*print)(const struct format_voice *voice, const char *path, const struct slot *slot, const struct value *v);
	/* Borrowed; NULL: there is no such word, and the key is shown. */
	const char *(*lexicon)(const struct format_voice *voice, const char *key);
	int64_t now;      /* microseconds since 1970: time() */
	const char *user; /* borrowed: user(), who has acted; NULL or empty: nobody */
};
char *format_expand_by(const char *format, const struct value *data, const struct format_voice *voice);
/* The same over a component: slots, parent., name, displayName. */
int format_check_component(const char *format, struct err *e);
char *format_expand_component(const char *format, const struct component *c);

#endif
