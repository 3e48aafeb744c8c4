/* SPDX-License-Identifier: Apache-2.0
 * Three protocols as three rows of a table (RFC 5321, 3501, 1939 and 2449). See exam_dialogue.h. Any thread. */
#include "services/email/doctor/exam_dialogue.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

const char *exam_step_name(enum exam_step step)
{
	static const char *const names[EXAM_STEPS] = { "connect", "greeting",  "offers", "startTls", "login",
		                                           "sender",  "recipient", "data",   "content",  "quit" };
	return names[step];
}

static bool begins(const char *text, const char *with)
{
	return strncasecmp(text, with, strlen(with)) == 0;
}

static enum exam_answer smtp_answer(enum exam_step step, const char *line)
{
	if (strlen(line) > 3 && line[3] == '-')
		return EXAM_MORE;
	if (step == EXAM_GREETING)
		return begins(line, "220") ? EXAM_YES : EXAM_NO;
	return *line == '2' ? EXAM_YES : *line == '3' ? EXAM_CHALLENGE : EXAM_NO;
}

/* All commands have the tag x. A greeting of PREAUTH would mean that nothing is to be encrypted any more. */
static enum exam_answer imap_answer(enum exam_step step, const char *line)
{
	if (step == EXAM_GREETING)
		return begins(line, "* OK") ? EXAM_YES : EXAM_NO;
	if (begins(line, "* BYE"))
		return EXAM_NO;
	return *line == '+' ? EXAM_CHALLENGE : begins(line, "x OK") ? EXAM_YES : *line == '*' ? EXAM_MORE : EXAM_NO;
}

static enum exam_answer pop3_answer(enum exam_step step, const char *line)
{
	if (begins(line, "-ERR"))
		return EXAM_NO;
	if (step == EXAM_OFFERS)
		return strcmp(line, ".") == 0 ? EXAM_YES : EXAM_MORE;
	return begins(line, "+OK") ? EXAM_YES : *line == '+' ? EXAM_CHALLENGE : EXAM_NO;
}

static const char *smtp_offer(const char *line)
{
	return strlen(line) > 4 ? line + 4 : NULL;
}

static const char *imap_offer(const char *line)
{
	return begins(line, "* CAPABILITY ") ? line + strlen("* CAPABILITY ") : NULL;
}

static const char *pop3_offer(const char *line)
{
	return *line == '+' || *line == '.' ? NULL : line;
}

const struct exam_dialogue exam_smtp = {
	.name = "SMTP",
	.commands = { [EXAM_OFFERS] = "EHLO %s",
	              [EXAM_STARTTLS] = "STARTTLS",
	              [EXAM_AUTH] = "AUTH %s",
	              [EXAM_MAIL] = "MAIL FROM:<%s>",
	              [EXAM_RCPT] = "RCPT TO:<%s>",
	              [EXAM_DATA] = "DATA",
	              [EXAM_CONTENT] = ".",
	              [EXAM_QUIT] = "QUIT" },
	.starttls = "STARTTLS",
	.mechanisms = "AUTH",
	.initial_room = 450,
	.answer = smtp_answer,
	.offer = smtp_offer,
};
const struct exam_dialogue exam_imap = {
	.name = "IMAP",
	.commands = { [EXAM_OFFERS] = "x CAPABILITY",
	              [EXAM_STARTTLS] = "x STARTTLS",
	              [EXAM_AUTH] = "x AUTHENTICATE %s",
	              [EXAM_QUIT] = "x LOGOUT" },
	.starttls = "STARTTLS",
	.mechanisms = "AUTH=",
	.answer = imap_answer,
	.offer = imap_offer,
};
const struct exam_dialogue exam_pop3 = {
	.name = "POP3",
	.commands = { [EXAM_OFFERS] = "CAPA", [EXAM_STARTTLS] = "STLS", [EXAM_AUTH] = "AUTH %s", [EXAM_QUIT] = "QUIT" },
	.starttls = "STLS",
	.mechanisms = "SASL",
	.answer = pop3_answer,
	.offer = pop3_offer,
};

static void add_mechanisms(struct sasl_offer *o, const char *text, size_t length)
{
	for (const char *end = text + length; text < end;) {
		size_t n = strcspn(text, " ");
		if (text + n > end)
			n = (size_t)(end - text);
		if (n)
			sasl_offer_add(o, text, n);
		text += n + 1;
	}
}

/* One capability: a word of IMAP, a line of the others. "AUTH=LOGIN" in EHLO comes from servers before RFC 2554. */
static void take_one(const struct exam_dialogue *d, struct exam_offers *o, const char *text, size_t length)
{
	size_t at = strlen(o->all), before = strlen(d->mechanisms);
	snprintf(o->all + at, sizeof o->all - at, "%s%.*s", at ? ", " : "", (int)length, text);
	o->starttls |= length == strlen(d->starttls) && strncasecmp(text, d->starttls, length) == 0;
	if (length <= before || strncasecmp(text, d->mechanisms, before) != 0)
		return;
	bool joined = d->mechanisms[before - 1] == '=';
	if (joined || text[before] == ' ' || text[before] == '=')
		add_mechanisms(&o->login, text + before + !joined, length - before - !joined);
}

void exam_take_offer(const struct exam_dialogue *d, struct exam_offers *o, const char *line)
{
	const char *text = d->offer(line);
	if (!text)
		return;
	if (d != &exam_imap) {
		take_one(d, o, text, strlen(text));
		return;
	}
	for (size_t n; *text; text += n + strspn(text + n, " ")) {
		n = strcspn(text, " ");
		take_one(d, o, text, n);
	}
}
