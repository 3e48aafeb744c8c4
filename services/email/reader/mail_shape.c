/* SPDX-License-Identifier: Apache-2.0
 * Is a mail small and simple enough to be parsed at all? Dovecot needed 18 minutes for 500,000 addresses in one header
 * (CVE-2024-23184); so counts come first, in one pass that remembers only where it stands. It sees header blocks: at the
 * top, behind every line that could be a boundary, and inside of message/ parts. A text that looks like a boundary is
 * counted as one, which is why that limit is far above the number of parts. The child. */
#include <string.h>
#include <strings.h>

#include "services/email/reader/reader_inside.h"

/* Beside those of the parts, so many in large attachments that are text. */
enum { BOUNDARY_LINES_MAX = 8 * MAIL_PARTS_MAX, BYTES_PER_BOUNDARY_LINE = 4096 };

enum field { FIELD_OTHER, FIELD_ADDRESSES, FIELD_PARAMETERS };
struct shape {
	bool header;          /* inside a header block */
	bool message;         /* which says that a message follows */
	size_t fields, bytes; /* of this block */
	enum field field;     /* the one that is being read */
	size_t separators;    /* of that field */
	size_t boundaries;    /* lines so far */
	size_t boundary_max;  /* and at most */
	const char *wrong;    /* what breaks a limit; NULL: nothing yet */
};

static bool starts(const char *line, size_t length, const char *with)
{
	size_t n = strlen(with);
	return length >= n && strncasecmp(line, with, n) == 0;
}

static enum field field_of(const char *line, size_t length)
{
	static const char *const addresses[] = { "from:", "to:", "cc:", "bcc:", "sender:", "reply-to:", "resent-" };
	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++)
		if (starts(line, length, addresses[i]))
			return FIELD_ADDRESSES;
	return starts(line, length, "content-") ? FIELD_PARAMETERS : FIELD_OTHER;
}

static void count_separators(struct shape *s, const char *line, size_t length)
{
	const size_t most = s->field == FIELD_ADDRESSES ? MAIL_ADDRESSES_MAX : MAIL_PARAMETERS_MAX;
	if (s->field == FIELD_OTHER)
		return;
	for (size_t i = 0; i < length; i++) /* a ';' ends a group of addresses as well */
		s->separators += line[i] == ';' || (line[i] == ',' && s->field == FIELD_ADDRESSES);
	if (s->separators >= most)
		s->wrong =
		    s->field == FIELD_ADDRESSES ? "more than 64 addresses in a field" : "more than 64 parameters in a field";
}

static void header_line(struct shape *s, const char *line, size_t length)
{
	s->bytes += length + 1;
	if (*line != ' ' && *line != '\t') {
		s->fields++;
		s->field = field_of(line, length);
		s->separators = 0;
		s->message |= starts(line, length, "content-type:") && memmem(line, length, "essage/", 7) != NULL;
	}
	count_separators(s, line, length);
	if (memchr(line, '\0', length))
		s->wrong = "a NUL in a header";
	else if (s->fields > MAIL_HEADERS_MAX)
		s->wrong = "more than 256 fields in a header";
	else if (s->bytes > MAIL_HEADER_BYTES_MAX)
		s->wrong = "more than 64 KiB of headers";
}

static void begin_header(struct shape *s)
{
	s->header = true;
	s->message = false;
	s->fields = s->bytes = s->separators = 0;
	s->field = FIELD_OTHER;
}

/* line is without its end. */
static void one_line(struct shape *s, const char *line, size_t length)
{
	if (length > 2 && line[0] == '-' && line[1] == '-') {
		begin_header(s);
		if (++s->boundaries > s->boundary_max)
			s->wrong = "too many boundaries";
	} else if (!s->header) {
		return;
	} else if (length == 0) {
		if (s->message)
			begin_header(s);
		else
			s->header = false;
	} else {
		header_line(s, line, length);
	}
}

int mail_shape_check(const char *bytes, size_t length, struct err *e)
{
	struct shape s = { .boundary_max = BOUNDARY_LINES_MAX + length / BYTES_PER_BOUNDARY_LINE };
	if (length > MAIL_BYTES_MAX)
		return err_set(e, E_TOO_LARGE, NULL, "The mail is larger than the %d KB that are read.", MAIL_KB_MAX);
	begin_header(&s);
	for (const char *end = bytes + length, *line = bytes; line < end && !s.wrong;) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		size_t n = (size_t)((newline ? newline : end) - line);
		one_line(&s, line, n && line[n - 1] == '\r' ? n - 1 : n);
		line += n + 1;
	}
	return s.wrong ? err_set(e, E_INVALID, NULL, "The mail is not read: %s.", s.wrong) : 0;
}
