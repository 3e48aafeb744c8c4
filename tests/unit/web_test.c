/* SPDX-License-Identifier: Apache-2.0
 * The web server's tables without a socket: targets that the gate takes and refuses, hosts, JSON bounds, routes and
 * their parameters, ETags. tests/system/http.test.mjs drives the rest over TLS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "station/base/must.h"
#include "web/server.h"

static struct web *no_web(void)
{
	static struct web web;
	return &web;
}

static struct request *make(const char *method, const char *target)
{
	struct request *r = request_new(no_web(), target);
	r->method = method;
	r->kept[KEPT_HOST] = "a.example:8443";
	return r;
}

/* --- the gate ------------------------------------------------------------------------------------------------------ */

static const struct {
	const char *target, *path;
} targets[] = {
	{ "/", "/" },
	{ "/a/b", "/a/b" },
	{ "/a%20b/%C3%A4", "/a b/\xc3\xa4" },
	{ "/a/?x=1", "/a/" },
	{ "https://a.example:8443/x", "/x" },
	{ "HTTPS://A.example:8443/x?y", "/x" },
	{ "/$20/a:b@c", "/$20/a:b@c" },
	{ "/...", "/..." },
	{ "", NULL },
	{ "*", NULL },
	{ "a", NULL },
	{ "http://a.example:8443/x", NULL },
	{ "https://evil/x", NULL },
	{ "https://a.example:8443.evil/x", NULL },
	{ "https://a.example:8443@evil/x", NULL },
	{ "/a/../b", NULL },
	{ "/a/.", NULL },
	{ "/..", NULL },
	{ "/%2e%2e/b", NULL },
	{ "/.%2E/b", NULL },
	{ "/a%2fb", NULL },
	{ "/a%5Cb", NULL },
	{ "/a\\b", NULL },
	{ "/a%00b", NULL },
	{ "/a%0d%0ab", NULL },
	{ "/a%7f", NULL },
	{ "/a%zz", NULL },
	{ "/a%4", NULL },
	{ "/a%", NULL },
	{ "/a b", NULL },
	{ "/a#b", NULL },
	{ "/\xc3\xa4", NULL },
	{ "/%c3", NULL },
	{ "/%ed%a0%80", NULL },
	{ "/%c0%af", NULL },
	{ "/?a=%00", NULL },
	{ "/?a=%zz", NULL },
	{ "/?a=%ff", NULL },
	{ "/?1&2&3&4&5&6&7&8&9&10&11&12&13&14&15&16&17", NULL },
	{ "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23/24/25/26/27/28/29/30/31/32/33/34/35/36/37/38/39/40/"
	  "41/42/43/44/45/46/47/48/49",
	  NULL },
};

static void takes_and_refuses_targets(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		struct request *r = make("GET", targets[i].target);
		struct err e = { 0 };
		int rc = gate_target(r, &e);
		if (targets[i].path && rc == 0)
			assert_string_equal(r->path, targets[i].path);
		if ((rc == 0) != (targets[i].path != NULL))
			fail_msg("%s: %d %s", targets[i].target, rc, e.text);
		assert_true(rc == 0 || (rc == E_BAD_REQUEST && *e.text));
		request_drop(r);
	}
}

static void reads_queries(void **state)
{
	(void)state;
	struct request *r = make("GET", "/x?a=1&b=%26%3d+%2b&c&d=&a=2");
	assert_int_equal(gate_target(r, NULL), 0);
	assert_string_equal(request_query(r, "a"), "1");
	assert_string_equal(request_query(r, "b"), "&= +");
	assert_string_equal(request_query(r, "c"), "");
	assert_string_equal(request_query(r, "d"), "");
	assert_null(request_query(r, "e"));
	request_drop(r);
}

static void takes_and_refuses_hosts(void **state)
{
	(void)state;
	static const char *const good[] = { "a",     "a.example",     "a.example:1", "127.0.0.1:8443",
		                                "[::1]", "[fe80::1]:443", "a_b" };
	static const char *const bad[] = { "",    ":1",   "a:", "a:x",    "a:123456", "a b", "u@a",
		                               "a/b", "[::1", "[]", "[::1]x", "a%41",     "a,b", "a\tb" };
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (!gate_host(good[i]))
			fail_msg("refused %s", good[i]);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (gate_host(bad[i]))
			fail_msg("took %s", bad[i]);
}

static void bounds_json(void **state)
{
	(void)state;
	char text[2 * JSON_VALUES + 8];
	memset(text, '[', sizeof text);
	assert_int_equal(gate_json(text, JSON_DEPTH, false, NULL), 0);
	assert_int_equal(gate_json(text, JSON_DEPTH + 1, false, NULL), E_BAD_REQUEST);
	text[0] = '"'; /* brackets in a string are text */
	assert_int_equal(gate_json(text, sizeof text, false, NULL), 0);
	static const char quoted[] = "\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"";
	assert_int_equal(gate_json(quoted, strlen(quoted), false, NULL), 0);
	memset(text, ',', sizeof text);
	assert_int_equal(gate_json(text, JSON_VALUES - 1, false, NULL), 0);
	assert_int_equal(gate_json(text, JSON_VALUES, false, NULL), E_BAD_REQUEST);
}

/* --- the router ---------------------------------------------------------------------------------------------------- */

static const struct route first[] = {
	{ .method = "GET", .pattern = "/things/{path...}", .doc = "tree" },
	{ .method = "PATCH", .pattern = "/things/{path...}", .doc = "patch" },
	{ .method = "GET", .pattern = "/things/{path...}/links", .doc = "links" },
	{ .method = "POST", .pattern = "/things/{path...}/actions/{name}", .doc = "action" },
	{ .method = NULL },
};
static const struct route second[] = {
	{ .method = "GET", .pattern = "/one/{id}", .doc = "one" },
	{ .method = "POST", .pattern = "/one/import", .doc = "import" },
	{ .method = "GET", .pattern = "/ready", .flags = ROUTE_BARE, .doc = "ready" },
	{ .method = NULL },
};
static const struct route *const tables[] = { first, second, NULL };

static const struct {
	const char *method, *target, *doc, *param, *value;
	int code;
	const char *allow;
} matches[] = {
	{ "GET", "/api/v1/things", "tree", "path", "", 0, NULL },
	{ "GET", "/api/v1/things/", "tree", "path", "", 0, NULL },
	{ "HEAD", "/api/v1/things/a/b", "tree", "path", "/a/b", 0, NULL },
	{ "GET", "/api/v1/things/a/links", "links", "path", "/a", 0, NULL },
	{ "GET", "/api/v1/things/links", "links", "path", "", 0, NULL },
	{ "POST", "/api/v1/things/a/b/actions/go", "action", "path", "/a/b", 0, NULL },
	{ "POST", "/api/v1/things/a/b/actions/go", "action", "name", "go", 0, NULL },
	{ "GET", "/api/v1/one/a:25", "one", "id", "a:25", 0, NULL },
	{ "POST", "/api/v1/one/import", "import", NULL, NULL, 0, NULL },
	{ "GET", "/ready", "ready", NULL, NULL, 0, NULL },
	{ "GET", "/api/v1/ready", "ready", NULL, NULL, 0, NULL },
	{ "POST", "/api/v1/one/x", NULL, NULL, NULL, E_METHOD, "GET, HEAD" },
	{ "DELETE", "/api/v1/things/x", NULL, NULL, NULL, E_METHOD, "GET, HEAD, PATCH" },
	{ "GET", "/api/v1/one", NULL, NULL, NULL, E_NOT_FOUND, "" },
	{ "GET", "/api/v1/one/", NULL, NULL, NULL, E_NOT_FOUND, "" },
	{ "GET", "/api/v1/thing", NULL, NULL, NULL, E_NOT_FOUND, "" },
	{ "GET", "/api/v1/thingss", NULL, NULL, NULL, E_NOT_FOUND, "" },
	{ "GET", "/things/a", NULL, NULL, NULL, E_NOT_FOUND, "" },
	{ "GET", "/api/v2/things", NULL, NULL, NULL, E_NOT_FOUND, "" },
	{ "GET", "/api//v1/things", NULL, NULL, NULL, E_NOT_FOUND, "" },
};

static void matches_routes(void **state)
{
	(void)state;
	struct router *router = router_new(tables);
	for (size_t i = 0; i < ARRAY_SIZE(matches); i++) {
		struct request *r = make(matches[i].method, matches[i].target);
		char allow[80];
		assert_int_equal(gate_target(r, NULL), 0);
		int rc = router_match(router, r, allow, sizeof allow);
		if (rc != matches[i].code || (rc == 0 && strcmp(r->route->doc, matches[i].doc) != 0))
			fail_msg("%s %s: %d %s", matches[i].method, matches[i].target, rc, r->route ? r->route->doc : "");
		if (matches[i].param)
			assert_string_equal(request_param(r, matches[i].param), matches[i].value);
		if (matches[i].allow)
			assert_string_equal(allow, matches[i].allow);
		request_drop(r);
	}
	router_free(&router);
	assert_null(router);
}

/* --- answers ------------------------------------------------------------------------------------------------------- */

static void finds_etags(void **state)
{
	(void)state;
	assert_true(etag_listed("\"a-1\"", "\"a-1\""));
	assert_true(etag_listed("\"b\", \"a-1\"", "\"a-1\""));
	assert_true(etag_listed("W/\"a-1\",\"b\"", "\"a-1\""));
	assert_true(etag_listed("*", "\"a-1\""));
	assert_false(etag_listed(NULL, "\"a-1\""));
	assert_false(etag_listed("", "\"a-1\""));
	assert_false(etag_listed("\"a-11\"", "\"a-1\""));
	assert_false(etag_listed("a-1", "\"a-1\""));
}

static void tells_problems(void **state)
{
	(void)state;
	struct report report;
	report_init(&report, "/values");
	report_error(&report, E_INVALID, "port", "Too large.");
	report_warning(&report, "host", "Unwise.");
	char *text = problem_text(E_INVALID, "bad \xff bytes", &report, false);
	json_t *json = json_loads(text, 0, NULL);
	assert_int_equal(json_integer_value(json_object_get(json, "status")), 422);
	assert_int_equal(json_array_size(json_object_get(json, "errors")), 1);
	assert_string_equal(
	    json_string_value(json_object_get(json_array_get(json_object_get(json, "errors"), 0), "pointer")),
	    "/values/port");
	assert_non_null(json_string_value(json_object_get(json, "detail")));
	json_decref(json);
	free(text);
	report_finish(&report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_and_refuses_targets),
		cmocka_unit_test(reads_queries),
		cmocka_unit_test(takes_and_refuses_hosts),
		cmocka_unit_test(bounds_json),
		cmocka_unit_test(matches_routes),
		cmocka_unit_test(finds_etags),
		cmocka_unit_test(tells_problems),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
