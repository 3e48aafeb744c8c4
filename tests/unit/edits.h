/* SPDX-License-Identifier: Apache-2.0
 * What people do to a tree, by path: set, add, undo, export, import; and what a slot then says. */
#ifndef BELFRY_TESTS_EDITS_H
#define BELFRY_TESTS_EDITS_H

#include "tests/unit/world.h"

#include "station/config/config.h"

static const struct actor admin = { .user = "ada", .role = ROLE_ADMIN, .via = "session" };
static const struct actor operator_ = { .user = "otto", .role = ROLE_OPERATOR, .via = "session" };

/* The component of that path, which must be there. */
static inline struct component *at(struct world *w, const char *path)
{
	struct component *c = station_by_path(&w->station, path);
	assert_non_null(c);
	return c;
}

static inline int set_values(struct world *w, const char *path, const char *values, const struct actor *actor,
                             struct ended *end)
{
	json_t *json = json_loads(values, 0, NULL);
	struct batch *b = batch_new(&w->station, actor);
	batch_set_json(b, at(w, path)->handle, json, "/values");
	json_decref(json);
	return submit(w, b, end);
}

static inline void add(struct world *w, const char *parent, const char *name, const char *type)
{
	struct ended end;
	struct batch *b = batch_new(&w->station, &admin);
	batch_add(b, at(w, parent)->handle, name, type, NULL, "/values");
	assert_int_equal(submit(w, b, &end), 0);
}

/* Takes back the last change of admin. */
static inline int undo(struct world *w, struct ended *end)
{
	struct batch *b = batch_new(&w->station, &admin);
	batch_undo(b);
	return submit(w, b, end);
}

static inline void assert_value(struct world *w, const char *path, const char *slot, const char *expected)
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

/* The whole configuration as text; the test frees it. */
static inline char *exported(struct world *w)
{
	json_t *config = config_export(&w->station, w->station.tree.root);
	char *text = config_print(config);
	json_decref(config);
	return text;
}

static inline int import(struct world *w, const char *text, struct ended *end)
{
	json_t *config = json_loads(text, 0, NULL);
	struct batch *b = batch_new(&w->station, &admin);
	assert_int_equal(config_import(b, &w->station, config, NULL, NULL), 0);
	json_decref(config);
	return submit(w, b, end);
}

#endif
