/* SPDX-License-Identifier: Apache-2.0
 * Shared by config_export.c and config_import.c: what of a component is configuration. Engine thread. */
#ifndef BELFRY_CONFIG_INSIDE_H
#define BELFRY_CONFIG_INSIDE_H

#include "station/link/link.h"
#include "station/sheet/sheet.h"
#include "station/type/slot.h"

/* Does the text hold such a slot at all? Not what is read-only or transient. */
bool config_holds(const struct slot *slot);
/* A slot that a link feeds holds what lives, not what was configured. */
bool config_is_linked(const struct component *c, const char *slot);
/* The slot's value as the text has it; NULL: it is the default. New reference. */
json_t *config_value(const struct component *c, const struct slot *slot);
/* The links into c, by name: [{name, source, sourceSlot, targetSlot, enabled?: false}]. New reference. */
json_t *config_links(const struct component *c);

/* config_shape.c: is a piece of text what it should be? What is wrong goes to the report of b, with its pointer: also
 * members that mean nothing, so that a slip of the pen does not reset what it was to set. False: it is of no use. */
bool config_is_component(struct batch *b, const json_t *node, const char *pointer);
bool config_is_link(struct batch *b, const json_t *link, const char *pointer);
void config_whole(struct batch *b, const json_t *config);

#endif
