/* SPDX-License-Identifier: Apache-2.0
 * Searching: words, filters, values, pages that stay the same while the tree changes, and no secret is ever found. */
#include "station/tree/search.h"

#include "tests/unit/world.h"

struct answer {
	bool done;
	json_t *json; /* owned */
};

static void keep(void *context, json_t *result)
{
	*(struct answer *)context = (struct answer){ true, result };
}

static json_t *find(struct world *w, const char *text, const char *type, uint64_t after, int64_t limit)
{
	struct answer answer = { 0 };
	search_start(&w->station, &(struct search_question){ .text = text, .type = type, .after = after, .limit = limit },
	             keep, &answer);
	turn_until(w, &answer.done);
	return answer.json;
}

static size_t count(struct world *w, const char *text, const char *type)
{
	json_t *json = find(w, text, type, 0, 1000);
	size_t n = json_array_size(json_object_get(json, "items"));
	json_decref(json);
	return n;
}

static void test_words(void **state)
{
	struct world *w = *state;
	struct component *boiler = make_component(w, w->station.tree.root, "baja:Folder", "BoilerRoom");
	struct component *flow = make_component(w, boiler, "control:NumericWritable", "Flow");
	make_component(w, boiler, "control:StringWritable", "Notice");
	component_set_display_name(flow, "Vorlauf Süd");
	set_slot(flow, "fallback", "62.5");
	set_slot(component_child(boiler, "Notice"), "fallback", "call the plumber");
	assert_int_equal(count(w, "boilerroom", NULL), 3); /* by name, and by path */
	assert_int_equal(count(w, "boiler süd", NULL), 1);
	assert_int_equal(count(w, "boiler 62.5", NULL), 1);
	assert_int_equal(count(w, "PLUMBER", NULL), 1);
	assert_int_equal(count(w, "boiler nothing", NULL), 0);
	assert_int_equal(count(w, "boiler type:control:NumericPoint", NULL), 1); /* also what is built on it */
	assert_int_equal(count(w, "boiler", "control:ControlPoint"), 2);
	set_slot(flow, "fallback", "1 {fault}");
	assert_int_equal(count(w, "boiler status:fault", NULL), 1);
	json_t *json = find(w, "plumber", NULL, 0, 10);
	json_t *item = json_array_get(json_object_get(json, "items"), 0);
	assert_string_equal(json_string_value(json_object_get(item, "path")), "/BoilerRoom/Notice");
	assert_null(json_object_get(json, "next"));
	json_decref(json);
}

static void test_pages(void **state)
{
	struct world *w = *state;
	enum { COUNT = 25, PAGE = 7 };
	struct component *c[COUNT];
	for (int i = 0; i < COUNT; i++) {
		char name[24];
		snprintf(name, sizeof name, "Needle%d", i);
		c[i] = make_component(w, w->station.tree.root, "baja:Folder", name);
	}
	uint64_t after = 0;
	size_t seen = 0;
	for (int page = 0; page < 4; page++) {
		json_t *json = find(w, "needle", NULL, after, PAGE);
		const char *next = json_string_value(json_object_get(json, "next"));
		seen += json_array_size(json_object_get(json, "items"));
		after = next ? strtoull(next, NULL, 16) : 0;
		assert_int_equal(next != NULL, page < 3);
		json_decref(json);
		if (page == 1) { /* what was told already goes: the next page is the same */
			tree_stop(c[3]);
			tree_detach(c[3]);
			component_destroy(&c[3]);
		}
	}
	assert_int_equal(seen, COUNT);
}

static void test_no_secrets(void **state)
{
	struct world *w = *state;
	struct batch *b = batch_new(&w->station, NULL);
	struct ended end;
	json_t *values =
	    json_loads("{\"emailAuthenticator\": {\"type\": \"email:BasicEmailClientAuthenticator\", \"account\": "
	               "\"needle\", \"password\": \"hunter22\"}}",
	               0, NULL);
	batch_set_json(b, station_by_path(&w->station, "/Services/EmailService/OutgoingAccount")->handle, values,
	               "/values");
	json_decref(values);
	assert_int_equal(submit(w, b, &end), 0);
	assert_int_equal(count(w, "needle", NULL), 1);
	assert_int_equal(count(w, "hunter22", NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { IN_STATION(test_words), IN_STATION(test_pages), IN_STATION(test_no_secrets) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
