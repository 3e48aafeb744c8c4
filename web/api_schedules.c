/* SPDX-License-Identifier: Apache-2.0
 * Schedules over REST, beyond what every component has: what will be in effect, and calendars from and to iCalendar
 * files. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "services/schedule/schedule.h"
#include "station/base/must.h"
#include "station/value/zone.h"
#include "web/request.h"

/* The schedule that {path...} names; answers 404 or 422 itself. */
static struct component *target(struct request *r, const struct type *type)
{
	const char *path = request_param(r, "path");
	struct component *c = station_by_path(request_station(r), path ? path : "");
	if (!c) {
		request_reply_code(r, E_NOT_FOUND, "There is no component at %.200s.", path);
		return NULL;
	}
	if (type ? component_is(c, type) : schedule_is(c))
		return c;
	request_reply_code(r, E_INVALID, "%.120s is no %s.", c->name, type ? "calendar" : "schedule");
	return NULL;
}

/* A time of the query; answers 400 itself. */
static bool query_time(struct request *r, const char *name, int64_t dflt, int64_t *out)
{
	const char *text = request_query(r, name);
	*out = dflt;
	if (!text || (abstime_parse(text, out) == 0 && *out != ABSTIME_NULL))
		return true;
	request_reply_code(r, E_BAD_REQUEST, "%s must be a time such as 2026-11-20T12:00:00Z.", name);
	return false;
}

static void preview(struct request *r)
{
	struct component *c = target(r, NULL);
	int64_t start, end;
	if (!c || !query_time(r, "start", station_now(request_station(r)), &start) ||
	    !query_time(r, "end", start + 7 * DAY_SECONDS * SECOND_US, &end))
		return;
	struct err e = { 0 };
	json_t *json = schedule_preview(c, start, end, &e);
	if (json)
		request_reply_json(r, 200, json);
	else
		request_reply_code(r, E_BAD_REQUEST, "%s", e.text);
}

static void imported(void *context, int code, const struct err *e, const json_t *json)
{
	struct request *r = context;
	if (code == 0)
		request_reply_json(r, 200, json_deep_copy(json));
	else
		request_reply_code(r, code, "%s", e->text);
}

static bool query_flag(const struct request *r, const char *name)
{
	const char *text = request_query(r, name);
	return text && strcmp(text, "true") == 0;
}

static void import(struct request *r)
{
	struct component *c = target(r, &schedule_calendar);
	int64_t first, last;
	size_t length;
	if (!c || !request_query_integer(r, "first", 0, 0, ZONE_LAST_YEAR, &first) ||
	    !request_query_integer(r, "last", 0, 0, ZONE_LAST_YEAR, &last))
		return;
	const char *text = request_bytes(r, &length);
	if (!text || length == 0 || length > ICAL_MOST) {
		request_reply_code(r, E_BAD_REQUEST, "The body must be an iCalendar file, as text/calendar, of at most 1 MiB.");
		return;
	}
	if (last && last < first) {
		request_reply_code(r, E_BAD_REQUEST, "The last year is before the first.");
		return;
	}
	const struct ical_import i = {
		.station = request_station(r),
		.actor = *request_actor(r),
		.calendar = c->handle,
		.replace = query_flag(r, "replace"),
		.dry = query_flag(r, "dryRun"),
		.first = (int)first,
		.last = (int)last,
		.done = imported,
		.context = r,
	};
	ical_import(&i, text, length);
}

static void export(struct request *r)
{
	struct component *c = target(r, &schedule_calendar);
	if (!c)
		return;
	char *text = ical_export(c), *disposition = must_format("attachment; filename=\"%s.ics\"", c->name);
	request_reply_header(r, "Content-Disposition", disposition);
	request_reply_text(r, 200, "text/calendar; charset=utf-8", text);
	free(disposition);
	free(text);
}

#define STRETCH                                                                                                        \
	"{\"type\":\"object\",\"properties\":{\"start\":{\"type\":\"string\"},\"finish\":{\"type\":\"string\"},"           \
	"\"value\":{\"type\":\"object\"},\"text\":{\"type\":\"string\"},\"kind\":{\"type\":\"string\",\"enum\":"           \
	"[\"default\",\"week\",\"special\",\"notEffective\"]},\"source\":{\"type\":\"string\"},\"local\":{\"type\":"       \
	"\"object\",\"properties\":{\"date\":{\"type\":\"string\"},\"start\":{\"type\":\"string\"},\"finish\":{\"type\":"  \
	"\"string\"}}}}}"
const struct route schedule_routes[] = {
	{ .method = "GET",
	  .pattern = "/components/{path...}/schedule/preview",
	  .role = ROLE_VIEWER,
	  .handle = preview,
	  .query = "start,end",
	  .doc = "What a schedule will do from start (now) to end (a week later), stretch by stretch with its source.",
	  .answer = "{\"type\":\"object\",\"properties\":{\"timeZone\":{\"type\":\"string\"},\"offset\":{\"type\":"
	            "\"integer\"},\"items\":{\"type\":\"array\",\"items\":" STRETCH
	            "},\"next\":{\"type\":[\"string\",\"null\"]}}}" },
	{ .method = "POST",
	  .pattern = "/components/{path...}/schedule/import",
	  .role = ROLE_ADMIN,
	  .flags = ROUTE_LARGE | ROUTE_CALENDAR,
	  .handle = import,
	  .query = "dryRun,replace,first,last",
	  .body = "{\"type\":\"string\"}",
	  .doc = "Adds the whole-day events of an iCalendar file (body: text/calendar) to a calendar; what comes again is "
	         "written out from the first year to the last. Says what was left out, with its line.",
	  .answer =
	      "{\"type\":\"object\",\"properties\":{\"added\":{\"type\":\"integer\"},\"kept\":{\"type\":\"integer\"},"
	      "\"removed\":{\"type\":\"integer\"},\"total\":{\"type\":\"integer\"},\"dryRun\":{\"type\":\"boolean\"},"
	      "\"items\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}},\"notes\":{\"type\":\"array\",\"items\":"
	      "{\"type\":\"object\",\"properties\":{\"line\":{\"type\":\"integer\"},\"detail\":{\"type\":\"string\"}}}}}"
	      "}" },
	{ .method = "GET",
	  .pattern = "/components/{path...}/schedule/export",
	  .role = ROLE_VIEWER,
	  .flags = ROUTE_CALENDAR,
	  .handle = export,
	  .doc = "The calendar as an iCalendar file (text/calendar).",
	  .answer = "{\"type\":\"string\"}" },
	{ 0 },
};
