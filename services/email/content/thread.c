/* SPDX-License-Identifier: Apache-2.0
 * See thread.h: the oldest mails about the alarm, then who got them. */
#include "services/email/content/thread.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "services/email/ack/acknowledger.h"
#include "station/must.h"

enum { OLDEST = 7 /* mails that are looked at: a query takes so many values, and one more */ };

struct asking {
	struct station *station;
	char **readers; /* owned: addresses of the mail that is about to go */
	size_t reader_count;
	struct {
		char *id, *message_id; /* owned */
		size_t readers;        /* of ours who got it */
	} mails[OLDEST];
	size_t mail_count;
	thread_known *done;
	void *context;
};

static void finish(struct asking *a)
{
	char *found = NULL;
	for (size_t i = 0; i < a->mail_count && !found; i++)
		if (a->mails[i].readers == a->reader_count)
			found = must_strdup(a->mails[i].message_id);
	a->done(a->context, found);
	for (size_t i = 0; i < a->reader_count; i++)
		free(a->readers[i]);
	for (size_t i = 0; i < a->mail_count; i++) {
		free(a->mails[i].id);
		free(a->mails[i].message_id);
	}
	free(a->readers);
	free(a);
}

static bool is_reader(const struct asking *a, const char *address)
{
	for (size_t i = 0; i < a->reader_count; i++)
		if (strcasecmp(a->readers[i], address) == 0)
			return true;
	return false;
}

static void deliveries_known(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct asking *a = context;
	(void)e; /* without an answer the mail stands alone */
	for (size_t i = 0; code == 0 && i < rows->count; i++) {
		const struct delivery_record *d = store_row(rows, i);
		for (size_t k = 0; k < a->mail_count; k++)
			a->mails[k].readers += strcmp(a->mails[k].id, d->mail) == 0 && is_reader(a, d->address);
	}
	finish(a);
}

static void mails_known(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct asking *a = context;
	struct store_query q = { .kind = &delivery_kind, .limit = OLDEST * SMTP_RECIPIENTS_MAX };
	(void)e;
	for (size_t i = 0; code == 0 && i < rows->count; i++) {
		const struct mail_record *m = store_row(rows, i);
		char *token = ack_token_of_mail(a->station, m);
		a->mails[a->mail_count].id = must_strdup(m->id);
		a->mails[a->mail_count++].message_id = ack_message_id(m, token);
		explicit_bzero(token, strlen(token));
		free(token);
		store_where_add(&q, "mail", STORE_EQ, value_string(m->id));
	}
	if (a->mail_count)
		store_ask(a->station->store, &q, deliveries_known, a);
	else
		finish(a);
}

void thread_ask(struct station *s, const struct outgoing *o, thread_known *done, void *context)
{
	struct asking *a = must_alloc(sizeof *a);
	struct store_query q = { .kind = &mail_kind, .order = "sequence", .limit = OLDEST };
	*a = (struct asking){ .station = s, .done = done, .context = context };
	a->readers = must_alloc((o->count + 1) * sizeof *a->readers);
	for (size_t i = 0; i < o->count; i++)
		a->readers[a->reader_count++] = must_strdup(o->deliveries[i].address);
	store_where_add(&q, "alarm", STORE_EQ, value_string(o->mail.alarm));
	store_where_add(&q, "sequence", STORE_LT, value_integer(o->mail.sequence));
	store_ask(s->store, &q, mails_known, a);
}
