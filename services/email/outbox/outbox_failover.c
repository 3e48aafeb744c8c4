/* SPDX-License-Identifier: Apache-2.0
 * When an account stays down: after failoverDelay its circuit opens, which is an alarm, and its mails go through
 * fallbackAccount, and on through that one's if that is down as well. Meanwhile the account is tried: half open. A mail
 * remembers the account that it was meant for (firstAccount), and returns to it rather than wait elsewhere. See outbox.h. */
#include <stdlib.h>
#include <string.h>

#include "services/email/email_inside.h"
#include "services/email/outbox/outbox.h"
#include "station/base/log.h"
#include "station/base/must.h"

enum { HOPS_MAX = 16, MOVE_AT_ONCE = 100 };
static const char condition[] = "circuitBreaker";

static int64_t now_of(const struct outgoing_account *a)
{
	return clock_mono(&a->account.c.station->clock);
}

static void set_circuit(struct outgoing_account *a, enum circuit_breaker state)
{
	if (a->circuitBreaker != (int)state)
		account_set(&a->account, "circuitBreaker", (struct value){ .kind = V_ENUM, .ordinal = (int)state });
}

static bool in_service(const struct outgoing_account *a)
{
	return a->account.enabled && (a->account.c.flags & COMPONENT_RUNNING) && a->circuitBreaker == CIRCUIT_CLOSED &&
	    (*a->account.hostname || a->transport == TRANSPORT_MAILDIR);
}

/* The first account in service of the chain that begins with the one of that name, other than a; NULL: none. */
static struct outgoing_account *in_chain(const struct outgoing_account *a, const char *name)
{
	struct outgoing_account *b = account_by_name(a->account.c.station, name);
	for (int hops = 0; b && hops < HOPS_MAX; hops++) {
		if (b != a && in_service(b))
			return b;
		b = account_by_name(a->account.c.station, b->fallbackAccount);
	}
	return NULL;
}

static struct outgoing_account *target_of(const struct outgoing_account *a, const struct outgoing *o)
{
	struct outgoing_account *first = in_chain(a, o->mail.firstAccount);
	return first ? first : in_chain(a, a->account.c.name);
}

struct outgoing_account *failover_route(struct outgoing_account *a, const char *source)
{
	char *ord = component_ord(&a->account.c);
	bool about_itself = a->circuitBreaker != CIRCUIT_CLOSED && strstr(source, ord) && !in_chain(a, a->account.c.name);
	free(ord);
	for (struct component *c = a->account.c.parent->first; about_itself && c; c = c->next)
		if (component_is(c, &email_outgoing_account) && in_service((struct outgoing_account *)c))
			return (struct outgoing_account *)c;
	return a;
}

/* --- moving mails ----------------------------------------------------------------------------------------------------- */

struct moving {
	struct station *station;
	uint64_t account;
};

static void moved(void *context, int code, const struct err *e)
{
	struct moving *m = context;
	struct component *c = station_by_handle(m->station, m->account);
	if (code != 0) /* memory knows it; after a restart they begin with the first account again */
		log_error("mails that go through another account could not be noted: %s", e->text);
	if (component_is(c, &email_outgoing_account)) {
		struct outgoing_account *a = (struct outgoing_account *)c;
		a->outbox.writing--;
		a->outbox.failover.moving = false;
		outbox_pump(a);
	}
	free(m);
}

static void note_move(struct outgoing_account *a, const struct outgoing_account *to, struct outgoing *o,
                      struct store_tx *tx)
{
	char *text = must_format("The account %s is down (%s); the mail goes through %s.", a->account.c.name,
	                         a->account.lastPollFailureCause, to->account.c.name);
	ledger_reroute(a, o, to->account.c.name, text, tx);
	free(text);
}

/* Gives mails that may go now to accounts that can send them, some at a time. Written first: what comes of them is
 * written later. */
static void move_mails(struct outgoing_account *a)
{
	struct outbox *b = &a->outbox;
	struct mail_heap staying = { .before = b->ready.before };
	struct store_tx *tx = store_tx_new();
	struct outgoing *mails[MOVE_AT_ONCE];
	struct outgoing_account *to[MOVE_AT_ONCE];
	size_t count = 0;
	while (count < MOVE_AT_ONCE && (mails[count] = mail_heap_pop(&b->ready))) {
		to[count] = target_of(a, mails[count]);
		if (!to[count]) {
			mail_heap_push(&staying, mails[count]);
			continue;
		}
		note_move(a, to[count], mails[count], tx);
		count++;
	}
	for (struct outgoing *o; (o = mail_heap_pop(&staying));)
		mail_heap_push(&b->ready, o);
	free(staying.items);
	if (count == 0) {
		store_tx_free(&tx);
		return;
	}
	struct moving *m = must_alloc(sizeof *m);
	*m = (struct moving){ a->account.c.station, a->account.c.handle };
	b->failover.moving = true;
	b->writing++;
	store_commit(m->station->store, tx, moved, m);
	for (size_t i = 0; i < count; i++) {
		account_show_queue(a, -1);
		outbox_enqueue(to[i], mails[i]);
	}
}

/* --- the circuit breaker ---------------------------------------------------------------------------------------------- */

static void open_circuit(struct outgoing_account *a)
{
	const struct outgoing_account *to = in_chain(a, a->account.c.name);
	char *way = to ? must_format("Mail goes through %s", to->account.c.name)
	               : must_format("Its mail waits: no other account is in service as fallbackAccount");
	const char *cause = a->account.lastPollFailureCause; /* may end in the server's words */
	char *text = must_format("The account %s cannot send. %s%s %s.", a->account.c.name, cause,
	                         *cause && cause[strlen(cause) - 1] == '.' ? "" : ".", way);
	set_circuit(a, CIRCUIT_OPEN);
	account_offnormal(&a->account, condition, text);
	free(text);
	free(way);
}

void failover_down(struct outgoing_account *a, enum smtp_stage stage)
{
	struct outbox *b = &a->outbox;
	b->failover.failed_stage = stage;
	b->failover.probing = b->failover.on_trial = false;
	if (!b->failover.failing)
		b->failover.failing_since = now_of(a);
	b->failover.failing = true;
	if (a->circuitBreaker != CIRCUIT_CLOSED)
		set_circuit(a, CIRCUIT_OPEN);
}

void failover_works(struct outgoing_account *a)
{
	struct failover *f = &a->outbox.failover;
	f->failing = f->probing = f->on_trial = false;
	if (a->circuitBreaker == CIRCUIT_CLOSED)
		return;
	set_circuit(a, CIRCUIT_CLOSED);
	account_normal(&a->account, condition, "The account can send again.");
}

bool failover_ready(struct outgoing_account *a)
{
	struct outbox *b = &a->outbox;
	if (!b->failover.probing)
		return false;
	b->failover.probing = false;
	b->failover.on_trial = b->failover.failed_stage >= STAGE_MAIL; /* a login proves nothing: the next mail does */
	return !b->failover.on_trial;
}

/* What has failed before the restart is looked at again, even when there is no mail. */
void failover_start(struct outgoing_account *a)
{
	a->outbox.failover = (struct failover){ .failing = false };
	if (account_in_alarm(&a->account, condition))
		set_circuit(a, CIRCUIT_OPEN);
}

static void look_whether_to_open(struct outgoing_account *a)
{
	const struct failover *f = &a->outbox.failover;
	if (a->circuitBreaker != CIRCUIT_CLOSED || !f->failing)
		return;
	if (now_of(a) >= f->failing_since + a->failoverDelay.us)
		open_circuit(a);
	else
		outbox_pump_at(a, f->failing_since + a->failoverDelay.us);
}

bool failover_look(struct outgoing_account *a)
{
	struct outbox *b = &a->outbox;
	struct failover *f = &b->failover;
	look_whether_to_open(a);
	if (a->circuitBreaker == CIRCUIT_CLOSED)
		return false;
	if (!f->on_trial && !f->moving)
		move_mails(a);
	if (f->probing)
		return false;
	if (now_of(a) < b->retry_at) {
		outbox_pump_at(a, b->retry_at);
		return false;
	}
	set_circuit(a, CIRCUIT_HALF_OPEN);
	f->probing = b->ready.count == 0 && !b->flying && !f->on_trial && a->transport == TRANSPORT_SMTP;
	return f->probing;
}

/* --- rules ------------------------------------------------------------------------------------------------------------ */

static const struct outgoing_account *next_in_plan(const struct outgoing_account *plan, const struct component *service,
                                                   const struct batch *b)
{
	const struct component *c = *plan->fallbackAccount ? component_child(service, plan->fallbackAccount) : NULL;
	c = c && component_is(c, &email_outgoing_account) ? planned(b, c) : NULL;
	return (const struct outgoing_account *)c;
}

void failover_check(const struct component *c, const struct batch *b, struct report *report)
{
	const struct outgoing_account *own = (const struct outgoing_account *)planned(b, c), *next = own;
	if (!own || !*own->fallbackAccount)
		return;
	char chain[400];
	size_t length = (size_t)snprintf(chain, sizeof chain, "%s", c->name);
	for (int hops = 0; next && *next->fallbackAccount; hops++) {
		if (length < sizeof chain)
			length += (size_t)snprintf(chain + length, sizeof chain - length, " → %s", next->fallbackAccount);
		if (strcmp(next->fallbackAccount, c->name) == 0 || hops == HOPS_MAX) {
			report_error(report, E_INVALID, "fallbackAccount",
			             "The chain of fallback accounts runs in a circle: %s. Choose another account.", chain);
			return;
		}
		next = next_in_plan(next, c->parent, b);
	}
}
