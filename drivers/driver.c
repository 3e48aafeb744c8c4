/* SPDX-License-Identifier: Apache-2.0
 * Network, device and proxy states: see driver.h. Engine thread. */
#include "drivers/driver.h"

#include <string.h>

#include "station/base/must.h"
#include "station/station.h"

#define COMMON_SLOTS(T)                                                                                                \
	SLOT_AT(T, c.status, "status", STATUS, .flags = SLOT_READONLY | SLOT_TRANSIENT | SLOT_SUMMARY,                     \
	        .doc = "Whether it works."),                                                                               \
	    SLOT(T, faultCause, STRING, .flags = SLOT_READONLY | SLOT_TRANSIENT,                                           \
	         .doc = "Why the status is not ok, and what to do about it."),                                             \
	    SLOT(T, enabled, BOOLEAN, .dflt = "true", .doc = "Off: everything below is disabled and left alone.")

static const struct slot network_slots[] = { COMMON_SLOTS(struct network), SLOT_END };
static const struct slot device_slots[] = {
	COMMON_SLOTS(struct device),
	SLOT(struct device, lastOkTime, ABSTIME, .dflt = "null", .flags = SLOT_READONLY | SLOT_TRANSIENT,
	     .doc = "When the device began to answer."),
	SLOT(struct device, lastFailTime, ABSTIME, .dflt = "null", .flags = SLOT_READONLY | SLOT_TRANSIENT,
	     .doc = "When the device last failed."),
	SLOT(struct device, lastFailCause, STRING, .flags = SLOT_READONLY | SLOT_TRANSIENT,
	     .doc = "Why the device last failed."),
	SLOT_END,
};

const struct type driver_network = {
	.name = "driver:Network",
	.doc = "A field bus; the base of all networks.",
	.size = sizeof(struct network),
	.base = &baja_component,
	.flags = TYPE_ABSTRACT | TYPE_CONTAINER,
	.slots = network_slots,
};
const struct type driver_device = {
	.name = "driver:Device",
	.doc = "A device on a field bus; the base of all devices.",
	.size = sizeof(struct device),
	.base = &baja_component,
	.flags = TYPE_ABSTRACT | TYPE_CONTAINER,
	.slots = device_slots,
};

bool driver_enabled(const struct component *c)
{
	for (; c; c = c->parent) {
		if (component_is(c, &control_proxy_ext) && !((const struct proxy_ext *)(const void *)c)->enabled)
			return false;
		if (component_is(c, &driver_device) && !((const struct device *)(const void *)c)->enabled)
			return false;
		if (component_is(c, &driver_network) && !((const struct network *)(const void *)c)->enabled)
			return false;
	}
	return true;
}

struct component *driver_above(struct component *c, const struct type *type)
{
	do
		c = c->parent;
	while (c && !component_is(c, type));
	return c;
}

static void set_text(struct component *c, const char *name, const char *text)
{
	struct value v = value_string(text);
	component_set(c, type_slot(c->type, name), &v);
}

static void set_now(struct component *c, const char *name)
{
	struct value v = value_abstime(station_now(c->station));
	component_set(c, type_slot(c->type, name), &v);
}

void device_ok(struct component *c)
{
	struct device *d = COMPONENT_AS(c, &driver_device, struct device);
	if (c->status.bits == STATUS_OK && d->lastOkTime.us != ABSTIME_NULL)
		return;
	set_text(c, "faultCause", "");
	set_now(c, "lastOkTime");
	component_set_status(c, STATUS_OK);
}

void device_fail(struct component *c, uint16_t status, const char *cause)
{
	struct device *d = COMPONENT_AS(c, &driver_device, struct device);
	if (c->status.bits == status && strcmp(d->faultCause, cause) == 0)
		return;
	set_text(c, "faultCause", cause);
	if (!(status & STATUS_DISABLED)) {
		set_text(c, "lastFailCause", cause);
		set_now(c, "lastFailTime");
	}
	component_set_status(c, status);
}

void proxy_ok(struct component *proxy)
{
	set_text(proxy, "faultCause", "");
	component_set_status(proxy, STATUS_OK);
}

void proxy_fail(struct component *proxy, uint16_t status, const char *cause)
{
	set_text(proxy, "faultCause", cause);
	component_set_status(proxy, status);
	if (proxy->parent)
		point_feed_status(proxy->parent, status);
}
