/* SPDX-License-Identifier: Apache-2.0
 * Trust stores and Allowed Hosts over REST (DESIGN section 8; the User Key Store is in api_keys.c). Everybody who may log
 * in reads; only an admin changes what the station trusts. Engine thread; answers to changes come when they are durable. */
#include <string.h>

#include "services/trust/allowed_host.h"
#include "services/trust/inquiry.h"
#include "services/trust/recipient_store.h"
#include "services/trust/user_store.h"
#include "web/trust_answer.h"

static void answer_created(void *context, int code, const struct err *e, const json_t *answer)
{
	if (code == 0)
		request_reply_created(context, "/certificates/user", json_string_value(json_object_get(answer, "alias")),
		                      json_deep_copy(answer));
	else
		request_reply_error(context, e);
}

/* --- stores ------------------------------------------------------------------------------------------------------- */

static void list_system(struct request *r)
{
	struct trust_service *t = trust_or_answer(r);
	if (t)
		inquire_system(t, NULL, answer_items, r);
}

static void get_system(struct request *r)
{
	struct trust_service *t = trust_or_answer(r);
	if (t)
		inquire_system(t, request_param(r, "alias"), answer_row, r);
}

static void list_user(struct request *r)
{
	struct trust_service *t = trust_or_answer(r);
	if (t)
		request_reply_page(r, user_store_list(t), NULL);
}

static void get_user(struct request *r)
{
	struct trust_service *t = trust_or_answer(r);
	if (!t)
		return;
	json_t *row = user_store_row(t, request_param(r, "alias"));
	if (row)
		request_reply_json(r, 200, row);
	else
		request_reply_code(r, E_NOT_FOUND, "The User Trust Store holds no certificate \"%.100s\".",
		                   request_param(r, "alias"));
}

static void import_user(struct request *r)
{
	size_t length = 0;
	const char *bytes = request_bytes(r, &length), *alias = NULL;
	const json_t *body = request_body(r);
	struct trust_service *t = trust_or_answer(r);
	if (!t)
		return;
	if (body) {
		bytes = request_string(r, "pem");
		if (!bytes)
			return;
		length = strlen(bytes);
		if (!request_optional(r, "alias", &alias))
			return;
	}
	user_store_import(t, request_actor(r), alias, bytes ? bytes : "", length, answer_created, r);
}

/* --- recipients --------------------------------------------------------------------------------------------------- */

static void list_recipients(struct request *r)
{
	struct trust_service *t = trust_or_answer(r);
	if (t)
		request_reply_page(r, recipient_store_list(t), NULL);
}

static void get_recipient(struct request *r)
{
	struct trust_service *t = trust_or_answer(r);
	json_t *row = t ? recipient_store_row(t, request_param(r, "address")) : NULL;
	if (row)
		request_reply_json(r, 200, row);
	else if (t)
		request_reply_code(r, E_NOT_FOUND, "There is no certificate of %.200s.", request_param(r, "address"));
}

static void reply_recipient(void *context, int code, const struct err *e, const json_t *answer)
{
	if (code == 0)
		request_reply_json(context, 201, json_deep_copy(answer));
	else
		request_reply_error(context, e);
}

static void import_recipient(struct request *r)
{
	struct trust_service *t = trust_or_answer(r);
	const char *pem = t ? request_string(r, "pem") : NULL,
	           *address = pem ? json_string_value(json_object_get(request_body(r), "address")) : NULL;
	if (pem)
		recipient_store_import(t, request_actor(r), address ? address : "", pem, strlen(pem), reply_recipient, r);
}

static void remove_recipient(struct request *r)
{
	struct trust_service *t = trust_or_answer(r);
	if (t)
		recipient_store_remove(t, request_actor(r), request_param(r, "address"), answer_empty, r);
}

static void remove_user(struct request *r)
{
	struct trust_service *t = trust_or_answer(r);
	if (t)
		user_store_remove(t, request_actor(r), request_param(r, "alias"), answer_empty, r);
}

/* --- Allowed Hosts ------------------------------------------------------------------------------------------------ */

static void list_hosts(struct request *r)
{
	struct trust_service *t = trust_or_answer(r);
	if (t)
		inquire_hosts(t, NULL, answer_items, r);
}

static void get_host(struct request *r)
{
	struct trust_service *t = trust_or_answer(r);
	if (t)
		inquire_hosts(t, request_param(r, "host"), answer_row, r);
}

/* `expires` of an approval: RFC 3339 text, or null. Answers 422 itself. */
static bool read_expires(struct request *r, int64_t *expires)
{
	json_t *member = json_object_get(request_body(r), "expires");
	*expires = ABSTIME_NULL;
	if (!member || json_is_null(member))
		return true;
	if (json_is_string(member) && abstime_parse(json_string_value(member), expires) == 0)
		return true;
	struct err e = { 0 };
	err_set(&e, E_INVALID, "expires",
	        "A time is written as 2026-12-31T23:59:59Z; null means that the approval does not end.");
	request_reply_error(r, &e);
	return false;
}

static void approve(struct request *r)
{
	int64_t expires;
	struct trust_service *t = trust_or_answer(r);
	const json_t *reason = json_object_get(request_body(r), "reason");
	if (!t || !read_expires(r, &expires))
		return;
	allowed_host_approve(t, request_actor(r), request_param(r, "host"),
	                     json_is_string(reason) ? json_string_value(reason) : "", expires,
	                     json_string_value(json_object_get(request_body(r), "spki")), answer_row, r);
}

static void unapprove(struct request *r)
{
	struct trust_service *t = trust_or_answer(r);
	if (t)
		allowed_host_unapprove(t, request_actor(r), request_param(r, "host"), answer_row, r);
}

static void remove_host(struct request *r)
{
	struct trust_service *t = trust_or_answer(r);
	if (t)
		allowed_host_remove(t, request_actor(r), request_param(r, "host"), answer_empty, r);
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

#define IMPORT OBJECT_WITH("\"pem\"", "\"alias\":{\"type\":\"string\",\"maxLength\":120}," TEXT("pem"))
#define RECIPIENT OBJECT_WITH("\"pem\"", TEXT("address") "," TEXT("pem"))
#define APPROVAL                                                                                                       \
	"{\"type\":\"object\",\"required\":[\"reason\"],\"properties\":{\"reason\":{\"type\":\"string\",\"minLength\":1,"  \
	"\"maxLength\":1000},"                                                                                             \
	"\"expires\":{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"},\"spki\":{\"type\":\"string\"}}}"

const struct route certificate_routes[] = {
	{ "GET", "/certificates/system", ROLE_VIEWER, 0, list_system,
	  "The System Trust Store: the CA certificates of the distribution.", NULL, ITEMS, NULL },
	{ "GET", "/certificates/system/{alias}", ROLE_VIEWER, 0, get_system, "One certificate of the System Trust Store.",
	  NULL, ROW, NULL },
	{ "GET", "/certificates/user", ROLE_VIEWER, 0, list_user,
	  "The User Trust Store: the certificates that were imported.", NULL, ITEMS, NULL },
	{ "GET", "/certificates/user/{alias}", ROLE_VIEWER, 0, get_user, "One certificate of the User Trust Store.", NULL,
	  ROW, NULL },
	{ "POST", "/certificates/user", ROLE_ADMIN, ROUTE_LARGE, import_user,
	  "Imports the certificates of a PEM text, as JSON or as the text itself; one of the same alias is replaced.",
	  IMPORT, ROW, NULL },
	{ "DELETE", "/certificates/user/{alias}", ROLE_ADMIN, 0, remove_user,
	  "Takes a certificate out of the User Trust Store.", NULL, NULL, NULL },
	{ "GET", "/certificates/recipients", ROLE_VIEWER, 0, list_recipients,
	  "Certificates of people whom mails are encrypted for, by address.", NULL, ITEMS, NULL },
	{ "GET", "/certificates/recipients/{address}", ROLE_VIEWER, 0, get_recipient, "The certificate of one address.",
	  NULL, ROW, NULL },
	{ "POST", "/certificates/recipients", ROLE_ADMIN, 0, import_recipient,
	  "Imports somebody's certificate; the address is the one that it is made out to, unless another is given.",
	  RECIPIENT, ROW, NULL },
	{ "DELETE", "/certificates/recipients/{address}", ROLE_ADMIN, 0, remove_recipient,
	  "Removes the certificate of an address.", NULL, NULL, NULL },
	{ "GET", "/allowed-hosts", ROLE_VIEWER, 0, list_hosts,
	  "Peers whose certificate was refused, and the approvals of them.", NULL, ITEMS, NULL },
	{ "GET", "/allowed-hosts/{host}", ROLE_VIEWER, 0, get_host, "One peer, by name:port.", NULL, ROW, NULL },
	{ "POST", "/allowed-hosts/{host}/approve", ROLE_ADMIN, 0, approve, "Approves the key that a peer has shown.",
	  APPROVAL, ROW, NULL },
	{ "POST", "/allowed-hosts/{host}/unapprove", ROLE_ADMIN, 0, unapprove, "Ends an approval.", NULL, ROW, NULL },
	{ "DELETE", "/allowed-hosts/{host}", ROLE_ADMIN, 0, remove_host,
	  "Removes a peer; it comes back when it is refused again.", NULL, NULL, NULL },
	{ NULL },
};
