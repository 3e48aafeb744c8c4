/* SPDX-License-Identifier: Apache-2.0
 * What S/MIME does to the mails of an account: they are signed with its signingKey. A key that is missing or expired never
 * holds back a mail: it goes without a signature, the ledger says so, and an alarm is raised. Engine thread. */
#include <stdlib.h>

#include "services/email/email_inside.h"
#include "services/email/smime.h"
#include "station/must.h"

static const char condition[] = "signature";

/* The key, taken out of the store once; NULL and a sentence. */
static struct trust_key *signer(struct outgoing_account *a, struct err *e)
{
	if (!a->signer)
		a->signer = trust_key_get(a->account.c.station, a->signingKey, e);
	return a->signer;
}

void protection_forget(struct outgoing_account *a)
{
	trust_key_release(&a->signer);
}

static int sign(struct outgoing_account *a, const char *sender, struct smtp_message *m, struct err *e)
{
	struct smime_text text = { m->content, m->length };
	struct trust_key *key = signer(a, e);
	if (!key || smime_check_signer(key, sender, station_now(a->account.c.station), e) != 0 ||
	    smime_sign(&text, key, e) != 0)
		return e->code;
	m->content = text.bytes;
	m->length = text.length;
	return 0;
}

static void tell(struct outgoing_account *a, int code, const char *text)
{
	struct source_alarm alarm = { &a->account.c, &a->account.alarmSourceInfo, condition, text };
	bool open = alarm_support_in_alarm(a->account.c.station, &a->account.c, condition);
	if (code != 0 && !open)
		alarm_support_offnormal(a->account.c.station, &alarm);
	else if (code == 0 && open)
		alarm_support_normal(a->account.c.station, &alarm);
}

void protection_apply(struct outgoing_account *a, struct outgoing *o, const char *sender, struct smtp_message *m)
{
	struct err e = { 0 };
	if (!*a->signingKey) {
		ledger_set_text(&o->mail.security, "");
		return;
	}
	int code = sign(a, sender, m, &e);
	char *said = code == 0 ? must_format("Signed with %s.", a->signingKey) : must_format("Not signed: %s", e.text);
	ledger_set_text(&o->mail.security, said);
	free(said);
	char *text =
	    code == 0 ? must_strdup("Mails are signed again.") : must_format("Mails go without a signature: %s", e.text);
	tell(a, code, text);
	free(text);
}

void protection_check(const struct outgoing_account *next, const struct outgoing_account *current,
                      struct report *report)
{
	char sender[ADDRESS_SIZE];
	struct err e = { 0 };
	struct station *s = current->account.c.station;
	struct trust_key *key = *next->signingKey ? trust_key_get(s, next->signingKey, &e) : NULL;
	account_sender_address(current, sender, sizeof sender); /* a proposed copy has no authenticator of its own */
	if (mail_address_ok(next->from))
		snprintf(sender, sizeof sender, "%s", next->from);
	if (*next->signingKey && (!key || smime_check_signer(key, sender, station_now(s), &e) != 0))
		report_warning(report, "signingKey", "%s Mails go without a signature as long as that is so.", e.text);
	trust_key_release(&key);
}
