/* SPDX-License-Identifier: Apache-2.0
 * Versions: what batches leave behind, how it reads, how long it is kept. */
#include "tests/unit/lamp.h"

#include "station/sheet/version.h"

/* A version with its delta, as it stands in the store. */
struct seen {
	bool done;
	int code;
	char *summary; /* owned */
	json_t *diff;  /* owned */
	struct station *station;
	struct store_rows rows;
};

static void keep_rows(void *context, int code, const struct err *e, struct store_rows *rows)
{
	(void)e;
	struct seen *seen = context;
	seen->code = code;
	seen->rows = *rows;
	*rows = (struct store_rows){ 0 };
	seen->done = true;
}

static void keep_delta(void *context, int code, const struct err *e, struct delta *d)
{
	(void)e;
	struct seen *seen = context;
	seen->code = code;
	seen->summary = delta_summary(d);
	seen->diff = delta_to_json(seen->station, d, 100);
	seen->done = true;
}

static struct store_rows versions(struct world *w)
{
	struct seen seen = { 0 };
	struct store_query q = { .kind = &version_kind, .limit = 2000 };
	store_ask(w->station.store, &q, keep_rows, &seen);
	turn_until(w, &seen.done);
	assert_int_equal(seen.code, 0);
	return seen.rows;
}

static struct seen load(struct world *w, int64_t first, int64_t last)
{
	struct seen seen = { .station = &w->station };
	version_load(&w->station, first, last, keep_delta, &seen);
	turn_until(w, &seen.done);
	return seen;
}

static void seen_finish(struct seen *seen)
{
	free(seen->summary);
	json_decref(seen->diff);
}

static void expect_summary(struct world *w, int64_t number, const char *summary)
{
	struct seen seen = load(w, number, number);
	assert_int_equal(seen.code, 0);
	assert_string_equal(seen.summary, summary);
	seen_finish(&seen);
}

static void each_batch_leaves_a_version(void **state)
{
	struct world *w = *state;
	struct ended end;
	uint64_t one = add_lamp(w, "One");
	assert_int_equal(set_json(w, one, &admin, "{\"power\":7,\"label\":\"hall\",\"code\":\"1234\"}", &end), 0);
	assert_int_equal(set_json(w, one, &admin, "{\"power\":7}", &end), 0); /* nothing new */
	assert_int_equal(set_json(w, one, &admin, "{\"power\":700}", &end), E_INVALID);
	struct batch *b = change(w);
	batch_reason(b, "It was dark.");
	batch_move(b, one, 0, "Uno");
	assert_int_equal(submit(w, b, &end), 0);
	b = change(w);
	batch_link(b, add_lamp(w, "Two"), NULL, "slot:/Drivers/Uno", "power", "limit");
	assert_int_equal(submit(w, b, &end), 0);
	b = change(w);
	batch_remove(b, one);
	assert_int_equal(submit(w, b, &end), 0);
	struct store_rows rows = versions(w);
	assert_int_equal(rows.count, 6);
	const struct version_record *third = store_row(&rows, 2);
	assert_int_equal(third->number, 3);
	assert_string_equal(third->user, "ada");
	assert_string_equal(third->via, "session");
	assert_string_equal(third->reason, "It was dark.");
	assert_string_equal(third->summary, "Renamed /Drivers/One to Uno.");
	store_rows_clear(&rows);
	expect_summary(w, 1, "Added /Drivers/One (2 components).");
	expect_summary(w, 2, "Changed power, label, code of /Drivers/One.");
	expect_summary(w, 5, "Linked to /Drivers/Two.");
	world_restart(w, lamp_types);
	expect_summary(w, 6, "Removed /Drivers/Uno (2 components); removed a link into /Drivers/Two.");
	assert_int_equal(version_newest(&w->station), 6);
}

static void a_diff_can_be_read_and_shows_no_secret(void **state)
{
	struct world *w = *state;
	struct ended end;
	uint64_t one = add_lamp(w, "One");
	assert_int_equal(set_json(w, one, &admin, "{\"power\":7,\"code\":\"1234\"}", &end), 0);
	struct seen seen = load(w, 2, 0);
	assert_int_equal(seen.code, 0);
	json_t *expected =
	    json_pack("[{s:s, s:s, s:s, s:s, s:[{s:s, s:i, s:i}, {s:s, s:{s:b}, s:{s:b}}], s:[]}]", "path", "/Drivers/One",
	              "type", "test:Lamp", "handle", "", "what", "changed", "properties", "name", "power", "old", 0, "new",
	              7, "name", "code", "old", "set", 0, "new", "set", 1, "links");
	json_object_set(json_array_get(expected, 0), "handle", json_object_get(json_array_get(seen.diff, 0), "handle"));
	assert_true(json_equal(seen.diff, expected));
	json_decref(expected);
	seen_finish(&seen);
	seen = load(w, 1, 0); /* composed: added with these values */
	assert_int_equal(json_array_size(seen.diff), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(seen.diff, 0), "what")), "added");
	assert_int_equal(json_array_size(json_object_get(json_array_get(seen.diff, 0), "properties")), 2);
	seen_finish(&seen);
	seen = load(w, 3, 3);
	assert_int_equal(seen.code, E_NOT_FOUND);
	seen_finish(&seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lamp_test(each_batch_leaves_a_version),
		lamp_test(a_diff_can_be_read_and_shows_no_secret),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
