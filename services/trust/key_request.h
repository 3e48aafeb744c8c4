/* SPDX-License-Identifier: Apache-2.0
 * What somebody wants a new key and its certificate to be: read from JSON by one table, checked as a whole. Plain data,
 * any thread. */
#ifndef BELFRY_TRUST_KEY_REQUEST_H
#define BELFRY_TRUST_KEY_REQUEST_H

#include "station/store/record.h"

enum key_algorithm { KEY_RSA, KEY_EC, KEY_ED25519 };
/* What a certificate of ours is for: basic constraints, key usage and extended key usage follow from it (key_usage.h). */
enum key_usage_of { USAGE_CA, USAGE_SERVER, USAGE_CLIENT, USAGE_EMAIL };
extern const struct tag key_usage_range[];

struct key_request {
	char *alias, *commonName, *organizationalUnit, *organization, *locality, *state, *country, *email;
	struct list sans; /* texts: a DNS name, an address, a mail address, a URI */
	int keyAlgorithm, usage;
	int64_t keySize, days; /* keySize in bits; 0: the usual one */
	char *password;        /* for exports; "": none */
};
extern const struct record_kind key_request_kind; /* of no table */

/* Fills *r (also after an error: record_finish gives it back, key_request_clear wipes the password too). Pointers are
 * "/commonName". 0 or E_INVALID with everything that is wrong in report. */
int key_request_read(struct key_request *r, const json_t *json, struct report *report);
void key_request_clear(struct key_request *r);

/* 0 or E_INVALID: an alias has at most ALIAS_MAX bytes, no '/' and no control characters; "" is left to the caller. */
#define ALIAS_MAX 120
int alias_check(const char *alias, struct err *e);

#endif
