/* SPDX-License-Identifier: Apache-2.0
 * One mail after the other: envelope, content, and an outcome for each recipient. One refused recipient never stops the
 * others. A refused sender or a wrong login is the account's fault, not the addresses': the mail stays. See smtp.h. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "services/email/wire/peer_text.h"
#include "services/email/wire/smtp_envelope.h"
#include "services/email/wire/smtp_inside.h"
#include "station/base/must.h"

static int64_t wall_now(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * SECOND_US + ts.tv_nsec / 1000;
}

/* --- outcomes ------------------------------------------------------------------------------------------------------ */

void smtp_message_reset(struct smtp_message *m)
{
	m->phase = PHASE_WAITING;
	m->failed = m->drop = false;
	for (size_t i = 0; i < m->count; i++) {
		struct smtp_recipient *r = &m->recipients[i];
		*r = (struct smtp_recipient){ .address = r->address };
	}
}

void smtp_message_done(struct smtp *s, struct smtp_message *m)
{
	struct smtp_message **p = &s->first;
	while (*p != m)
		p = &(*p)->next;
	*p = m->next;
	if (!*p)
		s->last_message = p;
	m->next = NULL;
	m->phase = PHASE_DONE;
	m->answered = wall_now();
	snprintf(m->server, sizeof m->server, "%s", line_peer(s->line));
	snprintf(m->tls_version, sizeof m->tls_version, "%s", line_tls_version(s->line));
	snprintf(m->cipher, sizeof m->cipher, "%s", line_cipher(s->line));
	snprintf(m->fingerprint, sizeof m->fingerprint, "%s",
	         line_is_secure(s->line) ? line_verdict(s->line)->fingerprint : "");
	s->served++;
	s->unsettled++;
	s->events->done(s->context, m);
}

static enum smtp_outcome outcome_of(int code)
{
	return code / 100 == 2 ? SMTP_ACCEPTED : code / 100 == 4 ? SMTP_DEFERRED : SMTP_REFUSED;
}

static void decide(struct smtp *s, struct smtp_recipient *r, enum smtp_stage stage)
{
	r->outcome = outcome_of(s->reply.code);
	r->stage = stage;
	r->code = s->reply.code;
	snprintf(r->enhanced, sizeof r->enhanced, "%s", s->reply.enhanced);
	snprintf(r->text, sizeof r->text, "%s", s->reply.text);
}

/* The reply is for all recipients that are still undecided. */
static void decide_all(struct smtp *s, struct smtp_message *m, enum smtp_stage stage)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->recipients[i].outcome == SMTP_PENDING)
			decide(s, &m->recipients[i], stage);
}

static size_t undecided(const struct smtp_message *m)
{
	size_t n = 0;
	for (size_t i = 0; i < m->count; i++)
		n += m->recipients[i].outcome == SMTP_PENDING;
	return n;
}

/* --- beginning ----------------------------------------------------------------------------------------------------- */

void smtp_transaction_begin(struct smtp *s, struct smtp_message *m)
{
	smtp_refuse_impossible(m, &s->can);
	if (undecided(m) == 0) {
		smtp_message_done(s, m);
		return;
	}
	m->phase = PHASE_ENVELOPE;
	smtp_queue(s, VERB_MAIL, m, 0);
	for (size_t i = 0; i < m->count; i++)
		if (m->recipients[i].outcome == SMTP_PENDING)
			smtp_queue(s, VERB_RCPT, m, i);
	smtp_queue(s, VERB_DATA, m, 0);
}

void smtp_transaction_command(struct smtp *s, const struct smtp_command *c)
{
	char line[SMTP_ENVELOPE_MAX];
	switch (c->verb) {
	case VERB_MAIL:
		smtp_write(s, smtp_mail_line(line, c->message, &s->can), NULL);
		break;
	case VERB_RCPT:
		smtp_write(s, smtp_rcpt_line(line, c->message->recipients[c->index].address, &s->can), NULL);
		break;
	case VERB_DATA:
		smtp_write(s, "DATA", NULL);
		break;
	case VERB_RSET:
		smtp_write(s, "RSET", NULL);
		break;
	default: /* the dot was written with the content */
		break;
	}
}

/* --- content ------------------------------------------------------------------------------------------------------- */

/* Doubles the dots at the beginning of lines (RFC 5321 4.5.2). */
static void write_stuffed(struct line *line, const char *content, size_t length)
{
	size_t begin = 0;
	for (size_t i = 0; i < length; i++) {
		if (content[i] != '.' || (i > 0 && content[i - 1] != '\n'))
			continue;
		line_write(line, content + begin, i - begin);
		line_write(line, ".", 1);
		begin = i;
	}
	line_write(line, content + begin, length - begin);
}

static void answered_early(struct smtp *s)
{
	smtp_fail(s, E_PROTOCOL, "%s answered before it was asked; such a server cannot be trusted to be understood.",
	          line_peer(s->line));
}

void smtp_transaction_content(struct smtp *s, struct smtp_message *m)
{
	must(m->length >= 2 && memcmp(m->content + m->length - 2, "\r\n", 2) == 0);
	if (s->commands || line_more_waits(s->line)) {
		answered_early(s);
		return;
	}
	m->phase = PHASE_SENT;
	write_stuffed(s->line, m->content, m->length);
	smtp_said(s, LINE_SENT, "(%zu bytes of mail)", m->length);
	smtp_write(s, ".", NULL);
	smtp_queue(s, VERB_DOT, m, 0);
}

/* --- answers ------------------------------------------------------------------------------------------------------- */

/* Everything of the transaction was answered, and there is no content to send. */
static void leave_transaction(struct smtp *s, struct smtp_message *m, bool reset)
{
	smtp_unqueue(s, m);
	if (reset)
		smtp_queue(s, VERB_RSET, NULL, 0);
	smtp_message_done(s, m);
}

/* A refusal of the sender that says nothing of this mail: all others would be refused as well. */
static bool blames_account(const struct smtp_reply *r)
{
	return r->code / 100 == 5 && r->code != 552 && strncmp(r->enhanced, "5.3.4", 5) != 0 &&
	    strncmp(r->enhanced, "5.2.3", 5) != 0;
}

static void answer_mail(struct smtp *s, struct smtp_message *m)
{
	const struct smtp_reply *r = &s->reply;
	if (r->code / 100 == 2)
		return;
	if (r->code == 530 || r->code == 535 || r->code == 538) {
		smtp_fail(s, E_AUTH, "%s wants a login before it takes mail: %s", line_peer(s->line), smtp_answer(s));
	} else if (blames_account(r)) {
		smtp_fail(s, E_REFUSED, "%s refuses the sender %s: %s", line_peer(s->line), m->sender, smtp_answer(s));
	} else if (r->code / 100 != 4 && r->code / 100 != 5) {
		smtp_fail(s, E_PROTOCOL, "%s answered MAIL with %d %s.", line_peer(s->line), r->code, r->text);
	} else {
		decide_all(s, m, STAGE_MAIL);
		m->failed = true;
		if (!smtp_pipelines(s))
			leave_transaction(s, m, false);
	}
}

static void answer_rcpt(struct smtp *s, const struct smtp_command *c)
{
	struct smtp_message *m = c->message;
	struct smtp_recipient *r = &m->recipients[c->index];
	int code = s->reply.code;
	if (m->failed)
		return;
	if (code / 100 == 2) {
		r->taken = true;
	} else if (code == 530) {
		smtp_fail(s, E_AUTH, "%s wants a login before it takes mail: %s", line_peer(s->line), smtp_answer(s));
		return;
	} else if (code / 100 == 4 || code / 100 == 5) {
		decide(s, r, STAGE_RCPT);
	} else {
		smtp_fail(s, E_PROTOCOL, "%s answered RCPT with %d %s.", line_peer(s->line), code, s->reply.text);
		return;
	}
	bool last = s->commands && s->commands->message == m && s->commands->verb == VERB_DATA;
	if (last && !s->commands->sent && undecided(m) == 0)
		leave_transaction(s, m, true);
}

static void answer_data(struct smtp *s, struct smtp_message *m)
{
	int code = s->reply.code;
	if (code == 354 && undecided(m) > 0) {
		m->phase = PHASE_GO;
	} else if (code == 354) { /* nobody will have it, and still the server waits: a lone dot ends that */
		m->drop = true;
		m->phase = PHASE_SENT;
		smtp_write(s, ".", NULL);
		smtp_queue(s, VERB_DOT, m, 0);
	} else if (undecided(m) == 0) {
		leave_transaction(s, m, !m->failed);
	} else if (code / 100 == 4 || code / 100 == 5) {
		decide_all(s, m, STAGE_DATA);
		leave_transaction(s, m, true);
	} else {
		smtp_fail(s, E_PROTOCOL, "%s answered DATA with %d %s instead of 354.", line_peer(s->line), code,
		          s->reply.text);
	}
}

static void answer_dot(struct smtp *s, struct smtp_message *m)
{
	int code = s->reply.code;
	bool early = !line_drained(s->line);
	if (m->drop) {
		smtp_message_done(s, m);
		return;
	}
	if ((early && code / 100 == 2) || code / 100 == 3) {
		answered_early(s);
		return;
	}
	if (code / 100 == 2)
		smtp_queue_id(s->reply.text, m->queue_id, sizeof m->queue_id);
	decide_all(s, m, STAGE_CONTENT);
	smtp_message_done(s, m);
	if (early)
		smtp_restart(s, "The server refused the mail before it had all of it");
	else if (code == 421)
		smtp_fail(s, E_DEFERRED, "%s ends the connection: %s", line_peer(s->line), smtp_answer(s));
}

void smtp_transaction_reply(struct smtp *s, const struct smtp_command *c)
{
	switch (c->verb) {
	case VERB_MAIL:
		answer_mail(s, c->message);
		break;
	case VERB_RCPT:
		answer_rcpt(s, c);
		break;
	case VERB_DATA:
		answer_data(s, c->message);
		break;
	case VERB_DOT:
		answer_dot(s, c->message);
		break;
	default: /* whatever RSET says, the next MAIL tells */
		break;
	}
}
