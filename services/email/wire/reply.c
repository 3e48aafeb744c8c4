/* SPDX-License-Identifier: Apache-2.0
 * Parsing SMTP replies: see reply.h. */
#include "services/email/wire/reply.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* "5.1.1 text" -> the enhanced status code (RFC 3463); what follows it is the text. */
static const char *take_enhanced(struct smtp_reply *r, const char *p, const char *end)
{
	const char *start = p;
	int dots = 0;
	if (end - p < 5 || (*p != '2' && *p != '4' && *p != '5') || p[1] != '.')
		return start;
	while (p < end && (isdigit((unsigned char)*p) || *p == '.'))
		dots += *p++ == '.';
	size_t n = (size_t)(p - start);
	if (dots != 2 || n >= sizeof r->enhanced || p[-1] == '.' || (p < end && *p != ' '))
		return start;
	if (!*r->enhanced) {
		memcpy(r->enhanced, start, n);
		r->enhanced[n] = '\0';
	}
	return p + (p < end);
}

int reply_take(struct smtp_reply *r, const char *line, size_t length)
{
	const char *end = line + length;
	if (r->lines < 0 || r->lines == 0 || r->code == 0)
		*r = (struct smtp_reply){ 0 };
	bool digits = length >= 3 && line[0] >= '2' && line[0] <= '5' && isdigit((unsigned char)line[1]) && isdigit((unsigned char)line[2]);
	bool separated = length == 3 || (length > 3 && (line[3] == ' ' || line[3] == '-'));
	if (!digits || !separated || ++r->lines > REPLY_LINES_MAX)
		return -1;
	int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
	if (r->code && code != r->code)
		return -1;
	r->code = code;
	const char *text = length > 4 ? take_enhanced(r, line + 4, end) : end;
	size_t n = (size_t)(end - text);
	if (r->length + n + 2 > sizeof r->text)
		return -1;
	if (r->lines > 1)
		r->text[r->length++] = '\n';
	for (const char *p = text; p < end; p++) /* a server's control characters reach nobody's screen */
		r->text[r->length++] = (unsigned char)*p < ' ' || *p == 0x7f ? '?' : *p;
	r->text[r->length] = '\0';
	if (length > 3 && line[3] == '-')
		return 0;
	r->lines = -r->lines; /* whole: the next line begins a new reply */
	return 1;
}

void reply_queue_id(const struct smtp_reply *r, char *out, size_t size)
{
	static const char *const marks[] = { "queued as ", "id=", "id " };
	*out = '\0';
	for (size_t i = 0; i < sizeof marks / sizeof *marks && !*out; i++) {
		const char *p = strcasestr(r->text, marks[i]);
		if (p)
			snprintf(out, size, "%.*s", (int)strcspn(p + strlen(marks[i]), " \n\r;,)]"), p + strlen(marks[i]));
	}
}

bool reply_offers(const struct smtp_reply *r, const char *keyword, const char **arguments)
{
	size_t n = strlen(keyword);
	for (const char *p = strchr(r->text, '\n'); p; p = strchr(p, '\n')) {
		p++;
		if (strncasecmp(p, keyword, n) == 0 && (p[n] == '\0' || p[n] == ' ' || p[n] == '\n' || p[n] == '=')) {
			if (arguments)
				*arguments = p[n] == ' ' || p[n] == '=' ? p + n + 1 : p + n;
			return true;
		}
	}
	return false;
}

bool reply_has_word(const char *arguments, const char *word)
{
	size_t n = strlen(word);
	const char *p = arguments;
	while (*p && *p != '\n') {
		size_t length = strcspn(p, " \n");
		if (length == n && strncasecmp(p, word, n) == 0)
			return true;
		p += length;
		p += *p == ' ';
	}
	return false;
}
