/* SPDX-License-Identifier: Apache-2.0
 * Mail transactions. MAIL, all RCPT and DATA go in one flight where PIPELINING is offered, and the next envelope behind
 * the dot; replies are matched to what they answer by the queue of expected replies. Each recipient has its own fate.
 * The body of the next message is withheld until the last result is on disk. Net thread. */
#include "services/email/wire/smtp_inside.h"

#include <stdlib.h>
#include <string.h>

#include "station/must.h"

/* RFC 5321 4.5.3.2. */
enum { COMMAND_MS = 300000, DATA_MS = 120000, DOT_MS = 600000, IDLE_MS = 60000 };

void smtp_message_free(struct smtp_message **pm)
{
	struct smtp_message *m = *pm;
	*pm = NULL;
	if (!m)
		return;
	for (size_t i = 0; i < m->count; i++)
		free(m->recipients[i].address);
	free(m->recipients);
	free(m->sender);
	free(m->data);
	free(m);
}

bool smtp_address_ok(const char *address)
{
	const char *at = strrchr(address, '@');
	size_t n = strlen(address);
	if (!at || at == address || at[1] == '\0' || n > 254)
		return false;
	for (const char *p = address; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || strchr("<>()[],;:\\\"", *p) || (*p == '@' && p != at))
			return false;
	return true;
}

/* --- expected replies -------------------------------------------------------------------------------------------------- */

static void expect(struct smtp *s, char what, uint16_t index, struct smtp_message *m)
{
	must(s->expected_count < EXPECTED_MAX);
	size_t at = (s->expected_first + s->expected_count++) % EXPECTED_MAX;
	s->expected[at].what = what;
	s->expected[at].index = index;
	s->expected[at].message = m;
}

static char expected_now(const struct smtp *s)
{
	return s->expected_count ? s->expected[s->expected_first].what : 0;
}

static const struct { char what; const char *stage; int64_t timeout; const char *waiting; } kinds[] = {
	{ 'm', "MAIL", COMMAND_MS, "the answer to MAIL" }, { 'r', "RCPT", COMMAND_MS, "the answer to RCPT" },
	{ 'd', "DATA", DATA_MS, "the answer to DATA" },    { '.', ".", DOT_MS, "the acceptance of the message" },
	{ 'R', "RSET", COMMAND_MS, "the answer to RSET" },
};

static const char *stage_of(char what)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].what == what)
			return kinds[i].stage;
	return "MAIL";
}

const char *smtp_mail_stage(const struct smtp *s)
{
	return stage_of(expected_now(s));
}

static void set_deadline(struct smtp *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].what == expected_now(s))
			line_deadline(&s->line, kinds[i].timeout, kinds[i].waiting);
}

/* --- outcomes ----------------------------------------------------------------------------------------------------------- */

static void decide(struct smtp_recipient *r, enum smtp_outcome outcome, const char *stage, const struct smtp_reply *reply)
{
	r->outcome = outcome;
	snprintf(r->stage, sizeof r->stage, "%s", stage);
	r->code = reply->code;
	snprintf(r->enhanced, sizeof r->enhanced, "%s", reply->enhanced);
	snprintf(r->text, sizeof r->text, "%.500s", reply->text);
}

static enum smtp_outcome outcome_of(int code)
{
	return code / 100 == 2 ? SMTP_ACCEPTED : code / 100 == 5 ? SMTP_REFUSED : SMTP_DEFERRED;
}

/* For all recipients whose fate is open. */
static void decide_rest(struct smtp_message *m, enum smtp_outcome outcome, const char *stage, const struct smtp_reply *reply)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->recipients[i].outcome == SMTP_UNSENT)
			decide(&m->recipients[i], outcome, stage, reply);
}

/* A fate that the server has not spoken. */
static void decide_ourselves(struct smtp_message *m, enum smtp_outcome outcome, int code, const char *enhanced, const char *text)
{
	struct smtp_reply reply = { .code = code };
	snprintf(reply.enhanced, sizeof reply.enhanced, "%s", enhanced);
	snprintf(reply.text, sizeof reply.text, "%s", text);
	decide_rest(m, outcome, "MAIL", &reply);
}

/* --- sending ------------------------------------------------------------------------------------------------------------- */

static void send_envelope(struct smtp *s, struct smtp_message *m);
static void advance(struct smtp *s);

/* Takes the first message out of the queue, decided. */
static void finish(struct smtp *s, struct smtp_message *m)
{
	must(s->queue == m);
	s->queue = m->next;
	if (!s->queue)
		s->tail = &s->queue;
	if (s->envelope == m)
		s->envelope = NULL;
	m->next = NULL;
	s->events->finished(s, m);
}

/* Dot-stuffing (RFC 5321 4.5.2), done while sending so that SIZE counts what the message is. */
static void send_body(struct smtp *s, const struct smtp_message *m)
{
	const char *p = m->data, *end = m->data + m->length;
	while (p < end) {
		const char *line = p;
		if (*p == '.')
			line_send(&s->line, ".", 1);
		const char *next = memchr(p, '\n', (size_t)(end - p));
		p = next ? next + 1 : end;
		line_send(&s->line, line, (size_t)(p - line));
	}
	if (m->length < 2 || end[-1] != '\n')
		line_send(&s->line, "\r\n", 2);
	line_send(&s->line, ".\r\n", 3);
	char note[80];
	snprintf(note, sizeof note, "(message of %zu bytes)", m->length);
	s->events->transcript(s, '>', note);
	s->events->transcript(s, '>', ".");
}

/* The end of a message, with the next envelope behind it in the same flight. */
static void send_end(struct smtp *s, struct smtp_message *m)
{
	line_hold(&s->line); /* the body, the dot and the next envelope leave together */
	if (m->accepted)
		send_body(s, m);
	else
		smtp_command(s, NULL, "."); /* 354 although nobody is left: an empty message (RFC 2920 3.1) */
	m->dotted = true;
	s->released = false;
	s->gate = m->id;
	expect(s, '.', 0, m);
	if (s->pipelining && m->next)
		send_envelope(s, m->next);
	line_go(&s->line);
}

static bool needs_utf8(const struct smtp *s, const struct smtp_message *m)
{
	return m->utf8 && !s->utf8;
}

/* What can be known before a byte is sent. */
static bool hopeless(struct smtp *s, struct smtp_message *m)
{
	if (needs_utf8(s, m))
		decide_ourselves(m, SMTP_REFUSED, 553, "5.6.7", "The server does not take addresses with characters beyond ASCII (SMTPUTF8).");
	else if (s->size_limit && m->length > s->size_limit)
		decide_ourselves(m, SMTP_REFUSED, 552, "5.3.4", "The message is larger than the server accepts (SIZE).");
	else
		return false;
	return true;
}

static void send_recipients(struct smtp *s, struct smtp_message *m, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		smtp_command(s, NULL, "RCPT TO:<%s>", m->recipients[i].address);
		expect(s, 'r', (uint16_t)i, m);
	}
}

static void send_data(struct smtp *s, struct smtp_message *m)
{
	smtp_command(s, NULL, "DATA");
	expect(s, 'd', 0, m);
}

static void send_envelope(struct smtp *s, struct smtp_message *m)
{
	char size[32] = "";
	s->envelope = m;
	s->step = STEP_MAIL;
	if (s->size_limit)
		snprintf(size, sizeof size, " SIZE=%zu", m->length);
	smtp_command(s, NULL, "MAIL FROM:<%s>%s%s%s", m->sender, size, s->eightbit ? " BODY=8BITMIME" : "", m->utf8 ? " SMTPUTF8" : "");
	expect(s, 'm', 0, m);
	if (s->pipelining) {
		send_recipients(s, m, 0, m->count);
		send_data(s, m);
	}
	set_deadline(s);
}

static void reset(struct smtp *s)
{
	smtp_command(s, NULL, "RSET");
	expect(s, 'R', 0, NULL);
}

/* Goes on with whatever can go on. */
static void advance(struct smtp *s)
{
	while (s->queue && !s->envelope && s->expected_count == 0 && hopeless(s, s->queue))
		finish(s, s->queue);
	struct smtp_message *m = s->queue;
	if (m && !s->envelope && s->expected_count == 0) {
		line_hold(&s->line);
		send_envelope(s, m);
		line_go(&s->line);
	} else if (m && m->data_ok && !m->dotted && s->released) {
		send_end(s, m);
	}
	if (s->over)
		return;
	if (!s->queue && s->expected_count == 0) {
		s->step = STEP_IDLE;
		line_deadline(&s->line, IDLE_MS, "work");
	} else if (s->expected_count) {
		set_deadline(s);
	} else {
		line_deadline(&s->line, 0, "the disk");
	}
}

void smtp_send(struct smtp *s, struct smtp_message *m)
{
	*s->tail = m;
	s->tail = &m->next;
	if (s->over)
		smtp_mail_give_back(s, NULL);
	else if (s->step == STEP_IDLE || s->step == STEP_MAIL)
		advance(s);
}

void smtp_release(struct smtp *s, uint64_t id)
{
	if (id != s->gate)
		return;
	s->released = true;
	if (!s->over && (s->step == STEP_MAIL || s->step == STEP_IDLE))
		advance(s);
}

/* --- replies -------------------------------------------------------------------------------------------------------------- */

static void mail_replied(struct smtp *s, struct smtp_message *m)
{
	if (s->reply.code / 100 == 2) {
		m->sender_ok = true;
		if (!s->pipelining)
			send_recipients(s, m, 0, 1);
		return;
	}
	decide_rest(m, outcome_of(s->reply.code), "MAIL", &s->reply);
	if (!s->pipelining) {
		reset(s);
		finish(s, m);
	}
}

static void rcpt_replied(struct smtp *s, struct smtp_message *m, size_t i)
{
	struct smtp_recipient *r = &m->recipients[i];
	if (s->reply.code / 100 == 2 && r->outcome == SMTP_UNSENT)
		m->accepted++;
	else if (r->outcome == SMTP_UNSENT)
		decide(r, outcome_of(s->reply.code), "RCPT", &s->reply);
	if (s->pipelining)
		return;
	if (i + 1 < m->count) {
		send_recipients(s, m, i + 1, i + 2);
	} else if (m->accepted) {
		send_data(s, m);
	} else {
		reset(s);
		finish(s, m);
	}
}

static void data_replied(struct smtp *s, struct smtp_message *m)
{
	if (s->reply.code == 354) {
		m->data_ok = true; /* the body goes when the last result is on disk */
		return;
	}
	bool odd = s->reply.code / 100 == 2 || s->reply.code / 100 == 3; /* 250 instead of 354 */
	if (odd) {
		smtp_fail(s, E_PROTOCOL, "%s:%d answered DATA with %d; nobody knows what it would do with the message.", s->config.host, s->config.port, s->reply.code);
		return;
	}
	decide_rest(m, outcome_of(s->reply.code), "DATA", &s->reply);
	reset(s);
	finish(s, m);
}

static void dot_replied(struct smtp *s, struct smtp_message *m)
{
	if (s->reply.code / 100 == 2)
		reply_queue_id(&s->reply, m->queue_id, sizeof m->queue_id);
	decide_rest(m, outcome_of(s->reply.code), ".", &s->reply);
	finish(s, m);
}

void smtp_mail_replied(struct smtp *s)
{
	if (s->expected_count == 0) {
		smtp_fail(s, E_PROTOCOL, "%s:%d speaks out of turn: %d %s", s->config.host, s->config.port, s->reply.code, s->reply.text);
		return;
	}
	if (s->reply.code == 421) {
		smtp_fail(s, E_NETWORK, "%s:%d ended the connection: 421 %s", s->config.host, s->config.port, s->reply.text);
		return;
	}
	char what = expected_now(s);
	size_t index = s->expected[s->expected_first].index;
	struct smtp_message *m = s->expected[s->expected_first].message;
	s->expected_first = (s->expected_first + 1) % EXPECTED_MAX;
	s->expected_count--;
	if (what == 'm')
		mail_replied(s, m);
	else if (what == 'r')
		rcpt_replied(s, m, index);
	else if (what == 'd')
		data_replied(s, m);
	else if (what == '.')
		dot_replied(s, m);
	if (!s->over)
		advance(s);
}

void smtp_mail_give_back(struct smtp *s, const struct err *e)
{
	while (s->queue) {
		struct smtp_message *m = s->queue;
		if (m->dotted && m->accepted) { /* cut behind the dot: nobody knows; it goes again with the same Message-ID */
			struct smtp_reply unknown = { .code = 0 };
			snprintf(unknown.text, sizeof unknown.text,
			         "The connection was cut before the server said whether it took the message; it is sent again with the same Message-ID. %.200s",
			         e ? e->text : "");
			decide_rest(m, SMTP_DEFERRED, ".", &unknown);
		}
		finish(s, m);
	}
	s->expected_count = 0;
}
