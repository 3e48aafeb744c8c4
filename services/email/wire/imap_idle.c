/* SPDX-License-Identifier: Apache-2.0
 * IDLE (RFC 2177): the connection stays, and the server says when a mail has come. Renewed before servers lose patience;
 * where it does not work, the mailbox is polled instead. See imap_inside.h. */
#include "services/email/wire/imap_inside.h"

#define IDLE_US (INT64_C(28) * 60 * SECOND_US)

static void end_idle(struct retrieval *r)
{
	struct imap *i = imap_of(r);
	if (!i->idling || i->leaving)
		return;
	i->leaving = true;
	uv_timer_stop(&r->timer);
	retrieval_write(r, "DONE", NULL);
	retrieval_expect(r, "answer to IDLE", 0);
}

static void renew(uv_timer_t *timer)
{
	struct retrieval *r = (struct retrieval *)timer->data;
	end_idle(r);
}

static void idle(struct retrieval *r)
{
	imap_of(r)->idling = imap_of(r)->leaving = false;
	imap_send(r, IMAP_IDLE, "IDLE", NULL);
}

void imap_rest(struct retrieval *r)
{
	retrieval_done(r, true);
	if (imap_of(r)->news) {
		imap_search(r);
		return;
	}
	idle(r);
}

void imap_idle_continue(struct retrieval *r)
{
	int64_t us = r->config->idle_limit > 0 ? r->config->idle_limit : IDLE_US;
	imap_of(r)->idling = true;
	line_expect(r->line, 0, NULL);
	r->timer.data = r;
	uv_update_time(r->loop);
	uv_timer_start(&r->timer, renew, (uint64_t)us / 1000, 0);
	if (r->polling || imap_of(r)->news)
		end_idle(r);
}

void imap_idle_data(struct retrieval *r)
{
	if (imap_of(r)->news)
		end_idle(r);
}

void imap_idle_done(struct retrieval *r, const struct imap_response *p)
{
	struct imap *i = imap_of(r);
	char text[300];
	uv_timer_stop(&r->timer);
	if (p->status != IMAP_OK) {
		r->no_idle = true;
		retrieval_said(r, LINE_NOTE, "%s does not IDLE (%s); it is polled instead", line_peer(r->line),
		               retrieval_quote(r, p->text.text, p->text.length, text));
	}
	if (r->polling || i->news) {
		imap_search(r);
	} else if (!r->no_idle) {
		idle(r);
	} else {
		imap_send(r, IMAP_AT_REST, "LOGOUT", NULL);
		retrieval_leave(r);
	}
}

void imap_look_again(struct retrieval *r)
{
	end_idle(r); /* the answer begins the poll */
}
