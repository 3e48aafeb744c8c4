/* SPDX-License-Identifier: Apache-2.0
 * Undo, redo and restore: everything comes back as it was, in memory and on disk, or is refused with a sentence. */
#include "tests/unit/lamp.h"

#include "station/sheet/version.h"
#include "station/store/persist.h"
#include "tests/unit/faulty_disk.h"

/* --- what there is, as text ------------------------------------------------------------------------------------------ */

struct dump {
	FILE *out;
	const struct record_kind *kind;
};

static int dump_row(void *context, void *record)
{
	struct dump *d = context;
	json_t *json = record_to_json(d->kind, record);
	json_object_del(json, "revision"); /* only goes up */
	fputs(d->kind->table, d->out);
	must(json_dumpf(json, d->out, JSON_SORT_KEYS) == 0);
	fputc('\n', d->out);
	json_decref(json);
	return 0;
}

static void without_revisions(json_t *json)
{
	json_t *child;
	size_t i;
	json_object_del(json, "revision");
	json_array_foreach(json_object_get(json, "children"), i, child) without_revisions(child);
}

/* The rows in the store and the tree in memory. Owned. */
static char *picture(struct world *w)
{
	static const struct record_kind *const kinds[] = { &component_kind, &slot_kind, &link_kind };
	char *text;
	size_t size;
	struct err e;
	struct dump d = { .out = open_memstream(&text, &size) };
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		d.kind = kinds[i];
		assert_int_equal(w->station.store->impl->scan(w->station.store, d.kind, dump_row, &d, &e), 0);
	}
	json_t *tree = component_to_json(w->station.tree.root, 16);
	without_revisions(tree);
	must(json_dumpf(tree, d.out, JSON_SORT_KEYS | JSON_INDENT(1)) == 0);
	json_decref(tree);
	for (struct component *c = w->station.tree.root; c; c = tree_next(c, w->station.tree.root))
		for (const struct link *l = c->extra ? c->extra->links : NULL; l; l = l->next)
			fprintf(d.out, "\n%s.%s from %d.%s", c->name, l->targetSlot, (int)l->source, l->sourceSlot);
	fclose(d.out);
	return text;
}

static int again(struct world *w, void (*what)(struct batch *b), const struct actor *who, struct ended *end)
{
	struct batch *b = batch_new(&w->station, who);
	what(b);
	return submit(w, b, end);
}

static void undo(struct world *w)
{
	struct ended end;
	if (again(w, batch_undo, &admin, &end) != 0)
		fail_msg("undo: %d %s; %s; %s", end.code, end.details[0], end.details[1], end.details[2]);
}

static void redo(struct world *w)
{
	struct ended end;
	if (again(w, batch_redo, &admin, &end) != 0)
		fail_msg("redo: %s", end.details[0]);
}

static void expect_picture(struct world *w, char *expected)
{
	char *now = picture(w);
	assert_string_equal(now, expected);
	free(now);
	free(expected);
}

/* --- one kind after the other ------------------------------------------------------------------------------------------ */

static void a_removed_subtree_comes_back_whole(void **state)
{
	struct world *w = *state;
	struct ended end;
	uint64_t floor = add_below(w, "/Drivers", "Floor", "baja:Folder"), before = add_lamp(w, "Before"),
	         one = add_below(w, "/Drivers/Floor", "One", "test:Lamp"),
	         two = add_below(w, "/Drivers/Floor", "Two", "test:Lamp"), out = add_lamp(w, "Out");
	assert_int_equal(
	    set_json(w, one, &admin, "{\"power\":9,\"code\":\"1234\",\"shade\":{\"type\":\"test:Dark\"}}", &end), 0);
	assert_int_equal(set_json(w, before, &admin, "{\"power\":50}", &end), 0);
	struct batch *b = change(w);
	batch_link(b, two, "inside", "slot:/Drivers/Floor/One", "label", "label");
	batch_link(b, one, "incoming", "slot:/Drivers/Before", "power", "limit");
	batch_link(b, out, "outgoing", "slot:/Drivers/Floor/Two", "power", "limit");
	batch_display_name(b, one, "Schön");
	batch_before(b, two, "One");
	if (submit(w, b, &end) != 0)
		fail_msg("%s %s", end.pointers[0], end.details[0]);
	char *start = picture(w);
	b = change(w);
	batch_remove(b, floor);
	assert_int_equal(submit(w, b, &end), 0);
	char *without = picture(w);
	assert_null(station_by_handle(&w->station, one));
	undo(w);
	assert_int_equal(handle_of(w, "/Drivers/Floor/One"), one);
	assert_ptr_equal(lamp_at(w, "/Drivers/Floor/One")->shade->type, &test_dark);
	expect_picture(w, strdup(start));
	world_restart(w, lamp_types);
	char *code = secret_open(w->station.keyring, lamp_at(w, "/Drivers/Floor/One")->code.sealed, NULL);
	assert_string_equal(code, "1234");
	secret_wipe(&code);
	b = change(w); /* the link outside carries again */
	batch_set(b, before, "power", &(struct value){ .kind = V_INTEGER, .integer = 40 });
	assert_int_equal(submit(w, b, &end), 0);
	assert_int_equal(lamp_at(w, "/Drivers/Floor/One")->limit, 40);
	undo(w);
	assert_int_equal(again(w, batch_redo, &admin, &end), 0);
	undo(w);
	redo(w);
	undo(w);
	free(without);
	free(start);
}

static void each_way_of_changing_goes_back_and_forth(void **state)
{
	struct world *w = *state;
	struct ended end;
	uint64_t floor = add_below(w, "/Drivers", "Floor", "baja:Folder"), one = add_lamp(w, "One"),
	         two = add_lamp(w, "Two"), three = add_lamp(w, "Three");
	char *pictures[9] = { picture(w) };
	for (int step = 1; step < 9; step++) {
		struct batch *b = change(w);
		json_t *values = json_loads("{\"shade\":{\"type\":\"test:Dark\",\"colour\":\"red\"},\"power\":3}", 0, NULL);
		if (step == 1)
			batch_set_json(b, one, values, "/values");
		else if (step == 2)
			batch_move(b, one, floor, "Uno");
		else if (step == 3)
			batch_before(b, three, "Two");
		else if (step == 4)
			batch_link(b, three, "link", "slot:/Drivers/Two", "label", "label");
		else if (step == 5)
			batch_unlink(b, three, "link");
		else if (step == 6)
			batch_add(b, floor, "Four", "test:Lamp", values, "/values");
		else if (step == 7)
			batch_display_name(b, two, "Zwei");
		else
			batch_remove(b, two);
		json_decref(values);
		assert_int_equal(submit(w, b, &end), 0);
		pictures[step] = picture(w);
	}
	for (int step = 7; step >= 0; step--) {
		undo(w);
		expect_picture(w, strdup(pictures[step]));
	}
	world_restart(w, lamp_types);
	for (int step = 1; step < 9; step++) {
		redo(w);
		expect_picture(w, strdup(pictures[step]));
	}
	assert_int_equal(again(w, batch_redo, &admin, &end), E_CONFLICT);
	assert_string_equal(end.details[0], "There is nothing to redo.");
	for (int step = 0; step < 9; step++)
		free(pictures[step]);
}

/* --- what others have done since --------------------------------------------------------------------------------------- */

static void expect_conflict(struct world *w, const char *sentence)
{
	struct ended end;
	char *before = picture(w);
	assert_int_equal(again(w, batch_undo, &admin, &end), E_CONFLICT);
	assert_string_equal(end.details[0], sentence);
	expect_picture(w, before);
}

static void what_others_changed_is_not_overwritten(void **state)
{
	struct world *w = *state;
	struct ended end;
	static const struct actor bob = { .user = "bob", .role = ROLE_ADMIN, .via = "token" };
	uint64_t floor = add_below(w, "/Drivers", "Floor", "baja:Folder"), one = add_lamp(w, "One");
	assert_int_equal(set_json(w, one, &admin, "{\"power\":3,\"label\":\"a\"}", &end), 0);
	assert_int_equal(set_json(w, one, &bob, "{\"limit\":60}", &end), 0);
	undo(w); /* another property does not matter */
	redo(w);
	assert_int_equal(set_json(w, one, &bob, "{\"power\":4}", &end), 0);
	expect_conflict(w, "/Drivers/One: \"power\" was changed by another since; it is no longer as that batch left it.");
	assert_int_equal(again(w, batch_undo, &bob, &end), 0);
	assert_int_equal(again(w, batch_undo, &viewer, &end), E_CONFLICT);
	assert_string_equal(end.details[0], "There is nothing to undo.");
	undo(w);
	add_below(w, "/Drivers/Floor", "Mine", "test:Lamp");
	undo(w);
	struct batch *b = batch_new(&w->station, &bob);
	batch_add(b, floor, "His", "test:Lamp", NULL, "/values");
	assert_int_equal(submit(w, b, &end), 0);
	expect_conflict(w, "/Drivers/One: \"limit\" was changed by another since.");
	assert_int_equal(set_json(w, one, &bob, "{\"limit\":50}", &end), 0);
	undo(w); /* the lamp One */
	expect_conflict(w, "/Drivers/Floor: \"His\" was added below it by another since.");
}

/* What links carry is in memory only. */
static void a_carried_value_is_nobodys_change(void **state)
{
	struct world *w = *state;
	struct ended end;
	static const struct actor bob = { .user = "bob", .role = ROLE_ADMIN, .via = "token" };
	uint64_t one = add_lamp(w, "One"), two = add_lamp(w, "Two");
	assert_int_equal(set_json(w, two, &admin, "{\"limit\":40}", &end), 0);
	struct batch *b = change(w);
	batch_link(b, two, "link", "slot:/Drivers/One", "power", "limit");
	batch_link(b, two, "other", "slot:/Drivers/One", "label", "label");
	assert_int_equal(submit(w, b, &end), 0);
	assert_int_equal(set_json(w, one, &bob, "{\"power\":33,\"label\":\"x\"}", &end), 0);
	assert_int_equal(lamp_at(w, "/Drivers/Two")->limit, 33);
	undo(w); /* what the link brought goes with it */
	assert_int_equal(lamp_at(w, "/Drivers/Two")->limit, 40);
	undo(w);
	assert_int_equal(lamp_at(w, "/Drivers/Two")->limit, 50);
	undo(w); /* adding it */
	assert_int_equal(handle_of(w, "/Drivers/Two"), 0);
	redo(w);
	redo(w);
	assert_int_equal(lamp_at(w, "/Drivers/Two")->limit, 40);
}

static void a_version_is_restored(void **state)
{
	struct world *w = *state;
	struct ended end;
	uint64_t one = add_lamp(w, "One"), two = add_lamp(w, "Two");
	assert_int_equal(set_json(w, one, &admin, "{\"power\":3}", &end), 0);
	char *third = picture(w);
	assert_int_equal(set_json(w, one, &admin, "{\"power\":4,\"code\":\"x\"}", &end), 0);
	struct batch *b = change(w);
	batch_move(b, one, 0, "Uno");
	batch_remove(b, two);
	assert_int_equal(submit(w, b, &end), 0);
	add_lamp(w, "One");
	char *newest = picture(w);
	b = change(w);
	struct version_brief brief;
	json_t *diff;
	batch_restore(b, 3);
	batch_dry_run(b);
	batch_tell_diff(b, &diff);
	assert_int_equal(submit(w, b, &end), 0);
	assert_int_equal(json_array_size(diff), 5);
	json_decref(diff);
	expect_picture(w, strdup(newest));
	b = change(w);
	batch_restore(b, 3);
	batch_reason(b, "It was better.");
	batch_tell_version(b, &brief);
	assert_int_equal(submit(w, b, &end), 0);
	assert_int_equal(brief.number, 7);
	expect_picture(w, third);
	undo(w);
	expect_picture(w, newest);
	b = change(w);
	batch_restore(b, 8);
	assert_int_equal(submit(w, b, &end), E_CONFLICT);
}

/* --- what may go wrong ------------------------------------------------------------------------------------------------- */

static void a_failing_disk_leaves_everything_as_it_was(void **state)
{
	(void)state;
	struct faulty_disk disk;
	struct world made, *w = &made;
	struct ended end;
	faulty_disk_begin(&disk);
	world_make(w, lamp_types);
	uint64_t one = add_lamp(w, "One");
	char *with = picture(w);
	struct batch *b = change(w);
	batch_remove(b, one);
	assert_int_equal(submit(w, b, &end), 0);
	char *without = picture(w);
	int64_t newest = version_newest(&w->station);
	atomic_store(&disk.write_code, SQLITE_FULL);
	assert_int_not_equal(again(w, batch_undo, &admin, &end), 0);
	b = change(w);
	batch_add(b, handle_of(w, "/Drivers"), "Two", "test:Lamp", NULL, "/values");
	assert_int_not_equal(submit(w, b, &end), 0);
	assert_int_equal(version_newest(&w->station), newest);
	atomic_store(&disk.write_code, 0);
	expect_picture(w, without);
	world_restart(w, lamp_types);
	assert_int_equal(version_newest(&w->station), newest);
	undo(w);
	expect_picture(w, strdup(with));
	world_restart(w, lamp_types);
	expect_picture(w, with);
	world_end(w);
	faulty_disk_end(&disk);
}

static int count_row(void *context, void *record)
{
	(void)record;
	++*(size_t *)context;
	return 0;
}

static size_t rows_in(struct world *w, const struct record_kind *kind)
{
	size_t n = 0;
	struct err e;
	assert_int_equal(w->station.store->impl->scan(w->station.store, kind, count_row, &n, &e), 0);
	return n;
}

static void the_oldest_versions_go(void **state)
{
	struct world *w = *state;
	struct ended end;
	uint64_t one = add_lamp(w, "One");
	for (int i = 0; i < VERSIONS_KEPT + 10; i++) {
		struct batch *b = change(w);
		struct value v = value_integer(1 + i % 40);
		batch_set(b, one, "power", &v);
		batch_submit(b, i == VERSIONS_KEPT + 9 ? keep_end : NULL, &end);
		end.done = false;
	}
	turn_until(w, &end.done);
	assert_int_equal(rows_in(w, &version_kind), VERSIONS_KEPT);
	assert_int_equal(rows_in(w, &delta_kind), VERSIONS_KEPT);
	world_restart(w, lamp_types);
	assert_int_equal(version_newest(&w->station), VERSIONS_KEPT + 11);
	for (int i = 0; i < UNDO_DEPTH; i++)
		undo(w);
	struct batch *b = change(w);
	batch_restore(b, 5);
	assert_int_equal(submit(w, b, &end), E_CONFLICT);
	assert_string_equal(end.details[0], "There is no version 6, or it is no longer kept.");
}

/* --- by chance ----------------------------------------------------------------------------------------------------------- */

static uint32_t dice(uint32_t *seed, uint32_t sides)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % sides;
}

static struct component *anyone(struct world *w, uint32_t *seed)
{
	struct component *top = station_by_path(&w->station, "/Drivers");
	size_t n = 0;
	for (struct component *c = top; c; c = tree_next(c, top))
		n++;
	n = dice(seed, (uint32_t)n);
	struct component *c = top;
	while (n--)
		c = tree_next(c, top);
	return c;
}

/* Slots of its own come, change, get other names, go. */
static void random_slot(struct batch *b, struct component *c, const char *name, uint32_t *seed)
{
	static const char *const patches[] = {
		"{\"kind\": \"string\"}",
		"{\"kind\": \"string\", \"displayName\": \"Größe\"}",
		"{\"kind\": \"real\", \"facets\": {\"min\": 2}, \"value\": 5}",
		"{\"kind\": \"secret\", \"value\": \"x\"}",
		"{\"kind\": \"enum\", \"facets\": {\"range\": [\"a\", \"b\"]}, \"value\": \"b\"}",
		"{\"kind\": \"struct\", \"members\": [{\"name\": \"m\", \"kind\": \"real\"}, {\"name\": \"n\", \"kind\": "
		"\"string\"}], "
		"\"value\": {\"m\": 3}}",
		"{\"kind\": \"struct\", \"members\": [{\"name\": \"n\", \"kind\": \"string\"}]}",
		"{\"kind\": \"list\", \"element\": \"struct\", \"members\": [{\"name\": \"m\", \"kind\": \"real\"}], "
		"\"value\": "
		"[{\"m\": 1}, {}]}",
		"{\"name\": \"d0\"}",
		"{\"name\": \"d1\"}",
		"null",
		"{\"flags\": [\"readonly\"]}",
	};
	json_t *patch =
	    json_pack("{s:o}", name, json_loads(patches[dice(seed, ARRAY_SIZE(patches))], JSON_DECODE_ANY, NULL));
	batch_slots(b, c->handle, patch);
	json_decref(patch);
}

static void random_operation(struct world *w, struct batch *b, uint32_t *seed)
{
	static const char *const own[] = { "d0", "d1", "d2", "label" };
	struct component *c = anyone(w, seed), *other = anyone(w, seed);
	char name[8], *ord = component_path(other);
	snprintf(name, sizeof name, "n%u", dice(seed, 20));
	struct value v = value_integer(dice(seed, 60));
	bool top = !c->parent->parent;
	switch (dice(seed, 15)) {
	case 0:
	case 1:
		batch_add(b, other->handle, name, "test:Lamp", NULL, "/values");
		break;
	case 2:
		batch_add(b, other->handle, name, "baja:Folder", NULL, "/values");
		break;
	case 3:
		if (!top)
			batch_remove(b, c->handle);
		break;
	case 4:
		batch_move(b, c->handle, other->handle, dice(seed, 2) ? name : NULL);
		break;
	case 5:
		batch_move(b, c->handle, 0, top ? NULL : name);
		break;
	case 6:
		batch_set(b, c->handle, dice(seed, 2) ? "power" : "limit", &v);
		break;
	case 7:
		batch_display_name(b, c->handle, name);
		break;
	case 8:
		batch_link(b, c->handle, NULL, ord, "label", "label");
		break;
	case 10:
	case 11:
		random_slot(b, c, own[dice(seed, 3)], seed);
		break;
	case 12:
		batch_link(b, c->handle, NULL, ord, own[dice(seed, 4)], own[dice(seed, 4)]);
		break;
	case 13:
		if (!top)
			batch_copy(b, c->handle, other->handle, NULL, NULL, "/values");
		break;
	case 9:
		batch_before(b, c->handle, c->parent && c->parent->first != c ? c->parent->first->name : "");
		break;
	default: {
		json_t *json = json_pack("{s:{s:s}}", "shade", "type", dice(seed, 2) ? "test:Dark" : "test:Shade");
		batch_set_json(b, c->handle, json, "/values");
		json_decref(json);
	}
	}
	free(ord);
}

static void by_chance(struct world *w, uint32_t seed)
{
	enum { BATCHES = 40 };
	char *start = picture(w);
	struct ended end;
	int applied = 0;
	for (int i = 0; i < 3000 && applied < BATCHES; i++) {
		struct batch *b = change(w);
		for (uint32_t n = 1 + dice(&seed, 4); n; n--)
			random_operation(w, b, &seed);
		int64_t newest = version_newest(&w->station);
		submit(w, b, &end);
		applied += version_newest(&w->station) > newest;
	}
	assert_int_equal(applied, BATCHES);
	char *finish = picture(w);
	for (int i = 0; i < applied; i++) {
		undo(w);
		if (i == applied / 2)
			world_restart(w, lamp_types);
	}
	expect_picture(w, start);
	for (int i = 0; i < applied; i++)
		redo(w);
	expect_picture(w, strdup(finish));
	world_restart(w, lamp_types);
	expect_picture(w, finish);
}

static void batches_by_chance_go_back_and_forth(void **state)
{
	for (uint32_t seed = 1; seed <= 6; seed++) {
		by_chance(*state, seed * 7919);
		lamps_end(state);
		lamps_begin(state);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lamp_test(a_removed_subtree_comes_back_whole),
		lamp_test(each_way_of_changing_goes_back_and_forth),
		lamp_test(what_others_changed_is_not_overwritten),
		lamp_test(a_carried_value_is_nobodys_change),
		lamp_test(a_version_is_restored),
		lamp_test(batches_by_chance_go_back_and_forth),
		cmocka_unit_test(a_failing_disk_leaves_everything_as_it_was),
		lamp_test(the_oldest_versions_go),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
