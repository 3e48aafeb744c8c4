/* SPDX-License-Identifier: Apache-2.0
 * How values travel along links: without recursion. A change queues the links of its slot; when the outermost change has
 * ended, the queue is carried, first come first served, and what changes on the way is queued behind. A link that waits
 * already is not queued twice: it carries what its source has when its turn comes. So a chain of any length settles in one
 * pass and on a small stack, and where ways meet again the last word is that of the newest values.
 *
 * Loops. Each link remembers the link that caused it to be queued. One that is carried very often in one wave looks back
 * along the causes: when they come round again, values are running in a loop, however it is closed (through a sum, an
 * action, a timer of no length). One link of the loop is then cut, with the whole path as its fault, until links are
 * changed. Ways that are only long or wide never look back at themselves. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "station/base/log.h"
#include "station/base/must.h"
#include "station/link/link_cover.h"
#include "station/station.h"

enum {
	ROUNDS_MAX = 64,  /* a feedback that settles may go round that often */
	FIRING_MAX = 100, /* events pass through that many links */
	LOOP_SHOWN = 8    /* components of a long loop in its message */
};

/* An event on its way. */
struct firing {
	const struct link *link;
	struct firing *up;
	int depth;
};

/* --- trouble ------------------------------------------------------------------------------------------------------ */

static void set_fault(struct link *l, const char *why)
{
	if (!why && !l->fault)
		return;
	if (why && l->fault && strcmp(l->fault, why) == 0)
		return;
	free(l->fault);
	l->fault = why ? must_strdup(why) : NULL;
}

/* A target with a status shows that its input is no good; the value stays. */
static void mark_target(struct link *l)
{
	struct value v;
	if (l->leads != LEADS_TO_PROPERTY)
		return;
	if (l->row->kind < V_STATUS_BOOLEAN || l->row->kind > V_STATUS_STRING)
		return;
	slot_read(l->row, l->target, &v);
	v.status |= STATUS_FAULT;
	link_cover(l);
	component_set(l->target, l->row, &v);
}

static void cut(struct link *l, const char *why)
{
	l->cut = true;
	l->target->station->tree.wave.cut++;
	set_fault(l, why);
	char *path = component_path(l->target);
	log_warn("link %s of %s: %s", l->name, path, why);
	free(path);
	mark_target(l);
	if (!(l->target->status.bits & STATUS_FAULT))
		component_set_status(l->target, l->target->status.bits | STATUS_FAULT);
}

/* --- loops -------------------------------------------------------------------------------------------------------- */

/* The link that caused l in this wave. */
static struct link *cause(const struct wave *w, const struct link *l)
{
	return l->cause && l->cause->wave == w->number ? l->cause : NULL;
}

/* A link of the loop in whose wake l is carried; NULL: the causes begin somewhere. The two walk at different speeds. */
static struct link *find_loop(const struct wave *w, struct link *l)
{
	struct link *slow = l, *fast = l;
	do {
		slow = slow ? cause(w, slow) : NULL;
		fast = fast ? cause(w, fast) : NULL;
		fast = fast ? cause(w, fast) : NULL;
	} while (fast && slow != fast);
	return fast;
}

/* "/A -> /B -> /C -> /A": against the causes, so it is put together from its end. Owned. */
static char *loop_path(const struct wave *w, struct link *l)
{
	size_t length = 0;
	struct link *at = l;
	char *text = component_path(l->target);
	do {
		if (length < LOOP_SHOWN) {
			char *path = component_path(at->from->component), *longer = must_format("%s -> %s", path, text);
			free(path);
			free(text);
			text = longer;
		}
		length++;
		at = cause(w, at);
	} while (at != l);
	if (length <= LOOP_SHOWN)
		return text;
	char *start = component_path(l->target);
	char *whole = must_format("%s -> ... (%zu more) -> %s", start, length - LOOP_SHOWN, text);
	free(start);
	free(text);
	return whole;
}

/* True when l belongs to a loop, or follows one, that has been cut now. */
static bool stops_loop(struct wave *w, struct link *l)
{
	if (l->wave != w->number) {
		l->wave = w->number;
		l->rounds = 0;
	}
	if (++l->rounds % ROUNDS_MAX != 0)
		return false;
	struct link *looped = find_loop(w, l);
	if (!looped)
		return false;
	char *path = loop_path(w, looped);
	char *why = must_format("Values run in a loop: %s. This link is cut until links are changed.", path);
	cut(looped, why);
	free(why);
	free(path);
	return looped == l;
}

/* --- carrying ----------------------------------------------------------------------------------------------------- */

static void queue(struct wave *w, struct link *l)
{
	if (!l->enabled || l->cut || l->queued || l->leads == LEADS_NOWHERE)
		return;
	l->queued = true;
	l->cause = w->now;
	l->next_queued = NULL;
	if (w->tail)
		w->tail->next_queued = l;
	else
		w->head = l;
	w->tail = l;
}

void wave_forget(struct tree *t, struct link *l)
{
	struct wave *w = &t->wave;
	if (l->cut)
		w->cut--;
	if (w->now == l)
		w->now = NULL;
	w->number++; /* the causes remembered so far count no more */
	struct link **p = &w->head, *last = NULL;
	while (*p) {
		if ((*p)->cause == l)
			(*p)->cause = NULL;
		if (*p == l) {
			*p = l->next_queued;
			continue;
		}
		last = *p;
		p = &(*p)->next_queued;
	}
	w->tail = last;
}

static void put_property(struct link *l, struct value *v)
{
	struct crossing way = { l->from->component, l->target, l->from->row, l->row, NULL };
	struct value out;
	if (!l->conversion)
		return;
	switch (convert(l->conversion, &way, v, &out)) {
	case CONVERTED:
		set_fault(l, NULL);
		link_cover(l);
		component_set(l->target, l->row, &out);
		break;
	case NO_VALUE:
		set_fault(l, NULL);
		break;
	case NOT_CONVERTED:
		set_fault(l, way.why);
		mark_target(l);
		break;
	}
}

static void invoke(struct link *l, const struct slot *row, const struct value *arg, struct store_tx *tx)
{
	struct invocation inv = { .arg = arg, .tx = tx };
	struct value converted = VALUE_NULL;
	const struct action *action = type_action(l->target->type, l->targetSlot);
	if (!action)
		return;
	if (action->arg && arg->kind != action->arg->kind) {
		const struct slot any = { .name = "arg", .kind = arg->kind, .doc = "" };
		struct crossing way = { row ? l->from->component : NULL, l->target, row ? row : &any, action->arg, NULL };
		const struct conversion *conversion = conversion_find(way.from, action->arg);
		enum converted end = conversion ? convert(conversion, &way, arg, &converted) : NOT_CONVERTED;
		if (end == NOT_CONVERTED)
			set_fault(l, way.why ? way.why : "What comes cannot be converted to what the action takes.");
		if (end != CONVERTED)
			return;
		inv.arg = &converted;
	}
	char *name = must_strdup(l->name); /* the action may remove the link */
	struct component *target = l->target;
	set_fault(l, NULL);
	int rc = component_invoke(target, action->name, &inv);
	if (rc < 0)
		log_warn("link %s of %s: %s", name, target->name, inv.err.text);
	free(name);
	value_clear(&converted);
	value_clear(&inv.result);
}

static void carry(struct link *l)
{
	struct value v;
	if (!l->from->row || l->from->row->kind == V_COMPONENT)
		return;
	slot_read(l->from->row, l->from->component, &v);
	if (l->leads == LEADS_TO_PROPERTY)
		put_property(l, &v);
	else
		invoke(l, l->from->row, &v, NULL);
	value_clear(&v);
}

static void drain(struct wave *w)
{
	w->held++;
	w->number++;
	while (w->head) {
		struct link *l = w->head;
		w->head = l->next_queued;
		if (!w->head)
			w->tail = NULL;
		l->queued = false;
		if (l->cut || !l->enabled || stops_loop(w, l))
			continue;
		w->now = l;
		carry(l);
		w->now = NULL;
	}
	w->held--;
}

void links_hold(struct station *s)
{
	s->tree.wave.held++;
}

void links_release(struct station *s)
{
	struct wave *w = &s->tree.wave;
	if (w->held == 1)
		links_uncover(s);
	if (--w->held == 0 && w->head)
		drain(w);
}

void links_queue(struct component *c, const struct slot *slot)
{
	for (struct link_source *s = c->extra ? c->extra->sources : NULL; s; s = s->next)
		if (s->row == slot)
			for (struct link *l = s->first; l; l = l->next_from)
				queue(&c->station->tree.wave, l);
}

void links_carry(struct component *c, const struct slot *slot)
{
	links_hold(c->station);
	links_queue(c, slot);
	links_release(c->station);
}

void link_carry(struct link *l)
{
	struct station *s = l->target->station;
	links_hold(s);
	if (l->leads == LEADS_TO_PROPERTY && l->from->row)
		queue(&s->tree.wave, l);
	links_release(s);
}

void links_settle(struct station *s)
{
	if (s->tree.link_count == 0)
		return;
	links_hold(s);
	for (struct component *c = s->tree.root; c; c = tree_next(c, s->tree.root))
		for (struct link *l = c->extra ? c->extra->links : NULL; l; l = l->next)
			link_carry(l);
	links_release(s);
}

void links_mend(struct station *s)
{
	if (s->tree.wave.cut == 0)
		return;
	links_hold(s);
	for (struct component *c = s->tree.root; c; c = tree_next(c, s->tree.root))
		for (struct link *l = c->extra ? c->extra->links : NULL; l; l = l->next) {
			if (!l->cut)
				continue;
			l->cut = false;
			s->tree.wave.cut--;
			set_fault(l, NULL);
			component_set_status(c, c->status.bits & (uint16_t)~STATUS_FAULT);
			link_carry(l);
		}
	links_release(s);
}

/* --- events ------------------------------------------------------------------------------------------------------- */

/* Is the event coming round again, or has it gone too far? The link is cut then. */
static bool stops_event(struct wave *w, struct link *l)
{
	const struct firing *f = w->firing;
	while (f && f->link != l)
		f = f->up;
	if (!f && (!w->firing || w->firing->depth < FIRING_MAX))
		return false;
	char *path = component_path(l->target);
	for (const struct firing *g = w->firing; g && f; g = g == f ? NULL : g->up) {
		char *from = component_path(g->link->target), *longer = must_format("%s -> %s", from, path);
		free(from);
		free(path);
		path = longer;
	}
	char *why = f ? must_format("Events run in a loop: %s. This link is cut until links are changed.", path)
	              : must_format("Events pass through more than %d links; they end here.", FIRING_MAX);
	cut(l, why);
	free(why);
	free(path);
	return true;
}

static void fire(struct link *l, const struct value *arg, struct store_tx *tx)
{
	struct wave *w = &l->target->station->tree.wave;
	if (!l->enabled || l->cut || stops_event(w, l))
		return;
	struct firing f = { .link = l, .up = w->firing, .depth = w->firing ? w->firing->depth + 1 : 1 };
	w->firing = &f;
	if (l->leads == LEADS_TO_TOPIC)
		topic_fire(l->target, l->targetSlot, arg, tx);
	else if (l->leads == LEADS_TO_ACTION)
		invoke(l, NULL, arg, tx);
	w->firing = f.up;
}

void links_fire(struct component *c, const char *name, const struct value *arg, struct store_tx *tx)
{
	struct link_source *s = c->extra ? c->extra->sources : NULL;
	while (s && (s->row || strcmp(s->name, name) != 0))
		s = s->next;
	for (struct link *l = s ? s->first : NULL, *next; l; l = next) {
		next = l->next_from;
		fire(l, arg, tx);
	}
}
