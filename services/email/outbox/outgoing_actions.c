/* SPDX-License-Identifier: Apache-2.0
 * What a person does with an outgoing account: send, sendTest, clearQueue, resetNumberSent. Each answers when it is on
 * disk. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "services/email/email_inside.h"
#include "station/base/must.h"
#include "station/store/persist.h"

static struct outgoing_account *outgoing_of(struct component *c)
{
	return COMPONENT_AS(c, &email_outgoing_account, struct outgoing_account);
}

/* An invocation that ends when its transaction does; answers the id of a mail, if it made one. */
struct pending {
	struct invocation *inv;
	char id[37];
};

static void written(void *context, int code, const struct err *e)
{
	struct pending *p = context;
	if (code != 0)
		p->inv->err = *e;
	else if (*p->id)
		p->inv->result = value_string(p->id);
	invocation_done(p->inv, code);
	free(p);
}

int action_commit(struct station *s, struct store_tx *tx, struct invocation *inv, const char *id)
{
	struct pending *p = must_alloc(sizeof *p);
	p->inv = inv;
	snprintf(p->id, sizeof p->id, "%s", id);
	store_commit(s->store, tx, written, p);
	return 1;
}

/* --- sending -------------------------------------------------------------------------------------------------------- */

static int queue(struct outgoing_account *a, const struct draft *d, struct invocation *inv)
{
	char id[37] = "";
	struct store_tx *tx = store_tx_new();
	outbox_add(a->account.c.station, a, NULL, tx, d, id);
	outbox_retry_now(a); /* somebody is watching: no waiting time */
	return action_commit(a->account.c.station, tx, inv, id);
}

static int send_test(struct component *c, struct invocation *inv)
{
	const char *address = inv->arg->text;
	if (!mail_address_ok(address))
		return err_set(&inv->err, E_INVALID, "address", "\"%.60s\" is not a mail address such as anna@example.com.",
		               address);
	char time[ABSTIME_TEXT_MAX], label[256];
	abstime_print(station_now(c->station), time);
	char *body = must_format("This is a test mail of the station's account \"%s\".\nIt was asked for at %s.\n",
	                         component_display_name(c, label, sizeof label), time);
	struct draft_recipient to = { "", address, FIELD_TO };
	struct draft d = { .kind = MAIL_TEST,
		               .subject = "Belfry test mail",
		               .body = body,
		               .alarm = "",
		               .recipient = "",
		               .priority = 255,
		               .to = &to,
		               .count = 1 };
	int rc = queue(outgoing_of(c), &d, inv);
	free(body);
	return rc;
}

/* The members of the argument, in the order of its table. */
enum { SEND_TO, SEND_CC, SEND_BCC, SEND_SUBJECT, SEND_BODY };

static int add_people(const struct value *list, enum mail_field field, struct draft_recipient *out, size_t *count,
                      struct err *e)
{
	for (uint32_t i = 0; i < list->list.count; i++) {
		const struct value *person = list->list.items[i].list.items;
		if (!mail_address_ok(person[1].text))
			return err_set(e, E_INVALID, "address", "\"%.60s\" is not a mail address such as anna@example.com.",
			               person[1].text);
		if (*count == SMTP_RECIPIENTS_MAX)
			return err_set(e, E_INVALID, "to", "At most %d addresses fit into one mail.", SMTP_RECIPIENTS_MAX);
		out[(*count)++] = (struct draft_recipient){ person[0].text, person[1].text, field };
	}
	return 0;
}

static int send_message(struct component *c, struct invocation *inv)
{
	const struct value *arg = inv->arg->list.items;
	struct draft_recipient people[SMTP_RECIPIENTS_MAX];
	size_t count = 0;
	for (int field = SEND_TO; field <= SEND_BCC; field++) {
		int rc = add_people(&arg[field], (enum mail_field)field, people, &count, &inv->err);
		if (rc != 0)
			return rc;
	}
	if (count == 0)
		return err_set(&inv->err, E_INVALID, "to", "Nobody is to get the mail: enter an address.");
	struct draft d = { .kind = MAIL_MESSAGE,
		               .subject = arg[SEND_SUBJECT].text,
		               .body = arg[SEND_BODY].text,
		               .alarm = "",
		               .recipient = "",
		               .priority = 255,
		               .to = people,
		               .count = count };
	return queue(outgoing_of(c), &d, inv);
}

/* --- queue and counter ---------------------------------------------------------------------------------------------- */

static int clear_queue(struct component *c, struct invocation *inv)
{
	return outbox_clear(outgoing_of(c), inv);
}

static int reset_number_sent(struct component *c, struct invocation *inv)
{
	struct outgoing_account *a = outgoing_of(c);
	struct store_tx *tx = store_tx_new();
	account_set(&a->account, "numberSent", value_integer(0));
	persist_slot(tx, c->handle, type_slot(c->type, "numberSent"), a);
	return action_commit(c->station, tx, inv, "");
}

/* --- the table ------------------------------------------------------------------------------------------------------ */

static const struct slot test_arg = { .name = "address",
	                                  .kind = V_STRING,
	                                  .facets = FACETS(.maxLength = 254, .form = FORM_MAIL_ADDRESS),
	                                  .doc = "Where the test mail goes." };
static const struct slot person_members[] = {
	MEMBER("name", STRING, .facets = FACETS(.maxLength = 200), .doc = "Name of the person."),
	MEMBER("address", STRING, .facets = FACETS(.maxLength = 254, .form = FORM_MAIL_ADDRESS),
	       .doc = "Mail address of the person."),
	SLOT_END,
};
#define PEOPLE(n, d)                                                                                                   \
	MEMBER(n, LIST, .element = V_STRUCT, .members = person_members,                                                    \
	       .facets = FACETS(.maxLength = SMTP_RECIPIENTS_MAX), .doc = d)
static const struct slot send_members[] = {
	PEOPLE("to", "Who gets the mail."),
	PEOPLE("cc", "Who gets a copy."),
	PEOPLE("bcc", "Who gets a copy unseen."),
	MEMBER("subject", STRING, .facets = FACETS(.maxLength = 1000), .doc = "What it is about."),
	MEMBER("body", STRING, .facets = FACETS(.maxLength = 16000, .multiLine = true), .doc = "The text."),
	SLOT_END,
};
static const struct slot send_arg = {
	.name = "email", .kind = V_STRUCT, .members = send_members, .flags = SLOT_REQUIRED, .doc = "The mail."
};
const struct action outgoing_actions[] = {
	{ "send", "Sends a mail and answers its id; its fate is in the ledger.", SLOT_OPERATOR, &send_arg, send_message },
	{ "sendTest", "Sends a test mail and answers its id; its fate is in the ledger.", SLOT_OPERATOR, &test_arg,
	  send_test },
	{ "clearQueue", "Cancels every mail that waits. The ledger keeps them, as cancelled, and who did it.", SLOT_CONFIRM,
	  NULL, clear_queue },
	{ "resetNumberSent", "Sets numberSent to 0.", 0, NULL, reset_number_sent },
	{ NULL, NULL, 0, NULL, NULL },
};
