/* SPDX-License-Identifier: Apache-2.0
 * One mail on its way to its message: words, then what others say, then the building. See render.h. */
#include "services/email/content/render.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "services/email/ack/acknowledger.h"
#include "services/email/content/alarm_view.h"
#include "services/email/content/message.h"
#include "services/email/content/thread.h"
#include "services/email/content/trend_ask.h"
#include "station/base/log.h"
#include "station/base/must.h"

enum {
	URGENT = 63,       /* up to 63: life and property are in danger (ASHRAE 135, alarm priorities) */
	SMALL_TEXT = 16384 /* bytes */
};

struct rendering {
	/* Set by message_render. */
	struct station *station;
	uint64_t account;
	struct smtp_message *message; /* owned until done has it */
	message_rendered *done;
	struct letter letter;
	struct message_parts parts; /* texts owned by what follows */
	struct message_address addresses[2 * SMTP_RECIPIENTS_MAX];
	char *texts[4 * SMTP_RECIPIENTS_MAX + 8]; /* owned: copies of what the mail's records say */
	size_t text_count;
	/* What is waited for. */
	struct timer patience;
	int asked;            /* answers that have yet to come */
	bool begun, ended;    /* the work; it goes on without the answers that are late */
	bool alone;           /* no other mail waits for this account */
	bool begins;          /* the conversation */
	char *in_reply_to;    /* owned */
	struct message order; /* to the net thread, which builds, and back */
};

static const char *keep(struct rendering *r, const char *text)
{
	must(r->text_count < ARRAY_SIZE(r->texts));
	return r->texts[r->text_count++] = must_strdup(text ? text : "");
}

static void rendering_free(struct rendering *r)
{
	timer_stop(&r->station->clock, &r->patience);
	for (size_t i = 0; i < r->text_count; i++)
		free(r->texts[i]);
	letter_finish(&r->letter);
	free(r->in_reply_to);
	free(r);
}

/* --- the building: the net thread ------------------------------------------------------------------------------------------- */

static void build(struct rendering *r)
{
	struct message_parts *p = &r->parts;
	unsigned char *picture = r->letter.html ? trend_picture(&r->letter.trend, &p->picture_size) : NULL;
	char *text = letter_text(&r->letter),
	     *html = r->letter.html ? letter_html(&r->letter, picture ? MESSAGE_PICTURE : NULL) : NULL;
	p->subject = r->letter.subject;
	p->body = text;
	p->html = html;
	p->picture = picture;
	p->csv = r->letter.csv;
	p->csv_name = "trend.csv";
	p->in_reply_to = r->in_reply_to;
	r->message->content = message_build(p, &r->message->length);
	free(picture);
	free(text);
	free(html);
}

static void built(struct message *order)
{
	struct rendering *r = container_of(order, struct rendering, order);
	struct component *c = station_by_handle(r->station, r->account);
	r->ended = true;
	if (component_is(c, &email_outgoing_account))
		r->done(COMPONENT_AS(c, &email_outgoing_account, struct outgoing_account), r->message);
	else
		smtp_message_free(&r->message);
	if (r->asked == 0)
		rendering_free(r);
}

static void run_on_net(struct message *order)
{
	struct rendering *r = container_of(order, struct rendering, order);
	build(r);
	r->order.run = built;
	station_post(r->station, &r->order);
}

/* A few lines cost less time than the way to another thread and back; of many mails that thread does its share. */
static bool is_soon_built(const struct rendering *r)
{
	const struct letter *l = &r->letter;
	return r->alone && !l->trend.points && !l->csv && strlen(l->text) < SMALL_TEXT;
}

/* Not on libuv's pool: it wakes the engine by uv_async, and an engine of real-time priority spins there until the worker
 * has run on, for every mail anew. */
static void begin(struct rendering *r)
{
	r->begun = true;
	timer_stop(&r->station->clock, &r->patience);
	if (is_soon_built(r)) {
		build(r);
		built(&r->order);
		return;
	}
	r->order.run = run_on_net;
	net_post(&r->station->net, &r->order);
}

/* --- what others say -------------------------------------------------------------------------------------------------- */

static void out_of_patience(struct timer *t)
{
	begin(container_of(t, struct rendering, patience));
}

/* One answer has come, or will not. */
static void one_less(struct rendering *r)
{
	r->asked--;
	if (r->asked == 0 && !r->begun)
		begin(r);
	else if (r->asked == 0 && r->ended)
		rendering_free(r);
}

static void trend_known(void *context, struct trend *trend, char *csv)
{
	struct rendering *r = context;
	if (r->begun) {
		free(csv);
	} else {
		r->letter.trend = *trend;
		r->letter.csv = csv;
		*trend = (struct trend){ 0 };
	}
	one_less(r);
}

static void thread_found(void *context, char *message_id)
{
	struct rendering *r = context;
	if (r->begun)
		free(message_id);
	else
		r->in_reply_to = message_id;
	one_less(r);
}

/* The mail about a new alarm begins the conversation: there is nothing to ask. */
static void ask_thread(struct rendering *r, const struct outgoing *o)
{
	if (r->begins || o->count == 0 || !*o->mail.alarm || !r->station->store)
		return;
	r->asked++;
	thread_ask(r->station, o, thread_found, r);
}

/* --- what the records say --------------------------------------------------------------------------------------------- */

/* The addresses that stand in a header; Bcc stands in none. */
static size_t header_addresses(struct rendering *r, const struct outgoing *o, enum mail_field field,
                               struct message_address *out)
{
	size_t n = 0;
	for (size_t i = 0; i < o->count && n < SMTP_RECIPIENTS_MAX; i++)
		if (o->deliveries[i].field == (int)field)
			out[n++] = (struct message_address){ keep(r, o->deliveries[i].name), keep(r, o->deliveries[i].address) };
	return n;
}

/* How the mail may be answered: with its token in Message-ID, Reply-To, last line and link (ack/acknowledger.h). */
static void offer_answers(struct rendering *r, const struct outgoing_account *a, const struct outgoing *o,
                          const char *sender)
{
	char token[ACK_TOKEN_LENGTH + 1];
	ack_token_of_mail(r->station, &o->mail, token);
	char *id = ack_message_id(&o->mail, token),
	     *reply = ack_reply_address(r->station, *a->replyTo.address ? a->replyTo.address : sender, token);
	r->parts.message_id = keep(r, id);
	if (strcasecmp(reply, sender) != 0) {
		r->parts.reply_to.address = keep(r, reply);
	} else { /* no field of its own: its name stands with the sender's address */
		r->parts.from.name = r->parts.reply_to.name;
		r->parts.reply_to.address = "";
	}
	r->parts.answers = o->mail.kind == MAIL_CONFIRMATION;
	if (*token) {
		char *link = ack_link_of(r->station, token);
		r->letter.answer.footer = must_format("%s\n[%s]", r->letter.language->phrases[PHRASE_HOW_TO_ANSWER], token);
		if (*link)
			r->letter.answer.url = must_strdup(link);
		free(link);
	}
	explicit_bzero(token, sizeof token);
	free(id);
	free(reply);
}

static void address(struct rendering *r, const struct outgoing_account *a, const struct outgoing *o, const char *sender)
{
	struct message_address *to = r->addresses, *cc = r->addresses + SMTP_RECIPIENTS_MAX;
	r->parts = (struct message_parts){ .from = { "", keep(r, sender) },
		                               .reply_to = { keep(r, a->replyTo.name), keep(r, a->replyTo.address) },
		                               .to = to,
		                               .cc = cc,
		                               .to_count = header_addresses(r, o, FIELD_TO, to),
		                               .cc_count = header_addresses(r, o, FIELD_CC, cc),
		                               .date = o->mail.created.us,
		                               .urgent = (o->mail.kind == MAIL_ALARM || o->mail.kind == MAIL_DIGEST) &&
		                                   o->mail.priority <= URGENT };
}

/* A mail that keeps no alarms, or whose EmailRecipient is gone, says what it said when it was made. */
static void write_as_kept(struct rendering *r, const struct outgoing *o, const struct preferences *p)
{
	r->letter.language = p->language;
	r->letter.subject = must_strdup(o->mail.subject);
	r->letter.text = must_strdup(o->mail.body);
}

/* 0, or a code when it cannot be read. */
static int write_alarm(struct rendering *r, struct outgoing *o, const struct preferences *p)
{
	struct err e = { 0 };
	if (o->view.kind == V_NULL && alarm_view_parse(o->mail.data, &o->view, &e) != 0)
		return e.code;
	r->begins = alarm_is_new(&o->view);
	letter_write(r->station, p, &o->view, &r->letter);
	r->asked++; /* it may answer at once */
	if (!trend_ask(r->station, p, &o->view, trend_known, r))
		r->asked--;
	value_clear(&o->view);
	return 0;
}

/* The words of today, which the ledger keeps from now on. */
static void write_words(struct rendering *r, struct outgoing *o)
{
	struct preferences p;
	bool known = recipient_preferences(r->station, (uint64_t)o->mail.recipient, &p);
	const char *data = o->mail.data;
	int rc = !known || !*data         ? E_NOT_FOUND
	    : o->mail.kind == MAIL_DIGEST ? letter_digest(r->station, &p, data, &r->letter)
	                                  : write_alarm(r, o, &p);
	if (rc != 0 && known && *data)
		log_warn("mail %s keeps alarms that cannot be read; it says what it said when it was made", o->mail.id);
	if (rc != 0) {
		write_as_kept(r, o, &p);
		return;
	}
	ledger_set_text(&o->mail.subject, r->letter.subject);
	ledger_set_text(&o->mail.body, r->letter.text);
}

void message_render(struct outgoing_account *a, struct outgoing *o, const char *sender, struct smtp_message *m,
                    message_rendered *done)
{
	struct rendering *r = must_alloc(sizeof *r);
	*r = (struct rendering){ .station = a->account.c.station,
		                     .account = a->account.c.handle,
		                     .message = m,
		                     .done = done,
		                     .alone = !mail_heap_first(&a->outbox.ready),
		                     .patience.fire = out_of_patience };
	address(r, a, o, sender);
	r->asked = 1; /* ourselves */
	write_words(r, o);
	if (o->mail.kind == MAIL_PROBE && *o->mail.data)
		r->parts.results = keep(r, o->mail.data);
	ask_thread(r, o);
	offer_answers(r, a, o, sender);
	timer_start(&r->station->clock, &r->patience, SECOND_US);
	one_less(r);
}
