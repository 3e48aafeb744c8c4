/* SPDX-License-Identifier: Apache-2.0
 * WebService: what the web server listens on, as a component; and the tables of all routes. Engine thread. */
#include <string.h>

#include "station/base/must.h"
#include "web/server.h"

struct web_service {
	struct component c;
	char *address, *certificateFingerprint;
	int64_t port;
};

static const struct slot slots[] = {
	SLOT_AT(struct web_service, c.status, "status", STATUS, .flags = SLOT_READONLY | SLOT_TRANSIENT | SLOT_SUMMARY,
	        .doc = "Whether the web server runs."),
	SLOT(struct web_service, address, STRING, .flags = SLOT_READONLY | SLOT_TRANSIENT | SLOT_SUMMARY,
	     .doc = "Name or address and port that the station is reached at, as given with --listen."),
	SLOT(struct web_service, port, INTEGER, .flags = SLOT_READONLY | SLOT_TRANSIENT, .doc = "TCP port of HTTPS."),
	SLOT(struct web_service, certificateFingerprint, STRING, .flags = SLOT_READONLY | SLOT_TRANSIENT,
	     .doc = "SHA-256 fingerprint of the certificate that browsers are shown; compare it with what yours says."),
	SLOT_END,
};

const struct type web_service = {
	.name = "web:WebService",
	.doc = "Serves the user interface and REST over HTTPS.",
	.size = sizeof(struct web_service),
	.base = &baja_component,
	.flags = TYPE_SINGLETON,
	.slots = slots,
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

static void set(struct component *c, const char *slot, struct value v)
{
	component_set(c, type_slot(&web_service, slot), &v);
}

int web_start(struct station *s, const char *listen, const char *www, struct web **out, struct err *e)
{
	struct web_options options = { .listen = listen, .www = www, .tables = tables };
	int rc = server_start(s, &options, out, e);
	struct component *c = station_service(s, &web_service);
	if (rc == 0 && c) {
		set(c, "address", value_string((*out)->address));
		set(c, "port", value_integer((*out)->port));
		set(c, "certificateFingerprint", value_string((*out)->fingerprint));
	}
	return rc;
}
