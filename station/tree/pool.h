/* SPDX-License-Identifier: Apache-2.0
 * Memory of components: cells of a few sizes, cut from large pieces, without the header and the rounding that malloc
 * adds to each of a million small things. A freed cell is used again for the next of its size; the pieces go back when the
 * pool ends. Sanitizer builds use malloc, so that a use after free is seen. One thread: the engine. */
#ifndef BELFRY_POOL_H
#define BELFRY_POOL_H

#include <stddef.h>
#include <stdint.h>

enum { POOL_UNIT = 8, POOL_CLASSES = 256 }; /* cells up to 2 KiB; larger ones are malloc's */

struct pool {
	void *idle[POOL_CLASSES]; /* free cells of each size, chained through their first word */
	char *at;                 /* the rest of the piece that is being cut */
	size_t left;
	void *pieces; /* owned; chained through their first word */
	size_t count; /* of pieces */
};

/* Zeroed memory of at least size bytes, aligned to 8; aborts when there is none. *cell is the handle of its size that
 * pool_free wants back. size is at most 512 KiB. */
void *pool_alloc(struct pool *p, size_t size, uint16_t *cell);
void pool_free(struct pool *p, void *memory, uint16_t cell);
/* Gives all pieces back; nobody may use a cell any more. */
void pool_finish(struct pool *p);

#endif
