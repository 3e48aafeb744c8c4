/* SPDX-License-Identifier: Apache-2.0
 * Tags: merged, checked, kept over a restart, copied, undone, in the configuration, and found. */
#include "station/tree/tags.h"

#include "station/config/config.h"
#include "station/tree/search.h"
#include "tests/unit/world.h"

static const struct actor admin = { .user = "ada", .role = ROLE_ADMIN, .via = "session" };

static int set_tags(struct world *w, const char *path, const char *patch, struct ended *end)
{
	json_t *json = json_loads(patch, 0, NULL);
	struct batch *b = batch_new(&w->station, &admin);
	batch_tags(b, station_by_path(&w->station, path)->handle, json);
	json_decref(json);
	return submit(w, b, end);
}

static void assert_tags(struct world *w, const char *path, const char *expected)
{
	json_t *tags = tags_of(station_by_path(&w->station, path)), *want = json_loads(expected, 0, NULL);
	if (!tags)
		tags = json_object();
	assert_true(json_equal(tags, want));
	json_decref(tags);
	json_decref(want);
}

static void test_life(void **state)
{
	struct world *w = *state;
	struct ended end;
	struct batch *b = batch_new(&w->station, &admin);
	batch_add(b, station_by_path(&w->station, "/Drivers")->handle, "Hall", "baja:Folder", NULL, "/values");
	assert_int_equal(submit(w, b, &end), 0);
	assert_int_equal(set_tags(w, "/Drivers/Hall", "{\"site\": true, \"area\": 120.5, \"hs:geoCity\": \"Ulm\"}", &end),
	                 0);
	assert_tags(w, "/Drivers/Hall", "{\"hs:site\": true, \"hs:area\": 120.5, \"hs:geoCity\": \"Ulm\"}");
	assert_true(tags_have(station_by_path(&w->station, "/Drivers/Hall"), "site"));
	assert_int_equal(set_tags(w, "/Drivers/Hall", "{\"area\": null}", &end), 0);
	assert_tags(w, "/Drivers/Hall", "{\"hs:site\": true, \"hs:geoCity\": \"Ulm\"}");
	b = batch_new(&w->station, &admin);
	batch_undo(b);
	assert_int_equal(submit(w, b, &end), 0);
	assert_tags(w, "/Drivers/Hall", "{\"hs:site\": true, \"hs:area\": 120.5, \"hs:geoCity\": \"Ulm\"}");
	b = batch_new(&w->station, &admin);
	batch_copy(b, station_by_path(&w->station, "/Drivers/Hall")->handle,
	           station_by_path(&w->station, "/Drivers")->handle, "Copy", NULL, "/values");
	assert_int_equal(submit(w, b, &end), 0);
	assert_tags(w, "/Drivers/Copy", "{\"hs:site\": true, \"hs:area\": 120.5, \"hs:geoCity\": \"Ulm\"}");
	json_t *config = config_export(&w->station, w->station.tree.root);
	char *text = config_print(config);
	assert_non_null(strstr(text, "hs:geoCity"));
	free(text);
	json_decref(config);
	world_restart(w, station_types);
	assert_tags(w, "/Drivers/Copy", "{\"hs:site\": true, \"hs:area\": 120.5, \"hs:geoCity\": \"Ulm\"}");
	assert_tags(w, "/Services", "{}");
}

static void ended(void *context, int code, const struct report *report, uint64_t added)
{
	(void)report, (void)added;
	assert_int_equal(code, 0);
	(*(int *)context)++;
}

/* Nobody's tag is lost: neither when batches wait for each other, nor when one batch writes twice. */
static void test_others_are_kept(void **state)
{
	enum { COUNT = 20 };
	struct world *w = *state;
	uint64_t drivers = station_by_path(&w->station, "/Drivers")->handle;
	int count = 0;
	for (int i = 0; i < COUNT / 2; i++) {
		struct batch *b = batch_new(&w->station, &admin);
		for (int k = 0; k < 2; k++) {
			json_t *patch = json_object();
			char name[16];
			snprintf(name, sizeof name, "my:t%d", 2 * i + k);
			json_object_set_new(patch, name, json_integer(i));
			batch_tags(b, drivers, patch);
			json_decref(patch);
		}
		batch_submit(b, ended, &count);
	}
	TURN_UNTIL(w, count == COUNT / 2);
	json_t *tags = tags_of(station_by_path(&w->station, "/Drivers"));
	assert_int_equal(json_object_size(tags), COUNT);
	json_decref(tags);
}

static void test_what_is_wrong(void **state)
{
	struct world *w = *state;
	struct ended end;
	assert_int_equal(set_tags(w, "/Drivers", "{\"site\": \"yes\", \"area\": true, \"no way\": true, \"x\": [1]}", &end),
	                 E_INVALID);
	assert_int_equal(end.errors, 4);
	assert_tags(w, "/Drivers", "{}");
	assert_int_equal(set_tags(w, "/Drivers", "{\"unheardOf\": true, \"my:own\": 7}", &end), 0);
	assert_int_equal(end.warnings, 1); /* of the Haystack name; other dictionaries are their owners' */
}

struct answer {
	bool done;
	json_t *json; /* owned */
};

static void keep(void *context, json_t *result)
{
	*(struct answer *)context = (struct answer){ true, result };
}

static void test_found(void **state)
{
	struct world *w = *state;
	struct ended end;
	assert_int_equal(set_tags(w, "/Drivers", "{\"ahu\": true, \"dis\": \"North wing\"}", &end), 0);
	static const char *const texts[] = { "tag:ahu", "north", "type:Folder tag:hs:ahu" };
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct answer answer = { 0 };
		search_start(&w->station, &(struct search_question){ .text = texts[i], .limit = 10 }, keep, &answer);
		turn_until(w, &answer.done);
		assert_int_equal(json_array_size(json_object_get(answer.json, "items")), 1);
		json_decref(answer.json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { IN_STATION(test_life), IN_STATION(test_others_are_kept),
		                                IN_STATION(test_what_is_wrong), IN_STATION(test_found) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
