/* SPDX-License-Identifier: Apache-2.0
 * The tree's indexes and memory: whatever is added, renamed, moved and removed, in any order, names and handles lead to
 * the right components, and to no others. */
#include "tests/unit/world.h"

#include <stdio.h>
#include <stdlib.h>

#include "station/base/must.h"

enum { NAMES = 200, STEPS = 20000 };

/* What the tree must hold: the children of two folders, by name. */
struct model {
	struct component *folder[2], *child[2][NAMES];
};

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static void name_of(char *text, unsigned i)
{
	snprintf(text, 24, i % 3 ? "n%u" : "aRatherLongName%u", i);
}

static void step(struct world *w, struct model *m, unsigned from, unsigned a, unsigned b)
{
	char name[24];
	struct component *c = m->child[from][a];
	name_of(name, a);
	if (!c) {
		c = component_create(&w->station, &baja_folder, name, 0);
		tree_attach(m->folder[from], c);
		m->child[from][a] = c;
	} else if (b % 3 == 0) {
		tree_detach(c);
		component_destroy(&c);
		m->child[from][a] = NULL;
	} else if (b % 3 == 1 && !m->child[!from][a]) {
		tree_move(c, m->folder[!from]);
		m->child[!from][a] = c;
		m->child[from][a] = NULL;
	} else if (b % 3 == 2 && !m->child[from][b % NAMES]) {
		name_of(name, b % NAMES);
		tree_rename(c, name);
		m->child[from][b % NAMES] = c;
		m->child[from][a] = NULL;
	}
}

static void test_indexes(void **state)
{
	struct world *w = *state;
	struct model m = { .folder = { NULL } };
	uint32_t seed = 42;
	for (unsigned i = 0; i < 2; i++) {
		m.folder[i] = component_create(&w->station, &baja_folder, i ? "Right" : "Left", 0);
		tree_attach(w->station.tree.root, m.folder[i]);
	}
	for (int i = 0; i < STEPS; i++)
		step(w, &m, next_random(&seed) & 1, next_random(&seed) % NAMES, next_random(&seed));
	for (unsigned side = 0; side < 2; side++) {
		unsigned count = 0;
		for (unsigned i = 0; i < NAMES; i++) {
			char name[24];
			name_of(name, i);
			struct component *c = m.child[side][i];
			assert_ptr_equal(component_child(m.folder[side], name), c);
			if (c)
				assert_ptr_equal(station_by_handle(&w->station, c->handle), c);
			count += c != NULL;
		}
		assert_int_equal(component_child_count(m.folder[side]), count);
	}
	assert_null(station_by_handle(&w->station, UINT64_MAX));
	assert_null(station_by_handle(&w->station, 0));
}

/* A type that is built on others and has texts, lists and structs starts with all defaults, each time. */
static void test_images(void **state)
{
	struct world *w = *state;
	for (const struct type *const *t = w->station.types; *t; t++) {
		if ((*t)->flags & TYPE_ABSTRACT)
			continue;
		for (int again = 0; again < 2; again++) {
			struct component *c = component_create(&w->station, *t, "x", 0);
			const struct slot *slot;
			for (struct slot_walk walk = slot_walk(*t); (slot = slot_next(&walk));) {
				if (slot->kind == V_COMPONENT || slot->offset < sizeof(struct component))
					continue;
				struct value dflt = value_default(slot);
				assert_true(slot_equals(slot, c, &dflt));
				value_clear(&dflt);
			}
			component_destroy(&c);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_STATION(test_indexes),
		IN_STATION(test_images),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
