/* SPDX-License-Identifier: Apache-2.0
 * email:EmailAlarmAcknowledger: answers to alarm mails do what they say. An incoming account's topic received is linked to
 * its action received. What an answer does, its token, the audit record and the mails that tell of it are one transaction
 * with what the account notes of the mail. Engine thread. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "services/email/ack/ack_checks.h"
#include "services/email/ack/acknowledger.h"
#include "services/email/ack/authenticity_probe.h"
#include "services/email/ack/confirmation.h"
#include "station/alarm/alarm_support.h"
#include "station/base/log.h"
#include "station/base/must.h"
#include "station/sheet/audit.h"
#include "station/tree/format.h"

enum { SENDERS = 64, PER_SENDER = 10, PER_STATION = 60, SAME_SOURCE_MAX = 49, LINE_QUOTED_MAX = 100 };
#define MINUTE_US (60 * SECOND_US)

struct acknowledger {
	struct component c;
	bool enabled, ackAlarmsFromSameSource, plusAddressing, linkWithoutLogin;
	int authentication; /* enum ack_policy */
	char *authServId, *offReason, *linkAddress;
	struct reltime tokenLifetime, snoozeTime;
	char *lastAlarmAcked;
	struct abstime lastAlarmAckedTime, lastAlarmAckedFailureTime;
	char *lastAlarmAckedFailureCause;
	int64_t lifeSafetyPriority, totalAlarmsAckedToday, totalAlarmAckedFailures, totalMessagesReceivedToday;
	struct {
		int64_t automatic, token, expired, used, ended, sender, authenticity, unproven, rights, words, time, lifeSafety,
		    rate;
	} refused;
	struct authenticity_probe probe;
	/* Not slots. */
	struct timer midnight;
	const struct ack_people *telling; /* while an answer is carried out: who will hear of it */
	int64_t minute, acted;            /* in that minute, by all */
	struct {
		char address[64];
		int64_t acted;
	} senders[SENDERS]; /* in that minute */
};

static struct acknowledger *self(struct component *c)
{
	return COMPONENT_AS(c, &email_acknowledger, struct acknowledger);
}

static void set(struct acknowledger *a, const char *slot, struct value v)
{
	component_set(&a->c, type_slot(a->c.type, slot), &v);
}

/* --- counting ----------------------------------------------------------------------------------------------------------- */

static const struct zone *zone_of(struct station *s)
{
	return zone_find(s, "", NULL);
}

/* Where the counter of a refusal is; NULL for what is none. */
static int64_t *counter(struct acknowledger *a, enum ack_refusal r)
{
	int64_t *const counters[ACK_REFUSALS] = {
		[ACK_AUTOMATIC] = &a->refused.automatic, [ACK_NO_TOKEN] = &a->refused.token,
		[ACK_EXPIRED] = &a->refused.expired,     [ACK_USED] = &a->refused.used,
		[ACK_ENDED] = &a->refused.ended,         [ACK_SENDER] = &a->refused.sender,
		[ACK_FORGED] = &a->refused.authenticity, [ACK_UNPROVEN] = &a->refused.unproven,
		[ACK_RIGHTS] = &a->refused.rights,       [ACK_WORDS] = &a->refused.words,
		[ACK_TIME] = &a->refused.time,           [ACK_LIFE_SAFETY] = &a->refused.lifeSafety,
		[ACK_RATE] = &a->refused.rate,
	};
	return counters[r];
}

static void set_midnight(struct acknowledger *a)
{
	const struct zone *zone = zone_of(a->c.station);
	int64_t now = station_now(a->c.station) / SECOND_US;
	int64_t next =
	    zone ? zone_instant(zone, (day_containing(zone_local(zone, now)) + 1) * DAY_SECONDS) : now + DAY_SECONDS;
	timer_start(&a->c.station->clock, &a->midnight, (next - now) * SECOND_US);
}

static void midnight(struct timer *t)
{
	struct acknowledger *a = container_of(t, struct acknowledger, midnight);
	struct ack_book *book = email_ack_book(a->c.station);
	set(a, "totalAlarmsAckedToday", value_integer(0));
	set(a, "totalAlarmAckedFailures", value_integer(0));
	set(a, "totalMessagesReceivedToday", value_integer(0));
	for (int r = 0; r < ACK_REFUSALS; r++)
		if (counter(a, (enum ack_refusal)r))
			*counter(a, (enum ack_refusal)r) = 0;
	component_touched(&a->c, type_slot(a->c.type, "refused"));
	if (book)
		ack_book_prune(book);
	set_midnight(a);
}

/* 7: at most so many in a minute, of one sender and in all. */
static bool may_act(void *context, const char *address)
{
	struct acknowledger *a = context;
	int64_t minute = clock_mono(&a->c.station->clock) / MINUTE_US;
	if (minute != a->minute) {
		a->minute = minute;
		a->acted = 0;
		memset(a->senders, 0, sizeof a->senders);
	}
	size_t i = 0;
	while (i < SENDERS - 1 && *a->senders[i].address && strncasecmp(a->senders[i].address, address, 63) != 0)
		i++;
	snprintf(a->senders[i].address, sizeof a->senders[i].address, "%.63s", address);
	return ++a->senders[i].acted <= PER_SENDER && ++a->acted <= PER_STATION;
}

/* --- doing it --------------------------------------------------------------------------------------------------------------- */

static int give(const struct ack_case *c, enum alarm_verb verb, const char *uuid, struct store_tx *tx, struct err *e)
{
	const struct alarm_order order = { .verb = verb,
		                               .uuid = uuid,
		                               .actor = &c->actor,
		                               .note = verb == ALARM_NOTE ? c->answer.comment : "",
		                               .until = c->answer.until };
	return c->settings->station->alarms->desk->order(c->settings->station, &order, tx, e);
}

/* Is it an alarm that no mail may silence? */
static bool ack_life_safety(struct station *s, const char *uuid, int64_t up_to)
{
	struct value alarm = VALUE_NULL;
	bool is = s->alarms->desk->look(s, uuid, &alarm) && ack_alarm_number(&alarm, "priority") <= up_to;
	value_clear(&alarm);
	return is;
}

static size_t acknowledge_beside(const struct ack_case *c, struct store_tx *tx)
{
	char uuids[SAME_SOURCE_MAX][37];
	struct station *s = c->settings->station;
	size_t n = s->alarms->desk->unacked_beside(s, c->row->alarm, uuids, SAME_SOURCE_MAX), done = 0;
	for (size_t i = 0; i < n; i++)
		done += !ack_life_safety(s, uuids[i], c->settings->life_safety) &&
		    give(c, ALARM_ACKNOWLEDGE, uuids[i], tx, NULL) == 0;
	return done;
}

static void carry_out(struct acknowledger *a, const struct ack_case *c, struct store_tx *tx, struct ack_outcome *o)
{
	static const enum alarm_verb verbs[] = { [ANSWER_ACK] = ALARM_ACKNOWLEDGE,
		                                     [ANSWER_SNOOZE] = ALARM_SHELVE,
		                                     [ANSWER_SHELVE] = ALARM_SHELVE,
		                                     [ANSWER_UNSHELVE] = ALARM_UNSHELVE,
		                                     [ANSWER_COMMENT] = ALARM_NOTE };
	*o = (struct ack_outcome){ 0 };
	if (c->answer.verb == ANSWER_STATUS)
		return;
	o->code = give(c, verbs[c->answer.verb], c->row->alarm, tx, &o->err);
	if (o->code != 0 || c->answer.verb != ANSWER_ACK)
		return;
	if (a->ackAlarmsFromSameSource)
		o->beside = acknowledge_beside(c, tx);
	char *source = format_expand("%alarmData.sourceName%", &c->alarm);
	set(a, "lastAlarmAcked", value_string(source));
	set(a, "lastAlarmAckedTime", value_abstime(c->settings->now));
	set(a, "totalAlarmsAckedToday", value_integer(a->totalAlarmsAckedToday + 1 + (int64_t)o->beside));
	free(source);
}

/* --- one mail --------------------------------------------------------------------------------------------------------------- */

/* Owned: what a user of ours has written and was not understood, as much of it as fits a line; else "". */
static char *quote_line(const struct ack_case *c)
{
	if (!c->line || (c->refusal != ACK_WORDS && c->refusal != ACK_TIME))
		return must_strdup("");
	size_t n = strnlen(c->line, LINE_QUOTED_MAX);
	while (n > 0 && (c->line[n] & 0xC0) == 0x80) /* not within a character */
		n--;
	return must_format(" It reads \"%.*s\".", (int)n, c->line);
}

static void refuse(struct acknowledger *a, const struct ack_case *c, struct store_tx *tx)
{
	const struct ack_reason *reason = &ack_reasons[c->refusal];
	char *path = component_path(&a->c);
	char *line = quote_line(c),
	     *from = must_format("%.200s; %.300s%s", c->mail->from.count ? c->mail->from.items[0].text : "nobody",
	                         *c->mail->automatic ? c->mail->automatic : reason->sentence, line);
	++*counter(a, c->refusal);
	component_touched(&a->c, type_slot(a->c.type, "refused"));
	set(a, "totalAlarmAckedFailures", value_integer(a->totalAlarmAckedFailures + 1));
	set(a, "lastAlarmAckedFailureTime", value_abstime(c->settings->now));
	set(a, "lastAlarmAckedFailureCause", value_string(reason->sentence));
	audit_write(a->c.station, tx, c->actor.role ? &c->actor : NULL, "ackRefused", c->row ? c->row->alarm : path, NULL,
	            NULL, reason->name, from);
	free(line);
	free(from);
	free(path);
}

/* An answer that acts uses the token up; a comment or a question does not, but is not heard twice. */
static void note_token(const struct ack_case *c, const struct ack_outcome *o, struct store_tx *tx)
{
	static const char *const words[] = { "ack", "snooze", "shelve", "unshelve", "comment", "status" };
	char *result = must_format("%s by %s", words[c->answer.verb], c->actor.user);
	if (c->answer.verb == ANSWER_ACK && o->code == 0)
		ack_book_use(c->book, tx, c->row, result);
	else
		ack_book_answered(c->book, tx, c->row, c->mail->messageId);
	free(result);
}

/* Owned: what was done, or why nothing. */
static char *result_of(const struct ack_case *c, const struct ack_outcome *o)
{
	static const char *const done[] = {
		[ANSWER_ACK] = "Acknowledged",   [ANSWER_SNOOZE] = "Snoozed",       [ANSWER_SHELVE] = "Shelved",
		[ANSWER_UNSHELVE] = "Unshelved", [ANSWER_COMMENT] = "Commented on", [ANSWER_STATUS] = "Asked for its status",
	};
	if (c->refusal == ACK_AUTOMATIC && *c->mail->automatic)
		return must_strdup(c->mail->automatic);
	if (c->refusal != ACK_DONE)
		return must_strdup(ack_reasons[c->refusal].sentence);
	return o->code != 0 ? must_strdup(o->err.text) : must_format("%s by %s.", done[c->answer.verb], c->actor.user);
}

/* For the list of incoming mails. Machines' answers to our mails are ours as well. */
static void tell_incoming(const struct ack_case *c, const struct ack_outcome *o)
{
	bool several, acted = c->refusal == ACK_DONE && o->code == 0;
	const struct ack_row *row = c->row ? c->row : ack_book_token_of(c->book, c->mail, &several);
	char *reason = result_of(c, o);
	incoming_judged(c->settings->station,
	                &(struct incoming_verdict){ .outcome = acted                  ? INCOMING_ACTED
	                                                : c->refusal == ACK_AUTOMATIC ? INCOMING_AUTOMATIC
	                                                : c->refusal == ACK_NO_TOKEN  ? INCOMING_NOT_OURS
	                                                                              : INCOMING_REFUSED,
	                                            .ours = row != NULL,
	                                            .reason = reason,
	                                            .alarm = row ? row->alarm : NULL });
	free(reason);
}

static void handle(struct acknowledger *a, const struct parsed_mail *mail, struct ack_book *book, struct store_tx *tx)
{
	struct ack_case c;
	struct ack_people people = { 0 };
	struct ack_outcome o = { 0 };
	const struct ack_settings settings = { .station = a->c.station,
		                                   .policy = (enum ack_policy)a->authentication,
		                                   .authserv_id = a->authServId,
		                                   .proven = authenticity_proven(&a->probe),
		                                   .life_safety = a->lifeSafetyPriority,
		                                   .zone = zone_of(a->c.station),
		                                   .now = station_now(a->c.station),
		                                   .snooze = a->snoozeTime.us,
		                                   .may_act = may_act,
		                                   .context = a };
	set(a, "totalMessagesReceivedToday", value_integer(a->totalMessagesReceivedToday + 1));
	ack_case_judge(&c, &settings, book, mail);
	if (c.vouched)
		ack_people_of(&c, &people);
	if (c.refusal == ACK_DONE) {
		a->telling = &people;
		carry_out(a, &c, tx, &o);
		a->telling = NULL;
		note_token(&c, &o, tx);
	} else {
		refuse(a, &c, tx);
	}
	if (c.vouched)
		confirmation_add(&c, &o, &people, tx);
	tell_incoming(&c, &o);
	ack_people_finish(&people);
	ack_case_finish(&c);
}

static int received(struct component *c, struct invocation *inv)
{
	struct acknowledger *a = self(c);
	struct parsed_mail mail;
	struct ack_book *book = email_ack_book(c->station);
	if (!a->enabled || !book)
		return 0;
	if (!parsed_mail_from_value(inv->arg, &mail))
		return err_set(&inv->err, E_INVALID, NULL,
		               "received takes a mail; it is invoked by the link from an incoming account.");
	struct store_tx *tx = inv->tx ? inv->tx : store_tx_new();
	if (!authenticity_probe_received(&a->probe, &mail, tx))
		handle(a, &mail, book, tx);
	if (!inv->tx)
		store_commit(c->station->store, tx, NULL, NULL);
	record_finish(&parsed_mail_kind, &mail);
	return 0;
}

/* --- asking for answers ---------------------------------------------------------------------------------------------------------- */

static struct acknowledger *first_enabled(struct station *s)
{
	struct component *service = station_service(s, &email_service);
	for (struct component *c = service ? service->first : NULL; c; c = c->next)
		if (component_is(c, &email_acknowledger) && self(c)->enabled)
			return self(c);
	return NULL;
}

void ack_offer(struct station *s, struct outgoing *o, int64_t sequence, struct store_tx *tx)
{
	struct acknowledger *a = first_enabled(s);
	struct ack_book *book = email_ack_book(s);
	struct ack_row row = { .sequence = sequence };
	char token[ACK_TOKEN_LENGTH + 1];
	if (!a || !book || !o->count)
		return;
	row.alarm = must_strdup(o->mail.alarm);
	row.mail = must_strdup(o->mail.id);
	row.recipient = must_strdup(o->deliveries[0].recipient);
	row.expires.us = station_now(s) + a->tokenLifetime.us;
	for (size_t i = 0; i < o->count; i++)
		parsed_mail_add(&row.addresses, o->deliveries[i].address);
	ack_book_issue(book, tx, &row, token);
	char *sealed = secret_seal(s->keyring, token, strlen(token));
	ledger_set_text(&o->mail.ackToken.sealed, sealed);
	free(sealed);
	explicit_bzero(token, sizeof token);
}

void ack_token_of_mail(struct station *s, const struct mail_record *m, char token[ACK_TOKEN_LENGTH + 1])
{
	secret_read(s->keyring, m->ackToken.sealed, token, ACK_TOKEN_LENGTH + 1, NULL); /* else nobody can answer it */
}

char *ack_message_id(const struct mail_record *m, const char *token)
{
	const char *at = strrchr(m->messageId, '@');
	return *token && at ? must_format("%.*s.%s%s", (int)(at - m->messageId), m->messageId, token, at)
	                    : must_strdup(m->messageId);
}

char *ack_reply_address(struct station *s, const char *address, const char *token)
{
	const struct acknowledger *a = first_enabled(s);
	const char *at = strrchr(address, '@');
	return *token && at && a && a->plusAddressing ? must_format("%.*s+%s%s", (int)(at - address), address, token, at)
	                                              : must_strdup(address);
}

bool ack_tells(struct station *s, const char *address)
{
	struct component *service = station_service(s, &email_service);
	for (struct component *c = service ? service->first : NULL; c; c = c->next)
		if (component_is(c, &email_acknowledger) && self(c)->telling && ack_people_has(self(c)->telling, address))
			return true;
	return false;
}

bool ack_listens(struct station *s)
{
	return first_enabled(s);
}

bool ack_may_ask(struct station *s, const char *from)
{
	struct acknowledger *a = first_enabled(s);
	return a && may_act(a, from);
}

bool ack_link_allowed(struct station *s, const char *alarm)
{
	const struct acknowledger *a = first_enabled(s);
	return a && a->linkWithoutLogin && !ack_life_safety(s, alarm, a->lifeSafetyPriority);
}

char *ack_link_of(struct station *s, const char *token)
{
	const struct acknowledger *a = first_enabled(s);
	if (!*token || !a || !*a->linkAddress)
		return must_strdup("");
	const char *slash = a->linkAddress[strlen(a->linkAddress) - 1] == '/' ? "" : "/";
	return must_format("%s%sack#%s", a->linkAddress, slash, token);
}

/* --- the type ------------------------------------------------------------------------------------------------------------------- */

static void show_status(struct acknowledger *a)
{
	component_set_status(&a->c, !a->enabled ? STATUS_DISABLED : *a->probe.faultCause ? STATUS_FAULT : STATUS_OK);
}

/* Whose Authentication-Results are to be proven: nobody's, when answers do not depend on them. */
static const char *id_to_prove(const struct acknowledger *a)
{
	return a->enabled && a->authentication == ACK_REQUIRE ? a->authServId : "";
}

static void started(struct component *c)
{
	set_midnight(self(c));
	authenticity_probe_start(&self(c)->probe, id_to_prove(self(c)));
	show_status(self(c));
}

static void stopped(struct component *c)
{
	timer_stop(&c->station->clock, &self(c)->midnight);
	authenticity_probe_stop(&self(c)->probe);
}

static void changed(struct component *c, const struct slot *slot)
{
	if (!(c->flags & COMPONENT_RUNNING))
		return;
	if (!(slot->flags & SLOT_READONLY))
		authenticity_probe_look(&self(c)->probe, id_to_prove(self(c)));
	show_status(self(c));
}

void ack_accounts_changed(struct station *s)
{
	struct component *service = station_service(s, &email_service);
	for (struct component *c = service ? service->first : NULL; c; c = c->next)
		if (component_is(c, &email_acknowledger) && (c->flags & COMPONENT_RUNNING))
			authenticity_probe_look(&self(c)->probe, id_to_prove(self(c)));
}

static int probe_now(struct component *c, struct invocation *inv)
{
	return authenticity_probe_now(&self(c)->probe, &inv->err);
}

static void init(struct component *c)
{
	struct acknowledger *a = (struct acknowledger *)c;
	a->midnight.fire = midnight;
	authenticity_probe_init(&a->probe, c);
}

static void check(const struct component *next, const struct component *current, struct report *report)
{
	const struct acknowledger *a = (const struct acknowledger *)next;
	(void)current;
	if (a->authentication == ACK_REQUIRE && a->enabled && !*a->authServId)
		report_warning(
		    report, "authServId",
		    "Without the name that the mail provider writes into Authentication-Results no answer is believed.");
	if (a->authentication == ACK_OFF && !*a->offReason)
		report_error(
		    report, E_INVALID, "offReason",
		    "Say why senders need not be verified (such as: our own mail server takes mail from inside only).");
	if (a->authentication != ACK_REQUIRE)
		report_warning(report, "authentication", "Anybody who learns of a token can answer under another's address.");
}

static const struct tag probe_range[] = {
	{ PROBE_UNKNOWN, "unknown", "No probe has come back." },
	{ PROBE_REMOVED, "removed", "The provider removes forged fields, or sets its own above them." },
	{ PROBE_BELIEVED, "believed", "The forged field would be believed: the provider lets it through." },
	{ 0, NULL, NULL },
};
static const struct tag policy_range[] = {
	{ ACK_REQUIRE, "require", "The provider must vouch for the sender: DMARC or aligned DKIM has passed." },
	{ ACK_PREFER, "prefer", "The provider must not have found the sender to be false." },
	{ ACK_OFF, "off", "The sender's address is believed." },
	{ 0, NULL, NULL },
};
#define T struct acknowledger
#define COUNT(f, n, d) SLOT_AT(T, f, n, INTEGER, .flags = SLOT_READONLY | SLOT_TRANSIENT, .doc = d)
#define REFUSED(f, d)                                                                                                  \
	{                                                                                                                  \
		.name = #f, .kind = V_INTEGER, .offset = offsetof(T, refused.f) - offsetof(T, refused), .doc = d               \
	}
static const struct slot refused_members[] = {
	REFUSED(automatic, "No person wrote it."),
	REFUSED(token, "It answers no alarm mail of this station."),
	REFUSED(expired, "The mail it answers was too old."),
	REFUSED(used, "The mail it answers had been answered."),
	REFUSED(ended, "The alarm had ended."),
	REFUSED(sender, "Not from whom the mail went to."),
	REFUSED(authenticity, "The provider does not vouch for the sender."),
	REFUSED(unproven, "What the provider says is not believed: see faultCause."),
	REFUSED(rights, "No user with this address may do it."),
	REFUSED(words, "The first line was no word that is known."),
	REFUSED(time, "The time was not understood."),
	REFUSED(lifeSafety, "The alarm is one of life safety."),
	REFUSED(rate, "Too many in a minute."),
	SLOT_END,
};
static const struct slot slots[] = {
	SLOT_AT(struct component, status, "status", STATUS, .flags = SLOT_READONLY | SLOT_TRANSIENT | SLOT_SUMMARY,
	        .doc = "State of the acknowledger."),
	SLOT(T, enabled, BOOLEAN, .dflt = "true", .doc = "Whether alarm mails may be answered and answers act."),
	SLOT(T, ackAlarmsFromSameSource, BOOLEAN, .dflt = "true",
	     .doc = "An answer also acknowledges the other alarms of the same source, up to 50 in all."),
	SLOT(T, authentication, ENUM, .dflt = "require", .facets = FACETS(.range = policy_range),
	     .doc = "What the mail provider must say of the sender."),
	SLOT(T, authServId, STRING, .facets = FACETS(.maxLength = 253, .form = FORM_HOST_NAME),
	     .doc = "Name of the provider in its Authentication-Results, such as mx.google.com (RFC 8601). It is believed "
	            "once a "
	            "probe has shown that the provider removes forged ones."),
	SLOT_AT(
	    T, probe.emailAccount, "emailAccount", STRING, .facets = FACETS(.maxLength = NAME_MAX_LENGTH),
	    .doc =
	        "Name of the outgoing account that mails the probe, to the address that answers to its mails go to; empty: "
	        "the first one. One of another provider shows best what a stranger can do."),
	SLOT_AT(T, probe.probeResult, "probeResult", ENUM, .flags = SLOT_READONLY, .facets = FACETS(.range = probe_range),
	        .doc = "What became of the forged Authentication-Results that the station last mailed to itself."),
	SLOT_AT(T, probe.probed, "probed", STRING, .flags = SLOT_READONLY,
	        .doc = "Provider and mailbox that the result is about."),
	SLOT_AT(T, probe.lastProbe, "lastProbe", ABSTIME, .flags = SLOT_READONLY, .doc = "When the probe had come back."),
	SLOT_AT(T, probe.faultCause, "faultCause", STRING, .flags = SLOT_READONLY | SLOT_TRANSIENT,
	        .doc = "Why no answer can be believed, and what to do about it."),
	SLOT(T, offReason, STRING, .facets = FACETS(.maxLength = 400), .doc = "Why authentication may be off."),
	SLOT(T, plusAddressing, BOOLEAN,
	     .doc =
	         "Whether the mail provider delivers name+anything to name; answers then find their alarm by the address."),
	SLOT(T, linkAddress, STRING, .facets = FACETS(.maxLength = 300, .form = FORM_WEB_ADDRESS),
	     .doc = "Address of the station as people reach it, such as https://station.example:8443; mails then carry a "
	            "link that "
	            "opens a page to acknowledge."),
	SLOT(T, linkWithoutLogin, BOOLEAN,
	     .doc = "Whether that page acknowledges without login, as the user whose mail address the mail went to alone."),
	SLOT(T, lifeSafetyPriority, INTEGER, .dflt = "31", .facets = FACETS(.min = -1, .max = 255),
	     .doc = "Alarms of this priority and more urgent ones are acknowledged, snoozed and shelved at the station "
	            "only, not by "
	            "mail; -1: all may be."),
	SLOT(T, tokenLifetime, RELTIME, .dflt = "24h", .facets = FACETS(.min = 3600e6, .max = 604800e6),
	     .doc = "For how long an alarm mail can be answered."),
	SLOT(T, snoozeTime, RELTIME, .dflt = "1h", .facets = FACETS(.min = 60e6, .max = 604800e6),
	     .doc = "How long \"snooze\" and \"shelve\" without a time are."),
	SLOT(T, lastAlarmAcked, STRING, .flags = SLOT_READONLY | SLOT_TRANSIENT,
	     .doc = "Source of the alarm that was acknowledged last."),
	SLOT(T, lastAlarmAckedTime, ABSTIME, .flags = SLOT_READONLY | SLOT_TRANSIENT, .doc = "When."),
	SLOT(T, lastAlarmAckedFailureTime, ABSTIME, .flags = SLOT_READONLY | SLOT_TRANSIENT,
	     .doc = "When an answer was last refused."),
	SLOT(T, lastAlarmAckedFailureCause, STRING, .flags = SLOT_READONLY | SLOT_TRANSIENT, .doc = "Why."),
	COUNT(totalAlarmsAckedToday, "totalAlarmsAckedToday", "Alarms acknowledged by mail since midnight."),
	COUNT(totalAlarmAckedFailures, "totalAlarmAckedFailures", "Mails that did nothing since midnight."),
	COUNT(totalMessagesReceivedToday, "totalMessagesReceivedToday", "Mails that were looked at since midnight."),
	SLOT_STRUCT(T, refused, refused_members, .flags = SLOT_READONLY | SLOT_TRANSIENT,
	            .doc = "Mails that did nothing since midnight, by reason."),
	SLOT_END,
};
#undef T

static const struct slot received_arg = {
	.name = "mail", .kind = V_STRUCT, .members = parsed_mail_slots, .doc = "The mail, given by the link."
};
static const struct action actions[] = {
	{ "probe",
	  "Mails a forged Authentication-Results to the station itself, to see whether the provider lets it through. Also "
	  "done each week.",
	  SLOT_OPERATOR, NULL, probe_now },
	{ "received", "Looks at a mail; linked from the topic received of an incoming account.", SLOT_HIDDEN, &received_arg,
	  received },
	{ NULL, NULL, 0, NULL, NULL },
};

const struct type email_acknowledger = {
	.name = "email:EmailAlarmAcknowledger",
	.doc = "Lets people answer alarm mails: ack, snooze, shelve, comment, status.",
	.size = sizeof(struct acknowledger),
	.base = &baja_component,
	.slots = slots,
	.actions = actions,
	.check = check,
	.started = started,
	.stopped = stopped,
	.changed = changed,
	.init = init,
};
