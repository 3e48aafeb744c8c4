/* SPDX-License-Identifier: Apache-2.0
 * A token endpoint may answer with anything: HTML with 200, an error with 200, tokens of no kind that mail knows. Only what
 * is whole counts. Tokens leave the parser's memory for locked memory, and what the parser had is wiped. See token.h. */
#include "services/email/oauth/token.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "station/base/must.h"

#define LIFETIME_USUAL (3600 * SECOND_US) /* when the server does not say (RFC 6749 section 5.1 lets it) */
#define LIFETIME_MAX (366 * 86400 * SECOND_US)
#define TOKEN_MAX 16384 /* bytes; real ones have 2 to 5 kB at most */

/* --- memory ------------------------------------------------------------------------------------------------------- */

/* Overwrites the texts of a document that is about to be freed. */
static void wipe(json_t *json)
{
	const char *key;
	json_t *value;
	json_object_foreach(json, key, value)
	{
		if (json_is_string(value))
			explicit_bzero((char *)(uintptr_t)json_string_value(value), json_string_length(value));
	}
	json_decref(json);
}

static json_t *parse(const struct https_answer *a)
{
	json_t *json = json_loadb(a->body, a->length, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(json))
		return json;
	json_decref(json);
	return NULL;
}

static const char *text_of(const json_t *json, const char *name)
{
	const char *text = json_string_value(json_object_get(json, name));
	return text ? text : "";
}

/* Seconds, which some servers write as a text. */
static int64_t seconds_of(const json_t *json, const char *name, int64_t usual)
{
	const json_t *value = json_object_get(json, name);
	double n = json_is_number(value) ? json_number_value(value) : strtod(text_of(json, name), NULL);
	if (!(n > 0))
		return usual;
	return n < (double)LIFETIME_MAX / 1e6 ? (int64_t)(n * 1e6) : LIFETIME_MAX;
}

/* Tokens go into a line of a dialogue: RFC 6750 section 2.1 and RFC 6749 appendix A allow visible ASCII only. */
static bool token_ok(const char *token)
{
	size_t length = strlen(token);
	for (size_t i = 0; i < length; i++)
		if (token[i] <= ' ' || token[i] > '~')
			return false;
	return length > 0 && length <= TOKEN_MAX;
}

/* --- the sentence ------------------------------------------------------------------------------------------------- */

/* Does a word of the description, longer than any that people use, stand in what was sent? Then it may be a secret. */
static bool repeats(const char *description, const char *form)
{
	char word[64];
	for (const char *p = description; form && *p;) {
		size_t length = strcspn(p, " ,;\"'()");
		size_t most = length < sizeof word - 1 ? length : sizeof word - 1;
		memcpy(word, p, most);
		word[most] = '\0';
		if (length >= 12 && strstr(form, word))
			return true;
		p += length + (p[length] != '\0');
	}
	return false;
}

/* The server's own words, made printable. */
static void describe(const json_t *json, const char *form, char *out, size_t size)
{
	const char *error = text_of(json, "error"), *description = text_of(json, "error_description");
	int n = snprintf(out, size, "%.60s", error);
	if (*description && !repeats(description, form) && n > 0 && (size_t)n < size)
		snprintf(out + n, size - (size_t)n, ": %.200s", description);
	for (char *p = out; *p; p++)
		if ((unsigned char)*p < ' ' || (unsigned char)*p > '~')
			*p = ' ';
}

static const struct {
	const char *error;
	enum token_outcome outcome;
	int code;
	const char *advice;
} errors[] = {
	{ "authorization_pending", TOKEN_PENDING, E_AUTH, "Enter the code at the authorization server." },
	{ "slow_down", TOKEN_SLOW_DOWN, E_AUTH, "Enter the code at the authorization server." },
	{ "expired_token", TOKEN_ENDED, E_AUTH, "The code was not entered in time. Authorize again." },
	{ "access_denied", TOKEN_DENIED, E_AUTH,
	  "The permission was denied at the authorization server. Authorize again." },
	{ "invalid_grant", TOKEN_ENDED, E_AUTH, "The permission has ended or was withdrawn. Authorize again." },
	{ "interaction_required", TOKEN_ENDED, E_AUTH, "The authorization server wants a person. Authorize again." },
	{ "invalid_client", TOKEN_REFUSED, E_AUTH, "Check clientId and the secret or certificate; they may have expired." },
	{ "unauthorized_client", TOKEN_REFUSED, E_AUTH,
	  "Allow this client this kind of grant at the authorization server." },
	{ "unsupported_grant_type", TOKEN_REFUSED, E_AUTH,
	  "The server does not know this kind of grant; choose another authenticator." },
	{ "invalid_scope", TOKEN_REFUSED, E_AUTH, "Check scope." },
	{ "invalid_request", TOKEN_REFUSED, E_AUTH, "Check the properties of the authenticator." },
	{ "temporarily_unavailable", TOKEN_FAILED, E_DEFERRED, "It is tried again." },
};

static enum token_outcome judge_error(const json_t *json, const struct https_answer *a, const char *form, struct err *e)
{
	char said[300];
	describe(json, form, said, sizeof said);
	for (size_t i = 0; a->status < 500 && a->status != 429 && i < ARRAY_SIZE(errors); i++)
		if (strcmp(errors[i].error, text_of(json, "error")) == 0) {
			err_set(e, errors[i].code, NULL, "The authorization server says %s. %s", said, errors[i].advice);
			return errors[i].outcome;
		}
	err_set(e, E_DEFERRED, NULL, "The authorization server answered %d%s%s. It is tried again.", a->status,
	        *said ? ", " : "", said);
	return TOKEN_FAILED;
}

/* --- tokens ------------------------------------------------------------------------------------------------------- */

static int take_tokens(const json_t *json, struct token_answer *t)
{
	const char *access = text_of(json, "access_token"), *refresh = text_of(json, "refresh_token");
	const char *type = text_of(json, "token_type");
	if (!token_ok(access) || (*refresh && !token_ok(refresh)))
		return err_set(&t->err, E_PROTOCOL, NULL, "The authorization server's answer has no usable token in it.");
	if (strcasecmp(type, "Bearer") != 0)
		return err_set(&t->err, E_PROTOCOL, NULL,
		               "The authorization server gives tokens of the type \"%.40s\"; mail servers "
		               "take bearer tokens.",
		               type);
	t->access_token = secret_lock(access, strlen(access));
	t->refresh_token = *refresh ? secret_lock(refresh, strlen(refresh)) : NULL;
	t->lifetime = seconds_of(json, "expires_in", LIFETIME_USUAL);
	t->grant_lifetime = seconds_of(json, "refresh_token_expires_in", 0);
	t->outcome = TOKEN_GRANTED;
	return 0;
}

void token_judge(const struct https_answer *a, const char *form, struct token_answer *t)
{
	*t = (struct token_answer){ .outcome = TOKEN_FAILED, .err = a->err };
	if (a->err.code != 0)
		return;
	json_t *json = parse(a);
	if (!json)
		err_set(&t->err, E_PROTOCOL, NULL,
		        "The token endpoint answered %d with %s instead of tokens. Is a proxy or a login "
		        "page in between?",
		        a->status, *a->type ? a->type : "nothing");
	else if (a->status == 200 && !json_object_get(json, "error"))
		take_tokens(json, t);
	else
		t->outcome = judge_error(json, a, form, &t->err);
	wipe(json);
}

void token_finish(struct token_answer *t)
{
	secret_wipe(&t->access_token);
	secret_wipe(&t->refresh_token);
}

/* --- device codes ------------------------------------------------------------------------------------------------- */

static int take_device(const json_t *json, struct device_answer *d, struct err *e)
{
	const char *code = text_of(json, "device_code"), *user_code = text_of(json, "user_code");
	const char *where = text_of(json, "verification_uri"), *whole = text_of(json, "verification_uri_complete");
	if (!*where)
		where = text_of(json, "verification_url"); /* Google's name of it */
	bool shown = *user_code && strlen(user_code) < sizeof d->user_code && token_ok(user_code);
	if (!token_ok(code) || !shown || https_url_check(where, NULL, NULL, e) != 0 ||
	    (*whole && https_url_check(whole, NULL, NULL, e) != 0))
		return err_set(e, E_PROTOCOL, NULL, "The authorization server's answer has no usable device code in it.");
	snprintf(d->user_code, sizeof d->user_code, "%s", user_code);
	d->device_code = secret_lock(code, strlen(code));
	d->verification = must_strdup(where);
	d->verification_whole = must_strdup(whole);
	d->lifetime = seconds_of(json, "expires_in", 600 * SECOND_US);
	d->interval = seconds_of(json, "interval", 5 * SECOND_US);
	return 0;
}

int device_judge(const struct https_answer *a, struct device_answer *d, struct err *e)
{
	*d = (struct device_answer){ .lifetime = 0 };
	if (a->err.code != 0) {
		*e = a->err;
		return a->err.code;
	}
	json_t *json = parse(a);
	int rc = 0;
	if (!json)
		rc = err_set(e, E_PROTOCOL, NULL, "The device authorization endpoint answered %d with %s instead of a code.",
		             a->status, *a->type ? a->type : "nothing");
	else if (a->status == 200 && !json_object_get(json, "error"))
		rc = take_device(json, d, e);
	else
		rc = (judge_error(json, a, NULL, e), e->code);
	wipe(json);
	return rc;
}

void device_finish(struct device_answer *d)
{
	secret_wipe(&d->device_code);
	free(d->verification);
	free(d->verification_whole);
	*d = (struct device_answer){ .lifetime = 0 };
}
