/* SPDX-License-Identifier: Apache-2.0
 * From the greeting to the login, in lock-step: greeting, EHLO, STARTTLS, EHLO again, AUTH (RFC 5321, 3207, 4954). Here
 * everything fails closed: what was chosen and is not offered, what comes before it was asked for. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/email/wire/smtp_inside.h"
#include "station/must.h"

enum { INITIAL_RESPONSE_MAX = 450 /* bytes of base64 on the AUTH line, which holds 512 with all (RFC 4954 4) */ };

static const char *peer(const struct smtp *s)
{
	return line_peer(s->line);
}

static bool wants_login(const struct smtp *s)
{
	return s->config->user && *s->config->user;
}

/* --- secrets ------------------------------------------------------------------------------------------------------- */

/* A base64 text in locked memory. */
static char *base64_locked(const char *bytes, size_t length)
{
	size_t size = sodium_base64_encoded_len(length, sodium_base64_VARIANT_ORIGINAL);
	char *blank = must_alloc(size), *text;
	memset(blank, '=', size - 1);
	text = secret_lock(blank, size - 1);
	free(blank);
	return sodium_bin2base64(text, size, (const unsigned char *)bytes, length, sodium_base64_VARIANT_ORIGINAL);
}

static char *open_password(struct smtp *s, struct err *e)
{
	if (!s->config->password || !*s->config->password)
		return secret_lock("", 0);
	return secret_open(s->config->keyring, s->config->password, e);
}

/* "\0user\0password" as base64 (RFC 4616). */
static char *plain_response(const char *user, const char *password)
{
	size_t u = strlen(user), p = strlen(password), length = u + p + 2;
	char *blank = must_alloc(length + 1);
	memset(blank, ' ', length);
	char *bytes = secret_lock(blank, length);
	free(blank);
	bytes[0] = bytes[u + 1] = '\0';
	memcpy(bytes + 1, user, u);
	memcpy(bytes + u + 2, password, p);
	char *text = base64_locked(bytes, length);
	secret_wipe(&bytes);
	return text;
}

static void blot_out(char *text, const char *secret)
{
	size_t n = strlen(secret);
	for (char *at; n >= 3 && (at = strstr(text, secret));)
		memset(at, '*', n);
}

void smtp_scrub(struct smtp *s, char *text)
{
	char *password = wants_login(s) ? open_password(s, NULL) : NULL;
	if (!password)
		return;
	char *encoded = base64_locked(password, strlen(password)), *plain = plain_response(s->config->user, password);
	blot_out(text, password);
	blot_out(text, encoded);
	blot_out(text, plain);
	secret_wipe(&plain);
	secret_wipe(&encoded);
	secret_wipe(&password);
}

/* --- login --------------------------------------------------------------------------------------------------------- */

static bool choose_mechanism(struct smtp *s)
{
	enum smtp_mechanism wanted = s->config->mechanism;
	s->mechanism = wanted != SMTP_AUTO ? wanted : s->can.plain ? SMTP_PLAIN : SMTP_LOGIN;
	return s->mechanism == SMTP_PLAIN ? s->can.plain : s->can.login;
}

static void begin_login(struct smtp *s)
{
	static const char *const names[] = { "PLAIN and LOGIN", "PLAIN", "LOGIN" };
	if (!line_is_secure(s->line) && !s->config->allow_clear_text)
		smtp_fail(s, E_AUTH,
		          "The login to %s was not sent: without TLS, anybody on the way could read it. Set useSsl or "
		          "useStartTls (or allowClearTextCredentials, if you must).",
		          peer(s));
	else if (!s->can.auth)
		smtp_fail(s, E_AUTH,
		          "%s offers no login (AUTH), so no mail was sent. Is it the port for submission (465, 587)? If it "
		          "wants no login, use the No Auth authenticator.",
		          peer(s));
	else if (!choose_mechanism(s))
		smtp_fail(s, E_AUTH, "%s offers the login mechanisms %s, but not %s, which the authenticator asks for.",
		          peer(s), *s->can.mechanisms ? s->can.mechanisms : "(none)", names[s->config->mechanism]);
	else
		smtp_queue(s, VERB_AUTH, NULL, 0);
}

static void logged_in(struct smtp *s)
{
	s->state = SMTP_READY;
	s->stage = STAGE_MAIL;
	s->events->ready(s->context);
}

static void write_auth(struct smtp *s)
{
	struct err e = { 0 };
	char *password = open_password(s, &e);
	if (!password) {
		smtp_fail(s, E_AUTH, "The stored password cannot be opened: %s Enter it again.", e.text);
		return;
	}
	char *plain = s->mechanism == SMTP_PLAIN ? plain_response(s->config->user, password) : NULL;
	if (s->auth_step == 0 && plain && strlen(plain) <= INITIAL_RESPONSE_MAX) {
		line_write(s->line, "AUTH PLAIN ", 11);
		smtp_write(s, plain, "AUTH PLAIN (redacted)");
		s->auth_step = 1;
	} else if (s->auth_step == 0) {
		smtp_write(s, plain ? "AUTH PLAIN" : "AUTH LOGIN", NULL);
	} else if (plain) {
		smtp_write(s, plain, "(redacted)");
	} else {
		const char *text = s->auth_step == 1 ? s->config->user : password;
		char *encoded = base64_locked(text, strlen(text));
		smtp_write(s, encoded, "(redacted)");
		secret_wipe(&encoded);
	}
	secret_wipe(&plain);
	secret_wipe(&password);
}

/* How many answers of ours the exchange takes: one response for PLAIN; name and password for LOGIN. */
static int steps(const struct smtp *s)
{
	return s->mechanism == SMTP_PLAIN ? 1 : 2;
}

static void answer_auth(struct smtp *s)
{
	int code = s->reply.code;
	smtp_scrub(s, s->reply.text);
	if (code == 334 && s->auth_step < steps(s)) {
		s->auth_step++;
		smtp_queue(s, VERB_AUTH, NULL, 0);
	} else if (code == 334) {
		smtp_fail(s, E_PROTOCOL, "%s asks for more than name and password during the login.", peer(s));
	} else if (code / 100 == 2 && s->auth_step < steps(s)) {
		smtp_fail(s, E_PROTOCOL, "%s accepted the login before it was sent; such a server cannot be trusted.", peer(s));
	} else if (code / 100 == 2) {
		logged_in(s);
	} else if (code / 100 == 4) {
		smtp_fail(s, E_AUTH, "%s cannot check the login of \"%s\" now: %s", peer(s), s->config->user, smtp_answer(s));
	} else {
		smtp_fail(s, E_AUTH, "%s refused the login of \"%s\": %s", peer(s), s->config->user, smtp_answer(s));
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
	if (s->config->security == SMTP_STARTTLS && !line_is_secure(s->line)) {
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
	bool needs_ehlo = s->config->security != SMTP_CLEAR || wants_login(s);
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
