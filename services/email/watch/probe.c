/* SPDX-License-Identifier: Apache-2.0
 * Probe mails: see probe.h. */
#include "services/email/watch/probe.h"

#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"

void probe_send(struct station *s, const struct probe *p)
{
	char *subject = must_format("%s %s", p->title, p->id);
	struct draft_recipient to = { "", p->address, FIELD_TO };
	struct draft d = { .kind = MAIL_PROBE,
		               .subject = subject,
		               .body = p->body,
		               .alarm = "",
		               .recipient = "",
		               .data = p->results,
		               .priority = 255,
		               .to = &to,
		               .count = 1 };
	struct outgoing_account *a = *p->account ? account_by_name(s, p->account) : account_first(s);
	struct store_tx *tx = store_tx_new();
	outbox_add(s, a, p->account, tx, &d, NULL);
	store_commit(s->store, tx, NULL, NULL);
	free(subject);
}

const char *probe_claim(struct station *s, const struct parsed_mail *m, const char *title)
{
	size_t n = strlen(title);
	if (strncmp(m->subject, title, n) != 0 || m->subject[n] != ' ')
		return NULL;
	incoming_judged(s,
	                &(struct incoming_verdict){
	                    .outcome = INCOMING_PROBE, .ours = true, .reason = "The station had sent it to itself." });
	return m->subject + n + 1;
}
