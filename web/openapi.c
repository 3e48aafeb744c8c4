/* SPDX-License-Identifier: Apache-2.0
 * The OpenAPI 3.1 document, made from the route tables and the type tables. Engine thread; made once. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "web/server.h"
#include "web/session_cookie.h"

static void set(json_t *object, const char *name, json_t *value)
{
	must(value && json_object_set_new(object, name, value) == 0);
}

/* The tables say {"type":"array"} where the items are of any kind; the linters want that said. */
static void say_items(json_t *json)
{
	const char *name, *type = json_string_value(json_object_get(json, "type"));
	json_t *member;
	json_object_foreach(json, name, member) say_items(member);
	if (type && strcmp(type, "array") == 0 && !json_object_get(json, "items"))
		set(json, "items", json_object());
}

static json_t *parse(const char *text)
{
	json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
	must(json != NULL);
	say_items(json);
	return json;
}

static json_t *reference(const char *schema)
{
	char text[160];
	snprintf(text, sizeof text, "#/components/schemas/%s", schema);
	return json_pack("{s:s}", "$ref", text);
}

/* --- slots as schemas ----------------------------------------------------------------------------------------------- */

static json_t *slot_schema(const struct slot *slot);

static json_t *members_schema(const struct slot *members)
{
	json_t *properties = json_object();
	for (const struct slot *m = members; m && m->name; m++)
		set(properties, m->name, slot_schema(m));
	return json_pack("{s:s, s:o}", "type", "object", "properties", properties);
}

static json_t *number_schema(const struct slot *slot, const char *type)
{
	json_t *schema = json_pack("{s:s}", "type", type);
	const struct facets *f = slot->facets;
	bool whole = strcmp(type, "integer") == 0;
	if (f && f->min < f->max && isfinite(f->min))
		set(schema, "minimum", whole ? json_integer((json_int_t)f->min) : json_real(f->min));
	if (f && f->min < f->max && isfinite(f->max))
		set(schema, "maximum", whole ? json_integer((json_int_t)f->max) : json_real(f->max));
	return schema;
}

static json_t *enum_schema(const struct slot *slot)
{
	json_t *names = json_array();
	for (const struct tag *t = slot->facets->range; t->name; t++)
		json_array_append_new(names, json_string(t->name));
	return json_pack("{s:s, s:o}", "type", "string", "enum", names);
}

static json_t *list_schema(const struct slot *slot)
{
	struct slot item = { .name = slot->name,
		                 .kind = slot->element,
		                 .members = slot->members,
		                 .facets = slot->element == V_ENUM ? slot->facets : NULL };
	return json_pack("{s:s, s:o}", "type", "array", "items", slot_schema(&item));
}

static json_t *plain_schema(const struct slot *slot)
{
	switch (slot->kind) {
	case V_BOOLEAN:
		return json_pack("{s:s}", "type", "boolean");
	case V_INTEGER:
	case V_RELTIME:
		return number_schema(slot, "integer");
	case V_REAL:
		return parse("{\"type\":[\"number\",\"string\",\"null\"]}");
	case V_ENUM:
		return enum_schema(slot);
	case V_ABSTIME:
		return parse("{\"type\":[\"string\",\"null\"]}");
	case V_SECRET:
		return parse("{\"oneOf\":[{\"type\":\"string\"},{\"type\":\"object\",\"properties\":{\"set\":{\"type\":"
		             "\"boolean\"}}}]}");
	case V_STATUS_BOOLEAN:
	case V_STATUS_NUMERIC:
	case V_STATUS_ENUM:
	case V_STATUS_STRING:
		return parse("{\"type\":\"object\",\"properties\":{\"value\":{},\"status\":{\"type\":\"string\"}}}");
	case V_LIST:
		return list_schema(slot);
	case V_STRUCT:
		return members_schema(slot->members);
	case V_COMPONENT:
		return parse("{\"type\":\"object\",\"properties\":{\"type\":{\"type\":\"string\"}}}");
	default:
		return json_pack("{s:s}", "type", "string");
	}
}

static json_t *slot_schema(const struct slot *slot)
{
	json_t *schema = plain_schema(slot);
	if (slot->doc)
		set(schema, "description", json_string(slot->doc));
	if (slot->flags & SLOT_READONLY)
		set(schema, "readOnly", json_true());
	return schema;
}

static json_t *type_schema(const struct type *t)
{
	json_t *properties = json_object();
	const struct slot *slot;
	for (struct slot_walk w = slot_walk(t); (slot = slot_next(&w));)
		set(properties, slot->name, slot_schema(slot));
	return json_pack("{s:s, s:s, s:o}", "type", "object", "description", t->doc, "properties", properties);
}

static json_t *schemas(struct station *s)
{
	json_t *all = json_object();
	set(all, "Problem",
	    parse("{\"type\":\"object\",\"description\":\"RFC "
	          "9457\",\"required\":[\"type\",\"title\",\"status\"],\"properties\":{"
	          "\"type\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"},\"status\":{\"type\":\"integer\"},"
	          "\"detail\":{\"type\":\"string\"},"
	          "\"setup\":{\"type\":\"boolean\"},\"errors\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
	          "\"properties\":{"
	          "\"pointer\":{\"type\":\"string\"},\"detail\":{\"type\":\"string\"}}}}}}"));
	set(all, "Component",
	    parse("{\"type\":\"object\",\"required\":[\"ord\",\"handle\",\"name\",\"type\",\"status\",\"revision\","
	          "\"values\"],\"properties\":{"
	          "\"ord\":{\"type\":\"string\"},\"handle\":{\"type\":\"string\"},\"name\":{\"type\":\"string\"},"
	          "\"displayName\":{\"type\":\"string\"},"
	          "\"path\":{\"type\":\"string\"},\"type\":{\"type\":\"string\"},\"status\":{\"type\":\"string\"},"
	          "\"revision\":{\"type\":\"integer\"},"
	          "\"values\":{\"$ref\":\"#/components/schemas/"
	          "Values\"},\"slots\":{\"type\":\"array\"},\"actions\":{\"type\":\"array\","
	          "\"items\":{\"type\":\"string\"}},"
	          "\"children\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}},\"warnings\":{\"type\":\"array\","
	          "\"items\":{\"type\":\"object\"}}}}"));
	set(all, "Session",
	    parse("{\"type\":\"object\",\"required\":[\"user\",\"permissions\",\"csrf\"],\"properties\":{\"user\":{"
	          "\"type\":\"object\"},"
	          "\"permissions\":{\"type\":\"object\"},\"csrf\":{\"type\":\"string\"},\"station\":{\"type\":\"object\"}}"
	          "}"));
	set(all, "Type",
	    parse("{\"type\":\"object\",\"required\":[\"name\",\"slots\"],\"properties\":{\"name\":{\"type\":\"string\"},"
	          "\"doc\":{\"type\":\"string\"},"
	          "\"slots\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}},\"actions\":{\"type\":\"array\","
	          "\"items\":{\"type\":\"object\"}},"
	          "\"topics\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}}}}"));
	json_t *values = json_array();
	for (const struct type *const *t = s->types; *t; t++) {
		char name[128], *colon;
		snprintf(name, sizeof name, "%s", (*t)->name);
		if ((colon = strchr(name, ':')))
			*colon = '.';
		set(all, name, type_schema(*t));
		json_array_append_new(values, reference(name));
	}
	set(all, "Values",
	    json_pack("{s:s, s:o}", "description", "The properties of a component, by its type.", "anyOf", values));
	return all;
}

/* --- routes --------------------------------------------------------------------------------------------------------- */

/* "/components/{path...}" -> "/components/{path}". */
static void public_path(const char *pattern, char *out, size_t size)
{
	size_t n = 0;
	for (const char *p = pattern; *p && n + 1 < size; p++)
		if (strncmp(p, "...", 3) == 0)
			p += 2;
		else
			out[n++] = *p;
	out[n] = '\0';
}

static void operation_id(const struct route *route, char *out, size_t size)
{
	size_t n = 0;
	for (const char *p = route->method; *p && n + 1 < size; p++)
		out[n++] = (char)tolower((unsigned char)*p);
	bool upper = true;
	for (const char *p = route->pattern; *p && n + 1 < size; p++) {
		if (isalnum((unsigned char)*p))
			out[n++] = upper ? (char)toupper((unsigned char)*p) : *p;
		upper = !isalnum((unsigned char)*p);
	}
	out[n] = '\0';
}

static json_t *parameters(const struct route *route)
{
	json_t *array = json_array();
	for (const char *p = strchr(route->pattern, '{'); p; p = strchr(p + 1, '{')) {
		char name[40];
		snprintf(name, sizeof name, "%.*s", (int)strcspn(p + 1, ".}"), p + 1);
		json_array_append_new(array,
		                      json_pack("{s:s, s:s, s:b, s:{s:s}}", "name", name, "in", "path", "required", true,
		                                "schema", "type", "string"));
	}
	for (const char *p = route->query; p && *p; p += strcspn(p, ",") + (p[strcspn(p, ",")] == ',')) {
		char name[40];
		snprintf(name, sizeof name, "%.*s", (int)strcspn(p, ","), p);
		json_array_append_new(
		    array, json_pack("{s:s, s:s, s:{s:s}}", "name", name, "in", "query", "schema", "type", "string"));
	}
	return array;
}

static json_t *content(const char *type, json_t *schema)
{
	return json_pack("{s:{s:o}}", type, "schema", schema);
}

/* Of what a method carries: the answer of GET, the body of POST. */
static const char *media(const struct route *route, const char *method)
{
	bool calendar = (route->flags & ROUTE_CALENDAR) && strcmp(route->method, method) == 0;
	return calendar ? "text/calendar" : "application/json";
}

static json_t *responses(const struct route *route)
{
	json_t *all = json_object();
	if (route->answer) {
		const char *type = route->flags & ROUTE_STREAM ? "text/event-stream" : media(route, "GET");
		set(all, "200",
		    json_pack("{s:s, s:o}", "description", "Done.", "content", content(type, parse(route->answer))));
		if (strcmp(route->method, "POST") == 0)
			set(all, "201",
			    json_pack("{s:s, s:o}", "description", "Made.", "content", content(type, parse(route->answer))));
	}
	if (!route->answer || strcmp(route->method, "GET") != 0)
		set(all, "204", json_pack("{s:s}", "description", "Done; nothing to say."));
	set(all, "default",
	    json_pack("{s:s, s:o}", "description", "What was wrong, with pointers into the request.", "content",
	              content("application/problem+json", reference("Problem"))));
	set(all, "4XX",
	    json_pack("{s:s, s:o}", "description", "The request cannot be fulfilled.", "content",
	              content("application/problem+json", reference("Problem"))));
	return all;
}

static json_t *operation(const struct route *route)
{
	char id[120], tag[40];
	operation_id(route, id, sizeof id);
	snprintf(tag, sizeof tag, "%.*s", (int)strcspn(route->pattern + 1, "/"), route->pattern + 1);
	json_t *op = json_pack("{s:s, s:s, s:[s], s:o, s:o}", "operationId", id, "summary", route->doc, "tags", tag,
	                       "parameters", parameters(route), "responses", responses(route));
	set(op, "description", json_string(route->doc));
	if (route->body)
		set(op, "requestBody", json_pack("{s:o}", "content", content(media(route, "POST"), parse(route->body))));
	static const char *const roles[] = { "none", "viewer", "operator", "admin" };
	if (route->flags & ROUTE_OPEN)
		set(op, "security", json_array());
	else
		set(op, "x-role", json_string(roles[route->role]));
	return op;
}

static json_t *paths(const struct router *router, json_t *tags)
{
	json_t *all = json_object();
	const struct route *route;
	for (size_t n = 0; (route = router_route(router, n)); n++) {
		char path[160], method[10] = "", tag[40];
		public_path(route->pattern, path, sizeof path);
		snprintf(tag, sizeof tag, "%.*s", (int)strcspn(route->pattern + 1, "/"), route->pattern + 1);
		for (size_t i = 0; route->method[i] && i + 1 < sizeof method; i++)
			method[i] = (char)tolower((unsigned char)route->method[i]);
		json_t *item = json_object_get(all, path);
		if (!item) {
			item = json_object();
			set(all, path, item);
		}
		set(item, method, operation(route));
		set(tags, tag, json_true());
	}
	return all;
}

char *openapi_text(struct web *w)
{
	json_t *tag_set = json_object(), *tags = json_array(), *all_paths = paths(w->router, tag_set);
	const char *name;
	json_t *ignored;
	json_object_foreach(tag_set, name, ignored)
	    json_array_append_new(tags, json_pack("{s:s, s:s}", "name", name, "description", name));
	json_t *document = parse("{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"Belfry\",\"version\":\"1\",\"description\":"
	                         "\"The station's REST interface; "
	                         "the browser uses nothing else.\",\"contact\":{\"name\":\"Whoever runs this station\"},"
	                         "\"license\":{\"name\":\"Apache-2.0\",\"identifier\":\"Apache-2.0\"}},"
	                         "\"servers\":[{\"url\":\"/api/v1\"}],\"security\":[{\"bearer\":[]},{\"session\":[]}]}");
	set(document, "tags", tags);
	set(document, "paths", all_paths);
	set(document, "components",
	    json_pack("{s:o, s:{s:{s:s, s:s}, s:{s:s, s:s, s:s}}}", "schemas", schemas(w->station), "securitySchemes",
	              "bearer", "type", "http", "scheme", "bearer", "session", "type", "apiKey", "in", "cookie", "name",
	              SESSION_COOKIE));
	json_decref(tag_set);
	char *text = json_dumps(document, JSON_COMPACT);
	json_decref(document);
	must(text != NULL);
	return text;
}
