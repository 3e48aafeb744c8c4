/* SPDX-License-Identifier: Apache-2.0
 * The table of a parsed mail, and its way as JSON and as a struct value: see parsed_mail.h. Plain data: any thread. */
#include "services/email/reader/parsed_mail.h"

#include <string.h>

#include "station/base/must.h"

static const struct slot report_members[] = {
	MEMBER("finalRecipient", STRING, .doc = "Address that the report is about."),
	MEMBER("action", STRING, .doc = "failed, delayed, delivered, relayed or expanded (RFC 3464 2.3.3)."),
	MEMBER("status", STRING, .doc = "Enhanced status code (RFC 3463)."),
	MEMBER("diagnostic", STRING, .doc = "What the last server said."),
	MEMBER("originalRecipient", STRING, .doc = "Address that the mail was sent to, where it was forwarded."),
	SLOT_END,
};

#define T struct parsed_mail
#define TEXTS(f, d)                                                                                                    \
	{                                                                                                                  \
		.name = #f, .offset = offsetof(T, f), .kind = V_LIST, .element = V_STRING,                                     \
		.facets = FACETS(.maxLength = MAIL_LIST_MAX), .doc = d                                                         \
	}
const struct slot parsed_mail_slots[] = {
	TEXTS(from, "Addresses of the senders."),
	SLOT(T, fromFields, INTEGER, .doc = "How many From fields there are."),
	SLOT(T, fromPlain, BOOLEAN, .doc = "Whether every From is one plain mailbox."),
	TEXTS(to, "Addresses it was sent or delivered to."),
	SLOT(T, subject, STRING, .doc = "Subject."),
	SLOT(T, messageId, STRING, .doc = "Message-ID."),
	SLOT(T, inReplyTo, STRING, .doc = "Message-ID of the mail it answers."),
	TEXTS(references, "Message-IDs of the conversation."),
	SLOT(T, date, ABSTIME, .doc = "When the sender says it was written."),
	SLOT(T, automatic, STRING, .doc = "Why no person wrote it; empty: nothing says so."),
	SLOT(T, returnPath, STRING, .doc = "Where bounces of it would go."),
	TEXTS(trace, "What the servers on the way have noted, topmost first."),
	SLOT(T, text, STRING, .facets = FACETS(.maxLength = MAIL_TEXT_MAX), .doc = "The first text part."),
	SLOT(T, report, BOOLEAN, .doc = "Whether it is a report about a delivery."),
	SLOT(T, reportedId, STRING, .doc = "Message-ID of the mail that the report is about."),
	SLOT_LIST(T, reports, report_members, .facets = FACETS(.maxLength = MAIL_LIST_MAX),
	          .doc = "What the report says of each address."),
	SLOT_END,
};
#undef T
const struct record_kind parsed_mail_kind = { "parsed_mail", "A mail that was received.", sizeof(struct parsed_mail),
	                                          parsed_mail_slots, false };

int parsed_mail_from_json(const json_t *json, struct parsed_mail *m, struct err *e)
{
	struct report report;
	report_init(&report, "");
	record_init(&parsed_mail_kind, m);
	for (const struct slot *slot = parsed_mail_slots; slot->name; slot++) {
		const json_t *member = json_object_get(json, slot->name);
		struct value v = VALUE_NULL;
		if (!member)
			report_error(&report, E_PROTOCOL, slot->name, "It is missing.");
		else if (value_from_json(slot, member, NULL, slot->name, &v, &report) == 0)
			slot_write(slot, m, &v);
		else
			value_clear(&v);
	}
	int rc = report_first(&report, e);
	report_finish(&report);
	return rc == 0 ? 0 : err_set(e, E_PROTOCOL, NULL, "The reader gave an answer that makes no sense.");
}

bool parsed_mail_from_value(const struct value *v, struct parsed_mail *m)
{
	if (v->kind != V_STRUCT || v->list.members != parsed_mail_slots)
		return false;
	record_init(&parsed_mail_kind, m);
	for (uint32_t i = 0; i < v->list.count; i++) {
		struct value copy;
		value_copy(&copy, &v->list.items[i]);
		slot_write(&parsed_mail_slots[i], m, &copy);
	}
	return true;
}

static void append(struct list *list, const struct value *v)
{
	list->items = must_realloc(list->items, (list->count + 1) * sizeof *list->items);
	list->items[list->count++] = *v;
}

void parsed_mail_add(struct list *list, const char *text)
{
	struct value v = value_string(text);
	if (list->count < MAIL_LIST_MAX)
		append(list, &v);
	else
		value_clear(&v);
}

void parsed_mail_add_report(struct parsed_mail *m, const char *const members[REPORT_MEMBERS])
{
	if (m->reports.count >= MAIL_LIST_MAX)
		return;
	struct value v = { .kind = V_STRUCT,
		               .list = { .items = must_alloc(REPORT_MEMBERS * sizeof(struct value)),
		                         .count = REPORT_MEMBERS,
		                         .members = report_members } };
	for (size_t i = 0; i < REPORT_MEMBERS; i++)
		v.list.items[i] = value_string(members[i]);
	append(&m->reports, &v);
}

void parsed_mail_set(char **field, const char *text)
{
	static const struct slot row = { .name = "text", .kind = V_STRING };
	struct value v = value_string(text);
	slot_write(&row, field, &v);
}
