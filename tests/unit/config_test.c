/* SPDX-License-Identifier: Apache-2.0
 * The configuration as text: random trees of all types go out, come into another station, and go out the same; a dry run
 * changes nothing; everything wrong is told at once, where it stands; a secret is never in the text. */
#include "station/config/config.h"

#include "station/link/link.h"
#include "tests/unit/world.h"

static const struct actor admin = { .user = "ada", .role = ROLE_ADMIN, .via = "session" };

static char *export_text(struct world *w)
{
	json_t *config = config_export(&w->station, w->station.tree.root);
	char *text = config_print(config);
	json_decref(config);
	return text;
}

static int import_text(struct world *w, const char *text, const char *secrets, bool dry, struct ended *end)
{
	json_t *config = json_loads(text, 0, NULL), *given = secrets ? json_loads(secrets, 0, NULL) : NULL;
	struct err e = { 0 };
	struct batch *b = batch_new(&w->station, &admin);
	must(config != NULL);
	int rc = config_import(b, &w->station, config, given, &e);
	if (dry)
		batch_dry_run(b);
	if (rc == 0)
		rc = submit(w, b, end);
	else
		batch_free(&b);
	json_decref(config);
	json_decref(given);
	return rc;
}

static void assert_same(struct world *w, const char *expected)
{
	char *text = export_text(w);
	if (strcmp(text, expected) != 0) {
		size_t i = 0;
		while (text[i] == expected[i])
			i++;
		fail_msg("differs at %zu: %.120s\ninstead of %.120s", i, text + (i > 40 ? i - 40 : 0),
		         expected + (i > 40 ? i - 40 : 0));
	}
	free(text);
}

static void run_import(struct world *w, const char *text, const char *secrets)
{
	struct ended end;
	if (import_text(w, text, secrets, false, &end) != 0)
		fail_msg("%s: %s", end.pointers[0], end.details[0]);
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* Components of whatever type may stand where, some with a display name and values, and links among points. */
static void grow(struct world *w, uint32_t *seed, int count)
{
	size_t types = 0;
	while (w->station.types[types])
		types++;
	struct component *places[400], *points[400];
	size_t place_count = 0, point_count = 0;
	places[place_count++] = station_by_path(&w->station, "/Drivers");
	for (int i = 0; i < count; i++) {
		uint32_t pick = next_random(seed);
		const struct type *t =
		    pick % 3 ? w->station.types[pick % types] : type_find(w->station.types, "control:NumericWritable");
		struct component *parent = places[next_random(seed) % place_count];
		struct batch *b = batch_new(&w->station, &admin);
		struct ended end;
		char name[24];
		snprintf(name, sizeof name, "C%d", i);
		uint64_t handle = batch_add(b, parent->handle, name, t->name, NULL, "/values");
		if (handle && next_random(seed) % 3 == 0)
			batch_display_name(b, handle, "Größe \"x\" ✓");
		if (submit(w, b, &end) != 0)
			continue;
		struct component *c = station_by_handle(&w->station, handle);
		if (place_count < 400)
			places[place_count++] = c;
		if (component_slot(c, "in10") && component_slot(c, "in10")->kind == V_STATUS_NUMERIC && point_count < 400)
			points[point_count++] = c;
	}
	for (size_t i = 1; i < point_count; i++) {
		char *ord = component_ord(points[i - 1]);
		struct batch *b = batch_new(&w->station, &admin);
		struct ended end;
		batch_link(b, points[i]->handle, NULL, ord, "out", "in10");
		json_t *values = json_pack("{s:{s:f, s:s}, s:{s:s}}", "fallback", "value", (double)i / 3, "status", "{ok}",
		                           "facets", "units", "°C");
		batch_set_json(b, points[i]->handle, values, "/values");
		json_decref(values);
		assert_int_equal(submit(w, b, &end), 0);
		free(ord);
	}
	assert_true(point_count > 2);
}

/* Tries a few values on every slot; the sheet takes those that fit. */
static size_t paint(struct world *w, uint32_t *seed)
{
	static const char *const tries[] = {
		"true",
		"false",
		"0",
		"7",
		"-3",
		"0.1",
		"1e-7",
		"12345678.9",
		"\"Größe \\\"x\\\" ✓\\n2\"",
		"\"10s\"",
		"90000000",
		"\"2030-01-02T03:04:05.678Z\"",
		"\"a@example.org\"",
		"\"slot:/Services\"",
		"\"x,y\"",
		"{\"value\": 0.3, \"status\": \"{ok}\"}",
		"{\"value\": true, \"status\": \"{null}\"}",
		"{\"value\": \"ü\", \"status\": \"{ok}\"}",
		"{\"units\": \"°C\", \"precision\": 3}",
		"[\"a@example.org\"]",
		"[]",
		"null",
		"{\"low\": true}",
		"{\"toOffnormal\": false}",
	};
	size_t taken = 0;
	const struct component *drivers = station_by_path(&w->station, "/Drivers"), *next;
	for (const struct component *c = drivers; c; c = next) {
		next = tree_next((struct component *)(uintptr_t)c, (struct component *)(uintptr_t)drivers);
		const struct slot *slot;
		for (struct slot_walk walk = slot_walk(c->type); (slot = slot_next(&walk));) {
			if (slot->kind == V_COMPONENT || slot->kind == V_SECRET || (slot->flags & (SLOT_READONLY | SLOT_TRANSIENT)))
				continue;
			for (int i = 0; i < 4; i++) {
				json_t *values = json_object();
				struct ended end;
				json_object_set_new(values, slot->name,
				                    json_loads(tries[next_random(seed) % ARRAY_SIZE(tries)], JSON_DECODE_ANY, NULL));
				struct batch *b = batch_new(&w->station, &admin);
				batch_set_json(b, c->handle, values, "/values");
				taken += submit(w, b, &end) == 0;
				json_decref(values);
			}
		}
	}
	return taken;
}

static void world_other(struct world *w)
{
	world_make(w, station_types);
}

static void test_out_and_in_again(void **state)
{
	struct world *w = *state;
	for (uint32_t round = 1; round <= 3; round++) {
		struct world other;
		uint32_t seed = round * 977;
		grow(w, &seed, 150);
		assert_true(paint(w, &seed) > 500);
		char *text = export_text(w);
		world_other(&other);
		run_import(&other, text, NULL);
		assert_same(&other, text);
		run_import(w, text, NULL); /* nothing to change */
		assert_same(w, text);
		world_restart(&other, station_types);
		assert_same(&other, text);
		char *empty = NULL;
		struct world fresh;
		world_other(&fresh);
		empty = export_text(&fresh);
		run_import(&other, empty, NULL); /* and all of it goes again */
		assert_same(&other, empty);
		world_end(&fresh);
		world_end(&other);
		free(empty);
		free(text);
		world_end(w);
		world_make(w, station_types);
	}
}

static void test_dry_run_and_errors(void **state)
{
	struct world *w = *state;
	char *before = export_text(w);
	struct ended end;
	static const char wrong[] =
	    "{\"belfry\": 1, \"path\": \"/Drivers\", \"root\": {\"name\": \"Drivers\", \"type\": "
	    "\"baja:Folder\", \"children\": ["
	    "{\"name\": \"A\", \"type\": \"no:Such\"},"
	    "{\"name\": \"B\", \"type\": \"control:NumericWritable\", \"values\": {\"fallback\": \"x\", "
	    "\"nothing\": 1}, \"links\": [{\"source\": \"/gone\", \"sourceSlot\": \"out\", "
	    "\"targetSlot\": \"in10\"}]}]}}";
	assert_true(import_text(w, wrong, NULL, true, &end) != 0);
	assert_int_equal(end.errors, 4);
	static const char *const pointers[] = { "/root/children/0/type", "/root/children/1/values/fallback",
		                                    "/root/children/1/values/nothing", "/root/children/1/links/0/source" };
	for (size_t i = 0; i < ARRAY_SIZE(pointers); i++) {
		bool found = false;
		for (size_t k = 0; k < end.errors; k++)
			found |= strcmp(end.pointers[k], pointers[i]) == 0;
		if (!found)
			fail_msg("%s is not told", pointers[i]);
	}
	assert_true(import_text(w, wrong, NULL, false, &end) != 0);
	assert_same(w, before);
	static const char right[] = "{\"belfry\": 1, \"path\": \"/Drivers\", \"root\": {\"name\": \"Drivers\", \"type\": "
	                            "\"baja:Folder\", \"children\": [{\"name\": \"A\", \"type\": \"baja:Folder\"}]}}";
	assert_int_equal(import_text(w, right, NULL, true, &end), 0);
	assert_same(w, before);
	assert_int_equal(import_text(w, "{\"belfry\": 7, \"root\": {}}", NULL, false, &end), E_INVALID);
	assert_int_equal(import_text(w, "[]", NULL, false, &end), E_INVALID);
	free(before);
}

static void test_secrets_are_references(void **state)
{
	struct world *w = *state, other;
	static const char path[] = "/Services/EmailService/OutgoingAccount";
	struct component *account = station_by_path(&w->station, path);
	struct batch *b = batch_new(&w->station, &admin);
	struct ended end;
	json_t *values =
	    json_loads("{\"emailAuthenticator\": {\"type\": \"email:BasicEmailClientAuthenticator\", \"account\": "
	               "\"a\", \"password\": \"hunter22\"}}",
	               0, NULL);
	batch_set_json(b, account->handle, values, "/values");
	json_decref(values);
	assert_int_equal(submit(w, b, &end), 0);
	char *text = export_text(w);
	assert_null(strstr(text, "hunter22"));
	assert_non_null(strstr(text, "/Services/EmailService/OutgoingAccount/emailAuthenticator/password"));
	run_import(w, text, NULL); /* it leads to itself */
	world_other(&other);
	assert_true(import_text(&other, text, NULL, false, &end) != 0);
	assert_non_null(strstr(end.pointers[0], "/values/password"));
	run_import(&other, text, "{\"/Services/EmailService/OutgoingAccount/emailAuthenticator/password\": \"hunter22\"}");
	assert_same(&other, text);
	world_end(&other);
	free(text);
}

static void make_points(struct world *w)
{
	run_import(w,
	           "{\"belfry\": 1, \"path\": \"/Drivers\", \"root\": {\"name\": \"Drivers\", \"type\": \"baja:Folder\", "
	           "\"children\": [{\"name\": \"A\", \"type\": \"control:NumericWritable\", \"values\": {\"fallback\": "
	           "{\"value\": 3, \"status\": \"{ok}\"}}}, {\"name\": \"B\", \"type\": \"control:NumericWritable\", "
	           "\"links\": [{\"name\": \"z\", \"source\": \"/Drivers/A\", \"sourceSlot\": \"out\", \"targetSlot\": "
	           "\"in10\"}, {\"name\": \"a\", \"source\": \"/Drivers/A\", \"sourceSlot\": \"out\", \"targetSlot\": "
	           "\"in9\"}]}]}}",
	           NULL);
}

static void switch_link(struct world *w, const char *name, bool enabled)
{
	struct batch *b = batch_new(&w->station, &admin);
	struct ended end;
	batch_link_enable(b, station_by_path(&w->station, "/Drivers/B")->handle, name, enabled);
	assert_int_equal(submit(w, b, &end), 0);
}

/* A link that is switched off comes back switched off, and what it had carried goes with it or goes. */
static void test_links_switched_off(void **state)
{
	struct world *w = *state, other;
	make_points(w);
	char *on = export_text(w);
	switch_link(w, "z", false);
	char *off = export_text(w);
	assert_non_null(strstr(off, "\"enabled\": false"));
	world_other(&other);
	run_import(&other, off, NULL);
	assert_same(&other, off);
	world_restart(&other, station_types);
	assert_same(&other, off);
	assert_false(link_find(station_by_path(&other.station, "/Drivers/B"), "z")->enabled);
	run_import(w, on, NULL);
	assert_same(w, on);
	assert_true(link_find(station_by_path(&w->station, "/Drivers/B"), "z")->enabled);
	run_import(w, off, NULL);
	assert_same(w, off);
	free(on);
	free(off);
	/* and without the links, what they brought is not left behind */
	run_import(
	    w,
	    "{\"belfry\": 1, \"path\": \"/Drivers/B\", \"root\": {\"name\": \"B\", \"type\": \"control:NumericWritable\"}}",
	    NULL);
	json_t *config = config_export(&w->station, station_by_path(&w->station, "/Drivers/B"));
	assert_null(json_object_get(json_object_get(config, "root"), "values"));
	json_decref(config);
	world_end(&other);
}

/* Services stay, whatever holds them is left out; also where no user is who would be the last administrator. */
/* The same now and after a restart. */
static void assert_own(struct world *w, double expected)
{
	char *text = export_text(w);
	for (int round = 0; round < 2; round++) {
		struct value v;
		assert_int_equal(component_get(station_by_path(&w->station, "/Drivers/B"), "in10", &v, NULL), 0);
		assert_true(expected < 0 ? (v.status & STATUS_NULL) != 0
		                         : !(v.status & STATUS_NULL) && v.real >= expected && v.real <= expected);
		assert_same(w, text);
		if (round == 0)
			world_restart(w, station_types);
	}
	free(text);
}

static void set_in10(struct world *w, const char *json)
{
	struct ended end;
	json_t *values = json_pack("{s:o}", "in10", json_loads(json, JSON_DECODE_ANY, NULL));
	struct batch *b = batch_new(&w->station, &admin);
	batch_set_json(b, station_by_path(&w->station, "/Drivers/B")->handle, values, "/values");
	json_decref(values);
	assert_int_equal(submit(w, b, &end), 0);
}

/* What a link has brought goes with it, with its source, and when it is switched off: the slot has again what it had by
 * itself, or was given meanwhile. */
static void test_what_a_link_covers(void **state)
{
	struct world *w = *state;
	struct ended end;
	make_points(w);
	switch_link(w, "z", false);
	assert_own(w, -1);
	set_in10(w, "7");
	switch_link(w, "z", true);
	set_in10(w, "8"); /* will be overwritten */
	uint64_t a = station_by_path(&w->station, "/Drivers/A")->handle,
	         to = station_by_path(&w->station, "/Drivers/B")->handle;
	struct batch *b = batch_new(&w->station, &admin);
	batch_unlink(b, to, "z");
	assert_int_equal(submit(w, b, &end), 0);
	assert_own(w, 8);
	for (int i = 0; i < 2; i++) { /* the unlinking, and 8 */
		b = batch_new(&w->station, &admin);
		batch_undo(b);
		assert_int_equal(submit(w, b, &end), 0);
	}
	b = batch_new(&w->station, &admin);
	batch_remove(b, a);
	if (submit(w, b, &end) != 0)
		fail_msg("%s %s", end.pointers[0], end.details[0]);
	assert_own(w, 7);
	b = batch_new(&w->station, &admin);
	batch_undo(b);
	assert_int_equal(submit(w, b, &end), 0);
	assert_non_null(link_find(station_by_path(&w->station, "/Drivers/B"), "z"));
}

static void test_services_stay(void **state)
{
	struct world *w = *state;
	struct ended end;
	run_import(w, "{\"belfry\": 1, \"path\": \"/\", \"root\": {\"name\": \"Station\", \"type\": \"baja:Folder\"}}",
	           NULL);
	assert_non_null(station_by_path(&w->station, "/Services/UserService"));
	assert_null(station_by_path(&w->station, "/Drivers"));
	assert_int_equal(
	    import_text(w,
	                "{\"belfry\": 1, \"path\": \"/Services\", \"root\": {\"name\": \"Services\", \"type\": "
	                "\"baja:Folder\", \"children\": [{\"name\": \"EmailService\", \"type\": \"baja:Folder\"}]}}",
	                NULL, false, &end),
	    E_INVALID);
	assert_int_equal(end.errors, 1);
	assert_string_equal(end.pointers[0], "/root/children/0/type");
	struct batch *b = batch_new(&w->station, &admin); /* nor does one go with the folder it stands in */
	batch_remove(b, station_by_path(&w->station, "/Services")->handle);
	assert_int_equal(submit(w, b, &end), E_CONFLICT);
}

/* A slip of the pen is an error with its place, and nothing is changed. */
static void test_shape(void **state)
{
	struct world *w = *state;
	make_points(w);
	char *before = export_text(w);
	static const struct {
		const char *members, *pointer;
	} cases[] = {
		{ "\"valuez\": {}", "/root/valuez" },
		{ "\"values\": []", "/root/values" },
		{ "\"links\": \"x\"", "/root/links" },
		{ "\"links\": [3]", "/root/links/0/source" },
		{ "\"links\": [{\"source\": \"/Drivers\", \"sourceSlot\": \"x\", \"targetSlot\": \"y\", \"enabled\": 1}]",
		  "/root/links/0/enabled" },
		{ "\"displayName\": 7", "/root/displayName" },
		{ "\"children\": {}", "/root/children" },
		{ "\"children\": [null]", "/root/children/0/name" },
		{ "\"children\": [{\"name\": \"Q\", \"type\": \"baja:Folder\", \"values\": 3}]", "/root/children/0/values" },
		{ "\"children\": [{\"name\": \"Q\", \"type\": \"baja:Folder\"}, {\"name\": \"Q\", \"type\": \"baja:Folder\"}]",
		  "/root/children/1/name" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ended end;
		char *text = must_format(
		    "{\"belfry\": 1, \"path\": \"/Drivers\", \"root\": {\"name\": \"Drivers\", \"type\": \"baja:Folder\", %s}}",
		    cases[i].members);
		assert_int_not_equal(import_text(w, text, NULL, false, &end), 0);
		bool found = false;
		for (size_t k = 0; k < end.errors && k < 8; k++)
			found |= strcmp(end.pointers[k], cases[i].pointer) == 0;
		if (!found)
			fail_msg("%s is not told, but %s", cases[i].pointer, end.pointers[0]);
		assert_same(w, before);
		free(text);
	}
	struct ended end;
	assert_int_not_equal(import_text(w, "{\"belfry\": 1, \"root\": {\"name\": \"Station\", \"type\": \"baja:Folder\"}}",
	                                 NULL, false, &end),
	                     0);
	assert_int_not_equal(
	    import_text(w, "{\"belfry\": 1, \"path\": \"/\", \"root\": {\"name\": \"Drivers\", \"type\": \"baja:Folder\"}}",
	                NULL, false, &end),
	    0);
	assert_same(w, before);
	free(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_STATION(test_out_and_in_again),
		IN_STATION(test_dry_run_and_errors),
		IN_STATION(test_secrets_are_references),
		IN_STATION(test_links_switched_off),
		IN_STATION(test_what_a_link_covers),
		IN_STATION(test_services_stay),
		IN_STATION(test_shape),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
