/* SPDX-License-Identifier: Apache-2.0
 * Reading POP3 replies: see pop3_reply.h. */
#include "services/email/wire/pop3_reply.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool begins(const char *line, size_t length, const char *word)
{
	size_t n = strlen(word);
	return length >= n && strncasecmp(line, word, n) == 0 && (length == n || line[n] == ' ');
}

enum pop3_status pop3_status(const char *line, size_t length, const char **text)
{
	static const struct {
		const char *word;
		enum pop3_status status;
	} words[] = { { "+OK", POP3_OK }, { "-ERR", POP3_ERR }, { "+", POP3_CONTINUE } };
	*text = line;
	if (memchr(line, '\0', length))
		return POP3_WRONG;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (!begins(line, length, words[i].word))
			continue;
		size_t n = strlen(words[i].word);
		*text = line + n + (length > n);
		return words[i].status;
	}
	return POP3_WRONG;
}

bool pop3_code_is(const char *text, size_t length, const char *code)
{
	size_t n = strlen(code);
	return length > n + 1 && *text == '[' && strncasecmp(text + 1, code, n) == 0 &&
	    (text[n + 1] == ']' || text[n + 1] == '/');
}

bool pop3_is_end(const char *line, size_t length)
{
	return length == 1 && *line == '.';
}

/* A number at *p, which moves behind it and one space. */
static bool read_number(const char **p, const char *end, uint64_t most, uint64_t *n)
{
	const char *start = *p;
	for (*n = 0; *p < end && isdigit((unsigned char)**p); (*p)++) {
		*n = *n * 10 + (uint64_t)(**p - '0');
		if (*n > most)
			return false;
	}
	bool any = *p > start && (*p == end || **p == ' ');
	while (*p < end && **p == ' ')
		(*p)++;
	return any;
}

bool pop3_pair(const char *text, size_t length, uint32_t *number, uint64_t *octets)
{
	const char *p = text, *end = text + length;
	uint64_t n;
	if (!read_number(&p, end, POP3_NUMBER_MAX, &n) || p == end || !read_number(&p, end, UINT64_C(1) << 50, octets))
		return false;
	*number = (uint32_t)n;
	return true; /* what follows is the server's own (RFC 1939 section 5) */
}

bool pop3_uidl(const char *line, size_t length, uint32_t *number, char uidl[POP3_UIDL_SIZE])
{
	const char *p = line, *end = line + length;
	uint64_t n;
	if (!read_number(&p, end, POP3_NUMBER_MAX, &n) || n == 0 || p == end || end - p >= POP3_UIDL_SIZE)
		return false;
	for (const char *c = p; c < end; c++)
		if (*c < 0x21 || *c > 0x7e)
			return false;
	memcpy(uidl, p, (size_t)(end - p));
	uidl[end - p] = '\0';
	*number = (uint32_t)n;
	return true;
}

bool pop3_stamp(const char *greeting, size_t length, char *stamp, size_t size)
{
	const char *open = memchr(greeting, '<', length);
	const char *close = open ? memchr(open, '>', length - (size_t)(open - greeting)) : NULL;
	size_t n = close ? (size_t)(close - open) + 1 : 0;
	if (n < 5 || n >= size || !memchr(open, '@', n))
		return false;
	for (size_t i = 0; i < n; i++)
		if (open[i] < 0x21 || open[i] > 0x7e)
			return false;
	memcpy(stamp, open, n);
	stamp[n] = '\0';
	return true;
}

static void add_mechanisms(struct pop3_capabilities *c, const char *text, size_t length)
{
	c->sasl = true;
	for (size_t i = 0, n; i < length; i += n + 1) {
		for (n = 0; i + n < length && text[i + n] != ' '; n++)
			;
		if (n > 0)
			sasl_offer_add(&c->mechanisms, text + i, n);
	}
}

void pop3_capability(struct pop3_capabilities *c, const char *line, size_t length)
{
	struct {
		const char *name;
		bool *flag;
	} const flags[] = { { "STLS", &c->stls }, { "USER", &c->user }, { "UIDL", &c->uidl }, { "TOP", &c->top } };
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		if (begins(line, length, flags[i].name))
			*flags[i].flag = true;
	if (begins(line, length, "SASL"))
		add_mechanisms(c, line + 4, length - 4);
}
