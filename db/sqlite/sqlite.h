/* SPDX-License-Identifier: Apache-2.0
 * The store on SQLite: DIR/station.db, one connection, one thread. WAL with synchronous=FULL and an exclusive lock:
 * facts measured, see docs/internals/store.md. */
#ifndef BELFRY_DB_SQLITE_H
#define BELFRY_DB_SQLITE_H

#include "station/store.h"

/* Opens or makes DIR/station.db, migrates it, and checks it. Completions go to engine (borrowed). 0 and *out (closed by
 * its impl->close), or a code with a sentence: in use by another program, newer than this program, damaged. */
int sqlite_open(const char *directory, struct mailbox *engine, struct store **out, struct err *e);

#endif
