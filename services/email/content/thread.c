/* SPDX-License-Identifier: Apache-2.0
 * See thread.h: who got which mail about the alarm, then which of those mails was the first. */
#include "services/email/content/thread.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "services/email/ack/acknowledger.h"
#include "station/base/must.h"

enum {
	DELIVERIES = 1000, /* about one alarm, the first ones */
	MAILS = 64,        /* of those */
	CANDIDATES = 8     /* as many values as a query takes */
};

struct asking {
	struct station *station;
	char *mail; /* owned: id of the mail that is about to go */
	int64_t sequence;
	char **readers; /* owned: its addresses */
	size_t reader_count;
	thread_known *done;
	void *context;
};

static void finish(struct asking *a, char *message_id)
{
	a->done(a->context, message_id);
	for (size_t i = 0; i < a->reader_count; i++)
		free(a->readers[i]);
	free(a->readers);
	free(a->mail);
	free(a);
}

static void first_known(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct asking *a = context;
	const struct mail_record *first = code == 0 && rows->count ? store_row(rows, 0) : NULL;
	char *id = NULL;
	(void)e; /* without an answer the mail stands alone */
	if (first && first->sequence < a->sequence) {
		char token[ACK_TOKEN_LENGTH + 1];
		ack_token_of_mail(a->station, first, token);
		id = ack_message_id(first, token);
		explicit_bzero(token, sizeof token);
	}
	finish(a, id);
}

static bool is_reader(const struct asking *a, const char *address)
{
	for (size_t i = 0; i < a->reader_count; i++)
		if (strcasecmp(a->readers[i], address) == 0)
			return true;
	return false;
}

/* A mail of the alarm, and how many of our readers got it. */
struct told {
	const char *mail; /* borrowed */
	size_t readers;
};

static size_t count_readers(const struct asking *a, const struct store_rows *rows, struct told told[MAILS])
{
	size_t count = 0;
	for (size_t i = 0; i < rows->count; i++) {
		const struct delivery_record *d = store_row(rows, i);
		size_t k = 0;
		if (strcmp(d->mail, a->mail) == 0)
			continue;
		while (k < count && strcmp(told[k].mail, d->mail) != 0)
			k++;
		if (k == MAILS)
			continue;
		if (k == count)
			told[count++] = (struct told){ d->mail, 0 };
		told[k].readers += is_reader(a, d->address);
	}
	return count;
}

static void deliveries_known(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct asking *a = context;
	struct told told[MAILS];
	struct store_query q = { .kind = &mail_kind, .order = "sequence", .limit = 1 };
	size_t count = code == 0 ? count_readers(a, rows, told) : 0;
	(void)e;
	for (size_t i = 0; i < count && q.where_count < CANDIDATES; i++)
		if (told[i].readers == a->reader_count)
			store_where_add(&q, "id", STORE_EQ, value_string(told[i].mail));
	if (q.where_count)
		store_ask(a->station->store, &q, first_known, a);
	else
		finish(a, NULL);
}

void thread_ask(struct station *s, const struct outgoing *o, thread_known *done, void *context)
{
	struct asking *a = must_alloc(sizeof *a);
	struct store_query q = { .kind = &delivery_kind, .order = "time", .limit = DELIVERIES };
	*a = (struct asking){ .station = s, .sequence = o->mail.sequence, .done = done, .context = context };
	a->mail = must_strdup(o->mail.id);
	a->readers = must_alloc((o->count + 1) * sizeof *a->readers);
	for (size_t i = 0; i < o->count; i++)
		a->readers[a->reader_count++] = must_strdup(o->deliveries[i].address);
	store_where_add(&q, "alarm", STORE_EQ, value_string(o->mail.alarm));
	store_ask(s->store, &q, deliveries_known, a);
}
