/* SPDX-License-Identifier: Apache-2.0
 * What a new component of a type starts as: its memory with every slot at its default. The defaults are text and are
 * parsed once for each type; a component is then a copy. Engine thread. */
#ifndef BELFRY_IMAGE_H
#define BELFRY_IMAGE_H

#include <stddef.h>

struct type;
struct image;

struct image_table {
	struct image *images; /* owned; a hash table by type, of room entries */
	size_t room, count;
};

/* Sets all slots of the type in zeroed memory of its size to their defaults. */
void image_copy(struct image_table *t, const struct type *type, void *memory);
/* Frees what the slots of one type (not its bases) own in that memory. */
void image_release(const struct type *type, void *memory);
void images_finish(struct image_table *t);

#endif
