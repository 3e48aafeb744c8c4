/* SPDX-License-Identifier: Apache-2.0
 * Making, composing and storing deltas: see delta.h. A delta is made from the writes of a transaction: for each component
 * that they touch, the rows it has now are taken first, then the writes are played over them. Engine thread. */
#include "station/sheet/delta.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"
#include "station/station.h"

static const struct record_kind *const kinds[] = { &component_kind, &slot_kind, &link_kind };

/* --- states ----------------------------------------------------------------------------------------------------- */

static json_t *column_json(const struct value *v)
{
	return v->kind == V_STRING ? json_stringn_nocheck(v->text, strlen(v->text)) : json_integer(v->integer);
}

/* The columns that are no key, from the values of a write. */
static char *state_text(const struct record_kind *kind, const struct value *values)
{
	json_t *array = json_array();
	for (size_t i = 0; kind->slots[i].name; i++)
		if (!(kind->slots[i].flags & SLOT_REQUIRED))
			json_array_append_new(array, column_json(&values[i]));
	char *text = json_dumps(array, JSON_COMPACT);
	json_decref(array);
	must(text != NULL);
	return text;
}

char *delta_state(const struct record_kind *kind, const void *record)
{
	struct store_tx *tx = store_tx_new();
	store_tx_put(tx, kind, record);
	char *text = state_text(kind, tx->first->values);
	store_tx_free(&tx);
	return text;
}

bool delta_same(const struct record_kind *kind, const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	if (kind != &component_kind)
		return strcmp(a, b) == 0;
	size_t n = (size_t)(strrchr(a, ',') - a), m = (size_t)(strrchr(b, ',') - b); /* the revision stands last */
	return n == m && memcmp(a, b, n) == 0;
}

/* New reference to the column of a state; NULL when there is none. */
static json_t *column(const struct record_kind *kind, const char *state, const char *name)
{
	size_t at = 0;
	const struct slot *slot = kind->slots;
	for (; slot->name && strcmp(slot->name, name) != 0; slot++)
		at += !(slot->flags & SLOT_REQUIRED);
	json_t *array = state ? json_loads(state, 0, NULL) : NULL;
	json_t *value = json_incref(json_array_get(array, at));
	json_decref(array);
	return value;
}

int64_t delta_integer(const struct record_kind *kind, const char *state, const char *name)
{
	json_t *value = column(kind, state, name);
	int64_t n = json_integer_value(value);
	json_decref(value);
	return n;
}

char *delta_text(const struct record_kind *kind, const char *state, const char *name)
{
	json_t *value = column(kind, state, name);
	char *text = must_strdup(json_is_string(value) ? json_string_value(value) : "");
	json_decref(value);
	return text;
}

/* --- rows ------------------------------------------------------------------------------------------------------- */

static size_t bucket_of(const struct delta *d, const struct record_kind *kind, uint64_t handle, const char *name)
{
	size_t i = (size_t)handle_map_key(handle ^ (uint64_t)(uintptr_t)kind, name) & (d->bucket_count - 1);
	for (; d->buckets[i]; i = (i + 1) & (d->bucket_count - 1)) {
		const struct delta_row *r = &d->rows[d->buckets[i] - 1];
		if (r->kind == kind && r->handle == handle && strcmp(r->name, name) == 0)
			break;
	}
	return i;
}

static void index_rows(struct delta *d, size_t buckets)
{
	free(d->buckets);
	d->bucket_count = buckets;
	d->buckets = must_alloc(buckets * sizeof *d->buckets);
	must(d->rows || d->count == 0);
	for (size_t i = 0; i < d->count; i++)
		d->buckets[bucket_of(d, d->rows[i].kind, d->rows[i].handle, d->rows[i].name)] = i + 1;
}

struct delta_row *delta_find(const struct delta *d, const struct record_kind *kind, uint64_t handle, const char *name)
{
	size_t at = d->bucket_count ? d->buckets[bucket_of(d, kind, handle, name)] : 0;
	return at ? &d->rows[at - 1] : NULL;
}

static struct delta_row *row_of(struct delta *d, const struct record_kind *kind, uint64_t handle, const char *name)
{
	struct delta_row *row = delta_find(d, kind, handle, name);
	if (row)
		return row;
	if (2 * (d->count + 1) > d->bucket_count)
		index_rows(d, d->bucket_count ? 2 * d->bucket_count : 64);
	if (d->count == d->capacity) {
		d->capacity = d->capacity ? 2 * d->capacity : 16;
		d->rows = must_realloc(d->rows, d->capacity * sizeof *d->rows);
	}
	must(d->rows && d->buckets);
	row = &d->rows[d->count];
	*row = (struct delta_row){ .kind = kind, .handle = handle, .name = must_strdup(name) };
	d->buckets[bucket_of(d, kind, handle, name)] = ++d->count;
	return row;
}

static void set_state(char **state, const char *text)
{
	free(*state);
	*state = text ? must_strdup(text) : NULL;
}

void delta_set(struct delta *d, const struct record_kind *kind, uint64_t handle, const char *name, const char *before,
               const char *after)
{
	struct delta_row *row = row_of(d, kind, handle, name);
	set_state(&row->before, before);
	set_state(&row->after, after);
}

static void row_finish(struct delta_row *row)
{
	free(row->name);
	free(row->before);
	free(row->after);
}

void delta_finish(struct delta *d)
{
	for (size_t i = 0; i < d->count; i++)
		row_finish(&d->rows[i]);
	for (size_t i = 0; i < d->place_count; i++) {
		free(d->places[i].path);
		free(d->places[i].type);
	}
	free(d->rows);
	free(d->places);
	free(d->buckets);
	handle_map_finish(&d->at);
	*d = (struct delta){ 0 };
}

void delta_invert(struct delta *d)
{
	for (size_t i = 0; i < d->count; i++) {
		char *before = d->rows[i].before;
		d->rows[i].before = d->rows[i].after;
		d->rows[i].after = before;
	}
}

void delta_compact(struct delta *d)
{
	size_t kept = 0;
	for (size_t i = 0; i < d->count; i++) {
		if (delta_same(d->rows[i].kind, d->rows[i].before, d->rows[i].after))
			row_finish(&d->rows[i]);
		else
			d->rows[kept++] = d->rows[i];
	}
	d->count = kept;
	if (d->bucket_count)
		index_rows(d, d->bucket_count);
}

/* --- places ----------------------------------------------------------------------------------------------------- */

const struct delta_place *delta_place(const struct delta *d, uint64_t handle)
{
	uint64_t at = handle_map_get(&d->at, handle);
	return at ? &d->places[at - 1] : NULL;
}

/* Takes path and type. */
static const char *set_place(struct delta *d, uint64_t handle, char *path, char *type)
{
	uint64_t at = handle_map_get(&d->at, handle);
	if (!at) {
		if (d->place_count == d->place_capacity) {
			d->place_capacity = d->place_capacity ? 2 * d->place_capacity : 16;
			d->places = must_realloc(d->places, d->place_capacity * sizeof *d->places);
		}
		must(d->places != NULL);
		d->places[d->place_count] = (struct delta_place){ 0 };
		at = ++d->place_count;
		handle_map_put(&d->at, handle, at);
	}
	must(d->places != NULL);
	struct delta_place *p = &d->places[at - 1];
	free(p->path);
	free(p->type);
	*p = (struct delta_place){ handle, path, type };
	return path;
}

/* The path of a component as the rows leave it; what they do not speak of is where it lives. */
static const char *find_place(struct delta *d, struct station *s, uint64_t handle)
{
	const struct delta_place *known = delta_place(d, handle);
	if (known)
		return known->path;
	const struct delta_row *row = delta_find(d, &component_kind, handle, "");
	const struct component *live = station_by_handle(s, handle);
	if (!row)
		return set_place(d, handle, live ? component_path(live) : must_strdup(""),
		                 must_strdup(live ? live->type->name : ""));
	const char *state = row->after ? row->after : row->before;
	int64_t parent = delta_integer(&component_kind, state, "parent");
	const char *above = parent ? find_place(d, s, (uint64_t)parent) : "";
	char *name = delta_text(&component_kind, state, "name");
	char *path = parent ? must_format("%s/%s", strcmp(above, "/") == 0 ? "" : above, name) : must_strdup("/");
	free(name);
	return set_place(d, handle, path, delta_text(&component_kind, state, "type"));
}

static void find_places(struct delta *d, struct station *s)
{
	for (size_t i = 0; i < d->count; i++) {
		const struct delta_row *r = &d->rows[i];
		find_place(d, s, r->handle);
		if (r->kind == &component_kind && r->before && r->after && delta_integer(r->kind, r->before, "parent"))
			find_place(d, s, (uint64_t)delta_integer(r->kind, r->before, "parent"));
		if (r->kind == &link_kind)
			find_place(d, s, (uint64_t)delta_integer(r->kind, r->before ? r->before : r->after, "source"));
	}
}

/* --- building --------------------------------------------------------------------------------------------------- */

struct building {
	struct delta *delta;
	struct station *station;
	struct handle_map touched; /* handle -> index of its first row + 1 */
	uint64_t handle;           /* being touched */
};

void delta_rows_of(struct component *c,
                   void (*visit)(void *context, const struct record_kind *kind, const char *name, const char *state),
                   void *context)
{
	struct store_tx *tx = store_tx_new();
	persist_alone(tx, c);
	for (const struct store_write *w = tx->first; w; w = w->next) {
		char *state = state_text(w->kind, w->values);
		visit(context, w->kind, w->kind == &component_kind ? "" : w->values[1].text, state);
		free(state);
	}
	store_tx_free(&tx);
}

static void keep_row(void *context, const struct record_kind *kind, const char *name, const char *state)
{
	struct building *b = context;
	delta_set(b->delta, kind, b->handle, name, state, state);
}

/* The first time that a component is met: its rows as they are. Returns the index of the first. */
static size_t touch(struct building *b, uint64_t handle)
{
	uint64_t first = handle_map_get(&b->touched, handle);
	if (first)
		return (size_t)first - 1;
	first = b->delta->count + 1;
	handle_map_put(&b->touched, handle, first);
	struct component *live = station_by_handle(b->station, handle);
	b->handle = handle;
	if (live)
		delta_rows_of(live, keep_row, b);
	return (size_t)first - 1;
}

/* All rows of the kind that the component had. */
static void delete_rows(struct building *b, const struct record_kind *kind, uint64_t handle)
{
	struct delta *d = b->delta;
	for (size_t i = touch(b, handle); i < d->count && d->rows[i].handle == handle; i++)
		if (d->rows[i].kind == kind)
			set_state(&d->rows[i].after, NULL);
}

static void delete_links_from(struct building *b, uint64_t handle)
{
	struct component *source = station_by_handle(b->station, handle);
	for (struct link *l = source ? links_from(source) : NULL; l; l = link_next_from(l)) {
		touch(b, l->target->handle);
		set_state(&row_of(b->delta, &link_kind, l->target->handle, l->name)->after, NULL);
	}
}

static void play(struct building *b, const struct store_write *w)
{
	uint64_t handle = (uint64_t)w->values[0].integer;
	if (w->what == WRITE_DELETE_WHERE) {
		if (strcmp(w->slot, "source") == 0)
			delete_links_from(b, handle);
		else
			delete_rows(b, w->kind, handle);
		return;
	}
	touch(b, handle);
	struct delta_row *row = row_of(b->delta, w->kind, handle, w->kind == &component_kind ? "" : w->values[1].text);
	free(row->after);
	row->after = w->what == WRITE_PUT ? state_text(w->kind, w->values) : NULL;
}

void delta_build(struct delta *d, struct station *s, const struct store_tx *tx)
{
	struct building b = { .delta = d, .station = s };
	for (const struct store_write *w = tx->first; w; w = w->next)
		for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
			if (w->kind == kinds[i])
				play(&b, w);
	handle_map_finish(&b.touched);
	delta_compact(d);
	find_places(d, s);
}

/* --- storing ---------------------------------------------------------------------------------------------------- */

enum { PART_SIZE = 1 << 18 };

static void write_text(FILE *out, const char *text)
{
	json_t *json = json_stringn_nocheck(text, strlen(text));
	must(json_dumpf(json, out, JSON_ENCODE_ANY) == 0);
	json_decref(json);
}

char *delta_write_part(const struct delta *d, size_t *next, size_t *next_place)
{
	char *text = NULL;
	size_t size = 0;
	if (*next == d->count && *next_place == d->place_count)
		return NULL;
	FILE *out = open_memstream(&text, &size);
	must(out != NULL);
	const char *between = "[";
	for (; *next_place < d->place_count && ftell(out) < PART_SIZE; ++*next_place, between = ",") {
		const struct delta_place *p = &d->places[*next_place];
		fprintf(out, "%s[\"\",%" PRIu64 ",", between, p->handle);
		write_text(out, p->path);
		fputc(',', out);
		write_text(out, p->type);
		fputc(']', out);
	}
	for (; *next < d->count && ftell(out) < PART_SIZE; ++*next, between = ",") {
		const struct delta_row *r = &d->rows[*next];
		fprintf(out, "%s[\"%s\",%" PRIu64 ",", between, r->kind->table, r->handle);
		write_text(out, r->name);
		fprintf(out, ",%s,%s]", r->before ? r->before : "null", r->after ? r->after : "null");
	}
	fputc(']', out);
	must(fclose(out) == 0);
	return text;
}

static char *state_of(const json_t *json)
{
	return json_is_array(json) ? json_dumps(json, JSON_COMPACT) : NULL;
}

static bool read_entry(struct delta *d, const json_t *entry)
{
	const char *table = json_string_value(json_array_get(entry, 0)),
	           *text = json_string_value(json_array_get(entry, 2));
	uint64_t handle = (uint64_t)json_integer_value(json_array_get(entry, 1));
	if (!table || !text)
		return false;
	if (*table == '\0') {
		const char *type = json_string_value(json_array_get(entry, 3));
		set_place(d, handle, must_strdup(text), must_strdup(type ? type : ""));
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(kinds[i]->table, table) != 0)
			continue;
		struct delta_row *row = delta_find(d, kinds[i], handle, text);
		if (!row) {
			row = row_of(d, kinds[i], handle, text);
			row->before = state_of(json_array_get(entry, 3));
		}
		free(row->after);
		row->after = state_of(json_array_get(entry, 4));
		return true;
	}
	return false;
}

int delta_read_part(struct delta *d, const char *text, struct err *e)
{
	json_t *array = json_loads(text, 0, NULL), *entry;
	bool good = json_is_array(array);
	size_t i;
	json_array_foreach(array, i, entry) good = good && read_entry(d, entry);
	json_decref(array);
	return good ? 0 : err_set(e, E_INTERNAL, NULL, "What is kept of this version cannot be read.");
}
