/* SPDX-License-Identifier: Apache-2.0
 * Is a piece of the configuration's text what it should be? Members that mean nothing are errors too: a slip of the pen
 * in "values" would else reset every value of a component. See config_inside.h. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/config/config_inside.h"

struct member {
	const char *name;
	json_type type;
	bool needed;
	const char *wanted; /* the sentence when it is something else */
};
static const struct member component_members[] = {
	{ "name", JSON_STRING, true, "A text is expected here." },
	{ "type", JSON_STRING, true, "A text is expected here." },
	{ "displayName", JSON_STRING, false, "A text is expected here." },
	{ "values", JSON_OBJECT, false, "An object of property names and values is expected here." },
	{ "links", JSON_ARRAY, false, "A list of links is expected here." },
	{ "children", JSON_ARRAY, false, "A list of components is expected here." },
	{ 0 },
};
static const struct member link_members[] = {
	{ "name", JSON_STRING, false, "A text is expected here." },
	{ "source", JSON_STRING, true, "A text is expected here." },
	{ "sourceSlot", JSON_STRING, true, "A text is expected here." },
	{ "targetSlot", JSON_STRING, true, "A text is expected here." },
	{ "enabled", JSON_TRUE, false, "true or false is expected here." },
	{ 0 },
};
static const struct member whole_members[] = {
	{ "belfry", JSON_INTEGER, true, "A number is expected here." },
	{ "path", JSON_STRING, true, "A text is expected here." },
	{ "root", JSON_OBJECT, true, "A component is expected here." },
	{ 0 },
};

static bool is_of(const json_t *value, json_type type)
{
	return type == JSON_TRUE ? json_is_boolean(value) : json_typeof(value) == type;
}

static const struct member *member_named(const struct member *members, const char *name)
{
	for (; members->name; members++)
		if (strcmp(members->name, name) == 0)
			return members;
	return NULL;
}

/* False when something needed is missing or wrong. */
static bool check(struct batch *b, const json_t *piece, const struct member *members, const char *pointer)
{
	bool useful = true;
	const char *name;
	json_t *value;
	batch_at(b, pointer);
	json_object_foreach((json_t *)(uintptr_t)piece, name, value)
	{
		const struct member *m = member_named(members, name);
		if (!m)
			report_error(batch_report(b), E_INVALID, name, "Nothing of this name is known here.");
		else if (!is_of(value, m->type))
			report_error(batch_report(b), E_INVALID, name, "%s", m->wanted);
	}
	for (const struct member *m = members; m->name; m++) {
		value = json_object_get(piece, m->name);
		if (m->needed && !value)
			report_error(batch_report(b), E_INVALID, m->name, "This is missing.");
		useful = useful && (!m->needed || (value && is_of(value, m->type)));
	}
	return useful;
}

bool config_is_component(struct batch *b, const json_t *node, const char *pointer)
{
	return check(b, node, component_members, pointer);
}

bool config_is_link(struct batch *b, const json_t *link, const char *pointer)
{
	return check(b, link, link_members, pointer);
}

void config_whole(struct batch *b, const json_t *config)
{
	check(b, config, whole_members, "");
}
