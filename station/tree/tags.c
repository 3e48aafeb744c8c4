/* SPDX-License-Identifier: Apache-2.0
 * Tags: see tags.h. The definitions are the commonest ones of Project Haystack 4; others are allowed with a warning. */
#include "station/tree/tags.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"

#define PREFIX "hs:"

/* clang-format off */
const struct tag_def tag_defs[] = {
	{ "site", TAG_MARKER, "A single facility with its own address." },
	{ "space", TAG_MARKER, "A part of a site: a floor, a room, a zone." },
	{ "floor", TAG_MARKER, "A floor of a building." },
	{ "room", TAG_MARKER, "An enclosed room." },
	{ "zone", TAG_MARKER, "A space or what concerns it: its air, its temperature." },
	{ "equip", TAG_MARKER, "Equipment: a machine or system that points belong to." },
	{ "device", TAG_MARKER, "A controller or gateway." },
	{ "network", TAG_MARKER, "A network of devices." },
	{ "point", TAG_MARKER, "A value: a sensor, a command or a setpoint." },
	{ "sensor", TAG_MARKER, "A point that is measured." },
	{ "cmd", TAG_MARKER, "A point that commands." },
	{ "sp", TAG_MARKER, "A setpoint." },
	{ "cur", TAG_MARKER, "The point has a current value." },
	{ "his", TAG_MARKER, "The point has a history." },
	{ "writable", TAG_MARKER, "The point has a priority array." },
	{ "temp", TAG_MARKER, "Temperature." },
	{ "humidity", TAG_MARKER, "Humidity." },
	{ "pressure", TAG_MARKER, "Pressure." },
	{ "flow", TAG_MARKER, "Flow." },
	{ "co2", TAG_MARKER, "Carbon dioxide." },
	{ "occ", TAG_MARKER, "Occupancy." },
	{ "occupied", TAG_MARKER, "In use by people." },
	{ "run", TAG_MARKER, "Whether something runs." },
	{ "enable", TAG_MARKER, "Whether something may run." },
	{ "alarm", TAG_MARKER, "An alarm." },
	{ "air", TAG_MARKER, "Air." },
	{ "water", TAG_MARKER, "Water." },
	{ "steam", TAG_MARKER, "Steam." },
	{ "refrig", TAG_MARKER, "Refrigerant." },
	{ "hot", TAG_MARKER, "Hot." },
	{ "cold", TAG_MARKER, "Cold." },
	{ "chilled", TAG_MARKER, "Chilled." },
	{ "discharge", TAG_MARKER, "Leaving the equipment: supply." },
	{ "return", TAG_MARKER, "Coming back to the equipment." },
	{ "outside", TAG_MARKER, "Of the outside." },
	{ "exhaust", TAG_MARKER, "Leaving the building." },
	{ "mixed", TAG_MARKER, "Of several streams." },
	{ "entering", TAG_MARKER, "Flowing in." },
	{ "leaving", TAG_MARKER, "Flowing out." },
	{ "ahu", TAG_MARKER, "Air handling unit." },
	{ "rtu", TAG_MARKER, "Roof top unit." },
	{ "vav", TAG_MARKER, "Variable air volume terminal." },
	{ "fcu", TAG_MARKER, "Fan coil unit." },
	{ "boiler", TAG_MARKER, "Boiler." },
	{ "chiller", TAG_MARKER, "Chiller." },
	{ "coolingTower", TAG_MARKER, "Cooling tower." },
	{ "heatPump", TAG_MARKER, "Heat pump." },
	{ "fan", TAG_MARKER, "Fan." },
	{ "pump", TAG_MARKER, "Pump." },
	{ "valve", TAG_MARKER, "Valve." },
	{ "damper", TAG_MARKER, "Damper." },
	{ "filter", TAG_MARKER, "Filter." },
	{ "door", TAG_MARKER, "Door." },
	{ "heating", TAG_MARKER, "Heating." },
	{ "cooling", TAG_MARKER, "Cooling." },
	{ "meter", TAG_MARKER, "Meter." },
	{ "elec", TAG_MARKER, "Electricity." },
	{ "power", TAG_MARKER, "Power." },
	{ "energy", TAG_MARKER, "Energy." },
	{ "volt", TAG_MARKER, "Voltage." },
	{ "current", TAG_MARKER, "Electric current." },
	{ "freq", TAG_MARKER, "Frequency." },
	{ "speed", TAG_MARKER, "Speed." },
	{ "level", TAG_MARKER, "Level." },
	{ "lights", TAG_MARKER, "Lighting." },
	{ "dis", TAG_STR, "What it is called." },
	{ "id", TAG_REF, "Its identity." },
	{ "kind", TAG_STR, "Kind of a point's value: Number, Bool or Str." },
	{ "unit", TAG_STR, "Unit of a point's value." },
	{ "tz", TAG_STR, "Time zone." },
	{ "enum", TAG_STR, "Names of a point's states." },
	{ "geoAddr", TAG_STR, "Address." },
	{ "geoCity", TAG_STR, "City." },
	{ "geoCountry", TAG_STR, "Country, as two letters." },
	{ "geoPostalCode", TAG_STR, "Postal code." },
	{ "geoCoord", TAG_STR, "Coordinates." },
	{ "area", TAG_NUMBER, "Floor area." },
	{ "yearBuilt", TAG_NUMBER, "Year in which it was built." },
	{ "minVal", TAG_NUMBER, "Least value of a point." },
	{ "maxVal", TAG_NUMBER, "Greatest value of a point." },
	{ "siteRef", TAG_REF, "The site it belongs to." },
	{ "spaceRef", TAG_REF, "The space it belongs to." },
	{ "equipRef", TAG_REF, "The equipment it belongs to." },
	{ "deviceRef", TAG_REF, "The device it belongs to." },
	{ NULL, TAG_MARKER, NULL },
};
/* clang-format on */

static const char *const kind_names[] = { "Marker", "Str", "Number", "Ref", "Bool" };

json_t *tag_defs_to_json(void)
{
	json_t *array = json_array();
	for (const struct tag_def *d = tag_defs; d->name; d++)
		json_array_append_new(
		    array, json_pack("{s:s, s:s, s:s}", "name", d->name, "kind", kind_names[d->kind], "doc", d->doc));
	return array;
}

json_t *tags_of(const struct component *c)
{
	json_t *tags = c->extra && c->extra->tags ? json_loads(c->extra->tags, 0, NULL) : NULL;
	if (tags && !json_is_object(tags)) {
		json_decref(tags);
		return NULL;
	}
	return tags;
}

bool tags_have(const struct component *c, const char *name)
{
	json_t *tags = tags_of(c);
	char *full = must_format(PREFIX "%s", name);
	bool have = tags && (json_object_get(tags, name) || json_object_get(tags, full));
	free(full);
	json_decref(tags);
	return have;
}

char *tags_merge(const struct component *c, const json_t *patch)
{
	json_t *tags = c ? tags_of(c) : NULL, *value;
	const char *name;
	if (!tags)
		tags = json_object();
	json_object_foreach((json_t *)(uintptr_t)patch, name, value)
	{
		char *full = must_format("%s%s", strchr(name, ':') ? "" : PREFIX, name);
		if (json_is_null(value))
			json_object_del(tags, full);
		else
			json_object_set(tags, full, value);
		free(full);
	}
	char *text = json_object_size(tags) ? json_dumps(tags, JSON_COMPACT | JSON_SORT_KEYS) : must_strdup("");
	json_decref(tags);
	must(text != NULL);
	return text;
}

/* --- checking --------------------------------------------------------------------------------------------------- */

static bool legal_name(const char *name)
{
	size_t n = strlen(name);
	bool legal = n > 0 && n <= 80 && isalpha((unsigned char)*name);
	for (const char *p = name; legal && *p; p++)
		legal = isalnum((unsigned char)*p) || *p == '_' || (*p == ':' && p[1]);
	return legal;
}

static bool of_kind(enum tag_kind kind, const json_t *value)
{
	switch (kind) {
	case TAG_MARKER:
		return json_is_true(value);
	case TAG_NUMBER:
		return json_is_number(value);
	case TAG_BOOL:
		return json_is_boolean(value);
	default:
		return json_is_string(value);
	}
}

static const struct tag_def *find_def(const char *name)
{
	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
		return NULL;
	for (const struct tag_def *d = tag_defs; d->name; d++)
		if (strcmp(d->name, name + strlen(PREFIX)) == 0)
			return d;
	return NULL;
}

static void check_tag(const char *name, const json_t *value, struct report *report)
{
	char path[100];
	const struct tag_def *def = find_def(name);
	snprintf(path, sizeof path, "tags/%.80s", name);
	if (!legal_name(name))
		report_error(report, E_INVALID, path, "\"%.60s\" is no name of a tag: letters, digits, _ and a prefix with :.",
		             name);
	else if (!json_is_true(value) && !json_is_false(value) && !json_is_number(value) && !json_is_string(value))
		report_error(report, E_INVALID, path, "A tag is true (a marker), a text, a number or a boolean.");
	else if (def && !of_kind(def->kind, value))
		report_error(report, E_INVALID, path, "%s is a %s: %s", name, kind_names[def->kind],
		             def->kind == TAG_MARKER ? "write true, or null to take it away." : def->doc);
	else if (!def && strncmp(name, PREFIX, strlen(PREFIX)) == 0)
		report_warning(report, path, "%s is not among the tags we know of Project Haystack; it is kept.", name);
}

void tags_check(const char *text, struct report *report)
{
	if (!text || !*text)
		return;
	json_t *tags = json_loads(text, JSON_REJECT_DUPLICATES, NULL), *value;
	const char *name;
	if (!json_is_object(tags))
		report_error(report, E_INVALID, "tags", "Tags are a JSON object of names and values.");
	json_object_foreach(tags, name, value) check_tag(name, value, report);
	json_decref(tags);
}
