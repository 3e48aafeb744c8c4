/* SPDX-License-Identifier: Apache-2.0
 * The sheet: batches are all or nothing, show all errors at once, respect roles, survive a restart. */
#include "tests/unit/lamp.h"

static void a_batch_survives_a_restart(void **state)
{
	struct world *w = *state;
	struct ended end;
	uint64_t handle = add_lamp(w, "Lamp");
	assert_int_equal(
	    set_json(
	        w, handle, &admin,
	        "{\"power\":7,\"label\":\"hall\",\"code\":\"1234\",\"shade\":{\"type\":\"test:Dark\",\"colour\":\"red\"}}",
	        &end),
	    0);
	world_restart(w, lamp_types);
	struct component *c = station_by_path(&w->station, "/Drivers/Lamp");
	assert_non_null(c);
	assert_int_equal(c->handle, handle);
	struct lamp *lamp = COMPONENT_AS(c, &test_lamp, struct lamp);
	assert_string_equal(lamp->label, "hall");
	assert_int_equal(lamp->power, 7);
	assert_true(lamp->shade && lamp->shade->type == &test_dark);
	assert_string_equal(((struct shade *)lamp->shade)->colour, "red");
	assert_int_equal(component_child_count(c), 1);
	char *code = secret_open(w->station.keyring, lamp->code.sealed, NULL);
	assert_string_equal(code, "1234");
	assert_null(strstr(lamp->code.sealed, "1234"));
	secret_wipe(&code);
}

static void all_errors_at_once_and_nothing_applied(void **state)
{
	struct world *w = *state;
	struct ended end;
	uint64_t handle = add_lamp(w, "Lamp");
	assert_int_equal(
	    set_json(w, handle, &admin, "{\"power\":101,\"label\":7,\"bogus\":1,\"shade\":{\"colour\":5}}", &end),
	    E_INVALID);
	assert_int_equal(end.errors, 4);
	assert_string_equal(end.pointers[0], "/values/power");
	assert_string_equal(end.pointers[3], "/values/shade/colour");
	assert_int_equal(set_json(w, handle, &admin, "{\"label\":\"x\",\"power\":80}", &end), E_INVALID);
	assert_int_equal(end.errors, 2);
	assert_string_equal(end.pointers[0], "/values/power");
	assert_string_equal(end.pointers[1], "/values/limit");
	struct lamp *lamp = (struct lamp *)station_by_handle(&w->station, handle);
	assert_string_equal(lamp->label, "lamp");
	assert_int_equal(lamp->changes, 0);
	assert_int_equal(set_json(w, handle, &admin, "{\"power\":80,\"limit\":80}", &end), 0);
	assert_int_equal(end.warnings, 1);
	assert_int_equal(lamp->changes, 2);
}

static void roles_are_checked(void **state)
{
	struct world *w = *state;
	struct ended end;
	uint64_t handle = add_lamp(w, "Lamp");
	assert_int_equal(set_json(w, handle, &operator_, "{\"label\":\"mine\"}", &end), 0);
	assert_int_equal(set_json(w, handle, &operator_, "{\"power\":1}", &end), E_FORBIDDEN);
	assert_int_equal(set_json(w, handle, &viewer, "{\"label\":\"no\"}", &end), E_FORBIDDEN);
	struct batch *b = batch_new(&w->station, &operator_);
	batch_remove(b, handle);
	assert_int_equal(submit(w, b, &end), E_FORBIDDEN);
	assert_non_null(station_by_handle(&w->station, handle));
}

static void a_stale_revision_is_refused(void **state)
{
	struct world *w = *state;
	struct ended end;
	uint64_t handle = add_lamp(w, "Lamp");
	uint32_t revision = station_by_handle(&w->station, handle)->revision;
	assert_int_equal(set_json(w, handle, &admin, "{\"power\":1}", &end), 0);
	struct batch *b = change(w);
	batch_if_revision(b, handle, revision);
	batch_display_name(b, handle, "Ümlaut");
	assert_int_equal(submit(w, b, &end), E_STALE);
}

static void names_moves_and_removal(void **state)
{
	struct world *w = *state;
	struct ended end;
	uint64_t one = add_lamp(w, "One"), two = add_lamp(w, "Two");
	uint64_t drivers = handle_of(w, "/Drivers"), services = handle_of(w, "/Services");
	struct batch *b = change(w);
	batch_add(b, drivers, "One", "test:Lamp", NULL, "");
	assert_int_equal(submit(w, b, &end), E_CONFLICT);
	b = change(w);
	batch_add(b, drivers, "", "test:Lamp", NULL, "");
	assert_int_equal(submit(w, b, &end), E_INVALID);
	b = change(w);
	batch_add(b, drivers, "1st lamp", "test:Lamp", NULL, "");
	assert_int_equal(submit(w, b, &end), 0);
	assert_non_null(station_by_path(&w->station, "/Drivers/$31st$20lamp"));
	b = change(w);
	batch_link(b, two, NULL, "slot:/Drivers/One", "power", "limit");
	batch_move(b, one, services, "Uno");
	assert_int_equal(submit(w, b, &end), 0);
	assert_int_equal(set_json(w, one, &admin, "{\"power\":33}", &end), 0);
	assert_int_equal(((struct lamp *)station_by_handle(&w->station, two))->limit, 33);
	world_restart(w, lamp_types);
	assert_int_equal(station_by_path(&w->station, "/Services/Uno")->handle, one);
	assert_non_null(link_find(station_by_handle(&w->station, two), "link"));
	b = change(w);
	batch_remove(b, one);
	assert_int_equal(submit(w, b, &end), 0);
	world_restart(w, lamp_types);
	assert_null(station_by_handle(&w->station, one));
	struct component *left = station_by_handle(&w->station, two);
	assert_true(!left->extra || !left->extra->links);
	assert_true(add_lamp(w, "Three") > two);
}

static void a_loop_of_links_is_refused(void **state)
{
	struct world *w = *state;
	struct ended end;
	uint64_t one = add_lamp(w, "One"), two = add_lamp(w, "Two");
	struct batch *b = change(w);
	batch_link(b, two, "a", "slot:/Drivers/One", "power", "power");
	assert_int_equal(submit(w, b, &end), 0);
	b = change(w);
	batch_link(b, one, "b", "slot:/Drivers/Two", "power", "power");
	assert_int_equal(submit(w, b, &end), E_INVALID);
	assert_non_null(strstr(end.details[0], "loop"));
}

static void loops_are_seen_over_the_whole_batch(void **state)
{
	struct world *w = *state;
	struct ended end;
	uint64_t one = add_lamp(w, "One"), two = add_lamp(w, "Two"), three = add_lamp(w, "Three");
	struct batch *b = change(w);
	batch_link(b, two, "a", "slot:/Drivers/One", "power", "power");
	batch_link(b, three, "b", "slot:/Drivers/Two", "power", "power");
	batch_at(b, "/2");
	batch_link(b, one, "c", "slot:/Drivers/Three", "power", "power");
	assert_int_equal(submit(w, b, &end), E_INVALID);
	assert_int_equal(end.errors, 1);
	assert_string_equal(end.pointers[0], "/2/sourceSlot");
	assert_string_equal(end.details[0],
	                    "This link would close a loop: One.power, Two.power, Three.power, and back to One.power.");
	b = change(w);
	batch_link(b, two, "a", "slot:/Drivers/One", "power", "power");
	assert_int_equal(submit(w, b, &end), 0);
	b = change(w); /* turned round */
	batch_unlink(b, two, "a");
	batch_link(b, one, "a", "slot:/Drivers/Two", "power", "power");
	assert_int_equal(submit(w, b, &end), 0);
	b = change(w);
	batch_undo(b);
	assert_int_equal(submit(w, b, &end), 0);
	assert_non_null(link_find(station_by_handle(&w->station, two), "a"));
}

/* A batch may build on what it adds itself. */
static void a_batch_builds_on_itself(void **state)
{
	struct world *w = *state;
	struct ended end;
	struct batch *b = change(w);
	uint64_t folder = batch_add(b, handle_of(w, "/Drivers"), "Floor", "baja:Folder", NULL, "");
	json_t *values = json_pack("{s:i, s:{s:s}}", "power", 3, "shade", "type", "test:Dark");
	batch_add(b, folder, "Lamp", "test:Lamp", values, "/values");
	json_decref(values);
	assert_int_not_equal(batch_find(b, "/Drivers/Floor/Lamp/shade"), 0);
	assert_int_equal(submit(w, b, &end), 0);
	world_restart(w, lamp_types);
	struct lamp *lamp = lamp_at(w, "/Drivers/Floor/Lamp");
	assert_int_equal(lamp->power, 3);
	assert_ptr_equal(lamp->shade->type, &test_dark);
	assert_int_equal(component_child_count(&lamp->c), 1);
}

static void a_child_may_change_its_type_twice(void **state)
{
	struct world *w = *state;
	struct ended end;
	uint64_t one = add_lamp(w, "One");
	static const char *const types[] = { "test:Dark", "test:Shade", "test:Dark" };
	struct batch *b = change(w);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		json_t *values = json_pack("{s:{s:s, s:s}}", "shade", "type", types[i], "colour", i == 1 ? "blue" : "red");
		batch_set_json(b, one, values, "/values");
		if (i < 2) /* and of one that is new itself */
			batch_add(b, handle_of(w, "/Drivers"), i ? "Three" : "Two", "test:Lamp", values, "/values");
		json_decref(values);
	}
	assert_int_equal(submit(w, b, &end), 0);
	world_restart(w, lamp_types);
	assert_ptr_equal(lamp_at(w, "/Drivers/One")->shade->type, &test_dark);
	assert_int_equal(component_child_count(station_by_handle(&w->station, one)), 1);
	assert_string_equal(((struct shade *)lamp_at(w, "/Drivers/Three")->shade)->colour, "blue");
}

static void a_batch_is_judged_by_what_it_leaves(void **state)
{
	struct world *w = *state;
	struct ended end;
	uint64_t one = add_lamp(w, "One"), two = add_lamp(w, "Two"),
	         floor = add_below(w, "/Drivers", "Floor", "baja:Folder"),
	         room = add_below(w, "/Drivers/Floor", "Room", "baja:Folder"),
	         lamp = add_below(w, "/Drivers/Floor", "Lamp", "test:Lamp");
	struct batch *b = change(w);
	batch_move(b, one, 0, "Two"); /* they swap their names */
	batch_move(b, two, 0, "One");
	batch_remove(b, floor);
	batch_move(b, lamp, handle_of(w, "/Drivers"), NULL);                             /* survives */
	batch_add(b, handle_of(w, "/Drivers"), "Floor", "baja:Folder", NULL, "/values"); /* the name is free */
	if (submit(w, b, &end) != 0)
		fail_msg("%s", end.details[0]);
	world_restart(w, lamp_types);
	assert_int_equal(handle_of(w, "/Drivers/Two"), one);
	assert_int_equal(handle_of(w, "/Drivers/One"), two);
	assert_int_equal(handle_of(w, "/Drivers/Lamp"), lamp);
	assert_null(station_by_handle(&w->station, room));
	floor = handle_of(w, "/Drivers/Floor");

	b = change(w); /* moving into what is added */
	uint64_t hall = batch_add(b, floor, "Hall", "baja:Folder", NULL, "/0/values");
	batch_move(b, lamp, hall, "Light");
	batch_link(b, lamp, NULL, "slot:/Drivers/One", "power", "limit");
	assert_int_equal(submit(w, b, &end), 0);
	assert_int_equal(handle_of(w, "/Drivers/Floor/Hall/Light"), lamp);
	world_restart(w, lamp_types);
	assert_int_equal(handle_of(w, "/Drivers/Floor/Hall/Light"), lamp);
}

static void what_contradicts_itself_is_refused(void **state)
{
	struct world *w = *state;
	struct ended end;
	uint64_t floor = add_below(w, "/Drivers", "Floor", "baja:Folder"),
	         one = add_below(w, "/Drivers/Floor", "One", "test:Lamp"),
	         room = add_below(w, "/Drivers", "Room", "baja:Folder");
	struct batch *b = change(w);
	batch_remove(b, floor);
	batch_at(b, "/1");
	batch_display_name(b, one, "x");
	batch_at(b, "/2");
	batch_move(b, room, floor, NULL);
	batch_at(b, "/3");
	batch_link(b, handle_of(w, "/Services"), NULL, "slot:/Drivers/Floor/One", "power", "status");
	assert_int_equal(submit(w, b, &end), E_CONFLICT);
	assert_int_equal(end.errors, 3);
	assert_string_equal(end.details[0], "One is removed by the same batch and cannot be changed by it.");
	assert_string_equal(end.pointers[1], "/2/parent");
	assert_string_equal(end.details[1], "Floor is removed by the same batch; nothing can come below it.");
	assert_string_equal(end.pointers[2], "/3/source");
	b = change(w);
	batch_move(b, room, floor, NULL);
	batch_move(b, floor, room, NULL);
	assert_int_equal(submit(w, b, &end), E_INVALID);
	assert_int_equal(end.errors, 2);
	b = change(w);
	uint64_t two = batch_add(b, floor, "Two", "test:Lamp", NULL, "/0/values");
	batch_at(b, "/1");
	batch_remove(b, two);
	batch_move(b, one, 0, "Two");
	assert_int_equal(submit(w, b, &end), E_CONFLICT);
	assert_int_equal(end.errors, 3);
	assert_string_equal(end.details[1], "Two is added by the same batch; leave both out.");
}

static void expect_order(struct world *w, const char *path, const char *names)
{
	char text[200] = "";
	for (struct component *c = station_by_path(&w->station, path)->first; c; c = c->next)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s ", c->name);
	assert_string_equal(text, names);
}

static void children_keep_the_order_they_are_given(void **state)
{
	struct world *w = *state;
	struct ended end;
	add_below(w, "/Drivers", "F", "baja:Folder");
	for (char name[] = "A"; *name <= 'E'; (*name)++)
		add_below(w, "/Drivers/F", name, "test:Lamp");
	struct batch *b = change(w);
	json_t *names = json_pack("[s, s]", "D", "B");
	batch_order(b, handle_of(w, "/Drivers/F"), names);
	json_decref(names);
	batch_before(b, handle_of(w, "/Drivers/F/A"), "");
	uint64_t g = batch_add(b, handle_of(w, "/Drivers/F"), "G", "test:Lamp", NULL, "/values");
	batch_before(b, g, "B");
	assert_int_equal(submit(w, b, &end), 0);
	expect_order(w, "/Drivers/F", "D G B C E A ");
	world_restart(w, lamp_types);
	expect_order(w, "/Drivers/F", "D G B C E A ");
	b = change(w);
	batch_move(b, handle_of(w, "/Drivers/F/B"), handle_of(w, "/Drivers"), NULL);
	batch_before(b, handle_of(w, "/Drivers/F/B"), "F");
	assert_int_equal(submit(w, b, &end), 0);
	expect_order(w, "/Drivers", "B F ");
	b = change(w);
	batch_move(b, handle_of(w, "/Drivers/B"), handle_of(w, "/Drivers/F"), NULL);
	assert_int_equal(submit(w, b, &end), 0);
	world_restart(w, lamp_types);
	expect_order(w, "/Drivers/F", "D G C E A B ");
	for (int i = 0; i < 40; i++) { /* again and again into the same gap: in the end all get new numbers */
		b = change(w);
		batch_before(b, handle_of(w, i % 2 ? "/Drivers/F/G" : "/Drivers/F/C"), "E");
		assert_int_equal(submit(w, b, &end), 0);
		expect_order(w, "/Drivers/F", i % 2 ? "D C G E A B " : "D G C E A B ");
	}
	for (int i = 0; i < 40; i++) {
		b = change(w);
		batch_before(b, handle_of(w, i % 2 ? "/Drivers/F/G" : "/Drivers/F/C"), i % 2 ? "C" : "G");
		assert_int_equal(submit(w, b, &end), 0);
	}
	world_restart(w, lamp_types);
	expect_order(w, "/Drivers/F", "D G C E A B ");
	b = change(w);
	names = json_pack("[s, s, s]", "D", "D", "Z");
	batch_order(b, handle_of(w, "/Drivers/F"), names);
	json_decref(names);
	assert_int_equal(submit(w, b, &end), E_INVALID);
	assert_int_equal(end.errors, 2);
	assert_string_equal(end.pointers[1], "/order/2");
}

static void a_copy_has_everything_below(void **state)
{
	struct world *w = *state;
	struct ended end;
	uint64_t floor = add_below(w, "/Drivers", "Floor", "baja:Folder"), out = add_lamp(w, "Out"),
	         one = add_below(w, "/Drivers/Floor", "One", "test:Lamp"),
	         two = add_below(w, "/Drivers/Floor", "Two", "test:Lamp");
	assert_int_equal(set_json(w, one, &admin,
	                          "{\"power\":9,\"code\":\"1234\",\"shade\":{\"type\":\"test:Dark\",\"colour\":\"red\"}}",
	                          &end),
	                 0);
	struct batch *b = change(w);
	batch_link(b, two, "inside", "slot:/Drivers/Floor/One", "power", "power");
	batch_link(b, one, "outside", "slot:/Drivers/Out", "label", "label");
	batch_link(b, out, "away", "slot:/Drivers/Floor/One", "power", "power");
	batch_display_name(b, one, "Schön");
	batch_before(b, two, "One");
	assert_int_equal(submit(w, b, &end), 0);
	b = change(w);
	uint64_t drivers = handle_of(w, "/Drivers"), copy = batch_copy(b, floor, drivers, NULL, NULL, "/0/values");
	batch_copy(b, floor, drivers, NULL, NULL, "/1/values");
	batch_copy(b, one, copy, "Mine", NULL, "/2/values");
	if (submit(w, b, &end) != 0)
		fail_msg("%s", end.details[0]);
	world_restart(w, lamp_types);
	assert_int_equal(handle_of(w, "/Drivers/Floor1"), copy);
	assert_int_not_equal(handle_of(w, "/Drivers/Floor2"), 0);
	expect_order(w, "/Drivers/Floor1", "Two One Mine ");
	struct lamp *lamp = lamp_at(w, "/Drivers/Floor1/One");
	assert_int_equal(lamp->power, 9);
	assert_ptr_equal(lamp->shade->type, &test_dark);
	assert_string_equal(((struct shade *)lamp->shade)->colour, "red");
	assert_string_equal(lamp->c.extra->displayName, "Schön");
	char *code = secret_open(w->station.keyring, lamp->code.sealed, NULL);
	assert_string_equal(code, "1234");
	secret_wipe(&code);
	assert_int_equal(link_find(&lamp->c, "outside")->source, out);
	assert_int_equal(link_find(&lamp_at(w, "/Drivers/Floor1/Two")->c, "inside")->source, lamp->c.handle);
	assert_int_equal(component_child_count(&lamp->c), 1);
	for (const struct link *l = links_from(&lamp->c); l; l = link_next_from(l))
		assert_string_equal(l->name, "inside"); /* no link leads away from a copy */
}

/* What a batch adds can be copied by it: with what it was asked to set and to link, and to add below. */
static void a_copy_of_what_is_added(void **state)
{
	struct world *w = *state;
	struct ended end;
	struct batch *b = change(w);
	json_t *values = json_loads("{\"power\": 3}", 0, NULL), *more = json_loads("{\"limit\": 50}", 0, NULL),
	       *other = json_loads("{\"power\": 4}", 0, NULL);
	uint64_t drivers = handle_of(w, "/Drivers"),
	         floor = batch_add(b, drivers, "Floor", "baja:Folder", NULL, "/0/values"),
	         one = batch_add(b, floor, "One", "test:Lamp", values, "/1/values"),
	         two = batch_add(b, floor, "Two", "test:Lamp", NULL, "/2/values");
	batch_set_json(b, one, more, "/3/values");
	batch_display_name(b, one, "Schön");
	batch_link(b, two, "inside", "/Drivers/Floor/One", "power", "power");
	assert_int_not_equal(batch_copy(b, floor, drivers, NULL, NULL, "/5/values"), 0);
	assert_int_not_equal(batch_copy(b, one, drivers, "Lone", other, "/6/values"), 0);
	if (submit(w, b, &end) != 0)
		fail_msg("%s: %s", end.pointers[0], end.details[0]);
	json_decref(values);
	json_decref(more);
	json_decref(other);
	world_restart(w, lamp_types);
	const struct lamp *copy = lamp_at(w, "/Drivers/Floor1/One"), *lone = lamp_at(w, "/Drivers/Lone");
	assert_int_equal(copy->power, 3);
	assert_int_equal(copy->limit, 50);
	assert_string_equal(copy->c.extra->displayName, "Schön");
	assert_int_equal(link_find(&lamp_at(w, "/Drivers/Floor1/Two")->c, "inside")->source, copy->c.handle);
	assert_int_equal(lamp_at(w, "/Drivers/Floor1/Two")->power, 3);
	assert_int_equal(link_find(&lamp_at(w, "/Drivers/Floor/Two")->c, "inside")->source, one);
	assert_int_equal(lone->power, 4);
	assert_int_equal(lone->limit, 50);
	expect_order(w, "/Drivers/Floor1", "One Two ");
}

/* Thousands of operations of each kind: a minute would be quadratic. */
static void many_operations_take_linear_time(void **state)
{
	struct world *w = *state;
	struct ended end;
	enum { MANY = 3000 };
	uint64_t floor = add_below(w, "/Drivers", "Floor", "baja:Folder"), *lamps = must_alloc(MANY * sizeof *lamps);
	struct timespec start, now;
	clock_gettime(CLOCK_MONOTONIC, &start);
	struct batch *b = change(w);
	for (size_t i = 0; i < MANY; i++) {
		char name[16];
		snprintf(name, sizeof name, "L%zu", i);
		lamps[i] = batch_add(b, floor, name, "test:Lamp", NULL, "/values");
	}
	assert_int_equal(submit(w, b, &end), 0);
	b = change(w);
	for (size_t i = 0; i < MANY; i++) {
		struct value v = value_integer(5);
		batch_set(b, lamps[i], "power", &v);
		batch_move(b, lamps[i], 0, i % 2 ? "x" : NULL);
		if (i % 2) {
			char name[16];
			snprintf(name, sizeof name, "M%zu", i);
			batch_move(b, lamps[i], 0, name);
		}
		batch_link(b, lamps[i], NULL, "slot:/Drivers/Floor", "label", "label");
	}
	assert_int_equal(submit(w, b, &end), E_INVALID); /* a folder has no label */
	b = change(w);
	for (size_t i = 0; i < MANY; i++)
		batch_copy(b, lamps[0], floor, NULL, NULL, "/values");
	assert_int_equal(submit(w, b, &end), 0);
	b = change(w);
	for (size_t i = MANY; i-- > 0;)
		batch_remove(b, lamps[i]);
	assert_int_equal(submit(w, b, &end), 0);
	b = change(w);
	batch_undo(b);
	assert_int_equal(submit(w, b, &end), 0);
	assert_int_equal(component_child_count(station_by_handle(&w->station, floor)), 2 * MANY);
	clock_gettime(CLOCK_MONOTONIC, &now);
	print_message("15,000 operations in %ld ms\n",
	              (long)((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000));
	free(lamps);
}

/* They were written to the store that had just been closed. */
static void what_waits_when_the_station_ends_is_dropped_whole(void **state)
{
	struct world *w = *state;
	uint64_t handle = add_lamp(w, "Lamp");
	for (int i = 1; i <= 20; i++) {
		struct batch *b = change(w);
		struct value v = value_integer(i);
		batch_set(b, handle, "power", &v);
		batch_submit(b, NULL, NULL);
	}
	world_restart(w, lamp_types);
	assert_in_range(COMPONENT_AS(station_by_handle(&w->station, handle), &test_lamp, struct lamp)->power, 0, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lamp_test(a_batch_survives_a_restart),
		lamp_test(all_errors_at_once_and_nothing_applied),
		lamp_test(roles_are_checked),
		lamp_test(a_stale_revision_is_refused),
		lamp_test(names_moves_and_removal),
		lamp_test(a_loop_of_links_is_refused),
		lamp_test(a_batch_builds_on_itself),
		lamp_test(a_child_may_change_its_type_twice),
		lamp_test(a_batch_is_judged_by_what_it_leaves),
		lamp_test(what_contradicts_itself_is_refused),
		lamp_test(children_keep_the_order_they_are_given),
		lamp_test(a_copy_has_everything_below),
		lamp_test(a_copy_of_what_is_added),
		lamp_test(loops_are_seen_over_the_whole_batch),
		lamp_test(many_operations_take_linear_time),
		lamp_test(what_waits_when_the_station_ends_is_dropped_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
