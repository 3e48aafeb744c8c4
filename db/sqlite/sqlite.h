/* SPDX-License-Identifier: Apache-2.0
 * The store on SQLite: DIR/station.db and DIR/history.db, each with one connection and one thread, so that no question
 * about histories ever waits in front of an alarm. WAL and an exclusive lock; synchronous=FULL for the station, NORMAL for
 * samples, of which a power cut may take the last second. Facts measured, see docs/internals/store.md. */
#ifndef BELFRY_DB_SQLITE_H
#define BELFRY_DB_SQLITE_H

#include "station/store/store.h"

/* Opens or makes DIR/station.db, migrates it, and checks it. Completions go to engine (borrowed). 0 and *out (closed by
 * its impl->close), or a code with a sentence: in use by another program, newer than this program, damaged. */
int sqlite_open(const char *directory, struct mailbox *engine, struct store **out, struct err *e);

/* The same for DIR/history.db. The station works without it. */
int sqlite_open_history(const char *directory, struct mailbox *engine, struct store **out, struct err *e);

#endif
