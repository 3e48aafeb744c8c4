/* SPDX-License-Identifier: Apache-2.0
 * The document is read once and kept by the authenticator. Its issuer must be the endpoint that was asked, or another
 * server could pass itself off as this one (RFC 8414 section 3.3). See metadata.h. */
#include "services/email/oauth/metadata.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "services/email/oauth/https.h"
#include "station/base/must.h"

/* Length without slashes at the end. */
static size_t bare(const char *url)
{
	size_t length = strlen(url);
	while (length > 0 && url[length - 1] == '/')
		length--;
	return length;
}

char *metadata_place(const char *endpoint, int which)
{
	const char *path = strlen(endpoint) > 8 ? strchr(endpoint + 8, '/') : NULL;
	int length = (int)bare(endpoint), host = path ? (int)(path - endpoint) : length;
	if (which == 0) /* OpenID Connect: behind the path */
		return must_format("%.*s/.well-known/openid-configuration", length, endpoint);
	if (which == 1) /* RFC 8414: in front of it */
		return must_format("%.*s/.well-known/oauth-authorization-server%.*s", host, endpoint,
		                   length > host ? length - host : 0, endpoint + host);
	return NULL;
}

/* --- the issuer --------------------------------------------------------------------------------------------------- */

/* Microsoft's documents name the tenant by its number, whatever name it was asked by. The host is then what counts: all
 * tenants there are Microsoft's own. */
static const char *const tenant_hosts[] = {
	"https://login.microsoftonline.com/",
	"https://login.microsoftonline.us/",
	"https://login.partner.microsoftonline.cn/",
};

static bool issuer_ok(const char *issuer, const char *endpoint)
{
	size_t length = bare(endpoint);
	if (bare(issuer) == length && strncmp(issuer, endpoint, length) == 0)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(tenant_hosts); i++) {
		size_t host = strlen(tenant_hosts[i]);
		if (strncmp(endpoint, tenant_hosts[i], host) == 0 && strncmp(issuer, tenant_hosts[i], host) == 0)
			return true;
	}
	return false;
}

/* --- the document ------------------------------------------------------------------------------------------------- */

static int address(const json_t *json, const char *name, bool required, char **out, struct err *e)
{
	const char *url = json_string_value(json_object_get(json, name));
	struct err why;
	if (!url)
		return !required ? 0
		                 : err_set(e, E_PROTOCOL, "authServerMetadataEndpoint",
		                           "The authorization server's metadata name no %s.", name);
	if (https_url_check(url, NULL, NULL, &why) != 0)
		return err_set(e, E_PROTOCOL, "authServerMetadataEndpoint",
		               "The authorization server's metadata have a %s that is not asked: %.200s", name, why.text);
	*out = must_strdup(url);
	return 0;
}

static bool lists(const json_t *json, const char *name, const char *word)
{
	size_t i;
	json_t *item;
	json_array_foreach(json_object_get(json, name), i, item)
	{
		if (json_is_string(item) && strcmp(json_string_value(item), word) == 0)
			return true;
	}
	return false;
}

static int read_document(const json_t *json, const char *endpoint, struct oauth_metadata *m, struct err *e)
{
	const char *issuer = json_string_value(json_object_get(json, "issuer"));
	if (!json_is_object(json) || !issuer)
		return err_set(
		    e, E_PROTOCOL, "authServerMetadataEndpoint",
		    "What was found at %.160s is no metadata document of an authorization server. Check the address.",
		    endpoint);
	if (!issuer_ok(issuer, endpoint))
		return err_set(
		    e, E_PROTOCOL, "authServerMetadataEndpoint",
		    "The authorization server calls itself \"%.120s\", not \"%.120s\". Enter the address by which it "
		    "calls itself, if you know it.",
		    issuer, endpoint);
	m->issuer = must_strdup(issuer);
	const struct {
		const char *name;
		bool required;
		char **out;
	} addresses[] = {
		{ "token_endpoint", true, &m->token_endpoint },
		{ "authorization_endpoint", false, &m->authorization_endpoint },
		{ "device_authorization_endpoint", false, &m->device_authorization_endpoint },
		{ "revocation_endpoint", false, &m->revocation_endpoint },
	};
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(addresses); i++)
		rc = address(json, addresses[i].name, addresses[i].required, addresses[i].out, e);
	m->secret_in_form = lists(json, "token_endpoint_auth_methods_supported", "client_secret_post") &&
	    !lists(json, "token_endpoint_auth_methods_supported", "client_secret_basic");
	m->names_issuer = json_is_true(json_object_get(json, "authorization_response_iss_parameter_supported"));
	return rc;
}

int metadata_parse(const char *text, size_t length, const char *endpoint, struct oauth_metadata *m, struct err *e)
{
	json_t *json = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
	*m = (struct oauth_metadata){ .issuer = NULL };
	int rc = read_document(json, endpoint, m, e);
	json_decref(json);
	if (rc != 0)
		metadata_finish(m);
	return rc;
}

void metadata_finish(struct oauth_metadata *m)
{
	free(m->issuer);
	free(m->authorization_endpoint);
	free(m->token_endpoint);
	free(m->device_authorization_endpoint);
	free(m->revocation_endpoint);
	*m = (struct oauth_metadata){ .issuer = NULL };
}
