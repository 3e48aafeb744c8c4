/* SPDX-License-Identifier: Apache-2.0
 * Images of new components: see image.h. Default texts are shared with the type's table, so a copy of the bytes is a
 * whole component; a type with a default that needs memory of its own (a list with items) is set up slot by slot. */
#include "station/image.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "station/must.h"
#include "station/type.h"

struct image {
	const struct type *type; /* NULL: an empty entry */
	void *memory;            /* owned; NULL: the type cannot be copied */
};

static void set_up(const struct type *type, void *memory)
{
	if (type->base)
		set_up(type->base, memory);
	slots_init(type->slots, memory);
}

static bool owns_memory(const struct type *type, const void *memory)
{
	for (; type; type = type->base)
		if (slots_own_memory(type->slots, memory))
			return true;
	return false;
}

static struct image *place(struct image *images, size_t room, const struct type *type)
{
	size_t i = ((uintptr_t)type >> 4) * UINT64_C(0x9E3779B97F4A7C15) >> 40 & (room - 1);
	while (images[i].type && images[i].type != type)
		i = (i + 1) & (room - 1);
	return &images[i];
}

static void grow(struct image_table *t)
{
	size_t room = t->room ? 2 * t->room : 64;
	struct image *images = must_alloc(room * sizeof *images);
	for (size_t i = 0; i < t->room; i++)
		if (t->images[i].type)
			*place(images, room, t->images[i].type) = t->images[i];
	free(t->images);
	t->images = images;
	t->room = room;
}

static struct image *image_of(struct image_table *t, const struct type *type)
{
	if (2 * t->count >= t->room)
		grow(t);
	struct image *image = place(t->images, t->room, type);
	if (image->type)
		return image;
	*image = (struct image){ type, must_alloc(type->size) };
	t->count++;
	set_up(type, image->memory);
	if (owns_memory(type, image->memory)) {
		for (const struct type *base = type; base; base = base->base)
			slots_finish(base->slots, image->memory);
		free(image->memory);
		image->memory = NULL;
	}
	return image;
}

void image_copy(struct image_table *t, const struct type *type, void *memory)
{
	const struct image *image = image_of(t, type);
	if (image->memory)
		memcpy(memory, image->memory, type->size);
	else
		set_up(type, memory);
}

void images_finish(struct image_table *t)
{
	for (size_t i = 0; i < t->room; i++)
		free(t->images[i].memory);
	free(t->images);
	*t = (struct image_table){ 0 };
}
