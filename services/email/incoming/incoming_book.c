/* SPDX-License-Identifier: Apache-2.0
 * What is remembered of a mailbox: which mails were looked at, and which the server has still to mark or delete; in memory
 * and as rows. See incoming.h. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "services/email/incoming/incoming.h"
#include "station/base/log.h"
#include "station/base/must.h"

enum { ROWS_MAX = 200000 };

#define T struct mailbox_record
static const struct slot mailbox_slots[] = {
	SLOT(T, account, INTEGER, .flags = SLOT_REQUIRED, .doc = "Handle of the IncomingAccount."),
	SLOT(T, mailbox, STRING, .facets = FACETS(.maxLength = 1000), .doc = "Server and user."),
	SLOT(T, uidValidity, INTEGER, .doc = "UIDVALIDITY of its INBOX."),
	SLOT(T, seen, STRING, .doc = "UIDs that were looked at."),
	SLOT_END,
};
#undef T
const struct record_kind mailbox_kind = { "mailbox", "Mailboxes that are read.", sizeof(struct mailbox_record),
	                                      mailbox_slots, false };

static int64_t handle_of(const struct incoming_account *a)
{
	return (int64_t)a->account.c.handle;
}

static void commit(const struct incoming_account *a, struct store_tx *tx)
{
	if (store_tx_empty(tx))
		store_tx_free(&tx);
	else
		store_commit(a->account.c.station->store, tx, NULL,
		             NULL); /* what is lost is found out again by the next poll */
}

/* --- in memory ------------------------------------------------------------------------------------------------------ */

void mailbox_book_free(struct mailbox_book *b)
{
	for (size_t i = 0; i < b->count; i++)
		record_finish(&incoming_kind, &b->mails[i]);
	free(b->mails);
	record_finish(&mailbox_kind, &b->mailbox);
	*b = (struct mailbox_book){ .loaded = false };
}

/* Where that uid is or would be. */
static size_t place_of(const struct mailbox_book *b, const char *uid)
{
	size_t low = 0, high = b->count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (strcmp(b->mails[middle].uid, uid) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct incoming_record *find(struct mailbox_book *b, const char *uid)
{
	size_t at = place_of(b, uid);
	return at < b->count && strcmp(b->mails[at].uid, uid) == 0 ? &b->mails[at] : NULL;
}

static void forget(struct mailbox_book *b, struct incoming_record *r)
{
	record_finish(&incoming_kind, r);
	memmove(r, r + 1, (size_t)(b->mails + b->count - r - 1) * sizeof *r);
	b->count--;
}

static void remember(struct mailbox_book *b, const struct incoming_record *r)
{
	struct incoming_record *old = find(b, r->uid);
	if (old)
		forget(b, old);
	size_t at = place_of(b, r->uid);
	b->mails = must_realloc(b->mails, (b->count + 1) * sizeof *b->mails);
	memmove(b->mails + at + 1, b->mails + at, (b->count - at) * sizeof *b->mails);
	memset(&b->mails[at], 0, sizeof b->mails[at]);
	record_copy(&incoming_kind, &b->mails[at], r);
	b->count++;
}

/* --- reading the rows ----------------------------------------------------------------------------------------------- */

struct loading {
	struct station *station;
	uint64_t account;
	void (*done)(struct incoming_account *a);
};

static struct incoming_account *account_loading(const struct loading *l)
{
	struct incoming_account *a = incoming_of(station_by_handle(l->station, l->account));
	return a && (a->account.c.flags & COMPONENT_RUNNING) ? a : NULL;
}

static void mails_read(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct loading *l = context;
	struct incoming_account *a = account_loading(l);
	if (code != 0)
		log_error("what was read of a mailbox could not be looked up: %s", e->text);
	if (a && code == 0) {
		for (size_t i = 0; i < rows->count; i++)
			remember(&a->book, store_row(rows, i));
		a->book.loaded = true;
		l->done(a);
	}
	free(l);
}

static void mailbox_read(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct loading *l = context;
	struct incoming_account *a = account_loading(l);
	if (code != 0)
		log_error("what is known of a mailbox could not be looked up: %s", e->text);
	if (!a || code != 0) {
		free(l);
		return;
	}
	record_finish(&mailbox_kind, &a->book.mailbox);
	if (rows->count > 0)
		record_copy(&mailbox_kind, &a->book.mailbox, store_row(rows, 0));
	else
		record_init(&mailbox_kind, &a->book.mailbox);
	struct store_query q = { .kind = &incoming_kind, .limit = ROWS_MAX };
	store_where_add(&q, "account", STORE_EQ, value_integer(handle_of(a)));
	store_where_add(&q, "open", STORE_EQ, value_boolean(true));
	store_ask(l->station->store, &q, mails_read, l);
}

void mailbox_book_load(struct incoming_account *a, void (*done)(struct incoming_account *a))
{
	struct loading *l = must_alloc(sizeof *l);
	*l = (struct loading){ a->account.c.station, a->account.c.handle, done };
	struct store_query q = { .kind = &mailbox_kind, .limit = 1 };
	store_where_add(&q, "account", STORE_EQ, value_integer(handle_of(a)));
	store_ask(l->station->store, &q, mailbox_read, l);
}

/* It stays in the list only. */
static void close_row(struct mailbox_book *b, struct incoming_record *r, struct store_tx *tx)
{
	r->open = false;
	store_tx_put(tx, &incoming_kind, r);
	forget(b, r);
}

/* --- for a poll ----------------------------------------------------------------------------------------------------- */

static void set_text(char **field, const char *text)
{
	static const struct slot row = { .name = "text", .kind = V_STRING };
	struct value v = value_string(text);
	slot_write(&row, field, &v);
}

void mailbox_book_is(struct incoming_account *a, const char *mailbox)
{
	struct mailbox_book *b = &a->book;
	if (strcmp(b->mailbox.mailbox, mailbox) == 0)
		return;
	struct store_tx *tx = store_tx_new();
	while (b->count > 0) /* it is not to be found there */
		close_row(b, &b->mails[b->count - 1], tx);
	b->mailbox.account = handle_of(a);
	b->mailbox.uidValidity = 0;
	set_text(&b->mailbox.mailbox, mailbox);
	set_text(&b->mailbox.seen, "");
	store_tx_put(tx, &mailbox_kind, &b->mailbox);
	commit(a, tx);
}

struct retrieval_memory *mailbox_book_memory(const struct incoming_account *a)
{
	const struct mailbox_book *b = &a->book;
	struct retrieval_memory *m = must_alloc(sizeof *m);
	m->uid_validity = (uint32_t)b->mailbox.uidValidity;
	uid_set_parse(&m->seen, b->mailbox.seen);
	m->uidls = must_alloc((b->count + 1) * sizeof *m->uidls);
	m->due = must_alloc((b->count + 1) * sizeof *m->due);
	for (size_t i = 0; i < b->count; i++) {
		const struct incoming_record *r = &b->mails[i];
		if (a->store == RETRIEVAL_POP3)
			m->uidls[m->uidl_count++] = must_strdup(r->uid);
		if (!r->settled)
			m->due[m->due_count++] = (struct retrieval_due){ must_strdup(r->uid), (enum disposition)r->disposition };
	}
	return m;
}

/* What is seen once this mail is: its text, owned; NULL for POP3, which keeps rows instead. */
static char *seen_with(const struct incoming_account *a, const char *uid, int64_t *validity)
{
	struct uid_set set = { .count = 0 };
	char *end;
	if (a->store == RETRIEVAL_POP3)
		return NULL;
	*validity = strtoll(uid, &end, 10);
	if (*validity == a->book.mailbox.uidValidity)
		uid_set_parse(&set, a->book.mailbox.seen);
	uint32_t n = *end == ':' ? (uint32_t)strtoul(end + 1, NULL, 10) : 0;
	uid_set_add(&set, n, n);
	return uid_set_print(&set);
}

void mailbox_book_note(const struct incoming_account *a, const struct incoming_record *r, struct store_tx *tx)
{
	store_tx_put(tx, &incoming_kind, r);
	if (a->store == RETRIEVAL_POP3)
		return;
	struct mailbox_record now = a->book.mailbox;
	now.seen = seen_with(a, r->uid, &now.uidValidity);
	store_tx_put(tx, &mailbox_kind, &now);
	free(now.seen);
}

void mailbox_book_noted(struct incoming_account *a, const struct incoming_record *r)
{
	int64_t validity;
	char *seen = seen_with(a, r->uid, &validity);
	if (seen) {
		a->book.mailbox.uidValidity = validity;
		set_text(&a->book.mailbox.seen, seen);
	}
	free(seen);
	if (r->open)
		remember(&a->book, r);
}

void mailbox_book_confirmed(struct incoming_account *a, const char *uid)
{
	struct incoming_record *r = find(&a->book, uid);
	if (!r || r->settled)
		return;
	struct store_tx *tx = store_tx_new();
	r->settled = true;
	if (a->store == RETRIEVAL_IMAP)
		close_row(&a->book, r, tx);
	else
		store_tx_put(tx, &incoming_kind, r);
	commit(a, tx);
}

void mailbox_book_polled(struct incoming_account *a, const struct retrieval_summary *s)
{
	struct mailbox_book *b = &a->book;
	struct store_tx *tx = store_tx_new();
	char *seen = s->seen ? uid_set_print(s->seen) : must_strdup("");
	if (b->mailbox.uidValidity != s->uid_validity || strcmp(b->mailbox.seen, seen) != 0) {
		b->mailbox.uidValidity = s->uid_validity;
		set_text(&b->mailbox.seen, seen);
		store_tx_put(tx, &mailbox_kind, &b->mailbox);
	}
	for (size_t i = 0; i < s->gone_count; i++) {
		struct incoming_record *r = find(b, s->gone[i]);
		if (r)
			close_row(b, r, tx);
	}
	free(seen);
	commit(a, tx);
}
