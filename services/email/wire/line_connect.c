/* SPDX-License-Identifier: Apache-2.0
 * From a name to a connected socket: every address is tried in the resolver's order, each with its share of the time
 * that is left, so that one dead address does not eat it all. See line_inside.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "services/email/wire/line_inside.h"
#include "station/base/must.h"

static int64_t now_us(void)
{
	return (int64_t)(uv_hrtime() / 1000);
}

static void socket_closed(uv_handle_t *handle)
{
	struct line_socket *s = container_of((uv_poll_t *)handle, struct line_socket, poll);
	close(s->fd);
	free(s);
}

void line_drop_socket(struct line *l)
{
	struct line_socket *s = l->socket;
	l->socket = NULL;
	if (!s)
		return;
	s->line = NULL;
	uv_close((uv_handle_t *)&s->poll, socket_closed);
}

static void connect_error(struct line *l, int error)
{
	switch (error) {
	case ECONNREFUSED:
		err_set(&l->last_error, E_NETWORK, NULL,
		        "%s refused the connection: no server listens on this port. Check hostname and port, and that the "
		        "server runs.",
		        l->peer);
		break;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case EADDRNOTAVAIL:
		err_set(&l->last_error, E_NETWORK, NULL,
		        "%s cannot be reached: there is no way through the network (%s). Check cable, address and gateway.",
		        l->peer, strerror(error));
		break;
	case ETIMEDOUT:
		err_set(&l->last_error, E_TIMEOUT, NULL,
		        "%s did not answer within %d s. Check hostname and port, and whether a firewall is in between.",
		        l->peer, (int)(l->timeout / SECOND_US));
		break;
	default:
		err_set(&l->last_error, E_NETWORK, NULL, "The connection to %s failed: %s.", l->peer, strerror(error));
	}
}

static int make_socket(const struct addrinfo *a)
{
	static const int on = 1;
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	return fd;
}

/* Begins with one address; false when it has failed already. */
static bool begin(struct line *l, const struct addrinfo *a)
{
	int fd = make_socket(a);
	if (fd < 0 || (connect(fd, a->ai_addr, a->ai_addrlen) != 0 && errno != EINPROGRESS)) {
		connect_error(l, errno);
		if (fd >= 0)
			close(fd);
		return false;
	}
	struct line_socket *s = must_alloc(sizeof *s);
	*s = (struct line_socket){ .fd = fd, .line = l };
	must(uv_poll_init(l->loop, &s->poll, fd) == 0);
	l->socket = s;
	line_poll(l, UV_WRITABLE);
	return true;
}

static void try_next(struct line *l)
{
	l->state = LINE_CONNECT;
	while (l->next && l->left > 0) {
		struct addrinfo *a = l->next;
		int64_t share = (l->due - now_us()) / l->left;
		l->next = a->ai_next;
		l->left--;
		line_arm(l, share > 1000 ? share : 1000);
		if (begin(l, a))
			return;
	}
	struct err e = l->last_error;
	line_fail(l, &e, false);
}

void line_connect_late(struct line *l)
{
	connect_error(l, ETIMEDOUT);
	line_drop_socket(l);
	try_next(l);
}

void line_connected(struct line *l)
{
	int error = 0;
	socklen_t size = sizeof error;
	if (getsockopt(l->socket->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
		error = errno;
	if (error != 0) {
		connect_error(l, error);
		line_drop_socket(l);
		try_next(l);
		return;
	}
	if (l->tls_at_once)
		line_handshake(l);
	else
		line_opened(l);
}

static void found(void *context, int code, struct addrinfo *addresses)
{
	struct line *l = context;
	l->lookup = NULL;
	if (code != 0) {
		struct err e;
		bool unknown = code == EAI_NONAME || code == EAI_NODATA || code == EAI_ADDRFAMILY;
		err_set(&e, E_NETWORK, NULL,
		        unknown
		            ? "There is no computer named %s (%s). Check hostname, and the station's name server."
		            : "The name %s could not be looked up (%s). Does the station's network and its name server work?",
		        l->host, gai_strerror(code));
		line_fail(l, &e, false);
		return;
	}
	l->addresses = l->next = addresses;
	for (const struct addrinfo *a = addresses; a && l->left < LINE_ADDRESSES_MAX; a = a->ai_next)
		l->left++;
	try_next(l);
}

void line_look_up(struct line *l)
{
	l->due = now_us() + l->timeout;
	line_arm(l, l->timeout);
	l->lookup = lookup_start(l->loop, l->host, l->port, found, l);
}

const char *line_own_literal(const struct line *l, char *buf, size_t size)
{
	struct sockaddr_storage own = { .ss_family = AF_UNSPEC };
	socklen_t length = sizeof own;
	char text[INET6_ADDRSTRLEN] = "127.0.0.1";
	if (l->socket && getsockname(l->socket->fd, (struct sockaddr *)&own, &length) == 0) {
		if (own.ss_family == AF_INET)
			inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)&own)->sin_addr, text, sizeof text);
		else if (own.ss_family == AF_INET6)
			inet_ntop(AF_INET6, &((struct sockaddr_in6 *)(void *)&own)->sin6_addr, text, sizeof text);
	}
	snprintf(buf, size, own.ss_family == AF_INET6 ? "[IPv6:%s]" : "[%s]", text);
	return buf;
}
