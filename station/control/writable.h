/* SPDX-License-Identifier: Apache-2.0
 * Inside of the control points: what point.c and writable.c ask of each other. Engine thread. */
#ifndef BELFRY_WRITABLE_H
#define BELFRY_WRITABLE_H

#include "station/control/point.h"

/* A writable point hears whether its device can be reached. False: the point is not writable, nothing was done. */
bool writable_device_status(struct component *point, uint16_t status);
/* Sets out to *v (taken), with the alarm bits that it has. */
void point_publish(struct component *point, struct value *v);

#endif
