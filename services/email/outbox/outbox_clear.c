/* SPDX-License-Identifier: Apache-2.0
 * clearQueue: every mail that waits is cancelled, by name of who asked; the ledger keeps all of them. What is on its way
 * to the server already is not stopped. A few at a time, so that alarms are not kept from the disk. See outbox.h. */
#include <stdlib.h>
#include <string.h>

#include "services/email/email_inside.h"
#include "services/email/outbox/outbox.h"
#include "station/base/must.h"

enum { CLEAR_AT_ONCE = 100 };

struct clearing {
	struct station *station;
	uint64_t account;
	struct invocation *inv;  /* borrowed until it is done */
	char *text;              /* owned; what the ledger says */
	struct outgoing **mails; /* owned */
	size_t count, written, begun;
};

static struct outgoing_account *account_of_clearing(const struct clearing *c)
{
	struct component *account = station_by_handle(c->station, c->account);
	return component_is(account, &email_outgoing_account) ? (struct outgoing_account *)account : NULL;
}

/* With an error: what is not cancelled goes back. */
static void clearing_end(struct clearing *c, int code, const struct err *e)
{
	struct outgoing_account *a = account_of_clearing(c);
	for (size_t i = c->written; i < c->count; i++) {
		if (a)
			outbox_place(a, c->mails[i]);
		else
			outgoing_free(c->mails[i]);
	}
	if (a)
		a->outbox.writing--;
	if (code != 0)
		c->inv->err = *e;
	else
		c->inv->result = value_integer((int64_t)c->count);
	invocation_done(c->inv, code);
	free(c->mails);
	free(c->text);
	free(c);
}

static void clear_some(struct clearing *c);

static void some_written(void *context, int code, const struct err *e)
{
	struct clearing *c = context;
	struct outgoing_account *a = account_of_clearing(c);
	int64_t n = (int64_t)(c->begun - c->written);
	for (; c->written < c->begun && code == 0; c->written++) {
		ledger_tell(c->station, c->mails[c->written]);
		outgoing_free(c->mails[c->written]);
	}
	if (a && code == 0)
		account_show_queue(a, -n);
	if (code != 0 || c->written == c->count)
		clearing_end(c, code, e);
	else
		clear_some(c);
}

static void clear_some(struct clearing *c)
{
	struct store_tx *tx = store_tx_new();
	for (size_t i = 0; i < CLEAR_AT_ONCE && c->begun < c->count; i++)
		ledger_close(c->station, tx, c->mails[c->begun++], MAIL_CANCELLED, c->text);
	store_commit(c->station->store, tx, some_written, c);
}

static void take_all(struct clearing *c, struct mail_heap *h)
{
	c->mails = must_realloc(c->mails, (c->count + h->count + 1) * sizeof(struct outgoing *));
	for (struct outgoing *o; (o = mail_heap_pop(h));)
		c->mails[c->count++] = o;
}

int outbox_clear(struct outgoing_account *a, struct invocation *inv)
{
	if (a->outbox.loading)
		return err_set(&inv->err, E_CONFLICT, NULL,
		               "The queue is still being read from the disk; clear it again in a moment.");
	struct clearing *c = must_alloc(sizeof *c);
	*c = (struct clearing){ .station = a->account.c.station, .account = a->account.c.handle, .inv = inv };
	c->text = must_format("Cancelled by %s, who cleared the queue.", inv->actor ? inv->actor->user : "the station");
	take_all(c, &a->outbox.ready);
	take_all(c, &a->outbox.waiting);
	a->outbox.writing++;
	clear_some(c);
	return 1;
}
