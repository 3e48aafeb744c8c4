/* SPDX-License-Identifier: Apache-2.0
 * Mail retrieval, whatever the protocol: the connection and what its failure means, which mail comes next and when a
 * poll has had enough. See retrieval.h. */
#include "services/email/wire/retrieval.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/email/wire/peer_text.h"
#include "services/email/wire/retrieval_inside.h"
#include "station/base/must.h"

enum { POLL_MESSAGES = 200, CONTENT_BYTES_PER_SECOND = 1000 };
#define POLL_TIME_US (30 * SECOND_US)
#define COMMAND_US (60 * SECOND_US)

/* --- memory --------------------------------------------------------------------------------------------------------- */

void retrieval_config_free(struct retrieval_config **cp)
{
	struct retrieval_config *c = *cp;
	*cp = NULL;
	if (!c)
		return;
	mail_server_clear(&c->server);
	free(c);
}

void retrieval_memory_free(struct retrieval_memory **mp)
{
	struct retrieval_memory *m = *mp;
	*mp = NULL;
	if (!m)
		return;
	for (size_t i = 0; i < m->uidl_count; i++)
		free(m->uidls[i]);
	free(m->uidls);
	for (size_t i = 0; i < m->due_count; i++)
		free(m->due[i].uid);
	free(m->due);
	free(m);
}

void retrieved_free(struct retrieved **mp)
{
	struct retrieved *m = *mp;
	*mp = NULL;
	if (!m)
		return;
	free(m->uid);
	free(m->content);
	free(m);
}

void gathered_add(struct gathered *g, const char *data, size_t length)
{
	if (g->length + length + 1 > g->size) {
		g->size = (g->length + length + 1) * 2;
		g->data = must_realloc(g->data, g->size);
	}
	memcpy(g->data + g->length, data, length);
	g->length += length;
	g->data[g->length] = '\0';
}

void gathered_free(struct gathered *g)
{
	free(g->data);
	*g = (struct gathered){ .length = 0 };
}

const char *retrieval_stage_name(enum retrieval_stage stage)
{
	static const char *const names[] = { "connect", "greeting", "capability", "starttls", "login",
		                                 "select",  "list",     "fetch",      "store",    "idle" };
	return names[stage];
}

/* --- transcript ----------------------------------------------------------------------------------------------------- */

void retrieval_said(struct retrieval *r, enum line_direction direction, const char *format, ...)
{
	char text[LINE_LENGTH_MAX + 64];
	va_list ap;
	if (direction != LINE_NOTE && !r->config->dialogue)
		return;
	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	r->events->said(r->context, direction, text);
}

void retrieval_write(struct retrieval *r, const char *text, const char *shown)
{
	line_write(r->line, text, strlen(text));
	line_write(r->line, "\r\n", 2);
	retrieval_said(r, LINE_SENT, "%s", shown ? shown : text);
	line_flush(r->line);
}

const char *retrieval_quote(const struct retrieval *r, const char *text, size_t length, char *buf)
{
	peer_text(buf, 300, text, length);
	if (r->stage == RETRIEVAL_LOGIN)
		sasl_scrub(&r->config->server.login, r->config->server.keyring, buf);
	return buf;
}

void retrieval_expect(struct retrieval *r, const char *what, int64_t bytes)
{
	int64_t us = r->config->command_timeout > 0 ? r->config->command_timeout : COMMAND_US;
	if (r->stage == RETRIEVAL_GREETING)
		us = r->config->server.timeout;
	line_expect(r->line, us + bytes / CONTENT_BYTES_PER_SECOND * SECOND_US, what);
}

/* --- failure -------------------------------------------------------------------------------------------------------- */

/* The connection is over, or is left. */
static void forget_connection(struct retrieval *r)
{
	line_close(&r->line);
	if (r->state)
		r->dialogue->reset(r);
	uv_timer_stop(&r->timer);
	sasl_free(&r->sasl);
	r->waiting = r->polling = r->rested = false;
	r->current = NULL;
	r->candidate_count = r->candidate_next = 0;
}

static void fail_with(struct retrieval *r, const struct err *e)
{
	struct retrieval_failure f = { .err = *e, .stage = r->stage };
	struct trust_verdict verdict = { .seen = false };
	bool owed = r->polling;
	if (r->line && e->code == E_UNTRUSTED && line_verdict(r->line)->seen) {
		verdict = *line_verdict(r->line);
		verdict.chain_pem = verdict.chain_pem ? must_strdup(verdict.chain_pem) : NULL;
		f.verdict = &verdict;
	}
	forget_connection(r);
	retrieval_said(r, LINE_NOTE, "%s", f.err.text);
	if (owed)
		r->events->down(r->context, &f);
	free(verdict.chain_pem);
}

void retrieval_fail(struct retrieval *r, int code, const char *format, ...)
{
	struct err e;
	char text[sizeof e.text];
	va_list ap;
	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	err_set(&e, code, NULL, "%s", text);
	fail_with(r, &e);
}

void retrieval_trouble(struct retrieval *r, const char *format, ...)
{
	char text[sizeof r->trouble];
	va_list ap;
	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	retrieval_said(r, LINE_NOTE, "%s", text);
	if (!*r->trouble)
		memcpy(r->trouble, text, sizeof text);
}

/* --- the line's events ---------------------------------------------------------------------------------------------- */

static void open_connection(struct retrieval *r);

static void ready(struct line *line, void *context)
{
	struct retrieval *r = context;
	const struct trust_verdict *v = line_verdict(line);
	if (line_is_secure(line))
		retrieval_said(r, LINE_NOTE, "%s with %s, %s; certificate %s%s", line_tls_version(line), line_peer(line),
		               line_cipher(line), v->fingerprint, v->exempted ? " (approved under Allowed Hosts)" : "");
	else
		retrieval_said(r, LINE_NOTE, "connected to %s", line_peer(line));
	r->dialogue->begin(r, r->stage == RETRIEVAL_SECURE);
}

static void received(struct line *line, void *context, const char *text, size_t length)
{
	struct retrieval *r = context;
	(void)line;
	r->dialogue->line(r, text, length);
}

static void bytes(struct line *line, void *context, const char *data, size_t length)
{
	struct retrieval *r = context;
	(void)line;
	r->dialogue->bytes(r, data, length);
}

static void failed(struct line *line, void *context, const struct err *e, bool at_rest)
{
	struct retrieval *r = context;
	(void)line;
	(void)at_rest;
	if (!r->rested) {
		fail_with(r, e);
		return;
	}
	/* It had done its work, and was kept for news only. A poll goes on over a new one. */
	bool polling = r->polling;
	retrieval_said(r, LINE_NOTE, "%s", e->text);
	forget_connection(r);
	if (polling)
		open_connection(r);
}

static const struct line_events line_events = {
	.ready = ready, .received = received, .bytes = bytes, .failed = failed
};

static void open_connection(struct retrieval *r)
{
	r->stage = RETRIEVAL_CONNECT;
	r->polling = true;
	r->line = mail_server_connect(&r->config->server, r->loop, &line_events, r);
	retrieval_said(r, LINE_NOTE, "connecting to %s", line_peer(r->line));
}

/* --- a poll --------------------------------------------------------------------------------------------------------- */

static int64_t now_us(void)
{
	return (int64_t)(uv_hrtime() / 1000);
}

void retrieval_begin_poll(struct retrieval *r)
{
	r->polling = true;
	r->began = now_us();
	r->bytes = 0;
	r->summary = (struct retrieval_summary){ .trouble = r->trouble };
	r->trouble[0] = '\0';
	r->candidate_count = r->candidate_next = 0;
}

static int64_t most_messages(const struct retrieval *r)
{
	int64_t n = r->config->poll_messages > 0 ? r->config->poll_messages : POLL_MESSAGES;
	return n < CANDIDATES_MAX ? n : CANDIDATES_MAX;
}

bool retrieval_room(const struct retrieval *r)
{
	return (int64_t)r->candidate_count < most_messages(r);
}

bool retrieval_candidate(struct retrieval *r, struct candidate c)
{
	if (!retrieval_room(r)) {
		r->summary.left = true;
		return false;
	}
	r->candidates[r->candidate_count++] = c;
	return true;
}

/* What of this mail is fetched; 0: the whole. */
static int64_t portion(const struct retrieval *r, const struct candidate *c)
{
	bool small = r->config->size_limit <= 0 || (int64_t)c->size <= r->config->size_limit;
	if (c->size <= BEGINNING_SIZE || (small && !r->config->beginning_only))
		return 0;
	return BEGINNING_SIZE;
}

static bool affordable(const struct retrieval *r, const struct candidate *c)
{
	int64_t most = portion(r, c), time = r->config->poll_time > 0 ? r->config->poll_time : POLL_TIME_US;
	if (r->summary.fetched == 0)
		return true;
	if (now_us() - r->began >= time)
		return false;
	return r->config->poll_bytes <= 0 || r->bytes + (most > 0 ? most : (int64_t)c->size) <= r->config->poll_bytes;
}

void retrieval_next(struct retrieval *r)
{
	if (r->candidate_next == r->candidate_count) {
		r->dialogue->finish(r);
		return;
	}
	const struct candidate *c = &r->candidates[r->candidate_next];
	if (!affordable(r, c)) {
		r->summary.left = true;
		r->dialogue->finish(r);
		return;
	}
	r->candidate_next++;
	r->current = c;
	r->stage = RETRIEVAL_FETCH;
	r->dialogue->fetch(r, c, portion(r, c));
}

void retrieval_deliver(struct retrieval *r, char *uid, struct gathered *content, bool partial)
{
	struct retrieved *m = must_alloc(sizeof *m);
	*m = (struct retrieved){ .uid = uid,
		                     .size = (int64_t)r->current->size,
		                     .partial = partial,
		                     .content = content->data ? content->data : must_strdup(""),
		                     .length = content->length };
	*content = (struct gathered){ .length = 0 };
	r->summary.fetched++;
	r->bytes += (int64_t)m->length;
	r->waiting = true;
	snprintf(r->waited, sizeof r->waited, "%s", uid);
	line_expect(r->line, 0, NULL);
	r->events->mail(r->context, m);
}

void retrieval_settle(struct retrieval *r, const char *uid, enum disposition d)
{
	if (!r->waiting || strcmp(r->waited, uid) != 0) /* the connection has failed meanwhile */
		return;
	r->waiting = false;
	r->dialogue->settle(r, d);
}

bool retrieval_promises(const char *header, size_t length)
{
	static const char *const names[] = { "In-Reply-To:", "References:", "multipart/report" };
	char *copy = must_strndup(header, length);
	bool found = false;
	for (size_t k = 0; k < ARRAY_SIZE(names) && !found; k++)
		found = strcasestr(copy, names[k]) != NULL;
	free(copy);
	return found;
}

void retrieval_leave(struct retrieval *r)
{
	line_finish(&r->line);
	forget_connection(r);
}

void retrieval_done(struct retrieval *r, bool stay)
{
	r->polling = false;
	r->rested = stay;
	r->events->polled(r->context, &r->summary);
	if (!stay)
		retrieval_leave(r);
}

void retrieval_poll(struct retrieval *r, struct retrieval_memory *memory)
{
	must(r->config);
	if (r->polling) {
		retrieval_memory_free(&memory);
		return;
	}
	retrieval_memory_free(&r->memory);
	r->memory = memory;
	r->polling = true;
	if (r->line)
		r->dialogue->poll(r);
	else
		open_connection(r);
}

/* --- from outside --------------------------------------------------------------------------------------------------- */

struct retrieval *retrieval_new(uv_loop_t *loop, const struct retrieval_events *events, void *context)
{
	struct retrieval *r = must_alloc(sizeof *r);
	r->loop = loop;
	r->events = events;
	r->context = context;
	r->dialogue = &imap_dialogue;
	must(uv_timer_init(loop, &r->timer) == 0);
	return r;
}

static void hang_up(struct retrieval *r)
{
	if (r->line && !r->polling && r->dialogue->at_rest(r)) {
		r->dialogue->leave(r);
		line_finish(&r->line);
	}
	forget_connection(r);
}

void retrieval_configure(struct retrieval *r, struct retrieval_config *config)
{
	hang_up(r);
	retrieval_config_free(&r->config);
	r->config = config;
	r->no_idle = false;
	r->dialogue = config->protocol == RETRIEVAL_IMAP ? &imap_dialogue : &pop3_dialogue;
	free(r->state);
	r->state = must_alloc(r->dialogue->state_size);
}

static void timer_closed(uv_handle_t *handle)
{
	free(container_of((uv_timer_t *)handle, struct retrieval, timer));
}

void retrieval_free(struct retrieval **rp)
{
	struct retrieval *r = *rp;
	*rp = NULL;
	if (!r)
		return;
	hang_up(r);
	retrieval_config_free(&r->config);
	retrieval_memory_free(&r->memory);
	free(r->state);
	uv_close((uv_handle_t *)&r->timer, timer_closed);
}
