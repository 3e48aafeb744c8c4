/* SPDX-License-Identifier: Apache-2.0
 * An account's SMTP client, seen from both threads. The engine holds a struct sender and posts orders to it; the net
 * thread runs the client and posts events back, which name the account by its handle. A sender lives as long as its
 * account runs; its memory goes on the net thread, when the engine has let go and the client has ended. */
#include <stdlib.h>
#include <string.h>

#include "services/email/email_inside.h"
#include "station/base/must.h"

#define PATIENCE_US (3 * SECOND_US) /* for the answer to a final dot, when the station ends */

struct sender {
	/* Constant. */
	struct station *station;
	uint64_t account;
	int connection; /* which one of the account's */
	/* Engine. */
	uint64_t configured; /* counts configurations */
	/* Net thread. */
	struct smtp *smtp;
	uint64_t generation; /* of the configuration in use */
};

/* --- net to engine ------------------------------------------------------------------------------------------------- */

enum event_what { EVENT_READY, EVENT_DONE, EVENT_DOWN, EVENT_SAID, EVENT_ENDED };
struct event {
	struct message message;
	struct station *station;
	uint64_t account, generation;
	int connection;
	enum event_what what;
	struct smtp_message *mail;     /* DONE; owned */
	struct smtp_failure failure;   /* DOWN */
	struct trust_verdict verdict;  /* DOWN, when a certificate was refused; owned */
	enum line_direction direction; /* SAID */
	char *text;                    /* SAID; owned */
};

static bool is_current(const struct outgoing_account *a, const struct event *e)
{
	const struct sender *s = a->outbox.connections[e->connection].sender;
	return s && s->configured == e->generation;
}

/* The dialogues of several connections stand in one transcript: all but the first say which they are. */
static void transcribe(struct outgoing_account *a, const struct event *e)
{
	char *text = e->connection > 0 ? must_format("[%d] %s", e->connection + 1, e->text) : must_strdup(e->text);
	account_transcribe(&a->account, e->direction, text);
	free(text);
}

static void run_event(struct message *m)
{
	struct event *e = container_of(m, struct event, message);
	struct component *c = station_by_handle(e->station, e->account);
	struct outgoing_account *a = component_is(c, &email_outgoing_account)
	    ? COMPONENT_AS(c, &email_outgoing_account, struct outgoing_account)
	    : NULL;
	if (e->verdict.seen)
		trust_refused(e->station, &e->verdict);
	if (a && e->what == EVENT_READY)
		outbox_ready(a, e->connection);
	else if (a && e->what == EVENT_DONE)
		outbox_done(a, e->mail);
	else if (a && e->what == EVENT_DOWN)
		outbox_down(a, e->connection, &e->failure, is_current(a, e));
	else if (a && e->what == EVENT_SAID)
		transcribe(a, e);
	else if (a && e->what == EVENT_ENDED)
		a->outbox.open_connections--;
	smtp_message_free(&e->mail);
	trust_verdict_clear(&e->verdict);
	free(e->text);
	free(e);
}

static struct event *new_event(const struct sender *s, enum event_what what)
{
	struct event *e = must_alloc(sizeof *e);
	*e = (struct event){ .message.run = run_event,
		                 .station = s->station,
		                 .account = s->account,
		                 .connection = s->connection,
		                 .generation = s->generation,
		                 .what = what };
	return e;
}

static void done(void *context, struct smtp_message *m)
{
	struct sender *s = context;
	struct event *e = new_event(s, EVENT_DONE);
	e->mail = m;
	station_post(s->station, &e->message);
}

static void down(void *context, const struct smtp_failure *f)
{
	struct sender *s = context;
	struct event *e = new_event(s, EVENT_DOWN);
	e->failure = *f;
	e->failure.verdict = NULL; /* borrowed for the call only */
	if (f->verdict) {
		e->verdict = *f->verdict;
		e->verdict.snapshot = NULL; /* its reference stays with the connection */
		e->verdict.chain_pem = f->verdict->chain_pem ? must_strdup(f->verdict->chain_pem) : NULL;
	}
	station_post(s->station, &e->message);
}

static void said(void *context, enum line_direction direction, const char *text)
{
	struct sender *s = context;
	struct event *e = new_event(s, EVENT_SAID);
	e->direction = direction;
	e->text = must_strdup(text);
	station_post(s->station, &e->message);
}

static void ended(void *context)
{
	struct sender *s = context;
	struct event *e = new_event(s, EVENT_ENDED);
	station_post(s->station, &e->message);
	smtp_free(&s->smtp);
	free(s);
}

static void ready(void *context)
{
	struct sender *s = context;
	station_post(s->station, &new_event(s, EVENT_READY)->message);
}

static const struct smtp_events smtp_events = { ready, done, down, said, ended };

/* --- engine to net ------------------------------------------------------------------------------------------------- */

enum order_what { ORDER_CONFIGURE, ORDER_CONNECT, ORDER_SEND, ORDER_SETTLE, ORDER_END };
struct order {
	struct message message;
	struct sender *sender;
	enum order_what what;
	struct smtp_config *config; /* CONFIGURE; owned */
	uint64_t generation;
	struct smtp_message *mail; /* SEND; owned */
};

static void run_order(struct message *m)
{
	struct order *o = container_of(m, struct order, message);
	struct sender *s = o->sender;
	if (!s->smtp)
		s->smtp = smtp_new(&s->station->net.loop, &smtp_events, s);
	switch (o->what) {
	case ORDER_CONFIGURE:
		s->generation = o->generation;
		smtp_configure(s->smtp, o->config);
		break;
	case ORDER_CONNECT:
		smtp_connect(s->smtp);
		break;
	case ORDER_SEND:
		smtp_send(s->smtp, o->mail);
		break;
	case ORDER_SETTLE:
		smtp_settle(s->smtp);
		break;
	case ORDER_END:
		smtp_end(s->smtp, PATIENCE_US);
		break;
	}
	free(o);
}

static struct order *new_order(struct sender *s, enum order_what what)
{
	struct order *o = must_alloc(sizeof *o);
	*o = (struct order){ .message.run = run_order, .sender = s, .what = what };
	return o;
}

static void post(struct order *o)
{
	net_post(&o->sender->station->net, &o->message);
}

/* --- the configuration --------------------------------------------------------------------------------------------- */

static struct smtp_config *make_config(const struct outgoing_account *a)
{
	struct smtp_config *c = must_alloc(sizeof *c);
	struct err e = { 0 };
	account_server(&a->account, &c->server, &e); /* may_connect has looked whether there is a login */
	account_own_name(c->helo, sizeof c->helo);
	c->dialogue = a->account.debug;
	return c;
}

/* --- the engine's side --------------------------------------------------------------------------------------------- */

struct sender *sender_open(const struct outgoing_account *a, int connection)
{
	struct sender *s = must_alloc(sizeof *s);
	s->station = a->account.c.station;
	s->account = a->account.c.handle;
	s->connection = connection;
	return s;
}

void sender_configure(struct sender *s, const struct outgoing_account *a)
{
	struct order *o = new_order(s, ORDER_CONFIGURE);
	o->config = make_config(a);
	o->generation = ++s->configured;
	post(o);
}

void sender_send(struct sender *s, struct smtp_message *m)
{
	struct order *o = new_order(s, ORDER_SEND);
	o->mail = m;
	post(o);
}

void sender_connect(struct sender *s)
{
	post(new_order(s, ORDER_CONNECT));
}

void sender_settle(struct sender *s)
{
	if (s) /* none when the account is ending: nothing more will leave */
		post(new_order(s, ORDER_SETTLE));
}

void sender_end(struct sender **ps)
{
	struct sender *s = *ps;
	*ps = NULL;
	if (s)
		post(new_order(s, ORDER_END));
}
