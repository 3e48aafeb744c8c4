/* SPDX-License-Identifier: Apache-2.0
 * An SMTP client for tests, on a loop of its own, against scripted peers; and what it reports, kept. */
#ifndef BELFRY_TESTS_DIALOGUE_H
#define BELFRY_TESTS_DIALOGUE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "services/email/wire/smtp.h"
#include "tests/unit/peer.h"

struct client {
	uv_loop_t loop;
	uv_timer_t limit;
	bool late;
	struct smtp *smtp;
	struct smtp_message *done[16]; /* owned */
	int done_count, ready_count, down_count;
	struct smtp_failure failure; /* the last one; its verdict is not kept */
	bool untrusted, ended, hold; /* hold: the test settles */
	char *transcript;
};

static inline void client_ready(void *context)
{
	((struct client *)context)->ready_count++;
}

static inline void client_done(void *context, struct smtp_message *m)
{
	struct client *c = context;
	must(c->done_count < 16);
	c->done[c->done_count++] = m;
	if (!c->hold)
		smtp_settle(c->smtp);
}

static inline void client_down(void *context, const struct smtp_failure *f)
{
	struct client *c = context;
	c->failure = *f;
	c->untrusted = f->verdict != NULL;
	c->down_count++;
}

static inline void client_said(void *context, enum line_direction direction, const char *text)
{
	struct client *c = context;
	char *longer = must_format("%s%c%s\n", c->transcript, "><-"[direction], text);
	free(c->transcript);
	c->transcript = longer;
}

static inline void client_ended(void *context)
{
	((struct client *)context)->ended = true;
}

static const struct smtp_events client_events = { client_ready, client_done, client_down, client_said, client_ended };

static inline void client_late(uv_timer_t *timer)
{
	container_of(timer, struct client, limit)->late = true;
}

static inline struct smtp_config *config_for(const struct peer *p)
{
	struct smtp_config *c = must_alloc(sizeof *c);
	snprintf(c->server.host, sizeof c->server.host, "127.0.0.1");
	c->server.port = p->port;
	c->server.least = TLS_V1_2;
	c->server.timeout = 30 * SECOND_US;
	c->dialogue = true;
	snprintf(c->helo, sizeof c->helo, "station.test");
	return c;
}

static inline void client_open(struct client *c, struct smtp_config *config)
{
	*c = (struct client){ .transcript = must_strdup("") };
	must(uv_loop_init(&c->loop) == 0 && uv_timer_init(&c->loop, &c->limit) == 0);
	c->smtp = smtp_new(&c->loop, &client_events, c);
	smtp_configure(c->smtp, config);
}

static inline struct smtp_message *mail_to(const char *const *addresses, const char *content)
{
	size_t n = 0;
	while (addresses[n])
		n++;
	struct smtp_message *m = smtp_message_new("station@mail.test", n);
	for (size_t i = 0; i < n; i++)
		m->recipients[i].address = must_strdup(addresses[i]);
	m->content = must_strdup(content);
	m->length = strlen(content);
	return m;
}

static inline struct smtp_message *mail_to_bob(void)
{
	return mail_to((const char *const[]){ "bob@mail.test", NULL }, "Subject: x\r\n\r\nText\r\n");
}

static inline int *counter_of(struct client *c, char what)
{
	return what == 'd' ? &c->done_count : what == 'f' ? &c->down_count : &c->ready_count;
}

/* Turns the loop until so many messages are done ('d'), failures are there ('f'), logins ('r'). */
static inline void client_until(struct client *c, char what, int count)
{
	c->late = false;
	uv_timer_start(&c->limit, client_late, 60000, 0);
	while (*counter_of(c, what) < count && !c->late)
		uv_run(&c->loop, UV_RUN_ONCE);
	uv_timer_stop(&c->limit);
	if (c->late)
		fail_msg("waited in vain for %d of '%c'; the dialogue was:\n%s", count, what, c->transcript);
}

static inline void client_close(struct client *c)
{
	smtp_free(&c->smtp);
	uv_close((uv_handle_t *)&c->limit, NULL);
	must(uv_run(&c->loop, UV_RUN_DEFAULT) == 0 && uv_loop_close(&c->loop) == 0);
	for (int i = 0; i < c->done_count; i++)
		smtp_message_free(&c->done[i]);
	free(c->transcript);
}

/* Ends both; the script must have gone as written. */
static inline void finish(struct client *c, struct peer *p)
{
	client_close(c);
	peer_stop(p);
	if (*p->wrong)
		fail_msg("%s", p->wrong);
}

#define GREETING ">220 mail.test ESMTP\n<EHLO station.test\n"
#define PLAIN_EHLO ">250-mail.test\n>250-PIPELINING\n>250-ENHANCEDSTATUSCODES\n>250 8BITMIME\n"
#define ENVELOPE "<MAIL FROM:<station@mail.test>\n<RCPT TO:<bob@mail.test>\n<DATA\n"
#define TAKEN ">250 2.1.0 Ok\n>250 2.1.5 Ok\n>354 Go\n"

#endif
