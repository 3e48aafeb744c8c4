/* SPDX-License-Identifier: Apache-2.0
 * The ring of a transcript on disk: two files of bounded size in DIR/transcript, the older one thrown away when the newer
 * is full. Lines are gathered for a second and written on the thread pool, so that a slow disk holds nobody up; a kill
 * loses that second. When the disk refuses, the lines stay in memory only. Engine thread. */
#ifndef BELFRY_EMAIL_TRANSCRIPT_FILE_H
#define BELFRY_EMAIL_TRANSCRIPT_FILE_H

#include "station/station.h"

enum { TRANSCRIPT_FILE_BYTES = 256 * 1024 /* of each of the two files */ };

struct transcript_file;
/* handle names the files, so that they outlive a renaming. */
struct transcript_file *transcript_file_new(struct station *s, uint64_t handle);
/* Calls line for each line that is kept, oldest first; text is borrowed during the call. Reads the disk: at start only. */
void transcript_file_read(const struct transcript_file *f, void (*line)(void *context, const char *text),
                          void *context);
/* Adds a line without its end. */
void transcript_file_add(struct transcript_file *f, const char *text);
/* Writes what is gathered and lets go; removed: the account is gone, and so are its files. *f may be NULL, and is NULL
 * afterwards. */
void transcript_file_end(struct transcript_file **f, bool removed);

#endif
