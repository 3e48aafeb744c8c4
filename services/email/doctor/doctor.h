/* SPDX-License-Identifier: Apache-2.0
 * The mail doctor: the action `diagnose` of every account. It examines the server with the settings of the sheet, or with
 * others that are only tried; when that fails it tries the other usual ports and TLS modes, without a login; and says
 * what is wrong and what would mend it. Engine thread. */
#ifndef BELFRY_EMAIL_DOCTOR_H
#define BELFRY_EMAIL_DOCTOR_H

#include "services/email/account/account.h"

/* The action and its argument: rows for an account's table. */
extern const struct slot doctor_argument;
int doctor_diagnose(struct component *c, struct invocation *inv);
/* The account stops: a diagnosis that runs is given up. */
void doctor_stop(struct email_account *a);

#endif
