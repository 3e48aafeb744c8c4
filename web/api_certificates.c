/* SPDX-License-Identifier: Apache-2.0
 * Trust stores and Allowed Hosts over REST (DESIGN section 8; the User Key Store is in api_keys.c). Everybody who may log in reads; only an admin changes what
 * the station trusts. Engine thread; answers to changes come when they are durable. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "services/trust/allowed_host.h"
#include "services/trust/inquiry.h"
#include "services/trust/recipient_store.h"
#include "services/trust/user_store.h"
#include "web/request.h"

/* --- answers ------------------------------------------------------------------------------------------------------ */

/* The service, or an answer that there is none. */
static struct trust_service *service(struct request *r)
{
	struct trust_service *t = trust_service_of(request_station(r));
	if (!t)
		request_reply_code(r, E_UNSUPPORTED, "This station has no TrustService.");
	return t;
}

static void refuse(struct request *r, int code, const struct err *e)
{
	if (!*e->slot) {
		request_reply_error(r, e);
		return;
	}
	struct report report;
	report_init(&report, "");
	report_error(&report, code, e->slot, "%s", e->text);
	request_reply_report(r, code, &report);
	report_finish(&report);
}

static void reply_row(void *context, int code, const struct err *e, const json_t *answer)
{
	if (code == 0)
		request_reply_json(context, 200, json_deep_copy(answer));
	else
		refuse(context, code, e);
}

static void reply_items(void *context, int code, const struct err *e, const json_t *answer)
{
	if (code == 0)
		request_reply_json(context, 200, json_pack("{s:o}", "items", json_deep_copy(answer)));
	else
		refuse(context, code, e);
}

static void reply_empty(void *context, int code, const struct err *e, const json_t *answer)
{
	(void)answer;
	if (code == 0)
		request_reply_empty(context, 204);
	else
		refuse(context, code, e);
}

static void reply_created(void *context, int code, const struct err *e, const json_t *answer)
{
	if (code != 0) {
		refuse(context, code, e);
		return;
	}
	char location[64 + 3 * ALIAS_MAX] = "/api/v1/certificates/user/", *end = location + strlen(location);
	for (const char *p = json_string_value(json_object_get(answer, "alias"));
	     p && *p && end < location + sizeof location - 4; p++)
		end += snprintf(end, 4, isalnum((unsigned char)*p) || strchr("-._~", *p) ? "%c" : "%%%02X", (unsigned char)*p);
	request_reply_header(context, "Location", location);
	request_reply_json(context, 201, json_deep_copy(answer));
}

/* --- stores ------------------------------------------------------------------------------------------------------- */

static void list_system(struct request *r)
{
	struct trust_service *t = service(r);
	if (t)
		inquire_system(t, NULL, reply_items, r);
}

static void get_system(struct request *r)
{
	struct trust_service *t = service(r);
	if (t)
		inquire_system(t, request_param(r, "alias"), reply_row, r);
}

static void list_user(struct request *r)
{
	struct trust_service *t = service(r);
	if (t)
		request_reply_json(r, 200, json_pack("{s:o}", "items", user_store_list(t)));
}

static void get_user(struct request *r)
{
	struct trust_service *t = service(r);
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
	struct trust_service *t = service(r);
	if (!t)
		return;
	if (body) {
		bytes = request_string(r, "pem");
		if (!bytes)
			return;
		length = strlen(bytes);
		json_t *name = json_object_get(body, "alias");
		alias = json_string_value(name);
		if (name && !alias && !json_is_null(name)) {
			request_reply_code(r, E_BAD_REQUEST, "alias must be a string.");
			return;
		}
	}
	user_store_import(t, request_actor(r), alias, bytes ? bytes : "", length, reply_created, r);
}

/* --- recipients --------------------------------------------------------------------------------------------------- */

static void list_recipients(struct request *r)
{
	struct trust_service *t = service(r);
	if (t)
		request_reply_json(r, 200, json_pack("{s:o}", "items", recipient_store_list(t)));
}

static void get_recipient(struct request *r)
{
	struct trust_service *t = service(r);
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
		refuse(context, code, e);
}

static void import_recipient(struct request *r)
{
	struct trust_service *t = service(r);
	const char *pem = t ? request_string(r, "pem") : NULL,
	           *address = pem ? json_string_value(json_object_get(request_body(r), "address")) : NULL;
	if (pem)
		recipient_store_import(t, request_actor(r), address ? address : "", pem, strlen(pem), reply_recipient, r);
}

static void remove_recipient(struct request *r)
{
	struct trust_service *t = service(r);
	if (t)
		recipient_store_remove(t, request_actor(r), request_param(r, "address"), reply_empty, r);
}

static void remove_user(struct request *r)
{
	struct trust_service *t = service(r);
	if (t)
		user_store_remove(t, request_actor(r), request_param(r, "alias"), reply_empty, r);
}

/* --- Allowed Hosts ------------------------------------------------------------------------------------------------ */

static void list_hosts(struct request *r)
{
	struct trust_service *t = service(r);
	if (t)
		inquire_hosts(t, NULL, reply_items, r);
}

static void get_host(struct request *r)
{
	struct trust_service *t = service(r);
	if (t)
		inquire_hosts(t, request_param(r, "host"), reply_row, r);
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
	refuse(r,
	       err_set(&e, E_INVALID, "expires",
	               "A time is written as 2026-12-31T23:59:59Z; null means that the approval does not end."),
	       &e);
	return false;
}

static void approve(struct request *r)
{
	int64_t expires;
	struct trust_service *t = service(r);
	const json_t *reason = json_object_get(request_body(r), "reason");
	if (!t || !read_expires(r, &expires))
		return;
	allowed_host_approve(t, request_actor(r), request_param(r, "host"),
	                     json_is_string(reason) ? json_string_value(reason) : "", expires,
	                     json_string_value(json_object_get(request_body(r), "spki")), reply_row, r);
}

static void unapprove(struct request *r)
{
	struct trust_service *t = service(r);
	if (t)
		allowed_host_unapprove(t, request_actor(r), request_param(r, "host"), reply_row, r);
}

static void remove_host(struct request *r)
{
	struct trust_service *t = service(r);
	if (t)
		allowed_host_remove(t, request_actor(r), request_param(r, "host"), reply_empty, r);
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

#define ITEMS                                                                                                          \
	"{\"type\":\"object\",\"required\":[\"items\"],\"properties\":{\"items\":{\"type\":\"array\",\"items\":{\"type\":" \
	"\"object\"}}}}"
#define ROW "{\"type\":\"object\"}"
#define IMPORT                                                                                                         \
	"{\"type\":\"object\",\"required\":[\"pem\"],\"properties\":{\"alias\":{\"type\":\"string\",\"maxLength\":120},"   \
	"\"pem\":{\"type\":\"string\"}}}"
#define RECIPIENT                                                                                                      \
	"{\"type\":\"object\",\"required\":[\"pem\"],\"properties\":{\"address\":{\"type\":\"string\"},"                   \
	"\"pem\":{\"type\":\"string\"}}}"
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
