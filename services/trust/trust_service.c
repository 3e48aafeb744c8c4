/* SPDX-License-Identifier: Apache-2.0
 * trust:TrustService: loads the User Trust Store and Allowed Hosts at start, keeps them in memory, gives snapshots of them
 * to whoever opens TLS, and takes changes to them one after the other. Engine thread. */
#include "services/trust/trust_service.h"

#include <stdlib.h>
#include <string.h>

#include "station/alarm/alarm_class_name.h"
#include "station/base/file.h"
#include "station/base/log.h"
#include "station/base/must.h"
#include "station/sheet/audit.h"

static const struct slot slots[] = {
	SLOT(struct trust_service, generation, INTEGER, .flags = SLOT_READONLY | SLOT_TRANSIENT | SLOT_HIDDEN,
	     .doc = "Counts changes of what is trusted."),
	SLOT(struct trust_service, userKeys, INTEGER, .flags = SLOT_READONLY | SLOT_TRANSIENT | SLOT_SUMMARY,
	     .doc = "Keys in the User Key Store, beside the station's own."),
	SLOT(struct trust_service, userCertificates, INTEGER, .flags = SLOT_READONLY | SLOT_TRANSIENT | SLOT_SUMMARY,
	     .doc = "Certificates in the User Trust Store."),
	SLOT(struct trust_service, approvedHosts, INTEGER, .flags = SLOT_READONLY | SLOT_TRANSIENT | SLOT_SUMMARY,
	     .doc = "Allowed Hosts that are approved."),
	SLOT(struct trust_service, waitingHosts, INTEGER, .flags = SLOT_READONLY | SLOT_TRANSIENT | SLOT_SUMMARY,
	     .doc = "Allowed Hosts whose certificate was refused and that nobody has approved."),
	SLOT(struct trust_service, systemTrustStore, STRING, .flags = SLOT_READONLY | SLOT_TRANSIENT, .dflt = SYSTEM_BUNDLE,
	     .doc = "File of the System Trust Store: the CA bundle of the distribution."),
	SLOT(struct trust_service, expiryWarning, RELTIME, .dflt = "336h",
	     .facets = FACETS(.min = 0, .max = 366.0 * 86400e6),
	     .doc = "So long before a certificate in use, or an approval, ends, an alarm tells."),
	SLOT_ALARM_SOURCE_INFO(struct trust_service),
	SLOT_END,
};
static const struct slot *generation_slot(void)
{
	return &slots[0];
}

/* --- records in memory -------------------------------------------------------------------------------------------- */

void *records_at(const struct records *r, size_t i)
{
	return (char *)r->rows + i * r->kind->size;
}

static const char *key_of(const struct records *r, const void *record)
{
	return *(char *const *)(const void *)((const char *)record + r->kind->slots[0].offset);
}

void *records_find(const struct records *r, const char *key)
{
	for (size_t i = 0; i < r->count; i++)
		if (strcmp(key_of(r, records_at(r, i)), key) == 0)
			return records_at(r, i);
	return NULL;
}

void records_put(struct records *r, const void *record)
{
	void *row = records_find(r, key_of(r, record));
	if (row) {
		record_finish(r->kind, row);
	} else {
		r->rows = must_realloc(r->rows, (r->count + 1) * r->kind->size);
		row = records_at(r, r->count++);
	}
	record_copy(r->kind, row, record);
}

void records_remove(struct records *r, const char *key)
{
	char *row = records_find(r, key);
	if (!row)
		return;
	record_finish(r->kind, row);
	char *end = records_at(r, r->count--);
	memmove(row, row + r->kind->size, (size_t)(end - row) - r->kind->size);
}

void records_clear(struct records *r)
{
	for (size_t i = 0; i < r->count; i++)
		record_finish(r->kind, records_at(r, i));
	free(r->rows);
	r->rows = NULL;
	r->count = 0;
}

/* --- loading ------------------------------------------------------------------------------------------------------ */

static int load_row(void *context, void *record)
{
	records_put(context, record);
	return 0;
}

static void load(struct trust_service *t, struct records *into)
{
	struct err e = { 0 };
	struct store *store = t->c.station->store;
	if (store && store->impl->scan(store, into->kind, load_row, into, &e) != 0) {
		log_error("%s could not be read: %s", into->kind->table, e.text);
		component_set_status(&t->c, STATUS_FAULT);
	}
}

/* It is read or made when the web server starts, and constant from then on. */
const char *trust_own_certificate(struct trust_service *t)
{
	if (t->own_certificate)
		return t->own_certificate;
	char *path = must_format("%s/tls/default.pem", t->c.station->directory);
	t->own_certificate = file_read(path, CHAIN_PEM_MAX, NULL, NULL);
	free(path);
	return t->own_certificate;
}

/* At the start, or before it: other services start earlier, and ask at once. */
static void load_stores(struct trust_service *t)
{
	if (t->loaded)
		return;
	t->loaded = true;
	load(t, &t->keys);
	load(t, &t->certificates);
	load(t, &t->recipients);
	load(t, &t->hosts);
}

/* --- snapshots ---------------------------------------------------------------------------------------------------- */

static struct trust_anchors *make_anchors(struct trust_service *t)
{
	char *pem = must_strdup("");
	for (size_t i = 0; i < t->certificates.count; i++) {
		const struct user_certificate *row = records_at(&t->certificates, i);
		char *longer = must_format("%s%s\n", pem, row->pem);
		free(pem);
		pem = longer;
	}
	struct trust_anchors *a = anchors_new(t->systemTrustStore, pem);
	free(pem);
	return a;
}

/* Approvals in force, and those that a new key has made void. */
static bool make_exemption(const struct allowed_host *row, struct exemption *x)
{
	bool voided = !row->approved && *row->previous.fingerprint;
	*x = (struct exemption){ .expires = voided ? ABSTIME_NULL : row->expires.us, .voided = voided };
	snprintf(x->host, sizeof x->host, "%s", row->host);
	snprintf(x->spki, sizeof x->spki, "%s", voided ? row->previous.spki : row->spki);
	snprintf(x->approver, sizeof x->approver, "%s", voided ? row->previous.approver : row->approver);
	return row->approved || voided;
}

static struct trust_snapshot *make_snapshot(struct trust_service *t)
{
	size_t count = 0;
	struct exemption *list = must_alloc((t->hosts.count + 1) * sizeof *list);
	for (size_t i = 0; i < t->hosts.count; i++)
		if (make_exemption(records_at(&t->hosts, i), &list[count]))
			count++;
	if (!t->anchors)
		t->anchors = make_anchors(t);
	return snapshot_new(anchors_retain(t->anchors), list, count);
}

struct trust_snapshot *trust_service_snapshot(struct trust_service *t)
{
	if (!t->snapshot)
		t->snapshot = make_snapshot(t);
	return trust_retain(t->snapshot);
}

struct trust_service *trust_service_of(struct station *s)
{
	struct component *c = station_service(s, &trust_service);
	struct trust_service *t = c ? COMPONENT_AS(c, &trust_service, struct trust_service) : NULL;
	if (t)
		load_stores(t);
	return t;
}

struct trust_snapshot *trust_snapshot(struct station *s)
{
	station_assert_engine(s);
	struct trust_service *t = trust_service_of(s);
	if (t)
		return trust_service_snapshot(t);
	/* A station without the service trusts what its distribution trusts. */
	return snapshot_new(anchors_new(SYSTEM_BUNDLE, ""), NULL, 0);
}

static void set_count(struct trust_service *t, const char *slot, int64_t n)
{
	struct value v = value_integer(n);
	component_set(&t->c, slots_find(slots, slot), &v);
}

static void count_rows(struct trust_service *t)
{
	int64_t approved = 0;
	for (size_t i = 0; i < t->hosts.count; i++)
		approved += ((const struct allowed_host *)records_at(&t->hosts, i))->approved;
	set_count(t, "userKeys", (int64_t)t->keys.count);
	set_count(t, "userCertificates", (int64_t)t->certificates.count);
	set_count(t, "approvedHosts", approved);
	set_count(t, "waitingHosts", (int64_t)t->hosts.count - approved);
}

void trust_service_changed(struct trust_service *t, bool roots)
{
	trust_release(&t->snapshot);
	if (roots)
		anchors_release(&t->anchors);
	count_rows(t);
	if (t->c.flags & COMPONENT_RUNNING)
		expiry_watch_begin(t);
	struct value v = value_integer(t->generation + 1);
	component_set(&t->c, generation_slot(), &v);
}

/* --- changes, one after the other --------------------------------------------------------------------------------- */

static void run_next(struct trust_service *t);

static void finish_first(struct trust_service *t, int code, const struct err *e)
{
	struct trust_change *c = t->first;
	t->first = c->next;
	t->busy = false;
	if (code == 0 && c->apply)
		c->apply(t, c);
	if (c->done)
		c->done(c->context, code, e, code == 0 ? c->answer : NULL);
	json_decref(c->answer);
	c->release(c);
}

static void committed(void *context, int code, const struct err *e)
{
	struct trust_service *t = context;
	finish_first(t, code, e);
	run_next(t);
}

static void run_next(struct trust_service *t)
{
	while (t->first && !t->busy) {
		struct err e = { 0 };
		struct store *store = t->c.station->store;
		struct store_tx *tx = store_tx_new();
		int code = !(t->c.flags & COMPONENT_RUNNING) ? err_set(&e, E_BUSY, NULL, "The station is stopping.")
		                                             : t->first->plan(t, t->first, tx, &e);
		t->busy = true;
		if (code == 0 && store && !store_tx_empty(tx)) {
			store_commit(store, tx, committed, t);
			return;
		}
		store_tx_free(&tx);
		finish_first(t, code < 0 ? code : 0, &e);
	}
}

void trust_change_submit(struct trust_service *t, struct trust_change *c)
{
	station_assert_engine(t->c.station);
	c->service = t;
	c->next = NULL;
	if (t->first)
		t->last->next = c;
	else
		t->first = c;
	t->last = c;
	run_next(t);
}

const char *trust_change_actor(const struct trust_change *c)
{
	return c->by_station ? "station" : c->actor.user;
}

void trust_change_audit(struct trust_service *t, struct trust_change *c, struct store_tx *tx, const char *operation,
                        const char *target, const char *before, const char *after, const char *detail)
{
	audit_write(t->c.station, tx, c->by_station ? NULL : &c->actor, operation, target, NULL, before, after, detail);
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static void init(struct component *c)
{
	struct trust_service *t = COMPONENT_AS(c, &trust_service, struct trust_service);
	t->keys.kind = &key_entry_kind;
	t->certificates.kind = &user_certificate_kind;
	t->recipients.kind = &recipient_certificate_kind;
	t->hosts.kind = &allowed_host_kind;
}

static void fini(struct component *c)
{
	struct trust_service *t = COMPONENT_AS(c, &trust_service, struct trust_service);
	records_clear(&t->keys);
	records_clear(&t->certificates);
	records_clear(&t->recipients);
	records_clear(&t->hosts);
	free(t->own_certificate);
	expiry_watch_finish(&t->watch);
	trust_release(&t->snapshot);
	anchors_release(&t->anchors);
}

static void check(const struct component *next, const struct component *current, struct report *report)
{
	const struct alarm_source_info *info = &((const struct trust_service *)next)->alarmSourceInfo;
	alarm_source_info_check(info, report);
	alarm_class_name_check(next, current, "alarmSourceInfo/alarmClass", info->alarmClass, report);
}

static void changed(struct component *c, const struct slot *slot)
{
	struct trust_service *t = COMPONENT_AS(c, &trust_service, struct trust_service);
	if ((c->flags & COMPONENT_RUNNING) && strcmp(slot->name, "expiryWarning") == 0)
		expiry_watch_begin(t);
}

static void started(struct component *c)
{
	struct trust_service *t = COMPONENT_AS(c, &trust_service, struct trust_service);
	load_stores(t);
	count_rows(t);
	expiry_watch_start(t);
}

/* Work on the thread pool looks at the stores; its ends are the engine's. */
static void stopped(struct component *c)
{
	struct trust_service *t = COMPONENT_AS(c, &trust_service, struct trust_service);
	expiry_watch_stop(t);
	while (t->jobs > 0)
		uv_run(&c->station->loop, UV_RUN_ONCE);
}

const struct type trust_service = {
	.name = "trust:TrustService",
	.doc = "What this station trusts and who it is: the System Trust Store of the distribution, the User Trust Store, "
	       "Allowed Hosts, and the User Key Store.",
	.size = sizeof(struct trust_service),
	.base = &baja_component,
	.flags = TYPE_SINGLETON,
	.slots = slots,
	.init = init,
	.fini = fini,
	.check = check,
	.changed = changed,
	.started = started,
	.stopped = stopped,
};
