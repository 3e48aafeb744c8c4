/* SPDX-License-Identifier: Apache-2.0
 * The text of a part: decoded, as UTF-8, with \n at line ends. Of HTML only lines and quotes are kept, so that the first line
 * above the quote is found as in plain text. The child. */
#include <string.h>
#include <strings.h>

#include "services/email/reader/reader_inside.h"

/* --- HTML -------------------------------------------------------------------------------------------------------- */

struct html {
	GString *out;
	const char *at;
	int quotes; /* <blockquote> that are open */
	bool line;  /* something stands in the line */
	bool space; /* white space has come that is not written yet */
};

static void end_line(struct html *h)
{
	if (h->line)
		g_string_append_c(h->out, '\n');
	h->line = h->space = false;
}

static void put(struct html *h, const char *text, size_t length)
{
	if (!h->line)
		for (int i = 0; i < MIN(h->quotes, 8); i++)
			g_string_append(h->out, "> ");
	if (h->line && h->space)
		g_string_append_c(h->out, ' ');
	g_string_append_len(h->out, text, (gssize)length);
	h->line = true;
	h->space = false;
}

static const struct {
	const char *name, *text;
} entities[] = { { "amp", "&" },  { "lt", "<" },   { "gt", ">" },  { "quot", "\"" },
	             { "apos", "'" }, { "nbsp", " " }, { "#39", "'" }, { "#160", " " } };

/* An entity that we know, or the & itself. */
static void put_entity(struct html *h)
{
	for (size_t i = 0; i < G_N_ELEMENTS(entities); i++) {
		size_t n = strlen(entities[i].name);
		if (strncmp(h->at + 1, entities[i].name, n) != 0 || h->at[n + 1] != ';')
			continue;
		if (*entities[i].text == ' ')
			h->space = true;
		else
			put(h, entities[i].text, 1);
		h->at += n + 2;
		return;
	}
	gunichar c = 0;
	char *end = NULL, utf8[8];
	if (h->at[1] == '#')
		c = (gunichar)strtoul(h->at[2] == 'x' || h->at[2] == 'X' ? h->at + 3 : h->at + 2, &end,
		                      h->at[2] == 'x' || h->at[2] == 'X' ? 16 : 10);
	if (end && *end == ';' && g_unichar_validate(c) && c >= ' ') {
		put(h, utf8, (size_t)g_unichar_to_utf8(c, utf8));
		h->at = end + 1;
		return;
	}
	put(h, h->at++, 1);
}

static bool tag_is(const char *name, size_t length, const char *wanted)
{
	return strlen(wanted) == length && strncasecmp(name, wanted, length) == 0;
}

/* Behind the end of an element whose content nobody reads; all of the rest when it does not end. */
static const char *behind(const char *at, const char *name, size_t length)
{
	while ((at = strstr(at, "</"))) {
		at += 2;
		if (strncasecmp(at, name, length) == 0)
			return at + length;
	}
	return NULL;
}

/* What a tag does to lines and quotes. */
static void tag(struct html *h)
{
	static const char *const lines[] = { "br", "p",  "div", "tr", "li",  "ul",   "ol",        "table",
		                                 "hr", "h1", "h2",  "h3", "pre", "body", "blockquote" };
	static const char *const dropped[] = { "style", "script", "head", "title" };
	bool closing = h->at[1] == '/';
	const char *name = h->at + (closing ? 2 : 1), *end = strchr(name, '>');
	size_t length = strcspn(name, " \t\r\n/>");
	for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
		if (tag_is(name, length, lines[i]))
			end_line(h);
	/* What mail programs put around the mail they answer. */
	if (tag_is(name, length, "blockquote"))
		h->quotes = MAX(0, h->quotes + (closing ? -1 : 1));
	for (size_t i = 0; i < G_N_ELEMENTS(dropped) && end && !closing; i++)
		if (tag_is(name, length, dropped[i])) {
			const char *after = behind(end, dropped[i], strlen(dropped[i]));
			end = after ? strchr(after, '>') : NULL;
			break;
		}
	h->at = end ? end + 1 : name + strlen(name);
}

char *mail_html_to_text(const char *html)
{
	struct html h = { .out = g_string_new(NULL), .at = html };
	while (*h.at) {
		if (strncmp(h.at, "<!--", 4) == 0) {
			const char *end = strstr(h.at + 4, "-->");
			h.at = end ? end + 3 : h.at + strlen(h.at);
		} else if (*h.at == '<' && (g_ascii_isalpha(h.at[1]) || (h.at[1] && strchr("/!?", h.at[1])))) {
			tag(&h);
		} else if (*h.at == '&') {
			put_entity(&h);
		} else if (strchr(" \t\r\n", *h.at)) {
			h.space = true;
			h.at++;
		} else {
			size_t n = strcspn(h.at + 1, "<& \t\r\n") + 1;
			put(&h, h.at, n);
			h.at += n;
		}
	}
	end_line(&h);
	return g_string_free(h.out, FALSE);
}

/* --- a part -------------------------------------------------------------------------------------------------------- */

/* The bytes of a part, decoded; NUL becomes a space. Owned by GLib. */
static char *decoded(GMimePart *part)
{
	GMimeDataWrapper *content = g_mime_part_get_content(part);
	if (!content)
		return NULL;
	GByteArray *bytes = g_byte_array_new();
	GMimeStream *memory = g_mime_stream_mem_new_with_byte_array(bytes);
	g_mime_stream_mem_set_owner((GMimeStreamMem *)memory, FALSE);
	ssize_t n = g_mime_data_wrapper_write_to_stream(content, memory);
	g_object_unref(memory);
	for (guint i = 0; i < bytes->len; i++)
		if (bytes->data[i] == '\0')
			bytes->data[i] = ' ';
	g_byte_array_append(bytes, (const guint8 *)"", 1);
	if (n >= 0)
		return (char *)g_byte_array_free(bytes, FALSE);
	g_byte_array_free(bytes, TRUE);
	return NULL;
}

/* In a character set that nobody knows, what is ASCII can still be read: the words that count are. */
static char *to_utf8(char *bytes, const char *charset)
{
	if (!charset || g_utf8_validate(bytes, -1, NULL))
		return bytes;
	char *text = g_convert_with_fallback(bytes, -1, "UTF-8", g_mime_charset_iconv_name(charset), "?", NULL, NULL, NULL);
	if (!text)
		return bytes;
	g_free(bytes);
	return text;
}

static void one_newline(char *text)
{
	char *to = text;
	for (const char *p = text; *p; p++)
		if (*p == '\r') {
			if (p[1] != '\n')
				*to++ = '\n';
		} else {
			*to++ = *p;
		}
	*to = '\0';
}

char *mail_part_text(GMimeObject *part)
{
	if (!GMIME_IS_PART(part))
		return NULL;
	char *text = decoded((GMimePart *)part);
	if (!text)
		return NULL;
	text = to_utf8(text, g_mime_object_get_content_type_parameter(part, "charset"));
	GMimeContentType *type = g_mime_object_get_content_type(part);
	if (type && g_mime_content_type_is_type(type, "text", "html")) {
		char *plain = mail_html_to_text(text);
		g_free(text);
		return plain;
	}
	one_newline(text);
	return text;
}
