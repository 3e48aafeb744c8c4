/* SPDX-License-Identifier: Apache-2.0
 * See orphan_rows.h. */
#include "services/email/outbox/orphan_rows.h"

#include <stdlib.h>

#include "services/email/incoming/incoming.h"
#include "services/email/oauth/oauth.h"
#include "station/base/log.h"

enum { OWNERS_MAX = 10000 };

static bool is_gone(struct station *s, int64_t handle)
{
	return !station_by_handle(s, (uint64_t)handle);
}

static void end(struct station *s, struct store_tx *tx, int code, const struct err *e)
{
	if (code != 0)
		log_warn("rows of removed accounts stay for now: %s", e->text);
	if (store_tx_empty(tx))
		store_tx_free(&tx);
	else
		store_commit(s->store, tx, NULL, NULL); /* what fails is found by the next start */
}

static void mailboxes_read(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct station *s = context;
	struct store_tx *tx = store_tx_new();
	for (size_t i = 0; code == 0 && i < rows->count; i++) {
		const struct mailbox_record *m = store_row(rows, i);
		struct value account = value_integer(m->account);
		if (!is_gone(s, m->account))
			continue;
		store_tx_delete_where(tx, &incoming_kind, "account", &account);
		store_tx_delete(tx, &mailbox_kind, m);
	}
	end(s, tx, code, e);
}

static void grants_read(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct station *s = context;
	struct store_tx *tx = store_tx_new();
	for (size_t i = 0; code == 0 && i < rows->count; i++) {
		const struct oauth_grant *g = store_row(rows, i);
		if (is_gone(s, g->authenticator))
			store_tx_delete(tx, &oauth_grant_kind, g);
	}
	end(s, tx, code, e);
}

void orphan_rows_forget(struct station *s)
{
	struct store_query mailboxes = { .kind = &mailbox_kind, .limit = OWNERS_MAX },
	                   grants = { .kind = &oauth_grant_kind, .limit = OWNERS_MAX };
	if (!s->store)
		return;
	store_ask(s->store, &mailboxes, mailboxes_read, s);
	store_ask(s->store, &grants, grants_read, s);
}
