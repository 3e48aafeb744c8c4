/* SPDX-License-Identifier: Apache-2.0
 * The SMTP client's connection: when it is opened, reused and left, the queue of commands, and what a failure means for
 * the messages under way. See smtp.h. */
#include "services/email/wire/smtp.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/email/wire/smtp_inside.h"
#include "station/base/must.h"

#define MINUTE_US (60 * SECOND_US)
enum { CONTENT_BYTES_PER_SECOND = 1000 }; /* a server that reads slower than that is given up */

/* --- configuration, messages -------------------------------------------------------------------------------------- */

void smtp_config_free(struct smtp_config **cp)
{
	struct smtp_config *c = *cp;
	*cp = NULL;
	if (!c)
		return;
	mail_server_clear(&c->server);
	free(c);
}

struct smtp_message *smtp_message_new(const char *sender, size_t recipients)
{
	struct smtp_message *m = must_alloc(sizeof *m);
	m->sender = must_strdup(sender);
	m->count = recipients;
	m->recipients = must_alloc((recipients + 1) * sizeof *m->recipients);
	return m;
}

void smtp_message_free(struct smtp_message **mp)
{
	struct smtp_message *m = *mp;
	*mp = NULL;
	if (!m)
		return;
	for (size_t i = 0; i < m->count; i++)
		free(m->recipients[i].address);
	free(m->recipients);
	free(m->sender);
	free(m->content);
	free(m);
}

const char *smtp_stage_name(enum smtp_stage stage)
{
	static const char *const names[] = { "connect", "greeting", "ehlo", "starttls", "auth",
		                                 "mail",    "rcpt",     "data", "content" };
	return names[stage];
}

/* --- transcript ---------------------------------------------------------------------------------------------------- */

void smtp_said(struct smtp *s, enum line_direction direction, const char *format, ...)
{
	char text[LINE_LENGTH_MAX + 64];
	va_list ap;
	if (direction != LINE_NOTE && !s->config->dialogue)
		return;
	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	s->events->said(s->context, direction, text);
}

const char *smtp_answer(struct smtp *s)
{
	return smtp_reply_print(&s->reply, s->answer);
}

void smtp_write(struct smtp *s, const char *text, const char *shown)
{
	line_write(s->line, text, strlen(text));
	line_write(s->line, "\r\n", 2);
	smtp_said(s, LINE_SENT, "%s", shown ? shown : text);
}

static void show_received(struct smtp *s, const char *line, size_t length)
{
	struct smtp_reply clean = { .code = 0 };
	struct err e;
	if (!s->config->dialogue)
		return;
	bool login = s->commands && s->commands->verb == VERB_AUTH;
	if (smtp_reply_take(&clean, line, length, &e) != 0) {
		smtp_said(s, LINE_RECEIVED, "(%zu bytes that are no SMTP)", length);
		return;
	}
	if (login)
		smtp_scrub(s, clean.text);
	char mark = length > 3 && line[3] == '-' ? '-' : ' ';
	if (login && clean.code / 100 == 3)
		smtp_said(s, LINE_RECEIVED, "%d (redacted)", clean.code);
	else
		smtp_said(s, LINE_RECEIVED, "%d%c%s%s%s", clean.code, mark, clean.enhanced,
		          *clean.enhanced && *clean.text ? " " : "", clean.text);
}

/* --- commands ------------------------------------------------------------------------------------------------------ */

void smtp_queue(struct smtp *s, enum smtp_verb verb, struct smtp_message *m, size_t index)
{
	struct smtp_command *c = must_alloc(sizeof *c);
	*c = (struct smtp_command){ .verb = verb, .message = m, .index = index };
	*s->last_command = c;
	s->last_command = &c->next;
}

void smtp_unqueue(struct smtp *s, const struct smtp_message *m)
{
	struct smtp_command **p = &s->commands, *c;
	while ((c = *p)) {
		if (c->message != m || c->sent) {
			p = &c->next;
			continue;
		}
		*p = c->next;
		free(c);
	}
	s->last_command = p;
}

static void drop_commands(struct smtp *s)
{
	for (struct smtp_command *c = s->commands, *next; c; c = next) {
		next = c->next;
		free(c);
	}
	s->commands = NULL;
	s->last_command = &s->commands;
}

bool smtp_pipelines(const struct smtp *s)
{
	return s->state == SMTP_READY && s->can.pipelining;
}

static enum smtp_stage stage_of(enum smtp_verb verb)
{
	static const enum smtp_stage stages[VERB_COUNT] = { STAGE_GREETING, STAGE_EHLO, STAGE_EHLO, STAGE_STARTTLS,
		                                                STAGE_AUTH,     STAGE_MAIL, STAGE_RCPT, STAGE_DATA,
		                                                STAGE_CONTENT,  STAGE_MAIL };
	return stages[verb];
}

/* Sends the commands that may go: all of them when pipelining, else one at a time. */
static void send_commands(struct smtp *s)
{
	for (struct smtp_command *c = s->commands; c && s->line; c = c->next) {
		if (c->sent)
			continue;
		if (c != s->commands && !smtp_pipelines(s))
			return;
		c->sent = true;
		if (!c->message && c->verb != VERB_RSET) {
			s->stage = stage_of(c->verb);
			smtp_session_command(s, c->verb); /* in lock-step; it may fail, and take the queue along */
			return;
		}
		smtp_transaction_command(s, c);
	}
}

/* --- time ---------------------------------------------------------------------------------------------------------- */

static int64_t or_default(int64_t us, int64_t dflt)
{
	return us > 0 ? us : dflt;
}

static void watch_clock(struct smtp *s)
{
	static const char *const awaited[VERB_COUNT] = { "greeting",           "answer to EHLO", "answer to HELO",
		                                             "answer to STARTTLS", "answer to AUTH", "answer to MAIL",
		                                             "answer to RCPT",     "answer to DATA", "answer to the mail",
		                                             "answer to RSET" };
	struct smtp_command *c = s->commands;
	const struct smtp_config *config = s->config;
	if (!c || !c->sent) {
		line_expect(s->line, 0, NULL);
		return;
	}
	if (c->watched) /* each answer has one deadline, whatever else happens meanwhile */
		return;
	c->watched = true;
	int64_t us = or_default(config->command_timeout, 5 * MINUTE_US);
	if (c->verb == VERB_GREETING || (s->quiet && s->served > 0 && us > config->server.timeout))
		us = config->server.timeout; /* a connection that was idle may be dead, and a new one is soon made */
	if (c->verb == VERB_DOT)
		us = or_default(config->content_timeout, 10 * MINUTE_US) +
		    (int64_t)(c->message->length / CONTENT_BYTES_PER_SECOND) * SECOND_US;
	line_expect(s->line, us, awaited[c->verb]);
}

static void hang_up(struct smtp *s)
{
	if (s->line && s->state == SMTP_READY && !s->commands) {
		smtp_write(s, "QUIT", NULL);
		line_finish(&s->line);
	}
	line_close(&s->line);
	drop_commands(s);
	s->state = SMTP_OFF;
}

static void timed_out(uv_timer_t *timer)
{
	struct smtp *s = container_of(timer, struct smtp, timer);
	if (s->ending) {
		hang_up(s);
		s->events->ended(s->context);
	} else if (s->line && !s->first && !s->commands) {
		smtp_said(s, LINE_NOTE, "closed the connection to %s: it was not used any more", line_peer(s->line));
		hang_up(s);
	}
}

/* --- failure ------------------------------------------------------------------------------------------------------- */

/* The connection is gone: takes the commands back, and marks what was behind its dot. */
static void forget_connection(struct smtp *s)
{
	bool drained = s->line && line_drained(s->line);
	for (struct smtp_message *m = s->first; m; m = m->next) {
		if (m->phase == PHASE_SENT && drained && !m->drop) {
			for (size_t i = 0; i < m->count; i++) {
				struct smtp_recipient *r = &m->recipients[i];
				if (!r->taken || r->outcome != SMTP_PENDING)
					continue;
				r->outcome = SMTP_UNKNOWN;
				r->stage = STAGE_CONTENT;
				snprintf(r->text, sizeof r->text,
				         "The connection was cut before the server answered; it may have the mail.");
			}
		}
	}
	drop_commands(s);
	s->state = SMTP_OFF;
}

/* All messages go back to their owner, in order. */
static void return_messages(struct smtp *s)
{
	struct smtp_message *m = s->first, *next;
	s->first = NULL;
	s->last_message = &s->first;
	for (; m; m = next) {
		next = m->next;
		m->next = NULL;
		s->unsettled++;
		s->events->done(s->context, m);
	}
}

static void fail_with(struct smtp *s, const struct err *e, int code)
{
	struct smtp_failure f = { .err = *e, .stage = s->stage, .code = code };
	struct line *line = s->line;
	if (line && !line_verdict(line)->trusted && line_verdict(line)->seen && e->code == E_UNTRUSTED)
		f.verdict = line_verdict(line);
	forget_connection(s);
	s->line = NULL;
	smtp_said(s, LINE_NOTE, "%s", f.err.text);
	return_messages(s);
	s->events->down(s->context, &f);
	line_close(&line);
}

void smtp_fail(struct smtp *s, int code, const char *format, ...)
{
	struct err e;
	char text[sizeof e.text];
	va_list ap;
	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	err_set(&e, code, NULL, "%s", text);
	fail_with(s, &e, s->reply.whole ? s->reply.code : 0);
}

static void open_connection(struct smtp *s);

void smtp_restart(struct smtp *s, const char *why)
{
	smtp_said(s, LINE_NOTE, "%s; connecting again", why);
	line_close(&s->line);
	drop_commands(s);
	s->state = SMTP_OFF;
	for (struct smtp_message *m = s->first; m; m = m->next)
		smtp_message_reset(m);
	if (s->first)
		open_connection(s);
}

/* A connection that had been idle, and died before it answered anything, is nobody's failure. */
static bool was_stale(const struct smtp *s)
{
	return s->state == SMTP_READY && s->served > 0 && s->quiet && (!s->first || s->first->phase <= PHASE_ENVELOPE);
}

static void failed(struct line *line, void *context, const struct err *e, bool at_rest)
{
	struct smtp *s = context;
	(void)line;
	(void)at_rest;
	if (s->commands && s->commands->sent)
		s->stage = stage_of(s->commands->verb);
	if (s->state == SMTP_READY && !s->first) {
		smtp_said(s, LINE_NOTE, "%s", e->text);
		line_close(&s->line);
		drop_commands(s);
		s->state = SMTP_OFF;
	} else if (was_stale(s)) {
		smtp_restart(s, "The server had closed the unused connection");
	} else {
		fail_with(s, e, 0);
	}
	smtp_advance(s);
}

/* --- the line's events --------------------------------------------------------------------------------------------- */

static void ready(struct line *line, void *context)
{
	struct smtp *s = context;
	(void)line;
	smtp_session_begin(s);
	smtp_advance(s);
}

/* An answer that nobody asked for. */
static void unasked(struct smtp *s)
{
	if (s->reply.code == 421 && !s->first) {
		smtp_said(s, LINE_NOTE, "%s ends the connection: %d %s", line_peer(s->line), s->reply.code, s->reply.text);
		line_close(&s->line);
		s->state = SMTP_OFF;
	} else if (s->reply.code == 421) {
		smtp_fail(s, E_DEFERRED, "%s ends the connection: %s", line_peer(s->line), smtp_answer(s));
	} else {
		smtp_fail(s, E_PROTOCOL,
		          "%s answered before it was asked (%d %s); such a server cannot be trusted to be understood.",
		          line_peer(s->line), s->reply.code, s->reply.text);
	}
}

/* 421: the server closes, whatever was asked (RFC 5321 3.8). True when that is all there is to do. */
static bool closing(struct smtp *s, const struct smtp_command *c)
{
	if (s->reply.code != 421 || c->verb == VERB_DOT || s->state != SMTP_READY)
		return false;
	if (s->served > 0 && c->verb == VERB_MAIL)
		smtp_restart(s, "The server takes no more mails on this connection");
	else
		smtp_fail(s, E_DEFERRED, "%s ends the connection: %s", line_peer(s->line), smtp_answer(s));
	return true;
}

static void received(struct line *line, void *context, const char *text, size_t length)
{
	struct smtp *s = context;
	struct err e = { 0 };
	show_received(s, text, length);
	if (smtp_reply_take(&s->reply, text, length, &e) != 0) {
		smtp_fail(s, e.code, "%s %s", line_peer(line), e.text);
		return;
	}
	struct smtp_command *c = s->commands;
	if (c && c->sent && c->verb == VERB_EHLO && s->reply.lines > 1 && length > 4)
		smtp_session_line(s, text + 4);
	if (!s->reply.whole)
		return;
	s->quiet = false;
	if (!c || !c->sent) {
		unasked(s);
	} else if (!closing(s, c)) {
		s->stage = stage_of(c->verb);
		s->commands = c->next;
		if (!s->commands)
			s->last_command = &s->commands;
		if (c->message || c->verb == VERB_RSET)
			smtp_transaction_reply(s, c);
		else
			smtp_session_reply(s, c->verb);
		free(c);
	}
	smtp_advance(s);
}

static const struct line_events line_events = { .ready = ready, .received = received, .failed = failed };

/* --- going on ------------------------------------------------------------------------------------------------------ */

static void open_connection(struct smtp *s)
{
	s->state = SMTP_OPENING;
	s->stage = STAGE_CONNECT;
	s->stale = false;
	s->served = 0;
	sasl_free(&s->sasl);
	s->reply = (struct smtp_reply){ .code = 0 };
	s->can = (struct smtp_capabilities){ .auth = false };
	uv_timer_stop(&s->timer);
	s->line = mail_server_connect(&s->config->server, s->loop, &line_events, s);
	smtp_said(s, LINE_NOTE, "connecting to %s", line_peer(s->line));
}

/* Nothing to do: the connection waits for the next message, for a while. */
static void rest(struct smtp *s)
{
	if (s->stale) {
		hang_up(s);
		return;
	}
	if (!uv_is_active((uv_handle_t *)&s->timer)) {
		uv_update_time(s->loop);
		uv_timer_start(&s->timer, timed_out, (uint64_t)or_default(s->config->idle_timeout, MINUTE_US) / 1000, 0);
	}
	s->quiet = true;
}

static void start_messages(struct smtp *s)
{
	struct smtp_message *m = s->first;
	bool leaving = s->stale || s->ending;
	while (m && m->phase == PHASE_WAITING && !leaving) {
		smtp_transaction_begin(s, m);
		if (m == s->first)
			break;
		m = s->first; /* that one was refused at once */
	}
	if (m && m->phase == PHASE_GO && s->unsettled == 0 && !s->ending)
		smtp_transaction_content(s, m);
	m = s->first; /* a server that answered too early has had all of them taken back, and they are others' now */
	if (m && m->phase == PHASE_SENT && m->next && m->next->phase == PHASE_WAITING && smtp_pipelines(s) && !leaving)
		smtp_transaction_begin(s, m->next);
}

/* Nothing under way, and the configuration is another one now: the messages go over a new connection. */
static bool change_over(struct smtp *s)
{
	if (!s->stale || s->ending || s->commands || (s->first && s->first->phase != PHASE_WAITING))
		return false;
	hang_up(s);
	if (s->first)
		open_connection(s);
	return true;
}

static bool content_is_out(const struct smtp *s)
{
	return s->first && s->first->phase == PHASE_SENT;
}

void smtp_advance(struct smtp *s)
{
	if (s->ending && !content_is_out(s)) {
		uv_timer_start(&s->timer, timed_out, 0, 0);
		return;
	}
	if (s->state == SMTP_READY && change_over(s))
		return;
	if (s->state == SMTP_READY)
		start_messages(s);
	if (!s->line || s->state == SMTP_OFF)
		return;
	send_commands(s);
	if (!s->line)
		return;
	watch_clock(s);
	line_flush(s->line);
	if (s->state == SMTP_READY && !s->first && !s->commands)
		rest(s);
	else if (!s->ending)
		uv_timer_stop(&s->timer);
}

/* --- from outside -------------------------------------------------------------------------------------------------- */

struct smtp *smtp_new(uv_loop_t *loop, const struct smtp_events *events, void *context)
{
	struct smtp *s = must_alloc(sizeof *s);
	*s = (struct smtp){ .loop = loop, .events = events, .context = context };
	s->last_command = &s->commands;
	s->last_message = &s->first;
	must(uv_timer_init(loop, &s->timer) == 0);
	return s;
}

void smtp_configure(struct smtp *s, struct smtp_config *config)
{
	smtp_config_free(&s->config);
	s->config = config;
	s->stale = s->state != SMTP_OFF;
	if (s->state == SMTP_OPENING)
		smtp_restart(s, "The settings have changed");
	else
		smtp_advance(s);
}

void smtp_send(struct smtp *s, struct smtp_message *m)
{
	must(s->config);
	smtp_message_reset(m);
	m->next = NULL;
	*s->last_message = m;
	s->last_message = &m->next;
	if (s->state == SMTP_OFF && !s->ending)
		open_connection(s);
	else
		smtp_advance(s);
}

void smtp_connect(struct smtp *s)
{
	must(s->config);
	if (s->ending)
		return;
	if (s->state == SMTP_OFF)
		open_connection(s);
	else if (s->state == SMTP_READY)
		s->events->ready(s->context);
}

void smtp_settle(struct smtp *s)
{
	must(s->unsettled > 0);
	s->unsettled--;
	smtp_advance(s);
}

void smtp_end(struct smtp *s, int64_t patience)
{
	s->ending = true;
	uv_update_time(s->loop);
	uv_timer_start(&s->timer, timed_out, content_is_out(s) ? (uint64_t)patience / 1000 : 0, 0);
}

static void timer_closed(uv_handle_t *handle)
{
	free(container_of((uv_timer_t *)handle, struct smtp, timer));
}

void smtp_free(struct smtp **sp)
{
	struct smtp *s = *sp;
	*sp = NULL;
	if (!s)
		return;
	line_close(&s->line);
	drop_commands(s);
	sasl_free(&s->sasl);
	for (struct smtp_message *m = s->first, *next; m; m = next) {
		next = m->next;
		smtp_message_free(&m);
	}
	smtp_config_free(&s->config);
	uv_close((uv_handle_t *)&s->timer, timer_closed);
}
