/* SPDX-License-Identifier: Apache-2.0
 * Work for the thread pool: see inquiry.h. The service counts what is under way and waits for it before it ends. */
#include "services/trust/inquiry.h"

#include <stdlib.h>
#include <string.h>

#include "services/trust/allowed_host.h"
#include "services/trust/user_store.h"
#include "station/base/file.h"
#include "station/base/log.h"
#include "station/base/must.h"

#define BUNDLE_MAX (8 << 20)
#define SYSTEM_MAX 2000

struct inquiry {
	uv_work_t work;
	struct trust_service *service;
	void (*look)(struct inquiry *q); /* on the pool; fills answer, or code and err */
	char *wanted;                    /* alias; NULL: all */
	char *bundle;                    /* system */
	struct trust_snapshot *snapshot; /* hosts */
	int64_t now;
	int code;
	struct err err;
	json_t *answer;
	trust_done *done;
	void *context;
};

static void look(uv_work_t *work)
{
	struct inquiry *q = container_of(work, struct inquiry, work);
	q->look(q);
}

static void answer(uv_work_t *work, int status)
{
	struct inquiry *q = container_of(work, struct inquiry, work);
	(void)status; /* never cancelled */
	q->service->jobs--;
	q->done(q->context, q->code, &q->err, q->code == 0 ? q->answer : NULL);
	json_decref(q->answer);
	trust_release(&q->snapshot);
	free(q->wanted);
	free(q->bundle);
	free(q);
}

static struct inquiry *inquiry_new(struct trust_service *t, void (*how)(struct inquiry *q), trust_done *done,
                                   void *context)
{
	struct inquiry *q = must_alloc(sizeof *q);
	q->service = t;
	q->look = how;
	q->now = station_now(t->c.station);
	q->done = done;
	q->context = context;
	return q;
}

static void begin(struct inquiry *q)
{
	q->service->jobs++;
	must(uv_queue_work(&q->service->c.station->loop, &q->work, look, answer) == 0);
}

/* --- the System Trust Store --------------------------------------------------------------------------------------- */

/* The bundle has no aliases: they are made from the names, numbered where a name comes twice. */
static char *system_alias(json_t *taken, gnutls_x509_crt_t crt)
{
	char *alias = alias_from(crt);
	json_int_t n = json_integer_value(json_object_get(taken, alias)) + 1;
	json_object_set_new(taken, alias, json_integer(n));
	if (n == 1)
		return alias;
	char *numbered = must_format("%s-%lld", alias, (long long)n);
	free(alias);
	return numbered;
}

static void add_row(struct inquiry *q, json_t *taken, gnutls_x509_crt_t crt)
{
	char *alias = system_alias(taken, crt);
	if (!q->wanted)
		json_array_append_new(q->answer, certificate_to_json(crt, alias, q->now));
	else if (!q->answer && strcmp(alias, q->wanted) == 0)
		q->answer = certificate_to_json(crt, alias, q->now);
	free(alias);
}

static void look_system(struct inquiry *q)
{
	size_t length = 0;
	unsigned count = 0;
	char *pem = file_read(q->bundle, BUNDLE_MAX, &length, &q->err);
	gnutls_x509_crt_t *list = pem ? certificates_parse(pem, length, SYSTEM_MAX, &count, &q->err) : NULL;
	free(pem);
	if (!list) {
		q->code = err_set(&q->err, E_STORAGE, NULL,
		                  "The System Trust Store %.100s could not be read. Is the package ca-certificates installed?",
		                  q->bundle);
		return;
	}
	json_t *taken = json_object();
	q->answer = q->wanted ? NULL : json_array();
	for (unsigned i = 0; i < count; i++)
		add_row(q, taken, list[i]);
	certificates_free(list, count);
	json_decref(taken);
	if (!q->answer)
		q->code =
		    err_set(&q->err, E_NOT_FOUND, NULL, "The System Trust Store holds no certificate \"%.100s\".", q->wanted);
}

void inquire_system(struct trust_service *t, const char *alias, trust_done *done, void *context)
{
	struct inquiry *q = inquiry_new(t, look_system, done, context);
	q->wanted = alias ? must_strdup(alias) : NULL;
	q->bundle = must_strdup(t->systemTrustStore);
	begin(q);
}

/* --- Allowed Hosts ------------------------------------------------------------------------------------------------ */

static void look_hosts(struct inquiry *q)
{
	size_t i;
	json_t *row;
	if (json_is_object(q->answer))
		allowed_host_judge(q->answer, q->snapshot);
	json_array_foreach(q->answer, i, row) allowed_host_judge(row, q->snapshot);
	if (!q->answer)
		q->code =
		    err_set(&q->err, E_NOT_FOUND, NULL,
		            "Allowed Hosts has no row \"%.200s\". Rows are named name:port, as mail.test:465.", q->wanted);
}

void inquire_hosts(struct trust_service *t, const char *host, trust_done *done, void *context)
{
	struct inquiry *q = inquiry_new(t, look_hosts, done, context);
	q->wanted = host ? must_strdup(host) : NULL;
	q->answer = host ? allowed_host_row(t, host) : allowed_host_list(t);
	q->snapshot = trust_service_snapshot(t);
	begin(q);
}

static void tell_superfluous(void *context, int code, const struct err *e, const json_t *answer)
{
	struct trust_service *t = context;
	(void)e;
	size_t i;
	json_t *row;
	json_array_foreach(code == 0 ? answer : NULL, i, row)
	{
		if (!json_is_true(json_object_get(row, "approved")) || json_is_true(json_object_get(row, "needed")))
			continue;
		log_info("the approval of %s is no longer needed: its certificate is trusted by a trust store",
		         json_string_value(json_object_get(row, "host")));
		station_event(t->c.station, "allowedHost", row);
	}
}

void inquire_superfluous(struct trust_service *t)
{
	if (t->hosts.count > 0 && (t->c.flags & COMPONENT_RUNNING))
		inquire_hosts(t, NULL, tell_superfluous, t);
}
