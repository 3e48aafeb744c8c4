/* SPDX-License-Identifier: Apache-2.0
 * Reading mails from strangers. Bytes are parsed in a child process of their own for each mail, which may read what it
 * was given, write its answer, and nothing else: no file, no socket, bounded time and memory. What crashes it or keeps it
 * busy is tried once more and then quarantined: refused with a sentence, noted in the audit trail. Engine thread. */
#ifndef BELFRY_EMAIL_READER_H
#define BELFRY_EMAIL_READER_H

#include "services/email/reader/parsed_mail.h"
#include "station/station.h"

/* Called once, from the engine's loop, never inline. mail is borrowed, and NULL when *e says why it could not be read:
 *   E_TOO_LARGE, E_INVALID  it breaks a limit (size, nesting, ...): reading it again gives the same
 *   E_REFUSED               quarantined: it has ended the child twice
 *   E_BUSY                  the child could not be started, or the station ends: it may be tried again */
typedef void reader_done(void *context, const struct parsed_mail *mail, const struct err *e);

/* The reader of a station, owned by its EmailService: see email_reader() in email_inside.h. */
struct reader *reader_new(struct station *s);
/* Waits for the child that runs, if any; what waits is answered with E_BUSY. */
void reader_free(struct reader **reader);
/* Parses a message. One at a time, in the order of the calls. bytes: of malloc, taken. */
void reader_parse(struct reader *reader, char *bytes, size_t length, reader_done *done, void *context);

/* The child's side: `belfry --reader` and test programs come here as the first thing of main(). Reads a mail from standard
 * input, which is the socket it answers on, and ends the process. */
_Noreturn void reader_child(void);
#define READER_ARGUMENT "--reader"

#endif
