/* SPDX-License-Identifier: Apache-2.0
 * Shared by config_export.c and config_import.c: what of a component is configuration. Engine thread. */
#ifndef BELFRY_CONFIG_INSIDE_H
#define BELFRY_CONFIG_INSIDE_H

#include "station/link.h"
#include "station/slot.h"

/* Does the text hold such a slot at all? Not what is read-only or transient. */
bool config_holds(const struct slot *slot);
/* A slot that a link feeds holds what lives, not what was configured. */
bool config_is_linked(const struct component *c, const char *slot);
/* The slot's value as the text has it; NULL: it is the default. New reference. */
json_t *config_value(const struct component *c, const struct slot *slot);
json_t *config_link(const struct link *l, struct station *s);

#endif
