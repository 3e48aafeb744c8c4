/* SPDX-License-Identifier: Apache-2.0
 * What an authorization server says of itself: its metadata document (RFC 8414; OpenID Connect Discovery 1.0 section 3).
 * Pure: text in, addresses out. Any thread. */
#ifndef BELFRY_OAUTH_METADATA_H
#define BELFRY_OAUTH_METADATA_H

#include <stdbool.h>

#include "station/base/err.h"

struct oauth_metadata {
	char *issuer, *authorization_endpoint, *token_endpoint, *device_authorization_endpoint, *revocation_endpoint;
	bool secret_in_form; /* client_secret_post, because client_secret_basic, which all should know, is not offered */
	bool names_issuer;   /* answers of the authorization endpoint carry iss (RFC 9207) */
};

/* The addresses where the document may be, in the order to try them; owned, NULL beyond the last. endpoint is the property
 * authServerMetadataEndpoint, which has no /.well-known in it. */
enum { METADATA_PLACES = 2 };
char *metadata_place(const char *endpoint, int which);

/* Reads a document. Refused: no JSON object, another issuer than the endpoint, a token endpoint that is missing, an address
 * without https. 0, or E_PROTOCOL with a sentence; *m holds nothing then. */
int metadata_parse(const char *text, size_t length, const char *endpoint, struct oauth_metadata *m, struct err *e);
void metadata_finish(struct oauth_metadata *m);

#endif
