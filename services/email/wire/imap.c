/* SPDX-License-Identifier: Apache-2.0
 * The IMAP dialogue (RFC 3501) up to the login, in lock-step, and how responses are gathered and handed on. Everything
 * fails closed: what was chosen and is not offered, what comes before it was asked for. See imap_inside.h. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/email/wire/imap_inside.h"
#include "services/email/wire/peer_text.h"
#include "station/base/must.h"

enum {
	LINES_MAX = 20000,        /* of the answer to one command */
	INITIAL_MAX = 7000,       /* bytes of a response on the line of its command */
	LITERAL_MAX = 65536,      /* anywhere but in a mail */
	RESPONSE_MAX = 4 * 65536, /* one response without the mail in it */
};

static const struct {
	const char *awaited;
	enum retrieval_stage stage;
} commands[IMAP_COMMANDS] = {
	[IMAP_AT_REST] = { "answer", RETRIEVAL_IDLE },
	[IMAP_GREETING] = { "greeting", RETRIEVAL_GREETING },
	[IMAP_CAPABILITY] = { "answer to CAPABILITY", RETRIEVAL_CAPABILITY },
	[IMAP_STARTTLS] = { "answer to STARTTLS", RETRIEVAL_SECURE },
	[IMAP_AUTHENTICATE] = { "answer to the login", RETRIEVAL_LOGIN },
	[IMAP_LOGIN] = { "answer to the login", RETRIEVAL_LOGIN },
	[IMAP_SELECT] = { "answer to SELECT", RETRIEVAL_SELECT },
	[IMAP_DUE] = { "answer to STORE", RETRIEVAL_STORE },
	[IMAP_DUE_EXPUNGE] = { "answer to EXPUNGE", RETRIEVAL_STORE },
	[IMAP_SEARCH] = { "answer to SEARCH", RETRIEVAL_LIST },
	[IMAP_PROBE] = { "answer to SEARCH", RETRIEVAL_LIST },
	[IMAP_HEADERS] = { "answer to FETCH", RETRIEVAL_LIST },
	[IMAP_FETCH] = { "mail", RETRIEVAL_FETCH },
	[IMAP_STORE] = { "answer to STORE", RETRIEVAL_STORE },
	[IMAP_EXPUNGE] = { "answer to EXPUNGE", RETRIEVAL_STORE },
	[IMAP_IDLE] = { "answer to IDLE", RETRIEVAL_IDLE },
};

static const char *peer(const struct retrieval *r)
{
	return line_peer(r->line);
}

/* --- commands ------------------------------------------------------------------------------------------------------- */

void imap_send(struct retrieval *r, enum imap_command command, const char *text, const char *shown)
{
	struct imap *i = imap_of(r);
	i->command = command;
	i->lines = 0;
	r->stage = commands[command].stage;
	snprintf(i->tag, sizeof i->tag, "b%08x", randombytes_random()); /* nobody can answer what he cannot foresee */
	line_write(r->line, i->tag, strlen(i->tag));
	line_write(r->line, " ", 1);
	retrieval_said(r, LINE_SENT, "%s %s", i->tag, shown ? shown : text);
	line_write(r->line, text, strlen(text));
	line_write(r->line, "\r\n", 2);
	line_flush(r->line);
	int64_t content = command == IMAP_FETCH && r->current ? (int64_t)r->current->size : 0;
	retrieval_expect(r, commands[command].awaited, content);
}

/* --- login ---------------------------------------------------------------------------------------------------------- */

/* "text" for a command line (RFC 3501: quoted), in locked memory; NULL when it cannot be written so. */
static char *quoted_locked(const char *text)
{
	char *blank = must_alloc(2 * strlen(text) + 3);
	memset(blank, ' ', 2 * strlen(text) + 2);
	char *out = secret_lock(blank, 2 * strlen(text) + 2), *to = out;
	free(blank);
	*to++ = '"';
	for (const char *p = text; *p; p++) {
		if (*p == '"' || *p == '\\')
			*to++ = '\\';
		*to++ = *p;
		if (*p == '\r' || *p == '\n') {
			secret_wipe(&out);
			return NULL;
		}
	}
	*to++ = '"';
	*to = '\0';
	return out;
}

/* LOGIN, for servers without SASL. */
static void send_login(struct retrieval *r)
{
	char *password = retrieval_password(r);
	if (!password)
		return;
	char *secret = quoted_locked(password), *user = quoted_locked(r->config->server.login.user);
	if (!user || !secret) {
		retrieval_fail(r, E_AUTH, "Account or password holds a line end, which no IMAP server takes.");
	} else {
		char *login = retrieval_secret_line("LOGIN", user), *command = retrieval_secret_line(login, secret);
		imap_send(r, IMAP_LOGIN, command, "LOGIN (redacted)");
		secret_wipe(&command);
		secret_wipe(&login);
	}
	secret_wipe(&user);
	secret_wipe(&secret);
	secret_wipe(&password);
}

static void send_response(struct retrieval *r, const char *challenge)
{
	char *response = NULL;
	if (!retrieval_response(r, challenge, 0, &response))
		return;
	retrieval_write(r, response, "(redacted)");
	retrieval_expect(r, commands[IMAP_AUTHENTICATE].awaited, 0);
	secret_wipe(&response);
}

static void send_authenticate(struct retrieval *r)
{
	char verb[64], shown[80], *initial = NULL;
	if (!retrieval_choose(r, &imap_of(r)->can.mechanisms) ||
	    !retrieval_response(r, NULL, imap_of(r)->can.sasl_ir ? INITIAL_MAX : 0, &initial))
		return;
	snprintf(verb, sizeof verb, "AUTHENTICATE %s", sasl_exchange_name(r->sasl));
	snprintf(shown, sizeof shown, "%s%s", verb, initial ? " (redacted)" : "");
	char *command = initial ? retrieval_secret_line(verb, initial) : secret_lock(verb, strlen(verb));
	imap_send(r, IMAP_AUTHENTICATE, command, shown);
	secret_wipe(&command);
	secret_wipe(&initial);
}

static void begin_login(struct retrieval *r)
{
	const struct imap_capabilities *can = &imap_of(r)->can;
	imap_of(r)->can_known = false; /* after the login it may be able to do more */
	if (!retrieval_may_log_in(r))
		return;
	if (can->mechanisms.known || *can->mechanisms.names || r->config->server.login.kind != SASL_PASSWORD)
		send_authenticate(r);
	else if (can->login_disabled)
		retrieval_fail(r, E_AUTH,
		               "%s allows no login here (LOGINDISABLED). Most servers want encryption first: set useSsl or "
		               "useStartTls.",
		               peer(r));
	else
		send_login(r);
}

static void answer_login(struct retrieval *r, const struct imap_response *p)
{
	char text[300];
	if (p->status != IMAP_OK && imap_code_is(&p->code, "UNAVAILABLE")) {
		retrieval_fail(r, E_DEFERRED, "%s cannot check the login of \"%s\" now: %s", peer(r),
		               r->config->server.login.user, retrieval_quote(r, p->text.text, p->text.length, text));
	} else if (p->status != IMAP_OK) {
		retrieval_refused(r, p->text.text, p->text.length);
	} else if (retrieval_accepted(r)) {
		imap_of(r)->logged_in = true;
		if (imap_of(r)->can_known)
			imap_select(r);
		else
			imap_send(r, IMAP_CAPABILITY, "CAPABILITY", NULL);
	}
}

/* --- greeting, capabilities, STARTTLS ------------------------------------------------------------------------------- */

static void take_capabilities(struct retrieval *r, struct imap_tokens words)
{
	struct imap_token word;
	imap_of(r)->can = (struct imap_capabilities){ .idle = false };
	imap_of(r)->can_known = true;
	while ((word = imap_next(&words)).kind == IMAP_ATOM)
		imap_capability(&imap_of(r)->can, &word);
}

/* A CAPABILITY code in a greeting or the answer to a login saves asking. */
static void take_code(struct retrieval *r, const struct imap_token *code)
{
	struct imap_tokens words = imap_tokens(code->text, code->length);
	struct imap_token first = imap_next(&words);
	if (imap_is(&first, "CAPABILITY"))
		take_capabilities(r, words);
}

static void after_capabilities(struct retrieval *r)
{
	struct imap *i = imap_of(r);
	if (i->logged_in) {
		imap_select(r);
	} else if (!i->can.imap4rev1) {
		retrieval_fail(r, E_PROTOCOL, "%s does not speak IMAP4rev1.", peer(r));
	} else if (r->config->server.security == SECURITY_STARTTLS && !line_is_secure(r->line)) {
		if (i->can.starttls)
			imap_send(r, IMAP_STARTTLS, "STARTTLS", NULL);
		else
			retrieval_fail(r, E_TLS,
			               "%s does not offer STARTTLS, so nothing was sent: the server lacks it, or somebody on the "
			               "way has removed the offer. Use useSsl (port 993) if the server has it.",
			               peer(r));
	} else {
		begin_login(r);
	}
}

static void answer_starttls(struct retrieval *r, const struct imap_response *p)
{
	char text[300];
	if (p->status != IMAP_OK) {
		retrieval_fail(r, E_TLS, "%s refused STARTTLS, so nothing was sent: %s", peer(r),
		               retrieval_quote(r, p->text.text, p->text.length, text));
	} else if (line_more_waits(r->line)) {
		retrieval_fail(r, E_PROTOCOL,
		               "%s sent text behind its answer to STARTTLS, before the encryption began. Somebody on the way "
		               "may have injected it; nothing was sent.",
		               peer(r));
	} else {
		imap_of(r)->can_known = false; /* what was said in clear does not count */
		line_secure(r->line);
	}
}

static void answer_greeting(struct retrieval *r, const struct imap_response *p)
{
	char text[300];
	retrieval_quote(r, p->text.text, p->text.length, text);
	if (p->status == IMAP_PREAUTH) {
		retrieval_fail(r, E_PROTOCOL,
		               "%s says that it knows this station without a login (PREAUTH), before anything was encrypted or "
		               "checked. Somebody on the way may have done that; nothing was sent.",
		               peer(r));
	} else if (p->status == IMAP_BYE) {
		retrieval_fail(r, E_DEFERRED, "%s does not serve this station now: %s", peer(r), text);
	} else if (p->status != IMAP_OK) {
		retrieval_fail(r, E_PROTOCOL, "%s greeted with something that is no IMAP greeting. Is it the right port?",
		               peer(r));
	} else if (r->config->server.security != SECURITY_STARTTLS && imap_of(r)->can_known) {
		after_capabilities(r);
	} else {
		imap_send(r, IMAP_CAPABILITY, "CAPABILITY", NULL);
	}
}

/* --- responses ------------------------------------------------------------------------------------------------------ */

static void untagged(struct retrieval *r, struct imap_response *p)
{
	struct imap *i = imap_of(r);
	char text[300];
	if (p->status == IMAP_OK)
		take_code(r, &p->code);
	if (i->command == IMAP_GREETING) {
		answer_greeting(r, p);
	} else if (p->status == IMAP_BYE) {
		retrieval_fail(r, E_DEFERRED, "%s ends the connection: %s", peer(r),
		               retrieval_quote(r, p->text.text, p->text.length, text));
	} else if (p->status == IMAP_DATA && imap_is(&p->name, "CAPABILITY")) {
		take_capabilities(r, p->rest);
	} else if (i->logged_in) {
		imap_poll_data(r, p);
	}
}

static void tagged(struct retrieval *r, const struct imap_response *p)
{
	struct imap *i = imap_of(r);
	char text[300];
	if (p->tag.length != strlen(i->tag) || memcmp(p->tag.text, i->tag, p->tag.length) != 0 ||
	    i->command == IMAP_AT_REST || i->command == IMAP_GREETING) {
		retrieval_fail(r, E_PROTOCOL,
		               "%s answered a command that was not given; such a server cannot be trusted to be understood.",
		               peer(r));
		return;
	}
	line_expect(r->line, 0, NULL);
	switch (i->command) {
	case IMAP_CAPABILITY:
		if (p->status == IMAP_OK && i->can_known)
			after_capabilities(r);
		else
			retrieval_fail(r, E_PROTOCOL, "%s does not tell what it can (CAPABILITY): %s", peer(r),
			               retrieval_quote(r, p->text.text, p->text.length, text));
		break;
	case IMAP_STARTTLS:
		answer_starttls(r, p);
		break;
	case IMAP_AUTHENTICATE:
	case IMAP_LOGIN:
		take_code(r, &p->code);
		answer_login(r, p);
		break;
	default:
		imap_poll_done(r, p);
	}
}

static void go_on(struct retrieval *r, const struct imap_response *p)
{
	char challenge[LINE_LENGTH_MAX + 1];
	if (imap_of(r)->command == IMAP_IDLE) {
		imap_idle_continue(r);
	} else if (imap_of(r)->command == IMAP_AUTHENTICATE) {
		snprintf(challenge, sizeof challenge, "%.*s", (int)p->text.length, p->text.text);
		send_response(r, challenge);
	} else {
		retrieval_fail(r, E_PROTOCOL, "%s asks for more (+) where nothing more was announced.", peer(r));
	}
}

static void no_imap(struct retrieval *r, const char *text, size_t length)
{
	char shown[81];
	peer_text(shown, sizeof shown, text, length);
	if (length >= 2 && (text[0] == 0x15 || text[0] == 0x16) && text[1] == 0x03)
		retrieval_fail(
		    r, E_PROTOCOL,
		    "%s answered with TLS where plain text was expected. Does this port want TLS at once (993)? Then "
		    "set useSsl.",
		    peer(r));
	else
		retrieval_fail(r, E_PROTOCOL,
		               "%s answered \"%s\", which is no IMAP. Is this an IMAP server, and the right port?", peer(r),
		               shown);
}

static void respond(struct retrieval *r)
{
	struct imap_response p;
	struct gathered g = imap_of(r)->response; /* what is read now may end the connection */
	imap_of(r)->response = (struct gathered){ .length = 0 };
	const char *text = g.data ? g.data : "";
	if (++imap_of(r)->lines > LINES_MAX)
		retrieval_fail(r, E_PROTOCOL, "%s sends without end and does not answer.", peer(r));
	else if (!imap_response_read(text, g.length, &p) ||
	         (p.sort == IMAP_CONTINUE && imap_of(r)->command == IMAP_GREETING))
		no_imap(r, text, g.length);
	else if (p.sort == IMAP_UNTAGGED)
		untagged(r, &p);
	else if (p.sort == IMAP_TAGGED)
		tagged(r, &p);
	else
		go_on(r, &p);
	gathered_free(&g);
}

/* --- gathering ------------------------------------------------------------------------------------------------------ */

static void show(struct retrieval *r, const char *text, size_t length)
{
	char shown[LINE_LENGTH_MAX + 1];
	if (!r->config->dialogue)
		return;
	peer_text(shown, sizeof shown, text, length);
	if (r->stage == RETRIEVAL_LOGIN && *shown == '+')
		snprintf(shown, sizeof shown, "+ (redacted)");
	else if (r->stage == RETRIEVAL_LOGIN)
		sasl_scrub(&r->config->server.login, r->config->server.keyring, shown);
	retrieval_said(r, LINE_RECEIVED, "%s", shown);
}

/* So many bytes a response may have now. */
static uint64_t literal_limit(const struct retrieval *r)
{
	if (imap_of(r)->command != IMAP_FETCH || !r->current)
		return LITERAL_MAX;
	int64_t most = r->config->size_limit > BEGINNING_SIZE ? r->config->size_limit : BEGINNING_SIZE;
	return (uint64_t)most;
}

static void line(struct retrieval *r, const char *text, size_t length)
{
	struct gathered *g = &imap_of(r)->response;
	uint64_t bytes, limit = literal_limit(r);
	bool broken;
	show(r, text, length);
	bool more = imap_literal(text, length, g->length == 0, &bytes, &broken);
	if (broken || (more && bytes > limit)) {
		retrieval_fail(r, E_PROTOCOL, "%s announced more text than was asked for; nothing of it was read.", peer(r));
		return;
	}
	if (g->length + length > limit + RESPONSE_MAX || memchr(text, '\0', length)) {
		retrieval_fail(r, E_PROTOCOL, "%s sent an answer that no mail server should send: too long, or with NUL in it.",
		               peer(r));
		return;
	}
	gathered_add(g, text, length);
	if (!more) {
		respond(r);
		return;
	}
	gathered_add(g, "\r\n", 2);
	if (r->config->dialogue)
		retrieval_said(r, LINE_NOTE, "(%llu bytes)", (unsigned long long)bytes);
	if (bytes > 0)
		line_take(r->line, (size_t)bytes);
}

static void bytes(struct retrieval *r, const char *data, size_t length)
{
	gathered_add(&imap_of(r)->response, data, length);
}

/* --- the door ------------------------------------------------------------------------------------------------------- */

static void begin(struct retrieval *r, bool secured_later)
{
	if (secured_later) {
		imap_send(r, IMAP_CAPABILITY, "CAPABILITY", NULL);
		return;
	}
	imap_of(r)->command = IMAP_GREETING;
	r->stage = RETRIEVAL_GREETING;
	retrieval_expect(r, commands[IMAP_GREETING].awaited, 0);
}

static void reset(struct retrieval *r)
{
	struct imap *i = imap_of(r);
	if (i->command == IMAP_IDLE && !i->idling)
		r->no_idle = true; /* it took IDLE and never said so: it is asked now and then instead */
	gathered_free(&i->response);
	gathered_free(&i->body);
	free(i->found);
	*i = (struct imap){ .command = IMAP_AT_REST };
}

static bool at_rest(const struct retrieval *r)
{
	return imap_of(r)->command == IMAP_IDLE && imap_of(r)->idling && !imap_of(r)->leaving;
}

static void leave(struct retrieval *r)
{
	retrieval_write(r, "DONE", NULL);
	imap_send(r, IMAP_AT_REST, "LOGOUT", NULL);
}

const struct dialogue imap_dialogue = {
	.state_size = sizeof(struct imap),
	.begin = begin,
	.line = line,
	.bytes = bytes,
	.poll = imap_look_again,
	.fetch = imap_fetch,
	.settle = imap_settle,
	.finish = imap_finish,
	.at_rest = at_rest,
	.leave = leave,
	.reset = reset,
};
