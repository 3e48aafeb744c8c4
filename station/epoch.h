/* SPDX-License-Identifier: Apache-2.0
 * Every start of the station is an epoch: records are numbered (station, epoch, sequence), so that numbers never collide,
 * whatever the clock does. The number stands in the database and, as a witness, in DIR/epoch beside it: a database that
 * knows of fewer starts than the witness is an older copy that somebody has put back. What it says of used tokens and of
 * sessions is then not to be believed (station->restored). Before the threads start. */
#ifndef BELFRY_EPOCH_H
#define BELFRY_EPOCH_H

#include "station/station.h"

/* Begins the next epoch: sets the station's numbers and `restored`, adds the row to tx. 0, or E_STORAGE and a sentence. */
int epoch_begin(struct station *s, struct store_tx *tx, struct err *e);
/* Writes the witness, once that row is on disk: a crash in between must not look like a restore. 0 or E_STORAGE. */
int epoch_witness(const struct station *s, struct err *e);

#endif
