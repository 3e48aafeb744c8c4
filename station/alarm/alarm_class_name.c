/* SPDX-License-Identifier: Apache-2.0
 * Does the station have an alarm class of that name? See alarm_class_name.h. The types belong to a service that the engine
 * knows by their names only. */
#include "station/alarm/alarm_class_name.h"

#include <string.h>

#include "station/station.h"

/* Classes stand below the AlarmService, in folders too. A station without one has nobody to miss them. */
static bool there_is(struct station *s, const char *name)
{
	const struct type *service = type_find(s->types, "alarm:AlarmService"),
	                  *class = type_find(s->types, "alarm:AlarmClass");
	struct component *top = service && class ? station_service(s, service) : NULL, *c = top;
	while (c && !(component_is(c, class) && strcmp(c->name, name) == 0))
		c = tree_next(c, top);
	return !top || c;
}

void alarm_class_name_check(const struct component *next, const struct component *current, const char *slot,
                            const char *name, struct report *report)
{
	struct station *s = (current ? current : next)->station;
	if (s && *name && !there_is(s, name))
		report_warning(report, slot, "There is no alarm class \"%s\"; the default class is used until there is one.",
		               name);
}
