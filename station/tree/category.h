/* SPDX-License-Identifier: Apache-2.0
 * Categories: groups of components across the tree, such as a trade or a tenant, by which they are found and filtered.
 * Those that there are stand below the CategoryService; a component names the ones it belongs to in the slot `categories`
 * (component_extra). One that names none belongs to those of what it stands in. In Niagara a role gives rights over
 * categories; here they group only. Engine thread. */
#ifndef BELFRY_CATEGORY_H
#define BELFRY_CATEGORY_H

#include "station/tree/component.h"

struct category {
	struct component c;
	char *description;
};
extern const struct type baja_category_service, baja_category;

/* The list as the slot keeps it: sorted, each name once. What is no list of names is kept for categories_check to refuse.
 * null, NULL: "". Owned. */
char *categories_text(const json_t *names);
/* The names that c belongs to, and the component that says so (c or one above it; NULL: none does). New reference. */
json_t *categories_of(const struct component *c, const struct component **from);
/* Does c belong to that category? Case does not matter. */
bool category_has(const struct component *c, const char *name);
/* Is that text what the slot may hold? Errors and warnings (a category that there is not) go to the report. */
void categories_check(const struct component *c, const char *text, struct report *report);

#endif
