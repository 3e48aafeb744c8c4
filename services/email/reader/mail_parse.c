/* SPDX-License-Identifier: Apache-2.0
 * A whole message becomes a struct parsed_mail: GMime takes it apart, one walk over its parts finds the first text and the
 * parts of a report. The child. */
#include <string.h>

#include "services/email/reader/reader_inside.h"
#include "station/base/must.h"

/* One walk. */
struct walk {
	struct parsed_mail *mail;
	int parts;
	bool html; /* the text so far is made of HTML: a plain one is better */
	bool found;
};

static bool attached(GMimeObject *part)
{
	const char *disposition = g_mime_object_get_disposition(part);
	return disposition && g_ascii_strcasecmp(disposition, "attachment") == 0;
}

/* The first text wins; text/plain wins over the text/html it stands beside. */
static void visit_leaf(struct walk *w, GMimeObject *part)
{
	GMimeContentType *type = g_mime_object_get_content_type(part);
	bool html = type && g_mime_content_type_is_type(type, "text", "html");
	bool plain = !type || g_mime_content_type_is_type(type, "text", "plain");
	if (w->mail->report)
		mail_read_report_part(part, w->mail);
	if ((!html && !plain) || attached(part) || (w->found && !(w->html && plain)))
		return;
	char *text = mail_part_text(part);
	if (!text)
		return;
	mail_set_text(&w->mail->text, text, MAIL_TEXT_MAX - 1, "\n\t");
	w->found = true;
	w->html = html;
	g_free(text);
}

static int visit(struct walk *w, GMimeObject *part, int level, struct err *e)
{
	if (level > MAIL_LEVELS_MAX)
		return err_set(e, E_INVALID, NULL, "The mail is not read: more than %d levels of parts.", MAIL_LEVELS_MAX);
	if (++w->parts > MAIL_PARTS_MAX)
		return err_set(e, E_INVALID, NULL, "The mail is not read: more than %d parts.", MAIL_PARTS_MAX);
	if (GMIME_IS_MESSAGE_PART(part)) { /* forwarded mails are attachments; that of a report tells which mail failed */
		if (w->mail->report)
			mail_read_report_part(part, w->mail);
		GMimeMessage *inner = g_mime_message_part_get_message((GMimeMessagePart *)part);
		GMimeObject *body = inner ? g_mime_message_get_mime_part(inner) : NULL;
		struct walk counting = { .mail = w->mail, .parts = w->parts, .found = true };
		int rc = body && !w->mail->report ? visit(&counting, body, level + 1, e) : 0;
		w->parts = counting.parts;
		return rc;
	}
	if (!GMIME_IS_MULTIPART(part)) {
		visit_leaf(w, part);
		return 0;
	}
	GMimeMultipart *parts = (GMimeMultipart *)part;
	int rc = 0;
	for (int i = 0, n = g_mime_multipart_get_count(parts); i < n && rc == 0; i++)
		rc = visit(w, g_mime_multipart_get_part(parts, i), level + 1, e);
	return rc;
}

static int read_message(GMimeMessage *message, struct parsed_mail *m, struct err *e)
{
	GMimeObject *body = g_mime_message_get_mime_part(message);
	GMimeContentType *type = body ? g_mime_object_get_content_type(body) : NULL;
	mail_read_headers(GMIME_OBJECT(message), m);
	if (type && g_mime_content_type_is_type(type, "multipart", "report")) {
		m->report = true;
		parsed_mail_set(&m->automatic, "Content-Type: multipart/report");
	}
	struct walk w = { .mail = m };
	return body ? visit(&w, body, 1, e) : 0;
}

int mail_parse(const char *bytes, size_t length, struct parsed_mail *m, struct err *e)
{
	record_init(&parsed_mail_kind, m);
	int rc = mail_shape_check(bytes, length, e);
	if (rc != 0)
		return rc;
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer(bytes, length);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
	if (message) {
		rc = read_message(message, m, e);
		g_object_unref(message);
	} else {
		rc = err_set(e, E_INVALID, NULL, "The mail is not read: it has no headers.");
	}
	g_object_unref(parser);
	g_object_unref(stream);
	return rc;
}

void mail_set_text(char **field, const char *text, size_t max, const char *keep)
{
	size_t length = strnlen(text, max);
	while (length > 0 && text[length] != '\0' && ((unsigned char)text[length] & 0xC0) == 0x80) /* whole characters */
		length--;
	char *valid = g_utf8_make_valid(text, (gssize)length), *to = valid;
	for (const char *p = valid, *next; *p; p = next) {
		next = g_utf8_next_char(p);
		gunichar c = g_utf8_get_char(p);
		if (g_unichar_type(c) == G_UNICODE_CONTROL && !(c < 0x80 && strchr(keep, (int)c)))
			continue;
		memmove(to, p, (size_t)(next - p));
		to += next - p;
	}
	*to = '\0';
	if (strlen(valid) > max) /* U+FFFD is longer than what it stands for */
		valid[0] = '\0';
	parsed_mail_set(field, valid);
	g_free(valid);
}
