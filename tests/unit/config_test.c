/* SPDX-License-Identifier: Apache-2.0
 * The configuration as text: random trees of all types go out, come into another station, and go out the same; a dry run
 * changes nothing; everything wrong is told at once, where it stands; a secret is never in the text. */
#include "station/config.h"

#include "station/link.h"
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_STATION(test_out_and_in_again),
		IN_STATION(test_dry_run_and_errors),
		IN_STATION(test_secrets_are_references),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
