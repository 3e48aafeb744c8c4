/* SPDX-License-Identifier: Apache-2.0
 * /alarms: the alarm records, newest first, and what people do with them. Acknowledgements and notes are answered for
 * each alarm, once all are on disk. Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "services/alarm/alarm.h"
#include "services/email/email.h"
#include "station/base/must.h"
#include "station/sheet/audit.h"
#include "web/request.h"

enum { DELIVERIES_MAX = 500, AUDIT_MAX = 500, LIMIT_DEFAULT = 100, LIMIT_MAX = 500, UUIDS_MAX = 500, NOTE_MAX = 4000 };

/* --- reading ------------------------------------------------------------------------------------------------------ */

static void list_answered(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct request *r = context;
	if (code != 0) {
		request_reply_error(r, e);
		return;
	}
	json_t *items = json_array();
	int64_t last = 0;
	for (size_t i = 0; i < rows->count; i++) {
		const struct alarm_record *record = store_row(rows, i);
		json_array_append_new(items, alarm_to_json(record, NULL, NULL));
		last = record->sequence;
	}
	request_reply_page(r, items, rows->more ? &last : NULL);
}

/* "open", "cleared" or both with a comma between. */
static bool read_state(struct request *r, struct alarm_filter *f)
{
	const char *state = request_query(r, "state");
	while (state && *state) {
		size_t n = strcspn(state, ",");
		if (n == 4 && strncmp(state, "open", n) == 0) {
			f->open = true;
		} else if (n == 7 && strncmp(state, "cleared", n) == 0) {
			f->cleared = true;
		} else {
			request_reply_code(r, E_BAD_REQUEST, "state is open, cleared, or open,cleared.");
			return false;
		}
		state += n + (state[n] == ',');
	}
	return true;
}

static bool read_since(struct request *r, struct alarm_filter *f)
{
	const char *since = request_query(r, "since");
	f->since = ABSTIME_NULL;
	if (!since || !*since || abstime_parse(since, &f->since) == 0)
		return true;
	request_reply_code(r, E_BAD_REQUEST, "since is a time such as 2026-11-20T22:36:00Z.");
	return false;
}

static const char *text_or_null(const struct request *r, const char *name)
{
	const char *text = request_query(r, name);
	return text && *text ? text : NULL;
}

static void get_alarms(struct request *r)
{
	struct alarm_filter f = { .alarmClass = text_or_null(r, "class"), .source = text_or_null(r, "source") };
	if (!read_state(r, &f) || !read_since(r, &f) ||
	    !request_query_integer(r, "limit", LIMIT_DEFAULT, 1, LIMIT_MAX, &f.limit) ||
	    !request_query_integer(r, "cursor", 0, 0, INT64_MAX, &f.before))
		return;
	alarm_list(request_station(r), &f, list_answered, r);
}

/* --- one alarm, with what became of its mails ------------------------------------------------------------------------- */

struct whole {
	struct request *request;
	struct alarm_record record; /* owned */
	json_t *deliveries, *trace; /* owned */
};

/* Adds {time, event, text} to the trace, which is kept in order of time. */
static void add_trace(json_t *trace, int64_t us, const char *event, const char *text)
{
	char time[ABSTIME_TEXT_MAX];
	if (us == ABSTIME_NULL)
		return;
	abstime_print(us, time);
	size_t i = json_array_size(trace);
	while (i > 0 && strcmp(json_string_value(json_object_get(json_array_get(trace, i - 1), "time")), time) > 0)
		i--;
	json_array_insert_new(trace, i, json_pack("{s:s, s:s, s:s}", "time", time, "event", event, "text", text));
}

static json_t *trace_of(const struct alarm_record *r, const struct store_rows *deliveries)
{
	json_t *trace = json_array();
	add_trace(trace, r->timestamp.us, "raised", alarm_state_range[r->alarmTransition].name);
	add_trace(trace, r->normalTime.us, "normal", "");
	add_trace(trace, r->ackTime.us, "acknowledged", r->user);
	for (uint32_t i = 0; i < r->notes.count; i++) {
		const struct value *row = r->notes.items[i].list.items;
		add_trace(trace, row[0].integer, "note", row[2].text);
	}
	for (size_t i = 0; i < deliveries->count; i++) {
		const struct delivery_record *d = store_row(deliveries, i);
		char *text = must_format("%s %s", d->address, d->replyText);
		struct value state;
		const struct slot *slot = slots_find(delivery_kind.slots, "state");
		slot_read(slot, d, &state);
		char *name = value_print(slot, &state);
		add_trace(trace, d->time.us, name, text);
		free(name);
		free(text);
	}
	return trace;
}

/* What people have done with it, and answers to its mails that did nothing, with the reason. */
static void audit_answered(void *context, int code, const struct err *e, struct store_rows *rows)
{
	static const struct {
		const char *operation, *event;
	} told[] = { { "ackRefused", "answerRefused" }, { "shelved", "shelved" }, { "unshelved", "unshelved" } };
	(void)e;
	struct whole *w = context;
	for (size_t i = 0; code == 0 && i < rows->count; i++) {
		const struct audit_record *a = store_row(rows, i);
		for (size_t k = 0; k < ARRAY_SIZE(told); k++)
			if (strcmp(a->operation, told[k].operation) == 0)
				add_trace(w->trace, a->timestamp.us, told[k].event, *a->detail ? a->detail : a->user);
	}
	request_reply_json(w->request, 200, alarm_to_json(&w->record, w->deliveries, w->trace));
	record_finish(&alarm_kind, &w->record);
	free(w);
}

/* Without mails when they cannot be read: the alarm itself matters more. */
static void deliveries_answered(void *context, int code, const struct err *e, struct store_rows *rows)
{
	(void)e;
	struct whole *w = context;
	w->deliveries = json_array();
	for (size_t i = 0; code == 0 && i < rows->count; i++)
		json_array_append_new(w->deliveries, record_to_json(&delivery_kind, store_row(rows, i)));
	w->trace = trace_of(&w->record, rows);
	struct store_query q = { .kind = &audit_kind, .order = "id", .limit = AUDIT_MAX };
	store_where_add(&q, "target", STORE_EQ, value_string(w->record.uuid));
	store_ask(request_station(w->request)->store, &q, audit_answered, w);
}

static void one_answered(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct request *r = context;
	if (code != 0) {
		request_reply_error(r, e);
		return;
	}
	if (rows->count == 0) {
		request_reply_code(r, E_NOT_FOUND, "There is no alarm with this uuid.");
		return;
	}
	struct whole *w = must_alloc(sizeof *w);
	w->request = r;
	record_copy(&alarm_kind, &w->record, store_row(rows, 0));
	struct store_query q = { .kind = &delivery_kind, .limit = DELIVERIES_MAX };
	store_where_add(&q, "alarm", STORE_EQ, value_string(w->record.uuid));
	store_ask(request_station(r)->store, &q, deliveries_answered, w);
}

static void get_alarm(struct request *r)
{
	struct alarm_filter f = { .uuid = request_param(r, "uuid"), .since = ABSTIME_NULL, .limit = 1 };
	alarm_list(request_station(r), &f, one_answered, r);
}

/* --- acknowledging and noting --------------------------------------------------------------------------------------- */

/* The request while its alarms are being written. */
struct pending {
	struct request *request;
	size_t count;
	char *uuids[]; /* owned */
};

static const char *sentence(int code)
{
	switch (code) {
	case E_CONFLICT:
		return "It is so already: the alarm has been acknowledged, is not shelved, or has ended.";
	case E_INVALID:
		return "until must lie in the future, and not beyond the AlarmService's maxShelvingTime.";
	case E_NOT_FOUND:
		return "There is no alarm with this uuid.";
	default:
		return err_text(code);
	}
}

static json_t *result(const char *uuid, int code)
{
	if (code == 0)
		return json_pack("{s:s, s:b, s:i}", "uuid", uuid, "ok", 1, "status", 200);
	return json_pack("{s:s, s:b, s:i, s:s}", "uuid", uuid, "ok", 0, "status", err_http(code), "detail", sentence(code));
}

static void acted(void *context, const int *codes, size_t count)
{
	struct pending *p = context;
	json_t *results = json_array();
	size_t unwritten = 0;
	for (size_t i = 0; i < count; i++) {
		json_array_append_new(results, result(p->uuids[i], codes[i]));
		unwritten += codes[i] == E_STORAGE;
		free(p->uuids[i]);
	}
	if (unwritten == count) { /* a plain failure, for those who look at the status only */
		json_decref(results);
		request_reply_code(p->request, E_STORAGE, "%s", err_text(E_STORAGE));
	} else {
		request_reply_json(p->request, 200, json_pack("{s:o}", "results", results));
	}
	free(p);
}

/* The alarms of the body; answers 400 itself and returns NULL. */
static struct pending *read_uuids(struct request *r)
{
	const json_t *uuids = json_object_get(request_body(r), "uuids"), *item;
	size_t count = json_array_size(uuids), i;
	struct pending *p = must_alloc(sizeof *p + (count <= UUIDS_MAX ? count : 0) * sizeof *p->uuids);
	p->request = r;
	bool ok = count > 0 && count <= UUIDS_MAX;
	json_array_foreach(uuids, i, item)
	{
		if (!(ok = ok && json_is_string(item)))
			break;
		p->uuids[p->count++] = must_strdup(json_string_value(item));
	}
	if (ok)
		return p;
	for (i = 0; i < p->count; i++)
		free(p->uuids[i]);
	free(p);
	request_reply_code(r, E_BAD_REQUEST, "uuids must be a list of 1 to %d alarm uuids.", UUIDS_MAX);
	return NULL;
}

/* The note of the body; NULL when it was refused. */
static const char *read_note(struct request *r, bool needed)
{
	const json_t *member = json_object_get(request_body(r), "note");
	const char *note = json_is_string(member) ? json_string_value(member) : "";
	if ((!member || json_is_string(member) || json_is_null(member)) && strlen(note) <= NOTE_MAX && (!needed || *note))
		return note;
	request_reply_code(r, E_BAD_REQUEST, "note must be a text of %s%d bytes.", needed ? "1 to " : "at most ", NOTE_MAX);
	return NULL;
}

static void act(struct request *r, enum alarm_verb verb, int64_t until)
{
	const char *note = read_note(r, verb == ALARM_NOTE);
	struct pending *p = note ? read_uuids(r) : NULL;
	const struct alarm_order order = { .verb = verb, .actor = request_actor(r), .note = note, .until = until };
	if (p)
		alarm_order(request_station(r), &order, (const char *const *)p->uuids, p->count, acted, p);
}

static void post_ack(struct request *r)
{
	act(r, ALARM_ACKNOWLEDGE, 0);
}

static void post_note(struct request *r)
{
	act(r, ALARM_NOTE, 0);
}

static void post_clear(struct request *r)
{
	act(r, ALARM_CLEAR, 0);
}

static void post_unshelve(struct request *r)
{
	act(r, ALARM_UNSHELVE, 0);
}

static void post_shelve(struct request *r)
{
	const char *text = json_string_value(json_object_get(request_body(r), "until"));
	int64_t until = ABSTIME_NULL;
	if (!text || abstime_parse(text, &until) != 0 || until == ABSTIME_NULL)
		request_reply_code(r, E_BAD_REQUEST,
		                   "until is the time at which the alarm comes back, such as 2026-11-20T22:36:00Z.");
	else
		act(r, ALARM_SHELVE, until);
}

/* clang-format off */
#define BODY(required) \
	"{\"type\":\"object\",\"required\":[" required "],\"properties\":{\"uuids\":{\"type\":\"array\",\"minItems\":1," \
	"\"maxItems\":500,\"items\":{\"type\":\"string\"}},\"note\":{\"type\":\"string\",\"maxLength\":4000}," \
	"\"until\":{\"type\":\"string\",\"format\":\"date-time\"}}}"
#define RESULTS \
	"{\"type\":\"object\",\"required\":[\"results\"],\"properties\":{\"results\":{\"type\":\"array\",\"items\":" \
	"{\"type\":\"object\",\"required\":[\"uuid\",\"ok\",\"status\"],\"properties\":{\"uuid\":{\"type\":\"string\"}," \
	"\"ok\":{\"type\":\"boolean\"},\"status\":{\"type\":\"integer\"},\"detail\":{\"type\":\"string\"}}}}}}"
#define LIST \
	"{\"type\":\"object\",\"required\":[\"items\"],\"properties\":{\"items\":{\"type\":\"array\",\"items\":" \
	"{\"type\":\"object\"}},\"next\":{\"type\":\"string\"}}}"
/* clang-format on */

const struct route alarm_routes[] = {
	{ "GET", "/alarms", ROLE_VIEWER, 0, get_alarms, "Alarm records, newest first.", NULL, LIST,
	  "state,class,source,since,limit,cursor" },
	{ "GET", "/alarms/{uuid}", ROLE_VIEWER, 0, get_alarm, "One alarm record with its deliveries.", NULL,
	  "{\"type\":\"object\"}", NULL },
	{ "POST", "/alarms/ack", ROLE_OPERATOR, 0, post_ack, "Acknowledges alarms.", BODY("\"uuids\""), RESULTS, NULL },
	{ "POST", "/alarms/note", ROLE_OPERATOR, 0, post_note, "Adds a note to alarms.", BODY("\"uuids\",\"note\""),
	  RESULTS, NULL },
	{ "POST", "/alarms/clear", ROLE_ADMIN, 0, post_clear, "Ends alarms, whatever their sources say (force clear).",
	  BODY("\"uuids\""), RESULTS, NULL },
	{ "POST", "/alarms/shelve", ROLE_OPERATOR, 0, post_shelve, "Shelves alarms: nobody is told of them until then.",
	  BODY("\"uuids\",\"until\""), RESULTS, NULL },
	{ "POST", "/alarms/unshelve", ROLE_OPERATOR, 0, post_unshelve, "Brings shelved alarms back.", BODY("\"uuids\""),
	  RESULTS, NULL },
	{ 0 },
};
