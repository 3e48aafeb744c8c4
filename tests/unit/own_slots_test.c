/* SPDX-License-Identifier: Apache-2.0
 * Slots of single components: added, set, renamed, removed, linked, undone, copied, kept over a restart and in the
 * configuration; flags, facets and display names given to slots of the type; and categories, inherited. */
#include "station/own_slots.h"

#include "station/category.h"
#include "station/config.h"
#include "station/link.h"
#include "station/search.h"
#include "tests/unit/world.h"

static const struct actor admin = { .user = "ada", .role = ROLE_ADMIN, .via = "session" };
static const struct actor operator_ = { .user = "otto", .role = ROLE_OPERATOR, .via = "session" };

static struct component *at(struct world *w, const char *path)
{
	struct component *c = station_by_path(&w->station, path);
	assert_non_null(c);
	return c;
}

static int patch_slots(struct world *w, const char *path, const char *patch, struct ended *end)
{
	json_t *json = json_loads(patch, 0, NULL);
	assert_non_null(json);
	struct batch *b = batch_new(&w->station, &admin);
	batch_slots(b, at(w, path)->handle, json);
	json_decref(json);
	return submit(w, b, end);
}

static int set_values(struct world *w, const char *path, const char *values, const struct actor *actor,
                      struct ended *end)
{
	json_t *json = json_loads(values, 0, NULL);
	struct batch *b = batch_new(&w->station, actor);
	batch_set_json(b, at(w, path)->handle, json, "/values");
	json_decref(json);
	return submit(w, b, end);
}

static void add(struct world *w, const char *parent, const char *name, const char *type)
{
	struct ended end;
	struct batch *b = batch_new(&w->station, &admin);
	batch_add(b, at(w, parent)->handle, name, type, NULL, "/values");
	assert_int_equal(submit(w, b, &end), 0);
}

static int undo(struct world *w, struct ended *end)
{
	struct batch *b = batch_new(&w->station, &admin);
	batch_undo(b);
	return submit(w, b, end);
}

static void assert_value(struct world *w, const char *path, const char *slot, const char *expected)
{
	struct component *c = at(w, path);
	const struct slot *row = component_slot(c, slot);
	struct value v;
	assert_non_null(row);
	assert_int_equal(component_get(c, slot, &v, NULL), 0);
	char *text = value_print(row, &v);
	assert_string_equal(text, expected);
	free(text);
	value_clear(&v);
}

static char *exported(struct world *w)
{
	json_t *config = config_export(&w->station, w->station.tree.root);
	char *text = config_print(config);
	json_decref(config);
	return text;
}

static int import(struct world *w, const char *text, struct ended *end)
{
	json_t *config = json_loads(text, 0, NULL);
	struct batch *b = batch_new(&w->station, &admin);
	assert_int_equal(config_import(b, &w->station, config, NULL, NULL), 0);
	json_decref(config);
	return submit(w, b, end);
}

static const char all_kinds[] =
    "{\"flag\": {\"kind\": \"boolean\", \"value\": true, \"facets\": {\"trueText\": \"On\"}},"
    "\"count\": {\"kind\": \"integer\", \"value\": 7, \"facets\": {\"min\": 5, \"max\": 9}},"
    "\"amount\": {\"kind\": \"real\", \"value\": 21.5, \"facets\": {\"units\": \"°C\", \"precision\": 1}},"
    "\"words\": {\"kind\": \"string\", \"value\": \"hello\", \"displayName\": \"Some words\"},"
    "\"mode\": {\"kind\": \"enum\", \"value\": \"high\", \"facets\": {\"range\": [\"low\", \"high\"]}},"
    "\"since\": {\"kind\": \"abstime\", \"value\": \"2026-01-01T00:00:00Z\"},"
    "\"span\": {\"kind\": \"reltime\", \"value\": \"1m\"}, \"where\": {\"kind\": \"ord\", \"value\": "
    "\"station:|slot:/Drivers\"},"
    "\"sNumber\": {\"kind\": \"statusNumeric\", \"value\": 3}, \"sFlag\": {\"kind\": \"statusBoolean\"},"
    "\"sMode\": {\"kind\": \"statusEnum\", \"facets\": {\"range\": [{\"name\": \"a\", \"ordinal\": 4}]}},"
    "\"sWords\": {\"kind\": \"statusString\", \"value\": \"x\"},"
    "\"list\": {\"kind\": \"list\", \"element\": \"integer\", \"value\": [1, 2]}}";

static void assert_all_kinds(struct world *w, const char *path)
{
	static const char *const expected[][2] = {
		{ "flag", "true" },      { "count", "7" },       { "amount", "21.5" },
		{ "words", "hello" },    { "mode", "high" },     { "since", "2026-01-01T00:00:00.000000Z" },
		{ "span", "1m" },        { "sNumber", "3" },     { "sFlag", "false {null}" },
		{ "sMode", "a {null}" }, { "sWords", "x {ok}" }, { "list", "[1,2]" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		assert_value(w, path, expected[i][0], expected[i][1]);
}

static void test_life(void **state)
{
	struct world *w = *state;
	struct ended end;
	add(w, "/Drivers", "Hall", "baja:Folder");
	assert_int_equal(patch_slots(w, "/Drivers/Hall", all_kinds, &end), 0);
	assert_all_kinds(w, "/Drivers/Hall");
	char label[256];
	assert_string_equal(component_slot_label(at(w, "/Drivers/Hall"), "words", label, sizeof label), "Some words");
	world_restart(w, station_types);
	assert_all_kinds(w, "/Drivers/Hall");
	/* Set like any other, by its limits. */
	assert_int_equal(set_values(w, "/Drivers/Hall", "{\"count\": 10, \"mode\": \"none\"}", &admin, &end), E_INVALID);
	assert_int_equal(end.errors, 2);
	assert_int_equal(set_values(w, "/Drivers/Hall", "{\"count\": 9}", &admin, &end), 0);
	assert_value(w, "/Drivers/Hall", "count", "9");
	/* Renamed it keeps its value; removed and undone it is there again with it. */
	assert_int_equal(patch_slots(w, "/Drivers/Hall", "{\"count\": {\"name\": \"number\"}, \"words\": null}", &end), 0);
	assert_value(w, "/Drivers/Hall", "number", "9");
	assert_null(component_slot(at(w, "/Drivers/Hall"), "count"));
	assert_null(component_slot(at(w, "/Drivers/Hall"), "words"));
	assert_int_equal(undo(w, &end), 0);
	assert_value(w, "/Drivers/Hall", "count", "9");
	assert_value(w, "/Drivers/Hall", "words", "hello");
	assert_null(component_slot(at(w, "/Drivers/Hall"), "number"));
	/* Undoing the setting, then the adding; and both again. */
	assert_int_equal(undo(w, &end), 0);
	assert_all_kinds(w, "/Drivers/Hall");
	assert_int_equal(undo(w, &end), 0);
	assert_null(component_slot(at(w, "/Drivers/Hall"), "count"));
	struct batch *b = batch_new(&w->station, &admin);
	batch_redo(b);
	assert_int_equal(submit(w, b, &end), 0);
	assert_all_kinds(w, "/Drivers/Hall");
	world_restart(w, station_types);
	assert_all_kinds(w, "/Drivers/Hall");
}

static void test_copies_and_removal(void **state)
{
	struct world *w = *state;
	struct ended end;
	add(w, "/Drivers", "Hall", "baja:Folder");
	assert_int_equal(patch_slots(w, "/Drivers/Hall", all_kinds, &end), 0);
	struct batch *b = batch_new(&w->station, &admin);
	batch_copy(b, at(w, "/Drivers/Hall")->handle, at(w, "/Drivers")->handle, "Copy", NULL, "/values");
	assert_int_equal(submit(w, b, &end), 0);
	assert_all_kinds(w, "/Drivers/Copy");
	assert_ptr_equal(component_slot(at(w, "/Drivers/Copy"), "mode"), component_slot(at(w, "/Drivers/Hall"), "mode"));
	b = batch_new(&w->station, &admin);
	batch_remove(b, at(w, "/Drivers/Copy")->handle);
	assert_int_equal(submit(w, b, &end), 0);
	assert_int_equal(undo(w, &end), 0);
	assert_all_kinds(w, "/Drivers/Copy");
	world_restart(w, station_types);
	assert_all_kinds(w, "/Drivers/Copy");
}

static int link_to(struct world *w, const char *target, const char *slot, const char *source, const char *from,
                   struct ended *end)
{
	struct batch *b = batch_new(&w->station, &admin);
	batch_link(b, at(w, target)->handle, "way", source, from, slot);
	return submit(w, b, end);
}

static void test_links(void **state)
{
	struct world *w = *state;
	struct ended end;
	add(w, "/Drivers", "A", "baja:Folder");
	add(w, "/Drivers", "B", "control:NumericWritable");
	assert_int_equal(patch_slots(w, "/Drivers/A",
	                             "{\"x\": {\"kind\": \"real\", \"value\": 4}, \"y\": {\"kind\": \"integer\"}}", &end),
	                 0);
	assert_int_equal(link_to(w, "/Drivers/B", "in10", "/Drivers/A", "x", &end), 0);
	assert_int_equal(link_to(w, "/Drivers/A", "y", "/Drivers/B", "out", &end), 0);
	assert_value(w, "/Drivers/A", "y", "4");
	assert_int_equal(set_values(w, "/Drivers/A", "{\"x\": 8}", &admin, &end), 0);
	assert_value(w, "/Drivers/A", "y", "8");
	/* Links follow a new name, and carry on. */
	assert_int_equal(patch_slots(w, "/Drivers/A", "{\"x\": {\"name\": \"p\"}, \"y\": {\"name\": \"q\"}}", &end), 0);
	assert_int_equal(set_values(w, "/Drivers/A", "{\"p\": 9}", &admin, &end), 0);
	assert_value(w, "/Drivers/A", "q", "9");
	/* They go with their slot, and come back with it. */
	assert_int_equal(patch_slots(w, "/Drivers/A", "{\"p\": null}", &end), 0);
	assert_null(link_find(at(w, "/Drivers/B"), "way"));
	assert_int_equal(undo(w, &end), 0);
	assert_non_null(link_find(at(w, "/Drivers/B"), "way"));
	world_restart(w, station_types);
	assert_int_equal(set_values(w, "/Drivers/A", "{\"p\": 11}", &admin, &end), 0);
	assert_value(w, "/Drivers/A", "q", "11");
	/* Another kind is another conversion. */
	assert_int_equal(patch_slots(w, "/Drivers/A", "{\"q\": {\"kind\": \"string\"}}", &end), 0);
	assert_int_equal(set_values(w, "/Drivers/A", "{\"p\": 12}", &admin, &end), 0);
	assert_value(w, "/Drivers/A", "q", "12");
	/* A slot and the link to it in one batch. */
	json_t *json = json_loads("{\"z\": {\"kind\": \"real\"}}", 0, NULL);
	struct batch *b = batch_new(&w->station, &admin);
	batch_link(b, at(w, "/Drivers/A")->handle, "more", "/Drivers/B", "out", "z");
	batch_slots(b, at(w, "/Drivers/A")->handle, json);
	json_decref(json);
	assert_int_equal(submit(w, b, &end), 0);
	assert_value(w, "/Drivers/A", "z", "12");
}

static void test_what_is_wrong(void **state)
{
	static const struct {
		const char *patch, *pointer;
	} wrong[] = {
		{ "{\"x\": {\"facets\": {}}}", "/slots/x/kind" },
		{ "{\"x\": {\"kind\": \"secret\"}}", "/slots/x/kind" },
		{ "{\"x\": {\"kind\": \"list\"}}", "/slots/x/element" },
		{ "{\"x y\": {\"kind\": \"real\"}}", "/slots/x y/name" },
		{ "{\"tags\": {\"kind\": \"real\"}}", "/slots/tags/name" },
		{ "{\"port\": {\"kind\": \"real\"}}", "/slots/port/kind" },
		{ "{\"x\": {\"kind\": \"enum\"}}", "/slots/x/facets/range" },
		{ "{\"x\": {\"kind\": \"enum\", \"facets\": {\"range\": [\"a\", \"a\"]}}}", "/slots/x/facets/range" },
		{ "{\"x\": {\"kind\": \"real\", \"facets\": {\"min\": 3, \"max\": 2}}}", "/slots/x/facets/min" },
		{ "{\"x\": {\"kind\": \"real\", \"facets\": {\"precision\": 12}}}", "/slots/x/facets/precision" },
		{ "{\"x\": {\"kind\": \"string\", \"facets\": {\"min\": 3}}}", "/slots/x/facets/min" },
		{ "{\"x\": {\"kind\": \"real\", \"flags\": [\"loud\"]}}", "/slots/x/flags" },
		{ "{\"x\": {\"kind\": \"real\", \"colour\": 3}}", "/slots/x/colour" },
		{ "{\"x\": {\"kind\": \"real\", \"value\": \"warm\"}}", "/slots/x" },
		{ "{\"x\": null}", "/slots/x" },
		{ "{\"x\": 3}", "/slots/x" },
		{ "{\"port\": {\"facets\": {\"max\": 70000}}}", "/slots/port/facets/max" },
		{ "{\"port\": {\"flags\": [\"transient\"]}}", "/slots/port/flags" },
		{ "{\"port\": {\"name\": \"gate\"}}", "/slots/port" },
		{ "{\"port\": {\"facets\": {\"min\": 1}}}", "/values/port" }, /* it has -1 */
	};
	struct world *w = *state;
	struct ended end;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		int code = patch_slots(w, "/Services/EmailService/OutgoingAccount", wrong[i].patch, &end);
		if (code == 0 || end.errors == 0 || strcmp(end.pointers[0], wrong[i].pointer) != 0)
			fail_msg("%s: %d %s %s", wrong[i].patch, code, end.pointers[0], end.details[0]);
		assert_null(at(w, "/Services/EmailService/OutgoingAccount")->extra);
	}
}

static void test_details_of_the_type(void **state)
{
	static const char path[] = "/Services/EmailService/OutgoingAccount";
	struct world *w = *state;
	struct ended end;
	assert_int_equal(set_values(w, path, "{\"port\": 26}", &operator_, &end), E_FORBIDDEN);
	assert_int_equal(patch_slots(w, path,
	                             "{\"port\": {\"flags\": [\"operator\"], \"displayName\": \"Door\", \"facets\": "
	                             "{\"max\": 1000}}, \"hostname\": {\"flags\": [\"readonly\"]}}",
	                             &end),
	                 0);
	world_restart(w, station_types);
	assert_int_equal(set_values(w, path, "{\"port\": 26}", &operator_, &end), 0);
	assert_int_equal(set_values(w, path, "{\"port\": 1001}", &admin, &end), E_INVALID);
	assert_int_equal(set_values(w, path, "{\"hostname\": \"mail\"}", &admin, &end), E_INVALID);
	json_t *json = component_to_json(at(w, path), 0), *row = json_array_get(json_object_get(json, "slots"), 0);
	json_t *expected = json_loads("{\"name\": \"hostname\", \"displayName\": \"Hostname\", \"own\": true}", 0, NULL);
	assert_int_equal(json_array_size(json_object_get(json, "slots")), 2);
	const char *name;
	json_t *value;
	json_object_foreach(expected, name, value) assert_true(json_equal(value, json_object_get(row, name)));
	json_decref(expected);
	json_decref(json);
	assert_int_equal(patch_slots(w, path, "{\"port\": null, \"hostname\": {\"flags\": null}}", &end), 0);
	assert_int_equal(set_values(w, path, "{\"port\": 1001, \"hostname\": \"mail\"}", &admin, &end), 0);
}

static void test_configuration(void **state)
{
	struct world *w = *state;
	struct ended end;
	add(w, "/Drivers", "Hall", "baja:Folder");
	char *empty = exported(w);
	assert_int_equal(patch_slots(w, "/Drivers/Hall", all_kinds, &end), 0);
	assert_int_equal(patch_slots(w, "/Drivers/Hall",
	                             "{\"fixed\": {\"kind\": \"real\", \"flags\": [\"readonly\"], \"value\": 4}}", &end),
	                 0);
	assert_int_equal(
	    patch_slots(w, "/Services/EmailService/OutgoingAccount", "{\"hostname\": {\"flags\": [\"readonly\"]}}", &end),
	    0);
	char *text = exported(w);
	assert_int_equal(import(w, empty, &end), 0);
	assert_null(component_slot(at(w, "/Drivers/Hall"), "count"));
	char *again = exported(w);
	assert_string_equal(again, empty);
	free(again);
	assert_int_equal(import(w, text, &end), 0);
	assert_all_kinds(w, "/Drivers/Hall");
	assert_value(w, "/Drivers/Hall", "fixed", "4");
	again = exported(w);
	assert_string_equal(again, text);
	free(again);
	free(text);
	free(empty);
}

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
	const struct CMUnitTest tests[] = {
		IN_STATION(test_life),          IN_STATION(test_copies_and_removal),  IN_STATION(test_links),
		IN_STATION(test_what_is_wrong), IN_STATION(test_details_of_the_type), IN_STATION(test_configuration),
		IN_STATION(test_categories),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
