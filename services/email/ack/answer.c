/* SPDX-License-Identifier: Apache-2.0
 * The words of an answer: see answer.h. */
#include "services/email/ack/answer.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "station/base/must.h"

/* --- the line ------------------------------------------------------------------------------------------------------ */

struct line {
	const char *text;
	size_t length; /* without white space at either end */
};

/* False: the text has ended. */
static bool next_line(const char **text, struct line *l)
{
	if (!**text)
		return false;
	size_t whole = strcspn(*text, "\n"), n = whole;
	const char *start = *text;
	*text += whole + ((*text)[whole] == '\n');
	for (; n > 0; start = g_utf8_next_char(start)) {
		gunichar c = g_utf8_get_char(start);
		if (!g_unichar_isspace(c) && c != 0xFEFF && c != 0x200B) /* byte order mark, space without width */
			break;
		n -= MIN(n, (size_t)(g_utf8_next_char(start) - start));
	}
	while (n > 0 && strchr(" \t\r", start[n - 1]))
		n--;
	*l = (struct line){ start, n };
	return true;
}

static bool ends_with(const struct line *l, const char *end)
{
	size_t n = strlen(end);
	return l->length >= n && strncmp(l->text + l->length - n, end, n) == 0;
}

/* Does the line begin with one of the verbs? */
static bool begins_with_verb(const struct line *l)
{
	size_t length;
	char *text = must_strndup(l->text, l->length), *folded = language_fold(text);
	int word = language_word(NULL, folded, &length);
	free(text);
	free(folded);
	return word >= ANSWER_ACK && word <= ANSWER_STATUS;
}

/* "Good morning," above the answer: a few words, a comma, and the next line that is not empty begins with a verb. */
static bool is_salutation(const struct line *first, const char *rest)
{
	struct line next = { 0 };
	int spaces = 0;
	if (!ends_with(first, ",") && !ends_with(first, "\xEF\xBC\x8C"))
		return false;
	for (size_t i = 0; i < first->length; i++)
		spaces += first->text[i] == ' ';
	while (next.length == 0 && next_line(&rest, &next))
		;
	return next.length > 0 && spaces < 5 && !begins_with_verb(first) && begins_with_verb(&next);
}

/* "On Friday Anna wrote:", in one line or up to three, in front of a quoted line. */
static bool announces_quote(struct line first, const char *rest)
{
	struct line next;
	if (begins_with_verb(&first)) /* the answer itself, without an empty line behind it */
		return false;
	bool colon = ends_with(&first, ":") || ends_with(&first, "\xEF\xBC\x9A");
	for (int i = 0; i < 4 && next_line(&rest, &next); i++) {
		if (next.length == 0 && colon)
			continue;
		if (next.length == 0)
			return false; /* an empty line stands behind an announcement only */
		if (*next.text == '>')
			return colon;
		if (colon)
			return false;
		colon = ends_with(&next, ":") || ends_with(&next, "\xEF\xBC\x9A");
	}
	return false;
}

/* Lines behind which only the old mail stands. */
static bool begins_old_mail(const struct line *l)
{
	static const char *const headers[] = { "From:", "Von:",        "De :",
		                                   "De:",   "De\xC2\xA0:", "\xE5\x8F\x91\xE4\xBB\xB6\xE4\xBA\xBA" };
	if (l->length >= 5 && (strncmp(l->text, "-----", 5) == 0 || strncmp(l->text, "_____", 5) == 0))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++)
		if (strncmp(l->text, headers[i], strlen(headers[i])) == 0)
			return true;
	return (l->length == 2 && strncmp(l->text, "--", 2) == 0); /* a signature */
}

char *answer_line(const char *text)
{
	struct line l;
	bool announced = false; /* the next quoted line ends an announcement */
	while (next_line(&text, &l)) {
		if (l.length == 0)
			continue;
		if (*l.text == '>') {
			announced = false;
			continue;
		}
		if (announced || announces_quote(l, text)) {
			announced = true;
			continue;
		}
		if (is_salutation(&l, text))
			continue;
		return begins_old_mail(&l) ? NULL : must_strndup(l.text, l.length);
	}
	return NULL;
}

/* --- times ---------------------------------------------------------------------------------------------------------- */

/* A line while it is read: folded, and how far. */
struct reading {
	const char *at;
	const struct zone *zone;
	int64_t local; /* now, in seconds of that zone */
};

static void skip_space(struct reading *r)
{
	r->at += strspn(r->at, " ,");
}

static bool take_word(struct reading *r, enum answer_word wanted)
{
	size_t length;
	skip_space(r);
	for (size_t i = 0; languages[i]; i++)
		if (language_word(languages[i], r->at, &length) == (int)wanted) {
			r->at += length;
			return true;
		}
	return false;
}

static bool take_number(struct reading *r, int64_t *n)
{
	char *end;
	skip_space(r);
	if (!g_ascii_isdigit(*r->at))
		return false;
	*n = strtoll(r->at, &end, 10);
	r->at = end;
	return *n <= 100000;
}

/* "2h", "1 h 30 min", "2小时": in seconds; 0: none stands here. */
static int64_t take_duration(struct reading *r)
{
	static const struct {
		enum answer_word unit;
		int64_t seconds;
	} units[] = { { ANSWER_MINUTES, 60 }, { ANSWER_HOURS, 3600 }, { ANSWER_DAYS, 86400 }, { ANSWER_WEEKS, 604800 } };
	int64_t total = 0, n;
	struct reading try = *r;
	while (take_number(&try, &n)) {
		size_t i = 0;
		while (i < ARRAY_SIZE(units) && !take_word(&try, units[i].unit))
			i++;
		if (i == ARRAY_SIZE(units))
			break;
		total += n * units[i].seconds;
		*r = try;
	}
	return total;
}

/* Today, tomorrow or a weekday: how many days from now; -1: none stands here. */
static int take_day(struct reading *r)
{
	size_t length;
	if (take_word(r, ANSWER_TODAY))
		return 0;
	if (take_word(r, ANSWER_TOMORROW))
		return 1;
	for (size_t i = 0; languages[i]; i++) {
		int day = language_weekday(languages[i], r->at, &length);
		if (day < 0)
			continue;
		r->at += length;
		int ahead = (day - day_weekday(day_containing(r->local)) + 7) % 7;
		return ahead ? ahead : 7;
	}
	return -1;
}

/* "18:00", "18 uhr", "6 pm", "18h30", noon, midnight: seconds since midnight; -1: none stands here. */
static int64_t take_time(struct reading *r)
{
	int64_t hours, minutes = 0;
	if (take_word(r, ANSWER_NOON))
		return 12 * 3600;
	if (take_word(r, ANSWER_MIDNIGHT))
		return 24 * 3600;
	if (!take_number(r, &hours) || hours > 24)
		return -1;
	if ((*r->at == ':' || *r->at == '.' || *r->at == 'h') && g_ascii_isdigit(r->at[1])) {
		r->at++;
		if (!take_number(r, &minutes) || minutes > 59)
			return -1;
	} else if (strncmp(r->at, "\xEF\xBC\x9A", 3) == 0) { /* a full-width colon */
		r->at += 3;
		if (!take_number(r, &minutes) || minutes > 59)
			return -1;
	}
	skip_space(r);
	bool half = (*r->at == 'a' || *r->at == 'p') && r->at[1] == 'm';
	if (half && hours >= 1 && hours <= 12) {
		hours = hours % 12 + (*r->at == 'p' ? 12 : 0);
		r->at += 2;
	} else if (!take_word(r, ANSWER_OCLOCK)) {
		struct reading try = *r; /* "18 h" */
		if (take_word(&try, ANSWER_HOURS))
			*r = try;
	}
	return hours * 3600 + minutes * 60;
}

/* The rest of "snooze 2h", "shelve until tomorrow 8:00". ABSTIME_NULL when it is empty; 0 when it is no time. */
static int64_t read_until(struct reading *r, int64_t now)
{
	skip_space(r);
	if (!*r->at)
		return ABSTIME_NULL;
	take_word(r, ANSWER_FOR);
	bool until = take_word(r, ANSWER_UNTIL);
	int64_t duration = until ? 0 : take_duration(r);
	if (duration > 0) {
		take_word(r, ANSWER_FOR); /* some languages put it behind */
		skip_space(r);
		return *r->at ? 0 : now + duration * SECOND_US;
	}
	int day = take_day(r);
	int64_t time = take_time(r);
	if (day < 0)
		day = take_day(r); /* "18:00 tomorrow" */
	take_word(r, ANSWER_UNTIL);
	skip_space(r);
	if (*r->at || (day < 0 && time < 0))
		return 0;
	int64_t midnight = day_containing(r->local) * DAY_SECONDS;
	int64_t local = midnight + (day > 0 ? day : 0) * DAY_SECONDS + (time < 0 ? 0 : time);
	if (day < 0 && local <= r->local)
		local += DAY_SECONDS;
	return zone_instant(r->zone, local) * SECOND_US;
}

/* --- what it asks for ------------------------------------------------------------------------------------------------- */

/* Folded, without the full stop that phones put behind a line. */
static char *fold_line(const char *line)
{
	static const char *const ends[] = { ".", "!", "\xE3\x80\x82", "\xEF\xBC\x81" };
	char *folded = language_fold(line);
	for (size_t i = 0, n; i < ARRAY_SIZE(ends); i++)
		while ((n = strlen(folded)) > strlen(ends[i]) && strcmp(folded + n - strlen(ends[i]), ends[i]) == 0)
			folded[n - strlen(ends[i])] = '\0';
	for (size_t n = strlen(folded); n > 0 && folded[n - 1] == ' ';)
		folded[--n] = '\0';
	return folded;
}

/* The text behind the first word of the line as it was written. */
static char *comment_of(const char *line, const char *folded, size_t length)
{
	long characters = g_utf8_strlen(folded, (gssize)length);
	while (characters-- > 0 && *line)
		line = g_utf8_next_char(line);
	while (*line && (g_unichar_isspace(g_utf8_get_char(line)) || *line == ':' || strncmp(line, "\xEF\xBC\x9A", 3) == 0))
		line = g_utf8_next_char(line);
	return must_strdup(line);
}

static enum answer_fault read_rest(const char *line, const char *folded, size_t length, const struct reading *r,
                                   int64_t now, struct mail_answer *out)
{
	struct reading rest = *r;
	rest.at = folded + length;
	switch (out->verb) {
	case ANSWER_COMMENT:
		out->comment = comment_of(line, folded, length);
		if (*out->comment)
			return ANSWER_UNDERSTOOD;
		free(out->comment);
		out->comment = NULL;
		return ANSWER_NO_COMMENT;
	case ANSWER_SNOOZE:
	case ANSWER_SHELVE:
		out->until = read_until(&rest, now);
		return out->until == 0 ? ANSWER_NO_TIME : ANSWER_UNDERSTOOD;
	default:
		skip_space(&rest);
		return *rest.at ? ANSWER_NO_WORD : ANSWER_UNDERSTOOD;
	}
}

enum answer_fault answer_read(const char *line, const struct zone *zone, int64_t now, struct mail_answer *out)
{
	char *folded = fold_line(line);
	size_t length;
	int word = language_word(NULL, folded, &length);
	const struct reading r = { .zone = zone, .local = zone_local(zone, now / SECOND_US) };
	enum answer_fault fault = ANSWER_NO_WORD;
	*out = (struct mail_answer){ .until = ABSTIME_NULL };
	if (word >= ANSWER_ACK && word <= ANSWER_STATUS) {
		out->verb = (enum answer_word)word;
		fault = read_rest(line, folded, length, &r, now, out);
	}
	free(folded);
	return fault;
}
