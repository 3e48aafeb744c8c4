/* SPDX-License-Identifier: Apache-2.0
 * What all languages share: finding them, filling phrases in, reading words, writing dates and numbers. See language.h. */
#include "services/email/language/language.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"

/* The build names the files of this folder: LANGUAGE(de) LANGUAGE(en)... */
#ifndef BELFRY_LANGUAGES
#define BELFRY_LANGUAGES LANGUAGE(en)
#endif
#define LANGUAGE(code) extern const struct language language_##code;
BELFRY_LANGUAGES
#undef LANGUAGE
#define LANGUAGE(code) &language_##code,
const struct language *const languages[] = { BELFRY_LANGUAGES NULL };
#undef LANGUAGE

enum {
	LANGUAGE_STATION,
#define LANGUAGE(code) LANGUAGE_##code,
	BELFRY_LANGUAGES
#undef LANGUAGE
};
const struct tag language_range[] = {
	{ LANGUAGE_STATION, "station", "The language of the EmailService." },
#define LANGUAGE(code) { LANGUAGE_##code, #code, "The language with the ISO 639 code " #code "." },
	BELFRY_LANGUAGES
#undef LANGUAGE
	{ 0, NULL, NULL },
};

const char *language_called(int ordinal)
{
	return ordinal == LANGUAGE_STATION ? NULL : languages[ordinal - 1]->name;
}

static const char *const phrase_names[] = {
#define PHRASE(NAME, name) name,
#include "services/email/language/phrase.def"
#undef PHRASE
};

const struct language *language_find(const char *code)
{
	for (size_t i = 0; languages[i]; i++)
		if (strcmp(languages[i]->code, code) == 0)
			return languages[i];
	return NULL;
}

const struct language *language_english(void)
{
	const struct language *l = language_find("en");
	must(l);
	return l;
}

/* --- what is said --------------------------------------------------------------------------------------------------- */

char *language_say(const struct language *l, enum phrase p, const char *const *arguments, size_t count)
{
	GString *out = g_string_new(NULL);
	for (const char *at = l->phrases[p]; *at; at++) {
		bool filled = at[0] == '{' && at[1] >= '0' && at[1] <= '9' && at[2] == '}' && (size_t)(at[1] - '0') < count;
		if (filled) {
			g_string_append(out, arguments[at[1] - '0']);
			at += 2;
		} else {
			g_string_append_c(out, *at);
		}
	}
	char *text = must_strdup(out->str);
	g_string_free(out, TRUE);
	return text;
}

const char *language_phrase(const struct language *l, const char *name)
{
	for (size_t i = 0; i < PHRASES; i++)
		if (strcmp(phrase_names[i], name) == 0)
			return l->phrases[i];
	return NULL;
}

/* --- what is understood --------------------------------------------------------------------------------------------- */

char *language_fold(const char *text)
{
	char *valid = g_utf8_make_valid(text, -1), *small = g_utf8_casefold(valid, -1),
	     *composed = g_utf8_normalize(small, -1, G_NORMALIZE_NFC);
	char *out = must_strdup(composed), *to = out;
	g_free(valid);
	g_free(small);
	g_free(composed);
	for (const char *p = out; *p;) {
		const char *next = g_utf8_next_char(p);
		if (!g_unichar_isspace(g_utf8_get_char(p))) {
			memmove(to, p, (size_t)(next - p));
			to += next - p;
		} else if (to != out && to[-1] != ' ') {
			*to++ = ' ';
		}
		p = next;
	}
	if (to != out && to[-1] == ' ')
		to--;
	*to = '\0';
	return out;
}

static bool spaced(gunichar c)
{
	GUnicodeScript script = g_unichar_get_script(c);
	return g_unichar_isalpha(c) && script != G_UNICODE_SCRIPT_HAN && script != G_UNICODE_SCRIPT_HIRAGANA &&
	    script != G_UNICODE_SCRIPT_KATAKANA && script != G_UNICODE_SCRIPT_THAI;
}

/* Does text begin with the word, and does the word end there? */
static bool begins_with(const char *text, const char *word, size_t length)
{
	if (length == 0 || strncmp(text, word, length) != 0)
		return false;
	gunichar last = g_utf8_get_char(g_utf8_find_prev_char(text, text + length)), next = g_utf8_get_char(text + length);
	return !(spaced(last) && spaced(next));
}

/* The longest of the words with | between them that text begins with; 0: none. */
static size_t longest(const char *text, const char *words)
{
	size_t best = 0;
	for (const char *w = words; *w;) {
		size_t length = strcspn(w, "|");
		if (length > best && begins_with(text, w, length))
			best = length;
		w += length + (w[length] == '|');
	}
	return best;
}

int language_word(const struct language *l, const char *folded, size_t *length)
{
	int found = -1;
	*length = 0;
	for (size_t i = 0; languages[i]; i++) {
		for (int w = 0; (!l || l == languages[i]) && w < ANSWERS; w++) {
			size_t n = longest(folded, languages[i]->answers[w]);
			if (n > *length) {
				*length = n;
				found = w;
			}
		}
	}
	return found;
}

/* The whole name, or as much of it as stands there when that is three letters or more. */
static size_t abbreviated(const char *folded, const char *name)
{
	char *small = language_fold(name);
	size_t whole = begins_with(folded, small, strlen(small)) ? strlen(small) : 0;
	long letters = g_utf8_strlen(small, -1);
	for (long n = letters; whole == 0 && n >= 3; n--) {
		size_t length = (size_t)(g_utf8_offset_to_pointer(small, n) - small);
		if (begins_with(folded, small, length))
			whole = length;
	}
	free(small);
	return whole;
}

int language_weekday(const struct language *l, const char *folded, size_t *length)
{
	int found = -1;
	*length = 0;
	for (size_t i = 0; languages[i]; i++) {
		for (int day = 0; (!l || l == languages[i]) && day < 7; day++) {
			size_t n = abbreviated(folded, languages[i]->weekdays[day]);
			if (n > *length) {
				*length = n;
				found = day;
			}
		}
	}
	return found;
}

/* --- dates and numbers ---------------------------------------------------------------------------------------------- */

static void add_part(GString *out, const struct language *l, char letter, int64_t local)
{
	int64_t day = day_containing(local), second = local - day * DAY_SECONDS, year;
	int month, date;
	day_split(day, &year, &month, &date);
	switch (letter) {
	case 'Y':
		g_string_append_printf(out, "%04lld", (long long)year);
		break;
	case 'm':
		g_string_append_printf(out, "%02d", month);
		break;
	case 'd':
		g_string_append_printf(out, "%02d", date);
		break;
	case 'e':
		g_string_append_printf(out, "%d", date);
		break;
	case 'B':
		g_string_append(out, l->months[month - 1]);
		break;
	case 'A':
		g_string_append(out, l->weekdays[day_weekday(day)]);
		break;
	case 'H':
		g_string_append_printf(out, "%02d", (int)(second / 3600));
		break;
	case 'M':
		g_string_append_printf(out, "%02d", (int)(second / 60 % 60));
		break;
	case 'S':
		g_string_append_printf(out, "%02d", (int)(second % 60));
		break;
	default:
		g_string_append_c(out, letter);
	}
}

static char *finish(GString *s)
{
	char *text = must_strdup(s->str);
	g_string_free(s, TRUE);
	return text;
}

char *language_date(const struct language *l, const char *pattern, int64_t local)
{
	GString *out = g_string_new(NULL);
	for (; *pattern; pattern++) {
		if (*pattern == '%' && pattern[1])
			add_part(out, l, *++pattern, local);
		else
			g_string_append_c(out, *pattern);
	}
	return finish(out);
}

char *language_instant(const struct language *l, const struct zone *zone, int64_t us)
{
	int64_t instant = us / SECOND_US - (us % SECOND_US < 0);
	int offset = zone_offset(zone, instant) / 60, ahead = offset < 0 ? -offset : offset;
	char *date = language_date(l, l->date_time, zone_local(zone, instant));
	GString *out = g_string_new(date);
	free(date);
	g_string_append(out, " (UTC");
	if (offset)
		g_string_append_printf(out, "%c%d", offset < 0 ? '-' : '+', ahead / 60);
	if (ahead % 60)
		g_string_append_printf(out, ":%02d", ahead % 60);
	g_string_append_c(out, ')');
	return finish(out);
}

char *language_number(const struct language *l, double number, int decimals)
{
	char plain[400];
	snprintf(plain, sizeof plain, "%.*f", decimals, number);
	GString *out = g_string_new(NULL);
	for (const char *p = plain; *p; p++) {
		if (*p == '.')
			g_string_append(out, l->decimal);
		else
			g_string_append_c(out, *p);
	}
	return finish(out);
}
