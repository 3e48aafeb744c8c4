/* SPDX-License-Identifier: Apache-2.0
 * The inside of TrustService: its memory copy of the stores, and the changes to them. Changes run one after the other:
 * plan (validate against memory, fill the transaction), commit, apply, answer. So memory is always what is on disk, and
 * an answer of success means that the change is durable. Engine thread. */
#ifndef BELFRY_TRUST_SERVICE_H
#define BELFRY_TRUST_SERVICE_H

#include "services/trust/expiry_watch.h"
#include "services/trust/snapshot.h"
#include "station/alarm/alarm_support.h"
#include "station/station.h"

struct user_certificate {
	char *alias, *pem, *fingerprint, *importer;
	struct abstime created;
};
extern const struct record_kind user_certificate_kind;

struct previous_key {
	char *fingerprint, *spki, *subject, *issuer;
	struct abstime notBefore, notAfter;
	char *keyAlgorithm;
	int64_t keySize;
	char *approver;
};
struct allowed_host {
	char *host; /* "name:port" */
	bool approved;
	char *subject, *issuer;
	struct abstime notBefore, notAfter;
	char *keyAlgorithm;
	int64_t keySize;
	char *fingerprint, *spki;
	struct abstime created;
	char *approver;
	struct abstime approvedAt;
	char *reason;
	struct abstime expires;
	char *cause;
	struct previous_key previous; /* fingerprint "": none */
	char *pem;                    /* the chain as sent, leaf first */
};
extern const struct record_kind allowed_host_kind;

/* A row of the User Key Store. */
struct key_entry {
	char *alias, *chain; /* PEM, the leaf first */
	struct secret privateKey, password;
	char *fingerprint, *spki, *creator;
	struct abstime created;
};
extern const struct record_kind key_entry_kind;

/* The certificate of somebody whom mails are encrypted for. */
struct recipient_certificate {
	char *address, *pem, *fingerprint, *importer;
	struct abstime created;
};
extern const struct record_kind recipient_certificate_kind;

#define KEYS_MAX 200
#define RECIPIENTS_MAX 1000
#define EXPORT_PASSWORD_MIN 8
#define USER_CERTIFICATES_MAX 1000
#define ALLOWED_HOSTS_MAX 1000

/* A growing array of records of one kind. */
struct records {
	const struct record_kind *kind;
	void *rows; /* owned */
	size_t count;
};
void *records_at(const struct records *r, size_t i);
void *records_find(const struct records *r, const char *key); /* by the first slot, a text; NULL */
void records_put(struct records *r, const void *record);      /* copies; replaces the one of the same key */
void records_remove(struct records *r, const char *key);
void records_clear(struct records *r);

struct trust_change;
struct trust_service {
	struct component c;
	int64_t generation, userKeys, userCertificates, approvedHosts, waitingHosts;
	char *systemTrustStore;
	struct reltime expiryWarning;
	struct alarm_source_info alarmSourceInfo;
	/* not slots */
	struct records keys, certificates, recipients, hosts;
	char *own_certificate;           /* see trust_own_certificate */
	struct trust_anchors *anchors;   /* NULL: to be made */
	struct trust_snapshot *snapshot; /* NULL: to be made */
	struct trust_change *first, *last;
	struct expiry_watch watch;
	bool loaded; /* the stores are in memory */
	bool busy;   /* the first change is on its way to the disk */
	int jobs;    /* on the thread pool */
};

/* Ends a change: code 0 when it is durable. answer is the row(s), borrowed; NULL without. */
typedef void trust_done(void *context, int code, const struct err *e, const json_t *answer);
struct trust_change {
	/* Set by who makes it; all text is owned by the change. */
	struct actor actor;
	bool by_station; /* no user did it */
	/* 0: commit what is in tx; 1: nothing to do, answer success; negative: refused. */
	int (*plan)(struct trust_service *t, struct trust_change *c, struct store_tx *tx, struct err *e);
	void (*apply)(struct trust_service *t, struct trust_change *c); /* after the commit; may set answer */
	void (*release)(struct trust_change *c);                        /* frees the change with what it holds */
	trust_done *done;                                               /* may be NULL */
	void *context;
	json_t *answer; /* owned */
	/* The queue's. */
	struct trust_change *next;
	struct trust_service *service;
};
/* Takes c. done may be called at once when it is refused. */
void trust_change_submit(struct trust_service *t, struct trust_change *c);
/* Audit record of a change. */
void trust_change_audit(struct trust_service *t, struct trust_change *c, struct store_tx *tx, const char *operation,
                        const char *target, const char *before, const char *after, const char *detail);
/* Who acts, for a row: the user's name, or "station". */
const char *trust_change_actor(const struct trust_change *c);

struct trust_service *trust_service_of(struct station *s); /* NULL when the station has none */
/* Chain of the certificate that the station has made for its own HTTPS, PEM; borrowed; NULL: it has none. */
const char *trust_own_certificate(struct trust_service *t);
/* The stores have changed: forgets the snapshot, counts rows, raises `generation` so that accounts try again at once. */
void trust_service_changed(struct trust_service *t, bool roots);
/* A reference to the present snapshot. */
struct trust_snapshot *trust_service_snapshot(struct trust_service *t);

#endif
