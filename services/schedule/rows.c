/* SPDX-License-Identifier: Apache-2.0
 * The tables of the schedules: properties and types. The kinds differ in the kind of their values only, so the rows are
 * written once and made for each. */
#include "services/schedule/schedule_rows.h"

/* --- events --------------------------------------------------------------------------------------------------------- */

static const struct tag type_range[] = {
	{ WHEN_DATE, "date", "One date; * stands for every year, month or day." },
	{ WHEN_DATE_RANGE, "dateRange", "From one date to another; an empty one is an open end." },
	{ WHEN_WEEK_AND_DAY, "weekAndDay", "Such as the last Monday of May." },
	{ WHEN_REFERENCE, "reference", "The days of a calendar." },
	{ 0, NULL, NULL },
};
static const struct tag calendar_type_range[] = {
	{ WHEN_DATE, "date", "One date; * stands for every year, month or day." },
	{ WHEN_DATE_RANGE, "dateRange", "From one date to another; an empty one is an open end." },
	{ WHEN_WEEK_AND_DAY, "weekAndDay", "Such as the last Monday of May." },
	{ 0, NULL, NULL },
};
static const struct tag month_range[] = {
	{ MONTH_ANY, "any", "Every month." },
	{ 1, "january", NULL },
	{ 2, "february", NULL },
	{ 3, "march", NULL },
	{ 4, "april", NULL },
	{ 5, "may", NULL },
	{ 6, "june", NULL },
	{ 7, "july", NULL },
	{ 8, "august", NULL },
	{ 9, "september", NULL },
	{ 10, "october", NULL },
	{ 11, "november", NULL },
	{ 12, "december", NULL },
	{ MONTH_ODD, "odd", "January, March, May, and so on." },
	{ MONTH_EVEN, "even", "February, April, June, and so on." },
	{ 0, NULL, NULL },
};
static const struct tag week_range[] = {
	{ WEEK_ANY, "any", "Every week." },
	{ 1, "first", "The 1st to the 7th." },
	{ 2, "second", "The 8th to the 14th." },
	{ 3, "third", "The 15th to the 21st." },
	{ 4, "fourth", "The 22nd to the 28th." },
	{ WEEK_FIFTH, "fifth", "The 29th to the 31st." },
	{ WEEK_LAST, "last", "The last seven days of the month." },
	{ 0, NULL, NULL },
};
static const struct tag weekday_range[] = {
	{ WEEKDAY_ANY, "any", "Every day of the week." },
	{ 1, "monday", NULL },
	{ 2, "tuesday", NULL },
	{ 3, "wednesday", NULL },
	{ 4, "thursday", NULL },
	{ 5, "friday", NULL },
	{ 6, "saturday", NULL },
	{ 0, "sunday", NULL },
	{ 0, NULL, NULL },
};

#define EVENT_MEMBERS(types)                                                                                           \
	MEMBER("name", STRING, .facets = FACETS(.maxLength = 120), .doc = "What the event is called, such as Christmas."), \
	    MEMBER("type", ENUM, .dflt = "date", .facets = FACETS(.range = types), .doc = "How its days are told."),       \
	    MEMBER("start", STRING, .facets = FACETS(.form = FORM_DATE_PATTERN, .maxLength = 10),                          \
	           .doc =                                                                                                  \
	               "Of a date: the date, such as 2026-12-24 or *-12-24 for every year. Of a range: the first day."),   \
	    MEMBER("end", STRING, .facets = FACETS(.form = FORM_DATE_PATTERN, .maxLength = 10),                            \
	           .doc = "Of a range: the last day, which belongs to it."),                                               \
	    MEMBER("month", ENUM, .dflt = "any", .facets = FACETS(.range = month_range), .doc = "Of a week and day."),     \
	    MEMBER("week", ENUM, .dflt = "any", .facets = FACETS(.range = week_range),                                     \
	           .doc = "Of a week and day: which week of the month."),                                                  \
	    MEMBER("weekday", ENUM, .dflt = "any", .facets = FACETS(.range = weekday_range), .doc = "Of a week and day.")

const struct slot calendar_event_members[] = {
	EVENT_MEMBERS(calendar_type_range),
	SLOT_END,
};

/* --- rows that all have ----------------------------------------------------------------------------------------------- */

#define DAY(n, at, m)                                                                                                  \
	SLOT_AT(struct weekly, day[at], n, LIST, .element = V_STRUCT, .members = m, .facets = FACETS(.maxLength = 48),     \
	        .doc = "Blocks of that day: start, finish and value; between them the default output holds.")
/* The member tables for values of one kind. */
#define MEMBER_TABLES(what, K, empty)                                                                                  \
	static const struct slot what##_entry[] = {                                                                        \
		MEMBER("start", STRING, .dflt = "00:00", .facets = FACETS(.form = FORM_TIME_OF_DAY, .maxLength = 8),           \
		       .doc = "Local time of day, such as 08:30."),                                                            \
		MEMBER("finish", STRING, .dflt = "24:00", .facets = FACETS(.form = FORM_TIME_OF_DAY, .maxLength = 8),          \
		       .doc = "Local time of day; 24:00 is the end of the day."),                                              \
		MEMBER("value", K, .dflt = empty, .doc = "The value meanwhile; null says: no command."),                       \
		SLOT_END,                                                                                                      \
	};                                                                                                                 \
	static const struct slot what##_week[] = {                                                                         \
		DAY("monday", 1, what##_entry),    DAY("tuesday", 2, what##_entry),                                            \
		DAY("wednesday", 3, what##_entry), DAY("thursday", 4, what##_entry),                                           \
		DAY("friday", 5, what##_entry),    DAY("saturday", 6, what##_entry),                                           \
		DAY("sunday", 0, what##_entry),    SLOT_END,                                                                   \
	};                                                                                                                 \
	static const struct slot what##_event[] = {                                                                        \
		EVENT_MEMBERS(type_range),                                                                                     \
		MEMBER("reference", ORD, .doc = "Of a reference: the ord of a CalendarSchedule."),                             \
		MEMBER("entries", LIST, .element = V_STRUCT, .members = what##_entry, .facets = FACETS(.maxLength = 24),       \
		       .doc = "Blocks of those days; where there is none, weaker events and the week hold."),                  \
		SLOT_END,                                                                                                      \
	}

static const struct slot effective_members[] = {
	SLOT(struct effective, start, STRING, .facets = FACETS(.form = FORM_DATE_PATTERN, .maxLength = 10),
	     .doc = "The first day on which the schedule counts; empty: always has."),
	SLOT(struct effective, end, STRING, .facets = FACETS(.form = FORM_DATE_PATTERN, .maxLength = 10),
	     .doc = "The last day on which the schedule counts; empty: for ever."),
	SLOT_END,
};

#define SHOWN (SLOT_READONLY | SLOT_TRANSIENT)
/* T the struct, K the kind of its values, null a null value as text. */
#define COMMON_ROWS(T, K, null)                                                                                        \
	SLOT(T, in, K, .dflt = null, .doc = "A value from elsewhere, by a link: not null, it wins over the schedule."),    \
	    SLOT_AT(T, s.outSource, "outSource", STRING, .flags = SHOWN | SLOT_SUMMARY, .doc = "Why out is what it is."),  \
	    SLOT_AT(T, s.nextTime, "nextTime", ABSTIME, .dflt = "null", .flags = SHOWN | SLOT_SUMMARY,                     \
	            .doc = "When the scheduled value changes next; null: not within the scan limit."),                     \
	    SLOT(T, nextValue, K, .dflt = null, .flags = SHOWN | SLOT_SUMMARY, .doc = "To what it changes then."),         \
	    SLOT_AT(T, s.faultCause, "faultCause", STRING, .flags = SHOWN,                                                 \
	            .doc = "What is wrong with the schedule; it goes on as well as it can."),                              \
	    SLOT_AT(T, s.timeZone, "timeZone", STRING, .facets = FACETS(.maxLength = 63, .names = NAMES_TIME_ZONE),        \
	            .doc = "Whose local time counts, such as Europe/Berlin; empty: the station's own."),                   \
	    SLOT_AT(T, s.cleanupExpiredEvents, "cleanupExpiredEvents", BOOLEAN, .dflt = "true",                            \
	            .doc = "At midnight, events whose last day has passed are removed."),                                  \
	    SLOT_AT(T, s.scanLimit, "scanLimit", RELTIME, .dflt = "90d",                                                   \
	            .facets = FACETS(.min = 86400.0 * SECOND_US, .max = 366 * 86400.0 * SECOND_US),                        \
	            .doc = "How far ahead the next change is looked for.")

/* The week and the events are hidden from the property sheet: they have a view of their own. */
#define SCHEDULE_ROWS(what, T, K, null)                                                                                \
	{ .name = "weeklySchedule",                                                                                        \
	  .offset = offsetof(T, s.weeklySchedule),                                                                         \
	  .kind = V_STRUCT,                                                                                                \
	  .members = what##_week,                                                                                          \
	  .flags = SLOT_HIDDEN,                                                                                            \
	  .doc = "The value through the week, in local time." },                                                           \
	    { .name = "specialEvents",                                                                                     \
		  .offset = offsetof(T, s.events),                                                                             \
		  .kind = V_LIST,                                                                                              \
		  .element = V_STRUCT,                                                                                         \
		  .members = what##_event,                                                                                     \
		  .flags = SLOT_HIDDEN,                                                                                        \
		  .facets = FACETS(.maxLength = SPECIALS_MOST),                                                                \
		  .doc = "Exceptions from the week, the strongest first." },                                                   \
	    { .name = "effective",                                                                                         \
		  .offset = offsetof(T, s.effective),                                                                          \
		  .kind = V_STRUCT,                                                                                            \
		  .members = effective_members,                                                                                \
		  .doc = "When the schedule counts at all; outside of it the default output holds." },                         \
	    SLOT(T, defaultOutput, K, .dflt = null,                                                                        \
	         .doc = "The value while nothing is scheduled; null says: no command."),                                   \
	    COMMON_ROWS(T, K, null)

MEMBER_TABLES(boolean, STATUS_BOOLEAN, "true");
static const struct slot boolean_slots[] = {
	SCHEDULE_ROWS(boolean, struct boolean_schedule, STATUS_BOOLEAN, "false {null}"),
	SLOT_END,
};
MEMBER_TABLES(numeric, STATUS_NUMERIC, "0");
static const struct slot numeric_slots[] = {
	SCHEDULE_ROWS(numeric, struct numeric_schedule, STATUS_NUMERIC, "0 {null}"),
	SLOT_END,
};
/* The tags of an enum are the instance's own; blocks name them, so that a range may be renumbered. */
MEMBER_TABLES(enum, STATUS_STRING, "");
static const struct slot enum_slots[] = {
	SCHEDULE_ROWS(enum, struct enum_schedule, STATUS_ENUM, "0 {null}"),
	SLOT_END,
};
MEMBER_TABLES(string, STATUS_STRING, "");
static const struct slot string_slots[] = {
	SCHEDULE_ROWS(string, struct string_schedule, STATUS_STRING, " {null}"),
	SLOT_END,
};
static const struct slot calendar_slots[] = {
	{ .name = "events",
	  .offset = offsetof(struct boolean_schedule, s.events),
	  .kind = V_LIST,
	  .element = V_STRUCT,
	  .members = calendar_event_members,
	  .flags = SLOT_HIDDEN,
	  .facets = FACETS(.maxLength = 1000),
	  .doc = "The days of the calendar: out is true on them." },
	COMMON_ROWS(struct boolean_schedule, STATUS_BOOLEAN, "false {null}"),
	SLOT_END,
};

/* --- kinds and types ---------------------------------------------------------------------------------------------------- */

const struct kind_of_schedule schedule_kinds[] = {
	{ &schedule_boolean, boolean_slots, offsetof(struct boolean_schedule, s), false },
	{ &schedule_numeric, numeric_slots, offsetof(struct numeric_schedule, s), false },
	{ &schedule_enum, enum_slots, offsetof(struct enum_schedule, s), false },
	{ &schedule_string, string_slots, offsetof(struct string_schedule, s), false },
	{ &schedule_calendar, calendar_slots, offsetof(struct boolean_schedule, s), true },
	{ 0 },
};

#define SCHEDULE_TYPE(n, text, T, b, rows)                                                                             \
	{                                                                                                                  \
		.name = n, .doc = text, .size = sizeof(T), .base = b, .slots = rows, .flags = TYPE_CONTAINER | TYPE_COMPUTED,  \
		.init = schedule_init, .fini = schedule_fini, .check = schedule_check, .started = schedule_started,            \
		.stopped = schedule_stopped, .changed = schedule_changed,                                                      \
	}
const struct type schedule_boolean =
    SCHEDULE_TYPE("schedule:BooleanSchedule", "A two-state value that follows the week, such as occupancy.",
                  struct boolean_schedule, &control_boolean_point, boolean_slots);
const struct type schedule_numeric =
    SCHEDULE_TYPE("schedule:NumericSchedule", "A number that follows the week, such as a setpoint.",
                  struct numeric_schedule, &control_numeric_point, numeric_slots);
const struct type schedule_enum =
    SCHEDULE_TYPE("schedule:EnumSchedule", "One of several values that follows the week, such as an operating mode.",
                  struct enum_schedule, &control_enum_point, enum_slots);
const struct type schedule_string = SCHEDULE_TYPE("schedule:StringSchedule", "A text that follows the week.",
                                                  struct string_schedule, &control_string_point, string_slots);
const struct type schedule_calendar =
    SCHEDULE_TYPE("schedule:CalendarSchedule", "A list of days, such as holidays: out is true on them.",
                  struct boolean_schedule, &control_boolean_point, calendar_slots);
