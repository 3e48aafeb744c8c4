/* SPDX-License-Identifier: Apache-2.0
 * All types of the station, by name. This and main.c are the only places that may know everybody: a service leaves by
 * deleting its folder and its lines here. Bases come before what is built on them. */
#include "station/component.h"
#include "station/control/point.h"

const struct type *const station_types[] = {
	&baja_component,
	&baja_folder,
	NULL,
};
