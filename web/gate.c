/* SPDX-License-Identifier: Apache-2.0
 * The gate: what libmicrohttpd 0.9.75 lets pass and a strict parser (RFC 9112) must refuse, because two parsers that
 * disagree are how requests are smuggled: ambiguous lengths, control bytes, encoded slashes and dots. Web thread. */
#include <string.h>
#include <strings.h>

#include "station/must.h"
#include "web/server.h"

struct headers {
	int lengths, encodings, hosts;
	const char *wrong;
};

static bool is_token(const char *name, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)name[i];
		if (c <= ' ' || c >= 0x7f || strchr("()<>@,;:\\\"/[]?={}", c))
			return false;
	}
	return length > 0;
}

static bool has_control(const char *value, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)value[i];
		if ((c < ' ' && c != '\t') || c == 0x7f)
			return true;
	}
	return false;
}

static bool is_number(const char *value, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (value[i] < '0' || value[i] > '9')
			return false;
	return length > 0 && length < 19;
}

static bool named(const char *name, size_t length, const char *known)
{
	return length == strlen(known) && strncasecmp(name, known, length) == 0;
}

static enum MHD_Result look(void *context, enum MHD_ValueKind kind, const char *name, size_t name_length, const char *value, size_t value_length)
{
	(void)kind;
	struct headers *h = context;
	if (!is_token(name, name_length))
		h->wrong = "a header's name holds a character that is not allowed";
	else if (value && has_control(value, value_length))
		h->wrong = "a header holds a control character";
	else if (named(name, name_length, "Content-Length") && (h->lengths++ || !value || !is_number(value, value_length)))
		h->wrong = "Content-Length must stand once and be a number";
	else if (named(name, name_length, "Transfer-Encoding") && (h->encodings++ || !value || !named(value, value_length, "chunked")))
		h->wrong = "the only Transfer-Encoding is chunked, once";
	else if (named(name, name_length, "Host") && (h->hosts++ || !value || value_length == 0 || memchr(value, '/', value_length) || memchr(value, '@', value_length)))
		h->wrong = "Host must stand once and be a host";
	return MHD_YES;
}

/* Segments "." and ".." and what an encoding could hide. */
static const char *wrong_uri(const char *uri)
{
	size_t end = strcspn(uri, "?");
	if (*uri != '/')
		return "the target must be a path";
	for (const char *p = uri; *p; p++) {
		unsigned char c = (unsigned char)*p;
		if (c <= ' ' || c >= 0x7f || strchr("\\<>\"{}|^`#", c))
			return "the path holds a character that must be encoded";
		if (c != '%')
			continue;
		static const char hex[] = "0123456789abcdefABCDEF";
		if (!p[1] || !p[2] || !strchr(hex, p[1]) || !strchr(hex, p[2]))
			return "a percent sign is not followed by two hexadecimal digits";
		if (p[1] == '0' || p[1] == '1' || strncasecmp(p, "%7f", 3) == 0)
			return "the path holds an encoded control character";
		if (p < uri + end && (strncasecmp(p, "%2f", 3) == 0 || strncasecmp(p, "%5c", 3) == 0 || strncasecmp(p, "%2e", 3) == 0))
			return "the path holds an encoded slash, backslash or dot";
	}
	for (const char *p = uri; p && p < uri + end; p = strchr(p + 1, '/')) {
		size_t n = strcspn(p + 1, "/?");
		if ((n == 1 && p[1] == '.') || (n == 2 && p[1] == '.' && p[2] == '.'))
			return "the path holds a dot segment";
	}
	return NULL;
}

static bool known_method(const char *method)
{
	static const char *const methods[] = { "GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS" };
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (strcmp(methods[i], method) == 0)
			return true;
	return false;
}

int gate_check(struct MHD_Connection *connection, const char *uri, const char *method, const char *version, struct err *e)
{
	struct headers h = { 0 };
	const char *wrong = wrong_uri(uri);
	MHD_get_connection_values_n(connection, MHD_HEADER_KIND, look, &h);
	if (!wrong)
		wrong = h.wrong;
	if (!wrong && h.lengths && h.encodings)
		wrong = "Content-Length and Transfer-Encoding must not stand together";
	if (!wrong && strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
		wrong = "the protocol must be HTTP/1.1";
	if (!wrong && strcmp(version, "HTTP/1.0") == 0 && h.encodings)
		wrong = "HTTP/1.0 has no Transfer-Encoding";
	if (!wrong && strcmp(version, "HTTP/1.1") == 0 && h.hosts != 1)
		wrong = "Host is missing";
	if (!wrong && !known_method(method))
		wrong = "the method is not known";
	if (!wrong && strlen(uri) > 8000)
		wrong = "the path is too long";
	return wrong ? err_set(e, E_BAD_REQUEST, NULL, "The request is ambiguous or malformed: %s.", wrong) : 0;
}
