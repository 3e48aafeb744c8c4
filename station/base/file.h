/* SPDX-License-Identifier: Apache-2.0
 * Small files that must be there whole or not at all: keys and certificates in the data directory. A file is written
 * beside its place, flushed, and moved there; the directory is flushed too. Any thread; blocks, so not the engine's
 * business once it runs. */
#ifndef BELFRY_FILE_H
#define BELFRY_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "station/base/err.h"

enum file_place { FILE_NEW /* E_CONFLICT when there is one already */, FILE_REPLACE };

/* Writes length bytes to path with exactly this mode; on disk when it returns 0. E_STORAGE and a sentence otherwise. */
int file_write(const char *path, const void *bytes, size_t length, mode_t mode, enum file_place place, struct err *e);
/* Reads a whole file of at most max bytes; owned and NUL-terminated, *length without the NUL (may be NULL).
 * NULL and E_NOT_FOUND, E_TOO_LARGE or E_STORAGE. */
char *file_read(const char *path, size_t max, size_t *length, struct err *e);

#endif
