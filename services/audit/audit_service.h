/* SPDX-License-Identifier: Apache-2.0
 * audit:AuditService. Only types.c needs it. */
#ifndef BELFRY_AUDIT_SERVICE_H
#define BELFRY_AUDIT_SERVICE_H

#include "station/tree/component.h"

extern const struct type audit_service;

#endif
