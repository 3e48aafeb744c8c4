/* SPDX-License-Identifier: Apache-2.0
 * Parsing replies and capabilities: see smtp_reply.h. */
#include "services/email/wire/smtp_reply.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "services/email/wire/peer_text.h"

/* --- text that can be shown ---------------------------------------------------------------------------------------- */

/* Appends what the peer said, as far as it fits. */
static void add_text(struct smtp_reply *r, const char *text, size_t length)
{
	size_t at = strlen(r->text);
	if (at > 0 && length > 0 && at + 1 < sizeof r->text)
		r->text[at++] = ' ';
	peer_text(r->text + at, sizeof r->text - at, text, length);
}

/* --- replies ------------------------------------------------------------------------------------------------------- */

/* Length of an enhanced status code (class . subject . detail) that is followed by a space or the end; 0 for none. */
static size_t enhanced_length(const char *text, size_t length, int code)
{
	size_t i = 0;
	if (length < 5 || text[0] - '0' != code / 100 || !strchr("245", text[0]))
		return 0;
	for (i = 1; i < length; i++) {
		if (text[i] != '.')
			break;
		size_t digits = 0;
		while (i + 1 + digits < length && isdigit((unsigned char)text[i + 1 + digits]))
			digits++;
		if (digits == 0 || digits > 3)
			return 0;
		i += digits;
	}
	size_t dots = 0;
	for (size_t k = 0; k < i; k++)
		dots += text[k] == '.';
	return dots == 2 && (i == length || text[i] == ' ') ? i : 0;
}

static int parse_code(const char *line, size_t length)
{
	if (length < 3 || line[0] < '2' || line[0] > '5' || line[1] < '0' || line[1] > '5' ||
	    !isdigit((unsigned char)line[2]))
		return -1;
	if (length > 3 && line[3] != ' ' && line[3] != '-')
		return -1;
	return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

static int no_reply(const char *line, size_t length, struct err *e)
{
	struct smtp_reply shown = { .code = 0 };
	add_text(&shown, line, length < 80 ? length : 80);
	if (length >= 2 && (line[0] == 0x15 || line[0] == 0x16) && line[1] == 0x03)
		return err_set(
		    e, E_PROTOCOL, NULL,
		    "answered with TLS where plain text was expected. Does this port want TLS at once (465)? Then set useSsl.");
	return err_set(e, E_PROTOCOL, NULL, "answered \"%s\", which is no SMTP. Is this a mail server, and the right port?",
	               shown.text);
}

int smtp_reply_take(struct smtp_reply *r, const char *line, size_t length, struct err *e)
{
	if (r->whole)
		*r = (struct smtp_reply){ .code = 0 };
	int code = memchr(line, '\0', length) ? -1 : parse_code(line, length);
	if (code < 0)
		return no_reply(line, length, e);
	if (r->lines > 0 && code != r->code)
		return err_set(e, E_PROTOCOL, NULL,
		               "answered with the code %d and then with %d in the same reply; such a server cannot be trusted "
		               "to be understood.",
		               r->code, code);
	if (++r->lines > SMTP_REPLY_LINES_MAX)
		return err_set(e, E_PROTOCOL, NULL, "answered with more than %d lines in one reply.", SMTP_REPLY_LINES_MAX);
	r->code = code;
	r->whole = length == 3 || line[3] == ' ';
	const char *text = line + (length > 3 ? 4 : 3);
	size_t left = length - (size_t)(text - line), n = enhanced_length(text, left, code);
	if (n > 0 && n < sizeof r->enhanced) {
		if (!*r->enhanced)
			snprintf(r->enhanced, sizeof r->enhanced, "%.*s", (int)n, text);
		n += n < left;
		text += n;
		left -= n;
	}
	add_text(r, text, left);
	return 0;
}

const char *smtp_reply_print(const struct smtp_reply *r, char buf[SMTP_PRINT_MAX])
{
	snprintf(buf, SMTP_PRINT_MAX, "%d%s%s%s%.240s", r->code, *r->enhanced ? " " : "", r->enhanced, *r->text ? " " : "",
	         r->text);
	return buf;
}

/* --- queue ids ----------------------------------------------------------------------------------------------------- */

/* Is [text, text + n) what servers use as a name: letters, digits and a few marks, with a digit or long enough? */
static size_t id_length(const char *text)
{
	size_t n = 0;
	while (isalnum((unsigned char)text[n]) || (text[n] && strchr("-_./@+=", text[n])))
		n++;
	while (n > 0 && strchr(".=", text[n - 1]))
		n--;
	return n;
}

void smtp_queue_id(const char *text, char *id, size_t size)
{
	static const char *const marks[] = {
		"queued as ", "queued mail for delivery as ", "InternalId=", "id=", "(id: ", "queued with id "
	};
	*id = '\0';
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
		const char *at = strcasestr(text, marks[i]);
		if (!at)
			continue;
		at += strlen(marks[i]);
		snprintf(id, size, "%.*s", (int)id_length(at), at);
		return;
	}
	const char *end = strstr(text, " Message accepted"); /* sendmail: "xB3... Message accepted for delivery" */
	if (end && id_length(text) == (size_t)(end - text))
		snprintf(id, size, "%.*s", (int)(end - text), text);
}

/* --- capabilities -------------------------------------------------------------------------------------------------- */

static void auth_mechanisms(struct smtp_capabilities *c, const char *text)
{
	c->auth = true;
	while (*text) {
		text += strspn(text, " =");
		size_t n = strcspn(text, " ");
		sasl_offer_add(&c->mechanisms, text, n);
		text += n;
	}
}

static int64_t size_limit(const char *text)
{
	text += strspn(text, " ");
	size_t digits = strspn(text, "0123456789");
	return digits > 0 && digits <= 18 ? strtoll(text, NULL, 10) : 0;
}

void smtp_capability(struct smtp_capabilities *c, const char *text)
{
	size_t n = strcspn(text, " =");
	struct {
		const char *word;
		bool *flag;
	} const flags[] = {
		{ "STARTTLS", &c->starttls },  { "PIPELINING", &c->pipelining }, { "8BITMIME", &c->eight_bit_mime },
		{ "SMTPUTF8", &c->smtp_utf8 }, { "SIZE", &c->has_size },         { "DSN", &c->dsn },
	};
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		if (strlen(flags[i].word) == n && strncasecmp(text, flags[i].word, n) == 0)
			*flags[i].flag = true;
	if (n == 4 && strncasecmp(text, "SIZE", 4) == 0)
		c->size = size_limit(text + 4);
	if (n == 4 && strncasecmp(text, "AUTH", 4) == 0) /* "AUTH=PLAIN" is how old servers wrote it */
		auth_mechanisms(c, text + 4);
}
