/* SPDX-License-Identifier: Apache-2.0
 * Why a mail has not gone yet, in a sentence, and when it goes on: for people who look at the ledger. Engine thread. */
#include <stdlib.h>

#include "services/email/email_inside.h"
#include "station/base/must.h"

/* A monotonic time on the wall clock. */
static int64_t on_the_wall(const struct station *s, int64_t mono)
{
	return station_now(s) + mono - clock_mono(&s->clock);
}

/* Why the account sends nothing now, owned; NULL: it does. *when: microseconds since 1970, if that is known. */
static char *account_waits(const struct outgoing_account *a, const struct mail_record *m, int64_t *when)
{
	const struct station *s = a->account.c.station;
	const struct outbox *b = &a->outbox;
	if (!a->account.enabled)
		return must_format("The account %s is disabled.", a->account.c.name);
	if (a->account.failing) {
		if (b->retry_at > clock_mono(&s->clock))
			*when = on_the_wall(s, b->retry_at);
		return must_format("The account %s is down: %s", a->account.c.name, a->account.lastPollFailureCause);
	}
	if (b->caps.holding && m->priority > a->lifeSafetyPriority) {
		*when = on_the_wall(s, b->caps.frees_at);
		return must_format("The account %s may send no more for the moment (maxSendablePerMinute, maxSendablePerDay).",
		                   a->account.c.name);
	}
	return NULL;
}

void outbox_explain(struct station *s, const struct mail_record *m, const struct delivery_record *d, json_t *json)
{
	const struct outgoing_account *a = account_by_name(s, m->account);
	int64_t when = d->nextAttempt.us;
	char *text = a ? account_waits(a, m, &when)
	               : must_format("There is no outgoing account \"%s\". It goes when there is one "
	                             "of that name.",
	                             m->account);
	if (!text && d->state == MAIL_DEFERRED)
		text = must_format("The server has refused it for now (attempt %lld).", (long long)d->attempts);
	if (!text)
		text = must_strdup("It is its turn soon.");
	json_object_set_new(json, "waitsFor", json_string(text));
	if (when != ABSTIME_NULL) {
		char time[ABSTIME_TEXT_MAX];
		json_object_set_new(json, "nextAttempt", json_string(abstime_print(when, time)));
	}
	free(text);
}
