/* SPDX-License-Identifier: Apache-2.0
 * A map from 64-bit numbers (handles, hashes) to numbers that are not 0. Plain data: whoever has it, owns it. Zeroed
 * memory is an empty map. */
#ifndef BELFRY_HANDLE_MAP_H
#define BELFRY_HANDLE_MAP_H

#include <stddef.h>
#include <stdint.h>

struct handle_map {
	uint64_t *keys;  /* owned */
	uint64_t *items; /* owned; 0: the cell is free */
	size_t count, size;
};

/* 0 when there is none. */
uint64_t handle_map_get(const struct handle_map *m, uint64_t key);
/* Sets or replaces; item is not 0. */
void handle_map_put(struct handle_map *m, uint64_t key, uint64_t item);
void handle_map_finish(struct handle_map *m);
/* A key made of a number and a text: for names below a parent. Different ones may meet; the caller compares. */
uint64_t handle_map_key(uint64_t number, const char *text);

#endif
