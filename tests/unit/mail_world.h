/* SPDX-License-Identifier: Apache-2.0
 * A station with outgoing accounts that send to sinks (sink.h), on a clock that the test sets. */
#ifndef BELFRY_TESTS_MAIL_WORLD_H
#define BELFRY_TESTS_MAIL_WORLD_H

#include "tests/unit/sink.h"
#include "tests/unit/world.h"

#include "services/email/email_inside.h"

static const struct actor ada = { .user = "ada", .role = ROLE_ADMIN, .via = "session" };

struct mail_world {
	struct world w;
	struct outgoing_account *account; /* the one that ships */
	uint64_t reader;                  /* handle of the EmailRecipient in whose words send_mail's mails are; 0: none */
};

static inline struct outgoing_account *account_named(struct mail_world *m, const char *name)
{
	struct outgoing_account *a = account_by_name(&m->w.station, name);
	assert_non_null(a);
	return a;
}

/* Changes properties as a person does. */
static inline void configure(struct mail_world *m, struct component *c, const char *values)
{
	struct ended end;
	json_t *json = json_loads(values, 0, NULL);
	assert_non_null(json);
	struct batch *b = batch_new(&m->w.station, &ada);
	batch_set_json(b, c->handle, json, "/values");
	json_decref(json);
	if (submit(&m->w, b, &end) != 0)
		fail_msg("%s: %s", end.pointers[0], end.details[0]);
}

/* The account speaks with this sink, in clear. */
static inline void point_at(struct mail_world *m, struct outgoing_account *a, const struct sink *sink)
{
	char values[200];
	snprintf(values, sizeof values, "{\"hostname\":\"127.0.0.1\",\"port\":%d,\"useSsl\":false,\"from\":\"s@x.test\"}",
	         sink->port);
	configure(m, &a->account.c, values);
}

static inline void mail_world_make(struct mail_world *m, const struct sink *sink)
{
	*m = (struct mail_world){ .account = NULL };
	world_make(&m->w, station_types);
	m->account = account_named(m, "OutgoingAccount");
	point_at(m, m->account, sink);
	/* These tests let days go by: the machine's own figures, every five seconds of them, take longer than all mails. */
	configure(m, station_by_path(&m->w.station, "/Services/PlatformService"), "{\"updateInterval\":\"1h\"}");
}

static inline void mail_world_restart(struct mail_world *m)
{
	world_restart(&m->w, station_types);
	m->account = account_named(m, "OutgoingAccount");
}

static inline struct outgoing_account *add_account(struct mail_world *m, const char *name, const struct sink *sink)
{
	struct ended end;
	struct component *service = station_service(&m->w.station, &email_service);
	struct batch *b = batch_new(&m->w.station, &ada);
	batch_add(b, service->handle, name, "email:OutgoingAccount", NULL, "");
	assert_int_equal(submit(&m->w, b, &end), 0);
	point_at(m, account_named(m, name), sink);
	return account_named(m, name);
}

/* A mail to bob; id (37 bytes) may be NULL. */
static inline void send_mail(struct mail_world *m, struct outgoing_account *a, const char *subject, int64_t priority,
                             char *id)
{
	struct draft_recipient bob = { "Bob", "bob@x.test", FIELD_TO };
	struct draft d = { .kind = MAIL_ALARM,
		               .subject = subject,
		               .body = "Look after it.\n",
		               .alarm = "",
		               .recipient = "",
		               .recipient_handle = m->reader,
		               .priority = priority,
		               .to = &bob,
		               .count = 1 };
	struct store_tx *tx = store_tx_new();
	outbox_add(&m->w.station, a, NULL, tx, &d, id);
	store_commit(m->w.station.store, tx, NULL, NULL);
}

/* A mail of the ledger as it is on disk; the test frees it (record_finish). */
struct mail_answer {
	bool done;
	size_t count;
	struct mail_record first; /* a copy, when there is one */
};

static inline void keep_mail(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct mail_answer *a = context;
	(void)e;
	assert_int_equal(code, 0);
	a->count = rows->count;
	if (rows->count)
		record_copy(&mail_kind, &a->first, store_row(rows, 0));
	a->done = true;
}

static inline struct mail_record read_mail(struct mail_world *m, const char *slot, const char *value)
{
	struct mail_answer a = { 0 };
	struct store_query q = { .kind = &mail_kind, .order = "sequence", .limit = 1 };
	store_where_add(&q, slot, STORE_EQ, value_string(value));
	store_ask(m->w.station.store, &q, keep_mail, &a);
	TURN_UNTIL(&m->w, a.done);
	assert_int_equal(a.count, 1);
	return a.first;
}

/* The newest of its kind; the test frees it. */
static inline struct mail_record read_newest_mail(struct mail_world *m, enum mail_kind_of kind)
{
	struct mail_answer a = { 0 };
	struct store_query q = { .kind = &mail_kind, .order = "sequence", .descending = true, .limit = 1 };
	store_where_add(&q, "kind", STORE_EQ, (struct value){ .kind = V_ENUM, .ordinal = (int)kind });
	store_ask(m->w.station.store, &q, keep_mail, &a);
	TURN_UNTIL(&m->w, a.done);
	assert_int_equal(a.count, 1);
	return a.first;
}

/* How many mails of the ledger have that state. */
static inline int64_t count_mails(struct mail_world *m, enum mail_state state)
{
	struct store_query q = { .kind = &mail_kind };
	store_where_add(&q, "state", STORE_EQ, (struct value){ .kind = V_ENUM, .ordinal = (int)state });
	return count_rows(&m->w, q);
}

static inline void go_on(struct mail_world *m, int64_t seconds)
{
	clock_advance(&m->w.station.clock, seconds * SECOND_US);
	station_turn(&m->w.station);
}

/* Mails have come back from a connection whose failure is not known yet: it sets when the next try is, by the clock of then. */
static inline bool is_to_hear_why(const struct outgoing_account *a)
{
	for (int i = 0; i < CONNECTIONS_MAX; i++)
		if (a->outbox.connections[i].returning)
			return true;
	return false;
}

/* Lets time go by in steps, and what is tried in each of them come to its end. */
static inline void endure(struct mail_world *m, struct outgoing_account *a, int64_t seconds, int64_t step)
{
	for (int64_t at = 0; at < seconds; at += step) {
		go_on(m, step);
		TURN_UNTIL(&m->w,
		           !a->outbox.flying && !a->outbox.failover.probing && a->outbox.writing == 0 && !is_to_hear_why(a));
	}
}

/* Invokes an action and waits for its end; the result is an integer, or 0. */
struct invoked {
	struct invocation inv;
	bool done;
	int code;
};

static inline void invocation_ended(struct invocation *inv, int code)
{
	struct invoked *i = container_of(inv, struct invoked, inv);
	i->code = code;
	i->done = true;
}

static inline int64_t invoke(struct mail_world *m, struct component *c, const char *action)
{
	struct value none = VALUE_NULL;
	struct invoked i = { .inv = { .actor = &ada, .arg = &none, .done = invocation_ended } };
	int rc = component_invoke(c, action, &i.inv);
	if (rc == 1)
		TURN_UNTIL(&m->w, i.done);
	assert_int_equal(rc == 1 ? i.code : rc, 0);
	int64_t result = i.inv.result.kind == V_INTEGER ? i.inv.result.integer : 0;
	value_clear(&i.inv.result);
	return result;
}

#endif
