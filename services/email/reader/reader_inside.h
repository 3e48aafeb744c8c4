/* SPDX-License-Identifier: Apache-2.0
 * The inside of the reader. All of this runs in the child (and in tests and the fuzzer), on hostile bytes; only reader.c is
 * the station's own side. GMime's objects are borrowed. */
#ifndef BELFRY_EMAIL_READER_INSIDE_H
#define BELFRY_EMAIL_READER_INSIDE_H

#include <gmime/gmime.h>

#include "services/email/reader/parsed_mail.h"

/* mail_shape.c: one pass over the raw bytes, in front of GMime: sizes and counts of header blocks, fields, parameters,
 * addresses and boundaries. Linear. 0 or E_INVALID. */
int mail_shape_check(const char *bytes, size_t length, struct err *e);

/* mail_headers.c: every header field that matters goes into m. */
void mail_read_headers(GMimeObject *message, struct parsed_mail *m);
/* A Message-ID in text, without <>, copied to *field; the first or the last one that stands there. */
void mail_read_id(const char *text, char **field, bool last);

/* mail_text.c: the text of a part as UTF-8, HTML turned into plain text with "> " in front of what is quoted. Owned by GLib;
 * NULL when it is no text. */
char *mail_part_text(GMimeObject *part);
char *mail_html_to_text(const char *html);

/* mail_report.c: a part of a multipart/report. */
void mail_read_report_part(GMimeObject *part, struct parsed_mail *m);

/* Copies a text of at most max bytes, valid and without control characters but those of `keep`, into *field. */
void mail_set_text(char **field, const char *text, size_t max, const char *keep);

/* sandbox.c: from now on this process may only work in memory, read and write what is open, and end; memory and time are
 * those that a mail of so many bytes takes. False: the kernel refuses that, and nothing may be parsed. Prepares what would
 * have to be opened later (character sets). */
bool sandbox_enter(size_t length);

#endif
