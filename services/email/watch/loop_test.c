/* SPDX-License-Identifier: Apache-2.0
 * email:LoopTest: proves that mail arrives. At an interval a probe mail goes out, and must come back through an incoming
 * account whose topic `received` is linked to the action `received` here. It is a numeric point: `out` is the seconds that
 * the last probe took, for histories and alarm extensions; one that does not come back in time is an alarm by itself.
 * A server that takes mails and throws them away is noticed no other way. Engine thread. */
#include <stdio.h>
#include <string.h>

#include "services/email/watch/probe.h"
#include "station/alarm/alarm_class_name.h"
#include "station/alarm/alarm_support.h"
#include "station/base/must.h"
#include "station/control/point.h"

static const char title[] = "Belfry loop test";
static const char lost[] = "probeLost"; /* the condition of its alarm */

struct loop_test {
	struct numeric_point point;
	struct alarm_source_info alarmSourceInfo;
	bool enabled;
	char *emailAccount, *address;
	struct reltime interval, patience;
	struct abstime lastSent, lastReturned;
	int64_t numberSent, numberReturned, numberLost;
	/* Not slots. */
	char probe[37];    /* the one that is out; "": none */
	int64_t sent, due; /* monotonic: when it went; when the next one goes */
	struct timer timer;
};

static struct loop_test *loop_test_of(struct component *c)
{
	return COMPONENT_AS(c, &email_loop_test, struct loop_test);
}

static int64_t now_of(const struct loop_test *t)
{
	return clock_mono(&t->point.p.c.station->clock);
}

static void set(struct loop_test *t, const char *name, struct value v)
{
	component_set(&t->point.p.c, type_slot(t->point.p.c.type, name), &v);
}

static void say(struct loop_test *t, bool normal, const char *text)
{
	struct source_alarm a = { &t->point.p.c, &t->alarmSourceInfo, lost, text };
	(normal ? alarm_support_normal : alarm_support_offnormal)(t->point.p.c.station, &a);
}

/* --- a probe goes ------------------------------------------------------------------------------------------------------ */

static void send_probe(struct loop_test *t)
{
	struct station *s = t->point.p.c.station;
	uuid_make(t->probe);
	probe_send(s,
	           &(struct probe){ .title = title,
	                            .id = t->probe,
	                            .body = "The station sends this mail to itself, to see that mail arrives.\n",
	                            .account = t->emailAccount,
	                            .address = t->address });
	t->sent = now_of(t);
	set(t, "lastSent", value_abstime(station_now(s)));
	set(t, "numberSent", value_integer(t->numberSent + 1));
}

static void give_up(struct loop_test *t)
{
	char text[400];
	snprintf(text, sizeof text,
	         "The probe mail to %.100s has not come back within %lld s. Mails may be lost: look at the ledger, at the "
	         "mailbox "
	         "and its spam folder, and examine both accounts.",
	         t->address, (long long)(t->patience.us / SECOND_US));
	*t->probe = '\0';
	set(t, "numberLost", value_integer(t->numberLost + 1));
	numeric_point_feed(&t->point.p.c, (double)(now_of(t) - t->sent) / 1e6, STATUS_OK);
	say(t, false, text);
}

/* What is due now, and the timer for what is next. */
static void turn(struct loop_test *t)
{
	int64_t now = now_of(t);
	bool ready = t->enabled && *t->address;
	if (!ready)
		*t->probe = '\0';
	if (*t->probe && now - t->sent >= t->patience.us)
		give_up(t);
	if (ready && !*t->probe && now >= t->due) {
		t->due = now + t->interval.us;
		send_probe(t);
	}
	if (!ready)
		return;
	int64_t next = *t->probe ? t->sent + t->patience.us : t->due;
	timer_start(&t->point.p.c.station->clock, &t->timer, next > now ? next - now : 0);
}

static void timer_fired(struct timer *timer)
{
	turn(container_of(timer, struct loop_test, timer));
}

/* --- it comes back ----------------------------------------------------------------------------------------------------- */

static void returned(struct loop_test *t)
{
	struct station *s = t->point.p.c.station;
	char text[100];
	double seconds = (double)(now_of(t) - t->sent) / 1e6;
	*t->probe = '\0';
	set(t, "lastReturned", value_abstime(station_now(s)));
	set(t, "numberReturned", value_integer(t->numberReturned + 1));
	numeric_point_feed(&t->point.p.c, seconds, STATUS_OK);
	snprintf(text, sizeof text, "A probe mail came back after %.1f s.", seconds);
	say(t, true, text);
	timer_stop(&s->clock, &t->timer);
	turn(t);
}

/* One that comes late is ours as well, but proves nothing now. */
static int received(struct component *c, struct invocation *inv)
{
	struct loop_test *t = loop_test_of(c);
	struct parsed_mail m = { .subject = NULL };
	if (!parsed_mail_from_value(inv->arg, &m))
		return err_set(&inv->err, E_INVALID, NULL,
		               "received takes a mail; link the topic received of an IncomingAccount.");
	const char *id = probe_claim(c->station, &m, title);
	if (id && *t->probe && strcmp(id, t->probe) == 0)
		returned(t);
	record_finish(&parsed_mail_kind, &m);
	return 0;
}

static int probe_now(struct component *c, struct invocation *inv)
{
	struct loop_test *t = loop_test_of(c);
	if (!*t->address)
		return err_set(&inv->err, E_INVALID, "address",
		               "No address is set: enter the address of a mailbox that an IncomingAccount reads.");
	*t->probe = '\0';
	t->due = 0;
	timer_stop(&c->station->clock, &t->timer);
	turn(t);
	return 0;
}

/* --- life -------------------------------------------------------------------------------------------------------------- */

static void init(struct component *c)
{
	((struct loop_test *)(void *)c)->timer.fire = timer_fired;
}

/* The first probe goes a minute after the start: by then accounts have found their servers. */
static void started(struct component *c)
{
	struct loop_test *t = loop_test_of(c);
	t->due = now_of(t) + 60 * SECOND_US;
	turn(t);
}

static void stopped(struct component *c)
{
	timer_stop(&c->station->clock, &loop_test_of(c)->timer);
}

static void changed(struct component *c, const struct slot *slot)
{
	struct loop_test *t = loop_test_of(c);
	if (slot->flags & SLOT_READONLY || !(c->flags & COMPONENT_RUNNING))
		return;
	if (strcmp(slot->name, "interval") == 0)
		t->due = now_of(t) + t->interval.us;
	timer_stop(&c->station->clock, &t->timer);
	turn(t);
}

static void check(const struct component *next, const struct component *current, struct report *report)
{
	const struct loop_test *t = (const struct loop_test *)(const void *)next;
	alarm_source_info_check(&t->alarmSourceInfo, report);
	alarm_class_name_check(next, current, "alarmSourceInfo/alarmClass", t->alarmSourceInfo.alarmClass, report);
	if (t->patience.us > t->interval.us)
		report_error(report, E_INVALID, "patience",
		             "A probe must be back before the next one goes: patience is at most interval.");
}

/* A duration, unless somebody has given it a unit of his own. */
static bool facets(const struct component *c, const struct slot *slot, struct row_room *room)
{
	if (!control_numeric_point.facets(c, slot, room))
		return false;
	if (!*room->facets.units)
		room->facets.units = "s";
	return true;
}

#define T struct loop_test
#define SHOWN SLOT_READONLY | SLOT_TRANSIENT
static const struct slot slots[] = {
	SLOT(T, enabled, BOOLEAN, .dflt = "true", .doc = "Whether probes are sent."),
	SLOT(T, emailAccount, STRING, .flags = SLOT_SUMMARY,
	     .facets = FACETS(.maxLength = NAME_MAX_LENGTH, .names = "email:OutgoingAccount"),
	     .doc = "Name of the outgoing account that sends the probe; empty: the first one."),
	SLOT(T, address, STRING, .flags = SLOT_SUMMARY, .facets = FACETS(.maxLength = 254, .form = FORM_MAIL_ADDRESS),
	     .doc = "Address of a mailbox that an IncomingAccount reads; link that account's topic received to the action "
	            "received here."),
	SLOT(T, interval, RELTIME, .dflt = "1h", .facets = FACETS(.min = 60e6, .max = 7 * 86400e6),
	     .doc = "How often a probe goes out."),
	SLOT(T, patience, RELTIME, .dflt = "15m", .facets = FACETS(.min = 1e6, .max = 7 * 86400e6),
	     .doc = "How long a probe may take before it is an alarm; at most the interval."),
	SLOT(T, lastSent, ABSTIME, .flags = SHOWN, .doc = "When the last probe was handed to its account."),
	SLOT(T, lastReturned, ABSTIME, .flags = SHOWN, .doc = "When one last came back."),
	SLOT(T, numberSent, INTEGER, .flags = SHOWN, .doc = "Probes sent since the start."),
	SLOT(T, numberReturned, INTEGER, .flags = SHOWN, .doc = "Probes that came back in time."),
	SLOT(T, numberLost, INTEGER, .flags = SHOWN, .doc = "Probes that did not."),
	SLOT_ALARM_SOURCE_INFO(T),
	SLOT_END,
};
#undef T

static const struct slot mail_argument = { .name = "mail",
	                                       .kind = V_STRUCT,
	                                       .members = parsed_mail_slots,
	                                       .doc = "The mail, given by the link from an incoming account." };
static const struct action actions[] = {
	{ "probe", "Sends a probe now.", SLOT_OPERATOR, NULL, probe_now },
	{ "received", "Looks whether a mail is the probe; linked from the topic received of an incoming account.",
	  SLOT_HIDDEN, &mail_argument, received },
	{ NULL, NULL, 0, NULL, NULL },
};

const struct type email_loop_test = {
	.name = "email:LoopTest",
	.doc = "Sends a mail to itself at an interval, and tells how long it takes to come back.",
	.size = sizeof(struct loop_test),
	.base = &control_numeric_point,
	.flags = TYPE_CONTAINER | TYPE_COMPUTED,
	.slots = slots,
	.actions = actions,
	.facets = facets,
	.check = check,
	.changed = changed,
	.init = init,
	.started = started,
	.stopped = stopped,
};
