/* SPDX-License-Identifier: Apache-2.0
 * The checks: see ack_checks.h. Check 0, the limits of size and shape, is the reader's. */
#include "services/email/ack/ack_checks.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "services/email/account/account.h"
#include "services/email/ack/acknowledger.h"
#include "services/email/ack/authenticity.h"
#include "services/email/email_inside.h"
#include "station/alarm/alarm_support.h"
#include "station/base/must.h"

const struct ack_reason ack_reasons[ACK_REFUSALS] = {
	[ACK_DONE] = { "done", "It was done.", true },
	[ACK_AUTOMATIC] = { "automatic", "No person has written this mail.", false },
	[ACK_NO_TOKEN] = { "token", "It answers no alarm mail of this station.", false },
	[ACK_EXPIRED] = { "expired", "The mail that it answers is too old.", true },
	[ACK_USED] = { "used", "The mail that it answers has been answered already.", true },
	[ACK_ENDED] = { "ended", "The alarm has ended.", true },
	[ACK_SENDER] = { "sender", "The sender is not the one whom the alarm mail went to.", false },
	[ACK_FORGED] = { "authenticity", "The mail provider does not vouch for the sender (DMARC or aligned DKIM).",
	                 false },
	[ACK_UNPROVEN] = { "unproven",
	                   "What the mail provider says of the sender could be forged: see faultCause of the "
	                   "acknowledger.",
	                   false },
	[ACK_RIGHTS] = { "rights", "No user who may do this now has the sender's address.", true },
	[ACK_WORDS] = { "words", "The first line is not one of the words that the station knows.", true },
	[ACK_TIME] = { "time", "The time in the first line was not understood.", true },
	[ACK_LIFE_SAFETY] = { "lifeSafety", "An alarm of life safety is acknowledged at the station only.", true },
	[ACK_RATE] = { "rate", "There were too many answers in one minute.", false },
};

/* --- 1 to 7 --------------------------------------------------------------------------------------------------------- */

static bool from_ourselves(const struct ack_case *c)
{
	struct component *service = station_service(c->settings->station, &email_service);
	for (struct component *a = service ? service->first : NULL; a; a = a->next) {
		char own[ADDRESS_SIZE] = "";
		if (!component_is(a, &email_outgoing_account))
			continue;
		account_sender_address(COMPONENT_AS(a, &email_outgoing_account, struct outgoing_account), own, sizeof own);
		for (uint32_t i = 0; i < c->mail->from.count; i++)
			if (*own && strcasecmp(c->mail->from.items[i].text, own) == 0)
				return true;
	}
	return false;
}

static enum ack_refusal check_automatic(struct ack_case *c)
{
	return *c->mail->automatic || c->mail->report || from_ourselves(c) ? ACK_AUTOMATIC : ACK_DONE;
}

int64_t ack_alarm_number(const struct value *record, const char *name)
{
	for (uint32_t i = 0; record->kind == V_STRUCT && i < record->list.count; i++)
		if (strcmp(record->list.members[i].name, name) == 0)
			return record->list.items[i].integer;
	return 0;
}

static enum ack_refusal check_token(struct ack_case *c)
{
	bool several;
	const struct alarm_support *alarms = c->settings->station->alarms;
	c->row = ack_book_token_of(c->book, c->mail, &several);
	if (!c->row || several || !*c->mail->messageId)
		return ACK_NO_TOKEN;
	if (c->row->expires.us <= ack_book_now(c->book))
		return ACK_EXPIRED;
	if (c->row->used.us != ABSTIME_NULL || ack_book_has_answer(c->row, c->mail->messageId))
		return ACK_USED;
	if (!alarms || !alarms->desk->look(c->settings->station, c->row->alarm, &c->alarm) ||
	    ack_alarm_number(&c->alarm, "sequence") != c->row->sequence)
		return ACK_ENDED;
	return ACK_DONE;
}

/* Mail systems compare what stands before the @ without case as well. */
static enum ack_refusal check_sender(struct ack_case *c)
{
	if (!c->row || c->mail->fromFields != 1 || c->mail->from.count != 1 || !c->mail->fromPlain)
		return ACK_SENDER;
	const char *from = c->mail->from.items[0].text;
	for (uint32_t i = 0; i < c->row->addresses.count; i++)
		if (strcasecmp(c->row->addresses.items[i].text, from) == 0)
			c->sender = from;
	return c->sender ? ACK_DONE : ACK_SENDER;
}

static enum ack_refusal check_authenticity(struct ack_case *c)
{
	const char *at = c->sender ? strrchr(c->sender, '@') : NULL;
	enum ack_policy policy = c->settings->policy;
	if (!at)
		return ACK_FORGED;
	if (policy == ACK_OFF)
		return ACK_DONE;
	switch (authenticity_judge(&c->mail->trace, c->settings->authserv_id, at + 1)) {
	case AUTHENTIC:
		return c->settings->proven || policy == ACK_PREFER ? ACK_DONE : ACK_UNPROVEN;
	case AUTHENTIC_UNKNOWN:
		return policy == ACK_PREFER ? ACK_DONE : ACK_FORGED;
	default:
		return ACK_FORGED;
	}
}

/* Asks the UserService: who has this address, and may act now? */
bool ack_user_of(struct station *s, const char *address_text, struct actor *out)
{
	const struct type *type = type_find(s->types, "baja:UserService");
	struct component *users = type ? station_service(s, type) : NULL;
	struct value address = value_string(address_text);
	struct invocation inv = { .arg = &address };
	bool known = users && component_invoke(users, "resolveAddress", &inv) == 0 && inv.result.kind == V_STRUCT;
	*out = (struct actor){ .via = "mail" };
	if (known) {
		out->role = (enum role)inv.result.list.items[1].integer;
		snprintf(out->user, sizeof out->user, "%s", inv.result.list.items[0].text);
		snprintf(out->from, sizeof out->from, "%.60s", address_text);
	}
	value_clear(&address);
	value_clear(&inv.result);
	return known;
}

static enum ack_refusal check_rights(struct ack_case *c)
{
	struct actor actor;
	if (!ack_user_of(c->settings->station, c->sender, &actor))
		return ACK_RIGHTS;
	c->actor = actor;
	return actor.role >= ROLE_OPERATOR ? ACK_DONE : ACK_RIGHTS;
}

static enum ack_refusal check_words(struct ack_case *c)
{
	static const enum ack_refusal refusals[] = { ACK_DONE, ACK_WORDS, ACK_TIME, ACK_WORDS };
	c->line = answer_line(c->mail->text);
	if (!c->line)
		return ACK_WORDS;
	enum answer_fault fault = answer_read(c->line, c->settings->zone, c->settings->now, &c->answer);
	if (fault == ANSWER_UNDERSTOOD && c->answer.until == ABSTIME_NULL)
		c->answer.until = c->settings->now + c->settings->snooze;
	return refusals[fault];
}

/* A mail is a weak proof of who sent it; where lives depend on an alarm, it can be commented on and asked about, not more. */
static enum ack_refusal check_life_safety(struct ack_case *c)
{
	bool silences = c->answer.verb == ANSWER_ACK || c->answer.verb == ANSWER_SNOOZE || c->answer.verb == ANSWER_SHELVE;
	return silences && ack_alarm_number(&c->alarm, "priority") <= c->settings->life_safety ? ACK_LIFE_SAFETY : ACK_DONE;
}

static enum ack_refusal check_rate(struct ack_case *c)
{
	return c->settings->may_act(c->settings->context, c->sender) ? ACK_DONE : ACK_RATE;
}

/* --- in their order ------------------------------------------------------------------------------------------------------ */

void ack_case_judge(struct ack_case *c, const struct ack_settings *settings, struct ack_book *book,
                    const struct parsed_mail *mail)
{
	static enum ack_refusal (*const checks[])(struct ack_case *) = { check_automatic,    check_token,  check_sender,
		                                                             check_authenticity, check_rights, check_words,
		                                                             check_life_safety,  check_rate };
	*c = (struct ack_case){ .settings = settings, .mail = mail, .book = book };
	for (size_t i = 0; i < ARRAY_SIZE(checks) && c->refusal == ACK_DONE; i++)
		c->refusal = checks[i](c);
	/* Whoever may be told why is somebody whom the mail went to, and whose provider vouches for him. */
	c->vouched = ack_reasons[c->refusal].polite && (c->sender || check_sender(c) == ACK_DONE) &&
	    check_authenticity(c) == ACK_DONE;
}

void ack_case_finish(struct ack_case *c)
{
	value_clear(&c->alarm);
	free(c->answer.comment);
	free(c->line);
}
