/* SPDX-License-Identifier: Apache-2.0
 * A connection of an account, seen from both threads. The engine holds a struct sender and posts messages to it; the net
 * thread runs the SMTP dialogue inside it and posts events back, which name the account by handle and generation: events
 * of a connection that the account has let go are ignored. The memory goes on the net thread, when the engine has let go
 * and the dialogue has closed. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "services/email/email_inside.h"
#include "station/must.h"

struct sender {
	/* Constant. */
	struct station *station;
	uint64_t account, generation;
	/* Net thread. */
	struct smtp smtp;
	bool let_go, freed;
};

/* --- engine to net ------------------------------------------------------------------------------------------------- */

enum order_what { ORDER_BEGIN, ORDER_SEND, ORDER_RELEASE, ORDER_QUIT, ORDER_CLOSE };
struct order {
	struct message message;
	struct sender *sender;
	enum order_what what;
	struct smtp_config config;
	struct smtp_message *mail;
	uint64_t id;
};

static const struct smtp_events smtp_events;

static void free_if_over(struct sender *s)
{
	if (s->let_go && s->freed)
		free(s);
}

static void run_order(struct message *m)
{
	struct order *o = container_of(m, struct order, message);
	struct sender *s = o->sender;
	switch (o->what) {
	case ORDER_BEGIN:
		smtp_begin(&s->smtp, &s->station->net.loop, &smtp_events, &o->config);
		break;
	case ORDER_SEND:
		smtp_send(&s->smtp, o->mail);
		break;
	case ORDER_RELEASE:
		smtp_release(&s->smtp, o->id);
		break;
	case ORDER_QUIT:
	case ORDER_CLOSE:
		s->let_go = true;
		if (!s->freed && o->what == ORDER_QUIT)
			smtp_end(&s->smtp);
		else if (!s->freed)
			line_close(&s->smtp.line);
		free_if_over(s);
		break;
	}
	free(o);
}

static struct order *post(struct sender *s, enum order_what what)
{
	struct order *o = must_alloc(sizeof *o);
	*o = (struct order){ .message.run = run_order, .sender = s, .what = what };
	return o;
}

/* --- net to engine ------------------------------------------------------------------------------------------------- */

enum event_what { EVENT_READY, EVENT_FINISHED, EVENT_ENDED, EVENT_TRANSCRIPT };
struct event {
	struct message message;
	struct station *station;
	uint64_t account, generation;
	enum event_what what;
	struct smtp_message *mail;       /* owned */
	struct smtp_facts facts;
	bool failed;
	struct err err;
	char stage[12], direction, *text; /* text owned */
	struct trust_verdict verdict;    /* owned: of a refused peer */
};

static struct outgoing_account *account_of(const struct event *e)
{
	struct component *c = station_by_handle(e->station, e->account);
	return component_is(c, &email_outgoing_account) ? COMPONENT_AS(c, &email_outgoing_account, struct outgoing_account) : NULL;
}

static void run_event(struct message *m)
{
	struct event *e = container_of(m, struct event, message);
	struct outgoing_account *a = account_of(e);
	bool current = a && a->generation == e->generation;
	if (e->what == EVENT_TRANSCRIPT && a)
		account_transcribe(a, e->direction, e->text);
	else if (e->what == EVENT_FINISHED && a) /* also of an older connection: what was accepted was accepted */
		outbox_finished(a, e->mail, &e->facts);
	else if (e->what == EVENT_READY && current)
		outbox_sender_ready(a);
	else if (e->what == EVENT_ENDED) {
		if (e->verdict.seen && !e->verdict.trusted)
			trust_refused(e->station, &e->verdict);
		if (current)
			outbox_sender_ended(a, e->stage, e->failed ? &e->err : NULL);
	}
	if (e->what == EVENT_FINISHED && !a)
		smtp_message_free(&e->mail);
	trust_verdict_clear(&e->verdict);
	free(e->text);
	free(e);
}

static struct event *new_event(struct smtp *smtp, enum event_what what)
{
	struct sender *s = container_of(smtp, struct sender, smtp);
	struct event *e = must_alloc(sizeof *e);
	*e = (struct event){ .message.run = run_event, .station = s->station, .account = s->account, .generation = s->generation, .what = what };
	return e;
}

static void ready(struct smtp *smtp)
{
	struct event *e = new_event(smtp, EVENT_READY);
	station_post(e->station, &e->message);
}

static void finished(struct smtp *smtp, struct smtp_message *m)
{
	struct event *e = new_event(smtp, EVENT_FINISHED);
	e->mail = m;
	e->facts = smtp->facts;
	station_post(e->station, &e->message);
}

static void ended(struct smtp *smtp, const char *stage, const struct err *error)
{
	struct event *e = new_event(smtp, EVENT_ENDED);
	struct trust_verdict *v = &smtp->line.verdict;
	snprintf(e->stage, sizeof e->stage, "%s", stage);
	e->failed = error != NULL;
	if (error)
		e->err = *error;
	if (v->seen && !v->trusted) {
		e->verdict = *v;
		e->verdict.snapshot = NULL;
		v->chain_pem = NULL; /* moved */
	}
	station_post(e->station, &e->message);
}

static void transcript(struct smtp *smtp, char direction, const char *text)
{
	struct event *e = new_event(smtp, EVENT_TRANSCRIPT);
	e->direction = direction;
	e->text = must_strndup(text, 2000);
	station_post(e->station, &e->message);
}

static void freed(struct smtp *smtp)
{
	struct sender *s = container_of(smtp, struct sender, smtp);
	s->freed = true;
	free_if_over(s);
}

static const struct smtp_events smtp_events = { ready, finished, ended, transcript, freed };

/* --- the engine's side ------------------------------------------------------------------------------------------------ */

/* A name that EHLO accepts: letters, digits, dots and hyphens; an address literal does for the rest (RFC 5321 4.1.3). */
static char *greeting_name(void)
{
	char name[256] = "";
	gethostname(name, sizeof name - 1);
	bool ok = *name && *name != '-' && *name != '.';
	for (const char *p = name; *p && ok; p++)
		ok = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || *p == '-' || *p == '.';
	return must_strdup(ok ? name : "[127.0.0.1]");
}

/* Fills the login; the opened password lives until the dialogue has used it. */
static int fill_login(struct outgoing_account *a, struct smtp_config *config, struct err *e)
{
	if (!component_is(a->emailAuthenticator, &email_basic_authenticator))
		return 0;
	struct basic_authenticator *basic = COMPONENT_AS(a->emailAuthenticator, &email_basic_authenticator, struct basic_authenticator);
	if (*basic->account == '\0')
		return 0;
	char *password = *basic->password.sealed ? secret_open(a->c.station->keyring, basic->password.sealed, e) : NULL;
	if (*basic->password.sealed && !password)
		return e->code;
	config->authenticate = true;
	config->account = must_strdup(basic->account);
	config->password = must_strdup(password ? password : "");
	config->mechanism = (enum smtp_mechanism)basic->mechanism;
	secret_wipe(&password);
	return 0;
}

struct sender *sender_open(struct outgoing_account *a)
{
	struct sender *s = must_alloc(sizeof *s);
	s->station = a->c.station;
	s->account = a->c.handle;
	s->generation = ++a->generation;
	struct err e = { 0 };
	struct order *o = post(s, ORDER_BEGIN);
	o->config = (struct smtp_config){
		.host = must_strdup(a->hostname),
		.port = account_effective_port(a),
		.mode = a->useSsl ? SMTP_TLS : a->useStartTls ? SMTP_STARTTLS : SMTP_NONE,
		.least = (enum tls_version)a->tlsMinProtocol,
		.trust = trust_snapshot(a->c.station),
		.greeting_name = greeting_name(),
		.allow_clear = a->allowClearTextCredentials,
		.connect_timeout = a->connectionTimeout.us / 1000,
	};
	if (fill_login(a, &o->config, &e) != 0) {
		trust_release(&o->config.trust);
		free(o->config.host);
		free(o->config.greeting_name);
		free(o);
		free(s);
		account_failed(a, e.text);
		return NULL;
	}
	net_post(&s->station->net, &o->message);
	return s;
}

void sender_send(struct sender *s, struct smtp_message *m)
{
	struct order *o = post(s, ORDER_SEND);
	o->mail = m;
	net_post(&s->station->net, &o->message);
}

void sender_release(struct sender *s, uint64_t id)
{
	struct order *o = post(s, ORDER_RELEASE);
	o->id = id;
	net_post(&s->station->net, &o->message);
}

void sender_close(struct sender **ps, bool in_order)
{
	struct sender *s = *ps;
	*ps = NULL;
	if (s)
		net_post(&s->station->net, &post(s, in_order ? ORDER_QUIT : ORDER_CLOSE)->message);
}
