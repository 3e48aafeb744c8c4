/* SPDX-License-Identifier: Apache-2.0
 * From the greeting to the login, in lock-step: greeting, EHLO, STARTTLS, EHLO again, AUTH (RFC 5321, 3207, 4954). Here
 * everything fails closed: what was chosen and is not offered, what comes before it was asked for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/email/wire/smtp_inside.h"
#include "station/base/must.h"

enum { COMMAND_MAX = 510 /* bytes of a command line without its end (RFC 5321 4.5.3.1.4, RFC 4954 4) */ };

static const char *peer(const struct smtp *s)
{
	return line_peer(s->line);
}

static bool wants_login(const struct smtp *s)
{
	return s->config->server.login.kind != SASL_NOBODY;
}

/* --- login --------------------------------------------------------------------------------------------------------- */

void smtp_scrub(struct smtp *s, char *text)
{
	sasl_scrub(&s->config->server.login, s->config->server.keyring, text);
}

static void start_exchange(struct smtp *s)
{
	struct sasl_place place = { .host = s->config->server.host, .port = s->config->server.port };
	enum sasl_mechanism mechanism;
	struct err e = { 0 };
	if (sasl_choose(&s->config->server.login, &s->can.mechanisms, line_is_secure(s->line), &mechanism, &e) != 0) {
		smtp_fail(s, e.code, "%s %s", peer(s), e.text);
		return;
	}
	s->sasl = sasl_new(mechanism, &s->config->server.login, s->config->server.keyring, &place);
	smtp_queue(s, VERB_AUTH, NULL, 0);
}

static void begin_login(struct smtp *s)
{
	if (!line_is_secure(s->line) && !s->config->server.allow_clear_text)
		smtp_fail(s, E_AUTH,
		          "The login to %s was not sent: without TLS, anybody on the way could read it. Set useSsl or "
		          "useStartTls (or allowClearTextCredentials, if you must).",
		          peer(s));
	else if (!s->can.auth)
		smtp_fail(s, E_AUTH,
		          "%s offers no login (AUTH), so no mail was sent. Is it the port for submission (465, 587)? If it "
		          "wants no login, use the No Auth authenticator.",
		          peer(s));
	else
		start_exchange(s);
}

static void logged_in(struct smtp *s)
{
	s->state = SMTP_READY;
	s->stage = STAGE_MAIL;
	s->events->ready(s->context);
}

/* AUTH with what may stand on its line, or the answer to a challenge. */
static void write_auth(struct smtp *s)
{
	struct err e = { 0 };
	char command[32], shown[48], *text = NULL;
	bool first = s->reply.code != 334; /* that text is the challenge */
	int n = snprintf(command, sizeof command, "AUTH %s", sasl_exchange_name(s->sasl));
	int rc = first ? sasl_start(s->sasl, (size_t)(COMMAND_MAX - n - 1), &text, &e)
	               : sasl_step(s->sasl, s->reply.text, &text, &e);
	if (rc != 0) {
		smtp_fail(s, e.code, "%s %s", peer(s), e.text);
		return;
	}
	snprintf(shown, sizeof shown, "%s%s(redacted)", first ? command : "", first ? " " : "");
	if (first)
		line_write(s->line, command, (size_t)n);
	if (first && text)
		line_write(s->line, " ", 1);
	smtp_write(s, text ? text : "", first && !text ? command : shown);
	secret_wipe(&text);
}

static void login_refused(struct smtp *s)
{
	const char *reason = sasl_reason(s->sasl), *user = s->config->server.login.user;
	const char *now = s->reply.code / 100 == 4 ? "cannot check the login now" : "refused the login";
	smtp_fail(s, E_AUTH, "%s %s of \"%s\": %s%s%s%s", peer(s), now, user ? user : "", smtp_answer(s),
	          *reason ? " (the token: " : "", reason, *reason ? ")" : "");
}

static void answer_auth(struct smtp *s)
{
	struct err e = { 0 };
	if (s->reply.code == 334) {
		smtp_queue(s, VERB_AUTH, NULL, 0);
		return;
	}
	smtp_scrub(s, s->reply.text);
	if (s->reply.code / 100 != 2) {
		login_refused(s);
	} else if (sasl_accepted(s->sasl, &e) != 0) {
		smtp_fail(s, e.code, "%s %s", peer(s), e.text);
	} else {
		sasl_free(&s->sasl);
		logged_in(s);
	}
}

/* --- EHLO, STARTTLS ------------------------------------------------------------------------------------------------ */

static void answer_greeting(struct smtp *s)
{
	const struct smtp_reply *r = &s->reply;
	if (r->code == 220)
		smtp_queue(s, VERB_EHLO, NULL, 0);
	else if (r->code / 100 == 4)
		smtp_fail(s, E_DEFERRED, "%s takes no mail now: %s", peer(s), smtp_answer(s));
	else if (r->code / 100 == 5)
		smtp_fail(s, E_REFUSED, "%s will not serve this station: %s", peer(s), smtp_answer(s));
	else
		smtp_fail(s, E_PROTOCOL, "%s greeted with %d %s; a mail server greets with 220.", peer(s), r->code, r->text);
}

static void after_ehlo(struct smtp *s)
{
	if (s->config->server.security == SECURITY_STARTTLS && !line_is_secure(s->line)) {
		if (s->can.starttls)
			smtp_queue(s, VERB_STARTTLS, NULL, 0);
		else
			smtp_fail(s, E_TLS,
			          "%s does not offer STARTTLS, so nothing was sent: the server lacks it, or somebody on the way "
			          "has removed the offer. Use useSsl (port 465) if the server has it.",
			          peer(s));
	} else if (wants_login(s)) {
		begin_login(s);
	} else {
		logged_in(s);
	}
}

static void answer_ehlo(struct smtp *s, enum smtp_verb verb)
{
	const struct smtp_reply *r = &s->reply;
	bool needs_ehlo = s->config->server.security != SECURITY_NONE || wants_login(s);
	if (r->code == 250)
		after_ehlo(s);
	else if (r->code / 100 == 5 && verb == VERB_EHLO && !needs_ehlo)
		smtp_queue(s, VERB_HELO, NULL, 0);
	else if (r->code / 100 == 5 && verb == VERB_EHLO)
		smtp_fail(s, E_PROTOCOL,
		          "%s does not know EHLO (%d %s), so it can neither encrypt nor check a login; nothing was sent.",
		          peer(s), r->code, r->text);
	else if (r->code / 100 == 4)
		smtp_fail(s, E_DEFERRED, "%s takes no mail now: %s", peer(s), smtp_answer(s));
	else
		smtp_fail(s, E_PROTOCOL, "%s answered %s with %d %s.", peer(s), verb == VERB_EHLO ? "EHLO" : "HELO", r->code,
		          r->text);
}

static void answer_starttls(struct smtp *s)
{
	if (s->reply.code != 220) {
		smtp_fail(s, E_TLS, "%s refused STARTTLS, so nothing was sent: %s", peer(s), smtp_answer(s));
	} else if (line_more_waits(s->line)) {
		smtp_fail(s, E_PROTOCOL,
		          "%s sent text behind its answer to STARTTLS, before the encryption began. Somebody on the way may "
		          "have injected it; nothing was sent.",
		          peer(s));
	} else {
		s->can = (struct smtp_capabilities){ .auth = false }; /* what was said in clear does not count */
		s->reply = (struct smtp_reply){ .code = 0 };
		line_secure(s->line);
	}
}

/* --- the door ------------------------------------------------------------------------------------------------------ */

void smtp_session_line(struct smtp *s, const char *line)
{
	smtp_capability(&s->can, line);
}

static void note_connection(struct smtp *s)
{
	const struct trust_verdict *v = line_verdict(s->line);
	if (line_is_secure(s->line))
		smtp_said(s, LINE_NOTE, "%s with %s, %s; certificate %s%s", line_tls_version(s->line), peer(s),
		          line_cipher(s->line), v->fingerprint, v->exempted ? " (approved under Allowed Hosts)" : "");
	else
		smtp_said(s, LINE_NOTE, "connected to %s", peer(s));
}

void smtp_session_begin(struct smtp *s)
{
	bool secured_later = s->stage == STAGE_STARTTLS;
	note_connection(s);
	s->stage = secured_later ? STAGE_EHLO : STAGE_GREETING;
	smtp_queue(s, secured_later ? VERB_EHLO : VERB_GREETING, NULL, 0);
}

/* Name of this station for EHLO: its own, or the address of its end of the connection (RFC 5321 4.1.4). */
static void write_ehlo(struct smtp *s, const char *verb)
{
	char literal[64], line[320];
	snprintf(line, sizeof line, "%s %s", verb,
	         *s->config->helo ? s->config->helo : line_own_literal(s->line, literal, sizeof literal));
	smtp_write(s, line, NULL);
}

void smtp_session_command(struct smtp *s, enum smtp_verb verb)
{
	if (verb != VERB_GREETING && line_more_waits(s->line)) {
		smtp_fail(s, E_PROTOCOL, "%s answered before it was asked; such a server cannot be trusted to be understood.",
		          peer(s));
		return;
	}
	switch (verb) {
	case VERB_EHLO:
		write_ehlo(s, "EHLO");
		break;
	case VERB_HELO:
		write_ehlo(s, "HELO");
		break;
	case VERB_STARTTLS:
		smtp_write(s, "STARTTLS", NULL);
		break;
	case VERB_AUTH:
		write_auth(s);
		break;
	default: /* the greeting comes by itself */
		break;
	}
}

void smtp_session_reply(struct smtp *s, enum smtp_verb verb)
{
	switch (verb) {
	case VERB_GREETING:
		answer_greeting(s);
		break;
	case VERB_EHLO:
	case VERB_HELO:
		answer_ehlo(s, verb);
		break;
	case VERB_STARTTLS:
		answer_starttls(s);
		break;
	case VERB_AUTH:
		answer_auth(s);
		break;
	default:
		must(!"a session has no other commands");
	}
}
