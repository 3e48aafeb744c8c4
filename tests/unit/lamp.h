/* SPDX-License-Identifier: Apache-2.0
 * A station of lamps for tests of the sheet: a type with one slot of each kind that matters there, people of every role,
 * and short ways to change things. The world is the fixture of each test. */
#ifndef BELFRY_TESTS_LAMP_H
#define BELFRY_TESTS_LAMP_H

#include "station/link/link.h"
#include "tests/unit/world.h"

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

static inline void lamp_check(const struct component *next, const struct component *current, struct report *report)
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

static inline void lamp_changed(struct component *c, const struct slot *slot)
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
static const struct type *const lamp_types[] = { &baja_component, &baja_folder, &test_shade,
	                                             &test_dark,      &test_lamp,   NULL };

static const struct actor admin = { .user = "ada", .role = ROLE_ADMIN, .via = "session" };
static const struct actor operator_ = { .user = "otto", .role = ROLE_OPERATOR, .via = "session" };
static const struct actor viewer = { .user = "vera", .role = ROLE_VIEWER, .via = "session" };

static inline struct batch *change(struct world *w)
{
	return batch_new(&w->station, &admin);
}

static inline uint64_t handle_of(struct world *w, const char *path)
{
	const struct component *c = station_by_path(&w->station, path);
	return c ? c->handle : 0;
}

static inline struct lamp *lamp_at(struct world *w, const char *path)
{
	return COMPONENT_AS(station_by_path(&w->station, path), &test_lamp, struct lamp);
}

static inline uint64_t add_below(struct world *w, const char *parent, const char *name, const char *type)
{
	struct ended end;
	struct batch *b = change(w);
	batch_add(b, handle_of(w, parent), name, type, NULL, "/values");
	assert_int_equal(submit(w, b, &end), 0);
	return end.added;
}

static inline uint64_t add_lamp(struct world *w, const char *name)
{
	return add_below(w, "/Drivers", name, "test:Lamp");
}

static inline int set_json(struct world *w, uint64_t handle, const struct actor *who, const char *text,
                           struct ended *end)
{
	json_t *values = json_loads(text, 0, NULL);
	assert_non_null(values);
	struct batch *b = batch_new(&w->station, who);
	batch_set_json(b, handle, values, "/values");
	json_decref(values);
	return submit(w, b, end);
}

static inline int lamps_begin(void **state)
{
	static struct world w;
	world_make(&w, lamp_types);
	*state = &w;
	return 0;
}

static inline int lamps_end(void **state)
{
	world_end(*state);
	return 0;
}
/* A test that has a station of lamps as its state. */
#define lamp_test(f) cmocka_unit_test_setup_teardown(f, lamps_begin, lamps_end)

#endif
