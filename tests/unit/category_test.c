/* SPDX-License-Identifier: Apache-2.0
 * Categories: of a component, inherited by those below it, searched for, exported and imported, kept over a restart. */
#include "station/tree/category.h"

#include "station/tree/search.h"
#include "tests/unit/edits.h"

static int set_categories(struct world *w, const char *path, const char *names, struct ended *end)
{
	json_t *json = json_loads(names, JSON_DECODE_ANY, NULL);
	struct batch *b = batch_new(&w->station, &admin);
	batch_categories(b, at(w, path)->handle, json);
	json_decref(json);
	return submit(w, b, end);
}

static void assert_categories(struct world *w, const char *path, const char *expected)
{
	json_t *names = categories_of(at(w, path), NULL), *want = json_loads(expected, 0, NULL);
	assert_true(json_equal(names, want));
	json_decref(names);
	json_decref(want);
}

struct answer {
	bool done;
	json_t *json; /* owned */
};

static void keep(void *context, json_t *result)
{
	*(struct answer *)context = (struct answer){ true, result };
}

static void test_categories(void **state)
{
	struct world *w = *state;
	struct ended end;
	add(w, "/Drivers", "Hall", "baja:Folder");
	add(w, "/Drivers/Hall", "Fan", "control:BooleanWritable");
	add(w, "/Services/CategoryService", "Hvac", "baja:Category");
	assert_int_equal(set_categories(w, "/Drivers/Hall", "[\"Tenant\", \"Hvac\", \"Hvac\"]", &end), 0);
	assert_int_equal(end.warnings, 1); /* there is no Tenant */
	assert_categories(w, "/Drivers/Hall/Fan", "[\"Hvac\", \"Tenant\"]");
	assert_int_equal(set_values(w, "/Drivers/Hall", "{}", &admin, &end), 0);
	assert_int_equal(set_categories(w, "/Drivers/Hall/Fan", "[]", &end), 0);
	assert_categories(w, "/Drivers/Hall/Fan", "[]");
	assert_int_equal(set_categories(w, "/Drivers/Hall/Fan", "null", &end), 0);
	assert_true(category_has(at(w, "/Drivers/Hall/Fan"), "hvac"));
	assert_int_equal(set_categories(w, "/Drivers", "[7, \"no way\"]", &end), E_INVALID);
	assert_int_equal(end.errors, 2);
	assert_int_equal(set_categories(w, "/Drivers", "\"Hvac\"", &end), E_INVALID);
	struct answer answer = { 0 };
	search_start(&w->station, &(struct search_question){ .text = "category:HVAC", .limit = 10 }, keep, &answer);
	turn_until(w, &answer.done);
	assert_int_equal(json_array_size(json_object_get(answer.json, "items")), 2); /* Hall and Fan */
	json_decref(answer.json);
	char *text = exported(w), *again;
	assert_int_equal(set_categories(w, "/Drivers/Hall", "null", &end), 0);
	assert_int_equal(import(w, text, &end), 0);
	again = exported(w);
	assert_string_equal(again, text);
	free(again);
	free(text);
	world_restart(w, station_types);
	assert_categories(w, "/Drivers/Hall/Fan", "[\"Hvac\", \"Tenant\"]");
}

int main(void)
{
	const struct CMUnitTest tests[] = { IN_STATION(test_categories) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
