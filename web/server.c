/* SPDX-License-Identifier: Apache-2.0
 * libmicrohttpd's own epoll thread: TLS, reading, suspending for the engine, answering. And what it lacks: deadlines that
 * a dripping client cannot stretch. See server.h for who owns what. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "services/trust/trust.h"
#include "station/log.h"
#include "station/must.h"
#include "web/server.h"

/* TLS 1.2 and 1.3 with forward secrecy and AEAD only: what passes testssl with Debian 12's GnuTLS. */
static const char priorities[] =
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-DHE-RSA:-AES-128-CBC:-AES-256-CBC:-AES-128-CCM:-AES-256-CCM:-SHA1:"
	"%SERVER_PRECEDENCE";

/* --- deadlines ---------------------------------------------------------------------------------------------------- */

static int64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * SECOND_US + t.tv_nsec / 1000;
}

static void set_deadline(struct web *w, struct peer *p, int seconds)
{
	if (!p)
		return;
	pthread_mutex_lock(&w->lock);
	p->deadline = seconds ? now_us() + seconds * SECOND_US : 0;
	pthread_mutex_unlock(&w->lock);
}

/* Engine thread, once a second while there are connections. */
static void reap(struct timer *t)
{
	struct web *w = container_of(t, struct web, reaper);
	int64_t now = now_us();
	pthread_mutex_lock(&w->lock);
	for (struct peer *p = w->peers; p; p = p->next)
		if (p->deadline && now > p->deadline)
			shutdown(p->fd, SHUT_RDWR); /* libmicrohttpd closes it; the descriptor stays its own */
	w->reaping = w->peers != NULL;
	bool more = w->reaping;
	pthread_mutex_unlock(&w->lock);
	if (more)
		timer_start(&w->station->clock, &w->reaper, SECOND_US);
}

struct wake_reaper {
	struct message message;
	struct web *web;
};

static void start_reaper(struct message *m)
{
	struct wake_reaper *wake = container_of(m, struct wake_reaper, message);
	timer_start(&wake->web->station->clock, &wake->web->reaper, SECOND_US);
	free(wake);
}

static void connection_changed(void *context, struct MHD_Connection *connection, void **peer, enum MHD_ConnectionNotificationCode what)
{
	struct web *w = context;
	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		struct peer *p = must_alloc(sizeof *p);
		p->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		p->deadline = now_us() + SECONDS_HEADERS * SECOND_US;
		pthread_mutex_lock(&w->lock);
		p->next = w->peers;
		w->peers = p;
		bool wake = !w->reaping;
		w->reaping = true;
		pthread_mutex_unlock(&w->lock);
		*peer = p;
		if (wake) {
			struct wake_reaper *message = must_alloc(sizeof *message);
			*message = (struct wake_reaper){ .message.run = start_reaper, .web = w };
			station_post(w->station, &message->message);
		}
		return;
	}
	pthread_mutex_lock(&w->lock);
	struct peer **p = &w->peers;
	while (*p && *p != *peer)
		p = &(*p)->next;
	if (*p)
		*p = (*p)->next;
	pthread_mutex_unlock(&w->lock);
	free(*peer);
	*peer = NULL;
}

/* --- one request --------------------------------------------------------------------------------------------------- */

static void note_address(struct request *r)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *address = info ? info->client_addr : NULL;
	if (address && address->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, r->address, sizeof r->address);
	else if (address)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, r->address, sizeof r->address);
}

static enum MHD_Result refuse(struct request *r, bool close)
{
	unsigned status;
	struct MHD_Response *response = response_problem(&r->refused, false, &status);
	for (struct header *h = r->headers; h; h = h->next)
		MHD_add_response_header(response, h->name, h->value);
	if (close)
		MHD_add_response_header(response, "Connection", "close");
	enum MHD_Result rc = MHD_queue_response(r->connection, status, response);
	MHD_destroy_response(response);
	return rc;
}

static bool is_api(const char *uri)
{
	return strncmp(uri, "/api/", 5) == 0 || strcmp(uri, "/metrics") == 0;
}

/* The first call: headers are known, the body is not. */
static enum MHD_Result begin(struct request *r, const char *method, const char *version)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	r->seen = true;
	r->peer = info ? info->socket_context : NULL;
	r->head = strcmp(method, "HEAD") == 0;
	note_address(r);
	if (gate_check(r->connection, r->uri, method, version, &r->refused) != 0)
		return refuse(r, true);
	if (!is_api(r->uri))
		return MHD_YES;
	router_find(r, method);
	const char *length = MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Content-Length");
	if (r->route && length && strtoull(length, NULL, 10) > r->limit) {
		err_set(&r->refused, E_TOO_LARGE, NULL, "The body is larger than the %zu bytes that are accepted here.", r->limit);
		return refuse(r, true); /* before a byte of it is read */
	}
	set_deadline(r->web, r->peer, SECONDS_BODY);
	return MHD_YES;
}

static enum MHD_Result post(struct request *r)
{
	struct web *w = r->web;
	r->posted = true;
	r->message.run = router_dispatch;
	set_deadline(w, r->peer, 0);
	pthread_mutex_lock(&w->lock);
	r->after = w->requests;
	if (r->after)
		r->after->before = r;
	w->requests = r;
	pthread_mutex_unlock(&w->lock);
	MHD_suspend_connection(r->connection);
	station_post(w->station, &r->message);
	return MHD_YES;
}

static enum MHD_Result deliver(struct request *r)
{
	enum MHD_Result rc = MHD_queue_response(r->connection, r->status, r->response);
	MHD_destroy_response(r->response);
	r->response = NULL;
	return rc;
}

/* The last call before the answer: all is here. */
static enum MHD_Result end(struct request *r, const char *method)
{
	if (!is_api(r->uri)) {
		size_t n = strcspn(r->uri, "?");
		char *path = percent_decode(r->uri, n, false);
		enum MHD_Result rc = asset_answer(r->web, r->connection, path, strcmp(method, "GET") == 0 || r->head);
		free(path);
		return rc;
	}
	if (!r->refused.code)
		request_parse(r);
	return r->refused.code ? refuse(r, r->too_large) : post(r);
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
                              const char *data, size_t *size, void **con_cls)
{
	(void)context, (void)url;
	struct request *r = *con_cls;
	if (!r)
		return MHD_NO;
	r->connection = connection;
	if (!r->seen)
		return begin(r, method, version);
	if (*size) {
		request_take(r, data, *size);
		*size = 0;
		return MHD_YES;
	}
	if (r->answered)
		return deliver(r);
	return end(r, method);
}

static void *uri_seen(void *context, const char *uri, struct MHD_Connection *connection)
{
	(void)connection;
	return request_new(context, uri);
}

static void completed(void *context, struct MHD_Connection *connection, void **con_cls, enum MHD_RequestTerminationCode code)
{
	(void)connection, (void)code;
	struct request *r = *con_cls;
	if (r)
		set_deadline(context, r->peer, SECONDS_IDLE);
	request_free(r);
	*con_cls = NULL;
}

/* --- listening ----------------------------------------------------------------------------------------------------- */

/* "ADDR:PORT" or "[ADDR]:PORT" -> a listening socket; *port is the one taken. */
static int listen_on(const char *listen_text, int *port, char *host, size_t host_size, struct err *e)
{
	const char *colon = strrchr(listen_text, ':');
	size_t n = colon ? (size_t)(colon - listen_text) : 0;
	if (!colon || n >= host_size)
		return err_set(e, E_INVALID, "listen", "--listen needs ADDR:PORT, for example 0.0.0.0:8443; got \"%s\".", listen_text);
	bool brackets = n > 1 && listen_text[0] == '[' && colon[-1] == ']';
	snprintf(host, host_size, "%.*s", (int)(brackets ? n - 2 : n), listen_text + brackets);
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV }, *found = NULL;
	if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
		return err_set(e, E_INVALID, "listen", "\"%s\" is no address and port that can be listened on.", listen_text);
	int one = 1, fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	struct sockaddr_storage bound;
	socklen_t size = sizeof bound;
	if (fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, 511) != 0 || getsockname(fd, (struct sockaddr *)&bound, &size) != 0) {
		err_set(e, E_NETWORK, "listen", "%s cannot be listened on: %s.", listen_text, strerror(errno));
		if (fd >= 0)
			close(fd);
		fd = -1;
	} else {
		*port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)(void *)&bound)->sin6_port : ((struct sockaddr_in *)(void *)&bound)->sin_port);
	}
	freeaddrinfo(found);
	return fd;
}

static void name_address(struct web *w, const char *host, int port)
{
	bool any = strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0 || *host == '\0';
	if (any)
		snprintf(w->address, sizeof w->address, "localhost:%d", port);
	else
		snprintf(w->address, sizeof w->address, strchr(host, ':') ? "[%s]:%d" : "%s:%d", host, port);
}

static int start_daemon(struct web *w, int fd, struct err *e)
{
	char *certificate = NULL, *key = NULL;
	int rc = trust_server_certificate(w->station->directory, &certificate, &key, e);
	if (rc != 0)
		return rc;
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TLS | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC;
	w->daemon = MHD_start_daemon(flags, 0, NULL, NULL, handle, w, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_HTTPS_MEM_CERT, certificate,
	                             MHD_OPTION_HTTPS_MEM_KEY, key, MHD_OPTION_HTTPS_PRIORITIES, priorities, MHD_OPTION_URI_LOG_CALLBACK, uri_seen, w,
	                             MHD_OPTION_NOTIFY_COMPLETED, completed, w, MHD_OPTION_NOTIFY_CONNECTION, connection_changed, w,
	                             MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS, MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)CONNECTIONS_PER_ADDRESS,
	                             MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SECONDS_IDLE, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
	if (!w->daemon)
		rc = err_set(e, E_INTERNAL, NULL, "The HTTPS server could not start; look at DIR/tls/default.pem and default.key.");
	explicit_bzero(key, strlen(key)); /* GnuTLS has its own copy */
	free(certificate);
	free(key);
	return rc;
}

int web_start(struct station *s, const char *listen, const char *www, struct web **out, struct err *e)
{
	struct web *w = must_alloc(sizeof *w);
	char host[256];
	int port = 0;
	w->station = s;
	w->reaper.fire = reap;
	pthread_mutex_init(&w->lock, NULL);
	*out = w;
	int rc = assets_load(w, www, e);
	int fd = rc == 0 ? listen_on(listen, &port, host, sizeof host, e) : -1;
	if (rc == 0 && fd < 0)
		rc = e->code;
	if (rc == 0) {
		name_address(w, host, port);
		events_start(w);
		rc = start_daemon(w, fd, e);
	}
	if (rc != 0) {
		if (fd >= 0)
			close(fd);
		web_stop(out);
	}
	return rc;
}

const char *web_address(const struct web *w)
{
	return w->address;
}

/* What the engine still has is answered: nothing may stay suspended when the daemon ends. */
static void answer_waiting(struct web *w)
{
	static const struct err ending = { .code = E_BUSY, .text = "The station is ending; try again when it is back." };
	while (w->requests) {
		unsigned status;
		struct MHD_Response *response = response_problem(&ending, false, &status);
		request_answer(w->requests, status, response);
	}
}

void web_stop(struct web **web)
{
	struct web *w = *web;
	*web = NULL;
	if (!w)
		return;
	if (w->daemon) {
		MHD_quiesce_daemon(w->daemon);
		mailbox_run(&w->station->inbox.mailbox);
		answer_waiting(w);
		events_stop(w);
		MHD_stop_daemon(w->daemon);
		mailbox_run(&w->station->inbox.mailbox);
	}
	timer_stop(&w->station->clock, &w->reaper);
	assets_free(w);
	free(w->openapi);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
