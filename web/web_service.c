/* SPDX-License-Identifier: Apache-2.0
 * web:WebService: the web server as a component of the tree. Engine thread. */
#include "web/web.h"

static const struct slot slots[] = {
	SLOT_AT(struct component, status, "status", STATUS, .flags = SLOT_READONLY | SLOT_TRANSIENT | SLOT_SUMMARY, .doc = "State of the web server."),
	SLOT_END,
};

const struct type web_service = {
	.name = "web:WebService",
	.doc = "Serves the browser and REST over HTTPS. Address and port are given when the station is started.",
	.size = sizeof(struct component),
	.base = &baja_component,
	.flags = TYPE_SINGLETON,
	.slots = slots,
};
