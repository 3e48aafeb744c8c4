/* SPDX-License-Identifier: Apache-2.0
 * What is asked of a store; db/ answers it. A store keeps records (see record.h) and writes them in transactions;
 * several transactions that wait together go to disk together (group commit). All calls come from the engine thread
 * and never block; completions arrive through the engine's mailbox. A transaction is durable when its completion
 * says 0: then, and only then, may anybody be told that it succeeded. */
#ifndef BELFRY_STORE_H
#define BELFRY_STORE_H

#include "station/base/mailbox.h"
#include "station/store/record.h"

/* A list of writes that become one transaction: all or nothing, in order. Engine thread. */
struct store_tx;
typedef void store_done(void *context, int code, const struct err *e);

struct store_tx *store_tx_new(void);
void store_tx_free(struct store_tx **tx); /* of one that was not committed; hooks are not called */
/* Insert or replace by key; the record is copied now. */
void store_tx_put(struct store_tx *tx, const struct record_kind *k, const void *record);
/* Deletes by key: only the key slots of record are read. */
void store_tx_delete(struct store_tx *tx, const struct record_kind *k, const void *record);
/* Deletes all rows whose slot has this value. */
void store_tx_delete_where(struct store_tx *tx, const struct record_kind *k, const char *slot, const struct value *v);
/* Moves the writes of `from` behind those of tx; from is empty afterwards, and still the caller's. */
void store_tx_append(struct store_tx *tx, struct store_tx *from);
/* Deletes the first `count` rows, in key order, whose slot has this value. */
void store_tx_delete_first(struct store_tx *tx, const struct record_kind *k, const char *slot, const struct value *v,
                           int64_t count);
/* Runs when the transaction has ended, in the order of registration, before store_commit's own completion. */
void store_tx_hook(struct store_tx *tx, store_done *done, void *context);
bool store_tx_empty(const struct store_tx *tx);

enum store_op { STORE_EQ, STORE_NE, STORE_LT, STORE_LE, STORE_GT, STORE_GE, STORE_LIKE /* %text%, case-insensitive */ };
struct store_where {
	const char *slot;
	enum store_op op;
	struct value value; /* owned by the query; a V_NULL in EQ/NE means SQL null (an unset time) */
};
/* Conditions are joined by AND, except that several EQ on the same slot are joined by OR (an IN list). */
struct store_query {
	const struct record_kind *kind;
	struct store_where where[8];
	size_t where_count;
	const char *order; /* slot; NULL: the key */
	bool descending;
	int64_t limit;   /* at least 1 */
	bool count_only; /* no rows: only store_rows.total */
};
struct store_rows {
	const struct record_kind *kind;
	void *rows; /* owned: count records side by side */
	size_t count;
	bool more;     /* there are rows beyond limit */
	int64_t total; /* count_only */
};
static inline void *store_row(const struct store_rows *r, size_t i)
{
	return (char *)r->rows + i * r->kind->size;
}
void store_rows_clear(struct store_rows *rows);
/* One row of a walk, on the store's thread: may touch nothing but its own context and the record, which is borrowed.
 * 0, or anything else to end the walk. */
typedef int store_visit(void *context, const void *record);
typedef void store_answer(void *context, int code, const struct err *e, struct store_rows *rows);

/* Figures for health, metrics and tests. */
struct store_figures {
	int64_t commits, transactions, rows, failures;
	bool fault;
	char fault_text[200];
	int schema;
};

struct store;
struct store_impl {
	/* All mandatory. commit takes tx. query takes the query's values. Rows in an answer belong to the callee, who may
	 * empty them by taking; the caller clears the rest. */
	void (*commit)(struct store *s, struct store_tx *tx, store_done *done, void *context);
	void (*query)(struct store *s, struct store_query *q, store_answer *answer, void *context);
	/* A query whose rows are visited one by one, without being gathered; done comes through the mailbox. */
	void (*walk)(struct store *s, struct store_query *q, store_visit *visit, store_done *done, void *context);
	/* Synchronous, for starting components: calls visit for each row in key order (on whatever thread, while the caller
	 * waits); visit returns 0 or a code that ends it. The record is borrowed: what is to stay is copied. */
	int (*scan)(struct store *s, const struct record_kind *k, int (*visit)(void *context, void *record), void *context,
	            struct err *e);
	/* The same as commit, waiting for it: for the command line and the start, before the engine runs. Takes tx. */
	int (*commit_now)(struct store *s, struct store_tx *tx, struct err *e);
	void (*figures)(struct store *s, struct store_figures *out);
	/* Writes what waits, ends the thread, closes the file. */
	void (*close)(struct store *s);
};
struct store {
	const struct store_impl *impl;
	struct mailbox *engine; /* where completions go; borrowed, never NULL */
};
static inline void store_commit(struct store *s, struct store_tx *tx, store_done *done, void *context)
{
	s->impl->commit(s, tx, done, context);
}
static inline void store_ask(struct store *s, struct store_query *q, store_answer *answer, void *context)
{
	s->impl->query(s, q, answer, context);
}
static inline void store_walk(struct store *s, struct store_query *q, store_visit *visit, store_done *done,
                              void *context)
{
	s->impl->walk(s, q, visit, done, context);
}
void store_where_add(struct store_query *q, const char *slot, enum store_op op, struct value value);

/* How the implementations see a transaction (db/ only). */
struct store_write {
	struct store_write *next;
	enum { WRITE_PUT, WRITE_DELETE, WRITE_DELETE_WHERE, WRITE_DELETE_FIRST } what;
	const struct record_kind *kind;
	const char *slot; /* WRITE_DELETE_WHERE, WRITE_DELETE_FIRST */
	struct value
	    *values; /* owned: one per slot of the kind (PUT), per key slot (DELETE), one (WHERE), and a count (FIRST) */
	size_t count;
};
struct store_hook {
	struct store_hook *next;
	store_done *done;
	void *context;
};
struct store_tx {
	struct store_write *first, **last;
	struct store_hook *hooks, **last_hook;
	size_t count;
};
/* Calls the hooks and frees the transaction. Engine thread. */
void store_tx_end(struct store_tx *tx, int code, const struct err *e);

#endif
