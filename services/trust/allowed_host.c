/* SPDX-License-Identifier: Apache-2.0
 * Rows of Allowed Hosts: made when a peer is refused, approved by people, void when the peer's key changes. */
#include "services/trust/allowed_host.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/log.h"
#include "station/base/must.h"

static const struct slot previous_slots[] = {
	SLOT(struct previous_key, fingerprint, STRING, .doc = "SHA-256 of the certificate that was approved."),
	SLOT(struct previous_key, spki, STRING, .doc = "SHA-256 of its public key."),
	SLOT(struct previous_key, subject, STRING, .doc = "Its owner."),
	SLOT(struct previous_key, issuer, STRING, .doc = "Who signed it."),
	SLOT(struct previous_key, notBefore, ABSTIME, .dflt = "null", .doc = "Valid from."),
	SLOT(struct previous_key, notAfter, ABSTIME, .dflt = "null", .doc = "Valid until."),
	SLOT(struct previous_key, keyAlgorithm, STRING, .doc = "Algorithm of its key."),
	SLOT(struct previous_key, keySize, INTEGER, .doc = "Size of its key in bits."),
	SLOT(struct previous_key, approver, STRING, .doc = "Who had approved it."),
	SLOT_END,
};
static const struct slot allowed_host_slots[] = {
	SLOT(struct allowed_host, host, STRING, .flags = SLOT_REQUIRED, .doc = "Name or address, and port: mail.test:465."),
	SLOT(struct allowed_host, approved, BOOLEAN, .doc = "Whether this key of this peer is trusted by approval."),
	SLOT(struct allowed_host, subject, STRING, .doc = "Owner that the certificate names."),
	SLOT(struct allowed_host, issuer, STRING, .doc = "Who signed the certificate."),
	SLOT(struct allowed_host, notBefore, ABSTIME, .dflt = "null", .doc = "Valid from."),
	SLOT(struct allowed_host, notAfter, ABSTIME, .dflt = "null", .doc = "Valid until."),
	SLOT(struct allowed_host, keyAlgorithm, STRING, .doc = "Algorithm of the public key."),
	SLOT(struct allowed_host, keySize, INTEGER, .doc = "Size of the public key in bits."),
	SLOT(struct allowed_host, fingerprint, STRING, .doc = "SHA-256 of the certificate."),
	SLOT(struct allowed_host, spki, STRING, .doc = "SHA-256 of the public key: what an approval holds for."),
	SLOT(struct allowed_host, created, ABSTIME, .dflt = "null", .doc = "When this key was first refused."),
	SLOT(struct allowed_host, approver, STRING, .doc = "Who approved it."),
	SLOT(struct allowed_host, approvedAt, ABSTIME, .dflt = "null", .doc = "When it was approved."),
	SLOT(struct allowed_host, reason, STRING, .doc = "Why it was approved."),
	SLOT(struct allowed_host, expires, ABSTIME, .dflt = "null", .doc = "When the approval ends; never when empty."),
	SLOT(struct allowed_host, cause, STRING, .doc = "Why the certificate was refused."),
	SLOT_STRUCT(struct allowed_host, previous, previous_slots,
	            .doc = "The approved key that the peer had before this one."),
	SLOT(struct allowed_host, pem, STRING, .facets = FACETS(.maxLength = CHAIN_PEM_MAX), .doc = "The chain as sent."),
	SLOT_END,
};
const struct record_kind allowed_host_kind = { "allowed_host",
	                                           "Peers whose certificate was refused, and approvals of them.",
	                                           sizeof(struct allowed_host), allowed_host_slots, false };

/* --- rows as JSON ------------------------------------------------------------------------------------------------- */

static json_t *leaf_json(struct trust_service *t, const struct allowed_host *row)
{
	unsigned count;
	gnutls_x509_crt_t *chain = certificates_parse(row->pem, strlen(row->pem), CHAIN_MAX, &count, NULL);
	if (!chain)
		return json_null();
	json_t *json = certificate_to_json(chain[0], row->host, station_now(t->c.station));
	certificates_free(chain, count);
	return json;
}

static json_t *row_json(struct trust_service *t, const struct allowed_host *row)
{
	json_t *json = record_to_json(&allowed_host_kind, row);
	if (!*row->previous.fingerprint)
		json_object_set_new(json, "previous", json_null());
	json_object_set_new(json, "certificate", leaf_json(t, row));
	return json;
}

json_t *allowed_host_row(struct trust_service *t, const char *host)
{
	const struct allowed_host *row = records_find(&t->hosts, host);
	return row ? row_json(t, row) : NULL;
}

json_t *allowed_host_list(struct trust_service *t)
{
	json_t *items = json_array();
	for (size_t i = 0; i < t->hosts.count; i++)
		json_array_append_new(items, row_json(t, records_at(&t->hosts, i)));
	return items;
}

void allowed_host_judge(json_t *row, struct trust_snapshot *snapshot)
{
	char name[HOST_KEY_MAX];
	host_key_name(json_string_value(json_object_get(row, "host")), name);
	const char *pem = json_string_value(json_object_get(row, "pem"));
	json_object_set_new(row, "needed", json_boolean(!pem || !snapshot_verifies(snapshot, name, pem)));
}

/* --- changes ------------------------------------------------------------------------------------------------------ */

/* One change of one row: refused, approved, unapproved, removed. What a kind does not need stays empty. */
struct host_change {
	struct trust_change change;
	char *host;      /* "name:port" */
	char *text;      /* cause of a refusal, reason of an approval */
	char *chain_pem; /* refused */
	char spki[FINGERPRINT_HEX];
	int64_t expires;         /* approved */
	struct allowed_host row; /* planned; applied after the commit */
};

static void release(struct trust_change *change)
{
	struct host_change *m = container_of(change, struct host_change, change);
	if (m->row.host)
		record_finish(&allowed_host_kind, &m->row);
	free(m->host);
	free(m->text);
	free(m->chain_pem);
	free(m);
}

static void apply(struct trust_service *t, struct trust_change *change)
{
	struct host_change *m = container_of(change, struct host_change, change);
	if (!m->row.host) /* nothing was to do */
		return;
	records_put(&t->hosts, &m->row);
	change->answer = allowed_host_row(t, m->host);
	trust_service_changed(t, false);
	station_event(t->c.station, "allowedHost", change->answer);
}

static struct host_change *change_new(const struct actor *actor, const char *host, trust_done *done, void *context)
{
	struct host_change *m = must_alloc(sizeof *m);
	m->change = (struct trust_change){
		.by_station = !actor, .apply = apply, .release = release, .done = done, .context = context
	};
	if (actor)
		m->change.actor = *actor;
	m->host = must_strdup(host);
	for (char *p = m->host; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return m;
}

static struct allowed_host *find(struct trust_service *t, const struct host_change *m, struct err *e)
{
	struct allowed_host *row = records_find(&t->hosts, m->host);
	if (!row)
		err_set(e, E_NOT_FOUND, NULL,
		        "Allowed Hosts has no row \"%.200s\". Rows are named name:port, as mail.test:465.", m->host);
	return row;
}

/* Keeps next (which borrows its texts) as the planned row, and puts it into the transaction. */
static void put(struct host_change *m, const struct allowed_host *next, struct store_tx *tx)
{
	record_copy(&allowed_host_kind, &m->row, next);
	store_tx_put(tx, &allowed_host_kind, &m->row);
}

static char *no_text(void)
{
	return (char *)(uintptr_t) "";
}

/* --- refused ------------------------------------------------------------------------------------------------------ */

static struct previous_key previous_of(const struct allowed_host *row)
{
	return (struct previous_key){ row->fingerprint, row->spki,         row->subject, row->issuer,  row->notBefore,
		                          row->notAfter,    row->keyAlgorithm, row->keySize, row->approver };
}

/* Whether the row says already what this refusal has found. */
static bool known(const struct trust_service *t, const struct allowed_host *row, const struct host_change *m)
{
	if (!row || strcmp(row->spki, m->spki) != 0)
		return false;
	bool expired = row->expires.us != ABSTIME_NULL && row->expires.us <= station_now(t->c.station);
	if (row->approved)
		return !expired; /* approved while this handshake was failing: the next one works */
	return strcmp(row->cause, m->text) == 0 && strcmp(row->pem, m->chain_pem) == 0;
}

/* A row for a peer with these facts about its certificate. Borrows from facts, m and old. */
static struct allowed_host refused_row(struct trust_service *t, const struct allowed_host *old,
                                       const struct certificate_row *facts, struct host_change *m)
{
	bool same = old && strcmp(old->spki, m->spki) == 0;
	struct allowed_host next = {
		.host = m->host,
		.subject = facts->subject,
		.issuer = facts->issuer,
		.notBefore = facts->notBefore,
		.notAfter = facts->notAfter,
		.keyAlgorithm = facts->keyAlgorithm,
		.keySize = facts->keySize,
		.fingerprint = facts->fingerprints.sha256,
		.spki = m->spki,
		.created = { station_now(t->c.station) },
		.approver = no_text(),
		.approvedAt = { ABSTIME_NULL },
		.reason = no_text(),
		.expires = { ABSTIME_NULL },
		.cause = m->text,
		.pem = m->chain_pem,
		.previous = { .fingerprint = no_text(), .notBefore = { ABSTIME_NULL }, .notAfter = { ABSTIME_NULL } },
	};
	if (same) { /* an approval that has ended stays to be read */
		next.created = old->created;
		next.approver = old->approver;
		next.approvedAt = old->approvedAt;
		next.reason = old->reason;
		next.expires = old->expires;
	}
	if (old)
		next.previous = old->approved && !same ? previous_of(old) : old->previous;
	return next;
}

static int plan_refused(struct trust_service *t, struct trust_change *change, struct store_tx *tx, struct err *e)
{
	struct host_change *m = container_of(change, struct host_change, change);
	struct allowed_host *old = records_find(&t->hosts, m->host);
	if (known(t, old, m))
		return 1;
	if (!old && t->hosts.count >= ALLOWED_HOSTS_MAX)
		return err_set(e, E_TOO_MANY, NULL, "Allowed Hosts is full (%d rows); delete some.", ALLOWED_HOSTS_MAX);
	unsigned count;
	gnutls_x509_crt_t *chain = certificates_parse(m->chain_pem, strlen(m->chain_pem), CHAIN_MAX, &count, e);
	if (!chain)
		return e->code;
	struct certificate_row facts;
	certificate_describe(chain[0], m->host, station_now(t->c.station), &facts);
	struct allowed_host next = refused_row(t, old, &facts, m);
	put(m, &next, tx);
	bool voided = old && old->approved;
	trust_change_audit(t, change, tx, voided ? "approvalVoided" : "refused", m->host, old ? old->spki : NULL, m->spki,
	                   NULL);
	record_finish(&certificate_row_kind, &facts);
	certificates_free(chain, count);
	return 0;
}

static void refusal_done(void *context, int code, const struct err *e, const json_t *answer)
{
	(void)context;
	(void)answer;
	if (code != 0)
		log_error("an Allowed Hosts row could not be written: %s", e->text);
}

void trust_refused(struct station *s, const struct trust_verdict *v)
{
	char host[HOST_KEY_MAX];
	struct trust_service *t = trust_service_of(s);
	if (!t || !v->seen || v->trusted || !v->chain_pem)
		return;
	host_key_make(v->host, v->port, host);
	struct host_change *m = change_new(NULL, host, refusal_done, NULL);
	m->change.plan = plan_refused;
	m->text = must_strdup(v->reason);
	m->chain_pem = must_strdup(v->chain_pem);
	memcpy(m->spki, v->spki, sizeof m->spki);
	trust_change_submit(t, &m->change);
}

/* --- approved, unapproved ----------------------------------------------------------------------------------------- */

static int plan_approve(struct trust_service *t, struct trust_change *change, struct store_tx *tx, struct err *e)
{
	struct host_change *m = container_of(change, struct host_change, change);
	const struct allowed_host *row = find(t, m, e);
	if (!row)
		return e->code;
	if (*m->spki && strcmp(m->spki, row->spki) != 0)
		return err_set(e, E_CONFLICT, "spki",
		               "%.120s shows another key by now than the one you looked at. Look at its certificate again.",
		               m->host);
	struct allowed_host next = *row;
	next.approved = true;
	next.approver = (char *)(uintptr_t)trust_change_actor(change);
	next.approvedAt.us = station_now(t->c.station);
	next.reason = m->text;
	next.expires.us = m->expires;
	next.previous =
	    (struct previous_key){ .fingerprint = no_text(), .notBefore = { ABSTIME_NULL }, .notAfter = { ABSTIME_NULL } };
	put(m, &next, tx);
	trust_change_audit(t, change, tx, "approved", m->host, *row->previous.spki ? row->previous.spki : NULL, row->spki,
	                   m->text);
	return 0;
}

static int check_approval(struct trust_service *t, const char *reason, int64_t expires, struct err *e)
{
	if (!reason[strspn(reason, " \t\r\n")])
		return err_set(e, E_INVALID, "reason",
		               "Say why this certificate is approved; whoever reads the list later has to know.");
	if (strlen(reason) > APPROVAL_REASON_MAX)
		return err_set(e, E_INVALID, "reason", "A reason has at most %d bytes.", APPROVAL_REASON_MAX);
	if (expires != ABSTIME_NULL && expires <= station_now(t->c.station))
		return err_set(e, E_INVALID, "expires",
		               "This time has passed already; an approval ends in the future, or never.");
	return 0;
}

void allowed_host_approve(struct trust_service *t, const struct actor *actor, const char *host, const char *reason,
                          int64_t expires, const char *spki, trust_done *done, void *context)
{
	struct err e = { 0 };
	int code = check_approval(t, reason, expires, &e);
	if (code != 0) {
		done(context, code, &e, NULL);
		return;
	}
	struct host_change *m = change_new(actor, host, done, context);
	m->change.plan = plan_approve;
	m->text = must_strdup(reason);
	m->expires = expires;
	snprintf(m->spki, sizeof m->spki, "%s", spki ? spki : "");
	trust_change_submit(t, &m->change);
}

static int plan_unapprove(struct trust_service *t, struct trust_change *change, struct store_tx *tx, struct err *e)
{
	struct host_change *m = container_of(change, struct host_change, change);
	const struct allowed_host *row = find(t, m, e);
	if (!row)
		return e->code;
	struct allowed_host next = *row;
	next.approved = false;
	put(m, &next, tx);
	trust_change_audit(t, change, tx, "unapproved", m->host, row->spki, NULL, NULL);
	return 0;
}

void allowed_host_unapprove(struct trust_service *t, const struct actor *actor, const char *host, trust_done *done,
                            void *context)
{
	struct host_change *m = change_new(actor, host, done, context);
	m->change.plan = plan_unapprove;
	trust_change_submit(t, &m->change);
}

/* --- removed ------------------------------------------------------------------------------------------------------ */

static int plan_remove(struct trust_service *t, struct trust_change *change, struct store_tx *tx, struct err *e)
{
	struct host_change *m = container_of(change, struct host_change, change);
	const struct allowed_host *row = find(t, m, e);
	if (!row)
		return e->code;
	store_tx_delete(tx, &allowed_host_kind, row);
	trust_change_audit(t, change, tx, "removed", m->host, row->spki, NULL, "{\"store\":\"allowedHosts\"}");
	return 0;
}

static void apply_remove(struct trust_service *t, struct trust_change *change)
{
	struct host_change *m = container_of(change, struct host_change, change);
	records_remove(&t->hosts, m->host);
	trust_service_changed(t, false);
	json_t *gone = json_pack("{s:s, s:b}", "host", m->host, "removed", 1);
	station_event(t->c.station, "allowedHost", gone);
	json_decref(gone);
}

void allowed_host_remove(struct trust_service *t, const struct actor *actor, const char *host, trust_done *done,
                         void *context)
{
	struct host_change *m = change_new(actor, host, done, context);
	m->change.plan = plan_remove;
	m->change.apply = apply_remove;
	trust_change_submit(t, &m->change);
}
