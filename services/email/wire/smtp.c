/* SPDX-License-Identifier: Apache-2.0
 * The SMTP dialogue up to the login: greeting, EHLO, STARTTLS, AUTH. What comes then is in smtp_mail.c. Every refusal has
 * a sentence of its own. Net thread. */
#include "services/email/wire/smtp_inside.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "station/must.h"

/* RFC 5321 4.5.3.2: slow is not dead. */
enum { GREETING_MS = 300000, COMMAND_MS = 300000, IDLE_MS = 60000, QUIT_MS = 5000 };

static const char *const step_names[] = {
	[STEP_CONNECT] = "connect", [STEP_GREETING] = "greeting", [STEP_EHLO] = "EHLO", [STEP_HELO] = "HELO", [STEP_STARTTLS] = "STARTTLS",
	[STEP_TLS] = "TLS", [STEP_EHLO_TLS] = "EHLO", [STEP_AUTH] = "AUTH", [STEP_IDLE] = "idle", [STEP_MAIL] = "MAIL", [STEP_QUIT] = "QUIT",
};

static struct smtp *smtp_of(struct line *l)
{
	return container_of(l, struct smtp, line);
}

void smtp_command(struct smtp *s, const char *shown, const char *format, ...)
{
	va_list ap;
	char *text = NULL;
	va_start(ap, format);
	int n = vasprintf(&text, format, ap);
	va_end(ap);
	must(n >= 0);
	if (shown)
		s->events->transcript(s, '>', shown);
	else
		s->events->transcript(s, '>', text);
	char *line = must_alloc((size_t)n + 3);
	memcpy(line, text, (size_t)n);
	memcpy(line + n, "\r\n", 2);
	line_send(&s->line, line, (size_t)n + 2);
	explicit_bzero(text, (size_t)n); /* it may be a password */
	explicit_bzero(line, (size_t)n);
	free(text);
	free(line);
}

void smtp_fail(struct smtp *s, int code, const char *format, ...)
{
	char text[400];
	va_list ap;
	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	line_fail(&s->line, code, "%s", text);
}

/* --- the greeting and what the server offers ------------------------------------------------------------------------ */

static void greet(struct smtp *s, enum smtp_step step)
{
	s->step = step;
	s->pipelining = s->utf8 = s->eightbit = false;
	s->size_limit = 0;
	line_deadline(&s->line, COMMAND_MS, "the answer to EHLO");
	smtp_command(s, NULL, "%s %s", step == STEP_HELO ? "HELO" : "EHLO", s->config.greeting_name);
}

static void become_idle(struct smtp *s)
{
	s->step = STEP_IDLE;
	line_deadline(&s->line, IDLE_MS, "work");
}

static void log_in(struct smtp *s);

static void capabilities(struct smtp *s)
{
	const char *arguments;
	s->pipelining = reply_offers(&s->reply, "PIPELINING", NULL);
	s->utf8 = reply_offers(&s->reply, "SMTPUTF8", NULL);
	s->eightbit = reply_offers(&s->reply, "8BITMIME", NULL);
	if (reply_offers(&s->reply, "SIZE", &arguments))
		s->size_limit = strtoull(arguments, NULL, 10);
}

static void greeted(struct smtp *s)
{
	bool secure = s->step == STEP_EHLO_TLS || s->config.mode == SMTP_TLS;
	if (s->reply.code != 250 && s->step != STEP_HELO && s->config.mode != SMTP_STARTTLS && !s->config.authenticate) {
		greet(s, STEP_HELO); /* an old server, of which neither TLS nor a login is wanted */
		return;
	}
	if (s->reply.code != 250) {
		smtp_fail(s, E_PROTOCOL, "%s:%d refused our greeting: %d %s", s->config.host, s->config.port, s->reply.code, s->reply.text);
		return;
	}
	capabilities(s);
	if (s->config.mode == SMTP_STARTTLS && !secure) {
		if (!reply_offers(&s->reply, "STARTTLS", NULL)) {
			smtp_fail(s, E_TLS, "%s:%d does not offer STARTTLS. Nothing was sent. Use useSsl if the server encrypts from the first byte, or ask its administrator.",
			          s->config.host, s->config.port);
			return;
		}
		s->step = STEP_STARTTLS;
		line_deadline(&s->line, COMMAND_MS, "the answer to STARTTLS");
		smtp_command(s, NULL, "STARTTLS");
		return;
	}
	log_in(s);
}

/* --- AUTH ------------------------------------------------------------------------------------------------------------ */

static bool offered(const char *arguments, enum smtp_mechanism m)
{
	return reply_has_word(arguments, m == SMTP_AUTH_PLAIN ? "PLAIN" : "LOGIN");
}

/* RFC 4954. The configured mechanism, or the best that is offered. */
static bool choose(struct smtp *s, const char *arguments)
{
	enum smtp_mechanism wanted = s->config.mechanism;
	s->chosen = wanted != SMTP_AUTH_AUTO ? wanted : offered(arguments, SMTP_AUTH_PLAIN) ? SMTP_AUTH_PLAIN : SMTP_AUTH_LOGIN;
	return offered(arguments, s->chosen);
}

static void send_base64(struct smtp *s, const char *prefix, const char *bytes, size_t length, const char *shown)
{
	size_t size = sodium_base64_encoded_len(length, sodium_base64_VARIANT_ORIGINAL);
	char *text = must_alloc(size);
	sodium_bin2base64(text, size, (const unsigned char *)bytes, length, sodium_base64_VARIANT_ORIGINAL);
	smtp_command(s, shown, "%s%s", prefix, text);
	explicit_bzero(text, size);
	free(text);
}

static void send_plain(struct smtp *s)
{
	size_t a = strlen(s->config.account), p = strlen(s->config.password), n = a + p + 2;
	char *bytes = must_alloc(n);
	memcpy(bytes + 1, s->config.account, a); /* NUL account NUL password (RFC 4616) */
	memcpy(bytes + a + 2, s->config.password, p);
	send_base64(s, "AUTH PLAIN ", bytes, n, "AUTH PLAIN ****");
	explicit_bzero(bytes, n);
	free(bytes);
}

static void log_in(struct smtp *s)
{
	const char *arguments = "";
	bool clear = s->config.mode == SMTP_NONE;
	if (!s->config.authenticate) {
		become_idle(s);
		s->events->ready(s);
		return;
	}
	if (clear && !s->config.allow_clear)
		smtp_fail(s, E_TLS, "The account has a password, but the connection to %s:%d is not encrypted. It was not sent. Use useSsl or useStartTls, "
		          "or allow it with allowClearTextCredentials.", s->config.host, s->config.port);
	else if (!reply_offers(&s->reply, "AUTH", &arguments))
		smtp_fail(s, E_AUTH, "%s:%d offers no login (AUTH), but the account has one. Nothing was sent. Is this the submission port? "
		          "If the server needs no login, choose the NoAuthEmailClientAuthenticator.", s->config.host, s->config.port);
	else if (!choose(s, arguments))
		smtp_fail(s, E_AUTH, "%s:%d offers none of the logins that this account can use; it offers: %.*s.", s->config.host, s->config.port,
		          (int)strcspn(arguments, "\n"), arguments);
	else {
		s->step = STEP_AUTH;
		s->auth_step = 0;
		line_deadline(&s->line, COMMAND_MS, "the answer to the login");
		if (s->chosen == SMTP_AUTH_PLAIN)
			send_plain(s);
		else
			smtp_command(s, NULL, "AUTH LOGIN");
	}
}

static void auth_answered(struct smtp *s)
{
	const struct smtp_reply *r = &s->reply;
	if (r->code == 334 && s->chosen == SMTP_AUTH_LOGIN && s->auth_step < 2) {
		const char *text = s->auth_step++ == 0 ? s->config.account : s->config.password;
		send_base64(s, "", text, strlen(text), "****");
		return;
	}
	bool asked = s->chosen == SMTP_AUTH_PLAIN || s->auth_step == 2; /* a 235 before the password is no login */
	if (r->code == 235 && asked) {
		become_idle(s);
		s->events->ready(s);
		return;
	}
	if (r->code == 334)
		smtp_fail(s, E_PROTOCOL, "%s:%d keeps asking during the login.", s->config.host, s->config.port);
	else if (r->code / 100 == 4)
		smtp_fail(s, E_AUTH, "%s:%d cannot check the login now: %d %s", s->config.host, s->config.port, r->code, r->text);
	else
		smtp_fail(s, E_AUTH, "%s:%d refused the login of \"%s\": %d %s. Check account and password.", s->config.host, s->config.port,
		          s->config.account, r->code, r->text);
}

/* --- the line's events ------------------------------------------------------------------------------------------------ */

static void connected(struct line *l)
{
	struct smtp *s = smtp_of(l);
	char note[400];
	snprintf(note, sizeof note, "Connected to %.255s:%d", s->config.host, s->config.port);
	s->events->transcript(s, '-', note);
	if (s->config.mode == SMTP_TLS) {
		s->step = STEP_TLS;
		line_secure(l, s->config.trust, s->config.least, s->config.connect_timeout);
		return;
	}
	s->step = STEP_GREETING;
	line_deadline(l, GREETING_MS, "the server's greeting");
}

static void note_facts(struct smtp *s)
{
	gnutls_session_t tls = s->line.tls;
	snprintf(s->facts.tls_version, sizeof s->facts.tls_version, "%s", gnutls_protocol_get_name(gnutls_protocol_get_version(tls)));
	char *suite = gnutls_session_get_desc(tls);
	snprintf(s->facts.cipher, sizeof s->facts.cipher, "%s", suite ? suite : "");
	gnutls_free(suite);
	snprintf(s->facts.fingerprint, sizeof s->facts.fingerprint, "%s", s->line.verdict.fingerprint);
}

static void secured(struct line *l)
{
	struct smtp *s = smtp_of(l);
	char note[200];
	note_facts(s);
	snprintf(note, sizeof note, "Encrypted: %s", s->facts.cipher);
	s->events->transcript(s, '-', note);
	if (s->config.mode == SMTP_TLS) {
		s->step = STEP_GREETING;
		line_deadline(l, GREETING_MS, "the server's greeting");
	} else {
		greet(s, STEP_EHLO_TLS); /* what was offered in clear counts no more */
	}
}

static void begin_tls(struct smtp *s)
{
	if (s->reply.code != 220) {
		smtp_fail(s, E_TLS, "%s:%d offers STARTTLS but refused it: %d %s. Nothing was sent.", s->config.host, s->config.port, s->reply.code, s->reply.text);
		return;
	}
	s->step = STEP_TLS;
	line_secure(&s->line, s->config.trust, s->config.least, s->config.connect_timeout);
}

static void replied(struct smtp *s)
{
	switch (s->step) {
	case STEP_GREETING:
		if (s->reply.code == 220)
			greet(s, STEP_EHLO);
		else
			smtp_fail(s, E_PROTOCOL, "%s:%d does not want to talk to us: %d %s", s->config.host, s->config.port, s->reply.code, s->reply.text);
		break;
	case STEP_EHLO:
	case STEP_HELO:
	case STEP_EHLO_TLS:
		greeted(s);
		break;
	case STEP_STARTTLS:
		begin_tls(s);
		break;
	case STEP_AUTH:
		auth_answered(s);
		break;
	case STEP_MAIL:
		smtp_mail_replied(s);
		break;
	case STEP_QUIT:
		line_close(&s->line);
		break;
	default: /* an idle server speaks only to say goodbye (421) */
		smtp_fail(s, E_NETWORK, "%s:%d ended the connection: %d %s", s->config.host, s->config.port, s->reply.code, s->reply.text);
	}
}

static void received(struct line *l, const char *text, size_t length)
{
	struct smtp *s = smtp_of(l);
	bool secret = s->step == STEP_AUTH && length > 0 && text[0] == '3';
	s->events->transcript(s, '<', secret ? "334 ****" : text);
	int whole = reply_take(&s->reply, text, length);
	if (whole < 0)
		smtp_fail(s, E_PROTOCOL, "%s:%d does not speak SMTP: \"%.80s\". Is this the right port%s?", s->config.host, s->config.port, text,
		          s->step == STEP_GREETING ? " and TLS mode" : "");
	else if (whole > 0)
		replied(s);
}

static void failed(struct line *l, const struct err *e)
{
	struct smtp *s = smtp_of(l);
	const char *stage = s->step == STEP_MAIL ? smtp_mail_stage(s) : step_names[s->step];
	bool orderly = s->step == STEP_QUIT || (s->step == STEP_IDLE && !s->queue);
	s->over = true;
	s->events->transcript(s, '-', orderly ? "Connection closed" : e->text);
	smtp_mail_give_back(s, e);
	s->events->ended(s, stage, orderly ? NULL : e);
}

static void closed(struct line *l)
{
	struct smtp *s = smtp_of(l);
	if (!s->over) { /* closed by ourselves, in order */
		s->over = true;
		smtp_mail_give_back(s, NULL);
		s->events->ended(s, "QUIT", NULL);
	}
	trust_release(&s->config.trust);
	free(s->config.host);
	free(s->config.greeting_name);
	free(s->config.account);
	if (s->config.password)
		explicit_bzero(s->config.password, strlen(s->config.password));
	free(s->config.password);
	s->events->freed(s);
}

static const struct line_events events = { connected, secured, received, failed, closed };

void smtp_begin(struct smtp *s, uv_loop_t *loop, const struct smtp_events *smtp_events, struct smtp_config *config)
{
	memset(s, 0, sizeof *s);
	s->events = smtp_events;
	s->config = *config;
	s->tail = &s->queue;
	s->released = true;
	line_open(&s->line, loop, &events, config->host, config->port, config->connect_timeout);
}

void smtp_end(struct smtp *s)
{
	if (s->over)
		return;
	if (s->step == STEP_IDLE) {
		s->step = STEP_QUIT;
		line_deadline(&s->line, QUIT_MS, "goodbye");
		smtp_command(s, NULL, "QUIT");
	} else {
		line_close(&s->line);
	}
}
