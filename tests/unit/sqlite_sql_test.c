/* SPDX-License-Identifier: Apache-2.0
 * The SQL that is made from record tables: queries, every kind of slot there and back, and tables that differ. */
#include "tests/unit/store_bench.h"

#include "db/sqlite/sqlite_inside.h"
#include "services/alarm/alarm.h"
#include "services/email/ack/ack_book.h"
#include "services/email/email.h"
#include "services/email/oauth/oauth.h"
#include "services/trust/trust_service.h"
#include "services/user/user_inside.h"
#include "station/sheet/audit.h"
#include "station/sheet/version.h"
#include "station/store/persist.h"

static const struct tag colours[] = { { 0, "red", "Red." }, { 1, "green", "Green." }, { 0, NULL, NULL } };
struct thing {
	char *name;
	int64_t part;
	bool flag;
	double size;
	struct abstime when;
	struct reltime span;
	int colour;
	struct ord where;
	struct secret key;
	struct {
		int64_t a;
		bool b;
	} pair;
	struct list words;
};
static const struct slot pair_members[] = {
	{ .name = "a", .kind = V_INTEGER, .offset = 0 },
	{ .name = "b", .kind = V_BOOLEAN, .offset = sizeof(int64_t) },
	SLOT_END,
};
static const struct slot thing_slots[] = {
	SLOT(struct thing, name, STRING, .flags = SLOT_REQUIRED),
	SLOT(struct thing, part, INTEGER, .flags = SLOT_REQUIRED),
	SLOT(struct thing, flag, BOOLEAN),
	SLOT(struct thing, size, REAL),
	SLOT(struct thing, when, ABSTIME),
	SLOT(struct thing, span, RELTIME),
	SLOT(struct thing, colour, ENUM, .facets = FACETS(.range = colours)),
	SLOT(struct thing, where, ORD),
	SLOT(struct thing, key, SECRET),
	SLOT_STRUCT(struct thing, pair, pair_members),
	{ .name = "words", .offset = offsetof(struct thing, words), .kind = V_LIST, .element = V_STRING },
	SLOT_END,
};
static const struct record_kind thing_kind = { "thing", "Every kind of slot.", sizeof(struct thing), thing_slots,
	                                           false };

static void things_open(struct sqlite_db *d)
{
	struct err e = { 0 };
	*d = (struct sqlite_db){ 0 };
	assert_int_equal(sqlite3_open(":memory:", &d->db), SQLITE_OK);
	assert_int_equal(
	    db_exec(d,
	            "CREATE TABLE thing (name TEXT, part INTEGER, flag INTEGER, size REAL, \"when\" INTEGER, span INTEGER,"
	            " colour TEXT, \"where\" TEXT, \"key\" TEXT, pair TEXT, words TEXT, PRIMARY KEY (name, part)) STRICT, "
	            "WITHOUT ROWID",
	            &e),
	    0);
}

static void run_writes(struct sqlite_db *d, struct store_tx *tx)
{
	struct err e = { 0 };
	for (struct store_write *w = tx->first; w; w = w->next)
		if (db_write(d, w, &e) != 0)
			fail_msg("%s", e.text);
	store_tx_free(&tx);
}

static void things_close(struct sqlite_db *d)
{
	db_finish_statements(d);
	assert_int_equal(sqlite3_close(d->db), SQLITE_OK);
}

/* Names and parts of the rows: "a1 b2+": with + there are more. */
static void expect_rows(struct sqlite_db *d, struct store_query *q, const char *expected)
{
	struct store_rows rows;
	struct err e = { 0 };
	char text[256] = "";
	size_t n = 0;
	if (db_query(d, q, &rows, &e) != 0)
		fail_msg("%s", e.text);
	for (size_t i = 0; i < rows.count; i++) {
		const struct thing *t = store_row(&rows, i);
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%s%d", i ? " " : "", t->name, (int)t->part);
	}
	snprintf(text + n, sizeof text - n, "%s", rows.more ? "+" : "");
	assert_string_equal(text, expected);
	store_rows_clear(&rows);
	for (size_t i = 0; i < q->where_count; i++)
		value_clear(&q->where[i].value);
}

static void queries_are_made_from_tables(void **state)
{
	(void)state;
	struct sqlite_db d;
	things_open(&d);
	struct store_tx *tx = store_tx_new();
	static const char *const names[] = { "a", "b", "B'\"", "c%" };
	for (int i = 0; i < 8; i++) {
		struct thing t;
		record_init(&thing_kind, &t);
		t.name = must_strdup(names[i / 2]);
		t.part = i % 2;
		t.flag = i > 3;
		t.size = 7 - i;
		t.when.us = i < 2 ? ABSTIME_NULL : i * SECOND_US;
		t.colour = i % 2;
		store_tx_put(tx, &thing_kind, &t);
		record_finish(&thing_kind, &t);
	}
	run_writes(&d, tx);
#define QUERY(...)                                                                                                     \
	(struct store_query)                                                                                               \
	{                                                                                                                  \
		.kind = &thing_kind, .limit = 100, __VA_ARGS__                                                                 \
	}
	struct store_query q = QUERY(.limit = 3);
	expect_rows(&d, &q, "B'\"0 B'\"1 a0+");
	q = QUERY(.order = "size", .limit = 8);
	expect_rows(&d, &q, "c%1 c%0 B'\"1 B'\"0 b1 b0 a1 a0");
	q = QUERY(.order = "colour", .descending = true, .limit = 2);
	expect_rows(&d, &q, "c%0 b0+"); /* by tag name: red is after green; then by key, downwards too */
	q = QUERY(.limit = 100);
	store_where_add(&q, "name", STORE_EQ, value_string("a"));
	store_where_add(&q, "name", STORE_EQ, value_string("B'\""));
	store_where_add(&q, "part", STORE_EQ, value_integer(1));
	expect_rows(&d, &q, "B'\"1 a1");
	q = QUERY(.limit = 100);
	store_where_add(&q, "when", STORE_EQ, VALUE_NULL);
	expect_rows(&d, &q, "a0 a1");
	q = QUERY(.limit = 100);
	store_where_add(&q, "when", STORE_NE, value_abstime(7 * SECOND_US)); /* never is not that time either */
	store_where_add(&q, "part", STORE_EQ, value_integer(1));
	expect_rows(&d, &q, "B'\"1 a1 b1");
	q = QUERY(.limit = 100);
	store_where_add(&q, "when", STORE_GE, value_abstime(3 * SECOND_US));
	store_where_add(&q, "when", STORE_LT, value_abstime(5 * SECOND_US));
	expect_rows(&d, &q, "B'\"0 b1");
	q = QUERY(.order = "size", .limit = 2);
	store_where_add(&q, "flag", STORE_EQ, value_boolean(false)); /* stands in the text, between bound ones */
	store_where_add(&q, "name", STORE_NE, value_string("b"));
	expect_rows(&d, &q, "a1 a0");
	q = QUERY(.limit = 1);
	store_where_add(&q, "flag", STORE_EQ, value_boolean(false));
	store_where_add(&q, "flag", STORE_EQ, value_boolean(true));
	expect_rows(&d, &q, "B'\"0+");
	q = QUERY(.limit = 100);
	store_where_add(&q, "name", STORE_LIKE, value_string("C%")); /* a % is a % */
	expect_rows(&d, &q, "c%0 c%1");
	tx = store_tx_new();
	store_tx_delete_where(tx, &thing_kind, "name", &(struct value){ .kind = V_STRING, .text = (char[]){ "b" } });
	store_tx_delete(tx, &thing_kind, &(struct thing){ .name = (char[]){ "a" }, .part = 1 });
	run_writes(&d, tx);
	q = QUERY(.limit = 100);
	store_where_add(&q, "part", STORE_EQ, value_integer(1));
	expect_rows(&d, &q, "B'\"1 c%1");
	struct store_rows rows;
	struct err e = { 0 };
	q = QUERY(.count_only = true);
	assert_int_equal(db_query(&d, &q, &rows, &e), 0);
	assert_int_equal(rows.total, 5);
	things_close(&d);
}

static int same_as(void *context, void *record)
{
	struct value a, b;
	record_to_value(&thing_kind, context, &a);
	record_to_value(&thing_kind, record, &b);
	int rc = value_equal(&a, &b) ? 0 : 1;
	value_clear(&a);
	value_clear(&b);
	return rc;
}

static void every_kind_comes_back_as_it_went(void **state)
{
	(void)state;
	struct sqlite_db d;
	things_open(&d);
	struct thing t;
	record_init(&thing_kind, &t);
	t.name = must_strdup("Gr\xC3\xBC\xC3\x9F"
	                     "e, \"'\n");
	t.part = INT64_MIN;
	t.flag = true;
	t.size = 0.1;
	t.when.us = -1;
	t.span.us = 90 * SECOND_US + 1;
	t.colour = 1;
	t.where.text = must_strdup("station:|slot:/Drivers");
	t.key.sealed = must_strdup("v1:AAAA");
	t.pair.a = -7;
	t.pair.b = true;
	t.words.items = must_alloc(2 * sizeof(struct value));
	t.words.items[0] = value_string("one, two");
	t.words.items[1] = value_string("");
	t.words.count = 2;
	struct store_tx *tx = store_tx_new();
	store_tx_put(tx, &thing_kind, &t);
	run_writes(&d, tx);
	struct err e = { 0 };
	assert_int_equal(db_scan(&d, &thing_kind, same_as, &t, &e), 0);
	record_finish(&thing_kind, &t);
	things_close(&d);
}

static void tables_that_differ_are_refused(void **state)
{
	(void)state;
	struct sqlite_db d = { 0 };
	struct err e = { 0 };
	assert_int_equal(sqlite3_open(":memory:", &d.db), SQLITE_OK);
	assert_int_equal(db_exec(&d, "CREATE TABLE thing (name TEXT PRIMARY KEY, other TEXT)", &e), 0);
	assert_int_not_equal(db_scan(&d, &thing_kind, same_as, NULL, &e), 0);
	assert_non_null(strstr(e.text, "column other"));
	things_close(&d);
}

static int visit_nothing(void *context, void *record)
{
	(void)context, (void)record;
	return 0;
}

/* Each table of the program is written in SQL once, and in C once. */
static void the_schema_has_the_tables_of_the_program(void **state)
{
	(void)state;
	static const struct record_kind *const kinds[] = {
		&component_kind,        &slot_kind,         &link_kind,     &meta_kind,    &audit_kind,       &alarm_kind,
		&user_certificate_kind, &allowed_host_kind, &session_kind,  &token_kind,   &version_kind,     &delta_kind,
		&ack_token_kind,        &mail_kind,         &delivery_kind, &attempt_kind, &oauth_grant_kind,
	};
	struct bench *b = bench_begin();
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct err e = { 0 };
		if (b->store->impl->scan(b->store, kinds[i], visit_nothing, NULL, &e) != 0)
			fail_msg("%s: %s", kinds[i]->table, e.text);
	}
	bench_end(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queries_are_made_from_tables),
		cmocka_unit_test(every_kind_comes_back_as_it_went),
		cmocka_unit_test(tables_that_differ_are_refused),
		cmocka_unit_test(the_schema_has_the_tables_of_the_program),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
