/* SPDX-License-Identifier: Apache-2.0
 * /mail: the ledger: every message, its recipients, every attempt; what came in; and the transcript of an account. Engine
 * thread. */
#include <stdlib.h>
#include <string.h>

#include "services/email/account/account.h"
#include "services/email/email.h"
#include "station/base/must.h"
#include "web/request.h"

/* --- the list: mails, then their deliveries ------------------------------------------------------------------------- */

struct listing {
	struct request *request;
	struct store_rows mails; /* owned */
	size_t at;
	json_t *items; /* owned */
};

static void next_mail(struct listing *l);

static void deliveries_read(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct listing *l = context;
	if (code != 0) {
		request_reply_error(l->request, e);
		store_rows_clear(&l->mails);
		json_decref(l->items);
		free(l);
		return;
	}
	json_array_append_new(
	    l->items,
	    mail_to_json(request_station(l->request), store_row(&l->mails, l->at), rows->rows, rows->count, false));
	l->at++;
	next_mail(l);
}

static void next_mail(struct listing *l)
{
	if (l->at < l->mails.count) {
		const struct mail_record *m = store_row(&l->mails, l->at);
		struct store_query q = { .kind = &delivery_kind, .limit = 1000 };
		store_where_add(&q, "mail", STORE_EQ, value_string(m->id));
		store_ask(request_station(l->request)->store, &q, deliveries_read, l);
		return;
	}
	const struct mail_record *last = l->mails.more ? store_row(&l->mails, l->mails.count - 1) : NULL;
	request_reply_page(l->request, l->items, last ? &last->sequence : NULL);
	store_rows_clear(&l->mails);
	free(l);
}

static void mails_read(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct listing *l = context;
	if (code != 0) {
		request_reply_error(l->request, e);
		json_decref(l->items);
		free(l);
		return;
	}
	l->mails = *rows;
	*rows = (struct store_rows){ 0 }; /* taken */
	next_mail(l);
}

/* The query parameter of that name is a value of the kind's enum; answers 400 itself. */
static bool add_enum(struct request *r, struct store_query *q, const char *name)
{
	const char *text = request_query(r, name);
	struct value v;
	struct err e = { 0 };
	if (!text || !*text)
		return true;
	if (value_parse(slots_find(q->kind->slots, name), text, &v, &e) != 0) {
		request_reply_code(r, E_BAD_REQUEST, "The query parameter %s: %s", name, e.text);
		return false;
	}
	store_where_add(q, name, STORE_EQ, v);
	return true;
}

/* A page of a list that is ordered by sequence; filter: the parameter that is an enum. Answers 400 itself. */
static bool add_page(struct request *r, struct store_query *q, const char *filter)
{
	int64_t cursor;
	if (!request_query_integer(r, "limit", 50, 1, 500, &q->limit) ||
	    !request_query_integer(r, "cursor", INT64_MAX, 0, INT64_MAX, &cursor) || !add_enum(r, q, filter))
		return false;
	store_where_add(q, "sequence", STORE_LT, value_integer(cursor));
	return true;
}

static void list_mail(struct request *r)
{
	struct store_query q = { .kind = &mail_kind, .order = "sequence", .descending = true };
	if (!add_page(r, &q, "state"))
		return;
	static const char *const filters[] = { "account", "digest" };
	for (size_t i = 0; i < ARRAY_SIZE(filters); i++)
		if (request_query(r, filters[i]))
			store_where_add(&q, filters[i], STORE_EQ, value_string(request_query(r, filters[i])));
	struct listing *l = must_alloc(sizeof *l);
	l->request = r;
	l->items = json_array();
	store_ask(request_station(r)->store, &q, mails_read, l);
}

/* --- what came in --------------------------------------------------------------------------------------------------- */

static json_t *incoming_json(struct station *s, const void *row)
{
	return incoming_to_json(s, row);
}

static void incoming_read(void *context, int code, const struct err *e, struct store_rows *rows)
{
	request_reply_rows(context, code, e, rows, incoming_json, offsetof(struct incoming_record, sequence));
}

static void list_incoming(struct request *r)
{
	struct store_query q = { .kind = &incoming_kind, .order = "sequence", .descending = true };
	const char *name = request_query(r, "account");
	const struct email_account *account = name ? account_find(request_station(r), name) : NULL;
	if (!add_page(r, &q, "outcome"))
		return;
	if (name)
		store_where_add(&q, "account", STORE_EQ, value_integer(account ? (int64_t)account->c.handle : 0));
	store_ask(request_station(r)->store, &q, incoming_read, r);
}

/* --- one: mail, deliveries, attempts ----------------------------------------------------------------------------------- */

struct reading {
	struct request *request;
	struct mail_record mail; /* owned */
	json_t *json;            /* owned */
};

static void reading_end(struct reading *x)
{
	record_finish(&mail_kind, &x->mail);
	free(x);
}

static void attempts_read(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct reading *x = context;
	json_t *attempts = json_array();
	for (size_t i = 0; code == 0 && i < rows->count; i++)
		json_array_append_new(attempts, record_to_json(&attempt_kind, store_row(rows, i)));
	json_object_set_new(x->json, "attempts", attempts);
	if (code != 0) {
		request_reply_error(x->request, e);
		json_decref(x->json);
	} else {
		request_reply_json(x->request, 200, x->json);
	}
	reading_end(x);
}

static void one_deliveries(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct reading *x = context;
	if (code != 0) {
		request_reply_error(x->request, e);
		reading_end(x);
		return;
	}
	x->json = mail_to_json(request_station(x->request), &x->mail, rows->rows, rows->count, true);
	struct store_query q = { .kind = &attempt_kind, .limit = 1000 };
	store_where_add(&q, "mail", STORE_EQ, value_string(x->mail.id));
	store_ask(request_station(x->request)->store, &q, attempts_read, x);
}

static void one_read(void *context, int code, const struct err *e, struct store_rows *rows)
{
	struct request *r = context;
	if (code != 0 || rows->count == 0) {
		if (code != 0)
			request_reply_error(r, e);
		else
			request_reply_code(r, E_NOT_FOUND, "There is no mail %.40s.", request_param(r, "id"));
		return;
	}
	struct reading *x = must_alloc(sizeof *x);
	x->request = r;
	record_copy(&mail_kind, &x->mail, store_row(rows, 0));
	struct store_query q = { .kind = &delivery_kind, .limit = 1000 };
	store_where_add(&q, "mail", STORE_EQ, value_string(x->mail.id));
	store_ask(request_station(r)->store, &q, one_deliveries, x);
}

static void get_mail(struct request *r)
{
	struct store_query q = { .kind = &mail_kind, .limit = 1 };
	store_where_add(&q, "id", STORE_EQ, value_string(request_param(r, "id")));
	store_ask(request_station(r)->store, &q, one_read, r);
}

static void resent(void *context, int code, const struct err *e, const char *id)
{
	struct request *r = context;
	if (code != 0)
		request_reply_error(r, e);
	else
		request_reply_json(r, 201, json_pack("{s:s}", "id", id));
}

static void resend(struct request *r)
{
	email_resend(request_station(r), request_actor(r), request_param(r, "id"), resent, r);
}

static void transcript_text(struct request *r, const char *account)
{
	char *text = email_transcript_text(request_station(r), account);
	if (text) { /* the name of a component, then: nothing in it needs quoting */
		char *file = must_format("attachment; filename=\"%s-transcript.txt\"", account);
		request_reply_header(r, "Content-Disposition", file);
		free(file);
		request_reply_text(r, 200, "text/plain; charset=utf-8", text);
	} else {
		request_reply_code(r, E_NOT_FOUND, "There is no mail account \"%.80s\".", account);
	}
	free(text);
}

static void transcript(struct request *r)
{
	const char *account = request_query(r, "account"), *format = request_query(r, "format");
	if (account && format && strcmp(format, "text") == 0) {
		transcript_text(r, account);
		return;
	}
	json_t *items = account ? email_transcript(request_station(r), account) : NULL;
	if (items)
		request_reply_page(r, items, NULL);
	else
		request_reply_code(r, E_NOT_FOUND, "There is no mail account \"%.80s\".", account ? account : "");
}

static void diagnosis(struct request *r)
{
	const char *account = request_query(r, "account");
	json_t *json = account ? email_diagnosis(request_station(r), account) : NULL;
	if (json)
		request_reply_json(r, 200, json);
	else
		request_reply_code(r, E_NOT_FOUND, "There is no mail account \"%.80s\".", account ? account : "");
}

static void reachability(struct request *r)
{
	request_reply_page(r, email_reachability(request_station(r)), NULL);
}

#define LIST                                                                                                           \
	"{\"type\":\"object\",\"properties\":{\"items\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}},\"next\":{"   \
	"\"type\":\"string\"}}}"
#define TEXT(name) "\"" name "\":{\"type\":\"string\"}"
#define INCOMING                                                                                                       \
	"{\"type\":\"object\",\"required\":[\"sequence\",\"account\",\"time\",\"from\",\"subject\",\"outcome\","           \
	"\"reason\"],"                                                                                                     \
	"\"properties\":{\"sequence\":{\"type\":\"integer\"}," TEXT("account") "," TEXT("time") "," TEXT("from") "," TEXT( \
	    "subject") ",\"outcome\":{\"type\":\"string\",\"enum\":[\"notOurs\",\"unreadable\",\"automatic\",\"refused\"," \
	               "\"repeated\",\"probe\",\"bounce\",\"acted\"]}," TEXT("reason") "," TEXT("alarm") "," TEXT(         \
	                   "mail") ",\"disposition\":{\"type\":\"string\",\"enum\":[\"leave\",\"markAsRead\","             \
	                           "\"markAsUnread\",\"delete\"]}}}"
const struct route mail_routes[] = {
	{ .method = "GET",
	  .pattern = "/mail",
	  .role = ROLE_VIEWER,
	  .handle = list_mail,
	  .query = "account,state,digest,limit,cursor",
	  .doc =
	      "The ledger, newest first: each message with its recipients and what the server said. digest: the mails that "
	      "were summed up in that one.",
	  .answer = LIST },
	{ .method = "GET",
	  .pattern = "/mail/incoming",
	  .role = ROLE_VIEWER,
	  .handle = list_incoming,
	  .query = "account,outcome,limit,cursor",
	  .doc = "The mails that came in, newest first: from whom, what came of each, and why. account: name of the "
	         "IncomingAccount. The text of a mail is not kept.",
	  .answer = "{\"type\":\"object\",\"properties\":{\"items\":{\"type\":\"array\",\"items\":" INCOMING
	            "},\"next\":{\"type\":\"string\"}}}" },
	{ .method = "GET",
	  .pattern = "/mail/transcript",
	  .role = ROLE_ADMIN,
	  .handle = transcript,
	  .query = "account,format",
	  .doc = "The dialogue of an account with its server; passwords are never in it. format is json or text.",
	  .answer = LIST },
	{ .method = "GET",
	  .pattern = "/mail/diagnosis",
	  .role = ROLE_ADMIN,
	  .handle = diagnosis,
	  .query = "account",
	  .doc = "What the last diagnosis of an account found and advises; the action diagnose starts one.",
	  .answer = "{\"type\":\"object\"}" },
	{ .method = "GET",
	  .pattern = "/mail/reachability",
	  .role = ROLE_VIEWER,
	  .handle = reachability,
	  .doc =
	      "Who cannot be reached by mail, and why: empty rosters, accounts that cannot send, hours that nobody covers.",
	  .answer = LIST },
	{ .method = "GET",
	  .pattern = "/mail/{id}",
	  .role = ROLE_VIEWER,
	  .handle = get_mail,
	  .doc = "One message with its text and every attempt.",
	  .answer = "{\"type\":\"object\"}" },
	{ .method = "POST",
	  .pattern = "/mail/{id}/resend",
	  .role = ROLE_OPERATOR,
	  .handle = resend,
	  .doc = "Sends a message again to those addresses that were refused.",
	  .answer = "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\"}}}" },
	{ .method = NULL },
};
