/* SPDX-License-Identifier: Apache-2.0
 * Open addressing with linear probing, at most half full: see handle_map.h. */
#include "station/base/handle_map.h"

#include <stdlib.h>

#include "station/base/must.h"

static size_t cell_of(const struct handle_map *m, uint64_t key)
{
	size_t i = (size_t)((key * UINT64_C(0x9E3779B97F4A7C15)) >> 24) & (m->size - 1);
	while (m->items[i] && m->keys[i] != key)
		i = (i + 1) & (m->size - 1);
	return i;
}

uint64_t handle_map_get(const struct handle_map *m, uint64_t key)
{
	return m->size ? m->items[cell_of(m, key)] : 0;
}

static void grow(struct handle_map *m)
{
	struct handle_map old = *m;
	m->size = old.size ? 2 * old.size : 16;
	m->keys = must_alloc(m->size * sizeof *m->keys);
	m->items = must_alloc(m->size * sizeof *m->items);
	for (size_t i = 0; i < old.size; i++) {
		if (!old.items[i])
			continue;
		size_t to = cell_of(m, old.keys[i]);
		m->keys[to] = old.keys[i];
		m->items[to] = old.items[i];
	}
	free(old.keys);
	free(old.items);
}

void handle_map_put(struct handle_map *m, uint64_t key, uint64_t item)
{
	must(item != 0);
	if (2 * m->count >= m->size)
		grow(m);
	size_t i = cell_of(m, key);
	m->count += m->items[i] == 0;
	m->keys[i] = key;
	m->items[i] = item;
}

void handle_map_finish(struct handle_map *m)
{
	free(m->keys);
	free(m->items);
	*m = (struct handle_map){ 0 };
}

uint64_t handle_map_key(uint64_t number, const char *text)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ (number * UINT64_C(0x9E3779B97F4A7C15));
	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return h ^ (h >> 29);
}
