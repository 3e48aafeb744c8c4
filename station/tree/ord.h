/* SPDX-License-Identifier: Apache-2.0
 * Ords: addresses of components. "station:|slot:/Services/EmailService", "station:|h:2f", relative "slot:../Point".
 * Engine thread. */
#ifndef BELFRY_ORD_H
#define BELFRY_ORD_H

#include "station/tree/tree.h"

/* Finds what text means, seen from base (NULL: the root). NULL and a sentence in e when it leads nowhere. */
struct component *ord_resolve(struct station *s, struct component *base, const char *text, struct err *e);
/* Is it written as an ord can be? 0 or E_INVALID. */
int ord_check(const char *text, struct err *e);

#endif
