/* SPDX-License-Identifier: Apache-2.0
 * Making, finding and checking links: see link.h. A link hangs on its target by name and on its source's slot, where it is
 * found when that changes. Engine thread. */
#include "station/link/link_cover.h"

#include <stdlib.h>
#include <string.h>

#include "station/base/handle_map.h"
#include "station/base/must.h"
#include "station/station.h"

/* --- what a name stands for --------------------------------------------------------------------------------------- */

/* What a link may leave or enter: exactly one of the three, in this order. */
struct ending {
	const struct slot *property;
	const struct action *action;
	const struct topic *topic;
};

static struct ending ending_of(const struct component *c, const char *name)
{
	struct ending e = { .property = component_slot(c, name) };
	if (!e.property)
		e.action = type_action(c->type, name);
	if (!e.property && !e.action)
		e.topic = type_topic(c->type, name);
	return e;
}

static bool is_nothing(const struct ending *e)
{
	return !e->property && !e->action && !e->topic;
}

/* Finds out again what the link leads to and how. */
static void resolve(struct link *l)
{
	struct ending to = ending_of(l->target, l->targetSlot);
	l->leads = to.property ? LEADS_TO_PROPERTY
	    : to.action        ? LEADS_TO_ACTION
	    : to.topic         ? LEADS_TO_TOPIC
	                       : LEADS_NOWHERE;
	l->row = to.property ? to.property : to.action ? to.action->arg : NULL;
	l->conversion = l->from->row && l->row ? conversion_find(l->from->row, l->row) : NULL;
}

/* --- checking ----------------------------------------------------------------------------------------------------- */

/* A place that property links reach from where a new link would lead to. */
struct reached {
	struct component *component;
	const char *slot;
	size_t from; /* index of the one before */
};
struct search {
	struct reached *items; /* owned */
	size_t count, capacity;
	struct handle_map seen;
};

static void reach(struct search *s, struct component *c, const char *slot, size_t from)
{
	uint64_t key = handle_map_key(c->handle, slot);
	if (handle_map_get(&s->seen, key))
		return;
	handle_map_put(&s->seen, key, 1);
	if (s->count == s->capacity) {
		s->capacity = s->capacity ? 2 * s->capacity : 16;
		s->items = must_realloc(s->items, s->capacity * sizeof *s->items);
	}
	s->items[s->count++] = (struct reached){ c, slot, from };
}

static struct link_source *source_of(const struct component *c, const char *slot)
{
	struct link_source *s = c->extra ? c->extra->sources : NULL;
	while (s && strcmp(s->name, slot) != 0)
		s = s->next;
	return s;
}

/* "/A.x -> /B.y -> /A.x" from the search's item back to its start. Long ones are shortened in the middle. */
static int tell_loop(const struct search *s, size_t last, struct err *e)
{
	enum { SHOWN = 6 };
	size_t length = 1;
	for (size_t i = last; i != 0; i = s->items[i].from)
		length++;
	char text[300];
	size_t used = 0, at = 0, *order = must_alloc(length * sizeof *order);
	for (size_t i = last, k = length; k-- > 0; i = s->items[i].from)
		order[k] = i;
	text[0] = '\0';
	for (at = 0; at < length && used < sizeof text - 1; at++) {
		if (at == SHOWN / 2 && length > SHOWN + 1) {
			used += (size_t)snprintf(text + used, sizeof text - used, "... (%zu more) -> ", length - SHOWN);
			at = length - SHOWN / 2;
			if (used >= sizeof text)
				break;
		}
		char *path = component_path(s->items[order[at]].component);
		used += (size_t)snprintf(text + used, sizeof text - used, "%s.%s -> ", path, s->items[order[at]].slot);
		free(path);
	}
	free(order);
	char *start = component_path(s->items[0].component);
	int rc =
	    err_set(e, E_INVALID, "sourceSlot", "This link would close a loop: %s%s.%s.", text, start, s->items[0].slot);
	free(start);
	return rc;
}

/* Does a way lead along property links from `from` back to `to`? Each place is visited once. */
static int check_loop(struct component *from, const char *slot, const struct component *to, const char *toSlot,
                      struct err *e)
{
	struct search s = { 0 };
	int rc = 0;
	reach(&s, from, slot, 0);
	for (size_t i = 0; i < s.count && rc == 0; i++) {
		struct reached at = s.items[i];
		if (at.component == to && strcmp(at.slot, toSlot) == 0) {
			rc = tell_loop(&s, i, e);
			break;
		}
		struct link_source *source = source_of(at.component, at.slot);
		for (struct link *l = source ? source->first : NULL; l; l = l->next_from)
			if (l->leads == LEADS_TO_PROPERTY)
				reach(&s, l->target, l->targetSlot, i);
	}
	free(s.items);
	handle_map_finish(&s.seen);
	return rc;
}

static int no_way(const struct slot *from, const struct slot *to, const char *targetSlot, struct err *e)
{
	return err_set(e, E_INVALID, "targetSlot", "A %s cannot be converted to the %s of \"%.60s\".",
	               kind_name(from->kind), kind_name(to->kind), targetSlot);
}

int link_fits(struct component *source, const char *sourceSlot, struct component *target, const char *targetSlot,
              struct err *e)
{
	struct ending from = ending_of(source, sourceSlot), to = ending_of(target, targetSlot);
	if (is_nothing(&from))
		return err_set(e, E_INVALID, "sourceSlot", "%s has no property, action or topic \"%.60s\".", source->type->name,
		               sourceSlot);
	if (is_nothing(&to))
		return err_set(e, E_INVALID, "targetSlot", "%s has no property, action or topic \"%.60s\".", target->type->name,
		               targetSlot);
	if (source == target && strcmp(sourceSlot, targetSlot) == 0)
		return err_set(e, E_INVALID, "targetSlot", "A slot cannot be linked to itself.");
	if (!from.property && to.property)
		return err_set(e, E_INVALID, "targetSlot",
		               "The %s \"%s\" must lead to an action or a topic, but \"%s\" is a property.",
		               from.topic ? "topic" : "action", sourceSlot, targetSlot);
	if (!from.property)
		return 0; /* what comes is seen when it comes */
	if (from.property->kind == V_COMPONENT || from.property->kind == V_SECRET)
		return err_set(e, E_INVALID, "sourceSlot", "A %s cannot be linked.", kind_name(from.property->kind));
	if (to.topic)
		return err_set(e, E_INVALID, "targetSlot", "The property \"%s\" cannot fire the topic \"%s\".", sourceSlot,
		               targetSlot);
	if (to.action)
		return !to.action->arg || conversion_find(from.property, to.action->arg)
		    ? 0
		    : no_way(from.property, to.action->arg, targetSlot, e);
	if (component_flags_of(target, targetSlot, to.property->flags) & SLOT_READONLY)
		return err_set(e, E_INVALID, "targetSlot", "The property \"%s\" is read-only.", targetSlot);
	if (!conversion_find(from.property, to.property))
		return no_way(from.property, to.property, targetSlot, e);
	return 0;
}

int link_check(struct component *source, const char *sourceSlot, struct component *target, const char *targetSlot,
               struct err *e)
{
	int rc = link_fits(source, sourceSlot, target, targetSlot, e);
	return rc == 0 ? check_loop(target, targetSlot, source, sourceSlot, e) : rc;
}

const char *link_trouble(const struct link *l, char *buf, size_t size)
{
	struct ending from = ending_of(l->from->component, l->sourceSlot);
	if (l->fault)
		snprintf(buf, size, "%s", l->fault);
	else if (is_nothing(&from))
		snprintf(buf, size, "The source has no slot \"%.60s\" any more.", l->sourceSlot);
	else if (l->leads == LEADS_NOWHERE)
		snprintf(buf, size, "The target has no slot \"%.60s\" any more.", l->targetSlot);
	else if (l->from->row && l->row && !l->conversion)
		snprintf(buf, size, "A %s cannot be converted to a %s.", kind_name(l->from->row->kind),
		         kind_name(l->row->kind));
	else
		return NULL;
	return buf;
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

static struct component_extra *extra_of(struct component *c)
{
	if (!c->extra)
		c->extra = must_alloc(sizeof *c->extra);
	return c->extra;
}

static void hang_on_source(struct link *l, struct component *source, const char *slot)
{
	struct link_source *s = source_of(source, slot);
	if (!s) {
		struct link_source **p = &extra_of(source)->sources;
		while (*p)
			p = &(*p)->next;
		s = *p = must_alloc(sizeof *s);
		*s =
		    (struct link_source){ .component = source, .name = must_strdup(slot), .row = component_slot(source, slot) };
	}
	l->from = s;
	l->source = source->handle;
	l->sourceSlot = s->name;
	l->prev_from = s->last;
	if (s->last)
		s->last->next_from = l;
	else
		s->first = l;
	s->last = l;
}

static void take_from_source(struct link *l)
{
	struct link_source *s = l->from, **p = &s->component->extra->sources;
	*(l->prev_from ? &l->prev_from->next_from : &s->first) = l->next_from;
	*(l->next_from ? &l->next_from->prev_from : &s->last) = l->prev_from;
	if (s->first)
		return;
	while (*p != s)
		p = &(*p)->next;
	*p = s->next;
	free(s->name);
	free(s);
}

struct link *link_join(struct component *target, const char *name, struct component *source, const char *sourceSlot,
                       const char *targetSlot)
{
	struct link *l = must_alloc(sizeof *l);
	*l = (struct link){
		.name = name && *name ? must_strdup(name) : free_name(target),
		.targetSlot = must_strdup(targetSlot),
		.enabled = true,
		.target = target,
	};
	struct link **p = &extra_of(target)->links;
	while (*p)
		p = &(*p)->next;
	*p = l;
	hang_on_source(l, source, sourceSlot);
	resolve(l);
	target->station->tree.link_count++;
	return l;
}

struct link *link_add(struct component *target, const char *name, uint64_t source, const char *sourceSlot,
                      const char *targetSlot)
{
	struct component *from = station_by_handle(target->station, source);
	return from ? link_join(target, name, from, sourceSlot, targetSlot) : NULL;
}

void link_remove(struct component *target, struct link *link)
{
	struct tree *t = &target->station->tree;
	struct link **p = &target->extra->links;
	while (*p != link)
		p = &(*p)->next;
	*p = link->next;
	link_leave(link);
	wave_forget(t, link);
	take_from_source(link);
	t->link_count--;
	free(link->name);
	free(link->targetSlot);
	free(link->fault);
	free(link);
}

void links_refresh(struct component *c)
{
	for (struct link *l = c->extra ? c->extra->links : NULL; l; l = l->next)
		resolve(l);
	if (c->extra)
		cover_refresh(c);
	for (struct link_source *s = c->extra ? c->extra->sources : NULL; s; s = s->next) {
		s->row = component_slot(c, s->name);
		for (struct link *l = s->first; l; l = l->next_from)
			resolve(l);
	}
}

struct link *link_find(const struct component *target, const char *name)
{
	struct link *l = target->extra ? target->extra->links : NULL;
	while (l && strcmp(l->name, name) != 0)
		l = l->next;
	return l;
}

const struct link *link_into(const struct component *c, const char *slot)
{
	const struct link *l = c->extra ? c->extra->links : NULL;
	while (l && (!l->enabled || strcmp(l->targetSlot, slot) != 0))
		l = l->next;
	return l;
}

struct link *links_from(const struct component *c)
{
	return c->extra && c->extra->sources ? c->extra->sources->first : NULL;
}

struct link *link_next_from(const struct link *l)
{
	if (l->next_from)
		return l->next_from;
	return l->from->next ? l->from->next->first : NULL;
}
