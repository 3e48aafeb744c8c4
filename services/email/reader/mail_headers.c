/* SPDX-License-Identifier: Apache-2.0
 * The header fields that matter, in the order in which they stand: who, to whom, in answer to what, and whether anything
 * says that no person wrote it (RFC 3834, and what vacation programs do instead). The child. */
#include <string.h>
#include <strings.h>

#include "services/email/reader/reader_inside.h"

/* --- who --------------------------------------------------------------------------------------------------------- */

/* One mailbox and nothing else: one @, at most one <>, no group, list, route or encoded word where the address is. */
static bool one_plain_mailbox(const char *raw)
{
	int at = 0, angles = 0, depth = 0;
	bool quoted = false, inside = false;
	for (const char *p = raw; *p; p++) {
		unsigned char c = (unsigned char)*p;
		if (c == '\\' && (quoted || depth)) {
			if (!*++p)
				return false;
		} else if (c < ' ' && !strchr("\r\n\t", c)) {
			return false;
		} else if (c == '"' && !depth) {
			quoted = !quoted;
		} else if (quoted) {
			continue;
		} else if (c == '(' || c == ')') {
			depth += c == '(' ? 1 : -1;
			if (depth < 0)
				return false;
		} else if (depth) {
			continue;
		} else if (strchr(",;:", c)) {
			return false;
		} else if (c == '<' || c == '>') {
			angles += c == '<';
			inside = c == '<';
		} else {
			at += c == '@';
			if (inside && c == '=' && p[1] == '?')
				return false;
		}
	}
	return at == 1 && angles <= 1 && !quoted && depth == 0 && !inside;
}

/* The address as it is compared: the domain in lower case. */
static void add_address(struct list *list, const char *address)
{
	char *text = NULL;
	char *lower = g_strdup(address), *at = strrchr(lower, '@');
	for (char *p = at; p && *p; p++)
		*p = g_ascii_tolower(*p);
	parsed_mail_set(&text, "");
	mail_set_text(&text, lower, 320, "");
	if (at && *text)
		parsed_mail_add(list, text);
	parsed_mail_set(&text, "");
	g_free(lower);
}

static void add_addresses(struct list *list, const char *raw)
{
	InternetAddressList *found = internet_address_list_parse(NULL, raw);
	for (int i = 0, n = found ? internet_address_list_length(found) : 0; i < n; i++) {
		InternetAddress *one = internet_address_list_get_address(found, i);
		const char *address =
		    INTERNET_ADDRESS_IS_MAILBOX(one) ? internet_address_mailbox_get_addr((InternetAddressMailbox *)one) : NULL;
		if (address)
			add_address(list, address);
	}
	if (found)
		g_object_unref(found);
}

static void read_from(struct parsed_mail *m, const char *raw)
{
	bool plain = strlen(raw) <= MAIL_FIELD_MAX && one_plain_mailbox(raw);
	m->fromPlain = plain && (m->fromFields == 0 || m->fromPlain);
	m->fromFields++;
	add_addresses(&m->from, raw);
}

static void read_to(struct parsed_mail *m, const char *raw)
{
	add_addresses(&m->to, raw);
}

/* --- in answer to what ------------------------------------------------------------------------------------------------- */

/* The next "<...>" of text, owned by GLib; *text goes behind it. NULL: none is left. */
static char *next_id(const char **text)
{
	const char *open = strchr(*text, '<'), *close = open ? strchr(open, '>') : NULL;
	if (!close)
		return NULL;
	*text = close + 1;
	char *id = g_strndup(open + 1, MIN((size_t)(close - open - 1), MAIL_FIELD_MAX)), *to = id;
	for (const char *p = id; *p; p++) /* folding puts white space into long ones */
		if ((unsigned char)*p > ' ')
			*to++ = *p;
	*to = '\0';
	return id;
}

void mail_read_id(const char *text, char **field, bool last)
{
	for (char *id; (id = next_id(&text)); g_free(id)) {
		mail_set_text(field, id, MAIL_FIELD_MAX, "");
		if (!last) {
			g_free(id);
			return;
		}
	}
}

static void read_message_id(struct parsed_mail *m, const char *raw)
{
	mail_read_id(raw, &m->messageId, false);
}

static void read_in_reply_to(struct parsed_mail *m, const char *raw)
{
	mail_read_id(raw, &m->inReplyTo, true);
}

static void read_references(struct parsed_mail *m, const char *raw)
{
	for (char *id; (id = next_id(&raw)); g_free(id))
		parsed_mail_add(&m->references, id);
}

/* --- when, where --------------------------------------------------------------------------------------------------------- */

static void read_date(struct parsed_mail *m, const char *raw)
{
	GDateTime *date = g_mime_utils_header_decode_date(raw);
	if (date) {
		m->date.us = g_date_time_to_unix(date) * SECOND_US;
		g_date_time_unref(date);
	}
}

static void read_return_path(struct parsed_mail *m, const char *raw)
{
	char *id = strchr(raw, '<') ? g_strdup(strchr(raw, '<')) : g_strdup(raw);
	id[strcspn(id, " \t\r\n")] = '\0';
	if (!*m->returnPath)
		mail_set_text(&m->returnPath, id, 320, "");
	g_free(id);
}

static void read_trace(struct parsed_mail *m, const char *name, const char *raw)
{
	char *line = g_strdup_printf("%s: %s", name, raw), *text = NULL;
	for (char *p = line; *p; p++)
		if (strchr("\r\n\t", *p))
			*p = ' ';
	parsed_mail_set(&text, "");
	mail_set_text(&text, line, MAIL_FIELD_MAX, "");
	parsed_mail_add(&m->trace, text);
	parsed_mail_set(&text, "");
	g_free(line);
}

/* --- did a person write it? ------------------------------------------------------------------------------------------------ */

enum sign { SIGN_PRESENT, SIGN_NOT_NO, SIGN_PREFIX, SIGN_WORD, SIGN_EMPTY_PATH, SIGN_ROBOT };
static const struct {
	const char *name;
	enum sign sign;
	const char *words; /* SIGN_WORD: those that count, with a space around each */
} signs[] = {
	{ "Auto-Submitted", SIGN_NOT_NO, NULL }, /* RFC 3834 */
	{ "Precedence", SIGN_WORD, " bulk junk list auto_reply auto-reply " },
	{ "List-", SIGN_PREFIX, NULL },
	{ "X-Auto-Response-Suppress", SIGN_PRESENT, NULL },
	{ "X-Autoreply", SIGN_NOT_NO, NULL },
	{ "X-Autorespond", SIGN_PREFIX, NULL },
	{ "X-Autogenerated", SIGN_PRESENT, NULL },
	{ "X-Auto-Reply-From", SIGN_PRESENT, NULL },
	{ "X-Mail-Autoreply", SIGN_PRESENT, NULL },
	{ "X-Vacation", SIGN_PRESENT, NULL },
	{ "X-FC-MachineGenerated", SIGN_NOT_NO, NULL },
	{ "X-POST-MessageClass", SIGN_PRESENT, NULL },
	{ "X-Failed-Recipients", SIGN_PRESENT, NULL },
	{ "X-MS-Exchange-Inbox-Rules-Loop", SIGN_PRESENT, NULL },
	{ "Feedback-ID", SIGN_PRESENT, NULL },
	{ "Return-Path", SIGN_EMPTY_PATH, NULL },
	{ "From", SIGN_ROBOT, NULL },
	{ "Sender", SIGN_ROBOT, NULL },
};

static bool robot(const char *value)
{
	static const char *const names[] = { "mailer-daemon@", "postmaster@", "no-reply@",
		                                 "noreply@",       "donotreply@", "do-not-reply@" };
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (strcasestr(value, names[i]))
			return true;
	return strcasecmp(value, "MAILER-DAEMON") == 0;
}

static bool shows(size_t i, const char *name, const char *value)
{
	if (signs[i].sign == SIGN_PREFIX)
		return g_ascii_strncasecmp(name, signs[i].name, strlen(signs[i].name)) == 0;
	if (g_ascii_strcasecmp(name, signs[i].name) != 0)
		return false;
	char word[40];
	switch (signs[i].sign) {
	case SIGN_NOT_NO:
		return strcasecmp(value, "no") != 0;
	case SIGN_WORD:
		snprintf(word, sizeof word, " %.30s ", value);
		return strcasestr(signs[i].words, word) != NULL;
	case SIGN_EMPTY_PATH:
		return strcmp(value, "<>") == 0;
	case SIGN_ROBOT:
		return robot(value);
	default:
		return true;
	}
}

static void look_for_signs(struct parsed_mail *m, const char *name, const char *raw)
{
	char *value = g_strndup(raw, 200);
	g_strstrip(value);
	for (size_t i = 0; i < G_N_ELEMENTS(signs) && !*m->automatic; i++)
		if (shows(i, name, value)) {
			char *why = g_strdup_printf("%s: %s", name, value);
			mail_set_text(&m->automatic, why, 200, "");
			g_free(why);
		}
	g_free(value);
}

/* --- all of them ------------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*read)(struct parsed_mail *m, const char *raw);
} fields[] = {
	{ "From", read_from },
	{ "To", read_to },
	{ "Cc", read_to },
	{ "Delivered-To", read_to },
	{ "X-Original-To", read_to },
	{ "Envelope-To", read_to },
	{ "Message-ID", read_message_id },
	{ "In-Reply-To", read_in_reply_to },
	{ "References", read_references },
	{ "Date", read_date },
	{ "Return-Path", read_return_path },
};

void mail_read_headers(GMimeObject *message, struct parsed_mail *m)
{
	GMimeHeaderList *list = g_mime_object_get_header_list(message);
	for (int i = 0, n = g_mime_header_list_get_count(list); i < n; i++) {
		GMimeHeader *header = g_mime_header_list_get_header_at(list, i);
		const char *name = g_mime_header_get_name(header), *raw = g_mime_header_get_raw_value(header);
		if (!name || !raw)
			continue;
		look_for_signs(m, name, raw);
		for (size_t f = 0; f < G_N_ELEMENTS(fields); f++)
			if (g_ascii_strcasecmp(name, fields[f].name) == 0)
				fields[f].read(m, raw);
		if (g_ascii_strcasecmp(name, "Subject") == 0 && g_mime_header_get_value(header))
			mail_set_text(&m->subject, g_mime_header_get_value(header), MAIL_FIELD_MAX, "");
		if (g_ascii_strcasecmp(name, "Received") == 0 || g_ascii_strcasecmp(name, "Authentication-Results") == 0)
			read_trace(m, name, raw);
	}
}
