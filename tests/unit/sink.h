/* SPDX-License-Identifier: Apache-2.0
 * A mail server that takes everything but what calls itself unwanted, on threads of its own: several connections at once, PIPELINING, no TLS. It keeps
 * the subject and the Message-ID of each mail in the order of acceptance, and can be away: then nobody listens. */
#ifndef BELFRY_TESTS_SINK_H
#define BELFRY_TESTS_SINK_H

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "station/base/must.h"

enum { SINK_MAILS = 16384, SINK_CONNECTIONS = 512 };
struct sink_mail {
	char subject[80], id[80];
};
struct sink {
	int port, listener, placeholder; /* while it is away, nobody else shall have its port */
	pthread_t acceptor, workers[SINK_CONNECTIONS];
	int fds[SINK_CONNECTIONS];
	size_t connections; /* all there were */
	pthread_mutex_t lock;
	struct sink_mail *mails; /* owned; under lock */
	size_t count;
	int now, most; /* connections at once */
};
struct sink_worker {
	struct sink *sink;
	int fd;
};

static inline void sink_take_header(struct sink_mail *m, const char *line)
{
	if (strncmp(line, "Subject: ", 9) == 0)
		snprintf(m->subject, sizeof m->subject, "%.*s", (int)strcspn(line + 9, "\r\n"), line + 9);
	if (strncasecmp(line, "Message-ID: <", 13) == 0)
		snprintf(m->id, sizeof m->id, "%.*s", (int)strcspn(line + 13, ">\r\n"), line + 13);
}

static inline void sink_mail_taken(struct sink *s, const struct sink_mail *m)
{
	pthread_mutex_lock(&s->lock);
	must(s->count < SINK_MAILS);
	s->mails[s->count++] = *m;
	pthread_mutex_unlock(&s->lock);
}

static inline void sink_serve(struct sink *s, FILE *in, FILE *out)
{
	char line[2048];
	struct sink_mail m = { "", "" };
	bool data = false;
	fputs("220 sink.test ESMTP\r\n", out);
	for (fflush(out); fgets(line, sizeof line, in);) {
		if (data && strcmp(line, ".\r\n") != 0) {
			sink_take_header(&m, line);
			continue;
		}
		bool unwanted = data && strstr(m.subject, "unwanted") != NULL;
		if (data && !unwanted)
			sink_mail_taken(s, &m);
		const char *answer = unwanted       ? "550 5.7.1 Not this one\r\n"
		    : data                          ? "250 2.0.0 Ok\r\n"
		    : strncmp(line, "EHLO", 4) == 0 ? "250-sink.test\r\n250 PIPELINING\r\n"
		    : strncmp(line, "DATA", 4) == 0 ? "354 Go on\r\n"
		    : strncmp(line, "QUIT", 4) == 0 ? "221 Bye\r\n"
		                                    : "250 2.0.0 Ok\r\n";
		data = !data && strncmp(line, "DATA", 4) == 0;
		fputs(answer, out);
		fflush(out);
	}
}

static inline void *sink_work(void *context)
{
	struct sink_worker w = *(struct sink_worker *)context;
	free(context);
	FILE *in = fdopen(dup(w.fd), "r"), *out = fdopen(dup(w.fd), "w");
	must(in && out);
	sink_serve(w.sink, in, out);
	fclose(in);
	fclose(out);
	shutdown(w.fd, SHUT_RDWR);
	pthread_mutex_lock(&w.sink->lock);
	w.sink->now--;
	pthread_mutex_unlock(&w.sink->lock);
	return NULL;
}

static inline void *sink_accept(void *context)
{
	struct sink *s = context;
	for (int fd; (fd = accept(s->listener, NULL, NULL)) >= 0;) {
		struct sink_worker *w = must_alloc(sizeof *w);
		*w = (struct sink_worker){ s, fd };
		pthread_mutex_lock(&s->lock);
		must(s->connections < SINK_CONNECTIONS);
		s->fds[s->connections] = fd;
		if (++s->now > s->most)
			s->most = s->now;
		must(pthread_create(&s->workers[s->connections++], NULL, sink_work, w) == 0);
		pthread_mutex_unlock(&s->lock);
	}
	return NULL;
}

static inline struct sockaddr_in sink_address(const struct sink *s)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
		                         .sin_port = htons((uint16_t)s->port),
		                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

/* Listens on s->port; 0: a free one. */
static inline void sink_start(struct sink *s)
{
	struct sockaddr_in address = sink_address(s);
	socklen_t length = sizeof address;
	int yes = 1;
	signal(SIGPIPE, SIG_IGN); /* whoever is cut while it answers */
	if (!s->mails) {
		s->mails = must_alloc(SINK_MAILS * sizeof *s->mails);
		must(pthread_mutex_init(&s->lock, NULL) == 0);
	}
	if (s->placeholder)
		close(s->placeholder);
	s->placeholder = 0;
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(s->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	must(bind(s->listener, (struct sockaddr *)&address, length) == 0 && listen(s->listener, 64) == 0);
	must(getsockname(s->listener, (struct sockaddr *)&address, &length) == 0);
	s->port = ntohs(address.sin_port);
	must(pthread_create(&s->acceptor, NULL, sink_accept, s) == 0);
}

/* Nobody listens any more; open connections are cut. */
static inline void sink_stop(struct sink *s)
{
	shutdown(s->listener, SHUT_RDWR);
	pthread_join(s->acceptor, NULL);
	struct sockaddr_in address = sink_address(s);
	int yes = 1;
	s->placeholder = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(s->placeholder, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	close(s->listener);
	must(bind(s->placeholder, (struct sockaddr *)&address, sizeof address) == 0);
	for (size_t i = 0; i < s->connections; i++)
		shutdown(s->fds[i], SHUT_RDWR);
	for (size_t i = 0; i < s->connections; i++) {
		pthread_join(s->workers[i], NULL);
		close(s->fds[i]);
	}
	s->connections = 0;
}

static inline void sink_end(struct sink *s)
{
	if (s->placeholder)
		close(s->placeholder);
	free(s->mails);
	pthread_mutex_destroy(&s->lock);
}

static inline size_t sink_count(struct sink *s)
{
	pthread_mutex_lock(&s->lock);
	size_t count = s->count;
	pthread_mutex_unlock(&s->lock);
	return count;
}

/* The most connections there were at once. */
static inline int sink_most(struct sink *s)
{
	pthread_mutex_lock(&s->lock);
	int most = s->most;
	pthread_mutex_unlock(&s->lock);
	return most;
}

/* Where the mail of that subject came, from 0; -1: not at all. */
static inline long sink_place(struct sink *s, const char *subject)
{
	long place = -1;
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->count && place < 0; i++)
		if (strcmp(s->mails[i].subject, subject) == 0)
			place = (long)i;
	pthread_mutex_unlock(&s->lock);
	return place;
}

#endif
