/* SPDX-License-Identifier: Apache-2.0
 * Messages by GMime: see message.h. */
#include "services/email/message.h"

#include <gmime/gmime.h>
#include <stdlib.h>
#include <string.h>

#include "station/must.h"

enum { SUBJECT_MAX = 300 };

/* Text for a header: one line, valid UTF-8, not without end. */
static char *header_text(const char *text)
{
	char *valid = g_utf8_make_valid(text, (gssize)strnlen(text, 4 * SUBJECT_MAX));
	for (unsigned char *p = (unsigned char *)valid; *p; p++)
		if (*p < ' ' || *p == 0x7f)
			*p = ' ';
	char **pieces = g_strsplit(valid, "=?", -1); /* GMime would leave it to readers, who decode it */
	g_free(valid);
	valid = g_strjoinv("= ?", pieces);
	g_strfreev(pieces);
	if (g_utf8_strlen(valid, -1) > SUBJECT_MAX) {
		char *cut = g_utf8_substring(valid, 0, SUBJECT_MAX - 1), *dots = g_strconcat(cut, "\u2026", NULL);
		g_free(cut);
		g_free(valid);
		valid = dots;
	}
	return valid;
}

static void add(GMimeMessage *message, GMimeAddressType type, const struct message_address *a)
{
	char *name = header_text(a->name ? a->name : "");
	g_mime_message_add_mailbox(message, type, *name ? name : NULL, a->address);
	g_free(name);
}

static GMimePart *text_part(const char *body)
{
	char *valid = g_utf8_make_valid(body, -1);
	GMimePart *part = g_mime_part_new_with_type("text", "plain");
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer(valid, strlen(valid));
	GMimeDataWrapper *content = g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT);
	g_mime_object_set_content_type_parameter(GMIME_OBJECT(part), "charset", "utf-8");
	g_mime_part_set_content(part, content);
	g_mime_part_set_content_encoding(part, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
	g_object_unref(content);
	g_object_unref(stream);
	g_free(valid);
	return part;
}

/* Every line ends with CR LF, whatever GMime or the text had: a bare LF is how mails are smuggled. */
static char *to_crlf(const char *text, size_t length, size_t *out_length)
{
	char *out = must_alloc(2 * length + 3), *p = out;
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\r')
			continue;
		if (text[i] == '\n')
			*p++ = '\r';
		*p++ = text[i];
	}
	if (p == out || p[-1] != '\n') {
		*p++ = '\r';
		*p++ = '\n';
	}
	*out_length = (size_t)(p - out);
	return out;
}

char *message_build(const struct message_parts *p, size_t *length)
{
	g_mime_init(); /* counts its calls */
	GMimeMessage *message = g_mime_message_new(TRUE);
	add(message, GMIME_ADDRESS_TYPE_FROM, &p->from);
	if (*p->reply_to.address)
		add(message, GMIME_ADDRESS_TYPE_REPLY_TO, &p->reply_to);
	for (size_t i = 0; i < p->to_count; i++)
		add(message, GMIME_ADDRESS_TYPE_TO, &p->to[i]);
	for (size_t i = 0; i < p->cc_count; i++)
		add(message, GMIME_ADDRESS_TYPE_CC, &p->cc[i]);
	char *subject = header_text(p->subject);
	g_mime_message_set_subject(message, subject, "utf-8");
	g_free(subject);
	GDateTime *date = g_date_time_new_from_unix_local(p->date / 1000000);
	g_mime_message_set_date(message, date);
	g_date_time_unref(date);
	g_mime_message_set_message_id(message, p->message_id);
	g_mime_object_set_header(GMIME_OBJECT(message), "Auto-Submitted", "auto-generated", NULL); /* RFC 3834 */
	GMimePart *part = text_part(p->body);
	g_mime_message_set_mime_part(message, GMIME_OBJECT(part));
	char *text = g_mime_object_to_string(GMIME_OBJECT(message), NULL);
	char *wire = to_crlf(text, strlen(text), length);
	g_free(text);
	g_object_unref(part);
	g_object_unref(message);
	return wire;
}
