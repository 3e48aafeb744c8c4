/* SPDX-License-Identifier: Apache-2.0
 * Languages of mails: what a station says in them, which words of an answer it understands, and how numbers and dates are
 * written. Each language is one file of tables in this folder, called by its code; the build finds it there. Phrases and
 * words are listed in phrase.def and answer.def. Everything is constant: any thread. */
#ifndef BELFRY_LANGUAGE_H
#define BELFRY_LANGUAGE_H

#include <stddef.h>

#include "station/type/slot.h"
#include "station/value/zone.h"

enum phrase {
#define PHRASE(NAME, name) PHRASE_##NAME,
#include "services/email/language/phrase.def"
#undef PHRASE
	PHRASES
};
enum answer_word {
#define ANSWER(NAME) ANSWER_##NAME,
#include "services/email/language/answer.def"
#undef ANSWER
	ANSWERS
};

struct language {
	const char *code, *name;              /* ISO 639-1; its own name for itself */
	const char *decimal;                  /* between the units and the tenths */
	const char *date_time, *date, *time;  /* %Y %m %d %H %M %S as in strftime, %e day, %B month, %A weekday */
	const char *weekdays[7], *months[12]; /* Sunday first */
	const char *phrases[PHRASES];
	const char *answers[ANSWERS]; /* synonyms in the form of language_fold, with | between them */
};

/* All languages, by code, ending with NULL; English is among them. */
extern const struct language *const languages[];
/* The same as the range of a property: 0 is "station", n is languages[n - 1]. */
extern const struct tag language_range[];
/* How a value of that range is called: the language's own name; NULL for "station". */
const char *language_called(int ordinal);

/* The language of that code; NULL when there is none. English, which is always there. */
const struct language *language_find(const char *code);
const struct language *language_english(void);

/* Owned: a phrase with {0}, {1}... replaced; count at most 10. */
char *language_say(const struct language *l, enum phrase p, const char *const *arguments, size_t count);
/* The phrase called `name` ("highLimit"); NULL when there is none. */
const char *language_phrase(const struct language *l, const char *name);

/* Owned: text as answers are compared: composed (NFC), without case, with single spaces. */
char *language_fold(const char *text);
/* Which word does this folded text begin with? The longest one counts, and it must end where a word ends, except in
 * languages that write without spaces. l NULL: all languages. *length is what it takes. -1: none. */
int language_word(const struct language *l, const char *folded, size_t *length);
/* The same for a weekday, 0 Sunday to 6 Saturday; three letters are enough. */
int language_weekday(const struct language *l, const char *folded, size_t *length);

/* A local time (seconds, see zone.h) by one of the language's patterns. Owned. */
char *language_date(const struct language *l, const char *pattern, int64_t local);
/* An instant (microseconds since 1970) in a zone, with the offset: "27.11.2026, 17:05:03 (UTC+1)". Owned. */
char *language_instant(const struct language *l, const struct zone *zone, int64_t us);
/* A number with so many decimals. Owned. */
char *language_number(const struct language *l, double number, int decimals);

#endif
