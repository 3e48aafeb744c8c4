/* SPDX-License-Identifier: Apache-2.0
 * Messages by GMime: see message.h. */
#include "services/email/content/message.h"

#include <gmime/gmime.h>
#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"

enum {
	HEADER_MAX = 300,  /* characters of a text in a header */
	WORD_MAX = 60,     /* of plain text without a space, where no line could be folded */
	ENCODED_BYTES = 45 /* of UTF-8 in one encoded word: 60 characters of base64 (RFC 2047 2: at most 75 in all) */
};

/* --- text ---------------------------------------------------------------------------------------------------------- */

/* Of U+202A to U+202E and U+2066 to U+2069: they turn round what stands beside them, so that a name shows as another. */
static bool turns_text(const unsigned char *p)
{
	return p[0] == 0xE2 &&
	    ((p[1] == 0x80 && p[2] >= 0xAA && p[2] <= 0xAE) || (p[1] == 0x81 && p[2] >= 0xA6 && p[2] <= 0xA9));
}

static bool ends_line(const unsigned char *p)
{
	return p[0] == 0xE2 && p[1] == 0x80 && (p[2] == 0xA8 || p[2] == 0xA9); /* U+2028, U+2029 */
}

/* Control characters become spaces: they end lines, begin headers, or do things to screens. */
static void blank_controls(char *text, const char *but)
{
	for (unsigned char *p = (unsigned char *)text; *p; p++) {
		if ((*p < ' ' && !strchr(but, *p)) || *p == 0x7f)
			*p = ' ';
		if (*p == 0xC2 && p[1] >= 0x80 && p[1] < 0xA0) /* U+0080 to U+009F */
			p[0] = p[1] = ' ';
		if (turns_text(p) || ends_line(p))
			p[0] = p[1] = p[2] = ' ';
	}
}

/* Text for a header: one line, valid UTF-8, not without end. */
static char *header_text(const char *text)
{
	char *valid = g_utf8_make_valid(text, (gssize)strnlen(text, 4 * HEADER_MAX));
	blank_controls(valid, "");
	if (g_utf8_strlen(valid, -1) > HEADER_MAX) {
		char *cut = g_utf8_substring(valid, 0, HEADER_MAX - 1), *dots = g_strconcat(cut, "\u2026", NULL);
		g_free(cut);
		g_free(valid);
		valid = dots;
	}
	return valid;
}

static bool ascii(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

/* Can it stand as it is? Not what is beyond ASCII, what looks encoded already, and what cannot be folded. */
static bool plain(const char *text)
{
	if (!ascii(text) || strstr(text, "=?"))
		return false;
	for (size_t n; *text; text += n + (text[n] == ' '))
		if ((n = strcspn(text, " ")) > WORD_MAX)
			return false;
	return true;
}

/* How much of text goes into the next encoded word: whole characters, and whole groups of three bytes if that can be,
 * because decoders that join the words first (GMime's) stumble over padding in the middle. */
static size_t word_length(const char *text)
{
	size_t best = 0, at = 0;
	while (text[at]) {
		size_t next = (size_t)(g_utf8_next_char(text + at) - text);
		if (next > ENCODED_BYTES)
			return best ? best : at;
		at = next;
		if (at % 3 == 0)
			best = at;
	}
	return at;
}

/* RFC 2047, by ourselves: GMime chooses other charsets, and lets through what looks encoded already. */
static char *encode(const char *text)
{
	GString *out = g_string_new(NULL);
	if (plain(text)) {
		g_string_assign(out, text);
		return g_string_free(out, FALSE);
	}
	for (size_t n; *text; text += n) {
		n = word_length(text);
		char *word = g_base64_encode((const guchar *)text, n);
		g_string_append_printf(out, "%s=?utf-8?B?%s?=", out->len ? " " : "", word);
		g_free(word);
	}
	return g_string_free(out, FALSE);
}

/* --- addresses ----------------------------------------------------------------------------------------------------- */

char *message_envelope_address(const char *address)
{
	const char *at = strrchr(address, '@');
	gnutls_datum_t domain;
	if (!at || ascii(at) || gnutls_idna_map(at + 1, (unsigned)strlen(at + 1), &domain, 0) != 0)
		return must_strdup(address);
	char *out = must_format("%.*s@%s", (int)(at - address), address, (const char *)domain.data);
	gnutls_free(domain.data);
	return out;
}

/* An address that is not ASCII would make the whole message SMTPUTF8; in the header it is a name without address, as
 * RFC 6857 3.1.8 has it. The envelope has it in full. */
static void add(GMimeMessage *message, GMimeAddressType type, const struct message_address *a)
{
	char *address = message_envelope_address(a->address), *name;
	InternetAddressList *list = g_mime_message_get_addresses(message, type);
	if (ascii(address)) {
		char *text = header_text(a->name ? a->name : "");
		name = encode(text);
		g_free(text);
		InternetAddress *ia = internet_address_mailbox_new(*name ? name : NULL, address);
		internet_address_list_add(list, ia);
		g_object_unref(ia);
	} else {
		name = encode(address);
		InternetAddress *ia = internet_address_group_new(name);
		internet_address_list_add(list, ia);
		g_object_unref(ia);
	}
	g_free(name);
	free(address);
}

static char *body_text(const char *body)
{
	char *valid = g_utf8_make_valid(body, -1), *to = valid;
	for (const char *p = valid; *p; p++)
		if (*p != '\r')
			*to++ = *p;
		else if (p[1] != '\n')
			*to++ = '\n';
	*to = '\0';
	blank_controls(valid, "\n\t");
	return valid;
}

/* --- parts --------------------------------------------------------------------------------------------------------- */

static GMimeObject *part_of(const char *type, const char *subtype, GMimeContentEncoding encoding, const void *bytes,
                            size_t size)
{
	GMimePart *part = g_mime_part_new_with_type(type, subtype);
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer(bytes, size);
	GMimeDataWrapper *content = g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT);
	g_mime_part_set_content(part, content);
	g_mime_part_set_content_encoding(part, encoding);
	g_object_unref(content);
	g_object_unref(stream);
	return GMIME_OBJECT(part);
}

static GMimeObject *text_part(const char *subtype, const char *body)
{
	char *valid = body_text(body);
	GMimeObject *part = part_of("text", subtype, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE, valid, strlen(valid));
	g_mime_object_set_content_type_parameter(part, "charset", "utf-8");
	g_free(valid);
	return part;
}

/* Two parts (taken) become one; without the second it is the first. */
static GMimeObject *join(const char *subtype, GMimeObject *first, GMimeObject *second)
{
	if (!second)
		return first;
	GMimeMultipart *both = g_mime_multipart_new_with_subtype(subtype);
	g_mime_multipart_add(both, first);
	g_mime_multipart_add(both, second);
	g_object_unref(first);
	g_object_unref(second);
	return GMIME_OBJECT(both);
}

static GMimeObject *picture_part(const struct message_parts *p)
{
	if (!p->picture)
		return NULL;
	GMimeObject *part = part_of("image", "png", GMIME_CONTENT_ENCODING_BASE64, p->picture, p->picture_size);
	g_mime_object_set_content_id(part, MESSAGE_PICTURE);
	g_mime_object_set_disposition(part, "inline");
	g_mime_part_set_filename(GMIME_PART(part), "trend.png");
	return part;
}

static GMimeObject *csv_part(const struct message_parts *p)
{
	if (!p->csv)
		return NULL;
	GMimeObject *part = part_of("text", "csv", GMIME_CONTENT_ENCODING_BASE64, p->csv, strlen(p->csv));
	g_mime_object_set_content_type_parameter(part, "charset", "utf-8");
	g_mime_object_set_disposition(part, "attachment");
	g_mime_part_set_filename(GMIME_PART(part), p->csv_name);
	return part;
}

/* The content: text, HTML with its picture, attachments, as far as there are any. */
static GMimeObject *content_of(const struct message_parts *p)
{
	GMimeObject *html = p->html ? join("related", text_part("html", p->html), picture_part(p)) : NULL;
	GMimeObject *words = join("alternative", text_part("plain", p->body), html);
	return join("mixed", words, csv_part(p));
}

/* --- the message --------------------------------------------------------------------------------------------------- */

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

static void add_addresses(GMimeMessage *message, const struct message_parts *p)
{
	add(message, GMIME_ADDRESS_TYPE_FROM, &p->from);
	if (*p->reply_to.address)
		add(message, GMIME_ADDRESS_TYPE_REPLY_TO, &p->reply_to);
	for (size_t i = 0; i < p->to_count; i++)
		add(message, GMIME_ADDRESS_TYPE_TO, &p->to[i]);
	for (size_t i = 0; i < p->cc_count; i++)
		add(message, GMIME_ADDRESS_TYPE_CC, &p->cc[i]);
}

static void set_header(GMimeMessage *message, const char *name, const char *value)
{
	g_mime_object_set_header(GMIME_OBJECT(message), name, value, NULL);
}

/* The conversation of an alarm (RFC 5322 3.6.4): each mail answers the first one. */
static void add_thread(GMimeMessage *message, const struct message_parts *p)
{
	g_mime_message_set_message_id(message, p->message_id);
	if (!p->in_reply_to)
		return;
	char *id = g_strdup_printf("<%s>", p->in_reply_to);
	set_header(message, "In-Reply-To", id);
	set_header(message, "References", id);
	g_free(id);
}

/* In the station's zone. GLib would read that from its file for every mail. */
static void set_date(GMimeMessage *message, time_t seconds)
{
	struct tm local;
	localtime_r(&seconds, &local);
	GTimeZone *zone = g_time_zone_new_offset((gint32)local.tm_gmtoff);
	GDateTime *utc = g_date_time_new_from_unix_utc(seconds), *date = g_date_time_to_timezone(utc, zone);
	g_mime_message_set_date(message, date);
	g_date_time_unref(date);
	g_date_time_unref(utc);
	g_time_zone_unref(zone);
}

static void add_headers(GMimeMessage *message, const struct message_parts *p)
{
	add_addresses(message, p);
	char *text = header_text(p->subject), *subject = encode(text);
	g_mime_message_set_subject(message, subject, "us-ascii");
	g_free(subject);
	g_free(text);
	set_date(message, p->date / 1000000);
	add_thread(message, p);
	set_header(message, "Auto-Submitted", p->answers ? "auto-replied" : "auto-generated"); /* RFC 3834 */
	if (p->results)
		set_header(message, "Authentication-Results", p->results);
	if (!p->urgent)
		return;
	set_header(message, "Importance", "high"); /* RFC 2156 5.3.4 */
	set_header(message, "X-Priority", "1");    /* programs that know no other */
}

void message_init(void)
{
	g_mime_init(); /* counts its calls */
}

char *message_build(const struct message_parts *p, size_t *length)
{
	GMimeMessage *message = g_mime_message_new(TRUE);
	GMimeObject *content = content_of(p);
	add_headers(message, p);
	g_mime_message_set_mime_part(message, content);
	char *text = g_mime_object_to_string(GMIME_OBJECT(message), NULL);
	char *wire = to_crlf(text, strlen(text), length);
	g_free(text);
	g_object_unref(content);
	g_object_unref(message);
	return wire;
}
