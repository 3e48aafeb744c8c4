/* SPDX-License-Identifier: Apache-2.0
 * The POP3 dialogue (RFC 1939, 2449, 2595, 5034) up to the login, in lock-step. Everything fails closed: what was chosen
 * and is not offered, what comes before it was asked for. See pop3_inside.h. */
#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/email/wire/peer_text.h"
#include "services/email/wire/pop3_inside.h"
#include "station/base/must.h"

static const struct {
	const char *awaited;
	enum retrieval_stage stage;
} commands[POP3_COMMANDS] = {
	[POP3_GREETING] = { "greeting", RETRIEVAL_GREETING },     [POP3_CAPA] = { "answer to CAPA", RETRIEVAL_CAPABILITY },
	[POP3_STLS] = { "answer to STLS", RETRIEVAL_SECURE },     [POP3_AUTH] = { "answer to the login", RETRIEVAL_LOGIN },
	[POP3_USER] = { "answer to the login", RETRIEVAL_LOGIN }, [POP3_PASS] = { "answer to the login", RETRIEVAL_LOGIN },
	[POP3_APOP] = { "answer to the login", RETRIEVAL_LOGIN }, [POP3_STAT] = { "answer to STAT", RETRIEVAL_LIST },
	[POP3_UIDL] = { "answer to UIDL", RETRIEVAL_LIST },       [POP3_LIST] = { "answer to LIST", RETRIEVAL_LIST },
	[POP3_DUE] = { "answer to DELE", RETRIEVAL_STORE },       [POP3_RETR] = { "mail", RETRIEVAL_FETCH },
	[POP3_DELE] = { "answer to DELE", RETRIEVAL_STORE },      [POP3_QUIT] = { "answer to QUIT", RETRIEVAL_STORE },
};

static const char *peer(const struct retrieval *r)
{
	return line_peer(r->line);
}

void pop3_send(struct retrieval *r, enum pop3_command command, const char *text, const char *shown)
{
	pop3_of(r)->command = command;
	r->stage = commands[command].stage;
	retrieval_write(r, text, shown);
	int64_t content = command == POP3_RETR && r->current ? (int64_t)r->current->size : 0;
	retrieval_expect(r, commands[command].awaited, content);
}

/* --- login ---------------------------------------------------------------------------------------------------------- */

static void send_secret(struct retrieval *r, enum pop3_command command, const char *verb, const char *secret)
{
	char shown[80], *text = retrieval_secret_line(verb, secret);
	snprintf(shown, sizeof shown, "%s (redacted)", verb);
	pop3_send(r, command, text, shown);
	secret_wipe(&text);
}

static bool one_line(const char *text)
{
	return !strpbrk(text, "\r\n");
}

static void send_user(struct retrieval *r)
{
	if (one_line(r->config->server.login.user))
		send_secret(r, POP3_USER, "USER", r->config->server.login.user);
	else
		retrieval_fail(r, E_AUTH, "The account name holds a line end, which no POP3 server takes.");
}

static void send_pass(struct retrieval *r)
{
	char *password = retrieval_password(r);
	if (password && one_line(password))
		send_secret(r, POP3_PASS, "PASS", password);
	else if (password)
		retrieval_fail(r, E_AUTH, "The password holds a line end, which no POP3 server takes.");
	secret_wipe(&password);
}

/* "user md5(stamp + password)": the password itself does not travel (RFC 1939 section 7). */
static void send_apop(struct retrieval *r)
{
	unsigned char digest[16];
	char line[400];
	gnutls_hash_hd_t hash;
	char *password = retrieval_password(r);
	if (!password)
		return;
	must(gnutls_hash_init(&hash, GNUTLS_DIG_MD5) == 0);
	gnutls_hash(hash, pop3_of(r)->stamp, strlen(pop3_of(r)->stamp));
	gnutls_hash(hash, password, strlen(password));
	gnutls_hash_deinit(hash, digest);
	secret_wipe(&password);
	int at = snprintf(line, sizeof line, "%.300s ", r->config->server.login.user);
	for (size_t i = 0; i < sizeof digest; i++)
		at += snprintf(line + at, sizeof line - (size_t)at, "%02x", digest[i]);
	if (one_line(line))
		send_secret(r, POP3_APOP, "APOP", line);
	else
		retrieval_fail(r, E_AUTH, "The account name holds a line end, which no POP3 server takes.");
}

static void send_response(struct retrieval *r, const char *challenge)
{
	char *response = NULL;
	if (retrieval_response(r, challenge, 0, &response))
		pop3_send(r, POP3_AUTH, response, "(redacted)");
	secret_wipe(&response);
}

static void send_auth(struct retrieval *r)
{
	char command[64], *initial = NULL;
	if (!retrieval_choose(r, &pop3_of(r)->can.mechanisms) || !retrieval_response(r, NULL, 0, &initial))
		return;
	snprintf(command, sizeof command, "AUTH %s", sasl_exchange_name(r->sasl));
	pop3_send(r, POP3_AUTH, command, NULL);
	secret_wipe(&initial);
}

/* SASL where it helps; the password by USER and PASS is what every server knows. */
static void begin_login(struct retrieval *r)
{
	const struct pop3 *p = pop3_of(r);
	const struct sasl_login *login = &r->config->server.login;
	if (!retrieval_may_log_in(r))
		return;
	bool fixed = login->mechanism != SASL_AUTO || login->kind != SASL_PASSWORD;
	if (p->can.mechanisms.known || fixed)
		send_auth(r);
	else if (*p->stamp && !line_is_secure(r->line))
		send_apop(r);
	else if (p->can.sasl && !p->can.user)
		send_auth(r);
	else
		send_user(r);
}

static void refused(struct retrieval *r, const char *text, size_t length)
{
	char words[300];
	retrieval_quote(r, text, length, words);
	if (pop3_code_is(text, length, "IN-USE"))
		retrieval_fail(r, E_DEFERRED, "The mailbox of \"%s\" at %s is open elsewhere: %s", r->config->server.login.user,
		               peer(r), words);
	else if (pop3_code_is(text, length, "SYS/TEMP") || pop3_code_is(text, length, "LOGIN-DELAY"))
		retrieval_fail(r, E_DEFERRED, "%s cannot open the mailbox of \"%s\" now: %s", peer(r),
		               r->config->server.login.user, words);
	else
		retrieval_refused(r, text, length);
}

static void answer_login(struct retrieval *r, bool ok, const char *text, size_t length)
{
	enum pop3_command command = pop3_of(r)->command;
	if (!ok)
		refused(r, text, length);
	else if (command == POP3_USER)
		send_pass(r);
	else if (retrieval_accepted(r))
		pop3_open(r);
}

/* --- greeting, CAPA, STLS ------------------------------------------------------------------------------------------- */

static void answer_greeting(struct retrieval *r, bool ok, const char *text, size_t length)
{
	char words[300];
	if (!ok) {
		retrieval_fail(r, E_DEFERRED, "%s does not serve this station now: %s", peer(r),
		               retrieval_quote(r, text, length, words));
		return;
	}
	if (!pop3_stamp(text, length, pop3_of(r)->stamp, sizeof pop3_of(r)->stamp))
		pop3_of(r)->stamp[0] = '\0';
	pop3_send(r, POP3_CAPA, "CAPA", NULL);
}

/* known: CAPA was answered; a server without it may still have STLS (RFC 2595 came first). */
static void after_capabilities(struct retrieval *r, bool known)
{
	if (r->config->server.security != SECURITY_STARTTLS || line_is_secure(r->line))
		begin_login(r);
	else if (!known || pop3_of(r)->can.stls)
		pop3_send(r, POP3_STLS, "STLS", NULL);
	else
		retrieval_fail(r, E_TLS,
		               "%s does not offer STLS, so nothing was sent: the server lacks it, or somebody on the way has "
		               "removed the offer. Use useSsl (port 995) if the server has it.",
		               peer(r));
}

static void answer_stls(struct retrieval *r, bool ok, const char *text, size_t length)
{
	char words[300];
	if (!ok) {
		retrieval_fail(r, E_TLS, "%s refused STLS, so nothing was sent: %s", peer(r),
		               retrieval_quote(r, text, length, words));
	} else if (line_more_waits(r->line)) {
		retrieval_fail(r, E_PROTOCOL,
		               "%s sent text behind its answer to STLS, before the encryption began. Somebody on the way may "
		               "have injected it; nothing was sent.",
		               peer(r));
	} else {
		pop3_of(r)->can = (struct pop3_capabilities){ .stls = false }; /* what was said in clear does not count */
		pop3_of(r)->stamp[0] = '\0';
		line_secure(r->line);
	}
}

/* --- what comes ----------------------------------------------------------------------------------------------------- */

static void no_pop3(struct retrieval *r, const char *text, size_t length)
{
	char shown[81];
	peer_text(shown, sizeof shown, text, length < 80 ? length : 80);
	if (length >= 2 && (text[0] == 0x15 || text[0] == 0x16) && text[1] == 0x03)
		retrieval_fail(
		    r, E_PROTOCOL,
		    "%s answered with TLS where plain text was expected. Does this port want TLS at once (995)? Then "
		    "set useSsl.",
		    peer(r));
	else
		retrieval_fail(r, E_PROTOCOL,
		               "%s answered \"%s\", which is no POP3. Is this a POP3 server, and the right port?", peer(r),
		               shown);
}

static void show(struct retrieval *r, const char *text, size_t length)
{
	char shown[LINE_LENGTH_MAX + 1];
	if (!r->config->dialogue || (pop3_of(r)->listing && pop3_of(r)->command == POP3_RETR))
		return;
	peer_text(shown, sizeof shown, text, length);
	if (r->stage == RETRIEVAL_LOGIN && *shown == '+' && shown[1] != 'O')
		snprintf(shown, sizeof shown, "+ (redacted)");
	else if (r->stage == RETRIEVAL_LOGIN)
		sasl_scrub(&r->config->server.login, r->config->server.keyring, shown);
	retrieval_said(r, LINE_RECEIVED, "%s", shown);
}

static void reply(struct retrieval *r, bool ok, const char *text, size_t length)
{
	line_expect(r->line, 0, NULL);
	switch (pop3_of(r)->command) {
	case POP3_GREETING:
		answer_greeting(r, ok, text, length);
		break;
	case POP3_CAPA:
		pop3_of(r)->can = (struct pop3_capabilities){ .stls = false };
		pop3_of(r)->listing = ok;
		if (!ok)
			after_capabilities(r, false);
		break;
	case POP3_STLS:
		answer_stls(r, ok, text, length);
		break;
	case POP3_AUTH:
	case POP3_USER:
	case POP3_PASS:
	case POP3_APOP:
		answer_login(r, ok, text, length);
		break;
	default:
		pop3_poll_reply(r, ok, text, length);
	}
	if (r->line && pop3_of(r)->listing)
		retrieval_expect(r, commands[pop3_of(r)->command].awaited, r->current ? (int64_t)r->current->size : 0);
}

static void single(struct retrieval *r, const char *line, size_t length)
{
	const char *text;
	enum pop3_status status = pop3_status(line, length, &text);
	size_t left = length - (size_t)(text - line);
	if (r->waiting)
		retrieval_fail(r, E_PROTOCOL,
		               "%s answered before it was asked; such a server cannot be trusted to be understood.", peer(r));
	else if (status == POP3_WRONG || (status == POP3_CONTINUE && pop3_of(r)->command != POP3_AUTH))
		no_pop3(r, line, length);
	else if (status == POP3_CONTINUE)
		send_response(r, text);
	else
		reply(r, status == POP3_OK, text, left);
}

static void line(struct retrieval *r, const char *text, size_t length)
{
	struct pop3 *p = pop3_of(r);
	show(r, text, length);
	if (!p->listing) {
		single(r, text, length);
		return;
	}
	bool continued = p->continued;
	p->continued = false;
	if (!continued && pop3_is_end(text, length)) {
		p->listing = false;
		line_expect(r->line, 0, NULL);
		if (p->command == POP3_CAPA)
			after_capabilities(r, true);
		else
			pop3_poll_end(r);
		return;
	}
	if (!continued && length > 0 && *text == '.') { /* it stands for itself and hides a dot behind it */
		text++;
		length--;
	}
	if (p->command == POP3_CAPA)
		pop3_capability(&p->can, text, length);
	else
		pop3_poll_line(r, text, length);
}

static void bytes(struct retrieval *r, const char *data, size_t length)
{
	bool dot = !pop3_of(r)->continued && *data == '.';
	pop3_of(r)->continued = true;
	pop3_poll_bytes(r, data + dot, length - dot);
}

/* --- the door ------------------------------------------------------------------------------------------------------- */

static void begin(struct retrieval *r, bool secured_later)
{
	if (secured_later) {
		pop3_send(r, POP3_CAPA, "CAPA", NULL);
		return;
	}
	pop3_of(r)->command = POP3_GREETING;
	r->stage = RETRIEVAL_GREETING;
	retrieval_expect(r, commands[POP3_GREETING].awaited, 0);
}

static void reset(struct retrieval *r)
{
	pop3_poll_reset(pop3_of(r));
	*pop3_of(r) = (struct pop3){ .command = POP3_GREETING };
}

/* A POP3 session is never kept: each begins with its own numbers. */
static void nothing(struct retrieval *r)
{
	(void)r;
}

static bool never(const struct retrieval *r)
{
	(void)r;
	return false;
}

const struct dialogue pop3_dialogue = {
	.state_size = sizeof(struct pop3),
	.begin = begin,
	.line = line,
	.bytes = bytes,
	.poll = nothing,
	.fetch = pop3_fetch,
	.settle = pop3_settle,
	.finish = pop3_finish,
	.at_rest = never,
	.leave = nothing,
	.reset = reset,
};
