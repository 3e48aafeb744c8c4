/* SPDX-License-Identifier: Apache-2.0
 * The demo building: an air handling unit, a boiler, a cold room and three doors, as one table. Services are named by
 * text, so that the demo works with whatever of them is built in. Engine thread, at the first start with --demo. */
#include <stdlib.h>
#include <string.h>

#include "drivers/demo/demo.h"
#include "station/base/log.h"
#include "station/base/must.h"
#include "station/link/link.h"
#include "station/store/persist.h"

/* One component; its properties are "name=text" lines, as value_parse() reads them. */
struct row {
	const char *parent, *name, *type;
	const char *values[8];
};

#define DEMO "/Drivers/DemoNetwork"
#define AHU DEMO "/AirHandlingUnit"
#define BOILER DEMO "/Boiler"
#define COLD DEMO "/ColdRoom"
#define DOORS DEMO "/Doors"
#define MAIL "/Services/EmailService"
#define SCHEDULES "/Services/ScheduleService"

#define CELSIUS "facets={\"units\":\"°C\",\"precision\":1}"
#define OFFICE "{\"start\":\"06:30\",\"finish\":\"18:30\"}"
#define WARM                                                                                                           \
	"{\"start\":\"05:00\",\"finish\":\"08:00\",\"value\":68},{\"start\":\"08:00\",\"finish\":\"18:00\",\"value\":62}"
#define ON_OFF "facets={\"trueText\":\"On\",\"falseText\":\"Off\"}"
#define OPEN_CLOSED "facets={\"trueText\":\"Open\",\"falseText\":\"Closed\"}"

/* clang-format off */
static const struct row rows[] = {
	{ "/Drivers", "DemoNetwork", "demo:DemoNetwork", {} },

	{ DEMO, "AirHandlingUnit", "demo:DemoDevice", { "tags={\"hs:equip\":true,\"hs:ahu\":true}" } },
	{ AHU, "SupplyTemperature", "control:NumericPoint",
	  { CELSIUS, "tags={\"hs:point\":true,\"hs:discharge\":true,\"hs:air\":true,\"hs:temp\":true,\"hs:sensor\":true}" } },
	{ AHU "/SupplyTemperature", "proxyExt", "demo:DemoProxyExt",
	  { "waveform=sine", "offset=18", "amplitude=0.8", "period=7m", "noise=0.05" } },
	{ AHU, "ReturnTemperature", "control:NumericPoint", { CELSIUS } },
	{ AHU "/ReturnTemperature", "proxyExt", "demo:DemoProxyExt",
	  { "waveform=sine", "offset=22.5", "amplitude=1.2", "period=23m", "noise=0.05", "phase=0.3" } },
	{ AHU "/SupplyTemperature", "History", "history:NumericIntervalHistoryExt",
	  { "interval=1m", "historyName=%parent.parent.name%_%parent.name%" } },
	{ AHU "/ReturnTemperature", "History", "history:NumericIntervalHistoryExt",
	  { "interval=1m", "historyName=%parent.parent.name%_%parent.name%" } },
	{ AHU, "FilterPressure", "control:NumericPoint", { "facets={\"units\":\"Pa\",\"precision\":0}" } },
	{ AHU "/FilterPressure", "proxyExt", "demo:DemoProxyExt",
	  { "waveform=sawtooth", "offset=130", "amplitude=60", "period=12h", "noise=2" } },
	{ AHU "/FilterPressure", "FilterDirty", "alarm:OutOfRangeAlarmExt",
	  { "highLimit=180", "deadband=10", "limitEnable={\"low\":false,\"high\":true}",
	    "alarmEnable={\"toOffnormal\":true,\"toFault\":false}", "toOffnormalText=The filter is clogged: change it." } },
	{ AHU, "Fan", "control:BooleanWritable", { ON_OFF, "fallback=true" } },
	{ AHU "/Fan", "proxyExt", "demo:DemoProxyExt", {} },

	{ DEMO, "Boiler", "demo:DemoDevice", { "tags={\"hs:equip\":true,\"hs:boiler\":true}" } },
	{ BOILER, "FlowTemperature", "control:NumericPoint", { CELSIUS } },
	{ BOILER "/FlowTemperature", "proxyExt", "demo:DemoProxyExt",
	  { "waveform=triangle", "offset=62", "amplitude=4", "period=9m", "noise=0.1" } },
	{ BOILER "/FlowTemperature", "TooHot", "alarm:OutOfRangeAlarmExt",
	  { "highLimit=85", "deadband=3", "limitEnable={\"low\":false,\"high\":true}",
	    "alarmEnable={\"toOffnormal\":true,\"toFault\":false}", "toOffnormalText=The boiler is too hot." } },
	{ BOILER "/FlowTemperature", "History", "history:NumericCovHistoryExt",
	  { "changeTolerance=0.2", "historyName=%parent.parent.name%_%parent.name%" } },
	{ BOILER, "Setpoint", "control:NumericWritable",
	  { "facets={\"units\":\"°C\",\"precision\":1,\"min\":20,\"max\":80}", "fallback=62" } },
	{ BOILER "/Setpoint", "proxyExt", "demo:DemoProxyExt", {} },
	{ BOILER, "Pump", "control:BooleanWritable", { ON_OFF, "fallback=true" } },
	{ BOILER "/Pump", "proxyExt", "demo:DemoProxyExt", {} },

	{ BOILER, "Mode", "control:EnumWritable",
	  { "facets={\"range\":[{\"ordinal\":0,\"tag\":\"off\"},{\"ordinal\":1,\"tag\":\"auto\"},{\"ordinal\":2,\"tag\":\"manual\"}]}",
	    "fallback=1" } },
	{ BOILER, "Notice", "control:StringWritable", { "fallback=In service" } },
	/* A loop that keeps the flow temperature, as far as a simulated boiler lets it. */
	{ BOILER, "Control", "baja:Folder", {} },
	{ BOILER "/Control", "FlowLoop", "kitControl:LoopPoint",
	  { "facets={\"units\":\"%\",\"precision\":1}", "proportionalConstant=4", "integralConstant=0.2" } },
	{ BOILER "/Control", "Spread", "kitControl:Subtract", { CELSIUS } },
	{ BOILER "/Control", "TooFarOff", "kitControl:GreaterThan", { "inB=3" } },

	/* Rises above the limit after about 20 s, and is back after 75 s; then every half hour. */
	{ DEMO, "ColdRoom", "demo:DemoDevice", {} },
	{ COLD, "Temperature", "control:NumericPoint",
	  { CELSIUS, "tags={\"hs:point\":true,\"hs:zone\":true,\"hs:air\":true,\"hs:temp\":true,\"hs:sensor\":true}" } },
	{ COLD "/Temperature", "proxyExt", "demo:DemoProxyExt",
	  { "waveform=excursion", "offset=-20", "amplitude=8", "period=30m", "duty=0.05", "noise=0.05" } },
	{ COLD "/Temperature", "TooWarm", "alarm:OutOfRangeAlarmExt",
	  { "highLimit=-15", "lowLimit=-28", "deadband=0.5", "timeDelay=5s", "limitEnable={\"low\":true,\"high\":true}",
	    "alarmEnable={\"toOffnormal\":true,\"toFault\":true}", "toOffnormalText=The cold room is too warm: check the door.",
	    "toNormalText=The cold room is cold again." } },

	{ DEMO, "Doors", "demo:DemoDevice", {} },
	{ COLD "/Temperature", "History", "history:NumericCovHistoryExt",
	  { "changeTolerance=0.1", "historyName=%parent.parent.name%_%parent.name%" } },
	{ DOORS, "MainEntrance", "control:BooleanPoint", { OPEN_CLOSED } },
	{ DOORS "/MainEntrance", "proxyExt", "demo:DemoProxyExt", { "waveform=square", "period=50s", "duty=0.2" } },
	{ DOORS "/MainEntrance", "History", "history:BooleanCovHistoryExt", {} },
	{ DOORS, "ColdRoomDoor", "control:BooleanPoint", { OPEN_CLOSED } },
	{ DOORS "/ColdRoomDoor", "proxyExt", "demo:DemoProxyExt", { "waveform=square", "period=30m", "duty=0.03" } },
	{ DOORS, "EmergencyExit", "control:BooleanPoint", { OPEN_CLOSED } },
	{ DOORS "/EmergencyExit", "proxyExt", "demo:DemoProxyExt",
	  { "waveform=square", "period=2h", "duty=0.01", "phase=0.8" } },
	{ DOORS "/EmergencyExit", "Opened", "alarm:BooleanChangeOfStateAlarmExt",
	  { "alarmValue=true", "alarmEnable={\"toOffnormal\":true,\"toFault\":false}",
	    "toOffnormalText=The emergency exit was opened." } },

	/* Who comes when: drives the fan and the boiler, except on holidays. */
	{ SCHEDULES, "Holidays", "schedule:CalendarSchedule",
	  { "events=[{\"name\":\"New Year\",\"start\":\"*-01-01\"},{\"name\":\"Labour Day\",\"start\":\"*-05-01\"},"
	    "{\"name\":\"Summer holiday\",\"type\":\"weekAndDay\",\"month\":\"august\",\"week\":\"first\",\"weekday\":\"monday\"},"
	    "{\"name\":\"Christmas\",\"type\":\"dateRange\",\"start\":\"*-12-24\",\"end\":\"*-12-26\"}]" } },
	{ SCHEDULES, "Occupancy", "schedule:BooleanSchedule",
	  { "facets={\"trueText\":\"Occupied\",\"falseText\":\"Unoccupied\"}", "defaultOutput=false",
	    "weeklySchedule={\"monday\":[" OFFICE "],\"tuesday\":[" OFFICE "],\"wednesday\":[" OFFICE "],\"thursday\":[" OFFICE
	    "],\"friday\":[{\"start\":\"06:30\",\"finish\":\"16:00\"}],\"saturday\":[{\"start\":\"09:00\",\"finish\":\"12:00\"}]}",
	    "specialEvents=[{\"name\":\"Holidays\",\"type\":\"reference\",\"reference\":\"station:|slot:" SCHEDULES
	    "/Holidays\",\"entries\":[{\"value\":false}]}]" } },
	{ SCHEDULES, "FlowSetpoint", "schedule:NumericSchedule",
	  { CELSIUS, "defaultOutput=48",
	    "weeklySchedule={\"monday\":[" WARM "],\"tuesday\":[" WARM "],\"wednesday\":[" WARM "],\"thursday\":[" WARM
	    "],\"friday\":[" WARM "]}" } },

	/* The alarms as mails that need no server: a folder of the data directory. */
	{ MAIL, "DemoAccount", "email:OutgoingAccount",
	  { "transport=Maildir", "hostname=localhost", "replyTo={\"name\":\"Belfry demo\",\"address\":\"belfry@demo.example\"}" } },
	{ MAIL, "DemoRecipient", "email:EmailRecipient",
	  { "emailAccount=DemoAccount", "to=[{\"name\":\"Caretaker\",\"address\":\"caretaker@demo.example\"}]" } },
};
/* clang-format on */

/* --- building --------------------------------------------------------------------------------------------------- */

static void set_property(struct component *c, const char *assignment)
{
	const char *text = strchr(assignment, '=') + 1;
	char *name = must_strndup(assignment, (size_t)(text - assignment) - 1);
	const struct slot *slot = component_slot(c, name);
	struct value v;
	struct err e = { 0 };
	if (!slot)
		log_warn("demo: %s has no property %s", c->type->name, name);
	else if (value_parse(slot, text, &v, &e) != 0)
		log_warn("demo: %s.%s: %s", c->name, name, e.text);
	else
		component_set(c, slot, &v);
	free(name);
}

static void add(struct station *s, const struct row *row)
{
	const struct type *type = type_find(s->types, row->type);
	struct component *parent = station_by_path(s, row->parent);
	if (!type || !parent) {
		log_warn("demo: %s is left out: this station has no %s", row->name, type ? row->parent : row->type);
		return;
	}
	if (component_child(parent, row->name))
		return;
	struct component *c = component_create(s, type, row->name, 0);
	for (size_t i = 0; i < ARRAY_SIZE(row->values) && row->values[i]; i++)
		set_property(c, row->values[i]);
	tree_attach(parent, c);
}

static const struct {
	const char *source, *sourceSlot, *target, *targetSlot;
} links[] = {
	{ "/Services/AlarmService/defaultAlarmClass", "alarm", MAIL "/DemoRecipient", "routeAlarm" },
	{ SCHEDULES "/Occupancy", "out", AHU "/Fan", "in10" },
	{ SCHEDULES "/FlowSetpoint", "out", BOILER "/Setpoint", "in10" },
	{ BOILER "/Setpoint", "out", BOILER "/Control/FlowLoop", "setpoint" },
	{ BOILER "/FlowTemperature", "out", BOILER "/Control/FlowLoop", "controlledVariable" },
	{ BOILER "/Pump", "out", BOILER "/Control/FlowLoop", "loopEnable" },
	{ BOILER "/Setpoint", "out", BOILER "/Control/Spread", "inA" },
	{ BOILER "/FlowTemperature", "out", BOILER "/Control/Spread", "inB" },
	{ BOILER "/Control/Spread", "out", BOILER "/Control/TooFarOff", "inA" },
};

static void add_links(struct station *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		struct component *source = station_by_path(s, links[i].source);
		struct component *target = station_by_path(s, links[i].target);
		if (source && target)
			link_add(target, NULL, source->handle, links[i].sourceSlot, links[i].targetSlot);
	}
}

void demo_ship(struct station *s)
{
	if (station_by_path(s, DEMO))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		add(s, &rows[i]);
	add_links(s);
	struct store_tx *tx = store_tx_new();
	static const char *const tops[] = { DEMO,
		                                MAIL "/DemoAccount",
		                                MAIL "/DemoRecipient",
		                                SCHEDULES "/Holidays",
		                                SCHEDULES "/Occupancy",
		                                SCHEDULES "/FlowSetpoint" };
	for (size_t i = 0; i < ARRAY_SIZE(tops); i++) {
		const struct component *c = station_by_path(s, tops[i]);
		if (c)
			persist_subtree(tx, c, c->parent);
	}
	persist_next_handle(tx, s);
	struct err e = { 0 };
	if (s->store->impl->commit_now(s->store, tx, &e) != 0)
		log_error("demo: the building could not be stored: %s", e.text);
}
