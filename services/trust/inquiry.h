/* SPDX-License-Identifier: Apache-2.0
 * Questions about trust that take more than a moment (reading the system bundle, verifying chains): they run on the
 * thread pool with copies of what they need, and answer on the engine thread, never inline. */
#ifndef BELFRY_TRUST_INQUIRY_H
#define BELFRY_TRUST_INQUIRY_H

#include "services/trust/trust_service.h"

/* The System Trust Store: an array of rows; with alias, the one row or E_NOT_FOUND. */
void inquire_system(struct trust_service *t, const char *alias, trust_done *done, void *context);
/* Allowed Hosts with `needed` in each row; with host, the one row or E_NOT_FOUND. */
void inquire_hosts(struct trust_service *t, const char *host, trust_done *done, void *context);
/* The roots have changed: tells the event stream which approvals are not needed any more. */
void inquire_superfluous(struct trust_service *t);

#endif
