/* SPDX-License-Identifier: Apache-2.0
 * Links between slots: see link.h. They hang on their target and are also found by the handle they come from.
 * Engine thread. */
#include "station/link.h"

#include <stdlib.h>
#include <string.h>

#include "station/must.h"
#include "station/station.h"

static size_t source_bucket(const struct tree *t, uint64_t handle)
{
	return (size_t)((handle * UINT64_C(0x9E3779B97F4A7C15)) >> 20) & (t->link_buckets - 1);
}

/* --- conversion ------------------------------------------------------------------------------------------------- */

static bool is_number(enum kind k)
{
	return k == V_INTEGER || k == V_REAL || k == V_STATUS_NUMERIC || k == V_RELTIME;
}

static bool is_boolean(enum kind k)
{
	return k == V_BOOLEAN || k == V_STATUS_BOOLEAN;
}

static bool is_text(enum kind k)
{
	return k == V_STRING || k == V_STATUS_STRING;
}

static bool converts(const struct slot *from, const struct slot *to)
{
	if (is_text(to->kind))
		return from->kind != V_SECRET && from->kind != V_COMPONENT;
	return from->kind == to->kind ||
	    ((is_number(from->kind) || is_boolean(from->kind)) && (is_number(to->kind) || is_boolean(to->kind)));
}

static double number_of(const struct value *v)
{
	if (v->kind == V_REAL || v->kind == V_STATUS_NUMERIC)
		return v->real;
	return is_boolean(v->kind) ? v->boolean : (double)v->integer;
}

static void convert(const struct slot *from, const struct value *v, const struct slot *to, struct value *out)
{
	*out = (struct value){ .kind = to->kind,
		                   .status = to->kind >= V_STATUS_BOOLEAN && to->kind <= V_STATUS_STRING ? v->status : 0 };
	if (from->kind == to->kind)
		value_copy(out, v);
	else if (is_text(to->kind))
		out->text = value_print(from, v);
	else if (is_boolean(to->kind))
		out->boolean = number_of(v) != 0;
	else if (to->kind == V_REAL || to->kind == V_STATUS_NUMERIC)
		out->real = number_of(v);
	else
		out->integer = (int64_t)number_of(v);
}

/* --- checking --------------------------------------------------------------------------------------------------- */

/* Does a way lead along property links from `from` to `to`? Depth-first with a bound: a longer chain is refused too. */
static bool reaches(struct component *from, const char *slot, const struct component *to, const char *toSlot, int depth)
{
	if (from == to && strcmp(slot, toSlot) == 0)
		return true;
	if (depth == 0)
		return true;
	for (struct link *l = links_from(from); l; l = link_next_from(l))
		if (strcmp(l->sourceSlot, slot) == 0 && type_slot(l->target->type, l->targetSlot) &&
		    reaches(l->target, l->targetSlot, to, toSlot, depth - 1))
			return true;
	return false;
}

int link_fits(struct component *source, const char *sourceSlot, struct component *target, const char *targetSlot,
              struct err *e)
{
	const struct slot *from = type_slot(source->type, sourceSlot), *to = type_slot(target->type, targetSlot);
	bool topic = type_topic(source->type, sourceSlot) != NULL, action = type_action(target->type, targetSlot) != NULL;
	if (!from && !topic)
		return err_set(e, E_INVALID, "sourceSlot", "%s has no property or topic \"%.60s\".", source->type->name,
		               sourceSlot);
	if (!to && !action)
		return err_set(e, E_INVALID, "targetSlot", "%s has no property or action \"%.60s\".", target->type->name,
		               targetSlot);
	if (topic && !action)
		return err_set(e, E_INVALID, "targetSlot", "The topic \"%s\" must lead to an action, but \"%s\" is a property.",
		               sourceSlot, targetSlot);
	if (!to || !from) /* an action takes what comes */
		return 0;
	if (to->flags & SLOT_READONLY)
		return err_set(e, E_INVALID, "targetSlot", "The property \"%s\" is read-only.", targetSlot);
	if (!converts(from, to))
		return err_set(e, E_INVALID, "targetSlot", "A %s cannot be converted to the %s of \"%s\".",
		               kind_name(from->kind), kind_name(to->kind), targetSlot);
	return 0;
}

int link_check(struct component *source, const char *sourceSlot, struct component *target, const char *targetSlot,
               struct err *e)
{
	enum { DEEPEST = 1000 };
	int rc = link_fits(source, sourceSlot, target, targetSlot, e);
	if (rc == 0 && reaches(target, targetSlot, source, sourceSlot, DEEPEST))
		return err_set(e, E_INVALID, "sourceSlot", "This link would close a loop from %s.%s back to itself.",
		               source->name, sourceSlot);
	return rc;
}

/* --- life ------------------------------------------------------------------------------------------------------- */

static char *free_name(const struct component *target)
{
	for (unsigned i = 0;; i++) {
		char *name = i ? must_format("link%u", i) : must_strdup("link");
		if (!link_find(target, name))
			return name;
		free(name);
	}
}

struct link *link_add(struct component *target, const char *name, uint64_t source, const char *sourceSlot,
                      const char *targetSlot)
{
	struct link *l = must_alloc(sizeof *l);
	*l = (struct link){
		.name = name && *name ? must_strdup(name) : free_name(target),
		.source = source,
		.sourceSlot = must_strdup(sourceSlot),
		.targetSlot = must_strdup(targetSlot),
		.enabled = true,
		.target = target,
	};
	if (!target->extra)
		target->extra = must_alloc(sizeof *target->extra);
	struct link **p = &target->extra->links;
	while (*p)
		p = &(*p)->next;
	*p = l;
	struct tree *t = &target->station->tree;
	p = &t->by_source[source_bucket(t, source)];
	while (*p)
		p = &(*p)->next_by_source;
	*p = l;
	return l;
}

void link_remove(struct component *target, struct link *link)
{
	struct tree *t = &target->station->tree;
	struct link **p = &target->extra->links;
	while (*p != link)
		p = &(*p)->next;
	*p = link->next;
	p = &t->by_source[source_bucket(t, link->source)];
	while (*p != link)
		p = &(*p)->next_by_source;
	*p = link->next_by_source;
	free(link->name);
	free(link->sourceSlot);
	free(link->targetSlot);
	free(link);
}

struct link *link_find(const struct component *target, const char *name)
{
	struct link *l = target->extra ? target->extra->links : NULL;
	while (l && strcmp(l->name, name) != 0)
		l = l->next;
	return l;
}

static struct link *same_source(struct link *l, uint64_t source)
{
	while (l && l->source != source)
		l = l->next_by_source;
	return l;
}

struct link *links_from(const struct component *c)
{
	const struct tree *t = &c->station->tree;
	return same_source(t->by_source[source_bucket(t, c->handle)], c->handle);
}

struct link *link_next_from(const struct link *l)
{
	return same_source(l->next_by_source, l->source);
}

static void carry(struct component *c, const struct slot *from, const struct link *l)
{
	const struct slot *to = type_slot(l->target->type, l->targetSlot);
	struct value v, converted;
	slot_read(from, c, &v);
	if (to) {
		convert(from, &v, to, &converted);
		component_set(l->target, to, &converted);
	} else {
		struct invocation inv = { .arg = &v };
		component_invoke(l->target, l->targetSlot, &inv);
		value_clear(&inv.result);
	}
	value_clear(&v);
}

void links_carry(struct component *c, const struct slot *slot)
{
	if (slot->kind == V_COMPONENT)
		return;
	for (struct link *l = links_from(c), *next; l; l = next) {
		next = link_next_from(l);
		if (l->enabled && strcmp(l->sourceSlot, slot->name) == 0)
			carry(c, slot, l);
	}
}
