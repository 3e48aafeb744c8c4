/* SPDX-License-Identifier: Apache-2.0
 * A scripted mail server on a thread: it listens on 127.0.0.1 and plays one script a connection, line by line:
 *   >TEXT    sends TEXT and CR LF; several such lines in a row leave in one packet
 *   =TEXT    sends TEXT without a line end
 *   xN TEXT  sends TEXT and CR LF so many times; rN TEXT without line ends
 *   <TEXT    reads a line, which must begin with TEXT
 *   <#TEXT   reads a line whose first word is an IMAP tag, and the rest must begin with TEXT; >#TEXT answers with that tag
 *   .        reads a mail up to its final dot
 *   tls      makes the TLS handshake as a server
 *   flood X  sends such records until the client has gone: keyUpdate, renegotiation, warning, empty, ticket inside TLS;
 *            alerts before it
 *   cut      resets the connection
 *   gone     waits until the client has closed
 *   go       waits for peer_go()
 * After its script it closes. What did not go as written is in `wrong`. */
#ifndef BELFRY_TESTS_PEER_H
#define BELFRY_TESTS_PEER_H

#include <semaphore.h>
#include <signal.h>

#include "tests/unit/pki.h"

struct peer {
	const char *scripts[6];                 /* one a connection */
	const struct pair *certificate, *above; /* above: so many more of its chain */
	int above_count;
	const struct pair *then; /* from the second connection on; NULL: the same */
	const char *priority;
	int port, listener, connections;
	pthread_t thread;
	sem_t go;
	char wrong[400], tag[32];
	char *heard; /* all that was received, each line with \n */
	size_t heard_length, heard_size;
	pthread_mutex_t hearing; /* of the three above while the peer runs; zeroed is good */
	/* the connection now */
	int fd;
	gnutls_session_t session;
	gnutls_certificate_credentials_t credentials;
	char in[1 << 16];
	size_t in_head, in_tail;
};

static inline ssize_t peer_read(struct peer *p, char *to, size_t size)
{
	ssize_t n;
	do
		n = p->session ? gnutls_record_recv(p->session, to, size) : recv(p->fd, to, size, 0);
	while (n == GNUTLS_E_AGAIN && p->session);
	return n;
}

static inline void peer_hear(struct peer *p, const char *line, size_t length)
{
	pthread_mutex_lock(&p->hearing);
	if (p->heard_length + length + 1 > p->heard_size)
		p->heard = must_realloc(p->heard, p->heard_size = 2 * (p->heard_length + length + 1));
	memcpy(p->heard + p->heard_length, line, length);
	p->heard_length += length;
	p->heard[p->heard_length] = '\0';
	pthread_mutex_unlock(&p->hearing);
}

/* Has it received this by now? For the test's thread, while the peer runs. */
static inline bool peer_has_heard(struct peer *p, const char *text)
{
	pthread_mutex_lock(&p->hearing);
	bool heard = p->heard && strstr(p->heard, text);
	pthread_mutex_unlock(&p->hearing);
	return heard;
}

static inline bool peer_line(struct peer *p, char *line, size_t size)
{
	for (;;) {
		char *start = p->in + p->in_head, *end = memchr(start, '\n', p->in_tail - p->in_head);
		if (end) {
			size_t whole = (size_t)(end - start) + 1, length = whole < size ? whole : size - 1;
			memcpy(line, start, length);
			line[length] = '\0';
			p->in_head += whole;
			peer_hear(p, line, length);
			line[strcspn(line, "\r\n")] = '\0';
			return true;
		}
		memmove(p->in, start, p->in_tail - p->in_head);
		p->in_tail -= p->in_head;
		p->in_head = 0;
		ssize_t n = p->in_tail < sizeof p->in ? peer_read(p, p->in + p->in_tail, sizeof p->in - p->in_tail) : 0;
		if (n <= 0)
			return false;
		p->in_tail += (size_t)n;
	}
}

static inline void peer_wrong(struct peer *p, const char *step, const char *found)
{
	if (!*p->wrong)
		snprintf(p->wrong, sizeof p->wrong, "connection %d, at \"%.100s\": %.200s", p->connections, step, found);
}

static inline void peer_send(struct peer *p, const char *text, size_t length)
{
	if (p->session)
		gnutls_record_send(p->session, text, length);
	else
		send(p->fd, text, length, MSG_NOSIGNAL);
}

static inline void peer_tls(struct peer *p, const char *step)
{
	bool other = p->then && p->connections > 1;
	p->credentials = pair_credentials(other ? p->then : p->certificate, p->above, other ? 0 : p->above_count);
	must(gnutls_init(&p->session, GNUTLS_SERVER) == 0);
	must(gnutls_priority_set_direct(p->session, p->priority ? p->priority : "NORMAL", NULL) == 0);
	gnutls_credentials_set(p->session, GNUTLS_CRD_CERTIFICATE, p->credentials);
	gnutls_datum_t key; /* for tickets, which most servers give */
	must(gnutls_session_ticket_key_generate(&key) == 0 && gnutls_session_ticket_enable_server(p->session, &key) == 0);
	gnutls_free(key.data);
	gnutls_transport_set_int(p->session, p->fd);
	int rc;
	do
		rc = gnutls_handshake(p->session);
	while (rc < 0 && !gnutls_error_is_fatal(rc));
	if (rc < 0)
		peer_wrong(p, step, gnutls_strerror(rc));
}

/* One record of a flood; false: the client is gone. */
static inline bool peer_flood_once(struct peer *p, const char *what)
{
	static const char alert[] = { 21, 3, 3, 0, 2, 1, 112 }; /* a warning: unrecognized_name */
	switch (*what) {
	case 'k':
		return gnutls_session_key_update(p->session, 0) == 0;
	case 'r':
		return gnutls_rehandshake(p->session) == 0;
	case 'w':
		return gnutls_alert_send(p->session, GNUTLS_AL_WARNING, GNUTLS_A_USER_CANCELED) == 0;
	case 'e':
		return gnutls_record_send2(p->session, "", 0, 1, 0) >= 0; /* TLS 1.3: nothing but padding */
	case 't':
		return gnutls_session_ticket_send(p->session, 1, 0) == 0;
	default:
		return send(p->fd, alert, sizeof alert, MSG_NOSIGNAL) > 0;
	}
}

static inline void peer_flood(struct peer *p, const char *step)
{
	int count = 0;
	while (count < 1000000 && peer_flood_once(p, step + strlen("flood ")))
		count++;
	if (count == 1000000)
		peer_wrong(p, step, "(the client takes everything)");
}

static inline void peer_repeat(struct peer *p, const char *step)
{
	char *text;
	long count = strtol(step + 1, &text, 10);
	char *piece = must_format(*step == 'x' ? "%s\r\n" : "%s", text + 1), *all;
	size_t length = strlen(piece);
	all = must_alloc((size_t)count * length + 1);
	for (long i = 0; i < count; i++)
		memcpy(all + (size_t)i * length, piece, length);
	for (size_t at = 0, n; at < (size_t)count * length; at += n) {
		n = (size_t)count * length - at < 16000 ? (size_t)count * length - at : 16000;
		peer_send(p, all + at, n);
	}
	free(piece);
	free(all);
}

static inline void peer_step(struct peer *p, const char *step)
{
	char line[8192];
	if (*step == '=') {
		peer_send(p, step + 1, strlen(step + 1));
	} else if ((*step == 'x' || *step == 'r') && strchr("0123456789", step[1])) {
		peer_repeat(p, step);
	} else if (strncmp(step, "<#", 2) == 0) {
		if (!peer_line(p, line, sizeof line)) {
			peer_wrong(p, step, "(the client has closed)");
			return;
		}
		size_t n = strcspn(line, " ");
		snprintf(p->tag, sizeof p->tag, "%.*s", (int)n, line);
		if (strncmp(line + n + (line[n] == ' '), step + 2, strlen(step + 2)) != 0)
			peer_wrong(p, step, line);
	} else if (*step == '<') {
		if (!peer_line(p, line, sizeof line))
			peer_wrong(p, step, "(the client has closed)");
		else if (strncmp(line, step + 1, strlen(step + 1)) != 0)
			peer_wrong(p, step, line);
	} else if (strcmp(step, ".") == 0) {
		do
			if (!peer_line(p, line, sizeof line)) {
				peer_wrong(p, step, "(the client has closed)");
				return;
			}
		while (strcmp(line, ".") != 0);
	} else if (strcmp(step, "tls") == 0) {
		peer_tls(p, step);
	} else if (strncmp(step, "flood ", 6) == 0) {
		peer_flood(p, step);
	} else if (strcmp(step, "gone") == 0) {
		while (peer_line(p, line, sizeof line))
			;
	} else if (strcmp(step, "go") == 0) {
		sem_wait(&p->go);
	} else if (strcmp(step, "cut") == 0) {
		struct linger now = { 1, 0 };
		setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	}
}

/* All '>' lines from here on in one packet; returns the rest of the script. */
static inline const char *peer_say(struct peer *p, const char *script)
{
	char *text = must_alloc(strlen(script) * 2 + 64 * sizeof p->tag);
	size_t length = 0;
	while (*script == '>') {
		size_t n = strcspn(++script, "\n");
		if (*script == '#') {
			memcpy(text + length, p->tag, strlen(p->tag));
			length += strlen(p->tag);
			script++;
			n--;
		}
		memcpy(text + length, script, n);
		memcpy(text + length + n, "\r\n", 2);
		length += n + 2;
		script += n + (script[n] == '\n');
	}
	peer_send(p, text, length);
	free(text);
	return script;
}

static inline void peer_play(struct peer *p, const char *script)
{
	while (*script) {
		if (*script == '>') {
			script = peer_say(p, script);
			continue;
		}
		size_t n = strcspn(script, "\n");
		char *step = must_strndup(script, n);
		peer_step(p, step);
		free(step);
		script += n + (script[n] == '\n');
	}
}

static inline void *peer_main(void *argument)
{
	struct peer *p = argument;
	for (size_t i = 0; i < ARRAY_SIZE(p->scripts) && p->scripts[i]; i++) {
		p->fd = accept(p->listener, NULL, NULL);
		if (p->fd < 0)
			return NULL;
		p->connections++;
		p->in_head = p->in_tail = 0;
		peer_play(p, p->scripts[i]);
		if (p->session) {
			gnutls_deinit(p->session);
			gnutls_certificate_free_credentials(p->credentials);
			p->session = NULL;
		}
		close(p->fd);
	}
	return NULL;
}

static inline void peer_start(struct peer *p)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof a;
	signal(SIGPIPE, SIG_IGN); /* a client that is gone is no end of the test */
	p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(p->listener >= 0 && bind(p->listener, (struct sockaddr *)&a, size) == 0 && listen(p->listener, 8) == 0);
	must(getsockname(p->listener, (struct sockaddr *)&a, &size) == 0);
	p->port = ntohs(a.sin_port);
	p->heard = must_strdup("");
	p->heard_length = p->heard_size = 0;
	must(sem_init(&p->go, 0, 0) == 0 && pthread_create(&p->thread, NULL, peer_main, p) == 0);
}

static inline void peer_go(struct peer *p)
{
	sem_post(&p->go);
}

/* Joins it: every script has been played, or the client will not come again. */
static inline void peer_stop(struct peer *p)
{
	sem_post(&p->go);
	shutdown(p->listener, SHUT_RDWR);
	must(pthread_join(p->thread, NULL) == 0);
	close(p->listener);
	free(p->heard);
	p->heard = NULL;
	sem_destroy(&p->go);
}

#endif
