/* SPDX-License-Identifier: Apache-2.0
 * The HistoryService: which histories there are, and the samples on their way to the disk. They are written once a second,
 * together with the counts; what could not be written is tried again, and bounded in number. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "services/history/history_inside.h"
#include "station/base/handle_map.h"
#include "station/base/log.h"
#include "station/base/must.h"

enum { FLUSH_US = 1000000, RETRY_US = 5000000, WAITING_MAX = 200000 };

struct history_service {
	struct component c;
	char *faultCause;
	int64_t historyCount, samplesWaiting, samplesLost;
	/* No slots. */
	struct history **histories; /* owned */
	size_t count;
	struct handle_map by_ext; /* handle -> index + 1 */
	int64_t next_id;
	struct sample_record *waiting; /* owned */
	size_t waiting_count, waiting_room, on_the_way;
	struct timer flush;
	bool loaded;
};

static const struct slot slots[] = {
	SLOT_AT(struct history_service, c.status, "status", STATUS, .flags = SLOT_READONLY | SLOT_TRANSIENT | SLOT_SUMMARY,
	        .doc = "Whether histories are being kept."),
	SLOT(struct history_service, faultCause, STRING, .flags = SLOT_READONLY | SLOT_TRANSIENT,
	     .doc = "Why they are not, and what to do about it."),
	SLOT(struct history_service, historyCount, INTEGER, .flags = SLOT_READONLY | SLOT_TRANSIENT | SLOT_SUMMARY,
	     .doc = "How many histories there are."),
	SLOT(struct history_service, samplesWaiting, INTEGER, .flags = SLOT_READONLY | SLOT_TRANSIENT,
	     .doc = "Samples that are not on disk yet."),
	SLOT(struct history_service, samplesLost, INTEGER, .flags = SLOT_READONLY | SLOT_TRANSIENT,
	     .doc = "Samples given up since the start because too many waited."),
	SLOT_END,
};
enum row { ROW_FAULT = 1, ROW_COUNT, ROW_WAITING, ROW_LOST };

static void show_number(struct history_service *service, enum row row, int64_t number)
{
	struct value v = value_integer(number);
	component_set(&service->c, &slots[row], &v);
}

static void set_fault(struct history_service *service, const char *text)
{
	struct value v = value_string(text);
	component_set(&service->c, &slots[ROW_FAULT], &v);
	component_set_status(&service->c, *text ? STATUS_FAULT : STATUS_OK);
}

const char *history_service_trouble(const struct history_service *service)
{
	return *service->faultCause ? service->faultCause : NULL;
}

/* --- which there are ------------------------------------------------------------------------------------------------ */

static struct history *add_history(struct history_service *service)
{
	service->histories = must_realloc(service->histories, (service->count + 1) * sizeof(struct history *));
	struct history *h = must_alloc(sizeof *h);
	record_init(&history_kind, &h->record);
	service->histories[service->count++] = h;
	return h;
}

static void index_ext(struct history_service *service, size_t i)
{
	handle_map_put(&service->by_ext, (uint64_t)service->histories[i]->record.ext, i + 1);
}

static int load_one(void *context, void *record)
{
	struct history_service *service = context;
	struct history *h = add_history(service);
	record_finish(&history_kind, &h->record);
	record_copy(&history_kind, &h->record, record);
	if (h->record.id >= service->next_id)
		service->next_id = h->record.id + 1;
	index_ext(service, service->count - 1);
	return 0;
}

/* An extension may start before the service: whoever comes first loads. */
static void load(struct history_service *service)
{
	struct station *s = service->c.station;
	struct err e = { 0 };
	service->loaded = true;
	service->next_id = 1;
	if (!s->history)
		set_fault(service, *s->history_fault ? s->history_fault : "This station was started without histories.");
	else if (s->history->impl->scan(s->history, &history_kind, load_one, service, &e) != 0)
		set_fault(service, e.text);
}

struct history_service *history_service_of(struct station *s)
{
	struct component *c = station_service(s, &history_service);
	struct history_service *service = (struct history_service *)(void *)c;
	if (service && !service->loaded)
		load(service);
	return service;
}

struct history *history_find(struct history_service *service, const char *name)
{
	for (size_t i = 0; i < service->count; i++)
		if (strcmp(service->histories[i]->record.name, name) == 0)
			return service->histories[i];
	return NULL;
}

/* In an address a name is one segment. */
static char *free_name(struct history_service *service, const struct history *self, const char *wanted)
{
	char *base = must_strdup(*wanted ? wanted : "history"), *name = must_strdup(base);
	for (char *p = base; *p; p++)
		if (*p == '/')
			*p = '_';
	const struct history *other;
	for (unsigned i = 1; (other = history_find(service, name)) && other != self; i++) {
		free(name);
		name = must_format("%s%u", base, i);
	}
	free(base);
	return name;
}

static void set_text(char **field, const char *text)
{
	if (strcmp(*field, text) == 0)
		return;
	if (**field) /* the empty default is shared */
		free(*field);
	*field = *text ? must_strdup(text) : (char *)(uintptr_t) "";
}

static void flush_soon(struct history_service *service, int64_t delay);

struct history *history_register(struct history_service *service, uint64_t ext, const char *name, const char *source,
                                 enum value_kind kind, const char *units)
{
	uint64_t at = handle_map_get(&service->by_ext, ext);
	struct history *h = at ? service->histories[at - 1] : NULL;
	if (!h || h->record.valueKind != (int)kind) {
		h = add_history(service);
		h->record.id = service->next_id++;
		h->record.ext = (int64_t)ext;
		h->record.valueKind = (int)kind;
		h->record.created.us = station_now(service->c.station);
		index_ext(service, service->count - 1);
		show_number(service, ROW_COUNT, (int64_t)service->count);
	}
	char *unique = free_name(service, h, name);
	set_text(&h->record.name, unique);
	free(unique);
	set_text(&h->record.source, source);
	set_text(&h->record.units, units);
	h->dirty = true;
	flush_soon(service, FLUSH_US); /* also for a capacity that is smaller now */
	return h;
}

/* --- writing -------------------------------------------------------------------------------------------------------- */

static void flush(struct history_service *service);

static void flush_soon(struct history_service *service, int64_t delay)
{
	if (service->flush.index == 0 && !service->on_the_way)
		timer_start(&service->c.station->clock, &service->flush, delay);
}

static void drop_waiting(struct history_service *service, size_t count)
{
	if (count == 0)
		return;
	for (size_t i = 0; i < count; i++)
		record_finish(&sample_kind, &service->waiting[i]);
	service->waiting_count -= count;
	memmove(service->waiting, service->waiting + count, service->waiting_count * sizeof *service->waiting);
}

/* A hundredth above the capacity may gather, so that a large history is not trimmed each second. */
static void trim(struct history *h, struct store_tx *tx)
{
	int64_t surplus = h->record.count - h->capacity;
	if (h->stops || h->capacity <= 0 || surplus <= h->capacity / 100)
		return;
	struct value id = value_integer(h->record.id);
	store_tx_delete_first(tx, &sample_kind, "history", &id, surplus);
	h->record.count -= surplus;
	h->trimmed = surplus;
}

/* Nothing of a flush is on disk: what it trimmed is still there, and each record is to be written again. */
static void undo_flush(struct history_service *service)
{
	for (size_t i = 0; i < service->count; i++) {
		struct history *h = service->histories[i];
		h->record.count += h->trimmed;
		h->dirty = true;
	}
}

static void flushed(void *context, int code, const struct err *e)
{
	struct history_service *service = context;
	size_t count = service->on_the_way;
	service->on_the_way = 0;
	if (code == 0) {
		drop_waiting(service, count);
		if (*service->faultCause)
			set_fault(service, "");
	} else {
		undo_flush(service);
		log_error("history: %zu samples are not on disk yet: %s", count, e->text);
		set_fault(service, e->text);
	}
	show_number(service, ROW_WAITING, (int64_t)service->waiting_count);
	if (service->waiting_count)
		flush_soon(service, code == 0 ? FLUSH_US : RETRY_US);
}

static void flush(struct history_service *service)
{
	struct store *store = service->c.station->history;
	if (!store || service->on_the_way)
		return;
	struct store_tx *tx = store_tx_new();
	for (size_t i = 0; i < service->waiting_count; i++)
		store_tx_put(tx, &sample_kind, &service->waiting[i]);
	for (size_t i = 0; i < service->count; i++) {
		struct history *h = service->histories[i];
		h->trimmed = 0;
		if (!h->dirty)
			continue;
		h->dirty = false;
		trim(h, tx);
		store_tx_put(tx, &history_kind, &h->record);
	}
	service->on_the_way = service->waiting_count;
	store_commit(store, tx, flushed, service);
}

static void flush_now(struct timer *t)
{
	flush(container_of(t, struct history_service, flush));
}

static struct sample_record *next_waiting(struct history_service *service)
{
	if (service->waiting_count - service->on_the_way >= WAITING_MAX) {
		show_number(service, ROW_LOST, service->samplesLost + 1);
		return NULL;
	}
	if (service->waiting_count == service->waiting_room) {
		service->waiting_room = service->waiting_room ? 2 * service->waiting_room : 256;
		service->waiting = must_realloc(service->waiting, service->waiting_room * sizeof *service->waiting);
	}
	return &service->waiting[service->waiting_count++];
}

bool history_append(struct history_service *service, struct history *h, struct sample_record sample)
{
	struct history_record *r = &h->record;
	if (h->stops && r->count >= h->capacity)
		return false;
	struct sample_record *place = service->c.station->history ? next_waiting(service) : NULL;
	if (!place)
		return true;
	bool newest = r->last.us == ABSTIME_NULL || sample.timestamp.us > r->last.us;
	if (!newest)
		sample.trendFlags |= TREND_OUT_OF_ORDER;
	sample.history = r->id;
	sample.sequence = station_sequence(service->c.station);
	char *text = sample.text;
	sample.text = (char *)(uintptr_t)(text ? text : "");
	record_copy(&sample_kind, place, &sample);
	if (newest)
		r->last = sample.timestamp;
	r->count++;
	h->dirty = true;
	flush_soon(service, FLUSH_US);
	return true;
}

/* What is on its way is deleted behind it; what still waits must not come after. */
static void forget_waiting(struct history_service *service, int64_t history)
{
	size_t kept = service->on_the_way;
	for (size_t i = kept; i < service->waiting_count; i++) {
		if (service->waiting[i].history == history)
			record_finish(&sample_kind, &service->waiting[i]);
		else
			service->waiting[kept++] = service->waiting[i];
	}
	service->waiting_count = kept;
}

void history_delete_samples(struct history_service *service, struct history *h)
{
	if (!service->c.station->history)
		return;
	forget_waiting(service, h->record.id);
	struct store_tx *tx = store_tx_new();
	struct value id = value_integer(h->record.id);
	store_tx_delete_where(tx, &sample_kind, "history", &id);
	h->record.count = 0;
	h->record.last.us = ABSTIME_NULL;
	store_tx_put(tx, &history_kind, &h->record);
	store_commit(service->c.station->history, tx, NULL, NULL);
}

/* --- telling -------------------------------------------------------------------------------------------------------- */

static json_t *history_json(struct station *s, const struct history *h)
{
	json_t *json = record_to_json(&history_kind, &h->record);
	const struct component *ext = station_by_handle(s, (uint64_t)h->record.ext);
	json_object_set(json, "displayName", json_object_get(json, "name"));
	json_object_set(json, "id", json_object_get(json, "name"));
	json_object_del(json, "name");
	json_object_del(json, "ext");
	json_object_set_new(json, "capacity", json_integer(h->capacity));
	json_object_set_new(json, "fullPolicy", json_string(h->stops ? "stop" : "roll"));
	json_object_set_new(json, "live", json_boolean(ext != NULL));
	char *ord = ext ? component_ord(ext) : NULL;
	json_object_set_new(json, "extension", ord ? json_string(ord) : json_null());
	char *source = ext && ext->parent ? component_ord(ext->parent) : NULL;
	if (source)
		json_object_set_new(json, "source", json_string(source));
	free(source);
	free(ord);
	return json;
}

json_t *histories_json(struct station *s)
{
	struct history_service *service = history_service_of(s);
	if (!service)
		return NULL;
	json_t *array = json_array();
	for (size_t i = 0; i < service->count; i++)
		json_array_append_new(array, history_json(s, service->histories[i]));
	return array;
}

/* --- the type ------------------------------------------------------------------------------------------------------- */

static void init(struct component *c)
{
	((struct history_service *)(void *)c)->flush.fire = flush_now;
}

static void started(struct component *c)
{
	struct history_service *service = history_service_of(c->station);
	show_number(service, ROW_COUNT, (int64_t)service->count);
}

static void stopped(struct component *c)
{
	struct history_service *service = (struct history_service *)(void *)c;
	timer_stop(&c->station->clock, &service->flush);
	flush(service);
}

static void fini(struct component *c)
{
	struct history_service *service = (struct history_service *)(void *)c;
	for (size_t i = 0; i < service->count; i++) {
		record_finish(&history_kind, &service->histories[i]->record);
		free(service->histories[i]);
	}
	free(service->histories);
	drop_waiting(service, service->waiting_count);
	free(service->waiting);
	handle_map_finish(&service->by_ext);
}

const struct type history_service = {
	.name = "history:HistoryService",
	.doc = "Keeps what points were. Extensions below the points say what is kept.",
	.size = sizeof(struct history_service),
	.base = &baja_component,
	.flags = TYPE_SINGLETON,
	.slots = slots,
	.init = init,
	.fini = fini,
	.started = started,
	.stopped = stopped,
};
