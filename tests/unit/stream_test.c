/* SPDX-License-Identifier: Apache-2.0
 * The queue of an event stream: of a value only the newest waits, memory is bounded, a client that fell behind is told
 * so, one that comes back gets what it missed. No socket: the test asks for bytes as libmicrohttpd does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "station/base/must.h"
#include "web/stream.h"

struct fixture {
	struct web web;
	struct connection connection;
	int sockets[2];
	uint64_t id;
};

static const struct slot slots[2];

static int set_up(void **state)
{
	struct fixture *f = must_alloc(sizeof *f);
	must(uv_loop_init(&f->web.thread.loop) == 0);
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, f->sockets) == 0);
	f->connection.fd = f->sockets[0];
	f->id = 1000;
	streams_open(&f->web);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	streams_close(&f->web);
	uv_run(&f->web.thread.loop, UV_RUN_DEFAULT);
	must(uv_loop_close(&f->web.thread.loop) == 0);
	close(f->sockets[0]);
	close(f->sockets[1]);
	free(f);
	return 0;
}

/* A client that watches one component; last 0: a new one. */
static struct stream *client(struct fixture *f, uint64_t handle, uint64_t last)
{
	struct stream *s = must_alloc(sizeof *s);
	s->web = &f->web;
	s->handles = must_alloc(sizeof *s->handles);
	s->handles[0] = handle;
	s->count = 1;
	s->floor = 1000;
	s->resumed = last != 0;
	s->last = last ? last : f->id;
	stream_begin(s, &f->connection);
	return s;
}

static void deliver(struct fixture *f, uint64_t handle, const struct slot *slot, const char *text)
{
	size_t length = strlen(text);
	struct event *e = must_alloc(sizeof *e + length + 1);
	memcpy(e->text, text, length + 1);
	e->web = &f->web;
	e->id = ++f->id;
	e->handle = handle;
	e->slot = slot;
	e->length = length;
	const char *line = strchr(text, '\n');
	e->id_length = line && strncmp(text, "id: ", 4) == 0 ? (size_t)(line + 1 - text) : 0;
	stream_deliver(&e->message);
}

/* A client that watches the components 1 to 1000. */
static struct stream *client_of_all(struct fixture *f)
{
	struct stream *s = client(f, 1, 0);
	s->handles = must_realloc(s->handles, STREAM_ORDS * sizeof *s->handles);
	for (s->count = 0; s->count < STREAM_ORDS; s->count++)
		s->handles[s->count] = s->count + 1;
	return s;
}

/* All that waits, in pieces of room bytes. Owned. */
static char *drain(struct stream *s, size_t room)
{
	char *all = must_alloc(1), *piece = must_alloc(room);
	size_t length = 0;
	while (!queue_empty(&s->queue)) {
		ssize_t n = stream_read(s, 1 + length, piece, room);
		must(n > 0);
		all = must_realloc(all, length + (size_t)n + 1);
		memcpy(all + length, piece, (size_t)n);
		length += (size_t)n;
		all[length] = '\0';
	}
	free(piece);
	return all;
}

static void assert_drained(struct stream *s, size_t room, const char *expected)
{
	char *text = drain(s, room);
	assert_string_equal(text, expected);
	assert_int_equal(s->queue.bytes, 0);
	assert_int_equal(s->queue.events, 0);
	free(text);
}

static void keeps_the_newest_value(void **state)
{
	struct fixture *f = *state;
	struct stream *s = client(f, 7, 0);
	deliver(f, 7, &slots[0], "a1 ");
	deliver(f, 7, &slots[1], "b1 ");
	deliver(f, 8, &slots[0], "other ");
	deliver(f, 0, NULL, "alarm1 ");
	deliver(f, 7, &slots[0], "a2 ");
	deliver(f, 0, NULL, "alarm2 ");
	deliver(f, 7, &slots[0], "a3 ");
	assert_drained(s, 100, "a3 b1 alarm1 alarm2 ");
	stream_discard(&s);
}

static void ends_what_is_half_sent(void **state)
{
	struct fixture *f = *state;
	struct stream *s = client(f, 7, 0);
	char piece[4];
	deliver(f, 7, &slots[0], "value-one ");
	assert_int_equal(stream_read(s, 1, piece, 4), 4);
	assert_memory_equal(piece, "valu", 4);
	deliver(f, 7, &slots[0], "value-two ");
	deliver(f, 7, &slots[0], "value-three ");
	assert_drained(s, 4, "e-one value-three ");
	stream_discard(&s);
}

static void tells_who_fell_behind(void **state)
{
	struct fixture *f = *state;
	struct stream *s = client(f, 7, 0);
	for (int i = 0; i < QUEUE_EVENTS + 1; i++)
		deliver(f, 0, NULL, "alarm ");
	assert_int_equal(s->queue.count, 1);
	assert_drained(s, 100, "event: reset\ndata: {}\n\nalarm ");
	char *large = must_alloc(QUEUE_BYTES / 2 + 2);
	memset(large, 'x', QUEUE_BYTES / 2 + 1);
	deliver(f, 0, NULL, large);
	deliver(f, 0, NULL, large);
	assert_int_equal(s->queue.count, 1);
	assert_true(s->queue.lost);
	free(drain(s, 8192));
	free(large);
	stream_discard(&s);
}

static void thousand_values_cost_one(void **state)
{
	struct fixture *f = *state;
	struct stream *s = client(f, 7, 0);
	for (int i = 0; i < 1000; i++) {
		char text[16];
		snprintf(text, sizeof text, "%d ", i);
		deliver(f, 7, &slots[0], text);
		assert_int_equal(s->queue.count, 1);
	}
	assert_drained(s, 100, "999 ");
	assert_false(s->queue.lost);
	stream_discard(&s);
}

/* Slots that one client watches; more than there may be alarms waiting. */
enum { MANY = 3 * QUEUE_EVENTS };

static void values_are_never_lost(void **state)
{
	struct fixture *f = *state;
	struct stream *clients[70];
	for (size_t i = 0; i < ARRAY_SIZE(clients); i++)
		clients[i] = client_of_all(f);
	for (int round = 0; round < 3; round++)
		for (uint64_t handle = 1; handle <= MANY; handle++) {
			char text[40];
			snprintf(text, sizeof text, "%u=%d ", (unsigned)handle, round);
			deliver(f, handle, &slots[0], text);
		}
	for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
		assert_false(clients[i]->queue.lost);
		assert_int_equal(clients[i]->queue.count, MANY);
	}
	char *text = drain(clients[3], 1000);
	assert_int_equal(strncmp(text, "1=2 2=2 3=2 ", 12), 0);
	assert_null(strstr(text, "=0"));
	assert_null(strstr(text, "=1 "));
	free(text);
	for (size_t i = 0; i < ARRAY_SIZE(clients); i++)
		stream_discard(&clients[i]);
}

/* What comes back with the last id it has seen must miss nothing: so an id is only told when all lower ones were. */
static void tells_only_ids_that_are_safe(void **state)
{
	struct fixture *f = *state;
	struct stream *s = client(f, 7, 0);
	deliver(f, 7, &slots[0], "id: 1\na1 ");
	deliver(f, 0, NULL, "id: 2\nalarm ");
	deliver(f, 7, &slots[0], "id: 3\na2 ");
	deliver(f, 7, &slots[1], "id: 4\nb1 ");
	assert_drained(s, 100, "a2 id: 2\nalarm id: 4\nb1 ");
	deliver(f, 7, &slots[0], "id: 5\na3 ");
	assert_drained(s, 100, "id: 5\na3 ");
	stream_discard(&s);
}

static void replays_what_was_missed(void **state)
{
	struct fixture *f = *state;
	deliver(f, 0, NULL, "one ");
	uint64_t seen = f->id;
	deliver(f, 7, &slots[0], "two ");
	deliver(f, 8, &slots[0], "other ");
	deliver(f, 0, NULL, "three ");
	struct stream *s = client(f, 7, seen);
	assert_drained(s, 100, "two three ");
	stream_discard(&s);
	s = client(f, 7, f->id);
	assert_int_equal(s->queue.count, 0);
	assert_false(s->queue.lost);
	stream_discard(&s);
	static const uint64_t unknown[] = { 1, 999, 5000 };
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		s = client(f, 7, unknown[i]);
		assert_drained(s, 100, "event: reset\ndata: {}\n\n");
		stream_discard(&s);
	}
}

static void forgets_the_oldest(void **state)
{
	struct fixture *f = *state;
	deliver(f, 0, NULL, "first ");
	uint64_t seen = f->id;
	for (int i = 0; i < RING_EVENTS; i++)
		deliver(f, 7, &slots[0], "v ");
	struct stream *s = client(f, 7, seen);
	assert_false(s->queue.lost); /* the next one is still there */
	stream_discard(&s);
	deliver(f, 0, NULL, "last ");
	s = client(f, 7, seen);
	assert_true(s->queue.lost);
	free(drain(s, 100));
	stream_discard(&s);
}

static void greets_with_the_id_to_come_back_with(void **state)
{
	struct fixture *f = *state;
	struct stream *s = client(f, 7, 0);
	char text[200];
	ssize_t n = stream_read(s, 0, text, sizeof text - 1);
	assert_true(n > 0);
	text[n] = '\0';
	assert_string_equal(text, "retry: 2000\nid: 1000\nevent: hello\ndata: {}\n\n");
	stream_discard(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(keeps_the_newest_value, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ends_what_is_half_sent, set_up, tear_down),
		cmocka_unit_test_setup_teardown(tells_who_fell_behind, set_up, tear_down),
		cmocka_unit_test_setup_teardown(thousand_values_cost_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(values_are_never_lost, set_up, tear_down),
		cmocka_unit_test_setup_teardown(tells_only_ids_that_are_safe, set_up, tear_down),
		cmocka_unit_test_setup_teardown(replays_what_was_missed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(forgets_the_oldest, set_up, tear_down),
		cmocka_unit_test_setup_teardown(greets_with_the_id_to_come_back_with, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
