/* SPDX-License-Identifier: Apache-2.0
 * From step to step: what is sent, what an answer means, and where it ends. See examination.h. */
#include "services/email/doctor/examination.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/email/wire/peer_text.h"
#include "station/base/must.h"

enum { ANSWER_LINES_MAX = 300, CHALLENGES_MAX = 8 };

struct examination {
	struct exam_target target;
	const struct exam_events *events;
	void *context;
	struct line *line; /* owned */
	struct sasl *sasl; /* owned; during the login */
	int lines, challenges;
	struct exam_report report;
};

void exam_target_clear(struct exam_target *t)
{
	mail_server_clear(&t->server);
	free(t->content);
	t->content = NULL;
}

void exam_report_clear(struct exam_report *r)
{
	free(r->verdict.chain_pem);
	*r = (struct exam_report){ .dialogue = NULL };
}

void exam_cancel(struct examination **xp)
{
	struct examination *x = *xp;
	*xp = NULL;
	if (!x)
		return;
	line_close(&x->line);
	sasl_free(&x->sasl);
	exam_target_clear(&x->target);
	exam_report_clear(&x->report);
	free(x);
}

/* --- the end --------------------------------------------------------------------------------------------------------- */

static void finish(struct examination *x)
{
	struct exam_report *r = &x->report, out;
	const struct trust_verdict *v = line_verdict(x->line);
	r->secure = line_is_secure(x->line);
	snprintf(r->tls_version, sizeof r->tls_version, "%s", line_tls_version(x->line));
	snprintf(r->cipher, sizeof r->cipher, "%s", line_cipher(x->line));
	r->verdict = *v;
	r->verdict.snapshot = NULL;
	r->verdict.chain_pem = v->chain_pem ? must_strdup(v->chain_pem) : NULL;
	out = *r;
	r->verdict.chain_pem = NULL;
	const struct exam_events *events = x->events;
	void *context = x->context;
	if (r->err.code == 0)
		line_finish(&x->line); /* the farewell is on its way */
	exam_cancel(&x);
	events->done(context, &out);
}

static void fail(struct examination *x, int code, const char *sentence)
{
	err_set(&x->report.err, code, NULL, "%s %s", line_peer(x->line), sentence);
	x->events->said(x->context, LINE_NOTE, x->report.err.text);
	finish(x);
}

/* --- what is sent ------------------------------------------------------------------------------------------------------ */

static void send_line(struct examination *x, const char *text, const char *shown)
{
	line_write(x->line, text, strlen(text));
	line_write(x->line, "\r\n", 2);
	line_flush(x->line);
	line_expect(x->line, x->target.server.timeout, "answer");
	if (shown)
		x->events->said(x->context, LINE_SENT, shown);
}

static void begin(struct examination *x, enum exam_step step, const char *argument)
{
	char text[700];
	snprintf(text, sizeof text, x->target.dialogue->commands[step], argument); /* lint: allow format, from our table */
	x->report.step = step;
	x->lines = 0;
	send_line(x, text, text);
}

static void farewell(struct examination *x)
{
	x->report.step = EXAM_QUIT;
	send_line(x, x->target.dialogue->commands[EXAM_QUIT], x->target.dialogue->commands[EXAM_QUIT]);
	finish(x);
}

static void ask_offers(struct examination *x)
{
	char literal[64]; /* RFC 5321 4.1.4: without a name, the address of our end */
	x->report.offers = (struct exam_offers){ .starttls = false };
	begin(x, EXAM_OFFERS, *x->target.name ? x->target.name : line_own_literal(x->line, literal, sizeof literal));
}

static void begin_login(struct examination *x)
{
	struct err e = { 0 };
	enum sasl_mechanism m;
	struct sasl_place place = { x->target.server.host, x->target.server.port, NULL };
	char command[600], shown[80], *initial = NULL;
	x->report.step = EXAM_AUTH;
	x->lines = 0;
	if (!line_is_secure(x->line) && !x->target.server.allow_clear_text) {
		x->report.held_back = true;
		fail(x, E_AUTH, "was not sent the login: without TLS, anybody on the way could read it.");
		return;
	}
	if (sasl_choose(&x->target.server.login, &x->report.offers.login, line_is_secure(x->line), &m, &e) != 0) {
		fail(x, E_AUTH, e.text);
		return;
	}
	x->sasl = sasl_new(m, &x->target.server.login, x->target.server.keyring, &place);
	if (sasl_start(x->sasl, x->target.dialogue->initial_room, &initial, &e) != 0) {
		fail(x, E_AUTH, e.text);
		return;
	}
	snprintf(shown, sizeof shown, x->target.dialogue->commands[EXAM_AUTH], sasl_name(m)); /* lint: allow format */
	snprintf(command, sizeof command, "%s", shown);
	if (initial) {
		line_write(x->line, command, strlen(command));
		line_write(x->line, " ", 1);
		snprintf(command, sizeof command, "%s (redacted)", shown);
		send_line(x, initial, command);
	} else {
		send_line(x, command, shown);
	}
	secret_wipe(&initial);
}

static void begin_content(struct examination *x)
{
	x->report.step = EXAM_CONTENT;
	x->lines = 0;
	for (const char *p = x->target.content; *p;) { /* dots doubled, RFC 5321 4.5.2 */
		size_t n = strcspn(p, "\n");
		n += p[n] == '\n';
		if (*p == '.')
			line_write(x->line, ".", 1);
		line_write(x->line, p, n);
		p += n;
	}
	x->events->said(x->context, LINE_SENT, "(the test mail)");
	send_line(x, ".", ".");
}

/* --- from step to step --------------------------------------------------------------------------------------------------- */

static void after_offers(struct examination *x)
{
	const struct exam_target *t = &x->target;
	bool secure = line_is_secure(x->line);
	if (!secure)
		x->report.clear = x->report.offers;
	if (t->server.security == SECURITY_STARTTLS && !secure) {
		x->report.step = EXAM_STARTTLS;
		if (x->report.offers.starttls)
			begin(x, EXAM_STARTTLS, "");
		else
			fail(x, E_TLS, "does not offer STARTTLS.");
	} else if (t->server.login.kind != SASL_NOBODY) {
		begin_login(x);
	} else if (t->dialogue->commands[EXAM_MAIL] && *t->recipient) {
		begin(x, EXAM_MAIL, t->sender);
	} else {
		farewell(x);
	}
}

static void next_step(struct examination *x)
{
	const struct exam_target *t = &x->target;
	if (x->report.step != EXAM_STARTTLS) /* that is done when the connection is encrypted */
		x->report.taken |= 1u << x->report.step;
	switch (x->report.step) {
	case EXAM_GREETING:
		ask_offers(x);
		break;
	case EXAM_OFFERS:
		after_offers(x);
		break;
	case EXAM_STARTTLS:
		if (line_more_waits(x->line))
			fail(x, E_PROTOCOL, "sent text behind its answer to STARTTLS, as an attacker on the way would.");
		else
			line_secure(x->line);
		break;
	case EXAM_AUTH:
		x->report.logged_in = true;
		if (t->dialogue->commands[EXAM_MAIL] && *t->recipient)
			begin(x, EXAM_MAIL, t->sender);
		else
			farewell(x);
		break;
	case EXAM_MAIL:
		begin(x, EXAM_RCPT, t->recipient);
		break;
	case EXAM_RCPT:
		if (t->content)
			begin(x, EXAM_DATA, "");
		else
			farewell(x);
		break;
	default:
		farewell(x);
	}
}

static void refused(struct examination *x)
{
	char sentence[600];
	const char *reason = x->sasl ? sasl_reason(x->sasl) : "";
	snprintf(sentence, sizeof sentence, "%s: %s%s%s%s", x->report.step == EXAM_GREETING ? "greeted with" : "refused",
	         x->report.reply, *reason ? " (" : "", reason, *reason ? ")" : "");
	fail(x, x->report.step == EXAM_AUTH ? E_AUTH : E_REFUSED, sentence);
}

static void challenged(struct examination *x, const char *line)
{
	struct err e = { 0 };
	char *response = NULL;
	if (x->report.step == EXAM_DATA) {
		begin_content(x);
		return;
	}
	const char *space = strchr(line, ' ');
	if (x->report.step != EXAM_AUTH || ++x->challenges > CHALLENGES_MAX) {
		fail(x, E_PROTOCOL, "asks for more than it was told of.");
	} else if (sasl_step(x->sasl, space ? space + 1 : "", &response, &e) != 0) {
		fail(x, E_AUTH, e.text);
	} else {
		send_line(x, response, "(redacted)");
		secret_wipe(&response);
	}
}

static void accepted(struct examination *x)
{
	struct err e = { 0 };
	if (x->report.step == EXAM_AUTH && sasl_accepted(x->sasl, &e) != 0)
		fail(x, E_AUTH, e.text);
	else
		next_step(x);
}

static void take(struct examination *x, const char *line)
{
	enum exam_answer a = x->target.dialogue->answer(x->report.step, line);
	bool name_of_server = x->target.dialogue == &exam_smtp && x->lines == 1;
	snprintf(x->report.reply, sizeof x->report.reply, "%.399s", line);
	if (x->report.step == EXAM_OFFERS && a != EXAM_NO && !name_of_server)
		exam_take_offer(x->target.dialogue, &x->report.offers, line);
	if (x->lines > ANSWER_LINES_MAX)
		fail(x, E_PROTOCOL, "answers without end.");
	else if (a == EXAM_YES)
		accepted(x);
	else if (a == EXAM_NO)
		refused(x);
	else if (a == EXAM_CHALLENGE)
		challenged(x, line);
}

static void received(struct line *l, void *context, const char *line, size_t length)
{
	struct examination *x = context;
	char text[LINE_LENGTH_MAX];
	(void)l;
	peer_text(text, sizeof text, line, length);
	sasl_scrub(&x->target.server.login, x->target.server.keyring, text);
	bool challenge = x->report.step == EXAM_AUTH && x->target.dialogue->answer(EXAM_AUTH, text) == EXAM_CHALLENGE;
	x->events->said(x->context, LINE_RECEIVED, challenge ? "(a challenge)" : text);
	x->lines++;
	take(x, text);
}

static void ready(struct line *l, void *context)
{
	struct examination *x = context;
	char text[400];
	const struct trust_verdict *v = line_verdict(l);
	snprintf(text, sizeof text, "connected to %s%s%s%s%s%s", line_peer(l), line_is_secure(l) ? ", encrypted by " : "",
	         line_tls_version(l), line_is_secure(l) ? " " : "", line_cipher(l),
	         v->exempted ? ", certificate approved under Allowed Hosts" : "");
	x->events->said(x->context, LINE_NOTE, text);
	x->report.taken |= 1u << x->report.step;
	if (x->report.step == EXAM_STARTTLS) {
		ask_offers(x);
		return;
	}
	x->report.step = EXAM_GREETING;
	line_expect(l, x->target.server.timeout, "greeting");
}

static void failed(struct line *l, void *context, const struct err *e, bool at_rest)
{
	struct examination *x = context;
	(void)l;
	(void)at_rest;
	x->report.err = *e;
	x->events->said(x->context, LINE_NOTE, e->text);
	finish(x);
}

static const struct line_events line_events = { .ready = ready, .received = received, .failed = failed };

struct examination *exam_start(uv_loop_t *loop, struct exam_target *target, const struct exam_events *events,
                               void *context)
{
	struct examination *x = must_alloc(sizeof *x);
	*x = (struct examination){ .target = *target, .events = events, .context = context };
	*target = (struct exam_target){ .dialogue = NULL };
	x->report.dialogue = x->target.dialogue;
	x->report.port = x->target.server.port;
	x->report.security = x->target.server.security;
	x->line = mail_server_connect(&x->target.server, loop, &line_events, x);
	return x;
}
