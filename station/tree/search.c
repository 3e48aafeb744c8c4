/* SPDX-License-Identifier: Apache-2.0
 * A search on its way: see search.h. It goes by handles, not along the tree: what is removed meanwhile is no obstacle. */
#include "station/tree/search.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "station/base/must.h"
#include "station/tree/category.h"
#include "station/tree/tags.h"

enum { TURN_US = 1500, LOOK_AT_CLOCK = 64 };

enum filter { FILTER_TEXT, FILTER_TYPE, FILTER_STATUS, FILTER_TAG, FILTER_CATEGORY };

struct word {
	enum filter filter;
	const char *text; /* into search.copy */
	double number;    /* NAN: it is none */
};
struct search {
	struct message message;
	struct station *station;
	char *copy;                  /* owned */
	char *type, *tag, *category; /* owned, may be NULL */
	struct word words[SEARCH_WORDS_MAX];
	size_t word_count;
	uint64_t at, last; /* handles: of the last component looked at, of the last one found */
	int64_t limit;
	json_t *items; /* owned */
	search_done *done;
	void *context;
};

/* --- one component ---------------------------------------------------------------------------------------------- */

static bool of_type(const struct component *c, const char *name)
{
	for (const struct type *t = c->type; t; t = t->base)
		if (strcasecmp(t->name, name) == 0)
			return true;
	return false;
}

static bool has_status(const struct component *c, const char *name)
{
	char text[STATUS_TEXT_MAX];
	return strcasestr(status_print(c->status.bits, text), name) != NULL;
}

static bool is_text(enum kind kind)
{
	return kind == V_STRING || kind == V_ORD || kind == V_STATUS_STRING;
}

static bool value_matches(const struct slot *slot, const struct value *v, const struct word *word)
{
	if (is_text(slot->kind))
		return strcasestr(v->text, word->text) != NULL;
	double number = slot->kind == V_INTEGER ? (double)v->integer : v->real;
	return fabs(number - word->number) < 1e-9;
}

/* Secrets are never looked at. Numbers only when the word is one. */
static const char *slot_with(const struct component *c, const struct word *word)
{
	const struct slot *slot;
	for (struct slot_walk w = component_walk(c); (slot = slot_next(&w));) {
		bool number = slot->kind == V_REAL || slot->kind == V_INTEGER || slot->kind == V_STATUS_NUMERIC;
		if (!is_text(slot->kind) && !(number && !isnan(word->number)))
			continue;
		struct value v;
		slot_read(slot, c, &v);
		bool matches = value_matches(slot, &v, word);
		value_clear(&v);
		if (matches)
			return slot->name;
	}
	return NULL;
}

/* Where the word is found; NULL: nowhere. */
static const char *where(const struct component *c, const struct word *word)
{
	char label[256];
	if (word->filter == FILTER_TYPE)
		return of_type(c, word->text) || strcasestr(c->type->name, word->text) ? "type" : NULL;
	if (word->filter == FILTER_STATUS)
		return has_status(c, word->text) ? "status" : NULL;
	if (word->filter == FILTER_TAG)
		return tags_have(c, word->text) ? "tags" : NULL;
	if (word->filter == FILTER_CATEGORY)
		return category_has(c, word->text) ? "categories" : NULL;
	if (c->extra && c->extra->tags && strcasestr(c->extra->tags, word->text))
		return "tags";
	if (strcasestr(c->name, word->text))
		return "name";
	if (strcasestr(component_display_name(c, label, sizeof label), word->text))
		return "displayName";
	if (strcasestr(c->type->name, word->text))
		return "type";
	for (const struct component *p = c->parent; p; p = p->parent)
		if (strcasestr(p->name, word->text))
			return "path";
	return slot_with(c, word);
}

/* What was found of each word; NULL when one is missing. New reference. */
static json_t *matched(const struct search *search, const struct component *c)
{
	if ((search->type && !of_type(c, search->type)) || (search->tag && !tags_have(c, search->tag)) ||
	    (search->category && !category_has(c, search->category)))
		return NULL;
	json_t *places = json_array();
	for (size_t i = 0; i < search->word_count; i++) {
		const char *place = where(c, &search->words[i]);
		if (!place) {
			json_decref(places);
			return NULL;
		}
		json_array_append_new(places, json_string(place));
	}
	return places;
}

static void add(struct search *search, const struct component *c, json_t *places)
{
	char handle[20], label[256], status[STATUS_TEXT_MAX];
	char *path = component_path(c), *ord = component_ord(c);
	snprintf(handle, sizeof handle, "%" PRIx64, c->handle);
	json_t *display = json_string(component_display_name(c, label, sizeof label));
	json_array_append_new(search->items,
	                      json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:s, s:o}", "path", path, "ord", ord, "handle",
	                                handle, "name", c->name, "displayName", display ? display : json_string(c->name),
	                                "type", c->type->name, "status", status_print(c->status.bits, status), "matched",
	                                places));
	free(ord);
	free(path);
}

/* --- the way ---------------------------------------------------------------------------------------------------- */

static void finish(struct search *search, bool more)
{
	json_t *result = json_pack("{s:o}", "items", search->items);
	if (more)
		json_object_set_new(result, "next", json_sprintf("%" PRIx64, search->last));
	search->done(search->context, result);
	free(search->copy);
	free(search->type);
	free(search->tag);
	free(search->category);
	free(search);
}

static int64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * SECOND_US + t.tv_nsec / 1000;
}

static void go_on(struct message *m)
{
	struct search *search = container_of(m, struct search, message);
	int64_t end = now_us() + TURN_US;
	const struct tree_index *index = &search->station->tree.index;
	for (unsigned i = 1;; i++) {
		const struct component *c = index_after(index, search->at);
		json_t *places = c ? matched(search, c) : NULL;
		bool full = (int64_t)json_array_size(search->items) == search->limit;
		if (!c || (places && full)) {
			json_decref(places);
			finish(search, c != NULL);
			return;
		}
		search->at = c->handle;
		if (places) {
			search->last = c->handle;
			add(search, c, places);
		}
		if (i % LOOK_AT_CLOCK == 0 && now_us() > end) {
			station_post(search->station, &search->message);
			return;
		}
	}
}

static void add_word(struct search *search, char *text)
{
	static const struct {
		const char *prefix;
		enum filter filter;
	} filters[] = {
		{ "type:", FILTER_TYPE }, { "status:", FILTER_STATUS }, { "tag:", FILTER_TAG }, { "category:", FILTER_CATEGORY }
	};
	struct word *word = &search->words[search->word_count++];
	*word = (struct word){ .text = text, .number = NAN };
	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		size_t n = strlen(filters[i].prefix);
		if (strncasecmp(text, filters[i].prefix, n) == 0)
			*word = (struct word){ filters[i].filter, text + n, NAN };
	}
	char *end;
	double number = strtod(word->text, &end);
	if (*word->text && *end == '\0' && isfinite(number))
		word->number = number;
}

void search_start(struct station *s, const struct search_question *q, search_done *done, void *context)
{
	struct search *search = must_alloc(sizeof *search);
	*search = (struct search){ .message.run = go_on,
		                       .station = s,
		                       .copy = must_strdup(q->text),
		                       .type = q->type ? must_strdup(q->type) : NULL,
		                       .tag = q->tag ? must_strdup(q->tag) : NULL,
		                       .category = q->category ? must_strdup(q->category) : NULL,
		                       .at = q->after,
		                       .limit = q->limit,
		                       .items = json_array(),
		                       .done = done,
		                       .context = context };
	for (char *save = NULL, *word = strtok_r(search->copy, " \t", &save); word && search->word_count < SEARCH_WORDS_MAX;
	     word = strtok_r(NULL, " \t", &save))
		add_word(search, word);
	station_post(s, &search->message);
}
