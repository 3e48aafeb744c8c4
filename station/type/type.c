/* SPDX-License-Identifier: Apache-2.0
 * Finding things in slot tables, and the start-up self-check of all of them: see type.h. Types are constant data. */
#include "station/type/type.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/tree/component.h"
#include "station/tree/own_slots.h"

bool type_is(const struct type *type, const struct type *base)
{
	for (; type; type = type->base)
		if (type == base)
			return true;
	return false;
}

const struct slot *type_slot(const struct type *type, const char *name)
{
	const struct slot *slot = NULL;
	for (; type && !slot; type = type->base)
		slot = slots_find(type->slots, name);
	return slot;
}

const struct action *type_action(const struct type *type, const char *name)
{
	for (; type; type = type->base)
		for (const struct action *a = type->actions; a && a->name; a++)
			if (strcmp(a->name, name) == 0)
				return a;
	return NULL;
}

const struct topic *type_topic(const struct type *type, const char *name)
{
	for (; type; type = type->base)
		for (const struct topic *t = type->topics; t && t->name; t++)
			if (strcmp(t->name, name) == 0)
				return t;
	return NULL;
}

struct slot_walk slot_walk(const struct type *type)
{
	struct slot_walk w = { .depth = 0 };
	for (; type; type = type->base) {
		must(w.depth < (int)ARRAY_SIZE(w.chain));
		w.chain[w.depth++] = type;
	}
	return w;
}

const struct slot *slot_next(struct slot_walk *w)
{
	while (!w->next || !w->next->name) {
		if (w->depth == 0)
			return own_slots_next(w->own, &w->at);
		w->next = w->chain[--w->depth]->slots;
	}
	return w->next++;
}

const struct type *type_find(const struct type *const *types, const char *name)
{
	for (; *types; types++)
		if (strcmp((*types)->name, name) == 0)
			return *types;
	return NULL;
}

/* --- the self-check --------------------------------------------------------------------------------------------- */

static int wrong(const char *type, const char *slot, struct err *e, const char *what)
{
	return err_set(e, E_INTERNAL, slot, "Type table %s, row %s: %s.", type, slot, what);
}

/* A bound passes the same check as a user's input. */
static int check_bound(const char *type, const struct slot *slot, double bound, struct err *e)
{
	if (isinf(bound))
		return 0;
	struct value v = { .kind = slot->kind };
	if (slot->kind == V_REAL || slot->kind == V_STATUS_NUMERIC)
		v.real = bound;
	else
		v.integer = (int64_t)bound;
	struct report report;
	report_init(&report, "");
	int rc = value_check(slot, &v, slot->name, &report);
	report_finish(&report);
	return rc == 0 ? 0 : wrong(type, slot->name, e, "a bound lies outside the bounds");
}

/* A secret is never printed, so what holds one does not read back. */
static bool holds_secret(const struct slot *slot)
{
	for (const struct slot *m = slot->members; m && m->name; m++)
		if (m->kind == V_SECRET)
			return true;
	return false;
}

static int check_default(const char *type, const struct slot *slot, struct err *e)
{
	struct value v;
	struct err inner = { 0 };
	if (value_parse(slot, slot->dflt ? slot->dflt : "", &v, &inner) != 0)
		return wrong(type, slot->name, e, inner.text);
	char *printed = value_print(slot, &v);
	struct value again;
	int rc = value_parse(slot, printed, &again, &inner);
	bool same = holds_secret(slot) || (rc == 0 && value_equal(&v, &again));
	free(printed);
	value_clear(&v);
	if (rc == 0)
		value_clear(&again);
	return same ? 0 : wrong(type, slot->name, e, "the default does not survive printing and parsing");
}

static int check_row(const char *type, const struct slot *slot, bool own_range, struct err *e);

static bool has_own_facets(const struct type *t)
{
	while (t && !t->facets)
		t = t->base;
	return t != NULL;
}

static int check_members(const char *type, const struct slot *slot, bool own_range, struct err *e)
{
	if (!slot->members)
		return wrong(type, slot->name, e, "a struct has no member table");
	for (const struct slot *m = slot->members; m->name; m++) {
		int rc = check_row(type, m, own_range, e);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int check_row(const char *type, const struct slot *slot, bool own_range, struct err *e)
{
	if (name_check(slot->name, NULL) != 0)
		return wrong(type, slot->name, e, "the name is not legal");
	if (!slot->doc || !*slot->doc)
		return wrong(type, slot->name, e, "the doc string is missing");
	if ((slot->kind == V_ENUM || slot->kind == V_STATUS_ENUM) && !own_range && (!slot->facets || !slot->facets->range))
		return wrong(type, slot->name, e, "an enum has no range");
	if (slot->kind == V_COMPONENT)
		return slot->type ? 0 : wrong(type, slot->name, e, "a frozen child has no type");
	bool structs = slot->kind == V_STRUCT || (slot->kind == V_LIST && slot->element == V_STRUCT);
	int rc = structs ? check_members(type, slot, own_range, e) : 0;
	if (rc == 0 && !(slot->flags & SLOT_REQUIRED)) /* what must be given has no default */
		rc = check_default(type, slot, e);
	if (rc == 0 && slot->facets && slot->facets->min < slot->facets->max) {
		rc = check_bound(type, slot, slot->facets->min, e);
		if (rc == 0)
			rc = check_bound(type, slot, slot->facets->max, e);
	}
	return rc;
}

static int check_type(const struct type *const *types, const struct type *t, struct err *e)
{
	if (!t->doc || !strchr(t->name, ':') || t->size < sizeof(struct component))
		return wrong(t->name, "", e, "name, doc or size is wrong");
	if (type_find(types, t->name) != t)
		return wrong(t->name, "", e, "the name is used twice");
	if (t->base && t->base->size > t->size)
		return wrong(t->name, "", e, "it is smaller than its base");
	const struct slot *slot;
	for (struct slot_walk w = slot_walk(t); (slot = slot_next(&w));) {
		if (type_slot(t, slot->name) != slot)
			return wrong(t->name, slot->name, e, "the slot stands twice");
		int rc = check_row(t->name, slot, has_own_facets(t), e);
		if (rc != 0)
			return rc;
		if (slot->kind == V_COMPONENT) {
			const struct type *child = slot->dflt ? type_find(types, slot->dflt) : NULL;
			if (!child || !type_is(child, slot->type))
				return wrong(t->name, slot->name, e, "the default type of the frozen child does not fit");
		}
	}
	for (const struct action *a = t->actions; a && a->name; a++) {
		if (!a->doc || !a->run)
			return wrong(t->name, a->name, e, "an action lacks its doc string or function");
		int rc = a->arg ? check_row(t->name, a->arg, has_own_facets(t), e) : 0;
		if (rc != 0)
			return rc;
	}
	for (const struct topic *topic = t->topics; topic && topic->name; topic++)
		if (!topic->doc)
			return wrong(t->name, topic->name, e, "a topic lacks its doc string");
	return 0;
}

int types_check(const struct type *const *types, struct err *e)
{
	for (const struct type *const *t = types; *t; t++) {
		int rc = check_type(types, *t, e);
		if (rc != 0)
			return rc;
	}
	return 0;
}
