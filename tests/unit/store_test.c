/* SPDX-License-Identifier: Apache-2.0
 * Transactions as they are built, before any store sees them: copies, order, keys, hooks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "station/base/must.h"
#include "station/store/persist.h"
#include "station/store/store.h"

struct calls {
	char text[64];
	int code;
};

static void first(void *context, int code, const struct err *e)
{
	struct calls *calls = context;
	strncat(calls->text, "first ", sizeof calls->text - strlen(calls->text) - 1);
	calls->code = code;
	assert_string_equal(e->text, "why");
}

static void second(void *context, int code, const struct err *e)
{
	(void)code, (void)e;
	struct calls *calls = context;
	strncat(calls->text, "second ", sizeof calls->text - strlen(calls->text) - 1);
}

static void a_transaction_copies_what_it_is_given(void **state)
{
	(void)state;
	struct store_tx *tx = store_tx_new();
	assert_true(store_tx_empty(tx));
	char name[] = "name", value[] = "value";
	store_tx_put(tx, &meta_kind, &(struct meta_row){ name, value });
	name[0] = value[0] = 'X';
	assert_false(store_tx_empty(tx));
	assert_int_equal(tx->first->count, 2);
	assert_string_equal(tx->first->values[0].text, "name");
	assert_string_equal(tx->first->values[1].text, "value");
	store_tx_free(&tx);
	assert_null(tx);
	store_tx_free(&tx);
}

static void writes_stay_in_order_and_deletes_read_keys_only(void **state)
{
	(void)state;
	struct store_tx *tx = store_tx_new();
	char slot[] = "port";
	store_tx_delete(tx, &slot_kind, &(struct slot_row){ .handle = 7, .slot = slot }); /* value is not set: not read */
	store_tx_delete_where(tx, &link_kind, "source", &(struct value){ .kind = V_INTEGER, .integer = 7 });
	store_tx_put(tx, &meta_kind, &(struct meta_row){ slot, slot });
	const struct store_write *w = tx->first;
	assert_int_equal(w->what, WRITE_DELETE);
	assert_int_equal(w->count, 2);
	assert_int_equal(w->values[0].integer, 7);
	w = w->next;
	assert_int_equal(w->what, WRITE_DELETE_WHERE);
	assert_string_equal(w->slot, "source");
	assert_int_equal(w->next->what, WRITE_PUT);
	assert_int_equal(tx->count, 3);
	store_tx_free(&tx);
}

static void hooks_run_in_order_and_only_at_the_end(void **state)
{
	(void)state;
	struct calls calls = { .code = 1 };
	struct err why = { .code = E_STORAGE, .text = "why" };
	struct store_tx *tx = store_tx_new();
	store_tx_hook(tx, first, &calls);
	store_tx_hook(tx, second, &calls);
	assert_true(store_tx_empty(tx)); /* a hook writes nothing */
	store_tx_end(tx, E_STORAGE, &why);
	assert_string_equal(calls.text, "first second ");
	assert_int_equal(calls.code, E_STORAGE);
	tx = store_tx_new();
	store_tx_hook(tx, first, &calls);
	*calls.text = '\0';
	store_tx_free(&tx);
	assert_string_equal(calls.text, "");
}

static void rows_may_be_taken(void **state)
{
	(void)state;
	struct store_rows rows = { .kind = &meta_kind, .count = 2, .rows = must_alloc(2 * sizeof(struct meta_row)) };
	struct meta_row *row = store_row(&rows, 0), taken;
	*row = (struct meta_row){ must_strdup("a"), must_strdup("b") };
	*(struct meta_row *)store_row(&rows, 1) = (struct meta_row){ must_strdup("c"), must_strdup("d") };
	taken = *row;
	memset(row, 0, sizeof *row);
	store_rows_clear(&rows);
	assert_null(rows.rows);
	assert_string_equal(taken.name, "a");
	record_finish(&meta_kind, &taken);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_transaction_copies_what_it_is_given),
		cmocka_unit_test(writes_stay_in_order_and_deletes_read_keys_only),
		cmocka_unit_test(hooks_run_in_order_and_only_at_the_end),
		cmocka_unit_test(rows_may_be_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
