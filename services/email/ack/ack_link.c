/* SPDX-License-Identifier: Apache-2.0
 * The link in an alarm mail: see ack_link.h. */
#include "services/email/ack/ack_link.h"

#include <stdlib.h>
#include <string.h>

#include "services/email/ack/ack_book.h"
#include "services/email/ack/acknowledger.h"
#include "station/alarm/alarm_support.h"
#include "station/base/must.h"
#include "station/tree/format.h"

/* A token that may be used now; the alarm's record into *alarm (owned). NULL: e says why not. */
static struct ack_row *find(struct station *s, const char *text, const char *from, struct value *alarm, struct err *e)
{
	struct ack_book *book = email_ack_book(s);
	struct ack_token t;
	if (!ack_may_ask(s, from)) {
		err_set(e, E_TOO_MANY, NULL, "%s", err_text(E_TOO_MANY));
		return NULL;
	}
	struct ack_row *row = book && ack_token_read(text, &t) ? ack_book_find(book, &t) : NULL;
	bool good = row && row->expires.us > ack_book_now(book) && row->used.us == ABSTIME_NULL && s->alarms &&
	    s->alarms->desk->look(s, row->alarm, alarm);
	if (!good)
		err_set(e, E_NOT_FOUND, NULL,
		        "This link does nothing any more: it is too old, it was used, or the alarm has ended.");
	return good ? row : NULL;
}

/* Who uses it without login: the one person whom the mail went to, with the rights of the user of that address. */
static bool single_user(struct station *s, const struct ack_row *row, struct actor *actor)
{
	return row->addresses.count == 1 && ack_link_allowed(s, row->alarm) &&
	    ack_user_of(s, row->addresses.items[0].text, actor) && actor->role >= ROLE_OPERATOR;
}

json_t *ack_link_look(struct station *s, const char *token, const char *from, struct err *e)
{
	struct value alarm = VALUE_NULL;
	struct actor actor;
	const struct ack_row *row = find(s, token, from, &alarm, e);
	if (!row)
		return NULL;
	static const char *const members[][2] = { { "source", "%alarmData.sourceName%" },
		                                      { "sourceState", "%sourceState%" },
		                                      { "ackState", "%ackState%" },
		                                      { "timestamp", "%timestamp%" },
		                                      { "text", "%msgText%" } };
	json_t *json = json_pack("{s:s, s:b}", "uuid", row->alarm, "loginNeeded", !single_user(s, row, &actor));
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		char *text = format_expand(members[i][1], &alarm);
		json_object_set_new(json, members[i][0], json_string(text));
		free(text);
	}
	value_clear(&alarm);
	return json;
}

void ack_link_use(struct station *s, const char *token, const char *from, store_done *done, void *context)
{
	struct value alarm = VALUE_NULL;
	struct actor actor = { 0 };
	struct err e = { 0 };
	struct ack_row *row = find(s, token, from, &alarm, &e);
	value_clear(&alarm);
	if (row && !single_user(s, row, &actor)) {
		err_set(&e, E_UNAUTHORIZED, NULL, "Log in to acknowledge this alarm.");
		row = NULL;
	}
	struct store_tx *tx = row ? store_tx_new() : NULL;
	snprintf(actor.via, sizeof actor.via, "link");
	snprintf(actor.from, sizeof actor.from, "%s", from);
	const struct alarm_order order = {
		.verb = ALARM_ACKNOWLEDGE, .uuid = row ? row->alarm : "", .actor = &actor, .note = ""
	};
	if (!row || s->alarms->desk->order(s, &order, tx, &e) != 0) {
		store_tx_free(&tx);
		done(context, e.code, &e);
		return;
	}
	char *result = must_format("ack by %s, by the link", actor.user);
	ack_book_use(email_ack_book(s), tx, row, result);
	free(result);
	store_commit(s->store, tx, done, context);
}
