/* SPDX-License-Identifier: Apache-2.0
 * The User Key Store over REST (DESIGN section 8): keys are made, imported, signed by others, exported and removed by
 * admins. A private key leaves only encrypted, and a browser's session has to prove anew whose it is. Engine thread;
 * answers come when the change is durable. */
#include <string.h>

#include <gnutls/gnutls.h>

#include "services/trust/key_store.h"
#include "services/user/user.h"
#include "station/base/must.h"
#include "web/session_cookie.h"
#include "web/trust_answer.h"

/* --- answers ------------------------------------------------------------------------------------------------------ */

static void answer_created(void *context, int code, const struct err *e, const json_t *answer)
{
	if (code == 0)
		request_reply_created(context, "/certificates/keys", json_string_value(json_object_get(answer, "alias")),
		                      json_deep_copy(answer));
	else
		request_reply_error(context, e);
}

/* What is wrong with a member of the body. */
static void refuse(struct request *r, int code, const char *member, const char *sentence)
{
	struct err e = { 0 };
	err_set(&e, code, member, "%s", sentence);
	request_reply_error(r, &e);
}

static void answer_pem(void *context, int code, const struct err *e, const json_t *answer)
{
	if (code == 0)
		request_reply_text(context, 200, "application/x-pem-file", json_string_value(answer));
	else
		request_reply_error(context, e);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static void list(struct request *r)
{
	struct trust_service *t = trust_or_answer(r);
	if (t)
		request_reply_page(r, key_store_list(t), NULL);
}

static void get(struct request *r)
{
	struct trust_service *t = trust_or_answer(r);
	json_t *row = t ? key_store_row(t, request_param(r, "alias")) : NULL;
	if (row)
		request_reply_json(r, 200, row);
	else if (t)
		request_reply_code(r, E_NOT_FOUND, "The User Key Store holds no key \"%.100s\".", request_param(r, "alias"));
}

static void csr(struct request *r)
{
	struct trust_service *t = trust_or_answer(r);
	if (t)
		key_store_csr(t, request_actor(r), request_param(r, "alias"), answer_pem, r);
}

/* --- making and importing ----------------------------------------------------------------------------------------- */

static void generate(struct request *r)
{
	struct trust_service *t = trust_or_answer(r);
	struct key_request wish;
	struct report report;
	if (!t)
		return;
	report_init(&report, "");
	if (key_request_read(&wish, request_body(r), &report) == 0)
		key_store_generate(t, request_actor(r), &wish, answer_created, r);
	else
		request_reply_report(r, E_INVALID, &report);
	key_request_clear(&wish);
	report_finish(&report);
}

/* The body as JSON: {alias?, pem | pkcs12 (base64), password?}. */
static void import_json(struct request *r, struct trust_service *t)
{
	const char *alias, *pem, *pkcs12, *password;
	if (!request_optional(r, "alias", &alias) || !request_optional(r, "pem", &pem) ||
	    !request_optional(r, "pkcs12", &pkcs12) || !request_optional(r, "password", &password))
		return;
	gnutls_datum_t encoded = { (unsigned char *)(uintptr_t)pkcs12, (unsigned)strlen(pkcs12) }, bytes = { 0 };
	if (!*pem == !*pkcs12)
		refuse(r, E_INVALID, "pem", "Give PEM text as pem, or a PKCS#12 file in base64 as pkcs12.");
	else if (*pem)
		key_store_import(t, request_actor(r), alias, pem, strlen(pem), password, answer_created, r);
	else if (gnutls_base64_decode2(&encoded, &bytes) != 0)
		refuse(r, E_INVALID, "pkcs12", "This is not base64.");
	else
		key_store_import(t, request_actor(r), alias, bytes.data, bytes.size, password, answer_created, r);
	if (bytes.data)
		explicit_bzero(bytes.data, bytes.size);
	gnutls_free(bytes.data);
}

static void import(struct request *r)
{
	size_t length = 0;
	const char *bytes = request_bytes(r, &length), *alias = request_query(r, "alias");
	struct trust_service *t = trust_or_answer(r);
	if (t && request_body(r))
		import_json(r, t);
	else if (t)
		key_store_import(t, request_actor(r), alias ? alias : "", bytes ? bytes : "", length, "", answer_created, r);
}

static void remove_key(struct request *r)
{
	struct trust_service *t = trust_or_answer(r);
	if (t)
		key_store_remove(t, request_actor(r), request_param(r, "alias"), answer_empty, r);
}

/* --- exporting ---------------------------------------------------------------------------------------------------- */

/* As an import takes it. */
static void answer_pkcs12(void *context, int code, const struct err *e, const json_t *answer)
{
	if (code == 0)
		request_reply_json(context, 200, json_pack("{s:O}", "pkcs12", answer));
	else
		request_reply_error(context, e);
}

static void export_now(struct request *r)
{
	const char *password, *format;
	struct trust_service *t = trust_or_answer(r);
	if (!t || !request_optional(r, "password", &password) || !request_optional(r, "format", &format))
		return;
	bool pkcs12 = strcmp(format, "pkcs12") == 0;
	if (*format && !pkcs12 && strcmp(format, "pem") != 0)
		refuse(r, E_INVALID, "format", "Say pem or pkcs12.");
	else
		key_store_export(t, request_actor(r), request_param(r, "alias"), pkcs12 ? KEY_PKCS12 : KEY_PEM, password,
		                 pkcs12 ? answer_pkcs12 : answer_pem, r);
}

static void password_checked(void *context, int code, const struct err *e, const char *text)
{
	(void)text;
	if (code == 0)
		export_now(context);
	else if (code == E_UNAUTHORIZED)
		refuse(context, E_INVALID, "currentPassword", "This is not your password.");
	else
		request_reply_error(context, e);
}

/* A session may have been left open, or stolen: the password is asked for, unless it was given a moment ago. A token has
 * none, and whoever made it decided what it may do. */
static void export(struct request *r)
{
	const char *current;
	if (!request_optional(r, "currentPassword", &current))
		return;
	if (*current)
		user_check_password(request_station(r), request_actor(r), current, password_checked, r);
	else if (strcmp(request_actor(r)->via, "session") != 0 ||
	         user_session_is_fresh(request_station(r), request_cookie(r)))
		export_now(r);
	else
		refuse(r, E_FORBIDDEN, "currentPassword",
		       "Give your own password as well: it is some time since you have logged in.");
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

/* clang-format off */
#define IMPORT OBJECT(TEXT("alias") "," TEXT("pem") "," TEXT("pkcs12") "," TEXT("password"))
#define EXPORT OBJECT(TEXT("password") "," TEXT("currentPassword") ",\"format\":{\"enum\":[\"pem\",\"pkcs12\"]}")
#define GENERATE                                                                                                       \
	OBJECT_WITH("\"alias\",\"commonName\"",                                                                            \
		TEXT("alias") "," TEXT("commonName") "," TEXT("organizationalUnit") "," TEXT("organization") ","               \
		TEXT("locality") "," TEXT("state") "," TEXT("country") "," TEXT("email") "," TEXT("password") ","              \
		"\"sans\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"                                               \
		"\"keyAlgorithm\":{\"enum\":[\"RSA\",\"EC\",\"Ed25519\"]},\"keySize\":{\"type\":\"integer\"},"                   \
		"\"usage\":{\"enum\":[\"ca\",\"server\",\"client\",\"email\"]},\"days\":{\"type\":\"integer\"}")
/* clang-format on */

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
	  "The chain with its private key, which is encrypted under the password: as PEM, or as {pkcs12: base64}.", EXPORT,
	  NULL, NULL },
	{ "DELETE", "/certificates/keys/{alias}", ROLE_ADMIN, 0, remove_key, "Removes a key with its certificate.", NULL,
	  NULL, NULL },
	{ NULL },
};
