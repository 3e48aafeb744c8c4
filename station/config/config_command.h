/* SPDX-License-Identifier: Apache-2.0
 * The commands of the command line about the configuration, as the station answers them: export, import, check.
 * Engine thread. */
#ifndef BELFRY_CONFIG_COMMAND_H
#define BELFRY_CONFIG_COMMAND_H

#include "station/console.h"

/* -> {print}: the configuration as text. */
void config_command_export(struct console_call *call);
/* {config, secrets?, reason?, dryRun?} -> {print}: what changes, a line each; or every error, a line each. */
void config_command_import(struct console_call *call);
/* -> {print} when all values, rules and links of the station are sound; else every finding, a line each. */
void config_command_check(struct console_call *call);

#endif
