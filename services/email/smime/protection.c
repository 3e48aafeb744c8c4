/* SPDX-License-Identifier: Apache-2.0
 * What S/MIME does to the mails of an account: they are signed with its signingKey, and encrypted for those whose
 * certificate the TrustService has, when the EmailRecipient wants that. A key that is missing or expired never
 * holds back a mail: it goes without a signature, the ledger says so, and an alarm is raised. Engine thread. */
#include <stdlib.h>

#include "services/email/email_inside.h"
#include "services/email/smime/smime.h"
#include "station/base/must.h"

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

/* Signs when the account does; says what came of it, owned. */
static char *apply_signature(struct outgoing_account *a, const char *sender, struct smtp_message *m)
{
	struct err e = { 0 };
	if (!*a->signingKey)
		return must_strdup("");
	int code = sign(a, sender, m, &e);
	char *text =
	    code == 0 ? must_strdup("Mails are signed again.") : must_format("Mails go without a signature: %s", e.text);
	tell(a, code, text);
	free(text);
	return code == 0 ? must_format("Signed with %s.", a->signingKey) : must_format("Not signed: %s", e.text);
}

/* For all that the mail is still to go to, or for nobody; whom there is no certificate of stands in the sentences. */
static int encrypt(struct station *s, const struct outgoing *o, struct smtp_message *m, struct err *e)
{
	const char *certificates[SMTP_RECIPIENTS_MAX];
	size_t count = 0;
	for (size_t i = 0; i < o->count && count < SMTP_RECIPIENTS_MAX; i++) {
		struct err missing = { 0 };
		const char *pem =
		    o->deliveries[i].open ? trust_recipient_certificate(s, o->deliveries[i].address, &missing) : NULL;
		if (pem)
			certificates[count++] = pem;
		else if (missing.code != 0)
			err_set(e, missing.code, NULL, "%s%s%s", e->text, *e->text ? " " : "", missing.text);
	}
	struct smime_text text = { m->content, m->length };
	if (e->code != 0 || smime_encrypt(&text, certificates, count, e) != 0)
		return e->code;
	m->content = text.bytes;
	m->length = text.length;
	return 0;
}

int protection_apply(struct outgoing_account *a, struct outgoing *o, const char *sender, struct smtp_message *m,
                     struct err *e)
{
	bool wanted = o->mail.encryption != ENCRYPTION_NONE;
	char *signature = apply_signature(a, sender, m);
	int code = wanted ? encrypt(a->account.c.station, o, m, e) : 0;
	char *said = must_format("%s%s%s%s", signature, wanted && *signature ? " " : "",
	                         !wanted         ? ""
	                             : code == 0 ? "Encrypted."
	                                         : "Not encrypted: ",
	                         code == 0 ? "" : e->text);
	ledger_set_text(&o->mail.security, said);
	free(signature);
	free(said);
	return code != 0 && o->mail.encryption == ENCRYPTION_REQUIRE ? code : 0;
}

/* --- mails that must not go ---------------------------------------------------------------------------------------- */

struct refusal {
	struct message message;
	struct station *station;
	uint64_t account;
	struct smtp_message *mail; /* owned */
};

static void run_refusal(struct message *message)
{
	struct refusal *r = container_of(message, struct refusal, message);
	struct component *c = station_by_handle(r->station, r->account);
	if (component_is(c, &email_outgoing_account))
		outbox_done(COMPONENT_AS(c, &email_outgoing_account, struct outgoing_account), r->mail);
	smtp_message_free(&r->mail);
	free(r);
}

void protection_refuse(struct outgoing_account *a, struct smtp_message *m, const struct err *e)
{
	struct refusal *r = must_alloc(sizeof *r);
	*r = (struct refusal){
		.message.run = run_refusal, .station = a->account.c.station, .account = a->account.c.handle, .mail = m
	};
	for (size_t i = 0; i < m->count; i++) {
		struct smtp_recipient *to = &m->recipients[i];
		struct err own = *e; /* what is wrong with all, unless it is this one's certificate */
		trust_recipient_certificate(a->account.c.station, to->address, &own);
		to->outcome = SMTP_REFUSED;
		to->stage = STAGE_CONTENT;
		snprintf(to->text, sizeof to->text, "Encryption is required. %s", own.text);
	}
	station_post(a->account.c.station, &r->message);
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
