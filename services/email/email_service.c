/* SPDX-License-Identifier: Apache-2.0
 * email:EmailService: the place of accounts and recipients; lets accounts try again when trust has changed; resends.
 * Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "services/email/ack/ack_book.h"
#include "services/email/content/message.h"
#include "services/email/email_inside.h"
#include "services/email/outbox/orphan_rows.h"
#include "station/base/must.h"
#include "station/sheet/audit.h"

struct service {
	struct component c;
	bool enabled;
	int language; /* of language_range */
	char *faultCause;
	int64_t ledgerCapacity, incomingCapacity, ledgerDays;
	struct ledger_trim trims[LEDGERS];
	struct observer observer;
	struct reader *reader; /* owned; while the service runs */
	struct ack_book *acks; /* owned; NULL: not asked for yet */
};

/* --- accounts --------------------------------------------------------------------------------------------------------- */

struct outgoing_account *account_by_name(struct station *s, const char *name)
{
	struct email_account *a = account_find(s, name);
	return a && component_is(&a->c, &email_outgoing_account) ? (struct outgoing_account *)a : NULL;
}

/* The account for recipients that name none: the first one that could send, else the first. */
struct outgoing_account *account_first(struct station *s)
{
	struct component *service = station_service(s, &email_service);
	struct outgoing_account *first = NULL;
	for (struct component *c = service ? service->first : NULL; c; c = c->next) {
		if (!component_is(c, &email_outgoing_account))
			continue;
		struct outgoing_account *a = COMPONENT_AS(c, &email_outgoing_account, struct outgoing_account);
		if (a->account.enabled && (*a->account.hostname || a->transport == TRANSPORT_MAILDIR))
			return a;
		if (!first)
			first = a;
	}
	return first;
}

struct ledger_trim *ledger_trim_of(struct station *s, enum ledger ledger)
{
	struct component *c = station_service(s, &email_service);
	return c && (c->flags & COMPONENT_RUNNING) ? &COMPONENT_AS(c, &email_service, struct service)->trims[ledger] : NULL;
}

struct reader *email_reader(struct station *s)
{
	struct component *c = station_service(s, &email_service);
	return c ? COMPONENT_AS(c, &email_service, struct service)->reader : NULL;
}

struct ack_book *email_ack_book(struct station *s)
{
	struct component *c = station_service(s, &email_service);
	struct service *service = c ? COMPONENT_AS(c, &email_service, struct service) : NULL;
	if (service && !service->acks) /* an alarm may be raised before the service starts */
		service->acks = ack_book_new(s);
	return service ? service->acks : NULL;
}

const struct language *email_language(struct station *s)
{
	struct component *c = station_service(s, &email_service);
	int language = c ? COMPONENT_AS(c, &email_service, struct service)->language : 0;
	return language ? languages[language - 1] : language_english();
}

/* A certificate was approved or imported: what failed may work now. */
static void value_changed(struct observer *o, struct component *c, const struct slot *slot)
{
	struct service *service = container_of(o, struct service, observer);
	if (!component_is(c, &trust_service) || strcmp(slot->name, "generation") != 0)
		return;
	for (struct component *child = service->c.first; child; child = child->next)
		if (account_of(child))
			account_reconfigure(account_of(child));
}

static void component_changed(struct observer *o, struct component *c, const char *what)
{
	(void)o;
	if (strcmp(what, "moved") == 0 && component_is(c, &email_outgoing_account))
		outbox_renamed(COMPONENT_AS(c, &email_outgoing_account, struct outgoing_account));
}

/* --- resending ---------------------------------------------------------------------------------------------------------- */

struct resending {
	struct station *station;
	struct actor actor;
	char id[37], new_id[37];
	struct mail_record mail;
	mail_queued *done;
	void *context;
};

static void resend_end(struct resending *r, int code, const struct err *e)
{
	r->done(r->context, code, e, code == 0 ? r->new_id : NULL);
	record_finish(&mail_kind, &r->mail);
	free(r);
}

static void resend_written(void *context, int code, const struct err *e)
{
	resend_end(context, code, e);
}

static void resend_deliveries(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct resending *r = context;
	struct draft_recipient to[SMTP_RECIPIENTS_MAX];
	size_t count = 0;
	for (size_t i = 0; code == 0 && i < rows->count && count < SMTP_RECIPIENTS_MAX; i++) {
		const struct delivery_record *d = store_row(rows, i);
		if (d->state != MAIL_ACCEPTED && !d->open)
			to[count++] = (struct draft_recipient){ d->name, d->address, (enum mail_field)d->field };
	}
	struct err none;
	if (code != 0 || count == 0) {
		if (code == 0)
			err_set(&none, E_CONFLICT, NULL,
			        "There is nobody to send it to again: every address has it, or is still being tried.");
		resend_end(r, code ? code : none.code, code ? e : &none);
		return;
	}
	struct outgoing_account *a = account_by_name(r->station, r->mail.account);
	const struct delivery_record *first = store_row(rows, 0);
	struct draft d = { .kind = (enum mail_kind_of)r->mail.kind,
		               .subject = r->mail.subject,
		               .body = r->mail.body,
		               .alarm = r->mail.alarm,
		               .recipient = first->recipient,
		               .data = r->mail.data,
		               .recipient_handle = (uint64_t)r->mail.recipient,
		               .priority = r->mail.priority,
		               .encryption = (enum mail_encryption)r->mail.encryption,
		               .to = to,
		               .count = count };
	struct store_tx *tx = store_tx_new();
	outbox_add(r->station, a ? a : account_first(r->station), r->mail.account, tx, &d, r->new_id);
	audit_write(r->station, tx, &r->actor, "resent", r->id, NULL, NULL, r->new_id, NULL);
	store_commit(r->station->store, tx, resend_written, r);
}

static void resend_mail(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct resending *r = context;
	struct err none;
	if (code != 0 || rows->count == 0) {
		if (code == 0)
			err_set(&none, E_NOT_FOUND, NULL, "There is no mail %.40s.", r->id);
		resend_end(r, code ? code : none.code, code ? e : &none);
		return;
	}
	record_finish(&mail_kind, &r->mail);
	record_copy(&mail_kind, &r->mail, store_row(rows, 0));
	struct store_query q = { .kind = &delivery_kind, .limit = SMTP_RECIPIENTS_MAX };
	store_where_add(&q, "mail", STORE_EQ, value_string(r->id));
	store_ask(r->station->store, &q, resend_deliveries, r);
}

void email_resend(struct station *s, const struct actor *actor, const char *id, mail_queued *done, void *context)
{
	struct resending *r = must_alloc(sizeof *r);
	r->station = s;
	r->actor = *actor;
	r->done = done;
	r->context = context;
	record_init(&mail_kind, &r->mail);
	snprintf(r->id, sizeof r->id, "%s", id);
	struct store_query q = { .kind = &mail_kind, .limit = 1 };
	store_where_add(&q, "id", STORE_EQ, value_string(id));
	store_ask(s->store, &q, resend_mail, r);
}

/* --- the type --------------------------------------------------------------------------------------------------------------- */

static void started(struct component *c)
{
	struct service *service = COMPONENT_AS(c, &email_service, struct service);
	component_set_status(c, service->enabled ? STATUS_OK : STATUS_DISABLED);
	message_init();
	service->observer = (struct observer){ .value = value_changed, .component = component_changed };
	station_observe(c->station, &service->observer);
	service->reader = reader_new(c->station);
	orphan_rows_forget(c->station);
	ledger_trim_start(&service->trims[LEDGER_OUTGOING], c->station, LEDGER_OUTGOING, &service->ledgerCapacity,
	                  &service->ledgerDays);
	ledger_trim_start(&service->trims[LEDGER_INCOMING], c->station, LEDGER_INCOMING, &service->incomingCapacity,
	                  &service->ledgerDays);
}

/* The service goes only when the station ends. What is behind its final dot is waited for, for three seconds at most, so
 * that an orderly end sends nothing twice. */
static void end_accounts(struct component *service)
{
	for (struct component *c = service->first; c; c = c->next)
		if (component_is(c, &email_outgoing_account))
			outbox_stop(COMPONENT_AS(c, &email_outgoing_account, struct outgoing_account));
	for (struct component *c = service->first; c; c = c->next)
		while (component_is(c, &email_outgoing_account) &&
		       !outbox_at_rest(COMPONENT_AS(c, &email_outgoing_account, struct outgoing_account)))
			uv_run(&service->station->loop, UV_RUN_ONCE);
}

static void stopped(struct component *c)
{
	struct service *service = COMPONENT_AS(c, &email_service, struct service);
	end_accounts(c);
	for (int i = 0; i < LEDGERS; i++) /* the loop has turned for the last time: nothing starts them again */
		ledger_trim_stop(&service->trims[i]);
	reader_free(&service->reader);
	station_unobserve(c->station, &service->observer);
}

static void changed(struct component *c, const struct slot *slot)
{
	struct service *service = COMPONENT_AS(c, &email_service, struct service);
	if (strcmp(slot->name, "enabled") == 0)
		component_set_status(c, service->enabled ? STATUS_OK : STATUS_DISABLED);
	bool bounds = strncmp(slot->name, "ledger", 6) == 0 || strcmp(slot->name, "incomingCapacity") == 0;
	for (int i = 0; bounds && (c->flags & COMPONENT_RUNNING) && i < LEDGERS; i++)
		ledger_trim_now(&service->trims[i]);
}

static void fini(struct component *c)
{
	ack_book_free(&((struct service *)c)->acks);
}

static const struct slot slots[] = {
	SLOT_AT(struct component, status, "status", STATUS, .flags = SLOT_READONLY | SLOT_TRANSIENT | SLOT_SUMMARY,
	        .doc = "State of the service."),
	SLOT(struct service, faultCause, STRING, .flags = SLOT_READONLY | SLOT_TRANSIENT,
	     .doc = "Why the service is in fault."),
	SLOT(struct service, enabled, BOOLEAN, .dflt = "true",
	     .doc = "Whether alarms are mailed. What is queued already is sent."),
	SLOT(struct service, ledgerCapacity, INTEGER, .dflt = "100000",
	     .facets = FACETS(.min = 100, .max = 10000000, .units = "mails"),
	     .doc = "How many mails the ledger keeps. Beyond it the oldest closed ones go; what is to be sent never does."),
	SLOT(struct service, ledgerDays, INTEGER, .facets = FACETS(.min = 0, .max = 36500, .units = "d"),
	     .doc =
	         "How long the ledger keeps closed mails, and the list of incoming mails its own. 0: as long as there is "
	         "room."),
	SLOT(
	    struct service, incomingCapacity, INTEGER, .dflt = "10000",
	    .facets = FACETS(.min = 100, .max = 1000000, .units = "mails"),
	    .doc =
	        "How many mails the list of incoming mails keeps: who, subject and outcome of each, never its text. Beyond "
	        "it the oldest go."),
	SLOT(struct service, language, ENUM, .dflt = "en",
	     .facets = FACETS(.range = language_range + 1, .called = language_called),
	     .doc = "Language of the mails to recipients who have chosen none."),
	SLOT_END,
};

const struct type email_service = {
	.name = "email:EmailService",
	.doc = "Mail accounts and the people who get alarm mails.",
	.size = sizeof(struct service),
	.base = &baja_component,
	.flags = TYPE_SINGLETON | TYPE_CONTAINER,
	.slots = slots,
	.started = started,
	.stopped = stopped,
	.fini = fini,
	.changed = changed,
};
