/* SPDX-License-Identifier: Apache-2.0
 * The configuration as text: the tree as deterministic JSON, and back. The text holds what was configured and nothing that
 * lives: no values of links, drivers or clocks, no handles, no revisions. Secrets stand in it as references to where they
 * are ({"secret": "/path/slot"}), never as themselves. Engine thread. */
#ifndef BELFRY_CONFIG_H
#define BELFRY_CONFIG_H

#include "station/sheet/sheet.h"

enum { CONFIG_FORMAT = 1 };

/* The configuration at and below top: {"belfry": 1, "path": "/", "root": {name, type, displayName?, values?, links?,
 * children?}}; values only where they differ from the default. New reference. */
json_t *config_export(struct station *s, const struct component *top);
/* The text of it: keys sorted, one line for each value, the same for the same configuration. Owned. */
char *config_print(const json_t *config);

/* Collects into b what makes the tree what config says; everything wrong goes to the batch's report with pointers into
 * config. Services, users and the slots that nobody may set stay. secrets: {reference: plain text} for references that
 * lead nowhere in this station; may be NULL. 0, or E_INVALID when it is no configuration at all. */
int config_import(struct batch *b, struct station *s, const json_t *config, const json_t *secrets, struct err *e);

#endif
