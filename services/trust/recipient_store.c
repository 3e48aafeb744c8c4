/* SPDX-License-Identifier: Apache-2.0
 * Whom mails can be encrypted for: see recipient_store.h, and trust.h for who asks. */
#include "services/trust/recipient_store.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "services/trust/certificate.h"
#include "services/trust/trust.h"
#include "station/base/must.h"

static const struct slot slots[] = {
	SLOT(struct recipient_certificate, address, STRING, .flags = SLOT_REQUIRED, .doc = "Mail address, in lower case."),
	SLOT(struct recipient_certificate, pem, STRING, .facets = FACETS(.maxLength = CHAIN_PEM_MAX),
	     .doc = "The certificate."),
	SLOT(struct recipient_certificate, fingerprint, STRING, .doc = "SHA-256 of the certificate."),
	SLOT(struct recipient_certificate, importer, STRING, .doc = "Who imported it."),
	SLOT(struct recipient_certificate, created, ABSTIME, .dflt = "null", .doc = "When it was imported."),
	SLOT_END,
};
const struct record_kind recipient_certificate_kind = { "recipient_certificate",
	                                                    "Certificates of people whom mails are encrypted for.",
	                                                    sizeof(struct recipient_certificate), slots, false };

static char *lower_case(const char *text)
{
	char *copy = must_strdup(text);
	for (char *p = copy; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return copy;
}

static const struct recipient_certificate *find(const struct trust_service *t, const char *address)
{
	char *key = lower_case(address);
	const struct recipient_certificate *row = records_find(&t->recipients, key);
	free(key);
	return row;
}

/* --- rows ---------------------------------------------------------------------------------------------------------- */

static json_t *row_json(struct trust_service *t, const struct recipient_certificate *row)
{
	unsigned count;
	gnutls_x509_crt_t *list = certificates_parse(row->pem, strlen(row->pem), 1, &count, NULL);
	if (!list)
		return json_object();
	json_t *json = certificate_to_json(list[0], row->address, station_now(t->c.station));
	certificates_free(list, count);
	return json;
}

json_t *recipient_store_list(struct trust_service *t)
{
	json_t *items = json_array();
	for (size_t i = 0; i < t->recipients.count; i++)
		json_array_append_new(items, row_json(t, records_at(&t->recipients, i)));
	return items;
}

json_t *recipient_store_row(struct trust_service *t, const char *address)
{
	const struct recipient_certificate *row = find(t, address);
	return row ? row_json(t, row) : NULL;
}

const char *trust_recipient_certificate(struct station *s, const char *address, struct err *e)
{
	unsigned count;
	struct trust_service *t = trust_service_of(s);
	const struct recipient_certificate *row = t ? find(t, address) : NULL;
	gnutls_x509_crt_t *list = row ? certificates_parse(row->pem, strlen(row->pem), 1, &count, NULL) : NULL;
	if (!list) {
		err_set(e, E_NOT_FOUND, NULL, "There is no certificate of %.200s to encrypt with.", address);
		return NULL;
	}
	bool expired = certificate_not_after(list[0]) < station_now(s);
	certificates_free(list, count);
	if (!expired)
		return row->pem;
	err_set(e, E_INVALID, NULL, "The certificate of %.200s has expired.", address);
	return NULL;
}

/* --- import -------------------------------------------------------------------------------------------------------- */

struct recipient_change {
	struct trust_change change;
	char *address;
	gnutls_x509_crt_t *list;
	unsigned count;
	struct records rows; /* what will be stored */
	json_t *warnings;
};

static void release(struct trust_change *change)
{
	struct recipient_change *m = container_of(change, struct recipient_change, change);
	if (m->list)
		certificates_free(m->list, m->count);
	records_clear(&m->rows);
	json_decref(m->warnings);
	free(m->address);
	free(m);
}

static void add_row(struct trust_service *t, struct recipient_change *m, const char *address)
{
	char fingerprint[FINGERPRINT_HEX], *key = lower_case(address), *pem = certificate_pem(m->list[0]);
	certificate_fingerprint(m->list[0], fingerprint);
	records_put(&m->rows,
	            &(struct recipient_certificate){ .address = key,
	                                             .pem = pem,
	                                             .fingerprint = fingerprint,
	                                             .importer = (char *)(uintptr_t)trust_change_actor(&m->change),
	                                             .created = { station_now(t->c.station) } });
	free(key);
	free(pem);
}

/* The addresses that it is made out to. */
static void add_named(struct trust_service *t, struct recipient_change *m)
{
	for (unsigned i = 0; i < 100; i++) {
		char name[512];
		size_t size = sizeof name - 1;
		int kind = gnutls_x509_crt_get_subject_alt_name(m->list[0], i, name, &size, NULL);
		if (kind == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			return;
		char *clean = kind == GNUTLS_SAN_RFC822NAME ? certificate_clean_text(name, size, 254) : NULL;
		if (clean && strchr(clean, '@') && !strchr(clean, '/'))
			add_row(t, m, clean);
		free(clean);
	}
}

static int check_key(gnutls_x509_crt_t crt, struct err *e)
{
	unsigned bits = 0, usage = 0, critical;
	int algorithm = gnutls_x509_crt_get_pk_algorithm(crt, &bits);
	unsigned wanted = algorithm == GNUTLS_PK_RSA ? GNUTLS_KEY_KEY_ENCIPHERMENT : GNUTLS_KEY_KEY_AGREEMENT;
	if ((algorithm != GNUTLS_PK_RSA || bits < 2048 || bits > 8192) && algorithm != GNUTLS_PK_ECDSA)
		return err_set(e, E_INVALID, "pem",
		               "Mails are encrypted for RSA keys of 2048 to 8192 bits and for EC keys only.");
	if (gnutls_x509_crt_get_key_usage(crt, &usage, &critical) == 0 && !(usage & wanted))
		return err_set(e, E_INVALID, "pem", "This certificate is not made for encryption: its key usage says so.");
	return 0;
}

static void warn(struct recipient_change *m, const char *detail)
{
	json_array_append_new(m->warnings, json_pack("{s:s, s:s}", "pointer", "/pem", "detail", detail));
}

static int plan_import(struct trust_service *t, struct trust_change *change, struct store_tx *tx, struct err *e)
{
	struct recipient_change *m = container_of(change, struct recipient_change, change);
	if (*m->address)
		add_row(t, m, m->address);
	else
		add_named(t, m);
	if (m->rows.count == 0)
		return err_set(e, E_INVALID, "address", "The certificate names no mail address: say whose it is.");
	if (t->recipients.count + m->rows.count > RECIPIENTS_MAX)
		return err_set(e, E_TOO_LARGE, "pem", "At most %d certificates of recipients are kept.", RECIPIENTS_MAX);
	if (certificate_not_after(m->list[0]) < station_now(t->c.station))
		warn(m, "The certificate has expired: nothing is encrypted with it.");
	if (gnutls_x509_crt_check_key_purpose(m->list[0], GNUTLS_KP_EMAIL_PROTECTION, 0) == 0)
		warn(m, "The certificate is not made for mail: a mail program may not open what is encrypted with it.");
	for (size_t i = 0; i < m->rows.count; i++) {
		const struct recipient_certificate *row = records_at(&m->rows, i), *old = find(t, row->address);
		store_tx_put(tx, &recipient_certificate_kind, row);
		trust_change_audit(t, change, tx, old ? "changed" : "added", row->address, old ? old->fingerprint : NULL,
		                   row->fingerprint, "{\"store\":\"recipients\"}");
	}
	return 0;
}

static void apply_import(struct trust_service *t, struct trust_change *change)
{
	struct recipient_change *m = container_of(change, struct recipient_change, change);
	json_t *items = json_array();
	for (size_t i = 0; i < m->rows.count; i++) {
		records_put(&t->recipients, records_at(&m->rows, i));
		json_array_append_new(items, row_json(t, records_at(&m->rows, i)));
	}
	change->answer = json_deep_copy(json_array_get(items, 0));
	json_object_set_new(change->answer, "items", items);
	json_object_set(change->answer, "warnings", m->warnings);
	trust_service_changed(t, false);
}

static struct recipient_change *change_new(const struct actor *actor, const char *address, trust_done *done,
                                           void *context)
{
	struct recipient_change *m = must_alloc(sizeof *m);
	m->change = (struct trust_change){ .actor = *actor, .release = release, .done = done, .context = context };
	m->address = lower_case(address);
	m->rows.kind = &recipient_certificate_kind;
	m->warnings = json_array();
	return m;
}

static int parse(struct recipient_change *m, const char *pem, size_t length, struct err *e)
{
	if (*m->address && (!strchr(m->address, '@') || strchr(m->address, '/') || strlen(m->address) > 254))
		return err_set(e, E_INVALID, "address", "A mail address is expected here, as anna@example.com.");
	if (memmem(pem, length, "PRIVATE KEY-----", 16))
		return err_set(e, E_INVALID, "pem",
		               "This text contains a private key. Nothing was stored; keep the key secret.");
	m->list = certificates_parse(pem, length, CHAIN_MAX, &m->count, e);
	return m->list ? check_key(m->list[0], e) : e->code;
}

void recipient_store_import(struct trust_service *t, const struct actor *actor, const char *address, const char *pem,
                            size_t length, trust_done *done, void *context)
{
	struct err e = { 0 };
	struct recipient_change *m = change_new(actor, address, done, context);
	m->change.plan = plan_import;
	m->change.apply = apply_import;
	int code = parse(m, pem, length, &e);
	if (code == 0) {
		trust_change_submit(t, &m->change);
		return;
	}
	done(context, code, &e, NULL);
	release(&m->change);
}

/* --- removal ------------------------------------------------------------------------------------------------------- */

static int plan_removal(struct trust_service *t, struct trust_change *change, struct store_tx *tx, struct err *e)
{
	struct recipient_change *m = container_of(change, struct recipient_change, change);
	const struct recipient_certificate *row = find(t, m->address);
	if (!row)
		return err_set(e, E_NOT_FOUND, NULL, "There is no certificate of %.200s.", m->address);
	store_tx_delete(tx, &recipient_certificate_kind, row);
	trust_change_audit(t, change, tx, "removed", m->address, row->fingerprint, NULL, "{\"store\":\"recipients\"}");
	return 0;
}

static void apply_removal(struct trust_service *t, struct trust_change *change)
{
	records_remove(&t->recipients, container_of(change, struct recipient_change, change)->address);
	trust_service_changed(t, false);
}

void recipient_store_remove(struct trust_service *t, const struct actor *actor, const char *address, trust_done *done,
                            void *context)
{
	struct recipient_change *m = change_new(actor, address, done, context);
	m->change.plan = plan_removal;
	m->change.apply = apply_removal;
	trust_change_submit(t, &m->change);
}
