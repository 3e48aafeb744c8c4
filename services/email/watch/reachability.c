/* SPDX-License-Identifier: Apache-2.0
 * The audit of who can be reached: empty rosters, classes that nobody hears of, accounts that cannot send, hours that
 * nobody covers, everybody behind one account, people without an address, whose mail came back, or who must get it
 * encrypted and cannot. It looks at the tree by names and links only.
 * Engine thread. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "services/email/email_inside.h"
#include "services/email/recipient.h"
#include "station/base/must.h"
#include "station/link/link.h"

enum { WEEK_HOURS = 7 * 24 };
static const char *const day_names[] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" };

struct audit {
	json_t *items;               /* owned by the caller in the end */
	struct component *only;      /* the account that all recipients use so far */
	size_t recipients, accounts; /* recipients with somebody in them; different accounts among them */
};

static void find(struct audit *a, const char *severity, const struct component *c, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void find(struct audit *a, const char *severity, const struct component *c, const char *format, ...)
{
	char text[500], *path = component_path(c);
	va_list ap;
	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	json_array_append_new(a->items, json_pack("{s:s, s:s, s:s}", "severity", severity, "path", path, "text", text));
	free(path);
}

static bool is_a(const struct component *c, const char *type)
{
	for (const struct type *t = c->type; t; t = t->base)
		if (strcmp(t->name, type) == 0)
			return true;
	return false;
}

static uint32_t people_in(struct component *recipient)
{
	static const char *const rosters[] = { "to", "cc", "bcc" };
	uint32_t count = 0;
	for (size_t i = 0; i < ARRAY_SIZE(rosters); i++) {
		struct value v;
		if (component_get(recipient, rosters[i], &v, NULL) != 0)
			continue;
		count += v.list.count;
		value_clear(&v);
	}
	return count;
}

/* --- one recipient --------------------------------------------------------------------------------------------------- */

static struct outgoing_account *account_for(struct component *recipient, char *name, size_t size)
{
	struct value v;
	*name = '\0';
	if (component_get(recipient, "emailAccount", &v, NULL) == 0) {
		snprintf(name, size, "%s", v.text);
		value_clear(&v);
	}
	return *name ? account_by_name(recipient->station, name) : account_first(recipient->station);
}

static void audit_account(struct audit *audit, struct component *recipient)
{
	char name[NAME_MAX_LENGTH + 1];
	struct outgoing_account *a = account_for(recipient, name, sizeof name);
	if (!a) {
		find(audit, "error", recipient, "There is no outgoing account%s%s%s: its mail waits until there is one.",
		     *name ? " \"" : "", name, *name ? "\"" : "");
		return;
	}
	struct component *c = &a->account.c;
	if (!a->account.enabled)
		find(audit, "error", recipient, "Its account %s is disabled: its mail waits.", c->name);
	else if (*a->account.faultCause)
		find(audit, "error", recipient, "Its mail waits, since its account %s cannot connect: %s", c->name,
		     a->account.faultCause);
	else if (a->transport == TRANSPORT_MAILDIR)
		find(audit, "warning", recipient, "Its account %s writes into a folder: nobody gets this mail.", c->name);
	else if (c->status.bits & STATUS_DOWN)
		find(audit, "error", recipient, "Its account %s is down: %s", c->name, a->account.lastPollFailureCause);
	audit->accounts += audit->accounts == 0 || audit->only != c;
	if (audit->accounts == 1)
		audit->only = *a->fallbackAccount ? NULL : c; /* another one stands in */
}

static bool is_routed(const struct component *recipient)
{
	for (const struct link *l = recipient->extra ? recipient->extra->links : NULL; l; l = l->next)
		if (l->enabled && strcmp(l->targetSlot, "routeAlarm") == 0)
			return true;
	return false;
}

/* Is it told when a mail to the people of another one comes back? */
static bool stands_in(const struct component *recipient)
{
	for (const struct component *c = recipient->parent->first; c; c = c->next)
		if (c != recipient && component_is(c, &email_recipient) &&
		    strcmp(recipient_after_bounce(c), recipient->name) == 0)
			return true;
	return false;
}

struct bounced {
	struct audit *audit;
	const struct component *recipient;
};

/* Until somebody says that it is mended. */
static void audit_bounce(void *context, const char *address, const char *cause)
{
	const struct bounced *b = context;
	find(b->audit, "error", b->recipient,
	     "Mail to %s came back%s%.200s%s. Correct the address, or mend the mailbox and invoke clearBounce.", address,
	     *cause ? ": \"" : "", cause, *cause ? "\"" : ", and the last server gave no reason");
}

static void audit_recipient(struct audit *audit, struct component *recipient)
{
	if (people_in(recipient) == 0) {
		find(audit, "error", recipient, "Nobody is in it: what it gets is mailed to no one. Add people under To.");
		return;
	}
	audit->recipients++;
	char text[400];
	if (recipient_unencryptable(recipient, text, sizeof text))
		find(audit, "error", recipient, "%s", text);
	recipient_each_bounce(recipient, audit_bounce, &(struct bounced){ audit, recipient });
	if (!is_routed(recipient) && !stands_in(recipient))
		find(audit, "warning", recipient, "No alarm class is linked to its action routeAlarm: it hears of no alarm.");
	audit_account(audit, recipient);
}

/* --- one alarm class --------------------------------------------------------------------------------------------------- */

/* Marks the hours of a week, from Sunday on, in which a recipient gets mail. */
static void cover(struct component *recipient, bool hours[WEEK_HOURS])
{
	struct value days, range;
	if (people_in(recipient) == 0 || component_get(recipient, "daysOfWeek", &days, NULL) != 0)
		return;
	if (component_get(recipient, "timeRange", &range, NULL) == 0) {
		int64_t start = range.list.items[0].integer, end = range.list.items[1].integer, hour = 3600 * SECOND_US;
		for (int h = 0; h < WEEK_HOURS; h++) {
			int64_t from = h % 24 * hour, to = from + hour;
			int day = h / 24, began = end < start && to <= end ? (day + 6) % 7 : day;
			bool in = start == end || (start < end ? from >= start && to <= end : from >= start || to <= end);
			hours[h] |= in && days.list.items[began].boolean;
		}
		value_clear(&range);
	}
	value_clear(&days);
}

static void audit_class(struct audit *audit, struct component *class)
{
	bool hours[WEEK_HOURS] = { false };
	size_t heard = 0, covered = 0;
	int gap = 0;
	for (struct link *l = links_from(class); l; l = link_next_from(l)) {
		if (!l->enabled || !component_is(l->target, &email_recipient))
			continue;
		heard++;
		cover(l->target, hours);
	}
	while (gap < WEEK_HOURS && hours[gap])
		gap++;
	for (int h = 0; h < WEEK_HOURS; h++)
		covered += hours[h];
	if (heard == 0)
		find(audit, "warning", class, "No email recipient is linked to it: its alarms are mailed to nobody.");
	else if (covered == 0)
		find(audit, "error", class,
		     "Nobody gets its mails: the recipients that are linked to it have nobody in them, or no days.");
	else if (gap < WEEK_HOURS)
		find(audit, "warning", class, "At times nobody gets its mails, for example on %s at %02d:00.",
		     day_names[gap / 24], gap % 24);
}

/* --- people ------------------------------------------------------------------------------------------------------------ */

static void audit_user(struct audit *audit, struct component *user)
{
	struct value v;
	if (component_get(user, "email", &v, NULL) != 0)
		return;
	if (v.kind == V_STRING && *v.text == '\0')
		find(audit, "warning", user, "This person has no mail address: no mail is theirs to answer.");
	value_clear(&v);
}

/* --- the whole --------------------------------------------------------------------------------------------------------- */

static void audit_children(struct audit *audit, const struct component *parent)
{
	for (struct component *c = parent->first; c; c = c->next) {
		if (component_is(c, &email_recipient))
			audit_recipient(audit, c);
		else if (is_a(c, "alarm:AlarmClass"))
			audit_class(audit, c);
		else if (is_a(c, "baja:User"))
			audit_user(audit, c);
		audit_children(audit, c);
	}
}

json_t *email_reachability(struct station *s)
{
	struct audit audit = { .items = json_array() };
	struct component *services = station_by_path(s, "/Services"); /* all of these stand below it */
	if (services)
		audit_children(&audit, services);
	if (audit.recipients > 0 && audit.accounts == 1 && audit.only)
		find(&audit, "warning", audit.only,
		     "All mail goes through this account, and it has no fallbackAccount: while its server is down, nobody is "
		     "told.");
	return audit.items;
}
