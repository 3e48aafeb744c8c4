/* SPDX-License-Identifier: Apache-2.0
 * Links: every pair of kinds, what is kept and lost on the way, chains, diamonds, loops seen before and while running. */
#include "tests/unit/world.h"

#include <math.h>

#include "station/control/kit.h"
#include "station/link/link.h"
#include "station/value/status.h"

static const struct tag states[] = { { 0, "off", "Off." }, { 1, "low", "Low." }, { 2, "high", "High." }, { 0 } };

/* One property of each kind. */
struct each {
	struct component c;
	bool boolean;
	int64_t integer;
	double real;
	char *string;
	int state;
	struct abstime abstime;
	struct reltime reltime;
	struct ord ord;
	struct secret secret;
	struct status_boolean statusBoolean;
	struct status_numeric statusNumeric;
	struct status_enum statusEnum;
	struct status_string statusString;
	struct list list;
	int64_t small, heard;
};
static const struct slot each_slots[] = {
	SLOT(struct each, boolean, BOOLEAN, .doc = "."),
	SLOT(struct each, integer, INTEGER, .doc = "."),
	SLOT(struct each, real, REAL, .doc = "."),
	SLOT(struct each, string, STRING, .doc = "."),
	SLOT_AT(struct each, state, "enum", ENUM, .doc = ".", .facets = FACETS(.range = states)),
	SLOT(struct each, abstime, ABSTIME, .doc = ".", .dflt = "null"),
	SLOT(struct each, reltime, RELTIME, .doc = "."),
	SLOT(struct each, ord, ORD, .doc = "."),
	SLOT(struct each, secret, SECRET, .doc = "."),
	SLOT_AT(struct each, c.status, "status", STATUS, .doc = "."),
	SLOT(struct each, statusBoolean, STATUS_BOOLEAN, .doc = "."),
	SLOT(struct each, statusNumeric, STATUS_NUMERIC, .doc = "."),
	SLOT(struct each, statusEnum, STATUS_ENUM, .doc = ".", .facets = FACETS(.range = states)),
	SLOT(struct each, statusString, STATUS_STRING, .doc = "."),
	SLOT_AT(struct each, list, "list", LIST, .doc = ".", .element = V_STRING),
	SLOT(struct each, small, INTEGER, .doc = ".", .facets = FACETS(.min = 0, .max = 10)),
	SLOT_END,
};
static int hear(struct component *c, struct invocation *inv)
{
	struct each *e = (struct each *)(void *)c;
	e->heard += inv->arg->kind == V_INTEGER ? inv->arg->integer : 1000;
	return 0;
}
static int pass(struct component *c, struct invocation *inv)
{
	topic_fire(c, "passed", inv->arg, inv->tx);
	return 0;
}
static const struct slot number_arg = { .name = "number", .doc = ".", .kind = V_INTEGER };
static const struct action each_actions[] = { { "hear", ".", 0, &number_arg, hear },
	                                          { "pass", ".", 0, NULL, pass },
	                                          { 0 } };
static const struct topic each_topics[] = { { "passed", "." }, { 0 } };
static const struct type each_type = {
	.name = "test:Each",
	.doc = ".",
	.size = sizeof(struct each),
	.base = &baja_component,
	.slots = each_slots,
	.actions = each_actions,
	.topics = each_topics,
};

/* A property that follows another: a chain of one link each. */
struct stage {
	struct component c;
	double in, out;
	int64_t changes;
};
static const struct slot stage_slots[] = {
	SLOT(struct stage, in, REAL, .doc = "."),
	SLOT(struct stage, out, REAL, .doc = "."),
	SLOT_END,
};
static void stage_changed(struct component *c, const struct slot *slot)
{
	struct stage *s = (struct stage *)(void *)c;
	if (slot != &stage_slots[0])
		return;
	s->changes++;
	struct value v = value_real(s->in + 1);
	component_set(c, &stage_slots[1], &v);
}
static const struct type stage_type = {
	.name = "test:Stage",
	.doc = ".",
	.size = sizeof(struct stage),
	.base = &baja_component,
	.slots = stage_slots,
	.changed = stage_changed,
};
static const struct type *const types[] = { &baja_component, &baja_folder,           &each_type,          &stage_type,
	                                        &control_point,  &control_numeric_point, &kit_types[KIT_Add], NULL };

static struct component *add(struct world *w, const struct type *type, const char *name)
{
	struct component *c = component_create(&w->station, type, name, 0);
	tree_attach(w->station.tree.root, c);
	tree_start(c);
	return c;
}

static struct value text(enum kind kind, const char *t)
{
	struct value v = value_string(t);
	v.kind = kind;
	return v;
}

/* A value that every target of its kind can take: 1, or what it is written as. */
static struct value sample(enum kind kind)
{
	switch (kind) {
	case V_STRING:
	case V_STATUS_STRING:
		return text(kind, "1");
	case V_ORD:
		return text(kind, "slot:/x");
	case V_BOOLEAN:
	case V_STATUS_BOOLEAN:
		return (struct value){ .kind = kind, .boolean = true };
	case V_REAL:
	case V_STATUS_NUMERIC:
		return (struct value){ .kind = kind, .real = 1 };
	case V_ENUM:
	case V_STATUS_ENUM:
		return (struct value){ .kind = kind, .ordinal = 1 };
	case V_ABSTIME:
	case V_RELTIME:
		return (struct value){ .kind = kind, .integer = 1000 };
	case V_STATUS:
		return (struct value){ .kind = kind, .status = STATUS_DISABLED };
	case V_LIST:
		return (struct value){ .kind = kind, .list = { .items = must_alloc(1) } };
	default:
		return value_integer(1);
	}
}

/* What arrives, printed; NULL: there is no way, "!": not this value. Rows: from; columns: to. */
#define T "1970-01-01T00:00:00.001000Z"
static const char *const arrives[15][15] = {
	/*         boolean integer real string enum abstime reltime ord secret status sBoolean sNumeric sEnum sString list */
	{ "true", "1", "1", "true", "low", 0, 0, 0, 0, 0, "true", "1", "low", "true", 0 },
	{ "true", "1", "1", "1", "low", T, "1ms", 0, 0, 0, "true", "1", "low", "1", 0 },
	{ "true", "1", "1", "1", "low", T, "1ms", 0, 0, 0, "true", "1", "low", "1", 0 },
	{ "!", "1", "1", "1", "!", "!", "1us", "1", 0, "!", "!", "1", "!", "1", 0 },
	{ "true", "1", "1", "low", "low", 0, 0, 0, 0, 0, "true", "1", "low", "low", 0 },
	{ 0, "1", "1", T, 0, T, 0, 0, 0, 0, 0, "1", 0, T, 0 },
	{ 0, "1", "1", "1ms", 0, 0, "1ms", 0, 0, 0, 0, "1", 0, "1ms", 0 },
	{ 0, 0, 0, "slot:/x", 0, 0, 0, "slot:/x", 0, 0, 0, 0, 0, "slot:/x", 0 },
	{ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 },
	{ 0, "1", 0, "{disabled}", 0, 0, 0, 0, 0, "{disabled}", 0, 0, 0, "{disabled}", 0 },
	{ "true", "1", "1", "true", "low", 0, 0, 0, 0, 0, "true", "1", "low", "true", 0 },
	{ "true", "1", "1", "1", "low", T, "1ms", 0, 0, 0, "true", "1", "low", "1", 0 },
	{ "true", "1", "1", "low", "low", 0, 0, 0, 0, 0, "true", "1", "low", "low", 0 },
	{ "!", "1", "1", "1", "!", "!", "1us", "1", 0, "!", "!", "1", "!", "1", 0 },
	{ 0, 0, 0, "[]", 0, 0, 0, 0, 0, 0, 0, 0, 0, "[]", "[]" },
};

/* The value alone, as a text. */
static char *value_text(const struct slot *slot, const struct value *v)
{
	static const enum kind plain[] = { V_BOOLEAN, V_REAL, V_ENUM, V_STRING };
	struct slot row = *slot;
	struct value copy = *v;
	if (slot->kind >= V_STATUS_BOOLEAN && slot->kind <= V_STATUS_STRING)
		row.kind = copy.kind = plain[slot->kind - V_STATUS_BOOLEAN];
	return value_print(&row, &copy);
}

static void every_pair_of_kinds(void **state)
{
	(void)state;
	for (int i = 0; i < 15; i++)
		for (int k = 0; k < 15; k++) {
			const struct slot *from = &each_slots[i], *to = &each_slots[k];
			const struct conversion *c = conversion_find(from, to);
			const char *expected = arrives[i][k];
			if (!expected != !c)
				fail_msg("%s to %s: %s", from->name, to->name, c ? "converts" : "does not convert");
			if (!c)
				continue;
			struct crossing way = { NULL, NULL, from, to, NULL };
			struct value v = sample(from->kind), out;
			enum converted end = convert(c, &way, &v, &out);
			if (*expected == '!') {
				assert_int_equal(end, NOT_CONVERTED);
				assert_non_null(way.why);
			} else {
				if (end != CONVERTED)
					fail_msg("%s to %s: %s", from->name, to->name, way.why);
				assert_int_equal(out.kind, to->kind);
				char *t = value_text(to, &out);
				if (strcmp(t, expected) != 0)
					fail_msg("%s to %s: %s", from->name, to->name, t);
				free(t);
				value_clear(&out);
			}
			value_clear(&v);
		}
}

static void what_does_not_fit(void **state)
{
	(void)state;
	const struct {
		const char *from, *to;
		struct value v;
	} rows[] = {
		{ "real", "integer", { .kind = V_REAL, .real = NAN } },
		{ "real", "integer", { .kind = V_REAL, .real = 1e300 } },
		{ "real", "reltime", { .kind = V_REAL, .real = INFINITY } },
		{ "real", "enum", { .kind = V_REAL, .real = 1e12 } },
		{ "integer", "enum", { .kind = V_INTEGER, .integer = 7 } },
		{ "integer", "abstime", { .kind = V_INTEGER, .integer = INT64_MAX } },
		{ "integer", "small", { .kind = V_INTEGER, .integer = 11 } },
		{ "abstime", "integer", { .kind = V_ABSTIME, .integer = ABSTIME_NULL } },
		{ "string", "real", { .kind = V_STRING, .text = (char[]){ "" } } },
		{ "string", "real", { .kind = V_STRING, .text = (char[]){ "warm" } } },
		{ "string", "enum", { .kind = V_STRING, .text = (char[]){ "highest" } } },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct crossing way = { .from = slots_find(each_slots, rows[i].from),
			                    .to = slots_find(each_slots, rows[i].to) };
		struct value out;
		if (convert(conversion_find(way.from, way.to), &way, &rows[i].v, &out) != NOT_CONVERTED)
			fail_msg("row %zu was converted", i);
		assert_non_null(way.why);
	}
}

static void set_numeric(struct component *c, double real, uint16_t status)
{
	struct value v = { .kind = V_STATUS_NUMERIC, .real = real, .status = status };
	component_set(c, component_slot(c, "statusNumeric"), &v);
}

static void status_travels(void **state)
{
	(void)state;
	struct world w;
	world_make(&w, types);
	struct each *a = (void *)add(&w, &each_type, "A"), *b = (void *)add(&w, &each_type, "B");
	link_add(&b->c, NULL, a->c.handle, "statusNumeric", "statusBoolean");
	link_add(&b->c, NULL, a->c.handle, "statusNumeric", "real");
	link_add(&b->c, NULL, a->c.handle, "string", "statusNumeric");
	set_numeric(&a->c, 5, STATUS_DOWN);
	assert_true(b->statusBoolean.value);
	assert_int_equal(b->statusBoolean.status, STATUS_DOWN);
	assert_true(b->real == 5);
	set_numeric(&a->c, 0, STATUS_NULL); /* no value: what is plain keeps what it has */
	assert_int_equal(b->statusBoolean.status, STATUS_NULL);
	assert_true(b->real == 5);
	/* A text that is no number: the value stays, with fault, until one comes that is. */
	struct value v = text(V_STRING, "21.5");
	component_set(&a->c, component_slot(&a->c, "string"), &v);
	assert_true(b->statusNumeric.value == 21.5 && b->statusNumeric.status == STATUS_OK);
	v = text(V_STRING, "warm");
	component_set(&a->c, component_slot(&a->c, "string"), &v);
	assert_true(b->statusNumeric.value == 21.5 && b->statusNumeric.status == STATUS_FAULT);
	char why[200];
	assert_non_null(link_trouble(link_find(&b->c, "link2"), why, sizeof why));
	v = text(V_STRING, "22");
	component_set(&a->c, component_slot(&a->c, "string"), &v);
	assert_true(b->statusNumeric.value == 22 && b->statusNumeric.status == STATUS_OK);
	assert_null(link_trouble(link_find(&b->c, "link2"), why, sizeof why));
	world_end(&w);
}

static void long_chain_in_one_pass(void **state)
{
	(void)state;
	enum { LENGTH = 10000 };
	struct world w;
	world_make(&w, types);
	struct stage **all = must_alloc(LENGTH * sizeof(struct stage *));
	char name[16];
	for (int i = 0; i < LENGTH; i++) {
		snprintf(name, sizeof name, "S%d", i);
		all[i] = (void *)add(&w, &stage_type, name);
		if (i > 0)
			link_add(&all[i]->c, NULL, all[i - 1]->c.handle, "out", "in");
	}
	struct value v = value_real(5);
	component_set(&all[0]->c, &stage_slots[0], &v);
	for (int i = 0; i < LENGTH; i++) {
		assert_true(all[i]->out == 6 + i);
		assert_int_equal(all[i]->changes, 1);
	}
	/* The sentence about a loop that long is short. */
	struct err e = { 0 };
	assert_int_equal(link_check(&all[LENGTH - 1]->c, "in", &all[0]->c, "out", &e), 0);
	link_add(&all[1]->c, NULL, all[0]->c.handle, "in", "out");
	free(all);
	world_end(&w);
}

static void loop_of_properties_is_refused(void **state)
{
	(void)state;
	enum { LENGTH = 2000 };
	struct world w;
	world_make(&w, types);
	struct component *first = add(&w, &each_type, "First"), *last = first;
	struct err e = { 0 };
	char name[16];
	for (int i = 0; i < LENGTH; i++) {
		snprintf(name, sizeof name, "E%d", i);
		struct component *next = add(&w, &each_type, name);
		link_add(next, NULL, last->handle, "integer", "integer");
		link_add(next, NULL, last->handle, "integer", "real"); /* ways that double at each step cost nothing */
		last = next;
	}
	assert_int_equal(link_check(last, "integer", first, "integer", &e), E_INVALID);
	assert_non_null(strstr(e.text, "/First.integer -> /E0.integer -> "));
	assert_non_null(strstr(e.text, "more) -> "));
	assert_non_null(strstr(e.text, "/E1999.integer -> /First.integer."));
	assert_int_equal(link_check(last, "real", first, "integer", &e), E_INVALID);
	assert_int_equal(link_check(last, "string", first, "integer", &e), 0);
	assert_int_equal(link_check(last, "secret", first, "string", &e), E_INVALID);
	assert_int_equal(link_check(last, "string", last, "string", &e), E_INVALID);
	assert_int_equal(link_check(last, "passed", first, "string", &e), E_INVALID);
	assert_int_equal(link_check(last, "string", first, "passed", &e), E_INVALID);
	assert_int_equal(link_check(last, "list", first, "hear", &e), E_INVALID);
	assert_int_equal(link_check(last, "real", first, "hear", &e), 0);
	assert_int_equal(link_check(last, "passed", first, "passed", &e), 0);
	world_end(&w);
}

static void running_loop_is_cut(void **state)
{
	(void)state;
	struct world w;
	world_make(&w, types);
	struct stage *a = (void *)add(&w, &stage_type, "A"), *b = (void *)add(&w, &stage_type, "B"),
	             *c = (void *)add(&w, &stage_type, "C"), *behind = (void *)add(&w, &stage_type, "Behind");
	link_add(&b->c, NULL, a->c.handle, "out", "in");
	link_add(&c->c, NULL, b->c.handle, "out", "in");
	struct link *back = link_add(&a->c, "back", c->c.handle, "out", "in");
	link_add(&behind->c, NULL, c->c.handle, "out", "in");
	struct value v = value_real(1);
	component_set(&a->c, &stage_slots[0], &v);
	assert_true(a->changes < 100);
	assert_int_equal(w.station.tree.wave.cut, 1);
	struct link *cut = NULL;
	struct component *targets[] = { &a->c, &b->c, &c->c };
	for (int i = 0; i < 3; i++)
		if (targets[i]->extra->links->cut)
			cut = targets[i]->extra->links;
	assert_non_null(cut);
	assert_true(cut->target->status.bits & STATUS_FAULT);
	assert_non_null(strstr(cut->fault, "loop: /"));
	assert_true(strstr(cut->fault, "/A -> /B -> /C -> /A.") || strstr(cut->fault, "/B -> /C -> /A -> /B.") ||
	            strstr(cut->fault, "/C -> /A -> /B -> /C."));
	assert_true(behind->in == c->out); /* who only listens hears the last word */
	/* It stays cut, until the links change. */
	int64_t before = a->changes + b->changes + c->changes;
	v = value_real(-7);
	component_set(&a->c, &stage_slots[0], &v);
	assert_true(a->changes + b->changes + c->changes - before <= 3);
	struct component *marked = cut->target;
	link_remove(&a->c, back);
	links_mend(&w.station);
	assert_int_equal(w.station.tree.wave.cut, 0);
	assert_false(marked->status.bits & STATUS_FAULT);
	v = value_real(10);
	component_set(&a->c, &stage_slots[0], &v);
	assert_true(c->out == 13);
	world_end(&w);
}

/* One source, twenty ways of different length to one sum: no loop, and the last word is right. */
static void diamond_settles(void **state)
{
	(void)state;
	enum { LENGTH = 200 };
	struct world w;
	world_make(&w, types);
	struct stage *all[LENGTH];
	struct stage *end = (void *)add(&w, &stage_type, "End");
	char name[16];
	for (int i = 0; i < LENGTH; i++) {
		snprintf(name, sizeof name, "S%d", i);
		all[i] = (void *)add(&w, &stage_type, name);
		if (i > 0)
			link_add(&all[i]->c, NULL, all[i - 1]->c.handle, "out", "in");
		link_add(&end->c, NULL, all[i]->c.handle, "out", "in");
	}
	struct value v = value_real(5);
	component_set(&all[0]->c, &stage_slots[0], &v);
	assert_int_equal(w.station.tree.wave.cut, 0);
	assert_true(end->in == all[LENGTH - 1]->out);
	world_end(&w);
}

static void sums_run_in_a_loop(void **state)
{
	(void)state;
	struct world w;
	world_make(&w, types);
	struct component *a = add(&w, &kit_types[KIT_Add], "A"), *b = add(&w, &kit_types[KIT_Add], "B");
	link_add(b, NULL, a->handle, "out", "inA");
	link_add(a, NULL, b->handle, "out", "inA");
	struct value v = { .kind = V_STATUS_NUMERIC, .real = 1 };
	component_set(a, component_slot(a, "inB"), &v);
	assert_int_equal(w.station.tree.wave.cut, 1);
	const struct link *l = a->extra->links->cut ? a->extra->links : b->extra->links;
	assert_true(strstr(l->fault, "/A -> /B -> /A.") || strstr(l->fault, "/B -> /A -> /B."));
	assert_true(l->target->status.bits & STATUS_FAULT);
	world_end(&w);
}

static void actions_and_topics(void **state)
{
	(void)state;
	struct world w;
	world_make(&w, types);
	struct each *a = (void *)add(&w, &each_type, "A"), *b = (void *)add(&w, &each_type, "B"),
	            *c = (void *)add(&w, &each_type, "C");
	link_add(&b->c, NULL, a->c.handle, "real", "hear"); /* property to action, converted to what it takes */
	struct value v = value_real(7.9);
	component_set(&a->c, component_slot(&a->c, "real"), &v);
	assert_int_equal(b->heard, 7);
	link_add(&c->c, NULL, b->c.handle, "hear", "hear");                          /* action to action */
	struct link *event = link_add(&b->c, NULL, a->c.handle, "passed", "passed"); /* topic to topic */
	link_add(&c->c, NULL, b->c.handle, "passed", "pass");                        /* topic to action */
	link_add(&a->c, NULL, c->c.handle, "pass", "passed");                        /* action to topic: a loop of events */
	v = value_real(3);
	component_set(&a->c, component_slot(&a->c, "real"), &v);
	assert_int_equal(b->heard, 10);
	assert_int_equal(c->heard, 3);
	topic_fire(&a->c, "passed", &VALUE_NULL, NULL);
	assert_true(event->cut);
	assert_non_null(strstr(event->fault, "/B -> /C -> /A -> /B"));
	world_end(&w);
}

static const struct actor admin = { .user = "ann", .role = ROLE_ADMIN, .via = "session" };

static void kept_and_switched_off(void **state)
{
	(void)state;
	struct world w;
	struct ended end;
	world_make(&w, types);
	struct batch *b = batch_new(&w.station, &admin);
	uint64_t root = w.station.tree.root->handle;
	uint64_t from = batch_add(b, root, "From", "test:Each", NULL, "/values");
	uint64_t to = batch_add(b, root, "To", "test:Each", NULL, "/values");
	batch_set(b, from, "integer", &(struct value){ .kind = V_INTEGER, .integer = 42 });
	batch_link(b, to, "wire", "/From", "integer", "real");
	assert_int_equal(submit(&w, b, &end), 0);
	struct each *target = (void *)station_by_handle(&w.station, to);
	assert_true(target->real == 42); /* at once */

	b = batch_new(&w.station, &admin);
	batch_set(b, to, "real", &(struct value){ .kind = V_REAL, .real = 1 });
	json_t *values = json_pack("{s:s, s:f}", "wsAnnotation", "12,8", "real", 2.0);
	batch_set_json(b, to, values, "/values");
	json_decref(values);
	batch_link_enable(b, to, "wire", false);
	assert_int_equal(submit(&w, b, &end), 0);
	assert_int_equal(end.warnings, 1);
	assert_non_null(strstr(end.details[0], "wire"));
	b = batch_new(&w.station, &admin);
	batch_set(b, from, "integer", &(struct value){ .kind = V_INTEGER, .integer = 43 });
	assert_int_equal(submit(&w, b, &end), 0);
	assert_true(target->real == 2);

	world_restart(&w, types);
	struct component *c = station_by_path(&w.station, "/To");
	assert_false(link_find(c, "wire")->enabled);
	assert_string_equal(c->extra->wsAnnotation, "12,8");
	b = batch_new(&w.station, &admin);
	batch_link_enable(b, to, "wire", true);
	assert_int_equal(submit(&w, b, &end), 0);
	assert_true(((struct each *)(void *)c)->real == 43);
	b = batch_new(&w.station, &admin);
	batch_remove(b, from);
	assert_int_equal(submit(&w, b, &end), 0);
	assert_null(link_find(c, "wire"));
	assert_int_equal(w.station.tree.link_count, 0);
	world_end(&w);
}

/* Each link carries once when the station starts. */
static void settles_at_start(void **state)
{
	(void)state;
	struct world w;
	struct ended end;
	world_make(&w, types);
	struct batch *b = batch_new(&w.station, &admin);
	uint64_t root = w.station.tree.root->handle;
	batch_add(b, root, "From", "test:Each", NULL, "/values");
	uint64_t to = batch_add(b, root, "To", "kitControl:Add", NULL, "/values");
	batch_set(b, batch_find(b, "/From"), "integer", &(struct value){ .kind = V_INTEGER, .integer = 5 });
	batch_link(b, to, NULL, "/From", "integer", "inA");
	assert_int_equal(submit(&w, b, &end), 0);
	world_restart(&w, types);
	struct value v;
	point_out(station_by_path(&w.station, "/To"), &v);
	assert_true(v.real == 5);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_pair_of_kinds),
		cmocka_unit_test(what_does_not_fit),
		cmocka_unit_test(status_travels),
		cmocka_unit_test(long_chain_in_one_pass),
		cmocka_unit_test(loop_of_properties_is_refused),
		cmocka_unit_test(running_loop_is_cut),
		cmocka_unit_test(diamond_settles),
		cmocka_unit_test(sums_run_in_a_loop),
		cmocka_unit_test(actions_and_topics),
		cmocka_unit_test(kept_and_switched_off),
		cmocka_unit_test(settles_at_start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
