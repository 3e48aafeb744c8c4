/* SPDX-License-Identifier: Apache-2.0
 * Rows beside the tree whose component has been removed: what was read of a mailbox, a person's grant. They outlive it until
 * the next start, so that undoing the removal finds them again. Mails of a removed account stay: they wait for one of its
 * name (outbox_explain). Engine thread. */
#ifndef BELFRY_EMAIL_ORPHAN_ROWS_H
#define BELFRY_EMAIL_ORPHAN_ROWS_H

#include "station/station.h"

/* At start, when the tree is whole. */
void orphan_rows_forget(struct station *s);

#endif
