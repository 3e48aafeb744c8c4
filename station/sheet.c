/* SPDX-License-Identifier: Apache-2.0
 * The sheet's front: collecting changes, permissions, and the queue that takes batches one after the other:
 * plan, write, apply, answer. See sheet.h. Engine thread. */
#include "station/sheet.h"

#include <stdlib.h>
#include <string.h>

#include "station/audit.h"
#include "station/batch.h"
#include "station/must.h"

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
	return c;
}

void batch_set_json(struct batch *b, uint64_t component, const json_t *values, const char *prefix)
{
	struct change *c = batch_change(b, CHANGE_SET_JSON, component);
	c->json = json_deep_copy(values);
	c->prefix = must_strdup(prefix);
}

void batch_set(struct batch *b, uint64_t component, const char *slot, const struct value *v)
{
	struct change *c = batch_change(b, CHANGE_SET, component);
	c->name = must_strdup(slot);
	value_copy(&c->value, v);
}

void batch_display_name(struct batch *b, uint64_t component, const char *text)
{
	batch_change(b, CHANGE_DISPLAY_NAME, component)->name = must_strdup(text);
}

/* Puts the pointer of one report entry where the request has it: "/3" and "type" of an add. */
static void at(struct batch *b, const char *prefix)
{
	size_t n = strlen(prefix);
	bool values = n >= 7 && strcmp(prefix + n - 7, "/values") == 0;
	snprintf(b->report.prefix, sizeof b->report.prefix, "%.*s", (int)(values ? n - 7 : n), prefix);
}

uint64_t batch_add(struct batch *b, uint64_t parent, const char *name, const char *type, const json_t *values,
                   const char *prefix)
{
	const struct type *t = type_find(b->station->types, type);
	at(b, prefix);
	if (!t || (t->flags & TYPE_ABSTRACT)) {
		report_error(&b->report, E_INVALID, "type",
		             "There is no type \"%.80s\" that can be made; GET /types lists them.", type);
		return 0;
	}
	struct err e = { 0 };
	if (name_check(name, &e) != 0) {
		report_error(&b->report, E_INVALID, "name", "%s", e.text);
		return 0;
	}
	struct component *c = component_create(b->station, t, name, 0);
	b->added = must_realloc(b->added, (b->added_count + 1) * sizeof *b->added);
	b->added_parent = must_realloc(b->added_parent, (b->added_count + 1) * sizeof *b->added_parent);
	b->added_parent[b->added_count] = parent;
	b->added[b->added_count++] = c;
	struct change *change = batch_change(b, CHANGE_ADD, c->handle);
	change->parent = parent;
	change->prefix = must_strdup(prefix);
	change->json = values ? json_deep_copy(values) : NULL;
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
	c->name = name ? must_strdup(name) : NULL;
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

struct store_tx *batch_tx(struct batch *b)
{
	return b->tx;
}

/* Handles are given out in order: what is added last has the highest, and its frozen children come right behind it. */
static struct component *added_above(const struct batch *b, uint64_t handle)
{
	size_t low = 0, high = b->added_count;
	while (low < high) {
		size_t mid = (low + high) / 2;
		if (b->added[mid]->handle <= handle)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? b->added[low - 1] : NULL;
}

struct component *batch_added(const struct batch *b, uint64_t handle)
{
	struct component *top = added_above(b, handle);
	for (struct component *c = top; c; c = tree_next(c, top))
		if (c->handle == handle)
			return c;
	return NULL;
}

struct component *batch_component(struct batch *b, uint64_t handle)
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
	for (size_t i = 0; parent && i < b->added_count; i++)
		if (b->added_parent[i] == parent && strcmp(b->added[i]->name, slash + 1) == 0)
			return b->added[i]->handle;
	struct component *p = parent ? batch_component(b, parent) : NULL;
	c = p ? component_child(p, slash + 1) : NULL;
	return c ? c->handle : 0;
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
		component_destroy(&b->added[i]);
	free(b->added);
	free(b->added_parent);
	free(b->reason);
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
	if (b->code == 0)
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
	if (q->busy || !q->head)
		return;
	struct batch *b = q->head;
	q->busy = true;
	batch_plan(b);
	b->code = report_first(&b->report, NULL);
	if (b->code != 0 || store_tx_empty(b->tx)) {
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

/* --- permissions and actions ------------------------------------------------------------------------------------ */

int sheet_may_set(const struct actor *actor, const struct component *c, const struct slot *slot, struct err *e)
{
	if (!actor || actor->role == ROLE_ADMIN || (actor->role == ROLE_OPERATOR && (slot->flags & SLOT_OPERATOR)))
		return 0;
	return err_set(e, E_FORBIDDEN, slot->name,
	               "Your role does not allow you to change \"%s\" of %s; ask an administrator.", slot->name, c->name);
}

int sheet_may_invoke(const struct actor *actor, const struct component *c, const struct action *action, struct err *e)
{
	if (!actor || actor->role == ROLE_ADMIN || (actor->role == ROLE_OPERATOR && (action->flags & SLOT_OPERATOR)))
		return 0;
	return err_set(e, E_FORBIDDEN, action->name,
	               "Your role does not allow you to invoke \"%s\" of %s; ask an administrator.", action->name, c->name);
}

int sheet_may_configure(const struct actor *actor, struct err *e)
{
	if (!actor || actor->role == ROLE_ADMIN)
		return 0;
	return err_set(e, E_FORBIDDEN, NULL, "Only an administrator may add, remove, move or link components.");
}

static void audit_invocation(struct component *c, const struct action *action, const struct value *arg,
                             const struct actor *actor)
{
	struct store_tx *tx = store_tx_new();
	char *path = component_path(c);
	char *text = action->arg && action->arg->kind != V_SECRET ? value_print(action->arg, arg) : NULL;
	audit_write(c->station, tx, actor, "invoked", path, action->name, NULL, text, NULL);
	store_commit(c->station->store, tx, NULL, NULL);
	free(text);
	free(path);
}

int sheet_check_action(const struct component *c, const char *name, const json_t *arg, const struct actor *actor,
                       struct value *out, struct err *e, struct report *report)
{
	const struct action *action = type_action(c->type, name);
	*out = VALUE_NULL;
	if (!action)
		return err_set(e, E_NOT_FOUND, NULL, "%s has no action \"%.60s\".", c->type->name, name);
	int rc = sheet_may_invoke(actor, c, action, e);
	if (rc != 0 || !action->arg)
		return rc;
	if (arg && !json_is_null(arg))
		return value_from_json(action->arg, arg, NULL, "", out, report);
	if (!(action->arg->flags & SLOT_REQUIRED)) {
		*out = value_default(action->arg);
		return 0;
	}
	rc = err_set(e, E_INVALID, action->arg->name, "The action \"%s\" needs an argument: %s", name, action->arg->doc);
	report_error(report, rc, "", "%s", e->text);
	return rc;
}

int sheet_invoke(struct component *c, const char *name, const json_t *arg, const struct actor *actor,
                 struct invocation *inv, struct report *report)
{
	struct value v;
	int rc = sheet_check_action(c, name, arg, actor, &v, &inv->err, report);
	if (rc != 0)
		return rc;
	inv->actor = actor;
	inv->arg = &v;
	if (actor)
		audit_invocation(c, type_action(c->type, name), &v, actor);
	rc = component_invoke(c, name, inv);
	inv->arg = NULL; /* an action that finishes later has copied what it needs */
	value_clear(&v);
	return rc;
}
