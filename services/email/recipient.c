/* SPDX-License-Identifier: Apache-2.0
 * email:EmailRecipient: who gets which alarms, when, and with what words. An alarm class is linked to its action
 * routeAlarm; the mails it makes are rows of the alarm's own transaction. Engine thread. */
#include "services/email/recipient.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "services/email/ack/acknowledger.h"
#include "services/email/content/alarm_view.h"
#include "services/email/content/preview.h"
#include "services/email/content/render.h"
#include "services/trust/trust.h"
#include "station/base/log.h"
#include "station/base/must.h"
#include "station/store/persist.h"

struct days {
	bool sunday, monday, tuesday, wednesday, thursday, friday, saturday;
};
struct range {
	struct reltime start, end;
};
struct transitions {
	bool toOffnormal, toFault, toNormal, toAlert;
};
struct recipient {
	struct component c;
	struct range timeRange;
	struct days daysOfWeek;
	struct transitions transitions;
	bool routeAcks;
	struct list to, cc, bcc;
	int encryption; /* enum mail_encryption */
	int language;   /* of language_range */
	char *timeZone;
	int units; /* enum unit_system */
	bool htmlEnabled, trendPicture, attachCsv;
	char *emailAccount, *subject, *body, *bounceRecipient;
	struct list bounces;
};

enum { BOUNCE_ADDRESS, BOUNCE_TIME, BOUNCE_CAUSE, BOUNCE_MEMBERS };
static const struct slot bounce_members[] = {
	[BOUNCE_ADDRESS] = MEMBER("address", STRING, .doc = "Whose mail came back."),
	[BOUNCE_TIME] = MEMBER("time", ABSTIME, .doc = "When it last did."),
	[BOUNCE_CAUSE] = MEMBER("cause", STRING, .doc = "What the last server said."),
	SLOT_END,
};

/* An acknowledgement is an update whose last change is the acknowledgement itself. */
static bool is_acknowledgement(const struct value *view)
{
	char *acked = alarm_member(view, "ackTime");
	bool same = *acked && alarm_member_is(view, "lastUpdate", acked);
	free(acked);
	return same;
}

static bool wants_transition(const struct recipient *r, const struct value *alarm)
{
	if (alarm_member_is(alarm, "sourceState", "normal"))
		return r->transitions.toNormal;
	if (alarm_member_is(alarm, "sourceState", "fault"))
		return r->transitions.toFault;
	if (alarm_member_is(alarm, "sourceState", "alert"))
		return r->transitions.toAlert;
	return r->transitions.toOffnormal;
}

/* Now, in the station's local time: is the recipient on duty? A range that ends before it starts goes over midnight. */
static bool on_duty(const struct recipient *r)
{
	const struct zone *zone = zone_find(r->c.station, "", NULL);
	int64_t local = zone_local(zone, station_now(r->c.station) / SECOND_US), day = day_containing(local);
	const bool days[7] = { r->daysOfWeek.sunday,   r->daysOfWeek.monday, r->daysOfWeek.tuesday, r->daysOfWeek.wednesday,
		                   r->daysOfWeek.thursday, r->daysOfWeek.friday, r->daysOfWeek.saturday };
	int64_t at = (local - day * DAY_SECONDS) * SECOND_US, start = r->timeRange.start.us, end = r->timeRange.end.us;
	int today = day_weekday(day);
	if (start == end)
		return days[today];
	if (start < end)
		return days[today] && at >= start && at < end;
	int shift_began = at < end ? (today + 6) % 7 : today; /* after midnight it is still yesterday's shift */
	return days[shift_began] && (at >= start || at < end);
}

/* The alarm's sequence, when it waits for somebody to acknowledge it; else 0. */
static int64_t answerable(const struct value *alarm)
{
	char *sequence = alarm_member(alarm, "sequence");
	int64_t n = alarm_member_is(alarm, "ackState", "unacked") ? strtoll(sequence, NULL, 10) : 0;
	free(sequence);
	return n;
}

static bool wants(const struct recipient *r, const struct value *alarm)
{
	if (is_acknowledgement(alarm))
		return r->routeAcks && on_duty(r);
	return wants_transition(r, alarm) && on_duty(r);
}

/* --- the mail --------------------------------------------------------------------------------------------------------------- */

struct people {
	struct draft_recipient rows[SMTP_RECIPIENTS_MAX]; /* borrowed texts */
	size_t count;
};

static void add_people(const struct list *list, enum mail_field field, struct people *out)
{
	for (uint32_t i = 0; i < list->count && out->count < SMTP_RECIPIENTS_MAX; i++) {
		const struct value *row = list->items[i].list.items;
		if (mail_address_ok(row[1].text))
			out->rows[out->count++] = (struct draft_recipient){ row[0].text, row[1].text, field };
	}
}

static void people_of(const struct recipient *r, struct people *out)
{
	out->count = 0;
	add_people(&r->to, FIELD_TO, out);
	add_people(&r->cc, FIELD_CC, out);
	add_people(&r->bcc, FIELD_BCC, out);
}

bool recipient_preferences(struct station *s, uint64_t handle, struct preferences *out)
{
	struct component *c = station_by_handle(s, handle);
	*out = (struct preferences){ .language = email_language(s), .zone = zone_find(s, "", NULL), .account = "" };
	if (!component_is(c, &email_recipient))
		return false;
	const struct recipient *r = COMPONENT_AS(c, &email_recipient, struct recipient);
	const struct zone *zone = zone_find(s, r->timeZone, NULL);
	bool own_subject = strcmp(r->subject, type_slot(c->type, "subject")->dflt) != 0,
	     own_body = strcmp(r->body, type_slot(c->type, "body")->dflt) != 0;
	*out = (struct preferences){ .language = r->language ? languages[r->language - 1] : out->language,
		                         .zone = zone ? zone : out->zone,
		                         .units = (enum unit_system)r->units,
		                         .html = r->htmlEnabled,
		                         .trend = r->trendPicture,
		                         .csv = r->attachCsv,
		                         .subject = own_subject ? r->subject : NULL,
		                         .body = own_body ? r->body : NULL,
		                         .account = r->emailAccount };
	return true;
}

/* The mail keeps the alarm as it is now: whenever it goes, it tells of this transition. Its words are chosen when it
 * goes; those in the ledger until then are today's. */
static void add_mail(struct recipient *r, enum mail_kind_of kind, const struct value *view, const struct people *people,
                     int64_t answers, struct store_tx *tx, char id[37])
{
	struct component *c = &r->c;
	struct outgoing_account *a =
	    *r->emailAccount ? account_by_name(c->station, r->emailAccount) : account_first(c->station);
	if (!a && *r->emailAccount)
		log_warn("%s: there is no account \"%s\"; its mail waits for it", c->name, r->emailAccount);
	char *source = alarm_member(view, "source");
	if (a)
		a = failover_route(a, source);
	free(source);
	struct preferences preferences;
	recipient_preferences(c->station, c->handle, &preferences);
	struct letter letter = { 0 };
	letter_write(c->station, &preferences, view, &letter);
	char *uuid = alarm_member(view, "uuid"), *priority = alarm_member(view, "priority"), *path = component_path(c),
	     *data = alarm_view_print(view);
	struct draft d = { .kind = kind,
		               .subject = letter.subject,
		               .body = letter.text,
		               .alarm = uuid,
		               .recipient = path,
		               .data = data,
		               .view = view,
		               .recipient_handle = c->handle,
		               .encryption = (enum mail_encryption)r->encryption,
		               .priority = strtol(priority, NULL, 10),
		               .to = people->rows,
		               .count = people->count,
		               .answers = answers };
	outbox_add(c->station, a, r->emailAccount, tx, &d, id);
	if (kind == MAIL_TEST && a)
		outbox_retry_now(a); /* somebody is watching: no waiting time */
	letter_finish(&letter);
	free(uuid);
	free(priority);
	free(path);
	free(data);
}

/* Who hears of an acknowledgement by the mail that confirms it is not told twice. */
static void leave_out_told(struct station *s, struct people *people)
{
	size_t left = 0;
	for (size_t i = 0; i < people->count; i++)
		if (!ack_tells(s, people->rows[i].address))
			people->rows[left++] = people->rows[i];
	people->count = left;
}

static int route_alarm(struct component *c, struct invocation *inv)
{
	struct recipient *r = COMPONENT_AS(c, &email_recipient, struct recipient);
	struct people people;
	if (inv->arg->kind != V_STRUCT)
		return err_set(&inv->err, E_INVALID, NULL,
		               "routeAlarm takes an alarm; it is invoked by the link from an alarm class.");
	people_of(r, &people);
	struct value view;
	alarm_view_take(inv->arg, &view);
	if (is_acknowledgement(&view))
		leave_out_told(c->station, &people);
	if (people.count && wants(r, &view)) {
		struct store_tx *tx = inv->tx ? inv->tx : store_tx_new();
		add_mail(r, MAIL_ALARM, &view, &people, answerable(inv->arg), tx, NULL);
		if (!inv->tx)
			store_commit(c->station->store, tx, NULL, NULL);
	}
	value_clear(&view);
	return 0;
}

/* To everybody, whatever the hour: it is asked for by a person who waits for it. */
static int send_test(struct component *c, struct invocation *inv)
{
	struct recipient *r = COMPONENT_AS(c, &email_recipient, struct recipient);
	struct people people;
	struct value view;
	char id[37] = "";
	people_of(r, &people);
	if (!people.count)
		return err_set(&inv->err, E_CONFLICT, "to", "Nobody would get it: enter an address in to, cc or bcc.");
	struct store_tx *tx = store_tx_new();
	preview_sample(c->station, &view);
	add_mail(r, MAIL_TEST, &view, &people, 0, tx, id);
	value_clear(&view);
	return action_commit(c->station, tx, inv, id);
}

/* --- bounces ------------------------------------------------------------------------------------------------------- */

static const char *bounced_address(const struct value *row)
{
	return row->list.items[BOUNCE_ADDRESS].text;
}

static bool has_bounced(const struct recipient *r, const char *address)
{
	for (uint32_t i = 0; i < r->bounces.count; i++)
		if (strcasecmp(bounced_address(&r->bounces.items[i]), address) == 0)
			return true;
	return false;
}

static bool is_addressed(const struct recipient *r, const char *address)
{
	struct people people;
	people_of(r, &people);
	for (size_t i = 0; i < people.count; i++)
		if (strcasecmp(people.rows[i].address, address) == 0)
			return true;
	return false;
}

/* What is known of the others that are still written to; room: for so many more rows. */
static struct value bounces_of_others(const struct recipient *r, const char *address, uint32_t room)
{
	struct value list = { .kind = V_LIST,
		                  .list.items = must_alloc((r->bounces.count + room + 1) * sizeof(struct value)) };
	for (uint32_t i = 0; i < r->bounces.count; i++) {
		const struct value *row = &r->bounces.items[i];
		if (strcasecmp(bounced_address(row), address) != 0 && is_addressed(r, bounced_address(row)))
			value_copy(&list.list.items[list.list.count++], row);
	}
	return list;
}

/* Takes list. */
static void show_bounces(struct component *c, struct value *list, struct store_tx *tx)
{
	const struct slot *slot = type_slot(c->type, "bounces");
	component_set(c, slot, list);
	persist_slot(tx, c->handle, slot, c);
}

void recipient_bounced(struct component *c, const char *address, const char *cause, struct store_tx *tx)
{
	struct value list = bounces_of_others(COMPONENT_AS(c, &email_recipient, struct recipient), address, 1);
	struct value row = { .kind = V_STRUCT,
		                 .list = { .items = must_alloc(BOUNCE_MEMBERS * sizeof(struct value)),
		                           .count = BOUNCE_MEMBERS,
		                           .members = bounce_members } };
	row.list.items[BOUNCE_ADDRESS] = value_string(address);
	row.list.items[BOUNCE_TIME] = value_abstime(station_now(c->station));
	row.list.items[BOUNCE_CAUSE] = value_string(cause);
	list.list.items[list.list.count++] = row;
	show_bounces(c, &list, tx);
}

void recipient_each_bounce(const struct component *c,
                           void (*visit)(void *context, const char *address, const char *cause), void *context)
{
	const struct recipient *r = (const struct recipient *)component_as_const(c, &email_recipient);
	for (uint32_t i = 0; i < r->bounces.count; i++) {
		const struct value *row = &r->bounces.items[i];
		if (is_addressed(r, bounced_address(row)))
			visit(context, bounced_address(row), row->list.items[BOUNCE_CAUSE].text);
	}
}

static int clear_bounce(struct component *c, struct invocation *inv)
{
	const char *address = inv->arg && inv->arg->kind == V_STRING ? inv->arg->text : "";
	const struct recipient *r = COMPONENT_AS(c, &email_recipient, struct recipient);
	struct value list = { .kind = V_LIST };
	if (*address && !has_bounced(r, address))
		return err_set(&inv->err, E_NOT_FOUND, "address",
		               "No mail to %.254s has come back. Enter an address that stands under bounces, or none for all.",
		               address);
	if (*address)
		list = bounces_of_others(r, address, 0);
	struct store_tx *tx = inv->tx ? inv->tx : store_tx_new();
	show_bounces(c, &list, tx);
	if (!inv->tx)
		store_commit(c->station->store, tx, NULL, NULL);
	return 0;
}

const char *recipient_after_bounce(const struct component *c)
{
	return ((const struct recipient *)component_as_const(c, &email_recipient))->bounceRecipient;
}

bool recipient_unencryptable(const struct component *c, char *out, size_t size)
{
	const struct recipient *r = (const struct recipient *)component_as_const(c, &email_recipient);
	struct people people;
	size_t used = 0;
	people_of(r, &people);
	*out = '\0';
	for (size_t i = 0; i < people.count && r->encryption == ENCRYPTION_REQUIRE && used < size - 1; i++) {
		struct err e = { 0 };
		if (!trust_recipient_certificate(c->station, people.rows[i].address, &e))
			used += (size_t)snprintf(out + used, size - used, "%s ", e.text);
	}
	if (*out && used < size - 1)
		snprintf(out + used, size - used, "Who has none gets no mail.");
	return *out;
}

/* --- rules -------------------------------------------------------------------------------------------------------------------- */

/* That it is an address says the table; that there is one, this. */
static void check_people(const struct list *list, const char *name, struct report *report)
{
	for (uint32_t i = 0; i < list->count; i++) {
		char slot[40];
		snprintf(slot, sizeof slot, "%s/%u/address", name, i);
		if (*list->items[i].list.items[1].text == '\0')
			report_error(report, E_INVALID, slot,
			             "The person has no mail address; enter one such as anna@example.com.");
	}
}

/* Who must get mails encrypted needs a certificate here. */
static void check_encryption(const struct recipient *r, struct report *report)
{
	char text[400];
	if (recipient_unencryptable(&r->c, text, sizeof text))
		report_warning(report, "encryption", "%s", text);
}

static void check(const struct component *next, const struct component *current, struct report *report)
{
	const struct recipient *r = (const struct recipient *)next;
	check_people(&r->to, "to", report);
	check_people(&r->cc, "cc", report);
	check_people(&r->bcc, "bcc", report);
	alarm_tokens_check("subject", r->subject, report);
	alarm_tokens_check("body", r->body, report);
	struct err e;
	if (*r->timeZone && zone_check(next->station, r->timeZone, &e) != 0)
		report_error(report, E_INVALID, "timeZone", "%s", e.text);
	if (current && *r->emailAccount && !account_by_name(current->station, r->emailAccount))
		report_warning(report, "emailAccount",
		               "There is no outgoing account \"%.60s\" yet; mail waits until there is one.", r->emailAccount);
	const struct component *stand_in = current ? component_child(current->parent, r->bounceRecipient) : NULL;
	if (current && *r->bounceRecipient && (!stand_in || stand_in->type != &email_recipient))
		report_warning(report, "bounceRecipient",
		               "There is no email recipient \"%.60s\" beside this one yet; nobody stands in.",
		               r->bounceRecipient);
	if (current)
		check_encryption(r, report);
	if (r->to.count + r->cc.count + r->bcc.count > SMTP_RECIPIENTS_MAX)
		report_error(report, E_INVALID, "to",
		             "At most %d addresses fit into one mail; make another recipient for the rest.",
		             SMTP_RECIPIENTS_MAX);
}

/* --- the table ----------------------------------------------------------------------------------------------------------------- */

#define DAY(f) SLOT(struct days, f, BOOLEAN, .dflt = "true", .doc = "Whether mails are sent on this day.")
static const struct slot day_members[] = { DAY(sunday),   DAY(monday), DAY(tuesday),  DAY(wednesday),
	                                       DAY(thursday), DAY(friday), DAY(saturday), SLOT_END };
static const struct slot range_members[] = {
	SLOT(struct range, start, RELTIME, .facets = FACETS(.min = 0, .max = 86400e6, .form = FORM_TIME_OF_DAY),
	     .doc = "From, since midnight of the station's time zone."),
	SLOT(struct range, end, RELTIME, .facets = FACETS(.min = 0, .max = 86400e6, .form = FORM_TIME_OF_DAY),
	     .doc = "Until, since that midnight; the same as start: all day."),
	SLOT_END,
};
#define TRANSITION(f, d) SLOT(struct transitions, f, BOOLEAN, .dflt = "true", .doc = d)
static const struct slot transition_members[] = {
	TRANSITION(toOffnormal, "Mail when a source becomes offnormal."),
	TRANSITION(toFault, "Mail faults."),
	TRANSITION(toNormal, "Mail when a source is normal again."),
	TRANSITION(toAlert, "Mail alerts."),
	SLOT_END,
};
static const struct slot person_members[] = {
	MEMBER("name", STRING, .facets = FACETS(.maxLength = 200), .doc = "Name of the person."),
	MEMBER("address", STRING, .facets = FACETS(.maxLength = 254, .form = FORM_MAIL_ADDRESS),
	       .doc = "Mail address of the person."),
	SLOT_END,
};
static const struct tag unit_systems[] = {
	{ UNITS_AS_CONFIGURED, "asConfigured", "Those of the points." },
	{ UNITS_METRIC, "metric", "°C, kPa, l/s..." },
	{ UNITS_ENGLISH, "english", "°F, psi, gpm..." },
	{ 0, NULL, NULL },
};
#define T struct recipient
static const struct slot slots[] = {
	SLOT_STRUCT(T, timeRange, range_members, .doc = "When alarms are mailed; outside they are recorded only."),
	SLOT_STRUCT(T, daysOfWeek, day_members, .doc = "On which days alarms are mailed."),
	SLOT_STRUCT(T, transitions, transition_members, .doc = "Which transitions are mailed."),
	SLOT(T, routeAcks, BOOLEAN, .dflt = "true", .doc = "Also mail acknowledgements."),
	SLOT_LIST(T, to, person_members, .facets = FACETS(.maxLength = SMTP_RECIPIENTS_MAX), .doc = "Who gets the mail."),
	SLOT_LIST(T, cc, person_members, .facets = FACETS(.maxLength = SMTP_RECIPIENTS_MAX), .doc = "Who gets a copy."),
	SLOT_LIST(T, bcc, person_members, .facets = FACETS(.maxLength = SMTP_RECIPIENTS_MAX),
	          .doc = "Who gets a copy unseen."),
	SLOT(T, language, ENUM, .facets = FACETS(.range = language_range, .called = language_called),
	     .doc = "Language of the mails: the words of states and labels, numbers and dates."),
	SLOT(T, timeZone, STRING, .facets = FACETS(.maxLength = 63, .names = NAMES_TIME_ZONE),
	     .doc = "Time zone of the times in mails, such as Europe/Berlin; empty: the station's."),
	SLOT(T, units, ENUM, .facets = FACETS(.range = unit_systems), .doc = "Units of the values in mails."),
	SLOT(T, htmlEnabled, BOOLEAN, .dflt = "true", .doc = "Mails have an HTML part beside the text."),
	SLOT(T, trendPicture, BOOLEAN, .dflt = "true",
	     .doc = "Mails show the last day of the point, when it has a history. Needs the HTML part."),
	SLOT(T, attachCsv, BOOLEAN, .doc = "Attach the same values as a CSV file, when the point has a history."),
	SLOT(T, emailAccount, STRING, .flags = SLOT_SUMMARY,
	     .facets = FACETS(.maxLength = NAME_MAX_LENGTH, .names = "email:OutgoingAccount"),
	     .doc = "Name of the outgoing account; empty: the first one."),
	SLOT(T, encryption, ENUM, .facets = FACETS(.range = mail_encryption_range),
	     .doc = "Whether mails are encrypted (S/MIME) for those whose certificate the station has."),
	SLOT(T, bounceRecipient, STRING, .facets = FACETS(.maxLength = NAME_MAX_LENGTH, .names = "email:EmailRecipient"),
	     .doc = "Name of the EmailRecipient that is mailed at once when a mail to an address here comes back; empty: "
	            "none."),
	SLOT_LIST(T, bounces, bounce_members, .flags = SLOT_READONLY,
	          .doc = "The addresses here whose mail came back, until clearBounce."),
	SLOT(T, subject, STRING, .dflt = "Alarm From %alarmData.sourceName%",
	     .facets = FACETS(.format = true, .maxLength = 1000), .doc = "Subject, a format over the alarm."),
	SLOT(T, body, STRING,
	     .dflt = "Source: %alarmData.sourceName%\nTimestamp: %timestamp%\nState: %sourceState% / %ackState%\nPriority: "
	             "%priority%\n"
	             "Alarm Class: %alarmClass%\nText: %alarmData.msgText%\n",
	     .facets = FACETS(.format = true, .multiLine = true, .maxLength = 16000),
	     .doc = "Text of the mail, a format over the alarm."),
	SLOT_END,
};
#undef T

static const struct slot alarm_arg = { .name = "alarm",
	                                   .kind = V_STRUCT,
	                                   .members = alarm_tokens,
	                                   .doc = "The alarm, given by the link from an alarm class." };
static const struct slot preview_arg = { .name = "alarm",
	                                     .kind = V_STRING,
	                                     .facets = FACETS(.maxLength = 36),
	                                     .doc = "UUID of an open alarm; empty: a sample." };
static const struct slot bounced_arg = { .name = "address",
	                                     .kind = V_STRING,
	                                     .facets = FACETS(.maxLength = 254),
	                                     .doc = "The address that is mended; empty: all." };
static const struct action actions[] = {
	{ "preview",
	  "Shows the letter about an open alarm, or about a sample, as these people would get it. Nothing is sent.",
	  SLOT_OPERATOR | SLOT_HIDDEN, &preview_arg, preview_letter },
	{ "sendTest", "Mails a sample alarm to these people now, whatever the hour, and answers the mail's id.",
	  SLOT_OPERATOR, NULL, send_test },
	{ "routeAlarm", "Mails an alarm; linked from the topic alarm of an alarm class.", SLOT_HIDDEN, &alarm_arg,
	  route_alarm },
	{ "clearBounce", "Forgets that mail to an address came back: its cause is mended.", 0, &bounced_arg, clear_bounce },
	{ NULL, NULL, 0, NULL, NULL },
};

const struct type email_recipient = {
	.name = "email:EmailRecipient",
	.doc = "People who get alarm mails. Link an alarm class's topic alarm to its action routeAlarm.",
	.size = sizeof(struct recipient),
	.base = &baja_component,
	.slots = slots,
	.actions = actions,
	.check = check,
};
