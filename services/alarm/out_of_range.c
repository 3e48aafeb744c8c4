/* SPDX-License-Identifier: Apache-2.0
 * alarm:OutOfRangeAlarmExt: a numeric value above its high limit or below its low limit. The deadband is hysteresis: the
 * value is normal again at high limit minus deadband, low limit plus deadband. Engine thread. */
#include <math.h>
#include <stdlib.h>

#include "services/alarm/alarm_inside.h"
#include "station/base/must.h"

struct limits {
	bool low, high;
};
struct fault_algorithm {
	double highLimit, lowLimit;
	struct limits limitEnable;
};
struct out_of_range_rare {
	struct rare rare;
	struct fault_algorithm faultAlgorithm;
	double deadband;
	char *highLimitText, *lowLimitText;
};
struct out_of_range_ext {
	struct alarm_ext x;
	double highLimit, lowLimit;
	struct out_of_range_rare *rare;
	struct limits limitEnable;
};

static enum alarm_state evaluate(const struct alarm_ext *x, const struct value *out, enum alarm_state now)
{
	const struct out_of_range_ext *o = container_of(x, const struct out_of_range_ext, x);
	const struct fault_algorithm *f = &o->rare->faultAlgorithm;
	double v = out->real;
	if (isnan(v) || (f->limitEnable.high && v > f->highLimit) || (f->limitEnable.low && v < f->lowLimit))
		return ALARM_FAULT;
	double high = o->highLimit - (now == ALARM_HIGH_LIMIT ? o->rare->deadband : 0);
	double low = o->lowLimit + (now == ALARM_LOW_LIMIT ? o->rare->deadband : 0);
	if (o->limitEnable.high && (v > o->highLimit || (now == ALARM_HIGH_LIMIT && v >= high && o->rare->deadband > 0)))
		return ALARM_HIGH_LIMIT;
	if (o->limitEnable.low && (v < o->lowLimit || (now == ALARM_LOW_LIMIT && v <= low && o->rare->deadband > 0)))
		return ALARM_LOW_LIMIT;
	return ALARM_NORMAL;
}

static void add_number(const struct alarm_ext *x, struct alarm_record *r, const char *name, double number)
{
	struct value v = { .kind = V_STATUS_NUMERIC, .real = number };
	char *text = point_text(x->c.parent, &v);
	alarm_data_set(r, name, text);
	free(text);
}

static void describe(const struct alarm_ext *x, struct alarm_record *r)
{
	const struct out_of_range_ext *o = container_of(x, const struct out_of_range_ext, x);
	add_number(x, r, "highLimit", o->highLimit);
	add_number(x, r, "lowLimit", o->lowLimit);
	add_number(x, r, "deadband", o->rare->deadband);
}

static const char *text(const struct alarm_ext *x, enum alarm_state state)
{
	const struct out_of_range_ext *o = container_of(x, const struct out_of_range_ext, x);
	return state == ALARM_HIGH_LIMIT ? o->rare->highLimitText : state == ALARM_LOW_LIMIT ? o->rare->lowLimitText : NULL;
}

static const struct alarm_algorithm algorithm = { evaluate, describe, text };

static void check(const struct component *next, const struct component *current, struct report *report)
{
	(void)current;
	const struct out_of_range_ext *o = (const struct out_of_range_ext *)next;
	alarm_check_format("highLimitText", o->rare->highLimitText, report);
	alarm_check_format("lowLimitText", o->rare->lowLimitText, report);
	if (o->rare->faultAlgorithm.limitEnable.low && o->rare->faultAlgorithm.limitEnable.high &&
	    o->rare->faultAlgorithm.lowLimit > o->rare->faultAlgorithm.highLimit)
		report_error(report, E_INVALID, "faultAlgorithm/lowLimit", "The low fault limit lies above the high one.");
	if (o->limitEnable.low && o->limitEnable.high && o->lowLimit > o->highLimit) {
		report_error(report, E_INVALID, "lowLimit", "The low limit lies above the high limit.");
		report_error(report, E_INVALID, "highLimit", "The high limit lies below the low limit.");
	} else if (o->limitEnable.low && o->limitEnable.high && o->rare->deadband > o->highLimit - o->lowLimit) {
		report_error(report, E_INVALID, "deadband",
		             "The deadband is wider than the range between the limits: an alarm would never end.");
	}
}

static int below_numeric(const struct component *parent, struct err *e)
{
	if (component_is(parent, &control_numeric_point))
		return 0;
	return err_set(e, E_INVALID, "parent", "An OutOfRangeAlarmExt stands below a numeric point.");
}

static const struct slot enable_members[] = {
	SLOT(struct limits, low, BOOLEAN, .doc = "Whether the low limit is watched."),
	SLOT(struct limits, high, BOOLEAN, .doc = "Whether the high limit is watched."),
	SLOT_END,
};

static const struct slot fault_members[] = {
	SLOT(struct fault_algorithm, highLimit, REAL, .doc = "Above it the value must be wrong."),
	SLOT(struct fault_algorithm, lowLimit, REAL, .doc = "Below it the value must be wrong."),
	SLOT_STRUCT(struct fault_algorithm, limitEnable, enable_members, .doc = "Which fault limits are watched."),
	SLOT_END,
};
static const struct slot slots[] = {
	SLOT_STRUCT(struct out_of_range_rare, faultAlgorithm, fault_members,
	            .rare = offsetof(struct out_of_range_ext, rare), .doc = "When the value is a fault, not an alarm."),
	SLOT(struct out_of_range_ext, highLimit, REAL, .dflt = "100", .flags = SLOT_OPERATOR,
	     .doc = "Above it the point is in alarm."),
	SLOT(struct out_of_range_ext, lowLimit, REAL, .dflt = "0", .flags = SLOT_OPERATOR,
	     .doc = "Below it the point is in alarm."),
	SLOT_RARE(struct out_of_range_ext, struct out_of_range_rare, deadband, REAL,
	          .facets = FACETS(.min = 0, .max = INFINITY), .flags = SLOT_OPERATOR,
	          .doc = "Hysteresis: how far the value must come back from the limit to be normal."),
	SLOT_RARE(struct out_of_range_ext, struct out_of_range_rare, highLimitText, STRING,
	          .facets = FACETS(.format = true, .maxLength = 1000), .doc = "Message text above the high limit."),
	SLOT_RARE(struct out_of_range_ext, struct out_of_range_rare, lowLimitText, STRING,
	          .facets = FACETS(.format = true, .maxLength = 1000), .doc = "Message text below the low limit."),
	SLOT_STRUCT(struct out_of_range_ext, limitEnable, enable_members, .dflt = "{\"low\":true,\"high\":true}",
	            .doc = "Which limits are watched."),
	SLOT_END,
};

const struct type alarm_out_of_range_ext_type = {
	.name = "alarm:OutOfRangeAlarmExt",
	.doc = "Raises an alarm when a numeric point leaves its limits.",
	.size = sizeof(struct out_of_range_ext),
	.base = &alarm_source_ext_type,
	.slots = slots,
	.rare = RARE(struct out_of_range_ext, struct out_of_range_rare),
	.traits = &algorithm,
	.check = check,
	.parent_ok = below_numeric,
};
