/* SPDX-License-Identifier: Apache-2.0
 * A thousand browsers that look at the same page: opens COUNT event streams over TLS and measures how late the values come.
 * The value of each "out" is the time when it was sent, in seconds of the monotonic clock.
 * browsers PORT TOKEN ORDS COUNT SECONDS: prints "ready" when all streams are open; at the end the events that came, the
 * median and the 99th percentile of the delay in milliseconds, and the streams that were closed or reset. */
#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { TEXT = 65536 };

struct browser {
	gnutls_session_t tls;
	int fd;
	size_t length;
	char text[TEXT];
};

struct delays {
	double *ms; /* owned */
	size_t count, room;
	long events, broken;
};

static double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void fail(const char *what)
{
	fprintf(stderr, "browsers: %s\n", what);
	exit(EXIT_FAILURE);
}

static void keep(struct delays *d, double ms)
{
	if (d->count == d->room) {
		d->room = d->room ? 2 * d->room : 65536;
		d->ms = realloc(d->ms, d->room * sizeof *d->ms);
		if (!d->ms)
			fail("out of memory");
	}
	d->ms[d->count++] = ms;
}

/* Takes whole events out of the text; what is half there stays. */
static void look(struct browser *b, struct delays *d)
{
	static const char out[] = "\"slot\":\"out\",\"value\":{\"value\":";
	char *at = b->text, *end;
	b->text[b->length] = '\0';
	for (; (end = strstr(at, "\n\n")); at = end + 2) {
		*end = '\0';
		d->events += strstr(at, "event: value") != NULL;
		d->broken += strstr(at, "event: reset") != NULL;
		const char *value = strstr(at, out);
		if (value)
			keep(d, now_ms() - strtod(value + sizeof out - 1, NULL) * 1e3);
	}
	b->length -= (size_t)(at - b->text);
	memmove(b->text, at, b->length);
}

static void begin(struct browser *b, gnutls_certificate_credentials_t credentials, const char *const *argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		                           .sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10)) };
	b->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (b->fd < 0 || connect(b->fd, (struct sockaddr *)&address, sizeof address) != 0)
		fail("connect");
	gnutls_init(&b->tls, GNUTLS_CLIENT);
	gnutls_set_default_priority(b->tls);
	gnutls_credentials_set(b->tls, GNUTLS_CRD_CERTIFICATE, credentials); /* whom we measure is on this machine */
	gnutls_transport_set_int(b->tls, b->fd);
	int rc;
	while ((rc = gnutls_handshake(b->tls)) < 0)
		if (gnutls_error_is_fatal(rc))
			fail(gnutls_strerror(rc));
	int length = snprintf(b->text, TEXT,
	                      "GET /api/v1/events?ords=%s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"
	                      "Accept: text/event-stream\r\n\r\n",
	                      argv[3], argv[2]);
	if (gnutls_record_send(b->tls, b->text, (size_t)length) != length)
		fail("send");
	while (b->length < 12 || !strstr(b->text, "event: hello")) {
		ssize_t n = gnutls_record_recv(b->tls, b->text + b->length, TEXT - 1 - b->length);
		if (n <= 0)
			fail("the stream did not open");
		b->length += (size_t)n;
		b->text[b->length] = '\0';
	}
	b->length = 0;
}

static void receive(struct browser *b, struct pollfd *p, struct delays *d)
{
	do {
		ssize_t n = gnutls_record_recv(b->tls, b->text + b->length, TEXT - 1 - b->length);
		if (n <= 0 && (n == 0 || gnutls_error_is_fatal((int)n))) {
			d->broken++;
			p->fd = -1;
			return;
		}
		if (n > 0)
			b->length += (size_t)n;
		look(b, d);
	} while (gnutls_record_check_pending(b->tls));
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	if (argc != 6)
		return 2;
	long count = strtol(argv[4], NULL, 10);
	struct browser *browsers = calloc((size_t)count, sizeof *browsers);
	struct pollfd *polls = calloc((size_t)count, sizeof *polls);
	struct delays d = { 0 };
	gnutls_certificate_credentials_t credentials;
	if (!browsers || !polls || gnutls_certificate_allocate_credentials(&credentials) != 0)
		fail("out of memory");
	for (long i = 0; i < count; i++) {
		begin(&browsers[i], credentials, (const char *const *)argv);
		polls[i] = (struct pollfd){ .fd = browsers[i].fd, .events = POLLIN };
	}
	puts("ready");
	fflush(stdout);
	for (double end = now_ms() + strtod(argv[5], NULL) * 1e3; now_ms() < end;) {
		if (poll(polls, (nfds_t)count, 100) <= 0)
			continue;
		for (long i = 0; i < count; i++)
			if (polls[i].revents)
				receive(&browsers[i], &polls[i], &d);
	}
	qsort(d.ms, d.count, sizeof *d.ms, by_size);
	printf("%ld %.1f %.1f %ld\n", d.events, d.count ? d.ms[d.count / 2] : 0, d.count ? d.ms[d.count * 99 / 100] : 0,
	       d.broken);
	return EXIT_SUCCESS;
}
