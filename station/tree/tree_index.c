/* SPDX-License-Identifier: Apache-2.0
 * The two indexes of the tree: see tree_index.h. The table of names holds handles, not pointers, which halves it; who
 * looks for a name compares with the components that the handles lead to. */
#include "station/tree/tree_index.h"

#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/tree/component.h"

enum { PAGE = 512, FIRST_NAMES = 256, FULL_OF_FIVE = 4 /* four fifths of the table */ };
#define GONE UINT32_MAX

struct handle_page {
	size_t used;
	struct component *at[PAGE];
};

void index_init(struct tree_index *x)
{
	*x = (struct tree_index){ .name_room = FIRST_NAMES };
	x->names = must_alloc(x->name_room * sizeof *x->names);
}

void index_finish(struct tree_index *x)
{
	for (size_t i = 0; i < x->page_count; i++)
		free(x->pages[i]);
	free(x->pages);
	free(x->names);
	*x = (struct tree_index){ 0 };
}

/* --- by handle -------------------------------------------------------------------------------------------------- */

struct component *index_by_handle(const struct tree_index *x, uint64_t handle)
{
	size_t page = (size_t)(handle / PAGE);
	return page < x->page_count && x->pages[page] ? x->pages[page]->at[handle % PAGE] : NULL;
}

struct component *index_after(const struct tree_index *x, uint64_t handle)
{
	for (uint64_t at = handle + 1; at / PAGE < x->page_count; at++) {
		const struct handle_page *page = x->pages[at / PAGE];
		if (!page)
			at |= PAGE - 1; /* on to the next page */
		else if (page->at[at % PAGE])
			return page->at[at % PAGE];
	}
	return NULL;
}

static void handle_add(struct tree_index *x, struct component *c)
{
	must(c->handle > 0 && c->handle <= HANDLE_MAX);
	size_t page = (size_t)(c->handle / PAGE);
	if (page >= x->page_count) {
		size_t room = page + page / 2 + 16;
		x->pages = must_realloc(x->pages, room * sizeof(struct handle_page *));
		memset(x->pages + x->page_count, 0, (room - x->page_count) * sizeof(struct handle_page *));
		x->page_count = room;
	}
	if (!x->pages[page])
		x->pages[page] = must_alloc(sizeof(struct handle_page));
	struct component **at = &x->pages[page]->at[c->handle % PAGE];
	must(!*at);
	*at = c;
	x->pages[page]->used++;
	x->count++;
}

static void handle_remove(struct tree_index *x, const struct component *c)
{
	struct handle_page **page = &x->pages[c->handle / PAGE];
	(*page)->at[c->handle % PAGE] = NULL;
	x->count--;
	if (--(*page)->used == 0) {
		free(*page);
		*page = NULL;
	}
}

/* --- by name ---------------------------------------------------------------------------------------------------- */

/* A place in a table of any size. */
static size_t name_hash(const struct component *parent, const char *name, size_t length, size_t room)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ (parent->handle * UINT64_C(0x9E3779B97F4A7C15));
	for (size_t i = 0; i < length; i++)
		h = (h ^ (unsigned char)name[i]) * UINT64_C(0x100000001b3);
	h = (h ^ (h >> 32)) * UINT64_C(0x9E3779B97F4A7C15);
	return (size_t)((h >> 32) * room >> 32);
}

static void name_put(uint32_t *names, size_t room, const struct component *c)
{
	size_t i = name_hash(c->parent, c->name, strlen(c->name), room);
	while (names[i] != 0)
		i = i + 1 < room ? i + 1 : 0;
	names[i] = (uint32_t)c->handle;
}

static void names_rebuild(struct tree_index *x, size_t room)
{
	size_t size = room * sizeof(uint32_t), used = 0;
	uint32_t *names = size < HUGE_PAGE ? must_alloc(size) : must_alloc_huge(size);
	for (size_t i = 0; i < x->name_room; i++) {
		if (x->names[i] == 0 || x->names[i] == GONE)
			continue;
		name_put(names, room, index_by_handle(x, x->names[i]));
		used++;
	}
	free(x->names);
	x->names = names;
	x->name_room = room;
	x->name_used = used;
}

void index_reserve(struct tree_index *x, size_t count)
{
	size_t room = count / FULL_OF_FIVE * 5 + FIRST_NAMES;
	if (room > x->name_room)
		names_rebuild(x, room);
}

/* A larger table, or one of the same size when most of what fills it is gone. */
static void name_add(struct tree_index *x, const struct component *c)
{
	if (x->name_used + 1 > x->name_room / 5 * FULL_OF_FIVE)
		names_rebuild(x, x->count > x->name_room / 2 ? x->name_room + x->name_room / 2 : x->name_room);
	name_put(x->names, x->name_room, c);
	x->name_used++;
}

static void name_remove(struct tree_index *x, const struct component *c)
{
	size_t i = name_hash(c->parent, c->name, strlen(c->name), x->name_room);
	for (; x->names[i] != 0; i = i + 1 < x->name_room ? i + 1 : 0) {
		if (x->names[i] != (uint32_t)c->handle)
			continue;
		x->names[i] = GONE;
		return;
	}
}

struct component *index_by_name(const struct tree_index *x, const struct component *parent, const char *name,
                                size_t length)
{
	size_t i = name_hash(parent, name, length, x->name_room);
	for (; x->names[i] != 0; i = i + 1 < x->name_room ? i + 1 : 0) {
		struct component *c = x->names[i] == GONE ? NULL : index_by_handle(x, x->names[i]);
		if (c && c->parent == parent && strncmp(c->name, name, length) == 0 && c->name[length] == '\0')
			return c;
	}
	return NULL;
}

/* --- both ------------------------------------------------------------------------------------------------------- */

void index_add(struct tree_index *x, struct component *c)
{
	handle_add(x, c);
	if (c->parent)
		name_add(x, c);
}

bool index_remove(struct tree_index *x, struct component *c)
{
	if (index_by_handle(x, c->handle) != c)
		return false;
	if (c->parent)
		name_remove(x, c);
	handle_remove(x, c);
	return true;
}
