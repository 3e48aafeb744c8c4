/* SPDX-License-Identifier: Apache-2.0
 * Building transactions and queries, whichever store answers them: see store.h. Engine thread. */
#include "station/store/store.h"

#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"

struct store_tx *store_tx_new(void)
{
	struct store_tx *tx = must_alloc(sizeof *tx);
	tx->last = &tx->first;
	tx->last_hook = &tx->hooks;
	return tx;
}

static void write_free(struct store_write *w)
{
	for (size_t i = 0; i < w->count; i++)
		value_clear(&w->values[i]);
	free(w->values);
	free(w);
}

void store_tx_free(struct store_tx **ptx)
{
	struct store_tx *tx = *ptx;
	*ptx = NULL;
	if (!tx)
		return;
	for (struct store_write *w = tx->first, *next; w; w = next) {
		next = w->next;
		write_free(w);
	}
	for (struct store_hook *h = tx->hooks, *next; h; h = next) {
		next = h->next;
		free(h);
	}
	free(tx);
}

static struct store_write *add_write(struct store_tx *tx, int what, const struct record_kind *k, size_t count)
{
	struct store_write *w = must_alloc(sizeof *w);
	w->what = what;
	w->kind = k;
	w->count = count;
	w->values = must_alloc(count * sizeof *w->values);
	*tx->last = w;
	tx->last = &w->next;
	tx->count++;
	return w;
}

void store_tx_put(struct store_tx *tx, const struct record_kind *k, const void *record)
{
	size_t n = slots_count(k->slots);
	struct store_write *w = add_write(tx, WRITE_PUT, k, n);
	for (size_t i = 0; i < n; i++)
		slot_read(&k->slots[i], record, &w->values[i]);
}

void store_tx_delete(struct store_tx *tx, const struct record_kind *k, const void *record)
{
	size_t keys = 0;
	for (const struct slot *slot = k->slots; slot->name; slot++)
		keys += (slot->flags & SLOT_REQUIRED) != 0;
	struct store_write *w = add_write(tx, WRITE_DELETE, k, keys);
	size_t i = 0;
	for (const struct slot *slot = k->slots; slot->name; slot++)
		if (slot->flags & SLOT_REQUIRED)
			slot_read(slot, record, &w->values[i++]);
}

void store_tx_delete_where(struct store_tx *tx, const struct record_kind *k, const char *slot, const struct value *v)
{
	struct store_write *w = add_write(tx, WRITE_DELETE_WHERE, k, 1);
	w->slot = slot;
	value_copy(&w->values[0], v);
}

void store_tx_delete_first(struct store_tx *tx, const struct record_kind *k, const char *slot, const struct value *v,
                           int64_t count)
{
	struct store_write *w = add_write(tx, WRITE_DELETE_FIRST, k, 2);
	w->slot = slot;
	value_copy(&w->values[0], v);
	w->values[1] = value_integer(count);
}

void store_tx_append(struct store_tx *tx, struct store_tx *from)
{
	if (!from->first)
		return;
	*tx->last = from->first;
	tx->last = from->last;
	tx->count += from->count;
	from->first = NULL;
	from->last = &from->first;
	from->count = 0;
}

void store_tx_hook(struct store_tx *tx, store_done *done, void *context)
{
	struct store_hook *h = must_alloc(sizeof *h);
	*h = (struct store_hook){ .done = done, .context = context };
	*tx->last_hook = h;
	tx->last_hook = &h->next;
}

bool store_tx_empty(const struct store_tx *tx)
{
	return tx->count == 0;
}

void store_tx_end(struct store_tx *tx, int code, const struct err *e)
{
	for (struct store_hook *h = tx->hooks; h; h = h->next)
		h->done(h->context, code, e);
	store_tx_free(&tx);
}

void store_where_add(struct store_query *q, const char *slot, enum store_op op, struct value value)
{
	must(q->where_count < ARRAY_SIZE(q->where));
	q->where[q->where_count++] = (struct store_where){ slot, op, value };
}

void store_rows_clear(struct store_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		record_finish(rows->kind, store_row(rows, i));
	free(rows->rows);
	*rows = (struct store_rows){ 0 };
}
