/* SPDX-License-Identifier: Apache-2.0
 * Importing into and removing from the User Trust Store. A private key that was pasted by mistake is never stored, and
 * the answer says so: whoever pasted it has to know that it has been shown to a form. */
#include "services/trust/user_store.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "services/trust/inquiry.h"
#include "station/base/must.h"

static const struct slot user_certificate_slots[] = {
	SLOT(struct user_certificate, alias, STRING, .flags = SLOT_REQUIRED, .doc = "Name within the User Trust Store."),
	SLOT(struct user_certificate, pem, STRING, .facets = FACETS(.maxLength = CHAIN_PEM_MAX), .doc = "The certificate."),
	SLOT(struct user_certificate, fingerprint, STRING, .doc = "SHA-256 of the certificate."),
	SLOT(struct user_certificate, importer, STRING, .doc = "Who imported it."),
	SLOT(struct user_certificate, created, ABSTIME, .dflt = "null", .doc = "When it was imported."),
	SLOT_END,
};
const struct record_kind user_certificate_kind = { "certificate", "Certificates of the User Trust Store.",
	                                               sizeof(struct user_certificate), user_certificate_slots, false };

static json_t *row_json(struct trust_service *t, const struct user_certificate *row)
{
	unsigned count;
	gnutls_x509_crt_t *list = certificates_parse(row->pem, strlen(row->pem), 1, &count, NULL);
	if (!list)
		return NULL;
	json_t *json = certificate_to_json(list[0], row->alias, station_now(t->c.station));
	certificates_free(list, count);
	return json;
}

json_t *user_store_list(struct trust_service *t)
{
	json_t *items = json_array();
	for (size_t i = 0; i < t->certificates.count; i++) {
		json_t *row = row_json(t, records_at(&t->certificates, i));
		if (row)
			json_array_append_new(items, row);
	}
	return items;
}

json_t *user_store_row(struct trust_service *t, const char *alias)
{
	const struct user_certificate *row = records_find(&t->certificates, alias);
	return row ? row_json(t, row) : NULL;
}

char *alias_from(gnutls_x509_crt_t crt)
{
	char *alias = certificate_name(crt, false);
	for (char *p = alias; *p; p++)
		if ((unsigned char)*p < 0x80 && !isalnum((unsigned char)*p) && *p != '.' && *p != '-')
			*p = '_';
	if (*alias)
		return alias;
	free(alias);
	return must_strdup("certificate");
}

/* --- import ------------------------------------------------------------------------------------------------------- */

struct import {
	struct trust_change change;
	char *alias; /* "": from the subject */
	gnutls_x509_crt_t *list;
	unsigned count;
	struct records rows; /* what will be stored */
	json_t *warnings;
};

static void warn(struct import *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void warn(struct import *m, const char *format, ...)
{
	char text[400];
	va_list ap;
	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	json_array_append_new(m->warnings, json_pack("{s:s, s:s}", "pointer", "/pem", "detail", text));
}

static const struct user_certificate *find_fingerprint(const struct records *r, const char *fingerprint)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct user_certificate *row = records_at(r, i);
		if (strcmp(row->fingerprint, fingerprint) == 0)
			return row;
	}
	return NULL;
}

/* The alias of the i-th certificate. A given one replaces what has it (as Niagara's import updates); a made one is free. */
static char *choose_alias(struct trust_service *t, struct import *m, unsigned i)
{
	if (*m->alias && i == 0)
		return must_strdup(m->alias);
	char *base = *m->alias ? must_strdup(m->alias) : alias_from(m->list[i]), *alias = must_strdup(base);
	for (unsigned n = 2; records_find(&t->certificates, alias) || records_find(&m->rows, alias); n++) {
		free(alias);
		alias = must_format("%s-%u", base, n);
	}
	free(base);
	return alias;
}

static void say_warnings(struct trust_service *t, struct import *m, gnutls_x509_crt_t crt, const char *alias)
{
	char day[24];
	int64_t now = station_now(t->c.station), until = certificate_not_after(crt), from = certificate_not_before(crt);
	if (now > until)
		warn(m, "%s expired on %s: it makes nothing trusted.", alias, certificate_date(until, day));
	else if (now < from)
		warn(m, "%s is not valid before %s.", alias, certificate_date(from, day));
	if (!certificate_is_ca(crt))
		warn(m, "%s is not a CA: it makes only itself trusted, not certificates that it signed.", alias);
}

static void plan_one(struct trust_service *t, struct import *m, unsigned i)
{
	char fingerprint[FINGERPRINT_HEX];
	certificate_fingerprint(m->list[i], fingerprint);
	const struct user_certificate *same = find_fingerprint(&t->certificates, fingerprint);
	if (same || find_fingerprint(&m->rows, fingerprint)) {
		warn(m, "Certificate %u is in the User Trust Store already%s%s.", i + 1, same ? " as " : "",
		     same ? same->alias : "");
		return;
	}
	char *alias = choose_alias(t, m, i), *pem = certificate_pem(m->list[i]);
	records_put(&m->rows,
	            &(struct user_certificate){ .alias = alias,
	                                        .pem = pem,
	                                        .fingerprint = fingerprint,
	                                        .importer = (char *)(uintptr_t)trust_change_actor(&m->change),
	                                        .created = { station_now(t->c.station) } });
	say_warnings(t, m, m->list[i], alias);
	free(alias);
	free(pem);
}

static void write_row(struct trust_service *t, struct import *m, const struct user_certificate *row,
                      struct store_tx *tx)
{
	const struct user_certificate *old = records_find(&t->certificates, row->alias);
	store_tx_put(tx, &user_certificate_kind, row);
	trust_change_audit(t, &m->change, tx, old ? "changed" : "added", row->alias, old ? old->fingerprint : NULL,
	                   row->fingerprint, "{\"store\":\"userTrustStore\"}");
}

static int plan_import(struct trust_service *t, struct trust_change *change, struct store_tx *tx, struct err *e)
{
	struct import *m = container_of(change, struct import, change);
	for (unsigned i = 0; i < m->count; i++)
		plan_one(t, m, i);
	if (m->rows.count == 0) {
		char fingerprint[FINGERPRINT_HEX];
		certificate_fingerprint(m->list[0], fingerprint);
		const struct user_certificate *same = find_fingerprint(&t->certificates, fingerprint);
		return err_set(e, E_CONFLICT, "pem", "This certificate is in the User Trust Store already, as \"%s\".",
		               same ? same->alias : "?");
	}
	if (t->certificates.count + m->rows.count > USER_CERTIFICATES_MAX)
		return err_set(e, E_TOO_LARGE, "pem", "The User Trust Store holds at most %d certificates.",
		               USER_CERTIFICATES_MAX);
	for (size_t i = 0; i < m->rows.count; i++)
		write_row(t, m, records_at(&m->rows, i), tx);
	return 0;
}

static void apply_import(struct trust_service *t, struct trust_change *change)
{
	struct import *m = container_of(change, struct import, change);
	json_t *items = json_array();
	for (size_t i = 0; i < m->rows.count; i++) {
		const struct user_certificate *row = records_at(&m->rows, i);
		records_put(&t->certificates, row);
		json_array_append_new(items, row_json(t, row));
	}
	change->answer = json_deep_copy(json_array_get(items, 0));
	json_object_set_new(change->answer, "items", items);
	json_object_set(change->answer, "warnings", m->warnings);
	trust_service_changed(t, true);
	inquire_superfluous(t);
}

static void release_import(struct trust_change *change)
{
	struct import *m = container_of(change, struct import, change);
	if (m->list)
		certificates_free(m->list, m->count);
	records_clear(&m->rows);
	json_decref(m->warnings);
	free(m->alias);
	free(m);
}

static int parse(struct import *m, const char *pem, size_t length, struct err *e)
{
	if (memmem(pem, length, "PRIVATE KEY-----", 16))
		return err_set(e, E_INVALID, "pem",
		               "This text contains a private key. Nothing was stored. The trust store takes certificates "
		               "only; keep the key secret, and replace it if others may have seen it.");
	m->list = certificates_parse(pem, length, IMPORT_MAX, &m->count, e);
	return m->list ? 0 : e->code;
}

void user_store_import(struct trust_service *t, const struct actor *actor, const char *alias, const char *pem,
                       size_t length, trust_done *done, void *context)
{
	struct err e = { 0 };
	struct import *m = must_alloc(sizeof *m);
	m->change = (struct trust_change){ .actor = *actor,
		                               .plan = plan_import,
		                               .apply = apply_import,
		                               .release = release_import,
		                               .done = done,
		                               .context = context };
	m->alias = must_strdup(alias ? alias : "");
	m->rows.kind = &user_certificate_kind;
	m->warnings = json_array();
	int code = alias_check(m->alias, &e);
	if (code == 0)
		code = parse(m, pem, length, &e);
	if (code == 0) {
		trust_change_submit(t, &m->change);
		return;
	}
	done(context, code, &e, NULL);
	release_import(&m->change);
}

/* --- removal ------------------------------------------------------------------------------------------------------ */

struct removal {
	struct trust_change change;
	char *alias;
};

static int plan_removal(struct trust_service *t, struct trust_change *change, struct store_tx *tx, struct err *e)
{
	struct removal *m = container_of(change, struct removal, change);
	const struct user_certificate *row = records_find(&t->certificates, m->alias);
	if (!row)
		return err_set(e, E_NOT_FOUND, NULL, "The User Trust Store holds no certificate \"%.100s\".", m->alias);
	store_tx_delete(tx, &user_certificate_kind, row);
	trust_change_audit(t, change, tx, "removed", m->alias, row->fingerprint, NULL, "{\"store\":\"userTrustStore\"}");
	return 0;
}

static void apply_removal(struct trust_service *t, struct trust_change *change)
{
	records_remove(&t->certificates, container_of(change, struct removal, change)->alias);
	trust_service_changed(t, true);
}

static void release_removal(struct trust_change *change)
{
	struct removal *m = container_of(change, struct removal, change);
	free(m->alias);
	free(m);
}

void user_store_remove(struct trust_service *t, const struct actor *actor, const char *alias, trust_done *done,
                       void *context)
{
	struct removal *m = must_alloc(sizeof *m);
	m->change = (struct trust_change){ .actor = *actor,
		                               .plan = plan_removal,
		                               .apply = apply_removal,
		                               .release = release_removal,
		                               .done = done,
		                               .context = context };
	m->alias = must_strdup(alias);
	trust_change_submit(t, &m->change);
}
