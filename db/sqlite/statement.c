/* SPDX-License-Identifier: Apache-2.0
 * SQL made from record tables: the only place where it is built. Every value is bound, never written into the text, but
 * for a lone boolean: partial indexes such as "WHERE cleared = 0" are only used when the text says so. Table and column
 * names come from slot tables, never from input. Store thread or start. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "db/sqlite/sqlite_inside.h"
#include "station/base/log.h"
#include "station/base/must.h"

int db_error(struct sqlite_db *d, struct err *e)
{
	int error = sqlite3_errcode(d->db) & 0xff, number = sqlite3_system_errno(d->db);
	if (error == SQLITE_IOERR && (number == ENOSPC || number == EDQUOT))
		error = SQLITE_FULL;
	switch (error) {
	case SQLITE_FULL:
		return err_set(e, E_STORAGE, NULL, "The disk is full; nothing was changed. Free some space.");
	case SQLITE_READONLY:
		return err_set(e, E_STORAGE, NULL, "The data directory is read-only; nothing was changed.");
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return err_set(e, E_STORAGE, NULL,
		               "Another program has the database open; does a station run on this data directory already?");
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_ERROR:
		return err_set(e, E_INTERNAL, NULL, "The store refused a record: %s.", sqlite3_errmsg(d->db));
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return err_set(e, E_STORAGE, NULL, "The database is damaged (%s). Restore a backup.", sqlite3_errmsg(d->db));
	default:
		return err_set(e, E_STORAGE, NULL, "The database could not be read or written: %s.", sqlite3_errmsg(d->db));
	}
}

int db_exec(struct sqlite_db *d, const char *sql, struct err *e)
{
	return sqlite3_exec(d->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : db_error(d, e);
}

void db_finish_statements(struct sqlite_db *d)
{
	for (size_t i = 0; i < d->statement_count; i++) {
		sqlite3_finalize(d->statements[i].stmt);
		free(d->statements[i].sql);
	}
	d->statement_count = 0;
}

/* --- SQL text ----------------------------------------------------------------------------------------------------- */

struct sql {
	char text[4096];
	size_t length;
};

static void add(struct sql *s, const char *text)
{
	size_t n = strlen(text);
	must(s->length + n < sizeof s->text);
	memcpy(s->text + s->length, text, n + 1);
	s->length += n;
}

static void add_name(struct sql *s, const char *name)
{
	add(s, "\"");
	add(s, name);
	add(s, "\"");
}

static void add_columns(struct sql *s, const struct record_kind *k)
{
	for (const struct slot *slot = k->slots; slot->name; slot++) {
		if (slot > k->slots)
			add(s, ", ");
		add_name(s, slot->name);
	}
}

static void add_keys(struct sql *s, const struct record_kind *k, const char *between, const char *after)
{
	bool first = true;
	for (const struct slot *slot = k->slots; slot->name; slot++) {
		if (!(slot->flags & SLOT_REQUIRED))
			continue;
		if (!first)
			add(s, between);
		add_name(s, slot->name);
		add(s, after);
		first = false;
	}
}

/* DELETE FROM "sample" WHERE ("history", "timestamp") IN (SELECT ... WHERE "history" = ? ORDER BY ... LIMIT ?) */
static void add_delete_first(struct sql *s, const struct store_write *w)
{
	add(s, "(");
	add_keys(s, w->kind, ", ", "");
	add(s, ") IN (SELECT ");
	add_keys(s, w->kind, ", ", "");
	add(s, " FROM ");
	add_name(s, w->kind->table);
	add(s, " WHERE ");
	add_name(s, w->slot);
	add(s, " = ? ORDER BY ");
	add_keys(s, w->kind, ", ", "");
	add(s, " LIMIT ?)");
}

static void write_sql(struct sql *s, const struct store_write *w)
{
	if (w->what == WRITE_PUT) {
		add(s, "INSERT OR REPLACE INTO ");
		add_name(s, w->kind->table);
		add(s, " (");
		add_columns(s, w->kind);
		add(s, ") VALUES (?");
		for (size_t i = 1; i < w->count; i++)
			add(s, ", ?");
		add(s, ")");
		return;
	}
	add(s, "DELETE FROM ");
	add_name(s, w->kind->table);
	add(s, " WHERE ");
	if (w->what == WRITE_DELETE) {
		add_keys(s, w->kind, " = ? AND ", "");
	} else if (w->what == WRITE_DELETE_WHERE) {
		add_name(s, w->slot);
	} else {
		add_delete_first(s, w);
		return;
	}
	add(s, " = ?");
}

/* A boolean that must be equal, and no second one on the same slot: it stands in the text. */
static bool is_literal(const struct store_query *q, size_t i)
{
	const struct store_where *w = &q->where[i];
	if (w->op != STORE_EQ || w->value.kind != V_BOOLEAN)
		return false;
	for (size_t k = 0; k < q->where_count; k++)
		if (k != i && q->where[k].op == STORE_EQ && strcmp(q->where[k].slot, w->slot) == 0)
			return false;
	return true;
}

static void add_where(struct sql *s, const struct store_query *q)
{
	static const char *const ops[] = { " = ?", " IS NOT ?", " < ?", " <= ?", " > ?", " >= ?" };
	bool done[ARRAY_SIZE(q->where)] = { false };
	const char *between = " WHERE ";
	for (size_t i = 0; i < q->where_count; i++) {
		const struct store_where *w = &q->where[i];
		if (done[i])
			continue;
		add(s, between);
		between = " AND ";
		if (w->op == STORE_LIKE) {
			add(s, "instr(lower(");
			add_name(s, w->slot);
			add(s, "), lower(?)) > 0");
		} else if (w->value.kind == V_NULL) {
			add_name(s, w->slot);
			add(s, w->op == STORE_EQ ? " IS NULL" : " IS NOT NULL");
		} else if (is_literal(q, i)) {
			add_name(s, w->slot);
			add(s, w->value.boolean ? " = 1" : " = 0");
		} else if (w->op == STORE_EQ) {
			add_name(s, w->slot);
			add(s, " IN (?");
			for (size_t k = i + 1; k < q->where_count; k++) {
				if (q->where[k].op == STORE_EQ && strcmp(q->where[k].slot, w->slot) == 0) {
					add(s, ", ?");
					done[k] = true;
				}
			}
			add(s, ")");
		} else {
			add_name(s, w->slot);
			add(s, ops[w->op]);
		}
	}
}

static void query_sql(struct sql *s, const struct store_query *q)
{
	add(s, "SELECT ");
	if (q->count_only)
		add(s, "count(*)");
	else
		add_columns(s, q->kind);
	add(s, " FROM ");
	add_name(s, q->kind->table);
	add_where(s, q);
	if (q->count_only)
		return;
	add(s, " ORDER BY ");
	if (q->order) {
		add_name(s, q->order);
		add(s, q->descending ? " DESC, " : ", ");
	}
	add_keys(s, q->kind, q->descending ? " DESC, " : ", ", "");
	if (q->descending)
		add(s, " DESC");
	add(s, " LIMIT ?");
}

/* --- prepared statements ------------------------------------------------------------------------------------------ */

/* The columns in the file must be the rows of the table: looked at once for each kind. */
static int check_columns(struct sqlite_db *d, const struct record_kind *k, struct err *e)
{
	struct sql s = { .length = 0 };
	add(&s, "SELECT * FROM ");
	add_name(&s, k->table);
	add(&s, " LIMIT 0");
	sqlite3_stmt *stmt;
	if (sqlite3_prepare_v2(d->db, s.text, -1, &stmt, NULL) != SQLITE_OK)
		return db_error(d, e);
	int rc = 0, columns = sqlite3_column_count(stmt);
	for (int i = 0; i < columns && rc == 0; i++)
		if (!slots_find(k->slots, sqlite3_column_name(stmt, i)))
			rc = err_set(e, E_STORAGE, NULL, "Table %s has the column %s, which its record has not.", k->table,
			             sqlite3_column_name(stmt, i));
	if (rc == 0 && (uint32_t)columns != slots_count(k->slots))
		rc = err_set(e, E_STORAGE, NULL, "Table %s has %d columns; its record has %u.", k->table, columns,
		             slots_count(k->slots));
	sqlite3_finalize(stmt);
	return rc;
}

static bool kind_known(const struct sqlite_db *d, const struct record_kind *k)
{
	for (size_t i = 0; i < d->statement_count; i++)
		if (d->statements[i].kind == k)
			return true;
	return false;
}

static int prepare(struct sqlite_db *d, const struct record_kind *k, int what, const char *slot, const struct sql *s,
                   sqlite3_stmt **out, struct err *e)
{
	int rc = kind_known(d, k) ? 0 : check_columns(d, k, e);
	if (rc != 0)
		return rc;
	if (d->statement_count == STATEMENTS_MAX)
		db_finish_statements(d);
	sqlite3_stmt *stmt;
	if (sqlite3_prepare_v3(d->db, s->text, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK)
		return db_error(d, e);
	d->statements[d->statement_count++] = (struct statement){ k, what, must_strdup(s->text), slot, stmt };
	*out = stmt;
	return 0;
}

static sqlite3_stmt *find_write(const struct sqlite_db *d, const struct store_write *w)
{
	for (size_t i = 0; i < d->statement_count; i++) {
		const struct statement *s = &d->statements[i];
		if (s->kind == w->kind && s->what == (int)w->what && (!s->slot || strcmp(s->slot, w->slot) == 0))
			return s->stmt;
	}
	return NULL;
}

static sqlite3_stmt *find_query(const struct sqlite_db *d, const char *sql)
{
	for (size_t i = 0; i < d->statement_count; i++)
		if (d->statements[i].what == -1 && strcmp(d->statements[i].sql, sql) == 0)
			return d->statements[i].stmt;
	return NULL;
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static int bind_value(sqlite3_stmt *stmt, int at, const struct slot *slot, const struct value *v)
{
	switch (v->kind) {
	case V_NULL:
		return sqlite3_bind_null(stmt, at);
	case V_BOOLEAN:
		return sqlite3_bind_int(stmt, at, v->boolean);
	case V_INTEGER:
	case V_RELTIME:
		return sqlite3_bind_int64(stmt, at, v->integer);
	case V_ABSTIME:
		return v->integer == ABSTIME_NULL ? sqlite3_bind_null(stmt, at) : sqlite3_bind_int64(stmt, at, v->integer);
	case V_REAL:
		return sqlite3_bind_double(stmt, at, v->real);
	case V_STRING:
	case V_ORD:
	case V_SECRET:
		return sqlite3_bind_text(stmt, at, v->text, -1, SQLITE_TRANSIENT);
	default:
		return sqlite3_bind_text(stmt, at, value_print(slot, v), -1, free);
	}
}

static void read_column(sqlite3_stmt *stmt, int at, const struct record_kind *k, const struct slot *slot, void *record)
{
	struct value v = { .kind = slot->kind };
	struct err e = { 0 };
	const char *text;
	switch (slot->kind) {
	case V_BOOLEAN:
		v.boolean = sqlite3_column_int(stmt, at) != 0;
		break;
	case V_INTEGER:
	case V_RELTIME:
		v.integer = sqlite3_column_int64(stmt, at);
		break;
	case V_ABSTIME:
		v.integer = sqlite3_column_type(stmt, at) == SQLITE_NULL ? ABSTIME_NULL : sqlite3_column_int64(stmt, at);
		break;
	case V_REAL:
		v.real = sqlite3_column_double(stmt, at);
		break;
	case V_STRING:
	case V_ORD:
	case V_SECRET:
		text = (const char *)sqlite3_column_text(stmt, at);
		v.text = must_strdup(text ? text : "");
		break;
	default:
		text = (const char *)sqlite3_column_text(stmt, at);
		if (value_parse(slot, text ? text : "", &v, &e) != 0) {
			log_error("table %s, column %s holds \"%.60s\", which is not valid: %s", k->table, slot->name,
			          text ? text : "", e.text);
			v = value_default(slot);
		}
	}
	slot_write(slot, record, &v);
}

static void read_row(sqlite3_stmt *stmt, const struct record_kind *k, void *record)
{
	record_init(k, record);
	int at = 0;
	for (const struct slot *slot = k->slots; slot->name; slot++)
		read_column(stmt, at++, k, slot, record);
}

static bool is_text(const struct slot *slot)
{
	return slot->kind == V_STRING || slot->kind == V_ORD || slot->kind == V_SECRET;
}

/* As read_row, but texts stay SQLite's: they live until the next row. record is all zero before. */
static void borrow_row(sqlite3_stmt *stmt, const struct record_kind *k, char *record)
{
	int at = 0;
	for (const struct slot *slot = k->slots; slot->name; slot++, at++) {
		if (!is_text(slot)) {
			read_column(stmt, at, k, slot, record);
			continue;
		}
		const void *text = sqlite3_column_text(stmt, at);
		memcpy(record + slot->offset, text ? &text : &(const void *){ "" }, sizeof text);
	}
}

static void end_borrowing(const struct record_kind *k, char *record)
{
	for (const struct slot *slot = k->slots; slot->name; slot++)
		if (is_text(slot))
			memcpy(record + slot->offset, &(char *){ NULL }, sizeof(char *));
	record_finish(k, record);
}

/* --- the three requests ------------------------------------------------------------------------------------------- */

/* The slots whose values a write binds, in order. */
static const struct slot *bound_slot(const struct store_write *w, size_t i)
{
	if (w->what == WRITE_PUT)
		return &w->kind->slots[i];
	if (w->what == WRITE_DELETE_WHERE || w->what == WRITE_DELETE_FIRST)
		return slots_find(w->kind->slots, w->slot);
	const struct slot *slot = w->kind->slots;
	for (size_t keys = 0;; slot++)
		if ((slot->flags & SLOT_REQUIRED) && keys++ == i)
			return slot;
}

int db_write(struct sqlite_db *d, const struct store_write *w, struct err *e)
{
	sqlite3_stmt *stmt = find_write(d, w);
	if (!stmt) {
		struct sql s = { .length = 0 };
		write_sql(&s, w);
		int rc = prepare(d, w->kind, (int)w->what, w->slot, &s, &stmt, e);
		if (rc != 0)
			return rc;
	}
	int ok = SQLITE_OK;
	for (size_t i = 0; i < w->count && ok == SQLITE_OK; i++)
		ok = bind_value(stmt, (int)i + 1, bound_slot(w, i), &w->values[i]);
	if (ok == SQLITE_OK)
		ok = sqlite3_step(stmt);
	int rc = ok == SQLITE_DONE ? 0 : db_error(d, e);
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return rc;
}

static int bind_where(sqlite3_stmt *stmt, const struct store_query *q)
{
	bool done[ARRAY_SIZE(q->where)] = { false };
	int at = 1, ok = SQLITE_OK;
	for (size_t i = 0; i < q->where_count && ok == SQLITE_OK; i++) {
		const struct store_where *w = &q->where[i];
		if (done[i] || w->value.kind == V_NULL || is_literal(q, i))
			continue;
		const struct slot *slot = slots_find(q->kind->slots, w->slot);
		must(slot != NULL);
		ok = bind_value(stmt, at++, slot, &w->value);
		for (size_t k = i + 1; w->op == STORE_EQ && k < q->where_count && ok == SQLITE_OK; k++) {
			if (q->where[k].op != STORE_EQ || strcmp(q->where[k].slot, w->slot) != 0)
				continue;
			ok = bind_value(stmt, at++, slot, &q->where[k].value);
			done[k] = true;
		}
	}
	if (ok == SQLITE_OK && !q->count_only)
		ok = sqlite3_bind_int64(stmt, at, q->limit + 1);
	return ok;
}

static int collect(sqlite3_stmt *stmt, const struct store_query *q, struct store_rows *rows)
{
	size_t capacity = 0;
	int step;
	while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (q->count_only) {
			rows->total = sqlite3_column_int64(stmt, 0);
			continue;
		}
		if ((int64_t)rows->count == q->limit) {
			rows->more = true;
			return SQLITE_DONE;
		}
		if (rows->count == capacity) {
			capacity = capacity ? 2 * capacity : 16;
			rows->rows = must_realloc(rows->rows, capacity * q->kind->size);
		}
		read_row(stmt, q->kind, store_row(rows, rows->count));
		rows->count++;
	}
	return step;
}

int db_query(struct sqlite_db *d, const struct store_query *q, struct store_rows *rows, struct err *e)
{
	*rows = (struct store_rows){ .kind = q->kind };
	struct sql s = { .length = 0 };
	query_sql(&s, q);
	sqlite3_stmt *stmt = find_query(d, s.text);
	int rc = stmt ? 0 : prepare(d, q->kind, -1, NULL, &s, &stmt, e);
	if (rc != 0)
		return rc;
	if (bind_where(stmt, q) != SQLITE_OK || collect(stmt, q, rows) != SQLITE_DONE) {
		rc = db_error(d, e);
		store_rows_clear(rows);
	}
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return rc;
}

int db_walk(struct sqlite_db *d, const struct store_query *q, int (*visit)(void *, void *), void *context,
            struct err *e)
{
	const struct record_kind *k = q->kind;
	struct sql s = { .length = 0 };
	query_sql(&s, q);
	sqlite3_stmt *stmt = find_query(d, s.text);
	int rc = stmt ? 0 : prepare(d, k, -1, NULL, &s, &stmt, e);
	if (rc != 0)
		return rc;
	void *record = must_alloc(k->size);
	int step = bind_where(stmt, q) == SQLITE_OK ? SQLITE_ROW : SQLITE_ERROR;
	int64_t left = q->limit;
	while (step == SQLITE_ROW && rc == 0 && left-- > 0 && (step = sqlite3_step(stmt)) == SQLITE_ROW) {
		borrow_row(stmt, k, record);
		rc = visit(context, record);
		end_borrowing(k, record);
	}
	if (rc == 0 && step != SQLITE_DONE && step != SQLITE_ROW)
		rc = db_error(d, e);
	free(record);
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return rc;
}

int db_scan(struct sqlite_db *d, const struct record_kind *k, int (*visit)(void *, void *), void *context,
            struct err *e)
{
	return db_walk(d, &(struct store_query){ .kind = k, .limit = INT64_MAX - 1 }, visit, context, e);
}
