/* SPDX-License-Identifier: Apache-2.0
 * What all OAuth authenticators can do: fill in what is known of a provider, and disconnect. The providers are a table.
 * Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "services/email/account/account.h"
#include "services/email/email.h"
#include "services/email/oauth/oauth_inside.h"
#include "station/base/must.h"

/* --- the providers ------------------------------------------------------------------------------------------------ */

enum { PRESET_GENERIC, PRESET_MICROSOFT, PRESET_GMAIL };
static const struct tag preset_range[] = {
	{ PRESET_GENERIC, "generic",
	  "Any authorization server: only the scope is filled in; the endpoint is yours to enter." },
	{ PRESET_MICROSOFT, "microsoft365", "Microsoft 365 and Outlook. Replace \"organizations\" by your tenant." },
	{ PRESET_GMAIL, "gmail", "Gmail and Google Workspace. Google gives no device codes for mail." },
	{ 0, NULL, NULL },
};
/* By preset. scope_alone: when the station asks on its own. smtp and imap: for the account's server; "" leaves it. */
static const struct preset {
	const char *endpoint, *scope_smtp, *scope_imap, *scope_alone, *mechanism;
	struct {
		const char *hostname;
		bool useSsl, useStartTls;
	} smtp, imap;
} presets[] = {
	[PRESET_GENERIC] = { "",
	                     "openid offline_access",
	                     "openid offline_access",
	                     "",
	                     "auto",
	                     { "", false, false },
	                     { "", false, false } },
	[PRESET_MICROSOFT] = { "https://login.microsoftonline.com/organizations/v2.0",
	                       "https://outlook.office.com/SMTP.Send offline_access",
	                       "https://outlook.office.com/IMAP.AccessAsUser.All offline_access",
	                       "https://outlook.office365.com/.default",
	                       "xoauth2",
	                       { "smtp.office365.com", false, true },
	                       { "outlook.office365.com", true, false } },
	[PRESET_GMAIL] = { "https://accounts.google.com",
	                   "https://mail.google.com/",
	                   "https://mail.google.com/",
	                   "https://mail.google.com/",
	                   "xoauth2",
	                   { "smtp.gmail.com", true, false },
	                   { "imap.gmail.com", true, false } },
};

/* --- usePreset ---------------------------------------------------------------------------------------------------- */

static void preset_done(void *context, int code, const struct report *report, uint64_t added)
{
	struct invocation *inv = context;
	(void)added;
	report_first(report, &inv->err);
	invocation_done(inv, code);
}

static void set_server(struct batch *b, const struct component *account, const struct preset *p)
{
	bool outgoing = component_is(account, &email_outgoing_account);
	const char *host = outgoing ? p->smtp.hostname : p->imap.hostname;
	if (!*host)
		return;
	json_t *values = json_pack("{s:s, s:i, s:b, s:b}", "hostname", host, "port", -1, "useSsl",
	                           outgoing ? p->smtp.useSsl : p->imap.useSsl, "useStartTls",
	                           outgoing ? p->smtp.useStartTls : p->imap.useStartTls);
	batch_set_json(b, account->handle, values, "");
	json_decref(values);
}

static int use_preset(struct component *c, struct invocation *inv)
{
	const struct preset *p = &presets[inv->arg->ordinal];
	struct oauth_authenticator *a = oauth_of(c);
	const struct actor station = { .user = "" };
	struct batch *b = batch_new(c->station, inv->actor ? inv->actor : &station);
	struct email_account *account = account_of(c->parent);
	bool incoming = account && !component_is(&account->c, &email_outgoing_account);
	const char *scope = !oauth_flow(a)->person ? p->scope_alone : incoming ? p->scope_imap : p->scope_smtp;
	json_t *values = json_pack("{s:s, s:s}", "scope", scope, "mechanism", p->mechanism);
	if (*p->endpoint)
		json_object_set_new(values, "authServerMetadataEndpoint", json_string(p->endpoint));
	batch_set_json(b, c->handle, values, "");
	json_decref(values);
	if (account)
		set_server(b, &account->c, p);
	batch_submit(b, preset_done, inv);
	return 1;
}

/* --- disconnect --------------------------------------------------------------------------------------------------- */

static void revoked(struct oauth_authenticator *a, const struct https_answer *answer, const char *asked)
{
	(void)a, (void)answer, (void)asked; /* here it is forgotten in any case */
}

static int disconnect(struct component *c, struct invocation *inv)
{
	struct oauth_authenticator *a = oauth_of(c);
	struct oauth_form f = { .count = 0 };
	if (!oauth_flow(a)->person || !a->kept.refreshToken.sealed || !*a->kept.refreshToken.sealed)
		return err_set(&inv->err, E_CONFLICT, NULL, "There is no permission of a person to forget.");
	errand_cancel(&a->renewal);
	if (a->metadata.revocation_endpoint && a->running) { /* RFC 7009 */
		const struct secret *secret = oauth_flow(a)->client_secret ? oauth_flow(a)->client_secret(a) : NULL;
		struct err e;
		form_add(&f, "token_type_hint", "refresh_token");
		if (form_add_client(&f, a, secret, &e) == 0 &&
		    form_add_sealed(&f, "token", c->station->keyring, a->kept.refreshToken.sealed, &e) == 0)
			errand_post(&a->renewal, a->metadata.revocation_endpoint, &f, revoked);
		else
			form_finish(&f);
	}
	grant_record_remove(a);
	oauth_disconnected(a);
	return 0;
}

static const struct slot preset_arg = {
	.name = "preset", .kind = V_ENUM, .facets = FACETS(.range = preset_range), .doc = "The provider."
};
const struct action oauth_actions[] = {
	{ "usePreset", "Fills in what is known of a provider: endpoint, scope, and the account's server.", 0, &preset_arg,
	  use_preset },
	{ "disconnect",
	  "Forgets the permission of a person, and withdraws it at the authorization server where that is offered.",
	  SLOT_CONFIRM, NULL, disconnect },
	{ NULL, NULL, 0, NULL, NULL },
};
