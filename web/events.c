/* SPDX-License-Identifier: Apache-2.0
 * GET /events and the engine's half behind it: watches the components that somebody looks at, and makes events. Values
 * are gathered for a moment, so that one which changes a thousand times a second is written fifty times. Engine thread.
 * A subscription lives on for a minute after its stream has ended, so that a client that comes back misses nothing. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/user/user.h"
#include "station/base/must.h"
#include "station/tree/ord.h"
#include "web/stream.h"

enum { GATHER_US = 15000, CHECK_US = 15000000, LINGER_US = 60000000, WATCH_BUCKETS = 1024, KEY_MAX = 160 };

/* A component that somebody looks at. */
struct watch {
	struct watch *next; /* in the bucket */
	struct watch *next_changed;
	uint64_t handle;
	unsigned watchers;
	bool listed;                 /* among the changed */
	const struct slot **changed; /* owned; what has changed since the last events */
	size_t count, capacity;
};

/* A client: what it watches, and by which login it may. */
struct subscription {
	struct subscription *next, *prev;
	struct events *events;
	struct message message; /* its end */
	struct timer linger;
	uint64_t *handles; /* owned */
	size_t count;
	char cookie[KEY_MAX], token[KEY_MAX];
	bool live, expired;
};

struct events {
	struct observer observer;
	struct web *web;
	struct station *station;
	struct subscription *subscriptions;
	struct watch *watches[WATCH_BUCKETS], *changed;
	struct timer gather, check;
	uint64_t id, floor;
	bool gathering, closed;
};

/* --- what is watched ----------------------------------------------------------------------------------------------- */

static struct watch **watch_place(struct events *e, uint64_t handle)
{
	struct watch **w = &e->watches[handle % WATCH_BUCKETS];
	while (*w && (*w)->handle != handle)
		w = &(*w)->next;
	return w;
}

static void watch_add(struct events *e, uint64_t handle)
{
	struct watch **w = watch_place(e, handle);
	if (!*w) {
		*w = must_alloc(sizeof **w);
		(*w)->handle = handle;
	}
	(*w)->watchers++;
}

static void watch_free_idle(struct events *e, uint64_t handle)
{
	struct watch **place = watch_place(e, handle), *w = *place;
	if (!w || w->watchers || w->listed)
		return;
	*place = w->next;
	free(w->changed);
	free(w);
}

static void watch_remove(struct events *e, uint64_t handle)
{
	struct watch *w = *watch_place(e, handle);
	must(w && w->watchers > 0);
	w->watchers--;
	watch_free_idle(e, handle);
}

/* --- making events ------------------------------------------------------------------------------------------------- */

/* Dialogues with servers are an administrator's, as are the calls that give them. */
static enum role role_for(const char *event)
{
	return strcmp(event, "transcript") == 0 || strcmp(event, "job") == 0 ? ROLE_ADMIN : ROLE_VIEWER;
}

/* The event as it goes over the wire, to the web thread. json is taken; NULL: it could not be made. */
static void emit(struct events *e, const char *name, uint64_t handle, const struct slot *slot, json_t *json)
{
	static const char form[] = "id: %" PRIu64 "\nevent: %s\ndata: %s\n\n";
	char *data = json ? json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	json_decref(json);
	if (!data)
		return;
	uint64_t id = ++e->id;
	int length = snprintf(NULL, 0, form, id, name, data);
	struct event *event = must_alloc(sizeof *event + (size_t)length + 1);
	snprintf(event->text, (size_t)length + 1, form, id, name, data);
	event->message.run = stream_deliver;
	event->web = e->web;
	event->id = id;
	event->handle = handle;
	event->role = role_for(name);
	event->slot = slot;
	event->length = (size_t)length;
	event->id_length = (size_t)(strchr(event->text, '\n') + 1 - event->text);
	net_post(&e->web->thread, &event->message);
	free(data);
}

static json_t *place_of(const struct component *c)
{
	char handle[24], *ord = component_ord(c);
	snprintf(handle, sizeof handle, "%" PRIx64, c->handle);
	json_t *json = json_pack("{s:s, s:s}", "ord", ord, "handle", handle);
	free(ord);
	return json;
}

static void emit_value(struct events *e, const struct component *c, const struct slot *slot)
{
	struct value v = VALUE_NULL;
	if (component_get(c, slot->name, &v, NULL) != 0)
		return;
	json_t *json = place_of(c);
	json_object_set_new(json, "slot", json_string(slot->name));
	struct row_room room;
	json_object_set_new(json, "value",
	                    v.kind == V_NULL ? json_null() : value_to_json(component_row(c, slot, &room), &v));
	if (v.kind != V_NULL)
		row_room_finish(&room);
	value_clear(&v);
	emit(e, "value", c->handle, slot, json);
}

static void gathered(struct timer *timer)
{
	struct events *e = container_of(timer, struct events, gather);
	struct watch *list = e->changed;
	e->changed = NULL;
	e->gathering = false;
	for (struct watch *w = list, *next; w; w = next) {
		const struct component *c = station_by_handle(e->station, w->handle);
		next = w->next_changed;
		for (size_t i = 0; c && w->watchers && i < w->count; i++)
			emit_value(e, c, w->changed[i]);
		w->count = 0;
		w->listed = false;
		watch_free_idle(e, w->handle);
	}
}

/* --- the observer -------------------------------------------------------------------------------------------------- */

static void saw_value(struct observer *o, struct component *c, const struct slot *slot)
{
	struct events *e = container_of(o, struct events, observer);
	struct watch *w = e->subscriptions ? *watch_place(e, c->handle) : NULL;
	if (!w || !w->watchers)
		return;
	for (size_t i = 0; i < w->count; i++)
		if (w->changed[i] == slot)
			return;
	if (w->count == w->capacity) {
		w->capacity = w->capacity ? 2 * w->capacity : 4;
		w->changed = must_realloc(w->changed, w->capacity * sizeof(const struct slot *));
	}
	w->changed[w->count++] = slot;
	if (!w->listed) {
		w->listed = true;
		w->next_changed = e->changed;
		e->changed = w;
	}
	if (!e->gathering) {
		e->gathering = true;
		timer_start(&e->station->clock, &e->gather, GATHER_US);
	}
}

static void saw_component(struct observer *o, struct component *c, const char *what)
{
	struct events *e = container_of(o, struct events, observer);
	if (!e->subscriptions)
		return;
	json_t *json = place_of(c);
	json_object_set_new(json, "what", json_string(what));
	emit(e, "component", 0, NULL, json);
}

static void saw_event(struct observer *o, const char *kind, const json_t *data)
{
	emit(container_of(o, struct events, observer), kind, 0, NULL, json_incref((json_t *)data));
}

/* --- subscriptions ------------------------------------------------------------------------------------------------- */

static void remove_subscription(struct subscription *sub)
{
	struct events *e = sub->events;
	if (sub->next)
		sub->next->prev = sub->prev;
	if (sub->prev)
		sub->prev->next = sub->next;
	else
		e->subscriptions = sub->next;
	if (!e->subscriptions)
		e->observer.event = NULL;
	for (size_t i = 0; i < sub->count; i++)
		watch_remove(e, sub->handles[i]);
	explicit_bzero(sub->cookie, sizeof sub->cookie);
	explicit_bzero(sub->token, sizeof sub->token);
	free(sub->handles);
	free(sub);
}

static void free_if_unused(struct events *e)
{
	if (e->closed && !e->subscriptions)
		free(e);
}

static void lingered(struct timer *timer)
{
	remove_subscription(container_of(timer, struct subscription, linger));
}

static void unsubscribed(struct message *m)
{
	struct subscription *sub = container_of(m, struct subscription, message);
	struct events *e = sub->events;
	sub->live = false;
	if (!e->closed) {
		timer_start(&e->station->clock, &sub->linger, LINGER_US);
		return;
	}
	remove_subscription(sub);
	free_if_unused(e);
}

void events_unsubscribe(struct station *s, struct subscription *subscription)
{
	subscription->message.run = unsubscribed;
	station_post(s, &subscription->message);
}

static bool login_over(struct station *s, const struct subscription *sub)
{
	struct actor actor;
	if (*sub->token)
		return user_resolve_token(s, sub->token, &actor) != 0;
	return !user_session_lives(s, sub->cookie);
}

/* A stream ends with the login that opened it: after a log-out, a lock or a changed password nobody goes on looking. */
static void check_logins(struct timer *timer)
{
	struct events *e = container_of(timer, struct events, check);
	for (struct subscription *sub = e->subscriptions; sub; sub = sub->next) {
		if (!sub->live || sub->expired || !login_over(e->station, sub))
			continue;
		struct stream_end *end = must_alloc(sizeof *end);
		*end = (struct stream_end){ .message.run = stream_expire, .web = e->web, .subscription = sub };
		sub->expired = true;
		net_post(&e->web->thread, &end->message);
	}
	if (e->subscriptions)
		timer_start(&e->station->clock, timer, CHECK_US);
}

/* Without anybody looking no events are made: who comes back after that is told to read again. */
static void begin_watching(struct events *e)
{
	uint64_t now = (uint64_t)station_now(e->station); /* also above the ids of the program's last run */
	e->id = now > e->id ? now : e->id + 1;
	e->floor = e->id;
	e->observer.event = saw_event;
	timer_start(&e->station->clock, &e->check, CHECK_US);
}

static struct subscription *subscribe(struct events *e, const struct request *r, const uint64_t *handles, size_t count)
{
	struct subscription *sub = must_alloc(sizeof *sub);
	if (!e->subscriptions)
		begin_watching(e);
	*sub = (struct subscription){
		.events = e, .linger.fire = lingered, .live = true, .count = count, .next = e->subscriptions
	};
	if (sub->next)
		sub->next->prev = sub;
	e->subscriptions = sub;
	snprintf(sub->token, sizeof sub->token, "%s", r->token ? r->token : "");
	snprintf(sub->cookie, sizeof sub->cookie, "%s", r->cookie && !r->token ? r->cookie : "");
	sub->handles = must_alloc((count + 1) * sizeof *handles);
	memcpy(sub->handles, handles, count * sizeof *handles);
	for (size_t i = 0; i < count; i++)
		watch_add(e, handles[i]);
	return sub;
}

/* --- the route ----------------------------------------------------------------------------------------------------- */

struct wanted {
	uint64_t handles[2 * STREAM_ORDS];
	size_t count;
};

static void want(struct wanted *w, const struct component *c)
{
	if (w->count < ARRAY_SIZE(w->handles))
		w->handles[w->count++] = c->handle;
}

/* A component that is gone is no error: the page that asks will hear of it. */
static void want_ord(struct wanted *w, struct station *s, const char *text)
{
	const struct component *c = ord_resolve(s, NULL, text, NULL);
	if (!c)
		return;
	want(w, c);
	for (const struct component *child = c->first; child; child = child->next)
		if (child->flags & COMPONENT_FROZEN) /* shown on the same sheet */
			want(w, child);
}

static int by_handle(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static void want_all(struct wanted *w, struct station *s, const char *ords)
{
	for (const char *p = ords; p && *p;) {
		size_t length = strcspn(p, ",");
		char *text = must_strndup(p, length);
		want_ord(w, s, text);
		free(text);
		p += length + (p[length] == ',');
	}
	if (w->count)
		qsort(w->handles, w->count, sizeof w->handles[0], by_handle);
}

static void open_stream(struct request *r)
{
	struct events *e = r->web->events;
	if (r->head) {
		request_reply_empty(r, 200);
		return;
	}
	struct wanted *w = must_alloc(sizeof *w);
	want_all(w, r->station, request_query(r, "ords"));
	const char *last = request_header(r, "Last-Event-ID");
	struct stream *s = must_alloc(sizeof *s);
	s->web = r->web;
	s->station = r->station;
	s->subscription = subscribe(e, r, w->handles, w->count);
	s->floor = e->floor;
	s->resumed = last && *last;
	s->last = s->resumed ? strtoull(last, NULL, 10) : e->id;
	s->role = request_actor(r)->role;
	s->count = w->count;
	s->handles = must_alloc((w->count + 1) * sizeof *s->handles);
	memcpy(s->handles, w->handles, w->count * sizeof *s->handles);
	free(w);
	request_reply_stream(r, s);
}

const struct route event_routes[] = {
	{ .method = "GET",
	  .pattern = "/events",
	  .role = ROLE_VIEWER,
	  .flags = ROUTE_STREAM,
	  .handle = open_stream,
	  .query = "ords",
	  .doc = "Server-Sent Events: value (of the components named in ords, separated by commas), component, alarm, "
	         "mail, incoming, allowedHost, and for administrators transcript and "
	         "job; reset tells a client that was too slow or away too long to read everything again.",
	  .answer = "{\"type\":\"string\"}" },
	{ .method = NULL },
};

/* --- life ---------------------------------------------------------------------------------------------------------- */

struct events *events_new(struct web *w)
{
	struct events *e = must_alloc(sizeof *e);
	e->web = w;
	e->station = w->station;
	e->gather.fire = gathered;
	e->check.fire = check_logins;
	e->observer = (struct observer){ .value = saw_value, .component = saw_component };
	station_observe(w->station, &e->observer);
	return e;
}

void events_close(struct events **events)
{
	struct events *e = *events;
	*events = NULL;
	station_unobserve(e->station, &e->observer);
	timer_stop(&e->station->clock, &e->gather);
	timer_stop(&e->station->clock, &e->check);
	for (struct watch *w = e->changed, *next; w; w = next) {
		next = w->next_changed;
		w->listed = false;
		watch_free_idle(e, w->handle);
	}
	e->closed = true;
	for (struct subscription *sub = e->subscriptions, *next; sub; sub = next) {
		next = sub->next;
		timer_stop(&e->station->clock, &sub->linger);
		if (!sub->live)
			remove_subscription(sub);
	}
	free_if_unused(e);
}
