/* SPDX-License-Identifier: Apache-2.0
 * Finds the row of the route tables that a request means. Patterns are split once at start; a match compares segments.
 * Of several that fit, the one with most literal segments wins: /components/{path...}/links before /components/{path...}.
 * Constant once made: any thread. */
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "web/server.h"

enum part_kind { PART_LITERAL, PART_PARAM, PART_REST /* {name...}: any number of segments, also none */ };
struct part {
	enum part_kind kind;
	const char *text; /* literal, or the parameter's name; into pattern_row.copy */
};
enum { PARTS_MAX = 8 };
struct pattern_row {
	const struct route *route;
	char *copy; /* owned */
	struct part parts[PARTS_MAX];
	size_t count, literals;
	int rest; /* index of the PART_REST, -1 without */
};
struct router {
	struct pattern_row *rows; /* owned */
	size_t count;
};

static void compile(struct pattern_row *row, const struct route *route)
{
	*row = (struct pattern_row){ .route = route, .copy = must_strdup(route->pattern), .rest = -1 };
	for (char *p = row->copy, *save = NULL; (p = strtok_r(p, "/", &save)); p = NULL) {
		must(row->count < PARTS_MAX);
		size_t length = strlen(p);
		struct part part = { PART_LITERAL, p };
		if (*p == '{') {
			bool rest = length > 5 && strcmp(p + length - 4, "...}") == 0;
			part = (struct part){ rest ? PART_REST : PART_PARAM, p + 1 };
			p[length - (rest ? 4 : 1)] = '\0';
		}
		if (part.kind == PART_REST)
			row->rest = (int)row->count;
		row->literals += part.kind == PART_LITERAL;
		row->parts[row->count++] = part;
	}
}

struct router *router_new(const struct route *const *tables)
{
	struct router *router = must_alloc(sizeof *router);
	size_t count = 0;
	for (size_t t = 0; tables[t]; t++)
		for (const struct route *route = tables[t]; route->method; route++)
			count++;
	router->rows = must_alloc((count + 1) * sizeof *router->rows);
	for (size_t t = 0; tables[t]; t++)
		for (const struct route *route = tables[t]; route->method; route++)
			compile(&router->rows[router->count++], route);
	return router;
}

void router_free(struct router **router)
{
	if (!*router)
		return;
	for (size_t i = 0; i < (*router)->count; i++)
		free((*router)->rows[i].copy);
	free((*router)->rows);
	free(*router);
	*router = NULL;
}

const struct route *router_route(const struct router *router, size_t i)
{
	return i < router->count ? router->rows[i].route : NULL;
}

static bool fits(const struct part *part, const struct segment *s)
{
	if (part->kind == PART_PARAM)
		return s->length > 0;
	return strncmp(part->text, s->text, s->length) == 0 && part->text[s->length] == '\0';
}

/* How many segments the rest takes; -1 when the row does not fit. */
static int match_row(const struct pattern_row *row, const struct segment *s, size_t count)
{
	size_t fixed = row->rest < 0 ? row->count : row->count - 1;
	if (count < fixed || (row->rest < 0 && count != fixed))
		return -1;
	size_t taken = count - fixed, before = row->rest < 0 ? row->count : (size_t)row->rest;
	for (size_t i = 0; i < before; i++)
		if (!fits(&row->parts[i], &s[i]))
			return -1;
	for (size_t i = before; i < fixed; i++)
		if (!fits(&row->parts[i + 1], &s[i + taken]))
			return -1;
	return (int)taken;
}

static bool method_fits(const struct route *route, const char *method)
{
	return strcmp(route->method, method) == 0 || (strcmp(route->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

static void add_allow(char *allow, size_t size, const char *method)
{
	if (strstr(allow, method))
		return;
	size_t at = strlen(allow);
	snprintf(allow + at, size - at, "%s%s%s", *allow ? ", " : "", method, strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

/* Copies the parameters behind the decoded target, where request_new left room. */
static void bind_params(struct request *r, const struct pattern_row *row, const struct segment *s, size_t taken)
{
	char *to = r->params_text;
	for (size_t i = 0, at = 0; i < row->count; i++) {
		size_t n = row->parts[i].kind == PART_REST ? taken : 1;
		if (row->parts[i].kind != PART_LITERAL) {
			must(r->param_count < PARAMS_MAX);
			r->params[r->param_count].name = row->parts[i].text;
			r->params[r->param_count++].value = to;
			for (size_t j = at; j < at + n; j++) {
				if (row->parts[i].kind == PART_REST)
					*to++ = '/';
				memcpy(to, s[j].text, s[j].length);
				to += s[j].length;
			}
			*to++ = '\0';
		}
		at += n;
	}
}

int router_match(const struct router *router, struct request *r, char *allow, size_t size)
{
	const struct segment *s = r->segments;
	size_t count = r->segment_count, best_taken = 0;
	bool inside = count >= 2 && s[0].length == 3 && memcmp(s[0].text, "api", 3) == 0 && s[1].length == 2 &&
	    memcmp(s[1].text, "v1", 2) == 0;
	const struct pattern_row *best = NULL;
	s += inside ? 2 : 0;
	count -= inside ? 2 : 0;
	*allow = '\0';
	for (const struct pattern_row *row = router->rows; row < router->rows + router->count; row++) {
		if (!inside && !(row->route->flags & ROUTE_BARE))
			continue;
		int taken = match_row(row, s, count);
		if (taken < 0)
			continue;
		add_allow(allow, size, row->route->method);
		if (method_fits(row->route, r->method) && (!best || row->literals > best->literals)) {
			best = row;
			best_taken = (size_t)taken;
		}
	}
	if (!best)
		return *allow ? E_METHOD : E_NOT_FOUND;
	r->route = best->route;
	bind_params(r, best, s, best_taken);
	return 0;
}
