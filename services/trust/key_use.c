/* SPDX-License-Identifier: Apache-2.0
 * Who uses the keys of the User Key Store: see key_use.h. */
#include "services/trust/key_use.h"

#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"

static bool has_facet(const struct slot *slot, const char *facet)
{
	return slot->kind == V_STRING && slot->facets && slot->facets->names && strcmp(slot->facets->names, facet) == 0;
}

bool slot_names_key(const struct slot *slot)
{
	return has_facet(slot, NAMES_KEY) || has_facet(slot, NAMES_SERVER_KEY);
}

static bool names(const struct component *c, const struct slot *slot, const char *alias)
{
	struct value v;
	slot_read(slot, c, &v);
	bool same = strcmp(v.text, alias) == 0;
	value_clear(&v);
	return same;
}

bool key_use_find(const struct trust_service *t, const char *alias, const char *facet, struct key_use *out)
{
	for (struct component *top = t->c.parent, *c = top; c; c = tree_next(c, top)) {
		struct slot_walk walk = slot_walk(c->type);
		for (const struct slot *slot; (slot = slot_next(&walk));)
			if ((facet ? has_facet(slot, facet) : slot_names_key(slot)) && names(c, slot, alias)) {
				*out = (struct key_use){ c, slot };
				return true;
			}
	}
	return false;
}

char *key_use_print(const struct key_use *use)
{
	char *path = component_path(use->component), *text = must_format("%s (%s)", path, use->slot->name);
	free(path);
	return text;
}
