/* SPDX-License-Identifier: Apache-2.0
 * Reading IMAP responses: see imap_token.h. */
#include "services/email/wire/imap_token.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* --- tokens -------------------------------------------------------------------------------------------------------- */

struct imap_tokens imap_tokens(const char *text, size_t length)
{
	if (!text) /* a response code that is not there */
		text = "";
	return (struct imap_tokens){ .at = text, .end = text + length };
}

static struct imap_token broken(struct imap_tokens *t)
{
	t->broken = true;
	return (struct imap_token){ .kind = IMAP_BROKEN, .text = t->at };
}

static struct imap_token taken(struct imap_tokens *t, enum imap_kind kind, const char *text, const char *end,
                               const char *next)
{
	t->at = next;
	return (struct imap_token){ kind, text, (size_t)(end - text) };
}

/* "text" with \" and \\ in it; no line end. */
static struct imap_token quoted(struct imap_tokens *t)
{
	const char *p = t->at + 1;
	while (p < t->end && *p != '"') {
		if (*p == '\r' || *p == '\n' || *p == '\0')
			return broken(t);
		p += *p == '\\' ? 2 : 1;
	}
	return p < t->end ? taken(t, IMAP_STRING, t->at + 1, p, p + 1) : broken(t);
}

/* Digits up to end; false for none, or more than 2^63. */
static bool digits(const char *p, const char *end, uint64_t *n)
{
	*n = 0;
	if (p == end || end - p > 18)
		return false;
	for (; p < end; p++) {
		if (!isdigit((unsigned char)*p))
			return false;
		*n = *n * 10 + (uint64_t)(*p - '0');
	}
	return true;
}

/* {3}CRLFabc */
static struct imap_token literal(struct imap_tokens *t)
{
	uint64_t n;
	const char *close = memchr(t->at, '}', (size_t)(t->end - t->at));
	if (!close || !digits(t->at + 1, close, &n) || t->end - close < 3 || close[1] != '\r' || close[2] != '\n' ||
	    n > (uint64_t)(t->end - close - 3))
		return broken(t);
	return taken(t, IMAP_STRING, close + 3, close + 3 + n, close + 3 + n);
}

static bool in_atom(char c)
{
	return (unsigned char)c > ' ' && (unsigned char)c != 0x7f && !strchr("(){\"", c);
}

/* An atom, a flag, a number, NIL; BODY[HEADER.FIELDS (SUBJECT)]<0> is one too. */
static struct imap_token atom(struct imap_tokens *t)
{
	const char *p = t->at;
	while (p < t->end && in_atom(*p)) {
		if (*p == '[' && !(p = memchr(p, ']', (size_t)(t->end - p))))
			return broken(t);
		p++;
	}
	return p > t->at ? taken(t, IMAP_ATOM, t->at, p, p) : broken(t);
}

struct imap_token imap_next(struct imap_tokens *t)
{
	while (!t->broken && t->at < t->end && *t->at == ' ')
		t->at++;
	if (t->broken)
		return broken(t);
	if (t->at == t->end)
		return (struct imap_token){ .kind = IMAP_END, .text = t->at };
	switch (*t->at) {
	case '(':
		return taken(t, IMAP_OPEN, t->at, t->at + 1, t->at + 1);
	case ')':
		return taken(t, IMAP_CLOSE, t->at, t->at + 1, t->at + 1);
	case '"':
		return quoted(t);
	case '{':
		return literal(t);
	default:
		return atom(t);
	}
}

bool imap_skip(struct imap_tokens *t)
{
	int depth = 0;
	for (int pieces = 0; pieces < IMAP_PIECES_MAX; pieces++) {
		struct imap_token next = imap_next(t);
		if (next.kind == IMAP_BROKEN || next.kind == IMAP_END)
			return false;
		if (next.kind == IMAP_OPEN && ++depth > IMAP_DEPTH_MAX)
			return false;
		if (next.kind == IMAP_CLOSE && --depth < 0)
			return false;
		if (depth == 0)
			return true;
	}
	return false;
}

bool imap_is(const struct imap_token *t, const char *word)
{
	return t->kind == IMAP_ATOM && strlen(word) == t->length && strncasecmp(t->text, word, t->length) == 0;
}

bool imap_number(const struct imap_token *t, uint32_t *number)
{
	uint64_t n;
	if (t->kind != IMAP_ATOM || !digits(t->text, t->text + t->length, &n) || n > UINT32_MAX)
		return false;
	*number = (uint32_t)n;
	return true;
}

/* --- lines --------------------------------------------------------------------------------------------------------- */

static bool begins(const char *line, size_t length, const char *word)
{
	size_t n = strlen(word);
	return length >= n && strncasecmp(line, word, n) == 0;
}

/* Is the line for people to its end, so that a brace in it means nothing? Only data behind "* " has literals. */
static bool is_prose(const char *line, size_t length)
{
	static const char *const words[] = { "* OK", "* NO", "* BAD", "* BYE", "* PREAUTH" };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (begins(line, length, words[i]))
			return true;
	return !begins(line, length, "* ");
}

/* Does the line end within quotes? */
static bool ends_quoted(const char *line, size_t length)
{
	bool quotes = false;
	for (size_t i = 0; i < length; i++) {
		if (line[i] == '"')
			quotes = !quotes;
		else if (quotes && line[i] == '\\')
			i++;
	}
	return quotes;
}

bool imap_literal(const char *line, size_t length, bool first, uint64_t *bytes, bool *is_broken)
{
	size_t open = length;
	*is_broken = false;
	if (length < 2 || line[length - 1] != '}' || (first && is_prose(line, length)) || ends_quoted(line, length))
		return false;
	while (open > 0 && line[open - 1] != '{')
		open--;
	if (open > 0 && digits(line + open, line + length - 1, bytes))
		return true;
	*is_broken = true;
	return false;
}

/* --- responses ----------------------------------------------------------------------------------------------------- */

static const struct {
	const char *word;
	enum imap_status status;
} statuses[] = {
	{ "OK", IMAP_OK }, { "NO", IMAP_NO }, { "BAD", IMAP_BAD }, { "BYE", IMAP_BYE }, { "PREAUTH", IMAP_PREAUTH }
};

static enum imap_status status_of(const struct imap_token *word)
{
	for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
		if (imap_is(word, statuses[i].word))
			return statuses[i].status;
	return IMAP_DATA;
}

/* [CODE args] text, behind the status. */
static void read_prose(struct imap_response *r, struct imap_tokens t)
{
	while (t.at < t.end && *t.at == ' ')
		t.at++;
	const char *close = t.at < t.end && *t.at == '[' ? memchr(t.at, ']', (size_t)(t.end - t.at)) : NULL;
	if (close) {
		r->code = (struct imap_token){ IMAP_ATOM, t.at + 1, (size_t)(close - t.at - 1) };
		t.at = close + 1;
		while (t.at < t.end && *t.at == ' ')
			t.at++;
	}
	r->text = (struct imap_token){ IMAP_STRING, t.at, (size_t)(t.end - t.at) };
}

static bool read_data(struct imap_response *r, struct imap_tokens t, struct imap_token first)
{
	if (imap_number(&first, &r->number)) {
		r->numbered = true;
		first = imap_next(&t);
	}
	r->name = first;
	r->rest = t;
	return first.kind == IMAP_ATOM;
}

bool imap_response_read(const char *text, size_t length, struct imap_response *r)
{
	struct imap_tokens t = imap_tokens(text, length);
	*r = (struct imap_response){ .status = IMAP_DATA };
	if (length > 0 && *text == '+') {
		r->sort = IMAP_CONTINUE;
		t.at++;
		while (t.at < t.end && *t.at == ' ')
			t.at++;
		r->text = (struct imap_token){ IMAP_STRING, t.at, (size_t)(t.end - t.at) };
		return true;
	}
	struct imap_token tag = imap_next(&t);
	if (tag.kind != IMAP_ATOM)
		return false;
	struct imap_token word = imap_next(&t);
	r->status = status_of(&word);
	if (!imap_is(&tag, "*")) {
		r->sort = IMAP_TAGGED;
		r->tag = tag;
		read_prose(r, t);
		return r->status == IMAP_OK || r->status == IMAP_NO || r->status == IMAP_BAD;
	}
	if (r->status == IMAP_DATA)
		return read_data(r, t, word);
	read_prose(r, t);
	return true;
}

bool imap_code_is(const struct imap_token *code, const char *word)
{
	struct imap_tokens t = imap_tokens(code->text, code->length);
	struct imap_token first = imap_next(&t);
	return imap_is(&first, word);
}

bool imap_code_number(const struct imap_token *code, const char *word, uint32_t *number)
{
	struct imap_tokens t = imap_tokens(code->text, code->length);
	struct imap_token first = imap_next(&t), second = imap_next(&t);
	return imap_is(&first, word) && imap_number(&second, number);
}

/* --- FETCH --------------------------------------------------------------------------------------------------------- */

static bool read_flags(struct imap_tokens *t, struct imap_fetch *f)
{
	struct imap_token next = imap_next(t);
	if (next.kind != IMAP_OPEN)
		return false;
	f->has_flags = true;
	while ((next = imap_next(t)).kind == IMAP_ATOM) {
		f->seen |= imap_is(&next, "\\Seen");
		f->deleted |= imap_is(&next, "\\Deleted");
	}
	return next.kind == IMAP_CLOSE;
}

static bool read_body(struct imap_tokens *t, struct imap_fetch *f)
{
	struct imap_token value = imap_next(t);
	bool nil = imap_is(&value, "NIL");
	if (value.kind != IMAP_STRING && !nil)
		return false;
	if (nil)
		value.length = 0;
	if (!f->has_body)
		f->body = value;
	return f->has_body = true;
}

static bool read_item(struct imap_tokens *t, const struct imap_token *name, struct imap_fetch *f)
{
	struct imap_token value;
	if (imap_is(name, "FLAGS"))
		return read_flags(t, f);
	if (imap_is(name, "UID")) {
		value = imap_next(t);
		return f->has_uid = imap_number(&value, &f->uid) && f->uid > 0;
	}
	if (imap_is(name, "RFC822.SIZE")) {
		value = imap_next(t);
		return f->has_size = imap_number(&value, &f->size);
	}
	if (begins(name->text, name->length, "BODY["))
		return read_body(t, f);
	return imap_skip(t);
}

bool imap_fetch_read(struct imap_tokens t, struct imap_fetch *f)
{
	*f = (struct imap_fetch){ .has_uid = false };
	struct imap_token name = imap_next(&t);
	if (name.kind != IMAP_OPEN)
		return false;
	while ((name = imap_next(&t)).kind == IMAP_ATOM)
		if (!read_item(&t, &name, f))
			return false;
	return name.kind == IMAP_CLOSE && imap_next(&t).kind == IMAP_END;
}

/* --- capabilities -------------------------------------------------------------------------------------------------- */

void imap_capability(struct imap_capabilities *c, const struct imap_token *word)
{
	struct {
		const char *name;
		bool *flag;
	} const flags[] = {
		{ "IMAP4rev1", &c->imap4rev1 }, { "STARTTLS", &c->starttls }, { "LOGINDISABLED", &c->login_disabled },
		{ "IDLE", &c->idle },           { "UIDPLUS", &c->uidplus },   { "SASL-IR", &c->sasl_ir },
	};
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		if (imap_is(word, flags[i].name))
			*flags[i].flag = true;
	if (word->kind == IMAP_ATOM && begins(word->text, word->length, "AUTH="))
		sasl_offer_add(&c->mechanisms, word->text + 5, word->length - 5);
}
