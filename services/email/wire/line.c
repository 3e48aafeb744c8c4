/* SPDX-License-Identifier: Apache-2.0
 * A connection that speaks in lines: see line.h. GnuTLS works directly on the non-blocking socket; libuv only says when
 * it is ready. Net thread. */
#include "services/email/wire/line.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "station/must.h"

static void ready(uv_poll_t *poll, int status, int events);
static void try_address(struct line *l);

/* --- ending -------------------------------------------------------------------------------------------------------- */

static void handle_closed(uv_handle_t *handle)
{
	struct line *l = handle->data;
	if (--l->handles > 0 || l->looking_up)
		return;
	l->state = LINE_CLOSED;
	trust_verdict_clear(&l->verdict);
	l->events->closed(l);
}

static void drop_socket(struct line *l)
{
	if (l->tls) {
		gnutls_deinit(l->tls);
		l->tls = NULL;
	}
	if (l->polling) {
		l->polling = false;
		uv_close((uv_handle_t *)&l->poll, handle_closed);
	}
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

void line_close(struct line *l)
{
	if (l->state == LINE_CLOSING || l->state == LINE_CLOSED)
		return;
	l->state = LINE_CLOSING;
	if (l->looking_up)
		uv_cancel((uv_req_t *)&l->lookup); /* a lookup under way ends by itself; its answer is dropped */
	uv_timer_stop(&l->timer);
	uv_close((uv_handle_t *)&l->timer, handle_closed);
	drop_socket(l);
	if (l->addresses)
		uv_freeaddrinfo(l->addresses);
	l->addresses = NULL;
	if (l->out)
		explicit_bzero(l->out, l->out_length);
	free(l->out);
	l->out = NULL;
	l->in_length = l->out_length = l->out_sent = l->out_capacity = 0;
}

static void fail(struct line *l, const struct err *e)
{
	if (l->state == LINE_CLOSING || l->state == LINE_CLOSED)
		return;
	line_close(l);
	l->events->failed(l, e);
}

void line_fail(struct line *l, int code, const char *format, ...)
{
	struct err e = { .code = code };
	va_list ap;
	va_start(ap, format);
	vsnprintf(e.text, sizeof e.text, format, ap);
	va_end(ap);
	fail(l, &e);
}

static void expired(uv_timer_t *timer)
{
	struct line *l = timer->data;
	line_fail(l, E_TIMEOUT, "%s:%d did not answer in time (waited for %s).", l->host, l->port, l->waiting_for);
}

void line_deadline(struct line *l, int64_t timeout, const char *what)
{
	l->waiting_for = what;
	if (timeout > 0)
		uv_timer_start(&l->timer, expired, (uint64_t)timeout, 0);
	else
		uv_timer_stop(&l->timer);
}

/* --- sending and receiving ------------------------------------------------------------------------------------------- */

static void watch(struct line *l)
{
	bool write = l->state == LINE_CONNECTING || l->out_sent < l->out_length ||
	             (l->state == LINE_HANDSHAKE && gnutls_record_get_direction(l->tls) == 1);
	uv_poll_start(&l->poll, UV_READABLE | (write ? UV_WRITABLE : 0), ready);
}

static ssize_t socket_write(struct line *l, const char *bytes, size_t length)
{
	if (l->state == LINE_SECURE)
		return gnutls_record_send(l->tls, bytes, length);
	ssize_t n = send(l->fd, bytes, length, MSG_NOSIGNAL);
	return n >= 0 ? n : errno == EAGAIN || errno == EINTR ? GNUTLS_E_AGAIN : GNUTLS_E_PUSH_ERROR;
}

static ssize_t socket_read(struct line *l, char *bytes, size_t length)
{
	if (l->state == LINE_SECURE)
		return gnutls_record_recv(l->tls, bytes, length);
	ssize_t n = recv(l->fd, bytes, length, 0);
	return n >= 0 ? n : errno == EAGAIN || errno == EINTR ? GNUTLS_E_AGAIN : GNUTLS_E_PULL_ERROR;
}

static bool again(ssize_t n)
{
	return n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED;
}

static void flush(struct line *l)
{
	while (l->out_sent < l->out_length) {
		ssize_t n = socket_write(l, l->out + l->out_sent, l->out_length - l->out_sent);
		if (again(n))
			return;
		if (n < 0) {
			line_fail(l, E_NETWORK, "The connection to %s:%d broke while sending.", l->host, l->port);
			return;
		}
		l->out_sent += (size_t)n;
	}
	explicit_bzero(l->out, l->out_length); /* it may have been a password */
	l->out_length = l->out_sent = 0;
}

void line_send(struct line *l, const char *bytes, size_t length)
{
	if (l->state != LINE_PLAIN && l->state != LINE_SECURE)
		return;
	if (l->out_length + length > l->out_capacity) {
		size_t capacity = 2 * (l->out_length + length);
		char *grown = must_alloc(capacity);
		if (l->out) {
			memcpy(grown, l->out, l->out_length);
			explicit_bzero(l->out, l->out_length);
		}
		free(l->out);
		l->out = grown;
		l->out_capacity = capacity;
	}
	memcpy(l->out + l->out_length, bytes, length);
	l->out_length += length;
	if (!l->held) {
		l->held++;
		line_go(l);
	}
}

void line_hold(struct line *l)
{
	l->held++;
}

void line_go(struct line *l)
{
	must(l->held > 0);
	if (--l->held > 0 || (l->state != LINE_PLAIN && l->state != LINE_SECURE))
		return;
	flush(l);
	if (l->polling)
		watch(l);
}

bool line_has_input(const struct line *l)
{
	return l->in_length > 0;
}

/* Hands out whole lines. A line that is not whole stays; one that is too long fails. */
static void dispatch(struct line *l)
{
	line_hold(l); /* what the lines cause leaves in one flight */
	for (;;) {
		char *end = memchr(l->in, '\n', l->in_length);
		if (!end || (l->state != LINE_PLAIN && l->state != LINE_SECURE))
			break;
		char text[LINE_LIMIT + 1];
		size_t whole = (size_t)(end - l->in) + 1, length = whole - 1;
		if (length > 0 && l->in[length - 1] == '\r')
			length--;
		if (length > LINE_LIMIT)
			break;
		memcpy(text, l->in, length);
		text[length] = '\0';
		memmove(l->in, l->in + whole, l->in_length - whole);
		l->in_length -= whole;
		l->events->received(l, text, length);
	}
	bool open = l->state == LINE_PLAIN || l->state == LINE_SECURE;
	if (open && l->in_length > LINE_LIMIT && !memchr(l->in, '\n', LINE_LIMIT))
		line_fail(l, E_PROTOCOL, "%s:%d sent a line of more than %d characters.", l->host, l->port, LINE_LIMIT);
	line_go(l);
}

static void receive(struct line *l)
{
	while (l->state == LINE_PLAIN || l->state == LINE_SECURE) {
		if (l->in_length == sizeof l->in) {
			line_fail(l, E_PROTOCOL, "%s:%d sends more than anybody asked for.", l->host, l->port);
			return;
		}
		ssize_t n = socket_read(l, l->in + l->in_length, sizeof l->in - l->in_length);
		if (again(n))
			return;
		if (n <= 0) {
			line_fail(l, E_NETWORK, "%s:%d closed the connection (while waiting for %s).", l->host, l->port, l->waiting_for);
			return;
		}
		l->in_length += (size_t)n;
		dispatch(l);
	}
}

/* --- TLS --------------------------------------------------------------------------------------------------------------- */

static void handshake(struct line *l)
{
	int rc = gnutls_handshake(l->tls);
	if (rc == GNUTLS_E_SUCCESS) {
		l->state = LINE_SECURE;
		line_deadline(l, 0, "nothing");
		l->events->secured(l);
		if (l->state == LINE_SECURE)
			receive(l); /* GnuTLS may hold bytes that the socket no longer shows */
		return;
	}
	if (again(rc) || (rc < 0 && !gnutls_error_is_fatal(rc)))
		return;
	struct err e = { 0 };
	trust_handshake_error(l->tls, rc, &l->verdict, l->least, &e);
	fail(l, &e);
}

void line_secure(struct line *l, struct trust_snapshot *trust, enum tls_version least, int64_t timeout)
{
	struct err e = { 0 };
	if (line_has_input(l)) {
		line_fail(l, E_PROTOCOL,
		          "%s:%d sent text behind its answer to STARTTLS. Somebody may be tampering with the connection; nothing was sent.", l->host, l->port);
		return;
	}
	l->least = least;
	must(gnutls_init(&l->tls, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) == 0);
	if (trust_prepare(trust, l->tls, l->host, l->port, least, &l->verdict, &e) != 0) {
		fail(l, &e);
		return;
	}
	gnutls_transport_set_int(l->tls, l->fd);
	l->state = LINE_HANDSHAKE;
	line_deadline(l, timeout, "the TLS handshake");
	handshake(l);
	if (l->state == LINE_HANDSHAKE)
		watch(l);
}

/* --- connecting -------------------------------------------------------------------------------------------------------- */

static void connect_done(struct line *l)
{
	int error = 0, one = 1;
	socklen_t size = sizeof error;
	getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error != 0) {
		errno = error;
		try_address(l);
		return;
	}
	setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	l->state = LINE_PLAIN;
	l->events->connected(l);
}

static void ready(uv_poll_t *poll, int status, int events)
{
	struct line *l = poll->data;
	if (status < 0 && l->state != LINE_CONNECTING) {
		line_fail(l, E_NETWORK, "The connection to %s:%d broke.", l->host, l->port);
		return;
	}
	if (l->state == LINE_CONNECTING) {
		connect_done(l);
	} else if (l->state == LINE_HANDSHAKE) {
		handshake(l);
	} else {
		if (events & UV_WRITABLE)
			flush(l);
		receive(l);
	}
	if (l->polling && l->state != LINE_CLOSING && l->state != LINE_CLOSED)
		watch(l);
}

/* A socket has its own poll handle in libuv; between two addresses the first must have closed. */
static void old_poll_closed(uv_handle_t *handle)
{
	struct line *l = handle->data;
	if (l->state == LINE_CLOSING) {
		handle_closed(handle);
		return;
	}
	l->handles--;
	errno = l->connect_error;
	try_address(l);
}

static bool begin_connect(struct line *l, const struct addrinfo *a)
{
	l->fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return false;
	if (connect(l->fd, a->ai_addr, a->ai_addrlen) == 0 || errno == EINPROGRESS) {
		must(uv_poll_init(l->loop, &l->poll, l->fd) == 0);
		l->poll.data = l;
		l->polling = true;
		l->handles++;
		watch(l);
		return true;
	}
	int error = errno;
	close(l->fd);
	l->fd = -1;
	errno = error;
	return false;
}

static void try_address(struct line *l)
{
	int error = errno;
	if (l->polling) {
		l->polling = false;
		uv_close((uv_handle_t *)&l->poll, old_poll_closed); /* before its descriptor goes */
		close(l->fd);
		l->fd = -1;
		l->connect_error = error;
		return;
	}
	while (l->next_address) {
		const struct addrinfo *a = l->next_address;
		l->next_address = a->ai_next;
		if (begin_connect(l, a))
			return;
		error = errno;
	}
	line_fail(l, E_NETWORK, "%s:%d could not be reached: %s. Is the port right, and does the server run?", l->host, l->port, strerror(error));
}

static void looked_up(uv_getaddrinfo_t *lookup, int status, struct addrinfo *found)
{
	struct line *l = lookup->data;
	l->looking_up = false;
	if (l->state == LINE_CLOSING) {
		uv_freeaddrinfo(found);
		if (l->handles == 0) {
			l->state = LINE_CLOSED;
			l->events->closed(l);
		}
		return;
	}
	if (status != 0) {
		line_fail(l, E_NETWORK, "The name \"%s\" could not be looked up: %s. Check the host name and the name server.", l->host, uv_strerror(status));
		return;
	}
	l->addresses = l->next_address = found;
	l->state = LINE_CONNECTING;
	errno = 0;
	try_address(l);
}

void line_open(struct line *l, uv_loop_t *loop, const struct line_events *events, const char *host, int port, int64_t timeout)
{
	memset(l, 0, sizeof *l);
	l->events = events;
	l->loop = loop;
	l->fd = -1;
	l->port = port;
	snprintf(l->host, sizeof l->host, "%s", host);
	must(uv_timer_init(loop, &l->timer) == 0);
	l->timer.data = l->lookup.data = l;
	l->handles = 1;
	l->state = LINE_LOOKUP;
	line_deadline(l, timeout, "the connection");
	char service[12];
	snprintf(service, sizeof service, "%d", port);
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	l->looking_up = true;
	if (uv_getaddrinfo(loop, &l->lookup, looked_up, l->host, service, &hints) != 0) {
		l->looking_up = false;
		line_fail(l, E_NETWORK, "The name \"%s\" could not be looked up.", l->host);
	}
}
