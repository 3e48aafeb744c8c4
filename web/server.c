/* SPDX-License-Identifier: Apache-2.0
 * The web thread: a libuv loop with a mailbox that turns libmicrohttpd on its epoll descriptor. So everything of web/
 * lives on one thread without locks, answers of the engine are taken in batches, and deadlines are ours: a reaper
 * shuts down connections that are late, because libmicrohttpd's own timeout counts inactivity only. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "services/trust/trust.h"
#include "station/base/log.h"
#include "station/base/must.h"
#include "web/stream.h"

/* TLS 1.2 and 1.3 with forward secrecy and authenticated ciphers only; what testssl.sh finds nothing to say about. */
static const char priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-DHE-RSA:-AES-128-CBC:-AES-256-CBC:"
                                 "-AES-128-CCM:-AES-256-CCM:-SHA1:%SERVER_PRECEDENCE";
enum { REAP_EVERY = 500 /* ms, while there are connections */, ROUNDS_AT_ONCE = 4, ROUND_PAUSE = 2 /* ms */ };

/* --- connections --------------------------------------------------------------------------------------------------- */

void connection_deadline(struct connection *c, uint64_t milliseconds)
{
	c->deadline = milliseconds ? uv_now(&c->web->thread.loop) + milliseconds : 0;
}

void connection_grown(struct connection *c)
{
	c->web->young -= c->young;
	c->young = false;
}

static void print_address(const struct sockaddr *address, char *text, size_t size)
{
	if (getnameinfo(address, address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in),
	                text, (socklen_t)size, NULL, 0, NI_NUMERICHOST) != 0)
		*text = '\0';
	if (strncmp(text, "::ffff:", 7) == 0 && strchr(text, '.'))
		memmove(text, text + 7, strlen(text + 7) + 1);
}

static void reap(uv_timer_t *timer)
{
	struct web *w = container_of(timer, struct web, reaper);
	uint64_t now = uv_now(&w->thread.loop);
	for (struct connection *c = w->connections; c; c = c->next) {
		if (!c->deadline || c->deadline > now)
			continue;
		c->deadline = now + DEADLINE_SEND;
		if (c->request && atomic_load(&c->request->state) == REQUEST_ENGINE)
			exchange_abandon(c->request);
		else
			shutdown(c->fd, SHUT_RDWR); /* libmicrohttpd sees the end and frees it */
	}
	if (!w->connections)
		uv_timer_stop(timer);
	web_wake(w);
}

static void connection_open(struct web *w, struct MHD_Connection *mhd, void **context)
{
	struct connection *c = must_alloc(sizeof *c);
	c->web = w;
	c->young = true;
	w->young++;
	c->mhd = mhd;
	c->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	print_address(MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr, c->from,
	              sizeof c->from);
	c->next = w->connections;
	if (c->next)
		c->next->prev = c;
	w->connections = c;
	shown_to(c);
	connection_deadline(c, DEADLINE_HEADERS);
	if (!uv_is_active((uv_handle_t *)&w->reaper))
		uv_timer_start(&w->reaper, reap, REAP_EVERY, REAP_EVERY);
	*context = c;
}

static void connection_closed(struct web *w, struct connection *c)
{
	if (c->next)
		c->next->prev = c->prev;
	if (c->prev)
		c->prev->next = c->next;
	else
		w->connections = c->next;
	connection_grown(c);
	shown_release(&c->shown);
	free(c);
}

static void on_connection(void *web, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		connection_open(web, mhd, context);
	else
		connection_closed(web, *context);
}

/* --- the loop ------------------------------------------------------------------------------------------------------ */

static void readable(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	struct web *w = container_of(poll, struct web, poll);
	w->rounds = 0;
	web_wake(w);
}

static void soon(uv_timer_t *timer)
{
	web_wake(container_of(timer, struct web, soon));
}

/* Before the loop sleeps: everything that has happened, in one turn of libmicrohttpd. That asks to be called again at
 * once as long as a handshake waits for its client (0.9.75): a client that never answers must not cost a processor. */
static void turn(uv_prepare_t *prepare)
{
	struct web *w = container_of(prepare, struct web, prepare);
	if (!w->busy)
		return;
	w->busy = false;
	MHD_run(w->daemon);
	exchange_flush(w);
	unsigned MHD_LONG_LONG timeout;
	if (MHD_get_timeout(w->daemon, &timeout) != MHD_YES)
		return;
	bool pause = timeout == 0 && w->young > 0 && ++w->rounds > ROUNDS_AT_ONCE;
	uv_timer_start(&w->soon, soon, pause ? ROUND_PAUSE : timeout, 0);
}

/* MHD complains about every client that goes away or speaks nonsense: none of that is news. */
static void mhd_log(void *context, const char *format, va_list args)
{
	(void)context;
	char text[300];
	vsnprintf(text, sizeof text, format, args);
	text[strcspn(text, "\n")] = '\0';
	log_debug("http: %s", text);
}

/* Bodies and targets are decoded by us: MHD leaves the target as it came. */
static size_t leave(void *context, struct MHD_Connection *mhd, char *text)
{
	(void)context;
	(void)mhd;
	return strlen(text);
}

/* --- listening ----------------------------------------------------------------------------------------------------- */

/* "ADDRESS:PORT" into its two parts. */
static int split_listen(const char *listen_text, char *host, size_t size, const char **port, struct err *e)
{
	const char *colon = strrchr(listen_text, ':');
	size_t length = colon ? (size_t)(colon - listen_text) : 0;
	if (!colon || length == 0 || length >= size || !colon[1])
		return err_set(e, E_INVALID, NULL, "--listen %.100s: write ADDRESS:PORT, as in 127.0.0.1:8443 or [::]:8443.",
		               listen_text);
	bool bracket = listen_text[0] == '[' && listen_text[length - 1] == ']';
	snprintf(host, size, "%.*s", (int)length - 2 * bracket, listen_text + bracket);
	*port = colon + 1;
	return 0;
}

static int open_socket(const struct addrinfo *a)
{
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, 511) == 0)
		return fd;
	int kept = errno;
	close(fd);
	errno = kept;
	return -1;
}

static void name_address(struct web *w, int fd, const char *host)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} bound = { 0 };
	socklen_t size = sizeof bound;
	must(getsockname(fd, &bound.any, &size) == 0);
	w->port = ntohs(bound.any.sa_family == AF_INET6 ? bound.v6.sin6_port : bound.v4.sin_port);
	if (strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0)
		host = "localhost";
	snprintf(w->address, sizeof w->address, strchr(host, ':') ? "[%s]:%d" : "%s:%d", host, w->port);
}

static int listen_on(struct web *w, const char *text, int *fd, struct err *e)
{
	char host[256];
	const char *port = "";
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *found = NULL;
	int rc = split_listen(text, host, sizeof host, &port, e);
	if (rc != 0)
		return rc;
	int failed = getaddrinfo(host, port, &hints, &found);
	if (failed)
		return err_set(e, E_INVALID, NULL, "--listen %.100s: %s.", text, gai_strerror(failed));
	*fd = open_socket(found);
	int why = errno;
	freeaddrinfo(found);
	if (*fd < 0)
		return err_set(e, E_NETWORK, NULL, "The station cannot listen on %.100s: %s.", text, strerror(why));
	name_address(w, *fd, host);
	return 0;
}

/* --- start --------------------------------------------------------------------------------------------------------- */

/* Room for all connections beside what else the process has open. */
static unsigned raise_limit(unsigned wanted)
{
	enum { OTHERS = 256 };
	struct rlimit files;
	must(getrlimit(RLIMIT_NOFILE, &files) == 0);
	if (files.rlim_cur < wanted + OTHERS) {
		files.rlim_cur = files.rlim_max < wanted + OTHERS ? files.rlim_max : wanted + OTHERS;
		setrlimit(RLIMIT_NOFILE, &files);
		getrlimit(RLIMIT_NOFILE, &files);
	}
	if (files.rlim_cur >= wanted + OTHERS)
		return wanted;
	log_warn("only %u files may be open: fewer connections are accepted", (unsigned)files.rlim_cur);
	return files.rlim_cur > OTHERS + 16 ? (unsigned)files.rlim_cur - OTHERS : 16;
}

static int start_daemon(struct web *w, int fd, const char *certificate, const char *key, struct err *e)
{
	unsigned per_address =
	    w->connection_limit < CONNECTIONS_PER_ADDRESS ? w->connection_limit : CONNECTIONS_PER_ADDRESS;
	w->daemon = MHD_start_daemon(
	    MHD_USE_EPOLL | MHD_USE_TLS | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, exchange_handle, w,
	    MHD_OPTION_EXTERNAL_LOGGER, mhd_log, w, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_HTTPS_MEM_CERT, certificate,
	    MHD_OPTION_HTTPS_MEM_KEY, key, MHD_OPTION_HTTPS_PRIORITIES, priorities, MHD_OPTION_CONNECTION_LIMIT,
	    w->connection_limit, MHD_OPTION_PER_IP_CONNECTION_LIMIT, per_address, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	    (size_t)POOL_SIZE, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK, exchange_line, w,
	    MHD_OPTION_UNESCAPE_CALLBACK, leave, w, MHD_OPTION_NOTIFY_COMPLETED, exchange_completed, w,
	    MHD_OPTION_NOTIFY_CONNECTION, on_connection, w, MHD_OPTION_END);
	return w->daemon ? 0
	                 : err_set(e, E_INTERNAL, NULL,
	                           "The web server could not be started; is tls/default.pem with its key in order?");
}

/* A message that the engine waits for. */
struct errand {
	struct message message;
	struct web *web;
	sem_t done;
};

static void run_errand(struct web *w, void (*run)(struct message *))
{
	struct errand errand = { .message.run = run, .web = w };
	must(sem_init(&errand.done, 0, 0) == 0);
	net_post(&w->thread, &errand.message);
	while (sem_wait(&errand.done) != 0)
		must(errno == EINTR);
	sem_destroy(&errand.done);
}

static void open_handles(struct message *m)
{
	struct errand *errand = container_of(m, struct errand, message);
	struct web *w = errand->web;
	uv_loop_t *loop = &w->thread.loop;
	int fd = MHD_get_daemon_info(w->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	must(uv_poll_init(loop, &w->poll, fd) == 0 && uv_poll_start(&w->poll, UV_READABLE, readable) == 0);
	must(uv_timer_init(loop, &w->soon) == 0 && uv_timer_init(loop, &w->reaper) == 0);
	must(uv_prepare_init(loop, &w->prepare) == 0 && uv_prepare_start(&w->prepare, turn) == 0);
	streams_open(w);
	web_wake(w);
	sem_post(&errand->done);
}

static void web_free(struct web **w)
{
	router_free(&(*w)->router);
	free((*w)->openapi);
	free((*w)->types);
	pages_free(&(*w)->pages);
	shown_release(&(*w)->shown);
	free(*w);
	*w = NULL;
}

static int open_daemon(struct web *w, const struct web_options *o, struct err *e)
{
	char *certificate = NULL, *key = NULL;
	int fd = -1, rc = listen_on(w, o->listen, &fd, e);
	if (rc != 0)
		return rc;
	rc = trust_server_certificate(w->station->directory, &certificate, &key, e);
	if (rc == 0)
		rc = start_daemon(w, fd, certificate, key, e);
	if (rc != 0)
		close(fd);
	free(certificate);
	if (key)
		explicit_bzero(key, strlen(key)); /* GnuTLS has its own copy */
	free(key);
	return rc;
}

int server_start(struct station *s, const struct web_options *o, struct web **out, struct err *e)
{
	struct web *w = must_alloc(sizeof *w);
	w->station = s;
	w->shown = o->shown;
	w->connection_limit = raise_limit(o->connections ? o->connections : CONNECTIONS_MAX);
	json_object_seed(0);
	w->router = router_new(o->tables);
	int rc = pages_load(o->www, &w->pages, e);
	if (rc == 0)
		rc = open_daemon(w, o, e);
	if (rc != 0) {
		web_free(&w);
		return rc;
	}
	must(net_start(&w->thread, "belfry-web") == 0);
	w->events = events_new(w);
	run_errand(w, open_handles);
	*out = w;
	return 0;
}

const char *web_address(const struct web *w)
{
	return w->address;
}

int web_port(const struct web *w)
{
	return w->port;
}

/* --- end ----------------------------------------------------------------------------------------------------------- */

/* No suspended connection may be left when MHD stops. */
static void close_handles(struct message *m)
{
	enum { LAST_TURNS = 8 };
	struct errand *errand = container_of(m, struct errand, message);
	struct web *w = errand->web;
	w->stopping = true;
	streams_end(w);
	for (struct connection *c = w->connections; c; c = c->next)
		if (c->request)
			exchange_abandon(c->request);
	for (int i = 0; i < LAST_TURNS; i++)
		MHD_run(w->daemon);
	uv_close((uv_handle_t *)&w->poll, NULL);
	MHD_stop_daemon(w->daemon);
	streams_close(w);
	uv_close((uv_handle_t *)&w->soon, NULL);
	uv_close((uv_handle_t *)&w->reaper, NULL);
	uv_close((uv_handle_t *)&w->prepare, NULL);
	sem_post(&errand->done);
}

void server_stop(struct web **w)
{
	events_close(&(*w)->events);
	run_errand(*w, close_handles);
	net_stop(&(*w)->thread);
	web_free(w);
}
