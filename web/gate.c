/* SPDX-License-Identifier: Apache-2.0
 * The gate: refuses every request that two parsers could read in two ways (RFC 9112 section 11.2). libmicrohttpd
 * 0.9.75 is lenient: it takes bare line feeds, folded lines, NUL bytes, two lengths, a length beside an encoding. What
 * it gives us are pointers into its read buffer, and these tell: in a well-formed header each piece begins exactly
 * where the one before it ended, CR LF apart. Web thread; no state. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "station/base/must.h"
#include "web/server.h"

static const char *const kept_names[KEPT_COUNT] = {
	[KEPT_HOST] = "Host",
	[KEPT_CONTENT_LENGTH] = "Content-Length",
	[KEPT_CONTENT_TYPE] = "Content-Type",
	[KEPT_COOKIE] = "Cookie",
	[KEPT_AUTHORIZATION] = "Authorization",
	[KEPT_CSRF] = "X-Belfry-Csrf",
	[KEPT_ORIGIN] = "Origin",
	[KEPT_FETCH_SITE] = "Sec-Fetch-Site",
	[KEPT_IF_MATCH] = "If-Match",
	[KEPT_IF_NONE_MATCH] = "If-None-Match",
	[KEPT_LAST_EVENT_ID] = "Last-Event-ID",
	[KEPT_USER_AGENT] = "User-Agent",
};

static bool token_char(unsigned char c)
{
	return isalnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool control_char(unsigned char c)
{
	return c < 0x20 || c == 0x7f;
}

/* --- the header ---------------------------------------------------------------------------------------------------- */

struct scan {
	const char *kept[KEPT_COUNT];
	const char *at;    /* where the next header line must begin */
	const char *wrong; /* the first thing that is wrong */
	bool encoded;
};

/* MHD ends each piece with NUL in place of ':' or CR LF, so that a piece with a NUL of its own is too short for the next. */
static bool in_one_piece(struct scan *scan, const char *name, const char *value)
{
	const char *behind = name + strlen(name) + 1;
	behind += strspn(behind, " \t");
	bool whole = name == scan->at && behind == value;
	scan->at = value + strlen(value) + 2;
	return whole || MHD_VERSION >= 0x01000000; /* whose own parser is strict */
}

static void keep(struct scan *scan, const char *name, const char *value)
{
	for (size_t i = 0; i < KEPT_COUNT; i++) {
		if (strcasecmp(kept_names[i], name) != 0)
			continue;
		if (scan->kept[i])
			scan->wrong = "A header that may come once came twice.";
		scan->kept[i] = value;
		return;
	}
}

static enum MHD_Result scan_header(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void)kind;
	struct scan *scan = context;
	value = value ? value : "";
	if (!in_one_piece(scan, name, value)) {
		scan->wrong = "The header is not in the form that RFC 9112 asks for: lines end with CR LF and are not folded.";
		return MHD_NO;
	}
	for (const char *p = name; *p || p == name; p++)
		if (!token_char((unsigned char)*p))
			scan->wrong = "A header name has a character that is not allowed.";
	for (const char *p = value; *p; p++)
		if (control_char((unsigned char)*p) && *p != '\t')
			scan->wrong = "A header has a control character.";
	if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0)
		scan->encoded = true;
	keep(scan, name, value);
	return scan->wrong ? MHD_NO : MHD_YES;
}

static const char *scan_all(struct scan *scan, struct request *r, struct MHD_Connection *mhd, const char *method,
                            const char *version)
{
	static const char torn[] = "The request line is not in the form that RFC 9112 asks for.";
	bool strict = MHD_VERSION < 0x01000000;
	if (strict && (method + strlen(method) + 1 != r->line || r->line + strlen(r->raw) + 1 != version))
		return torn;
	if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
		return "The station speaks HTTP/1.1.";
	scan->at = version + strlen(version) + 2;
	MHD_get_connection_values(mhd, MHD_HEADER_KIND, scan_header, scan);
	if (scan->wrong)
		return scan->wrong;
	const union MHD_ConnectionInfo *size = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	return strict && size && scan->at + 2 != method + size->header_size ? torn : NULL;
}

static bool all_digits(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == '\0';
}

/* What the pieces say together. */
static const char *scan_meaning(const struct scan *scan, const struct request *r, const char *version)
{
	const char *length = scan->kept[KEPT_CONTENT_LENGTH], *host = scan->kept[KEPT_HOST];
	if (scan->encoded)
		return "Transfer-Encoding is not accepted; send Content-Length.";
	if (length && !all_digits(length))
		return "Content-Length must be a number.";
	if (!host && strcmp(version, "HTTP/1.1") == 0)
		return "The Host header is missing.";
	if (host && !gate_host(host))
		return "The Host header is not a name or address with an optional port.";
	if (length && !r->changing && strspn(length, "0") != strlen(length))
		return "A request that changes nothing has no body.";
	return NULL;
}

/* Copies what is kept into memory of the request: MHD's own ends with the connection. */
static void copy_kept(struct request *r, const struct scan *scan)
{
	size_t size = 1;
	for (size_t i = 0; i < KEPT_COUNT; i++)
		size += scan->kept[i] ? strlen(scan->kept[i]) + 1 : 0;
	char *p = r->kept_text = must_alloc(size);
	r->kept_size = size;
	for (size_t i = 0; i < KEPT_COUNT; i++) {
		if (!scan->kept[i])
			continue;
		size_t length = strlen(scan->kept[i]) + 1;
		r->kept[i] = memcpy(p, scan->kept[i], length);
		p += length;
	}
}

static const struct {
	const char *name;
	bool changing;
} methods[] = {
	{ "GET", false },  { "HEAD", false },  { "OPTIONS", false }, { "POST", true },
	{ "PATCH", true }, { "DELETE", true }, { "PUT", true },
};

static bool known_method(struct request *r, const char *method)
{
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		if (strcmp(methods[i].name, method) == 0) {
			r->method = methods[i].name;
			r->changing = methods[i].changing;
			r->head = strcmp(method, "HEAD") == 0;
			return true;
		}
	}
	return false;
}

int gate_header(struct request *r, struct MHD_Connection *mhd, const char *method, const char *version, struct err *e)
{
	struct scan scan = { .wrong = NULL };
	bool known = known_method(r, method);
	const char *wrong = scan_all(&scan, r, mhd, method, version);
	if (!wrong)
		wrong = scan_meaning(&scan, r, version);
	if (wrong)
		return err_set(e, E_BAD_REQUEST, NULL, "%s", wrong);
	if (!known)
		return err_set(e, E_UNSUPPORTED, NULL, "This method is not known here.");
	copy_kept(r, &scan);
	return 0;
}

/* --- the host ------------------------------------------------------------------------------------------------------ */

/* uri-host [ ":" port ], RFC 3986 3.2.2: no user, no percent, nothing that needs thought. */
bool gate_host(const char *host)
{
	size_t name;
	if (*host == '[') {
		name = 1 + strspn(host + 1, "0123456789abcdefABCDEF:.");
		if (name < 3 || host[name] != ']')
			return false;
		name++;
	} else {
		name = strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._");
		if (name == 0 || name > 253)
			return false;
	}
	if (host[name] == '\0')
		return true;
	return host[name] == ':' && all_digits(host + name + 1) && strlen(host + name + 1) <= 5;
}

/* --- the target ---------------------------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One character of the target, decoded: its value, or -1 when it is malformed or may not be there. */
static int decode(const char **p, bool query)
{
	unsigned char c = (unsigned char)*(*p)++;
	if (c == '%') {
		int high = hex_digit(**p), low = high < 0 ? -1 : hex_digit((*p)[1]);
		if (low < 0)
			return -1;
		*p += 2;
		c = (unsigned char)(high * 16 + low);
		if (!query && (c == '/' || c == '\\'))
			return -1;
		return control_char(c) ? -1 : c;
	}
	if (control_char(c) || c >= 0x80 || c == '\\' || c == ' ' || c == '#')
		return -1;
	return query && c == '+' ? ' ' : c;
}

static bool valid_utf8(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	while (*p) {
		int more = *p < 0x80          ? 0
		    : *p >= 0xc2 && *p < 0xe0 ? 1
		    : (*p & 0xf0) == 0xe0     ? 2
		    : *p >= 0xf0 && *p < 0xf5 ? 3
		                              : -1;
		if (more < 0 || (*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) || (*p == 0xf0 && p[1] < 0x90) ||
		    (*p == 0xf4 && p[1] > 0x8f))
			return false;
		for (p++; more > 0; more--, p++)
			if ((*p & 0xc0) != 0x80)
				return false;
	}
	return true;
}

/* Is the segment that ends at end one that a file system would walk by? */
static bool dot_segment(const char *start, const char *end)
{
	size_t length = (size_t)(end - start);
	return (length == 1 && *start == '.') || (length == 2 && start[0] == '.' && start[1] == '.');
}

/* Decodes the path up to '?' or the end; the segments point into it. */
static const char *split_path(struct request *r, const char **p, char **out)
{
	char *to = *out, *start = NULL;
	r->path = to;
	for (;;) {
		bool end = **p == '\0' || **p == '?', slash = **p == '/';
		if ((end || slash) && start) {
			if (dot_segment(start, to))
				return "The path has a dot segment.";
			if (r->segment_count == SEGMENTS_MAX)
				return "The path has too many segments.";
			r->segments[r->segment_count++] = (struct segment){ start, (size_t)(to - start) };
		}
		if (end)
			break;
		int c = decode(p, false);
		if (c < 0)
			return "The path has a character that is not allowed, or is wrongly escaped.";
		*to++ = (char)c;
		if (slash)
			start = to;
	}
	if (r->segment_count > 1 && r->segments[r->segment_count - 1].length == 0)
		r->segment_count--; /* one slash at the end is only that */
	*to++ = '\0';
	*out = to;
	return valid_utf8(r->path) ? NULL : "The path is not UTF-8.";
}

static const char *split_query(struct request *r, const char *p, char *to)
{
	while (*p) {
		if (r->query_count == QUERY_MAX)
			return "The query has too many parameters.";
		char *name = to, *value = NULL;
		for (; *p && *p != '&';) {
			if (*p == '=' && !value) {
				*to++ = '\0';
				value = to;
				p++;
				continue;
			}
			int c = decode(&p, true);
			if (c < 0)
				return "The query has a character that is not allowed, or is wrongly escaped.";
			*to++ = (char)c;
		}
		*to++ = '\0';
		value = value ? value : to - 1;
		if (!valid_utf8(name) || !valid_utf8(value))
			return "The query is not UTF-8.";
		r->query[r->query_count].name = name;
		r->query[r->query_count++].value = value;
		p += *p == '&';
	}
	return NULL;
}

int gate_target(struct request *r, struct err *e)
{
	const char *p = r->raw, *wrong = NULL;
	char *to = r->raw + strlen(r->raw) + 1;   /* request_new left room */
	if (strncasecmp(p, "https://", 8) == 0) { /* absolute form: as good as its host is ours */
		const char *host = r->kept[KEPT_HOST];
		size_t length = strcspn(p + 8, "/?");
		if (!host || strlen(host) != length || strncasecmp(host, p + 8, length) != 0)
			return err_set(e, E_BAD_REQUEST, NULL, "The request names another host than its Host header.");
		p += 8 + length;
	}
	if (*p != '/')
		return err_set(e, E_BAD_REQUEST, NULL, "The request target must be a path.");
	wrong = split_path(r, &p, &to);
	if (!wrong && *p == '?')
		wrong = split_query(r, p + 1, to);
	return wrong ? err_set(e, E_BAD_REQUEST, NULL, "%s", wrong) : 0;
}

/* --- the body ------------------------------------------------------------------------------------------------------ */

/* Before the parser sees it: a megabyte of "[{},{}," would become a hundred in memory. */
int gate_json(const char *text, size_t length, bool config, struct err *e)
{
	const int deepest = config ? JSON_CONFIG_DEPTH : JSON_DEPTH, most = config ? JSON_CONFIG_VALUES : JSON_VALUES;
	int depth = 0, values = 1;
	bool quoted = false;
	for (size_t i = 0; i < length; i++) {
		char c = text[i];
		if (quoted) {
			if (c == '\\')
				i++;
			quoted = c != '"';
		} else if (c == '"') {
			quoted = true;
		} else if (c == '{' || c == '[') {
			values++;
			if (++depth > deepest)
				return err_set(e, E_BAD_REQUEST, NULL, "The JSON is nested deeper than %d.", deepest);
		} else if (c == '}' || c == ']') {
			depth--;
		} else if (c == ',' && ++values > most) {
			return err_set(e, E_BAD_REQUEST, NULL, "The JSON has more than %d values.", most);
		}
	}
	return 0;
}
