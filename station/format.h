/* SPDX-License-Identifier: Apache-2.0
 * BFormat: "%alarmData.sourceName%", "%parent.displayName%", "%%" for a percent sign.
 * A format is checked when it is saved, so that a wrong name is an error on the sheet, not in the delivered mail. */
#ifndef BELFRY_FORMAT_H
#define BELFRY_FORMAT_H

#include "station/component.h"

/* Checks a format against the members of a struct (an alarm record's table); members that are open dictionaries
 * (V_LIST of name/value, such as alarmData) take any key. 0 or E_INVALID with a sentence that names the token. */
int format_check(const char *format, const struct slot *members, struct err *e);
/* Owned text. A token without value gives "-". data: a V_STRUCT with its member table. */
char *format_expand(const char *format, const struct value *data);
/* The same over a component: slots, parent., name, displayName. */
int format_check_component(const char *format, struct err *e);
char *format_expand_component(const char *format, const struct component *c);

#endif
