/* SPDX-License-Identifier: Apache-2.0
 * Slots of single components: added, set, renamed, removed, linked, undone, copied, kept over a restart and in the
 * configuration; flags, facets and display names given to slots of the type. */
#include "station/tree/own_slots.h"

#include "station/base/secret.h"
#include "station/link/link.h"
#include "tests/unit/edits.h"

static int patch_slots(struct world *w, const char *path, const char *patch, struct ended *end)
{
	json_t *json = json_loads(patch, 0, NULL);
	assert_non_null(json);
	struct batch *b = batch_new(&w->station, &admin);
	batch_slots(b, at(w, path)->handle, json);
	json_decref(json);
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
    "\"limit\": {\"kind\": \"struct\", \"doc\": \"Where it is too warm.\", \"value\": {\"low\": 5}, \"members\": ["
    "{\"name\": \"low\", \"kind\": \"real\", \"facets\": {\"units\": \"°C\", \"max\": 50}},"
    "{\"name\": \"mode\", \"kind\": \"enum\", \"facets\": {\"range\": [\"a\", \"b\"]}}]},"
    "\"rows\": {\"kind\": \"list\", \"element\": \"struct\", \"members\": [{\"name\": \"span\", \"kind\": \"reltime\"},"
    "{\"name\": \"inner\", \"kind\": \"struct\", \"members\": [{\"name\": \"who\", \"kind\": \"string\"}]}],"
    "\"value\": [{\"span\": 7, \"inner\": {\"who\": \"x\"}}, {}]},"
    "\"modes\": {\"kind\": \"list\", \"element\": \"enum\", \"facets\": {\"range\": [\"low\", \"high\"], "
    "\"maxLength\": 3}, \"value\": [\"high\"]},"
    "\"list\": {\"kind\": \"list\", \"element\": \"integer\", \"value\": [1, 2]}}";

static void assert_all_kinds(struct world *w, const char *path)
{
	static const char *const expected[][2] = {
		{ "flag", "true" },
		{ "count", "7" },
		{ "amount", "21.5" },
		{ "words", "hello" },
		{ "mode", "high" },
		{ "since", "2026-01-01T00:00:00.000000Z" },
		{ "span", "1m" },
		{ "sNumber", "3" },
		{ "sFlag", "false {null}" },
		{ "sMode", "a {null}" },
		{ "sWords", "x {ok}" },
		{ "list", "[1,2]" },
		{ "modes", "[\"high\"]" },
		{ "limit", "{\"low\":5.0,\"mode\":\"a\"}" },
		{ "rows", "[{\"span\":7,\"inner\":{\"who\":\"x\"}},{\"span\":0,\"inner\":{\"who\":\"\"}}]" },
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

/* A struct's members are set one by one, checked by their facets, and keep their values when others come and go. */
static void test_structs(void **state)
{
	struct world *w = *state;
	struct ended end;
	add(w, "/Drivers", "Hall", "baja:Folder");
	assert_int_equal(patch_slots(w, "/Drivers/Hall", all_kinds, &end), 0);
	assert_int_equal(set_values(w, "/Drivers/Hall",
	                            "{\"limit\": {\"low\": 51, \"mode\": \"c\", \"high\": 1}, \"modes\": [\"none\"], "
	                            "\"rows\": [{\"inner\": {\"who\": 3}}]}",
	                            &admin, &end),
	                 E_INVALID);
	static const char *const pointers[] = { "/values/limit/low", "/values/limit/mode", "/values/limit/high",
		                                    "/values/modes/0", "/values/rows/0/inner/who" };
	assert_int_equal(end.errors, ARRAY_SIZE(pointers));
	for (size_t i = 0; i < ARRAY_SIZE(pointers); i++) {
		size_t k = 0;
		while (k < end.errors && strcmp(end.pointers[k], pointers[i]) != 0)
			k++;
		if (k == end.errors)
			fail_msg("%s is not told", pointers[i]);
	}
	assert_int_equal(set_values(w, "/Drivers/Hall", "{\"limit\": {\"mode\": \"b\"}}", &admin, &end), 0);
	assert_value(w, "/Drivers/Hall", "limit", "{\"low\":5.0,\"mode\":\"b\"}");
	/* mode stays, low becomes another kind, high comes. */
	static const char others[] = "{\"limit\": {\"name\": \"limits\", \"members\": ["
	                             "{\"name\": \"high\", \"kind\": \"real\", \"facets\": {\"min\": 3}},"
	                             "{\"name\": \"mode\", \"kind\": \"enum\", \"facets\": {\"range\": [\"a\", \"b\"]}},"
	                             "{\"name\": \"low\", \"kind\": \"boolean\"}]}}";
	assert_int_equal(patch_slots(w, "/Drivers/Hall", others, &end), 0);
	assert_value(w, "/Drivers/Hall", "limits", "{\"high\":3.0,\"mode\":\"b\",\"low\":false}");
	world_restart(w, station_types);
	assert_value(w, "/Drivers/Hall", "limits", "{\"high\":3.0,\"mode\":\"b\",\"low\":false}");
	assert_int_equal(undo(w, &end), 0);
	assert_value(w, "/Drivers/Hall", "limit", "{\"low\":5.0,\"mode\":\"b\"}");
	assert_int_equal(undo(w, &end), 0);
	assert_all_kinds(w, "/Drivers/Hall");
	/* A value that a narrower range has no place for is an error, not another value. */
	assert_int_equal(patch_slots(w, "/Drivers/Hall", "{\"modes\": {\"facets\": {\"range\": [\"low\"]}}}", &end),
	                 E_INVALID);
	assert_string_equal(end.pointers[0], "/values/modes");
	/* Another element is another list. */
	assert_int_equal(patch_slots(w, "/Drivers/Hall", "{\"rows\": {\"element\": \"string\", \"value\": [\"y\"]}}", &end),
	                 0);
	assert_value(w, "/Drivers/Hall", "rows", "[\"y\"]");
	/* Structs of equal members are linked; others are not. */
	add(w, "/Drivers", "Other", "baja:Folder");
	assert_int_equal(
	    patch_slots(w, "/Drivers/Other",
	                "{\"limit\": {\"kind\": \"struct\", \"displayName\": \"L\", \"members\": ["
	                "{\"name\": \"low\", \"kind\": \"real\", \"facets\": {\"units\": \"°C\", \"max\": 50}},"
	                "{\"name\": \"mode\", \"kind\": \"enum\", \"facets\": {\"range\": [\"a\", \"b\"]}}]},"
	                "\"narrow\": {\"kind\": \"struct\", \"members\": [{\"name\": \"low\", \"kind\": "
	                "\"real\"}]}}",
	                &end),
	    0);
	struct batch *b = batch_new(&w->station, &admin);
	batch_link(b, at(w, "/Drivers/Other")->handle, "way", "/Drivers/Hall", "limit", "limit");
	assert_int_equal(submit(w, b, &end), 0);
	assert_value(w, "/Drivers/Other", "limit", "{\"low\":5.0,\"mode\":\"a\"}");
	b = batch_new(&w->station, &admin);
	batch_link(b, at(w, "/Drivers/Other")->handle, "no", "/Drivers/Hall", "limit", "narrow");
	assert_int_equal(submit(w, b, &end), E_INVALID);
}

static void assert_plain(struct world *w, const char *path, const char *slot, const char *expected)
{
	struct component *c = at(w, path);
	struct value v;
	assert_non_null(component_slot(c, slot));
	assert_int_equal(component_get(c, slot, &v, NULL), 0);
	char *plain = *v.text ? secret_open(w->station.keyring, v.text, NULL) : NULL;
	assert_string_equal(plain ? plain : "", expected);
	assert_true(!*expected || strcmp(v.text, expected) != 0);
	secret_wipe(&plain);
	value_clear(&v);
}

static void assert_never_told(struct world *w, const char *path)
{
	json_t *json = component_to_json(at(w, path), 0);
	char *text = json_dumps(json, 0), *config = exported(w);
	assert_null(strstr(text, "hunter22"));
	assert_null(strstr(config, "hunter22"));
	assert_null(strstr(text, "v1:")); /* nor sealed */
	assert_null(strstr(config, "v1:"));
	json_decref(json);
	free(config);
	free(text);
}

static void test_secrets(void **state)
{
	static const char path[] = "/Drivers/Hall";
	struct world *w = *state;
	struct ended end;
	add(w, "/Drivers", "Hall", "baja:Folder");
	assert_int_equal(
	    patch_slots(w, path,
	                "{\"pin\": {\"kind\": \"secret\", \"value\": \"hunter22\"}, \"empty\": {\"kind\": \"secret\"}}",
	                &end),
	    0);
	assert_plain(w, path, "pin", "hunter22");
	assert_plain(w, path, "empty", "");
	assert_never_told(w, path);
	world_restart(w, station_types);
	assert_plain(w, path, "pin", "hunter22");
	/* What was read is sent back: as it was. A new name keeps it. */
	assert_int_equal(set_values(w, path, "{\"pin\": {\"set\": true}}", &admin, &end), 0);
	assert_int_equal(patch_slots(w, path, "{\"pin\": {\"name\": \"code\"}}", &end), 0);
	assert_plain(w, path, "code", "hunter22");
	assert_int_equal(undo(w, &end), 0);
	assert_plain(w, path, "pin", "hunter22");
	struct batch *b = batch_new(&w->station, &admin);
	batch_copy(b, at(w, path)->handle, at(w, "/Drivers")->handle, "Copy", NULL, "/values");
	assert_int_equal(submit(w, b, &end), 0);
	assert_plain(w, "/Drivers/Copy", "pin", "hunter22");
	/* Out as a reference, in again from where it stands, in a component that is new there too. */
	char *text = exported(w);
	assert_non_null(strstr(text, "\"secret\": \"/Drivers/Hall/pin\""));
	assert_int_equal(import(w, text, &end), 0);
	assert_plain(w, path, "pin", "hunter22");
	b = batch_new(&w->station, &admin);
	batch_remove(b, at(w, "/Drivers/Copy")->handle);
	assert_int_equal(submit(w, b, &end), 0);
	assert_int_equal(import(w, text, &end), E_INVALID);
	assert_non_null(strstr(end.details[0], "/Drivers/Copy/pin"));
	char *reference = strstr(text, "/Drivers/Copy/pin");
	assert_non_null(reference);
	memcpy(reference, "/Drivers/Hall/pin", strlen("/Drivers/Hall/pin"));
	assert_int_equal(import(w, text, &end), 0);
	assert_plain(w, "/Drivers/Copy", "pin", "hunter22");
	free(text);
	/* Another kind does not see it; neither does a link, nor who looks back at the version. */
	assert_int_equal(patch_slots(w, path, "{\"pin\": {\"kind\": \"string\"}}", &end), 0);
	assert_value(w, path, "pin", "");
	assert_int_equal(undo(w, &end), 0);
	assert_plain(w, path, "pin", "hunter22");
	assert_int_equal(patch_slots(w, path, "{\"words\": {\"kind\": \"string\"}}", &end), 0);
	b = batch_new(&w->station, &admin);
	batch_link(b, at(w, path)->handle, "way", path, "pin", "words");
	assert_int_equal(submit(w, b, &end), E_INVALID);
	b = batch_new(&w->station, &admin);
	batch_link(b, at(w, path)->handle, "way", path, "words", "empty");
	assert_int_equal(submit(w, b, &end), E_INVALID);
	assert_never_told(w, path);
	assert_int_equal(
	    patch_slots(w, path, "{\"x\": {\"kind\": \"struct\", \"members\": [{\"name\": \"a\", \"kind\": \"secret\"}]}}",
	                &end),
	    E_INVALID);
	assert_string_equal(end.pointers[0], "/slots/x/members/0/kind");
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

/* Whoever made a link while the new name waited, and a link whose two ends are renamed at once. */
static void test_links_follow(void **state)
{
	struct world *w = *state;
	struct ended end, linked = { 0 };
	add(w, "/Drivers", "A", "baja:Folder");
	add(w, "/Drivers", "B", "baja:Folder");
	for (const char *path = "/Drivers/A"; path; path = path[9] == 'A' ? "/Drivers/B" : NULL)
		assert_int_equal(patch_slots(w, path, "{\"x\": {\"kind\": \"real\"}, \"y\": {\"kind\": \"real\"}}", &end), 0);
	struct batch *b = batch_new(&w->station, &admin);
	batch_link(b, at(w, "/Drivers/B")->handle, "way", "/Drivers/A", "x", "x");
	batch_submit(b, keep_end, &linked);
	assert_int_equal(patch_slots(w, "/Drivers/A", "{\"x\": {\"name\": \"p\"}}", &end), 0);
	assert_true(linked.done && linked.code == 0);
	assert_int_equal(set_values(w, "/Drivers/A", "{\"p\": 8}", &admin, &end), 0);
	assert_value(w, "/Drivers/B", "x", "8");
	/* both ends, and one of them twice */
	json_t *first = json_loads("{\"p\": {\"name\": \"q\"}}", 0, NULL),
	       *second = json_loads("{\"q\": {\"name\": \"r\"}}", 0, NULL),
	       *target = json_loads("{\"x\": {\"name\": \"s\"}}", 0, NULL);
	b = batch_new(&w->station, &admin);
	batch_slots(b, at(w, "/Drivers/A")->handle, first);
	batch_slots(b, at(w, "/Drivers/A")->handle, second);
	batch_slots(b, at(w, "/Drivers/B")->handle, target);
	assert_int_equal(submit(w, b, &end), 0);
	json_decref(first);
	json_decref(second);
	json_decref(target);
	assert_int_equal(set_values(w, "/Drivers/A", "{\"r\": 9}", &admin, &end), 0);
	assert_value(w, "/Drivers/B", "s", "9");
	assert_int_equal(undo(w, &end), 0);
	assert_int_equal(undo(w, &end), 0);
	assert_int_equal(set_values(w, "/Drivers/A", "{\"p\": 10}", &admin, &end), 0);
	assert_value(w, "/Drivers/B", "x", "10");
	/* switched off and renamed at once */
	first = json_loads("{\"p\": {\"name\": \"o\"}}", 0, NULL);
	b = batch_new(&w->station, &admin);
	batch_link_enable(b, at(w, "/Drivers/B")->handle, "way", false);
	batch_slots(b, at(w, "/Drivers/A")->handle, first);
	assert_int_equal(submit(w, b, &end), 0);
	json_decref(first);
	world_restart(w, station_types);
	assert_string_equal(link_find(at(w, "/Drivers/B"), "way")->sourceSlot, "o");
	assert_false(link_find(at(w, "/Drivers/B"), "way")->enabled);
	assert_int_equal(undo(w, &end), 0);
	assert_true(link_find(at(w, "/Drivers/B"), "way")->enabled);
	assert_int_equal(set_values(w, "/Drivers/A", "{\"p\": 11}", &admin, &end), 0);
	assert_value(w, "/Drivers/B", "x", "11");
	/* unlinked and renamed at once: it stays unlinked */
	first = json_loads("{\"p\": {\"name\": \"x\"}}", 0, NULL);
	b = batch_new(&w->station, &admin);
	batch_slots(b, at(w, "/Drivers/A")->handle, first);
	batch_unlink(b, at(w, "/Drivers/B")->handle, "way");
	assert_int_equal(submit(w, b, &end), 0);
	json_decref(first);
	assert_null(link_find(at(w, "/Drivers/B"), "way"));
}

static void test_what_is_wrong(void **state)
{
	static const struct {
		const char *patch, *pointer;
	} wrong[] = {
		{ "{\"x\": {\"facets\": {}}}", "/slots/x/kind" },
		{ "{\"x\": {\"kind\": \"component\"}}", "/slots/x/kind" },
		{ "{\"x\": {\"kind\": \"secret\", \"facets\": {\"maxLength\": 3}}}", "/slots/x/facets/maxLength" },
		{ "{\"x\": {\"kind\": \"struct\"}}", "/slots/x/members" },
		{ "{\"x\": {\"kind\": \"struct\", \"members\": []}}", "/slots/x/members" },
		{ "{\"x\": {\"kind\": \"real\", \"members\": [{\"name\": \"a\", \"kind\": \"real\"}]}}", "/slots/x/members" },
		{ "{\"x\": {\"kind\": \"struct\", \"members\": [3]}}", "/slots/x/members/0/name" },
		{ "{\"x\": {\"kind\": \"struct\", \"members\": [{\"name\": \"a\"}]}}", "/slots/x/members/0/kind" },
		{ "{\"x\": {\"kind\": \"struct\", \"members\": [{\"name\": \"a\", \"kind\": \"real\"}, {\"name\": \"a\", "
		  "\"kind\": \"real\"}]}}",
		  "/slots/x/members/1/name" },
		{ "{\"x\": {\"kind\": \"struct\", \"members\": [{\"name\": \"a\", \"kind\": \"real\", \"flags\": []}]}}",
		  "/slots/x/members/0/flags" },
		{ "{\"x\": {\"kind\": \"list\", \"element\": \"enum\"}}", "/slots/x/facets/range" },
		{ "{\"x\": {\"kind\": \"list\", \"element\": \"integer\", \"facets\": {\"range\": [\"a\"]}}}",
		  "/slots/x/facets/range" },
		{ "{\"port\": {\"doc\": \"mine\"}}", "/slots/port/doc" },
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
	struct children_question q = { .limit = 100, .with_values = true };
	json = component_children_to_json(at(w, "/Services/EmailService"), &q); /* whoever lists it hears of them as well */
	row = json_array_get(json_object_get(json, "items"), 0);
	assert_string_equal(json_string_value(json_object_get(row, "name")), "OutgoingAccount");
	assert_int_equal(json_array_size(json_object_get(row, "slots")), 2);
	assert_null(json_object_get(json_array_get(json_object_get(json, "items"), 1), "slots"));
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

static int import_at(struct world *w, const char *path, const char *values, struct ended *end)
{
	char *text =
	    must_format("{\"belfry\": 1, \"path\": \"%s\", \"root\": {\"name\": \"%s\", \"type\": \"baja:Folder\", "
	                "\"values\": %s}}",
	                path, strrchr(path, '/') + 1, values);
	int rc = import(w, text, end);
	free(text);
	return rc;
}

/* A text that defines a slot otherwise and gives it no value means its first value there; links of a slot that it does not
 * define any more go with it. */
static void test_other_definitions(void **state)
{
	static const char path[] = "/Drivers/Hall";
	struct world *w = *state;
	struct ended end;
	add(w, "/Drivers", "Hall", "baja:Folder");
	add(w, "/Drivers", "Point", "control:NumericWritable");
	assert_int_equal(
	    import_at(w, path,
	              "{\"slots\": [{\"name\": \"mode\", \"kind\": \"enum\", \"facets\": {\"range\": [\"a\", \"b\"]}}, "
	              "{\"name\": \"x\", \"kind\": \"real\"}, {\"name\": \"s\", \"kind\": \"struct\", \"members\": "
	              "[{\"name\": \"m\", \"kind\": \"real\"}]}], \"mode\": \"b\", \"s\": {\"m\": 4}}",
	              &end),
	    0);
	assert_int_equal(link_to(w, "/Drivers/Point", "in9", path, "x", &end), 0);
	assert_int_equal(
	    import_at(w, path,
	              "{\"slots\": [{\"name\": \"mode\", \"kind\": \"enum\", \"facets\": {\"range\": [\"c\", \"d\"]}}, "
	              "{\"name\": \"s\", \"kind\": \"struct\", \"members\": [{\"name\": \"n\", \"kind\": \"real\"}, "
	              "{\"name\": \"m\", \"kind\": \"real\"}]}]}",
	              &end),
	    0);
	assert_value(w, path, "mode", "c");
	assert_value(w, path, "s", "{\"n\":0.0,\"m\":0.0}");
	assert_null(link_find(at(w, "/Drivers/Point"), "way"));
	assert_int_equal(undo(w, &end), 0);
	assert_value(w, path, "mode", "b");
	assert_value(w, path, "s", "{\"m\":4.0}");
	assert_non_null(link_find(at(w, "/Drivers/Point"), "way"));
	assert_int_equal(set_values(w, path, "{\"x\": 5}", &admin, &end), 0);
	assert_value(w, "/Drivers/Point", "in9", "5");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_STATION(test_life),          IN_STATION(test_copies_and_removal), IN_STATION(test_links),
		IN_STATION(test_structs),       IN_STATION(test_other_definitions),  IN_STATION(test_secrets),
		IN_STATION(test_links_follow),  IN_STATION(test_what_is_wrong),      IN_STATION(test_details_of_the_type),
		IN_STATION(test_configuration),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
