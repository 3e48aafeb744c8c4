/* SPDX-License-Identifier: Apache-2.0
 * Reading and checking the wish for a new key: see key_request.h. The bounds of the names are those of RFC 5280,
 * appendix A. */
#include "services/trust/key_request.h"

#include <stdlib.h>
#include <string.h>

#include "services/trust/certificate.h"
#include "station/base/must.h"

#define SANS_MAX 64
#define DAYS_MAX 7300

static const struct tag algorithms[] = {
	{ KEY_RSA, "RSA", "Understood by everything; slow to make." },
	{ KEY_EC, "EC", "On a NIST curve: short and quick." },
	{ KEY_ED25519, "Ed25519", "Short and quick; older peers and browsers do not know it." },
	{ 0, NULL, NULL },
};
const struct tag key_usage_range[] = {
	{ USAGE_CA, "ca", "Signs other certificates." },
	{ USAGE_SERVER, "server", "A TLS server shows it." },
	{ USAGE_CLIENT, "client", "This station shows it when it connects." },
	{ USAGE_EMAIL, "email", "Signs and decrypts mail (S/MIME)." },
	{ 0, NULL, NULL },
};

#define NAME(field, most, what)                                                                                        \
	SLOT(struct key_request, field, STRING, .facets = FACETS(.maxLength = (most)), .doc = what)
static const struct slot slots[] = {
	SLOT(struct key_request, alias, STRING, .flags = SLOT_REQUIRED, .facets = FACETS(.maxLength = ALIAS_MAX),
	     .doc = "Name in the User Key Store."),
	SLOT(struct key_request, commonName, STRING, .flags = SLOT_REQUIRED, .facets = FACETS(.maxLength = 64),
	     .doc = "Whose certificate it is: a host's name, a person's name."),
	NAME(organizationalUnit, 64, "Department."),
	NAME(organization, 64, "Company."),
	NAME(locality, 64, "Town."),
	NAME(state, 64, "State or province."),
	NAME(country, 2, "Two letters of ISO 3166: DE."),
	NAME(email, 254, "Mail address that the certificate is made out to."),
	SLOT(struct key_request, sans, LIST, .element = V_STRING, .facets = FACETS(.maxLength = SANS_MAX),
	     .doc = "Further names that it is made out to: DNS names, addresses, mail addresses, URIs."),
	SLOT(struct key_request, keyAlgorithm, ENUM, .dflt = "EC", .facets = FACETS(.range = algorithms),
	     .doc = "Kind of the key."),
	SLOT(struct key_request, keySize, INTEGER, .facets = FACETS(.max = 8192),
	     .doc = "Size in bits: RSA 2048, 3072, 4096; EC 256, 384, 521; 0: the usual one."),
	SLOT(struct key_request, usage, ENUM, .dflt = "client", .facets = FACETS(.range = key_usage_range),
	     .doc = "What the certificate is for."),
	SLOT(struct key_request, days, INTEGER, .dflt = "365", .facets = FACETS(.min = 1, .max = DAYS_MAX),
	     .doc = "Days that it is valid."),
	NAME(password, 256, "Encrypts the private key in exports that name no password of their own."),
	SLOT_END,
};
const struct record_kind key_request_kind = { "keyRequest", "What a new key shall be.", sizeof(struct key_request),
	                                          slots, false };

int alias_check(const char *alias, struct err *e)
{
	size_t length = strlen(alias);
	char *clean = certificate_clean_text(alias, length, ALIAS_MAX);
	bool good = strcmp(clean, alias) == 0 && !strchr(alias, '/') && strcmp(alias, ".") != 0 && strcmp(alias, "..") != 0;
	free(clean);
	return good ? 0
	            : err_set(e, E_INVALID, "alias", "An alias has at most %d bytes, no \"/\" and no control characters.",
	                      ALIAS_MAX);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static void read_member(struct key_request *r, const json_t *json, const struct slot *slot, struct report *report)
{
	const json_t *given = json_object_get(json, slot->name);
	struct value v = VALUE_NULL;
	if ((!given || json_is_null(given)) && slot->flags & SLOT_REQUIRED)
		report_error(report, E_INVALID, slot->name, "\"%s\" is missing: %s", slot->name, slot->doc);
	else if (given && !json_is_null(given) && value_from_json(slot, given, NULL, slot->name, &v, report) == 0)
		slot_write(slot, r, &v);
	value_clear(&v);
}

static void find_unknown(const json_t *json, struct report *report)
{
	const char *key;
	json_t *item;
	json_object_foreach((json_t *)(uintptr_t)json, key, item)
	{
		(void)item;
		if (!slots_find(slots, key))
			report_error(report, E_INVALID, key, "There is no member \"%.60s\" here.", key);
	}
}

/* --- checking ----------------------------------------------------------------------------------------------------- */

static bool is_clean(const char *text)
{
	char *clean = certificate_clean_text(text, strlen(text), strlen(text));
	bool same = strcmp(clean, text) == 0;
	free(clean);
	return same;
}

static void check_texts(const struct key_request *r, struct report *report)
{
	for (const struct slot *s = slots; s->name; s++) {
		const char *text = s->kind == V_STRING ? *(char *const *)(const void *)((const char *)r + s->offset) : "";
		if (strcmp(s->name, "password") != 0 && !is_clean(text))
			report_error(report, E_INVALID, s->name, "No control characters are allowed here.");
	}
	for (uint32_t i = 0; i < r->sans.count; i++) {
		const char *text = r->sans.items[i].text;
		char pointer[32];
		snprintf(pointer, sizeof pointer, "sans/%u", i);
		if (!*text || strlen(text) > 254 || !is_clean(text) || strchr(text, ' '))
			report_error(report, E_INVALID, pointer, "A name, an address, a mail address or a URI is expected here.");
	}
}

static void check_names(const struct key_request *r, struct report *report)
{
	struct err e = { 0 };
	if (!*r->alias || alias_check(r->alias, &e) != 0)
		report_error(report, E_INVALID, "alias", "%s", *r->alias ? e.text : "An alias is needed.");
	if (!*r->commonName || strpbrk(r->commonName, "*?"))
		report_error(report, E_INVALID, "commonName", "A common name is needed; it may not contain \"*\" or \"?\".");
	if (*r->country && strspn(r->country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 2)
		report_error(report, E_INVALID, "country", "Two capital letters are expected here, as DE.");
	if (*r->email && (!strchr(r->email, '@') || strchr(r->email, ' ')))
		report_error(report, E_INVALID, "email", "A mail address is expected here, as plant@example.com.");
	if (r->usage == USAGE_EMAIL && !*r->email)
		report_error(report, E_INVALID, "email", "A certificate for mail needs the address that it is made out to.");
}

/* The sizes of each algorithm, the usual one first. */
static const int sizes[][3] = {
	[KEY_RSA] = { 3072, 2048, 4096 }, [KEY_EC] = { 256, 384, 521 }, [KEY_ED25519] = { 256, 255, 0 }
};

static void check_size(struct key_request *r, struct report *report)
{
	const int *of = sizes[r->keyAlgorithm];
	if (r->keySize == 0)
		r->keySize = of[0];
	if (r->keySize != of[0] && r->keySize != of[1] && r->keySize != of[2])
		report_error(report, E_INVALID, "keySize", "%s", slots_find(slots, "keySize")->doc);
	if (r->keyAlgorithm == KEY_ED25519 && r->usage == USAGE_EMAIL)
		report_error(report, E_INVALID, "keyAlgorithm", "Mail programs do not read Ed25519 keys; take RSA or EC.");
}

int key_request_read(struct key_request *r, const json_t *json, struct report *report)
{
	record_init(&key_request_kind, r);
	if (!json_is_object(json)) {
		report_error(report, E_INVALID, "", "An object is expected here.");
		return E_INVALID;
	}
	find_unknown(json, report);
	for (const struct slot *s = slots; s->name; s++)
		read_member(r, json, s, report);
	if (report->errors == 0) {
		check_texts(r, report);
		check_names(r, report);
		check_size(r, report);
	}
	return report->errors > 0 ? E_INVALID : 0;
}

void key_request_clear(struct key_request *r)
{
	if (r->password)
		explicit_bzero(r->password, strlen(r->password));
	record_finish(&key_request_kind, r);
}
