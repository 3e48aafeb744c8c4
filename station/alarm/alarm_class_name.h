/* SPDX-License-Identifier: Apache-2.0
 * Properties that name an alarm class: an extension's, an alarmSourceInfo's. What they name may come later; until then the
 * default class takes the alarms, and who saves such a name is told. Engine thread. */
#ifndef BELFRY_ALARM_CLASS_NAME_H
#define BELFRY_ALARM_CLASS_NAME_H

#include "station/tree/component.h"

/* For a type's check, with what that was given: warns at slot when the station has no alarm class of that name. "" is fine. */
void alarm_class_name_check(const struct component *next, const struct component *current, const char *slot,
                            const char *name, struct report *report);

#endif
