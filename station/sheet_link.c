/* SPDX-License-Identifier: Apache-2.0
 * The links' part of a plan. Part of sheet_plan.c, see batch.h. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "station/batch_plan.h"
#include "station/link.h"
#include "station/must.h"
#include "station/ord.h"
#include "station/persist.h"

/* Does the target have a link of that name when the batch is applied? */
static bool name_taken(const struct batch *b, const struct component *target, const char *name)
{
	uint64_t key = handle_map_key(target->handle, name);
	return handle_map_get(&b->linked, key) || (link_find(target, name) != NULL && !handle_map_get(&b->unlinked, key));
}

static char *free_name(struct batch *b, const struct component *target)
{
	uint64_t hint = handle_map_key(target->handle, ":link"); /* no legal name, so nobody else's key */
	for (uint64_t i = handle_map_get(&b->numbers, hint);; i++) {
		char *name = i ? must_format("link%llu", (unsigned long long)i) : must_strdup("link");
		if (!name_taken(b, target, name)) {
			handle_map_put(&b->numbers, hint, i + 1);
			return name;
		}
		free(name);
	}
}

static struct component *source_of(struct batch *b, struct component *target, const struct change *change,
                                   struct err *e)
{
	if (change->source_handle) {
		struct component *c = batch_component(b, change->source_handle);
		if (!c)
			err_set(e, E_NOT_FOUND, "source", "The component that the link comes from is gone.");
		return c;
	}
	struct component *source = ord_resolve(b->station, target, change->source, e);
	uint64_t handle = source ? 0 : batch_find(b, change->source);
	return handle ? batch_component(b, handle) : source;
}

void plan_link(struct batch *b, struct component *target, struct change *change)
{
	struct err e = { 0 };
	struct component *source = source_of(b, target, change, &e);
	if (!source) {
		report_error(&b->report, E_INVALID, "source", "%s", e.text);
		return;
	}
	if (place_removed(b, source)) {
		report_error(&b->report, E_CONFLICT, "source", "%s is removed by the same batch.", source->name);
		return;
	}
	if (sheet_may_configure(batch_who(b), &e) != 0 ||
	    link_check(source, change->sourceSlot, target, change->targetSlot, &e) != 0) {
		batch_fail(b, NULL, &e);
		return;
	}
	if (*change->name && (name_check(change->name, &e) != 0 || name_taken(b, target, change->name))) {
		report_error(&b->report, E_CONFLICT, "name", "The link name \"%.60s\" is not legal or taken.", change->name);
		return;
	}
	if (!*change->name) {
		free(change->name);
		change->name = free_name(b, target);
	}
	change->source_handle = source->handle;
	handle_map_put(&b->linked, handle_map_key(target->handle, change->name), 1);
	batch_row(b, target)->rest = true;
	batch_note(b, "linked", target, change->targetSlot, NULL, change->source);
}

void plan_unlink(struct batch *b, struct component *target, const struct change *change)
{
	struct err e = { 0 };
	uint64_t key = handle_map_key(target->handle, change->name);
	if (sheet_may_configure(batch_who(b), &e) != 0) {
		batch_fail(b, NULL, &e);
	} else if (!link_find(target, change->name) || handle_map_get(&b->unlinked, key)) {
		report_error(&b->report, E_NOT_FOUND, NULL, "%s has no link named \"%.60s\".", target->name, change->name);
	} else {
		handle_map_put(&b->unlinked, key, 1);
		batch_row(b, target)->rest = true;
		batch_note(b, "unlinked", target, NULL, change->name, NULL);
	}
}

/* What goes first, so that a name may be used again. */
void link_write(struct batch *b)
{
	for (size_t i = 0; i < b->count; i++) {
		const struct change *change = &b->changes[i];
		if (change->what == CHANGE_UNLINK)
			persist_unlink(b->tx, batch_component(b, change->component), change->name);
	}
	for (size_t i = 0; i < b->count; i++) {
		const struct change *change = &b->changes[i];
		if (change->what == CHANGE_LINK)
			persist_link(b->tx, batch_component(b, change->component), change->name, change->source_handle,
			             change->sourceSlot, change->targetSlot);
	}
}
