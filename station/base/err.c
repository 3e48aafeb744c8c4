/* SPDX-License-Identifier: Apache-2.0
 * Error values and reports: see err.h. The codes and their properties are the rows of err.def. Any thread. */
#include "station/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"

static const struct row {
	const char *name;
	int http;
	enum err_scope scope;
	enum err_retry retry;
	const char *text;
} rows[E_COUNT] = {
	[E_NONE] = { "NONE", 200, SCOPE_VALUE, RETRY_NEVER, "" },
#define ERR(name, http, scope, retry, text) [E_##name##_ROW] = { #name, http, SCOPE_##scope, RETRY_##retry, text },
#include "station/base/err.def"
#undef ERR
};

static const struct row *row(int code)
{
	int i = code < 0 ? -code : code;
	return &rows[i < E_COUNT ? i : E_INTERNAL_ROW];
}

int err_http(int code)
{
	return row(code)->http;
}

enum err_scope err_scope(int code)
{
	return row(code)->scope;
}

enum err_retry err_retry(int code)
{
	return row(code)->retry;
}

const char *err_name(int code)
{
	return row(code)->name;
}

const char *err_text(int code)
{
	return row(code)->text;
}

/* How many bytes the UTF-8 character there has; 0: it is none, or only a part of one. */
static size_t utf8_size(const char *text)
{
	unsigned char lead = (unsigned char)*text;
	size_t size = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 0;
	for (size_t i = 1; i < size; i++)
		if (((unsigned char)text[i] & 0xC0) != 0x80)
			return 0;
	return size;
}

/* A cut, at the end or by "%.60s" in the middle, must not leave a part of a character behind: JSON would refuse all of
 * the text, and an error would go unnamed. */
static void trim_utf8(char *text)
{
	char *to = text;
	for (const char *from = text; *from;) {
		size_t size = utf8_size(from);
		memmove(to, from, size);
		to += size;
		from += size ? size : 1;
	}
	*to = '\0';
}

int err_set(struct err *e, int code, const char *slot, const char *format, ...)
{
	if (!e)
		return code;
	char text[sizeof e->text]; /* arguments may point into *e */
	va_list ap;
	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	trim_utf8(text);
	char name[sizeof e->slot];
	snprintf(name, sizeof name, "%s", slot ? slot : "");
	trim_utf8(name);
	*e = (struct err){ .code = code };
	memcpy(e->text, text, sizeof text);
	memcpy(e->slot, name, sizeof name);
	return code;
}

int err_wrap(struct err *e, const char *format, ...)
{
	if (!e)
		return E_INTERNAL;
	char text[sizeof e->text], whole[2 * sizeof e->text + 2];
	va_list ap;
	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	snprintf(whole, sizeof whole, "%s: %s", text, e->text);
	snprintf(e->text, sizeof e->text, "%.*s", (int)sizeof e->text - 1, whole);
	trim_utf8(e->text);
	return e->code;
}

void report_init(struct report *r, const char *prefix)
{
	*r = (struct report){ 0 };
	snprintf(r->prefix, sizeof r->prefix, "%s", prefix ? prefix : "");
}

void report_finish(struct report *r)
{
	for (size_t i = 0; i < r->count; i++) {
		free(r->items[i].pointer);
		free(r->items[i].detail);
	}
	free(r->items);
	*r = (struct report){ 0 };
}

static void report_add(struct report *r, bool warning, int code, const char *slot, const char *format, va_list ap)
{
	enum { MOST = 1000 }; /* a request of many mistakes is answered with the first thousand */
	if (r->count >= MOST)
		return;
	char text[512];
	vsnprintf(text, sizeof text, format, ap);
	trim_utf8(text);
	r->items = must_realloc(r->items, (r->count + 1) * sizeof *r->items);
	r->items[r->count++] = (struct finding){
		.warning = warning,
		.code = code,
		.pointer = slot && *slot ? must_format("%s/%s", r->prefix, slot) : must_strdup(r->prefix),
		.detail = must_strdup(text),
	};
	trim_utf8(r->items[r->count - 1].pointer);
	if (!warning)
		r->errors++;
}

void report_error(struct report *r, int code, const char *slot, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	report_add(r, false, code, slot, format, ap);
	va_end(ap);
}

void report_warning(struct report *r, const char *slot, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	report_add(r, true, 0, slot, format, ap);
	va_end(ap);
}

int report_first(const struct report *r, struct err *e)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct finding *f = &r->items[i];
		if (f->warning)
			continue;
		const char *slot = strrchr(f->pointer, '/');
		return err_set(e, f->code, slot ? slot + 1 : "", "%s", f->detail);
	}
	return 0;
}
