/* SPDX-License-Identifier: Apache-2.0
 * A mail retrieval for tests, on a loop of its own, against scripted peers; and what it reports, kept. */
#ifndef BELFRY_TESTS_MAILBOX_CLIENT_H
#define BELFRY_TESTS_MAILBOX_CLIENT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>
#include <sys/stat.h>

#include "services/email/wire/retrieval.h"
#include "tests/unit/dialogue_fixture.h"

struct client {
	uv_loop_t loop;
	uv_timer_t limit;
	bool late;
	struct retrieval *retrieval;
	struct retrieved *mails[600]; /* owned */
	int mail_count, polled_count, down_count;
	enum disposition disposition;                         /* the answer to every mail */
	bool hold;                                            /* the test settles */
	struct retrieval_failure failure;                     /* the last one; its verdict is not kept */
	struct retrieval_summary summary;                     /* the last one; only its numbers */
	char *seen, *confirmed, *gone, *trouble, *transcript; /* owned */
};

static inline void client_add(char **text, const char *more)
{
	char *longer = must_format("%s%s%s", *text, **text ? " " : "", more);
	free(*text);
	*text = longer;
}

static inline void client_mail(void *context, struct retrieved *m)
{
	struct client *c = context;
	must(c->mail_count < 600);
	c->mails[c->mail_count++] = m;
	if (!c->hold)
		retrieval_settle(c->retrieval, m->uid, c->disposition);
}

static inline void client_confirmed(void *context, const char *uid)
{
	client_add(&((struct client *)context)->confirmed, uid);
}

static inline void client_polled(void *context, const struct retrieval_summary *s)
{
	struct client *c = context;
	c->summary = *s;
	free(c->seen);
	free(c->trouble);
	c->seen = s->seen ? uid_set_print(s->seen) : must_strdup("");
	c->trouble = must_strdup(s->trouble);
	for (size_t i = 0; i < s->gone_count; i++)
		client_add(&c->gone, s->gone[i]);
	c->polled_count++;
}

static inline void client_down(void *context, const struct retrieval_failure *f)
{
	struct client *c = context;
	c->failure = *f;
	c->down_count++;
}

static inline void client_said(void *context, enum line_direction direction, const char *text)
{
	struct client *c = context;
	char *longer = must_format("%s%c%s\n", c->transcript, "><-"[direction], text);
	free(c->transcript);
	c->transcript = longer;
}

static const struct retrieval_events client_events = { client_mail, client_confirmed, client_polled, client_down,
	                                                   client_said };

static inline void client_late(uv_timer_t *timer)
{
	container_of(timer, struct client, limit)->late = true;
}

/* Texts are borrowed: "1:5" and such; NULL: nothing is known. */
static inline struct retrieval_memory *memory_of(uint32_t validity, const char *seen)
{
	struct retrieval_memory *m = must_alloc(sizeof *m);
	m->uid_validity = validity;
	if (seen)
		must(uid_set_parse(&m->seen, seen));
	return m;
}

static inline void memory_due(struct retrieval_memory *m, const char *uid, enum disposition d)
{
	m->due = must_realloc(m->due, (m->due_count + 1) * sizeof *m->due);
	m->due[m->due_count++] = (struct retrieval_due){ must_strdup(uid), d };
}

static inline void memory_uidl(struct retrieval_memory *m, const char *uidl)
{
	m->uidls = must_realloc(m->uidls, (m->uidl_count + 1) * sizeof *m->uidls);
	m->uidls[m->uidl_count++] = must_strdup(uidl);
}

/* A script that begins with a greeting, as it goes with that security. Owned. */
static inline char *script_in(enum mail_security security, enum retrieval_protocol protocol, const char *script)
{
	static const char imap[] =
	    ">* OK ready\n<#CAPABILITY\n>* CAPABILITY IMAP4rev1 STARTTLS\n># OK\n<#STARTTLS\n># OK go\ntls\n"
	    "<#CAPABILITY\n>* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN IDLE UIDPLUS\n># OK\n";
	static const char pop3[] = "<CAPA\n>+OK\n>STLS\n>.\n<STLS\n>+OK go\ntls\n";
	int greeting = (int)strcspn(script, "\n") + 1;
	if (security == SECURITY_NONE)
		return must_strdup(script);
	if (security == SECURITY_TLS)
		return must_format("tls\n%s", script);
	return protocol == RETRIEVAL_IMAP ? must_format("%s%s", imap, script + greeting)
	                                  : must_format("%.*s%s%s", greeting, script, pop3, script + greeting);
}

static inline struct retrieval_config *config_for(const struct fixture *f, const struct peer *p,
                                                  enum retrieval_protocol protocol, enum mail_security security)
{
	struct retrieval_config *c = must_alloc(sizeof *c);
	snprintf(c->server.host, sizeof c->server.host, "127.0.0.1");
	c->protocol = protocol;
	c->server.port = p->port;
	c->server.security = security;
	c->server.least = TLS_V1_2;
	c->server.trust = trust_retain(f->trust);
	c->server.login = (struct sasl_login){ .kind = SASL_PASSWORD,
		                                   .user = must_strdup("alice"),
		                                   .secret = secret_seal(f->keyring, SECRET, strlen(SECRET)) };
	c->server.keyring = f->keyring;
	c->server.allow_clear_text = security == SECURITY_NONE;
	c->unread_only = true;
	c->size_limit = 1000000;
	c->poll_bytes = 10000000;
	c->server.timeout = 30 * SECOND_US;
	c->command_timeout = 30 * SECOND_US;
	c->dialogue = true;
	return c;
}

static inline void client_open(struct client *c, struct retrieval_config *config)
{
	*c = (struct client){ .seen = must_strdup(""),
		                  .confirmed = must_strdup(""),
		                  .gone = must_strdup(""),
		                  .trouble = must_strdup(""),
		                  .transcript = must_strdup("") };
	must(uv_loop_init(&c->loop) == 0 && uv_timer_init(&c->loop, &c->limit) == 0);
	c->retrieval = retrieval_new(&c->loop, &client_events, c);
	retrieval_configure(c->retrieval, config);
}

static inline int client_count(const struct client *c, char what)
{
	return what == 'm' ? c->mail_count
	    : what == 'p'  ? c->polled_count
	    : what == 'f'  ? c->down_count
	                   : c->polled_count + c->down_count;
}

/* Turns the loop until so many mails ('m'), polls ('p'), failures ('f'), or either of both ('e') are there. */
static inline void client_until(struct client *c, char what, int count)
{
	c->late = false;
	uv_timer_start(&c->limit, client_late, 60000, 0);
	while (client_count(c, what) < count && !c->late)
		uv_run(&c->loop, UV_RUN_ONCE);
	uv_timer_stop(&c->limit);
	if (c->late)
		fail_msg("waited in vain for %d of '%c'; the dialogue was:\n%s", count, what, c->transcript);
}

/* Turns the loop until the transcript holds this text. */
static inline void client_until_said(struct client *c, const char *text)
{
	c->late = false;
	uv_timer_start(&c->limit, client_late, 60000, 0);
	while (!strstr(c->transcript, text) && !c->late)
		uv_run(&c->loop, UV_RUN_ONCE);
	uv_timer_stop(&c->limit);
	if (c->late)
		fail_msg("waited in vain for \"%s\"; the dialogue was:\n%s", text, c->transcript);
}

static inline void client_close(struct client *c)
{
	retrieval_free(&c->retrieval);
	uv_close((uv_handle_t *)&c->limit, NULL);
	must(uv_run(&c->loop, UV_RUN_DEFAULT) == 0 && uv_loop_close(&c->loop) == 0);
	for (int i = 0; i < c->mail_count; i++)
		retrieved_free(&c->mails[i]);
	free(c->seen);
	free(c->confirmed);
	free(c->gone);
	free(c->trouble);
	free(c->transcript);
}

/* No secret of the login is in what people may see. */
static inline void no_secret_shown(const struct client *c)
{
	static const char *const forms[] = { SECRET, PLAIN_SECRET, B64_SECRET };
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		assert_null(strstr(c->transcript, forms[i]));
		assert_null(strstr(c->failure.err.text, forms[i]));
	}
}

/* Ends both; the script must have gone as written. */
static inline void finish(struct client *c, struct peer *p)
{
	client_close(c);
	peer_stop(p);
	if (*p->wrong)
		fail_msg("%s", p->wrong);
}

#endif
