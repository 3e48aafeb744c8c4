/* SPDX-License-Identifier: Apache-2.0
 * Cells for components: see pool.h. A piece is cut from front to back; nothing is ever merged. */
#include "station/tree/pool.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"

/* The pieces of a large tree are huge pages: the faults of small ones were a quarter of the time of its start. */
enum { PIECE = 256 * 1024, HUGE_AFTER = 32 };

static bool is_pooled(size_t units)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return units > UINT16_MAX; /* none: all are malloc's */
#else
	return units < POOL_CLASSES;
#endif
}

static void add_piece(struct pool *p)
{
	bool huge = p->count++ >= HUGE_AFTER;
	char *piece = huge ? must_alloc_huge(HUGE_PAGE) : must_alloc(PIECE);
	memcpy(piece, &p->pieces, sizeof p->pieces);
	p->pieces = piece;
	p->at = piece + sizeof p->pieces;
	p->left = (size_t)(huge ? HUGE_PAGE : PIECE) - sizeof p->pieces;
}

static void *cut(struct pool *p, size_t size)
{
	if (p->left < size)
		add_piece(p);
	void *cell = p->at;
	p->at += size;
	p->left -= size;
	return cell;
}

void *pool_alloc(struct pool *p, size_t size, uint16_t *cell)
{
	size_t units = (size + POOL_UNIT - 1) / POOL_UNIT;
	must(units > 0 && units <= UINT16_MAX);
	*cell = (uint16_t)units;
	if (!is_pooled(units))
		return must_alloc(units * POOL_UNIT);
	void *memory = p->idle[units];
	if (!memory)
		return cut(p, units * POOL_UNIT);
	memcpy(&p->idle[units], memory, sizeof memory);
	memset(memory, 0, units * POOL_UNIT);
	return memory;
}

void pool_free(struct pool *p, void *memory, uint16_t cell)
{
	if (!is_pooled(cell)) {
		free(memory);
		return;
	}
	memcpy(memory, &p->idle[cell], sizeof p->idle[cell]);
	p->idle[cell] = memory;
}

void pool_finish(struct pool *p)
{
	for (void *piece = p->pieces, *next; piece; piece = next) {
		memcpy(&next, piece, sizeof next);
		free(piece);
	}
	*p = (struct pool){ 0 };
}
