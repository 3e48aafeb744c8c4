/* SPDX-License-Identifier: Apache-2.0
 * A line's life: what is polled, what is read and cut into lines, what is written, when it is too late. See line.h. */
#include "services/email/wire/line.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "services/email/wire/line_inside.h"
#include "station/base/must.h"

enum { READ_SIZE = 16384, FINISH_MS = 2000 };

/* --- bytes -------------------------------------------------------------------------------------------------------- */

void bytes_add(struct bytes *b, const char *data, size_t length)
{
	if (b->head == b->tail)
		b->head = b->tail = 0;
	if (b->tail + length > b->size && b->head > 0) {
		memmove(b->data, b->data + b->head, b->tail - b->head);
		b->tail -= b->head;
		b->head = 0;
	}
	if (b->tail + length > b->size) {
		b->size = (b->tail + length) * 2;
		b->data = must_realloc(b->data, b->size);
	}
	memcpy(b->data + b->tail, data, length);
	b->tail += length;
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static void timer_closed(uv_handle_t *handle)
{
	struct line *l = container_of((uv_timer_t *)handle, struct line, deadline);
	trust_verdict_clear(&l->verdict);
	trust_release(&l->trust);
	trust_key_release(&l->key);
	free(l->in.data);
	free(l->out.data);
	free(l);
}

/* Gives back all but the memory, which the callback on the way here may still look at. */
static void dismantle(struct line *l)
{
	l->state = LINE_DEAD;
	lookup_cancel(&l->lookup);
	if (l->addresses)
		freeaddrinfo(l->addresses);
	l->addresses = l->next = NULL;
	line_end_tls(l);
	line_drop_socket(l);
	uv_timer_stop(&l->deadline);
}

void line_close(struct line **lp)
{
	struct line *l = *lp;
	*lp = NULL;
	if (!l)
		return;
	l->closed = true;
	if (l->state != LINE_DEAD)
		dismantle(l);
	uv_close((uv_handle_t *)&l->deadline, timer_closed);
}

void line_finish(struct line **lp)
{
	struct line *l = *lp;
	line_flush(l);
	if (l->state != LINE_OPEN || line_drained(l) || l->broken) {
		line_close(lp);
		return;
	}
	*lp = NULL;
	l->closed = true;
	l->state = LINE_FINISH;
	line_arm(l, FINISH_MS * 1000);
}

void line_fail(struct line *l, const struct err *e, bool at_rest)
{
	struct err copy = *e; /* it may lie in what dismantle gives back */
	if (l->state == LINE_FINISH) {
		struct line *self = l;
		line_close(&self);
		return;
	}
	dismantle(l);
	if (!l->closed)
		l->events->failed(l, l->context, &copy, at_rest);
}

void line_opened(struct line *l)
{
	l->state = LINE_OPEN;
	uv_timer_stop(&l->deadline);
	l->due = 0;
	line_poll(l, UV_READABLE);
	l->events->ready(l, l->context);
}

/* --- time --------------------------------------------------------------------------------------------------------- */

static void late(uv_timer_t *timer)
{
	struct line *l = container_of(timer, struct line, deadline);
	struct err e;
	if (l->state == LINE_CONNECT) {
		line_connect_late(l);
		return;
	}
	if (l->broken)
		err_set(&e, E_NETWORK, NULL, "%s", l->last_error.text);
	else if (l->state == LINE_LOOKUP)
		err_set(&e, E_TIMEOUT, NULL,
		        "Looking up the name %s took longer than %d s. Does the station's name server answer?", l->host,
		        (int)(l->timeout / SECOND_US));
	else if (l->state == LINE_HANDSHAKE)
		err_set(&e, E_TIMEOUT, NULL,
		        "The TLS handshake with %s was not done within %d s. Are port and TLS mode the ones of this server?",
		        l->peer, (int)(l->timeout / SECOND_US));
	else
		err_set(&e, E_TIMEOUT, NULL, "%s gave no %s in time.", l->peer, l->waited_for ? l->waited_for : "answer");
	line_fail(l, &e, false);
}

void line_arm(struct line *l, int64_t us)
{
	uv_update_time(l->loop);
	uv_timer_start(&l->deadline, late, (uint64_t)(us + 999) / 1000, 0);
}

void line_expect(struct line *l, int64_t us, const char *what)
{
	l->waited_for = what;
	if (l->state != LINE_OPEN) /* connection and handshake have a deadline of their own */
		return;
	if (l->broken)
		line_arm(l, 1);
	else if (us == 0)
		uv_timer_stop(&l->deadline);
	else
		line_arm(l, us);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* Gives so many bytes, which are in the buffer, to the dialogue; false when there are none. */
static bool give_piece(struct line *l, size_t length)
{
	char piece[READ_SIZE]; /* the buffer may move while the dialogue works on it */
	if (length == 0)
		return false;
	memcpy(piece, l->in.data + l->in.head, length);
	l->in.head += length;
	l->events->bytes(l, l->context, piece, length);
	return true;
}

/* Gives the next whole line in the buffer to the dialogue; false when there is none. */
static bool next_line(struct line *l)
{
	struct bytes *in = &l->in;
	const char *start = in->data + in->head;
	const char *end = in->tail > in->head ? memchr(start, '\n', in->tail - in->head) : NULL;
	struct err e;
	size_t length = end ? (size_t)(end - start) : in->tail - in->head;
	if (length > LINE_LENGTH_MAX && l->split)
		return give_piece(l, LINE_LENGTH_MAX);
	if (length > LINE_LENGTH_MAX) {
		err_set(&e, E_PROTOCOL, NULL, "%s sent a line of more than %d bytes. Is it a mail server?", l->peer,
		        LINE_LENGTH_MAX);
		line_fail(l, &e, false);
		return false;
	}
	if (!end)
		return false;
	in->head += length + 1;
	if (length > 0 && start[length - 1] == '\r')
		length--;
	char line[LINE_LENGTH_MAX + 1]; /* the buffer may move while the dialogue works on the line */
	memcpy(line, start, length);
	line[length] = '\0';
	l->events->received(l, l->context, line, length);
	return true;
}

void line_take(struct line *l, size_t length)
{
	must(l->taking == 0 && l->events->bytes);
	l->taking = length;
}

void line_split(struct line *l, bool on)
{
	must(l->events->bytes);
	l->split = on;
}

/* Gives what is in the buffer of the bytes that are no lines; false when there is none. */
static bool next_bytes(struct line *l)
{
	size_t length = l->in.tail - l->in.head;
	if (length > l->taking)
		length = l->taking;
	if (length > READ_SIZE)
		length = READ_SIZE;
	l->taking -= length;
	return give_piece(l, length);
}

static bool next_piece(struct line *l)
{
	return l->taking > 0 ? next_bytes(l) : next_line(l);
}

static void read_all(struct line *l)
{
	char buf[READ_SIZE];
	struct err e = { 0 };
	while (l->state == LINE_OPEN && !l->closed) {
		ssize_t n = line_receive(l, buf, sizeof buf, &e);
		if (n > 0) {
			bytes_add(&l->in, buf, (size_t)n);
			while (l->state == LINE_OPEN && !l->closed && next_piece(l))
				;
			continue;
		}
		if (n < 0 && errno == EAGAIN)
			break;
		bool at_rest = l->in.head == l->in.tail && l->taking == 0;
		if (n == 0)
			err_set(&e, E_NETWORK, NULL, "%s closed the connection%s.", l->peer,
			        at_rest             ? ""
			            : l->taking > 0 ? " in the middle of a mail"
			                            : " in the middle of a line");
		line_fail(l, &e, at_rest);
	}
	if (!l->closed && l->state == LINE_OPEN)
		line_flush(l);
}

bool line_more_waits(struct line *l)
{
	char byte;
	if (l->in.tail > l->in.head)
		return true;
	if (l->session)
		return gnutls_record_check_pending(l->session) > 0;
	return recv(l->socket->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

void line_write(struct line *l, const char *bytes, size_t length)
{
	bytes_add(&l->out, bytes, length);
}

bool line_drained(const struct line *l)
{
	return l->out.head == l->out.tail;
}

void line_flush(struct line *l)
{
	if ((l->state != LINE_OPEN && l->state != LINE_FINISH) || l->broken)
		return;
	while (!line_drained(l)) {
		ssize_t n = line_send(l, l->out.data + l->out.head, l->out.tail - l->out.head, &l->last_error);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) { /* what the peer has said before may wait to be read: that explains more than our failure */
			l->broken = true;
			line_arm(l, 1);
			return;
		}
		l->out.head += (size_t)n;
	}
	line_poll(l, line_drained(l) ? UV_READABLE : UV_READABLE | UV_WRITABLE);
}

/* --- the poll handle ---------------------------------------------------------------------------------------------- */

void line_poll(struct line *l, int events)
{
	struct line_socket *s = l->socket;
	if (!s || s->events == events)
		return;
	s->events = events;
	must(uv_poll_start(&s->poll, events, line_polled) == 0);
}

void line_polled(uv_poll_t *poll, int status, int events)
{
	struct line_socket *s = container_of(poll, struct line_socket, poll);
	struct line *l = s->line;
	(void)events;
	if (!l)
		return;
	if (status < 0) /* libuv has stopped the handle; the call that follows says what is wrong */
		s->events = 0;
	switch (l->state) {
	case LINE_CONNECT:
		line_connected(l);
		break;
	case LINE_HANDSHAKE:
		line_handshake(l);
		if (l->state == LINE_OPEN && !l->closed)
			read_all(l); /* what came right behind the handshake */
		break;
	case LINE_OPEN:
		read_all(l);
		break;
	case LINE_FINISH:
		line_flush(l);
		if (line_drained(l) || l->broken)
			line_close(&l);
		break;
	case LINE_LOOKUP:
	case LINE_DEAD:
		break;
	}
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

struct line *line_open(uv_loop_t *loop, const struct line_target *t, const struct line_events *events, void *context)
{
	struct line *l = must_alloc(sizeof *l);
	*l = (struct line){ .loop = loop,
		                .events = events,
		                .context = context,
		                .port = t->port,
		                .tls_at_once = t->tls,
		                .least = t->least,
		                .trust = t->trust ? trust_retain(t->trust) : NULL,
		                .key = t->key ? trust_key_retain(t->key) : NULL,
		                .timeout = t->timeout };
	snprintf(l->host, sizeof l->host, "%s", t->host);
	snprintf(l->peer, sizeof l->peer, strchr(l->host, ':') ? "[%s]:%d" : "%s:%d", l->host, t->port);
	must(uv_timer_init(loop, &l->deadline) == 0);
	line_look_up(l);
	return l;
}

const char *line_peer(const struct line *l)
{
	return l->peer;
}
