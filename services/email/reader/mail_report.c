/* SPDX-License-Identifier: Apache-2.0
 * Bounces: the machine-readable part of a report about a delivery (RFC 3464), and which mail it is about. Whether that
 * mail was ours, and what follows, is decided outside. The child. */
#include <string.h>
#include <strings.h>

#include "services/email/reader/reader_inside.h"

/* What stands behind "type;" of such a field (RFC 3464 2.1.2), or all of it. */
static const char *without_type(const char *value)
{
	const char *semicolon = strchr(value, ';');
	value = semicolon ? semicolon + 1 : value;
	return value + strspn(value, " \t");
}

static const struct {
	const char *name;
	int member;
	bool typed;
} fields[] = {
	{ "Original-Recipient", REPORT_ORIGINAL_RECIPIENT, true },
	{ "Final-Recipient", REPORT_FINAL_RECIPIENT, true },
	{ "Action", REPORT_ACTION, false },
	{ "Status", REPORT_STATUS, false },
	{ "Diagnostic-Code", REPORT_DIAGNOSTIC, true },
};

/* The fields of one recipient, or of the whole message, which has no Final-Recipient. */
struct group {
	char *members[REPORT_MEMBERS]; /* owned */
};

static void group_init(struct group *g)
{
	for (int i = 0; i < REPORT_MEMBERS; i++) {
		g->members[i] = NULL;
		parsed_mail_set(&g->members[i], "");
	}
}

static void group_finish(struct group *g, struct parsed_mail *m)
{
	if (*g->members[REPORT_FINAL_RECIPIENT])
		parsed_mail_add_report(m, (const char *const *)g->members);
	for (int i = 0; i < REPORT_MEMBERS; i++)
		parsed_mail_set(&g->members[i], "");
}

static void group_line(struct group *g, char *line)
{
	char *colon = strchr(line, ':');
	if (!colon)
		return;
	*colon = '\0';
	const char *value = colon + 1 + strspn(colon + 1, " \t");
	for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
		if (strcasecmp(line, fields[i].name) == 0) {
			char *clean = g_strdup(fields[i].typed ? without_type(value) : value);
			mail_set_text(&g->members[fields[i].member], g_strstrip(clean), 600, "");
			g_free(clean);
		}
}

/* Groups are separated by empty lines; folded lines are joined first. */
static void read_status(char *text, struct parsed_mail *m)
{
	char *to = text;
	for (const char *p = text; *p; p++)
		if (*p == '\n' && (p[1] == ' ' || p[1] == '\t'))
			*to++ = ' ';
		else
			*to++ = *p;
	*to = '\0';
	struct group g;
	group_init(&g);
	for (char *line = text, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (*line)
			group_line(&g, line);
		else
			group_finish(&g, m);
	}
	group_finish(&g, m);
}

/* The headers of the mail that failed, when they come as text. */
static void read_returned_headers(const char *text, struct parsed_mail *m)
{
	for (const char *line = text; line && *line && *line != '\n'; line = strchr(line, '\n'), line += line != NULL) {
		if (strncasecmp(line, "message-id:", 11) != 0)
			continue;
		char *value = g_strndup(line + 11, 1000);
		mail_read_id(value, &m->reportedId, false);
		g_free(value);
		return;
	}
}

void mail_read_report_part(GMimeObject *part, struct parsed_mail *m)
{
	if (GMIME_IS_MESSAGE_PART(part)) {
		GMimeMessage *inner = g_mime_message_part_get_message((GMimeMessagePart *)part);
		const char *id = inner ? g_mime_message_get_message_id(inner) : NULL;
		if (id)
			mail_set_text(&m->reportedId, id, MAIL_FIELD_MAX, "");
		return;
	}
	GMimeContentType *type = g_mime_object_get_content_type(part);
	bool status = type &&
	    (g_mime_content_type_is_type(type, "message", "delivery-status") ||
	     g_mime_content_type_is_type(type, "message", "global-delivery-status"));
	bool headers = type &&
	    (g_mime_content_type_is_type(type, "text", "rfc822-headers") ||
	     g_mime_content_type_is_type(type, "message", "rfc822-headers") ||
	     g_mime_content_type_is_type(type, "message", "global-headers"));
	char *text = status || headers ? mail_part_text(part) : NULL;
	if (text && status)
		read_status(text, m);
	else if (text)
		read_returned_headers(text, m);
	g_free(text);
}
