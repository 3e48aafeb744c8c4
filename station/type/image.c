/* SPDX-License-Identifier: Apache-2.0
 * Images of new components: see image.h. Default texts are shared with the type's table, so a copy of the bytes is a
 * whole component, rare blocks included; a type with a default that needs memory of its own (a list with items) is set up
 * slot by slot. */
#include "station/type/image.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/type/type.h"

struct image {
	const struct type *type; /* NULL: an empty entry */
	void *memory;            /* owned; NULL: the type cannot be copied */
};

static struct rare **rare_of(const struct type *type, void *memory)
{
	return (struct rare **)(void *)((char *)memory + type->rare.at);
}

static void set_up(const struct type *type, void *memory)
{
	if (type->base)
		set_up(type->base, memory);
	if (type->rare.size) {
		struct rare *block = must_alloc(type->rare.size);
		block->size = (uint32_t)type->rare.size;
		*rare_of(type, memory) = block;
	}
	slots_init(type->slots, memory);
}

/* From now on the rare blocks belong to all components of the type, or to this one again. */
static void share(const struct type *type, void *memory, bool shared)
{
	for (; type; type = type->base)
		if (type->rare.size)
			(*rare_of(type, memory))->shared = shared;
}

void image_release(const struct type *type, void *memory)
{
	slots_finish(type->slots, memory);
	if (type->rare.size && !(*rare_of(type, memory))->shared)
		free(*rare_of(type, memory));
}

static void release_all(const struct type *type, void *memory)
{
	for (; type; type = type->base)
		image_release(type, memory);
	free(memory);
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
		release_all(type, image->memory);
		image->memory = NULL;
	} else {
		share(type, image->memory, true);
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
	for (size_t i = 0; i < t->room; i++) {
		if (!t->images[i].memory)
			continue;
		share(t->images[i].type, t->images[i].memory, false);
		release_all(t->images[i].type, t->images[i].memory);
	}
	free(t->images);
	*t = (struct image_table){ 0 };
}
