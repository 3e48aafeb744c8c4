/* SPDX-License-Identifier: Apache-2.0
 * WebService: what the web server listens on and which certificate it shows, as a component; and the tables of all routes.
 * Engine thread. */
#include <stdlib.h>
#include <string.h>

#include "services/trust/key_store.h"
#include "services/trust/trust.h"
#include "station/base/log.h"
#include "station/base/must.h"
#include "web/server.h"

struct web_service {
	struct component c;
	char *address, *httpsCert, *certificateFingerprint, *faultCause;
	int64_t httpsPort;
	/* not slots */
	struct web *web; /* borrowed; NULL while it does not run */
	struct observer observer;
	char *chain; /* owned; PEM of what is shown */
};

static const struct slot slots[] = {
	SLOT_AT(struct web_service, c.status, "status", STATUS, .flags = SLOT_READONLY | SLOT_TRANSIENT | SLOT_SUMMARY,
	        .doc = "Whether the web server runs; {fault} while it cannot show the certificate that is chosen."),
	SLOT(struct web_service, faultCause, STRING, .flags = SLOT_READONLY | SLOT_TRANSIENT,
	     .doc = "Why it cannot, and what to do."),
	SLOT(struct web_service, address, STRING, .flags = SLOT_READONLY | SLOT_TRANSIENT | SLOT_SUMMARY,
	     .doc = "Name or address and port that the station is reached at, as given with --listen."),
	SLOT(struct web_service, httpsPort, INTEGER, .flags = SLOT_READONLY | SLOT_TRANSIENT,
	     .doc = "TCP port of HTTPS, as given with --listen."),
	SLOT(struct web_service, httpsCert, STRING, .dflt = DEFAULT_ALIAS,
	     .facets = FACETS(.maxLength = 120, .names = NAMES_SERVER_KEY),
	     .doc = "Alias of the key in the User Key Store whose certificate browsers are shown; default is the station's "
	            "own. Connections that are made from now on see a new one."),
	SLOT(struct web_service, certificateFingerprint, STRING, .flags = SLOT_READONLY | SLOT_TRANSIENT,
	     .doc = "SHA-256 fingerprint of the certificate that browsers are shown; compare it with what yours says."),
	SLOT_END,
};

/* A line each, so that additions do not meet. */
/* clang-format off */
static const struct route *const tables[] = {
	session_routes,
	component_routes,
	batch_routes,
	link_routes,
	version_routes,
	type_routes,
	alarm_routes,
	ack_routes,
	mail_routes,
	oauth_routes,
	schedule_routes,
	history_routes,
	config_routes,
	search_routes,
	certificate_routes,
	key_routes,
	event_routes,
	health_routes,
	NULL,
};
/* clang-format on */

static struct web_service *service_of(struct station *s)
{
	struct component *c = station_service(s, &web_service);
	return c ? COMPONENT_AS(c, &web_service, struct web_service) : NULL;
}

static void set(struct web_service *service, const char *slot, struct value v)
{
	component_set(&service->c, type_slot(&web_service, slot), &v);
}

/* --- the certificate ------------------------------------------------------------------------------------------------ */

/* What is chosen, as connections are shown it. *out NULL: the station's own. 0 or a code and a sentence. */
static int choose(const struct web_service *service, struct shown **out, struct err *e)
{
	*out = NULL;
	if (strcmp(service->httpsCert, DEFAULT_ALIAS) == 0)
		return 0;
	struct trust_key *key = trust_key_get(service->c.station, service->httpsCert, e);
	if (key)
		*out = shown_new(key, e);
	trust_key_release(&key);
	return *out ? 0 : e->code;
}

static json_t *row_of(const struct web_service *service, const char *alias)
{
	struct trust_service *t = trust_service_of(service->c.station);
	return t ? key_store_row(t, alias) : NULL;
}

static const char *chain_in(const json_t *row)
{
	const char *chain = json_string_value(json_object_get(row, "chain"));
	return chain ? chain : "";
}

static bool is_shown(const struct web_service *service)
{
	json_t *row = row_of(service, service->httpsCert);
	bool same = row && service->chain && strcmp(chain_in(row), service->chain) == 0;
	json_decref(row);
	return same;
}

/* That key is shown from now on. */
static void keep(struct web_service *service, const char *alias)
{
	json_t *row = row_of(service, alias);
	const char *fingerprint = json_string_value(json_object_get(json_object_get(row, "fingerprints"), "sha256"));
	free(service->chain);
	service->chain = must_strdup(chain_in(row));
	set(service, "certificateFingerprint", value_string(fingerprint ? fingerprint : ""));
	json_decref(row);
}

static void tell(struct web_service *service, const struct err *fault)
{
	if (fault->code)
		log_error("httpsCert: %s", fault->text);
	set(service, "faultCause", value_string(fault->text));
	component_set_status(&service->c, fault->code ? STATUS_FAULT : STATUS_OK);
}

/* Another key was chosen, or the store has changed. What cannot be shown leaves the one before. */
static void look_again(struct web_service *service)
{
	struct err e = { 0 };
	struct shown *shown;
	if (!service->web)
		return;
	if (!is_shown(service) && choose(service, &shown, &e) == 0) {
		shown_change(service->web, shown);
		keep(service, service->httpsCert);
	}
	tell(service, &e);
}

static void value_changed(struct observer *o, struct component *c, const struct slot *slot)
{
	if (component_is(c, &trust_service) && strcmp(slot->name, "generation") == 0)
		look_again(container_of(o, struct web_service, observer));
}

/* --- the component -------------------------------------------------------------------------------------------------- */

static void check_around(const struct component *c, const struct batch *b, struct report *report)
{
	const struct web_service *now = (const struct web_service *)c, *next = (const struct web_service *)planned(b, c);
	const struct actor *who = planned_by(b);
	struct server_key_choice choice = { "httpsCert", next ? next->httpsCert : "", now->httpsCert,
		                                who ? who->host : "" };
	if (next && strcmp(choice.alias, choice.before) != 0)
		trust_server_key_check(c->station, &choice, report);
}

static void changed(struct component *c, const struct slot *slot)
{
	if (strcmp(slot->name, "httpsCert") == 0)
		look_again(COMPONENT_AS(c, &web_service, struct web_service));
}

static void fini(struct component *c)
{
	free(((struct web_service *)(void *)c)->chain);
}

const struct type web_service = {
	.name = "web:WebService",
	.doc = "Serves the user interface and REST over HTTPS.",
	.size = sizeof(struct web_service),
	.base = &baja_component,
	.flags = TYPE_SINGLETON,
	.slots = slots,
	.check_around = check_around,
	.changed = changed,
	.fini = fini,
};

/* --- start and end -------------------------------------------------------------------------------------------------- */

static void attach(struct web_service *service, struct web *web)
{
	service->web = web;
	service->observer.value = value_changed;
	station_observe(service->c.station, &service->observer);
	set(service, "address", value_string(web->address));
	set(service, "httpsPort", value_integer(web->port));
}

int web_start(struct station *s, const char *listen, const char *www, struct web **out, struct err *e)
{
	struct web_options options = { .listen = listen, .www = www, .tables = tables };
	struct web_service *service = service_of(s);
	struct err fault = { 0 };
	if (service)
		choose(service, &options.shown, &fault);
	int rc = server_start(s, &options, out, e);
	if (rc == 0 && service) {
		attach(service, *out);
		keep(service, fault.code ? DEFAULT_ALIAS : service->httpsCert);
		tell(service, &fault);
	}
	return rc;
}

void web_stop(struct web **w)
{
	struct web_service *service = *w ? service_of((*w)->station) : NULL;
	if (service) {
		station_unobserve(service->c.station, &service->observer);
		service->web = NULL;
	}
	if (*w)
		server_stop(w);
}
