/* SPDX-License-Identifier: Apache-2.0
 * The small frame under all field buses: a network holds devices, a device holds points, and under each point stands
 * the bus's own proxy extension. This says who is enabled, and carries a device's state to the points. Engine thread. */
#ifndef BELFRY_DRIVER_H
#define BELFRY_DRIVER_H

#include "station/control/point.h"

/* Base types "driver:Network" and "driver:Device". */
extern const struct type driver_network, driver_device;

struct network {
	struct component c;
	char *faultCause;
	bool enabled;
};
struct device {
	struct component c;
	char *faultCause, *lastFailCause;
	struct abstime lastOkTime, lastFailTime;
	bool enabled;
};

/* Are c and all networks, devices and proxies above it enabled? */
bool driver_enabled(const struct component *c);
/* The nearest component of that type above c: a proxy's device or network. NULL when there is none. */
struct component *driver_above(struct component *c, const struct type *type);

/* The device answers; and it does not, with a sentence that says why. Tell observers when that is new. */
void device_ok(struct component *device);
void device_fail(struct component *device, uint16_t status, const char *cause);

/* The proxy's value is good. A new reading still goes to the point by numeric_point_feed() or boolean_point_feed(). */
void proxy_ok(struct component *proxy);
/* It is not: status bits and a sentence for the proxy; the point keeps its last value with this status. */
void proxy_fail(struct component *proxy, uint16_t status, const char *cause);

#endif
