/* SPDX-License-Identifier: Apache-2.0
 * The rows of the User Key Store, and the keys that connections and mails take out of it: see key_store.h and trust.h.
 * Changes are in key_change.c. */
#include "services/trust/key_store.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "services/trust/key_pair.h"
#include "services/trust/key_use.h"
#include "services/trust/trust.h"
#include "station/base/must.h"

static const struct slot key_entry_slots[] = {
	SLOT(struct key_entry, alias, STRING, .flags = SLOT_REQUIRED, .doc = "Name within the User Key Store."),
	SLOT(struct key_entry, chain, STRING, .facets = FACETS(.maxLength = CHAIN_PEM_MAX),
	     .doc = "The certificate, and those that it leads to, as PEM."),
	SLOT(struct key_entry, privateKey, SECRET, .doc = "The private key (PKCS#8), sealed."),
	SLOT(struct key_entry, password, SECRET, .doc = "Password of exports that name none, sealed."),
	SLOT(struct key_entry, fingerprint, STRING, .doc = "SHA-256 of the certificate."),
	SLOT(struct key_entry, spki, STRING, .doc = "SHA-256 of the public key."),
	SLOT(struct key_entry, creator, STRING, .doc = "Who made or imported it."),
	SLOT(struct key_entry, created, ABSTIME, .dflt = "null", .doc = "When the key was made or imported."),
	SLOT_END,
};
const struct record_kind key_entry_kind = { "key_entry", "The User Key Store: certificates with their private keys.",
	                                        sizeof(struct key_entry), key_entry_slots, false };

/* --- rows --------------------------------------------------------------------------------------------------------- */

/* Who uses it; null: nobody. */
static json_t *use_json(struct trust_service *t, const char *alias)
{
	struct key_use use;
	if (!key_use_find(t, alias, NULL, &use))
		return json_null();
	char *who = key_use_print(&use);
	json_t *json = json_string(who);
	free(who);
	return json;
}

static json_t *row_of(struct trust_service *t, const char *alias, const char *pem)
{
	unsigned count;
	gnutls_x509_crt_t *chain = certificates_parse(pem, strlen(pem), CHAIN_MAX, &count, NULL);
	if (!chain)
		return NULL;
	json_t *row = certificate_to_json(chain[0], alias, station_now(t->c.station));
	json_object_set_new(row, "chain", json_string(pem));
	json_object_set_new(row, "chainComplete", json_boolean(certificate_is_self_signed(chain[count - 1])));
	json_object_set_new(row, "usage", key_usage_json(chain[0]));
	json_object_set_new(row, "usedBy", use_json(t, alias));
	certificates_free(chain, count);
	return row;
}

static json_t *entry_row(struct trust_service *t, const struct key_entry *k)
{
	char created[ABSTIME_TEXT_MAX];
	json_t *row = row_of(t, k->alias, k->chain);
	json_object_set_new(row, "creator", json_string(k->creator));
	json_object_set_new(row, "created", json_string(abstime_print(k->created.us, created)));
	return row;
}

json_t *key_store_list(struct trust_service *t)
{
	json_t *items = json_array(), *own = key_store_row(t, DEFAULT_ALIAS);
	if (own)
		json_array_append_new(items, own);
	for (size_t i = 0; i < t->keys.count; i++)
		json_array_append_new(items, entry_row(t, records_at(&t->keys, i)));
	return items;
}

json_t *key_store_row(struct trust_service *t, const char *alias)
{
	if (strcmp(alias, DEFAULT_ALIAS) == 0)
		return trust_own_certificate(t) ? row_of(t, DEFAULT_ALIAS, trust_own_certificate(t)) : NULL;
	const struct key_entry *k = records_find(&t->keys, alias);
	return k ? entry_row(t, k) : NULL;
}

const struct key_entry *key_store_find(struct trust_service *t, const char *alias, struct err *e)
{
	const struct key_entry *k = records_find(&t->keys, alias);
	if (!k && strcmp(alias, DEFAULT_ALIAS) == 0)
		err_set(e, E_CONFLICT, NULL,
		        "\"default\" is the station's own certificate for HTTPS: it can only be looked at. Make another key "
		        "for anything else.");
	else if (!k)
		err_set(e, E_NOT_FOUND, NULL, "The User Key Store holds no key \"%.100s\".", alias);
	return k;
}

/* --- keys in use -------------------------------------------------------------------------------------------------- */

struct trust_key {
	atomic_uint references;
	char *alias;
	struct key_pair pair;
	gnutls_pcert_st *certificates; /* the chain as a handshake sends it */
	gnutls_privkey_t key;
};

static int make_usable(struct trust_key *k, struct err *e)
{
	k->certificates = must_alloc(k->pair.count * sizeof *k->certificates);
	must(gnutls_privkey_init(&k->key) == 0);
	int rc = gnutls_privkey_import_x509(k->key, k->pair.key, 0); /* borrows the pair's key */
	for (unsigned i = 0; i < k->pair.count && rc == 0; i++)
		rc = gnutls_pcert_import_x509(&k->certificates[i], k->pair.chain[i], 0);
	return rc == 0 ? 0 : err_set(e, E_INTERNAL, NULL, "The key cannot be used: %s", gnutls_strerror(rc));
}

static const struct key_entry *find_entry(struct station *s, const char *alias, struct err *e)
{
	struct trust_service *t = trust_service_of(s);
	if (!t)
		err_set(e, E_UNSUPPORTED, NULL, "This station has no TrustService.");
	return t ? key_store_find(t, alias, e) : NULL;
}

int trust_key_check(struct station *s, const char *alias, struct err *e)
{
	return find_entry(s, alias, e) ? 0 : e->code;
}

struct trust_key *trust_key_get(struct station *s, const char *alias, struct err *e)
{
	struct err local;
	e = e ? e : &local;
	const struct key_entry *entry = find_entry(s, alias, e);
	if (!entry)
		return NULL;
	struct trust_key *k = must_alloc(sizeof *k);
	atomic_init(&k->references, 1);
	k->alias = must_strdup(alias);
	if (key_pair_open(entry->chain, entry->privateKey.sealed, s->keyring, &k->pair, e) == 0 && make_usable(k, e) == 0)
		return k;
	err_wrap(e, "Key %.100s", alias);
	trust_key_release(&k);
	return NULL;
}

struct trust_key *trust_key_retain(struct trust_key *k)
{
	atomic_fetch_add(&k->references, 1);
	return k;
}

void trust_key_release(struct trust_key **pointer)
{
	struct trust_key *k = *pointer;
	*pointer = NULL;
	if (!k || atomic_fetch_sub(&k->references, 1) > 1)
		return;
	for (unsigned i = 0; k->certificates && i < k->pair.count; i++)
		gnutls_pcert_deinit(&k->certificates[i]);
	free(k->certificates);
	if (k->key)
		gnutls_privkey_deinit(k->key);
	key_pair_clear(&k->pair);
	free(k->alias);
	free(k);
}

const char *trust_key_alias(const struct trust_key *k)
{
	return k->alias;
}

const gnutls_x509_crt_t *trust_key_chain(const struct trust_key *k, unsigned *count)
{
	*count = k->pair.count;
	return k->pair.chain;
}

gnutls_privkey_t trust_key_private(const struct trust_key *k)
{
	return k->key;
}

gnutls_pcert_st *trust_key_certificates(const struct trust_key *k)
{
	return k->certificates;
}
