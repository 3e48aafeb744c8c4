/* SPDX-License-Identifier: Apache-2.0
 * The texts of a request: addresses that may be asked, forms, the Authorization header. Secrets are written into locked
 * memory only. See https.h. */
#include <curl/curl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "services/email/oauth/https.h"
#include "station/base/must.h"

/* --- addresses ---------------------------------------------------------------------------------------------------- */

/* A part of the address, or NULL. Owned by curl. */
static char *part(CURLU *u, CURLUPart what, unsigned flags)
{
	char *text = NULL;
	return curl_url_get(u, what, &text, flags) == CURLUE_OK ? text : NULL;
}

/* Copies name without the brackets of an IPv6 address. */
static void bare_host(const char *name, char host[256])
{
	size_t bracket = *name == '[', length = strlen(name);
	snprintf(host, 256, "%.*s", (int)(length - 2 * bracket), name + bracket);
}

/* Fills host and port; false when the address may not be asked. */
static bool acceptable(CURLU *u, const char *url, char *host, int *port)
{
	char *name = part(u, CURLUPART_HOST, 0), *number = part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT);
	char *user = part(u, CURLUPART_USER, 0), *fragment = part(u, CURLUPART_FRAGMENT, 0);
	bool ok = name && strlen(name) < 256 && !user && !fragment && strncmp(url, "https://", 8) == 0;
	if (ok && host)
		bare_host(name, host);
	if (ok && port)
		*port = number ? (int)strtol(number, NULL, 10) : 443;
	curl_free(name);
	curl_free(number);
	curl_free(user);
	curl_free(fragment);
	return ok;
}

int https_url_check(const char *url, char *host, int *port, struct err *e)
{
	CURLU *u = curl_url();
	must(u);
	CURLUcode code = curl_url_set(u, CURLUPART_URL, url, 0);
	bool ok = code == CURLUE_OK && acceptable(u, url, host, port);
	curl_url_cleanup(u);
	if (code != CURLUE_OK)
		return err_set(e, E_INVALID, NULL, "\"%.120s\" is no address such as https://login.example.com/tenant: %s.",
		               url, curl_url_strerror(code));
	return ok ? 0
	          : err_set(e, E_INVALID, NULL,
	                    "\"%.120s\" is no address of an authorization server: it begins with https:// "
	                    "and has no user name and no #.",
	                    url);
}

/* --- forms -------------------------------------------------------------------------------------------------------- */

/* Bytes that stand for themselves; every other one becomes three. */
static bool plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("-._~", c));
}

static size_t encoded_length(const char *text)
{
	size_t length = 0;
	for (const char *p = text; *p; p++)
		length += plain(*p) ? 1 : 3;
	return length;
}

/* Writes behind out; returns where it ends. */
static char *encode(char *out, const char *text)
{
	static const char digits[] = "0123456789ABCDEF";
	for (const char *p = text; *p; p++) {
		if (plain(*p)) {
			*out++ = *p;
			continue;
		}
		*out++ = '%';
		*out++ = digits[(unsigned char)*p >> 4];
		*out++ = digits[(unsigned char)*p & 15];
	}
	return out;
}

char *https_form(const struct form_pair *pairs)
{
	size_t length = 0;
	for (const struct form_pair *p = pairs; p->name; p++)
		length += p->value ? strlen(p->name) + encoded_length(p->value) + 2 : 0;
	char *form = secret_room(length), *out = form;
	for (const struct form_pair *p = pairs; p->name; p++) {
		if (!p->value)
			continue;
		if (out != form)
			*out++ = '&';
		out = encode(out, p->name);
		*out++ = '=';
		out = encode(out, p->value);
	}
	return form;
}

char *https_basic(const char *user, const char *password)
{
	static const char scheme[] = "Basic ";
	size_t length = encoded_length(user) + 1 + encoded_length(password);
	char *pair = secret_room(length), *out = encode(pair, user);
	*out++ = ':';
	encode(out, password);
	size_t size = sodium_base64_ENCODED_LEN(length, sodium_base64_VARIANT_ORIGINAL);
	char *value = secret_room(sizeof scheme + size);
	memcpy(value, scheme, sizeof scheme - 1);
	sodium_bin2base64(value + sizeof scheme - 1, size, (const unsigned char *)pair, length,
	                  sodium_base64_VARIANT_ORIGINAL);
	secret_wipe(&pair);
	return value;
}
