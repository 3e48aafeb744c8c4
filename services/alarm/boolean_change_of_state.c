/* SPDX-License-Identifier: Apache-2.0
 * alarm:BooleanChangeOfStateAlarmExt: a boolean that has its alarm value (BACnet's CHANGE_OF_STATE, 13.3.2).
 * Engine thread. */
#include "services/alarm/alarm_inside.h"
#include "station/base/must.h"

struct boolean_ext {
	struct alarm_ext x;
	bool alarmValue;
};

static enum alarm_state evaluate(const struct alarm_ext *x, const struct value *out, enum alarm_state now)
{
	(void)now;
	return out->boolean == container_of(x, const struct boolean_ext, x)->alarmValue ? ALARM_OFFNORMAL : ALARM_NORMAL;
}

static const struct alarm_algorithm algorithm = { .evaluate = evaluate };

static int below_boolean(const struct component *parent, struct err *e)
{
	if (component_is(parent, &control_boolean_point))
		return 0;
	return err_set(e, E_INVALID, "parent", "A BooleanChangeOfStateAlarmExt stands below a boolean point.");
}

static const struct slot slots[] = {
	SLOT(struct boolean_ext, alarmValue, BOOLEAN, .dflt = "true", .doc = "The value that is an alarm."),
	SLOT_END,
};

const struct type alarm_boolean_change_of_state_ext_type = {
	.name = "alarm:BooleanChangeOfStateAlarmExt",
	.doc = "Raises an alarm when a boolean point has its alarm value.",
	.size = sizeof(struct boolean_ext),
	.base = &alarm_source_ext_type,
	.slots = slots,
	.traits = &algorithm,
	.parent_ok = below_boolean,
};
