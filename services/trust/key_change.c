/* SPDX-License-Identifier: Apache-2.0
 * Making, importing, exporting and removing keys: see key_store.h. Each computes on the thread pool with what it was given,
 * and goes through the service's changes afterwards, so that what was computed meets the store as it is then. */
#include <stdlib.h>
#include <string.h>

#include "services/trust/key_pair.h"
#include "services/trust/key_store.h"
#include "services/trust/key_use.h"
#include "services/trust/user_store.h"
#include "station/base/must.h"

static const char store_detail[] = "{\"store\":\"userKeyStore\"}";

struct key_change {
	struct trust_change change;
	uv_work_t work;
	void (*compute)(struct key_change *m); /* on the pool; fills code and err */
	int code;
	struct err err;
	const struct keyring *keyring;
	int64_t now;
	/* What it was given. */
	char *alias, *password;     /* the password in malloc's memory, wiped */
	struct key_request request; /* generate */
	enum key_format format;     /* export */
	char *bytes;                /* import; wiped */
	size_t length;
	/* What was computed, or (csr, export) a copy of the row. privateKey "": a certificate alone. */
	struct key_entry entry;
	char *text, *from_subject; /* PEM; import: an alias made from the subject */
	json_t *warnings;
};

static void wipe(char *text, size_t length)
{
	if (text)
		explicit_bzero(text, length);
	free(text);
}

static void release(struct trust_change *change)
{
	struct key_change *m = container_of(change, struct key_change, change);
	wipe(m->password, m->password ? strlen(m->password) : 0);
	wipe(m->bytes, m->length);
	if (m->request.alias)
		key_request_clear(&m->request);
	record_finish(&key_entry_kind, &m->entry);
	json_decref(m->warnings);
	free(m->alias);
	free(m->text);
	free(m->from_subject);
	free(m);
}

static struct key_change *change_new(struct trust_service *t, const struct actor *actor, const char *alias,
                                     trust_done *done, void *context)
{
	struct key_change *m = must_alloc(sizeof *m);
	m->change = (struct trust_change){ .actor = *actor, .release = release, .done = done, .context = context };
	m->alias = must_strdup(alias);
	m->keyring = t->c.station->keyring;
	m->now = station_now(t->c.station);
	m->warnings = json_array();
	record_init(&key_entry_kind, &m->entry);
	return m;
}

/* --- the pool ----------------------------------------------------------------------------------------------------- */

static void compute(uv_work_t *work)
{
	struct key_change *m = container_of(work, struct key_change, work);
	m->compute(m);
}

static void fail(struct key_change *m, int code, const struct err *e)
{
	m->change.done(m->change.context, code, e, NULL);
	release(&m->change);
}

static void computed(uv_work_t *work, int status)
{
	struct key_change *m = container_of(work, struct key_change, work);
	struct trust_service *t = m->change.service;
	(void)status; /* never cancelled */
	t->jobs--;
	if (m->code != 0)
		fail(m, m->code, &m->err);
	else
		trust_change_submit(t, &m->change);
}

static void begin(struct trust_service *t, struct key_change *m)
{
	m->change.service = t;
	t->jobs++;
	must(uv_queue_work(&t->c.station->loop, &m->work, compute, computed) == 0);
}

/* --- putting ------------------------------------------------------------------------------------------------------ */

static void set_text(char **field, char *taken)
{
	free(*field);
	*field = taken;
}

static void fill_entry(struct key_change *m, const struct key_pair *p)
{
	char fingerprint[FINGERPRINT_HEX], spki[FINGERPRINT_HEX];
	certificate_fingerprint(p->chain[0], fingerprint);
	certificate_spki(p->chain[0], spki);
	m->entry = (struct key_entry){ .alias = must_strdup(m->alias),
		                           .chain = key_pair_chain_pem(p),
		                           .privateKey = { p->key ? key_pair_seal(p, m->keyring) : must_strdup("") },
		                           .password = { must_strdup("") },
		                           .fingerprint = must_strdup(fingerprint),
		                           .spki = must_strdup(spki),
		                           .creator = must_strdup(trust_change_actor(&m->change)),
		                           .created = { m->now } };
}

static int put(struct trust_service *t, struct key_change *m, const struct key_entry *old, struct store_tx *tx,
               struct err *e)
{
	if (!old && t->keys.count >= KEYS_MAX)
		return err_set(e, E_TOO_LARGE, NULL, "The User Key Store holds at most %d keys.", KEYS_MAX);
	store_tx_put(tx, &key_entry_kind, &m->entry);
	trust_change_audit(t, &m->change, tx, old ? "changed" : "added", m->entry.alias, old ? old->fingerprint : NULL,
	                   m->entry.fingerprint, store_detail);
	return 0;
}

static void apply_put(struct trust_service *t, struct trust_change *change)
{
	struct key_change *m = container_of(change, struct key_change, change);
	records_put(&t->keys, &m->entry);
	change->answer = key_store_row(t, m->entry.alias);
	json_object_set(change->answer, "warnings", m->warnings);
	trust_service_changed(t, false);
}

static int in_use(struct err *e, const char *alias)
{
	return err_set(e, E_CONFLICT, "alias",
	               "The User Key Store holds another key \"%.100s\". Choose another alias, or delete that one first.",
	               alias);
}

/* --- generate ----------------------------------------------------------------------------------------------------- */

static void compute_generate(struct key_change *m)
{
	struct key_pair p;
	m->code = key_pair_make(&m->request, m->now, &p, &m->err);
	if (m->code != 0)
		return;
	fill_entry(m, &p);
	set_text(&m->entry.password.sealed, secret_seal(m->keyring, m->request.password, strlen(m->request.password)));
	key_pair_clear(&p);
}

static int plan_generate(struct trust_service *t, struct trust_change *change, struct store_tx *tx, struct err *e)
{
	struct key_change *m = container_of(change, struct key_change, change);
	return key_store_find(t, m->alias, e) ? in_use(e, m->alias) : put(t, m, NULL, tx, e);
}

void key_store_generate(struct trust_service *t, const struct actor *actor, struct key_request *r, trust_done *done,
                        void *context)
{
	struct err e = { 0 };
	struct key_change *m = change_new(t, actor, r->alias, done, context);
	m->request = *r;
	*r = (struct key_request){ 0 };
	m->change.plan = plan_generate;
	m->change.apply = apply_put;
	m->compute = compute_generate;
	if (records_find(&t->keys, m->alias) || strcmp(m->alias, DEFAULT_ALIAS) == 0)
		fail(m, in_use(&e, m->alias), &e); /* before seconds are spent on it */
	else
		begin(t, m);
}

/* --- import ------------------------------------------------------------------------------------------------------- */

static void warn(struct key_change *m, const char *text)
{
	json_array_append_new(m->warnings, json_pack("{s:s, s:s}", "pointer", "/pem", "detail", text));
}

static void find_warnings(struct key_change *m, const struct key_pair *p)
{
	if (certificate_not_after(p->chain[0]) < m->now)
		warn(m, "The certificate has expired.");
	else if (certificate_not_before(p->chain[0]) > m->now)
		warn(m, "The certificate is not valid yet.");
	if (p->count == 1 && !certificate_is_self_signed(p->chain[0]))
		warn(m,
		     "It came without the certificate of its issuer. Peers that do not know the issuer will not trust it; "
		     "import both together then.");
}

static void compute_import(struct key_change *m)
{
	struct key_pair p;
	m->code = key_pair_read(m->bytes, m->length, m->password, &p, &m->err);
	if (m->code != 0)
		return;
	fill_entry(m, &p);
	set_text(&m->entry.password.sealed, secret_seal(m->keyring, m->password, strlen(m->password)));
	m->from_subject = alias_from(p.chain[0]);
	find_warnings(m, &p);
	key_pair_clear(&p);
}

static const struct key_entry *find_by_key(struct trust_service *t, const char *spki)
{
	for (size_t i = 0; i < t->keys.count; i++) {
		const struct key_entry *k = records_at(&t->keys, i);
		if (strcmp(k->spki, spki) == 0)
			return k;
	}
	return NULL;
}

/* The alias, when none was given: of the same key, or a free one. */
static void choose_alias(struct trust_service *t, struct key_change *m)
{
	const struct key_entry *same = find_by_key(t, m->entry.spki);
	set_text(&m->alias, same ? must_strdup(same->alias) : must_strdup(m->from_subject));
	for (unsigned n = 2; !same && (records_find(&t->keys, m->alias) || strcmp(m->alias, DEFAULT_ALIAS) == 0); n++)
		set_text(&m->alias, must_format("%s-%u", m->from_subject, n));
}

/* A server that shows the entry must be able to go on with the new certificate. */
static int check_servers(struct trust_service *t, const struct key_change *m, struct err *e)
{
	struct key_use use;
	if (!key_use_find(t, m->alias, NAMES_SERVER_KEY, &use) || server_key_check(m->entry.chain, m->now, e) == 0)
		return 0;
	char *who = key_use_print(&use);
	snprintf(e->slot, sizeof e->slot, "pem");
	err_wrap(e, "%.150s shows this key to browsers", who);
	free(who);
	return e->code;
}

/* The entry that the import renews: what the new certificate does not bring stays. */
static void keep_old(struct key_change *m, const struct key_entry *old)
{
	set_text(&m->entry.privateKey.sealed, must_strdup(old->privateKey.sealed));
	if (!*m->password)
		set_text(&m->entry.password.sealed, must_strdup(old->password.sealed));
	m->entry.created = old->created;
}

static int plan_import(struct trust_service *t, struct trust_change *change, struct store_tx *tx, struct err *e)
{
	struct key_change *m = container_of(change, struct key_change, change);
	if (!*m->alias)
		choose_alias(t, m);
	if (strcmp(m->alias, DEFAULT_ALIAS) == 0)
		return in_use(e, m->alias);
	const struct key_entry *old = records_find(&t->keys, m->alias);
	bool bare = !*m->entry.privateKey.sealed;
	if (bare && !old)
		return err_set(e, E_INVALID, "pem",
		               "There is no private key in it, and the User Key Store holds none that it belongs to.");
	if (old && strcmp(old->spki, m->entry.spki) != 0)
		return bare ? err_set(e, E_CONFLICT, "pem",
		                      "The certificate belongs to another key than \"%.100s\" holds. Import the one that was "
		                      "signed from the certificate request of this key.",
		                      m->alias)
		            : in_use(e, m->alias);
	if (old && check_servers(t, m, e) != 0)
		return e->code;
	if (old)
		keep_old(m, old);
	set_text(&m->entry.alias, must_strdup(m->alias));
	return put(t, m, old, tx, e);
}

void key_store_import(struct trust_service *t, const struct actor *actor, const char *alias, const void *bytes,
                      size_t length, const char *password, trust_done *done, void *context)
{
	struct err e = { 0 };
	struct key_change *m = change_new(t, actor, alias, done, context);
	m->change.plan = plan_import;
	m->change.apply = apply_put;
	m->compute = compute_import;
	m->password = must_strdup(password);
	m->bytes = must_alloc(length + 1);
	memcpy(m->bytes, bytes, length);
	m->length = length;
	if (alias_check(alias, &e) != 0)
		fail(m, e.code, &e);
	else
		begin(t, m);
}

/* --- what goes out ------------------------------------------------------------------------------------------------ */

static void answer_text(struct trust_service *t, struct trust_change *change)
{
	struct key_change *m = container_of(change, struct key_change, change);
	(void)t;
	change->answer = json_string(m->text);
}

/* Opens the copied row and lets write make text of it. */
static void compute_text(struct key_change *m, char *(*write)(struct key_change *m, const struct key_pair *p))
{
	struct key_pair p;
	m->code = key_pair_open(m->entry.chain, m->entry.privateKey.sealed, m->keyring, &p, &m->err);
	if (m->code != 0)
		return;
	m->text = write(m, &p);
	m->code = m->text ? 0 : m->err.code;
	key_pair_clear(&p);
}

/* Begins with a copy of the row; NULL: it has answered. */
static struct key_change *begin_with_row(struct trust_service *t, const struct actor *actor, const char *alias,
                                         trust_done *done, void *context)
{
	struct err e = { 0 };
	struct key_change *m = change_new(t, actor, alias, done, context);
	const struct key_entry *k = key_store_find(t, alias, &e);
	if (!k) {
		fail(m, e.code, &e);
		return NULL;
	}
	record_finish(&key_entry_kind, &m->entry);
	record_copy(&key_entry_kind, &m->entry, k);
	m->change.apply = answer_text;
	return m;
}

static char *write_csr(struct key_change *m, const struct key_pair *p)
{
	return key_pair_csr(p, &m->err);
}

static void compute_csr(struct key_change *m)
{
	compute_text(m, write_csr);
}

static int plan_csr(struct trust_service *t, struct trust_change *change, struct store_tx *tx, struct err *e)
{
	(void)t, (void)change, (void)tx, (void)e;
	return 1; /* nothing changes */
}

void key_store_csr(struct trust_service *t, const struct actor *actor, const char *alias, trust_done *done,
                   void *context)
{
	struct key_change *m = begin_with_row(t, actor, alias, done, context);
	if (!m)
		return;
	m->change.plan = plan_csr;
	m->compute = compute_csr;
	begin(t, m);
}

static char *write_export(struct key_change *m, const struct key_pair *p)
{
	if (*m->password)
		return key_pair_export(p, m->format, m->alias, m->password, &m->err);
	char *own = secret_open(m->keyring, m->entry.password.sealed, &m->err);
	char *text = own ? key_pair_export(p, m->format, m->alias, own, &m->err) : NULL;
	secret_wipe(&own);
	return text;
}

static void compute_export(struct key_change *m)
{
	compute_text(m, write_export);
}

static int plan_export(struct trust_service *t, struct trust_change *change, struct store_tx *tx, struct err *e)
{
	struct key_change *m = container_of(change, struct key_change, change);
	(void)e;
	trust_change_audit(t, change, tx, "exported", m->alias, NULL, m->entry.fingerprint, store_detail);
	return 0;
}

void key_store_export(struct trust_service *t, const struct actor *actor, const char *alias, enum key_format format,
                      const char *password, trust_done *done, void *context)
{
	struct err e = { 0 };
	struct key_change *m = begin_with_row(t, actor, alias, done, context);
	if (!m)
		return;
	m->change.plan = plan_export;
	m->compute = compute_export;
	m->format = format;
	m->password = must_strdup(password);
	if (!*password && !*m->entry.password.sealed)
		fail(m, err_set(&e, E_INVALID, "password", "A password is needed: a private key leaves encrypted only."), &e);
	else if (*password && strlen(password) < EXPORT_PASSWORD_MIN)
		fail(m, err_set(&e, E_INVALID, "password", "At least %d characters are needed.", EXPORT_PASSWORD_MIN), &e);
	else
		begin(t, m);
}

/* --- removal ------------------------------------------------------------------------------------------------------ */

/* Whoever uses it would stand without. */
static int check_unused(const struct trust_service *t, const char *alias, struct err *e)
{
	struct key_use use;
	if (!key_use_find(t, alias, NULL, &use))
		return 0;
	char *who = key_use_print(&use);
	err_set(e, E_CONFLICT, NULL, "%.200s uses the key \"%.100s\". Choose another there first.", who, alias);
	free(who);
	return e->code;
}

static int plan_removal(struct trust_service *t, struct trust_change *change, struct store_tx *tx, struct err *e)
{
	struct key_change *m = container_of(change, struct key_change, change);
	const struct key_entry *k = key_store_find(t, m->alias, e);
	if (!k || check_unused(t, m->alias, e) != 0)
		return e->code;
	store_tx_delete(tx, &key_entry_kind, k);
	trust_change_audit(t, change, tx, "removed", m->alias, k->fingerprint, NULL, store_detail);
	return 0;
}

static void apply_removal(struct trust_service *t, struct trust_change *change)
{
	records_remove(&t->keys, container_of(change, struct key_change, change)->alias);
	trust_service_changed(t, false);
}

void key_store_remove(struct trust_service *t, const struct actor *actor, const char *alias, trust_done *done,
                      void *context)
{
	struct key_change *m = change_new(t, actor, alias, done, context);
	m->change.plan = plan_removal;
	m->change.apply = apply_removal;
	trust_change_submit(t, &m->change);
}
