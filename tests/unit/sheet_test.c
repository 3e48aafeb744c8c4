/* SPDX-License-Identifier: Apache-2.0
 * The sheet: batches are all or nothing, show all errors at once, respect roles, survive a restart. */
#include "tests/unit/world.h"

#include "station/link.h"

/* A type with one slot of each kind that matters here. */
struct lamp {
	struct component c;
	char *label;
	int64_t power, limit;
	struct secret code;
	struct component *shade;
	int changes;
};
struct shade {
	struct component c;
	char *colour;
};

static const struct slot shade_slots[] = { SLOT(struct shade, colour, STRING, .dflt = "white", .doc = "Colour."),
	                                       SLOT_END };
static const struct type test_shade = {
	.name = "test:Shade", .doc = "A shade.", .size = sizeof(struct shade), .base = &baja_component, .slots = shade_slots
};
static const struct type test_dark = { .name = "test:Dark",
	                                   .doc = "A darker shade.",
	                                   .size = sizeof(struct shade),
	                                   .base = &test_shade,
	                                   .slots = (const struct slot[]){ SLOT_END } };
static const struct slot lamp_slots[] = {
	SLOT(struct lamp, label, STRING, .dflt = "lamp", .flags = SLOT_OPERATOR, .doc = "Label."),
	SLOT(struct lamp, power, INTEGER, .facets = FACETS(.min = 0, .max = 100), .doc = "Power."),
	SLOT(struct lamp, limit, INTEGER, .dflt = "50", .facets = FACETS(.min = 0, .max = 100), .doc = "Limit."),
	SLOT(struct lamp, code, SECRET, .doc = "Code."),
	SLOT_COMPONENT(struct lamp, shade, &test_shade, .dflt = "test:Shade", .doc = "Shade."),
	SLOT_END,
};

static void lamp_check(const struct component *next, const struct component *current, struct report *report)
{
	(void)current;
	const struct lamp *l = (const struct lamp *)next;
	if (l->power > l->limit) {
		report_error(report, E_INVALID, "power", "Power must not exceed the limit.");
		report_error(report, E_INVALID, "limit", "The limit must not be below the power.");
	}
	if (l->power == l->limit)
		report_warning(report, "power", "Power is at its limit.");
}

static void lamp_changed(struct component *c, const struct slot *slot)
{
	(void)slot;
	((struct lamp *)c)->changes++;
}

static const struct topic lamp_topics[] = { { "lit", "It was lit." }, { NULL, NULL } };
static const struct type test_lamp = {
	.name = "test:Lamp",
	.doc = "A lamp.",
	.size = sizeof(struct lamp),
	.base = &baja_component,
	.slots = lamp_slots,
	.topics = lamp_topics,
	.check = lamp_check,
	.changed = lamp_changed,
};
static const struct type *const types[] = { &baja_component, &baja_folder, &test_shade, &test_dark, &test_lamp, NULL };

static const struct actor admin = { .user = "ada", .role = ROLE_ADMIN, .via = "session" };
static const struct actor operator_ = { .user = "otto", .role = ROLE_OPERATOR, .via = "session" };
static const struct actor viewer = { .user = "vera", .role = ROLE_VIEWER, .via = "session" };

static uint64_t add_lamp(struct world *w, const char *name, struct ended *end)
{
	struct batch *b = batch_new(&w->station, &admin);
	batch_add(b, station_by_path(&w->station, "/Drivers")->handle, name, "test:Lamp", NULL, "/values");
	assert_int_equal(submit(w, b, end), 0);
	return end->added;
}

static int set_json(struct world *w, uint64_t handle, const struct actor *who, const char *text, struct ended *end)
{
	json_t *values = json_loads(text, 0, NULL);
	assert_non_null(values);
	struct batch *b = batch_new(&w->station, who);
	batch_set_json(b, handle, values, "/values");
	json_decref(values);
	return submit(w, b, end);
}

static void a_batch_survives_a_restart(void **state)
{
	(void)state;
	struct world w;
	struct ended end;
	world_make(&w, types);
	uint64_t handle = add_lamp(&w, "Lamp", &end);
	assert_int_equal(
	    set_json(
	        &w, handle, &admin,
	        "{\"power\":7,\"label\":\"hall\",\"code\":\"1234\",\"shade\":{\"type\":\"test:Dark\",\"colour\":\"red\"}}",
	        &end),
	    0);
	world_restart(&w, types);
	struct component *c = station_by_path(&w.station, "/Drivers/Lamp");
	assert_non_null(c);
	assert_int_equal(c->handle, handle);
	struct lamp *lamp = COMPONENT_AS(c, &test_lamp, struct lamp);
	assert_string_equal(lamp->label, "hall");
	assert_int_equal(lamp->power, 7);
	assert_true(lamp->shade && lamp->shade->type == &test_dark);
	assert_string_equal(((struct shade *)lamp->shade)->colour, "red");
	assert_int_equal(component_child_count(c), 1);
	char *code = secret_open(w.station.keyring, lamp->code.sealed, NULL);
	assert_string_equal(code, "1234");
	assert_null(strstr(lamp->code.sealed, "1234"));
	secret_wipe(&code);
	world_end(&w);
}

static void all_errors_at_once_and_nothing_applied(void **state)
{
	(void)state;
	struct world w;
	struct ended end;
	world_make(&w, types);
	uint64_t handle = add_lamp(&w, "Lamp", &end);
	assert_int_equal(
	    set_json(&w, handle, &admin, "{\"power\":101,\"label\":7,\"bogus\":1,\"shade\":{\"colour\":5}}", &end),
	    E_INVALID);
	assert_int_equal(end.errors, 4);
	assert_string_equal(end.pointers[0], "/values/power");
	assert_string_equal(end.pointers[3], "/values/shade/colour");
	assert_int_equal(set_json(&w, handle, &admin, "{\"label\":\"x\",\"power\":80}", &end), E_INVALID);
	assert_int_equal(end.errors, 2);
	assert_string_equal(end.pointers[0], "/values/power");
	assert_string_equal(end.pointers[1], "/values/limit");
	struct lamp *lamp = (struct lamp *)station_by_handle(&w.station, handle);
	assert_string_equal(lamp->label, "lamp");
	assert_int_equal(lamp->changes, 0);
	assert_int_equal(set_json(&w, handle, &admin, "{\"power\":80,\"limit\":80}", &end), 0);
	assert_int_equal(end.warnings, 1);
	assert_int_equal(lamp->changes, 2);
	world_end(&w);
}

static void roles_are_checked(void **state)
{
	(void)state;
	struct world w;
	struct ended end;
	world_make(&w, types);
	uint64_t handle = add_lamp(&w, "Lamp", &end);
	assert_int_equal(set_json(&w, handle, &operator_, "{\"label\":\"mine\"}", &end), 0);
	assert_int_equal(set_json(&w, handle, &operator_, "{\"power\":1}", &end), E_FORBIDDEN);
	assert_int_equal(set_json(&w, handle, &viewer, "{\"label\":\"no\"}", &end), E_FORBIDDEN);
	struct batch *b = batch_new(&w.station, &operator_);
	batch_remove(b, handle);
	assert_int_equal(submit(&w, b, &end), E_FORBIDDEN);
	assert_non_null(station_by_handle(&w.station, handle));
	world_end(&w);
}

static void a_stale_revision_is_refused(void **state)
{
	(void)state;
	struct world w;
	struct ended end;
	world_make(&w, types);
	uint64_t handle = add_lamp(&w, "Lamp", &end);
	uint32_t revision = station_by_handle(&w.station, handle)->revision;
	assert_int_equal(set_json(&w, handle, &admin, "{\"power\":1}", &end), 0);
	struct batch *b = batch_new(&w.station, &admin);
	batch_if_revision(b, handle, revision);
	batch_display_name(b, handle, "Ümlaut");
	assert_int_equal(submit(&w, b, &end), E_STALE);
	world_end(&w);
}

static void names_moves_and_removal(void **state)
{
	(void)state;
	struct world w;
	struct ended end;
	world_make(&w, types);
	uint64_t one = add_lamp(&w, "One", &end), two = add_lamp(&w, "Two", &end);
	uint64_t drivers = station_by_path(&w.station, "/Drivers")->handle,
	         services = station_by_path(&w.station, "/Services")->handle;
	struct batch *b = batch_new(&w.station, &admin);
	batch_add(b, drivers, "One", "test:Lamp", NULL, "");
	assert_int_equal(submit(&w, b, &end), E_CONFLICT);
	b = batch_new(&w.station, &admin);
	batch_add(b, drivers, "9bad", "test:Lamp", NULL, "");
	assert_int_equal(submit(&w, b, &end), E_INVALID);
	b = batch_new(&w.station, &admin);
	batch_link(b, two, NULL, "slot:/Drivers/One", "power", "limit");
	batch_move(b, one, services, "Uno");
	assert_int_equal(submit(&w, b, &end), 0);
	assert_int_equal(set_json(&w, one, &admin, "{\"power\":33}", &end), 0);
	assert_int_equal(((struct lamp *)station_by_handle(&w.station, two))->limit, 33);
	world_restart(&w, types);
	assert_int_equal(station_by_path(&w.station, "/Services/Uno")->handle, one);
	assert_non_null(link_find(station_by_handle(&w.station, two), "link"));
	b = batch_new(&w.station, &admin);
	batch_remove(b, one);
	assert_int_equal(submit(&w, b, &end), 0);
	world_restart(&w, types);
	assert_null(station_by_handle(&w.station, one));
	struct component *left = station_by_handle(&w.station, two);
	assert_true(!left->extra || !left->extra->links);
	assert_true(add_lamp(&w, "Three", &end) > two);
	world_end(&w);
}

static void a_loop_of_links_is_refused(void **state)
{
	(void)state;
	struct world w;
	struct ended end;
	world_make(&w, types);
	uint64_t one = add_lamp(&w, "One", &end), two = add_lamp(&w, "Two", &end);
	struct batch *b = batch_new(&w.station, &admin);
	batch_link(b, two, "a", "slot:/Drivers/One", "power", "power");
	assert_int_equal(submit(&w, b, &end), 0);
	b = batch_new(&w.station, &admin);
	batch_link(b, one, "b", "slot:/Drivers/Two", "power", "power");
	assert_int_equal(submit(&w, b, &end), E_INVALID);
	assert_non_null(strstr(end.details[0], "loop"));
	world_end(&w);
}

/* A batch may build on what it adds itself. */
static void a_batch_builds_on_itself(void **state)
{
	(void)state;
	struct world w;
	struct ended end;
	world_make(&w, types);
	struct batch *b = batch_new(&w.station, &admin);
	uint64_t folder = batch_add(b, station_by_path(&w.station, "/Drivers")->handle, "Floor", "baja:Folder", NULL, "");
	json_t *values = json_pack("{s:i, s:{s:s}}", "power", 3, "shade", "type", "test:Dark");
	batch_add(b, folder, "Lamp", "test:Lamp", values, "/values");
	json_decref(values);
	assert_int_not_equal(batch_find(b, "/Drivers/Floor/Lamp/shade"), 0);
	assert_int_equal(submit(&w, b, &end), 0);
	world_restart(&w, types);
	struct lamp *lamp = (struct lamp *)station_by_path(&w.station, "/Drivers/Floor/Lamp");
	assert_int_equal(lamp->power, 3);
	assert_ptr_equal(lamp->shade->type, &test_dark);
	assert_int_equal(component_child_count(&lamp->c), 1);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_batch_survives_a_restart), cmocka_unit_test(all_errors_at_once_and_nothing_applied),
		cmocka_unit_test(roles_are_checked),          cmocka_unit_test(a_stale_revision_is_refused),
		cmocka_unit_test(names_moves_and_removal),    cmocka_unit_test(a_loop_of_links_is_refused),
		cmocka_unit_test(a_batch_builds_on_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
