/* SPDX-License-Identifier: Apache-2.0
 * The sheet's front: collecting changes, and the queue that takes batches one after the other: plan, write, apply,
 * answer. See sheet.h. Engine thread. */
#include "station/sheet/sheet.h"

#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/sheet/batch.h"
#include "station/tree/category.h"

/* --- collecting ------------------------------------------------------------------------------------------------- */

struct batch *batch_new(struct station *s, const struct actor *actor)
{
	station_assert_engine(s);
	struct batch *b = must_alloc(sizeof *b);
	b->station = s;
	b->by_user = actor != NULL;
	if (actor)
		b->actor = *actor;
	report_init(&b->report, "");
	b->tx = store_tx_new();
	b->audit = json_array();
	return b;
}

struct change *batch_change(struct batch *b, enum change_what what, uint64_t component)
{
	if (b->count == b->capacity) {
		b->capacity = b->capacity ? 2 * b->capacity : 8;
		b->changes = must_realloc(b->changes, b->capacity * sizeof *b->changes);
	}
	struct change *c = &b->changes[b->count++];
	*c = (struct change){ .what = what, .component = component };
	c->prefix = b->pointer ? must_strdup(b->pointer) : NULL;
	return c;
}

void batch_set_json(struct batch *b, uint64_t component, const json_t *values, const char *prefix)
{
	struct change *c = batch_change(b, CHANGE_SET_JSON, component);
	c->json = json_deep_copy(values);
	free(c->prefix);
	c->prefix = must_strdup(prefix);
}

void batch_set(struct batch *b, uint64_t component, const char *slot, const struct value *v)
{
	struct change *c = batch_change(b, CHANGE_SET, component);
	c->name = must_strdup(slot);
	value_copy(&c->value, v);
}

void batch_tags(struct batch *b, uint64_t component, const json_t *patch)
{
	batch_change(b, CHANGE_TAGS, component)->json = json_deep_copy(patch);
}

void batch_slots(struct batch *b, uint64_t component, const json_t *patch)
{
	batch_change(b, CHANGE_SLOTS, component)->json = json_deep_copy(patch);
}

void batch_slots_all(struct batch *b, uint64_t component, const json_t *list)
{
	batch_change(b, CHANGE_SLOTS, component)->json = json_deep_copy(list);
}

void batch_categories(struct batch *b, uint64_t component, const json_t *names)
{
	struct change *c = batch_change(b, CHANGE_SET, component);
	c->name = must_strdup("categories");
	c->source = categories_text(names);
}

void batch_display_name(struct batch *b, uint64_t component, const char *text)
{
	batch_change(b, CHANGE_DISPLAY_NAME, component)->name = must_strdup(text);
}

void batch_at(struct batch *b, const char *pointer)
{
	free(b->pointer);
	b->pointer = pointer ? must_strdup(pointer) : NULL;
	batch_point(b, pointer);
}

struct report *batch_report(struct batch *b)
{
	return &b->report;
}

void batch_point(struct batch *b, const char *pointer)
{
	snprintf(b->report.prefix, sizeof b->report.prefix, "%s", pointer ? pointer : "");
}

/* The pointer of an operation is that of its values without "/values". */
static void point_above_values(struct batch *b, const char *prefix)
{
	size_t n = strlen(prefix);
	bool values = n >= 7 && strcmp(prefix + n - 7, "/values") == 0;
	snprintf(b->report.prefix, sizeof b->report.prefix, "%.*s", (int)(values ? n - 7 : n), prefix);
}

void batch_take_added(struct batch *b, struct component *c, uint64_t parent, uint64_t replaces)
{
	if (b->added_count == b->added_capacity) {
		b->added_capacity = b->added_capacity ? 2 * b->added_capacity : 8;
		b->added = must_realloc(b->added, b->added_capacity * sizeof *b->added);
	}
	b->added[b->added_count++] = (struct added){ c, c->handle, parent, replaces };
	for (struct component *d = c; d; d = tree_next(d, c))
		handle_map_put(&b->fresh, d->handle, (uintptr_t)d);
	place_claim(b, c->handle, parent, c->name, true);
}

uint64_t batch_add(struct batch *b, uint64_t parent, const char *name, const char *type, const json_t *values,
                   const char *prefix)
{
	const struct type *t = type_find(b->station->types, type);
	struct err e = { 0 };
	point_above_values(b, prefix);
	if (!t || (t->flags & TYPE_ABSTRACT)) {
		report_error(&b->report, E_INVALID, "type",
		             "There is no type \"%.80s\" that can be made; GET /types lists them.", type);
		return 0;
	}
	char *own = name_escape(name);
	struct component *c = name_check(own, &e) == 0 ? component_create(b->station, t, own, 0) : NULL;
	free(own);
	if (!c) {
		report_error(&b->report, E_INVALID, "name", "%s", e.text);
		return 0;
	}
	batch_take_added(b, c, parent, 0);
	struct change *change = batch_change(b, CHANGE_ADD, c->handle);
	change->parent = parent;
	change->json = values ? json_deep_copy(values) : NULL;
	free(change->prefix);
	change->prefix = must_strdup(prefix);
	return c->handle;
}

void batch_remove(struct batch *b, uint64_t component)
{
	batch_change(b, CHANGE_REMOVE, component);
}

void batch_move(struct batch *b, uint64_t component, uint64_t parent, const char *name)
{
	struct change *c = batch_change(b, CHANGE_MOVE, component);
	c->parent = parent;
	c->name = name ? name_escape(name) : NULL;
}

void batch_order(struct batch *b, uint64_t parent, const json_t *names)
{
	struct change *c = batch_change(b, CHANGE_ORDER, 0);
	c->parent = parent;
	c->json = json_deep_copy(names);
}

void batch_before(struct batch *b, uint64_t component, const char *before)
{
	batch_change(b, CHANGE_ORDER, component)->name = must_strdup(before);
}

void batch_link(struct batch *b, uint64_t target, const char *name, const char *source_ord, const char *sourceSlot,
                const char *targetSlot)
{
	struct change *c = batch_change(b, CHANGE_LINK, target);
	c->name = must_strdup(name ? name : "");
	c->source = must_strdup(source_ord);
	c->sourceSlot = must_strdup(sourceSlot);
	c->targetSlot = must_strdup(targetSlot);
}

void batch_link_off(struct batch *b)
{
	must(b->count && b->changes[b->count - 1].what == CHANGE_LINK);
	b->changes[b->count - 1].disabled = true;
}

void batch_link_enable(struct batch *b, uint64_t target, const char *name, bool enabled)
{
	struct change *c = batch_change(b, CHANGE_LINK_ENABLE, target);
	c->name = must_strdup(name);
	c->disabled = !enabled;
}

void batch_unlink(struct batch *b, uint64_t target, const char *name)
{
	batch_change(b, CHANGE_UNLINK, target)->name = must_strdup(name);
}

void batch_if_revision(struct batch *b, uint64_t component, uint32_t revision)
{
	batch_change(b, CHANGE_REVISION, component)->revision = revision;
}

void batch_reason(struct batch *b, const char *text)
{
	free(b->reason);
	b->reason = must_strdup(text);
}

void batch_no_version(struct batch *b)
{
	b->no_version = true;
}

void batch_tell_version(struct batch *b, struct version_brief *out)
{
	*out = (struct version_brief){ 0 };
	b->brief = out;
}

void batch_tell_diff(struct batch *b, json_t **out)
{
	*out = NULL;
	b->diff = out;
}

void batch_dry_run(struct batch *b)
{
	b->dry_run = true;
}

void batch_configures(struct batch *b)
{
	b->configures = true;
}

void batch_kind(struct batch *b, const char *kind)
{
	b->kind = kind;
}

struct store_tx *batch_tx(struct batch *b)
{
	return b->tx;
}

struct component *batch_added(const struct batch *b, uint64_t handle)
{
	return (struct component *)(uintptr_t)handle_map_get(&b->fresh, handle);
}

struct component *batch_component(const struct batch *b, uint64_t handle)
{
	struct component *c = batch_added(b, handle);
	return c ? c : station_by_handle(b->station, handle);
}

uint64_t batch_find(struct batch *b, const char *path)
{
	struct component *c = station_by_path(b->station, path);
	if (c)
		return c->handle;
	const char *slash = strrchr(path, '/');
	if (!slash)
		return 0;
	char *above = must_strndup(path, (size_t)(slash - path));
	uint64_t parent = batch_find(b, above);
	free(above);
	uint64_t added = parent ? place_child(b, parent, slash + 1, true) : 0;
	struct component *p = parent && !added ? batch_component(b, parent) : NULL;
	c = p ? component_child(p, slash + 1) : NULL;
	return c ? c->handle : added;
}

void batch_free(struct batch **batch)
{
	struct batch *b = *batch;
	*batch = NULL;
	if (!b)
		return;
	for (size_t i = 0; i < b->count; i++) {
		struct change *c = &b->changes[i];
		free(c->name);
		free(c->source);
		free(c->sourceSlot);
		free(c->targetSlot);
		free(c->prefix);
		free(c->hash);
		value_clear(&c->value);
		json_decref(c->json);
	}
	free(b->changes);
	for (size_t i = 0; i < b->shadow_count; i++)
		shadow_finish(&b->shadows[i]);
	free(b->shadows);
	for (size_t i = 0; i < b->added_count; i++)
		component_destroy(&b->added[i].component);
	free(b->added);
	free(b->places);
	free(b->claims);
	free(b->reason);
	free(b->summary);
	free(b->pointer);
	struct handle_map *const maps[] = { &b->fresh,  &b->shadow_at, &b->place_at, &b->pointer_at, &b->removed,
		                                &b->sorted, &b->claim_at,  &b->linked,   &b->unlinked,   &b->numbers };
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++)
		handle_map_finish(maps[i]);
	report_finish(&b->report);
	store_tx_free(&b->tx);
	json_decref(b->audit);
	free(b);
}

/* --- the queue -------------------------------------------------------------------------------------------------- */

static void pump(struct message *m);

static void post(struct sheet_queue *q)
{
	if (q->posted)
		return;
	q->posted = true;
	q->message.run = pump;
	station_post(q->station, &q->message);
}

static void finish(struct sheet_queue *q, struct batch *b)
{
	q->head = b->next;
	if (!q->head)
		q->tail = &q->head;
	q->busy = false;
	uint64_t added = 0;
	for (size_t i = 0; i < b->count; i++)
		if (b->changes[i].what == CHANGE_ADD)
			added = b->changes[i].component;
	if (b->code == 0 && !b->dry_run)
		batch_apply(b); /* takes what was added */
	if (b->done)
		b->done(b->context, b->code, &b->report, added);
	batch_free(&b);
	if (q->head)
		post(q);
}

static void committed(void *context, int code, const struct err *e)
{
	struct sheet_queue *q = context;
	struct batch *b = q->head;
	b->code = code;
	if (code != 0)
		report_error(&b->report, code, NULL, "%s", e && *e->text ? e->text : err_text(code));
	finish(q, b);
}

static void pump(struct message *m)
{
	struct sheet_queue *q = container_of(m, struct sheet_queue, message);
	q->posted = false;
	if (q->busy || q->closed || !q->head)
		return;
	q->busy = true;
	if (q->head->revert)
		batch_prepare(q->head);
	else
		batch_prepared(q->head);
}

void batch_prepared(struct batch *b)
{
	struct sheet_queue *q = b->station->sheet;
	if (q->closed)
		return;
	batch_plan(b);
	b->code = report_first(&b->report, NULL);
	if (b->code != 0 || b->dry_run || store_tx_empty(b->tx)) {
		finish(q, b);
		return;
	}
	struct store_tx *tx = b->tx;
	b->tx = NULL;
	store_commit(q->station->store, tx, committed, q);
}

void batch_enqueue(struct batch *b)
{
	struct sheet_queue *q = b->station->sheet;
	*q->tail = b;
	q->tail = &b->next;
	post(q);
}

void batch_submit(struct batch *b, batch_done *done, void *context)
{
	b->done = done;
	b->context = context;
	if (!batch_hash(b))
		batch_enqueue(b);
}

struct sheet_queue *sheet_queue_new(struct station *s)
{
	struct sheet_queue *q = must_alloc(sizeof *q);
	q->station = s;
	q->tail = &q->head;
	return q;
}

void sheet_queue_close(struct sheet_queue *q)
{
	q->closed = true;
}

void sheet_queue_free(struct sheet_queue **queue)
{
	struct sheet_queue *q = *queue;
	*queue = NULL;
	for (struct batch *b = q ? q->head : NULL, *next; b; b = next) {
		next = b->next;
		batch_free(&b);
	}
	free(q);
}
