/* SPDX-License-Identifier: Apache-2.0
 * The alarm record: its table and its JSON. See alarm.h. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "services/alarm/alarm_inside.h"
#include "station/base/must.h"

const struct tag alarm_state_range[] = {
	{ ALARM_NORMAL, "normal", "Nothing is wrong." },
	{ ALARM_OFFNORMAL, "offnormal", "The point has a value that is not normal." },
	{ ALARM_FAULT, "fault", "The value is so far out that it must be wrong." },
	{ ALARM_ALERT, "alert", "Something to know that has no normal." },
	{ ALARM_HIGH_LIMIT, "highLimit", "The value lies above its high limit." },
	{ ALARM_LOW_LIMIT, "lowLimit", "The value lies below its low limit." },
	{ 0, NULL, NULL },
};
const struct tag alarm_ack_range[] = {
	{ ALARM_ACKED, "acked", "Somebody has acknowledged it, or nobody has to." },
	{ ALARM_UNACKED, "unacked", "Nobody has acknowledged it yet." },
	{ 0, NULL, NULL },
};

static const struct slot data_members[] = {
	MEMBER("name", STRING, .doc = "Key."),
	MEMBER("value", STRING, .doc = "Value as text."),
	SLOT_END,
};
static const struct slot note_members[] = {
	MEMBER("time", ABSTIME, .doc = "When."),
	MEMBER("user", STRING, .doc = "Who."),
	MEMBER("text", STRING, .doc = "What."),
	SLOT_END,
};

static const struct slot slots[] = {
	SLOT(struct alarm_record, uuid, STRING, .flags = SLOT_REQUIRED, .doc = "Identity of the alarm."),
	SLOT(struct alarm_record, sequence, INTEGER, .flags = SLOT_INDEX, .doc = "Number in the station's sequence."),
	SLOT(struct alarm_record, timestamp, ABSTIME, .flags = SLOT_INDEX, .doc = "When the alarm was raised."),
	SLOT(struct alarm_record, sourceState, ENUM, .facets = FACETS(.range = alarm_state_range),
	     .doc = "State of the source now."),
	SLOT(struct alarm_record, ackState, ENUM, .facets = FACETS(.range = alarm_ack_range),
	     .doc = "Whether it has been acknowledged."),
	SLOT(struct alarm_record, ackRequired, BOOLEAN, .doc = "Whether somebody must acknowledge it."),
	SLOT(struct alarm_record, cleared, BOOLEAN, .flags = SLOT_INDEX, .doc = "Normal and acknowledged."),
	{ .name = "source",
	  .offset = offsetof(struct alarm_record, source),
	  .kind = V_LIST,
	  .element = V_STRING,
	  .doc = "Ords of the source." },
	SLOT(struct alarm_record, sourceHandle, INTEGER, .doc = "Handle of the extension: finds it after a rename."),
	SLOT(struct alarm_record, alarmClass, STRING, .flags = SLOT_INDEX, .doc = "Name of the alarm class."),
	SLOT(struct alarm_record, priority, INTEGER, .doc = "1 to 255; 1 is the highest."),
	SLOT(struct alarm_record, normalTime, ABSTIME, .doc = "When the source became normal again."),
	SLOT(struct alarm_record, ackTime, ABSTIME, .doc = "When it was acknowledged."),
	SLOT(struct alarm_record, user, STRING, .doc = "Who acknowledged it."),
	SLOT_LIST(struct alarm_record, alarmData, data_members, .doc = "What else is known: source name, values, limits."),
	SLOT(struct alarm_record, alarmTransition, ENUM, .facets = FACETS(.range = alarm_state_range),
	     .doc = "The first transition; never changes."),
	SLOT(struct alarm_record, lastUpdate, ABSTIME, .doc = "When the record last changed."),
	SLOT(struct alarm_record, msgText, STRING, .doc = "The message text."),
	SLOT_LIST(struct alarm_record, notes, note_members, .doc = "What people have noted."),
	SLOT(struct alarm_record, shelvedUntil, ABSTIME,
	     .doc = "Nobody is told of it until then; null: it is not shelved."),
	SLOT_END,
};
const struct record_kind alarm_kind = { "alarm", "Alarms, open and cleared.", sizeof(struct alarm_record), slots,
	                                    false };

const char *alarm_data_get(const struct alarm_record *r, const char *name)
{
	for (uint32_t i = 0; i < r->alarmData.count; i++) {
		const struct value *row = r->alarmData.items[i].list.items;
		if (strcmp(row[0].text, name) == 0)
			return row[1].text;
	}
	return "";
}

void alarm_data_set(struct alarm_record *r, const char *name, const char *value)
{
	for (uint32_t i = 0; i < r->alarmData.count; i++) {
		struct value *row = r->alarmData.items[i].list.items;
		if (strcmp(row[0].text, name) == 0) {
			value_clear(&row[1]);
			row[1] = value_string(value);
			return;
		}
	}
	struct value *pair = must_alloc(2 * sizeof *pair);
	pair[0] = value_string(name);
	pair[1] = value_string(value);
	r->alarmData.items = must_realloc(r->alarmData.items, (r->alarmData.count + 1) * sizeof(struct value));
	r->alarmData.items[r->alarmData.count++] =
	    (struct value){ .kind = V_STRUCT, .list = { .items = pair, .count = 2, .members = data_members } };
}

void alarm_note(struct alarm_record *r, int64_t now, const char *user, const char *text)
{
	struct value *row = must_alloc(3 * sizeof *row);
	row[0] = value_abstime(now);
	row[1] = value_string(user);
	row[2] = value_string(text);
	r->notes.items = must_realloc(r->notes.items, (r->notes.count + 1) * sizeof(struct value));
	r->notes.items[r->notes.count++] =
	    (struct value){ .kind = V_STRUCT, .list = { .items = row, .count = 3, .members = note_members } };
}

json_t *alarm_to_json(const struct alarm_record *r, json_t *deliveries, json_t *trace)
{
	json_t *json = record_to_json(&alarm_kind, r);
	json_t *data = json_object();
	for (uint32_t i = 0; i < r->alarmData.count; i++) {
		const struct value *row = r->alarmData.items[i].list.items;
		json_t *text = json_string(row[1].text);
		json_object_set_new(data, row[0].text, text ? text : json_string("\xEF\xBF\xBD"));
	}
	json_object_del(json, "sourceHandle"); /* ours alone */
	json_object_set_new(json, "alarmData", data);
	json_object_set_new(json, "deliveries", deliveries ? deliveries : json_array());
	json_object_set_new(json, "trace", trace ? trace : json_array());
	return json;
}
