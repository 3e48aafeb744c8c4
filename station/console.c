/* SPDX-License-Identifier: Apache-2.0
 * The control socket: see console.h. Every connection carries one command. Engine thread, except console_ask. */
#include "station/console.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "station/base/log.h"
#include "station/base/must.h"

enum { LINE_FIRST = 65536, LINE_MAX_BYTES = 64 << 20 /* a configuration */ };

struct console {
	struct station *station;
	console_handler *handler;
	uv_pipe_t pipe;
	char *path;               /* owned */
	struct connection *first; /* owned */
};

struct connection {
	struct console_call call; /* handed to the handler */
	struct console *console;
	struct connection *next;
	uv_pipe_t pipe;
	uv_write_t write;
	char *line, *answer; /* owned */
	size_t length, room;
	bool asked, closed;
};

static void connection_free(uv_handle_t *handle)
{
	struct connection *c = container_of((uv_pipe_t *)handle, struct connection, pipe);
	free(c->line);
	free(c->answer);
	json_decref(c->call.request);
	free(c);
}

static void connection_close(struct connection *c)
{
	struct connection **p = &c->console->first;
	while (*p && *p != c)
		p = &(*p)->next;
	if (*p)
		*p = c->next;
	uv_close((uv_handle_t *)&c->pipe, connection_free);
}

static void written(uv_write_t *write, int status)
{
	(void)status; /* the client is gone: nobody to tell */
	connection_close(container_of(write, struct connection, write));
}

static void connection_reply(struct console_call *call, json_t *answer)
{
	struct connection *c = container_of(call, struct connection, call);
	char *text = json_dumps(answer, JSON_COMPACT);
	json_decref(answer);
	c->answer = must_format("%s\n", text ? text : "{}");
	free(text);
	uv_buf_t buf = uv_buf_init(c->answer, (unsigned)strlen(c->answer));
	if (uv_write(&c->write, (uv_stream_t *)&c->pipe, &buf, 1, written) != 0)
		connection_close(c);
}

static void ask(struct connection *c)
{
	json_error_t je;
	c->asked = true;
	uv_read_stop((uv_stream_t *)&c->pipe);
	c->call.request = json_loadb(c->line, c->length, JSON_REJECT_DUPLICATES, &je);
	explicit_bzero(c->line, c->length); /* it may carry a password */
	if (json_is_object(c->call.request)) {
		c->console->handler(&c->call);
		return;
	}
	struct err e;
	err_set(&e, E_BAD_REQUEST, NULL, "The command is not a JSON object.");
	console_reply_error(&c->call, &e);
}

static void allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	(void)suggested;
	struct connection *c = container_of((uv_pipe_t *)handle, struct connection, pipe);
	if (c->length == c->room) {
		char *line = must_alloc(2 * c->room);
		memcpy(line, c->line, c->length);
		explicit_bzero(c->line, c->length);
		free(c->line);
		c->line = line;
		c->room *= 2;
	}
	*buf = uv_buf_init(c->line + c->length, (unsigned)(c->room - c->length));
}

static void received(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	(void)buf;
	struct connection *c = container_of((uv_pipe_t *)stream, struct connection, pipe);
	if (n < 0 || c->length + (size_t)n >= LINE_MAX_BYTES) {
		connection_close(c);
		return;
	}
	c->length += (size_t)n;
	if (memchr(c->line + c->length - n, '\n', (size_t)n))
		ask(c);
}

static bool same_user(uv_pipe_t *pipe)
{
	uv_os_fd_t fd;
	struct ucred peer;
	socklen_t size = sizeof peer;
	return uv_fileno((uv_handle_t *)pipe, &fd) == 0 && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	    (peer.uid == geteuid() || peer.uid == 0);
}

static void connected(uv_stream_t *server, int status)
{
	struct console *console = container_of((uv_pipe_t *)server, struct console, pipe);
	if (status != 0)
		return;
	struct connection *c = must_alloc(sizeof *c);
	c->console = console;
	c->call = (struct console_call){ .station = console->station, .reply = connection_reply };
	c->line = must_alloc(LINE_FIRST);
	c->room = LINE_FIRST;
	c->next = console->first;
	console->first = c;
	uv_pipe_init(&console->station->loop, &c->pipe, 0);
	if (uv_accept(server, (uv_stream_t *)&c->pipe) != 0 || !same_user(&c->pipe) ||
	    uv_read_start((uv_stream_t *)&c->pipe, allocate, received) != 0)
		connection_close(c);
}

int console_start(struct station *s, console_handler *handler, struct console **out, struct err *e)
{
	struct console *c = must_alloc(sizeof *c);
	c->station = s;
	c->handler = handler;
	c->path = must_format("%s/control", s->directory);
	unlink(c->path); /* left behind by a kill; the store's lock has proved that nobody else runs here */
	uv_pipe_init(&s->loop, &c->pipe, 0);
	mode_t old = umask(0177);
	int rc = uv_pipe_bind(&c->pipe, c->path);
	umask(old);
	if (rc == 0)
		rc = uv_listen((uv_stream_t *)&c->pipe, 16, connected);
	*out = c;
	if (rc == 0)
		return 0;
	err_set(e, E_INTERNAL, NULL, "The control socket %s could not be made: %s.", c->path, uv_strerror(rc));
	console_stop(out);
	return e->code;
}

static void console_free(uv_handle_t *handle)
{
	struct console *c = container_of((uv_pipe_t *)handle, struct console, pipe);
	free(c->path);
	free(c);
}

void console_stop(struct console **console)
{
	struct console *c = *console;
	*console = NULL;
	if (!c)
		return;
	unlink(c->path);
	while (c->first)
		connection_close(c->first);
	uv_close((uv_handle_t *)&c->pipe, console_free);
}

void console_reply(struct console_call *call, json_t *json)
{
	json_t *answer = json ? json : json_object();
	json_object_set_new(answer, "ok", json_true());
	call->reply(call, answer);
}

void console_reply_error(struct console_call *call, const struct err *e)
{
	call->reply(call, json_pack("{s:b, s:s}", "ok", false, "error", *e->text ? e->text : err_text(e->code)));
}

/* --- the client's side ------------------------------------------------------------------------------------------- */

static int exchange(int fd, const char *line, json_t **answer, struct err *e)
{
	size_t n = strlen(line), sent = 0, length = 0;
	while (sent < n) {
		ssize_t w = write(fd, line + sent, n - sent);
		if (w <= 0)
			return err_set(e, E_NETWORK, NULL, "The running station closed the connection: %s.", strerror(errno));
		sent += (size_t)w;
	}
	size_t room = LINE_FIRST;
	char *buf = must_alloc(room);
	ssize_t r;
	while (length < LINE_MAX_BYTES && (r = read(fd, buf + length, room - length)) > 0) {
		length += (size_t)r;
		if (length == room)
			buf = must_realloc(buf, room *= 2);
	}
	json_error_t je;
	*answer = json_loadb(buf, length, 0, &je);
	explicit_bzero(buf, length); /* it may hold a token */
	free(buf);
	return *answer ? 0 : err_set(e, E_PROTOCOL, NULL, "The running station gave no answer; see its log.");
}

int console_ask(const char *directory, const json_t *request, json_t **answer, struct err *e)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int n = snprintf(address.sun_path, sizeof address.sun_path, "%s/control", directory);
	if (n < 0 || (size_t)n >= sizeof address.sun_path)
		return err_set(e, E_NOT_FOUND, NULL, "The path of the data directory is too long for a socket.");
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(e, E_INTERNAL, NULL, "No socket could be made: %s.", strerror(errno));
	int rc;
	if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
		rc = err_set(e, E_NOT_FOUND, NULL, "No station runs on %s.", directory);
	} else {
		char *text = json_dumps(request, JSON_COMPACT);
		char *line = must_format("%s\n", text);
		rc = exchange(fd, line, answer, e);
		explicit_bzero(text, strlen(text));
		explicit_bzero(line, strlen(line));
		free(text);
		free(line);
	}
	close(fd);
	return rc;
}
