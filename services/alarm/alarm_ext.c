/* SPDX-License-Identifier: Apache-2.0
 * The base of alarm extensions: the state machine that all kinds share. It looks at the point's out, waits for time
 * delays, raises the alarm and returns it to normal. What differs between kinds is their struct alarm_algorithm.
 * Rules: facts of Niagara's AlarmSourceExt. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "services/alarm/alarm_inside.h"
#include "station/alarm/alarm_class_name.h"
#include "station/base/must.h"
#include "station/store/persist.h"
#include "station/tree/format.h"

static struct alarm_ext *ext_of(struct component *c)
{
	return COMPONENT_AS(c, &alarm_source_ext_type, struct alarm_ext);
}

static const struct alarm_algorithm *algorithm_of(const struct alarm_ext *x)
{
	return x->c.type->traits;
}

static struct clock *clock_of(struct alarm_ext *x)
{
	return &x->c.station->clock;
}

/* A transition that must hold for a while, and an inhibition that goes on: few extensions have one at a time. */
struct alarm_wait {
	struct timer timer;
	int pending;             /* the state that is waited for; -1: none */
	int64_t inhibited_until; /* monotonic */
	struct alarm_ext *ext;   /* borrowed: the owner */
};

/* --- the point's bits --------------------------------------------------------------------------------------------- */

void alarm_ext_show(struct component *source)
{
	if (!component_is(source, &alarm_source_ext_type))
		return;
	struct component *point = source->parent;
	struct alarm_service *service = alarm_service_of(source->station);
	uint16_t bits = 0;
	for (struct component *c = point->first; c && service; c = c->next) {
		if (!component_is(c, &alarm_source_ext_type) || !(c->flags & COMPONENT_RUNNING))
			continue;
		if (ext_of(c)->alarmState != ALARM_NORMAL)
			bits |= STATUS_ALARM;
		if (open_alarms_unacked(&service->open, c->handle))
			bits |= STATUS_UNACKED_ALARM;
	}
	point_set_status_bits(point, STATUS_ALARM | STATUS_UNACKED_ALARM, bits);
}

/* --- what an alarm says ------------------------------------------------------------------------------------------- */

static const char *text_for(const struct alarm_ext *x, enum alarm_state state)
{
	const char *own = algorithm_of(x)->text ? algorithm_of(x)->text(x, state) : NULL;
	if (own && *own)
		return own;
	return state == ALARM_NORMAL ? x->rare->toNormalText
	    : state == ALARM_FAULT   ? x->rare->toFaultText
	                             : x->rare->toOffnormalText;
}

static void add_metadata(const struct alarm_ext *x, struct alarm_record *r)
{
	for (uint32_t i = 0; i < x->rare->metaData.count; i++) {
		const struct value *row = x->rare->metaData.items[i].list.items;
		alarm_data_set(r, row[0].text, row[1].text);
	}
}

static void add_data(struct alarm_record *r, const char *name, char *text)
{
	alarm_data_set(r, name, text);
	free(text);
}

static const char *state_name(int state)
{
	return alarm_state_range[state].name;
}

/* Fills what the extension knows; the service adds class, priority and times. */
static void describe(struct alarm_ext *x, struct alarm_record *r, enum alarm_state state, const struct value *out)
{
	record_init(&alarm_kind, r);
	r->sourceState = (int)state;
	char *ord = component_ord(&x->c);
	r->source.items = must_alloc(sizeof(struct value));
	r->source.items[0] = value_string(ord);
	r->source.count = 1;
	free(ord);
	add_metadata(x, r); /* first, so that nobody's metadata hides what was measured */
	add_data(r, "sourceName", format_expand_component(x->rare->sourceName, &x->c));
	add_data(r, "presentValue", point_text(x->c.parent, out));
	add_data(r, "alarmValue", point_text(x->c.parent, out));
	alarm_data_set(r, "fromState", state_name(x->alarmState));
	alarm_data_set(r, "toState", state_name((int)state));
	char status[STATUS_TEXT_MAX];
	alarm_data_set(r, "status", status_print(out->status, status));
	if (*x->rare->hyperlinkOrd)
		alarm_data_set(r, "hyperlinkOrd", x->rare->hyperlinkOrd);
	if (*x->rare->soundFile)
		alarm_data_set(r, "soundFile", x->rare->soundFile);
	if (*x->rare->alarmIcon)
		alarm_data_set(r, "icon", x->rare->alarmIcon);
	if (*x->rare->alarmInstructions)
		alarm_data_set(r, "instructions", x->rare->alarmInstructions);
	if (*x->rare->mailSubject)
		alarm_data_set(r, ALARM_MAIL_SUBJECT, x->rare->mailSubject);
	if (*x->rare->mailBody)
		alarm_data_set(r, ALARM_MAIL_BODY, x->rare->mailBody);
	if (algorithm_of(x)->describe)
		algorithm_of(x)->describe(x, r);
	char *text = format_expand_component(text_for(x, state), &x->c);
	if (!*text) {
		free(text);
		char *value = point_text(x->c.parent, out);
		text = must_format("%s: %s", state_name((int)state), value);
		free(value);
	}
	r->msgText = text;
	alarm_data_set(r, "msgText", text);
}

/* --- transitions -------------------------------------------------------------------------------------------------- */

/* To be written: the extension gets times of its own. */
static struct transition_times *times_of(struct alarm_ext *x, int state)
{
	struct alarm_ext_rare *rare = rare_own(&x->rare);
	return state == ALARM_FAULT ? &rare->toFaultTimes : &rare->toOffnormalTimes;
}

static void set_state(struct alarm_ext *x, enum alarm_state state)
{
	const struct slot *slot = type_slot(x->c.type, "alarmState");
	struct value v = { .kind = V_ENUM, .ordinal = (int)state };
	component_set(&x->c, slot, &v);
}

/* A failed read leaves the last state: a point without a valid value neither raises nor clears. */
static bool can_evaluate(const struct alarm_ext *x, const struct value *out)
{
	(void)x;
	return !(out->status & STATUS_INVALID_MASK);
}

/* The open alarm ends: the point is normal, or another alarm takes its place. */
static void end_alarm(struct alarm_ext *x, struct alarm_service *service, bool replaced)
{
	struct open_alarm *alarm = open_alarms_of(&service->open, x->c.handle);
	if (!alarm)
		return;
	times_of(x, alarm->record.alarmTransition)->normalTime.us = station_now(x->c.station);
	char *text = replaced ? NULL : format_expand_component(x->rare->toNormalText, &x->c);
	alarm_end(service, &x->c, alarm, text ? text : "", replaced);
	free(text);
}

static bool enabled_for(const struct alarm_ext *x, enum alarm_state state)
{
	return state == ALARM_FAULT ? x->alarmEnable.toFault : x->alarmEnable.toOffnormal;
}

/* The transition itself. An alarm whose point goes on to a state that is not to be told stays open: nothing is normal. */
static void move(struct alarm_ext *x, enum alarm_state state, const struct value *out)
{
	struct alarm_service *service = alarm_service_of(x->c.station);
	if (!service)
		return;
	bool told = state != ALARM_NORMAL && enabled_for(x, state);
	if (x->alarmState != ALARM_NORMAL && (told || state == ALARM_NORMAL))
		end_alarm(x, service, told);
	if (told) {
		struct alarm_record r;
		describe(x, &r, state, out);
		struct transition_times *times = times_of(x, (int)state);
		times->alarmTime.us = station_now(x->c.station);
		times->count++;
		set_state(x, state);
		alarm_raise(service, &x->c, x->rare->alarmClass, &r);
	}
	set_state(x, state);
	alarm_ext_show(&x->c);
}

static bool inhibited(struct alarm_ext *x)
{
	return (x->alarmInhibit.value && !(x->alarmInhibit.status & STATUS_INVALID_MASK)) ||
	    (x->wait && clock_mono(clock_of(x)) < x->wait->inhibited_until);
}

/* Faults are never delayed, neither in nor out. */
static int64_t delay_for(const struct alarm_ext *x, enum alarm_state state)
{
	if (state == ALARM_FAULT || x->alarmState == ALARM_FAULT)
		return 0;
	return state == ALARM_NORMAL ? x->rare->timeDelayToNormal.us : x->rare->timeDelay.us;
}

static void delay_over(struct timer *t);

static struct alarm_wait *wait_of(struct alarm_ext *x)
{
	if (!x->wait) {
		x->wait = must_alloc(sizeof *x->wait);
		*x->wait = (struct alarm_wait){ .timer.fire = delay_over, .pending = -1, .ext = x };
	}
	return x->wait;
}

static void wait_for(struct alarm_ext *x, int state, int64_t delay)
{
	struct alarm_wait *wait = wait_of(x);
	if (wait->pending == state)
		return; /* it waits already; the condition holds continuously */
	wait->pending = state;
	timer_start(clock_of(x), &wait->timer, delay);
}

static void forget(struct alarm_ext *x)
{
	if (!x->wait)
		return;
	x->wait->pending = -1;
	timer_stop(clock_of(x), &x->wait->timer);
}

static void evaluate(struct alarm_ext *x)
{
	struct value out;
	point_out(x->c.parent, &out);
	if (!can_evaluate(x, &out)) {
		forget(x);
	} else {
		enum alarm_state state = algorithm_of(x)->evaluate(x, &out, (enum alarm_state)x->alarmState);
		bool held = state != ALARM_NORMAL && inhibited(x);
		int64_t delay = delay_for(x, state);
		if ((int)state == x->alarmState || held) {
			forget(x);
			if (held && x->wait && x->wait->inhibited_until > clock_mono(clock_of(x)))
				wait_for(x, x->alarmState, x->wait->inhibited_until - clock_mono(clock_of(x)));
		} else if (delay > 0) {
			wait_for(x, (int)state, delay);
		} else {
			forget(x);
			move(x, state, &out);
		}
	}
	value_clear(&out);
}

static void delay_over(struct timer *t)
{
	struct alarm_wait *wait = container_of(t, struct alarm_wait, timer);
	struct alarm_ext *x = wait->ext;
	struct value out;
	int state = wait->pending;
	wait->pending = -1;
	point_out(x->c.parent, &out);
	bool still = can_evaluate(x, &out) && state != x->alarmState &&
	    (int)algorithm_of(x)->evaluate(x, &out, (enum alarm_state)x->alarmState) == state &&
	    (state == ALARM_NORMAL || !inhibited(x));
	if (still)
		move(x, (enum alarm_state)state, &out);
	else
		evaluate(x);
	value_clear(&out);
}

/* --- acknowledgement and times ------------------------------------------------------------------------------------ */

void alarm_ext_persist_times(struct store_tx *tx, const struct component *source)
{
	if (!component_is(source, &alarm_source_ext_type))
		return;
	const struct alarm_ext *x = (const struct alarm_ext *)source;
	persist_slot(tx, x->c.handle, type_slot(x->c.type, "toOffnormalTimes"), x);
	persist_slot(tx, x->c.handle, type_slot(x->c.type, "toFaultTimes"), x);
}

void alarm_ext_acked(struct component *source, const struct alarm_record *r, struct store_tx *tx)
{
	if (!component_is(source, &alarm_source_ext_type))
		return;
	struct alarm_ext *x = ext_of(source);
	times_of(x, r->alarmTransition)->ackTime = r->ackTime;
	alarm_ext_persist_times(tx, source);
}

/* --- the type ------------------------------------------------------------------------------------------------------ */

static void fini(struct component *c)
{
	free(((struct alarm_ext *)c)->wait);
}

/* What was open when the station ended is open now: a restart neither repeats nor loses an alarm. */
static void started(struct component *c)
{
	struct alarm_ext *x = ext_of(c);
	struct alarm_service *service = alarm_service_of(c->station);
	struct open_alarm *alarm = service ? open_alarms_of(&service->open, c->handle) : NULL;
	if (alarm)
		set_state(x, (enum alarm_state)alarm->record.sourceState);
	alarm_ext_show(c);
	evaluate(x);
}

/* It stops with its point, or it alone is removed: then its bits and its alarms must not stay behind. */
static void stopped(struct component *c)
{
	struct alarm_ext *x = ext_of(c);
	struct alarm_service *service = alarm_service_of(c->station);
	forget(x);
	if (c->parent->flags & COMPONENT_RUNNING) {
		c->flags &= (uint16_t)~COMPONENT_RUNNING;
		alarm_ext_show(c);
	}
	if (service)
		alarm_sweep(service);
}

static void parent_changed(struct component *c, const struct slot *slot)
{
	if (slot == point_out_slot(c->parent) && (c->flags & COMPONENT_RUNNING))
		evaluate(ext_of(c));
}

static void changed(struct component *c, const struct slot *slot)
{
	struct alarm_ext *x = ext_of(c);
	if ((slot->flags & SLOT_READONLY) || !(c->flags & COMPONENT_RUNNING))
		return;
	if (strcmp(slot->name, "alarmInhibit") == 0 && !x->alarmInhibit.value)
		wait_of(x)->inhibited_until = clock_mono(clock_of(x)) + x->rare->inhibitTime.us;
	forget(x);
	evaluate(x);
}

void alarm_check_format(const char *name, const char *format, struct report *report)
{
	struct err e = { 0 };
	if (format_check_component(format, &e) != 0)
		report_error(report, E_INVALID, name, "%s", e.text);
}

/* What is a property of its own, and checked as such, is no metadata. */
static void check_metadata(const struct list *rows, struct report *report)
{
	for (uint32_t i = 0; i < rows->count; i++) {
		const char *name = rows->items[i].list.items[0].text;
		char slot[40];
		snprintf(slot, sizeof slot, "metaData/%u/name", i);
		if (strcmp(name, ALARM_MAIL_SUBJECT) == 0 || strcmp(name, ALARM_MAIL_BODY) == 0)
			report_error(report, E_INVALID, slot, "Write this text into the property %s.", name);
	}
}

static void check(const struct component *next, const struct component *current, struct report *report)
{
	const struct alarm_ext *x = (const struct alarm_ext *)next;
	alarm_tokens_check("mailSubject", x->rare->mailSubject, report);
	alarm_tokens_check("mailBody", x->rare->mailBody, report);
	check_metadata(&x->rare->metaData, report);
	alarm_check_format("sourceName", x->rare->sourceName, report);
	alarm_check_format("toOffnormalText", x->rare->toOffnormalText, report);
	alarm_check_format("toFaultText", x->rare->toFaultText, report);
	alarm_check_format("toNormalText", x->rare->toNormalText, report);
	alarm_class_name_check(next, current, "alarmClass", x->rare->alarmClass, report);
}

static const struct slot enable_members[] = {
	{ .name = "toOffnormal",
	  .kind = V_BOOLEAN,
	  .offset = 0,
	  .dflt = "true",
	  .doc = "Raise an alarm when the value becomes offnormal." },
	{ .name = "toFault",
	  .kind = V_BOOLEAN,
	  .offset = sizeof(bool),
	  .dflt = "true",
	  .doc = "Raise an alarm when the value becomes faulty." },
	SLOT_END,
};
static const struct slot times_members[] = {
	SLOT(struct transition_times, alarmTime, ABSTIME, .doc = "When the last alarm was raised."),
	SLOT(struct transition_times, ackTime, ABSTIME, .doc = "When it was acknowledged."),
	SLOT(struct transition_times, normalTime, ABSTIME, .doc = "When the point became normal again."),
	SLOT(struct transition_times, count, INTEGER, .doc = "How many there have been."),
	SLOT_END,
};
static const struct slot metadata_members[] = {
	MEMBER("name", STRING, .facets = FACETS(.maxLength = 100), .doc = "Key, usable as %alarmData.key% in mails."),
	MEMBER("value", STRING, .doc = "Value."),
	SLOT_END,
};
#define SPAN(f, d)                                                                                                     \
	SLOT_RARE(struct alarm_ext, struct alarm_ext_rare, f, RELTIME, .facets = FACETS(.min = 0, .max = 30 * 86400e6),    \
	          .doc = d)
#define FORMAT(f, ...)                                                                                                 \
	SLOT_RARE(struct alarm_ext, struct alarm_ext_rare, f, STRING, .facets = FACETS(.format = true, .maxLength = 1000), \
	          __VA_ARGS__)
static const struct slot slots[] = {
	SLOT(struct alarm_ext, alarmInhibit, STATUS_BOOLEAN, .doc = "While true, no alarm is raised; can be linked."),
	SPAN(inhibitTime, "How long the inhibition goes on after alarmInhibit has become false."),
	SLOT(struct alarm_ext, alarmState, ENUM, .flags = SLOT_READONLY | SLOT_TRANSIENT | SLOT_SUMMARY,
	     .facets = FACETS(.range = alarm_state_range), .doc = "State of the point as this extension sees it."),
	SPAN(timeDelay, "How long the condition must hold before an alarm is raised. Faults are not delayed."),
	SPAN(timeDelayToNormal, "How long the point must be normal before the alarm ends."),
	SLOT_STRUCT(struct alarm_ext, alarmEnable, enable_members, .doc = "Which transitions raise an alarm."),
	SLOT_STRUCT(struct alarm_ext_rare, toOffnormalTimes, times_members, .rare = offsetof(struct alarm_ext, rare),
	            .flags = SLOT_READONLY, .doc = "Times of the last offnormal alarm."),
	SLOT_STRUCT(struct alarm_ext_rare, toFaultTimes, times_members, .rare = offsetof(struct alarm_ext, rare),
	            .flags = SLOT_READONLY, .doc = "Times of the last fault."),
	FORMAT(sourceName, .dflt = "%parent.displayName%",
	       .doc = "Name of the source in the alarm, as a format over this extension."),
	FORMAT(toFaultText, .doc = "Message text when the point becomes faulty."),
	FORMAT(toOffnormalText, .doc = "Message text when the point becomes offnormal."),
	FORMAT(toNormalText, .doc = "Message text when the point becomes normal."),
	SLOT_RARE(struct alarm_ext, struct alarm_ext_rare, hyperlinkOrd, STRING,
	          .doc = "Where the alarm console leads to from this alarm."),
	SLOT_RARE(struct alarm_ext, struct alarm_ext_rare, soundFile, STRING, .facets = FACETS(.maxLength = 1000),
	          .doc = "Address of the sound that a console plays for this alarm."),
	SLOT_RARE(struct alarm_ext, struct alarm_ext_rare, alarmIcon, STRING, .facets = FACETS(.maxLength = 1000),
	          .doc = "Address of the picture that a console shows for this alarm."),
	SLOT_RARE(struct alarm_ext, struct alarm_ext_rare, alarmInstructions, STRING, .facets = FACETS(.multiLine = true),
	          .doc = "What to do when it happens."),
	SLOT_RARE(struct alarm_ext, struct alarm_ext_rare, alarmClass, STRING, .dflt = "defaultAlarmClass",
	          .flags = SLOT_SUMMARY, .facets = FACETS(.names = "alarm:AlarmClass"), .doc = "Name of the alarm class."),
	FORMAT(mailSubject,
	       .doc = "Subject of mails about this alarm, as a format over the alarm; empty: the alarm class's, then the "
	              "recipient's."),
	SLOT_RARE(struct alarm_ext, struct alarm_ext_rare, mailBody, STRING,
	          .facets = FACETS(.format = true, .multiLine = true, .maxLength = 16000),
	          .doc = "Text of mails about this alarm, as a format over the alarm; empty: the alarm class's, then the "
	                 "recipient's."),
	SLOT_LIST(struct alarm_ext_rare, metaData, metadata_members, .rare = offsetof(struct alarm_ext, rare),
	          .facets = FACETS(.maxLength = 50), .doc = "Further entries of alarmData."),
	SLOT_END,
};

const struct type alarm_source_ext_type = {
	.name = "alarm:AlarmSourceExt",
	.doc = "The base of all alarm extensions: watches the point it stands below.",
	.size = sizeof(struct alarm_ext),
	.base = &control_extension,
	.flags = TYPE_ABSTRACT,
	.slots = slots,
	.check = check,
	.changed = changed,
	.parent_changed = parent_changed,
	.rare = RARE(struct alarm_ext, struct alarm_ext_rare),
	.fini = fini,
	.started = started,
	.stopped = stopped,
};
