/* SPDX-License-Identifier: Apache-2.0
 * The tree that a new station starts with: the services, one mail account, one recipient that the default alarm class
 * leads to. Types are named by their text, so that nothing here depends on a service. Engine thread. */
#include <string.h>

#include "station/base/log.h"
#include "station/base/must.h"
#include "station/link/link.h"
#include "station/station.h"

static const struct {
	const char *parent, *name, *type;
} components[] = {
	{ "", "Services", "baja:Folder" },
	{ "", "Drivers", "baja:Folder" },
	{ "/Services", "AlarmService", "alarm:AlarmService" },
	{ "/Services", "EmailService", "email:EmailService" },
	{ "/Services", "TrustService", "trust:TrustService" },
	{ "/Services", "UserService", "baja:UserService" },
	{ "/Services", "AuditService", "audit:AuditService" },
	{ "/Services", "CategoryService", "baja:CategoryService" },
	{ "/Services", "HistoryService", "history:HistoryService" },
	{ "/Services", "ScheduleService", "schedule:ScheduleService" },
	{ "/Services", "WebService", "web:WebService" },
	{ "/Services", "PlatformService", "platform:PlatformService" },
	{ "/Services/AlarmService", "defaultAlarmClass", "alarm:AlarmClass" },
	{ "/Services/EmailService", "OutgoingAccount", "email:OutgoingAccount" },
	{ "/Services/EmailService", "IncomingAccount", "email:IncomingAccount" },
	{ "/Services/EmailService", "EmailRecipient", "email:EmailRecipient" },
	{ "/Services/EmailService", "EmailAlarmAcknowledger", "email:EmailAlarmAcknowledger" },
	{ "/Drivers", "GpioNetwork", "gpio:GpioNetwork" },
};

static const struct {
	const char *source, *topic, *target, *action;
} links[] = {
	{ "/Services/AlarmService/defaultAlarmClass", "alarm", "/Services/EmailService/EmailRecipient", "routeAlarm" },
	{ "/Services/EmailService/IncomingAccount", "received", "/Services/EmailService/EmailAlarmAcknowledger",
	  "received" },
};

void station_ship(struct station *s)
{
	tree_attach(NULL, component_create(s, &baja_folder, "Station", 0));
	for (size_t i = 0; i < ARRAY_SIZE(components); i++) {
		const struct type *type = type_find(s->types, components[i].type);
		struct component *parent = station_by_path(s, components[i].parent);
		if (!type || !parent) /* a program built with fewer types ships a smaller tree */
			log_debug("%s is not part of this program", components[i].type);
		else if (!component_child(parent, components[i].name))
			tree_attach(parent, component_create(s, type, components[i].name, 0));
	}
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		struct component *source = station_by_path(s, links[i].source), *target = station_by_path(s, links[i].target);
		if (source && target)
			link_add(target, NULL, source->handle, links[i].topic, links[i].action);
	}
}
