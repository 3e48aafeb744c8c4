/* SPDX-License-Identifier: Apache-2.0
 * PlatformService: the machine under the station, as points: real input everywhere. Engine thread. */
#ifndef BELFRY_PLATFORM_H
#define BELFRY_PLATFORM_H

#include "station/tree/component.h"

extern const struct type platform_service;

#endif
