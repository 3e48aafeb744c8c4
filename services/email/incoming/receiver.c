/* SPDX-License-Identifier: Apache-2.0
 * An incoming account's retrieval, seen from both threads. The engine holds a struct receiver and posts orders to it; the
 * net thread runs the dialogue and posts events back, which name the account by its handle and carry the generation of the
 * configuration, so that what comes from an old connection is not taken for news. */
#include <stdlib.h>
#include <string.h>

#include "services/email/account/authenticator.h"
#include "services/email/incoming/incoming.h"
#include "station/base/must.h"

struct receiver {
	/* Constant. */
	struct station *station;
	uint64_t account;
	/* Engine. */
	uint64_t configured; /* counts configurations */
	/* Net thread. */
	struct retrieval *retrieval;
	uint64_t generation; /* of the configuration in use */
};

/* --- net to engine ------------------------------------------------------------------------------------------------- */

enum event_what { EVENT_MAIL, EVENT_CONFIRMED, EVENT_POLLED, EVENT_DOWN, EVENT_SAID };
struct event {
	struct message message;
	struct station *station;
	uint64_t account, generation;
	enum event_what what;
	struct retrieved *mail;           /* MAIL; owned */
	struct retrieval_summary summary; /* POLLED; what it points to is owned: */
	struct uid_set seen;
	char **gone, *trouble;
	struct err err;                /* DOWN */
	struct trust_verdict verdict;  /* DOWN, when a certificate was refused; owned */
	enum line_direction direction; /* SAID */
	char *text;                    /* SAID, CONFIRMED; owned */
};

static void tell(struct incoming_account *a, struct event *e)
{
	bool current = a->receiver && a->receiver->configured == e->generation;
	struct retrieved *mail = e->mail;
	e->mail = NULL;
	if (e->what == EVENT_SAID)
		account_transcribe(&a->account, e->direction, e->text);
	else if (e->what == EVENT_CONFIRMED)
		mailbox_book_confirmed(a, e->text);
	else if (!current)
		retrieved_free(&mail);
	else if (e->what == EVENT_MAIL)
		incoming_mail(a, mail);
	else if (e->what == EVENT_POLLED)
		incoming_polled(a, &e->summary);
	else
		incoming_down(a, &e->err);
}

static void run_event(struct message *m)
{
	struct event *e = container_of(m, struct event, message);
	struct component *c = station_by_handle(e->station, e->account);
	if (e->verdict.seen)
		trust_refused(e->station, &e->verdict);
	if (incoming_of(c))
		tell(incoming_of(c), e);
	retrieved_free(&e->mail);
	trust_verdict_clear(&e->verdict);
	for (size_t i = 0; i < e->summary.gone_count; i++)
		free(e->gone[i]);
	free(e->gone);
	free(e->trouble);
	free(e->text);
	free(e);
}

static struct event *new_event(const struct receiver *r, enum event_what what)
{
	struct event *e = must_alloc(sizeof *e);
	*e = (struct event){ .message.run = run_event,
		                 .station = r->station,
		                 .account = r->account,
		                 .generation = r->generation,
		                 .what = what };
	return e;
}

static void mail(void *context, struct retrieved *m)
{
	struct receiver *r = context;
	struct event *e = new_event(r, EVENT_MAIL);
	e->mail = m;
	station_post(r->station, &e->message);
}

static void confirmed(void *context, const char *uid)
{
	struct receiver *r = context;
	struct event *e = new_event(r, EVENT_CONFIRMED);
	e->text = must_strdup(uid);
	station_post(r->station, &e->message);
}

static void polled(void *context, const struct retrieval_summary *s)
{
	struct receiver *r = context;
	struct event *e = new_event(r, EVENT_POLLED);
	e->summary = *s;
	e->summary.trouble = e->trouble = must_strdup(s->trouble);
	if (s->seen) {
		e->seen = *s->seen;
		e->summary.seen = &e->seen;
	}
	e->gone = must_alloc((s->gone_count + 1) * sizeof *e->gone);
	for (size_t i = 0; i < s->gone_count; i++)
		e->gone[i] = must_strdup(s->gone[i]);
	e->summary.gone = e->gone;
	station_post(r->station, &e->message);
}

static void down(void *context, const struct retrieval_failure *f)
{
	struct receiver *r = context;
	struct event *e = new_event(r, EVENT_DOWN);
	e->err = f->err;
	if (f->verdict) {
		e->verdict = *f->verdict;
		e->verdict.snapshot = NULL; /* its reference stays with the connection */
		e->verdict.chain_pem = f->verdict->chain_pem ? must_strdup(f->verdict->chain_pem) : NULL;
	}
	station_post(r->station, &e->message);
}

static void said(void *context, enum line_direction direction, const char *text)
{
	struct receiver *r = context;
	struct event *e = new_event(r, EVENT_SAID);
	e->direction = direction;
	e->text = must_strdup(text);
	station_post(r->station, &e->message);
}

static const struct retrieval_events retrieval_events = { mail, confirmed, polled, down, said };

/* --- engine to net ------------------------------------------------------------------------------------------------- */

enum order_what { ORDER_CONFIGURE, ORDER_POLL, ORDER_SETTLE, ORDER_END };
struct order {
	struct message message;
	struct receiver *receiver;
	enum order_what what;
	struct retrieval_config *config; /* CONFIGURE; owned */
	uint64_t generation;
	struct retrieval_memory *memory; /* POLL; owned */
	char *uid;                       /* SETTLE; owned */
	enum disposition disposition;
};

static void run_order(struct message *m)
{
	struct order *o = container_of(m, struct order, message);
	struct receiver *r = o->receiver;
	if (!r->retrieval)
		r->retrieval = retrieval_new(&r->station->net.loop, &retrieval_events, r);
	switch (o->what) {
	case ORDER_CONFIGURE:
		retrieval_configure(r->retrieval, o->config);
		r->generation = o->generation;
		break;
	case ORDER_POLL:
		retrieval_poll(r->retrieval, o->memory);
		break;
	case ORDER_SETTLE:
		retrieval_settle(r->retrieval, o->uid, o->disposition);
		break;
	case ORDER_END:
		retrieval_free(&r->retrieval);
		free(r);
		break;
	}
	free(o->uid);
	free(o);
}

static struct order *new_order(struct receiver *r, enum order_what what)
{
	struct order *o = must_alloc(sizeof *o);
	*o = (struct order){ .message.run = run_order, .receiver = r, .what = what };
	return o;
}

static void post(struct order *o)
{
	net_post(&o->receiver->station->net, &o->message);
}

/* --- the configuration --------------------------------------------------------------------------------------------- */

static struct retrieval_config *make_config(const struct incoming_account *a)
{
	struct retrieval_config *c = must_alloc(sizeof *c);
	struct err e = { 0 };
	*c = (struct retrieval_config){
		.protocol = (enum retrieval_protocol)a->store,
		.idle = a->idle,
		.unread_only = a->emailToRead == 0,
		.beginning_only = a->ignoreAttachments,
		.size_limit = a->incomingEmailSizeLimit * 1024,
		.poll_bytes = a->sizeLimitPerPoll * 1024,
		.dialogue = a->account.debug,
	};
	account_server(&a->account, &c->server, &e); /* whoever polls has looked whether there is a login */
	return c;
}

/* --- the engine's side --------------------------------------------------------------------------------------------- */

struct receiver *receiver_open(const struct incoming_account *a)
{
	struct receiver *r = must_alloc(sizeof *r);
	r->station = a->account.c.station;
	r->account = a->account.c.handle;
	return r;
}

void receiver_configure(struct receiver *r, const struct incoming_account *a)
{
	struct order *o = new_order(r, ORDER_CONFIGURE);
	o->config = make_config(a);
	o->generation = ++r->configured;
	post(o);
}

void receiver_poll(struct receiver *r, struct retrieval_memory *memory)
{
	struct order *o = new_order(r, ORDER_POLL);
	o->memory = memory;
	post(o);
}

void receiver_settle(struct receiver *r, const char *uid, enum disposition d)
{
	struct order *o = new_order(r, ORDER_SETTLE);
	o->uid = must_strdup(uid);
	o->disposition = d;
	post(o);
}

void receiver_end(struct receiver **pr)
{
	struct receiver *r = *pr;
	*pr = NULL;
	if (r)
		post(new_order(r, ORDER_END));
}
