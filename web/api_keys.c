/* SPDX-License-Identifier: Apache-2.0
 * The User Key Store over REST (DESIGN section 8): keys are made, imported, signed by others, exported and removed by
 * admins. A private key leaves only encrypted, and a browser's session has to prove anew whose it is. Engine thread;
 * answers come when the change is durable. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/gnutls.h>

#include "services/trust/key_store.h"
#include "services/user/user.h"
#include "station/must.h"
#include "web/request.h"
#include "web/session_cookie.h"

/* --- answers ------------------------------------------------------------------------------------------------------ */

static struct trust_service *service(struct request *r)
{
	struct trust_service *t = trust_service_of(request_station(r));
	if (!t)
		request_reply_code(r, E_UNSUPPORTED, "This station has no TrustService.");
	return t;
}

/* The error, with a pointer when it concerns a member of the body. */
static void refuse(struct request *r, int code, const struct err *e)
{
	struct report report;
	report_init(&report, "");
	if (*e->slot)
		report_error(&report, code, e->slot, "%s", e->text);
	if (*e->slot)
		request_reply_report(r, code, &report);
	else
		request_reply_error(r, e);
	report_finish(&report);
}

static void reply_created(void *context, int code, const struct err *e, const json_t *answer)
{
	if (code != 0) {
		refuse(context, code, e);
		return;
	}
	char location[64 + 3 * ALIAS_MAX] = "/api/v1/certificates/keys/", *end = location + strlen(location);
	for (const char *p = json_string_value(json_object_get(answer, "alias"));
	     p && *p && end < location + sizeof location - 4; p++)
		end += snprintf(end, 4, isalnum((unsigned char)*p) || strchr("-._~", *p) ? "%c" : "%%%02X", (unsigned char)*p);
	request_reply_header(context, "Location", location);
	request_reply_json(context, 201, json_deep_copy(answer));
}

static void reply_pem(void *context, int code, const struct err *e, const json_t *answer)
{
	if (code == 0)
		request_reply_text(context, 200, "application/x-pem-file", json_string_value(answer));
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

/* --- reading ------------------------------------------------------------------------------------------------------ */

static void list(struct request *r)
{
	struct trust_service *t = service(r);
	if (t)
		request_reply_json(r, 200, json_pack("{s:o}", "items", key_store_list(t)));
}

static void get(struct request *r)
{
	struct trust_service *t = service(r);
	json_t *row = t ? key_store_row(t, request_param(r, "alias")) : NULL;
	if (row)
		request_reply_json(r, 200, row);
	else if (t)
		request_reply_code(r, E_NOT_FOUND, "The User Key Store holds no key \"%.100s\".", request_param(r, "alias"));
}

static void csr(struct request *r)
{
	struct trust_service *t = service(r);
	if (t)
		key_store_csr(t, request_actor(r), request_param(r, "alias"), reply_pem, r);
}

/* A text of the body that may be left out: ""; false when it is something else, which is answered. */
static bool optional(struct request *r, const char *member, const char **out)
{
	const json_t *given = json_object_get(request_body(r), member);
	*out = json_is_string(given) ? json_string_value(given) : "";
	if (given && !json_is_string(given) && !json_is_null(given)) {
		request_reply_code(r, E_BAD_REQUEST, "%s must be a string.", member);
		return false;
	}
	return true;
}

/* --- making and importing ----------------------------------------------------------------------------------------- */

static void generate(struct request *r)
{
	struct trust_service *t = service(r);
	struct key_request wish;
	struct report report;
	if (!t)
		return;
	report_init(&report, "");
	if (key_request_read(&wish, request_body(r), &report) == 0)
		key_store_generate(t, request_actor(r), &wish, reply_created, r);
	else
		request_reply_report(r, E_INVALID, &report);
	key_request_clear(&wish);
	report_finish(&report);
}

/* The body as JSON: {alias?, pem | pkcs12 (base64), password?}. */
static void import_json(struct request *r, struct trust_service *t)
{
	const char *alias, *pem, *pkcs12, *password;
	struct err e = { 0 };
	if (!optional(r, "alias", &alias) || !optional(r, "pem", &pem) || !optional(r, "pkcs12", &pkcs12) ||
	    !optional(r, "password", &password))
		return;
	gnutls_datum_t encoded = { (unsigned char *)(uintptr_t)pkcs12, (unsigned)strlen(pkcs12) }, bytes = { 0 };
	if (!*pem == !*pkcs12)
		refuse(r, err_set(&e, E_INVALID, "pem", "Give PEM text as pem, or a PKCS#12 file in base64 as pkcs12."), &e);
	else if (*pem)
		key_store_import(t, request_actor(r), alias, pem, strlen(pem), password, reply_created, r);
	else if (gnutls_base64_decode2(&encoded, &bytes) != 0)
		refuse(r, err_set(&e, E_INVALID, "pkcs12", "This is not base64."), &e);
	else
		key_store_import(t, request_actor(r), alias, bytes.data, bytes.size, password, reply_created, r);
	if (bytes.data)
		explicit_bzero(bytes.data, bytes.size);
	gnutls_free(bytes.data);
}

static void import(struct request *r)
{
	size_t length = 0;
	const char *bytes = request_bytes(r, &length), *alias = request_query(r, "alias");
	struct trust_service *t = service(r);
	if (t && request_body(r))
		import_json(r, t);
	else if (t)
		key_store_import(t, request_actor(r), alias ? alias : "", bytes ? bytes : "", length, "", reply_created, r);
}

static void remove_key(struct request *r)
{
	struct trust_service *t = service(r);
	if (t)
		key_store_remove(t, request_actor(r), request_param(r, "alias"), reply_empty, r);
}

/* --- exporting ---------------------------------------------------------------------------------------------------- */

static void export_now(struct request *r)
{
	const char *password;
	struct trust_service *t = service(r);
	if (t && optional(r, "password", &password))
		key_store_export(t, request_actor(r), request_param(r, "alias"), password, reply_pem, r);
}

static void password_checked(void *context, int code, const struct err *e, const char *text)
{
	struct err wrong;
	(void)text;
	if (code == 0)
		export_now(context);
	else if (code == E_UNAUTHORIZED)
		refuse(context, err_set(&wrong, E_INVALID, "currentPassword", "This is not your password."), &wrong);
	else
		request_reply_error(context, e);
}

/* A session may have been left open, or stolen: the password is asked for, unless it was given a moment ago. A token has
 * none, and whoever made it decided what it may do. */
static void export(struct request *r)
{
	const char *current;
	struct err e;
	if (!optional(r, "currentPassword", &current))
		return;
	if (*current)
		user_check_password(request_station(r), request_actor(r), current, password_checked, r);
	else if (strcmp(request_actor(r)->via, "session") != 0 ||
	         user_session_is_fresh(request_station(r), request_cookie(r)))
		export_now(r);
	else
		refuse(r,
		       err_set(&e, E_FORBIDDEN, "currentPassword",
		               "Give your own password as well: it is some time since you have logged in."),
		       &e);
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

#define ITEMS                                                                                                          \
	"{\"type\":\"object\",\"required\":[\"items\"],\"properties\":{\"items\":{\"type\":\"array\",\"items\":{\"type\":" \
	"\"object\"}}}}"
#define ROW "{\"type\":\"object\"}"
#define TEXT(name) "\"" name "\":{\"type\":\"string\"}"
#define IMPORT                                                                                                         \
	"{\"type\":\"object\",\"properties\":{" TEXT("alias") "," TEXT("pem") "," TEXT("pkcs12") "," TEXT("password") "}}"
#define EXPORT "{\"type\":\"object\",\"properties\":{" TEXT("password") "," TEXT("currentPassword") "}}"
#define GENERATE                                                                                                                                                                                                        \
	"{\"type\":\"object\",\"required\":[\"alias\",\"commonName\"],\"properties\":{" TEXT("alias") "," TEXT(                                                                                                             \
	    "commonNam"                                                                                                                                                                                                     \
	    "e") "," TEXT("organizationalUnit") "," TEXT("organization") "," TEXT("locality") "," TEXT("state") "," TEXT("country") "," TEXT("email") "," TEXT("passwo"                                                     \
	                                                                                                                                                       "rd") ",\"sans\":{\"type\":\"array\",\"items\":{\"type\":"   \
	                                                                                                                                                             "\"string\"}},\"keyAlgorithm\":{\"enum\":[\"RSA\","    \
	                                                                                                                                                             "\"EC\",\"Ed25519\"]},\"keySize\":{\"type\":"          \
	                                                                                                                                                             "\"integer\"},\"usage\":{\"enum\":[\"ca\",\"server\"," \
	                                                                                                                                                             "\"client\",\"email\"]},\"days\":{\"type\":"           \
	                                                                                                                                                             "\"integer\"}}}"

const struct route key_routes[] = {
	{ "GET", "/certificates/keys", ROLE_VIEWER, 0, list, "The User Key Store: the station's own certificates.", NULL,
	  ITEMS, NULL },
	{ "GET", "/certificates/keys/{alias}", ROLE_VIEWER, 0, get, "One of the station's own certificates.", NULL, ROW,
	  NULL },
	{ "POST", "/certificates/keys", ROLE_ADMIN, ROUTE_LARGE, import,
	  "Imports a certificate with its private key, from PEM or PKCS#12; or the signed certificate of a key that is "
	  "here.",
	  IMPORT, ROW, "alias" },
	{ "POST", "/certificates/keys/generate", ROLE_ADMIN, 0, generate, "Makes a key and a self-signed certificate.",
	  GENERATE, ROW, NULL },
	{ "GET", "/certificates/keys/{alias}/csr", ROLE_ADMIN, 0, csr, "A certificate request (PKCS#10) for this key.",
	  NULL, NULL, NULL },
	{ "POST", "/certificates/keys/{alias}/csr", ROLE_ADMIN, 0, csr, "A certificate request (PKCS#10) for this key.",
	  NULL, NULL, NULL },
	{ "POST", "/certificates/keys/{alias}/export", ROLE_ADMIN, 0, export,
	  "The chain with its private key, which is encrypted under the password.", EXPORT, NULL, NULL },
	{ "DELETE", "/certificates/keys/{alias}", ROLE_ADMIN, 0, remove_key, "Removes a key with its certificate.", NULL,
	  NULL, NULL },
	{ NULL },
};
