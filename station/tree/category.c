/* SPDX-License-Identifier: Apache-2.0
 * Categories: see category.h. */
#include "station/tree/category.h"

#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/station.h"

enum { CATEGORIES_MAX = 64 };

static int parent_ok(const struct component *parent, struct err *e)
{
	return component_is(parent, &baja_category_service)
	    ? 0
	    : err_set(e, E_INVALID, "parent", "A category stands below the CategoryService.");
}

static const struct slot category_slots[] = {
	SLOT(struct category, description, STRING, .flags = SLOT_SUMMARY, .facets = FACETS(.maxLength = 500),
	     .doc = "What belongs to it."),
	SLOT_END,
};
const struct type baja_category = {
	.name = "baja:Category",
	.doc = "A group that components can belong to; its name is what they refer to it by.",
	.size = sizeof(struct category),
	.base = &baja_component,
	.slots = category_slots,
	.parent_ok = parent_ok,
};

static const struct slot no_slots[] = { SLOT_END };
const struct type baja_category_service = {
	.name = "baja:CategoryService",
	.doc = "The categories that components can belong to. They group, so that things are found; they give no rights.",
	.size = sizeof(struct component),
	.base = &baja_component,
	.flags = TYPE_CONTAINER | TYPE_SINGLETON,
	.slots = no_slots,
};

/* --- the list ----------------------------------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
	return strcmp(json_string_value(*(json_t *const *)a), json_string_value(*(json_t *const *)b));
}

static bool all_texts(const json_t *names)
{
	size_t i;
	json_t *name;
	json_array_foreach((json_t *)(uintptr_t)names, i, name) if (!json_is_string(name)) return false;
	return json_is_array(names);
}

static json_t *sorted(const json_t *names)
{
	size_t n = json_array_size(names);
	json_t **order = must_alloc((n + 1) * sizeof *order), *list = json_array();
	for (size_t i = 0; i < n; i++)
		order[i] = json_array_get(names, i);
	qsort(order, n, sizeof(json_t *), by_text);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || !json_equal(order[i], order[i - 1]))
			json_array_append(list, order[i]);
	free(order);
	return list;
}

char *categories_text(const json_t *names)
{
	if (!names || json_is_null(names))
		return must_strdup("");
	json_t *list = all_texts(names) ? sorted(names) : json_deep_copy(names);
	char *text = json_dumps(list, JSON_COMPACT | JSON_ENCODE_ANY);
	json_decref(list);
	must(text != NULL);
	return text;
}

json_t *categories_of(const struct component *c, const struct component **from)
{
	while (c && !(c->extra && c->extra->categories))
		c = c->parent;
	json_t *list = c ? json_loads(c->extra->categories, 0, NULL) : NULL;
	if (from)
		*from = c;
	return list ? list : json_array();
}

bool category_has(const struct component *c, const char *name)
{
	json_t *list = categories_of(c, NULL), *item;
	size_t i;
	bool has = false;
	json_array_foreach(list, i, item) has = has || strcasecmp(json_string_value(item), name) == 0;
	json_decref(list);
	return has;
}

/* --- checking ----------------------------------------------------------------------------------------------------- */

static void check_name(const struct component *service, const char *name, size_t index, struct report *report)
{
	char at[32];
	struct err e = { 0 };
	snprintf(at, sizeof at, "categories/%zu", index);
	if (!name || name_check(name, &e) != 0)
		report_error(report, E_INVALID, at, "%s", name ? e.text : "The name of a category is expected here.");
	else if (service && !component_child(service, name))
		report_warning(report, at, "There is no category \"%.60s\" below %s yet; the name is kept.", name,
		               service->name);
}

void categories_check(const struct component *c, const char *text, struct report *report)
{
	if (!text || !*text)
		return;
	json_t *list = json_loads(text, JSON_DECODE_ANY, NULL);
	const struct component *service = station_service(c->station, &baja_category_service);
	if (!json_is_array(list) || json_array_size(list) > CATEGORIES_MAX)
		report_error(report, E_INVALID, "categories", "A list of at most %d names of categories is expected here.",
		             CATEGORIES_MAX);
	else
		for (size_t i = 0; i < json_array_size(list); i++)
			check_name(service, json_string_value(json_array_get(list, i)), i, report);
	json_decref(list);
}
