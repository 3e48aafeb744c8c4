/* SPDX-License-Identifier: Apache-2.0
 * The links' part of a plan. Part of sheet_plan.c, see batch.h. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/link/link.h"
#include "station/sheet/batch_plan.h"
#include "station/store/persist.h"
#include "station/tree/ord.h"

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
	if (change->follows && place_removed(b, source)) {
		change->what = CHANGE_NOTHING;
		return;
	}
	if (place_removed(b, source)) {
		report_error(&b->report, E_CONFLICT, "source", "%s is removed by the same batch.", source->name);
		return;
	}
	if (sheet_may_configure(planned_by(b), &e) != 0 ||
	    link_fits(batch_seen(b, source), change->sourceSlot, batch_seen(b, target), change->targetSlot, &e) != 0) {
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

void plan_link_enable(struct batch *b, struct component *target, const struct change *change)
{
	struct err e = { 0 };
	const struct link *l = link_find(target, change->name);
	if (sheet_may_configure(planned_by(b), &e) != 0) {
		batch_fail(b, NULL, &e);
	} else if (!l || handle_map_get(&b->unlinked, handle_map_key(target->handle, change->name))) {
		report_error(&b->report, E_NOT_FOUND, NULL, "%s has no link named \"%.60s\".", target->name, change->name);
	} else if (l->enabled == change->disabled) {
		batch_row(b, target)->rest = true;
		batch_note(b, "changed", target, change->name, l->enabled ? "enabled" : "disabled",
		           change->disabled ? "disabled" : "enabled");
	}
}

void plan_unlink(struct batch *b, struct component *target, const struct change *change)
{
	struct err e = { 0 };
	uint64_t key = handle_map_key(target->handle, change->name);
	if (sheet_may_configure(planned_by(b), &e) != 0) {
		batch_fail(b, NULL, &e);
	} else if (!link_find(target, change->name) || handle_map_get(&b->unlinked, key)) {
		if (!change->follows)
			report_error(&b->report, E_NOT_FOUND, NULL, "%s has no link named \"%.60s\".", target->name, change->name);
	} else {
		handle_map_put(&b->unlinked, key, 1);
		batch_row(b, target)->rest = true;
		batch_note(b, "unlinked", target, NULL, change->name, NULL);
	}
}

/* --- loops ------------------------------------------------------------------------------------------------------ */

/* One property on the way that links lead. */
struct stop {
	uint64_t handle;
	const char *slot;        /* borrowed */
	const struct link *live; /* the next that leads away */
	size_t planned;          /* the same of those that come: index + 1 */
	size_t via;              /* which of those that come led here: index + 1, 0: none */
};
struct way {
	struct batch *batch;
	struct handle_map colour; /* of a property, by handle_map_key: ON_THE_WAY, DONE */
	struct handle_map first;  /* property -> first of those that come and lead away: index + 1 */
	size_t *next;             /* owned; the next one of the same property */
	struct stop *stops;       /* owned */
	size_t count, capacity;
};
enum { ON_THE_WAY = 1, DONE };

static void go_to(struct way *w, uint64_t handle, const char *slot, size_t via)
{
	const struct component *live = station_by_handle(w->batch->station, handle);
	if (w->count == w->capacity) {
		w->capacity = w->capacity ? 2 * w->capacity : 64;
		w->stops = must_realloc(w->stops, w->capacity * sizeof *w->stops);
	}
	uint64_t key = handle_map_key(handle, slot);
	handle_map_put(&w->colour, key, ON_THE_WAY);
	w->stops[w->count++] =
	    (struct stop){ handle, slot, live ? links_from(live) : NULL, (size_t)handle_map_get(&w->first, key), via };
}

/* The link that leads on from the last stop, among those there are and those that come; false: there is none left. */
static bool next_link(struct way *w, uint64_t *handle, const char **slot, size_t *via)
{
	struct stop *s = &w->stops[w->count - 1];
	for (; s->live; s->live = link_next_from(s->live)) {
		const struct link *l = s->live;
		bool goes = handle_map_get(&w->batch->unlinked, handle_map_key(l->target->handle, l->name));
		if (goes || strcmp(l->sourceSlot, s->slot) != 0 || place_removed(w->batch, l->target))
			continue;
		*handle = l->target->handle;
		*slot = l->targetSlot;
		*via = 0;
		s->live = link_next_from(l);
		return true;
	}
	if (!s->planned)
		return false;
	const struct change *change = &w->batch->changes[s->planned - 1];
	*handle = change->component;
	*slot = change->targetSlot;
	*via = s->planned;
	s->planned = w->next[s->planned - 1];
	return true;
}

/* The way from its first stop has come back there: to be told at a link that comes, if there is one in it. */
static void report_loop(struct way *w, uint64_t handle, const char *slot, size_t via)
{
	size_t from = w->count;
	while (w->stops[from - 1].handle != handle || strcmp(w->stops[from - 1].slot, slot) != 0)
		from--;
	for (size_t i = from; i < w->count && !via; i++)
		via = w->stops[i].via;
	if (!via)
		return;
	char text[240] = "";
	for (size_t i = from - 1; i < w->count; i++) {
		size_t n = strlen(text);
		const struct component *c = batch_component(w->batch, w->stops[i].handle);
		snprintf(text + n, sizeof text - n, "%s.%s, ", c->name, w->stops[i].slot);
	}
	batch_point(w->batch, w->batch->changes[via - 1].prefix);
	report_error(&w->batch->report, E_INVALID, "sourceSlot", "This link would close a loop: %sand back to %s.%s.", text,
	             batch_component(w->batch, handle)->name, slot);
}

static void walk(struct way *w, uint64_t handle, const char *slot)
{
	size_t via = 0;
	if (handle_map_get(&w->colour, handle_map_key(handle, slot)))
		return;
	go_to(w, handle, slot, 0);
	while (w->count) {
		if (!next_link(w, &handle, &slot, &via)) {
			const struct stop *s = &w->stops[--w->count];
			handle_map_put(&w->colour, handle_map_key(s->handle, s->slot), DONE);
			continue;
		}
		uint64_t colour = handle_map_get(&w->colour, handle_map_key(handle, slot));
		if (colour == ON_THE_WAY)
			report_loop(w, handle, slot, via);
		else if (!colour)
			go_to(w, handle, slot, via);
	}
}

static bool leads(struct batch *b, const struct change *change)
{
	return change->what == CHANGE_LINK && batch_component(b, change->component) && change->source_handle &&
	    batch_component(b, change->source_handle);
}

/* Loops over all links as the batch leaves them; each property is visited once. */
void link_loops(struct batch *b)
{
	struct way w = { .batch = b, .next = must_alloc((b->count + 1) * sizeof *w.next) };
	for (size_t i = 0; i < b->count; i++) {
		const struct change *change = &b->changes[i];
		if (!leads(b, change))
			continue;
		uint64_t key = handle_map_key(change->source_handle, change->sourceSlot);
		w.next[i] = (size_t)handle_map_get(&w.first, key);
		handle_map_put(&w.first, key, i + 1);
	}
	for (size_t i = 0; w.first.count && i < b->count; i++)
		if (leads(b, &b->changes[i]))
			walk(&w, b->changes[i].source_handle, b->changes[i].sourceSlot);
	handle_map_finish(&w.colour);
	handle_map_finish(&w.first);
	free(w.next);
	free(w.stops);
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
			             change->sourceSlot, change->targetSlot, !change->disabled);
		const struct link *l = NULL;
		if (change->what == CHANGE_LINK_ENABLE)
			l = link_find(batch_component(b, change->component), change->name);
		if (l && l->enabled == change->disabled)
			persist_link(b->tx, l->target, l->name, l->source, l->sourceSlot, l->targetSlot, !change->disabled);
	}
}
