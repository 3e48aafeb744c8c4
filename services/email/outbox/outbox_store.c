/* SPDX-License-Identifier: Apache-2.0
 * How mails come into an account's outbox: new ones, as rows of a transaction that may be an alarm's, and at the start
 * those that the store still has open, a few at a time. Engine thread. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "services/email/ack/acknowledger.h"
#include "services/email/content/message.h"
#include "services/email/email_inside.h"
#include "station/base/log.h"
#include "station/base/must.h"

enum {
	LOAD_MAILS = 8 /* as many values as a query takes for one slot */,
	LOAD_DELIVERIES = LOAD_MAILS * SMTP_RECIPIENTS_MAX,
	VIEWS_KEPT = 1000 /* some 3 KB each; further mails that wait are parsed when they go */
};

/* --- new mail ------------------------------------------------------------------------------------------------------ */

static bool known(const struct outgoing *o, const char *address)
{
	for (size_t i = 0; i < o->count; i++)
		if (strcasecmp(o->deliveries[i].address, address) == 0)
			return true;
	return false;
}

/* One delivery for each address, however often it stands there. */
static void fill_deliveries(struct outgoing *o, const struct draft *d)
{
	o->deliveries = must_alloc((d->count + 1) * sizeof *o->deliveries);
	for (size_t i = 0; i < d->count; i++) {
		if (known(o, d->to[i].address))
			continue;
		struct delivery_record *r = &o->deliveries[o->count++];
		record_init(&delivery_kind, r);
		r->mail = must_strdup(o->mail.id);
		r->address = must_strdup(d->to[i].address);
		r->name = must_strdup(d->to[i].name);
		r->recipient = must_strdup(d->recipient);
		r->alarm = must_strdup(d->alarm);
		r->account = must_strdup(o->mail.account);
		r->field = (int)d->to[i].field;
		r->open = true;
	}
}

static void fill_mail(struct station *s, struct mail_record *m, const struct outgoing_account *a,
                      const char *account_name, const struct draft *d)
{
	char uuid[37], from[ADDRESS_SIZE] = "";
	uuid_make(uuid);
	if (a)
		account_sender_address(a, from, sizeof from);
	char *ascii_from = message_envelope_address(from);
	const char *domain = strrchr(ascii_from, '@');
	record_init(&mail_kind, m);
	m->id = must_strdup(uuid);
	m->sequence = station_sequence(s);
	m->account = must_strdup(a ? a->account.c.name : account_name);
	m->firstAccount = must_strdup(m->account);
	m->digest = must_strdup("");
	m->kind = (int)d->kind;
	m->open = true;
	m->created.us = station_now(s);
	m->subject = must_strdup(d->subject);
	m->body = must_strdup(d->body);
	m->from = must_strdup(from);
	m->replyTo = must_strdup(a ? a->replyTo.address : "");
	m->messageId = must_format("%s@%s", uuid, domain ? domain + 1 : "belfry.invalid");
	m->alarm = must_strdup(d->alarm);
	m->priority = d->priority;
	m->encryption = (int)d->encryption;
	m->recipient = (int64_t)d->recipient_handle;
	m->data = must_strdup(d->data ? d->data : "");
	free(ascii_from);
}

/* The hook of the transaction that carries a new mail. */
struct arriving {
	struct station *station;
	struct outgoing *mail; /* owned */
};

static void arrived(void *context, int code, const struct err *e)
{
	struct arriving *x = context;
	struct outgoing_account *a = account_by_name(x->station, x->mail->mail.account);
	if (code != 0 && x->mail->mail.kind == MAIL_CONFIRMATION) { /* nothing was done: the answer will be read again */
		outgoing_free(x->mail);
		free(x);
		return;
	}
	if (code != 0) /* an alarm is mailed from memory rather than not at all */
		log_error("mail %s could not be written and is sent from memory: %s", x->mail->mail.id, e->text);
	ledger_tell(x->station, x->mail);
	if (a && a->outbox.ready.count + a->outbox.waiting.count >= VIEWS_KEPT)
		value_clear(&x->mail->view);
	if (a && (a->account.c.flags & COMPONENT_RUNNING)) {
		outbox_enqueue(a, x->mail);
	} else { /* it is on disk; an account of that name will find it there */
		log_warn("mail %s waits: there is no account \"%s\"", x->mail->mail.id, x->mail->mail.account);
		outgoing_free(x->mail);
	}
	free(x);
}

static void add_one(struct station *s, struct outgoing_account *a, const char *account_name, struct store_tx *tx,
                    const struct draft *d, char *id)
{
	struct outgoing *o = must_alloc(sizeof *o);
	fill_mail(s, &o->mail, a, account_name, d);
	fill_deliveries(o, d);
	if (d->view)
		value_copy(&o->view, d->view);
	if (d->answers)
		ack_offer(s, o, d->answers, tx);
	store_tx_put(tx, &mail_kind, &o->mail);
	for (size_t i = 0; i < o->count; i++)
		store_tx_put(tx, &delivery_kind, &o->deliveries[i]);
	struct arriving *x = must_alloc(sizeof *x);
	*x = (struct arriving){ s, o };
	store_tx_hook(tx, arrived, x);
	if (id)
		memcpy(id, o->mail.id, 37);
}

/* A mail is encrypted as a whole. So those that it can be encrypted for get one of their own, and the others another. */
static void add_divided(struct station *s, struct outgoing_account *a, const char *account_name, struct store_tx *tx,
                        const struct draft *d, char *id)
{
	struct draft_recipient *group = must_alloc(d->count * sizeof *group);
	for (int known = 1; known >= 0; known--) {
		struct draft part = *d;
		part.to = group;
		part.count = 0;
		for (size_t i = 0; i < d->count; i++)
			if ((trust_recipient_certificate(s, d->to[i].address, NULL) != NULL) == known)
				group[part.count++] = d->to[i];
		if (part.count == 0)
			continue;
		add_one(s, a, account_name, tx, &part, id);
		id = NULL; /* of the first */
	}
	free(group);
}

void outbox_add(struct station *s, struct outgoing_account *a, const char *account_name, struct store_tx *tx,
                const struct draft *d, char *id)
{
	if (d->encryption == ENCRYPTION_NONE)
		add_one(s, a, account_name, tx, d, id);
	else
		add_divided(s, a, account_name, tx, d, id);
}

void outgoing_free(struct outgoing *o)
{
	record_finish(&mail_kind, &o->mail);
	for (size_t i = 0; i < o->count; i++)
		record_finish(&delivery_kind, &o->deliveries[i]);
	free(o->deliveries);
	value_clear(&o->view);
	free(o);
}

static struct outgoing *find_in(const struct mail_heap *h, int64_t sequence)
{
	for (size_t i = 0; i < h->count; i++)
		if (h->items[i]->mail.sequence == sequence)
			return h->items[i];
	return NULL;
}

struct outgoing *outbox_find(struct station *s, const struct mail_record *m)
{
	struct outgoing_account *a = account_by_name(s, m->account);
	struct outgoing *found = a ? find_in(&a->outbox.ready, m->sequence) : NULL;
	if (a && !found)
		found = find_in(&a->outbox.waiting, m->sequence);
	for (struct outgoing *o = a ? a->outbox.flying : NULL; o && !found; o = o->next)
		found = o->mail.sequence == m->sequence ? o : NULL;
	return found;
}

/* --- what the store has -------------------------------------------------------------------------------------------- */

struct loading {
	struct station *station;
	uint64_t account;
	int64_t after, before;              /* sequences: what has been read; what has come since we began */
	struct outgoing *mails[LOAD_MAILS]; /* owned until enqueued */
	size_t count;
	bool more;
};

static struct outgoing_account *account_loading(const struct loading *l)
{
	struct component *c = station_by_handle(l->station, l->account);
	bool there = component_is(c, &email_outgoing_account) && (c->flags & COMPONENT_RUNNING);
	return there ? COMPONENT_AS(c, &email_outgoing_account, struct outgoing_account) : NULL;
}

static void load_next(struct loading *l);

/* All is there, in its order: now it may go. */
static void loading_end(struct loading *l)
{
	struct outgoing_account *a = account_loading(l);
	if (a) {
		a->outbox.loading = false;
		account_show_queue(a, 0);
		outbox_pump(a);
	}
	free(l);
}

static void add_delivery(struct loading *l, const struct delivery_record *r)
{
	for (size_t i = 0; i < l->count; i++) {
		struct outgoing *o = l->mails[i];
		if (strcmp(r->mail, o->mail.id) != 0)
			continue;
		o->deliveries = must_realloc(o->deliveries, (o->count + 1) * sizeof *o->deliveries);
		record_copy(&delivery_kind, &o->deliveries[o->count++], r);
	}
}

static void deliveries_read(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct loading *l = context;
	struct outgoing_account *a = account_loading(l);
	if (code != 0)
		log_error("the outbox could not be read: %s", e->text);
	for (size_t i = 0; code == 0 && i < rows->count; i++)
		add_delivery(l, store_row(rows, i));
	for (size_t i = 0; i < l->count; i++) {
		if (a && code == 0 && l->mails[i]->count)
			outbox_enqueue(a, l->mails[i]);
		else
			outgoing_free(l->mails[i]);
	}
	l->count = 0;
	if (a && code == 0 && l->more)
		load_next(l);
	else
		loading_end(l);
}

static void mails_read(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct loading *l = context;
	if (code != 0)
		log_error("the outbox could not be read: %s", e->text);
	if (code != 0 || rows->count == 0) {
		loading_end(l);
		return;
	}
	struct store_query q = { .kind = &delivery_kind, .limit = LOAD_DELIVERIES };
	for (size_t i = 0; i < rows->count; i++) {
		struct outgoing *o = must_alloc(sizeof *o);
		record_copy(&mail_kind, &o->mail, store_row(rows, i));
		l->mails[l->count++] = o;
		l->after = o->mail.sequence;
		store_where_add(&q, "mail", STORE_EQ, value_string(o->mail.id));
	}
	l->more = rows->more;
	store_ask(l->station->store, &q, deliveries_read, l);
}

static void load_next(struct loading *l)
{
	struct outgoing_account *a = account_loading(l);
	struct store_query q = { .kind = &mail_kind, .order = "sequence", .limit = LOAD_MAILS };
	store_where_add(&q, "open", STORE_EQ, value_boolean(true));
	store_where_add(&q, "account", STORE_EQ, value_string(a->account.c.name));
	if (a == account_first(l->station)) /* mails from a time when there was no account */
		store_where_add(&q, "account", STORE_EQ, value_string(""));
	store_where_add(&q, "sequence", STORE_GT, value_integer(l->after));
	store_where_add(&q, "sequence", STORE_LT, value_integer(l->before));
	store_ask(l->station->store, &q, mails_read, l);
}

void outbox_load(struct outgoing_account *a)
{
	struct loading *l = must_alloc(sizeof *l);
	*l = (struct loading){ .station = a->account.c.station,
		                   .account = a->account.c.handle,
		                   .after = -1,
		                   .before = station_sequence(a->account.c.station) };
	a->outbox.loading = true;
	load_next(l);
}

/* --- another name -------------------------------------------------------------------------------------------------- */

static void set_name(char **field, const char *name)
{
	static const struct slot row = { .name = "account", .kind = V_STRING };
	struct value v = value_string(name);
	slot_write(&row, field, &v);
}

static void rename_one(struct outgoing *o, const char *name, struct store_tx *tx)
{
	if (strcmp(o->mail.account, name) == 0)
		return;
	if (strcmp(o->mail.firstAccount, o->mail.account) == 0)
		set_name(&o->mail.firstAccount, name);
	set_name(&o->mail.account, name);
	store_tx_put(tx, &mail_kind, &o->mail);
	for (size_t i = 0; i < o->count; i++) {
		set_name(&o->deliveries[i].account, name);
		store_tx_put(tx, &delivery_kind, &o->deliveries[i]);
	}
}

void outbox_renamed(struct outgoing_account *a)
{
	struct outbox *b = &a->outbox;
	struct store_tx *tx = store_tx_new();
	for (size_t i = 0; i < b->ready.count; i++)
		rename_one(b->ready.items[i], a->account.c.name, tx);
	for (size_t i = 0; i < b->waiting.count; i++)
		rename_one(b->waiting.items[i], a->account.c.name, tx);
	for (struct outgoing *o = b->flying; o; o = o->next)
		rename_one(o, a->account.c.name, tx);
	if (store_tx_empty(tx))
		store_tx_free(&tx);
	else
		store_commit(a->account.c.station->store, tx, NULL, NULL);
}
